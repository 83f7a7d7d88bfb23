//! What a session asks its driver to have done, one at a time.

use sigillo_base::Timestamp;

use crate::{Attribute, Criteria, FetchItem, Flags, SequenceSet, StoreOp};

/// A command that needs the folders. The driver calls [`crate::Server::run`], on a thread that may block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// LIST
    List {
        /// Put before each pattern.
        reference: String,
        /// With `*` and `%`; empty asks for the delimiter.
        patterns: Vec<String>,
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
    /// APPEND announced: may it come? Then `Action::AppendChunk`s follow, and [`Request::AppendEnd`].
    Append {
        /// Where to.
        mailbox: String,
        /// Its flags.
        flags: Flags,
        /// Its INTERNALDATE, if given.
        date: Option<Timestamp>,
        /// Octets.
        size: u64,
    },
    /// The message of APPEND has come whole.
    AppendEnd {
        /// Where to.
        mailbox: String,
        /// Its flags.
        flags: Flags,
        /// Its INTERNALDATE, if given.
        date: Option<Timestamp>,
    },
    /// FETCH and UID FETCH
    Fetch {
        /// Which messages.
        set: SequenceSet,
        /// UID FETCH.
        uid: bool,
        /// What of them.
        items: Vec<FetchItem>,
    },
    /// STORE and UID STORE
    Store {
        /// Which messages.
        set: SequenceSet,
        /// UID STORE.
        uid: bool,
        /// How.
        op: StoreOp,
        /// `.SILENT`
        silent: bool,
        /// Which flags.
        flags: Flags,
    },
    /// SEARCH and UID SEARCH
    Search {
        /// UID SEARCH.
        uid: bool,
        /// What to look for.
        criteria: Criteria,
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
    /// NOOP, CHECK and the beginning of IDLE: what is new in the selected folder?
    Poll,
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
}
