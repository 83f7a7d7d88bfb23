//! Subjects and names as users write them: what goes into Subject, text, HTML and `daticert.xml` (pec rule 2.1).

use super::*;
use crate::RecipientClass;
use crate::access::{Policy, Submission, examine};

/// The facts that the access point makes of an original with this Subject field, and the accepted original.
fn submitted(subject: &str) -> (Facts, Vec<u8>) {
    let field = "Subject: =?utf-8?Q?Preventivo_n=2E_12_=E2=80=93_perch=C3=A9_s=C3=AC_=26?= altro\r\n";
    let message = SUBMITTED.replacen(field, subject, 1);
    assert_ne!(message, SUBMITTED);
    let to: Vec<Address> = facts().recipients.into_iter().map(|r| r.address).collect();
    let policy = Policy {
        max_message: 1 << 30,
        max_recipients: 9,
        size_times_recipients: None,
        header_recipients_must_be_rcpt: true,
        certified_only: false,
    };
    let submission = Submission { from: &facts().sender, to: &to, lists: &[], message: message.as_bytes() };
    let examined = examine(&submission, &|_| RecipientClass::Certified, &policy, facts().id);
    assert_eq!(examined.defects, [], "{subject:?}");
    let original = access::accepted_original(message.as_bytes(), &facts().id, TRACE).unwrap();
    (examined.facts, original)
}

/// Subject field as read, first quoted text of the readable part, HTML, `oggetto`.
fn seen(draft: &Draft, source: &[u8]) -> (String, String, String, Option<String>) {
    for line in draft.header.split(|b| *b == b'\n') {
        assert!(line.len() <= 79, "{}", String::from_utf8_lossy(line));
    }
    let subject = Header::parse(&draft.header).unwrap().text("Subject").unwrap();
    let entity = draft.entity.to_bytes(source);
    let tree = sigillo_mime::parse(&entity).unwrap();
    let text = text_of(&entity, &tree);
    let (_, quoted) = text.split_once('"').unwrap();
    let quoted = quoted.split("\" proveniente").next().unwrap().split("\" è stato inviato").next().unwrap().to_owned();
    let html = tree.walk().find(|p| p.is("text/html")).unwrap().decoded(&entity, 1 << 22).unwrap();
    let html = html.iter().map(|b| char::from(*b)).collect();
    (subject, quoted, html, draft.certification.as_ref().and_then(|c| c.facts.subject.clone()))
}

#[test]
fn subjects_in_every_shape() {
    let long = "parola ".repeat(20_000);
    let folded = format!("Subject: {}\r\n", long.trim().replace("parola parola parola ", "parola\r\n parola parola "));
    let cut = format!("{}...", &long[..crate::texts::MAX_SUBJECT]);
    for (field, read, shown, certified) in [
        ("", "", "", None),
        ("Subject:\r\n", "", "", Some("")),
        ("Subject: =?iso-8859-1?Q?Perch=E9?= =?iso-8859-1?Q?_no?=\r\n", "Perché no", "Perché no", Some("Perché no")),
        ("Subject: =?utf-8?B?5bm05bqm?= \r\n", "年度", "??", Some("年度")),
        ("Subject: =?utf-8?Q?=E2=82=AC_100?=\r\n", "€ 100", "? 100", Some("€ 100")),
        ("Subject: <b>&amp;\"x\"</b>\r\n", "<b>&amp;\"x\"</b>", "<b>&amp;\"x\"</b>", Some("<b>&amp;\"x\"</b>")),
        ("Subject: =?utf-8?Q?a=0D=0ABcc:_x=00=1B?=\r\n", "a  Bcc: x", "a  Bcc: x", Some("a  Bcc: x")),
        ("Subject: a\u{1}b\tc\r\n", "a b c", "a b c", Some("a b c")),
        ("Subject: =?x-boh?Q?a=E8b?=\r\n", "a\u{fffd}b", "a?b", Some("a\u{fffd}b")),
        ("Subject: =?utf-8?Q?rotto\r\n", "=?utf-8?Q?rotto", "=?utf-8?Q?rotto", Some("=?utf-8?Q?rotto")),
        (folded.as_str(), cut.as_str(), cut.as_str(), Some(long.trim())),
    ] {
        let (facts, source) = submitted(field);
        let (p, at) = (sender(), now());
        let envelope = transport_envelope(&p, &facts, at, ReceiptKind::Complete, &source).unwrap();
        let acceptance = acceptance(&p, &facts, at, id("a@x.example"));
        for draft in [&acceptance, &envelope] {
            let prefix = crate::texts::subject_prefix(draft.kind);
            let (subject, text, html, oggetto) = seen(draft, &source);
            assert_eq!(subject, format!("{prefix}{read}").trim(), "{}", draft.kind);
            assert_eq!((text.as_str(), oggetto.as_deref()), (shown, certified), "{}", draft.kind);
            assert!(!html.contains("<b>"), "{html}");
            let xml = draft.certification.as_ref().unwrap().to_xml();
            let read = Certification::parse(xml.as_bytes()).unwrap().facts.subject;
            assert_eq!(read.as_deref(), certified, "{xml}");
        }
    }
}

#[test]
fn names_outside_latin_1_are_copied_and_certified_addresses_have_none() {
    let to = "To: =?utf-8?B?5bm05bqm?= <anna@ente.example>, \"Bruno\" <bruno@posta.example>\r\n";
    let source = SUBMITTED.replacen("To: anna@ente.example, bruno@posta.example\r\n", to, 1);
    let draft = transport_envelope(&sender(), &facts(), now(), ReceiptKind::Complete, source.as_bytes()).unwrap();
    assert!(String::from_utf8(draft.header.clone()).unwrap().contains(to));
    let entity = draft.entity.to_bytes(source.as_bytes());
    let text = text_of(&entity, &sigillo_mime::parse(&entity).unwrap());
    assert!(text.contains("\r\nanna@ente.example\r\n"), "{text}");
}
