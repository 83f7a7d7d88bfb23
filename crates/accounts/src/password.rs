//! Password hashes: argon2id (RFC 9106) for every password that is set here, in the PHC string format; and those that other
//! systems made, until their user has said his password once (PWD-06).

mod foreign;
mod md5_crypt;

use std::hint::black_box;

use argon2::{Algorithm, Version};
use data_encoding::BASE64_NOPAD;
use serde::{Deserialize, Serialize};
use sigillo_base::{Said, Secret, Tell, said, told};

use foreign::{Foreign, argon2};

/// A password that was hashed: as this program does it, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, or in one of the forms of
/// other systems.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

/// Why a password cannot be hashed or a hash cannot be taken. None of them shows a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordError {
    /// Empty, or longer than 1024 bytes: nobody types that, and hashing it is a gift to an attacker.
    Length,
    /// Nothing says what it is.
    NoScheme,
    /// No hash at all.
    Clear(String),
    /// A scheme that is not known here.
    Unknown(String),
    /// It is not what its scheme says.
    Format(&'static str),
    /// Whoever guesses passwords would be served at our expense. The scheme, and the most that it may cost.
    Cost(&'static str, Said),
}

impl Tell for PasswordError {
    fn said(&self) -> Said {
        match self {
            Self::Length => {
                said!("la password è vuota o più lunga di 1024 byte", "the password is empty or longer than 1024 bytes")
            }
            Self::NoScheme => said!(
                "non dice di quale schema è: un hash comincia con «{{SCHEMA}}» o «$schema$», ed è di non più di {MAX_HASH} caratteri",
                "it does not say its scheme: a hash begins with “{{SCHEME}}” or “$scheme$”, and has at most {MAX_HASH} characters"
            ),
            Self::Clear(scheme) => said!(
                "{{{scheme}}} è una password in chiaro, non un hash: chi ha letto il file la conosce; se ne dia una con --password-file",
                "{{{scheme}}} is a password in clear, no hash: whoever read the file knows it; give one with --password-file"
            ),
            Self::Unknown(scheme) => said!(
                "lo schema «{scheme}» non si conosce: si conoscono {KNOWN}",
                "the scheme “{scheme}” is not known: known are {KNOWN}"
            ),
            Self::Format(scheme) => said!(
                "l'hash «{scheme}» non è scritto come il suo schema vuole: forse è stato troncato",
                "the hash “{scheme}” is not written as its scheme wants: it may have been cut off"
            ),
            Self::Cost(scheme, Said { it, en }) => said!(
                "l'hash «{scheme}» costa troppo a ogni accesso: al più {it}",
                "the hash “{scheme}” costs too much at each login: at most {en}"
            ),
        }
    }
}

told!(PasswordError);

/// What can be taken over, for who hears that his is not among it.
const KNOWN: &str = "argon2i, argon2id, bcrypt, yescrypt, SHA256-CRYPT, SHA512-CRYPT, MD5-CRYPT, apr1, PBKDF2, SHA, SSHA, \
                     SHA256, SSHA256, SHA512, SSHA512, MD5, SMD5";
/// Memory in KiB, passes, lanes: the second recommendation of the OWASP cheat sheet, 20–50 ms a check on one core.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
const MAX_PASSWORD: usize = 1024;
/// Characters of a hash.
const MAX_HASH: usize = 512;

impl PasswordHash {
    /// Bytes of memory that a check takes, of a hash that was made here.
    pub const MEMORY: usize = COST.0 as usize * 1024;

    /// Hashes a password with this salt; give 16 fresh random bytes.
    ///
    /// # Errors
    /// [`PasswordError::Length`].
    pub fn create(password: &Secret, salt: [u8; 16]) -> Result<Self, PasswordError> {
        let hash = digest(password, &salt)?;
        let (m, t, p) = COST;
        Ok(Self(format!(
            "$argon2id$v=19$m={m},t={t},p={p}${}${}",
            BASE64_NOPAD.encode(&salt),
            BASE64_NOPAD.encode(&hash)
        )))
    }

    /// Takes a hash that was made here or elsewhere: as crypt(3), passlib, LDAP directories and Dovecot write them, at costs
    /// that a login may have.
    ///
    /// # Errors
    /// Every [`PasswordError`] but `Length`.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        Foreign::read(text)?;
        Ok(Self(text.to_owned()))
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What it was made by, for people: `argon2id`, `bcrypt`, `SSHA` …
    pub fn scheme(&self) -> &'static str {
        Foreign::read(&self.0).map_or("?", |hash| hash.scheme())
    }

    /// Whether it is as this program makes them; any other is to be replaced when the password is said.
    pub fn is_own(&self) -> bool {
        let (m, t, p) = COST;
        self.0.starts_with(&format!("$argon2id$v=19$m={m},t={t},p={p}$"))
    }

    /// Bytes of memory that a check takes.
    pub fn memory(&self) -> usize {
        Foreign::read(&self.0).map_or(0, |hash| hash.memory())
    }

    /// Whether this is the password. Takes tens of milliseconds and 19 MiB, of a hash from elsewhere up to about a second and
    /// 64 MiB: bound how many run at once.
    pub fn verify(&self, password: &Secret) -> bool {
        let text = password.expose().as_bytes();
        let sayable = !text.is_empty() && text.len() <= MAX_PASSWORD;
        sayable && Foreign::read(&self.0).is_ok_and(|hash| hash.is_of(text))
    }

    /// Spends the time of a check on nobody's password, so that an unknown user answers as late as a wrong password.
    pub fn verify_nobody(password: &Secret) {
        if let Ok(hash) = digest(password, &[0; 16]) {
            black_box(hash);
        }
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

fn digest(password: &Secret, salt: &[u8]) -> Result<[u8; 32], PasswordError> {
    let text = password.expose().as_bytes();
    if text.is_empty() || text.len() > MAX_PASSWORD {
        return Err(PasswordError::Length);
    }
    let mut out = [0; 32];
    argon2((Algorithm::Argon2id, Version::V0x13, COST), text, salt, &mut out)
        .ok_or(PasswordError::Format("argon2id"))?;
    Ok(out)
}

#[cfg(test)]
mod tests;
