//! A small HTTP/1.1 client for what a provider fetches from outside: the provider index, revocation lists,
//! time-stamps. One request, one connection. What an answer may cost in bytes and seconds is bounded, and every error
//! names the address.

#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use sigillo_base::{Complaint, said};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

/// Name look-up, TCP and TLS together.
const CONNECT: Duration = Duration::from_secs(10);
/// A whole request, redirections among it.
const PATIENCE: Duration = Duration::from_secs(60);
/// Redirections that are followed.
const MAX_HOPS: usize = 3;

/// An address that can be fetched: `http` or `https`, a host, no user name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(Uri);

impl Url {
    /// Whether the way there is encrypted and the server shows who it is.
    pub fn is_https(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// Whether it names a service alone: no path, no question.
    pub fn is_bare(&self) -> bool {
        self.0.path_and_query().is_none_or(|p| p.as_str() == "/")
    }

    /// The host; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self.0.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    /// Where `location` leads from here (RFC 9110 §10.2.2). To the same service only, and never out of TLS: who
    /// answers for one host and port does not speak for another.
    fn redirected(&self, location: &str) -> Result<Self> {
        let target = match location.strip_prefix('/') {
            Some(rest) if !rest.starts_with('/') => {
                let authority = self.0.authority().map_or("", |a| a.as_str());
                format!("{}://{authority}{location}", self.0.scheme_str().unwrap_or_default())
            }
            _ => location.to_owned(),
        };
        let target = target.parse::<Self>().context("rimanda altrove")?;
        let same_host = target.host().eq_ignore_ascii_case(self.host());
        // Another port is another service; from 80 to 443 it is the same one, protected.
        let same_port = target.port() == self.port() || (self.port() == 80 && target.port() == 443);
        if !same_host || !same_port || (self.is_https() && !target.is_https()) {
            bail!("rimanda a {target}, che non è lo stesso servizio: se è giusto, indicare quell'indirizzo");
        }
        Ok(target)
    }
}

impl FromStr for Url {
    type Err = Complaint;

    fn from_str(text: &str) -> Result<Self, Complaint> {
        let uri: Uri = text
            .parse()
            .map_err(|e| Complaint(said!("{text:?} non è un indirizzo: {e}", "{text:?} is no address: {e}")))?;
        let no_host = || Complaint(said!("{text:?} non ha un nome di macchina", "{text:?} has no name of a host"));
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(Complaint(said!(
                "{text:?} non comincia con https:// o http://",
                "{text:?} does not begin with https:// or http://"
            )));
        }
        match uri.authority() {
            Some(a) if a.host().is_empty() => Err(no_host()),
            Some(a) if a.as_str().contains('@') => {
                Err(Complaint(said!("{text:?} contiene un nome utente", "{text:?} holds a user name")))
            }
            Some(_) => Ok(Self(uri)),
            None => Err(no_host()),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An answer of another status than was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("risponde {0}")]
pub struct Answered(pub StatusCode);

/// A text as a form carries it (RFC 6749 appendix B).
pub fn escaped(text: &str) -> String {
    let one = |b: u8| match b {
        b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}

/// What was fetched.
#[derive(Debug)]
pub struct Answer {
    /// The media type, as the server wrote it.
    pub content_type: Option<String>,
    /// The content.
    pub body: Vec<u8>,
}

/// The client. Cloning it is cheap.
#[derive(Clone)]
pub struct Fetch {
    tls: Arc<ClientConfig>,
    limit: usize,
    patience: Duration,
}

/// What a POST carries, and the fields about it.
struct Post {
    fields: HeaderMap,
    body: Bytes,
}

impl Fetch {
    /// A client that trusts, and shows, what `tls` says (see [`crate::tls`]), and takes answers of up to `limit` bytes.
    pub fn new(tls: Arc<ClientConfig>, limit: usize) -> Self {
        Self { tls, limit, patience: PATIENCE }
    }

    /// The same with another limit for a whole request.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Fetches. Follows a few redirections within the host.
    ///
    /// # Errors
    /// Any status but 200, an answer cut short, too large or too late; the text names the address.
    pub async fn get(&self, url: &Url) -> Result<Answer> {
        self.bounded(url, self.follow(url)).await
    }

    /// Fetches from the first of these addresses that can be reached, whoever else the name may lead to. Redirections are
    /// errors.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn get_at(&self, url: &Url, at: &[SocketAddr]) -> Result<Answer> {
        self.bounded(url, async { self.request(url, Some(at), None).await?.here() }).await
    }

    /// Sends a body and gives the answer, of any status of success. Redirections are errors.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn post(&self, url: &Url, content_type: &'static str, body: Vec<u8>) -> Result<Answer> {
        let fields = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        self.post_with(url, fields, body).await
    }

    /// The same with header fields of one's own.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn post_with(&self, url: &Url, fields: HeaderMap, body: Vec<u8>) -> Result<Answer> {
        let post = Post { fields, body: body.into() };
        self.bounded(url, async { self.request(url, None, Some(&post)).await?.here() }).await
    }

    async fn bounded(&self, url: &Url, answer: impl Future<Output = Result<Answer>>) -> Result<Answer> {
        let late = |_| anyhow!("nessuna risposta intera entro {} s", self.patience.as_secs());
        let in_time = tokio::time::timeout(self.patience, answer).await.map_err(late);
        in_time.flatten().with_context(|| url.to_string())
    }

    async fn follow(&self, url: &Url) -> Result<Answer> {
        let mut at = url.clone();
        for _ in 0..=MAX_HOPS {
            match self.request(&at, None, None).await? {
                Heard::Answer(answer) => return Ok(answer),
                Heard::Elsewhere(location) => at = at.redirected(&location)?,
            }
        }
        bail!("rimanda altrove più di {MAX_HOPS} volte")
    }

    /// Sends a request as it is, over TLS alone, and gives what is answered, whatever its status: for protocols whose
    /// refusals have a text of their own.
    ///
    /// # Errors
    /// No whole answer in time, or a larger one than may be; the text names the address.
    pub async fn exchange(
        &self,
        method: Method,
        url: &Url,
        fields: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Full<Bytes>>> {
        let exchanged = async {
            if !url.is_https() {
                bail!("non è HTTPS");
            }
            let mut request = bare(method, url).body(Full::new(body))?;
            request.headers_mut().extend(fields);
            let whole = async |response: Response<Incoming>| {
                let (parts, body) = response.into_parts();
                Ok(Response::from_parts(parts, Full::new(self.whole(body).await?)))
            };
            self.converse(url, None, request, whole).await
        };
        let late = |_| anyhow!("nessuna risposta intera entro {} s", self.patience.as_secs());
        let in_time = tokio::time::timeout(self.patience, exchanged).await.map_err(late);
        in_time.flatten().with_context(|| url.to_string())
    }

    /// One request on a connection of its own.
    async fn request(&self, url: &Url, at: Option<&[SocketAddr]>, post: Option<&Post>) -> Result<Heard> {
        let given = post.is_some();
        let hear = async |response| self.hear(response, given).await;
        self.converse(url, at, self.head(url, post)?, hear).await
    }

    async fn converse<T>(
        &self,
        url: &Url,
        at: Option<&[SocketAddr]>,
        request: Request<Full<Bytes>>,
        hear: impl AsyncFnOnce(Response<Incoming>) -> Result<T>,
    ) -> Result<T> {
        let late = |_| anyhow!("nessuna connessione entro {} s", CONNECT.as_secs());
        let connect = async {
            let tcp = match at {
                Some(at) => TcpStream::connect(at).await,
                None => TcpStream::connect((url.host(), url.port())).await,
            };
            let tcp = tcp.context("connessione non riuscita")?;
            tcp.set_nodelay(true)?;
            if !url.is_https() {
                return Ok(Box::new(tcp) as Box<dyn Wire>);
            }
            let name = ServerName::try_from(url.host().to_owned()).context("nome di macchina non valido")?;
            let tls = TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp).await;
            Ok(Box::new(tls.context("TLS non riuscito")?) as Box<dyn Wire>)
        };
        let stream = tokio::time::timeout(CONNECT, connect).await.map_err(late).flatten()?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.context("HTTP non riuscito")?;
        let answer = async { hear(sender.send_request(request).await.context("nessuna risposta")?).await };
        // The connection must be polled for the answer to come; its own end says nothing more than the answer does.
        tokio::pin!(answer);
        tokio::pin!(connection);
        tokio::select! {
            answer = &mut answer => answer,
            _ = &mut connection => answer.await,
        }
    }

    fn head(&self, url: &Url, post: Option<&Post>) -> Result<Request<Full<Bytes>>> {
        let mut request = bare(if post.is_some() { Method::POST } else { Method::GET }, url)
            .header(header::USER_AGENT, concat!("sigillo/", env!("CARGO_PKG_VERSION")));
        if let (Some(post), Some(fields)) = (post, request.headers_mut()) {
            fields.extend(post.fields.clone());
        }
        Ok(request.body(post.map_or_else(Full::default, |post| Full::new(post.body.clone())))?)
    }

    /// Who was given something may say so with any status of success (RFC 9110 §15.3); what was asked for comes with 200 alone.
    async fn hear(&self, response: Response<Incoming>, given: bool) -> Result<Heard> {
        let text = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let (status, content_type, location) = (response.status(), text(header::CONTENT_TYPE), text(header::LOCATION));
        match (status, location) {
            (StatusCode::OK, _) => {}
            (status, _) if given && status.is_success() => {}
            (status, Some(location)) if status.is_redirection() => return Ok(Heard::Elsewhere(location)),
            (status, _) => return Err(Answered(status).into()),
        }
        Ok(Heard::Answer(Answer { content_type, body: self.whole(response.into_body()).await?.into() }))
    }

    async fn whole(&self, body: Incoming) -> Result<Bytes> {
        let too_large = || anyhow!("la risposta ha più di {} byte", self.limit);
        if body.size_hint().lower() > self.limit as u64 {
            return Err(too_large());
        }
        let body = Limited::new(body, self.limit).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                too_large()
            } else {
                anyhow!(error).context("la risposta non è arrivata intera")
            }
        })?;
        Ok(body.to_bytes())
    }
}

/// A request with what every one has.
fn bare(method: Method, url: &Url) -> hyper::http::request::Builder {
    let path = url.0.path_and_query().map_or("/", |p| p.as_str());
    let host = url.0.authority().map_or("", |a| a.as_str());
    Request::builder().method(method).uri(path).header(header::HOST, host).header(header::CONNECTION, "close")
}

enum Heard {
    Answer(Answer),
    /// The `Location` of a redirection.
    Elsewhere(String),
}

impl Heard {
    fn here(self) -> Result<Answer> {
        match self {
            Self::Answer(answer) => Ok(answer),
            Self::Elsewhere(location) => bail!("rimanda a {location}: indicare l'indirizzo giusto"),
        }
    }
}

/// A connection, in clear or under TLS.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}
