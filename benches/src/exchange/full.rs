//! The same exchange on stores that hold a million messages already, beside one on empty stores.

use std::path::Path;

use super::world::{Ran, World};
use crate::Arguments;
use crate::material::SIZES;
use crate::measure::Figures;
use crate::open::{fill, scale};
use crate::table::{Table, digits};

const RUNS: usize = 5;
/// Messages in one run.
const MESSAGES: usize = 1_500;
const COLUMNS: [&str; 9] = [
    "stored before",
    "messages/s",
    "empty",
    "CPU ms a message",
    "empty",
    "ratio of CPU",
    "lowest–highest",
    "commits a message",
    "runs",
];

#[derive(Default)]
struct Found {
    rate: Figures,
    cpu: Figures,
    commits: Figures,
}

impl Found {
    fn push(&mut self, ran: &Ran) {
        self.rate.push(ran.per_second);
        self.cpu.push(ran.cpu_ms);
        self.commits.push(ran.commits);
    }
}

/// 2 KB, half of the messages in each store.
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let note = "As in the exchange of two providers in one process, 2KB a message; both stores together hold so many messages before the first run, \
                with all rows that the engine writes for them. Empty: two stores that hold only what the runs before brought; both take turns, run \
                by run. Ratio: the CPU time on empty stores over that on full ones.";
    let mut table = Table::new("Certified messages on full stores", &COLUMNS, note);
    if !arguments.wants("full/2KB") {
        return None;
    }
    let (stored, each) = (scale(arguments), if arguments.quick { 16 } else { MESSAGES });
    let place = || tempfile::tempdir_in(folder).expect("a folder");
    let (full, empty) = (place(), place());
    for seed in World::SEEDS {
        fill(&World::store(full.path(), seed), stored / 2);
    }
    let mut worlds = [&full, &empty].map(|folder: &tempfile::TempDir| World::new(folder.path(), SIZES[0]));
    let mut found = [Found::default(), Found::default()];
    if !arguments.quick {
        worlds.iter_mut().for_each(|world| {
            world.run(200);
        });
    }
    for _ in 0..arguments.runs(RUNS) {
        for (world, found) in worlds.iter_mut().zip(&mut found) {
            found.push(&world.run(each));
        }
    }
    worlds.iter().for_each(World::check);
    let [full, empty] = found;
    let ratio = empty.cpu.over(&full.cpu);
    table.row(vec![
        stored.to_string(),
        digits(full.rate.median()),
        digits(empty.rate.median()),
        digits(full.cpu.median()),
        digits(empty.cpu.median()),
        digits(ratio.median()),
        ratio.spread(),
        digits(full.commits.median()),
        format!("{} × {each}", full.rate.runs()),
    ]);
    table.filled()
}
