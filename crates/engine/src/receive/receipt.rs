//! Receipts and notices of other providers: filed, and counted where they speak of a message of ours.

use std::collections::BTreeSet;

use sigillo_accounts::Mailbox;
use sigillo_base::{Address, MailboxId, MsgId, Timestamp};
use sigillo_pec::incoming::Incoming;
use sigillo_pec::log::Record;
use sigillo_pec::{Facts, Kind, ReceiptKind, Signed, compose};
use sigillo_store::{Store, transact};

use super::seen::mark;
use super::{Handed, Received, source, unknown};
use crate::front::Arrived;
use crate::fronts::Transaction;
use crate::notices::Came;
use crate::quarantine::Point;
use crate::rows::{Outcome, SentRow, sent_key};
use crate::stored::{archive, post, put_message};
use crate::summary::{self, put_summary};
use crate::{ATTEMPTS, Engine, Error, Fact, Rejected, deadlines, filing, submit};

/// What our user is told when another provider found malware in his message (RFC 6109 §3.2.4).
struct Told {
    rcpt: Address,
    notice: Signed,
    msg: MsgId,
}

impl<S: Store> Engine<S> {
    pub(super) fn take_receipt(&self, handed: Handed<'_>, incoming: &Incoming) -> Result<Received, Rejected> {
        let Handed { mail, now, .. } = handed;
        let id = &incoming.certification.facts.id;
        let boxes = self.receipt_boxes(mail, incoming.kind)?;
        let signed = mail.bytes.get(incoming.signed.clone()).unwrap_or_default();
        let fresh = self.fresh(&mail.to, &incoming.message_id, signed)?;
        if fresh.rcpts.is_empty() {
            return Ok(Received::Again);
        }
        let malware = self.scan_handed(handed)?;
        if let Some(malware) = &malware {
            let (from, malware) = (&incoming.provider, &malware.name);
            tracing::error!(pec_id = %id, from, malware, "infected receipt: kept from the mailbox, its evidence counts");
        }
        let sent = submit::sent(&self.store, id)?;
        let told = match &sent {
            Some(sent) => self.told(incoming, sent, now)?,
            None => Vec::new(),
        };
        let (composed, _) = self.with_trace(mail, id.as_str(), now);
        let summary = summary::of(&composed.to_bytes(&mail.bytes));
        let (msg, quarantine_id) = (self.new_msg(), self.ids.next_id());
        let mut touched: BTreeSet<u64> = boxes.iter().map(|(_, m)| m.id).collect();
        touched.extend(sent.as_ref().map(|sent| sent.mailbox));
        let touched: Vec<MailboxId> = touched.into_iter().map(MailboxId).collect();
        let _lanes = self.lanes.hold(&touched);
        let issued = transact(&self.store, ATTEMPTS, |tx| {
            if let Some(malware) = &malware {
                self.quarantine(tx, (quarantine_id, now), Point::Receipt, mail, malware, id)?;
            } else {
                let source = source(tx, handed, incoming.original.as_ref())?;
                let message = put_message(tx, msg, &composed, &source)?;
                put_summary(tx, msg, &summary)?;
                for (_, mailbox) in boxes.iter().filter(|(rcpt, _)| fresh.rcpts.contains(rcpt)) {
                    let place = filing::place(tx, MailboxId(mailbox.id), now)?;
                    post(tx, &place, message.id, message.size)?;
                    self.note_arrival(tx, MailboxId(mailbox.id), message.id, Came::Receipt, now)?;
                    archive(tx, MailboxId(mailbox.id), now, message.id);
                }
            }
            for rcpt in &fresh.rcpts {
                mark(tx, &incoming.message_id, rcpt, &fresh.hash, now)?;
            }
            self.log_record(tx, &self.received(incoming, now), now);
            match &sent {
                Some(sent) => self.advance(tx, incoming, sent, &told, now),
                None => Ok(Vec::new()),
            }
        })?;
        if let Some(sent) = &sent {
            self.show_proofs(MailboxId(sent.mailbox), sent.facts.msgid(), id);
        }
        self.tally(incoming, sent.as_ref(), &issued, now);
        tracing::info!(pec_id = %id, kind = incoming.kind.as_str(), from = incoming.provider, "receipt stored");
        touched.iter().for_each(|m| self.bell.mailbox_changed(*m));
        Ok(Received::Receipt(id.clone()))
    }

    fn tally(&self, incoming: &Incoming, sent: Option<&SentRow>, issued: &[Kind], now: Timestamp) {
        self.meter.note(Fact::Came(incoming.kind));
        issued.iter().for_each(|kind| self.meter.note(Fact::Issued(*kind)));
        if let (Kind::Delivery, Some(sent)) = (incoming.kind, sent) {
            let since = now.since(Timestamp::from_millis(sent.at));
            self.about(incoming).iter().for_each(|_| self.meter.note(Fact::Confirmed(since)));
        }
    }

    /// The row of a receipt that came in. A delivery receipt without an original is concise, whatever was asked for.
    fn received(&self, incoming: &Incoming, now: Timestamp) -> Record {
        let (kind, id) = (incoming.kind, incoming.message_id.as_str());
        let mut record = Record::certified(now, &self.host, kind, id, &incoming.certification);
        let concise = kind == Kind::Delivery && incoming.original.is_none();
        record.issued = Some(ReceiptKind::Concise).filter(|k| concise && record.receipt != Some(*k));
        if self.speaks_of_others(incoming) {
            record.exceptions = Some(NOT_ITS_OWN.to_owned());
        }
        record
    }

    /// The mailboxes a receipt goes to. Take-charge receipts and virus notices go to the service mailbox and nowhere
    /// else, and nothing else goes there (RFC 6109 §2.2.5); an unknown mailbox is refused in SMTP, for a receipt is never
    /// answered by a notice.
    fn receipt_boxes(&self, mail: &Arrived, kind: Kind) -> Result<Vec<(Address, Mailbox)>, Rejected> {
        let between_providers = matches!(kind, Kind::TakeCharge | Kind::VirusDetection);
        let mut boxes = Vec::new();
        for rcpt in &mail.to {
            match (between_providers, *rcpt == self.provider.service_address) {
                (true, false) => {
                    return Err(Rejected::refused(550, (5, 7, 1), "Ricevuta destinata alla sola casella di servizio"));
                }
                (false, true) => {
                    return Err(Rejected::refused(550, (5, 7, 1), "Ricevuta non destinata alla casella di servizio"));
                }
                _ => {}
            }
            let mailbox = self.find_mailbox(rcpt)?.ok_or_else(|| unknown(rcpt))?;
            boxes.push((rcpt.clone(), mailbox));
        }
        Ok(boxes)
    }

    /// The recipients a receipt speaks of, as far as its provider may speak of them: a valid signature of somebody else moves nothing.
    fn about<'i>(&self, incoming: &'i Incoming) -> Vec<&'i Address> {
        let mut named = named(incoming);
        named.retain(|rcpt| self.may_speak(incoming, rcpt));
        named
    }

    fn may_speak(&self, incoming: &Incoming, rcpt: &Address) -> bool {
        self.current().index.serves(&incoming.signer, rcpt.domain())
    }

    fn speaks_of_others(&self, incoming: &Incoming) -> bool {
        named(incoming).into_iter().any(|rcpt| !self.may_speak(incoming, rcpt))
    }

    /// The notices that a virus notice demands: one for each recipient that is not closed by evidence yet.
    fn told(&self, incoming: &Incoming, sent: &SentRow, now: Timestamp) -> Result<Vec<Told>, Error> {
        if incoming.kind != Kind::VirusDetection {
            return Ok(Vec::new());
        }
        let id = &incoming.certification.facts.id;
        let facts: Facts = sent.facts.facts(sent_key(id))?;
        let malware = incoming.certification.extended_error.as_deref().unwrap_or("sconosciuto");
        tracing::error!(pec_id = %id, malware, from = incoming.provider, "malware that our antivirus let through");
        let mut told = Vec::new();
        for rcpt in self.about(incoming) {
            let draft = compose::non_delivery_virus(&self.provider, &facts, now, self.new_pec_id(), rcpt, malware);
            told.push(Told { rcpt: rcpt.clone(), notice: self.sign(draft, &[], now)?, msg: self.new_msg() });
        }
        Ok(told)
    }

    /// What a receipt proves about a message of ours, recipient by recipient. Gives the kinds of the notices that the
    /// sender gets for it.
    fn advance(
        &self,
        tx: &mut Transaction<'_, S>,
        incoming: &Incoming,
        sent: &SentRow,
        told: &[Told],
        now: Timestamp,
    ) -> Result<Vec<Kind>, Error> {
        let id = &incoming.certification.facts.id;
        let mut issued = Vec::new();
        for rcpt in self.about(incoming) {
            let Some(mut row) = submit::dispatch(tx, id, rcpt)? else { continue };
            let open = matches!(row.outcome, None | Some(Outcome::PresumedFailed));
            match (incoming.kind, row.outcome) {
                (Kind::TakeCharge, _) => row.taken = true,
                (Kind::Delivery, _) => (row.taken, row.outcome) = (true, Some(Outcome::Delivered)),
                (Kind::VirusDetection, _) if open => {
                    row.outcome = Some(Outcome::Failed);
                    if let Some(t) = told.iter().find(|t| t.rcpt == *rcpt) {
                        self.post_notice(tx, MailboxId(sent.mailbox), &t.notice, t.msg, now)?;
                        issued.push(t.notice.kind);
                    }
                }
                (Kind::NonDelivery | Kind::NonDeliveryVirus, None) => row.outcome = Some(Outcome::Failed),
                _ => {}
            }
            deadlines::write(tx, id, rcpt, row, Timestamp::from_millis(sent.at))?;
        }
        Ok(issued)
    }
}

/// Why a row of the log proves nothing about its recipients.
const NOT_ITS_OWN: &str = "il gestore non serve il destinatario di cui parla";

/// The recipients a receipt speaks of.
fn named(incoming: &Incoming) -> Vec<&Address> {
    let c = &incoming.certification;
    match incoming.kind {
        Kind::TakeCharge => c.taken.iter().collect(),
        Kind::Delivery | Kind::NonDelivery | Kind::NonDeliveryVirus => c.delivered.iter().collect(),
        // An older engine wrote `ricezione` for `consegna` (pec rule 2.3.10).
        Kind::VirusDetection => c.delivered.iter().chain(&c.taken).collect(),
        _ => Vec::new(),
    }
}
