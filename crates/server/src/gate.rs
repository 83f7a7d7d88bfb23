//! A gate for work that must not be done by everybody at once: so many inside, the others wait, and give up in time.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Lets so many in at once.
#[derive(Debug)]
pub struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A way in, given back when dropped.
#[derive(Debug)]
pub struct Pass<'g>(&'g Gate);

impl Gate {
    /// At most `size` at once.
    pub fn new(size: usize) -> Arc<Self> {
        Arc::new(Self { free: Mutex::new(size.max(1)), freed: Condvar::new() })
    }

    /// One for each core. Providers in one process share it, since they share the cores.
    pub fn for_cores() -> Arc<Self> {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// Waits for a way in, `patience` at the longest.
    pub fn enter(&self, patience: Duration) -> Option<Pass<'_>> {
        let mut free = self.free.lock();
        let waited = self.freed.wait_while_for(&mut free, |free| *free == 0, patience);
        if waited.timed_out() && *free == 0 {
            return None;
        }
        *free -= 1;
        Some(Pass(self))
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        *self.0.free.lock() += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_gate_opens_when_one_leaves_and_gives_up_in_time() {
        let gate = Gate::new(1);
        let pass = gate.enter(Duration::ZERO).unwrap();
        assert!(gate.enter(Duration::from_millis(5)).is_none());
        let other = Arc::clone(&gate);
        let waiting = std::thread::spawn(move || other.enter(Duration::from_secs(20)).is_some());
        drop(pass);
        assert!(waiting.join().unwrap());
        assert!(gate.enter(Duration::ZERO).is_some());
    }
}
