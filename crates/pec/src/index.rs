//! The directory of providers (*indice dei gestori*, IGPEC): who serves which domain and signs with which certificate
//! (RFC 6109 §4.5; pec rule 9). A local copy, replaced as a whole every day; nothing is looked up on the net.

mod ldif;
mod read;
mod write;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use sigillo_base::{Address, Domain, Timestamp};
use sigillo_smime::{Certificate, PathError, SignedData, Trust};

use crate::Error;

pub use write::write_ldif;

/// One operative environment of a provider.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `providerName`
    pub name: String,
    /// `providerUnit`: a secondary environment; `None` is the main one.
    pub unit: Option<String>,
    /// `providerCertificate`: several during a renewal. Each was compared with its hash at import.
    pub certificates: Vec<Certificate>,
    /// `mailReceipt`: the service mailbox, for take-charge receipts and virus notices.
    pub mail_receipt: Address,
    /// `managedDomains`
    pub domains: Vec<Domain>,
    /// `description`
    pub description: Option<String>,
    /// `LDIFLocationURL`: where the provider publishes its own record; main environments only.
    pub ldif_url: Option<String>,
}

impl Entry {
    /// Whether this record lists the domain: the whole name, no suffix (pec rule 9.4).
    pub fn manages(&self, domain: &Domain) -> bool {
        self.domains.contains(domain)
    }

    /// Whether this record holds exactly this certificate.
    pub fn signs_with(&self, certificate: &Certificate) -> bool {
        self.certificates.iter().any(|c| c.der() == certificate.der())
    }
}

/// The directory. Look-ups by domain and by certificate do not depend on its size.
#[derive(Debug, Clone, Default)]
pub struct Index {
    entries: Vec<Entry>,
    by_domain: HashMap<Domain, usize>,
    by_hash: HashMap<String, Vec<usize>>,
    location: Option<String>,
    verified: bool,
    signed_at: Option<Timestamp>,
}

impl Index {
    /// A directory of these records. A domain listed twice belongs to the record that comes first.
    pub fn new(entries: Vec<Entry>) -> Self {
        let mut index = Self::default();
        for (i, entry) in entries.iter().enumerate() {
            for domain in &entry.domains {
                index.by_domain.entry(domain.clone()).or_insert(i);
            }
            for certificate in &entry.certificates {
                index.by_hash.entry(certificate.sha1_hex()).or_default().push(i);
            }
        }
        index.entries = entries;
        index
    }

    /// Reads the directory's LDIF file (RFC 2849). The file is taken whole or not at all: the hash of every
    /// certificate is computed again and compared.
    ///
    /// # Errors
    /// [`Error::Ldif`] names the line and the reason.
    pub fn parse_ldif(file: &[u8]) -> Result<Self, Error> {
        read::index(file)
    }

    /// Reads the signed file as it is published (`.p7m`, RFC 6109 §4.5.6): signature, path and revocation at `now`,
    /// then the LDIF inside. Whoever replaces a copy should compare [`Index::signed_at`], so that an older file never
    /// replaces a newer one.
    ///
    /// # Errors
    /// [`Error::Index`] for the signature, [`Error::Smime`] for its structure, [`Error::Ldif`] for the content.
    pub fn open(p7m: &[u8], trust: &Trust, now: Timestamp) -> Result<Self, Error> {
        Self::open_if(p7m, |signer, signed| trust.verify(signer, signed.certificates(), now).map(|()| true))
    }

    /// The same, with the signer judged by the caller: whether it is believed, or why the file is refused.
    pub(crate) fn open_if(
        p7m: &[u8],
        judge: impl FnOnce(&Certificate, &SignedData) -> Result<bool, PathError>,
    ) -> Result<Self, Error> {
        let signed = SignedData::parse(p7m)?;
        let content = signed.content().ok_or_else(|| Error::Index("contenuto assente".into()))?;
        signed.verify(content)?;
        let signer = signed.signer().ok_or_else(|| Error::Index("certificato di firma assente".into()))?;
        let verified = judge(signer, &signed).map_err(|e| Error::Index(e.to_string()))?;
        let mut index = Self::parse_ldif(content)?;
        (index.verified, index.signed_at) = (verified, signed.signing_time());
        Ok(index)
    }

    /// The provider that serves a domain; `None` when the domain is not certified.
    pub fn provider_of(&self, domain: &Domain) -> Option<&Entry> {
        self.by_domain.get(domain).and_then(|i| self.entries.get(*i))
    }

    /// The record of a signer: found by the SHA-1 of the certificate, then compared with the certificate in the record
    /// (RFC 6109 §2.2.2). When main and secondary environments share a certificate, the one that manages
    /// `domain_hint` (the sender's domain) is meant, else the main one.
    pub fn by_certificate(&self, certificate: &Certificate, domain_hint: Option<&Domain>) -> Option<&Entry> {
        let found: Vec<&Entry> = self.with_certificate(certificate).collect();
        let hinted = found.iter().find(|e| domain_hint.is_some_and(|d| e.manages(d)));
        hinted.or_else(|| found.iter().find(|e| e.unit.is_none())).or(found.first()).copied()
    }

    /// Every record that holds exactly this certificate.
    pub(crate) fn with_certificate<'i>(&'i self, certificate: &Certificate) -> impl Iterator<Item = &'i Entry> {
        let numbers = self.by_hash.get(&certificate.sha1_hex()).map(Vec::as_slice).unwrap_or_default();
        numbers.iter().filter_map(|i| self.entries.get(*i)).filter(|e| e.signs_with(certificate))
    }

    /// All records, in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Where the whole directory is published (`LDIFLocationURL` of the base record).
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// Whether this came from a signed file whose signer was believed.
    pub fn is_verified(&self) -> bool {
        self.verified
    }

    /// The signing time of the file this came from.
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.signed_at
    }
}
