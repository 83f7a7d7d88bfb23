//! Password hashes: argon2id (RFC 9106), in the PHC string format.

use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::BASE64_NOPAD;
use serde::{Deserialize, Serialize};
use sigillo_base::Secret;

/// A password that was hashed with argon2id; the text is `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

/// Why a password cannot be hashed or a hash cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Not a PHC string of argon2id.
    #[error("non è un hash argon2id in formato PHC")]
    Format,
    /// Empty, or longer than 1024 bytes: nobody types that, and hashing it is a gift to an attacker.
    #[error("la password è vuota o più lunga di 1024 byte")]
    Length,
}

/// Memory in KiB, passes, lanes: the second recommendation of the OWASP cheat sheet, 20–50 ms a check on one core.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
const MAX_PASSWORD: usize = 1024;

impl PasswordHash {
    /// Bytes of memory that a check takes, of a hash that was made here.
    pub const MEMORY: usize = COST.0 as usize * 1024;

    /// Hashes a password with this salt; give 16 fresh random bytes.
    pub fn create(password: &Secret, salt: [u8; 16]) -> Result<Self, PasswordError> {
        let hash = digest(password, &salt, COST)?;
        let (m, t, p) = COST;
        Ok(Self(format!(
            "$argon2id$v=19$m={m},t={t},p={p}${}${}",
            BASE64_NOPAD.encode(&salt),
            BASE64_NOPAD.encode(&hash)
        )))
    }

    /// Takes a hash from its PHC text.
    pub fn parse(phc: &str) -> Result<Self, PasswordError> {
        split(phc).ok_or(PasswordError::Format)?;
        Ok(Self(phc.to_owned()))
    }

    /// Its PHC text.
    pub fn phc(&self) -> &str {
        &self.0
    }

    /// Whether this is the password. Takes tens of milliseconds and 19 MiB: bound how many run at once.
    pub fn verify(&self, password: &Secret) -> bool {
        let Some((cost, salt, expected)) = split(&self.0) else { return false };
        let Ok(hash) = digest(password, &salt, cost) else { return false };
        hash.len() == expected.len() && hash.iter().zip(&expected).fold(0, |d, (a, b)| d | (a ^ b)) == 0
    }

    /// Spends the time of a check on nobody's password, so that an unknown user answers as late as a wrong password.
    pub fn verify_nobody(password: &Secret) {
        if let Ok(hash) = digest(password, &[0; 16], COST) {
            std::hint::black_box(hash);
        }
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

fn digest(password: &Secret, salt: &[u8], (m, t, p): (u32, u32, u32)) -> Result<[u8; 32], PasswordError> {
    let text = password.expose().as_bytes();
    if text.is_empty() || text.len() > MAX_PASSWORD {
        return Err(PasswordError::Length);
    }
    let params = Params::new(m, t, p, Some(32)).map_err(|_| PasswordError::Format)?;
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(text, salt, &mut out)
        .map_err(|_| PasswordError::Format)?;
    Ok(out)
}

type Parsed = ((u32, u32, u32), Vec<u8>, Vec<u8>);

/// The costs, the salt and the hash of a PHC text; costs beyond what we would ever set are refused, since they come
/// from imported files and each check would pay them.
fn split(phc: &str) -> Option<Parsed> {
    let mut parts = phc.strip_prefix("$argon2id$v=19$")?.split('$');
    let (costs, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let mut numbers = costs.split(',');
    let mut number = |prefix: &str| numbers.next()?.strip_prefix(prefix)?.parse::<u32>().ok();
    let cost = (number("m=")?, number("t=")?, number("p=")?);
    if cost.0 > 256 * 1024 || cost.1 > 20 || cost.2 > 8 {
        return None;
    }
    let (salt, hash) = (BASE64_NOPAD.decode(salt.as_bytes()).ok()?, BASE64_NOPAD.decode(hash.as_bytes()).ok()?);
    (salt.len() >= 8 && hash.len() == 32).then_some((cost, salt, hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.into())
    }

    #[test]
    fn only_the_password_itself_is_taken() {
        let hash = PasswordHash::create(&secret("giusta"), [7; 16]).unwrap();
        assert!(hash.verify(&secret("giusta")));
        assert!(!hash.verify(&secret("Giusta")));
        assert!(!hash.verify(&secret("")));
        assert_ne!(hash, PasswordHash::create(&secret("giusta"), [8; 16]).unwrap());
        assert_eq!(PasswordHash::parse(&hash.0).unwrap(), hash);
        assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
    }

    /// Made by the reference implementation: `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1` (RFC 9106).
    #[test]
    fn a_hash_of_the_reference_implementation() {
        let phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let hash = PasswordHash::parse(phc).unwrap();
        assert!(hash.verify(&secret("password")));
        assert!(!hash.verify(&secret("passwore")));
    }

    #[test]
    fn what_is_refused() {
        assert_eq!(PasswordHash::create(&secret(""), [0; 16]), Err(PasswordError::Length));
        assert_eq!(PasswordHash::create(&secret(&"x".repeat(1025)), [0; 16]), Err(PasswordError::Length));
        for bad in [
            "",
            "$argon2i$v=19$m=1,t=1,p=1$a$b",
            "$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ] {
            assert_eq!(PasswordHash::parse(bad), Err(PasswordError::Format), "{bad}");
        }
    }
}
