//! A connection to the account: its name, TLS, login, and one reply after the other.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sigillo_base::limits::RECEPTION_LIMIT;
use sigillo_base::{Said, Secret, Tell, said};
use sigillo_imap::client::{Client, Command, Garbled, Listed, Outcome, Reply, Status};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::account::{Account, Security};
use crate::verbs::Error;

/// How long a connection, and each piece of what is said on it, may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Octets read at once.
const PIECE: usize = 64 << 10;

/// Why the account says nothing more.
#[derive(Debug)]
pub enum Trouble {
    /// The host's name has no address.
    Unknown(io::Error),
    /// Nobody listens there, or not to us.
    Connect(io::Error),
    /// The certificate is not one to trust, or TLS did not come about.
    Tls(io::Error),
    /// It offers no STARTTLS.
    NoTls,
    /// It takes no password in a way known here.
    NoLogin,
    /// It does not let the user in.
    Login(String),
    /// It refused something without which nothing works.
    Refused(String),
    /// The connection ended.
    Lost(Said),
    /// It is silent.
    Slow,
    /// It says what is no IMAP.
    Garbled(Garbled),
}

impl Trouble {
    /// Whether another connection may do better.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Slow | Self::Garbled(_))
    }
}

/// What happened, and what to do.
impl Tell for Trouble {
    fn said(&self) -> Said {
        match self {
            Self::Unknown(e) => said!(
                "l'host non ha un indirizzo ({e}): controllare il nome",
                "the host has no address ({e}): check its name"
            ),
            Self::Connect(e) => said!("nessuna connessione: {e}", "no connection: {e}"),
            Self::Tls(e) => said!(
                "TLS non riesce: {e}; se l'autorità del certificato non è fra quelle del sistema va indicata con --ca",
                "TLS does not succeed: {e}; an authority that is not among the system's is named by --ca"
            ),
            Self::NoTls => said!(
                "non offre STARTTLS: la password non si manda in chiaro",
                "it offers no STARTTLS: the password is not sent in the open"
            ),
            Self::NoLogin => said!(
                "non offre un accesso con password (PLAIN o LOGIN)",
                "it offers no login by password (PLAIN or LOGIN)"
            ),
            Self::Login(e) => said!("utente o password non accettati: {e}", "user or password not accepted: {e}"),
            Self::Refused(e) => said!("il server rifiuta: {e}", "the server refuses: {e}"),
            Self::Lost(Said { it, en }) => said!("la connessione è caduta ({it})", "the connection broke ({en})"),
            Self::Slow => {
                said!("nessuna risposta entro {} secondi", "no answer within {} seconds", PATIENCE.as_secs())
            }
            Self::Garbled(e) => said!("la risposta non è IMAP: {e}", "the reply is not IMAP: {e}"),
        }
    }
}

/// What connections trust: the authorities of a PEM file.
///
/// # Errors
/// The file cannot be read, or names none.
pub fn trusting(ca: &Path) -> Result<TlsConnector, Error> {
    let invalid = |why: Said| Error::Refused(why.about(ca.display()));
    let pem = std::fs::read(ca).map_err(|source| Error::File { path: ca.to_owned(), source })?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let mut roots = RootCertStore::empty();
    let (taken, _) =
        roots.add_parsable_certificates(found.map_err(|e| invalid(said!("non è PEM: {e}", "it is not PEM: {e}")))?);
    if taken == 0 {
        return Err(invalid(said!("non contiene certificati PEM", "it holds no PEM certificate")));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| invalid(Said::verbatim(e)))?;
    Ok(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}

/// A socket, with TLS or without.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// What is needed to connect, again too.
pub struct Door {
    /// Where.
    pub account: Account,
    /// By what.
    pub password: Secret,
    /// What is trusted.
    pub tls: TlsConnector,
    /// Without TLS, which only a host of this machine may be.
    pub plaintext: bool,
}

/// A connection on which the user is logged in.
pub struct Link {
    wire: Box<dyn Wire>,
    client: Client,
}

async fn in_time<T>(
    awaited: impl Future<Output = io::Result<T>>,
    why: impl Fn(io::Error) -> Trouble,
) -> Result<T, Trouble> {
    tokio::time::timeout(PATIENCE, awaited).await.map_err(|_| Trouble::Slow)?.map_err(why)
}

fn lost(error: io::Error) -> Trouble {
    Trouble::Lost(Said::verbatim(error))
}

impl Link {
    /// Connects and logs in.
    ///
    /// # Errors
    /// As [`Trouble`] says.
    pub async fn open(door: &Door) -> Result<Self, Trouble> {
        let Account { host, port, security, .. } = &door.account;
        let found = in_time(tokio::net::lookup_host((host.as_str(), *port)), Trouble::Unknown).await?;
        let addresses: Vec<_> = found.collect();
        let socket = in_time(TcpStream::connect(&addresses[..]), Trouble::Connect).await?;
        let mut link = match security {
            Security::Implicit => {
                let mut link = Self { wire: encrypted(door, socket).await?, client: Client::new(RECEPTION_LIMIT) };
                link.greeted().await?;
                link
            }
            Security::StartTls => {
                let wire = after_starttls(door, socket).await?;
                Self { wire, client: Client::new(RECEPTION_LIMIT).past_greeting() }
            }
        };
        link.login(door).await?;
        Ok(link)
    }

    async fn greeted(&mut self) -> Result<(), Trouble> {
        match self.next().await? {
            Reply::Greeting { .. } => Ok(()),
            Reply::Bye(text) => Err(Trouble::Refused(text)),
            _ => Err(Trouble::Garbled(Garbled::Greeting)),
        }
    }

    async fn capabilities(&mut self) -> Result<Vec<String>, Trouble> {
        let mut offered = Vec::new();
        self.send(&Command::Capability).await?;
        loop {
            match self.next().await? {
                Reply::Capabilities(words) => offered = words,
                Reply::Done(_) => return Ok(offered),
                _ => {}
            }
        }
    }

    async fn login(&mut self, Door { account, password, .. }: &Door) -> Result<(), Trouble> {
        let offered = self.capabilities().await?;
        let has = |word: &str| offered.iter().any(|o| o == word);
        let password = password.expose();
        let visible = |text: &str| text.bytes().all(|b| (0x20..0x7f).contains(&b));
        if has("AUTH=PLAIN") {
            self.send(&Command::AuthenticatePlain).await?;
        } else if !has("LOGINDISABLED") && visible(&account.user) && visible(password) {
            self.send(&Command::Login { user: &account.user, password }).await?;
        } else {
            return Err(Trouble::NoLogin);
        }
        loop {
            match self.next().await? {
                Reply::Continue => {
                    let response = Secret::new(format!("\0{}\0{password}", account.user));
                    let base64 = Secret::new(data_encoding::BASE64.encode(response.expose().as_bytes()));
                    let bytes = self.client.respond(base64.expose());
                    self.write(&bytes).await?;
                }
                Reply::Done(Outcome { status: Status::Ok, .. }) => return Ok(()),
                Reply::Done(outcome) => return Err(Trouble::Login(outcome.text)),
                Reply::Bye(text) => return Err(Trouble::Login(text)),
                _ => {}
            }
        }
    }

    /// Gives a command.
    pub async fn send(&mut self, command: &Command<'_>) -> Result<(), Trouble> {
        let bytes = self.client.command(command);
        self.write(&bytes).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        let wire = &mut self.wire;
        in_time(async { wire.write_all(bytes).await.and(wire.flush().await) }, lost).await
    }

    /// What the server says next.
    pub async fn next(&mut self) -> Result<Reply, Trouble> {
        let mut piece = Vec::new();
        loop {
            if let Some(reply) = self.client.poll().map_err(Trouble::Garbled)? {
                return Ok(reply);
            }
            piece.resize(PIECE, 0);
            let read = in_time(self.wire.read(&mut piece), lost).await?;
            if read == 0 {
                return Err(Trouble::Lost(Said::verbatim("EOF")));
            }
            self.client.input(&piece[..read]);
        }
    }

    /// Gives a command and hears everything said to it until its end.
    pub async fn run(&mut self, command: &Command<'_>, mut heard: impl FnMut(Reply)) -> Result<Outcome, Trouble> {
        self.send(command).await?;
        loop {
            match self.next().await? {
                Reply::Done(outcome) => return Ok(outcome),
                reply => heard(reply),
            }
        }
    }

    /// Every folder, and which of them are subscribed.
    pub async fn folders(&mut self) -> Result<(Vec<Listed>, Vec<Vec<u8>>), Trouble> {
        let (mut folders, mut subscribed) = (Vec::new(), Vec::new());
        let mut keep = |reply| match reply {
            Reply::Folder(listed) => folders.push(listed),
            Reply::Subscribed(listed) if !listed.is("\\Noselect") => subscribed.push(listed.wire),
            _ => {}
        };
        for command in [Command::List, Command::Lsub] {
            let outcome = self.run(&command, &mut keep).await?;
            if outcome.status != Status::Ok {
                return Err(Trouble::Refused(outcome.text));
            }
        }
        Ok((folders, subscribed))
    }

    /// Says that nothing more is wanted; what becomes of it does not matter any more.
    pub async fn close(mut self) {
        if let Err(trouble) = self.run(&Command::Logout, drop).await {
            // Everything was read: an account that closes at once has done no harm.
            drop(trouble);
        }
    }
}

async fn encrypted(Door { account, tls, .. }: &Door, socket: TcpStream) -> Result<Box<dyn Wire>, Trouble> {
    let name = ServerName::try_from(account.host.clone());
    let name = name.map_err(|e| Trouble::Tls(io::Error::new(io::ErrorKind::InvalidInput, e)))?;
    Ok(Box::new(in_time(tls.connect(name, socket), Trouble::Tls).await?))
}

/// The socket once TLS stands, or bare where that is allowed.
async fn after_starttls(door: &Door, mut socket: TcpStream) -> Result<Box<dyn Wire>, Trouble> {
    let mut client = Client::new(0);
    match heard(&mut socket, &mut client).await? {
        Reply::Greeting { .. } => {}
        Reply::Bye(text) => return Err(Trouble::Refused(text)),
        _ => return Err(Trouble::Garbled(Garbled::Greeting)),
    }
    if door.plaintext {
        return Ok(Box::new(socket));
    }
    let bytes = client.command(&Command::StartTls);
    in_time(socket.write_all(&bytes), lost).await?;
    loop {
        match heard(&mut socket, &mut client).await? {
            Reply::Done(Outcome { status: Status::Ok, .. }) => break,
            Reply::Done(_) => return Err(Trouble::NoTls),
            Reply::Bye(text) => return Err(Trouble::Refused(text)),
            _ => {}
        }
    }
    // What came in the open behind the answer is not to be read as if TLS had protected it.
    if client.is_empty() { encrypted(door, socket).await } else { Err(Trouble::NoTls) }
}

async fn heard(socket: &mut TcpStream, client: &mut Client) -> Result<Reply, Trouble> {
    let mut piece = [0; 4096];
    loop {
        if let Some(reply) = client.poll().map_err(Trouble::Garbled)? {
            return Ok(reply);
        }
        let read = in_time(socket.read(&mut piece), lost).await?;
        if read == 0 {
            return Err(Trouble::Lost(Said::verbatim("EOF")));
        }
        client.input(&piece[..read]);
    }
}
