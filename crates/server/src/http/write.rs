//! How something is changed: one request after another at each resource, only while it is as the caller has seen it
//! (RFC 9110 §13: ETag, If-Match), and once however often it is sent (Idempotency-Key).
//!
//! A store has one service (its lock says so), and everything that administrates comes through here: a lane for each
//! resource is what makes the check of If-Match and the change one step, also where a change is several transactions.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use data_encoding::HEXLOWER;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde::{Deserialize, Serialize};
use sigillo_admin::api;
use sigillo_base::{Said, said};
use sigillo_engine::Once;
use tokio::sync::Mutex;

use super::fail::Fail;
use super::named::Resource;
use super::routes::{broken_off, work};
use super::trial::{self, Trial};
use crate::provider::Provider;

/// Requests that wait for each other: those whose resources fall into one lane.
pub(super) struct Lanes([Mutex<()>; 256]);

impl Default for Lanes {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Lanes {
    /// The lane of a resource.
    fn of(&self, resource: &Resource) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        resource.hash(&mut hasher);
        let at = usize::try_from(hasher.finish() % self.0.len() as u64).unwrap_or_default();
        &self.0[at]
    }
}

/// Gives what is at the path of a request: the handler of `GET` there.
#[derive(Clone)]
pub(super) struct Reader(TowerToHyperService<MethodRouter<(), Infallible>>);

impl Reader {
    pub(super) fn new(get: MethodRouter<(), Infallible>) -> Self {
        Self(TowerToHyperService::new(get))
    }

    /// The tag of what is there now; `None` when nothing is.
    async fn tag(&self, like: &Like) -> Result<Option<String>, Fail> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = like.uri.clone();
        *request.extensions_mut() = like.extensions.clone();
        let response = match self.0.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        match response.status() {
            StatusCode::OK => Ok(Some(tag(&whole(response.into_body()).await?))),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(Fail::new(status, said!("lo stato di ora non si legge", "the present state cannot be read"))),
        }
    }
}

/// What of a request its reader needs.
struct Like {
    uri: Uri,
    extensions: axum::http::Extensions,
}

/// A strong tag of a representation.
fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", HEXLOWER.encode(&sigillo_smime::sha256(bytes)[..16]))
}

pub(super) async fn whole(body: Body) -> Result<Bytes, Fail> {
    to_bytes(body, usize::MAX)
        .await
        .map_err(|_| Fail::new(StatusCode::INTERNAL_SERVER_ERROR, said!("risposta interrotta", "answer broken off")))
}

/// Whether a list of tags names this one. A weak tag (`W/`) proves nothing where something is to be changed.
fn names(list: &str, tag: Option<&str>, weak: bool) -> bool {
    let Some(tag) = tag else { return false };
    list.split(',').map(str::trim).any(|one| one == "*" || one == tag || weak && one.strip_prefix("W/") == Some(tag))
}

fn header_of<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> Result<Option<&'h str>, Fail> {
    let text = |value: &'h HeaderValue| {
        value.to_str().map_err(|_| Fail::bad(said!("{name}: non è testo", "{name}: not text")))
    };
    headers.get(name).map(text).transpose()
}

/// The page behind an answer.
#[derive(Deserialize)]
struct Paged {
    #[serde(default)]
    next: Option<String>,
}

/// The address of the page behind an answer (RFC 8288): the same with another `after`.
fn next_page(uri: &Uri, body: &[u8]) -> Option<HeaderValue> {
    let next = serde_json::from_slice::<Paged>(body).ok()?.next?;
    let others = uri.query().unwrap_or_default().split('&').filter(|p| !p.is_empty() && !p.starts_with("after="));
    let query: Vec<String> = others.map(str::to_owned).chain([format!("after={}", api::escaped(&next))]).collect();
    HeaderValue::from_str(&format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&"))).ok()
}

/// An answer to a reader: with its tag, or 304 where he has it already; with the way to the next page.
pub(super) async fn read(request: Request, next: Next) -> Result<Response, Fail> {
    let had = header_of(request.headers(), &header::IF_NONE_MATCH)?.map(str::to_owned);
    let uri = request.uri().clone();
    let response = next.run(request).await;
    let json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if response.status() != StatusCode::OK || !json {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let bytes = whole(body).await?;
    let tag = tag(&bytes);
    parts
        .headers
        .insert(header::ETAG, HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\"")));
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(link) = next_page(&uri, &bytes) {
        parts.headers.insert(header::LINK, link);
    }
    if had.is_some_and(|had| names(&had, Some(&tag), true)) {
        parts.status = StatusCode::NOT_MODIFIED;
        // It has no content that these could speak of.
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.remove(header::CONTENT_TYPE);
        return Ok(Response::from_parts(parts, Body::empty()));
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// What a change goes by.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) lanes: Arc<Lanes>,
    /// What reads the same path, if anything does.
    pub(super) reader: Option<Reader>,
    /// Whether its answer can be kept and given again.
    pub(super) repeats: bool,
    /// How it is tried.
    pub(super) trial: Trial,
}

impl Way {
    /// Carries a change out for somebody. Whoever waits for it must not break it off: what was begun is finished, and what
    /// came of it is known to who asks again.
    pub(super) async fn change(
        self,
        house: Arc<Provider>,
        who: &str,
        resource: Option<Resource>,
        request: Request,
        next: Next,
    ) -> Result<Response, Fail> {
        // A client that speaks slowly holds nobody's lane.
        let (parts, mut body) = request.into_parts();
        let mut sent = Bytes::new();
        if self.repeats {
            let too_much = |_| too_large(MOST_BODY);
            sent = to_bytes(body, MOST_BODY).await.map_err(too_much)?;
            body = Body::from(sent.clone());
        }
        let tried = trial::is_asked(&parts.headers)?;
        let trial = if tried { self.trial.clone() } else { Trial::None };
        // A trial is remembered under no key: what was only tried is still to be done.
        let once = if tried {
            None
        } else {
            match self.begin(&house, who, &parts, &sent).await? {
                Begun::Answered(response) => return Ok(response),
                Begun::Now(once) => once,
            }
        };
        let request = Request::from_parts(parts, body);
        // A handler that panics has an answer as well, or its key would be in progress for ever.
        let change =
            async move { self.in_its_lane(resource, request, next).await.unwrap_or_else(IntoResponse::into_response) };
        if let Trial::OverAnEngine(told) = trial {
            return trial::run(&house, &told, change).await;
        }
        let broken = |_| broken_off().into_response();
        let mut response = tokio::spawn(change).await.unwrap_or_else(broken);
        if let Trial::Itself = trial {
            trial::mark(&mut response);
        }
        match once {
            Some(once) => once.keep(&house, response).await,
            None => Ok(response),
        }
    }

    async fn in_its_lane(&self, resource: Option<Resource>, request: Request, next: Next) -> Result<Response, Fail> {
        let _alone = match &resource {
            Some(resource) => Some(self.lanes.of(resource).lock().await),
            None => None,
        };
        let like = Like { uri: request.uri().clone(), extensions: request.extensions().clone() };
        self.still(request.headers(), &like).await?;
        let removes = request.method() == Method::DELETE;
        let mut response = next.run(request).await;
        // Whoever has just changed something need not read it to change it again.
        if let Some(reader) = self.reader.as_ref().filter(|_| response.status() == StatusCode::OK && !removes)
            && let Some(tag) = reader.tag(&like).await?
            && let Ok(tag) = HeaderValue::from_str(&tag)
        {
            response.headers_mut().insert(header::ETAG, tag);
        }
        Ok(response)
    }

    /// Refuses what was to be done only to another state.
    async fn still(&self, headers: &HeaderMap, like: &Like) -> Result<(), Fail> {
        let (wanted, unwanted) = (header_of(headers, &header::IF_MATCH)?, header_of(headers, &header::IF_NONE_MATCH)?);
        if wanted.is_none() && unwanted.is_none() {
            return Ok(());
        }
        let Some(reader) = &self.reader else {
            let text = said!(
                "If-Match: questo percorso non ha uno stato che si legga (GET) con cui confrontarlo",
                "If-Match: this path has no state that can be read (GET) to compare it with"
            );
            return Err(Fail::new(StatusCode::PRECONDITION_FAILED, text));
        };
        let now = reader.tag(like).await?;
        let fits = wanted.is_none_or(|list| names(list, now.as_deref(), false))
            && !unwanted.is_some_and(|list| names(list, now.as_deref(), true));
        let text = || {
            said!(
                "nel frattempo è cambiato: leggerlo di nuovo e decidere su com'è ora",
                "it was changed meanwhile: read it again and decide by how it is now"
            )
        };
        if fits { Ok(()) } else { Err(Fail::new(StatusCode::PRECONDITION_FAILED, text())) }
    }

    /// Begins a request that is to be done once, if it says so.
    async fn begin(&self, house: &Arc<Provider>, who: &str, parts: &Parts, body: &[u8]) -> Result<Begun, Fail> {
        let Some(key) = header_of(&parts.headers, &KEY)?.map(|key| key.trim().trim_matches('"').to_owned()) else {
            return Ok(Begun::Now(None));
        };
        if !self.repeats {
            return Err(Fail::bad(said!(
                "Idempotency-Key: qui non vale, la risposta non si può tenere",
                "Idempotency-Key: not taken here, the answer cannot be kept"
            )));
        }
        if !KEY_CHARS.contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic()) {
            let (least, most) = KEY_CHARS.into_inner();
            return Err(Fail::bad(said!(
                "Idempotency-Key: da {least} a {most} caratteri ASCII, come un UUID",
                "Idempotency-Key: {least} to {most} ASCII characters, such as a UUID"
            )));
        }
        let (method, uri) = (parts.method.as_str(), parts.uri.to_string());
        let asked = [method.as_bytes(), b" ", uri.as_bytes(), b"\n", body].concat();
        let once = Sealed { name: hash("name", who, &key), secret: hash("secret", who, &key) };
        let (name, digest, run) = (once.name, sigillo_smime::sha256(&asked), house.started_at.as_millis());
        let now = house.clock.now();
        let found = work(house, move |engine| Ok(engine.once(&name, &digest, run, now)?)).await?;
        let conflict = |status, kind, text: Said| Err(Fail::new(status, text).kind(kind));
        match found {
            Once::Begun => Ok(Begun::Now(Some(once))),
            Once::Done(Some(sealed)) => once.open(&sealed).map(Begun::Answered),
            Once::Done(None) => {
                let text = said!(
                    "è già stato fatto; la risposta era troppo lunga per essere tenuta",
                    "it was done already; the answer was too long to be kept"
                );
                conflict(StatusCode::CONFLICT, "urn:sigillo:done-already", text)
            }
            Once::Busy => {
                let text = said!(
                    "la stessa richiesta è ancora in corso: ripeterla fra poco",
                    "the same request is still in progress: send it again shortly"
                );
                conflict(StatusCode::CONFLICT, "urn:sigillo:in-progress", text)
            }
            Once::Unknown(at) => {
                let text = said!(
                    "cominciata alle {at}, la richiesta è stata interrotta dall'arresto del servizio: se sia stata eseguita non si sa. Guardare com'è ora, e ripeterla se serve con un'altra Idempotency-Key",
                    "begun at {at}, the request was broken off when the service stopped: whether it was carried out is not known. Look how it is now, and send it again if need be with another Idempotency-Key"
                );
                conflict(StatusCode::CONFLICT, "urn:sigillo:outcome-unknown", text)
            }
            Once::Other => {
                let text = said!(
                    "Idempotency-Key: è già servita a un'altra richiesta",
                    "Idempotency-Key: it was used for another request already"
                );
                conflict(StatusCode::UNPROCESSABLE_ENTITY, "urn:sigillo:key-reused", text)
            }
        }
    }
}

enum Begun {
    /// It was done before: the answer of then.
    Answered(Response),
    /// It is done now, and what comes of it is kept if it has a key.
    Now(Option<Sealed>),
}

const KEY: header::HeaderName = header::HeaderName::from_static("idempotency-key");
/// Characters of a key: it also seals the answer, so that it must not be guessed.
const KEY_CHARS: std::ops::RangeInclusive<usize> = 16..=255;
/// A body in JSON, in octets.
const MOST_BODY: usize = 2 << 20;

/// A request with a key. What is kept of its answer nobody reads who has not the key: it may hold a secret that is told
/// once, and the key itself is kept nowhere.
struct Sealed {
    name: [u8; 32],
    secret: [u8; 32],
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    tag: Option<String>,
    body: String,
}

fn hash(what: &str, who: &str, key: &str) -> [u8; 32] {
    sigillo_smime::sha256(format!("sigillo idempotency {what}\n{who}\n{key}").as_bytes())
}

/// The answer to who sends too much.
pub(super) fn too_large(most: usize) -> Fail {
    let text = said!("il corpo supera {most} byte", "the body is longer than {most} bytes");
    Fail::new(StatusCode::PAYLOAD_TOO_LARGE, text)
}

fn not_sealed() -> Fail {
    Fail::new(StatusCode::INTERNAL_SERVER_ERROR, said!("cifratura non riuscita", "encryption failed"))
}

impl Sealed {
    fn cipher(&self) -> Result<RandomizedNonceKey, Fail> {
        RandomizedNonceKey::new(&AES_256_GCM, &self.secret).map_err(|_| not_sealed())
    }

    /// Keeps an answer; what was refused may be sent again.
    async fn keep(self, house: &Arc<Provider>, response: Response) -> Result<Response, Fail> {
        let (parts, body) = response.into_parts();
        let bytes = whole(body).await?;
        let kept = if parts.status.is_success() { Some(self.seal(&parts, &bytes)?) } else { None };
        let name = self.name;
        work(house, move |engine| Ok(engine.answered(&name, kept.as_deref())?)).await?;
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }

    fn seal(&self, parts: &axum::http::response::Parts, body: &[u8]) -> Result<Vec<u8>, Fail> {
        let tag = parts.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let body = String::from_utf8_lossy(body).into_owned();
        let kept = Kept { status: parts.status.as_u16(), tag, body };
        let mut sealed = serde_json::to_vec(&kept).map_err(|_| not_sealed())?;
        let nonce = self.cipher()?.seal_in_place_append_tag(Aad::empty(), &mut sealed).map_err(|_| not_sealed())?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    fn open(&self, sealed: &[u8]) -> Result<Response, Fail> {
        let text = || said!("la risposta di allora non si apre", "the answer of then cannot be opened");
        let broken = || Fail::new(StatusCode::INTERNAL_SERVER_ERROR, text());
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(broken)?;
        let mut rest = rest.to_vec();
        let nonce = Nonce::from(nonce);
        let open = self.cipher()?;
        let clear = open.open_in_place(nonce, Aad::empty(), &mut rest).map_err(|_| broken())?;
        let Kept { status, tag, body } = serde_json::from_slice(clear).map_err(|_| broken())?;
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(status).map_err(|_| broken())?;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
        if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
            headers.insert(header::ETAG, tag);
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_as_the_rfc_says() {
        let tag = Some("\"a\"");
        assert!(names("\"b\", \"a\"", tag, false) && names("*", tag, false));
        assert!(!names("W/\"a\"", tag, false) && names("W/\"a\"", tag, true), "RFC 9110 §8.8.3.2");
        assert!(!names("*", None, false) && !names("\"a\"", Some("\"ab\""), true));
    }

    #[test]
    fn the_next_page_is_the_same_with_another_place() {
        let of = |uri: &'static str, body: &str| next_page(&Uri::from_static(uri), body.as_bytes());
        let link = of("/v1/queue?to=a&after=1&limit=2", "{\"items\":[],\"next\":\"a b\"}").unwrap();
        assert_eq!(link, "</v1/queue?to=a&limit=2&after=a%20b>; rel=\"next\"");
        assert!(of("/v1/queue", "{\"next\":null}").is_none() && of("/v1/queue", "[]").is_none());
    }

    #[test]
    fn an_answer_opens_by_its_key_alone() {
        let of = |key: &str| Sealed { name: hash("name", "m.rossi", key), secret: hash("secret", "m.rossi", key) };
        let (parts, _) = (StatusCode::CREATED, "x").into_response().into_parts();
        let sealed = of("0123456789abcdef").seal(&parts, b"{\"secret\":\"sgt_x\"}").unwrap();
        assert!(!sealed.windows(5).any(|w| w == b"sgt_x"));
        assert_eq!(of("0123456789abcdef").open(&sealed).unwrap().status(), StatusCode::CREATED);
        assert!(of("0123456789abcdeg").open(&sealed).is_err());
        assert!(of("0123456789abcdef").open(&sealed[..20]).is_err() && of("0123456789abcdef").open(&[]).is_err());
    }
}
