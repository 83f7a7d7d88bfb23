//! How the store is doing, in figures for metrics and alerts.

use std::sync::atomic::Ordering;

use crate::RocksStore;
use crate::families::BODIES;

/// Figures of one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    /// Flushes and compactions that failed since it was opened. Above zero: look into the file LOG of the store.
    pub background_errors: u64,
    /// Whether the last commit was refused by the disk or by a stall. RocksDB comes back from a full disk by itself;
    /// after another error of the log (EIO) it refuses every commit until the store is opened again: stop accepting
    /// mail while this holds, and restart when it lasts.
    pub failing: bool,
    /// Commits that wrote something since it was opened.
    pub commits: u64,
    /// Commits refused that way since it was opened.
    pub refused_commits: u64,
    /// Whether writes are stopped until compaction catches up.
    pub write_stopped: bool,
    /// Bytes a second that writes are slowed down to; zero when they are not.
    pub delayed_write_rate: u64,
    /// Bytes that compactions have still to work through.
    pub pending_compaction_bytes: u64,
    /// Bytes of tables.
    pub table_bytes: u64,
    /// Bytes of blob files (bodies).
    pub blob_bytes: u64,
    /// Bytes of blobs that nothing refers to any more; garbage collection gives them back.
    pub blob_garbage_bytes: u64,
    /// Bytes in write buffers.
    pub buffer_bytes: u64,
    /// Bytes in the cache, buffers among them.
    pub cache_bytes: u64,
    /// What the cache may hold at most.
    pub cache_capacity_bytes: u64,
    /// Bytes free on the disk for this process.
    pub free_bytes: u64,
    /// Inodes free on it; `u64::MAX` where the file system does not count them.
    pub free_inodes: u64,
}

impl RocksStore {
    /// Reads the figures; one that cannot be had is zero. Cheap: no file is read.
    pub fn health(&self) -> Health {
        let disk = rustix::fs::statvfs(&self.path).inspect_err(|error| {
            tracing::error!(%error, path = %self.path.display(), "the disk does not tell what is free");
        });
        let families = self.families().map(|f| f.to_vec()).unwrap_or_default();
        let sum = |name: &str| families.iter().map(|f| self.figure(Some(f), name)).sum();
        Health {
            background_errors: self.figure(None, "rocksdb.background-errors"),
            failing: self.failing.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
            refused_commits: self.refused.load(Ordering::Relaxed),
            write_stopped: self.figure(None, "rocksdb.is-write-stopped") != 0,
            delayed_write_rate: self.figure(None, "rocksdb.actual-delayed-write-rate"),
            pending_compaction_bytes: sum("rocksdb.estimate-pending-compaction-bytes"),
            table_bytes: sum("rocksdb.total-sst-files-size"),
            blob_bytes: sum("rocksdb.total-blob-file-size"),
            blob_garbage_bytes: sum("rocksdb.live-blob-file-garbage-size"),
            buffer_bytes: sum("rocksdb.cur-size-all-mem-tables"),
            cache_bytes: self.figure(self.named(BODIES).ok(), "rocksdb.block-cache-usage"),
            cache_capacity_bytes: self.figure(self.named(BODIES).ok(), "rocksdb.block-cache-capacity"),
            free_bytes: disk.as_ref().map_or(0, |d| d.f_bavail.saturating_mul(d.f_frsize)),
            free_inodes: disk.map_or(0, |d| if d.f_files == 0 { u64::MAX } else { d.f_favail }),
        }
    }

    pub(crate) fn figure(&self, family: Option<&rocksdb::ColumnFamily>, name: &str) -> u64 {
        let value = match family {
            Some(family) => self.db.property_int_value_cf(family, name),
            None => self.db.property_int_value(name),
        };
        value.ok().flatten().unwrap_or(0)
    }
}
