//! The end of a mailbox that was cancelled, once its grace is over: its contents go, page by page. A row by that time knows
//! it until nothing is left, so that whatever breaks off is gone on with. What stays: its row and its number, the archive, the
//! legal log, who came in and who sent what, the register of operations, the history by which it is billed.

use std::time::Duration;

use sigillo_accounts::{Done, Gone, Mailbox, Request, State};
use sigillo_base::{Address, MailboxId, Timestamp};
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, skim, tag, transact};

use crate::fronts::Transaction;
use crate::rows::{EntryRow, address_key, decode, encode, folder_numbers_key, mailbox_key, rate_key, usage_key};
use crate::tenants::unit_row;
use crate::{ATTEMPTS, Engine, Error, address_book, annotations, folder, folders, profiles};

/// Rows of one commit.
const PAGE: usize = 500;
/// Mailboxes looked at for one that can go on.
const AT_ONCE: usize = 64;
/// Rows under a mailbox's number that go with its contents, in this order: rights, second factors and former passwords refer to
/// credentials.
const CONTENTS: [u8; 12] = [
    tag::SUBSCRIBED,
    tag::GRANT,
    tag::ANNOTATION,
    tag::PROOF,
    tag::WATCH,
    tag::ALERT_WINDOW,
    tag::RESET,
    tag::CONTACT,
    tag::SECOND_FACTOR,
    tag::FORMER_PASSWORD,
    tag::CREDENTIAL_USE,
    tag::CREDENTIAL,
];

/// Whether a purge may go on.
enum Purge {
    /// It began just now.
    Begun,
    /// It had begun.
    Before,
    /// The mailbox was called back meanwhile: nothing of it goes.
    Recalled,
}

pub(crate) fn leaving_key(until: Timestamp, id: MailboxId) -> KeyBuilder {
    KeyBuilder::new(tag::LEAVING).time(until).mailbox(id)
}

/// When the contents of which mailbox go.
pub(crate) fn read(key: &[u8]) -> Result<(Timestamp, MailboxId), StoreError> {
    let mut reader = KeyReader::new(key, tag::LEAVING)?;
    let found = (reader.time()?, reader.mailbox()?);
    reader.end()?;
    Ok(found)
}

/// Writes or removes when a mailbox's contents go, where a change of its row says so.
pub(crate) fn schedule<S: Store>(tx: &mut Transaction<'_, S>, before: &Mailbox, after: &Mailbox) {
    let key = |row: &Mailbox| match &row.state {
        State::Cancelled(cancelled) => Some(leaving_key(Timestamp::from_millis(cancelled.until), MailboxId(row.id))),
        _ => None,
    };
    if let Some(key) = key(before) {
        tx.delete(key);
    }
    if let Some(key) = key(after) {
        tx.put(key, []);
    }
}

/// Whether nothing is left of a mailbox but its name.
pub(crate) fn is_gone<S: Store>(tx: &mut Transaction<'_, S>, id: MailboxId) -> Result<bool, Error> {
    let key = mailbox_key(id);
    Ok(tx.get(&key)?.map(|value| decode::<Mailbox>(&key, &value)).transpose()?.is_some_and(|row| row.is_gone()))
}

impl<S: Store> Engine<S> {
    /// Does a step towards the end of the first mailbox, or list, whose grace is over; `false` when there is nothing to do.
    ///
    /// # Errors
    /// The store's fault: it is gone on with another time. A damaged mailbox stays, is counted, and stops nobody.
    pub fn purge_cancelled(&self, now: Timestamp) -> Result<bool, Error> {
        let (from, _) = KeyBuilder::new(tag::LEAVING).range();
        let to = KeyBuilder::new(tag::LEAVING).time(now.plus(Duration::from_millis(1)));
        for (until, id) in self.sound(&from, to.as_ref(), AT_ONCE, |key, _| read(key))? {
            match self.purge_step(id, until, now) {
                Err(Error::Store(StoreError::Corrupt { key, what })) => self.damaged.note(&key, &what),
                stepped => return stepped.map(|()| true),
            }
        }
        self.purge_list(now)
    }

    fn purge_step(&self, id: MailboxId, until: Timestamp, now: Timestamp) -> Result<(), Error> {
        let _lane = self.lanes.hold(&[id]);
        match self.begin_purge(id, until, now)? {
            Purge::Begun => {
                self.bell.mailbox_changed(id);
                return Ok(());
            }
            Purge::Recalled => return Ok(()),
            Purge::Before if self.empty_folder(id)? || self.strip(id)? => return Ok(()),
            Purge::Before => {}
        }
        transact(&self.store, ATTEMPTS, |tx| {
            for key in [usage_key(id), rate_key(id), folder_numbers_key(id), annotations::held_key(id)] {
                tx.delete(key);
            }
            tx.delete(leaving_key(until, id));
            Ok::<_, Error>(())
        })?;
        tracing::info!(mailbox = id.0, "the contents of a cancelled mailbox are gone");
        Ok(())
    }

    /// From now on there is no such mailbox, and its address may be given again; its entry in the registry of users goes with it.
    fn begin_purge(&self, id: MailboxId, until: Timestamp, now: Timestamp) -> Result<Purge, Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            let key = mailbox_key(id);
            let Some(value) = tx.get(&key)? else { return Ok(Purge::Before) };
            let row: Mailbox = decode(&key, &value)?;
            match &row.state {
                State::Gone(_) => return Ok(Purge::Before),
                State::Cancelled(cancelled) if cancelled.until == until.as_millis() => {}
                _ => {
                    tx.delete(leaving_key(until, id));
                    return Ok(Purge::Recalled);
                }
            }
            let unit = unit_row(tx, id)?;
            if let Ok(address) = Address::parse(&row.address) {
                tx.delete(address_key(&address));
                address_book::drop_gone(tx, (id, &address), &Request::own(now))?;
            }
            if let Some(name) = &row.profile.custom {
                tx.delete(profiles::use_key(name, id));
            }
            let row = Mailbox { state: State::Gone(Gone { since: now.as_millis() }), ..row };
            tx.put(&key, encode(&row));
            self.record(tx, &row, unit, Done::MailboxPurge, String::new(), &Request::own(now))?;
            Ok::<_, Error>(Purge::Begun)
        })
    }

    /// Takes a page of messages out of the first folder that is left, or removes the folder; `false` when none is left.
    fn empty_folder(&self, id: MailboxId) -> Result<bool, Error> {
        let (from, to) = KeyBuilder::new(tag::FOLDER).mailbox(id).range();
        let Some(number) = self.sound(&from, &to, 1, |key, _| folders::number_of(key))?.pop() else {
            return Ok(false);
        };
        let (from, to) = KeyBuilder::new(tag::FOLDER_ENTRY).mailbox(id).u32(number).range();
        let uids = self.sound(&from, &to, PAGE, |key, value| {
            decode::<EntryRow>(key, value)?;
            let mut reader = KeyReader::new(key, tag::FOLDER_ENTRY)?;
            reader.mailbox()?;
            reader.u32()?;
            Ok(reader.uid()?.0)
        })?;
        transact(&self.store, ATTEMPTS, |tx| {
            if uids.is_empty() {
                return folder::remove(tx, id, number).map(drop);
            }
            folder::take_out(tx, id, number, &uids, |_| true).map(drop)
        })?;
        Ok(true)
    }

    /// Removes a page of what else lies under the mailbox's number; `false` when there was nothing.
    fn strip(&self, id: MailboxId) -> Result<bool, Error> {
        for tag in CONTENTS {
            let (from, to) = KeyBuilder::new(tag).mailbox(id).range();
            let removed = transact(&self.store, ATTEMPTS, |tx| {
                let rows = skim(tx.store(), &from, &to, PAGE)?.rows;
                for (key, value) in &rows {
                    match key.first() {
                        Some(&tag::ANNOTATION) => annotations::drop_row(tx, key, value)?,
                        _ => tx.delete(key),
                    }
                }
                Ok::<_, Error>(!rows.is_empty())
            })?;
            if removed {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
