//! Domains and what their owners chose.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::escaped;

/// `GET`: [`Domains`].
pub const DOMAINS: &str = "/v1/domains";

/// The path of a domain: `PATCH` [`DomainChange`], answered with [`Domain`].
pub fn domain_path(name: &str) -> String {
    format!("{DOMAINS}/{}", escaped(name))
}

/// The domains whose mailboxes are here, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Domains {
    /// A page of them.
    pub domains: Vec<Domain>,
    /// What to ask as `after` for those that follow; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A domain and the choices that hold for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// The delivery receipt asked for when a message asks for none: `completa`, `breve`, `sintetica`.
    pub receipt: String,
    /// No exchange with ordinary mail, in either direction.
    pub certified_only: bool,
    /// A copy of each delivery receipt goes to the recipient as well.
    pub receipt_to_recipient: bool,
    /// Who holds a mailbox may read what the legal log says of it.
    pub holder_reads_log: bool,
}

/// Other choices for a domain; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DomainChange {
    /// See [`Domain::receipt`].
    pub receipt: Option<String>,
    /// See [`Domain::certified_only`].
    pub certified_only: Option<bool>,
    /// See [`Domain::receipt_to_recipient`].
    pub receipt_to_recipient: Option<bool>,
    /// See [`Domain::holder_reads_log`].
    pub holder_reads_log: Option<bool>,
}
