//! Durable commits while backups are made one after the other, beside the same commits alone.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use sigillo_store_rocks::backup::{Error, Order, make};
use sigillo_store_rocks::{Options, RocksStore};

use crate::Arguments;
use crate::commits::commits;
use crate::material::attachment;
use crate::measure::Figures;
use crate::table::{Table, digits};

const WINDOW: Duration = Duration::from_secs(3);
const RUNS: usize = 5;
const COMMITTERS: usize = 8;
/// Bytes of a body.
const SIZE: usize = 200_000;
/// Bodies that are there before: what a backup has to prove again.
const BEFORE: u64 = 1_000;

/// What the maker of backups is asked to do.
const STILL: u8 = 0;
const ON: u8 = 1;
const END: u8 = 2;

const COLUMNS: [&str; 8] =
    ["committers", "size", "beside a backup/s", "alone/s", "ratio", "lowest–highest", "backups", "runs"];

/// Eight committers of bodies of 200 kB.
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let note = "Wall time. One commit: a body, its link and a row, synced before it returns. Beside it a thread makes \
                backups one after the other on the same disk, of a store of 200 MB and more; three stay. Baseline: the \
                same commits while it stands still. Ratio: ours over baseline, more is better.";
    let mut table = Table::new("Backups", &COLUMNS, note);
    if arguments.wants("backup") {
        one(arguments, folder, &mut table);
    }
    table.filled()
}

fn one(arguments: &Arguments, folder: &Path, table: &mut Table) {
    let folder = tempfile::tempdir_in(folder).expect("a folder");
    let store = RocksStore::open(folder.path().join("db"), &Options::default()).expect("a store");
    let bytes = attachment(SIZE, 3).into_bytes();
    let (number, bytes) = (AtomicU64::new(0), &bytes[..SIZE]);
    let (window, before) = if arguments.quick { (WINDOW / 60, 10) } else { (WINDOW, BEFORE) };
    while number.load(Ordering::Relaxed) < before {
        commits(&store, &number, COMMITTERS, bytes, window / 3);
    }
    let (mut beside, mut alone) = (Figures::default(), Figures::default());
    let asked = AtomicU8::new(STILL);
    let made = std::thread::scope(|scope| {
        let making = scope.spawn(|| in_a_loop(&store, &folder.path().join("backups"), &asked));
        for _ in 0..arguments.runs(RUNS) {
            alone.push(commits(&store, &number, COMMITTERS, bytes, window).per_second);
            asked.store(ON, Ordering::Relaxed);
            beside.push(commits(&store, &number, COMMITTERS, bytes, window).per_second);
            asked.store(STILL, Ordering::Relaxed);
        }
        asked.store(END, Ordering::Relaxed);
        making.join().expect("backups are made")
    });
    let ratio = beside.over(&alone);
    table.row(vec![
        COMMITTERS.to_string(),
        "200 kB".into(),
        digits(beside.median()),
        digits(alone.median()),
        digits(ratio.median()),
        ratio.spread(),
        digits(made),
        ratio.runs().to_string(),
    ]);
}

/// Makes backups while it is to go on; gives how many, with the part of the last one.
fn in_a_loop(store: &RocksStore, dir: &Path, asked: &AtomicU8) -> f64 {
    let order = Order { dir, time: "now", keep: NonZeroUsize::new(3), reserve_bytes: 0 };
    let (mut made, mut part) = (0.0, 0.0);
    let wait = || {
        while asked.load(Ordering::Relaxed) == STILL {
            std::thread::sleep(Duration::from_millis(1));
        }
        if asked.load(Ordering::Relaxed) == END { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    while wait().is_continue() {
        let backup = make(store, &order, &mut |done, total| {
            part = done as f64 / total as f64;
            wait()
        });
        match backup {
            Ok(_) => (made, part) = (made + 1.0, 0.0),
            Err(Error::Stopped) => {}
            Err(error) => panic!("no backup: {error}"),
        }
    }
    made + part
}
