//! The virus store.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use sigillo_admin::api;
use sigillo_base::Timestamp;
use sigillo_base::limits::RECEPTION_LIMIT;

use super::super::authority::Actor;
use super::{At, Fail, Reply, alive, weighing, work};
use crate::provider::House;

pub(super) fn router() -> Router<super::Provided> {
    Router::new().route(api::QUARANTINE, get(quarantine)).route("/v1/quarantine/{id}", get(message))
}

async fn quarantine(State(provider): At, query: Result<Query<api::After>, QueryRejection>) -> Reply<api::Quarantine> {
    let Query(api::After { after }) = query.map_err(|e| Fail::bad(e.body_text()))?;
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
        Ok(api::Quarantine { messages: found.into_iter().map(shown).collect() })
    };
    Ok(Json(work(&provider, list).await?))
}

async fn message(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Response, Fail> {
    let provider = alive(&provider)?;
    let ((at, number), now) = (place(&id)?, provider.clock.now());
    let by = actor.name();
    let read = move |engine: &House| Ok(engine.quarantined_bytes(at, number, &by, now)?);
    let bytes = weighing(&provider, RECEPTION_LIMIT, read).await?;
    Ok(([(header::CONTENT_TYPE, "message/rfc822")], bytes).into_response())
}

/// Time and number out of a name: `1773306901000-0f…`.
fn place(id: &str) -> Result<(Timestamp, u128), Fail> {
    let parts = id.split_once('-').and_then(|(at, number)| {
        Some((Timestamp::from_millis(at.parse().ok()?), u128::from_str_radix(number, 16).ok()?))
    });
    parts.ok_or_else(|| Fail::bad(format!("«{id}» non è un nome del deposito virus")))
}
