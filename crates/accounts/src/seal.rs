//! Secrets that the program itself must read again, as seeds of authenticators: closed with a key that is not in the store, so
//! that who steals the store, or a copy of it, has none of them.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

/// The key that secrets are closed with, if there is one.
#[derive(Default)]
pub struct Seal(Option<LessSafeKey>);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Seal(…)" } else { "Seal(none)" })
    }
}

/// A secret as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sealed {
    /// As it is: there was no key.
    Open(Vec<u8>),
    /// AES-256-GCM.
    Closed {
        /// Drawn for this secret.
        nonce: [u8; NONCE_LEN],
        /// The secret, closed, and its tag.
        bytes: Vec<u8>,
    },
}

impl Seal {
    /// Octets of a key.
    pub const KEY: usize = 32;

    /// Closes with this key.
    pub fn new(key: &[u8; Self::KEY]) -> Self {
        // Only a wrong length is an error, and the type has the right one.
        Self(UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new))
    }

    /// Closes a secret, for this row and no other; `None` when it cannot be. Give fresh random bytes: two secrets under one
    /// nonce would open each other.
    pub fn close(&self, secret: &[u8], row: &[u8], nonce: [u8; NONCE_LEN]) -> Option<Sealed> {
        let mut bytes = secret.to_vec();
        let Some(key) = &self.0 else { return Some(Sealed::Open(bytes)) };
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(row), &mut bytes).ok()?;
        Some(Sealed::Closed { nonce, bytes })
    }

    /// The secret; `None` without the key that it was closed with, or where it was closed for another row.
    pub fn open(&self, sealed: &Sealed, row: &[u8]) -> Option<Vec<u8>> {
        match sealed {
            Sealed::Open(secret) => Some(secret.clone()),
            Sealed::Closed { nonce, bytes } => {
                let mut bytes = bytes.clone();
                let key = self.0.as_ref()?;
                key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(row), &mut bytes)
                    .ok()
                    .map(|open| open.to_vec())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_closed_opens_with_its_key_in_its_row_alone() {
        let (seal, other, none) = (Seal::new(&[7; 32]), Seal::new(&[8; 32]), Seal::default());
        let closed = seal.close(b"segretissima", b"anna", [1; 12]).unwrap();
        assert!(matches!(&closed, Sealed::Closed { bytes, .. } if !bytes.windows(12).any(|w| w == b"segretissima")));
        assert_eq!(seal.open(&closed, b"anna").as_deref(), Some(&b"segretissima"[..]));
        assert_eq!(seal.open(&closed, b"bruno"), None, "moved to another row");
        assert_eq!(other.open(&closed, b"anna"), None);
        assert_eq!(none.open(&closed, b"anna"), None);
        let open = none.close(b"segretissima", b"anna", [1; 12]).unwrap();
        assert_eq!(seal.open(&open, b"anna").as_deref(), Some(&b"segretissima"[..]), "from before there was a key");
    }
}
