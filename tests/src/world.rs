//! A simulated world: providers on one virtual clock and one seed, stores that fail and crash, a network that loses
//! answers and parts providers for hours, a forger. A ledger is checked at the end of every run, and its safety rules
//! on the way. The same seed gives the same run.

mod ledger;
mod node;

use std::sync::Arc;
use std::time::Duration;

use sigillo_base::{Address, Timestamp};
use sigillo_engine::{Dispatch, Rejected, Submitted};
use sigillo_smime::{Hasher, Trust};
use sigillo_smtp::Reply;
use sigillo_smtp::client::{Failure, RecipientOutcome};
use sigillo_store::memory::{Fault, Plan};

use crate::fixtures::{self, NOW, Numbers, address};
use crate::house::{Known, Knows, arrived};
pub use ledger::Report;
use node::Node;

/// What the antivirus of each provider knows: every sender can send a recipient something that only the other one finds.
const ANTIVIRUS: [Knows; 3] = [Knows(&["VERME-A"]), Knows(&["VERME-A", "VERME-B"]), Knows(&["VERME-B"])];

/// The world.
pub struct World {
    random: Arc<Numbers>,
    now: Timestamp,
    nodes: Vec<Node>,
    trust: Arc<Trust>,
    /// What happened, for the event hash.
    events: Hasher,
    /// Submissions that were answered "accepted".
    accepted: Vec<Accepted>,
    /// Message-IDs of forged receipts: they prove nothing.
    forged: Vec<String>,
    /// Ordinary mail that was answered with "250": recipient and subject.
    ordinary: Vec<(Address, String)>,
    /// What servers of ordinary mail took: message and recipient.
    taken_outside: Vec<(String, Address)>,
    log: Vec<String>,
    verbose: bool,
}

impl World {
    /// A world of three providers with three mailboxes each.
    pub fn new(seed: u64, verbose: bool) -> Self {
        let random = Numbers::new(seed);
        let known = Known::fixtures();
        let mut nodes = Vec::new();
        for (n, fixture) in fixtures::providers().into_iter().enumerate() {
            nodes.push(Node::new(fixture, seed ^ (n as u64 + 1) << 32, &known, ANTIVIRUS[n], NOW));
        }
        let (events, accepted, forged, log) = (Hasher::new(), Vec::new(), Vec::new(), Vec::new());
        let ordinary = Vec::new();
        let trust = known.trust;
        let taken_outside = Vec::new();
        Self { random, now: NOW, nodes, trust, events, accepted, forged, ordinary, taken_outside, log, verbose }
    }

    /// Runs `steps` random steps, heals everything, lets three days pass and checks the ledger.
    ///
    /// # Errors
    /// What the ledger found, with the last events.
    pub fn run(mut self, steps: usize) -> Result<Report, String> {
        for _ in 0..steps {
            self.step();
        }
        self.heal();
        let late = self.nodes.iter().map(|n| n.outage).max().unwrap_or_default();
        let found = ledger::check(&self, late);
        let hash = self.events.finish();
        found.map(|report| Report { hash, ..report }).map_err(|what| {
            let tail = self.log.iter().rev().take(60).rev().cloned().collect::<Vec<_>>().join("\n");
            format!("{what}\n--- last events\n{tail}")
        })
    }

    fn note(&mut self, text: String) {
        let line = format!("{} {text}", self.now);
        self.events.update(line.as_bytes());
        if self.verbose {
            println!("{line}");
        }
        self.log.push(line);
    }

    fn step(&mut self) {
        match self.random.below(21) {
            0..=6 => self.submit(),
            20 => self.write_from_outside(),
            7..=11 => self.pump(),
            12..=14 => self.advance(Duration::from_secs(1 + self.random.below(60))),
            15 | 16 => self.advance(Duration::from_secs(60 * (1 + self.random.below(400)))),
            17 => self.break_something(),
            18 => self.part(),
            _ => self.forge(),
        }
    }

    fn any(&self, n: usize) -> usize {
        usize::try_from(self.random.below(n as u64)).unwrap_or_default()
    }

    fn submit(&mut self) {
        let from = self.any(self.nodes.len());
        let sender = self.nodes[from].users[self.any(3)].clone();
        let mut to: Vec<Address> = Vec::new();
        for _ in 0..=self.random.below(3) {
            let rcpt = match self.random.below(12) {
                0 => address("nessuno@ente-beta.example"),
                1 => address("bruno@posta-ordinaria.example"),
                _ => {
                    let node = self.any(self.nodes.len());
                    self.nodes[node].users[self.any(3)].clone()
                }
            };
            if !to.contains(&rcpt) {
                to.push(rcpt);
            }
        }
        let bytes = self.original(&sender, &to);
        let mail = arrived(Some(&sender), &to, bytes, "client", true);
        let Some(engine) = &self.nodes[from].house.engine else { return };
        let answer = engine.submit(&self.nodes[from].login(&sender), &mail, self.now);
        match &answer {
            Ok(Submitted::Accepted(id)) => {
                let (home, id) = (from, id.as_str().to_owned());
                self.accepted.push(Accepted { home, sender: sender.clone(), id, to: to.clone() });
            }
            Ok(Submitted::NotAccepted(_)) | Err(_) => {}
        }
        let said = match &answer {
            Ok(done) => format!("{done:?}"),
            Err(Rejected::Refused(reply)) => format!("refused {reply}"),
            Err(Rejected::Fault(fault)) => format!("fault {fault}"),
        };
        self.note(format!("{sender} submits to {} recipients: {said}", mail.to.len()));
    }

    fn original(&self, sender: &Address, to: &[Address]) -> Vec<u8> {
        let list = to.iter().map(Address::as_str).collect::<Vec<_>>().join(",\r\n ");
        let n = self.random.next();
        // One in ten has a formal defect, a few have receipts of another kind.
        let from = if n.is_multiple_of(10) { "altro@studio.example" } else { sender.as_str() };
        let kind = ["", "X-TipoRicevuta: sintetica\r\n", "X-TipoRicevuta: breve\r\n"][(n / 16 % 3) as usize];
        let worm = ["VERME-A\r\n", "VERME-B\r\n", "", "", "", "", "", ""][(n >> 40) as usize % 8];
        let body = "riga\r\n".repeat((n / 64 % 300) as usize) + worm;
        format!("From: <{from}>\r\nTo: {list}\r\nSubject: prova {n:x}\r\nMessage-ID: <{n:x}@client.example>\r\n{kind}\r\n{body}")
            .into_bytes()
    }

    /// Lets every provider that is up do what is due, until nothing is.
    fn pump(&mut self) {
        for _ in 0..200 {
            let mut done = 0;
            for n in 0..self.nodes.len() {
                if self.nodes[n].house.store.is_down() {
                    self.crash(n);
                }
                let Some(engine) = &self.nodes[n].house.engine else { continue };
                done += engine.run_due(self.now).unwrap_or(0);
                let Some(engine) = &self.nodes[n].house.engine else { continue };
                for dispatch in engine.due(self.now, 8).unwrap_or_default() {
                    self.hand_over(n, &dispatch);
                    done += 1;
                }
            }
            if done == 0 {
                break;
            }
        }
        self.keep_house();
    }

    /// Every log gets its order, and its segments when a day is over; what nobody keeps any more goes.
    fn keep_house(&mut self) {
        for n in 0..self.nodes.len() {
            let Some(engine) = &self.nodes[n].house.engine else { continue };
            let kept = engine.close_segments(self.now).and_then(|_| engine.sweep_messages(None, 64));
            if let Err(error) = kept {
                self.note(format!("provider {n}: the house waits: {error}"));
            }
        }
    }

    /// The network between two providers. Sometimes who hands over is never heard of again, sometimes with the provider.
    fn hand_over(&mut self, from: usize, dispatch: &Dispatch) {
        match self.random.below(40) {
            _ if self.nodes[from].house.engine.is_none() => return,
            0 => return self.note(format!("{from} forgets that it was to hand over {}", dispatch.transaction)),
            1 => return self.crash(from),
            _ => {}
        }
        let to = self.nodes.iter().position(|n| n.house.serves(&dispatch.to));
        let parted = |n: usize| self.nodes[n].parted_until > self.now;
        let mut lost = false;
        let result: Result<Reply, Failure> = match to {
            None => match self.random.below(3) {
                0 => {
                    // Also what it took before, where that was not heard: the last word counts.
                    self.taken_outside.retain(|(id, r)| *id != dispatch.transaction || !dispatch.rcpts.contains(r));
                    Err(failure(true, "550 5.1.1 unknown", false))
                }
                _ => {
                    let taken = dispatch.rcpts.iter().map(|r| (dispatch.transaction.clone(), r.clone()));
                    self.taken_outside.extend(taken);
                    Ok(Reply::new(250, (2, 0, 0), "ok"))
                }
            },
            Some(to) if parted(to) || parted(from) || self.nodes[to].house.engine.is_none() => {
                Err(failure(false, "connection refused", false))
            }
            Some(to) => {
                let result = self.receive(from, to, dispatch);
                lost = result.is_ok() && self.random.below(8) == 0;
                if lost { Err(failure(false, "connection lost", true)) } else { result }
            }
        };
        let outcomes: Vec<RecipientOutcome> =
            dispatch.rcpts.iter().map(|r| RecipientOutcome { address: r.clone(), result: result.clone() }).collect();
        let text = match &result {
            Ok(_) => "ok".to_owned(),
            Err(failure) => format!("{}{}", failure.text, if lost { " (after the other side took it)" } else { "" }),
        };
        self.note(format!("{} hands {} to {}: {text}", from, dispatch.transaction, dispatch.to));
        if let Some(engine) = &self.nodes[from].house.engine
            && let Err(error) = engine.report(dispatch, &outcomes, self.now)
        {
            self.note(format!("report failed: {error}"));
        }
    }

    /// In one transaction, or in one for each recipient, as it falls; the first failure is told of all.
    fn receive(&self, from: usize, to: usize, dispatch: &Dispatch) -> Result<Reply, Failure> {
        let (Some(sender), Some(receiver)) = (&self.nodes[from].house.engine, &self.nodes[to].house.engine) else {
            return Err(failure(false, "down", false));
        };
        let bytes = sender.read_all(&dispatch.message).map_err(|e| failure(false, &e.to_string(), false))?;
        let at_once = if self.random.below(3) == 0 { 1 } else { dispatch.rcpts.len().max(1) };
        for rcpts in dispatch.rcpts.chunks(at_once) {
            let mail = arrived(dispatch.from.as_ref(), rcpts, bytes.clone(), sender.host(), false);
            if let Err(rejected) = receiver.receive(&mail, self.now) {
                let reply = rejected.reply();
                return Err(failure(reply.is_permanent(), &reply.to_string(), false));
            }
        }
        Ok(Reply::new(250, (2, 0, 0), "ok"))
    }

    /// Ordinary mail to whoever takes it; an answer that is lost on the way brings it again.
    fn write_from_outside(&mut self) {
        let node = self.any(self.nodes.len());
        let to = self.nodes[node].users[Node::TAKES_ORDINARY].clone();
        let (dora, subject) = (address("dora@posta.example"), format!("da fuori {:x}", self.random.next()));
        let worm = if self.random.below(4) == 0 { "VERME-A\r\nVERME-B\r\n" } else { "" };
        let text = format!("From: <{dora}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n\r\nTesto.\r\n{worm}");
        let mail = arrived(Some(&dora), std::slice::from_ref(&to), text.into_bytes(), "mx.posta.example", false);
        let times = 1 + self.random.below(2);
        for _ in 0..times {
            let Some(engine) = &self.nodes[node].house.engine else { return };
            let answer = engine.receive(&mail, self.now);
            let taken = answer.is_ok();
            if taken && !self.ordinary.contains(&(to.clone(), subject.clone())) {
                self.ordinary.push((to.clone(), subject.clone()));
            }
            self.note(format!("ordinary mail to {to}: {subject}: taken {taken}"));
        }
    }

    /// Time passes; what falls due on the way happens at its time.
    fn advance(&mut self, span: Duration) {
        let until = self.now.plus(span);
        // What is due already happens now, not at the end of the span.
        self.pump();
        loop {
            let next = self.nodes.iter().filter_map(Node::next_due).filter(|t| *t > self.now).min();
            let comeback = self.nodes.iter().filter_map(|n| n.back_at).min();
            let Some(next) = next.into_iter().chain(comeback).min().filter(|t| *t <= until) else { break };
            // A step at least, so that what cannot be done now does not hold the clock.
            self.now = next.max(self.now.plus(Duration::from_secs(1)));
            self.come_back();
            self.pump();
        }
        self.now = until.max(self.now);
        self.come_back();
        self.pump();
    }

    fn crash(&mut self, n: usize) {
        let down = Duration::from_secs(60 * (1 + self.random.below(180)));
        let back = self.now.plus(down);
        self.nodes[n].crash(back, down);
        self.note(format!("provider {n} is down until {back}"));
    }

    fn come_back(&mut self) {
        for n in 0..self.nodes.len() {
            if self.nodes[n].back_at.is_some_and(|t| t <= self.now) {
                self.nodes[n].start();
                self.note(format!("provider {n} is back"));
            }
        }
    }

    fn break_something(&mut self) {
        let n = self.any(self.nodes.len());
        if self.random.below(3) == 0 {
            self.crash(n);
            return;
        }
        if self.nodes[n].house.engine.is_none() {
            return; // it is down as it is
        }
        let faults = [Fault::Refused, Fault::Lost, Fault::CrashBefore, Fault::CrashAfter];
        let fault = faults[self.any(faults.len())];
        let at = 1 + self.random.below(6);
        self.nodes[n].house.store.plan(Plan::new().fail_commit(at, fault).fail_call(3 + self.random.below(40)));
        self.note(format!("provider {n}: commit {at} from now goes wrong: {fault:?}"));
    }

    fn part(&mut self) {
        let n = self.any(self.nodes.len());
        // Hours as a rule, days now and then.
        let most = if self.random.below(4) == 0 { 96 } else { 30 };
        let span = Duration::from_secs(3600 * (1 + self.random.below(most)));
        self.nodes[n].parted_until = self.now.plus(span);
        self.note(format!("provider {n} is cut off until {}", self.nodes[n].parted_until));
    }

    /// A provider with a valid certificate says that another's recipient was delivered.
    fn forge(&mut self) {
        if self.accepted.is_empty() {
            return;
        }
        let recent = self.accepted.len() - 1 - self.any(self.accepted.len().min(8));
        let Accepted { home, sender, id, to } = self.accepted[recent].clone();
        let victim = to[self.any(to.len())].clone();
        let forger = self.any(self.nodes.len());
        let Some(forged) = self.nodes[forger].forge(&sender, &victim, &id, self.random.next(), self.now) else {
            return;
        };
        let Some(engine) = &self.nodes[home].house.engine else { return };
        let bytes = forged.content.to_bytes(&[]);
        let mail = arrived(forged.mail_from.as_ref(), std::slice::from_ref(&sender), bytes, "forger", false);
        let answer = engine.receive(&mail, self.now).is_ok();
        self.forged.push(forged.message_id.as_str().to_owned());
        self.note(format!("provider {forger} forges a receipt that {victim} got {id}: taken {answer}"));
    }

    /// Everything works again, and time passes until nothing is left to do.
    fn heal(&mut self) {
        for n in 0..self.nodes.len() {
            self.nodes[n].house.store.plan(Plan::new());
            self.nodes[n].parted_until = Timestamp::default();
            if self.nodes[n].house.store.is_down() {
                self.crash(n);
            }
        }
        self.note("everything works again".into());
        self.advance(Duration::from_secs(3 * 24 * 3600));
    }
}

/// A submission that was answered "accepted".
#[derive(Clone)]
struct Accepted {
    home: usize,
    sender: Address,
    id: String,
    to: Vec<Address>,
}

fn failure(permanent: bool, text: &str, maybe_delivered: bool) -> Failure {
    Failure { permanent, reply: None, text: text.into(), maybe_delivered }
}
