//! Transport envelopes: taken charge of (RFC 6109 §3.2.1), or, with malware inside, answered to their provider (§3.2.3).

use std::collections::HashSet;

use sigillo_base::Address;
use sigillo_pec::incoming::Incoming;
use sigillo_pec::{Kind, compose};
use sigillo_store::{Rope, Store, transact};

use super::seen::{Fresh, mark};
use super::{Handed, Received, source};
use crate::quarantine::{Malware, Point};
use crate::rows::{ArrivalRow, FactsRow, Work, arrival_key, put_large};
use crate::stored::put_message;
use crate::summary::{self, put_summary};
use crate::{ATTEMPTS, Engine, Error, Fact, Rejected, queue};

/// Virus notices in one commit, in octets: a commit is bounded, and the log has a line for each that names all
/// recipients, as the notice does in base64.
const NOTICES_AT_ONCE: usize = sigillo_store::MAX_BATCH / 4;

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
        let summary = summary::of(&composed.to_bytes(&handed.mail.bytes));
        let (msg, receipt_msg) = (self.new_msg(), self.new_msg());
        let arrival = ArrivalRow {
            facts: FactsRow::from(facts),
            requested: incoming.requested.as_str().into(),
            original: incoming.original.as_ref().map(|r| ((r.start + shift) as u64, (r.end + shift) as u64)),
        };
        transact(&self.store, ATTEMPTS, |tx| {
            let source = source(tx, handed, None)?;
            put_message(tx, msg, &composed, &source)?;
            put_summary(tx, msg, &summary)?;
            put_large(tx, &arrival_key(msg), &arrival)?;
            for rcpt in &fresh.rcpts {
                mark(tx, &incoming.message_id, rcpt, &fresh.hash)?;
                let issued = incoming.receipt_kind_for(rcpt).as_str().to_owned();
                let work = Work::Deliver { msg: msg.0, rcpt: rcpt.as_str().into(), issued };
                let queued = queue::Queued { work, pec_id: &facts.id, owner: &facts.sender };
                queue::enqueue(tx, self.ids.next_id(), queued, now)?;
            }
            let sent = put_message(tx, receipt_msg, &receipt.content, &Rope::new())?;
            self.queue_notice(tx, &receipt, &sent, facts, now)?;
            let envelope = Kind::TransportEnvelope;
            self.log(tx, &incoming.certification, envelope, facts.id.as_str(), now);
            self.log_issued(tx, &receipt, now);
            Ok::<_, Error>(())
        })?;
        self.meter.note(Fact::Came(incoming.kind));
        self.meter.note(Fact::Issued(receipt.kind));
        tracing::info!(pec_id = %facts.id, from = incoming.provider, rcpts = fresh.rcpts.len(), "taken charge");
        self.bell.queue_changed();
        Ok(())
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
                    mark(tx, &incoming.message_id, rcpt, &fresh.hash)?;
                    let sent = put_message(tx, *msg, &notice.content, &Rope::new())?;
                    self.queue_notice(tx, notice, &sent, facts, now)?;
                    self.log_issued(tx, notice, now);
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
        self.bell.queue_changed();
        Ok(())
    }
}
