//! From LDIF records to the directory (pec rule 9.1).

use std::collections::HashMap;

use sigillo_base::{Address, Domain};
use sigillo_smime::Certificate;

use super::ldif::{Attribute, Record, bad, records};
use super::{Entry, Index};
use crate::Error;

pub(super) fn index(file: &[u8]) -> Result<Index, Error> {
    let records = records(file)?;
    let mut location = None;
    let (mut entries, mut names) = (Vec::new(), Vec::new());
    for record in &records {
        if is_provider(record) {
            entries.push(entry(record)?);
            names.push(name_key(&record.dn));
        } else if name_key(&record.dn) == "o=postacert" {
            location = optional(record, "LDIFLocationURL")?;
        }
    }
    inherit(&mut entries, &names);
    let mut index = Index::new(entries);
    index.location = location;
    Ok(index)
}

fn is_provider(record: &Record) -> bool {
    all(record, "objectClass").any(|a| a.value.eq_ignore_ascii_case(b"provider"))
}

fn entry(record: &Record) -> Result<Entry, Error> {
    let certificates = certificates(record)?;
    let mut domains = Vec::new();
    for a in all(record, "managedDomains") {
        domains.push(Domain::parse(a.text()?).map_err(|e| bad(a.line, format!("managedDomains: {e}")))?);
    }
    if domains.is_empty() {
        return Err(missing(record, "managedDomains"));
    }
    let unit = optional(record, "providerUnit")?;
    if unit.is_none() && name_key(&record.dn).starts_with("providerunit=") {
        return Err(missing(record, "providerUnit"));
    }
    let ldif_url = optional(record, "LDIFLocationURL")?;
    if unit.is_some() && ldif_url.is_some() {
        return Err(bad(record.line, "LDIFLocationURL non ammesso in un ambiente secondario"));
    }
    Ok(Entry {
        name: required(record, "providerName")?.text()?.to_owned(),
        unit,
        certificates,
        mail_receipt: mail_receipt(record)?,
        domains,
        description: all(record, "description").next().map(|a| a.text().map(str::to_owned)).transpose()?,
        ldif_url,
    })
}

/// An address whose local part is a dot-atom: no quotes, brackets or comments.
fn mail_receipt(record: &Record) -> Result<Address, Error> {
    let a = required(record, "mailReceipt")?;
    let address = Address::parse(a.text()?).map_err(|e| bad(a.line, format!("mailReceipt: {e}")))?;
    if address.local().starts_with('"') {
        return Err(bad(a.line, "mailReceipt: virgolette non ammesse"));
    }
    Ok(address)
}

/// Every certificate must have its hash and every hash its certificate (pec rule 9.3).
fn certificates(record: &Record) -> Result<Vec<Certificate>, Error> {
    let mut hashes = Vec::new();
    for a in all(record, "providerCertificateHash") {
        hashes.push((a.line, a.text()?.to_ascii_uppercase()));
    }
    let mut out: Vec<Certificate> = Vec::new();
    for a in all(record, "providerCertificate") {
        let certificate =
            Certificate::from_der(&a.value).map_err(|e| bad(a.line, format!("providerCertificate: {e}")))?;
        let hash = certificate.sha1_hex();
        if !hashes.iter().any(|(_, h)| *h == hash) {
            return Err(bad(a.line, "providerCertificateHash diverso da quello del certificato"));
        }
        out.push(certificate);
    }
    let orphan = hashes.iter().find(|(_, h)| !out.iter().any(|c| c.sha1_hex() == *h));
    match orphan {
        Some((line, _)) => Err(bad(*line, "providerCertificateHash senza il suo certificato")),
        None if out.is_empty() => Err(missing(record, "providerCertificate")),
        None => Ok(out),
    }
}

/// A secondary environment is published in the file of its main one, the record right above it in the tree: they may
/// spell `providerName` differently.
fn inherit(entries: &mut [Entry], names: &[String]) {
    let mains = entries.iter().zip(names).filter(|(e, _)| e.unit.is_none());
    let urls: HashMap<&str, String> =
        mains.filter_map(|(e, name)| Some((name.as_str(), e.ldif_url.clone()?))).collect();
    for (entry, name) in entries.iter_mut().zip(names).filter(|(e, _)| e.unit.is_some()) {
        entry.ldif_url = above(name).and_then(|main| urls.get(main)).cloned();
    }
}

/// A distinguished name as it is compared: case and the blanks around separators do not count (RFC 4514).
fn name_key(dn: &str) -> String {
    let mut out = String::with_capacity(dn.len());
    let mut escaped = false;
    for c in dn.trim().chars().flat_map(char::to_lowercase) {
        let separator = !escaped && matches!(c, ',' | '=');
        if separator {
            out.truncate(out.trim_end_matches(' ').len());
        }
        if c != ' ' || escaped || !out.ends_with([',', '=']) {
            out.push(c);
        }
        escaped = !escaped && c == '\\';
    }
    out
}

/// The name above: what follows the first comma that stands for itself.
fn above(name: &str) -> Option<&str> {
    let mut escaped = false;
    let comma = name.bytes().position(|b| {
        let found = b == b',' && !escaped;
        escaped = !escaped && b == b'\\';
        found
    })?;
    Some(&name[comma + 1..])
}

fn all<'r>(record: &'r Record, name: &'static str) -> impl Iterator<Item = &'r Attribute> {
    record.attributes.iter().filter(move |a| a.is(name))
}

/// An attribute that has one value at the most.
fn single<'r>(record: &'r Record, name: &'static str) -> Result<Option<&'r Attribute>, Error> {
    let mut found = all(record, name);
    let first = found.next();
    match found.next() {
        Some(second) => Err(bad(second.line, format!("{name}: è ammesso un solo valore"))),
        None => Ok(first),
    }
}

fn required<'r>(record: &'r Record, name: &'static str) -> Result<&'r Attribute, Error> {
    single(record, name)?.ok_or_else(|| missing(record, name))
}

fn optional(record: &Record, name: &'static str) -> Result<Option<String>, Error> {
    single(record, name)?.map(|a| a.text().map(str::to_owned)).transpose()
}

fn missing(record: &Record, name: &str) -> Error {
    bad(record.line, format!("attributo {name} assente"))
}
