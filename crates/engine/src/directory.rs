//! Mailboxes: making, finding and opening them.

use sigillo_accounts::{Mailbox, OrdinaryMail, PasswordHash, Profile, State};
use sigillo_base::{Address, MailboxId, Secret, Timestamp};
use sigillo_store::{KeyBuilder, Store, Transaction, tag, transact};

use crate::rows::{FolderRow, address_key, decode, encode, folder_key, list_key, mailbox_key};
use crate::{ATTEMPTS, Engine, Error, Fact};

/// The folder that every mailbox has from the beginning.
pub(crate) const INBOX: u32 = 1;
/// Folders made with the mailbox: number, name, special use (RFC 6154).
pub(crate) const FOLDERS: [(u32, &str, Option<&str>); 4] =
    [(INBOX, "INBOX", None), (2, "Inviata", Some("sent")), (3, "Bozze", Some("drafts")), (4, "Cestino", Some("trash"))];

/// A user who proved who he is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// His mailbox.
    pub mailbox: MailboxId,
    /// The only address he may send from.
    pub address: Address,
}

/// Why a login failed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Unknown user or wrong password; nobody is told which.
    #[error("utente o password non validi")]
    Credentials,
    /// The mailbox is blocked: told only to who knew the password.
    #[error("la casella è bloccata: rivolgersi al proprio gestore")]
    Blocked,
    /// It could not be checked.
    #[error(transparent)]
    Fault(#[from] Error),
}

impl<S: Store> Engine<S> {
    /// Makes a mailbox in one of our domains.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the domain is not ours or the address is taken.
    pub fn add_mailbox(
        &self,
        address: &Address,
        profile: Profile,
        password: PasswordHash,
        now: Timestamp,
    ) -> Result<MailboxId, Error> {
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
                profile,
                state: State::Active,
                password: password.clone(),
                created: now.as_millis(),
                ordinary: OrdinaryMail::default(),
            };
            tx.put(mailbox_key(MailboxId(id)), encode(&row));
            tx.put(address_key(address), encode(&id));
            add_folders(tx, MailboxId(id), now);
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

    /// Gives a mailbox another password; sessions that are open stay open.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such mailbox.
    pub fn set_password(&self, id: MailboxId, password: &PasswordHash) -> Result<(), Error> {
        self.change_mailbox(id, |row| row.password = password.clone())
    }

    /// Blocks or unblocks a mailbox.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such mailbox.
    pub fn set_state(&self, id: MailboxId, state: State) -> Result<(), Error> {
        self.change_mailbox(id, |row| row.state = state)
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
            Ok::<_, Error>(())
        })?;
        self.verified.lock().remove(&id);
        Ok(())
    }

    /// Checks a user's password. Costs tens of milliseconds the first time; a password that was verified since the
    /// start is recognised by a keyed digest.
    ///
    /// # Errors
    /// See [`LoginError`]; an unknown user takes as long as a wrong password.
    pub fn authenticate(&self, user: &str, password: &Secret) -> Result<Login, LoginError> {
        let answer = self.check_login(user, password);
        self.meter.note(Fact::Login((&answer).into()));
        answer
    }

    fn check_login(&self, user: &str, password: &Secret) -> Result<Login, LoginError> {
        let found = match Address::parse(user.trim()) {
            Ok(address) => self.find_mailbox(&address)?.map(|row| (address, row)),
            Err(_) => None,
        };
        let Some((_, row)) = found else {
            PasswordHash::verify_nobody(password);
            return Err(LoginError::Credentials);
        };
        let id = MailboxId(row.id);
        let digest = self.password_digest(password);
        let known = self.verified.lock().get(&id).is_some_and(|d| *d == digest);
        if !known && !row.password.verify(password) {
            return Err(LoginError::Credentials);
        }
        if !row.may_log_in() {
            return Err(LoginError::Blocked);
        }
        self.verified.lock().insert(id, digest);
        let address = Address::parse(&row.address)
            .map_err(|e| Error::Invalid(format!("casella {}: indirizzo illeggibile: {e}", row.id)))?;
        Ok(Login { mailbox: id, address })
    }

    fn password_digest(&self, password: &Secret) -> [u8; 32] {
        let mut hasher = sigillo_smime::Hasher::new();
        hasher.update(&self.boot_key.to_be_bytes());
        hasher.update(password.expose().as_bytes());
        hasher.finish()
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
