//! Reports about TLS (RFC 8460) go out by themselves: each day, to the domains that ask for them, what was counted of the day
//! before. A mail carries the signature of our domain, or it would not be believed (RFC 8460 §3).

mod rua;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sigillo_admin::api;
use sigillo_base::{Domain, Timestamp};
use sigillo_engine::{Engine, OwnMail, TlsResults};
use sigillo_store::Store;
use tokio::sync::watch;
use tokio_rustls::rustls::ClientConfig;

use crate::clock::ServiceClock;
use crate::config::Config;
use crate::dns::{Dns, Fault};
use crate::fetch::Fetch;
use crate::metrics::{Metrics, ReportEnd};
use crate::net::Pool;
use rua::Rua;

/// Between two looks, in service time: what could not be sent is tried again then.
const LOOK: Duration = Duration::from_secs(3600);
/// A day is told when it is over for so long: what was counted before midnight is written down.
const OVER: Duration = Duration::from_secs(30 * 60);
/// Days that are made up for.
const DAYS: u32 = 2;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Of what a receiver of reports answers, nothing is read beyond this.
const ANSWER: usize = 64 * 1024;
const CONTENT: &str = "application/tlsrpt+gzip";

/// Who reports.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// The provider's name.
    pub name: String,
    /// Whom to ask about a report.
    pub contact: String,
    /// Our name in SMTP.
    pub host: String,
}

impl Reporter {
    /// The provider of this configuration.
    pub fn of(config: &Config) -> Self {
        let (name, host) = (config.name.value.clone(), config.host.value.clone());
        Self { name, contact: config.service_address.value.to_string(), host }
    }
}

/// Sends what is due.
pub struct Mailer<S: Store> {
    /// Whose results they are.
    pub engine: Arc<Engine<S>>,
    /// Where blocking calls run.
    pub pool: Pool,
    /// Service time.
    pub clock: Arc<ServiceClock>,
    /// Who tells where reports are wanted.
    pub dns: Arc<Dns>,
    /// For those who want them by HTTPS.
    pub tls: Arc<ClientConfig>,
    /// Who reports.
    pub reporter: Reporter,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// The report of a day about these results.
pub fn report(reporter: &Reporter, day: &str, id: &str, results: Vec<TlsResults>) -> api::TlsReport {
    api::TlsReport {
        organization_name: reporter.name.clone(),
        date_range: api::DateRange {
            start_datetime: format!("{day}T00:00:00Z"),
            end_datetime: format!("{day}T23:59:59Z"),
        },
        contact_info: reporter.contact.clone(),
        report_id: format!("{id}@{}", reporter.host),
        policies: results.into_iter().map(shown).collect(),
    }
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

impl<S: Store> Mailer<S> {
    /// Sends what is due until the service ends.
    pub async fn run(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let every = LOOK.div_f64(self.clock.speed.max(1.0)).max(Duration::from_secs(1));
        while !*shutdown.borrow() {
            tokio::select! {
                _ = shutdown.wait_for(|down| *down) => return,
                () = self.round() => {}
            }
            tokio::select! {
                _ = shutdown.wait_for(|down| *down) => return,
                () = tokio::time::sleep(every) => {}
            }
        }
    }

    /// Sends everything about days that are over and that was not sent.
    pub async fn round(&self) {
        for back in (1..=DAYS).rev() {
            let day = self.clock.now().minus(OVER).minus(DAY * back);
            let engine = Arc::clone(&self.engine);
            let open = match self.pool.run(move || engine.tls_unreported(day)).await {
                Some(Ok(open)) => open,
                Some(Err(error)) => {
                    tracing::error!(%error, "the results of TLS cannot be read");
                    continue;
                }
                None => continue,
            };
            let mut by_domain: BTreeMap<String, Vec<TlsResults>> = BTreeMap::new();
            for results in open {
                by_domain.entry(results.policy.domain.clone()).or_default().push(results);
            }
            for (domain, results) in by_domain {
                if let Ok(domain) = Domain::parse(&domain) {
                    self.tell(&domain, day, results).await;
                }
            }
        }
    }

    /// Tells one domain, if it wants to hear; it is asked again in the next round when it could not be reached.
    async fn tell(&self, domain: &Domain, day: Timestamp, results: Vec<TlsResults>) {
        let wanted = match self.dns.txt(&format!("_smtp._tls.{domain}")).await {
            Ok(found) => rua::read(&found.records),
            Err(Fault::NoName) => Vec::new(),
            Err(Fault::Unknown(why)) => {
                tracing::info!(%domain, why, "whether reports about TLS are wanted is not known now");
                return;
            }
        };
        if wanted.is_empty() {
            return self.told(domain, day, Vec::new()).await;
        }
        let name = day.utc_day();
        let id = format!("{name}.{domain}");
        let report = report(&self.reporter, &name, &id, results);
        let (mut mails, mut reached) = (Vec::new(), false);
        let zipped = match write::zipped(&report) {
            Ok(zipped) => zipped,
            Err(error) => return tracing::error!(%domain, %error, "a report about TLS cannot be written"),
        };
        for to in wanted {
            match to {
                Rua::Mail(to) => {
                    let bytes = write::mail(&self.reporter, domain, &report, &zipped, &to, self.clock.now());
                    mails.push(OwnMail { to, bytes });
                }
                Rua::Https(url) => {
                    let fetch = Fetch::new(Arc::clone(&self.tls), ANSWER);
                    match fetch.post(&url, CONTENT, zipped.clone()).await {
                        Ok(_) => {
                            reached = true;
                            self.metrics.tls_reports.add(ReportEnd::Posted);
                        }
                        Err(error) => {
                            tracing::warn!(%domain, error = format!("{error:#}"), "a report about TLS was not taken");
                            self.metrics.tls_reports.add(ReportEnd::Failed);
                        }
                    }
                }
            }
        }
        if reached || !mails.is_empty() {
            self.told(domain, day, mails).await;
        }
    }

    /// Queues the mails, and writes down that this domain has heard of this day, or does not want to, in one commit.
    async fn told(&self, domain: &Domain, day: Timestamp, mails: Vec<OwnMail>) {
        let (engine, domain, now, count) = (Arc::clone(&self.engine), domain.clone(), self.clock.now(), mails.len());
        let to: Vec<String> = mails.iter().map(|mail| mail.to.to_string()).collect();
        let told = self.pool.run(move || engine.report_tls(&domain, day, &mails, now)).await;
        match told {
            Some(Ok(())) => {
                self.metrics.tls_reports.add_many(ReportEnd::Mailed, count as u64);
                to.iter().for_each(|to| tracing::info!(to, "a report about TLS is on its way"));
            }
            Some(Err(error)) => {
                self.metrics.tls_reports.add_many(ReportEnd::Failed, count as u64);
                tracing::error!(%error, "a report about TLS waits for the next round");
            }
            None => {}
        }
    }
}

/// From whom reports come: nobody reads what is answered.
fn author(host: &str) -> String {
    format!("noreply-smtp-tls-reporting@{host}")
}
