//! Which files hold a key: for who reports damage.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sigillo_store::Error;

use crate::RocksStore;
use crate::error::fault;

/// A blob file begins with so many bytes about itself.
const FILE_HEADER: u64 = 30;
/// Before each blob: lengths of key and value, an expiry, two checksums.
const RECORD_HEADER: usize = 32;

impl RocksStore {
    /// The table files whose keys reach around this one, and the blob files with a value of this very key, superseded
    /// values included. It walks through every blob file's keys: for a report, not for every day.
    ///
    /// # Errors
    /// The disk's fault. A blob file that cannot be walked through to its end counts as one that holds the key.
    pub fn files_of(&self, key: &[u8]) -> Result<Vec<PathBuf>, Error> {
        let around = |file: &rocksdb::LiveFile| {
            let (from, to) = (file.start_key.as_deref(), file.end_key.as_deref());
            from.is_some_and(|from| from <= key) && to.is_some_and(|to| key <= to)
        };
        let tables = self.db.live_files().map_err(|e| fault(&e))?.into_iter().filter(around);
        let mut files: Vec<PathBuf> = tables.map(|t| self.path.join(t.name.trim_start_matches('/'))).collect();
        let failed = |e: std::io::Error| Error::Temporary(format!("{}: {e}", self.path.display()));
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|e| e == "blob") && holds(&path, key).map_err(failed)? {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}

/// Walks from blob to blob, looking at the keys alone.
fn holds(path: &Path, key: &[u8]) -> Result<bool, std::io::Error> {
    let mut file = match File::open(path) {
        // Garbage collection was faster.
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    let end = file.metadata()?.len();
    let mut at = FILE_HEADER;
    while at + RECORD_HEADER as u64 <= end {
        file.seek(SeekFrom::Start(at))?;
        let mut header = [0; RECORD_HEADER];
        file.read_exact(&mut header)?;
        let number = |from: usize| header[from..from + 8].iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
        let (key_len, value_len) = (number(0), number(8));
        let next = (at + RECORD_HEADER as u64).checked_add(key_len).and_then(|n| n.checked_add(value_len));
        // The file's own last words are no blob; a header that leads out of the file is damaged.
        let Some(next) = next.filter(|next| *next <= end) else { return Ok(end - at > RECORD_HEADER as u64) };
        if key_len == key.len() as u64 {
            let mut found = vec![0; key.len()];
            file.read_exact(&mut found)?;
            if found == key {
                return Ok(true);
            }
        }
        at = next;
    }
    Ok(false)
}
