//! Messages in files: where they lie on the disk, one after the other.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::UNIX_EPOCH;

use sigillo_archive::maildir;
use sigillo_archive::mbox::{Quoting, Reader};
use sigillo_archive::message::{self, Wrong};
use sigillo_base::limits::RECEPTION_LIMIT;
use sigillo_base::{Complaint, Said, Timestamp, said};

use super::super::super::Error;

/// The folder of a mailbox to which a single file or a folder of `.eml` belongs.
const INBOX: &str = "INBOX";
/// Levels of folders that are looked into.
const DEPTH: usize = 20;

/// A form of mailboxes as files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Files, one for each folder.
    Mbox(Quoting),
    /// A folder of the disk for each folder, a file for each message.
    Maildir,
    /// Files of one message, for a single folder.
    Eml,
}

/// A form and a path: `maildir:/srv/posta/anna`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The form.
    pub form: Form,
    /// Where.
    pub path: PathBuf,
}

impl FromStr for Place {
    type Err = Complaint;

    fn from_str(text: &str) -> Result<Self, Complaint> {
        let (form, path) = text.split_once(':').unwrap_or_default();
        let form = match form {
            "mbox" => Form::Mbox(Quoting::All),
            "mboxo" => Form::Mbox(Quoting::One),
            "maildir" => Form::Maildir,
            "eml" => Form::Eml,
            _ => {
                return Err(Complaint(said!(
                    "mbox:, mboxo:, maildir: o eml:, e poi il percorso",
                    "mbox:, mboxo:, maildir: or eml:, and then the path"
                )));
            }
        };
        if path.is_empty() {
            return Err(Complaint(said!("manca il percorso", "the path is missing")));
        }
        Ok(Self { form, path: path.into() })
    }
}

/// A message found, or something in its place that is none.
#[derive(Debug)]
pub struct Found {
    /// The file, and in an mbox which message of it.
    pub place: String,
    /// When it came.
    pub date: Timestamp,
    /// Its flags as IMAP writes them.
    pub flags: Vec<String>,
    /// Its bytes, or why there are none.
    pub bytes: Result<Vec<u8>, Said>,
}

/// A folder as files.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Its full name, levels separated by `/`.
    pub name: String,
    form: Form,
    /// An mbox, or a folder of the disk.
    path: PathBuf,
}

fn failed<'p>(path: &'p Path) -> impl FnOnce(std::io::Error) -> Error + 'p {
    move |source| Error::File { path: path.to_owned(), source }
}

/// What lies in a folder of the disk, by name.
fn listed(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries: std::io::Result<Vec<_>> = fs::read_dir(path).map_err(failed(path))?.collect();
    let mut paths: Vec<PathBuf> = entries.map_err(failed(path))?.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The folders of a mailbox as files. `chosen`: of several that one alone, and the name of one that has none itself.
pub fn folders(place: &Place, chosen: Option<&str>) -> Result<Vec<Folder>, Error> {
    let Place { form, path } = place;
    let kind = fs::metadata(path).map_err(failed(path))?;
    let one = |name: &str| Folder { name: name.to_owned(), form: *form, path: path.clone() };
    let mut found = Vec::new();
    match form {
        Form::Eml => return Ok(vec![one(chosen.unwrap_or(INBOX))]),
        Form::Mbox(_) if kind.is_file() => return Ok(vec![one(chosen.unwrap_or(INBOX))]),
        Form::Mbox(_) => mboxes(*form, path, &mut Vec::new(), &mut found)?,
        Form::Maildir => {
            if !path.join("cur").is_dir() {
                return Err(Error::Refused(said!(
                    "{}: non è una Maildir: manca cur",
                    "{}: it is no Maildir: cur is missing",
                    path.display()
                )));
            }
            found.push(one(INBOX));
            for below in listed(path)?.into_iter().filter(|p| p.join("cur").is_dir()) {
                if let Some(name) = maildir::folder(&name_of(&below)) {
                    found.push(Folder { name, form: *form, path: below });
                }
            }
        }
    }
    found.retain(|folder| chosen.is_none_or(|name| folder.name == name));
    if found.is_empty() {
        return Err(Error::Refused(said!(
            "{}: non c'è nessuna cartella da leggere",
            "{}: there is no folder to be read",
            path.display()
        )));
    }
    Ok(found)
}

/// The files `A/B.mbox` below a folder of the disk.
fn mboxes(form: Form, path: &Path, above: &mut Vec<String>, found: &mut Vec<Folder>) -> Result<(), Error> {
    for path in listed(path)? {
        let name = name_of(&path);
        if let Some(name) = name.strip_suffix(".mbox").filter(|_| path.is_file()) {
            let levels = above.iter().cloned().chain([maildir::level_of(name)]);
            found.push(Folder { name: levels.collect::<Vec<_>>().join("/"), form, path });
        } else if path.is_dir() && above.len() < DEPTH {
            above.push(maildir::level_of(&name));
            mboxes(form, &path, above, found)?;
            above.pop();
        }
    }
    Ok(())
}

impl Folder {
    /// Its messages, each read when its turn comes.
    pub fn messages(&self) -> Result<Box<dyn Iterator<Item = Found>>, Error> {
        match self.form {
            Form::Mbox(quoting) => {
                let file = File::open(&self.path).map_err(failed(&self.path))?;
                let name = self.path.display().to_string();
                let reader = Reader::new(BufReader::new(file), quoting, RECEPTION_LIMIT);
                Ok(Box::new(reader.enumerate().map(move |(at, entry)| {
                    let place = format!("{name}#{}", at + 1);
                    match entry {
                        Ok(e) => {
                            let (date, bytes) = (e.date.unwrap_or_default(), e.bytes.map_err(Said::from));
                            Found { place, date, flags: e.flags, bytes }
                        }
                        Err(error) => broken(place, Said::verbatim(error)),
                    }
                })))
            }
            Form::Maildir => {
                let keywords = fs::read_to_string(self.path.join("dovecot-keywords")).unwrap_or_default();
                let keywords = maildir::keywords(&keywords);
                let mut files = listed(&self.path.join("cur"))?;
                if self.path.join("new").is_dir() {
                    files.extend(listed(&self.path.join("new"))?);
                }
                // By time of arrival, which begins the name, so that UIDs follow it.
                files.sort_by_key(|path| name_of(path));
                Ok(Box::new(files.into_iter().map(move |path| {
                    let flags = maildir::flags(&name_of(&path), &keywords);
                    file(&path, flags)
                })))
            }
            Form::Eml => {
                let is_eml = |path: &PathBuf| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("eml"));
                let files = listed(&self.path)?.into_iter().filter(is_eml);
                Ok(Box::new(files.map(|path| file(&path, Vec::new()))))
            }
        }
    }
}

fn broken(place: String, why: Said) -> Found {
    Found { place, date: Timestamp::default(), flags: Vec::new(), bytes: Err(why) }
}

/// The message in a file; it came when the file was last written.
fn file(path: &Path, flags: Vec<String>) -> Found {
    let place = path.display().to_string();
    let kind = match fs::symlink_metadata(path) {
        Ok(kind) if kind.is_file() => kind,
        Ok(_) => return broken(place, said!("non è un file", "it is no file")),
        Err(error) => return broken(place, Said::verbatim(error)),
    };
    let age = kind.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let date = Timestamp::default().plus(age);
    if kind.len() > RECEPTION_LIMIT {
        return Found { date, ..broken(place, Wrong::TooLarge(RECEPTION_LIMIT).into()) };
    }
    let bytes = match fs::read(path) {
        Ok(bytes) => message::of(bytes).map_err(Said::from),
        Err(error) => Err(Said::verbatim(error)),
    };
    Found { place, date, flags, bytes }
}
