//! The virus store.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use sigillo_accounts::Act;
use sigillo_admin::api;
use sigillo_base::Timestamp;
use sigillo_base::limits::RECEPTION_LIMIT;

use super::{At, Fail, Reply, alive, not_among, weighing, work};
use crate::http::actor::Actor;
use crate::http::extract::Params;
use crate::http::table::{Message, On, Row, get};
use crate::provider::House;

pub(super) fn rows() -> Vec<Row> {
    vec![
        get(api::QUARANTINE, (Act::ServiceWrite, On::Service), "a page of the virus store", quarantine),
        get("/v1/quarantine/{id}", (Act::ServiceWrite, On::Service), "the bytes of an infected message", message),
    ]
}

async fn quarantine(State(provider): At, Params(api::After { after }): Params<api::After>) -> Reply<api::Quarantine> {
    let provider = alive(&provider)?;
    let list = move |engine: &House| {
        let after = after.as_deref().map(place).transpose()?;
        let found = engine.quarantined(after, api::QUARANTINE_LIMIT)?;
        let shown = |m: sigillo_engine::Quarantined| api::Quarantined {
            id: format!("{}-{:032x}", m.at.as_millis(), m.id),
            at: m.at.to_string(),
            point: m.point.as_str().to_owned(),
            malware: m.malware,
            engine: m.engine,
            identificativo: m.pec_id,
            from: m.from,
            to: m.to,
            peer: m.peer,
            size: m.size,
        };
        let messages: Vec<_> = found.into_iter().map(shown).collect();
        let next = messages.last().filter(|_| messages.len() == api::QUARANTINE_LIMIT).map(|last| last.id.clone());
        Ok(api::Quarantine { messages, next })
    };
    Ok(Json(work(&provider, list).await?))
}

async fn message(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Message, Fail> {
    let provider = alive(&provider)?;
    let ((at, number), now) = (place(&id)?, provider.clock.now());
    let by = actor.name();
    let read = move |engine: &House| Ok(engine.quarantined_bytes(at, number, &by, now)?);
    Ok(Message(weighing(&provider, RECEPTION_LIMIT, read).await?))
}

/// Time and number out of a name: `1773306901000-0f…`.
fn place(id: &str) -> Result<(Timestamp, u128), Fail> {
    let parts = id.split_once('-').and_then(|(at, number)| {
        Some((Timestamp::from_millis(at.parse().ok()?), u128::from_str_radix(number, 16).ok()?))
    });
    parts.ok_or_else(|| Fail::bad(not_among(id, "un nome del deposito virus", "a name of the virus store")))
}
