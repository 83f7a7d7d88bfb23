//! What a session is told about the messages, and why something was not done.

/// The messages as they were at the login; numbered from 1 in this order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Maildrop {
    /// With it a UID is never another message's (RFC 3501 §2.3.1.1).
    pub uid_validity: u32,
    /// Ascending by UID.
    pub messages: Vec<Message>,
}

/// One message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Its number, for ever.
    pub uid: u32,
    /// Octets.
    pub size: u32,
}

/// Octets of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// From where they were asked for.
    pub bytes: Vec<u8>,
    /// Nothing follows them.
    pub last: bool,
}

/// Why a login was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginRefusal {
    /// Unknown user or wrong password.
    Credentials,
    /// The credentials are right, but nobody comes in by them: why.
    Denied(String),
    /// Too many failures, or connections: why.
    Limit(String),
    /// Another session has the maildrop (RFC 1939 §4).
    InUse,
    /// It could not be checked.
    Unavailable,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The message is there no more: somebody else has removed it.
    Gone,
    /// It may be possible later.
    Temporary,
    /// Nobody but the operator can help.
    Permanent,
    /// The user may not do this, or no longer: his rights in the folder are another's to change.
    Denied,
}

impl LoginRefusal {
    /// Response code (RFC 2449 §8.1.1, RFC 3206 §4) and sentence.
    pub(crate) fn says(&self) -> (&'static str, &str) {
        match self {
            Self::Credentials => ("AUTH", "Utente o password errati"),
            Self::Denied(why) => ("AUTH", why),
            Self::Limit(why) => ("SYS/TEMP", why),
            Self::InUse => ("IN-USE", "La casella è già aperta da un'altra sessione POP3"),
            Self::Unavailable => ("SYS/TEMP", "Accesso momentaneamente non possibile, riprovare"),
        }
    }
}

impl Refusal {
    /// Response code (RFC 3206 §4), if there is one for it, and sentence.
    pub(crate) fn says(&self) -> (Option<&'static str>, &'static str) {
        match self {
            Self::Gone => (None, "Il messaggio non c'è più"),
            Self::Temporary => (Some("SYS/TEMP"), "Momentaneamente non possibile, riprovare"),
            Self::Denied => (Some("SYS/PERM"), "Operazione non consentita dai diritti sulla INBOX"),
            Self::Permanent => (Some("SYS/PERM"), "Archivio danneggiato: avvisare il gestore"),
        }
    }
}
