//! Distribution lists.

use serde::{Deserialize, Serialize};

use super::escaped;

/// `GET`: [`Lists`].
pub const LISTS: &str = "/v1/lists";

/// The path of a list: `PUT` [`Members`], answered with [`List`]; `DELETE`, answered with [`List`] as it was.
pub fn list_path(address: &str) -> String {
    format!("{LISTS}/{}", escaped(address))
}

/// Distribution lists, by address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lists {
    /// All of them.
    pub lists: Vec<List>,
}

/// A distribution list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// Its address, in a domain of this provider.
    pub address: String,
    /// Who gets what is sent to it.
    pub members: Vec<String>,
    /// When it was made, ISO 8601 in service time.
    pub created: String,
}

/// The members a list is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Members {
    /// Addresses of any domain, and other lists of this provider.
    pub members: Vec<String>,
}
