//! What a session asks its driver to have done, one at a time.

use sigillo_base::Timestamp;

use crate::command::getmetadata::Options;
use crate::search::Query;
use crate::{Attribute, Change, FetchItem, Flags, RightsChange, SequenceSet, Watch};

/// A command that needs the folders. The driver calls [`crate::Server::run`], on a thread that may block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// LIST
    List {
        /// Put before each pattern.
        reference: String,
        /// With `*` and `%`; a single empty one asks for the delimiter.
        patterns: Vec<String>,
        /// What more is wanted; `None` of the LIST of RFC 3501.
        options: Option<ListOptions>,
    },
    /// LSUB
    Lsub {
        /// Put before the pattern.
        reference: String,
        /// With `*` and `%`.
        pattern: String,
    },
    /// STATUS
    Status {
        /// Which folder.
        mailbox: String,
        /// What to tell, in this order.
        items: Vec<StatusItem>,
    },
    /// SELECT and EXAMINE
    Select {
        /// Which folder.
        mailbox: String,
        /// EXAMINE.
        read_only: bool,
        /// `CONDSTORE`: mod-sequences are wanted from now on.
        condstore: bool,
        /// `QRESYNC`: what the client knows of the folder.
        known: Option<Known>,
    },
    /// CLOSE: expunges in silence and leaves the folder.
    Close,
    /// CREATE
    Create {
        /// The new name.
        mailbox: String,
        /// What it is made for (RFC 6154 §3).
        special: Option<Attribute>,
    },
    /// DELETE
    Delete {
        /// Which folder.
        mailbox: String,
    },
    /// RENAME
    Rename {
        /// The name now.
        from: String,
        /// The name then.
        to: String,
    },
    /// SUBSCRIBE
    Subscribe {
        /// Which folder.
        mailbox: String,
    },
    /// UNSUBSCRIBE
    Unsubscribe {
        /// Which folder.
        mailbox: String,
    },
    /// A literal of APPEND or REPLACE was announced: may it come? Then `Action::AppendChunk`s follow, and another one or
    /// [`Request::AppendEnd`].
    Append {
        /// Where to.
        mailbox: String,
        /// Octets of all literals so far, this one included.
        size: u64,
        /// It is the command's first.
        first: bool,
        /// What REPLACE names.
        replaced: Option<Replaced>,
    },
    /// All messages of APPEND or REPLACE have come.
    AppendEnd {
        /// Where to.
        mailbox: String,
        /// The messages, in order.
        messages: Vec<Appending>,
        /// Octets that came as `Action::AppendChunk`s.
        octets: u64,
        /// What REPLACE names.
        replaced: Option<Replaced>,
    },
    /// FETCH and UID FETCH
    Fetch {
        /// Which messages.
        set: SequenceSet,
        /// UID FETCH.
        uid: bool,
        /// What of them.
        items: Vec<FetchItem>,
        /// `CHANGEDSINCE`: only of messages that changed after this mod-sequence.
        since: Option<u64>,
        /// `VANISHED`: and the UIDs that went after it.
        vanished: bool,
    },
    /// STORE and UID STORE
    Store {
        /// Which messages.
        set: SequenceSet,
        /// UID STORE.
        uid: bool,
        /// `.SILENT`
        silent: bool,
        /// What is done.
        change: Change,
    },
    /// SEARCH, SORT and THREAD, and the same by UID
    Search {
        /// UID SEARCH and the like.
        uid: bool,
        /// What to look for, and what of it.
        query: Query,
    },
    /// COPY and UID COPY
    Copy {
        /// Which messages.
        set: SequenceSet,
        /// UID COPY.
        uid: bool,
        /// Where to.
        mailbox: String,
    },
    /// MOVE and UID MOVE
    Move {
        /// Which messages.
        set: SequenceSet,
        /// UID MOVE.
        uid: bool,
        /// Where to.
        mailbox: String,
    },
    /// EXPUNGE, and UID EXPUNGE with its set.
    Expunge {
        /// Of these UIDs only.
        uids: Option<SequenceSet>,
    },
    /// GETQUOTA
    GetQuota {
        /// Which quota.
        root: String,
    },
    /// GETQUOTAROOT
    GetQuotaRoot {
        /// Which folder.
        mailbox: String,
    },
    /// MYRIGHTS
    MyRights {
        /// Which folder.
        mailbox: String,
    },
    /// GETACL
    GetAcl {
        /// Which folder.
        mailbox: String,
    },
    /// SETACL
    SetAcl {
        /// Which folder.
        mailbox: String,
        /// Whose rights.
        who: String,
        /// What becomes of them.
        change: RightsChange,
    },
    /// DELETEACL
    DeleteAcl {
        /// Which folder.
        mailbox: String,
        /// Whose rights.
        who: String,
    },
    /// LISTRIGHTS
    ListRights {
        /// Which folder.
        mailbox: String,
        /// Whose rights.
        who: String,
    },
    /// GETMETADATA
    GetMetadata {
        /// Which folder; empty for the mailbox itself.
        mailbox: String,
        /// How much of it.
        options: Options,
        /// Which entries.
        entries: Vec<String>,
    },
    /// SETMETADATA
    SetMetadata {
        /// Which folder; empty for the mailbox itself.
        mailbox: String,
        /// What they say from now on; nothing removes them.
        entries: Vec<(String, Option<Vec<u8>>)>,
    },
    /// NOTIFY
    Notify {
        /// What the client wants to hear without asking; `None` is nothing (NONE).
        watch: Option<Watch>,
        /// `STATUS`: how the folders are now.
        status: bool,
    },
    /// UNSELECT
    Unselect,
    /// NOOP, CHECK, the beginning of IDLE, and a look of our own: what is new?
    Poll,
}

/// What LIST selects, and what it tells beside names (RFC 5258, 5819, 6154).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// `SUBSCRIBED`: subscribed folders only.
    pub subscribed: bool,
    /// `SPECIAL-USE`: folders with a special use only.
    pub special_use: bool,
    /// `RECURSIVEMATCH`: and those with such folders below them.
    pub recursive: bool,
    /// `RETURN (SUBSCRIBED)`
    pub tell_subscribed: bool,
    /// `RETURN (STATUS (…))`
    pub status: Vec<StatusItem>,
    /// `RETURN (MYRIGHTS)`: what the user may do in each (RFC 8440).
    pub my_rights: bool,
}

/// What a client remembers of a folder it had open before (RFC 7162 §3.2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// UIDVALIDITY then.
    pub uid_validity: u32,
    /// HIGHESTMODSEQ then.
    pub modseq: u64,
    /// The UIDs it knows; otherwise all that were given.
    pub uids: Option<SequenceSet>,
    /// Sequence numbers and their UIDs then, in pairs: where they still agree, nothing before them went.
    pub pairs: Option<(SequenceSet, SequenceSet)>,
}

/// A message of APPEND as the client described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appending {
    /// Its flags.
    pub flags: Flags,
    /// Its INTERNALDATE, if given.
    pub date: Option<Timestamp>,
    /// What it is made of, in order: one literal, or the parts of CATENATE.
    pub parts: Vec<Portion>,
}

/// A part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Portion {
    /// The next so many octets of those that streamed.
    Came(u64),
    /// What an IMAP URL names (RFC 4469).
    Url(String),
}

/// The message that REPLACE names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// One number.
    pub set: SequenceSet,
    /// It is a UID.
    pub uid: bool,
}

/// What STATUS can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusItem {
    /// `MESSAGES`
    Messages,
    /// `RECENT`
    Recent,
    /// `UIDNEXT`
    UidNext,
    /// `UIDVALIDITY`
    UidValidity,
    /// `UNSEEN`
    Unseen,
    /// `HIGHESTMODSEQ`
    HighestModSeq,
    /// `SIZE`
    Size,
    /// `DELETED`
    Deleted,
    /// `DELETED-STORAGE`
    DeletedStorage,
    /// `MAILBOXID`
    MailboxId,
}
