//! Certificates, keys and lists that a provider works with, and the change from one signing certificate to the next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET`: [`Certificates`].
pub const CERTIFICATES: &str = "/v1/certificates";
/// `GET`: [`Roll`], what `POST` would do. `POST`: [`Roll`]; 409 with what is missing.
pub const CERTIFICATES_ROLL: &str = "/v1/certificates/roll";
/// `POST`: [`AcmeStatus`]; 409 without `[tls.acme]`, 502 when the authority gives none.
pub const CERTIFICATES_RENEW: &str = "/v1/certificates/renew";

/// Everything with an end that the provider stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Certificates {
    /// Those in use first.
    pub certificates: Vec<Certificate>,
}

/// A certificate, a revocation list, or the key of DKIM. What a kind does not have is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// `signing` (signs receipts and envelopes), `next` (will follow it), `left` (was followed), `chain`, `tls`, `index-client`,
    /// `index-signer`, `anchor`, `crl`, `client-anchor`, `timestamp-anchor`, `dkim`.
    pub purpose: String,
    /// The distinguished name of its holder; of a list, of its issuer; of a key, the DNS name of its record.
    pub subject: String,
    /// The distinguished name of its issuer.
    pub issuer: Option<String>,
    /// The serial number, upper-case hexadecimal.
    pub serial: Option<String>,
    /// SHA-1, upper-case hexadecimal: the `providerCertificateHash` of the index.
    pub sha1: Option<String>,
    /// SHA-256, upper-case hexadecimal; of a key, that of its public half (SubjectPublicKeyInfo).
    pub sha256: Option<String>,
    /// When it begins to be valid, ISO 8601.
    pub not_before: Option<String>,
    /// When it ends, ISO 8601.
    pub not_after: Option<String>,
    /// Whole days until then; below zero afterwards.
    pub days_left: Option<i64>,
    /// The key of the configuration that names it; `index` and `trust` for what came with them.
    pub at: String,
    /// Whether the provider index in use lists it under our name; only of those that sign.
    pub listed: Option<bool>,
    /// `fine`; `soon`: to be seen to; `urgent`; `expired`; `future`: not valid yet; `unlisted`: in use, and nobody else
    /// knows it as ours.
    pub state: String,
}

impl Certificate {
    /// Whether somebody has to see to it.
    pub fn is_alarming(&self) -> bool {
        !matches!(self.state.as_str(), "fine" | "future")
    }
}

/// The change from the signing certificate in use to the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Roll {
    /// The one in use before.
    pub from: Certificate,
    /// The one that follows, if there is one that can be read.
    pub to: Option<Certificate>,
    /// What stands in the way, each a sentence with its remedy; nothing when it is done or can be.
    pub missing: Vec<String>,
}

/// How the certificate of the doors renews itself (ACME).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AcmeStatus {
    /// The directory of the authority.
    pub directory: String,
    /// The names of the certificate.
    pub names: Vec<String>,
    /// When it is asked next, ISO 8601 in service time.
    pub next: String,
    /// How many times in a row none could be had.
    pub failures: u32,
    /// Why, the last time.
    pub last_error: Option<String>,
}
