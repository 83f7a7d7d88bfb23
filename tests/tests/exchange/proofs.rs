//! Keywords that show, on the sender's own copy, what evidence there is of the message: `$PECAccepted`, `$PECDelivered`,
//! `$PECFailed`.

use std::time::Duration;

use sigillo_base::Address;
use sigillo_engine::{Kept, Peer, front};
use sigillo_store::memory::{Fault as StoreFault, Plan};
use sigillo_store::{Batch, Durability, Store, tag};
use sigillo_tests::fixtures::address;
use sigillo_tests::street::{Fate, Street, message};
use sigillo_tests::wire::{Wire, engine_with_password};

use super::check::{assert_clean, findings};
use super::expiry::expire;
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const CARLA: &str = "carla@gamma.example";
const NOBODY: &str = "nessuno@ente-beta.example";
const SENT: &str = "Inviata";
const WORDS: [&str; 3] = ["$PECAccepted", "$PECDelivered", "$PECFailed"];
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Anna's mail reader.
fn reader(street: &Street) -> Wire {
    let engine = engine_with_password(&street.houses[0], &address(ANNA), "una frase lunga");
    let mut wire = Wire::new(front::imap(engine, Peer::LOCAL, true, Default::default()), street.now);
    wire.hear();
    say(&mut wire, &format!("LOGIN {ANNA} \"una frase lunga\""));
    wire
}

fn say(wire: &mut Wire, command: &str) -> String {
    let said = wire.say(format!("t {command}\r\n"));
    assert!(said.contains("t OK"), "{command}: {said}");
    said
}

/// Puts the message as the client has it into a folder.
fn append(wire: &mut Wire, folder: &str, flags: &str, text: &str) -> String {
    say(wire, &format!("APPEND {folder} ({flags}) {{{}+}}\r\n{text}", text.len()))
}

fn own(to: &[Address]) -> String {
    message(&address(ANNA), to, "")
}

/// The words on each message of a folder.
fn words(wire: &mut Wire, folder: &str) -> Vec<Vec<&'static str>> {
    say(wire, &format!("SELECT {folder}"));
    let told = say(wire, "FETCH 1:* (FLAGS)");
    say(wire, "UNSELECT");
    let told = told.lines().filter(|line| line.starts_with("* ") && line.contains("FETCH"));
    told.map(|line| WORDS.into_iter().filter(|word| line.contains(word)).collect()).collect()
}

fn to(street: &Street, to: &[&str]) -> Vec<Address> {
    let to: Vec<Address> = to.iter().map(|to| address(to)).collect();
    street.submit(&address(ANNA), &to, "").expect("accepted");
    to
}

fn clean(street: &Street) {
    let store = &street.houses[0].store;
    assert_clean(store, "keywords and counts");
    assert!(findings(store).is_empty(), "{:?}", findings(store));
}

#[test]
fn the_copy_shows_acceptance_and_delivery_whenever_it_came() {
    // Before the message, between acceptance and delivery, after all.
    for came in 0..3 {
        let mut street = Street::new(1);
        let mut wire = reader(&street);
        let text = own(&[address(BRUNO)]);
        if came == 0 {
            append(&mut wire, SENT, "\\Seen", &text);
            assert_eq!(words(&mut wire, SENT), [[""; 0]], "nothing is known of it");
        }
        to(&street, &[BRUNO]);
        if came == 1 {
            append(&mut wire, SENT, "\\Seen lavoro", &text);
        }
        if came < 2 {
            assert_eq!(words(&mut wire, SENT), [["$PECAccepted"]]);
        }
        street.run();
        if came == 2 {
            append(&mut wire, SENT, "\\Seen", &text);
        }
        assert_eq!(words(&mut wire, SENT), [["$PECAccepted", "$PECDelivered"]], "{came}");
        say(&mut wire, &format!("SELECT {SENT}"));
        let flags = say(&mut wire, "FETCH 1 (FLAGS)");
        assert!(flags.contains("\\Seen") && flags.contains("lavoro") == (came == 1), "what was there stays: {flags}");
        clean(&street);
    }
}

#[test]
fn of_several_recipients_all_are_waited_for_and_one_who_fails_is_told() {
    let mut street = Street::new(2);
    let mut wire = reader(&street);
    street.network(|c| if c.to == "gamma.example" { Fate::Held } else { Fate::Arrives });
    let all = to(&street, &[BRUNO, CARLA, NOBODY]);
    append(&mut wire, SENT, "\\Seen", &own(&all));
    street.run();
    assert_eq!(words(&mut wire, SENT), [["$PECAccepted", "$PECFailed"]], "Carla has it not yet, another never will");
    street.network(|_| Fate::Arrives);
    street.pass(Duration::from_secs(3600));
    assert_eq!(words(&mut wire, SENT), [["$PECAccepted", "$PECFailed"]], "two of three have it");
    clean(&street);

    let mut street = Street::new(3);
    let mut wire = reader(&street);
    street.network(|c| if c.to == "gamma.example" { Fate::Held } else { Fate::Arrives });
    // Whom nobody certifies is not waited for.
    let all = to(&street, &[BRUNO, CARLA, "mario@altrove.example"]);
    append(&mut wire, SENT, "\\Seen", &own(&all));
    street.run();
    assert_eq!(words(&mut wire, SENT), [["$PECAccepted"]]);
    street.network(|_| Fate::Arrives);
    street.pass(Duration::from_secs(3600));
    assert_eq!(words(&mut wire, SENT), [["$PECAccepted", "$PECDelivered"]]);
    clean(&street);
}

#[test]
fn who_is_refused_or_overdue_has_failed_until_a_late_receipt_says_otherwise() {
    let mut street = Street::new(4);
    let mut wire = reader(&street);
    street.network(|_| Fate::Refused);
    let all = to(&street, &[BRUNO]);
    append(&mut wire, SENT, "\\Seen", &own(&all));
    street.run();
    assert_eq!(words(&mut wire, SENT), [["$PECAccepted", "$PECFailed"]]);
    clean(&street);

    let mut street = Street::new(5);
    let mut wire = reader(&street);
    street.network(|c| if c.kind == "avvenuta-consegna" { Fate::Held } else { Fate::Arrives });
    let all = to(&street, &[BRUNO]);
    append(&mut wire, SENT, "\\Seen", &own(&all));
    street.pass(DAY / 2 + DAY / 4);
    assert_eq!(words(&mut wire, SENT), [["$PECAccepted"]]);
    street.pass(DAY);
    assert_eq!(words(&mut wire, SENT), [["$PECAccepted", "$PECFailed"]], "the second notice");
    street.network(|_| Fate::Arrives);
    street.pass(DAY);
    assert_eq!(words(&mut wire, SENT), [["$PECAccepted", "$PECDelivered"]]);
    clean(&street);
}

#[test]
fn a_copy_is_found_where_it_was_moved_and_so_is_each_of_several() {
    let mut street = Street::new(6);
    let mut wire = reader(&street);
    street.network(|_| Fate::Held);
    let all = to(&street, &[BRUNO]);
    for folder in [SENT, "INBOX", SENT] {
        append(&mut wire, folder, "\\Seen", &own(&all));
    }
    say(&mut wire, "CREATE Pratiche");
    say(&mut wire, &format!("SELECT {SENT}"));
    say(&mut wire, "MOVE 1 Pratiche");
    say(&mut wire, "COPY 1 Cestino");
    street.network(|_| Fate::Arrives);
    street.pass(Duration::from_secs(3600));
    for folder in [SENT, "Pratiche", "Cestino"] {
        assert_eq!(words(&mut wire, folder), [["$PECAccepted", "$PECDelivered"]], "{folder}");
    }
    let inbox = words(&mut wire, "INBOX");
    assert_eq!(inbox.iter().filter(|words| !words.is_empty()).count(), 1, "the copy, and no receipt: {inbox:?}");
    // Who removed his copy hears nothing, and nothing goes wrong.
    for folder in [SENT, "Pratiche", "Cestino", "INBOX"] {
        say(&mut wire, &format!("SELECT {folder}"));
        say(&mut wire, "STORE 1:* +FLAGS.SILENT (\\Deleted)");
        say(&mut wire, "EXPUNGE");
    }
    to(&street, &[BRUNO]);
    street.run();
    clean(&street);
}

#[test]
fn another_message_a_draft_and_what_is_old_get_nothing() {
    let mut street = Street::new(7);
    let mut wire = reader(&street);
    let text = own(&to(&street, &[BRUNO]));
    append(&mut wire, SENT, "\\Seen", &text.replace("<uno@", "<due@"));
    append(&mut wire, SENT, "\\Draft", &text);
    append(&mut wire, SENT, "", &text.replace("Message-ID", "X-Altro"));
    let old = format!("APPEND {SENT} () \"01-Jan-2001 10:00:00 +0000\" {{{}+}}\r\n{text}", text.len());
    say(&mut wire, &old);
    street.run();
    assert_eq!(words(&mut wire, SENT), [[""; 0]; 4]);
    assert_eq!(rows::of(&street.houses[0].store, tag::PROOF).len(), 2, "the message's, and the other's");
    // Another user's copy is not the sender's.
    let carla = address("carla@comune-alfa.example");
    let engine = engine_with_password(&street.houses[0], &carla, "una frase lunga");
    let mut other = Wire::new(front::imap(engine, Peer::LOCAL, true, Default::default()), street.now);
    other.hear();
    say(&mut other, &format!("LOGIN {carla} \"una frase lunga\""));
    append(&mut other, SENT, "", &text);
    assert_eq!(words(&mut other, SENT), [[""; 0]]);
    clean(&street);
}

#[test]
fn the_message_that_was_sent_last_is_shown() {
    let mut street = Street::new(8);
    let mut wire = reader(&street);
    street.network(|_| Fate::Refused);
    let all = to(&street, &[BRUNO]);
    append(&mut wire, SENT, "", &own(&all));
    street.run();
    assert_eq!(words(&mut wire, SENT), [["$PECAccepted", "$PECFailed"]]);
    street.network(|_| Fate::Arrives);
    to(&street, &[BRUNO]);
    assert_eq!(words(&mut wire, SENT), [["$PECAccepted"]]);
    street.run();
    assert_eq!(words(&mut wire, SENT), [["$PECAccepted", "$PECDelivered"]]);
    clean(&street);
}

#[test]
fn who_idles_hears_it_and_who_comes_back_is_told_by_its_mod_sequence() {
    let mut street = Street::new(9);
    let (mut idles, mut other) = (reader(&street), reader(&street));
    let all = to(&street, &[BRUNO]);
    append(&mut idles, SENT, "\\Seen", &own(&all));
    let selected = say(&mut other, &format!("SELECT {SENT} (CONDSTORE)"));
    let (_, highest) = selected.split_once("[HIGHESTMODSEQ ").expect("a mod-sequence");
    let highest: u64 = highest.split(']').next().and_then(|n| n.parse().ok()).expect("a number");
    say(&mut idles, &format!("SELECT {SENT}"));
    assert!(idles.say("i IDLE\r\n").starts_with("+ "));
    let mailbox = street.houses[0].login(&address(ANNA)).mailbox;
    assert_eq!(idles.connection.watching(), Some(mailbox));
    street.run();
    idles.connection.wake(idles.tick);
    let told = String::from_utf8(idles.hear()).expect("ASCII");
    assert!(told.contains("* 1 FETCH") && told.contains("$PECDelivered"), "{told}");
    let changed = say(&mut other, &format!("FETCH 1:* (FLAGS) (CHANGEDSINCE {highest})"));
    assert!(changed.contains("$PECDelivered") && changed.contains(&format!("MODSEQ ({})", highest + 1)), "{changed}");
    // What changed nothing moves nothing.
    let nothing = say(&mut other, &format!("FETCH 1:* (FLAGS) (CHANGEDSINCE {})", highest + 1));
    assert!(!nothing.contains("FETCH ("), "{nothing}");
}

/// Whichever commit of the sender's provider is lost: no word is there that is not true, and nothing else is missing.
#[test]
fn a_commit_that_fails_leaves_no_wrong_word() {
    let faults = [StoreFault::Refused, StoreFault::Lost, StoreFault::CrashBefore, StoreFault::CrashAfter];
    for fault in faults {
        let mut missed = 0;
        for n in 1..=12 {
            let mut street = Street::new(10);
            let all = to(&street, &[BRUNO]);
            append(&mut reader(&street), SENT, "\\Seen", &own(&all));
            street.houses[0].store.plan(Plan::new().fail_commit(n, fault));
            street.run();
            street.houses[0].store.plan(Plan::new());

            street.houses[0].start();
            street.pass(DAY / 4);
            let shown = words(&mut reader(&street), SENT);
            match shown[0][..] {
                ["$PECAccepted", "$PECDelivered"] => {}
                ["$PECAccepted"] => missed += 1,
                _ => panic!("commit {n}, {fault:?}: {shown:?}"),
            }
            let kinds = street.kinds(&address(ANNA));
            assert_eq!(kinds, ["accettazione", "avvenuta-consegna"], "commit {n}, {fault:?}");
            clean(&street);
        }
        assert_eq!(
            missed, 1,
            "{fault:?}: only the commit of the word itself, or an unheard one of its receipt, takes it"
        );
    }
}

#[test]
fn what_was_missed_comes_with_the_next_evidence() {
    let mut street = Street::new(11);
    let store = street.houses[0].store.clone();
    street.network(|c| if c.to == "gamma.example" { Fate::Held } else { Fate::Arrives });
    let all = to(&street, &[NOBODY, CARLA]);
    append(&mut reader(&street), SENT, "\\Seen", &own(&all));
    // The row does not read while the first evidence comes.
    let (key, _) = rows::of(&store, tag::PROOF)[0].clone();
    let before = store.get(&key).expect("read");
    store.damage(&key);
    street.run();
    assert_eq!(street.kinds(&address(ANNA)), ["accettazione", "errore-consegna"], "the receipt is there");
    let mut batch = Batch::new();
    batch.put(&key, before.expect("a row"));
    store.commit(&batch, Durability::Synced).expect("put back");
    assert_eq!(words(&mut reader(&street), SENT), [["$PECAccepted"]]);
    street.network(|_| Fate::Arrives);
    street.pass(Duration::from_secs(3600));
    assert_eq!(words(&mut reader(&street), SENT), [["$PECAccepted", "$PECFailed"]]);
}

/// Who keeps no copy costs a row, and that ends after thirty days.
#[test]
fn a_message_without_a_copy_costs_one_row_for_thirty_days() {
    let mut street = Street::new(12);
    to(&street, &[BRUNO]);
    street.run();
    let (engine, store) = (street.houses[0].engine().clone(), street.houses[0].store.clone());
    let row = rows::of(&store, tag::PROOF);
    assert!(row.len() == 1 && row[0].0.len() + row[0].1.len() < 160, "{row:?}");
    let young = sigillo_base::Timestamp::from_millis(0);
    let kept = Kept { archive: None, records: young, accesses: young, counts: young };
    assert_eq!(expire(&engine, kept, street.now.plus(30 * DAY - DAY / 2)), 0);
    assert_eq!(expire(&engine, kept, street.now.plus(30 * DAY + DAY / 2)), 1);
    assert!(rows::of(&store, tag::PROOF).is_empty());
    clean(&street);
}
