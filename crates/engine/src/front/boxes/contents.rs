//! What lies in a mailbox, taken out and brought in by the administration (MIG-01, MIG-10): as its owner could by IMAP, and
//! within the same limits.

use std::net::IpAddr;
use std::sync::Arc;

use sigillo_accounts::CredentialName;
use sigillo_base::{MailboxId, Said, Tell, Timestamp, Uid, said, told};
use sigillo_imap::{Attribute, Change, Code, Draft, DraftPart, Flags, Mailboxes, Refusal, StoreOp};
use sigillo_store::Store;

use super::{Boxes, fault};
use crate::deeds::Visitor;
use crate::{Engine, Error};

/// The contents of one mailbox.
pub struct Contents<S>(Boxes<S>);

/// A message as it lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lying {
    /// Its number in the folder.
    pub uid: Uid,
    /// Octets.
    pub size: u32,
    /// INTERNALDATE.
    pub date: Timestamp,
    /// Flags and keywords as IMAP writes them.
    pub flags: Vec<String>,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfiled {
    /// The mailbox has no room for it.
    Full(Said),
    /// There is no such folder or message.
    Missing(Said),
    /// It can never be done so.
    Refused(Said),
    /// Not now.
    Later(Said),
}

impl Tell for Unfiled {
    fn said(&self) -> Said {
        match self {
            Self::Full(why) | Self::Missing(why) | Self::Refused(why) | Self::Later(why) => why.clone(),
        }
    }
}

told!(Unfiled);

/// IMAP says it in Italian alone; its code says it to others.
impl From<Refusal> for Unfiled {
    fn from(Refusal { code, text }: Refusal) -> Self {
        let why = |en: &str| Said { it: text.clone(), en: en.to_owned() };
        match code {
            Some(Code::OverQuota) => Self::Full(why("the mailbox is full")),
            Some(Code::NonExistent | Code::TryCreate) => Self::Missing(why("there is no such folder or message")),
            Some(Code::Unavailable | Code::ServerBug) => Self::Later(why("not now: try again later")),
            Some(Code::AlreadyExists) => Self::Refused(why("the folder exists already")),
            Some(Code::UseAttr) => Self::Refused(why("no such special use, or another folder has it")),
            Some(Code::Limit) => Self::Refused(why("too many folders, or too many or too long keywords")),
            Some(Code::TooBig) => Self::Refused(why("the message is too large")),
            Some(Code::Cannot) => Self::Refused(why("no folder can be called so, or the message is empty")),
            _ => Self::Refused(why("it cannot be done")),
        }
    }
}

impl<S: Store> Contents<S> {
    /// Those of a mailbox, at the service time of the request in hand.
    pub fn new(engine: &Arc<Engine<S>>, mailbox: MailboxId, now: Timestamp) -> Self {
        let mut boxes = Boxes::new(Arc::clone(engine), mailbox, CredentialName::owner(), Visitor::admin());
        boxes.at(now);
        Self(boxes)
    }

    /// The same in the name of somebody of the administration; `from` is where he is, if it is elsewhere.
    ///
    /// # Errors
    /// [`Unfiled::Refused`] for what is no name.
    pub fn by(mut self, who: &str, from: Option<IpAddr>) -> Result<Self, Unfiled> {
        let visitor = &mut self.0.visitor;
        visitor.person = CredentialName::parse(who).map_err(|e| Unfiled::Refused(e.said()))?;
        visitor.from = from.unwrap_or(visitor.from);
        Ok(self)
    }

    /// Writes down that the administration looked, and who: the holder finds it among the accesses (AUD-02).
    ///
    /// # Errors
    /// [`Unfiled::Later`]: then nobody may look.
    pub fn note_look(&self) -> Result<(), Unfiled> {
        let Boxes { engine, mailbox, visitor, now, .. } = &self.0;
        Ok(engine.looked_in(*mailbox, visitor, *now).map_err(fault)?)
    }

    /// The names of its folders, levels separated by `/`.
    ///
    /// # Errors
    /// [`Unfiled::Later`].
    pub fn folders(&mut self) -> Result<Vec<String>, Unfiled> {
        Ok(self.0.list()?.into_iter().map(|folder| folder.name).collect())
    }

    /// Its folders that have a special use, with that use as IMAP writes it (RFC 6154 §2).
    ///
    /// # Errors
    /// [`Unfiled::Later`].
    pub fn uses(&mut self) -> Result<Vec<(String, &'static str)>, Unfiled> {
        let used = |folder: sigillo_imap::FolderInfo| {
            let special = folder.attributes.into_iter().find(|a| Attribute::USES.contains(a))?;
            Some((folder.name, special.as_str()))
        };
        Ok(self.0.list()?.into_iter().filter_map(used).collect())
    }

    /// Makes a folder, and the levels above it that are missing, if it is not there: for this special use if no other
    /// folder has it, and if one is made for it at all. A new one is subscribed; `subscribed` says it for any.
    ///
    /// # Errors
    /// [`Unfiled::Refused`] for a name that no folder can have, and for a word that is no special use.
    pub fn make_folder(&mut self, name: &str, special: Option<&str>, subscribed: Option<bool>) -> Result<(), Unfiled> {
        let unknown = |word: &str| {
            Unfiled::Refused(said!(
                "«{word}» non è un uso speciale (RFC 6154)",
                "“{word}” is no special use (RFC 6154)"
            ))
        };
        let known = |word: &str| Attribute::USES.into_iter().find(|a| a.as_str().eq_ignore_ascii_case(word));
        let special = special.map(|word| known(word).ok_or_else(|| unknown(word))).transpose()?;
        if self.folders()?.iter().any(|there| there == name) {
            return subscribed.map_or(Ok(()), |on| Ok(self.0.subscribe(name, on)?));
        }
        match self.0.create(name, special) {
            Err(Refusal { code: Some(Code::UseAttr), .. }) => self.0.create(name, None)?,
            made => made?,
        };
        Ok(self.0.subscribe(name, subscribed.unwrap_or(true))?)
    }

    /// Gives a message these flags and keywords and no others, in one durable commit.
    ///
    /// # Errors
    /// As [`Unfiled`] says; nothing was done.
    pub fn set_flags(&mut self, folder: &str, uid: Uid, flags: &str) -> Result<(), Unfiled> {
        let flags = read_flags(flags)?;
        let (number, _) = self.0.locate(folder)?;
        let stored = self.0.store_flags(number, &[uid.0], &Change::new(StoreOp::Set, flags))?;
        let gone = || no_message(folder, uid);
        if stored.rows.is_empty() { Err(gone()) } else { Ok(()) }
    }

    /// A page of what lies in a folder after this UID, ascending; empty at the end.
    ///
    /// # Errors
    /// [`Unfiled::Missing`] when there is no such folder.
    pub fn page(&mut self, folder: &str, after: Uid) -> Result<Vec<Lying>, Unfiled> {
        let (number, _) = self.0.locate(folder)?;
        let Some(first) = after.0.checked_add(1) else { return Ok(Vec::new()) };
        let lying = |(uid, entry): (u32, crate::rows::EntryRow)| {
            let flags = Flags::from_parts(entry.flags, entry.keywords).to_string();
            let flags = flags.split_whitespace().map(str::to_owned).collect();
            Lying { uid: Uid(uid), size: entry.size, date: Timestamp::from_millis(entry.date), flags }
        };
        Ok(self.0.page(number, first).map_err(fault)?.into_iter().map(lying).collect())
    }

    /// The bytes of a message; that they were read is written down.
    ///
    /// # Errors
    /// [`Unfiled::Missing`] when there is no such folder or message; [`Unfiled::Later`] when it cannot be read.
    pub fn message(&mut self, folder: &str, uid: Uid) -> Result<Vec<u8>, Unfiled> {
        let (number, bytes) = self.bytes(folder, uid)?;
        self.0.shown(number, uid.0);
        Ok(bytes)
    }

    /// The SHA-256 of a message, which tells nothing of it.
    ///
    /// # Errors
    /// As [`Contents::message`].
    pub fn sha256(&mut self, folder: &str, uid: Uid) -> Result<[u8; 32], Unfiled> {
        Ok(sigillo_smime::sha256(&self.bytes(folder, uid)?.1))
    }

    fn bytes(&mut self, folder: &str, uid: Uid) -> Result<(u32, Vec<u8>), Unfiled> {
        let (number, _) = self.0.locate(folder)?;
        let gone = || no_message(folder, uid);
        Ok((number, self.0.message(number, uid.0)?.ok_or_else(gone)?))
    }

    /// Puts a message into a folder, in one durable commit.
    ///
    /// # Errors
    /// As [`Unfiled`] says; nothing was done.
    pub fn file(&mut self, folder: &str, bytes: &[u8], date: Timestamp, flags: &str) -> Result<Uid, Unfiled> {
        let flags = read_flags(flags)?;
        self.0.may_file()?;
        let draft = Draft { flags, date: Some(date), parts: vec![DraftPart::Came(bytes.len() as u64)] };
        let mut came = self.0.passed(bytes)?;
        let appended = self.0.append_drafts(folder, &[draft], &mut came, None)?;
        let lost = || fault(Error::Invalid(said!("il messaggio non ha avuto un numero", "the message got no number")));
        Ok(Uid(appended.uids.first().copied().ok_or_else(lost)?))
    }
}

fn no_message(folder: &str, uid: Uid) -> Unfiled {
    Unfiled::Missing(said!(
        "nella cartella {folder} non c'è il messaggio {}",
        "there is no message {} in the folder {folder}",
        uid.0
    ))
}

fn read_flags(flags: &str) -> Result<Flags, Unfiled> {
    let not_flags = || {
        Unfiled::Refused(said!("«{flags}» non sono flag ed etichette IMAP", "“{flags}” are no IMAP flags and keywords"))
    };
    Flags::parse(flags).ok_or_else(not_flags)
}
