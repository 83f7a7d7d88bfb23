//! What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 §3, RFC 7677).

use std::fmt;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2};
use sigillo_base::Secret;

/// The verifier of a password. It lets nobody log in: who steals it must still guess the password, at the cost of
/// `iterations` hashes a try.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramKeys {
    /// Random octets, 16 for those made here.
    pub salt: Vec<u8>,
    /// Rounds of PBKDF2.
    pub iterations: u32,
    /// SHA-256 of the key that the client proves to hold.
    pub stored_key: [u8; 32],
    /// The key by which the server proves itself.
    pub server_key: [u8; 32],
}

impl ScramKeys {
    /// Rounds for new verifiers. RFC 7677 asks for 4,096 at least; a client pays them at each login, the server once a
    /// password.
    pub const ITERATIONS: u32 = 100_000;

    /// The verifier of a password; give 16 fresh random octets. Takes tens of milliseconds. `None` for a password that
    /// SASLprep (RFC 4013) forbids, with a control character for instance: SCRAM cannot carry it.
    pub fn derive(password: &Secret, salt: &[u8], iterations: u32) -> Option<Self> {
        let password = stringprep::saslprep(password.expose()).ok()?;
        let mut salted = [0; 32];
        let rounds = iterations.try_into().ok()?;
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, salt, password.as_bytes(), &mut salted);
        let client_key = mac(&salted, b"Client Key");
        let keys = Self {
            salt: salt.to_vec(),
            iterations,
            stored_key: sha256(&client_key),
            server_key: mac(&salted, b"Server Key"),
        };
        (!password.is_empty()).then_some(keys)
    }

    /// Keys for a user who does not exist or has none: the same salt at each try, so that nobody finds out who exists,
    /// and no password that fits. `secret` is the provider's own and stays the same for ever, as real salts do.
    pub fn of_nobody(secret: &[u8], user: &str) -> Self {
        let of = |what: &[u8]| mac(secret, &[what, user.to_lowercase().as_bytes()].concat());
        Self {
            salt: of(b"salt ")[..16].to_vec(),
            iterations: Self::ITERATIONS,
            stored_key: of(b"stored key "),
            server_key: of(b"server key "),
        }
    }

    /// Whether `proof` shows that the client knows the password (RFC 5802 §3), in constant time; `said` is the
    /// AuthMessage.
    pub fn proves(&self, proof: &[u8; 32], said: &[u8]) -> bool {
        let signature = mac(&self.stored_key, said);
        let client_key: [u8; 32] = std::array::from_fn(|i| proof[i] ^ signature[i]);
        constant_time::verify_slices_are_equal(&sha256(&client_key), &self.stored_key).is_ok()
    }

    /// The server's own proof.
    pub fn signature(&self, said: &[u8]) -> [u8; 32] {
        mac(&self.server_key, said)
    }
}

impl fmt::Debug for ScramKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScramKeys(…)")
    }
}

fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    std::array::from_fn(|i| tag.as_ref()[i])
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, bytes);
    std::array::from_fn(|i| digest.as_ref()[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(password: &str) -> Option<ScramKeys> {
        ScramKeys::derive(&Secret::new(password.into()), b"0123456789abcdef", 4096)
    }

    #[test]
    fn passwords_are_prepared_and_keys_are_not_shown() {
        assert_eq!(keys("I\u{ad}X"), keys("IX"), "RFC 4013 §3");
        assert_eq!(keys("perche\u{301}"), keys("perché"));
        assert_eq!((keys(""), keys("a\u{7}b")), (None, None));
        assert_ne!(keys("a"), keys("b"));
        assert_eq!(format!("{:?}", keys("a").unwrap()), "ScramKeys(…)");
    }

    #[test]
    fn nobody_has_always_the_same_salt_and_another_for_each_name() {
        let of = |user| ScramKeys::of_nobody(b"secret", user);
        assert_eq!(of("anna@x.example"), of("Anna@X.example"));
        assert_ne!(of("anna@x.example").salt, of("bice@x.example").salt);
        assert_ne!(of("anna@x.example").salt, ScramKeys::of_nobody(b"other", "anna@x.example").salt);
        assert_eq!((of("a").salt.len(), of("a").iterations), (16, ScramKeys::ITERATIONS));
    }
}
