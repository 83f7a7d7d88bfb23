//! Recipients who will not get an envelope of ours: each is told of once, in the commit that ends him.
//!
//! A certified recipient ends in a notice of non-delivery (RFC 6109 §2.2.2). About an external one nothing is certified:
//! his failure is a delivery status notification (RFC 3464), which comes into the sender's mailbox as ordinary mail does,
//! in an anomaly envelope, whatever the mailbox does with other ordinary mail (pec rule 6).

use sigillo_base::{Address, MailboxId, PecId, Timestamp, limits};
use sigillo_imap::Summary;
use sigillo_pec::compose::{self, Action, Fate, NonDelivery, Report, Returned};
use sigillo_pec::log::Record;
use sigillo_pec::{Facts, Recipient, RecipientClass, Signed};
use sigillo_store::{Store, transact};

use crate::fronts::Transaction;
use crate::notices::Came;
use crate::rows::{ItemRow, Outcome, Work, encode, item_key, sent_key};
use crate::stored::{Place, archive, post, put_body, put_message};
use crate::summary::{self, put_summary};
use crate::{ATTEMPTS, Engine, Error, Fact, deadlines, purge, queue, submit};

/// A recipient who is given up.
pub(crate) struct Failed {
    pub rcpt: Address,
    /// Why, as a reply on one line: `550 5.1.1 no such user`.
    pub why: String,
    /// Whether another server said so.
    pub replied: bool,
}

/// What the sender is told.
enum Told {
    /// A notice of non-delivery.
    Notice(Signed),
    /// A notification of ordinary mail: its bytes, its envelope, and what is noted of that.
    Bounce { bytes: Vec<u8>, envelope: Signed, summary: Summary, record: Box<Record> },
}

/// Why the notification is in an anomaly envelope.
const UNCERTIFIED: &str = "avviso del sistema di posta su un destinatario di posta ordinaria, non certificato";

impl<S: Store> Engine<S> {
    /// Ends a recipient of an envelope, unless he has ended already: his state, what the sender is told, and his place in
    /// the queue in one commit, with what `also` writes. It may be refused there.
    pub(crate) fn fail(
        &self,
        item: u128,
        row: &ItemRow,
        failed: &Failed,
        now: Timestamp,
        also: impl Fn(&mut Transaction<'_, S>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(id) = PecId::parse(&row.pec_id) else { return Ok(()) };
        let Some(sent) = submit::sent(&self.store, &id)? else { return Ok(()) };
        let facts: Facts = sent.facts.facts(sent_key(&id))?;
        let told = if facts.certified().any(|r| *r == failed.rcpt) {
            let why = NonDelivery::refused(&failed.why);
            let draft = compose::non_delivery(&self.provider, &facts, now, self.new_pec_id(), &failed.rcpt, why);
            Told::Notice(self.sign(draft, &[], now)?)
        } else {
            self.bounce(row, &facts, failed, now)?
        };
        let (mailbox, accepted) = (MailboxId(sent.mailbox), Timestamp::from_millis(sent.at));
        let _lane = self.lanes.hold(&[mailbox]);
        let msg = self.new_msg();
        let issued = transact(&self.store, ATTEMPTS, |tx| {
            also(tx)?;
            withdraw(tx, item, &failed.rcpt)?;
            match submit::dispatch(tx, &id, &failed.rcpt)? {
                Some(state) if state.outcome.is_some() => return Ok(None),
                Some(mut state) => {
                    state.outcome = Some(Outcome::Failed);
                    deadlines::write(tx, &id, &failed.rcpt, state, accepted)?;
                }
                None => {} // nobody of this message
            }
            match &told {
                Told::Notice(notice) => {
                    self.post_notice(tx, mailbox, notice, msg, now)?;
                    Ok::<_, Error>(Some(notice.kind))
                }
                Told::Bounce { bytes, envelope, summary, record } => {
                    let source = put_body(tx, bytes)?;
                    let stored = put_message(tx, msg, &envelope.content, &source)?;
                    put_summary(tx, msg, summary)?;
                    if !purge::is_gone(tx, mailbox)? {
                        post(tx, &Place::inbox(mailbox, now), stored.id, stored.size)?;
                        self.note_arrival(tx, mailbox, stored.id, Came::Receipt, now)?;
                    }
                    archive(tx, mailbox, now, stored.id);
                    self.log_record(tx, record, now);
                    Ok(Some(envelope.kind))
                }
            }
        })?;
        if let Some(kind) = issued {
            self.meter.note(Fact::Issued(kind));
            self.show_proofs(mailbox, sent.facts.msgid(), &id);
        }
        self.bell.mailbox_changed(mailbox);
        Ok(())
    }

    fn bounce(&self, row: &ItemRow, facts: &Facts, failed: &Failed, now: Timestamp) -> Result<Told, Error> {
        let source = match self.message(row.work.message())? {
            Some(rope) => self.read(&rope, 0, limits::MAX_HEADER as u64)?,
            None => Vec::new(),
        };
        let fate = Fate {
            recipient: failed.rcpt.clone(),
            original: None,
            action: Action::Failed,
            status: NonDelivery::refused(&failed.why).code,
            // The name of the server itself is not kept: it is one of this domain's.
            remote: failed.replied.then(|| row.work.destination().to_owned()),
            diagnostic: Some(failed.why.clone()),
            last_attempt: (row.attempts > 0).then_some(now),
            until: None,
        };
        let report = Report {
            to: facts.sender.clone(),
            message_id: self.new_pec_id(),
            at: now,
            host: self.host.clone(),
            envelope_id: None,
            arrived: Timestamp::from_millis(row.created),
            fates: vec![fate],
            returned: Returned::Header,
        };
        let bytes = compose::dsn(&self.provider, &report, &source).content.to_bytes(&source);
        let to = [facts.sender.clone()];
        let draft = compose::anomaly_envelope(&self.provider, now, self.new_pec_id(), None, &to, &bytes, UNCERTIFIED)?;
        let envelope = self.sign(draft, &bytes, now)?;
        let subject = sigillo_mime::Header::parse(&bytes).ok().and_then(|h| h.text("Subject"));
        let rcpts = to.map(|address| Recipient { address, class: RecipientClass::Certified });
        let name = &self.provider.name;
        let record = Record::anomaly(now, &self.host, None, &rcpts, subject.as_deref(), name, UNCERTIFIED);
        let summary = summary::of(&envelope.content.to_bytes(&bytes));
        Ok(Told::Bounce { bytes, envelope, summary, record: Box::new(record) })
    }
}

/// Takes a recipient out of a queue item, and the item out of the queue when it was the last.
pub(crate) fn withdraw<S: Store>(tx: &mut Transaction<'_, S>, item: u128, rcpt: &Address) -> Result<(), Error> {
    let Some(mut row) = queue::item(tx, item)? else { return Ok(()) };
    let Work::Relay { rcpts, .. } = &mut row.work else { return Ok(()) };
    rcpts.retain(|r| !r.eq_ignore_ascii_case(rcpt.as_str()));
    if rcpts.is_empty() {
        queue::remove(tx, item, &row)?;
    } else {
        tx.put(item_key(item), encode(&row));
    }
    Ok(())
}
