//! Answers to what takes its time: a line for each step, until it is done or whoever asked is gone.

use std::convert::Infallible;
use std::marker::PhantomData;
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
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use sigillo_admin::api::Step;
use sigillo_base::{Lang, said};
use tokio::sync::{mpsc, watch};

use super::{Fail, broken_off};
use crate::complaint;
use crate::http::table::{Given, Shape};

/// Between two lines: a client gives up only when it hears nothing for long.
const EVERY: Duration = Duration::from_millis(500);

/// How far the work is, and whether anybody still waits for it.
#[derive(Default)]
struct Far {
    done: AtomicU64,
    total: AtomicU64,
    unwanted: AtomicBool,
}

/// An answer of lines, of which the last says what came of the work.
pub(super) struct Steps<T>(Response, PhantomData<T>);

impl<T> IntoResponse for Steps<T> {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<T: JsonSchema> Given for Result<Steps<T>, Fail> {
    fn tell(shape: &mut Shape, schemas: &mut SchemaGenerator) {
        shape.answer = Some((StatusCode::OK, LINES, schemas.subschema_for::<Step<T>>()));
    }
}

const LINES: &str = "application/x-ndjson";

/// Runs the work on a thread beside the pool, whose places it would hold for long, and answers with its steps. `down`
/// ends it; what comes to nothing is told in this language.
pub(super) fn steps<T: Serialize + Send + 'static>(
    mut down: watch::Receiver<bool>,
    lang: Lang,
    work: impl FnOnce(&mut dyn FnMut(u64, u64) -> ControlFlow<()>) -> anyhow::Result<T> + Send + 'static,
) -> Steps<T> {
    let far = Arc::new(Far::default());
    let (lines, body) = mpsc::channel(4);
    let worker = Arc::clone(&far);
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
                    Ok(Err(error)) => failed(Fail::new(StatusCode::CONFLICT, complaint::of(&error)), lang),
                    Err(_) => failed(broken_off(), lang),
                },
                _ = down.wait_for(|down| *down) => {
                    let why = said!(
                        "il servizio si sta fermando: lavoro interrotto",
                        "the service is stopping: work broken off"
                    );
                    failed(Fail::new(StatusCode::SERVICE_UNAVAILABLE, why), lang)
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
    Steps(([(header::CONTENT_TYPE, LINES)], Body::new(Lines(body))).into_response(), PhantomData)
}

fn failed<T>(fail: Fail, lang: Lang) -> Step<T> {
    tracing::error!(why = fail.detail.it, "administrative work came to nothing");
    Step::Failed(fail.problem(lang))
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

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    async fn text<T>(steps: Steps<T>) -> String {
        String::from_utf8(steps.0.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_last_line_says_what_it_came_to() {
        let (_up, down) = watch::channel(false);
        let done = text(steps(down.clone(), Lang::It, |_| Ok(42))).await;
        assert!(done.ends_with("{\"done\":42}\n"), "{done}");
        let failed = text(steps::<()>(down.clone(), Lang::It, |_| anyhow::bail!("il disco è pieno"))).await;
        assert!(failed.contains("{\"failed\":{") && failed.contains("il disco è pieno"), "{failed}");
        let broken = text(steps::<()>(down, Lang::En, |_| panic!("in the work"))).await;
        assert!(broken.contains("work broken off"), "{broken}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_hangs_up_stops_the_work_and_so_does_the_end_of_the_service() {
        let (up, down) = watch::channel(false);
        for ends in [false, true] {
            let (stopped, mut heard) = mpsc::unbounded_channel();
            let response = steps(down.clone(), Lang::It, move |progress| {
                while progress(1, 2).is_continue() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Ok(stopped.send(())?)
            });
            if ends {
                up.send_replace(true);
                assert!(text(response).await.contains("il servizio si sta fermando"));
            } else {
                drop(response);
            }
            heard.recv().await.unwrap();
        }
    }
}
