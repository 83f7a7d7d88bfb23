//! The legal log (DPR 68/2005 art. 11; RFC 6109 §2.3; DM 2-11-2005 art. 10; pec rule 8): its lines ([`Entry`]), the
//! segment files they are kept in ([`SegmentReader`]), the rules that they must satisfy together ([`Checker`]), the proof of
//! it all ([`Verifier`]), and the count of the nine events ([`Count`]).
//!
//! The grammar is the one that provider engines exchange, with two additions: so that every line reads back to the same
//! record, in free texts `: ` is written `\: ` and a backslash twice; and `ricevuta_emessa` names the delivery receipt
//! that was issued where that is not the one asked for (a copy recipient's, RFC 6109 §3.3.2.1), since `tipo_ricevuta`
//! repeats `daticert.xml`, which says what was asked for. Lines without it read as before.
//! ```text
//! <time> sigillo <installation> [0]: <identificativo>: [queueid=<id>: ]tipo=<tipo> (<Class>): mittente=<addr>:
//!  destinatari=<addr> (certificato|esterno), …: oggetto=<text>: message-id=<id>: gestore=<name>
//!  [: tipo_ricevuta=<kind>][: ricevuta_emessa=<kind>][: consegna=<addr>][: ricezione=<addr>, …][: errore=<errore>][: errore-esteso=<text>]
//!  [: virus=<name>][: eccezioni=<text>]
//! ```
//! Service lines have the name of an event in place of the identifier: see [`ServiceEvent`].

mod consistency;
mod count;
mod line;
mod segment;
mod service;
mod standing;
mod verify;

#[cfg(test)]
mod tests;

pub use consistency::{Checker, Finding, Report};
pub use count::{Count, Event};
pub use segment::{Break, Segment, SegmentReader, chained, link};
pub use service::{Custody, ProofEvent, QueueOrder, Service, ServiceEvent, Stage};
pub use standing::Standing;
pub use verify::{Expected, Proof, Stamp, Verifier};

use sigillo_base::{Address, Timestamp};

use crate::{Certification, Error, Errore, Kind, ReceiptKind, Recipient};

/// One event: a system message that was issued or received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The transaction's one time.
    pub at: Timestamp,
    /// Which installation of the provider wrote it: letters, digits, `.`, `-`, `_`.
    pub installation: String,
    /// *identificativo*; empty for an anomaly envelope, which has none.
    pub id: String,
    /// The SMTP transaction, when there was one.
    pub queue: Option<String>,
    /// The class of event.
    pub kind: Kind,
    /// *mittente*; empty for an anomaly envelope with MAIL FROM `<>`.
    pub sender: String,
    /// *destinatari*: all recipients of the original.
    pub recipients: Vec<Recipient>,
    /// *oggetto*; `None` and empty are written alike and read as `None`.
    pub subject: Option<String>,
    /// The identifier of the message issued or received; empty for an anomaly envelope.
    pub message_id: String,
    /// *gestore*: who issued it.
    pub issuer: String,
    /// *tipo_ricevuta*
    pub receipt: Option<ReceiptKind>,
    /// *ricevuta_emessa*: the delivery receipt that was issued, where it is not the one asked for.
    pub issued: Option<ReceiptKind>,
    /// *consegna*
    pub delivered: Option<Address>,
    /// *ricezione*
    pub taken: Vec<Address>,
    /// *errore*; `nessuno` is not written.
    pub error: Option<Errore>,
    /// *errore-esteso*
    pub extended_error: Option<String>,
    /// *virus*: the malware's name.
    pub virus: Option<String>,
    /// *eccezioni*: why a message was taken for ordinary mail, or why a receipt proves nothing.
    pub exceptions: Option<String>,
}

impl Record {
    /// The record of a system message with certification data, issued or received.
    pub fn certified(
        at: Timestamp,
        installation: &str,
        kind: Kind,
        message_id: &str,
        certification: &Certification,
    ) -> Self {
        let c = certification;
        let virus = if c.error == Errore::Virus { c.extended_error.clone() } else { None };
        Self {
            at,
            installation: installation.to_owned(),
            id: c.facts.id.to_string(),
            queue: None,
            kind,
            sender: c.facts.sender.to_string(),
            recipients: c.facts.recipients.clone(),
            subject: c.facts.subject.clone().filter(|s| !s.is_empty()),
            message_id: message_id.to_owned(),
            issuer: c.issuer.clone(),
            receipt: c.receipt,
            issued: None,
            delivered: c.delivered.clone(),
            taken: c.taken.clone(),
            error: Some(c.error).filter(|e| *e != Errore::Nessuno),
            extended_error: if virus.is_some() { None } else { c.extended_error.clone() },
            virus,
            exceptions: None,
        }
    }

    /// The record of an anomaly envelope: nothing in it is certified.
    pub fn anomaly(
        at: Timestamp,
        installation: &str,
        mail_from: Option<&Address>,
        rcpts: &[Recipient],
        subject: Option<&str>,
        issuer: &str,
        why: &str,
    ) -> Self {
        Self {
            at,
            installation: installation.to_owned(),
            id: String::new(),
            queue: None,
            kind: Kind::AnomalyEnvelope,
            sender: mail_from.map(Address::to_string).unwrap_or_default(),
            recipients: rcpts.to_vec(),
            subject: subject.map(str::to_owned).filter(|s| !s.is_empty()),
            message_id: String::new(),
            issuer: issuer.to_owned(),
            receipt: None,
            issued: None,
            delivered: None,
            taken: Vec::new(),
            error: None,
            extended_error: None,
            virus: None,
            exceptions: Some(why.to_owned()),
        }
    }

    /// The line, without an end of line. Control characters of free texts become blanks or go.
    pub fn to_line(&self) -> String {
        line::write(self)
    }

    /// Reads a line.
    ///
    /// # Errors
    /// [`Error::Log`] says in Italian what is wrong.
    pub fn parse_line(text: &str) -> Result<Self, Error> {
        line::read(line::parts(text)?)
    }

    /// Whether it is a receipt that proves nothing: its provider does not serve the recipient it speaks of.
    pub fn proves_nothing(&self) -> bool {
        self.exceptions.is_some() && self.kind != Kind::AnomalyEnvelope
    }
}

/// A line of the legal log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A message was issued or received.
    Event(Box<Record>),
    /// Something happened to the log or to the service itself.
    Service(Service),
}

impl Entry {
    /// When.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Event(record) => record.at,
            Self::Service(service) => service.at,
        }
    }

    /// The line, without an end of line.
    pub fn to_line(&self) -> String {
        match self {
            Self::Event(record) => record.to_line(),
            Self::Service(service) => service.to_line(),
        }
    }

    /// Reads a line of either form. No identifier has a blank in it, and every service event begins with `PEC_` and a
    /// word after a blank, so the two are never taken for each other.
    ///
    /// # Errors
    /// [`Error::Log`] says in Italian what is wrong.
    pub fn parse_line(text: &str) -> Result<Self, Error> {
        let parts = line::parts(text)?;
        if parts.first.starts_with("PEC_") && parts.first.contains(' ') {
            return service::read(parts).map(Self::Service);
        }
        line::read(parts).map(|record| Self::Event(Box::new(record)))
    }
}
