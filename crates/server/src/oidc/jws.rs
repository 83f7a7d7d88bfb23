//! A signed token in its compact form (RFC 7515 §7.1): read, and checked under a key. What signs is a closed list, and none of it is
//! a secret that two share (RFC 8725 §3.1): a token that names `none` or `HS256` has nothing here that could take it.
//! Where a token says that its key lies (`jku`, `x5u`, `jwk`) is not looked at.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

use super::keys::{Key, Public};

/// No token longer than this is looked at, in bytes.
const MAX: usize = 16 << 10;
/// The longest name of a key.
const MAX_KID: usize = 256;

/// What signs (RFC 7518 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Algorithm {
    /// RSA PKCS#1 v1.5 with SHA-256.
    Rs256,
    /// RSA PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

#[derive(Deserialize)]
struct Header {
    alg: Algorithm,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<serde_json::Value>,
}

/// A token whose signature is yet to be checked.
#[derive(Debug)]
pub(super) struct Jws<'t> {
    algorithm: Algorithm,
    kid: Option<String>,
    signed: &'t [u8],
    claims: Vec<u8>,
    signature: Vec<u8>,
}

impl<'t> Jws<'t> {
    /// Takes a token apart; why it is none that is taken here.
    pub(super) fn read(token: &'t str) -> Result<Self, &'static str> {
        if token.len() > MAX {
            return Err("too long");
        }
        let form = "not three parts of base64";
        let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| form);
        let (signed, signature) = token.rsplit_once('.').ok_or(form)?;
        let (header, claims) = signed.split_once('.').ok_or(form)?;
        let header: Header =
            serde_json::from_slice(&decode(header)?).map_err(|_| "a header or an algorithm that is not taken")?;
        // Another kind of token of the same issuer, of logging out for example, logs nobody in (RFC 8725 §3.11).
        let kind = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        if !matches!(kind.strip_prefix("application/").unwrap_or(&kind), "jwt" | "at+jwt") {
            return Err("of another kind");
        }
        if header.crit.is_some() {
            return Err("with an extension that has to be understood");
        }
        if header.kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID) {
            return Err("with a key's name that is too long");
        }
        let (claims, signature) = (decode(claims)?, decode(signature)?);
        Ok(Self { algorithm: header.alg, kid: header.kid, signed: signed.as_bytes(), claims, signature })
    }

    /// The name of the key that it claims to be signed with.
    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What it claims, to be believed after [`is_signed_by`](Self::is_signed_by).
    pub(super) fn claims(&self) -> &[u8] {
        &self.claims
    }

    /// Whether this key has signed it. The kind of the key says what it can have been.
    pub(super) fn is_signed_by(&self, key: &Key) -> bool {
        if key.algorithm.is_some_and(|only| only != self.algorithm) {
            return false;
        }
        let (signed, signature) = (self.signed, self.signature.as_slice());
        match (self.algorithm, &key.public) {
            (Algorithm::Rs256, Public::Rsa { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok()
            }
            (Algorithm::Ps256, Public::Rsa { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PSS_2048_8192_SHA256, signed, signature).is_ok()
            }
            (Algorithm::Es256, Public::P256(point)) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).is_ok()
            }
            (Algorithm::Rs256 | Algorithm::Ps256, Public::P256(_)) | (Algorithm::Es256, Public::Rsa { .. }) => false,
        }
    }
}
