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

    /// A place for a connection from `address`, unless a limit is reached.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let mut open = self.open.lock();
        let here = open.by_address.get(&address).copied().unwrap_or(0);
        if open.all >= self.all || here >= self.one {
            return None;
        }
        open.all += 1;
        open.by_address.insert(address, here + 1);
        Some(Place { limits: Arc::clone(self), address })
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
        assert!(limits.enter(a).is_none(), "the same address in another dress");
        let _third = limits.enter(b).unwrap();
        assert!(limits.enter(b).is_none(), "no place left in all");
        drop(first);
        assert_eq!(limits.open(), 2);
        assert!(limits.enter(a).is_some());
    }
}
