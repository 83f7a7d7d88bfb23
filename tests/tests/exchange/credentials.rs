//! Credentials of mailboxes: several for one box, each with its rights, each ended without the others (BOX-08, XCT-07).

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use sigillo_accounts::{Credential, CredentialName, Kind, PasswordHash, Rights};
use sigillo_base::{Secret, Timestamp};
use sigillo_engine::{Engine, Login, LoginError, Peer, front, verifier};
use sigillo_smtp::server::Role;
use sigillo_store::memory::{Fault, Plan};
use sigillo_store::{MemoryStore, tag};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::street::Street;
use sigillo_tests::wire::{Wire, engine_with_password};

use super::check::assert_clean;
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

fn name(text: &str) -> CredentialName {
    CredentialName::parse(text).expect("a name")
}

fn engine(street: &Street) -> Arc<Engine<MemoryStore>> {
    Arc::clone(street.house(&address(ANNA)).engine())
}

/// Another credential for Anna's box, with a password that is its name twice.
fn add(street: &Street, text: &str, rights: Rights) {
    let mailbox = street.house(&address(ANNA)).login(&address(ANNA)).mailbox;
    let verifier = verifier(&secret(&text.repeat(2)), [3; 32]).expect("a password");
    let new = Credential::new(Kind::Application, rights, verifier, NOW.as_millis());
    engine(street).add_credential(mailbox, &name(text), &new).expect("a credential");
}

fn log_in(engine: &Engine<MemoryStore>, user: &str, password: &str, now: Timestamp) -> Option<Login> {
    match engine.authenticate(user, &secret(password), now) {
        Ok(login) => Some(login),
        Err(LoginError::Credentials) => None,
        Err(other) => panic!("{user}: {other}"),
    }
}

fn submission(street: &Street, user: &str, password: &str) -> Wire {
    let mut wire =
        Wire::new(front::smtp(engine(street), Role::SubmissionTls, Peer::LOCAL, true, Default::default()), street.now);
    wire.hear();
    wire.say("EHLO gestionale\r\n");
    let plain = BASE64.encode(format!("\0{user}\0{password}").as_bytes());
    assert!(wire.say(format!("AUTH PLAIN {plain}\r\n")).starts_with("235"), "{user} logs in");
    wire
}

#[test]
fn each_credential_of_a_box_proves_itself_alone_and_ends_alone() {
    let street = Street::new(1);
    let (engine, anna) = (engine(&street), address(ANNA));
    engine_with_password(street.house(&anna), &anna, "una frase lunga");
    add(&street, "paghe", Rights::ALL);
    add(&street, "tributi", Rights::ALL);
    let mailbox = street.house(&anna).login(&anna).mailbox;
    let login = log_in(&engine, &format!("{ANNA}/Paghe"), "paghepaghe", NOW).expect("the application");
    assert_eq!((login.mailbox, &login.address, login.credential()), (mailbox, &anna, name("paghe")));
    let owner = log_in(&engine, "Anna@Comune-Alfa.example", "una frase lunga", NOW).expect("the owner");
    assert!(owner.credential().is_owner());
    for (user, password) in [
        (ANNA, "paghepaghe"),
        ("anna@comune-alfa.example/paghe", "una frase lunga"),
        ("anna@comune-alfa.example/paghe", "tributitributi"),
        ("anna@comune-alfa.example/nessuno", "paghepaghe"),
        ("anna@comune-alfa.example/", "una frase lunga"),
        ("nessuno@comune-alfa.example/paghe", "paghepaghe"),
        ("paghe", "paghepaghe"),
    ] {
        assert_eq!(log_in(&engine, user, password, NOW), None, "{user} with {password}");
    }
    engine.revoke_credential(mailbox, &name("paghe"), NOW).expect("revoked");
    assert_eq!(log_in(&engine, &format!("{ANNA}/paghe"), "paghepaghe", NOW), None, "verified before, revoked since");
    assert!(log_in(&engine, &format!("{ANNA}/tributi"), "tributitributi", NOW).is_some());
    assert!(engine.revoke_credential(mailbox, &CredentialName::owner(), NOW).is_err(), "a box without its owner");
    let again = Credential::new(Kind::Application, Rights::ALL, verifier(&secret("x"), [4; 32]).expect("ok"), 0);
    let refused = engine.add_credential(mailbox, &name("paghe"), &again).expect_err("a name means one credential");
    assert!(refused.to_string().contains("non si dà due volte"), "{refused}");
    assert!(engine.set_secret(mailbox, &name("paghe"), &again.verifier, NOW).is_err(), "revoked is for good");
    assert_clean(&street.house(&anna).store, "alfa");
}

#[test]
fn a_revoked_credential_ends_its_open_sessions_and_no_others() {
    let street = Street::new(2);
    let anna = address(ANNA);
    add(&street, "paghe", Rights::ALL);
    add(&street, "tributi", Rights::ALL);
    let (engine, mailbox) = (engine(&street), street.house(&anna).login(&anna).mailbox);
    let mut paghe = submission(&street, &format!("{ANNA}/paghe"), "paghepaghe");
    let mut tributi = submission(&street, &format!("{ANNA}/tributi"), "tributitributi");
    let mut reader = Wire::new(front::imap(Arc::clone(&engine), Peer::LOCAL, true, Default::default()), NOW);
    reader.hear();
    assert!(reader.say(format!("a LOGIN {ANNA}/paghe paghepaghe\r\n")).contains("a OK"));
    assert!(reader.say("b SELECT INBOX\r\nc IDLE\r\n").contains("+ "));
    let mail = format!("MAIL FROM:<{ANNA}>\r\n");
    assert!(paghe.say(&mail).starts_with("250"));
    paghe.say("RSET\r\n");
    engine.revoke_credential(mailbox, &name("paghe"), NOW).expect("revoked");
    assert!(paghe.say(&mail).starts_with("535 5.7.8"));
    assert!(tributi.say(&mail).starts_with("250"));
    reader.connection.wake(reader.tick);
    assert!(String::from_utf8_lossy(&reader.hear()).contains("* BYE") && reader.closed, "who waits is woken and out");
    // Another secret ends the sessions of the old one too, also between MAIL and the message.
    let other = verifier(&secret("un'altra"), [5; 32]).expect("a password");
    assert!(tributi.say(format!("RCPT TO:<{ANNA}>\r\nDATA\r\n")).contains("354"));
    engine.set_secret(mailbox, &name("tributi"), &other, NOW).expect("rotated");
    let body = sigillo_tests::street::message(&anna, std::slice::from_ref(&anna), "");
    assert!(tributi.say(format!("{body}.\r\n")).starts_with("535 5.7.8"));
    assert!(street.inbox(&anna).is_empty(), "nothing was sent");
}

#[test]
fn a_credential_for_reading_does_not_send_and_one_for_sending_does_not_read() {
    let street = Street::new(3);
    add(&street, "lettore", Rights { read: true, send: false });
    add(&street, "mittente", Rights { read: false, send: true });
    let mut wire = submission(&street, &format!("{ANNA}/lettore"), "lettorelettore");
    assert!(wire.say(format!("MAIL FROM:<{ANNA}>\r\n")).starts_with("550 5.7.1"));
    let mut wire = submission(&street, &format!("{ANNA}/mittente"), "mittentemittente");
    assert!(wire.say(format!("MAIL FROM:<{ANNA}>\r\n")).starts_with("250"));
    let imap = |user: &str, password: &str| {
        let mut wire = Wire::new(front::imap(engine(&street), Peer::LOCAL, true, Default::default()), NOW);
        wire.hear();
        let answer = wire.say(format!("a LOGIN {ANNA}/{user} {password}\r\n"));
        if answer.is_empty() { wire.wait() } else { answer }
    };
    assert!(imap("lettore", "lettorelettore").contains("a OK"));
    assert!(imap("mittente", "mittentemittente").contains("a NO [AUTHORIZATIONFAILED]"));
}

#[test]
fn scram_keys_are_learnt_from_a_hash_and_nobody_learns_from_them_who_exists() {
    let mut street = Street::new(4);
    let (anna, house) = (address(ANNA), engine(&street));
    let unknown = house.scram("Chi@comune-alfa.example").expect("keys");
    assert_eq!(unknown, house.scram("chi@COMUNE-alfa.example ").expect("keys"), "always the same");
    assert_ne!(unknown.salt, house.scram("altri@comune-alfa.example").expect("keys").salt);
    // A password that came as a hash: keys of nobody until it was said once.
    let hash = PasswordHash::create(&secret("una frase lunga"), [7; 16]).expect("a hash");
    let mailbox = street.house(&anna).login(&anna).mailbox;
    house.set_password(mailbox, hash, NOW).expect("set");
    let before = house.scram(ANNA).expect("keys");
    assert!(
        matches!(house.scram_login(ANNA, &before, NOW), Err(LoginError::Credentials)),
        "nobody's keys let nobody in"
    );
    assert!(log_in(&house, ANNA, "una frase lunga", NOW).is_some());
    let learnt = house.scram(ANNA).expect("keys");
    assert_ne!(before, learnt);
    assert_eq!(learnt.iterations, unknown.iterations);
    let expected = sigillo_wire::sasl::ScramKeys::derive(&secret("una frase lunga"), &learnt.salt, learnt.iterations);
    assert_eq!(Some(&learnt), expected.as_ref());
    let login = house.scram_login(ANNA, &learnt, NOW).expect("in");
    assert_eq!(house.rights(&login).expect("read"), Some(Rights::ALL));
    house.set_password(mailbox, verifier(&secret("altra"), [9; 32]).expect("ok"), NOW).expect("set");
    assert!(matches!(house.scram_login(ANNA, &learnt, NOW), Err(LoginError::Credentials)), "keys of the old password");
    assert_eq!(house.rights(&login).expect("read"), None);
    // What nobody's keys are made with survives a restart.
    drop(house);
    street.houses[0].stop();
    street.houses[0].start();
    assert_eq!(engine(&street).scram("chi@comune-alfa.example").expect("keys"), unknown);
    assert_clean(&street.houses[0].store, "alfa");
}

#[test]
fn the_last_use_is_noted_once_a_minute_and_never_stands_in_the_way() {
    let street = Street::new(5);
    add(&street, "paghe", Rights::ALL);
    let (engine, anna) = (engine(&street), address(ANNA));
    let mailbox = street.house(&anna).login(&anna).mailbox;
    let used = || {
        let all = engine.credentials(mailbox).expect("read");
        assert_eq!(all.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["", "paghe"]);
        (all[0].last_used, all[1].last_used)
    };
    let enter = |now| {
        let mut wire = Wire::new(front::imap(Arc::clone(&engine), Peer::LOCAL, true, Default::default()), now);
        wire.hear();
        wire.say(format!("a LOGIN {ANNA}/paghe paghepaghe\r\n"))
    };
    assert_eq!(used(), (None, None));
    for (seconds, noted) in [(0, 0), (59, 0), (60, 60), (200, 200)] {
        let now = NOW.plus(Duration::from_secs(seconds));
        assert!(enter(now).contains("a OK"));
        assert_eq!(used(), (None, Some(NOW.plus(Duration::from_secs(noted)))));
    }
    let store = &street.house(&anna).store;
    assert_eq!(rows::of(store, tag::CREDENTIAL_USE).len(), 1);
    // A full disk takes no note, and keeps nobody from his mail.
    store.plan(Plan::new().fail_commit(1, Fault::Refused));
    assert!(enter(NOW.plus(Duration::from_secs(3600))).contains("a OK"));
    assert_eq!(used().1, Some(NOW.plus(Duration::from_secs(200))));
}
