//! The two providers and the threads that work for them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sigillo_accounts::{PasswordHash, Profile};
use sigillo_base::{Address, MailboxId, Timestamp, Uid};
use sigillo_engine::{Dispatch, Engine, Filter, Login, Received, Setup, Submitted};
use sigillo_smtp::Reply;
use sigillo_smtp::client::RecipientOutcome;
use sigillo_store_rocks::{Options, RocksStore};
use sigillo_tests::fixtures::{self, Fixture, NOW, Numbers, address};
use sigillo_tests::house::{Known, arrived};

use super::counted::Counted;
use super::flow::{Bells, Run, Tray};
use crate::machine::{flushes, flushes_since};
use crate::material::{Size, attachment, message};
use crate::measure::process_time;

/// Mailboxes of each provider: so many that no limit is met.
pub const BOXES: usize = 64;
/// Threads that submit.
pub const SUBMITTERS: usize = 16;
/// Threads of each relay that hand over.
const HANDS: usize = 16;
/// Threads of each provider for local deliveries, as in the program.
const WORKERS: usize = 4;

struct House {
    engine: Engine<Counted>,
    service: Address,
    bells: Arc<Bells>,
    tray: Tray,
    boxes: Vec<Login>,
}

/// Alfa, whose users send, and Beta, whose users receive.
pub struct World {
    alfa: House,
    beta: House,
    begun: Instant,
    size: Size,
    attachment: String,
    sent: usize,
}

/// What a run came to; per message where it says so.
pub struct Ran {
    pub per_second: f64,
    pub cpu_ms: f64,
    pub commits: f64,
    pub flushes: f64,
}

impl House {
    fn new(fixture: Fixture, folder: &Path, seed: u64, known: &Known) -> Self {
        let store = RocksStore::open(World::store(folder, seed), &Options::default()).expect("a store");
        let bells = Arc::new(Bells::default());
        let service = fixture.provider.service_address.clone();
        let setup = Setup {
            provider: fixture.provider.clone(),
            host: format!("mx.{}", service.domain()),
            identity: fixture.identity.clone(),
            signer: Arc::new(fixture.signer()),
            trust: Arc::clone(&known.trust),
            index: Arc::clone(&known.index),
            ids: Numbers::new(seed),
            bell: Arc::clone(&bells) as _,
            meter: Arc::new(()),
            local_domains: fixture.domains.clone(),
            antivirus: None,
            screener: None,
            dkim: None,
            rules: Default::default(),
            doors: Default::default(),
            profiles: Default::default(),
        };
        let engine = Engine::open(Counted::new(store), setup).expect("the provider starts");
        // Nobody logs in with a password here.
        let hash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let hash = PasswordHash::parse(hash).expect("a hash");
        let add = |address: Address, profile| {
            let mailbox = engine.add_mailbox(&address, profile, hash.clone(), NOW).expect("a mailbox");
            Login::ours(mailbox, address)
        };
        add(service.clone(), Profile::Service);
        let user = |n| address(&format!("m{n}@{}", fixture.domains[0]));
        let boxes = (1..=BOXES).map(|n| add(user(n), Profile::MassiveExtraLarge)).collect();
        Self { engine, service, bells, tray: Tray::default(), boxes }
    }

    fn inbox(&self, mailbox: MailboxId) -> usize {
        self.engine.inbox(mailbox, Uid(0), usize::MAX).expect("the INBOX can be read").len()
    }

    fn inboxes(&self) -> usize {
        self.boxes.iter().map(|b| self.inbox(b.mailbox)).sum()
    }

    fn idle(&self) -> bool {
        self.engine
            .queue_page(&Filter::default(), None, 1, Timestamp::default())
            .expect("the queue can be read")
            .0
            .is_empty()
    }
}

impl World {
    /// The numbers of the providers.
    pub const SEEDS: [u64; 2] = [1, 2];

    /// Where a provider's store is.
    pub fn store(folder: &Path, seed: u64) -> PathBuf {
        folder.join(format!("store-{seed}"))
    }

    /// Providers on the stores below `folder`, which are made where there are none.
    pub fn new(folder: &Path, size: Size) -> Self {
        let known = Known::fixtures();
        let [alfa, beta] = Self::SEEDS;
        Self {
            alfa: House::new(fixtures::alfa(), folder, alfa, &known),
            beta: House::new(fixtures::beta(), folder, beta, &known),
            begun: Instant::now(),
            size,
            attachment: attachment(size.bytes, 4),
            sent: 0,
        }
    }

    fn now(&self) -> Timestamp {
        NOW.plus(self.begun.elapsed())
    }

    /// Sends `count` messages and waits until each has both its receipts and every queue is empty.
    pub fn run(&mut self, count: usize) -> Ran {
        let run = Run::default();
        let commits = |w: &Self| w.alfa.engine.store().synced() + w.beta.engine.store().synced();
        let before = (commits(self), process_time(), flushes());
        let begun = Instant::now();
        let first = self.sent;
        let world = &*self;
        let last = std::thread::scope(|scope| {
            for (ours, theirs) in [(&world.alfa, &world.beta), (&world.beta, &world.alfa)] {
                scope.spawn(|| world.look(ours, &run));
                for _ in 0..HANDS {
                    scope.spawn(|| world.hand_over(ours, theirs, &run));
                }
                for _ in 0..WORKERS {
                    scope.spawn(|| world.work(ours, &run));
                }
            }
            for _ in 0..SUBMITTERS {
                scope.spawn(|| {
                    while let Some(n) = run.next(count) {
                        world.submit(first + n);
                    }
                });
            }
            let last = run.wait(count);
            while last.is_some() && !(world.alfa.idle() && world.beta.idle()) {
                std::thread::sleep(Duration::from_millis(1));
            }
            run.stop();
            last
        });
        self.sent += count;
        let last = last.expect("every message has its receipts");
        let each = count as f64;
        Ran {
            per_second: each / (last - begun).as_secs_f64(),
            cpu_ms: (process_time() - before.1).as_secs_f64() * 1e3 / each,
            commits: (commits(self) - before.0) as f64 / each,
            flushes: flushes_since(before.2) / each,
        }
    }

    fn submit(&self, number: usize) {
        let (from, to) = (&self.alfa.boxes[number % BOXES], &self.beta.boxes[number * 7 % BOXES].address);
        let bytes = message(&from.address, to, &format!("n{number}"), self.size, &self.attachment);
        let mail = arrived(Some(&from.address), std::slice::from_ref(to), bytes, "client", true);
        let answer = self.alfa.engine.submit(from, &mail, self.now()).expect("taken");
        assert!(matches!(answer, Submitted::Accepted(_)), "{answer:?}");
    }

    /// The relay's eye: finds what is due while there are hands.
    fn look(&self, house: &House, run: &Run) {
        while !run.stopped() {
            let free = HANDS.saturating_sub(house.tray.len());
            let due =
                if free == 0 { Vec::new() } else { house.engine.due(self.now(), free).expect("the queue is read") };
            house.tray.put(due);
            house.bells.relay.wait();
        }
    }

    /// A relay's hand.
    fn hand_over(&self, from: &House, to: &House, run: &Run) {
        while !run.stopped() {
            let Some(dispatch) = from.tray.take() else { continue };
            if from.tray.len() + 1 >= HANDS {
                from.bells.relay.ring();
            }
            let stored = || from.engine.read_all(&dispatch.message).expect("a queued message can be read");
            let bytes = dispatch.bytes.clone().unwrap_or_else(stored);
            let mail = arrived(dispatch.from.as_ref(), &dispatch.rcpts, bytes, from.engine.host(), false);
            let received = to.engine.receive(&mail, self.now()).expect("taken");
            let result = Ok(Reply::new(250, (2, 0, 0), "ok"));
            let outcome = |r: &Address| RecipientOutcome { address: r.clone(), result: result.clone() };
            let outcomes: Vec<_> = dispatch.rcpts.iter().map(outcome).collect();
            from.engine.report(&dispatch, &outcomes, self.now()).expect("recorded");
            if from.engine.passed_over() {
                from.bells.relay.ring();
            }
            Self::tell(to, &dispatch, &received, run);
        }
    }

    fn tell(to: &House, dispatch: &Dispatch, received: &Received, run: &Run) {
        match received {
            Received::Receipt(_) if dispatch.rcpts.contains(&to.service) => run.taken(),
            Received::Receipt(_) => run.delivered(),
            Received::TakenCharge(_) => {}
            other => panic!("{other:?}"),
        }
    }

    /// Local deliveries, as the program's workers do them.
    fn work(&self, house: &House, run: &Run) {
        while !run.stopped() {
            match house.engine.run_due(self.now()).expect("the queue is read") {
                0 => house.bells.worker.wait(),
                _ => house.bells.worker.ring(),
            }
        }
    }

    /// Nothing is lost, nothing is there twice.
    pub fn check(&self) {
        let service = self.alfa.engine.find_mailbox(&self.alfa.service).expect("the store answers");
        let service = MailboxId(service.expect("the service mailbox").id);
        assert_eq!(self.alfa.inbox(service), self.sent, "take-charge receipts");
        assert_eq!(self.beta.inboxes(), self.sent, "envelopes delivered");
        assert_eq!(self.alfa.inboxes(), 2 * self.sent, "acceptances and delivery receipts");
    }
}
