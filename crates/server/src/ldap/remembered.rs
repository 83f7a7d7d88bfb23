//! Passwords that the directory has just called right, so that a mail program with twenty connections asks it once. Of each a digest
//! is kept, under a key that ends with the process.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use sigillo_base::{Address, Secret};
use sigillo_smime::Hasher;

use crate::ids::random;

/// So many at the most: who comes when all are taken is asked about each time.
const MOST: usize = 10_000;

/// What is remembered.
pub(super) struct Remembered {
    key: [u8; 32],
    lasts: Duration,
    known: HashMap<String, ([u8; 32], Instant)>,
}

impl Remembered {
    /// Nothing yet; each password for so long, and none at all for zero.
    pub(super) fn new(lasts: Duration) -> Self {
        Self { key: random(), lasts, known: HashMap::new() }
    }

    /// Whether this was the right password a moment ago.
    pub(super) fn has(&self, address: &Address, password: &Secret, now: Instant) -> bool {
        let fresh = |since: &Instant| now.saturating_duration_since(*since) < self.lasts;
        self.known.get(&address.key()).is_some_and(|(d, since)| fresh(since) && *d == self.digest(address, password))
    }

    /// Takes in what the directory has just said. Who came with a wrong one is asked about anew: his password may have changed.
    pub(super) fn learn(&mut self, address: &Address, password: &Secret, right: bool, now: Instant) {
        if !right {
            self.known.remove(&address.key());
            return;
        }
        if self.lasts.is_zero() {
            return;
        }
        if self.known.len() >= MOST {
            let lasts = self.lasts;
            self.known.retain(|_, (_, since)| now.saturating_duration_since(*since) < lasts);
        }
        if self.known.len() < MOST {
            self.known.insert(address.key(), (self.digest(address, password), now));
        }
    }

    fn digest(&self, address: &Address, password: &Secret) -> [u8; 32] {
        let mut hasher = Hasher::new();
        hasher.update(&self.key);
        hasher.update(address.key().as_bytes());
        hasher.update(&[0]);
        hasher.update(password.expose().as_bytes());
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_remembered_for_its_time_and_until_a_wrong_one_comes() {
        let (anna, now) = (Address::parse("anna@x.example").unwrap(), Instant::now());
        let secret = |text: &str| Secret::new(text.into());
        let mut known = Remembered::new(Duration::from_secs(10));
        known.learn(&anna, &secret("giusta"), true, now);
        assert!(known.has(&Address::parse("ANNA@x.example").unwrap(), &secret("giusta"), now));
        assert!(!known.has(&anna, &secret("altra"), now));
        assert!(!known.has(&Address::parse("b@x.example").unwrap(), &secret("giusta"), now));
        assert!(!known.has(&anna, &secret("giusta"), now + Duration::from_secs(10)), "its time is over");
        known.learn(&anna, &secret("altra"), false, now);
        assert!(!known.has(&anna, &secret("giusta"), now), "it may have changed");
        let mut never = Remembered::new(Duration::ZERO);
        never.learn(&anna, &secret("giusta"), true, now);
        assert!(!never.has(&anna, &secret("giusta"), now) && never.known.is_empty());
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let now = Instant::now();
        let mut known = Remembered::new(Duration::from_secs(10));
        for i in 0..=MOST {
            known.learn(&Address::parse(&format!("u{i}@x.example")).unwrap(), &Secret::new("x".into()), true, now);
        }
        assert_eq!(known.known.len(), MOST);
        let later = now + Duration::from_secs(11);
        known.learn(&Address::parse("last@x.example").unwrap(), &Secret::new("x".into()), true, later);
        assert_eq!(known.known.len(), 1);
    }
}
