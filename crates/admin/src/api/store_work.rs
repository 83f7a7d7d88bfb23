//! Backups of the store, its room on the disk.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `POST` [`BackupOrder`]: [`super::Step`]s to a [`Backup`].
pub const STORE_BACKUP: &str = "/v1/store/backup";
/// `POST`: [`super::Step`]s to [`Compacted`].
pub const STORE_COMPACT: &str = "/v1/store/compact";
/// `GET`: [`StoreStats`].
pub const STORE_STATS: &str = "/v1/store/stats";

/// What is wanted of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupOrder {
    /// The folder of backups, an absolute path; made when it is not there.
    pub dir: PathBuf,
    /// How many backups stay in it, the newest ones; all when absent.
    pub keep: Option<NonZeroUsize>,
}

/// A backup that was made, or brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Backup {
    /// Its number in its folder.
    pub number: u64,
    /// Where it lies, or what it became.
    pub path: String,
    /// When it was made, ISO 8601.
    pub time: String,
    /// Its files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that were copied; the rest is shared with the backup before.
    pub copied_bytes: u64,
    /// Numbers of older backups that were removed.
    pub removed: Vec<u64>,
}

/// What a migration came to, or would come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Migration {
    /// The version of the formats that the store had.
    pub from: u32,
    /// That of this release.
    pub to: u32,
    /// Rows that were read.
    pub rows: u64,
    /// Rows that were passed over because they are damaged.
    pub damaged: u64,
    /// Errors that a check of the migrated copy found; absent without a copy.
    pub errors: Option<usize>,
    /// Whether it was the store itself; else a copy, which is gone.
    pub written: bool,
}

/// What a compaction came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compacted {
    /// Bytes of the store's files before.
    pub before_bytes: u64,
    /// Bytes of them after.
    pub after_bytes: u64,
}

/// The store in figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoreStats {
    /// Its folder.
    pub path: String,
    /// Messages in all mailboxes.
    pub messages: u64,
    /// Their octets, as who reads them counts.
    pub message_bytes: u64,
    /// Bytes of its files.
    pub disk_bytes: u64,
    /// Bytes of tables and blobs that would be left after a compaction, estimated.
    pub live_bytes: u64,
    /// Bytes of blob files that nothing refers to any more.
    pub garbage_bytes: u64,
    /// Bytes of write-ahead logs.
    pub log_bytes: u64,
    /// Bytes on the disk for a byte of live data; absent while all of it is in the log.
    pub amplification: Option<f64>,
    /// Bytes on the disk for a message.
    pub bytes_per_message: Option<u64>,
    /// By column family.
    pub families: Vec<Family>,
    /// How it is.
    pub health: StoreHealth,
}

/// A column family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Family {
    /// `rows`, `queue` or `bodies`.
    pub name: String,
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
    /// Bytes that would be left after a compaction, estimated.
    pub live_bytes: u64,
    /// Rows, estimated.
    pub keys: u64,
}

/// How a store is, since it was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreHealth {
    /// Flushes and compactions that failed.
    pub background_errors: u64,
    /// Whether the last commit was refused.
    pub failing: bool,
    /// Commits refused.
    pub refused_commits: u64,
    /// Whether writes stand still until compactions catch up.
    pub write_stopped: bool,
    /// Bytes a second that writes are slowed down to; zero when they are not.
    pub delayed_write_rate: u64,
    /// Bytes that compactions have still to work through.
    pub pending_compaction_bytes: u64,
    /// Bytes in write buffers.
    pub buffer_bytes: u64,
    /// Bytes in the cache.
    pub cache_bytes: u64,
    /// What it may hold.
    pub cache_capacity_bytes: u64,
    /// Bytes free on the disk.
    pub free_bytes: u64,
    /// Inodes free on it; absent where the file system does not count them.
    pub free_inodes: Option<u64>,
}
