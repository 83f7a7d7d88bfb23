//! A user's folders as IMAP sees them, over the store's rows.

mod append;
mod change;
mod contents;
mod custody;
mod manage;
mod opened;
mod rows;
mod transfer;

use std::sync::Arc;

use sigillo_accounts::CredentialName;
use sigillo_base::{MailboxId, MsgId, Timestamp, Uid};
use sigillo_imap::{
    Appended, AtHand, Attribute, Change, Code, Content, Deed, Destination, Draft, Flags, FolderInfo, FolderRights,
    FolderState, Grams, Mailboxes, Refusal, Row, Status, Stored, Summary, System,
};
use sigillo_store::{KeyBuilder, KeyReader, Store, tag, transact};

use crate::deeds::Visitor;
use crate::folders::{MAX_FOLDERS, number_of};
use crate::grants::EVERYWHERE;
use crate::rows::{ChangesRow, EntryRow, FolderRow, decode, entry_key, folder_key};
use crate::spool::{Came, Incoming};
use crate::{ATTEMPTS, Engine, Error, Rejected, subscriptions};
pub use contents::{Contents, Lying, Unfiled};
use rows::{Words, row, seen};

/// The folders of one mailbox, at the service time of the request in hand.
pub(super) struct Boxes<S> {
    engine: Arc<Engine<S>>,
    mailbox: MailboxId,
    /// Who opens them: his rights.
    person: CredentialName,
    /// Who is written down.
    visitor: Visitor,
    /// The message that he read last, by folder and UID: its parts are one.
    read: Option<(u32, u32)>,
    now: Timestamp,
    /// The message that APPEND is bringing.
    incoming: Incoming,
}

/// Rows read from the store at once.
const PAGE: usize = 1000;

impl<S: Store> Boxes<S> {
    /// Those of a mailbox with the rights of a person; `visitor` is who is written down, and may be somebody who acts for him.
    pub(super) fn new(engine: Arc<Engine<S>>, mailbox: MailboxId, person: CredentialName, visitor: Visitor) -> Self {
        let incoming = Incoming::new(&engine.doors);
        Self { engine, mailbox, person, visitor, read: None, now: Timestamp::default(), incoming }
    }

    pub(super) fn mailbox(&self) -> MailboxId {
        self.mailbox
    }

    pub(super) fn at(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Takes a piece of the message; `true` when [`Boxes::spool`] is due before the next one.
    pub(super) fn append_chunk(&mut self, bytes: &[u8]) -> bool {
        self.incoming.push(bytes);
        self.incoming.is_full()
    }

    /// Moves what came of the message out of memory.
    pub(super) fn spool(&mut self) {
        let full = |why| Rejected::refused(452, (4, 3, 1), why);
        self.incoming.spool(self.engine.may_file().map_err(full));
    }

    /// Forgets what came of a message that is not stored.
    pub(super) fn append_dropped(&mut self) {
        self.incoming.clear();
    }

    /// What came of the message.
    fn came(&mut self) -> Result<Came, Refusal> {
        self.incoming.take_apart().map_err(|why| Refusal::new(Code::Unavailable, why.to_string()))
    }

    /// A message that is there already, on the way of one that comes.
    fn passed(&mut self, bytes: &[u8]) -> Result<Came, Refusal> {
        self.incoming.clear();
        for piece in bytes.chunks(64 * 1024) {
            if self.append_chunk(piece) {
                self.spool();
            }
        }
        self.came()
    }

    /// The memory that the message will take, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.incoming.passing_weight()
    }

    /// The folders that can be read, with their numbers.
    fn sound_folders(&self) -> Result<Vec<(u32, FolderRow)>, Error> {
        let (from, to) = KeyBuilder::new(tag::FOLDER).mailbox(self.mailbox).range();
        let read = |key: &[u8], value: &[u8]| Ok((number_of(key)?, decode(key, value)?));
        Ok(self.engine.sound(&from, &to, MAX_FOLDERS, read)?)
    }

    /// A folder, for something that the user may do in it.
    fn folder(&self, name: &str, deed: Deed) -> Result<(u32, FolderRow), Refusal> {
        let (number, row) = self.find(name)?;
        self.may(number, deed)?;
        Ok((number, row))
    }

    /// A folder, whatever the user may do in it.
    fn find(&self, name: &str) -> Result<(u32, FolderRow), Refusal> {
        let found = self.sound_folders().map_err(fault)?.into_iter().find(|(_, f)| f.name == name);
        found.ok_or_else(Refusal::no_folder)
    }

    /// A folder that messages should go to: when it is missing the client may create it.
    fn target(&self, name: &str) -> Result<Destination, Refusal> {
        let missing = |refusal: Refusal| match refusal.code {
            Some(Code::NonExistent) => Refusal::new(Code::TryCreate, "La cartella di destinazione non esiste"),
            _ => refusal,
        };
        let (folder, FolderRow { uid_validity, .. }) = self.folder(name, Deed::Fill).map_err(missing)?;
        Ok(Destination { folder, uid_validity })
    }

    /// An open folder, unless it is gone or may no longer be read.
    fn open(&self, number: u32) -> Result<FolderRow, Refusal> {
        self.may(number, Deed::Read)?;
        let key = folder_key(self.mailbox, number);
        let value = self.engine.store.get(key.as_ref()).map_err(fault)?.ok_or_else(Refusal::no_folder)?;
        decode(&key, &value).map_err(fault)
    }

    /// What lies in a folder, from this UID on.
    fn entries(&self, folder: u32, first: u32) -> Result<Vec<(u32, EntryRow)>, Error> {
        let (mut entries, mut first) = (Vec::new(), Some(first));
        while let Some(from) = first {
            let page = self.page(folder, from)?;
            first = page.last().and_then(|(uid, _)| uid.checked_add(1));
            entries.extend(page);
        }
        Ok(entries)
    }

    /// The first of them.
    fn page(&self, folder: u32, first: u32) -> Result<Vec<(u32, EntryRow)>, Error> {
        let (_, to) = KeyBuilder::new(tag::FOLDER_ENTRY).mailbox(self.mailbox).u32(folder).range();
        let from = entry_key(self.mailbox, folder, Uid(first)).done();
        self.engine
            .sound(&from, &to, PAGE, |key, value| {
                let mut reader = KeyReader::new(key, tag::FOLDER_ENTRY)?;
                reader.mailbox()?;
                reader.u32()?;
                Ok((reader.uid()?.0, decode(key, value)?))
            })
            .map_err(Into::into)
    }

    fn entry(&self, folder: u32, uid: u32) -> Result<Option<EntryRow>, Refusal> {
        let key = entry_key(self.mailbox, folder, Uid(uid));
        let value = self.engine.store.get(key.as_ref()).map_err(fault)?;
        value.map(|value| decode(&key, &value).map_err(fault)).transpose()
    }

    /// The message of an entry; `None` when it is gone.
    fn stored(&self, folder: u32, uid: u32) -> Result<Option<MsgId>, Refusal> {
        self.may(folder, Deed::Read)?;
        Ok(self.entry(folder, uid)?.map(|entry| MsgId(entry.msg)))
    }

    /// What a folder's log tells; `None` when it does not reach back so far.
    fn changes(&self, folder: u32, since: u64) -> Result<Option<ChangesRow>, Refusal> {
        match self.engine.changes(self.mailbox, folder, since) {
            Err(Error::Invalid(_)) => Err(Refusal::no_folder()),
            changes => changes.map_err(fault),
        }
    }

    /// The MAILBOXID of a folder: no number is given twice in a mailbox.
    fn id(&self, folder: u32) -> String {
        format!("F{:x}-{folder}", self.mailbox.0)
    }

    /// A folder as a session sees it: these entries, and what went.
    fn state(
        &self,
        number: u32,
        folder: &FolderRow,
        rows: Arc<Vec<Row>>,
        gone: Option<Vec<u32>>,
    ) -> Result<FolderState, Refusal> {
        let rights = self.rights(number)?;
        Ok(FolderState {
            number,
            id: self.id(number),
            uid_validity: folder.uid_validity,
            uid_next: folder.uid_next,
            highest_modseq: folder.modseq,
            rows,
            gone,
            permanent_flags: rights.flags(),
            new_keywords: rights.has(FolderRights::WRITE),
            read_only: !rights.has_any(FolderRights::CHANGING),
        })
    }

    fn counts(&self, number: u32, folder: &FolderRow) -> Status {
        let short = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        Status {
            messages: short(folder.held.messages),
            unseen: short(folder.held.unseen),
            uid_next: folder.uid_next,
            uid_validity: folder.uid_validity,
            highest_modseq: folder.modseq,
            size: folder.held.bytes,
            deleted: short(folder.held.deleted),
            deleted_storage: folder.held.deleted_bytes,
            id: self.id(number),
        }
    }

    fn changed(&self) {
        self.engine.bell.mailbox_changed(self.mailbox);
    }
}

/// A fault of ours: logged here, told as "try later". What is too much for one commit is so the next time too.
fn fault(error: impl Into<Error>) -> Refusal {
    let error = error.into();
    tracing::error!(%error, "mailbox request failed");
    match error {
        Error::Store(sigillo_store::Error::TooLarge { .. }) => {
            Refusal::new(Code::Limit, "Troppo in una volta: farlo in piu' comandi")
        }
        _ => Refusal::unavailable(),
    }
}

/// Special uses and their words in a folder's row (RFC 6154).
const SPECIAL: [(&str, Attribute); 5] = [
    ("sent", Attribute::Sent),
    ("drafts", Attribute::Drafts),
    ("trash", Attribute::Trash),
    ("junk", Attribute::Junk),
    ("archive", Attribute::Archive),
];

fn special(word: Option<&str>) -> Vec<Attribute> {
    SPECIAL.iter().filter(|(w, _)| word == Some(*w)).map(|(_, attribute)| *attribute).collect()
}

/// A refusal on its way out of a transaction.
struct No(Refusal);

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<Error> for No {
    fn from(error: Error) -> Self {
        Self(fault(error))
    }
}

impl From<sigillo_store::Error> for No {
    fn from(error: sigillo_store::Error) -> Self {
        Self(fault(error))
    }
}

impl<S: Store> Mailboxes for Boxes<S> {
    fn list(&mut self) -> Result<Vec<FolderInfo>, Refusal> {
        let mut shown = Vec::new();
        for (number, f) in self.sound_folders().map_err(fault)? {
            let rights = self.rights(number)?;
            if Deed::Show.allowed(rights) {
                shown.push(FolderInfo {
                    number,
                    attributes: special(f.special.as_deref()),
                    subscribed: f.subscribed,
                    status: Deed::Read.allowed(rights).then(|| self.counts(number, &f)),
                    rights,
                    name: f.name,
                });
            }
        }
        Ok(shown)
    }

    fn select(&mut self, name: &str) -> Result<FolderState, Refusal> {
        let (number, folder) = self.folder(name, Deed::Read)?;
        self.state(number, &folder, self.whole(number, &folder)?, None)
    }

    fn refresh(&mut self, number: u32, since: u64, uid_next: u32) -> Result<FolderState, Refusal> {
        // The folder's row first: what happens meanwhile may be told twice, and is never passed over.
        let folder = self.open(number)?;
        let Some(ChangesRow { gone, changed }) = self.changes(number, since)? else {
            return self.state(number, &folder, self.whole(number, &folder)?, None);
        };
        let (mut rows, mut words) = (Vec::new(), Words::default());
        for uid in changed.into_iter().filter(|uid| *uid < uid_next) {
            rows.extend(self.entry(number, uid)?.map(|entry| seen(&folder, (uid, entry), &mut words)));
        }
        rows.extend(self.rows(number, &folder, uid_next)?);
        self.state(number, &folder, Arc::new(rows), Some(gone))
    }

    fn version(&mut self, folder: u32) -> Result<Option<u64>, Refusal> {
        Ok(Some(self.open(folder)?.modseq))
    }

    fn rights_in(&mut self, folder: u32) -> Result<Option<FolderRights>, Refusal> {
        self.rights(folder).map(Some)
    }

    fn vanished(&mut self, folder: u32, since: u64) -> Result<Option<Vec<u32>>, Refusal> {
        self.may(folder, Deed::Read)?;
        Ok(self.changes(folder, since)?.map(|changes| changes.gone))
    }

    fn message(&mut self, folder: u32, uid: u32) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(msg) = self.stored(folder, uid)? else { return Ok(None) };
        let bytes = self.engine.expect_message(msg).and_then(|rope| self.engine.read_all(&rope));
        bytes.map(Some).map_err(fault)
    }

    fn summary(&mut self, folder: u32, uid: u32) -> Result<Option<Summary>, Refusal> {
        self.stored(folder, uid)?.map(|msg| self.engine.summary(msg).map_err(fault)).transpose()
    }

    fn at_hand(&mut self, folder: u32, uid: u32) -> Result<AtHand, Refusal> {
        match self.stored(folder, uid)? {
            Some(msg) => self.summary_at_hand(msg).map_err(fault),
            None => Ok(AtHand::Gone),
        }
    }

    fn content(&mut self, folder: u32, uid: u32) -> Result<Option<Box<dyn Content>>, Refusal> {
        self.stored(folder, uid)?.map(|msg| self.opened(msg).map_err(fault)).transpose()
    }

    fn reading(&mut self, folder: u32, uid: u32) -> Result<(AtHand, Option<Box<dyn Content>>), Refusal> {
        match self.stored(folder, uid)? {
            Some(msg) => Ok((self.summary_at_hand(msg).map_err(fault)?, Some(self.opened(msg).map_err(fault)?))),
            None => Ok((AtHand::Gone, None)),
        }
    }

    fn shown(&mut self, folder: u32, uid: u32) {
        if self.read != Some((folder, uid))
            && self.engine.has_read((self.mailbox, folder, uid), &self.visitor, self.now)
        {
            self.read = Some((folder, uid));
        }
    }

    fn locate(&mut self, name: &str) -> Result<(u32, u32), Refusal> {
        self.folder(name, Deed::Read).map(|(number, folder)| (number, folder.uid_validity))
    }

    fn grams(&mut self, folder: u32, uid: u32) -> Result<Option<Grams>, Refusal> {
        Ok(self.stored(folder, uid)?.map(|msg| self.engine.grams(msg).map_err(fault)).transpose()?.flatten())
    }

    fn now(&mut self) -> Timestamp {
        self.now
    }

    fn store_flags(&mut self, folder: u32, uids: &[u32], change: &Change) -> Result<Stored, Refusal> {
        self.change_flags(folder, uids, change)
    }

    fn append_start(&mut self, name: &str, size: u64, replaced: Option<(u32, u32)>) -> Result<(), Refusal> {
        self.incoming.clear();
        self.may_file()?;
        self.target(name)?;
        self.check_room(size, replaced)
    }

    fn append_more(&mut self, _name: &str, size: u64, replaced: Option<(u32, u32)>) -> Result<(), Refusal> {
        self.may_file()?;
        self.check_room(size, replaced)
    }

    fn append(&mut self, name: &str, drafts: &[Draft], replaced: Option<(u32, u32)>) -> Result<Appended, Refusal> {
        if let Some((folder, _)) = replaced {
            self.may(folder, Deed::Empty)?;
        }
        let mut came = self.came()?;
        self.append_drafts(name, drafts, &mut came, replaced)
    }

    fn expunge(&mut self, folder: u32, uids: &[u32]) -> Result<Vec<u32>, Refusal> {
        self.may(folder, Deed::Expunge)?;
        let deleted = Flags::new().with(System::Deleted).bits();
        self.remove(folder, uids, |entry| entry.flags & deleted != 0)
    }

    fn destination(&mut self, name: &str) -> Result<Destination, Refusal> {
        self.target(name)
    }

    fn copy(&mut self, folder: u32, uids: &[u32], into: Destination) -> Result<Vec<(u32, u32)>, Refusal> {
        self.may(folder, Deed::Read)?;
        self.may_file()?;
        self.transfer(folder, uids, into, false)
    }

    fn withdraw(&mut self, into: Destination, uids: &[u32]) -> Result<(), Refusal> {
        self.take_back(into, uids)
    }

    fn move_(&mut self, folder: u32, uids: &[u32], into: Destination) -> Result<Vec<(u32, u32)>, Refusal> {
        self.may(folder, Deed::Empty)?;
        self.transfer(folder, uids, into, true)
    }

    fn create(&mut self, name: &str, special: Option<Attribute>) -> Result<String, Refusal> {
        self.create_folder(name, special)?;
        Ok(self.id(self.find(name)?.0))
    }

    fn delete(&mut self, name: &str) -> Result<(), Refusal> {
        self.delete_folder(name)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        self.rename_folder(from, to)
    }

    fn subscribe(&mut self, name: &str, on: bool) -> Result<(), Refusal> {
        match self.folder(name, Deed::Show) {
            Err(missing) if missing.code == Some(Code::NonExistent) => {
                let was = self.subscriptions()?.iter().any(|there| there == name);
                if !was {
                    Err(missing)
                } else if on {
                    Ok(())
                } else {
                    self.forget_subscription(name)
                }
            }
            found => self.change_folder(found?.0, |f| f.subscribed = on),
        }
    }

    fn subscriptions(&mut self) -> Result<Vec<String>, Refusal> {
        // Who does not see what nothing was said of does not see what was there.
        if !Deed::Show.allowed(self.rights(EVERYWHERE)?) {
            return Ok(Vec::new());
        }
        self.engine.subscriptions(self.mailbox).map_err(fault)
    }

    fn status(&mut self, name: &str) -> Result<Status, Refusal> {
        let (number, folder) = self.folder(name, Deed::Read)?;
        Ok(self.counts(number, &folder))
    }
}

impl<S: Store> Boxes<S> {
    fn forget_subscription(&self, name: &str) -> Result<(), Refusal> {
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        let taken = transact(&self.engine.store, ATTEMPTS, |tx| subscriptions::take(tx, self.mailbox, name));
        taken.map_err(fault)?;
        self.changed();
        Ok(())
    }

    fn change_folder(&self, number: u32, change: impl Fn(&mut FolderRow)) -> Result<(), Refusal> {
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        let key = folder_key(self.mailbox, number);
        transact(&self.engine.store, ATTEMPTS, |tx| {
            if let Some(value) = tx.get(&key)? {
                let mut folder: FolderRow = decode(&key, &value)?;
                change(&mut folder);
                tx.put(&key, crate::rows::encode(&folder));
            }
            Ok::<_, Error>(())
        })
        .map_err(fault)?;
        self.changed();
        Ok(())
    }
}
