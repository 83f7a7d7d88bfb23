//! What the roles of all persons come to: whether anybody runs the service (SEC-06), who answers for which mailbox (WEB-12). It
//! is made of every person's row, and asked for with each request and each mailbox that is shown; so it is kept, under the
//! number that every commit draws which changes what somebody may. Who finds that number again knows that nothing changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use sigillo_accounts::{Act, Done, Grant, Mailbox, Operation, Person, Request, Role, Scope, Target};
use sigillo_base::{Address, Domain, MailboxId, PersonId, TenantId, Timestamp};
use sigillo_store::{Error as StoreError, KeyBuilder, Store, Transaction, tag, transact};

use crate::persons::{MAX_PERSONS, person_key};
use crate::rows::{decode, encode, mailbox_key};
use crate::tenants::{draw, owner_in, unit_row};
use crate::{ATTEMPTS, Engine, Error, operations};

/// Named by what it counted first.
const COUNTER: &str = "responsible";

/// What the roles came to at one time.
#[derive(Debug, Default)]
pub(crate) struct Roles {
    /// The number that was drawn last.
    number: u64,
    administrated: bool,
    responsible: BTreeMap<MailboxId, Vec<Named>>,
}

/// A person's name, and the administration that he belongs to.
type Named = (String, Option<TenantId>);

/// Says in a commit that it changes what somebody may.
pub(crate) fn changed<S: Store>(tx: &mut Transaction<'_, S>) -> Result<(), StoreError> {
    draw(tx, COUNTER).map(drop)
}

/// Makes a commit fail, and be made again, when what somebody may is changed meanwhile.
pub(crate) fn still<S: Store>(tx: &mut Transaction<'_, S>) -> Result<(), StoreError> {
    tx.get(KeyBuilder::new(tag::COUNTER).text(COUNTER)).map(drop)
}

/// A mailbox that somebody can answer for, with its domain.
pub(crate) fn answered<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: MailboxId,
) -> Result<Option<(Mailbox, Domain)>, StoreError> {
    let key = mailbox_key(id);
    let Some(value) = tx.get(&key)? else { return Ok(None) };
    let row: Mailbox = decode(&key, &value)?;
    let domain = Address::parse(&row.address).ok().map(|address| address.domain().clone());
    Ok(domain.filter(|_| !row.is_gone()).map(|domain| (row, domain)))
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
        let named = self.roles()?.responsible.get(&id).cloned().unwrap_or_default();
        // Whose the mailbox is matters for who is of an administration.
        if named.iter().all(|(_, of)| of.is_none()) {
            return Ok(named.into_iter().map(|(name, _)| name).collect());
        }
        let mut look = crate::fronts::Transaction::new(&self.store);
        let Some((_, domain)) = answered(&mut look, id)? else { return Ok(Vec::new()) };
        self.responsible_to(id, owner_in(&mut look, &domain)?)
    }

    /// The same of a mailbox whose owner is known. Nobody answers for it who belongs to another administration: he may nothing
    /// there, and neither learns of the other (SEC-05).
    pub(crate) fn responsible_to(&self, id: MailboxId, owner: Option<TenantId>) -> Result<Vec<String>, Error> {
        let roles = self.roles()?;
        let named = roles.responsible.get(&id).into_iter().flatten();
        Ok(named.filter(|(_, of)| of.is_none() || *of == owner).map(|(name, _)| name.clone()).collect())
    }

    /// Takes the mailboxes of a domain from whoever answered for them and belongs to another administration than the domain: that
    /// is nothing now, and must not be something again when the domain comes back. Each person is a commit, of what he had at the
    /// most, however many mailboxes the domain has.
    pub(crate) fn part_from(&self, domain: &Domain, owner: Option<TenantId>, now: Timestamp) -> Result<(), Error> {
        let stranger = |row: &Person| row.ended.is_none() && row.tenant.is_some() && row.tenant.map(TenantId) != owner;
        let answers = |grant: &Grant| matches!(grant.scope, Scope::Mailbox(_));
        for (id, row) in self.administrators(PersonId(0), MAX_PERSONS)? {
            if stranger(&row) && row.grants.iter().any(answers) {
                transact(&self.store, ATTEMPTS, |tx| part_one_from(tx, id, domain, now))?;
            }
        }
        Ok(())
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
                    let named = (person.login.clone(), person.tenant.map(TenantId));
                    roles.responsible.entry(MailboxId(*id)).or_default().push(named);
                }
            }
        }
        roles.responsible.values_mut().for_each(|names| names.sort());
        let roles = Arc::new(roles);
        *self.roles.lock() = Some(Arc::clone(&roles));
        Ok(roles)
    }
}

fn part_one_from<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: PersonId,
    domain: &Domain,
    now: Timestamp,
) -> Result<(), Error> {
    let key = person_key(id);
    let Some(value) = tx.get(&key)? else { return Ok(()) };
    let mut row: Person = decode(&key, &value)?;
    let had = row.grants.len();
    for grant in std::mem::take(&mut row.grants) {
        let Scope::Mailbox(mailbox) = grant.scope else {
            row.grants.push(grant);
            continue;
        };
        let Some((of, _)) = answered(tx, MailboxId(mailbox))?.filter(|(_, of)| of == domain) else {
            row.grants.push(grant);
            continue;
        };
        // His own administration is told: whose the mailbox is now is not to hear of him.
        let unit = unit_row(tx, MailboxId(mailbox))?.filter(|(of, _)| Some(*of) == row.tenant).map(|(_, unit)| unit);
        let detail = format!("{} → —", row.login);
        let (done, mailbox, request) = (Done::MailboxResponsible, Some(mailbox), Request::own(now));
        let tenant = row.tenant;
        operations::record(tx, &Operation { done, object: of.address, mailbox, tenant, unit, detail, request })?;
    }
    if row.grants.len() < had {
        tx.put(&key, encode(&row));
        changed(tx)?;
    }
    Ok(())
}
