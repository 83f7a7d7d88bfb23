//! A mailbox whose receipts go into a folder of their own: all of them and nothing else, whatever becomes of the folder.

use std::sync::Arc;
use std::time::Duration;

use sigillo_accounts::Request;
use sigillo_base::Address;
use sigillo_engine::front::Contents;
use sigillo_engine::{Change, Peer, Submitted, front};
use sigillo_store::{Batch, Durability, Store, tag};
use sigillo_tests::fixtures::address;
use sigillo_tests::street::{Fate, Street, message};
use sigillo_tests::wire::{Wire, engine_with_password};

use super::check::{assert_clean, findings};
use super::policy::{ordinary, takes_ordinary};
use super::rights::{no, ok};
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const CARLA: &str = "carla@gamma.example";
const NOBODY: &str = "nessuno@ente-beta.example";
const PASSWORD: &str = "una frase lunga";
const FOLDER: &str = "Ricevute/PEC";

/// As the administration does it.
pub fn choose(street: &Street, of: &str, folder: &str) -> Result<(), String> {
    let house = street.house(&address(of));
    let (engine, id) = (house.engine(), house.login(&address(of)).mailbox);
    if !folder.eq_ignore_ascii_case("INBOX") {
        Contents::new(engine, id, street.now).make_folder(folder, None, None).map_err(|e| format!("{e:?}"))?;
    }
    let change = Change::Receipts(folder.to_owned());
    engine.change(id, &change, &Request::own(street.now)).map(drop).map_err(|e| e.to_string())
}

fn chosen(street: &Street) -> String {
    let house = street.house(&address(ANNA));
    house.engine().receipts_folder(house.login(&address(ANNA)).mailbox).expect("read")
}

/// Anna's mail reader.
fn reader(street: &Street) -> Wire {
    let engine = engine_with_password(&street.houses[0], &address(ANNA), PASSWORD);
    let mut wire = Wire::new(front::imap(engine, Peer::LOCAL, true, Default::default()), street.now);
    wire.hear();
    ok(&mut wire, &format!("LOGIN {ANNA} \"{PASSWORD}\""));
    wire
}

/// What lies in a folder: the words of X-Ricevuta and X-Trasporto, in order.
fn kinds(wire: &mut Wire, folder: &str) -> Vec<String> {
    ok(wire, &format!("SELECT {folder}"));
    let told = ok(wire, "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (X-Ricevuta X-Trasporto)])");
    ok(wire, "UNSELECT");
    let words = told.lines().filter_map(|line| line.split_once(": ").filter(|(name, _)| name.starts_with("X-")));
    words.map(|(_, word)| word.trim().to_owned()).collect()
}

fn clean(street: &Street) {
    for house in &street.houses {
        assert_clean(&house.store, &house.fixture.provider.name);
        assert!(findings(&house.store).is_empty());
    }
}

fn send(street: &Street, from: &str, to: &[&str]) {
    let to: Vec<Address> = to.iter().map(|to| address(to)).collect();
    assert!(matches!(street.submit(&address(from), &to, ""), Ok(Submitted::Accepted(_))));
}

#[test]
fn receipts_of_every_kind_go_into_their_folder_and_messages_into_the_inbox() {
    let mut street = Street::new(420);
    choose(&street, ANNA, FOLDER).expect("chosen");
    takes_ordinary(&street.houses[0], ANNA);
    let mut wire = reader(&street);
    assert!(ok(&mut wire, "LSUB \"\" *").contains("Ricevute/PEC"), "it was made, and is subscribed");
    street.network(|c| if c.to == "gamma.example" { Fate::Held } else { Fate::Arrives });
    send(&street, ANNA, &[BRUNO, NOBODY, CARLA]);
    let odd = message(&address(ANNA), &[address(BRUNO)], "").into_bytes();
    let refused = street.submit_bytes(&address(ANNA), &[address(BRUNO), address(CARLA)], odd);
    assert!(matches!(refused, Ok(Submitted::NotAccepted(_))), "{refused:?}");
    send(&street, BRUNO, &[ANNA]);
    street.houses[0].engine().receive(&ordinary(&[address(ANNA)]), street.now).expect("ordinary mail");
    street.pass(Duration::from_secs(25 * 3600));
    let mut receipts = kinds(&mut wire, FOLDER);
    receipts.sort();
    let expected = [
        "accettazione",
        "avvenuta-consegna",
        "errore-consegna",
        "non-accettazione",
        "preavviso-errore-consegna",
        "preavviso-errore-consegna",
    ];
    assert_eq!(receipts, expected);
    let mut messages = kinds(&mut wire, "INBOX");
    messages.sort();
    assert_eq!(messages, ["errore", "posta-certificata"]);
    assert_eq!(street.kinds(&address(BRUNO)), ["accettazione", "posta-certificata", "avvenuta-consegna"], "as usual");
    clean(&street);
    // POP3 has the INBOX alone.
    let engine = Arc::clone(street.houses[0].engine());
    let mut pop = Wire::new(front::pop3(engine, Peer::LOCAL, true, Default::default()), street.now);
    pop.hear();
    pop.say(format!("USER {ANNA}\r\n"));
    assert!(pop.say(format!("PASS {PASSWORD}\r\n")).starts_with("+OK"));
    assert!(pop.say("STAT\r\n").starts_with("+OK 2 "));
}

#[test]
fn the_folder_is_followed_under_any_name_and_without_it_there_is_the_inbox() {
    let mut street = Street::new(421);
    choose(&street, ANNA, FOLDER).expect("chosen");
    let mut wire = reader(&street);
    ok(&mut wire, "RENAME Ricevute Archivio");
    assert_eq!(chosen(&street), "Archivio/PEC");
    // Another one under the old name is another one.
    ok(&mut wire, "CREATE Ricevute/PEC");
    ok(&mut wire, "SELECT Archivio/PEC");
    send(&street, ANNA, &[BRUNO]);
    assert!(ok(&mut wire, "NOOP").contains("* 1 EXISTS"), "who looks into it hears of what comes");
    street.run();
    assert!(ok(&mut wire, "NOOP").contains("* 2 EXISTS"));
    ok(&mut wire, "UNSELECT");
    ok(&mut wire, "DELETE Archivio/PEC");
    assert_eq!(chosen(&street), "INBOX");
    assert!(rows::of(&street.houses[0].store, tag::RECEIPTS_FOLDER).is_empty());
    send(&street, ANNA, &[BRUNO]);
    street.run();
    assert_eq!(kinds(&mut wire, "INBOX"), ["accettazione", "avvenuta-consegna"]);
    assert!(kinds(&mut wire, "Ricevute/PEC").is_empty());
    no(&mut wire, "SELECT Archivio/PEC", "NONEXISTENT");
    clean(&street);
}

#[test]
fn only_a_folder_that_keeps_what_it_gets_is_chosen_and_inbox_takes_it_back() {
    let street = Street::new(422);
    for (folder, why) in [("Cestino", "cestino"), ("Bozze", "bozze"), ("", "valid"), ("a//b", "valid")] {
        let refused = choose(&street, ANNA, folder).expect_err(folder);
        assert!(refused.contains(why), "{folder}: {refused}");
    }
    let service = street.houses[0].fixture.provider.service_address.to_string();
    assert!(choose(&street, &service, FOLDER).is_err_and(|text| text.contains("casella di servizio")));
    assert_eq!(chosen(&street), "INBOX");
    choose(&street, ANNA, "Inviata").expect("his own messages are there too: why not");
    assert_eq!(chosen(&street), "Inviata");
    choose(&street, ANNA, "inbox").expect("taken back");
    assert_eq!(chosen(&street), "INBOX");
    assert!(rows::of(&street.houses[0].store, tag::RECEIPTS_FOLDER).is_empty());
    // A row that cannot be read stops no receipt.
    choose(&street, ANNA, FOLDER).expect("chosen");
    let (key, _) = rows::of(&street.houses[0].store, tag::RECEIPTS_FOLDER).remove(0);
    let mut batch = Batch::new();
    batch.put(&key, b"\x01");
    street.houses[0].store.commit(&batch, Durability::Synced).expect("written");
    send(&street, ANNA, &[BRUNO]);
    let mut wire = reader(&street);
    assert_eq!(kinds(&mut wire, "INBOX"), ["accettazione"]);
    assert_eq!(findings(&street.houses[0].store).len(), 1, "and is told of");
}
