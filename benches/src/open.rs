//! Opening a store of many messages: how long, and how much memory. Each opening is a process of its own.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use sigillo_engine::Submitted;
use sigillo_store::{Batch, Durability, Row, Store, tag};
use sigillo_store_rocks::{Options, RocksStore};
use sigillo_tests::fixtures::{self, Numbers, address};
use sigillo_tests::house::{House, Known};
use sigillo_tests::street::{Street, message};

use crate::Arguments;
use crate::kept::size_of;
use crate::measure::Figures;
use crate::table::{Table, digits};

/// Names the store that a process is to open.
const OPEN: &str = "SIGILLO_BENCH_OPEN";
/// Another number of messages.
const SCALE: &str = "SIGILLO_BENCH_MESSAGES";
const MESSAGES: u64 = 1_000_000;
const RUNS: usize = 5;
/// Rows that are read after the opening, here and there.
const READS: u64 = 20_000;
const MIB: f64 = 1024.0 * 1024.0;
const COLUMNS: [&str; 10] = [
    "messages",
    "store, MiB",
    "its log, MiB",
    "first, s",
    "then, s",
    "empty store, s",
    "ratio",
    "resident, MiB",
    "after reading, MiB",
    "runs",
];

/// What one process found.
#[derive(Default)]
struct Opened {
    seconds: Figures,
    resident: Figures,
    read: Figures,
}

/// One size, 1 000 000 messages where nothing else is said.
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let budget = Options::default().memory.bytes() as f64 / MIB;
    let note = format!(
        "Wall time from the first byte read to an engine at work, page cache warm; `{SCALE}` names another number. Messages are stored ones \
         (envelopes, receipts, originals of small certified messages inside one provider), with all rows that the engine writes for them. First: the store as a kill \
         leaves it, its log unread; then: once more. Ratio: then, over an empty store. Resident: the whole process, after opening and after \
         {READS} rows were read here and there; the memory budget of a store is {budget:.0} MiB."
    );
    let mut table = Table::new("Opening a store", &COLUMNS, &note);
    if arguments.wants("open") {
        row(&mut table, arguments, folder);
    }
    table.filled()
}

fn row(table: &mut Table, arguments: &Arguments, folder: &Path) {
    let wanted = scale(arguments);
    let folder = tempfile::tempdir_in(folder).expect("a folder");
    let (full, empty) = (folder.path().join("full"), folder.path().join("empty"));
    drop(RocksStore::open(&empty, &Options::default()).expect("a store"));
    let messages = fill(&full, wanted);
    let (size, log) = (size_of(&full) as f64 / MIB, size_of_logs(&full) as f64 / MIB);
    let (mut first, mut then, mut none) = (Opened::default(), Opened::default(), Opened::default());
    open_in_a_process(&full, &mut first);
    for _ in 0..arguments.runs(RUNS) {
        open_in_a_process(&full, &mut then);
        open_in_a_process(&empty, &mut none);
    }
    table.row(vec![
        messages.to_string(),
        digits(size),
        digits(log),
        digits(first.seconds.median()),
        digits(then.seconds.median()),
        digits(none.seconds.median()),
        digits(then.seconds.over(&none.seconds).median()),
        digits(then.resident.median()),
        digits(then.read.median()),
        then.seconds.runs().to_string(),
    ]);
}

/// How many messages are asked for.
pub fn scale(arguments: &Arguments) -> u64 {
    let otherwise = if arguments.quick { 1_000 } else { MESSAGES };
    std::env::var(SCALE).ok().map_or(otherwise, |n| n.parse().expect("a number of messages"))
}

fn size_of_logs(store: &Path) -> u64 {
    let files = std::fs::read_dir(store).expect("a folder").map(|e| e.expect("an entry"));
    let logs = files.filter(|e| e.path().extension().is_some_and(|x| x == "log"));
    logs.map(|e| e.metadata().map_or(0, |m| m.len())).sum()
}

/// The rows that one more certified message adds to a provider that has some.
fn rows_of_one() -> Vec<Row> {
    let mut street = Street::new(1);
    let (anna, to) = (address("anna@comune-alfa.example"), [address("bruno@comune-alfa.example")]);
    let mut before = BTreeSet::new();
    for n in 0..2 {
        before = street.houses[0].store.rows().into_iter().map(|(key, _)| key).collect();
        let bytes = message(&anna, &to, &format!("X-Numero: {n}\r\n"));
        assert!(matches!(street.submit_bytes(&anna, &to, bytes.into_bytes()), Ok(Submitted::Accepted(_))));
        street.run();
        street.houses[0].engine().chain_log(street.now).expect("linked");
    }
    street.houses[0].store.rows().into_iter().filter(|(key, _)| !before.contains(key)).collect()
}

/// Writes them again and again under other keys; gives how many stored messages there are then.
pub fn fill(path: &Path, messages: u64) -> u64 {
    // So much at once has to wait for the disk.
    let patient = Options { stall_limit: Duration::from_secs(600), ..Options::default() };
    let store = RocksStore::open(path, &patient).expect("a store");
    let (rows, random) = (rows_of_one(), Numbers::new(1));
    let each = rows.iter().filter(|(key, _)| key[0] == tag::MESSAGE).count() as u64;
    let mut batch = Batch::new();
    for n in 0..messages.div_ceil(each) {
        for (key, value) in &rows {
            batch.put(moved(key, &random), value);
        }
        if batch.bytes() > sigillo_store::MAX_BATCH / 2 || n + 1 == messages.div_ceil(each) {
            store.commit(&batch, Durability::Later).expect("written");
            batch = Batch::new();
        }
    }
    store.sync().expect("synced");
    messages.div_ceil(each) * each
}

/// The same key elsewhere: what follows its tag is chance.
fn moved(key: &[u8], random: &Numbers) -> Vec<u8> {
    let mut moved = key.to_vec();
    let chance = random.next().to_be_bytes();
    moved.iter_mut().skip(1).zip(chance).for_each(|(to, from)| *to = from);
    moved
}

fn open_in_a_process(store: &Path, found: &mut Opened) {
    let exe = std::env::current_exe().expect("a running program has a file");
    let ran = Command::new(exe).env(OPEN, store).output().expect("it starts");
    let said = String::from_utf8_lossy(&ran.stdout);
    let figures: Vec<f64> = said.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let [seconds, resident, read] = figures[..] else { panic!("{said}{}", String::from_utf8_lossy(&ran.stderr)) };
    found.seconds.push(seconds);
    found.resident.push(resident);
    found.read.push(read);
}

/// Whether this process is one that opens a store; it has done so then.
pub fn child() -> bool {
    let Some(path) = std::env::var_os(OPEN) else { return false };
    let known = Known::fixtures();
    let begun = Instant::now();
    let store = std::sync::Arc::new(RocksStore::open(Path::new(&path), &Options::default()).expect("a store"));
    let house = House::on(store, fixtures::alfa(), 1, &known);
    let (seconds, resident) = (begun.elapsed().as_secs_f64(), resident());
    let random = Numbers::new(2);
    for _ in 0..READS / 10 {
        let from = [&[tag::MESSAGE][..], &random.next().to_be_bytes()].concat();
        house.store.scan(&from, &[tag::MESSAGE + 1], 10).expect("read");
    }
    println!("{seconds} {resident} {}", self::resident());
    true
}

/// Resident memory of this process, in MiB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says what a process takes");
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).expect("its resident memory");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}
