//! The store in memory, for tests and simulations: it behaves like a real one and fails on command.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::{Batch, Durability, Error, Row, Store, key, tag};

mod plan;

pub use plan::{Commit, Fault, Plan};

/// Rows in memory. A clone is another handle to the same rows.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Per commit that a power cut may take: what the keys were before, newest last.
    unsynced: Vec<Undo>,
    /// Rows that cannot be read until they are written again.
    damaged: BTreeSet<Vec<u8>>,
    /// Keys of removed rows in the families where they come and go.
    remains: BTreeSet<Vec<u8>>,
    effort: Effort,
    bytes: usize,
    down: bool,
}

/// What was asked of a store since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effort {
    /// Reads, scans and commits.
    pub calls: u64,
    /// Rows that scans gave, and remains of removed rows of queues that they stepped over: a real store meets those too.
    pub rows: u64,
}

/// What the keys of one commit were before it.
type Undo = Vec<(Vec<u8>, Option<Vec<u8>>)>;

impl MemoryStore {
    /// An empty store without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what shall go wrong from now on, in place of any earlier plan; commits and calls count from 1 again.
    pub fn plan(&self, plan: Plan) {
        *self.shared.plan.lock() = plan;
    }

    /// Takes the power away and gives it back: every `Later` commit without a `Synced` one after it is forgotten.
    pub fn power_cut(&self) {
        self.power_cut_keeping(0);
    }

    /// The same, but the first `kept` of these commits had reached the disk: a real log is cut at any place.
    pub fn power_cut_keeping(&self, kept: usize) {
        let mut state = self.shared.state.lock();
        while state.unsynced.len() > kept
            && let Some(undo) = state.unsynced.pop()
        {
            for (key, old) in undo.into_iter().rev() {
                state.set(&key, old.as_deref());
            }
        }
        state.unsynced.clear();
        state.down = false;
    }

    /// Comes up again after a [`Fault::CrashBefore`] or [`Fault::CrashAfter`], as after a power cut.
    pub fn restart(&self) {
        self.power_cut();
    }

    /// Damages a row, as a flipped bit on the disk does: reading it fails until it is written or removed.
    pub fn damage(&self, key: impl AsRef<[u8]>) {
        self.shared.state.lock().damaged.insert(key.as_ref().to_vec());
    }

    /// Whether it crashed and was not restarted.
    pub fn is_down(&self) -> bool {
        self.shared.state.lock().down
    }

    /// Bytes of all keys and values.
    pub fn bytes(&self) -> usize {
        self.shared.state.lock().bytes
    }

    /// What was asked of it so far.
    pub fn effort(&self) -> Effort {
        self.shared.state.lock().effort
    }

    /// Every row, for ledgers and comparisons; also while it is down.
    pub fn rows(&self) -> Vec<Row> {
        self.shared.state.lock().rows.iter().map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    /// An independent copy of the rows, without plan.
    pub fn fork(&self) -> Self {
        let state = self.shared.state.lock();
        let (rows, damaged, bytes) = (state.rows.clone(), state.damaged.clone(), state.bytes);
        let state = State { rows, damaged, bytes, ..State::default() };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), plan: Mutex::default() }) }
    }

    fn fault_of(&self, batch: &Batch, durability: Durability) -> Option<Fault> {
        let (commit, planned, hook) = self.shared.plan.lock().next_commit(batch, durability);
        // Without any lock held: the hook may read and write the store.
        hook.and_then(|hook| hook(&commit)).or(planned)
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.shared.plan.lock().next_call()?;
        let mut state = self.shared.state.lock();
        state.effort.calls += 1;
        state.up()?;
        state.sound(key)?;
        Ok(state.rows.get(key).cloned())
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, Error> {
        self.shared.plan.lock().next_call()?;
        let mut state = self.shared.state.lock();
        state.effort.calls += 1;
        state.up()?;
        if !key::check_range(from, to)? {
            return Ok(Vec::new());
        }
        use std::ops::Bound::{Excluded, Included};
        let range = state.rows.range::<[u8], _>((Included(from), Excluded(to)));
        let given: Result<Vec<Row>, _> =
            range.take(limit).map(|(k, v)| state.sound(k).map(|()| (k.clone(), v.clone()))).collect();
        let given = given?;
        let end = given.last().filter(|_| given.len() == limit).map_or(to, |(last, _)| last);
        let stepped = state.remains.range::<[u8], _>((Included(from), Excluded(end))).count();
        state.effort.rows += (given.len() + stepped) as u64;
        Ok(given)
    }

    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        batch.check()?;
        let fault = self.fault_of(batch, durability);
        self.shared.plan.lock().next_call()?;
        let capacity = self.shared.plan.lock().capacity;
        let mut state = self.shared.state.lock();
        state.effort.calls += 1;
        state.up()?;
        match fault {
            Some(Fault::Refused) => return Err(Error::Temporary("the commit was made to fail".into())),
            Some(Fault::CrashBefore) => {
                state.down = true;
                return Err(down());
            }
            Some(Fault::Lost | Fault::CrashAfter) | None => {}
        }
        for (key, value) in batch.expectations() {
            state.sound(key)?;
            if state.rows.get(key).map(Vec::as_slice) != value {
                return Err(Error::Conflict);
            }
        }
        if capacity.is_some_and(|most| state.bytes_after(batch) > most.max(state.bytes)) {
            return Err(Error::Temporary("no space left".into()));
        }
        state.apply(batch, durability);
        match fault {
            Some(Fault::Lost) => Err(Error::Temporary("the answer to the commit was made to be lost".into())),
            Some(Fault::CrashAfter) => {
                state.down = true;
                Err(down())
            }
            _ => Ok(()),
        }
    }
}

impl State {
    fn up(&self) -> Result<(), Error> {
        if self.down { Err(down()) } else { Ok(()) }
    }

    fn sound(&self, key: &[u8]) -> Result<(), Error> {
        if self.damaged.contains(key) { Err(Error::corrupt(key, "the row was damaged")) } else { Ok(()) }
    }

    /// Sets one row and gives what it was.
    fn set(&mut self, key: &[u8], value: Option<&[u8]>) -> Option<Vec<u8>> {
        self.damaged.remove(key);
        if value.is_none() && key.first().is_some_and(|t| tag::pattern(*t) == tag::Pattern::Queue) {
            self.remains.insert(key.to_vec());
        }
        let old = match value {
            Some(value) => {
                self.bytes += key.len() + value.len();
                self.rows.insert(key.to_vec(), value.to_vec())
            }
            None => self.rows.remove(key),
        };
        self.bytes -= old.as_ref().map_or(0, |v| key.len() + v.len());
        old
    }

    fn apply(&mut self, batch: &Batch, durability: Durability) {
        let undo = batch.writes().map(|(key, value)| (key.to_vec(), self.set(key, value))).collect();
        match durability {
            Durability::Synced => self.unsynced.clear(),
            Durability::Later => self.unsynced.push(undo),
        }
    }

    fn bytes_after(&self, batch: &Batch) -> usize {
        batch.writes().fold(self.bytes, |sum, (key, value)| {
            let old = self.rows.get(key).map_or(0, |v| key.len() + v.len());
            sum + value.map_or(0, |v| key.len() + v.len()) - old
        })
    }
}

fn down() -> Error {
    Error::Temporary("the store is down".into())
}

#[cfg(test)]
mod tests;
