//! Distribution lists.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::escaped;

/// `GET`: [`Lists`].
pub const LISTS: &str = "/v1/lists";

/// The path of a list: `PUT` [`Members`], answered with [`List`]; `DELETE` cancels it, answered with [`List`].
pub fn list_path(address: &str) -> String {
    format!("{LISTS}/{}", escaped(address))
}

/// The path of a list's cancellation: `DELETE` calls it back, answered with [`List`].
pub fn list_cancellation_path(address: &str) -> String {
    format!("{}/cancellation", list_path(address))
}

/// The path of a list's unit: `PUT` [`OfUnit`](super::OfUnit), answered with it.
pub fn list_unit_path(address: &str) -> String {
    format!("{}/unit", list_path(address))
}

/// Distribution lists, by address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lists {
    /// A page of them.
    pub lists: Vec<List>,
    /// What to ask as `after` for those that follow; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A distribution list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct List {
    /// Its address, in a domain of this provider.
    pub address: String,
    /// Who gets what is sent to it.
    pub members: Vec<String>,
    /// When it was made, ISO 8601 in service time.
    pub created: String,
    /// The unit of its administration that it is of.
    #[serde(default)]
    pub unit: Option<u64>,
    /// `active` or `cancelled`.
    #[serde(default)]
    pub state: String,
    /// Until when it can be called back, where it is cancelled; ISO 8601.
    #[serde(default)]
    pub cancelled_until: Option<String>,
}

/// The members a list is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Members {
    /// Addresses of any domain, and other lists of this provider.
    pub members: Vec<String>,
    /// The unit that it is to be of, among those of its domain's administration; absent: as it is.
    #[serde(default)]
    pub unit: Option<u64>,
}
