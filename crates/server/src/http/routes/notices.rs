//! What people are told outside of certified mail: the register, and what of a mailbox's mail is told and copied.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use sigillo_accounts::{Act, Channel, Concern, NoticeKind, Target};
use sigillo_admin::api;
use sigillo_base::{MailboxId, Secret, Timestamp, said};
use sigillo_engine::{Alert, Told};

use super::{At, Fail, Reply, address, alive, mailbox, not_among, span, work};
use crate::http::actor::Actor;
use crate::http::extract::{Params, Sent};
use crate::http::table::{On, Row, get, post, put};
use crate::provider::House;

const READ: (Act, On) = (Act::AccessRead, On::Address);
const WRITE: (Act, On) = (Act::AccessWrite, On::Address);

pub(super) fn rows() -> Vec<Row> {
    vec![
        get(api::NOTICES, (Act::AccessRead, On::Each), "a page of what people were told outside", notices),
        get("/v1/mailboxes/{address}/alert", READ, "who is told of a mailbox's mail", alert),
        put("/v1/mailboxes/{address}/alert", WRITE, "says who is told of a mailbox's mail", set_alert),
        get("/v1/mailboxes/{address}/forward", READ, "where copies of a mailbox's mail go", forward),
        put("/v1/mailboxes/{address}/forward", WRITE, "says where copies of a mailbox's mail go", set_forward),
        post("/v1/mailboxes/{address}/forward", WRITE, "confirms where copies go, by the code", confirm_forward).real(),
    ]
}

async fn notices(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Params(filter): Params<api::NoticeFilter>,
) -> Reply<api::Notices> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let list = move |engine: &House| {
        let period = span(filter.from.as_deref(), filter.to.as_deref(), now)?;
        let kind = filter.kind.as_deref().map(kind).transpose()?;
        let after = filter.after.as_deref().map(number).transpose()?;
        let page = engine.notices_told(period, after, api::NOTICES_LIMIT)?;
        let next = page.last().filter(|_| page.len() == api::NOTICES_LIMIT).map(|told| format!("{:032x}", told.id));
        let mut notices = Vec::new();
        for told in page {
            let wanted = kind.is_none_or(|kind| kind == told.kind) && !(filter.waiting && told.end.is_some());
            if let (true, Some(about)) = (wanted, concern(engine, &actor, (told.about, told.at))?) {
                notices.push(shown(told, about));
            }
        }
        Ok(api::Notices { notices, next })
    };
    Ok(Json(work(&provider, list).await?))
}

async fn alert(State(provider): At, Path(address): Path<String>) -> Reply<api::Alert> {
    Ok(Json(work(&*alive(&provider)?, move |engine| alert_of(engine, &address)).await?))
}

async fn set_alert(
    State(provider): At,
    Path(address): Path<String>,
    Sent(api::AlertOrder { to, receipts, discreet }): Sent<api::AlertOrder>,
) -> Reply<api::Alert> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let set = move |engine: &House| {
        let to = to.map(|to| to.parse::<Channel>().map_err(Fail::bad)).transpose()?;
        let alert = to.map(|to| Alert { to, receipts, discreet });
        engine.set_alert(MailboxId(mailbox(engine, &address)?.id), alert.as_ref(), now)?;
        alert_of(engine, &address)
    };
    Ok(Json(work(&provider, set).await?))
}

fn alert_of(engine: &House, address: &str) -> Result<api::Alert, Fail> {
    let row = mailbox(engine, address)?;
    let alert = engine.alert(MailboxId(row.id))?;
    let (receipts, discreet) = alert.as_ref().map_or((false, false), |alert| (alert.receipts, alert.discreet));
    Ok(api::Alert { address: row.address, to: alert.map(|alert| alert.to.to_string()), receipts, discreet })
}

async fn forward(State(provider): At, Path(address): Path<String>) -> Reply<api::Forward> {
    Ok(Json(work(&*alive(&provider)?, move |engine| forward_of(engine, &address)).await?))
}

async fn set_forward(
    State(provider): At,
    Path(of): Path<String>,
    Sent(api::ForwardOrder { to }): Sent<api::ForwardOrder>,
) -> Reply<api::Forward> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let set = move |engine: &House| {
        let to = to.as_deref().map(address).transpose()?;
        engine.set_forward(MailboxId(mailbox(engine, &of)?.id), to.as_ref(), now)?;
        forward_of(engine, &of)
    };
    Ok(Json(work(&provider, set).await?))
}

async fn confirm_forward(
    State(provider): At,
    Path(of): Path<String>,
    Sent(api::ForwardCode { code }): Sent<api::ForwardCode>,
) -> Reply<api::Forward> {
    let provider = alive(&provider)?;
    let (now, code) = (provider.clock.now(), Secret::new(code));
    let confirm = move |engine: &House| {
        if !engine.confirm_forward(MailboxId(mailbox(engine, &of)?.id), &code, now)? {
            let text = said!(
                "il codice non è quello, o non vale più: chiederne un altro ripetendo la richiesta",
                "the code is another one, or no longer good: ask for a new one by repeating the request"
            );
            return Err(Fail::new(StatusCode::CONFLICT, text));
        }
        forward_of(engine, &of)
    };
    Ok(Json(work(&provider, confirm).await?))
}

fn forward_of(engine: &House, address: &str) -> Result<api::Forward, Fail> {
    let row = mailbox(engine, address)?;
    let forward = engine.forward(MailboxId(row.id))?;
    let confirmed = forward.as_ref().is_some_and(|forward| forward.confirmed);
    Ok(api::Forward { address: row.address, to: forward.map(|forward| forward.to.to_string()), confirmed })
}

/// Whom a notice concerns, for who may see it.
fn concern(engine: &House, actor: &Actor, (about, at): (Concern, Timestamp)) -> Result<Option<String>, Fail> {
    let (text, act, target) = match about {
        Concern::Service => ("supplier".to_owned(), Act::ServiceRead, Target::SERVICE),
        Concern::Tenant(id) => (format!("tenant/{}", id.0), Act::AccessRead, Target::tenant(id)),
        Concern::Mailbox(id) => match engine.mailbox(id)? {
            Some(row) => {
                let target = engine.target_then(&row, at)?;
                (row.address, Act::AccessRead, target)
            }
            None => (format!("mailbox/{}", id.0), Act::AccessRead, Target::SERVICE),
        },
    };
    Ok(actor.may(act, &target).then_some(text))
}

fn shown(told: Told, about: String) -> api::Notice {
    let Told { id, at, kind, to, subject, failures, last_error, end, .. } = told;
    let (state, ended, why) = match end {
        None => ("waiting", None, last_error),
        Some((at, None)) => ("sent", Some(at), last_error),
        Some((at, Some(why))) if last_error.is_empty() => ("given-up", Some(at), why),
        Some((at, Some(why))) => ("given-up", Some(at), format!("{why}: {last_error}")),
    };
    api::Notice {
        id: format!("{id:032x}"),
        at: at.to_string(),
        kind: kind.as_str().to_owned(),
        to: to.to_string(),
        about,
        subject,
        state: state.to_owned(),
        ended: ended.map(|at: Timestamp| at.to_string()),
        failures,
        why,
    }
}

fn kind(word: &str) -> Result<NoticeKind, Fail> {
    let found = NoticeKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    let all = || NoticeKind::ALL.map(NoticeKind::as_str).join(", ");
    found.ok_or_else(|| Fail::field("kind", said!("«{word}» non è uno di {}", "“{word}” is none of {}", all())))
}

fn number(text: &str) -> Result<u128, Fail> {
    let bad = || not_among(text, "il numero di un avviso", "the number of a notice");
    u128::from_str_radix(text, 16).map_err(|_| Fail::field("after", bad()))
}
