//! The directory of providers (*indice dei gestori*, IGPEC): who serves which domain and signs with which certificate
//! (RFC 6109 §4.5; pec rule 9). A local copy, replaced as a whole every day; nothing is looked up on the net.

mod ldif;
mod read;
mod write;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use sigillo_base::{Address, Domain, Tell, Timestamp, said};
use sigillo_smime::{Certificate, PathError, SignedData, Trust};

use crate::Error;

pub use write::{seal, write_ldif};

/// The largest directory file that is read, in bytes; the national one has a few million.
pub const MAX_FILE: usize = 64 << 20;

/// How far ahead of us the clock of the directory's signer may be. A copy signed later than that would keep every true
/// one out until its time came.
const AHEAD: Duration = Duration::from_secs(3600);

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
    /// `LDIFLocationURL`: where the provider publishes its own record; a secondary environment has that of its main one.
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
    signer: Option<Certificate>,
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
    /// then the LDIF inside. Whoever replaces a copy asks [`Index::replaces`] first.
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
        let signed = parse_signed(p7m)?;
        let (signer, content) = verified(&signed)?;
        let believed = judge(signer, &signed).map_err(|e| Error::Index(e.said()))?;
        Self::of_content(content, &signed, believed)
    }

    /// Looks at everything that [`Index::open`] looks at, and says of each part what it is worth: for people.
    ///
    /// # Errors
    /// Without a good signature there is nothing to look at: [`Error::Index`], [`Error::Smime`].
    pub fn examine(p7m: &[u8], trust: &Trust, now: Timestamp) -> Result<Examined, Error> {
        let signed = parse_signed(p7m)?;
        let (signer, content) = verified(&signed)?;
        let path = trust.verify(signer, signed.certificates(), now);
        let index = Self::of_content(content, &signed, path.is_ok());
        Ok(Examined { signer: signer.clone(), path, index })
    }

    fn of_content(content: &[u8], signed: &SignedData, believed: bool) -> Result<Self, Error> {
        let mut index = Self::parse_ldif(content)?;
        (index.verified, index.signed_at) = (believed, signed.signing_time());
        index.signer = signed.signer().cloned();
        Ok(index)
    }

    /// Whether this copy takes the place of `current` (`None`: there is none yet); `false` for one signed at the same
    /// time, which is the same one.
    ///
    /// # Errors
    /// [`Error::Index`] for a copy that must never be taken: an older one (pec rule 9.3), one that does not say when it
    /// was signed or says a time to come, and an empty one, by which no domain would be certified any more.
    pub fn replaces(&self, current: Option<&Self>, now: Timestamp) -> Result<bool, Error> {
        let Some(signed) = self.signed_at else {
            return Err(Error::Index(said!(
                "la firma non dice quando è stata apposta (signingTime)",
                "the signature does not say when it was made (signingTime)"
            )));
        };
        if signed > now.plus(AHEAD) {
            return Err(Error::Index(said!(
                "porta una firma futura, {signed}",
                "its signature is of a time to come, {signed}"
            )));
        }
        if self.entries.is_empty() {
            return Err(Error::Index(said!("non contiene gestori", "it holds no provider")));
        }
        match current.and_then(Self::signed_at) {
            Some(known) if signed < known => Err(Error::Index(said!(
                "è stato firmato {signed}, prima della copia in uso ({known})",
                "it was signed {signed}, before the copy in use ({known})"
            ))),
            Some(known) => Ok(signed > known),
            None => Ok(true),
        }
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

    /// Whether the provider that signs with this certificate serves a domain. Any of its environments that share the
    /// certificate will do, whatever they are called.
    pub fn serves(&self, signer: &Certificate, domain: &Domain) -> bool {
        self.with_certificate(signer).any(|e| e.manages(domain))
    }

    /// Every record that holds exactly this certificate.
    pub(crate) fn with_certificate<'i>(&'i self, certificate: &Certificate) -> impl Iterator<Item = &'i Entry> {
        let numbers = self.by_hash.get(&certificate.sha1_hex()).map(Vec::as_slice).unwrap_or_default();
        numbers.iter().filter_map(|i| self.entries.get(*i)).filter(|e| e.signs_with(certificate))
    }

    /// Whether it lists a certificate that the other does not.
    pub fn lists_more_than(&self, other: &Self) -> bool {
        let certificates = self.entries.iter().flat_map(|entry| &entry.certificates);
        certificates.into_iter().any(|certificate| other.with_certificate(certificate).next().is_none())
    }

    /// The domains that a second record lists again, which has no effect.
    pub fn listed_twice(&self) -> impl Iterator<Item = &Domain> {
        let all = self.entries.iter().enumerate().flat_map(|(i, e)| e.domains.iter().map(move |domain| (i, domain)));
        all.filter(|(i, domain)| self.by_domain.get(*domain) != Some(i)).map(|(_, domain)| domain)
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

    /// Who signed the file this came from.
    pub fn signer(&self) -> Option<&Certificate> {
        self.signer.as_ref()
    }

    /// The signing time of the file this came from.
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.signed_at
    }
}

/// A signed file, part by part.
#[derive(Debug)]
pub struct Examined {
    /// Who signed it; that he did is certain.
    pub signer: Certificate,
    /// Whether he is to be believed.
    pub path: Result<(), PathError>,
    /// What is inside.
    pub index: Result<Index, Error>,
}

fn parse_signed(p7m: &[u8]) -> Result<SignedData, Error> {
    if p7m.len() > MAX_FILE {
        return Err(Error::Index(said!(
            "il file ha più di {MAX_FILE} byte",
            "the file has more than {MAX_FILE} bytes"
        )));
    }
    Ok(SignedData::parse(p7m)?)
}

/// The signer and the content that he certainly signed.
fn verified(signed: &SignedData) -> Result<(&Certificate, &[u8]), Error> {
    let content = signed.content().ok_or_else(|| Error::Index(said!("contenuto assente", "no content")))?;
    signed.verify(content)?;
    let signer =
        signed.signer().ok_or_else(|| Error::Index(said!("certificato di firma assente", "no signing certificate")))?;
    Ok((signer, content))
}
