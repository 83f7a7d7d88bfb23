//! Messages found clean a moment ago: a peer that hands the same bytes over again costs no second scan.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

/// SHA-256 of a whole message.
type Hash = [u8; 32];

/// Messages remembered.
const ROOM: usize = 4096;
/// For how long: signatures that are not ClamAV's own change without its version showing it.
const FRESH: Duration = Duration::from_secs(600);

/// What one state of the signatures found clean. Another version knows nothing of it.
#[derive(Debug, Default)]
pub(super) struct Clean {
    version: String,
    known: HashSet<Hash>,
    /// The same, oldest first.
    order: VecDeque<(Instant, Hash)>,
}

impl Clean {
    pub(super) fn has(&mut self, hash: &Hash, version: &str, now: Instant) -> bool {
        self.forget(version, now);
        self.known.contains(hash)
    }

    pub(super) fn add(&mut self, hash: Hash, version: &str, now: Instant) {
        self.forget(version, now);
        if self.known.insert(hash) {
            self.order.push_back((now, hash));
        }
        if self.order.len() > ROOM {
            self.drop_oldest();
        }
    }

    fn forget(&mut self, version: &str, now: Instant) {
        if self.version != version {
            *self = Self { version: version.to_owned(), ..Self::default() };
        }
        while self.order.front().is_some_and(|(since, _)| now.duration_since(*since) >= FRESH) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, hash)) = self.order.pop_front() {
            self.known.remove(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(i: usize) -> Hash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&i.to_be_bytes());
        hash
    }

    #[test]
    fn known_until_the_signatures_change_or_time_passes() {
        let (mut clean, now) = (Clean::default(), Instant::now());
        clean.add(hash(1), "1/100", now);
        assert!(clean.has(&hash(1), "1/100", now) && !clean.has(&hash(2), "1/100", now));
        assert!(clean.has(&hash(1), "1/100", now + FRESH - Duration::from_millis(1)));
        assert!(!clean.has(&hash(1), "1/100", now + FRESH));
        clean.add(hash(1), "1/100", now);
        assert!(!clean.has(&hash(1), "1/101", now), "other signatures");
        assert!(!clean.has(&hash(1), "1/100", now), "nor after a way back");
    }

    #[test]
    fn bounded_and_the_oldest_goes_first() {
        let (mut clean, now) = (Clean::default(), Instant::now());
        for i in 0..ROOM + 10 {
            clean.add(hash(i), "1", now);
            clean.add(hash(i), "1", now);
        }
        assert_eq!((clean.known.len(), clean.order.len()), (ROOM, ROOM));
        assert!(!clean.has(&hash(9), "1", now) && clean.has(&hash(10), "1", now));
    }
}
