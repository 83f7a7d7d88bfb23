//! A password set anew by a one-time secret (PWD-01, PWD-05), and what an attacker tries: who has a mailbox here, guessing the
//! secret, using one twice, flooding somebody with messages.

use std::sync::Arc;
use std::time::Duration;

use sigillo_accounts::{Block, Contact, Done, PasswordPolicy, Request};
use sigillo_base::{Address, MailboxId, Phone, Secret, Timestamp};
use sigillo_engine::front::{self, Claimant, OwnProof, Refused, Turned};
use sigillo_engine::{Asking, Change, Engine, Peer, Rules, verifier};
use sigillo_store::{MemoryStore, tag};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::street::Street;
use sigillo_wire::Tick;

use super::check::assert_clean;
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const LOST: &str = "una frase dimenticata";

struct Lost {
    street: Street,
    engine: Arc<Engine<MemoryStore>>,
    mailbox: MailboxId,
}

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

impl Lost {
    fn new() -> Self {
        let mut street = Street::new(71);
        let passwords = PasswordPolicy { min_length: 8, history: 3, ..PasswordPolicy::NONE };
        street.houses[0].choose(Rules { passwords, ..Rules::default() });
        let engine = Arc::clone(street.houses[0].engine());
        let mailbox = street.houses[0].login(&address(ANNA)).mailbox;
        engine.set_password(mailbox, verifier(&secret(LOST), [7; 32]).expect("fine"), NOW).expect("set");
        let contact = Contact { phone: Phone::parse("333 1234567").ok(), mail: Some(address("anna@casa.example")) };
        engine.set_contact((mailbox, &address(ANNA)), &contact, "l.bianchi", NOW).expect("reached");
        Self { street, engine, mailbox }
    }

    fn ask(&self, now: Timestamp) -> Result<String, sigillo_engine::Error> {
        self.engine.ask_reset(&address(ANNA), Asking::Anybody("192.0.2.7"), now).map(|to| to.to_string())
    }

    /// What the gateway is given of the last message.
    fn heard(&self, now: Timestamp) -> Vec<String> {
        let texts = self.engine.take_texts(now, 100).expect("read");
        texts
            .iter()
            .map(|text| {
                self.engine.text_sent(text, now).expect("kept");
                text.text.expose().to_owned()
            })
            .collect()
    }

    fn code(&self, now: Timestamp) -> String {
        let heard = self.heard(now);
        let last = heard.last().expect("a message");
        let (_, rest) = last.split_once(" è ").expect("the code");
        rest.split(',').next().expect("the code").to_owned()
    }

    fn recover(&self, user: &str, code: &str, new: &str, (now, tick): (Timestamp, u64)) -> Result<(), Turned> {
        let claimant = Claimant { user: user.to_owned(), proof: OwnProof::Secret(secret(code)), peer: Peer::LOCAL };
        front::own(&self.engine, &claimant, (now, Tick(tick)), |engine, login| {
            engine.recover(login, &secret(new), [9; 32], "192.0.2.7", now)
        })
    }
}

fn away(result: Result<(), Turned>) -> bool {
    matches!(result, Err(Turned::Away(Refused::Credentials, _)))
}

#[test]
fn a_secret_sets_one_password_once_and_its_holder_hears_of_it() {
    let anna = Lost::new();
    assert_eq!(anna.ask(NOW).expect("sent"), "sms:+393331234567");
    let code = anna.code(NOW);
    anna.engine.authenticate(ANNA, &secret(LOST), NOW).expect("nothing changes by asking");
    match anna.recover(ANNA, &code, "corta", (NOW, 0)) {
        Err(Turned::Engine(error)) => assert!(error.to_string().contains("almeno 8"), "{error}"),
        other => panic!("{other:?}"),
    }
    anna.recover(ANNA, &code.replace('-', " ").to_uppercase(), "una frase nuova", (NOW, 0)).expect("as people type it");
    anna.engine.authenticate(ANNA, &secret("una frase nuova"), NOW).expect("in");
    assert!(away(anna.recover(ANNA, &code, "un'altra frase", (NOW, 0))), "once");
    assert!(anna.heard(NOW).iter().any(|text| text.contains("impostata di nuovo")), "she hears of it");
    for (_, value) in anna.street.houses[0].store.rows() {
        let text = String::from_utf8_lossy(&value);
        assert!(!text.contains(&code) && !text.contains("frase nuova"), "nothing is kept in clear");
    }
    let lines = anna.engine.legal_log(&NOW.to_string()[..10]).expect("read").join("\n");
    for what in ["recupero-chiesto", "recuperata", "contatti"] {
        assert!(lines.contains(&format!("PEC_Credential {what}: casella={ANNA}")), "{what}: {lines}");
    }
    assert!(!lines.contains(&code) && !lines.contains("333"), "{lines}");
    assert_clean(&anna.street.houses[0].store, "after a reset");
}

#[test]
fn a_secret_ends_by_its_time_by_guesses_and_by_another_password() {
    let anna = Lost::new();
    anna.ask(NOW).expect("sent");
    let code = anna.code(NOW);
    assert!(away(anna.recover(ANNA, &code, "una frase nuova", (after(900), 0))), "a quarter of an hour");
    anna.ask(after(1000)).expect("sent");
    let code = anna.code(after(1000));
    for n in 0..5 {
        // From far apart, so that no lock of a place keeps anybody from guessing.
        assert!(away(anna.recover(ANNA, "aaaa-aaaa", "una frase nuova", (after(1001), n * 4_000_000))), "{n}");
    }
    assert!(away(anna.recover(ANNA, &code, "una frase nuova", (after(1002), 30_000_000))), "guessed at too often");
    anna.ask(after(2000)).expect("sent");
    let code = anna.code(after(2000));
    anna.engine
        .set_password(anna.mailbox, verifier(&secret("di un operatore"), [8; 32]).expect("fine"), after(2001))
        .expect("set");
    assert!(
        away(anna.recover(ANNA, &code, "una frase nuova", (after(2002), 40_000_000))),
        "the password is another since"
    );
    let lines = anna.engine.legal_log(&NOW.to_string()[..10]).expect("read").join("\n");
    assert!(lines.matches("recupero-fallito").count() == 5, "{lines}");
}

#[test]
fn nobody_learns_who_is_here_and_nobody_is_flooded() {
    let anna = Lost::new();
    let nobody = address("nessuno@comune-alfa.example");
    assert!(anna.engine.ask_reset(&nobody, Asking::Anybody("x"), NOW).is_err());
    assert!(away(anna.recover(nobody.as_str(), "aaaa-aaaa", "una frase nuova", (NOW, 0))));
    assert!(away(anna.recover(ANNA, "aaaa-aaaa", "una frase nuova", (NOW, 0))), "no secret is out");
    // From one place, for whomever: the same whether there is such a mailbox.
    for user in [ANNA, nobody.as_str()] {
        let from = std::net::IpAddr::from([198, 51, 100, if user == ANNA { 1 } else { 2 }]).into();
        let heard: Vec<bool> = (0..5).map(|n| anna.engine.reset_asked(user, from, Tick(n)).is_none()).collect();
        assert_eq!(heard, [true, true, true, false, false], "{user}");
    }
    // From many places: the mailbox gets no more, and an operator can still help.
    for n in 0..6 {
        assert_eq!(anna.ask(after(n)).is_ok(), n < 3, "{n}");
    }
    assert_eq!(anna.heard(after(10)).len(), 3);
    let desk = Request { confirmed_by: "l.bianchi".into(), ticket: "TT-7".into(), ..Request::own(after(11)) };
    anna.engine.ask_reset(&address(ANNA), Asking::Administration(&desk), after(11)).expect("the help desk");
    let all = anna.engine.operations(None, None, 100).expect("read");
    let sent = all.iter().map(|(_, o)| o).filter(|o| o.request == desk).map(|o| o.done).collect::<Vec<_>>();
    assert_eq!(sent, [Done::MailboxPassword], "the register has what the desk did, and nothing of who asked himself");
    for n in 0..10 {
        drop(anna.ask(after(4000 + n * 3700)));
    }
    let block = Block { since: after(60_000).as_millis(), until: None, reason: "in mora".into() };
    anna.engine.change(anna.mailbox, &Change::Block(block), &Request::own(after(60_000))).expect("blocked");
    let blocked = anna.engine.ask_reset(&address(ANNA), Asking::Administration(&desk), after(60_001));
    let text = blocked.expect_err("not while it is").to_string();
    assert!(text.contains("bloccata dal 13/03/2026") && text.contains("mailbox unblock"), "{text}");
    assert!(anna.heard(after(50_000)).len() <= 6, "a day has an end too");
    let own = Contact { phone: None, mail: Address::parse("carla@comune-alfa.example").ok() };
    let refused = anna.engine.set_contact((anna.mailbox, &address(ANNA)), &own, "x", NOW);
    assert!(refused.is_err_and(|e| e.to_string().contains("posta ordinaria")));
    assert_eq!(rows::of(&anna.street.houses[0].store, tag::RESET).len(), 1);
}
