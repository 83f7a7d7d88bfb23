//! Workers for what the provider does in itself: deliveries into mailboxes, overdue notices. What takes little memory has
//! workers of its own, who ask nobody; what takes more is done one after the other, with memory of the pool. And who sees to
//! it that what was recorded without waiting for the disk lies there soon.

use std::sync::Arc;
use std::time::Duration;

use sigillo_base::Timestamp;
use sigillo_engine::{Engine, Error, Ran};
use sigillo_store::Store;
use tokio::sync::{Notify, watch};

use crate::bell::Bells;
use crate::clock::ServiceClock;
use crate::net::Pool;

/// Workers of one provider, for what is light. They mostly wait for the disk, and their commits share an fsync.
pub const COUNT: usize = 4;

/// What takes no more memory than this is light, in bytes: messages of 1 MiB, as those that arrive without the spool.
const LIGHT: usize = 2 << 20;

/// Without a bell, work is looked for this often.
const LOOK: Duration = Duration::from_secs(30);
/// Between two looks when something is due that another worker takes.
const BREATH: Duration = Duration::from_millis(100);
/// After a fault of the store.
const FAULT: Duration = Duration::from_secs(2);

/// What was recorded without waiting for the disk is there so long afterwards.
const PERSIST: Duration = Duration::from_secs(1);

/// Makes durable, once a second, what no commit has waited for, until the service ends.
pub async fn persist<S: Store>(engine: Arc<Engine<S>>, pool: Pool, mut shutdown: watch::Receiver<bool>) {
    while !*shutdown.borrow() {
        if engine.is_unsettled() {
            let engine = Arc::clone(&engine);
            if let Some(Err(error)) = pool.run(move || engine.persist()).await {
                tracing::error!(%error, "what was recorded is not durable yet");
            }
        }
        tokio::select! {
            _ = shutdown.wait_for(|down| *down) => {}
            () = tokio::time::sleep(PERSIST) => {}
        }
    }
}

/// A worker.
pub struct Worker<S: Store> {
    /// Whose queue it is.
    pub engine: Arc<Engine<S>>,
    /// Where work is done, and whose memory it takes.
    pub pool: Pool,
    /// Who tells of work.
    pub bells: Arc<Bells>,
    /// Service time.
    pub clock: Arc<ServiceClock>,
    /// Turns true when the service ends.
    pub shutdown: watch::Receiver<bool>,
}

impl<S: Store> Worker<S> {
    /// Does what is light until the service ends.
    pub async fn light(self) {
        while !*self.shutdown.borrow() {
            let wait = match self.look(LIGHT).await {
                Ok((ran, next)) => {
                    if ran.wants.is_some() {
                        self.bells.heavy.notify_one();
                    }
                    if ran.done > 0 {
                        // There may be more than one worker takes at once: wake another, and look again.
                        self.bells.worker.notify_one();
                        continue;
                    }
                    next.map_or(LOOK, |at| self.clock.until(at).clamp(BREATH, LOOK))
                }
                Err(wait) => wait,
            };
            self.rest(&self.bells.worker, wait).await;
        }
    }

    /// Does what is not, as soon as there is memory for it, until the service ends. Whoever finds such work rings.
    pub async fn heavy(self) {
        let mut room = LIGHT;
        while !*self.shutdown.borrow() {
            let wait = match self.look(room).await {
                Ok((Ran { wants: Some(more), .. }, _)) => {
                    room = more;
                    continue;
                }
                Ok((ran, _)) if ran.done > 0 => continue,
                Ok(_) => LOOK,
                Err(wait) => wait,
            };
            room = LIGHT;
            self.rest(&self.bells.heavy, wait).await;
        }
    }

    async fn rest(&self, bell: &Notify, longest: Duration) {
        let mut down = self.shutdown.clone();
        tokio::select! {
            _ = down.wait_for(|down| *down) => {}
            () = bell.notified() => {}
            () = tokio::time::sleep(longest) => {}
        }
    }

    /// Does what is due within so much memory. When nothing was, tells when something will be; after a fault, how long to
    /// rest.
    async fn look(&self, room: usize) -> Result<(Ran, Option<Timestamp>), Duration> {
        let (engine, clock) = (Arc::clone(&self.engine), Arc::clone(&self.clock));
        let work = move || {
            let ran = engine.run_due_within(room, clock.now())?;
            let next = if ran.done == 0 { engine.next_due()? } else { None };
            Ok::<_, Error>((ran, next))
        };
        let weight = if room > LIGHT { room } else { 0 };
        match self.pool.weighing(weight, work).await {
            Some(Ok(looked)) => Ok(looked),
            Some(Err(error)) => {
                tracing::error!(%error, "the queue cannot be read");
                Err(FAULT)
            }
            None => Err(FAULT),
        }
    }
}
