//! What others have issued: looked at before it gets its place, and its place is that of the configuration.

use std::path::{Path, PathBuf};

use sigillo_base::{Said, Tell, Timestamp, said};
use sigillo_pec::index::Index;
use sigillo_smime::{Certificate, Crl, Deviation, PathError, Trust};

use super::site::{Site, of_file, read};
use crate::config::{Config, Located};
use crate::{material, tls};

/// Files that have come.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Issued certificates with their intermediates (PEM): which one is for what is told by its key.
    pub certificates: Vec<PathBuf>,
    /// The roots of signatures (PEM).
    pub anchors: Option<PathBuf>,
    /// Their revocation list.
    pub crl: Option<PathBuf>,
    /// The signed index of providers.
    pub index: Option<PathBuf>,
}

pub(super) fn take(given: &Given, config: &Config, now: Timestamp, site: &mut Site) -> Result<(), Said> {
    if let Some(file) = &given.anchors {
        let bytes = content(file)?;
        for certificate in Certificate::from_pem(&bytes).map_err(|e| of_file(file, &e))? {
            if !certificate.is_authority() {
                return Err(refused(file, "non è di un'autorità", "is no authority's", certificate.subject()));
            }
        }
        put(config.anchors.first(), "trust.anchors", &bytes, site)?;
    }
    if let Some(file) = &given.crl {
        let bytes = content(file)?;
        Crl::read(&bytes).map_err(|e| of_file(file, &e))?;
        put(config.crls.first(), "trust.crls", &bytes, site)?;
    }
    // As they are now: those just given, unless nothing is written.
    let trust = Trust::new(anchors(given, config)?, crls(given, config)?);
    for file in &given.certificates {
        certificate(file, config, &trust, now, site)?;
    }
    if let Some(file) = &given.index {
        let bytes = content(file)?;
        let index = Index::open(&bytes, &trust, now).and_then(|index| index.replaces(None, now));
        index.map_err(|e| of_file(file, &e))?;
        put(Some(&config.index), "index.file", &bytes, site)?;
    }
    Ok(())
}

/// What a certificate that came back is for, by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// To sign now.
    Signing,
    /// To sign after the one in use.
    Next,
    /// To be shown by doors.
    Tls,
}

/// What a certificate that came back is worth to a configuration.
#[derive(Debug)]
pub struct Judged {
    /// The certificate.
    pub leaf: Certificate,
    /// What it is for; `None`: it belongs to none of our keys.
    pub usage: Option<Use>,
    /// What makes it worthless.
    pub faults: Vec<Said>,
    /// What is worth knowing.
    pub notes: Vec<Said>,
}

/// Looks at the first certificate of a file (PEM), with the intermediates behind it, under the anchors and lists that the
/// configuration names.
///
/// # Errors
/// A file that cannot be read.
pub fn judge(file: &Path, config: &Config, now: Timestamp) -> Result<Judged, Said> {
    let given = Given::default();
    judge_under(file, config, &Trust::new(anchors(&given, config)?, crls(&given, config)?), now)
}

fn judge_under(file: &Path, config: &Config, trust: &Trust, now: Timestamp) -> Result<Judged, Said> {
    let mut chain = Certificate::from_pem(&content(file)?).map_err(|e| of_file(file, &e))?;
    let leaf = chain.remove(0);
    let is_of = |key: &Path| Ok::<_, Said>(read(key)?.is_some_and(|pem| leaf.is_of(&pem)));
    let signing_key = config.signing_key.value.file().map_or(Ok(false), is_of)?;
    let next = config.next_key.as_ref().and_then(|key| key.value.file()).map_or(Ok(false), is_of)?;
    let usage = match (signing_key, next, is_of(&config.tls_key.value)?) {
        (true, ..) => Some(Use::Signing),
        (_, true, _) => Some(Use::Next),
        (.., true) => Some(Use::Tls),
        _ => None,
    };
    let mut notes = Vec::new();
    let faults = match usage {
        Some(Use::Signing) => signing(config, &config.signing_certificate, &leaf, &chain, trust, now, &mut notes),
        Some(Use::Next) => {
            let at = config.next_certificate.as_ref().unwrap_or(&config.signing_certificate);
            signing(config, at, &leaf, &chain, trust, now, &mut notes)
        }
        Some(Use::Tls) => server(config, &leaf, now),
        None => vec![said!(
            "non è per nessuna delle chiavi (signing.key, signing.next_key, tls.key): il primo certificato del file deve essere quello chiesto",
            "is for none of the keys (signing.key, signing.next_key, tls.key): the first certificate of the file must be the one asked for"
        )],
    };
    Ok(Judged { leaf, usage, faults, notes })
}

fn certificate(file: &Path, config: &Config, trust: &Trust, now: Timestamp, site: &mut Site) -> Result<(), Said> {
    let judged = judge_under(file, config, trust, now)?;
    if let Some(fault) = judged.faults.first() {
        return Err(refused(file, &fault.it, &fault.en, judged.leaf.subject()));
    }
    site.notes.extend(judged.notes);
    let (at, key) = match judged.usage {
        Some(Use::Next) => (config.next_certificate.as_ref(), "signing.next_certificate"),
        Some(Use::Tls) => (Some(&config.tls_certificate), "tls.certificate"),
        Some(Use::Signing) | None => (Some(&config.signing_certificate), "signing.certificate"),
    };
    put(at, key, &content(file)?, site)
}

/// Why nobody would believe what it signs for us.
fn signing(
    config: &Config,
    at: &Located<PathBuf>,
    leaf: &Certificate,
    chain: &[Certificate],
    trust: &Trust,
    now: Timestamp,
    notes: &mut Vec<Said>,
) -> Vec<Said> {
    let misfits = material::misfits(config, at, leaf, now);
    let mut faults: Vec<Said> = misfits.iter().map(Tell::said).collect();
    faults.extend(leaf.deviations().into_iter().map(deviates));
    if trust.anchors().is_empty() {
        notes.push(said!(
            "la catena del certificato di firma non è controllata: manca la radice (--ca)",
            "the chain of the signing certificate is not checked: its root is missing (--ca)"
        ));
        return faults;
    }
    match trust.verify(leaf, chain, now) {
        Ok(()) => {}
        // Everything else on the path is good, or that would have been said.
        Err(PathError::NoCrl) => notes.push(said!(
            "la revoca del certificato di firma non è controllata: manca una lista attuale (--crl)",
            "whether the signing certificate is revoked is not checked: a current list is missing (--crl)"
        )),
        Err(error) => faults.push(Said::verbatim(error.to_string())),
    }
    faults
}

/// Why a server could not show it.
fn server(config: &Config, leaf: &Certificate, now: Timestamp) -> Vec<Said> {
    let (host, mut faults) = (&config.host.value, Vec::new());
    if !tls::is_for(leaf.der(), host) {
        faults.push(said!("non è per {host} (provider.host)", "is not for {host} (provider.host)"));
    }
    if leaf.not_after() <= now || leaf.not_before() > now {
        let span = format!("{} … {}", leaf.not_before(), leaf.not_after());
        faults.push(said!("non vale adesso: {span}", "is not valid now: {span}"));
    }
    faults
}

/// A departure from the profile of RFC 6109 §5.5, in words.
pub fn deviates(deviation: Deviation) -> Said {
    match deviation {
        Deviation::Key => said!("la chiave non è RSA da 2048 bit in su", "the key is not RSA of 2048 bits or more"),
        Deviation::NoMailAddress => {
            said!("manca un rfc822Name nel subjectAltName", "no rfc822Name in subjectAltName")
        }
        Deviation::KeyUsage => said!(
            "keyUsage deve essere critico, con digitalSignature",
            "keyUsage must be critical, with digitalSignature"
        ),
        Deviation::NoAuthorityKey => said!("manca authorityKeyIdentifier", "no authorityKeyIdentifier"),
        Deviation::NoSubjectKey => said!("manca subjectKeyIdentifier", "no subjectKeyIdentifier"),
        Deviation::BasicConstraints => {
            said!("basicConstraints non deve esserci", "basicConstraints must not be there")
        }
        Deviation::Critical => {
            said!("un'estensione diversa da keyUsage è critica", "an extension other than keyUsage is critical")
        }
    }
}

fn anchors(given: &Given, config: &Config) -> Result<Vec<Certificate>, Said> {
    let mut all = Vec::new();
    for path in config.anchors.iter().map(|at| &at.value).chain(&given.anchors) {
        if let Some(bytes) = read(path)? {
            all.extend(Certificate::from_pem(&bytes).map_err(|e| of_file(path, &e))?);
        }
    }
    Ok(all)
}

fn crls(given: &Given, config: &Config) -> Result<Vec<Crl>, Said> {
    let mut all = Vec::new();
    for path in config.crls.iter().map(|at| &at.value).chain(&given.crl) {
        if let Some(bytes) = read(path)? {
            all.extend(Crl::read(&bytes).map_err(|e| of_file(path, &e))?);
        }
    }
    Ok(all)
}

fn content(file: &Path) -> Result<Vec<u8>, Said> {
    read(file)?.ok_or_else(|| of_file(file, &std::io::Error::from(std::io::ErrorKind::NotFound)))
}

/// Its place is what the configuration names, and what is there already is not replaced.
fn put(at: Option<&Located<PathBuf>>, key: &str, bytes: &[u8], site: &mut Site) -> Result<(), Said> {
    let Some(at) = at else {
        return Err(said!("la configurazione non ha {key}", "the configuration has no {key}"));
    };
    if let Some(there) = read(&at.value)?
        && there != bytes
    {
        let path = at.value.display();
        return Err(said!(
            "{path} c'è già ed è un altro: per sostituirlo spostarlo prima da parte",
            "{path} is there and is another: to replace it, move it aside first"
        ));
    }
    site.place(&at.value, bytes, |_| true)
}

fn refused(file: &Path, it: &str, en: &str, about: String) -> Said {
    let file = file.display();
    said!("{file}: {it} ({about})", "{file}: {en} ({about})")
}
