//! What a provider stands on besides its store, antivirus and clock: how they are, and what follows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sigillo_admin::Lang;
use sigillo_admin::api::{AntivirusStatus, ClockStatus, PausedServer};

use sigillo_engine::Obstacle;
use sigillo_pec::log::ServiceEvent;

use super::Provider;
use crate::journal;
use crate::ntp::State;
use crate::relay::Pause;

/// What peers hear while the clock is off.
const CLOCK_OFF: &str = "L'orologio del gestore è fuori tolleranza: non si accettano messaggi, riprovare più tardi";

impl Provider {
    /// What the clock's state means for the service (DM 2-11-2005 art. 9): certifying nothing is better than certifying
    /// a wrong time. What is not known stops nobody.
    pub(super) fn heed(&self, state: &State) {
        let off = matches!(state, State::Off { .. });
        let refuse = off && self.config().clock.refuse_when_off;
        self.engine.set_accepting(Obstacle::Clock, if refuse { Err(CLOCK_OFF.to_owned()) } else { Ok(()) });
        if self.clock_off.swap(off, Ordering::AcqRel) != off {
            let event = match state {
                State::Off { offset_ms } => Err(format!("{offset_ms} ms da UTC")),
                State::Synchronised { .. } | State::Unknown { .. } => Ok(()),
            };
            journal::record(&self.engine, &self.pool, ServiceEvent::Clock(event), self.clock.now());
        }
    }

    /// How the antivirus is, asked now; `None` when there is none.
    pub async fn antivirus_status(&self) -> Option<AntivirusStatus> {
        let clamd = Arc::clone(self.antivirus.as_ref()?);
        let at = clamd.endpoint().to_string();
        // On a thread beside the pool: its threads may all be waiting for this very clamd.
        let version = tokio::task::spawn_blocking(move || clamd.version().map_err(|e| e.to_string())).await;
        let (engine, error) = match version.unwrap_or_else(|broken| Err(broken.to_string())) {
            Ok(engine) => (Some(engine), None),
            Err(error) => (None, Some(error)),
        };
        Some(AntivirusStatus { at, engine, error })
    }

    /// What became of today's ordinary mail. A store that does not answer leaves it out: the rest of the status tells why.
    pub async fn ordinary_today(&self) -> BTreeMap<String, u64> {
        let (engine, now) = (Arc::clone(&self.engine), self.clock.now());
        // Beside the pool, as above.
        let counted = tokio::task::spawn_blocking(move || engine.screened(now, now)).await;
        let counted = counted.map_err(|e| e.to_string()).and_then(|rows| rows.map_err(|e| e.to_string()));
        let rows = counted.inspect_err(|error| tracing::error!(error, "ordinary mail cannot be counted"));
        rows.into_iter().flatten().map(|row| (row.fate.as_str().to_owned(), row.count)).collect()
    }

    /// How the clock is, by the last measurement.
    pub fn clock_status(&self) -> ClockStatus {
        let (state, offset_ms, why) = match &*self.monitor.state() {
            State::Synchronised { offset_ms } => ("synchronised", Some(*offset_ms), None),
            State::Off { offset_ms } => ("off", Some(*offset_ms), None),
            State::Unknown { why } => ("unknown", None, Some(why.clone())),
        };
        ClockStatus { state: state.to_owned(), offset_ms, why }
    }

    /// Servers of others that fail, the longest first.
    pub fn paused(&self) -> Vec<PausedServer> {
        let shown = |pause: Pause| PausedServer {
            host: pause.host,
            address: pause.address,
            needs_tls: pause.needs_tls,
            since: pause.since.to_string(),
            failures: pause.failures,
            until: pause.until.to_string(),
            why: pause.why,
        };
        self.relay.paused().into_iter().map(shown).collect()
    }

    /// Writes down what was counted of TLS, for who wants to read it now.
    pub async fn write_down_tls(&self) {
        self.relay.write_down().await;
    }

    /// What an operator must hear at the start, one sentence each.
    pub async fn warnings(&self, lang: Lang) -> Vec<String> {
        let mut warnings = Vec::new();
        let accept = self.config().antivirus.as_ref().is_some_and(|a| a.take_unscanned);
        match self.antivirus_status().await {
            None => warnings.push(no_antivirus(lang)),
            Some(AntivirusStatus { error: Some(error), .. }) => warnings.push(format!(
                "{error}; {}",
                if accept {
                    lang.pick("intanto si accetta SENZA controllo", "meanwhile mail is taken UNSCANNED")
                } else {
                    lang.pick("intanto nessun messaggio è accettato", "meanwhile no message is taken")
                }
            )),
            Some(_) => {}
        }
        match &*self.monitor.state() {
            State::Synchronised { .. } => {}
            State::Off { offset_ms } => warnings.push(match lang {
                Lang::It => {
                    format!("l'orologio è a {offset_ms} ms da UTC: correggerlo (`timedatectl`, `chronyc tracking`)")
                }
                Lang::En => {
                    format!("the clock is {offset_ms} ms off UTC: correct it (`timedatectl`, `chronyc tracking`)")
                }
            }),
            State::Unknown { why } => warnings.push(match lang {
                Lang::It => format!("non si sa se l'orologio è entro un secondo da UTC: {why}"),
                Lang::En => format!("it is not known whether the clock is within a second of UTC: {why}"),
            }),
        }
        warnings.extend(self.too_few_files(lang));
        warnings
    }

    /// What is wrong when the system lets a process open too few files for the connections that are wanted.
    fn too_few_files(&self, lang: Lang) -> Option<String> {
        let (wanted, most) = (self.config().limits.connections, self.limits.most());
        (most < wanted).then(|| match lang {
            Lang::It => format!(
                "al più {most} connessioni e non {wanted} (limits.connections): alzare il limite dei file aperti \
                 (LimitNOFILE di systemd, `ulimit -Hn`)"
            ),
            Lang::En => format!(
                "at most {most} connections and not {wanted} (limits.connections): raise the limit of open files \
                 (LimitNOFILE of systemd, `ulimit -Hn`)"
            ),
        })
    }
}

/// The sentence of a service that scans nothing.
pub fn no_antivirus(lang: Lang) -> String {
    let text = lang.pick(
        "ATTENZIONE: nessun antivirus, i messaggi NON vengono controllati",
        "WARNING: no antivirus, messages are NOT scanned",
    );
    text.to_owned()
}
