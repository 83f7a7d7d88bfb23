//! What the holder of a mailbox does himself. Nobody administrates here: each request proves its user by his password.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sigillo_base::Secret;

use super::{mailbox_path, maybe, secret};

/// `PUT` [`OwnPassword`]: [`OwnChanged`]; 401 where the password is not his, 409 where the new one is not taken, 429 after
/// too many failures.
pub const OWN_PASSWORD: &str = "/v1/self/password";

/// `POST` [`OwnProof`]: [`Enrolment`], which counts from its first code on. `PUT` [`FirstCode`]: [`SpareCodes`].
pub const OWN_TOTP: &str = "/v1/self/totp";
/// `POST` [`OwnProof`], with a code: [`OwnChanged`].
pub const OWN_TOTP_REMOVE: &str = "/v1/self/totp/remove";
/// The class of a refusal that wants a code of the second factor beside the password.
pub const CODE_WANTED: &str = "urn:sigillo:code-wanted";

/// The path of a mailbox's second factor: `DELETE`: [`OwnChanged`], for who has lost it.
pub fn totp_path(address: &str) -> String {
    format!("{}/totp", mailbox_path(address))
}

/// What somebody proves himself with.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnProof {
    /// See [`OwnPassword::user`].
    pub user: String,
    /// His password.
    #[serde(with = "secret")]
    #[schemars(with = "String", extend("format" = "password"))]
    pub password: Secret,
    /// A code of his second factor, or a spare one, where he has one.
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub code: Option<Secret>,
}

/// What an authenticator is given: shown once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Enrolment {
    /// The seed, in base32.
    #[serde(with = "secret")]
    #[schemars(with = "String", extend("format" = "password"))]
    pub seed: Secret,
    /// The same as a link (`otpauth://…`), mostly shown as a picture.
    #[serde(with = "secret")]
    #[schemars(with = "String", extend("format" = "password"))]
    pub uri: Secret,
}

/// The first code of an authenticator.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstCode {
    /// See [`OwnPassword::user`].
    pub user: String,
    /// His password.
    #[serde(with = "secret")]
    #[schemars(with = "String", extend("format" = "password"))]
    pub password: Secret,
    /// The code.
    #[serde(with = "secret")]
    #[schemars(with = "String", extend("format" = "password"))]
    pub code: Secret,
}

/// Codes for when the authenticator is lost, each good once: shown once.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct SpareCodes {
    /// All of them.
    pub codes: Vec<String>,
}

/// `POST` [`ResetAsked`]: [`ResetTold`] (202), the same whatever there is; 429 after too many from one place.
pub const OWN_RESET: &str = "/v1/self/reset";
/// `POST` [`Recovery`]: [`OwnChanged`]; 401 whatever is wrong with the secret, 409 where the new password is not taken.
pub const OWN_RESET_CONFIRM: &str = "/v1/self/reset/confirm";

/// The path by which an operator has a one-time secret sent to who holds a mailbox: `POST`: [`ResetSent`].
pub fn reset_path(address: &str) -> String {
    format!("{}/reset", mailbox_path(address))
}

/// Who cannot say his password any more.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetAsked {
    /// The mailbox's address.
    pub user: String,
}

/// What whoever asks hears.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ResetTold {
    /// For a person.
    pub detail: String,
}

/// Where an operator had a secret sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResetSent {
    /// So much of it as recognises it: `sms:+39…567`, `mailto:a…@casa.example`.
    pub to: String,
    /// Until when the secret is good, ISO 8601.
    pub until: String,
}

/// A password set anew by a one-time secret.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// The mailbox's address.
    pub user: String,
    /// The secret, with or without its hyphen.
    #[serde(with = "secret")]
    #[schemars(with = "String", extend("format" = "password"))]
    pub secret: Secret,
    /// The password to come.
    #[serde(with = "secret")]
    #[schemars(with = "String", extend("format" = "password"))]
    pub new_password: Secret,
}

/// Another password of one's own, also where the present one has to be changed before it is good for anything else.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnPassword {
    /// What a mail program gives as its user: the address, or `address/name` of a person who works with the mailbox.
    pub user: String,
    /// The present one.
    #[serde(with = "secret")]
    #[schemars(with = "String", extend("format" = "password"))]
    pub password: Secret,
    /// A code of his second factor, or a spare one, where he has one.
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub code: Option<Secret>,
    /// The one to come.
    #[serde(with = "secret")]
    #[schemars(with = "String", extend("format" = "password"))]
    pub new_password: Secret,
}

/// It was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnChanged {
    /// Whose password it is.
    pub user: String,
}
