//! The texts of messages that lie in folders, as trigrams: a search reads the few messages that may hold what it looks for,
//! and one that has no trigrams yet. Made in the background, never in the commit of a message; they follow from the message,
//! go with it, and are made again when they are lost or of an earlier kind. Where a message is read for them and has no
//! summary that this release made, it gets that too: a store of an earlier release is so made fast once.

use serde::{Deserialize, Serialize};
use sigillo_base::{MailboxId, MsgId, Uid};
use sigillo_imap::{Grams, Summary};
use sigillo_mime::Windowed;
use sigillo_store::{KeyBuilder, KeyReader, Store, Transaction, key, tag, transact};

use crate::folders::number_of;
use crate::rows::{
    EntryRow, FolderRow, bytes, decode, encode, entry_key, get_large, put_large, remove_large, summary_key,
};
use crate::summary::{self, put_summary};
use crate::{ATTEMPTS, Engine, Error, PAGE_OCTETS};

/// As a message's row keeps them.
#[derive(Serialize, Deserialize)]
pub(crate) struct GramsRow {
    version: u8,
    #[serde(with = "bytes")]
    grams: Vec<u8>,
}

/// How far a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    version: u8,
    /// Every message up to this UID was looked at.
    uid: u32,
}

/// Folders, entries, and octets of messages looked at in one go; what is made of them is one commit ([`PAGE_OCTETS`]).
const FOLDERS: usize = 500;
const ENTRIES: usize = 200;
const OCTETS: usize = 16 << 20;

pub(crate) fn grams_key(msg: MsgId) -> KeyBuilder {
    KeyBuilder::new(tag::GRAMS).msg(msg)
}

pub(crate) fn mark_key(mailbox: MailboxId, folder: u32) -> KeyBuilder {
    KeyBuilder::new(tag::TEXT_MARK).mailbox(mailbox).u32(folder)
}

/// Where a round over all folders goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexing {
    folder: Vec<u8>,
    /// Looked at in this round, in that folder.
    uid: Option<u32>,
}

/// A folder in a round.
struct Folder {
    key: Vec<u8>,
    mailbox: MailboxId,
    number: u32,
    uid_next: u32,
}

/// What was made of a message.
struct Made {
    uid: Uid,
    msg: MsgId,
    grams: Grams,
    summary: Option<Summary>,
}

impl Made {
    /// About what it writes, in octets.
    fn weight(&self) -> usize {
        self.grams.as_bytes().len() + self.summary.as_ref().map_or(0, summary::weight)
    }
}

impl<S: Store> Engine<S> {
    /// Goes on with a round over all folders, from the beginning without `from`, for about as long as a large message
    /// takes; gives where to go on, `None` when the round is over. What the marks say is done is passed over, unless
    /// `all` is to be looked at again: what was lost is found so.
    ///
    /// # Errors
    /// The store's fault, where it is nobody's in particular. A damaged message is counted, and a folder that cannot be
    /// gone on with is passed over until the next round: neither stops anybody else.
    pub fn index_texts(&self, from: Option<Indexing>, all: bool) -> Result<Option<Indexing>, Error> {
        let (first, to) = KeyBuilder::new(tag::FOLDER).range();
        let begin = from.unwrap_or(Indexing { folder: first, uid: None });
        let folders = self.sound(&begin.folder, &to, FOLDERS, |key, value| {
            let mailbox = KeyReader::new(key, tag::FOLDER)?.mailbox()?;
            let row: FolderRow = decode(key, value)?;
            Ok(Folder { key: key.to_vec(), mailbox, number: number_of(key)?, uid_next: row.uid_next })
        })?;
        for folder in &folders {
            let here = begin.uid.filter(|_| folder.key == begin.folder);
            match self.index_on(folder, here, all) {
                Ok(Some(uid)) => return Ok(Some(Indexing { folder: folder.key.clone(), uid: Some(uid) })),
                Ok(None) => {}
                Err(fault @ Error::Store(sigillo_store::Error::Temporary(_))) => return Err(fault),
                Err(error) => {
                    let (mailbox, folder) = (folder.mailbox.0, folder.number);
                    tracing::error!(%error, mailbox, folder, "searches in this folder read more for now");
                }
            }
        }
        let full = folders.len() == FOLDERS;
        Ok(folders.last().filter(|_| full).map(|last| Indexing { folder: key::successor(&last.key), uid: None }))
    }

    fn mark(&self, folder: &Folder) -> Result<u32, Error> {
        let key = mark_key(folder.mailbox, folder.number);
        Ok(self.store.get(key.as_ref())?.map_or(0, |value| until(&key, &value)))
    }

    /// Goes on with a folder: behind this UID, or from the beginning, or from where its mark stands.
    fn index_on(&self, folder: &Folder, here: Option<u32>, all: bool) -> Result<Option<u32>, Error> {
        let after = match here {
            Some(uid) => uid,
            None if all => 0,
            None => self.mark(folder)?,
        };
        if after.saturating_add(1) < folder.uid_next { self.index_folder(folder, after) } else { Ok(None) }
    }

    /// Makes what is missing after this UID; gives the last UID looked at, `None` at the end of the folder.
    fn index_folder(&self, folder: &Folder, after: u32) -> Result<Option<u32>, Error> {
        let from = key::successor(entry_key(folder.mailbox, folder.number, Uid(after)));
        let (_, to) = KeyBuilder::new(tag::FOLDER_ENTRY).mailbox(folder.mailbox).u32(folder.number).range();
        let entries = self.sound(&from, &to, ENTRIES, |key, value| {
            let mut reader = KeyReader::new(key, tag::FOLDER_ENTRY)?;
            reader.mailbox()?;
            reader.u32()?;
            Ok((reader.uid()?, MsgId(decode::<EntryRow>(key, value)?.msg)))
        })?;
        let (mut made, mut octets, mut written, mut looked) = (Vec::new(), 0, 0, after);
        for (uid, msg) in &entries {
            looked = uid.0;
            if self.grams(*msg)?.is_none()
                && let Some((size, one)) = self.made(*uid, *msg)?
            {
                octets += size;
                written += one.weight();
                made.push(one);
            }
            if octets >= OCTETS || written >= PAGE_OCTETS {
                break;
            }
        }
        let over = entries.len() < ENTRIES && entries.last().is_none_or(|(uid, _)| uid.0 == looked);
        transact(&self.store, ATTEMPTS, |tx| {
            // What a power cut takes of this is made again.
            tx.later();
            write(tx, folder, &made, looked)
        })?;
        Ok((!over).then_some(looked))
    }

    /// What is made of a message, with its size, and its summary where none is kept; `None` when it is damaged.
    fn made(&self, uid: Uid, msg: MsgId) -> Result<Option<(usize, Made)>, Error> {
        let made = || {
            let rope = self.expect_message(msg)?;
            let size = usize::try_from(rope.len()).unwrap_or(usize::MAX);
            let mut source = Windowed::new(size, |from, len| self.read(&rope, from as u64, len as u64));
            let summary = if self.kept_summary(msg)?.is_none() { summary::read(&mut source)? } else { None };
            Ok((size, Made { uid, msg, grams: Grams::read(&mut source)?, summary }))
        };
        match made() {
            Ok(made) => Ok(Some(made)),
            Err(Error::Store(sigillo_store::Error::Corrupt { key, what })) => {
                self.damaged.note(&key, &what);
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    /// What is kept of a message's texts, if this release made it.
    pub(crate) fn grams(&self, msg: MsgId) -> Result<Option<Grams>, Error> {
        match get_large::<_, GramsRow>(&self.store, &grams_key(msg)) {
            Ok(row) => Ok(row.filter(|r| r.version == Grams::VERSION).map(|r| Grams::from_bytes(r.grams))),
            Err(sigillo_store::Error::Corrupt { key, what }) => {
                self.damaged.note(&key, &what);
                Ok(None)
            }
            Err(fault) => Err(fault.into()),
        }
    }
}

fn write<S: Store>(tx: &mut Transaction<'_, S>, folder: &Folder, made: &[Made], looked: u32) -> Result<(), Error> {
    for Made { uid, msg, grams, summary } in made {
        // Expected, so that nothing is left of a message that goes meanwhile.
        if tx.get(entry_key(folder.mailbox, folder.number, *uid))?.is_some() {
            let row = GramsRow { version: Grams::VERSION, grams: grams.as_bytes().to_vec() };
            clear(tx, &grams_key(*msg))?;
            put_large(tx, &grams_key(*msg), &row)?;
            if let Some(summary) = summary {
                clear(tx, &summary_key(*msg))?;
                put_summary(tx, *msg, summary)?;
            }
        }
    }
    let key = mark_key(folder.mailbox, folder.number);
    let said = tx.get(&key)?.map_or(0, |value| until(&key, &value));
    if said < looked && tx.get(&folder.key)?.is_some() {
        tx.put(&key, encode(&Mark { version: Grams::VERSION, uid: looked }));
    }
    Ok(())
}

/// Takes away what an earlier release left, or what does not read.
fn clear<S: Store>(tx: &mut Transaction<'_, S>, key: &KeyBuilder) -> Result<(), Error> {
    match remove_large(tx, key) {
        Ok(_) | Err(sigillo_store::Error::Corrupt { .. }) => Ok(()),
        Err(fault) => Err(fault.into()),
    }
}

/// The UID of a mark; nothing of one of an earlier kind, or one that does not read: then all is looked at again.
fn until(key: &KeyBuilder, value: &[u8]) -> u32 {
    decode::<Mark>(key, value).ok().filter(|mark| mark.version == Grams::VERSION).map_or(0, |mark| mark.uid)
}
