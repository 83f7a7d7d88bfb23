//! One driver for every protocol: it carries out what a [`Connection`] asks, and knows no protocol.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sigillo_base::MailboxId;
use sigillo_wire::sasl::Binding;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::{Pool, Stream};
use crate::bell::Bells;
use crate::clock::{ServiceClock, Ticks};
use crate::metrics::Metrics;
use crate::tls::ServerTls;
use sigillo_engine::front::{Connection, Step};
use sigillo_engine::meter::Task;

/// How long a TLS handshake of a client may take.
pub const SERVER_HANDSHAKE: Duration = Duration::from_secs(30);
/// How long a client may leave our output unread.
const WRITE: Duration = Duration::from_secs(120);
/// Output is gathered up to this size before it is written.
const GATHER: usize = 64 * 1024;

/// What all connections share.
pub struct Driver {
    /// Service time.
    pub clock: Arc<ServiceClock>,
    /// Real time.
    pub ticks: Ticks,
    /// Where work is done.
    pub pool: Pool,
    /// Who rings when a mailbox changes.
    pub bells: Arc<Bells>,
    /// Turns true when the service ends.
    pub shutdown: watch::Receiver<bool>,
    /// Numbers connections, for the logs.
    pub numbers: AtomicU64,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// What ended a wait.
enum Woken {
    Read(io::Result<()>),
    Deadline,
    Bell,
    Shutdown,
}

/// One connection under way.
struct Running<'d> {
    driver: &'d Driver,
    stream: Stream,
    out: Vec<u8>,
    told_shutdown: bool,
    watched: Option<(MailboxId, watch::Receiver<u64>)>,
}

impl Driver {
    /// A number for the next connection.
    pub fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Serves one connection to its end. Nothing is read while work is outstanding: a peer that talks faster than we
    /// work is held by TCP.
    pub async fn run(&self, stream: Stream, connection: Box<dyn Connection>, tls: &ServerTls) {
        let mut running = Running { driver: self, stream, out: Vec::new(), told_shutdown: false, watched: None };
        let mut connection = Some(connection);
        match running.serve(&mut connection, tls).await {
            Ok(()) => {}
            Err(error) => tracing::debug!(%error, "connection lost"),
        }
        if let Some(mut connection) = connection.filter(|connection| connection.is_in()) {
            let now = self.clock.now();
            // What it panicked about is in the log already.
            self.pool.run(move || connection.ended(now)).await.unwrap_or_default();
        }
    }
}

impl Running<'_> {
    /// Serves what is in its place, which is empty where its work broke off.
    async fn serve(&mut self, place: &mut Option<Box<dyn Connection>>, tls: &ServerTls) -> io::Result<()> {
        if let Some(connection) = place {
            connection.show(self.stream.shown());
        }
        while let Some(connection) = place {
            match connection.step() {
                Step::Write(bytes) => self.write(&bytes).await?,
                Step::StartTls => {
                    self.flush().await?;
                    connection.bind(self.start_tls(tls).await?);
                    connection.show(self.stream.shown());
                    connection.tls_started(self.driver.ticks.now());
                }
                Step::Work { bytes } => {
                    let (task, begun) = (connection.task(), Instant::now());
                    // An address is judged at once: what was said goes out with the answer, in one piece.
                    if task != Some(Task::Address) {
                        self.flush().await?;
                    }
                    if let Some(connection) = place.take() {
                        *place = Some(self.work(connection, bytes).await?);
                    }
                    if let Some(task) = task {
                        self.driver.metrics.work.took(task, begun.elapsed());
                    }
                }
                Step::Close => {
                    self.flush().await?;
                    return self.close().await;
                }
                Step::Wait => {
                    self.flush().await?;
                    self.wait(connection.as_mut()).await?;
                }
            }
        }
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.extend_from_slice(bytes);
        if self.out.len() >= GATHER { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        let written = tokio::time::timeout(WRITE, self.stream.write_all(&self.out)).await;
        // An idle connection keeps no room for what it said once.
        self.out = Vec::new();
        written.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read")))
    }

    async fn close(&mut self) -> io::Result<()> {
        tokio::time::timeout(Duration::from_secs(5), self.stream.close()).await.unwrap_or(Ok(()))
    }

    async fn start_tls(&mut self, tls: &ServerTls) -> io::Result<Binding> {
        let Stream::Plain(tcp) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(io::Error::other("TLS asked twice"));
        };
        let shown = tls.current();
        let acceptor = TlsAcceptor::from(Arc::clone(&shown.config));
        let stream = tokio::time::timeout(SERVER_HANDSHAKE, acceptor.accept(tcp))
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no TLS handshake in time"))??;
        let binding = shown.binding(stream.get_ref().1);
        self.stream = Stream::Tls(Box::new(stream.into()));
        Ok(binding)
    }

    async fn work(&self, mut connection: Box<dyn Connection>, bytes: usize) -> io::Result<Box<dyn Connection>> {
        let (clock, ticks) = (Arc::clone(&self.driver.clock), self.driver.ticks);
        let done = self.driver.pool.weighing(bytes, move || {
            connection.work(clock.now(), ticks.now());
            connection
        });
        done.await.ok_or_else(|| io::Error::other("the session's work broke off"))
    }

    async fn wait(&mut self, connection: &mut dyn Connection) -> io::Result<()> {
        let ticks = self.driver.ticks;
        if self.subscribe(connection.watching()) {
            // It may have changed between the session's last look and the subscription.
            connection.wake(ticks.now());
            return Ok(());
        }
        match self.woken(connection).await {
            Woken::Read(read) => read?,
            Woken::Deadline => connection.timeout(ticks.now()),
            Woken::Bell => connection.wake(ticks.now()),
            Woken::Shutdown => {
                self.told_shutdown = true;
                connection.shutdown(ticks.now());
            }
        }
        Ok(())
    }

    /// Whether a new mailbox is watched from now on.
    fn subscribe(&mut self, wanted: Option<MailboxId>) -> bool {
        if wanted == self.watched.as_ref().map(|(mailbox, _)| *mailbox) {
            return false;
        }
        self.watched = wanted.map(|mailbox| (mailbox, self.driver.bells.watch(mailbox)));
        self.watched.is_some()
    }

    /// Waits for what comes first; what is read goes to the connection at once.
    async fn woken(&mut self, connection: &mut dyn Connection) -> Woken {
        let ticks = self.driver.ticks;
        let deadline = connection.deadline();
        let deadline = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(ticks.instant(at).into()).await,
                None => std::future::pending().await,
            }
        };
        let bell = async {
            let rung = match &mut self.watched {
                Some((_, bell)) => bell.changed().await.is_ok(),
                None => false,
            };
            if !rung {
                std::future::pending::<()>().await;
            }
        };
        let mut down = self.driver.shutdown.clone();
        let told = self.told_shutdown;
        let shutdown = async {
            if told || down.wait_for(|down| *down).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let stream = &mut self.stream;
        let read = poll_fn(|cx| {
            stream.poll_read(cx, |bytes| match bytes {
                [] => connection.end_of_input(ticks.now()),
                bytes => connection.input(ticks.now(), bytes),
            })
        });
        tokio::select! {
            biased;
            () = shutdown => Woken::Shutdown,
            read = read => Woken::Read(read),
            () = bell => Woken::Bell,
            () = deadline => Woken::Deadline,
        }
    }
}
