//! Second factors: an authenticator beside the password, what it opens and what it shuts (SEC-03).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sigillo_accounts::{Credential, CredentialName, Kind, Rights, Seal};
use sigillo_base::{MailboxId, Secret, Timestamp};
use sigillo_engine::front::{self, Claimant, OwnProof, Refused, Turned};
use sigillo_engine::{Engine, Login, LoginError, Peer, verifier};
use sigillo_store::{MemoryStore, tag};
use sigillo_tests::demo::run;
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::street::Street;
use sigillo_wire::Tick;

use super::check::assert_clean;
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const PASSWORD: &str = "una frase lunga";

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

struct Enrolled {
    street: Street,
    engine: Arc<Engine<MemoryStore>>,
    mailbox: MailboxId,
    /// In base32.
    seed: Secret,
    spares: Vec<Secret>,
}

/// The code of a seed at a time, by a program that is not ours.
pub fn code(seed: &Secret, at: Timestamp) -> Secret {
    let when = format!("@{}", at.as_millis() / 1000);
    let told = run("oathtool", &["--totp", "--base32", "--now", &when, seed.expose()], b"", 30).fine("oathtool").out;
    secret(told.trim())
}

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

impl Enrolled {
    fn new(seal: Seal) -> Self {
        let street = Street::new(67);
        let engine = Arc::clone(street.houses[0].engine());
        engine.replace_seal(Arc::new(seal));
        let mailbox = street.houses[0].login(&address(ANNA)).mailbox;
        engine.set_password(mailbox, verifier(&secret(PASSWORD), [7; 32]).expect("fine"), NOW).expect("set");
        let login = engine.prove_own(ANNA, &secret(PASSWORD), NOW).expect("hers");
        let enrolment = engine.begin_factor(&login, ANNA).expect("begun");
        engine.authenticate(ANNA, &secret(PASSWORD), NOW).expect("nothing counts before its first code");
        assert!(engine.confirm_factor(&login, &secret("000000"), "x", NOW).is_err());
        let first = code(&enrolment.seed, NOW);
        let spares = engine.confirm_factor(&login, &first, "192.0.2.7", NOW).expect("confirmed");
        assert!(enrolment.uri.expose().contains(enrolment.seed.expose()));
        Self { street, engine, mailbox, seed: enrolment.seed, spares }
    }

    fn enter(&self, password: &str, said: Option<&Secret>, (now, tick): (Timestamp, u64)) -> Result<Login, Turned> {
        let proof = OwnProof::Password(secret(password), said.cloned());
        let claimant = Claimant { user: ANNA.to_owned(), proof, peer: Peer::LOCAL };
        front::own(&self.engine, &claimant, (now, Tick(tick)), |_, login| Ok(login.clone()))
    }
}

fn refused(result: Result<Login, Turned>) -> Refused {
    match result {
        Err(Turned::Away(refused, _)) => refused,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_password_alone_opens_nothing_and_a_code_is_good_once() {
    let anna = Enrolled::new(Seal::new(&[5; 32]));
    let mail = |user: &str, password: &str| anna.engine.authenticate(user, &secret(password), after(60)).map(drop);
    assert!(matches!(mail(ANNA, PASSWORD), Err(LoginError::SecondFactor)));
    assert!(matches!(mail(ANNA, "sbagliata"), Err(LoginError::Credentials)), "nobody else hears of it");
    let with_code = format!("{PASSWORD}{}", code(&anna.seed, after(60)).expose());
    assert!(
        matches!(mail(ANNA, &with_code), Err(LoginError::Credentials)),
        "a code behind the password is no password"
    );
    let keys = anna.engine.scram(ANNA).expect("keys");
    assert!(matches!(anna.engine.scram_login(ANNA, &keys, after(60)), Err(LoginError::SecondFactor)), "nor by SCRAM");
    let name = CredentialName::parse("telefono").expect("a name");
    let new =
        Credential::new(Kind::Application, Rights::ALL, verifier(&secret("del telefono"), [3; 32]).expect("fine"), 0);
    anna.engine.add_credential(anna.mailbox, &name, &new).expect("added");
    mail(&format!("{ANNA}/telefono"), "del telefono").expect("mail programs have passwords of their own");

    // At the holder's door: without a code, with the first one again, with the next, with that again.
    assert!(matches!(refused(anna.enter(PASSWORD, None, (after(60), 0))), Refused::Code(_, false)));
    assert!(matches!(refused(anna.enter("sbagliata", None, (after(60), 0))), Refused::Credentials));
    let first = code(&anna.seed, NOW);
    assert!(matches!(refused(anna.enter(PASSWORD, Some(&first), (after(10), 0))), Refused::Code(_, true)), "used");
    let next = code(&anna.seed, after(60));
    anna.enter(PASSWORD, Some(&next), (after(60), 0)).expect("in");
    assert!(matches!(refused(anna.enter(PASSWORD, Some(&next), (after(61), 0))), Refused::Code(_, true)), "replayed");
    let late = code(&anna.seed, after(120));
    anna.enter(PASSWORD, Some(&late), (after(149), 0)).expect("a step late");
    assert_clean(&anna.street.houses[0].store, "with a second factor");
}

#[test]
fn whoever_knows_the_password_and_guesses_codes_is_locked_out() {
    let anna = Enrolled::new(Seal::default());
    for n in 0..5 {
        assert!(matches!(
            refused(anna.enter(PASSWORD, Some(&secret("123123")), (after(60), n))),
            Refused::Code(_, true)
        ));
    }
    let right = code(&anna.seed, after(60));
    assert!(matches!(refused(anna.enter(PASSWORD, Some(&right), (after(60), 9))), Refused::Limit(_)));
}

#[test]
fn codes_are_counted_from_wherever_they_come_and_a_password_alone_locks_nobody() {
    let anna = Enrolled::new(Seal::default());
    let peer = |n: u8| Peer { ip: IpAddr::from([192, 0, 2, n]) };
    let from = |n: u8, said: Option<&Secret>, tick: u64| {
        let proof = OwnProof::Password(secret(PASSWORD), said.cloned());
        let claimant = Claimant { user: ANNA.to_owned(), proof, peer: peer(n) };
        front::own(&anna.engine, &claimant, (after(60), Tick(tick)), |_, login| Ok(login.clone()))
    };
    for n in 1..=5 {
        assert!(matches!(refused(from(n, None, 0)), Refused::Code(_, false)), "no code is no guess");
        assert!(matches!(refused(from(n, Some(&secret("123123")), 0)), Refused::Code(_, true)), "place {n}");
    }
    let right = code(&anna.seed, after(60));
    match refused(from(9, Some(&right), 0)) {
        Refused::Limit(said) => assert!(said.it.starts_with("Troppi codici sbagliati, riprovare fra"), "{}", said.it),
        other => panic!("{other:?}"),
    }
    let wrong =
        Claimant { user: ANNA.to_owned(), proof: OwnProof::Password(secret("no"), Some(right.clone())), peer: peer(9) };
    let away = front::own(&anna.engine, &wrong, (after(60), Tick(0)), |_, login| Ok(login.clone()));
    assert!(matches!(refused(away), Refused::Credentials), "who does not know the password hears nothing of it");
    from(9, Some(&right), 3_600_000).expect("a lock ends");
}

#[test]
fn a_spare_code_is_good_once_and_none_is_kept() {
    let anna = Enrolled::new(Seal::default());
    let typed = secret(&anna.spares[0].expose().replace('-', " ").to_uppercase());
    anna.enter(PASSWORD, Some(&typed), (after(60), 0)).expect("in");
    assert!(matches!(refused(anna.enter(PASSWORD, Some(&anna.spares[0]), (after(60), 0))), Refused::Code(_, true)));
    anna.enter(PASSWORD, Some(&anna.spares[1]), (after(60), 0)).expect("another");
    for (_, value) in anna.street.houses[0].store.rows() {
        let text = String::from_utf8_lossy(&value);
        assert!(anna.spares.iter().all(|spare| !text.contains(spare.expose())));
    }
}

#[test]
fn a_stolen_store_without_the_key_has_no_seed() {
    let bytes = |seed: &Secret| data_encoding::BASE32_NOPAD.decode(seed.expose().as_bytes()).expect("base32");
    let holds = |anna: &Enrolled| {
        let (found, seed) = (rows::of(&anna.street.houses[0].store, tag::SECOND_FACTOR), bytes(&anna.seed));
        found.iter().any(|(_, value)| value.windows(seed.len()).any(|piece| piece == seed))
    };
    let closed = Enrolled::new(Seal::new(&[5; 32]));
    assert!(!holds(&closed));
    assert!(holds(&Enrolled::new(Seal::default())), "what the documentation says of a service without a key");
    // The service under another key lets nobody in by mistake.
    closed.engine.replace_seal(Arc::new(Seal::new(&[6; 32])));
    let right = code(&closed.seed, after(60));
    assert!(matches!(refused(closed.enter(PASSWORD, Some(&right), (after(60), 0))), Refused::Fault));
    let login = Login::ours(closed.mailbox, address(ANNA));
    closed.engine.remove_factor(&login, "l.bianchi", after(60)).expect("the administration ends it");
    closed.engine.authenticate(ANNA, &secret(PASSWORD), after(60)).expect("in");
}
