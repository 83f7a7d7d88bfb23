//! What `compose` wraps, `judge` unwraps to the byte, whatever the original holds.

use sigillo_base::limits::{MAX_DEPTH, MAX_PARTS};

use super::*;
use crate::inspect::inspect;

/// Wraps, signs, judges; the original as the recipient's provider finds it. Who inspects a copy says the same.
fn unwrapped(source: &[u8]) -> Vec<u8> {
    let draft = compose::transport_envelope(&sender(), &facts(), now(), ReceiptKind::Complete, source).unwrap();
    let m = sign(draft, source);
    let Judgement::Envelope(i) = judged(&m) else { panic!("{:?}", judged(&m)) };
    let report = inspect(&m, Some(&trust(&[])), Some(&world().index), None);
    assert!(report.genuine() && report.encloses, "{report:?}");
    m[i.original.unwrap()].to_vec()
}

#[test]
fn an_original_of_more_parts_than_are_looked_into_is_still_an_envelope() {
    let head = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    let many = format!("{head}{}--b--\r\n", "--b\r\n\r\nx\r\n".repeat(MAX_PARTS + 10));
    assert_eq!(unwrapped(many.as_bytes()), many.as_bytes());
    let deep: String =
        (0..2 * MAX_DEPTH).map(|i| format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n")).collect();
    assert_eq!(unwrapped(deep.as_bytes()), deep.as_bytes());
    let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(2 * MAX_DEPTH);
    assert_eq!(unwrapped(messages.as_bytes()), messages.as_bytes());
}

#[test]
fn originals_at_the_edges() {
    for source in ["", "\r\n", "A: b\r\n", "A: b\r\n\r\n", "\r\n\r\n\r\n", "A: b\r\n\r\n--", "A: b\r\n\r\nx\n.\r\r\n\0"]
    {
        assert_eq!(unwrapped(source.as_bytes()), source.as_bytes(), "{source:?}");
    }
    let own = envelope();
    assert_eq!(unwrapped(&own), own, "an envelope in an envelope");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_original_comes_out_as_it_went_in(
        fields in proptest::collection::vec("[A-Za-z-]{1,9}: [ -~]{0,30}", 0..5),
        pieces in proptest::collection::vec(prop_oneof![
            Just(b"\r\n".to_vec()), Just(b"--".to_vec()), Just(b"=_".to_vec()), Just(b"Content-Type: multipart/mixed; boundary=b\r\n".to_vec()),
            Just(b"--b\r\n".to_vec()), Just(b"--b--".to_vec()), proptest::collection::vec(any::<u8>(), 0..40),
        ], 0..20),
    ) {
        let mut source = fields.join("\r\n").into_bytes();
        if !source.is_empty() {
            source.extend(b"\r\n");
        }
        source.extend(b"\r\n");
        source.extend(pieces.concat());
        prop_assert_eq!(unwrapped(&source), source);
    }
}
