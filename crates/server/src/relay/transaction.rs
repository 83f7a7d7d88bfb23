//! One connection to another provider's server: drives the SMTP client session over TCP and TLS.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use sigillo_engine::Dispatch;
use sigillo_smtp::client::{Action, Client, Config, Envelope, Login, RecipientOutcome};
use sigillo_store::Store;
use sigillo_wire::Session;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::pki_types::ServerName;

use super::idle::Target;
use super::report::Trouble;
use super::security::{Judge, Security, handshake_trouble};
use super::{Relay, watchdog};
use crate::clock::Ticks;
use crate::net::Stream;

const CONNECT: Duration = Duration::from_secs(30);
const HANDSHAKE: Duration = Duration::from_secs(30);
const WRITE: Duration = Duration::from_secs(120);
/// Bytes of a message read from the store at once.
const CHUNK: u64 = 256 * 1024;

/// What connections have in common.
pub struct Wire {
    host: String,
    ticks: Ticks,
    trust: ArcSwap<Trust>,
}

/// What is trusted of certificates.
pub struct Trust {
    /// For servers that must be verified; sessions are resumed.
    pub verified: Arc<ClientConfig>,
    /// The same as a judge, for all others.
    pub judge: Arc<WebPkiServerVerifier>,
}

/// An open connection with its session.
pub(super) struct Open {
    stream: Stream,
    client: Client,
    ticks: Ticks,
    connector: TlsConnector,
    judge: Arc<Judge>,
    name: String,
    closed: bool,
    messages: u32,
    /// Why the handshake failed: the server may still be spoken to in clear, where that is allowed.
    pub(super) tls_failed: Option<Trouble>,
}

/// What became of a message.
pub(super) enum Sent {
    /// The server answered; the connection may serve again.
    Done(Vec<RecipientOutcome>),
    /// The connection, or TLS, did not hold.
    Broken(Vec<RecipientOutcome>),
    /// Our own store did not give the message.
    Unreadable(String),
}

impl Wire {
    pub(super) fn new(host: &str, ticks: Ticks, trust: Trust) -> Self {
        Self { host: host.to_owned(), ticks, trust: ArcSwap::from_pointee(trust) }
    }

    /// Takes other TLS roots.
    pub fn replace(&self, trust: Trust) {
        self.trust.store(Arc::new(trust));
    }

    /// Connects; `names` are those that a certificate may have under DANE, `try_tls` is false only to speak again in
    /// clear with a server whose TLS does not hold.
    pub(super) async fn connect(
        &self,
        target: &Target,
        names: &[String],
        login: Option<Login>,
        dispatch: &Dispatch,
        try_tls: bool,
    ) -> io::Result<Open> {
        watchdog::step(&target.name, "connessione");
        let tcp = tokio::time::timeout(CONNECT, TcpStream::connect(target.address))
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "nessuna risposta"))??;
        tcp.set_nodelay(true)?;
        let trust = self.trust.load();
        let judge = Judge::new(target.security.clone(), Arc::clone(&trust.judge), names);
        let tls = match target.security {
            Security::Verified => Arc::clone(&trust.verified),
            _ => Arc::new(judge.config().map_err(io::Error::other)?),
        };
        let config = Config {
            require_tls: target.security.needs_tls(),
            try_tls,
            under_tls: target.implicit,
            login,
            ..Config::new(self.host.clone())
        };
        let mut open = Open {
            stream: Stream::Plain(tcp),
            client: Client::new(config, envelope(dispatch), self.ticks.now()),
            ticks: self.ticks,
            connector: TlsConnector::from(tls),
            judge,
            name: target.name.clone(),
            closed: false,
            messages: 0,
            tls_failed: None,
        };
        if target.implicit {
            open.handshake().await.map_err(io::Error::other)?;
        }
        Ok(open)
    }
}

fn envelope(dispatch: &Dispatch) -> Envelope {
    let Dispatch { from, rcpts, size, eight_bit, marked, .. } = dispatch;
    let utf8 = from.iter().chain(rcpts).any(|a| !a.as_str().is_ascii());
    let (from, to) = (from.clone(), rcpts.clone());
    Envelope { from, to, size: *size, eight_bit: *eight_bit, utf8, require_tls: *marked }
}

impl Open {
    /// Whether another message may follow.
    pub(super) fn reusable(&self) -> bool {
        !self.closed
    }

    /// Messages that went over it.
    pub(super) fn messages(&self) -> u32 {
        self.messages
    }

    /// Whether the server let us in.
    pub(super) fn is_met(&self) -> bool {
        self.client.is_met()
    }

    /// Whether TLS stands.
    pub(super) fn is_tls(&self) -> bool {
        self.client.is_tls() && self.tls_failed.is_none()
    }

    /// What is wrong with a certificate that was taken all the same.
    pub(super) fn overlooked(&self) -> Option<Trouble> {
        self.judge.overlooked()
    }

    /// Hands over the message that the connection was opened for.
    pub(super) async fn first<S: Store>(&mut self, relay: &Relay<S>, dispatch: &Arc<Dispatch>) -> Sent {
        self.drive(relay, dispatch).await
    }

    /// Hands over another message.
    pub(super) async fn send<S: Store>(&mut self, relay: &Relay<S>, dispatch: &Arc<Dispatch>) -> Sent {
        if self.client.next(envelope(dispatch), self.ticks.now()) {
            self.drive(relay, dispatch).await
        } else {
            Sent::Broken(Vec::new())
        }
    }

    /// QUIT, as a good guest.
    pub(super) async fn quit(mut self) {
        self.client.quit(self.ticks.now());
        let farewell = async {
            loop {
                match self.client.poll() {
                    Some(Action::Write(bytes)) => self.stream.write_all(&bytes).await?,
                    Some(Action::Close) => break self.stream.close().await,
                    Some(_) => {}
                    None => self.wait(&mut [0; 1024]).await?,
                }
            }
        };
        if !matches!(tokio::time::timeout(Duration::from_secs(5), farewell).await, Ok(Ok(()))) {
            tracing::debug!(host = self.name, "left without goodbye");
        }
    }

    async fn drive<S: Store>(&mut self, relay: &Relay<S>, dispatch: &Arc<Dispatch>) -> Sent {
        self.messages += 1;
        let mut given = 0;
        let mut buffer = vec![0; 8 * 1024];
        loop {
            let action = self.client.poll();
            watchdog::step(&self.name, stage(action.as_ref()));
            let step = match action {
                Some(Action::Write(bytes)) => self.write(&bytes).await,
                Some(Action::StartTls) => {
                    self.start_tls().await;
                    Ok(())
                }
                Some(Action::NeedBody) => match read(relay, dispatch, given).await {
                    Ok(bytes) => {
                        given += bytes.len() as u64;
                        self.client.body(&bytes);
                        // Nobody is asked for what is behind the end.
                        if bytes.is_empty() || given == dispatch.message.len() {
                            self.client.body_end();
                        }
                        Ok(())
                    }
                    Err(why) => {
                        self.closed = true;
                        return Sent::Unreadable(why);
                    }
                },
                Some(Action::Done(outcomes)) => {
                    self.after().await;
                    return if self.closed { Sent::Broken(outcomes) } else { Sent::Done(outcomes) };
                }
                Some(Action::Close) => {
                    self.closed = true;
                    return Sent::Broken(Vec::new());
                }
                None => self.wait(&mut buffer).await,
            };
            if let Err(error) = step {
                tracing::debug!(host = self.name, %error, "connection lost");
                self.lose();
            }
        }
    }

    /// What the session still wants after the outcomes: nothing, or a farewell.
    async fn after(&mut self) {
        while let Some(action) = self.client.poll() {
            match action {
                Action::Write(bytes) => self.closed |= self.write(&bytes).await.is_err(),
                Action::Close => self.closed = true,
                _ => {}
            }
        }
    }

    fn lose(&mut self) {
        self.closed = true;
        self.stream = Stream::Gone;
        self.client.end_of_input(self.ticks.now());
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = tokio::time::timeout(WRITE, self.stream.write_all(bytes)).await;
        written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn wait(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let deadline = self.client.deadline().map(|tick| self.ticks.instant(tick));
        let late = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            read = self.stream.read(buffer) => match read? {
                0 => self.lose(),
                read => self.client.input(self.ticks.now(), &buffer[..read]),
            },
            () = late => self.client.timeout(self.ticks.now()),
        }
        Ok(())
    }

    async fn start_tls(&mut self) {
        match self.handshake().await {
            Ok(()) => self.client.tls_started(self.ticks.now()),
            Err(why) => self.client.tls_failed(&why, self.ticks.now()),
        }
    }

    async fn handshake(&mut self) -> Result<(), String> {
        let shaken = match (std::mem::replace(&mut self.stream, Stream::Gone), ServerName::try_from(self.name.clone()))
        {
            (Stream::Plain(tcp), Ok(name)) => {
                let shaken = tokio::time::timeout(HANDSHAKE, self.connector.connect(name, tcp)).await;
                shaken.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "nessuna risposta")))
            }
            _ => Err(io::Error::other("il nome del server non vale per TLS")),
        };
        match shaken {
            Ok(stream) => {
                self.stream = Stream::Tls(Box::new(stream.into()));
                Ok(())
            }
            Err(error) => {
                tracing::warn!(host = self.name, %error, "no TLS with the other provider");
                self.tls_failed = Some(handshake_trouble(&error));
                Err(format!("TLS con {}: {error}", self.name))
            }
        }
    }
}

/// What a hand-over is at, for who asks why it does not go on.
fn stage(action: Option<&Action>) -> &'static str {
    match action {
        Some(Action::Write(_)) => "invio",
        Some(Action::StartTls) => "TLS",
        Some(Action::NeedBody) => "lettura del messaggio",
        Some(Action::Done(_) | Action::Close) => "fine",
        None => "in attesa di risposta",
    }
}

async fn read<S: Store>(relay: &Relay<S>, dispatch: &Arc<Dispatch>, from: u64) -> Result<Vec<u8>, String> {
    if let Some(bytes) = &dispatch.bytes {
        return Ok(bytes.get(from as usize..).unwrap_or_default().to_vec());
    }
    let (engine, dispatch) = (Arc::clone(&relay.engine), Arc::clone(dispatch));
    match relay.pool.run(move || engine.read(&dispatch.message, from, CHUNK)).await {
        Some(Ok(bytes)) => Ok(bytes),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("lettura interrotta".to_owned()),
    }
}
