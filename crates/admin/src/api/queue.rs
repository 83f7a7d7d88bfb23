//! The queue: what waits, and what an administrator orders about it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the queue is: `GET` with [`QueueFilter`] as query, answered with [`Queue`].
pub const QUEUE: &str = "/v1/queue";

/// How many items one answer shows.
pub const QUEUE_LIMIT: usize = 1_000;

/// How many items one request changes.
pub const ORDERED_LIMIT: usize = 100;

/// The path of an order (`hold`, `release`, `retry`, `reroute`, `drop`): `POST` [`Order`], answered with [`Ordered`].
pub fn order_path(order: &str) -> String {
    format!("{QUEUE}/{order}")
}

/// Which items are meant; what is absent leaves nothing out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QueueFilter {
    /// Destination domain.
    pub to: Option<String>,
    /// Address of the transaction's sender.
    pub from: Option<String>,
    /// Queued at least so long ago.
    pub older_than_s: Option<u64>,
    /// `waiting`, `in-work`, `held`.
    pub state: Option<String>,
    /// [`QueueItem::id`], or a certified identifier.
    pub id: Option<String>,
    /// [`Queue::next`] of the page before.
    pub after: Option<String>,
    /// Items of one answer, at most [`QUEUE_LIMIT`].
    pub limit: Option<usize>,
}

impl QueueFilter {
    /// Its fields as a query, escaped.
    pub fn query(&self) -> String {
        let (age, limit) = (self.older_than_s.map(|s| s.to_string()), self.limit.map(|n| n.to_string()));
        let fields = [
            ("to", &self.to),
            ("from", &self.from),
            ("older_than_s", &age),
            ("state", &self.state),
            ("id", &self.id),
            ("after", &self.after),
            ("limit", &limit),
        ];
        let given = fields.iter().filter_map(|(k, v)| Some(format!("{k}={}", super::escaped(v.as_deref()?))));
        given.collect::<Vec<_>>().join("&")
    }
}

/// What waits to leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Queue {
    /// The items, by number.
    pub items: Vec<QueueItem>,
    /// Where the next page begins, if there may be one; a page may be short, or empty, and not the last.
    #[serde(default)]
    pub next: Option<String>,
}

/// One piece of work of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueueItem {
    /// Its number, in hexadecimal.
    pub id: String,
    /// The certified identifier it belongs to: the same text as in the logs.
    pub transaction: String,
    /// `relay` (to another server) or `deliver` (into a mailbox).
    pub work: String,
    /// The sender of the transaction.
    pub from: String,
    /// The domain or mailbox it goes to.
    pub to: String,
    /// Recipients still open.
    pub recipients: Vec<String>,
    /// `waiting`, `in-work`, `held`.
    pub state: String,
    /// When it was queued, ISO 8601 in service time.
    pub created: String,
    /// Attempts begun.
    pub attempts: u32,
    /// Whether it is due, and waits for its turn.
    pub due: bool,
    /// Next attempt, ISO 8601 in service time; for what is in work, when its worker is given up.
    pub next: String,
    /// When it is given up, and its sender told.
    pub ends: String,
    /// The last failure, when there was one.
    pub last_error: Option<String>,
    /// The server that works at it now.
    pub worker: Option<String>,
    /// Where it is handed over instead of where its domain's mail goes.
    pub route: Option<String>,
    /// Who holds it back.
    pub held: Option<Held>,
}

/// An order to hold something back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// Since when, ISO 8601 in service time.
    pub since: String,
    /// Who ordered it.
    pub by: String,
    /// Why.
    pub why: String,
}

/// An order about the items that a filter takes, page by page of [`ORDERED_LIMIT`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Order {
    /// Which.
    pub filter: QueueFilter,
    /// Why; it goes into the log, and to the sender of what is dropped.
    pub why: String,
    /// For `reroute`: `host:port`, or nothing to go where mail for the domain goes.
    pub to_host: Option<String>,
}

/// What became of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ordered {
    /// Numbers of the items that were changed.
    pub done: Vec<String>,
    /// Where it could not be carried out, and why.
    pub refused: Vec<Refused>,
    /// Where the next page begins, if there may be one.
    pub next: Option<String>,
}

/// An item about which an order could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// Its number.
    pub id: String,
    /// Why.
    pub why: String,
}
