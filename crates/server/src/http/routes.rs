//! What can be asked. Errors are problem details (RFC 9457).

mod administrators;
mod contents;
mod credentials;
mod dispatch;
mod domains;
mod index;
mod persons;
mod quarantine;
mod queue;
mod rates;
mod steps;
mod store_check;
mod store_work;
mod tenants;
mod tls_report;

use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post, put};
use axum::{Extension, Json, Router};
use sigillo_accounts::{Act, Block, Mailbox, OrdinaryMail, Profile, State as Standing, Target};
use sigillo_admin::api;
use sigillo_base::{Address, MailboxId, Timestamp, UnitId};
use sigillo_engine::Error;

use super::authority::{Actor, authorise};
use crate::ids::random;
use crate::provider::{House, Provider};
pub use index::directory;
pub use rates::blocked_boxes;

/// What every handler is given: the provider, unless it is coming to its end.
type Provided = Weak<Provider>;
pub(super) type At = State<Provided>;

/// Mailboxes read from the store at once.
const PAGE: usize = 1_000;

pub(super) fn router(provider: Weak<Provider>) -> Router {
    Router::new()
        .route(api::STATUS, get(status))
        .route(api::MAILBOXES, get(mailboxes).post(add_mailbox))
        .route("/v1/mailboxes/{address}", patch(change_mailbox))
        .route("/v1/mailboxes/{address}/password", put(set_password))
        .route(api::INDEX, get(index::show))
        .route(api::INDEX_UPDATE, post(index::update))
        .merge(administrators::router())
        .merge(contents::router())
        .merge(credentials::router())
        .merge(dispatch::router())
        .merge(domains::router())
        .merge(persons::router())
        .merge(quarantine::router())
        .merge(queue::router())
        .merge(rates::router())
        .merge(store_check::router())
        .merge(store_work::router())
        .merge(tenants::router())
        .merge(tls_report::router())
        .merge(super::log::router())
        .fallback(async || Fail::new(StatusCode::NOT_FOUND, "questo percorso non c'è"))
        .method_not_allowed_fallback(async || Fail::new(StatusCode::METHOD_NOT_ALLOWED, "metodo non previsto qui"))
        .layer(from_fn_with_state(provider.clone(), authorise))
        .with_state(provider)
}

/// A refusal.
pub(super) struct Fail {
    status: StatusCode,
    detail: String,
}

impl Fail {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    fn problem(self) -> api::Problem {
        api::Problem {
            kind: "about:blank".to_owned(),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
        }
    }
}

impl From<Error> for Fail {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(detail) => Self::new(StatusCode::CONFLICT, detail),
            other => {
                tracing::error!(error = %other, "administrative request failed");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, other.to_string())
            }
        }
    }
}

impl From<JsonRejection> for Fail {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl IntoResponse for Fail {
    fn into_response(self) -> Response {
        (self.status, [(header::CONTENT_TYPE, "application/problem+json")], Json(self.problem())).into_response()
    }
}

pub(super) type Reply<T> = Result<Json<T>, Fail>;

pub(super) fn alive(provider: &Weak<Provider>) -> Result<Arc<Provider>, Fail> {
    provider.upgrade().ok_or_else(|| Fail::new(StatusCode::SERVICE_UNAVAILABLE, "il servizio si sta fermando"))
}

/// Runs a use-case on a thread that may block.
pub(super) async fn work<T: Send + 'static>(
    provider: &Provider,
    work: impl FnOnce(&House) -> Result<T, Fail> + Send + 'static,
) -> Result<T, Fail> {
    weighing(provider, 0, work).await
}

/// The same for one that takes so many bytes of memory.
pub(super) async fn weighing<T: Send + 'static>(
    provider: &Provider,
    bytes: u64,
    work: impl FnOnce(&House) -> Result<T, Fail> + Send + 'static,
) -> Result<T, Fail> {
    let engine = Arc::clone(&provider.engine);
    let broken = || Fail::new(StatusCode::INTERNAL_SERVER_ERROR, "lavoro interrotto");
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    provider.pool.weighing(bytes, move || work(&engine)).await.ok_or_else(broken)?
}

async fn status(State(provider): At) -> Reply<api::Status> {
    let p = alive(&provider)?;
    let (config, shown) = (p.config(), p.shown());
    let state = match (p.draining(), p.engine.accepting()) {
        (true, _) => "draining",
        (false, Err(_)) => "refusing",
        (false, Ok(())) => "running",
    };
    let listener = |(role, at): &(crate::config::Role, std::net::SocketAddr)| api::Listener {
        role: role.name().to_owned(),
        address: at.to_string(),
    };
    Ok(Json(api::Status {
        state: state.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        uptime_s: p.started.elapsed().as_secs(),
        provider: config.name.value.clone(),
        service_address: config.service_address.value.to_string(),
        host: config.host.value.clone(),
        service_time: p.clock.now().to_string(),
        speed: p.clock.speed,
        connections: p.limits.open() as u64,
        listeners: p.addresses.iter().map(listener).collect(),
        index: p.updater.status(),
        certificates: shown.certificates.clone(),
        antivirus: p.antivirus_status().await,
        damaged_rows: p.engine.damaged_rows(),
        ordinary_today: p.ordinary_today().await,
        clock: Some(p.clock_status()),
        store: Some(p.store_status()),
        paused: p.paused(),
    }))
}

async fn mailboxes(State(provider): At, Extension(actor): Extension<Actor>) -> Reply<api::Mailboxes> {
    let provider = alive(&provider)?;
    let list = move |engine: &House| {
        let mut mailboxes = Vec::new();
        let mut after = MailboxId(0);
        loop {
            let page = engine.mailboxes(after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = MailboxId(last.id);
            for row in page {
                if sees(&actor, engine, Act::MailboxRead, &row.address)? {
                    mailboxes.push(shown(row));
                }
            }
        }
        mailboxes.sort_by(|a, b| a.address.cmp(&b.address));
        Ok(api::Mailboxes { mailboxes })
    };
    Ok(Json(work(&provider, list).await?))
}

async fn add_mailbox(
    State(provider): At,
    body: Result<Json<api::NewMailbox>, JsonRejection>,
) -> Result<(StatusCode, Json<api::Mailbox>), Fail> {
    let Json(new) = body?;
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let add = move |engine: &House| {
        let address = address(&new.address)?;
        let profile = engine.profiles().choose(&new.profile).map_err(|e| Fail::bad(e.to_string()))?;
        let password = sigillo_engine::verifier(&new.password, random()).map_err(|e| Fail::bad(e.to_string()))?;
        engine.add_mailbox_to(new.unit.map(UnitId), &address, profile, password, now)?;
        Ok(shown(mailbox(engine, &new.address)?))
    };
    Ok((StatusCode::CREATED, Json(work(&provider, add).await?)))
}

async fn set_password(
    State(provider): At,
    Path(address): Path<String>,
    body: Result<Json<api::NewPassword>, JsonRejection>,
) -> Reply<api::Mailbox> {
    let Json(new) = body?;
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let set = move |engine: &House| {
        let mailbox = mailbox(engine, &address)?;
        let password = sigillo_engine::verifier(&new.password, random()).map_err(|e| Fail::bad(e.to_string()))?;
        engine.set_password(MailboxId(mailbox.id), password, now)?;
        Ok(shown(mailbox))
    };
    Ok(Json(work(&provider, set).await?))
}

async fn change_mailbox(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(address): Path<String>,
    body: Result<Json<api::MailboxChange>, JsonRejection>,
) -> Reply<api::Mailbox> {
    let Json(api::MailboxChange { ordinary_mail, profile, without }) = body?;
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let set = move |engine: &House| {
        let found = mailbox(engine, &address)?;
        if let Some(word) = ordinary_mail {
            if found.profile.base == Profile::Service {
                let text =
                    format!("{address} è la casella di servizio: riceve soltanto ricevute e avvisi di altri gestori");
                return Err(Fail::new(StatusCode::CONFLICT, text));
            }
            let ordinary = match word.as_str() {
                "refuse" => OrdinaryMail::Refuse,
                "accept" => OrdinaryMail::Accept,
                _ => return Err(Fail::bad(format!("ordinary_mail: «{word}» non è refuse o accept"))),
            };
            engine.set_ordinary_mail(MailboxId(found.id), ordinary)?;
        }
        if let Some(name) = profile {
            actor.need(Act::MailboxProfile, &engine.target(&self::address(&address)?)?)?;
            let chosen = engine.profiles().choose(&name).map_err(|e| Fail::bad(e.to_string()))?;
            engine.set_profile(MailboxId(found.id), &chosen, now)?;
        }
        if let Some(without) = without {
            engine.set_without(MailboxId(found.id), &without)?;
        }
        Ok(shown(mailbox(engine, &address)?))
    };
    Ok(Json(work(&provider, set).await?))
}

/// Whether a list shows somebody what belongs to this address of ours.
fn sees(actor: &Actor, engine: &House, act: Act, of: &str) -> Result<bool, Fail> {
    // Who sees everything asks for nothing.
    Ok(actor.may(act, &Target::SERVICE) || actor.may(act, &engine.target(&address(of)?)?))
}

fn address(text: &str) -> Result<Address, Fail> {
    Address::parse(text).map_err(|e| Fail::bad(format!("{text}: {e}")))
}

/// A span of time as it is asked for: without a beginning the last thirty days, without an end up to now.
fn span(from: Option<&str>, to: Option<&str>, now: Timestamp) -> Result<(Timestamp, Timestamp), Fail> {
    const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);
    Ok((from.map_or(Ok(now.minus(MONTH)), instant)?, to.map_or(Ok(now), instant)?))
}

fn instant(text: &str) -> Result<Timestamp, Fail> {
    let bad = || Fail::bad(format!("«{text}» non è un istante: AAAA-MM-GG oppure AAAA-MM-GGThh:mm"));
    Timestamp::from_iso(text).ok_or_else(bad)
}

fn mailbox(engine: &House, text: &str) -> Result<Mailbox, Fail> {
    engine.find_mailbox(&address(text)?)?.ok_or_else(|| Fail::missing(format!("la casella {text} non c'è")))
}

fn shown(mailbox: Mailbox) -> api::Mailbox {
    let ordinary = if mailbox.takes_ordinary_mail() { "accept" } else { "refuse" };
    let profile = mailbox.profile.name().to_owned();
    let time = |ms| Timestamp::from_millis(ms).to_string();
    let blocked = match mailbox.state {
        Standing::Active => None,
        Standing::Blocked(Block { since, until, reason }) => {
            Some(api::Blocked { since: time(since), until: until.map(time), reason })
        }
    };
    let (ordinary_mail, without) = (ordinary.to_owned(), mailbox.without);
    api::Mailbox { address: mailbox.address, profile, ordinary_mail, blocked, without }
}
