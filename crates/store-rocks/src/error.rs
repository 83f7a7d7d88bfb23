//! What RocksDB says, in the words of the seam.

use std::fmt;
use std::path::PathBuf;

use rocksdb::ErrorKind;
use sigillo_base::{Said, Tell, said};

/// Why a store could not be opened.
#[derive(Debug)]
pub enum Error {
    /// Another process (or this one) has it open.
    InUse(PathBuf),
    /// There is data in the folder, but not a store: something was lost or half copied. Nothing was changed.
    Incomplete(PathBuf),
    /// A newer release wrote it.
    Newer {
        /// Where it lies.
        path: PathBuf,
        /// The part's name.
        name: String,
    },
    /// The write-ahead log is damaged before its end: commits after that are there, but cannot be trusted. Nothing was
    /// changed.
    Damaged {
        /// The log.
        path: PathBuf,
        /// Where, in bytes.
        offset: u64,
    },
    /// The folder cannot be made or read.
    Folder {
        /// Which folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// RocksDB refuses it.
    Refused {
        /// Where it lies.
        path: PathBuf,
        /// What RocksDB says.
        text: String,
    },
}

impl Tell for Error {
    fn said(&self) -> Said {
        match self {
            Self::InUse(path) => said!(
                "l'archivio in {} è usato da un altro processo: lo può aprire un solo server per volta",
                "the store in {} is in use by another process: only one server may open it at a time",
                path.display()
            ),
            Self::Incomplete(path) => said!(
                "{} contiene dati di un archivio ma non il file CURRENT: spostarla e riportare una copia con \
                 `sigillo store restore`",
                "{} holds data of a store but no CURRENT file: move it aside and bring a backup back with \
                 `sigillo store restore`",
                path.display()
            ),
            Self::Newer { path, name } => said!(
                "l'archivio in {} ha una parte che questa versione non conosce ({name}): l'ha scritta una più recente",
                "the store in {} has a part this release does not know ({name}): a newer release wrote it",
                path.display()
            ),
            Self::Damaged { path, offset } => said!(
                "{} è danneggiato al byte {offset}, prima della sua fine: ad aprirlo andrebbe perso ogni commit che segue; \
                 spostare la cartella, conservarla per un esame, e riportare una copia con `sigillo store restore`",
                "{} is damaged at byte {offset}, before its end: opening it would lose every commit after that; move the \
                 folder aside, keep it for an examination, and bring a backup back with `sigillo store restore`",
                path.display()
            ),
            Self::Folder { path, source } => Said::verbatim(source).about(path.display()),
            Self::Refused { path, text } => said!(
                "l'archivio in {} non si apre: {text}",
                "the store in {} cannot be opened: {text}",
                path.display()
            ),
        }
    }
}

/// In English, as all that the logs have of the store.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said().en)
    }
}

impl std::error::Error for Error {}

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
