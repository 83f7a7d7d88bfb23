//! A demonstration under siege: many clients submit while the program is killed (`kill -9`) and started again. The ledger
//! says what became of each message: what was answered 250 exists exactly once, what was not exists not at all or once.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::demo::{Demo, Place, START, run, wait_for};
use crate::fixtures::Numbers;
use crate::power;

const SUBMIT: &str = include_str!("demo/submit.py");
const CENSUS: &str = include_str!("demo/census.py");
/// Who is no mailbox: every message to him ends in a notice of non-delivery.
pub const NOBODY: &str = "nessuno@ente-beta.example";
/// What was put off is tried again after half a minute: so long may losses still be on their way.
const PATIENCE: Duration = Duration::from_secs(40);

/// Who submits what.
pub struct Load<'l> {
    /// Senders; each client is one of them, in turn.
    pub from: &'l [&'l str],
    /// Recipients; each message has one of them, in turn.
    pub to: &'l [&'l str],
    /// Messages at the most.
    pub count: usize,
    /// Clients at once.
    pub clients: usize,
    /// What a client waits between two messages, at the most.
    pub pause_s: f64,
    /// Nothing more is begun after so long.
    pub seconds: u64,
    /// How long the program lives before it is killed, in milliseconds since its doors are open.
    pub lives_ms: std::ops::Range<u64>,
    /// The same seed gives the same lives.
    pub seed: u64,
    /// Where the program is traced into (see [`power::traced`]): its power is cut, not only its life.
    pub trace: Option<PathBuf>,
}

/// A message whose content was sent.
#[derive(Debug, Clone, Deserialize)]
pub struct Submitted {
    /// Who sent it.
    pub from: String,
    /// To whom.
    pub to: String,
    /// What was answered; 0 when the connection was lost before.
    pub code: u16,
}

/// By Message-ID.
pub type Submissions = BTreeMap<String, Submitted>;

/// Runs the load to its end; gives what was submitted, and how often the program was killed.
///
/// # Panics
/// When the clients fail or come to no end.
pub fn lay(place: &Arc<Place>, load: &Load) -> (Submissions, usize) {
    // Makes keys and mailboxes, and the scripts' copy of demo.json.
    let door = place.again().info.alfa().submissions.clone();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_secs();
    let ask = json!({
        "from": load.from, "to": load.to, "count": load.count, "threads": load.clients, "pause": load.pause_s,
        "until": now + load.seconds, "seed": load.seed, "lines": 4000,
    });
    let script = format!("{}\n{SUBMIT}", include_str!("demo/house.py"));
    let (ask_file, out, err) = (place.path("ask.json"), place.path("submitted.json"), place.path("submit.err"));
    std::fs::write(&ask_file, ask.to_string()).expect("a file");
    let limit = load.seconds + 90;
    let mut clients = Command::new("timeout")
        .args([&limit.to_string(), "python3", "-c", &script, &place.path("demo.json").to_string_lossy()])
        .stdin(File::open(&ask_file).expect("a file"))
        .stdout(File::create(&out).expect("a file"))
        .stderr(Stdio::from(File::create(&err).expect("a file")))
        .spawn()
        .expect("python3 starts");
    let random = Numbers::new(load.seed);
    let mut kills = 0;
    let status = loop {
        if let Some(status) = clients.try_wait().expect("a child of ours") {
            break status;
        }
        let program = place.spawn();
        // A life begins when the doors open: on a slow machine nothing would be submitted otherwise. Every fourth one
        // begins before, for a kill may meet the start as well.
        if kills % 4 != 3 {
            await_door(&door);
        }
        thread::sleep(Duration::from_millis(
            load.lives_ms.start + random.below(load.lives_ms.end - load.lives_ms.start),
        ));
        drop(program); // kill -9
        kills += 1;
        if let Some(trace) = &load.trace {
            power::cut(trace, &place.data(), &mut |unsynced| random.below(unsynced + 1) * random.below(2));
        }
    };
    assert!(status.success(), "{status}: {}", std::fs::read_to_string(&err).unwrap_or_default());
    let text = std::fs::read_to_string(&out).expect("answers");
    (serde_json::from_str(&text).expect("JSON"), kills)
}

/// Waits until somebody answers there, but no longer than a start may take.
fn await_door(door: &str) {
    let begun = Instant::now();
    while TcpStream::connect(door).is_err() && begun.elapsed() < START {
        thread::sleep(Duration::from_millis(20));
    }
}

/// How often each (mailbox, kind, Message-ID) is there. All service mailboxes together are `SERVICE`.
pub type Census = BTreeMap<(String, String, String), usize>;

/// The name of the service mailboxes in a census.
pub const SERVICE: &str = "service";

/// Counts every message of every mailbox.
///
/// # Panics
/// When a mailbox cannot be read.
#[track_caller]
pub fn census(demo: &Demo) -> Census {
    let of = |address: &str| demo.info.providers.iter().any(|p| p.service_mailbox.address == address);
    let boxes = demo.info.providers.iter().flat_map(|p| p.mailboxes.iter().chain([&p.service_mailbox]));
    let boxes: Vec<&String> = boxes.map(|m| &m.address).collect();
    let said = demo.python(CENSUS, &boxes, 600);
    let said: BTreeMap<String, Vec<(String, String)>> = serde_json::from_value(said).expect("messages");
    let mut census = Census::new();
    for (address, messages) in said {
        let name = if of(&address) { SERVICE } else { &address };
        for (kind, id) in messages {
            *census.entry((name.to_owned(), kind, id)).or_default() += 1;
        }
    }
    census
}

/// Waits until nothing is under way any more, or nothing changes.
///
/// # Panics
/// When the queues are not empty in the time.
#[track_caller]
pub fn settle(demo: &Demo, submitted: &Submissions, limit: Duration) -> Ledger {
    let begun = Instant::now();
    let mut last = Census::new();
    let mut quiet = Instant::now();
    loop {
        wait_for("empty queues", limit.saturating_sub(begun.elapsed()), || {
            thread::sleep(Duration::from_millis(500));
            queues_are_empty(demo).then_some(())
        });
        let now = census(demo);
        let ledger = judge(&now, submitted);
        let patience = if ledger.holds() { Duration::from_secs(2) } else { PATIENCE };
        if now != last {
            (last, quiet) = (now, Instant::now());
        } else if quiet.elapsed() > patience || begun.elapsed() > limit {
            return ledger;
        }
        thread::sleep(Duration::from_secs(2));
    }
}

fn queues_are_empty(demo: &Demo) -> bool {
    demo.info.providers.iter().all(|provider| {
        let socket = provider.admin_socket.to_string_lossy();
        let args = ["queue", "list", "--json", "--socket", &socket];
        let ran = run(crate::demo::binary(), &args, b"", 20).fine("sigillo queue list");
        let queue: Value = serde_json::from_str(&ran.out).expect("JSON");
        let items = queue.as_array().or_else(|| queue.as_object()?.values().find_map(Value::as_array));
        items.unwrap_or_else(|| panic!("no list in {queue}")).is_empty()
    })
}

/// What became of everything.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// Messages answered 250.
    pub accepted: usize,
    /// Messages that were there although their answer was not heard.
    pub unheard: usize,
    /// Delivered, with everything that belongs to it.
    pub delivered: usize,
    /// Ended in a notice of non-delivery.
    pub failed: usize,
    /// What is not there, or not all of it.
    pub lost: Vec<String>,
    /// What is there twice.
    pub doubled: Vec<String>,
    /// What nobody sent, or is of a kind that nobody expects.
    pub strangers: Vec<String>,
}

impl Ledger {
    /// Whether nothing is lost, doubled or strange.
    pub fn holds(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.strangers.is_empty()
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [("lost", &self.lost), ("doubled", &self.doubled), ("strange", &self.strangers)];
        for (name, list) in lists {
            list.iter().try_for_each(|what| writeln!(f, "{name}: {what}"))?;
        }
        for (name, n) in [
            ("accepted", self.accepted),
            ("answer unheard", self.unheard),
            ("delivered", self.delivered),
            ("failed", self.failed),
        ] {
            writeln!(f, "{name:<16} {n:>8}")?;
        }
        lists.iter().try_for_each(|(name, list)| writeln!(f, "{name:<16} {:>8}", list.len()))
    }
}

/// Compares what is there with what was submitted.
pub fn judge(census: &Census, submitted: &Submissions) -> Ledger {
    let mut ledger = Ledger::default();
    let mut expected = 0;
    for (id, s) in submitted {
        let (from, to) = (&*s.from, &*s.to);
        let places = [
            (from, "accettazione"),
            (SERVICE, "presa-in-carico"),
            (to, "posta-certificata"),
            (from, "avvenuta-consegna"),
            (from, "errore-consegna"),
        ];
        let counts = places.map(|(who, kind)| census.get(&(who.into(), kind.into(), id.clone())).copied().unwrap_or(0));
        expected += counts.iter().sum::<usize>();
        let whole = if to == NOBODY { [1, 1, 0, 0, 1] } else { [1, 1, 1, 1, 0] };
        let what = format!(
            "{id} from {from} to {to} answered {}: accepted, taken, envelope, delivered, failed = {counts:?}",
            s.code
        );
        ledger.accepted += usize::from(s.code == 250);
        if counts == whole {
            ledger.unheard += usize::from(s.code != 250);
            *(if to == NOBODY { &mut ledger.failed } else { &mut ledger.delivered }) += 1;
        } else if counts.iter().any(|c| *c > 1) {
            ledger.doubled.push(what);
        } else if s.code == 250 || counts != [0; 5] {
            ledger.lost.push(what);
        }
    }
    let found: usize = census.values().sum();
    if found != expected {
        let known = ["accettazione", "presa-in-carico", "posta-certificata", "avvenuta-consegna", "errore-consegna"];
        let odd = census.iter().filter(|((_, kind, id), _)| !submitted.contains_key(id) || !known.contains(&&**kind));
        ledger.strangers = odd.map(|(key, n)| format!("{key:?} {n} times")).collect();
        ledger.strangers.push(format!("{found} messages, {expected} expected"));
    }
    ledger
}

#[cfg(test)]
mod tests;
