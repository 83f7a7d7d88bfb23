//! The register of operations (BOX-12, HD-27).

use axum::extract::{Path, State};
use axum::{Extension, Json};
use sigillo_accounts::{Act, Done, Operation};
use sigillo_admin::api;
use sigillo_base::{Timestamp, said};
use sigillo_engine::OperationId;

use super::{At, Fail, PAGE, Reply, alive, work};
use crate::http::actor::Actor;
use crate::http::extract::Params;
use crate::http::named::Named;
use crate::http::table::{On, Row, get};
use crate::provider::House;

pub(super) fn rows() -> Vec<Row> {
    vec![
        get(api::OPERATIONS, (Act::MailboxRead, On::Each), "the register of operations", operations),
        get("/v1/operations/{id}", (Act::MailboxRead, On::Handler), "an operation", operation),
    ]
}

/// Whether somebody sees a record: who sees its object, as whose it was then.
fn sees(actor: &Actor, operation: &Operation) -> bool {
    actor.may(operation.done.seen_by(), &operation.target())
}

async fn operations(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Params(filter): Params<api::OperationFilter>,
) -> Reply<api::Operations> {
    let kind = match filter.kind.as_deref() {
        Some(name) => Some(Done::parse(name).ok_or_else(|| {
            let names: Vec<&str> = Done::ALL.iter().map(|done| done.name()).collect();
            Fail::bad(said!("kind: «{name}» non è fra {}", "kind: “{name}” is not among {}", names.join(", ")))
        })?),
        None => None,
    };
    if let Some(month) = &filter.month
        && Timestamp::legal_day(&format!("{month}-01")).is_none()
    {
        return Err(Fail::bad(said!("month: «{month}» non è un mese AAAA-MM", "month: “{month}” is no month YYYY-MM")));
    }
    let after = filter.after.as_deref().map(number).transpose()?;
    let object = filter.object.as_ref().map(|object| object.to_ascii_lowercase());
    let wanted = move |operation: &Operation| {
        kind.is_none_or(|kind| operation.done == kind)
            && filter.tenant.is_none_or(|tenant| operation.tenant == Some(tenant))
            && filter.ticket.as_ref().is_none_or(|ticket| operation.request.ticket == *ticket)
            && object.as_ref().is_none_or(|object| operation.object.to_ascii_lowercase() == *object)
    };
    let month = filter.month;
    let list = move |engine: &House| {
        let (mut found, mut after) = (Vec::new(), after);
        loop {
            let page = engine.operations(month.as_deref(), after.as_ref(), PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(api::Operations { operations: found, next: None }) };
            after = Some(last.clone());
            for (id, operation) in page {
                if wanted(&operation) && sees(&actor, &operation) {
                    let next = id.to_string();
                    found.push(shown(id, operation));
                    if found.len() == api::OPERATIONS_LIMIT {
                        return Ok(api::Operations { operations: found, next: Some(next) });
                    }
                }
            }
        }
    };
    Ok(Json(work(&*alive(&provider)?, list).await?))
}

async fn operation(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Reply<api::Operation> {
    let find = move |engine: &House| {
        let number = number(&id)?;
        // Somebody else's is not there.
        let found = engine.operation(&number)?.filter(|operation| sees(&actor, operation));
        Ok(shown(number, found.ok_or_else(|| Named::Operation(&id).missing())?))
    };
    Ok(Json(work(&*alive(&provider)?, find).await?))
}

fn number(text: &str) -> Result<OperationId, Fail> {
    let bad = || {
        said!(
            "«{text}» non è il numero di un'operazione: AAAAMM-N",
            "“{text}” is not the number of an operation: YYYYMM-N"
        )
    };
    OperationId::parse(text).ok_or_else(|| Fail::bad(bad()))
}

fn shown(id: OperationId, operation: Operation) -> api::Operation {
    let Operation { done, object, mailbox: _, tenant, unit, detail, request } = operation;
    let (asked, at) = (Timestamp::from_millis(request.asked), request.now());
    let (confirmed, clock) = (request.confirmed(), request.clock());
    api::Operation {
        id: id.to_string(),
        kind: done.name().to_owned(),
        object,
        tenant,
        unit,
        detail,
        requested_at: asked.to_string(),
        requested_by: request.asked_by,
        done_at: at.to_string(),
        seconds_used: at.since(clock).as_secs(),
        confirmed_at: confirmed.to_string(),
        done_by: request.executed.map_or_else(|| request.confirmed_by.clone(), |executed| executed.by),
        confirmed_by: request.confirmed_by,
        confirmed_how: request.confirmed_how,
        ticket: request.ticket,
        channel: request.channel.name().to_owned(),
    }
}
