//! Sizes that more than one crate must agree on. 1 MB is 2^20 bytes everywhere in Sigillo (the rules name no unit).

/// One megabyte.
pub const MB: u64 = 1 << 20;

/// The access point's hard limit: a larger message gets SMTP 552 and no notice (RFC 6109 §3.1.2).
pub const SUBMISSION_HARD_LIMIT: u64 = 55 * MB;

/// The largest message any profile may submit (BOX-01 … BOX-06).
pub const LARGEST_PROFILE_MESSAGE: u64 = 50 * MB;

/// What reception must accept: the largest original, plus 2 MB and 1 % for envelope, texts and signature.
pub const RECEPTION_LIMIT: u64 = SUBMISSION_HARD_LIMIT + 2 * MB + SUBMISSION_HARD_LIMIT / 100;

/// Recipients of one message (BOX-01 … BOX-06 ask for at least 1 000; DM 12 for at least 50).
pub const MAX_RECIPIENTS: usize = 1_000;

/// A header section larger than this is refused.
pub const MAX_HEADER: usize = 256 * 1024;

/// Parts nested deeper than this are not looked into.
pub const MAX_DEPTH: usize = 50;

/// Parts of one message beyond this number are not looked into.
pub const MAX_PARTS: usize = 10_000;
