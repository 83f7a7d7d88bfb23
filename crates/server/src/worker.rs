//! Workers for what the provider does in itself: deliveries into mailboxes, overdue notices.

use std::sync::Arc;
use std::time::Duration;

use sigillo_engine::Engine;
use sigillo_store::Store;
use tokio::sync::watch;

use crate::bell::Bells;
use crate::clock::ServiceClock;
use crate::net::Pool;

/// Workers of one provider. They mostly wait for the disk, and their commits share an fsync.
pub const COUNT: usize = 4;

/// Without a bell, work is looked for this often.
const LOOK: Duration = Duration::from_secs(30);
/// Between two looks when something is due that another worker takes.
const BREATH: Duration = Duration::from_millis(100);
/// After a fault of the store.
const FAULT: Duration = Duration::from_secs(2);

/// Works until the service ends.
pub async fn run<S: Store>(
    engine: Arc<Engine<S>>,
    pool: Pool,
    bells: Arc<Bells>,
    clock: Arc<ServiceClock>,
    mut shutdown: watch::Receiver<bool>,
) {
    while !*shutdown.borrow() {
        let (worker, now) = (Arc::clone(&engine), clock.now());
        let done = pool.run(move || match worker.run_due(now) {
            Ok(0) => worker.next_due().map(|next| (0, next)),
            other => other.map(|count| (count, None)),
        });
        let wait = match done.await {
            Some(Ok((0, next))) => next.map_or(LOOK, |at| clock.until(at).clamp(BREATH, LOOK)),
            Some(Ok(_)) => {
                // There may be more than one worker takes at once: wake another, and look again.
                bells.worker.notify_one();
                continue;
            }
            Some(Err(error)) => {
                tracing::error!(%error, "the queue cannot be read");
                FAULT
            }
            None => FAULT,
        };
        tokio::select! {
            _ = shutdown.wait_for(|down| *down) => {}
            () = bells.worker.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}
