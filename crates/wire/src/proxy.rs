//! The header by which a load balancer tells whom it speaks for: the PROXY protocol, versions 1 and 2
//! (haproxy, `proxy-protocol.txt`). Strict: whatever is not exactly such a header is an error, and no byte after the
//! header is ever asked for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

#[cfg(test)]
mod tests;

/// What the bytes so far are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The beginning of a header; at least so many bytes more belong to it.
    More(usize),
    /// A whole header: the client's address, or `None` when the balancer speaks for itself (LOCAL, UNKNOWN).
    Done(Option<SocketAddr>),
}

/// Not a header; the text is for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("PROXY: {0}")]
pub struct Malformed(&'static str);

/// The longest header taken, in bytes: version 1 has 107 at the most, and version 2 with every registered TLV stays far
/// below this.
pub const MAX_HEADER: usize = 4096;

/// The shortest header there is: `PROXY UNKNOWN` and CRLF.
const SHORTEST: usize = 15;
const LONGEST_V1: usize = 107;
const V1: &[u8] = b"PROXY ";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The fixed part of version 2.
const FIXED: usize = 16;

/// Reads a header from its first byte on. Feed again with exactly the bytes that were asked for.
///
/// # Errors
/// [`Malformed`], as soon as no more bytes could make it a header.
pub fn read(bytes: &[u8]) -> Result<Progress, Malformed> {
    let begins = |mark: &[u8]| bytes.iter().zip(mark).all(|(a, b)| a == b);
    match bytes.len() {
        _ if !begins(V1) && !begins(V2) => Err(Malformed("the header is missing")),
        len if len < SHORTEST => Ok(Progress::More(SHORTEST - len)),
        _ if begins(V1) => version_1(bytes),
        _ => version_2(bytes),
    }
}

fn version_1(bytes: &[u8]) -> Result<Progress, Malformed> {
    let Some(line) = bytes.strip_suffix(b"\r\n") else {
        let more = bytes.len() < LONGEST_V1 && bytes.iter().all(|b| *b != b'\n');
        return if more { Ok(Progress::More(1)) } else { Err(Malformed("a line of version 1 is too long")) };
    };
    let line = std::str::from_utf8(line).ok().filter(|l| l.bytes().all(|b| (b' '..0x7f).contains(&b)));
    let line = line.ok_or(Malformed("a line of version 1 is no text"))?;
    let words: Vec<&str> = line.split(' ').collect();
    let address = |ip: Option<IpAddr>, port: &str| {
        let plain =
            !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) && (port == "0" || !port.starts_with('0'));
        let port = port.parse::<u16>().ok().filter(|_| plain);
        Some(SocketAddr::new(ip?, port?))
    };
    match words[..] {
        ["PROXY", "UNKNOWN", ..] => Ok(Progress::Done(None)),
        ["PROXY", family @ ("TCP4" | "TCP6"), source, destination, from, to] => {
            let parse = |text: &str| -> Option<IpAddr> {
                match family {
                    "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
                    _ => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
                }
            };
            let (source, to) = (address(parse(source), from), address(parse(destination), to));
            to.and(source).map(|s| Progress::Done(Some(s))).ok_or(Malformed("an address of version 1 is none"))
        }
        _ => Err(Malformed("a line of version 1 has other words")),
    }
}

fn version_2(bytes: &[u8]) -> Result<Progress, Malformed> {
    let Some((fixed, rest)) = bytes.split_at_checked(FIXED) else {
        return Ok(Progress::More(FIXED - bytes.len()));
    };
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if FIXED + length > MAX_HEADER {
        return Err(Malformed("a header of version 2 is too long"));
    }
    if rest.len() < length {
        return Ok(Progress::More(length - rest.len()));
    }
    let (command, family) = (fixed[12], fixed[13]);
    let (source, tlvs) = match (command, family) {
        (0x20, _) => return Ok(Progress::Done(None)),
        (0x21, 0x00) => (None, rest),
        (0x21, 0x11) => take::<4>(rest).ok_or(Malformed("an address of version 2 is cut off"))?,
        (0x21, 0x21) => take::<16>(rest).ok_or(Malformed("an address of version 2 is cut off"))?,
        (0x21, _) => return Err(Malformed("only TCP over IPv4 and IPv6 comes here")),
        _ => return Err(Malformed("unknown version or command")),
    };
    if !are_tlvs(tlvs) {
        return Err(Malformed("the extensions of version 2 do not fit its length"));
    }
    Ok(Progress::Done(source))
}

/// Source and destination address of `N` bytes, then both ports; gives the source and what follows.
fn take<const N: usize>(rest: &[u8]) -> Option<(Option<SocketAddr>, &[u8])>
where
    IpAddr: From<[u8; N]>,
{
    let (source, rest) = rest.split_first_chunk::<N>()?;
    let (_, rest) = rest.split_first_chunk::<N>()?;
    let (ports, rest) = rest.split_first_chunk::<4>()?;
    let port = u16::from_be_bytes([ports[0], ports[1]]);
    Some((Some(SocketAddr::new(IpAddr::from(*source), port)), rest))
}

/// Type, length, value, again and again to the very end.
fn are_tlvs(mut bytes: &[u8]) -> bool {
    while let [_, high, low, rest @ ..] = bytes {
        match rest.get(usize::from(u16::from_be_bytes([*high, *low]))..) {
            Some(next) => bytes = next,
            None => return false,
        }
    }
    bytes.is_empty()
}
