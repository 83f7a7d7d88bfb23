//! The ASN.1 shapes of CMS, read and written so that no byte which somebody signed is re-ordered.
//!
//! The `cms` and `x509-cert` types sort sets and re-encode names; a certificate or a signed attribute must come out as it
//! came in, and sorting takes quadratic time, which a stranger could use against us. So sets and names are kept here as
//! raw elements, and the rest is `cms` and `x509-cert`.

use cms::content_info::CmsVersion;
use cms::signed_data::EncapsulatedContentInfo;
use der::asn1::{Any, BitString, ObjectIdentifier, OctetString};
use der::{DateTime, Decode, Encode, Reader, Sequence, SliceReader};
use sigillo_base::Timestamp;
use std::time::Duration;
use x509_cert::ext::Extension;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::time::{Time, Validity};

/// Universal tags, as the first byte of an encoding.
pub(crate) const SET: u8 = 0x31;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const OCTET_STRING: u8 = 0x04;
const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;

/// SignedData (RFC 5652 §5.1).
#[derive(Debug, Sequence)]
pub(crate) struct SignedDataSyntax {
    pub version: CmsVersion,
    pub digest_algorithms: Any,
    pub encap_content_info: EncapsulatedContentInfo,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub certificates: Option<Vec<Any>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub crls: Option<Vec<Any>>,
    pub signer_infos: Any,
}

/// SignerInfo (RFC 5652 §5.3).
#[derive(Debug, Sequence)]
pub(crate) struct SignerInfoSyntax {
    pub version: CmsVersion,
    /// IssuerAndSerialNumber, or `[0]` with a key identifier.
    pub sid: Any,
    pub digest_alg: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub signed_attrs: Option<Vec<Any>>,
    pub signature_algorithm: AlgorithmIdentifierOwned,
    pub signature: OctetString,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub unsigned_attrs: Option<Vec<Any>>,
}

/// Attribute (RFC 5652 §5.3), its set of values raw.
#[derive(Debug, Sequence)]
pub(crate) struct AttributeSyntax {
    pub oid: ObjectIdentifier,
    pub values: Any,
}

/// IssuerAndSerialNumber (RFC 5652 §10.2.4).
#[derive(Debug, Sequence)]
pub(crate) struct IssuerAndSerial {
    pub issuer: Any,
    pub serial: Any,
}

/// Certificate (RFC 5280 §4.1), names and keys raw.
#[derive(Debug, Sequence)]
pub(crate) struct CertificateSyntax {
    pub tbs: TbsSyntax,
    pub signature_algorithm: Any,
    pub signature: BitString,
}

/// TBSCertificate (RFC 5280 §4.1).
#[derive(Debug, Sequence)]
pub(crate) struct TbsSyntax {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub version: Option<Any>,
    pub serial: Any,
    pub signature: Any,
    pub issuer: Any,
    pub validity: Validity,
    pub subject: Any,
    pub public_key: Any,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub issuer_unique_id: Option<BitString>,
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    pub subject_unique_id: Option<BitString>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    pub extensions: Option<Vec<Extension>>,
}

/// The elements of a SET OF or SEQUENCE OF, in the order in which they stand.
pub(crate) fn elements(value: &[u8]) -> der::Result<Vec<Any>> {
    let mut reader = SliceReader::new(value)?;
    let mut out = Vec::new();
    while !reader.is_finished() {
        out.push(Any::decode(&mut reader)?);
    }
    Ok(out)
}

/// One DER element: tag, length and the parts one after the other.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|p| p.len()).sum();
    let mut out = Vec::with_capacity(len + 6);
    out.push(tag);
    if len < 0x80 {
        out.push(len as u8);
    } else {
        let bytes = len.to_be_bytes();
        let zeros = bytes.iter().take_while(|b| **b == 0).count();
        out.push(0x80 | (bytes.len() - zeros) as u8);
        out.extend_from_slice(&bytes[zeros..]);
    }
    parts.iter().for_each(|p| out.extend_from_slice(p));
    out
}

/// A DER SET OF: the elements sorted by their encodings (X.690 §11.6).
pub(crate) fn set_of(mut elements: Vec<Vec<u8>>) -> Vec<u8> {
    elements.sort();
    let parts: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
    tlv(SET, &parts)
}

/// A positive INTEGER of big-endian bytes without leading zeros.
pub(crate) fn integer(bytes: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if bytes.first().is_none_or(|b| b & 0x80 != 0) { &[0] } else { &[] };
    tlv(0x02, &[sign, bytes])
}

/// An OBJECT IDENTIFIER.
pub(crate) fn oid(id: &ObjectIdentifier) -> Vec<u8> {
    tlv(0x06, &[id.as_bytes()])
}

/// The instant in whole seconds, as a calendar date in UTC. Instants of `Timestamp` always fit.
fn date(at: Timestamp) -> DateTime {
    let seconds = u64::try_from(at.as_secs()).unwrap_or(0);
    DateTime::from_unix_duration(Duration::from_secs(seconds)).unwrap_or(DateTime::INFINITY)
}

/// UTCTime to 2049, GeneralizedTime after (RFC 5652 §11.3).
pub(crate) fn time(at: Timestamp) -> Vec<u8> {
    let d = date(at);
    let rest = format!("{:02}{:02}{:02}{:02}{:02}Z", d.month(), d.day(), d.hour(), d.minutes(), d.seconds());
    if (1950..2050).contains(&d.year()) {
        tlv(UTC_TIME, &[format!("{:02}", d.year() % 100).as_bytes(), rest.as_bytes()])
    } else {
        tlv(GENERALIZED_TIME, &[format!("{:04}", d.year()).as_bytes(), rest.as_bytes()])
    }
}

/// [`time`] as the type which certificates and CRLs use.
pub(crate) fn x509_time(at: Timestamp) -> der::Result<Time> {
    Time::from_der(&time(at))
}

/// A certificate's or CRL's time as an instant; the past before 1970 becomes 1970.
pub(crate) fn timestamp(t: &Time) -> Timestamp {
    Timestamp::from_millis(i64::try_from(t.to_unix_duration().as_millis()).unwrap_or(i64::MAX))
}

/// DER of a value which we made ourselves.
pub(crate) fn to_der(value: &impl Encode) -> Result<Vec<u8>, crate::Error> {
    value.to_der().map_err(|e| crate::Error::Compose(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_der() {
        assert_eq!(tlv(0x04, &[&[7; 3]])[..2], [4, 3]);
        assert_eq!(tlv(0x04, &[&[7; 127]])[..2], [4, 0x7f]);
        assert_eq!(tlv(0x04, &[&[7; 128]])[..3], [4, 0x81, 0x80]);
        assert_eq!(tlv(0x04, &[&[7; 200], &[7; 100]])[..4], [4, 0x82, 0x01, 0x2c]);
    }

    #[test]
    fn times_change_their_form_in_2050() {
        let last = Timestamp::from_millis(2_524_607_999_000);
        assert_eq!(time(last), b"\x17\x0d491231235959Z");
        assert_eq!(time(last.plus(Duration::from_secs(1))), b"\x18\x0f20500101000000Z");
        assert_eq!(timestamp(&x509_time(last).unwrap()), last);
    }

    #[test]
    fn sets_are_sorted() {
        assert_eq!(set_of(vec![vec![4, 1, 9], vec![4, 1, 2]]), [0x31, 6, 4, 1, 2, 4, 1, 9]);
    }
}
