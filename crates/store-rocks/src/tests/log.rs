//! A damaged write-ahead log: torn at its end, and spoilt before it.

use std::fs;
use std::path::{Path, PathBuf};

use sigillo_store::{Durability::Synced, Store, tag};

use super::{put, small, store};
use crate::{Error, RocksStore, wal};

const ROWS: u8 = 100;
const LEN: usize = 500;

/// A store of a hundred commits that lie in its log alone; gives the log.
fn logged() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let (dir, store) = store();
    for n in 0..ROWS {
        put(&store, &[tag::TEST, n], &[n; LEN], Synced);
    }
    let path = store.path().to_owned();
    drop(store);
    let logs = fs::read_dir(&path).unwrap().map(|e| e.unwrap().path());
    let log = logs.filter(|p| p.extension().is_some_and(|e| e == "log")).max_by_key(|p| p.metadata().unwrap().len());
    (dir, path, log.unwrap())
}

/// Opens a copy of the store with another log; gives how many rows are there, all of them the first ones and whole.
fn with_log(path: &Path, log: &Path, bytes: &[u8]) -> Result<u8, Error> {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(path).unwrap().map(|e| e.unwrap()) {
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    fs::write(copy.path().join(log.file_name().unwrap()), bytes).unwrap();
    let store = RocksStore::open(copy.path(), &small())?;
    let rows = store.scan(&[tag::TEST], &[tag::TEST + 1], 1000).unwrap();
    for (n, (key, value)) in (0..).zip(&rows) {
        assert_eq!((key, value), (&vec![tag::TEST, n], &vec![n; LEN]));
    }
    Ok(rows.len() as u8)
}

#[test]
fn a_log_with_a_torn_end_is_taken_up_to_it() {
    let (_dir, path, log) = logged();
    let whole = fs::read(&log).unwrap();
    assert_eq!(with_log(&path, &log, &whole).unwrap(), ROWS);
    for cut in [1, 7, 100, LEN, LEN + 10] {
        let torn = &whole[..whole.len() - cut];
        assert_eq!(with_log(&path, &log, torn).unwrap(), ROWS - 1, "{cut} bytes are missing");
        let zeros = [torn, &vec![0; 3000][..]].concat();
        let padded = with_log(&path, &log, &zeros[..whole.len() - LEN - 20]);
        assert!(padded.is_ok_and(|rows| rows >= ROWS - 2));
    }
    let zeros = [&whole[..], &[0; 4000]].concat();
    assert_eq!(with_log(&path, &log, &zeros).unwrap(), ROWS, "room that was set aside and never written");
}

/// In checksums, lengths, kinds and values, to the last byte; RocksDB alone loses rows, or hangs, for some of these.
#[test]
fn a_bit_that_flips_in_the_log_stops_the_opening_with_file_and_remedy() {
    let (_dir, path, log) = logged();
    let whole = fs::read(&log).unwrap();
    for at in [3000, whole.len() - 2 * LEN] {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 1;
        let refused = with_log(&path, &log, &spoilt).unwrap_err().to_string();
        assert!(refused.contains("sigillo store restore"), "{refused}");
        assert!(refused.contains(&*log.file_name().unwrap().to_string_lossy()), "{refused}");
    }
    let alone = tempfile::tempdir().unwrap();
    let copy = alone.path().join("000009.log");
    let bytes = (0..whole.len()).step_by(97).chain(whole.len() - 3 * LEN..whole.len());
    for (at, bit) in bytes.flat_map(|at| [0x01, 0x04, 0x40].map(|bit| (at, bit))) {
        let mut spoilt = whole.clone();
        spoilt[at] ^= bit;
        fs::write(&copy, spoilt).unwrap();
        let refused = wal::check(alone.path());
        let Err(Error::Damaged { path: named, offset }) = &refused else { panic!("{at} {bit}: {refused:?}") };
        assert_eq!(*named, copy);
        assert!((*offset..*offset + 2 * LEN as u64).contains(&(at as u64)), "byte {at}, told {offset}");
    }
}
