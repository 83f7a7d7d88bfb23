//! The column families and their options.

use rocksdb::{
    BlockBasedOptions, ColumnFamily, ColumnFamilyDescriptor, DBCompressionType, LogLevel, Options as RocksOptions,
};
use sigillo_store::tag::{self, Pattern};

use crate::{Memory, Options, RocksStore};

/// Ordinary rows.
pub(crate) const ROWS: &str = "rows";
/// Rows that live shortly.
pub(crate) const QUEUE: &str = "queue";
/// Chunks of bodies.
pub(crate) const BODIES: &str = "bodies";
/// Every family; RocksDB insists on its "default", which stays empty.
pub(crate) const ALL: [&str; 4] = ["default", ROWS, QUEUE, BODIES];

/// Values shorter than this stay in the tables, in bytes.
pub(crate) const MIN_BLOB: u64 = 4096;
/// Where garbage is collected, compaction rewrites live blobs out of this oldest part of the blob files …
pub(crate) const BLOB_GC_AGE: f64 = 0.5;
/// … and is forced when this part of them is garbage.
pub(crate) const BLOB_GC_FORCE: f64 = 0.25;
/// A table where so many of so many neighbours are deletions is compacted soon: no scan wades through them for long.
const DELETIONS: (usize, usize, f64) = (4096, 1024, 0.5);

impl RocksStore {
    /// The family that holds keys of this key's tag.
    pub(crate) fn family(&self, key: &[u8]) -> Result<&ColumnFamily, sigillo_store::Error> {
        let tag = key.first().copied().unwrap_or_default();
        self.named(match tag::pattern(tag) {
            Pattern::Rows => ROWS,
            Pattern::Queue => QUEUE,
            Pattern::Bodies => BODIES,
        })
    }

    pub(crate) fn named(&self, name: &str) -> Result<&ColumnFamily, sigillo_store::Error> {
        self.db
            .cf_handle(name)
            .ok_or_else(|| sigillo_store::Error::Temporary(format!("column family {name} is closed")))
    }

    /// The families with data.
    pub(crate) fn families(&self) -> Result<[&ColumnFamily; 3], sigillo_store::Error> {
        Ok([self.named(ROWS)?, self.named(QUEUE)?, self.named(BODIES)?])
    }
}

/// Options of the whole database.
pub(crate) fn database(options: &Options, new: bool) -> RocksOptions {
    let mut db = RocksOptions::default();
    db.create_if_missing(new);
    db.create_missing_column_families(true);
    db.set_paranoid_checks(true);
    // A log that was synced and is gone or cut is damage, not the end of the data.
    db.set_track_and_verify_wals_in_manifest(true);
    // A torn write at the end of the log was never acknowledged. Damage before it stops the opening: RocksDB's default
    // would silently drop every commit after it.
    db.set_wal_recovery_mode(rocksdb::DBRecoveryMode::TolerateCorruptedTailRecords);
    db.set_max_total_wal_size((options.memory.bytes() as u64).max(64 << 20));
    db.set_max_background_jobs(i32::from(options.background_jobs.max(2)));
    db.set_max_open_files(i32::from(options.max_open_files.max(64)));
    db.set_bytes_per_sync(1 << 20);
    db.set_keep_log_file_num(10);
    db.set_log_level(LogLevel::Warn);
    db.set_stats_dump_period_sec(0);
    // Who waits for the disk with others sleeps: turning round meanwhile costs a twentieth of a message's CPU time.
    db.set_enable_write_thread_adaptive_yield(false);
    db.set_write_buffer_manager(&options.memory.buffers);
    db
}

pub(crate) fn descriptors(options: &Options) -> Vec<ColumnFamilyDescriptor> {
    ALL.iter().map(|name| ColumnFamilyDescriptor::new(*name, family(name, &options.memory))).collect()
}

fn family(name: &str, memory: &Memory) -> RocksOptions {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&memory.cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_bloom_filter(10.0, false);
    table.set_block_size(if name == ROWS { 8 << 10 } else { 4 << 10 });
    let mut family = RocksOptions::default();
    family.set_block_based_table_factory(&table);
    family.set_level_compaction_dynamic_level_bytes(true);
    family.set_max_write_buffer_number(4);
    let (window, trigger, ratio) = DELETIONS;
    family.add_compact_on_deletion_collector_factory(window, trigger, ratio);
    let buffer = memory.bytes() / 8;
    match name {
        QUEUE => {
            family.set_compression_type(DBCompressionType::None);
            family.set_write_buffer_size(buffer.min(16 << 20));
            family.set_target_file_size_base(16 << 20);
        }
        BODIES => {
            family.set_compression_type(DBCompressionType::Lz4);
            family.set_write_buffer_size(buffer.min(64 << 20));
            family.set_enable_blob_files(true);
            family.set_min_blob_size(MIN_BLOB);
            family.set_blob_file_size(256 << 20);
            family.set_blob_compression_type(DBCompressionType::Lz4);
            family.set_enable_blob_gc(true);
            // The names of bodies are hashes: each compaction meets blobs of every age, and would write half of an archive
            // anew that has nothing to give back. So none is rewritten until it is worth it (`RocksStore::reclaim`).
            family.set_blob_gc_age_cutoff(0.0);
            family.set_blob_gc_force_threshold(BLOB_GC_FORCE);
            // No cache of blobs: what is read again soon lies in the system's, and a large body would push out all rows.
        }
        _ => {
            family.set_compression_type(DBCompressionType::Lz4);
            family.set_bottommost_compression_type(DBCompressionType::Zstd);
            family.set_write_buffer_size(buffer.min(64 << 20));
        }
    }
    family
}
