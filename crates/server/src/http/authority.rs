//! Who asks, and whether he may (WEB-10, SEC-05, SEC-06). Every path and method of the interface needs one permission on
//! one target: the table below. What is not in it nobody gets, so that a path that is forgotten is shut and not open.
//!
//! A person shows a token (`Authorization: Bearer`). The system's user on the socket may everything until somebody was named
//! who runs the service; from then on he sees how it is and names persons, which is what a token that was lost needs.

use std::sync::Arc;

use axum::RequestExt;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, MatchedPath, RawPathParams, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sigillo_accounts::{Act, Grant, Person, PersonName, Target};
use sigillo_base::{Address, Domain, Secret, TenantId, Timestamp, UnitId};
use sigillo_pec::log::{ServiceEvent, Stage};

use super::routes::{At, Fail, alive, work};
use super::socket::Uid;
use crate::provider::House;

/// A request's body, where it has to be looked into.
const MOST_BODY: usize = 4 << 20;

/// Characters of a path that go into a line of the log.
const MOST_OBJECT: usize = 500;

/// Who asks.
#[derive(Debug, Clone)]
pub(super) enum Actor {
    /// The system's user at the other end of the socket, while nobody was named, or for what is left to him.
    System {
        /// His number.
        uid: u32,
        /// Somebody was named who runs the service.
        administrated: bool,
    },
    /// A person who showed a token.
    Person(Arc<Person>),
}

impl Actor {
    /// As he is called in the log.
    pub(super) fn name(&self) -> String {
        match self {
            Self::System { uid, .. } => format!("uid-{uid}"),
            Self::Person(person) => person.login.clone(),
        }
    }

    /// Whether he may do this.
    pub(super) fn may(&self, act: Act, target: &Target) -> bool {
        match self {
            Self::System { administrated: false, .. } => true,
            Self::System { .. } => matches!(act, Act::ServiceRead | Act::PersonRead | Act::PersonWrite),
            Self::Person(person) => person.may(act, target),
        }
    }

    /// Whether he may do this somewhere: then lists show him what he may see.
    fn may_somewhere(&self, act: Act) -> bool {
        match self {
            Self::System { .. } => self.may(act, &Target::SERVICE),
            Self::Person(person) => person.may_somewhere(act),
        }
    }

    /// Whether he is the person of this name.
    pub(super) fn is(&self, name: &PersonName) -> bool {
        matches!(self, Self::Person(person) if person.login == name.as_str())
    }

    /// Whether he may give or take a role whose scope lies at this target.
    pub(super) fn may_name(&self, grant: &Grant, at: &Target) -> bool {
        match self {
            Self::System { .. } => true,
            Self::Person(person) => person.may_name(grant, at),
        }
    }

    /// Refuses who may not.
    pub(super) fn need(&self, act: Act, target: &Target) -> Result<(), Fail> {
        if self.may(act, target) { Ok(()) } else { Err(denied(act)) }
    }
}

/// The answer to who may not.
pub(super) fn denied(act: Act) -> Fail {
    Fail::new(StatusCode::FORBIDDEN, format!("serve il permesso «{}» su ciò che si chiede", act.name()))
}

/// On what something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    /// The service.
    Service,
    /// The mailbox or list in the path.
    Address,
    /// The mailbox in the body.
    NewMailbox,
    /// The domain in the path.
    Domain,
    /// The administration in the path.
    Tenant,
    /// Many: the answer holds those that he may see.
    Each,
    /// The handler asks, since it depends on more than the path.
    Handler,
}

/// What a request needs: the whole of the interface.
fn demand(method: &Method, path: &str) -> Option<(Act, On)> {
    let rest = path.strip_prefix("/v1/")?;
    let read = method == Method::GET;
    let either = |reading, writing| if read { reading } else { writing };
    Some(match (rest, method.as_str()) {
        ("status" | "index" | "store/stats" | "tls-report" | "reports/blocked-boxes", "GET") => {
            (Act::ServiceRead, On::Service)
        }
        ("index/update" | "store/backup" | "store/compact" | "store/check", _) => (Act::ServiceWrite, On::Service),
        ("quarantine" | "quarantine/{id}", _) => (Act::ServiceWrite, On::Service),
        ("queue", "GET") => (Act::QueueRead, On::Service),
        ("queue/{order}", _) => (Act::QueueWrite, On::Service),
        ("dispatches/{id}", "GET") => (Act::DispatchRead, On::Handler),
        ("mailboxes", "GET") => (Act::MailboxRead, On::Each),
        ("mailboxes", "POST") => (Act::MailboxCreate, On::NewMailbox),
        ("mailboxes/{address}", "PATCH") => (Act::MailboxChange, On::Address),
        ("mailboxes/{address}/password", _) => (Act::PasswordReset, On::Address),
        ("mailboxes/{address}/block", _) => (Act::MailboxBlock, On::Address),
        ("mailboxes/{address}/unit", _) => (Act::UnitWrite, On::Address),
        ("mailboxes/{address}/usage" | "mailboxes/{address}/history", "GET") => (Act::MailboxRead, On::Address),
        ("mailboxes/{address}/accesses" | "mailboxes/{address}/trail", "GET") => (Act::AccessRead, On::Address),
        ("mailboxes/{address}/log", "GET") => (Act::LogRead, On::Address),
        (
            "mailboxes/{address}/rights" | "mailboxes/{address}/credentials" | "mailboxes/{address}/credentials/{name}",
            _,
        ) => (either(Act::AccessRead, Act::AccessWrite), On::Address),
        ("mailboxes/{address}/folders" | "mailboxes/{address}/messages" | "mailboxes/{address}/messages/{uid}", _) => {
            (Act::MailboxContents, On::Address)
        }
        ("domains", "GET") => (Act::DomainRead, On::Each),
        ("domains/{name}", "PATCH") => (Act::DomainWrite, On::Domain),
        ("domains/{name}/tenant", "PUT") => (Act::TenantWrite, On::Service),
        ("lists", "GET") => (Act::ListRead, On::Each),
        ("lists/{address}", "PUT") => (Act::ListMembers, On::Handler),
        ("lists/{address}", "DELETE") => (Act::ListWrite, On::Address),
        ("tenants", "GET") => (Act::TenantRead, On::Each),
        ("tenants" | "tenants/{tenant}", _) => (Act::TenantWrite, On::Service),
        ("tenants/{tenant}/units" | "tenants/{tenant}/units/{unit}", _) => {
            (either(Act::TenantRead, Act::UnitWrite), On::Tenant)
        }
        ("persons", "GET") => (Act::PersonRead, On::Each),
        ("persons" | "persons/{name}" | "persons/{name}/roles", _) => (Act::PersonWrite, On::Handler),
        ("persons/{name}/tokens" | "persons/{name}/tokens/{token}", _) => (Act::PersonWrite, On::Handler),
        ("log/segments" | "log/lines" | "log/audit", "GET") => (Act::LogRead, On::Service),
        ("log/segments/{number}/lines" | "log/segments/{number}/stamp", "GET") => (Act::LogRead, On::Service),
        _ => return None,
    })
}

/// Lets through who may, and writes down what is changed and who was turned away, before it is done (AUD-03).
pub(super) async fn authorise(State(provider): At, mut request: Request, next: Next) -> Response {
    let Some(matched) = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()) else {
        return next.run(request).await; // no such path
    };
    let method = request.method().clone();
    let Some((act, on)) = demand(&method, &matched) else {
        return Fail::new(StatusCode::METHOD_NOT_ALLOWED, "metodo non previsto qui").into_response();
    };
    let house = match alive(&provider) {
        Ok(house) => house,
        Err(fail) => return fail.into_response(),
    };
    let now = house.clock.now();
    let (token, uid) = (bearer(&request), request.extensions().get::<ConnectInfo<Uid>>().map(|info| info.0));
    let params = match request.extract_parts::<RawPathParams>().await {
        Ok(params) => params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>(),
        Err(rejected) => return rejected.into_response(),
    };
    let new = match new_mailbox(on, &mut request).await {
        Ok(new) => new,
        Err(fail) => return fail.into_response(),
    };
    let object: String = request.uri().path().chars().take(MOST_OBJECT).collect();
    let event = {
        let (method, object) = (method.to_string(), object.clone());
        move |stage, by: String| ServiceEvent::Admin { act: act.name().to_owned(), stage, by, method, object }
    };
    let asked = {
        let event = event.clone();
        // Messages come and go by the thousand: who brings them in or out is among the mailbox's accesses.
        let writes = method != Method::GET && !matched.contains("/messages");
        move |engine: &House| {
            let actor = who(engine, uid, token, now)?;
            let allowed = match on {
                On::Each | On::Handler => actor.may_somewhere(act),
                _ => actor.may(act, &target(engine, on, &params, new.as_ref())?),
            };
            if !allowed {
                tracing::warn!(by = actor.name(), act = act.name(), object, "administrative request denied");
                engine.log_service(event(Stage::Denied, actor.name()), now)?;
                return Err(denied(act));
            }
            if writes {
                engine.log_service(event(Stage::Asked, actor.name()), now)?;
            }
            Ok((actor, writes))
        }
    };
    let (actor, writes) = match work(&house, asked).await {
        Ok(asked) => asked,
        Err(fail) => return fail.into_response(),
    };
    let by = actor.name();
    request.extensions_mut().insert(actor);
    let response = next.run(request).await;
    let status = response.status();
    tracing::info!(%method, by, act = act.name(), status = status.as_u16(), "administrative request");
    if writes && !status.is_success() {
        let stage = if status == StatusCode::FORBIDDEN { Stage::Denied } else { Stage::Failed };
        if let Err(fail) = work(&house, move |engine| Ok(engine.log_service(event(stage, by), now)?)).await {
            return fail.into_response();
        }
    }
    response
}

fn bearer(request: &Request) -> Option<Secret> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(token.trim().to_owned()))
}

/// Who it is. A token that is not good is refused, also over the socket: who shows one means to be somebody.
fn who(engine: &House, uid: Option<Uid>, token: Option<Secret>, now: Timestamp) -> Result<Actor, Fail> {
    if let Some(token) = token {
        let person = engine.who_shows(&token, now)?;
        let bad = || {
            tracing::warn!("administrative request with a token that is not good");
            Fail::new(StatusCode::UNAUTHORIZED, "il token non è valido: è scaduto, revocato o di nessuno")
        };
        return Ok(Actor::Person(Arc::new(person.ok_or_else(bad)?)));
    }
    match uid.and_then(|uid| uid.0.filter(|_| uid.allowed())) {
        Some(uid) => Ok(Actor::System { uid, administrated: engine.is_administrated()? }),
        None => Err(Fail::new(StatusCode::FORBIDDEN, "solo root e l'utente del servizio, o chi mostra un token")),
    }
}

/// Which mailbox is to be made, and in which unit.
#[derive(serde::Deserialize)]
struct New {
    address: String,
    unit: Option<u64>,
}

/// What a body is about; the request keeps it.
async fn new_mailbox(on: On, request: &mut Request) -> Result<Option<New>, Fail> {
    if on != On::NewMailbox {
        return Ok(None);
    }
    let body = std::mem::take(request.body_mut());
    let too_much = |_| Fail::new(StatusCode::PAYLOAD_TOO_LARGE, format!("il corpo supera {MOST_BODY} byte"));
    let bytes = to_bytes(body, MOST_BODY).await.map_err(too_much)?;
    // What cannot be read the handler refuses, by name.
    let new = serde_json::from_slice(&bytes).ok();
    *request.body_mut() = Body::from(bytes);
    Ok(new)
}

fn target(engine: &House, on: On, params: &[(String, String)], new: Option<&New>) -> Result<Target, Fail> {
    let param = |wanted: &str| params.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let address = |text: Option<&str>| match text.map(Address::parse) {
        Some(Ok(address)) => Ok(engine.target(&address)?),
        // Nobody's: whoever runs the service hears what is wrong with it, everybody else that he may not.
        Some(Err(_)) | None => Ok(Target::SERVICE),
    };
    match on {
        On::Address => address(param("address")),
        // It is of no unit yet; where it is to be of one, whoever makes it must be of that.
        On::NewMailbox => {
            let unit = new.and_then(|new| new.unit).map(UnitId);
            Ok(Target { unit, ..address(new.map(|new| new.address.as_str()))? })
        }
        On::Domain => match param("name").map(Domain::parse) {
            Some(Ok(domain)) => Ok(Target { tenant: engine.owner(&domain)?, ..Target::SERVICE }),
            Some(Err(_)) | None => Ok(Target::SERVICE),
        },
        On::Tenant => {
            let id = param("tenant").and_then(|text| text.parse().ok());
            Ok(id.map_or(Target::SERVICE, |id| Target::tenant(TenantId(id))))
        }
        On::Service | On::Each | On::Handler => Ok(Target::SERVICE),
    }
}

/// The name of somebody in a path or body.
pub(super) fn person_name(text: &str) -> Result<PersonName, Fail> {
    PersonName::parse(text).map_err(|e| Fail::bad(e.to_string()))
}
