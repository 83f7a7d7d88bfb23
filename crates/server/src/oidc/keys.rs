//! The keys that an issuer publishes (JWK Set, RFC 7517 §5). Those that sign nothing we take are passed over, as the RFC wants.

use anyhow::{Context, Result, bail};
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde_json::Value;

use super::jws::Algorithm;

/// So many are read.
const MOST: usize = 64;

/// The keys of an issuer.
#[derive(Debug)]
pub(super) struct Keys(Vec<Key>);

/// One of them.
#[derive(Debug)]
pub(super) struct Key {
    kid: Option<String>,
    /// What alone it is for, where that is said.
    pub(super) algorithm: Option<Algorithm>,
    /// Itself.
    pub(super) public: Public,
}

/// A public key (RFC 7518 §6), its numbers big-endian.
#[derive(Debug)]
pub(super) enum Public {
    /// Modulus and exponent.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
    /// A point in its uncompressed form (SEC 1 §2.3.3).
    P256(Vec<u8>),
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<Value>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Reads a set.
    ///
    /// # Errors
    /// It is none, or has no key that is of use here.
    pub(super) fn read(json: &[u8]) -> Result<Self> {
        let set: Set = serde_json::from_slice(json).context("le chiavi non sono un JWK Set (RFC 7517)")?;
        let keys: Vec<Key> = set.keys.into_iter().take(MOST).filter_map(Key::read).collect();
        if keys.is_empty() {
            bail!("nessuna chiave per RS256, PS256 o ES256");
        }
        Ok(Self(keys))
    }

    /// Those of this name. Who names none means the only one (OpenID Connect Core §10.1).
    pub(super) fn of(&self, kid: Option<&str>) -> impl Iterator<Item = &Key> {
        let only = self.0.len() == 1;
        self.0.iter().filter(move |key| match kid {
            Some(kid) => key.kid.as_deref() == Some(kid),
            None => only,
        })
    }

    /// How many.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

impl Key {
    fn read(json: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(json).ok()?;
        if jwk.purpose.is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let number = |text: Option<String>| BASE64URL_NOPAD.decode(text?.as_bytes()).ok();
        let public = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Public::Rsa { n: number(jwk.n)?, e: number(jwk.e)? },
            ("EC", Some("P-256")) => {
                let (x, y) = (number(jwk.x)?, number(jwk.y)?);
                if x.len() != 32 || y.len() != 32 {
                    return None;
                }
                Public::P256([&[4][..], &x, &y].concat())
            }
            _ => return None,
        };
        // One that is for something else alone is not for us.
        let algorithm = jwk.alg.map(serde_json::from_value).transpose().ok()?;
        Some(Self { kid: jwk.kid, algorithm, public })
    }
}
