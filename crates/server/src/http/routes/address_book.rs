//! The address book of an administration (BOX-15, HD-04).
//!
//! Whoever has a role in the administration reads all of it, also where that is for a unit or a mailbox alone; who writes
//! it acts for the whole administration.

use axum::Json;
use axum::extract::{Path, State};
use sigillo_accounts::{Act, BookChange, BookEntry};
use sigillo_admin::api;
use sigillo_base::{Address, Said, TenantId, Timestamp, said};

use super::requests::Asking;
use super::tenants::living;
use super::{At, Fail, PAGE, Reply, address, alive, pages, work};
use crate::http::extract::{Params, Sent};
use crate::http::table::{On, Row, delete, get, patch, put};
use crate::provider::House;

const BOOK: &str = "/v1/tenants/{tenant}/address-book";
const ENTRY: &str = "/v1/tenants/{tenant}/address-book/{address}";
const READ: (Act, On) = (Act::AddressBookRead, On::Within);
const WRITE: (Act, On) = (Act::AddressBookWrite, On::Tenant);

pub(super) fn rows() -> Vec<Row> {
    vec![
        get(BOOK, READ, "a page of the address book of an administration", page),
        delete(BOOK, WRITE, "takes every entry out of an address book", clear),
        get(ENTRY, READ, "an entry of an address book", one),
        put(ENTRY, WRITE, "makes an entry of an address book, or replaces it", replace).silent(),
        patch(ENTRY, WRITE, "changes an entry of an address book, or makes it", change).silent(),
        delete(ENTRY, WRITE, "takes an entry out of an address book", remove),
    ]
}

async fn page(
    State(provider): At,
    Path(tenant): Path<u64>,
    Params(filter): Params<api::BookFilter>,
) -> Reply<api::AddressBook> {
    let tenant = TenantId(tenant);
    let read = move |engine: &House| {
        living(engine, tenant)?;
        let after = filter.after.as_deref().map(address).transpose()?;
        let most = filter.limit.unwrap_or(usize::MAX).clamp(1, api::ADDRESS_BOOK_LIMIT);
        let text = filter.text.map(|text| text.trim().to_lowercase());
        let more = |after: &Option<Address>| {
            let rows = engine.book_entries(tenant, after.as_ref(), PAGE)?;
            rows.into_iter().map(|row| Ok((Some(address(&row.address)?), row))).collect()
        };
        let show = |row: BookEntry| {
            if text.as_ref().is_some_and(|text| !row.matches(text)) {
                return Ok(None);
            }
            let own = engine.is_own(tenant, &address(&row.address)?)?;
            Ok(filter.own.is_none_or(|wanted| wanted == own).then(|| told(row, own)))
        };
        let (entries, next) = pages::page((after, most), more, show)?;
        Ok(api::AddressBook { entries, next: next.flatten().map(|after| after.to_string()) })
    };
    Ok(Json(work(&*alive(&provider)?, read).await?))
}

async fn one(State(provider): At, Path((tenant, name)): Path<(u64, String)>) -> Reply<api::BookEntry> {
    let tenant = TenantId(tenant);
    Ok(Json(work(&*alive(&provider)?, move |engine| found(engine, tenant, &address(&name)?)).await?))
}

async fn replace(
    at: At,
    Path(of): Path<(u64, String)>,
    asking: Asking,
    Sent(api::NewEntry { name, organisation, office, phone, note }): Sent<api::NewEntry>,
) -> Reply<api::BookEntry> {
    let (name, organisation, office) = (Some(name), Some(organisation), Some(office));
    let whole = BookChange { name, organisation, office, phone: Some(phone), note: Some(note) };
    write(at, of, asking, whole).await
}

async fn change(
    at: At,
    Path(of): Path<(u64, String)>,
    asking: Asking,
    Sent(api::EntryChange { name, organisation, office, phone, note }): Sent<api::EntryChange>,
) -> Reply<api::BookEntry> {
    write(at, of, asking, BookChange { name, organisation, office, phone, note }).await
}

async fn write(
    State(provider): At,
    (tenant, name): (u64, String),
    asking: Asking,
    change: BookChange,
) -> Reply<api::BookEntry> {
    let provider = alive(&provider)?;
    let (tenant, request) = (TenantId(tenant), asking.request(provider.clock.now())?);
    let set = move |engine: &House| {
        let of = address(&name)?;
        living(engine, tenant)?;
        if let Some((field, why)) = fault(engine, tenant, &of, &change)? {
            return Err(Fail::field(field, why));
        }
        engine.put_book_entry(tenant, &of, &change, &request)?;
        found(engine, tenant, &of)
    };
    Ok(Json(work(&provider, set).await?))
}

/// What would be wrong with an entry, if anything: a field and why. The engine looks again.
pub(super) fn fault(
    engine: &House,
    tenant: TenantId,
    of: &Address,
    change: &BookChange,
) -> Result<Option<(&'static str, Said)>, Fail> {
    let before = engine.book_entry(tenant, of)?.unwrap_or_default();
    Ok(change.of(&before).fault())
}

async fn remove(
    State(provider): At,
    Path((tenant, name)): Path<(u64, String)>,
    asking: Asking,
) -> Reply<api::BookEntry> {
    let provider = alive(&provider)?;
    let (tenant, request) = (TenantId(tenant), asking.request(provider.clock.now())?);
    let end = move |engine: &House| {
        let of = address(&name)?;
        let last = found(engine, tenant, &of)?;
        engine.remove_book_entry(tenant, &of, &request)?;
        Ok(last)
    };
    Ok(Json(work(&provider, end).await?))
}

async fn clear(State(provider): At, Path(tenant): Path<u64>, asking: Asking) -> Reply<api::Cleared> {
    let provider = alive(&provider)?;
    let (tenant, request) = (TenantId(tenant), asking.request(provider.clock.now())?);
    let end = move |engine: &House| {
        living(engine, tenant)?;
        Ok(api::Cleared { entries: engine.clear_address_book(tenant, &request)? })
    };
    Ok(Json(work(&provider, end).await?))
}

fn found(engine: &House, tenant: TenantId, of: &Address) -> Result<api::BookEntry, Fail> {
    living(engine, tenant)?;
    let missing = || Fail::missing(said!("{of} non è nella rubrica", "{of} is not in the address book"));
    let entry = engine.book_entry(tenant, of)?.ok_or_else(missing)?;
    Ok(told(entry, engine.is_own(tenant, of)?))
}

fn told(entry: BookEntry, own: bool) -> api::BookEntry {
    let BookEntry { address, name, organisation, office, phone, note, created, changed } = entry;
    let time = |ms| Timestamp::from_millis(ms).to_string();
    let (created, changed) = (time(created), time(changed));
    api::BookEntry { address, name, organisation, office, phone, note, own, created, changed }
}
