//! Answers to what takes its time: a line for each step, until it is done or whoever asked is gone.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use serde::Serialize;
use sigillo_admin::api::Step;
use tokio::sync::mpsc;

use super::Fail;
use crate::provider::Provider;

/// Between two lines: a client gives up only when it hears nothing for long.
const EVERY: Duration = Duration::from_millis(500);

/// How far the work is, and whether anybody still waits for it.
#[derive(Default)]
struct Far {
    done: AtomicU64,
    total: AtomicU64,
    unwanted: AtomicBool,
}

/// Runs the work on a thread beside the pool, whose places it would hold for long, and answers with its steps.
pub(super) fn steps<T: Serialize + Send + 'static>(
    provider: &Provider,
    work: impl FnOnce(&mut dyn FnMut(u64, u64) -> ControlFlow<()>) -> anyhow::Result<T> + Send + 'static,
) -> Response {
    let far = Arc::new(Far::default());
    let (lines, body) = mpsc::channel(4);
    let (worker, mut down) = (Arc::clone(&far), provider.down());
    let mut worked = tokio::task::spawn_blocking(move || {
        work(&mut |done, total| {
            worker.done.store(done, Relaxed);
            worker.total.store(total, Relaxed);
            if worker.unwanted.load(Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    });
    tokio::spawn(async move {
        loop {
            let step = tokio::select! {
                worked = &mut worked => match worked {
                    Ok(Ok(done)) => Step::Done(done),
                    Ok(Err(error)) => failed(StatusCode::CONFLICT, format!("{error:#}")),
                    Err(_) => failed(StatusCode::INTERNAL_SERVER_ERROR, "lavoro interrotto"),
                },
                _ = down.wait_for(|down| *down) => {
                    failed(StatusCode::SERVICE_UNAVAILABLE, "il servizio si sta fermando: lavoro interrotto")
                }
                () = tokio::time::sleep(EVERY) => {
                    Step::Progress { done: far.done.load(Relaxed), total: far.total.load(Relaxed) }
                }
            };
            let last = !matches!(step, Step::Progress { .. });
            if lines.send(line(&step)).await.is_err() || last {
                break;
            }
        }
        far.unwanted.store(true, Relaxed);
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::new(Lines(body))).into_response()
}

fn failed<T>(status: StatusCode, detail: impl Into<String>) -> Step<T> {
    let fail = Fail::new(status, detail);
    tracing::error!(why = fail.detail, "administrative work came to nothing");
    Step::Failed(fail.problem())
}

fn line(step: &impl Serialize) -> Bytes {
    // Writing into a growing vector cannot fail for the plain structs of the interface.
    let mut line = serde_json::to_vec(step).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

/// The lines as the body of an answer.
struct Lines(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}
