//! Passwords that are not kept here: those of mailboxes whose domain has a directory of its own. The engine names the mailbox,
//! whoever keeps its password says whether it is right, or that nobody can tell now.

use std::sync::Arc;

use sigillo_accounts::{Credential, CredentialName, LoginName};
use sigillo_base::{Address, Domain, MailboxId, Said, Secret, Timestamp, said};
use sigillo_store::Store;

use crate::{Engine, Error, Login, LoginError, NoAnswer};

/// Who keeps passwords for us: a directory, behind the program.
pub trait Passwords: Send + Sync {
    /// Whether those of this domain's mailboxes are kept there.
    fn keeps(&self, domain: &Domain) -> bool;

    /// Whether this is the password of this address. It may block.
    ///
    /// # Errors
    /// [`NoAnswer`] when nobody can tell now: the client is asked to come again, and it counts as no failure of his.
    fn is_password(&self, address: &Address, password: &Secret) -> Result<bool, NoAnswer>;
}

/// Who keeps a password, and whose it is.
pub(crate) type Kept = (Arc<dyn Passwords>, Address);

impl<S: Store> Engine<S> {
    /// Takes who keeps passwords, or nobody: the next login is judged so.
    pub fn replace_passwords(&self, passwords: Option<Arc<dyn Passwords>>) {
        *self.passwords.write() = passwords;
    }

    /// Who keeps the password of this user, if it is not kept here. Credentials with a name are ours wherever the owner's is kept,
    /// and so is the service mailbox: no directory is to lock the provider out of it.
    pub(crate) fn kept_elsewhere(&self, user: &str) -> Option<Kept> {
        let LoginName { address, credential } = LoginName::parse(user)?;
        let passwords = self.passwords.read().clone()?;
        let theirs = credential.is_owner() && address != self.provider.service_address;
        (theirs && passwords.keeps(address.domain())).then_some((passwords, address))
    }

    /// Refuses to give a password that nobody would ask for.
    pub(crate) fn is_ours_to_give(&self, id: MailboxId, name: &CredentialName) -> Result<(), Error> {
        match self.mailbox(id)? {
            Some(row) if name.is_owner() && self.kept_elsewhere(&row.address).is_some() => Err(Error::Invalid(said!(
                "la password di {} è nella directory del suo dominio: si cambia là",
                "the password of {} is in the directory of its domain: it is changed there",
                row.address
            ))),
            _ => Ok(()),
        }
    }

    /// Checks a password that is kept elsewhere. Who has no mailbox is asked about too, so that nobody learns who has one by the time
    /// that a refusal takes, or while the directory is away.
    pub(crate) fn authenticate_elsewhere(
        &self,
        (passwords, address): Kept,
        password: &Secret,
        now: Timestamp,
    ) -> Result<Login, LoginError> {
        // An empty one would be no login but an anonymous bind (RFC 4513 §5.1.2): it reaches nobody.
        let good = !password.expose().is_empty()
            && passwords.is_password(&address, password).map_err(|e| Error::Invalid(Said::verbatim(e.to_string())))?;
        match self.claimed(address.as_str())? {
            // When it is to be changed, and until when it is good, is said there.
            Some((mailbox, name, ours)) if good => {
                self.suffices(mailbox, &name)?;
                self.let_in(mailbox, name, &Credential { must_change: false, expires: None, ..ours }, now)
            }
            _ => Err(LoginError::Credentials),
        }
    }
}
