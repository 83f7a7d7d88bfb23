//! `sigillo doctor`: a provider looked at from outside and, through its socket, from inside. Nothing is changed by it.
//!
//! The checks are data: a name, a time limit and what is looked at. They run at once, and each gives findings of its own; one
//! that takes too long or breaks is a finding too.

mod around;
mod logins;
mod names;
mod papers;
mod service;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sigillo_admin::{Client, Lang, api};
use sigillo_base::{Said, Timestamp, said};

use crate::config::{Config, Problems};
use crate::dns::Dns;

/// How something is, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Fine,
    /// It could not be looked at, for a reason that is told elsewhere.
    Skipped,
    /// It works, and somebody should see to it.
    Warning,
    /// It does not work, or soon will not.
    Error,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// Of what: a domain, a file, a port; empty when it is of the whole.
    pub about: String,
    /// How it is.
    pub state: State,
    /// What was found.
    pub found: Said,
    /// What to do; where nothing is, none.
    pub remedy: Option<Said>,
}

impl Finding {
    fn new(about: impl ToString, state: State, found: Said, remedy: Option<Said>) -> Self {
        Self { check: "", about: about.to_string(), state, found, remedy }
    }

    fn fine(about: impl ToString, found: Said) -> Self {
        Self::new(about, State::Fine, found, None)
    }

    fn skipped(about: impl ToString, found: Said) -> Self {
        Self::new(about, State::Skipped, found, None)
    }

    fn warning(about: impl ToString, found: Said, remedy: Said) -> Self {
        Self::new(about, State::Warning, found, Some(remedy))
    }

    fn error(about: impl ToString, found: Said, remedy: Said) -> Self {
        Self::new(about, State::Error, found, Some(remedy))
    }

    /// The finding in one language.
    pub fn told(&self, lang: Lang) -> Told {
        Told {
            check: self.check,
            about: self.about.clone(),
            state: self.state,
            found: self.found.pick(lang).to_owned(),
            remedy: self.remedy.as_ref().map(|text| text.pick(lang).to_owned()),
        }
    }
}

/// A finding in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "as in Finding")]
pub struct Told {
    pub check: &'static str,
    pub about: String,
    pub state: State,
    pub found: String,
    pub remedy: Option<String>,
}

/// Who is looked at.
pub struct Case {
    /// The configuration.
    pub config: Arc<Config>,
    /// Now.
    pub now: Timestamp,
    /// The way to the running service.
    pub client: Client,
    /// What it says of itself, or why it says nothing.
    pub status: Result<api::Status, String>,
    /// A resolver without memory of before.
    pub dns: Dns,
}

/// How long the service may take to say how it is: it asks its antivirus for it.
const ANSWER: Duration = Duration::from_secs(20);

impl Case {
    /// Asks the service how it is.
    pub async fn open(config: Config, client: Client, now: Timestamp) -> Self {
        let status = match tokio::time::timeout(ANSWER, client.status()).await {
            Ok(status) => status.map_err(|error| error.to_string()),
            Err(_) => Err(format!("nessuna risposta entro {} s", ANSWER.as_secs())),
        };
        // What is asked is whether the world can see it, not whether it is proven.
        let dns = Dns::new(&crate::config::Dns { dnssec: false, ..config.dns.clone() }, None);
        Self { config: Arc::new(config), now, client, status, dns }
    }
}

type Look = Pin<Box<dyn Future<Output = Vec<Finding>> + Send>>;

/// Something to look at.
struct Check {
    /// Its name, the same for ever: programs read it.
    name: &'static str,
    /// How long it may take.
    limit: Duration,
    look: fn(Arc<Case>) -> Look,
}

const QUICK: Duration = Duration::from_secs(15);
const SLOW: Duration = Duration::from_secs(60);

/// All there is to look at, in the order in which it is told.
const CHECKS: [Check; 17] = [
    Check { name: "configuration", limit: QUICK, look: |case| blocking(case, papers::configuration) },
    Check { name: "keys", limit: QUICK, look: |case| blocking(case, papers::keys) },
    Check { name: "signing-certificate", limit: QUICK, look: |case| blocking(case, papers::signing) },
    Check { name: "signing-device", limit: SLOW, look: |case| blocking(case, papers::device) },
    Check { name: "tls-certificate", limit: QUICK, look: |case| blocking(case, papers::server) },
    Check { name: "index", limit: QUICK, look: |case| blocking(case, papers::index) },
    Check { name: "dns", limit: names::LIMIT.saturating_mul(2), look: |case| Box::pin(names::look(case)) },
    Check { name: "service", limit: QUICK, look: |case| Box::pin(async move { service::running(&case) }) },
    Check { name: "ports", limit: QUICK, look: |case| Box::pin(async move { service::ports(&case).await }) },
    Check { name: "clock", limit: QUICK, look: |case| Box::pin(async move { around::clock(&case).await }) },
    Check { name: "antivirus", limit: SLOW, look: |case| blocking(case, around::antivirus) },
    Check { name: "directory", limit: SLOW, look: |case| Box::pin(async move { logins::directories(&case).await }) },
    Check { name: "issuer", limit: SLOW, look: |case| Box::pin(async move { logins::issuer(&case).await }) },
    Check { name: "disk", limit: QUICK, look: |case| blocking(case, around::disk) },
    Check { name: "store", limit: QUICK, look: |case| Box::pin(async move { service::store(&case).await }) },
    Check { name: "backup", limit: QUICK, look: |case| blocking(case, around::backup) },
    Check { name: "log", limit: SLOW, look: |case| Box::pin(async move { service::log(&case).await }) },
];

/// Looks where it may block.
fn blocking(case: Arc<Case>, look: fn(&Case) -> Vec<Finding>) -> Look {
    Box::pin(async move {
        let done = tokio::task::spawn_blocking(move || look(&case)).await;
        done.unwrap_or_else(|broken| vec![broke(&broken)])
    })
}

/// All that is found, check by check.
pub async fn examine(case: Case) -> Vec<Finding> {
    let case = Arc::new(case);
    let running: Vec<_> = CHECKS
        .iter()
        .map(|check| (check, tokio::spawn(tokio::time::timeout(check.limit, (check.look)(Arc::clone(&case))))))
        .collect();
    let mut all = Vec::new();
    for (check, task) in running {
        let found = match task.await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => vec![slow(check.limit)],
            Err(broken) => vec![broke(&broken)],
        };
        all.extend(found.into_iter().map(|finding| Finding { check: check.name, ..finding }));
    }
    all
}

/// What is to be said when there is no configuration to go by.
pub fn unreadable(problems: &Problems) -> Vec<Finding> {
    let told = problems.0.iter().map(papers::problem);
    told.map(|finding| Finding { check: "configuration", ..finding }).collect()
}

/// The worst of all findings.
pub fn worst(findings: &[Finding]) -> State {
    findings.iter().map(|finding| finding.state).max().unwrap_or(State::Fine)
}

fn slow(limit: Duration) -> Finding {
    let seconds = limit.as_secs();
    Finding::error(
        "",
        said!("nessuna risposta in {seconds} s", "no answer within {seconds} s"),
        said!("ripetere; se resta così, guardare rete e carico", "repeat; if it stays so, look at network and load"),
    )
}

fn broke(error: &tokio::task::JoinError) -> Finding {
    Finding::error(
        "",
        said!("il controllo si è interrotto: {error}", "the check broke off: {error}"),
        said!("segnalarlo: è un difetto del programma", "report it: it is a fault of the program"),
    )
}

/// A text that is the same in both languages: names and what other programs say.
fn plain(text: impl std::fmt::Display) -> Said {
    let text = text.to_string();
    Said::verbatim(text)
}

/// Whole days of a span.
fn days(span: Duration) -> u64 {
    span.as_secs() / (24 * 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides_and_names_are_given_once() {
        let of = |state| Finding::new("", state, plain(""), None);
        assert_eq!(worst(&[]), State::Fine);
        assert_eq!(worst(&[of(State::Fine), of(State::Error), of(State::Warning)]), State::Error);
        assert_eq!(worst(&[of(State::Skipped), of(State::Warning)]), State::Warning);
        let names: std::collections::BTreeSet<_> = CHECKS.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), CHECKS.len());
    }

    #[tokio::test]
    async fn without_a_service_everything_else_is_still_looked_at_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::parse(&folder.path().join("sigillo.toml"), crate::config::SAMPLE).unwrap();
        // No server answers there, and nothing is asked of the world.
        let dns = crate::config::Dns { servers: vec!["127.0.0.1:9".parse().unwrap()], ..config.dns.clone() };
        let config = Config { dns, ..config };
        let client = Client::new(&config.admin_socket.value);
        let findings = examine(Case::open(config, client, crate::clock::system_time()).await).await;
        for check in &CHECKS {
            assert!(findings.iter().any(|finding| finding.check == check.name), "{}", check.name);
        }
        for finding in &findings {
            let needs = finding.state >= State::Warning;
            assert_eq!(finding.remedy.is_some(), needs, "{finding:?}");
            assert_ne!((finding.check, finding.state), ("service", State::Fine));
        }
    }
}
