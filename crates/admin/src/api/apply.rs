//! Mailboxes, lists and entries of address books by file (WEB-08).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sigillo_base::Secret;

use super::maybe;

/// `POST` [`Apply`] of [`MailboxLine`]: steps, at their end [`Applied`].
pub const MAILBOXES_APPLY: &str = "/v1/mailboxes/apply";
/// `POST` [`Apply`] of [`ListLine`]: steps, at their end [`Applied`].
pub const LISTS_APPLY: &str = "/v1/lists/apply";
/// Lines in one request.
pub const APPLY_LIMIT: usize = 20_000;

/// How things are to be, line by line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Apply<L> {
    /// In the order of the file.
    pub lines: Vec<L>,
}

/// How a mailbox is to be; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MailboxLine {
    /// Its number in the file.
    pub line: usize,
    /// The address.
    pub address: String,
    /// Its profile; a new one has `standard` without it.
    pub profile: Option<String>,
    /// `active`, `inactive` or `cancelled`.
    pub state: Option<String>,
    /// The number of a unit, or its name; `-` for none.
    pub unit: Option<String>,
    /// Who answers for it, by name.
    pub responsible: Option<String>,
    /// `refuse` or `accept`.
    pub ordinary_mail: Option<String>,
    /// The first password of one that is new. Without it and without a hash nobody comes in until one is given.
    #[serde(with = "maybe", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub password: Option<Secret>,
    /// The hash of it, as another system made it.
    #[serde(with = "maybe", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub password_hash: Option<Secret>,
    /// The ticket, where the line has its own.
    pub ticket: Option<String>,
    /// When it was asked for, where the line has its own.
    pub requested_at: Option<String>,
}

/// How a list is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ListLine {
    /// Its number in the file.
    pub line: usize,
    /// The address.
    pub address: String,
    /// Its members; absent: as they are.
    pub members: Option<Vec<String>>,
    /// `active` or `cancelled`.
    pub state: Option<String>,
    /// The number of a unit, or its name; `-` for none.
    pub unit: Option<String>,
    /// The ticket, where the line has its own.
    pub ticket: Option<String>,
    /// When it was asked for, where the line has its own.
    pub requested_at: Option<String>,
}

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// Whether it only says so.
    pub dry_run: bool,
    /// Lines whose mailbox, list or entry was made.
    pub created: u64,
    /// Lines by which something was changed.
    pub changed: u64,
    /// Lines that say what is so already.
    pub unchanged: u64,
    /// Lines that came to nothing.
    pub wrong: Vec<WrongLine>,
}

/// A line that came to nothing; nothing of it was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WrongLine {
    /// Its number in the file.
    pub line: usize,
    /// What it is about, where that can be told.
    pub object: String,
    /// The field that is wrong, or empty.
    pub field: String,
    /// Why.
    pub why: String,
}
