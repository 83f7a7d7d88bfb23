//! A store that tells what was asked of it.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use sigillo_store::{Batch, Durability, Error, Row, Store};

/// A store, and how it is used.
#[derive(Debug, Default)]
pub struct Observed<S> {
    /// What stands behind it.
    pub store: S,
    read: Mutex<BTreeMap<u8, usize>>,
    /// One commit after the other, so that their order is known.
    committed: Mutex<Committed>,
}

#[derive(Debug, Default)]
struct Committed {
    keys: Vec<Vec<u8>>,
    conflicts: usize,
}

impl<S: Store> Observed<S> {
    /// Around this store.
    pub fn new(store: S) -> Self {
        Self { store, read: Mutex::default(), committed: Mutex::default() }
    }

    /// How many rows of each tag were read since the last question.
    pub fn read(&self) -> BTreeMap<u8, usize> {
        std::mem::take(&mut *self.read.lock())
    }

    /// The keys of this tag that were written, in the order of the commits.
    pub fn written(&self, tag: u8) -> Vec<Vec<u8>> {
        self.committed.lock().keys.iter().filter(|key| key.first() == Some(&tag)).cloned().collect()
    }

    /// Commits that met a conflict.
    pub fn conflicts(&self) -> usize {
        self.committed.lock().conflicts
    }

    fn count<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) {
        let mut read = self.read.lock();
        keys.filter_map(<[u8]>::first).for_each(|tag| *read.entry(*tag).or_default() += 1);
    }
}

impl<S: Store> Store for Observed<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.count(std::iter::once(key));
        self.store.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, Error> {
        let rows = self.store.scan(from, to, limit)?;
        self.count(rows.iter().map(|(key, _)| key.as_slice()));
        Ok(rows)
    }

    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        let mut committed = self.committed.lock();
        let done = self.store.commit(batch, durability);
        match &done {
            Ok(()) => committed.keys.extend(batch.writes().map(|(key, _)| key.to_vec())),
            Err(error) => committed.conflicts += usize::from(*error == Error::Conflict),
        }
        done
    }
}
