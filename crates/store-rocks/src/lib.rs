//! The store on RocksDB: one engine behind the seam of `sigillo_store`.
//!
//! Knows: RocksDB, its column families and options, what its errors mean.
//! Must never know: what the rows mean, mail.
//! Entry point: [`RocksStore::open`].
//! Invariants and their tests:
//! - the whole conformance suite of the seam (`tests::conformance`);
//! - a synced commit has waited for `fdatasync` of the log, and fails when that fails (`tests::durability`);
//! - a process killed at any moment loses nothing that a commit returned for (`tests::durability`);
//! - every option that matters is the one in force, read back from the open database (`tests::options`);
//! - a torn end of the log is cut off; damage before it stops the opening (`tests::log`);
//! - a store without room or with failing commits is in trouble until a commit works (`watch::tests`);
//! - a flipped bit hides what it must and no more, and its file is named (`tests::damage`);
//! - a backup holds every commit before it, and only what is proven is restored (`tests::backup`);
//! - what is deleted gives its space back (`tests::space`); one process at a time (`tests::opening`).
//!
//! One column family per way of use, chosen by the key's tag (`sigillo_store::tag::pattern`): ordinary rows; short-lived
//! rows, which are compacted once many were deleted; bodies, whose values lie in blob files. A commit spans all three
//! and goes through one write-ahead log, so it stays atomic. A range never spans two tags, so never two families.
//!
//! Commits that expect or write a common key take turns (a lock per key, by hash); others run side by side, and RocksDB
//! joins them into one write and one `fdatasync`.

pub mod backup;
mod commit;
mod error;
mod families;
mod files;
mod health;
mod memory;
mod open;
mod space;
mod stripes;
mod wal;
mod watch;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

pub use error::Error;
pub use health::Health;
pub use memory::Memory;
pub use space::{Family, Stats};
pub use watch::{Reserve, Trouble, Watch};

use parking_lot::Mutex;
use rocksdb::DB;

use stripes::Stripes;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Memory for everything, alone or together with other stores.
    pub memory: Memory,
    /// Threads for flushes and compactions.
    pub background_jobs: u16,
    /// Files kept open; each costs a descriptor and its index in the cache.
    pub max_open_files: u16,
    /// How long a commit waits when writes are stalled, before it is answered with `Temporary`.
    pub stall_limit: Duration,
}

impl Default for Options {
    /// 256 MiB, two jobs, 1 000 files, ten seconds.
    fn default() -> Self {
        Self {
            memory: Memory::default(),
            background_jobs: 2,
            max_open_files: 1000,
            stall_limit: Duration::from_secs(10),
        }
    }
}

/// An open RocksDB store. Share it by `Arc`; dropping the last handle closes it.
pub struct RocksStore {
    db: DB,
    /// Locked while it is open; given back after the database was closed.
    #[expect(dead_code, reason = "held, not read")]
    lock: File,
    path: PathBuf,
    stripes: Stripes,
    stall_limit: Duration,
    /// The newest sequence number written without a sync, and the newest known to be synced.
    later: AtomicU64,
    synced: AtomicU64,
    /// Rows deleted since it was opened.
    deleted: AtomicU64,
    /// Commits that wrote since it was opened.
    commits: AtomicU64,
    /// Commits that the disk (or a stall) refused since it was opened, and whether the last one was.
    refused: AtomicU64,
    failing: AtomicBool,
    /// The oldest part of the blob files whose live blobs compactions rewrite now, so that garbage goes.
    collected: Mutex<f64>,
    /// Held while a backup is made.
    backing_up: Mutex<()>,
}

impl RocksStore {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes everything committed so far durable, also what was committed with `Durability::Later`.
    ///
    /// # Errors
    /// The disk's fault.
    pub fn sync(&self) -> Result<(), sigillo_store::Error> {
        self.db.flush_wal(true).map_err(|e| error::fault(&e))
    }

    /// Makes a consistent copy in `dir` while the store serves: hard links on the same file system. `dir` must not
    /// exist, its parent must. The copy is a store of its own: [`open`](Self::open) it to check or to restore.
    ///
    /// # Errors
    /// The disk's fault; `dir` exists.
    pub fn checkpoint(&self, dir: &Path) -> Result<(), sigillo_store::Error> {
        let checkpoint = rocksdb::checkpoint::Checkpoint::new(&self.db).map_err(|e| error::fault(&e))?;
        checkpoint.create_checkpoint(dir).map_err(|e| error::fault(&e))
    }
}

impl std::fmt::Debug for RocksStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RocksStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
