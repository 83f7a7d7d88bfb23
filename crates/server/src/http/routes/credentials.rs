//! Credentials of mailboxes, and what was sent with them.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::Deserialize;
use sigillo_accounts::{Credential, CredentialName, Kind, Profile, Rights, Verifier};
use sigillo_admin::api;
use sigillo_base::{MailboxId, Secret, Timestamp};
use sigillo_engine::{Credentialed, verifier};

use super::{At, Fail, Reply, alive, instant, mailbox, span, work};
use crate::ids::{random, random_password};
use crate::provider::House;

pub(super) fn router() -> Router<super::Provided> {
    Router::new()
        .route("/v1/mailboxes/{address}/credentials", get(list).post(add).patch(standing))
        .route("/v1/mailboxes/{address}/credentials/{name}", put(rotate).delete(revoke))
        .route("/v1/mailboxes/{address}/trail", get(trail))
}

async fn list(State(provider): At, Path(address): Path<String>) -> Reply<api::Credentials> {
    let list = move |engine: &House| {
        let found = mailbox(engine, &address)?;
        let all = engine.credentials(MailboxId(found.id))?;
        Ok(api::Credentials { credentials: all.into_iter().map(|c| shown(&found.address, c)).collect() })
    };
    Ok(Json(work(&*alive(&provider)?, list).await?))
}

async fn add(
    State(provider): At,
    Path(address): Path<String>,
    body: Result<Json<api::NewCredential>, JsonRejection>,
) -> Result<(StatusCode, Json<api::MadeCredential>), Fail> {
    let Json(new) = body?;
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let add = move |engine: &House| {
        let found = mailbox(engine, &address)?;
        let id = MailboxId(found.id);
        let name = name(&new.name)?;
        let kind = match new.kind.as_str() {
            "application" => Kind::Application,
            "personal" => Kind::Personal,
            other => return Err(Fail::bad(format!("kind: «{other}» non è application o personal"))),
        };
        let base = engine.terms(&found).0;
        if kind == Kind::Personal && base != Profile::Structured {
            let text = format!("{address} non è una casella strutturata: credenziali personali non ne ha");
            return Err(Fail::new(StatusCode::CONFLICT, text));
        }
        let (verifier, password) = secret(new.password)?;
        let credential = Credential::new(kind, rights(&new.rights)?, verifier, now.as_millis());
        engine.add_credential(id, &name, &credential)?;
        made(engine, &found.address, id, &name, password)
    };
    Ok((StatusCode::CREATED, Json(work(&provider, add).await?)))
}

async fn rotate(
    State(provider): At,
    Path((address, named)): Path<(String, String)>,
    body: Result<Json<api::NewSecret>, JsonRejection>,
) -> Reply<api::MadeCredential> {
    let Json(new) = body?;
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let rotate = move |engine: &House| {
        let found = mailbox(engine, &address)?;
        let (id, name) = (MailboxId(found.id), name(&named)?);
        let (verifier, password) = secret(new.password)?;
        engine.set_secret(id, &name, &verifier, now)?;
        made(engine, &found.address, id, &name, password)
    };
    Ok(Json(work(&provider, rotate).await?))
}

async fn standing(
    State(provider): At,
    Path(address): Path<String>,
    body: Result<Json<api::Standing>, JsonRejection>,
) -> Reply<api::Credential> {
    let Json(api::Standing { name: named, must_change, expires }) = body?;
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
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    from: Option<String>,
    to: Option<String>,
    credential: Option<String>,
}

async fn trail(State(provider): At, Path(address): Path<String>, Query(asked): Query<Asked>) -> Reply<api::Trail> {
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
    CredentialName::parse(text).map_err(|e| Fail::bad(e.to_string()))
}

fn rights(words: &[String]) -> Result<Rights, Fail> {
    let mut rights = Rights { read: false, send: false };
    for word in words {
        match word.as_str() {
            "read" => rights.read = true,
            "send" => rights.send = true,
            other => return Err(Fail::bad(format!("rights: «{other}» non è send o read"))),
        }
    }
    if rights.read || rights.send { Ok(rights) } else { Err(Fail::bad("rights: ne serve almeno uno, send o read")) }
}

/// The verifier of the password that was given, or of one that is made here; the second is told.
fn secret(given: Option<Secret>) -> Result<(Verifier, Option<Secret>), Fail> {
    let (password, told) = match given {
        Some(password) => (password, None),
        None => {
            let password = random_password();
            (password.clone(), Some(password))
        }
    };
    let verifier = verifier(&password, random()).map_err(|e| Fail::bad(e.to_string()))?;
    Ok((verifier, told))
}

fn made(
    engine: &House,
    address: &str,
    id: MailboxId,
    name: &CredentialName,
    password: Option<Secret>,
) -> Result<api::MadeCredential, Fail> {
    let found = engine.credentials(id)?.into_iter().find(|c| c.name == *name);
    let credential = found.ok_or_else(|| Fail::missing(format!("{address} non ha una credenziale «{name}»")))?;
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
        created: time(credential.created),
        changed: time(credential.changed),
        last_used: last_used.map(|at| at.to_string()),
        revoked: credential.revoked.map(time),
        must_change: credential.must_change,
        expires: credential.expires.map(time),
    }
}
