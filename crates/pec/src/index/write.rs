//! Writing a directory, or a provider's own record of it (pec rule 9.2).

use sigillo_base::Timestamp;
use sigillo_smime::{Identity, Signer, attached, sha256, signed_attributes};

use super::Entry;
use crate::Error;

/// The signed file as it is published (`.p7m`, RFC 6109 §4.5.6): the LDIF with its signature in attached PKCS#7, DER.
/// Waits for the signer.
///
/// # Errors
/// [`Error::Sign`] when the key does not sign, [`Error::Smime`] when the structure cannot be written.
pub fn seal(ldif: &str, identity: &Identity, signer: &dyn Signer, now: Timestamp) -> Result<Vec<u8>, Error> {
    let content = ldif.as_bytes();
    let attributes = signed_attributes(&sha256(content), now, &identity.certificate);
    let signature = signer.sign(&attributes)?;
    Ok(attached(identity, content, &attributes, &signature)?)
}

/// The LDIF file of these records, below the base record. Lines fold at 76 octets; values that RFC 2849 does not call
/// safe go out in base64.
pub fn write_ldif(entries: &[Entry]) -> String {
    let mut out =
        String::from("version: 1\n\ndn: o=postacert\nobjectclass: top\nobjectclass: organization\no: postacert\n");
    for e in entries {
        let name = escape_dn(&e.name);
        let dn = match &e.unit {
            Some(unit) => format!("providerUnit={},providerName={name},o=postacert", escape_dn(unit)),
            None => format!("providerName={name},o=postacert"),
        };
        out.push('\n');
        put(&mut out, "dn", &dn);
        put(&mut out, "objectclass", "top");
        put(&mut out, "objectclass", "provider");
        put(&mut out, "providerName", &e.name);
        if let Some(unit) = &e.unit {
            put(&mut out, "providerUnit", unit);
        }
        for c in &e.certificates {
            put(&mut out, "providerCertificateHash", &c.sha1_hex());
        }
        for c in &e.certificates {
            let packed = data_encoding::BASE64.encode(c.der());
            fold(&mut out, &format!("providerCertificate;binary:: {packed}"));
        }
        put(&mut out, "mailReceipt", e.mail_receipt.as_str());
        // A secondary environment has it from its main one (RFC 6109 §4.5).
        if let Some(url) = e.ldif_url.as_ref().filter(|_| e.unit.is_none()) {
            put(&mut out, "LDIFLocationURL", url);
        }
        for domain in &e.domains {
            put(&mut out, "managedDomains", domain.as_str());
        }
        if let Some(text) = &e.description {
            put(&mut out, "description", text);
        }
    }
    out
}

fn put(out: &mut String, name: &str, value: &str) {
    if is_safe(value) {
        fold(out, &format!("{name}: {value}"));
    } else {
        fold(out, &format!("{name}:: {}", data_encoding::BASE64.encode(value.as_bytes())));
    }
}

/// RFC 2849 SAFE-STRING, and no blank at the end.
fn is_safe(value: &str) -> bool {
    let fine = value.bytes().all(|b| b.is_ascii() && !b.is_ascii_control());
    fine && !value.starts_with([' ', ':', '<']) && !value.ends_with(' ')
}

/// Lines are ASCII here.
fn fold(out: &mut String, line: &str) {
    let mut rest = line;
    let mut width = 76;
    while rest.len() > width {
        let (head, tail) = rest.split_at(width);
        out.push_str(head);
        out.push_str("\n ");
        rest = tail;
        width = 75;
    }
    out.push_str(rest);
    out.push('\n');
}

/// RFC 4514 §2.4.
fn escape_dn(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for (i, c) in value.char_indices() {
        let edge = (i == 0 && (c == '#' || c == ' ')) || (c == ' ' && i + 1 == value.len());
        if edge || "\"+,;<>\\=".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
