//! Refusals: problem details (RFC 9457), in one form wherever they come from.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use sigillo_accounts::Act;
use sigillo_admin::api;
use sigillo_base::{Lang, Said, said};
use sigillo_engine::Error;

use super::language;
use crate::ids::random;

/// Media type of every refusal.
const PROBLEM: &str = "application/problem+json";
/// No refusal that comes from elsewhere is longer, in octets.
const MOST: usize = 16 * 1024;

/// A refusal.
#[derive(Debug, Clone)]
pub(super) struct Fail {
    pub(super) status: StatusCode,
    pub(super) detail: Said,
    /// The word of a class of its own (`urn:sigillo:…`), for programs that act by it.
    kind: Option<&'static str>,
    /// The field that it is about, and what is wrong with it.
    field: Option<Box<(String, Said)>>,
    /// When to come again, in seconds.
    after_s: Option<u64>,
    /// What the program's log has of it, where the rest repeats what was sent: that may be a secret in the wrong place.
    logged: Option<String>,
    /// The permission to read what was named, where it is said to who has it not: the log has it as denied, whether it is there or not.
    hidden: Option<Act>,
}

impl Fail {
    pub(super) fn new(status: StatusCode, detail: impl Into<Said>) -> Self {
        let detail = detail.into();
        Self { status, detail, kind: None, field: None, after_s: None, logged: None, hidden: None }
    }

    pub(super) fn missing(detail: impl Into<Said>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn bad(detail: impl Into<Said>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// What a library says, in English.
    pub(super) fn foreign(status: StatusCode, text: &str) -> Self {
        Self::new(status, said!("la richiesta non si legge: {text}", "{text}"))
    }

    /// About one field of what was sent.
    pub(super) fn field(name: &str, why: impl Into<Said>) -> Self {
        Self::of_field(StatusCode::BAD_REQUEST, name, why.into())
    }

    fn of_field(status: StatusCode, name: &str, why: Said) -> Self {
        Self { field: Some(Box::new((name.to_owned(), why.clone()))), ..Self::new(status, why.about(name)) }
    }

    /// The same of a class of its own.
    pub(super) fn kind(self, kind: &'static str) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// The same, to who may not know whether there is anything, for want of this permission.
    pub(super) fn hidden(self, reading: Act) -> Self {
        Self { hidden: Some(reading), ..self }
    }

    /// For want of which permission it hides something.
    pub(super) const fn hides(&self) -> Option<Act> {
        self.hidden
    }

    /// Whether somebody was turned away by it.
    pub(super) fn denies(&self) -> bool {
        self.hidden.is_some() || self.status == StatusCode::FORBIDDEN
    }

    /// The same, for who comes again after this time.
    pub(super) fn after(self, wait: Duration) -> Self {
        Self { after_s: Some(wait.as_secs() + 1), ..self }
    }

    /// As it is told in this language.
    pub(super) fn problem(&self, lang: Lang) -> api::Problem {
        let field =
            |(field, why): &(String, Said)| api::FieldError { field: field.clone(), detail: why.pick(lang).to_owned() };
        api::Problem {
            kind: self.kind.unwrap_or("about:blank").to_owned(),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.pick(lang).to_owned(),
            instance: None,
            errors: self.field.as_deref().into_iter().map(field).collect(),
        }
    }
}

impl From<Error> for Fail {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(detail) => Self::new(StatusCode::CONFLICT, detail),
            other => {
                tracing::error!(error = %other, "administrative request failed");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, other)
            }
        }
    }
}

impl From<JsonRejection> for Fail {
    fn from(rejection: JsonRejection) -> Self {
        let (status, text) = (rejection.status(), rejection.body_text());
        if let JsonRejection::JsonDataError(_) = rejection
            && let Some((field, why)) = named(&text)
        {
            return Self { logged: Some(field.to_owned()), ..Self::of_field(status, field, not_read(why)) };
        }
        Self { logged: Some(status.to_string()), ..Self::foreign(status, &text) }
    }
}

impl From<QueryRejection> for Fail {
    fn from(rejection: QueryRejection) -> Self {
        let text = rejection.body_text();
        match named(&text) {
            Some((field, why)) => Self::of_field(rejection.status(), field, not_read(why)),
            None => Self::foreign(rejection.status(), &text),
        }
    }
}

/// What a library says of a field, in English.
fn not_read(why: &str) -> Said {
    said!("non si legge: {why}", "{why}")
}

/// The field that a rejection is about, and what is wrong with it: `…: members[0]: invalid type …`.
fn named(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once(": ")?;
    let (field, why) = rest.split_once(": ")?;
    let path = |b: u8| b.is_ascii_alphanumeric() || b"_.[]-".contains(&b);
    (field.bytes().all(path) && field.bytes().any(|b| b.is_ascii_alphanumeric())).then_some((field, why))
}

/// The status; [`one_form`] writes the rest.
impl IntoResponse for Fail {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes every refusal in the one form and in the language that is wanted, also those that no handler made. Its other headers
/// stay. The `instance` is in the program's log too, so that who asks about it is found there; the log is Italian.
pub(super) async fn one_form(request: Request, next: Next) -> Response {
    let lang = language::wanted(request.headers());
    let response = next.run(request).await;
    if !(response.status().is_client_error() || response.status().is_server_error()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let fail = match parts.extensions.remove::<Fail>() {
        Some(fail) => fail,
        None => {
            let text = to_bytes(body, MOST).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            Fail::foreign(parts.status, if text.is_empty() { parts.status.as_str() } else { &text })
        }
    };
    let instance = format!("urn:sigillo:request:{}", HEXLOWER.encode(&random::<8>()));
    let why = fail.logged.as_ref().unwrap_or(&fail.detail.it);
    tracing::info!(status = parts.status.as_u16(), why, instance, "administrative request refused");
    if let Some(seconds) = fail.after_s {
        parts.headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if parts.status == StatusCode::UNAUTHORIZED {
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"sigillo\""));
    }
    let problem = api::Problem { instance: Some(instance), ..fail.problem(lang) };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    parts.headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.pick("it", "en")));
    // Writing into a growing vector cannot fail for a plain struct.
    Response::from_parts(parts, Body::from(serde_json::to_vec(&problem).unwrap_or_default()))
}
