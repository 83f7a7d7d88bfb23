//! The small rows of a body and their formats, a version first.

use crate::Error;

const VERSION: u8 = 1;

/// The head: there is such a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Length in bytes.
    pub(super) len: u64,
    /// A collector's mark: it found no link and will remove the body unless somebody takes the mark away.
    pub(super) mark: Option<u64>,
}

impl Head {
    pub(super) const fn live(len: u64) -> Self {
        Self { len, mark: None }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        // A mark is never 0: numbers begin at 1.
        row(self.len, self.mark.unwrap_or(0))
    }

    pub(super) fn decode(key: impl AsRef<[u8]>, value: &[u8]) -> Result<Self, Error> {
        match parse(value) {
            Some((len, mark, [])) => Ok(Self { len, mark: (mark != 0).then_some(mark) }),
            _ => Err(Error::corrupt(key, "not a body's head")),
        }
    }
}

/// The reservation: somebody writes the chunks of this body ahead of its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// Which reservation this is, of all that ever were.
    pub(super) number: u64,
    /// The body's length in bytes.
    pub(super) len: u64,
    /// Whether every chunk is written.
    pub(super) complete: bool,
}

impl Held {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = row(self.len, self.number);
        out.push(u8::from(self.complete));
        out
    }

    pub(super) fn decode(key: impl AsRef<[u8]>, value: &[u8]) -> Result<Self, Error> {
        match parse(value) {
            Some((len, number, &[complete @ 0..=1])) => Ok(Self { number, len, complete: complete == 1 }),
            _ => Err(Error::corrupt(key, "not a body's reservation")),
        }
    }
}

fn row(len: u64, number: u64) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(&number.to_be_bytes());
    out
}

fn parse(value: &[u8]) -> Option<(u64, u64, &[u8])> {
    let (&VERSION, rest) = value.split_first()? else { return None };
    let (len, rest) = rest.split_first_chunk()?;
    let (number, rest) = rest.split_first_chunk()?;
    Some((u64::from_be_bytes(*len), u64::from_be_bytes(*number), rest))
}
