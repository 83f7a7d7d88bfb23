//! The 12 and 24 hour deadlines of every certified recipient (RFC 6109 §3.1.6), as durable timers.

use sigillo_base::{Address, MailboxId, PecId, Timestamp};
use sigillo_pec::deadline::{Overdue, Watch};
use sigillo_pec::{Facts, Signed, compose};
use sigillo_store::{KeyReader, Store, tag, transact};

use crate::fronts::{Lane, Transaction};
use crate::notices::Came;
use crate::rows::{DispatchRow, Outcome, dispatch_key, encode, sent_key, timer_key};
use crate::stored::{archive, post, put_notice};
use crate::{ATTEMPTS, Engine, Error, Fact, failed, filing, leases, purge, queue, submit};

/// What falls due next for a recipient: nothing once the outcome is known, nor for an external one, whose mail nobody
/// certifies. `accepted` is the start of all deadlines.
fn next(row: &DispatchRow, accepted: Timestamp) -> Option<(Timestamp, Overdue)> {
    let watch = Watch { at: accepted, taken: row.taken, first_sent: row.first_sent };
    watch.next().filter(|_| row.certified && row.outcome.is_none())
}

/// When the state of a recipient wants its timer.
pub(crate) fn due(row: &DispatchRow, accepted: Timestamp) -> Option<Timestamp> {
    next(row, accepted).map(|(due, _)| due)
}

/// Writes the state of a recipient and moves its timer to where the state wants it.
pub(crate) fn write<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: &PecId,
    rcpt: &Address,
    mut row: DispatchRow,
    accepted: Timestamp,
) -> Result<(), Error> {
    if let Some(old) = row.timer.take() {
        tx.delete(timer_key(Timestamp::from_millis(old), id, rcpt));
    }
    if let Some((due, _)) = next(&row, accepted) {
        tx.put(timer_key(due, id, rcpt), []);
        row.timer = Some(due.as_millis());
    }
    tx.put(dispatch_key(id, rcpt), encode(&row));
    Ok(())
}

/// The first timer's time.
pub(crate) fn first<S: Store>(engine: &Engine<S>) -> Result<Option<Timestamp>, Error> {
    let far = Timestamp::from_millis(i64::MAX);
    Ok(engine.look_until(Lane::Timers, far, 1, read_timer)?.first().map(|(at, _)| *at))
}

/// A timer that is due.
pub(crate) struct Due {
    pub id: PecId,
    pub rcpt: Address,
}

impl<S: Store> Engine<S> {
    /// Sends the overdue notices whose time has come; after an outage also those that are late, once.
    pub(crate) fn run_deadlines(&self, now: Timestamp) -> Result<usize, Error> {
        let mut done = 0;
        for (_, due) in self.look_until(Lane::Timers, now, 64, read_timer)? {
            match self.overdue(&due, now) {
                Ok(true) => done += 1,
                Ok(false) => {}
                Err(Error::Store(sigillo_store::Error::Corrupt { key, what })) => self.damaged.note(&key, &what),
                Err(error) => tracing::error!(pec_id = %due.id, %error, "overdue notice failed, will be tried again"),
            }
        }
        Ok(done)
    }

    /// Issues the notice that is due for one recipient. `false`: somebody is just handing the envelope over, so the
    /// notice waits for how that ends.
    fn overdue(&self, due: &Due, now: Timestamp) -> Result<bool, Error> {
        let Some(sent) = submit::sent(&self.store, &due.id)? else {
            return Err(sigillo_store::Error::corrupt(sent_key(&due.id), "a timer without its message").into());
        };
        let accepted = Timestamp::from_millis(sent.at);
        let mailbox = MailboxId(sent.mailbox);
        let _lane = self.lanes.hold(&[mailbox]);
        let mut probe = Transaction::new(&self.store);
        let Some(row) = submit::dispatch(&mut probe, &due.id, &due.rcpt)? else { return Ok(false) };
        let Some((at, which)) = next(&row, accepted) else { return Ok(false) };
        if at > now {
            return Ok(false);
        }
        if leases::is_in_work(&mut probe, row.item, now)? {
            return Ok(false);
        }
        queue::item(&mut probe, row.item)?; // nothing is signed for an item that then cannot be withdrawn
        let facts: Facts = sent.facts.facts(sent_key(&due.id))?;
        let draft = compose::overdue(&self.provider, &facts, now, self.new_pec_id(), &due.rcpt, which);
        let notice = self.sign(draft, &[], now)?;
        let msg = self.new_msg();
        let issued = transact(&self.store, ATTEMPTS, |tx| {
            let Some(mut row) = submit::dispatch(tx, &due.id, &due.rcpt)? else { return Ok(false) };
            if next(&row, accepted) != Some((at, which)) || leases::is_in_work(tx, row.item, now)? {
                return Ok(false); // a receipt was faster, or who begins to hand it over
            }
            match which {
                Overdue::First => row.first_sent = true,
                Overdue::Second => {
                    // What is still in our queue must not be delivered after we said it was not.
                    failed::withdraw(tx, row.item, &due.rcpt)?;
                    row.outcome = Some(Outcome::PresumedFailed);
                }
            }
            write(tx, &due.id, &due.rcpt, row, accepted)?;
            self.post_notice(tx, mailbox, &notice, msg, now)?;
            Ok::<_, Error>(true)
        })?;
        if issued {
            self.meter.note(Fact::Issued(notice.kind));
            self.show_proofs(mailbox, sent.facts.msgid(), &due.id);
            tracing::info!(pec_id = %due.id, rcpt = %due.rcpt, ?which, "overdue notice issued");
            self.bell.mailbox_changed(mailbox);
        }
        Ok(issued)
    }

    /// A notice of ours into one of our mailboxes, with archive and log.
    pub(crate) fn post_notice(
        &self,
        tx: &mut Transaction<'_, S>,
        mailbox: MailboxId,
        notice: &Signed,
        msg: sigillo_base::MsgId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let stored = put_notice(tx, msg, notice)?;
        // Of a mailbox that was cancelled since it sent, the archive alone is left.
        if !purge::is_gone(tx, mailbox)? {
            let place = filing::place(tx, mailbox, now)?;
            post(tx, &place, stored.id, stored.size)?;
            self.note_arrival(tx, mailbox, stored.id, Came::Receipt, now)?;
        }
        archive(tx, mailbox, now, stored.id);
        self.log_issued(tx, notice, now);
        Ok(())
    }
}

/// When a timer is due, and for whom.
pub(crate) fn read_timer(key: &[u8]) -> Result<(Timestamp, Due), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::TIMER_DUE)?;
    let at = reader.time()?;
    let bad = || sigillo_store::Error::corrupt(key, "not an identifier or address");
    let id = PecId::parse(&reader.text()?).ok_or_else(bad)?;
    let rcpt = Address::parse(&reader.text()?).map_err(|_| bad())?;
    Ok((at, Due { id, rcpt }))
}
