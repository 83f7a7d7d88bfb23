//! Connections that have just handed something over, kept a moment for the next message to the same server.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::security::Security;
use super::transaction::Open;

/// Connections kept for one server.
const EACH: usize = 16;

/// A server, and all by which one connection with it differs from another. What it had to show is part of it: a message
/// that demands more does not go over a connection that showed less, whichever domains share the server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The name that its certificate must have.
    pub name: String,
    /// Where it is.
    pub address: SocketAddr,
    /// What it must show.
    pub security: Security,
    /// Under TLS from the first byte.
    pub implicit: bool,
    /// As whom we log in; empty: as nobody.
    pub user: String,
}

pub(super) struct Idle {
    /// How long a connection waits for more. Less than any server's own patience.
    keep: Duration,
    /// Messages over one connection.
    most: u32,
    open: Mutex<HashMap<Target, Vec<(Instant, Open)>>>,
}

impl Idle {
    pub(super) fn new(keep: Duration, most: u32) -> Self {
        Self { keep, most, open: Mutex::default() }
    }

    /// The connection used last: it is the most likely to live.
    pub(super) fn take(&self, to: &Target) -> Option<Open> {
        let mut open = self.open.lock();
        let (since, connection) = open.get_mut(to)?.pop()?;
        (since.elapsed() < self.keep).then_some(connection)
    }

    /// Keeps a connection, or says goodbye on it when it has served its time.
    pub(super) fn keep(&self, to: &Target, connection: Open) {
        if !connection.reusable() {
            return;
        }
        let mut open = self.open.lock();
        let list = open.entry(to.clone()).or_default();
        if list.len() < EACH && connection.messages() < self.most {
            list.push((Instant::now(), connection));
        } else {
            tokio::spawn(connection.quit());
        }
    }

    /// When to look after the connections again; `None` when there are none.
    pub(super) fn patience(&self) -> Option<Duration> {
        (!self.open.lock().is_empty()).then_some(self.keep)
    }

    /// Says goodbye on connections that nobody wanted.
    pub(super) fn sweep(&self) {
        let mut open = self.open.lock();
        for list in open.values_mut() {
            let stale = list.iter().take_while(|(since, _)| since.elapsed() >= self.keep).count();
            for (_, connection) in list.drain(..stale) {
                tokio::spawn(connection.quit());
            }
        }
        open.retain(|_, list| !list.is_empty());
    }
}
