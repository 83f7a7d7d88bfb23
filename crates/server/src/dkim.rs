//! The signature of a domain over ordinary mail of ours (DKIM, RFC 6376): reports and notifications, which nobody
//! certifies. Certified mail has its own signatures, and is not touched.

use anyhow::{Context, Result, bail};
use data_encoding::BASE64;
use mail_auth::common::crypto::{RsaKey, Sha256};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::{Canonicalization, DkimSigner, Done};
use openssl::pkey::PKey;
use sigillo_engine::Dkim;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::{config, published};

/// What a change of would change the message: all that we write, and From twice, so that none can be added.
const FIELDS: [&str; 11] = [
    "From",
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "TLS-Report-Domain",
    "TLS-Report-Submitter",
];

/// A key of the provider's domain.
pub struct Signer {
    signer: DkimSigner<RsaKey<Sha256>, Done>,
    /// The record that others look for: its name and its text.
    record: (String, String),
}

impl Signer {
    /// From an RSA key in PEM, of 2048 bits at least.
    ///
    /// # Errors
    /// It is no such key.
    pub fn new(config: &config::Dkim, pem: &[u8]) -> Result<Self> {
        let key = PKey::private_key_from_pem(pem).context("non è una chiave privata PEM")?;
        let rsa = key.rsa().context("non è una chiave RSA")?;
        if rsa.size() < 256 {
            bail!("la chiave ha meno di 2048 bit");
        }
        let public = BASE64.encode(&key.public_key_to_der()?);
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.private_key_to_pkcs8()?));
        let key = RsaKey::<Sha256>::from_key_der(der).map_err(|e| anyhow::anyhow!("{e}"))?;
        let signer = DkimSigner::from_key(key)
            .domain(config.domain.as_str())
            .selector(config.selector.as_str())
            .headers(FIELDS)
            .header_canonicalization(Canonicalization::Relaxed)
            .body_canonicalization(Canonicalization::Relaxed);
        let name = format!("{}._domainkey.{}", config.selector, config.domain);
        Ok(Self { signer, record: (name, format!("v=DKIM1; k=rsa; p={public}")) })
    }

    /// The record to publish: its name and its text.
    pub fn record(&self) -> (&str, &str) {
        (&self.record.0, &self.record.1)
    }

    /// The same, as a zone file has it.
    pub fn zone_line(&self) -> String {
        let (name, text) = &self.record;
        format!("{name}. IN TXT {}", published::text(text))
    }
}

impl Dkim for Signer {
    fn field(&self, message: &[u8]) -> Result<String, String> {
        self.signer.sign(message).map(|signature| signature.to_header()).map_err(|e| e.to_string())
    }
}
