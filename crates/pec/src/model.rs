//! The vocabulary of certification.

use std::fmt;

use sigillo_base::{Address, PecId};

/// The certified-mail provider (*gestore*) that issues a notice or an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Descriptive name, as `gestore-emittente` shows it (RFC 6109 §4.4).
    pub name: String,
    /// `posta-certificata@…`: the From of everything the provider issues; equal to the SAN of its certificate
    /// (RFC 6109 §2.1).
    pub service_address: Address,
    /// Whether an English translation stands below the Italian of everything that people read.
    pub english: bool,
}

/// Whether a recipient's domain is listed in the directory of providers (RFC 6109 §2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecipientClass {
    /// *certificato*: a certified mailbox; receipts and deadlines apply.
    Certified,
    /// *esterno*: ordinary mail; the envelope goes out and nothing is certified about its arrival.
    External,
}

impl RecipientClass {
    /// The value of `destinatari/@tipo`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certified => "certificato",
            Self::External => "esterno",
        }
    }

    /// Reads the value of `destinatari/@tipo`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Certified, Self::External].into_iter().find(|c| c.as_str() == text)
    }
}

/// One recipient of a certified message, as RCPT TO gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address, in the spelling it was given.
    pub address: Address,
    /// Certified or external, decided at acceptance and never again.
    pub class: RecipientClass,
}

/// The three delivery receipts (RFC 6109 §3.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReceiptKind {
    /// *completa*: carries the original.
    Complete,
    /// *breve*: carries the original with attachments replaced by their hashes.
    Brief,
    /// *sintetica*: carries no original.
    Concise,
}

impl ReceiptKind {
    /// The word of `X-TipoRicevuta` and of `ricevuta/@tipo`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "completa",
            Self::Brief => "breve",
            Self::Concise => "sintetica",
        }
    }

    /// Reads `X-TipoRicevuta`: blanks around and case do not count; `None` when it is none of the three words.
    pub fn parse(text: &str) -> Option<Self> {
        let kinds = [Self::Complete, Self::Brief, Self::Concise];
        kinds.into_iter().find(|k| text.trim().eq_ignore_ascii_case(k.as_str()))
    }
}

impl fmt::Display for ReceiptKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What certification data say of one certified message. They come from SMTP, never from the header, save for
/// subject, reply address and the client's identifier (RFC 6109 §2.1, §4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// MAIL FROM.
    pub sender: Address,
    /// Every RCPT TO, in the order given: the complete list in every notice, also in one about a single recipient.
    pub recipients: Vec<Recipient>,
    /// `risposte`: the addresses of Reply-To joined by commas, or the sender's when the original has none.
    pub reply_to: String,
    /// The decoded subject; `None` when the original has no Subject field.
    pub subject: Option<String>,
    /// *identificativo*: the identifier given by the access point.
    pub id: PecId,
    /// The client's own Message-ID with its angle brackets; `None` when the client wrote none.
    pub msgid: Option<String>,
}

impl Facts {
    /// The recipients whose domain is certified: those that receipts and deadlines are about.
    pub fn certified(&self) -> impl Iterator<Item = &Address> {
        self.recipients.iter().filter(|r| r.class == RecipientClass::Certified).map(|r| &r.address)
    }
}
