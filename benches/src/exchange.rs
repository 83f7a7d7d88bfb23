//! Certified messages end to end: two providers in one process, each on its own store, from the submission to the
//! delivery receipt in the sender's INBOX. Everything but sockets: no TLS, no SMTP.

mod counted;
mod flow;
mod full;
mod world;

use std::path::Path;
use std::time::Duration;

use crate::Arguments;
use crate::machine::cores;
use crate::material::{ALFA_KEY, SIZES, Size};
use crate::measure::{Figures, together};
use crate::signing::Openssl;
use crate::table::{Table, digits};
pub use full::run as full;
use world::World;

/// What one run should take, in seconds.
const SECONDS: f64 = 4.0;
const RUNS: usize = 5;
/// Signatures in one certified message: acceptance, envelope, take-charge receipt, delivery receipt.
const SIGNATURES: f64 = 4.0;

const COLUMNS: [&str; 9] = [
    "size",
    "messages/s",
    "lowest–highest",
    "CPU ms a message",
    "commits a message",
    "flushes a message",
    "of it signatures, ms",
    "ratio",
    "runs",
];

/// Figures over the runs.
#[derive(Default)]
struct Found {
    rate: Figures,
    cpu: Figures,
    commits: Figures,
    flushes: Figures,
    signatures: Figures,
    messages: usize,
}

/// Both sizes.
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let note = format!(
        "Wall time from the first submission to the last delivery receipt, {} messages at most on their way, {} \
         sender and as many recipient mailboxes (massive-extra-large, limits on), {} threads submit; the relays hand \
         over without sockets. CPU: the whole process, both providers. Flushes are those of the whole disk. Baseline: \
         the CPU time of the four RSA-2048 signatures of a message, by openssl on all {} cores, after each run. Ratio: \
         baseline over the message's CPU time; 1 would mean that all the rest costs nothing.",
        flow::IN_FLIGHT,
        world::BOXES,
        world::SUBMITTERS,
        cores()
    );
    let mut table = Table::new("Certified messages, two providers in one process", &COLUMNS, &note);
    for size in SIZES {
        if arguments.wants(&format!("exchange/{}", size.name)) {
            row(&mut table, size, &one(arguments, folder, size));
        }
    }
    table.filled()
}

fn row(table: &mut Table, size: Size, found: &Found) {
    table.row(vec![
        size.name.into(),
        digits(found.rate.median()),
        found.rate.spread(),
        digits(found.cpu.median()),
        digits(found.commits.median()),
        digits(found.flushes.median()),
        digits(found.signatures.median()),
        digits(found.signatures.over(&found.cpu).median()),
        format!("{} × {}", found.rate.runs(), found.messages),
    ]);
}

fn one(arguments: &Arguments, folder: &Path, size: Size) -> Found {
    let folder = tempfile::tempdir_in(folder).expect("a folder");
    let mut world = World::new(folder.path(), size);
    let openssl = Openssl::new(ALFA_KEY);
    let mut found = Found::default();
    if arguments.quick {
        found.messages = 16;
    } else {
        let warm = world.run(200);
        found.messages = ((warm.per_second * SECONDS) as usize).clamp(200, 10_000);
    }
    for _ in 0..arguments.runs(RUNS) {
        let ran = world.run(found.messages);
        // In order: a rate that falls from run to run tells what medians hide.
        eprintln!("  {} messages of {}: {} a second", found.messages, size.name, digits(ran.per_second));
        let window = if arguments.quick { Duration::from_millis(10) } else { Duration::from_millis(400) };
        let signatures = together(cores(), window, |_| || drop(openssl.sign(&[7; 180])));
        found.rate.push(ran.per_second);
        found.cpu.push(ran.cpu_ms);
        found.commits.push(ran.commits);
        found.flushes.push(ran.flushes);
        found.signatures.push(signatures.cpu_us * SIGNATURES / 1e3);
    }
    world.check();
    found
}
