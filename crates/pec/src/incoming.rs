//! The incoming point (*punto di ricezione*): what is this message from outside? (RFC 6109 §2.2.2; pec rule 1.5)
//!
//! Tests in the order of the rules: a signature is there; its certificate is in the directory; it is valid now; the
//! message has the form of its kind. Only a message that passes all four is certified. What fails the first three is
//! ordinary mail; what fails only the last comes from a provider and must be delivered, in an anomaly envelope.

pub(crate) mod form;
pub(crate) mod signature;

#[cfg(test)]
mod tests;

use std::ops::Range;

use sigillo_base::{Address, Timestamp};
use sigillo_mime::Header;
use sigillo_smime::{Certificate, Trust};

use crate::index::Index;
use crate::texts::odd;
use crate::{Certification, Kind, ReceiptKind};

/// What was received.
#[derive(Debug, Clone)]
pub enum Judgement {
    /// A valid transport envelope: take charge of it and deliver it.
    Envelope(Box<Incoming>),
    /// A valid receipt or notice: deliver it or act on it; never answer it with a receipt.
    Receipt(Box<Incoming>),
    /// Validly signed by a provider, but not what a certified message must be: deliver in an anomaly envelope.
    Malformed {
        /// The signing provider's name in the directory.
        provider: String,
        /// What is wrong, in Italian.
        reason: String,
    },
    /// Ordinary mail, whatever it says it is: refuse it or deliver it in an anomaly envelope, as the mailbox says.
    Ordinary {
        /// Why it is not certified, in Italian.
        reason: String,
    },
    /// A listed provider's signature that cannot be judged for want of a current revocation list: ask the peer to try
    /// again (SMTP 4xx).
    Undecided {
        /// What is missing, in Italian.
        reason: String,
    },
}

/// A certified message from a provider.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The content of `daticert.xml`.
    pub certification: Certification,
    /// The signing provider's name in the directory.
    pub provider: String,
    /// The signing provider's service mailbox: where take-charge receipts and virus notices go.
    pub mail_receipt: Address,
    /// The certificate that signed.
    pub signer: Certificate,
    /// The kind of message.
    pub kind: Kind,
    /// Its Message-ID, without angle brackets. An envelope's is the certified identifier.
    pub message_id: String,
    /// The delivery receipt asked for: `X-TipoRicevuta`, else what `daticert.xml` says, else complete.
    pub requested: ReceiptKind,
    /// The signed part as a range of the message: what makes it this message, whatever trace lines lie above.
    pub signed: Range<usize>,
    /// The content of `postacert.eml` as a range of the message.
    pub original: Option<Range<usize>>,
    /// Addresses in To:, the primary recipients; empty when the field cannot be read.
    pub primary: Vec<Address>,
    /// Addresses in Cc:; empty when the field cannot be read.
    pub copy: Vec<Address>,
}

impl Incoming {
    /// The receipt that a recipient of this envelope gets: a copy recipient a concise one, everybody else the one asked
    /// for. Who is in both fields or in none counts as primary (RFC 6109 §3.3.2.1).
    pub fn receipt_kind_for(&self, recipient: &Address) -> ReceiptKind {
        if self.copy.contains(recipient) && !self.primary.contains(recipient) {
            ReceiptKind::Concise
        } else {
            self.requested
        }
    }
}

/// Judges a received message. Pure and total: any bytes give a judgement.
///
/// `rcpts` are the recipients of this SMTP transaction at this provider. The message stands as it came over SMTP,
/// with or without trace lines on top.
pub fn judge(
    message: &[u8],
    mail_from: Option<&Address>,
    rcpts: &[Address],
    index: &Index,
    trust: &Trust,
    now: Timestamp,
) -> Judgement {
    let ordinary = |reason: &str| Judgement::Ordinary { reason: reason.to_owned() };
    let Ok(header) = Header::parse(message) else { return ordinary(odd::UNREADABLE) };
    let Ok(tree) = sigillo_mime::parse_outer(message) else { return ordinary(odd::UNREADABLE) };
    let signed = match signature::verified(message, &tree, mail_from, index, trust, now) {
        Ok(signed) => signed,
        Err(signature::Failure::Ordinary(reason)) => return ordinary(reason),
        Err(signature::Failure::Undecided(reason)) => return Judgement::Undecided { reason: reason.to_owned() },
    };
    let provider = signed.entry.name.clone();
    match form::check(message, &header, &signed, index) {
        Err(reason) => Judgement::Malformed { provider, reason },
        Ok(incoming) if incoming.kind != Kind::TransportEnvelope => Judgement::Receipt(Box::new(incoming)),
        Ok(incoming) => match form::check_envelope(&incoming, mail_from, rcpts) {
            Some(reason) => Judgement::Malformed { provider, reason: reason.to_owned() },
            None => Judgement::Envelope(Box::new(incoming)),
        },
    }
}
