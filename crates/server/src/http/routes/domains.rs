//! Domains and distribution lists.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::routing::{get, patch, put};
use axum::{Extension, Json, Router};
use sigillo_accounts::{Act, Target};
use sigillo_admin::api;
use sigillo_base::{Address, Domain};
use sigillo_engine::{DomainPolicy, List};
use sigillo_pec::ReceiptKind;

use super::{At, Fail, PAGE, Reply, address, alive, sees, work};
use crate::http::authority::Actor;
use crate::provider::House;

pub(super) fn router() -> Router<super::Provided> {
    Router::new()
        .route(api::DOMAINS, get(domains))
        .route("/v1/domains/{name}", patch(change_domain))
        .route(api::LISTS, get(lists))
        .route("/v1/lists/{address}", put(set_list).delete(remove_list))
}

async fn domains(State(provider): At, Extension(actor): Extension<Actor>) -> Reply<api::Domains> {
    let provider = alive(&provider)?;
    let list = move |engine: &House| {
        let mut domains = Vec::new();
        for domain in engine.domains() {
            if actor.may(Act::DomainRead, &Target { tenant: engine.owner(&domain)?, ..Target::SERVICE }) {
                domains.push(shown(engine, &domain)?);
            }
        }
        Ok(api::Domains { domains })
    };
    Ok(Json(work(&provider, list).await?))
}

async fn change_domain(
    State(provider): At,
    Path(name): Path<String>,
    body: Result<Json<api::DomainChange>, JsonRejection>,
) -> Reply<api::Domain> {
    let Json(change) = body?;
    let provider = alive(&provider)?;
    let set = move |engine: &House| {
        let domain = Domain::parse(&name).map_err(|e| Fail::bad(format!("{name}: {e}")))?;
        let mut policy = engine.domain_policy(&domain)?;
        if let Some(word) = change.receipt {
            let unknown = || Fail::bad(format!("receipt: «{word}» non è completa, breve o sintetica"));
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

async fn lists(State(provider): At, Extension(actor): Extension<Actor>) -> Reply<api::Lists> {
    let provider = alive(&provider)?;
    let all = move |engine: &House| {
        let (mut lists, mut after) = (Vec::new(), None);
        loop {
            let page = engine.lists(after.as_ref(), PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.address.clone());
            for list in page {
                if sees(&actor, engine, Act::ListRead, list.address.as_str())? {
                    lists.push(as_reply(list));
                }
            }
        }
        Ok(api::Lists { lists })
    };
    Ok(Json(work(&provider, all).await?))
}

fn as_reply(list: List) -> api::List {
    let members = list.members.iter().map(Address::to_string).collect();
    api::List { address: list.address.to_string(), members, created: list.created.to_string() }
}

async fn set_list(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    body: Result<Json<api::Members>, JsonRejection>,
) -> Reply<api::List> {
    let Json(api::Members { members }) = body?;
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let set = move |engine: &House| {
        let list = address(&name)?;
        // Its members are one thing, that there is one another (HD-04, HD-06).
        let act = if engine.find_list(&list)?.is_some() { Act::ListMembers } else { Act::ListWrite };
        actor.need(act, &engine.target(&list)?)?;
        let members = members.iter().map(|m| address(m)).collect::<Result<Vec<_>, _>>()?;
        engine.set_list(&list, &members, now)?;
        found(engine, &list)
    };
    Ok(Json(work(&provider, set).await?))
}

async fn remove_list(State(provider): At, Path(name): Path<String>) -> Reply<api::List> {
    let provider = alive(&provider)?;
    let remove = move |engine: &House| {
        let list = found(engine, &address(&name)?)?;
        engine.remove_list(&address(&name)?)?;
        Ok(list)
    };
    Ok(Json(work(&provider, remove).await?))
}

fn found(engine: &House, list: &Address) -> Result<api::List, Fail> {
    let missing = || Fail::missing(format!("la lista {list} non c'è"));
    engine.find_list(list)?.map(as_reply).ok_or_else(missing)
}
