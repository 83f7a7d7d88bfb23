//! `sigillo tls-report`: how TLS with others went.

use super::{Error, Where, header, json, table};
use crate::Lang;
use crate::api::{PolicyResults, TlsReport};

/// What can be done.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Mostra le sessioni TLS di un giorno verso gli altri, per dominio
    Show {
        /// Which day, where to ask.
        #[command(flatten)]
        at: Asked,
    },
    /// Scrive il rapporto di un giorno nella forma di RFC 8460 (JSON)
    Export {
        /// Which day, where to ask.
        #[command(flatten)]
        at: Asked,
        /// Soltanto questo dominio
        #[arg(long, value_name = "DOMINIO")]
        domain: Option<String>,
    },
}

/// Which day, where to ask.
#[derive(Debug, Clone, clap::Args)]
pub struct Asked {
    /// Il giorno, UTC (AAAA-MM-GG); senza, oggi
    #[arg(long, value_name = "GIORNO")]
    pub day: Option<String>,
    /// Where to ask.
    #[command(flatten)]
    pub at: Where,
}

impl Asked {
    async fn report(&self) -> Result<TlsReport, Error> {
        Ok(self.at.client().tls_report(self.day.as_deref()).await?)
    }
}

/// Asks and gives the text to print.
pub async fn run(verb: &Verb, lang: Lang) -> Result<String, Error> {
    match verb {
        Verb::Show { at } if at.at.json => json(&at.report().await?),
        Verb::Show { at } => Ok(show(&at.report().await?, lang)),
        Verb::Export { at, domain } => {
            let mut report = at.report().await?;
            if let Some(domain) = domain {
                report.policies.retain(|p| p.policy.policy_domain.eq_ignore_ascii_case(domain));
            }
            json(&report)
        }
    }
}

fn show(report: &TlsReport, lang: Lang) -> String {
    let columns = [
        ("dominio", "domain"),
        ("policy", "policy"),
        ("riuscite", "successes"),
        ("fallite", "failures"),
        ("perché", "why"),
    ];
    let mut rows = table(&header(lang, &columns));
    for PolicyResults { policy, summary, failure_details } in &report.policies {
        let why = failure_details.iter().map(|f| {
            let host = if f.receiving_mx_hostname.is_empty() { "-" } else { &f.receiving_mx_hostname };
            format!("{} {host} ({})", f.result_type, f.failed_session_count)
        });
        rows.add_row([
            policy.policy_domain.clone(),
            policy.policy_type.clone(),
            summary.total_successful_session_count.to_string(),
            summary.total_failure_session_count.to_string(),
            why.collect::<Vec<_>>().join("\n"),
        ]);
    }
    rows.to_string()
}
