//! All folders of a mailbox at once: their names, and the numbers that none of them is given twice.

use sigillo_base::{MailboxId, Timestamp};
use sigillo_store::{Error, KeyBuilder, KeyReader, Store, Transaction, skim, tag, transact};

use crate::ATTEMPTS;
use crate::directory::INBOX;
use crate::rows::{FolderNumbers, FolderRow, decode, encode, folder_key, folder_numbers_key};

/// Folders of one mailbox; CREATE refuses more.
pub(crate) const MAX_FOLDERS: usize = 1000;
/// Mailboxes read at once.
const PAGE: usize = 1000;

/// Every folder of a mailbox, and the numbers that the last one took.
pub(crate) struct All {
    pub folders: Vec<(u32, FolderRow)>,
    pub last: FolderNumbers,
}

impl All {
    /// Whoever makes or renames a folder meanwhile makes this commit fail.
    pub(crate) fn read<S: Store>(tx: &mut Transaction<'_, S>, mailbox: MailboxId) -> Result<Self, Error> {
        let (from, to) = KeyBuilder::new(tag::FOLDER).mailbox(mailbox).range();
        let mut folders: Vec<(u32, FolderRow)> = Vec::new();
        for (key, _) in tx.scan(&from, &to, MAX_FOLDERS)? {
            let Some(value) = tx.get(&key)? else { continue };
            folders.push((number_of(&key)?, decode(&key, &value)?));
        }
        let key = folder_numbers_key(mailbox);
        let last = match tx.get(&key)? {
            Some(value) => decode(&key, &value)?,
            None => FolderNumbers {
                folder: folders.iter().map(|(number, _)| *number).max().unwrap_or(INBOX),
                uid_validity: folders.iter().map(|(_, f)| f.uid_validity).max().unwrap_or(0),
            },
        };
        Ok(Self { folders, last })
    }

    pub(crate) fn find(&self, name: &str) -> Option<&(u32, FolderRow)> {
        self.folders.iter().find(|(_, f)| f.name == name)
    }
}

/// The number in the key of a folder's row.
pub(crate) fn number_of(key: &[u8]) -> Result<u32, Error> {
    let mut reader = KeyReader::new(key, tag::FOLDER)?;
    reader.mailbox()?;
    reader.u32()
}

/// For a store that was brought back from a backup: what was numbered since then is not known any more, and would be
/// numbered again. Each folder gets a UIDVALIDITY that it never had, so that clients read it anew (RFC 3501 §2.3.1.1).
///
/// # Errors
/// The store's fault.
pub fn renumber_folders<S: Store>(store: &S, now: Timestamp) -> Result<(), crate::Error> {
    let second = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
    let (mut from, to) = KeyBuilder::new(tag::MAILBOX).range();
    loop {
        let page = skim(store, &from, &to, PAGE)?;
        for (key, _) in &page.rows {
            let mailbox = KeyReader::new(key, tag::MAILBOX)?.mailbox()?;
            transact(store, ATTEMPTS, |tx| {
                let All { folders, mut last } = All::read(tx, mailbox)?;
                for (number, row) in folders {
                    last.uid_validity = last.uid_validity.saturating_add(1).max(second);
                    let row = FolderRow { uid_validity: last.uid_validity, ..row };
                    tx.put(folder_key(mailbox, number), encode(&row));
                }
                tx.put(folder_numbers_key(mailbox), encode(&last));
                Ok::<_, crate::Error>(())
            })?;
        }
        match page.next {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}
