//! What reads evidence: certification data, certified messages, the directory of providers, the legal log.

use std::sync::OnceLock;

use sigillo_base::Address;
use sigillo_mime::Header;
use sigillo_pec::index::Index;
use sigillo_pec::log::{Entry, SegmentReader, link};
use sigillo_pec::{Certification, incoming as judging};
use sigillo_smime::{Certificate, Crl, Trust, sha256};

use super::NOW;

/// What reads as certification data is written and read again as the same.
pub fn certification(data: &[u8]) {
    if let Ok(read) = Certification::parse(data) {
        let written = read.to_xml();
        assert!(!written.contains("<!"), "no DOCTYPE and no entity declaration");
        let again = Certification::parse(written.as_bytes());
        assert_eq!(again.as_ref().ok(), Some(&read), "{again:?}\n{written}");
    }
}

/// Only a listed, valid signature certifies, and what is certified lies in the message. The directory, the anchor and
/// the revocation list are those that the seeds were signed for.
pub fn incoming(data: &[u8]) {
    match judge(data) {
        judging::Judgement::Envelope(incoming) => {
            assert_eq!(incoming.kind, sigillo_pec::Kind::TransportEnvelope);
            let original = incoming.original.expect("an envelope carries its original");
            assert!(original.start <= original.end && original.end <= data.len());
        }
        judging::Judgement::Receipt(incoming) => {
            assert_ne!(incoming.kind, sigillo_pec::Kind::TransportEnvelope);
            assert!(incoming.original.is_none_or(|range| range.end <= data.len()));
        }
        _ => {}
    }
}

/// A stored message is inspected whatever it is: genuine only when each check passed, and always with something to say.
/// What the incoming point believes is genuine, with the same data; what is genuine as it stands is no ordinary mail.
pub fn inspect(data: &[u8]) {
    let report = report(data);
    let says = report.says();
    assert!(!says.it.is_empty() && !says.en.is_empty() && !report.label().it.is_empty());
    let passed = report.checks.all().iter().all(|check| check.as_str() == "ok");
    assert_eq!(report.genuine(), passed);
    match judge(data) {
        judging::Judgement::Envelope(incoming) | judging::Judgement::Receipt(incoming) => {
            assert!(passed, "{:?}", report.checks);
            assert_eq!(report.certification, Some(incoming.certification));
        }
        judging::Judgement::Ordinary { reason } if Header::parse(data).is_ok() => {
            let repaired = report.notes.iter().any(|note| note.en.contains("CRLF"));
            assert!(!passed || repaired, "{reason}");
        }
        _ => {}
    }
    // Without authority and directory nothing is genuine.
    assert!(!sigillo_pec::inspect::inspect(data, None, None, None).genuine());
}

/// What is found in these bytes.
pub fn report(data: &[u8]) -> sigillo_pec::inspect::Report {
    let (index, trust) = scene();
    sigillo_pec::inspect::inspect(data, Some(trust), Some(index), Some(NOW))
}

/// The directory, the anchor and the revocation list that the seeds were signed for.
fn scene() -> &'static (Index, Trust) {
    static SCENE: OnceLock<(Index, Trust)> = OnceLock::new();
    SCENE.get_or_init(|| {
        let index =
            Index::parse_ldif(include_bytes!("../../fixtures/index.ldif")).expect("the index of the seeds reads");
        let anchors = Certificate::from_pem(include_bytes!("../../fixtures/ca.pem")).expect("their authority reads");
        let crl = Crl::from_der(include_bytes!("../../fixtures/crl.der")).expect("their revocation list reads");
        (index, Trust::new(anchors, vec![crl]))
    })
}

/// What the incoming point makes of these bytes.
pub fn judge(data: &[u8]) -> judging::Judgement {
    let (index, trust) = scene();
    let from = Address::parse("anna@comune-alfa.example").expect("an address");
    let rcpt = Address::parse("bruno@ente-beta.example").expect("an address");
    judging::judge(data, Some(&from), &[rcpt], index, trust, NOW)
}

/// A provider index that reads writes and reads as the same.
pub fn index(data: &[u8]) {
    if let Ok(index) = Index::parse_ldif(data) {
        let written = sigillo_pec::index::write_ldif(index.entries());
        let again = Index::parse_ldif(written.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{written}"));
        let told = |index: &Index| format!("{:?}", index.entries());
        assert_eq!(told(&again), told(&index), "{written}");
    }
}

/// A line of the legal log that reads is written as a line that reads as the same; a segment is judged the same in any
/// cuts, and what holds together has the chain that its lines give.
pub fn log(data: &[u8]) {
    for line in String::from_utf8_lossy(data).lines() {
        if let Ok(entry) = Entry::parse_line(line) {
            let written = entry.to_line();
            let again = Entry::parse_line(&written).map(|e| e.to_line());
            assert_eq!(again.ok(), Some(written));
        }
    }
    let read = |cut: usize| {
        let mut reader = SegmentReader::new("x.log", None);
        data.chunks(cut.max(1)).try_for_each(|piece| reader.feed(piece, &mut |_| ()))?;
        reader.finish()
    };
    let whole = read(data.len());
    assert_eq!(read(1 + data.len() / 3), whole);
    if let Ok(segment) = whole {
        let lines = data.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        assert_eq!(lines.fold(segment.before, |head, line| link(&head, line)), segment.head);
        assert_eq!(sha256(data), segment.sha256);
    }
}
