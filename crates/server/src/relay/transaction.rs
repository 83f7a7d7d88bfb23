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
/// What a server said before its connection broke is there, or comes no more.
const LAST_WORDS: Duration = Duration::from_secs(2);
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
        self.drive(&Kept { relay, dispatch }).await
    }

    /// Hands over another message.
    pub(super) async fn send<S: Store>(&mut self, relay: &Relay<S>, dispatch: &Arc<Dispatch>) -> Sent {
        if self.client.next(envelope(dispatch), self.ticks.now()) {
            self.drive(&Kept { relay, dispatch }).await
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

    async fn drive(&mut self, message: &impl Message) -> Sent {
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
                Some(Action::NeedBody) => match message.read(given).await {
                    Ok(bytes) => {
                        given += bytes.len() as u64;
                        self.client.body(&bytes);
                        // Nobody is asked for what is behind the end.
                        if bytes.is_empty() || given == message.octets() {
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

    /// Writes, and hears what the server says meanwhile: one that refuses a message in its midst says so before it closes,
    /// and who does not read that sees a broken connection only.
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = tokio::time::timeout(WRITE, self.write_hearing(bytes)).await;
        let written = written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        if written.is_err() {
            self.hear_last_words().await;
        }
        written
    }

    async fn write_hearing(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut sent, mut buffer) = (0, [0; 1024]);
        while let Some(read) = self.stream.write_or_read(bytes, &mut sent, &mut buffer).await? {
            if read == 0 {
                self.lose();
                break;
            }
            self.client.input(self.ticks.now(), &buffer[..read]);
        }
        Ok(())
    }

    /// Reads what lies there of a connection that takes nothing any more.
    async fn hear_last_words(&mut self) {
        let mut buffer = [0; 1024];
        let heard = async {
            while let Ok(read @ 1..) = self.stream.read(&mut buffer).await {
                self.client.input(self.ticks.now(), &buffer[..read]);
            }
        };
        if tokio::time::timeout(LAST_WORDS, heard).await.is_err() {
            tracing::debug!(host = self.name, "takes nothing, and does not go");
        }
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

/// A message to be handed over, read piece by piece.
trait Message: Sync {
    fn octets(&self) -> u64;
    fn read(&self, from: u64) -> impl Future<Output = Result<Vec<u8>, String>> + Send;
}

/// A message in the store.
struct Kept<'a, S: Store> {
    relay: &'a Relay<S>,
    dispatch: &'a Arc<Dispatch>,
}

impl<S: Store> Message for Kept<'_, S> {
    fn octets(&self) -> u64 {
        self.dispatch.message.len()
    }

    async fn read(&self, from: u64) -> Result<Vec<u8>, String> {
        if let Some(bytes) = &self.dispatch.bytes {
            return Ok(bytes.get(from as usize..).unwrap_or_default().to_vec());
        }
        let (engine, dispatch) = (Arc::clone(&self.relay.engine), Arc::clone(self.dispatch));
        match self.relay.pool.run(move || engine.read(&dispatch.message, from, CHUNK)).await {
            Some(Ok(bytes)) => Ok(bytes),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("lettura interrotta".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use sigillo_base::Address;
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;
    use tokio_rustls::rustls::RootCertStore;

    use super::*;
    use crate::tls;

    /// So many octets in lines.
    struct Lines(u64);

    impl Message for Lines {
        fn octets(&self) -> u64 {
            self.0
        }

        async fn read(&self, from: u64) -> Result<Vec<u8>, String> {
            let line = [&[b'x'; 62][..], b"\r\n"].concat();
            Ok(line.repeat((self.0 - from).min(CHUNK) as usize / line.len()))
        }
    }

    async fn open(to: &TcpListener, size: u64) -> Open {
        let key = KeyPair::generate().unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap().der().clone()).unwrap();
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(tls::provider()));
        let judge = Judge::new(Security::Opportunistic, webpki.build().unwrap(), &[]);
        let rcpt = |a: &str| Address::parse(a).unwrap();
        let (from, to_whom) = (Some(rcpt("anna@alfa.example")), vec![rcpt("bruno@beta.example")]);
        let envelope = Envelope { from, to: to_whom, size, eight_bit: false, utf8: false, require_tls: false };
        let ticks = Ticks::start();
        Open {
            stream: Stream::Plain(TcpStream::connect(to.local_addr().unwrap()).await.unwrap()),
            client: Client::new(Config::new("mx.alfa.example"), envelope, ticks.now()),
            ticks,
            connector: TlsConnector::from(Arc::new(judge.config().unwrap())),
            judge,
            name: "mx.beta.example".into(),
            closed: false,
            messages: 0,
            tls_failed: None,
        }
    }

    /// A server without SIZE, up to its 354.
    async fn greet(listener: TcpListener) -> BufReader<TcpStream> {
        let mut peer = BufReader::new(listener.accept().await.unwrap().0);
        peer.write_all(b"220 mx.beta.example\r\n").await.unwrap();
        let mut line = String::new();
        while line != "DATA\r\n" {
            line.clear();
            peer.read_line(&mut line).await.unwrap();
            peer.write_all(if line == "DATA\r\n" { b"354 dica\r\n" } else { b"250 bene\r\n" }).await.unwrap();
        }
        peer
    }

    fn refused_for_good(sent: Sent) -> bool {
        let Sent::Broken(outcomes) = sent else { return false };
        matches!(&outcomes[0].result, Err(f) if f.permanent && f.text.starts_with("552 5.3.4") && !f.maybe_delivered)
    }

    #[tokio::test]
    async fn a_refusal_in_the_midst_of_a_message_is_heard() {
        const SIZE: u64 = 64 << 20;
        // As the others do it: with octets unread, so that the connection is reset; and after all of them.
        for swallows in [false, true] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut open = open(&listener, SIZE).await;
            let server = tokio::spawn(async move {
                let mut peer = greet(listener).await;
                let mut came = vec![0; 1 << 20];
                peer.read_exact(&mut came).await.unwrap();
                peer.write_all(b"552 5.3.4 troppo grande\r\n").await.unwrap();
                if swallows {
                    peer.shutdown().await.unwrap();
                    while peer.read(&mut came).await.is_ok_and(|read| read > 0) {}
                }
            });
            let sent = open.drive(&Lines(SIZE)).await;
            assert!(refused_for_good(sent) && !open.reusable(), "swallows: {swallows}");
            drop(open);
            server.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_message_in_many_pieces_goes_out_whole() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut open = open(&listener, 1 << 20).await;
        let server = tokio::spawn(async move {
            let mut peer = greet(listener).await;
            let mut line = String::new();
            while line != ".\r\n" {
                line.clear();
                peer.read_line(&mut line).await.unwrap();
            }
            peer.write_all(b"250 preso\r\n").await.unwrap();
        });
        assert!(matches!(open.drive(&Lines(1 << 20)).await, Sent::Done(outcomes) if outcomes[0].result.is_ok()));
        server.await.unwrap();
    }
}
