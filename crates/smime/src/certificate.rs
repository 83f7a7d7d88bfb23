//! X.509 certificates, parsed once.
//!
//! openssl's own parse takes many times as long as checking a signature, so it waits until a path or a name is asked
//! for; what a message needs is read here.

mod deviations;
mod fields;

use std::fmt;
use std::sync::{Arc, OnceLock};

use data_encoding::HEXUPPER;
use der::Decode;
use openssl::pkey::{PKey, Public};
use openssl::x509::{X509, X509NameRef};
use sigillo_base::Timestamp;

use crate::asn1::CertificateSyntax;
use crate::{Error, digest};
pub use deviations::Deviation;
use fields::Fields;

/// The largest certificate that is read, in bytes: a real one has one to four thousand.
const MAX_DER: usize = 64 * 1024;

/// An X.509 certificate. Cloning it is cheap; equality is equality of the bytes.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    sha256: [u8; 32],
    fields: Fields,
    x509: OnceLock<Option<X509>>,
    key: OnceLock<Option<PKey<Public>>>,
}

/// A certificate to sign under, and the certificates of its issuers, which are sent along (without the root).
#[derive(Clone, Debug)]
pub struct Identity {
    /// The signer's own certificate.
    pub certificate: Certificate,
    /// Its issuers, nearest first.
    pub chain: Vec<Certificate>,
}

impl Certificate {
    /// Reads one certificate in DER.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let unreadable = |e: String| Error::Certificate(e);
        if der.len() > MAX_DER {
            return Err(unreadable(format!("più di {MAX_DER} byte")));
        }
        let parsed = CertificateSyntax::from_der(der).map_err(|e| unreadable(e.to_string()))?;
        let fields = Fields::read(&parsed).map_err(|e| unreadable(e.to_string()))?;
        let sha256 = digest::sha256(der);
        let inner = Inner { der: der.to_vec(), sha256, fields, x509: OnceLock::new(), key: OnceLock::new() };
        Ok(Self(Arc::new(inner)))
    }

    /// Reads every certificate of a PEM text, in its order; an error when there is none.
    pub fn from_pem(pem: &[u8]) -> Result<Vec<Self>, Error> {
        let stack = X509::stack_from_pem(pem).map_err(|e| Error::Certificate(e.to_string()))?;
        if stack.is_empty() {
            return Err(Error::Certificate("nessun certificato PEM nel testo".into()));
        }
        let der = |c: &X509| c.to_der().map_err(|e| Error::Certificate(e.to_string()));
        stack.iter().map(|c| Self::from_der(&der(c)?)).collect()
    }

    /// The bytes, as they were read.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// PEM, lines of 64 characters, ended by LF.
    pub fn to_pem(&self) -> String {
        pem("CERTIFICATE", &self.0.der)
    }

    /// SHA-1 of the DER in upper-case hexadecimal: the `providerCertificateHash` of the directory (RFC 6109 §4.5).
    pub fn sha1_hex(&self) -> String {
        HEXUPPER.encode(&digest::sha1(&self.0.der))
    }

    /// SHA-256 of the DER in upper-case hexadecimal: what certificates are known by today.
    pub fn sha256_hex(&self) -> String {
        HEXUPPER.encode(&self.0.sha256)
    }

    /// The rfc822Names of the subject alternative name, spelled as they are.
    pub fn emails(&self) -> &[String] {
        &self.0.fields.emails
    }

    /// The subject, readable: `C=IT, O=Gestore S.p.A., CN=Posta Certificata`.
    pub fn subject(&self) -> String {
        self.x509().map_or_else(String::new, |c| readable(c.subject_name()))
    }

    /// The issuer, readable.
    pub fn issuer(&self) -> String {
        self.x509().map_or_else(String::new, |c| readable(c.issuer_name()))
    }

    /// The serial number in upper-case hexadecimal, two digits a byte, without leading zero bytes.
    pub fn serial_hex(&self) -> String {
        HEXUPPER.encode(&self.0.fields.serial)
    }

    /// The subject's O, the first if there are several.
    pub fn organization(&self) -> Option<String> {
        self.subject_entry(openssl::nid::Nid::ORGANIZATIONNAME)
    }

    /// The subject's CN, the first if there are several.
    pub fn common_name(&self) -> Option<String> {
        self.subject_entry(openssl::nid::Nid::COMMONNAME)
    }

    /// The first instant of validity.
    pub fn not_before(&self) -> Timestamp {
        self.0.fields.not_before
    }

    /// The instant from which it is expired.
    pub fn not_after(&self) -> Timestamp {
        self.0.fields.not_after
    }

    /// Whether basicConstraints make it an authority's.
    pub fn is_authority(&self) -> bool {
        self.0.fields.is_ca
    }

    /// Whether this private key (PEM, unencrypted) is its own.
    pub fn is_of(&self, key_pem: &[u8]) -> bool {
        // With an empty passphrase given, openssl never asks for one on the terminal.
        let private = PKey::private_key_from_pem_passphrase(key_pem, b"");
        matches!((self.public_key(), private), (Some(public), Ok(private)) if private.public_eq(public))
    }

    /// The certificate as openssl sees it, parsed at the first call; `None` when openssl cannot read it.
    pub(crate) fn x509(&self) -> Option<&X509> {
        self.0.x509.get_or_init(|| X509::from_der(&self.0.der).ok()).as_ref()
    }

    /// The SubjectPublicKeyInfo in DER.
    pub(crate) fn public_key_der(&self) -> &[u8] {
        &self.0.fields.public_key
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.0.sha256
    }

    pub(crate) fn issuer_der(&self) -> &[u8] {
        &self.0.fields.issuer_der
    }

    pub(crate) fn subject_der(&self) -> &[u8] {
        &self.0.fields.subject_der
    }

    /// The serial number without leading zero bytes.
    pub(crate) fn serial(&self) -> &[u8] {
        &self.0.fields.serial
    }

    /// The subject key identifier.
    pub(crate) fn key_id(&self) -> Option<&[u8]> {
        self.0.fields.key_id.as_deref()
    }

    /// Whether its key may sign revocation lists: keyUsage absent or with cRLSign (RFC 5280 §6.3.3 f).
    pub(crate) fn signs_crls(&self) -> bool {
        self.0.fields.signs_crls
    }

    /// Whether it is for time-stamping and nothing else: extendedKeyUsage critical, timeStamping alone (RFC 3161 §2.3).
    pub(crate) fn only_stamps_time(&self) -> bool {
        self.0.fields.only_stamps_time
    }

    /// The addresses (URI) at which its CRL is published.
    pub fn crl_points(&self) -> &[String] {
        &self.0.fields.crl_points
    }

    /// The public key, decoded once; `None` when openssl does not know its kind.
    pub(crate) fn public_key(&self) -> Option<&PKey<Public>> {
        self.0.key.get_or_init(|| self.x509()?.public_key().ok()).as_ref()
    }

    fn subject_entry(&self, nid: openssl::nid::Nid) -> Option<String> {
        let entry = self.x509()?.subject_name().entries_by_nid(nid).next()?;
        entry.data().to_string().ok()
    }
}

/// A serial number as one compares it.
pub(crate) fn without_leading_zeros(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|b| **b == 0).count();
    &serial[zeros.min(serial.len().saturating_sub(1))..]
}

/// A name as `short=value, …` in the order of the certificate.
pub(crate) fn readable(name: &X509NameRef) -> String {
    let entry = |e: &openssl::x509::X509NameEntryRef| {
        let nid = e.object().nid();
        let label = nid.short_name().map_or_else(|_| e.object().to_string(), str::to_owned);
        let value = e.data().to_string().unwrap_or_else(|_| "?".to_owned());
        format!("{label}={value}")
    };
    name.entries().map(entry).collect::<Vec<_>>().join(", ")
}

/// A PEM text of `der`.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let base64 = data_encoding::BASE64.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for (i, c) in base64.chars().enumerate() {
        if i > 0 && i % 64 == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out + &format!("\n-----END {label}-----\n")
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.sha256 == other.0.sha256
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, serial {})", self.subject(), self.serial_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{self, DAY, T0};
    use proptest::prelude::*;

    #[test]
    fn tells_what_is_inside() {
        let c = fixtures::provider().certificate();
        assert_eq!(c.subject(), "C=IT, O=Gestore Èsempio S.p.A., CN=Posta Certificata");
        assert_eq!(c.issuer(), fixtures::root().certificate().subject());
        assert_eq!(c.organization().as_deref(), Some("Gestore Èsempio S.p.A."));
        assert_eq!(c.common_name().as_deref(), Some("Posta Certificata"));
        assert_eq!(c.emails(), ["Posta-Certificata@gestore.example"]);
        assert_eq!((c.not_before(), c.not_after()), (T0, T0.plus(300 * DAY)));
        assert_eq!(c.serial_hex().len(), 32);
        assert!(!c.is_authority());
        assert_eq!(c.sha1_hex(), c.sha1_hex().to_uppercase());
    }

    #[test]
    fn pem_and_der_are_the_same() {
        let (a, b) = (fixtures::provider().certificate(), fixtures::root().certificate());
        let both = format!("testo\n{}altro\n{}", a.to_pem(), b.to_pem());
        assert_eq!(Certificate::from_pem(both.as_bytes()).unwrap(), [a.clone(), b.clone()]);
        assert_ne!(a, b);
        assert!(Certificate::from_pem(b"niente").is_err());
        assert!(Certificate::from_der(&[a.der(), b"\0"].concat()).is_err(), "trailing byte");
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Certificate::from_der(&bytes).is_err());
            prop_assert!(Certificate::from_pem(&bytes).is_err());
        }

        #[test]
        fn altered_certificates_never_panic(at in 0usize..700, to in any::<u8>()) {
            let mut der = fixtures::provider().certificate().der().to_vec();
            if let Some(b) = der.get_mut(at) { *b = to; }
            if let Ok(c) = Certificate::from_der(&der) {
                prop_assert_eq!(c.der(), der.as_slice());
                drop((c.subject(), c.issuer(), c.public_key().is_some()));
            }
        }
    }
}
