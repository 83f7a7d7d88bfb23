//! Names that stay subscribed without a folder: a subscription is its name's, and goes neither with the folder that had the
//! name nor along to another (RFC 3501 §6.3.6, RFC 9051 §6.3.7). That of a folder stands in the folder's row.

use sigillo_base::MailboxId;
use sigillo_store::{Error, KeyBuilder, KeyReader, Store, Transaction, tag};

use crate::Engine;
use crate::folders::MAX_FOLDERS;
use crate::rows::{decode, encode};

/// Such names of one mailbox; what is subscribed beyond goes with its folder.
const MOST: usize = MAX_FOLDERS;

fn row_key(mailbox: MailboxId, name: &str) -> KeyBuilder {
    KeyBuilder::new(tag::SUBSCRIBED).mailbox(mailbox).text(name)
}

/// Whose row it is, and the name.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(MailboxId, String), Error> {
    let mut reader = KeyReader::new(key, tag::SUBSCRIBED)?;
    let (mailbox, name) = (reader.mailbox()?, reader.text()?);
    reader.end()?;
    decode::<()>(key, value)?;
    Ok((mailbox, name))
}

/// A subscribed folder loses this name in this commit.
pub(crate) fn keep<S: Store>(tx: &mut Transaction<'_, S>, mailbox: MailboxId, name: &str) -> Result<(), Error> {
    let (from, to) = KeyBuilder::new(tag::SUBSCRIBED).mailbox(mailbox).range();
    if tx.scan(&from, &to, MOST)?.len() < MOST {
        tx.put(row_key(mailbox, name), encode(&()));
    }
    Ok(())
}

/// A folder gets this name in this commit, or it is subscribed no more; gives whether it was.
pub(crate) fn take<S: Store>(tx: &mut Transaction<'_, S>, mailbox: MailboxId, name: &str) -> Result<bool, Error> {
    let key = row_key(mailbox, name);
    let was = tx.get(&key)?.is_some();
    if was {
        tx.delete(key);
    }
    Ok(was)
}

impl<S: Store> Engine<S> {
    /// The names of a mailbox that are subscribed and have no folder.
    pub(crate) fn subscriptions(&self, mailbox: MailboxId) -> Result<Vec<String>, Error> {
        let (from, to) = KeyBuilder::new(tag::SUBSCRIBED).mailbox(mailbox).range();
        self.sound(&from, &to, MOST, |key, value| Ok(read(key, value)?.1))
    }
}
