//! Providers on one clock, joined by a network that holds back exactly what a test tells it to.

use std::time::Duration;

use sigillo_accounts::Profile;
use sigillo_base::{Address, Timestamp};
use sigillo_engine::{Dispatch, Rejected, Submitted};
use sigillo_mime::Header;
use sigillo_smtp::Reply;
use sigillo_smtp::client::{Failure, RecipientOutcome};
use sigillo_store::{MemoryStore, Store};

use crate::evidence::{self, Evidence};
use crate::fixtures::{self, NOW};
use crate::house::{House, Known, arrived};

/// What happens to a message on its way to another house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, and the answer comes back.
    Arrives,
    /// Nobody is reached; it will be tried again.
    Held,
    /// It arrives, but its answer is lost: it will be tried again.
    AnswerLost,
    /// Refused for good before any house of ours sees it.
    Refused,
}

type Network = Box<dyn FnMut(&Carried) -> Fate>;

/// A message between two houses.
#[derive(Debug)]
pub struct Carried {
    /// `posta-certificata`, `avvenuta-consegna` …
    pub kind: String,
    /// When.
    pub now: Timestamp,
    /// Domain it goes to.
    pub to: String,
}

/// A message in a mailbox, its signature proven.
#[derive(Debug)]
pub struct Letter {
    /// When it came.
    pub at: Timestamp,
    /// What it is.
    pub evidence: Evidence,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// The providers.
pub struct Street<S = MemoryStore> {
    /// Alfa, Beta and Gamma, where nothing else is said.
    pub houses: Vec<House<S>>,
    /// The one clock.
    pub now: Timestamp,
    known: Known,
    network: Network,
}

impl Street {
    /// Alfa, Beta and Gamma, each with anna, bruno and carla in its first domain.
    pub fn new(seed: u64) -> Self {
        Self::with(seed, Known::fixtures(), NOW)
    }

    /// The same with another directory or other trust, at another time.
    pub fn with(seed: u64, known: Known, now: Timestamp) -> Self {
        let mut houses = Vec::new();
        for (n, fixture) in (1u64..).zip(fixtures::providers()) {
            let domain = fixture.domains[0].clone();
            let house = House::new(fixture, seed ^ n << 32, &known, now);
            for user in ["anna", "bruno", "carla"] {
                house.add(&fixtures::address(&format!("{user}@{domain}")), Profile::Standard, now);
            }
            houses.push(house);
        }
        Self::of(houses, known, now)
    }
}

impl<S: Store + Clone> Street<S> {
    /// These houses.
    pub fn of(houses: Vec<House<S>>, known: Known, now: Timestamp) -> Self {
        Self { houses, now, known, network: Box::new(|_| Fate::Arrives) }
    }

    /// Decides from now on what the network does with each message.
    pub fn network(&mut self, fate: impl FnMut(&Carried) -> Fate + 'static) {
        self.network = Box::new(fate);
    }

    /// The house of an address.
    pub fn house(&self, user: &Address) -> &House<S> {
        self.houses.iter().find(|h| h.serves(user.domain())).expect("somebody serves this domain")
    }

    /// Hands in a message with these recipients in To and RCPT TO.
    ///
    /// # Errors
    /// What the engine answers.
    pub fn submit(&self, from: &Address, to: &[Address], more: &str) -> Result<Submitted, Rejected> {
        self.submit_bytes(from, to, message(from, to, more).into_bytes())
    }

    /// Hands in these bytes.
    ///
    /// # Errors
    /// What the engine answers.
    pub fn submit_bytes(&self, from: &Address, to: &[Address], bytes: Vec<u8>) -> Result<Submitted, Rejected> {
        let house = self.house(from);
        house.engine().submit(&house.login(from), &arrived(Some(from), to, bytes, "client", true), self.now)
    }

    /// Everybody does what is due now, until nothing is.
    pub fn run(&mut self) {
        for _ in 0..1000 {
            let mut done = 0;
            for n in 0..self.houses.len() {
                let Some(engine) = self.houses[n].engine.clone() else { continue };
                done += engine.run_due(self.now).unwrap_or(0);
                for dispatch in engine.due(self.now, 8).unwrap_or_default() {
                    self.carry(n, &dispatch);
                    done += 1;
                }
            }
            if done == 0 {
                return;
            }
        }
        panic!("the street does not come to rest");
    }

    /// Time passes, and what falls due happens at its time.
    pub fn pass(&mut self, span: Duration) {
        let until = self.now.plus(span);
        while self.tick(until) {}
        self.run();
    }

    /// What is due happens; then the clock goes on to the next moment when something is, or to the end. Whether there
    /// was such a moment.
    pub fn tick(&mut self, until: Timestamp) -> bool {
        self.run();
        let engines = self.houses.iter().filter_map(|h| h.engine.as_ref());
        let next = engines.filter_map(|e| e.next_due().ok().flatten()).filter(|t| *t > self.now && *t <= until).min();
        self.now = next.unwrap_or(until);
        next.is_some()
    }

    fn carry(&mut self, from: usize, dispatch: &Dispatch) {
        let sender = self.houses[from].engine().clone();
        let bytes = match sender.read_all(&dispatch.message) {
            Ok(bytes) => bytes,
            // As the program does: a store that was made to fail is asked again later.
            Err(error) => return note(sender.defer(dispatch, &error.to_string(), self.now)),
        };
        let header = Header::parse(&bytes).expect("what we send has a header");
        let kind = header.text("X-Ricevuta").or_else(|| header.text("X-Trasporto")).unwrap_or_default();
        let carried = Carried { kind, now: self.now, to: dispatch.to.to_string() };
        let result = match (self.network)(&carried) {
            Fate::Held => Err(Failure::local(false, "nobody is reached")),
            Fate::Refused => Err(Failure::local(true, "550 5.1.1 utente sconosciuto")),
            fate => {
                let result = self.hand_over(dispatch, bytes, sender.host());
                let lost = Failure { maybe_delivered: true, ..Failure::local(false, "connection lost") };
                if fate == Fate::AnswerLost { result.and(Err(lost)) } else { result }
            }
        };
        let outcome = |r: &Address| RecipientOutcome { address: r.clone(), result: result.clone() };
        let outcomes: Vec<_> = dispatch.rcpts.iter().map(outcome).collect();
        note(sender.report(dispatch, &outcomes, self.now));
    }

    fn hand_over(&self, dispatch: &Dispatch, bytes: Vec<u8>, host: &str) -> Result<Reply, Failure> {
        let ok = Reply::new(250, (2, 0, 0), "ok");
        // The internet outside takes everything.
        let Some(house) = self.houses.iter().find(|h| h.serves(&dispatch.to)) else { return Ok(ok) };
        let Some(engine) = &house.engine else { return Err(Failure::local(false, "down")) };
        let mail = arrived(dispatch.from.as_ref(), &dispatch.rcpts, bytes, host, false);
        match engine.receive(&mail, self.now) {
            Ok(_) => Ok(ok),
            Err(rejected) => Err(Failure::from_reply(rejected.reply())),
        }
    }

    /// An INBOX; each message must verify.
    pub fn inbox(&self, user: &Address) -> Vec<Letter> {
        let messages = self.house(user).inbox(user).expect("the mailbox can be read");
        let letter = |(at, bytes): (Timestamp, Vec<u8>)| {
            let evidence =
                evidence::read(&bytes, &self.known.trust, self.now).unwrap_or_else(|e| panic!("{user}: {e}"));
            Letter { at, evidence, bytes }
        };
        messages.into_iter().map(letter).collect()
    }

    /// The kinds of what lies in an INBOX, in order.
    pub fn kinds(&self, user: &Address) -> Vec<String> {
        self.inbox(user).into_iter().map(|l| l.evidence.kind).collect()
    }
}

/// A store that was made to fail leaves the item due; the test sees to the rest.
fn note(report: Result<(), sigillo_engine::Error>) {
    if let Err(error) = report {
        println!("report: {error}");
    }
}

/// A plain message; `more` are header fields, each with its CRLF.
pub fn message(from: &Address, to: &[Address], more: &str) -> String {
    let list = to.iter().map(Address::as_str).collect::<Vec<_>>().join(",\r\n ");
    format!(
        "From: <{from}>\r\nTo: {list}\r\nSubject: Convocazione\r\nMessage-ID: <uno@client.example>\r\n{more}\r\nTesto.\r\n"
    )
}
