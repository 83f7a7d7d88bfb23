//! What the engine tells its meter: each fact once, after its commit, and nothing of what was not done.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use sigillo_accounts::NoticeKind;
use sigillo_engine::front::{self, Peer};
use sigillo_engine::meter::{HandOver, Limit, LoginResult, Nature, Part, Reception, Standing, Submission, Way};
use sigillo_engine::{Fact, Tally};
use sigillo_pec::Kind;
use sigillo_smtp::server::Role;
use sigillo_store::memory::{Fault, Plan};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::Knows;
use sigillo_tests::street::{Fate, Street, message};
use sigillo_tests::wire::{Wire, engine_with_password};

const ANNA: &str = "anna@comune-alfa.example";
const MARIO: &str = "bruno@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const HOUR: Duration = Duration::from_secs(3600);
const ZERO: Duration = Duration::ZERO;

fn submit(street: &Street, to: &str) {
    street.submit(&address(ANNA), &[address(to)], "").expect("taken");
}

fn facts(street: &Street, house: usize) -> Vec<Fact> {
    street.houses[house].facts.take()
}

#[test]
fn a_message_between_two_providers_is_told_fact_by_fact() {
    let mut street = Street::new(1);
    submit(&street, BRUNO);
    let accepted =
        [Fact::Issued(Kind::Acceptance), Fact::Issued(Kind::TransportEnvelope), Fact::Submission(Submission::Accepted)];
    assert_eq!(facts(&street, 0), accepted);
    street.run();
    let alfa = [
        Fact::HandOver(Way::Certified, HandOver::Taken, 1),
        Fact::Judged(Nature::Receipt),
        Fact::Came(Kind::TakeCharge),
        Fact::Reception(Reception::Receipt),
        Fact::Judged(Nature::Receipt),
        Fact::Came(Kind::Delivery),
        Fact::Confirmed(ZERO),
        Fact::Reception(Reception::Receipt),
    ];
    assert_eq!(sorted(facts(&street, 0)), sorted(alfa.to_vec()));
    let beta = [
        Fact::Judged(Nature::Envelope),
        Fact::Came(Kind::TransportEnvelope),
        Fact::Issued(Kind::TakeCharge),
        Fact::Reception(Reception::TakenCharge),
        Fact::Issued(Kind::Delivery),
        Fact::Delivered(ZERO),
        Fact::HandOver(Way::Certified, HandOver::Taken, 1),
        Fact::HandOver(Way::Certified, HandOver::Taken, 1),
    ];
    assert_eq!(sorted(facts(&street, 1)), sorted(beta.to_vec()));
    assert_eq!(facts(&street, 2), [], "nobody else is concerned");
}

/// The order of what is done side by side is nobody's business.
fn sorted(facts: Vec<Fact>) -> Vec<String> {
    let mut names: Vec<_> = facts.into_iter().map(|fact| format!("{fact:?}")).collect();
    names.sort();
    names
}

#[test]
fn a_message_within_one_provider_goes_the_whole_way() {
    let mut street = Street::new(2);
    submit(&street, MARIO);
    street.run();
    let told = facts(&street, 0);
    let count = |fact: Fact| told.iter().filter(|told| **told == fact).count();
    for kind in [Kind::Acceptance, Kind::TransportEnvelope, Kind::TakeCharge, Kind::Delivery] {
        assert_eq!(count(Fact::Issued(kind)), 1, "{kind:?}: {told:?}");
    }
    for kind in [Kind::TransportEnvelope, Kind::TakeCharge, Kind::Delivery] {
        assert_eq!(count(Fact::Came(kind)), 1, "{kind:?}: {told:?}");
    }
    assert_eq!(count(Fact::HandOver(Way::Local, HandOver::Taken, 1)), 3, "{told:?}");
}

#[test]
fn what_was_not_committed_was_not_issued() {
    let street = Street::new(3);
    let house = &street.houses[0];
    let before = house.facts.take();
    house.store.plan(Plan::new().fail_commit(1, Fault::Refused));
    let answer = street.submit(&address(ANNA), &[address(BRUNO)], "");
    assert!(answer.is_err(), "{answer:?} after {before:?}");
    assert_eq!(house.facts.take(), [Fact::Submission(Submission::Failed)]);
}

#[test]
fn the_message_over_the_limit_is_told_and_not_issued() {
    let street = Street::new(4);
    (0..50).for_each(|_| submit(&street, BRUNO));
    facts(&street, 0);
    street.submit(&address(ANNA), &[address(BRUNO)], "").expect_err("the fifty-first of a minute");
    assert_eq!(facts(&street, 0), [Fact::Limit(Limit::Minute), Fact::Submission(Submission::Refused)]);
}

#[test]
fn malware_is_told_by_its_notices_on_both_sides() {
    let mut street = Street::new(5);
    street.houses[1].scan_with(Knows(&["VERME"]));
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    let bytes = format!("{}VERME\r\n", message(&anna, std::slice::from_ref(&bruno), "")).into_bytes();
    street.submit_bytes(&anna, &[bruno], bytes).expect("alfa finds nothing");
    facts(&street, 0);
    street.run();
    let beta = facts(&street, 1);
    assert!(beta.contains(&Fact::Reception(Reception::Infected)), "{beta:?}");
    assert!(beta.contains(&Fact::Issued(Kind::VirusDetection)), "{beta:?}");
    assert!(!beta.contains(&Fact::Issued(Kind::TakeCharge)), "{beta:?}");
    let alfa = facts(&street, 0);
    assert!(alfa.contains(&Fact::Came(Kind::VirusDetection)), "{alfa:?}");
    assert_eq!(alfa.iter().filter(|f| **f == Fact::Issued(Kind::NonDeliveryVirus)).count(), 1, "{alfa:?}");
}

#[test]
fn overdue_notices_and_deferred_hand_overs_are_told() {
    let mut street = Street::new(6);
    street.network(|_| Fate::Held);
    submit(&street, BRUNO);
    street.pass(25 * HOUR);
    let told = facts(&street, 0);
    let count = |fact: Fact| told.iter().filter(|told| **told == fact).count();
    assert_eq!((count(Fact::Issued(Kind::Overdue12h)), count(Fact::Issued(Kind::Overdue24h))), (1, 1));
    assert!(count(Fact::HandOver(Way::Certified, HandOver::Deferred, 1)) > 20);
    assert_eq!(count(Fact::HandOver(Way::Certified, HandOver::Refused, 1)), 0, "withdrawn, not refused");
}

#[test]
fn how_long_a_receipt_took_is_told_in_service_time() {
    let mut street = Street::new(7);
    street.network(|carried| if carried.now < NOW.plus(2 * HOUR) { Fate::Held } else { Fate::Arrives });
    submit(&street, BRUNO);
    street.pass(3 * HOUR);
    let told = facts(&street, 0);
    let took = told.iter().find_map(|fact| if let Fact::Confirmed(took) = fact { Some(*took) } else { None });
    assert!(took.is_some_and(|took| took >= 2 * HOUR && took < 3 * HOUR), "{took:?}");
}

#[test]
fn a_login_is_told_whoever_tries_and_however() {
    let street = Street::new(8);
    let engine = engine_with_password(&street.houses[0], &address(ANNA), "una frase lunga");
    let try_as = |user: &str, password: &str| {
        let door = front::smtp(Arc::clone(&engine), Role::SubmissionTls, Peer::LOCAL, true, Default::default());
        let mut wire = Wire::new(door, street.now);
        wire.say("EHLO pc\r\n");
        let said = wire.say(format!("AUTH PLAIN {}\r\n", BASE64.encode(format!("\0{user}\0{password}").as_bytes())));
        if said.is_empty() { wire.wait() } else { said }
    };
    for user in [ANNA, "nessuno@comune-alfa.example", "@"] {
        assert!(try_as(user, "sbagliata").starts_with("535"), "a wrong password");
    }
    assert_eq!(facts(&street, 0), [Fact::Login(LoginResult::Wrong); 3]);
    assert!(try_as(ANNA, "una frase lunga").starts_with("235"));
    assert_eq!(facts(&street, 0), [Fact::Login(LoginResult::Fine)]);
}

#[test]
fn the_queue_is_counted_by_part_and_standing_in_pages_of_any_size() {
    let mut street = Street::new(9);
    street.network(|_| Fate::Held);
    for to in [BRUNO, "carla@ente-beta.example", MARIO] {
        submit(&street, to);
    }
    let count = |street: &Street, page: usize| {
        let engine = street.houses[0].engine();
        let mut census = engine.begin_census(100).expect("begun");
        let mut pages = 0;
        while !census.is_over() {
            engine.go_on(&mut census, page, street.now).expect("counted");
            pages += 1;
        }
        let tally = |part, standing| census.tally(part, standing);
        let all = Part::ALL.iter().flat_map(|p| Standing::ALL.iter().map(|s| tally(*p, *s))).collect::<Vec<_>>();
        (all, pages)
    };
    let of = |items: u64| Tally { items, oldest: Some(NOW).filter(|_| items > 0) };
    let (all, pages) = count(&street, 1);
    assert_eq!(all, [1, 0, 0, 2, 0, 0, 0, 0, 0].map(of), "nothing was tried yet");
    assert_eq!(pages, 5, "a page each, and one that finds the end of each table");
    assert_eq!(count(&street, 1000), (all, 2));

    let dispatch = street.houses[0].engine().due(street.now, 1).expect("taken").remove(0);
    assert_eq!(count(&street, 2).0, [1, 0, 0, 1, 0, 1, 0, 0, 0].map(of), "one is in work");
    street.houses[0].engine().defer(&dispatch, "nessuna risposta", street.now).expect("given back");
    street.run();
    assert_eq!(count(&street, 2).0, [0, 0, 0, 0, 2, 0, 0, 0, 0].map(of), "the local one is delivered, the others wait");
    let until = street.now.plus(Duration::from_secs(60));
    let text = super::notices::notice(NoticeKind::Alert, "sms:+393331234567", "x", until);
    street.houses[0].engine().tell(&text, street.now).expect("told");
    assert_eq!(count(&street, 1).0[6..].iter().map(|t| t.items).sum::<u64>(), 1, "a notice waits");
}

#[test]
fn the_oldest_line_that_waits_for_the_chain_is_known() {
    let street = Street::new(10);
    let engine = street.houses[0].engine();
    engine.chain_log(NOW).expect("linked");
    assert_eq!(engine.oldest_unchained().expect("asked"), None);
    submit(&street, BRUNO);
    assert_eq!(engine.oldest_unchained().expect("asked"), Some(NOW));
    engine.chain_log(NOW).expect("linked");
    assert_eq!(engine.oldest_unchained().expect("asked"), None);
}
