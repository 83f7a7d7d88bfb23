//! The suite must be able to fail: engines that each break one promise.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parking_lot::Mutex;

use super::*;
use crate::{Error, MemoryStore, Row, key};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Breaks {
    Nothing,
    Expectations,
    Absence,
    Atomicity,
    ChecksBeforeTheLock,
    Order,
    UpperBound,
    Limit,
    Deletes,
    Tags,
    Sizes,
}

struct Broken {
    inner: MemoryStore,
    how: Breaks,
    turn: Mutex<()>,
}

impl Store for Broken {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.inner.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, Error> {
        match self.how {
            Breaks::UpperBound => self.inner.scan(from, &key::successor(to), limit),
            Breaks::Limit => self.inner.scan(from, to, limit.saturating_add(1)),
            Breaks::Tags if key::check_range(from, to).is_err() => Ok(Vec::new()),
            Breaks::Order => self.inner.scan(from, to, limit).map(|rows| rows.into_iter().rev().collect()),
            _ => self.inner.scan(from, to, limit),
        }
    }

    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        let mut part = Batch::new();
        let mut holds = true;
        for (key, expected) in batch.expectations() {
            match self.how {
                Breaks::Expectations => {}
                Breaks::Absence if expected.is_none() => {}
                Breaks::ChecksBeforeTheLock => holds &= self.inner.get(key)?.as_deref() == expected,
                _ => part.expect(key, expected),
            }
        }
        for (key, value) in batch.writes() {
            match value {
                Some(value) => part.put(key, value),
                None if self.how == Breaks::Deletes => part.put(key, b""),
                None => part.delete(key),
            }
        }
        match self.how {
            Breaks::Nothing | Breaks::Expectations | Breaks::Absence | Breaks::Deletes => {
                batch.check()?;
                self.inner.commit(&part, durability)
            }
            Breaks::ChecksBeforeTheLock => {
                batch.check()?;
                std::thread::yield_now();
                let _turn = self.turn.lock();
                if holds { self.inner.commit(&part, durability) } else { Err(Error::Conflict) }
            }
            Breaks::Atomicity => {
                batch.check()?;
                let mut first = Batch::new();
                if let Some((key, value)) = part.writes().next() {
                    match value {
                        Some(value) => first.put(key, value),
                        None => first.delete(key),
                    }
                }
                self.inner.commit(&first, durability)?;
                self.inner.commit(batch, durability)
            }
            Breaks::Sizes => match self.inner.commit(batch, durability) {
                Err(Error::TooLarge { .. }) => Ok(()),
                answer => answer,
            },
            _ => self.inner.commit(batch, durability),
        }
    }
}

#[test]
fn every_broken_promise_is_noticed() {
    let passes = |how| {
        let make = || Broken { inner: MemoryStore::new(), how, turn: Mutex::new(()) };
        catch_unwind(AssertUnwindSafe(|| run(make))).is_ok()
    };
    assert!(passes(Breaks::Nothing));
    for how in [
        Breaks::Expectations,
        Breaks::Absence,
        Breaks::Atomicity,
        Breaks::ChecksBeforeTheLock,
        Breaks::Order,
        Breaks::UpperBound,
        Breaks::Limit,
        Breaks::Deletes,
        Breaks::Tags,
        Breaks::Sizes,
    ] {
        assert!(!passes(how), "{how:?} went unnoticed");
    }
}

#[test]
fn a_store_that_forgets_is_noticed() {
    let passes = |cut: fn(MemoryStore) -> MemoryStore| {
        catch_unwind(AssertUnwindSafe(|| survives(MemoryStore::new(), cut))).is_ok()
    };
    assert!(passes(|store| {
        store.power_cut_keeping(2);
        store
    }));
    assert!(!passes(|_| MemoryStore::new()), "everything forgotten");
    assert!(!passes(|store| {
        let fork = store.fork();
        let mut batch = Batch::new();
        batch.delete([tag::QUEUE_ITEM, 4]);
        fork.commit(&batch, Durability::Synced).unwrap();
        fork
    }));
    assert!(!passes(|store| {
        let fork = store.fork();
        let mut batch = Batch::new();
        [tag::TEST, tag::BODY_CHUNK, tag::QUEUE_ITEM].into_iter().for_each(|t| batch.delete([t, 7]));
        fork.commit(&batch, Durability::Synced).unwrap();
        fork
    }));
}
