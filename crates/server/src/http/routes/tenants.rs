//! Administrations, their units, and what is theirs.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use sigillo_accounts::{Act, Target, Tenant};
use sigillo_admin::api;
use sigillo_base::{Address, Domain, TenantId, Timestamp, UnitId};
use sigillo_engine::Change;

use super::requests::Asking;
use super::{At, Fail, Reply, address, alive, work};
use crate::http::authority::{Actor, denied};
use crate::http::extract::Sent;
use crate::http::table::{On, Row, delete, get, patch, post, put};
use crate::provider::House;

pub(super) fn rows() -> Vec<Row> {
    vec![
        get(api::TENANTS, (Act::TenantRead, On::Each), "the administrations", tenants),
        post(api::TENANTS, (Act::TenantWrite, On::Service), "takes in an administration", add),
        get("/v1/tenants/{tenant}", (Act::TenantRead, On::Handler), "an administration", one),
        patch("/v1/tenants/{tenant}", (Act::TenantWrite, On::Service), "changes an administration", change),
        delete("/v1/tenants/{tenant}", (Act::TenantWrite, On::Service), "ends an administration", remove),
        get("/v1/tenants/{tenant}/units", (Act::TenantRead, On::Tenant), "the units of an administration", units),
        post("/v1/tenants/{tenant}/units", (Act::UnitWrite, On::Tenant), "makes a unit", add_unit),
        delete("/v1/tenants/{tenant}/units/{unit}", (Act::UnitWrite, On::Tenant), "ends a unit", remove_unit),
        put("/v1/domains/{name}/tenant", (Act::TenantWrite, On::Service), "says whose a domain is", assign),
        put("/v1/mailboxes/{address}/unit", (Act::UnitWrite, On::Address), "says of which unit a mailbox is", set_unit),
    ]
}

async fn tenants(State(provider): At, Extension(actor): Extension<Actor>) -> Reply<api::Tenants> {
    let list = move |engine: &House| {
        let mut tenants = Vec::new();
        for (id, row) in engine.tenants()? {
            if sees(&actor, engine, id)? {
                tenants.push(shown(engine, id, row)?);
            }
        }
        Ok(api::Tenants { tenants })
    };
    Ok(Json(work(&*alive(&provider)?, list).await?))
}

async fn one(State(provider): At, Extension(actor): Extension<Actor>, Path(id): Path<u64>) -> Reply<api::Tenant> {
    let read = move |engine: &House| {
        let id = TenantId(id);
        if sees(&actor, engine, id)? { found(engine, id) } else { Err(denied(Act::TenantRead)) }
    };
    Ok(Json(work(&*alive(&provider)?, read).await?))
}

/// Who works for a unit sees its administration.
fn sees(actor: &Actor, engine: &House, tenant: TenantId) -> Result<bool, Fail> {
    if actor.may(Act::TenantRead, &Target::tenant(tenant)) {
        return Ok(true);
    }
    let units = engine.units(tenant)?;
    let of = |(unit, _): &(UnitId, _)| Target { unit: Some(*unit), ..Target::tenant(tenant) };
    Ok(units.iter().any(|unit| actor.may(Act::TenantRead, &of(unit))))
}

async fn add(
    State(provider): At,
    Sent(api::NewTenant { name, code, contacts }): Sent<api::NewTenant>,
) -> Result<(StatusCode, Json<api::Tenant>), Fail> {
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
    Sent(api::TenantChange { name, code, contacts }): Sent<api::TenantChange>,
) -> Reply<api::Tenant> {
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
    Sent(api::NewUnit { name }): Sent<api::NewUnit>,
) -> Result<(StatusCode, Json<api::Unit>), Fail> {
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

async fn assign(State(provider): At, Path(name): Path<String>, Sent(owner): Sent<api::Owner>) -> Reply<api::Owner> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let set = move |engine: &House| {
        let domain = Domain::parse(&name).map_err(|e| Fail::bad(format!("{name}: {e}")))?;
        engine.assign_domain(&domain, owner.tenant.map(TenantId), now)?;
        Ok(owner)
    };
    Ok(Json(work(&provider, set).await?))
}

async fn set_unit(
    State(provider): At,
    Path(name): Path<String>,
    asking: Asking,
    Sent(of): Sent<api::OfUnit>,
) -> Reply<api::OfUnit> {
    let unit = Change::Unit(of.unit.map(UnitId));
    let Json(api::Mailbox { unit, .. }) = super::life::change(alive(&provider)?, name, asking, unit).await?;
    Ok(Json(api::OfUnit { unit }))
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
