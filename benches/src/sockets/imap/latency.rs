//! How long who listens (IDLE) waits to hear of a message that another connection brings.

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::side::Side;
use super::{messages_of, sides};
use crate::Arguments;
use crate::material::SIZES;
use crate::measure::percentile;
use crate::sockets::demo;
use crate::table::{Table, digits};

const MESSAGES: usize = 100;
const PAUSE: Duration = Duration::from_millis(20);
const COLUMNS: [&str; 7] = [
    "server",
    "messages",
    "APPEND, p50 ms",
    "from its begin to EXISTS, p50 ms",
    "p99 ms",
    "from its OK to EXISTS, p50 ms",
    "p99 ms",
];

/// One listener, one writer.
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let (program, build) = if arguments.wants("imap/idle") { demo::program()? } else { return None };
    let note = format!(
        "One connection listens in INBOX, another appends {} to it, one at a time; both over TLS. What is heard before the OK counts as nothing after it. {build} build; \
         Dovecot learns of changes from the kernel (inotify), and waits half a second for more of them.",
        SIZES[0].name
    );
    let mut table = Table::new("IDLE: from a delivery to its EXISTS", &COLUMNS, &note);
    let messages = if arguments.quick { 3 } else { MESSAGES };
    for side in sides(&program, folder, 2) {
        let mut found = [const { Vec::new() }; 3];
        listen(&side, messages, &mut found);
        found.iter_mut().for_each(|times| times.sort_unstable());
        let [append, begin, ok] = &found;
        let mut cells = vec![if side.is_ours() { "ours" } else { "Dovecot" }.into(), messages.to_string()];
        let wanted = [(append, 0.5), (begin, 0.5), (begin, 0.99), (ok, 0.5), (ok, 0.99)];
        cells.extend(wanted.map(|(times, part)| digits(percentile(times, part))));
        table.row(cells);
    }
    table.filled()
}

/// Times of the APPEND, from its begin to EXISTS, from its OK to EXISTS.
fn listen(side: &Side, messages: usize, found: &mut [Vec<Duration>; 3]) {
    let (mut writer, mut listener) = (side.open(0), side.open(0));
    let letters = messages_of(&[1], SIZES[0]);
    listener.ask("SELECT INBOX");
    listener.idle();
    let (tell, heard) = channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..messages {
                listener.told_of_more();
                tell.send(Instant::now()).expect("somebody waits");
            }
            listener.done();
        });
        for _ in 0..messages {
            std::thread::sleep(PAUSE);
            let begun = Instant::now();
            writer.append("INBOX", &letters);
            let ok = Instant::now();
            let heard = heard.recv().expect("it is told");
            let times = [ok - begun, heard - begun, heard.saturating_duration_since(ok)];
            found.iter_mut().zip(times).for_each(|(all, one)| all.push(one));
        }
    });
}
