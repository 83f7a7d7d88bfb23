//! What shall go wrong, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::{Batch, Durability, Error};

/// How a commit goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is written, the caller hears `Temporary`.
    Refused,
    /// Everything is written, yet the caller hears `Temporary`: the answer was lost.
    Lost,
    /// The process dies before the commit: nothing is written, every call fails until
    /// [`restart`](super::MemoryStore::restart).
    CrashBefore,
    /// The process dies after the commit, before anybody hears of it.
    CrashAfter,
}

/// A commit as the hook sees it, before it happens.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Its number since the plan was set, from 1. Conflicts count too.
    pub number: u64,
    /// What it expects and writes.
    pub batch: Batch,
    /// Whether it is synced.
    pub durability: Durability,
}

type Hook = Arc<dyn Fn(&Commit) -> Option<Fault> + Send + Sync>;

/// A plan of faults. The default is none.
#[derive(Clone, Default)]
pub struct Plan {
    commits: BTreeMap<u64, Fault>,
    calls: BTreeSet<u64>,
    hook: Option<Hook>,
    pub(super) capacity: Option<usize>,
    commits_seen: u64,
    calls_seen: u64,
}

impl Plan {
    /// No faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The `number`-th commit from now (the first is 1) goes wrong in this way.
    #[must_use]
    pub fn fail_commit(mut self, number: u64, fault: Fault) -> Self {
        self.commits.insert(number, fault);
        self
    }

    /// The `number`-th call of any kind from now (get, scan or commit; the first is 1) fails with `Temporary`.
    #[must_use]
    pub fn fail_call(mut self, number: u64) -> Self {
        self.calls.insert(number);
        self
    }

    /// The disk holds this many bytes of keys and values: a commit that would grow past them fails with `Temporary`.
    #[must_use]
    pub fn capacity(mut self, bytes: usize) -> Self {
        self.capacity = Some(bytes);
        self
    }

    /// Calls this before every commit (also one that will conflict), with no lock held: it may use the store. What
    /// it returns goes before the planned faults.
    #[must_use]
    pub fn hook(mut self, hook: impl Fn(&Commit) -> Option<Fault> + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    pub(super) fn next_call(&mut self) -> Result<(), Error> {
        self.calls_seen += 1;
        if self.calls.contains(&self.calls_seen) {
            return Err(Error::Temporary("the call was made to fail".into()));
        }
        Ok(())
    }

    pub(super) fn next_commit(
        &mut self,
        batch: &Batch,
        durability: Durability,
    ) -> (Commit, Option<Fault>, Option<Hook>) {
        self.commits_seen += 1;
        let number = self.commits_seen;
        // The batch is copied only for a hook that looks at it.
        let batch = if self.hook.is_some() { batch.clone() } else { Batch::new() };
        (Commit { number, batch, durability }, self.commits.get(&number).copied(), self.hook.clone())
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("commits", &self.commits)
            .field("calls", &self.calls)
            .field("capacity", &self.capacity)
            .field("hook", &self.hook.is_some())
            .finish_non_exhaustive()
    }
}
