//! How TLS with others went.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use sigillo_admin::api;
use sigillo_base::Timestamp;
use sigillo_engine::TlsResults;

use super::{At, Fail, Reply, alive, work};

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
    let (day, config) = (at.utc_day(), provider.config());
    Ok(Json(api::TlsReport {
        organization_name: config.name.value.clone(),
        date_range: api::DateRange {
            start_datetime: format!("{day}T00:00:00Z"),
            end_datetime: format!("{day}T23:59:59Z"),
        },
        contact_info: config.service_address.value.to_string(),
        report_id: format!("{day}@{}", config.host.value),
        policies: results.into_iter().map(shown).collect(),
    }))
}

fn shown(results: TlsResults) -> api::PolicyResults {
    let TlsResults { policy, successes, failures } = results;
    api::PolicyResults {
        policy: api::PolicyFound {
            policy_type: policy.kind,
            policy_string: policy.text,
            policy_domain: policy.domain,
            mx_host: policy.mx,
        },
        summary: api::Summary {
            total_successful_session_count: successes,
            total_failure_session_count: failures.iter().map(|(_, count)| count).sum(),
        },
        failure_details: failures
            .into_iter()
            .map(|(failure, count)| api::FailureDetails {
                result_type: failure.kind,
                receiving_mx_hostname: failure.host,
                receiving_ip: failure.address,
                failed_session_count: count,
            })
            .collect(),
    }
}
