//! Credentials of mailboxes, and what was sent with them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use sigillo_accounts::{Act, Credential, CredentialName, Kind, Mailbox, PasswordHash, Profile, Rights, Verifier};
use sigillo_admin::api;
use sigillo_base::{Address, MailboxId, Secret, Timestamp, said};
use sigillo_engine::{Credentialed, HashGiven, verifier};

use super::requests::Asking;
use super::{At, Fail, Reply, address, alive, instant, mailbox, no_place, not_among, pages, span, work};
use crate::http::extract::{Params, Sent};
use crate::http::table::{On, Row, delete, get, patch, post, put};
use crate::ids::{random, random_password};
use crate::provider::House;

const READ: (Act, On) = (Act::AccessRead, On::Address);
const WRITE: (Act, On) = (Act::AccessWrite, On::Address);
/// As a mailbox that is made with one: whoever brings a hash may know its word, and who only resets passwords must know none.
pub(super) const HASH: (Act, On) = (Act::MailboxCreate, On::Address);

pub(super) fn rows() -> Vec<Row> {
    vec![
        get("/v1/mailboxes/{address}/credentials", READ, "the credentials of a mailbox", list),
        post("/v1/mailboxes/{address}/credentials", WRITE, "makes a credential", add),
        patch("/v1/mailboxes/{address}/credentials", WRITE, "until when a secret is good", standing),
        put("/v1/mailboxes/{address}/credentials/{name}", WRITE, "gives a credential another secret", rotate),
        delete("/v1/mailboxes/{address}/credentials/{name}", WRITE, "ends a credential", revoke),
        put(
            "/v1/mailboxes/{address}/password-hash",
            HASH,
            "gives the owner the hash that a list has for him",
            give_hash,
        ),
        get("/v1/mailboxes/{address}/trail", READ, "what a mailbox submitted, and with which credential", trail),
    ]
}

async fn list(
    State(provider): At,
    Path(address): Path<String>,
    Params(asked): Params<api::Listing>,
) -> Reply<api::Credentials> {
    let list = move |engine: &House| {
        let found = mailbox(engine, &address)?;
        let all = engine.credentials(MailboxId(found.id))?;
        // The owner's has no name: behind it is something else than at the beginning.
        let name = |after: &str| after.strip_prefix('/').map(str::to_owned).ok_or_else(no_place);
        let after = asked.after.as_deref().map(name).transpose()?;
        let named = all.into_iter().map(|c| (Some(c.name.as_str().to_owned()), shown(&found.address, c)));
        let (credentials, next) = pages::page_of((after, pages::most(&asked)?), named.collect());
        Ok(api::Credentials { credentials, next: next.flatten().map(|after| format!("/{after}")) })
    };
    Ok(Json(work(&*alive(&provider)?, list).await?))
}

async fn add(
    State(provider): At,
    Path(address): Path<String>,
    Sent(new): Sent<api::NewCredential>,
) -> Result<(StatusCode, Json<api::MadeCredential>), Fail> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let add = move |engine: &House| {
        let found = mailbox(engine, &address)?;
        let id = MailboxId(found.id);
        let name = name(&new.name)?;
        let kind = match new.kind.as_str() {
            "application" => Kind::Application,
            "personal" => Kind::Personal,
            other => {
                return Err(Fail::field("kind", not_among(other, "application o personal", "application or personal")));
            }
        };
        let base = engine.terms(&found).0;
        if kind == Kind::Personal && base != Profile::Structured {
            let text = said!(
                "{address} non è una casella strutturata, e credenziali personali non ne ha: `sigillo mailbox set {address} --profile structured`",
                "{address} is no structured mailbox, and has no personal credentials: `sigillo mailbox set {address} --profile structured`"
            );
            return Err(Fail::new(StatusCode::CONFLICT, text));
        }
        let (verifier, password) = secret(engine, &found, new.password)?;
        let credential = Credential::new(kind, rights(&new.rights)?, verifier, now.as_millis());
        engine.add_credential(id, &name, &credential)?;
        made(engine, &found.address, id, &name, password)
    };
    Ok((StatusCode::CREATED, Json(work(&provider, add).await?)))
}

async fn rotate(
    State(provider): At,
    Path((address, named)): Path<(String, String)>,
    asking: Asking,
    Sent(new): Sent<api::NewSecret>,
) -> Reply<api::MadeCredential> {
    let provider = alive(&provider)?;
    let request = asking.request(provider.clock.now())?;
    let rotate = move |engine: &House| {
        let found = mailbox(engine, &address)?;
        let (id, name) = (MailboxId(found.id), name(&named)?);
        let (verifier, password) = secret(engine, &found, new.password)?;
        engine.give_secret(id, &name, &verifier, &request)?;
        made(engine, &found.address, id, &name, password)
    };
    Ok(Json(work(&provider, rotate).await?))
}

async fn standing(
    State(provider): At,
    Path(address): Path<String>,
    Sent(api::Standing { name: named, must_change, expires }): Sent<api::Standing>,
) -> Reply<api::Credential> {
    let expires = match expires.as_deref() {
        None => None,
        Some("never") => Some(None),
        Some(text) => Some(Some(instant(text)?)),
    };
    let set = move |engine: &House| {
        let found = mailbox(engine, &address)?;
        let name = if named.is_empty() { CredentialName::owner() } else { name(&named)? };
        let id = MailboxId(found.id);
        engine.set_standing(id, &name, must_change, expires)?;
        Ok(made(engine, &found.address, id, &name, None)?.credential)
    };
    Ok(Json(work(&*alive(&provider)?, set).await?))
}

async fn give_hash(
    State(provider): At,
    Path(address): Path<String>,
    asking: Asking,
    Sent(new): Sent<api::NewHash>,
) -> Reply<api::GivenHash> {
    let provider = alive(&provider)?;
    let request = asking.request(provider.clock.now())?;
    let give = move |engine: &House| {
        let hash = PasswordHash::parse(new.hash.expose()).map_err(Fail::bad)?;
        let id = MailboxId(mailbox(engine, &address)?.id);
        let outcome = match engine.give_hash(id, &hash, &request)? {
            HashGiven::Given => "given",
            HashGiven::Same => "same",
            HashGiven::Kept => "kept",
        };
        Ok(api::GivenHash { outcome: outcome.to_owned(), scheme: hash.scheme().to_owned() })
    };
    Ok(Json(work(&provider, give).await?))
}

async fn revoke(State(provider): At, Path((address, named)): Path<(String, String)>) -> Reply<api::Credential> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let revoke = move |engine: &House| {
        let found = mailbox(engine, &address)?;
        let (id, name) = (MailboxId(found.id), name(&named)?);
        engine.revoke_credential(id, &name, now)?;
        Ok(made(engine, &found.address, id, &name, None)?.credential)
    };
    Ok(Json(work(&provider, revoke).await?))
}

/// What [`api::trail_path`] takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    from: Option<String>,
    to: Option<String>,
    credential: Option<String>,
}

async fn trail(State(provider): At, Path(address): Path<String>, Params(asked): Params<Asked>) -> Reply<api::Trail> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let read = move |engine: &House| {
        let id = MailboxId(mailbox(engine, &address)?.id);
        let of = asked.credential.as_deref().map(name).transpose()?;
        let (from, to) = span(asked.from.as_deref(), asked.to.as_deref(), now)?;
        let found = engine.trail(id, of.as_ref(), (from, to), api::TRAIL_LIMIT)?;
        let sent = found.into_iter().map(|s| api::Sent {
            at: s.at.to_string(),
            id: s.id,
            credential: s.credential.as_str().to_owned(),
            accepted: s.accepted,
            recipients: s.recipients,
            bytes: s.bytes,
        });
        Ok(api::Trail { sent: sent.collect() })
    };
    Ok(Json(work(&provider, read).await?))
}

fn name(text: &str) -> Result<CredentialName, Fail> {
    CredentialName::parse(text).map_err(Fail::bad)
}

fn rights(words: &[String]) -> Result<Rights, Fail> {
    let mut rights = Rights { read: false, send: false };
    for word in words {
        match word.as_str() {
            "read" => rights.read = true,
            "send" => rights.send = true,
            other => return Err(Fail::field("rights", not_among(other, "send o read", "send or read"))),
        }
    }
    let none = || said!("ne serve almeno uno, send o read", "at least one is needed, send or read");
    if rights.read || rights.send { Ok(rights) } else { Err(Fail::field("rights", none())) }
}

/// The verifier of a password, or of the hash of one, whichever was given.
pub(super) fn kept(
    engine: &House,
    address: &Address,
    password: Option<&Secret>,
    hash: Option<&Secret>,
) -> Result<Verifier, Fail> {
    match (password, hash) {
        (Some(password), None) => Ok(engine.chosen(address, password, random())?),
        (None, Some(hash)) => {
            Ok(PasswordHash::parse(hash.expose()).map_err(|e| Fail::field("password_hash", e))?.into())
        }
        _ => Err(Fail::bad(said!(
            "serve una password o un password_hash, non tutti e due",
            "a password or a password_hash is needed, not both"
        ))),
    }
}

/// The verifier of the password that was given, or of one that is made here; the second is told.
fn secret(engine: &House, of: &Mailbox, given: Option<Secret>) -> Result<(Verifier, Option<Secret>), Fail> {
    if let Some(password) = given {
        return Ok((engine.chosen(&address(&of.address)?, &password, random())?, None));
    }
    let password = random_password();
    let verifier = verifier(&password, random()).map_err(Fail::bad)?;
    Ok((verifier, Some(password)))
}

fn made(
    engine: &House,
    address: &str,
    id: MailboxId,
    name: &CredentialName,
    password: Option<Secret>,
) -> Result<api::MadeCredential, Fail> {
    let found = engine.credentials(id)?.into_iter().find(|c| c.name == *name);
    let missing =
        || Fail::missing(said!("{address} non ha una credenziale «{name}»", "{address} has no credential “{name}”"));
    let credential = found.ok_or_else(missing)?;
    Ok(api::MadeCredential { credential: shown(address, credential), password })
}

fn shown(address: &str, found: Credentialed) -> api::Credential {
    let Credentialed { name, credential, last_used } = found;
    let time = |ms| Timestamp::from_millis(ms).to_string();
    let rights = [("send", credential.rights.send), ("read", credential.rights.read)];
    api::Credential {
        login: if name.is_owner() { address.to_owned() } else { format!("{address}/{}", name.as_str()) },
        name: name.as_str().to_owned(),
        kind: match credential.kind {
            Kind::Owner => "owner",
            Kind::Application => "application",
            Kind::Personal => "personal",
        }
        .to_owned(),
        rights: rights.into_iter().filter(|(_, has)| *has).map(|(word, _)| word.to_owned()).collect(),
        scram: credential.verifier.scram.is_some(),
        hash: credential.verifier.hash.scheme().to_owned(),
        created: time(credential.created),
        changed: time(credential.changed),
        last_used: last_used.map(|at| at.to_string()),
        revoked: credential.revoked.map(time),
        must_change: credential.must_change,
        expires: credential.expires.map(time),
    }
}
