//! Messages at rest: a composed message becomes a rope over bodies, so that an original is stored once however many
//! envelopes, receipts and copies carry it.

use sigillo_base::{Address, MailboxId, MsgId, Timestamp, Uid, said};
use sigillo_mime::{Composed, Piece};
use sigillo_pec::Signed;
use sigillo_store::{KeyBuilder, KeyReader, Rope, Store, Transaction, body, key, tag};

use crate::directory::INBOX;
use crate::folder::miscounted;
use crate::rows::{
    BoxUsage, EntryRow, FolderRow, MessageRow, archive_key, decode, encode, entry_key, folder_key, message_key,
    usage_key,
};
use crate::summary::{self, put_summary};
use crate::{Engine, Error, keepers};

/// Own bytes up to this sum stay in the message's row; more become a body.
pub(crate) const INLINE: u64 = 24 * 1024;
/// Mailboxes looked at at once.
const BOXES: usize = 1_000;

/// A message just stored: its number, its size in octets, and where its bytes are.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub id: MsgId,
    pub size: u64,
    pub rope: Rope,
}

/// Stores bytes as a body and gives the rope of them all. Until a message links it, it may be swept.
pub(crate) fn put_body<S: Store>(tx: &mut Transaction<'_, S>, bytes: &[u8]) -> Result<Rope, sigillo_store::Error> {
    let id = body::put(tx.store(), tx, bytes)?;
    Ok(Rope::of_body(id, bytes.len() as u64))
}

/// Stores a composed message; its source ranges refer to `source`, which is stored already (or in this transaction).
pub(crate) fn put_message<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: MsgId,
    composed: &Composed,
    source: &Rope,
) -> Result<Stored, sigillo_store::Error> {
    let mut rope = Rope::new();
    for piece in &composed.pieces {
        match piece {
            Piece::Own(bytes) => rope.push(bytes),
            Piece::Source(range) => rope.append(&source.slice(range.start as u64, range.len() as u64)),
        }
    }
    rope.spill(tx, INLINE)?;
    put_rope(tx, id, &rope)?;
    Ok(Stored { id, size: rope.len(), rope })
}

/// Stores a notice of ours that goes straight into a mailbox of ours, with the Return-Path that final delivery writes
/// (RFC 5321 §4.4; pec rule 2.1).
pub(crate) fn put_notice<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: MsgId,
    notice: &Signed,
) -> Result<Stored, sigillo_store::Error> {
    let content = delivered(notice);
    put_summary(tx, id, &summary::of(&content.to_bytes(&[])))?;
    put_message(tx, id, &content, &Rope::new())
}

/// A notice as it lies in a mailbox.
pub(crate) fn delivered(notice: &Signed) -> Composed {
    let from = notice.mail_from.as_ref().map(Address::as_str).unwrap_or_default();
    let mut content = Composed::default();
    content.own(format!("Return-Path: <{from}>\r\n"));
    content.append(notice.content.clone());
    content
}

/// Stores a message that is a rope already, and links the bodies it refers to.
pub(crate) fn put_rope<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: MsgId,
    rope: &Rope,
) -> Result<(), sigillo_store::Error> {
    let key = message_key(id);
    for body in rope.bodies() {
        body::link(tx, body, key.as_ref())?;
    }
    tx.put(&key, encode(&MessageRow::new(rope)?));
    Ok(())
}

/// Writes the archive's row of a message that this mailbox sent or received (ARC-01); deleting the message from its
/// folder leaves it.
pub(crate) fn archive<S: Store>(tx: &mut Transaction<'_, S>, mailbox: MailboxId, at: Timestamp, msg: MsgId) {
    let key = archive_key(mailbox, at, msg);
    tx.put(&key, encode(&()));
    keepers::link(tx, msg, key);
}

/// A message's place in a folder, to be written.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub mailbox: MailboxId,
    pub folder: u32,
    pub flags: u8,
    pub keywords: Vec<String>,
    /// INTERNALDATE.
    pub date: Timestamp,
    /// The service time at which it comes there.
    pub saved: Timestamp,
}

impl Place {
    /// Where new mail goes: the INBOX, unseen.
    pub(crate) fn inbox(mailbox: MailboxId, date: Timestamp) -> Self {
        Self { mailbox, folder: INBOX, flags: 0, keywords: Vec::new(), date, saved: date }
    }
}

/// Puts a stored message into a folder: its UID, its row, the folder's counts and the mailbox's, in `tx`. The caller
/// holds the mailbox's lane.
pub(crate) fn post<S: Store>(
    tx: &mut Transaction<'_, S>,
    place: &Place,
    msg: MsgId,
    size: u64,
) -> Result<(Uid, u32), Error> {
    let key = folder_key(place.mailbox, place.folder);
    let value =
        tx.get(&key)?.ok_or_else(|| Error::Invalid(said!("la cartella non esiste", "there is no such folder")))?;
    let mut folder: FolderRow = decode(&key, &value)?;
    let uid = Uid(folder.uid_next);
    let full = || Error::Invalid(said!("la cartella è piena", "the folder is full"));
    folder.uid_next = folder.uid_next.checked_add(1).ok_or_else(full)?;
    folder.modseq += 1;
    let entry = EntryRow {
        msg: msg.0,
        flags: place.flags,
        keywords: place.keywords.clone(),
        date: place.date.as_millis(),
        size: u32::try_from(size).unwrap_or(u32::MAX),
        modseq: folder.modseq,
        saved: place.saved.as_millis(),
    };
    let entry_key = entry_key(place.mailbox, place.folder, uid);
    tx.put(&entry_key, encode(&entry));
    keepers::link(tx, msg, entry_key);
    folder.held = folder.held.with(&entry).ok_or_else(|| miscounted(&key))?;
    tx.put(&key, encode(&folder));
    let mut held = usage(tx, place.mailbox)?;
    held.bytes += u64::from(entry.size);
    held.messages += 1;
    tx.put(usage_key(place.mailbox), encode(&held));
    Ok((uid, folder.uid_validity))
}

/// What the mailbox holds, as this transaction sees it.
pub(crate) fn usage<S: Store>(tx: &mut Transaction<'_, S>, mailbox: MailboxId) -> Result<BoxUsage, Error> {
    let key = usage_key(mailbox);
    match tx.get(&key)? {
        Some(value) => Ok(decode(&key, &value)?),
        None => Ok(BoxUsage::default()),
    }
}

/// How many messages all mailboxes hold, and of how many octets.
///
/// # Errors
/// The store's fault.
pub fn held<S: Store>(store: &S) -> Result<(u64, u64), Error> {
    let (mut from, to) = KeyBuilder::new(tag::BOX_USAGE).range();
    let (mut messages, mut bytes) = (0, 0);
    loop {
        let rows = store.scan(&from, &to, BOXES)?;
        for (key, value) in &rows {
            let held: BoxUsage = decode(key, value)?;
            messages += held.messages;
            bytes += held.bytes;
        }
        match rows.last() {
            Some((last, _)) => from = key::successor(last),
            None => return Ok((messages, bytes)),
        }
    }
}

impl<S: Store> Engine<S> {
    /// Where the bytes of a stored message are; `None` when it is gone.
    ///
    /// # Errors
    /// The store's fault.
    pub fn message(&self, id: MsgId) -> Result<Option<Rope>, Error> {
        let key = message_key(id);
        match self.store.get(key.as_ref())? {
            Some(value) => Ok(Some(decode::<MessageRow>(&key, &value)?.rope(&key)?)),
            None => Ok(None),
        }
    }

    /// All bytes of a rope.
    ///
    /// # Errors
    /// The store's fault; a damaged body is `Corrupt`.
    pub fn read_all(&self, rope: &Rope) -> Result<Vec<u8>, Error> {
        Ok(rope.read_all(&self.store)?)
    }

    /// At most `len` bytes of a rope from `from` on.
    ///
    /// # Errors
    /// The store's fault; a damaged body is `Corrupt`.
    pub fn read(&self, rope: &Rope, from: u64, len: u64) -> Result<Vec<u8>, Error> {
        let end = from.saturating_add(len).min(rope.len());
        Ok(rope.read(&self.store, from.min(end), end - from.min(end))?)
    }

    /// A stored message that must be there.
    pub(crate) fn expect_message(&self, id: MsgId) -> Result<Rope, Error> {
        self.message(id)?.ok_or_else(|| sigillo_store::Error::corrupt(message_key(id), "the message is missing").into())
    }
}

/// A message in a folder, as the engine's callers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filed {
    /// Its number in the folder.
    pub uid: Uid,
    /// The stored message.
    pub message: MsgId,
    /// When it came.
    pub date: Timestamp,
    /// Octets.
    pub size: u32,
    /// When it last changed, in the folder's own count (RFC 7162).
    pub modseq: u64,
}

impl<S: Store> Engine<S> {
    /// The messages of a mailbox's INBOX after this UID, ascending, at most `limit`.
    ///
    /// # Errors
    /// The store's fault.
    pub fn inbox(&self, mailbox: MailboxId, after: Uid, limit: usize) -> Result<Vec<Filed>, Error> {
        let from = entry_key(mailbox, INBOX, Uid(after.0.saturating_add(1)));
        let (_, to) = KeyBuilder::new(tag::FOLDER_ENTRY).mailbox(mailbox).u32(INBOX).range();
        let filed = |key: &[u8], value: &[u8]| {
            let mut reader = KeyReader::new(key, tag::FOLDER_ENTRY)?;
            reader.mailbox()?;
            reader.u32()?;
            let entry: EntryRow = decode(key, value)?;
            let date = Timestamp::from_millis(entry.date);
            Ok(Filed { uid: reader.uid()?, message: MsgId(entry.msg), date, size: entry.size, modseq: entry.modseq })
        };
        Ok(self.sound(from.as_ref(), &to, limit, filed)?)
    }
}
