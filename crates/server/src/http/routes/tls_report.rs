//! How TLS with others went.

use axum::Json;
use axum::extract::State;
use sigillo_accounts::Act;
use sigillo_admin::api;
use sigillo_base::{Timestamp, said};

use super::{At, Fail, Reply, alive, work};
use crate::http::extract::Params;
use crate::http::table::{On, Row, get};
use crate::tls_reports::{self, Reporter};

pub(super) fn rows() -> Vec<Row> {
    vec![get(api::TLS_REPORT, (Act::ServiceRead, On::Service), "how TLS with others went on a day", report)]
}

async fn report(
    State(provider): At,
    Params(api::TlsReportDay { day }): Params<api::TlsReportDay>,
) -> Reply<api::TlsReport> {
    let provider = alive(&provider)?;
    let at = match &day {
        None => provider.clock.now(),
        Some(day) => {
            Timestamp::from_iso(&format!("{day}T00:00:00Z")).filter(|at| at.utc_day() == *day).ok_or_else(|| {
                Fail::bad(said!("«{day}» non è un giorno: scrivere AAAA-MM-GG", "“{day}” is no day: write YYYY-MM-DD"))
            })?
        }
    };
    provider.write_down_tls().await;
    let results = work(&provider, move |engine| Ok(engine.tls_results(at)?)).await?;
    let (day, reporter) = (at.utc_day(), Reporter::of(&provider.config()));
    Ok(Json(tls_reports::report(&reporter, &day, &day, results)))
}
