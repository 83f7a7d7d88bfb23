//! Flags and removal: the rows of one folder change, its mod-sequence with them.

use sigillo_imap::{Change, Code, Deed, Flags, FolderRights, Refusal, Stored};
use sigillo_store::{Store, transact};

use super::{Boxes, fault, row};
use crate::fronts::Transaction;
use crate::rows::EntryRow;
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
        let mut modified = Vec::new();
        let changed = folder::relabel(tx, self.mailbox, number, uids, |uid, entry| {
            if !change.allows(entry.modseq) {
                modified.push(uid);
                return None;
            }
            let before = Flags::from_parts(entry.flags, entry.keywords.clone());
            Some(rights.cover(&before, &before.after(change.op, &change.flags)))
        })?;
        Ok(Stored { rows: changed.into_iter().map(|(uid, entry)| row(uid, entry)).collect(), modified })
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
            let taken = transact(&self.engine.store, ATTEMPTS, |tx| self.take_out_in(tx, folder, page, &which));
            removed.extend(taken.map_err(fault)?.into_iter().map(|(uid, _)| uid));
        }
        Ok(removed)
    }

    /// Removes entries, and writes down who did.
    pub(super) fn take_out_in(
        &self,
        tx: &mut Transaction<'_, S>,
        folder: u32,
        uids: &[u32],
        which: impl Fn(&EntryRow) -> bool,
    ) -> Result<Vec<(u32, EntryRow)>, Error> {
        let taken = folder::take_out(tx, self.mailbox, folder, uids, which)?;
        let gone = taken.iter().map(|(uid, _)| *uid);
        self.engine.has_removed(tx, (self.mailbox, folder), gone, &self.visitor, self.now)?;
        Ok(taken)
    }
}
