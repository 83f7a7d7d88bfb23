//! Who may come in to a mailbox, who did, and what each may do in its folders.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mailbox_path;

/// The path of everybody's rights in the folders of a mailbox. `GET`: [`FolderRights`]. `PUT` [`NewRights`]:
/// [`FolderRights`].
pub fn rights_path(address: &str) -> String {
    format!("{}/rights", mailbox_path(address))
}

/// The path of a mailbox's block. `PUT` [`NewBlock`], `DELETE`: [`super::Mailbox`].
pub fn block_path(address: &str) -> String {
    format!("{}/block", mailbox_path(address))
}

/// The path of who came in to a mailbox: `GET` with `from`, `to`, `after`, answered with [`Accesses`].
pub fn accesses_path(address: &str) -> String {
    format!("{}/accesses", mailbox_path(address))
}

/// Everybody's rights but the owner's, who has all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FolderRights {
    /// A page of them: first those where no folder has its own.
    pub rights: Vec<PersonRights>,
    /// What to ask as `after` for those that follow; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Somebody's rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonRights {
    /// The name of his credential.
    pub person: String,
    /// In which folder; absent: in every folder that is not named.
    pub folder: Option<String>,
    /// Letters of RFC 4314: `lrswipkxtea`.
    pub rights: String,
}

/// Rights to be given or taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRights {
    /// The name of his credential.
    pub person: String,
    /// In which folder; absent: where no folder has its own.
    #[serde(default)]
    pub folder: Option<String>,
    /// Letters: these and no others; behind `+` these too, behind `-` these no longer.
    pub rights: String,
}

/// Blocks a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBlock {
    /// Why.
    pub reason: String,
    /// When it ends by itself, ISO 8601.
    #[serde(default)]
    pub until: Option<String>,
}

/// That a mailbox is blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Blocked {
    /// Since when, ISO 8601 in service time.
    pub since: String,
    /// When it ends by itself.
    pub until: Option<String>,
    /// Why.
    pub reason: String,
}

/// What is changed about a secret; what is absent stays. `PATCH` on [`super::credentials_path`]: [`super::Credential`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Standing {
    /// The credential's name; empty: the owner's.
    pub name: String,
    /// Whether it must be changed before anybody comes in with it.
    pub must_change: Option<bool>,
    /// When it is no longer good, ISO 8601; `never`.
    pub expires: Option<String>,
}

/// Who came in and who was turned away, the earliest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Accesses {
    /// At most [`ACCESSES_LIMIT`].
    pub accesses: Vec<Access>,
    /// What to ask as `after` for those that follow.
    pub next: Option<String>,
}

/// How many accesses one answer shows.
pub const ACCESSES_LIMIT: usize = 1_000;

/// Somebody at the door of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Access {
    /// When, ISO 8601 in service time.
    pub at: String,
    /// `imap`, `pop3`, `smtp`.
    pub protocol: String,
    /// The address he came from.
    pub from: String,
    /// The name of the credential; empty: the owner's.
    pub person: String,
    /// `ok`, or why not: `wrong`, `blocked`, `expired`, `locked`, `full`, `failed`; `left`: who had come in went; `read`, `removed`: what he did.
    pub outcome: String,
    /// With `left`: when he had come in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// With `read` and `removed`: a folder and UIDs, `INBOX 4:9`; of failed logins of a minute that were counted: `×57`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
}

impl Access {
    /// How many of its kind it stands for.
    pub fn times(&self) -> u64 {
        self.what.strip_prefix('×').and_then(|times| times.parse().ok()).unwrap_or(1)
    }
}
