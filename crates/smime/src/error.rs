//! What can be wrong with a signature, a certificate or a key. The texts are for people.

use sigillo_base::{Said, Tell, said, told};

use crate::PathError;
use crate::timestamp::Refusal;

/// Why something could not be read, made or believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Not a certificate, or one that cannot be used.
    Certificate(String),
    /// Not a revocation list, or one whose rules are not understood (RFC 5280 §5.2: a critical extension).
    Crl(String),
    /// Not a private key that can sign.
    Key(String),
    /// The bytes are not CMS SignedData.
    Malformed(String),
    /// A certified message carries exactly one signer (RFC 6109 §2.1).
    SignerCount(usize),
    /// The signer's certificate is not inside (RFC 6109 §2.1 demands it).
    NoSignerCertificate,
    /// An algorithm that is not accepted; the text names it.
    Algorithm(String),
    /// A signed attribute is missing, doubled or contradicts the rest (RFC 5652 §5.3, §11).
    Attributes(&'static str),
    /// The content is not the one that was signed.
    Digest,
    /// The signature is not the signer's.
    Signature,
    /// Not a time-stamp, or no answer of a time-stamp authority (RFC 3161).
    TimeStamp(String),
    /// The authority answered, but gave no time-stamp.
    Refused(Refusal),
    /// The time-stamp is of other data.
    Imprint,
    /// The time-stamp answers another request: an old answer, perhaps played again.
    Nonce,
    /// The certificate of the time-stamp authority is not believed.
    Path(PathError),
    /// A structure could not be written, for instance because a name is too long.
    Compose(String),
}

/// What is in the parts stays as the log has it.
impl Tell for Error {
    fn said(&self) -> Said {
        match self {
            Self::Certificate(why) => {
                said!("certificato non utilizzabile: {why}", "certificate that cannot be used: {why}")
            }
            Self::Crl(why) => said!(
                "lista di revoca (CRL) non utilizzabile: {why}",
                "revocation list (CRL) that cannot be used: {why}"
            ),
            Self::Key(why) => said!("chiave privata non utilizzabile: {why}", "private key that cannot be used: {why}"),
            Self::Malformed(why) => said!(
                "busta di firma (CMS) non leggibile: {why}",
                "envelope of a signature (CMS) that cannot be read: {why}"
            ),
            Self::SignerCount(n) => said!(
                "la busta di firma contiene {n} firmatari invece di uno",
                "the envelope of the signature holds {n} signers instead of one"
            ),
            Self::NoSignerCertificate => said!(
                "il certificato di chi ha firmato non è nella busta di firma",
                "the signer's certificate is not in the envelope of the signature"
            ),
            Self::Algorithm(name) => said!("algoritmo non ammesso: {name}", "algorithm not accepted: {name}"),
            Self::Attributes(why) => said!("attributi firmati non validi: {why}", "signed attributes not valid: {why}"),
            Self::Digest => {
                said!("il contenuto non è quello che è stato firmato", "the content is not the one that was signed")
            }
            Self::Signature => {
                said!("la firma non corrisponde al certificato", "the signature does not match the certificate")
            }
            Self::TimeStamp(why) => {
                said!("marca temporale non leggibile: {why}", "time stamp that cannot be read: {why}")
            }
            Self::Refused(why) => said!(
                "l'autorità di marcatura temporale non ha dato la marca: {why}",
                "the time-stamp authority gave no time stamp: {why}"
            ),
            Self::Imprint => said!(
                "la marca temporale è di altri dati (impronta diversa)",
                "the time stamp is of other data (another hash)"
            ),
            Self::Nonce => said!(
                "la marca temporale non risponde a questa richiesta (nonce diverso)",
                "the time stamp does not answer this request (another nonce)"
            ),
            Self::Path(why) => {
                let Said { it, en } = why.said();
                said!("autorità di marcatura temporale: {it}", "time-stamp authority: {en}")
            }
            Self::Compose(why) => {
                said!("non è possibile comporre la struttura: {why}", "the structure cannot be composed: {why}")
            }
        }
    }
}

told!(Error);

impl From<PathError> for Error {
    fn from(why: PathError) -> Self {
        Self::Path(why)
    }
}
