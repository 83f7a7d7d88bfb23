//! What has to be done from time to time: the legal log gets its order every second, its segments are closed and stamped
//! when a day is over, and the virus store forgets what is older than thirty months; the store is looked at, what
//! nobody keeps any more, or is older than its term, is removed from it, and the texts of what came are indexed for
//! searches.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context, Result};
use sigillo_engine::{Engine, Kept};
use sigillo_store::Store;
use sigillo_store_rocks::{Health, RocksStore, Trouble, Watch};
use tokio::sync::watch;

use crate::clock::ServiceClock;
use crate::config::Retention;
use crate::net::Pool;

/// Between two looks at lines that wait, in real time.
const LINK: Duration = Duration::from_secs(1);
/// Between two looks at the day, in real time. A clock that runs faster looks as often in its own time.
const CLOSE: Duration = Duration::from_secs(60);
/// Between two looks at the store, in real time.
const LOOK: Duration = Duration::from_secs(1);
/// Between two looks at what nobody keeps any more, in real time.
const SWEEP: Duration = Duration::from_secs(2);
/// Between two looks at messages that searches would have to read, in real time; and between two goes of one look, so that
/// who searches and who delivers come first.
const INDEX: Duration = Duration::from_secs(2);
const BREATH: Duration = Duration::from_millis(20);
/// Messages looked at in one go.
const DOUBTS: usize = 256;
/// Bodies looked at in one go: a million in three hours.
const BODIES: usize = 200;
/// Rows looked at in one go for their age, and such goes in one look: fifty million rows in a day.
const AGED: usize = 64;
const AGED_AT_ONCE: usize = 20;
/// Pages of what cancelled mailboxes held, in one look.
const PURGED_AT_ONCE: usize = 20;
/// How long counts of days are kept: every report about a month, and that of the same month a year before, can be made.
const COUNTS: Duration = Duration::from_secs(400 * 24 * 3600);
/// Segments stamped in one go; the others follow a minute later.
const STAMPS: usize = 16;

/// Gets a time stamp: from the SHA-256 of a file to the RFC 3161 token over it, proven to be one that is believed.
pub type Stamper = Arc<dyn Fn([u8; 32]) -> Pin<Box<dyn Future<Output = Result<Vec<u8>>> + Send>> + Send + Sync>;

/// Keeps the log until the service ends. Without a `stamper` segments stay unstamped.
pub async fn run<S: Store>(
    engine: Arc<Engine<S>>,
    pool: Pool,
    clock: Arc<ServiceClock>,
    stamper: Option<Stamper>,
    shutdown: watch::Receiver<bool>,
) {
    let every = CLOSE.div_f64(clock.speed.max(1.0)).max(LINK);
    // A time-stamp authority may hang: lines get their places meanwhile, and the end waits for nobody's answer.
    let linking = async {
        while !*shutdown.borrow() {
            say(link(&engine, &pool, &clock).await);
            tokio::time::sleep(LINK).await;
        }
    };
    let closing = async {
        loop {
            say(close_and_stamp(&engine, &pool, &clock, stamper.as_ref()).await);
            tokio::time::sleep(every).await;
        }
    };
    let mut ended = shutdown.clone();
    tokio::select! {
        _ = ended.wait_for(|down| *down) => {}
        () = linking => {}
        () = closing => {}
    }
}

fn say(kept: Result<()>) {
    if let Err(error) = kept {
        tracing::error!(error = %format_args!("{error:#}"), "the legal log waits");
    }
}

/// Gives every line its place in the chain. The last time after everything else has come to its end.
///
/// # Errors
/// The store's fault.
pub async fn link<S: Store>(engine: &Arc<Engine<S>>, pool: &Pool, clock: &ServiceClock) -> Result<()> {
    let (engine, now) = (Arc::clone(engine), clock.now());
    pool.run(move || engine.chain_log(now)).await.context("lavoro interrotto")??;
    Ok(())
}

/// Removes what nobody keeps any more, and what was in mailboxes whose grace is over, until the service ends; once a day also bodies that a crash left, and what is kept
/// for longer than its term. A round that takes longer than a day ends before the next one begins.
pub async fn sweep<S: Store>(
    engine: Arc<Engine<S>>,
    pool: Pool,
    clock: Arc<ServiceClock>,
    retention: Retention,
    mut shutdown: watch::Receiver<bool>,
) {
    // The day that was begun, and where its rounds go on until they are over.
    let (mut begun, mut bodies, mut aged) = (None, None, None);
    while !*shutdown.borrow() {
        let now = clock.now();
        let today = now.as_secs() / (24 * 3600);
        let (engine, new) = (Arc::clone(&engine), begun != Some(today));
        let old = aged.clone().or(new.then_some(None));
        let from = bodies.or(new.then_some(None));
        let down = shutdown.clone();
        let kept = Kept {
            archive: retention.archive.map(|kept| now.minus(kept)),
            records: now.minus(retention.records),
            accesses: now.minus(retention.accesses),
            counts: now.minus(COUNTS),
        };
        let swept = pool.run(move || {
            let mut old = old;
            for _ in 0..AGED_AT_ONCE {
                let Some(from) = old.as_ref().filter(|_| !*down.borrow()) else { break };
                old = engine.expire(&kept, from.as_deref(), AGED, now)?.next.map(Some);
            }
            for _ in 0..PURGED_AT_ONCE {
                if *down.borrow() || !engine.purge_cancelled(now)? {
                    break;
                }
            }
            let mut after = engine.sweep_messages(None, DOUBTS)?;
            while after.is_some() && !*down.borrow() {
                after = engine.sweep_messages(after, DOUBTS)?;
            }
            let bodies = match from {
                Some(after) => engine.sweep_bodies(after, BODIES)?.map(Some),
                None => None,
            };
            Ok::<_, sigillo_engine::Error>((bodies, old))
        });
        match swept.await.context("lavoro interrotto").and_then(|swept| Ok(swept?)) {
            Ok((further, older)) => (begun, bodies, aged) = (Some(today), further, older),
            Err(error) => tracing::error!(error = %format_args!("{error:#}"), "what nobody keeps stays for now"),
        }
        tokio::select! {
            _ = shutdown.wait_for(|down| *down) => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
    }
}

/// Keeps the index of texts until the service ends: what came, and once a day everything, so that what was lost is made
/// again.
pub async fn index<S: Store>(
    engine: Arc<Engine<S>>,
    pool: Pool,
    clock: Arc<ServiceClock>,
    mut shutdown: watch::Receiver<bool>,
) {
    let today = || clock.now().as_secs() / (24 * 3600);
    // The day on which everything was looked at; where the round goes on, and whether it is one over everything.
    let (mut day, mut place, mut all) = (today(), None, false);
    while !*shutdown.borrow() {
        if place.is_none() {
            all = std::mem::replace(&mut day, today()) != day;
        }
        let (engine, from) = (Arc::clone(&engine), place.take());
        let indexed = pool.run(move || engine.index_texts(from, all)).await.context("lavoro interrotto");
        match indexed.and_then(|indexed| Ok(indexed?)) {
            Ok(next) => place = next,
            Err(error) => tracing::error!(error = %format_args!("{error:#}"), "searches read more for now"),
        }
        let pause = if place.is_some() { BREATH } else { INDEX };
        tokio::select! {
            _ = shutdown.wait_for(|down| *down) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Looks at the store every second until the service ends. A task of its own: [`run`] may wait for a time stamp.
pub async fn watch(
    store: Weak<RocksStore>,
    mut watch: Watch,
    tell: impl Fn(Health, Option<Trouble>),
    mut shutdown: watch::Receiver<bool>,
) {
    while !*shutdown.borrow() {
        tokio::select! {
            _ = shutdown.wait_for(|down| *down) => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let Some(store) = store.upgrade() else { return };
        match look(&store, watch, &tell).await {
            Some(again) => watch = again,
            None => return,
        }
    }
}

/// Looks once and tells. `None` when the look broke off.
pub async fn look(store: &Arc<RocksStore>, mut watch: Watch, tell: impl Fn(Health, Option<Trouble>)) -> Option<Watch> {
    let store = Arc::clone(store);
    // On a thread beside the pool: its threads may all be waiting for this very store.
    let looked = tokio::task::spawn_blocking(move || {
        let (health, trouble) = watch.look(&store);
        if let Err(error) = store.reclaim(&health) {
            tracing::warn!(%error, "what was deleted keeps its room for now");
        }
        (watch, health, trouble)
    });
    match looked.await {
        Ok((watch, health, trouble)) => {
            tell(health, trouble);
            Some(watch)
        }
        Err(error) => {
            tracing::error!(%error, "nobody looks at the store any more");
            None
        }
    }
}

async fn close_and_stamp<S: Store>(
    engine: &Arc<Engine<S>>,
    pool: &Pool,
    clock: &ServiceClock,
    stamper: Option<&Stamper>,
) -> Result<()> {
    let (closing, now) = (Arc::clone(engine), clock.now());
    let closed = move || {
        // One that cannot be done now keeps none of the others.
        if let Err(error) = closing.expire_quarantine(now) {
            tracing::error!(%error, "the virus store cannot be looked through");
        }
        if let Err(error) = closing.seal_accesses(now) {
            tracing::error!(%error, "the accesses of a day cannot be sealed");
        }
        if let Err(error) = closing.close_segments(now) {
            tracing::error!(%error, "the segments of the legal log cannot all be closed");
        }
        closing.unstamped_segments(STAMPS)
    };
    let unstamped = pool.run(closed).await.context("lavoro interrotto")??;
    let Some(stamper) = stamper else { return Ok(()) };
    for segment in unstamped {
        let Some(digest) = segment.sha256 else { continue };
        let token =
            stamper(digest).await.with_context(|| format!("marca temporale del segmento {}", segment.number))?;
        let (stamping, now) = (Arc::clone(engine), clock.now());
        let kept = move || stamping.stamp_segment(segment.number, &token, now);
        pool.run(kept).await.context("lavoro interrotto")??;
        tracing::info!(segment = segment.number, "segment of the legal log stamped");
    }
    Ok(())
}
