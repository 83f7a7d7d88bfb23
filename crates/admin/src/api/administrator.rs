//! Persons who administrate, their roles and tokens.

use serde::{Deserialize, Serialize};

use super::escaped;

/// `GET`: [`Administrators`]; `POST` [`NewAdministrator`], answered with [`Administrator`].
pub const PERSONS: &str = "/v1/persons";

/// The path of somebody: `DELETE` ends him, answered with [`Administrator`].
pub fn person_path(name: &str) -> String {
    format!("{PERSONS}/{}", escaped(name))
}

/// The path of his roles: `PUT` gives [`RoleGrant`], `DELETE` takes it, answered with [`Administrator`].
pub fn roles_path(name: &str) -> String {
    format!("{PERSONS}/{}/roles", escaped(name))
}

/// The path of his tokens: `GET` [`Tokens`]; `POST` [`NewToken`], answered with [`MadeToken`].
pub fn tokens_path(name: &str) -> String {
    format!("{PERSONS}/{}/tokens", escaped(name))
}

/// The path of one: `DELETE`, answered with [`Tokens`].
pub fn token_path(name: &str, token: &str) -> String {
    format!("{PERSONS}/{}/tokens/{}", escaped(name), escaped(token))
}

/// A token is good for so many days where nothing else is said.
pub const TOKEN_DAYS: u32 = 90;
/// And at most for so many.
pub const MAX_TOKEN_DAYS: u32 = 400;

/// Persons, in the order they were named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Administrators {
    /// Those that who asks may see.
    pub persons: Vec<Administrator>,
}

/// A person who administrates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Administrator {
    /// What he is called by.
    pub login: String,
    /// First name and surname.
    pub name: String,
    /// An ordinary address of his, or empty.
    pub mail: String,
    /// The number of his administration; none for the provider's own people.
    pub tenant: Option<u64>,
    /// His roles.
    pub roles: Vec<RoleGrant>,
    /// When he was named.
    pub created: String,
    /// When he ended.
    pub ended: Option<String>,
}

/// A role and where it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleGrant {
    /// Its name.
    pub role: String,
    /// `supplier`, `tenant/1`, `unit/1/7` or `mailbox/anna@comune.example`.
    pub scope: String,
}

/// Somebody to be named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAdministrator {
    /// See [`Administrator::login`].
    pub login: String,
    /// See [`Administrator::name`].
    pub name: String,
    /// See [`Administrator::mail`].
    #[serde(default)]
    pub mail: Option<String>,
    /// See [`Administrator::tenant`].
    #[serde(default)]
    pub tenant: Option<u64>,
}

/// The tokens of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// In the order they were made.
    pub tokens: Vec<Token>,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// What it is called.
    pub name: String,
    /// When it was made.
    pub created: String,
    /// When it is no longer good.
    pub expires: String,
    /// When it was revoked.
    pub revoked: Option<String>,
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is called: where it lies.
    pub name: String,
    /// How many days it is good; [`TOKEN_DAYS`] where nothing is said.
    #[serde(default)]
    pub days: Option<u32>,
}

/// A token that was made, with its secret: it is shown this once.
#[derive(Clone, Serialize, Deserialize)]
pub struct MadeToken {
    /// What it is called.
    pub name: String,
    /// When it is no longer good.
    pub expires: String,
    /// For `Authorization: Bearer`, or a file of mode 0600.
    pub secret: String,
}
