//! The incoming point (*punto di ricezione*): what other providers send is judged, taken charge of, and routed
//! (RFC 6109 §3.2). One durable commit, then the answer.

use std::ops::Range;

use data_encoding::HEXLOWER;
use sigillo_accounts::Mailbox;
use sigillo_base::{Address, MailboxId, PecId, Timestamp};
use sigillo_mime::Composed;
use sigillo_pec::incoming::{Incoming, Judgement, judge};
use sigillo_pec::log::Record;
use sigillo_pec::{Kind, Recipient, RecipientClass, compose};
use sigillo_store::{Rope, Store, Transaction, transact};

use crate::front::Arrived;
use crate::rows::{ArrivalRow, Carried, FactsRow, Outcome, Work, arrival_key, decode, encode, put_large, received_key};
use crate::stored::{Place, archive, post, put_body, put_message};
use crate::{Engine, Error, Rejected, deadlines, queue, submit};

/// What became of a message that another server handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A valid transport envelope: taken charge of.
    TakenCharge(PecId),
    /// A valid receipt or notice: stored, and counted where it speaks of a message of ours.
    Receipt(PecId),
    /// A provider's message of wrong form: delivered in an anomaly envelope.
    Anomaly,
    /// The same bytes for the same recipients were here before, their answer was lost on the way.
    Again,
    /// A bounce to the service address: nobody reads those (pec rule 6).
    Swallowed,
}

impl<S: Store> Engine<S> {
    /// Whether reception takes mail for this address at all: only for our domains. An unknown mailbox of ours is taken,
    /// since a certified message to it is answered by a signed notice, not by SMTP (pec rule 1.5).
    ///
    /// # Errors
    /// 550 for other domains: nothing is relayed.
    pub fn may_receive(&self, rcpt: &Address) -> Result<(), Rejected> {
        self.accepting()?;
        if self.is_local(rcpt.domain()) {
            return Ok(());
        }
        Err(Rejected::refused(550, (5, 7, 1), format!("Il dominio {} non è servito da questo gestore", rcpt.domain())))
    }

    /// Takes a message from another server. When it returns, the answer's facts are durable.
    ///
    /// # Errors
    /// [`Rejected::Refused`] for what is not certified mail, [`Rejected::Fault`] when nothing was done.
    pub fn receive(&self, mail: &Arrived, now: Timestamp) -> Result<Received, Rejected> {
        self.take_in(mail, None, now)
    }

    /// The same for a message that is stored already, when sender and recipient share the provider.
    pub(crate) fn take_in(&self, mail: &Arrived, stored: Option<&Rope>, now: Timestamp) -> Result<Received, Rejected> {
        let current = self.current();
        match judge(&mail.bytes, mail.from.as_ref(), &mail.to, &current.index, &current.trust, now) {
            Judgement::Envelope(incoming) => self.take_charge(mail, stored, &incoming, now),
            Judgement::Receipt(incoming) => self.take_receipt(mail, stored, &incoming, now),
            Judgement::Malformed { provider, reason } => {
                tracing::warn!(provider, reason, "malformed message of a provider, goes on in an anomaly envelope");
                self.take_anomaly(mail, stored, &reason, now)
            }
            Judgement::Ordinary { .. } if mail.from.is_none() && self.is_for_service(&mail.to) => {
                tracing::info!("bounce to the service address swallowed");
                Ok(Received::Swallowed)
            }
            Judgement::Ordinary { reason } => {
                tracing::info!(reason, "ordinary mail refused");
                let text = "Messaggio rifiutato dal sistema. Indirizzo destinatario sconosciuto o non abilitato alla \
                            ricezione di posta non certificata";
                Err(Rejected::refused(554, (5, 7, 1), format!("{text} ({reason})")))
            }
            Judgement::Undecided { reason } => {
                tracing::warn!(reason, "cannot judge now");
                Err(Rejected::refused(451, (4, 7, 5), format!("Verifica della firma non possibile ora: {reason}")))
            }
        }
    }

    fn is_for_service(&self, rcpts: &[Address]) -> bool {
        rcpts.iter().all(|r| *r == self.provider.service_address)
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

    fn take_charge(
        &self,
        mail: &Arrived,
        stored: Option<&Rope>,
        incoming: &Incoming,
        now: Timestamp,
    ) -> Result<Received, Rejected> {
        let facts = &incoming.certification.facts;
        let (fresh, hash) = self.fresh(mail, &incoming.message_id)?;
        if fresh.is_empty() {
            return Ok(Received::Again);
        }
        let provider = &self.provider;
        let draft = compose::take_charge(provider, facts, now, self.new_pec_id(), &incoming.mail_receipt, &fresh);
        let receipt = self.sign(draft, &[], now)?;
        let (composed, shift) = self.with_trace(mail, facts.id.as_str(), now);
        let (msg, receipt_msg) = (self.new_msg(), self.new_msg());
        let arrival = ArrivalRow {
            facts: FactsRow::from(facts),
            requested: incoming.requested.as_str().into(),
            original: incoming.original.as_ref().map(|r| ((r.start + shift) as u64, (r.end + shift) as u64)),
        };
        transact(&self.store, 8, |tx| {
            let source = source(tx, mail, stored, None)?;
            put_message(tx, msg, &composed, &source)?;
            put_large(tx, &arrival_key(msg), &arrival)?;
            for rcpt in &fresh {
                mark(tx, &incoming.message_id, rcpt, &hash)?;
                let issued = incoming.receipt_kind_for(rcpt).as_str().to_owned();
                let work = Work::Deliver { msg: msg.0, rcpt: rcpt.as_str().into(), issued };
                queue::enqueue(tx, self.ids.next_id(), work, &facts.id, now);
            }
            let sent = put_message(tx, receipt_msg, &receipt.content, &Rope::new())?;
            self.queue_notice(tx, &receipt, sent.id.0, sent.size, &facts.id, now);
            let envelope = Kind::TransportEnvelope;
            self.log(tx, &incoming.certification, envelope, facts.id.as_str(), now);
            self.log_issued(tx, &receipt, now);
            Ok::<_, Error>(())
        })?;
        tracing::info!(pec_id = %facts.id, from = incoming.provider, rcpts = fresh.len(), "taken charge");
        self.bell.queue_changed();
        Ok(Received::TakenCharge(facts.id.clone()))
    }

    /// Queues a notice of ours to its recipients' provider.
    pub(crate) fn queue_notice(
        &self,
        tx: &mut Transaction<'_, S>,
        notice: &sigillo_pec::Signed,
        msg: u128,
        size: u64,
        id: &PecId,
        now: Timestamp,
    ) {
        for rcpt in &notice.rcpt_to {
            let work = Work::Relay {
                domain: rcpt.domain().as_str().into(),
                local: self.is_local(rcpt.domain()),
                from: notice.mail_from.as_ref().map(|a| a.as_str().into()),
                rcpts: vec![rcpt.as_str().into()],
                msg,
                size,
                eight_bit: notice.eight_bit,
                what: Carried::Notice,
            };
            queue::enqueue(tx, self.ids.next_id(), work, id, now);
        }
    }

    fn take_receipt(
        &self,
        mail: &Arrived,
        stored: Option<&Rope>,
        incoming: &Incoming,
        now: Timestamp,
    ) -> Result<Received, Rejected> {
        let id = &incoming.certification.facts.id;
        let boxes = self.receipt_boxes(mail, incoming.kind)?;
        let (fresh, hash) = self.fresh(mail, &incoming.message_id)?;
        if fresh.is_empty() {
            return Ok(Received::Again);
        }
        let (composed, _) = self.with_trace(mail, id.as_str(), now);
        let msg = self.new_msg();
        let _lanes = self.lanes.hold(&boxes.iter().map(|(_, m)| MailboxId(m.id)).collect::<Vec<_>>());
        transact(&self.store, 8, |tx| {
            let source = source(tx, mail, stored, incoming.original.as_ref())?;
            let message = put_message(tx, msg, &composed, &source)?;
            for (_, mailbox) in boxes.iter().filter(|(rcpt, _)| fresh.contains(rcpt)) {
                let place = Place::inbox(MailboxId(mailbox.id), now);
                post(tx, &place, message.id, message.size)?;
                archive(tx, MailboxId(mailbox.id), now, message.id);
            }
            for rcpt in &fresh {
                mark(tx, &incoming.message_id, rcpt, &hash)?;
            }
            self.advance(tx, incoming)?;
            self.log(tx, &incoming.certification, incoming.kind, &incoming.message_id, now);
            Ok::<_, Error>(())
        })?;
        tracing::info!(pec_id = %id, kind = incoming.kind.as_str(), from = incoming.provider, "receipt stored");
        for (_, mailbox) in &boxes {
            self.bell.mailbox_changed(MailboxId(mailbox.id));
        }
        Ok(Received::Receipt(id.clone()))
    }

    /// The mailboxes a receipt goes to. Take-charge receipts and virus notices go to the service mailbox and nowhere
    /// else (RFC 6109 §2.2.5); an unknown mailbox is refused in SMTP, for a receipt is never answered by a notice.
    fn receipt_boxes(&self, mail: &Arrived, kind: Kind) -> Result<Vec<(Address, Mailbox)>, Rejected> {
        let service_only = matches!(kind, Kind::TakeCharge | Kind::VirusDetection);
        let mut boxes = Vec::new();
        for rcpt in &mail.to {
            if service_only && *rcpt != self.provider.service_address {
                return Err(Rejected::refused(550, (5, 7, 1), "Ricevuta destinata alla sola casella di servizio"));
            }
            match self.find_mailbox(rcpt)? {
                Some(mailbox) => boxes.push((rcpt.clone(), mailbox)),
                None => return Err(Rejected::refused(550, (5, 1, 1), format!("Casella {rcpt} sconosciuta"))),
            }
        }
        Ok(boxes)
    }

    /// What a receipt proves about a message of ours. Only the provider of a recipient may speak of him: a valid
    /// signature of somebody else moves nothing.
    fn advance(&self, tx: &mut Transaction<'_, S>, incoming: &Incoming) -> Result<(), Error> {
        let c = &incoming.certification;
        let Some(sent) = submit::sent(&self.store, &c.facts.id)? else { return Ok(()) };
        let about: Vec<&Address> = match incoming.kind {
            Kind::TakeCharge => c.taken.iter().collect(),
            Kind::Delivery | Kind::NonDelivery | Kind::NonDeliveryVirus => c.delivered.iter().collect(),
            _ => Vec::new(),
        };
        let index = self.current().index;
        for rcpt in about {
            if index.provider_of(rcpt.domain()).is_none_or(|p| p.name != incoming.provider) {
                tracing::warn!(pec_id = %c.facts.id, %rcpt, from = incoming.provider, "receipt of another's recipient");
                continue;
            }
            let Some(mut row) = submit::dispatch(tx, &c.facts.id, rcpt)? else { continue };
            match (incoming.kind, row.outcome) {
                (Kind::TakeCharge, _) => row.taken = true,
                (Kind::Delivery, _) => (row.taken, row.outcome) = (true, Some(Outcome::Delivered)),
                (_, None) => row.outcome = Some(Outcome::Failed),
                _ => {}
            }
            deadlines::write(tx, &c.facts.id, rcpt, row, Timestamp::from_millis(sent.at))?;
        }
        Ok(())
    }

    /// A provider's message of wrong form must go on, in an anomaly envelope (pec rule 1.5).
    fn take_anomaly(
        &self,
        mail: &Arrived,
        stored: Option<&Rope>,
        reason: &str,
        now: Timestamp,
    ) -> Result<Received, Rejected> {
        let hash = sigillo_smime::sha256(&mail.bytes);
        let dedup = format!("anomaly {}", HEXLOWER.encode(&hash));
        let (fresh, _) = self.fresh(mail, &dedup)?;
        if fresh.is_empty() {
            return Ok(Received::Again);
        }
        // Only who has not got it yet: a repeat for some of the recipients is no second copy for the others.
        let mut boxes = Vec::new();
        for rcpt in &fresh {
            match self.find_mailbox(rcpt)? {
                Some(mailbox) => boxes.push(MailboxId(mailbox.id)),
                None => return Err(Rejected::refused(550, (5, 1, 1), format!("Casella {rcpt} sconosciuta"))),
            }
        }
        let (p, from) = (&self.provider, mail.from.as_ref());
        let draft = compose::anomaly_envelope(p, now, self.new_pec_id(), from, &mail.to, &mail.bytes, reason);
        let envelope = self.sign(draft.map_err(Error::from)?, &mail.bytes, now)?;
        let subject = sigillo_mime::Header::parse(&mail.bytes).ok().and_then(|h| h.text("Subject"));
        let rcpts: Vec<Recipient> =
            mail.to.iter().map(|a| Recipient { address: a.clone(), class: RecipientClass::Certified }).collect();
        let record = Record::anomaly(now, &self.host, from, &rcpts, subject.as_deref(), &p.name, reason);
        let msg = self.new_msg();
        let _lanes = self.lanes.hold(&boxes);
        transact(&self.store, 8, |tx| {
            let source = source(tx, mail, stored, None)?;
            let message = put_message(tx, msg, &envelope.content, &source)?;
            for mailbox in &boxes {
                let place = Place::inbox(*mailbox, now);
                post(tx, &place, message.id, message.size)?;
                archive(tx, *mailbox, now, message.id);
            }
            for rcpt in &fresh {
                mark(tx, &dedup, rcpt, &hash)?;
            }
            self.log_record(tx, &record, now);
            Ok::<_, Error>(())
        })?;
        boxes.iter().for_each(|m| self.bell.mailbox_changed(*m));
        Ok(Received::Anomaly)
    }

    /// The recipients for whom these bytes under this Message-ID are new, and their hash. The same identifier with
    /// other bytes is another message: nothing is lost to a name.
    fn fresh(&self, mail: &Arrived, message_id: &str) -> Result<(Vec<Address>, [u8; 32]), Error> {
        let hash = sigillo_smime::sha256(&mail.bytes);
        let mut fresh: Vec<Address> = Vec::new();
        for rcpt in &mail.to {
            let key = received_key(message_id, rcpt);
            let before: Option<Vec<[u8; 32]>> =
                self.store.get(key.as_ref())?.map(|value| decode(&key, &value)).transpose()?;
            if !before.is_some_and(|hashes| hashes.contains(&hash)) && !fresh.contains(rcpt) {
                fresh.push(rcpt.clone());
            }
        }
        Ok((fresh, hash))
    }
}

/// Remembers that these bytes were taken for this recipient; two commits of the same message meet here.
fn mark<S: Store>(tx: &mut Transaction<'_, S>, message_id: &str, rcpt: &Address, hash: &[u8; 32]) -> Result<(), Error> {
    let key = received_key(message_id, rcpt);
    let mut hashes: Vec<[u8; 32]> = match tx.get(&key)? {
        Some(value) => decode(&key, &value)?,
        None => Vec::new(),
    };
    if hashes.contains(hash) {
        // Two connections carried the same message at once: the other one has won; the peer's retry finds it.
        return Err(sigillo_store::Error::Temporary("the same message is being received".into()).into());
    }
    hashes.push(*hash);
    tx.put(&key, encode(&hashes));
    Ok(())
}

/// The received bytes at rest: where they are already, or a new body. An original enclosed in a receipt becomes a body
/// of its own: the sender's provider has it already, so a hundred complete receipts store it no second time.
fn source<S: Store>(
    tx: &mut Transaction<'_, S>,
    mail: &Arrived,
    stored: Option<&Rope>,
    enclosed: Option<&Range<usize>>,
) -> Result<Rope, sigillo_store::Error> {
    let bytes = &mail.bytes;
    match (stored, enclosed.and_then(|r| Some((bytes.get(..r.start)?, bytes.get(r.clone())?, bytes.get(r.end..)?)))) {
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
