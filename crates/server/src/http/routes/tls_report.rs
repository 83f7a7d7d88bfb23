//! How TLS with others went.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use sigillo_admin::api;
use sigillo_base::Timestamp;

use super::{At, Fail, Reply, alive, work};
use crate::tls_reports::{self, Reporter};

pub(super) fn router() -> Router<super::Provided> {
    Router::new().route(api::TLS_REPORT, get(report))
}

async fn report(State(provider): At, query: Result<Query<api::TlsReportDay>, QueryRejection>) -> Reply<api::TlsReport> {
    let Query(api::TlsReportDay { day }) = query.map_err(|e| Fail::bad(e.body_text()))?;
    let provider = alive(&provider)?;
    let at = match &day {
        None => provider.clock.now(),
        Some(day) => Timestamp::from_iso(&format!("{day}T00:00:00Z"))
            .filter(|at| at.utc_day() == *day)
            .ok_or_else(|| Fail::bad(format!("«{day}» non è un giorno: scrivere AAAA-MM-GG")))?,
    };
    provider.write_down_tls().await;
    let results = work(&provider, move |engine| Ok(engine.tls_results(at)?)).await?;
    let (day, reporter) = (at.utc_day(), Reporter::of(&provider.config()));
    Ok(Json(tls_reports::report(&reporter, &day, &day, results)))
}
