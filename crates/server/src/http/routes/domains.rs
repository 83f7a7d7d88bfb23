//! Domains and distribution lists.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use sigillo_accounts::{Act, Target};
use sigillo_admin::api;
use sigillo_base::{Address, Domain, Tell, UnitId};
use sigillo_engine::{DomainPolicy, List, NewList};
use sigillo_pec::ReceiptKind;

use super::requests::Asking;
use super::{At, Fail, PAGE, Reply, address, alive, not_among, pages, sees, work};
use crate::http::actor::Actor;
use crate::http::extract::{Params, Sent};
use crate::http::named::Named;
use crate::http::table::{On, Row, delete, get, patch, put};
use crate::provider::House;

pub(super) fn rows() -> Vec<Row> {
    vec![
        get(api::DOMAINS, (Act::DomainRead, On::Each), "the domains", domains),
        get("/v1/domains/{name}", (Act::DomainRead, On::Domain), "a domain", one_domain),
        patch("/v1/domains/{name}", (Act::DomainWrite, On::Domain), "changes the choices of a domain", change_domain),
        get(api::LISTS, (Act::ListRead, On::Each), "the distribution lists", lists),
        get("/v1/lists/{address}", (Act::ListRead, On::Address), "a distribution list", one_list),
        put(
            "/v1/lists/{address}",
            (Act::ListMembers, On::Handler),
            "makes a list, or gives it other members",
            set_list,
        ),
        delete("/v1/lists/{address}", (Act::ListWrite, On::Address), "cancels a list", cancel_list),
        delete("/v1/lists/{address}/cancellation", (Act::ListWrite, On::Address), "calls a list back", undelete_list),
        put("/v1/lists/{address}/unit", (Act::UnitWrite, On::Address), "says of which unit a list is", set_list_unit),
    ]
}

async fn domains(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Params(asked): Params<api::Listing>,
) -> Reply<api::Domains> {
    let provider = alive(&provider)?;
    let list = move |engine: &House| {
        let most = pages::most(&asked)?;
        let mut seen = Vec::new();
        for domain in engine.domains() {
            if actor.may(Act::DomainRead, &Target { tenant: engine.owner(&domain)?, ..Target::SERVICE }) {
                seen.push((domain.as_str().to_owned(), domain));
            }
        }
        let (page, next) = pages::page_of((asked.after.unwrap_or_default(), most), seen);
        let domains = page.iter().map(|domain| shown(engine, domain)).collect::<Result<_, _>>()?;
        Ok(api::Domains { domains, next })
    };
    Ok(Json(work(&provider, list).await?))
}

async fn one_domain(State(provider): At, Path(name): Path<String>) -> Reply<api::Domain> {
    let read = move |engine: &House| {
        let domain = Domain::parse(&name).map_err(|e| Fail::bad(e.said().about(&name)))?;
        if !engine.domains().contains(&domain) {
            return Err(Named::Domain(domain.as_str()).missing());
        }
        shown(engine, &domain)
    };
    Ok(Json(work(&*alive(&provider)?, read).await?))
}

async fn change_domain(
    State(provider): At,
    Path(name): Path<String>,
    Sent(change): Sent<api::DomainChange>,
) -> Reply<api::Domain> {
    let provider = alive(&provider)?;
    let set = move |engine: &House| {
        let domain = Domain::parse(&name).map_err(|e| Fail::bad(e.said().about(&name)))?;
        let mut policy = engine.domain_policy(&domain)?;
        if let Some(word) = change.receipt {
            let unknown = || {
                Fail::field("receipt", not_among(&word, "completa, breve o sintetica", "completa, breve or sintetica"))
            };
            policy.receipt = Some(ReceiptKind::parse(&word).ok_or_else(unknown)?);
        }
        let DomainPolicy { certified_only, receipt_to_recipient, holder_reads_log, .. } = &mut policy;
        let choices = [
            (certified_only, change.certified_only),
            (receipt_to_recipient, change.receipt_to_recipient),
            (holder_reads_log, change.holder_reads_log),
        ];
        for (choice, wanted) in choices {
            *choice = wanted.unwrap_or(*choice);
        }
        engine.set_domain_policy(&domain, &policy)?;
        shown(engine, &domain)
    };
    Ok(Json(work(&provider, set).await?))
}

fn shown(engine: &House, domain: &Domain) -> Result<api::Domain, Fail> {
    let policy = engine.domain_policy(domain)?;
    Ok(api::Domain {
        name: domain.as_str().to_owned(),
        receipt: policy.receipt.unwrap_or(ReceiptKind::Complete).as_str().to_owned(),
        certified_only: policy.certified_only,
        receipt_to_recipient: policy.receipt_to_recipient,
        holder_reads_log: policy.holder_reads_log,
    })
}

async fn lists(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Params(asked): Params<api::Listing>,
) -> Reply<api::Lists> {
    let provider = alive(&provider)?;
    let all = move |engine: &House| {
        let after = asked.after.as_deref().map(address).transpose()?;
        let more = |after: &Option<Address>| {
            let rows = engine.lists(after.as_ref(), PAGE)?;
            Ok(rows.into_iter().map(|list| (Some(list.address.clone()), list)).collect())
        };
        let show = |list: List| {
            let seen = sees(&actor, engine, Act::ListRead, list.address.as_str())?;
            seen.then(|| as_reply(engine, list)).transpose()
        };
        let (lists, next) = pages::page((after, pages::most(&asked)?), more, show)?;
        Ok(api::Lists { lists, next: next.flatten().map(|after| after.to_string()) })
    };
    Ok(Json(work(&provider, all).await?))
}

async fn one_list(State(provider): At, Path(name): Path<String>) -> Reply<api::List> {
    Ok(Json(work(&*alive(&provider)?, move |engine| found(engine, &address(&name)?)).await?))
}

fn as_reply(engine: &House, list: List) -> Result<api::List, Fail> {
    let members = list.members.iter().map(Address::to_string).collect();
    let unit = engine.target(&list.address)?.unit.map(|unit| unit.0);
    let cancelled_until = list.cancelled_until.map(|until| until.to_string());
    let state = if cancelled_until.is_some() { "cancelled" } else { "active" };
    let (address, created) = (list.address.to_string(), list.created.to_string());
    Ok(api::List { address, members, created, unit, state: state.to_owned(), cancelled_until })
}

async fn set_list(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    asking: Asking,
    Sent(api::Members { members, unit }): Sent<api::Members>,
) -> Reply<api::List> {
    let provider = alive(&provider)?;
    let request = asking.request(provider.clock.now())?;
    let set = move |engine: &House| {
        let list = address(&name)?;
        let target = engine.target(&list)?;
        let to = unit.map_or(target, |unit| Target { unit: Some(UnitId(unit)), ..target });
        may_put(&actor, engine, &list, to)?;
        let members = members.iter().map(|m| address(m)).collect::<Result<Vec<_>, _>>()?;
        let unit = unit.map(|unit| Some(UnitId(unit)));
        engine.put_list(&NewList { address: list.clone(), members, unit }, &request)?;
        found(engine, &list)
    };
    Ok(Json(work(&provider, set).await?))
}

/// Refuses who may not make this list, or change it, so that it is `to` somebody.
pub(super) fn may_put(actor: &Actor, engine: &House, list: &Address, to: Target) -> Result<(), Fail> {
    let (target, there) = (engine.target(list)?, engine.find_list(list)?.is_some());
    if there || !actor.may(Act::ListWrite, &to) {
        Named::List(list.as_str()).need_seen(engine, actor)?;
    }
    if there {
        // Its members are one thing, that there is one another (HD-04, HD-06); where it goes a third.
        actor.need(Act::ListMembers, &target)?;
        return if to == target { Ok(()) } else { actor.need(Act::UnitWrite, &Target { unit: None, ..target }) };
    }
    actor.need(Act::ListWrite, &to)
}

async fn set_list_unit(
    State(provider): At,
    Path(name): Path<String>,
    asking: Asking,
    Sent(of): Sent<api::OfUnit>,
) -> Reply<api::OfUnit> {
    let provider = alive(&provider)?;
    let request = asking.request(provider.clock.now())?;
    let set = move |engine: &House| {
        let address = address(&name)?;
        engine.find_list(&address)?.ok_or_else(|| Named::List(address.as_str()).missing())?;
        engine.set_list_unit(&address, of.unit.map(UnitId), &request)?;
        Ok(of)
    };
    Ok(Json(work(&provider, set).await?))
}

async fn cancel_list(at: At, name: Path<String>, asking: Asking) -> Reply<api::List> {
    end_list(at, name, asking, true).await
}

async fn undelete_list(at: At, name: Path<String>, asking: Asking) -> Reply<api::List> {
    end_list(at, name, asking, false).await
}

async fn end_list(State(provider): At, Path(name): Path<String>, asking: Asking, ends: bool) -> Reply<api::List> {
    let provider = alive(&provider)?;
    let request = asking.request(provider.clock.now())?;
    let set = move |engine: &House| {
        let list = address(&name)?;
        found(engine, &list)?;
        if ends {
            engine.cancel_list(&list, &request)?;
        } else {
            engine.undelete_list(&list, &request)?;
        }
        found(engine, &list)
    };
    Ok(Json(work(&provider, set).await?))
}

fn found(engine: &House, list: &Address) -> Result<api::List, Fail> {
    let missing = || Named::List(list.as_str()).missing();
    as_reply(engine, engine.find_list(list)?.ok_or_else(missing)?)
}
