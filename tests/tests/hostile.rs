//! What attackers submit and what a hostile provider signs gets an answer by the rules, in bounded time and memory. Sizes
//! are such that work growing faster than the message would not end in minutes: a test that hangs has failed. What each
//! costs beside an ordinary message of its size is in `benches/src/hostile.rs`.

use sigillo_pec::incoming::Judgement;
use sigillo_tests::hostile::{Answer, Street, certifications, plain, submissions};

/// A refusal of any message fits into a short notice.
const NOTICE: usize = 32 << 10;

/// What the receipts add to the original: texts, data, signature.
const FRAME: usize = 64 << 10;

/// Ten thousand replaced parts with names of the longest kind.
const HASHES: usize = 64 << 20;

#[test]
fn every_submission_gets_an_answer_by_the_rules() {
    let street = Street::default();
    for trap in submissions() {
        let (name, size) = (trap.name, trap.message.len());
        println!("{name}: {size} bytes");
        match street.send(&trap.message) {
            Answer::Refused(notice) => {
                assert!(!trap.certified, "{name}: {}", street.examine(&trap.message).reasons());
                assert!(notice.len() < NOTICE, "{name}: a notice of {} bytes", notice.len());
                assert!(matches!(street.judge(&notice), Judgement::Receipt(_)), "{name}: the notice is a good one");
            }
            Answer::Delivered([complete, brief, concise]) => {
                assert!(trap.certified, "{name}: it was let in");
                // Subjects stand in header, text, HTML and data.
                let frame = FRAME + 12 * size.min(256 << 10);
                assert!(complete < size + frame && concise < frame, "{name}: {complete} and {concise} bytes");
                assert!(brief < size + frame + HASHES, "{name}: {brief} bytes");
            }
        }
    }
}

#[test]
fn every_submission_is_ordinary_mail_for_another_provider() {
    let street = Street::default();
    for trap in submissions() {
        let judgement = street.judge(&trap.message);
        assert!(matches!(judgement, Judgement::Ordinary { .. }), "{}: {judgement:?}", trap.name);
    }
}

#[test]
fn certification_data_that_mean_harm_are_read_or_refused_and_never_expanded() {
    let street = Street::default();
    for (name, xml, good) in certifications() {
        println!("{name}: {} bytes", xml.len());
        let envelope = street.envelope_with(&xml);
        match street.judge(&envelope) {
            Judgement::Envelope(incoming) => {
                assert!(good, "{name}: taken charge of");
                for size in street.deliver(&incoming, &envelope) {
                    assert!(size < 3 * xml.len() + FRAME, "{name}: a receipt of {size} bytes");
                }
            }
            Judgement::Malformed { reason, .. } => assert!(!good && reason.len() < 200, "{name}: {reason}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn an_ordinary_message_is_delivered() {
    assert!(matches!(Street::default().send(&plain(1 << 20)), Answer::Delivered(_)));
}
