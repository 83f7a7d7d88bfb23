//! Why an authority gave no time-stamp, in words.

use std::fmt;

/// The longest text of an authority that is passed on, in characters.
const MAX_TEXT: usize = 300;

/// PKIStatus (RFC 3161 §2.4.2), by number.
const STATUS: [&str; 6] = [
    "concessa",
    "concessa con modifiche",
    "richiesta respinta",
    "richiesta in attesa",
    "avviso di revoca imminente",
    "avviso di revoca avvenuta",
];

/// PKIFailureInfo (RFC 3161 §2.4.2): bit, name, meaning.
const FAILURES: [(u32, &str, &str); 8] = [
    (0, "badAlg", "algoritmo non riconosciuto o non ammesso"),
    (2, "badRequest", "richiesta non permessa"),
    (5, "badDataFormat", "formato dei dati errato"),
    (14, "timeNotAvailable", "sorgente del tempo non disponibile"),
    (15, "unacceptedPolicy", "politica non ammessa"),
    (16, "unacceptedExtension", "estensione non ammessa"),
    (17, "addInfoNotAvailable", "informazione aggiuntiva non disponibile"),
    (25, "systemFailure", "guasto del sistema"),
];

/// What an authority answers in place of a time-stamp (RFC 3161 §2.4.2). Shown in Italian, with the authority's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// PKIStatus: 2 rejection, 3 waiting, 4 and 5 warnings of revocation.
    pub status: u8,
    /// PKIFailureInfo: its bit `n` is `1 << n` here.
    pub failure: u32,
    /// What the authority adds, in its language: one line of 300 characters at the most.
    pub text: String,
}

impl Refusal {
    pub(super) fn new(status: u8, failure: u32, texts: &[String]) -> Self {
        let visible = |c: char| if c.is_control() { ' ' } else { c };
        let text = texts.join("; ").chars().map(visible).take(MAX_TEXT).collect();
        Self { status, failure, text }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = STATUS.get(usize::from(self.status)).unwrap_or(&"stato sconosciuto");
        write!(f, "{status} (status {})", self.status)?;
        for (_, name, meaning) in FAILURES.iter().filter(|(bit, ..)| self.failure & 1 << bit != 0) {
            write!(f, ", {meaning} ({name})")?;
        }
        if !self.text.is_empty() {
            write!(f, ": «{}»", self.text)?;
        }
        Ok(())
    }
}
