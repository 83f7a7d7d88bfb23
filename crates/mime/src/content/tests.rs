use super::*;
use proptest::prelude::*;

fn kind(raw: &str) -> ContentType {
    ContentType::parse(raw.as_bytes()).unwrap_or_else(|| panic!("{raw:?}"))
}

fn name(raw: &str) -> Option<String> {
    kind(&format!(" a/b; {raw}")).param("name").map(str::to_owned)
}

#[test]
fn types_and_parameters() {
    let t = kind(
        " Multipart/SIGNED; protocol=\"application/pkcs7-signature\";\r\n\tmicalg=sha-256; Boundary=\"a b\\\"c\" ",
    );
    assert_eq!((t.kind.as_str(), t.sub.as_str()), ("multipart", "signed"));
    assert!(t.is("multipart/Signed") && !t.is("multipart/mixed") && !t.is("multipart"));
    assert_eq!(t.param("BOUNDARY"), Some("a b\"c"));
    assert_eq!(t.param("micalg"), Some("sha-256"));
    assert_eq!(t.params.len(), 3);
    let t = kind("(x) text (y;z) / plain (k) ; charset (a) = us-ascii (Plain; text)");
    assert_eq!(t.params, [("charset".to_owned(), "us-ascii".to_owned())]);
    assert_eq!(kind("text/html;;; charset=utf-8;").param("charset"), Some("utf-8"));
    assert_eq!(kind("text/html charset=utf-8").params, []);
    assert_eq!(name("name=una fattura (1).pdf; x=y").as_deref(), Some("una fattura"));
    assert_eq!(name("name=fattura(1).pdf").as_deref(), Some("fattura(1).pdf"));
    assert_eq!(name("name=\"open").as_deref(), Some("open"));
    assert_eq!(name("name=\"a\"; name=b").as_deref(), Some("a"));
    for none in ["", "text", "/plain", "text/", "; a=b", "\"text\"/plain", "text /"] {
        assert_eq!(ContentType::parse(none.as_bytes()), None, "{none:?}");
    }
}

#[test]
fn rfc_2231() {
    for (raw, expected) in [
        ("name*=utf-8'it'perch%C3%A9.pdf", Some("perché.pdf")),
        ("name*=iso-8859-1''perch%E9", Some("perché")),
        ("name*=perch%C3%A9", Some("perché")),
        ("name*0=uno; name*1=\" due\"; name*2=.pdf", Some("uno due.pdf")),
        ("name*2=c; name*0=a; name*1=b", Some("abc")),
        ("name*0*=utf-8''%C3; name*1*=%A8; name*2=%41", Some("è%41")),
        ("name*0=a; name*2=c", Some("a")),
        ("name*1=b; name*2=c", None),
        ("name*1=b; name=x", Some("x")),
        ("name=x; name*0=a; name*1=b", Some("ab")),
        ("name=x; name*0=a; name*=utf-8''z", Some("z")),
        ("name*0=a; name*0=b", Some("a")),
        ("name*00=a; name*01=b", None),
        ("name*99999999999=a; name*-1=b; name*x=c; *0=d; *=e", None),
        ("name*=utf-8''a%0D%0AX: b", Some("a  X: b")),
        ("name*=utf-8''%ZZ%4", Some("%ZZ%4")),
        ("name=\"=?utf-8?Q?perch=C3=A9=0D=0A?=\"", Some("perché  ")),
        ("name==?utf-8?B?w6g=?=", Some("è")),
    ] {
        assert_eq!(name(raw).as_deref(), expected, "{raw:?}");
    }
    assert_eq!(kind("a/b; boundary=\"=?utf-8?Q?a?=\"").param("boundary"), Some("=?utf-8?Q?a?="));
}

#[test]
fn dispositions_and_encodings() {
    let d = Disposition::parse(b" Attachment; filename=\"a.pdf\"").unwrap();
    assert_eq!((d.kind.as_str(), d.param("FileName")), ("attachment", Some("a.pdf")));
    assert_eq!(Disposition::parse(b" ; filename=a"), None);
    for (raw, e) in [
        (" BASE64 (x)", Encoding::Base64),
        ("quoted-printable", Encoding::QuotedPrintable),
        ("8BIT", Encoding::EightBit),
        ("binary", Encoding::Binary),
        ("7bit", Encoding::SevenBit),
        ("", Encoding::SevenBit),
        ("X-uuencode", Encoding::Other("x-uuencode".into())),
    ] {
        assert_eq!(Encoding::parse(raw.as_bytes()), e, "{raw:?}");
        assert_eq!(Encoding::parse(e.as_str().as_bytes()), e);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_value(raw in prop::collection::vec(prop_oneof![
        Just(b"a/b; ".to_vec()), Just(b"name".to_vec()), Just(b"*0*=".to_vec()), Just(b"*1".to_vec()), Just(b"=".to_vec()), Just(b";".to_vec()),
        Just(b"\"".to_vec()), Just(b"\\".to_vec()), Just(b"(".to_vec()), Just(b")".to_vec()), Just(b"utf-8''".to_vec()), Just(b"%0D%0A".to_vec()),
        prop::collection::vec(any::<u8>(), 0..5)], 0..20)) {
        let raw = raw.concat();
        let params = ContentType::parse(&raw).map(|t| t.params).into_iter().chain(Disposition::parse(&raw).map(|d| d.params));
        for (name, value) in params.flatten() {
            prop_assert!(!name.is_empty() && !value.chars().any(char::is_control));
        }
        Encoding::parse(&raw);
    }

    #[test]
    fn sections_in_any_order(value in "[a-z0-9è ]{1,60}", size in 1usize..9, seed in any::<u64>()) {
        let chars: Vec<char> = value.chars().collect();
        let mut sections: Vec<String> = chars.chunks(size).enumerate()
            .map(|(i, c)| format!("name*{i}=\"{}\"", c.iter().collect::<String>())).collect();
        let n = sections.len();
        for i in 0..n {
            sections.swap(i, (seed as usize).wrapping_mul(i + 7) % n);
        }
        prop_assert_eq!(name(&sections.join(";")), Some(value));
    }
}
