//! Certified messages through the built program: `sigillo demo`, real SMTP and IMAP over TLS, two providers in one
//! process. Runs only where the program is: `$SIGILLO_BIN`, or beside this bench, or in the folder of debug builds.

mod client;
mod demo;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::Arguments;
use crate::machine::{cores, flushes, flushes_since, ticks_of};
use crate::material::{ALFA_KEY, SIZES, Size, attachment, message};
use crate::measure::{Figures, process_time, together};
use crate::signing::Openssl;
use crate::table::{Table, digits};
use demo::{Demo, Mailbox};

/// Mailboxes that send, each on a connection of its own, and as many that receive.
const BOXES: usize = 16;
const RUNS: usize = 5;
/// What one run should take, in seconds.
const SECONDS: f64 = 4.0;
/// A run that is not over by then never will be.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a reader looks whether its receipts are there.
const LOOK: Duration = Duration::from_millis(100);
/// Signatures in one certified message.
const SIGNATURES: f64 = 4.0;
/// Clock ticks of `/proc` in a second, on every Linux.
const TICK_MS: f64 = 10.0;

const COLUMNS: [&str; 9] = [
    "size",
    "messages/s",
    "lowest–highest",
    "CPU ms a message",
    "clients' CPU ms",
    "flushes a message",
    "of it signatures, ms",
    "ratio",
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
    messages: usize,
}

/// Both sizes.
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let sizes: Vec<Size> =
        SIZES.into_iter().filter(|size| arguments.wants(&format!("sockets/{}", size.name))).collect();
    if sizes.is_empty() {
        return None;
    }
    let Some((program, build)) = demo::program() else {
        eprintln!("  sockets: no built program (cargo build --release --bin sigillo), nothing measured");
        return None;
    };
    let note = format!(
        "Wall time from the first MAIL FROM to the last delivery receipt seen over IMAP (looked for every {} ms), {BOXES} \
         connections, each a mailbox (massive-extra-large, limits on) with one message at a time; `sigillo demo`, {build} \
         build. CPU: the program's; the clients run on the same cores. Flushes, baseline and ratio as above.",
        LOOK.as_millis()
    );
    let mut table = Table::new("Certified messages over SMTP and TLS, two providers in one process", &COLUMNS, &note);
    for size in sizes {
        let found = one(arguments, folder, &program, size);
        table.row(vec![
            size.name.into(),
            digits(found.rate.median()),
            found.rate.spread(),
            digits(found.cpu.median()),
            digits(found.clients.median()),
            digits(found.flushes.median()),
            digits(found.signatures.median()),
            digits(found.signatures.over(&found.cpu).median()),
            format!("{} × {}", found.rate.runs(), found.messages),
        ]);
    }
    table.filled()
}

fn one(arguments: &Arguments, folder: &Path, program: &Path, size: Size) -> Found {
    let demo = Demo::start(program, folder, BOXES);
    let mut street = Street::open(&demo, size);
    let openssl = Openssl::new(ALFA_KEY);
    let mut found = Found { messages: BOXES, ..Found::default() };
    if !arguments.quick {
        let warm = street.run(BOXES * 5);
        let wanted = (warm * SECONDS / BOXES as f64) as usize * BOXES;
        found.messages = wanted.clamp(BOXES * 4, BOXES * 500);
    }
    for _ in 0..arguments.runs(RUNS) {
        let before = (ticks_of(demo.pid()), process_time(), flushes());
        let rate = street.run(found.messages);
        eprintln!("  {} messages of {}: {} a second", found.messages, size.name, digits(rate));
        let each = found.messages as f64;
        found.cpu.push((ticks_of(demo.pid()) - before.0) as f64 * TICK_MS / each);
        found.clients.push((process_time() - before.1).as_secs_f64() * 1e3 / each);
        found.flushes.push(flushes_since(before.2) / each);
        let window = if arguments.quick { Duration::from_millis(10) } else { Duration::from_millis(400) };
        let signatures = together(cores(), window, |_| || drop(openssl.sign(&[7; 180])));
        found.rate.push(rate);
        found.signatures.push(signatures.cpu_us * SIGNATURES / 1e3);
    }
    found
}

/// The users, logged in.
struct Street {
    users: Vec<User>,
    size: Size,
    attachment: String,
}

struct User {
    mailbox: Mailbox,
    recipient: Mailbox,
    sender: client::Sender,
    reader: client::Reader,
    sent: usize,
}

impl Street {
    fn open(demo: &Demo, size: Size) -> Self {
        let (alfa, beta) = (demo.massive(0), demo.massive(1));
        let tls = client::connector(&demo.ca_file());
        let user = |(mailbox, recipient): (Mailbox, Mailbox)| User {
            sender: client::Sender::open(&tls, &demo.address("submissions"), &mailbox),
            reader: client::Reader::open(&tls, &demo.address("imaps"), &mailbox),
            mailbox,
            recipient,
            sent: 0,
        };
        let users = alfa.into_iter().zip(beta).take(BOXES).map(user).collect();
        Self { users, size, attachment: attachment(size.bytes, 5) }
    }

    /// Everybody sends his part of `count`, then waits for acceptances and delivery receipts. Messages a second.
    fn run(&mut self, count: usize) -> f64 {
        let part = count / self.users.len();
        let (size, attachment) = (self.size, &self.attachment);
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for user in &mut self.users {
                scope.spawn(move || user.send_and_wait(part, size, attachment));
            }
        });
        count as f64 / begun.elapsed().as_secs_f64()
    }
}

impl User {
    fn send_and_wait(&mut self, count: usize, size: Size, attachment: &str) {
        let (from, to) = (&self.mailbox.address, &self.recipient.address);
        for n in self.sent..self.sent + count {
            let bytes = message(from, to, &format!("n{n}.{from}"), size, attachment);
            self.sender.send(from, to, &bytes);
        }
        self.sent += count;
        let begun = Instant::now();
        while self.reader.messages() < 2 * self.sent {
            assert!(begun.elapsed() < PATIENCE, "{from}: receipts are missing");
            std::thread::sleep(LOOK);
        }
        assert_eq!(self.reader.messages(), 2 * self.sent, "{from}: an acceptance and a receipt each, no more");
    }
}
