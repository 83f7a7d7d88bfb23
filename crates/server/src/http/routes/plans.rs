//! What an administration ordered, and how much of it is in use (WEB-04, WEB-11, BIL-02).

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::Deserialize;
use sigillo_accounts::{Act, Plan, Quantities};
use sigillo_admin::api;
use sigillo_base::{TenantId, Timestamp};

use super::tenants::living;
use super::{At, Fail, Reply, alive, pages, work};
use crate::http::actor::Actor;
use crate::http::extract::{Params, Sent};
use crate::http::table::{On, Row, get, post, put};
use crate::provider::House;

const PLAN: &str = "/v1/tenants/{tenant}/plan";
const APPROVAL: &str = "/v1/tenants/{tenant}/plan/{version}/approval";
const CONSISTENCY: &str = "/v1/tenants/{tenant}/consistency";

pub(super) fn rows() -> Vec<Row> {
    vec![
        get(PLAN, (Act::TenantRead, On::Tenant), "what an administration ordered, and how much is in use", show),
        post(PLAN, (Act::PlanWrite, On::Tenant), "writes another version of the plan", add),
        put(APPROVAL, (Act::TenantWrite, On::Service), "approves a version: it counts from now on", approve),
        get(CONSISTENCY, (Act::TenantRead, On::Tenant), "how many mailboxes there were on the 15th", consistency),
    ]
}

async fn show(State(provider): At, Path(tenant): Path<u64>, Params(asked): Params<api::Listing>) -> Reply<api::Plans> {
    Ok(Json(work(&*alive(&provider)?, move |engine| plans(engine, TenantId(tenant), &asked)).await?))
}

async fn add(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(tenant): Path<u64>,
    Sent(sent): Sent<api::NewPlan>,
) -> Result<(StatusCode, Json<api::Plans>), Fail> {
    let api::NewPlan { quantities, units, note } = sent;
    let provider = alive(&provider)?;
    let created = provider.clock.now().as_millis();
    let plan = Plan { quantities, units, note, created, by: actor.name(), approved: None };
    let write = move |engine: &House| {
        living(engine, TenantId(tenant))?;
        let version = engine.add_plan(TenantId(tenant), &plan)?;
        plans(engine, TenantId(tenant), &from(version))
    };
    Ok((StatusCode::CREATED, Json(work(&provider, write).await?)))
}

async fn approve(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path((tenant, version)): Path<(u64, u64)>,
) -> Reply<api::Plans> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let set = move |engine: &House| {
        living(engine, TenantId(tenant))?;
        engine.approve_plan(TenantId(tenant), version, &actor.name(), now)?;
        plans(engine, TenantId(tenant), &from(version))
    };
    Ok(Json(work(&provider, set).await?))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Month {
    month: String,
}

async fn consistency(
    State(provider): At,
    Path(tenant): Path<u64>,
    Params(Month { month }): Params<Month>,
) -> Reply<api::Consistency> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let count = move |engine: &House| {
        living(engine, TenantId(tenant))?;
        let found = engine.consistency(TenantId(tenant), &month, now)?;
        let total = found.active.values().sum();
        Ok(api::Consistency { tenant, month, at: found.at.to_string(), active: found.active, total })
    };
    Ok(Json(work(&provider, count).await?))
}

/// The page that begins with a version.
fn from(version: u64) -> api::Listing {
    api::Listing { limit: None, after: Some(version.saturating_sub(1).to_string()) }
}

fn plans(engine: &House, tenant: TenantId, asked: &api::Listing) -> Result<api::Plans, Fail> {
    let (versions, counts) = engine.plans(tenant)?;
    let (used, used_by_unit) = engine.in_use(tenant)?;
    let current = versions.iter().find(|(version, _)| Some(*version) == counts).map(|(_, plan)| plan.clone());
    let time = |ms| Timestamp::from_millis(ms).to_string();
    let shown = |(version, plan): (u64, Plan)| api::Plan {
        version,
        quantities: plan.quantities,
        units: plan.units,
        note: plan.note,
        created: time(plan.created),
        by: plan.by,
        approved: plan.approved.as_ref().map(|(at, _)| time(*at)),
        approved_by: plan.approved.map(|(_, by)| by),
    };
    let left = current.as_ref().map(|plan| left(&plan.quantities, &used));
    let nothing = Quantities::new();
    let of_units = |plan: &Plan| -> BTreeMap<u64, Quantities> {
        let units = plan.units.iter();
        units.map(|(unit, may)| (*unit, self::left(may, used_by_unit.get(unit).unwrap_or(&nothing)))).collect()
    };
    let left_by_unit = current.as_ref().map(of_units).unwrap_or_default();
    let versions = versions.into_iter().map(|of| (of.0, shown(of))).collect();
    let (versions, next) = pages::page_of((pages::number(asked)?, pages::most(asked)?), versions);
    Ok(api::Plans {
        tenant: tenant.0,
        counts,
        versions,
        next: next.map(|after| after.to_string()),
        used,
        left,
        used_by_unit,
        left_by_unit,
    })
}

/// What is left of each profile that was ordered.
fn left(ordered: &Quantities, used: &Quantities) -> Quantities {
    let left = |(profile, n): (&String, &u64)| {
        (profile.clone(), n.saturating_sub(used.get(profile).copied().unwrap_or_default()))
    };
    ordered.iter().map(left).collect()
}
