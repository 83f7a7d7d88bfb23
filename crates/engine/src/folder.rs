//! A folder under change: its entries, its counts and the mailbox's, its mod-sequence and the log of what was removed,
//! always in one commit. [`post`](crate::stored::post) puts messages in; here they change and go.

use sigillo_base::{MailboxId, MsgId, Uid, said};
use sigillo_imap::{Flags, System};
use sigillo_store::{Error, KeyBuilder, KeyReader, Store, Transaction, skim, tag};

use crate::rows::{
    BoxUsage, ChangesRow, EntryRow, FolderRow, Held, changes_key, decode, encode, entry_key, folder_key, usage_key,
};
use crate::stored::usage;
use crate::{Engine, PAGE_OCTETS, annotations, filing, grants, keepers, subscriptions, text_index};

/// Commits that a folder remembers; what older ones did a client must find out for itself.
const REMEMBERED: u32 = 10_000;
/// Rows read at once.
const PAGE: usize = 1_000;

/// The row of a folder, for change.
pub(crate) fn open<S: Store>(
    tx: &mut Transaction<'_, S>,
    mailbox: MailboxId,
    folder: u32,
) -> Result<FolderRow, crate::Error> {
    let key = folder_key(mailbox, folder);
    let value = tx
        .get(&key)?
        .ok_or_else(|| crate::Error::Invalid(said!("la cartella non esiste più", "the folder is gone")))?;
    Ok(decode(&key, &value)?)
}

/// Reads an entry for change; `None` when it is gone.
pub(crate) fn entry<S: Store>(
    tx: &mut Transaction<'_, S>,
    mailbox: MailboxId,
    folder: u32,
    uid: u32,
) -> Result<Option<EntryRow>, Error> {
    let key = entry_key(mailbox, folder, Uid(uid));
    tx.get(&key)?.map(|value| decode(&key, &value)).transpose()
}

/// Takes those of the entries out of a folder that `which` picks, and remembers that they are gone; gives them. The
/// caller holds the mailbox's lane.
pub(crate) fn take_out<S: Store>(
    tx: &mut Transaction<'_, S>,
    mailbox: MailboxId,
    folder: u32,
    uids: &[u32],
    which: impl Fn(&EntryRow) -> bool,
) -> Result<Vec<(u32, EntryRow)>, crate::Error> {
    let mut row = open(tx, mailbox, folder)?;
    let mut held = usage(tx, mailbox)?;
    let mut taken = Vec::new();
    for &uid in uids {
        let Some(entry) = entry(tx, mailbox, folder, uid)?.filter(&which) else { continue };
        let key = entry_key(mailbox, folder, Uid(uid));
        tx.delete(&key);
        keepers::unlink(tx, MsgId(entry.msg), key)?;
        row.held = row.held.without(&entry).ok_or_else(|| miscounted(&folder_key(mailbox, folder)))?;
        held = held.less(u64::from(entry.size), 1).ok_or_else(|| miscounted(&usage_key(mailbox)))?;
        taken.push((uid, entry));
    }
    if taken.is_empty() {
        return Ok(taken);
    }
    row.modseq += 1;
    let gone = taken.iter().map(|(uid, _)| *uid).collect();
    log(tx, mailbox, folder, &mut row, &ChangesRow { gone, ..ChangesRow::default() })?;
    tx.put(folder_key(mailbox, folder), encode(&row));
    tx.put(usage_key(mailbox), encode(&held));
    Ok(taken)
}

/// Writes the flags that `after` gives to those of the entries that it gives any, with the folder's next mod-sequence and
/// the row of its log; gives them, and how many of the UIDs it looked at: what does not fit is for the next commit. The
/// caller holds the mailbox's lane.
pub(crate) fn relabel<S: Store>(
    tx: &mut Transaction<'_, S>,
    mailbox: MailboxId,
    folder: u32,
    uids: &[u32],
    mut after: impl FnMut(u32, &EntryRow) -> Option<Flags>,
) -> Result<(Vec<(u32, EntryRow)>, usize), crate::Error> {
    let mut row = open(tx, mailbox, folder)?;
    row.modseq += 1;
    let (mut relabelled, mut looked) = (Vec::new(), 0);
    for &uid in uids {
        if tx.batch().bytes() >= PAGE_OCTETS && !relabelled.is_empty() {
            break;
        }
        looked += 1;
        let Some(mut entry) = entry(tx, mailbox, folder, uid)? else { continue };
        let Some(flags) = after(uid, &entry) else { continue };
        let without = row.held.without(&entry);
        (entry.flags, entry.keywords, entry.modseq) = (flags.bits(), flags.keyword_texts(), row.modseq);
        row.held =
            without.and_then(|held| held.with(&entry)).ok_or_else(|| miscounted(&folder_key(mailbox, folder)))?;
        tx.put(entry_key(mailbox, folder, Uid(uid)), encode(&entry));
        relabelled.push((uid, entry));
    }
    if !relabelled.is_empty() {
        let changed = relabelled.iter().map(|(uid, _)| *uid).collect();
        log(tx, mailbox, folder, &mut row, &ChangesRow { changed, ..ChangesRow::default() })?;
        tx.put(folder_key(mailbox, folder), encode(&row));
    }
    Ok((relabelled, looked))
}

/// Writes down what the commit that moved the folder's mod-sequence did, and forgets the oldest when it is too much.
pub(crate) fn log<S: Store>(
    tx: &mut Transaction<'_, S>,
    mailbox: MailboxId,
    folder: u32,
    row: &mut FolderRow,
    changes: &ChangesRow,
) -> Result<(), Error> {
    tx.put(changes_key(mailbox, folder, row.modseq), encode(changes));
    row.logged += 1;
    if row.logged > REMEMBERED {
        forget(tx, mailbox, folder, row, 1)?;
    }
    Ok(())
}

/// Removes a folder in which nothing lies that reads; `false` when there was more to remove than fits into one commit.
pub(crate) fn remove<S: Store>(
    tx: &mut Transaction<'_, S>,
    mailbox: MailboxId,
    folder: u32,
) -> Result<bool, crate::Error> {
    let mut row = open(tx, mailbox, folder)?;
    if strip(tx, mailbox, folder)? || forget(tx, mailbox, folder, &mut row, PAGE)? == PAGE {
        tx.put(folder_key(mailbox, folder), encode(&row));
        return Ok(false);
    }
    // What is left are entries that do not read: they go with the folder, as far as anybody sees.
    let held = usage(tx, mailbox)?.less(row.held.bytes, row.held.messages);
    tx.put(usage_key(mailbox), encode(&held.ok_or_else(|| miscounted(&usage_key(mailbox)))?));
    tx.delete(folder_key(mailbox, folder));
    tx.delete(text_index::mark_key(mailbox, folder));
    if row.subscribed {
        subscriptions::keep(tx, mailbox, &row.name)?;
    }
    filing::removed(tx, mailbox, folder)?;
    Ok(true)
}

/// Removes what was said about a folder, rights and annotations; `true` when there may be more.
fn strip<S: Store>(tx: &mut Transaction<'_, S>, mailbox: MailboxId, folder: u32) -> Result<bool, Error> {
    let (from, to) = grants::of_folder(mailbox, folder).range();
    let rights = tx.scan(&from, &to, PAGE)?;
    rights.iter().for_each(|(key, _)| tx.delete(key));
    let (from, to) = annotations::of_folder(mailbox, folder).range();
    let notes = tx.scan(&from, &to, PAGE)?;
    notes.iter().try_for_each(|(key, value)| annotations::drop_row(tx, key, value))?;
    Ok(rights.len() == PAGE || notes.len() == PAGE)
}

/// Forgets the oldest rows of the log, at most so many; gives how many there were.
fn forget<S: Store>(
    tx: &mut Transaction<'_, S>,
    mailbox: MailboxId,
    folder: u32,
    row: &mut FolderRow,
    most: usize,
) -> Result<usize, Error> {
    let (from, to) = log_after(mailbox, folder, row.forgotten);
    let oldest = skim(tx.store(), &from, &to, most)?.rows;
    for (key, _) in &oldest {
        tx.delete(key);
        row.forgotten = modseq_of(key)?;
        row.logged = row.logged.saturating_sub(1);
    }
    Ok(oldest.len())
}

fn log_after(mailbox: MailboxId, folder: u32, modseq: u64) -> (Vec<u8>, Vec<u8>) {
    let (_, to) = KeyBuilder::new(tag::FOLDER_CHANGES).mailbox(mailbox).u32(folder).range();
    (changes_key(mailbox, folder, modseq.saturating_add(1)).done(), to)
}

/// The mod-sequence in the key of a row of the log.
fn modseq_of(key: &[u8]) -> Result<u64, Error> {
    let mut reader = KeyReader::new(key, tag::FOLDER_CHANGES)?;
    reader.mailbox()?;
    reader.u32()?;
    let modseq = reader.u64()?;
    reader.end()?;
    Ok(modseq)
}

pub(crate) fn miscounted(key: &KeyBuilder) -> Error {
    Error::corrupt(key, "what lies here was counted wrong: `sigillo store repair` counts anew")
}

/// What a folder is found to hold and to remember.
pub(crate) struct Counted {
    pub held: Held,
    /// Rows in its log.
    pub logged: u32,
    /// Whether every row could be read.
    pub whole: bool,
}

/// Counts anew from a folder's rows. For the check, the repair, and for stores in which no counts were kept. Whoever
/// changes an entry changes the folder's row in the same commit: with that unchanged, what is read here holds together.
pub(crate) fn recount<S: Store>(store: &S, mailbox: MailboxId, folder: u32, forgotten: u64) -> Result<Counted, Error> {
    let mut counted = Counted { held: Held::default(), logged: 0, whole: true };
    let (from, to) = KeyBuilder::new(tag::FOLDER_ENTRY).mailbox(mailbox).u32(folder).range();
    let all = each(store, from, &to, |key, value| {
        match decode::<EntryRow>(key, value).ok().and_then(|entry| counted.held.with(&entry)) {
            Some(held) => counted.held = held,
            None => counted.whole = false,
        }
    })?;
    let (from, to) = log_after(mailbox, folder, forgotten);
    let log = each(store, from, &to, |_, _| counted.logged += 1)?;
    counted.whole &= all && log;
    Ok(counted)
}

/// Reads a range page by page; `false` when some of it cannot be read.
fn each<S: Store>(store: &S, mut from: Vec<u8>, to: &[u8], mut f: impl FnMut(&[u8], &[u8])) -> Result<bool, Error> {
    let mut all = true;
    loop {
        let page = skim(store, &from, to, PAGE)?;
        page.rows.iter().for_each(|(key, value)| f(key, value));
        all &= page.gaps.is_empty();
        match page.next {
            Some(next) => from = next,
            None => return Ok(all),
        }
    }
}

impl Held {
    /// With this entry more; `None` past what can be counted.
    pub(crate) fn with(self, entry: &EntryRow) -> Option<Self> {
        Some(Self {
            bytes: self.bytes.checked_add(u64::from(entry.size))?,
            messages: self.messages.checked_add(1)?,
            unseen: self.unseen.checked_add(unseen(entry))?,
            deleted: self.deleted.checked_add(deleted(entry))?,
            deleted_bytes: self.deleted_bytes.checked_add(deleted(entry) * u64::from(entry.size))?,
        })
    }

    /// Without this entry; `None` below nothing.
    pub(crate) fn without(self, entry: &EntryRow) -> Option<Self> {
        Some(Self {
            bytes: self.bytes.checked_sub(u64::from(entry.size))?,
            messages: self.messages.checked_sub(1)?,
            unseen: self.unseen.checked_sub(unseen(entry))?,
            deleted: self.deleted.checked_sub(deleted(entry))?,
            deleted_bytes: self.deleted_bytes.checked_sub(deleted(entry) * u64::from(entry.size))?,
        })
    }
}

impl BoxUsage {
    /// With so much less; `None` below nothing.
    pub(crate) fn less(self, bytes: u64, messages: u64) -> Option<Self> {
        Some(Self { bytes: self.bytes.checked_sub(bytes)?, messages: self.messages.checked_sub(messages)? })
    }
}

fn unseen(entry: &EntryRow) -> u64 {
    u64::from(entry.flags & Flags::new().with(System::Seen).bits() == 0)
}

fn deleted(entry: &EntryRow) -> u64 {
    u64::from(entry.flags & Flags::new().with(System::Deleted).bits() != 0)
}

impl<S: Store> Engine<S> {
    /// The UIDs that were removed from a folder after this mod-sequence, ascending; `None` when the folder does not
    /// remember that far back, and only comparing tells (RFC 7162 §3.2.5).
    ///
    /// # Errors
    /// The store's fault; [`crate::Error::Invalid`] when there is no such folder.
    pub fn vanished(&self, mailbox: MailboxId, folder: u32, since: u64) -> Result<Option<Vec<u32>>, crate::Error> {
        Ok(self.changes(mailbox, folder, since)?.map(|changes| changes.gone))
    }

    /// What the folder's log tells of the time after this mod-sequence, each list ascending and each UID once.
    pub(crate) fn changes(
        &self,
        mailbox: MailboxId,
        folder: u32,
        since: u64,
    ) -> Result<Option<ChangesRow>, crate::Error> {
        let (from, to) = log_after(mailbox, folder, since);
        let (mut all, mut sound) = (ChangesRow::default(), true);
        let whole = each(&self.store, from, &to, |key, value| match decode::<ChangesRow>(key, value) {
            Ok(row) => {
                all.gone.extend(row.gone);
                all.changed.extend(row.changed);
            }
            Err(_) => sound = false,
        })?;
        // Read last: what was forgotten while the log was read is known by now.
        let row = open(&mut Transaction::new(&self.store), mailbox, folder)?;
        for uids in [&mut all.gone, &mut all.changed] {
            uids.sort_unstable();
            uids.dedup();
        }
        Ok((whole && sound && since >= row.forgotten).then_some(all))
    }
}
