//! What each kind of certificate says: names and extensions.

use std::net::IpAddr;

use const_oid::db::rfc4519::{CN, COUNTRY_NAME, ORGANIZATION_NAME};
use const_oid::db::rfc5280::{ID_KP_EMAIL_PROTECTION, ID_KP_SERVER_AUTH, ID_KP_TIME_STAMPING};
use const_oid::{AssociatedOid, ObjectIdentifier};
use der::asn1::{Any, Ia5String, OctetString, SetOfVec, Uint};
use der::{Encode, Tag};
use sigillo_base::Address;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CrlNumber, ExtendedKeyUsage, KeyUsage, KeyUsages, NameConstraints,
    SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

use crate::Error;
use crate::asn1::to_der;

/// ub-organization-name and ub-common-name (RFC 5280 appendix A.1), in characters.
const MAX_NAME: usize = 64;

const CRITICAL: bool = true;
const PLAIN: bool = false;

/// `C=IT, O=<name>, CN=<name>`
pub(super) fn authority_name(name: &str) -> Result<Name, Error> {
    named(&[(COUNTRY_NAME, "IT"), (ORGANIZATION_NAME, name), (CN, name)])
}

/// `C=IT, O=<provider>, CN=Posta Certificata` (RFC 6109 §5.5.1)
pub(super) fn provider_name(provider: &str) -> Result<Name, Error> {
    named(&[(COUNTRY_NAME, "IT"), (ORGANIZATION_NAME, provider), (CN, "Posta Certificata")])
}

/// `CN=<host>`; a host name that is too long for a CN stands in the alternative names only.
pub(super) fn server_name(host: &str) -> Result<Name, Error> {
    named(&[(CN, if host.len() <= MAX_NAME { host } else { "server" })])
}

pub(super) fn root(key_id: &[u8]) -> Result<Vec<Extension>, Error> {
    Ok(vec![
        extension(&BasicConstraints { ca: true, path_len_constraint: None }, CRITICAL)?,
        extension(&KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign), CRITICAL)?,
        subject_key(key_id)?,
        authority_key(key_id)?,
    ])
}

pub(super) fn subordinate(key_id: &[u8], issuer: &[u8], domains: &[String]) -> Result<Vec<Extension>, Error> {
    let mut extensions = vec![
        extension(&BasicConstraints { ca: true, path_len_constraint: Some(0) }, CRITICAL)?,
        extension(&KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign), CRITICAL)?,
        subject_key(key_id)?,
        authority_key(issuer)?,
    ];
    if !domains.is_empty() {
        let subtree =
            |d: &String| Ok(GeneralSubtree { base: GeneralName::Rfc822Name(ia5(d)?), minimum: 0, maximum: None });
        let permitted = domains.iter().map(subtree).collect::<Result<_, Error>>()?;
        extensions.push(extension(
            &NameConstraints { permitted_subtrees: Some(permitted), excluded_subtrees: None },
            CRITICAL,
        )?);
    }
    Ok(extensions)
}

/// RFC 6109 §5.5.2: keyUsage is the only critical extension, basicConstraints must not be there.
pub(super) fn pec(key_id: &[u8], issuer: &[u8], address: &Address) -> Result<Vec<Extension>, Error> {
    let mut extensions = pec_asked(address)?;
    extensions.extend([subject_key(key_id)?, authority_key(issuer)?]);
    Ok(extensions)
}

/// What of it a provider asks for.
pub(super) fn pec_asked(address: &Address) -> Result<Vec<Extension>, Error> {
    Ok(vec![
        extension(&KeyUsage(KeyUsages::DigitalSignature.into()), CRITICAL)?,
        extension(&ExtendedKeyUsage(vec![ID_KP_EMAIL_PROTECTION]), PLAIN)?,
        extension(&SubjectAltName(vec![GeneralName::Rfc822Name(ia5(address.as_str())?)]), PLAIN)?,
    ])
}

pub(super) fn tls(key_id: &[u8], issuer: &[u8], names: &[String], ips: &[IpAddr]) -> Result<Vec<Extension>, Error> {
    let mut extensions = vec![extension(&BasicConstraints { ca: false, path_len_constraint: None }, CRITICAL)?];
    extensions.extend(tls_asked(names, ips)?);
    extensions.extend([subject_key(key_id)?, authority_key(issuer)?]);
    Ok(extensions)
}

/// What of it a server asks for.
pub(super) fn tls_asked(names: &[String], ips: &[IpAddr]) -> Result<Vec<Extension>, Error> {
    let mut all = Vec::new();
    for name in names {
        all.push(GeneralName::DnsName(ia5(name)?));
    }
    for ip in ips {
        let octets = match ip {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        all.push(GeneralName::IpAddress(OctetString::new(octets).map_err(compose)?));
    }
    Ok(vec![
        extension(&KeyUsage(KeyUsages::DigitalSignature.into()), CRITICAL)?,
        extension(&ExtendedKeyUsage(vec![ID_KP_SERVER_AUTH]), PLAIN)?,
        extension(&SubjectAltName(all), PLAIN)?,
    ])
}

/// RFC 3161 §2.3: extendedKeyUsage is critical and says timeStamping only.
pub(super) fn tsa(key_id: &[u8], issuer: &[u8]) -> Result<Vec<Extension>, Error> {
    Ok(vec![
        extension(&BasicConstraints { ca: false, path_len_constraint: None }, CRITICAL)?,
        extension(&KeyUsage(KeyUsages::DigitalSignature.into()), CRITICAL)?,
        extension(&ExtendedKeyUsage(vec![ID_KP_TIME_STAMPING]), CRITICAL)?,
        subject_key(key_id)?,
        authority_key(issuer)?,
    ])
}

pub(super) fn crl(key_id: &[u8], number: u64) -> Result<Vec<Extension>, Error> {
    let number = Uint::new(&number.to_be_bytes()).map_err(compose)?;
    Ok(vec![authority_key(key_id)?, extension(&CrlNumber(number), PLAIN)?])
}

fn subject_key(key_id: &[u8]) -> Result<Extension, Error> {
    extension(&SubjectKeyIdentifier(OctetString::new(key_id).map_err(compose)?), PLAIN)
}

fn authority_key(key_id: &[u8]) -> Result<Extension, Error> {
    let key_identifier = Some(OctetString::new(key_id).map_err(compose)?);
    let id = AuthorityKeyIdentifier { key_identifier, authority_cert_issuer: None, authority_cert_serial_number: None };
    extension(&id, PLAIN)
}

fn extension<T: Encode + AssociatedOid>(value: &T, critical: bool) -> Result<Extension, Error> {
    let extn_value = OctetString::new(to_der(value)?).map_err(compose)?;
    Ok(Extension { extn_id: T::OID, critical, extn_value })
}

/// A name of single-valued parts: the country as PrintableString, the rest as UTF8String (RFC 5280 §4.1.2.4).
fn named(parts: &[(ObjectIdentifier, &str)]) -> Result<Name, Error> {
    let mut rdns = Vec::with_capacity(parts.len());
    for (oid, text) in parts {
        if text.is_empty() || text.chars().count() > MAX_NAME || text.chars().any(char::is_control) {
            return Err(Error::Compose(format!("il nome «{text}» deve avere da 1 a {MAX_NAME} caratteri")));
        }
        let tag = if *oid == COUNTRY_NAME { Tag::PrintableString } else { Tag::Utf8String };
        let value = Any::new(tag, text.as_bytes()).map_err(compose)?;
        let set = SetOfVec::try_from(vec![AttributeTypeAndValue { oid: *oid, value }]).map_err(compose)?;
        rdns.push(RelativeDistinguishedName(set));
    }
    Ok(RdnSequence(rdns))
}

fn ia5(text: &str) -> Result<Ia5String, Error> {
    Ia5String::new(text).map_err(compose)
}

fn compose(e: der::Error) -> Error {
    Error::Compose(e.to_string())
}
