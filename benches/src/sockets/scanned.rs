//! The same with and without an antivirus: what a scan costs, apart from what clamd itself takes.

use std::path::Path;

use sigillo_tests::clamd::Clamd;
use sigillo_tests::demo::installed;

use super::demo::Demo;
use super::street::Street;
use super::{BOXES, MASSIVE, SECONDS, TICK_MS, messages, wanted};
use crate::Arguments;
use crate::machine::{peak_memory, ticks_of};
use crate::measure::Figures;
use crate::table::{Table, digits};

const RUNS: usize = 5;
const COLUMNS: [&str; 10] = [
    "size",
    "messages/s, scanned",
    "lowest–highest",
    "not scanned",
    "ratio",
    "CPU ms a message, scanned",
    "not scanned",
    "clamd's CPU ms",
    "clamd's memory, MB",
    "runs",
];

/// Both sizes, where clamd is installed.
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let (program, build, sizes) = wanted(arguments, "scanned")?;
    if installed("clamd").is_none() {
        eprintln!("  scanned: no clamd (Debian: clamav-daemon), nothing measured");
        return None;
    }
    let note = format!(
        "As the table before, {build} build, with a clamd of its own on the same cores and without, run by run in turns. Both providers scan: a \
         message is scanned when it is submitted and its envelope when it comes. clamd knows one signature, not the millions of ClamAV's own \
         list: a real one takes more, and over a gigabyte."
    );
    let mut table = Table::new("With an antivirus", &COLUMNS, &note);
    for size in sizes {
        let clamd = Clamd::start();
        let demos = [Some(clamd.socket()), None].map(|c| Demo::start(&program, folder, BOXES, 0, c.as_deref()));
        let mut streets = [0, 1].map(|i| Street::open(&demos[i].place(MASSIVE), BOXES, 1, size));
        let mut rates = [Figures::default(), Figures::default()];
        let mut cpu = [Figures::default(), Figures::default()];
        let mut scanner = Figures::default();
        let first = streets[0].run(BOXES * 5);
        let count = if arguments.quick { BOXES } else { messages(first, SECONDS) };
        for _ in 0..arguments.runs(RUNS) {
            for i in [0, 1] {
                let before = (ticks_of(demos[i].pid()), ticks_of(clamd.pid()));
                rates[i].push(streets[i].run(count));
                let each = |now: u64, before: u64| (now - before) as f64 * TICK_MS / count as f64;
                cpu[i].push(each(ticks_of(demos[i].pid()), before.0));
                if i == 0 {
                    scanner.push(each(ticks_of(clamd.pid()), before.1));
                }
            }
        }
        table.row(vec![
            size.name.into(),
            digits(rates[0].median()),
            rates[0].spread(),
            digits(rates[1].median()),
            digits(rates[0].over(&rates[1]).median()),
            digits(cpu[0].median()),
            digits(cpu[1].median()),
            digits(scanner.median()),
            digits(peak_memory(clamd.pid()) as f64 / f64::from(1 << 20)),
            format!("{} × {count}", rates[0].runs()),
        ]);
    }
    table.filled()
}
