//! What an administration is given of accesses and of administrative acts that concern it (ACC-03, AUD-02, AUD-03).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Access, LogSegment, tenant_path};

/// The path of all accesses to the mailboxes of an administration: `GET` with [`OfMonth`], answered with [`TenantAccesses`].
pub fn tenant_accesses_path(tenant: u64) -> String {
    format!("{}/accesses", tenant_path(tenant))
}

/// The path of the administrative acts that concern an administration: `GET` with [`OfMonth`], answered with [`Acts`].
pub fn acts_path(tenant: u64) -> String {
    format!("{}/acts", tenant_path(tenant))
}

/// The path of what was read over the administrative interface, of an administration or by its own: `GET` with [`OfMonth`],
/// answered with [`Readings`].
pub fn readings_path(tenant: u64) -> String {
    format!("{}/readings", tenant_path(tenant))
}

/// A page of a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfMonth {
    /// The legal month, `2026-11`.
    pub month: String,
    /// `next` of the page before.
    #[serde(default)]
    pub after: Option<String>,
}

/// Accesses to the mailboxes of an administration: by mailbox in the order they were made, then by time; behind them failed logins by
/// names in its domains that no mailbox has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TenantAccesses {
    /// About a thousand; a page may hold none and have a next one.
    pub accesses: Vec<MailboxAccess>,
    /// Mailboxes that the page came to the end of, those without an access too.
    pub mailboxes: Vec<String>,
    /// With the first page: what the legal log says of the days of the month that are over.
    #[serde(default)]
    pub seals: Vec<AccessSeal>,
    /// What to ask as `after` for those that follow.
    pub next: Option<String>,
}

/// What was read over the administrative interface, in order of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Readings {
    /// At most a thousand; each with its [line](AdminAct::line) of the register, as it is counted into the seal of its day.
    pub acts: Vec<AdminAct>,
    /// With the first page: what the legal log says of the days of the month that are over.
    #[serde(default)]
    pub seals: Vec<AccessSeal>,
    /// What to ask as `after` for those that follow.
    pub next: Option<String>,
}

/// What the legal log says of an administration's accesses of a day, or of what was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessSeal {
    /// The legal day, `2026-11-29`.
    pub day: String,
    /// How many.
    pub rows: u64,
    /// SHA-256, hexadecimal, of their lines in the order of this table, each ended by a line feed.
    pub sha256: String,
    /// The line of the legal log.
    pub line: String,
}

/// An access, and to which mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MailboxAccess {
    /// Its address, or what was said that is none; empty for several.
    pub mailbox: String,
    /// The access.
    #[serde(flatten)]
    pub access: Access,
    /// Both as fields of CSV: as it is counted into the seal of its day.
    pub line: String,
}

/// Administrative acts that concern an administration, in order of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acts {
    /// A page; it may hold none and have a next one.
    pub acts: Vec<AdminAct>,
    /// With the first page: the segments of the legal log in which the lines of the month stand.
    #[serde(default)]
    pub segments: Vec<LogSegment>,
    /// What to ask as `after` for those that follow.
    pub next: Option<String>,
}

/// An administrative act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdminAct {
    /// When, ISO 8601 with the legal offset.
    pub at: String,
    /// Who: a person's name, or the system's user.
    pub by: String,
    /// What he calls the token that he showed; never its secret.
    pub token: Option<String>,
    /// Where he came from; none: the machine itself.
    pub from: Option<String>,
    /// The permission that it needed; of another event of the log its name: `PEC_Credential`, `PEC_Queue`, `PEC_Quarantine`.
    pub act: String,
    /// `richiesta`, `negata`, `fallita`, `token-errato`, `senza-codice`, `prova`; `lettura` with the status that was answered; of
    /// another event its word in the log.
    pub stage: String,
    /// The method; empty of another event.
    pub method: String,
    /// On what: the path; of another event the person, mailbox or message.
    pub object: String,
    /// What was sent, in JSON without what is secret, at most 2,000 characters; none where nothing was; of another event why.
    #[serde(default)]
    pub content: Option<String>,
    /// The line of the legal log, as it stands in its segment but for the chain; of a reading, that of its register.
    pub line: String,
}
