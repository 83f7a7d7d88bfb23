//! What waits to be done: envelopes and notices to hand over, envelopes to put into mailboxes.
//!
//! An item is due at a time; a worker takes it under a lease, works, and its outcome is committed. After a crash what
//! was in work is due again, and what was handed over twice is recognised by who receives it.

use std::time::Duration;

use sigillo_base::{Address, Domain, MsgId, PecId, Timestamp};
use sigillo_pec::{Facts, compose};
use sigillo_smtp::client::RecipientOutcome;
use sigillo_store::{KeyBuilder, KeyReader, Rope, Store, tag, transact};

use crate::front::{Arrived, Peer};
use crate::fronts::{Lane, Transaction};
use crate::leases::{self, Lease};
use crate::meter::{HandOver, Way};
use crate::rows::{Carried, ItemRow, Outcome, Work, decode, encode, item_key};
use crate::{ATTEMPTS, Engine, Error, Fact, Rejected, deadlines, keepers, submit};

/// A message to be handed over to another provider, under a lease of [`LEASE`](crate::LEASE): tell what came of it with
/// [`Engine::report`] or [`Engine::defer`], and [`Engine::renew`] the lease meanwhile. Otherwise it is due again when the
/// lease runs out.
#[derive(Debug, Clone)]
pub struct Dispatch {
    pub(crate) lease: Lease,
    /// The domain whose mail exchangers take it.
    pub to: Domain,
    /// MAIL FROM; `None` is the null reverse-path.
    pub from: Option<Address>,
    /// RCPT TO.
    pub rcpts: Vec<Address>,
    /// Octets.
    pub size: u64,
    /// Bytes above 127 are inside: BODY=8BITMIME where the other server offers it (RFC 6152).
    pub eight_bit: bool,
    /// The domain is certified: without TLS nothing is sent (pec rule 10).
    pub require_tls: bool,
    /// Where the bytes are; read them with [`Engine::read`].
    pub message: Rope,
    /// The certified identifier it belongs to, for logs.
    pub transaction: String,
    /// Attempts that failed before.
    pub attempts: u32,
}

/// What became of an attempt to hand a message over.
#[derive(Default)]
struct Settled {
    /// Taken by the other server.
    handed: Vec<Address>,
    /// To be tried again.
    open: Vec<String>,
    /// Why they are still open.
    why: String,
    /// Refused for good, with the reason.
    failed: Vec<(Address, String)>,
}

impl Settled {
    /// Nobody could be handed over now.
    fn all_open(dispatch: &Dispatch, why: &str) -> Self {
        let open = dispatch.rcpts.iter().map(|r| r.as_str().to_owned()).collect();
        Self { open, why: why.to_owned(), ..Self::default() }
    }
}

/// A row of the index of what is due.
pub(crate) struct Found {
    pub key: Vec<u8>,
    pub due: Timestamp,
    pub item: u128,
}

/// A line of the queue, for people.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Number of the item.
    pub id: u128,
    /// `relay` or `deliver`.
    pub work: &'static str,
    /// Where it goes: a domain or a mailbox.
    pub to: String,
    /// Recipients still open.
    pub rcpts: usize,
    /// When it was queued.
    pub created: Timestamp,
    /// When it is tried next.
    pub due: Timestamp,
    /// Attempts that failed.
    pub attempts: u32,
    /// Why the last one failed; empty when there was none.
    pub last_error: String,
    /// The certified identifier it belongs to.
    pub transaction: String,
}

/// Envelopes are given up after this time (RFC 6109 §2.2.2: 24 hours in transfer); certified recipients end earlier,
/// with their second deadline.
const ENVELOPE_LIFE: Duration = Duration::from_secs(24 * 3600);
/// Between two attempts, at the most.
const LONGEST_WAIT: Duration = Duration::from_secs(900);
/// Receipts are evidence: they are tried longer.
const NOTICE_LIFE: Duration = Duration::from_secs(5 * 24 * 3600);

/// The part of the queue where work waits.
pub(crate) fn lane(work: &Work) -> Lane {
    let local = matches!(work, Work::Deliver { .. } | Work::Relay { local: true, .. });
    if local { Lane::Local } else { Lane::Relay }
}

pub(crate) fn due_key(work: &Work, due: i64, id: u128) -> KeyBuilder {
    lane(work).prefix().time(Timestamp::from_millis(due)).u128(id)
}

/// Queues work, due at once.
pub(crate) fn enqueue<S: Store>(tx: &mut Transaction<'_, S>, id: u128, work: Work, pec_id: &PecId, now: Timestamp) {
    let item = ItemRow {
        work,
        created: now.as_millis(),
        due: now.as_millis(),
        attempts: 0,
        last_error: String::new(),
        pec_id: pec_id.as_str().into(),
    };
    tx.put(due_key(&item.work, item.due, id), []);
    tx.put(item_key(id), encode(&item));
    keepers::link(tx, item.work.message(), item_key(id));
}

/// The item, if it still waits.
pub(crate) fn item<S: Store>(tx: &mut Transaction<'_, S>, id: u128) -> Result<Option<ItemRow>, Error> {
    let key = item_key(id);
    Ok(tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?)
}

/// Takes an item out of the queue, and from who has it.
pub(crate) fn remove<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: u128,
    item: &ItemRow,
) -> Result<(), sigillo_store::Error> {
    tx.delete(due_key(&item.work, item.due, id));
    tx.delete(item_key(id));
    leases::end(tx, id);
    keepers::unlink(tx, item.work.message(), item_key(id))
}

/// Notes which recipients of an envelope of ours another server has taken; for an external one that is the end.
fn handed_over<S: Store>(tx: &mut Transaction<'_, S>, id: &str, rcpts: &[Address]) -> Result<(), Error> {
    let Some(id) = PecId::parse(id) else { return Ok(()) };
    for rcpt in rcpts {
        let Some(mut row) = submit::dispatch(tx, &id, rcpt)? else { continue };
        row.handed = true;
        if !row.certified && row.outcome.is_none() {
            row.outcome = Some(Outcome::HandedOver);
        }
        tx.put(crate::rows::dispatch_key(&id, rcpt), encode(&row)); // no timer depends on it
    }
    Ok(())
}

/// Writes an item that is due at another time.
pub(crate) fn reschedule<S: Store>(tx: &mut Transaction<'_, S>, id: u128, mut item: ItemRow, due: Timestamp) {
    tx.delete(due_key(&item.work, item.due, id));
    item.due = due.as_millis();
    tx.put(due_key(&item.work, item.due, id), []);
    tx.put(item_key(id), encode(&item));
}

/// Ends the lease of an item that is to be tried again; gives when.
fn retry<S: Store>(
    tx: &mut Transaction<'_, S>,
    lease: &Lease,
    mut row: ItemRow,
    why: &str,
    now: Timestamp,
) -> Timestamp {
    row.attempts += 1;
    row.last_error = why.chars().take(500).collect();
    let due = now.plus(backoff(row.attempts - 1, lease.item));
    reschedule(tx, lease.item, row, due);
    leases::end(tx, lease.item);
    due
}

/// Seconds until the next attempt: 30 s, doubling, at most 15 minutes, spread by a quarter so that a destination that
/// comes back is not met by everybody at once.
fn backoff(attempts: u32, id: u128) -> Duration {
    let base = (30u64 << attempts.min(5)).min(LONGEST_WAIT.as_secs());
    Duration::from_millis(base * 1000 - (base * 250).min((id % 1000) as u64 * base / 4))
}

impl<S: Store> Engine<S> {
    /// What the index says is due by `now`, oldest first.
    fn due_items(&self, lane: Lane, now: Timestamp, limit: usize) -> Result<Vec<Found>, Error> {
        let read = |key: &[u8]| {
            let mut reader = KeyReader::new(key, tag::QUEUE_DUE)?;
            reader.u8()?;
            Ok(Found { key: key.to_vec(), due: reader.time()?, item: reader.u128()? })
        };
        Ok(self.look(lane, now, limit, read)?)
    }

    /// At most `limit` items of a lane that are due now, taken one after the other as they are asked for.
    fn take_due(
        &self,
        lane: Lane,
        now: Timestamp,
        limit: usize,
    ) -> Result<impl Iterator<Item = (ItemRow, Lease)>, Error> {
        self.store.look_everywhere(now);
        self.take_over(now)?;
        let found = self.due_items(lane, now, limit)?;
        // One damaged row must not stop the others.
        Ok(found.into_iter().filter_map(move |found| {
            self.take(&found, now).unwrap_or_else(|error| {
                self.pass_over(lane, &found, &error, now);
                None
            })
        }))
    }

    /// An item that does not read is looked at again later: else it would stand before the others for ever.
    fn pass_over(&self, lane: Lane, found: &Found, error: &Error, now: Timestamp) {
        let Error::Store(sigillo_store::Error::Corrupt { what, .. }) = error else {
            tracing::error!(item = %format_args!("{:032x}", found.item), %error, "the item could not be taken");
            return;
        };
        self.damaged.note(item_key(found.item).as_ref(), what);
        let later = lane.prefix().time(now.plus(LONGEST_WAIT)).u128(found.item);
        let moved = transact(&self.store, ATTEMPTS, |tx| {
            tx.later();
            if tx.get(&found.key)?.is_some() {
                tx.delete(&found.key);
                tx.put(&later, []);
            }
            Ok::<_, Error>(())
        });
        if let Err(error) = moved {
            tracing::error!(item = %format_args!("{:032x}", found.item), %error, "a damaged item stays in front");
        }
    }

    /// Takes at most `limit` messages that should go to other providers now.
    ///
    /// # Errors
    /// The store's fault; then nothing is taken.
    pub fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Dispatch>, Error> {
        let mut taken = Vec::new();
        for (item, lease) in self.take_due(Lane::Relay, now, limit)? {
            match self.dispatch(item, lease.clone()) {
                Ok(Some(dispatch)) => taken.push(dispatch),
                Ok(None) => {}
                Err(error) => self.put_off(&lease, &error, now),
            }
        }
        Ok(taken)
    }

    fn dispatch(&self, row: ItemRow, lease: Lease) -> Result<Option<Dispatch>, Error> {
        let Work::Relay { domain, from, rcpts, msg, size, eight_bit, .. } = &row.work else { return Ok(None) };
        let bad = || sigillo_store::Error::corrupt(item_key(lease.item), "an address of the item is unreadable");
        let to = Domain::parse(domain).map_err(|_| bad())?;
        Ok(Some(Dispatch {
            from: from.as_deref().map(Address::parse).transpose().map_err(|_| bad())?,
            rcpts: rcpts.iter().map(|r| Address::parse(r)).collect::<Result<_, _>>().map_err(|_| bad())?,
            size: *size,
            eight_bit: *eight_bit,
            require_tls: self.current().index.provider_of(&to).is_some(),
            to,
            message: self.expect_message(MsgId(*msg))?,
            transaction: row.pec_id,
            attempts: row.attempts,
            lease,
        }))
    }

    /// Records what became of each recipient: who was taken or refused for good leaves the queue, a refusal of an
    /// envelope becomes the sender's notice in the same commit, the others are tried again later.
    ///
    /// # Errors
    /// The store's or the signer's fault: the item stays due, and is handed over again; the other side recognises it.
    pub fn report(&self, dispatch: &Dispatch, outcomes: &[RecipientOutcome], now: Timestamp) -> Result<(), Error> {
        let (mut taken, mut failed, mut last) = (Vec::new(), Vec::new(), String::new());
        for RecipientOutcome { address, result } in outcomes {
            match result {
                Ok(reply) => {
                    tracing::info!(pec_id = dispatch.transaction, rcpt = %address, %reply, "handed over");
                    taken.push(address);
                }
                Err(failure) if failure.permanent => failed.push((address.clone(), failure.text.clone())),
                Err(failure) => last.clone_from(&failure.text),
            }
        }
        // Who was not spoken of stays in the queue: forgetting a recipient would lose mail.
        let settled = |r: &Address| taken.contains(&r) || failed.iter().any(|(f, _)| f == r);
        let open = dispatch.rcpts.iter().filter(|r| !settled(r)).map(|r| r.as_str().to_owned()).collect();
        let handed: Vec<Address> = taken.into_iter().cloned().collect();
        self.settle(dispatch, Settled { handed, open, why: last, failed }, now)
    }

    /// Gives a dispatch back that could not be attempted (no route, no connection, no TLS).
    ///
    /// # Errors
    /// The store's or the signer's fault.
    pub fn defer(&self, dispatch: &Dispatch, why: &str, now: Timestamp) -> Result<(), Error> {
        self.settle(dispatch, Settled::all_open(dispatch, why), now)
    }

    fn settle(&self, dispatch: &Dispatch, settled: Settled, now: Timestamp) -> Result<(), Error> {
        let Settled { handed, mut open, why, mut failed } = settled;
        let id = dispatch.lease.item;
        let key = item_key(id);
        let Some(value) = self.store.get(key.as_ref())? else { return Ok(()) };
        let row: ItemRow = decode(&key, &value)?;
        let Work::Relay { what, .. } = row.work else { return Ok(()) };
        let life = if what == Carried::Envelope { ENVELOPE_LIFE } else { NOTICE_LIFE };
        if now.since(Timestamp::from_millis(row.created)) >= life {
            failed.extend(open.drain(..).filter_map(|r| Address::parse(&r).ok()).map(|r| (r, why.clone())));
        }
        for (rcpt, text) in &failed {
            tracing::warn!(pec_id = dispatch.transaction, %rcpt, why = text, "refused for good");
            if what == Carried::Envelope {
                self.fail_recipient(dispatch, rcpt, text, now)?;
            }
        }
        transact(&self.store, ATTEMPTS, |tx| {
            if what == Carried::Envelope {
                handed_over(tx, &dispatch.transaction, &handed)?;
            }
            let Some(mut row) = item(tx, id)? else { return Ok(()) };
            let Work::Relay { rcpts, .. } = &mut row.work else { return Ok(()) };
            // A recipient that was withdrawn meanwhile (second deadline) stays withdrawn.
            rcpts.retain(|r| open.contains(r));
            if rcpts.is_empty() {
                remove(tx, id, &row)?;
                return Ok(());
            }
            if dispatch.lease.holds(tx)? {
                let due = retry(tx, &dispatch.lease, row, &why, now);
                tracing::info!(pec_id = dispatch.transaction, to = %dispatch.to, why, %due, "deferred");
            } else {
                tx.put(item_key(id), encode(&row)); // who has it now tries the others
            }
            Ok::<_, Error>(())
        })?;
        let way = match (self.is_local(&dispatch.to), dispatch.require_tls) {
            (true, _) => Way::Local,
            (false, true) => Way::Certified,
            (false, false) => Way::Ordinary,
        };
        let ends =
            [(HandOver::Taken, handed.len()), (HandOver::Refused, failed.len()), (HandOver::Deferred, open.len())];
        for (end, recipients) in ends.into_iter().filter(|(_, recipients)| *recipients > 0) {
            self.meter.note(Fact::HandOver(way, end, recipients));
        }
        Ok(())
    }

    /// The envelope was refused for this recipient: the sender hears it from us (RFC 6109 §2.2.2).
    fn fail_recipient(&self, dispatch: &Dispatch, rcpt: &Address, text: &str, now: Timestamp) -> Result<(), Error> {
        let Some(id) = PecId::parse(&dispatch.transaction) else { return Ok(()) };
        let Some(sent) = submit::sent(&self.store, &id)? else { return Ok(()) };
        let facts: Facts = sent.facts.facts(crate::rows::sent_key(&id))?;
        let why = compose::NonDelivery::refused(text);
        let draft = compose::non_delivery(&self.provider, &facts, now, self.new_pec_id(), rcpt, why);
        let notice = self.sign(draft, &[], now)?;
        self.close_recipient(&id, &sent, rcpt, Outcome::Failed, &notice, dispatch.lease.item, now)
    }

    /// When something falls due next: an item, or a lease that runs out, or a deadline.
    ///
    /// # Errors
    /// The store's fault.
    pub fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let far = Timestamp::from_millis(i64::MAX);
        let mut next = deadlines::first(self)?;
        for lane in [Lane::Local, Lane::Relay] {
            if let Some(found) = self.due_items(lane, far, 1)?.first() {
                next = Some(next.map_or(found.due, |n| n.min(found.due)));
            }
        }
        Ok(next)
    }

    /// Does what is due in this provider itself: envelopes into mailboxes, overdue notices. Several workers may call
    /// it at once. Gives how much was done; 0 means that nothing is due.
    ///
    /// # Errors
    /// The store's fault while looking; a piece of work that fails is logged, tried again later, and stops nobody.
    pub fn run_due(&self, now: Timestamp) -> Result<usize, Error> {
        let mut done = 0;
        for (item, lease) in self.take_due(Lane::Local, now, 8)? {
            match self.run_item(item, lease.clone(), now) {
                Ok(()) => done += 1,
                Err(error) => self.put_off(&lease, &error, now),
            }
        }
        Ok(done + self.run_deadlines(now)?)
    }

    fn run_item(&self, item: ItemRow, lease: Lease, now: Timestamp) -> Result<(), Error> {
        match &item.work {
            Work::Deliver { msg, rcpt, issued } => {
                self.deliver(lease.item, MsgId(*msg), rcpt, issued, now)?;
                self.meter.note(Fact::Delivered(now.since(Timestamp::from_millis(item.created))));
                Ok(())
            }
            Work::Relay { .. } => match self.dispatch(item, lease)? {
                Some(dispatch) => self.loop_back(&dispatch, now),
                None => Ok(()),
            },
        }
    }

    /// Hands a message over to ourselves: the whole procedure runs also inside one provider (RFC 6109 §3.4), only
    /// without SMTP between.
    fn loop_back(&self, dispatch: &Dispatch, now: Timestamp) -> Result<(), Error> {
        let mail = Arrived {
            from: dispatch.from.clone(),
            to: dispatch.rcpts.clone(),
            bytes: self.read_all(&dispatch.message)?,
            peer: Peer::LOCAL,
            ehlo: self.host.clone(),
            tls: true,
            authenticated: false,
        };
        let settled = match self.take_in(&mail, Some(&dispatch.message), now) {
            Ok(_) => Settled { handed: dispatch.rcpts.clone(), ..Settled::default() },
            Err(Rejected::Refused(reply)) if reply.code >= 500 => {
                let text = reply.to_string();
                let failed = dispatch.rcpts.iter().map(|r| (r.clone(), text.clone())).collect();
                Settled { failed, ..Settled::default() }
            }
            Err(Rejected::Refused(reply)) => Settled::all_open(dispatch, &reply.to_string()),
            Err(Rejected::Fault(error)) => return Err(error),
        };
        self.settle(dispatch, settled, now)
    }

    /// Work that failed is tried again later; when not even that can be written, after its lease.
    fn put_off(&self, lease: &Lease, error: &Error, now: Timestamp) {
        let id = lease.item;
        tracing::error!(item = %format_args!("{id:032x}"), %error, "work failed, will be tried again");
        if let Error::Store(sigillo_store::Error::Corrupt { key, what }) = error {
            self.damaged.note(key, what);
        }
        let why = error.to_string();
        let done = transact(&self.store, ATTEMPTS, |tx| {
            if let (Some(row), true) = (item(tx, id)?, lease.holds(tx)?) {
                retry(tx, lease, row, &why, now);
            }
            Ok::<_, Error>(())
        });
        if let Err(error) = done {
            tracing::error!(item = %format_args!("{id:032x}"), %error, "not put off");
        }
    }

    /// At most `limit` items of the queue after this number.
    ///
    /// # Errors
    /// The store's fault.
    pub fn queue(&self, after: u128, limit: usize) -> Result<Vec<Waiting>, Error> {
        let from = item_key(after.saturating_add(1));
        let (_, to) = KeyBuilder::new(tag::QUEUE_ITEM).range();
        Ok(self.sound(from.as_ref(), &to, limit, waiting)?)
    }
}

fn waiting(key: &[u8], value: &[u8]) -> Result<Waiting, sigillo_store::Error> {
    let row: ItemRow = decode(key, value)?;
    let (work, to, rcpts) = match row.work {
        Work::Relay { domain, rcpts, .. } => ("relay", domain, rcpts.len()),
        Work::Deliver { rcpt, .. } => ("deliver", rcpt, 1),
    };
    Ok(Waiting {
        id: KeyReader::new(key, tag::QUEUE_ITEM)?.u128()?,
        work,
        to,
        rcpts,
        created: Timestamp::from_millis(row.created),
        due: Timestamp::from_millis(row.due),
        attempts: row.attempts,
        last_error: row.last_error,
        transaction: row.pec_id,
    })
}
