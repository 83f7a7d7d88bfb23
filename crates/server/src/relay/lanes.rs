//! How many transactions one destination gets at once, and one server, whichever destinations are behind it, so that a slow
//! one does not take the places of all others.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

use super::watchdog;

/// For each transaction at once, so many messages may wait in memory for their turn; the others wait in the queue.
const WAITING: usize = 4;

#[derive(Debug)]
struct Lane {
    places: Arc<Semaphore>,
    here: usize,
}

/// The lanes of all destinations, or of all servers, that have messages in work.
pub(super) struct Lanes<K> {
    each: usize,
    open: Mutex<HashMap<K, Lane>>,
}

/// A message in a lane.
pub(super) struct Room<K: Eq + Hash> {
    lanes: Arc<Lanes<K>>,
    to: K,
    /// A permit of it is a transaction.
    pub(super) places: Arc<Semaphore>,
    /// More than [`Lanes::most`] are in there.
    pub(super) crowded: bool,
}

impl<K: Clone + Eq + Hash> Lanes<K> {
    pub(super) fn new(each: usize) -> Arc<Self> {
        Arc::new(Self { each, open: Mutex::default() })
    }

    /// Messages in one lane at the most.
    pub(super) const fn most(&self) -> usize {
        self.each.saturating_mul(1 + WAITING)
    }

    /// Lets a message in.
    pub(super) fn enter(self: &Arc<Self>, to: &K) -> Room<K> {
        let mut open = self.open.lock();
        let new = || Lane { places: Arc::new(Semaphore::new(self.each)), here: 0 };
        let lane = open.entry(to.clone()).or_insert_with(new);
        lane.here += 1;
        let crowded = lane.here > self.most();
        Room { lanes: Arc::clone(self), to: to.clone(), places: Arc::clone(&lane.places), crowded }
    }
}

/// The place of a hand-over among all of them.
pub(super) struct Seat<'a> {
    all: &'a Semaphore,
    held: Option<SemaphorePermit<'a>>,
}

impl<'a> Seat<'a> {
    /// Waits for one.
    pub(super) async fn take(all: &'a Semaphore) -> Result<Self, AcquireError> {
        Ok(Self { all, held: Some(all.acquire().await?) })
    }

    /// A turn in a lane. Who has to wait for it leaves his place to others meanwhile: so nobody waits for a turn with a place
    /// in his hands, and who has a turn gets one.
    pub(super) async fn turn<'l>(&mut self, lane: &'l Semaphore) -> Result<SemaphorePermit<'l>, AcquireError> {
        if let Ok(turn) = lane.try_acquire() {
            return Ok(turn);
        }
        watchdog::rest();
        self.held = None;
        let turn = lane.acquire().await?;
        self.held = Some(self.all.acquire().await?);
        Ok(turn)
    }
}

impl<K: Eq + Hash> Drop for Room<K> {
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
    use std::time::Duration;

    use sigillo_base::Domain;
    use tokio::time::timeout;

    use super::*;

    /// As between two domains whose mail goes to one slow server, and a third one.
    #[tokio::test]
    async fn who_waits_for_a_slow_server_leaves_its_place_to_others() {
        let (servers, all) = (Lanes::new(1), Semaphore::new(2));
        let (slow, other) = (servers.enter(&"192.0.2.1:25"), servers.enter(&"192.0.2.2:25"));
        let mut first = Seat::take(&all).await.unwrap();
        let under_way = first.turn(&slow.places).await.unwrap();
        let mut second = Seat::take(&all).await.unwrap();
        let (waits, goes_on) = tokio::join!(
            async { timeout(Duration::from_secs(20), second.turn(&slow.places)).await.is_ok_and(|turn| turn.is_ok()) },
            async {
                let mut third = timeout(Duration::from_secs(20), Seat::take(&all)).await.expect("a place").unwrap();
                let has_turn = third.turn(&other.places).await.is_ok();
                // All are taken again: who gets his turn now waits for a place, and gets it.
                drop(under_way);
                tokio::task::yield_now().await;
                has_turn
            },
        );
        assert!(waits && goes_on);
        assert!(second.held.is_some() && all.available_permits() == 0);
    }

    #[test]
    fn a_lane_says_that_it_has_too_many() {
        let servers = Lanes::new(1);
        let rooms: Vec<_> = (0..6).map(|_| servers.enter(&"192.0.2.1:25")).collect();
        assert_eq!(rooms.iter().map(|r| r.crowded).collect::<Vec<_>>(), [false, false, false, false, false, true]);
        drop(rooms);
        assert!(!servers.enter(&"192.0.2.1:25").crowded);
    }

    #[test]
    fn a_lane_has_its_places_while_anything_is_in_it() {
        let lanes = Lanes::new(2);
        let (slow, other) = (Domain::parse("slow.example").unwrap(), Domain::parse("other.example").unwrap());
        let rooms: Vec<Room<Domain>> = (0..lanes.most()).map(|_| lanes.enter(&slow)).collect();
        assert_eq!(rooms.len(), 10);
        let _two = rooms[0].places.clone().try_acquire_many_owned(2).unwrap();
        assert!(rooms[9].places.try_acquire().is_err(), "all share its places");
        assert!(lanes.enter(&other).places.try_acquire().is_ok(), "and nobody else does");
        assert_eq!(lanes.open.lock().len(), 1, "nothing is kept of who has nothing in work");
    }
}
