//! Who administrates, and for whom.

use sigillo_accounts::{Person, PersonName, Tenant, Token};
use sigillo_base::{Domain, PersonId, TenantId, UnitId};
use sigillo_store::{Error, KeyReader, Store, tag};

use super::judge::{Judge, Other};
use super::{Problem, Remedy};
use crate::rows::decode;
use crate::{persons, tenants};

impl<S: Store> Judge<'_, '_, S> {
    pub(super) fn domain_owner(&mut self) -> Result<(), Error> {
        let name = KeyReader::new(self.key, tag::DOMAIN_OWNER)?.text()?;
        Domain::parse(&name).map_err(|e| Error::corrupt(self.key, e.to_string()))?;
        let owner = TenantId(decode(self.key, self.value)?);
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

    /// Finds that something this row is about is not there.
    fn needs(&mut self, there: bool, what: String, remedy: Remedy) {
        if !there {
            self.find(Problem::Dangling, what, remedy);
        }
    }
}
