//! Flags and removal: the rows of one folder change, its mod-sequence with them.

use sigillo_imap::{Change, Code, Deed, Flags, FolderRights, Refusal, Stored};
use sigillo_store::{Store, transact};

use super::{Boxes, No, Words, fault, row};
use crate::fronts::Transaction;
use crate::rows::EntryRow;
use crate::{ATTEMPTS, Error, folder};

/// Messages changed in one commit, as long as they fit.
const PAGE: usize = 1000;

impl<S: Store> Boxes<S> {
    pub(super) fn change_flags(&self, number: u32, uids: &[u32], change: &Change) -> Result<Stored, Refusal> {
        self.may(number, Deed::Flag)?;
        let rights = self.rights(number)?;
        if !rights.reach(change.op, &change.flags) {
            return Err(Refusal::new(Code::NoPerm, "Manca il diritto di cambiare queste etichette"));
        }
        let (mut stored, mut left) = (Stored::default(), uids);
        while !left.is_empty() {
            let page = &left[..left.len().min(PAGE)];
            // A delivery waits for one page at the most.
            let lane = self.engine.lanes.hold(&[self.mailbox]);
            let done =
                transact(&self.engine.store, ATTEMPTS, |tx| self.change_page(tx, (number, rights), page, change));
            drop(lane);
            let (Stored { rows, modified }, looked) = done.map_err(|no| {
                // What went before stays.
                self.changed();
                no.0
            })?;
            stored.rows.extend(rows);
            stored.modified.extend(modified);
            left = &left[looked..];
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
    ) -> Result<(Stored, usize), No> {
        let (mut modified, mut too_many) = (Vec::new(), false);
        let (changed, looked) = folder::relabel(tx, self.mailbox, number, uids, |uid, entry| {
            if !change.allows(entry.modseq) {
                modified.push(uid);
                return None;
            }
            let before = Flags::from_parts(entry.flags, entry.keywords.clone());
            let after = rights.cover(&before, &before.after(change.op, &change.flags));
            let grows =
                after.keywords().len() > before.keywords().len() || after.keyword_octets() > before.keyword_octets();
            too_many |= grows && after.is_too_much();
            Some(after)
        })?;
        if too_many {
            let (most, octets) = (Flags::MAX_KEYWORDS, Flags::MAX_KEYWORD_OCTETS);
            let text = format!("Al massimo {most} etichette per messaggio, di {octets} caratteri in tutto");
            return Err(Refusal::new(Code::Limit, text).into());
        }
        let mut words = Words::default();
        Ok((Stored { rows: changed.into_iter().map(|entry| row(entry, &mut words)).collect(), modified }, looked))
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

    /// The same of one page, for who holds the lane already.
    pub(super) fn take_out(
        &self,
        folder: u32,
        page: &[u32],
        which: impl Fn(&EntryRow) -> bool,
    ) -> Result<Vec<u32>, Refusal> {
        let taken = transact(&self.engine.store, ATTEMPTS, |tx| self.take_out_in(tx, folder, page, &which));
        Ok(taken.map_err(fault)?.into_iter().map(|(uid, _)| uid).collect())
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
