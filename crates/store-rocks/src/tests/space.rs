use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sigillo_store::{BodyId, Durability::Later, Error, Store, body, tag, transact};

use super::{put, store};
use crate::RocksStore;

/// Bytes that do not compress.
pub(super) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut step = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x >> 24) as u8
    };
    (0..len).map(|_| step()).collect()
}

fn on_disk(path: &Path) -> u64 {
    std::fs::read_dir(path).unwrap().map(|e| e.unwrap().metadata().map_or(0, |m| m.len())).sum()
}

fn blob_files(path: &Path) -> BTreeSet<PathBuf> {
    let files = std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|x| x == "blob")).collect()
}

fn blobs(path: &Path) -> u64 {
    blob_files(path).iter().map(|path| path.metadata().map_or(0, |m| m.len())).sum()
}

pub(super) fn fill(store: &RocksStore, bodies: u64) -> Vec<BodyId> {
    fill_from(store, 0, bodies)
}

fn fill_from(store: &RocksStore, first: u64, bodies: u64) -> Vec<BodyId> {
    let ids = (first..first + bodies).map(|n| {
        transact(store, 9, |tx| {
            let id = body::put(store, tx, &noise(200_000, n + 1))?;
            body::link(tx, id, n.to_be_bytes())?;
            Ok::<_, Error>(id)
        })
        .unwrap()
    });
    ids.collect()
}

/// Removes four of five bodies.
fn remove_most(store: &RocksStore, ids: &[BodyId]) {
    for (n, id) in (0u64..).zip(ids).filter(|(n, _)| n % 5 != 0) {
        transact(store, 9, |tx| {
            body::unlink(tx, *id, n.to_be_bytes());
            Ok::<_, Error>(())
        })
        .unwrap();
        assert_eq!(body::collect(store, *id), Ok(true));
    }
}

fn the_rest_is_whole(store: &RocksStore, ids: &[BodyId]) {
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(body::verify(store, *id).is_ok(), n % 5 == 0);
    }
}

#[test]
fn deleted_bodies_give_their_space_back_on_demand() {
    let (_dir, store) = store();
    let ids = fill(&store, 200);
    store.flush().unwrap();
    let full = on_disk(store.path());
    assert!(full >= 40_000_000);
    remove_most(&store, &ids);
    let before = store.stats().unwrap();
    assert_eq!(before.disk_bytes, on_disk(store.path()));
    store.compact().unwrap();
    let (left, after) = (blobs(store.path()), store.stats().unwrap());
    assert!((7_500_000..8_500_000).contains(&left), "8 MB live, {left} bytes of blobs, {full} before");
    let bodies = |stats: &crate::Stats| stats.families.iter().find(|f| f.name == "bodies").unwrap().clone();
    assert_eq!((bodies(&after).blob_bytes, bodies(&after).garbage_bytes), (left, 0));
    assert!(bodies(&before).blob_bytes >= 39_000_000, "{before:?}");
    assert!(bodies(&after).live_bytes.abs_diff(left) < 200_000, "{left} bytes of blobs: {after:?}");
    assert!((140..180).contains(&bodies(&after).keys), "four chunks in each of 40 bodies: {after:?}");
    the_rest_is_whole(&store, &ids);
    // Nothing is garbage: blobs stay where they are.
    let there = blob_files(store.path());
    store.compact().unwrap();
    assert_eq!(blob_files(store.path()), there);
}

/// Too little for RocksDB to rewrite blobs for it.
#[test]
fn scattered_garbage_gives_its_space_back_on_demand_too() {
    let (_dir, store) = store();
    let ids = fill(&store, 90);
    store.flush().unwrap();
    for (n, id) in (0u64..).zip(&ids).step_by(3) {
        transact(&store, 9, |tx| {
            body::unlink(tx, *id, n.to_be_bytes());
            Ok::<_, Error>(())
        })
        .unwrap();
        assert_eq!(body::collect(&store, *id), Ok(true));
    }
    store.compact().unwrap();
    let left = blobs(store.path());
    assert!((11_500_000..12_500_000).contains(&left), "12 MB live, {left} bytes of blobs");
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(body::verify(&store, *id).is_ok(), n % 3 != 0);
    }
}

/// An archive: what is never deleted is written once, however often tables are compacted.
#[test]
fn bodies_that_nobody_deletes_stay_where_they_were_written() {
    let (_dir, store) = store();
    let (mut written, mut bodies) = (BTreeSet::new(), 0);
    for _ in 0..10 {
        fill_from(&store, bodies, 20);
        bodies += 20;
        store.flush().unwrap();
        store.settle().unwrap();
        store.reclaim(&store.health()).unwrap();
        assert!(blob_files(store.path()).is_superset(&written), "a file was written anew");
        written = blob_files(store.path());
    }
    let tables = store.stats().unwrap().families.iter().find(|f| f.name == "bodies").unwrap().tables;
    assert!(tables < 10, "tables were compacted meanwhile: {tables}");
}

/// Without anybody asking: the collector of deletions and the forced collection of blobs do it.
#[test]
fn deleted_bodies_give_their_space_back_by_themselves() {
    let (_dir, store) = store();
    let ids = fill(&store, 300);
    store.flush().unwrap();
    store.settle().unwrap();
    let full = blobs(store.path());
    remove_most(&store, &ids);
    // What mail goes on doing: writing, so that buffers are flushed and tables compacted; and somebody looks now and then.
    let more = fill(&store, 320);
    for _ in 0..3 {
        store.reclaim(&store.health()).unwrap();
        store.flush().unwrap();
        store.settle().unwrap();
    }
    store.reclaim(&store.health()).unwrap();
    assert!(*store.collected.lock() <= 0.0, "enough: {:?}", store.health());
    let left = blobs(store.path());
    assert!(full >= 58_000_000, "{full}");
    // 60 MB were there; 64 MB are live now (of which 12 were there before).
    assert!(left < 64_000_000 + 12_000_000 + 20_000_000, "{left} bytes of blobs, {full} before: {:?}", store.health());
    assert_eq!(more.len(), 320);
}

/// The queue's tombstones: a scan from the front must not wade through all that was ever there.
#[test]
fn a_queue_that_was_emptied_is_scanned_quickly() {
    let (_dir, store) = store();
    let key = |n: u32| [&[tag::QUEUE_DUE][..], &n.to_be_bytes()].concat();
    for round in 0..20u32 {
        for n in 0..5_000 {
            put(&store, &key(round * 5_000 + n), &[], Later);
        }
        let mut batch = sigillo_store::Batch::new();
        (0..5_000).for_each(|n| batch.delete(key(round * 5_000 + n)));
        store.commit(&batch, Later).unwrap();
        store.flush().unwrap();
    }
    store.settle().unwrap();
    put(&store, &key(u32::MAX), &[], Later);
    rocksdb::perf::set_perf_stats(rocksdb::perf::PerfStatsLevel::EnableCount);
    let mut context = rocksdb::perf::PerfContext::default();
    context.reset();
    let rows = store.scan(&[tag::QUEUE_DUE], &[tag::QUEUE_DUE + 1], 10).unwrap();
    let skipped = context.metric(rocksdb::perf::PerfMetric::InternalDeleteSkippedCount);
    assert_eq!(rows.len(), 1);
    assert!(skipped < 20_000, "{skipped} deleted rows were read of 100 000");
}

/// When buffers cannot be flushed any more, a commit gets an honest answer in bounded time.
#[test]
fn writes_that_cannot_go_on_are_a_temporary_fault() {
    let dir = tempfile::tempdir().unwrap();
    let limit = std::time::Duration::from_millis(100);
    let store = RocksStore::open(dir.path(), &crate::Options { stall_limit: limit, ..super::small() }).unwrap();
    store.db.cancel_all_background_work(true);
    let value = noise(60_000, 1);
    let fault = (0..2000u32).find_map(|n| {
        let mut batch = sigillo_store::Batch::new();
        batch.put([&[tag::TEST][..], &n.to_be_bytes()].concat(), &value);
        store.commit(&batch, Later).err()
    });
    assert!(matches!(fault, Some(Error::Temporary(_))), "{fault:?}");
}
