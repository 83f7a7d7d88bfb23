//! What is kept up to date while running: the provider index and the revocation lists (RFC 6109 §4.5, §2.2.2; pec rule
//! 9.3). Messages are judged by what is in memory; here it is replaced, by what is signed, valid and newer, and by
//! nothing else. After a failure the last good copy stays.

mod index;
mod lists;
mod schedule;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sigillo_admin::api::IndexStatus;
use sigillo_base::{Said, Timestamp, said};
use sigillo_engine::Engine;
use sigillo_pec::index::{Index, MAX_FILE};
use sigillo_pec::log::ServiceEvent;
use sigillo_store::Store;
use tokio::sync::{MutexGuard, Notify, watch};

use crate::clock::ServiceClock;
use crate::config::{Config, Problems, Source};
use crate::fetch::{Fetch, Url};
use crate::ids::random;
use crate::journal;
use crate::material::{self, Material};
use crate::net::Pool;
pub use lists::kept as kept_list;

/// How long a start waits for one answer.
const START: Duration = Duration::from_secs(15);
/// The longest sleep: service time follows the system's clock, which may be set.
const LOOK: Duration = Duration::from_secs(600);
/// The shortest, in real time: service time may run fast.
const BREATH: Duration = Duration::from_secs(1);

/// What looking for a newer provider index came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Updated {
    /// A newer copy is in use, and in its file.
    Replaced {
        /// When it was signed.
        signed_at: Option<Timestamp>,
        /// Its records.
        entries: usize,
        /// Their domains.
        domains: usize,
    },
    /// The copy in use is the newest.
    Unchanged,
    /// The copy in use stays, because of this.
    Failed {
        /// For the operator; names the address or file.
        why: String,
    },
}

/// Keeps one provider up to date.
pub struct Updater<S: Store> {
    engine: Arc<Engine<S>>,
    clock: Arc<ServiceClock>,
    pool: Pool,
    using: ArcSwap<Using>,
    state: Mutex<State>,
    /// One replacement at a time, a reload among them: each compares with what is in use.
    turn: tokio::sync::Mutex<()>,
    /// Rings when sources and times are others.
    changed: Notify,
}

/// Where newer ones come from.
struct Using {
    config: Arc<Config>,
    /// Shows who we are.
    directory: Fetch,
    /// Shows nothing.
    plain: Fetch,
}

impl Using {
    fn of(config: Arc<Config>, material: &Material) -> Self {
        Self {
            config,
            directory: Fetch::new(Arc::clone(&material.directory), MAX_FILE),
            plain: Fetch::new(Arc::clone(&material.relay), lists::MAX_LIST),
        }
    }
}

/// When to look again, and how it went. In service time.
struct State {
    checked_at: Option<Timestamp>,
    failures: u32,
    last_error: Option<String>,
    index_due: Timestamp,
    lists_due: Vec<(Url, Timestamp)>,
}

impl State {
    fn begin(config: &Config, index: &Index, now: Timestamp) -> Self {
        let first = |url: &Url| schedule::first_list(lists::kept(config, url).as_ref(), config.directory.interval, now);
        Self {
            checked_at: None,
            failures: 0,
            last_error: None,
            index_due: schedule::first_index(index.signed_at(), config.directory.interval, chance(), now),
            lists_due: config.crl_urls.iter().map(|u| (u.value.clone(), first(&u.value))).collect(),
        }
    }
}

impl<S: Store> Updater<S> {
    /// Begins with what was loaded.
    pub fn new(
        engine: Arc<Engine<S>>,
        clock: Arc<ServiceClock>,
        pool: Pool,
        config: Arc<Config>,
        material: &Material,
    ) -> Self {
        let state = Mutex::new(State::begin(&config, &material.index, clock.now()));
        let using = Using::of(config, material);
        let (turn, changed) = (tokio::sync::Mutex::default(), Notify::new());
        Self { engine, clock, pool, using: ArcSwap::from_pointee(using), state, turn, changed }
    }

    /// Looks for newer copies when their time has come, until the service ends.
    pub async fn run(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        loop {
            let wait = self.clock.until(self.due()).clamp(BREATH, LOOK);
            tokio::select! {
                _ = shutdown.wait_for(|down| *down) => return,
                () = self.changed.notified() => continue,
                () = tokio::time::sleep(wait) => {}
            }
            // A fetch that is given up has replaced nothing, or everything.
            tokio::select! {
                _ = shutdown.wait_for(|down| *down) => return,
                () = self.round() => {}
            }
        }
    }

    /// Looks for a newer provider index now, and for the revocation lists whose time has come, by which it is judged.
    pub async fn update_index(&self) -> Updated {
        let _turn = self.turn().await;
        self.renew_lists().await;
        let (using, now) = (self.using.load_full(), self.clock.now());
        let (trust, current) = (self.engine.trust(), self.engine.index());
        let renewed = index::renew(&using.config, &using.directory, &trust, Some(&current), &self.pool, now).await;
        let outcome = match renewed {
            Ok(None) => Updated::Unchanged,
            Ok(Some(fresh)) => {
                let outcome = replaced(&fresh);
                self.engine.replace_index(fresh);
                outcome
            }
            Err(error) => Updated::Failed { why: format!("{error:#}") },
        };
        self.settle(outcome, now)
    }

    /// Holds every replacement back; to be taken before a reload reads its files.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Whether a reload may take this index, by the same rule as any other copy.
    pub fn may_take(&self, index: &Index, config: &Config) -> Result<Updated, Problems> {
        let now = self.clock.now();
        match index.replaces(Some(&self.engine.index()), now) {
            Ok(true) => Ok(replaced(index)),
            Ok(false) => Ok(Updated::Unchanged),
            Err(error) => {
                let why = format!("{}: {error}", config.index.value.display());
                self.settle(Updated::Failed { why: why.clone() }, now);
                let english = format!("{}: not newer than the copy in use", config.index.value.display());
                let remedy = said!("mettere al suo posto la copia più recente", "put the latest copy in its place");
                Err(config.index.problem(&config.file, Said::new(why, english), remedy).into())
            }
        }
    }

    /// Takes what a reload has read; `outcome` is what [`may_take`](Self::may_take) said of its index.
    pub fn adopt(&self, config: Arc<Config>, material: &Material, outcome: Updated) {
        let now = self.clock.now();
        let times = State::begin(&config, &material.index, now);
        self.using.store(Arc::new(Using::of(config, material)));
        self.engine.replace_trust(Arc::clone(&material.trust));
        self.engine.replace_index(Arc::clone(&material.index));
        self.settle(outcome, now);
        let mut state = self.state.lock();
        (state.index_due, state.lists_due) = (times.index_due, times.lists_due);
        self.changed.notify_one();
    }

    /// How the index is, for the status.
    pub fn status(&self) -> IndexStatus {
        let (using, index, now) = (self.using.load(), self.engine.index(), self.clock.now());
        let state = self.state.lock();
        let age = index.signed_at().map(|at| now.since(at));
        IndexStatus {
            file: using.config.index.value.display().to_string(),
            source: match &using.config.directory.source {
                Source::File => "file".to_owned(),
                Source::Url(url) => url.to_string(),
                Source::Location => index.location().unwrap_or("LDIFLocationURL").to_owned(),
            },
            entries: index.entries().len(),
            domains: domains(&index),
            signed_at: index.signed_at().map(|at| at.to_string()),
            age_s: age.map(|age| age.as_secs()),
            stale: age.is_none_or(|age| age > using.config.directory.stale),
            checked_at: state.checked_at.map(|at| at.to_string()),
            failures: state.failures,
            last_error: state.last_error.clone(),
        }
    }

    fn due(&self) -> Timestamp {
        let state = self.state.lock();
        state.lists_due.iter().map(|(_, at)| *at).fold(state.index_due, Timestamp::min)
    }

    async fn round(&self) {
        let now = self.clock.now();
        if self.state.lock().index_due <= now {
            self.update_index().await;
        } else {
            let _turn = self.turn().await;
            self.renew_lists().await;
        }
    }

    /// Renews the lists whose time has come; the turn is the caller's.
    async fn renew_lists(&self) {
        let (using, now) = (self.using.load_full(), self.clock.now());
        let due: Vec<Url> = self.state.lock().lists_due.iter().filter(|l| l.1 <= now).map(|l| l.0.clone()).collect();
        let mut fresh = false;
        for (url, outcome) in lists::renew_all(due, &using.config, &using.plain, &self.pool, now).await {
            fresh |= outcome == lists::Outcome::Replaced;
            let kept = lists::kept(&using.config, &url);
            let next = schedule::next_list(kept.as_ref(), using.config.directory.interval, outcome, now);
            self.state.lock().lists_due.iter_mut().filter(|l| l.0 == url).for_each(|l| l.1 = next);
        }
        if !fresh {
            return;
        }
        let config = Arc::clone(&using.config);
        match self.pool.run(move || material::trust(&config)).await {
            Some(Ok(trust)) => self.engine.replace_trust(Arc::new(trust)),
            Some(Err(problems)) => tracing::error!(%problems, "revocation lists stay as they are"),
            None => tracing::error!("revocation lists stay as they are"),
        }
    }

    /// Where every attempt to renew the index ends: what comes of it is noted, logged and given back here alone.
    fn settle(&self, outcome: Updated, now: Timestamp) -> Updated {
        let (using, index) = (self.using.load(), self.engine.index());
        let failure = if let Updated::Failed { why } = &outcome { Some(why.clone()) } else { None };
        let failures = {
            let mut state = self.state.lock();
            state.checked_at = Some(now);
            state.failures = if failure.is_some() { state.failures.saturating_add(1) } else { 0 };
            state.last_error = failure;
            let failed = state.failures > 0;
            state.index_due = schedule::next_index(using.config.directory.interval, failed, chance(), now);
            state.failures
        };
        let event = match &outcome {
            Updated::Failed { why } => Err(why.clone()),
            Updated::Replaced { .. } | Updated::Unchanged => Ok(()),
        };
        journal::record(&self.engine, &self.pool, ServiceEvent::IndexUpdate(event), now);
        match &outcome {
            Updated::Replaced { entries, domains, .. } => {
                tracing::info!(entries, domains, "took a newer provider index");
                material::warn_when_unlisted(&index, &using.config);
            }
            Updated::Unchanged => tracing::debug!("the provider index is the newest"),
            Updated::Failed { why } => tracing::error!(why, failures, "the provider index stays as it is"),
        }
        let age = index.signed_at().map(|at| now.since(at));
        if age.is_none_or(|age| age > using.config.directory.stale) {
            let hours = age.map(|age| age.as_secs() / 3600);
            tracing::error!(hours, "THE PROVIDER INDEX IS TOO OLD: new providers and domains are not known");
        }
        outcome
    }
}

/// Fetches what a start cannot do without and does not find in its files: a current revocation list for each address,
/// an index that may be believed. What could not be had is logged; [`Material::load`] then says what is wrong.
pub async fn prepare(config: &Config, now: Timestamp) {
    let (config, pool) = (Arc::new(config.clone()), Pool::new(4));
    let urls = config.crl_urls.iter().map(|url| url.value.clone());
    let missing: Vec<Url> =
        urls.filter(|url| !lists::kept(&config, url).is_some_and(|l| lists::is_current(&l, now))).collect();
    if !missing.is_empty() {
        match material::relay_client(&config) {
            Ok(tls) => {
                let fetch = Fetch::new(tls, lists::MAX_LIST).patience(START);
                lists::renew_all(missing, &config, &fetch, &pool, now).await;
            }
            Err(problems) => tracing::error!(%problems, "no revocation lists"),
        }
    }
    if config.directory.source != Source::File
        && let Err(error) = index::ensure(&config, &pool, now).await
    {
        tracing::error!(error = format!("{error:#}"), "no provider index");
    }
}

fn replaced(index: &Index) -> Updated {
    let (signed_at, entries) = (index.signed_at(), index.entries().len());
    Updated::Replaced { signed_at, entries, domains: domains(index) }
}

fn domains(index: &Index) -> usize {
    index.entries().iter().map(|e| e.domains.len()).sum()
}

/// From 0 to 1: so that providers do not all ask at the same moment.
fn chance() -> f64 {
    f64::from(u32::from_be_bytes(random())) / f64::from(u32::MAX)
}
