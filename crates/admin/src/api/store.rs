//! The store.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The store by its last look, a second ago at the most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreStatus {
    /// Its folder.
    pub path: String,
    /// `well`; `full` or `inodes` while less is free than the reserve, `failing` while commits fail, `background`
    /// after errors in flushes or compactions, `stalled` while writes stand still. Unless `well` nothing is accepted.
    pub state: String,
    /// Why it is not well.
    pub why: Option<String>,
    /// Free bytes on its disk.
    pub free_bytes: u64,
    /// Below so many free bytes nothing is accepted.
    pub reserve_bytes: u64,
    /// Free inodes on its disk; absent where the file system does not count them.
    pub free_inodes: Option<u64>,
    /// Below so many free inodes nothing is accepted.
    pub reserve_inodes: u64,
}
