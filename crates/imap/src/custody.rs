//! What is ruled and told about folders beside their messages: how much fits, who may do what, what is noted.

use crate::{FolderRights, Refusal, RightsChange};

/// Octets of the value of one annotation: what a longer one is answered stands in [`crate::Code::MetadataMaxSize`].
pub const MAX_ANNOTATION: usize = 8192;

/// How much a mailbox holds and may hold (RFC 9208).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Octets in use.
    pub bytes: u64,
    /// Octets that fit.
    pub bytes_limit: u64,
    /// Messages in use.
    pub messages: u64,
    /// Messages that fit.
    pub messages_limit: u64,
}

/// Beside [`crate::Mailboxes`]: every call may block, a refusal becomes the command's `NO`, names come decoded.
pub trait Custody {
    /// The one quota of the mailbox: all folders count for it.
    fn quota(&mut self) -> Result<Quota, Refusal>;
    /// Refuses a folder whose quota the user may not ask for.
    fn quota_root(&mut self, name: &str) -> Result<(), Refusal>;
    /// What the user may do in a folder.
    fn my_rights(&mut self, name: &str) -> Result<FolderRights, Refusal>;
    /// Everybody's rights in a folder, by identifier.
    fn acl(&mut self, name: &str) -> Result<Vec<(String, FolderRights)>, Refusal>;
    /// Changes somebody's rights in a folder.
    fn set_acl(&mut self, name: &str, who: &str, change: RightsChange) -> Result<(), Refusal>;
    /// The rights that somebody always has in a folder.
    fn kept_rights(&mut self, name: &str, who: &str) -> Result<FolderRights, Refusal>;
    /// All annotations of a folder that the user sees, of the mailbox itself when it has no name; names of entries in
    /// lower case, ascending.
    fn annotations(&mut self, name: &str) -> Result<Vec<(String, Vec<u8>)>, Refusal>;
    /// Moves whenever an annotation of the mailbox is set or removed, so that nobody reads them for nothing; `None` where that
    /// is not known.
    fn annotated(&mut self) -> Option<u64> {
        None
    }
    /// Sets annotations, and removes those without a value: all or none. Names of entries come in lower case.
    fn annotate(&mut self, name: &str, entries: &[(String, Option<Vec<u8>>)]) -> Result<(), Refusal>;
}
