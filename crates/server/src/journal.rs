//! Events of the service itself, written into the legal log from where nothing may block.

use std::sync::Arc;

use sigillo_base::Timestamp;
use sigillo_engine::Engine;
use sigillo_pec::log::ServiceEvent;
use sigillo_store::Store;

use crate::net::Pool;

/// Writes an event down, soon, on a thread that may block. It stops nobody: an event that cannot be written is said in
/// the program's own log.
pub fn record<S: Store>(engine: &Arc<Engine<S>>, pool: &Pool, event: ServiceEvent, now: Timestamp) {
    let (engine, pool) = (Arc::clone(engine), pool.clone());
    tokio::spawn(async move {
        match pool.run(move || engine.log_service(event, now)).await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::error!(%error, "an event is missing in the legal log"),
            None => tracing::error!("an event is missing in the legal log"),
        }
    });
}
