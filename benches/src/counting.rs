//! Counting: what a fact told to the meter costs beside the bare addition to an atomic.

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sigillo_engine::meter::Task;
use sigillo_engine::{Fact, Meter};
use sigillo_pec::Kind;
use sigillo_server::metrics::Metrics;

use crate::Arguments;
use crate::compose::{COLUMNS, row};
use crate::machine::cores;
use crate::measure::{Figures, Pair, Plain, pair, together};
use crate::table::Table;

/// Facts in one operation: one alone is too short for a clock.
const AT_ONCE: usize = 1_000;
const WINDOW: Duration = Duration::from_millis(400);

/// All of it.
pub fn run(arguments: &Arguments, _: &Path) -> Option<Table> {
    let note = "CPU time of a thousand facts (µs of a thousand are ns of one). Baseline: a thousand additions to one \
                atomic. Ratio: baseline over ours.";
    let mut table = Table::new("Counting", &COLUMNS, note);
    let (metrics, plain) = (Metrics::default(), AtomicU64::new(0));
    let meter: &dyn Meter = &metrics;
    let fact = || (0..AT_ONCE).for_each(|_| meter.note(black_box(Fact::Issued(Kind::Delivery))));
    let span = || (0..AT_ONCE).for_each(|_| metrics.work.took(black_box(Task::Reception), Duration::from_millis(7)));
    let add = || {
        (0..AT_ONCE).for_each(|_| {
            plain.fetch_add(black_box(1), Ordering::Relaxed);
        })
    };
    if arguments.wants("counting/fact") {
        row(&mut table, "a thousand facts, one thread", "–", &pair(arguments, Plain(fact), Plain(add)));
    }
    if arguments.wants("counting/span") {
        row(&mut table, "a thousand spans, one thread", "–", &pair(arguments, Plain(span), Plain(add)));
    }
    if arguments.wants("counting/together") {
        let mut both = Pair { ours: Figures::default(), baseline: Figures::default() };
        for _ in 0..arguments.runs(5) {
            both.ours.push(1e6 / together(cores(), WINDOW, |_| fact).per_second);
            both.baseline.push(1e6 / together(cores(), WINDOW, |_| add).per_second);
        }
        row(&mut table, &format!("a thousand facts, {} threads on one figure", cores()), "–", &both);
    }
    table.filled()
}
