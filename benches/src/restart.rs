//! A start with a long queue beside one with an empty queue, and work on a queue after much was worked off beside work
//! on a fresh one. `SIGILLO_BENCH_QUEUE` says how long; without it a million items.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sigillo_accounts::{PasswordHash, Profile};
use sigillo_base::{Address, MailboxId};
use sigillo_engine::{Engine, Login, Setup, Submitted};
use sigillo_smtp::Reply;
use sigillo_smtp::client::RecipientOutcome;
use sigillo_store::{Batch, Durability, KeyBuilder, Store, key, tag};
use sigillo_store_rocks::{Options, RocksStore};
use sigillo_tests::fixtures::{self, NOW, Numbers, address};
use sigillo_tests::house::{Known, arrived};

use crate::Arguments;
use crate::material::{SIZES, attachment, message};
use crate::measure::Figures;
use crate::table::{Table, digits};

const RUNS: usize = 5;
/// Rows of one batch when a queue is made or emptied outside of the timing.
const AT_ONCE: usize = 1_000;
/// Items handed over in one run.
const HANDED: usize = 500;
/// Items that the relay takes at once.
const TAKEN: usize = 8;

const START: [&str; 11] = [
    "queued",
    "open, ms",
    "empty",
    "first message, ms",
    "empty",
    "first item, ms",
    "empty",
    "memory, MB",
    "empty",
    "ratio of the three times",
    "runs",
];
const WORK: [&str; 8] =
    ["worked off", "first look, ms", "fresh", "items/s", "fresh", "ratio of items/s", "lowest–highest", "runs"];

/// Names the store on which a process of its own starts once.
const STARTED: &str = "SIGILLO_BENCH_STARTED";

/// A provider on its store.
struct House {
    path: PathBuf,
    ids: Arc<Numbers>,
    sender: Address,
}

/// What one start took: opening, the first message, the first item, in milliseconds; resident memory, in megabytes.
type Started = [f64; 4];

impl House {
    /// On a store that is there. Every process has numbers of its own.
    fn at(path: PathBuf) -> Self {
        let age = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that runs").as_nanos();
        let sender = address(&format!("m@{}", fixtures::alfa().domains[0]));
        Self { path, ids: Numbers::new(age as u64), sender }
    }

    /// On a new one with so many items in the queue, all alike, beside that of one message.
    fn new(path: PathBuf, waiting: usize) -> Self {
        let house = Self::at(path);
        let engine = house.open();
        let hash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let hash = PasswordHash::parse(hash).expect("a hash");
        engine.add_mailbox(&house.sender, Profile::MassiveExtraLarge, hash, NOW).expect("a mailbox");
        house.submit(&engine);
        fill(engine.store(), waiting);
        engine.store().flush().expect("written out");
        house
    }

    fn open(&self) -> Engine<RocksStore> {
        let store = RocksStore::open(&self.path, &Options::default()).expect("a store");
        let (fixture, known) = (fixtures::alfa(), Known::fixtures());
        let setup = Setup {
            provider: fixture.provider.clone(),
            host: "mx.pec.alfa.example".into(),
            identity: fixture.identity.clone(),
            signer: Arc::new(fixture.signer()),
            trust: known.trust,
            index: known.index,
            ids: Arc::clone(&self.ids) as _,
            bell: Arc::new(()),
            meter: Arc::new(()),
            local_domains: fixture.domains.clone(),
            antivirus: None,
            screener: None,
            dkim: None,
            rules: Default::default(),
            doors: Default::default(),
            profiles: Default::default(),
        };
        Engine::open(store, setup).expect("the provider starts")
    }

    fn submit(&self, engine: &Engine<RocksStore>) {
        let to = address("bruno@ente-beta.example");
        let attachment = attachment(SIZES[0].bytes, 5);
        let bytes = message(&self.sender, &to, &format!("n{:x}", self.ids.next()), SIZES[0], &attachment);
        let mail = arrived(Some(&self.sender), std::slice::from_ref(&to), bytes, "client", true);
        let mailbox = engine.find_mailbox(&self.sender).expect("read").expect("a mailbox").id;
        let login = Login::ours(MailboxId(mailbox), self.sender.clone());
        let answer = engine.submit(&login, &mail, NOW).expect("taken");
        assert!(matches!(answer, Submitted::Accepted(_)), "{answer:?}");
    }

    /// Starts once, in a process of its own.
    fn start(&self) -> Started {
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program).env(STARTED, &self.path).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        let figures: Vec<f64> = said.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
        figures.try_into().unwrap_or_else(|_| panic!("the start failed: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// In the process that [`House::start`] begins: starts, and says what it took. `false` in every other.
pub fn started() -> bool {
    let Some(path) = std::env::var_os(STARTED) else { return false };
    let house = House::at(path.into());
    let mut last = Instant::now();
    let mut lap = || std::mem::replace(&mut last, Instant::now()).elapsed().as_secs_f64() * 1e3;
    let engine = house.open();
    let open = lap();
    house.submit(&engine);
    let message = lap();
    assert_eq!(engine.due(NOW, 1).expect("the queue is read").len(), 1);
    println!("{open} {message} {} {}", lap(), resident());
    true
}

/// Items a second that a relay takes and reports as handed over.
fn hand_over(engine: &Engine<RocksStore>, items: usize) -> f64 {
    let begun = Instant::now();
    let mut left = items;
    while left > 0 {
        let due = engine.due(NOW, left.min(TAKEN)).expect("the queue is read");
        assert!(!due.is_empty(), "there is enough to do");
        left -= due.len();
        for dispatch in &due {
            let result = Ok(Reply::new(250, (2, 0, 0), "ok"));
            let outcome = |r: &Address| RecipientOutcome { address: r.clone(), result: result.clone() };
            let outcomes: Vec<_> = dispatch.rcpts.iter().map(outcome).collect();
            engine.report(dispatch, &outcomes, NOW).expect("recorded");
        }
    }
    items as f64 / begun.elapsed().as_secs_f64()
}

/// Milliseconds of a look at what is due next.
fn look(engine: &Engine<RocksStore>) -> f64 {
    let begun = Instant::now();
    assert!(engine.next_due().expect("the queue is read").is_some());
    begun.elapsed().as_secs_f64() * 1e3
}

/// Megabytes of memory that this process holds.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok()).map_or(f64::NAN, |kb| kb / 1024.0)
}

/// Puts more items beside the one that waits: the same work under other numbers, which lie anywhere.
fn fill(store: &RocksStore, waiting: usize) {
    let (from, to) = KeyBuilder::new(tag::QUEUE_ITEM).range();
    let (first, item) = store.scan(&from, &to, 1).expect("read").remove(0);
    let (from, to) = KeyBuilder::new(tag::QUEUE_DUE).range();
    let (due, whose) = store.scan(&from, &to, 1).expect("read").remove(0);
    let (item_prefix, due_prefix) = (&first[..first.len() - 16], &due[..due.len() - 16]);
    let random = Numbers::new(waiting as u64);
    for begun in (0..waiting).step_by(AT_ONCE) {
        let mut batch = Batch::new();
        for _ in begun..waiting.min(begun + AT_ONCE) {
            let number = [random.next().to_be_bytes(), random.next().to_be_bytes()].concat();
            batch.put([item_prefix, &number[..]].concat(), &item);
            batch.put([due_prefix, &number[..]].concat(), &whose);
        }
        store.commit(&batch, Durability::Later).expect("written");
    }
    store.sync().expect("synced");
}

/// Removes the first items, as their outcomes would.
fn work_off(store: &RocksStore, count: usize) {
    let (mut from, to) = KeyBuilder::new(tag::QUEUE_DUE).range();
    for begun in (0..count).step_by(AT_ONCE) {
        let rows = store.scan(&from, &to, AT_ONCE.min(count - begun)).expect("read");
        let Some((last, _)) = rows.last() else { break };
        from = key::successor(last);
        let mut batch = Batch::new();
        for (due, _) in &rows {
            batch.delete(due);
            batch.delete(KeyBuilder::new(tag::QUEUE_ITEM).raw(&due[due.len() - 16..]));
        }
        store.commit(&batch, Durability::Later).expect("written");
    }
    store.sync().expect("synced");
}

fn length(arguments: &Arguments) -> usize {
    let wanted = std::env::var("SIGILLO_BENCH_QUEUE").ok().and_then(|n| n.parse().ok());
    wanted.unwrap_or(if arguments.quick { 2_000 } else { 1_000_000 })
}

/// A start with a long queue.
pub fn start(arguments: &Arguments, folder: &Path) -> Option<Table> {
    if !arguments.wants("restart/start") {
        return None;
    }
    let note = "Wall time in milliseconds, each start in a process of its own: opening store and engine; accepting the \
                first message (2 KB, one recipient); handing out the first item that is due. Memory: resident then. \
                Beside it the same on a store whose queue holds a handful of items. Ratio: the sum of the times over theirs.";
    let mut table = Table::new("A start with a long queue", &START, note);
    let folder = tempfile::tempdir_in(folder).expect("a folder");
    let queued = length(arguments);
    let long = House::new(folder.path().join("long"), queued);
    let empty = House::new(folder.path().join("empty"), 0);
    let (mut ours, mut theirs): (Vec<Started>, Vec<Started>) = (Vec::new(), Vec::new());
    for _ in 0..arguments.runs(RUNS) {
        ours.push(long.start());
        theirs.push(empty.start());
    }
    let mut cells = vec![queued.to_string()];
    for figure in 0..4 {
        for runs in [&ours, &theirs] {
            cells.push(digits(runs.iter().map(|started| started[figure]).collect::<Figures>().median()));
        }
    }
    let sum = |runs: &[Started]| runs.iter().map(|started| started[..3].iter().sum()).collect::<Figures>();
    cells.push(digits(sum(&ours).over(&sum(&theirs)).median()));
    cells.push(ours.len().to_string());
    table.row(cells);
    table.filled()
}

/// Work after much was worked off.
pub fn work(arguments: &Arguments, folder: &Path) -> Option<Table> {
    if !arguments.wants("restart/work") {
        return None;
    }
    let note = "Wall time: the first look of a server on a store where so many items were worked off, and on one where \
                none was; then one relay takes eight items at once and reports each as handed over, with a synced commit, \
                without sending anything. Ratio: its rate over that on the fresh store.";
    let mut table = Table::new("Queue work after much was worked off", &WORK, note);
    let folder = tempfile::tempdir_in(folder).expect("a folder");
    let (runs, handed) = (arguments.runs(RUNS), if arguments.quick { 50 } else { HANDED });
    let (worked_off, needed) = (length(arguments), runs * handed + TAKEN);
    let used = House::new(folder.path().join("used"), worked_off + needed).open();
    let fresh = House::new(folder.path().join("fresh"), needed).open();
    work_off(used.store(), worked_off);
    let looks = (look(&used), look(&fresh));
    let (mut ours, mut theirs) = (Figures::default(), Figures::default());
    for _ in 0..runs {
        ours.push(hand_over(&used, handed));
        theirs.push(hand_over(&fresh, handed));
    }
    let ratio = ours.over(&theirs);
    table.row(vec![
        worked_off.to_string(),
        digits(looks.0),
        digits(looks.1),
        digits(ours.median()),
        digits(theirs.median()),
        digits(ratio.median()),
        ratio.spread(),
        runs.to_string(),
    ]);
    table.filled()
}
