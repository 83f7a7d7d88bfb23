//! In which order what is due is taken: in turn by owner, so that who sends fifty thousand messages delays nobody who
//! sends one (start-time fair queueing).
//!
//! What becomes due is given a turn: the present one, or the one after its owner's last. The index of what is due is in
//! order of turns, so that in each turn every owner has one item, and finding the next costs one look whatever waits. The
//! present turn is that of what was taken last; it is kept as a row, for the next process, which goes on where what is due
//! begins. Owners' last turns are in memory only, of those who are ahead: each server, and each start, lets an owner have
//! one item more in a turn.
//!
//! The owner is the sender of the transaction, whoever's provider he is at: his envelope, its delivery, the receipts of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use sigillo_base::{Domain, Timestamp};
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, skim, tag, transact};

use crate::fronts::{Lane, Transaction};
use crate::queue::{self, Found};
use crate::rows::{decode, encode};
use crate::{ATTEMPTS, Engine, Error};

/// Rows whose time has come that one look gives a turn.
const CALLED_UP: usize = 256;
/// Rows that are read at once beyond what may be taken: some are passed over.
const AHEAD: usize = 32;
/// Rows beyond those that a look reads, as long as it has room; the next one goes on behind them.
const PASSED: usize = 256;
/// Owners who are remembered without looking whether they are still ahead.
const OWNERS: usize = 1024;
/// The row of the present turn is so far behind at the most: a row that every taking wrote would let none go beside another.
const BEHIND: u64 = 64;
/// Who has this many items in hand for each free place gets no more: what he sends to a slow server never takes all.
const GREED: usize = 4;

/// The turns of one part of the queue.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The present turn, once it is known.
    present: Option<u64>,
    /// What its row says.
    kept: u64,
    /// The last turn that each owner was given, if it is not over.
    last: HashMap<String, u64>,
    /// Where a look at what is neither first nor new goes on; empty once it was at the end.
    passed: Vec<u8>,
    /// Whether the last look began with those.
    turned: bool,
}

impl Turns {
    /// The turn for something that this owner has due now.
    pub(crate) fn stamp<S: Store>(&self, store: &S, lane: Lane, owner: &str) -> Result<u64, StoreError> {
        let mut state = self.0.lock();
        let present = state.present(store, lane)?;
        if state.last.len() >= OWNERS && state.last.len().is_power_of_two() {
            state.last.retain(|_, last| *last >= present);
        }
        let turn = state.last.get(owner).map_or(present, |last| present.max(last.saturating_add(1)));
        state.last.insert(owner.to_owned(), turn);
        Ok(turn)
    }

    /// Something of this turn was taken. Whether that is to be written down.
    fn reached(&self, turn: u64) -> bool {
        let mut state = self.0.lock();
        state.present = Some(state.present.map_or(turn, |present| present.max(turn)));
        let far = turn >= state.kept.saturating_add(BEHIND);
        if far {
            state.kept = turn;
        }
        far
    }
}

impl State {
    fn present<S: Store>(&mut self, store: &S, lane: Lane) -> Result<u64, StoreError> {
        let present = match self.present {
            Some(present) => present,
            None => {
                self.kept =
                    store.get(turn_key(lane).as_ref())?.map_or(Ok(0), |value| decode(turn_key(lane), &value))?;
                // The row may be behind: what is due begins later, or what is new would go before it for so many turns.
                let (_, end) = lane.prefix().range();
                let due = skim(store, lane.prefix().u64(self.kept).as_ref(), &end, 1)?;
                due.rows.first().map_or(Ok(self.kept), |(key, _)| turn_of(key))?
            }
        };
        self.present = Some(present);
        Ok(present)
    }
}

/// The row that keeps the present turn of a lane, as it was up to [`BEHIND`] turns ago.
pub(crate) fn turn_key(lane: Lane) -> KeyBuilder {
    KeyBuilder::new(tag::COUNTER).text("turn").raw(lane.prefix())
}

/// What an index row of something due says beside its key: whose it is, and where it goes.
pub(crate) type Whose = (String, String);

/// The turn in an index row's key.
fn turn_of(key: &[u8]) -> Result<u64, StoreError> {
    let mut reader = KeyReader::new(key, tag::QUEUE_DUE)?;
    reader.u8()?;
    reader.u64()
}

fn read_turn(key: &[u8], value: &[u8]) -> Result<(Found, Whose), StoreError> {
    let mut reader = KeyReader::new(key, tag::QUEUE_DUE)?;
    let (_, _, item) = (reader.u8()?, reader.u64()?, reader.u128()?);
    reader.end()?;
    Ok((Found { key: key.to_vec(), item }, decode(key, value)?))
}

/// Destinations whose server is remembered: whoever writes to many domains fills no memory.
const SERVERS: usize = 10_000;

/// How many items are being handed over, by owner and by destination; destinations behind one server are one.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    held: Mutex<HashMap<String, usize>>,
    /// Which server the mail of a destination went to last.
    servers: Mutex<HashMap<String, String>>,
    /// Whether something found no place since this was asked.
    passed: AtomicBool,
}

/// A place that an item has among those being handed over; it ends with its last copy.
#[derive(Debug)]
pub(crate) struct Share {
    of: Arc<Shares>,
    whose: Whose,
}

impl Shares {
    /// A place, as long as neither owner nor destination has too many of them for what is free, and the destination fewer
    /// than `each`.
    pub(crate) fn claim(self: &Arc<Self>, mut whose: Whose, free: usize, each: usize) -> Option<Arc<Share>> {
        if let Some(server) = self.servers.lock().get(&whose.1) {
            whose.1.clone_from(server);
        }
        let mut held = self.held.lock();
        let few = |name: &String, most: usize| held.get(name).copied().unwrap_or_default() < most;
        if !(few(&whose.0, GREED * free) && few(&whose.1, each.min(GREED * free))) {
            self.passed.store(true, Ordering::Relaxed);
            return None;
        }
        // An owner has an `@` in his name, a destination and a server have none.
        for name in [&whose.0, &whose.1] {
            *held.entry(name.clone()).or_default() += 1;
        }
        Some(Arc::new(Share { of: Arc::clone(self), whose }))
    }

    fn learn(&self, to: &str, server: &str) {
        let mut servers = self.servers.lock();
        if servers.get(to).is_some_and(|known| known == server) {
            return;
        }
        if servers.len() >= SERVERS {
            servers.clear();
        }
        servers.insert(to.to_owned(), server.to_owned());
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.of.held.lock();
        for name in [&self.whose.0, &self.whose.1] {
            let left = held.get(name).copied().unwrap_or_default().saturating_sub(1);
            if left == 0 {
                held.remove(name);
            } else {
                held.insert(name.clone(), left);
            }
        }
    }
}

impl<S: Store> Engine<S> {
    /// Mail for this destination goes to this server. From now on it shares the places of all that do, so that what many
    /// domains have for one slow server stays in the queue as what one of them has.
    pub fn goes_to(&self, to: &Domain, server: &str) {
        self.shares.learn(to.as_str(), server);
    }

    /// Whether looks since this was asked passed over something that is due: whoever it belongs to, or where it goes, has
    /// too much in hand. It may have a place when some of that ends.
    pub fn passed_over(&self) -> bool {
        self.shares.passed.swap(false, Ordering::Relaxed)
    }

    /// Whether the last look at the relay's part ended before it had read all that is due, though it had room: then the next
    /// one goes on.
    pub fn reads_on(&self) -> bool {
        !self.store.turns(Lane::RelayTurns).0.lock().passed.is_empty()
    }

    /// What is due in a lane, in its order, at most `limit`; `may` says for how many places are left whether it is taken.
    ///
    /// What is passed over stays in its place, before what may be taken. So a look reads the first page, then that of the
    /// present turn, where what is new stands, and some rows of all the others, going on where the last look ended; it begins
    /// now with these and now with those. Nothing is hidden by what is passed over, nor by much that is new, and a look reads
    /// so many rows and no more: [`Engine::reads_on`] says that there are others.
    pub(crate) fn in_turn<T>(
        &self,
        lane: Lane,
        limit: usize,
        mut may: impl FnMut(&Found, Whose, usize) -> Option<T>,
    ) -> Result<Vec<(Found, T)>, Error> {
        let turns = self.store.turns(lane);
        let page = limit + AHEAD;
        let (begin, end) = lane.prefix().range();
        let (passed, present, others_first) = {
            let mut state = turns.0.lock();
            let present = lane.prefix().u64(state.present(&self.store, lane)?).done();
            state.turned = !state.turned;
            (std::mem::take(&mut state.passed), present, state.turned)
        };
        let mut chosen: Vec<(Found, T)> = Vec::new();
        // Where to go on, if this is not the end, and whether there is room.
        let mut choose = |from: &[u8], most: usize| {
            let rows = self.look(lane, from, &end, most, read_turn)?;
            let last = rows.last().filter(|_| rows.len() == most);
            let next = last.map(|(found, _)| sigillo_store::key::successor(&found.key));
            for (found, whose) in rows {
                let free = limit - chosen.len();
                if free > 0 && chosen.iter().all(|(other, _)| other.key != found.key) {
                    chosen.extend(may(&found, whose, free).map(|share| (found, share)));
                }
            }
            Ok::<_, Error>((next, chosen.len() < limit))
        };
        let (Some(next), true) = choose(&begin, page)? else { return Ok(chosen) };
        let (present, mut passed) = (present.max(next.clone()), passed.max(next));
        for others in [others_first, !others_first] {
            if !others {
                if !choose(&present, page)?.1 {
                    break;
                }
                continue;
            }
            let (rest, room) = choose(&passed, PASSED)?;
            if !room {
                break;
            }
            passed = rest.unwrap_or_default();
        }
        turns.0.lock().passed = passed;
        Ok(chosen)
    }

    /// Gives a turn to what waited for its time.
    pub(crate) fn call_up(&self, lane: Lane, now: Timestamp) -> Result<(), Error> {
        for found in self.waiting_until(lane, now, CALLED_UP)? {
            let called = transact(&self.store, ATTEMPTS, |tx| {
                tx.later();
                if tx.get(&found.key)?.is_none() {
                    return Ok(());
                }
                match queue::item(tx, found.item)? {
                    Some(item) => {
                        tx.delete(&found.key);
                        let (key, value) = queue::index_row(&item, found.item);
                        if key.as_ref() == found.key {
                            queue::make_due(tx, found.item, item)?;
                        } else {
                            tx.put(key, value);
                        }
                    }
                    None => tx.delete(&found.key),
                }
                Ok::<_, Error>(())
            });
            if let Err(error) = called {
                self.pass_over(lane, &found, &error, now);
            }
        }
        Ok(())
    }
}

/// The turn of what is taken is the present one.
pub(crate) fn taken<S: Store>(tx: &mut Transaction<'_, S>, lane: Lane, turn: u64) {
    if tx.store().turns(lane).reached(turn) {
        tx.put(turn_key(lane), encode(&turn));
    }
}

#[cfg(test)]
mod tests;
