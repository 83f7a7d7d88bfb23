//! Flags and removal: the rows of one folder change, its mod-sequence with them.

use sigillo_base::{MsgId, Uid};
use sigillo_imap::{Flags, Refusal, Row, StoreOp};
use sigillo_store::{Store, transact};

use super::{Boxes, fault, row};
use crate::fronts::Transaction;
use crate::rows::{EntryRow, FolderRow, decode, encode, entry_key, folder_key, usage_key};
use crate::stored::usage;
use crate::{Error, keepers};

/// Messages changed in one commit: keeps a batch well under its limit.
const PAGE: usize = 1000;

impl<S: Store> Boxes<S> {
    /// Reads an entry for change; `None` when it is gone.
    pub(super) fn entry(&self, tx: &mut Transaction<'_, S>, folder: u32, uid: u32) -> Result<Option<EntryRow>, Error> {
        let key = entry_key(self.mailbox, folder, Uid(uid));
        Ok(tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?)
    }

    /// The folder's next mod-sequence, taken.
    pub(super) fn advance(&self, tx: &mut Transaction<'_, S>, folder: u32) -> Result<u64, Error> {
        let key = folder_key(self.mailbox, folder);
        let value = tx.get(&key)?.ok_or_else(|| Error::Invalid("la cartella non esiste più".into()))?;
        let mut row: FolderRow = decode(&key, &value)?;
        row.modseq += 1;
        tx.put(&key, encode(&row));
        Ok(row.modseq)
    }

    pub(super) fn change_flags(
        &self,
        name: &str,
        uids: &[u32],
        op: StoreOp,
        named: &Flags,
    ) -> Result<Vec<Row>, Refusal> {
        let (folder, _) = self.folder(name)?;
        let mut changed = Vec::new();
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        for page in uids.chunks(PAGE) {
            let rows = transact(&self.engine.store, 8, |tx| {
                let modseq = self.advance(tx, folder)?;
                let mut rows = Vec::new();
                for &uid in page {
                    let Some(mut entry) = self.entry(tx, folder, uid)? else { continue };
                    let flags = Flags::from_parts(entry.flags, entry.keywords).after(op, named);
                    (entry.flags, entry.keywords) = (flags.bits(), flags.keywords().to_vec());
                    entry.modseq = modseq;
                    tx.put(entry_key(self.mailbox, folder, Uid(uid)), encode(&entry));
                    rows.push(row(uid, entry));
                }
                Ok::<_, Error>(rows)
            });
            changed.extend(rows.map_err(fault)?);
        }
        self.changed();
        Ok(changed)
    }

    /// Removes entries that `which` picks; the archive keeps its own reference to each message.
    pub(super) fn remove(
        &self,
        folder: u32,
        uids: &[u32],
        which: impl Fn(&EntryRow) -> bool,
    ) -> Result<Vec<u32>, Refusal> {
        let mut removed = Vec::new();
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        for page in uids.chunks(PAGE) {
            let gone = transact(&self.engine.store, 8, |tx| {
                self.advance(tx, folder)?;
                let mut held = usage(tx, self.mailbox)?;
                let mut gone = Vec::new();
                for &uid in page {
                    let Some(entry) = self.entry(tx, folder, uid)?.filter(&which) else { continue };
                    let key = entry_key(self.mailbox, folder, Uid(uid));
                    tx.delete(&key);
                    keepers::unlink(tx, MsgId(entry.msg), key)?;
                    held.bytes = held.bytes.saturating_sub(u64::from(entry.size));
                    held.messages = held.messages.saturating_sub(1);
                    gone.push(uid);
                }
                tx.put(usage_key(self.mailbox), encode(&held));
                Ok::<_, Error>(gone)
            });
            removed.extend(gone.map_err(fault)?);
        }
        self.changed();
        Ok(removed)
    }
}
