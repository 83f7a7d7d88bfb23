//! A mail reader over the engine that fetches and goes: certified messages as POP3 gives them.

use sigillo_accounts::{Block, CredentialName, Request};
use sigillo_engine::{Change, Engine, Lockout, Peer, Setup, Submitted, front};
use sigillo_store::{MemoryStore, tag};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::street::Street;
use sigillo_tests::wire::{Wire, engine_with_password};
use std::sync::Arc;

use super::rights::{self, Office, ok};
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const PASSWORD: &str = "una frase lunga";

fn engine(street: &Street) -> Arc<Engine<MemoryStore>> {
    engine_with_password(street.house(&address(BRUNO)), &address(BRUNO), PASSWORD)
}

fn connect(street: &Street, engine: &Arc<Engine<MemoryStore>>) -> Wire {
    let mut wire = Wire::new(front::pop3(Arc::clone(engine), Peer::LOCAL, true, Default::default()), street.now);
    assert!(wire.hear().starts_with(b"+OK "));
    wire
}

fn log_in(wire: &mut Wire) -> String {
    wire.say(format!("USER {BRUNO}\r\n"));
    wire.say(format!("PASS {PASSWORD}\r\n"))
}

fn logged_in(street: &Street, engine: &Arc<Engine<MemoryStore>>) -> Wire {
    let mut wire = connect(street, engine);
    let answer = log_in(&mut wire);
    assert!(answer.starts_with("+OK "), "{answer}");
    wire
}

fn imap(street: &Street, engine: &Arc<Engine<MemoryStore>>) -> Wire {
    let mut wire = Wire::new(front::imap(Arc::clone(engine), Peer::LOCAL, true, Default::default()), street.now);
    wire.hear();
    wire.say(format!("a LOGIN {BRUNO} \"{PASSWORD}\"\r\n"));
    wire
}

fn deliver(street: &mut Street) {
    let sent = street.submit(&address(ANNA), &[address(BRUNO)], "");
    assert!(matches!(sent, Ok(Submitted::Accepted(_))));
    street.run();
}

#[test]
fn a_certified_message_is_fetched_byte_for_byte() {
    let mut street = Street::new(1);
    deliver(&mut street);
    let stored = street.inbox(&address(BRUNO)).remove(0).bytes;
    let engine = engine(&street);
    let mut wire = logged_in(&street, &engine);
    assert_eq!(wire.say("STAT\r\n"), format!("+OK 1 {}\r\n", stored.len()));
    let said = wire.say("RETR 1\r\n");
    let body = said.strip_prefix(&format!("+OK {} ottetti\r\n", stored.len())).expect("the message");
    let lines = body.strip_suffix(".\r\n").expect("its end").split_inclusive("\r\n");
    let got: String = lines.map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
    assert_eq!(got.as_bytes(), stored, "signed bytes, untouched");
    let top = wire.say("TOP 1 0\r\n");
    assert!(
        top.contains("\r\nSubject: POSTA CERTIFICATA: Convocazione\r\n") && top.ends_with("\r\n\r\n.\r\n"),
        "{top}"
    );
    // Reading changes nothing that others see.
    let mut reader = imap(&street, &engine);
    assert!(reader.say("b SELECT INBOX\r\n").contains("* 1 EXISTS"));
    assert!(reader.say("c FETCH 1 (FLAGS)\r\n").contains("FLAGS ()"));
    assert!(wire.say("QUIT\r\n").starts_with("+OK ") && wire.closed);
    assert!(reader.say("d NOOP\r\n").starts_with("d OK"));
}

#[test]
fn what_is_marked_goes_with_quit_in_one_commit_and_the_archive_keeps_it() {
    let mut street = Street::new(2);
    (0..3).for_each(|_| deliver(&mut street));
    let engine = engine(&street);
    let mut reader = imap(&street, &engine);
    reader.say("b SELECT INBOX\r\n");
    // Who breaks off removes nothing.
    let mut wire = logged_in(&street, &engine);
    assert!(wire.say("DELE 1\r\n").starts_with("+OK"));
    wire.connection.end_of_input(wire.tick);
    wire.hear();
    assert!(wire.closed && street.inbox(&address(BRUNO)).len() == 3);
    drop(wire);
    let mut wire = logged_in(&street, &engine);
    let names = wire.say("UIDL\r\n");
    let third = names.lines().nth(3).and_then(|line| line.split(' ').nth(1)).expect("a name").to_owned();
    wire.say("DELE 1\r\nDELE 2\r\n");
    assert_eq!(street.inbox(&address(BRUNO)).len(), 3, "not before QUIT");
    let changes = |street: &Street| rows::of(&street.house(&address(BRUNO)).store, tag::FOLDER_CHANGES).len();
    let before = changes(&street);
    assert_eq!(wire.say("QUIT\r\n"), "+OK Arrivederci\r\n");
    let told = reader.say("c NOOP\r\n");
    assert_eq!(told.matches("EXPUNGE").count(), 2, "{told}");
    let mailbox = street.house(&address(BRUNO)).login(&address(BRUNO)).mailbox;
    let gone = engine.vanished(mailbox, 1, 0).expect("the folder remembers");
    assert_eq!(gone, Some(vec![1, 2]));
    assert_eq!(changes(&street) - before, 1, "both in one commit");
    let kept = rows::of(&street.house(&address(BRUNO)).store, tag::ARCHIVE);
    assert_eq!(kept.len(), 3, "the archive keeps what the reader deleted");
    // A name is for ever: the third message is now the first.
    drop(wire);
    assert_eq!(logged_in(&street, &engine).say("UIDL 1\r\n"), format!("+OK 1 {third}\r\n"));
}

#[test]
fn one_session_has_the_maildrop_and_its_end_frees_it() {
    let mut street = Street::new(3);
    deliver(&mut street);
    let engine = engine(&street);
    let mut first = logged_in(&street, &engine);
    let mut second = connect(&street, &engine);
    let answer = log_in(&mut second);
    assert!(answer.starts_with("-ERR [IN-USE] "), "{answer}");
    // IMAP beside it changes nothing of what this session counts, and what IMAP removed is not given.
    let mut reader = imap(&street, &engine);
    reader.say("b SELECT INBOX\r\n");
    reader.say("c STORE 1 +FLAGS (\\Deleted)\r\nd EXPUNGE\r\n");
    deliver(&mut street);
    assert!(first.say("STAT\r\n").starts_with("+OK 1 "));
    assert!(first.say("RETR 1\r\n").starts_with("-ERR Il messaggio non c'e' piu'"));
    assert!(first.say("DELE 1\r\nQUIT\r\n").ends_with("+OK Arrivederci\r\n"), "what is gone is gone");
    // Silence frees it too.
    drop(first);
    let answer = log_in(&mut second);
    assert!(answer.starts_with("+OK "), "{answer}");
    second.wait();
    assert!(second.closed);
    drop(second);
    assert!(logged_in(&street, &engine).say("STAT\r\n").starts_with("+OK 1 "));
}

#[test]
fn refusals_have_their_codes() {
    let street = Street::new(4);
    let bruno = address(BRUNO);
    let engine = engine(&street);
    let mut wire = connect(&street, &engine);
    wire.say(format!("USER {BRUNO}\r\n"));
    assert_eq!(wire.say("PASS sbagliata\r\n"), "", "not at once");
    assert!(wire.wait().starts_with("-ERR [AUTH] Utente o password errati"));
    let mailbox = street.house(&bruno).login(&bruno).mailbox;
    engine.change(mailbox, &Change::Block(Block::default()), &Request::own(NOW)).expect("the mailbox is blocked");
    assert_eq!(log_in(&mut wire), "");
    let answer = wire.wait();
    assert!(answer.starts_with("-ERR [AUTH] ") && answer.contains("bloccata"), "{answer}");
    assert!(answer.contains("rivolgersi al proprio gestore"), "{answer}");
    engine.change(mailbox, &Change::Unblock, &Request::own(NOW)).expect("the mailbox is active");
    assert!(log_in(&mut wire).starts_with("+OK "));
    // Who only has to change his password hears where.
    let owner = CredentialName::owner();
    for (change, expires, why) in
        [(true, None, "La password e' da cambiare"), (false, Some(street.now), "La password e' scaduta")]
    {
        engine.set_standing(mailbox, &owner, Some(change), Some(expires)).expect("changed");
        let mut wire = connect(&street, &engine);
        assert_eq!(log_in(&mut wire), "");
        let answer = wire.wait();
        let told = answer.starts_with(&format!("-ERR [AUTH] {why}"));
        assert!(
            told && answer.contains(": si cambia con \"sigillo password change\"; ")
                && answer.contains("rivolgersi al proprio gestore"),
            "{answer}"
        );
    }
    engine.set_standing(mailbox, &owner, None, Some(None)).expect("changed");
    drop(wire);
    assert!(log_in(&mut connect(&street, &engine)).starts_with("+OK "));
}

#[test]
fn a_revoked_login_reads_and_removes_nothing_more() {
    let mut street = Street::new(5);
    deliver(&mut street);
    let engine = engine(&street);
    let mut wire = logged_in(&street, &engine);
    wire.say("DELE 1\r\n");
    let mailbox = street.house(&address(BRUNO)).login(&address(BRUNO)).mailbox;
    let hash = sigillo_accounts::PasswordHash::create(&sigillo_base::Secret::new("un'altra".into()), [8; 16]);
    engine.set_password(mailbox, hash.expect("a hash"), street.now).expect("the password is set");
    let answer = wire.say("QUIT\r\n");
    assert!(answer.starts_with("-ERR [AUTH] La credenziale e' stata revocata") && wire.closed, "{answer}");
    assert_eq!(street.inbox(&address(BRUNO)).len(), 1);
}

#[test]
fn guessing_locks_pop3_as_it_does_the_rest() {
    let street = Street::new(6);
    engine(&street);
    let house = street.house(&address(BRUNO));
    let lockout = Lockout { of_account: 2, ..Lockout::default() };
    let doors = sigillo_engine::Doors { lockout, ..sigillo_engine::Doors::default() };
    let engine = Arc::new(Engine::open(house.store.clone(), Setup { doors, ..house.setup() }).expect("it starts"));
    let mut wire = connect(&street, &engine);
    for _ in 0..2 {
        wire.say(format!("USER {BRUNO}\r\nPASS no\r\n"));
        wire.wait();
    }
    assert_eq!(log_in(&mut wire), "", "not at once");
    let answer = wire.wait();
    assert!(answer.starts_with("-ERR [SYS/TEMP] Troppi accessi falliti"), "{answer}");
}

#[test]
fn a_large_message_goes_out_in_pieces_each_when_the_one_before_has_gone() {
    let street = Street::new(7);
    let engine = engine(&street);
    let message = format!("Subject: grande\r\n\r\n{}", ".una riga\r\n".repeat(100_000));
    let mut reader = imap(&street, &engine);
    assert!(reader.say(format!("b APPEND INBOX {{{}+}}\r\n{message}\r\n", message.len())).contains("b OK"));
    let mut wire = logged_in(&street, &engine);
    wire.connection.input(wire.tick, b"RETR 1\r\nNOOP\r\n");
    let (mut got, mut turns) = (Vec::new(), 0);
    loop {
        match wire.connection.step() {
            front::Step::Write(bytes) => {
                assert!(bytes.len() < 100_000, "{}", bytes.len());
                got.extend(bytes);
            }
            front::Step::Work { bytes } => {
                assert!(bytes > 0, "what it takes is told");
                turns += 1;
                wire.connection.work(wire.now, wire.tick);
                // Removed in the middle, it is read to its end all the same.
                if turns == 3 {
                    reader.say("c SELECT INBOX\r\nd STORE 1 +FLAGS (\\Deleted)\r\ne EXPUNGE\r\n");
                }
            }
            _ => break,
        }
    }
    assert!(turns > 10, "{turns}");
    let said = String::from_utf8(got).expect("ASCII");
    let expected = message.replace("\r\n.", "\r\n..");
    assert_eq!(said, format!("+OK {} ottetti\r\n{expected}.\r\n+OK \r\n", message.len()));
}

/// RFC 4314 §4: what is asked at the login is asked again when a message is.
#[test]
fn a_right_that_is_taken_holds_for_the_next_message() {
    let mut office = Office::new(62);
    ok(&mut office.anna, "APPEND INBOX {18+}\r\nSubject: x\r\n\r\nciao");
    let (engine, now) = (Arc::clone(&office.engine), office.street.now);
    let mut dora = Wire::new(front::pop3(engine, Peer::LOCAL, true, Default::default()), now);
    dora.hear();
    dora.say(format!("USER {}/dora\r\n", rights::ANNA));
    assert!(dora.say(format!("PASS {PASSWORD}\r\n")).starts_with("+OK "));
    let message = "+OK 18 ottetti\r\nSubject: x\r\n\r\nciao\r\n.\r\n";
    assert_eq!(dora.say("RETR 1\r\n"), message);
    ok(&mut office.anna, "SETACL INBOX dora -r");
    let denied = "Operazione non consentita dai diritti sulla INBOX\r\n";
    for command in ["RETR 1\r\n", "TOP 1 0\r\n"] {
        assert_eq!(dora.say(command), format!("-ERR [SYS/PERM] {denied}"));
    }
    ok(&mut office.anna, "SETACL INBOX dora +r");
    assert_eq!(dora.say("RETR 1\r\n"), message);
    ok(&mut office.anna, "SETACL INBOX dora -te");
    assert_eq!(
        dora.say("DELE 1\r\nQUIT\r\n").lines().last(),
        Some(format!("-ERR [SYS/PERM] Messaggi non eliminati: {denied}").trim_end())
    );
    assert!(ok(&mut office.anna, "STATUS INBOX (MESSAGES)").contains("MESSAGES 1"));
}
