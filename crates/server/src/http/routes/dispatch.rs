//! Where certified messages stand.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use sigillo_accounts::Act;
use sigillo_admin::api;
use sigillo_base::{Address, MailboxId, PecId};
use sigillo_engine::{Login, Stage, Tracked, TrackedRecipient};
use sigillo_pec::log::Record;

use super::{At, Fail, Reply, alive, mailbox, not_among, sees, span, work};
use crate::http::actor::Actor;
use crate::http::extract::Params;
use crate::http::named::Named;
use crate::http::table::{On, Row, get};
use crate::provider::House;

pub(super) fn rows() -> Vec<Row> {
    vec![
        get("/v1/dispatches/{id}", (Act::DispatchRead, On::Handler), "where a certified message stands", dispatch),
        get(
            "/v1/mailboxes/{address}/log",
            (Act::LogRead, On::Address),
            "what the legal log says of a mailbox",
            holder_log,
        ),
    ]
}

async fn holder_log(
    State(provider): At,
    Path(address): Path<String>,
    Params(period): Params<api::Period>,
) -> Reply<api::HolderLog> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let read = move |engine: &House| {
        let (from, to) = span(period.from.as_deref(), period.to.as_deref(), now)?;
        let found = mailbox(engine, &address)?;
        let login = Login::ours(MailboxId(found.id), super::address(&found.address)?);
        let records = engine.holder_log(&login, from, to, api::HOLDER_LOG_LIMIT)?;
        Ok(api::HolderLog { events: records.into_iter().map(event).collect() })
    };
    Ok(Json(work(&provider, read).await?))
}

fn event(mut r: Record) -> api::HolderEvent {
    let (identificativo, sender) = (std::mem::take(&mut r.id), std::mem::take(&mut r.sender));
    api::HolderEvent { identificativo, sender, subject: r.subject.take(), evidence: evidence(r) }
}

async fn dispatch(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(text): Path<String>,
) -> Reply<api::Dispatch> {
    let provider = alive(&provider)?;
    let find = move |engine: &House| {
        let id = PecId::parse(&text)
            .ok_or_else(|| Fail::bad(not_among(&text, "un identificativo", "a certified identifier")))?;
        let missing = || Named::Dispatch(id.as_str()).missing();
        let found = engine.track(&id)?.ok_or_else(missing)?;
        // Somebody else's message is not there, for whoever may not see it.
        let mut seen = sees(&actor, engine, Act::DispatchRead, &found.sender)?;
        for recipient in &found.recipients {
            seen = seen || sees(&actor, engine, Act::DispatchRead, recipient.address.as_str())?;
        }
        Some(found).filter(|_| seen).map(shown).ok_or_else(missing)
    };
    Ok(Json(work(&provider, find).await?))
}

fn shown(t: Tracked) -> api::Dispatch {
    api::Dispatch {
        identificativo: t.id.to_string(),
        msgid: t.msgid,
        sender: t.sender,
        subject: t.subject,
        accepted: t.accepted.map(|at| at.to_string()),
        recipients: t.recipients.into_iter().map(recipient).collect(),
        evidence: t.evidence.into_iter().map(evidence).collect(),
    }
}

fn recipient(r: TrackedRecipient) -> api::DispatchRecipient {
    let state = match &r.stage {
        Stage::Refused => "refused",
        Stage::Queued { .. } => "queued",
        Stage::HandedOver => "handed-over",
        Stage::Proven(standing) => standing.as_str(),
        Stage::Elsewhere => "elsewhere",
    };
    let queued = match r.stage {
        Stage::Queued { attempts, due, ref last_error } => {
            let last_error = Some(last_error.clone()).filter(|e| !e.is_empty());
            Some(api::Queued { attempts, next: due.to_string(), last_error })
        }
        _ => None,
    };
    let class = r.class.as_str().to_owned();
    api::DispatchRecipient { address: r.address.to_string(), class, state: state.to_owned(), queued }
}

fn evidence(r: Record) -> api::Evidence {
    api::Evidence {
        at: r.at.to_string(),
        kind: r.kind.as_str().to_owned(),
        label: r.kind.label_it().to_owned(),
        about: r.about().map(Address::to_string).collect(),
        error: r.virus.or(r.extended_error).or(r.exceptions),
        message_id: r.message_id,
        issuer: r.issuer,
    }
}
