//! What the user may do, how much fits, and what is noted about folders.

use std::sync::atomic::Ordering;

use sigillo_accounts::{CredentialName, LoginName};
use sigillo_base::said;
use sigillo_imap::{Code, Custody, Deed, FolderRights, Quota, Refusal, RightsChange};
use sigillo_store::{Store, transact};

use super::transfer::MOST_MESSAGES;
use super::{Boxes, fault, special};
use crate::annotations::{self, Unwritten};
use crate::fronts::Transaction;
use crate::grants::{self, EVERYWHERE};
use crate::stored::usage;
use crate::{ATTEMPTS, Error};

impl<S: Store> Boxes<S> {
    /// What the user may do in a folder.
    pub(super) fn rights(&self, folder: u32) -> Result<FolderRights, Refusal> {
        grants::granted(&self.engine, self.mailbox, folder, &self.person).map_err(fault)
    }

    /// Refuses what the user may not do in a folder. Of one that is not shown to him he does not hear that it is there
    /// (RFC 4314 §6).
    pub(super) fn may(&self, folder: u32, deed: Deed) -> Result<(), Refusal> {
        let rights = self.rights(folder)?;
        if deed.allowed(rights) {
            Ok(())
        } else if rights.has(FolderRights::LOOKUP) {
            let text = format!("Manca il diritto, fra {}, che serve in questa cartella", deed.needs());
            Err(Refusal::new(Code::NoPerm, text))
        } else {
            Err(Refusal::no_folder())
        }
    }

    /// The credential that an identifier means: `address` is the owner, `address/name` any other, and so is the name alone.
    fn person(&self, who: &str) -> Result<CredentialName, Refusal> {
        let nobody = || Refusal::new(Code::NonExistent, "La casella non ha una credenziale con questo nome");
        let name = match LoginName::parse(who) {
            Some(login) if login.address.key() == self.address()?.to_lowercase() => login.credential,
            Some(_) => return Err(nobody()),
            None => CredentialName::parse(who).map_err(|_| nobody())?,
        };
        let known = name.is_owner() || self.engine.persons(self.mailbox).map_err(fault)?.contains(&name);
        if known { Ok(name) } else { Err(nobody()) }
    }

    fn address(&self) -> Result<String, Refusal> {
        let mailbox = self.engine.mailbox(self.mailbox).map_err(fault)?;
        mailbox
            .map(|m| m.address)
            .ok_or_else(|| fault(Error::Invalid(said!("la casella non esiste più", "the mailbox is gone"))))
    }

    /// The number of a folder whose annotations are meant; without a name, of the mailbox itself.
    fn noted(&self, name: &str, deed: Deed) -> Result<u32, Refusal> {
        if name.is_empty() { Ok(EVERYWHERE) } else { self.folder(name, deed).map(|(number, _)| number) }
    }
}

impl<S: Store> Custody for Boxes<S> {
    fn quota(&mut self) -> Result<Quota, Refusal> {
        let held = usage(&mut Transaction::new(&self.engine.store), self.mailbox).map_err(fault)?;
        let (bytes, messages) = (held.bytes, held.messages);
        Ok(Quota { bytes, bytes_limit: self.size()?, messages, messages_limit: MOST_MESSAGES })
    }

    fn quota_root(&mut self, name: &str) -> Result<(), Refusal> {
        match self.folder(name, Deed::Read) {
            // One that is not there yet would be under it too (RFC 9208 §4.1.2), and one that is not shown is not there.
            Err(refusal) if refusal.code == Some(Code::NonExistent) => Ok(()),
            found => found.map(drop),
        }
    }

    fn my_rights(&mut self, name: &str) -> Result<FolderRights, Refusal> {
        let rights = self.rights(self.find(name)?.0)?;
        if rights.has_any(FolderRights::ASKING) { Ok(rights) } else { Err(Refusal::no_folder()) }
    }

    fn acl(&mut self, name: &str) -> Result<Vec<(String, FolderRights)>, Refusal> {
        let (number, _) = self.folder(name, Deed::Administer)?;
        let address = self.address()?;
        let mut all = vec![(address.clone(), FolderRights::ALL)];
        for person in self.engine.persons(self.mailbox).map_err(fault)? {
            let rights = grants::granted(&self.engine, self.mailbox, number, &person).map_err(fault)?;
            if rights != FolderRights::NONE {
                all.push((format!("{address}/{}", person.as_str()), rights));
            }
        }
        Ok(all)
    }

    fn set_acl(&mut self, name: &str, who: &str, change: RightsChange) -> Result<(), Refusal> {
        self.folder(name, Deed::Administer)?;
        let person = self.person(who)?;
        if person.is_owner() {
            return Err(Refusal::new(Code::NoPerm, "Il titolare ha sempre tutti i diritti"));
        }
        self.engine.grant(self.mailbox, Some(name), &person, change).map(drop).map_err(fault)
    }

    fn kept_rights(&mut self, name: &str, who: &str) -> Result<FolderRights, Refusal> {
        self.folder(name, Deed::Administer)?;
        Ok(if self.person(who)?.is_owner() { FolderRights::ALL } else { FolderRights::NONE })
    }

    fn annotations(&mut self, name: &str) -> Result<Vec<(String, Vec<u8>)>, Refusal> {
        let folder = self.noted(name, Deed::Note)?;
        let mut seen = annotations::seen_by(&self.engine, self.mailbox, folder, &self.person).map_err(fault)?;
        if folder != EVERYWHERE {
            let special = special(self.find(name)?.1.special.as_deref());
            // RFC 6154 §4.
            seen.extend(special.iter().map(|a| ("/private/specialuse".to_owned(), a.as_str().into())));
        }
        Ok(seen)
    }

    fn annotated(&mut self) -> Option<u64> {
        Some(self.engine.annotated.load(Ordering::Acquire))
    }

    fn annotate(&mut self, name: &str, entries: &[(String, Option<Vec<u8>>)]) -> Result<(), Refusal> {
        let shared = entries.iter().any(|(entry, _)| annotations::is_shared(entry));
        let folder = self.noted(name, if shared { Deed::Annotate } else { Deed::Note })?;
        if shared && name.is_empty() {
            self.may(folder, Deed::Administer)?;
        }
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        let written = transact(&self.engine.store, ATTEMPTS, |tx| {
            if folder != EVERYWHERE {
                // Who removes the folder meanwhile removes these too.
                crate::folder::open(tx, self.mailbox, folder).map_err(|_| Unwritten::Gone)?;
            }
            annotations::write(tx, (self.mailbox, folder), &self.person, entries)
        });
        written.map_err(|why| match why {
            Unwritten::TooMany => Refusal::new(Code::MetadataTooMany, "Troppe annotazioni"),
            Unwritten::Full => Refusal::new(Code::OverQuota, "Non c'e' posto per altre annotazioni"),
            Unwritten::Gone => Refusal::no_folder(),
            Unwritten::Fault(error) => fault(error),
        })?;
        self.engine.annotated.fetch_add(1, Ordering::Release);
        self.changed();
        Ok(())
    }
}
