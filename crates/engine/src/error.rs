//! What can go wrong in a use-case: a refusal is an answer for the peer, a fault is ours.

use sigillo_base::{Said, Tell, said};
use sigillo_smtp::Reply;

/// A fault of ours. For the peer it is a 4xx; nothing was half done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store cannot do it now, or a row is damaged.
    #[error("store: {0}")]
    Store(#[from] sigillo_store::Error),
    /// The signing key cannot be used now.
    #[error("firma: {0}")]
    Sign(#[from] sigillo_smime::SignError),
    /// A notice or envelope could not be made.
    #[error("composizione: {0}")]
    Pec(#[from] sigillo_pec::Error),
    /// An administrative request that cannot be carried out; the text is for the administrator.
    #[error("{}", .0.it)]
    Invalid(Said),
}

impl Tell for Error {
    fn said(&self) -> Said {
        match self {
            Self::Invalid(why) => why.clone(),
            Self::Store(fault) => said!("store: {fault}", "store: {fault}"),
            // What is behind a fault of ours stays as the log has it.
            Self::Sign(fault) => said!("firma: {fault}", "signature: {fault}"),
            Self::Pec(fault) => said!("composizione: {fault}", "composition: {fault}"),
        }
    }
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    /// The peer's doing: this answer.
    #[error("{}", .0.text.join(" "))]
    Refused(Reply),
    /// Ours: the peer should try again.
    #[error(transparent)]
    Fault(#[from] Error),
}

impl From<sigillo_store::Error> for Rejected {
    fn from(e: sigillo_store::Error) -> Self {
        Self::Fault(e.into())
    }
}

impl Rejected {
    /// A refusal with its code, enhanced code and text.
    pub fn refused(code: u16, enhanced: (u8, u8, u8), text: impl Into<String>) -> Self {
        Self::Refused(Reply::new(code, enhanced, text))
    }

    /// The answer on the wire. Of a fault the peer learns only that it should try again.
    pub fn reply(&self) -> Reply {
        match self {
            Self::Refused(reply) => reply.clone(),
            Self::Fault(_) => Reply::new(451, (4, 3, 0), "Errore temporaneo del sistema, riprovare"),
        }
    }
}
