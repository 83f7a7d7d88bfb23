use super::*;
use crate::Encoding;

/// The shape of a signed transport envelope (RFC 6109 §4.3).
const ENVELOPE: &str = concat!(
    "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n micalg=sha-256; boundary=\"A\"\r\n\r\n",
    "This is an S/MIME signed message\r\n\r\n",
    "--A\r\nContent-Type: multipart/mixed; boundary=\"B\"\r\n\r\n",
    "--B\r\nContent-Type: text/plain; charset=\"iso-8859-1\"\r\nContent-Disposition: inline\r\n",
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E8 stato accettato\r\n",
    "--B\r\nContent-Type: application/xml; name=\"daticert.xml\"\r\nContent-Transfer-Encoding: base64\r\n",
    "Content-Disposition: inline; filename=\"daticert.xml\"\r\n\r\nPHgvPg==\r\n\r\n",
    "--B\r\nContent-Type: message/rfc822; name=\"postacert.eml\"\r\nContent-Disposition: inline; filename=\"postacert.eml\"\r\n\r\n",
    "Subject: originale\r\n\r\ncorpo\r\n\r\n--B--\r\n\r\n",
    "--A\r\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n",
    "--A--\r\n",
);

#[test]
fn an_envelope() {
    let bytes = ENVELOPE.as_bytes();
    let root = parse(bytes).unwrap();
    assert!(root.is("multipart/signed"));
    assert_eq!(root.whole(), 0..bytes.len());
    let [mixed, signature] = &root.children[..] else { panic!("{root:?}") };
    let signed = &ENVELOPE[mixed.whole()];
    assert!(signed.starts_with("Content-Type: multipart/mixed"), "the signed part begins after the boundary line");
    assert!(signed.ends_with("--B--\r\n"), "and ends before the line end that belongs to the next one");
    assert_eq!(signature.file_name(), Some("smime.p7s"));
    assert_eq!(signature.decoded(bytes, 3).unwrap(), [0; 3]);
    let [text, data, original] = &mixed.children[..] else { panic!("{mixed:?}") };
    assert_eq!(text.text(bytes, 99).unwrap(), "è stato accettato");
    assert_eq!(text.disposition.as_ref().unwrap().kind, "inline");
    assert_eq!(text.encoding, Encoding::QuotedPrintable);
    assert_eq!(data.file_name(), Some("daticert.xml"));
    assert_eq!(data.decoded(bytes, 99).unwrap(), b"<x/>");
    assert_eq!(&ENVELOPE[original.body.clone()], "Subject: originale\r\n\r\ncorpo\r\n");
    let [inner] = &original.children[..] else { panic!("{original:?}") };
    assert_eq!(inner.whole(), original.body);
    assert_eq!(&ENVELOPE[inner.header.clone()], "Subject: originale\r\n\r\n");
    assert!(inner.is("text/plain"));
    let kinds: Vec<_> = root.walk().map(|p| p.content_type.sub.as_str()).collect();
    assert_eq!(kinds, ["signed", "mixed", "plain", "xml", "rfc822", "plain", "pkcs7-signature"]);
}

#[test]
fn parts_of_a_digest_are_messages() {
    let message = "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: uno\r\n\r\nx\r\n--b\r\nContent-Type: text/html\r\n\r\ny\r\n--b--\r\n";
    let root = parse(message.as_bytes()).unwrap();
    assert!(root.children[0].is("message/rfc822") && root.children[1].is("text/html"));
    assert_eq!(&message[root.children[0].children[0].body.clone()], "x");
}

#[test]
fn what_cannot_be_read_has_the_defaults() {
    for head in ["", "Content-Type: nonsense\r\n", "Content-Type:\r\n", "X: y\r\n"] {
        let message = format!("{head}\r\nbody");
        let part = parse(message.as_bytes()).unwrap();
        assert_eq!(part.content_type, ContentType::text_plain(), "{head:?}");
        assert_eq!(&message[part.body], "body");
    }
    let part = parse(b"Content-Type: text/html\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n").unwrap();
    assert!(part.is("text/html") && part.children.is_empty(), "of repeated fields the first counts");
}

#[test]
fn an_enclosed_message_may_stay_a_leaf() {
    let (all, outer) = (parse(ENVELOPE.as_bytes()).unwrap(), parse_outer(ENVELOPE.as_bytes()).unwrap());
    let ranges = |root: &Part| root.walk().map(|p| (p.whole(), p.content_type.clone())).collect::<Vec<_>>();
    let (mut of_all, of_outer) = (ranges(&all), ranges(&outer));
    of_all.retain(|(range, _)| *range != all.children[0].children[2].children[0].whole());
    assert_eq!(of_outer, of_all);

    // What is inside uses up the parts of the message around it only when it is asked for.
    let many = format!("\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n{}", "--C\r\n\r\n".repeat(MAX_PARTS));
    let hostile = ENVELOPE.replacen("\r\nSubject: originale", &many, 1);
    assert_eq!(parse(hostile.as_bytes()).unwrap().children.len(), 1);
    assert_eq!(parse_outer(hostile.as_bytes()).unwrap().children.len(), 2);
}
