//! What keeps a message, and that its room is given back when nothing keeps it any more: folders, the archive, the queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sigillo_accounts::Profile;
use sigillo_base::{MsgId, Timestamp};
use sigillo_engine::check::{Check, Problem};
use sigillo_engine::{Engine, Kept, Peer, RETENTION, front};
use sigillo_server::clock::ServiceClock;
use sigillo_server::config::Retention;
use sigillo_server::housekeeping;
use sigillo_server::net::Pool;
use sigillo_store::{KeyBuilder, KeyReader, MemoryStore, Store, salvage, tag};
use sigillo_store_rocks::{Memory, Options, RocksStore};
use sigillo_tests::demo::wait_for;
use sigillo_tests::fixtures::{self, NOW, Numbers, address};
use sigillo_tests::house::{House, Known};
use sigillo_tests::street::{Fate, Street, message};

use super::check::{assert_clean, findings};
use super::expiry::expire;
use super::rows;
use sigillo_tests::wire::{Wire, engine_with_password};

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const PASSWORD: &str = "una frase lunga";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn send(street: &Street, body: &str) {
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    let bytes = (message(&anna, std::slice::from_ref(&bruno), "") + body).into_bytes();
    street.submit_bytes(&anna, &[bruno], bytes).expect("an answer");
}

fn bruno(beta: &House, now: Timestamp) -> Wire {
    let engine = engine_with_password(beta, &address(BRUNO), PASSWORD);
    let mut wire = Wire::new(front::imap(engine, Peer::LOCAL, true, Default::default()), now);
    wire.hear();
    ok(&mut wire, &format!("LOGIN {BRUNO} \"{PASSWORD}\""));
    wire
}

fn ok(wire: &mut Wire, command: &str) {
    let answer = wire.say(format!("a {command}\r\n"));
    assert!(answer.contains("a OK"), "{command}: {answer}");
}

const EARLY: Timestamp = Timestamp::from_millis(0);

/// Ends the archive's keeping of what it took before.
fn expire_archive<S: Store>(engine: &Engine<S>, until: Timestamp) -> usize {
    let kept = Kept { archive: Some(until), records: EARLY, accesses: EARLY, counts: EARLY };
    expire(engine, kept, NOW)
}

fn sweep(engine: &Engine<MemoryStore>) {
    engine.sweep_messages(None, usize::MAX).expect("swept");
}

/// No message, body or doubt is left without somebody who keeps it.
fn assert_no_leftovers(store: &MemoryStore) {
    assert_clean(store, "after a sweep");
    let orphans: Vec<_> = findings(store).into_iter().filter(|f| f.problem == Problem::Orphan).collect();
    assert!(orphans.is_empty(), "{orphans:?}");
    assert!(rows::of(store, tag::MESSAGE_DOUBT).is_empty());
}

#[test]
fn a_message_stays_as_long_as_a_folder_or_the_archive_keeps_it() {
    let mut street = Street::new(1);
    send(&street, &"riga di testo\r\n".repeat(60_000));
    street.run();
    let beta = Arc::clone(street.houses[1].engine());
    let held = |street: &Street| rows::of(&street.houses[1].store, tag::BODY_CHUNK).len();
    let mut wire = bruno(&street.houses[1], street.now);
    for command in ["CREATE Pratiche", "SELECT INBOX", "COPY 1 Pratiche", "STORE 1 +FLAGS (\\Deleted)", "EXPUNGE"] {
        ok(&mut wire, command);
    }
    sweep(&beta);
    assert!(held(&street) > 5, "the copy and the archive keep it");
    assert_eq!(expire_archive(&beta, street.now), 0, "not before its time");
    street.now = street.now.plus(DAY);
    assert!(expire_archive(&beta, street.now) > 0);
    sweep(&beta);
    assert!(held(&street) > 5, "the copy keeps it");
    assert_clean(&street.houses[1].store, "the log speaks of what the archive has given up");
    for command in ["SELECT Pratiche", "STORE 1 +FLAGS (\\Deleted)", "EXPUNGE"] {
        ok(&mut wire, command);
    }
    sweep(&beta);
    assert_eq!(held(&street), 0);
    assert_no_leftovers(&street.houses[1].store);
}

/// The archive is no choice of a profile: a new box has it on, for what it sends and what it gets, with all receipts (BOX-14).
#[test]
fn a_new_box_of_every_profile_archives_what_it_sends_and_gets_without_a_further_step() {
    let profiles: Vec<Profile> = Profile::ALL.into_iter().filter(|profile| *profile != Profile::Service).collect();
    assert_eq!(profiles.len(), 6);
    for (seed, profile) in (90..).zip(profiles) {
        let mut street = Street::new(seed);
        let new = address("nuova@comune-alfa.example");
        let id = street.houses[0].add(&new, profile, street.now);
        street.submit(&new, &[address(BRUNO)], "").expect("sent");
        street.submit(&address(BRUNO), std::slice::from_ref(&new), "").expect("sent to it");
        street.run();
        let store = street.houses[0].store.clone();
        let archived = || -> Vec<MsgId> {
            let read = |key: &[u8]| {
                let mut reader = KeyReader::new(key, tag::ARCHIVE).expect("a key");
                let (mailbox, _) = (reader.mailbox().expect("a mailbox"), reader.time().expect("a time"));
                (mailbox == id).then(|| reader.msg().expect("a message"))
            };
            rows::of(&store, tag::ARCHIVE).iter().filter_map(|(key, _)| read(key)).collect()
        };
        let kinds = street.kinds(&new);
        let in_folder = ["accettazione", "avvenuta-consegna", "posta-certificata"];
        assert!(
            kinds.len() == 3 && in_folder.iter().all(|kind| kinds.iter().any(|k| k == kind)),
            "{profile:?}: {kinds:?}"
        );
        let kept = archived();
        assert_eq!(kept.len(), 4, "{profile:?}: with the envelope that went out");
        // Its holder deletes everything: the archive has it all the same.
        let engine = engine_with_password(&street.houses[0], &new, PASSWORD);
        let mut wire = Wire::new(front::imap(engine, Peer::LOCAL, true, Default::default()), street.now);
        wire.hear();
        let login = format!("LOGIN {new} \"{PASSWORD}\"");
        for command in [&login, "SELECT INBOX", "STORE 1:* +FLAGS (\\Deleted)", "EXPUNGE"] {
            ok(&mut wire, command);
        }
        sweep(street.houses[0].engine());
        assert_eq!((street.kinds(&new).len(), archived()), (0, kept.clone()), "{profile:?}");
        for msg in kept {
            let key = KeyBuilder::new(tag::MESSAGE).msg(msg);
            assert!(store.get(key.as_ref()).expect("read").is_some(), "{profile:?}: {msg:?}");
        }
        assert_clean(&store, "a new box");
    }
}

#[test]
fn a_draft_goes_with_its_last_copy() {
    let street = Street::new(2);
    let mut wire = bruno(&street.houses[1], street.now);
    let draft = "Subject: bozza\r\n\r\n".to_owned() + &"da finire\r\n".repeat(10_000);
    let answer = wire.say(format!("a APPEND Bozze {{{}+}}\r\n{draft}\r\n", draft.len()));
    assert!(answer.contains("a OK"), "{answer}");
    for command in ["SELECT Bozze", "MOVE 1 Cestino", "SELECT Cestino", "STORE 1 +FLAGS (\\Deleted)"] {
        ok(&mut wire, command);
    }
    sweep(street.houses[1].engine());
    assert_eq!(rows::of(&street.houses[1].store, tag::BODY).len(), 1, "what was moved is kept");
    ok(&mut wire, "EXPUNGE");
    sweep(street.houses[1].engine());
    assert!(rows::of(&street.houses[1].store, tag::BODY).is_empty());
    assert_no_leftovers(&street.houses[1].store);
}

#[test]
fn damaged_messages_hold_up_no_sweep() {
    let mut street = Street::new(8);
    (0..3).for_each(|_| send(&street, ""));
    street.run();
    let store = &street.houses[1].store;
    let doubted: Vec<_> = rows::of(store, tag::MESSAGE_DOUBT).into_iter().map(|(key, _)| key).collect();
    assert_eq!(doubted.len(), 6, "the receipts that were handed over");
    for key in &doubted[..4] {
        store.damage([&[tag::MESSAGE], &key[1..]].concat());
    }
    let (mut after, mut looks) = (None, 0);
    while looks == 0 || after.is_some() {
        after = street.houses[1].engine().sweep_messages(after, 2).expect("swept");
        looks += 1;
        assert!(looks < 10, "the sweep comes to no end");
    }
    let left: Vec<_> = rows::of(store, tag::MESSAGE_DOUBT).into_iter().map(|(key, _)| key).collect();
    assert_eq!(left, doubted[..4], "the sound ones behind them went");
}

#[test]
fn receipts_that_were_handed_over_leave_nothing_behind() {
    let mut street = Street::new(3);
    for n in 0..3 {
        send(&street, &"riga di testo\r\n".repeat(20_000 * n));
    }
    street.run();
    for house in &street.houses {
        sweep(house.engine());
        assert_no_leftovers(&house.store);
    }
    // Bruno's provider keeps what Bruno and its own service mailbox have: three envelopes.
    assert_eq!(rows::of(&street.houses[1].store, tag::MESSAGE).len(), 3);
    // What still waits is kept by the queue.
    street.network(|carried| if carried.kind == "posta-certificata" { Fate::Arrives } else { Fate::Held });
    send(&street, "");
    street.run();
    sweep(street.houses[1].engine());
    assert_eq!(rows::of(&street.houses[1].store, tag::MESSAGE).len(), 6, "an envelope and two receipts");
    assert_no_leftovers(&street.houses[1].store);
}

/// Whoever copies, moves, removes, expires and sweeps at once: nothing that is kept goes, nothing else stays.
#[test]
fn whatever_happens_at_once_what_is_kept_stays_and_the_rest_goes() {
    for seed in 0..4 {
        let mut street = Street::new(40 + seed);
        (0..12).for_each(|_| send(&street, ""));
        street.run();
        let beta = street.houses[1].engine();
        street.houses[1].add(&address("dora@ente-beta.example"), Profile::Standard, street.now);
        let over = AtomicBool::new(false);
        let (house, now, over) = (&street.houses[1], street.now, &over);
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..3).map(|n| scope.spawn(move || restless(house, now, seed * 10 + n))).collect();
            scope.spawn(move || {
                let until = now.plus(DAY);
                while !over.load(Ordering::Relaxed) {
                    expire_archive(beta, until);
                    beta.sweep_messages(None, 5).expect("swept");
                }
            });
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    beta.sweep_messages(None, 3).expect("swept");
                    beta.sweep_bodies(None, 1000).expect("swept");
                }
            });
            clients.into_iter().for_each(|client| client.join().expect("a client"));
            over.store(true, Ordering::Relaxed);
        });
        sweep(beta);
        assert_no_leftovers(&street.houses[1].store);
    }
}

fn restless(beta: &House, now: Timestamp, seed: u64) {
    let numbers = Numbers::new(seed);
    let mut wire = bruno(beta, now);
    let folders = ["INBOX", "Cestino", "Bozze"];
    for _ in 0..60 {
        let [from, to] = [numbers.below(3), numbers.below(3)].map(|n| folders[n as usize]);
        ok(&mut wire, &format!("SELECT {from}"));
        let n = 1 + numbers.below(6);
        let command = match numbers.below(4) {
            0 => format!("COPY {n} {to}"),
            1 => format!("MOVE {n} {to}"),
            2 => format!("STORE {n} +FLAGS (\\Deleted)"),
            _ => "EXPUNGE".to_owned(),
        };
        wire.say(format!("a {command}\r\n")); // there may be no such message any more
    }
}

#[test]
fn the_disk_is_given_back_when_four_fifths_of_the_archive_end() {
    let mut street = Street::new(5);
    let numbers = Numbers::new(5);
    let noise = |_| char::from(b'A' + numbers.below(58) as u8);
    let body = || (0..1500).map(|_| (0..98).map(noise).collect::<String>() + "\r\n").collect::<String>();
    (0..40).for_each(|_| send(&street, &body()));
    street.run();
    let until: Timestamp = street.now.plus(DAY);
    street.pass(2 * DAY);
    (0..10).for_each(|_| send(&street, &body()));
    street.run();
    let mut wire = bruno(&street.houses[1], street.now);
    for command in ["SELECT INBOX", "STORE 1:* +FLAGS.SILENT (\\Deleted)", "EXPUNGE"] {
        ok(&mut wire, command);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { memory: Memory::new(16 << 20), ..Options::default() };
    let store = Arc::new(RocksStore::open(folder.path().join("db"), &options).expect("a store"));
    assert!(salvage(&street.houses[1].store, &store).expect("copied").is_empty());
    store.flush().expect("flushed");
    let before = store.stats().expect("figures").disk_bytes;
    let house = House::on(Arc::clone(&store), fixtures::beta(), 6, &Known::fixtures());
    let engine = house.engine();
    assert_eq!(expire_archive(engine, until), 40);
    engine.sweep_messages(None, usize::MAX).expect("swept");
    store.flush().expect("flushed");
    store.compact().expect("compacted");
    let after = store.stats().expect("figures").disk_bytes;
    assert!(after * 3 < before, "{before} bytes before, {after} after");
    let mut found = Vec::new();
    Check::new(&*store, true).run(|page| found.extend(page.findings)).expect("read");
    assert!(found.is_empty(), "{found:?}");
}
/// As the service does it, by its clock: what is older than its term goes, what is younger stays.
#[test]
fn the_service_sweeps_and_ends_what_the_archive_kept_long_enough() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(ServiceClock::open(folder.path(), 1.0).expect("a clock"));
    let mut street = Street::with(7, Known::fixtures(), NOW);
    send(&street, &"riga di testo\r\n".repeat(60_000));
    street.run();
    let mut wire = bruno(&street.houses[1], street.now);
    for command in ["SELECT INBOX", "STORE 1 +FLAGS (\\Deleted)", "EXPUNGE"] {
        ok(&mut wire, command);
    }
    let age = clock.now().since(NOW);
    let swept = |archive: Duration, until: &mut dyn FnMut() -> bool| {
        let (down, heard) = tokio::sync::watch::channel(false);
        let engine = Arc::clone(street.houses[1].engine());
        let retention =
            Retention { archive: Some(archive), records: RETENTION, accesses: RETENTION, cancelled: RETENTION };
        let sweep = housekeeping::sweep(engine, Pool::new(2), Arc::clone(&clock), retention, heard);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let task = runtime.spawn(sweep);
        wait_for("a sweep", Duration::from_secs(60), || until().then_some(()));
        down.send_replace(true);
        runtime.block_on(task).expect("the end");
    };
    let store = &street.houses[1].store;
    let held = || rows::of(store, tag::MESSAGE).len();
    swept(age + DAY, &mut || rows::of(store, tag::MESSAGE_DOUBT).is_empty());
    assert_eq!(held(), 1, "the receipts went, the archive keeps the envelope");
    swept(age - DAY, &mut || held() == 0);
    assert_no_leftovers(store);
}
