//! A password set anew by a one-time secret (PWD-01, PWD-05), and what an attacker tries: who has a mailbox here, guessing the
//! secret, using one twice, flooding somebody with messages.

use std::net::IpAddr;
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
        Self::where_texts_go(true)
    }

    fn where_texts_go(texts: bool) -> Self {
        let mut street = Street::new(71);
        let passwords = PasswordPolicy { min_length: 8, history: 3, ..PasswordPolicy::NONE };
        street.houses[0].choose(Rules { passwords, texts, ..Rules::default() });
        let engine = Arc::clone(street.houses[0].engine());
        let mailbox = street.houses[0].login(&address(ANNA)).mailbox;
        engine.set_password(mailbox, verifier(&secret(LOST), [7; 32]).expect("fine"), NOW).expect("set");
        let anna = Self { street, engine, mailbox };
        anna.reached(Some("333 1234567"), Some("anna@casa.example"));
        anna
    }

    fn ask(&self, now: Timestamp) -> Result<String, sigillo_engine::Error> {
        self.ask_from("192.0.2.7", now)
    }

    fn ask_from(&self, place: &str, now: Timestamp) -> Result<String, sigillo_engine::Error> {
        let place: IpAddr = place.parse().expect("an address");
        self.engine.ask_reset(&address(ANNA), Asking::Anybody(place), now).map(|to| to.to_string())
    }

    /// By the help desk.
    fn sent(&self, now: Timestamp) -> Result<String, sigillo_engine::Error> {
        let desk = Request { confirmed_by: "l.bianchi".into(), ..Request::own(now) };
        self.engine.ask_reset(&address(ANNA), Asking::Administration(&desk), now).map(|to| to.to_string())
    }

    fn reached(&self, phone: Option<&str>, mail: Option<&str>) {
        let contact = Contact { phone: phone.and_then(|text| Phone::parse(text).ok()), mail: mail.map(address) };
        self.engine.set_contact((self.mailbox, &address(ANNA)), &contact, "l.bianchi", NOW).expect("reached");
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
    anna.ask_from("198.51.100.7", after(2000)).expect("sent");
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
    assert!(anna.engine.ask_reset(&nobody, Asking::Anybody(Peer::LOCAL.ip), NOW).is_err());
    assert!(away(anna.recover(nobody.as_str(), "aaaa-aaaa", "una frase nuova", (NOW, 0))));
    assert!(away(anna.recover(ANNA, "aaaa-aaaa", "una frase nuova", (NOW, 0))), "no secret is out");
    // From one place, for whomever: the same whether there is such a mailbox.
    for user in [ANNA, nobody.as_str()] {
        let from = std::net::IpAddr::from([198, 51, 100, if user == ANNA { 1 } else { 2 }]).into();
        let heard: Vec<bool> = (0..5).map(|n| anna.engine.reset_asked(user, from, Tick(n)).is_none()).collect();
        assert_eq!(heard, [true, true, false, false, false], "{user}");
    }
    // From many places, as soon as the last one is no longer good: three in an hour, six in a day, and an operator can still help.
    let asked = (0..24_u64).filter(|n| anna.ask_from(&format!("203.0.113.{n}"), after(n * 900)).is_ok());
    assert_eq!(asked.collect::<Vec<_>>(), [0, 1, 2, 4, 5, 6]);
    let desk = Request { confirmed_by: "l.bianchi".into(), ticket: "TT-7".into(), ..Request::own(after(40_000)) };
    anna.engine.ask_reset(&address(ANNA), Asking::Administration(&desk), after(40_000)).expect("the help desk");
    let all = anna.engine.operations(None, None, 100).expect("read");
    let sent = all.iter().map(|(_, o)| o).filter(|o| o.request == desk).map(|o| o.done).collect::<Vec<_>>();
    assert_eq!(sent, [Done::MailboxPassword], "the register has what the desk did, and nothing of who asked himself");
    assert_eq!(anna.heard(after(40_001)).len(), 1);
    let block = Block { since: after(60_000).as_millis(), until: None, reason: "in mora".into() };
    anna.engine.change(anna.mailbox, &Change::Block(block), &Request::own(after(60_000))).expect("blocked");
    let blocked = anna.engine.ask_reset(&address(ANNA), Asking::Administration(&desk), after(60_001));
    let text = blocked.expect_err("not while it is").to_string();
    assert!(text.contains("bloccata dal 13/03/2026") && text.contains("mailbox unblock"), "{text}");
    let own = Contact { phone: None, mail: Address::parse("carla@comune-alfa.example").ok() };
    let refused = anna.engine.set_contact((anna.mailbox, &address(ANNA)), &own, "x", NOW);
    assert!(refused.is_err_and(|e| e.to_string().contains("posta ordinaria")));
    assert_eq!(rows::of(&anna.street.houses[0].store, tag::RESET).len(), 1);
}

#[test]
fn who_asks_for_somebody_else_takes_no_secret_from_him() {
    let anna = Lost::new();
    anna.ask(NOW).expect("sent");
    let code = anna.code(NOW);
    for n in 1..20_u64 {
        assert!(anna.ask_from(&format!("203.0.113.{n}"), after(n)).is_err(), "while one is good");
    }
    assert!(anna.heard(after(20)).is_empty(), "nobody is sent anything");
    anna.recover(ANNA, &code, "una frase nuova", (after(21), 0)).expect("hers is good as before");
    // The help desk's replaces whatever there is.
    anna.sent(after(30)).expect("the help desk");
    let first = anna.code(after(30));
    anna.sent(after(31)).expect("the help desk");
    let second = anna.code(after(31));
    assert!(away(anna.recover(ANNA, &first, "un'altra frase", (after(32), 0))), "replaced");
    anna.recover(ANNA, &second, "un'altra frase", (after(33), 0)).expect("set");
    assert_clean(&anna.street.houses[0].store, "after many who asked");
}

#[test]
fn a_secret_that_was_guessed_at_too_often_stands_in_nobodys_way() {
    let anna = Lost::new();
    anna.ask(NOW).expect("sent");
    for n in 0..5 {
        assert!(anna.ask_from("198.51.100.7", after(1)).is_err(), "{n}: it has tries left");
        assert!(away(anna.recover(ANNA, "aaaa-aaaa", "una frase nuova", (after(1), n * 4_000_000))), "{n}");
    }
    anna.ask_from("198.51.100.7", after(2)).expect("another");
    let code = anna.code(after(2));
    anna.recover(ANNA, &code, "una frase nuova", (after(3), 30_000_000)).expect("set");
}

#[test]
fn one_place_never_uses_up_what_a_mailbox_gets() {
    let anna = Lost::new();
    // Whoever has one address of a network has them all.
    let places = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"];
    let asked = places.iter().zip(0..).map(|(place, n)| anna.ask_from(place, after(n * 900)).is_ok());
    let heard: Vec<bool> = asked.collect();
    assert_eq!(heard, [true, true, false, false], "of the three of an hour");
    anna.ask_from("198.51.100.7", after(2800)).expect("the third is left to others");
    let day = (1..24_u64).filter(|n| anna.ask_from("2001:db8::1", after(n * 3600)).is_ok()).count();
    assert_eq!(day, 2, "four in a day, of six");
    anna.ask_from("198.51.100.7", after(83_000)).expect("the sixth is left to others");
    let code = anna.code(after(83_000));
    anna.recover(ANNA, &code, "una frase nuova", (after(83_001), 0)).expect("set");
}

#[test]
fn a_secret_goes_by_what_goes_out_here() {
    let anna = Lost::where_texts_go(false);
    assert_eq!(anna.ask(NOW).expect("sent"), "mailto:anna@casa.example");
    assert_eq!(anna.sent(after(1)).expect("sent"), "mailto:anna@casa.example");
    anna.reached(Some("333 1234567"), None);
    let told = || anna.engine.notices_told((NOW, after(5000)), None, 100).expect("read").len();
    let before = told();
    let refused = anna.sent(after(2000)).expect_err("a number alone").to_string();
    assert!(refused.contains("[sms]") && refused.contains("mailbox contact --mail"), "{refused}");
    assert!(anna.ask(after(2000)).is_err());
    assert_eq!(told(), before, "nothing is told that nobody hears");
    anna.reached(None, None);
    let refused = anna.sent(after(2001)).expect_err("nothing is known").to_string();
    assert!(refused.contains("non si sa dove"), "{refused}");
}
