//! The delivery point (*punto di consegna*): an envelope goes into one mailbox, and its receipt into the queue, in one
//! commit (RFC 6109 §3.3). The receipt never speaks of a message that is not there.

use sigillo_accounts::{Mailbox, Profile};
use sigillo_base::{Address, MailboxId, MsgId, Timestamp};
use sigillo_pec::{Facts, ReceiptKind, Signed, compose};
use sigillo_store::{Rope, Store, transact};

use crate::fronts::Transaction;
use crate::rows::{ArrivalRow, arrival_key, get_large};
use crate::stored::{Place, archive, delivered, post, put_message, usage};
use crate::summary::{self, put_summary};
use crate::{ATTEMPTS, Engine, Error, Fact, queue};

/// An envelope on its way into one mailbox.
struct Delivery {
    item: u128,
    msg: MsgId,
    rcpt: Address,
    facts: Facts,
    rope: Rope,
    now: Timestamp,
}

impl<S: Store> Engine<S> {
    /// Delivers an envelope to one recipient, or answers that it cannot be delivered.
    pub(crate) fn deliver(
        &self,
        item: u128,
        msg: MsgId,
        rcpt: &str,
        issued: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (d, arrival) = self.delivery(item, msg, rcpt, now)?;
        let why = match self.find_mailbox(&d.rcpt)? {
            Some(mailbox) if mailbox.works(now.as_millis()) && mailbox.profile.base != Profile::Service => {
                let (requested, issued) = (kind(&arrival.requested), kind(issued));
                if self.put_in_box(&d, &mailbox, &arrival, requested, issued)? {
                    return Ok(());
                }
                compose::NonDelivery::mailbox_full()
            }
            Some(mailbox) if !mailbox.works(now.as_millis()) => compose::NonDelivery::mailbox_disabled(),
            _ => compose::NonDelivery::unknown_mailbox(),
        };
        self.not_delivered(&d, why, |_| Ok(()))
    }

    /// Answers that an envelope is not delivered to this recipient, with what `also` writes.
    pub(crate) fn refuse_delivery(
        &self,
        item: u128,
        (msg, rcpt): (MsgId, &str),
        why: compose::NonDelivery,
        now: Timestamp,
        also: impl Fn(&mut Transaction<'_, S>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (d, _) = self.delivery(item, msg, rcpt, now)?;
        self.not_delivered(&d, why, also)
    }

    fn not_delivered(
        &self,
        d: &Delivery,
        why: compose::NonDelivery,
        also: impl Fn(&mut Transaction<'_, S>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let draft = compose::non_delivery(&self.provider, &d.facts, d.now, self.new_pec_id(), &d.rcpt, why);
        let notice = self.sign(draft, &[], d.now)?;
        let notice_msg = self.new_msg();
        transact(&self.store, ATTEMPTS, |tx| {
            also(tx)?;
            self.answer(tx, d, &notice, notice_msg)
        })?;
        self.meter.note(Fact::Issued(notice.kind));
        tracing::info!(pec_id = %d.facts.id, rcpt = %d.rcpt, "not delivered, notice queued");
        self.bell.queue_changed();
        Ok(())
    }

    fn delivery(&self, item: u128, msg: MsgId, rcpt: &str, now: Timestamp) -> Result<(Delivery, ArrivalRow), Error> {
        let key = arrival_key(msg);
        let bad = |what: &str| sigillo_store::Error::corrupt(&key, what.to_owned());
        let arrival: ArrivalRow = get_large(&self.store, &key)?.ok_or_else(|| bad("the arrival is missing"))?;
        let d = Delivery {
            item,
            msg,
            rcpt: Address::parse(rcpt).map_err(|_| bad("the recipient is not an address"))?,
            facts: arrival.facts.facts(&key)?,
            rope: self.expect_message(msg)?,
            now,
        };
        Ok((d, arrival))
    }

    /// `false`: the box has no room; nothing was written.
    fn put_in_box(
        &self,
        d: &Delivery,
        mailbox: &Mailbox,
        arrival: &ArrivalRow,
        requested: ReceiptKind,
        issued: ReceiptKind,
    ) -> Result<bool, Error> {
        let id = MailboxId(mailbox.id);
        let (room, size) = (self.terms(mailbox).1.box_bytes, d.rope.len());
        let bytes = if issued == ReceiptKind::Concise { Vec::new() } else { self.read_all(&d.rope)? };
        let range = match (issued, arrival.original) {
            (ReceiptKind::Concise, _) | (_, None) => 0..0,
            (_, Some((from, to))) => from as usize..to as usize,
        };
        let (p, f, rcpt) = (&self.provider, &d.facts, &d.rcpt);
        let draft = compose::delivery(p, f, d.now, self.new_pec_id(), rcpt, requested, issued, &bytes, range)?;
        let receipt = self.sign(draft, &bytes, d.now)?;
        let receipt_msg = self.new_msg();
        let copy = self.domain_policy(rcpt.domain())?.receipt_to_recipient.then(|| {
            let content = delivered(&receipt);
            let summary = summary::of(&content.to_bytes(&bytes));
            (self.new_msg(), content, summary)
        });
        let _lane = self.lanes.hold(&[id]);
        let delivered = transact(&self.store, ATTEMPTS, |tx| {
            let copied = copy.as_ref().map_or(0, |(_, content, _)| content.len() as u64);
            if usage(tx, id)?.bytes.saturating_add(size + copied) > room {
                return Ok(false);
            }
            let place = Place::inbox(id, d.now);
            post(tx, &place, d.msg, size)?;
            archive(tx, id, d.now, d.msg);
            self.answer(tx, d, &receipt, receipt_msg)?;
            if let Some((msg, content, summary)) = &copy {
                put_summary(tx, *msg, summary)?;
                let copy = put_message(tx, *msg, content, &d.rope)?;
                post(tx, &place, copy.id, copy.size)?;
                archive(tx, id, d.now, copy.id);
            }
            Ok::<_, Error>(true)
        })?;
        if delivered {
            self.meter.note(Fact::Issued(receipt.kind));
            tracing::info!(pec_id = %d.facts.id, rcpt = %d.rcpt, "delivered");
            self.bell.mailbox_changed(id);
            self.bell.queue_changed();
        }
        Ok(delivered)
    }

    /// The receipt or notice about this recipient, and the end of the queue item.
    fn answer(
        &self,
        tx: &mut Transaction<'_, S>,
        d: &Delivery,
        notice: &Signed,
        notice_msg: MsgId,
    ) -> Result<(), Error> {
        let Some(item) = queue::item(tx, d.item)? else {
            return Err(sigillo_store::Error::Conflict.into()); // delivered by somebody else meanwhile
        };
        queue::remove(tx, d.item, &item)?;
        let stored = put_message(tx, notice_msg, &notice.content, &d.rope)?;
        self.queue_notice(tx, notice, &stored, &d.facts, d.now)?;
        self.log_issued(tx, notice, d.now);
        Ok(())
    }
}

/// The kind by its word; what is unreadable counts as the fullest (pec rule 2.3.6).
fn kind(word: &str) -> ReceiptKind {
    ReceiptKind::parse(word).unwrap_or(ReceiptKind::Complete)
}
