//! Which digests and signature algorithms are believed: RSA PKCS#1 v1.5 and ECDSA, with SHA-1 (senders before 2025),
//! SHA-256, SHA-384 or SHA-512.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{self, RsaParameters, UnparsedPublicKey};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{
    ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, ID_EC_PUBLIC_KEY, ID_SHA_1, ID_SHA_256, ID_SHA_384,
    ID_SHA_512, RSA_ENCRYPTION, SHA_1_WITH_RSA_ENCRYPTION, SHA_256_WITH_RSA_ENCRYPTION, SHA_384_WITH_RSA_ENCRYPTION,
    SHA_512_WITH_RSA_ENCRYPTION,
};
use openssl::hash::MessageDigest;
use openssl::pkey::Id;
use openssl::sign::Verifier;

use crate::{Certificate, Error};

const ECDSA_WITH_SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");

/// A digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// A signature algorithm: the kind of key and the digest below the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scheme {
    key: Key,
    hash: Hash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Rsa,
    Elliptic,
}

impl Hash {
    pub(super) fn of_digest(oid: &ObjectIdentifier) -> Result<Self, Error> {
        match *oid {
            ID_SHA_1 => Ok(Self::Sha1),
            ID_SHA_256 => Ok(Self::Sha256),
            ID_SHA_384 => Ok(Self::Sha384),
            ID_SHA_512 => Ok(Self::Sha512),
            other => Err(unknown("impronta", &other)),
        }
    }

    pub(super) fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }

    /// RSA PKCS#1 v1.5 by aws-lc, which takes a tenth of openssl's time to decode the key. Keys of less than 2048 bits
    /// are read only where SHA-1 is: both are of the same past.
    fn rsa(self) -> &'static RsaParameters {
        match self {
            Self::Sha1 => &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        }
    }

    fn openssl(self) -> MessageDigest {
        match self {
            Self::Sha1 => MessageDigest::sha1(),
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }
}

impl Scheme {
    /// Whether the digest below the signature is SHA-1.
    pub(super) fn is_sha1(self) -> bool {
        self.hash == Hash::Sha1
    }

    /// The scheme that the SignerInfo names; a bare key type means "with the digest algorithm" (RFC 3370 §3.2).
    pub(super) fn of_signature(oid: &ObjectIdentifier, digest: Hash) -> Result<Self, Error> {
        let (key, hash) = match *oid {
            RSA_ENCRYPTION => (Key::Rsa, digest),
            SHA_1_WITH_RSA_ENCRYPTION => (Key::Rsa, Hash::Sha1),
            SHA_256_WITH_RSA_ENCRYPTION => (Key::Rsa, Hash::Sha256),
            SHA_384_WITH_RSA_ENCRYPTION => (Key::Rsa, Hash::Sha384),
            SHA_512_WITH_RSA_ENCRYPTION => (Key::Rsa, Hash::Sha512),
            ID_EC_PUBLIC_KEY => (Key::Elliptic, digest),
            ECDSA_WITH_SHA_1 => (Key::Elliptic, Hash::Sha1),
            ECDSA_WITH_SHA_256 => (Key::Elliptic, Hash::Sha256),
            ECDSA_WITH_SHA_384 => (Key::Elliptic, Hash::Sha384),
            ECDSA_WITH_SHA_512 => (Key::Elliptic, Hash::Sha512),
            other => return Err(unknown("firma", &other)),
        };
        Ok(Self { key, hash })
    }

    /// Checks `signature` over `bytes` with the key of `signer`.
    pub(super) fn verify(self, signer: &Certificate, bytes: &[u8], signature: &[u8]) -> Result<(), Error> {
        let good = match self.key {
            Key::Rsa => {
                UnparsedPublicKey::new(self.hash.rsa(), signer.public_key_der()).verify(bytes, signature).is_ok()
            }
            Key::Elliptic => self.verify_elliptic(signer, bytes, signature),
        };
        if good { Ok(()) } else { Err(Error::Signature) }
    }

    /// ECDSA by openssl: rare, and any curve goes with any digest.
    fn verify_elliptic(self, signer: &Certificate, bytes: &[u8], signature: &[u8]) -> bool {
        let key = signer.public_key().filter(|k| k.id() == Id::EC);
        let check = |key| Verifier::new(self.hash.openssl(), key).and_then(|mut v| v.verify_oneshot(signature, bytes));
        // openssl reports some bad signatures as errors.
        key.is_some_and(|key| check(key).unwrap_or(false))
    }
}

fn unknown(what: &str, oid: &ObjectIdentifier) -> Error {
    let name = const_oid::db::DB.by_oid(oid).unwrap_or("sconosciuto");
    Error::Algorithm(format!("{what} {name} ({oid})"))
}
