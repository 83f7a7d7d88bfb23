//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

/// Counts open connections against two limits.
#[derive(Debug)]
pub struct Limits {
    all: usize,
    one: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Which limit has no place left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// Connections in all.
    All,
    /// Connections from one address.
    Address,
}

impl Full {
    /// Both.
    pub const ALL: &[Self] = &[Self::All, Self::Address];

    /// The word of logs and figures, as the configuration has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "connections",
            Self::Address => "connections_per_address",
        }
    }
}

/// One counted connection; given back when dropped.
#[derive(Debug)]
pub struct Place {
    limits: Arc<Limits>,
    address: IpAddr,
}

impl Limits {
    /// At most `all` connections, and `one` from any one address.
    pub fn new(all: usize, one: usize) -> Arc<Self> {
        Arc::new(Self { all, one, open: Mutex::default() })
    }

    /// A place for a connection from `address`.
    ///
    /// # Errors
    /// The limit that is reached.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Place, Full> {
        let address = address.to_canonical();
        let mut open = self.open.lock();
        let here = open.by_address.get(&address).copied().unwrap_or(0);
        if here >= self.one {
            return Err(Full::Address);
        }
        if open.all >= self.all {
            return Err(Full::All);
        }
        open.all += 1;
        open.by_address.insert(address, here + 1);
        Ok(Place { limits: Arc::clone(self), address })
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.open.lock().all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.limits.open.lock();
        open.all -= 1;
        if let Some(count) = open.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_limits_hold_and_places_come_back() {
        let limits = Limits::new(3, 2);
        let (a, b) = ("127.0.0.1".parse().unwrap(), "::1".parse().unwrap());
        let mapped = "::ffff:127.0.0.1".parse().unwrap();
        let first = limits.enter(a).unwrap();
        let _second = limits.enter(mapped).unwrap();
        assert_eq!(limits.enter(a).unwrap_err(), Full::Address, "the same address in another dress");
        let _third = limits.enter(b).unwrap();
        assert_eq!(limits.enter(b).unwrap_err(), Full::All, "no place left in all");
        drop(first);
        assert_eq!(limits.open(), 2);
        assert!(limits.enter(a).is_ok());
    }
}
