//! Which administration something concerns, by its path or by who does it: whose records of it are (AUD-03).

use sigillo_accounts::PersonName;
use sigillo_admin::api;
use sigillo_base::{Address, Domain, TenantId, Timestamp};
use sigillo_pec::log::Entry;

use super::fail::Fail;
use crate::provider::House;

/// Whose it is that a path leads to, by who had it then; `None`: nobody's, or more than one's.
pub(super) fn of_path(engine: &House, path: &str, at: Timestamp) -> Result<Option<TenantId>, Fail> {
    let mut parts = path.trim_start_matches("/v1/").split('/');
    let (Some(kind), Some(name)) = (parts.next(), parts.next()) else { return Ok(None) };
    // What is no text is nobody's name.
    let name = api::unescaped(name).unwrap_or_default();
    match kind {
        "tenants" => Ok(name.parse().ok().filter(|number| *number > 0).map(TenantId)),
        "domains" => Domain::parse(&name).map_or(Ok(None), |domain| of_domain(engine, &domain, at)),
        "mailboxes" | "lists" => of_address(engine, &name, at),
        "persons" => of_person(engine, &name),
        _ => Ok(None),
    }
}

/// Whose a domain was.
pub(super) fn of_domain(engine: &House, domain: &Domain, at: Timestamp) -> Result<Option<TenantId>, Fail> {
    Ok(engine.owners(domain)?.at(at))
}

/// Whose an address was; of what is no address: nobody's.
pub(super) fn of_address(engine: &House, address: &str, at: Timestamp) -> Result<Option<TenantId>, Fail> {
    Address::parse(address).map_or(Ok(None), |address| of_domain(engine, address.domain(), at))
}

/// Whose a message is, by the first line of the log about it: its sender's, and its recipients'.
pub(super) fn of_message(engine: &House, id: &str) -> Result<Vec<Option<TenantId>>, Fail> {
    let first = engine.ledger().of(id, None, 1)?.pop();
    let Some(Ok(Entry::Event(record))) = first.map(|logged| Entry::parse_line(&logged.line)) else {
        return Ok(Vec::new());
    };
    let recipients = record.recipients.iter().map(|recipient| recipient.address.as_str());
    let mut domains: Vec<_> = [record.sender.as_str()]
        .into_iter()
        .chain(recipients)
        .filter_map(|address| Some(Address::parse(address).ok()?.domain().clone()))
        .collect();
    domains.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    domains.dedup();
    domains.iter().map(|domain| of_domain(engine, domain, record.at)).collect()
}

/// To which administration somebody belongs.
pub(super) fn of_person(engine: &House, login: &str) -> Result<Option<TenantId>, Fail> {
    let Ok(name) = PersonName::parse(login) else { return Ok(None) };
    Ok(engine.person(&name)?.and_then(|(_, person)| person.tenant.map(TenantId)))
}
