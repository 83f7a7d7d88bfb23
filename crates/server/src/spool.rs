//! Messages on their way in lie in files without a name: whatever ends the process, the system gives their room back.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sigillo_engine::{Spool, Spooled};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::files;

/// Messages on their way at once that are larger than a connection holds in memory: each takes a file descriptor.
pub const PLACES: usize = 1000;

/// A folder of nameless files.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    places: Arc<Semaphore>,
}

impl Folder {
    /// Makes the folder where there is none, for its owner alone.
    ///
    /// # Errors
    /// With the folder's name.
    pub fn open(path: &Path) -> io::Result<Self> {
        files::folder(path).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
        Ok(Self { path: path.to_owned(), places: Arc::new(Semaphore::new(PLACES)) })
    }
}

impl Spool for Folder {
    fn open(&self) -> io::Result<Box<dyn Spooled>> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| io::Error::other(format!("{PLACES} large messages are on their way already")))?;
        Ok(Box::new(Place { file: tempfile::tempfile_in(&self.path)?, _place: place }))
    }
}

struct Place {
    file: File,
    _place: OwnedSemaphorePermit,
}

impl Read for Place {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.read(bytes)
    }
}

impl Write for Place {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Place {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_no_name_and_there_are_only_so_many() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let spool = Folder::open(&path).unwrap();
        let mut place = spool.open().unwrap();
        place.write_all(b"in arrivo").unwrap();
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0, "nothing to clean up after a crash");
        place.rewind().unwrap();
        let mut text = String::new();
        place.read_to_string(&mut text).unwrap();
        assert_eq!(text, "in arrivo");
        let mut others: Vec<_> = (1..PLACES).map(|_| spool.open()).collect::<Result<_, _>>().unwrap();
        assert!(spool.open().is_err());
        others.pop();
        assert!(spool.open().is_ok(), "a place comes back");
    }
}
