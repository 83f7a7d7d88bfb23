//! Stores of every release so far, taken over by this one. Each lies in `tests/fixtures/stores`, as RocksDB left it, one
//! archive per provider, with what mail clients saw in it. `UPDATE=1` writes the sample of this release.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sigillo_base::{Address, Timestamp};
use sigillo_engine::check::Check;
use sigillo_engine::{Peer, Submitted, front, migrate};
use sigillo_store::memory::Plan;
use sigillo_store::{MemoryStore, salvage, schema};
use sigillo_store_rocks::{Options, RocksStore};
use sigillo_tests::fixtures::{self, NOW, address};
use sigillo_tests::house::{House, Known, Knows};
use sigillo_tests::street::{Fate, Street, message};

use super::check::{assert_clean, findings};
use super::rows;
use sigillo_tests::wire::{Wire, engine_with_password};

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const CARLA: &str = "carla@comune-alfa.example";
const USERS: [&str; 3] = [ANNA, BRUNO, CARLA];
const PASSWORD: &str = "una frase lunga";
/// Until Bruno reads his mail.
const BEFORE: Duration = Duration::from_secs(600);
/// From then on.
const AFTER: Duration = Duration::from_secs(26 * 3600);
/// The houses of the sample.
const NAMES: [&str; 2] = ["alfa", "beta"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stores")
}

fn client(street: &Street, user: &str) -> Wire {
    let user = address(user);
    let engine = engine_with_password(street.house(&user), &user, PASSWORD);
    let mut wire = Wire::new(front::imap(engine, Peer::LOCAL, true, Default::default()), street.now);
    wire.hear();
    say(&mut wire, &format!("LOGIN {user} \"{PASSWORD}\""));
    wire
}

/// What is answered to a command that succeeds.
fn say(wire: &mut Wire, command: &str) -> String {
    let answer = wire.say(format!("a {command}\r\n"));
    assert!(answer.contains("a OK"), "{command}: {answer}");
    answer
}

/// When the samples were taken.
fn sampled_at() -> Timestamp {
    NOW.plus(BEFORE).plus(AFTER)
}

/// A street after exchanges of every kind, some of them still under way.
fn lived() -> Street {
    let mut street = Street::new(77);
    let (anna, bruno, carla) = (address(ANNA), address(BRUNO), address(CARLA));
    street.houses[0].scan_with(Knows(&["VERME"]));
    let engine = street.houses[0].engine().clone();
    engine
        .set_list(&address("uffici@comune-alfa.example"), &[bruno.clone(), carla.clone()], street.now)
        .expect("a list");
    let send = |street: &Street, to: &[&Address], body: &str| {
        let to: Vec<Address> = to.iter().map(|to| (*to).clone()).collect();
        street.submit_bytes(&anna, &to, (message(&anna, &to, "") + body).into_bytes()).expect("an answer")
    };
    send(&street, &[&bruno], "");
    send(&street, &[&bruno], &"riga di testo\r\n".repeat(40_000));
    send(&street, &[&bruno, &carla, &address("nessuno@ente-beta.example")], "");
    assert!(matches!(send(&street, &[&carla], "VERME\r\n"), Submitted::NotAccepted(_)));
    street.pass(BEFORE);
    let mut wire = client(&street, BRUNO);
    for command in [
        "CREATE Pratiche/2026",
        "SELECT INBOX",
        "STORE 1 +FLAGS (\\Seen \\Flagged protocollato)",
        "COPY 1:2 Pratiche/2026",
        "MOVE 2 Cestino",
        "STORE 2 +FLAGS.SILENT (\\Deleted)",
        "EXPUNGE",
    ] {
        say(&mut wire, command);
    }
    assert!(wire.say("a APPEND Bozze (\\Draft) {30+}\r\nSubject: bozza\r\n\r\nda finire.\r\n\r\n").contains("a OK"));
    street.pass(AFTER);
    for house in &street.houses {
        house.engine().close_segments(street.now).expect("a segment is closed");
    }
    street.network(|_| Fate::Held);
    send(&street, &[&bruno], "");
    street.submit(&bruno, std::slice::from_ref(&anna), "").expect("an answer");
    street.run();
    street
}

/// What mail clients see.
fn seen(street: &Street) -> String {
    let mut seen = String::new();
    for user in USERS {
        let mut wire = client(street, user);
        let list = say(&mut wire, "LIST \"\" *");
        for line in list.lines().filter(|line| line.starts_with("* LIST")) {
            let name =
                line.rsplit('"').nth(1).filter(|name| *name != "/").or(line.rsplit(' ').next()).unwrap_or_default();
            let status = say(&mut wire, &format!("STATUS \"{name}\" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"));
            writeln!(seen, "{user} {}", status.lines().next().unwrap_or_default()).expect("text");
            say(&mut wire, &format!("SELECT \"{name}\""));
            let uids = say(&mut wire, "UID SEARCH ALL").lines().next().unwrap_or_default().replace("* SEARCH", "");
            for uid in uids.split_whitespace() {
                let facts = say(&mut wire, &format!("UID FETCH {uid} (UID FLAGS INTERNALDATE RFC822.SIZE)"));
                let body = say(&mut wire, &format!("UID FETCH {uid} (BODY.PEEK[])"));
                let body = &body[body.find("}\r\n").expect("a literal")..];
                let hash = sigillo_smime::sha256(body.rsplit_once("a OK").expect("an answer").0.as_bytes());
                let facts = facts.lines().next().unwrap_or_default();
                writeln!(seen, "  {facts} {}", data_encoding::HEXLOWER.encode(&hash[..8])).expect("text");
            }
        }
    }
    seen
}

fn tar(args: &[&str], folder: &Path) {
    let done = Command::new("tar").args(args).current_dir(folder).status().expect("tar");
    assert!(done.success(), "tar {args:?}");
}

/// Writes the sample of this release.
fn write_sample() {
    let street = lived();
    let release = folder().join(format!("schema-{}", schema::VERSION));
    fs::create_dir_all(&release).expect("a folder");
    fs::write(release.join("seen.txt"), seen(&street)).expect("written");
    let scratch = tempfile::tempdir().expect("a folder");
    for (house, name) in street.houses.iter().zip(NAMES) {
        let store = RocksStore::open(scratch.path().join(name), &Options::default()).expect("a store");
        assert!(salvage(&house.store, &store).expect("copied").is_empty());
        store.flush().expect("flushed");
        drop(store);
        let archive = release.join(format!("{name}.tar.gz"));
        let archive = archive.to_str().expect("a plain path");
        tar(&["--exclude=LOG*", "--owner=0", "--group=0", "--numeric-owner", "-czf", archive, name], scratch.path());
    }
}

/// The stores of a release, as they lie in their archives.
fn unpack(release: &Path, scratch: &Path) -> Vec<RocksStore> {
    let open = |name| {
        tar(&["-xzf", &release.join(format!("{name}.tar.gz")).to_string_lossy()], scratch);
        RocksStore::open(scratch.join(name), &Options::default()).expect("this release opens it")
    };
    NAMES.map(open).into()
}

fn releases() -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder()).expect("samples").map(|e| e.expect("an entry").path()).collect();
    found.sort();
    assert_eq!(found.len(), schema::VERSION as usize, "a sample of every version so far: {found:?}");
    found
}

#[test]
fn a_store_of_every_release_is_taken_over() {
    if std::env::var_os("UPDATE").is_some() {
        write_sample();
    }
    for (version, release) in (1..).zip(releases()) {
        let scratch = tempfile::tempdir().expect("a folder");
        let mut houses = Vec::new();
        for ((store, fixture), seed) in
            unpack(&release, scratch.path()).into_iter().zip(fixtures::providers()).zip(100..)
        {
            let name = fixture.provider.name.clone();
            let migrated = migrate::run(&store, |_| ()).expect("migrated");
            assert_eq!((migrated.from, migrated.damaged), (version, 0), "{name}");
            assert_eq!(migrated.rows > 0, version < schema::VERSION, "{name}");
            let again = migrate::run(&store, |_| ()).expect("nothing to do");
            assert_eq!((again.from, again.rows), (schema::VERSION, 0));
            let mut found = Vec::new();
            Check::new(&store, true).run(|page| found.extend(page.findings)).expect("read");
            assert!(found.is_empty(), "{name}: {found:?}");
            let memory = MemoryStore::new();
            assert!(salvage(&store, &memory).expect("copied").is_empty());
            houses.push(House::on(memory, fixture, seed, &Known::fixtures()));
        }
        let mut street = Street::of(houses, Known::fixtures(), sampled_at());
        assert_eq!(seen(&street), fs::read_to_string(release.join("seen.txt")).expect("what was seen"));
        // What waited goes on, and what nobody kept goes.
        street.pass(Duration::from_secs(3600));
        let mut kinds = street.kinds(&address(ANNA)).split_off(10);
        kinds.sort();
        assert_eq!(kinds, ["avvenuta-consegna", "posta-certificata"], "the receipt for her message, and Bruno's");
        for house in &street.houses {
            house.engine().sweep_messages(None, usize::MAX).expect("swept");
            assert_clean(&house.store, &house.fixture.provider.name);
            assert!(findings(&house.store).is_empty() && rows::at_rest(&house.store));
        }
    }
}

/// Wherever a migration breaks off, the next one comes to the same end; a program of before does not open the store.
#[test]
fn a_migration_that_was_interrupted_goes_on() {
    let scratch = tempfile::tempdir().expect("a folder");
    let old = MemoryStore::new();
    let stores = unpack(&folder().join("schema-1"), scratch.path());
    salvage(&stores[0], &old).expect("copied");
    let whole = old.fork();
    let rows = migrate::run(&whole, |_| ()).expect("migrated").rows;
    let mut broken = 0;
    for n in 1.. {
        let store = old.fork();
        store.plan(Plan::new().fail_call(n));
        if migrate::run(&store, |_| ()).is_ok() {
            break;
        }
        broken += 1;
        store.plan(Plan::new());
        let version = schema::check(&store).expect("a version");
        assert!(
            version == Some(schema::VERSION) || store.rows() == old.rows(),
            "call {n}: begun under the old version"
        );
        let rest = migrate::run(&store, |_| ()).expect("migrated");
        assert!(rest.rows <= rows && (rest.from == 1 || rest.rows == 0), "call {n}: {rest:?}");
        assert!(store.rows() == whole.rows(), "call {n}: another end");
    }
    assert!(broken > 8, "{broken} calls are no migration");
}
