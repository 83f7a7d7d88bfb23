//! `sigillo status`: how the provider is.

use super::{Error, Where, header, json, table};
use crate::Lang;
use crate::api::Status;

/// Arguments of `sigillo status`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where to ask.
    #[command(flatten)]
    pub at: Where,
}

/// Asks and gives the text to print.
pub async fn run(args: &Args, lang: Lang) -> Result<String, Error> {
    let status = args.at.client().status().await?;
    if args.at.json { json(&status) } else { Ok(show(&status, lang)) }
}

fn show(status: &Status, lang: Lang) -> String {
    let mut rows = table(&header(lang, &[("voce", "item"), ("valore", "value")]));
    let mut row = |it: &str, en: &str, value: String| {
        rows.add_row([lang.pick(it, en).to_owned(), value]);
    };
    row("gestore", "provider", status.provider.clone());
    row("indirizzo di servizio", "service address", status.service_address.clone());
    row("stato", "state", status.state.clone());
    row("versione", "version", status.version.clone());
    row("processo", "process", format!("{} ({} s)", status.pid, status.uptime_s));
    row("ora del servizio", "service time", format!("{} (x{})", status.service_time, status.speed));
    row("connessioni", "connections", status.connections.to_string());
    for listener in &status.listeners {
        row("ascolta", "listens", format!("{} {}", listener.role, listener.address));
    }
    row("indice dei gestori", "provider index", super::index::brief(&status.index, lang));
    for certificate in &status.certificates {
        let text = format!("{}: {} → {}", certificate.purpose, certificate.subject, certificate.not_after);
        row("certificato", "certificate", text);
    }
    rows.to_string()
}
