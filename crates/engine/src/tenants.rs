//! Administrations, their units, and what is theirs (SEC-05). A domain belongs to one administration, or to the provider;
//! mailboxes and lists belong to whom their domain does. So nothing is of two administrations, and nothing has to be moved
//! with a domain.

use std::time::Duration;

use sigillo_accounts::{Mailbox, Target, Tenant, Unit};
use sigillo_base::{Address, Domain, MailboxId, Said, TenantId, Timestamp, UnitId, said};
use sigillo_store::{KeyBuilder, KeyReader, Store, Transaction, key, tag, transact};

use crate::directory::address_of;
use crate::rows::{decode, encode};
use crate::{ATTEMPTS, Engine, Error, address_book};

/// Units of one administration.
const MAX_UNITS: usize = 1_000;
/// Characters of a name.
const MAX_NAME: usize = 200;
const MAX_CONTACTS: usize = 20;

const ITSELF: u8 = 0;
const UNIT: u8 = 1;

pub(crate) fn tenant_key(id: TenantId) -> KeyBuilder {
    KeyBuilder::new(tag::DIRECTORY).u64(id.0).u8(ITSELF)
}

pub(crate) fn unit_key(tenant: TenantId, id: UnitId) -> KeyBuilder {
    KeyBuilder::new(tag::DIRECTORY).u64(tenant.0).u8(UNIT).u64(id.0)
}

pub(crate) fn owner_key(domain: &Domain) -> KeyBuilder {
    KeyBuilder::new(tag::DOMAIN_OWNER).text(domain.as_str())
}

fn history_of(domain: &Domain) -> KeyBuilder {
    KeyBuilder::new(tag::DOMAIN_HISTORY).text(domain.as_str())
}

/// Whose a domain was from when on, the earliest first; the first from the beginning of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owners(Vec<(Timestamp, Option<TenantId>)>);

impl Owners {
    /// Whose it was then; `None` is the provider.
    pub fn at(&self, at: Timestamp) -> Option<TenantId> {
        self.0.iter().rev().find(|(since, _)| *since <= at).and_then(|(_, owner)| *owner)
    }

    /// The spans of a period in which it was this one's.
    pub fn spans(&self, owner: Option<TenantId>, (from, to): (Timestamp, Timestamp)) -> Vec<(Timestamp, Timestamp)> {
        let ends = self.0.iter().skip(1).map(|(since, _)| *since).chain([to]);
        let spans = self.0.iter().zip(ends).filter(|((_, whose), _)| *whose == owner);
        spans.map(|((since, _), end)| (from.max(*since), to.min(end))).filter(|(from, to)| from < to).collect()
    }
}

pub(crate) fn mailbox_unit_key(id: MailboxId) -> KeyBuilder {
    KeyBuilder::new(tag::MAILBOX_UNIT).mailbox(id)
}

/// Which unit a list is of.
pub(crate) fn list_unit_key(address: &Address) -> KeyBuilder {
    KeyBuilder::new(tag::LIST_UNIT).text(&address.key())
}

/// The administration and unit that a mailbox was put into.
pub(crate) fn unit_row<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: MailboxId,
) -> Result<Option<(u64, u64)>, sigillo_store::Error> {
    let key = mailbox_unit_key(id);
    tx.get(&key)?.map(|value| decode(&key, &value)).transpose()
}

/// Puts a mailbox into a unit, or into none.
pub(crate) fn put_unit<S: Store>(tx: &mut Transaction<'_, S>, id: MailboxId, unit: Option<(u64, u64)>) {
    match unit {
        Some(unit) => tx.put(mailbox_unit_key(id), encode(&unit)),
        None => tx.delete(mailbox_unit_key(id)),
    }
}

/// The next number of a kind; none comes twice.
pub(crate) fn draw<S: Store>(tx: &mut Transaction<'_, S>, kind: &str) -> Result<u64, sigillo_store::Error> {
    let counter = KeyBuilder::new(tag::COUNTER).text(kind);
    let next = tx.get(&counter)?.map_or(Ok(0), |value| decode::<u64>(&counter, &value))? + 1;
    tx.put(&counter, encode(&next));
    Ok(next)
}

/// Whose a domain is, in a transaction that does something about it.
pub(crate) fn owner_in<S: Store>(tx: &mut Transaction<'_, S>, domain: &Domain) -> Result<Option<TenantId>, Error> {
    let key = owner_key(domain);
    Ok(tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?.map(TenantId))
}

/// Refuses a name that a unit has.
fn free(units: &[(UnitId, Unit)], name: &str) -> Result<(), Error> {
    let taken = units.iter().any(|(_, unit)| unit.name.eq_ignore_ascii_case(name.trim()));
    if !taken {
        return Ok(());
    }
    Err(Error::Invalid(said!("la struttura «{}» c'è già", "there is a unit “{}” already", name.trim())))
}

/// A name that people can read.
pub(crate) fn named(what: Said, name: &str) -> Result<(), Error> {
    let fine = !name.trim().is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    if fine {
        return Ok(());
    }
    let Said { it, en } = what;
    Err(Error::Invalid(said!(
        "{it}: da 1 a {MAX_NAME} caratteri, su una riga",
        "{en}: 1 to {MAX_NAME} characters, on one line"
    )))
}

impl<S: Store> Engine<S> {
    /// Takes in an administration.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name, code or contacts that cannot be.
    pub fn add_tenant(&self, name: &str, code: &str, contacts: &[Address], now: Timestamp) -> Result<TenantId, Error> {
        let contacts = contacts.iter().map(|c| c.as_str().to_owned()).collect();
        let row = Tenant { name: name.trim().into(), code: code.trim().into(), contacts, ..Tenant::default() };
        check(&row)?;
        let row = Tenant { created: now.as_millis(), ..row };
        transact(&self.store, ATTEMPTS, |tx| {
            let id = TenantId(draw(tx, "tenant")?);
            tx.put(tenant_key(id), encode(&row));
            Ok(id)
        })
    }

    /// Changes an administration.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none, it was removed, or what comes of it cannot be.
    pub fn change_tenant(&self, id: TenantId, change: impl Fn(&mut Tenant)) -> Result<Tenant, Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            let mut row = living(tx, id)?;
            change(&mut row);
            check(&row)?;
            tx.put(tenant_key(id), encode(&row));
            Ok(row)
        })
    }

    /// Ends an administration that has no domain any more, and with it whoever belongs to it and every role in it. Its number
    /// is never given again.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none, a domain is still its, or its address book has entries.
    pub fn remove_tenant(&self, id: TenantId, now: Timestamp) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            let mut row = living(tx, id)?;
            // Those that are not served for the moment too: they come back.
            let (from, to) = KeyBuilder::new(tag::DOMAIN_OWNER).range();
            let owned = tx.scan(&from, &to, usize::MAX)?.into_iter().map(|(key, _)| owned_domain(&key));
            for domain in owned.chain(self.domains().into_iter().map(Ok)) {
                let domain = domain?;
                // Expected to be so still when this is committed: nobody assigns one meanwhile.
                if owner_in(tx, &domain)? == Some(id) {
                    return Err(Error::Invalid(said!(
                        "il dominio {domain} è ancora suo: assegnarlo prima con `sigillo domain assign`",
                        "the domain {domain} is still its: assign it first by `sigillo domain assign`"
                    )));
                }
            }
            address_book::need_empty(tx, id)?;
            self.end_all_of(tx, id, now)?;
            row.removed = Some(now.as_millis());
            tx.put(tenant_key(id), encode(&row));
            Ok(())
        })
    }

    /// An administration, also one that was removed.
    ///
    /// # Errors
    /// The store's fault.
    pub fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, Error> {
        let key = tenant_key(id);
        self.store.get(key.as_ref())?.map(|value| decode(&key, &value)).transpose().map_err(Error::from)
    }

    /// At most `limit` administrations behind this one, by number, but those that were removed.
    ///
    /// # Errors
    /// The store's fault.
    pub fn tenants(&self, after: TenantId, limit: usize) -> Result<Vec<(TenantId, Tenant)>, Error> {
        let (_, to) = KeyBuilder::new(tag::DIRECTORY).range();
        let mut from = key::prefix_end(KeyBuilder::new(tag::DIRECTORY).u64(after.0).as_ref());
        let mut all = Vec::new();
        while all.len() < limit {
            // The administration itself is the first of its rows: the next one begins behind all of them.
            let page = self.sound(&from, &to, 1, |key, value| {
                let mut reader = KeyReader::new(key, tag::DIRECTORY)?;
                Ok((TenantId(reader.u64()?), decode::<Tenant>(key, value)?))
            })?;
            let Some((id, row)) = page.into_iter().next() else { return Ok(all) };
            from = key::prefix_end(KeyBuilder::new(tag::DIRECTORY).u64(id.0).as_ref());
            all.extend(row.removed.is_none().then_some((id, row)));
        }
        Ok(all)
    }

    /// Makes a unit of an administration.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such administration, the name is taken or cannot be, or there are too many.
    pub fn add_unit(&self, tenant: TenantId, name: &str, now: Timestamp) -> Result<UnitId, Error> {
        named(said!("nome della struttura", "name of the unit"), name)?;
        transact(&self.store, ATTEMPTS, |tx| {
            living(tx, tenant)?;
            // Two that are made at once meet at the counter: one of them looks again.
            let id = UnitId(draw(tx, "unit")?);
            let units = self.units(tenant)?;
            if units.len() >= MAX_UNITS {
                return Err(Error::Invalid(said!(
                    "l'amministrazione ha già {MAX_UNITS} strutture",
                    "the administration has {MAX_UNITS} units already"
                )));
            }
            free(&units, name)?;
            let unit = Unit { name: name.trim().into(), created: now.as_millis(), removed: None };
            tx.put(unit_key(tenant, id), encode(&unit));
            Ok(id)
        })
    }

    /// Gives a unit another name; what is its own stays so.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none, or another has the name; a bad name.
    pub fn rename_unit(&self, tenant: TenantId, id: UnitId, name: &str) -> Result<(), Error> {
        named(said!("nome della struttura", "name of the unit"), name)?;
        transact(&self.store, ATTEMPTS, |tx| {
            // Two that take a name at once meet at the counter, as above; its number is left out.
            draw(tx, "unit")?;
            let mut row = living_unit(tx, tenant, id)?;
            let mut others = self.units(tenant)?;
            others.retain(|(other, _)| *other != id);
            free(&others, name)?;
            row.name = name.trim().into();
            tx.put(unit_key(tenant, id), encode(&row));
            Ok(())
        })
    }

    /// Ends a unit: its mailboxes are its administration's alone.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none.
    pub fn remove_unit(&self, tenant: TenantId, id: UnitId, now: Timestamp) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            let mut row = living_unit(tx, tenant, id)?;
            row.removed = Some(now.as_millis());
            tx.put(unit_key(tenant, id), encode(&row));
            Ok(())
        })
    }

    /// The units of an administration, by number, but those that were removed.
    ///
    /// # Errors
    /// The store's fault.
    pub fn units(&self, tenant: TenantId) -> Result<Vec<(UnitId, Unit)>, Error> {
        let (from, to) = KeyBuilder::new(tag::DIRECTORY).u64(tenant.0).u8(UNIT).range();
        let read = |key: &[u8], value: &[u8]| {
            let mut reader = KeyReader::new(key, tag::DIRECTORY)?;
            reader.u64()?;
            reader.u8()?;
            Ok((UnitId(reader.u64()?), decode::<Unit>(key, value)?))
        };
        let found = self.sound(&from, &to, 100 * MAX_UNITS, read)?;
        Ok(found.into_iter().filter(|(_, unit)| unit.removed.is_none()).collect())
    }

    /// Says whose a domain of ours is from now on: an administration's, or the provider's own. What was until now stays its
    /// owner's of then; whoever of his answered for a mailbox of it does so no more.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a domain that is not ours (one that was an administration's may still be taken from it), the
    /// service domain, an administration that is not there, or one that did not order so many mailboxes.
    pub fn assign_domain(&self, domain: &Domain, to: Option<TenantId>, now: Timestamp) -> Result<(), Error> {
        let strange = || {
            said!(
                "il dominio {domain} non è servito da questo gestore",
                "the domain {domain} is not served by this provider"
            )
        };
        if to.is_some() && !self.is_local(domain) {
            return Err(Error::Invalid(strange()));
        }
        if to.is_some() && *domain == self.service_domain {
            return Err(Error::Invalid(said!(
                "{domain} è il dominio di servizio: è del gestore",
                "{domain} is the service domain: it is the provider's"
            )));
        }
        // What a hand-over that broke off has left would be something again.
        self.part_from(domain, self.owner(domain)?, now)?;
        transact(&self.store, ATTEMPTS, |tx| {
            if let Some(id) = to {
                living(tx, id)?;
            }
            let before = owner_in(tx, domain)?;
            if before.is_none() && !self.is_local(domain) {
                return Err(Error::Invalid(strange()));
            }
            if before == to {
                return Ok(());
            }
            if let Some(id) = to {
                self.admit_domain(tx, domain, id)?;
            }
            let (first, end) = history_of(domain).range();
            let last = tx.scan(&first, &end, usize::MAX)?.pop();
            let since = match last {
                // Whatever the clock does, who came last has it.
                Some((key, value)) => now.max(read_history(&key, &value)?.1.plus(Duration::from_millis(1))),
                None => {
                    tx.put(history_of(domain).time(Timestamp::default()), encode(&number(before)));
                    now
                }
            };
            tx.put(history_of(domain).time(since), encode(&number(to)));
            match to {
                Some(id) => tx.put(owner_key(domain), encode(&id.0)),
                None => tx.delete(owner_key(domain)),
            }
            Ok::<_, Error>(())
        })?;
        self.part_from(domain, to, now)
    }

    /// Whose a domain was. Of one that never changed hands here, or did before a release that writes that down, it is whose it is
    /// today.
    ///
    /// # Errors
    /// The store's fault.
    pub fn owners(&self, domain: &Domain) -> Result<Owners, Error> {
        let (from, to) = history_of(domain).range();
        let known = self.sound(&from, &to, usize::MAX, |key, value| {
            let (_, since, owner) = read_history(key, value)?;
            Ok((since, owner))
        })?;
        if known.is_empty() {
            return Ok(Owners(vec![(Timestamp::default(), self.owner(domain)?)]));
        }
        Ok(Owners(known))
    }

    /// Whose a domain is; `None` is the provider.
    ///
    /// # Errors
    /// The store's fault.
    pub fn owner(&self, domain: &Domain) -> Result<Option<TenantId>, Error> {
        let key = owner_key(domain);
        let found = self.store.get(key.as_ref())?.map(|value| decode(&key, &value)).transpose()?;
        Ok(found.map(TenantId))
    }

    /// A unit, with its administration, of the one that a domain belongs to.
    pub(crate) fn own_unit(
        &self,
        tx: &mut crate::fronts::Transaction<'_, S>,
        domain: &Domain,
        unit: UnitId,
    ) -> Result<(u64, u64), Error> {
        let nobodys = || {
            Error::Invalid(said!(
                "il dominio {domain} non è di un'amministrazione: non ha strutture",
                "the domain {domain} is of no administration: it has no units"
            ))
        };
        let tenant = owner_in(tx, domain)?.ok_or_else(nobodys)?;
        living_unit(tx, tenant, unit)?;
        Ok((tenant.0, unit.0))
    }

    /// Whose an address of ours is: by its domain, and as a mailbox or list by its unit. What is not there belongs to whom
    /// it would.
    ///
    /// # Errors
    /// The store's fault.
    pub fn target(&self, address: &Address) -> Result<Target, Error> {
        let mailbox = self.find_mailbox(address)?.map(|row| MailboxId(row.id));
        let Some(tenant) = self.owner(address.domain())? else {
            return Ok(Target { mailbox, ..Target::SERVICE });
        };
        let unit = self.unit_of(tenant, &mailbox.map_or_else(|| list_unit_key(address), mailbox_unit_key))?;
        Ok(Target { tenant: Some(tenant), unit, mailbox })
    }

    /// Whose what happened to a mailbox is: its administration's of then, and its own as long as it is there. Who has its
    /// address today, in its place, is somebody else.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an address that does not read; the store's fault.
    pub fn target_then(&self, row: &Mailbox, at: Timestamp) -> Result<Target, Error> {
        let address = address_of(row)?;
        let tenant = self.owners(address.domain())?.at(at);
        let mailbox = (!row.is_gone()).then_some(MailboxId(row.id));
        let unit = match (tenant, mailbox) {
            (Some(tenant), Some(id)) => self.unit_of(tenant, &mailbox_unit_key(id))?,
            _ => None,
        };
        Ok(Target { tenant, unit, mailbox })
    }

    /// The unit that a row names, if it is one of this administration that is still there.
    fn unit_of(&self, tenant: TenantId, key: &KeyBuilder) -> Result<Option<UnitId>, Error> {
        let Some(value) = self.store.get(key.as_ref())? else { return Ok(None) };
        let (of, unit): (u64, u64) = decode(key, &value)?;
        let key = unit_key(TenantId(of), UnitId(unit));
        let row = self.store.get(key.as_ref())?.map(|value| decode::<Unit>(&key, &value)).transpose()?;
        Ok(row.filter(|row| of == tenant.0 && row.removed.is_none()).map(|_| UnitId(unit)))
    }
}

/// The number of an administration; 0 for none.
pub(crate) fn number(tenant: Option<TenantId>) -> u64 {
    tenant.map_or(0, |tenant| tenant.0)
}

/// The domain of a row that says whose it is.
fn owned_domain(key: &[u8]) -> Result<Domain, Error> {
    let name = KeyReader::new(key, tag::DOMAIN_OWNER)?.text()?;
    Domain::parse(&name).map_err(|e| sigillo_store::Error::corrupt(key, e.to_string()).into())
}

/// The domain of a row of the history, from when on, and whose it was.
pub(crate) fn read_history(
    key: &[u8],
    value: &[u8],
) -> Result<(String, Timestamp, Option<TenantId>), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::DOMAIN_HISTORY)?;
    let (domain, since) = (reader.text()?, reader.time()?);
    reader.end()?;
    let owner: u64 = decode(key, value)?;
    Ok((domain, since, (owner > 0).then_some(TenantId(owner))))
}

/// A row of the directory: an administration, or one of its units.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::DIRECTORY)?;
    reader.u64()?;
    match reader.u8()? {
        ITSELF => decode::<Tenant>(key, value).map(drop)?,
        UNIT => {
            reader.u64()?;
            decode::<Unit>(key, value).map(drop)?;
        }
        _ => return Err(sigillo_store::Error::corrupt(key, "no row of the directory")),
    }
    reader.end()
}

fn check(row: &Tenant) -> Result<(), Error> {
    named(said!("nome dell'amministrazione", "name of the administration"), &row.name)?;
    if !row.code.is_empty() {
        named(said!("codice dell'amministrazione", "code of the administration"), &row.code)?;
    }
    if row.contacts.len() > MAX_CONTACTS {
        return Err(Error::Invalid(said!(
            "al più {MAX_CONTACTS} indirizzi da avvisare",
            "at most {MAX_CONTACTS} addresses to notify"
        )));
    }
    Ok(())
}

/// An administration that was not removed.
pub(crate) fn living<S: Store>(tx: &mut Transaction<'_, S>, id: TenantId) -> Result<Tenant, Error> {
    let missing = || Error::Invalid(said!("l'amministrazione {} non c'è", "there is no administration {}", id.0));
    let key = tenant_key(id);
    let row: Tenant = decode(&key, &tx.get(&key)?.ok_or_else(missing)?)?;
    Some(row).filter(|row| row.removed.is_none()).ok_or_else(missing)
}

/// A unit that was not removed.
pub(crate) fn living_unit<S: Store>(tx: &mut Transaction<'_, S>, tenant: TenantId, id: UnitId) -> Result<Unit, Error> {
    let missing = || {
        Error::Invalid(said!(
            "l'amministrazione {} non ha una struttura {}",
            "the administration {} has no unit {}",
            tenant.0,
            id.0
        ))
    };
    let key = unit_key(tenant, id);
    let row: Unit = decode(&key, &tx.get(&key)?.ok_or_else(missing)?)?;
    Some(row).filter(|row| row.removed.is_none()).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_its_owners_for_as_long_as_he_has_it() {
        let at = Timestamp::from_millis;
        let (one, two) = (Some(TenantId(1)), Some(TenantId(2)));
        let owners = Owners(vec![(at(0), one), (at(10), two), (at(20), None), (at(30), one)]);
        assert_eq!([0, 9, 10, 19, 20, 30, 99].map(|t| owners.at(at(t))), [one, one, two, two, None, one, one]);
        let spans = |of, from, to| owners.spans(of, (at(from), at(to)));
        assert_eq!(spans(one, 5, 40), [(at(5), at(10)), (at(30), at(40))]);
        assert_eq!(spans(two, 12, 15), [(at(12), at(15))]);
        assert_eq!((spans(two, 20, 30), spans(None, 0, 25)), (vec![], vec![(at(20), at(25))]));
    }
}
