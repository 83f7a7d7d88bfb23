//! Mailboxes: making and finding them.

use sigillo_accounts::{Choice, CredentialName, Mailbox, OrdinaryMail, State, Verifier};
use sigillo_base::{Address, MailboxId, Timestamp, UnitId};
use sigillo_store::{KeyBuilder, Store, Transaction, tag, transact};

use crate::rows::{FolderRow, address_key, credential_key, decode, encode, folder_key, list_key, mailbox_key};
use crate::{ATTEMPTS, Engine, Error, credentials, profiles};

/// The folder that every mailbox has from the beginning.
pub(crate) const INBOX: u32 = 1;
/// Capabilities that one mailbox can be without.
const MAX_WITHOUT: usize = 50;
/// Folders made with the mailbox: number, name, special use (RFC 6154).
pub(crate) const FOLDERS: [(u32, &str, Option<&str>); 4] =
    [(INBOX, "INBOX", None), (2, "Inviata", Some("sent")), (3, "Bozze", Some("drafts")), (4, "Cestino", Some("trash"))];

impl<S: Store> Engine<S> {
    /// Makes a mailbox in one of our domains.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the domain is not ours or the address is taken.
    pub fn add_mailbox(
        &self,
        address: &Address,
        profile: impl Into<Choice>,
        password: impl Into<Verifier>,
        now: Timestamp,
    ) -> Result<MailboxId, Error> {
        self.add_mailbox_to(None, address, profile, password, now)
    }

    /// The same in a unit of the administration that the domain belongs to.
    ///
    /// # Errors
    /// The same; and when the domain's administration has no such unit.
    pub fn add_mailbox_to(
        &self,
        unit: Option<UnitId>,
        address: &Address,
        profile: impl Into<Choice>,
        password: impl Into<Verifier>,
        now: Timestamp,
    ) -> Result<MailboxId, Error> {
        let owner = credentials::owner(password.into(), now.as_millis());
        let profile = profile.into();
        if !self.is_local(address.domain()) {
            return Err(Error::Invalid(format!("il dominio {} non è servito da questo gestore", address.domain())));
        }
        let counter = KeyBuilder::new(tag::COUNTER).text("mailbox");
        transact(&self.store, ATTEMPTS, |tx| {
            if tx.get(address_key(address))?.is_some() {
                return Err(Error::Invalid(format!("la casella {address} esiste già")));
            }
            if tx.get(list_key(address))?.is_some() {
                return Err(Error::Invalid(format!("{address} è già una lista di distribuzione")));
            }
            let id = match tx.get(&counter)? {
                Some(value) => decode::<u64>(&counter, &value)? + 1,
                None => 1,
            };
            tx.put(&counter, encode(&id));
            let row = Mailbox {
                id,
                address: address.as_str().into(),
                profile: profile.clone(),
                state: State::Active,
                created: now.as_millis(),
                ordinary: OrdinaryMail::default(),
                without: Vec::new(),
            };
            tx.put(mailbox_key(MailboxId(id)), encode(&row));
            profiles::began(tx, &row, now);
            tx.put(address_key(address), encode(&id));
            tx.put(credential_key(MailboxId(id), &CredentialName::owner()), encode(&owner));
            add_folders(tx, MailboxId(id), now);
            if let Some(unit) = unit {
                self.put_unit(tx, MailboxId(id), address.domain(), unit)?;
            }
            Ok(MailboxId(id))
        })
    }

    /// The mailbox of an address, if there is one.
    ///
    /// # Errors
    /// The store's fault.
    pub fn find_mailbox(&self, address: &Address) -> Result<Option<Mailbox>, Error> {
        let key = address_key(address);
        match self.store.get(key.as_ref())? {
            Some(value) => self.mailbox(MailboxId(decode(&key, &value)?)),
            None => Ok(None),
        }
    }

    /// A mailbox by its number.
    ///
    /// # Errors
    /// The store's fault.
    pub fn mailbox(&self, id: MailboxId) -> Result<Option<Mailbox>, Error> {
        let key = mailbox_key(id);
        self.store.get(key.as_ref())?.map(|value| decode(&key, &value)).transpose().map_err(Error::from)
    }

    /// At most `limit` mailboxes after this number, in the order they were made.
    ///
    /// # Errors
    /// The store's fault.
    pub fn mailboxes(&self, after: MailboxId, limit: usize) -> Result<Vec<Mailbox>, Error> {
        let from = mailbox_key(MailboxId(after.0.saturating_add(1)));
        let (_, to) = KeyBuilder::new(tag::MAILBOX).range();
        Ok(self.sound(from.as_ref(), &to, limit, |key, value| decode(key, value))?)
    }

    /// Gives a mailbox's owner another password; his sessions end at their next command.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such mailbox.
    pub fn set_password(&self, id: MailboxId, password: impl Into<Verifier>, now: Timestamp) -> Result<(), Error> {
        self.set_secret(id, &CredentialName::owner(), &password.into(), now)
    }

    /// Blocks or unblocks a mailbox.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such mailbox.
    pub fn set_state(&self, id: MailboxId, state: &State) -> Result<(), Error> {
        self.change_mailbox(id, |row| row.state = state.clone())?;
        self.bell.mailbox_changed(id); // who waits for mail wakes, and hears that he is out
        Ok(())
    }

    /// Chooses the capabilities that clients of a mailbox are not offered, from their next login on.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such mailbox, or a word can be none.
    pub fn set_without(&self, id: MailboxId, capabilities: &[String]) -> Result<(), Error> {
        let mut without: Vec<String> = capabilities.iter().map(|word| word.to_ascii_uppercase()).collect();
        without.sort_unstable();
        without.dedup();
        let fine = |word: &String| (1..=64).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_graphic());
        if without.len() > MAX_WITHOUT || !without.iter().all(fine) {
            return Err(Error::Invalid(format!("non più di {MAX_WITHOUT} capacità, ognuna una parola")));
        }
        self.change_mailbox(id, |row| row.without = without.clone())
    }

    /// Chooses what a mailbox does with ordinary mail.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such mailbox.
    pub fn set_ordinary_mail(&self, id: MailboxId, ordinary: OrdinaryMail) -> Result<(), Error> {
        self.change_mailbox(id, |row| row.ordinary = ordinary)
    }

    fn change_mailbox(&self, id: MailboxId, change: impl Fn(&mut Mailbox)) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            let key = mailbox_key(id);
            let value = tx.get(&key)?.ok_or_else(|| Error::Invalid("la casella non esiste".into()))?;
            let mut row: Mailbox = decode(&key, &value)?;
            change(&mut row);
            tx.put(&key, encode(&row));
            Ok(())
        })
    }
}

fn add_folders<S: Store>(tx: &mut Transaction<'_, S>, id: MailboxId, now: Timestamp) {
    // UIDVALIDITY: the second of creation; greater for a mailbox made again later (RFC 9051 §2.3.1.1).
    let uid_validity = u32::try_from(now.as_secs()).unwrap_or(u32::MAX).max(1);
    for (number, name, special) in FOLDERS {
        let special = special.map(Into::into);
        let row = FolderRow { subscribed: true, special, ..FolderRow::new(name, uid_validity) };
        tx.put(folder_key(id, number), encode(&row));
    }
}
