//! Passwords by the provider's policy: the first one that is changed before anybody comes in, those that are not taken again, and who
//! tries the door of the holder for others' (PWD-02, SEC-03).

use std::sync::Arc;
use std::time::Duration;

use sigillo_accounts::{Credential, CredentialName, Kind, PasswordHash, PasswordPolicy, Rights};
use sigillo_base::{MailboxId, Secret, Timestamp};
use sigillo_engine::front::{self, Claimant, OwnProof, Refused, Turned};
use sigillo_engine::{Engine, LoginError, Peer, Rules, verifier};
use sigillo_pec::log::{Entry, ProofEvent, ServiceEvent};
use sigillo_store::{MemoryStore, tag};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::street::Street;
use sigillo_wire::Tick;

use super::check::assert_clean;
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const FIRST: &str = "iniziale-7391";
const POLICY: PasswordPolicy = PasswordPolicy { min_length: 8, history: 3, max_age_days: Some(90), first_change: true };

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

/// Anna, who was given a password.
struct Given {
    street: Street,
    engine: Arc<Engine<MemoryStore>>,
    mailbox: MailboxId,
}

impl Given {
    fn new() -> Self {
        let mut street = Street::new(61);
        street.houses[0].choose(Rules { passwords: POLICY, ..Rules::default() });
        let engine = Arc::clone(street.houses[0].engine());
        let mailbox = street.houses[0].login(&address(ANNA)).mailbox;
        engine.set_password(mailbox, verifier(&secret(FIRST), [7; 32]).expect("fine"), NOW).expect("given");
        Self { street, engine, mailbox }
    }

    /// By the door of the holder.
    fn change(&self, user: &str, old: &str, new: &str, (now, tick): (Timestamp, u64)) -> Result<(), Turned> {
        let claimant =
            Claimant { user: user.to_owned(), proof: OwnProof::Password(secret(old), None), peer: Peer::LOCAL };
        front::own(&self.engine, &claimant, (now, Tick(tick)), |engine, login| {
            engine.change_own(login, &secret(new), [9; 32], "192.0.2.7", now)
        })
    }

    fn comes_in(&self, password: &str, now: Timestamp) -> Result<(), LoginError> {
        self.engine.authenticate(ANNA, &secret(password), now).map(drop)
    }
}

fn refusal(turned: Result<(), Turned>) -> String {
    match turned {
        Err(Turned::Engine(error)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_password_that_was_given_is_changed_before_anybody_comes_in() {
    let given = Given::new();
    assert!(matches!(given.comes_in(FIRST, NOW), Err(LoginError::MustChange)));
    let change = |old: &str, new: &str| given.change(ANNA, old, new, (NOW, 0));
    for (easy, why) in
        [("corta", "almeno 8"), ("Password2026!", "comuni"), ("anna-e-altro", "indirizzo"), (FIRST, "ultime 3")]
    {
        assert!(refusal(change(FIRST, easy)).contains(why), "{easy}");
    }
    assert!(matches!(given.comes_in(FIRST, NOW), Err(LoginError::MustChange)), "nothing changed");
    change(FIRST, "tre gatti sul tetto").expect("changed");
    given.comes_in("tre gatti sul tetto", NOW).expect("in");
    assert!(matches!(given.comes_in(FIRST, NOW), Err(LoginError::Credentials)));
    // What its user chose ends by itself, and can be changed then too.
    let later = NOW.plus(Duration::from_secs(91 * 24 * 3600));
    assert!(matches!(given.comes_in("tre gatti sul tetto", later), Err(LoginError::Expired(_))));
    given.change(ANNA, "tre gatti sul tetto", "quattro gatti altrove", (later, 0)).expect("changed");
    given.comes_in("quattro gatti altrove", later).expect("in");
    let day = NOW.to_string()[..10].to_owned();
    let changed =
        given.engine.legal_log(&day).expect("read").into_iter().filter_map(|line| match Entry::parse_line(&line) {
            Ok(Entry::Service(service)) => match service.event {
                ServiceEvent::Proof { what: ProofEvent::Changed, address, credential, by } => {
                    Some((address, credential, by))
                }
                _ => None,
            },
            _ => None,
        });
    assert_eq!(changed.collect::<Vec<_>>(), [(ANNA.to_owned(), String::new(), "192.0.2.7".to_owned())]);
    let lines = given.engine.legal_log(&day).expect("read").join("\n");
    assert!(!lines.contains("gatti") && !lines.contains(FIRST), "no password in a log");
    assert_clean(&given.street.houses[0].store, "after changes");
}

#[test]
fn the_last_passwords_are_not_taken_again_and_none_is_kept_in_clear() {
    let given = Given::new();
    let frasi = ["prima frase lunga", "seconda frase lunga", "terza frase lunga", "quarta frase lunga"];
    let mut old = FIRST;
    for new in frasi {
        given.change(ANNA, old, new, (NOW, 0)).expect("changed");
        old = new;
    }
    for had in &frasi[1..] {
        assert!(refusal(given.change(ANNA, old, had, (NOW, 0))).contains("già stata usata"), "{had}");
    }
    given.change(ANNA, old, frasi[0], (NOW, 0)).expect("older than three");
    for (_, value) in given.street.houses[0].store.rows() {
        let text = String::from_utf8_lossy(&value);
        assert!(!text.contains("frase lunga") && !text.contains(FIRST));
    }
    assert_eq!(rows::of(&given.street.houses[0].store, tag::FORMER_PASSWORD).len(), 1);
}

#[test]
fn whoever_guesses_at_the_holders_door_waits_and_is_locked_out_of_every_door() {
    let given = Given::new();
    let before = given
        .engine
        .accesses(given.mailbox, (NOW, NOW.plus(Duration::from_secs(60))), None, 100)
        .expect("read")
        .0
        .len();
    for n in 0..5 {
        match given.change(ANNA, "sbagliata", "una frase nuova", (NOW, n)) {
            Err(Turned::Away(Refused::Credentials, until)) => assert_eq!(until, Tick(1000 + n)),
            other => panic!("{other:?}"),
        }
    }
    let locked = given.change(ANNA, FIRST, "una frase nuova", (NOW, 10));
    assert!(matches!(locked, Err(Turned::Away(Refused::Limit(_), _))), "{locked:?}");
    // Nobody's mailbox is answered as somebody's.
    match given.change("nessuno@comune-alfa.example", FIRST, "una frase nuova", (NOW, 11)) {
        Err(Turned::Away(Refused::Credentials, Tick(1011))) => {}
        other => panic!("{other:?}"),
    }
    let told =
        given.engine.accesses(given.mailbox, (NOW, NOW.plus(Duration::from_secs(60))), None, 100).expect("read").0;
    assert_eq!(told.len(), before + 5);
    assert!(told.iter().rev().take(5).all(|a| a.protocol == "self" && a.outcome == "wrong"), "{told:?}");
    given.change(ANNA, FIRST, "una frase nuova", (NOW, 61_000)).expect("the lock ends");
}

#[test]
fn a_program_changes_no_password_and_who_brought_a_hash_need_not() {
    let given = Given::new();
    let name = CredentialName::parse("gestionale").expect("a name");
    let add = |name: &CredentialName, kind| {
        let verifier = verifier(&secret("una frase lunga"), [3; 32]).expect("fine");
        let new = Credential::new(kind, Rights::ALL, verifier, NOW.as_millis());
        given.engine.add_credential(given.mailbox, name, &new).expect("added");
    };
    add(&name, Kind::Application);
    let user = format!("{ANNA}/gestionale");
    given.engine.authenticate(&user, &secret("una frase lunga"), NOW).expect("a program comes in at once");
    let refused = given.change(&user, "una frase lunga", "un'altra frase", (NOW, 0));
    assert!(matches!(refused, Err(Turned::Away(Refused::Rights(_), _))), "{refused:?}");
    add(&CredentialName::parse("dora").expect("a name"), Kind::Personal);
    let dora = format!("{ANNA}/dora");
    let first = given.engine.authenticate(&dora, &secret("una frase lunga"), NOW);
    assert!(matches!(first, Err(LoginError::MustChange)), "a person is given hers");
    given.change(&dora, "una frase lunga", "la frase di dora", (NOW, 0)).expect("hers to change");
    given.engine.authenticate(&dora, &secret("la frase di dora"), NOW).expect("in");
    let hash = PasswordHash::create(&secret("portata con sé"), [4; 16]).expect("a hash");
    given.engine.set_password(given.mailbox, hash, NOW).expect("set");
    given.comes_in("portata con sé", NOW).expect("PWD-06");
}
