//! What a session asks of the world behind it: folders, rows, message bytes.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use sigillo_base::Timestamp;

use crate::search::grams::Grams;
use crate::{Custody, Flags, FolderRights, StoreOp, Summary};

/// The character between the levels of a folder's name.
pub const DELIMITER: char = '/';

/// Why something is refused: the text of a `NO`, with a response code where one fits (RFC 3501 §7.1, RFC 5530).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// The response code, if any.
    pub code: Option<Code>,
    /// What a person should read. Accents are written with apostrophes on the wire, which is ASCII.
    pub text: String,
}

/// Response codes that a refusal can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// `ALREADYEXISTS`
    AlreadyExists,
    /// `BADCHARSET (US-ASCII UTF-8)`
    BadCharset,
    /// `BADEVENT`, with every event of NOTIFY that there is (RFC 5465).
    BadEvent,
    /// `CANNOT`: never possible, such as deleting INBOX.
    Cannot,
    /// `COMPRESSIONACTIVE` (RFC 4978)
    CompressionActive,
    /// `EXPUNGEISSUED`: some message is gone.
    ExpungeIssued,
    /// `HASCHILDREN`: a folder below would be left alone (RFC 9051 §7.1).
    HasChildren,
    /// `INUSE`
    InUse,
    /// `LIMIT`
    Limit,
    /// `METADATA MAXSIZE 8192`: see [`crate::MAX_ANNOTATION`].
    MetadataMaxSize,
    /// `METADATA TOOMANY`
    MetadataTooMany,
    /// `NONEXISTENT`
    NonExistent,
    /// `NOPERM`
    NoPerm,
    /// `NOTIFICATIONOVERFLOW`: more than NOTIFY can watch.
    NotificationOverflow,
    /// `OVERQUOTA`
    OverQuota,
    /// `PRIVACYREQUIRED`: only with TLS.
    PrivacyRequired,
    /// `READ-ONLY`
    ReadOnly,
    /// `SERVERBUG`
    ServerBug,
    /// `TOOBIG`
    TooBig,
    /// `TRYCREATE`
    TryCreate,
    /// `UNAVAILABLE`: try later.
    Unavailable,
    /// `UNKNOWN-CTE`: a part's transfer encoding is unknown, or octets cannot be kept as they are (RFC 3516).
    UnknownCte,
    /// `USEATTR`: no folder can have this special use (RFC 6154 §6).
    UseAttr,
}

impl Code {
    /// As it stands between the brackets.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyExists => "ALREADYEXISTS",
            Self::BadCharset => "BADCHARSET (US-ASCII UTF-8)",
            Self::BadEvent => {
                "BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange \
                 ServerMetadataChange)"
            }
            Self::Cannot => "CANNOT",
            Self::CompressionActive => "COMPRESSIONACTIVE",
            Self::ExpungeIssued => "EXPUNGEISSUED",
            Self::HasChildren => "HASCHILDREN",
            Self::InUse => "INUSE",
            Self::Limit => "LIMIT",
            Self::MetadataMaxSize => "METADATA MAXSIZE 8192",
            Self::MetadataTooMany => "METADATA TOOMANY",
            Self::NonExistent => "NONEXISTENT",
            Self::NoPerm => "NOPERM",
            Self::NotificationOverflow => "NOTIFICATIONOVERFLOW",
            Self::OverQuota => "OVERQUOTA",
            Self::PrivacyRequired => "PRIVACYREQUIRED",
            Self::ReadOnly => "READ-ONLY",
            Self::ServerBug => "SERVERBUG",
            Self::TooBig => "TOOBIG",
            Self::TryCreate => "TRYCREATE",
            Self::Unavailable => "UNAVAILABLE",
            Self::UnknownCte => "UNKNOWN-CTE",
            Self::UseAttr => "USEATTR",
        }
    }
}

impl Refusal {
    /// With a code.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code: Some(code), text: text.into() }
    }

    /// The folder is not there.
    pub fn no_folder() -> Self {
        Self::new(Code::NonExistent, "La cartella non esiste")
    }

    /// A fault that may pass.
    pub fn unavailable() -> Self {
        Self::new(Code::Unavailable, "Servizio momentaneamente non disponibile, riprovare")
    }
}

/// Why a login failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginRefusal {
    /// Unknown user or wrong password: told alike (`AUTHENTICATIONFAILED`).
    Credentials,
    /// The account is not for this: the text says why (`AUTHORIZATIONFAILED`).
    Denied(String),
    /// The account is blocked: the text says whom to ask (`CONTACTADMIN`).
    Blocked(String),
    /// The password is right and no longer good: the text says where to get another (`EXPIRED`).
    Expired(String),
    /// Too many attempts or connections; the text is told to the client.
    Limit(String),
    /// It could not be checked: try later (`UNAVAILABLE`).
    Unavailable,
}

/// What LIST can say of a folder (RFC 3501 §7.2.2, RFC 6154).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// `\Noselect`
    NoSelect,
    /// `\NonExistent`
    NonExistent,
    /// `\Noinferiors`
    NoInferiors,
    /// `\All`
    All,
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Flagged`
    Flagged,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

impl Attribute {
    /// The special uses of RFC 6154 §2.
    pub const USES: [Self; 7] =
        [Self::All, Self::Archive, Self::Drafts, Self::Flagged, Self::Junk, Self::Sent, Self::Trash];

    /// As the protocol writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSelect => "\\Noselect",
            Self::NonExistent => "\\NonExistent",
            Self::NoInferiors => "\\Noinferiors",
            Self::All => "\\All",
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Flagged => "\\Flagged",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
        }
    }
}

/// One folder. Names are UTF-8, levels are separated by [`DELIMITER`], the inbox is `INBOX`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderInfo {
    /// See [`FolderState::number`].
    pub number: u32,
    /// The full name.
    pub name: String,
    /// What is special about it; children are found by the session itself.
    pub attributes: Vec<Attribute>,
    /// Whether LSUB shows it.
    pub subscribed: bool,
    /// Its numbers; `None` for who may not read it.
    pub status: Option<Status>,
    /// What the user may do in it.
    pub rights: FolderRights,
}

impl FolderInfo {
    /// A name that is subscribed and has no folder (RFC 5258 §3.1).
    pub fn missing(name: String) -> Self {
        Self { name, attributes: vec![Attribute::NonExistent], subscribed: true, ..Self::default() }
    }

    /// Whether there is such a folder.
    pub fn is_there(&self) -> bool {
        !self.attributes.contains(&Attribute::NonExistent)
    }
}

/// What is known of a message without reading it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Ascending, never reused, never zero.
    pub uid: u32,
    /// The flags now.
    pub flags: Flags,
    /// INTERNALDATE.
    pub date: Timestamp,
    /// Octets, exactly as [`Mailboxes::message`] gives them.
    pub size: u32,
    /// The folder's mod-sequence at the row's last change (RFC 7162).
    pub modseq: u64,
    /// When it came into this folder (RFC 8514).
    pub saved: Timestamp,
    /// The content: the same in every folder that it is copied or moved to, never that of another (RFC 8474).
    pub email: u128,
}

/// A folder as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderState {
    /// What the other calls know the folder by: the same through RENAME, and never that of another folder of the mailbox.
    pub number: u32,
    /// MAILBOXID: the same through RENAME, and never that of another folder (RFC 8474). Letters, digits, `-` and `_`.
    pub id: String,
    /// Changes when UIDs begin anew. Never zero.
    pub uid_validity: u32,
    /// Above every UID given so far.
    pub uid_next: u32,
    /// Grows with every change of a message, arrival and removal; never zero. See [`Mailboxes::version`].
    pub highest_modseq: u64,
    /// Messages by ascending UID: all, or those that changed or came ([`Mailboxes::refresh`]).
    pub rows: Arc<Vec<Row>>,
    /// The UIDs that went, in the answer of [`Mailboxes::refresh`]; `None` when `rows` are all there are.
    pub gone: Option<Vec<u32>>,
    /// Flags that a client may change for good.
    pub permanent_flags: Flags,
    /// Whether a client may make new keywords (`\*`).
    pub new_keywords: bool,
    /// Nothing may be changed, even by SELECT.
    pub read_only: bool,
}

/// The numbers of STATUS.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// Messages in the folder.
    pub messages: u32,
    /// Of these without `\Seen`.
    pub unseen: u32,
    /// See [`FolderState::uid_next`].
    pub uid_next: u32,
    /// See [`FolderState::uid_validity`].
    pub uid_validity: u32,
    /// See [`FolderState::highest_modseq`].
    pub highest_modseq: u64,
    /// Octets of all messages.
    pub size: u64,
    /// Messages with `\Deleted`.
    pub deleted: u32,
    /// Octets of these.
    pub deleted_storage: u64,
    /// See [`FolderState::id`].
    pub id: String,
}

/// What STORE does with flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// How.
    pub op: StoreOp,
    /// Which flags.
    pub flags: Flags,
    /// Only of messages that did not change after this mod-sequence (RFC 7162 §3.1.3).
    pub unchanged_since: Option<u64>,
}

impl Change {
    /// Whatever happened to the messages before.
    pub const fn new(op: StoreOp, flags: Flags) -> Self {
        Self { op, flags, unchanged_since: None }
    }

    /// Whether a message that last changed at `modseq` may be changed.
    pub fn allows(&self, modseq: u64) -> bool {
        self.unchanged_since.is_none_or(|since| modseq <= since)
    }
}

/// What STORE did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// The new rows of the messages that were still there and might be changed.
    pub rows: Vec<Row>,
    /// The UIDs of those that somebody changed before.
    pub modified: Vec<u32>,
}

/// The folder that a COPY or MOVE goes into. Its name is looked up once, when the command begins: between two pages
/// another folder may get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destination {
    /// See [`FolderState::number`].
    pub folder: u32,
    /// See [`FolderState::uid_validity`]: with another one it is not the folder that was meant.
    pub uid_validity: u32,
}

/// A message to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its flags.
    pub flags: Flags,
    /// Its INTERNALDATE; the present when there is none.
    pub date: Option<Timestamp>,
    /// Its octets, in order.
    pub parts: Vec<DraftPart>,
}

/// A part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DraftPart {
    /// The next so many octets of those that came.
    Came(u64),
    /// These octets of a message in the mailbox.
    Of {
        /// Its folder, by [`FolderState::number`].
        folder: u32,
        /// Its UID.
        uid: u32,
        /// Which octets.
        range: Range<u64>,
    },
    /// These.
    Own(Vec<u8>),
}

impl Draft {
    /// Whether it has no octets.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| match part {
            DraftPart::Came(octets) => *octets == 0,
            DraftPart::Of { range, .. } => range.is_empty(),
            DraftPart::Own(bytes) => bytes.is_empty(),
        })
    }
}

/// Where messages were stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Of the folder.
    pub uid_validity: u32,
    /// Of the messages, in order.
    pub uids: Vec<u32>,
}

/// A message that was opened, to be read in pieces. It stays readable while it is open, or says that it is not; no lock
/// is held meanwhile.
pub trait Content: Send + fmt::Debug {
    /// At most `most` octets from `from` on; fewer only at the message's end. May block.
    ///
    /// # Errors
    /// What became unreadable meanwhile.
    fn read(&mut self, from: u64, most: usize) -> Result<Vec<u8>, Refusal>;
}

impl Content for Vec<u8> {
    fn read(&mut self, from: u64, most: usize) -> Result<Vec<u8>, Refusal> {
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(self.len());
        Ok(self[from..from.saturating_add(most).min(self.len())].to_vec())
    }
}

/// What can be told of a message without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtHand {
    /// It is not there any more.
    Gone,
    /// All of this.
    Summary(Box<Summary>),
    /// Nothing yet: [`Mailboxes::summary`] will read the whole message, of so many octets.
    Unread(usize),
}

/// The folders of the user who logged in, as the driver gives them. Every call may block; a refusal becomes the
/// command's `NO`. Folder names come decoded, with `INBOX` in upper case. An open folder is known by
/// [`FolderState::number`]; when it is deleted, refuse with [`Code::NonExistent`].
pub trait Mailboxes: Custody {
    /// Every folder, in any order.
    fn list(&mut self) -> Result<Vec<FolderInfo>, Refusal>;
    /// Opens a folder.
    fn select(&mut self, name: &str) -> Result<FolderState, Refusal>;
    /// The same folder again: what changed after the mod-sequence `since`, at which UIDs up to `uid_next` had been given;
    /// or all of it, where that is not known any more.
    fn refresh(&mut self, folder: u32, since: u64, uid_next: u32) -> Result<FolderState, Refusal>;
    /// The folder's `highest_modseq`, if it can be read cheaply: when it has not moved, `refresh` is not called.
    fn version(&mut self, _folder: u32) -> Result<Option<u64>, Refusal> {
        Ok(None)
    }
    /// What the user may do in an open folder, where that can change while it is open: asked at each look.
    fn rights_in(&mut self, _folder: u32) -> Result<Option<FolderRights>, Refusal> {
        Ok(None)
    }
    /// The UIDs that were removed after this mod-sequence, ascending; `None` when that is not known any more.
    fn vanished(&mut self, _folder: u32, _since: u64) -> Result<Option<Vec<u32>>, Refusal> {
        Ok(None)
    }
    /// The message's bytes; `None` when it is gone.
    fn message(&mut self, folder: u32, uid: u32) -> Result<Option<Vec<u8>>, Refusal>;
    /// What [`Summary::of`] makes of the message's bytes. Lists of folders ask for no more: who keeps it beside the
    /// message makes them fast.
    fn summary(&mut self, folder: u32, uid: u32) -> Result<Option<Summary>, Refusal> {
        Ok(self.message(folder, uid)?.map(|bytes| Summary::of(&bytes)))
    }
    /// The summary, if it is at hand; a message is not read for it unless it is small.
    fn at_hand(&mut self, folder: u32, uid: u32) -> Result<AtHand, Refusal> {
        Ok(self.summary(folder, uid)?.map_or(AtHand::Gone, |summary| AtHand::Summary(Box::new(summary))))
    }
    /// Opens a message for reading in pieces; `None` when it is gone.
    fn content(&mut self, folder: u32, uid: u32) -> Result<Option<Box<dyn Content>>, Refusal> {
        Ok(self.message(folder, uid)?.map(|bytes| Box::new(bytes) as Box<dyn Content>))
    }
    /// Both of the last two, of a message that is looked for once.
    fn reading(&mut self, folder: u32, uid: u32) -> Result<(AtHand, Option<Box<dyn Content>>), Refusal> {
        Ok((self.at_hand(folder, uid)?, self.content(folder, uid)?))
    }
    /// A client is shown what a message holds, beyond its summary.
    fn shown(&mut self, _folder: u32, _uid: u32) {}
    /// The number and the UIDVALIDITY of a folder.
    fn locate(&mut self, name: &str) -> Result<(u32, u32), Refusal> {
        let state = self.select(name)?;
        Ok((state.number, state.uid_validity))
    }
    /// What [`Grams::of`] makes of the message's bytes, if that is kept: a search then reads few messages. `None` costs
    /// the reading.
    fn grams(&mut self, _folder: u32, _uid: u32) -> Result<Option<Grams>, Refusal> {
        Ok(None)
    }
    /// The service time.
    fn now(&mut self) -> Timestamp;
    /// Changes flags of those messages that are still there and that the change allows: each is looked at in the commit
    /// that changes it.
    fn store_flags(&mut self, folder: u32, uids: &[u32], change: &Change) -> Result<Stored, Refusal>;
    /// Says whether a message of `size` octets may be appended, and forgets the chunks of any earlier APPEND. `replaced`
    /// is as for [`Mailboxes::append`]: what that message holds is free by then. Refuse a missing folder with
    /// [`Code::TryCreate`].
    fn append_start(&mut self, name: &str, size: u64, replaced: Option<(u32, u32)>) -> Result<(), Refusal>;
    /// Says whether so many octets in all may come, after those that [`Mailboxes::append_start`] allowed.
    fn append_more(&mut self, _name: &str, _size: u64, _replaced: Option<(u32, u32)>) -> Result<(), Refusal> {
        Ok(())
    }
    /// Stores messages, all or none, of what came as `Action::AppendChunk` since [`Mailboxes::append_start`] and of what
    /// is in the mailbox; the date is the present when there is none. With `replaced`, the message of this folder, by its number, and UID
    /// goes in the same commit; refuse with [`Code::NonExistent`] when it is gone.
    fn append(&mut self, name: &str, drafts: &[Draft], replaced: Option<(u32, u32)>) -> Result<Appended, Refusal>;
    /// Removes for good those of the messages that still carry `\Deleted`; gives the UIDs removed.
    fn expunge(&mut self, folder: u32, uids: &[u32]) -> Result<Vec<u32>, Refusal>;
    /// The folder of this name, for [`Mailboxes::copy`] and [`Mailboxes::move_`]. Refuse a missing one with
    /// [`Code::TryCreate`].
    fn destination(&mut self, name: &str) -> Result<Destination, Refusal>;
    /// Copies messages with flags and dates, these all or none: of a greater COPY they are a page. Gives, by ascending UID
    /// in the source, that UID and the one in the target. Refuse a target that is gone meanwhile with
    /// [`Code::NonExistent`].
    fn copy(&mut self, folder: u32, uids: &[u32], into: Destination) -> Result<Vec<(u32, u32)>, Refusal>;
    /// Takes copies that [`Mailboxes::copy`] just made away again, since a later page of the same COPY was refused. Those
    /// in a folder that is gone went with it; refuse one with another UIDVALIDITY, in which these UIDs are other messages.
    fn withdraw(&mut self, into: Destination, uids: &[u32]) -> Result<(), Refusal>;
    /// Moves messages, these all or none: a copy, and the source without them whatever their flags.
    fn move_(&mut self, folder: u32, uids: &[u32], into: Destination) -> Result<Vec<(u32, u32)>, Refusal>;
    /// Makes a folder, for a special use if one is named (RFC 6154 §3): refuse one that cannot be with [`Code::UseAttr`].
    /// Gives its [`FolderState::id`].
    fn create(&mut self, name: &str, special: Option<Attribute>) -> Result<String, Refusal>;
    /// Deletes a folder with its messages.
    fn delete(&mut self, name: &str) -> Result<(), Refusal>;
    /// Gives a folder, and those below it, another name.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), Refusal>;
    /// Sets or clears the subscription of a folder, or clears that of a name that has none.
    fn subscribe(&mut self, name: &str, on: bool) -> Result<(), Refusal>;
    /// The names that are subscribed and have no folder: it was deleted, or has another name (RFC 3501 §6.3.6).
    fn subscriptions(&mut self) -> Result<Vec<String>, Refusal> {
        Ok(Vec::new())
    }
    /// Counts without opening.
    fn status(&mut self, name: &str) -> Result<Status, Refusal>;
}
