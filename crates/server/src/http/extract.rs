//! What handlers are given of a request. What cannot be read is refused in the one form, with the field that is wrong.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::fail::Fail;
use super::trial;

/// The body, in JSON.
pub(super) struct Sent<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = Fail;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fail> {
        let Json(sent) = Json::from_request(request, state).await?;
        Ok(Self(sent))
    }
}

/// The parameters of the query.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Fail;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fail> {
        let Query(params) = Query::from_request_parts(parts, state).await?;
        Ok(Self(params))
    }
}

/// Whether only what would come of it is asked, for a handler that answers this itself: it takes its time, which no engine of a
/// trial outlasts.
pub(super) struct Tried(pub(super) bool);

impl<S: Send + Sync> FromRequestParts<S> for Tried {
    type Rejection = Fail;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fail> {
        trial::is_asked(&parts.headers).map(Self)
    }
}

/// The body as it is: a message.
pub(super) struct Letter(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Letter {
    type Rejection = Fail;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fail> {
        let body = Bytes::from_request(request, state).await;
        body.map(Self).map_err(|e| Fail::foreign(e.status(), &e.body_text()))
    }
}

/// The body as it is: a table in CSV.
pub(super) struct Sheet(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Sheet {
    type Rejection = Fail;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fail> {
        let Letter(bytes) = Letter::from_request(request, state).await?;
        Ok(Self(bytes))
    }
}
