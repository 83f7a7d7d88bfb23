//! Second factors of who administrates: which token opens what, for how long, and what a thief of one can do (SEC-03).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sigillo_accounts::{PersonName, Request};
use sigillo_base::{Secret, Timestamp};
use sigillo_engine::{Bearer, Engine, Error, Kept, NewPerson, Origin, Shown, Standing, Term, UNLOCKED_FOR, Unproven};
use sigillo_store::{MemoryStore, tag};
use sigillo_tests::fixtures::NOW;
use sigillo_tests::street::Street;
use sigillo_wire::Tick;

use super::check::assert_clean;
use super::factors::code;
use super::rows;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

fn name(text: &str) -> PersonName {
    PersonName::parse(text).expect("a name")
}

struct Office {
    street: Street,
    engine: Arc<Engine<MemoryStore>>,
}

impl Office {
    /// Two persons with two tokens each, good for ninety days; nobody has a second factor.
    fn new() -> Self {
        let street = Street::new(71);
        let engine = Arc::clone(street.houses[0].engine());
        for login in ["m.rossi", "l.bianchi"] {
            let new = NewPerson { login: name(login), name: "Una Persona".into(), mail: None, tenant: None };
            engine.add_person(&new, NOW).expect("a person");
            for label in ["portatile", "notturno"] {
                let token = secret(&format!("sgt_{login}_{label}"));
                engine.add_token(&name(login), label, &token, NOW.plus(90 * DAY), NOW).expect("a token");
            }
        }
        Self { street, engine }
    }

    fn shows(&self, login: &str, label: &str, now: Timestamp) -> (Bearer, Standing) {
        match self.engine.who_shows(&secret(&format!("sgt_{login}_{label}")), None, now).expect("looked up") {
            Shown::Person(_, bearer, standing) => (bearer, standing),
            other => panic!("{login}/{label}: {other:?}"),
        }
    }

    fn standing(&self, login: &str, label: &str, now: Timestamp) -> Standing {
        self.shows(login, label, now).1
    }

    /// Adds a factor by the token `portatile`; gives seed and spare codes.
    fn enrol(&self, login: &str, now: Timestamp) -> (Secret, Vec<Secret>) {
        let (bearer, _) = self.shows(login, "portatile", now);
        let seed = self.engine.begin_own_factor(&bearer, now).expect("begun").seed;
        assert_eq!(self.standing(login, "portatile", now), Standing::NoFactor, "nothing counts before its first code");
        let first = code(&seed, now);
        let spares = self.engine.confirm_own_factor(&bearer, &first, "192.0.2.7", now).expect("confirmed");
        (seed, spares)
    }

    fn unlock(
        &self,
        (login, label): (&str, &str),
        said: &Secret,
        term: Term,
        (now, tick): (Timestamp, u64),
    ) -> Result<Timestamp, Unproven> {
        let (bearer, _) = self.shows(login, label, now);
        let from: Origin = IpAddr::from([192, 0, 2, 7]).into();
        self.engine.unlock(&bearer, (said, term), ("192.0.2.7", Some(from)), (now, Tick(tick)))
    }

    fn rows(&self, tag: u8) -> usize {
        rows::of(&self.street.houses[0].store, tag).len()
    }

    fn is_clean(&self, what: &str) {
        assert_clean(&self.street.houses[0].store, what);
    }
}

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

#[test]
fn a_token_is_changed_into_another_of_its_name_and_a_first_one_is_good_for_nothing_else() {
    let office = Office::new();
    let (first, next) = (secret("sgp_primo"), secret("sgt_altro"));
    let shows = |token: &Secret| office.engine.who_shows(token, None, NOW).expect("looked up");
    office.engine.add_token(&name("m.rossi"), "telefono", &first, NOW.plus(90 * DAY), NOW).expect("a token");
    let (seed, _) = office.enrol("m.rossi", NOW);
    let Shown::Person(_, bearer, standing) = shows(&first) else { panic!("it is his") };
    assert_eq!(standing, Standing::First, "before any code is asked for");
    let made = office.engine.change_token(&bearer, &next, NOW.plus(DAY), NOW).expect("changed");
    assert_eq!((made.name.as_str(), made.expires), ("telefono", NOW.plus(DAY).as_millis()));
    assert_eq!(shows(&first), Shown::Nobody);
    assert!(office.engine.change_token(&bearer, &secret("sgt_terzo"), NOW.plus(DAY), NOW).is_err(), "once");
    let Shown::Person(_, bearer, standing) = shows(&next) else { panic!("it is his") };
    assert_eq!(standing, Standing::Locked, "the factor locks it as any other");
    let term = Term::For(HOUR);
    let until =
        office.engine.unlock(&bearer, (&code(&seed, after(30)), term), ("192.0.2.7", None), (after(30), Tick(0)));
    assert_eq!(until.expect("unlocked"), after(30).plus(HOUR));
    office.engine.change_token(&bearer, &secret("sgt_quarto"), NOW.plus(DAY), after(40)).expect("changed");
    let Shown::Person(.., standing) = shows(&secret("sgt_quarto")) else { panic!("it is his") };
    assert_eq!((standing, office.rows(tag::UNLOCKED)), (Standing::Locked, 1), "what was unlocked ended with its token");
    office.is_clean("changed tokens");
}

#[test]
fn whoever_has_a_token_makes_none_of_it_that_is_good_for_longer() {
    let office = Office::new();
    let (day, first) = (secret("sgt_giorno"), secret("sgp_primo"));
    for (token, label) in [(&day, "giorno"), (&first, "primo")] {
        office.engine.add_token(&name("m.rossi"), label, token, NOW.plus(DAY), NOW).expect("a token");
    }
    let held = |token: &Secret| match office.engine.who_shows(token, None, NOW).expect("looked up") {
        Shown::Person(_, bearer, _) => bearer,
        other => panic!("{other:?}"),
    };
    let (of_a_day, of_another) = (held(&day), held(&first));
    assert_eq!((of_a_day.term(), of_another.term()), (Some(DAY), None));
    // As long as it was in all, whenever it is changed: so it is changed again and again.
    let late = after(23 * 3600);
    let longer = Timestamp::from_millis(late.plus(DAY).as_millis() + 1);
    let refused = office.engine.change_token(&of_a_day, &secret("sgt_anno"), longer, late).expect_err("longer");
    assert!(refused.to_string().contains("«giorno»"), "{refused}");
    let made = office.engine.change_token(&of_a_day, &secret("sgt_oggi"), late.plus(DAY), late).expect("as long");
    assert_eq!(made.expires, late.plus(DAY).as_millis());
    // A first one only hands over what was meant.
    office.engine.change_token(&of_another, &secret("sgt_suo"), NOW.plus(400 * DAY), NOW).expect("what he likes");
}

#[test]
fn only_good_tokens_are_counted_and_those_that_ended_go_in_time() {
    let office = Office::new();
    let (engine, rossi) = (&office.engine, name("m.rossi"));
    let (mut shown, end) = (secret("sgt_m.rossi_portatile"), NOW.plus(90 * DAY));
    // A program that changes its token all the time never comes to an end, and neither do their rows.
    for n in 0..1_010 {
        let Shown::Person(_, bearer, _) = engine.who_shows(&shown, None, NOW).expect("looked up") else {
            panic!("the {n}th is good")
        };
        shown = secret(&format!("sgt_{n}"));
        engine.change_token(&bearer, &shown, end, after(n)).unwrap_or_else(|e| panic!("the {n}th: {e}"));
    }
    let all = engine.tokens(&rossi).expect("read");
    let good = all.iter().filter(|tokened| tokened.token.is_good(NOW.as_millis())).count();
    assert!((1_000..=1_003).contains(&all.len()) && good == 2, "{} of {}", good, all.len());
    // A hundred are good at once: another one when one has ended.
    let add = |label: &str| engine.add_token(&rossi, label, &secret(&format!("sgt_nuovo {label}")), end, after(2_000));
    for n in 2..100 {
        add(&n.to_string()).unwrap_or_else(|e| panic!("the {n}th: {e}"));
    }
    let refused = add("troppo").expect_err("the hundred and first").to_string();
    assert!(refused.contains("100 token validi"), "{refused}");
    engine.revoke_token(&rossi, "50", after(2_001)).expect("revoked");
    add("troppo").expect("one has ended");
    // In a year and some days nobody asks for one that ended any more; what is good stays.
    let expire = |counts: Timestamp| {
        super::expiry::expire(engine, Kept { archive: None, records: NOW, accesses: NOW, counts }, after(2_002))
    };
    assert_eq!(expire(NOW), 0);
    expire(after(2_002));
    let all = engine.tokens(&rossi).expect("read");
    assert!(all.len() == 100 && all.iter().all(|t| t.token.is_good(after(2_002).as_millis())), "{}", all.len());
    office.is_clean("without what ended");
}

const LAPTOP: (&str, &str) = ("m.rossi", "portatile");
const NIGHTLY: (&str, &str) = ("m.rossi", "notturno");

#[test]
fn a_code_unlocks_the_token_that_is_shown_to_the_second_and_no_other() {
    let office = Office::new();
    let (seed, spares) = office.enrol("m.rossi", NOW);
    assert_eq!(spares.len(), 8);
    assert_eq!(office.standing("m.rossi", "portatile", NOW), Standing::Unlocked, "a code was just said for it");
    assert_eq!(office.standing("m.rossi", "notturno", NOW), Standing::Locked);
    assert_eq!(office.standing("l.bianchi", "portatile", NOW), Standing::NoFactor, "nobody else's");
    let over = NOW.plus(UNLOCKED_FOR);
    let before = Timestamp::from_millis(over.as_millis() - 1);
    assert_eq!(office.standing("m.rossi", "portatile", before), Standing::Unlocked);
    assert_eq!(office.standing("m.rossi", "portatile", over), Standing::Locked);

    let until = office.unlock(NIGHTLY, &code(&seed, after(60)), Term::For(HOUR), (after(60), 0)).expect("unlocked");
    assert_eq!(until, after(60 + 3600));
    assert_eq!(office.standing("m.rossi", "notturno", after(60 + 3599)), Standing::Unlocked);
    assert_eq!(office.standing("m.rossi", "notturno", until), Standing::Locked);
    assert_eq!(office.standing("m.rossi", "portatile", over), Standing::Locked, "a code is for one token");
    office.is_clean("with second factors of persons");
}

#[test]
fn a_code_is_good_once_whichever_token_it_is_said_for() {
    let office = Office::new();
    let (seed, spares) = office.enrol("m.rossi", NOW);
    let wrong = |said: &Secret, at| {
        let told = office.unlock(NIGHTLY, said, Term::Always, at);
        assert!(matches!(told, Err(Unproven::Wrong)), "{told:?}");
    };
    wrong(&code(&seed, NOW), (after(10), 0));
    let next = code(&seed, after(60));
    office.unlock(LAPTOP, &next, Term::For(HOUR), (after(60), 1)).expect("unlocked");
    wrong(&next, (after(61), 2));
    office.unlock(LAPTOP, &spares[0], Term::For(HOUR), (after(62), 3)).expect("a spare one");
    wrong(&spares[0], (after(63), 4));
    assert_eq!(office.standing("m.rossi", "notturno", after(63)), Standing::Locked);
    office.unlock(NIGHTLY, &spares[1], Term::For(HOUR), (after(64), 5)).expect("another");
}

#[test]
fn a_token_of_a_program_stays_unlocked_as_long_as_it_is_good_and_no_longer() {
    let office = Office::new();
    let (seed, spares) = office.enrol("m.rossi", NOW);
    let end = NOW.plus(90 * DAY);
    let until = office.unlock(NIGHTLY, &code(&seed, after(60)), Term::Always, (after(60), 0)).expect("unlocked");
    assert_eq!(until, end);
    let last = Timestamp::from_millis(end.as_millis() - 1);
    assert_eq!(office.standing("m.rossi", "notturno", last), Standing::Unlocked);
    // However long is asked for.
    let day = office.unlock(LAPTOP, &spares[0], Term::For(100 * DAY), (last, 1)).expect("unlocked");
    assert_eq!(day, end);
    let expire = |now| {
        let kept = Kept { archive: None, records: NOW, accesses: NOW, counts: NOW };
        let mut from = None;
        loop {
            let page = office.engine.expire(&kept, from.as_deref(), 100, now).expect("looked through");
            from = page.next;
            if from.is_none() {
                return office.rows(tag::UNLOCKED);
            }
        }
    };
    assert_eq!((expire(last), expire(end)), (2, 0), "what is over goes");
    office.is_clean("after the walk");
}

#[test]
fn what_belongs_to_a_token_or_person_ends_with_it() {
    let office = Office::new();
    let (seed, spares) = office.enrol("m.rossi", NOW);
    office.unlock(NIGHTLY, &code(&seed, after(60)), Term::Always, (after(60), 0)).expect("unlocked");
    let (held, _) = office.shows("m.rossi", "notturno", after(60));
    office.engine.revoke_token(&name("m.rossi"), "notturno", after(61)).expect("revoked");
    assert_eq!(office.rows(tag::UNLOCKED), 1);
    // Whoever was let in just before it ended does nothing with it.
    let late = office.engine.unlock(&held, (&spares[0], Term::Always), ("x", None), (after(62), Tick(0)));
    assert!(matches!(late, Err(Unproven::Engine(Error::Invalid(_)))), "{late:?}");
    assert_eq!(office.rows(tag::UNLOCKED), 1);

    office.engine.reset_factor(&name("m.rossi"), "l.bianchi", after(63)).expect("reset");
    assert_eq!((office.rows(tag::UNLOCKED), office.rows(tag::PERSON_FACTOR)), (0, 0));
    assert_eq!(office.standing("m.rossi", "portatile", after(63)), Standing::NoFactor);
    assert!(office.engine.reset_factor(&name("m.rossi"), "l.bianchi", after(63)).is_err(), "there is none");

    office.enrol("m.rossi", after(120));
    office.engine.end_person(&name("m.rossi"), &Request::own(after(121))).expect("ended");
    assert_eq!((office.rows(tag::UNLOCKED), office.rows(tag::PERSON_FACTOR)), (0, 0));
    office.is_clean("after its end");
}

#[test]
fn who_removes_his_factor_says_a_code_and_what_it_unlocked_is_forgotten() {
    let office = Office::new();
    let (seed, _) = office.enrol("m.rossi", NOW);
    let (bearer, _) = office.shows("m.rossi", "portatile", NOW);
    assert!(matches!(office.engine.begin_own_factor(&bearer, NOW), Err(Error::Invalid(_))), "it is not replaced");
    let remove = |said: &Secret, now| office.engine.remove_own_factor(&bearer, said, ("x", None), (now, Tick(0)));
    assert!(matches!(remove(&secret("000000"), after(30)), Err(Unproven::Wrong)));
    assert_eq!(office.standing("m.rossi", "notturno", after(30)), Standing::Locked);
    remove(&code(&seed, after(60)), after(60)).expect("removed");
    assert_eq!(office.standing("m.rossi", "notturno", after(60)), Standing::NoFactor);
    // Another one begins anew: nothing of before is unlocked.
    let (begun, now) = (office.shows("m.rossi", "notturno", after(90)).0, after(90));
    let seed = office.engine.begin_own_factor(&begun, now).expect("begun").seed;
    office.engine.confirm_own_factor(&begun, &code(&seed, now), "x", now).expect("confirmed");
    assert_eq!(office.standing("m.rossi", "portatile", now), Standing::Locked);
    assert!(matches!(remove(&secret("000000"), after(91)), Err(Unproven::Wrong)));
}

/// A thief of a token guesses, from as many places as he likes and at once; who is robbed works on with his other token.
#[test]
fn whoever_guesses_codes_is_heard_no_more_wherever_he_is() {
    let office = Office::new();
    let (seed, _) = office.enrol("m.rossi", NOW);
    let now = after(60);
    let (stolen, _) = office.shows("m.rossi", "notturno", now);
    let right = code(&seed, now);
    let guess = |n: u8, said: &Secret, tick: u64| {
        let (ip, at) = (IpAddr::from([203, 0, 113, n]), (now, Tick(tick)));
        office.engine.unlock(&stolen, (said, Term::Always), (&ip.to_string(), Some(ip.into())), at)
    };
    let judged = std::thread::scope(|scope| {
        let guess = &guess;
        let all: Vec<_> = (0..32).map(|n| scope.spawn(move || guess(n, &secret("000000"), 0))).collect();
        all.into_iter().map(|one| one.join().expect("no panic")).collect::<Vec<_>>()
    });
    let wrong = judged.iter().filter(|told| matches!(told, Err(Unproven::Wrong))).count();
    assert_eq!(wrong, 5, "{judged:?}");
    let Err(Unproven::Locked(until)) = guess(99, &right, 1) else { panic!("a right one is not judged either") };
    office.unlock(LAPTOP, &right, Term::For(HOUR), (now, 2)).expect("his own token");
    let later = code(&seed, after(120));
    let (bearer, _) = office.shows("m.rossi", "notturno", after(120));
    office.engine.unlock(&bearer, (&later, Term::For(HOUR)), ("x", None), (after(120), until)).expect("in time");
}

#[test]
fn nobody_unlocks_by_what_is_another_persons() {
    let office = Office::new();
    let (of_rossi, spares) = office.enrol("m.rossi", NOW);
    office.enrol("l.bianchi", NOW);
    let now = after(60);
    for (tick, said) in [code(&of_rossi, now), spares[0].clone()].iter().enumerate() {
        let told = office.unlock(("l.bianchi", "notturno"), said, Term::Always, (now, tick as u64));
        assert!(matches!(told, Err(Unproven::Wrong)), "{told:?}");
    }
    assert_eq!(office.standing("l.bianchi", "notturno", now), Standing::Locked);
    office.unlock(NIGHTLY, &code(&of_rossi, now), Term::For(HOUR), (now, 9)).expect("and his is not used up by it");
    // Who has no second factor unlocks nothing, and a code of his own making adds none.
    let office = Office::new();
    let told = office.unlock(LAPTOP, &code(&of_rossi, now), Term::Always, (now, 0));
    assert!(matches!(told, Err(Unproven::Engine(Error::Invalid(_)))), "{told:?}");
    let (bearer, _) = office.shows("m.rossi", "portatile", now);
    assert!(office.engine.confirm_own_factor(&bearer, &code(&of_rossi, now), "x", now).is_err(), "nothing was begun");
}
