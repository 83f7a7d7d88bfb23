//! Servers that do not answer are left alone for a while, so that not every message dials them again.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use sigillo_base::Timestamp;

use super::idle::Target;
use super::security::Security;

/// The first pause; each further failure doubles it. Shorter than the first wait of a message that failed, so that a
/// message alone is never held up by it.
const FIRST: Duration = Duration::from_secs(10);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(300);
/// While somebody tries, the others wait so long for what comes of it.
const TRIAL: Duration = Duration::from_secs(60);
/// A pause that nobody came back to is forgotten.
const FORGET: Duration = Duration::from_secs(24 * 3600);
/// Servers that are remembered: whoever writes to many dead domains fills no memory.
const MOST: usize = 10_000;

/// A server in trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Its name.
    pub host: String,
    /// Its address and port.
    pub address: String,
    /// Whether mail for it must go under TLS.
    pub needs_tls: bool,
    /// Since when it fails.
    pub since: Timestamp,
    /// Attempts that failed in a row.
    pub failures: u32,
    /// When it is tried next.
    pub until: Timestamp,
    /// What it failed by last.
    pub why: String,
}

/// The servers in trouble. Time is service time, as the queue's.
#[derive(Default)]
pub(super) struct Pauses {
    open: Mutex<HashMap<Target, Pause>>,
}

impl Pauses {
    /// Whether a server may be tried now. When its pause is over one may, and the others hear of its failure.
    pub(super) fn may_try(&self, target: &Target, now: Timestamp) -> Result<(), String> {
        let mut open = self.open.lock();
        let Some(pause) = open.get_mut(target) else { return Ok(()) };
        if now < pause.until {
            return Err(format!(
                "{} [{}] in pausa fino alle {}: {}",
                pause.host, pause.address, pause.until, pause.why
            ));
        }
        pause.until = now.plus(TRIAL);
        Ok(())
    }

    /// It answered.
    pub(super) fn answered(&self, target: &Target) {
        if let Some(pause) = self.open.lock().remove(target) {
            tracing::info!(host = pause.host, address = pause.address, failures = pause.failures, "answers again");
        }
    }

    /// It failed, before any message was spoken of.
    pub(super) fn failed(&self, target: &Target, why: &str, now: Timestamp) {
        let mut open = self.open.lock();
        open.retain(|_, pause| now.since(pause.until) < FORGET);
        if open.len() >= MOST && !open.contains_key(target) {
            return;
        }
        let pause = open.entry(target.clone()).or_insert_with(|| Pause {
            host: target.name.clone(),
            address: target.address.to_string(),
            needs_tls: target.security != Security::Opportunistic,
            since: now,
            failures: 0,
            until: now,
            why: String::new(),
        });
        pause.until = now.plus((FIRST * 2u32.pow(pause.failures.min(5))).min(LONGEST));
        pause.failures += 1;
        why.clone_into(&mut pause.why);
        tracing::warn!(host = pause.host, address = pause.address, failures = pause.failures, until = %pause.until, why,
            "a server of others fails; it is left alone for a while");
    }

    /// All of them, for people.
    pub(super) fn list(&self) -> Vec<Pause> {
        let mut list: Vec<Pause> = self.open.lock().values().cloned().collect();
        list.sort_by_key(|pause| pause.since);
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(security: Security) -> Target {
        let address = ([192, 0, 2, 1], 25).into();
        Target { name: "mx.beta.example".into(), address, security, implicit: false, user: String::new() }
    }

    #[test]
    fn pauses_grow_and_end_with_an_answer() {
        let (pauses, mx, mut now) = (Pauses::default(), target(Security::Opportunistic), Timestamp::from_millis(0));
        assert_eq!(pauses.may_try(&mx, now), Ok(()));
        for pause_s in [10, 20, 40, 80, 160, 300, 300] {
            pauses.failed(&mx, "connection refused", now);
            now = now.plus(Duration::from_secs(pause_s - 1));
            let why = pauses.may_try(&mx, now).unwrap_err();
            assert!(why.contains("connection refused") && why.contains("192.0.2.1:25"), "{why}");
            now = now.plus(Duration::from_secs(1));
            assert_eq!(pauses.may_try(&mx, now), Ok(()), "after {pause_s} s");
            assert!(pauses.may_try(&mx, now).is_err(), "one at a time");
        }
        assert_eq!(pauses.list()[0].failures, 7);
        pauses.answered(&mx);
        assert_eq!((pauses.may_try(&mx, now), pauses.list().len()), (Ok(()), 0));
    }

    #[test]
    fn who_fails_what_is_demanded_may_still_do_for_others() {
        let (pauses, now) = (Pauses::default(), Timestamp::from_millis(0));
        pauses.failed(&target(Security::Verified), "no TLS", now);
        assert!(pauses.may_try(&target(Security::Verified), now).is_err());
        assert_eq!(pauses.may_try(&target(Security::Opportunistic), now), Ok(()));
        assert!(pauses.list()[0].needs_tls);
    }
}
