//! Persons who administrate, their roles and tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use sigillo_base::Secret;

use super::{escaped, secret};

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

/// The path of his second factor: `DELETE`, for who has lost it, answered with [`Administrator`].
pub fn person_totp_path(name: &str) -> String {
    format!("{PERSONS}/{}/totp", escaped(name))
}

/// One's own second factor. `POST`: [`Enrolment`](super::Enrolment), which counts from its first code on; `PUT` [`Code`]:
/// [`SpareCodes`](super::SpareCodes).
pub const MY_TOTP: &str = "/v1/me/totp";
/// `POST` [`Code`]: [`Administrator`].
pub const MY_TOTP_REMOVE: &str = "/v1/me/totp/remove";
/// `POST` [`Unlocking`]: [`Unlocked`]. 401 of the class [`CODE_WANTED`](super::CODE_WANTED) where the code is not right, 429
/// after too many of them.
pub const MY_UNLOCK: &str = "/v1/me/unlock";
/// `POST` [`TokenChange`]: [`MadeToken`], under the name of the token that is shown, which ends.
pub const MY_TOKEN: &str = "/v1/me/token";
/// The class of a refusal to who shows a token that is good for nothing but to be changed ([`NewToken::first`]).
pub const CHANGE_WANTED: &str = "urn:sigillo:change-wanted";
/// The class of a refusal to who has no second factor where the service wants one.
pub const FACTOR_WANTED: &str = "urn:sigillo:factor-wanted";

/// A token is unlocked for so many hours where nothing else is said.
pub const UNLOCK_HOURS: u32 = 12;
/// And at most for so many.
pub const MAX_UNLOCK_HOURS: u32 = 24;

/// A code of one's second factor.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The code, or a spare one.
    #[serde(with = "secret")]
    #[schemars(with = "String", extend("format" = "password"))]
    pub code: Secret,
}

/// A code, and for how long the token that is shown needs no other.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unlocking {
    /// See [`Code::code`].
    #[serde(with = "secret")]
    #[schemars(with = "String", extend("format" = "password"))]
    pub code: Secret,
    /// How many hours; [`UNLOCK_HOURS`] where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<u32>,
    /// As long as the token is good: a program uses it, which can say no codes.
    #[serde(default)]
    pub always: bool,
}

/// A token that was unlocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unlocked {
    /// What it is called.
    pub token: String,
    /// Until when.
    pub until: String,
}

/// A token is good for so many days where nothing else is said.
pub const TOKEN_DAYS: u32 = 90;
/// And at most for so many.
pub const MAX_TOKEN_DAYS: u32 = 400;

/// Persons, in the order they were named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Administrators {
    /// A page of those that who asks may see.
    pub persons: Vec<Administrator>,
    /// What to ask as `after` for those that follow; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A person who administrates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Whether he has a second factor.
    #[serde(default)]
    pub second_factor: bool,
    /// When he was named.
    pub created: String,
    /// When he ended.
    pub ended: Option<String>,
}

/// A role and where it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleGrant {
    /// Its name.
    pub role: String,
    /// `supplier`, `tenant/1`, `unit/1/7` or `mailbox/anna@comune.example`.
    pub scope: String,
}

/// Somebody to be named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tokens {
    /// A page of them, in the order they were made.
    pub tokens: Vec<Token>,
    /// What to ask as `after` for those that follow; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    /// What it is called.
    pub name: String,
    /// When it was made.
    pub created: String,
    /// When it is no longer good.
    pub expires: String,
    /// When it was revoked.
    pub revoked: Option<String>,
    /// Until when it needs no code of its person's second factor; none: it was not unlocked.
    #[serde(default)]
    pub unlocked: Option<String>,
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is called: where it lies.
    pub name: String,
    /// How many days it is good; [`TOKEN_DAYS`] where nothing is said.
    #[serde(default)]
    pub days: Option<u32>,
    /// It is good for nothing but to be changed by whom it is given to.
    #[serde(default)]
    pub first: bool,
}

/// Another token in place of the one that is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenChange {
    /// As in [`NewToken::days`], and no more than the token that is shown was good for in all, unless it is a first one.
    #[serde(default)]
    pub days: Option<u32>,
}

/// A token that was made, with its secret: it is shown this once.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct MadeToken {
    /// What it is called.
    pub name: String,
    /// When it is no longer good.
    pub expires: String,
    /// For `Authorization: Bearer`, or a file of mode 0600.
    #[schemars(extend("format" = "password"))]
    pub secret: String,
}
