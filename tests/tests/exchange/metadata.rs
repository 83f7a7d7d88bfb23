//! What lists of folders ask for is answered from rows: the same as from the message itself, and no message is read.

use std::sync::Arc;

use sigillo_accounts::{OrdinaryMail, Request};
use sigillo_base::Address;
use sigillo_engine::check::{Check, Problem, Repair};
use sigillo_engine::{Change, DomainPolicy, Engine, Peer, Submitted, front};
use sigillo_store::{Batch, Durability, MemoryStore, Store, tag};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::arrived;
use sigillo_tests::observed::Observed;
use sigillo_tests::street::{Street, message};

use super::check::{assert_clean, findings};
use super::rows;
use sigillo_tests::wire::{Wire, engine_with_password};

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const PASSWORD: &str = "una frase lunga";

const METADATA: &str = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE RFC822.HEADER BODY.PEEK[HEADER]<10.40> \
     BODY.PEEK[HEADER.FIELDS (From To Subject Date X-Trasporto)] BODY.PEEK[HEADER.FIELDS.NOT (Received)])";

type Watched = Observed<MemoryStore>;

/// A mail reader at this user's mailbox, and the store it reads from.
fn reader(street: &Street, user: &str) -> (Wire, Arc<Engine<Watched>>) {
    let house = street.house(&address(user));
    engine_with_password(house, &address(user), PASSWORD);
    let engine = Engine::open(Observed::new(house.store.clone()), house.setup()).expect("an engine");
    let engine = Arc::new(engine);
    let mut wire = Wire::new(front::imap(Arc::clone(&engine), Peer::LOCAL, true, Default::default()), street.now);
    wire.hear();
    assert!(wire.say(format!("a LOGIN {user} \"{PASSWORD}\"\r\n")).contains("a OK"));
    (wire, engine)
}

/// All metadata of a folder, and whether a message was read for it.
fn metadata(wire: &mut Wire, engine: &Engine<Watched>, folder: &str) -> (String, bool) {
    wire.say(format!("s SELECT {folder}\r\n"));
    engine.store().read();
    let told = wire.say(format!("f FETCH 1:* {METADATA}\r\n"));
    assert!(told.contains("f OK"), "{}", &told[told.len().saturating_sub(200)..]);
    let read = engine.store().read();
    let of_messages = [tag::MESSAGE, tag::BODY, tag::BODY_CHUNK];
    assert!(read.contains_key(&tag::FOLDER_ENTRY), "the reads are counted");
    (told, read.keys().any(|tag| of_messages.contains(tag)))
}

fn forget_summaries(store: &MemoryStore) {
    let mut batch = Batch::new();
    rows::of(store, tag::SUMMARY).iter().for_each(|(key, _)| batch.delete(key));
    store.commit(&batch, Durability::Synced).expect("removed");
}

fn append(wire: &mut Wire, message: &[u8]) {
    let mut command = format!("p APPEND Bozze {{{}+}}\r\n", message.len()).into_bytes();
    command.extend_from_slice(message);
    command.extend_from_slice(b"\r\n");
    let answer = wire.say(command);
    assert!(answer.contains("p OK"), "{answer}");
}

fn goldens() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/goldens");
    let mut paths: Vec<_> = std::fs::read_dir(folder).expect("goldens").map(|e| e.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "eml"));
    paths.sort();
    assert!(paths.len() > 30);
    paths.iter().map(|path| std::fs::read(path).expect("a golden")).collect()
}

#[test]
fn metadata_of_every_golden_is_told_without_reading_it_and_to_the_byte() {
    let street = Street::new(51);
    let (mut wire, engine) = reader(&street, ANNA);
    goldens().iter().for_each(|golden| append(&mut wire, golden));
    let (told, read) = metadata(&mut wire, &engine, "Bozze");
    assert!(!read, "a message was read");
    assert!(told.matches("BODYSTRUCTURE (").count() == goldens().len() && told.contains("\"postacert.eml\""));
    forget_summaries(&street.houses[0].store);
    let (computed, read) = metadata(&mut wire, &engine, "Bozze");
    assert!(read && told == computed, "what is kept differs from what the messages say");
}

#[test]
fn every_way_into_a_mailbox_keeps_the_summary() {
    let mut street = Street::new(52);
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    let beta = street.house(&bruno);
    let copies = DomainPolicy { receipt_to_recipient: true, ..DomainPolicy::default() };
    beta.engine().set_domain_policy(bruno.domain(), &copies).expect("a policy");
    beta.engine()
        .change(beta.login(&bruno).mailbox, &Change::Ordinary(OrdinaryMail::Accept), &Request::own(NOW))
        .expect("chosen");
    assert!(matches!(
        street.submit(&anna, &[bruno.clone(), address("nessuno@ente-beta.example")], ""),
        Ok(Submitted::Accepted(_))
    ));
    street.run();
    let outside = Address::parse("altro@esempio.example").expect("an address");
    let to = [bruno.clone()];
    let mail = arrived(Some(&outside), &to, message(&outside, &to, "").into_bytes(), "mx", false);
    street.house(&bruno).engine().receive(&mail, street.now).expect("taken");
    for (user, kinds) in [(ANNA, 3), (BRUNO, 3), ("posta-certificata@pec.alfa.example", 1)] {
        let (mut wire, engine) = reader(&street, user);
        let (told, read) = metadata(&mut wire, &engine, "INBOX");
        assert!(!read, "{user}: a message was read");
        assert_eq!(told.matches("ENVELOPE (").count(), kinds, "{user}: {told}");
    }
    street.houses.iter().for_each(|house| assert_clean(&house.store, "summaries"));
}

/// Headers that pass a row, and headers that pass what is kept at all.
#[test]
fn long_headers_are_told_the_same() {
    let street = Street::new(53);
    let (mut wire, engine) = reader(&street, ANNA);
    for recipients in [1_000, 3_000, 12_000] {
        let to: Vec<Address> = (0..recipients).map(|n| address(&format!("u{n}@ente-beta.example"))).collect();
        append(&mut wire, message(&address(ANNA), &to, "").as_bytes());
    }
    let store = &street.houses[0].store;
    assert_eq!(rows::of(store, tag::SUMMARY).len(), 2, "the longest is made anew each time");
    assert_clean(store, "long headers");
    let (told, _) = metadata(&mut wire, &engine, "Bozze");
    forget_summaries(store);
    assert_eq!(metadata(&mut wire, &engine, "Bozze").0, told);
}

#[test]
fn a_summary_that_does_not_read_stops_nothing_and_a_wrong_one_is_found() {
    let street = Street::new(54);
    let (mut wire, engine) = reader(&street, ANNA);
    append(&mut wire, b"Subject: uno\r\n\r\nx\r\n");
    append(&mut wire, b"Subject: due\r\n\r\nx\r\n");
    let (told, _) = metadata(&mut wire, &engine, "Bozze");
    let store = &street.houses[0].store;
    let kept = rows::of(store, tag::SUMMARY);
    let put = |key: &[u8], value: &[u8]| {
        let mut batch = Batch::new();
        batch.put(key, value);
        store.commit(&batch, Durability::Synced).expect("written");
    };
    put(&kept[0].0, b"\x01\x09");
    assert_eq!(metadata(&mut wire, &engine, "Bozze").0, told, "made anew");
    // The other message's summary: sound, and not its own.
    put(&kept[0].0, &kept[1].1);
    let found = findings(store);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0].key, found[0].problem), (&kept[0].0, Problem::Differs));
    let repaired = store.fork();
    Repair::new(&repaired, street.now).run().expect("repaired");
    assert_eq!(findings(&repaired), [], "moved aside: it is made anew");
    let mut light = Vec::new();
    Check::new(store, false).run(|page| light.extend(page.findings)).expect("read");
    assert_eq!(light, [], "only a deep check reads bodies");
    let mut alone = kept[0].0.clone();
    alone[5] ^= 1;
    put(&alone, &kept[0].1);
    put(&kept[0].0, &kept[0].1);
    let found = findings(store);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0].key, found[0].problem, found[0].remedy.as_str()), (&alone, Problem::Underived, "set-aside"));
}
