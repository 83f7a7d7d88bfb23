//! Passwords that administrations give, and where holders are reached.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{WrongLine, mailbox_path};

/// `POST` a file of passwords (`text/csv`): steps, and in the end [`PasswordsGiven`].
pub const PASSWORD_FILE: &str = "/v1/password-file";

/// The first line of such a file; more columns to the right are not looked at.
pub const PASSWORD_COLUMNS: [&str; 3] = ["Utente", "Nuova Password", "Numero di cellulare"];

/// What became of a file of passwords.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PasswordsGiven {
    /// Nothing was changed: what follows is what would have been.
    pub dry_run: bool,
    /// Lines that were done.
    pub given: u64,
    /// Lines that were not.
    pub wrong: Vec<WrongLine>,
}

/// The path of how a mailbox's holder is reached: `GET`: [`Contact`]; `PUT` [`Contact`]: [`Contact`].
pub fn contact_path(address: &str) -> String {
    format!("{}/contact", mailbox_path(address))
}

/// How a mailbox's holder is reached outside of it: what is absent is not known, or no longer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// A number that receives short messages: `+393331234567`.
    #[serde(default)]
    pub phone: Option<String>,
    /// An address of ordinary mail.
    #[serde(default)]
    pub mail: Option<String>,
}
