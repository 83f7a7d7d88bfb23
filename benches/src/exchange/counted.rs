//! A store that counts its synced commits.

use std::sync::atomic::{AtomicU64, Ordering};

use sigillo_store::{Batch, Durability, Error, Row, Store};
use sigillo_store_rocks::RocksStore;

/// The store with its count.
pub struct Counted {
    store: RocksStore,
    synced: AtomicU64,
}

impl Counted {
    /// Counts from zero.
    pub fn new(store: RocksStore) -> Self {
        Self { store, synced: AtomicU64::new(0) }
    }

    /// Synced commits that wrote something and were done.
    pub fn synced(&self) -> u64 {
        self.synced.load(Ordering::Relaxed)
    }
}

impl Store for Counted {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.store.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, Error> {
        self.store.scan(from, to, limit)
    }

    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        self.store.commit(batch, durability)?;
        if durability == Durability::Synced && !batch.is_read_only() {
            self.synced.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}
