//! How much mailboxes send, and what limits they reached.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mailbox_path;

/// The path of how a mailbox stands to its limits: `GET`, answered with [`Usage`].
pub fn usage_path(address: &str) -> String {
    format!("{}/usage", mailbox_path(address))
}

/// The path of the profiles that a mailbox had: `GET`, answered with [`History`].
pub fn history_path(address: &str) -> String {
    format!("{}/history", mailbox_path(address))
}

/// `GET` with `day`: [`BlockedBoxes`].
pub const BLOCKED_BOXES: &str = "/v1/reports/blocked-boxes";

/// `GET`: [`Profiles`].
pub const PROFILES: &str = "/v1/profiles";

/// Days that are over and shown with the usage of a mailbox.
pub const USAGE_DAYS: usize = 31;

/// The profiles that mailboxes can have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Profiles {
    /// Those of the specification in its order, then the provider's own.
    pub profiles: Vec<Profile>,
}

/// What a profile allows (BOX-01 … BOX-06).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// The one of the specification that it is made from, or is.
    pub base: String,
    /// Size of the box, in octets.
    pub box_bytes: u64,
    /// Messages accepted for sending in one minute.
    pub per_minute: u32,
    /// The same in one legal day.
    pub per_day: u32,
    /// Largest message, in octets.
    pub max_message: u64,
    /// Recipients of one message.
    pub max_recipients: usize,
}

/// How a mailbox stands to its limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Its address.
    pub address: String,
    /// Its profile.
    pub profile: String,
    /// The minute that runs, if one does.
    pub minute: Counted,
    /// The legal day.
    pub day: Counted,
    /// Octets in its folders, and how many it may hold.
    pub box_bytes: u64,
    /// See there.
    pub box_limit: u64,
    /// Messages in its folders.
    pub box_messages: u64,
    /// Largest message, in octets.
    pub max_message: u64,
    /// Recipients of one message.
    pub max_recipients: usize,
    /// Until when it may not send, ISO 8601 in service time.
    pub blocked_until: Option<String>,
    /// Days that are over and on which it sent, the latest first: at most [`USAGE_DAYS`].
    pub days: Vec<SentDay>,
    /// Limits that it reached today and on as many days, the latest first.
    pub overruns: Vec<Overrun>,
}

/// A window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counted {
    /// Messages let through.
    pub sent: u32,
    /// How many may be.
    pub limit: u32,
    /// When it ends, ISO 8601 in service time.
    pub ends: Option<String>,
}

/// A day that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SentDay {
    /// The legal day, `2026-03-12`.
    pub day: String,
    /// Messages let through.
    pub sent: u32,
}

/// A limit that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Overrun {
    /// The mailbox.
    pub address: String,
    /// The profile that it had.
    pub profile: String,
    /// `minute` or `day`.
    pub window: String,
    /// Its figure.
    pub limit: u32,
    /// Messages that had been let through.
    pub sent: u32,
    /// The first refusal, ISO 8601 in service time.
    pub at: String,
    /// The last one.
    pub last: String,
    /// When it could send again.
    pub unblocked: String,
    /// Messages refused, as often as the client came again.
    pub refused: u32,
}

/// The limits that were reached on a day (REP-07).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockedBoxes {
    /// The legal day, `2026-03-12`.
    pub day: String,
    /// By mailbox, then time.
    pub overruns: Vec<Overrun>,
}

/// The profiles that a mailbox had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// Its address.
    pub address: String,
    /// The earliest first.
    pub profiles: Vec<ProfilePeriod>,
}

/// A profile, and when a mailbox had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProfilePeriod {
    /// Its name.
    pub profile: String,
    /// From then on, ISO 8601 in service time.
    pub from: String,
    /// Up to then; `None`: still.
    pub to: Option<String>,
}
