//! What a message costs when one, or a thousand, connections are at work.

use std::path::Path;

use super::demo::Demo;
use super::street::Street;
use super::{MASSIVE, TICK_MS, demo, messages};
use crate::Arguments;
use crate::machine::ticks_of;
use crate::material::SIZES;
use crate::measure::Figures;
use crate::table::{Table, digits};

const RUNS: usize = 3;
const SESSIONS: [usize; 4] = [1, 16, 100, 1000];
/// Mailboxes that they belong to, at the most.
const USERS: usize = 50;
const COLUMNS: [&str; 6] = ["sessions", "messages/s", "lowest–highest", "CPU ms a message", "peak memory, MB", "runs"];

/// Short messages, by the number of sessions.
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let wanted: Vec<usize> = SESSIONS.into_iter().filter(|n| arguments.wants(&format!("crowd/{n}"))).collect();
    let (program, build) = if wanted.is_empty() { return None } else { demo::program()? };
    let size = SIZES[0];
    let note = format!(
        "As above, {} a message, {build} build: so many connections, each with one message at a time, of at most {USERS} \
         mailboxes. CPU and memory: the program's.",
        size.name
    );
    let mut table = Table::new("The number of sessions", &COLUMNS, &note);
    for sessions in wanted {
        let users = sessions.min(USERS);
        let demo = Demo::start(&program, folder, USERS, 0, None);
        let mut street = Street::open(&demo.place(MASSIVE), users, sessions / users, size);
        let mut count = street.run(users);
        let [mut rate, mut cpu] = [Figures::default(), Figures::default()];
        let each = if arguments.quick { sessions } else { messages(count, 4.0).max(sessions * 2) / users * users };
        for _ in 0..arguments.runs(RUNS) {
            let before = ticks_of(demo.pid());
            count = street.run(each);
            rate.push(count);
            cpu.push((ticks_of(demo.pid()) - before) as f64 * TICK_MS / each as f64);
        }
        table.row(vec![
            sessions.to_string(),
            digits(rate.median()),
            rate.spread(),
            digits(cpu.median()),
            digits(demo.peak_mb()),
            format!("{} × {each}", rate.runs()),
        ]);
    }
    table.filled()
}
