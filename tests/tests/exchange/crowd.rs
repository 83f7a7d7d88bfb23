//! A crowd at one mailbox: every delivery succeeds, UIDs have no gap, and their order is that of the commits.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use sigillo_accounts::{OrdinaryMail, PasswordHash, Profile, Request};
use sigillo_base::{Address, MailboxId, Secret, Uid};
use sigillo_engine::check::Check;
use sigillo_engine::{Change, Engine, Received};
use sigillo_smime::{SignError, Signer};
use sigillo_store::memory::Plan;
use sigillo_store::{KeyReader, MemoryStore, Store, tag};
use sigillo_store_rocks::{Options, RocksStore};
use sigillo_tests::fixtures::{NOW, address, providers};
use sigillo_tests::house::{House, Known, arrived};
use sigillo_tests::observed::Observed;
use sigillo_tests::street::message;

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
