//! The relay: takes what the engine says is due for other providers, finds their servers, hands it over.

mod attempt;
mod dane;
mod idle;
mod lanes;
mod pauses;
mod policy;
mod report;
pub mod route;
mod security;
pub mod sts;
mod transaction;
mod watchdog;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sigillo_base::Domain;
use sigillo_engine::{Dispatch, Engine, LEASE, meter};
use sigillo_smtp::client::RecipientOutcome;
use sigillo_store::Store;
use tokio::sync::{AcquireError, Semaphore, watch};
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::bell::Bells;
use crate::clock::{ServiceClock, Ticks};
use crate::config;
use crate::dns::Dns;
use crate::metrics::{Attempt, Metrics};
use crate::net::Pool;
use idle::Idle;
use lanes::{Lanes, Room, Seat};
pub use pauses::Pause;
use pauses::Pauses;
use policy::Policies;
use report::Counts;
use route::Routes;
use sts::{Shelf, Sts};
pub use transaction::Trust;
use transaction::Wire;
use watchdog::{STALL, Watched};

/// Without a bell, the queue is looked at this often.
const LOOK: Duration = Duration::from_secs(30);
/// Between two looks when something is due that another worker will take.
const BREATH: Duration = Duration::from_millis(100);
/// What had no place has one when something ends; a look is not made for each, since what waits in memory is enough meanwhile.
const SOON: Duration = Duration::from_millis(20);
/// After a fault of the store.
const FAULT: Duration = Duration::from_secs(2);
/// Messages in work beyond those that are being handed over, of all destinations.
const WAITING: usize = 256;
/// What was counted of TLS is written down this often.
const WRITE_DOWN: Duration = Duration::from_secs(60);
/// The port of MTA-STS policies.
const HTTPS: u16 = 443;
/// How long transactions under way may take once the service ends.
const DRAIN: Duration = Duration::from_secs(20);

/// The relay of one provider.
pub struct Relay<S: Store> {
    /// Whose queue it is.
    pub engine: Arc<Engine<S>>,
    /// Service time.
    pub clock: Arc<ServiceClock>,
    /// Where blocking calls run.
    pub pool: Pool,
    /// Rings when the queue changes.
    pub bells: Arc<Bells>,
    /// The ways out.
    pub routes: Routes,
    /// TLS, names and times of the wire.
    pub wire: Wire,
    policies: Policies<S>,
    /// One place for each transaction at once.
    places: Arc<Semaphore>,
    concurrency: usize,
    lanes: Arc<Lanes<Domain>>,
    /// The same by server: many domains may be behind one.
    servers: Arc<Lanes<SocketAddr>>,
    pauses: Pauses,
    counts: Counts,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    idle: Idle,
}

/// What a relay is made of.
pub struct Parts<S: Store> {
    /// Whose queue it is.
    pub engine: Arc<Engine<S>>,
    /// Service time.
    pub clock: Arc<ServiceClock>,
    /// Real time.
    pub ticks: Ticks,
    /// Where blocking calls run.
    pub pool: Pool,
    /// Rings when the queue changes.
    pub bells: Arc<Bells>,
    /// The DNS.
    pub dns: Arc<Dns>,
    /// What is trusted.
    pub trust: Trust,
    /// How mail goes out.
    pub config: config::Relay,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl<S: Store> Relay<S> {
    /// A relay out of its parts.
    pub fn new(parts: Parts<S>) -> Self {
        let Parts { engine, clock, ticks, pool, bells, dns, trust, config, metrics } = parts;
        let shelf = Shelf { engine: Arc::clone(&engine), pool: pool.clone(), clock: Arc::clone(&clock) };
        let sts = Sts::new(Arc::clone(&dns), Arc::clone(&trust.verified), HTTPS, shelf);
        Self {
            routes: Routes::new(&config.routes, Arc::clone(&dns), engine.host(), config.port),
            wire: Wire::new(engine.host(), ticks, trust),
            policies: Policies { dns, sts, certified: config.certified_tls },
            places: Arc::new(Semaphore::new(config.concurrency)),
            concurrency: config.concurrency,
            lanes: Lanes::new(config.per_destination),
            servers: Lanes::new(config.per_destination),
            pauses: Pauses::default(),
            counts: Counts::default(),
            idle: Idle::new(config.idle, config.per_connection),
            engine,
            clock,
            pool,
            bells,
            metrics,
        }
    }

    /// Takes other TLS roots.
    pub fn trust(&self, trust: Trust) {
        self.policies.sts.replace(Arc::clone(&trust.verified));
        self.wire.replace(trust);
    }

    /// The servers of others that fail, the longest first.
    pub fn paused(&self) -> Vec<Pause> {
        self.pauses.list()
    }

    /// Works until the service ends, then lets transactions under way come to their end.
    pub async fn run(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let mut open = JoinSet::new();
        let mut written = Instant::now();
        let mut look = Look { at: Instant::now(), crowded: false };
        loop {
            if look.at <= Instant::now() {
                look = self.round(&mut open).await;
            }
            let patience = Instant::now() + self.idle.patience().unwrap_or(LOOK);
            tokio::select! {
                _ = shutdown.wait_for(|down| *down) => break,
                () = self.bells.relay.notified() => look.now(),
                Some(ended) = open.join_next() => match ended {
                    _ if look.crowded => look.soon(),
                    Ok(true) => {}
                    Ok(false) | Err(_) => look.now(),
                },
                () = tokio::time::sleep_until(look.at.min(patience).into()) => {}
            }
            self.idle.sweep();
            if written.elapsed() > WRITE_DOWN {
                self.write_down().await;
                written = Instant::now();
            }
        }
        let drained = async { while open.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!(open = open.len(), "transactions broken off; they will be handed over again");
        }
        self.write_down().await;
    }

    /// Writes down what was counted of TLS.
    pub async fn write_down(&self) {
        let results = self.counts.take();
        if results.is_empty() {
            return;
        }
        let (engine, now) = (Arc::clone(&self.engine), self.clock.now());
        let kept = self.pool.run(move || match engine.add_tls_results(&results, now) {
            Ok(()) => Vec::new(),
            Err(error) => {
                tracing::warn!(%error, "what was counted of TLS is not written down yet");
                results
            }
        });
        self.counts.give_back(kept.await.unwrap_or_default());
    }

    /// Starts what is due, as far as there is room. Gives when to look again.
    async fn round(self: &Arc<Self>, open: &mut JoinSet<bool>) -> Look {
        let free = (self.concurrency + WAITING).saturating_sub(open.len()).min(self.concurrency);
        if free == 0 {
            return Look::after(LOOK, true);
        }
        let (engine, now, each) = (Arc::clone(&self.engine), self.clock.now(), self.lanes.most());
        let found = self.pool.run(move || {
            let due = engine.due_among(now, free, each)?;
            let crowded = due.len() == free || engine.passed_over();
            // Whoever finds something looks again anyway, and whoever has not seen everything.
            let next = if due.is_empty() && !engine.reads_on() { engine.next_due()? } else { Some(now) };
            Ok::<_, sigillo_engine::Error>((due, crowded, next))
        });
        let (due, crowded, next) = match found.await {
            Some(Ok(found)) => found,
            Some(Err(error)) => {
                tracing::error!(%error, "the queue cannot be read");
                return Look::after(FAULT, true);
            }
            None => return Look::after(FAULT, true),
        };
        for dispatch in due {
            let span = tracing::info_span!("relay", transaction = %dispatch.transaction, to = %dispatch.to);
            let room = self.lanes.enter(&dispatch.to);
            open.spawn(Arc::clone(self).hand_over(dispatch, room).instrument(span));
        }
        Look::after(next.map_or(LOOK, |at| self.clock.until(at).clamp(BREATH, LOOK)), crowded)
    }

    /// Whether nothing of it will fall due again.
    async fn hand_over(self: Arc<Self>, dispatch: Dispatch, room: Room<Domain>) -> bool {
        let dispatch = Arc::new(dispatch);
        let _open = self.metrics.attempts_open.enter(());
        let mut attempt = Watched::spawn(STALL, {
            let (relay, dispatch) = (Arc::clone(&self), Arc::clone(&dispatch));
            async move { relay.in_turn(&dispatch, &room).await }
        });
        let done = loop {
            match attempt.wait(LEASE / 2).await {
                Some(done) => break done.flatten(),
                None if self.renew(&dispatch).await => {}
                None => {
                    attempt.abort();
                    return false;
                }
            }
        };
        let ended = ended(&done);
        self.metrics.attempts.add((destination(&dispatch), ended));
        let now = self.clock.now();
        self.settled(move |engine| match done {
            Ok(outcomes) => engine.report(&dispatch, &outcomes, now),
            Err(why) => engine.defer(&dispatch, &why, now),
        })
        .await
            && ended == Attempt::Taken
    }

    /// The attempt, when the destination and the relay have a place for it.
    async fn in_turn(&self, dispatch: &Arc<Dispatch>, room: &Room<Domain>) -> Result<Vec<RecipientOutcome>, String> {
        let _turn = room.places.acquire().await.map_err(closed)?;
        let mut seat = Seat::take(&self.places).await.map_err(closed)?;
        watchdog::step(dispatch.to.as_str(), "inizio");
        self.attempt(dispatch, &mut seat).await
    }

    async fn settled(
        &self,
        settle: impl FnOnce(&Engine<S>) -> Result<(), sigillo_engine::Error> + Send + 'static,
    ) -> bool {
        let engine = Arc::clone(&self.engine);
        match self.pool.run(move || settle(&engine)).await {
            Some(Ok(())) => return true,
            Some(Err(error)) => tracing::error!(%error, "the outcome was not recorded; it will be handed over again"),
            None => tracing::error!("the outcome was not recorded"),
        }
        false
    }

    /// Keeps a message that is still being handed over. `false`: it is somebody else's by now.
    async fn renew(&self, dispatch: &Arc<Dispatch>) -> bool {
        let (engine, now, dispatch) = (Arc::clone(&self.engine), self.clock.now(), Arc::clone(dispatch));
        match self.pool.run(move || engine.renew(&dispatch, now)).await {
            Some(Ok(true)) => true,
            Some(Ok(false)) => {
                tracing::warn!("broken off: the lease ran out, and somebody else hands it over");
                false
            }
            Some(Err(error)) => {
                tracing::error!(%error, "the lease was not renewed");
                true
            }
            None => true,
        }
    }
}

/// There are no places any more.
fn closed(_: AcquireError) -> String {
    "il servizio si sta fermando".to_owned()
}

/// When to look at the queue again.
struct Look {
    at: Instant,
    /// Something may be due that had no place: it may have one whenever something ends.
    crowded: bool,
}

impl Look {
    fn after(span: Duration, crowded: bool) -> Self {
        Self { at: Instant::now() + span, crowded }
    }

    fn now(&mut self) {
        self.at = Instant::now();
    }

    fn soon(&mut self) {
        self.at = self.at.min(Instant::now() + SOON);
    }
}

/// What figures call the other side.
fn destination(dispatch: &Dispatch) -> meter::Way {
    if dispatch.require_tls { meter::Way::Certified } else { meter::Way::Ordinary }
}

/// What figures call this end of an attempt.
fn ended(done: &Result<Vec<RecipientOutcome>, String>) -> Attempt {
    match done {
        Err(_) => Attempt::Unreachable,
        Ok(outcomes) if outcomes.iter().all(|o| o.result.is_ok()) => Attempt::Taken,
        Ok(outcomes) if outcomes.iter().all(|o| matches!(&o.result, Err(f) if f.permanent)) => Attempt::Refused,
        Ok(_) => Attempt::Deferred,
    }
}
