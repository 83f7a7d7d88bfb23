//! What the store takes on the disk, and giving back what nothing needs any more.

use std::fs;

use rocksdb::{BottommostLevelCompaction, ColumnFamily, CompactOptions, FlushOptions, WaitForCompactOptions};
use sigillo_store::Error;

use crate::error::fault;
use crate::families::{BLOB_GC_AGE, BODIES, QUEUE, ROWS};
use crate::{Health, RocksStore};

/// Garbage of more than one part in so many is worth writing all blobs anew, where somebody asks for it.
const WORTH: u64 = 20;
/// Garbage of more than one part in so many is collected while the store works …
const COLLECT: u64 = 4;
/// … until less than one in so many is left: for each byte that comes back a few are written anew, and not many.
const ENOUGH: u64 = 8;

/// Figures of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// The families with data.
    pub families: Vec<Family>,
    /// Bytes of write-ahead logs.
    pub log_bytes: u64,
    /// Bytes of all files in its folder.
    pub disk_bytes: u64,
}

/// A column family in figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Family {
    /// `rows`, `queue` or `bodies`.
    pub name: &'static str,
    /// Table files.
    pub tables: u64,
    /// Their bytes.
    pub table_bytes: u64,
    /// Blob files.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Bytes of them that nothing refers to any more.
    pub garbage_bytes: u64,
    /// Bytes in tables and blobs that would be left after a compaction, estimated.
    pub live_bytes: u64,
    /// Rows, estimated; those in write buffers among them.
    pub keys: u64,
}

impl RocksStore {
    /// Reads the figures. Cheap: no file is read.
    ///
    /// # Errors
    /// The disk's fault.
    pub fn stats(&self) -> Result<Stats, Error> {
        let failed = |e: std::io::Error| Error::Temporary(format!("{}: {e}", self.path.display()));
        let tables = self.db.live_files().map_err(|e| fault(&e))?;
        let mut stats = Stats::default();
        for name in [ROWS, QUEUE, BODIES] {
            let family = self.named(name)?;
            let figure = |figure: &str| self.figure(Some(family), figure);
            stats.families.push(Family {
                name,
                tables: tables.iter().filter(|table| table.column_family_name == name).count() as u64,
                table_bytes: figure("rocksdb.total-sst-files-size"),
                blobs: figure("rocksdb.num-blob-files"),
                blob_bytes: figure("rocksdb.total-blob-file-size"),
                garbage_bytes: figure("rocksdb.live-blob-file-garbage-size"),
                live_bytes: figure("rocksdb.estimate-live-data-size"),
                keys: figure("rocksdb.estimate-num-keys"),
            });
        }
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let len = match entry.metadata() {
                // Compaction was faster.
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                found => found.map_err(failed)?.len(),
            };
            stats.disk_bytes += len;
            if entry.path().extension().is_some_and(|end| end == "log") {
                stats.log_bytes += len;
            }
        }
        Ok(stats)
    }

    /// Writes all buffers out to table and blob files.
    ///
    /// # Errors
    /// The disk's fault.
    pub fn flush(&self) -> Result<(), Error> {
        let families = self.families()?;
        self.db.flush_cfs_opt(&families, &FlushOptions::default()).map_err(|e| fault(&e))
    }

    /// Rewrites everything, so that what was deleted gives its space back now. Long, and heavy for the disk, which must
    /// have room for the live data of a family once more; the store serves meanwhile.
    ///
    /// # Errors
    /// The disk's fault.
    pub fn compact(&self) -> Result<(), Error> {
        self.flush()?;
        for family in [self.named(ROWS)?, self.named(QUEUE)?] {
            self.rewrite(family);
        }
        // Which blobs are garbage is known once the tables are rewritten.
        let bodies = self.named(BODIES)?;
        let (blobs, garbage) = ("rocksdb.total-blob-file-size", "rocksdb.live-blob-file-garbage-size");
        self.rewrite_blobs_older(bodies, 0.0)?;
        if self.figure(Some(bodies), garbage) > self.figure(Some(bodies), blobs) / WORTH {
            self.rewrite_blobs_older(bodies, 1.0)?;
        }
        self.settle()
    }

    /// Has compactions give back what was deleted of bodies, as long as that is worth what they then write anew. To be asked
    /// now and then; cheap.
    ///
    /// # Errors
    /// The disk's fault.
    pub fn reclaim(&self, health: &Health) -> Result<(), Error> {
        // Whoever rewrites everything has it.
        let Some(mut part) = self.collected.try_lock() else { return Ok(()) };
        let worth = health.blob_bytes / if *part > 0.0 { ENOUGH } else { COLLECT };
        let wanted = if health.blob_garbage_bytes > worth { BLOB_GC_AGE } else { 0.0 };
        if wanted.total_cmp(&part).is_ne() {
            let Health { blob_bytes, blob_garbage_bytes, .. } = health;
            tracing::info!(part = wanted, blob_bytes, blob_garbage_bytes, "garbage of bodies is collected");
            self.collect(&mut part, wanted)?;
        }
        Ok(())
    }

    /// Has compactions rewrite the live blobs out of this oldest part of the blob files; `is` is what they do.
    fn collect(&self, is: &mut f64, part: f64) -> Result<(), Error> {
        let option = ("blob_garbage_collection_age_cutoff", part.to_string());
        self.db.set_options_cf(self.named(BODIES)?, &[(option.0, &option.1)]).map_err(|e| fault(&e))?;
        *is = part;
        Ok(())
    }

    /// Rewrites the tables of bodies, and the live blobs out of this oldest part of the blob files.
    fn rewrite_blobs_older(&self, bodies: &ColumnFamily, part: f64) -> Result<(), Error> {
        let mut is = self.collected.lock();
        self.collect(&mut is, part)?;
        self.rewrite(bodies);
        self.collect(&mut is, 0.0)
    }

    fn rewrite(&self, family: &ColumnFamily) {
        let mut options = CompactOptions::default();
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        self.db.compact_range_cf_opt(family, None::<&[u8]>, None::<&[u8]>, &options);
    }

    /// Waits until no flush and no compaction is under way or due.
    ///
    /// # Errors
    /// The disk's fault.
    pub fn settle(&self) -> Result<(), Error> {
        self.db.wait_for_compact(&WaitForCompactOptions::default()).map_err(|e| fault(&e))
    }

    /// Breaks off flushes and compactions, for good: for the end of a process, which waits for none. What is committed
    /// is in the log.
    pub fn interrupt(&self) {
        self.db.cancel_all_background_work(true);
    }
}
