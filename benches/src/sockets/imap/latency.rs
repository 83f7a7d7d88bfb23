//! How long who listens (IDLE) waits to hear of a message that comes.

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::delivery::Delivery;
use super::side::Side;
use super::{messages_of, sides};
use crate::Arguments;
use crate::material::SIZES;
use crate::measure::percentile;
use crate::sockets::demo;
use crate::table::{Table, digits};

const MESSAGES: usize = 100;
const PAUSE: Duration = Duration::from_millis(20);
const COLUMNS: [&str; 8] = [
    "server",
    "how it comes",
    "messages",
    "until its OK, p50 ms",
    "from its begin to EXISTS, p50 ms",
    "p99 ms",
    "from its OK to EXISTS, p50 ms",
    "p99 ms",
];

/// How messages come, and what brings one.
type Way<'w> = (&'static str, &'w mut dyn FnMut(&[u8]));

/// One listener, one writer.
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let (program, build) = if arguments.wants("imap/idle") { demo::program()? } else { return None };
    let note = format!(
        "One connection listens in INBOX over TLS, while {} comes there, one message at a time: by APPEND over another connection; by a certified submission of another person, whose OK \
         stands before the envelope is signed and delivered (ours); by LMTP, whose OK stands after it (Dovecot). What is heard before the OK counts as nothing after it. {build} build; \
         Dovecot learns of changes from the kernel (inotify), and waits half a second for more of them.",
        SIZES[0].name
    );
    let mut table = Table::new("IDLE: from a delivery to its EXISTS", &COLUMNS, &note);
    let messages = if arguments.quick { 3 } else { MESSAGES };
    let numbers: Vec<usize> = (1..=messages).collect();
    for side in sides(&program, folder, 2) {
        let (mut writer, mut delivery) = (side.open(0), Delivery::open(&side));
        let letters =
            [messages_of(&numbers, SIZES[0]), numbers.iter().map(|n| delivery.letter(*n, SIZES[0])).collect()];
        let mut append = |letter: &[u8]| writer.append("INBOX", &[letter.to_owned()]);
        let mut deliver = |letter: &[u8]| delivery.send(letter);
        let (server, by) = if side.is_ours() { ("ours", "submission") } else { ("Dovecot", "LMTP") };
        let ways: [Way<'_>; 2] = [("APPEND", &mut append), (by, &mut deliver)];
        for ((way, send), letters) in ways.into_iter().zip(&letters) {
            let mut found = listen(&side, letters, send);
            found.iter_mut().for_each(|times| times.sort_unstable());
            let [ok, begin, after] = &found;
            let mut cells = vec![server.into(), way.into(), messages.to_string()];
            let wanted = [(ok, 0.5), (begin, 0.5), (begin, 0.99), (after, 0.5), (after, 0.99)];
            cells.extend(wanted.map(|(times, part)| digits(percentile(times, part))));
            table.row(cells);
        }
    }
    table.filled()
}

/// Times until the OK, from the begin to EXISTS, from the OK to EXISTS.
fn listen(side: &Side, letters: &[Vec<u8>], send: &mut dyn FnMut(&[u8])) -> [Vec<Duration>; 3] {
    let mut listener = side.open(0);
    listener.ask("SELECT INBOX");
    listener.idle();
    let mut found = [const { Vec::new() }; 3];
    let (tell, heard) = channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for _ in letters {
                listener.told_of_more();
                tell.send(Instant::now()).expect("somebody waits");
            }
            listener.done();
        });
        for letter in letters {
            std::thread::sleep(PAUSE);
            let begun = Instant::now();
            send(letter);
            let ok = Instant::now();
            let heard = heard.recv().expect("it is told");
            let times = [ok - begun, heard - begun, heard.saturating_duration_since(ok)];
            found.iter_mut().zip(times).for_each(|(all, one)| all.push(one));
        }
    });
    found
}
