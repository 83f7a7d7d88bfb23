//! Who may use a provider, and how much: mailboxes, passwords, profiles, rate windows.
//!
//! Knows: what a mailbox, a profile, a password hash and a rate window are, and their rules.
//! Must never know: protocols, message formats, how rows are kept.
//! Entry points: [`Mailbox`], [`Credential`], [`Profile`], [`Usage`].
//! Sources: BOX-01 … BOX-06 (profiles), BOX-08, XCT-07 (credentials), BOX-09 (overruns), RFC 9106 (argon2).
//! Invariants: a window never admits more than its limit, whatever the clock does (`usage::tests`); a wrong password
//! is never taken (`password::tests`).

mod credential;
mod mailbox;
mod password;
mod profile;
mod usage;

pub use credential::{BadName, Credential, CredentialName, Kind, LoginName, Rights, Scram, Verifier};
pub use mailbox::{Block, Mailbox, OrdinaryMail, State};
pub use password::{PasswordError, PasswordHash};
pub use profile::{BadProfile, Choice, Custom, Limits, Profile, Profiles, UnknownProfile};
pub use usage::{Ended, Exceeded, Standing, Usage, Window};
