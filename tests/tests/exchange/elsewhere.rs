//! Passwords that a directory keeps: what it says decides, its silence blames nobody, and what is kept here opens nothing.

use std::sync::Arc;

use parking_lot::Mutex;
use sigillo_accounts::{Credential, CredentialName, Kind, Rights};
use sigillo_base::{Address, Domain, Secret};
use sigillo_engine::{Engine, LoginError, NoAnswer, Passwords, Peer, front, verifier};
use sigillo_store::MemoryStore;
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::street::Street;
use sigillo_tests::wire::{Wire, engine_with_password};

const ANNA: &str = "anna@comune-alfa.example";
const HERE: &str = "qui";
const THERE: &str = "nella directory";

/// A directory of Anna's domain, where every password is [`THERE`]; it notes who is asked about.
#[derive(Default)]
struct Directory {
    away: Mutex<bool>,
    asked: Mutex<Vec<String>>,
}

impl Passwords for Directory {
    fn keeps(&self, domain: &Domain) -> bool {
        domain.as_str() == "comune-alfa.example"
    }

    fn is_password(&self, address: &Address, password: &Secret) -> Result<bool, NoAnswer> {
        self.asked.lock().push(address.as_str().to_owned());
        if *self.away.lock() { Err(NoAnswer("away".into())) } else { Ok(password.expose() == THERE) }
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

fn moved(seed: u64) -> (Street, Arc<Engine<MemoryStore>>, Arc<Directory>) {
    let street = Street::new(seed);
    let engine = engine_with_password(street.house(&address(ANNA)), &address(ANNA), HERE);
    let directory = Arc::new(Directory::default());
    engine.replace_passwords(Some(Arc::clone(&directory) as _));
    (street, engine, directory)
}

fn refused(engine: &Engine<MemoryStore>, user: &str, password: &str) -> bool {
    matches!(engine.authenticate(user, &secret(password), NOW), Err(LoginError::Credentials))
}

#[test]
fn the_directory_decides_and_what_is_kept_here_opens_nothing() {
    let (street, engine, directory) = moved(410);
    let mailbox = street.house(&address(ANNA)).login(&address(ANNA)).mailbox;
    // SCRAM of before: its keys are nobody's now, and who still proves the old ones is not let in.
    engine.replace_passwords(None);
    engine.authenticate(ANNA, &secret(HERE), NOW).expect("as before");
    let old = engine.scram(ANNA).expect("keys");
    engine.scram_login(ANNA, &old, NOW).expect("as before");
    engine.replace_passwords(Some(Arc::clone(&directory) as _));
    let nobody = engine.scram(ANNA).expect("keys");
    assert_ne!(nobody.stored_key, old.stored_key);
    for keys in [&old, &nobody] {
        assert!(matches!(engine.scram_login(ANNA, keys, NOW), Err(LoginError::Credentials)));
    }

    assert!(refused(&engine, ANNA, HERE), "though it was verified a moment ago");
    let login = engine.authenticate(ANNA, &secret(THERE), NOW).expect("in");
    assert_eq!((login.mailbox, engine.rights(&login).expect("read")), (mailbox, Some(Rights::ALL)));
    // What is said here of the owner's password is said of another one.
    engine.set_standing(mailbox, &CredentialName::owner(), Some(true), Some(Some(NOW))).expect("set");
    engine.authenticate(ANNA, &secret(THERE), NOW).expect("in");
    let new = verifier(&secret("nuova"), [1; 32]).expect("a password");
    let set = engine.set_secret(mailbox, &CredentialName::owner(), &new, NOW);
    assert!(set.is_err_and(|e| e.to_string().contains("directory")));

    // An empty password reaches nobody; who has no mailbox is asked about, and comes in as little.
    directory.asked.lock().clear();
    assert!(refused(&engine, ANNA, "") && refused(&engine, "nessuno@comune-alfa.example", THERE));
    assert_eq!(*directory.asked.lock(), ["nessuno@comune-alfa.example"]);
}

#[test]
fn other_credentials_other_domains_and_the_service_mailbox_stay_here() {
    let (street, engine, directory) = moved(411);
    let mailbox = street.house(&address(ANNA)).login(&address(ANNA)).mailbox;
    let made = verifier(&secret("dell'applicazione"), [2; 32]).expect("a password");
    let name = CredentialName::parse("gestionale").expect("a name");
    let new = Credential::new(Kind::Application, Rights::ALL, made, NOW.as_millis());
    engine.add_credential(mailbox, &name, &new).expect("added");
    let user = format!("{ANNA}/gestionale");
    engine.authenticate(&user, &secret("dell'applicazione"), NOW).expect("in");
    assert!(refused(&engine, &user, THERE));
    let keys = engine.scram(&user).expect("keys");
    engine.scram_login(&user, &keys, NOW).expect("SCRAM too");
    let service = engine.provider().service_address.clone();
    assert!(refused(&engine, service.as_str(), THERE));
    assert!(refused(&engine, "x@altrove.example", THERE));
    assert!(directory.asked.lock().is_empty());
}

#[test]
fn silence_is_temporary_in_every_protocol_and_locks_nobody_out() {
    let (_street, engine, directory) = moved(412);
    *directory.away.lock() = true;
    for _ in 0..20 {
        let refused = engine.authenticate(ANNA, &secret(THERE), NOW);
        assert!(matches!(refused, Err(LoginError::Fault(_))));
    }
    let mut wire = Wire::new(front::imap(Arc::clone(&engine), Peer::LOCAL, true, Default::default()), NOW);
    wire.hear();
    for i in 0..2 {
        let said = wire.say(format!("a{i} LOGIN {ANNA} \"{THERE}\"\r\n")) + &wire.wait();
        assert!(said.contains("NO [UNAVAILABLE]"), "{said}");
    }
    *directory.away.lock() = false;
    let said = wire.say(format!("b LOGIN {ANNA} \"{THERE}\"\r\n"));
    assert!(said.contains("b OK"), "{said}");
}
