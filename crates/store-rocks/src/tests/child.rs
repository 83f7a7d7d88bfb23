//! The other process: this test binary again, told by a variable what to do. Without the variable the test below does
//! nothing.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use sigillo_store::{Batch, Durability, Store, body, tag, transact};

use super::small;
use crate::{RocksStore, backup};

const TASK: &str = "SIGILLO_STORE_CHILD_TASK";
const FOLDER: &str = "SIGILLO_STORE_CHILD_FOLDER";

/// Writers that run at once in the child, so that commits are joined.
pub(super) const WRITERS: u32 = 3;

/// This binary as a child with a task; `wrapped` goes in front (strace).
pub(super) fn command(wrapped: &[&str], task: &str, folder: &Path) -> Command {
    let exe = std::env::current_exe().unwrap();
    let mut words: Vec<PathBuf> = wrapped.iter().map(PathBuf::from).collect();
    words.push(exe);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command.args(["--exact", "tests::child::work", "--nocapture", "--test-threads=1"]);
    command.env(TASK, task).env(FOLDER, folder);
    command
}

#[test]
fn work() {
    let (Ok(task), Some(folder)) = (std::env::var(TASK), std::env::var_os(FOLDER)) else { return };
    let store = RocksStore::open(Path::new(&folder), &small()).unwrap();
    match task.as_str() {
        "numbered" => std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let store = &store;
                scope.spawn(move || write_numbered(store, writer));
            }
        }),
        "backups" => std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let store = &store;
                scope.spawn(move || write_numbered(store, writer));
            }
            let dir = Path::new(&folder).with_file_name("backups");
            let keep = std::num::NonZeroUsize::new(3);
            loop {
                let order = backup::Order { dir: &dir, time: "then", keep, reserve_bytes: 0 };
                say("begin");
                match backup::make(&store, &order, &mut |_, _| ControlFlow::Continue(())) {
                    Ok(made) => say(&format!("made {}", made.number)),
                    Err(error) => {
                        eprintln!("{error}");
                        // The writers would go on for ever.
                        std::process::exit(1);
                    }
                }
            }
        }),
        "steps" => {
            let (later, synced) = (Durability::Later, Durability::Synced);
            for (name, durability) in [("later", later), ("confirm", synced), ("again", synced), ("synced", synced)] {
                let mut batch = Batch::new();
                if name == "later" || name == "synced" {
                    batch.put([tag::TEST, 1], name);
                }
                say(&format!("begin {name}"));
                store.commit(&batch, durability).unwrap();
                say(&format!("end {name}"));
            }
        }
        "together" => std::thread::scope(|scope| {
            for writer in 0..8u32 {
                let store = &store;
                scope.spawn(move || {
                    (0..50).for_each(|n| super::put(store, &key(tag::TEST, writer, n), b"x", Durability::Synced))
                });
            }
        }),
        "until-failure" => {
            for n in 0u32..200 {
                let mut batch = Batch::new();
                batch.put([&[tag::TEST][..], &n.to_be_bytes()].concat(), n.to_be_bytes());
                match store.commit(&batch, Durability::Synced) {
                    Ok(()) => say(&format!("done {n}")),
                    Err(e) => {
                        say(&format!("failed {n} {e}"));
                        std::thread::sleep(std::time::Duration::from_millis(5));
                    }
                }
            }
            say(&format!("health {} {}", store.health().failing, store.health().refused_commits));
        }
        other => panic!("unknown task {other}"),
    }
}

/// One write, at once and whole.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

pub(super) fn key(tag: u8, writer: u32, n: u32) -> Vec<u8> {
    [&[tag][..], &writer.to_be_bytes(), &n.to_be_bytes()].concat()
}

/// The body of commit `n`: every eighth is so long that it goes ahead.
pub(super) fn bytes(writer: u32, n: u32) -> Vec<u8> {
    let len = if n % 8 == 7 { 700_000 } else { 3_000 + n as usize };
    (0..len).map(|i| (i as u32).wrapping_mul(2_654_435_761).wrapping_add(writer * 7919 + n) as u8).collect()
}

/// Goes on after the last number that is there; says each number when its commit has returned.
fn write_numbered(store: &RocksStore, writer: u32) {
    let from = key(tag::TEST, writer, 0);
    let mut n = store.scan(&from, &key(tag::TEST, writer, u32::MAX), usize::MAX).unwrap().len() as u32;
    loop {
        transact(store, 100, |tx| {
            let id = body::put(store, tx, &bytes(writer, n))?;
            body::link(tx, id, key(tag::TEST, writer, n))?;
            tx.expect_absent(key(tag::TEST, writer, n));
            tx.put(key(tag::TEST, writer, n), id.as_bytes());
            tx.put(key(tag::QUEUE_ITEM, writer, n), id.as_bytes());
            Ok::<_, sigillo_store::Error>(())
        })
        .unwrap();
        say(&format!("done {writer} {n}"));
        n += 1;
    }
}
