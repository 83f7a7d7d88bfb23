//! Making CMS SignedData: first the attributes (the bytes to be signed), then, once the signature is back, the whole.

use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::EncapsulatedContentInfo;
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{ID_SHA_256, SHA_256_WITH_RSA_ENCRYPTION};
use const_oid::db::rfc6268::{ID_CONTENT_TYPE, ID_DATA, ID_MESSAGE_DIGEST, ID_SIGNED_DATA, ID_SIGNING_TIME};
use der::asn1::{Any, OctetString};
use der::{Decode, Tag};
use sigillo_base::Timestamp;
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::asn1::{self, OCTET_STRING, SEQUENCE, SignedDataSyntax, SignerInfoSyntax, tlv};
use crate::{Certificate, Error, Identity};

/// signingCertificateV2 (RFC 5035 §3): ties the signature to one certificate, so that it cannot be passed off as made
/// under another certificate of the same key.
pub(crate) const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// The signed attributes in DER, as a SET OF: contentType (id-data), signingTime, messageDigest and
/// signingCertificateV2. These are the bytes to be signed (RFC 5652 §5.4).
///
/// `digest` is the SHA-256 of the content: the first part of a multipart/signed, with CRLF line ends.
pub fn signed_attributes(digest: &[u8; 32], signing_time: Timestamp, certificate: &Certificate) -> Vec<u8> {
    let attribute =
        |id: &ObjectIdentifier, value: Vec<u8>| tlv(SEQUENCE, &[&asn1::oid(id), &asn1::set_of(vec![value])]);
    // hashAlgorithm is SHA-256 by default and therefore absent (RFC 5035 §4).
    let ess_cert_id = tlv(SEQUENCE, &[&tlv(OCTET_STRING, &[&certificate.sha256()])]);
    let signing_certificate = tlv(SEQUENCE, &[&tlv(SEQUENCE, &[&ess_cert_id])]);
    asn1::set_of(vec![
        attribute(&ID_CONTENT_TYPE, asn1::oid(&ID_DATA)),
        attribute(&ID_SIGNING_TIME, asn1::time(signing_time)),
        attribute(&ID_MESSAGE_DIGEST, tlv(OCTET_STRING, &[digest])),
        attribute(&SIGNING_CERTIFICATE_V2, signing_certificate),
    ])
}

/// The `.p7s`: SignedData in DER without the content, with the signer's certificate and its issuers inside.
///
/// `attributes` come from [`signed_attributes`], `signature` is RSA PKCS#1 v1.5 with SHA-256 over them.
pub fn detached(identity: &Identity, attributes: &[u8], signature: &[u8]) -> Result<Vec<u8>, Error> {
    content_info(identity, None, attributes, signature)
}

/// The `.p7m`: SignedData in DER with the content inside (the provider directory, RFC 6109 §4.5).
pub fn attached(identity: &Identity, content: &[u8], attributes: &[u8], signature: &[u8]) -> Result<Vec<u8>, Error> {
    let content = Any::new(Tag::OctetString, content).map_err(compose)?;
    content_info(identity, Some(content), attributes, signature)
}

fn content_info(identity: &Identity, content: Option<Any>, attrs: &[u8], signature: &[u8]) -> Result<Vec<u8>, Error> {
    let signer = asn1::to_der(&signer_info(&identity.certificate, attrs, signature)?)?;
    let digests = asn1::set_of(vec![asn1::to_der(&sha256_identifier())?]);
    let mut certificates: Vec<&[u8]> = identity.chain.iter().map(Certificate::der).collect();
    certificates.push(identity.certificate.der());
    certificates.sort_unstable();
    certificates.dedup();
    let signed = SignedDataSyntax {
        version: CmsVersion::V1,
        digest_algorithms: Any::from_der(&digests).map_err(compose)?,
        encap_content_info: EncapsulatedContentInfo { econtent_type: ID_DATA, econtent: content },
        certificates: Some(certificates.into_iter().map(Any::from_der).collect::<Result<_, _>>().map_err(compose)?),
        crls: None,
        signer_infos: Any::from_der(&asn1::set_of(vec![signer])).map_err(compose)?,
    };
    let content = Any::from_der(&asn1::to_der(&signed)?).map_err(compose)?;
    asn1::to_der(&ContentInfo { content_type: ID_SIGNED_DATA, content })
}

fn signer_info(certificate: &Certificate, attributes: &[u8], signature: &[u8]) -> Result<SignerInfoSyntax, Error> {
    let set = Any::from_der(attributes).map_err(compose)?;
    if der::Tagged::tag(&set) != Tag::Set {
        return Err(Error::Compose("gli attributi non sono un insieme".into()));
    }
    let sid = tlv(SEQUENCE, &[certificate.issuer_der(), &asn1::integer(certificate.serial())]);
    Ok(SignerInfoSyntax {
        version: CmsVersion::V1,
        sid: Any::from_der(&sid).map_err(compose)?,
        digest_alg: sha256_identifier(),
        signed_attrs: Some(asn1::elements(set.value()).map_err(compose)?),
        signature_algorithm: AlgorithmIdentifierOwned {
            oid: SHA_256_WITH_RSA_ENCRYPTION,
            parameters: Some(Any::null()),
        },
        signature: OctetString::new(signature).map_err(compose)?,
        unsigned_attrs: None,
    })
}

/// SHA-256, parameters absent (RFC 5754 §2).
fn sha256_identifier() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: ID_SHA_256, parameters: None }
}

fn compose(e: der::Error) -> Error {
    Error::Compose(e.to_string())
}
