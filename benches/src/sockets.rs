//! Certified messages through the built program: `sigillo demo`, real SMTP and IMAP over TLS, two providers in one
//! process. Runs only where the program is: `$SIGILLO_BIN`, or beside this bench, or in the folder of debug builds.

mod client;
mod crowd;
mod demo;
mod dovecot;
mod imap;
mod massive;
mod paced;
mod parts;
mod plain;
mod reader;
mod scanned;
mod street;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Arguments;
use crate::machine::{flushes, flushes_since, halt_below, ticks_of};
use crate::material::{SIZES, Size};
use crate::measure::{Figures, process_time};
use crate::table::{Table, digits};
use demo::Demo;
use parts::Parts;
use plain::Plain;
use street::{LOOK, Street};

pub use crowd::run as crowd;
pub use imap::{crowd as imap_crowd, latency as imap_latency, run as imap};
pub use massive::run as massive;
pub use paced::run as paced;
pub use scanned::run as scanned;

/// Mailboxes that send, each on a connection of its own, and as many that receive.
const BOXES: usize = 16;
const RUNS: usize = 5;
/// What one run should take, in seconds.
const SECONDS: f64 = 4.0;
/// Clock ticks of `/proc` in a second, on every Linux.
const TICK_MS: f64 = 10.0;
/// The profile whose limits no run meets.
const MASSIVE: &str = "massive-extra-large";

const COLUMNS: [&str; 14] = [
    "size",
    "messages/s",
    "lowest–highest",
    "plain mail/s",
    "ratio to it",
    "CPU ms a message",
    "of it signatures, ms",
    "its parts alone, ms",
    "ratio",
    "plain, CPU ms",
    "clients' CPU ms",
    "flushes a message",
    "peak memory, MB",
    "runs",
];

/// Figures over the runs.
#[derive(Default)]
struct Found {
    rate: Figures,
    cpu: Figures,
    clients: Figures,
    flushes: Figures,
    signatures: Figures,
    parts: Figures,
    plain: Figures,
    plain_cpu: Figures,
    peak_mb: f64,
    messages: usize,
}

/// Both sizes.
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let (program, build, sizes) = wanted(arguments, "sockets")?;
    let note = format!(
        "Wall time from the first MAIL FROM to the last delivery receipt seen over IMAP (looked for every {} ms), {BOXES} \
         connections, each a mailbox (massive-extra-large, limits on) with one message at a time; `sigillo demo`, {build} \
         build, without antivirus. Plain mail: the same messages from the same clients through two Postfix (the first with \
         TLS and login, TLS between them, both wait for the disk) into Dovecot (LMTP, sdbox), seen over IMAP in the \
         recipients' mailboxes; both take turns, run by run, while the other stands still, and the ratio is ours over it. CPU: the servers' processes; the \
         clients run on the same cores. Of it signatures: four by openssl on all cores, after each run. Its parts alone: these, three \
         judgements, four durable commits of such a body (16 committers) and four transactions over TLS (commands, answer, message, answer; \
         both sides), each by itself after each run; ratio: theirs over the message's CPU time; 1 would mean that what joins them costs nothing.",
        LOOK.as_millis()
    );
    let mut table = Table::new("Certified messages over SMTP and TLS, two providers in one process", &COLUMNS, &note);
    for size in sizes {
        let found = one(arguments, folder, &program, size);
        table.row(vec![
            size.name.into(),
            digits(found.rate.median()),
            found.rate.spread(),
            digits(found.plain.median()),
            digits(found.rate.over(&found.plain).median()),
            digits(found.cpu.median()),
            digits(found.signatures.median()),
            digits(found.parts.median()),
            digits(found.parts.over(&found.cpu).median()),
            digits(found.plain_cpu.median()),
            digits(found.clients.median()),
            digits(found.flushes.median()),
            digits(found.peak_mb),
            format!("{} × {}", found.rate.runs(), found.messages),
        ]);
    }
    table.filled()
}

/// The program, how it was built, and the sizes asked for; `None` when there is nothing to do.
fn wanted(arguments: &Arguments, group: &str) -> Option<(PathBuf, &'static str, Vec<Size>)> {
    let wanted = |size: &Size| arguments.wants(&format!("{group}/{}", size.name));
    let sizes: Vec<Size> = SIZES.into_iter().filter(wanted).collect();
    if sizes.is_empty() {
        return None;
    }
    let program = demo::program();
    if program.is_none() {
        eprintln!("  {group}: no built program (cargo build --release --bin sigillo), nothing measured");
    }
    program.map(|(program, build)| (program, build, sizes))
}

fn one(arguments: &Arguments, folder: &Path, program: &Path, size: Size) -> Found {
    let demo = Demo::start(program, folder, BOXES, 0, None);
    let plain = Plain::start(folder, BOXES);
    let mut street = Street::open(&demo.place(MASSIVE), BOXES, 1, size);
    let mut beside = plain.as_ref().map(|plain| (plain, Street::open(plain.place(), BOXES, 1, size)));
    let parts = Parts::new(folder, size);
    let mut found = Found { messages: BOXES, ..Found::default() };
    if !arguments.quick {
        found.messages = messages(street.run(BOXES * 5), SECONDS);
    }
    for _ in 0..arguments.runs(RUNS) {
        let halted = |halted| beside.iter().for_each(|(plain, _)| plain.halt(halted));
        halted(true);
        let before = (ticks_of(demo.pid()), process_time(), flushes());
        let rate = street.run(found.messages);
        halted(false);
        eprintln!("  {} messages of {}: {} a second", found.messages, size.name, digits(rate));
        let each = found.messages as f64;
        found.cpu.push((ticks_of(demo.pid()) - before.0) as f64 * TICK_MS / each);
        found.clients.push((process_time() - before.1).as_secs_f64() * 1e3 / each);
        found.flushes.push(flushes_since(before.2) / each);
        found.rate.push(rate);
        if let Some((plain, street)) = &mut beside {
            halt_below(demo.pid(), true);
            let before = plain.ticks();
            found.plain.push(street.run(found.messages));
            found.plain_cpu.push((plain.ticks() - before) as f64 * TICK_MS / each);
            halt_below(demo.pid(), false);
        }
        let window = if arguments.quick { Duration::from_millis(10) } else { Duration::from_millis(400) };
        let sum = parts.measure(window);
        found.signatures.push(sum.signatures);
        found.parts.push(sum.all);
    }
    found.peak_mb = demo.peak_mb();
    found
}

/// How many messages make so many seconds at this rate, the same number for each mailbox.
fn messages(rate: f64, seconds: f64) -> usize {
    let wanted = (rate * seconds / BOXES as f64) as usize * BOXES;
    wanted.clamp(BOXES * 4, BOXES * 500)
}
