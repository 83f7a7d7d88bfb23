//! `sigillo doctor`: how a provider is, and what to do about what is not well.

use std::path::PathBuf;

use serde_json::json;
use sigillo_admin::{Client, Lang};
use sigillo_base::Said;

use super::{Exit, complain};
use crate::clock::system_time;
use crate::config::Config;
use crate::doctor::{self, Case, Finding, State, Told};
use crate::out::say;
use crate::tls;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// La configurazione
    #[arg(long, value_name = "FILE", default_value = "/etc/sigillo/sigillo.toml")]
    config: PathBuf,
    /// File con il token di chi amministra (modo 0600)
    #[arg(long, value_name = "FILE", env = "SIGILLO_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Risponde in JSON invece che con una tabella
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, lang: Lang) -> Exit {
    tls::install();
    let findings = match Config::load(&args.config) {
        Ok(config) => {
            let client = Client::new(&config.admin_socket.value).with_token(args.token_file.clone());
            match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
                Ok(runtime) => {
                    let findings = runtime
                        .block_on(async { doctor::examine(Case::open(config, client, system_time()).await).await });
                    // What still blocks somewhere has had its time.
                    runtime.shutdown_background();
                    findings
                }
                Err(error) => return complain(Said::verbatim(error), lang, Exit::NoStart),
            }
        }
        Err(problems) => doctor::unreadable(&problems),
    };
    let state = doctor::worst(&findings);
    let told: Vec<Told> = findings.iter().map(|finding| finding.told(lang)).collect();
    if args.json {
        say(format_args!("{:#}", json!({ "state": state, "findings": told })));
    } else {
        findings.iter().for_each(|finding| show(finding, lang));
    }
    match state {
        State::Fine | State::Skipped => Exit::Fine,
        State::Warning => Exit::False,
        State::Error => Exit::Usage,
    }
}

fn show(finding: &Finding, lang: Lang) {
    let state = match finding.state {
        State::Fine => "ok",
        State::Skipped => "—",
        State::Warning => lang.pick("attenzione", "warning"),
        State::Error => lang.pick("ERRORE", "ERROR"),
    };
    let Told { check, about, found, remedy, .. } = finding.told(lang);
    let about = if about.is_empty() { String::new() } else { format!("{about}: ") };
    say(format_args!("{state:<10} {check:<19} {about}{found}"));
    if let Some(remedy) = remedy {
        say(format_args!("{:30} → {}: {remedy}", "", lang.pick("rimedio", "remedy")));
    }
}
