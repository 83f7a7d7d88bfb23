//! Reading and writing as if alone: expectations are recorded on the way and checked by the commit.

use crate::{Batch, Durability, Error, Row, Store, overlay};

/// Work on a store that becomes visible in one commit, or never. Dropping it forgets everything.
#[derive(Debug)]
pub struct Transaction<'s, S: Store + ?Sized> {
    store: &'s S,
    batch: Batch,
    durability: Durability,
}

/// Runs `f` and commits what it wrote, durably; again from the start, up to `attempts` times in all, as long as the
/// commit meets a conflict. `f` must have no effect outside of its transaction.
///
/// # Errors
/// What `f` returns (nothing is committed then), or the store's fault; [`Error::Conflict`] when every attempt met one.
pub fn transact<S, T, E>(
    store: &S,
    attempts: usize,
    mut f: impl FnMut(&mut Transaction<'_, S>) -> Result<T, E>,
) -> Result<T, E>
where
    S: Store + ?Sized,
    E: From<Error>,
{
    for _ in 0..attempts {
        let mut tx = Transaction::new(store);
        let done = f(&mut tx)?;
        match tx.commit() {
            Ok(()) => return Ok(done),
            Err(Error::Conflict) => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    Err(Error::Conflict.into())
}

impl<'s, S: Store + ?Sized> Transaction<'s, S> {
    /// A new transaction, to be committed durably.
    pub fn new(store: &'s S) -> Self {
        Self { store, batch: Batch::new(), durability: Durability::Synced }
    }

    /// The same work once more, as far as it is, for who may take back what comes next.
    pub fn fork(&self) -> Self {
        Self { store: self.store, batch: self.batch.clone(), durability: self.durability }
    }

    /// The store it works on, for reads outside of the transaction.
    pub fn store(&self) -> &'s S {
        self.store
    }

    /// The value of a key as this transaction sees it (its own writes first). The commit holds only if the stored
    /// value is still the same then.
    ///
    /// # Errors
    /// The store's fault.
    pub fn get(&mut self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        let key = key.as_ref();
        if let Some(own) = self.batch.written(key) {
            return Ok(own.map(<[u8]>::to_vec));
        }
        if let Some(known) = self.batch.expected(key) {
            return Ok(known.map(<[u8]>::to_vec));
        }
        let value = self.store.get(key)?;
        self.batch.expect(key, value.as_deref());
        Ok(value)
    }

    /// The same without an expectation: the value may have changed by the time of the commit.
    ///
    /// # Errors
    /// The store's fault.
    pub fn peek(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        let key = key.as_ref();
        match self.batch.written(key) {
            Some(own) => Ok(own.map(<[u8]>::to_vec)),
            None => self.store.get(key),
        }
    }

    /// Rows of a range with this transaction's own writes among them, without expectations: rows may come and go
    /// before the commit. `get` those that matter, or a row that every writer of the range changes.
    ///
    /// # Errors
    /// The store's fault; [`Error::Range`] as for [`Store::scan`].
    pub fn scan(&self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>, limit: usize) -> Result<Vec<Row>, Error> {
        let (from, to) = (from.as_ref(), to.as_ref());
        overlay::over(self.store, self.batch.written_rows(), (from, to), limit)
    }

    /// Writes a row.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.batch.put(key, value);
    }

    /// Removes a row.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) {
        self.batch.delete(key);
    }

    /// The commit holds only if this key has no row. Call it before writing the key.
    pub fn expect_absent(&mut self, key: impl AsRef<[u8]>) {
        self.batch.expect(key, None);
    }

    /// The commit holds only if this key has this value (`None`: no row).
    pub fn expect(&mut self, key: impl AsRef<[u8]>, value: Option<&[u8]>) {
        self.batch.expect(key, value);
    }

    /// What this attempt read is gone already: its commit will meet a conflict, and [`transact`] runs it again.
    pub fn doom(&mut self) {
        self.batch.doom();
    }

    /// What it has gathered so far.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// Lets a power cut take this commit, until a synced one follows ([`Durability::Later`]).
    pub fn later(&mut self) {
        self.durability = Durability::Later;
    }

    /// Checks every expectation and applies every write, all or nothing; durable when it returns.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn commit(self) -> Result<(), Error> {
        self.store.commit(&self.batch, self.durability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    #[test]
    fn sees_its_own_writes_and_nobody_else_does() {
        let store = MemoryStore::new();
        let mut tx = Transaction::new(&store);
        tx.put([1, 1], b"a");
        assert_eq!(tx.get([1, 1]).unwrap().as_deref(), Some(&b"a"[..]));
        assert_eq!(store.get(&[1, 1]).unwrap(), None);
        tx.delete([1, 1]);
        assert_eq!(tx.get([1, 1]).unwrap(), None);
    }

    #[test]
    fn reads_repeat_and_a_changed_row_conflicts() {
        let store = MemoryStore::new();
        let mut tx = Transaction::new(&store);
        assert_eq!(tx.get([1, 1]).unwrap(), None);
        let mut other = Batch::new();
        other.put([1, 1], b"x");
        store.commit(&other, Durability::Synced).unwrap();
        assert_eq!(tx.get([1, 1]).unwrap(), None, "a transaction reads one state");
        assert_eq!(tx.peek([1, 1]).unwrap().as_deref(), Some(&b"x"[..]));
        tx.put([1, 2], b"y");
        assert_eq!(tx.commit(), Err(Error::Conflict));
        assert_eq!(store.get(&[1, 2]).unwrap(), None);
    }

    #[test]
    fn transact_tries_again_and_gives_up() {
        let store = MemoryStore::new();
        let mut runs = 0;
        let spoil = |n: u8| {
            let mut other = Batch::new();
            other.put([1, 1], [n]);
            store.commit(&other, Durability::Synced).unwrap();
        };
        let seen = transact(&store, 3, |tx| {
            runs += 1;
            let seen = tx.get([1, 1])?;
            if runs < 3 {
                spoil(runs);
            }
            tx.put([1, 2], b"done");
            Ok::<_, Error>(seen)
        });
        assert_eq!((seen, runs), (Ok(Some(vec![2])), 3));
        let never = transact(&store, 2, |tx| {
            runs += 1;
            tx.get([1, 1])?;
            spoil(runs);
            tx.put([1, 3], b"never");
            Ok::<_, Error>(())
        });
        assert_eq!((never, runs), (Err(Error::Conflict), 5));
        assert_eq!(store.get(&[1, 3]).unwrap(), None);
    }

    #[test]
    fn a_scan_shows_own_writes_within_the_limit() {
        let store = MemoryStore::new();
        let mut batch = Batch::new();
        for n in [1, 3, 5, 7] {
            batch.put([1, n], [n]);
        }
        store.commit(&batch, Durability::Synced).unwrap();
        let mut tx = Transaction::new(&store);
        tx.put([1, 2], [2]);
        tx.delete([1, 3]);
        tx.put([1, 9], [9]);
        let keys = |limit| tx.scan([1], [2], limit).unwrap().into_iter().map(|(k, _)| k[1]).collect::<Vec<_>>();
        assert_eq!(keys(3), [1, 2, 5]);
        assert_eq!(keys(10), [1, 2, 5, 7, 9]);
        assert_eq!(keys(0), [0; 0]);
    }
}
