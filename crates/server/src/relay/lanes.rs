//! How many transactions one destination gets at once, so that a slow one does not take the places of all others.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sigillo_base::{Domain, Timestamp};
use tokio::sync::Semaphore;

/// For each transaction at once, so many messages may wait in memory for their turn; the others wait in the queue.
const WAITING: usize = 4;
/// A message that goes back to the queue stays there at least so long.
const ASIDE: Duration = Duration::from_secs(1);
/// A transaction is first taken to last so long.
const GUESS: Duration = Duration::from_millis(200);

#[derive(Debug)]
struct Lane {
    places: Arc<Semaphore>,
    here: usize,
    /// How long a transaction lasts, about.
    lasts: Duration,
    /// When the next message that finds no room has its turn.
    turn: Timestamp,
}

/// The lanes of all destinations that have messages in work. Time is service time, as the queue's.
pub(super) struct Lanes {
    each: usize,
    open: Mutex<HashMap<Domain, Lane>>,
}

/// Room in a lane.
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

    /// Room for a message to this destination, or when it should come again. Who comes later gets a later time, one
    /// transaction's share apart, so that a long queue does not come back all at once.
    pub(super) fn enter(self: &Arc<Self>, to: &Domain, now: Timestamp) -> Result<Room, Timestamp> {
        let mut open = self.open.lock();
        let lane = open.entry(to.clone()).or_insert_with(|| Lane {
            places: Arc::new(Semaphore::new(self.each)),
            here: 0,
            lasts: GUESS,
            turn: now,
        });
        if lane.here >= self.each * (1 + WAITING) {
            let share = lane.lasts / u32::try_from(self.each).unwrap_or(u32::MAX);
            lane.turn = lane.turn.max(now.plus(ASIDE)).plus(share);
            return Err(lane.turn);
        }
        lane.here += 1;
        Ok(Room { lanes: Arc::clone(self), to: to.clone(), places: Arc::clone(&lane.places) })
    }
}

impl Room {
    /// Learns how long a transaction lasted.
    pub(super) fn lasted(&self, span: Duration) {
        if let Some(lane) = self.lanes.open.lock().get_mut(&self.to) {
            lane.lasts = (lane.lasts * 7 + span) / 8;
        }
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
    fn a_full_lane_sends_back_in_turn_and_troubles_no_other() {
        let (lanes, now) = (Lanes::new(2), Timestamp::from_millis(1_000_000));
        let (slow, other) = (Domain::parse("slow.example").unwrap(), Domain::parse("other.example").unwrap());
        let mut rooms: Vec<Room> = (0..10).map(|_| lanes.enter(&slow, now).unwrap()).collect();
        assert_eq!(rooms[0].places.available_permits(), 2);
        let turns: Vec<Timestamp> = (0..3).map(|_| lanes.enter(&slow, now).err().unwrap()).collect();
        assert!(turns[0] > now.plus(ASIDE) && turns.windows(2).all(|t| t[1] > t[0]), "{turns:?}");
        assert!(lanes.enter(&other, now).is_ok());
        rooms.pop();
        assert!(lanes.enter(&slow, now).is_ok(), "room again");
        rooms[0].lasted(Duration::from_secs(80));
        rooms.push(lanes.enter(&slow, now).unwrap());
        let (a, b) = (lanes.enter(&slow, now).err().unwrap(), lanes.enter(&slow, now).err().unwrap());
        assert!(b.since(a) > Duration::from_secs(1), "a slower destination sends back for longer");
        drop(rooms);
        assert!(lanes.open.lock().is_empty(), "nothing is kept of who has nothing in work");
    }
}
