//! The 12 and 24 hour deadlines (RFC 6109 §3.1.6; DM 2-11-2005 art. 13; DPR 68/2005 art. 8; pec rule 5.1).
//!
//! One [`Watch`] for each certified recipient of each accepted message. It is a value: whoever stores it asks
//! [`Watch::next`] what falls due and when, and drops it when the recipient's outcome is known. What ends it is a
//! *valid* delivery, non-delivery or virus notice; a valid take-charge receipt only silences the first notice.
//! Time is elapsed time, so a daylight-saving night moves nothing.

use std::time::Duration;

use sigillo_base::Timestamp;

/// When the first notice falls due, after dispatch.
pub const FIRST: Duration = Duration::from_secs(12 * 3600);

/// When the second falls due: inside "within 24 and not before 22 hours" (DM 13), with an hour of room on both sides.
pub const SECOND: Duration = Duration::from_secs(23 * 3600);

/// Before this the second notice must not go out.
pub const SECOND_NOT_BEFORE: Duration = Duration::from_secs(22 * 3600);

/// By this the second notice must have gone out (DM 13; DPR 8).
pub const SECOND_BY: Duration = Duration::from_secs(24 * 3600);

/// Which notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Overdue {
    /// After 12 hours without take-charge or delivery.
    First,
    /// Within 24 hours without delivery: the message is presumed lost.
    Second,
}

/// The state of one recipient whose outcome is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// Dispatch: the acceptance time of the transaction.
    pub at: Timestamp,
    /// A valid take-charge receipt names this recipient.
    pub taken: bool,
    /// The first notice has been sent.
    pub first_sent: bool,
}

impl Watch {
    /// Begins at acceptance.
    pub fn new(at: Timestamp) -> Self {
        Self { at, taken: false, first_sent: false }
    }

    /// The notice that falls due next, and when. After an outage the instant may lie in the past: a late notice is
    /// still due.
    pub fn next(&self) -> Option<(Timestamp, Overdue)> {
        Some(if self.taken || self.first_sent {
            (self.at.plus(SECOND), Overdue::Second)
        } else {
            (self.at.plus(FIRST), Overdue::First)
        })
    }

    /// The notice due now, if any.
    pub fn due(&self, now: Timestamp) -> Option<Overdue> {
        self.next().filter(|(when, _)| *when <= now).map(|(_, which)| which)
    }

    /// A valid take-charge receipt listed this recipient.
    pub fn take_charge(self) -> Self {
        Self { taken: true, ..self }
    }

    /// A notice was sent. `None` when that was the last: the provider keeps track no further (RFC 6109 §2.1.1.1.2),
    /// and a later receipt is only forwarded.
    pub fn sent(self, which: Overdue) -> Option<Self> {
        match which {
            Overdue::First => Some(Self { first_sent: true, ..self }),
            Overdue::Second => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Hours of the notices, when take-charge and delivery come at the given hours.
    fn notices(take_charge: Option<u64>, delivery: Option<u64>) -> Vec<(u64, Overdue)> {
        let start = Timestamp::from_millis(1_774_000_000_000);
        let mut watch = Some(Watch::new(start));
        let mut out = Vec::new();
        for hour in 0..60 {
            let now = start.plus(Duration::from_secs(hour * 3600));
            if delivery == Some(hour) {
                watch = None;
            }
            if take_charge == Some(hour) {
                watch = watch.map(Watch::take_charge);
            }
            while let Some((w, which)) = watch.and_then(|w| Some((w, w.due(now)?))) {
                out.push((hour, which));
                watch = w.sent(which);
            }
        }
        out
    }

    #[test]
    fn the_six_rows_of_the_rules() {
        use Overdue::{First, Second};
        assert_eq!(notices(Some(1), Some(20)), []);
        assert_eq!(notices(Some(1), None), [(23, Second)]);
        assert_eq!(notices(None, Some(11)), []);
        assert_eq!(notices(None, Some(14)), [(12, First)]);
        assert_eq!(notices(None, None), [(12, First), (23, Second)]);
        assert_eq!(notices(Some(13), None), [(12, First), (23, Second)]);
    }

    #[test]
    fn after_an_outage_late_notices_are_still_due() {
        let watch = Watch::new(Timestamp::from_millis(0));
        let late = Timestamp::from_millis(0).plus(Duration::from_secs(40 * 3600));
        assert_eq!(watch.due(late), Some(Overdue::First));
        assert_eq!(watch.sent(Overdue::First).and_then(|w| w.due(late)), Some(Overdue::Second));
    }

    proptest! {
        #[test]
        fn the_second_never_before_22_hours(start in 0i64..4_000_000_000_000, taken: bool, first_sent: bool) {
            let watch = Watch { at: Timestamp::from_millis(start), taken, first_sent };
            if let Some((when, Overdue::Second)) = watch.next() {
                prop_assert!(when.since(watch.at) >= SECOND_NOT_BEFORE);
                prop_assert!(when.since(watch.at) < Duration::from_secs(24 * 3600));
            }
        }
    }
}
