//! Who may come in to a mailbox, who did, and what each may do in its folders.

use axum::Json;
use axum::extract::{Path, State};
use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use serde::Deserialize;
use sigillo_accounts::{Act, Block, CredentialName};
use sigillo_admin::api;
use sigillo_base::{MailboxId, Timestamp, said};
use sigillo_engine::{Change, FolderRights, RightsChange};

use super::life::change;
use super::requests::Asking;
use super::{At, Fail, Reply, alive, instant, mailbox, no_place, pages, span, work};
use crate::http::extract::{Params, Sent};
use crate::http::table::{On, Row, delete, get, put};
use crate::provider::House;

const READ: (Act, On) = (Act::AccessRead, On::Address);
const BLOCK: (Act, On) = (Act::MailboxBlock, On::Address);

pub(super) fn rows() -> Vec<Row> {
    vec![
        get("/v1/mailboxes/{address}/rights", READ, "everybody's rights in the folders", rights),
        put("/v1/mailboxes/{address}/rights", (Act::AccessWrite, On::Address), "gives or takes rights", set_rights),
        put("/v1/mailboxes/{address}/block", BLOCK, "blocks a mailbox", block),
        delete("/v1/mailboxes/{address}/block", BLOCK, "lets a mailbox work again", unblock),
        get("/v1/mailboxes/{address}/accesses", READ, "a page of who came in and who was turned away", accesses),
    ]
}

async fn rights(
    State(provider): At,
    Path(address): Path<String>,
    Params(asked): Params<api::Listing>,
) -> Reply<api::FolderRights> {
    let read = move |engine: &House| granted(engine, MailboxId(mailbox(engine, &address)?.id), &asked);
    Ok(Json(work(&*alive(&provider)?, read).await?))
}

async fn set_rights(
    State(provider): At,
    Path(address): Path<String>,
    Sent(api::NewRights { person, folder, rights }): Sent<api::NewRights>,
) -> Reply<api::FolderRights> {
    let set = move |engine: &House| {
        let id = MailboxId(mailbox(engine, &address)?.id);
        let person = CredentialName::parse(&person).map_err(Fail::bad)?;
        let bad = || {
            Fail::field(
                "rights",
                said!("«{rights}» non sono lettere fra lrswipkxtea", "“{rights}” are no letters among lrswipkxtea"),
            )
        };
        let change = RightsChange::parse(&rights).ok_or_else(bad)?;
        engine.grant(id, folder.as_deref(), &person, change)?;
        granted(engine, id, &api::Listing::default())
    };
    Ok(Json(work(&*alive(&provider)?, set).await?))
}

fn granted(engine: &House, id: MailboxId, asked: &api::Listing) -> Result<api::FolderRights, Fail> {
    let letters = |rights: FolderRights| rights.to_string();
    let shown = |grant: sigillo_engine::Grant| {
        let (person, folder) = (grant.person.as_str().to_owned(), grant.folder);
        (Some((folder.clone(), person.clone())), api::PersonRights { person, folder, rights: letters(grant.rights) })
    };
    let mut all: Vec<_> = engine.grants(id)?.into_iter().map(shown).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    // A person's name has no solidus.
    let after = asked.after.as_deref().map(|after| match after.split_once('/') {
        Some((person, folder)) => (Some(folder.to_owned()), person.to_owned()),
        None => (None, after.to_owned()),
    });
    let (rights, next) = pages::page_of((after, pages::most(asked)?), all);
    let next = next.flatten().map(|(folder, person)| match folder {
        Some(folder) => format!("{person}/{folder}"),
        None => person,
    });
    Ok(api::FolderRights { rights, next })
}

async fn block(
    State(provider): At,
    Path(address): Path<String>,
    asking: Asking,
    Sent(api::NewBlock { reason, until }): Sent<api::NewBlock>,
) -> Reply<api::Mailbox> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let until = until.as_deref().map(instant).transpose()?.map(Timestamp::as_millis);
    let block = Block { since: now.as_millis(), until, reason };
    change(provider, address, asking, Change::Block(block)).await
}

async fn unblock(State(provider): At, Path(address): Path<String>, asking: Asking) -> Reply<api::Mailbox> {
    change(alive(&provider)?, address, asking, Change::Unblock).await
}

/// What [`api::accesses_path`] takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    from: Option<String>,
    to: Option<String>,
    after: Option<String>,
}

async fn accesses(
    State(provider): At,
    Path(address): Path<String>,
    Params(asked): Params<Asked>,
) -> Reply<api::Accesses> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let read = move |engine: &House| {
        let id = MailboxId(mailbox(engine, &address)?.id);
        let period = span(asked.from.as_deref(), asked.to.as_deref(), now)?;
        let after = asked.after.map(|after| HEXLOWER.decode(after.as_bytes())).transpose();
        let after = after.map_err(|_| no_place())?;
        let (found, next) = engine.accesses(id, period, after.as_deref(), api::ACCESSES_LIMIT)?;
        let accesses = found.into_iter().map(told);
        Ok(api::Accesses { accesses: accesses.collect(), next: next.map(|key| HEXLOWER.encode(&key)) })
    };
    Ok(Json(work(&provider, read).await?))
}

/// An access, as it is told.
pub(super) fn told(a: sigillo_engine::Access) -> api::Access {
    api::Access {
        at: a.at.to_string(),
        protocol: a.protocol,
        from: a.from.to_string(),
        person: a.person.as_str().to_owned(),
        outcome: a.outcome,
        since: a.since.map(|since| since.to_string()),
        what: a.what,
    }
}
