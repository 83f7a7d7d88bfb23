use std::io::{BufRead, BufReader};
use std::process::Stdio;

use sigillo_store::{Durability::Synced, Store, body, tag, transact};

use super::{child, put, small, store};
use crate::{Error, RocksStore, families};

#[test]
fn a_second_opener_is_told_why_not() {
    let (dir, store) = store();
    let again = RocksStore::open(store.path(), &small()).unwrap_err();
    assert!(matches!(&again, Error::InUse(path) if path == store.path()), "{again}");
    assert!(again.to_string().contains("in use by another process"));
    drop(store);
    // The same from another process.
    let folder = dir.path().join("db");
    let mut other =
        child::command(&[], "numbered", &folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(other.stdout.take().unwrap()).lines();
    assert!(lines.any(|l| l.unwrap().starts_with("done")));
    let refused = RocksStore::open(&folder, &small());
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(matches!(refused, Err(Error::InUse(_))), "{refused:?}");
    RocksStore::open(&folder, &small()).unwrap();
}

/// A log that is being written to may look damaged: whose it is comes first.
#[test]
fn a_second_opener_does_not_judge_what_is_being_written() {
    let (_dir, store) = store();
    put(&store, &[tag::TEST, 1], b"x", Synced);
    let mut logs = std::fs::read_dir(store.path()).unwrap().map(|entry| entry.unwrap().path());
    let log = logs.find(|path| path.extension().is_some_and(|e| e == "log")).unwrap();
    let kept = std::fs::read(&log).unwrap();
    let mut spoilt = kept.clone();
    spoilt[8] ^= 1;
    spoilt.extend(&kept);
    std::fs::write(&log, spoilt).unwrap();
    let again = RocksStore::open(store.path(), &small()).unwrap_err();
    assert!(matches!(again, Error::InUse(_)), "{again}");
    std::fs::write(&log, kept).unwrap();
    let path = store.path().to_owned();
    drop(store);
    RocksStore::open(path, &small()).unwrap();
}

#[test]
fn a_store_without_its_head_is_not_taken_for_a_new_one() {
    let (_dir, store) = store();
    put(&store, &[tag::TEST, 1], b"x", Synced);
    store.flush().unwrap();
    let path = store.path().to_owned();
    drop(store);
    let current = path.join("CURRENT");
    let kept = std::fs::read(&current).unwrap();
    std::fs::remove_file(&current).unwrap();
    let refused = RocksStore::open(&path, &small());
    assert!(matches!(refused, Err(Error::Incomplete(_))), "{refused:?}");
    std::fs::write(&current, kept).unwrap();
    let store = RocksStore::open(&path, &small()).unwrap();
    assert_eq!(store.get(&[tag::TEST, 1]).unwrap().as_deref(), Some(&b"x"[..]));
}

#[test]
fn a_newer_store_is_refused_with_the_name_of_what_is_new() {
    let (_dir, store) = store();
    let path = store.path().to_owned();
    drop(store);
    let options = families::database(&small(), false);
    let mut db = rocksdb::DB::open_cf(&options, &path, families::ALL).unwrap();
    db.create_cf("tomorrow", &rocksdb::Options::default()).unwrap();
    drop(db);
    let refused = RocksStore::open(&path, &small());
    assert!(matches!(&refused, Err(Error::Newer { name, .. }) if name == "tomorrow"), "{refused:?}");
}

#[test]
fn a_damaged_store_is_refused_and_a_folder_that_cannot_be_made_too() {
    let (dir, store) = store();
    put(&store, &[tag::TEST, 1], b"x", Synced);
    let path = store.path().to_owned();
    drop(store);
    std::fs::write(path.join("CURRENT"), b"MANIFEST-999999\n").unwrap();
    assert!(matches!(RocksStore::open(&path, &small()), Err(Error::Refused { .. })));
    let file = dir.path().join("file");
    std::fs::write(&file, b"").unwrap();
    assert!(matches!(RocksStore::open(file.join("db"), &small()), Err(Error::Folder { .. })));
}

/// A row that the disk has spoilt is an error of its own, never an answer.
#[test]
fn a_spoilt_table_is_reported_as_corrupt() {
    let (_dir, store) = store();
    for n in 0..200 {
        put(&store, &[tag::TEST, n], &[n; 500], Synced);
    }
    store.flush().unwrap();
    let path = store.path().to_owned();
    drop(store);
    let table = std::fs::read_dir(&path)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "sst"));
    let table = table.unwrap();
    let mut bytes = std::fs::read(&table).unwrap();
    bytes[200] ^= 0x40;
    std::fs::write(&table, bytes).unwrap();
    let store = RocksStore::open(&path, &small()).unwrap();
    let verdicts: Vec<_> = (0..200).map(|n| store.get(&[tag::TEST, n])).collect();
    assert!(verdicts.iter().any(|v| matches!(v, Err(sigillo_store::Error::Corrupt { .. }))), "{:?}", verdicts[0]);
    for (n, verdict) in verdicts.into_iter().enumerate() {
        if let Ok(value) = verdict {
            assert_eq!(value, Some(vec![n as u8; 500]), "a wrong answer");
        }
    }
}

#[test]
fn a_checkpoint_made_while_writing_is_a_whole_store() {
    let (dir, store) = store();
    let copy = dir.path().join("copy");
    let commit = |n: u32| {
        transact(&store, 9, |tx| {
            let id = body::put(&store, tx, &child::bytes(9, n))?;
            body::link(tx, id, n.to_be_bytes())?;
            tx.put(child::key(tag::TEST, 9, n), id.as_bytes());
            tx.put(child::key(tag::QUEUE_ITEM, 9, n), id.as_bytes());
            Ok::<_, sigillo_store::Error>(())
        })
        .unwrap();
    };
    (0..20).for_each(commit);
    std::thread::scope(|scope| {
        scope.spawn(|| (20..60).for_each(commit));
        store.checkpoint(&copy).unwrap();
    });
    assert!(store.checkpoint(&copy).is_err(), "an existing folder is never written over");
    let copy = RocksStore::open(&copy, &small()).unwrap();
    let rows = |tag| copy.scan(&child::key(tag, 9, 0), &child::key(tag, 9, u32::MAX), 99).unwrap();
    let (facts, queue) = (rows(tag::TEST), rows(tag::QUEUE_ITEM));
    assert!(facts.len() >= 20 && facts.len() == queue.len(), "{} facts, {} in the queue", facts.len(), queue.len());
    for (n, (_, id)) in (0..).zip(&facts) {
        let id = sigillo_store::BodyId::try_from(id.as_slice()).unwrap();
        assert_eq!(body::verify(&copy, id), Ok(child::bytes(9, n).len() as u64));
    }
}
