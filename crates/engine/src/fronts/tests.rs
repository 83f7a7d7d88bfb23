use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sigillo_store::MemoryStore;
use sigillo_store::memory::Plan;

use super::*;

const THREADS: usize = 4;
const ROWS: usize = 400;

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

/// A store whose commits let other threads run before and after they happen.
fn store() -> Fronted<MemoryStore> {
    let store = MemoryStore::new();
    store.plan(Plan::new().hook(|_| {
        std::thread::yield_now();
        None
    }));
    Fronted::new(store, Arc::new(()))
}

fn write(store: &Fronted<MemoryStore>, key: &[u8], value: Option<&[u8]>) {
    let mut batch = Batch::new();
    match value {
        Some(value) => batch.put(key, value),
        None => batch.delete(key),
    }
    store.commit(&batch, Durability::Later).unwrap();
}

/// Looks as the engine does; gives the first rows.
fn look(store: &Fronted<MemoryStore>, lane: Lane, limit: usize) -> Vec<Vec<u8>> {
    let (_, to) = lane.prefix().range();
    let look = store.look(lane);
    let found = store.scan(&look.from, &to, limit).unwrap();
    std::thread::yield_now();
    look.reached(found.first().map_or(&to, |(key, _)| key));
    found.into_iter().map(|(key, _)| key).collect()
}

fn front(store: &Fronted<MemoryStore>, lane: Lane) -> Vec<u8> {
    store.front(lane).lock().key.clone()
}

fn key(lane: Lane, due: u64, thread: usize) -> Vec<u8> {
    lane.prefix().u64(due).u64(thread as u64).done()
}

#[test]
fn no_row_whose_commit_came_back_lies_before_the_front() {
    for seed in 1..=8u64 {
        let store = store();
        let working = Arc::new(());
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (store, at_work) = (&store, Arc::clone(&working));
                scope.spawn(move || {
                    let mut random = Random(seed << 8 | (thread as u64 + 1));
                    let mut mine: BTreeSet<Vec<u8>> = BTreeSet::new();
                    for _ in 0..ROWS {
                        let lane = Lane::ALL[random.below(3) as usize];
                        let key = key(lane, random.below(1 << 20), thread);
                        write(store, &key, Some(b""));
                        mine.insert(key);
                        if random.below(4) > 0 {
                            // The first of one's own goes as a rule, as in a queue.
                            let gone = mine.pop_first().unwrap();
                            write(store, &gone, None);
                        }
                        for key in &mine {
                            let front = front(store, Lane::of(key).unwrap());
                            assert!(front <= *key, "seed {seed}: front {front:02x?} behind {key:02x?}");
                        }
                    }
                    drop(at_work); // also by a panic
                });
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    while Arc::strong_count(&working) > 1 {
                        Lane::ALL.into_iter().for_each(|lane| drop(look(&store, lane, 4)));
                    }
                });
            }
        });
    }
}

#[test]
fn whatever_threads_queue_is_taken() {
    for seed in 1..=8u64 {
        let store = store();
        let (working, taken) = (Arc::new(()), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (store, at_work) = (&store, Arc::clone(&working));
                scope.spawn(move || {
                    let mut random = Random(seed << 8 | (thread as u64 + 1));
                    for _ in 0..ROWS {
                        write(store, &key(Lane::Local, random.below(1 << 40), thread), Some(b""));
                    }
                    drop(at_work);
                });
            }
            for _ in 0..THREADS {
                scope.spawn(|| {
                    loop {
                        let last = Arc::strong_count(&working) == 1;
                        let found = look(&store, Lane::Local, 3);
                        for key in &found {
                            let mut batch = Batch::new();
                            batch.expect(key, Some(b""));
                            batch.delete(key);
                            taken.fetch_add(
                                usize::from(store.commit(&batch, Durability::Later).is_ok()),
                                Ordering::Relaxed,
                            );
                        }
                        if last && found.is_empty() {
                            return;
                        }
                    }
                });
            }
        });
        assert_eq!(taken.load(Ordering::Relaxed), THREADS * ROWS, "seed {seed}");
        assert!(store.inner().rows().is_empty());
    }
}

#[test]
fn what_a_commit_may_have_written_lies_behind_the_front() {
    let store = Fronted::new(MemoryStore::new(), Arc::new(()));
    let late = key(Lane::Relay, 9, 0);
    write(&store, &late, Some(b""));
    look(&store, Lane::Relay, 1);
    assert_eq!(front(&store, Lane::Relay), late);
    let early = key(Lane::Relay, 3, 0);
    store.inner().plan(Plan::new().fail_commit(1, sigillo_store::memory::Fault::Lost));
    let mut batch = Batch::new();
    batch.put(&early, b"");
    assert!(store.commit(&batch, Durability::Later).is_err());
    assert_eq!(look(&store, Lane::Relay, 1), [early], "it is there");
    assert_eq!(front(&store, Lane::Local), Lane::Local.prefix().done(), "the other lanes are where they were");
}

#[test]
fn what_another_server_queued_is_found_within_a_minute() {
    let shared = MemoryStore::new();
    let (ours, theirs) = (Fronted::new(shared.clone(), Arc::new(())), Fronted::new(shared, Arc::new(())));
    let begun = Timestamp::from_millis(1_000_000);
    ours.look_everywhere(begun);
    write(&ours, &key(Lane::Timers, 9, 0), Some(b""));
    look(&ours, Lane::Timers, 1);
    let early = key(Lane::Timers, 3, 0);
    write(&theirs, &early, Some(b""));
    ours.look_everywhere(begun.plus(AGAIN - Duration::from_millis(1)));
    assert_eq!(look(&ours, Lane::Timers, 1), [key(Lane::Timers, 9, 0)], "not yet");
    ours.look_everywhere(begun.plus(AGAIN));
    assert_eq!(look(&ours, Lane::Timers, 1), [early]);
}

/// However many rows were worked off before, a look reads what it gives and no more than it passed the last time.
#[test]
fn what_was_done_long_ago_is_not_read_again() {
    let read = |worked_off: u64| {
        let store = Fronted::new(MemoryStore::new(), Arc::new(()));
        for due in 0..worked_off + 3 {
            write(&store, &key(Lane::Local, due, 0), Some(b""));
        }
        for _ in 0..worked_off {
            let first = look(&store, Lane::Local, 1).remove(0);
            write(&store, &first, None);
        }
        let before = store.inner().effort();
        assert_eq!(look(&store, Lane::Local, 2).len(), 2);
        store.inner().effort().rows - before.rows
    };
    assert_eq!(read(3_000), read(1));
}

/// Counts what each part of the queue hears.
#[derive(Default)]
struct Ears([AtomicUsize; 2]);

impl Bell for Ears {
    fn mailbox_changed(&self, _: sigillo_base::MailboxId) {}
    fn queue_changed(&self, part: Part) {
        self.0[part as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// A worker sleeps until the first time that it knows of: what comes before that must wake it, and nothing else.
#[test]
fn what_will_be_before_all_that_was_known_wakes_who_sleeps() {
    let ears = Arc::new(Ears::default());
    let store = Fronted::new(MemoryStore::new(), Arc::clone(&ears) as Arc<dyn Bell>);
    let heard = || [Part::Local, Part::Relay].map(|part| ears.0[part as usize].swap(0, Ordering::Relaxed));
    for (lane, woken) in [(Lane::Timers, [1, 0]), (Lane::Local, [1, 0]), (Lane::Relay, [0, 1])] {
        assert!(look(&store, lane, 1).is_empty(), "and now it sleeps");
        write(&store, &key(lane, 12, 0), Some(b""));
        assert_eq!(heard(), woken, "{lane:?}: the first");
        write(&store, &key(lane, 13, 0), Some(b""));
        assert_eq!(heard(), [0, 0], "{lane:?}: a later one");
        write(&store, &key(lane, 11, 0), Some(b""));
        assert_eq!(heard(), woken, "{lane:?}: an earlier one");
    }
    for (lane, woken) in [(Lane::LocalTurns, [1, 0]), (Lane::RelayTurns, [0, 1])] {
        assert!(look(&store, lane, 1).is_empty());
        for due in [12, 13] {
            write(&store, &key(lane, due, 0), Some(b""));
            assert_eq!(heard(), woken, "{lane:?}: what is due");
        }
    }
}
