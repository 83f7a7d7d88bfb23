//! What a user proves himself with. A mailbox has several credentials, each with a name: its owner's, and one for each
//! application (XCT-07) or person (BOX-08) that works with it.

use std::fmt;

use serde::{Deserialize, Serialize};
use sigillo_base::{Address, Said, Tell, said, told};

use crate::PasswordHash;

/// Whose a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Who holds the mailbox (*titolare*).
    Owner,
    /// A program: many sessions at once, its secret made by us.
    Application,
    /// One of several persons who work with a structured mailbox.
    Personal,
}

/// What a credential may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Opening the folders.
    pub read: bool,
    /// Sending.
    pub send: bool,
}

impl Rights {
    /// Everything that the mailbox may do.
    pub const ALL: Self = Self { read: true, send: true };
}

/// One credential of a mailbox. Its name is the key it is kept under: see [`CredentialName`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Whose it is.
    pub kind: Kind,
    /// What it may be used for.
    pub rights: Rights,
    /// How its secret is known again.
    pub verifier: Verifier,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created: i64,
    /// When it got its present secret, in milliseconds.
    pub changed: i64,
    /// When it ended, in milliseconds. It stays, so that its name in the trail keeps its meaning.
    pub revoked: Option<i64>,
    /// Its secret was given to be changed: nobody comes in with it.
    pub must_change: bool,
    /// When its secret is no longer good, in milliseconds.
    pub expires: Option<i64>,
}

impl Credential {
    /// A new one.
    pub fn new(kind: Kind, rights: Rights, verifier: Verifier, now_ms: i64) -> Self {
        let (revoked, must_change, expires) = (None, false, None);
        Self { kind, rights, verifier, created: now_ms, changed: now_ms, revoked, must_change, expires }
    }
}

/// A secret as it is kept: it proves a password, and gives none away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verifier {
    /// For passwords that the client sends.
    pub hash: PasswordHash,
    /// For SCRAM-SHA-256, where it does not. A password that came as a hash has none before it is first sent.
    pub scram: Option<Scram>,
}

/// What is kept of a password for SCRAM-SHA-256 (RFC 5802 §3): kept here, reckoned by who speaks it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scram {
    /// Told to the client.
    pub salt: Vec<u8>,
    /// Told to the client.
    pub iterations: u32,
    /// What the client's proof is judged by.
    pub stored_key: [u8; 32],
    /// What the server proves itself with.
    pub server_key: [u8; 32],
}

impl fmt::Debug for Scram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scram(…)")
    }
}

impl From<PasswordHash> for Verifier {
    /// Of a password that somebody else hashed.
    fn from(hash: PasswordHash) -> Self {
        Self { hash, scram: None }
    }
}

/// The name of a credential in its mailbox: 1 to 64 letters, digits, `.`, `_`, `-`, in lower case; the owner's is empty.
/// None is given twice, so that it means the same in the trail for ever.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CredentialName(String);

/// A text that cannot name a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadName(String);

impl Tell for BadName {
    fn said(&self) -> Said {
        said!(
            "«{0}» non può essere il nome di una credenziale: da 1 a 64 fra lettere senza accento, cifre, «.», «_» e «-»",
            "“{0}” cannot be the name of a credential: 1 to 64 letters without accents, digits, “.”, “_” and “-”",
            self.0
        )
    }
}

told!(BadName);

const MAX_NAME: usize = 64;

impl CredentialName {
    /// The owner's.
    pub const fn owner() -> Self {
        Self(String::new())
    }

    /// Takes a name, in any case.
    ///
    /// # Errors
    /// [`BadName`]; also for the owner's, which nobody writes.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let fine = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if text.is_empty() || text.len() > MAX_NAME || !text.bytes().all(fine) {
            return Err(BadName(text.chars().take(MAX_NAME).collect()));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the owner's.
    pub fn is_owner(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for CredentialName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_owner() { "titolare" } else { &self.0 })
    }
}

/// Who logs in: `address` is the owner, `address/name` any other credential. No address has a `/` behind its `@`, so
/// that a name never means another mailbox, however freely mailboxes are named (BOX-07).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginName {
    /// Of the mailbox.
    pub address: Address,
    /// In the mailbox.
    pub credential: CredentialName,
}

impl LoginName {
    /// Reads what a client gave; `None` for what cannot be anybody.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let domain = text.rfind('@')?;
        let (address, credential) = match text[domain..].find('/') {
            Some(slash) => (&text[..domain + slash], CredentialName::parse(&text[domain + slash + 1..]).ok()?),
            None => (text, CredentialName::owner()),
        };
        Some(Self { address: Address::parse(address).ok()?, credential })
    }

    /// The same text for all spellings of one login.
    pub fn key(&self) -> String {
        format!("{}/{}", self.address.key(), self.credential.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_names_the_owner_or_a_credential_and_never_another_mailbox() {
        let read = |text| LoginName::parse(text).map(|l| (l.address.to_string(), l.credential.as_str().to_owned()));
        let is = |address: &str, name: &str| Some((address.to_owned(), name.to_owned()));
        assert_eq!(read(" Anna@Comune.example "), is("Anna@Comune.example", ""));
        assert_eq!(read("anna@comune.example/Paghe-2"), is("anna@comune.example", "paghe-2"));
        assert_eq!(read("a/b@comune.example/x"), is("a/b@comune.example", "x"));
        assert_eq!(
            LoginName::parse("A/B@x.example/C").unwrap().key(),
            LoginName::parse("a/b@X.example/c").unwrap().key()
        );
        for nobody in ["", "anna", "anna@", "anna@x.example/", "anna@x.example/a/b", "anna@x.example/a b", "/x"] {
            assert_eq!(read(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn names_are_plain_words() {
        assert_eq!(CredentialName::parse("Gestionale.1").unwrap().as_str(), "gestionale.1");
        for bad in ["", "à", "a b", "a/b", "a@b", "a\0", "=cmd", &"x".repeat(65)] {
            assert!(CredentialName::parse(bad).is_err(), "{bad}");
        }
        assert!(CredentialName::owner().is_owner());
    }
}
