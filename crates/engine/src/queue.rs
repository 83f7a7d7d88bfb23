//! What waits to be done: envelopes and notices to hand over, envelopes to put into mailboxes.
//!
//! An item is due at a time; a worker takes it under a lease, works, and its outcome is committed. After a crash what
//! was in work is due again, and what was handed over twice is recognised by who receives it.

mod orders;
mod room;
mod soon;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use sigillo_base::{Address, Domain, MsgId, PecId, Timestamp};
use sigillo_smtp::client::{Failure, RecipientOutcome};
use sigillo_store::{KeyBuilder, KeyReader, Rope, Store, tag, transact};

use crate::failed::Failed;
use crate::front::{Arrived, Peer, Wishes};
use crate::fronts::{Lane, Transaction};
use crate::leases::{self, Lease};
use crate::meter::{HandOver, Way};
use crate::rows::{Carried, ItemRow, Outcome, Work, decode, encode, item_key};
use crate::turns::{Share, Whose};
use crate::{ATTEMPTS, Engine, Error, Fact, Rejected, deadlines, keepers, notices, submit};

pub use orders::Order;
pub use room::Ran;
pub use waiting::{Filter, Hold, Waiting, Wanted};

/// A message to be handed over to another provider, under a lease of [`LEASE`](crate::LEASE): tell what came of it with
/// [`Engine::report`] or [`Engine::defer`], and [`Engine::renew`] the lease meanwhile. Otherwise it is due again when the
/// lease runs out.
#[derive(Debug, Clone)]
pub struct Dispatch {
    pub(crate) lease: Lease,
    /// Its place among what is being handed over.
    _share: Option<Arc<Share>>,
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
    /// It goes to servers only that protect it on its whole way: MAIL with REQUIRETLS (RFC 8689).
    pub marked: bool,
    /// It tells what is wrong with TLS: it goes out whatever that is, and its session is in no report (RFC 8460 §3).
    pub about_tls: bool,
    /// Where the bytes are; read them with [`Engine::read`].
    pub message: Rope,
    /// The bytes themselves, where they are few.
    pub bytes: Option<Vec<u8>>,
    /// The certified identifier it belongs to, for logs.
    pub transaction: String,
    /// Attempts that failed before.
    pub attempts: u32,
    /// Where it is handed over, `host:port`, instead of where mail for the domain goes.
    pub route: Option<String>,
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
    /// Given up.
    failed: Vec<Failed>,
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
    pub item: u128,
}

/// So many bytes of a message are read when it is taken, and go with it.
const FEW: u64 = 32 * 1024;
/// Envelopes are given up after this time (RFC 6109 §2.2.2: 24 hours in transfer); certified recipients end earlier,
/// with their second deadline.
const ENVELOPE_LIFE: Duration = Duration::from_secs(24 * 3600);
/// Between two attempts, at the most.
const LONGEST_WAIT: Duration = Duration::from_secs(900);
/// Receipts are evidence: they are tried longer.
const NOTICE_LIFE: Duration = Duration::from_secs(5 * 24 * 3600);

/// In which part of the queue this is done.
pub(crate) fn lane(work: &Work) -> Lane {
    match work {
        Work::Deliver { .. } | Work::Relay { local: true, .. } => Lane::Local,
        Work::Relay { .. } => Lane::Relay,
    }
}

/// The row by which an item is found: at its turn with whose it is, or at its time.
pub(crate) fn index_row(item: &ItemRow, id: u128) -> (KeyBuilder, Vec<u8>) {
    let lane = lane(&item.work);
    match item.turn {
        Some(turn) => (lane.turns().prefix().u64(turn).u128(id), encode(&(&item.owner, item.work.destination()))),
        None => (lane.prefix().time(Timestamp::from_millis(item.due)).u128(id), Vec::new()),
    }
}

/// What is queued.
pub(crate) struct Queued<'a> {
    pub work: Work,
    /// The transaction it belongs to.
    pub pec_id: &'a PecId,
    /// The sender of that transaction.
    pub owner: &'a Address,
    /// Whether it goes to servers only that protect it on its whole way.
    pub require_tls: bool,
}

/// Queues work, due at once.
pub(crate) fn enqueue<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: u128,
    queued: Queued<'_>,
    now: Timestamp,
) -> Result<(), sigillo_store::Error> {
    let Queued { work, pec_id, owner, require_tls } = queued;
    let owner = owner.key();
    let turns = lane(&work).turns();
    let item = ItemRow {
        work,
        created: now.as_millis(),
        due: now.as_millis(),
        attempts: 0,
        last_error: String::new(),
        pec_id: pec_id.as_str().into(),
        held: None,
        route: None,
        turn: Some(tx.store().turns(turns).stamp(tx.store(), turns, &owner)?),
        owner,
        require_tls,
    };
    keepers::link(tx, item.work.message(), item_key(id));
    write(tx, id, &item);
    Ok(())
}

/// Writes an item and its index row; that of before must be gone.
fn write<S: Store>(tx: &mut Transaction<'_, S>, id: u128, item: &ItemRow) {
    let (key, value) = index_row(item, id);
    tx.put(key, value);
    tx.put(item_key(id), encode(item));
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
    tx.delete(index_row(item, id).0);
    tx.delete(item_key(id));
    leases::end(tx, id);
    keepers::unlink(tx, item.work.message(), item_key(id))
}

/// Takes an item out of the queue in the commit of its outcome.
///
/// # Errors
/// A conflict when it is not there: somebody else has brought it to its end meanwhile.
pub(crate) fn finish<S: Store>(tx: &mut Transaction<'_, S>, id: u128) -> Result<(), Error> {
    let Some(row) = item(tx, id)? else { return Err(sigillo_store::Error::Conflict.into()) };
    Ok(remove(tx, id, &row)?)
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
    tx.delete(index_row(&item, id).0);
    (item.due, item.turn) = (due.as_millis(), None);
    write(tx, id, &item);
}

/// Gives an item its turn.
pub(crate) fn make_due<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: u128,
    mut item: ItemRow,
) -> Result<(), sigillo_store::Error> {
    tx.delete(index_row(&item, id).0);
    let turns = lane(&item.work).turns();
    item.turn = Some(tx.store().turns(turns).stamp(tx.store(), turns, &item.owner)?);
    write(tx, id, &item);
    Ok(())
}

/// Ends the lease of an item that is to be tried again; gives when.
fn retry<S: Store>(
    tx: &mut Transaction<'_, S>,
    lease: &Lease,
    mut row: ItemRow,
    why: &str,
    now: Timestamp,
) -> Timestamp {
    row.last_error = why.chars().take(500).collect();
    let due = match row.held {
        Some(_) => end_of_life(&row),
        None => now.plus(backoff(row.attempts.saturating_sub(1), lease.item)),
    };
    reschedule(tx, lease.item, row, due);
    leases::end(tx, lease.item);
    due
}

/// When an item is given up.
pub(crate) fn end_of_life(row: &ItemRow) -> Timestamp {
    let life = match &row.work {
        Work::Relay { what: Carried::Notice | Carried::Outside, .. } => NOTICE_LIFE,
        Work::Relay { .. } | Work::Deliver { .. } => ENVELOPE_LIFE,
    };
    Timestamp::from_millis(row.created).plus(life)
}

/// Seconds until the next attempt: 30 s, doubling, at most 15 minutes, spread by a quarter so that a destination that
/// comes back is not met by everybody at once.
pub(crate) fn backoff(attempts: u32, id: u128) -> Duration {
    let base = (30u64 << attempts.min(5)).min(LONGEST_WAIT.as_secs());
    Duration::from_millis(base * 1000 - (base * 250).min((id % 1000) as u64 * base / 4))
}

impl<S: Store> Engine<S> {
    /// What waited in a lane until `at`, at most `limit`, the first due first.
    pub(crate) fn waiting_until(&self, lane: Lane, at: Timestamp, limit: usize) -> Result<Vec<Found>, Error> {
        let read = |key: &[u8]| Ok(Found { key: key.to_vec(), item: read_waiting(key)?.1 });
        Ok(self.look_until(lane, at, limit, read)?)
    }

    /// At most `limit` items of a lane that are due now; `may` says for how many places are left whether one of theirs is
    /// taken.
    fn take_due<T>(
        &self,
        lane: Lane,
        now: Timestamp,
        limit: usize,
        may: impl FnMut(&Found, Whose, usize) -> Option<T>,
    ) -> Result<impl Iterator<Item = (ItemRow, Lease, T)>, Error> {
        self.store.look_everywhere(now);
        self.take_over(now)?;
        self.call_up(lane, now)?;
        let (found, shares): (Vec<Found>, Vec<T>) = self.in_turn(lane.turns(), limit, may)?.into_iter().unzip();
        let taken = self.take_all(lane, &found, now);
        Ok(taken.into_iter().zip(shares).filter_map(move |(taken, share)| {
            let (item, lease) = taken?;
            if item.held.is_none() {
                return Some((item, lease, share));
            }
            if let Err(error) = self.keep_held(&item, &lease, now) {
                self.put_off(&lease, &error, now);
            }
            None
        }))
    }

    /// Takes what was found in one commit; one by one where that fails, since one damaged row must not stop the others.
    fn take_all(&self, lane: Lane, found: &[Found], now: Timestamp) -> Vec<Option<(ItemRow, Lease)>> {
        if found.is_empty() {
            return Vec::new();
        }
        self.take(&found.iter().collect::<Vec<_>>(), now).unwrap_or_else(|_| {
            let alone = |found| match self.take(&[found], now) {
                Ok(taken) => taken.into_iter().next().flatten(),
                Err(error) => {
                    self.pass_over(lane, found, &error, now);
                    None
                }
            };
            found.iter().map(alone).collect()
        })
    }

    /// An item that does not read is looked at again later: else it would stand before the others for ever.
    pub(crate) fn pass_over(&self, lane: Lane, found: &Found, error: &Error, now: Timestamp) {
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
        self.due_among(now, limit, usize::MAX)
    }

    /// The same where at most `each` messages to one destination are in hand; more of them stay in the queue, and are
    /// passed over.
    ///
    /// # Errors
    /// As for [`Engine::due`].
    pub fn due_among(&self, now: Timestamp, limit: usize, each: usize) -> Result<Vec<Dispatch>, Error> {
        let mut taken = Vec::new();
        let shares = |_: &Found, whose, free| self.shares.claim(whose, free, each);
        for (item, lease, share) in self.take_due(Lane::Relay, now, limit, shares)? {
            match self.dispatch(item, lease.clone(), Some(share)) {
                Ok(Some(dispatch)) => taken.push(dispatch),
                Ok(None) => {}
                Err(error) => self.put_off(&lease, &error, now),
            }
        }
        Ok(taken)
    }

    fn dispatch(&self, row: ItemRow, lease: Lease, share: Option<Arc<Share>>) -> Result<Option<Dispatch>, Error> {
        let Work::Relay { domain, from, rcpts, msg, size, eight_bit, what, .. } = &row.work else { return Ok(None) };
        let bad = || sigillo_store::Error::corrupt(item_key(lease.item), "an address of the item is unreadable");
        let to = Domain::parse(domain).map_err(|_| bad())?;
        let message = self.expect_message(MsgId(*msg))?;
        Ok(Some(Dispatch {
            from: from.as_deref().map(Address::parse).transpose().map_err(|_| bad())?,
            rcpts: rcpts.iter().map(|r| Address::parse(r)).collect::<Result<_, _>>().map_err(|_| bad())?,
            size: *size,
            eight_bit: *eight_bit,
            require_tls: self.current().index.provider_of(&to).is_some(),
            marked: row.require_tls,
            about_tls: *what == Carried::Report,
            to,
            bytes: (message.len() <= FEW).then(|| self.read_all(&message)).transpose()?,
            message,
            transaction: row.pec_id,
            attempts: row.attempts.saturating_sub(1),
            route: row.route,
            lease,
            _share: share,
        }))
    }

    /// Records what became of each recipient: who was taken or refused for good leaves the queue, a refusal of an
    /// envelope becomes the sender's notice in the same commit, the others are tried again later.
    ///
    /// That a certified provider took all of it waits for no disk: whoever hands over again after a power cut is
    /// recognised there. [`Engine::persist`] says how soon it is durable.
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
                Err(Failure { permanent: true, text, reply, .. }) => {
                    failed.push(Failed { rcpt: address.clone(), why: text.clone(), replied: reply.is_some() });
                }
                Err(failure) => last.clone_from(&failure.text),
            }
        }
        // Who was not spoken of stays in the queue: forgetting a recipient would lose mail.
        let settled = |r: &Address| taken.contains(&r) || failed.iter().any(|f| f.rcpt == *r);
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
        let Work::Relay { what, .. } = &row.work else { return Ok(()) };
        let what = *what;
        if now >= end_of_life(&row) {
            let why = format!("554 5.4.7 tempo massimo di consegna superato: {why}");
            let given_up = |r| Failed { rcpt: r, why: why.clone(), replied: false };
            failed.extend(open.drain(..).filter_map(|r| Address::parse(&r).ok()).map(given_up));
        }
        for failed in &failed {
            tracing::warn!(pec_id = dispatch.transaction, rcpt = %failed.rcpt, why = failed.why, "given up");
            if what == Carried::Envelope {
                self.fail(id, &row, failed, now, |_| Ok(()))?;
            }
        }
        let certified = dispatch.require_tls || self.is_local(&dispatch.to);
        let nothing_else = failed.is_empty() && open.is_empty();
        transact(&self.store, ATTEMPTS, |tx| {
            if certified && nothing_else {
                self.soon(tx);
            }
            if what == Carried::Envelope {
                handed_over(tx, &dispatch.transaction, &handed)?;
            }
            if what == Carried::Outside {
                notices::settled(tx, id, &failed, &open, &why, now)?;
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

    /// When something falls due next: an item, or a lease that runs out, or a deadline. What is due already is not
    /// spoken of: a look takes it, or has passed it over until something ends.
    ///
    /// # Errors
    /// The store's fault.
    pub fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let far = Timestamp::from_millis(i64::MAX);
        let mut next = deadlines::first(self)?;
        for lane in [Lane::Local, Lane::Relay] {
            let first = self.look_until(lane, far, 1, |key| Ok(read_waiting(key)?.0))?;
            next = next.into_iter().chain(first).min();
        }
        Ok(next)
    }

    /// Does what is due in this provider itself: envelopes into mailboxes, overdue notices. Several workers may call
    /// it at once. Gives how much was done; 0 means that nothing is due.
    ///
    /// # Errors
    /// The store's fault while looking; a piece of work that fails is logged, tried again later, and stops nobody.
    pub fn run_due(&self, now: Timestamp) -> Result<usize, Error> {
        Ok(self.run_due_within(usize::MAX, now)?.done)
    }

    /// The same as far as `room` bytes of memory go for each piece of work: what takes more stays where it is, without a
    /// lease, for who comes with the room that it wants.
    ///
    /// # Errors
    /// As [`Engine::run_due`].
    pub fn run_due_within(&self, room: usize, now: Timestamp) -> Result<Ran, Error> {
        let mut ran = Ran::default();
        let mut wants = None;
        let fits = |found: &Found, _, _| self.fits(found.item, room, &mut wants);
        for (item, lease, ()) in self.take_due(Lane::Local, now, 8, fits)? {
            match self.run_item(item, lease.clone(), now) {
                Ok(()) => ran.done += 1,
                Err(error) => self.put_off(&lease, &error, now),
            }
        }
        ran.done += self.run_deadlines(now)?;
        Ok(Ran { wants, ..ran })
    }

    fn run_item(&self, item: ItemRow, lease: Lease, now: Timestamp) -> Result<(), Error> {
        match &item.work {
            Work::Deliver { msg, rcpt, issued } => {
                self.deliver(lease.item, MsgId(*msg), rcpt, issued, now)?;
                self.meter.note(Fact::Delivered(now.since(Timestamp::from_millis(item.created))));
                Ok(())
            }
            Work::Relay { .. } => match self.dispatch(item, lease, None)? {
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
            bytes: dispatch.bytes.clone().map_or_else(|| self.read_all(&dispatch.message), Ok)?,
            peer: Peer::LOCAL,
            ehlo: self.host.clone(),
            tls: true,
            authenticated: false,
            utf8: false,
            wishes: Wishes::default(),
        };
        let settled = match self.take_in(&mail, Some(&dispatch.message), now) {
            Ok(_) => Settled { handed: dispatch.rcpts.clone(), ..Settled::default() },
            Err(Rejected::Refused(reply)) if reply.code >= 500 => {
                let text = reply.to_string();
                let given_up = |r: &Address| Failed { rcpt: r.clone(), why: text.clone(), replied: true };
                let failed = dispatch.rcpts.iter().map(given_up).collect();
                Settled { failed, ..Settled::default() }
            }
            Err(Rejected::Refused(reply)) => Settled::all_open(dispatch, &reply.to_string()),
            Err(Rejected::Fault(error)) => return Err(error),
        };
        self.settle(dispatch, settled, now)
    }

    /// Work that failed is tried again later; when not even that can be written, after its lease.
    pub(crate) fn put_off(&self, lease: &Lease, error: &Error, now: Timestamp) {
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
}

/// When an item is due, by the key of its row in the index.
fn read_waiting(key: &[u8]) -> Result<(Timestamp, u128), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::QUEUE_DUE)?;
    reader.u8()?;
    Ok((reader.time()?, reader.u128()?))
}
