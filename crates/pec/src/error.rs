//! What can go wrong in applying the rules.

use sigillo_base::{Said, Tell, said, told};

/// Why a message, a certification, a directory or a log line could not be made or read.
/// The texts are Italian where a person reads them.
#[derive(Debug)]
pub enum Error {
    /// A message that is not what RFC 5322 and MIME allow.
    Message(sigillo_mime::Error),
    /// A certificate or a CMS structure.
    Smime(sigillo_smime::Error),
    /// The signer refused or failed; it says whether trying again helps.
    Sign(sigillo_smime::SignError),
    /// The signature was made for another draft.
    ForeignSignature,
    /// `daticert.xml` is not well-formed, or not what the DTD of RFC 6109 §4.4 allows.
    Certification(String),
    /// The range given for the original does not lie inside the source.
    Range,
    /// A directory file (RFC 2849) that cannot be taken over.
    Ldif {
        /// Line of the file, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The directory's signature.
    Index(Said),
    /// A line that is not a record of the legal log.
    Log(String),
}

/// What is in the parts stays as the log has it.
impl Tell for Error {
    fn said(&self) -> Said {
        match self {
            Self::Message(why) => said!("messaggio non conforme: {why}", "message not by the rules: {why}"),
            Self::Smime(why) => {
                let Said { it, en } = why.said();
                said!("firma: {it}", "signature: {en}")
            }
            Self::Sign(why) => said!("firma non apposta: {why}", "not signed: {why}"),
            Self::ForeignSignature => said!("firma di un altro messaggio", "signature of another message"),
            Self::Certification(why) => said!("daticert.xml: {why}", "daticert.xml: {why}"),
            Self::Range => said!("l'originale non è nel messaggio", "the original is not in the message"),
            Self::Ldif { line, reason } => {
                said!("indice dei gestori, riga {line}: {reason}", "directory of providers, line {line}: {reason}")
            }
            Self::Index(Said { it, en }) => said!("indice dei gestori: {it}", "directory of providers: {en}"),
            Self::Log(why) => said!("riga del log legale: {why}", "line of the legal log: {why}"),
        }
    }
}

told!(Error);

impl From<sigillo_mime::Error> for Error {
    fn from(why: sigillo_mime::Error) -> Self {
        Self::Message(why)
    }
}

impl From<sigillo_smime::Error> for Error {
    fn from(why: sigillo_smime::Error) -> Self {
        Self::Smime(why)
    }
}

impl From<sigillo_smime::SignError> for Error {
    fn from(why: sigillo_smime::SignError) -> Self {
        Self::Sign(why)
    }
}

impl Error {
    /// Whether the same call may succeed later: only the signer's temporary failures.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Sign(e) if e.temporary)
    }
}
