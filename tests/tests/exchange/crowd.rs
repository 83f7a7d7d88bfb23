//! A crowd at one mailbox: every delivery succeeds, UIDs have no gap, and their order is that of the commits.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use sigillo_accounts::{OrdinaryMail, PasswordHash, Profile, Request};
use sigillo_base::{Address, MailboxId, Secret, Uid};
use sigillo_engine::check::Check;
use sigillo_engine::{Change, Engine, Peer, Received, front};
use sigillo_smime::{SignError, Signer};
use sigillo_store::memory::Plan;
use sigillo_store::{Batch, Durability, Error, KeyBuilder, KeyReader, MemoryStore, Row, Store, tag};
use sigillo_store_rocks::{Options, RocksStore};
use sigillo_tests::fixtures::{NOW, address, providers};
use sigillo_tests::house::{House, Known, arrived};
use sigillo_tests::observed::Observed;
use sigillo_tests::street::message;
use sigillo_tests::wire::Wire;

const THREADS: usize = 16;
const BRUNO: &str = "bruno@comune-alfa.example";
const OUTSIDE: &str = "altro@esempio.example";

/// Signs nothing: who verifies is not at home here, and ten thousand signatures would be all that is measured.
struct Stamp;

impl Signer for Stamp {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(vec![0; 256])
    }
}

type Watched<S> = Arc<Observed<S>>;

fn watched<S: Store>(store: S) -> Watched<S> {
    Arc::new(Observed::new(store))
}

/// So many servers on one store, and a mailbox that takes ordinary mail, which comes in an anomaly envelope.
fn servers<S: Store + Clone>(store: &S, count: usize) -> (Vec<Engine<S>>, MailboxId) {
    let house = House::new(providers().remove(0), 71, &Known::fixtures(), NOW);
    let open = |_| {
        let setup = sigillo_engine::Setup { signer: Arc::new(Stamp), ..house.setup() };
        Engine::open(store.clone(), setup).expect("a server")
    };
    let engines: Vec<_> = (0..count).map(open).collect();
    let hash = PasswordHash::create(&Secret::new("una frase lunga".into()), [7; 16]).expect("a hash");
    let mailbox = engines[0].add_mailbox(&address(BRUNO), Profile::Standard, hash, NOW).expect("a mailbox");
    engines[0].change(mailbox, &Change::Ordinary(OrdinaryMail::Accept), &Request::own(NOW)).expect("chosen");
    (engines, mailbox)
}

fn deliver<S: Store>(engine: &Engine<S>, number: usize) {
    let (from, to): (Address, _) = (address(OUTSIDE), [address(BRUNO)]);
    let bytes = message(&from, &to, &format!("X-Numero: {number}\r\n")).into_bytes();
    let taken = engine.receive(&arrived(Some(&from), &to, bytes, "mx", false), NOW);
    assert!(matches!(taken, Ok(Received::Anomaly)), "message {number}: {taken:?}");
}

/// Delivers so many messages at once, and looks at what came of it.
fn crowd<S: Store>(store: &Observed<S>, engines: &[Engine<Watched<S>>], mailbox: MailboxId, count: usize) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let engine = &engines[thread % engines.len()];
            scope.spawn(move || (thread..count).step_by(THREADS).for_each(|n| deliver(engine, n)));
        }
    });
    let filed = engines[0].inbox(mailbox, Uid(0), usize::MAX).expect("read");
    let uids: Vec<u32> = filed.iter().map(|f| f.uid.0).collect();
    assert_eq!(uids, (1..=count as u32).collect::<Vec<_>>(), "no gap");
    assert!(filed.is_sorted_by(|a, b| a.modseq < b.modseq), "each has a greater MODSEQ than the one before");
    let uid = |key: Vec<u8>| {
        let mut reader = KeyReader::new(&key, tag::FOLDER_ENTRY).expect("an entry");
        reader.mailbox().expect("a mailbox");
        reader.u32().expect("a folder");
        reader.uid().expect("a UID").0
    };
    let committed: Vec<u32> = store.written(tag::FOLDER_ENTRY).into_iter().map(uid).collect();
    assert_eq!(committed, uids, "in the order of the commits");
    let mut found = Vec::new();
    Check::new(&store.store, false).run(|page| found.extend(page.findings)).expect("read");
    assert_eq!(found, [], "the counts are those of what lies there");
}

#[test]
fn ten_thousand_deliveries_at_once_have_uids_without_a_gap() {
    let store = watched(MemoryStore::new());
    let (engines, mailbox) = servers(&store, 1);
    crowd(&store, &engines, mailbox, 10_000);
}

#[test]
fn two_servers_on_one_store_lose_no_delivery_to_conflicts() {
    let store = watched(MemoryStore::new());
    let (engines, mailbox) = servers(&store, 2);
    crowd(&store, &engines, mailbox, 1_000);
    assert!(store.conflicts() > 0, "they never met");
}

/// Another server is faster before each of its first fifty commits.
#[test]
fn a_delivery_that_loses_fifty_times_in_a_row_succeeds() {
    let store = MemoryStore::new();
    let (mut engines, mailbox) = servers(&store, 2);
    let (faster, wins, inside) = (engines.remove(1), AtomicUsize::new(0), AtomicBool::new(false));
    store.plan(Plan::new().hook(move |commit| {
        let posts = commit.batch.writes().any(|(key, _)| key.first() == Some(&tag::FOLDER_ENTRY));
        if posts && wins.load(SeqCst) < 50 && !inside.swap(true, SeqCst) {
            deliver(&faster, wins.fetch_add(1, SeqCst));
            inside.store(false, SeqCst);
        }
        None
    }));
    deliver(&engines[0], 50);
    let filed = engines[0].inbox(mailbox, Uid(0), usize::MAX).expect("read");
    assert_eq!(filed.len(), 51);
}

#[test]
fn a_thousand_deliveries_at_once_on_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = watched(RocksStore::open(folder.path(), &Options::default()).expect("a store"));
    let (engines, mailbox) = servers(&store, 1);
    crowd(&store, &engines, mailbox, 1_000);
}

/// A store whose disk takes its time with a page of removals.
#[derive(Clone)]
struct Slow(Watched<MemoryStore>);

impl Store for Slow {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.0.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, Error> {
        self.0.scan(from, to, limit)
    }

    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        let done = self.0.commit(batch, durability);
        let removed =
            |(key, value): &(&[u8], Option<&[u8]>)| key.first() == Some(&tag::FOLDER_ENTRY) && value.is_none();
        if batch.writes().filter(removed).count() >= 1_000 {
            std::thread::sleep(Duration::from_millis(60));
        }
        done
    }
}

/// A message that comes while `remove` goes through the pages of a large folder is in before the last page is gone.
fn comes_in_between(folder: &str, many: u32, remove: impl FnOnce(&Arc<Engine<Slow>>)) {
    let store = Slow(watched(MemoryStore::new()));
    let (engines, mailbox) = servers(&store, 1);
    let engine = Arc::new(engines.into_iter().next().expect("a server"));
    let mut wire = Wire::new(front::imap(Arc::clone(&engine), Peer::LOCAL, true, Default::default()), NOW);
    wire.hear();
    let mut ok = |command: &str| {
        let answer = wire.say(format!("t {command}\r\n"));
        assert!(answer.contains("t OK"), "{command}: {answer}");
    };
    ok(&format!("LOGIN {BRUNO} \"una frase lunga\""));
    ok("CREATE Fabbrica");
    ok(&format!("APPEND {folder} {{18+}}\r\nSubject: x\r\n\r\nciao"));
    ok(&format!("SELECT {folder}"));
    let mut here = 1;
    while here < many {
        let more = here.min(many - here);
        ok(&format!("COPY 1:{more} {folder}"));
        here += more;
        ok("NOOP");
    }
    ok("UNSELECT");
    let entries = || store.0.written(tag::FOLDER_ENTRY);
    let before = entries().len();
    std::thread::scope(|scope| {
        let coming = scope.spawn(|| {
            while entries().len() == before {
                std::thread::sleep(Duration::from_millis(1));
            }
            deliver(&engine, 1);
        });
        remove(&engine);
        coming.join().expect("it is delivered");
    });
    let written = entries().split_off(before);
    let last = engine.inbox(mailbox, Uid(0), usize::MAX).expect("read").last().expect("what came").uid;
    let came = KeyBuilder::new(tag::FOLDER_ENTRY).mailbox(mailbox).u32(1).uid(last).done();
    let at = written.iter().position(|key| *key == came).expect("it came");
    assert_eq!(written.len(), many as usize + 1, "all of them are gone");
    assert!(at + 1 < written.len(), "it waited for all {many}");
}

#[test]
fn a_delivery_waits_for_a_page_of_a_folder_that_is_deleted() {
    comes_in_between("Fabbrica", 12_000, |engine| {
        let mut wire = Wire::new(front::imap(Arc::clone(engine), Peer::LOCAL, true, Default::default()), NOW);
        wire.hear();
        wire.say(format!("a LOGIN {BRUNO} \"una frase lunga\"\r\n"));
        assert!(wire.say("b DELETE Fabbrica\r\n").contains("b OK"));
    });
}

#[test]
fn a_delivery_waits_for_a_page_of_what_pop3_removes() {
    const MANY: u32 = 20_000;
    comes_in_between("INBOX", MANY, |engine| {
        let mut wire = Wire::new(front::pop3(Arc::clone(engine), Peer::LOCAL, true, Default::default()), NOW);
        wire.hear();
        wire.say(format!("USER {BRUNO}\r\nPASS una frase lunga\r\n"));
        for first in (1..=MANY).step_by(1_000) {
            wire.say((first..first + 1_000).map(|n| format!("DELE {n}\r\n")).collect::<String>());
        }
        assert_eq!(wire.say("QUIT\r\n"), "+OK Arrivederci\r\n");
    });
}
