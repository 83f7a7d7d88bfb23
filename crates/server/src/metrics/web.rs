//! `/metrics`, `/healthz` and `/readyz` over HTTP, for Prometheus and whoever keeps services running. Anybody who reaches
//! the port may ask, so nothing secret or personal is told.

use std::sync::Weak;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;

use super::family::Word;
use super::sample::refresh;
use crate::net::serve_pages;
use crate::provider::Provider;

/// Answers as long as the task is let live.
pub async fn serve(listener: TcpListener, provider: Weak<Provider>) {
    let answer = move |request: Request<Incoming>| {
        let provider = Weak::clone(&provider);
        async move { answer(&request, provider).await }
    };
    serve_pages(listener, answer).await;
}

/// What a path gives, made where it may block.
type Page = fn(&Provider) -> (StatusCode, String);

async fn answer(request: &Request<Incoming>, provider: Weak<Provider>) -> Response<Full<Bytes>> {
    let (page, kind): (Page, _) = match request.uri().path() {
        "/metrics" => (figures, "text/plain; version=0.0.4; charset=utf-8"),
        "/healthz" => (alive, "application/json"),
        "/readyz" => (ready, "application/json"),
        _ => return respond(StatusCode::NOT_FOUND, "text/plain", "/metrics /healthz /readyz\n".to_owned()),
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = respond(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "GET\n".to_owned());
        refused.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let Some(provider) = provider.upgrade() else {
        return respond(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "il servizio si sta fermando\n".to_owned());
    };
    // Beside the pool: its threads may all be busy, which is when people look.
    let made = tokio::task::spawn_blocking(move || page(&provider)).await;
    let (status, body) = made.unwrap_or_else(|error| {
        tracing::error!(%error, "a page of figures broke off");
        (StatusCode::INTERNAL_SERVER_ERROR, String::new())
    });
    respond(status, kind, body)
}

fn respond(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
    response
}

fn figures(provider: &Provider) -> (StatusCode, String) {
    refresh(provider);
    (StatusCode::OK, provider.metrics.text())
}

/// Whether a restart would not help: it would where the store has latched an error.
fn alive(provider: &Provider) -> (StatusCode, String) {
    let (latched, state) = (provider.latched(), provider.store_status().state);
    (status(!latched), format!("{}\n", json!({"alive": !latched, "store": state})))
}

/// Whether mail is accepted, and what is missing.
fn ready(provider: &Provider) -> (StatusCode, String) {
    let missing: Vec<_> = provider
        .conditions()
        .into_iter()
        .filter_map(|(condition, why)| Some(json!({"condition": condition.word(), "why": why?})))
        .collect();
    (status(missing.is_empty()), format!("{}\n", json!({"ready": missing.is_empty(), "missing": missing})))
}

fn status(fine: bool) -> StatusCode {
    if fine { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
