//! Files that are made where there are none, and never replaced.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sigillo_base::Said;

use crate::files;

/// The largest file that is read.
const MAX_FILE: u64 = 64 << 20;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was not there and is now.
    Made,
    /// It was there, as it would have been made.
    Kept,
    /// It was there and is another: it stays.
    Differs,
    /// It would be made.
    Would,
}

/// A file, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Where it is.
    pub path: PathBuf,
    /// What became of it.
    pub fate: Fate,
}

/// Where files are made.
pub(super) struct Site {
    write: bool,
    pub placed: Vec<Placed>,
    pub notes: Vec<Said>,
}

impl Site {
    /// With `write` false nothing is written, and it is only told what would be.
    pub fn new(write: bool) -> Self {
        Self { write, placed: Vec::new(), notes: Vec::new() }
    }

    /// A file for its owner alone. One that is there stays; `same` says whether it is what it should be.
    pub fn place(&mut self, path: &Path, bytes: &[u8], same: impl Fn(&[u8]) -> bool) -> Result<(), Said> {
        let fate = match read(path)? {
            Some(there) if same(&there) => Fate::Kept,
            Some(_) => Fate::Differs,
            None => self.make(path, bytes)?,
        };
        self.placed.push(Placed { path: path.to_owned(), fate });
        Ok(())
    }

    /// A key: the one that is there, or a new one.
    pub fn secret<E: std::fmt::Display>(
        &mut self,
        path: &Path,
        make: impl FnOnce() -> Result<String, E>,
    ) -> Result<String, Said> {
        let (text, fate) = match read(path)? {
            Some(there) => (String::from_utf8_lossy(&there).into_owned(), Fate::Kept),
            None => {
                let text = make().map_err(|e| of_file(path, &e))?;
                let fate = self.make(path, text.as_bytes())?;
                (text, fate)
            }
        };
        self.placed.push(Placed { path: path.to_owned(), fate });
        Ok(text)
    }

    /// A file that tells how things are now: the only kind that is written anew at each run.
    pub fn report(&mut self, path: &Path, text: &str) -> Result<(), Said> {
        let fate = self.make(path, text.as_bytes())?;
        self.placed.push(Placed { path: path.to_owned(), fate });
        Ok(())
    }

    fn make(&self, path: &Path, bytes: &[u8]) -> Result<Fate, Said> {
        if !self.write {
            return Ok(Fate::Would);
        }
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        files::folder(folder).map_err(|e| of_file(folder, &e))?;
        files::write_secret(path, bytes).map_err(|e| of_file(path, &e))?;
        Ok(Fate::Made)
    }
}

/// A file, if it is there.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Said> {
    match fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(of_file(path, &e)),
        Ok(found) if found.len() > MAX_FILE => {
            return Err(of_file(path, &io::Error::from(io::ErrorKind::FileTooLarge)));
        }
        Ok(_) => {}
    }
    fs::read(path).map(Some).map_err(|e| of_file(path, &e))
}

pub(super) fn same_bytes(wanted: &[u8]) -> impl Fn(&[u8]) -> bool {
    move |there| there == wanted
}

/// What is wrong with a file.
pub(super) fn of_file(path: &Path, error: &dyn std::fmt::Display) -> Said {
    let text = format!("{}: {error}", path.display());
    Said::verbatim(text)
}
