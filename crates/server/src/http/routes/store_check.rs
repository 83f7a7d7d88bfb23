//! The check of the store.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use sigillo_admin::api;

use super::{At, Fail, Reply, alive, work};
use crate::store_check;

pub(super) fn router() -> Router<super::Provided> {
    Router::new().route(api::STORE_CHECK, get(check))
}

async fn check(State(provider): At, query: Result<Query<api::CheckFrom>, QueryRejection>) -> Reply<api::CheckPage> {
    let Query(asked) = query.map_err(|e| Fail::bad(e.body_text()))?;
    let page = move |engine: &crate::provider::House| Ok(store_check::page(engine.store(), &asked)?);
    Ok(Json(work(&*alive(&provider)?, page).await?))
}
