//! COPY and MOVE: messages come into a folder; bodies are never copied.

use sigillo_base::{MsgId, Timestamp, said};
use sigillo_imap::{Code, Deed, Destination, Flags, FolderRights, Refusal};
use sigillo_store::{Store, transact};

use super::{Boxes, No, fault};
use crate::fronts::Transaction;
use crate::rows::{EntryRow, FolderRow, decode, folder_key};
use crate::stored::{Place, post, usage};
use crate::{ATTEMPTS, Error, folder};

/// Messages of one COPY or MOVE: all of them fit into one commit, so that it happens wholly or not at all.
pub(super) const MOST: usize = 2000;
/// Messages of one of the pages of a longer one, and octets of their keywords.
const PAGE: usize = 1000;
const KEYWORDS: usize = 256 * 1024;
/// Messages of a mailbox: as many as numbers for one folder (RFC 3501 §2.3.1.1). Octets run out long before.
pub(super) const MOST_MESSAGES: u64 = u32::MAX as u64;

/// UIDs in pages, each of which fits into one commit.
pub(super) fn pages(entries: &[(u32, EntryRow)]) -> Vec<Vec<u32>> {
    let (mut pages, mut octets): (Vec<Vec<u32>>, _) = (Vec::new(), 0);
    for (uid, entry) in entries {
        let more: usize = entry.keywords.iter().map(String::len).sum();
        octets += more;
        match pages.last_mut().filter(|page| page.len() < PAGE && octets <= KEYWORDS) {
            Some(page) => page.push(*uid),
            None => {
                pages.push(vec![*uid]);
                octets = more;
            }
        }
    }
    pages
}

impl<S: Store> Boxes<S> {
    /// Refuses what the store has no room for now. What helps to make room (MOVE to the bin, EXPUNGE) goes on.
    pub(super) fn may_file(&self) -> Result<(), Refusal> {
        self.engine.may_file().map_err(|why| Refusal::new(Code::Unavailable, why))
    }

    /// The size of the box, in bytes.
    pub(super) fn size(&self) -> Result<u64, Refusal> {
        let missing = || fault(Error::Invalid(said!("la casella non esiste più", "the mailbox is gone")));
        let mailbox = self.engine.mailbox(self.mailbox).map_err(fault)?.ok_or_else(missing)?;
        Ok(self.engine.terms(&mailbox).1.box_bytes)
    }

    /// Refuses what would pass the size of the box, before it comes: as the commit will, which takes the replaced message
    /// out first.
    pub(super) fn check_room(&self, more: u64, replaced: Option<(u32, u32)>) -> Result<(), Refusal> {
        let old = replaced.map(|(folder, uid)| self.entry(folder, uid)).transpose()?.flatten();
        // More room instead of less to come: a box that holds too much takes what makes it smaller.
        let size = self.size()?.saturating_add(old.map_or(0, |entry| entry.size.into()));
        self.within(&mut Transaction::new(&self.engine.store), size, more).map_err(|no| no.0)
    }

    /// Refuses to hold more than the size of the box.
    pub(super) fn within(&self, tx: &mut Transaction<'_, S>, size: u64, more: u64) -> Result<(), No> {
        let held = usage(tx, self.mailbox)?;
        if held.bytes.saturating_add(more) > size || held.messages > MOST_MESSAGES {
            return Err(No(Refusal::new(Code::OverQuota, "La casella e' piena")));
        }
        Ok(())
    }

    /// Refuses a folder that is not any more what its name said when the command began.
    fn still(&self, tx: &mut Transaction<'_, S>, into: Destination) -> Result<(), No> {
        let key = folder_key(self.mailbox, into.folder);
        let row = tx.get(&key)?.map(|value| decode::<FolderRow>(&key, &value)).transpose()?;
        match row {
            Some(row) if row.uid_validity == into.uid_validity => Ok(()),
            _ => Err(No(Refusal::new(Code::NonExistent, "La cartella di destinazione non esiste piu'"))),
        }
    }

    /// Takes out again what a COPY in pages put in.
    pub(super) fn take_back(&self, into: Destination, uids: &[u32]) -> Result<(), Refusal> {
        if self.engine.store.get(folder_key(self.mailbox, into.folder).as_ref()).map_err(fault)?.is_none() {
            return Ok(()); // it went with its folder
        }
        self.may(into.folder, Deed::Fill)?;
        for page in uids.chunks(PAGE) {
            let _lane = self.engine.lanes.hold(&[self.mailbox]);
            transact(&self.engine.store, ATTEMPTS, |tx| {
                self.still(tx, into)?;
                Ok(self.take_out_in(tx, into.folder, page, |_| true)?)
            })
            .map_err(|no: No| no.0)?;
        }
        self.changed();
        Ok(())
    }

    /// Copies or moves messages in one commit; gives the UID of each before and after.
    pub(super) fn transfer(
        &self,
        from: u32,
        uids: &[u32],
        into: Destination,
        moving: bool,
    ) -> Result<Vec<(u32, u32)>, Refusal> {
        if uids.len() > MOST {
            let text = format!("Al massimo {MOST} messaggi alla volta");
            return Err(Refusal::new(Code::Limit, text));
        }
        let to = into.folder;
        self.may(to, Deed::Fill)?;
        let rights = self.rights(to)?;
        let size = self.size()?;
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        let pairs = transact(&self.engine.store, ATTEMPTS, |tx| {
            self.still(tx, into)?;
            let entries = if moving {
                folder::take_out(tx, self.mailbox, from, uids, |_| true)?
            } else {
                let read = |uid: &u32| Ok(folder::entry(tx, self.mailbox, from, *uid)?.map(|entry| (*uid, entry)));
                uids.iter().map(read).filter_map(Result::transpose).collect::<Result<_, Error>>()?
            };
            let mut pairs = Vec::with_capacity(entries.len());
            for (uid, entry) in entries {
                let flags = Flags::from_parts(entry.flags, entry.keywords);
                let place = self.place(to, rights, &flags, Timestamp::from_millis(entry.date));
                let (new, _) = post(tx, &place, MsgId(entry.msg), u64::from(entry.size))?;
                pairs.push((uid, new.0));
            }
            if !moving {
                self.within(tx, size, 0)?;
            }
            Ok(pairs)
        })
        .map_err(|no: No| no.0)?;
        self.changed();
        Ok(pairs)
    }

    /// A place in a folder where the user has these rights: flags that they do not cover are left behind.
    pub(super) fn place(&self, folder: u32, rights: FolderRights, flags: &Flags, date: Timestamp) -> Place {
        let flags = rights.cover(&Flags::new(), flags);
        let (mailbox, keywords) = (self.mailbox, flags.keyword_texts());
        Place { mailbox, folder, flags: flags.bits(), keywords, date, saved: self.now }
    }
}
