//! The incoming point (*punto di ricezione*): what other providers send is judged, scanned, taken charge of, and routed
//! (RFC 6109 §3.2). One durable commit, then the answer.

mod anomaly;
mod envelope;
mod receipt;
mod report;
mod screen;
mod seen;

pub use screen::{Fate, Screened};

use std::ops::Range;

use sigillo_base::{Address, MsgId, PecId, Timestamp};
use sigillo_mime::{Composed, Header};
use sigillo_pec::incoming::{Incoming, Judgement, judge};
use sigillo_pec::{Facts, Signed};
use sigillo_store::{Rope, Store};

use crate::front::Arrived;
use crate::fronts::Transaction;
use crate::quarantine::Malware;
use crate::rows::{Carried, Work};
use crate::stored::{put_body, put_message};
use crate::{Engine, Error, Fact, Rejected, queue};

/// Received fields of a message that still goes somewhere; more are a loop (RFC 5321 §6.3; pec rule 6).
const MAX_HOPS: usize = 100;

/// What became of a message that another server handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A valid transport envelope: taken charge of.
    TakenCharge(PecId),
    /// A valid transport envelope with malware inside: its provider is told for each recipient, nobody gets it.
    Infected(PecId),
    /// A valid receipt or notice: stored, and counted where it speaks of a message of ours.
    Receipt(PecId),
    /// Not certified, or of wrong form: delivered in an anomaly envelope.
    Anomaly,
    /// The same bytes for the same recipients were here before, their answer was lost on the way.
    Again,
    /// A bounce to the service address: nobody reads those (pec rule 6).
    Swallowed,
}

/// A message that was handed over, as the parts of the incoming point see it.
#[derive(Clone, Copy)]
struct Handed<'a> {
    mail: &'a Arrived,
    /// Where its bytes are, when they are stored already: sender and recipient share the provider.
    stored: Option<&'a Rope>,
    now: Timestamp,
}

impl<S: Store> Engine<S> {
    /// Whether reception takes mail from this sender for a recipient. Only for our domains.
    ///
    /// A sender of a certified domain is heard to the end, since a certified message to an unknown mailbox is answered by
    /// a signed notice, not by SMTP (pec rule 1.5); so is the null sender. Ordinary mail is refused here, recipient by
    /// recipient, where no mailbox wants it: one answer for boxes that do not exist and boxes that do not take it, so
    /// that nobody learns which is which.
    ///
    /// # Errors
    /// 550 for other domains, 554 for who takes no ordinary mail; 451 while nothing is accepted
    /// ([`Engine::set_accepting`]).
    pub fn may_receive(&self, from: Option<&Address>, rcpt: &Address) -> Result<(), Rejected> {
        self.accepting()?;
        if !self.is_local(rcpt.domain()) {
            let text = format!("Il dominio {} non è servito da questo gestore", rcpt.domain());
            return Err(Rejected::refused(550, (5, 7, 1), text));
        }
        if !rcpt.is_ascii() {
            // No mailbox is called so: told at once, whoever sends, since no certified notice could name it.
            return Err(unwanted(rcpt, None));
        }
        if !self.is_ordinary(from) {
            return Ok(());
        }
        match self.find_mailbox(rcpt)? {
            Some(mailbox) if self.takes_ordinary(rcpt, &mailbox)? => Ok(()),
            _ => Err(unwanted(rcpt, None)),
        }
    }

    /// Whether a sender is of no certified domain; the null sender counts as certified.
    pub(crate) fn is_ordinary(&self, from: Option<&Address>) -> bool {
        from.is_some_and(|from| self.current.read().index.provider_of(from.domain()).is_none())
    }

    /// Takes a message from another server. When it returns, the answer's facts are durable.
    ///
    /// # Errors
    /// [`Rejected::Refused`] for what is not taken, [`Rejected::Fault`] when nothing was done.
    pub fn receive(&self, mail: &Arrived, now: Timestamp) -> Result<Received, Rejected> {
        self.accepting()?;
        let hops = Header::parse(&mail.bytes).map_or(0, |header| header.all("Received").count());
        if hops > MAX_HOPS {
            tracing::warn!(hops, from = ?mail.from, "mail loop broken");
            let text = format!("Troppi passaggi ({hops}, al più {MAX_HOPS}): il messaggio gira a vuoto");
            return Err(Rejected::refused(554, (5, 4, 6), text));
        }
        self.take_in(mail, None, now)
    }

    /// The same for a message that is stored already, when sender and recipient share the provider.
    pub(crate) fn take_in(&self, mail: &Arrived, stored: Option<&Rope>, now: Timestamp) -> Result<Received, Rejected> {
        let answer = self.judge_and_take(mail, stored, now);
        self.meter.note(Fact::Reception((&answer).into()));
        answer
    }

    fn judge_and_take(&self, mail: &Arrived, stored: Option<&Rope>, now: Timestamp) -> Result<Received, Rejected> {
        let current = self.current();
        let handed = Handed { mail, stored, now };
        let judgement = judge(&mail.bytes, mail.from.as_ref(), &mail.to, &current.index, &current.trust, now);
        self.meter.note(Fact::Judged((&judgement).into()));
        match judgement {
            Judgement::Envelope(incoming) if self.is_forged(handed, &incoming) => {
                self.take_malformed(handed, &incoming.provider, "identificativo di un altro gestore")
            }
            Judgement::Envelope(incoming) => self.take_envelope(handed, &incoming),
            Judgement::Receipt(incoming) => self.take_receipt(handed, &incoming),
            Judgement::Malformed { provider, reason } => self.take_malformed(handed, &provider, &reason),
            Judgement::Ordinary { .. } if mail.from.is_none() && self.is_for_service(&mail.to) => {
                tracing::info!("bounce to the service address swallowed");
                Ok(Received::Swallowed)
            }
            Judgement::Ordinary { reason } => self.take_ordinary(handed, &reason),
            Judgement::Undecided { reason } => {
                tracing::warn!(reason, "cannot judge now");
                Err(Rejected::refused(451, (4, 7, 5), format!("Verifica della firma non possibile ora: {reason}")))
            }
        }
    }

    /// An identifier of ours, given by somebody else: only what we accepted has one, and that comes from ourselves.
    fn is_forged(&self, handed: Handed<'_>, incoming: &Incoming) -> bool {
        let id = incoming.certification.facts.id.as_str();
        let ours = id.rsplit_once('@').is_some_and(|(_, d)| d.eq_ignore_ascii_case(self.service_domain.as_str()));
        ours && handed.stored.is_none()
    }

    fn is_for_service(&self, rcpts: &[Address]) -> bool {
        rcpts.iter().all(|r| *r == self.provider.service_address)
    }

    /// Scans what came from outside. What one of our users sent was scanned at the access point a moment ago, and what
    /// we issued ourselves carries nothing else.
    fn scan_handed(&self, handed: Handed<'_>) -> Result<Option<Malware>, Rejected> {
        if handed.stored.is_some() { Ok(None) } else { self.scan(&handed.mail.bytes) }
    }

    /// The message as it goes into mailboxes: only trace lines on top, every other byte as it came.
    fn with_trace(&self, mail: &Arrived, id: &str, now: Timestamp) -> (Composed, usize) {
        let from = mail.from.as_ref().map(Address::as_str).unwrap_or_default();
        let trace = format!("Return-Path: <{from}>\r\n{}", mail.received(&self.host, id, now));
        let shift = trace.len();
        let mut composed = Composed::default();
        composed.own(trace);
        composed.source(0..mail.bytes.len());
        (composed, shift)
    }

    /// Stores a receipt or notice of ours about this transaction, with its line in the log, and queues it to its
    /// recipients' provider. `source` is what its ranges refer to.
    pub(crate) fn send_notice(
        &self,
        tx: &mut Transaction<'_, S>,
        notice: &Signed,
        msg: MsgId,
        source: &Rope,
        facts: &Facts,
        now: Timestamp,
    ) -> Result<(), Error> {
        let stored = put_message(tx, msg, &notice.content, source)?;
        for rcpt in &notice.rcpt_to {
            let work = Work::Relay {
                domain: rcpt.domain().as_str().into(),
                local: self.is_local(rcpt.domain()),
                from: notice.mail_from.as_ref().map(|a| a.as_str().into()),
                rcpts: vec![rcpt.as_str().into()],
                msg: stored.id.0,
                size: stored.size,
                eight_bit: notice.eight_bit,
                what: Carried::Notice,
            };
            // Evidence is owed, whatever the other server offers; it goes under TLS anyway.
            let queued = queue::Queued { work, pec_id: &facts.id, owner: &facts.sender, require_tls: false };
            queue::enqueue(tx, self.ids.next_id(), queued, now)?;
        }
        self.log_issued(tx, notice, now);
        Ok(())
    }
}

fn unknown(rcpt: &Address) -> Rejected {
    Rejected::refused(550, (5, 1, 1), format!("Casella {rcpt} sconosciuta"))
}

/// The answer to ordinary mail, whether the mailbox does not exist or does not take it; with the reason once there is
/// a message to judge.
fn unwanted(rcpt: &Address, reason: Option<&str>) -> Rejected {
    let mut text = format!(
        "{rcpt}: Messaggio rifiutato dal sistema. Indirizzo destinatario sconosciuto o non abilitato alla ricezione di \
         posta non certificata"
    );
    if let Some(reason) = reason {
        text += &format!(" ({reason})");
    }
    Rejected::refused(554, (5, 7, 1), text)
}

/// The received bytes at rest: where they are already, or a new body. An original enclosed in a receipt becomes a body
/// of its own: the sender's provider has it already, so a hundred complete receipts store it no second time.
fn source<S: Store>(
    tx: &mut Transaction<'_, S>,
    handed: Handed<'_>,
    enclosed: Option<&Range<usize>>,
) -> Result<Rope, sigillo_store::Error> {
    let bytes = &handed.mail.bytes;
    let parts = enclosed.and_then(|r| Some((bytes.get(..r.start)?, bytes.get(r.clone())?, bytes.get(r.end..)?)));
    match (handed.stored, parts) {
        (Some(rope), _) => Ok(rope.clone()),
        (None, None) => put_body(tx, bytes),
        (None, Some((before, original, after))) => {
            let mut rope = Rope::new();
            rope.push(before);
            rope.append(&put_body(tx, original)?);
            rope.push(after);
            Ok(rope)
        }
    }
}
