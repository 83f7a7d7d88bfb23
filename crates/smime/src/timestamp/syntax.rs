//! The ASN.1 shapes of time-stamps (RFC 3161 §2.4), and what is taken from them.

use std::time::Duration;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::ID_SHA_256;
use der::asn1::{Any, AnyRef, BitString, Int, OctetString, Uint};
use der::{Decode, Reader, Sequence, SliceReader, Tag, Tagged};
use sigillo_base::Timestamp;
use x509_cert::ext::Extension;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::time::Time;

use super::Refusal;
use crate::Error;
use crate::asn1::{self, GENERALIZED_TIME, SEQUENCE, tlv};
use crate::certificate::without_leading_zeros;

/// The version of every structure here (RFC 3161 §2.4).
const V1: u8 = 1;
/// Numbers have 160 bits at the most (RFC 3161 §2.4.2).
const MAX_SERIAL: usize = 20;

/// TimeStampReq, as far as we use it.
#[derive(Debug, Sequence)]
pub(super) struct Request {
    version: u8,
    imprint: Imprint,
    nonce: u64,
    certificate_wanted: bool,
}

/// MessageImprint.
#[derive(Debug, Sequence)]
struct Imprint {
    algorithm: AlgorithmIdentifierOwned,
    digest: OctetString,
}

/// PKIStatusInfo.
#[derive(Debug, Sequence)]
pub(super) struct Status {
    status: u8,
    text: Option<Vec<String>>,
    failure: Option<BitString>,
}

/// TSTInfo.
#[derive(Debug, Sequence)]
struct TstInfo {
    version: u8,
    policy: ObjectIdentifier,
    imprint: Imprint,
    serial: Uint,
    /// GeneralizedTime, which `der` reads without fractions only.
    time: Any,
    accuracy: Option<Accuracy>,
    ordering: Option<bool>,
    nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true", optional = "true")]
    authority: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

/// Accuracy.
#[derive(Debug, Sequence)]
struct Accuracy {
    seconds: Option<u32>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    micros: Option<u16>,
}

/// What a TimeStampResp holds: the status, and the bytes of the token, if there is one.
pub(super) struct Answer<'a> {
    pub status: Status,
    pub token: &'a [u8],
}

/// What a token says.
pub(super) struct Info {
    pub policy: ObjectIdentifier,
    pub digest: [u8; 32],
    /// Without leading zero bytes.
    pub serial: Vec<u8>,
    pub time: Timestamp,
    pub accuracy: Option<Duration>,
    /// The INTEGER in DER: others may have asked with a longer one than we do.
    pub nonce: Option<Vec<u8>>,
}

impl Request {
    pub(super) fn new(digest: &[u8; 32], nonce: u64) -> Result<Self, Error> {
        // NULL is what all the others send; RFC 5754 §2 lets it be absent, but not every authority does.
        let algorithm = AlgorithmIdentifierOwned { oid: ID_SHA_256, parameters: Some(Any::null()) };
        let digest = OctetString::new(digest.as_slice()).map_err(|e| Error::Compose(e.to_string()))?;
        Ok(Self { version: V1, imprint: Imprint { algorithm, digest }, nonce, certificate_wanted: true })
    }
}

impl<'a> Answer<'a> {
    /// The token, and the sequence around it, may be BER: what follows the status is not looked at here.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let inside = match bytes {
            [SEQUENCE, 0x80, inside @ .., 0, 0] => inside,
            _ => sequence(bytes).map_err(unreadable)?,
        };
        let mut reader = SliceReader::new(inside).map_err(unreadable)?;
        let status = Status::decode(&mut reader).map_err(unreadable)?;
        let token = reader.read_slice(reader.remaining_len()).map_err(unreadable)?;
        Ok(Self { status, token })
    }
}

impl Status {
    /// granted or grantedWithMods.
    pub(super) fn is_granted(&self) -> bool {
        self.status <= 1
    }

    pub(super) fn refusal(&self) -> Refusal {
        let bits = self.failure.iter().flat_map(BitString::bits).zip(0..u32::BITS);
        let failure = bits.filter(|(set, _)| *set).fold(0, |all, (_, bit)| all | 1 << bit);
        Refusal::new(self.status, failure, self.text.as_deref().unwrap_or_default())
    }
}

impl Info {
    pub(super) fn read(der: &[u8]) -> Result<Self, Error> {
        let info = TstInfo::from_der(der).map_err(unreadable)?;
        let serial = without_leading_zeros(info.serial.as_bytes());
        if info.version != V1 || serial.len() > MAX_SERIAL {
            return Err(Error::TimeStamp("versione o numero di serie fuori norma".into()));
        }
        if let Some(unknown) = info.extensions.iter().flatten().find(|e| e.critical) {
            return Err(Error::TimeStamp(format!("estensione critica sconosciuta {}", unknown.extn_id)));
        }
        Ok(Self {
            policy: info.policy,
            digest: info.imprint.sha256()?,
            serial: serial.to_vec(),
            time: time(&info.time).ok_or_else(|| Error::TimeStamp("genTime non è un istante in UTC".into()))?,
            accuracy: info.accuracy.map(|a| a.span()).transpose()?,
            nonce: info.nonce.as_ref().map(asn1::to_der).transpose()?,
        })
    }
}

impl Imprint {
    fn sha256(&self) -> Result<[u8; 32], Error> {
        if self.algorithm.oid != ID_SHA_256 {
            return Err(Error::Algorithm(format!("impronta {} in una marca temporale", self.algorithm.oid)));
        }
        self.digest.as_bytes().try_into().map_err(|_| Error::TimeStamp("l'impronta non ha 32 byte".into()))
    }
}

impl Accuracy {
    fn span(&self) -> Result<Duration, Error> {
        let part = |value: Option<u16>| match value {
            None => Ok(0),
            Some(1..=999) => Ok(u64::from(value.unwrap_or_default())),
            Some(other) => Err(Error::TimeStamp(format!("accuracy con {other} millesimi"))),
        };
        let (millis, micros) = (part(self.millis)?, part(self.micros)?);
        let seconds = Duration::from_secs(self.seconds.unwrap_or_default().into());
        Ok(seconds + Duration::from_millis(millis) + Duration::from_micros(micros))
    }
}

/// `YYYYMMDDhhmmss[.s…]Z`, cut to milliseconds.
fn time(raw: &Any) -> Option<Timestamp> {
    let (whole, fraction) = raw.value().strip_suffix(b"Z")?.split_at_checked(14)?;
    let digits = match fraction {
        [] => fraction,
        [b'.', digits @ ..] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => digits,
        _ => return None,
    };
    let millis = digits.iter().chain(b"000").take(3).fold(0, |n, digit| n * 10 + u64::from(digit - b'0'));
    let whole = Time::from_der(&tlv(GENERALIZED_TIME, &[whole, b"Z"])).ok()?;
    (raw.tag() == Tag::GeneralizedTime).then(|| asn1::timestamp(&whole).plus(Duration::from_millis(millis)))
}

/// What a SEQUENCE of known length holds.
fn sequence(der: &[u8]) -> der::Result<&[u8]> {
    let any = AnyRef::from_der(der)?;
    any.tag().assert_eq(Tag::Sequence)?;
    Ok(any.value())
}

fn unreadable(e: der::Error) -> Error {
    Error::TimeStamp(e.to_string())
}
