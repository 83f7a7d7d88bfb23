//! IMAP beside Dovecot: the built program and a Dovecot on the same machine, under the same client, run by run in turns.

mod crowd;
mod delivery;
mod folders;
mod latency;
mod logins;
mod messages;
mod search;
mod side;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sigillo_base::Address;

use super::{TICK_MS, demo};
use crate::Arguments;
use crate::material::{Size, attachment, message};
use crate::measure::{Figures, process_time};
use crate::table::{Table, digits};
use side::Side;

pub use crowd::run as crowd;
pub use latency::run as latency;

const RUNS: usize = 3;
/// After so long each case gets a single run more.
const LONG: Duration = Duration::from_secs(15 * 60);
/// Mailboxes: of those who log in for the first time in a run, and some before them.
const PEOPLE: usize = 16 + RUNS * 48;
/// Messages and octets in one APPEND of those that fill a folder.
const AT_ONCE: usize = 500;
const OCTETS_AT_ONCE: usize = 40 << 20;

const COLUMNS: [&str; 10] = [
    "what",
    "in a second",
    "ours",
    "lowest–highest",
    "Dovecot",
    "ratio",
    "CPU ms for one",
    "Dovecot's",
    "clients'",
    "runs",
];

type Group = (&'static str, fn(&mut Bench));

const GROUPS: [Group; 6] = [
    ("imap/login", logins::run),
    ("imap/append", messages::append),
    ("imap/fetch", messages::fetch),
    ("imap/change", messages::change),
    ("imap/select", folders::run),
    ("imap/search", search::run),
];

/// Both servers, and the table that comes of them.
pub struct Bench {
    program: PathBuf,
    quick: bool,
    begun: Instant,
    sides: Vec<Side>,
    filled: BTreeSet<&'static str>,
    table: Table,
}

/// A folder of the first person's, the same at both.
#[derive(Debug, Clone, Copy)]
pub struct Folder {
    pub name: &'static str,
    pub count: usize,
    pub size: Size,
}

/// Commands of a reader; those of many connections are in [`crowd`].
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let groups: Vec<Group> = GROUPS.into_iter().filter(|(name, _)| arguments.wants(name)).collect();
    let (program, build) = if groups.is_empty() { return None } else { demo::program()? };
    let sides = sides(&program, folder, PEOPLE);
    let note = format!(
        "Wall time, both servers in turns under the same client; ratio: ours over Dovecot's, more is better. CPU: milliseconds of all processes of \
         a server for one of what is counted, and of the clients, which run on the same cores. {} `sigillo serve`, {build} build: every commit waits for the disk, \
         the index of texts is not made where nothing is said of it. Dovecot: sdbox, `mail_fsync = always`, its own index files, no full-text index, processes that serve \
         one client after the other. MB: 10^6 octets of literals.",
        settings(&sides)
    );
    let table = Table::new("IMAP beside Dovecot", &COLUMNS, &note);
    let (quick, begun, filled) = (arguments.quick, Instant::now(), BTreeSet::new());
    let mut bench = Bench { program, quick, begun, sides, filled, table };
    groups.iter().for_each(|(_, group)| group(&mut bench));
    bench.table.filled()
}

/// Ours, and Dovecot where there is one.
fn sides(program: &Path, folder: &Path, people: usize) -> Vec<Side> {
    [Some(Side::ours(program, folder, people)), Side::theirs(folder, people)].into_iter().flatten().collect()
}

/// TLS as both make it with this client, which resumes no session.
fn settings(sides: &[Side]) -> String {
    let tls = sides.iter().map(|side| {
        let name = if side.is_ours() { "ours" } else { "Dovecot" };
        format!("{name} {}", side.open(0).tls())
    });
    format!("TLS: {}.", tls.collect::<Vec<_>>().join(", "))
}

impl Bench {
    /// Of these numbers, the one for this run of the bench.
    fn scale(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }

    /// Measures `work`, which does `amount` of what is counted, run by run in turns: `prepare` is not measured, nor what
    /// becomes of it afterwards. Both get the number of the run.
    fn row<T>(
        &mut self,
        (what, unit): (&str, &str),
        amount: f64,
        mut prepare: impl FnMut(&Side, usize) -> T,
        mut work: impl FnMut(&Side, &mut T, usize),
    ) {
        let [mut ours, mut theirs] = [const { (Vec::new(), Vec::new()) }; 2];
        let mut clients = Figures::default();
        let once = self.quick || self.begun.elapsed() > LONG;
        for run in 0..if once { 1 } else { RUNS } {
            for side in &self.sides {
                let mut prepared = prepare(side, run);
                let before = (side.ticks(), process_time());
                let begun = Instant::now();
                work(side, &mut prepared, run);
                let rate = amount / begun.elapsed().as_secs_f64();
                let (ticks, own) = (side.ticks() - before.0, process_time() - before.1);
                drop(prepared);
                let figures = if side.is_ours() { &mut ours } else { &mut theirs };
                figures.0.push(rate);
                figures.1.push(ticks as f64 * TICK_MS / amount);
                clients.push(own.as_secs_f64() * 1e3 / amount);
            }
        }
        let [ours, theirs] = [ours, theirs].map(|(a, b)| [a, b].map(Figures::from_iter));
        self.table.row(vec![
            what.into(),
            unit.into(),
            digits(ours[0].median()),
            ours[0].spread(),
            digits(theirs[0].median()),
            digits(ours[0].over(&theirs[0]).median()),
            digits(ours[1].median()),
            digits(theirs[1].median()),
            digits(clients.median()),
            ours[0].runs().to_string(),
        ]);
    }

    /// Makes this folder at both, unless it is there, and fills it: many messages in one APPEND, without waiting.
    fn fill(&mut self, folder: Folder) {
        if !self.filled.insert(folder.name) {
            return;
        }
        for side in &self.sides {
            let mut reader = side.open(0);
            reader.ask(&format!("CREATE {}", folder.name));
            let at_once = AT_ONCE.min(OCTETS_AT_ONCE / folder.size.bytes).max(1);
            let numbers: Vec<usize> = (1..=folder.count).collect();
            for numbers in numbers.chunks(at_once) {
                reader.append(folder.name, &messages_of(numbers, folder.size));
            }
        }
    }
}

/// Message of a folder: each with its own Message-ID and attachment, so that nothing is there twice. One in the middle of
/// five hundred has a word in its text that the others lack.
fn messages_of(numbers: &[usize], size: Size) -> Vec<Vec<u8>> {
    let [from, to] =
        ["anna@comune-alfa.example", "bruno@ente-beta.example"].map(|a| Address::parse(a).expect("an address"));
    let one = |n: &usize| {
        let bytes = message(&from, &to, &format!("n{n}."), size, &attachment(size.bytes, *n as u64));
        if n % AT_ONCE != search::RARE_AT {
            return bytes;
        }
        let text = String::from_utf8(bytes).expect("text");
        text.replacen("gli atti", search::RARE, 1).into_bytes()
    };
    numbers.iter().map(one).collect()
}
