//! Into which folder a mailbox's receipts and notices go: its INBOX, unless another was chosen for it. The folder is meant, not
//! its name: it may be renamed, and when it is deleted they go to the INBOX again. What is certified, and what is in an
//! anomaly envelope, always goes to the INBOX.

use sigillo_accounts::{Done, Mailbox, Profile, Request};
use sigillo_base::{MailboxId, Said, Timestamp, said};
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, Transaction, tag};

use crate::directory::INBOX;
use crate::folders::All;
use crate::rows::{FolderRow, decode, encode, folder_key};
use crate::stored::Place;
use crate::{Engine, Error, fronts};

/// Folders that programs empty by themselves, or that hold what is not sent yet.
const UNFIT: [&str; 3] = ["trash", "junk", "drafts"];

fn row_key(mailbox: MailboxId) -> KeyBuilder {
    KeyBuilder::new(tag::RECEIPTS_FOLDER).mailbox(mailbox)
}

/// Whose row it is, and the folder's number.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(MailboxId, u32), StoreError> {
    let mut reader = KeyReader::new(key, tag::RECEIPTS_FOLDER)?;
    let mailbox = reader.mailbox()?;
    reader.end()?;
    Ok((mailbox, decode(key, value)?))
}

/// Where a receipt goes that comes now, in the commit that brings it.
pub(crate) fn place<S: Store>(
    tx: &mut Transaction<'_, S>,
    mailbox: MailboxId,
    now: Timestamp,
) -> Result<Place, StoreError> {
    Ok(Place { folder: folder(tx, mailbox)?, ..Place::inbox(mailbox, now) })
}

fn folder<S: Store>(tx: &mut Transaction<'_, S>, mailbox: MailboxId) -> Result<u32, StoreError> {
    let key = row_key(mailbox);
    let Some(value) = tx.get(&key)? else { return Ok(INBOX) };
    match decode::<u32>(&key, &value) {
        Ok(number) if tx.get(folder_key(mailbox, number))?.is_some() => Ok(number),
        Ok(_) => Ok(INBOX),
        Err(error) => {
            // No receipt waits for a choice that cannot be read: `store check` tells of it.
            tracing::warn!(%error, mailbox = mailbox.0, "where receipts go cannot be read: the INBOX");
            Ok(INBOX)
        }
    }
}

/// A folder is removed in this commit.
pub(crate) fn removed<S: Store>(
    tx: &mut Transaction<'_, S>,
    mailbox: MailboxId,
    number: u32,
) -> Result<(), StoreError> {
    let key = row_key(mailbox);
    if tx.get(&key)?.is_some_and(|value| decode(&key, &value) == Ok(number)) {
        tx.delete(&key);
    }
    Ok(())
}

impl<S: Store> Engine<S> {
    /// The folder that a mailbox's receipts go into, by the name that it has now.
    ///
    /// # Errors
    /// The store's fault.
    pub fn receipts_folder(&self, id: MailboxId) -> Result<String, Error> {
        // A mailbox for which nothing was chosen, as most: no folder is read.
        if self.store.get(row_key(id).as_ref())?.is_none() {
            return Ok("INBOX".to_owned());
        }
        let mut look = Transaction::new(&self.store);
        let key = folder_key(id, folder(&mut look, id)?);
        let value = look.get(&key)?.ok_or_else(|| StoreError::corrupt(&key, "the folder is missing"))?;
        Ok(decode::<FolderRow>(&key, &value)?.name)
    }

    /// Chooses a folder of a mailbox for its receipts, those that come from now on; `false` when it was chosen already.
    pub(crate) fn change_receipts(
        &self,
        tx: &mut fronts::Transaction<'_, S>,
        row: &Mailbox,
        unit: Option<(u64, u64)>,
        name: &str,
        request: &Request,
    ) -> Result<bool, Error> {
        let invalid = |why: Said| Err(Error::Invalid(why));
        let id = MailboxId(row.id);
        if row.profile.base == Profile::Service {
            return invalid(said!(
                "{} è la casella di servizio: le sue ricevute restano in INBOX",
                "{} is the service mailbox: its receipts stay in INBOX",
                row.address
            ));
        }
        let before = folder(tx, id)?;
        if name.eq_ignore_ascii_case("INBOX") {
            tx.delete(row_key(id));
            return self.filed(tx, row, unit, (before, INBOX), request);
        }
        match All::read(tx, id)?.find(name) {
            None => invalid(said!("la casella non ha la cartella «{name}»", "the mailbox has no folder “{name}”")),
            Some((_, f)) if f.special.as_deref().is_some_and(|special| UNFIT.contains(&special)) => invalid(said!(
                "la cartella «{name}» è il cestino, la posta indesiderata o le bozze",
                "the folder “{name}” is that of trash, junk or drafts"
            )),
            Some((number, _)) => {
                tx.put(row_key(id), encode(number));
                self.filed(tx, row, unit, (before, *number), request)
            }
        }
    }

    /// Writes the record of another choice.
    fn filed(
        &self,
        tx: &mut fronts::Transaction<'_, S>,
        row: &Mailbox,
        unit: Option<(u64, u64)>,
        (before, now): (u32, u32),
        request: &Request,
    ) -> Result<bool, Error> {
        if before == now {
            return Ok(false);
        }
        let mut name = |number| -> Result<String, Error> {
            let key = folder_key(MailboxId(row.id), number);
            let value = tx.get(&key)?.ok_or_else(|| StoreError::corrupt(&key, "the folder is missing"))?;
            Ok(decode::<FolderRow>(&key, &value)?.name)
        };
        let detail = format!("ricevute: {} → {}", name(before)?, name(now)?);
        self.record(tx, row, unit, Done::MailboxChange, detail, request)?;
        Ok(true)
    }
}
