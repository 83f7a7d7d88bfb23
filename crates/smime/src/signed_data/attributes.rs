//! Signed attributes (RFC 5652 §5.3, §11; RFC 5035).

use const_oid::ObjectIdentifier;
use const_oid::db::rfc6268::{ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNING_TIME};
use der::asn1::Any;
use der::{Decode, Encode, Tag, Tagged};
use sigillo_base::Timestamp;
use x509_cert::time::Time;

use super::algorithm::Hash;
use super::malformed;
use crate::asn1::{self, AttributeSyntax};
use crate::compose::SIGNING_CERTIFICATE_V2;
use crate::{Certificate, Error, digest};

/// signingCertificate (RFC 2634 §5.4): the same with SHA-1.
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const MAX_ATTRIBUTES: usize = 64;

pub(super) struct Attributes {
    /// The SET OF that was signed, its elements in the order in which they came.
    signed_bytes: Vec<u8>,
    /// Each attribute and its values.
    all: Vec<(ObjectIdentifier, Vec<Any>)>,
}

impl Attributes {
    pub(super) fn read(raw: &[Any]) -> Result<Self, Error> {
        if raw.len() > MAX_ATTRIBUTES {
            return Err(Error::Attributes("troppi"));
        }
        let mut all = Vec::with_capacity(raw.len());
        let mut encoded = Vec::with_capacity(raw.len());
        for element in raw {
            let der = element.to_der().map_err(malformed)?;
            let attribute = AttributeSyntax::from_der(&der).map_err(malformed)?;
            if attribute.values.tag() != Tag::Set {
                return Err(Error::Malformed("i valori di un attributo non sono un insieme".into()));
            }
            all.push((attribute.oid, asn1::elements(attribute.values.value()).map_err(malformed)?));
            encoded.push(der);
        }
        let parts: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
        Ok(Self { signed_bytes: asn1::tlv(asn1::SET, &parts), all })
    }

    pub(super) fn signed_bytes(&self) -> &[u8] {
        &self.signed_bytes
    }

    pub(super) fn signing_time(&self) -> Option<Timestamp> {
        let value = self.single(&ID_SIGNING_TIME).ok()??;
        Some(asn1::timestamp(&Time::from_der(&value.to_der().ok()?).ok()?))
    }

    /// Content type and digest must be there once and be right; a named signing certificate must be the signer's.
    pub(super) fn check(&self, kind: &ObjectIdentifier, digest: &[u8], signer: &Certificate) -> Result<(), Error> {
        let content_type = self.single(&ID_CONTENT_TYPE)?.ok_or(Error::Attributes("manca contentType"))?;
        if content_type.decode_as::<ObjectIdentifier>().ok().as_ref() != Some(kind) {
            return Err(Error::Attributes("contentType diverso dal contenuto"));
        }
        let expected = self.single(&ID_MESSAGE_DIGEST)?.ok_or(Error::Attributes("manca messageDigest"))?;
        if expected.tag() != Tag::OctetString || expected.value() != digest {
            return Err(Error::Digest);
        }
        self.check_signing_certificate(signer)
    }

    /// Whether signingCertificate or signingCertificateV2 is there.
    pub(super) fn name_a_certificate(&self) -> bool {
        self.all.iter().any(|(id, _)| *id == SIGNING_CERTIFICATE_V2 || *id == SIGNING_CERTIFICATE)
    }

    /// RFC 5035 §5: the first certificate named must be the one that verifies.
    fn check_signing_certificate(&self, signer: &Certificate) -> Result<(), Error> {
        let wrong = Error::Attributes("signingCertificate indica un altro certificato");
        for (id, version) in [(&SIGNING_CERTIFICATE_V2, 2), (&SIGNING_CERTIFICATE, 1)] {
            if let Some(value) = self.single(id)?
                && ess_names(value, version, signer.der()) != Some(true)
            {
                return Err(wrong);
            }
        }
        Ok(())
    }

    /// The value of an attribute that may stand once and has one value.
    fn single(&self, id: &ObjectIdentifier) -> Result<Option<&Any>, Error> {
        let mut found = self.all.iter().filter(|(oid, _)| oid == id);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some((_, values)), None) if values.len() == 1 => Ok(values.first()),
            _ => Err(Error::Attributes("un attributo ha più valori")),
        }
    }
}

/// Whether `SigningCertificate{,V2}` names the certificate first: `SEQ { SEQ OF SEQ { [alg SEQ], hash OCTETS, … } … }`.
/// `None` when it cannot be read.
fn ess_names(value: &Any, version: u8, certificate: &[u8]) -> Option<bool> {
    let sequence = |any: &Any| (any.tag() == Tag::Sequence).then(|| asn1::elements(any.value()).ok()).flatten();
    let certs = sequence(sequence(value)?.first()?)?;
    let id = sequence(certs.first()?)?;
    let first = id.first()?;
    let (hash, octets) = if first.tag() == Tag::Sequence {
        let algorithm = sequence(first)?.first()?.decode_as::<ObjectIdentifier>().ok()?;
        (Hash::of_digest(&algorithm).ok()?, id.get(1)?)
    } else {
        (if version == 2 { Hash::Sha256 } else { Hash::Sha1 }, first)
    };
    Some(octets.tag() == Tag::OctetString && octets.value() == digest::with(hash.algorithm(), certificate))
}
