//! Transport envelopes: taken charge of (RFC 6109 §3.2.1), or, with malware inside, answered to their provider (§3.2.3).

use std::collections::HashSet;
use std::time::Duration;

use sigillo_base::{Address, MailboxId, MsgId};
use sigillo_imap::Summary;
use sigillo_mime::Composed;
use sigillo_pec::incoming::Incoming;
use sigillo_pec::{Kind, ReceiptKind, Signed, compose};
use sigillo_store::{Rope, Store, transact};

use super::seen::{Fresh, mark};
use super::{Handed, Received, source};
use crate::deliver::{Delivery, Envelope};
use crate::fronts::Transaction;
use crate::quarantine::{Malware, Point};
use crate::rows::{ArrivalRow, FactsRow, Work, arrival_key, put_large};
use crate::stored::put_message;
use crate::summary::{self, put_summary};
use crate::{ATTEMPTS, Engine, Error, Fact, Rejected, queue};

/// Virus notices in one commit, in octets: a commit is bounded, and the log has a line for each that names all
/// recipients, as the notice does in base64.
const NOTICES_AT_ONCE: usize = sigillo_store::MAX_BATCH / 4;

/// Recipients of an envelope that are delivered to in the commit that takes charge of it: each is a signature that the
/// peer waits for, and the commit is bounded.
const AT_ONCE: usize = 8;

/// Everything that one commit of a take-charge writes, but deliveries.
struct Charge<'a> {
    handed: Handed<'a>,
    incoming: &'a Incoming,
    fresh: &'a Fresh,
    envelope: Envelope<'a>,
    composed: Composed,
    summary: Summary,
    receipt: Signed,
    receipt_msg: MsgId,
}

impl<S: Store> Engine<S> {
    pub(super) fn take_envelope(&self, handed: Handed<'_>, incoming: &Incoming) -> Result<Received, Rejected> {
        let id = incoming.certification.facts.id.clone();
        let signed = handed.mail.bytes.get(incoming.signed.clone()).unwrap_or_default();
        let fresh = self.fresh(&handed.mail.to, &incoming.message_id, signed)?;
        if fresh.rcpts.is_empty() {
            return Ok(Received::Again);
        }
        // Before anything is promised: who gets a virus notice gets no take-charge (pec rule 7).
        if let Some(malware) = self.scan_handed(handed)? {
            self.detect_virus(handed, incoming, &fresh, &malware)?;
            return Ok(Received::Infected(id));
        }
        self.take_charge(handed, incoming, &fresh)?;
        Ok(Received::TakenCharge(id))
    }

    fn take_charge(&self, handed: Handed<'_>, incoming: &Incoming, fresh: &Fresh) -> Result<(), Error> {
        let (facts, now) = (&incoming.certification.facts, handed.now);
        let (p, to) = (&self.provider, &incoming.mail_receipt);
        let draft = compose::take_charge(p, facts, now, self.new_pec_id(), to, &fresh.rcpts);
        let receipt = self.sign(draft, &[], now)?;
        let (composed, shift) = self.with_trace(handed.mail, facts.id.as_str(), now);
        let bytes = composed.to_bytes(&handed.mail.bytes);
        let summary = summary::of(&bytes);
        let (msg, receipt_msg) = (self.new_msg(), self.new_msg());
        let original = incoming.original.as_ref().map(|r| r.start + shift..r.end + shift);
        let envelope = Envelope { msg, facts, requested: incoming.requested, original, now };
        let deliveries = self.prepare_at_once(&envelope, &bytes, incoming, &fresh.rcpts);
        let mailboxes: Vec<MailboxId> = deliveries.iter().map(|d| d.mailbox).collect();
        let charge = Charge { handed, incoming, fresh, envelope, composed, summary, receipt, receipt_msg };
        let lanes = self.lanes.hold(&mailboxes);
        let done = self.commit_charge(&charge, &deliveries).or_else(|error| {
            if deliveries.is_empty() || matches!(error, Error::Store(sigillo_store::Error::Temporary(_))) {
                return Err(error);
            }
            // A mailbox that is damaged stops nobody else.
            tracing::warn!(pec_id = %facts.id, %error, "will be delivered later");
            self.commit_charge(&charge, &[])
        })?;
        drop(lanes);
        self.meter.note(Fact::Came(incoming.kind));
        self.meter.note(Fact::Issued(charge.receipt.kind));
        tracing::info!(pec_id = %facts.id, from = incoming.provider, rcpts = fresh.rcpts.len(), "taken charge");
        for delivery in done {
            self.tell_delivered(&charge.envelope, delivery);
            self.meter.note(Fact::Delivered(Duration::ZERO));
        }
        Ok(())
    }

    /// Takes charge, and delivers what is prepared; gives what it delivered. All others wait in the queue.
    fn commit_charge<'d>(&self, charge: &Charge<'_>, deliveries: &'d [Delivery]) -> Result<Vec<&'d Delivery>, Error> {
        let Charge { handed, incoming, fresh, envelope, composed, summary, receipt, receipt_msg } = charge;
        let Envelope { msg, facts, requested, now, .. } = *envelope;
        let arrival = ArrivalRow {
            facts: FactsRow::from(facts),
            requested: requested.as_str().into(),
            original: envelope.original.as_ref().map(|r| (r.start as u64, r.end as u64)),
        };
        transact(&self.store, ATTEMPTS, |tx| {
            let source = source(tx, *handed, None)?;
            let stored = put_message(tx, msg, composed, &source)?;
            put_summary(tx, msg, summary)?;
            self.log(tx, &incoming.certification, Kind::TransportEnvelope, facts.id.as_str(), now);
            self.send_notice(tx, receipt, *receipt_msg, &Rope::new(), facts, now)?;
            put_large(tx, &arrival_key(msg), &arrival)?;
            let mut done = Vec::new();
            for rcpt in &fresh.rcpts {
                mark(tx, &incoming.message_id, rcpt, &fresh.hash, now)?;
                match deliveries.iter().find(|d| d.rcpt == *rcpt) {
                    Some(delivery) if self.put_in_box(tx, envelope, &stored.rope, delivery)? => done.push(delivery),
                    _ => self.deliver_later(tx, envelope, rcpt, incoming.receipt_kind_for(rcpt))?,
                }
            }
            Ok(done)
        })
    }

    /// What is delivered in the commit that takes charge. A recipient for whom this is not ready waits in the queue.
    fn prepare_at_once(
        &self,
        envelope: &Envelope<'_>,
        bytes: &[u8],
        incoming: &Incoming,
        rcpts: &[Address],
    ) -> Vec<Delivery> {
        let few = envelope.facts.recipients.len().max(rcpts.len()) <= AT_ONCE;
        let mut ready = Vec::new();
        for rcpt in rcpts.iter().filter(|_| few) {
            let delivery = self.may_take(rcpt, envelope.now).and_then(|mailbox| {
                let prepare = |m| self.prepare_delivery(envelope, bytes, &m, rcpt, incoming.receipt_kind_for(rcpt));
                mailbox.ok().map(prepare).transpose()
            });
            match delivery {
                Ok(delivery) => ready.extend(delivery),
                Err(error) => tracing::warn!(pec_id = %envelope.facts.id, %rcpt, %error, "will be delivered later"),
            }
        }
        ready
    }

    /// Queues the delivery to one recipient.
    fn deliver_later(
        &self,
        tx: &mut Transaction<'_, S>,
        envelope: &Envelope<'_>,
        rcpt: &Address,
        issued: ReceiptKind,
    ) -> Result<(), Error> {
        let Envelope { msg, facts, now, .. } = *envelope;
        let work = Work::Deliver { msg: msg.0, rcpt: rcpt.as_str().into(), issued: issued.as_str().into() };
        let queued = queue::Queued { work, pec_id: &facts.id, owner: &facts.sender, require_tls: false };
        Ok(queue::enqueue(tx, self.ids.next_id(), queued, now)?)
    }

    /// One notice for each recipient to the sending provider, which tells its user; the envelope stays in the virus
    /// store. After a crash between two commits the peer's retry brings the recipients that are left.
    fn detect_virus(
        &self,
        handed: Handed<'_>,
        incoming: &Incoming,
        fresh: &Fresh,
        malware: &Malware,
    ) -> Result<(), Error> {
        let (facts, now) = (&incoming.certification.facts, handed.now);
        let number = (self.ids.next_id(), now);
        let named: HashSet<&Address> = handed.mail.to.iter().collect();
        // After a crash on the way the message is here already, and some of its recipients are answered.
        let mut first = fresh.rcpts.len() == named.len();
        let mut open = fresh.rcpts.as_slice();
        while !open.is_empty() {
            let (mut notices, mut size) = (Vec::new(), 0);
            while let [rcpt, rest @ ..] = open
                && size < NOTICES_AT_ONCE
            {
                let (p, id, to) = (&self.provider, self.new_pec_id(), &incoming.mail_receipt);
                let draft = compose::virus_detection(p, facts, now, id, to, rcpt, &malware.name);
                let notice = self.sign(draft, &[], now)?;
                size += notice.content.len();
                notices.push((rcpt, notice, self.new_msg()));
                open = rest;
            }
            transact(&self.store, ATTEMPTS, |tx| {
                if first {
                    self.quarantine(tx, number, Point::Envelope, handed.mail, malware, &facts.id)?;
                    self.log(tx, &incoming.certification, Kind::TransportEnvelope, facts.id.as_str(), now);
                }
                for (rcpt, notice, msg) in &notices {
                    mark(tx, &incoming.message_id, rcpt, &fresh.hash, now)?;
                    self.send_notice(tx, notice, *msg, &Rope::new(), facts, now)?;
                }
                Ok::<_, Error>(())
            })?;
            if std::mem::take(&mut first) {
                self.meter.note(Fact::Came(incoming.kind));
            }
            notices.iter().for_each(|(_, notice, _)| self.meter.note(Fact::Issued(notice.kind)));
        }
        let (from, malware) = (&incoming.provider, &malware.name);
        tracing::warn!(pec_id = %facts.id, from, malware, "infected envelope, its provider is told");
        Ok(())
    }
}
