//! How much mailboxes send: windows, days that are over, and every limit that was reached (BOX-09, REP-07).

use serde::{Deserialize, Serialize};
use sigillo_accounts::{Exceeded, Limits, Mailbox, Profile, Standing, Usage, Window};
use sigillo_base::{MailboxId, Timestamp};
use sigillo_store::{KeyBuilder, KeyReader, Store, Transaction, key, tag, transact};

use crate::rows::{decode, encode, rate_key};
use crate::{ATTEMPTS, Engine, Error, Fact, Rejected, stored};

/// Rows read from the store at once.
const PAGE: usize = 1_000;

/// A limit that a mailbox reached: one for each window, however often the client came again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overrun {
    /// Whose.
    pub mailbox: MailboxId,
    /// Which window was full.
    pub window: Window,
    /// Its figure.
    pub limit: u32,
    /// Messages in it.
    pub value: u32,
    /// The profile that it had.
    pub profile: String,
    /// The first refusal.
    pub at: Timestamp,
    /// The last one.
    pub last: Timestamp,
    /// How many there were.
    pub refused: u32,
    /// When it could send again: the end of the window, or a change of its profile before.
    pub unblocked: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct OverrunRow {
    limit: u32,
    value: u32,
    profile: String,
    at: i64,
    last: i64,
    refused: u32,
    unblocked: i64,
}

/// How a mailbox stands to its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxRates {
    /// Its figures.
    pub limits: Limits,
    /// Its windows.
    pub standing: Standing,
    /// Octets and messages in its folders.
    pub held: (u64, u64),
    /// Until when it may not send, if it may not now.
    pub blocked: Option<Exceeded>,
    /// Days that are over and on which it sent, the latest first, with their messages.
    pub days: Vec<(String, u32)>,
    /// Limits reached, the latest first.
    pub overruns: Vec<Overrun>,
}

impl<S: Store> Engine<S> {
    /// What a mailbox is made for, and its figures.
    pub fn terms(&self, mailbox: &Mailbox) -> (Profile, Limits) {
        self.current.read().profiles.of(&mailbox.profile)
    }

    /// How a mailbox stands to its limits, with at most `days` days that are over and the overruns of as many.
    ///
    /// # Errors
    /// The store's fault.
    pub fn rates(&self, mailbox: &Mailbox, days: usize, now: Timestamp) -> Result<BoxRates, Error> {
        let id = MailboxId(mailbox.id);
        let usage = self.usage(id)?;
        let limits = self.terms(mailbox).1;
        let (from, to) = KeyBuilder::new(tag::SENT_DAY).mailbox(id).range();
        let mut sent = self.sound(&from, &to, usize::MAX, |key, value| Ok((sent_day(key)?.1, decode(key, value)?)))?;
        sent.reverse();
        sent.truncate(days);
        let (mut overruns, mut day) = (Vec::new(), now);
        for _ in 0..=days {
            let name = day.legal().iso_day;
            let mut found = self.overruns_in(&overrun_day(&name).mailbox(id))?;
            found.reverse();
            overruns.extend(found);
            let Some((midnight, _)) = Timestamp::legal_day(&name) else { break };
            day = midnight.minus(std::time::Duration::from_millis(1));
        }
        let held = stored::usage(&mut Transaction::new(&self.store), id)?;
        Ok(BoxRates {
            limits,
            standing: usage.standing(now),
            held: (held.bytes, held.messages),
            blocked: usage.clone().admit(&limits, now).err(),
            days: sent,
            overruns,
        })
    }

    /// Every limit that was reached on a legal day (`2026-03-12`), by mailbox.
    ///
    /// # Errors
    /// The store's fault.
    pub fn overruns(&self, day: &str) -> Result<Vec<Overrun>, Error> {
        self.overruns_in(&overrun_day(day))
    }

    pub(crate) fn usage(&self, id: MailboxId) -> Result<Usage, Error> {
        let key = rate_key(id);
        Ok(match self.store.get(key.as_ref())? {
            Some(value) => decode(&key, &value)?,
            None => Usage::default(),
        })
    }

    /// The answer to a sender over his limit (BOX-09): temporary, with the figure, what was sent and when it ends. The
    /// first of a window is an event that is durable, the others are counted in it.
    pub(crate) fn over(&self, mailbox: &Mailbox, e: &Exceeded, now: Timestamp) -> Rejected {
        if let Err(error) = self.note(mailbox, e, now) {
            tracing::error!(%error, mailbox = mailbox.address, "a limit was reached, and its event is not kept");
        }
        self.meter.note(Fact::Limit(e.window.into()));
        Rejected::refused(450, (4, 7, 1), e.to_string())
    }

    fn note(&self, mailbox: &Mailbox, e: &Exceeded, now: Timestamp) -> Result<(), Error> {
        let key = overrun_key(MailboxId(mailbox.id), e, now);
        let first = transact(&self.store, ATTEMPTS, |tx| {
            let known = tx.get(&key)?.map(|value| decode::<OverrunRow>(&key, &value)).transpose()?;
            let first = known.is_none();
            let mut row = known.unwrap_or_else(|| OverrunRow {
                limit: e.limit,
                value: e.value,
                profile: mailbox.profile.name().to_owned(),
                at: now.as_millis(),
                last: 0,
                refused: 0,
                unblocked: e.until.as_millis(),
            });
            if !first {
                tx.later();
            }
            row.last = now.as_millis();
            row.refused = row.refused.saturating_add(1);
            row.unblocked = e.until.as_millis();
            tx.put(&key, encode(&row));
            Ok::<_, Error>(first)
        })?;
        if first {
            let (limit, window, until) = (e.limit, e.window.name(), e.until);
            tracing::warn!(mailbox = mailbox.address, window, limit, %until, "rate limit reached");
        }
        Ok(())
    }

    fn overruns_in(&self, prefix: &KeyBuilder) -> Result<Vec<Overrun>, Error> {
        let (mut from, to) = prefix.range();
        let mut all = Vec::new();
        loop {
            let page = self.sound(&from, &to, PAGE, |key, value| Ok((key.to_vec(), read_overrun(key, value)?)))?;
            let Some((last, _)) = page.last() else { return Ok(all) };
            from = key::successor(last);
            all.extend(page.into_iter().map(|(_, overrun)| overrun));
        }
    }
}

/// Counts a message in the commit that takes it; a day that ends with it is kept.
pub(crate) fn count<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: MailboxId,
    limits: &Limits,
    now: Timestamp,
) -> Result<Result<(), Exceeded>, Error> {
    let key = rate_key(id);
    let mut usage: Usage = match tx.get(&key)? {
        Some(value) => decode(&key, &value)?,
        None => Usage::default(),
    };
    match usage.admit(limits, now) {
        Err(exceeded) => return Ok(Err(exceeded)),
        Ok(None) => {}
        Ok(Some(ended)) => tx.put(KeyBuilder::new(tag::SENT_DAY).mailbox(id).text(&ended.day), encode(&ended.messages)),
    }
    tx.put(&key, encode(&usage));
    Ok(Ok(()))
}

/// Ends the overruns of a mailbox that has figures under which it may send now.
pub(crate) fn unblock<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: MailboxId,
    limits: &Limits,
    now: Timestamp,
) -> Result<(), Error> {
    let key = rate_key(id);
    let Some(value) = tx.get(&key)? else { return Ok(()) };
    let standing = decode::<Usage>(&key, &value)?.standing(now);
    let (from, to) = overrun_day(&now.legal().iso_day).mailbox(id).range();
    for (key, value) in tx.scan(&from, &to, PAGE)? {
        let mut row: OverrunRow = decode(&key, &value)?;
        let free = match read_overrun(&key, &value)?.window {
            Window::Minute => standing.minute < limits.per_minute,
            Window::Day => standing.day < limits.per_day,
        };
        if free && row.unblocked > now.as_millis() {
            row.unblocked = now.as_millis();
            tx.put(&key, encode(&row));
        }
    }
    Ok(())
}

fn overrun_day(day: &str) -> KeyBuilder {
    KeyBuilder::new(tag::OVERRUN).text(day)
}

/// A window is known by its end: what is refused in it later meets the same row.
fn overrun_key(id: MailboxId, e: &Exceeded, now: Timestamp) -> KeyBuilder {
    overrun_day(&now.legal().iso_day).mailbox(id).time(e.until).u8(u8::from(e.window == Window::Day))
}

/// The mailbox and the day in the key of a day's count.
pub(crate) fn sent_day(key: &[u8]) -> Result<(MailboxId, String), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::SENT_DAY)?;
    let found = (reader.mailbox()?, reader.text()?);
    reader.end()?;
    Ok(found)
}

pub(crate) fn read_overrun(key: &[u8], value: &[u8]) -> Result<Overrun, sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::OVERRUN)?;
    reader.text()?;
    let mailbox = reader.mailbox()?;
    reader.time()?;
    let window = if reader.u8()? == 0 { Window::Minute } else { Window::Day };
    reader.end()?;
    let OverrunRow { limit, value, profile, at, last, refused, unblocked } = decode(key, value)?;
    let [at, last, unblocked] = [at, last, unblocked].map(Timestamp::from_millis);
    Ok(Overrun { mailbox, window, limit, value, profile, at, last, refused, unblocked })
}
