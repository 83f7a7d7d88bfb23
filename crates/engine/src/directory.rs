//! Mailboxes: making and finding them.

use sigillo_accounts::{Choice, Credential, CredentialName, Done, Mailbox, OrdinaryMail, Request, State, Verifier};
use sigillo_base::{Address, MailboxId, Timestamp, UnitId, said};
use sigillo_store::{KeyBuilder, Store, Transaction, tag, transact};

use crate::fronts::Transaction as Own;
use crate::plans::Counted;
use crate::rows::{FolderRow, address_key, credential_key, decode, encode, folder_key, list_key, mailbox_key};
use crate::tenants::put_unit;
use crate::{ATTEMPTS, Engine, Error, credentials, profiles};

/// The folder that every mailbox has from the beginning.
pub(crate) const INBOX: u32 = 1;
/// Folders made with the mailbox: number, name, special use (RFC 6154).
pub(crate) const FOLDERS: [(u32, &str, Option<&str>); 4] =
    [(INBOX, "INBOX", None), (2, "Inviata", Some("sent")), (3, "Bozze", Some("drafts")), (4, "Cestino", Some("trash"))];

/// A mailbox to be made.
pub(crate) struct New {
    pub address: Address,
    pub unit: Option<UnitId>,
    pub profile: Choice,
    /// The owner's credential.
    pub owner: Credential,
}

/// The address of a mailbox.
pub(crate) fn address_of(row: &Mailbox) -> Result<Address, Error> {
    Address::parse(&row.address).map_err(|_| Error::Invalid(said!("indirizzo illeggibile", "unreadable address")))
}

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
        self.add_mailbox_to(None, address, profile, password, &Request::own(now))
    }

    /// The same in a unit of the administration that the domain belongs to, on somebody's request.
    ///
    /// # Errors
    /// The same; and when the domain's administration has no such unit, or its plan leaves no room.
    pub fn add_mailbox_to(
        &self,
        unit: Option<UnitId>,
        address: &Address,
        profile: impl Into<Choice>,
        password: impl Into<Verifier>,
        request: &Request,
    ) -> Result<MailboxId, Error> {
        let owner = credentials::owner(password.into(), request.done);
        let new = New { address: address.clone(), unit, profile: profile.into(), owner };
        transact(&self.store, ATTEMPTS, |tx| self.add_in(tx, &new, request))
    }

    /// The same in a transaction; where it fails it wrote nothing.
    pub(crate) fn add_in(&self, tx: &mut Own<'_, S>, new: &New, request: &Request) -> Result<MailboxId, Error> {
        let (New { address, profile, .. }, now) = (new, request.now());
        if !self.is_local(address.domain()) {
            return Err(Error::Invalid(said!(
                "il dominio {} non è servito da questo gestore",
                "the domain {} is not served by this provider",
                address.domain()
            )));
        }
        let key = address_key(address);
        if let Some(value) = tx.get(&key)? {
            let key = mailbox_key(MailboxId(decode(&key, &value)?));
            let there: Option<Mailbox> = tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?;
            let Some(Mailbox { state: State::Cancelled(cancelled), .. }) = there else {
                return Err(Error::Invalid(said!(
                    "la casella {address} esiste già",
                    "mailbox {address} exists already"
                )));
            };
            let until = Timestamp::from_millis(cancelled.until);
            return Err(Error::Invalid(said!(
                "la casella {address} è cancellata, e fino a {until} la si può solo riavere: `sigillo mailbox undelete`",
                "mailbox {address} is cancelled, and until {until} it can only be called back: `sigillo mailbox undelete`"
            )));
        }
        if tx.get(list_key(address))?.is_some() {
            return Err(Error::Invalid(said!(
                "{address} è già una lista di distribuzione",
                "{address} is a distribution list already"
            )));
        }
        let unit = new.unit.map(|unit| self.own_unit(tx, address.domain(), unit)).transpose()?;
        let counter = KeyBuilder::new(tag::COUNTER).text("mailbox");
        let id = match tx.get(&counter)? {
            Some(value) => decode::<u64>(&counter, &value)? + 1,
            None => 1,
        };
        let row = Mailbox {
            id,
            address: address.as_str().into(),
            profile: profile.clone(),
            state: State::Active,
            created: now.as_millis(),
            ordinary: OrdinaryMail::default(),
            without: Vec::new(),
        };
        let id = MailboxId(id);
        self.recount(tx, (id, now), None, Counted::of(&row, unit).as_ref())?;
        tx.put(&counter, encode(&id.0));
        tx.put(mailbox_key(id), encode(&row));
        profiles::began(tx, &row, now);
        tx.put(address_key(address), encode(&id.0));
        let owner = Credential { must_change: self.given_to_be_changed(&new.owner), ..new.owner.clone() };
        tx.put(credential_key(id, &CredentialName::owner()), encode(&owner));
        add_folders(tx, id, now);
        put_unit(tx, id, unit);
        self.record(tx, &row, unit, Done::MailboxCreate, row.profile.name().to_owned(), request)?;
        Ok(id)
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
