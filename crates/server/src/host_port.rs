//! A server by name or address, and its port: `clamav:3310`, `192.0.2.1:123`, `[2001:db8::1]:123`.

use std::fmt;
use std::net::SocketAddr;

use sigillo_base::Domain;

/// A server to connect to. The name is looked up each time, so that a move of the server needs no restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort(String);

impl HostPort {
    /// Reads `host:port`, or `host` alone where there is a usual port. `None` when it is neither.
    pub fn parse(text: &str, usual: Option<u16>) -> Option<Self> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return (address.port() != 0).then(|| Self(text.to_owned()));
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (text, usual?),
        };
        (port != 0 && is_host(host)).then(|| Self(format!("{host}:{port}")))
    }

    /// As look-ups of the system take it: always with a port.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A DNS name, one of a single label (`localhost`, a container's name), or an IPv4 address.
fn is_host(text: &str) -> bool {
    let label = |l: &str| !l.is_empty() && l.len() < 64 && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    Domain::parse(text).is_ok() || (text.len() < 254 && text.split('.').all(label))
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_read_with_their_port() {
        let read = |text: &str, usual| HostPort::parse(text, usual).map(|h| h.to_string());
        for good in ["127.0.0.1:3310", "[::1]:3310", "clamav:3310", "ntp1.inrim.it:123"] {
            assert_eq!(read(good, None).as_deref(), Some(good));
        }
        assert_eq!(read("ntp1.inrim.it", Some(123)).as_deref(), Some("ntp1.inrim.it:123"));
        assert_eq!(read("192.0.2.1", Some(123)).as_deref(), Some("192.0.2.1:123"));
        let bad = [
            "",
            ":",
            ":3310",
            "clamav:",
            "clamav:0",
            "clamav:70000",
            "a b:1",
            "::1:3310",
            "[::1]:0",
            "a..b:1",
            "x/y:1",
        ];
        for bad in bad {
            assert_eq!(read(bad, None), None, "{bad}");
        }
        assert_eq!(read("clamav", None), None, "there is no usual port");
    }
}
