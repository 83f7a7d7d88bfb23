//! The rules of one caller: atomicity, expectations, order, limits.

use crate::{Batch, Durability::Synced, Error, MAX_BATCH, MAX_KEY, MAX_VALUE, Store, tag};

const T: u8 = tag::TEST;
const Q: u8 = tag::QUEUE_ITEM;
const B: u8 = tag::BODY_CHUNK;

fn commit<S: Store>(store: &S, fill: impl FnOnce(&mut Batch)) -> Result<(), Error> {
    let mut batch = Batch::new();
    fill(&mut batch);
    store.commit(&batch, Synced)
}

/// All writes or none, across every kind of row.
pub(super) fn batches_are_atomic<S: Store>(store: &S) {
    commit(store, |b| {
        b.put([T, 1], b"one");
        b.put([Q, 1], b"two");
        b.put([B, 1], vec![3; MAX_VALUE]);
    })
    .unwrap();
    assert_eq!(store.get(&[T, 1]).unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(store.get(&[Q, 1]).unwrap().as_deref(), Some(&b"two"[..]));
    assert_eq!(store.get(&[B, 1]).unwrap(), Some(vec![3; MAX_VALUE]));
    let refused = commit(store, |b| {
        b.put([T, 1], b"changed");
        b.delete([Q, 1]);
        b.put([T, 2], b"new");
        b.delete([B, 1]);
        b.expect([T, 9], Some(b"never there"));
    });
    assert_eq!(refused, Err(Error::Conflict));
    assert_eq!(store.get(&[T, 1]).unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(store.get(&[T, 2]).unwrap(), None);
    assert!(store.get(&[Q, 1]).unwrap().is_some() && store.get(&[B, 1]).unwrap().is_some());
    commit(store, |b| {
        b.delete([T, 1]);
        b.delete([Q, 1]);
        b.delete([B, 1]);
        b.delete([T, 77]);
    })
    .unwrap();
    assert!([[T, 1], [Q, 1], [B, 1]].iter().all(|k| store.get(k).unwrap().is_none()));
}

/// Absent, present, and of this value.
pub(super) fn expectations_decide<S: Store>(store: &S) {
    let write = |expected: Option<&[u8]>, value: &[u8]| {
        commit(store, |b| {
            b.expect([T, 1], expected);
            b.put([T, 1], value);
        })
    };
    assert_eq!(write(Some(b"a"), b"x"), Err(Error::Conflict));
    assert_eq!(write(None, b"a"), Ok(()));
    assert_eq!(write(None, b"x"), Err(Error::Conflict));
    assert_eq!(write(Some(b"b"), b"x"), Err(Error::Conflict));
    assert_eq!(write(Some(b""), b"x"), Err(Error::Conflict));
    assert_eq!(write(Some(b"a"), b""), Ok(()));
    assert_eq!(store.get(&[T, 1]).unwrap(), Some(Vec::new()), "an empty value is a row");
    assert_eq!(write(None, b"x"), Err(Error::Conflict), "an empty value is not absence");
    assert_eq!(write(Some(b""), b"c"), Ok(()));
    let look = |expected: Option<&[u8]>| commit(store, |b| b.expect([T, 1], expected));
    assert_eq!((look(Some(b"c")), look(None)), (Ok(()), Err(Error::Conflict)));
    let both = commit(store, |b| {
        b.expect([T, 1], Some(b"c"));
        b.expect([T, 1], None);
    });
    assert_eq!(both, Err(Error::Conflict), "contradictory expectations never hold");
    assert_eq!(commit(store, |_| {}), Ok(()));
}

/// Within one batch.
pub(super) fn the_last_write_of_a_key_counts<S: Store>(store: &S) {
    commit(store, |b| {
        b.put([T, 1], b"first");
        b.put([T, 1], b"last");
        b.put([T, 2], b"put");
        b.delete([T, 2]);
        b.delete([T, 3]);
        b.put([T, 3], b"put");
    })
    .unwrap();
    let rows = store.scan(&[T], &[T + 1], 9).unwrap();
    assert_eq!(rows, [(vec![T, 1], b"last".to_vec()), (vec![T, 3], b"put".to_vec())]);
}

/// Ascending bytes, `[from, to)`, at most `limit`.
pub(super) fn scans_are_ordered_and_bounded<S: Store>(store: &S) {
    for t in [T, Q, B] {
        let mut keys: Vec<Vec<u8>> = vec![
            vec![t],
            vec![t, 0],
            vec![t, 0, 0],
            vec![t, 1],
            vec![t, 1, 255],
            vec![t, 2],
            vec![t, 127],
            vec![t, 128],
            vec![t, 255],
            vec![t, 255, 255],
        ];
        commit(store, |b| {
            for key in keys.iter().rev() {
                b.put(key, key);
            }
            b.put([t, 3], b"taken away below");
            // Neighbours of the tag, which no scan of it may show.
            b.put([t - 1, 255], b"");
            b.put([t + 1], b"");
        })
        .unwrap();
        commit(store, |b| b.delete([t, 3])).unwrap();
        let scan = |from: &[u8], to: &[u8], limit| -> Vec<Vec<u8>> {
            let rows = store.scan(from, to, limit).unwrap();
            assert!(rows.iter().all(|(k, v)| k == v));
            rows.into_iter().map(|(k, _)| k).collect()
        };
        assert_eq!(scan(&[t], &[t + 1], 100), keys);
        let page = crate::skim(store, &[t], &[t + 1], 4).unwrap();
        assert!(page.rows.iter().map(|(k, _)| k).eq(&keys[..4]) && page.gaps.is_empty());
        assert_eq!(page.next, Some(crate::key::successor(&keys[3])));
        assert_eq!(scan(&[t], &[t + 1], usize::MAX), keys);
        assert_eq!(scan(&[t], &[t + 1], 4), keys[..4]);
        assert_eq!(scan(&[t, 0, 1], &[t, 128], 100), keys[3..7]);
        assert_eq!(scan(&[t, 1], &[t, 2], 100), keys[3..5]);
        assert_eq!(scan(&[t, 2, 0], &[t, 127], 100), Vec::<Vec<u8>>::new());
        for (from, to, limit) in [(&[t][..], &[t + 1][..], 0), (&[t, 5], &[t, 5], 9), (&[t, 6], &[t, 5], 9)] {
            assert_eq!(scan(from, to, limit), Vec::<Vec<u8>>::new());
        }
        keys.clear();
    }
}

/// A range that leaves its tag is a defect of the caller, not a longer answer.
pub(super) fn scans_stay_in_their_tag<S: Store>(store: &S) {
    for (from, to) in [(&[T][..], &[T + 1, 0][..]), (&[Q], &[T]), (&[], &[T]), (&[T], &[])] {
        assert!(matches!(store.scan(from, to, 1), Err(Error::Range { .. })), "{from:?} to {to:?}");
    }
}

/// The limits themselves are fine, one byte more is not, and nothing of it is written.
pub(super) fn limits_hold<S: Store>(store: &S) {
    let key = |n: u8, len: usize| [vec![T, n], vec![7; len - 2]].concat();
    commit(store, |b| b.put(key(1, MAX_KEY), vec![1; MAX_VALUE])).unwrap();
    assert_eq!(store.get(&key(1, MAX_KEY)).unwrap().map(|v| v.len()), Some(MAX_VALUE));
    let too_large = |fill: &dyn Fn(&mut Batch)| {
        let refused = commit(store, |b| {
            b.put([T, 200], b"beside");
            fill(b);
        });
        assert!(matches!(refused, Err(Error::TooLarge { .. })), "{refused:?}");
        assert_eq!(store.get(&[T, 200]).unwrap(), None);
    };
    too_large(&|b| b.put(key(2, MAX_KEY + 1), b""));
    too_large(&|b| b.put([T, 2], vec![0; MAX_VALUE + 1]));
    too_large(&|b| b.expect(key(2, MAX_KEY + 1), None));
    too_large(&|b| (0..16).for_each(|n| b.put([T, n], vec![0; MAX_VALUE])));
    too_large(&|b| (0..16).for_each(|n| b.put([B, n], vec![0; MAX_VALUE])));
    let most = MAX_BATCH / MAX_VALUE;
    commit(store, |b| (0..most).for_each(|n| b.put([T, n as u8], vec![0; MAX_VALUE - 2]))).unwrap();
    assert!(commit(store, |b| b.put([], b"")).is_err(), "a key without a tag");
}

/// Nothing in keys or values is special.
pub(super) fn keys_and_values_are_any_bytes<S: Store>(store: &S) {
    let all: Vec<u8> = (0..=255).collect();
    commit(store, |b| {
        for n in 0..=255 {
            b.put([T, n], [n]);
        }
        b.put([&[T], all.as_slice()].concat(), &all);
    })
    .unwrap();
    for n in 0..=255 {
        assert_eq!(store.get(&[T, n]).unwrap(), Some(vec![n]));
    }
    assert_eq!(store.get(&[&[T], all.as_slice()].concat()).unwrap(), Some(all));
}
