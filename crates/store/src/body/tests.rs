use std::borrow::Cow;

use std::collections::BTreeSet;

use super::*;
use crate::memory::{Fault, Plan};
use crate::{Batch, MemoryStore};

fn bytes(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|i| (i as u8).wrapping_mul(31).wrapping_add((i >> 8) as u8) ^ seed).collect()
}

fn publish(store: &MemoryStore, body: &[u8], referrer: &str) -> Result<BodyId, Error> {
    transact(store, 20, |tx| {
        let id = put(store, tx, body)?;
        link(tx, id, referrer)?;
        Ok(id)
    })
}

fn tags(store: &MemoryStore) -> BTreeSet<u8> {
    store.rows().iter().map(|(key, _)| key[0]).filter(|t| *t != tag::COUNTER).collect()
}

#[test]
fn bodies_of_every_length_read_back() {
    for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, RIDES, RIDES + 1, 3 * 1024 * 1024 + 17] {
        let store = MemoryStore::new();
        let body = bytes(len, 1);
        let id = publish(&store, &body, "r").unwrap();
        assert_eq!(super::len(&store, id).unwrap(), Some(len as u64));
        assert_eq!(get_range(&store, id, 0, len as u64).unwrap(), body, "{len}");
        assert_eq!(verify(&store, id), Ok(len as u64));
        assert!(!tags(&store).contains(&tag::BODY_RESERVATION), "the publishing commit removes the reservation");
        assert!(get_range(&store, id, 0, len as u64 + 1).is_err(), "no bytes past the end");
        let (from, n) = (len as u64 / 3, len as u64 / 2);
        assert_eq!(get_range(&store, id, from, n).unwrap(), body[from as usize..(from + n) as usize]);
    }
}

#[test]
fn a_long_body_goes_ahead_in_small_commits_and_one_commit_publishes_it() {
    let store = MemoryStore::new();
    let seen = std::sync::Arc::new(parking_lot::Mutex::new(Vec::new()));
    let log = seen.clone();
    store.plan(Plan::new().hook(move |commit| {
        log.lock().push((commit.durability, commit.batch.riding()));
        None
    }));
    publish(&store, &bytes(2 * 1024 * 1024, 2), "r").unwrap();
    let seen = seen.lock();
    let (last, ahead) = seen.split_last().unwrap();
    assert_eq!(*last, (Durability::Synced, 0));
    assert_eq!(ahead.len(), 1 + 3, "a reservation, then 32 chunks by 15");
    assert!(ahead.iter().all(|(durability, riding)| *durability == Durability::Later && *riding <= MAX_RIDING));
}

#[test]
fn a_body_that_went_ahead_is_not_read_again_and_one_that_lies_about_its_name_is_not_stored() {
    let body = bytes(RIDES + 100_000, 3);
    let reads = std::cell::Cell::new(0);
    let mut read = |from: u64, len: usize| {
        reads.set(reads.get() + 1);
        assert!(len <= CHUNK);
        Ok(Cow::Borrowed(&body[from as usize..][..len]))
    };
    let whole = (name_from(body.len() as u64, &mut read).unwrap(), body.len() as u64);
    assert_eq!(whole.0, BodyId::of(&body));
    let store = MemoryStore::new();
    ahead(&store, whole, &mut read).unwrap();
    let before = reads.get();
    transact(&store, 1, |tx| {
        put_from(&store, tx, whole, &mut read)?;
        link(tx, whole.0, "r")
    })
    .unwrap();
    assert_eq!((reads.get(), verify(&store, whole.0)), (before, Ok(whole.1)));

    let store = MemoryStore::new();
    let mut lies = |from: u64, len: usize| Ok(Cow::Owned(bytes(len, from as u8 ^ 9)));
    assert!(matches!(ahead(&store, whole, &mut lies), Err(Error::Temporary(_))));
    assert_eq!(super::len(&store, whole.0), Ok(None));
    ahead(&store, whole, &mut read).unwrap();
    transact(&store, 1, |tx| put_from(&store, tx, whole, &mut lies)).unwrap();
    assert_eq!(verify(&store, whole.0), Ok(whole.1), "what was written of the lie was written over");
}

#[test]
fn many_short_bodies_ride_as_long_as_there_is_room() {
    let store = MemoryStore::new();
    let bodies: Vec<_> = (0..5).map(|n| bytes(400_000, n)).collect();
    let ids = transact(&store, 1, |tx| bodies.iter().map(|b| put(&store, tx, b)).collect::<Result<Vec<_>, Error>>());
    for (id, body) in ids.unwrap().into_iter().zip(&bodies) {
        assert_eq!(verify(&store, id), Ok(body.len() as u64));
    }
}

#[test]
fn the_same_body_is_stored_once() {
    let store = MemoryStore::new();
    for body in [bytes(10_000, 1), bytes(900_000, 1)] {
        let id = publish(&store, &body, "a").unwrap();
        let before = store.bytes();
        assert_eq!(publish(&store, &body, "b").unwrap(), id);
        assert_eq!(store.bytes(), before + 1 + 32 + 1, "one link row more");
        assert_eq!(links(&store, id, 9).unwrap(), [b"a", b"b"]);
    }
    let twice = transact(&store, 1, |tx| Ok::<_, Error>((put(&store, tx, b"x")?, put(&store, tx, b"x")?)));
    assert_eq!(twice.unwrap().0, BodyId::of(b"x"));
}

#[test]
fn a_body_goes_with_its_last_link() {
    let store = MemoryStore::new();
    for body in [bytes(10_000, 1), bytes(900_000, 1)] {
        let id = publish(&store, &body, "a").unwrap();
        publish(&store, &body, "b").unwrap();
        assert_eq!(unlinked(&store, None, 9), Ok((vec![], None)));
        for (referrer, gone) in [("a", false), ("b", true)] {
            transact(&store, 1, |tx| {
                unlink(tx, id, referrer);
                Ok::<_, Error>(())
            })
            .unwrap();
            assert_eq!(unlinked(&store, None, 9).unwrap().0.is_empty(), !gone);
            assert_eq!(collect(&store, id), Ok(gone));
        }
        assert_eq!(tags(&store), BTreeSet::new());
        assert_eq!(verify(&store, id), Err(Error::NoBody(id)));
        let orphan = transact(&store, 1, |tx| link(tx, id, "c"));
        assert_eq!(orphan, Err(Error::NoBody(id)));
    }
}

#[test]
fn the_round_over_unlinked_bodies_goes_on_where_it_stopped() {
    let store = MemoryStore::new();
    let mut all: Vec<_> = (0..7).map(|n| transact(&store, 1, |tx| put(&store, tx, &[n; 3])).unwrap()).collect();
    all.sort();
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let (some, next) = unlinked(&store, after, 3).unwrap();
        found.extend(some);
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, all);
}

/// Somebody links the body just before the collector's n-th commit: whatever happens, a linked body stays whole.
#[test]
fn a_link_in_the_middle_of_a_collection_keeps_the_body() {
    for body in [bytes(10_000, 1), bytes(900_000, 1)] {
        for number in 1..=2 {
            let store = MemoryStore::new();
            let id = transact(&store, 1, |tx| put(&store, tx, &body)).unwrap();
            let (handle, copy) = (store.clone(), body.clone());
            let once = std::sync::atomic::AtomicBool::new(false);
            store.plan(Plan::new().hook(move |commit| {
                if commit.number == number && !once.swap(true, std::sync::atomic::Ordering::SeqCst) {
                    publish(&handle, &copy, "late").unwrap();
                }
                None
            }));
            assert_eq!(collect(&store, id), Ok(false), "before commit {number}");
            assert_eq!(links(&store, id, 9).unwrap(), [b"late"]);
            assert_eq!(verify(&store, id), Ok(body.len() as u64), "before commit {number}");
        }
    }
}

/// Another upload, a collection or a clean-up happens just before the n-th commit of an upload.
#[test]
fn an_upload_overtaken_at_any_commit_ends_whole() {
    let body = bytes(2_000_000, 3);
    for what in 0..3 {
        for number in 1..=6 {
            let store = MemoryStore::new();
            let (handle, copy) = (store.clone(), body.clone());
            let once = std::sync::atomic::AtomicBool::new(false);
            store.plan(Plan::new().hook(move |commit| {
                if commit.number == number && !once.swap(true, std::sync::atomic::Ordering::SeqCst) {
                    match what {
                        0 => drop(publish(&handle, &copy, "other").unwrap()),
                        1 => {
                            let id = transact(&handle, 9, |tx| put(&handle, tx, &copy)).unwrap();
                            assert_eq!(collect(&handle, id), Ok(true));
                        }
                        _ => reservations(&handle, None, 9).unwrap().into_iter().for_each(|r| {
                            assert_eq!(discard(&handle, r), Ok(true));
                        }),
                    }
                }
                None
            }));
            let id = publish(&store, &body, "mine").unwrap();
            assert_eq!(verify(&store, id), Ok(body.len() as u64), "{what} before commit {number}");
            assert!(links(&store, id, 9).unwrap().contains(&b"mine".to_vec()));
        }
    }
}

#[test]
fn a_crash_at_any_commit_leaves_no_half_body() {
    let body = bytes(2_000_000, 4);
    for number in 1..=5 {
        for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::Lost, Fault::Refused] {
            for kept in 0..5 {
                let store = MemoryStore::new();
                store.plan(Plan::new().fail_commit(number, fault));
                let first = publish(&store, &body, "r");
                store.power_cut_keeping(kept);
                let id = BodyId::of(&body);
                if super::len(&store, id).unwrap().is_some() {
                    assert_eq!(verify(&store, id), Ok(body.len() as u64));
                } else {
                    assert!(first.is_err() && links(&store, id, 9).unwrap().is_empty());
                }
                // The next opening sweeps, the peer tries again.
                for left in reservations(&store, None, 9).unwrap() {
                    assert_eq!(discard(&store, left), Ok(true));
                }
                publish(&store, &body, "r").unwrap();
                assert_eq!(verify(&store, id), Ok(body.len() as u64));
                assert_eq!(tags(&store).len(), 3, "head, chunks, link");
            }
        }
    }
}

#[test]
fn a_conflict_of_the_publishing_commit_does_not_upload_again() {
    let store = MemoryStore::new();
    let body = bytes(2_000_000, 5);
    let mut runs = 0;
    transact(&store, 5, |tx| {
        runs += 1;
        tx.get([tag::TEST, 1])?;
        let id = put(&store, tx, &body)?;
        if runs == 1 {
            let mut other = Batch::new();
            other.put([tag::TEST, 1], b"x");
            store.commit(&other, Durability::Synced)?;
            // From here on an upload would fail: four commits came before.
            store.plan(Plan::new().hook(|c| (c.batch.riding() > 0).then_some(Fault::Refused)));
        }
        link(tx, id, "r")
    })
    .unwrap();
    assert_eq!((runs, verify(&store, BodyId::of(&body))), (2, Ok(2_000_000)));
}

#[test]
fn damage_is_named() {
    let store = MemoryStore::new();
    let id = publish(&store, &bytes(200_000, 6), "r").unwrap();
    let spoil = |value: Option<&[u8]>| {
        let mut batch = Batch::new();
        match value {
            Some(value) => batch.put(chunk_key(&id, 1), value),
            None => batch.delete(chunk_key(&id, 1)),
        }
        store.commit(&batch, Durability::Synced).unwrap();
        verify(&store, id).unwrap_err().to_string()
    };
    assert!(spoil(Some(&[0; CHUNK])).contains("hash"));
    assert!(spoil(Some(b"short")).contains("too short"));
    assert!(spoil(None).contains("missing"));
    let mut batch = Batch::new();
    batch.put(head_key(&id), b"?");
    store.commit(&batch, Durability::Synced).unwrap();
    assert!(matches!(verify(&store, id), Err(Error::Corrupt { .. })));
}

#[test]
fn threads_that_put_link_unlink_and_collect_lose_nothing() {
    let store = MemoryStore::new();
    let bodies = [bytes(3_000, 7), bytes(1_200_000, 7)];
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (store, bodies) = (&store, &bodies);
            scope.spawn(move || {
                for round in 0..40 {
                    let body = &bodies[round % 2];
                    let referrer = format!("t{thread}");
                    let id = publish(store, body, &referrer).unwrap();
                    assert_eq!(verify(store, id), Ok(body.len() as u64), "linked, so whole");
                    transact(store, 100, |tx| {
                        unlink(tx, id, &referrer);
                        Ok::<_, Error>(())
                    })
                    .unwrap();
                    collect(store, id).unwrap();
                }
            });
        }
    });
    for id in unlinked(&store, None, 9).unwrap().0 {
        collect(&store, id).unwrap();
    }
    for left in reservations(&store, None, 9).unwrap() {
        discard(&store, left).unwrap();
    }
    assert_eq!(tags(&store), BTreeSet::new());
}
