//! The fields of a certificate that judging a message needs.

use const_oid::AssociatedOid;
use const_oid::db::rfc5280::{ID_CE_CRL_DISTRIBUTION_POINTS, ID_CE_SUBJECT_ALT_NAME, ID_KP_TIME_STAMPING};
use der::asn1::{Any, ObjectIdentifier};
use der::{Class, Decode, Encode, Tag, Tagged};
use sigillo_base::Timestamp;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier};

use super::without_leading_zeros;
use crate::asn1::{self, CertificateSyntax};

pub(super) struct Fields {
    pub issuer_der: Vec<u8>,
    pub subject_der: Vec<u8>,
    pub public_key: Vec<u8>,
    pub serial: Vec<u8>,
    pub emails: Vec<String>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub key_id: Option<Vec<u8>>,
    pub is_ca: bool,
    pub signs_crls: bool,
    pub only_stamps_time: bool,
    pub crl_points: Vec<String>,
}

/// GeneralName (RFC 5280 §4.2.1.6): the numbers of rfc822Name and uniformResourceIdentifier.
const RFC822_NAME: u8 = 1;
const URI: u8 = 6;

impl Fields {
    pub(super) fn read(certificate: &CertificateSyntax) -> der::Result<Self> {
        let tbs = &certificate.tbs;
        if tbs.serial.tag() != Tag::Integer {
            return Err(tbs.serial.tag().value_error());
        }
        let key_id = extension::<SubjectKeyIdentifier>(certificate).and_then(Result::ok);
        let basic = extension::<BasicConstraints>(certificate).and_then(Result::ok);
        let usage = extension::<KeyUsage>(certificate);
        Ok(Self {
            issuer_der: tbs.issuer.to_der()?,
            subject_der: tbs.subject.to_der()?,
            public_key: tbs.public_key.to_der()?,
            serial: without_leading_zeros(tbs.serial.value()).to_vec(),
            emails: emails(certificate).unwrap_or_default(),
            not_before: asn1::timestamp(&tbs.validity.not_before),
            not_after: asn1::timestamp(&tbs.validity.not_after),
            key_id: key_id.map(|id| id.0.into_bytes()),
            is_ca: basic.is_some_and(|b| b.ca),
            signs_crls: usage.is_none_or(|u| u.is_ok_and(|u| u.crl_sign())),
            only_stamps_time: only_stamps_time(certificate),
            crl_points: crl_points(certificate).unwrap_or_default(),
        })
    }
}

fn find<'a>(certificate: &'a CertificateSyntax, id: &ObjectIdentifier) -> Option<&'a Extension> {
    certificate.tbs.extensions.iter().flatten().find(|e| e.extn_id == *id)
}

/// The value of an extension, if it is there.
fn value<'a>(certificate: &'a CertificateSyntax, id: &ObjectIdentifier) -> Option<&'a [u8]> {
    find(certificate, id).map(|e| e.extn_value.as_bytes())
}

/// The extension, if it is there; whether it can be read.
fn extension<'a, T: Decode<'a> + AssociatedOid>(certificate: &'a CertificateSyntax) -> Option<der::Result<T>> {
    value(certificate, &T::OID).map(T::from_der)
}

fn only_stamps_time(certificate: &CertificateSyntax) -> bool {
    let usage = find(certificate, &ExtendedKeyUsage::OID).filter(|e| e.critical);
    let usage = usage.and_then(|e| ExtendedKeyUsage::from_der(e.extn_value.as_bytes()).ok());
    usage.is_some_and(|usage| usage.0 == [ID_KP_TIME_STAMPING])
}

fn emails(certificate: &CertificateSyntax) -> Option<Vec<String>> {
    let names = Any::from_der(value(certificate, &ID_CE_SUBJECT_ALT_NAME)?).ok()?;
    texts(names.value(), RFC822_NAME)
}

/// `SEQ OF DistributionPoint { [0] { [0] fullName … } … }`; points of other shapes are passed over.
fn crl_points(certificate: &CertificateSyntax) -> Option<Vec<String>> {
    let points = Any::from_der(value(certificate, &ID_CE_CRL_DISTRIBUTION_POINTS)?).ok()?;
    let mut all = Vec::new();
    for point in asn1::elements(points.value()).ok()? {
        let names = inside(point.value()).and_then(|name| inside(name.value()));
        all.extend(names.and_then(|names| texts(names.value(), URI)).unwrap_or_default());
    }
    Some(all)
}

/// The element `[0]` with which `value` begins.
fn inside(value: &[u8]) -> Option<Any> {
    asn1::elements(value).ok()?.into_iter().next().filter(|e| is_choice(e, 0))
}

/// The general names of one kind, as far as they are ASCII.
fn texts(value: &[u8], kind: u8) -> Option<Vec<String>> {
    let names = asn1::elements(value).ok()?;
    let wanted = names.iter().filter(|n| is_choice(n, kind) && n.value().is_ascii());
    Some(wanted.filter_map(|n| String::from_utf8(n.value().to_vec()).ok()).collect())
}

fn is_choice(element: &Any, number: u8) -> bool {
    element.tag().class() == Class::ContextSpecific && element.tag().number().value() == number
}
