use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use sigillo_store::{Durability, Store, tag};

use super::{child, durability, put, small, space, store};
use crate::RocksStore;
use crate::backup::{Backup, Error, Order, make, restore};

fn order(dir: &Path) -> Order<'_> {
    Order { dir, time: "2026-03-12T10:05:01.000+01:00", keep: None, reserve_bytes: 0 }
}

fn made(store: &RocksStore, dir: &Path) -> Backup {
    make(store, &order(dir), &mut on).unwrap()
}

fn on(_: u64, _: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn names(dir: &Path) -> BTreeSet<String> {
    fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

/// Files of a backup that end like this.
fn files(backup: &Path, end: &str) -> Vec<PathBuf> {
    names(backup).iter().filter(|n| n.ends_with(end)).map(|n| backup.join(n)).collect()
}

fn flip(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
}

/// Rows under the tag of tests.
fn rows(path: &Path) -> usize {
    let store = RocksStore::open(path, &small()).unwrap();
    store.scan(&[tag::TEST], &[tag::TEST + 1], usize::MAX).unwrap().len()
}

#[test]
fn a_backup_made_while_others_write_holds_every_commit_that_came_back_before() {
    let (dir, store) = store();
    let backups = dir.path().join("backups");
    for round in 1..=3u64 {
        let (counts, stop) = ([const { AtomicU32::new(0) }; 4], AtomicBool::new(false));
        let before = std::thread::scope(|scope| {
            for (writer, count) in counts.iter().enumerate() {
                let (store, stop) = (&store, &stop);
                // Half of them never wait for the disk.
                let durability = if writer % 2 == 0 { Durability::Later } else { Durability::Synced };
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let n = count.load(Ordering::Relaxed);
                        put(store, &child::key(tag::TEST, writer as u32 + 10 * round as u32, n), &[7; 900], durability);
                        count.store(n + 1, Ordering::SeqCst);
                    }
                });
            }
            while counts.iter().any(|c| c.load(Ordering::Relaxed) < 20) {
                std::thread::yield_now();
            }
            let before: Vec<u32> = counts.iter().map(|c| c.load(Ordering::SeqCst)).collect();
            let made = make(&store, &order(&backups), &mut on);
            stop.store(true, Ordering::Relaxed);
            assert_eq!(made.unwrap().number, round);
            before
        });
        let to = dir.path().join(format!("restored-{round}"));
        restore(&backups, None, &to, |_| Ok(()), &mut on).unwrap();
        let copy = RocksStore::open(&to, &small()).unwrap();
        for (writer, least) in before.into_iter().enumerate() {
            for n in 0..least {
                let key = child::key(tag::TEST, writer as u32 + 10 * round as u32, n);
                assert_eq!(copy.get(&key).unwrap().as_deref(), Some(&[7; 900][..]), "writer {writer}, commit {n}");
            }
        }
    }
    assert_eq!(names(dir.path()), set(["db", "backups", "restored-1", "restored-2", "restored-3"]), "nothing is left");
}

#[test]
fn the_second_backup_copies_only_what_is_new_and_old_ones_go_when_enough_are_there() {
    let (dir, store) = store();
    let backups = dir.path().join("backups");
    space::fill(&store, 40);
    store.flush().unwrap();
    // A compaction would write blobs anew in between.
    store.settle().unwrap();
    let first = made(&store, &backups);
    assert!(first.copied_bytes == first.bytes && first.bytes > 8_000_000, "{first:?}");
    put(&store, &[tag::TEST, 1], b"little", Durability::Later);
    let second = made(&store, &backups);
    assert!(second.copied_bytes < 100_000 && second.bytes > 8_000_000, "{second:?}");
    let blob = &files(&first.path, ".blob")[0];
    let again = second.path.join(blob.file_name().unwrap());
    assert_eq!(fs::metadata(blob).unwrap().ino(), fs::metadata(again).unwrap().ino(), "one file, two names");
    let keep = NonZeroUsize::new(2);
    let third = make(&store, &Order { keep, ..order(&backups) }, &mut on).unwrap();
    assert_eq!((third.number, third.removed), (3, vec![1]));
    assert_eq!(names(&backups), set(["2", "3", "lock"]));
    for number in [2, 3] {
        let to = dir.path().join(format!("restored-{number}"));
        let restored = restore(&backups, Some(number), &to, |_| Ok(()), &mut on).unwrap();
        assert_eq!((restored.number, restored.time.as_str()), (number, order(&backups).time));
        assert_eq!(rows(&to), 1);
    }
    // The restored store goes on where the other one was, in the same folder of backups.
    let restored = RocksStore::open(dir.path().join("restored-3"), &small()).unwrap();
    assert_eq!(made(&restored, &backups).number, 4);
    assert!(matches!(restore(&backups, Some(1), &dir.path().join("none"), |_| Ok(()), &mut on), Err(Error::None(_))));
}

#[test]
fn a_flipped_byte_in_any_file_of_a_backup_is_found_and_nothing_is_restored() {
    let (dir, store) = store();
    let backups = dir.path().join("backups");
    space::fill(&store, 10);
    let backup = made(&store, &backups);
    let to = dir.path().join("restored");
    for name in names(&backup.path) {
        let file = backup.path.join(&name);
        let whole = fs::read(&file).unwrap();
        if whole.is_empty() {
            continue;
        }
        flip(&file);
        let refused = restore(&backups, None, &to, |_| Ok(()), &mut on).unwrap_err();
        assert!(matches!(&refused, Error::Damaged { path, .. } if *path == file), "{name}: {refused}");
        assert_eq!(names(dir.path()), set(["db", "backups"]), "nothing is restored");
        fs::remove_file(&file).unwrap();
        let refused = restore(&backups, None, &to, |_| Ok(()), &mut on).unwrap_err();
        assert!(matches!(&refused, Error::File { path, .. } if *path == file), "{name}: {refused}");
        fs::write(&file, whole).unwrap();
    }
    let unready = |_: &RocksStore| Err(sigillo_store::Error::Temporary("not now".into()));
    assert!(matches!(restore(&backups, None, &to, unready, &mut on), Err(Error::Store(_))));
    assert!(!to.join("CURRENT").exists(), "what is not ready is not there");
    restore(&backups, None, &to, |_| Ok(()), &mut on).unwrap();
    let refused = restore(&backups, None, &to, |_| Ok(()), &mut on).unwrap_err();
    assert!(matches!(refused, Error::Occupied(_)), "{refused}");
    assert!(matches!(restore(&backups, None, store.path(), |_| Ok(()), &mut on), Err(Error::Occupied(_))));
}

#[test]
fn an_interrupted_backup_leaves_the_others_and_is_cleared_by_the_next() {
    let (dir, store) = store();
    let backups = dir.path().join("backups");
    space::fill(&store, 20);
    made(&store, &backups);
    space::fill(&store, 40);
    let mut halfway = |done, total| if done > total / 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let stopped = make(&store, &order(&backups), &mut halfway).unwrap_err();
    assert!(matches!(stopped, Error::Stopped), "{stopped}");
    assert_eq!(names(&backups), set(["1", "lock"]));
    assert_eq!(names(dir.path()), set(["db", "backups"]));
    // A killed one could not remove what it had begun.
    fs::create_dir(backups.join("2.part")).unwrap();
    fs::write(backups.join("2.part/000009.sst"), b"half").unwrap();
    fs::rename(backups.join("2.part"), backups.join("7.part")).unwrap();
    fs::create_dir(dir.path().join("db.backup-in-progress")).unwrap();
    assert_eq!(made(&store, &backups).number, 2);
    assert_eq!(names(&backups), set(["1", "2", "lock"]));
    let mut halfway = |done, total| if done > total / 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    assert!(matches!(restore(&backups, None, &dir.path().join("to"), |_| Ok(()), &mut halfway), Err(Error::Stopped)));
    assert_eq!(names(dir.path()), set(["db", "backups"]));
    fs::create_dir(dir.path().join("db.backup-in-progress")).unwrap();
    let path = store.path().to_owned();
    drop(store);
    RocksStore::open(&path, &small()).unwrap();
    assert_eq!(names(dir.path()), set(["db", "backups"]), "opening removes what keeps room");
}

#[test]
fn a_damaged_file_of_an_older_backup_is_copied_anew() {
    let (dir, store) = store();
    let backups = dir.path().join("backups");
    space::fill(&store, 20);
    let first = made(&store, &backups);
    let spoilt = &files(&first.path, ".blob")[0];
    flip(spoilt);
    let second = made(&store, &backups);
    assert!(second.copied_bytes >= fs::metadata(spoilt).unwrap().len(), "{second:?}");
    assert!(matches!(
        restore(&backups, Some(1), &dir.path().join("a"), |_| Ok(()), &mut on),
        Err(Error::Damaged { .. })
    ));
    restore(&backups, Some(2), &dir.path().join("b"), |_| Ok(()), &mut on).unwrap();
}

#[test]
fn what_would_not_fit_or_stands_in_the_wrong_place_is_refused_before_anything_is_written() {
    let (dir, store) = store();
    let backups = dir.path().join("backups");
    put(&store, &[tag::TEST, 1], b"x", Durability::Synced);
    let full = make(&store, &Order { reserve_bytes: u64::MAX / 2, ..order(&backups) }, &mut on).unwrap_err();
    assert!(matches!(full, Error::Room { needed: 1.., .. }), "{full}");
    assert!(full.to_string().contains("must stay free"), "{full}");
    let inside = make(&store, &order(&store.path().join("backups")), &mut on).unwrap_err();
    assert!(matches!(inside, Error::Inside(_)), "{inside}");
    made(&store, &backups);
    let (_other, another) = super::store();
    let foreign = make(&another, &order(&backups), &mut on).unwrap_err();
    assert!(matches!(foreign, Error::Foreign(_)), "{foreign}");
    let mut busy = None;
    make(&store, &order(&backups), &mut |_, _| {
        busy.get_or_insert_with(|| make(&store, &order(&dir.path().join("elsewhere")), &mut on).unwrap_err());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(matches!(busy, Some(Error::Busy(_))), "{busy:?}");
    assert_eq!(names(&backups), set(["1", "2", "lock"]));
}

/// Killed at any moment of a backup: the store holds all that was committed, each backup with a name is whole.
#[test]
fn a_process_killed_while_it_makes_backups_leaves_store_and_backups_good() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, backups) = (dir.path().join("db"), dir.path().join("backups"));
    let mut said: BTreeMap<u32, u32> = BTreeMap::new();
    let mut last = 0;
    for pause_ms in [5, 40, 90, 20, 140, 60] {
        let mut child = child::command(&[], "backups", &folder).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut begun, mut note) = (0, |line: String| {
            let numbers: Vec<u32> = line.split(' ').skip(1).filter_map(|word| word.parse().ok()).collect();
            match (line.split(' ').next(), &numbers[..]) {
                (Some("done"), [writer, n]) => drop(said.insert(*writer, n + 1)),
                (Some("made"), [number]) => last = *number,
                (Some("begin"), []) => return true,
                _ => {}
            }
            false
        });
        // In the middle of the second one, which has something to link.
        while begun < 2 {
            begun += u32::from(note(lines.next().expect("the child goes on").unwrap()));
        }
        std::thread::sleep(Duration::from_millis(pause_ms));
        child.kill().unwrap();
        child.wait().unwrap();
        lines.map_while(Result::ok).for_each(|line| {
            note(line);
        });
        durability::check_numbered(&folder, &said);
        assert_eq!(names(dir.path()), set(["db", "backups"]), "opening the store removed what was left");
        let there = names(&backups);
        assert!(last > 0 && there.contains(&last.to_string()), "{last} was made: {there:?}");
        for number in there.iter().filter_map(|name| name.parse().ok()) {
            let to = dir.path().join("restored");
            restore(&backups, Some(number), &to, |_| Ok(()), &mut on).unwrap();
            durability::check_numbered(&to, &BTreeMap::new());
            fs::remove_dir_all(&to).unwrap();
        }
    }
}
