//! Passwords that came as hashes of another system: their users come in with them, once, and from then on they are kept as all
//! others (PWD-06).

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use sigillo_accounts::{
    Contact, CredentialName, Done, Executed, Grant, PasswordHash, PersonName, Profile, Request, Rights, Role, Scope,
};
use sigillo_base::{MailboxId, Phone, Secret};
use sigillo_engine::{Credentialed, Engine, HashGiven, LoginError, NewPerson, Peer, front, verifier};
use sigillo_pec::log::{Entry, ServiceEvent};
use sigillo_store::MemoryStore;
use sigillo_store::memory::{Fault, Plan};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::log::entries;
use sigillo_tests::street::Street;
use sigillo_tests::wire::Wire;

use super::check::assert_clean;

const ANNA: &str = "anna@comune-alfa.example";
const PASSWORD: &str = "Segreta-123 però";
/// By libxcrypt, passlib and Dovecot (`accounts: password::tests`).
const HASHES: [&str; 3] = [
    "$6$rounds=1234$short$9Ar1kuB3gDZze0IfIm2njSILpq8iYaiRanfCKCNptQA2TRMzLgPjE9qlIHlAOCI3Crod4qrh4l6Ydb8tMzmFw.",
    "{SSHA}2xwV2K5XqDvqsjVHCTURDQrdG9Q8p/T+",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$6jA1CC1yXN3kl6CSB2NiQA$u5Y+DHW5C4Bug4+md1dR4eH139XnryeTh06BEsWZm9k",
];

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

fn hash(text: &str) -> PasswordHash {
    PasswordHash::parse(text).expect("a hash")
}

/// Anna's provider, and her mailbox with this hash.
fn moved(seed: u64, text: &str) -> (Street, Arc<Engine<MemoryStore>>, MailboxId) {
    let street = Street::new(seed);
    let engine = Arc::clone(street.houses[0].engine());
    let mailbox = street.houses[0].login(&address(ANNA)).mailbox;
    engine.set_password(mailbox, hash(text), NOW).expect("set");
    (street, engine, mailbox)
}

fn owner(engine: &Engine<MemoryStore>, mailbox: MailboxId) -> Credentialed {
    engine.credentials(mailbox).expect("read").remove(0)
}

/// What the log says of passwords.
fn told(engine: &Engine<MemoryStore>) -> Vec<(String, String, String)> {
    let of = |entry| match entry {
        Entry::Service(service) => match service.event {
            ServiceEvent::Rehashed { address, credential, scheme } => Some((address, credential, scheme)),
            _ => None,
        },
        Entry::Event(_) => None,
    };
    entries(engine, NOW).expect("the log").into_iter().filter_map(of).collect()
}

#[test]
fn the_first_right_password_makes_a_hash_our_own_in_one_durable_commit() {
    for (seed, text) in (400..).zip(HASHES) {
        let (street, engine, mailbox) = moved(seed, text);
        let before = engine.scram(ANNA).expect("keys");
        assert!(matches!(engine.scram_login(ANNA, &before, NOW), Err(LoginError::Credentials)), "nobody's keys");
        for wrong in ["Segreta-123 pero", "", text] {
            let refused = engine.authenticate(ANNA, &secret(wrong), NOW);
            assert!(matches!(refused, Err(LoginError::Credentials)), "{wrong}");
        }
        assert_eq!(owner(&engine, mailbox).credential.verifier.hash.text(), text, "a wrong password changes nothing");
        let login = engine.authenticate(ANNA, &secret(PASSWORD), NOW).expect("in");
        // Nothing that was told before is taken back, whatever happens now.
        street.houses[0].store.power_cut();
        let kept = owner(&engine, mailbox).credential;
        assert!(kept.verifier.hash.is_own() && kept.verifier.hash.verify(&secret(PASSWORD)));
        assert_eq!(engine.rights(&login).expect("read"), Some(Rights::ALL), "his session goes on");
        let after = engine.scram(ANNA).expect("keys");
        assert_eq!((&after.salt, after.iterations), (&before.salt, before.iterations), "nobody sees that he came");
        engine.scram_login(ANNA, &after, NOW).expect("in by SCRAM");
        engine.authenticate(ANNA, &secret(PASSWORD), NOW).expect("in again");
        assert_eq!(owner(&engine, mailbox).credential, kept, "once");
        assert_eq!(told(&engine), [(ANNA.to_owned(), String::new(), hash(text).scheme().to_owned())]);
        assert_clean(&street.houses[0].store, "alfa");
    }
}

#[test]
fn of_logins_at_the_same_time_one_makes_the_hash_our_own_and_all_come_in() {
    let (street, engine, mailbox) = moved(410, HASHES[0]);
    let (at_once, many) = (Barrier::new(4), 4);
    let logins: Vec<_> = thread::scope(|scope| {
        let come = || {
            at_once.wait();
            engine.authenticate(ANNA, &secret(PASSWORD), NOW).expect("in")
        };
        let all: Vec<_> = (0..many).map(|_| scope.spawn(come)).collect();
        all.into_iter().map(|one| one.join().expect("no panic")).collect()
    });
    for login in &logins {
        assert_eq!(engine.rights(login).expect("read"), Some(Rights::ALL));
    }
    assert!(owner(&engine, mailbox).credential.verifier.hash.is_own());
    assert_eq!(told(&engine).len(), 1);
    engine.set_password(mailbox, verifier(&secret("altra"), [9; 32]).expect("ok"), NOW).expect("set");
    assert_eq!(
        engine.rights(&logins[0]).expect("read"),
        None,
        "another password ends them, in the same millisecond too"
    );
    assert_clean(&street.houses[0].store, "alfa");
}

#[test]
fn a_store_that_takes_nothing_keeps_nobody_from_his_mail() {
    let (street, engine, mailbox) = moved(411, HASHES[1]);
    engine.scram(ANNA).expect("the secret of nobody's keys is there");
    street.houses[0].store.plan(Plan::new().fail_commit(1, Fault::Refused));
    engine.authenticate(ANNA, &secret(PASSWORD), NOW).expect("in");
    assert_eq!(owner(&engine, mailbox).credential.verifier.hash.text(), HASHES[1]);
    assert!(told(&engine).is_empty());
    engine.authenticate(ANNA, &secret(PASSWORD), NOW).expect("in, known again by its digest");
    assert!(owner(&engine, mailbox).credential.verifier.hash.is_own());
    assert_eq!(told(&engine).len(), 1);
}

/// Blocked, or to be changed: the password is right, and nothing is made of it.
#[test]
fn who_may_not_come_in_changes_nothing() {
    let (_street, engine, mailbox) = moved(412, HASHES[0]);
    engine.set_standing(mailbox, &CredentialName::owner(), Some(true), None).expect("set");
    assert!(matches!(engine.authenticate(ANNA, &secret(PASSWORD), NOW), Err(LoginError::MustChange)));
    assert!(!owner(&engine, mailbox).credential.verifier.hash.is_own());
}

#[test]
fn a_list_may_be_given_again_and_never_undoes_a_password_of_here() {
    let street = Street::new(413);
    let engine = street.houses[0].engine();
    let bice = address("bice.nuova@comune-alfa.example");
    let made = verifier(&secret("di prova"), [4; 32]).expect("ok");
    let id = engine.add_mailbox(&bice, Profile::Standard, made, NOW).expect("a mailbox");
    let own = Request::own(NOW);
    let give = |text: &str| engine.give_hash(id, &hash(text), &own).expect("given");
    let trial = engine.trial();
    let tried = [(); 2].map(|()| trial.give_hash(id, &hash(HASHES[0]), &own).expect("tried"));
    assert_eq!(tried, [HashGiven::Given, HashGiven::Same], "a trial sees what it did itself");
    assert!(owner(engine, id).credential.verifier.hash.is_own(), "a trial");
    assert_eq!(give(HASHES[0]), HashGiven::Given);
    assert_eq!(give(HASHES[0]), HashGiven::Same);
    // Changed on the old side meanwhile.
    assert_eq!(give(HASHES[1]), HashGiven::Given);
    let later = NOW.plus(Duration::from_secs(60));
    let login = || {
        let mut wire = Wire::new(front::imap(Arc::clone(engine), Peer::LOCAL, true, Default::default()), later);
        wire.hear();
        wire.say(format!("a LOGIN {bice} {{{}+}}\r\n{PASSWORD}\r\n", PASSWORD.len()))
    };
    assert!(login().contains("a OK"));
    for text in HASHES {
        assert_eq!(give(text), HashGiven::Kept, "he has come in");
    }
    assert!(login().contains("a OK"));
    // Made, and used before any list came; made, and given a password by the help desk.
    for (at, used) in [(0, true), (1, false)] {
        let of = address(&format!("altra{at}@comune-alfa.example"));
        let made = verifier(&secret("di prova"), [4; 32]).expect("ok");
        let id = engine.add_mailbox(&of, Profile::Standard, made, NOW).expect("a mailbox");
        if used {
            let mut wire = Wire::new(front::imap(Arc::clone(engine), Peer::LOCAL, true, Default::default()), later);
            wire.hear();
            assert!(wire.say(format!("a LOGIN {of} \"di prova\"\r\n")).contains("a OK"));
        } else {
            let another = verifier(&secret("di prova"), [5; 32]).expect("ok");
            engine.set_password(id, another, NOW).expect("set");
        }
        assert_eq!(engine.give_hash(id, &hash(HASHES[0]), &own).expect("given"), HashGiven::Kept);
    }
    assert!(engine.give_hash(MailboxId(999), &hash(HASHES[0]), &own).is_err());
    assert_clean(&street.houses[0].store, "alfa");
}

/// Whoever brings a hash may know its word.
#[test]
fn a_hash_that_takes_anothers_place_is_on_record_and_the_holder_hears_of_it() {
    let (street, engine, mailbox) = moved(414, HASHES[0]);
    let contact = Contact { phone: Phone::parse("333 1234567").ok(), mail: None };
    engine.set_contact((mailbox, &address(ANNA)), &contact, "l.bianchi", NOW).expect("reached");
    let desk = Request { confirmed_by: "l.bianchi".into(), ticket: "TT-7".into(), ..Request::own(NOW) };
    let done = || {
        let all = engine.operations(None, None, 100).expect("read").into_iter().map(|(_, of)| of);
        all.filter(|of| of.request == desk).map(|of| (of.done, of.detail)).collect::<Vec<_>>()
    };
    let heard = || engine.take_texts(NOW, 100).expect("read").into_iter().map(|text| text.text).collect::<Vec<_>>();
    assert_eq!(engine.give_hash(mailbox, &hash(HASHES[0]), &desk).expect("given"), HashGiven::Same);
    assert!(done().is_empty() && heard().is_empty(), "the same is nothing new");
    assert_eq!(engine.give_hash(mailbox, &hash(HASHES[1]), &desk).expect("given"), HashGiven::Given);
    assert_eq!(done(), [(Done::MailboxPassword, "dato l'hash di un altro sistema".to_owned())]);
    let texts = heard();
    assert!(matches!(&texts[..], [one] if one.expose().contains("data come hash")), "{}", texts.len());
    assert_eq!(engine.give_hash(mailbox, &hash(HASHES[1]), &desk).expect("given"), HashGiven::Same);
    assert!(done().len() == 1 && heard().is_empty(), "given again it is nothing new either");
    assert_clean(&street.houses[0].store, "alfa");
}

/// Who resets passwords may give no hash, and so confirms none that somebody else gives.
#[test]
fn a_hash_is_confirmed_by_who_may_give_one() {
    let (_street, engine, mailbox) = moved(415, HASHES[0]);
    let give = |login: &str, role: Role| {
        let name = PersonName::parse(login).expect("a name");
        let new = NewPerson { login: name.clone(), name: "Una Persona".into(), mail: None, tenant: None };
        engine.add_person(&new, NOW).expect("a person");
        engine.set_grant(&name, Grant { role, scope: Scope::Supplier }, true, &Request::own(NOW)).expect("a role");
        let executed = Executed { confirmed: NOW.as_millis(), by: "l.bianchi".into(), how: "token".into() };
        let own = Request { confirmed_by: login.into(), ticket: "TT-8".into(), ..Request::own(NOW) };
        engine.give_hash(mailbox, &hash(HASHES[1]), &Request { executed: Some(executed), ..own })
    };
    let refused = give("d.primo", Role::HelpDeskL1).expect_err("he may not").to_string();
    assert!(refused.contains("mailbox-create"), "{refused}");
    assert_eq!(owner(&engine, mailbox).credential.verifier.hash.text(), HASHES[0]);
    assert_eq!(give("e.secondo", Role::HelpDeskL2).expect("he may"), HashGiven::Given);
}
