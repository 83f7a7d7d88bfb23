use super::*;
use crate::Summary;
use crate::search::grams::Needle;
use crate::search::plan::Source;
use crate::search::texts::Texts;
use sigillo_base::Timestamp;

struct Kept(Option<Summary>);

impl Source for Kept {
    fn summary(&mut self) -> Result<Option<Summary>, Refusal> {
        Ok(self.0.clone())
    }
    fn may_hold(&mut self, _needle: &Needle) -> Result<bool, Refusal> {
        panic!("no order asks for texts")
    }
    fn texts(&mut self, _octets: u32) -> Result<Option<Texts>, Refusal> {
        panic!("no order reads a message")
    }
}

/// Numbers of these headers in an order.
fn order(headers: &[&str], criteria: &[(By, bool)]) -> Vec<usize> {
    let criteria: Vec<Criterion> =
        criteria.iter().map(|(by, reverse)| Criterion { by: *by, reverse: *reverse }).collect();
    let mut sorter = Sorter::new(&criteria);
    let mut found = Vec::new();
    for (index, header) in headers.iter().enumerate() {
        let date = Timestamp::from_millis(1_000_000 - index as i64);
        let row = Row { uid: 1, date, size: header.len() as u32, ..Row::default() };
        let mut kept = Kept(Some(Summary::of(header.as_bytes())));
        assert_eq!(sorter.take(&mut Candidate::new(index, &row, &mut kept)), Ok(true));
        found.push(Found { index, uid: 1, modseq: 0 });
    }
    sorter.sorted(found).into_iter().map(|f| f.index + 1).collect()
}

#[test]
fn every_key() {
    let headers = [
        "From: Zoe <c@x>\r\nTo: b@y\r\nSubject: Re: beta\r\nDate: 12 Mar 2026 10:00:00 +0100\r\n\r\n",
        "From: =?utf-8?Q?=C3=88va?= <B@x>\r\nCc: z@x\r\nSubject: ALFA\r\nDate: 12 Mar 2026 09:30:00 +0000\r\n\r\n",
        "From: a@x\r\nTo: amici: q@y;\r\nSubject: [x] beta\r\n\r\n",
        "Subject: alfa\r\nCc: a@x\r\nTo: \"\" <c@z>\r\nDate: 12 Mar 2026 08:59:59 UTC\r\n\r\n",
    ];
    for (criteria, expected) in [
        (&[(By::Arrival, false)][..], [4, 3, 2, 1]),
        (&[(By::Arrival, true)], [1, 2, 3, 4]),
        (&[(By::Size, false)], [3, 4, 1, 2]),
        (&[(By::Date, false)], [3, 4, 1, 2]),
        (&[(By::Date, true)], [2, 1, 4, 3]),
        (&[(By::Subject, false)], [2, 4, 1, 3]),
        (&[(By::Subject, true)], [1, 3, 2, 4]),
        (&[(By::Subject, false), (By::Date, false)], [4, 2, 3, 1]),
        (&[(By::Mailbox("From"), false)], [4, 3, 2, 1]),
        (&[(By::Mailbox("To"), false)], [2, 3, 1, 4]),
        (&[(By::Mailbox("Cc"), true)], [2, 4, 1, 3]),
        (&[(By::Display("From"), false)], [4, 3, 2, 1]),
        (&[(By::Display("To"), false)], [2, 3, 1, 4]),
    ] {
        assert_eq!(order(&headers, criteria), expected, "{criteria:?}");
    }
}

#[test]
fn a_message_that_is_gone_has_no_place_and_too_much_is_refused() {
    let row = Row { uid: 1, size: 1, ..Row::default() };
    let mut sorter = Sorter::new(&[Criterion { by: By::Subject, reverse: false }]);
    assert_eq!(sorter.take(&mut Candidate::new(0, &row, &mut Kept(None))), Ok(false));
    sorter.octets = MOST;
    let mut kept = Kept(Some(Summary::of(b"Subject: x\r\n\r\n")));
    let refused = sorter.take(&mut Candidate::new(0, &row, &mut kept)).unwrap_err();
    assert_eq!(refused.code, Some(Code::Limit));
}
