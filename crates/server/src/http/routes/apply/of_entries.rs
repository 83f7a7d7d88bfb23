//! How an entry of an address book is to be.

use sigillo_accounts::{Act, BookChange, Done, Request, Target, Verifier};
use sigillo_admin::api::{BookLine, book_entry_path};
use sigillo_base::{Address, TenantId};

use super::{Line, Outcome, Work, Wrong, need, told};
use crate::http::routes::{address_book, not_among};

impl Line for BookLine {
    const KIND: &str = "tenants";
    /// Whose book it is.
    type Of = TenantId;

    fn number(&self) -> usize {
        self.line
    }

    fn object(&self) -> &str {
        &self.address
    }

    fn path(&self, tenant: TenantId) -> String {
        book_entry_path(tenant.0, &self.address)
    }

    fn asked(&self) -> (Option<&str>, Option<&str>) {
        (self.ticket.as_deref(), self.requested_at.as_deref())
    }

    fn apply(
        &self,
        work: &mut Work<'_, TenantId>,
        address: &Address,
        _: Option<&Verifier>,
        request: &Request,
    ) -> Result<Outcome, Wrong> {
        const ACT: Act = Act::AddressBookWrite;
        let (engine, actor, tenant) = (work.engine, work.actor.clone(), work.of);
        need(&actor, ACT, &Target::tenant(tenant))?;
        let path = self.path(tenant);
        match self.state.as_deref() {
            Some("cancelled") if engine.book_entry(tenant, address)?.is_none() => return Ok(Outcome::Unchanged),
            Some("cancelled") => {
                return work.batch.entry(|entry| {
                    entry.remove_book_entry((tenant, address), request).map_err(super::of("address"))?;
                    entry.log(told(&actor, ACT, &path), request.now());
                    Ok(Outcome::Changed)
                });
            }
            None | Some("active") => {}
            Some(other) => {
                return Err(Wrong::new("state", not_among(other, "active o cancelled", "active or cancelled")));
            }
        }
        let change = BookChange {
            name: self.name.clone(),
            organisation: self.organisation.clone(),
            office: self.office.clone(),
            phone: self.phone.clone(),
            note: self.note.clone(),
        };
        if let Some((field, why)) = address_book::fault(engine, tenant, address, &change)? {
            return Err(Wrong::new(field, why));
        }
        work.batch.entry(|entry| {
            let done = entry.put_book_entry((tenant, address), &change, request)?;
            if done.is_some() {
                entry.log(told(&actor, ACT, &path), request.now());
            }
            Ok(match done {
                Some(Done::BookCreate) => Outcome::Created,
                Some(_) => Outcome::Changed,
                None => Outcome::Unchanged,
            })
        })
    }
}
