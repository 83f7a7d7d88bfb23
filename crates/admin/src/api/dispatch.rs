//! Where certified messages stand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The path of a certified message by its identifier: `GET`: [`Dispatch`].
pub fn dispatch_path(id: &str) -> String {
    format!("/v1/dispatches/{}", super::escaped(id))
}

/// The path of what the legal log says of a mailbox, for who holds it: `GET` with [`Period`] as query: [`HolderLog`]. 409
/// where the owner of the domain does not allow it.
pub fn holder_log_path(address: &str) -> String {
    format!("{}/log", super::mailbox_path(address))
}

/// A span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// ISO 8601, or a plain date; the last 30 days when absent.
    pub from: Option<String>,
    /// The end, excluded; now when absent.
    pub to: Option<String>,
}

/// Events of messages that a mailbox sent or was a recipient of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HolderLog {
    /// At most [`HOLDER_LOG_LIMIT`], in order of time.
    pub events: Vec<HolderEvent>,
}

/// How many events one answer shows.
pub const HOLDER_LOG_LIMIT: usize = 1_000;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HolderEvent {
    /// The certified identifier.
    pub identificativo: String,
    /// The sender.
    pub sender: String,
    /// The subject.
    pub subject: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// A certified message, its recipients and its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dispatch {
    /// The certified identifier.
    pub identificativo: String,
    /// The client's own Message-ID, when the sender is a user of this provider and wrote one.
    pub msgid: Option<String>,
    /// The sender.
    pub sender: String,
    /// The subject.
    pub subject: Option<String>,
    /// When it was accepted here, ISO 8601; absent for a message of another provider and for a refused one.
    pub accepted: Option<String>,
    /// Each recipient, in the order of the certification data.
    pub recipients: Vec<DispatchRecipient>,
    /// What the legal log holds, in order of time.
    pub evidence: Vec<Evidence>,
}

/// One recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DispatchRecipient {
    /// The address.
    pub address: String,
    /// `certificato` or `esterno`.
    #[serde(rename = "type")]
    pub class: String,
    /// `refused`, `queued`, `handed-over`, `open`, `taken-in-charge`, `presumed-failed`, `failed`, `infected`,
    /// `delivered`, `elsewhere`.
    pub state: String,
    /// While it is queued.
    pub queued: Option<Queued>,
}

/// What a queued recipient waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Queued {
    /// Attempts that failed.
    pub attempts: u32,
    /// The next attempt, ISO 8601 in service time.
    pub next: String,
    /// Why the last one failed.
    pub last_error: Option<String>,
}

/// One event of the legal log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// When, ISO 8601.
    pub at: String,
    /// The class of event: `accettazione`, `busta-trasporto`, `avvenuta-consegna` …
    pub kind: String,
    /// Its Italian legal name.
    pub label: String,
    /// The recipients it is about; none for what concerns the whole message.
    pub about: Vec<String>,
    /// The identifier of the message that carries it.
    pub message_id: String,
    /// The provider that issued it.
    pub issuer: String,
    /// What it says went wrong.
    pub error: Option<String>,
}
