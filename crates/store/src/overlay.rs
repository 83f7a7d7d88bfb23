//! What would be, over what is: a store whose commits are kept in memory and never reach the one below.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::{Batch, Durability, Error, Row, Store, key};

/// What was written over a store, `None` for what was removed. Nothing of it outlives its being dropped. Commits are checked against
/// both, so that each sees those before it; meanwhile the store below may change, as it does under any transaction.
#[derive(Debug)]
pub struct Overlay<S> {
    below: S,
    written: Mutex<BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl<S: Store> Overlay<S> {
    /// Nothing over this store yet.
    pub fn new(below: S) -> Self {
        Self { below, written: Mutex::default() }
    }
}

impl<S: Store> Store for Overlay<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        if let Some(written) = self.written.lock().get(key) {
            return Ok(written.clone());
        }
        self.below.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, Error> {
        over(&self.below, &self.written.lock(), (from, to), limit)
    }

    fn commit(&self, batch: &Batch, _: Durability) -> Result<(), Error> {
        batch.check()?;
        let mut written = self.written.lock();
        for (key, expected) in batch.expectations() {
            let holds = match written.get(key) {
                Some(own) => own.as_deref() == expected,
                None => self.below.get(key)?.as_deref() == expected,
            };
            if !holds {
                return Err(Error::Conflict);
            }
        }
        written.extend(batch.writes().map(|(key, value)| (key.to_vec(), value.map(<[u8]>::to_vec))));
        Ok(())
    }
}

/// The rows of a range of a store with these writes over them.
pub(crate) fn over<S: Store + ?Sized>(
    store: &S,
    written: &BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    (from, to): (&[u8], &[u8]),
    limit: usize,
) -> Result<Vec<Row>, Error> {
    use std::ops::Bound::{Excluded, Included};
    if !key::check_range(from, to)? {
        return Ok(Vec::new());
    }
    let own = || written.range::<[u8], _>((Included(from), Excluded(to)));
    // As many more rows as own removals may take away, so that the limit is met by rows that remain.
    let removed = own().filter(|(_, value)| value.is_none()).count();
    let stored = store.scan(from, to, limit.saturating_add(removed))?;
    let mut rows: BTreeMap<Vec<u8>, Vec<u8>> = stored.into_iter().collect();
    for (key, value) in own() {
        match value {
            Some(value) => rows.insert(key.clone(), value.clone()),
            None => rows.remove(key),
        };
    }
    Ok(rows.into_iter().take(limit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    #[test]
    fn the_suite_of_every_engine() {
        crate::conformance::run(|| Overlay::new(MemoryStore::new()));
    }

    #[test]
    fn what_is_written_over_a_store_is_seen_above_alone() {
        let below = std::sync::Arc::new(MemoryStore::new());
        let put = |n: u8, value: u8| {
            let mut batch = Batch::new();
            batch.put([1, n], [value]);
            batch
        };
        for n in [1, 3, 5] {
            below.commit(&put(n, n), Durability::Synced).unwrap();
        }
        let above = Overlay::new(std::sync::Arc::clone(&below));
        above.commit(&put(2, 9), Durability::Synced).unwrap();
        let mut gone = Batch::new();
        gone.expect([1, 3], Some(&[3]));
        gone.expect([1, 2], Some(&[9]));
        gone.delete([1, 3]);
        above.commit(&gone, Durability::Synced).unwrap();
        assert_eq!(above.commit(&gone, Durability::Synced), Err(Error::Conflict), "it is gone by now");
        let keys = |store: &dyn Store, most| {
            store.scan(&[1], &[2], most).unwrap().into_iter().map(|(key, _)| key[1]).collect::<Vec<_>>()
        };
        assert_eq!((keys(&above, 9), keys(&above, 2)), (vec![1, 2, 5], vec![1, 2]));
        assert_eq!(keys(&below, 9), [1, 3, 5]);
        // What changes below is seen, but where something lies over it.
        below.commit(&put(2, 7), Durability::Synced).unwrap();
        below.commit(&put(4, 7), Durability::Synced).unwrap();
        assert_eq!((above.get(&[1, 2]).unwrap(), above.get(&[1, 4]).unwrap()), (Some(vec![9]), Some(vec![7])));
    }
}
