//! How long a submission waits for its "250" at a part of what the program can do.

use std::path::Path;
use std::time::Duration;

use super::demo::Demo;
use super::street::Street;
use super::{BOXES, MASSIVE, messages, wanted};
use crate::Arguments;
use crate::measure::{Figures, percentile};
use crate::table::{Table, digits};

const RUNS: usize = 3;
/// The part of the highest rate.
const PART: f64 = 0.8;
/// One run of it.
const WINDOW: Duration = Duration::from_secs(15);

const COLUMNS: [&str; 8] =
    ["size", "highest/s", "asked for/s", "p50, ms", "p99, ms", "lowest–highest", "longest, ms", "runs"];

/// Both sizes.
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let (program, build, sizes) = wanted(arguments, "paced")?;
    let note = format!(
        "Milliseconds from the moment a submission was due to its \"250\", {BOXES} connections as above, messages evenly \
         spread over the time at {PART} of the highest rate, which was measured just before. A submission that has to \
         wait for one before it counts from when it was due. {build} build."
    );
    let mut table = Table::new("Submissions at four fifths of the highest rate", &COLUMNS, &note);
    for size in sizes {
        let demo = Demo::start(&program, folder, BOXES, 0, None);
        let mut street = Street::open(&demo.place(MASSIVE), BOXES, 1, size);
        let (warm, window) = if arguments.quick { (BOXES, Duration::from_secs(1)) } else { (BOXES * 5, WINDOW) };
        let mut highest = street.run(warm);
        let [mut p50, mut p99, mut longest] = [const { Vec::new() }; 3];
        for _ in 0..arguments.runs(RUNS) {
            if !arguments.quick {
                highest = street.run(messages(highest, 4.0));
            }
            let mut took = street.paced(highest * PART, window);
            took.sort_unstable();
            p50.push(percentile(&took, 0.5));
            p99.push(percentile(&took, 0.99));
            longest.push(percentile(&took, 1.0));
        }
        let [p50, p99, longest] = [p50, p99, longest].map(Figures::from_iter);
        table.row(vec![
            size.name.into(),
            digits(highest),
            digits(highest * PART),
            digits(p50.median()),
            digits(p99.median()),
            p99.spread(),
            digits(longest.median()),
            format!("{} × {} s", p99.runs(), window.as_secs()),
        ]);
    }
    table.filled()
}
