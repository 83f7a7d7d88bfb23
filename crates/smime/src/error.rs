//! What can be wrong with a signature, a certificate or a key. The texts are for people.

use crate::PathError;
use crate::timestamp::Refusal;

/// Why something could not be read, made or believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a certificate, or one that cannot be used.
    #[error("certificato non utilizzabile: {0}")]
    Certificate(String),
    /// Not a revocation list, or one whose rules are not understood (RFC 5280 §5.2: a critical extension).
    #[error("lista di revoca (CRL) non utilizzabile: {0}")]
    Crl(String),
    /// Not a private key that can sign.
    #[error("chiave privata non utilizzabile: {0}")]
    Key(String),
    /// The bytes are not CMS SignedData.
    #[error("busta di firma (CMS) non leggibile: {0}")]
    Malformed(String),
    /// A certified message carries exactly one signer (RFC 6109 §2.1).
    #[error("la busta di firma contiene {0} firmatari invece di uno")]
    SignerCount(usize),
    /// The signer's certificate is not inside (RFC 6109 §2.1 demands it).
    #[error("il certificato di chi ha firmato non è nella busta di firma")]
    NoSignerCertificate,
    /// An algorithm that is not accepted; the text names it.
    #[error("algoritmo non ammesso: {0}")]
    Algorithm(String),
    /// A signed attribute is missing, doubled or contradicts the rest (RFC 5652 §5.3, §11).
    #[error("attributi firmati non validi: {0}")]
    Attributes(&'static str),
    /// The content is not the one that was signed.
    #[error("il contenuto non è quello che è stato firmato")]
    Digest,
    /// The signature is not the signer's.
    #[error("la firma non corrisponde al certificato")]
    Signature,
    /// Not a time-stamp, or no answer of a time-stamp authority (RFC 3161).
    #[error("marca temporale non leggibile: {0}")]
    TimeStamp(String),
    /// The authority answered, but gave no time-stamp.
    #[error("l'autorità di marcatura temporale non ha dato la marca: {0}")]
    Refused(Refusal),
    /// The time-stamp is of other data.
    #[error("la marca temporale è di altri dati (impronta diversa)")]
    Imprint,
    /// The time-stamp answers another request: an old answer, perhaps played again.
    #[error("la marca temporale non risponde a questa richiesta (nonce diverso)")]
    Nonce,
    /// The certificate of the time-stamp authority is not believed.
    #[error("autorità di marcatura temporale: {0}")]
    Path(#[from] PathError),
    /// A structure could not be written, for instance because a name is too long.
    #[error("non è possibile comporre la struttura: {0}")]
    Compose(String),
}
