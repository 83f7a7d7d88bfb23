//! How much a mailbox has sent: one window of a minute, one of a legal day (BOX-01 … BOX-06, BOX-09).

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Window {
    /// The sixty seconds since the window's first message.
    Minute,
    /// The legal day.
    Day,
}

impl Window {
    /// The word of the administrative interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Day => "day",
        }
    }
}

/// A day that is over, and the messages that were counted on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The legal day, `2026-03-12`.
    pub day: String,
    /// Messages let through.
    pub messages: u32,
}

/// The windows as they are at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Messages in the minute's window.
    pub minute: u32,
    /// When that window ends; `None` while there is none.
    pub minute_ends: Option<Timestamp>,
    /// Messages of the legal day.
    pub day: u32,
    /// When the day ends.
    pub day_ends: Timestamp,
}

/// A limit that was reached: which, its figure, what was sent, and when it ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("raggiunto il limite di {limit} messaggi {} della casella, inviati {value}; riprovare dopo {until}", match window { Window::Minute => "al minuto", Window::Day => "al giorno" })]
pub struct Exceeded {
    /// Which window is full.
    pub window: Window,
    /// Its figure.
    pub limit: u32,
    /// Messages in it: more than the limit after a change of profile.
    pub value: u32,
    /// When the next message may be sent.
    pub until: Timestamp,
}

const MINUTE_MS: i64 = 60_000;

impl Usage {
    /// Counts one message at `at`, and gives the day that is over with it, or says which limit it would exceed; then
    /// nothing is counted.
    pub fn admit(&mut self, limits: &Limits, at: Timestamp) -> Result<Option<Ended>, Exceeded> {
        let Standing { minute, minute_ends, day: today, day_ends } = self.standing(at);
        if today >= limits.per_day {
            return Err(Exceeded { window: Window::Day, limit: limits.per_day, value: today, until: day_ends });
        }
        if minute >= limits.per_minute {
            let until = minute_ends.unwrap_or(at);
            return Err(Exceeded { window: Window::Minute, limit: limits.per_minute, value: minute, until });
        }
        if minute == 0 {
            self.minute_from = at.as_millis().max(self.minute_from);
        }
        let day = at.legal().iso_day;
        let ended = if day > self.day_name {
            Some(Ended { day: std::mem::replace(&mut self.day_name, day), messages: self.day })
                .filter(|e| e.messages > 0)
        } else {
            None
        };
        (self.minute, self.day) = (minute + 1, today + 1);
        Ok(ended)
    }

    /// The windows at `at`. A clock that went back stays in the window: it must not open a fresh one.
    pub fn standing(&self, at: Timestamp) -> Standing {
        let ends = self.minute_from + MINUTE_MS;
        let open = self.minute > 0 && at.as_millis() < ends;
        Standing {
            minute: if open { self.minute } else { 0 },
            minute_ends: open.then(|| Timestamp::from_millis(ends)),
            day: if at.legal().iso_day > self.day_name { 0 } else { self.day },
            day_ends: Timestamp::legal_day(&at.legal().iso_day).map_or(at, |(_, end)| end),
        }
    }
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
        assert_eq!((e.window, e.limit, e.value, e.until), (Window::Minute, 50, 50, at(60_000)));
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
        let ended = u.admit(&limits, e.until).unwrap();
        assert_eq!(ended, Some(Ended { day: "2026-03-12".into(), messages: 2 }));
        let standing = u.standing(e.until);
        assert_eq!((standing.minute, standing.day), (1, 1));
    }

    /// BOX-01 … BOX-06 (a), each with its figures: as many as the limit, a minute and a day, and not one more.
    #[test]
    fn each_profile_lets_through_exactly_its_figures() {
        for profile in Profile::ALL.into_iter().filter(|p| *p != Profile::Service) {
            let limits = profile.limits();
            let (mut u, mut now, mut sent) = (Usage::default(), 0, 0);
            let day = loop {
                match u.admit(&limits, at(now)) {
                    Ok(_) => sent += 1,
                    Err(e) if e.window == Window::Day => break e,
                    Err(e) => {
                        assert_eq!(
                            (e.limit, e.value, sent % limits.per_minute),
                            (limits.per_minute, e.limit, 0),
                            "{profile}"
                        );
                        now = e.until.as_millis() - at(0).as_millis();
                    }
                }
            };
            assert_eq!((sent, day.limit, day.value), (limits.per_day, limits.per_day, limits.per_day), "{profile}");
        }
    }

    #[test]
    fn another_profile_counts_on_in_the_same_windows() {
        let (small, standard) = (Profile::MassiveSmall.limits(), Profile::Standard.limits());
        let mut u = Usage::default();
        for i in 0..60 {
            u.admit(&small, at(i)).unwrap();
        }
        let e = u.admit(&standard, at(61)).unwrap_err();
        assert_eq!((e.limit, e.value), (50, 60), "the value is more than the limit after a smaller profile");
        assert!(u.admit(&Profile::MassiveMedium.limits(), at(62)).is_ok());
        assert_eq!(u.standing(at(62)).day, 61);
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
