//! Who waits for what: bells for workers, places for messages on their way, the end of a run.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use sigillo_base::MailboxId;
use sigillo_engine::meter::Part;
use sigillo_engine::{Bell, Dispatch};

/// Messages on their way at once: enough to keep every core and the disk busy, few enough to stay a queue and no heap.
pub const IN_FLIGHT: usize = 64;

/// A run that is not over by then never will be.
const PATIENCE: Duration = Duration::from_secs(120);

/// A bell that one thread hears; a ring before the wait is not lost.
#[derive(Default)]
pub struct Ring(Mutex<bool>, Condvar);

impl Ring {
    /// Wakes one.
    pub fn ring(&self) {
        *self.0.lock() = true;
        self.1.notify_one();
    }

    /// Until somebody rings, or a little later.
    pub fn wait(&self) {
        let mut rung = self.0.lock();
        self.1.wait_while_for(&mut rung, |rung| !*rung, Duration::from_millis(50));
        *rung = false;
    }
}

/// The bells of one provider, as the program has them.
#[derive(Default)]
pub struct Bells {
    /// For local work.
    pub worker: Ring,
    /// For the relay.
    pub relay: Ring,
}

impl Bell for Bells {
    fn mailbox_changed(&self, _: MailboxId) {}

    fn queue_changed(&self, part: Part) {
        match part {
            Part::Local => self.worker.ring(),
            Part::Relay => self.relay.ring(),
            // Nobody is told anything here.
            Part::Notices => {}
        }
    }
}

/// Dispatches that wait for a hand.
#[derive(Default)]
pub struct Tray {
    waiting: Mutex<VecDeque<Dispatch>>,
    filled: Condvar,
}

impl Tray {
    /// Puts them in.
    pub fn put(&self, dispatches: Vec<Dispatch>) {
        let count = dispatches.len();
        self.waiting.lock().extend(dispatches);
        for _ in 0..count {
            self.filled.notify_one();
        }
    }

    /// Takes one, waiting a little for it.
    pub fn take(&self) -> Option<Dispatch> {
        let mut waiting = self.waiting.lock();
        self.filled.wait_while_for(&mut waiting, |w| w.is_empty(), Duration::from_millis(50));
        waiting.pop_front()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.lock().len()
    }
}

/// How far a run is.
#[derive(Default)]
pub struct Run {
    counts: Mutex<Counts>,
    changed: Condvar,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    submitted: usize,
    taken: usize,
    delivered: usize,
    last: Option<Instant>,
    stopped: bool,
}

impl Run {
    /// The number of the next message to submit, once it has a place; `None` when all are submitted.
    pub fn next(&self, of: usize) -> Option<usize> {
        let mut counts = self.counts.lock();
        self.changed
            .wait_while(&mut counts, |c| c.submitted < of && c.submitted - c.delivered >= IN_FLIGHT && !c.stopped);
        let number = counts.submitted;
        let more = number < of && !counts.stopped;
        counts.submitted += usize::from(more);
        more.then_some(number)
    }

    /// A take-charge receipt came back.
    pub fn taken(&self) {
        self.counts.lock().taken += 1;
        self.changed.notify_all();
    }

    /// A delivery receipt came back: its message has ended.
    pub fn delivered(&self) {
        let mut counts = self.counts.lock();
        counts.delivered += 1;
        counts.last = Some(Instant::now());
        self.changed.notify_all();
    }

    /// Waits for both receipts of all; gives when the last delivery receipt came, `None` when they never did.
    pub fn wait(&self, of: usize) -> Option<Instant> {
        let mut counts = self.counts.lock();
        self.changed.wait_while_for(&mut counts, |c| c.delivered < of || c.taken < of, PATIENCE);
        counts.last.filter(|_| counts.delivered == of && counts.taken == of)
    }

    /// Lets every thread end.
    pub fn stop(&self) {
        self.counts.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Whether the run is over.
    pub fn stopped(&self) -> bool {
        self.counts.lock().stopped
    }
}
