//! How many connections there may be, in all and from one place.

use std::net::IpAddr;
use std::sync::Arc;

use sigillo_engine::{CountedPlace, Origin, Places};

/// Counts open connections against two limits.
#[derive(Debug)]
pub struct Limits {
    all: Arc<Places<()>>,
    from_one: Arc<Places<Origin>>,
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
    _of_all: CountedPlace<()>,
    _from_one: Option<CountedPlace<Origin>>,
}

impl Limits {
    /// At most `all` connections, and `from_one` from any one [`Origin`].
    pub fn new(all: usize, from_one: usize) -> Self {
        Self { all: Places::new(all), from_one: Places::new(from_one) }
    }

    /// A place for a connection of which nobody knows yet where it comes from, unless there are too many in all.
    pub fn enter(&self) -> Option<Place> {
        Some(Place { _of_all: self.all.enter(())?, _from_one: None })
    }

    /// The same place once that is known, unless there are too many from there.
    pub fn from(&self, place: Place, address: IpAddr) -> Option<Place> {
        Some(Place { _from_one: Some(self.from_one.enter(address.into())?), ..place })
    }

    /// How many there may be in all.
    pub fn most(&self) -> usize {
        self.all.most()
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.all.taken(&())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_limits_hold_and_places_come_back() {
        let limits = Limits::new(3, 2);
        let enter = |address: &str| limits.enter().and_then(|place| limits.from(place, address.parse().unwrap()));
        let first = enter("127.0.0.1").unwrap();
        let _second = enter("::ffff:127.0.0.1").unwrap();
        assert!(enter("127.0.0.1").is_none(), "the same address in another dress");
        let _third = enter("2001:db8::1").unwrap();
        assert!(enter("192.0.2.1").is_none(), "no place left in all");
        drop(first);
        assert_eq!(limits.open(), 2);
        let _fourth = enter("2001:db8::2").unwrap();
        assert!(limits.enter().is_none());
        assert_eq!(limits.open(), 3);
    }

    #[test]
    fn a_network_of_ipv6_is_one_place() {
        let limits = Limits::new(9, 1);
        let enter = |address: &str| limits.enter().and_then(|place| limits.from(place, address.parse().unwrap()));
        let _one = enter("2001:db8::1").unwrap();
        assert!(enter("2001:db8::ffff:1").is_none());
        assert!(enter("2001:db8:0:1::1").is_some());
    }
}
