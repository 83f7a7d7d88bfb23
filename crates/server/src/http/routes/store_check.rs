//! The check of the store.

use axum::Json;
use axum::extract::State;
use sigillo_accounts::Act;
use sigillo_admin::api;

use super::{At, Reply, alive, work};
use crate::http::extract::Params;
use crate::http::table::{On, Row, get};
use crate::store_check;

pub(super) fn rows() -> Vec<Row> {
    vec![get(api::STORE_CHECK, (Act::ServiceWrite, On::Service), "a page of a check of the store", check)]
}

async fn check(State(provider): At, Params(asked): Params<api::CheckFrom>) -> Reply<api::CheckPage> {
    let page = move |engine: &crate::provider::House| Ok(store_check::page(engine.store(), &asked)?);
    Ok(Json(work(&*alive(&provider)?, page).await?))
}
