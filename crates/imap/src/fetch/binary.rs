//! `BINARY[…]` and `BINARY.SIZE[…]` (RFC 3516): a part without its transfer encoding, piece by piece. It is gone through
//! twice, since its length stands before it: once to count, once to write.

use std::ops::Range;

use sigillo_mime::{Decoder, Encoding};

use crate::{Content, Refusal};

/// What is asked of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Its octets: from the first of these on, so many.
    Octets(Option<(u64, u64)>),
    /// How many octets.
    Size,
}

/// Octets read from a message in one go.
const READ: usize = 64 * 1024;

/// A part on its way out.
#[derive(Debug)]
pub struct Decoding {
    range: Range<u64>,
    fresh: Decoder,
    wanted: Wanted,
    /// Where it is read now, with what.
    at: u64,
    decoder: Decoder,
    ended: bool,
    counting: bool,
    /// Counted: octets, and whether a NUL is among those wanted.
    size: u64,
    nul: bool,
    /// Written: decoded octets passed so far.
    passed: u64,
}

impl Decoding {
    /// Of these octets of a message; `None` when nobody knows the encoding.
    pub fn new(range: Range<u64>, encoding: &Encoding, wanted: Wanted) -> Option<Self> {
        let fresh = Decoder::new(encoding)?;
        Some(Self {
            at: range.start,
            range,
            decoder: fresh.clone(),
            fresh,
            wanted,
            ended: false,
            counting: true,
            size: 0,
            nul: false,
            passed: 0,
        })
    }

    /// What of the decoded octets is wanted.
    fn window(&self) -> Range<u64> {
        let Wanted::Octets(Some((first, most))) = self.wanted else { return 0..u64::MAX };
        first..first.saturating_add(most)
    }

    /// Goes on by one read; `true` when all is written. The literal that it announces follows the count.
    pub fn step(&mut self, content: &mut dyn Content, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        let mut decoded = Vec::new();
        let left = self.range.end - self.at;
        if left > 0 {
            let read = content.read(self.at, READ.min(usize::try_from(left).unwrap_or(READ)))?;
            if read.is_empty() {
                return Err(Refusal::unavailable());
            }
            self.at += read.len() as u64;
            self.decoder.push(&read, &mut decoded);
        } else {
            self.decoder.end(&mut decoded);
            self.ended = true;
        }
        let window = self.window();
        let cut = |n: u64| usize::try_from(n.saturating_sub(self.passed)).unwrap_or(usize::MAX).min(decoded.len());
        let wanted = &decoded[cut(window.start)..cut(window.end)];
        if self.counting {
            self.size += wanted.len() as u64;
            self.nul |= memchr::memchr(0, wanted).is_some();
        } else {
            out.extend_from_slice(wanted);
        }
        self.passed += decoded.len() as u64;
        self.ended |= self.passed >= window.end;
        Ok(self.ended && self.turn(out))
    }

    /// One of the two ways through is over; `true` when it was the last.
    fn turn(&mut self, out: &mut Vec<u8>) -> bool {
        if !self.counting {
            return true;
        }
        if self.wanted == Wanted::Size {
            out.extend_from_slice(format!(" {}", self.size).as_bytes());
            return true;
        }
        // Only literal8 may hold a NUL.
        let eight = if self.nul { "~" } else { "" };
        out.extend_from_slice(format!(" {eight}{{{}}}\r\n", self.size).as_bytes());
        (self.counting, self.ended, self.passed, self.at) = (false, false, 0, self.range.start);
        self.decoder = self.fresh.clone();
        false
    }
}
