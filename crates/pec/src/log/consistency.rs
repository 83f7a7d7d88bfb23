//! Whether the lines of a log agree with each other (pec rule 8.4, in the words of the engine those rules come from).
//!
//! Rules A, B and C, for each identifier; non-acceptances and anomaly envelopes are left out. Where the rules leave
//! something open:
//! - *sent* is what our users sent: its identifier is of our service domain, since only the sender's provider gives
//!   one; everything else was *received*;
//! - a message is told by class and `message-id`: what one provider issued and received itself stands in its log twice
//!   and is one; two take-charge receipts are two names;
//! - all lines of an envelope bear the same name, the identifier: one that came in several SMTP transactions has a line
//!   for each, of the same time as the take-charge or virus notices that answer it, and is one. The lines of another time
//!   are those of who issued it: two of them, at two times, are two envelopes;
//! - a recipient closed by the notice after 24 hours, or by our own notice after SMTP failed, needs neither take-charge
//!   nor another outcome (rules 3 and 6); an infected one no take-charge (rule 3);
//! - our own notice about an *external* recipient is no incoherence (rule 5): it is what his failure becomes;
//! - what is missing in a message that began less than 24 hours before `now` is not missing yet: the message is *open*;
//! - a message whose beginning lies before the period is *cut* and not judged. That is one without acceptance and
//!   envelope whose first line stands in the first days of the period; receipts are handed over for as long;
//! - a receipt with an exception (`eccezioni`: its provider does not serve the recipient) proves nothing and is left out;
//! - nothing is said of a message whose sender or recipients are incoherent but that (as that engine does).
//!
//! Memory: for each message that is not settled about a hundred bytes, sixteen for each message-id and an address with
//! its counters for each recipient (a thousand at most). [`Checker::settle`] judges and forgets what cannot change any
//! more, so that who feeds a log in its order needs the memory of a week, whatever the period.

mod judge;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sigillo_base::{Address, Domain, Timestamp};

use super::{Entry, Record, ServiceEvent};
use crate::{Kind, Recipient, RecipientClass};

/// Until then an outcome may be missing (RFC 6109 §3.1.6).
const OPEN: Duration = Duration::from_secs(24 * 3600);
/// So long after its beginning something may still be logged about a message: a day in transfer, five days in which a
/// receipt is tried, a day of room.
const TAIL: Duration = Duration::from_secs(7 * 24 * 3600);

/// The class and message-id of a message, as a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Name([u8; 16]);

impl Name {
    pub(super) fn of(record: &Record) -> Self {
        let mut hasher = sigillo_smime::Hasher::new();
        hasher.update(record.kind.class().as_bytes());
        hasher.update(&[0]);
        hasher.update(record.message_id.as_bytes());
        let mut name = [0; 16];
        name.copy_from_slice(&hasher.finish()[..16]);
        Self(name)
    }
}

/// A rule that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{id}: {text}{}", .recipient.as_ref().map(|r| format!(" ({r})")).unwrap_or_default())]
pub struct Finding {
    /// *identificativo*
    pub id: String,
    /// The exception in the words of pec rule 8.4.
    pub text: &'static str,
    /// The recipient it is about, if it is about one.
    pub recipient: Option<Address>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rules that do not hold, by identifier.
    pub findings: Vec<Finding>,
    /// Messages judged.
    pub messages: u64,
    /// Of these, messages that wait for something and may.
    pub open: u64,
    /// Messages that began before the period, not judged.
    pub cut: u64,
}

/// Judges a log, line by line, in any order.
#[derive(Debug)]
pub struct Checker {
    from: Option<Timestamp>,
    now: Option<Timestamp>,
    latest: Timestamp,
    service: HashSet<Domain>,
    domains: HashSet<Domain>,
    messages: HashMap<Box<str>, Message>,
    report: Report,
}

/// What the log says about one message.
#[derive(Debug)]
struct Message {
    sender: Box<str>,
    /// All recipients, then whoever else is named.
    parties: Vec<Party>,
    /// How many of them are recipients.
    recipients: usize,
    other_sender: bool,
    other_recipients: bool,
    first: Timestamp,
    last: Timestamp,
    seen: HashSet<Name>,
    acceptances: u32,
    /// When an envelope was issued or received.
    envelopes: HashSet<Timestamp>,
    /// When we accepted the message: the time of the envelope that we issued.
    accepted: HashSet<Timestamp>,
    /// When one was answered by who received it.
    answered: HashSet<Timestamp>,
    /// *gestore* of the acceptance: ourselves.
    ours: Option<Box<str>>,
}

/// What the log says about one recipient of one message.
#[derive(Debug)]
struct Party {
    address: Address,
    /// `None` for who is no recipient.
    class: Option<RecipientClass>,
    taken: u32,
    delivered: u32,
    /// `errore-consegna`, with those for malware.
    failed: u32,
    failed_virus: u32,
    virus: u32,
    /// The notice after 24 hours was issued.
    presumed: bool,
    /// Who issued the last `errore-consegna`.
    failed_by: Option<Box<str>>,
}

impl Checker {
    /// Begins. `from` is the beginning of the period, `None` when the log begins with it; `now` its end, or the present,
    /// `None` when that is the time of the last line.
    pub fn new(from: Option<Timestamp>, now: Option<Timestamp>) -> Self {
        Self {
            from,
            now,
            latest: Timestamp::default(),
            service: HashSet::new(),
            domains: HashSet::new(),
            messages: HashMap::new(),
            report: Report::default(),
        }
    }

    /// Whose log it is: the domain of his identifiers, and domains with mailboxes of his. Lines that open a segment say
    /// the same, and those of a configuration which domains were added since. Without a list of domains, who took part at the receiving side counts as ours (rule C).
    pub fn own(&mut self, service: &Domain, domains: impl IntoIterator<Item = Domain>) {
        self.service.insert(service.clone());
        self.domains.extend(domains);
    }

    /// Takes a line.
    pub fn entry(&mut self, entry: &Entry) {
        match entry {
            Entry::Event(record) => self.record(record),
            Entry::Service(service) => {
                self.latest = self.latest.max(service.at);
                match &service.event {
                    ServiceEvent::Open { service, domains, .. } => self.own(service, domains.iter().cloned()),
                    ServiceEvent::Configured { domains, .. } => self.domains.extend(domains.iter().cloned()),
                    _ => {}
                }
            }
        }
    }

    /// Takes a record.
    pub fn record(&mut self, record: &Record) {
        self.latest = self.latest.max(record.at);
        let left_out = matches!(record.kind, Kind::NonAcceptance | Kind::NonAcceptanceVirus | Kind::AnomalyEnvelope);
        if left_out || record.id.is_empty() || record.proves_nothing() {
            return;
        }
        match self.messages.get_mut(record.id.as_str()) {
            Some(message) => message.take(record),
            None => {
                let mut message = Message::new(record);
                message.take(record);
                self.messages.insert(record.id.as_str().into(), message);
            }
        }
    }

    /// Judges and forgets the messages about which nothing can be logged any more, when everything up to `until` was
    /// taken.
    pub fn settle(&mut self, until: Timestamp) {
        let settled = |m: &Message| until.since(m.last) > TAIL;
        for (id, message) in self.messages.extract_if(|_, m| settled(m)).collect::<Vec<_>>() {
            self.judge(&id, &message);
        }
    }

    /// Judges what is left.
    pub fn finish(mut self) -> Report {
        for (id, message) in std::mem::take(&mut self.messages) {
            self.judge(&id, &message);
        }
        self.report.findings.sort_by(|a, b| a.id.cmp(&b.id));
        self.report
    }
}

impl Message {
    fn new(record: &Record) -> Self {
        Self {
            sender: record.sender.as_str().into(),
            parties: record.recipients.iter().map(|r| Party::new(&r.address, Some(r.class))).collect(),
            recipients: record.recipients.len(),
            other_sender: false,
            other_recipients: false,
            first: record.at,
            last: record.at,
            seen: HashSet::new(),
            acceptances: 0,
            envelopes: HashSet::new(),
            accepted: HashSet::new(),
            answered: HashSet::new(),
            ours: None,
        }
    }

    fn take(&mut self, record: &Record) {
        self.first = self.first.min(record.at);
        self.last = self.last.max(record.at);
        self.other_sender |= !self.sender.eq_ignore_ascii_case(&record.sender);
        self.other_recipients |= !self.same_recipients(&record.recipients);
        match record.kind {
            Kind::TransportEnvelope => self.envelopes.insert(record.at),
            Kind::Acceptance => self.accepted.insert(record.at),
            Kind::TakeCharge | Kind::VirusDetection => self.answered.insert(record.at),
            _ => false,
        };
        if !self.seen.insert(Name::of(record)) {
            return;
        }
        match record.kind {
            Kind::Acceptance => {
                self.acceptances += 1;
                self.ours = Some(record.issuer.as_str().into());
            }
            Kind::TransportEnvelope => {}
            Kind::TakeCharge => record.taken.iter().for_each(|r| self.party(r).taken += 1),
            Kind::VirusDetection => {
                // An older engine names the recipients in `ricezione`.
                record.delivered.iter().chain(&record.taken).for_each(|r| self.party(r).virus += 1);
            }
            kind => {
                let Some(rcpt) = &record.delivered else { return };
                let party = self.party(rcpt);
                match kind {
                    Kind::Delivery => party.delivered += 1,
                    Kind::NonDelivery | Kind::NonDeliveryVirus => {
                        party.failed += 1;
                        party.failed_virus += u32::from(kind == Kind::NonDeliveryVirus);
                        party.failed_by = Some(record.issuer.as_str().into());
                    }
                    Kind::Overdue24h => party.presumed = true,
                    _ => {}
                }
            }
        }
    }

    /// How many envelopes there are, however often they were received.
    fn envelopes(&self) -> usize {
        let issued = |at: &&Timestamp| self.accepted.contains(at) || !self.answered.contains(at);
        self.envelopes.iter().filter(issued).count().max(self.envelopes.len().min(1))
    }

    fn same_recipients(&self, others: &[Recipient]) -> bool {
        let own = self.parties.get(..self.recipients).unwrap_or_default();
        let same = |p: &Party, r: &Recipient| p.address == r.address && p.class == Some(r.class);
        if own.len() == others.len() && own.iter().zip(others).all(|(p, r)| same(p, r)) {
            return true;
        }
        // In another order they are the same recipients.
        let key = |address: &Address, class: Option<RecipientClass>| (address.key(), class.map(RecipientClass::as_str));
        let ours: HashSet<_> = own.iter().map(|p| key(&p.address, p.class)).collect();
        ours == others.iter().map(|r| key(&r.address, Some(r.class))).collect()
    }

    fn party(&mut self, address: &Address) -> &mut Party {
        let at = self.parties.iter().position(|p| p.address == *address).unwrap_or_else(|| {
            self.parties.push(Party::new(address, None));
            self.parties.len() - 1
        });
        &mut self.parties[at]
    }
}

impl Party {
    fn new(address: &Address, class: Option<RecipientClass>) -> Self {
        Self {
            address: address.clone(),
            class,
            taken: 0,
            delivered: 0,
            failed: 0,
            failed_virus: 0,
            virus: 0,
            presumed: false,
            failed_by: None,
        }
    }
}
