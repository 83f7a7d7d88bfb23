//! One massive mailbox at its limit beside people: 5,000 messages of 200 KB a minute, and 50 standard mailboxes that
//! must not notice (BOX-06, BOX-01).

use std::path::Path;
use std::time::Duration;

use super::demo::{self, Demo};
use super::street::Street;
use super::{MASSIVE, TICK_MS};
use crate::Arguments;
use crate::machine::ticks_of;
use crate::material::SIZES;
use crate::measure::percentile;
use crate::table::{Table, digits};

/// Messages of the massive mailbox in a minute.
const A_MINUTE: usize = 5_000;
/// Connections it uses.
const SESSIONS: usize = 16;
/// Standard mailboxes, and what each sends in a minute: half its limit.
const PEOPLE: usize = 50;
const EACH_A_MINUTE: f64 = 25.0;
/// What ten minutes take on the disk, in bytes, with room to spare.
const FULL_BYTES: u64 = 40 << 30;

const COLUMNS: [&str; 8] = [
    "minutes",
    "massive, asked for/min",
    "done/min",
    "its p99, ms",
    "people's p50, ms",
    "people's p99, ms",
    "CPU ms a message",
    "peak memory, MB",
];

/// One minute, or ten with `--full`.
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let (program, build) = if arguments.wants("massive/200KB") { demo::program()? } else { return None };
    let minutes = if arguments.full { 10.0 } else { 1.0 };
    if arguments.full {
        let space = rustix::fs::statvfs(folder).expect("the folder for stores is there");
        let free = space.f_bavail * space.f_frsize;
        assert!(free >= FULL_BYTES, "--full needs {} GiB free below {}", FULL_BYTES >> 30, folder.display());
    }
    let window = if arguments.quick { Duration::from_secs(2) } else { Duration::from_secs_f64(60.0 * minutes) };
    let [small, large] = SIZES;
    let note = format!(
        "One massive-extra-large mailbox on {SESSIONS} connections, {} a message, {A_MINUTE} a minute, evenly; beside it {PEOPLE} \
         standard mailboxes, {} a message, {EACH_A_MINUTE} a minute each. p50, p99: milliseconds from when a submission was due to \
         its \"250\". Done: by the wall clock, up to the last delivery receipt. Limits on, {build} build.",
        large.name, small.name
    );
    let mut table = Table::new("One massive mailbox beside fifty people", &COLUMNS, &note);
    let demo = Demo::start(&program, folder, 1, PEOPLE, None);
    let mut massive = Street::open(&demo.place(MASSIVE), 1, SESSIONS, large);
    let mut people = Street::open(&demo.place("standard"), PEOPLE, 1, small);
    let before = ticks_of(demo.pid());
    let begun = std::time::Instant::now();
    let (mut big, mut little, done) = std::thread::scope(|scope| {
        let big = scope.spawn(|| (massive.paced(A_MINUTE as f64 / 60.0, window), begun.elapsed()));
        let little = people.paced(PEOPLE as f64 * EACH_A_MINUTE / 60.0, window);
        let (big, done) = big.join().expect("it ends");
        (big, little, done)
    });
    big.sort_unstable();
    little.sort_unstable();
    let all = (big.len() + little.len()) as f64;
    table.row(vec![
        digits(window.as_secs_f64() / 60.0),
        A_MINUTE.to_string(),
        digits(big.len() as f64 * 60.0 / done.as_secs_f64()),
        digits(percentile(&big, 0.99)),
        digits(percentile(&little, 0.5)),
        digits(percentile(&little, 0.99)),
        digits((ticks_of(demo.pid()) - before) as f64 * TICK_MS / all),
        digits(demo.peak_mb()),
    ]);
    table.filled()
}
