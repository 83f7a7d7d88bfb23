//! Reading the log: by identifier, by time, by segment. It needs the store alone, so a log can be judged whose provider
//! does not run.

use sigillo_base::{Timestamp, said};
use sigillo_pec::log::chained;
use sigillo_store::{KeyReader, Store, key, tag};

use super::rows::{
    LinkRow, Place, RowKey, SegmentRow, TipRow, by_id_key, chain_key, get, range, read_key, read_line, segment_key,
    stamp_key, tip_key,
};
use crate::Error;
use crate::rows::decode;

/// A page of lines ends beyond this, in octets.
const PAGE: usize = 1 << 20;
/// Rows read from the store at once.
const ROWS: usize = 500;

/// The log of a provider, in its store.
#[derive(Debug)]
pub struct LegalLog<'s, S> {
    pub(super) store: &'s S,
}

/// A line and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Where it stands by time.
    pub place: Place,
    /// The line, as [`sigillo_pec::log::Entry`] writes it.
    pub line: String,
}

/// A segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSegment {
    /// From 1.
    pub number: u64,
    /// The legal day on which it began.
    pub day: String,
    /// When it began.
    pub opened: Timestamp,
    /// When it was closed; `None` for the open one.
    pub closed: Option<Timestamp>,
    /// Sequence number of its first line.
    pub first: u64,
    /// Lines so far.
    pub lines: u64,
    /// The chain before it.
    pub before: [u8; 32],
    /// The chain after its last line.
    pub head: [u8; 32],
    /// SHA-256 of its file, once it is closed and found whole.
    pub sha256: Option<[u8; 32]>,
    /// When its time stamp was kept.
    pub stamped: Option<Timestamp>,
}

impl LogSegment {
    fn closed(number: u64, row: SegmentRow) -> Self {
        Self {
            number,
            day: row.day,
            opened: Timestamp::from_millis(row.opened),
            closed: Some(Timestamp::from_millis(row.closed)),
            first: row.first,
            lines: (row.last + 1).saturating_sub(row.first),
            before: row.before,
            head: row.head,
            sha256: row.sha256,
            stamped: row.stamped.map(Timestamp::from_millis),
        }
    }

    fn open(tip: TipRow) -> Self {
        Self {
            number: tip.segment,
            day: tip.day,
            opened: Timestamp::from_millis(tip.opened),
            closed: None,
            first: tip.first,
            lines: tip.next.saturating_sub(tip.first),
            before: tip.before,
            head: tip.head,
            sha256: None,
            stamped: None,
        }
    }

    /// The name of its file: `PEC-000003-2026-03-12.log`.
    pub fn file_name(&self) -> String {
        format!("PEC-{:06}-{}.log", self.number, self.day)
    }
}

impl<'s, S: Store> LegalLog<'s, S> {
    /// The log in a store.
    pub fn new(store: &'s S) -> Self {
        Self { store }
    }

    /// The segments after this number, at most `limit`; the open one is the last of all.
    ///
    /// # Errors
    /// The store's fault.
    pub fn segments(&self, after: u64, limit: usize) -> Result<Vec<LogSegment>, Error> {
        let (from, to) = (segment_key(after.saturating_add(1)), stamp_key(0));
        let mut found = Vec::new();
        for (key, value) in self.store.scan(from.as_ref(), to.as_ref(), limit)? {
            let mut reader = KeyReader::new(&key, tag::LOG_SEGMENT)?;
            reader.u8()?;
            found.push(LogSegment::closed(reader.u64()?, decode(&key, &value)?));
        }
        if found.len() < limit {
            found.extend(self.open()?.filter(|open| open.number > after));
        }
        Ok(found)
    }

    fn open(&self) -> Result<Option<LogSegment>, Error> {
        Ok(get(self.store, &tip_key())?.map(LogSegment::open))
    }

    /// A segment by its number.
    ///
    /// # Errors
    /// The store's fault.
    pub fn segment(&self, number: u64) -> Result<Option<LogSegment>, Error> {
        match get(self.store, &segment_key(number))? {
            Some(row) => Ok(Some(LogSegment::closed(number, row))),
            None => Ok(self.open()?.filter(|open| open.number == number)),
        }
    }

    /// The RFC 3161 token of a segment.
    ///
    /// # Errors
    /// The store's fault.
    pub fn stamp(&self, number: u64) -> Result<Option<Vec<u8>>, Error> {
        Ok(get(self.store, &stamp_key(number))?)
    }

    /// Lines of a segment as they stand in its file, without their LF, from its line number `from` (0 is the first) on;
    /// about a megabyte, none past the end.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such segment; a damaged row is `Corrupt`; the store's fault.
    pub fn lines(&self, segment: u64, from: u64) -> Result<Vec<String>, Error> {
        let found = self.segment(segment)?;
        let found = found
            .ok_or_else(|| Error::Invalid(said!("il segmento {segment} non c'è", "there is no segment {segment}")))?;
        let (mut next, end) = (found.first.saturating_add(from), found.first.saturating_add(found.lines));
        if next >= end {
            return Ok(Vec::new());
        }
        let mut before = match next.checked_sub(1) {
            Some(last) => self.link(last)?.hash,
            None => found.before,
        };
        let (mut lines, mut size) = (Vec::new(), 0);
        while next < end && size < PAGE {
            let rows = self.store.scan(chain_key(next).as_ref(), chain_key(end).as_ref(), ROWS)?;
            if rows.is_empty() {
                return Err(missing(next));
            }
            for (key, value) in rows {
                if key != chain_key(next).as_ref() {
                    return Err(missing(next));
                }
                let row: LinkRow = decode(&key, &value)?;
                let line = read_line(self.store, row.place())?;
                let line = line.ok_or_else(|| sigillo_store::Error::corrupt(&key, "the linked line is missing"))?;
                let line = chained(&line, &before);
                size += line.len();
                lines.push(line);
                before = row.hash;
                next += 1;
                if size >= PAGE {
                    break;
                }
            }
        }
        Ok(lines)
    }

    pub(super) fn link(&self, sequence: u64) -> Result<LinkRow, Error> {
        get(self.store, &chain_key(sequence))?.ok_or_else(|| missing(sequence))
    }

    /// See [`Engine::export_segment`](crate::Engine::export_segment).
    ///
    /// # Errors
    /// As there.
    pub fn export(&self, number: u64, sink: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        let mut from = 0;
        loop {
            let lines = self.lines(number, from)?;
            if lines.is_empty() {
                return Ok(());
            }
            from += lines.len() as u64;
            for line in lines {
                sink(line.as_bytes());
                sink(b"\n");
            }
        }
    }

    /// At most `limit` lines about a message after a place, in order of time.
    ///
    /// # Errors
    /// A damaged row is `Corrupt`; the store's fault.
    pub fn of(&self, id: &str, after: Option<Place>, limit: usize) -> Result<Vec<Logged>, Error> {
        let (from, to) = by_id_key(id).range();
        let from = after.map_or(from, |place| key::successor(place.onto(by_id_key(id))));
        let mut found = Vec::new();
        for (key, _) in self.store.scan(&from, &to, limit)? {
            let mut reader = KeyReader::new(&key, tag::LOG_BY_ID)?;
            reader.text()?;
            found.push(self.logged(Place::read(&mut reader)?)?);
        }
        Ok(found)
    }

    /// See [`Engine::log_between`](crate::Engine::log_between).
    ///
    /// # Errors
    /// A damaged row is `Corrupt`; the store's fault.
    pub fn between(
        &self,
        from: Timestamp,
        to: Timestamp,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Vec<Logged>, Error> {
        let (from, to) = range(from, to);
        let mut from = after.map_or(from.clone(), |place| place.after().max(from));
        let mut found = Vec::new();
        while found.len() < limit {
            let rows = self.store.scan(&from, &to, ROWS)?;
            let Some((last, _)) = rows.last() else { break };
            from = key::successor(last);
            for (key, _) in &rows {
                if let (place, RowKey::Piece(0)) = read_key(key)?
                    && found.len() < limit
                {
                    found.push(self.logged(place)?);
                }
            }
        }
        Ok(found)
    }

    fn logged(&self, place: Place) -> Result<Logged, Error> {
        let line = read_line(self.store, place)?;
        let line = line.ok_or_else(|| sigillo_store::Error::corrupt(place.linked(), "the line is missing"))?;
        Ok(Logged { place, line })
    }
}

fn missing(sequence: u64) -> Error {
    sigillo_store::Error::corrupt(chain_key(sequence), "a link of the log's chain is missing").into()
}
