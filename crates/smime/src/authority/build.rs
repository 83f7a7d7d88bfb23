//! Certificates and lists as bytes: put together with `x509-cert`, signed with openssl.

use const_oid::db::rfc5912::{ECDSA_WITH_SHA_256, SHA_256_WITH_RSA_ENCRYPTION};
use data_encoding::HEXUPPER_PERMISSIVE;
use der::Decode;
use der::asn1::{Any, BitString, SetOfVec};
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private};
use sigillo_base::Timestamp;
use x509_cert::attr::Attribute;
use x509_cert::crl::{CertificateList, RevokedCert, TbsCertList};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::request::{self, CertReq, CertReqInfo, ExtensionReq};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::Validity;
use x509_cert::{Certificate, TbsCertificate, Version};

use super::{Revoked, key_error};
use crate::asn1::{to_der, x509_time};
use crate::certificate::without_leading_zeros;
use crate::{Error, digest};

/// What a certificate says, before its serial number and signature.
pub(super) struct Tbs<'a> {
    pub issuer: &'a Name,
    pub subject: &'a Name,
    pub public: SubjectPublicKeyInfoOwned,
    pub from: Timestamp,
    pub until: Timestamp,
    pub extensions: Vec<Extension>,
}

impl Tbs<'_> {
    /// The certificate in DER, signed with the issuer's key.
    pub(super) fn sign(self, issuer_key: &PKey<Private>) -> Result<Vec<u8>, Error> {
        if self.until <= self.from {
            return Err(Error::Compose("la validità finisce prima di cominciare".into()));
        }
        let mut tbs = TbsCertificate {
            version: Version::V3,
            serial_number: SerialNumber::new(&[1]).map_err(compose)?,
            signature: algorithm(issuer_key)?,
            issuer: self.issuer.clone(),
            validity: Validity {
                not_before: x509_time(self.from).map_err(compose)?,
                not_after: x509_time(self.until).map_err(compose)?,
            },
            subject: self.subject.clone(),
            subject_public_key_info: self.public,
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: Some(self.extensions),
        };
        // The serial number is a hash of all the rest: the same certificate has the same, another has another.
        // 127 bits, positive and without a leading zero byte (RFC 5280 §4.1.2.2).
        let mut serial = digest::sha256(&to_der(&tbs)?);
        serial[0] = (serial[0] & 0x3f) | 0x40;
        tbs.serial_number = SerialNumber::new(&serial[..16]).map_err(compose)?;
        let signature = signature(issuer_key, &to_der(&tbs)?)?;
        to_der(&Certificate { signature_algorithm: tbs.signature.clone(), tbs_certificate: tbs, signature })
    }
}

/// A certification request in DER (RFC 2986): the subject, its key, the extensions that are asked for, signed with that key.
pub(super) fn request(subject: Name, extensions: Vec<Extension>, key: &PKey<Private>) -> Result<Vec<u8>, Error> {
    let wanted = Attribute::try_from(ExtensionReq(extensions)).map_err(compose)?;
    let attributes = SetOfVec::try_from(vec![wanted]).map_err(compose)?;
    let info = CertReqInfo { version: request::Version::V1, subject, public_key: public_key(key)?, attributes };
    let signature = signature(key, &to_der(&info)?)?;
    to_der(&CertReq { info, algorithm: algorithm(key)?, signature })
}

/// A revocation list in DER.
pub(super) fn crl(
    issuer: Name,
    revoked: &[Revoked],
    this_update: Timestamp,
    next_update: Timestamp,
    extensions: Vec<Extension>,
    key: &PKey<Private>,
) -> Result<Vec<u8>, Error> {
    let entries = revoked.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    let tbs_cert_list = TbsCertList {
        version: Version::V2,
        signature: algorithm(key)?,
        issuer,
        this_update: x509_time(this_update).map_err(compose)?,
        next_update: Some(x509_time(next_update).map_err(compose)?),
        revoked_certificates: (!entries.is_empty()).then_some(entries),
        crl_extensions: Some(extensions),
    };
    let signature = signature(key, &to_der(&tbs_cert_list)?)?;
    to_der(&CertificateList { tbs_cert_list, signature_algorithm: algorithm(key)?, signature })
}

fn entry(revoked: &Revoked) -> Result<RevokedCert, Error> {
    let bytes = HEXUPPER_PERMISSIVE
        .decode(revoked.serial_hex.as_bytes())
        .map_err(|e| Error::Compose(format!("numero di serie «{}»: {e}", revoked.serial_hex)))?;
    if bytes.is_empty() {
        return Err(Error::Compose("numero di serie vuoto".into()));
    }
    Ok(RevokedCert {
        serial_number: SerialNumber::new(without_leading_zeros(&bytes)).map_err(compose)?,
        revocation_date: x509_time(revoked.at).map_err(compose)?,
        crl_entry_extensions: None,
    })
}

/// The public half of a key.
pub(super) fn public_key(key: &PKey<Private>) -> Result<SubjectPublicKeyInfoOwned, Error> {
    SubjectPublicKeyInfoOwned::from_der(&key.public_key_to_der().map_err(key_error)?).map_err(compose)
}

/// The key identifier: SHA-1 of the public key's bits (RFC 5280 §4.2.1.2, method 1).
pub(super) fn key_id(public: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
    digest::sha1(public.subject_public_key.raw_bytes()).to_vec()
}

fn algorithm(key: &PKey<Private>) -> Result<AlgorithmIdentifierOwned, Error> {
    match key.id() {
        Id::RSA => Ok(AlgorithmIdentifierOwned { oid: SHA_256_WITH_RSA_ENCRYPTION, parameters: Some(Any::null()) }),
        Id::EC => Ok(AlgorithmIdentifierOwned { oid: ECDSA_WITH_SHA_256, parameters: None }),
        _ => Err(Error::Key("un'autorità firma con RSA o ECDSA".into())),
    }
}

fn signature(key: &PKey<Private>, bytes: &[u8]) -> Result<BitString, Error> {
    let signature = openssl::sign::Signer::new(MessageDigest::sha256(), key)
        .and_then(|mut signer| signer.sign_oneshot_to_vec(bytes))
        .map_err(key_error)?;
    BitString::from_bytes(&signature).map_err(compose)
}

fn compose(e: der::Error) -> Error {
    Error::Compose(e.to_string())
}
