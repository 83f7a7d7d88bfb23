//! The register of operations, and what a request says of itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::escaped;

/// `GET` with [`OperationFilter`] in the query: [`Operations`].
pub const OPERATIONS: &str = "/v1/operations";
/// Records in one answer.
pub const OPERATIONS_LIMIT: usize = 1_000;

/// Header: the ticket that a request belongs to.
pub const TICKET: &str = "sigillo-ticket";
/// Header: when it was asked for, ISO 8601; now, without it.
pub const REQUESTED_AT: &str = "sigillo-requested-at";
/// Header: who asked; who is let in, without it.
pub const REQUESTED_BY: &str = "sigillo-requested-by";
/// Header: who confirmed it, a person who may do it himself, where another does it; with [`CONFIRMED_AT`] and [`TICKET`].
pub const CONFIRMED_BY: &str = "sigillo-confirmed-by";
/// Header: when he did, ISO 8601.
pub const CONFIRMED_AT: &str = "sigillo-confirmed-at";
/// Header: by which way it came: `console`, `file`, `phone`, `api`; `api`, without it.
pub const CHANNEL: &str = "sigillo-channel";
/// Header: `true` asks what would come of a request, and nothing is done; the answer has it too.
pub const DRY_RUN: &str = "sigillo-dry-run";

/// The path of a record: `GET` [`Operation`].
pub fn operation_path(id: &str) -> String {
    format!("{OPERATIONS}/{}", escaped(id))
}

/// Which records; what is absent is any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OperationFilter {
    /// The administration's number.
    pub tenant: Option<u64>,
    /// The address of a mailbox or list, or of an entry of an address book.
    pub object: Option<String>,
    /// The legal month in which it was done, `2026-11`.
    pub month: Option<String>,
    /// See [`Operation::kind`].
    pub kind: Option<String>,
    /// The ticket.
    pub ticket: Option<String>,
    /// Only what comes after this record: [`Operations::next`] of the page before.
    pub after: Option<String>,
}

/// Records, the earliest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Operations {
    /// Those that who asks may see.
    pub operations: Vec<Operation>,
    /// Where to go on, if there may be more.
    pub next: Option<String>,
}

/// An operation that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Operation {
    /// Its number: the legal month, and from 1 within it: `202611-17`.
    pub id: String,
    /// `mailbox-create`, `mailbox-change`, `mailbox-activate`, `mailbox-deactivate`, `mailbox-block`, `mailbox-unblock`,
    /// `mailbox-profile`, `mailbox-unit`, `mailbox-responsible`, `mailbox-cancel`, `mailbox-undelete`, `mailbox-purge`,
    /// `list-create`, `list-change`, `list-cancel`, `address-book-create`, `address-book-change`, `address-book-cancel`.
    pub kind: String,
    /// The address of the mailbox or list, or of an entry of an address book.
    pub object: String,
    /// The administration that it was of then.
    pub tenant: Option<u64>,
    /// The unit that it was of then.
    pub unit: Option<u64>,
    /// From what to what, where that says more.
    pub detail: String,
    /// When it was asked for, ISO 8601.
    pub requested_at: String,
    /// Who asked.
    pub requested_by: String,
    /// When it was done, ISO 8601.
    pub done_at: String,
    /// From the confirmation, where another than who did it confirmed it before, else from the request, until it was done, by the
    /// wall clock (WEB-06).
    pub seconds_used: u64,
    /// Who confirmed it, by being let in to do it where no other is named (WEB-03).
    pub confirmed_by: String,
    /// What he was let in by: `token`, `socket`, or `service` for the provider itself; `ticket` where another did it.
    pub confirmed_how: String,
    /// When it was confirmed, ISO 8601.
    pub confirmed_at: String,
    /// Who was let in to do it.
    pub done_by: String,
    /// The ticket, or empty.
    pub ticket: String,
    /// `console`, `file`, `phone`, `api` or `service`.
    pub channel: String,
}

/// Who answers for a mailbox; `null` for nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Responsible {
    /// His name.
    pub person: Option<String>,
}
