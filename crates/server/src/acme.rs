//! A TLS certificate that renews itself (ACME, RFC 8555): an authority is asked when a third of its life is left. Whatever goes
//! wrong meanwhile, what is shown stays; after a failure the next attempt is later each time.

mod challenge;
mod order;
mod pair;

use std::fs;
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::Result;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sigillo_admin::api::AcmeStatus;
use sigillo_base::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::rustls::ClientConfig;

use crate::clock::ServiceClock;
use crate::complaint::{Context as _, broken_off};
use crate::config::Acme;
use crate::fetch::Fetch;
use crate::files;
use crate::ids::random;
use crate::net::Pool;
use crate::provider::Provider;
pub use challenge::Answers;
pub use pair::{ensure, stand_in};

/// The most of an authority's answer that is read, in bytes: a chain has ten thousand.
const MAX_ANSWER: usize = 1 << 20;
/// The first pause after a failure, and the longest. Each is four times the one before: an authority bears five failures of a
/// name in an hour (Let's Encrypt), and these are four.
const FIRST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// The longest sleep: service time follows the system's clock, which may be set.
const LOOK: Duration = Duration::from_secs(600);
/// The shortest, in real time.
const BREATH: Duration = Duration::from_secs(1);

/// Renews the certificate of one provider's doors.
pub struct Renewer {
    config: Acme,
    fetch: Fetch,
    answers: Answers,
    clock: Arc<ServiceClock>,
    pool: Pool,
    state: Mutex<State>,
    /// One attempt at a time.
    turn: tokio::sync::Mutex<()>,
}

/// How it went: kept in a file, so that who starts again and again does not ask again and again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    failures: u32,
    /// No attempt before this, in milliseconds of service time.
    not_before: i64,
    last_error: Option<String>,
    /// When the certificate is to be renewed: known from itself.
    #[serde(skip)]
    due: Timestamp,
}

impl State {
    fn next(&self) -> Timestamp {
        self.due.max(Timestamp::from_millis(self.not_before))
    }
}

impl Renewer {
    /// Begins with what lies in the folder. `tls` holds the roots of the authority's own server.
    ///
    /// # Errors
    /// There is no certificate to begin with: see [`ensure`].
    pub fn open(config: Acme, tls: Arc<ClientConfig>, clock: Arc<ServiceClock>, pool: Pool) -> Result<Self> {
        let kept = fs::read(config.folder.join("state.json")).ok();
        let mut state: State = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        state.due = pair::due(&config, &pair::shown(&config)?);
        let fetch = Fetch::new(tls, MAX_ANSWER).patience(Duration::from_secs(30));
        let (answers, turn) = (Answers::default(), tokio::sync::Mutex::default());
        Ok(Self { config, fetch, answers, clock, pool, state: Mutex::new(state), turn })
    }

    /// Answers the authority's challenges as long as the task is let live.
    pub async fn answer(self: Arc<Self>, listener: TcpListener) {
        self.answers.clone().serve(listener).await;
    }

    /// Renews the certificate of a provider when the time has come, until the service ends.
    pub async fn run(self: Arc<Self>, provider: Weak<Provider>, mut shutdown: watch::Receiver<bool>) {
        loop {
            let next = self.state.lock().next();
            let wait = self.clock.until(next).clamp(BREATH, LOOK);
            tokio::select! {
                _ = shutdown.wait_for(|down| *down) => return,
                () = tokio::time::sleep(wait) => {}
            }
            if self.clock.now() < self.state.lock().next() {
                continue;
            }
            let Some(provider) = provider.upgrade() else { return };
            // An attempt that is given up has replaced nothing, or everything. What comes of it is noted where it ends.
            tokio::select! {
                _ = shutdown.wait_for(|down| *down) => return,
                renewed = provider.renew_tls(&self) => drop(renewed),
            }
        }
    }

    /// Gets a new certificate now and puts it into its file.
    ///
    /// # Errors
    /// Why there is none; what is there stays.
    pub async fn renew(&self) -> Result<()> {
        let _turn = self.turn.lock().await;
        let outcome = async {
            let issued = order::issue(&self.config, &self.fetch, &self.answers).await?;
            let (config, now) = (self.config.clone(), self.clock.now());
            let work = move || pair::replace(&config, &issued, now);
            self.pool.run(work).await.told(broken_off)?
        };
        let outcome = outcome.await;
        self.settle(&outcome);
        outcome
    }

    /// Where every attempt ends.
    fn settle(&self, outcome: &Result<()>) {
        let mut state = self.state.lock();
        match outcome {
            Ok(()) => {
                *state = State { due: state.due, ..State::default() };
                let names: Vec<&str> = self.config.names.iter().map(|name| name.as_str()).collect();
                tracing::info!(names = names.join(" "), "a new certificate for the doors");
            }
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                state.last_error = Some(format!("{error:#}"));
                let pause = pause(state.failures, chance());
                state.not_before = self.clock.now().plus(pause).as_millis();
                let (failures, pause_s) = (state.failures, pause.as_secs());
                tracing::error!(
                    error = format!("{error:#}"),
                    failures,
                    pause_s,
                    "the certificate of the doors is not renewed"
                );
            }
        }
        match pair::shown(&self.config) {
            Ok(leaf) => state.due = pair::due(&self.config, &leaf),
            Err(error) => tracing::error!(error = format!("{error:#}"), "the certificate of the doors cannot be read"),
        }
        let kept = serde_json::to_vec(&*state).map_err(std::io::Error::other);
        if let Err(error) = kept.and_then(|bytes| files::write(&self.config.folder.join("state.json"), &bytes)) {
            tracing::warn!(%error, "a restart would ask the authority at once");
        }
    }

    /// How it goes, for the status.
    pub fn status(&self) -> AcmeStatus {
        let state = self.state.lock();
        AcmeStatus {
            directory: self.config.directory.value.to_string(),
            names: self.config.names.iter().map(ToString::to_string).collect(),
            next: state.next().to_string(),
            failures: state.failures,
            last_error: state.last_error.clone(),
        }
    }

    /// Attempts that failed in a row.
    pub fn failures(&self) -> u32 {
        self.state.lock().failures
    }
}

/// How long to wait after so many failures in a row; `chance` is from 0 to 1, and makes it a fifth more or less.
fn pause(failures: u32, chance: f64) -> Duration {
    let steps = failures.saturating_sub(1).min(16);
    FIRST.saturating_mul(4u32.saturating_pow(steps)).min(LONGEST).mul_f64(0.8 + 0.4 * chance.clamp(0.0, 1.0))
}

fn chance() -> f64 {
    f64::from(u32::from_be_bytes(random())) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_a_day_and_no_authority_is_asked_five_times_in_an_hour() {
        let at = |failures| pause(failures, 0.5).as_secs();
        assert_eq!([1, 2, 3, 4, 5, 6, 7].map(at), [60, 240, 960, 3840, 15_360, 43_200, 43_200]);
        assert_eq!(pause(u32::MAX, 0.5), LONGEST);
        let hour: u64 = (1..=4).map(|n| pause(n, 0.0).as_secs()).sum();
        assert!(hour > 3600, "the fifth attempt comes after {hour} s");
        assert!(pause(3, 0.0) < pause(3, 1.0));
    }
}
