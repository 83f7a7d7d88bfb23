//! The signing key in this process, behind a gate: as many signatures at once as cores, a bounded crowd waiting.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use sigillo_smime::{KeySigner, SignError, Signer};

/// How long a signature may wait for its turn. Longer means overload: the peer hears 4xx and comes again.
const PATIENCE: Duration = Duration::from_secs(20);

/// Lets so many in at once. Providers in one process share one, since they share the cores.
#[derive(Debug)]
pub struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A way in, given back when dropped.
struct Pass<'g>(&'g Gate);

impl Gate {
    /// At most `size` at once.
    pub fn new(size: usize) -> Arc<Self> {
        Arc::new(Self { free: Mutex::new(size.max(1)), freed: Condvar::new() })
    }

    /// One for each core.
    pub fn for_cores() -> Arc<Self> {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from))
    }

    fn enter(&self, patience: Duration) -> Option<Pass<'_>> {
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

/// A key behind a gate.
pub struct GatedSigner {
    key: KeySigner,
    gate: Arc<Gate>,
}

impl GatedSigner {
    /// Signs with `key`, no more at once than `gate` lets in.
    pub fn new(key: KeySigner, gate: Arc<Gate>) -> Self {
        Self { key, gate }
    }
}

impl Signer for GatedSigner {
    fn sign(&self, to_be_signed: &[u8]) -> Result<Vec<u8>, SignError> {
        let Some(_pass) = self.gate.enter(PATIENCE) else {
            return Err(SignError { temporary: true, message: "troppe firme in attesa".to_owned() });
        };
        self.key.sign(to_be_signed)
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
