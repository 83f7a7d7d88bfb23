//! Messages into files.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use sigillo_archive::{maildir, mbox};
use sigillo_base::{Timestamp, said};

use super::super::super::Error;
use super::source::{Form, Place};

/// A folder on its way into files. Only the user may read what is written.
pub enum Target {
    /// Into one file.
    Mbox {
        /// The file.
        path: PathBuf,
        /// Its end.
        out: BufWriter<File>,
        /// The keywords of its messages, until the first one is written.
        keywords: Vec<String>,
    },
    /// Into a file for each message.
    Maildir {
        /// The folder of the disk.
        path: PathBuf,
        /// Keywords by letter.
        keywords: Vec<String>,
    },
}

fn failed<'p>(path: &'p Path) -> impl Fn(std::io::Error) -> Error + 'p {
    move |source| Error::File { path: path.to_owned(), source }
}

fn make_dirs(path: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(path))
}

fn create(path: &Path) -> Result<File, Error> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed(path))
}

/// Makes the folder of the disk for an export. What lies there already would be mixed with it: then it is refused.
pub fn begin(place: &Place) -> Result<(), Error> {
    let path = &place.path;
    make_dirs(path)?;
    if fs::read_dir(path).map_err(failed(path))?.next().is_some() {
        return Err(Error::Refused(said!(
            "{}: la cartella non è vuota",
            "{}: the folder is not empty",
            path.display()
        )));
    }
    Ok(())
}

impl Target {
    /// Begins a folder, whose messages bear these flags.
    pub fn open<'f>(place: &Place, folder: &str, flags: impl Iterator<Item = &'f String>) -> Result<Self, Error> {
        if place.form == Form::Maildir {
            let path = place.path.join(maildir::directory(folder));
            for part in ["cur", "new", "tmp"] {
                make_dirs(&path.join(part))?;
            }
            if folder != "INBOX" {
                create(&path.join("maildirfolder"))?;
            }
            return Ok(Self::Maildir { path, keywords: Vec::new() });
        }
        let levels: Vec<String> = folder.split('/').map(maildir::level).collect();
        let path = place.path.join(format!("{}.mbox", levels.join("/")));
        make_dirs(path.parent().unwrap_or(&place.path))?;
        let out = BufWriter::new(create(&path)?);
        let keywords: BTreeSet<&String> = flags.filter(|flag| !flag.starts_with('\\')).collect();
        Ok(Self::Mbox { path, out, keywords: keywords.into_iter().cloned().collect() })
    }

    /// Writes a message; gives the keywords for which the form has no room.
    pub fn put(&mut self, bytes: &[u8], date: Timestamp, uid: u32, flags: &[String]) -> Result<Vec<String>, Error> {
        match self {
            Self::Mbox { path, out, keywords } => {
                mbox::write(out, bytes, date, flags, &std::mem::take(keywords)).map_err(failed(path))?;
                Ok(Vec::new())
            }
            Self::Maildir { path, keywords } => {
                let (name, left) = maildir::file_name(date, uid, bytes.len() as u64, flags, keywords);
                let path = path.join("cur").join(name);
                let mut file = create(&path)?;
                file.write_all(bytes).map_err(failed(&path))?;
                let seconds = u64::try_from(date.as_secs()).unwrap_or_default();
                file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).map_err(failed(&path))?;
                Ok(left)
            }
        }
    }

    /// Ends the folder; everything is on the disk, as far as the system says.
    pub fn end(self) -> Result<(), Error> {
        match self {
            Self::Mbox { path, out, .. } => {
                let file = out.into_inner().map_err(|e| failed(&path)(e.into_error()))?;
                file.sync_all().map_err(failed(&path))
            }
            Self::Maildir { path, keywords } if !keywords.is_empty() => {
                let path = path.join("dovecot-keywords");
                create(&path)?.write_all(maildir::keywords_file(&keywords).as_bytes()).map_err(failed(&path))
            }
            Self::Maildir { .. } => Ok(()),
        }
    }
}
