//! A small certification authority: for demonstrations, tests and closed installations. The keys are plain PEM texts in
//! memory; a real provider's certificate comes from AgID's authority, and its key never is in a file.
//!
//! What is issued is a function of the authority, the subject's key and the arguments (serial numbers are hashes, RSA
//! signatures have no chance in them), so that fixtures can be made again byte by byte. Only new keys are random.

mod build;
mod profile;
pub mod request;

use std::net::IpAddr;

use der::Decode;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use sigillo_base::{Address, Timestamp};
use x509_cert::name::Name;

use crate::certificate::pem;
use crate::{Certificate, Error, KeySigner};

/// A certification authority with its key.
pub struct Authority {
    certificate: Certificate,
    certificate_pem: String,
    key: PKey<Private>,
    key_pem: String,
}

/// A certificate and its private key, as files have them.
#[derive(Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate_pem: String,
    /// The private key, PKCS#8, unencrypted.
    pub key_pem: String,
    certificate: Certificate,
}

/// One line of a revocation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// The serial number in hexadecimal, as [`Certificate::serial_hex`] gives it.
    pub serial_hex: String,
    /// When it was revoked.
    pub at: Timestamp,
}

impl Authority {
    /// A new root with a new RSA-2048 key: `C=IT, O=<name>, CN=<name>`.
    pub fn new(name: &str, not_before: Timestamp, not_after: Timestamp) -> Result<Self, Error> {
        Self::root_for_key(name, new_rsa_key()?, not_before, not_after)
    }

    /// A root under a given key (PEM): the same arguments give the same bytes when the key is RSA. A second root with
    /// the name and the key of another is how real authorities are renewed.
    pub fn with_key(name: &str, key_pem: &str, not_before: Timestamp, not_after: Timestamp) -> Result<Self, Error> {
        Self::root_for_key(name, read_key(key_pem)?, not_before, not_after)
    }

    fn root_for_key(name: &str, key: PKey<Private>, from: Timestamp, until: Timestamp) -> Result<Self, Error> {
        let subject = profile::authority_name(name)?;
        let public = build::public_key(&key)?;
        let key_id = build::key_id(&public);
        let extensions = profile::root(&key_id)?;
        let tbs = build::Tbs { issuer: &subject, subject: &subject, public, from, until, extensions };
        Self::of(tbs.sign(&key)?, key)
    }

    /// An authority below this one, with a new RSA-2048 key. With `permitted_mail_domains` it may name mail addresses
    /// of those domains only (nameConstraints, critical), as AgID's authority for providers does.
    pub fn subordinate(
        &self,
        name: &str,
        permitted_mail_domains: &[String],
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Result<Self, Error> {
        self.subordinate_for_key(name, new_rsa_key()?, permitted_mail_domains, not_before, not_after)
    }

    /// The same authority issued again by `issuer`: same name, same key, other constraints or validity.
    pub fn reissued_by(
        &self,
        issuer: &Self,
        permitted_mail_domains: &[String],
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Result<Self, Error> {
        let name = self.certificate.common_name().unwrap_or_default();
        issuer.subordinate_for_key(&name, self.key.clone(), permitted_mail_domains, not_before, not_after)
    }

    fn subordinate_for_key(
        &self,
        name: &str,
        key: PKey<Private>,
        domains: &[String],
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Self, Error> {
        let public = build::public_key(&key)?;
        let extensions = profile::subordinate(&build::key_id(&public), &self.key_id()?, domains)?;
        let subject = profile::authority_name(name)?;
        let issuer = self.name()?;
        let tbs = build::Tbs { issuer: &issuer, subject: &subject, public, from, until, extensions };
        Self::of(tbs.sign(&self.key)?, key)
    }

    /// Takes up an authority from its certificate and key; they must belong together.
    pub fn load(certificate_pem: &str, key_pem: &str) -> Result<Self, Error> {
        let key = read_key(key_pem)?;
        let certificate = Certificate::from_pem(certificate_pem.as_bytes())?.swap_remove(0);
        if !certificate.public_key().is_some_and(|public| public.public_eq(&key)) {
            return Err(Error::Key("non è la chiave di quel certificato".into()));
        }
        if !certificate.is_authority() {
            return Err(Error::Certificate("non è di una autorità (basicConstraints)".into()));
        }
        Ok(Self { certificate, certificate_pem: certificate_pem.to_owned(), key_pem: key_pem.to_owned(), key })
    }

    fn of(der: Vec<u8>, key: PKey<Private>) -> Result<Self, Error> {
        let certificate = Certificate::from_der(&der)?;
        Ok(Self { certificate_pem: certificate.to_pem(), certificate, key_pem: write_key(&key)?, key })
    }

    /// The authority's certificate, PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The authority's private key, PEM, PKCS#8, unencrypted.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The authority's certificate.
    pub fn certificate(&self) -> Certificate {
        self.certificate.clone()
    }

    /// A provider's signing certificate (RFC 6109 §5.5) with a new RSA-2048 key: `C=IT, O=<provider_name>,
    /// CN=Posta Certificata`, the service address as rfc822Name, no basicConstraints.
    pub fn issue_pec(
        &self,
        provider_name: &str,
        service_address: &Address,
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Result<Issued, Error> {
        self.pec_for_key(new_rsa_key()?, provider_name, service_address, not_before, not_after)
    }

    /// [`issue_pec`](Self::issue_pec) for a key that is there already (PEM).
    pub fn issue_pec_with_key(
        &self,
        key_pem: &str,
        provider_name: &str,
        service_address: &Address,
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Result<Issued, Error> {
        self.pec_for_key(read_key(key_pem)?, provider_name, service_address, not_before, not_after)
    }

    fn pec_for_key(
        &self,
        key: PKey<Private>,
        provider_name: &str,
        service_address: &Address,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Issued, Error> {
        let public = build::public_key(&key)?;
        let extensions = profile::pec(&build::key_id(&public), &self.key_id()?, service_address)?;
        let subject = profile::provider_name(provider_name)?;
        let issuer = self.name()?;
        let tbs = build::Tbs { issuer: &issuer, subject: &subject, public, from, until, extensions };
        Issued::of(tbs.sign(&self.key)?, &key)
    }

    /// A server's certificate with a new ECDSA P-256 key, for DNS names and addresses.
    pub fn issue_tls(
        &self,
        names: &[String],
        ips: &[IpAddr],
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Result<Issued, Error> {
        let key = new_p256_key()?;
        let public = build::public_key(&key)?;
        let extensions = profile::tls(&build::key_id(&public), &self.key_id()?, names, ips)?;
        let first = names.first().cloned().or_else(|| ips.first().map(IpAddr::to_string));
        let subject = profile::server_name(&first.ok_or_else(|| Error::Compose("nessun nome di server".into()))?)?;
        let issuer = self.name()?;
        let tbs =
            build::Tbs { issuer: &issuer, subject: &subject, public, from: not_before, until: not_after, extensions };
        Issued::of(tbs.sign(&self.key)?, &key)
    }

    /// A time-stamp authority's certificate (RFC 3161 §2.3) with a new RSA-2048 key: `C=IT, O=<name>, CN=<name>`.
    pub fn issue_tsa(&self, name: &str, not_before: Timestamp, not_after: Timestamp) -> Result<Issued, Error> {
        let key = new_rsa_key()?;
        let public = build::public_key(&key)?;
        let extensions = profile::tsa(&build::key_id(&public), &self.key_id()?)?;
        let subject = profile::authority_name(name)?;
        let issuer = self.name()?;
        let tbs =
            build::Tbs { issuer: &issuer, subject: &subject, public, from: not_before, until: not_after, extensions };
        Issued::of(tbs.sign(&self.key)?, &key)
    }

    /// A revocation list in DER, signed by this authority. `number` must grow from list to list.
    pub fn crl(
        &self,
        revoked: &[Revoked],
        this_update: Timestamp,
        next_update: Timestamp,
        number: u64,
    ) -> Result<Vec<u8>, Error> {
        let extensions = profile::crl(&self.key_id()?, number)?;
        build::crl(self.name()?, revoked, this_update, next_update, extensions, &self.key)
    }

    fn name(&self) -> Result<Name, Error> {
        Name::from_der(self.certificate.subject_der()).map_err(|e| Error::Compose(e.to_string()))
    }

    fn key_id(&self) -> Result<Vec<u8>, Error> {
        match self.certificate.key_id() {
            Some(id) => Ok(id.to_vec()),
            None => Ok(build::key_id(&build::public_key(&self.key)?)),
        }
    }
}

impl Issued {
    fn of(der: Vec<u8>, key: &PKey<Private>) -> Result<Self, Error> {
        let certificate = Certificate::from_der(&der)?;
        Ok(Self { certificate_pem: certificate.to_pem(), key_pem: write_key(key)?, certificate })
    }

    /// The certificate.
    pub fn certificate(&self) -> Certificate {
        self.certificate.clone()
    }

    /// A signer with its key; an error for a server's key, which is not RSA.
    pub fn signer(&self) -> Result<KeySigner, Error> {
        KeySigner::from_pem(self.key_pem.as_bytes())
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authority({:?}, …)", self.certificate)
    }
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issued({:?}, …)", self.certificate)
    }
}

fn new_rsa_key() -> Result<PKey<Private>, Error> {
    Rsa::generate(2048).and_then(PKey::from_rsa).map_err(key_error)
}

fn new_p256_key() -> Result<PKey<Private>, Error> {
    use openssl::ec::{EcGroup, EcKey};
    EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1)
        .and_then(|group| EcKey::generate(&group))
        .and_then(PKey::from_ec_key)
        .map_err(key_error)
}

fn read_key(key_pem: &str) -> Result<PKey<Private>, Error> {
    PKey::private_key_from_pem_passphrase(key_pem.as_bytes(), b"").map_err(key_error)
}

fn write_key(key: &PKey<Private>) -> Result<String, Error> {
    let der = zeroize::Zeroizing::new(key.private_key_to_pkcs8().map_err(key_error)?);
    Ok(pem("PRIVATE KEY", &der))
}

fn key_error(e: ErrorStack) -> Error {
    Error::Key(e.to_string())
}

#[cfg(test)]
mod tests;
