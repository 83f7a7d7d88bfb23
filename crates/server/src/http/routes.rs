//! What can be asked. Errors are problem details (RFC 9457).

mod address_book;
mod administrators;
mod apply;
mod certificates;
mod contents;
mod credentials;
mod dispatch;
mod domains;
mod extracts;
mod index;
mod life;
mod me;
mod notices;
mod operations;
mod own;
mod pages;
mod passwords;
mod persons;
mod plans;
mod quarantine;
mod queue;
mod rates;
mod requests;
mod steps;
mod store_check;
mod store_work;
mod tenants;
mod tls_report;

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Extension, Json, Router};
use sigillo_accounts::{Act, Block, CredentialName, Mailbox, OrdinaryMail, Profile, State as Standing, Target};
use sigillo_admin::api;
use sigillo_base::{Address, MailboxId, Said, Tell, Timestamp, UnitId, said};
use sigillo_engine::front::Contents;
use sigillo_engine::{Change, HashGiven};

use super::actor::Actor;
use super::authority::{Gate, authorise, counted};
use super::doorman::Doorman;
use super::extract::{Params, Sent};
pub(super) use super::fail::Fail;
use super::fail::one_form;
use super::named::Named;
use super::table::{Need, On, Row, get, patch, post, put};
use super::trial;
use super::write::{Lanes, Reader, Way};
use crate::provider::{House, Provider};
use crate::systemd::Notifier;
pub use index::directory;
pub use rates::blocked_boxes;
pub(super) use requests::Asking;

/// What every handler is given: the provider, unless it is coming to its end.
pub(super) type Provided = Weak<Provider>;
pub(super) type At = State<Provided>;

/// Mailboxes read from the store at once.
const PAGE: usize = 1_000;

/// Everything that can be asked.
pub(super) fn table() -> Vec<Row> {
    let own = vec![
        get(api::STATUS, (Act::ServiceRead, On::Service), "how the service is", status),
        get(api::MAILBOXES, (Act::MailboxRead, On::Each), "the mailboxes", mailboxes),
        post(api::MAILBOXES, (Act::MailboxCreate, On::NewMailbox), "makes a mailbox", add_mailbox),
        get("/v1/mailboxes/{address}", (Act::MailboxRead, On::Address), "a mailbox", one_mailbox),
        patch("/v1/mailboxes/{address}", (Act::MailboxChange, On::Address), "changes a mailbox", change_mailbox),
        put("/v1/mailboxes/{address}/password", PASSWORD, "gives the owner another password", set_password),
        get(api::INDEX, (Act::ServiceRead, On::Service), "the provider index in use", index::show),
        post(api::INDEX_UPDATE, (Act::ServiceWrite, On::Service), "looks for a newer provider index", index::update)
            .real(),
    ];
    [
        own,
        address_book::rows(),
        administrators::rows(),
        apply::rows(),
        certificates::rows(),
        contents::rows(),
        credentials::rows(),
        dispatch::rows(),
        domains::rows(),
        extracts::rows(),
        life::rows(),
        me::rows(),
        notices::rows(),
        operations::rows(),
        own::rows(),
        passwords::rows(),
        persons::rows(),
        plans::rows(),
        quarantine::rows(),
        queue::rows(),
        rates::rows(),
        store_check::rows(),
        store_work::rows(),
        tenants::rows(),
        tls_report::rows(),
        super::log::rows(),
        super::openapi::rows(),
    ]
    .concat()
}

const PASSWORD: (Act, On) = (Act::PasswordReset, On::Address);

pub(super) fn router(provider: Weak<Provider>, doorman: Arc<Doorman>) -> Router {
    let (table, lanes) = (table(), Arc::<Lanes>::default());
    let reads = |row: &&Row| !row.writes();
    let readers: HashMap<&str, Reader> = table
        .iter()
        .filter(reads)
        .map(|row| (row.path, Reader::new(row.handler.clone().with_state(provider.clone()))))
        .collect();
    let guarded = |router: Router<Provided>, row: Row| {
        if row.need == Need::Own {
            let counts = from_fn_with_state(Arc::clone(&doorman), counted);
            return router.route(row.path, row.handler.route_layer(counts));
        }
        let way = || Way {
            lanes: Arc::clone(&lanes),
            reader: readers.get(row.path).cloned(),
            repeats: row.repeats(),
            trial: row.trial(),
        };
        let way = row.writes().then(way);
        let gate = Gate::new(&row, provider.clone(), Arc::clone(&doorman), way);
        router.route(row.path, row.handler.route_layer(from_fn_with_state(gate, authorise)))
    };
    table
        .into_iter()
        .fold(Router::new(), guarded)
        .fallback(async || Fail::missing(said!("questo percorso non c'è", "there is no such path")))
        .method_not_allowed_fallback(async || {
            Fail::new(StatusCode::METHOD_NOT_ALLOWED, said!("metodo non previsto qui", "no such method here"))
        })
        .layer(from_fn(one_form))
        .with_state(provider)
}

pub(super) type Reply<T> = Result<Json<T>, Fail>;

pub(super) fn alive(provider: &Weak<Provider>) -> Result<Arc<Provider>, Fail> {
    let stops = || said!("il servizio si sta fermando", "the service is stopping");
    provider.upgrade().ok_or_else(|| Fail::new(StatusCode::SERVICE_UNAVAILABLE, stops()))
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
    let engine = trial::engine(provider);
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    provider.pool.weighing(bytes, move || work(&engine)).await.ok_or_else(broken_off)?
}

/// What nobody knows the end of.
pub(super) fn broken_off() -> Fail {
    Fail::new(StatusCode::INTERNAL_SERVER_ERROR, said!("lavoro interrotto", "work broken off"))
}

/// A page that begins where none ended.
fn no_place() -> Fail {
    Fail::field("after", said!("non è di una risposta di prima", "is of no answer that was given"))
}

async fn status(State(provider): At) -> Reply<api::Status> {
    let p = alive(&provider)?;
    let (config, systemd) = (p.config(), Notifier::from_env());
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
        certificates: certificates::ours(&p),
        acme: p.acme.as_ref().map(|acme| acme.status()),
        antivirus: p.antivirus_status().await,
        damaged_rows: p.engine.damaged_rows(),
        ordinary_today: p.ordinary_today().await,
        sms: p.sms.as_ref().map(|gateway| gateway.status()),
        clock: Some(p.clock_status()),
        store: Some(p.store_status()),
        supervised: systemd.is_heard(),
        watchdog_s: systemd.watchdog().map(|patience| patience.as_secs()),
        paused: p.paused(),
    }))
}

async fn mailboxes(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Params(asked): Params<api::Listing>,
) -> Reply<api::Mailboxes> {
    let provider = alive(&provider)?;
    let list = move |engine: &House| {
        let more = |after: &u64| {
            let rows = engine.mailboxes(MailboxId(*after), PAGE)?;
            Ok(rows.into_iter().map(|row| (row.id, row)).collect())
        };
        let show = |row: Mailbox| {
            let seen = !row.is_gone() && sees(&actor, engine, Act::MailboxRead, &row.address)?;
            seen.then(|| shown(engine, row)).transpose()
        };
        let (mailboxes, next) = pages::page((pages::number(&asked)?, pages::most(&asked)?), more, show)?;
        Ok(api::Mailboxes { mailboxes, next: next.map(|after| after.to_string()) })
    };
    Ok(Json(work(&provider, list).await?))
}

async fn one_mailbox(State(provider): At, Path(address): Path<String>) -> Reply<api::Mailbox> {
    let read = move |engine: &House| shown(engine, mailbox(engine, &address)?);
    Ok(Json(work(&*alive(&provider)?, read).await?))
}

async fn add_mailbox(
    State(provider): At,
    asking: Asking,
    Sent(new): Sent<api::NewMailbox>,
) -> Result<(StatusCode, Json<api::Mailbox>), Fail> {
    let provider = alive(&provider)?;
    let request = asking.request(provider.clock.now())?;
    let add = move |engine: &House| {
        let address = address(&new.address)?;
        let profile = engine.profiles().choose(&new.profile).map_err(Fail::bad)?;
        let password = credentials::kept(engine, &address, new.password.as_ref(), new.password_hash.as_ref())?;
        engine.add_mailbox_to(new.unit.map(UnitId), &address, profile, password, &request)?;
        shown(engine, mailbox(engine, &new.address)?)
    };
    Ok((StatusCode::CREATED, Json(work(&provider, add).await?)))
}

async fn set_password(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(address): Path<String>,
    asking: Asking,
    Sent(new): Sent<api::NewPassword>,
) -> Reply<api::Mailbox> {
    let provider = alive(&provider)?;
    let request = asking.request(provider.clock.now())?;
    let set = move |engine: &House| {
        let mailbox = mailbox(engine, &address)?;
        let (id, of) = (MailboxId(mailbox.id), self::address(&address)?);
        if new.password_hash.is_some() {
            actor.need(credentials::HASH.0, &engine.target(&of)?)?;
        }
        let password = credentials::kept(engine, &of, new.password.as_ref(), new.password_hash.as_ref())?;
        // A hash is of who has his password already: nobody brings his own in the place of it.
        if new.password_hash.is_some() {
            if engine.give_hash(id, &password.hash, &request)? == HashGiven::Kept {
                let text = said!(
                    "{address} ha già una password di chi la tiene: se ne dà un'altra, o un segreto con `sigillo mailbox reset`",
                    "{address} already has a password of its holder: give another one, or a secret by `sigillo mailbox reset`"
                );
                return Err(Fail::new(StatusCode::CONFLICT, text));
            }
        } else {
            engine.give_secret(id, &CredentialName::owner(), &password, &request)?;
        }
        shown(engine, mailbox)
    };
    Ok(Json(work(&provider, set).await?))
}

async fn change_mailbox(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(address): Path<String>,
    asking: Asking,
    Sent(api::MailboxChange { ordinary_mail, profile, without, receipts }): Sent<api::MailboxChange>,
) -> Reply<api::Mailbox> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let request = asking.request(now)?;
    let whole = trial::engine(&provider);
    let set = move |engine: &House| {
        let found = mailbox(engine, &address)?;
        let id = MailboxId(found.id);
        if profile.is_some() {
            actor.need(Act::MailboxProfile, &engine.target(&self::address(&address)?)?)?;
        }
        let mut changes = Vec::new();
        if let Some(word) = ordinary_mail {
            changes.push(Change::Ordinary(ordinary(&found, &word)?));
        }
        if let Some(name) = profile {
            changes.push(Change::Profile(engine.profiles().choose(&name).map_err(Fail::bad)?));
        }
        changes.extend(without.map(Change::Without));
        if let Some(folder) = receipts {
            // Made before the rest: an empty folder is left behind when that is refused, and nothing else.
            if !folder.eq_ignore_ascii_case("INBOX") && found.profile.base != Profile::Service {
                Contents::new(&whole, id, now).make_folder(&folder, None, None)?;
            }
            changes.push(Change::Receipts(folder));
        }
        engine.batch(false).entry(|entry| {
            changes.iter().try_for_each(|change| entry.change(id, change, &request).map(drop)).map_err(Fail::from)
        })?;
        shown(engine, mailbox(engine, &address)?)
    };
    Ok(Json(work(&provider, set).await?))
}

/// What a mailbox is to do with ordinary mail, by the word of the interface.
fn ordinary(of: &Mailbox, word: &str) -> Result<OrdinaryMail, Fail> {
    if of.profile.base == Profile::Service {
        let text = said!(
            "{} è la casella di servizio: riceve soltanto ricevute e avvisi di altri gestori",
            "{} is the service mailbox: it receives receipts and notices of other providers alone",
            of.address
        );
        return Err(Fail::new(StatusCode::CONFLICT, text));
    }
    match word {
        "refuse" => Ok(OrdinaryMail::Refuse),
        "accept" => Ok(OrdinaryMail::Accept),
        _ => Err(Fail::field("ordinary_mail", not_among(word, "refuse o accept", "refuse or accept"))),
    }
}

/// Whether a list shows somebody what belongs to this address of ours.
fn sees(actor: &Actor, engine: &House, act: Act, of: &str) -> Result<bool, Fail> {
    // Who sees everything asks for nothing.
    Ok(actor.may(act, &Target::SERVICE) || actor.may(act, &engine.target(&address(of)?)?))
}

fn address(text: &str) -> Result<Address, Fail> {
    Address::parse(text).map_err(|e| Fail::bad(e.said().about(text)))
}

/// A span of time as it is asked for, its end not in it: without a beginning the last thirty days, without an end up to
/// now, and what was written in this very moment is in it.
fn span(from: Option<&str>, to: Option<&str>, now: Timestamp) -> Result<(Timestamp, Timestamp), Fail> {
    const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);
    const MOMENT: Duration = Duration::from_millis(1);
    Ok((from.map_or(Ok(now.minus(MONTH)), instant)?, to.map_or(Ok(now.plus(MOMENT)), instant)?))
}

fn instant(text: &str) -> Result<Timestamp, Fail> {
    let bad = || {
        Fail::bad(said!(
            "«{text}» non è un istante: AAAA-MM-GG oppure AAAA-MM-GGThh:mm",
            "“{text}” is no instant: YYYY-MM-DD or YYYY-MM-DDThh:mm"
        ))
    };
    Timestamp::from_iso(text).ok_or_else(bad)
}

fn mailbox(engine: &House, text: &str) -> Result<Mailbox, Fail> {
    engine.find_mailbox(&address(text)?)?.ok_or_else(|| Named::Mailbox(text).missing())
}

/// What is said of a word that is none of these.
fn not_among(word: &str, these: &str, these_en: &str) -> Said {
    said!("«{word}» non è {these}", "“{word}” is not {these_en}")
}

fn shown(engine: &House, mailbox: Mailbox) -> Result<api::Mailbox, Fail> {
    let responsible = engine.responsible(MailboxId(mailbox.id))?;
    let ordinary = if mailbox.takes_ordinary_mail() { "accept" } else { "refuse" };
    let profile = mailbox.profile.name().to_owned();
    let time = |ms| Timestamp::from_millis(ms).to_string();
    let (mut blocked, mut until) = (None, None);
    let state = match mailbox.state {
        Standing::Active => "active",
        Standing::Blocked(Block { since, until, reason }) => {
            blocked = Some(api::Blocked { since: time(since), until: until.map(time), reason });
            "blocked"
        }
        Standing::Inactive(_) => "inactive",
        Standing::Cancelled(cancelled) => {
            until = Some(time(cancelled.until));
            "cancelled"
        }
        Standing::Gone(_) => "gone",
    };
    let (ordinary_mail, without) = (ordinary.to_owned(), mailbox.without);
    let receipts = engine.receipts_folder(MailboxId(mailbox.id))?;
    let unit = engine.target(&address(&mailbox.address)?)?.unit.map(|unit| unit.0);
    Ok(api::Mailbox {
        address: mailbox.address,
        profile,
        ordinary_mail,
        blocked,
        without,
        receipts,
        state: state.to_owned(),
        cancelled_until: until,
        unit,
        responsible,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_in_this_moment_is_in_a_span_without_an_end() {
        let now = Timestamp::from_millis(1_764_450_000_000);
        let (_, to) = span(None, None, now).expect("a span");
        assert!(now < to, "{now} is not before {to}");
        let (_, to) = span(None, Some("2026-11-29"), now).expect("a span");
        assert_eq!(to.to_string(), "2026-11-29T00:00:00.000+01:00", "a named end is not in it");
    }
}
