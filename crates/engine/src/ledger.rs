//! The legal log (RFC 6109 §2.3; DM 2-11-2005 art. 10): one row for every event, in the commit of the facts it tells of.
//!
//! A row is written without looking at any other, so that commits of many connections never wait for each other here.
//! Its order comes afterwards: [`Engine::chain_log`] takes the rows that wait and links each to everything before it,
//! and once a day [`Engine::close_segments`] closes what was linked into a segment, whose file is exported and stamped.
//! Nothing here ever removes a row: the log is kept for 30 months and longer until somebody decides otherwise.

mod audit;
mod chain;
mod check;
mod read;
mod rows;

use sigillo_base::{Domain, Timestamp};
use sigillo_mime::Piece;
use sigillo_pec::log::{Record, Service, ServiceEvent};
use sigillo_pec::{Certification, Kind, ReceiptKind, Signed};
use sigillo_store::{KeyBuilder, KeyReader, Store, tag, transact};

use crate::fronts::Transaction;
use crate::rows::{decode, encode};
use crate::{ATTEMPTS, Engine, Error};
pub use audit::Audit;
pub use read::{LegalLog, LogSegment, Logged};
pub use rows::Place;
use rows::{by_id_key, pending_key, put_line};

/// Lines that [`Engine::log_of`] gives at the most.
const OF_ONE: usize = 10_000;
/// A list of domains longer than this, in octets, is left out of a line.
const DOMAINS: usize = 512 * 1024;

impl<S: Store> Engine<S> {
    /// Writes the row of something we issued; an anomaly envelope has nothing certified and its own row.
    pub(crate) fn log_issued(&self, tx: &mut Transaction<'_, S>, signed: &Signed, at: Timestamp) {
        let Some(certification) = &signed.certification else { return };
        let id = signed.message_id.as_str();
        let mut record = Record::certified(at, &self.host, signed.kind, id, certification);
        record.issued = issued(signed).filter(|kind| record.receipt != Some(*kind));
        self.log_record(tx, &record, at);
    }

    /// Writes the row of something certified, ours or another provider's.
    pub(crate) fn log(
        &self,
        tx: &mut Transaction<'_, S>,
        certification: &Certification,
        kind: Kind,
        message_id: &str,
        at: Timestamp,
    ) {
        self.log_record(tx, &Record::certified(at, &self.host, kind, message_id, certification), at);
    }

    /// Writes one row.
    pub(crate) fn log_record(&self, tx: &mut Transaction<'_, S>, record: &Record, at: Timestamp) {
        let place = self.log_line(tx, &record.to_line(), at);
        if !record.id.is_empty() {
            tx.put(place.onto(by_id_key(&record.id)), []);
        }
    }

    /// Writes a line and that it waits for its place in the chain.
    fn log_line(&self, tx: &mut Transaction<'_, S>, line: &str, at: Timestamp) -> Place {
        let place = Place { at, number: self.ids.next_id() };
        put_line(tx, place, line);
        tx.put(pending_key(place), []);
        place
    }

    /// Writes down something that happened to the service itself. What opens and closes segments is written by
    /// [`Engine::close_segments`] alone.
    ///
    /// # Errors
    /// The store's fault.
    pub fn log_service(&self, event: ServiceEvent, now: Timestamp) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            self.log_event(tx, event.clone(), now);
            Ok(())
        })
    }

    /// Writes down which configuration is in use, by the SHA-256 of its file: what came of reading it `again`, or without that
    /// (at a start) whether it is another one than before. The first of a store is no event.
    ///
    /// # Errors
    /// The store's fault.
    pub fn configured(&self, sha256: &str, again: Option<&Result<(), String>>, now: Timestamp) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            let key = KeyBuilder::new(tag::META).text("configuration");
            let before: Option<String> = tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?;
            let another = before.as_deref().is_some_and(|before| before != sha256);
            if before.as_deref() != Some(sha256) {
                tx.put(&key, encode(&sha256.to_owned()));
            }
            if another || again.is_some() {
                let outcome = again.cloned().unwrap_or(Ok(()));
                let domains = if outcome.is_ok() { self.told_domains() } else { Vec::new() };
                self.log_event(tx, ServiceEvent::Configured { sha256: sha256.to_owned(), domains, outcome }, now);
            }
            Ok(())
        })
    }

    /// Our domains as a line tells them; none where they would be too many for one.
    fn told_domains(&self) -> Vec<Domain> {
        let all = self.domains();
        if all.iter().map(|d| d.as_str().len() + 2).sum::<usize>() > DOMAINS { Vec::new() } else { all }
    }

    /// The same as [`Engine::log_service`] in the commit of the facts it tells of; gives the line.
    pub(crate) fn log_event(&self, tx: &mut Transaction<'_, S>, event: ServiceEvent, now: Timestamp) -> String {
        let line = self.service_line(event, now);
        self.log_line(tx, &line, now);
        line
    }

    fn service_line(&self, event: ServiceEvent, at: Timestamp) -> String {
        Service { at, installation: self.host.clone(), event }.to_line()
    }

    /// The log, to be read.
    pub fn ledger(&self) -> LegalLog<'_, S> {
        LegalLog::new(self.store.inner())
    }

    /// The lines of one legal day (`2026-03-12`), in order of time; service lines are among them.
    ///
    /// # Errors
    /// The store's fault.
    pub fn legal_log(&self, day: &str) -> Result<Vec<String>, Error> {
        let Some((from, to)) = Timestamp::legal_day(day) else { return Ok(Vec::new()) };
        Ok(self.log_between(from, to, None, usize::MAX)?.into_iter().map(|l| l.line).collect())
    }

    /// The first ten thousand lines about a message, in order of time. More by [`LegalLog::of`].
    ///
    /// # Errors
    /// The store's fault.
    pub fn log_of(&self, id: &str) -> Result<Vec<Logged>, Error> {
        self.ledger().of(id, None, OF_ONE)
    }

    /// At most `limit` lines with times in `[from, to)` after a place, in order of time.
    ///
    /// # Errors
    /// The store's fault.
    pub fn log_between(
        &self,
        from: Timestamp,
        to: Timestamp,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Vec<Logged>, Error> {
        self.ledger().between(from, to, after, limit)
    }

    /// The time of the oldest line that waits for its place in the chain.
    ///
    /// # Errors
    /// The store's fault.
    pub fn oldest_unchained(&self) -> Result<Option<Timestamp>, Error> {
        let (from, to) = KeyBuilder::new(tag::LOG_PENDING).range();
        let waiting = self.store.scan(&from, &to, 1)?;
        let place = |key: &[u8]| Place::read(&mut KeyReader::new(key, tag::LOG_PENDING)?);
        Ok(waiting.first().map(|(key, _)| place(key)).transpose()?.map(|place| place.at))
    }

    /// The oldest closed segments without a time stamp, at most `limit`. One appears here once the digest of its file
    /// is known, which follows its closing.
    ///
    /// # Errors
    /// The store's fault.
    pub fn unstamped_segments(&self, limit: usize) -> Result<Vec<LogSegment>, Error> {
        let mut found = Vec::new();
        let mut after = 0;
        loop {
            let page = self.ledger().segments(after, 100)?;
            let Some(last) = page.last() else { break };
            after = last.number;
            found.extend(page.into_iter().filter(|s| s.sha256.is_some() && s.stamped.is_none()));
            if found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Gives the bytes of a segment's file to `sink`, in pieces. The segment that is still open ends where the log
    /// does now.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such segment; a damaged row is `Corrupt`; the store's fault.
    pub fn export_segment(&self, number: u64, sink: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        self.ledger().export(number, sink)
    }
}

/// Which delivery receipt this is, where it shows: only a concise one encloses nothing of the original.
fn issued(signed: &Signed) -> Option<ReceiptKind> {
    let encloses = signed.content.pieces.iter().any(|p| matches!(p, Piece::Source(_)));
    (signed.kind == Kind::Delivery && !encloses).then_some(ReceiptKind::Concise)
}
