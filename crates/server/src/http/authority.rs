//! Who asks is found out, and whether he may (WEB-10, SEC-05, SEC-06). Every row of the [`table`](super::table) needs one
//! permission on one target, and a gate stands before its handler.
//!
//! A person shows a token (`Authorization: Bearer`), of ours or of the issuer that is trusted. One of ours whose person has a
//! second factor opens nothing before a code was said for it. The system's user on the socket may everything until somebody was named
//! who runs the service; from then on he sees how it is and names persons, which is what a token that was lost needs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::RequestExt;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, RawPathParams, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sigillo_accounts::{PersonName, STRANGER, Target};
use sigillo_admin::api;
use sigillo_base::{Address, Said, Secret, TenantId, Timestamp, UnitId, said};
use sigillo_engine::{Origin, Reading, Shown, Standing, token_number};
use sigillo_pec::log::{ServiceEvent, Stage};
use sigillo_wire::Tick;

use super::actor::{Actor, denied};
use super::content::Content;
use super::doorman::{Doorman, Payer};
use super::fail::Fail;
use super::named::{self, Thing};
use super::routes::{Provided, alive, broken_off, work};
use super::socket::Peer;
use super::table::{Need, On, Row};
use super::trial::{self, Trial};
use super::write::{self, Way};
use crate::config::SecondFactor;
use crate::provider::{House, Provider};

/// Characters of a path that go into a line of the log.
pub(super) const MOST_OBJECT: usize = 500;

/// What stands before a row of the table.
#[derive(Clone)]
pub(super) struct Gate {
    provider: Provided,
    doorman: Arc<Doorman>,
    need: Need,
    path: &'static str,
    method: Method,
    /// How it is changed; `None` for what only reads.
    way: Option<Way>,
    /// Whether it is a line of the log.
    logged: bool,
    /// What is told there of a request.
    content: Option<Arc<Content>>,
    /// Of what only reads: which parameters of its query the register of readings names; `None` where it is not in there.
    shown: Option<Arc<[String]>>,
    /// Octets of a body.
    most: usize,
}

impl Gate {
    /// The one of this row.
    pub(super) fn new(row: &Row, provider: Provided, doorman: Arc<Doorman>, way: Option<Way>) -> Self {
        // Codes the engine writes down, as often as they are judged: guessers write no more.
        let code = matches!(row.need, Need::Unlocks | Need::Proves);
        let logged = row.writes() && row.logged && !code;
        let content = Content::of(row).filter(|_| logged && !row.silent).map(Arc::new);
        let shown = (!row.writes() && row.logged).then(|| row.parameters().into());
        let (need, path, method, most) = (row.need, row.path, row.method.clone(), row.most);
        Self { provider, doorman, need, path, method, way, logged, content, shown, most }
    }

    fn act(&self) -> &'static str {
        match self.need {
            Need::May(act, _) => act.name(),
            Need::Known => "known",
            Need::Enrols => "enrol",
            Need::Unlocks => "unlock",
            Need::Proves => "prove",
            Need::Changes => "token-change",
            Need::Own => "own",
        }
    }

    /// What is written down about a request.
    fn event(&self, stage: Stage, actor: Option<&Actor>, knock: &Knock) -> ServiceEvent {
        let token = actor.and_then(Actor::token);
        ServiceEvent::Admin {
            act: self.act().to_owned(),
            stage,
            by: actor.map_or_else(|| STRANGER.to_owned(), Actor::name),
            method: self.method.to_string(),
            object: knock.object.clone(),
            token,
            from: knock.peer.and_then(Peer::ip).map(|ip| ip.to_string()),
            content: knock.content.clone(),
        }
    }

    /// What is written down of somebody who has read; what he names that is no parameter may be anything, and is not.
    fn reading(&self, actor: &Actor, knock: &Knock, status: StatusCode, at: Timestamp) -> Option<Reading> {
        let shown = self.shown.as_ref()?;
        let known = |pair: &&str| shown.iter().any(|name| pair.split('=').next() == Some(name.as_str()));
        let query: Vec<&str> = knock.query.iter().flat_map(|query| query.split('&')).filter(known).collect();
        let object =
            if query.is_empty() { knock.object.clone() } else { format!("{}?{}", knock.object, query.join("&")) };
        Some(Reading {
            at,
            by: actor.name(),
            token: actor.token(),
            from: knock.peer.and_then(Peer::ip),
            act: self.act().to_owned(),
            object: object.chars().take(MOST_OBJECT).collect(),
            status: status.as_u16(),
        })
    }

    /// Looks into the body where it is to be written down, or says of what the request is; the request keeps it. Of who is
    /// somebody alone: nothing is kept for a stranger.
    async fn look(&self, knock: &mut Knock, request: &mut Request) -> Result<Option<New>, Fail> {
        let makes = matches!(self.need, Need::May(_, On::NewMailbox));
        let Some(content) = self.content.as_ref().filter(|_| makes || Content::is_said(request.headers())) else {
            return Ok(None);
        };
        let body = std::mem::take(request.body_mut());
        let bytes = to_bytes(body, self.most).await.map_err(|_| write::too_large(self.most))?;
        // What cannot be read the handler refuses, by name.
        let new = if makes { serde_json::from_slice::<New>(&bytes).ok() } else { None };
        knock.content = content.told(&bytes);
        if let Some(New { address, .. }) = &new {
            // What is made is named as it will be.
            knock.object = format!("{}/{}", knock.object, api::escaped(address)).chars().take(MOST_OBJECT).collect();
        }
        *request.body_mut() = Body::from(bytes);
        Ok(new)
    }

    /// Who it is. A token that is not good is refused, also over the socket: who shows one means to be somebody.
    fn who(
        &self,
        engine: &House,
        knock: &Knock,
        (issued, wanted): (Option<&PersonName>, SecondFactor),
        now: Timestamp,
    ) -> Result<Actor, Fail> {
        let Some(token) = &knock.token else {
            let uid = match knock.peer {
                Some(Peer::Near(uid)) => uid.0.filter(|_| uid.allowed()),
                _ => None,
            };
            let text =
                || said!("serve un token: Authorization: Bearer …", "a token is needed: Authorization: Bearer …");
            let Some(uid) = uid else { return Err(unknown(text())) };
            return Ok(Actor::System { uid, administrated: engine.is_administrated()? });
        };
        let ip = knock.peer.and_then(Peer::ip);
        let person = issued.map(|name| engine.person(name)).transpose()?.flatten().map(|(_, person)| person);
        if let Some(person) = person.filter(|person| person.ended.is_none()) {
            // The issuer has asked him for what it wants of him.
            return Ok(Actor::Person(Arc::new(person), None, ip));
        }
        // What the issuer did not sign for anybody here is no token of ours either, and counts like one.
        match engine.who_shows(token, knock.place().map(|place| (place, knock.tick)), now)? {
            Shown::Person(person, bearer, standing) => {
                let actor = Actor::Person(Arc::new(*person), Some(Arc::new(bearer)), ip);
                let Some(fail) = self.unproven(standing, wanted) else { return Ok(actor) };
                // Whoever has a token without its code is perhaps not who it is of.
                if self.doorman.writes_down_locked(token_number(token), now) {
                    engine.log_service(self.event(Stage::Unproven, Some(&actor), knock), now)?;
                }
                Err(fail)
            }
            Shown::Nobody => {
                tracing::warn!(from = ?knock.peer, "administrative request with a token that is not good");
                if self.doorman.writes_down(knock.place(), now) {
                    engine.log_service(self.event(Stage::Stranger, None, knock), now)?;
                }
                Err(unknown(said!(
                    "il token non è valido: è scaduto, revocato o di nessuno",
                    "the token is not good: it expired, was revoked or is nobody's"
                )))
            }
            Shown::Locked => {
                let text = said!(
                    "troppi token sbagliati da questo indirizzo: riprovare più tardi",
                    "too many wrong tokens from this address: try again later"
                );
                Err(Fail::new(StatusCode::TOO_MANY_REQUESTS, text).after(Duration::from_secs(60)))
            }
        }
    }

    /// What is wanted of somebody by his second factor before he is let in here.
    fn unproven(&self, standing: Standing, wanted: SecondFactor) -> Option<Fail> {
        match standing {
            Standing::First if self.need != Need::Changes => {
                let text = said!(
                    "un token dato da altri si cambia prima di ogni altra cosa: «sigillo person change-token»",
                    "a token that others gave is changed before anything else: “sigillo person change-token”"
                );
                Some(Fail::new(StatusCode::FORBIDDEN, text).kind(api::CHANGE_WANTED))
            }
            Standing::Locked if self.need != Need::Unlocks => {
                let text = said!(
                    "serve un codice del secondo fattore: «sigillo person unlock»",
                    "a code of the second factor is needed: “sigillo person unlock”"
                );
                Some(unknown(text).kind(api::CODE_WANTED))
            }
            Standing::NoFactor if wanted == SecondFactor::Required && self.need != Need::Enrols => {
                let text = said!(
                    "chi amministra deve avere un secondo fattore: «sigillo person totp enrol»",
                    "whoever administrates must have a second factor: “sigillo person totp enrol”"
                );
                Some(Fail::new(StatusCode::FORBIDDEN, text).kind(api::FACTOR_WANTED))
            }
            _ => None,
        }
    }
}

/// Counts a request of somebody elsewhere, before anything is looked up for it: by where he is first, so that who invents
/// tokens makes no payers.
fn admit(doorman: &Doorman, knock: &Knock) -> Result<(), Fail> {
    let Some(place) = knock.place() else { return Ok(()) };
    let token = knock.token.as_ref().map(|token| Payer::Token(token_number(token)));
    for payer in [Payer::Place(place)].into_iter().chain(token) {
        doorman.admit(payer, Instant::now()).map_err(|wait| {
            let text = said!(
                "troppe richieste in un minuto: riprovare fra poco",
                "too many requests in a minute: try again shortly"
            );
            Fail::new(StatusCode::TOO_MANY_REQUESTS, text).after(wait)
        })?;
    }
    Ok(())
}

/// Counts the requests at a door that has its own way of knowing people.
pub(super) async fn counted(State(doorman): State<Arc<Doorman>>, request: Request, next: Next) -> Response {
    match admit(&doorman, &Knock::of(&request, doorman.ticks.now())).and_then(|()| trial::refuse(request.headers())) {
        Ok(()) => next.run(request).await,
        Err(fail) => fail.into_response(),
    }
}

/// Whom a token names that the issuer has signed. One of ours has no full stop in it, and a signed one has two.
async fn issued(provider: &Provider, token: Option<&Secret>) -> Result<Option<PersonName>, Fail> {
    let signed = token.filter(|token| token.expose().contains('.'));
    let (Some(token), Some(issuer)) = (signed, provider.issuer()) else { return Ok(None) };
    let named = issuer.person(token).await.map_err(|error| {
        tracing::warn!(%error, "a token cannot be checked");
        let text =
            said!("il token non si può verificare adesso: riprovare", "the token cannot be checked now: try again");
        Fail::new(StatusCode::SERVICE_UNAVAILABLE, text)
    })?;
    Ok(named.and_then(|name| PersonName::parse(&name).ok()))
}

fn unknown(detail: Said) -> Fail {
    Fail::new(StatusCode::UNAUTHORIZED, detail)
}

/// A request, before anybody knows who it is.
#[derive(Clone)]
struct Knock {
    peer: Option<Peer>,
    token: Option<Secret>,
    tick: Tick,
    /// Its path, as the log has it.
    object: String,
    query: Option<String>,
    /// What it says, as the log has it.
    content: Option<String>,
    /// Whether it asks only what would come of it.
    tried: bool,
}

impl Knock {
    fn of(request: &Request, tick: Tick) -> Self {
        Self {
            peer: request.extensions().get::<ConnectInfo<Peer>>().map(|info| info.0),
            token: bearer(request),
            tick,
            object: request.uri().path().chars().take(MOST_OBJECT).collect(),
            query: request.uri().query().map(str::to_owned),
            content: None,
            tried: false,
        }
    }

    /// Where he is, if it is elsewhere.
    fn place(&self) -> Option<Origin> {
        self.peer.and_then(Peer::ip).map(Origin::from)
    }
}

/// Lets through who may, and writes down what is changed and who was turned away, before it is done, and what is read (AUD-03).
pub(super) async fn authorise(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    admitted(gate, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn admitted(gate: Gate, mut request: Request, next: Next) -> Result<Response, Fail> {
    let house = alive(&gate.provider)?;
    let (now, mut knock) = (house.clock.now(), Knock::of(&request, gate.doorman.ticks.now()));
    admit(&gate.doorman, &knock)?;
    let actor = {
        let (gate, knock, issued) = (gate.clone(), knock.clone(), issued(&house, knock.token.as_ref()).await?);
        let wanted = house.config().second_factor;
        work(&house, move |engine| gate.who(engine, &knock, (issued.as_ref(), wanted), now)).await?
    };
    if let Some(way) = &gate.way {
        match way.trial {
            Trial::None => trial::refuse(request.headers())?,
            Trial::Itself | Trial::OverAnEngine(_) => knock.tried = trial::is_asked(request.headers())?,
        }
    }
    let params = request.extract_parts::<RawPathParams>().await;
    let params = params.map_err(|rejected| Fail::foreign(rejected.status(), &rejected.body_text()))?;
    let params: Vec<_> = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let new = gate.look(&mut knock, &mut request).await?;
    let asked = {
        let (gate, actor, knock, params) = (gate.clone(), actor.clone(), knock.clone(), params.clone());
        move |engine: &House| {
            if let Need::May(act, on) = gate.need {
                let allowed = match (on, tenant(&params)) {
                    (On::Each | On::Handler, _) => actor.may_somewhere(act),
                    (On::Within, Some(tenant)) => actor.may_within(engine, act, tenant)?,
                    _ => actor.may(act, &target(engine, on, &params, new.as_ref())?),
                };
                if !allowed {
                    tracing::warn!(by = actor.name(), act = act.name(), knock.object, "administrative request denied");
                    engine.log_service(gate.event(Stage::Denied, Some(&actor), &knock), now)?;
                    if let Some(named) = Thing::asked(gate.path, &params).as_ref().and_then(Thing::named) {
                        named.need_seen(engine, &actor)?;
                    }
                    return Err(denied(act));
                }
            }
            if gate.logged {
                let stage = if knock.tried { Stage::Tried } else { Stage::Asked };
                engine.log_service(gate.event(stage, Some(&actor), &knock), now)?;
            }
            Ok(())
        }
    };
    work(&house, asked).await?;
    request.extensions_mut().insert(actor.clone());
    let reads = gate.way.is_none();
    let done = done(gate, house, (actor, knock, params), request, next, now);
    if reads {
        return done.await;
    }
    // Whoever hangs up breaks nothing off: what was begun is finished, and written down.
    tokio::spawn(done).await.map_err(|_| broken_off())?
}

/// Does what was asked by who may; what was not done then is written down too.
async fn done(
    gate: Gate,
    house: Arc<Provider>,
    (actor, knock, params): (Actor, Knock, Vec<(String, String)>),
    request: Request,
    next: Next,
    now: Timestamp,
) -> Result<Response, Fail> {
    let by = actor.name();
    let done = match gate.way.clone() {
        Some(way) => {
            let resource = Thing::asked(gate.path, &params).filter(|_| gate.logged).map(|thing| thing.resource());
            way.change(Arc::clone(&house), &by, resource, request, next).await
        }
        None => write::read(request, next).await,
    };
    let response = done.unwrap_or_else(IntoResponse::into_response);
    let status = response.status();
    tracing::info!(method = %gate.method, by, act = gate.act(), status = status.as_u16(), "administrative request");
    let turned_away = response.extensions().get::<Fail>().is_some_and(Fail::denies);
    let denied = turned_away && matches!(gate.need, Need::May(..));
    if denied || gate.logged && !knock.tried && !status.is_success() {
        let stage = if turned_away { Stage::Denied } else { Stage::Failed };
        let event = gate.event(stage, Some(&actor), &knock);
        work(&house, move |engine| Ok(engine.log_service(event, now)?)).await?;
    } else if let Some(reading) = gate.reading(&actor, &knock, status, now) {
        let told = move |engine: &House| {
            let about = Thing::asked(gate.path, &params).and_then(|thing| thing.subject());
            engine.has_looked(engine.told_of_look(actor.tenant(), about.as_ref(), now)?, &reading);
            Ok(())
        };
        work(&house, told).await?;
    }
    Ok(response)
}

fn bearer(request: &Request) -> Option<Secret> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(token.trim().to_owned()))
}

/// Which mailbox is to be made, and in which unit.
#[derive(serde::Deserialize)]
struct New {
    address: String,
    unit: Option<u64>,
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
        On::Domain => named::domain(engine, param("name").unwrap_or_default()),
        On::Person => named::person(engine, param("name").unwrap_or_default()),
        On::Tenant | On::Within => Ok(tenant(params).map_or(Target::SERVICE, Target::tenant)),
        On::Service | On::Each | On::Handler => Ok(Target::SERVICE),
    }
}

/// The administration in a path.
fn tenant(params: &[(String, String)]) -> Option<TenantId> {
    let (_, id) = params.iter().find(|(name, _)| name == "tenant")?;
    id.parse().ok().map(TenantId)
}
