//! Durable commits: a small row, or a body with the row that names it, by several committers at once, beside plain files.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sigillo_store::{KeyBuilder, body, tag, transact};
use sigillo_store_rocks::{Options, RocksStore};

use crate::Arguments;
use crate::material::{SIZES, Size, attachment};
use crate::measure::{Figures, Together, together};
use crate::table::{Table, digits};

const WINDOW: Duration = Duration::from_millis(600);
const RUNS: usize = 5;
const COMMITTERS: [usize; 3] = [1, 8, 64];
/// A row alone, without a body.
const ROW: Size = Size { name: "row", bytes: 100 };

const COLUMNS: [&str; 12] = [
    "committers",
    "size",
    "commits/s",
    "one file/s",
    "over one",
    "files/s",
    "over files",
    "lowest–highest",
    "flushes a commit",
    "flushes a file",
    "CPU µs a commit",
    "runs",
];

/// Figures of one case over its runs.
#[derive(Default)]
struct Found {
    ours: Figures,
    one: Figures,
    files: Figures,
    flushes: Figures,
    file_flushes: Figures,
    cpu: Figures,
}

/// 1, 8 and 64 committers.
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let note = "Wall time. One commit: a row of 100 bytes, or a body, its link and a row, synced before it returns (RocksDB). One \
                file: a single thread that appends the same bytes and calls fdatasync; files: as many threads as committers, each with a file \
                of its own. Over: ours divided by it, run by run; more is better. Flushes are those of the whole disk.";
    let mut table = Table::new("Durable commits", &COLUMNS, note);
    for size in [ROW].into_iter().chain(SIZES) {
        for committers in COMMITTERS {
            if arguments.wants(&format!("commit/{}/{committers}", size.name)) {
                row(&mut table, committers, size, &one(arguments, folder, committers, size));
            }
        }
    }
    table.filled()
}

fn row(table: &mut Table, committers: usize, size: Size, found: &Found) {
    let ratio = found.ours.over(&found.files);
    table.row(vec![
        committers.to_string(),
        size.name.into(),
        digits(found.ours.median()),
        digits(found.one.median()),
        digits(found.ours.over(&found.one).median()),
        digits(found.files.median()),
        digits(ratio.median()),
        ratio.spread(),
        digits(found.flushes.median()),
        digits(found.file_flushes.median()),
        digits(found.cpu.median()),
        ratio.runs().to_string(),
    ]);
}

fn one(arguments: &Arguments, folder: &Path, committers: usize, size: Size) -> Found {
    let folder = tempfile::tempdir_in(folder).expect("a folder");
    let store = RocksStore::open(folder.path().join("db"), &Options::default()).expect("a store");
    let bytes = attachment(size.bytes, 3).into_bytes();
    let bytes = &bytes[..size.bytes];
    let number = AtomicU64::new(0);
    let window = if arguments.quick { WINDOW / 20 } else { WINDOW };
    // Warm: memtables, the log's first file, the page cache.
    commits(&store, &number, committers, bytes, window / 3);
    let mut found = Found::default();
    for _ in 0..arguments.runs(RUNS) {
        let ours = commits(&store, &number, committers, bytes, window);
        let one = files(folder.path(), 1, bytes, window);
        let files = files(folder.path(), committers, bytes, window);
        found.ours.push(ours.per_second);
        found.flushes.push(ours.flushes);
        found.cpu.push(ours.cpu_us);
        found.one.push(one.per_second);
        found.files.push(files.per_second);
        found.file_flushes.push(files.flushes);
    }
    found
}

/// Every body is another one: it begins with its number.
fn stamped(bytes: &[u8]) -> impl FnMut(u64) -> Vec<u8> {
    let original = bytes.to_vec();
    move |number| {
        let mut bytes = original.clone();
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes
    }
}

/// Commits of so many threads for a while, each body with the next number.
pub fn commits(store: &RocksStore, number: &AtomicU64, threads: usize, bytes: &[u8], window: Duration) -> Together {
    together(threads, window, |_| {
        let mut fresh = stamped(bytes);
        move || {
            let n = number.fetch_add(1, Ordering::Relaxed);
            let bytes = fresh(n);
            let key = KeyBuilder::new(tag::TEST).u64(n);
            let committed = transact(store, 8, |tx| {
                if bytes.len() == ROW.bytes {
                    tx.put(&key, &bytes);
                    return Ok(());
                }
                let id = body::put(store, tx, &bytes)?;
                body::link(tx, id, key.as_ref())?;
                tx.put(&key, id.as_bytes());
                Ok::<_, sigillo_store::Error>(())
            });
            committed.expect("the commit is done");
        }
    })
}

fn files(folder: &Path, threads: usize, bytes: &[u8], window: Duration) -> Together {
    together(threads, window, |n| {
        let mut file = File::create(folder.join(format!("{n}.log"))).expect("a file");
        let mut fresh = stamped(bytes);
        let mut number = 0;
        move || {
            number += 1;
            file.write_all(&fresh(number)).expect("room on the disk");
            file.sync_data().expect("the disk takes it");
        }
    })
}
