//! What can go wrong between a use-case and its rows.

use thiserror::Error;

/// Why a store could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// A row is not what the batch expected: somebody else was faster. Run the transaction again.
    #[error("conflict with another transaction")]
    Conflict,
    /// The store cannot do it now (disk full, writes stalled, an I/O error that may pass). For the peer a 4xx.
    #[error("store temporarily unavailable: {0}")]
    Temporary(String),
    /// A row is damaged or misses a part that must be there. Other rows are not touched by this.
    #[error("corrupt row {}: {what}", hex(.key))]
    Corrupt {
        /// The row's key; empty when the engine cannot tell it.
        key: Vec<u8>,
        /// What is wrong with it.
        what: String,
    },
    /// A key, a value or a batch is longer than the seam allows: a defect of the caller.
    #[error("{what} of {len} bytes, the limit is {limit}")]
    TooLarge {
        /// "key", "value", "batch", "riding bodies" or "rope".
        what: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A scan's range leaves its key tag, or has no tag: a defect of the caller.
    #[error("the range {} to {} leaves its key tag", hex(.from), hex(.to))]
    Range {
        /// Lower bound.
        from: Vec<u8>,
        /// Upper bound.
        to: Vec<u8>,
    },
    /// A newer program wrote the store: this one does not know what its rows mean.
    #[error(
        "the store has format {0}, newer than this program: start the one that wrote it, or restore an older backup"
    )]
    Newer(u32),
    /// A body that is to be linked or read is not stored.
    #[error("body {0} is not stored")]
    NoBody(crate::BodyId),
}

impl Error {
    /// Whether the same request may succeed later without a change: a conflict or a temporary fault.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Conflict | Self::Temporary(_))
    }

    /// A damaged row.
    pub fn corrupt(key: impl AsRef<[u8]>, what: impl Into<String>) -> Self {
        Self::Corrupt { key: key.as_ref().to_vec(), what: what.into() }
    }
}

/// Keys in error texts: hexadecimal, cut at 64 bytes.
fn hex(bytes: &[u8]) -> String {
    let mut text: String = bytes.iter().take(64).map(|b| format!("{b:02x}")).collect();
    if bytes.len() > 64 {
        text.push('…');
    }
    text
}
