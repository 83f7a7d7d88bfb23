//! One suite for every engine: what the seam promises, tried out. For tests only; it panics when a promise is broken.
//!
//! [`run`] needs nothing but fresh stores. [`survives`] also wants a way to take the power away,
//! [`survives_damage`] one to damage a row. What neither can show
//! (that a commit waits for the disk, that a killed process loses nothing) is each engine's own test.

#![allow(clippy::unwrap_used, reason = "a test suite: a broken promise is a panic")]

mod model;
mod races;
mod rules;

use crate::{Batch, Durability, Error, KeyBuilder, Store, body, skim, tag, transact};

/// Everything that can be asked of a running engine. `make` gives a fresh, empty store each time.
///
/// # Panics
/// When the engine breaks a promise of [`Store`].
pub fn run<S: Store>(make: impl Fn() -> S) {
    rules::batches_are_atomic(&make());
    rules::expectations_decide(&make());
    rules::the_last_write_of_a_key_counts(&make());
    rules::scans_are_ordered_and_bounded(&make());
    rules::scans_stay_in_their_tag(&make());
    rules::limits_hold(&make());
    rules::keys_and_values_are_any_bytes(&make());
    model::random_batches_do_as_the_model(&make(), 400);
    races::a_counter_loses_no_update(&make());
    races::of_two_crossing_transactions_one_fails(&make());
    races::readers_see_whole_batches(&make());
    bodies_of_every_size(&make());
}

/// What outlives a power cut. `cut` takes the power away and opens the store again; it may keep or forget commits
/// that were not synced, but only the newest of them.
///
/// # Panics
/// When something synced is lost, or something comes back in part or out of order.
pub fn survives<S: Store>(store: S, cut: impl Fn(S) -> S) {
    let key = |n: u8| [tag::TEST, n];
    let put = |store: &S, n: u8, durability| {
        let mut batch = Batch::new();
        batch.put(key(n), [n]);
        batch.put([tag::BODY_CHUNK, n], vec![n; 5000]);
        batch.put([tag::QUEUE_ITEM, n], [n]);
        store.commit(&batch, durability).unwrap();
    };
    let there = |store: &S, n: u8| {
        let rows = [key(n), [tag::BODY_CHUNK, n], [tag::QUEUE_ITEM, n]].map(|k| store.get(&k).unwrap().is_some());
        assert!(rows == [true; 3] || rows == [false; 3], "commit {n} came back in part");
        rows[0]
    };
    put(&store, 1, Durability::Synced);
    let store = cut(store);
    assert!(there(&store, 1), "a synced commit is lost");
    put(&store, 2, Durability::Later);
    put(&store, 3, Durability::Later);
    put(&store, 4, Durability::Synced);
    let store = cut(store);
    assert!((1..=4).all(|n| there(&store, n)), "a synced commit makes those before it durable");
    // A batch without writes is a promise too: what it saw stays.
    put(&store, 5, Durability::Later);
    let mut look = Batch::new();
    look.expect(key(5), Some(&[5]));
    store.commit(&look, Durability::Synced).unwrap();
    let store = cut(store);
    assert!(there(&store, 5), "a synced commit without writes makes those before it durable");
    for n in 6..10 {
        put(&store, n, Durability::Later);
    }
    let store = cut(store);
    let kept: Vec<bool> = (6..10).map(|n| there(&store, n)).collect();
    assert!(kept.windows(2).all(|w| w[0] >= w[1]), "an older commit is lost and a newer one kept: {kept:?}");
    put(&store, 20, Durability::Synced);
    assert!(there(&cut(store), 20), "the store goes on after a power cut");
}

/// What a damaged row does to the others. `damage` damages one row, given by its key, in a store that is written out, and
/// opens it again; an engine may lose neighbours with it, but says so.
///
/// # Panics
/// When a row is neither read nor in a gap, when damaged bytes are given for sound ones, or when writing stops.
pub fn survives_damage<S: Store>(store: S, damage: impl Fn(S, &[u8]) -> S) {
    let key = |n: u16| KeyBuilder::new(tag::TEST).raw(n.to_be_bytes()).done();
    // Bytes that do not compress, so that they stand on the disk as they are.
    let value = |n: u16| {
        let words =
            (0..40u32).flat_map(|i| *blake3::hash(&[n.to_be_bytes().as_slice(), &i.to_be_bytes()].concat()).as_bytes());
        words.collect::<Vec<u8>>()
    };
    let mut batch = Batch::new();
    (0..400).for_each(|n| batch.put(key(n), value(n)));
    store.commit(&batch, Durability::Synced).unwrap();
    let store = damage(store, &key(123));
    assert!(matches!(store.get(&key(123)), Err(Error::Corrupt { .. })));
    assert!(matches!(store.scan(&[tag::TEST], &[tag::TEST + 1], 400), Err(Error::Corrupt { .. })));
    assert_eq!(store.scan(&[tag::TEST], &[tag::TEST + 1], 50).unwrap().len(), 50, "what comes before is read");
    let page = skim(&store, &[tag::TEST], &[tag::TEST + 1], 1000).unwrap();
    let hidden = |key: &[u8]| page.gaps.iter().any(|g| g.from.as_slice() <= key && key < g.to.as_slice());
    assert!(hidden(&key(123)) && page.next.is_none(), "{:?}", page.gaps);
    let (lost, sound): (Vec<u16>, Vec<u16>) = (0..400).partition(|n| hidden(&key(*n)));
    assert!(page.rows.into_iter().eq(sound.iter().map(|n| (key(*n), value(*n)))), "what is in no gap is read");
    assert!(lost.len() < 20, "one row took {} with it", lost.len());
    let mut expecting = Batch::new();
    expecting.expect(key(123), None);
    assert!(matches!(store.commit(&expecting, Durability::Synced), Err(Error::Corrupt { .. })), "it is not absent");
    let mut other = Batch::new();
    other.put(key(123), b"anew");
    store.commit(&other, Durability::Synced).unwrap();
    assert_eq!(store.get(&key(123)).unwrap().as_deref(), Some(&b"anew"[..]), "a row that is written again is sound");
}

fn bodies_of_every_size<S: Store>(store: &S) {
    for len in [0, 1, body::CHUNK, body::RIDES, body::RIDES + 1, 3_000_000] {
        let bytes: Vec<u8> = (0..len).map(|i| (i >> 7) as u8 ^ i as u8).collect();
        let id = transact(store, 5, |tx| {
            let id = body::put(store, tx, &bytes)?;
            body::link(tx, id, b"r")?;
            Ok::<_, crate::Error>(id)
        })
        .unwrap();
        assert_eq!(body::get_range(store, id, 0, len as u64).unwrap(), bytes);
        assert_eq!(body::verify(store, id), Ok(len as u64));
        assert_eq!(body::collect(store, id), Ok(false));
        transact(store, 5, |tx| {
            body::unlink(tx, id, b"r");
            Ok::<_, crate::Error>(())
        })
        .unwrap();
        assert_eq!(body::collect(store, id), Ok(true));
        assert!(body::verify(store, id).is_err());
    }
    assert_eq!(store.scan(&[tag::BODY_CHUNK], &[tag::BODY_CHUNK + 1], 9).unwrap(), []);
}

#[cfg(test)]
mod tests;
