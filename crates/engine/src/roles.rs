//! What the roles of all persons come to: whether anybody runs the service (SEC-06), who answers for which mailbox (WEB-12). It
//! is made of every person's row, and asked for with each request and each mailbox that is shown; so it is kept, under the
//! number that every commit draws which changes what somebody may. Who finds that number again knows that nothing changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use sigillo_accounts::{Act, Grant, Role, Scope, Target};
use sigillo_base::{MailboxId, PersonId};
use sigillo_store::{Error as StoreError, KeyBuilder, Store, Transaction, tag};

use crate::persons::MAX_PERSONS;
use crate::rows::decode;
use crate::tenants::draw;
use crate::{Engine, Error};

/// Named by what it counted first.
const COUNTER: &str = "responsible";

/// What the roles came to at one time.
#[derive(Debug, Default)]
pub(crate) struct Roles {
    /// The number that was drawn last.
    number: u64,
    administrated: bool,
    responsible: BTreeMap<MailboxId, Vec<String>>,
}

/// Says in a commit that it changes what somebody may.
pub(crate) fn changed<S: Store>(tx: &mut Transaction<'_, S>) -> Result<(), StoreError> {
    draw(tx, COUNTER).map(drop)
}

/// Makes a commit fail, and be made again, when what somebody may is changed meanwhile.
pub(crate) fn still<S: Store>(tx: &mut Transaction<'_, S>) -> Result<(), StoreError> {
    tx.get(KeyBuilder::new(tag::COUNTER).text(COUNTER)).map(drop)
}

impl<S: Store> Engine<S> {
    /// Whether anybody may run the service: from then on nobody does it without a name (SEC-06).
    ///
    /// # Errors
    /// The store's fault.
    pub fn is_administrated(&self) -> Result<bool, Error> {
        Ok(self.roles()?.administrated)
    }

    /// Who answers for a mailbox, by name.
    ///
    /// # Errors
    /// The store's fault.
    pub fn responsible(&self, id: MailboxId) -> Result<Vec<String>, Error> {
        Ok(self.roles()?.responsible.get(&id).cloned().unwrap_or_default())
    }

    /// As the store has them now.
    fn roles(&self) -> Result<Arc<Roles>, Error> {
        let key = KeyBuilder::new(tag::COUNTER).text(COUNTER);
        // Before the persons: what is changed while they are read leaves a number that nobody finds again.
        let number = self.store.get(key.as_ref())?.map_or(Ok(0), |value| decode::<u64>(&key, &value))?;
        if let Some(kept) = self.roles.lock().as_ref().filter(|kept| kept.number == number) {
            return Ok(Arc::clone(kept));
        }
        let mut roles = Roles { number, ..Roles::default() };
        let all = self.administrators(PersonId(0), MAX_PERSONS)?;
        for (_, person) in all.into_iter().filter(|(_, person)| person.ended.is_none()) {
            roles.administrated |= person.may(Act::ServiceWrite, &Target::SERVICE);
            for grant in &person.grants {
                if let Grant { role: Role::MailboxResponsible, scope: Scope::Mailbox(id) } = grant {
                    roles.responsible.entry(MailboxId(*id)).or_default().push(person.login.clone());
                }
            }
        }
        roles.responsible.values_mut().for_each(|names| names.sort());
        let roles = Arc::new(roles);
        *self.roles.lock() = Some(Arc::clone(&roles));
        Ok(roles)
    }
}
