//! How the log lies in the store.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sigillo_base::{Complaint, Timestamp, said};
use sigillo_store::{Error, KeyBuilder, KeyReader, Store, Transaction, tag};

use crate::rows::bytes::Bytes;
use crate::rows::{decode, encode};

/// A line to a thousand recipients passes the value limit: it is cut into pieces of this many bytes.
pub(super) const PIECE: usize = 32 * 1024;
/// In place of a piece's number: the row's place in the chain.
const LINKED: u32 = u32::MAX;

/// Where a line stands by time. Lines of the same millisecond stand in the order of random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Its time.
    pub at: Timestamp,
    /// 128 bits that no other line has.
    pub number: u128,
}

impl Place {
    pub(super) fn read(reader: &mut KeyReader<'_>) -> Result<Self, Error> {
        Ok(Self { at: reader.time()?, number: reader.u128()? })
    }

    /// A key that ends in this place.
    pub(super) fn onto(self, key: KeyBuilder) -> KeyBuilder {
        key.time(self.at).u128(self.number)
    }

    fn row(self) -> KeyBuilder {
        self.onto(KeyBuilder::new(tag::LEGAL_LOG).text(&self.at.legal().iso_day))
    }

    /// The first key after all that belongs to this line.
    pub(super) fn after(self) -> Vec<u8> {
        self.row().range().1
    }

    pub(super) fn piece(self, number: u32) -> KeyBuilder {
        self.row().u32(number)
    }

    /// Where its sequence number in the chain stands.
    pub(super) fn linked(self) -> KeyBuilder {
        self.row().u32(LINKED)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:032x}", self.at.as_millis(), self.number)
    }
}

impl FromStr for Place {
    type Err = Complaint;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text
            .split_once('.')
            .and_then(|(at, number)| Some((at.parse().ok()?, u128::from_str_radix(number, 16).ok()?)));
        let (at, number) = parts.ok_or_else(|| Complaint(said!("non è un posto nel log", "no place in the log")))?;
        Ok(Self { at: Timestamp::from_millis(at), number })
    }
}

pub(super) fn pending_key(place: Place) -> KeyBuilder {
    place.onto(KeyBuilder::new(tag::LOG_PENDING))
}

pub(super) fn by_id_key(id: &str) -> KeyBuilder {
    KeyBuilder::new(tag::LOG_BY_ID).text(id)
}

pub(super) fn chain_key(sequence: u64) -> KeyBuilder {
    KeyBuilder::new(tag::LOG_CHAIN).u64(sequence)
}

pub(super) fn segment_key(number: u64) -> KeyBuilder {
    KeyBuilder::new(tag::LOG_SEGMENT).u8(0).u64(number)
}

pub(super) fn stamp_key(number: u64) -> KeyBuilder {
    KeyBuilder::new(tag::LOG_SEGMENT).u8(1).u64(number)
}

pub(super) fn tip_key() -> KeyBuilder {
    KeyBuilder::new(tag::COUNTER).text("log")
}

/// One link of the chain.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LinkRow {
    at: i64,
    number: u128,
    /// The chain after this line.
    pub hash: [u8; 32],
}

impl LinkRow {
    pub(super) fn new(place: Place, hash: [u8; 32]) -> Self {
        Self { at: place.at.as_millis(), number: place.number, hash }
    }

    pub(super) fn place(&self) -> Place {
        Place { at: Timestamp::from_millis(self.at), number: self.number }
    }
}

/// The end of the chain and the segment that is open. Whoever appends reads and writes it, so that of two workers one
/// meets a conflict.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TipRow {
    /// The sequence number of the next line.
    pub next: u64,
    /// The chain so far.
    pub head: [u8; 32],
    /// Number of the open segment.
    pub segment: u64,
    /// Sequence number of its first line.
    pub first: u64,
    /// The chain before that.
    pub before: [u8; 32],
    /// The legal day on which it began.
    pub day: String,
    /// When it began, in milliseconds.
    pub opened: i64,
}

/// A closed segment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SegmentRow {
    pub day: String,
    pub first: u64,
    /// Sequence number of the line that closes it.
    pub last: u64,
    pub before: [u8; 32],
    pub head: [u8; 32],
    pub opened: i64,
    pub closed: i64,
    /// Of the exported file.
    pub sha256: Option<[u8; 32]>,
    pub stamped: Option<i64>,
}

pub(super) fn put_line<S: Store>(tx: &mut Transaction<'_, S>, place: Place, line: &str) {
    for (n, piece) in (0u32..).zip(line.as_bytes().chunks(PIECE)) {
        tx.put(place.piece(n), encode(&Bytes(piece.to_vec())));
    }
}

/// The line at a place; `None` when there is none.
pub(super) fn read_line<S: Store>(store: &S, place: Place) -> Result<Option<String>, Error> {
    let mut line = Vec::new();
    for n in 0.. {
        let key = place.piece(n);
        let Some(value) = store.get(key.as_ref())? else { break };
        let Bytes(piece) = decode(&key, &value)?;
        line.extend_from_slice(&piece);
        if piece.len() < PIECE {
            break;
        }
    }
    if line.is_empty() {
        return Ok(None);
    }
    String::from_utf8(line).map(Some).map_err(|_| Error::corrupt(place.row(), "a line of the log is not UTF-8"))
}

/// Where the keys of `[from, to)` begin and end.
pub(super) fn range(from: Timestamp, to: Timestamp) -> (Vec<u8>, Vec<u8>) {
    let key = |at: Timestamp| KeyBuilder::new(tag::LEGAL_LOG).text(&at.legal().iso_day).time(at).done();
    (key(from), key(to))
}

/// What a key of the log's rows stands for.
pub(super) enum RowKey {
    Piece(u32),
    Linked,
}

pub(super) fn read_key(key: &[u8]) -> Result<(Place, RowKey), Error> {
    let mut reader = KeyReader::new(key, tag::LEGAL_LOG)?;
    reader.text()?;
    let place = Place::read(&mut reader)?;
    let row = match reader.u32()? {
        LINKED => RowKey::Linked,
        piece => RowKey::Piece(piece),
    };
    Ok((place, row))
}

/// A row that must be readable where there is one.
pub(super) fn get<S: Store, T: serde::de::DeserializeOwned>(store: &S, key: &KeyBuilder) -> Result<Option<T>, Error> {
    store.get(key.as_ref())?.map(|value| decode(key, &value)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_and_sorts_by_time() {
        let place = |at, number| Place { at: Timestamp::from_millis(at), number };
        for known in [place(0, 0), place(1_773_306_901_000, u128::MAX)] {
            assert_eq!(known.to_string().parse(), Ok(known));
        }
        assert!(place(1, u128::MAX) < place(2, 0));
        assert!(pending_key(place(1, u128::MAX)).as_ref() < pending_key(place(2, 0)).as_ref());
        for bad in ["", "1", "1.", ".1", "x.1", "1.g", "1.100000000000000000000000000000000"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }
}
