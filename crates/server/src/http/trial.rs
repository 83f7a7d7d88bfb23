//! What would come of a request (`Sigillo-Dry-Run: true`): it goes the way of every other, over an engine whose commits go nowhere
//! ([`Engine::trial`](sigillo_engine::Engine::trial)). Handlers know nothing of it: what they do goes through [`work`](super::routes),
//! which asks here for the engine. What acts elsewhere than in the store, or judges a proof, cannot be tried, and is refused.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use sigillo_admin::api;
use sigillo_base::said;
use tokio::task_local;

use super::content::Content;
use super::fail::Fail;
use super::write::whole;
use crate::provider::{House, Provider};

task_local! {
    /// The engine of the request that is tried in this task.
    static TRIED: Arc<House>;
}

/// How something is tried.
#[derive(Clone)]
pub(super) enum Trial {
    /// Not at all.
    None,
    /// By its handler, which is given [`Tried`](super::extract::Tried).
    Itself,
    /// Over an engine whose commits go nowhere. What is told of the answer.
    OverAnEngine(Arc<Content>),
}

/// Whether a request asks only what would come of it.
pub(super) fn is_asked(headers: &HeaderMap) -> Result<bool, Fail> {
    match headers.get(api::DRY_RUN).map(HeaderValue::as_bytes) {
        None | Some(b"false") => Ok(false),
        Some(b"true") => Ok(true),
        Some(_) => Err(Fail::bad(said!("{}: vale true oppure false", "{} is true or false", api::DRY_RUN))),
    }
}

/// Refuses a trial of what cannot be tried.
pub(super) fn refuse(headers: &HeaderMap) -> Result<(), Fail> {
    if !is_asked(headers)? {
        return Ok(());
    }
    Err(Fail::bad(said!(
        "questa richiesta non si può provare: agisce fuori dell'archivio, dura o giudica un codice; non è stata eseguita",
        "this request cannot be tried: it acts outside of the store, takes its time or judges a code; it was not carried out"
    )))
}

/// The engine of this task: the provider's, but in a trial.
pub(super) fn engine(provider: &Provider) -> Arc<House> {
    TRIED.try_with(Arc::clone).unwrap_or_else(|_| Arc::clone(&provider.engine))
}

/// Says with an answer that nothing was done.
pub(super) fn mark(response: &mut Response) {
    response.headers_mut().insert(api::DRY_RUN, HeaderValue::from_static("true"));
}

/// Does something as a trial. The answer says so, and tells no secret: none was made.
pub(super) async fn run(
    house: &Provider,
    told: &Content,
    change: impl Future<Output = Response>,
) -> Result<Response, Fail> {
    let mut response = TRIED.scope(Arc::new(house.engine.trial()), change).await;
    mark(&mut response);
    let (mut parts, body) = response.into_parts();
    if !parts.status.is_success() {
        return Ok(Response::from_parts(parts, body));
    }
    // What is there now has another tag.
    parts.headers.remove(header::ETAG);
    parts.headers.remove(header::CONTENT_LENGTH);
    let unread = || said!("la risposta della prova non si legge", "the answer of the trial is not read");
    let broken = || Fail::new(StatusCode::INTERNAL_SERVER_ERROR, unread());
    let shown = told.hidden(&whole(body).await?).ok_or_else(broken)?;
    Ok(Response::from_parts(parts, Body::from(shown)))
}
