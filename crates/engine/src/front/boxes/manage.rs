//! CREATE, DELETE and RENAME of folders: they look at all folders of the mailbox, so that no two have one name.

use sigillo_imap::{Attribute, Code, DELIMITER, Deed, Refusal};
use sigillo_store::{Store, transact};

use super::transfer::pages;
use super::{Boxes, No, SPECIAL, fault};
use crate::directory::{FOLDERS, INBOX};
use crate::folders::{All, MAX_FOLDERS};
use crate::fronts::Transaction;
use crate::rows::{FolderRow, encode, folder_key, folder_numbers_key};
use crate::{ATTEMPTS, annotations, folder, grants, subscriptions};

/// Octets of a folder's full name.
const MAX_NAME: usize = 500;

impl<S: Store> Boxes<S> {
    pub(super) fn create_folder(&self, name: &str, special: Option<Attribute>) -> Result<(), Refusal> {
        let name = name.strip_suffix(DELIMITER).unwrap_or(name);
        check_name(name)?;
        let special = special.map(special_use).transpose()?;
        self.manage(|tx, all| {
            if all.find(name).is_some() {
                return Err(Refusal::new(Code::AlreadyExists, "La cartella esiste gia'").into());
            }
            if all.folders.iter().any(|(_, f)| special.is_some() && f.special.as_deref() == special) {
                return Err(Refusal::new(Code::UseAttr, "Un'altra cartella ha gia' quest'uso").into());
            }
            self.make(tx, all, name, special)
        })
    }

    pub(super) fn delete_folder(&self, name: &str) -> Result<(), Refusal> {
        let (number, _) = self.folder(name, Deed::Remove)?;
        if FOLDERS.iter().any(|(kept, ..)| *kept == number) {
            return Err(Refusal::new(Code::Cannot, "La cartella fa parte della casella e non si elimina"));
        }
        let below = format!("{name}{DELIMITER}");
        // Before the first message goes. Who makes one below it meanwhile finds a level without messages above it.
        if self.sound_folders().map_err(fault)?.iter().any(|(_, f)| f.name.starts_with(&below)) {
            return Err(Refusal::new(Code::HasChildren, "La cartella ne contiene altre"));
        }
        let done = self.empty_and_remove(number);
        // What went before a fault is gone.
        self.changed();
        done
    }

    /// Page by page, so that a delivery waits for one of them at the most; also what comes in meanwhile goes.
    fn empty_and_remove(&self, number: u32) -> Result<(), Refusal> {
        let mut first = 0;
        loop {
            let _lane = self.engine.lanes.hold(&[self.mailbox]);
            if self.engine.store.get(folder_key(self.mailbox, number).as_ref()).map_err(fault)?.is_none() {
                return Err(Refusal::no_folder()); // another session was faster
            }
            let uids: Vec<u32> = self.page(number, first).map_err(fault)?.into_iter().map(|(uid, _)| uid).collect();
            if let Some(last) = uids.last() {
                self.take_out(number, &uids, |_| true)?;
                first = last.saturating_add(1);
                continue;
            }
            first = 0;
            let gone = transact(&self.engine.store, ATTEMPTS, |tx| {
                // Another server on this store may have put something in.
                Ok::<_, No>(self.page(number, 0)?.is_empty() && folder::remove(tx, self.mailbox, number)?)
            });
            if gone.map_err(|no| no.0)? {
                return Ok(());
            }
        }
    }

    pub(super) fn rename_folder(&self, from: &str, to: &str) -> Result<(), Refusal> {
        check_name(to)?;
        if self.folder(from, Deed::Remove)?.0 == INBOX {
            return self.empty_inbox_into(to);
        }
        let below = format!("{from}{DELIMITER}");
        if to.starts_with(&below) {
            return Err(Refusal::new(Code::Cannot, "Una cartella non puo' stare sotto se stessa"));
        }
        self.manage(|tx, mut all| {
            let (renamed, others): (Vec<_>, Vec<_>) =
                all.folders.into_iter().partition(|(_, f)| f.name == from || f.name.starts_with(&below));
            if !renamed.iter().any(|(_, f)| f.name == from) {
                return Err(Refusal::no_folder().into());
            }
            if from == to {
                return Err(Refusal::new(Code::AlreadyExists, "La cartella esiste gia'").into());
            }
            all.folders = others;
            for (number, mut folder) in renamed {
                if folder.subscribed {
                    subscriptions::keep(tx, self.mailbox, &folder.name)?;
                }
                folder.name.replace_range(..from.len(), to);
                check_name(&folder.name)?;
                if all.find(&folder.name).is_some() {
                    return Err(Refusal::new(Code::AlreadyExists, "La cartella esiste gia'").into());
                }
                folder.subscribed = subscriptions::take(tx, self.mailbox, &folder.name)?;
                tx.put(folder_key(self.mailbox, number), encode(&folder));
                all.folders.push((number, folder));
            }
            match to.rsplit_once(DELIMITER) {
                Some((above, _)) if all.find(above).is_none() => self.make(tx, all, above, None),
                _ => Ok(self.may(grows_from(&all, to), Deed::Branch)?),
            }
        })
    }

    /// RFC 3501 §6.3.5: the messages of the INBOX move into a new folder, the INBOX and what is below it stay.
    fn empty_inbox_into(&self, to: &str) -> Result<(), Refusal> {
        self.create_folder(to, None)?;
        annotations::copy(&self.engine, self.mailbox, INBOX, self.find(to)?.0).map_err(fault)?;
        let entries = self.entries(INBOX, 0).map_err(fault)?;
        let into = self.target(to)?;
        pages(&entries).iter().try_for_each(|page| self.transfer(INBOX, page, into, true).map(drop))
    }

    /// Changes folders in one commit, knowing them all.
    fn manage(&self, change: impl Fn(&mut Transaction<'_, S>, All) -> Result<(), No>) -> Result<(), Refusal> {
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        let done = transact(&self.engine.store, ATTEMPTS, |tx| {
            let all = All::read(tx, self.mailbox)?;
            change(tx, all)
        });
        done.map_err(|no| no.0)?;
        self.changed();
        Ok(())
    }

    /// Makes a folder, and the levels above that are missing (RFC 3501 §6.3.3).
    fn make(&self, tx: &mut Transaction<'_, S>, all: All, name: &str, special: Option<&str>) -> Result<(), No> {
        let levels = name.match_indices(DELIMITER).map(|(i, _)| &name[..i]).filter(|above| all.find(above).is_none());
        let missing: Vec<&str> = levels.chain([name]).collect();
        let above = grows_from(&all, name);
        self.may(above, Deed::Branch)?;
        let mut last = all.last;
        if all.folders.len() + missing.len() > MAX_FOLDERS {
            return Err(Refusal::new(Code::Limit, "Troppe cartelle").into());
        }
        let second = u32::try_from(self.now.as_secs()).unwrap_or(u32::MAX);
        for level in missing {
            let spent = || Refusal::new(Code::Limit, "Non ci sono altri numeri per le cartelle");
            last.folder = last.folder.checked_add(1).ok_or_else(spent)?;
            last.uid_validity = last.uid_validity.checked_add(1).ok_or_else(spent)?.max(second);
            let special = special.filter(|_| level == name).map(Into::into);
            let key = folder_key(self.mailbox, last.folder);
            tx.expect_absent(&key);
            grants::inherit(tx, self.mailbox, above, last.folder)?;
            let subscribed = subscriptions::take(tx, self.mailbox, level)?;
            tx.put(&key, encode(&FolderRow { special, subscribed, ..FolderRow::new(level, last.uid_validity) }));
        }
        tx.put(folder_numbers_key(self.mailbox), encode(&last));
        Ok(())
    }
}

/// The folder that a new one is made in: the nearest above it that is there.
fn grows_from(all: &All, name: &str) -> u32 {
    let above = name.rmatch_indices(DELIMITER).find_map(|(at, _)| all.find(&name[..at]));
    above.map_or(grants::EVERYWHERE, |(number, _)| *number)
}

/// A name that can be given to a folder.
fn check_name(name: &str) -> Result<(), Refusal> {
    let level = |l: &str| !l.is_empty() && !l.chars().any(char::is_control);
    if name.len() <= MAX_NAME && name.split(DELIMITER).all(level) && !name.eq_ignore_ascii_case("INBOX") {
        return Ok(());
    }
    Err(Refusal::new(Code::Cannot, "Nome di cartella non valido"))
}

/// The word of a special use that a folder may be given (RFC 6154 §3).
fn special_use(attribute: Attribute) -> Result<&'static str, Refusal> {
    let known = SPECIAL.iter().find(|(_, a)| *a == attribute);
    known.map(|(word, _)| *word).ok_or_else(|| Refusal::new(Code::UseAttr, "Uso speciale non previsto"))
}
