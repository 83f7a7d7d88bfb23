//! Where a look at what is due begins: not among the remains of what was done long ago.
//!
//! A store keeps marks of removed rows for a while, and the index of what is due begins with them. So this process knows
//! a key for each lane of the index, its front, before which no row lies. Every commit of the engine goes through
//! [`Fronted`] and lowers the fronts to what it writes; a look begins at the front, and moves it up to the first row that
//! it found. Several servers may share a store: what others wrote before our front is found every [`AGAIN`], when a look
//! begins at the very beginning, as it does after a start. What falls due in a commit, or will before anything else, is told to
//! its workers by the same way, so that nobody forgets it, and nobody looks in vain.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sigillo_base::Timestamp;
use sigillo_store::{Batch, Durability, Error, KeyBuilder, Overlay, Row, Store, tag};

use crate::meter::Part;
use crate::turns::Turns;
use crate::{Bell, Engine};

/// A transaction of the engine: its commit lowers the fronts and rings.
pub(crate) type Transaction<'t, S> = sigillo_store::Transaction<'t, Fronted<S>>;

/// So long after a look at everything, in service time, the next look at everything is due.
const AGAIN: Duration = Duration::from_secs(60);

const LOCAL: u8 = 0;
const RELAY: u8 = 1;
const LOCAL_TURNS: u8 = 2;
const RELAY_TURNS: u8 = 3;

const TEXTS: u8 = 0;
const LETTERS: u8 = 1;

/// A part of the index of what is due. Local work and relay are apart, so that a dead destination never hides a local
/// delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Items that this provider does in itself, when their time has come.
    Local,
    /// Items for other providers, when their time has come.
    Relay,
    /// Deadlines.
    Timers,
    /// Items that this provider does in itself and that are due, in order of their turns.
    LocalTurns,
    /// Items for other providers that are due, in order of their turns.
    RelayTurns,
    /// Short messages, when their time has come.
    Texts,
    /// Notices that go by mail.
    Letters,
    /// Mail that came and is to be told or copied.
    Arrivals,
}

impl Lane {
    const ALL: [Self; 8] = [
        Self::Local,
        Self::Relay,
        Self::Timers,
        Self::LocalTurns,
        Self::RelayTurns,
        Self::Texts,
        Self::Letters,
        Self::Arrivals,
    ];

    /// Where items of this lane go once they are due.
    pub(crate) fn turns(self) -> Self {
        match self {
            Self::Local => Self::LocalTurns,
            Self::Relay => Self::RelayTurns,
            other => other,
        }
    }

    /// What its keys begin with; a time or a turn follows.
    pub(crate) fn prefix(self) -> KeyBuilder {
        match self {
            Self::Local => KeyBuilder::new(tag::QUEUE_DUE).u8(LOCAL),
            Self::Relay => KeyBuilder::new(tag::QUEUE_DUE).u8(RELAY),
            Self::Timers => KeyBuilder::new(tag::TIMER_DUE),
            Self::LocalTurns => KeyBuilder::new(tag::QUEUE_DUE).u8(LOCAL_TURNS),
            Self::RelayTurns => KeyBuilder::new(tag::QUEUE_DUE).u8(RELAY_TURNS),
            Self::Texts => KeyBuilder::new(tag::NOTICE).u8(TEXTS),
            Self::Letters => KeyBuilder::new(tag::NOTICE).u8(LETTERS),
            Self::Arrivals => KeyBuilder::new(tag::ARRIVED),
        }
    }

    /// Who works at what it holds.
    const fn part(self) -> Part {
        match self {
            Self::Local | Self::LocalTurns | Self::Timers => Part::Local,
            Self::Relay | Self::RelayTurns => Part::Relay,
            Self::Texts | Self::Letters | Self::Arrivals => Part::Notices,
        }
    }

    /// Whether what it holds is due: the others hold what will be.
    const fn is_due(self) -> bool {
        matches!(self, Self::LocalTurns | Self::RelayTurns)
    }

    fn of(key: &[u8]) -> Option<Self> {
        match key {
            [tag::QUEUE_DUE, LOCAL, ..] => Some(Self::Local),
            [tag::QUEUE_DUE, RELAY, ..] => Some(Self::Relay),
            [tag::TIMER_DUE, ..] => Some(Self::Timers),
            [tag::QUEUE_DUE, LOCAL_TURNS, ..] => Some(Self::LocalTurns),
            [tag::QUEUE_DUE, RELAY_TURNS, ..] => Some(Self::RelayTurns),
            [tag::NOTICE, TEXTS, ..] => Some(Self::Texts),
            [tag::NOTICE, LETTERS, ..] => Some(Self::Letters),
            [tag::ARRIVED, ..] => Some(Self::Arrivals),
            _ => None,
        }
    }
}

/// A store whose commits lower the fronts and ring.
pub(crate) struct Fronted<S> {
    store: S,
    /// What a trial writes, in the place of the store.
    trial: Option<Overlay<S>>,
    bell: Arc<dyn Bell>,
    fronts: [Mutex<Front>; Lane::ALL.len()],
    turns: [Turns; Lane::ALL.len()],
    /// When a look began at the very beginning.
    begun: Mutex<Option<Timestamp>>,
}

/// The front of one lane.
#[derive(Debug)]
struct Front {
    /// No row whose commit has come back lies before it.
    key: Vec<u8>,
    /// The looks under way by number, each with the lowest key that was written since it began.
    looks: BTreeMap<u64, Option<Vec<u8>>>,
    begun: u64,
}

impl Front {
    /// Gives whether nothing was known before this key.
    fn lower(&mut self, key: &[u8]) -> bool {
        let first = key < self.key.as_slice();
        if first {
            self.key = key.to_vec();
        }
        for lowest in self.looks.values_mut() {
            if lowest.as_ref().is_none_or(|lowest| key < lowest.as_slice()) {
                *lowest = Some(key.to_vec());
            }
        }
        first
    }
}

impl<S> Fronted<S> {
    /// The store, with every front at its beginning.
    pub(crate) fn new(store: S, bell: Arc<dyn Bell>) -> Self {
        let front = |lane: Lane| Front { key: lane.prefix().done(), looks: BTreeMap::new(), begun: 0 };
        let fronts = Lane::ALL.map(|lane| Mutex::new(front(lane)));
        Self { store, trial: None, bell, fronts, turns: Default::default(), begun: Mutex::default() }
    }

    /// The same store for a trial: what is written is seen here alone, and is gone with it. Nobody is rung for.
    pub(crate) fn trial(&self) -> Self
    where
        S: Store + Clone,
    {
        let trial = Some(Overlay::new(self.store.clone()));
        Self { trial, ..Self::new(self.store.clone(), Arc::new(())) }
    }

    /// The store without fronts: for reading only.
    pub(crate) fn inner(&self) -> &S {
        &self.store
    }

    /// From time to time the next looks begin at the very beginning.
    pub(crate) fn look_everywhere(&self, now: Timestamp) {
        let mut begun = self.begun.lock();
        if begun.is_none_or(|at| now.since(at) >= AGAIN) {
            *begun = Some(now);
            for lane in Lane::ALL {
                self.front(lane).lock().lower(lane.prefix().as_ref());
            }
        }
    }

    /// Begins a look at a lane.
    fn look(&self, lane: Lane) -> Look<'_> {
        let mut front = self.front(lane).lock();
        front.begun += 1;
        let (number, from) = (front.begun, front.key.clone());
        front.looks.insert(number, None);
        Look { front: self.front(lane), number, from }
    }

    /// The turns of a lane.
    pub(crate) fn turns(&self, lane: Lane) -> &Turns {
        &self.turns[lane as usize]
    }

    fn front(&self, lane: Lane) -> &Mutex<Front> {
        &self.fronts[lane as usize]
    }
}

impl<S: Store> Store for Fronted<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match &self.trial {
            None => self.store.get(key),
            Some(trial) => trial.get(key),
        }
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, Error> {
        match &self.trial {
            None => self.store.scan(from, to, limit),
            Some(trial) => trial.scan(from, to, limit),
        }
    }

    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        let done = match &self.trial {
            None => self.store.commit(batch, durability),
            Some(trial) => return trial.commit(batch, durability),
        };
        // Afterwards: a look that began before would not see the rows, and pass them. Whatever came of it: what the
        // store could not tell may be there.
        let mut rung: Vec<Part> = Vec::new();
        for (key, value) in batch.writes() {
            if let (Some(lane), Some(_)) = (Lane::of(key), value) {
                let first = self.front(lane).lock().lower(key);
                // Whoever sleeps until the next time that he knows of hears of an earlier one.
                if (first || lane.is_due()) && !rung.contains(&lane.part()) {
                    rung.push(lane.part());
                }
            }
        }
        if done != Err(Error::Conflict) {
            rung.into_iter().for_each(|part| self.bell.queue_changed(part));
        }
        done
    }
}

/// A look under way at a lane.
struct Look<'f> {
    front: &'f Mutex<Front>,
    number: u64,
    /// Where it begins.
    from: Vec<u8>,
}

impl Look<'_> {
    /// It found nothing before this key: the front moves there, but not past what was written since it began.
    fn reached(self, key: &[u8]) {
        let mut front = self.front.lock();
        let lowest = front.looks.get(&self.number).cloned().flatten();
        let key = lowest.as_deref().map_or(key, |lowest| lowest.min(key));
        if key > front.key.as_slice() {
            front.key = key.to_vec();
        }
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        self.front.lock().looks.remove(&self.number);
    }
}

impl<S: Store> Engine<S> {
    /// The first rows of a lane before `to` and not before `from`, at most `limit`, as `read` reads them. What `read`
    /// finds damaged is passed over and holds nobody up.
    pub(crate) fn look<T>(
        &self,
        lane: Lane,
        from: &[u8],
        to: &[u8],
        limit: usize,
        read: impl Fn(&[u8], &[u8]) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let look = self.store.look(lane);
        let found = self.sound(from.max(&look.from), to, limit, |key, value| Ok((key.to_vec(), read(key, value)?)))?;
        if from <= look.from.as_slice() {
            look.reached(found.first().map_or(to, |(key, _)| key));
        }
        Ok(found.into_iter().map(|(_, row)| row).collect())
    }

    /// The first rows of a lane whose time has come by `at`.
    pub(crate) fn look_until<T>(
        &self,
        lane: Lane,
        at: Timestamp,
        limit: usize,
        read: impl Fn(&[u8]) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let to = lane.prefix().time(at.plus(Duration::from_millis(1)));
        let found = self.look(lane, &[], to.as_ref(), limit, |key, _| read(key))?;
        if found.is_empty() {
            self.look_ahead(lane, to.as_ref())?;
        }
        Ok(found)
    }

    /// Nothing is due: the front moves on to what will be, so that until then a look reads nothing.
    fn look_ahead(&self, lane: Lane, reached: &[u8]) -> Result<(), Error> {
        let (look, end) = (self.store.look(lane), lane.prefix().range().1);
        if look.from.as_slice() <= reached {
            let next = self.sound(&look.from, &end, 1, |key, _| Ok(key.to_vec()))?;
            look.reached(next.first().unwrap_or(&end));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
