//! The legal log over whole exchanges: the rules of consistency hold, and what was logged is found and counted.

use std::collections::BTreeSet;
use std::time::Duration;

use sigillo_base::{Address, Timestamp};
use sigillo_engine::Submitted;
use sigillo_pec::log::{Checker, Count, Entry, Event};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::House;
use sigillo_tests::log::{entries, file, prove};
use sigillo_tests::street::{Fate, Street, message};

pub const ANNA: &str = "anna@comune-alfa.example";
pub const BRUNO: &str = "bruno@ente-beta.example";
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// Hands in a message that is accepted; gives its identifier.
pub fn send(street: &Street, from: &str, to: &[&str], more: &str) -> String {
    let to: Vec<Address> = to.iter().map(|a| address(a)).collect();
    match street.submit(&address(from), &to, more) {
        Ok(Submitted::Accepted(id)) => id.to_string(),
        other => panic!("not accepted: {other:?}"),
    }
}

/// Proves every log of a street; nothing may be found, nothing left open.
pub fn all_agree(street: &Street) {
    for house in &street.houses {
        let proof = prove(house.engine(), street.now).expect("the log can be read");
        let name = &house.fixture.provider.name;
        assert!(proof.findings.is_empty() && proof.rules.findings.is_empty(), "{name}: {proof:#?}");
        assert_eq!((proof.rules.open, proof.rules.cut), (0, 0), "{name}");
    }
}

fn counts(house: &House, now: Timestamp) -> Vec<(Event, u64)> {
    let mut count = Count::default();
    for entry in entries(house.engine(), now).expect("the log") {
        if let Entry::Event(record) = entry {
            count.add(&record);
        }
    }
    count.rows().into_iter().filter(|(_, n)| *n > 0).collect()
}

#[test]
fn the_rules_hold_between_two_providers_and_inside_one() {
    let mut street = Street::new(1);
    send(&street, ANNA, &[BRUNO], "");
    send(&street, ANNA, &["carla@comune-alfa.example", BRUNO, "x@ordinaria.example"], "");
    send(&street, BRUNO, &[ANNA, "nessuno@comune-alfa.example", "carla@gamma.example"], "");
    send(&street, ANNA, &["nessuno@ente-beta.example"], "");
    assert!(matches!(
        street.submit(&address(ANNA), &[address(BRUNO)], "Bcc: x@y.example\r\n"),
        Ok(Submitted::NotAccepted(_))
    ));
    street.run();
    all_agree(&street);
    let judged = |n: usize| prove(street.houses[n].engine(), street.now).expect("a proof").rules.messages;
    assert_eq!((judged(0), judged(1), judged(2)), (4, 4, 1), "each message at each provider that it met");
}

#[test]
fn the_rules_hold_when_the_network_does_not() {
    for (seed, kind) in (10..).zip(["posta-certificata", "presa-in-carico", "avvenuta-consegna"]) {
        for fate in [Fate::Held, Fate::AnswerLost] {
            let mut street = Street::new(seed);
            street.network(move |c| {
                let early = c.now < NOW.plus(Duration::from_secs(1800));
                if c.kind == kind && early { fate } else { Fate::Arrives }
            });
            send(&street, ANNA, &[BRUNO, "carla@comune-alfa.example"], "");
            street.pass(DAY * 2);
            all_agree(&street);
        }
    }
    // Refused on the way: the notice is our own, nobody took charge.
    let mut street = Street::new(20);
    street.network(|c| if c.kind == "posta-certificata" { Fate::Refused } else { Fate::Arrives });
    send(&street, ANNA, &[BRUNO, "x@ordinaria.example"], "");
    street.pass(DAY * 2);
    all_agree(&street);
    // Never delivered: the second notice closes it.
    let mut street = Street::new(21);
    street.network(|c| if c.kind == "posta-certificata" { Fate::Held } else { Fate::Arrives });
    send(&street, ANNA, &[BRUNO], "");
    street.pass(DAY * 2);
    all_agree(&street);
}

#[test]
fn a_receipt_that_never_came_is_found() {
    let mut street = Street::new(2);
    street.network(|c| if c.kind == "presa-in-carico" { Fate::Held } else { Fate::Arrives });
    let id = send(&street, ANNA, &[BRUNO], "");
    street.run();
    let open = prove(street.houses[0].engine(), street.now).expect("a proof").rules;
    assert_eq!((open.findings.len(), open.open), (0, 1), "it may still come");
    street.pass(DAY);
    let found = prove(street.houses[0].engine(), street.now).expect("a proof").rules.findings;
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(told, [format!("{id}: Presa in carico mancante per almeno un destinatario ({BRUNO})")]);
}

#[test]
fn what_each_provider_counts() {
    let mut street = Street::new(3);
    // Carla is a copy recipient: she gets a concise receipt whatever was asked.
    let (anna, bruno, carla) = (address(ANNA), address(BRUNO), address("carla@ente-beta.example"));
    let bytes =
        message(&anna, std::slice::from_ref(&bruno), "Cc: carla@ente-beta.example\r\nX-TipoRicevuta: breve\r\n");
    let to = [bruno, carla];
    assert!(matches!(street.submit_bytes(&anna, &to, bytes.into_bytes()), Ok(Submitted::Accepted(_))));
    send(&street, "bruno@comune-alfa.example", &[ANNA, "nessuno@comune-alfa.example"], "");
    street.run();
    let beta = counts(&street.houses[1], street.now);
    assert_eq!(beta, [(Event::TransportEnvelope, 1), (Event::BriefDelivery, 1), (Event::ConciseDelivery, 1)]);
    let alfa = counts(&street.houses[0], street.now);
    // Carla's receipt has no original: a concise one, whatever was asked for. Inside Alfa each message counts once.
    let received = [(Event::BriefDelivery, 1), (Event::ConciseDelivery, 1), (Event::NonDelivery, 1)];
    assert_eq!(alfa, [&[(Event::TransportEnvelope, 2), (Event::CompleteDelivery, 1)][..], &received].concat());
}

#[test]
fn a_message_is_found_by_its_identifier() {
    let mut street = Street::new(4);
    let id = send(&street, ANNA, &[BRUNO], "");
    send(&street, ANNA, &[BRUNO], "");
    street.run();
    let engine = street.houses[0].engine();
    let of = engine.log_of(&id).expect("the log");
    let classes: BTreeSet<String> = of
        .iter()
        .map(|l| match Entry::parse_line(&l.line) {
            Ok(Entry::Event(record)) if record.id == id => record.kind.class().to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(classes, ["Accettazione", "BustaTrasporto", "Consegna", "PresaInCarico"].map(str::to_owned).into());
    assert_eq!(of.len(), 4);
    assert!(engine.log_of("altro@pec.alfa.example").expect("the log").is_empty());
    // By time, page by page, it is the whole of it.
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = engine.log_between(NOW, NOW.plus(DAY), after, 3).expect("the log");
        let Some(last) = page.last() else { break };
        after = Some(last.place);
        pages.extend(page.into_iter().map(|l| l.line));
    }
    assert_eq!(pages, engine.legal_log(&NOW.legal().iso_day).expect("the log"));
    assert_eq!(pages.len(), 8);
    let mut paged = engine.ledger().of(&id, None, 3).expect("the log");
    paged.extend(engine.ledger().of(&id, paged.last().map(|l| l.place), 3).expect("the log"));
    assert_eq!(paged, of);
}

/// A line to a thousand recipients is cut into pieces, and is one line all the same.
#[test]
fn a_long_line_is_one_line() {
    let mut street = Street::new(5);
    let to: Vec<String> = (0..900).map(|n| format!("{}{n}@ente-beta.example", "u".repeat(50))).collect();
    let id = send(&street, ANNA, &to.iter().map(String::as_str).collect::<Vec<_>>(), "");
    street.run();
    let of = street.houses[0].engine().log_of(&id).expect("the log");
    assert!(of.iter().all(|l| l.line.len() > 64 * 1024) && of.len() > 900);
    all_agree(&street);
}

/// Nothing that keeps house takes a line away: what was logged thirty months ago is found, and proven (RFC 6109 §2.3).
#[test]
fn what_was_logged_is_there_after_thirty_months() {
    let mut street = Street::new(6);
    let id = send(&street, ANNA, &[BRUNO], "");
    street.run();
    let engine = street.houses[0].engine().clone();
    let lines = engine.legal_log(&NOW.legal().iso_day).expect("the log");
    engine.close_segments(NOW.plus(DAY)).expect("the segments");
    for month in 1..=31 {
        street.now = NOW.plus(DAY * 31 * month);
        engine.expire_quarantine(street.now).expect("the virus store");
        engine.close_segments(street.now).expect("the segments");
        street.run();
    }
    assert_eq!(lines.len(), 4);
    assert_eq!(engine.legal_log(&NOW.legal().iso_day).expect("the log"), lines);
    assert_eq!(engine.log_of(&id).expect("the log").len(), 4);
    let proof = prove(&engine, street.now).expect("a proof");
    assert!(proof.findings.is_empty() && proof.rules.findings.is_empty(), "{proof:#?}");
    assert!(file(&engine, 1).expect("the first segment's file").contains(&id));
}

#[test]
fn the_rules_can_fail_over_a_real_log() {
    let mut street = Street::new(12);
    send(&street, ANNA, &[BRUNO], "");
    street.run();
    let all = entries(street.houses[0].engine(), street.now).expect("the log");
    let now = NOW.plus(DAY * 2);
    for left_out in 0..all.len() {
        let mut checker = Checker::new(None, Some(now));
        all.iter().enumerate().filter(|(n, _)| *n != left_out).for_each(|(_, e)| checker.entry(e));
        let findings = checker.finish().findings;
        let event = matches!(all[left_out], Entry::Event(_));
        assert!(!findings.is_empty(), "without {} ({event}): {findings:?}", all[left_out].to_line());
    }
}
