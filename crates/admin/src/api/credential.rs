//! Credentials of mailboxes, and what was sent with them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sigillo_base::Secret;

use super::{escaped, mailbox_path, maybe};

/// The path of a mailbox's credentials. `GET`: [`Credentials`]. `POST` [`NewCredential`]: [`MadeCredential`] (201).
/// `PATCH` [`super::Standing`]: [`Credential`].
pub fn credentials_path(address: &str) -> String {
    format!("{}/credentials", mailbox_path(address))
}

/// The path of one credential. `DELETE`: [`Credential`], revoked. `PUT` [`NewSecret`]: [`MadeCredential`].
pub fn credential_path(address: &str, name: &str) -> String {
    format!("{}/{}", credentials_path(address), escaped(name))
}

/// The path of what a mailbox submitted: `GET` with `from`, `to`, `credential`, answered with [`Trail`].
pub fn trail_path(address: &str) -> String {
    format!("{}/trail", mailbox_path(address))
}

/// All credentials of a mailbox, the owner's first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Credentials {
    /// A page of them, those that ended included.
    pub credentials: Vec<Credential>,
    /// What to ask as `after` for those that follow; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Credential {
    /// Its name; empty: the owner's.
    pub name: String,
    /// What a client gives as its user: `address`, or `address/name`.
    pub login: String,
    /// `owner`, `application`, `personal`.
    pub kind: String,
    /// `read`, `send`.
    pub rights: Vec<String>,
    /// Whether SCRAM-SHA-256 works with it: not before the password was sent once, where it came as a hash.
    pub scram: bool,
    /// How the password is kept: `argon2id`, or what another system hashed it by, until it is sent once.
    #[serde(default)]
    pub hash: String,
    /// When it was made, ISO 8601 in service time.
    pub created: String,
    /// When it got its present secret.
    pub changed: String,
    /// When somebody logged in with it, to about a minute.
    pub last_used: Option<String>,
    /// When it ended.
    pub revoked: Option<String>,
    /// Whether its secret must be changed before anybody comes in with it.
    #[serde(default)]
    pub must_change: bool,
    /// When its secret is no longer good.
    #[serde(default)]
    pub expires: Option<String>,
}

/// A credential to be made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCredential {
    /// 1 to 64 letters, digits, `.`, `_`, `-`; none is given twice in a mailbox.
    pub name: String,
    /// `application` or `personal`.
    pub kind: String,
    /// Of `read`, `send`.
    pub rights: Vec<String>,
    /// Its password; without one the service makes it.
    #[serde(default, with = "maybe")]
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub password: Option<Secret>,
}

/// Another secret for a credential.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// Without one the service makes it.
    #[serde(default, with = "maybe")]
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub password: Option<Secret>,
}

/// A credential with a new secret.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MadeCredential {
    /// The credential.
    pub credential: Credential,
    /// The password that the service made: told here and never again.
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub password: Option<Secret>,
}

/// What a mailbox submitted, the earliest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trail {
    /// At most [`TRAIL_LIMIT`].
    pub sent: Vec<Sent>,
}

/// How many messages one answer shows.
pub const TRAIL_LIMIT: usize = 10_000;

/// A message that was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sent {
    /// When, ISO 8601 in service time.
    pub at: String,
    /// The certified identifier: the same text as in the logs.
    pub id: String,
    /// The credential's name; empty: the owner's.
    pub credential: String,
    /// Whether it was accepted.
    pub accepted: bool,
    /// Recipients.
    pub recipients: u32,
    /// Octets.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_travels_but_does_not_show() {
        let new = NewCredential {
            name: "paghe".into(),
            kind: "application".into(),
            rights: vec!["send".into()],
            password: Some(Secret::new("segretissima".into())),
        };
        let json = serde_json::to_string(&new).unwrap();
        assert_eq!(serde_json::from_str::<NewCredential>(&json).unwrap().password, new.password);
        assert!(!format!("{new:?}").contains("segretissima"));
        assert_eq!(serde_json::from_str::<NewSecret>("{}").unwrap().password, None);
        assert_eq!(credential_path("a@b.example", "paghe"), "/v1/mailboxes/a@b.example/credentials/paghe");
    }
}
