//! Who administrates, and for whom.

use sigillo_accounts::{Mailbox, Person, PersonName, State, Tenant, Token};
use sigillo_base::{Domain, PersonId, TenantId, UnitId};
use sigillo_store::{Error, KeyBuilder, KeyReader, Store, tag};

use super::judge::{Judge, Other};
use super::{Problem, Remedy};
use crate::address_book::{self, BookRow};
use crate::rows::{decode, encode, mailbox_key};
use crate::{factors, lists, operations, persons, plans, purge, tenants, unlocks};

impl<S: Store> Judge<'_, '_, S> {
    /// Whose a domain is, or was.
    pub(super) fn domain_owner(&mut self) -> Result<(), Error> {
        let (name, owner) = if self.key.first() == Some(&tag::DOMAIN_HISTORY) {
            let (name, _, owner) = tenants::read_history(self.key, self.value)?;
            (name, owner)
        } else {
            let name = KeyReader::new(self.key, tag::DOMAIN_OWNER)?.text()?;
            (name, Some(TenantId(decode(self.key, self.value)?)))
        };
        Domain::parse(&name).map_err(|e| Error::corrupt(self.key, e.to_string()))?;
        let Some(owner) = owner else { return Ok(()) };
        let there = matches!(self.other::<Tenant>(&tenants::tenant_key(owner))?, Other::Is(_) | Other::Unreadable);
        self.needs(there, format!("il dominio {name} è di un'amministrazione che non c'è"), Remedy::Backup);
        Ok(())
    }

    pub(super) fn mailbox_unit(&mut self) -> Result<(), Error> {
        let id = KeyReader::new(self.key, tag::MAILBOX_UNIT)?.mailbox()?;
        let (tenant, unit): (u64, u64) = decode(self.key, self.value)?;
        let key = tenants::unit_key(TenantId(tenant), UnitId(unit));
        let there = !matches!(self.other::<sigillo_accounts::Unit>(&key)?, Other::Absent);
        self.needs(there, "la casella è di una struttura che non c'è".to_owned(), Remedy::SetAside);
        self.of_mailbox(id, Remedy::SetAside)
    }

    /// What is done on request, what was ordered, what ends.
    pub(super) fn provisioning(&mut self) -> Result<(), Error> {
        match self.key.first().copied().unwrap_or_default() {
            tag::OPERATION => operations::read(self.key, self.value).map(drop),
            tag::PLAN => plans::read(self.key, self.value),
            tag::COUNTED => self.counted(),
            tag::STANDING => self.standing(),
            tag::LEAVING => self.leaving(),
            tag::LIST_CANCELLED => self.list_cancelled(),
            _ => self.list_unit(),
        }
    }

    /// Read with every mailbox for each row, so only where things are compared. Whoever counts writes the row in the same
    /// commit: a count that changed meanwhile is counted again; that it changed and changed back three times running is not
    /// reckoned with.
    fn counted(&mut self) -> Result<(), Error> {
        let Some((part, said)) = plans::read_counted(self.key, self.value)?.filter(|_| self.compare) else {
            return Ok(());
        };
        let Some((held, units)) = plans::compare(self.tx.store(), &part)? else { return Ok(()) };
        if held != said {
            let what = format!("le caselle in uso risultano {said:?}, sono {held:?}");
            self.find(Problem::Differs, what, Remedy::Rebuild((self.key.to_vec(), encode(&held))));
        }
        for unit in units {
            self.derived(unit, "manca il numero delle caselle in uso di una struttura")?;
        }
        Ok(())
    }

    fn list_unit(&mut self) -> Result<(), Error> {
        let list = KeyReader::new(self.key, tag::LIST_UNIT)?.text()?;
        let (tenant, unit): (u64, u64) = decode(self.key, self.value)?;
        let key = tenants::unit_key(TenantId(tenant), UnitId(unit));
        let there = !matches!(self.other::<sigillo_accounts::Unit>(&key)?, Other::Absent);
        self.needs(there, "la lista è di una struttura che non c'è".to_owned(), Remedy::SetAside);
        self.refers(KeyBuilder::new(tag::LIST).text(&list), "la lista non c'è", Remedy::SetAside)
    }

    fn list_cancelled(&mut self) -> Result<(), Error> {
        let list = lists::read_cancelled(self.key, self.value)?.0;
        self.refers(KeyBuilder::new(tag::LIST).text(&list), "la lista non c'è", Remedy::SetAside)
    }

    fn standing(&mut self) -> Result<(), Error> {
        let (id, ..) = plans::read_standing(self.key, self.value)?;
        self.of_mailbox(id, Remedy::Backup)
    }

    /// Written and removed with the state of its mailbox, until nothing is left of that.
    fn leaving(&mut self) -> Result<(), Error> {
        let (until, id) = purge::read(self.key)?;
        match self.other::<Mailbox>(mailbox_key(id))? {
            Other::Is(row) => {
                let leaves = match &row.state {
                    State::Cancelled(cancelled) => cancelled.until == until.as_millis(),
                    State::Gone(_) => true,
                    State::Active | State::Blocked(_) | State::Inactive(_) => false,
                };
                self.needs(leaves, "la casella non è cancellata".to_owned(), Remedy::SetAside);
            }
            Other::Absent => self.needs(false, "la casella non c'è".to_owned(), Remedy::SetAside),
            Other::Unreadable => {}
        }
        Ok(())
    }

    pub(super) fn person_by_name(&mut self) -> Result<(), Error> {
        let name = KeyReader::new(self.key, tag::PERSON_BY_NAME)?.text()?;
        PersonName::parse(&name).map_err(|e| Error::corrupt(self.key, e.to_string()))?;
        let id = PersonId(decode(self.key, self.value)?);
        let there = match self.other::<Person>(&persons::person_key(id))? {
            Other::Is(person) => person.login == name,
            Other::Unreadable => true,
            Other::Absent => false,
        };
        self.needs(there, format!("non c'è la persona che si chiama {name}"), Remedy::Backup);
        Ok(())
    }

    pub(super) fn token(&mut self) -> Result<(), Error> {
        let token: Token = decode(self.key, self.value)?;
        let there = !matches!(self.other::<Person>(&persons::person_key(PersonId(token.person)))?, Other::Absent);
        self.needs(there, "un token di nessuno".to_owned(), Remedy::SetAside);
        Ok(())
    }

    /// An entry of an address book, or how many there are. Every change of their number writes that row.
    pub(super) fn address_book(&mut self) -> Result<(), Error> {
        let (tenant, row) = address_book::read(self.key, self.value)?;
        let whose = tenants::tenant_key(tenant);
        if self.absent(&whose)? {
            return self.refers(whose, "la rubrica è di un'amministrazione che non c'è", Remedy::SetAside);
        }
        let counted = address_book::count_key(tenant);
        let store = self.tx.store();
        match row {
            // Told of the first one, for all of them.
            BookRow::Entry if self.absent(&counted)? && address_book::is_first(store, tenant, self.key)? => {
                if let Some(entries) = address_book::recount(store, tenant)? {
                    self.derived((counted.done(), encode(&entries)), "manca il numero delle voci della rubrica")?;
                }
            }
            BookRow::Entry => {}
            BookRow::Count(count) => match address_book::recount(store, tenant)? {
                Some(entries) if entries != count => {
                    let what = format!("la rubrica risulta di {count} voci, ne ha {entries}");
                    let remedy = Remedy::Rebuild((counted.done(), encode(&entries)));
                    self.find(Problem::Differs, what, remedy);
                }
                _ => {}
            },
        }
        Ok(())
    }

    /// What somebody who administrates proves himself with beside his token.
    pub(super) fn of_person(&mut self) -> Result<(), Error> {
        if self.key.first() == Some(&tag::UNLOCKED) { self.unlocked() } else { self.person_factor() }
    }

    fn person_factor(&mut self) -> Result<(), Error> {
        let id = factors::read_person(self.key, self.value)?;
        let there = match self.other::<Person>(&persons::person_key(id))? {
            Other::Is(person) => person.ended.is_none(),
            Other::Unreadable => true,
            Other::Absent => false,
        };
        self.needs(there, "un secondo fattore di chi non amministra".to_owned(), Remedy::SetAside);
        Ok(())
    }

    /// Removed with its token's life and with the factor: one that stayed would unlock what nobody unlocked.
    fn unlocked(&mut self) -> Result<(), Error> {
        let (token, _) = unlocks::read(self.key, self.value)?;
        let person = match self.other::<Token>(&token)? {
            Other::Is(token) if token.revoked.is_none() => PersonId(token.person),
            Other::Unreadable => return Ok(()),
            Other::Is(_) | Other::Absent => {
                self.needs(false, "è sbloccato un token che non c'è o è revocato".to_owned(), Remedy::SetAside);
                return Ok(());
            }
        };
        let factor = factors::person_factor_key(person);
        self.refers(factor, "è sbloccato un token di chi non ha un secondo fattore", Remedy::SetAside)
    }

    /// Finds that something this row is about is not there.
    fn needs(&mut self, there: bool, what: String, remedy: Remedy) {
        if !there {
            self.find(Problem::Dangling, what, remedy);
        }
    }
}
