//! What of an account has come already: a file, one line for each message, so that a pass that broke off goes on where it
//! was, and the next one fetches only what is new.
//!
//! A line is written once the service has the message. A lost line costs a second download: the message is then found by
//! its hash. A UID means the same bytes as long as the folder's UIDVALIDITY stays (RFC 3501 §2.3.1.1).

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sigillo_base::said;

use crate::verbs::Error;

/// What is known of a message of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// The second of its INTERNALDATE.
    pub date: i64,
    /// Its flags and keywords there, in order, at the last pass.
    pub flags: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    account: String,
    mailbox: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    /// The folder as the account's server writes it, in hexadecimal where that is no text.
    folder: String,
    uid_validity: u32,
    uid: u32,
    #[serde(flatten)]
    known: Known,
}

/// Messages of a folder by UID.
pub type Folder = BTreeMap<u32, Known>;

/// The file, open for this pass alone.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: File,
    folders: HashMap<(String, u32), Folder>,
    /// The first line, as long as there is nothing behind it: a pass that fails at once leaves a file for any account.
    head: Option<Head>,
}

impl Ledger {
    /// Opens the file, or makes it; only its user may read it.
    ///
    /// # Errors
    /// It cannot be read or written, another pass has it, or it belongs to another account or mailbox.
    pub fn open(path: &Path, account: &str, mailbox: &str) -> Result<Self, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Refused(said!(
                    "{}: lo sta usando un altro passaggio",
                    "{}: another pass is using it",
                    path.display()
                )));
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        // A pass that broke off may have left half a line.
        let whole = text.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        file.set_len(whole as u64).map_err(failed)?;
        let mut ledger = Self { path: path.to_owned(), file, folders: HashMap::new(), head: None };
        let mut lines = text[..whole].split_inclusive(|b| *b == b'\n').enumerate();
        let odd = |number: usize, why: &dyn std::fmt::Display| {
            Error::Refused(said!(
                "{}, riga {}: non è di questo stato: {why}",
                "{}, line {}: not of this state: {why}",
                path.display(),
                number + 1
            ))
        };
        let Some((_, first)) = lines.next() else {
            ledger.head = Some(Head { account: account.to_owned(), mailbox: mailbox.to_owned() });
            return Ok(ledger);
        };
        let head: Head = serde_json::from_slice(first).map_err(|e| odd(0, &e))?;
        if head.account != account || head.mailbox != mailbox {
            return Err(Error::Refused(said!(
                "{}: è lo stato di {} verso {}; ne serve uno per ogni coppia",
                "{}: this is the state of {} towards {}; each pair needs its own",
                path.display(),
                head.account,
                head.mailbox
            )));
        }
        for (number, line) in lines {
            let Line { folder, uid_validity, uid, known } =
                serde_json::from_slice(line).map_err(|e| odd(number, &e))?;
            ledger.folders.entry((folder, uid_validity)).or_default().insert(uid, known);
        }
        Ok(ledger)
    }

    /// What is known of a folder.
    pub fn folder(&self, wire: &[u8], uid_validity: u32) -> Folder {
        self.folders.get(&(key(wire), uid_validity)).cloned().unwrap_or_default()
    }

    /// Writes down what is known of a message now.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn note(&mut self, wire: &[u8], uid_validity: u32, uid: u32, known: Known) -> Result<(), Error> {
        if let Some(head) = self.head.take() {
            self.line(&head)?;
        }
        self.line(&Line { folder: key(wire), uid_validity, uid, known })
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), Error> {
        let failed = |source: io::Error| Error::File { path: self.path.clone(), source };
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text).map_err(failed)
    }
}

fn key(wire: &[u8]) -> String {
    std::str::from_utf8(wire).map_or_else(|_| data_encoding::HEXLOWER.encode(wire), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_known_also_after_a_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stato");
        let known = |flags: &str| Known { sha256: "ab".to_owned(), date: 5, flags: vec![flags.to_owned()] };
        let mut ledger = Ledger::open(&path, "a@h:993", "b@c").unwrap();
        ledger.note(b"INBOX", 7, 1, known("x")).unwrap();
        ledger.note(b"INBOX", 7, 2, known("y")).unwrap();
        ledger.note(b"INBOX", 7, 1, known("z")).unwrap();
        let busy = Ledger::open(&path, "a@h:993", "b@c").unwrap_err();
        assert!(busy.to_string().contains("un altro passaggio"), "{busy}");
        drop(ledger);
        let whole = std::fs::metadata(&path).unwrap().len();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"folder\":\"INB").unwrap();
        let ledger = Ledger::open(&path, "a@h:993", "b@c").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), whole, "half a line goes");
        let found = ledger.folder(b"INBOX", 7);
        assert_eq!((found[&1].flags[0].as_str(), found.len()), ("z", 2));
        assert!(ledger.folder(b"INBOX", 8).is_empty(), "another UIDVALIDITY");
        drop(ledger);
        let other = Ledger::open(&path, "a@h:993", "d@c").unwrap_err();
        assert!(other.to_string().contains("a@h:993 verso b@c"), "{other}");
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"guasto\n").unwrap();
        let odd = Ledger::open(&path, "a@h:993", "b@c").unwrap_err();
        assert!(odd.to_string().contains("riga 5"), "{odd}");
    }
}
