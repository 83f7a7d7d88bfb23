use super::*;
use crate::{Header, parse_address_list};
use proptest::prelude::*;

fn short(text: &str, limit: usize) {
    assert!(text.is_ascii() && text.ends_with("\r\n"), "{text:?}");
    for line in text.split_terminator("\r\n") {
        assert!(line.len() <= limit && !line.contains(['\r', '\n']), "{line:?}");
        assert!(!line.trim().is_empty());
    }
}

fn read(field: &str) -> String {
    Header::parse(field.as_bytes()).unwrap().text("X").unwrap()
}

#[test]
fn fields_fold_at_blanks_and_cannot_be_split() {
    assert_eq!(field("X-Ricevuta", "accettazione"), "X-Ricevuta: accettazione\r\n");
    assert_eq!(field("X", " a\r\nBcc: b@x\0 "), "X: a  Bcc: b@x\r\n");
    assert_eq!(field("X\r\nY:", "è"), "XY: ?\r\n");
    assert_eq!(field("X", ""), "X:\r\n");
    let id = format!("<{}@x.example>", "1".repeat(90));
    assert_eq!(field("Message-ID", &id), format!("Message-ID: {id}\r\n"), "what has no blank is not broken");
    let list = ["anna@comune.example"; 9].join(", ");
    let folded = field("To", &list);
    short(&folded, 78);
    assert_eq!(folded.replace("\r\n ", " ").trim_end(), format!("To: {list}"));
    assert_eq!(field("To", &format!("{}  b", "a".repeat(80))), format!("To: {}\r\n  b\r\n", "a".repeat(80)));
}

#[test]
fn quoted_strings_are_kept_whole_while_they_fit() {
    let from = format!("\"Per conto di: {}@comune.example\" <posta-certificata@gestore.example>", "a".repeat(40));
    assert_eq!(field("From", &from), format!("From: {}\r\n", from.replace("\" <", "\"\r\n <")));
    short(&field("X", &"\"a ".repeat(300)), 140);
    short(&field("X", &format!("\"{}\"", "a ".repeat(300))), 78);
}

#[test]
fn texts_are_encoded_only_where_needed() {
    assert_eq!(unstructured("Subject", "ACCETTAZIONE: prova"), "Subject: ACCETTAZIONE: prova\r\n");
    assert_eq!(
        unstructured("Subject", "ACCETTAZIONE: Perché è così, ok"),
        "Subject: ACCETTAZIONE: =?UTF-8?Q?Perch=C3=A9_=C3=A8_cos=C3=AC=2C?= ok\r\n"
    );
    assert_eq!(unstructured("Subject", "日本"), "Subject: =?UTF-8?B?5pel5pys?=\r\n");
    assert_eq!(unstructured("Subject", "=?a?q?b?="), "Subject: =?UTF-8?B?PT9hP3E/Yj89?=\r\n");
    assert_eq!(unstructured("Subject", "a\r\nBcc: b"), "Subject: a  Bcc: b\r\n");
    assert_eq!(unstructured("Subject", ""), "Subject:\r\n");
    short(&unstructured("Subject", &"è".repeat(300)), 76);
    short(&unstructured("Subject", &format!("POSTA CERTIFICATA: {}", "perché ".repeat(80))), 76);
    short(&unstructured("Subject", &"x".repeat(3000)), 76);
}

#[test]
fn names() {
    assert_eq!(phrase("Per conto di: a@b"), "\"Per conto di: a@b\"");
    assert_eq!(phrase("a\"b\\c"), "\"a\\\"b\\\\c\"");
    assert_eq!(phrase("Nicolò"), "=?UTF-8?Q?Nicol=C3=B2?=");
    assert_eq!(phrase("a\r\nb"), "\"a  b\"");
    assert_eq!(phrase(""), "\"\"");
}

#[test]
fn parameters() {
    assert_eq!(parameter("name", "a \"b\".pdf"), "name=\"a \\\"b\\\".pdf\"");
    assert_eq!(parameter("filename", "perché.pdf"), "filename*=UTF-8''perch%C3%A9.pdf");
    assert_eq!(parameter("name", "a\r\nb"), "name=\"a  b\"");
    let long = parameter("name", &"è".repeat(20));
    assert!(long.starts_with("name*0*=UTF-8''%C3%A8") && long.contains("; name*2*=%"), "{long}");
}

#[test]
fn latin1_replaces_typography_first() {
    assert_eq!(latin1("perché – l’uso “x” … 日€"), b"perch\xe9 - l'uso \"x\" ... ??");
}

#[test]
fn quoted_printable_is_text() {
    assert_eq!(quoted_printable(b"perch\xe9 \nno\r\n"), "perch=E9=20\r\nno\r\n");
    assert_eq!(quoted_printable(b"From a\n.\na=b"), "=46rom a\r\n=2E\r\na=3Db");
    assert_eq!(quoted_printable(&[b'a'; 76]), "a".repeat(76));
    assert_eq!(quoted_printable(&[b'a'; 77]), format!("{}=\r\naa", "a".repeat(75)));
    assert_eq!(quoted_printable(format!("{}.x", "a".repeat(75)).as_bytes()), format!("{}=\r\n=2Ex", "a".repeat(75)));
    assert_eq!(quoted_printable(b""), "");
}

#[test]
fn base64_in_lines() {
    assert_eq!(base64_lines(b""), "");
    assert_eq!(base64_lines(b"ciao"), "Y2lhbw==\r\n");
    let long = base64_lines(&[0; 58]);
    assert_eq!(long, format!("{}\r\nAA==\r\n", "A".repeat(76)));
}

proptest! {
    #[test]
    fn a_text_reads_back(text in "([ -~]|[ \u{0}-\u{1f}]|=\\?|è|日|\\PC){0,120}") {
        let written = unstructured("X", &text);
        prop_assert!(written.is_ascii());
        prop_assert_eq!(read(&written), clean(&text).trim().to_owned());
    }

    #[test]
    fn a_name_reads_back(text in "([ -~]|[\u{0}-\u{1f}\"\\\\]|=\\?|è|日|\\PC){0,120}") {
        let list = parse_address_list(&format!("{} <a@x.example>", phrase(&text))).unwrap();
        prop_assert_eq!(list.len(), 1);
        prop_assert_eq!(list[0].name.clone().unwrap_or_default(), clean(&text).trim().to_owned());
    }

    #[test]
    fn a_parameter_reads_back(value in "([ -~]|[\u{0}-\u{1f}\"\\\\]|=\\?|%|è|日|\\PC){0,120}") {
        let written = field("Content-Type", &format!("a/b; x=y; {}; z=w", parameter("name", &value)));
        short(&written, 700);
        let read = crate::ContentType::parse(&written.as_bytes()["Content-Type:".len()..written.len() - 2]).unwrap();
        prop_assert_eq!(read.params.len(), 3);
        prop_assert_eq!(read.param("name").unwrap(), clean(&value));
    }

    #[test]
    fn a_field_is_one_field(name in "\\PC{0,9}", value in any::<String>()) {
        let written = format!("A: b\r\n{}", field(&format!("X{name}"), &value));
        prop_assert_eq!(Header::parse(written.as_bytes()).unwrap().fields().len(), 2);
        prop_assert!(written.is_ascii());
    }

    #[test]
    fn encoded_texts_have_short_lines(text in "([èé日 ]{1,20}|[a-z]{1,60} ){1,60}") {
        short(&unstructured("Subject", &text), 78);
    }

    #[test]
    fn quoted_printable_reads_back(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'.'), Just(b' '), Just(b'a')], 0..300)) {
        let written = quoted_printable(&bytes);
        for line in written.split("\r\n") {
            prop_assert!(line.len() <= 76 && line.is_ascii() && !line.ends_with([' ', '\t']), "{:?}", line);
            prop_assert!(!line.starts_with('.') && !line.starts_with("From ") && !line.contains(['\r', '\n']));
        }
        let back = crate::decode::quoted_printable(written.as_bytes(), usize::MAX).unwrap();
        let lines = |b: &[u8]| b.split(|&b| b == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
        let bare = |mut l: Vec<u8>| { if l.last() == Some(&b'\r') { l.pop(); } l };
        let n = lines(&bytes).len();
        let expected: Vec<_> = lines(&bytes).into_iter().enumerate().map(|(i, l)| if i + 1 < n { bare(l) } else { l }).collect();
        let got: Vec<_> = lines(&back).into_iter().enumerate().map(|(i, l)| if i + 1 < n { bare(l) } else { l }).collect();
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn base64_reads_back(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(crate::decode::base64(base64_lines(&bytes).as_bytes(), 300).unwrap(), bytes);
    }

    #[test]
    fn latin1_of_latin1_is_itself(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let text: String = bytes.iter().map(|&b| char::from(b)).collect();
        prop_assert_eq!(latin1(&text), bytes);
    }
}
