//! Keys, certificates and an index for trials: a small authority in a folder. Never for real service.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use sigillo_base::{Address, Timestamp, said};
use sigillo_pec::index::{Entry, seal, write_ldif};
use sigillo_smime::authority::{Authority, Issued};
use sigillo_smime::{Certificate, Identity};

use crate::clock::system_time;
use crate::complaint::Context;
use crate::files;

/// One day.
pub const DAY: Duration = Duration::from_secs(24 * 3600);
/// Signing certificates and CRLs last so long in service time.
pub const EVIDENCE_LIFE: Duration = Duration::from_secs(1200 * 24 * 3600);
/// What they must still last at a start, or they are made again.
const EVIDENCE_LEFT: Duration = Duration::from_secs(450 * 24 * 3600);
/// The authority and TLS certificates last so long in real time.
const AUTHORITY_LIFE: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// Who signs a trial's provider index.
const INDEX_SIGNER: (&str, &str) = ("Indice dei gestori di prova", "igpec@indice.example");

/// The authority of these files; a new one when there is none.
pub fn authority(certificate: &Path, key: &Path) -> Result<Authority> {
    if certificate.exists() && key.exists() {
        let (certificate_pem, key_pem) = (fs::read_to_string(certificate)?, fs::read_to_string(key)?);
        return Authority::load(&certificate_pem, &key_pem)
            .told(|| said!("{}: non è un'autorità", "{}: it is no authority", certificate.display()));
    }
    let now = system_time();
    let made = Authority::new("Sigillo CA di prova", now.minus(DAY), now.plus(AUTHORITY_LIFE))?;
    files::write_secret(key, made.key_pem().as_bytes())?;
    files::write(certificate, made.certificate_pem().as_bytes())?;
    Ok(made)
}

/// A provider's signing certificate in these files: the one there while it lasts, else a new one for the same key.
pub fn signing(
    authority: &Authority,
    (certificate, key): (&Path, &Path),
    (name, address): (&str, &Address),
    now: Timestamp,
) -> Result<Certificate> {
    let (from, until) = (now.min(system_time()).minus(DAY), now.plus(EVIDENCE_LIFE));
    let issued = if certificate.exists() && key.exists() {
        let there = Certificate::from_pem(&fs::read(certificate)?)?;
        if let Some(first) = there.into_iter().next()
            && first.not_after() > now.plus(EVIDENCE_LEFT)
        {
            return Ok(first);
        }
        authority.issue_pec_with_key(&fs::read_to_string(key)?, name, address, from, until)?
    } else {
        authority.issue_pec(name, address, from, until)?
    };
    write(&issued, certificate, key)?;
    Ok(issued.certificate())
}

/// A TLS certificate in these files, for localhost and `host`.
pub fn tls(authority: &Authority, certificate: &Path, key: &Path, hosts: &[&str]) -> Result<()> {
    if certificate.exists() && key.exists() {
        return Ok(());
    }
    let names: Vec<String> = std::iter::once("localhost").chain(hosts.iter().copied()).map(str::to_owned).collect();
    let ips = ["127.0.0.1".parse()?, "::1".parse()?];
    let now = system_time();
    let issued = authority.issue_tls(&names, &ips, now.minus(DAY), now.plus(AUTHORITY_LIFE / 2))?;
    write(&issued, certificate, key)
}

/// A fresh revocation list, empty, as DER.
pub fn crl(authority: &Authority, file: &Path, now: Timestamp) -> Result<()> {
    let number = u64::try_from(now.as_millis()).unwrap_or_default();
    let from = now.min(system_time()).minus(DAY);
    files::write(file, &authority.crl(&[], from, now.plus(EVIDENCE_LIFE), number)?)?;
    Ok(())
}

/// A provider index (LDIF) in a signed file.
pub fn index(authority: &Authority, file: &Path, entries: &[Entry], now: Timestamp) -> Result<()> {
    let (name, address) = INDEX_SIGNER;
    let from = now.min(system_time()).minus(DAY);
    let signer = authority.issue_pec(name, &Address::parse(address)?, from, now.plus(EVIDENCE_LIFE))?;
    let identity = Identity { certificate: signer.certificate(), chain: Vec::new() };
    files::write(file, &seal(&write_ldif(entries), &identity, &signer.signer()?, now)?)?;
    Ok(())
}

fn write(issued: &Issued, certificate: &Path, key: &Path) -> Result<()> {
    files::write_secret(key, issued.key_pem.as_bytes())?;
    files::write(certificate, issued.certificate_pem.as_bytes())?;
    Ok(())
}
