//! Connections that have just handed something over, kept a moment for the next message to the same place.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::Destination;
use super::transaction::Open;

/// How long a connection waits for more. Less than any server's own patience.
const KEEP: Duration = Duration::from_secs(5);
/// Connections kept for one destination.
const EACH: usize = 16;

#[derive(Default)]
pub(super) struct Idle {
    open: Mutex<HashMap<Destination, Vec<(Instant, Open)>>>,
}

impl Idle {
    /// The connection used last: it is the most likely to live.
    pub(super) fn take(&self, to: &Destination) -> Option<Open> {
        let mut open = self.open.lock();
        let (since, connection) = open.get_mut(to)?.pop()?;
        (since.elapsed() < KEEP).then_some(connection)
    }

    pub(super) fn keep(&self, to: &Destination, connection: Open) {
        if !connection.reusable() {
            return;
        }
        let mut open = self.open.lock();
        let list = open.entry(to.clone()).or_default();
        if list.len() < EACH {
            list.push((Instant::now(), connection));
        }
    }

    /// When to look after the connections again; `None` when there are none.
    pub(super) fn patience(&self) -> Option<Duration> {
        (!self.open.lock().is_empty()).then_some(KEEP)
    }

    /// Says goodbye on connections that nobody wanted.
    pub(super) async fn sweep(&self) {
        let mut old = Vec::new();
        {
            let mut open = self.open.lock();
            for list in open.values_mut() {
                let stale = list.iter().take_while(|(since, _)| since.elapsed() >= KEEP).count();
                old.extend(list.drain(..stale));
            }
            open.retain(|_, list| !list.is_empty());
        }
        for (_, connection) in old {
            tokio::spawn(connection.quit());
        }
    }
}
