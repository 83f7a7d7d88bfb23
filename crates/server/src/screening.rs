//! What is asked about ordinary mail (SEC-02): name servers for SPF, DKIM, DMARC, ARC and lists of bad addresses, rspamd for
//! spam. Certified mail is never asked about: that is the engine's doing.
//!
//! Everything is asked at once, under one time limit; what does not answer in time counts as unknown. Calls block a worker
//! thread, so only so many go on at once, and the others wait a moment: who floods us with ordinary mail, or lets our
//! look-ups hang, must not hold the threads that certified mail needs.

mod authentication;
mod lists;
pub mod rspamd;

use std::sync::Arc;
use std::time::Duration;

use sigillo_engine::{Arrived, Screener, Screening, Spam};
use tokio::runtime::Handle;
use tokio_rustls::rustls::ClientConfig;

use crate::config::{self, Config};
use crate::dns::Dns;
use crate::gate::Gate;
use authentication::Authentication;
use lists::Lists;
use rspamd::Rspamd;

/// How long a message waits for its turn, on a thread that others want.
const TURN: Duration = Duration::from_millis(250);

/// Asks about ordinary mail.
pub struct Screen {
    runtime: Handle,
    gate: Arc<Gate>,
    names: Option<(Authentication, Lists)>,
    rspamd: Option<Rspamd>,
}

impl Screen {
    /// As it is configured; `None` when nobody is to be asked. `tls` is for an rspamd behind HTTPS. Called inside the
    /// runtime on which the questions will run.
    pub fn new(config: &Config, tls: &Arc<ClientConfig>) -> Option<Self> {
        let config::Ordinary { sender_checks, lists, concurrency, timeout, .. } = &config.ordinary;
        let rspamd = config.antispam.as_ref().map(|antispam| Rspamd::new(antispam, Arc::clone(tls), *timeout));
        let names = sender_checks.then(|| {
            let resolver = Dns::unproven(&config.dns);
            let lists = Lists::new(resolver.clone(), lists.clone(), *timeout);
            (Authentication::new(resolver, &config.host.value, *timeout), lists)
        });
        if rspamd.is_none() && names.is_none() {
            return None;
        }
        // Half of the threads stay for others, whatever is configured.
        let gate = Gate::new((*concurrency).min(config.limits.workers / 2));
        Some(Self { runtime: Handle::current(), gate, names, rspamd })
    }
}

impl Screener for Screen {
    fn screen(&self, mail: &Arrived) -> Option<Screening> {
        let _turn = self.gate.enter(TURN)?;
        let by_names = async {
            match &self.names {
                Some((authentication, lists)) => {
                    let (screening, lists) = tokio::join!(authentication.check(mail), lists.ask(mail.peer.ip));
                    Screening { lists, ..screening }
                }
                None => Screening::default(),
            }
        };
        let by_content = async {
            match &self.rspamd {
                Some(rspamd) => rspamd.ask(mail).await,
                None => Spam::NotAsked,
            }
        };
        let (screening, spam) = self.runtime.block_on(async { tokio::join!(by_names, by_content) });
        Some(Screening { spam, ..screening })
    }
}
