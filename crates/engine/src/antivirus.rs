//! The port to the antivirus: every message that enters is scanned before anybody hears that it was taken
//! (RFC 6109 §2.2.1, §2.2.2; DPR 68/2005 art. 12).

/// A scanner of messages. Calls may block for as long as a scan takes, and are made from worker threads.
pub trait Antivirus: Send + Sync {
    /// Scans a whole message as it came over SMTP (attachments, archives inside them). Must not alter it.
    ///
    /// # Errors
    /// [`Unavailable`] when no verdict can be had now; the message is then neither clean nor infected.
    fn scan(&self, message: &[u8]) -> Result<Verdict, Unavailable>;
}

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Clean,
    /// Malware.
    Infected {
        /// The scanner's name for it: it stands in the notices (`Eicar-Test-Signature`).
        malware: String,
        /// Scanner and version of its signatures, for the quarantine record (`ClamAV 1.0.7/27500`).
        engine: String,
    },
}

/// No verdict: the scanner does not answer, is overloaded, or refused the message. The text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("antivirus: {0}")]
pub struct Unavailable(pub String);
