//! How many items the queue has, notices among them, and how old they are, counted page by page: whoever counts says how much at once, so that
//! a million rows hold nobody up.

use std::collections::HashSet;

use sigillo_base::Timestamp;
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, key, tag};

use crate::fronts::Lane;
use crate::meter::{Part, Standing};
use crate::rows::{ItemRow, decode};
use crate::{Engine, Error, leases, notices, queue};

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

    fn add(&mut self, counted: &Counted, now: Timestamp) {
        let standing = match (self.in_work.contains(&counted.id), counted.due <= now) {
            (true, _) => Standing::InWork,
            (false, true) => Standing::Due,
            (false, false) => Standing::Later,
        };
        let tally = &mut self.tallies[counted.part as usize][standing as usize];
        tally.items += 1;
        tally.oldest = Some(tally.oldest.map_or(counted.created, |oldest| oldest.min(counted.created)));
    }
}

/// An item, or a notice, as it is counted.
struct Counted {
    key: Vec<u8>,
    id: u128,
    part: Part,
    created: Timestamp,
    due: Timestamp,
}

/// The tables that are counted, ascending.
const TABLES: [u8; 2] = [tag::QUEUE_ITEM, tag::NOTICE];

fn read(key: &[u8], value: &[u8]) -> Result<Counted, StoreError> {
    if key.first() == Some(&tag::NOTICE) {
        let (due, id) = notices::due(key)?;
        let created = notices::made(id);
        return Ok(Counted { key: key.to_vec(), id, part: Part::Notices, created, due });
    }
    let id = KeyReader::new(key, tag::QUEUE_ITEM)?.u128()?;
    let row: ItemRow = decode(key, value)?;
    let part = if queue::lane(&row.work) == Lane::Local { Part::Local } else { Part::Relay };
    let at = Timestamp::from_millis;
    Ok(Counted { key: key.to_vec(), id, part, created: at(row.created), due: at(row.due) })
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
        let table = from.first().copied().unwrap_or_default();
        let found = self.sound(from, &[table + 1], limit, read)?;
        for counted in &found {
            census.add(counted, now);
        }
        let further = || TABLES.iter().find(|other| **other > table).map(|other| vec![*other]);
        let last = found.last().filter(|_| found.len() == limit).map(|last| key::successor(&last.key));
        census.from = last.or_else(further);
        Ok(())
    }
}
