//! Moving the bytes of backups: copied, waited for, read back, with word of how far it is.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::{Error, Progress};

/// Bytes moved at once. A flush of the disk waits for what was written before it, also by others: in small portions, so
/// that no commit waits behind a whole file.
const PORTION: usize = 1 << 20;

/// Work of so many bytes, read or written back.
pub(super) struct Work<'p> {
    progress: Progress<'p>,
    done: u64,
    total: u64,
    buffer: Vec<u8>,
}

impl<'p> Work<'p> {
    pub(super) fn new(total: u64, progress: Progress<'p>) -> Self {
        Self { progress, done: 0, total, buffer: vec![0; PORTION] }
    }

    /// What turned out to be more.
    pub(super) fn more(&mut self, bytes: u64) {
        self.total += bytes;
    }

    /// Copies a file, waits for the disk, and reads it back; gives the digest, which is the one of both.
    pub(super) fn copy(&mut self, from: &Path, to: &Path) -> Result<blake3::Hash, Error> {
        let mut target = File::create_new(to).map_err(at(to))?;
        let digest =
            self.stream(from, |portion| target.write_all(portion).and_then(|()| target.sync_data()).map_err(at(to)))?;
        target.sync_all().map_err(at(to))?;
        drop(target);
        match self.digest(to)? == digest {
            true => Ok(digest),
            false => Err(Error::Unsound(to.to_owned())),
        }
    }

    /// Reads a file from the disk itself, and leaves the memory to what is read more often.
    pub(super) fn digest(&mut self, path: &Path) -> Result<blake3::Hash, Error> {
        let forget = || {
            let file = File::open(path)?;
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).map_err(io::Error::from)
        };
        forget().map_err(at(path))?;
        let digest = self.stream(path, |_| Ok(()))?;
        forget().map_err(at(path))?;
        Ok(digest)
    }

    fn stream(&mut self, path: &Path, mut take: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<blake3::Hash, Error> {
        let mut file = File::open(path).map_err(at(path))?;
        let mut hasher = blake3::Hasher::new();
        loop {
            let read = file.read(&mut self.buffer).map_err(at(path))?;
            if read == 0 {
                return Ok(hasher.finalize());
            }
            hasher.update(&self.buffer[..read]);
            take(&self.buffer[..read])?;
            self.done += read as u64;
            if (self.progress)(self.done, self.total) == ControlFlow::Break(()) {
                return Err(Error::Stopped);
            }
        }
    }
}

/// Makes a folder, with those above it. Mail is in it: only its owner may enter.
pub(super) fn folder(path: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(at(path))
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = File::create_new(path).map_err(at(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at(path))
}

pub(super) fn sync(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(at(folder))
}

/// Removes a folder with all in it, if it is there.
pub(super) fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(at(folder)(e)),
        _ => Ok(()),
    }
}

pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path: path.clone(), source }
}
