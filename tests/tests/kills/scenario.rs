//! What two providers do in five days, step by step, so that it can be taken up again after a kill; and what every
//! mailbox holds at the end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sigillo_accounts::Profile;
use sigillo_base::Timestamp;
use sigillo_engine::{Peer, front};
use sigillo_pec::log::Checker;
use sigillo_store_rocks::{Memory, Options, RocksStore};
use sigillo_tests::fixtures::{self, NOW, address};
use sigillo_tests::house::{House, Known, Knows, arrived};
use sigillo_tests::street::{Fate, Street};
use sigillo_tests::wire::{Wire, engine_with_password};
use sigillo_tests::{log, whole};

use super::mortal::{Countdown, Mortal};

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const CARLA: &str = "carla@comune-alfa.example";
const NOBODY: &str = "nessuno@ente-beta.example";
const SERVICE: &str = "posta-certificata@pec.alfa.example";
const PASSWORD: &str = "una frase lunga";

enum Step {
    /// Anna sends a message of this name: to whom, and what stands in it so often.
    Send(&'static str, &'static [&'static str], &'static str, usize),
    /// Work goes on until so many minutes after the beginning.
    Until(u64),
    /// The same while Beta does nothing.
    Without(u64),
    /// Carla deletes what is in her INBOX; at the end once more what a fault had delayed.
    Expunge,
    /// The log gets its order, and segments for the days that are over; what nobody keeps any more goes.
    Seal,
}

/// A small message of three outcomes, one so large that its body goes ahead, malware, and one whose receipts come late.
const STEPS: [Step; 15] = [
    Step::Send("uno", &[BRUNO, NOBODY, CARLA], "riga\r\n", 50),
    Step::Until(10),
    Step::Expunge,
    Step::Send("grande", &[BRUNO], "riga di testo\r\n", 40_000),
    Step::Until(20),
    Step::Send("verme", &[BRUNO], "VERME\r\n", 1),
    Step::Until(HOLD_MIN),
    Step::Seal,
    Step::Send("muta", &[BRUNO], "riga\r\n", 1),
    Step::Until(FREE_MIN),
    Step::Without(27 * 60),
    Step::Seal,
    Step::Until(5 * 24 * 60),
    Step::Expunge,
    Step::Seal,
];

/// In these minutes no receipt comes through; Beta then sleeps over both of Alfa's deadlines. Long enough for a message to get
/// there in spite of several deaths on its way, each of which counts as an attempt and puts the next one off.
const HOLD_MIN: u64 = 60;
const FREE_MIN: u64 = 240;

/// Every message at the end: whose mailbox, its kind, of which message, how many.
const MODEL: [(&str, &str, &str, usize); 15] = [
    (ANNA, "accettazione", "uno", 1),
    (ANNA, "avvenuta-consegna", "uno", 2),
    (ANNA, "errore-consegna", "uno", 1),
    (BRUNO, "posta-certificata", "uno", 1),
    (SERVICE, "presa-in-carico", "uno", 2),
    (ANNA, "accettazione", "grande", 1),
    (ANNA, "avvenuta-consegna", "grande", 1),
    (BRUNO, "posta-certificata", "grande", 1),
    (SERVICE, "presa-in-carico", "grande", 1),
    (ANNA, "non-accettazione", "verme", 1),
    (ANNA, "accettazione", "muta", 1),
    (ANNA, "preavviso-errore-consegna", "muta", 2),
    (ANNA, "avvenuta-consegna", "muta", 1),
    (BRUNO, "posta-certificata", "muta", 1),
    (SERVICE, "presa-in-carico", "muta", 1),
];

/// Where the scenario is to go on.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub step: usize,
    pub now: Timestamp,
}

impl Moment {
    pub const BEGIN: Self = Self { step: 0, now: NOW };

    /// After the process died here. Who sends does not send again: he knows as little as we.
    pub fn after_death(self) -> Self {
        let sends = matches!(STEPS.get(self.step), Some(Step::Send(..)));
        Self { step: self.step + usize::from(sends), ..self }
    }
}

pub type Providers = Street<Arc<Mortal>>;

/// Both providers on their stores below `folder`. Numbers of an earlier life are not drawn again.
pub fn open(folder: &Path, life: u64, now: Timestamp, countdown: &Arc<Countdown>) -> Providers {
    let known = Known::fixtures();
    let options = Options { memory: Memory::new(16 << 20), ..Options::default() };
    let mut houses = Vec::new();
    for (n, (name, fixture)) in (1u64..).zip([("alfa", fixtures::alfa()), ("beta", fixtures::beta())]) {
        let store = RocksStore::open(folder.join(name), &options).expect("the store opens");
        let mut house = House::on(Mortal::new(store, name, countdown), fixture, n << 32 | life << 40, &known);
        if name == "alfa" {
            house.scan_with(Knows(&["VERME"]));
        }
        houses.push(house);
    }
    let mut street = Street::of(houses, known, now);
    let held = NOW.plus(minutes(HOLD_MIN))..NOW.plus(minutes(FREE_MIN));
    street.network(move |carried| {
        let receipt = ["presa-in-carico", "avvenuta-consegna"].contains(&carried.kind.as_str());
        if receipt && held.contains(&carried.now) { Fate::Held } else { Fate::Arrives }
    });
    street
}

/// The mailboxes.
pub fn prepare(street: &Providers) {
    for (user, profile) in [(SERVICE, Profile::Service), (ANNA, Profile::Standard), (CARLA, Profile::Standard)] {
        street.houses[0].add(&address(user), profile, NOW);
    }
    let service = street.houses[1].fixture.provider.service_address.clone();
    street.houses[1].add(&service, Profile::Service, NOW);
    street.houses[1].add(&address(BRUNO), Profile::Standard, NOW);
    engine_with_password(&street.houses[0], &address(CARLA), PASSWORD);
}

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// Goes on from here to the end. Says where it is before each step and at each move of the clock, and which messages
/// were answered with "250".
pub fn go_on(street: &mut Providers, from: Moment, say: &mut dyn FnMut(&str)) {
    for (number, step) in STEPS.iter().enumerate().skip(from.step) {
        say(&format!("at {number} {}", street.now.as_millis()));
        match step {
            Step::Send(name, to, line, lines) => {
                if send(street, name, to, &line.repeat(*lines)) {
                    say(&format!("answered {name}"));
                }
            }
            Step::Until(n) | Step::Without(n) => {
                let beta = street.houses[1].engine.clone();
                street.houses[1].engine = beta.clone().filter(|_| matches!(step, Step::Until(_)));
                while street.tick(NOW.plus(minutes(*n))) {
                    say(&format!("at {number} {}", street.now.as_millis()));
                }
                street.run();
                street.houses[1].engine = beta;
            }
            Step::Expunge => expunge(street),
            Step::Seal => {
                for house in &street.houses {
                    // What fails is done the next time.
                    let kept = house
                        .engine()
                        .close_segments(street.now)
                        .and_then(|_| house.engine().sweep_messages(None, 100));
                    if let Err(error) = kept {
                        say(&format!("the house waits: {error}"));
                    }
                }
            }
        }
    }
    say("done");
}

/// Nobody sends any more, and what is still to be done comes to its end.
pub fn rest(street: &mut Providers) {
    let until = street.now.plus(minutes(20));
    street.run();
    while street.tick(until) {}
    street.run();
}

fn send(street: &Providers, name: &str, to: &[&str], body: &str) -> bool {
    let anna = address(ANNA);
    let list = to.join(",\r\n ");
    let head = format!("From: <{anna}>\r\nTo: {list}\r\nSubject: {name}\r\nMessage-ID: <{name}@client.example>\r\n");
    let to: Vec<_> = to.iter().map(|t| address(t)).collect();
    let mail = arrived(Some(&anna), &to, format!("{head}\r\n{body}").into_bytes(), "client", true);
    let house = &street.houses[0];
    house.engine().submit(&house.login(&anna), &mail, street.now).is_ok()
}

fn expunge(street: &Providers) {
    let engine = Arc::clone(street.houses[0].engine());
    let mut wire = Wire::new(front::imap(engine, Peer::LOCAL, true, Default::default()), street.now);
    wire.hear();
    let said = wire.say(format!("a LOGIN {CARLA} \"{PASSWORD}\"\r\nb SELECT INBOX\r\n"));
    assert!(said.contains("b OK"), "{said}");
    if !said.contains("* 0 EXISTS") {
        wire.say("c STORE 1:* +FLAGS.SILENT (\\Deleted)\r\nd EXPUNGE\r\n");
    }
}

/// How often each (mailbox, kind, message) is there.
pub type Census = BTreeMap<(String, String, String), usize>;

/// Everything in every mailbox; each message must verify.
pub fn census(street: &Providers) -> Census {
    let mut census = Census::new();
    for user in [ANNA, BRUNO, CARLA, SERVICE] {
        for letter in street.inbox(&address(user)) {
            let facts = letter.evidence.certification.expect("certification data").facts;
            let name = facts.msgid.unwrap_or_default();
            let name = name.trim_matches(['<', '>']).trim_end_matches("@client.example").to_owned();
            *census.entry((user.to_owned(), letter.evidence.kind, name)).or_default() += 1;
        }
    }
    census
}

/// Right after the start: the rows belong together, and what was answered is there.
pub fn check_begin(street: &Providers, answered: &[String]) -> Result<(), String> {
    sound(street)?;
    let census = census(street);
    for name in answered {
        let kinds = ["accettazione", "non-accettazione"].map(|kind| (ANNA.to_owned(), kind.to_owned(), name.clone()));
        let told: usize = kinds.iter().filter_map(|key| census.get(key)).sum();
        if told != 1 {
            return Err(format!("{name} was answered, and Anna has {told} messages about it"));
        }
    }
    Ok(())
}

fn sound(street: &Providers) -> Result<(), String> {
    for house in &street.houses {
        let errors = whole::errors(&house.store)?;
        if !errors.is_empty() {
            return Err(format!("{}: {errors:#?}", house.fixture.provider.name));
        }
    }
    Ok(())
}

/// After the end: what was answered stands as in the model, what was not either so or not at all; nothing waits, the
/// rows belong together, each log is whole and agrees with itself.
pub fn check_end(street: &Providers, answered: &[String]) -> Result<(), String> {
    sound(street)?;
    for house in &street.houses {
        let (engine, name) = (house.engine(), &house.fixture.provider.name);
        if let Some(due) = engine.next_due().map_err(|e| e.to_string())? {
            return Err(format!("{name}: something is still due at {due}"));
        }
        let proof = log::prove(engine, street.now)?;
        let mut checker = Checker::new(None, Some(street.now));
        log::entries(engine, street.now)?.iter().for_each(|entry| checker.entry(entry));
        let report = checker.finish();
        if proof.found > 0 || !report.findings.is_empty() || report.open + report.cut > 0 {
            return Err(format!("{name}: the log: {:#?} {report:#?}", proof.findings));
        }
    }
    let found = census(street);
    let there = |name: &str| answered.iter().any(|a| a == name) || found.keys().any(|(_, _, of)| of == name);
    let expected = MODEL.iter().filter(|(_, _, name, _)| there(name));
    let expected = expected.map(|(who, kind, name, n)| (((*who).into(), (*kind).into(), (*name).into()), *n));
    let expected: Census = expected.collect();
    if found != expected {
        return Err(format!("answered: {answered:?}\nfound: {found:#?}\nexpected: {expected:#?}"));
    }
    Ok(())
}
