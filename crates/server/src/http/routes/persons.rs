//! Who may come in to a mailbox, who did, and what each may do in its folders.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::routing::{get, put};
use axum::{Json, Router};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use sigillo_accounts::{Block, CredentialName, State as Standing};
use sigillo_admin::api;
use sigillo_base::{MailboxId, Timestamp};
use sigillo_engine::{FolderRights, RightsChange};

use super::{At, Fail, Reply, alive, instant, mailbox, shown, span, work};
use crate::provider::House;

pub(super) fn router() -> Router<super::Provided> {
    Router::new()
        .route("/v1/mailboxes/{address}/rights", get(rights).put(set_rights))
        .route("/v1/mailboxes/{address}/block", put(block).delete(unblock))
        .route("/v1/mailboxes/{address}/accesses", get(accesses))
}

async fn rights(State(provider): At, Path(address): Path<String>) -> Reply<api::FolderRights> {
    let read = move |engine: &House| granted(engine, MailboxId(mailbox(engine, &address)?.id));
    Ok(Json(work(&*alive(&provider)?, read).await?))
}

async fn set_rights(
    State(provider): At,
    Path(address): Path<String>,
    body: Result<Json<api::NewRights>, JsonRejection>,
) -> Reply<api::FolderRights> {
    let Json(api::NewRights { person, folder, rights }) = body?;
    let set = move |engine: &House| {
        let id = MailboxId(mailbox(engine, &address)?.id);
        let person = CredentialName::parse(&person).map_err(|e| Fail::bad(e.to_string()))?;
        let bad = || Fail::bad(format!("rights: «{rights}» non sono lettere fra lrswipkxtea"));
        let change = RightsChange::parse(&rights).ok_or_else(bad)?;
        engine.grant(id, folder.as_deref(), &person, change)?;
        granted(engine, id)
    };
    Ok(Json(work(&*alive(&provider)?, set).await?))
}

fn granted(engine: &House, id: MailboxId) -> Result<api::FolderRights, Fail> {
    let letters = |rights: FolderRights| rights.to_string();
    let rights = engine.grants(id)?.into_iter().map(|grant| api::PersonRights {
        person: grant.person.as_str().to_owned(),
        folder: grant.folder,
        rights: letters(grant.rights),
    });
    Ok(api::FolderRights { rights: rights.collect() })
}

async fn block(
    State(provider): At,
    Path(address): Path<String>,
    body: Result<Json<api::NewBlock>, JsonRejection>,
) -> Reply<api::Mailbox> {
    let Json(api::NewBlock { reason, until }) = body?;
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let until = until.as_deref().map(instant).transpose()?.map(Timestamp::as_millis);
    let set = move |engine: &House| {
        let id = MailboxId(mailbox(engine, &address)?.id);
        engine.set_state(id, &Standing::Blocked(Block { since: now.as_millis(), until, reason }))?;
        Ok(shown(mailbox(engine, &address)?))
    };
    Ok(Json(work(&provider, set).await?))
}

async fn unblock(State(provider): At, Path(address): Path<String>) -> Reply<api::Mailbox> {
    let set = move |engine: &House| {
        engine.set_state(MailboxId(mailbox(engine, &address)?.id), &Standing::Active)?;
        Ok(shown(mailbox(engine, &address)?))
    };
    Ok(Json(work(&*alive(&provider)?, set).await?))
}

/// What [`api::accesses_path`] takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    from: Option<String>,
    to: Option<String>,
    after: Option<String>,
}

async fn accesses(
    State(provider): At,
    Path(address): Path<String>,
    Query(asked): Query<Asked>,
) -> Reply<api::Accesses> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let read = move |engine: &House| {
        let id = MailboxId(mailbox(engine, &address)?.id);
        let period = span(asked.from.as_deref(), asked.to.as_deref(), now)?;
        let after = asked.after.map(|after| HEXLOWER.decode(after.as_bytes())).transpose();
        let after = after.map_err(|_| Fail::bad("after: non è di una risposta di prima"))?;
        let (found, next) = engine.accesses(id, period, after.as_deref(), api::ACCESSES_LIMIT)?;
        let accesses = found.into_iter().map(|a| api::Access {
            at: a.at.to_string(),
            protocol: a.protocol,
            from: a.from.to_string(),
            person: a.person.as_str().to_owned(),
            outcome: a.outcome,
        });
        Ok(api::Accesses { accesses: accesses.collect(), next: next.map(|key| HEXLOWER.encode(&key)) })
    };
    Ok(Json(work(&provider, read).await?))
}
