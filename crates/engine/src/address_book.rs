//! Address books (*rubrica*, BOX-15): who an address is, as an administration says it. Those of its own mailboxes are its
//! registry of users, which the help desk changes on request (HD-04): each change is a record in the register of operations.
//!
//! An entry is of the administration that wrote it, whoever its address belongs to. So a domain that goes to another
//! administration takes none with it: they stay where they were, as entries of somebody else's mailboxes. A mailbox that is
//! gone takes the entry in its own administration's book with it ([`purge`](crate::purge)).

use sigillo_accounts::{BookChange, BookEntry, Done, Operation, Request, Target, differences};
use sigillo_base::{Address, MailboxId, TenantId, said};
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, key, skim, tag, transact};

use crate::fronts::Transaction;
use crate::rows::{address_key, decode, encode};
use crate::tenants::{living, owner_in, unit_row};
use crate::{ATTEMPTS, Engine, Error, operations};

/// Entries of one book.
pub const MOST_ENTRIES: u64 = 20_000;
/// Rows counted, or entries taken out, at once.
const PAGE: usize = 500;

const ENTRY: u8 = 0;
const COUNT: u8 = 1;

fn entries(tenant: TenantId) -> KeyBuilder {
    KeyBuilder::new(tag::ADDRESS_BOOK).u64(tenant.0).u8(ENTRY)
}

fn entry_key(tenant: TenantId, address: &Address) -> KeyBuilder {
    entries(tenant).text(&address.key())
}

/// How many entries a book has: every change of their number meets there.
pub(crate) fn count_key(tenant: TenantId) -> KeyBuilder {
    KeyBuilder::new(tag::ADDRESS_BOOK).u64(tenant.0).u8(COUNT)
}

/// A row of an address book.
pub(crate) enum BookRow {
    /// An entry.
    Entry,
    /// How many there are.
    Count(u64),
}

/// Whose a row is, and which.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(TenantId, BookRow), StoreError> {
    let mut reader = KeyReader::new(key, tag::ADDRESS_BOOK)?;
    let tenant = TenantId(reader.u64()?);
    let row = match reader.u8()? {
        ENTRY => {
            let (name, entry) = (reader.text()?, entry(key, value)?);
            let own = Address::parse(&entry.address).is_ok_and(|address| address.key() == name);
            if !own {
                return Err(StoreError::corrupt(key, format!("an entry of another address: {}", entry.address)));
            }
            BookRow::Entry
        }
        COUNT => BookRow::Count(decode(key, value)?),
        _ => return Err(StoreError::corrupt(key, "no row of an address book")),
    };
    reader.end()?;
    Ok((tenant, row))
}

fn entry(key: &[u8], value: &[u8]) -> Result<BookEntry, StoreError> {
    decode(key, value)
}

/// How many rows of entries a book has; `None` where some cannot be read.
pub(crate) fn recount<S: Store>(store: &S, tenant: TenantId) -> Result<Option<u64>, StoreError> {
    let (mut from, to) = entries(tenant).range();
    let mut count = 0;
    loop {
        let page = skim(store, &from, &to, PAGE)?;
        if !page.gaps.is_empty() {
            return Ok(None);
        }
        count += page.rows.len() as u64;
        match page.next {
            Some(next) => from = next,
            None => return Ok(Some(count)),
        }
    }
}

/// Whether this is the first entry of its book.
pub(crate) fn is_first<S: Store>(store: &S, tenant: TenantId, key: &[u8]) -> Result<bool, StoreError> {
    let (from, _) = entries(tenant).range();
    Ok(skim(store, &from, key, 1)?.rows.is_empty())
}

/// Counts one more, or one less.
fn count<S: Store>(tx: &mut Transaction<'_, S>, tenant: TenantId, more: bool) -> Result<(), Error> {
    let key = count_key(tenant);
    let had: u64 = tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?.unwrap_or_default();
    if more && had >= MOST_ENTRIES {
        return Err(Error::Invalid(said!(
            "la rubrica ha già {MOST_ENTRIES} voci",
            "the address book has {MOST_ENTRIES} entries already"
        )));
    }
    match if more { had + 1 } else { had.saturating_sub(1) } {
        0 => tx.delete(key),
        now => tx.put(key, encode(&now)),
    }
    Ok(())
}

/// Refuses while a book has entries; nobody writes one meanwhile.
pub(crate) fn need_empty<S: Store>(tx: &mut Transaction<'_, S>, tenant: TenantId) -> Result<(), Error> {
    tx.get(count_key(tenant))?;
    let (from, to) = entries(tenant).range();
    if tx.scan(&from, &to, 1)?.is_empty() {
        return Ok(());
    }
    let id = tenant.0;
    Err(Error::Invalid(said!(
        "la sua rubrica ha ancora delle voci: si salvano con `sigillo address-book export {id}`, si tolgono con `sigillo address-book clear {id}`",
        "its address book still has entries: save them by `sigillo address-book export {id}`, remove them by `sigillo address-book clear {id}`"
    )))
}

/// Takes the entry of a mailbox that is gone out of its own administration's book.
pub(crate) fn drop_gone<S: Store>(
    tx: &mut Transaction<'_, S>,
    (id, address): (MailboxId, &Address),
    request: &Request,
) -> Result<(), Error> {
    let Some(tenant) = owner_in(tx, address.domain())? else { return Ok(()) };
    let key = entry_key(tenant, address);
    if tx.get(&key)?.is_none() {
        return Ok(());
    }
    tx.delete(&key);
    count(tx, tenant, false)?;
    let unit = unit_row(tx, id)?.filter(|(of, _)| *of == tenant.0).map(|(_, unit)| unit);
    let (done, mailbox, detail) = (Done::BookCancel, Some(id.0), "la casella non c'è più".to_owned());
    let (object, request) = (address.as_str().to_owned(), request.clone());
    operations::record(tx, &Operation { done, object, mailbox, tenant: Some(tenant.0), unit, detail, request })?;
    Ok(())
}

/// Writes a record of it. The entry of a mailbox of the administration's own is that mailbox's too, so that who answers for
/// it, or for its unit, sees what was done.
fn record<S: Store>(
    tx: &mut Transaction<'_, S>,
    (tenant, address): (TenantId, &Address),
    done: Done,
    detail: String,
    request: &Request,
) -> Result<(), Error> {
    let own = owner_in(tx, address.domain())? == Some(tenant);
    let key = address_key(address);
    let mailbox = tx.get(&key)?.map(|value| decode::<u64>(&key, &value)).transpose()?.filter(|_| own);
    let unit = mailbox.map(|id| unit_row(tx, MailboxId(id))).transpose()?.flatten();
    let unit = unit.filter(|(of, _)| *of == tenant.0).map(|(_, unit)| unit);
    let (object, request) = (address.as_str().to_owned(), request.clone());
    operations::record(tx, &Operation { done, object, mailbox, tenant: Some(tenant.0), unit, detail, request })?;
    Ok(())
}

impl<S: Store> Engine<S> {
    /// At most `limit` entries of a book after this address, in the order of their addresses.
    ///
    /// # Errors
    /// The store's fault.
    pub fn book_entries(
        &self,
        tenant: TenantId,
        after: Option<&Address>,
        limit: usize,
    ) -> Result<Vec<BookEntry>, Error> {
        let (first, to) = entries(tenant).range();
        let from = after.map_or(first, |address| key::successor(entry_key(tenant, address)));
        Ok(self.sound(&from, &to, limit, entry)?)
    }

    /// What a book says of an address.
    ///
    /// # Errors
    /// The store's fault.
    pub fn book_entry(&self, tenant: TenantId, address: &Address) -> Result<Option<BookEntry>, Error> {
        let key = entry_key(tenant, address);
        Ok(self.store.get(key.as_ref())?.map(|value| entry(key.as_ref(), &value)).transpose()?)
    }

    /// Whether an address is a mailbox of this administration's own: its entry is of the registry of users.
    ///
    /// # Errors
    /// The store's fault.
    pub fn is_own(&self, tenant: TenantId, address: &Address) -> Result<bool, Error> {
        if !self.is_local(address.domain()) {
            return Ok(false);
        }
        let Target { tenant: of, mailbox, .. } = self.target(address)?;
        Ok(of == Some(tenant) && mailbox.is_some())
    }

    /// Writes an entry, or changes one: what was done, or `None` when it was so already.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such administration, the book is full, or what comes of it is no entry.
    pub fn put_book_entry(
        &self,
        tenant: TenantId,
        address: &Address,
        change: &BookChange,
        request: &Request,
    ) -> Result<Option<Done>, Error> {
        transact(&self.store, ATTEMPTS, |tx| self.put_book_entry_in(tx, (tenant, address), change, request))
    }

    pub(crate) fn put_book_entry_in(
        &self,
        tx: &mut Transaction<'_, S>,
        (tenant, address): (TenantId, &Address),
        change: &BookChange,
        request: &Request,
    ) -> Result<Option<Done>, Error> {
        living(tx, tenant)?;
        let key = entry_key(tenant, address);
        let before = tx.get(&key)?.map(|value| entry(key.as_ref(), &value)).transpose()?;
        let (made, now) = (before.is_none(), request.done);
        let before = before.unwrap_or_else(|| BookEntry {
            address: address.as_str().to_owned(),
            created: now,
            ..BookEntry::default()
        });
        let after = change.of(&before);
        if let Some((field, why)) = after.fault() {
            return Err(Error::Invalid(why.about(field)));
        }
        let differs = differences(&before, &after);
        if !made && differs.is_empty() {
            return Ok(None);
        }
        if made {
            count(tx, tenant, true)?;
        }
        tx.put(&key, encode(&BookEntry { changed: now, ..after }));
        let done = if made { Done::BookCreate } else { Done::BookChange };
        record(tx, (tenant, address), done, differs.join(", "), request)?;
        Ok(Some(done))
    }

    /// Takes an entry out of a book.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none.
    pub fn remove_book_entry(&self, tenant: TenantId, address: &Address, request: &Request) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| self.remove_book_entry_in(tx, (tenant, address), request))
    }

    pub(crate) fn remove_book_entry_in(
        &self,
        tx: &mut Transaction<'_, S>,
        (tenant, address): (TenantId, &Address),
        request: &Request,
    ) -> Result<(), Error> {
        let key = entry_key(tenant, address);
        if tx.get(&key)?.is_none() {
            return Err(Error::Invalid(said!("{address} non è nella rubrica", "{address} is not in the address book")));
        }
        tx.delete(&key);
        count(tx, tenant, false)?;
        record(tx, (tenant, address), Done::BookCancel, String::new(), request)
    }

    /// Takes every entry out of a book, a page in each commit; gives how many there were. What breaks off is gone on with by
    /// whoever asks again.
    ///
    /// # Errors
    /// The store's fault. A damaged entry stays, and is counted.
    pub fn clear_address_book(&self, tenant: TenantId, request: &Request) -> Result<u64, Error> {
        let (mut from, to) = entries(tenant).range();
        let mut gone = 0;
        loop {
            let page = skim(&self.store, &from, &to, PAGE)?;
            let sound = page.rows.iter().filter(|(key, value)| read(key, value).is_ok());
            let addresses: Vec<Address> =
                sound.filter_map(|(key, value)| Address::parse(&entry(key, value).ok()?.address).ok()).collect();
            gone += transact(&self.store, ATTEMPTS, |tx| {
                let mut removed = 0;
                for address in &addresses {
                    if tx.get(entry_key(tenant, address))?.is_some() {
                        self.remove_book_entry_in(tx, (tenant, address), request)?;
                        removed += 1;
                    }
                }
                Ok::<_, Error>(removed)
            })?;
            match page.next {
                Some(next) => from = next,
                None => return Ok(gone),
            }
        }
    }
}
