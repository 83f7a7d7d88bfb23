//! What an administration is given of accesses and of administrative acts that concern it (ACC-03, AUD-02, AUD-03).

use std::net::IpAddr;

use axum::Json;
use axum::extract::{Path, State};
use data_encoding::HEXLOWER;
use sigillo_accounts::{Act, Mailbox};
use sigillo_admin::api;
use sigillo_base::{Address, MailboxId, TenantId, Timestamp, said};
use sigillo_engine::{Access, AccessSeal, Reading, Register, access_line, reading_line};
use sigillo_pec::log::{Custody, Entry, ServiceEvent};

use super::{At, Fail, Reply, alive, no_place, persons, work};
use crate::http::extract::Params;
use crate::http::named;
use crate::http::table::{On, Row, get};
use crate::legal_log;
use crate::provider::House;

/// Accesses, lines and mailboxes that one page looks at.
const PAGE: usize = 1_000;

/// Behind all mailboxes: names that none has.
const BEHIND: u64 = u64::MAX;

const READ: (Act, On) = (Act::LogRead, On::Tenant);

pub(super) fn rows() -> Vec<Row> {
    vec![
        get("/v1/tenants/{tenant}/accesses", READ, "a page of the accesses of a month to all mailboxes", accesses),
        get("/v1/tenants/{tenant}/acts", READ, "a page of the administrative acts of a month that concern it", acts),
        get(
            "/v1/tenants/{tenant}/readings",
            READ,
            "a page of what was read of it, or by its own, in a month",
            readings,
        ),
    ]
}

/// The administration of this number; 0 is the provider itself.
fn whose(number: u64) -> Option<TenantId> {
    (number > 0).then_some(TenantId(number))
}

async fn accesses(
    State(provider): At,
    Path(tenant): Path<u64>,
    Params(asked): Params<api::OfMonth>,
) -> Reply<api::TenantAccesses> {
    let tenant = whose(tenant);
    let read = move |engine: &House| {
        let period = month(&asked.month)?;
        let (mut after, mut within) = asked.after.as_deref().map_or(Ok((0, None)), place)?;
        let mut page = api::TenantAccesses::default();
        if asked.after.is_none() {
            page.seals = seals(engine, tenant, Register::Accesses, period)?;
        }
        for row in engine.mailboxes(MailboxId(after), PAGE)? {
            let spans = spans(engine, &row, tenant, period)?;
            for span in &spans {
                let room = PAGE.saturating_sub(page.accesses.len()).max(1);
                let (found, more) = engine.accesses(MailboxId(row.id), *span, within.as_deref(), room)?;
                page.accesses.extend(found.into_iter().map(|access| as_access(row.address.clone(), access)));
                if let Some(more) = more {
                    page.next = Some(format!("{after}.{}", HEXLOWER.encode(&more)));
                    return Ok(page);
                }
            }
            (after, within) = (row.id, None);
            page.mailboxes.extend((!spans.is_empty()).then_some(row.address));
        }
        if !engine.mailboxes(MailboxId(after), 1)?.is_empty() {
            page.next = Some(format!("{after}."));
            return Ok(page);
        }
        let room = PAGE.saturating_sub(page.accesses.len()).max(1);
        let (found, more) = engine.strangers(tenant, period, within.as_deref(), room)?;
        page.accesses.extend(found.into_iter().map(|(name, access)| as_access(name, access)));
        page.next = more.map(|more| format!("{BEHIND}.{}", HEXLOWER.encode(&more)));
        Ok(page)
    };
    Ok(Json(work(&*alive(&provider)?, read).await?))
}

fn as_access(mailbox: String, access: Access) -> api::MailboxAccess {
    api::MailboxAccess { line: access_line(&mailbox, &access), mailbox, access: persons::told(access) }
}

/// What the legal log says of the days of a period that are over.
fn seals(
    engine: &House,
    tenant: Option<TenantId>,
    register: Register,
    period: (Timestamp, Timestamp),
) -> Result<Vec<api::AccessSeal>, Fail> {
    let told = |(day, seal): (String, AccessSeal)| {
        let AccessSeal { rows, sha256, line } = seal;
        api::AccessSeal { day, rows, sha256, line }
    };
    Ok(engine.access_seals(tenant, register, period)?.into_iter().map(told).collect())
}

async fn readings(
    State(provider): At,
    Path(tenant): Path<u64>,
    Params(asked): Params<api::OfMonth>,
) -> Reply<api::Readings> {
    let tenant = whose(tenant);
    let read = move |engine: &House| {
        let period = month(&asked.month)?;
        let after = asked.after.as_deref().map(|after| HEXLOWER.decode(after.as_bytes())).transpose();
        let after = after.map_err(|_| no_place())?;
        let (found, next) = engine.readings(tenant, period, after.as_deref(), PAGE)?;
        let seals = match after {
            None => seals(engine, tenant, Register::Readings, period)?,
            Some(_) => Vec::new(),
        };
        let acts = found.into_iter().map(as_act).collect();
        Ok(api::Readings { acts, seals, next: next.map(|key| HEXLOWER.encode(&key)) })
    };
    Ok(Json(work(&*alive(&provider)?, read).await?))
}

/// What somebody has read, beside what is changed.
fn as_act(reading: Reading) -> api::AdminAct {
    let line = reading_line(&reading);
    let Reading { at, by, token, from, act, object, status } = reading;
    api::AdminAct {
        at: at.to_string(),
        by,
        token,
        from: from.map(|from| from.to_string()),
        act,
        stage: format!("lettura {status}"),
        method: "GET".to_owned(),
        object,
        content: None,
        line,
    }
}

/// The mailbox behind which a page begins, and the access of the next one.
fn place(after: &str) -> Result<(u64, Option<Vec<u8>>), Fail> {
    let parts = after.split_once('.').and_then(|(number, key)| {
        Some((number.parse().ok()?, HEXLOWER.decode(key.as_bytes()).ok().filter(|key| !key.is_empty())))
    });
    parts.ok_or_else(no_place)
}

/// When of a period a mailbox was an administration's: what was then is told to it, whosever the mailbox is today.
fn spans(
    engine: &House,
    row: &Mailbox,
    tenant: Option<TenantId>,
    period: (Timestamp, Timestamp),
) -> Result<Vec<(Timestamp, Timestamp)>, Fail> {
    let Ok(address) = Address::parse(&row.address) else { return Ok(Vec::new()) };
    Ok(engine.owners(address.domain())?.spans(tenant, period))
}

async fn acts(State(provider): At, Path(tenant): Path<u64>, Params(asked): Params<api::OfMonth>) -> Reply<api::Acts> {
    let tenant = whose(tenant);
    let read = move |engine: &House| {
        let (from, to) = month(&asked.month)?;
        let after = legal_log::place(asked.after.as_deref())?;
        let found = engine.log_between(from, to, after, PAGE)?;
        let next = found.last().filter(|_| found.len() == PAGE).map(|logged| logged.place.to_string());
        let mut acts = Vec::new();
        for logged in found {
            if let Ok(Entry::Service(service)) = Entry::parse_line(&logged.line)
                && engine.concerned(&service, named::asked)?.contains(&tenant)
            {
                acts.extend(Told::of(service.event).map(|told| told.on(service.at, logged.line)));
            }
        }
        let segments = if after.is_none() { legal_log::segments_of(&engine.ledger(), from, to)? } else { Vec::new() };
        Ok(api::Acts { acts, segments, next })
    };
    Ok(Json(work(&*alive(&provider)?, read).await?))
}

/// Who does what nobody has asked for.
const SERVICE: &str = "gestore";

/// A credential of a mailbox, as one logs in with it.
fn login(address: &str, credential: &str) -> String {
    if credential.is_empty() { address.to_owned() } else { format!("{address}/{credential}") }
}

/// What is told of an event beside its time and line.
struct Told {
    by: String,
    token: Option<String>,
    from: Option<String>,
    act: String,
    stage: String,
    method: String,
    object: String,
    content: Option<String>,
}

impl Told {
    /// What is told of an event; `None` of what the service does by itself.
    fn of(event: ServiceEvent) -> Option<Self> {
        Some(match event {
            ServiceEvent::Admin { act, stage, by, method, object, token, from, content } => {
                Self { by, token, from, act, stage: stage.as_str().to_owned(), method, object, content }
            }
            ServiceEvent::PersonProof { what, person, token, by } => {
                Self { token, ..Self::proof(what.as_str(), person, by) }
            }
            ServiceEvent::Proof { what, address, credential, by } => {
                Self::proof(what.as_str(), login(&address, &credential), by)
            }
            ServiceEvent::Rehashed { address, credential, scheme } => {
                let who = login(&address, &credential);
                Self { content: Some(scheme), ..Self::new("PEC_Credential", "aggiornata", who.clone(), who) }
            }
            ServiceEvent::Queue { what, id, by, why, .. } => {
                Self { content: Some(why), ..Self::new("PEC_Queue", what.as_str(), by, id) }
            }
            ServiceEvent::Quarantine { what, id, why } => {
                let by = if what == Custody::Read { why.clone() } else { SERVICE.to_owned() };
                Self { content: Some(why), ..Self::new("PEC_Quarantine", what.as_str(), by, id) }
            }
            ServiceEvent::Open { .. }
            | ServiceEvent::Close { .. }
            | ServiceEvent::IndexUpdate(_)
            | ServiceEvent::Configured { .. }
            | ServiceEvent::Clock(_)
            | ServiceEvent::Accesses { .. } => return None,
        })
    }

    /// The act, by its time and line.
    fn on(self, at: Timestamp, line: String) -> api::AdminAct {
        let Self { by, token, from, act, stage, method, object, content } = self;
        api::AdminAct { at: at.to_string(), by, token, from, act, stage, method, object, content, line }
    }

    fn new(act: &str, stage: &str, by: String, object: String) -> Self {
        let (act, stage) = (act.to_owned(), stage.to_owned());
        Self { by, token: None, from: None, act, stage, method: String::new(), object, content: None }
    }

    /// Of somebody's means to prove himself: he did it himself from an address, or somebody else did.
    fn proof(stage: &str, who: String, by: String) -> Self {
        if by.parse::<IpAddr>().is_ok() {
            return Self { from: Some(by), ..Self::new("PEC_Credential", stage, who.clone(), who) };
        }
        Self::new("PEC_Credential", stage, by, who)
    }
}

/// From the first instant of a legal month to the end of its last.
fn month(text: &str) -> Result<(Timestamp, Timestamp), Fail> {
    let bad = || {
        Fail::field("month", said!("«{text}» non è un mese: scrivere AAAA-MM", "“{text}” is no month: write YYYY-MM"))
    };
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
    fn a_month_is_as_long_as_it_is() {
        let days = |text: &str| month(text).map(|(from, to)| (to.as_secs() - from.as_secs()) / 3600).ok();
        assert_eq!((days("2026-02"), days("2028-02"), days("2026-11")), (Some(28 * 24), Some(29 * 24), Some(30 * 24)));
        assert_eq!((days("2026-03"), days("2026-10")), (Some(31 * 24 - 1), Some(31 * 24 + 1)), "summer time");
        assert_eq!((days("2026-13"), days("2026-1"), days("2026-11-01"), days("")), (None, None, None, None));
    }
}
