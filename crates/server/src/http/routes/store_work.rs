//! Backups, compaction and figures of the store.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use sigillo_accounts::Act;
use sigillo_admin::api;

use super::requests::Asking;
use super::steps::{Steps, steps};
use super::{At, Fail, Reply, alive, work};
use crate::http::extract::Sent;
use crate::http::table::{On, Row, get, post};
use crate::store_work;

pub(super) fn rows() -> Vec<Row> {
    vec![
        post(api::STORE_BACKUP, (Act::ServiceWrite, On::Service), "makes a backup", backup),
        post(api::STORE_COMPACT, (Act::ServiceWrite, On::Service), "compacts the store", compact),
        get(api::STORE_STATS, (Act::ServiceRead, On::Service), "the store in figures", stats),
    ]
}

async fn backup(
    State(provider): At,
    asking: Asking,
    Sent(order): Sent<api::BackupOrder>,
) -> Result<Steps<api::Backup>, Fail> {
    let provider = alive(&provider)?;
    let (store, reserve, now) =
        (Arc::clone(&provider.store), provider.config().store_reserve.bytes, provider.clock.now());
    Ok(steps(provider.down(), asking.lang(), move |progress| {
        store_work::backup(&store, &order, reserve, now, progress)
    }))
}

async fn compact(State(provider): At, asking: Asking) -> Result<Steps<api::Compacted>, Fail> {
    let provider = alive(&provider)?;
    let (store, reserve) = (Arc::clone(&provider.store), provider.config().store_reserve.bytes);
    Ok(steps(provider.down(), asking.lang(), move |progress| store_work::compact(&store, reserve, progress)))
}

async fn stats(State(provider): At) -> Reply<api::StoreStats> {
    let stats = |engine: &crate::provider::House| Ok(store_work::stats(engine.store())?);
    Ok(Json(work(&*alive(&provider)?, stats).await?))
}
