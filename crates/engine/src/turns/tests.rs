use std::collections::{BTreeMap, BTreeSet};

use sigillo_store::MemoryStore;

use super::*;

/// Pseudo-random numbers (xorshift), so that a failing run can be read again.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// What waits, in the order of its turns: turn, number, owner. With each, how many items of others were taken meanwhile.
#[derive(Default)]
struct Waiting {
    order: BTreeSet<(u64, u64, usize)>,
    before: BTreeMap<(u64, u64, usize), BTreeMap<usize, usize>>,
}

/// Whoever has `n` items waiting sees at most `n + 1` of anybody else go before the last of them: no owner starves.
#[test]
fn nobody_goes_before_another_more_often_than_that_one_has_items_and_once() {
    for seed in 1..=12u64 {
        let (store, turns, mut random) = (MemoryStore::new(), Turns::default(), Random(seed));
        let mut waiting = Waiting::default();
        let mut rank: BTreeMap<(u64, u64, usize), usize> = BTreeMap::new();
        for number in 0..250u64 {
            let owner = random.below(5) as usize;
            // The first owner sends a thousand times what the others send.
            for _ in 0..if owner == 0 { random.below(60) } else { random.below(2) } {
                let turn = turns.stamp(&store, Lane::RelayTurns, &format!("{owner}@x")).unwrap();
                let row = (turn, number << 16 | random.below(1 << 16), owner);
                let ahead = waiting.order.iter().filter(|(_, _, whose)| *whose == owner).count();
                if waiting.order.insert(row) {
                    rank.insert(row, ahead + 1);
                    waiting.before.insert(row, BTreeMap::new());
                }
            }
            for _ in 0..random.below(4) {
                let Some(row) = waiting.order.pop_first() else { break };
                turns.reached(row.0);
                let others = waiting.before.remove(&row).unwrap();
                let most = others.values().max().copied().unwrap_or_default();
                assert!(most <= rank[&row] + 1, "seed {seed}: {row:?} waited for {others:?}");
                for (other, meanwhile) in &mut waiting.before {
                    if other.2 != row.2 {
                        *meanwhile.entry(row.2).or_default() += 1;
                    }
                }
            }
        }
    }
}

#[test]
fn who_is_not_ahead_is_forgotten_and_the_present_turn_goes_on_after_a_start() {
    let (store, turns) = (MemoryStore::new(), Turns::default());
    for owner in 0..5_000 {
        let turn = turns.stamp(&store, Lane::LocalTurns, &format!("{owner}@x")).unwrap();
        turns.reached(turn + 1);
    }
    assert!(turns.0.lock().last.len() <= 2 * OWNERS);
    let present = turns.stamp(&store, Lane::LocalTurns, "uno@x").unwrap();
    let fronted = crate::fronts::Fronted::new(store, Arc::new(()));
    transact(&fronted, 1, |tx| {
        taken(tx, Lane::LocalTurns, present);
        Ok::<_, Error>(())
    })
    .unwrap();
    assert_eq!(Turns::default().stamp(&fronted, Lane::LocalTurns, "due@x").unwrap(), present);
}

/// The row of the present turn is written now and then only: what is due tells the next process where it goes on, so that
/// nobody who is new goes before it for all the turns between.
#[test]
fn after_a_start_what_is_new_stands_beside_what_is_due() {
    let store = MemoryStore::new();
    let mut batch = sigillo_store::Batch::new();
    for turn in [50, 51, 52] {
        batch.put(Lane::RelayTurns.prefix().u64(turn).u128(u128::from(turn)), []);
    }
    batch.put(turn_key(Lane::RelayTurns), encode(&3u64));
    batch.put(Lane::LocalTurns.prefix().u64(7).u128(7), []);
    batch.put(turn_key(Lane::LocalTurns), encode(&9u64));
    store.commit(&batch, sigillo_store::Durability::Synced).unwrap();
    let stamp = |lane| Turns::default().stamp(&store, lane, "nuova@x").unwrap();
    assert_eq!(stamp(Lane::RelayTurns), 50);
    assert_eq!(stamp(Lane::LocalTurns), 9, "what was passed over does not bring turns back");
}

#[test]
fn no_owner_and_no_destination_takes_every_place() {
    let (shares, places) = (Arc::new(Shares::default()), 64);
    let (mut held, each) = (Vec::new(), usize::MAX);
    let claim = |held: &mut Vec<Arc<Share>>, owner: &str, to: &str| {
        let share = shares.claim((owner.into(), to.into()), places - held.len(), each);
        held.extend(share.clone());
        share.is_some()
    };
    while claim(&mut held, "massiva@x", "lenta.example") {}
    assert!((places / 2..places).contains(&held.len()), "most, not all: {}", held.len());
    assert!(!claim(&mut held, "altra@x", "lenta.example"), "the destination has its share");
    while claim(&mut held, "massiva@x", "veloce.example") {}
    assert!(held.len() < places && claim(&mut held, "anna@x", "veloce.example"), "who has none gets one");
    held.clear();
    assert!(shares.held.lock().is_empty() && claim(&mut held, "altra@x", "lenta.example"));
}

#[test]
fn destinations_behind_one_server_share_its_places() {
    let shares = Arc::new(Shares::default());
    let claim = |to: &str| shares.claim(("anna@x".into(), to.into()), 64, 2);
    for to in ["uno.example", "due.example", "tre.example"] {
        shares.learn(to, "192.0.2.1:25");
    }
    let held = [claim("uno.example"), claim("due.example")];
    assert!(held.iter().all(Option::is_some) && claim("tre.example").is_none(), "two in all");
    assert!(claim("altrove.example").is_some(), "and nobody else is kept");
    shares.learn("tre.example", "192.0.2.2:25");
    assert!(claim("tre.example").is_some(), "its mail goes elsewhere by now");
    shares.learn("uno.example", "192.0.2.2:25");
    drop(held);
    assert!(shares.held.lock().is_empty(), "a place is given back where it was taken");
    (0..3 * SERVERS).for_each(|n| shares.learn(&format!("{n}.example"), "192.0.2.3:25"));
    assert!(shares.servers.lock().len() <= SERVERS);
}
