//! The legal log over the administrative interface, page by page.

use std::sync::Weak;

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use sigillo_admin::api;

use super::routes::{At, Fail, Reply, alive, work};
use crate::legal_log;
use crate::provider::Provider;

pub(super) fn router() -> Router<Weak<Provider>> {
    Router::new()
        .route(api::LOG_SEGMENTS, get(segments))
        .route("/v1/log/segments/{number}/lines", get(file))
        .route("/v1/log/segments/{number}/stamp", get(stamp))
        .route(api::LOG_LINES, get(lines))
        .route(api::LOG_AUDIT, get(audit))
}

#[derive(Debug, Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

#[derive(Debug, Deserialize)]
struct Line {
    #[serde(default)]
    from: u64,
}

/// What [`api::LOG_LINES`] and [`api::LOG_AUDIT`] take.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    id: Option<String>,
    from: Option<String>,
    to: Option<String>,
    after: Option<String>,
}

impl Asked {
    fn query(self) -> (sigillo_admin::verbs::log::Query, Option<String>) {
        (sigillo_admin::verbs::log::Query { id: self.id, from: self.from, to: self.to }, self.after)
    }
}

impl From<legal_log::Error> for Fail {
    fn from(error: legal_log::Error) -> Self {
        match error {
            legal_log::Error::Asked(what) => Self::bad(what),
            legal_log::Error::Engine(error) => error.into(),
        }
    }
}

async fn segments(State(provider): At, Query(asked): Query<After>) -> Reply<api::LogSegments> {
    let found = work(&*alive(&provider)?, move |e| Ok(legal_log::segments(&e.ledger(), asked.after)?)).await?;
    Ok(Json(api::LogSegments { segments: found }))
}

async fn file(State(provider): At, Path(number): Path<u64>, Query(asked): Query<Line>) -> Reply<api::LogFile> {
    let lines = work(&*alive(&provider)?, move |e| Ok(e.ledger().lines(number, asked.from)?)).await?;
    Ok(Json(api::LogFile { lines }))
}

async fn stamp(State(provider): At, Path(number): Path<u64>) -> Reply<api::LogStamp> {
    let token = work(&*alive(&provider)?, move |e| Ok(e.ledger().stamp(number)?)).await?;
    Ok(Json(api::LogStamp { token: token.map(|t| data_encoding::BASE64.encode(&t)) }))
}

async fn lines(State(provider): At, Query(asked): Query<Asked>) -> Reply<api::LogLines> {
    let (query, after) = asked.query();
    let page = move |e: &crate::provider::House| Ok(legal_log::lines(&e.ledger(), &query, after.as_deref())?);
    Ok(Json(work(&*alive(&provider)?, page).await?))
}

async fn audit(State(provider): At, Query(asked): Query<Asked>) -> Reply<api::LogAudit> {
    let (query, after) = asked.query();
    let page = move |e: &crate::provider::House| Ok(legal_log::audit(&e.ledger(), &query, after.as_deref())?);
    Ok(Json(work(&*alive(&provider)?, page).await?))
}
