//! Threads for work that blocks (store, password hashes, signatures): sized, so that a crowd waits instead of piling up.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tracing::Span;

/// A sized pool of blocking threads.
#[derive(Debug, Clone)]
pub struct Pool {
    places: Arc<Semaphore>,
}

impl Pool {
    /// At most `size` pieces of work at once; the others wait in order.
    pub fn new(size: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(size.max(1))) }
    }

    /// Runs the work on a thread that may block, inside the current tracing span. `None` when it panicked: then only
    /// what it held is lost.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let span = Span::current();
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            span.in_scope(work)
        })
        .await;
        match done {
            Ok(value) => Some(value),
            Err(failed) => {
                tracing::error!(panic = failed.is_panic(), "a piece of work broke off");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_at_once_than_its_size_and_a_panic_frees_the_place() {
        let pool = Pool::new(2);
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut all = tokio::task::JoinSet::new();
        for i in 0..20 {
            let (pool, now, most) = (pool.clone(), Arc::clone(&now), Arc::clone(&most));
            all.spawn(async move {
                pool.run(move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(2));
                    now.fetch_sub(1, Ordering::SeqCst);
                    assert!(i % 7 != 3, "one of seven breaks off");
                })
                .await
            });
        }
        let done = all.join_all().await;
        assert_eq!(done.iter().filter(|d| d.is_none()).count(), 3);
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }
}
