//! A small HTTP/1.1 client of the administrative interface, over its Unix socket or TLS: one request, one connection.

mod address_book;
mod content;
mod error;
mod link;
mod operations;
mod own;
mod pages;
mod tenants;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sigillo_base::{Lang, Said, Secret, said};

use crate::api::{self, Problem, Step};
use crate::terminal;
use link::Way;

pub use error::Error;

/// How long each piece of an answer may take when the service asks nobody else.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one may take for which the service must fetch something first.
const FETCHING: Duration = Duration::from_secs(200);

/// What goes with a request.
struct Content {
    /// Its media type.
    kind: &'static str,
    bytes: Bytes,
}

impl Content {
    fn json(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self { kind: "application/json", bytes: serde_json::to_vec(value)?.into() })
    }
}

/// The query of what is given.
fn query(given: &[(&str, Option<&str>)]) -> String {
    let parts = given.iter().filter_map(|(key, value)| Some(format!("{key}={}", api::escaped((*value)?))));
    parts.collect::<Vec<_>>().join("&")
}

/// Held while somebody is asked for a code.
static ASKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The administrative client of one provider.
#[derive(Debug, Clone)]
pub struct Client {
    way: Way,
    /// Where the token of who asks lies, if he has one.
    token: Option<PathBuf>,
    /// In which language refusals are wanted.
    lang: Lang,
    /// What every request says of itself.
    headers: Vec<(&'static str, String)>,
    /// Asks for a code where the service wants one.
    ask: Option<fn() -> std::io::Result<Option<Secret>>>,
}

impl Client {
    /// A client for the provider that listens on `socket`.
    pub fn new(socket: impl AsRef<Path>) -> Self {
        Self::by(Way::Socket(socket.as_ref().to_owned()))
    }

    /// A client for the provider at this address (`https://host:port`), whose certificate leads to an authority of this PEM
    /// file, or to one of the system's.
    pub fn of_server(url: &str, ca: Option<PathBuf>) -> Self {
        Self::by(Way::Server { url: url.to_owned(), ca, trust: Arc::default() })
    }

    fn by(way: Way) -> Self {
        Self { way, token: None, lang: Lang::default(), headers: Vec::new(), ask: None }
    }

    /// The same for the person whose token lies in this file, of mode 0600.
    #[must_use]
    pub fn with_token(self, file: Option<PathBuf>) -> Self {
        Self { token: file, ..self }
    }

    /// The same for who reads this language.
    #[must_use]
    pub fn speaking(self, lang: Lang) -> Self {
        Self { lang, ..self }
    }

    /// The same for who sits at a terminal, if anybody does: where the service wants a code of his second factor he is asked for
    /// it, his token is unlocked, and the request sent once more.
    #[must_use]
    pub fn at_a_terminal(self) -> Self {
        Self { ask: Some(terminal::ask_for_a_code), ..self }
    }

    fn token(&self) -> Result<Option<String>, Error> {
        let Some(path) = &self.token else { return Ok(None) };
        let wrong = |why: Said| Error::Token { path: path.clone(), why };
        let unread = |e: std::io::Error| wrong(Said::verbatim(e));
        let mode = std::fs::metadata(path).map_err(unread)?.permissions().mode();
        if mode & 0o077 != 0 {
            let mode = mode & 0o777;
            return Err(wrong(said!(
                "altri lo leggono (modo {mode:o}): chmod 600",
                "others can read it (mode {mode:o}): chmod 600"
            )));
        }
        let text = std::fs::read_to_string(path).map_err(unread)?;
        Ok(Some(text.trim().to_owned()))
    }

    /// How the provider is.
    pub async fn status(&self) -> Result<api::Status, Error> {
        self.get(api::STATUS).await
    }

    /// Its mailboxes, by address.
    pub async fn mailboxes(&self) -> Result<api::Mailboxes, Error> {
        let mut all: api::Mailboxes = self.whole(api::MAILBOXES).await?;
        all.mailboxes.sort_by(|a, b| a.address.cmp(&b.address));
        Ok(all)
    }

    /// Makes a mailbox.
    pub async fn add_mailbox(&self, new: &api::NewMailbox) -> Result<api::Mailbox, Error> {
        self.send(Method::POST, api::MAILBOXES, Some(new), PATIENCE).await
    }

    /// Gives a mailbox another password.
    pub async fn set_password(&self, address: &str, new: &api::NewPassword) -> Result<api::Mailbox, Error> {
        self.send(Method::PUT, &api::password_path(address), Some(new), PATIENCE).await
    }

    /// Gives a mailbox's owner the hash that a list has for him.
    pub async fn give_hash(&self, address: &str, new: &api::NewHash) -> Result<api::GivenHash, Error> {
        self.send(Method::PUT, &api::hash_path(address), Some(new), PATIENCE).await
    }

    /// Changes a mailbox.
    pub async fn change_mailbox(&self, address: &str, change: &api::MailboxChange) -> Result<api::Mailbox, Error> {
        self.send(Method::PATCH, &api::mailbox_path(address), Some(change), PATIENCE).await
    }

    /// The credentials of a mailbox.
    pub async fn credentials(&self, address: &str) -> Result<api::Credentials, Error> {
        self.whole(&api::credentials_path(address)).await
    }

    /// Makes a credential.
    pub async fn add_credential(&self, of: &str, new: &api::NewCredential) -> Result<api::MadeCredential, Error> {
        self.send(Method::POST, &api::credentials_path(of), Some(new), PATIENCE).await
    }

    /// Gives a credential another secret.
    pub async fn rotate_credential(
        &self,
        of: &str,
        name: &str,
        new: &api::NewSecret,
    ) -> Result<api::MadeCredential, Error> {
        self.send(Method::PUT, &api::credential_path(of, name), Some(new), PATIENCE).await
    }

    /// Ends a credential.
    pub async fn revoke_credential(&self, of: &str, name: &str) -> Result<api::Credential, Error> {
        self.send(Method::DELETE, &api::credential_path(of, name), None::<&()>, PATIENCE).await
    }

    /// What a mailbox submitted, with one of its credentials only where it is named.
    pub async fn trail(
        &self,
        address: &str,
        period: &api::Period,
        credential: Option<&str>,
    ) -> Result<api::Trail, Error> {
        let given = [("from", period.from.as_deref()), ("to", period.to.as_deref()), ("credential", credential)];
        self.get(&format!("{}?{}", api::trail_path(address), query(&given))).await
    }

    /// Changes until when a secret is good.
    pub async fn set_standing(&self, of: &str, standing: &api::Standing) -> Result<api::Credential, Error> {
        self.send(Method::PATCH, &api::credentials_path(of), Some(standing), PATIENCE).await
    }

    /// Everybody's rights in the folders of a mailbox.
    pub async fn rights(&self, of: &str) -> Result<api::FolderRights, Error> {
        self.whole(&api::rights_path(of)).await
    }

    /// Gives or takes rights.
    pub async fn set_rights(&self, of: &str, new: &api::NewRights) -> Result<api::FolderRights, Error> {
        let path = api::rights_path(of);
        let first = self.send(Method::PUT, &path, Some(new), PATIENCE).await?;
        self.followed(&path, first).await
    }

    /// Blocks a mailbox.
    pub async fn block(&self, address: &str, block: &api::NewBlock) -> Result<api::Mailbox, Error> {
        self.send(Method::PUT, &api::block_path(address), Some(block), PATIENCE).await
    }

    /// Lets a mailbox work again.
    pub async fn unblock(&self, address: &str) -> Result<api::Mailbox, Error> {
        self.send(Method::DELETE, &api::block_path(address), None::<&()>, PATIENCE).await
    }

    /// A page of who came in to a mailbox.
    pub async fn accesses(
        &self,
        address: &str,
        period: &api::Period,
        after: Option<&str>,
    ) -> Result<api::Accesses, Error> {
        let given = [("from", period.from.as_deref()), ("to", period.to.as_deref()), ("after", after)];
        self.get(&format!("{}?{}", api::accesses_path(address), query(&given))).await
    }

    /// How a mailbox stands to its limits.
    pub async fn usage(&self, address: &str) -> Result<api::Usage, Error> {
        self.get(&api::usage_path(address)).await
    }

    /// Which profiles a mailbox had.
    pub async fn history(&self, address: &str) -> Result<api::History, Error> {
        self.get(&api::history_path(address)).await
    }

    /// Which boxes reached a limit on a day.
    pub async fn blocked_boxes(&self, day: &str) -> Result<api::BlockedBoxes, Error> {
        self.get(&format!("{}?{}", api::BLOCKED_BOXES, query(&[("day", Some(day))]))).await
    }

    /// Its domains, with the choices of their owners.
    pub async fn domains(&self) -> Result<api::Domains, Error> {
        self.whole(api::DOMAINS).await
    }

    /// Changes what was chosen for a domain.
    pub async fn change_domain(&self, name: &str, change: &api::DomainChange) -> Result<api::Domain, Error> {
        self.send(Method::PATCH, &api::domain_path(name), Some(change), PATIENCE).await
    }

    /// Its distribution lists.
    pub async fn lists(&self) -> Result<api::Lists, Error> {
        self.whole(api::LISTS).await
    }

    /// Makes a list, or gives it other members.
    pub async fn set_list(&self, address: &str, members: &api::Members) -> Result<api::List, Error> {
        self.send(Method::PUT, &api::list_path(address), Some(members), PATIENCE).await
    }

    /// Cancels a list.
    pub async fn remove_list(&self, address: &str) -> Result<api::List, Error> {
        self.send(Method::DELETE, &api::list_path(address), None::<&()>, PATIENCE).await
    }

    /// Calls a list back.
    pub async fn undelete_list(&self, address: &str) -> Result<api::List, Error> {
        self.send(Method::DELETE, &api::list_cancellation_path(address), None::<&()>, PATIENCE).await
    }

    /// What the legal log says of a mailbox, as its holder may read it.
    pub async fn holder_log(&self, address: &str, period: &api::Period) -> Result<api::HolderLog, Error> {
        let given = [("from", period.from.as_deref()), ("to", period.to.as_deref())];
        self.get(&format!("{}?{}", api::holder_log_path(address), query(&given))).await
    }

    /// Where a certified message stands.
    pub async fn dispatch(&self, id: &str) -> Result<api::Dispatch, Error> {
        self.get(&api::dispatch_path(id)).await
    }

    /// A page of its virus store.
    pub async fn quarantine(&self, after: Option<&str>) -> Result<api::Quarantine, Error> {
        match after {
            Some(id) => self.get(&format!("{}?after={id}", api::QUARANTINE)).await,
            None => self.get(api::QUARANTINE).await,
        }
    }

    /// How the holder of a mailbox is told that mail came.
    pub async fn alert(&self, address: &str) -> Result<api::Alert, Error> {
        self.get(&api::alert_path(address)).await
    }

    /// Has him told so from now on.
    pub async fn set_alert(&self, address: &str, order: &api::AlertOrder) -> Result<api::Alert, Error> {
        self.send(Method::PUT, &api::alert_path(address), Some(order), PATIENCE).await
    }

    /// Where copies of what comes into a mailbox go.
    pub async fn forward(&self, address: &str) -> Result<api::Forward, Error> {
        self.get(&api::forward_path(address)).await
    }

    /// Has them go there, once that is confirmed.
    pub async fn set_forward(&self, address: &str, to: Option<String>) -> Result<api::Forward, Error> {
        self.send(Method::PUT, &api::forward_path(address), Some(&api::ForwardOrder { to }), PATIENCE).await
    }

    /// Shows the code that was sent there.
    pub async fn confirm_forward(&self, address: &str, code: String) -> Result<api::Forward, Error> {
        self.send(Method::POST, &api::forward_path(address), Some(&api::ForwardCode { code }), PATIENCE).await
    }

    /// A page of the register of notices.
    pub async fn notices(&self, filter: &api::NoticeFilter) -> Result<api::Notices, Error> {
        self.get(&format!("{}?{}", api::NOTICES, filter.query())).await
    }

    /// The bytes of an infected message.
    pub async fn quarantined(&self, id: &str) -> Result<Vec<u8>, Error> {
        self.bytes(&api::quarantine_path(id)).await
    }

    /// How TLS with others went on a day (UTC, `2026-03-12`); none: today.
    pub async fn tls_report(&self, day: Option<&str>) -> Result<api::TlsReport, Error> {
        match day {
            Some(day) => self.get(&format!("{}?day={day}", api::TLS_REPORT)).await,
            None => self.get(api::TLS_REPORT).await,
        }
    }

    /// A page of what waits to leave.
    pub async fn queue(&self, filter: &api::QueueFilter) -> Result<api::Queue, Error> {
        self.get(&format!("{}?{}", api::QUEUE, filter.query())).await
    }

    /// Orders something about a page of the queue.
    pub async fn order(&self, name: &str, order: &api::Order) -> Result<api::Ordered, Error> {
        self.send(Method::POST, &api::order_path(name), Some(order), FETCHING).await
    }

    /// The provider index it works with.
    pub async fn index(&self) -> Result<api::Directory, Error> {
        self.get(api::INDEX).await
    }

    /// Makes it look for a newer provider index now.
    pub async fn update_index(&self) -> Result<api::IndexUpdate, Error> {
        self.send(Method::POST, api::INDEX_UPDATE, None::<&()>, FETCHING).await
    }

    /// Its certificates, keys and lists.
    pub async fn certificates(&self) -> Result<api::Certificates, Error> {
        self.get(api::CERTIFICATES).await
    }

    /// Makes it sign with the next certificate; with `dry` only says what that would do.
    pub async fn roll(&self, dry: bool) -> Result<api::Roll, Error> {
        let method = if dry { Method::GET } else { Method::POST };
        self.send(method, api::CERTIFICATES_ROLL, None::<&()>, PATIENCE).await
    }

    /// Makes it ask its ACME authority for another certificate of the doors now.
    pub async fn renew_tls(&self) -> Result<api::AcmeStatus, Error> {
        self.send(Method::POST, api::CERTIFICATES_RENEW, None::<&()>, FETCHING).await
    }

    /// `GET` of any path, as a type.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.send(Method::GET, path, None::<&()>, PATIENCE).await
    }

    async fn send<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
        patience: Duration,
    ) -> Result<T, Error> {
        let body = body.map(Content::json).transpose()?;
        Ok(serde_json::from_slice(&self.answer(method, path, body, patience).await?)?)
    }

    /// `GET` of any path, as it comes.
    pub async fn bytes(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.answer(Method::GET, path, None, PATIENCE).await
    }

    /// `POST` of any path for work that takes its time: `progress` hears how far it is, in parts done of all.
    pub async fn work<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<T, Error> {
        self.stepping(path, Content::json(body)?, progress).await
    }

    async fn stepping<T: DeserializeOwned>(
        &self,
        path: &str,
        content: Content,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<T, Error> {
        let (mut rest, mut end) = (Vec::new(), None);
        let mut line = |line: &[u8]| match serde_json::from_slice(line) {
            Ok(Step::Progress { done, total }) => progress(done, total),
            Ok(Step::Done(done)) => end = Some(Ok(done)),
            Ok(Step::Failed(problem)) => end = Some(Err(Error::Refused(problem.into()))),
            Err(error) => end = Some(Err(error.into())),
        };
        let heard = |bytes: &[u8]| {
            rest.extend_from_slice(bytes);
            while let Some(at) = rest.iter().position(|b| *b == b'\n') {
                line(&rest.drain(..=at).collect::<Vec<_>>());
            }
        };
        self.exchange(Method::POST, path, Some(content), PATIENCE, heard).await?;
        end.unwrap_or_else(|| Err(Error::Http(said!("il lavoro si è interrotto", "the work broke off"))))
    }

    async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<Content>,
        patience: Duration,
    ) -> Result<Vec<u8>, Error> {
        let mut answer = Vec::new();
        self.exchange(method, path, body, patience, |bytes| answer.extend_from_slice(bytes)).await?;
        Ok(answer)
    }

    /// One request, and once more after a code that it wanted; `heard` gets the answer piece by piece, each of them in time.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Content>,
        patience: Duration,
        mut heard: impl FnMut(&[u8]),
    ) -> Result<(), Error> {
        let body = body.unwrap_or(Content { kind: "application/json", bytes: Bytes::new() });
        match self.once(&method, path, &body, patience, &mut heard).await {
            Err(Error::Refused(problem)) if self.ask.is_some() && self.wants_code(path, &problem) => {}
            done => return done,
        }
        // What was refused was not done. Nobody is asked twice at once, nor for what somebody has just said.
        let _asking = ASKING.lock().await;
        let refused = match self.once(&method, path, &body, patience, &mut heard).await {
            Err(Error::Refused(problem)) if self.wants_code(path, &problem) => problem,
            done => return done,
        };
        let asked = match self.ask {
            Some(ask) => tokio::task::spawn_blocking(ask).await.unwrap_or(Ok(None)).map_err(Error::Code)?,
            None => None,
        };
        let Some(code) = asked else { return Err(Error::Refused(refused)) };
        let unlocking = Content::json(&api::Unlocking { code, hours: None, always: false })?;
        let mut unlocks = self.clone();
        // Also what is only tried wants the token unlocked in earnest.
        unlocks.headers.retain(|(name, _)| *name != api::DRY_RUN);
        unlocks.once(&Method::POST, api::MY_UNLOCK, &unlocking, PATIENCE, &mut |_| {}).await?;
        self.once(&method, path, &body, patience, &mut heard).await
    }

    /// Whether a refusal wants the token unlocked. The holder's own door wants codes too, beside his password.
    fn wants_code(&self, path: &str, problem: &Problem) -> bool {
        let own = path == api::MY_UNLOCK || path == api::MY_TOTP_REMOVE || path.starts_with("/v1/self/");
        self.token.is_some() && !own && problem.kind == api::CODE_WANTED
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        body: &Content,
        patience: Duration,
        heard: &mut impl FnMut(&[u8]),
    ) -> Result<(), Error> {
        let http = |e: hyper::Error| Error::Http(Said::verbatim(e));
        let stream = in_time(patience, self.way.connect()).await??;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.way.host())
            .header(header::ACCEPT_LANGUAGE, self.lang.pick("it", "en"))
            .header(header::CONTENT_TYPE, body.kind);
        if let Some(token) = self.token()? {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, text) in &self.headers {
            // As UTF-8: names and tickets have accents.
            let value = header::HeaderValue::from_bytes(text.as_bytes()).map_err(|e| Error::Http(Said::verbatim(e)))?;
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(body.bytes.clone())).map_err(|e| Error::Http(Said::verbatim(e)))?;
        let answer = async {
            let response = in_time(patience, sender.send_request(request)).await?.map_err(http)?;
            let tries = *method != Method::GET && self.headers.iter().any(|(name, _)| *name == api::DRY_RUN);
            if tries && response.status().is_success() && !response.headers().contains_key(api::DRY_RUN) {
                return Err(Error::Untried);
            }
            let (status, mut body, mut refusal) = (response.status(), response.into_body(), Vec::new());
            while let Some(frame) = in_time(patience, body.frame()).await? {
                match frame.map_err(http)?.data_ref() {
                    Some(bytes) if status.is_success() => heard(bytes),
                    Some(bytes) => refusal.extend_from_slice(bytes),
                    None => {}
                }
            }
            if status.is_success() { Ok(()) } else { Err(refused(status.as_u16(), &refusal)) }
        };
        // The connection must be polled for the answer to come; its own end says nothing more than the answer does.
        tokio::pin!(answer);
        tokio::pin!(connection);
        tokio::select! {
            answer = &mut answer => answer,
            ended = &mut connection => {
                ended.map_err(http)?;
                answer.await
            }
        }
    }
}

async fn in_time<T>(patience: Duration, awaited: impl Future<Output = T>) -> Result<T, Error> {
    tokio::time::timeout(patience, awaited).await.map_err(|_| Error::Slow(patience))
}

fn refused(status: u16, answer: &[u8]) -> Error {
    let problem = serde_json::from_slice(answer).unwrap_or_else(|_| Problem {
        kind: "about:blank".to_owned(),
        title: status.to_string(),
        status,
        detail: format!("HTTP {status}"),
        instance: None,
        errors: Vec::new(),
    });
    Error::Refused(Box::new(problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sigillo_base::Tell;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;

    async fn once(reply: &'static str) -> Client {
        let folder = tempfile::tempdir().unwrap().keep();
        let path = folder.join("s");
        let listener = UnixListener::bind(&path).unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).await.unwrap();
            let said = String::from_utf8_lossy(&buffer[..read]);
            assert!(said.contains(" /v1/"), "{said}");
            stream.write_all(reply.as_bytes()).await.unwrap();
            std::fs::remove_dir_all(folder).unwrap();
        });
        Client::new(path)
    }

    #[tokio::test]
    async fn reads_an_answer() {
        let client = once("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"items\":[]}").await;
        assert!(client.queue(&Default::default()).await.unwrap().items.is_empty());
    }

    #[tokio::test]
    async fn tells_the_detail_of_a_refusal() {
        let client = once(concat!(
            "HTTP/1.1 409 Conflict\r\nContent-Length: 75\r\n\r\n",
            r#"{"type":"about:blank","title":"Conflict","status":409,"detail":"sta prima"}"#
        ))
        .await;
        assert_eq!(client.status().await.unwrap_err().to_string(), "sta prima");
    }

    #[tokio::test]
    async fn follows_work_line_by_line_to_its_end() {
        const HEAD: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"progress\":{\"done\":1,\"total\":4}}\n";
        let ends = [
            ("{\"progress\":{\"done\":4,\"total\":4}}\n{\"done\":42}\n", "Ok(42)", vec![(1, 4), (4, 4)]),
            (
                r#"{"failed":{"type":"a","title":"b","status":409,"detail":"no"}}
"#,
                "no",
                vec![(1, 4)],
            ),
            ("", "si è interrotto", vec![(1, 4)]),
        ];
        for (end, result, heard) in ends {
            let client = once(format!("{HEAD}{end}").leak()).await;
            let mut told = Vec::new();
            let done = client.work::<_, u32>("/v1/x", &(), &mut |done, total| told.push((done, total))).await;
            assert!(format!("{done:?}").contains(result), "{done:?}");
            assert_eq!(told, heard);
        }
    }

    #[tokio::test]
    async fn nobody_there_is_said_with_the_path() {
        let error = Client::new("/nonexistent/sigillo.sock").status().await.unwrap_err();
        let said = error.said();
        let wanted = |begin: &str| format!("{begin} /nonexistent/sigillo.sock: ");
        assert!(said.pick(Lang::It).starts_with(&wanted("non rispondono al socket")), "{said:?}");
        assert!(said.pick(Lang::En).starts_with(&wanted("nobody answers at the socket")), "{said:?}");
        assert_eq!(error.to_string(), said.it, "the logs are Italian");
    }
}
