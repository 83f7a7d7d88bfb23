//! One function per untrusted input: it must not panic, and what it promises about that input is asserted.
//!
//! The paths of the parts are written out: the workspace's tests include this file by its own path.

#[path = "targets/answers.rs"]
mod answers;
#[path = "targets/commands.rs"]
mod commands;
#[path = "targets/evidence.rs"]
mod evidence;
#[path = "targets/mailboxes.rs"]
mod mailboxes;
#[path = "targets/maildrops.rs"]
mod maildrops;
#[path = "targets/messages.rs"]
mod messages;
#[path = "targets/passwords.rs"]
mod passwords;
#[path = "targets/sessions.rs"]
mod sessions;
#[path = "targets/signatures.rs"]
mod signatures;

use sigillo_base::Timestamp;

pub use answers::{rspamd, sts};
pub use commands::imap_command;
pub use evidence::{certification, incoming, index, inspect, judge, log, report};
pub use mailboxes::imap;
pub use maildrops::pop3;
pub use messages::{brief, mime};
pub use passwords::password_hash;
pub use sessions::{proxy, smtp, smtp_client};
pub use signatures::{NONCE, SIGNED, believed, signed_data, timestamp};

/// Takes any bytes; panics when a promise about them is broken.
pub type Target = fn(&[u8]);

/// Name of each target and its function, for whoever replays the corpus.
pub const ALL: &[(&str, Target)] = &[
    ("mime", mime),
    ("brief", brief),
    ("certification", certification),
    ("incoming", incoming),
    ("index", index),
    ("signed_data", signed_data),
    ("timestamp", timestamp),
    ("inspect", inspect),
    ("smtp", smtp),
    ("smtp_client", smtp_client),
    ("imap", imap),
    ("imap_command", imap_command),
    ("pop3", pop3),
    ("proxy", proxy),
    ("log", log),
    ("rspamd", rspamd),
    ("sts", sts),
    ("password_hash", password_hash),
];

/// Noon, 12 March 2026, UTC: when everything here happens.
pub const NOW: Timestamp = Timestamp::from_millis(1_773_316_800_000);
