//! What folders held when they were looked at last: who opens a big one reads what changed since, and shares the rest with
//! whoever has it open.
//!
//! Rows change in commits that move the folder's mod-sequence and write it into the folder's log, so a look from before
//! becomes one of now by the log alone. What somebody may see is asked elsewhere: a look is the same for everybody.

use std::fmt;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sigillo_base::MailboxId;
use sigillo_imap::Row;

/// Octets that are kept of all folders together: some 700,000 messages.
const MOST: u64 = 64 << 20;
/// Folders that there is room for at first.
const FOLDERS: usize = 1_000;

/// A folder as it was looked at.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub uid_validity: u32,
    /// All that happened up to here is in the rows; some of what happened later may be.
    pub modseq: u64,
    /// Above the UIDs that had been given when everything up to `modseq` had happened.
    pub uid_next: u32,
    /// By ascending UID.
    pub rows: Arc<Vec<Row>>,
}

/// The looks at folders that were opened last, by mailbox and number.
pub(crate) struct Looks(Cache<(MailboxId, u32), Look, Octets>);

#[derive(Clone)]
struct Octets;

impl Weighter<(MailboxId, u32), Look> for Octets {
    fn weight(&self, _: &(MailboxId, u32), look: &Look) -> u64 {
        let keywords = look.rows.iter().flat_map(|row| row.flags.keywords()).count();
        (size_of::<Look>() + look.rows.len() * size_of::<Row>() + keywords * size_of::<Arc<str>>()) as u64
    }
}

impl Looks {
    pub(crate) fn last(&self, mailbox: MailboxId, folder: u32) -> Option<Look> {
        self.0.get(&(mailbox, folder))
    }

    pub(crate) fn keep(&self, mailbox: MailboxId, folder: u32, look: Look) {
        self.0.insert((mailbox, folder), look);
    }
}

impl Default for Looks {
    fn default() -> Self {
        Self(Cache::with_weighter(FOLDERS, MOST, Octets))
    }
}

impl fmt::Debug for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "looks at {} folders", self.0.len())
    }
}

impl Look {
    /// Whether the folder's log, from here to a mod-sequence, is worth reading: a folder that changed everywhere is read
    /// faster than its changes.
    pub(crate) fn is_near(&self, modseq: u64) -> bool {
        modseq.checked_sub(self.modseq).is_some_and(|commits| self.is_little(commits))
    }

    /// Whether so many changes are few for this folder.
    pub(crate) fn is_little(&self, changes: u64) -> bool {
        changes <= 16 + self.rows.len() as u64 / 8
    }
}
