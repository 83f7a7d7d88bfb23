//! Files that are written whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use sigillo_base::{Complaint, said};

/// Writes a file that anybody may read: beside, synced, then renamed over the old one, and the folder synced.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, 0o644)
}

/// The same for secrets: mode 0600 from the first moment.
pub fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, 0o600)
}

/// Makes a folder, with those above it, that only its owner may enter. One that is there stays as it is.
pub fn folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Takes a folder for this process alone, until the file that is given back gets closed; a killed process leaves
/// nothing behind. The error of a second taker is `WouldBlock`.
pub fn lock(folder: &Path) -> io::Result<fs::File> {
    let path = folder.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            let why = said!(
                "{}: un altro processo usa già questa cartella",
                "{}: another process uses this folder already",
                folder.display()
            );
            Err(io::Error::new(io::ErrorKind::WouldBlock, Complaint(why)))
        }
        Err(fs::TryLockError::Error(e)) => Err(e),
    }
}

/// Removes a file; one that is not there is fine.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", path.display()));
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = Path::new(&fresh);
    remove(fresh).map_err(named)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(fresh).map_err(named)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(named)?;
    fs::rename(fresh, path).map_err(named)?;
    // The new name is only sure once the folder is.
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_folder_is_locked_until_its_holder_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path()).unwrap();
        assert_eq!(lock(folder.path()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(held);
        assert!(lock(folder.path()).is_ok());
    }

    #[test]
    fn secrets_are_for_their_owner_even_over_an_open_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.pem");
        write(&path, b"a").unwrap();
        write_secret(&path, b"b").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"b");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        remove(&path).unwrap();
        remove(&path).unwrap();
    }
}
