//! Figures that have to be looked up. They are read by a task of its own from time to time, so that who asks for them, and
//! how often, costs the service nothing.

use std::sync::Weak;
use std::time::{Duration, Instant};

use sigillo_base::Timestamp;
use sigillo_engine::meter::{Part, Standing};
use sigillo_engine::{Census, Error, Obstacle};
use tokio::sync::watch;

use super::family::{Reading, Word};
use super::words::{Purpose, Version};
use super::{Metrics, process};
use crate::provider::{House, Provider};

/// Between two samples, in real time.
const SAMPLE: Duration = Duration::from_secs(5);
/// Between the beginnings of two counts of the queue.
const COUNT: Duration = Duration::from_secs(15);
/// How long a sample may count; the next one goes on. A twentieth of a thread at the most.
const BUDGET: Duration = Duration::from_millis(250);
/// Items counted in one go.
const PAGE: usize = 1_000;
/// Leases looked at.
const LEASES: usize = 10_000;
/// Segments without a time stamp that are told apart: what is more is as bad.
const SEGMENTS: usize = 16;

/// A count of the queue, and when it began.
#[derive(Default)]
struct Counting(Option<(Instant, Census)>);

/// Reads the figures of a provider until its service ends.
pub async fn sample(provider: Weak<Provider>, mut shutdown: watch::Receiver<bool>) {
    let mut counting = Counting::default();
    while !*shutdown.borrow() {
        let Some(at) = provider.upgrade() else { return };
        // Beside the pool: its threads may all be busy, which is when figures are wanted.
        let antivirus = at.antivirus_status().await;
        at.metrics.antivirus_up.set((), antivirus.map(|status| figure(status.error.is_none())));
        let sampled = tokio::task::spawn_blocking(move || {
            if let Err(error) = read(&at, &mut counting) {
                tracing::warn!(%error, "some figures are old");
            }
            counting
        });
        counting = match sampled.await {
            Ok(counting) => counting,
            Err(error) => {
                tracing::error!(%error, "a sample of figures broke off");
                Counting::default()
            }
        };
        tokio::select! {
            _ = shutdown.wait_for(|down| *down) => return,
            () = tokio::time::sleep(SAMPLE) => {}
        }
    }
}

/// What is cheap enough to be read for who asks.
pub(super) fn refresh(provider: &Provider) {
    let metrics = &provider.metrics;
    process::read(metrics);
    metrics.started.set((), provider.started_at.as_millis() as f64 / 1000.0);
    metrics.version.set(Version::This, 1.0);
    let obstacles = provider.engine.obstacles();
    for obstacle in <Obstacle as Word>::ALL {
        metrics.obstacles.set(*obstacle, figure(obstacles.contains_key(obstacle)));
    }
    let conditions = provider.conditions();
    metrics.ready.set((), figure(conditions.iter().all(|(_, why)| why.is_none())));
    for (condition, why) in &conditions {
        metrics.conditions.set(*condition, figure(why.is_none()));
    }
    let clock = provider.clock_status();
    choose(&metrics.clock_state, &clock.state);
    metrics.clock_offset.set((), clock.offset_ms.map(|ms| ms as f64 / 1000.0));
    store(provider);
}

fn store(provider: &Provider) {
    let (metrics, health, status) = (&provider.metrics, provider.store_health(), provider.store_status());
    choose(&metrics.store_state, &status.state);
    metrics.store_free.set((), status.free_bytes as f64);
    metrics.store_reserve.set((), status.reserve_bytes as f64);
    metrics.store_free_inodes.set((), status.free_inodes.map(|n| n as f64));
    metrics.store_reserve_inodes.set((), status.reserve_inodes as f64);
    metrics.store_stopped.set((), figure(health.write_stopped));
    let figures = [
        (&metrics.store_commits, health.commits),
        (&metrics.store_refused, health.refused_commits),
        (&metrics.store_background, health.background_errors),
        (&metrics.store_pending, health.pending_compaction_bytes),
        (&metrics.store_tables, health.table_bytes),
        (&metrics.store_blobs, health.blob_bytes),
        (&metrics.store_garbage, health.blob_garbage_bytes),
        (&metrics.store_buffers, health.buffer_bytes),
        (&metrics.store_cache, health.cache_bytes),
    ];
    figures.into_iter().for_each(|(reading, value)| reading.set((), value as f64));
    metrics.store_damaged.set((), provider.engine.damaged_rows() as f64);
}

fn read(provider: &Provider, counting: &mut Counting) -> Result<(), Error> {
    let (metrics, engine, now) = (&provider.metrics, &provider.engine, provider.clock.now());
    let index = provider.updater.status();
    let seconds = |at: Timestamp| at.as_millis() as f64 / 1000.0;
    metrics.index_signed.set((), engine.index().signed_at().map(seconds));
    metrics.index_stale.set((), figure(index.stale));
    metrics.index_failures.set((), f64::from(index.failures));
    metrics.crl_ends.set((), provider.revocation_ends().map(seconds));
    let shown = provider.shown();
    metrics.certificate_ends.set(Purpose::Signing, seconds(shown.signing.1));
    metrics.certificate_ends.set(Purpose::Tls, shown.tls_ends.map(seconds));
    metrics.acme_failures.set((), provider.acme.as_ref().map(|acme| f64::from(acme.failures())));
    let age = |at: Option<Timestamp>| at.map_or(0.0, |at| now.since(at).as_secs_f64());
    metrics.queue_late.set((), age(engine.next_due()?));
    metrics.log_waiting.set((), age(engine.oldest_unchained()?));
    if provider.config().timestamp.is_some() {
        metrics.log_unstamped.set((), engine.unstamped_segments(SEGMENTS)?.len() as f64);
    }
    counting.go_on(engine, metrics, now)
}

impl Counting {
    fn go_on(&mut self, engine: &House, metrics: &Metrics, now: Timestamp) -> Result<(), Error> {
        let fresh = self.0.as_ref().is_none_or(|(begun, census)| census.is_over() && begun.elapsed() >= COUNT);
        if fresh {
            self.0 = Some((Instant::now(), engine.begin_census(LEASES)?));
        }
        let Some((_, census)) = &mut self.0 else { return Ok(()) };
        let until = Instant::now() + BUDGET;
        while !census.is_over() && Instant::now() < until {
            engine.go_on(census, PAGE, now)?;
        }
        if census.is_over() {
            for (part, standing) in Part::ALL.iter().flat_map(|p| Standing::ALL.iter().map(|s| (*p, *s))) {
                let tally = census.tally(part, standing);
                let age = tally.oldest.map_or(0.0, |at| now.since(at).as_secs_f64());
                metrics.queue_items.set((part, standing), tally.items as f64);
                metrics.queue_oldest.set((part, standing), age);
            }
        }
        Ok(())
    }
}

fn figure(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// One of several words is true.
fn choose<W: Word>(reading: &Reading<W>, word: &str) {
    W::ALL.iter().for_each(|each| reading.set(*each, figure(each.word() == word)));
}
