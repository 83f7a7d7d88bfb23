//! What the provider tells people outside of certified mail, by short message or ordinary mail: the outbox and its register.
//!
//! A notice is a row in the commit of what it tells of ([`Engine::tell_in`]), so that neither is without the other. It goes
//! out afterwards: nothing of certified mail waits for it. Its row in the register says to whom what was told and what
//! became of it; its text is in the outbox alone, and gone when it went out.
//!
//! At least once: a short message is taken for a time ([`HOLD`]) and removed when the gateway has it. Who is killed between
//! the two sends it once more when that time is over. A mail goes from the outbox into the queue in one commit.

mod arrivals;
mod copy;
mod letter;
mod register;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sigillo_accounts::{Channel, Concern, NoticeKind};
use sigillo_base::{Said, Secret, Timestamp, said};
use sigillo_store::{KeyBuilder, KeyReader, Store, tag, transact};

use crate::fronts::{Lane, Transaction};
use crate::meter::{Medium, Telling};
use crate::rows::{Carried, decode, encode};
use crate::{ATTEMPTS, Engine, Error, Fact, OwnMail, queue};

pub(crate) use arrivals::{Came, kept, read_arrival, read_window};
pub use register::Told;
pub(crate) use register::{ToldRow, end, made, read, settled, told_key};

/// So long nobody else takes a notice that was taken; longer than a gateway may take to answer.
pub const HOLD: Duration = Duration::from_secs(180);
/// Octets of a text.
const MAX_TEXT: usize = 16 * 1024;
/// Characters of a subject.
const MAX_SUBJECT: usize = 200;
/// Characters that are kept of why something failed.
const MAX_WHY: usize = 300;
/// What could not be taken is looked at again after this time.
const AGAIN: Duration = Duration::from_secs(60);
/// And a row that does not read after this one.
const DAMAGED: Duration = Duration::from_secs(900);

/// Something to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub kind: NoticeKind,
    /// To whom.
    pub to: Channel,
    /// Whom it concerns.
    pub about: Concern,
    /// The subject, where it goes by mail; the register keeps it, so nothing that is secret or of a message.
    pub subject: String,
    /// All the text of a short message; that of a mail, lines ended by `\n`. Never in a log.
    pub text: Secret,
    /// After this time it is given up: what it says is of no use any more.
    pub not_after: Timestamp,
}

/// A notice in the outbox.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct NoticeRow {
    pub kind: NoticeKind,
    pub to: Channel,
    pub about: Concern,
    pub subject: String,
    text: String,
    not_after: i64,
    /// Attempts begun.
    attempts: u32,
}

/// A short message that was taken to be sent: say what came of it with [`Engine::text_sent`] or [`Engine::text_failed`].
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The number of the notice.
    pub id: u128,
    /// To whom.
    pub to: Channel,
    /// What it says.
    pub kind: NoticeKind,
    /// All of it.
    pub text: Secret,
    /// Attempts before this one.
    pub attempts: u32,
    key: Vec<u8>,
}

fn notice_key(lane: Lane, due: Timestamp, id: u128) -> KeyBuilder {
    lane.prefix().time(due).u128(id)
}

/// When a notice is due and its number, by its key in the outbox.
pub(crate) fn due(key: &[u8]) -> Result<(Timestamp, u128), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::NOTICE)?;
    reader.u8()?;
    let due = (reader.time()?, reader.u128()?);
    reader.end()?;
    Ok(due)
}

fn lane(to: &Channel) -> Lane {
    match to {
        Channel::Sms(_) => Lane::Texts,
        Channel::Mail(_) => Lane::Letters,
    }
}

fn check(notice: &Notice) -> Result<(), Error> {
    let invalid = |Said { it, en }: Said| Err(Error::Invalid(said!("avviso: {it}", "notice: {en}")));
    if notice.text.expose().len() > MAX_TEXT {
        return invalid(said!("il testo è troppo lungo", "the text is too long"));
    }
    if notice.subject.chars().count() > MAX_SUBJECT || notice.subject.chars().any(char::is_control) {
        return invalid(said!(
            "l'oggetto è troppo lungo o ha caratteri di controllo",
            "the subject is too long or has control characters"
        ));
    }
    Ok(())
}

impl<S: Store> Engine<S> {
    /// Tells somebody something, in the commit of what is told.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a text or subject that is too long; the store's fault.
    pub(crate) fn tell_in(&self, tx: &mut Transaction<'_, S>, notice: &Notice, now: Timestamp) -> Result<(), Error> {
        check(notice)?;
        let id = register::new_number(self.ids.as_ref(), now);
        let row = NoticeRow {
            kind: notice.kind,
            to: notice.to.clone(),
            about: notice.about,
            subject: notice.subject.clone(),
            text: notice.text.expose().to_owned(),
            not_after: notice.not_after.as_millis(),
            attempts: 0,
        };
        tx.put(notice_key(lane(&row.to), now, id), encode(&row));
        register::begin(tx, id, &ToldRow::of(&row));
        Ok(())
    }

    /// Tells somebody something, in a commit of its own.
    ///
    /// # Errors
    /// As [`Engine::tell_in`].
    pub fn tell(&self, notice: &Notice, now: Timestamp) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| self.tell_in(tx, notice, now))
    }

    /// Takes at most `limit` short messages that are due. What is too late is given up.
    ///
    /// # Errors
    /// The store's fault; what was taken until then is due again after [`HOLD`].
    pub fn take_texts(&self, now: Timestamp, limit: usize) -> Result<Vec<Outgoing>, Error> {
        self.store.look_everywhere(now);
        let mut taken = Vec::new();
        for key in self.due_notices(Lane::Texts, now, limit)? {
            match self.take_text(&key, now) {
                Ok(text) => taken.extend(text),
                Err(error) => self.pass_notice(Lane::Texts, &key, &error, now),
            }
        }
        Ok(taken)
    }

    fn due_notices(&self, lane: Lane, now: Timestamp, limit: usize) -> Result<Vec<Vec<u8>>, Error> {
        Ok(self.look_until(lane, now, limit, |key| Ok(key.to_vec()))?)
    }

    fn take_text(&self, key: &[u8], now: Timestamp) -> Result<Option<Outgoing>, Error> {
        let id = due(key)?.1;
        transact(&self.store, ATTEMPTS, |tx| {
            let Some(mut row) = self.notice(tx, key, id, now)? else { return Ok(None) };
            // Not synced: after a power cut it is taken once more.
            tx.later();
            let attempts = row.attempts;
            row.attempts += 1;
            let held = notice_key(Lane::Texts, now.plus(HOLD), id);
            tx.delete(key);
            tx.put(&held, encode(&row));
            let (to, text) = (row.to, Secret::new(row.text));
            Ok(Some(Outgoing { id, to, kind: row.kind, text, attempts, key: held.done() }))
        })
    }

    /// The notice under this key, unless it is gone or too late.
    fn notice(
        &self,
        tx: &mut Transaction<'_, S>,
        key: &[u8],
        id: u128,
        now: Timestamp,
    ) -> Result<Option<NoticeRow>, Error> {
        let Some(value) = tx.get(key)? else { return Ok(None) };
        let row: NoticeRow = decode(key, &value)?;
        if now < Timestamp::from_millis(row.not_after) {
            return Ok(Some(row));
        }
        tx.delete(key);
        end(tx, id, Some("il suo tempo è passato"), now)?;
        tracing::warn!(notice = %format_args!("{id:032x}"), to = row.to.masked(), kind = row.kind.as_str(), "given up");
        self.meter.note(Fact::Told(Medium::of(&row.to), Telling::GivenUp));
        Ok(None)
    }

    /// The gateway has it.
    ///
    /// # Errors
    /// The store's fault: it will be sent once more.
    pub fn text_sent(&self, text: &Outgoing, now: Timestamp) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            tx.delete(&text.key);
            Ok::<_, Error>(end(tx, text.id, None, now)?)
        })?;
        self.meter.note(Fact::Told(Medium::of(&text.to), Telling::Sent));
        Ok(())
    }

    /// It could not be sent now: it is tried again, after pauses that grow.
    ///
    /// # Errors
    /// The store's fault: it is tried again after [`HOLD`].
    pub fn text_failed(&self, text: &Outgoing, why: &str, now: Timestamp) -> Result<(), Error> {
        let due = now.plus(queue::backoff(text.attempts, text.id));
        self.put_back(text, due, |tx| register::failed(tx, text.id, why))?;
        self.meter.note(Fact::Told(Medium::of(&text.to), Telling::Deferred));
        Ok(())
    }

    fn put_back(
        &self,
        text: &Outgoing,
        due: Timestamp,
        also: impl Fn(&mut Transaction<'_, S>) -> Result<(), sigillo_store::Error>,
    ) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            tx.later();
            let Some(value) = tx.get(&text.key)? else { return Ok(()) };
            tx.delete(&text.key);
            tx.put(notice_key(Lane::Texts, due, text.id), value);
            Ok::<_, Error>(also(tx)?)
        })
    }

    /// Puts at most `limit` mails that are due into the queue; gives how many were looked at.
    ///
    /// # Errors
    /// The store's fault: what is left is due.
    pub fn post_letters(&self, now: Timestamp, limit: usize) -> Result<usize, Error> {
        let due = self.due_notices(Lane::Letters, now, limit)?;
        for key in &due {
            if let Err(error) = self.post_letter(key, now) {
                self.pass_notice(Lane::Letters, key, &error, now);
            }
        }
        Ok(due.len())
    }

    fn post_letter(&self, key: &[u8], now: Timestamp) -> Result<(), Error> {
        let id = due(key)?.1;
        let posted = transact(&self.store, ATTEMPTS, |tx| {
            let Some(row) = self.notice(tx, key, id, now)? else { return Ok(false) };
            let Channel::Mail(to) = row.to else { return Ok(false) };
            let bytes = letter::write(&self.provider, &self.host, id, &to, (&row.subject, &row.text), now);
            tx.delete(key);
            self.queue_own(tx, id, &OwnMail { to, bytes }, Carried::Outside, now)?;
            Ok::<_, Error>(true)
        })?;
        if posted {
            self.meter.note(Fact::Told(Medium::Mail, Telling::Sent));
        }
        Ok(())
    }

    /// A notice that cannot be taken stands before no other.
    fn pass_notice(&self, lane: Lane, key: &[u8], error: &Error, now: Timestamp) {
        tracing::error!(%error, "a notice waits");
        let mut later = now.plus(AGAIN);
        if let Error::Store(sigillo_store::Error::Corrupt { key, what }) = error {
            self.damaged.note(key, what);
            later = now.plus(DAMAGED);
        }
        let Ok((_, id)) = due(key) else { return };
        let moved = transact(&self.store, ATTEMPTS, |tx| {
            tx.later();
            if let Some(value) = tx.get(key)? {
                tx.delete(key);
                tx.put(notice_key(lane, later, id), value);
            }
            Ok::<_, Error>(())
        });
        if let Err(error) = moved {
            tracing::error!(%error, "it stays in front");
        }
    }

    /// When a short message falls due next.
    ///
    /// # Errors
    /// The store's fault.
    pub fn next_text(&self) -> Result<Option<Timestamp>, Error> {
        self.next_in(Lane::Texts, |key| Ok(due(key)?.0))
    }

    /// When a mail falls due next, or something is to be made of an arrival.
    ///
    /// # Errors
    /// The store's fault.
    pub fn next_letter(&self) -> Result<Option<Timestamp>, Error> {
        let letter = self.next_in(Lane::Letters, |key| Ok(due(key)?.0))?;
        let arrival = self.next_in(Lane::Arrivals, |key| Ok(read_arrival(key)?.0))?;
        Ok(letter.into_iter().chain(arrival).min())
    }

    fn next_in(
        &self,
        lane: Lane,
        due: impl Fn(&[u8]) -> Result<Timestamp, sigillo_store::Error>,
    ) -> Result<Option<Timestamp>, Error> {
        Ok(self.look_until(lane, Timestamp::from_millis(i64::MAX), 1, due)?.first().copied())
    }
}
