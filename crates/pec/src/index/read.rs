//! From LDIF records to the directory (pec rule 9.1).

use sigillo_base::{Address, Domain};
use sigillo_smime::Certificate;

use super::ldif::{Attribute, Record, bad, records};
use super::{Entry, Index};
use crate::Error;

pub(super) fn index(file: &[u8]) -> Result<Index, Error> {
    let (mut entries, mut location) = (Vec::new(), None);
    for record in records(file)? {
        if is_provider(&record) {
            entries.push(entry(&record)?);
        } else if let Some(url) = record.attributes.iter().find(|a| a.name == "ldiflocationurl") {
            location = Some(url.text()?.to_owned());
        }
    }
    let mut index = Index::new(entries);
    index.location = location;
    Ok(index)
}

fn is_provider(record: &Record) -> bool {
    record.attributes.iter().any(|a| a.name == "objectclass" && a.value.eq_ignore_ascii_case(b"provider"))
}

fn entry(record: &Record) -> Result<Entry, Error> {
    let certificates = certificates(record)?;
    let mail_receipt = required(record, "mailreceipt")?;
    let mail_receipt =
        Address::parse(mail_receipt.text()?).map_err(|e| bad(mail_receipt.line, format!("mailReceipt: {e}")))?;
    let mut domains = Vec::new();
    for a in all(record, "manageddomains") {
        domains.push(Domain::parse(a.text()?).map_err(|e| bad(a.line, format!("managedDomains: {e}")))?);
    }
    if domains.is_empty() {
        return Err(missing(record, "managedDomains"));
    }
    let unit = optional(record, "providerunit")?;
    let ldif_url = optional(record, "ldiflocationurl")?;
    if unit.is_some() && ldif_url.is_some() {
        return Err(bad(record.line, "LDIFLocationURL non ammesso in un ambiente secondario"));
    }
    Ok(Entry {
        name: required(record, "providername")?.text()?.to_owned(),
        unit,
        certificates,
        mail_receipt,
        domains,
        description: optional(record, "description")?,
        ldif_url,
    })
}

/// Every certificate must have its hash and every hash its certificate (pec rule 9.3).
fn certificates(record: &Record) -> Result<Vec<Certificate>, Error> {
    let mut hashes = Vec::new();
    for a in all(record, "providercertificatehash") {
        hashes.push((a.line, a.text()?.to_ascii_uppercase()));
    }
    let mut out: Vec<Certificate> = Vec::new();
    for a in record.attributes.iter().filter(|a| base_name(a) == "providercertificate") {
        let certificate =
            Certificate::from_der(&a.value).map_err(|e| bad(a.line, format!("providerCertificate: {e}")))?;
        let hash = certificate.sha1_hex().to_ascii_uppercase();
        if !hashes.iter().any(|(_, h)| *h == hash) {
            return Err(bad(a.line, "providerCertificateHash diverso da quello del certificato"));
        }
        out.push(certificate);
    }
    let orphan = hashes.iter().find(|(_, h)| !out.iter().any(|c| c.sha1_hex().eq_ignore_ascii_case(h)));
    match orphan {
        Some((line, _)) => Err(bad(*line, "providerCertificateHash senza il suo certificato")),
        None if out.is_empty() => Err(missing(record, "providerCertificate")),
        None => Ok(out),
    }
}

/// The attribute's name without options such as `;binary`.
fn base_name(a: &Attribute) -> &str {
    a.name.split(';').next().unwrap_or_default()
}

fn all<'r>(record: &'r Record, name: &'static str) -> impl Iterator<Item = &'r Attribute> {
    record.attributes.iter().filter(move |a| a.name == name)
}

fn required<'r>(record: &'r Record, name: &'static str) -> Result<&'r Attribute, Error> {
    all(record, name).next().ok_or_else(|| missing(record, name))
}

fn optional(record: &Record, name: &'static str) -> Result<Option<String>, Error> {
    all(record, name).next().map(|a| a.text().map(str::to_owned)).transpose()
}

fn missing(record: &Record, name: &str) -> Error {
    bad(record.line, format!("attributo {name} assente"))
}
