use proptest::prelude::*;
use sigillo_mime::Piece;
use sigillo_smime::sha1;

use super::*;
use crate::fixtures::SUBMITTED;

fn hex(body: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&sha1(body))
}

#[test]
fn a_brief_receipt_holds_hashes_for_attachments() {
    let source = [b"before".as_slice(), SUBMITTED.as_bytes(), b"after"].concat();
    let range = 6..6 + SUBMITTED.len();
    let out = brief(&source, range).unwrap().to_bytes(&source);
    let hash = data_encoding::HEXLOWER.encode(&sha1(b"JVBERi0xLjQK"));
    let expected = SUBMITTED.replace(
        "Content-Type: application/pdf; name=\"fattura.pdf\"\r\n\
         Content-Transfer-Encoding: base64\r\n\
         Content-ID: <uno@x>\r\n\r\nJVBERi0xLjQK",
        &format!(
            "Content-ID: <uno@x>\r\n\
             Content-Type: text/plain; charset=us-ascii;\r\n\tname=\"fattura.pdf.hash\"\r\n\
             Content-Transfer-Encoding: 7bit\r\n\
             Content-Disposition: attachment;\r\n\tfilename=\"fattura.pdf.hash\"\r\n\r\n{hash}"
        ),
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

fn brief_of(message: &str) -> String {
    let out = brief(message.as_bytes(), 0..message.len()).unwrap();
    String::from_utf8(out.to_bytes(message.as_bytes())).unwrap()
}

#[test]
fn a_brief_receipt_by_type_of_original() {
    let parts = |top: &str| {
        format!(
            "Content-Type: {top}; boundary=\"o\"\r\n\r\n--o\r\n\
             Content-Type: multipart/mixed; boundary=\"i\"\r\n\r\n--i\r\n\r\ntesto\r\n--i\r\n\
             Content-Type: message/rfc822\r\n\r\nSubject: dentro\r\n\r\nx\r\n--i--\r\n\r\n--o\r\n\
             Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n\r\nAAAA\r\n--o--\r\n"
        )
    };
    let enclosed = data_encoding::HEXLOWER.encode(&sha1(b"Subject: dentro\r\n\r\nx"));
    let signed = brief_of(&parts("multipart/signed"));
    assert!(signed.contains(&enclosed) && signed.contains("\"messaggio.eml.hash\"") && signed.contains("testo"));
    assert!(signed.contains("name=\"smime.p7s\"\r\n\r\nAAAA"), "the signature stays: {signed}");
    let mixed = brief_of(&parts("multipart/mixed"));
    assert!(mixed.contains("smime.p7s.hash") && !mixed.contains("AAAA"));

    let opaque = "Content-Type: application/pkcs7-mime; name=\"smime.p7m\"\r\n\r\nMIIB\r\n";
    assert_eq!(brief_of(opaque), opaque);
    let single = brief_of("Subject: x\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\nJVBE\r\n");
    assert!(single.starts_with("Subject: x\r\nContent-Type: text/plain"), "{single}");
    assert!(single.contains(&data_encoding::HEXLOWER.encode(&sha1(b"JVBE\r\n"))));
    let named = brief_of("Content-Type: application/pdf; name*=utf-8''perch%C3%A9.pdf\r\n\r\nx");
    assert!(named.contains("name*=UTF-8''perch%C3%A9.pdf.hash"), "{named}");
    let tree = sigillo_mime::parse(named.as_bytes()).unwrap();
    assert_eq!(tree.file_name(), Some("perché.pdf.hash"));
}

/// Which parts the rules replace, told apart from the code: the original's own type decides first (rules 4 and 5), then
/// names and enclosed messages (rule 1); a multipart that has parts is structure (rule 2).
fn replaced(root: &Part) -> Vec<&Part> {
    let opaque = ["application/pkcs7-mime", "application/x-pkcs7-mime"].iter().any(|t| root.is(t));
    let mut open = if opaque { Vec::new() } else { vec![root] };
    if root.is("multipart/signed") && !opaque {
        open = root.children.iter().take(1).collect();
    }
    let mut found = Vec::new();
    while let Some(part) = open.pop() {
        if part.content_type.kind == "multipart" && !part.children.is_empty() {
            open.extend(part.children.iter().rev());
        } else if part.file_name().is_some() || part.is("message/rfc822") {
            found.push(part);
        }
    }
    found
}

/// Everything that the rules promise about any original.
fn check(original: &[u8]) -> Vec<u8> {
    let out = brief(original, 0..original.len()).unwrap();
    let written = out.to_bytes(original);
    let Ok(tree) = sigillo_mime::parse(original) else {
        assert_eq!(written, original, "what cannot be read stays");
        return written;
    };
    let replaced = replaced(&tree);
    // What is not referred to is exactly the replaced parts.
    let mut gaps = Vec::new();
    let mut at = 0;
    for piece in &out.pieces {
        if let Piece::Source(range) = piece {
            assert!(at <= range.start, "in order");
            gaps.push(at..range.start);
            at = range.end;
        }
    }
    gaps.push(at..original.len());
    gaps.retain(|gap| !gap.is_empty());
    let expected: Vec<_> = replaced.iter().map(|p| p.whole()).filter(|r| !r.is_empty()).collect();
    assert_eq!(gaps, expected);
    // Read again it has the same structure, with hashes where attachments were.
    let again = sigillo_mime::parse(&written).unwrap();
    compare((original, &tree), (&written, &again), &replaced);
    written
}

fn compare((original, old): (&[u8], &Part), (written, new): (&[u8], &Part), replaced: &[&Part]) {
    if replaced.iter().any(|r| std::ptr::eq(*r, old)) {
        assert!(new.is("text/plain"), "{new:?}");
        assert_eq!(&written[new.body.clone()], hex(&original[old.body.clone()]).as_bytes());
        let name: String = old.file_name().unwrap_or("messaggio.eml").chars().take(255).collect();
        for value in [new.content_type.param("name"), new.disposition.as_ref().and_then(|d| d.param("filename"))] {
            assert_eq!(value, Some(format!("{name}.hash").as_str()));
        }
        return;
    }
    assert_eq!(original[old.header.clone()], written[new.header.clone()]);
    assert_eq!(old.children.len(), new.children.len(), "{old:?}");
    if old.children.is_empty() {
        assert_eq!(original[old.body.clone()], written[new.body.clone()]);
    }
    for (old, new) in old.children.iter().zip(&new.children) {
        compare((original, old), (written, new), replaced);
    }
}

/// A multipart of these parts, each with its header and body.
fn multipart(kind: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|p| format!("--b\r\n{p}\r\n")).collect();
    format!("Subject: x\r\nContent-Type: multipart/{kind}; boundary=b\r\n\r\nprologo\r\n{parts}--b--\r\nepilogo\r\n")
}

/// What a case is, the original, and the names and bodies that are replaced in it.
type Shape = (&'static str, String, &'static [(&'static str, &'static str)]);

const PDF: &str =
    "Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBE\r\nRi0x\r\n";
const TEXT: &str = "Content-Type: text/plain\r\n\r\ntesto";

/// A multipart to stand inside another.
fn inner(kind: &str, parts: &[&str]) -> String {
    multipart(kind, parts).replace("=b\r\n", "=i\r\n").replace("--b", "--i")
}

/// Parts in parts.
fn structures() -> Vec<Shape> {
    let signature = "Content-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nMII=";
    let (inner, signed) = (inner("alternative", &[TEXT, PDF]), inner("signed", &[TEXT, signature]));
    let message = |fields: &str| format!("{fields}\r\n\r\nSubject: dentro\r\n\r\n--b non e' un confine\r\n");
    vec![
        ("no attachment", multipart("mixed", &[TEXT, TEXT]), &[]),
        ("encoded body, hashed as it is", multipart("mixed", &[TEXT, PDF]), &[("a.pdf", "JVBE\r\nRi0x\r\n")]),
        (
            "quoted-printable body",
            multipart(
                "mixed",
                &[
                    "Content-Type: text/csv; name=a.csv\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=\r\nc",
                ],
            ),
            &[("a.csv", "a=3Db=\r\nc")],
        ),
        (
            "nested multiparts",
            multipart("mixed", &[&inner, PDF]),
            &[("a.pdf", "JVBE\r\nRi0x\r\n"), ("a.pdf", "JVBE\r\nRi0x\r\n")],
        ),
        (
            "a message without a name",
            multipart("mixed", &[&message("Content-Type: message/rfc822")]),
            &[("messaggio.eml", "Subject: dentro\r\n\r\n--b non e' un confine\r\n")],
        ),
        (
            "a message with a name",
            multipart("mixed", &[&message("Content-Type: message/rfc822; name=\"inoltro.eml\"")]),
            &[("inoltro.eml", "Subject: dentro\r\n\r\n--b non e' un confine\r\n")],
        ),
        (
            "messages of a digest",
            multipart("digest", &["\r\nA: b\r\n\r\nc", "\r\nA: d\r\n"]),
            &[("messaggio.eml", "A: b\r\n\r\nc"), ("messaggio.eml", "A: d\r\n")],
        ),
        ("a signed part inside another", multipart("mixed", &[&signed]), &[("smime.p7s", "MII=")]),
        (
            "an enveloped part inside another",
            multipart("mixed", &["Content-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\nMII="]),
            &[("smime.p7m", "MII=")],
        ),
    ]
}

/// Names, and bodies at their edges.
fn leaves() -> Vec<Shape> {
    let inner = inner("alternative", &[TEXT, PDF]);
    vec![
        ("a part without a name", multipart("mixed", &["Content-Type: application/pdf\r\n\r\nJVBE"]), &[]),
        (
            "a name in the disposition only",
            multipart("mixed", &["Content-Disposition: attachment; filename=a.bin\r\n\r\nx"]),
            &[("a.bin", "x")],
        ),
        (
            "an inline image",
            multipart(
                "related",
                &[
                    "Content-Type: image/png; name=logo.png\r\nContent-Disposition: inline\r\nContent-ID: <l>\r\n\r\niVBO",
                ],
            ),
            &[("logo.png", "iVBO")],
        ),
        (
            "a text with a name",
            multipart("mixed", &["Content-Type: text/plain; name=corpo.txt\r\n\r\ntesto"]),
            &[("corpo.txt", "testo")],
        ),
        (
            "a multipart with a name is structure",
            multipart("mixed", &[&inner.replacen("alternative", "mixed; name=cartella", 1)]),
            &[("a.pdf", "JVBE\r\nRi0x\r\n")],
        ),
        (
            "one without parts is an attachment",
            multipart("mixed", &["Content-Type: multipart/mixed; boundary=z; name=vuoto\r\n\r\nniente"]),
            &[("vuoto", "niente")],
        ),
        ("an empty attachment", multipart("mixed", &["Content-Type: a/b; name=vuoto\r\n"]), &[("vuoto", "")]),
        ("a header and nothing more", multipart("mixed", &["Content-Type: a/b; name=vuoto"]), &[("vuoto", "")]),
        (
            "the last boundary is missing",
            multipart("mixed", &[PDF]).replace("--b--\r\nepilogo\r\n", ""),
            &[("a.pdf", "JVBE\r\nRi0x\r\n\r\n")],
        ),
        ("line feeds alone", multipart("mixed", &[TEXT, PDF]).replace("\r\n", "\n"), &[("a.pdf", "JVBE\nRi0x\n")]),
        (
            "a boundary that begins like another",
            multipart("mixed", &["Content-Type: a/b; name=n\r\n\r\n--bb\r\n--b-\r\n --b\r\n--b--x"]),
            &[("n", "--bb\r\n--b-\r\n --b\r\n--b--x")],
        ),
    ]
}

#[test]
fn every_shape_that_the_rules_name() {
    for (what, original, expected) in structures().into_iter().chain(leaves()) {
        let written = String::from_utf8(check(original.as_bytes())).unwrap();
        assert_eq!(written.matches("charset=us-ascii").count(), expected.len(), "{what}: {written}");
        let mut from = 0;
        for (name, body) in expected {
            for wanted in [format!("\"{name}.hash\""), hex(body.as_bytes())] {
                let at = written[from..].find(&wanted);
                from += at.unwrap_or_else(|| panic!("{what}: {wanted} in\n{written}"));
            }
        }
    }
}

#[test]
fn types_that_are_decided_at_the_top() {
    let pdf = "Content-Type: application/pdf; name=a.pdf\r\n\r\nJVBE";
    let signature = "Content-Type: application/x-pkcs7-signature; name=smime.p7s\r\n\r\nMII=";
    let written = check(multipart("signed", &[pdf, signature]).as_bytes());
    let text = String::from_utf8(written).unwrap();
    assert!(text.contains("a.pdf.hash") && text.contains(signature) && !text.contains("smime.p7s.hash"), "{text}");
    for opaque in ["application/pkcs7-mime", "application/x-pkcs7-mime", "Application/PKCS7-MIME"] {
        let original = format!("Content-Type: {opaque}; smime-type=signed-data; name=smime.p7m\r\n\r\nMII=\r\n");
        assert_eq!(check(original.as_bytes()), original.as_bytes());
    }
    let message = "Subject: x\r\nContent-Type: message/rfc822\r\nX-Resta: si\r\n\r\nA: b\r\n\r\nc";
    let text = String::from_utf8(check(message.as_bytes())).unwrap();
    assert!(text.starts_with("Subject: x\r\nX-Resta: si\r\nContent-Type: text/plain"), "{text}");
}

#[test]
fn names_in_every_form() {
    let accented = "perch\u{e9}.pdf";
    for (fields, name) in [
        ("Content-Type: a/b; name=\"con \\\"virgolette\\\"; e altro.pdf\"", "con \"virgolette\"; e altro.pdf"),
        ("Content-Type: a/b; name*=utf-8'it'perch%C3%A9.pdf", accented),
        ("Content-Type: a/b; name*=iso-8859-1''perch%E9.pdf", accented),
        ("Content-Type: a/b; name*0*=utf-8''perch%C3; name*1*=%A9.p; name*2=df", accented),
        ("Content-Type: a/b; name=\"=?utf-8?Q?perch=C3=A9=2Epdf?=\"", accented),
        ("Content-Disposition: attachment; filename=\"=?iso-8859-1?B?cGVyY2jpLnBkZg==?=\"", accented),
        ("Content-Disposition: attachment; filename=perch\u{e9}.pdf", accented),
        ("Content-Type: a/b; name=uno.pdf\r\nContent-Disposition: inline; filename=due.pdf", "due.pdf"),
        ("Content-Type: a/b; name=uno.pdf\r\nContent-Disposition: inline", "uno.pdf"),
        ("Content-Type: a/b;\r\n\tname=piegato.pdf", "piegato.pdf"),
        ("content-type : a/b; NAME=minuscole.pdf", "minuscole.pdf"),
        ("Content-Type: a/b; name=\"\"", ""),
        ("Content-Type: a/b; name=\"=?a\"", "=?a"),
    ] {
        let original = multipart("mixed", &[&format!("X-Prima: 1\r\n{fields}\r\nX-Dopo: 2\r\n\r\nx")]);
        let written = check(original.as_bytes());
        let tree = sigillo_mime::parse(&written).unwrap();
        assert_eq!(tree.children[0].file_name(), Some(format!("{name}.hash").as_str()), "{fields}");
        let text = String::from_utf8(written).unwrap();
        assert!(text.contains("--b\r\nX-Prima: 1\r\nX-Dopo: 2\r\nContent-Type: text/plain"), "{text}");
    }
    let latin1 = [b"Content-Type: a/b; name=perch".as_slice(), b"\xe9.pdf\r\n\r\nx"].concat();
    assert_eq!(sigillo_mime::parse(&check(&latin1)).unwrap().file_name(), Some("perch\u{e9}.pdf.hash"));
    for long in ["\u{e8}".repeat(3000), "a".repeat(3000)] {
        let written = check(format!("Content-Type: a/b; name=\"{long}\"\r\n\r\nx").as_bytes());
        assert!(written.split(|b| *b == b'\n').all(|line| line.len() < 998), "lines stay short");
    }
}

/// The tree puts such a part before the line end of the boundary line above it.
#[test]
fn a_part_of_no_bytes_at_all_does_not_spoil_the_boundary() {
    let original = "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n--b\r\n--b--\r\n";
    let text = String::from_utf8(check(original.as_bytes())).unwrap();
    assert_eq!(text.matches("--b\r\nContent-Type: text/plain").count(), 2, "{text}");
}

#[test]
fn an_original_that_cannot_be_read_stays_whole() {
    let original = format!("Subject: {}\r\n\r\nx", "a".repeat(300 * 1024));
    assert_eq!(check(original.as_bytes()), original.as_bytes());
    assert!(matches!(brief(b"abc", 1..9), Err(Error::Range)));
}

/// Bytes that are more often MIME than chance would have it.
fn message() -> impl Strategy<Value = Vec<u8>> {
    const WORDS: [&str; 22] = [
        "\r\n",
        "\r\n\r\n",
        "\n",
        "--b\r\n",
        "--b--\r\n",
        "--i\r\n",
        "--i--",
        "\r\n--b\r\n",
        "\n--i\n",
        "x",
        " ",
        "Subject: x\r\n",
        "Content-ID: <1>\n",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
        "Content-Type: multipart/digest; boundary=i; name=d\r\n\r\n--i\r\n",
        "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n",
        "Content-Type: message/rfc822\r\n\r\n",
        "Content-Type: a/b; name=n.pdf\r\n",
        "Content-Type: application/pkcs7-mime; name=p\r\n\r\n",
        "Content-Disposition: attachment; filename*=utf-8''%C3%A8",
        "content-transfer-encoding: base64\r\n\r\n",
        "no field\r\n",
    ];
    let piece = prop_oneof![
        9 => proptest::sample::select(WORDS.as_slice()).prop_map(|w| w.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn any_original_keeps_every_byte_outside_its_attachments(original in message()) {
        check(&original);
    }
}
