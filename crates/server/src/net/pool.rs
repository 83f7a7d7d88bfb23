//! Threads for work that blocks (store, password hashes, signatures): sized in threads and in memory, so that a crowd
//! waits instead of piling up.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Span;

/// More memory is not counted: 256 GiB, in KiB. A semaphore of a 32-bit machine has this many places.
const MOST: u32 = 1 << 28;

/// Memory for work, shared by all pools that were made of it.
#[derive(Debug, Clone)]
pub struct Memory {
    free: Arc<Semaphore>,
    /// All of it, in KiB.
    budget: u32,
}

impl Memory {
    /// So many bytes.
    pub fn new(bytes: usize) -> Self {
        let budget = u32::try_from(bytes / 1024).unwrap_or(u32::MAX).clamp(1, MOST);
        Self { free: Arc::new(Semaphore::new(budget as usize)), budget }
    }

    /// Waits for so many bytes, or for all there is.
    async fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let share = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).min(self.budget);
        Arc::clone(&self.free).acquire_many_owned(share).await.ok()
    }
}

/// A sized pool of blocking threads.
#[derive(Debug, Clone)]
pub struct Pool {
    places: Arc<Semaphore>,
    memory: Memory,
}

impl Pool {
    /// At most `size` pieces of work at once; the others wait in order.
    pub fn new(size: usize) -> Self {
        Self::within(size, Memory::new(usize::MAX))
    }

    /// The same, of work that together takes at most this memory.
    pub fn within(size: usize, memory: Memory) -> Self {
        Self { places: Arc::new(Semaphore::new(size.max(1))), memory }
    }

    /// Runs the work on a thread that may block, inside the current tracing span. `None` when it panicked: then only
    /// what it held is lost.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        self.weighing(0, work).await
    }

    /// The same for work that takes so many bytes of memory. It holds no thread while it waits for them; what takes more
    /// than the pool has passes alone.
    pub async fn weighing<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let memory = self.memory.take(bytes).await?;
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let span = Span::current();
        let done = tokio::task::spawn_blocking(move || {
            let (_place, _memory) = (place, memory);
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
    async fn memory_is_a_limit_too_and_what_is_larger_passes_alone() {
        // Two pools that share it are as one.
        let memory = Memory::new(10 << 20);
        let pools = [Pool::within(8, memory.clone()), Pool::within(8, memory)];
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut all = tokio::task::JoinSet::new();
        for (pool, mb) in pools.iter().cycle().zip([4, 4, 30, 4, 10, 0, 6, 30, 1]) {
            let (pool, now, most) = (pool.clone(), Arc::clone(&now), Arc::clone(&most));
            all.spawn(async move {
                pool.weighing(mb << 20, move || {
                    most.fetch_max(now.fetch_add(mb, Ordering::SeqCst) + mb, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(2));
                    now.fetch_sub(mb, Ordering::SeqCst);
                })
                .await
            });
        }
        assert!(all.join_all().await.iter().all(Option::is_some), "everybody's turn comes");
        assert_eq!(most.load(Ordering::SeqCst), 30, "alone");
        // Who waits for memory holds no thread.
        let (one, (go, wait)) = (Pool::within(2, Memory::new(1024)), std::sync::mpsc::channel::<()>());
        let (has_begun, begun) = tokio::sync::oneshot::channel();
        let heavy = tokio::spawn({
            let one = one.clone();
            let work = move || has_begun.send(()).is_ok() && wait.recv().is_ok();
            async move { one.weighing(1024, work).await }
        });
        begun.await.unwrap();
        let waiting = tokio::spawn({
            let one = one.clone();
            async move { one.weighing(1024, || ()).await }
        });
        assert_eq!(one.run(|| 7).await, Some(7));
        assert!(!waiting.is_finished());
        go.send(()).unwrap();
        assert_eq!((heavy.await.unwrap(), waiting.await.unwrap()), (Some(true), Some(())));
    }

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
