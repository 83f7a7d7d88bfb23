//! Administrations, their units, and what is theirs.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, patch, put};
use axum::{Extension, Json, Router};
use sigillo_accounts::{Act, Target, Tenant};
use sigillo_admin::api;
use sigillo_base::{Address, Domain, MailboxId, TenantId, Timestamp, UnitId};

use super::{At, Fail, Reply, address, alive, mailbox, work};
use crate::http::authority::Actor;
use crate::provider::House;

pub(super) fn router() -> Router<super::Provided> {
    Router::new()
        .route(api::TENANTS, get(tenants).post(add))
        .route("/v1/tenants/{tenant}", patch(change).delete(remove))
        .route("/v1/tenants/{tenant}/units", get(units).post(add_unit))
        .route("/v1/tenants/{tenant}/units/{unit}", delete(remove_unit))
        .route("/v1/domains/{name}/tenant", put(assign))
        .route("/v1/mailboxes/{address}/unit", put(set_unit))
}

async fn tenants(State(provider): At, Extension(actor): Extension<Actor>) -> Reply<api::Tenants> {
    let list = move |engine: &House| {
        let mut tenants = Vec::new();
        for (id, row) in engine.tenants()? {
            if actor.may(Act::TenantRead, &Target::tenant(id)) || sees_unit(&actor, engine, id)? {
                tenants.push(shown(engine, id, row)?);
            }
        }
        Ok(api::Tenants { tenants })
    };
    Ok(Json(work(&*alive(&provider)?, list).await?))
}

/// Who works for a unit sees its administration.
fn sees_unit(actor: &Actor, engine: &House, tenant: TenantId) -> Result<bool, Fail> {
    let units = engine.units(tenant)?;
    let of = |(unit, _): &(UnitId, _)| Target { unit: Some(*unit), ..Target::tenant(tenant) };
    Ok(units.iter().any(|unit| actor.may(Act::TenantRead, &of(unit))))
}

async fn add(
    State(provider): At,
    body: Result<Json<api::NewTenant>, JsonRejection>,
) -> Result<(StatusCode, Json<api::Tenant>), Fail> {
    let Json(api::NewTenant { name, code, contacts }) = body?;
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let make = move |engine: &House| {
        let id = engine.add_tenant(&name, &code, &addresses(&contacts)?, now)?;
        found(engine, id)
    };
    Ok((StatusCode::CREATED, Json(work(&provider, make).await?)))
}

async fn change(
    State(provider): At,
    Path(id): Path<u64>,
    body: Result<Json<api::TenantChange>, JsonRejection>,
) -> Reply<api::Tenant> {
    let Json(api::TenantChange { name, code, contacts }) = body?;
    let set = move |engine: &House| {
        let contacts = contacts.map(|all| addresses(&all)).transpose()?;
        engine.change_tenant(TenantId(id), |row| {
            row.name = name.clone().unwrap_or_else(|| row.name.clone());
            row.code = code.clone().unwrap_or_else(|| row.code.clone());
            if let Some(contacts) = &contacts {
                row.contacts = contacts.iter().map(|c| c.as_str().to_owned()).collect();
            }
        })?;
        found(engine, TenantId(id))
    };
    Ok(Json(work(&*alive(&provider)?, set).await?))
}

async fn remove(State(provider): At, Path(id): Path<u64>) -> Reply<api::Tenant> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let end = move |engine: &House| {
        let last = found(engine, TenantId(id))?;
        engine.remove_tenant(TenantId(id), now)?;
        Ok(last)
    };
    Ok(Json(work(&provider, end).await?))
}

async fn units(State(provider): At, Path(id): Path<u64>) -> Reply<api::Units> {
    Ok(Json(work(&*alive(&provider)?, move |engine| all_units(engine, TenantId(id))).await?))
}

async fn add_unit(
    State(provider): At,
    Path(id): Path<u64>,
    body: Result<Json<api::NewUnit>, JsonRejection>,
) -> Result<(StatusCode, Json<api::Unit>), Fail> {
    let Json(api::NewUnit { name }) = body?;
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let make = move |engine: &House| {
        let unit = engine.add_unit(TenantId(id), &name, now)?;
        Ok(api::Unit { id: unit.0, name: name.trim().to_owned() })
    };
    Ok((StatusCode::CREATED, Json(work(&provider, make).await?)))
}

async fn remove_unit(State(provider): At, Path((id, unit)): Path<(u64, u64)>) -> Reply<api::Units> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let end = move |engine: &House| {
        engine.remove_unit(TenantId(id), UnitId(unit), now)?;
        all_units(engine, TenantId(id))
    };
    Ok(Json(work(&provider, end).await?))
}

async fn assign(
    State(provider): At,
    Path(name): Path<String>,
    body: Result<Json<api::Owner>, JsonRejection>,
) -> Reply<api::Owner> {
    let Json(owner) = body?;
    let set = move |engine: &House| {
        let domain = Domain::parse(&name).map_err(|e| Fail::bad(format!("{name}: {e}")))?;
        engine.assign_domain(&domain, owner.tenant.map(TenantId))?;
        Ok(owner)
    };
    Ok(Json(work(&*alive(&provider)?, set).await?))
}

async fn set_unit(
    State(provider): At,
    Path(name): Path<String>,
    body: Result<Json<api::OfUnit>, JsonRejection>,
) -> Reply<api::OfUnit> {
    let Json(of) = body?;
    let set = move |engine: &House| {
        engine.set_unit(MailboxId(mailbox(engine, &name)?.id), of.unit.map(UnitId))?;
        Ok(of)
    };
    Ok(Json(work(&*alive(&provider)?, set).await?))
}

fn addresses(texts: &[String]) -> Result<Vec<Address>, Fail> {
    texts.iter().map(|text| address(text)).collect()
}

fn all_units(engine: &House, id: TenantId) -> Result<api::Units, Fail> {
    let units = engine.units(id)?.into_iter().map(|(id, row)| api::Unit { id: id.0, name: row.name });
    Ok(api::Units { units: units.collect() })
}

fn found(engine: &House, id: TenantId) -> Result<api::Tenant, Fail> {
    let row = engine.tenant(id)?.filter(|row| row.removed.is_none());
    shown(engine, id, row.ok_or_else(|| Fail::missing(format!("l'amministrazione {} non c'è", id.0)))?)
}

fn shown(engine: &House, id: TenantId, row: Tenant) -> Result<api::Tenant, Fail> {
    let mut domains = Vec::new();
    for domain in engine.domains() {
        if engine.owner(&domain)? == Some(id) {
            domains.push(domain.as_str().to_owned());
        }
    }
    let created = Timestamp::from_millis(row.created).to_string();
    Ok(api::Tenant { id: id.0, name: row.name, code: row.code, contacts: row.contacts, domains, created })
}
