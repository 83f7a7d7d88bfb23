//! What every long-running verb needs: signals, and a hand that keeps the clock's file.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::clock::ServiceClock;

/// Writes service time down every second, and for the last time when dropped.
pub struct ClockKeeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    clock: Arc<ServiceClock>,
}

impl ClockKeeper {
    /// Begins. A thread of its own: the runtime may be busy, and time must not stand still for that.
    pub fn start(clock: Arc<ServiceClock>) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let kept = Arc::clone(&clock);
        let thread = std::thread::Builder::new().name("clock".to_owned()).spawn(move || {
            while stopped.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                if let Err(error) = kept.keep() {
                    tracing::error!(%error, "service time cannot be written down");
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread), clock })
    }
}

impl Drop for ClockKeeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|t| t.join().is_err()) {
            tracing::error!("the clock's thread broke off");
        }
        if let Err(error) = self.clock.close() {
            tracing::error!(%error, "service time cannot be written down");
        }
    }
}

/// Raises the number of files that may be open to what the system allows: every connection is one.
pub fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// Files that a provider keeps open beside its connections: those of the store, and messages on their way.
const OWN_FILES: usize = 1000 + crate::spool::PLACES + 500;

/// Connections for which the limit of open files has room; at least half of it.
pub fn room_for_connections() -> usize {
    let limit = getrlimit(Resource::Nofile).current.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    limit.saturating_sub(OWN_FILES).max(limit / 2)
}

/// The signals of a service.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What a signal asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// SIGTERM or Ctrl-C: come to an end.
    Stop,
    /// SIGHUP: read everything again.
    Reload,
}

impl Signals {
    /// Takes the signals over; from now on they no longer kill.
    pub fn take() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hangup.recv() => Asked::Reload,
        }
    }

    /// Waits for an order to stop.
    pub async fn stop(&mut self) {
        while self.next().await != Asked::Stop {}
    }
}
