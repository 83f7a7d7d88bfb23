//! The queue.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use sigillo_accounts::Act;
use sigillo_admin::api;
use sigillo_base::said;
use sigillo_engine::{Error, Filter, Hold, Order, Waiting, Wanted};

use super::requests::Asking;
use super::{At, Fail, Reply, alive, not_among, work};
use crate::host_port::HostPort;
use crate::http::actor::Actor;
use crate::http::extract::{Params, Sent};
use crate::http::table::{On, Row, get, post};
use crate::provider::House;

/// Longest reason that goes into the log, in characters.
const REASON: usize = 500;

pub(super) fn rows() -> Vec<Row> {
    vec![
        get(api::QUEUE, (Act::QueueRead, On::Service), "a page of what waits to leave", queue),
        post("/v1/queue/{order}", (Act::QueueWrite, On::Service), "orders something about a page of the queue", order),
    ]
}

async fn queue(State(provider): At, Params(given): Params<api::QueueFilter>) -> Reply<api::Queue> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let list = move |engine: &House| {
        let limit = limit(given.limit, api::QUEUE_LIMIT)?;
        let (items, next) = engine.queue_page(&filter(&given)?, number(given.after.as_deref())?, limit, now)?;
        Ok(api::Queue { items: items.into_iter().map(shown).collect(), next: next.map(|id| format!("{id:032x}")) })
    };
    Ok(Json(work(&provider, list).await?))
}

async fn order(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    asking: Asking,
    Sent(api::Order { filter: given, why, to_host }): Sent<api::Order>,
) -> Reply<api::Ordered> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let (by, lang) = (actor.name(), asking.lang());
    let why: String = why.chars().take(REASON).collect();
    let order = match name.as_str() {
        "hold" => Order::Hold,
        "release" => Order::Release,
        "retry" => Order::Retry,
        "reroute" => Order::Reroute(to_host.as_deref().map(route).transpose()?),
        "drop" => Order::Drop,
        _ => return Err(Fail::missing(not_among(&name, "un ordine per la coda", "an order for the queue"))),
    };
    let carry_out = move |engine: &House| {
        let limit = limit(given.limit, api::ORDERED_LIMIT)?;
        let (items, next) = engine.queue_page(&filter(&given)?, number(given.after.as_deref())?, limit, now)?;
        let mut ordered = api::Ordered { next: next.map(|id| format!("{id:032x}")), ..api::Ordered::default() };
        for item in items {
            let id = format!("{:032x}", item.id);
            match engine.order(item.id, &order, &by, &why, now) {
                Ok(()) => ordered.done.push(id),
                Err(Error::Invalid(why)) => {
                    ordered.refused.push(api::Refused { id, why: why.pick(lang).to_owned() });
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(ordered)
    };
    Ok(Json(work(&provider, carry_out).await?))
}

/// How many of a page are meant. None is a mistake: an order must not be carried out about the first all the same.
fn limit(given: Option<usize>, most: usize) -> Result<usize, Fail> {
    match given {
        Some(0) => Err(Fail::field(
            "limit",
            said!("«0» non è un numero di elementi: almeno 1", "“0” is no number of items: at least 1"),
        )),
        given => Ok(given.unwrap_or(most).min(most)),
    }
}

fn route(text: &str) -> Result<String, Fail> {
    let bad = || {
        Fail::field(
            "to_host",
            not_among(text, "un server con la sua porta (host:porta)", "a server with its port (host:port)"),
        )
    };
    Ok(HostPort::parse(text, None).ok_or_else(bad)?.to_string())
}

fn number(text: Option<&str>) -> Result<Option<u128>, Fail> {
    let bad = |text: &str| Fail::field("after", not_among(text, "il numero di un elemento", "the number of an item"));
    text.map(|text| u128::from_str_radix(text, 16).map_err(|_| bad(text))).transpose()
}

fn filter(given: &api::QueueFilter) -> Result<Filter, Fail> {
    let state = match given.state.as_deref() {
        None => None,
        Some("waiting") => Some(Wanted::Waiting),
        Some("in-work") => Some(Wanted::InWork),
        Some("held") => Some(Wanted::Held),
        Some(other) => {
            let why = not_among(other, "waiting, in-work o held", "waiting, in-work or held");
            return Err(Fail::field("state", why));
        }
    };
    let id = given.id.as_deref().map(|id| id.trim().trim_start_matches('<').trim_end_matches('>').to_owned());
    let (to, from) = (given.to.clone(), given.from.clone());
    Ok(Filter { to, from, older_than: given.older_than_s.map(Duration::from_secs), state, id })
}

fn shown(w: Waiting) -> api::QueueItem {
    let state = match w.state() {
        Wanted::Waiting => "waiting",
        Wanted::InWork => "in-work",
        Wanted::Held => "held",
    };
    let held = |Hold { since, by, why }| api::Held { since: since.to_string(), by, why };
    api::QueueItem {
        id: format!("{:032x}", w.id),
        transaction: w.transaction,
        work: w.work.to_owned(),
        from: w.owner,
        to: w.to,
        recipients: w.rcpts,
        state: state.to_owned(),
        created: w.created.to_string(),
        attempts: w.attempts,
        due: w.is_due,
        next: w.due.to_string(),
        ends: w.ends.to_string(),
        last_error: Some(w.last_error).filter(|e| !e.is_empty()),
        worker: w.worker,
        route: w.route,
        held: w.held.map(held),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_none_is_refused_and_a_long_one_is_cut() {
        assert!(limit(Some(0), 10).is_err());
        let asked = [None, Some(1), Some(10), Some(11)].map(|given| limit(given, 10).ok());
        assert_eq!(asked, [Some(10), Some(1), Some(10), Some(10)]);
    }
}
