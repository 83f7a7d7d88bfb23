//! Flags and removal: the rows of one folder change, its mod-sequence with them.

use sigillo_base::Uid;
use sigillo_imap::{Change, Code, Deed, Flags, FolderRights, Refusal, Stored};
use sigillo_store::{Store, transact};

use super::{Boxes, fault, row};
use crate::fronts::Transaction;
use crate::rows::{ChangesRow, EntryRow, encode, entry_key, folder_key};
use crate::{ATTEMPTS, Error, folder};

/// Messages changed in one commit: keeps a batch well under its limit.
const PAGE: usize = 1000;

impl<S: Store> Boxes<S> {
    pub(super) fn change_flags(&self, number: u32, uids: &[u32], change: &Change) -> Result<Stored, Refusal> {
        self.may(number, Deed::Flag)?;
        let rights = self.rights(number)?;
        if !rights.reach(change.op, &change.flags) {
            return Err(Refusal::new(Code::NoPerm, "Manca il diritto di cambiare queste etichette"));
        }
        let mut stored = Stored::default();
        for page in uids.chunks(PAGE) {
            // A delivery waits for one page at the most.
            let _lane = self.engine.lanes.hold(&[self.mailbox]);
            let done =
                transact(&self.engine.store, ATTEMPTS, |tx| self.change_page(tx, (number, rights), page, change));
            let Stored { rows, modified } = done.map_err(fault)?;
            stored.rows.extend(rows);
            stored.modified.extend(modified);
        }
        self.changed();
        Ok(stored)
    }

    fn change_page(
        &self,
        tx: &mut Transaction<'_, S>,
        (number, rights): (u32, FolderRights),
        uids: &[u32],
        change: &Change,
    ) -> Result<Stored, Error> {
        let mut folder = folder::open(tx, self.mailbox, number)?;
        folder.modseq += 1;
        let mut stored = Stored::default();
        for &uid in uids {
            let Some(mut entry) = folder::entry(tx, self.mailbox, number, uid)? else { continue };
            if !change.allows(entry.modseq) {
                stored.modified.push(uid);
                continue;
            }
            let without = folder.held.without(&entry);
            let before = Flags::from_parts(entry.flags, entry.keywords);
            let flags = rights.cover(&before, &before.after(change.op, &change.flags));
            (entry.flags, entry.keywords) = (flags.bits(), flags.keywords().to_vec());
            entry.modseq = folder.modseq;
            folder.held = without
                .and_then(|held| held.with(&entry))
                .ok_or_else(|| folder::miscounted(&folder_key(self.mailbox, number)))?;
            tx.put(entry_key(self.mailbox, number, Uid(uid)), encode(&entry));
            stored.rows.push(row(uid, entry));
        }
        if !stored.rows.is_empty() {
            let changed = stored.rows.iter().map(|row| row.uid).collect();
            let changes = ChangesRow { changed, ..ChangesRow::default() };
            folder::log(tx, self.mailbox, number, &mut folder, &changes)?;
            tx.put(folder_key(self.mailbox, number), encode(&folder));
        }
        Ok(stored)
    }

    /// Removes entries that `which` picks; the archive keeps its own reference to each message.
    pub(super) fn remove(
        &self,
        folder: u32,
        uids: &[u32],
        which: impl Fn(&EntryRow) -> bool,
    ) -> Result<Vec<u32>, Refusal> {
        let mut removed = Vec::new();
        for page in uids.chunks(PAGE) {
            let _lane = self.engine.lanes.hold(&[self.mailbox]);
            removed.extend(self.take_out(folder, page, &which)?);
        }
        self.changed();
        Ok(removed)
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
