//! How much a mailbox has sent: one window of a minute, one of a legal day (BOX-01 … BOX-06, BOX-09).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sigillo_base::Timestamp;

use crate::Limits;

/// The messages a mailbox was let through in its current windows. It is kept with the facts of the submission it
/// counts, in one commit, so it can neither drift nor forget.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Start of the minute window, in milliseconds: the first message after the last window ended.
    minute_from: i64,
    minute: u32,
    /// The legal day counted, `2026-03-12`.
    day_name: String,
    day: u32,
}

/// Which window was full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The sixty seconds since the window's first message.
    Minute,
    /// The legal day.
    Day,
}

/// A limit that was reached: which, its figure, and when it ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("raggiunto il limite di {limit} messaggi {} della casella; riprovare dopo {until}", match window { Window::Minute => "al minuto", Window::Day => "al giorno" })]
pub struct Exceeded {
    /// Which window is full.
    pub window: Window,
    /// Its figure.
    pub limit: u32,
    /// When the next message may be sent.
    pub until: Timestamp,
}

const MINUTE_MS: i64 = 60_000;

impl Usage {
    /// Counts one message at `at`, or says which limit it would exceed; then nothing is counted.
    pub fn admit(&mut self, limits: &Limits, at: Timestamp) -> Result<(), Exceeded> {
        let now = at.as_millis();
        let day = at.legal().iso_day;
        // A clock that went back stays in the window: it must not open a fresh one.
        let minute = if now >= self.minute_from + MINUTE_MS { 0 } else { self.minute };
        let today = if day > self.day_name { 0 } else { self.day };
        if today >= limits.per_day {
            return Err(Exceeded { window: Window::Day, limit: limits.per_day, until: next_day(at) });
        }
        if minute >= limits.per_minute {
            let until = Timestamp::from_millis(self.minute_from + MINUTE_MS);
            return Err(Exceeded { window: Window::Minute, limit: limits.per_minute, until });
        }
        if minute == 0 {
            self.minute_from = now.max(self.minute_from);
        }
        if today == 0 {
            self.day_name = day.max(std::mem::take(&mut self.day_name));
        }
        (self.minute, self.day) = (minute + 1, today + 1);
        Ok(())
    }
}

/// The first full second of the next legal day: at most 25 hours away (the autumn night).
fn next_day(at: Timestamp) -> Timestamp {
    let today = at.legal().iso_day;
    let second = |s: i64| Timestamp::from_millis((at.as_secs() + s) * 1000);
    let (mut low, mut high) = (0, 25 * 3600 + 1);
    while low + 1 < high {
        let middle = (low + high) / 2;
        if second(middle).legal().iso_day > today { high = middle } else { low = middle }
    }
    second(0).plus(Duration::from_secs(high as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;
    use proptest::prelude::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(1_773_306_901_000 + ms) // 2026-03-12 10:15:01 +0100
    }

    #[test]
    fn the_fifty_first_of_a_minute_waits_for_its_end() {
        let limits = Profile::Standard.limits();
        let mut u = Usage::default();
        for i in 0..50 {
            u.admit(&limits, at(i)).unwrap();
        }
        let before = u.clone();
        let e = u.admit(&limits, at(59_999)).unwrap_err();
        assert_eq!((e.window, e.limit, e.until), (Window::Minute, 50, at(60_000)));
        assert_eq!(u, before, "what is refused is not counted");
        assert!(e.to_string().contains("50 messaggi al minuto"), "{e}");
        u.admit(&limits, at(60_000)).unwrap();
    }

    #[test]
    fn the_day_ends_at_legal_midnight() {
        let limits = Limits { per_day: 2, ..Profile::Standard.limits() };
        let mut u = Usage::default();
        u.admit(&limits, at(0)).unwrap();
        u.admit(&limits, at(1)).unwrap();
        let e = u.admit(&limits, at(2)).unwrap_err();
        assert_eq!(e.window, Window::Day);
        assert_eq!(e.until.to_string(), "2026-03-13T00:00:00.000+01:00");
        u.admit(&limits, e.until).unwrap();
    }

    #[test]
    fn the_service_mailbox_never_sends() {
        assert!(Usage::default().admit(&Profile::Service.limits(), at(0)).is_err());
    }

    proptest! {
        #[test]
        fn never_more_than_the_limit_in_a_day_nor_after_a_step_back(steps in prop::collection::vec(-30_000i64..30_000, 1..200)) {
            let limits = Limits { per_minute: 3, per_day: 20, ..Profile::Standard.limits() };
            let (mut u, mut now, mut admitted) = (Usage::default(), 0i64, Vec::new());
            for s in steps {
                now = (now + s).clamp(0, 3_600_000);
                if u.admit(&limits, at(now)).is_ok() { admitted.push(now); }
            }
            prop_assert!(admitted.len() <= 20);
            let mut high = Vec::new(); // as the clock of the windows sees it
            for t in admitted { high.push(high.last().map_or(t, |h: &i64| t.max(*h))); }
            prop_assert!(high.windows(7).all(|w| w[6] - w[0] >= MINUTE_MS), "two windows hold six at most");
        }
    }
}
