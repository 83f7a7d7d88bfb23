//! The relay: takes what the engine says is due for other providers, finds their servers, hands it over.

mod idle;
pub mod route;
mod transaction;
mod watchdog;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sigillo_base::{Address, Domain};
use sigillo_engine::{Dispatch, Engine, LEASE};
use sigillo_smtp::client::{Failure, RecipientOutcome};
use sigillo_store::Store;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::rustls::ClientConfig;
use tracing::Instrument;

use crate::bell::Bells;
use crate::clock::{ServiceClock, Ticks};
use crate::net::Pool;
use idle::Idle;
use route::{Host, Routes, Way};
use transaction::{Open, Sent, Wire};
use watchdog::{STALL, Watched};

/// Without a bell, the queue is looked at this often.
const LOOK: Duration = Duration::from_secs(30);
/// Between two looks when something is due that another worker will take.
const BREATH: Duration = Duration::from_millis(100);
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
    /// One place for each transaction at once.
    pub places: Arc<Semaphore>,
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
    /// The ways out.
    pub routes: Routes,
    /// What is trusted.
    pub tls: Arc<ClientConfig>,
    /// Transactions at once.
    pub concurrency: usize,
}

impl<S: Store> Relay<S> {
    /// A relay out of its parts.
    pub fn new(parts: Parts<S>) -> Self {
        let Parts { engine, clock, ticks, pool, bells, routes, tls, concurrency } = parts;
        let wire = Wire::new(engine.host(), ticks, tls);
        let places = Arc::new(Semaphore::new(concurrency));
        Self { engine, clock, pool, bells, routes, wire, places, idle: Idle::default() }
    }

    /// Works until the service ends, then lets transactions under way come to their end.
    pub async fn run(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let mut open = JoinSet::new();
        loop {
            let wait = self.round(&mut open).await.min(self.idle.patience().unwrap_or(LOOK));
            tokio::select! {
                _ = shutdown.wait_for(|down| *down) => break,
                () = self.bells.relay.notified() => {}
                Some(_) = open.join_next() => {}
                () = tokio::time::sleep(wait) => {}
            }
            self.idle.sweep().await;
        }
        let drained = async { while open.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!(open = open.len(), "transactions broken off; they will be handed over again");
        }
    }

    /// Starts what is due, as far as there are places. Gives how long nothing more can be due.
    async fn round(self: &Arc<Self>, open: &mut JoinSet<()>) -> Duration {
        let free = self.places.available_permits();
        if free == 0 {
            return LOOK;
        }
        let (engine, now) = (Arc::clone(&self.engine), self.clock.now());
        let found = self.pool.run(move || (engine.due(now, free), engine.next_due())).await;
        let (due, next) = match found {
            Some((Ok(due), Ok(next))) => (due, next),
            Some((Err(error), _) | (_, Err(error))) => {
                tracing::error!(%error, "the queue cannot be read");
                return Duration::from_secs(2);
            }
            None => return Duration::from_secs(2),
        };
        for dispatch in due {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { break };
            let span = tracing::info_span!("relay", transaction = %dispatch.transaction, to = %dispatch.to);
            let relay = Arc::clone(self);
            let task = async move {
                relay.hand_over(dispatch).await;
                drop(place);
            };
            open.spawn(task.instrument(span));
        }
        next.map_or(LOOK, |at| self.clock.until(at).clamp(BREATH, LOOK))
    }

    async fn hand_over(self: Arc<Self>, dispatch: Dispatch) {
        let dispatch = Arc::new(dispatch);
        let mut attempt = Watched::spawn(STALL, {
            let (relay, dispatch) = (Arc::clone(&self), Arc::clone(&dispatch));
            async move { relay.attempt(&dispatch).await }
        });
        let done = loop {
            match attempt.wait(LEASE / 2).await {
                Some(done) => break done.flatten(),
                None if self.renew(&dispatch).await => {}
                None => return attempt.abort(),
            }
        };
        let (engine, now) = (Arc::clone(&self.engine), self.clock.now());
        let settled = self.pool.run(move || match done {
            Ok(outcomes) => engine.report(&dispatch, &outcomes, now),
            Err(why) => engine.defer(&dispatch, &why, now),
        });
        match settled.await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::error!(%error, "the outcome was not recorded; it will be handed over again"),
            None => tracing::error!("the outcome was not recorded"),
        }
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

    /// One attempt over all servers of the destination. `Err` says why it could not be made now.
    async fn attempt(&self, dispatch: &Arc<Dispatch>) -> Result<Vec<RecipientOutcome>, String> {
        let way = match &dispatch.route {
            Some(ordered) => route::ordered(ordered).await,
            None => self.routes.find(&dispatch.to).await,
        };
        let hosts = match way {
            Way::Hosts(hosts) => hosts,
            Way::Later(why) => return Err(why),
            // The directory says that the domain is certified: what the DNS says against it may be its mistake.
            Way::Never(why) if dispatch.require_tls => return Err(why),
            Way::Never(why) => return Ok(refused(dispatch, &why)),
        };
        // Open connections lead where mail for the domain goes.
        if let Some(mut open) = dispatch.route.is_none().then(|| self.idle.take(&dispatch.to)).flatten() {
            let sent = open.send(self, dispatch).await;
            if let Sent::Done(outcomes) = sent {
                self.keep(dispatch, open);
                return Ok(outcomes);
            }
            if let Sent::Broken(outcomes) = sent
                && outcomes.iter().any(|o| matches!(&o.result, Err(f) if f.maybe_delivered) || o.result.is_ok())
            {
                return Ok(outcomes);
            }
        }
        self.attempt_hosts(dispatch, &hosts).await
    }

    fn keep(&self, dispatch: &Dispatch, open: Open) {
        if dispatch.route.is_none() {
            self.idle.keep(&dispatch.to, open);
        }
    }

    async fn attempt_hosts(&self, dispatch: &Arc<Dispatch>, hosts: &[Host]) -> Result<Vec<RecipientOutcome>, String> {
        let mut why = format!("{}: nessun server", dispatch.to);
        for host in hosts {
            for address in &host.addresses {
                match self.attempt_address(dispatch, host, *address).await? {
                    Ok(outcomes) => return Ok(outcomes),
                    Err(said) => why = said,
                }
            }
        }
        Err(why)
    }

    async fn attempt_address(&self, dispatch: &Arc<Dispatch>, host: &Host, address: SocketAddr) -> Tried {
        let mut try_tls = true;
        loop {
            let mut open = match self.wire.connect(address, &host.name, dispatch, try_tls).await {
                Ok(open) => open,
                Err(error) => {
                    tracing::info!(host = host.name, %address, %error, "no connection");
                    return Ok(Err(format!("{} [{address}]: {error}", host.name)));
                }
            };
            match open.first(self, dispatch).await {
                Sent::Done(outcomes) => {
                    self.keep(dispatch, open);
                    return Ok(Ok(outcomes));
                }
                // Ordinary mail goes in clear rather than not at all; certified mail never does.
                Sent::Broken(_) if open.tls_failed && !dispatch.require_tls && try_tls => try_tls = false,
                Sent::Broken(outcomes) if next_host(&outcomes) => return Ok(Err(reason(&outcomes, host))),
                Sent::Broken(outcomes) => return Ok(Ok(outcomes)),
                Sent::Unreadable(error) => return Err(error),
            }
        }
    }
}

/// Outcomes, or why another server should be tried; outside, why nothing can be tried now.
type Tried = Result<Result<Vec<RecipientOutcome>, String>, String>;

/// Whether another server of the destination may do better: nothing was answered for good, nothing may have arrived.
fn next_host(outcomes: &[RecipientOutcome]) -> bool {
    outcomes.iter().all(|o| matches!(&o.result, Err(f) if !f.permanent && !f.maybe_delivered))
}

fn reason(outcomes: &[RecipientOutcome], host: &Host) -> String {
    let first = outcomes.iter().find_map(|o| o.result.as_ref().err());
    first.map_or_else(|| format!("{}: connessione interrotta", host.name), |f| f.text.clone())
}

fn refused(dispatch: &Dispatch, why: &str) -> Vec<RecipientOutcome> {
    let failure = |r: &Address| RecipientOutcome { address: r.clone(), result: Err(Failure::local(true, why)) };
    dispatch.rcpts.iter().map(failure).collect()
}

/// The key under which open connections are kept.
pub(crate) type Destination = Domain;
