//! A small HTTP server for pages that anybody may ask: a crowd or a slow client takes nothing but its own place. One
//! request, one answer, one connection.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections at once; others wait to be accepted.
const PLACES: usize = 16;
/// How long a connection may last.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most of a request's head, in octets.
const HEAD: usize = 16 * 1024;

/// Answers as long as the task is let live.
pub async fn serve_pages<A, F>(listener: TcpListener, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(PLACES));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((tcp, _)) => {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let answered = answer(request);
                        async move { Ok::<_, Infallible>(answered.await) }
                    });
                    let mut http = http1::Builder::new();
                    http.keep_alive(false).max_buf_size(HEAD);
                    match tokio::time::timeout(PATIENCE, http.serve_connection(TokioIo::new(tcp), service)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => tracing::debug!(%error, "a reader of pages broke off"),
                        Err(_) => tracing::debug!("a reader of pages was too slow"),
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a reader of pages");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
