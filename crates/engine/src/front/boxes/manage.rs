//! CREATE, DELETE and RENAME of folders.

use sigillo_imap::{Code, DELIMITER, Refusal};
use sigillo_store::{Store, Transaction, transact};

use super::{Boxes, MAX_FOLDERS, fault};
use crate::Error;
use crate::directory::INBOX;
use crate::rows::{FolderRow, encode, folder_key};

/// Octets of a folder's full name.
const MAX_NAME: usize = 500;

impl<S: Store> Boxes<S> {
    /// A name that can be given to a folder.
    fn check_name(name: &str) -> Result<(), Refusal> {
        let level = |l: &str| !l.is_empty() && !l.chars().any(char::is_control);
        if name.len() <= MAX_NAME && name.split(DELIMITER).all(level) && !name.eq_ignore_ascii_case("INBOX") {
            return Ok(());
        }
        Err(Refusal::new(Code::Cannot, "Nome di cartella non valido"))
    }

    pub(super) fn create_folder(&self, name: &str) -> Result<(), Refusal> {
        let name = name.strip_suffix(DELIMITER).unwrap_or(name);
        Self::check_name(name)?;
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        let folders = self.folders().map_err(fault)?;
        if folders.iter().any(|(_, f)| f.name == name) {
            return Err(Refusal::new(Code::AlreadyExists, "La cartella esiste gia'"));
        }
        // RFC 3501 §6.3.3: the levels above are made with it.
        let mut missing: Vec<&str> = name.match_indices(DELIMITER).map(|(i, _)| &name[..i]).collect();
        missing.retain(|above| !folders.iter().any(|(_, f)| f.name == *above));
        missing.push(name);
        if folders.len() + missing.len() > MAX_FOLDERS {
            return Err(Refusal::new(Code::Limit, "Troppe cartelle"));
        }
        let last = folders.iter().map(|(n, _)| *n).max().unwrap_or(INBOX);
        // A folder made again in the same second must not look like the old one: the number tells them apart.
        let second = u32::try_from(self.now.as_secs()).unwrap_or(u32::MAX / 2);
        transact(&self.engine.store, 8, |tx| {
            for (i, name) in (1..).zip(&missing) {
                let uid_validity = second.saturating_add(last + i);
                let row = FolderRow {
                    name: (*name).into(),
                    uid_validity,
                    uid_next: 1,
                    modseq: 1,
                    subscribed: false,
                    special: None,
                };
                write_new(tx, &folder_key(self.mailbox, last + i), &row);
            }
            Ok::<_, Error>(())
        })
        .map_err(fault)
    }

    pub(super) fn delete_folder(&self, name: &str) -> Result<(), Refusal> {
        let (number, _) = self.folder(name)?;
        if number == INBOX {
            return Err(Refusal::new(Code::Cannot, "INBOX non si elimina"));
        }
        let below = format!("{name}{DELIMITER}");
        if self.folders().map_err(fault)?.iter().any(|(_, f)| f.name.starts_with(&below)) {
            return Err(Refusal::new(Code::Cannot, "La cartella ne contiene altre"));
        }
        let uids: Vec<u32> = self.entries(number).map_err(fault)?.into_iter().map(|(uid, _)| uid).collect();
        self.remove(number, &uids, |_| true)?;
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        transact(&self.engine.store, 8, |tx| {
            tx.delete(folder_key(self.mailbox, number));
            Ok::<_, Error>(())
        })
        .map_err(fault)
    }

    pub(super) fn rename_folder(&self, from: &str, to: &str) -> Result<(), Refusal> {
        Self::check_name(to)?;
        let (number, _) = self.folder(from)?;
        if number == INBOX {
            return Err(Refusal::new(Code::Cannot, "INBOX non si rinomina"));
        }
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        let folders = self.folders().map_err(fault)?;
        if folders.iter().any(|(_, f)| f.name == to) {
            return Err(Refusal::new(Code::AlreadyExists, "La cartella esiste gia'"));
        }
        let below = format!("{from}{DELIMITER}");
        transact(&self.engine.store, 8, |tx| {
            for (number, folder) in &folders {
                let rest = folder.name.strip_prefix(&below);
                let name = match rest {
                    Some(rest) => format!("{to}{DELIMITER}{rest}"),
                    None if folder.name == from => to.to_owned(),
                    None => continue,
                };
                tx.put(folder_key(self.mailbox, *number), encode(&FolderRow { name, ..folder.clone() }));
            }
            Ok::<_, Error>(())
        })
        .map_err(fault)
    }
}

fn write_new<S: Store>(tx: &mut Transaction<'_, S>, key: &sigillo_store::KeyBuilder, row: &FolderRow) {
    tx.expect_absent(key);
    tx.put(key, encode(row));
}
