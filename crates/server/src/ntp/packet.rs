//! Packets of NTP version 4 (RFC 5905 §7.3), as far as a client needs them.

use std::time::Duration;

/// Without extensions.
const LENGTH: usize = 48;
/// Seconds from 1900, where NTP begins, to 1970.
const UNIX: u64 = 2_208_988_800;

/// A moment: seconds since 1900 and their fraction, 32 bits each. Seconds start again in 2036, so only differences
/// count, and those up to 68 years are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(pub u64);

impl Stamp {
    /// A moment so long after 1970.
    pub(super) fn of_unix(time: Duration) -> Self {
        Self(UNIX << 32).plus(time)
    }

    pub(super) fn plus(self, time: Duration) -> Self {
        let fraction = (u64::from(time.subsec_nanos()) << 32) / 1_000_000_000;
        Self(self.0.wrapping_add(time.as_secs() << 32).wrapping_add(fraction))
    }

    /// Milliseconds from `other` to this moment.
    pub(super) fn since(self, other: Self) -> i64 {
        let apart = i128::from(self.0.wrapping_sub(other.0).cast_signed());
        i64::try_from((apart * 1000) >> 32).unwrap_or(i64::MAX)
    }
}

/// What a packet says to who asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The server's time.
    Time {
        /// When the question came, by the server's clock.
        received: Stamp,
        /// When the answer left.
        replied: Stamp,
        /// How far the server may be from its own source, in milliseconds.
        distance_ms: i64,
    },
    /// "Kiss-o'-Death" (RFC 5905 §7.4): the server will not be asked, and says why in four letters.
    Kiss(String),
    /// The server does not know the time itself.
    Unsynchronised,
    /// No answer to this question.
    Foreign,
}

/// A question: version 4, mode 3 (client), all else zero but the transmit time, which the server gives back.
pub(super) fn request(nonce: Stamp) -> [u8; LENGTH] {
    let mut packet = [0; LENGTH];
    packet[0] = 4 << 3 | 3;
    packet[40..].copy_from_slice(&nonce.0.to_be_bytes());
    packet
}

/// Reads what came back after the question with this number.
pub(super) fn read(bytes: &[u8], nonce: Stamp) -> Reply {
    let Some(packet) = bytes.first_chunk::<LENGTH>() else { return Reply::Foreign };
    let word = |at: usize| u32::from_be_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]]);
    let stamp = |at: usize| Stamp(u64::from(word(at)) << 32 | u64::from(word(at + 4)));
    let (leap, version, mode, stratum) = (packet[0] >> 6, packet[0] >> 3 & 7, packet[0] & 7, packet[1]);
    if mode != 4 || !(3..=4).contains(&version) || stamp(24) != nonce {
        return Reply::Foreign;
    }
    let (received, replied) = (stamp(32), stamp(40));
    match stratum {
        0 => Reply::Kiss(
            packet[12..16].iter().map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '?' }).collect(),
        ),
        16.. => Reply::Unsynchronised,
        _ if leap == 3 || received.0 == 0 || replied.0 == 0 => Reply::Unsynchronised,
        _ => {
            // Both are seconds with a fraction of 16 bits.
            let short_ms = |at: usize| (i64::from(word(at)) * 1000) >> 16;
            Reply::Time { received, replied, distance_ms: short_ms(4) / 2 + short_ms(8) }
        }
    }
}
