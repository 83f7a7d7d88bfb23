//! What can go wrong in applying the rules.

/// Why a message, a certification, a directory or a log line could not be made or read.
/// The texts are Italian where a person reads them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A message that is not what RFC 5322 and MIME allow.
    #[error("messaggio non conforme: {0}")]
    Message(#[from] sigillo_mime::Error),
    /// A certificate or a CMS structure.
    #[error("firma: {0}")]
    Smime(#[from] sigillo_smime::Error),
    /// The signer refused or failed; it says whether trying again helps.
    #[error("firma non apposta: {0}")]
    Sign(#[from] sigillo_smime::SignError),
    /// The signature was made for another draft.
    #[error("firma di un altro messaggio")]
    ForeignSignature,
    /// `daticert.xml` is not well-formed, or not what the DTD of RFC 6109 §4.4 allows.
    #[error("daticert.xml: {0}")]
    Certification(String),
    /// The range given for the original does not lie inside the source.
    #[error("l'originale non è nel messaggio")]
    Range,
    /// A directory file (RFC 2849) that cannot be taken over.
    #[error("indice dei gestori, riga {line}: {reason}")]
    Ldif {
        /// Line of the file, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The directory's signature.
    #[error("indice dei gestori: {0}")]
    Index(String),
    /// A line that is not a record of the legal log.
    #[error("riga del log legale: {0}")]
    Log(String),
}

impl Error {
    /// Whether the same call may succeed later: only the signer's temporary failures.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Sign(e) if e.temporary)
    }
}
