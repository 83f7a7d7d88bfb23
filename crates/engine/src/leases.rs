//! Who works at what: leases on queue items, as rows, so that several servers may share one store.
//!
//! A worker takes an item by a commit that writes a lease and moves the item's time to where the lease ends: others pass
//! it by, and an item whose worker is heard of no more falls due by itself. The commit of the outcome ends the lease.
//! Taking is not synced. A power cut that loses a lease ends its worker too, and the item is due as it was; no outcome is
//! ever without its lease, since a synced commit makes everything before it durable.

use std::time::Duration;

use sigillo_base::Timestamp;
use sigillo_store::{KeyBuilder, KeyReader, Store, tag, transact};

use crate::fronts::Transaction;
use crate::queue::{self, Found};
use crate::rows::{ItemRow, LeaseRow, decode, encode, item_key, lease_key};
use crate::{ATTEMPTS, Dispatch, Engine, Error, turns};

/// How long a lease holds, in service time. Local work stays well below: what it waits for (a signature, a verdict, the
/// disk) is given up within seconds. A transaction with another server has no such bound, since each of its answers may
/// take minutes (RFC 5321 §4.5.3.2): who is at it [renews](Engine::renew) the lease at half time.
pub const LEASE: Duration = Duration::from_secs(120);

/// A lease that ran out holds overdue notices back for so long still: its worker may only be slow, and what it hands over
/// must not come after the notice. Less than what is between the second notice and its limit (RFC 6109 §3.1.6).
const SLOW: Duration = Duration::from_secs(20 * 60);

/// A worker's hold on an item.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    pub item: u128,
    process: u128,
    since: i64,
}

impl Lease {
    /// Whether it is still this worker who has the item.
    pub(crate) fn holds<S: Store>(&self, tx: &mut Transaction<'_, S>) -> Result<bool, Error> {
        Ok(self.row(tx)?.is_some())
    }

    /// Its row, as long as it is this worker's.
    fn row<S: Store>(&self, tx: &mut Transaction<'_, S>) -> Result<Option<LeaseRow>, Error> {
        let own = |row: &LeaseRow| (row.process, row.since) == (self.process, self.since);
        Ok(read(tx, self.item)?.filter(own))
    }
}

/// Whether somebody may be handing the item over.
pub(crate) fn is_in_work<S: Store>(tx: &mut Transaction<'_, S>, item: u128, now: Timestamp) -> Result<bool, Error> {
    Ok(read(tx, item)?.is_some_and(|row| now < Timestamp::from_millis(row.until).plus(SLOW)))
}

/// Ends the lease of an item, if it has one.
pub(crate) fn end<S: Store>(tx: &mut Transaction<'_, S>, item: u128) {
    tx.delete(lease_key(item));
}

/// The item of a lease by its key.
pub(crate) fn item_of(key: &[u8]) -> Result<u128, sigillo_store::Error> {
    let mut reader = KeyReader::new(KeyReader::new(key, tag::LEASE)?.rest(), tag::QUEUE_ITEM)?;
    let item = reader.u128()?;
    reader.end()?;
    Ok(item)
}

fn read<S: Store>(tx: &mut Transaction<'_, S>, item: u128) -> Result<Option<LeaseRow>, Error> {
    let key = lease_key(item);
    Ok(tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?)
}

impl<S: Store> Engine<S> {
    /// Takes items, all in one commit; `None` for one where another worker was faster. What an index row says without its
    /// item is put right.
    pub(crate) fn take(&self, found: &[&Found], now: Timestamp) -> Result<Vec<Option<(ItemRow, Lease)>>, Error> {
        let (process, since, until) = (self.process, now.as_millis(), now.plus(LEASE));
        let row = encode(&LeaseRow { server: self.host.clone(), process, since, until: until.as_millis() });
        let take = |tx: &mut Transaction<'_, S>, found: &Found| {
            let id = found.item;
            if tx.get(&found.key)?.is_none() {
                return Ok(None);
            }
            tx.delete(&found.key);
            let Some(item) = queue::item(tx, id)? else { return Ok(None) };
            let (key, value) = queue::index_row(&item, id);
            if key.as_ref() != found.key {
                tx.put(key, value);
                return Ok(None);
            }
            if let Some(turn) = item.turn {
                turns::taken(tx, queue::lane(&item.work).turns(), turn);
            }
            // The attempt is counted before it is made: what ends a process with it does not begin anew at once.
            let item = ItemRow { attempts: item.attempts.saturating_add(1), ..item };
            queue::reschedule(tx, id, item.clone(), until);
            tx.put(lease_key(id), &row);
            Ok(Some((item, Lease { item: id, process, since })))
        };
        transact(&self.store, ATTEMPTS, |tx| {
            tx.later();
            found.iter().map(|found| take(tx, found)).collect()
        })
    }

    /// Says that a hand-over is still going on: nobody else takes it for another [`LEASE`]. `false`: somebody has taken
    /// it already, or it was withdrawn; what is under way should be broken off.
    ///
    /// # Errors
    /// The store's fault.
    pub fn renew(&self, dispatch: &Dispatch, now: Timestamp) -> Result<bool, Error> {
        let lease = &dispatch.lease;
        transact(&self.store, ATTEMPTS, |tx| {
            tx.later();
            let (Some(item), Some(row)) = (queue::item(tx, lease.item)?, lease.row(tx)?) else { return Ok(false) };
            let until = now.plus(LEASE);
            tx.put(lease_key(lease.item), encode(&LeaseRow { until: until.as_millis(), ..row }));
            queue::reschedule(tx, lease.item, item, until);
            Ok(true)
        })
    }

    /// What an earlier process of this server held is due at once, where that was its first attempt; what may end a process
    /// waits longer each time. Done once, before the first look.
    pub(crate) fn take_over(&self, now: Timestamp) -> Result<(), Error> {
        let mut done = self.taken_over.lock();
        if *done {
            return Ok(());
        }
        let (from, to) = KeyBuilder::new(tag::LEASE).range();
        let leases = |key: &[u8], value: &[u8]| Ok((item_of(key)?, decode::<LeaseRow>(key, value)?));
        for (id, lease) in self.sound(&from, &to, usize::MAX, leases)? {
            if lease.server != self.host || lease.process == self.process {
                continue;
            }
            let free = transact(&self.store, ATTEMPTS, |tx| {
                tx.later();
                if read(tx, id)?.as_ref() != Some(&lease) {
                    return Ok(());
                }
                end(tx, id);
                if let Some(item) = queue::item(tx, id)? {
                    let due = match item.attempts {
                        ..=1 => now,
                        attempts => now.plus(queue::backoff(attempts - 2, id)),
                    };
                    queue::reschedule(tx, id, item, due);
                }
                Ok(())
            });
            match free {
                Err(Error::Store(sigillo_store::Error::Corrupt { what, .. })) => {
                    self.damaged.note(item_key(id).as_ref(), &what);
                }
                free => free?,
            }
        }
        *done = true;
        Ok(())
    }
}
