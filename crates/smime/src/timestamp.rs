//! Time-stamps (RFC 3161): the request to an authority, what it answers, and the token, which proves years later that
//! data was there at an instant. How request and answer travel is the caller's affair.

mod refusal;
mod syntax;

use std::fmt;
use std::time::Duration;

use const_oid::ObjectIdentifier;
use sigillo_base::Timestamp;

use crate::{Certificate, Error, SignedData, Trust, asn1};
pub use refusal::Refusal;
use syntax::{Answer, Info, Request};

/// id-ct-TSTInfo (RFC 3161 §2.4.2): the kind of content that a token signs.
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// The largest answer or token that is read, in bytes: with its certificates a real one has four to ten thousand.
const MAX_BYTES: usize = 64 * 1024;

/// A TimeStampReq in DER (RFC 3161 §2.4.1) for data whose SHA-256 is `digest`. It asks for the authority's certificate
/// in the token. `nonce` must be random and new: by it [`response`] knows an old answer.
pub fn request(digest: &[u8; 32], nonce: u64) -> Result<Vec<u8>, Error> {
    asn1::to_der(&Request::new(digest, nonce)?)
}

/// The token of a TimeStampResp (RFC 3161 §2.4.2) to [`request`] with the same arguments; [`Error::Refused`] when the
/// authority gave none. Whether the token is to be believed is another question: [`Token::verify`].
pub fn response(der: &[u8], digest: &[u8; 32], nonce: u64) -> Result<Token, Error> {
    let token = answered(der)?;
    if token.info.digest != *digest {
        return Err(Error::Imprint);
    }
    if token.info.nonce != Some(asn1::to_der(&nonce)?) {
        return Err(Error::Nonce);
    }
    Ok(token)
}

/// A granted TimeStampResp around a token: the form in which it lies beside a file, since that is what other programs
/// read (`openssl ts -verify -in`).
pub fn answer(token: &[u8]) -> Vec<u8> {
    let granted = asn1::tlv(asn1::SEQUENCE, &[&asn1::integer(&[0])]);
    asn1::tlv(asn1::SEQUENCE, &[&granted, token])
}

/// The token of a TimeStampResp that lies beside a file. Whether it is of that file, and to be believed, says
/// [`Token::verify`].
pub fn answered(der: &[u8]) -> Result<Token, Error> {
    let answer = Answer::read(bounded(der)?)?;
    if !answer.status.is_granted() {
        return Err(Error::Refused(answer.status.refusal()));
    }
    Token::parse(answer.token)
}

/// A TimeStampToken: data with this digest was there at this time, says an authority. Only SHA-256 digests are read.
pub struct Token {
    signed: SignedData,
    info: Info,
}

impl Token {
    /// Reads a token, DER or BER.
    pub fn parse(der_or_ber: &[u8]) -> Result<Self, Error> {
        let signed = SignedData::parse(bounded(der_or_ber)?)?;
        if *signed.content_type() != TST_INFO {
            return Err(Error::TimeStamp(format!("il contenuto è {}, non TSTInfo", signed.content_type())));
        }
        let content = signed.content().ok_or_else(|| Error::TimeStamp("TSTInfo manca".into()))?;
        Ok(Self { info: Info::read(content)?, signed })
    }

    /// The token in DER, to be kept beside the data.
    pub fn der(&self) -> &[u8] {
        self.signed.der()
    }

    /// The instant that the authority certifies (genTime), cut to milliseconds.
    pub fn time(&self) -> Timestamp {
        self.info.time
    }

    /// How far [`time`](Self::time) may be from the truth, either way; `None` when only the policy says so.
    pub fn accuracy(&self) -> Option<Duration> {
        self.info.accuracy
    }

    /// The token's number in upper-case hexadecimal, as [`Certificate::serial_hex`] writes numbers.
    pub fn serial_hex(&self) -> String {
        data_encoding::HEXUPPER.encode(&self.info.serial)
    }

    /// The policy under which it was issued: an object identifier in numbers.
    pub fn policy(&self) -> String {
        self.info.policy.to_string()
    }

    /// The SHA-256 of the data.
    pub fn digest(&self) -> &[u8; 32] {
        &self.info.digest
    }

    /// Checks that this is a time-stamp of `digest`, signed by an authority for time-stamps that [`Trust`] believes at
    /// [`time`](Self::time), and names the certificate under which it was signed (RFC 5816). Gives that certificate.
    pub fn verify(&self, digest: &[u8; 32], trust: &Trust) -> Result<Certificate, Error> {
        if self.info.digest != *digest {
            return Err(Error::Imprint);
        }
        if self.signed.uses_sha1() {
            return Err(Error::Algorithm("SHA-1 nella firma di una marca temporale".into()));
        }
        self.signed.verify(self.signed.content().unwrap_or_default())?;
        if !self.signed.names_its_certificate() {
            return Err(Error::Attributes("manca signingCertificate"));
        }
        let signer = self.signed.signer().ok_or(Error::NoSignerCertificate)?;
        trust.verify_time_stamping(signer, self.signed.certificates(), self.time())?;
        Ok(signer.clone())
    }
}

fn bounded(bytes: &[u8]) -> Result<&[u8], Error> {
    if bytes.len() > MAX_BYTES {
        return Err(Error::TimeStamp(format!("più di {MAX_BYTES} byte")));
    }
    Ok(bytes)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}, serial {}, {:?})", self.time(), self.serial_hex(), self.signed)
    }
}

#[cfg(test)]
mod tests;
