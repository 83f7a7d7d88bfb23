//! Reading and committing.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rocksdb::{ErrorKind, IteratorMode, ReadOptions, WriteBatch, WriteOptions};
use sigillo_store::{Batch, Durability, Error, Row, Store, key};

use crate::RocksStore;
use crate::error::{fault, fault_at};

impl Store for RocksStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.db.get_cf(self.family(key)?, key).map_err(|e| fault_at(&e, key))
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, Error> {
        if !key::check_range(from, to)? || limit == 0 {
            return Ok(Vec::new());
        }
        let mut options = ReadOptions::default();
        // Bounds, not just a start: without them the iterator reads on through deleted rows past the end.
        options.set_iterate_lower_bound(from);
        options.set_iterate_upper_bound(to);
        let rows = self.db.iterator_cf_opt(self.family(from)?, options, IteratorMode::Start).take(limit);
        rows.map(|row| row.map(|(k, v)| (k.into_vec(), v.into_vec())).map_err(|e| fault_at(&e, from))).collect()
    }

    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        batch.check()?;
        let keys = batch.expectations().map(|(key, _)| key).chain(batch.writes().map(|(key, _)| key));
        let _turn = self.stripes.lock(keys);
        for (key, expected) in batch.expectations() {
            let found = self.db.get_pinned_cf(self.family(key)?, key).map_err(|e| fault_at(&e, key))?;
            if found.as_deref() != expected {
                return Err(Error::Conflict);
            }
        }
        if batch.is_read_only() {
            return self.confirm(durability);
        }
        // What is written up to here is in the log before this batch, so its sync covers it.
        let before = self.db.latest_sequence_number();
        let written = self.write(batch, durability);
        self.failing.store(written.is_err(), Ordering::Relaxed);
        self.refused.fetch_add(u64::from(written.is_err()), Ordering::Relaxed);
        written?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        match durability {
            Durability::Synced => self.synced.fetch_max(before, Ordering::SeqCst),
            Durability::Later => self.later.fetch_max(self.db.latest_sequence_number(), Ordering::SeqCst),
        };
        self.sweep_tombstones(batch);
        Ok(())
    }
}

/// After so many deleted rows, RocksDB is made to look for tables at the bottom that hold their tombstones.
const SWEEP_EVERY: u64 = 10_000;

impl RocksStore {
    /// A commit without writes still promises that what it saw is durable.
    fn confirm(&self, durability: Durability) -> Result<(), Error> {
        let seen = self.later.load(Ordering::SeqCst);
        if durability == Durability::Synced && seen > self.synced.load(Ordering::SeqCst) {
            self.sync()?;
            self.synced.fetch_max(seen, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Rows of a queue ascend, so their tables overlap nothing and are *moved* to the bottom level with all their
    /// tombstones, where nothing looks at them again: only the release of a snapshot makes RocksDB mark such tables
    /// for compaction. It costs a list entry; without it each scan from the front reads all that ever was there.
    fn sweep_tombstones(&self, batch: &Batch) {
        let deleted = batch.writes().filter(|(_, value)| value.is_none()).count() as u64;
        let before = self.deleted.fetch_add(deleted, Ordering::Relaxed);
        if before / SWEEP_EVERY != (before + deleted) / SWEEP_EVERY {
            drop(self.db.snapshot());
        }
    }

    /// Hands the batch to RocksDB, which joins it with others that wait. While writes are stalled (flushes or
    /// compactions behind), it is refused at once and tried again for a bounded time: a stall never holds a thread for
    /// ever, and the peer gets an honest answer.
    fn write(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        let mut options = WriteOptions::default();
        options.set_sync(durability == Durability::Synced);
        options.set_no_slowdown(true);
        let begun = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            match self.db.write_opt(self.write_batch(batch)?, &options) {
                Ok(()) => return Ok(()),
                Err(e) if e.kind() == ErrorKind::Incomplete => {
                    if begun.elapsed() + pause > self.stall_limit {
                        tracing::warn!(waited_ms = begun.elapsed().as_millis() as u64, "writes are stalled");
                        return Err(Error::Temporary(format!("writes are stalled: {e}")));
                    }
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(50));
                }
                Err(e) => {
                    tracing::error!(error = %e, "a commit failed");
                    return Err(fault(&e));
                }
            }
        }
    }

    fn write_batch(&self, batch: &Batch) -> Result<WriteBatch, Error> {
        let mut writes = WriteBatch::default();
        for (key, value) in batch.writes() {
            let family = self.family(key)?;
            match value {
                Some(value) => writes.put_cf(family, key, value),
                None => writes.delete_cf(family, key),
            }
        }
        Ok(writes)
    }
}
