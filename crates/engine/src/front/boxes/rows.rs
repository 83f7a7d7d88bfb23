//! What lies in a folder, as a session sees it: read once, and then what changed.

use std::collections::HashSet;
use std::sync::Arc;

use sigillo_base::Timestamp;
use sigillo_imap::{Flags, Refusal, Row};
use sigillo_store::Store;

use super::{Boxes, fault};
use crate::looks::Look;
use crate::rows::{EntryRow, FolderRow};

/// Keywords that were met: the messages of a folder share them, so that a folder of many messages with many takes no more
/// memory than one with few.
#[derive(Debug, Default)]
pub(super) struct Words(HashSet<Arc<str>>);

impl Words {
    fn shared(&mut self, word: String) -> Arc<str> {
        if let Some(known) = self.0.get(word.as_str()) {
            return Arc::clone(known);
        }
        let word = Arc::from(word);
        self.0.insert(Arc::clone(&word));
        word
    }
}

impl<S: Store> Boxes<S> {
    /// What lies in a folder whose row was just read, from this UID on.
    pub(super) fn rows(&self, number: u32, folder: &FolderRow, first: u32) -> Result<Vec<Row>, Refusal> {
        let (mut rows, mut words, mut next) = (Vec::new(), Words::default(), Some(first));
        while let Some(from) = next {
            let page = self.page(number, from).map_err(fault)?;
            next = page.last().and_then(|(uid, _)| uid.checked_add(1));
            rows.extend(page.into_iter().map(|entry| seen(folder, entry, &mut words)));
        }
        Ok(rows)
    }

    /// All that lies in a folder whose row was just read: as it was looked at last, with what changed since.
    pub(super) fn whole(&self, number: u32, folder: &FolderRow) -> Result<Arc<Vec<Row>>, Refusal> {
        let (uid_validity, modseq, uid_next) = (folder.uid_validity, folder.modseq, folder.uid_next);
        let last = self.engine.looks.last(self.mailbox, number);
        let last = last.filter(|look| look.uid_validity == uid_validity && look.is_near(modseq));
        let rows = match last {
            Some(look) if look.modseq == modseq => return Ok(look.rows),
            Some(look) => self.caught_up(number, folder, look)?,
            None => None,
        };
        let rows = match rows {
            Some(rows) => rows,
            None => Arc::new(self.rows(number, folder, 0)?),
        };
        let look = Look { uid_validity, modseq, uid_next, rows: Arc::clone(&rows) };
        self.engine.looks.keep(self.mailbox, number, look);
        Ok(rows)
    }

    /// The rows of a look, with what changed since; `None` when that is not known, or too much.
    fn caught_up(&self, number: u32, folder: &FolderRow, look: Look) -> Result<Option<Arc<Vec<Row>>>, Refusal> {
        let Some(mut changes) = self.changes(number, look.modseq)? else { return Ok(None) };
        if !look.is_little(changes.changed.len() as u64) {
            return Ok(None);
        }
        let (mut rows, mut words) = (look.rows, Words::default());
        let now = Arc::make_mut(&mut rows);
        // What came later than the look is read again: it may have been half of it.
        now.truncate(now.partition_point(|row| row.uid < look.uid_next));
        for uid in changes.changed.into_iter().filter(|uid| *uid < look.uid_next) {
            match (self.entry(number, uid)?, now.binary_search_by_key(&uid, |row| row.uid)) {
                (Some(entry), Ok(at)) => now[at] = seen(folder, (uid, entry), &mut words),
                (Some(entry), Err(at)) => now.insert(at, seen(folder, (uid, entry), &mut words)),
                (None, _) => changes.gone.push(uid),
            }
        }
        changes.gone.sort_unstable();
        now.retain(|row| changes.gone.binary_search(&row.uid).is_err());
        now.extend(self.rows(number, folder, look.uid_next)?);
        Ok(Some(rows))
    }
}

/// The row of an entry that was read after its folder's row. What happened in between is told again by the next look, and
/// what went only then: no client must think that it knows so much already.
pub(super) fn seen(folder: &FolderRow, (uid, entry): (u32, EntryRow), words: &mut Words) -> Row {
    row((uid, EntryRow { modseq: entry.modseq.min(folder.modseq), ..entry }), words)
}

/// The row of an entry.
pub(super) fn row((uid, entry): (u32, EntryRow), words: &mut Words) -> Row {
    let keywords = entry.keywords.into_iter().map(|word| words.shared(word));
    Row {
        uid,
        flags: Flags::from_parts(entry.flags, keywords),
        date: Timestamp::from_millis(entry.date),
        size: entry.size,
        modseq: entry.modseq,
        saved: Timestamp::from_millis(entry.saved),
        email: entry.msg,
    }
}
