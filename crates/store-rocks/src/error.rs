//! What RocksDB says, in the words of the seam.

use std::path::PathBuf;

use rocksdb::ErrorKind;
use thiserror::Error;

/// Why a store could not be opened.
#[derive(Debug, Error)]
pub enum Error {
    /// Another process (or this one) has it open.
    #[error("the store in {} is in use by another process: only one server may open it at a time", .0.display())]
    InUse(PathBuf),
    /// There is data in the folder, but not a store: something was lost or half copied. Nothing was changed.
    #[error("{} holds data of a store but no CURRENT file: move it aside and bring a backup back with \
             `sigillo store restore`", .0.display())]
    Incomplete(PathBuf),
    /// A newer release wrote it.
    #[error("the store in {} has a part this release does not know ({name}): a newer release wrote it", path.display())]
    Newer {
        /// Where it lies.
        path: PathBuf,
        /// The part's name.
        name: String,
    },
    /// The write-ahead log is damaged before its end: commits after that are there, but cannot be trusted. Nothing was
    /// changed.
    #[error(
        "{} is damaged at byte {offset}, before its end: opening it would lose every commit after that; move the folder \
         aside, keep it for an examination, and bring a backup back with `sigillo store restore`",
        path.display()
    )]
    Damaged {
        /// The log.
        path: PathBuf,
        /// Where, in bytes.
        offset: u64,
    },
    /// The folder cannot be made or read.
    #[error("{}: {source}", path.display())]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// RocksDB refuses it.
    #[error("the store in {} cannot be opened: {text}", path.display())]
    Refused {
        /// Where it lies.
        path: PathBuf,
        /// What RocksDB says.
        text: String,
    },
}

/// A fault of a running store. What is not damage may pass: the peer hears 4xx and tries again, and nothing is lost.
pub(crate) fn fault(error: &rocksdb::Error) -> sigillo_store::Error {
    fault_at(error, &[])
}

/// The same, when it came up at this key.
pub(crate) fn fault_at(error: &rocksdb::Error, key: &[u8]) -> sigillo_store::Error {
    match error.kind() {
        ErrorKind::Corruption => sigillo_store::Error::corrupt(key, error.to_string()),
        _ => sigillo_store::Error::Temporary(error.to_string()),
    }
}
