//! Networks as operators write them: `10.0.0.0/8`, `2001:db8::/32`, one address.

use std::net::IpAddr;
use std::str::FromStr;

/// Addresses that begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix: u32,
}

impl Network {
    /// Whether an address is in it; an IPv4 address in the dress of IPv6 is an IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(v4)) => (base.to_bits() ^ v4.to_bits()).leading_zeros() >= self.prefix,
            (IpAddr::V6(base), IpAddr::V6(v6)) => (base.to_bits() ^ v6.to_bits()).leading_zeros() >= self.prefix,
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (base, prefix) = text.split_once('/').map_or((text, None), |(base, prefix)| (base, Some(prefix)));
        let base: IpAddr = base.parse().map_err(|_| ())?;
        let longest = if base.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), str::parse).map_err(|_| ())?;
        let whole = match base {
            IpAddr::V4(v4) => v4.to_bits().checked_shl(prefix).unwrap_or(0) == 0,
            IpAddr::V6(v6) => v6.to_bits().checked_shl(prefix).unwrap_or(0) == 0,
        };
        // Host bits that are set are a slip of the pen, and nobody knows which.
        if prefix <= longest && whole { Ok(Self { base, prefix }) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_network_and_what_is_none() {
        let inside =
            |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(inside("10.0.0.0/8", "10.255.0.1") && !inside("10.0.0.0/8", "11.0.0.1"));
        assert!(inside("10.0.0.0/8", "::ffff:10.1.2.3") && !inside("10.0.0.0/8", "2001:db8::1"));
        assert!(inside("192.0.2.7", "192.0.2.7") && !inside("192.0.2.7", "192.0.2.6"));
        assert!(inside("2001:db8::/32", "2001:db8:ffff::1") && !inside("2001:db8::/32", "2001:db9::1"));
        assert!(inside("0.0.0.0/0", "192.0.2.7") && !inside("0.0.0.0/0", "2001:db8::1"));
        for bad in ["10.0.0.0/33", "10.0.0.1/8", "10.0.0/8", "::/129", "casa", "10.0.0.0/", "10.0.0.0/-1", ""] {
            assert_eq!(bad.parse::<Network>(), Err(()), "{bad}");
        }
    }
}
