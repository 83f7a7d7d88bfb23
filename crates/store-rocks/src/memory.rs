//! Memory of stores: one budget for blocks, indexes, filters and write buffers.

use rocksdb::{Cache, WriteBufferManager};

/// The smallest budget that still works, in bytes.
const LEAST: usize = 16 << 20;

/// A budget of memory. Stores that are opened with copies of one share it.
#[derive(Clone)]
pub struct Memory {
    bytes: usize,
    /// For blocks, indexes, filters and (as a charge) write buffers.
    pub(crate) cache: Cache,
    /// Buffers are flushed when they come to half of it.
    pub(crate) buffers: WriteBufferManager,
}

impl Memory {
    /// So many bytes; at least 16 MiB.
    pub fn new(bytes: usize) -> Self {
        let bytes = bytes.max(LEAST);
        let cache = Cache::new_lru_cache(bytes);
        let buffers = WriteBufferManager::new_write_buffer_manager_with_cache(bytes / 2, false, cache.clone());
        Self { bytes, cache, buffers }
    }

    /// All of it, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Default for Memory {
    /// 256 MiB.
    fn default() -> Self {
        Self::new(256 << 20)
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
