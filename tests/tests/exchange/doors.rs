//! What every protocol asks of its clients: a pace, few connections of one account, few wrong passwords.

use std::sync::Arc;

use data_encoding::BASE64;
use sigillo_engine::{Doors, Engine, Pace, Peer, Setup, front};
use sigillo_smtp::server::Role;
use sigillo_store::MemoryStore;
use sigillo_tests::fixtures::address;
use sigillo_tests::street::Street;
use sigillo_tests::wire::{Wire, engine_with_password};

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";

/// Anna's provider with other doors, and her password set.
fn with(street: &Street, doors: Doors) -> Arc<Engine<MemoryStore>> {
    let anna = address(ANNA);
    let house = street.house(&anna);
    engine_with_password(house, &anna, "una frase lunga");
    Arc::new(Engine::open(house.store.clone(), Setup { doors, ..house.setup() }).expect("the provider starts"))
}

fn smtp(street: &Street, engine: &Arc<Engine<MemoryStore>>, from: Peer) -> Wire {
    let mut wire =
        Wire::new(front::smtp(Arc::clone(engine), Role::SubmissionTls, from, true, Default::default()), street.now);
    wire.hear();
    wire.say("EHLO pc\r\n");
    wire
}

fn imap(street: &Street, engine: &Arc<Engine<MemoryStore>>, from: Peer) -> Wire {
    let mut wire = Wire::new(front::imap(Arc::clone(engine), from, true, Default::default()), street.now);
    wire.hear();
    wire
}

fn plain(password: &str) -> String {
    format!("AUTH PLAIN {}\r\n", BASE64.encode(format!("\0{ANNA}\0{password}").as_bytes()))
}

#[test]
fn a_message_that_comes_too_slowly_is_dropped_and_one_at_a_pace_is_not() {
    let street = Street::new(1);
    let engine = with(&street, Doors { pace: Pace { grace_ms: 1000, bytes_s: 100 }, ..Doors::default() });
    let mut wire = smtp(&street, &engine, Peer::LOCAL);
    assert!(wire.say(plain("una frase lunga")).starts_with("235"));
    wire.say(format!("MAIL FROM:<{ANNA}>\r\nRCPT TO:<{BRUNO}>\r\nDATA\r\n"));
    let begun = wire.tick;
    for second in 1..=30 {
        wire.tick = begun.plus_ms(second * 1000);
        assert_eq!(wire.say("x".repeat(98) + "\r\n"), "", "at its pace");
    }
    let said = wire.wait();
    assert!(said.starts_with("421 4.4.2") && wire.closed, "{said}");
    assert_eq!(wire.tick, begun.plus_ms(31_000), "a second of grace, and thirty that were earned");
    assert!(street.kinds(&address(ANNA)).is_empty(), "nothing of it was taken");
}

#[test]
fn a_message_that_cannot_be_taken_is_told_why_however_slowly_it_comes() {
    let street = Street::new(3);
    let engine = with(&street, Doors { pace: Pace { grace_ms: 1000, bytes_s: 100 }, ..Doors::default() });
    for (defect, rest) in [("a\0b\r\n", "DATA"), ("a\0b\r\n", "BDAT 3005 LAST")] {
        let mut wire = smtp(&street, &engine, Peer::LOCAL);
        assert!(wire.say(plain("una frase lunga")).starts_with("235"));
        wire.say(format!("MAIL FROM:<{ANNA}>\r\nRCPT TO:<{BRUNO}>\r\n{rest}\r\n"));
        let begun = wire.tick;
        wire.say(defect);
        for second in 1..30 {
            wire.tick = begun.plus_ms(second * 1000);
            assert_eq!(wire.say("x".repeat(98) + "\r\n"), "", "{rest}: at its pace");
            assert!(wire.connection.deadline().is_some_and(|d| d > wire.tick), "{rest}: in the {second}. second");
        }
        let end = if rest == "DATA" { ".\r\n".to_owned() } else { "x".repeat(98) + "\r\n" };
        let said = wire.say(end);
        assert!(said.starts_with("554 5.6.0") && !wire.closed, "{rest}: {said}");
    }
}

#[test]
fn an_account_has_so_many_connections_of_whatever_protocol() {
    let street = Street::new(2);
    let engine = with(&street, Doors { per_account: 2, ..Doors::default() });
    let mut first = smtp(&street, &engine, Peer::LOCAL);
    assert!(first.say(plain("una frase lunga")).starts_with("235"));
    let login = format!("a LOGIN {ANNA} {{15}}\r\n");
    let mut second = imap(&street, &engine, Peer::LOCAL);
    assert!(second.say(&login).starts_with('+'));
    assert!(second.say("una frase lunga\r\n").starts_with("a OK"));
    let mut third = imap(&street, &engine, Peer::LOCAL);
    third.say(&login);
    assert_eq!(third.say("una frase lunga\r\n"), "");
    let said = third.wait();
    assert!(said.starts_with("a NO [LIMIT]") && (said.contains("al piu' 2") || said.contains("al più 2")), "{said}");
    let mut fourth = smtp(&street, &engine, Peer::LOCAL);
    fourth.say(plain("una frase lunga"));
    assert!(fourth.wait().starts_with("421 4.7.0") && fourth.closed);
    drop(first);
    third.say(&login);
    assert!(third.say("una frase lunga\r\n").starts_with("a OK"), "who leaves makes room");
}

#[test]
fn a_lock_holds_for_one_account_at_one_place_and_for_every_protocol() {
    let street = Street::new(3);
    let engine = with(&street, Doors::default());
    let (there, here) = (Peer { ip: [192, 0, 2, 66].into() }, Peer { ip: [198, 51, 100, 1].into() });
    for _ in 0..5 {
        let mut wire = smtp(&street, &engine, there);
        wire.say(plain("sbagliata"));
        assert!(wire.wait().starts_with("535 5.7.8"));
    }
    let mut locked = smtp(&street, &engine, there);
    locked.say(plain("una frase lunga"));
    let said = locked.wait();
    assert!(said.starts_with("421 4.7.0 Troppi accessi falliti da questo indirizzo, riprovare fra 1 min"), "{said}");
    let mut reader = imap(&street, &engine, there);
    let scram = BASE64.encode(format!("n,,n={ANNA},r=abc").as_bytes());
    reader.say("a AUTHENTICATE SCRAM-SHA-256\r\n");
    assert_eq!(reader.say(format!("{scram}\r\n")), "", "no keys are told either");
    assert!(reader.wait().starts_with("a NO [LIMIT]"));
    assert!(smtp(&street, &engine, here).say(plain("una frase lunga")).starts_with("235"), "she is elsewhere");
    let mut later = smtp(&street, &engine, there);
    later.tick = later.tick.plus_ms(120_000);
    assert!(later.say(plain("una frase lunga")).starts_with("235"), "time unlocks");
}
