//! What clients may take of this machine: `[limits]`.

use sigillo_engine::{Doors, Lockout, Pace};

use super::raw;

/// What clients may take of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Open connections in all.
    pub connections: usize,
    /// Open connections from one address.
    pub connections_per_address: usize,
    /// Open connections of one account.
    pub connections_per_account: usize,
    /// Blocking work at once.
    pub workers: usize,
    /// Memory of the messages and logins in work, in bytes.
    pub work_memory: usize,
    /// How slowly a message may arrive.
    pub pace: Pace,
    /// When failed logins lock.
    pub lockout: Lockout,
}

impl Limits {
    /// What the engine is told of them.
    pub fn doors(&self) -> Doors {
        Doors { per_account: self.connections_per_account, lockout: self.lockout, pace: self.pace, ..Doors::default() }
    }
}

impl From<raw::Limits> for Limits {
    fn from(raw: raw::Limits) -> Self {
        let ms = |s: u64| s.saturating_mul(1000);
        Self {
            connections: raw.connections,
            connections_per_address: raw.connections_per_address,
            connections_per_account: raw.connections_per_account,
            workers: if raw.workers == 0 { default_workers() } else { raw.workers },
            work_memory: raw.work_mb.clamp(1, 1 << 20) << 20,
            pace: Pace { grace_ms: ms(raw.min_rate_grace_s), bytes_s: raw.min_rate },
            lockout: Lockout {
                of_account: raw.login_failures,
                of_place: raw.login_failures_per_address,
                first_ms: ms(raw.login_lock_s),
                most_ms: ms(raw.login_lock_max_s),
            },
        }
    }
}

/// Blocking threads for this machine: most of them wait for the disk, so there are more than cores.
fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from) * 16
}
