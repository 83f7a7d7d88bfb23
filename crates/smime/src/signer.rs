//! Who signs. The key may be here, in another process or in a device: callers see only [`Signer`].

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use openssl::pkey::{Id, PKey};
use zeroize::Zeroizing;

use crate::Error;

/// Something that signs with the provider's key.
pub trait Signer: Send + Sync {
    /// RSA PKCS#1 v1.5 with SHA-256 over `to_be_signed` (RFC 8017 §8.2). It may block: that is the back-pressure.
    fn sign(&self, to_be_signed: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("firma non riuscita: {message}")]
pub struct SignError {
    /// Whether it may work later (the device is busy or away); if not, a person must act.
    pub temporary: bool,
    /// What happened, for the operator.
    pub message: String,
}

/// Signs in this process with an RSA key, on whatever thread it is called. The key is decoded once, into memory that
/// is wiped when it is freed.
pub struct KeySigner(KeyPair);

impl KeySigner {
    /// Takes a PKCS#8 private key in DER, RSA of at least 2048 bits. Wiping `der` is up to the caller.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, Error> {
        let pair = KeyPair::from_pkcs8(der).map_err(|e| Error::Key(format!("non è una chiave RSA in PKCS#8: {e}")))?;
        let bits = pair.public_modulus_len() * 8;
        if bits < 2048 {
            return Err(Error::Key(format!("{bits} bit: ne servono almeno 2048")));
        }
        Ok(Self(pair))
    }

    /// Takes an unencrypted private key in PEM, PKCS#8 or PKCS#1.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        // With an empty passphrase given, openssl never asks for one on the terminal.
        let key = PKey::private_key_from_pem_passphrase(pem, b"")
            .map_err(|e| Error::Key(format!("PEM non leggibile o cifrato: {e}")))?;
        if key.id() != Id::RSA {
            return Err(Error::Key("per firmare messaggi serve una chiave RSA".into()));
        }
        let der = Zeroizing::new(key.private_key_to_pkcs8().map_err(|e| Error::Key(e.to_string()))?);
        Self::from_pkcs8_der(&der)
    }
}

impl Signer for KeySigner {
    fn sign(&self, to_be_signed: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), to_be_signed, &mut signature)
            .map_err(|_| SignError { temporary: false, message: "la chiave RSA non firma".into() })?;
        Ok(signature)
    }
}

impl fmt::Debug for KeySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySigner(RSA {} bit, …)", self.0.public_modulus_len() * 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use openssl::rsa::Rsa;

    fn shared<T: Send + Sync>(_: &T) {}

    #[test]
    fn signs_and_only_what_it_was_given() {
        let signer = fixtures::provider().signer().unwrap();
        shared(&signer);
        let signature = signer.sign(b"attributi").unwrap();
        let key = fixtures::provider().certificate();
        let rsa = key.public_key().unwrap().rsa().unwrap().public_key_to_der_pkcs1().unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, rsa);
        assert!(public.verify(b"attributi", &signature).is_ok());
        assert!(public.verify(b"attribuTi", &signature).is_err());
        assert_eq!(signer.sign(b"attributi").unwrap(), signature, "no chance in it");
    }

    #[test]
    fn keys_that_cannot_sign() {
        let small = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap().private_key_to_pem_pkcs8().unwrap();
        assert!(matches!(KeySigner::from_pem(&small), Err(Error::Key(_))));
        let tls = fixtures::root().issue_tls(&["mx.example".into()], &[], fixtures::T0, fixtures::later(9)).unwrap();
        assert!(matches!(tls.signer(), Err(Error::Key(_))));
        assert!(matches!(KeySigner::from_pem(b"-----BEGIN PRIVATE KEY-----"), Err(Error::Key(_))));
        assert!(matches!(KeySigner::from_pkcs8_der(b"0"), Err(Error::Key(_))));
    }

    #[test]
    fn old_and_encrypted_pem() {
        let key = PKey::private_key_from_pem(fixtures::provider().key_pem.as_bytes()).unwrap();
        let old = key.rsa().unwrap().private_key_to_pem().unwrap();
        assert!(old.starts_with(b"-----BEGIN RSA PRIVATE KEY"));
        assert!(KeySigner::from_pem(&old).is_ok());
        let cipher = openssl::symm::Cipher::aes_256_cbc();
        let encrypted = key.private_key_to_pem_pkcs8_passphrase(cipher, b"segreto").unwrap();
        assert!(matches!(KeySigner::from_pem(&encrypted), Err(Error::Key(_))));
    }

    #[test]
    fn debug_shows_no_key() {
        let shown =
            format!("{:?} {:?} {:?}", fixtures::provider().signer().unwrap(), fixtures::provider(), fixtures::root());
        let secret = fixtures::provider().key_pem.lines().nth(3).unwrap();
        assert!(!shown.contains(secret) && !shown.contains("PRIVATE"), "{shown}");
    }
}
