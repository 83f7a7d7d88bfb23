//! Mailboxes, folders, and what lies in them.

use sigillo_accounts::{Credential, CredentialName, Mailbox, State};
use sigillo_base::{Address, MailboxId, MsgId, Timestamp};
use sigillo_store::{Error, KeyBuilder, KeyReader, Store, key, skim, tag};

use super::judge::{Judge, Other};
use super::{Problem, Remedy};
use crate::credentials;
use crate::directory::INBOX;
use crate::folder::{self, Counted};
use crate::rows::{
    BoxUsage, ChangesRow, EntryRow, FolderNumbers, FolderRow, MessageRow, address_key, credential_key, decode, encode,
    folder_key, folder_numbers_key, mailbox_key, message_key, usage_key,
};
use crate::{accesses, annotations, filing, grants, keepers, profiles, proofs, purge, rates, subscriptions, trail};

/// Rows of a mailbox read at once.
const PAGE: usize = 1_000;

impl<S: Store> Judge<'_, '_, S> {
    pub(super) fn mailbox(&mut self) -> Result<(), Error> {
        let id = KeyReader::new(self.key, tag::MAILBOX)?.mailbox()?;
        let row: Mailbox = decode(self.key, self.value)?;
        let address = Address::parse(&row.address).map_err(|_| Error::corrupt(self.key, "not an address"))?;
        if row.id != id.0 {
            return Err(Error::corrupt(self.key, format!("the row says it is mailbox {}", row.id)));
        }
        if row.is_gone() {
            return self.counter_of(id); // nothing else is left of it, or will be
        }
        let index = address_key(&address);
        match self.other::<u64>(&index)? {
            Other::Absent => self.derived((index.done(), encode(&row.id)), "manca l'indirizzo nell'indice")?,
            Other::Is(other) if other != id.0 => {
                let what = format!("l'indirizzo {address} nell'indice è della casella {other}");
                self.find_about(Problem::Differs, index, what, Remedy::Backup);
            }
            Other::Is(_) | Other::Unreadable => {}
        }
        if let Some(name) = &row.profile.custom {
            self.derived((profiles::use_key(name, id).done(), Vec::new()), "manca il legame con il profilo")?;
        }
        let owner = credential_key(id, &CredentialName::owner());
        self.refers(owner, "la casella non ha più la credenziale del titolare", Remedy::Backup)?;
        self.refers(folder_key(id, INBOX), "la casella non ha più l'INBOX", Remedy::Backup)?;
        if let State::Cancelled(cancelled) = &row.state {
            let key = purge::leaving_key(Timestamp::from_millis(cancelled.until), id);
            self.derived((key.done(), Vec::new()), "manca quando la casella cancellata finisce")?;
        }
        self.counter_of(id)?;
        self.sum(id)
    }

    fn counter_of(&mut self, id: MailboxId) -> Result<(), Error> {
        let counter = KeyBuilder::new(tag::COUNTER).text("mailbox");
        if let Other::Is(last) = self.other::<u64>(&counter)?
            && last < id.0
        {
            let what = format!("il contatore delle caselle è fermo a {last}");
            let remedy = Remedy::Rebuild((counter.as_ref().to_vec(), encode(&id.0)));
            self.find_about(Problem::Differs, counter, what, remedy);
        }
        Ok(())
    }

    /// What the mailbox is said to hold is the sum of its folders.
    fn sum(&mut self, id: MailboxId) -> Result<(), Error> {
        let key = usage_key(id);
        let said = match self.other::<BoxUsage>(&key)? {
            Other::Is(said) => said,
            Other::Absent => BoxUsage::default(),
            Other::Unreadable => return Ok(()),
        };
        let mut held = BoxUsage::default();
        let (from, to) = KeyBuilder::new(tag::FOLDER).mailbox(id).range();
        let folders = skim(self.tx.store(), &from, &to, PAGE)?;
        for (folder, _) in &folders.rows {
            // A folder that does not read is told of itself; without it there is no sum.
            let Other::Is(row) = self.other::<FolderRow>(folder)? else { return Ok(()) };
            held.bytes = held.bytes.saturating_add(row.held.bytes);
            held.messages = held.messages.saturating_add(row.held.messages);
        }
        if !folders.gaps.is_empty() {
            return Ok(());
        }
        if held != said {
            let BoxUsage { bytes, messages } = held;
            let what = format!(
                "la casella risulta contenere {} messaggi e {} ottetti, ne contiene {messages} e {bytes}",
                said.messages, said.bytes
            );
            let remedy = Remedy::Rebuild((key.as_ref().to_vec(), encode(&held)));
            self.find_about(Problem::Differs, key, what, remedy);
        }
        Ok(())
    }

    pub(super) fn mailbox_by_address(&mut self) -> Result<(), Error> {
        let address = KeyReader::new(self.key, tag::MAILBOX_BY_ADDRESS)?.text()?;
        let id: u64 = decode(self.key, self.value)?;
        let key = mailbox_key(MailboxId(id));
        match self.other::<Mailbox>(&key)? {
            Other::Absent => {
                // It says that there was a mailbox: without it, its mail would be refused.
                let what = format!("la casella {id} dell'indirizzo {address} non c'è");
                self.find_about(Problem::Dangling, key, what, Remedy::Backup);
            }
            Other::Is(row) if Address::parse(&row.address).is_ok_and(|a| a.key() != address) => {
                let what = format!("la casella {id} ha l'indirizzo {}", row.address);
                self.find_about(Problem::Differs, key, what, Remedy::SetAside);
            }
            Other::Is(_) | Other::Unreadable => {}
        }
        Ok(())
    }

    /// Derived from a mailbox with a profile of the provider's own.
    pub(super) fn profile_use(&mut self) -> Result<(), Error> {
        let (name, id) = profiles::read_use(self.key)?;
        if !self.value.is_empty() {
            return Err(Error::corrupt(self.key, "a link with a value"));
        }
        let key = mailbox_key(id);
        match self.other::<Mailbox>(&key)? {
            Other::Is(row) if row.profile.custom.as_ref() == Some(&name) => {}
            Other::Unreadable => {}
            Other::Is(_) | Other::Absent => {
                let what = format!("la casella non ha il profilo {name}");
                self.find_about(Problem::Underived, key, what, Remedy::SetAside);
            }
        }
        Ok(())
    }

    pub(super) fn profile_history(&mut self) -> Result<(), Error> {
        let (id, _) = profiles::read_history(self.key)?;
        decode::<String>(self.key, self.value)?;
        self.of_mailbox(id, Remedy::Backup)
    }

    pub(super) fn trail(&mut self) -> Result<(), Error> {
        let (id, _) = trail::read(self.key, self.value)?;
        self.of_mailbox(id, Remedy::Backup)
    }

    /// An access, the seal of a day's, what was read over the administrative interface, or who failed to log in as nobody.
    pub(super) fn event(&mut self) -> Result<(), Error> {
        match self.key.first() {
            Some(&tag::ACCESS_SEAL) => return crate::seals::read(self.key, self.value).map(drop),
            Some(&tag::READING) => return crate::readings::read(self.key, self.value).map(drop),
            Some(&tag::STRANGER) => return crate::refusals::read(self.key, self.value).map(drop),
            _ => {}
        }
        let (id, _) = accesses::read(self.key, self.value)?;
        self.of_mailbox(id, Remedy::Backup)
    }

    pub(super) fn proof(&mut self) -> Result<(), Error> {
        let (id, _) = proofs::read(self.key, self.value)?;
        self.of_mailbox(id, Remedy::SetAside)
    }

    pub(super) fn sent_day(&mut self) -> Result<(), Error> {
        let (id, _) = rates::sent_day(self.key)?;
        decode::<u32>(self.key, self.value)?;
        self.of_mailbox(id, Remedy::Backup)
    }

    pub(super) fn credential(&mut self) -> Result<(), Error> {
        let (id, _) = credentials::read_key(self.key)?;
        decode::<Credential>(self.key, self.value)?;
        self.of_mailbox(id, Remedy::Backup)
    }

    pub(super) fn credential_use(&mut self) -> Result<(), Error> {
        let (id, name) = credentials::read_key(self.key)?;
        decode::<i64>(self.key, self.value)?;
        self.refers(credential_key(id, &name), "la credenziale non c'è", Remedy::SetAside)
    }

    pub(super) fn box_usage(&mut self) -> Result<(), Error> {
        let id = KeyReader::new(self.key, tag::BOX_USAGE)?.mailbox()?;
        decode::<BoxUsage>(self.key, self.value)?;
        self.of_mailbox(id, Remedy::Backup)
    }

    pub(super) fn of_mailbox(&mut self, id: MailboxId, remedy: Remedy) -> Result<(), Error> {
        self.refers(mailbox_key(id), "la casella non c'è", remedy)
    }

    pub(super) fn folder(&mut self) -> Result<(), Error> {
        let mut reader = KeyReader::new(self.key, tag::FOLDER)?;
        let (id, number) = (reader.mailbox()?, reader.u32()?);
        reader.end()?;
        let row: FolderRow = decode(self.key, self.value)?;
        self.of_mailbox(id, Remedy::Backup)?;
        let numbers = folder_numbers_key(id);
        if let Other::Is(last) = self.other::<FolderNumbers>(&numbers)?
            && (last.folder < number || last.uid_validity < row.uid_validity)
        {
            let what = format!("il contatore delle cartelle è fermo a {} e {}", last.folder, last.uid_validity);
            let last = FolderNumbers {
                folder: last.folder.max(number),
                uid_validity: last.uid_validity.max(row.uid_validity),
            };
            let remedy = Remedy::Rebuild((numbers.as_ref().to_vec(), encode(&last)));
            self.find_about(Problem::Differs, numbers, what, remedy);
        }
        // An entry that does not read is told of itself; without it there is no count.
        let Counted { held, logged, whole } = folder::recount(self.tx.store(), id, number, row.forgotten)?;
        if whole && (held, logged) != (row.held, row.logged) {
            let what = format!(
                "la cartella risulta contenere {:?} e ricordare {} cambiamenti, contiene {held:?} e ne ricorda {logged}",
                row.held, row.logged
            );
            let remedy = Remedy::Rebuild((self.key.to_vec(), encode(&FolderRow { held, logged, ..row })));
            self.find(Problem::Differs, what, remedy);
        }
        Ok(())
    }

    pub(super) fn receipts_folder(&mut self) -> Result<(), Error> {
        let (id, folder) = filing::read(self.key, self.value)?;
        self.of_folder(id, folder)
    }

    pub(super) fn subscribed(&mut self) -> Result<(), Error> {
        let (id, _) = subscriptions::read(self.key, self.value)?;
        self.of_mailbox(id, Remedy::SetAside)
    }

    pub(super) fn grant(&mut self) -> Result<(), Error> {
        let (id, folder, person) = grants::read_key(self.key)?;
        decode::<u16>(self.key, self.value)?;
        self.refers(credential_key(id, &person), "la credenziale non c'è", Remedy::Backup)?;
        self.of_folder(id, folder)
    }

    pub(super) fn annotation(&mut self) -> Result<(), Error> {
        let (id, folder, _) = annotations::read_key(self.key)?;
        decode::<Vec<u8>>(self.key, self.value)?;
        self.refers(annotations::held_key(id), "le annotazioni della casella non sono contate", Remedy::Backup)?;
        self.of_folder(id, folder)
    }

    pub(super) fn annotated(&mut self) -> Result<(), Error> {
        let id = KeyReader::new(self.key, tag::ANNOTATED)?.mailbox()?;
        let said = decode::<annotations::Held>(self.key, self.value)?;
        if let Some(held) = annotations::recount(self.tx.store(), id)?.filter(|held| *held != said) {
            let what = format!("le annotazioni risultano {said:?}, sono {held:?}");
            self.find(Problem::Differs, what, Remedy::Rebuild((self.key.to_vec(), encode(&held))));
        }
        self.of_mailbox(id, Remedy::Backup)
    }

    /// What is said about a folder goes with it.
    fn of_folder(&mut self, id: MailboxId, folder: u32) -> Result<(), Error> {
        if folder == grants::EVERYWHERE {
            return self.of_mailbox(id, Remedy::Backup);
        }
        self.refers(folder_key(id, folder), "la cartella non c'è", Remedy::SetAside)
    }

    pub(super) fn folder_changes(&mut self) -> Result<(), Error> {
        let mut reader = KeyReader::new(self.key, tag::FOLDER_CHANGES)?;
        let (id, number, modseq) = (reader.mailbox()?, reader.u32()?, reader.u64()?);
        reader.end()?;
        decode::<ChangesRow>(self.key, self.value)?;
        let key = folder_key(id, number);
        match self.other::<FolderRow>(&key)? {
            Other::Absent => {
                let what = "la cartella del cambiamento non c'è";
                self.find_about(Problem::Underived, key, what, Remedy::SetAside);
            }
            Other::Is(folder) if folder.modseq < modseq => {
                let what = format!("la cartella è al MODSEQ {}, il cambiamento è del {modseq}", folder.modseq);
                let remedy = Remedy::Rebuild((key.as_ref().to_vec(), encode(&FolderRow { modseq, ..folder })));
                self.find_about(Problem::Differs, key, what, remedy);
            }
            Other::Is(_) | Other::Unreadable => {}
        }
        Ok(())
    }

    pub(super) fn folder_entry(&mut self) -> Result<(), Error> {
        let mut reader = KeyReader::new(self.key, tag::FOLDER_ENTRY)?;
        let (id, number, uid) = (reader.mailbox()?, reader.u32()?, reader.uid()?);
        reader.end()?;
        let entry: EntryRow = decode(self.key, self.value)?;
        let key = folder_key(id, number);
        match self.other::<FolderRow>(&key)? {
            Other::Absent => {
                self.find_about(Problem::Dangling, key, "la cartella del messaggio non c'è", Remedy::SetAside);
            }
            Other::Is(mut folder) if folder.uid_next <= uid.0 || folder.modseq < entry.modseq => {
                let what = format!(
                    "la cartella dà il prossimo UID {} e MODSEQ {}, il messaggio ha UID {} e MODSEQ {}",
                    folder.uid_next, folder.modseq, uid.0, entry.modseq
                );
                folder.uid_next = folder.uid_next.max(uid.0.saturating_add(1));
                folder.modseq = folder.modseq.max(entry.modseq);
                let remedy = Remedy::Rebuild((key.as_ref().to_vec(), encode(&folder)));
                self.find_about(Problem::Differs, key, what, remedy);
            }
            Other::Is(_) | Other::Unreadable => {}
        }
        self.keeps(MsgId(entry.msg))?;
        let message = message_key(MsgId(entry.msg));
        match self.other::<MessageRow>(&message)? {
            Other::Absent => self.find_about(Problem::Dangling, message, "il messaggio non c'è", Remedy::SetAside),
            Other::Is(row) if u32::try_from(row.size).unwrap_or(u32::MAX) != entry.size => {
                let what = format!("la cartella dice {} ottetti, il messaggio ne ha {}", entry.size, row.size);
                let size = u32::try_from(row.size).unwrap_or(u32::MAX);
                let remedy = Remedy::Rebuild((self.key.to_vec(), encode(&EntryRow { size, ..entry })));
                self.find_about(Problem::Differs, message, what, remedy);
            }
            Other::Is(_) | Other::Unreadable => {}
        }
        Ok(())
    }

    /// Whether a mailbox has, in its archive at this very time, a message that certifies this identifier.
    pub(crate) fn archived_at(
        &mut self,
        mailbox: MailboxId,
        at: sigillo_base::Timestamp,
        id: &str,
    ) -> Result<bool, Error> {
        if at < keepers::archive_begins(self.tx.get(keepers::begin_key())?)? {
            return Ok(true); // or was, until its time was over
        }
        let prefix = KeyBuilder::new(tag::ARCHIVE).mailbox(mailbox).time(at);
        let (mut from, to) = prefix.range();
        loop {
            let page = skim(self.tx.store(), &from, &to, PAGE)?;
            if !page.gaps.is_empty() {
                return Ok(true); // told of itself
            }
            for (key, _) in &page.rows {
                let mut reader = KeyReader::new(key, tag::ARCHIVE)?;
                reader.mailbox()?;
                reader.time()?;
                if super::messages::certifies(self.tx.store(), reader.msg()?, id)? {
                    return Ok(true);
                }
                from = key::successor(key);
            }
            if page.next.is_none() {
                return Ok(false);
            }
        }
    }
}
