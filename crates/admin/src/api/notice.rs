//! Notices to people outside of certified mail.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET` with [`NoticeFilter`] as query: [`Notices`], oldest first.
pub const NOTICES: &str = "/v1/notices";

/// How many lines of the register are looked at for one answer.
pub const NOTICES_LIMIT: usize = 1_000;

/// `GET`: [`Alert`]. `PUT` [`AlertOrder`]: the same.
pub fn alert_path(address: &str) -> String {
    format!("{}/{}/alert", super::MAILBOXES, super::escaped(address))
}

/// `GET`: [`Forward`]. `PUT` [`ForwardOrder`]: the same, with a code sent to the address. `POST` [`ForwardCode`]: the same.
pub fn forward_path(address: &str) -> String {
    format!("{}/{}/forward", super::MAILBOXES, super::escaped(address))
}

/// How the holder of a mailbox is told that mail came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// The mailbox.
    pub address: String,
    /// `sms:+393331234567` or `mailto:anna@x.example`; none: he is not.
    pub to: Option<String>,
    /// Of receipts and notices too.
    pub receipts: bool,
    /// Nothing of the message is told.
    pub discreet: bool,
}

/// How he is to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertOrder {
    /// As [`Alert::to`]; none: no more.
    pub to: Option<String>,
    /// As [`Alert::receipts`].
    #[serde(default)]
    pub receipts: bool,
    /// As [`Alert::discreet`].
    #[serde(default)]
    pub discreet: bool,
}

/// Where copies of what comes into a mailbox go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forward {
    /// The mailbox.
    pub address: String,
    /// An address of ordinary mail; none: nowhere.
    pub to: Option<String>,
    /// Whether its holder has shown the code: nothing goes there before.
    pub confirmed: bool,
}

/// Where copies are to go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardOrder {
    /// As [`Forward::to`]; none: no more.
    pub to: Option<String>,
}

/// What was sent to the address of copies.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardCode {
    /// The digits.
    #[schemars(extend("format" = "password"))]
    pub code: String,
}

/// Which notices are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeFilter {
    /// Made from then on: a day or an instant of legal time; without it the last thirty days.
    pub from: Option<String>,
    /// And before then; without it up to now.
    pub to: Option<String>,
    /// [`Notices::next`] of the page before.
    pub after: Option<String>,
    /// Those alone that wait: neither sent nor given up.
    #[serde(default)]
    pub waiting: bool,
    /// Those alone of this kind, such as [`Notice::kind`].
    pub kind: Option<String>,
}

impl NoticeFilter {
    /// The query that asks for it.
    pub fn query(&self) -> String {
        let waiting = self.waiting.then_some("true");
        let given = [("from", &self.from), ("to", &self.to), ("after", &self.after), ("kind", &self.kind)];
        let given = given.into_iter().map(|(key, value)| (key, value.as_deref())).chain([("waiting", waiting)]);
        let parts = given.filter_map(|(key, value)| Some(format!("{key}={}", super::escaped(value?))));
        parts.collect::<Vec<_>>().join("&")
    }
}

/// A page of the register.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notices {
    /// Those that who asks may see, oldest first.
    pub notices: Vec<Notice>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
}

/// What somebody was told. The text is nowhere in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// Its number.
    pub id: String,
    /// When it was made, ISO 8601 in service time.
    pub at: String,
    /// `reset`, `alert`, `confirm`, `forward`, `certificate`, `expiry`.
    pub kind: String,
    /// `sms:+393331234567` or `mailto:anna@x.example`.
    pub to: String,
    /// Whom it concerns: the address of a mailbox, `tenant/1`, or `supplier`.
    pub about: String,
    /// Its subject.
    pub subject: String,
    /// `waiting`, `sent` (taken by the gateway or by the server of mail) or `given-up`.
    pub state: String,
    /// When it was sent or given up.
    pub ended: Option<String>,
    /// Attempts that failed.
    pub failures: u32,
    /// Why it was given up, or why the last attempt failed; empty when none has.
    pub why: String,
}
