//! The virus store (*deposito virus*).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET` with [`After`] as query: [`Quarantine`], oldest first.
pub const QUARANTINE: &str = "/v1/quarantine";

/// How many messages one answer shows.
pub const QUARANTINE_LIMIT: usize = 1_000;

/// The path of an infected message's bytes (`message/rfc822`, dangerous by definition).
pub fn quarantine_path(id: &str) -> String {
    format!("{QUARANTINE}/{}", super::escaped(id))
}

/// Where a page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// [`Quarantined::id`] of the last message of the page before.
    pub after: Option<String>,
}

/// Infected messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quarantine {
    /// At most [`QUARANTINE_LIMIT`].
    pub messages: Vec<Quarantined>,
    /// What to ask as `after` for those that follow; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One infected message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quarantined {
    /// Its name in the virus store.
    pub id: String,
    /// When it was found, ISO 8601 in service time.
    pub at: String,
    /// Where: `access`, `envelope`, `receipt`.
    pub point: String,
    /// The scanner's name for what was found.
    pub malware: String,
    /// Scanner and version.
    pub engine: String,
    /// The certified identifier.
    pub identificativo: String,
    /// MAIL FROM.
    pub from: String,
    /// RCPT TO.
    pub to: Vec<String>,
    /// The address of who brought it.
    pub peer: String,
    /// Octets.
    pub size: u64,
}
