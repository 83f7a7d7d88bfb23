//! The legal log in the administrative interface. Every answer is a page of bounded size; who reads on asks again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET ?after=<number>`: [`LogSegments`].
pub const LOG_SEGMENTS: &str = "/v1/log/segments";
/// `GET ?id=<identificativo>` or `?from=<day>&to=<day>`, `&after=<place>`: [`LogLines`].
pub const LOG_LINES: &str = "/v1/log/lines";
/// `GET ?from=<day>&to=<day>&after=<place>`: [`LogAudit`].
pub const LOG_AUDIT: &str = "/v1/log/audit";

/// The path of a segment's lines: `GET ?from=<line, from 0>`: [`LogFile`].
pub fn log_file_path(segment: u64) -> String {
    format!("{LOG_SEGMENTS}/{segment}/lines")
}

/// The path of a segment's time stamp: `GET`: [`LogStamp`].
pub fn log_stamp_path(segment: u64) -> String {
    format!("{LOG_SEGMENTS}/{segment}/stamp")
}

/// Segments after a number, ascending; none when there are no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogSegments {
    /// At most a hundred.
    pub segments: Vec<LogSegment>,
    /// What to ask as `after` for those that follow; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A segment of the legal log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogSegment {
    /// From 1.
    pub number: u64,
    /// The name of its file.
    pub file: String,
    /// The legal day on which it began, `2026-03-12`.
    pub day: String,
    /// When it began, ISO 8601.
    pub opened: String,
    /// When it was closed, ISO 8601; none while it is open.
    pub closed: Option<String>,
    /// Lines so far.
    pub lines: u64,
    /// The chain before it, hexadecimal.
    pub before: String,
    /// The chain after its last line, hexadecimal.
    pub head: String,
    /// SHA-256 of its file, hexadecimal, once it is closed and found whole.
    pub sha256: Option<String>,
    /// When its time stamp was kept, ISO 8601.
    pub stamped: Option<String>,
}

impl LogSegment {
    /// The legal day to which it reaches; none while it is open.
    pub fn last_day(&self) -> Option<&str> {
        self.closed.as_deref().and_then(|at| at.get(..10))
    }
}

/// Lines of a segment as they stand in its file, without their LF; none past its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogFile {
    /// About a megabyte.
    pub lines: Vec<String>,
}

/// The time stamp of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogStamp {
    /// The RFC 3161 token in base64, if there is one.
    pub token: Option<String>,
}

/// Lines of the log in order of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogLines {
    /// At most a thousand.
    pub lines: Vec<String>,
    /// Where to go on (`after`); none at the end.
    pub next: Option<String>,
}

/// Whether lines and chain belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogAudit {
    /// Lines looked at.
    pub lines: u64,
    /// Of these, lines that wait for their place in the chain.
    pub waiting: u64,
    /// What is wrong, in Italian.
    pub findings: Vec<String>,
    /// Where to go on (`after`); none at the end.
    pub next: Option<String>,
}
