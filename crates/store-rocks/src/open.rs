//! Opening: one process at a time, and never a new store where an old one lost its head.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};

use parking_lot::Mutex;
use rocksdb::{DB, Options as RocksOptions};

use crate::{Error, Options, RocksStore, backup, families, stripes::Stripes, wal};

impl RocksStore {
    /// Opens the store in this folder; makes it when there is none.
    ///
    /// # Errors
    /// [`Error::InUse`] when it is open already; the other kinds tell what is wrong with the folder.
    pub fn open(path: impl AsRef<Path>, options: &Options) -> Result<Self, Error> {
        let path = path.as_ref();
        let folder = |source| Error::Folder { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(folder)?;
        let lock = lock(path)?;
        let new = !path.join("CURRENT").exists();
        if new && holds_data(path).map_err(folder)? {
            return Err(Error::Incomplete(path.to_owned()));
        }
        let database = families::database(options, new);
        if !new {
            only_known_families(path, &database)?;
            wal::check(path)?;
        }
        let db =
            DB::open_cf_descriptors(&database, path, families::descriptors(options)).map_err(|e| refused(path, &e))?;
        // It is ours now: no other process makes a backup of it.
        backup::tidy(path);
        tracing::info!(path = %path.display(), new, "store opened");
        Ok(Self {
            db,
            lock,
            path: path.to_owned(),
            stripes: Stripes::new(),
            stall_limit: options.stall_limit,
            later: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            deleted: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            failing: AtomicBool::new(false),
            collected: Mutex::new(0.0),
            backing_up: Mutex::new(()),
        })
    }
}

/// Makes the folder ours before anything in it is read: a log that another process writes to looks damaged, and RocksDB
/// takes its own lock only afterwards. The kernel gives it back when the process ends, however it ends.
fn lock(path: &Path) -> Result<File, Error> {
    let failed = |source| Error::Folder { path: path.to_owned(), source };
    let folder = File::open(path).map_err(failed)?;
    match folder.try_lock() {
        Ok(()) => Ok(folder),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Whether tables, blobs or logs lie there. Without a CURRENT file RocksDB would take the folder for empty and delete
/// them.
fn holds_data(path: &Path) -> Result<bool, std::io::Error> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        let name = Path::new(&name);
        let numbered = name.file_stem().is_some_and(|s| s.to_string_lossy().bytes().all(|b| b.is_ascii_digit()));
        if numbered && name.extension().is_some_and(|e| e == "sst" || e == "blob" || e == "log") {
            return Ok(true);
        }
    }
    Ok(false)
}

fn only_known_families(path: &Path, database: &RocksOptions) -> Result<(), Error> {
    let there = DB::list_cf(database, path).map_err(|e| refused(path, &e))?;
    match there.into_iter().find(|name| !families::ALL.contains(&name.as_str())) {
        Some(name) => Err(Error::Newer { path: path.to_owned(), name }),
        None => Ok(()),
    }
}

fn refused(path: &Path, error: &rocksdb::Error) -> Error {
    let text = error.to_string();
    // "While lock file: …/LOCK" for another process, "lock hold by current process" for this one.
    if text.contains("While lock file") || text.contains("lock hold by current process") {
        return Error::InUse(path.to_owned());
    }
    Error::Refused { path: path.to_owned(), text }
}
