//! What each person may do in the folders of a mailbox (BOX-08, RFC 4314). The owner may do everything, always; every other
//! credential has rights for the whole mailbox, and others for single folders where they were given.

use sigillo_accounts::CredentialName;
use sigillo_base::{MailboxId, said};
use sigillo_imap::{FolderRights, RightsChange};
use sigillo_store::{KeyBuilder, KeyReader, Store, Transaction, tag, transact};

use crate::folders::{All, MAX_FOLDERS, number_of};
use crate::rows::{FolderRow, credential_key, decode, encode};
use crate::{ATTEMPTS, Engine, Error};

/// In the place of a folder's number: every folder that has no rights of its own, and the top of the tree.
pub(crate) const EVERYWHERE: u32 = 0;
/// Rows read at once.
const PAGE: usize = 1_000;

/// Somebody's rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose.
    pub person: CredentialName,
    /// In which folder; `None` in every folder that is not named.
    pub folder: Option<String>,
    /// Which.
    pub rights: FolderRights,
}

/// What a credential may do where nobody said otherwise: everything but giving rights.
fn unless_said() -> FolderRights {
    FolderRights::ALL.without(FolderRights::ADMINISTER)
}

impl<S: Store> Engine<S> {
    /// Everybody's rights in a mailbox but the owner's: first those for the whole of it, then those for single folders.
    ///
    /// # Errors
    /// The store's fault.
    pub fn grants(&self, id: MailboxId) -> Result<Vec<Grant>, Error> {
        let (from, to) = KeyBuilder::new(tag::FOLDER).mailbox(id).range();
        let name = |key: &[u8], value: &[u8]| Ok((number_of(key)?, decode::<FolderRow>(key, value)?.name));
        let folders = self.sound(&from, &to, MAX_FOLDERS, name)?;
        let mut grants = Vec::new();
        for person in self.persons(id)? {
            grants.push(Grant { rights: granted(self, id, EVERYWHERE, &person)?, folder: None, person });
        }
        for (number, name) in folders {
            for (person, rights) in said(self, id, number)? {
                grants.push(Grant { person, folder: Some(name.clone()), rights });
            }
        }
        Ok(grants)
    }

    /// Changes somebody's rights, in one folder or where no folder has its own; gives them. They hold from his next command.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such person or folder, or it is the owner, who keeps all rights.
    pub fn grant(
        &self,
        id: MailboxId,
        folder: Option<&str>,
        person: &CredentialName,
        change: RightsChange,
    ) -> Result<FolderRights, Error> {
        if person.is_owner() {
            return Err(Error::Invalid(said!(
                "il titolare ha sempre tutti i diritti",
                "the owner always has all rights"
            )));
        }
        let rights = transact(&self.store, ATTEMPTS, |tx| {
            let missing = || {
                Error::Invalid(said!(
                    "la casella non ha una credenziale «{person}» in uso",
                    "the mailbox has no credential “{person}” in use"
                ))
            };
            let key = credential_key(id, person);
            let row: sigillo_accounts::Credential = decode(&key, &tx.get(&key)?.ok_or_else(missing)?)?;
            if row.revoked.is_some() {
                return Err(missing());
            }
            let number = match folder {
                None => EVERYWHERE,
                Some(name) => {
                    let all = All::read(tx, id)?;
                    let found = all.find(name).map(|(number, _)| *number);
                    found.ok_or_else(|| {
                        Error::Invalid(said!(
                            "la casella non ha una cartella «{name}»",
                            "the mailbox has no folder “{name}”"
                        ))
                    })?
                }
            };
            let rights = change.of(granted(self, id, number, person)?);
            tx.put(key_of(id, number, person), encode(&rights.bits()));
            Ok::<_, Error>(rights)
        })?;
        self.bell.mailbox_changed(id); // who listens to folders hears what he may see now
        Ok(rights)
    }

    /// The credentials of a mailbox that can have rights: those in use, without the owner's.
    pub(crate) fn persons(&self, id: MailboxId) -> Result<Vec<CredentialName>, Error> {
        let all = self.credentials(id)?.into_iter();
        Ok(all.filter(|c| !c.name.is_owner() && c.credential.revoked.is_none()).map(|c| c.name).collect())
    }
}

/// What a person may do in a folder: what was said of it, or else of the whole mailbox.
pub(crate) fn granted<S: Store>(
    engine: &Engine<S>,
    id: MailboxId,
    folder: u32,
    person: &CredentialName,
) -> Result<FolderRights, Error> {
    if person.is_owner() {
        return Ok(FolderRights::ALL);
    }
    for number in if folder == EVERYWHERE { vec![EVERYWHERE] } else { vec![folder, EVERYWHERE] } {
        let key = key_of(id, number, person);
        if let Some(value) = engine.store.get(key.as_ref())? {
            return Ok(FolderRights::from_bits(decode(&key, &value)?));
        }
    }
    Ok(unless_said())
}

/// The rights that were given in one folder.
fn said<S: Store>(
    engine: &Engine<S>,
    id: MailboxId,
    folder: u32,
) -> Result<Vec<(CredentialName, FolderRights)>, Error> {
    let (from, to) = of_folder(id, folder).range();
    Ok(engine.sound(&from, &to, PAGE, read)?)
}

/// A folder begins with the rights of the one that it was made in.
pub(crate) fn inherit<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: MailboxId,
    above: u32,
    made: u32,
) -> Result<(), sigillo_store::Error> {
    if above == EVERYWHERE {
        return Ok(());
    }
    let (from, to) = of_folder(id, above).range();
    for (key, value) in tx.scan(&from, &to, PAGE)? {
        let (person, _) = read(&key, &value)?;
        tx.put(key_of(id, made, &person), value);
    }
    Ok(())
}

/// The rights in one folder.
pub(crate) fn of_folder(id: MailboxId, folder: u32) -> KeyBuilder {
    KeyBuilder::new(tag::GRANT).mailbox(id).u32(folder)
}

fn key_of(id: MailboxId, folder: u32, person: &CredentialName) -> KeyBuilder {
    of_folder(id, folder).text(person.as_str())
}

fn read(key: &[u8], value: &[u8]) -> Result<(CredentialName, FolderRights), sigillo_store::Error> {
    Ok((read_key(key)?.2, FolderRights::from_bits(decode(key, value)?)))
}

/// The mailbox, the folder and the person in such a key.
pub(crate) fn read_key(key: &[u8]) -> Result<(MailboxId, u32, CredentialName), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::GRANT)?;
    let (mailbox, folder, name) = (reader.mailbox()?, reader.u32()?, reader.text()?);
    reader.end()?;
    let name = CredentialName::parse(&name).map_err(|e| sigillo_store::Error::corrupt(key, e.to_string()))?;
    Ok((mailbox, folder, name))
}
