//! How often somebody may ask, and how often it is written down that nobody knows who asked. Who sits at the socket is the
//! machine's own affair; whoever comes from elsewhere is counted, by where he is and by his token.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sigillo_base::Timestamp;
use sigillo_engine::Origin;

use crate::clock::Ticks;

/// Lines about wrong tokens in a day, and of them about one place: guessers write no more (AUD-01).
const LINES_A_DAY: (u32, u32) = (1_000, 100);
const DAY_MS: i64 = 24 * 3_600_000;
/// Payers that are remembered; those who have paid back everything are forgotten first.
const MOST: usize = 20_000;

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Payer {
    /// A place.
    Place(Origin),
    /// A person, by the number of his token's hash.
    Token(u64),
}

/// Counts requests and wrong tokens.
#[derive(Debug)]
pub(super) struct Doorman {
    /// The clock of locks.
    pub(super) ticks: Ticks,
    /// Requests that one payer may make in a minute, and at once.
    per_minute: u32,
    debts: Mutex<HashMap<Payer, Debt>>,
    strangers: Mutex<Lines<Option<Origin>>>,
    /// Good tokens without the code that was wanted, by number: what strangers do keeps none of them out of the log.
    locked: Mutex<Lines<u64>>,
}

/// Lines that were written on a day.
#[derive(Debug)]
struct Lines<K> {
    day: i64,
    all: u32,
    by: HashMap<K, u32>,
}

impl<K> Default for Lines<K> {
    fn default() -> Self {
        Self { day: 0, all: 0, by: HashMap::new() }
    }
}

impl<K: Eq + Hash> Lines<K> {
    /// Whether one more is written, so many in all and so many of each.
    fn one_more(&mut self, of: K, (most, of_each): (u32, u32), now: Timestamp) -> bool {
        let today = now.as_millis().div_euclid(DAY_MS);
        if self.day != today {
            *self = Self { day: today, ..Self::default() };
        }
        if self.all >= most {
            return false;
        }
        let lines = self.by.entry(of).or_default();
        if *lines >= of_each {
            return false;
        }
        *lines += 1;
        self.all += 1;
        true
    }
}

/// Requests that were made and that time has not forgiven yet.
#[derive(Debug, Clone, Copy)]
struct Debt {
    requests: f64,
    at: Instant,
}

impl Doorman {
    pub(super) fn new(ticks: Ticks, per_minute: u32) -> Self {
        Self {
            ticks,
            per_minute: per_minute.max(1),
            debts: Mutex::default(),
            strangers: Mutex::default(),
            locked: Mutex::default(),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// There were too many: when to come again.
    pub(super) fn admit(&self, payer: Payer, now: Instant) -> Result<(), Duration> {
        let (most, a_second) = (f64::from(self.per_minute), f64::from(self.per_minute) / 60.0);
        let left = |debt: &Debt| (debt.requests - now.duration_since(debt.at).as_secs_f64() * a_second).max(0.0);
        let mut debts = self.debts.lock();
        if debts.len() >= MOST {
            debts.retain(|_, debt| left(debt) > 0.0);
            if debts.len() >= MOST {
                // Tokens cost nothing to invent, places do.
                debts.retain(|payer, _| matches!(payer, Payer::Place(_)));
            }
            if debts.len() >= MOST {
                debts.clear();
            }
        }
        let requests = debts.get(&payer).map_or(0.0, left) + 1.0;
        if requests > most {
            return Err(Duration::from_secs_f64((requests - most) / a_second));
        }
        debts.insert(payer, Debt { requests, at: now });
        Ok(())
    }

    /// Whether one more wrong token from there is written down.
    pub(super) fn writes_down(&self, from: Option<Origin>, now: Timestamp) -> bool {
        self.strangers.lock().one_more(from, LINES_A_DAY, now)
    }

    /// Whether one more request with this good token, for which a code is wanted, is written down.
    pub(super) fn writes_down_locked(&self, token: u64, now: Timestamp) -> bool {
        self.locked.lock().one_more(token, (u32::MAX, LINES_A_DAY.1), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn place(n: u16) -> Origin {
        IpAddr::from([10, 0, n.to_be_bytes()[0], n.to_be_bytes()[1]]).into()
    }

    #[test]
    fn a_minute_of_requests_at_once_and_then_as_time_forgives() {
        let (doorman, start) = (Doorman::new(Ticks::start(), 60), Instant::now());
        let one = Payer::Place(place(1));
        assert!((0..60).all(|_| doorman.admit(one, start).is_ok()));
        let later = doorman.admit(one, start).unwrap_err();
        assert_eq!(later.as_secs(), 1);
        assert!(doorman.admit(Payer::Place(place(2)), start).is_ok() && doorman.admit(Payer::Token(1), start).is_ok());
        let after = start + later;
        assert!(doorman.admit(one, after).is_ok() && doorman.admit(one, after).is_err());
    }

    #[test]
    fn a_guesser_does_not_fill_the_log_and_does_not_keep_others_out_of_it() {
        let (doorman, now) = (Doorman::new(Ticks::start(), 60), Timestamp::from_millis(0));
        let written = |n| (0..500).filter(|_| doorman.writes_down(Some(place(n)), now)).count();
        assert_eq!((written(1), written(2)), (100, 100));
        assert_eq!((3..100).map(written).sum::<usize>(), 800);
        assert!((0..500).filter(|_| doorman.writes_down_locked(7, now)).count() == 100, "a token is no stranger");
        assert!(doorman.writes_down(None, Timestamp::from_millis(DAY_MS)), "another day");
    }
}
