//! The legal log over the administrative interface, page by page.

use axum::Json;
use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::Deserialize;
use sigillo_accounts::Act;
use sigillo_admin::api;

use super::extract::Params;
use super::routes::{At, Fail, Reply, alive, work};
use super::table::{On, Row, get};
use crate::legal_log;

const READ: (Act, On) = (Act::LogRead, On::Service);

pub(super) fn rows() -> Vec<Row> {
    vec![
        get(api::LOG_SEGMENTS, READ, "segments of the legal log", segments),
        get("/v1/log/segments/{number}/lines", READ, "lines of a segment's file", file),
        get("/v1/log/segments/{number}/stamp", READ, "the time stamp of a segment", stamp),
        get(api::LOG_LINES, READ, "a page of lines about a message or of a period", lines),
        get(api::LOG_AUDIT, READ, "whether lines and chain belong together", audit),
    ]
}

#[derive(Debug, Deserialize, JsonSchema)]
struct After {
    #[serde(default)]
    after: u64,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Line {
    #[serde(default)]
    from: u64,
}

/// What [`api::LOG_LINES`] and [`api::LOG_AUDIT`] take.
#[derive(Debug, Deserialize, JsonSchema)]
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

async fn segments(State(provider): At, Params(asked): Params<After>) -> Reply<api::LogSegments> {
    let found = work(&*alive(&provider)?, move |e| Ok(legal_log::segments(&e.ledger(), asked.after)?)).await?;
    let next = found.last().filter(|_| found.len() == legal_log::SEGMENTS).map(|last| last.number.to_string());
    Ok(Json(api::LogSegments { segments: found, next }))
}

async fn file(State(provider): At, Path(number): Path<u64>, Params(asked): Params<Line>) -> Reply<api::LogFile> {
    let lines = work(&*alive(&provider)?, move |e| Ok(e.ledger().lines(number, asked.from)?)).await?;
    Ok(Json(api::LogFile { lines }))
}

async fn stamp(State(provider): At, Path(number): Path<u64>) -> Reply<api::LogStamp> {
    let token = work(&*alive(&provider)?, move |e| Ok(e.ledger().stamp(number)?)).await?;
    Ok(Json(api::LogStamp { token: token.map(|t| data_encoding::BASE64.encode(&t)) }))
}

async fn lines(State(provider): At, Params(asked): Params<Asked>) -> Reply<api::LogLines> {
    let (query, after) = asked.query();
    let page = move |e: &crate::provider::House| Ok(legal_log::lines(&e.ledger(), &query, after.as_deref())?);
    Ok(Json(work(&*alive(&provider)?, page).await?))
}

async fn audit(State(provider): At, Params(asked): Params<Asked>) -> Reply<api::LogAudit> {
    let (query, after) = asked.query();
    let page = move |e: &crate::provider::House| Ok(legal_log::audit(&e.ledger(), &query, after.as_deref())?);
    Ok(Json(work(&*alive(&provider)?, page).await?))
}
