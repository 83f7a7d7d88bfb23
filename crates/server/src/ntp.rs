//! How far the clock is from UTC, measured by asking time servers (SNTP, RFC 4330; pec rule 11: one second at the most).
//!
//! What the kernel believes of its own clock (`adjtimex`) is no measurement: it knows no offset from UTC, in a container
//! it speaks of another system's work, and no safe library reads it. So the offset is measured, beside and independent
//! of whatever disciplines the clock. The clock is only looked at, never set.

mod judge;
mod packet;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::net::{UdpSocket, lookup_host};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::clock::ServiceClock;
use crate::host_port::HostPort;
use crate::ids::random;
pub use judge::State;
use judge::judge;
use packet::{Reply, Stamp};

/// The port of NTP.
pub const PORT: u16 = 123;

/// Between two measurements.
const POLL: Duration = Duration::from_secs(64);
/// The same while the clock is off, so that service comes back soon; no less than RFC 4330 §10 allows.
const POLL_OFF: Duration = Duration::from_secs(16);
/// How long a server may take, its name's look-up included.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a server that asked to be left alone is left alone (RFC 5905 §7.4).
const REST: Duration = Duration::from_secs(3600);

/// Measures the clock again and again.
pub struct Monitor {
    servers: Vec<Server>,
    tolerance_ms: i64,
    clock: Arc<ServiceClock>,
    state: ArcSwap<State>,
}

struct Server {
    at: HostPort,
    rests_until: Mutex<Option<Instant>>,
}

impl Monitor {
    /// A monitor of this clock; without servers it knows nothing and says so.
    pub fn new(servers: &[HostPort], tolerance_ms: i64, clock: Arc<ServiceClock>) -> Self {
        let server = |at: &HostPort| Server { at: at.clone(), rests_until: Mutex::default() };
        let why = if servers.is_empty() { "clock.servers è vuoto" } else { "non ancora misurato" };
        let state = State::Unknown { why: why.to_owned() };
        Self { servers: servers.iter().map(server).collect(), tolerance_ms, clock, state: ArcSwap::from_pointee(state) }
    }

    /// The state by the last measurement.
    pub fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    /// Measures once, four seconds at the most, and gives the state that follows.
    pub async fn measure(&self) -> Arc<State> {
        if !self.servers.is_empty() {
            let mut asked = tokio::task::JoinSet::new();
            for (i, server) in self.servers.iter().enumerate() {
                let (at, rests, tolerance_ms) = (server.at.clone(), server.rests(), self.tolerance_ms);
                let answer = async move { if rests { Err(Failure::rests(&at)) } else { ask(&at, tolerance_ms).await } };
                asked.spawn(async move { (i, answer.await) });
            }
            let mut offsets = Vec::new();
            for (i, answer) in asked.join_all().await {
                if let (Err(Failure { kiss: true, .. }), Some(server)) = (&answer, self.servers.get(i)) {
                    *server.rests_until.lock() = Some(Instant::now() + REST);
                }
                offsets.push(answer.map_err(|failure| failure.why));
            }
            // What the service shows is what must be right: its time is ahead while it waits for a system that stepped back.
            let held_ms = i64::try_from(self.clock.held().as_millis()).unwrap_or(i64::MAX);
            let measured = judge(&offsets, held_ms, self.tolerance_ms);
            self.take(measured);
        }
        self.state()
    }

    fn take(&self, measured: State) {
        let before = self.state();
        let next = before.then(measured);
        match &next {
            _ if next.same_kind(&before) => {}
            State::Synchronised { offset_ms } => tracing::info!(offset_ms, "the clock is within its tolerance of UTC"),
            State::Off { offset_ms } => tracing::error!(offset_ms, "the clock is off UTC beyond its tolerance"),
            State::Unknown { why } => tracing::warn!(why, "the clock cannot be compared with UTC"),
        }
        self.state.store(Arc::new(next));
    }

    /// Measures until the service ends, and tells the state after each measurement.
    pub async fn run(self: Arc<Self>, tell: impl Fn(&State), mut shutdown: watch::Receiver<bool>) {
        while !self.servers.is_empty() && !*shutdown.borrow() {
            let wait = if matches!(*self.state(), State::Off { .. }) { POLL_OFF } else { POLL };
            tokio::select! {
                _ = shutdown.wait_for(|down| *down) => return,
                () = tokio::time::sleep(wait) => {}
            }
            tell(&*self.measure().await);
        }
    }
}

impl Server {
    fn rests(&self) -> bool {
        self.rests_until.lock().is_some_and(|until| Instant::now() < until)
    }
}

/// Why a server gave no sample.
#[derive(Debug)]
struct Failure {
    why: String,
    /// It asked to be left alone.
    kiss: bool,
}

impl Failure {
    fn new(at: &HostPort, why: impl std::fmt::Display) -> Self {
        Self { why: format!("{at}: {why}"), kiss: false }
    }

    fn rests(at: &HostPort) -> Self {
        Self::new(at, "ha chiesto di non essere interrogato; si riprova dopo un'ora")
    }
}

/// Measures the system's clock once, four seconds at the most: for who has no service running.
pub async fn measure(servers: &[HostPort], tolerance_ms: i64) -> State {
    let mut asked = tokio::task::JoinSet::new();
    for at in servers {
        let at = at.clone();
        asked.spawn(async move { ask(&at, tolerance_ms).await.map_err(|failure| failure.why) });
    }
    judge(&asked.join_all().await, 0, tolerance_ms)
}

/// What must be added to the system's clock to get the server's time, in milliseconds.
async fn ask(at: &HostPort, tolerance_ms: i64) -> Result<i64, Failure> {
    let silent = || Failure::new(at, format!("nessuna risposta valida in {} s", PATIENCE.as_secs()));
    let (offset_ms, doubt_ms) = timeout(PATIENCE, exchange(at)).await.unwrap_or_else(|_| Err(silent()))?;
    // Such an answer proves nothing. An offset by unequal ways alone is at most the doubt, so that a right clock is
    // never called off for a slow network.
    if doubt_ms >= tolerance_ms {
        return Err(Failure::new(at, format!("una risposta incerta di {doubt_ms} ms")));
    }
    Ok(offset_ms)
}

/// One question and its answer: the offset, and how wrong it may be, in milliseconds.
async fn exchange(at: &HostPort) -> Result<(i64, i64), Failure> {
    let failed = |e: io::Error| Failure::new(at, e);
    let socket = open(at).await.map_err(failed)?;
    // In place of our time stands a number that only the server learns, so that nobody else can answer.
    let nonce = Stamp(u64::from_be_bytes(random()));
    let (sent, since) = (now(), Instant::now());
    socket.send(&packet::request(nonce)).await.map_err(failed)?;
    let mut buffer = [0; 512];
    loop {
        let count = socket.recv(&mut buffer).await.map_err(failed)?;
        let back = sent.plus(since.elapsed());
        return match packet::read(&buffer[..count], nonce) {
            // Another's packet, or garbage: the answer may still come.
            Reply::Foreign => continue,
            Reply::Kiss(code) => Err(Failure { kiss: true, ..Failure::new(at, format!("rifiuto {code}")) }),
            Reply::Unsynchronised => Err(Failure::new(at, "il server stesso non è sincronizzato")),
            Reply::Time { received, replied, distance_ms } => {
                // RFC 4330 §5: the mean of both ways is the offset, what both took together the delay, whose half, with
                // the server's distance from its own source, is the doubt.
                let (there, home) = (received.since(sent), replied.since(back));
                Ok(((there + home) / 2, (there - home).max(0) / 2 + distance_ms))
            }
        };
    }
}

/// A socket that hears only this server, at the first of its addresses that there is a way to.
async fn open(at: &HostPort) -> io::Result<UdpSocket> {
    let mut failed = io::Error::other("il nome non ha indirizzi");
    for address in lookup_host(at.as_str()).await? {
        let own: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(own).await?;
        match socket.connect(address).await {
            Ok(()) => return Ok(socket),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// The system's clock.
fn now() -> Stamp {
    Stamp::of_unix(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
