//! Flags and removal: the rows of one folder change, its mod-sequence with them.

use sigillo_base::Uid;
use sigillo_imap::{Flags, Refusal, Row, StoreOp};
use sigillo_store::{Store, transact};

use super::{Boxes, fault, row};
use crate::rows::{EntryRow, encode, entry_key, folder_key};
use crate::{ATTEMPTS, Error, folder};

/// Messages changed in one commit: keeps a batch well under its limit.
const PAGE: usize = 1000;

impl<S: Store> Boxes<S> {
    pub(super) fn change_flags(
        &self,
        name: &str,
        uids: &[u32],
        op: StoreOp,
        named: &Flags,
    ) -> Result<Vec<Row>, Refusal> {
        let (number, _) = self.folder(name)?;
        let mut changed = Vec::new();
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        for page in uids.chunks(PAGE) {
            let rows = transact(&self.engine.store, ATTEMPTS, |tx| {
                let mut folder = folder::open(tx, self.mailbox, number)?;
                folder.modseq += 1;
                let mut rows = Vec::new();
                for &uid in page {
                    let Some(mut entry) = folder::entry(tx, self.mailbox, number, uid)? else { continue };
                    let without = folder.held.without(&entry);
                    let flags = Flags::from_parts(entry.flags, entry.keywords).after(op, named);
                    (entry.flags, entry.keywords) = (flags.bits(), flags.keywords().to_vec());
                    entry.modseq = folder.modseq;
                    folder.held = without
                        .and_then(|held| held.with(&entry))
                        .ok_or_else(|| folder::miscounted(&folder_key(self.mailbox, number)))?;
                    tx.put(entry_key(self.mailbox, number, Uid(uid)), encode(&entry));
                    rows.push(row(uid, entry));
                }
                if !rows.is_empty() {
                    tx.put(folder_key(self.mailbox, number), encode(&folder));
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
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        let removed = self.take_out(folder, uids, which);
        self.changed();
        removed
    }

    /// The same for who holds the lane already.
    pub(super) fn take_out(
        &self,
        folder: u32,
        uids: &[u32],
        which: impl Fn(&EntryRow) -> bool,
    ) -> Result<Vec<u32>, Refusal> {
        let mut removed = Vec::new();
        for page in uids.chunks(PAGE) {
            let taken =
                transact(&self.engine.store, ATTEMPTS, |tx| folder::take_out(tx, self.mailbox, folder, page, &which));
            removed.extend(taken.map_err(fault)?.into_iter().map(|(uid, _)| uid));
        }
        Ok(removed)
    }
}
