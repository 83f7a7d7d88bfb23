//! A mail reader over the engine: certified messages as IMAP shows them.

use sigillo_accounts::{Block, Request};
use sigillo_engine::{Change, Obstacle, Peer, Submitted, front};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::street::Street;

use sigillo_tests::wire::{Wire, engine_with_password};

use super::rights::{Office, dora_name, ok};

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";

fn connect(street: &Street) -> Wire {
    let bruno = address(BRUNO);
    let engine = engine_with_password(street.house(&bruno), &bruno, "una frase lunga");
    let mut wire = Wire::new(front::imap(engine, Peer::LOCAL, true, Default::default()), street.now);
    let greeting = String::from_utf8(wire.hear()).expect("ASCII");
    assert!(greeting.starts_with("* OK "), "{greeting}");
    wire
}

fn logged_in(street: &Street) -> Wire {
    let mut wire = connect(street);
    let answer = wire.say(format!("a LOGIN {BRUNO} \"una frase lunga\"\r\n"));
    assert!(answer.contains("a OK"), "{answer}");
    wire
}

fn deliver(street: &mut Street) {
    let sent = street.submit(&address(ANNA), &[address(BRUNO)], "");
    assert!(matches!(sent, Ok(Submitted::Accepted(_))));
    street.run();
}

#[test]
fn a_certified_message_is_read_byte_for_byte() {
    let mut street = Street::new(1);
    deliver(&mut street);
    let stored = street.inbox(&address(BRUNO)).remove(0).bytes;
    let mut wire = logged_in(&street);
    let folders = wire.say("l LIST \"\" *\r\n");
    assert!(["INBOX", "Inviata", "Bozze", "Cestino"].iter().all(|name| folders.contains(name)), "{folders}");
    let selected = wire.say("b SELECT INBOX\r\n");
    assert!(
        selected.contains("* 1 EXISTS") && selected.contains("[UIDNEXT 2]") && selected.contains("b OK"),
        "{selected}"
    );
    let fetched = wire.say("c FETCH 1 (UID FLAGS RFC822.SIZE ENVELOPE BODY.PEEK[])\r\n");
    let literal = format!("BODY[] {{{}}}\r\n", stored.len());
    let at = fetched.find(&literal).unwrap_or_else(|| panic!("no {literal} in {fetched}")) + literal.len();
    assert_eq!(&fetched.as_bytes()[at..at + stored.len()], stored, "signed bytes, untouched");
    assert!(fetched.contains("UID 1") && fetched.contains(&format!("RFC822.SIZE {}", stored.len())), "{fetched}");
    assert!(fetched.contains("\"POSTA CERTIFICATA: Convocazione\"") && fetched.contains("FLAGS ()"), "{fetched}");
    let structure = wire.say("d FETCH 1 (BODYSTRUCTURE)\r\n").to_uppercase();
    for part in ["\"SIGNED\"", "\"DATICERT.XML\"", "\"POSTACERT.EML\"", "\"SMIME.P7S\""] {
        assert!(structure.contains(part), "{part} in {structure}");
    }
    assert!(wire.say("e LOGOUT\r\n").contains("* BYE") && wire.closed);
}

#[test]
fn flags_stay_and_others_see_them() {
    let mut street = Street::new(2);
    deliver(&mut street);
    let (mut one, mut other) = (logged_in(&street), logged_in(&street));
    for wire in [&mut other, &mut one] {
        let said = wire.say("a SELECT INBOX\r\n");
        assert!(said.contains("a OK"), "{said}");
    }
    let stored = one.say("b STORE 1 +FLAGS (\\Seen \\Flagged protocollato)\r\n");
    assert!(stored.contains("\\Seen") && stored.contains("protocollato") && stored.contains("b OK"), "{stored}");
    let told = other.say("b NOOP\r\n");
    assert!(told.contains("* 1 FETCH") && told.contains("\\Flagged"), "{told}");
    assert!(one.say("c SEARCH FLAGGED SUBJECT \"Convocazione\"\r\n").contains("* SEARCH 1\r\n"));
    let removed = one.say("d STORE 1 +FLAGS.SILENT (\\Deleted)\r\ne EXPUNGE\r\n");
    assert!(removed.contains("* 1 EXPUNGE") && removed.contains("e OK"), "{removed}");
    assert!(other.say("c NOOP\r\n").contains("* 1 EXPUNGE"));
    assert!(street.inbox(&address(BRUNO)).is_empty());
    let kept = super::rows::of(&street.houses[1].store, sigillo_store::tag::ARCHIVE);
    assert_eq!(kept.len(), 1, "the archive keeps what the reader deleted");
}

#[test]
fn a_new_message_wakes_who_idles() {
    let mut street = Street::new(3);
    let mut wire = logged_in(&street);
    assert_eq!(wire.connection.watching(), None);
    assert!(wire.say("a SELECT INBOX\r\n").contains("* 0 EXISTS"));
    assert!(wire.say("b IDLE\r\n").starts_with("+ "));
    let mailbox = street.house(&address(BRUNO)).login(&address(BRUNO)).mailbox;
    assert_eq!(wire.connection.watching(), Some(mailbox));
    deliver(&mut street);
    assert!(wire.hear().is_empty(), "nothing is told before the bell");
    wire.connection.wake(wire.tick);
    let told = String::from_utf8(wire.hear()).expect("ASCII");
    assert!(told.contains("* 1 EXISTS"), "{told}");
    assert!(wire.say("DONE\r\n").contains("b OK"));
    assert_eq!(wire.connection.watching(), None);
}

#[test]
fn a_wrong_password_waits_for_its_answer_and_a_blocked_box_is_told() {
    let street = Street::new(4);
    let bruno = address(BRUNO);
    let mut wire = connect(&street);
    assert_eq!(wire.say(format!("a LOGIN {BRUNO} sbagliata\r\n")), "", "not at once");
    assert!(wire.wait().contains("a NO"));
    let house = street.house(&bruno);
    house
        .engine()
        .change(house.login(&bruno).mailbox, &Change::Block(Block::default()), &Request::own(NOW))
        .expect("the mailbox is blocked");
    assert_eq!(wire.say(format!("b LOGIN {BRUNO} \"una frase lunga\"\r\n")), "");
    let answer = wire.wait();
    assert!(answer.contains("b NO") && answer.contains("bloccata"), "{answer}");
}

/// A store without room takes nothing new, and gives and frees what it has; the clock does not matter to a user's own.
#[test]
fn a_store_without_room_refuses_append_and_copy_but_not_reading_and_removing() {
    let mut street = Street::new(7);
    deliver(&mut street);
    let mut wire = logged_in(&street);
    wire.say("b SELECT INBOX\r\n");
    let engine = std::sync::Arc::clone(street.house(&address(BRUNO)).engine());
    for obstacle in [Obstacle::Disk, Obstacle::Store] {
        engine.set_accepting(obstacle, Err("Spazio insufficiente".into()));
        let append = wire.say("c APPEND Bozze {5+}\r\nciao!\r\n");
        assert!(append.contains("c NO [UNAVAILABLE] Spazio insufficiente"), "{append}");
        let copy = wire.say("d COPY 1 Bozze\r\n");
        assert!(copy.contains("d NO [UNAVAILABLE] Spazio insufficiente"), "{copy}");
        engine.set_accepting(obstacle, Ok(()));
    }
    engine.set_accepting(Obstacle::Clock, Err("Orologio".into()));
    assert!(wire.say("e COPY 1 Bozze\r\n").contains("e OK"));
    engine.set_accepting(Obstacle::Disk, Err("Spazio insufficiente".into()));
    assert!(wire.say("f FETCH 1 (RFC822.SIZE)\r\n").contains("f OK"));
    assert!(wire.say("g STORE 1 +FLAGS (\\Deleted)\r\n").contains("g OK"));
    assert!(wire.say("h EXPUNGE\r\n").contains("* 1 EXPUNGE"));
}

/// Between two commands he hears why; within a literal what he would hear were part of a message.
#[test]
fn whose_credential_ends_within_a_message_hears_no_word() {
    let mut office = Office::new(63);
    let message = format!("Subject: grande\r\n\r\n{}", "una riga\r\n".repeat(100_000));
    ok(&mut office.anna, &format!("APPEND INBOX {{{}+}}\r\n{message}", message.len()));
    ok(&mut office.dora, "SELECT INBOX");
    let dora = &mut office.dora;
    dora.connection.input(dora.tick, b"f FETCH 1 BODY.PEEK[]\r\n");
    let (mut got, mut turns) = (Vec::new(), 0);
    loop {
        match dora.connection.step() {
            front::Step::Write(bytes) => got.extend(bytes),
            front::Step::Work { .. } => {
                turns += 1;
                if turns == 3 {
                    office.engine.revoke_credential(office.mailbox, &dora_name(), NOW).expect("revoked");
                }
                dora.connection.work(dora.now, dora.tick);
            }
            front::Step::Close => break,
            _ => panic!("it goes on"),
        }
    }
    let said = String::from_utf8(got).expect("ASCII");
    let begin = format!("* 1 FETCH (BODY[] {{{}}}\r\n", message.len());
    let came = said.strip_prefix(&begin).expect("the message");
    assert!(turns == 3 && !came.is_empty() && came.len() < message.len() && message.starts_with(came), "{turns}");
}
