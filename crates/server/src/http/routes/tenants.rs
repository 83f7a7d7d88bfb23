//! Administrations, their units, and what is theirs.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use sigillo_accounts::{Act, Tenant};
use sigillo_admin::api;
use sigillo_base::{Address, Domain, Tell, TenantId, Timestamp, UnitId};
use sigillo_engine::Change;

use super::requests::Asking;
use super::{At, Fail, PAGE, Reply, address, alive, pages, work};
use crate::http::actor::Actor;
use crate::http::extract::{Params, Sent};
use crate::http::named::Named;
use crate::http::table::{On, Row, delete, get, patch, post, put};
use crate::provider::House;

pub(super) fn rows() -> Vec<Row> {
    vec![
        get(api::TENANTS, (Act::TenantRead, On::Each), "the administrations", tenants),
        post(api::TENANTS, (Act::TenantWrite, On::Service), "takes in an administration", add),
        get("/v1/tenants/{tenant}", (Act::TenantRead, On::Within), "an administration", one),
        patch("/v1/tenants/{tenant}", (Act::TenantWrite, On::Service), "changes an administration", change),
        delete("/v1/tenants/{tenant}", (Act::TenantWrite, On::Service), "ends an administration", remove),
        get("/v1/tenants/{tenant}/units", (Act::TenantRead, On::Tenant), "the units of an administration", units),
        post("/v1/tenants/{tenant}/units", (Act::UnitWrite, On::Tenant), "makes a unit", add_unit),
        patch(
            "/v1/tenants/{tenant}/units/{unit}",
            (Act::UnitWrite, On::Tenant),
            "gives a unit another name",
            rename_unit,
        ),
        delete("/v1/tenants/{tenant}/units/{unit}", (Act::UnitWrite, On::Tenant), "ends a unit", remove_unit),
        put("/v1/domains/{name}/tenant", (Act::TenantWrite, On::Service), "says whose a domain is", assign),
        put("/v1/mailboxes/{address}/unit", (Act::UnitWrite, On::Address), "says of which unit a mailbox is", set_unit),
    ]
}

async fn tenants(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Params(asked): Params<api::Listing>,
) -> Reply<api::Tenants> {
    let list = move |engine: &House| {
        let more = |after: &u64| {
            let rows = engine.tenants(TenantId(*after), PAGE)?;
            Ok(rows.into_iter().map(|(id, row)| (id.0, (id, row))).collect())
        };
        let show = |(id, row)| {
            let seen = actor.may_within(engine, Act::TenantRead, id)?;
            seen.then(|| shown(engine, id, row)).transpose()
        };
        let (tenants, next) = pages::page((pages::number(&asked)?, pages::most(&asked)?), more, show)?;
        Ok(api::Tenants { tenants, next: next.map(|after| after.to_string()) })
    };
    Ok(Json(work(&*alive(&provider)?, list).await?))
}

async fn one(State(provider): At, Path(id): Path<u64>) -> Reply<api::Tenant> {
    Ok(Json(work(&*alive(&provider)?, move |engine| found(engine, TenantId(id))).await?))
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

async fn units(State(provider): At, Path(id): Path<u64>, Params(asked): Params<api::Listing>) -> Reply<api::Units> {
    let list = move |engine: &House| {
        living(engine, TenantId(id))?;
        units_of(engine, TenantId(id), &asked)
    };
    Ok(Json(work(&*alive(&provider)?, list).await?))
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

async fn rename_unit(
    State(provider): At,
    Path((tenant, unit)): Path<(u64, u64)>,
    Sent(api::NewUnit { name }): Sent<api::NewUnit>,
) -> Reply<api::Unit> {
    let set = move |engine: &House| {
        engine.rename_unit(TenantId(tenant), UnitId(unit), &name)?;
        Ok(api::Unit { id: unit, name: name.trim().to_owned() })
    };
    Ok(Json(work(&*alive(&provider)?, set).await?))
}

async fn remove_unit(State(provider): At, Path((id, unit)): Path<(u64, u64)>) -> Reply<api::Units> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let end = move |engine: &House| {
        engine.remove_unit(TenantId(id), UnitId(unit), now)?;
        units_of(engine, TenantId(id), &api::Listing::default())
    };
    Ok(Json(work(&provider, end).await?))
}

async fn assign(State(provider): At, Path(name): Path<String>, Sent(owner): Sent<api::Owner>) -> Reply<api::Owner> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let set = move |engine: &House| {
        let domain = Domain::parse(&name).map_err(|e| Fail::bad(e.said().about(&name)))?;
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

fn units_of(engine: &House, id: TenantId, asked: &api::Listing) -> Result<api::Units, Fail> {
    let units = engine.units(id)?.into_iter().map(|(id, row)| (id.0, api::Unit { id: id.0, name: row.name }));
    let (units, next) = pages::page_of((pages::number(asked)?, pages::most(asked)?), units.collect());
    Ok(api::Units { units, next: next.map(|after| after.to_string()) })
}

fn found(engine: &House, id: TenantId) -> Result<api::Tenant, Fail> {
    shown(engine, id, living(engine, id)?)
}

/// An administration that is there.
pub(super) fn living(engine: &House, id: TenantId) -> Result<Tenant, Fail> {
    let row = engine.tenant(id)?.filter(|row| row.removed.is_none());
    row.ok_or_else(|| Named::Tenant(&id.0.to_string()).missing())
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
