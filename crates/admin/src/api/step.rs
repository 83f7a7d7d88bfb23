//! Work that takes its time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;

/// A line of an answer to what takes its time (`application/x-ndjson`): how far it is, again and again, then what it
/// came to. Whoever hangs up stops the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step<T> {
    /// How far it is.
    Progress {
        /// What is done, in bytes or other parts.
        done: u64,
        /// Of how much.
        total: u64,
    },
    /// The end: what it came to.
    Done(T),
    /// The end: why it came to nothing.
    Failed(Problem),
}
