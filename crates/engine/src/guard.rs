//! Who fails to log in too often is heard no more for a while: an account from one place, and a place as a whole. Never
//! an account for everybody, or anybody could lock it.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use parking_lot::Mutex;
use sigillo_wire::Tick;

#[cfg(test)]
mod tests;

/// Where a client is, for limits and locks: an IPv4 address, or the /64 of an IPv6 address, since whoever has one address
/// of it has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin(IpAddr);

impl Origin {
    /// The address, or the first one of its network.
    pub(crate) const fn ip(self) -> IpAddr {
        self.0
    }
}

impl From<IpAddr> for Origin {
    fn from(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
            v4 => v4,
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0, if self.0.is_ipv6() { "/64" } else { "" })
    }
}

/// When logins are locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lockout {
    /// Failures of one account from one place that lock it there.
    pub of_account: u32,
    /// Failures of whatever accounts from one place that lock the place.
    pub of_place: u32,
    /// The first lock, in milliseconds; each failure after it doubles the next.
    pub first_ms: u64,
    /// No lock is longer, in milliseconds.
    pub most_ms: u64,
}

impl Default for Lockout {
    fn default() -> Self {
        Self { of_account: 5, of_place: 50, first_ms: 60_000, most_ms: 3_600_000 }
    }
}

/// A failure of an account is forgotten after so long without another, in milliseconds.
const FORGET_ACCOUNT_MS: u64 = 3_600_000;
/// The same of a place: many people may stand behind one address, and somebody always mistypes.
const FORGET_PLACE_MS: u64 = 60_000;
/// How long a good login speaks for an account at its place, in milliseconds.
const WELCOME_MS: u64 = 30 * 24 * 3_600_000;
/// Accounts and places that are remembered. Who wants others forgotten must fail half as often first.
const MOST: usize = 50_000;
/// No address is longer, in bytes.
const MAX_USER: usize = 320;

/// Counts failed logins.
#[derive(Debug)]
pub(crate) struct Guard {
    rules: Lockout,
    known: Mutex<HashMap<Key, Count>>,
}

/// A place, and one account there or none in particular.
type Key = (Origin, Option<String>);

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    failures: u32,
    last: Tick,
    locked_until: Tick,
    /// The last good login.
    welcome: Option<Tick>,
}

impl Count {
    /// What time has not forgiven yet; while a lock holds, no time passes.
    fn failures(&self, forget_ms: u64, now: Tick) -> u32 {
        let quiet = now.0.saturating_sub(self.last.max(self.locked_until).0);
        self.failures.saturating_sub(u32::try_from(quiet / forget_ms).unwrap_or(u32::MAX))
    }

    fn is_welcome(&self, now: Tick) -> bool {
        self.welcome.is_some_and(|at| now < at.plus_ms(WELCOME_MS))
    }

    fn matters(&self, now: Tick) -> bool {
        self.failures(FORGET_ACCOUNT_MS, now) > 0 || self.is_welcome(now)
    }
}

impl Guard {
    pub(crate) fn new(rules: Lockout) -> Self {
        Self { rules, known: Mutex::default() }
    }

    /// Until when nobody may log in as `user` from there. Who logged in well from a place is not kept out by what others
    /// do there.
    pub(crate) fn locked(&self, user: &str, from: Origin, now: Tick) -> Option<Tick> {
        let known = self.known.lock();
        let account = known.get(&key(user, from)).copied().unwrap_or_default();
        let place = known.get(&(from, None)).copied().unwrap_or_default();
        let held = if account.is_welcome(now) { Tick(0) } else { place.locked_until };
        Some(account.locked_until.max(held)).filter(|until| *until > now)
    }

    /// Counts a failure of `user` from there.
    pub(crate) fn failed(&self, user: &str, from: Origin, now: Tick) {
        self.count(&mut self.known.lock(), user, from, now);
    }

    /// Counts a try of `user` from there before it is judged, so that many at once are no more tries than one after the
    /// other: [`succeeded`](Self::succeeded) forgives it.
    ///
    /// # Errors
    /// There were too many: until when nothing is judged.
    pub(crate) fn attempt(&self, user: &str, from: Origin, now: Tick) -> Result<(), Tick> {
        let mut known = self.known.lock();
        let until = known.get(&key(user, from)).map_or(Tick(0), |count| count.locked_until);
        if until > now {
            return Err(until);
        }
        self.count(&mut known, user, from, now);
        Ok(())
    }

    fn count(&self, known: &mut HashMap<Key, Count>, user: &str, from: Origin, now: Tick) {
        let both = [
            (key(user, from), self.rules.of_account, FORGET_ACCOUNT_MS),
            ((from, None), self.rules.of_place, FORGET_PLACE_MS),
        ];
        for (key, limit, forget_ms) in both {
            let count = known.entry(key).or_default();
            count.failures = count.failures(forget_ms, now).saturating_add(1);
            count.last = now;
            if let Some(beyond) = count.failures.checked_sub(limit.max(1)) {
                let ms = self.rules.first_ms.saturating_mul(1 << beyond.min(32));
                count.locked_until = now.plus_ms(ms.min(self.rules.most_ms));
            }
        }
        prune(known, now);
    }

    /// A good login of `user` from there: its failures are forgiven, those of the place are not.
    pub(crate) fn succeeded(&self, user: &str, from: Origin, now: Tick) {
        let mut known = self.known.lock();
        known.insert(key(user, from), Count { last: now, welcome: Some(now), ..Count::default() });
        prune(&mut known, now);
    }
}

/// However a name is written, it is one account.
fn key(user: &str, from: Origin) -> Key {
    let mut user = user.trim().to_lowercase();
    let end = (0..=MAX_USER.min(user.len())).rfind(|at| user.is_char_boundary(*at)).unwrap_or(0);
    user.truncate(end);
    (from, Some(user))
}

/// Forgets what no longer matters, and then the older half, once there is too much.
fn prune(known: &mut HashMap<Key, Count>, now: Tick) {
    if known.len() <= MOST {
        return;
    }
    known.retain(|_, count| count.matters(now));
    if known.len() > MOST / 2 {
        let mut times: Vec<Tick> = known.values().map(|count| count.last.max(count.locked_until)).collect();
        let at = times.len() - MOST / 2;
        let (_, oldest, _) = times.select_nth_unstable(at);
        let oldest = *oldest;
        known.retain(|_, count| count.last.max(count.locked_until) > oldest);
    }
}
