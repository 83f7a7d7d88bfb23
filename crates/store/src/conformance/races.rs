//! The rules of many callers at once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::{Batch, Durability, Error, Store, tag, transact};

const T: u8 = tag::TEST;

fn number(value: Option<Vec<u8>>) -> u64 {
    value.map_or(0, |v| u64::from_be_bytes(v.try_into().unwrap()))
}

/// Eight threads add one to the same counter 200 times each, beside rows of their own.
pub(super) fn a_counter_loses_no_update<S: Store>(store: &S) {
    const THREADS: u64 = 8;
    const ROUNDS: u64 = 200;
    let again = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let again = &again;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let mut runs = 0;
                    transact(store, 1_000_000, |tx| {
                        runs += 1;
                        let n = number(tx.get([T, 0])?);
                        tx.put([T, 0], (n + 1).to_be_bytes());
                        // Which number this one got: none twice.
                        tx.put([&[T, 1], &n.to_be_bytes()[..]].concat(), [thread as u8, round as u8]);
                        tx.later();
                        Ok::<_, Error>(())
                    })
                    .unwrap();
                    again.fetch_add(runs - 1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(number(store.get(&[T, 0]).unwrap()), THREADS * ROUNDS);
    let mut seen: Vec<_> = store.scan(&[T, 1], &[T, 2], usize::MAX).unwrap().into_iter().map(|(_, v)| v).collect();
    assert_eq!(seen.len() as u64, THREADS * ROUNDS, "each update got a number of its own");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len() as u64, THREADS * ROUNDS, "each update happened once");
}

/// Each reads what the other writes (write skew): never both.
pub(super) fn of_two_crossing_transactions_one_fails<S: Store>(store: &S) {
    for round in 0..100u8 {
        let (a, b) = ([T, 5, round], [T, 6, round]);
        let cross = |read: [u8; 3], write: [u8; 3]| {
            let mut batch = Batch::new();
            batch.expect(read, None);
            batch.put(write, b"x");
            store.commit(&batch, Durability::Later)
        };
        let (first, second) = std::thread::scope(|scope| {
            let first = scope.spawn(|| cross(a, b));
            let second = cross(b, a);
            (first.join().unwrap(), second)
        });
        let won = [&first, &second].iter().filter(|r| r.is_ok()).count();
        assert_eq!(won, 1, "{first:?} {second:?}");
        assert!([&first, &second].iter().all(|r| matches!(r, Ok(()) | Err(Error::Conflict))));
    }
}

/// Two rows of different kinds always carry the same number, for one scan as for two reads in the right order.
pub(super) fn readers_see_whole_batches<S: Store>(store: &S) {
    let over = AtomicBool::new(false);
    let write = |n: u64| {
        let mut batch = Batch::new();
        batch.put([T, 1], n.to_be_bytes());
        batch.put([T, 2], n.to_be_bytes());
        batch.put([tag::QUEUE_ITEM, 1], n.to_be_bytes());
        store.commit(&batch, Durability::Later).unwrap();
    };
    write(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (1..500).for_each(write);
            over.store(true, Ordering::SeqCst);
        });
        while !over.load(Ordering::SeqCst) {
            let rows = store.scan(&[T], &[T + 1], 9).unwrap();
            assert_eq!((rows.len(), &rows[0].1), (2, &rows[1].1), "a scan shows one state");
            let before = number(store.get(&[tag::QUEUE_ITEM, 1]).unwrap());
            assert!(number(store.get(&[T, 1]).unwrap()) >= before, "what one row shows, the other shows too");
        }
    });
}
