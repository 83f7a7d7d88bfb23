//! Connections that only listen: how many there can be, and what each holds in memory.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

use super::side::{Kept, Side};
use super::sides;
use crate::Arguments;
use crate::machine::{cores, files_of};
use crate::sockets::demo;
use crate::sockets::reader::{Keys, Reader};
use crate::table::{Table, digits};

const CONNECTIONS: usize = 10_000;
/// Of Dovecot, which has a process of its own for each until it falls asleep.
const OF_DOVECOT: usize = 1_000;
const PEOPLE: usize = 50;
/// What is left of a limit of open files for connections: a server has others beside them.
const PART: f64 = 0.8;
/// Until all is quiet; Dovecot puts listeners together after five seconds.
const QUIET: Duration = Duration::from_secs(12);
const COLUMNS: [&str; 7] =
    ["server", "asked for", "reached", "memory before, MiB", "with all, MiB", "KiB each", "a command beside them, ms"];

/// Both, one after the other.
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let (program, build) = if arguments.wants("imap/crowd") { demo::program()? } else { return None };
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("as far as allowed");
    let note = format!(
        "So many connections over TLS, of {PEOPLE} mailboxes, each logged in by SCRAM, in INBOX and listening (IDLE); server and clients are two processes, \
         {cores} clients log in at once. Reached: as many as were asked for, or as the limits of open files of both leave room for. Memory: of all processes of the server, \
         by what each has for itself and its part of what is shared (PSS), {} s after the last came. The goal is 40 KiB. Dovecot puts listeners together after five \
         seconds (imap-hibernate); its processes of logins carry the TLS. {build} build.",
        QUIET.as_secs(),
        cores = cores() * 2,
    );
    let mut table = Table::new("IMAP connections that listen", &COLUMNS, &note);
    for side in sides(&program, folder, PEOPLE) {
        let most = if side.is_ours() { CONNECTIONS } else { OF_DOVECOT };
        row(&mut table, &side, if arguments.quick { 20 } else { most });
    }
    table.filled()
}

fn row(table: &mut Table, side: &Side, wanted: usize) {
    let room = |files: usize| (files as f64 * PART) as usize;
    let reached = wanted.min(room(files_of(std::process::id()))).min(room(side.files()));
    // Everybody was there once: what a mailbox takes is no connection's.
    let known = Mutex::new(None);
    (0..PEOPLE.min(reached)).for_each(|n| drop(open(side, n, &known)));
    std::thread::sleep(if wanted < CONNECTIONS / 100 { Duration::from_secs(1) } else { QUIET });
    let before = side.memory();
    let all = Mutex::new(Vec::with_capacity(reached));
    let clients = cores() * 2;
    std::thread::scope(|scope| {
        for client in 0..clients {
            let (all, known) = (&all, &known);
            scope.spawn(move || {
                for n in (client..reached).step_by(clients) {
                    let reader = open(side, n, known);
                    all.lock().expect("nobody panicked").push(reader);
                }
            });
        }
    });
    let all = all.into_inner().expect("nobody panicked");
    std::thread::sleep(if wanted < CONNECTIONS / 100 { Duration::from_secs(1) } else { QUIET });
    let with_all = side.memory();
    let mut beside = side.open(0);
    let begun = std::time::Instant::now();
    beside.ask("STATUS INBOX (MESSAGES)");
    let took = begun.elapsed().as_secs_f64() * 1e3;
    let mib = |octets: u64| octets as f64 / f64::from(1 << 20);
    table.row(vec![
        if side.is_ours() { "ours" } else { "Dovecot" }.into(),
        wanted.to_string(),
        all.len().to_string(),
        digits(mib(before)),
        digits(mib(with_all)),
        digits((with_all as f64 - before as f64) / 1024.0 / all.len() as f64),
        digits(took),
    ]);
}

/// Logged in, in INBOX, listening.
fn open(side: &Side, n: usize, known: &Mutex<Option<Keys>>) -> Reader {
    let mut reader = side.greeted(1 << 10);
    let keys = known.lock().expect("nobody panicked").clone();
    let keys = reader.scram(&side.mailbox(n, Kept::Scram), keys);
    *known.lock().expect("nobody panicked") = Some(keys);
    reader.ask("SELECT INBOX");
    reader.idle();
    reader
}
