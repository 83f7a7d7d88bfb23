//! What holders of mailboxes prove themselves with, and where they are reached.

use sigillo_accounts::{Contact, PasswordHash};
use sigillo_store::{Error, KeyReader, Store, tag};

use super::Remedy;
use super::judge::Judge;
use crate::rows::{credential_key, decode};
use crate::{credentials, factors, resets};

impl<S: Store> Judge<'_, '_, S> {
    pub(super) fn of_holder(&mut self) -> Result<(), Error> {
        let (id, name) = match self.key.first().copied() {
            Some(tag::FORMER_PASSWORD) => {
                decode::<Vec<PasswordHash>>(self.key, self.value)?;
                credentials::read_key(self.key)?
            }
            Some(tag::SECOND_FACTOR) => factors::read(self.key, self.value)?,
            Some(tag::RESET) => return self.of_mailbox(resets::read(self.key, self.value)?, Remedy::SetAside),
            _ => {
                let id = KeyReader::new(self.key, tag::CONTACT)?.mailbox()?;
                decode::<Contact>(self.key, self.value)?;
                return self.of_mailbox(id, Remedy::SetAside);
            }
        };
        self.refers(credential_key(id, &name), "la credenziale non c'è", Remedy::SetAside)
    }
}
