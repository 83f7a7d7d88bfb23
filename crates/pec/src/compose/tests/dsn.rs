//! Whatever a peer answers, a notification has the parts and the fields that it should have.

use super::*;

fn report(text: &str, returned: Returned) -> Report {
    let fate = |action| Fate {
        recipient: address("bruno@posta.example"),
        original: Some(format!("rfc822;{text}")),
        action,
        status: "5.1.1".into(),
        remote: Some(text.into()),
        diagnostic: Some(text.into()),
        last_attempt: Some(now()),
        until: None,
    };
    Report {
        to: facts().sender,
        message_id: id("d1@pec.mittente-prov.example"),
        at: now(),
        host: "mx.pec.mittente-prov.example".into(),
        envelope_id: Some(text.into()),
        arrived: now(),
        fates: vec![fate(Action::Failed), fate(Action::Relayed)],
        returned,
    }
}

/// The fields of the part for programs, group by group.
fn groups(message: &[u8], tree: &Part) -> Vec<Vec<String>> {
    let part = tree.children.iter().find(|p| p.is("message/delivery-status")).unwrap();
    let text = String::from_utf8(message[part.body.clone()].to_vec()).unwrap();
    let group = |g: &str| {
        let fields = g.split("\r\n").filter(|l| !l.is_empty() && !l.starts_with(' '));
        fields.map(|l| l.split(':').next().unwrap_or_default().to_owned()).collect()
    };
    text.split("\r\n\r\n").map(group).filter(|g: &Vec<String>| !g.is_empty()).collect()
}

#[test]
fn a_notification_goes_from_nobody_and_returns_what_was_asked_for() {
    let source = original();
    let header = dsn(&sender(), &report("550 5.1.1 no", Returned::Header), &source).content.to_bytes(&source);
    let whole = dsn(&sender(), &report("550 5.1.1 no", Returned::Whole), &source).content.to_bytes(&source);
    let end = memchr::memmem::find(&source, b"\r\n\r\n").unwrap() + 2;
    assert!(memchr::memmem::find(&header, &source[..end]).is_some());
    assert!(memchr::memmem::find(&header, b"In allegato.").is_none());
    assert!(memchr::memmem::find(&whole, &source).is_some());
    let tree = sigillo_mime::parse(&whole).unwrap();
    assert!(text_of(&whole, &tree).starts_with("Messaggio non recapitato\r\nIl giorno 12/03/2026 alle ore 10:15:01"));
    assert!(text_of(&whole, &tree).contains("non è stato recapitato a bruno@posta.example: 550 5.1.1 no"));
    assert!(text_of(&whole, &tree).contains("non è una ricevuta di posta certificata"));
}

#[test]
fn bytes_above_127_are_declared_and_a_header_in_utf_8_has_its_own_type() {
    for (source, header, whole, eight_bit) in [
        ("Subject: x\r\n\r\nciao", "text/rfc822-headers", "message/rfc822", false),
        ("Subject: x\r\n\r\nperch\u{e9}", "text/rfc822-headers", "message/rfc822", true),
        ("Subject: perch\u{e9}\r\n\r\nx", "message/global-headers", "message/global", true),
    ] {
        let make = |returned| dsn(&sender(), &report("x", returned), source.as_bytes());
        let types = |dsn: &Dsn| String::from_utf8(dsn.content.to_bytes(source.as_bytes())).unwrap();
        assert!(types(&make(Returned::Header)).contains(header), "{source}");
        assert!(types(&make(Returned::Whole)).contains(&format!("{whole}\r\n")), "{source}");
        assert_eq!(make(Returned::Whole).eight_bit, eight_bit, "{source}");
        assert_eq!(types(&make(Returned::Whole)).contains("8bit"), eight_bit, "{source}");
    }
}

proptest! {
    #[test]
    fn no_text_of_a_peer_adds_a_field_or_a_part(text in ".{0,60}|(a|\r\n|\n\n|:|\r\nBcc: x|\r\n\r\n--=_|\u{2028}|\0){0,12}|a{0,3000}") {
        let source = original();
        let (hostile, plain) = (report(&text, Returned::Whole), report("x", Returned::Whole));
        let bytes = |r| dsn(&sender(), r, &source).content.to_bytes(&source);
        let (hostile, plain) = (bytes(&hostile), bytes(&plain));
        let tree = |m: &[u8]| sigillo_mime::parse(m).unwrap();
        let (h, p) = (tree(&hostile), tree(&plain));
        prop_assert_eq!(names(&hostile), names(&plain));
        prop_assert_eq!(groups(&hostile, &h), groups(&plain, &p));
        prop_assert_eq!(h.walk().count(), p.walk().count());
        prop_assert!(hostile.split(|b| *b == b'\n').all(|line| line.len() < 998));
    }
}
