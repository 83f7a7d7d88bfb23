//! The delivery point (*punto di consegna*): an envelope goes into one mailbox, and its receipt into the queue, in one
//! commit (RFC 6109 §3.3). The receipt never speaks of a message that is not there.
//!
//! A handful of recipients is delivered to in the very commit that takes charge of the envelope (`receive/envelope.rs`);
//! whom that cannot serve (many recipients, a box that is full, blocked or unknown, a signature that failed) waits in the
//! queue, and is delivered to or answered here.

use std::ops::Range;

use sigillo_accounts::{Mailbox, Profile};
use sigillo_base::{Address, MailboxId, MsgId, Timestamp};
use sigillo_imap::Summary;
use sigillo_mime::Composed;
use sigillo_pec::{Facts, ReceiptKind, Signed, compose};
use sigillo_store::{Rope, Store, transact};

use crate::fronts::Transaction;
use crate::notices::Came;
use crate::rows::{ArrivalRow, arrival_key, get_large};
use crate::stored::{Place, archive, delivered, post, put_message, usage};
use crate::summary::{self, put_summary};
use crate::{ATTEMPTS, Engine, Error, Fact, filing, queue};

/// An envelope that was taken charge of.
pub(crate) struct Envelope<'e> {
    pub msg: MsgId,
    pub facts: &'e Facts,
    /// The receipt that the sender asked for.
    pub requested: ReceiptKind,
    /// Where the content of postacert.eml lies in its bytes.
    pub original: Option<Range<usize>>,
    pub now: Timestamp,
}

/// All that goes into one mailbox, and comes of it, but the envelope itself.
pub(crate) struct Delivery {
    pub rcpt: Address,
    pub mailbox: MailboxId,
    /// What the mailbox may hold, in octets.
    room: u64,
    receipt: Signed,
    receipt_msg: MsgId,
    /// The receipt once more, for a recipient who sees what is sent for him.
    copy: Option<(MsgId, Composed, Summary)>,
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
        let (rcpt, arrival) = self.arrival(msg, rcpt)?;
        let facts = arrival.facts.facts(arrival_key(msg))?;
        let rope = self.expect_message(msg)?;
        let why = match self.may_take(&rcpt, now)? {
            Ok(mailbox) => {
                let (requested, issued) = (kind(&arrival.requested), kind(issued));
                let original = arrival.original.map(|(from, to)| from as usize..to as usize);
                let envelope = Envelope { msg, facts: &facts, requested, original, now };
                let bytes = if issued == ReceiptKind::Concise { Vec::new() } else { self.read_all(&rope)? };
                let delivery = self.prepare_delivery(&envelope, &bytes, &mailbox, &rcpt, issued)?;
                if self.deliver_from_queue(item, &envelope, &rope, &delivery)? {
                    return Ok(());
                }
                compose::NonDelivery::mailbox_full()
            }
            Err(why) => why,
        };
        self.not_delivered(item, (&facts, &rope), &rcpt, why, now, |_| Ok(()))
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
        let (rcpt, arrival) = self.arrival(msg, rcpt)?;
        let facts = arrival.facts.facts(arrival_key(msg))?;
        self.not_delivered(item, (&facts, &self.expect_message(msg)?), &rcpt, why, now, also)
    }

    fn arrival(&self, msg: MsgId, rcpt: &str) -> Result<(Address, ArrivalRow), Error> {
        let key = arrival_key(msg);
        let bad = |what: &str| sigillo_store::Error::corrupt(&key, what.to_owned());
        let arrival = get_large(&self.store, &key)?.ok_or_else(|| bad("the arrival is missing"))?;
        Ok((Address::parse(rcpt).map_err(|_| bad("the recipient is not an address"))?, arrival))
    }

    /// The mailbox of a recipient, or why nothing is delivered to it.
    pub(crate) fn may_take(
        &self,
        rcpt: &Address,
        now: Timestamp,
    ) -> Result<Result<Mailbox, compose::NonDelivery>, Error> {
        Ok(match self.find_mailbox(rcpt)? {
            Some(mailbox) if !mailbox.works(now.as_millis()) => Err(compose::NonDelivery::mailbox_disabled()),
            Some(mailbox) if mailbox.profile.base != Profile::Service => Ok(mailbox),
            _ => Err(compose::NonDelivery::unknown_mailbox()),
        })
    }

    fn not_delivered(
        &self,
        item: u128,
        (facts, rope): (&Facts, &Rope),
        rcpt: &Address,
        why: compose::NonDelivery,
        now: Timestamp,
        also: impl Fn(&mut Transaction<'_, S>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let draft = compose::non_delivery(&self.provider, facts, now, self.new_pec_id(), rcpt, why);
        let notice = self.sign(draft, &[], now)?;
        let notice_msg = self.new_msg();
        transact(&self.store, ATTEMPTS, |tx| {
            also(tx)?;
            queue::finish(tx, item)?;
            self.send_notice(tx, &notice, notice_msg, rope, facts, now)
        })?;
        self.meter.note(Fact::Issued(notice.kind));
        tracing::info!(pec_id = %facts.id, %rcpt, "not delivered, notice queued");
        Ok(())
    }

    /// Signs what a delivery to this mailbox is answered with; `bytes` are the envelope's, none for a concise receipt.
    pub(crate) fn prepare_delivery(
        &self,
        envelope: &Envelope<'_>,
        bytes: &[u8],
        mailbox: &Mailbox,
        rcpt: &Address,
        issued: ReceiptKind,
    ) -> Result<Delivery, Error> {
        let Envelope { facts, requested, now, .. } = *envelope;
        let original = envelope.original.clone().filter(|_| issued != ReceiptKind::Concise).unwrap_or_default();
        let (p, id) = (&self.provider, self.new_pec_id());
        let draft = compose::delivery(p, facts, now, id, rcpt, requested, issued, bytes, original)?;
        let receipt = self.sign(draft, bytes, now)?;
        let copy = self.domain_policy(rcpt.domain())?.receipt_to_recipient.then(|| {
            let content = delivered(&receipt);
            let summary = summary::of(&content.to_bytes(bytes));
            (self.new_msg(), content, summary)
        });
        let room = self.terms(mailbox).1.box_bytes;
        let (rcpt, mailbox) = (rcpt.clone(), MailboxId(mailbox.id));
        Ok(Delivery { rcpt, mailbox, room, receipt, receipt_msg: self.new_msg(), copy })
    }

    /// Puts a stored envelope into the mailbox and queues its receipt. `false`: the box has no room; nothing was written.
    /// The caller holds the mailbox's lane.
    pub(crate) fn put_in_box(
        &self,
        tx: &mut Transaction<'_, S>,
        envelope: &Envelope<'_>,
        rope: &Rope,
        delivery: &Delivery,
    ) -> Result<bool, Error> {
        let Envelope { msg, facts, now, .. } = *envelope;
        let Delivery { mailbox, room, receipt, receipt_msg, copy, .. } = delivery;
        let (id, size) = (*mailbox, rope.len());
        let copied = copy.as_ref().map_or(0, |(_, content, _)| content.len() as u64);
        if usage(tx, id)?.bytes.saturating_add(size + copied) > *room {
            return Ok(false);
        }
        let place = Place::inbox(id, now);
        post(tx, &place, msg, size)?;
        self.note_arrival(tx, id, msg, Came::Message, now)?;
        archive(tx, id, now, msg);
        self.send_notice(tx, receipt, *receipt_msg, rope, facts, now)?;
        if let Some((msg, content, summary)) = copy {
            put_summary(tx, *msg, summary)?;
            let copy = put_message(tx, *msg, content, rope)?;
            let place = filing::place(tx, id, now)?;
            post(tx, &place, copy.id, copy.size)?;
            archive(tx, id, now, copy.id);
        }
        Ok(true)
    }

    /// Tells everybody of a delivery that is committed.
    pub(crate) fn tell_delivered(&self, envelope: &Envelope<'_>, delivery: &Delivery) {
        self.meter.note(Fact::Issued(delivery.receipt.kind));
        tracing::info!(pec_id = %envelope.facts.id, rcpt = %delivery.rcpt, "delivered");
        self.bell.mailbox_changed(delivery.mailbox);
    }

    /// `false`: the box has no room; nothing was written.
    fn deliver_from_queue(
        &self,
        item: u128,
        envelope: &Envelope<'_>,
        rope: &Rope,
        delivery: &Delivery,
    ) -> Result<bool, Error> {
        let _lane = self.lanes.hold(&[delivery.mailbox]);
        let done = transact(&self.store, ATTEMPTS, |tx| {
            let done = self.put_in_box(tx, envelope, rope, delivery)?;
            if done {
                queue::finish(tx, item)?;
            }
            Ok::<_, Error>(done)
        })?;
        if done {
            self.tell_delivered(envelope, delivery);
        }
        Ok(done)
    }
}

/// The kind by its word; what is unreadable counts as the fullest (pec rule 2.3.6).
fn kind(word: &str) -> ReceiptKind {
    ReceiptKind::parse(word).unwrap_or(ReceiptKind::Complete)
}
