mod backup;
mod child;
mod damage;
mod durability;
mod log;
mod opening;
mod options;
mod space;

use std::sync::Arc;

use sigillo_store::{Batch, Durability, conformance};
use tempfile::TempDir;

use crate::{Memory, Options, RocksStore};

/// Small enough that flushes and compactions happen in tests.
fn small() -> Options {
    Options { memory: Memory::new(16 << 20), ..Options::default() }
}

pub(crate) fn store() -> (TempDir, RocksStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = RocksStore::open(dir.path().join("db"), &small()).unwrap();
    (dir, store)
}

/// The suite asks for a store alone; its folder lives as long as the test.
#[test]
fn conformance() {
    let dir = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    conformance::run(|| {
        number.set(number.get() + 1);
        RocksStore::open(dir.path().join(number.get().to_string()), &small()).unwrap()
    });
    // Closing and opening is no power cut; the killed child and the traced one show the rest.
    let path = dir.path().join("survives");
    conformance::survives(Arc::new(RocksStore::open(&path, &small()).unwrap()), |store| {
        drop(store);
        Arc::new(RocksStore::open(&path, &small()).unwrap())
    });
}

fn put(store: &RocksStore, key: &[u8], value: &[u8], durability: Durability) {
    let mut batch = Batch::new();
    batch.put(key, value);
    sigillo_store::Store::commit(store, &batch, durability).unwrap();
}
