//! What an administration is given of accesses and of administrative acts that concern it (ACC-03, AUD-02, AUD-03).

use axum::Json;
use axum::extract::{Path, State};
use data_encoding::HEXLOWER;
use sigillo_accounts::{Act, Mailbox, PersonName};
use sigillo_admin::api;
use sigillo_base::{Address, Domain, MailboxId, TenantId, Timestamp};
use sigillo_engine::{Access, AccessSeal, access_line};
use sigillo_pec::log::{Entry, Service, ServiceEvent};

use super::{At, Fail, Reply, alive, persons, work};
use crate::http::extract::Params;
use crate::http::table::{On, Row, get};
use crate::legal_log;
use crate::provider::House;

/// Accesses, lines and mailboxes that one page looks at.
const PAGE: usize = 1_000;

const READ: (Act, On) = (Act::LogRead, On::Tenant);

pub(super) fn rows() -> Vec<Row> {
    vec![
        get("/v1/tenants/{tenant}/accesses", READ, "a page of the accesses of a month to all mailboxes", accesses),
        get("/v1/tenants/{tenant}/acts", READ, "a page of the administrative acts of a month that concern it", acts),
    ]
}

async fn accesses(
    State(provider): At,
    Path(tenant): Path<u64>,
    Params(asked): Params<api::OfMonth>,
) -> Reply<api::TenantAccesses> {
    let read = move |engine: &House| {
        let period = month(&asked.month)?;
        let (mut after, mut within) = asked.after.as_deref().map_or(Ok((0, None)), place)?;
        let mut page = api::TenantAccesses::default();
        if asked.after.is_none() {
            let told = |(day, seal): (String, AccessSeal)| {
                let AccessSeal { rows, sha256, line } = seal;
                api::AccessSeal { day, rows, sha256, line }
            };
            page.seals = engine.access_seals(TenantId(tenant), period)?.into_iter().map(told).collect();
        }
        for row in engine.mailboxes(MailboxId(after), PAGE)? {
            let spans = spans(engine, &row, TenantId(tenant), period)?;
            for span in &spans {
                let room = PAGE.saturating_sub(page.accesses.len()).max(1);
                let (found, more) = engine.accesses(MailboxId(row.id), *span, within.as_deref(), room)?;
                let of_box = |access: Access| api::MailboxAccess {
                    mailbox: row.address.clone(),
                    line: access_line(&row.address, &access),
                    access: persons::told(access),
                };
                page.accesses.extend(found.into_iter().map(of_box));
                if let Some(more) = more {
                    page.next = Some(format!("{after}.{}", HEXLOWER.encode(&more)));
                    return Ok(page);
                }
            }
            (after, within) = (row.id, None);
            page.mailboxes.extend((!spans.is_empty()).then_some(row.address));
        }
        let more = !engine.mailboxes(MailboxId(after), 1)?.is_empty();
        page.next = more.then(|| format!("{after}."));
        Ok(page)
    };
    Ok(Json(work(&*alive(&provider)?, read).await?))
}

/// The mailbox behind which a page begins, and the access of the next one.
fn place(after: &str) -> Result<(u64, Option<Vec<u8>>), Fail> {
    let parts = after.split_once('.').and_then(|(number, key)| {
        Some((number.parse().ok()?, HEXLOWER.decode(key.as_bytes()).ok().filter(|key| !key.is_empty())))
    });
    parts.ok_or_else(|| Fail::field("after", "non è di una risposta di prima"))
}

/// When of a period a mailbox was an administration's: what was then is told to it, whosever the mailbox is today.
fn spans(
    engine: &House,
    row: &Mailbox,
    tenant: TenantId,
    period: (Timestamp, Timestamp),
) -> Result<Vec<(Timestamp, Timestamp)>, Fail> {
    let Ok(address) = Address::parse(&row.address) else { return Ok(Vec::new()) };
    Ok(engine.owners(address.domain())?.spans(Some(tenant), period))
}

async fn acts(State(provider): At, Path(tenant): Path<u64>, Params(asked): Params<api::OfMonth>) -> Reply<api::Acts> {
    let read = move |engine: &House| {
        let (from, to) = month(&asked.month)?;
        let after = legal_log::place(asked.after.as_deref())?;
        let found = engine.log_between(from, to, after, PAGE)?;
        let next = found.last().filter(|_| found.len() == PAGE).map(|logged| logged.place.to_string());
        let mut acts = Vec::new();
        for logged in found {
            if let Ok(Entry::Service(Service { at, event, .. })) = Entry::parse_line(&logged.line)
                && let Some(act) = concerning(engine, TenantId(tenant), at, event, logged.line)?
            {
                acts.push(act);
            }
        }
        let segments = if after.is_none() { legal_log::segments_of(&engine.ledger(), from, to)? } else { Vec::new() };
        Ok(api::Acts { acts, segments, next })
    };
    Ok(Json(work(&*alive(&provider)?, read).await?))
}

/// An administrative act, if it concerns this administration: what is its, or who did it.
fn concerning(
    engine: &House,
    tenant: TenantId,
    at: Timestamp,
    event: ServiceEvent,
    line: String,
) -> Result<Option<api::AdminAct>, Fail> {
    let ServiceEvent::Admin { act, stage, by, method, object, token, from, content } = event else { return Ok(None) };
    // Who is given a domain learns of it, and who had it.
    let owner = || serde_json::from_str::<api::Owner>(content.as_deref()?).ok();
    let given = || object.starts_with("/v1/domains/") && owner().is_some_and(|to| to.tenant == Some(tenant.0));
    if !touches(engine, tenant, at, &object)? && !is_person_of(engine, tenant, &by)? && !given() {
        return Ok(None);
    }
    let stage = stage.as_str().to_owned();
    Ok(Some(api::AdminAct { at: at.to_string(), by, token, from, act, stage, method, object, content, line }))
}

/// Whether a path leads to what is of an administration, by whose it was then.
fn touches(engine: &House, tenant: TenantId, at: Timestamp, path: &str) -> Result<bool, Fail> {
    let mut parts = path.trim_start_matches("/v1/").split('/');
    let (Some(kind), Some(name)) = (parts.next(), parts.next()) else { return Ok(false) };
    let name = unescaped(name);
    let owns = |domain: &Domain| Ok::<_, Fail>(engine.owners(domain)?.at(at) == Some(tenant));
    match kind {
        "tenants" => Ok(name.parse() == Ok(tenant.0)),
        "domains" => Domain::parse(&name).map_or(Ok(false), |domain| owns(&domain)),
        "mailboxes" | "lists" => Address::parse(&name).map_or(Ok(false), |address| owns(address.domain())),
        "persons" => is_person_of(engine, tenant, &name),
        _ => Ok(false),
    }
}

fn is_person_of(engine: &House, tenant: TenantId, login: &str) -> Result<bool, Fail> {
    let Ok(name) = PersonName::parse(login) else { return Ok(false) };
    Ok(engine.person(&name)?.is_some_and(|(_, person)| person.tenant == Some(tenant.0)))
}

/// A part of a path as it was before it was escaped (RFC 3986 §2.1); what is no text is nobody's name.
fn unescaped(part: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), part.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let escaped = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// From the first instant of a legal month to the end of its last.
fn month(text: &str) -> Result<(Timestamp, Timestamp), Fail> {
    let bad = || Fail::field("month", format!("«{text}» non è un mese: scrivere AAAA-MM"));
    if text.len() != 7 {
        return Err(bad());
    }
    let (from, _) = Timestamp::legal_day(&format!("{text}-01")).ok_or_else(bad)?;
    let last = (28..=31).rev().find_map(|day| Timestamp::legal_day(&format!("{text}-{day}")));
    Ok((from, last.ok_or_else(bad)?.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_as_long_as_it_is_and_an_escaped_name_is_itself() {
        let days = |text: &str| month(text).map(|(from, to)| (to.as_secs() - from.as_secs()) / 3600).ok();
        assert_eq!((days("2026-02"), days("2028-02"), days("2026-11")), (Some(28 * 24), Some(29 * 24), Some(30 * 24)));
        assert_eq!((days("2026-03"), days("2026-10")), (Some(31 * 24 - 1), Some(31 * 24 + 1)), "summer time");
        assert_eq!((days("2026-13"), days("2026-1"), days("2026-11-01"), days("")), (None, None, None, None));
        assert_eq!(unescaped("a%2Bb@comune.example"), "a+b@comune.example");
        assert_eq!(
            (unescaped("100%"), unescaped("%zz"), unescaped("%ff")),
            ("100%".into(), "%zz".into(), String::new())
        );
    }
}
