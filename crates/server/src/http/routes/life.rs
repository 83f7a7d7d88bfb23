//! The life of a mailbox: taken out of use and into it again, cancelled and called back; who answers for it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use sigillo_accounts::{Act, Grant, PersonName, Role, Scope, Target};
use sigillo_admin::api;
use sigillo_base::MailboxId;
use sigillo_engine::Change;

use super::requests::Asking;
use super::{At, Fail, Reply, address, alive, mailbox, shown, work};
use crate::http::actor::{Actor, denied};
use crate::http::extract::Sent;
use crate::http::named::{Named, person_name};
use crate::http::table::{On, Row, delete, put};
use crate::provider::{House, Provider};

const ACTIVATION: &str = "/v1/mailboxes/{address}/activation";
const CANCELLATION: &str = "/v1/mailboxes/{address}/cancellation";
const RESPONSIBLE: &str = "/v1/mailboxes/{address}/responsible";

pub(super) fn rows() -> Vec<Row> {
    vec![
        put(ACTIVATION, (Act::MailboxActivate, On::Address), "takes a mailbox into use", activate),
        delete(ACTIVATION, (Act::MailboxActivate, On::Address), "takes a mailbox out of use", deactivate),
        put(CANCELLATION, (Act::MailboxCancel, On::Address), "cancels a mailbox", cancel),
        delete(CANCELLATION, (Act::MailboxCancel, On::Address), "calls a mailbox back", undelete),
        put(RESPONSIBLE, (Act::PersonWrite, On::Address), "says who answers for a mailbox", set_responsible),
    ]
}

/// Does one thing to a mailbox.
pub(super) async fn change(
    provider: Arc<Provider>,
    address: String,
    asking: Asking,
    change: Change,
) -> Reply<api::Mailbox> {
    let request = asking.request(provider.clock.now())?;
    let set = move |engine: &House| {
        engine.change(MailboxId(mailbox(engine, &address)?.id), &change, &request)?;
        shown(engine, mailbox(engine, &address)?)
    };
    Ok(Json(work(&provider, set).await?))
}

async fn activate(State(provider): At, Path(address): Path<String>, asking: Asking) -> Reply<api::Mailbox> {
    change(alive(&provider)?, address, asking, Change::Activate).await
}

async fn deactivate(State(provider): At, Path(address): Path<String>, asking: Asking) -> Reply<api::Mailbox> {
    change(alive(&provider)?, address, asking, Change::Deactivate).await
}

async fn cancel(State(provider): At, Path(address): Path<String>, asking: Asking) -> Reply<api::Mailbox> {
    change(alive(&provider)?, address, asking, Change::Cancel).await
}

async fn undelete(State(provider): At, Path(address): Path<String>, asking: Asking) -> Reply<api::Mailbox> {
    change(alive(&provider)?, address, asking, Change::Undelete).await
}

async fn set_responsible(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    asking: Asking,
    Sent(sent): Sent<api::Responsible>,
) -> Reply<api::Mailbox> {
    let api::Responsible { person } = sent;
    let provider = alive(&provider)?;
    let request = asking.request(provider.clock.now())?;
    let set = move |engine: &House| {
        let id = MailboxId(mailbox(engine, &name)?.id);
        let person = person.as_deref().map(|name| named(engine, &actor, name)).transpose()?;
        may_answer(&actor, id, &engine.target(&address(&name)?)?, person.as_ref())?;
        engine.set_responsible(id, person.as_ref(), &request)?;
        shown(engine, mailbox(engine, &name)?)
    };
    Ok(Json(work(&provider, set).await?))
}

/// The name of somebody whom he may see, to answer for a mailbox.
pub(super) fn named(engine: &House, actor: &Actor, name: &str) -> Result<PersonName, Fail> {
    Named::Person(name).need_seen(engine, actor)?;
    person_name(name)
}

/// Refuses who may not say that this person answers for this mailbox; nobody says it of himself.
pub(super) fn may_answer(actor: &Actor, id: MailboxId, at: &Target, person: Option<&PersonName>) -> Result<(), Fail> {
    let grant = Grant { role: Role::MailboxResponsible, scope: Scope::Mailbox(id.0) };
    let allowed = actor.may_name(&grant, at) && !person.is_some_and(|name| actor.is(name));
    if allowed { Ok(()) } else { Err(denied(Act::PersonWrite)) }
}
