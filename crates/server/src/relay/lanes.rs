//! How many transactions one destination gets at once, so that a slow one does not take the places of all others.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use sigillo_base::Domain;
use tokio::sync::Semaphore;

/// For each transaction at once, so many messages may wait in memory for their turn; the others wait in the queue.
const WAITING: usize = 4;

#[derive(Debug)]
struct Lane {
    places: Arc<Semaphore>,
    here: usize,
}

/// The lanes of all destinations that have messages in work.
pub(super) struct Lanes {
    each: usize,
    open: Mutex<HashMap<Domain, Lane>>,
}

/// A message in a lane.
pub(super) struct Room {
    lanes: Arc<Lanes>,
    to: Domain,
    /// A permit of it is a transaction.
    pub(super) places: Arc<Semaphore>,
}

impl Lanes {
    pub(super) fn new(each: usize) -> Arc<Self> {
        Arc::new(Self { each, open: Mutex::default() })
    }

    /// Messages to one destination that are in work at the most.
    pub(super) const fn most(&self) -> usize {
        self.each.saturating_mul(1 + WAITING)
    }

    /// Lets a message to this destination in.
    pub(super) fn enter(self: &Arc<Self>, to: &Domain) -> Room {
        let mut open = self.open.lock();
        let new = || Lane { places: Arc::new(Semaphore::new(self.each)), here: 0 };
        let lane = open.entry(to.clone()).or_insert_with(new);
        lane.here += 1;
        Room { lanes: Arc::clone(self), to: to.clone(), places: Arc::clone(&lane.places) }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut open = self.lanes.open.lock();
        if let Some(lane) = open.get_mut(&self.to) {
            lane.here -= 1;
            if lane.here == 0 {
                open.remove(&self.to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_has_its_places_while_anything_is_in_it() {
        let lanes = Lanes::new(2);
        let (slow, other) = (Domain::parse("slow.example").unwrap(), Domain::parse("other.example").unwrap());
        let rooms: Vec<Room> = (0..lanes.most()).map(|_| lanes.enter(&slow)).collect();
        assert_eq!(rooms.len(), 10);
        let _two = rooms[0].places.clone().try_acquire_many_owned(2).unwrap();
        assert!(rooms[9].places.try_acquire().is_err(), "all share its places");
        assert!(lanes.enter(&other).places.try_acquire().is_ok(), "and nobody else does");
        assert_eq!(lanes.open.lock().len(), 1, "nothing is kept of who has nothing in work");
    }
}
