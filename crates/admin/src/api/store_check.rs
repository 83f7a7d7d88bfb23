//! The check of a store.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET` with [`CheckFrom`] as query: [`CheckPage`].
pub const STORE_CHECK: &str = "/v1/store/check";

/// Where a page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckFrom {
    /// [`CheckPage::next`] of the page before.
    pub from: Option<String>,
    /// Whether bodies are read and compared with their hashes.
    #[serde(default)]
    pub deep: bool,
}

/// A page of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckPage {
    /// Rows looked at, by the name of their tag.
    pub rows: BTreeMap<String, u64>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
    /// How far it is, in per cent of the kinds of rows.
    pub percent: u8,
}

/// Something about one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `error`, or `note` for what is only left over.
    pub severity: String,
    /// `unreadable`, `undecodable`, `unknown-tag`, `dangling`, `underived`, `missing`, `differs`, `orphan`, `reserved`.
    pub problem: String,
    /// The name of the row's tag.
    pub tag: String,
    /// The row's key, hexadecimal.
    pub key: String,
    /// The same for people.
    pub row: String,
    /// The other row it is about, hexadecimal.
    pub about: Option<String>,
    /// A sentence.
    pub what: String,
    /// `rebuild`, `set-aside`, `backup`, `none`.
    pub remedy: String,
    /// Of what cannot be read: the files that may hold it.
    pub files: Vec<String>,
}

/// What a repair came to, or would.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Repair {
    /// Whether it was done; else it was only looked at.
    pub written: bool,
    /// What is put right.
    pub done: Vec<Finding>,
    /// What is left.
    pub left: Vec<Finding>,
    /// Where the damaged store lies that was left for a new one.
    pub damaged: Option<String>,
}
