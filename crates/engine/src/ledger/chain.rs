//! The log in its one order, and its segments.
//!
//! A line waits from the commit of its facts on; the chain takes what waits in order of time, in commits of its own.
//! A line whose commit ends late is linked late, into the segment that is open then; so nothing depends on the clock,
//! which may step back. Each row of a line gets the number of its link in the same commit, so that it is never linked
//! twice.

use std::time::Duration;

use sigillo_base::{Timestamp, said};
use sigillo_pec::log::{SegmentReader, ServiceEvent, chained, link};
use sigillo_smime::timestamp::Token;
use sigillo_store::{KeyBuilder, KeyReader, Row, Store, key, tag, transact};

use super::rows::{
    LinkRow, Place, SegmentRow, TipRow, chain_key, get, put_line, read_line, segment_key, stamp_key, tip_key,
};
use crate::fronts::Transaction;
use crate::rows::{decode, encode};
use crate::{Engine, Error};

/// Lines linked in one commit: with their rows about a tenth of what a commit may write.
const BATCH: usize = 500;
/// A commit meets a conflict only when another worker links as well.
const ATTEMPTS: usize = 8;
/// After the end of the legal day, in service time: what was under way at midnight still comes into its day.
const GRACE: Duration = Duration::from_secs(5 * 60);
/// Largest time stamp, in octets.
const STAMP: usize = 60 * 1024;

impl TipRow {
    /// Appends a line that stands in the store.
    fn append<S: Store>(&mut self, tx: &mut Transaction<'_, S>, place: Place, line: &str) {
        self.head = link(&self.head, chained(line, &self.head).as_bytes());
        tx.put(chain_key(self.next), encode(&LinkRow::new(place, self.head)));
        tx.put(place.linked(), encode(&self.next));
        self.next += 1;
    }

    fn read<S: Store>(tx: &mut Transaction<'_, S>) -> Result<Option<Self>, Error> {
        let key = tip_key();
        Ok(tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?)
    }
}

impl<S: Store> Engine<S> {
    /// Links the lines that wait to the chain and gives how many. The first call of all opens the first segment. Several
    /// workers may call it at once; what a crash interrupts is done by the next call.
    ///
    /// # Errors
    /// The store's fault. A damaged line is logged, goes on waiting, and stops no other.
    pub fn chain_log(&self, now: Timestamp) -> Result<usize, Error> {
        if self.store.get(tip_key().as_ref())?.is_none() {
            transact(&self.store, ATTEMPTS, |tx| match TipRow::read(tx)? {
                Some(_) => Ok(()),
                None => self.open_segment(tx, 1, 0, [0; 32], now),
            })?;
        }
        let (mut from, to) = KeyBuilder::new(tag::LOG_PENDING).range();
        let mut linked = 0;
        loop {
            let waiting = self.store.scan(&from, &to, BATCH)?;
            let Some((last, _)) = waiting.last() else { return Ok(linked) };
            from = key::successor(last);
            linked += transact(&self.store, ATTEMPTS, |tx| self.link_all(tx, &waiting))?;
        }
    }

    fn link_all(&self, tx: &mut Transaction<'_, S>, waiting: &[Row]) -> Result<usize, Error> {
        let mut tip = self.tip(tx)?;
        let before = tip.next;
        for (key, _) in waiting {
            // Who links writes the tip, so what is read after it stays as it is until the commit, or that fails.
            if tx.peek(key)?.is_none() {
                continue; // another worker was faster
            }
            let place = Place::read(&mut KeyReader::new(key, tag::LOG_PENDING)?)?;
            if tx.peek(place.linked())?.is_some() {
                tracing::error!(%place, "a line of the legal log was said to wait and had its place: marker removed");
                tx.delete(key);
                continue;
            }
            match read_line(&self.store, place) {
                Ok(Some(line)) => {
                    tip.append(tx, place, &line);
                    tx.delete(key);
                }
                Ok(None) => tracing::error!(%place, "a line of the legal log is missing"),
                Err(error @ sigillo_store::Error::Corrupt { .. }) => {
                    tracing::error!(%place, %error, "a line of the legal log is damaged");
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        tx.put(tip_key(), encode(&tip));
        Ok(usize::try_from(tip.next - before).unwrap_or(usize::MAX))
    }

    fn tip(&self, tx: &mut Transaction<'_, S>) -> Result<TipRow, Error> {
        TipRow::read(tx)?.ok_or_else(|| sigillo_store::Error::corrupt(tip_key(), "the end of the chain is lost").into())
    }

    /// Closes the segment whose legal day ended five minutes ago or earlier, and opens the next: one for each day, also
    /// for a day without events. After an outage of days one segment reaches to the day on which it is closed. Gives how
    /// many were closed. Closed segments then get the digest of their file, which is what a time stamp is asked for.
    ///
    /// # Errors
    /// The store's fault; what was closed stays closed.
    pub fn close_segments(&self, now: Timestamp) -> Result<usize, Error> {
        self.chain_log(now)?;
        let ended = now.minus(GRACE).legal().iso_day;
        let due = |tip: &TipRow| tip.day < ended;
        let mut closed = 0;
        if get::<_, TipRow>(&self.store, &tip_key())?.is_some_and(|tip| due(&tip)) {
            closed = transact(&self.store, ATTEMPTS, |tx| {
                let tip = self.tip(tx)?;
                if due(&tip) { self.rotate(tx, tip, now).map(|()| 1) } else { Ok(0) }
            })?;
        }
        self.digest_closed()?;
        Ok(closed)
    }

    fn rotate(&self, tx: &mut Transaction<'_, S>, mut tip: TipRow, now: Timestamp) -> Result<(), Error> {
        let event = ServiceEvent::Close { segment: tip.segment, lines: tip.next - tip.first + 1 };
        self.append_event(tx, &mut tip, event, now);
        let row = SegmentRow {
            day: tip.day,
            first: tip.first,
            last: tip.next - 1,
            before: tip.before,
            head: tip.head,
            opened: tip.opened,
            closed: now.as_millis(),
            sha256: None,
            stamped: None,
        };
        tx.put(segment_key(tip.segment), encode(&row));
        self.open_segment(tx, tip.segment + 1, tip.next, tip.head, now)
    }

    fn open_segment(
        &self,
        tx: &mut Transaction<'_, S>,
        segment: u64,
        first: u64,
        head: [u8; 32],
        now: Timestamp,
    ) -> Result<(), Error> {
        let day = now.legal().iso_day;
        let domains = self.told_domains();
        let (issuer, service) = (self.provider.name.clone(), self.service_domain.clone());
        let event = ServiceEvent::Open { segment, day: day.clone(), issuer, service, domains };
        let mut tip = TipRow { next: first, head, segment, first, before: head, day, opened: now.as_millis() };
        self.append_event(tx, &mut tip, event, now);
        tx.put(tip_key(), encode(&tip));
        Ok(())
    }

    /// A line that is linked in the commit that writes it.
    fn append_event(&self, tx: &mut Transaction<'_, S>, tip: &mut TipRow, event: ServiceEvent, now: Timestamp) {
        let line = self.service_line(event, now);
        let place = Place { at: now, number: self.ids.next_id() };
        put_line(tx, place, &line);
        tip.append(tx, place, &line);
    }

    /// Gives the closed segments that have none yet the digest of their file. One that does not hold together gets
    /// none: nothing altered is ever stamped.
    fn digest_closed(&self) -> Result<(), Error> {
        let Some(tip) = get::<_, TipRow>(&self.store, &tip_key())? else { return Ok(()) };
        let mut waiting = Vec::new();
        for number in (1..tip.segment).rev() {
            match get::<_, SegmentRow>(&self.store, &segment_key(number))? {
                Some(SegmentRow { sha256: None, before, head, .. }) => waiting.push((number, before, head)),
                _ => break,
            }
        }
        // The oldest first, so that what a crash leaves without digest lies at the end.
        for (number, before, head) in waiting.into_iter().rev() {
            let mut reader = SegmentReader::new(format!("segmento {number}"), Some(before));
            let mut broken = None;
            let exported = self.export_segment(number, &mut |bytes| {
                if broken.is_none() {
                    broken = reader.feed(bytes, &mut |_| ()).err();
                }
            });
            match exported {
                Ok(()) => {}
                // The later ones are no worse for it.
                Err(Error::Store(error @ sigillo_store::Error::Corrupt { .. })) => {
                    tracing::error!(segment = number, %error, "segment of the legal log is broken");
                    continue;
                }
                Err(fault) => return Err(fault),
            }
            let read = broken.map_or_else(|| reader.finish(), Err);
            match read {
                Ok(read) if read.head == head && read.closed => {
                    self.change_segment(number, |row| row.sha256 = Some(read.sha256))?;
                    tracing::info!(segment = number, lines = read.lines, "segment of the legal log closed");
                }
                Ok(_) => {
                    tracing::error!(segment = number, "segment of the legal log: it does not end as it was closed")
                }
                Err(error) => tracing::error!(segment = number, %error, "segment of the legal log is broken"),
            }
        }
        Ok(())
    }

    fn change_segment(&self, number: u64, change: impl Fn(&mut SegmentRow)) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            let key = segment_key(number);
            let value = tx.get(&key)?.ok_or_else(|| {
                Error::Invalid(said!("il segmento {number} non è chiuso", "segment {number} is not closed"))
            })?;
            let mut row: SegmentRow = decode(&key, &value)?;
            change(&mut row);
            tx.put(&key, encode(&row));
            Ok(())
        })
    }

    /// Keeps the time stamp of a segment: the RFC 3161 token over the SHA-256 of its file. Whether its authority is to be
    /// believed was the caller's question. The same token again changes nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] when this is no token, or of another file, when the segment has no digest yet, or another stamp;
    /// the store's fault.
    pub fn stamp_segment(&self, number: u64, token: &[u8], now: Timestamp) -> Result<(), Error> {
        let read = Token::parse(token).map_err(|e| {
            Error::Invalid(said!("segmento {number}: marca temporale: {e}", "segment {number}: time stamp: {e}"))
        })?;
        if token.len() > STAMP {
            return Err(Error::Invalid(said!(
                "segmento {number}: una marca temporale di {} ottetti",
                "segment {number}: a time stamp of {} octets",
                token.len()
            )));
        }
        transact(&self.store, ATTEMPTS, |tx| {
            let (key, stamp) = (segment_key(number), stamp_key(number));
            let none = || {
                Error::Invalid(said!(
                    "il segmento {number} non è chiuso o non ha ancora l'impronta",
                    "segment {number} is not closed, or has no digest yet"
                ))
            };
            let mut row: SegmentRow = decode(&key, &tx.get(&key)?.ok_or_else(none)?)?;
            if row.sha256.ok_or_else(none)? != *read.digest() {
                return Err(Error::Invalid(said!(
                    "segmento {number}: la marca temporale è di un altro file",
                    "segment {number}: the time stamp is of another file"
                )));
            }
            if let Some(value) = tx.get(&stamp)? {
                let same = decode::<Vec<u8>>(&stamp, &value)? == token;
                return if same {
                    Ok(())
                } else {
                    Err(Error::Invalid(said!(
                        "il segmento {number} è già marcato",
                        "segment {number} is stamped already"
                    )))
                };
            }
            row.stamped = Some(now.as_millis());
            tx.put(&key, encode(&row));
            tx.put(&stamp, encode(&token));
            Ok(())
        })
    }
}
