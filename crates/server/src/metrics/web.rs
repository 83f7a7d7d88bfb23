//! `/metrics`, `/healthz` and `/readyz` over HTTP, for Prometheus and whoever keeps services running. Anybody who reaches
//! the port may ask, so nothing secret or personal is told, and a crowd or a slow client takes nothing but its own place.

use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, server::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::family::Word;
use super::sample::refresh;
use crate::provider::Provider;

/// Connections at once; others wait to be accepted.
const PLACES: usize = 16;
/// How long a connection may last.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most of a request's head, in octets.
const HEAD: usize = 16 * 1024;

/// Answers as long as the task is let live.
pub async fn serve(listener: TcpListener, provider: Weak<Provider>) {
    let places = Arc::new(Semaphore::new(PLACES));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((tcp, _)) => {
                let provider = Weak::clone(&provider);
                tokio::spawn(async move {
                    if tokio::time::timeout(PATIENCE, converse(tcp, provider)).await.is_err() {
                        tracing::debug!("a reader of figures was too slow");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a reader of figures");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// One request, one answer.
async fn converse(tcp: TcpStream, provider: Weak<Provider>) {
    let service = service_fn(|request: Request<Incoming>| {
        let provider = Weak::clone(&provider);
        async move { Ok::<_, Infallible>(answer(&request, provider).await) }
    });
    let mut http = http1::Builder::new();
    http.keep_alive(false).max_buf_size(HEAD);
    if let Err(error) = http.serve_connection(TokioIo::new(tcp), service).await {
        tracing::debug!(%error, "a reader of figures broke off");
    }
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
