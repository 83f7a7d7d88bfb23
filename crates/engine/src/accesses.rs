//! Who came in to a mailbox, and who was turned away: when, how, from where, as whom (ACC-03, AUD-02). What a mailbox sends
//! is in its [`trail`](crate::trail); the legal log holds messages only.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use sigillo_accounts::CredentialName;
use sigillo_base::{MailboxId, Timestamp};
use sigillo_store::{KeyBuilder, KeyReader, Store, key, tag};

use crate::deeds::Visitor;
use crate::fronts::Transaction;
use crate::meter::LoginResult;
use crate::rows::{decode, encode};
use crate::{Engine, Error, Login};

/// The outcome of who goes.
const LEFT: &str = "left";

/// Somebody at the door of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// When.
    pub at: Timestamp,
    /// `imap`, `pop3`, `smtp`; `admin` for the administrative socket.
    pub protocol: String,
    /// The address he came from.
    pub from: IpAddr,
    /// The credential that he named.
    pub person: CredentialName,
    /// How it ended: the words of [`LoginResult`]; `left` for who had come in and goes; `read` and `removed` for what he did.
    pub outcome: String,
    /// Of who goes: when he had come in.
    pub since: Option<Timestamp>,
    /// What was read or removed: a folder and UIDs, `INBOX 4:9`; of failed logins that are counted, how many: `×57`; else empty.
    pub what: String,
}

/// A page of accesses, and where the next begins.
pub type AccessPage = (Vec<Access>, Option<Vec<u8>>);

/// An event of a mailbox.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum EventRow {
    /// A login, or one that failed.
    Access { protocol: String, from: IpAddr, person: String, outcome: String },
    /// The end of what a login began.
    Left { protocol: String, from: IpAddr, person: String, since: i64 },
    /// What somebody did who is in.
    Did { protocol: String, from: IpAddr, person: String, outcome: String, what: String },
    /// Failed logins of a minute.
    Refused { protocol: String, from: IpAddr, person: String, outcome: String, times: u64 },
}

impl<S: Store> Engine<S> {
    /// Writes that somebody came in. It waits for no disk, and a store that takes nothing now keeps nobody from his mail.
    pub(crate) fn came_in(&self, login: &Login, (protocol, from): (&str, IpAddr), now: Timestamp) {
        let name = login.credential();
        let mut tx = Transaction::new(&self.store);
        let access = Access {
            at: now,
            protocol: protocol.into(),
            from,
            person: name.clone(),
            outcome: LoginResult::Fine.as_str().into(),
            since: None,
            what: String::new(),
        };
        let noted = self
            .note_use(&mut tx, (login.mailbox, &name), now)
            .and_then(|()| self.note_access(tx, login.mailbox, &access));
        if let Err(error) = noted {
            tracing::warn!(%error, user = %login.address, "an access is not written down");
        }
    }

    /// Writes that somebody who came in went.
    pub(crate) fn went(&self, login: &Login, (protocol, from): (&str, IpAddr), since: Timestamp, now: Timestamp) {
        let (protocol, person) = (protocol.to_owned(), login.credential());
        let access =
            Access { at: now, protocol, from, person, outcome: LEFT.into(), since: Some(since), what: String::new() };
        if let Err(error) = self.note_access(Transaction::new(&self.store), login.mailbox, &access) {
            tracing::warn!(%error, user = %login.address, "the end of an access is not written down");
        }
    }

    /// Writes that the administration looked into a mailbox, and who it was.
    pub(crate) fn looked_in(&self, id: MailboxId, who: &Visitor, at: Timestamp) -> Result<(), Error> {
        let Visitor { protocol, from, person } = who.clone();
        let (protocol, outcome) = (protocol.to_owned(), LoginResult::Fine.as_str().into());
        let access = Access { at, protocol, from, person, outcome, since: None, what: String::new() };
        self.note_access(Transaction::new(&self.store), id, &access)
    }

    pub(crate) fn note_access(&self, mut tx: Transaction<'_, S>, id: MailboxId, access: &Access) -> Result<(), Error> {
        let (key, value) = access_row(id, access, self.ids.next_id());
        tx.put(key, value);
        tx.later();
        Ok(tx.commit()?)
    }

    /// At most `limit` accesses of a mailbox from `from` up to `to`, the earliest first, and where to go on.
    ///
    /// # Errors
    /// The store's fault.
    pub fn accesses(
        &self,
        id: MailboxId,
        (from, to): (Timestamp, Timestamp),
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<AccessPage, Error> {
        let period = (of(id).time(from).done(), of(id).time(to).done());
        self.page(period, after, limit, |key, value| Ok(read(key, value)?.1))
    }

    /// At most `limit` rows of `[begin, to)` behind this key, and where to go on.
    pub(crate) fn page<T>(
        &self,
        (begin, to): (Vec<u8>, Vec<u8>),
        after: Option<&[u8]>,
        limit: usize,
        read: impl Fn(&[u8], &[u8]) -> Result<T, sigillo_store::Error>,
    ) -> Result<(Vec<T>, Option<Vec<u8>>), Error> {
        let from = after.filter(|after| *after >= begin.as_slice()).map_or(begin, key::successor);
        let found = self.sound(&from, &to, limit, |key, value| Ok((key.to_vec(), read(key, value)?)))?;
        let next = found.last().filter(|_| found.len() == limit).map(|(key, _)| key.clone());
        Ok((found.into_iter().map(|(_, row)| row).collect(), next))
    }
}

/// The row of an access.
pub(crate) fn access_row(id: MailboxId, access: &Access, number: u128) -> (KeyBuilder, Vec<u8>) {
    let Access { at, protocol, from, person, outcome, since, what } = access.clone();
    let person = person.as_str().to_owned();
    let row = match since {
        Some(since) => EventRow::Left { protocol, from, person, since: since.as_millis() },
        None if what.is_empty() => EventRow::Access { protocol, from, person, outcome },
        None => EventRow::Did { protocol, from, person, outcome, what },
    };
    (of(id).time(at).u128(number), encode(&row))
}

/// The part of the table that a mailbox has, in order of time.
pub(crate) fn of(id: MailboxId) -> KeyBuilder {
    KeyBuilder::new(tag::EVENT).mailbox(id)
}

/// How many there were, where there was more than one.
pub(crate) fn counted(times: u64) -> String {
    if times > 1 { format!("×{times}") } else { String::new() }
}

/// The mailbox and the access of a row.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(MailboxId, Access), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::EVENT)?;
    let (id, at, _) = (reader.mailbox()?, reader.time()?, reader.u128()?);
    reader.end()?;
    let (protocol, from, person, outcome, since, what) = match decode(key, value)? {
        EventRow::Access { protocol, from, person, outcome } => (protocol, from, person, outcome, None, String::new()),
        EventRow::Left { protocol, from, person, since } => {
            (protocol, from, person, LEFT.to_owned(), Some(Timestamp::from_millis(since)), String::new())
        }
        EventRow::Did { protocol, from, person, outcome, what } => (protocol, from, person, outcome, None, what),
        EventRow::Refused { protocol, from, person, outcome, times } => {
            (protocol, from, person, outcome, None, counted(times))
        }
    };
    let person = match person.as_str() {
        "" => CredentialName::owner(),
        name => CredentialName::parse(name).map_err(|e| sigillo_store::Error::corrupt(key, e.to_string()))?,
    };
    Ok((id, Access { at, protocol, from, person, outcome, since, what }))
}
