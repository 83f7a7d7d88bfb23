//! A hand-over that makes no progress is broken off, whatever it hangs on: a time limit that does not fire, a look-up, our
//! own store. It is written down with where it stood, and the message is tried again.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

/// Without progress for so long, nothing will come any more: longer than any answer may take (RFC 5321 §4.5.3.2.6: ten
/// minutes after the final dot).
pub(super) const STALL: Duration = Duration::from_secs(15 * 60);

tokio::task_local! {
    static PROGRESS: Arc<Progress>;
}

/// Where a hand-over stands, and since when; nothing as long as it waits for its turn.
#[derive(Debug, Default)]
struct Progress(Mutex<Option<(Instant, String)>>);

/// Notes that the hand-over under way in this task has come so far; every octet that moves is a step.
pub(super) fn step(at: &str, what: &str) {
    // Outside of a hand-over (a farewell to a server) nobody watches.
    PROGRESS
        .try_with(|progress| *progress.0.lock() = Some((Instant::now(), format!("{at}: {what}"))))
        .unwrap_or_default();
}

/// Notes that it waits for its turn again.
pub(super) fn rest() {
    PROGRESS.try_with(|progress| *progress.0.lock() = None).unwrap_or_default();
}

/// A hand-over in a task of its own, so that whatever breaks off in there, its message is given back.
pub(super) struct Watched<T> {
    task: JoinHandle<T>,
    progress: Arc<Progress>,
    stall: Duration,
}

impl<T: Send + 'static> Watched<T> {
    /// Begins it; from its first [`step`] on, without progress for so long it is broken off.
    pub(super) fn spawn(stall: Duration, work: impl Future<Output = T> + Send + 'static) -> Self {
        let progress = Arc::<Progress>::default();
        let task = tokio::spawn(PROGRESS.scope(Arc::clone(&progress), work).in_current_span());
        Self { task, progress, stall }
    }

    /// What came of it, or why nothing did; `None` when it is still at work after `span`.
    pub(super) async fn wait(&mut self, span: Duration) -> Option<Result<T, String>> {
        if let Ok(done) = timeout(span, &mut self.task).await {
            return Some(done.map_err(|_| "guasto interno del relay".to_owned()));
        }
        let (since, at) = self.progress.0.lock().clone()?;
        let still = since.elapsed();
        if still < self.stall {
            return None;
        }
        self.abort();
        tracing::error!(at, still_s = still.as_secs(), "no progress: broken off, it will be handed over again");
        Some(Err(format!("interrotto: nessun progresso da {} s ({at})", still.as_secs())))
    }

    /// Breaks it off.
    pub(super) fn abort(&self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// The first that `wait` says.
    async fn watch<T: Send + 'static>(mut watched: Watched<T>) -> Result<T, String> {
        loop {
            if let Some(done) = watched.wait(Duration::from_millis(10)).await {
                return done;
            }
        }
    }

    #[tokio::test]
    async fn a_peer_that_stalls_is_left_with_where_it_stood() {
        let peer = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = peer.local_addr().unwrap();
        let silent = tokio::spawn(async move {
            let (mut open, _) = peer.accept().await.unwrap();
            open.write_all(b"220 ").await.unwrap();
            // Whoever was left hangs up.
            open.read(&mut [0; 16]).await.unwrap()
        });
        let watched = Watched::spawn(Duration::from_millis(200), async move {
            let mut open = TcpStream::connect(address).await.unwrap();
            open.read_exact(&mut [0; 4]).await.unwrap();
            step("mx.beta.example", "in attesa di risposta");
            open.read(&mut [0; 16]).await.unwrap()
        });
        let why = watch(watched).await.unwrap_err();
        assert!(why.contains("(mx.beta.example: in attesa di risposta)"), "{why}");
        assert_eq!(silent.await.unwrap(), 0, "the connection is closed");
    }

    #[tokio::test]
    async fn a_slow_hand_over_that_goes_on_is_left_alone() {
        let watched = Watched::spawn(Duration::from_secs(2), async {
            for _ in 0..20 {
                tokio::time::sleep(Duration::from_millis(150)).await;
                step("mx.beta.example", "messaggio");
            }
            "taken"
        });
        assert_eq!(watch(watched).await, Ok("taken"));
    }

    #[tokio::test]
    async fn one_that_panics_gives_its_message_back() {
        let watched = Watched::spawn(STALL, async { panic!("a fault in the relay") });
        let done: Result<(), _> = watch(watched).await;
        assert_eq!(done, Err("guasto interno del relay".to_owned()));
    }
}
