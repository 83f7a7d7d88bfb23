//! Locks over keys, by their hash: what makes check and write of a commit one step.

use std::hash::{BuildHasher, RandomState};

use parking_lot::{Mutex, MutexGuard};

/// So many that two commits of thirty keys each rarely meet by chance (one byte per lock).
const STRIPES: usize = 1 << 17;

pub(crate) struct Stripes {
    locks: Box<[Mutex<()>]>,
    hasher: RandomState,
}

impl Stripes {
    pub(crate) fn new() -> Self {
        Self { locks: (0..STRIPES).map(|_| Mutex::new(())).collect(), hasher: RandomState::new() }
    }

    /// Takes the locks of all these keys, in an order that every caller shares: so nobody waits in a circle.
    pub(crate) fn lock<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) -> Vec<MutexGuard<'_, ()>> {
        let mut wanted: Vec<usize> = keys.map(|key| self.hasher.hash_one(key) as usize % STRIPES).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted.into_iter().map(|stripe| self.locks[stripe].lock()).collect()
    }
}
