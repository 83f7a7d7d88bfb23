//! How long what is kept of messages is kept: `[archive]`.

use std::time::Duration;

use sigillo_engine::RETENTION;

use super::located::Reader;
use super::raw;

/// How long what is kept of messages is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The archive; `None`: for ever.
    pub archive: Option<Duration>,
    /// What is remembered of each message: as long as the law wants the log, or longer.
    pub records: Duration,
    /// Who came in to each mailbox.
    pub accesses: Duration,
    /// Contents of mailboxes that were cancelled, which can be called back until then.
    pub cancelled: Duration,
}

/// Accesses are kept so long by default, in days.
const ACCESSES: u64 = 730;
/// And cancelled mailboxes so long.
const CANCELLED: u64 = 30;

impl Reader<'_> {
    pub(super) fn retention(&mut self, raw: &raw::Archive) -> Retention {
        let least = RETENTION.as_secs() / (24 * 3600);
        let records = raw.records_days.as_ref().and_then(|days| self.days("archive.records_days", days, least));
        let archive = raw.retention_days.as_ref().and_then(|days| self.days("archive.retention_days", days, 1));
        let accesses = raw.accesses_days.as_ref().and_then(|days| self.days("archive.accesses_days", days, 1));
        let accesses = accesses.unwrap_or(Duration::from_secs(ACCESSES * 24 * 3600));
        let cancelled = raw.cancelled_days.as_ref().and_then(|days| self.days("archive.cancelled_days", days, 1));
        let cancelled = cancelled.unwrap_or(Duration::from_secs(CANCELLED * 24 * 3600));
        Retention { archive, records: records.unwrap_or(RETENTION), accesses, cancelled }
    }
}
