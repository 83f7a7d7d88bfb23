//! Backups, compaction and figures of the store.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use sigillo_admin::api;

use super::steps::steps;
use super::{At, Fail, Reply, alive, work};
use crate::store_work;

pub(super) fn router() -> Router<super::Provided> {
    Router::new()
        .route(api::STORE_BACKUP, post(backup))
        .route(api::STORE_COMPACT, post(compact))
        .route(api::STORE_STATS, get(stats))
}

async fn backup(State(provider): At, body: Result<Json<api::BackupOrder>, JsonRejection>) -> Result<Response, Fail> {
    let Json(order) = body?;
    let provider = alive(&provider)?;
    let (store, reserve, now) =
        (Arc::clone(&provider.store), provider.config().store_reserve.bytes, provider.clock.now());
    Ok(steps(provider.down(), move |progress| store_work::backup(&store, &order, reserve, now, progress)))
}

async fn compact(State(provider): At) -> Result<Response, Fail> {
    let provider = alive(&provider)?;
    let (store, reserve) = (Arc::clone(&provider.store), provider.config().store_reserve.bytes);
    Ok(steps(provider.down(), move |progress| store_work::compact(&store, reserve, progress)))
}

async fn stats(State(provider): At) -> Reply<api::StoreStats> {
    let stats = |engine: &crate::provider::House| Ok(store_work::stats(engine.store())?);
    Ok(Json(work(&*alive(&provider)?, stats).await?))
}
