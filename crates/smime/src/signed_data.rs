//! Reading and checking CMS SignedData made by others.

mod algorithm;
mod attributes;

use std::fmt;

use cms::content_info::ContentInfo;
use const_oid::ObjectIdentifier;
use const_oid::db::rfc6268::{ID_DATA, ID_SIGNED_DATA};
use der::asn1::Any;
use der::{Decode, Encode, Tag, TagNumber, Tagged};
use openssl::cms::CmsContentInfo;
use openssl::pkcs7::Pkcs7;
use sigillo_base::Timestamp;

use crate::asn1::{self, IssuerAndSerial, SignedDataSyntax, SignerInfoSyntax};
use crate::certificate::without_leading_zeros;
use crate::{Certificate, Error, digest};
use algorithm::{Hash, Scheme};
use attributes::Attributes;

/// How many certificates of a signature are read; the rest is passed over.
const MAX_CERTIFICATES: usize = 32;

/// A CMS SignedData with its one signer.
pub struct SignedData {
    der: Vec<u8>,
    content_type: ObjectIdentifier,
    content: Option<Vec<u8>>,
    certificates: Vec<Certificate>,
    signer: Option<usize>,
    hash: Hash,
    scheme: Scheme,
    attributes: Option<Attributes>,
    signature: Vec<u8>,
}

impl SignedData {
    /// Reads a `.p7s` or `.p7m`, DER or BER (real providers send indefinite lengths). Certificates that cannot be read
    /// are passed over: if it is the signer's, [`verify`](Self::verify) says so.
    pub fn parse(der_or_ber: &[u8]) -> Result<Self, Error> {
        match Self::parse_der(der_or_ber) {
            Err(Error::Malformed(why)) => Self::parse_der(&normalised(der_or_ber).ok_or(Error::Malformed(why))?),
            other => other,
        }
    }

    fn parse_der(der: &[u8]) -> Result<Self, Error> {
        let outer = ContentInfo::from_der(der).map_err(malformed)?;
        if outer.content_type != ID_SIGNED_DATA {
            return Err(Error::Malformed(format!("il contenuto è {}, non SignedData", outer.content_type)));
        }
        let signed = SignedDataSyntax::from_der(&outer.content.to_der().map_err(malformed)?).map_err(malformed)?;
        let info = one_signer(&signed)?;
        let hash = Hash::of_digest(&info.digest_alg.oid)?;
        let mut certificates = Vec::new();
        for raw in signed.certificates.iter().flatten().filter(|c| c.tag() == Tag::Sequence).take(MAX_CERTIFICATES) {
            certificates.extend(Certificate::from_der(&raw.to_der().map_err(malformed)?));
        }
        let content = signed.encap_content_info.econtent;
        if content.as_ref().is_some_and(|c| c.tag() != Tag::OctetString) {
            return Err(Error::Malformed("il contenuto non è una stringa di byte".into()));
        }
        Ok(Self {
            der: der.to_vec(),
            content_type: signed.encap_content_info.econtent_type,
            content: content.map(|c| c.value().to_vec()),
            signer: certificates.iter().position(|c| identifies(&info.sid, c)),
            certificates,
            hash,
            scheme: Scheme::of_signature(&info.signature_algorithm.oid, hash)?,
            attributes: info.signed_attrs.as_deref().map(Attributes::read).transpose()?,
            signature: info.signature.as_bytes().to_vec(),
        })
    }

    /// The whole in DER: the bytes that were read, or what became of them when they were BER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The signer's certificate, if it is inside.
    pub fn signer(&self) -> Option<&Certificate> {
        self.certificates.get(self.signer?)
    }

    /// All certificates inside, the signer's among them.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// When the signer says it was signed: a claim, not a proof.
    pub fn signing_time(&self) -> Option<Timestamp> {
        self.attributes.as_ref()?.signing_time()
    }

    /// The content, when it is inside (`.p7m`).
    pub fn content(&self) -> Option<&[u8]> {
        self.content.as_deref()
    }

    /// What kind of content was signed.
    pub(crate) fn content_type(&self) -> &ObjectIdentifier {
        &self.content_type
    }

    /// Whether content or attributes are signed by way of SHA-1: old mail is, and it proves nothing new.
    pub(crate) fn uses_sha1(&self) -> bool {
        self.hash == Hash::Sha1 || self.scheme.is_sha1()
    }

    /// Whether a signed attribute names the signer's certificate; [`verify`](Self::verify) checks that it is the right one.
    pub(crate) fn names_its_certificate(&self) -> bool {
        self.attributes.as_ref().is_some_and(Attributes::name_a_certificate)
    }

    /// Checks that `content` was signed with the key of [`signer`](Self::signer): digest, attributes, signature. Nothing
    /// is said of the certificate itself; that is [`Trust::verify`](crate::Trust::verify).
    pub fn verify(&self, content: &[u8]) -> Result<(), Error> {
        let signer = self.signer().ok_or(Error::NoSignerCertificate)?;
        let Some(attributes) = &self.attributes else {
            // RFC 5652 §5.3: attributes may be absent only for plain data.
            if self.content_type != ID_DATA {
                return Err(Error::Attributes("mancano, e il contenuto non è id-data"));
            }
            return self.scheme.verify(signer, content, &self.signature);
        };
        attributes.check(&self.content_type, &digest::with(self.hash.algorithm(), content), signer)?;
        self.scheme.verify(signer, attributes.signed_bytes(), &self.signature)
    }
}

/// DER of what may be BER. The PKCS#7 reader comes first because it keeps the order of the signed attributes; the CMS
/// reader knows signers named by key identifier.
fn normalised(ber: &[u8]) -> Option<Vec<u8>> {
    let pkcs7 = Pkcs7::from_der(ber).and_then(|p| p.to_der());
    pkcs7.or_else(|_| CmsContentInfo::from_der(ber).and_then(|c| c.to_der())).ok()
}

fn one_signer(signed: &SignedDataSyntax) -> Result<SignerInfoSyntax, Error> {
    if signed.signer_infos.tag() != Tag::Set {
        return Err(Error::Malformed("i firmatari non sono un insieme".into()));
    }
    let infos = asn1::elements(signed.signer_infos.value()).map_err(malformed)?;
    match infos.as_slice() {
        [one] => SignerInfoSyntax::from_der(&one.to_der().map_err(malformed)?).map_err(malformed),
        several => Err(Error::SignerCount(several.len())),
    }
}

/// Whether the signer's identifier (RFC 5652 §5.3) means this certificate.
fn identifies(sid: &Any, certificate: &Certificate) -> bool {
    if sid.tag() != Tag::Sequence {
        let key_id = Tag::ContextSpecific { constructed: false, number: TagNumber::N0 };
        return sid.tag() == key_id && certificate.key_id() == Some(sid.value());
    }
    let id = sid.to_der().and_then(|der| IssuerAndSerial::from_der(&der));
    id.is_ok_and(|id| {
        without_leading_zeros(id.serial.value()) == certificate.serial()
            && id.issuer.to_der().is_ok_and(|issuer| issuer == certificate.issuer_der())
    })
}

fn malformed(e: der::Error) -> Error {
    Error::Malformed(e.to_string())
}

impl fmt::Debug for SignedData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedData(signer {:?}, {:?} with {:?})", self.signer(), self.scheme, self.hash)
    }
}

#[cfg(test)]
mod tests;
