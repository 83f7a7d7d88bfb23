//! The register of notices: to whom what was told, and what became of it. It holds no text.

use serde::{Deserialize, Serialize};
use sigillo_accounts::{Channel, Concern, NoticeKind};
use sigillo_base::{IdSource, Timestamp};
use sigillo_store::{KeyBuilder, KeyReader, Store, key, tag};

use super::{MAX_WHY, NoticeRow};
use crate::failed::Failed;
use crate::fronts::Transaction;
use crate::rows::{decode, encode};
use crate::{Engine, Error};

/// Low bits of a number that tell notices of one millisecond apart.
const BELOW: u32 = 80;

#[derive(Serialize, Deserialize)]
pub(crate) struct ToldRow {
    kind: NoticeKind,
    to: Channel,
    about: Concern,
    subject: String,
    /// Attempts that failed.
    failures: u32,
    /// Why the last of them did.
    last_error: String,
    end: Option<EndRow>,
}

#[derive(Serialize, Deserialize)]
struct EndRow {
    at: i64,
    /// Why it was given up; nothing when it went out.
    why: Option<String>,
}

/// A line of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The number of the notice.
    pub id: u128,
    /// When it was made.
    pub at: Timestamp,
    /// What it says.
    pub kind: NoticeKind,
    /// To whom.
    pub to: Channel,
    /// Whom it concerns.
    pub about: Concern,
    /// Its subject.
    pub subject: String,
    /// Attempts that failed.
    pub failures: u32,
    /// Why the last of them did; empty when none has.
    pub last_error: String,
    /// When it went out or was given up, and then why.
    pub end: Option<(Timestamp, Option<String>)>,
}

/// A number in order of time, so that the register is.
pub(crate) fn new_number(ids: &dyn IdSource, now: Timestamp) -> u128 {
    first_number(now) | (ids.next_id() & ((1 << BELOW) - 1))
}

fn first_number(at: Timestamp) -> u128 {
    // Timestamps are never negative, and have 48 bits until the year 10889.
    u128::from(at.as_millis().cast_unsigned()) << BELOW
}

/// When the notice of this number was made.
pub(crate) fn made(id: u128) -> Timestamp {
    Timestamp::from_millis(((id >> BELOW) as u64).cast_signed())
}

pub(crate) fn told_key(id: u128) -> KeyBuilder {
    KeyBuilder::new(tag::TOLD).u128(id)
}

pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<Told, sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::TOLD)?;
    let id = reader.u128()?;
    reader.end()?;
    let ToldRow { kind, to, about, subject, failures, last_error, end } = decode(key, value)?;
    let end = end.map(|end| (Timestamp::from_millis(end.at), end.why));
    Ok(Told { id, at: made(id), kind, to, about, subject, failures, last_error, end })
}

impl ToldRow {
    /// The line of a notice that waits.
    pub(crate) fn new(kind: NoticeKind, to: Channel, about: Concern, subject: String) -> Self {
        Self { kind, to, about, subject, failures: 0, last_error: String::new(), end: None }
    }

    pub(crate) fn of(row: &NoticeRow) -> Self {
        Self::new(row.kind, row.to.clone(), row.about, row.subject.clone())
    }
}

pub(super) fn begin<S: Store>(tx: &mut Transaction<'_, S>, id: u128, row: &ToldRow) {
    tx.put(told_key(id), encode(row));
}

fn change<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: u128,
    change: impl FnOnce(&mut ToldRow),
) -> Result<(), sigillo_store::Error> {
    let key = told_key(id);
    let Some(value) = tx.get(&key)? else { return Ok(()) };
    let mut row: ToldRow = decode(&key, &value)?;
    change(&mut row);
    tx.put(&key, encode(&row));
    Ok(())
}

fn short(why: &str) -> String {
    why.chars().take(MAX_WHY).collect()
}

/// An attempt failed.
pub(super) fn failed<S: Store>(tx: &mut Transaction<'_, S>, id: u128, why: &str) -> Result<(), sigillo_store::Error> {
    change(tx, id, |row| {
        row.failures += 1;
        row.last_error = short(why);
    })
}

/// It went out, or was given up and why. Of what is no notice nothing is written.
pub(crate) fn end<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: u128,
    why: Option<&str>,
    now: Timestamp,
) -> Result<(), sigillo_store::Error> {
    change(tx, id, |row| row.end = Some(EndRow { at: now.as_millis(), why: why.map(short) }))
}

/// What became of an attempt of the relay to hand over a mail of the register, which has one recipient.
pub(crate) fn settled<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: u128,
    given_up: &[Failed],
    open: &[String],
    why: &str,
    now: Timestamp,
) -> Result<(), sigillo_store::Error> {
    match given_up.first() {
        Some(failed) => end(tx, id, Some(&failed.why), now),
        None if open.is_empty() => end(tx, id, None, now),
        None => failed(tx, id, why),
    }
}

impl<S: Store> Engine<S> {
    /// Lines of the register of what was told from `from` on and before `to`, ascending, at most `limit`, behind the
    /// notice `after`.
    ///
    /// # Errors
    /// The store's fault.
    pub fn notices_told(
        &self,
        (from, to): (Timestamp, Timestamp),
        after: Option<u128>,
        limit: usize,
    ) -> Result<Vec<Told>, Error> {
        let first = told_key(first_number(from)).done();
        let from = after.map_or(first.clone(), |id| key::successor(told_key(id)).max(first));
        Ok(self.sound(&from, told_key(first_number(to)).as_ref(), limit, read)?)
    }
}
