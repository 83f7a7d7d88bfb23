//! How many items the queue has and how old they are, counted page by page: whoever counts says how much at once, so that
//! a million rows hold nobody up.

use std::collections::HashSet;

use sigillo_base::Timestamp;
use sigillo_store::{KeyBuilder, KeyReader, Store, key, tag};

use crate::fronts::Lane;
use crate::meter::{Part, Standing};
use crate::rows::{ItemRow, decode, item_key};
use crate::{Engine, Error, leases, queue};

/// Items of one part and standing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub items: u64,
    /// When the oldest was queued.
    pub oldest: Option<Timestamp>,
}

/// A count of the queue under way.
#[derive(Debug, Clone)]
pub struct Census {
    from: Option<Vec<u8>>,
    in_work: HashSet<u128>,
    tallies: [[Tally; Standing::ALL.len()]; Part::ALL.len()],
}

impl Census {
    /// Whether every item was counted.
    pub fn is_over(&self) -> bool {
        self.from.is_none()
    }

    /// What was counted so far.
    pub fn tally(&self, part: Part, standing: Standing) -> Tally {
        self.tallies[part as usize][standing as usize]
    }

    fn add(&mut self, id: u128, row: &ItemRow, now: Timestamp) {
        let part = if queue::lane(&row.work) == Lane::Local { Part::Local } else { Part::Relay };
        let standing = match (self.in_work.contains(&id), Timestamp::from_millis(row.due) <= now) {
            (true, _) => Standing::InWork,
            (false, true) => Standing::Due,
            (false, false) => Standing::Later,
        };
        let tally = &mut self.tallies[part as usize][standing as usize];
        let created = Timestamp::from_millis(row.created);
        tally.items += 1;
        tally.oldest = Some(tally.oldest.map_or(created, |oldest| oldest.min(created)));
    }
}

impl<S: Store> Engine<S> {
    /// Begins a count. Who works at what is read here, at most `limit` leases.
    ///
    /// # Errors
    /// The store's fault.
    pub fn begin_census(&self, limit: usize) -> Result<Census, Error> {
        let (from, to) = KeyBuilder::new(tag::LEASE).range();
        let in_work = self.sound(&from, &to, limit, |key, _| leases::item_of(key))?;
        let (from, _) = KeyBuilder::new(tag::QUEUE_ITEM).range();
        Ok(Census { from: Some(from), in_work: in_work.into_iter().collect(), tallies: Default::default() })
    }

    /// Counts at most `limit` items more. What comes or goes meanwhile may be counted or not, each item once at most.
    ///
    /// # Errors
    /// The store's fault; the count may go on.
    pub fn go_on(&self, census: &mut Census, limit: usize, now: Timestamp) -> Result<(), Error> {
        let Some(from) = &census.from else { return Ok(()) };
        let (_, to) = KeyBuilder::new(tag::QUEUE_ITEM).range();
        let read = |key: &[u8], value: &[u8]| Ok((KeyReader::new(key, tag::QUEUE_ITEM)?.u128()?, decode(key, value)?));
        let found: Vec<(u128, ItemRow)> = self.sound(from, &to, limit, read)?;
        for (id, row) in &found {
            census.add(*id, row, now);
        }
        census.from = found.last().filter(|_| found.len() == limit).map(|(id, _)| key::successor(item_key(*id)));
        Ok(())
    }
}
