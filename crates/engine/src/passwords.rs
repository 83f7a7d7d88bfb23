//! Passwords by the provider's policy: how a new one is taken, which a credential had before, and how its user changes it
//! himself (PWD-02).
//!
//! Former passwords are kept as the hashes that they were, so that a stolen store tells no more of them than of the present one.

use sigillo_accounts::{Contact, Credential, CredentialName, Kind, PasswordHash, Request, Unfit, Verifier};
use sigillo_base::{Address, MailboxId, Phone, Secret, Tell, Timestamp, said};
use sigillo_pec::log::{ProofEvent, ServiceEvent};
use sigillo_store::{KeyBuilder, Store, tag, transact};

use crate::contacts::contact_in;
use crate::credentials::{give, verifier};
use crate::fronts::Transaction;
use crate::rows::{credential_key, decode, encode};
use crate::{ATTEMPTS, Engine, Error, Login, LoginError};

const DAY_MS: i64 = 24 * 3_600_000;

fn former_key(id: MailboxId, name: &CredentialName) -> KeyBuilder {
    KeyBuilder::new(tag::FORMER_PASSWORD).mailbox(id).text(name.as_str())
}

/// How a user came to set his own password: what the legal log says of it.
pub(crate) struct Setting<'a> {
    /// What happened.
    pub what: ProofEvent,
    /// Who he is, for the log.
    pub address: &'a Address,
    /// From where.
    pub by: &'a str,
    /// When the credential got the secret that was proven; whoever came between comes first.
    pub over: i64,
}

impl<S: Store> Engine<S> {
    /// What is kept of a password that somebody chose for this mailbox; give 32 fresh random bytes. Costs two slow hashes.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the policy does not take it: see [`Unfit`].
    pub fn chosen(&self, address: &Address, password: &Secret, salt: [u8; 32]) -> Result<Verifier, Error> {
        self.rules.passwords.check(password, address).map_err(|e| Error::Invalid(e.said()))?;
        let made = verifier(password, salt).map_err(|e| Error::Invalid(e.said()))?;
        if made.scram.is_none() {
            return Err(Error::Invalid(Unfit::Unsayable.said()));
        }
        Ok(made)
    }

    /// Who proves himself by his password, for what he does with it: also when it is to be changed, or no longer good.
    ///
    /// # Errors
    /// See [`LoginError`]; `Rights` for an application, whose secret is not its own to change.
    pub fn prove_own(&self, user: &str, password: &Secret, now: Timestamp) -> Result<Login, LoginError> {
        // Whose password is in a directory changes it there; what is kept here of former times proves nothing.
        if self.kept_elsewhere(user).is_some() {
            return Err(LoginError::Rights);
        }
        let (mailbox, name, credential) = self.whose(user, password)?;
        if credential.kind == Kind::Application {
            return Err(LoginError::Rights);
        }
        self.as_holder(mailbox, name, &credential, now)
    }

    /// Gives who has proven himself another password of his own choice; his sessions end at their next command. `by` is
    /// from where, for the legal log; give 32 fresh random bytes.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the policy does not take it, he had it before, or the password changed meanwhile.
    pub fn change_own(
        &self,
        login: &Login,
        password: &Secret,
        salt: [u8; 32],
        by: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let over = login.by.as_ref().map(|proven| proven.changed).unwrap_or_default();
        let setting = Setting { what: ProofEvent::Changed, address: &login.address, by, over };
        self.set_own((login.mailbox, &login.credential()), password, salt, &setting, now)
    }

    /// The same, for whoever has proven himself otherwise.
    pub(crate) fn set_own(
        &self,
        (id, name): (MailboxId, &CredentialName),
        password: &Secret,
        salt: [u8; 32],
        setting: &Setting<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.is_ours_to_give(id, name)?;
        let new = self.chosen(setting.address, password, salt)?;
        self.not_had(id, name, password)?;
        let age = self.rules.passwords.max_age_days;
        transact(&self.store, ATTEMPTS, |tx| {
            let key = credential_key(id, name);
            let meanwhile = || {
                Error::Invalid(said!(
                    "la password è stata cambiata nel frattempo: ripetere con quella nuova",
                    "the password was changed meanwhile: try again with the new one"
                ))
            };
            let mut row: Credential = decode(&key, &tx.get(&key)?.ok_or_else(meanwhile)?)?;
            if row.revoked.is_some() || row.changed != setting.over {
                return Err(meanwhile());
            }
            let had = row.verifier.hash.clone();
            give(&mut row, &new, now);
            row.expires = age.map(|days| now.as_millis().saturating_add(i64::from(days) * DAY_MS));
            self.remember(tx, (id, name), &had, &row)?;
            tx.put(&key, encode(&row));
            let (address, credential) = (setting.address.as_str().to_owned(), name.as_str().to_owned());
            let event = ServiceEvent::Proof { what: setting.what, address, credential, by: setting.by.to_owned() };
            self.log_event(tx, event, now);
            // Whoever could not say the old one may not be the holder: he hears of it, wherever he is reached.
            if setting.what == ProofEvent::Recovered {
                let what = format!("la password di {} è stata impostata di nuovo.", setting.address);
                self.tell_holder(tx, id, &what, now)?;
            }
            Ok::<_, Error>(())
        })?;
        self.bell.mailbox_changed(id);
        Ok(())
    }

    /// Gives a mailbox's owner a password that somebody else chose for him, and says by which number he is reached, if it is
    /// told, in one commit (PWD-03). A trial changes nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such mailbox.
    pub fn give_password(
        &self,
        (id, of): (MailboxId, &Address),
        password: &Verifier,
        phone: Option<&Phone>,
        trial: bool,
        request: &Request,
    ) -> Result<(), Error> {
        self.is_ours_to_give(id, &CredentialName::owner())?;
        let (by, now) = (&request.confirmed_by, request.now());
        let give = |tx: &mut Transaction<'_, S>| {
            self.change_credential_in(tx, id, &CredentialName::owner(), |row| {
                give(row, password, now);
                row.must_change = self.given_to_be_changed(row);
            })?;
            let (address, credential) = (of.as_str().to_owned(), String::new());
            let event = ServiceEvent::Proof { what: ProofEvent::Given, address, credential, by: by.clone() };
            self.log_event(tx, event, now);
            self.record_password(tx, id, "data da un file", request)?;
            let Some(phone) = phone else { return Ok(()) };
            let contact = Contact { phone: Some(phone.clone()), ..contact_in(tx, id)? };
            self.set_contact_in(tx, (id, of), &contact, by, now)
        };
        if trial {
            return give(&mut Transaction::new(&self.store));
        }
        transact(&self.store, ATTEMPTS, give)?;
        self.bell.mailbox_changed(id);
        Ok(())
    }

    /// Refuses a password that the credential has, or had not long ago. Costs a slow hash for each.
    fn not_had(&self, id: MailboxId, name: &CredentialName, password: &Secret) -> Result<(), Error> {
        let history = self.rules.passwords.history;
        if history == 0 {
            return Ok(());
        }
        let key = former_key(id, name);
        let former: Vec<PasswordHash> = match self.store.get(key.as_ref())? {
            Some(value) => decode(&key, &value)?,
            None => Vec::new(),
        };
        let present = self.credential(id, name)?.map(|row| row.verifier.hash);
        if present.iter().chain(former.iter().take(history - 1)).any(|hash| hash.verify(password)) {
            return Err(Error::Invalid(Unfit::Former(history).said()));
        }
        Ok(())
    }

    /// Puts what a credential's secret was among its former ones, where it has another now.
    pub(crate) fn remember(
        &self,
        tx: &mut Transaction<'_, S>,
        (id, name): (MailboxId, &CredentialName),
        had: &PasswordHash,
        row: &Credential,
    ) -> Result<(), Error> {
        let history = self.rules.passwords.history;
        if row.verifier.hash == *had || history < 2 {
            return Ok(());
        }
        let key = former_key(id, name);
        let mut former: Vec<PasswordHash> =
            tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?.unwrap_or_default();
        former.insert(0, had.clone());
        former.truncate(history - 1);
        tx.put(&key, encode(&former));
        Ok(())
    }

    /// Whether a secret that somebody else has given is to be changed first. A program cannot; and who brings his password
    /// along as a hash knows it alone (PWD-06): that has no SCRAM keys before he says it.
    pub(crate) fn given_to_be_changed(&self, row: &Credential) -> bool {
        self.rules.passwords.first_change && row.kind != Kind::Application && row.verifier.scram.is_some()
    }
}
