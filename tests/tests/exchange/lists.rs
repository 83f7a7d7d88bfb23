//! Distribution lists, expanded before acceptance (BOX-11).

use std::time::Duration;

use sigillo_accounts::{Done, Profile, Request};
use sigillo_base::{Address, UnitId};
use sigillo_engine::{Error, NewList, Submitted};
use sigillo_pec::RecipientClass;
use sigillo_store::tag;
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::street::{Street, message};

use super::check::assert_clean;
use super::life::hash;
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const COUNCIL: &str = "consiglio@comune-alfa.example";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn addresses(all: &[&str]) -> Vec<Address> {
    all.iter().map(|a| address(a)).collect()
}

#[test]
fn each_member_is_a_recipient_and_yields_a_receipt() {
    let mut street = Street::new(1);
    let members = addresses(&[
        "bruno@comune-alfa.example",
        "bruno@ente-beta.example",
        "carla@gamma.example",
        "gina@posta.example",
    ]);
    street.houses[0].engine().set_list(&address(COUNCIL), &members, NOW).expect("a list");
    let answer = street.submit(&address(ANNA), &addresses(&[COUNCIL]), "X-TipoRicevuta: breve\r\n");
    assert!(matches!(answer, Ok(Submitted::Accepted(_))), "{answer:?}");
    street.run();
    let letters = street.inbox(&address(ANNA));
    let facts = &letters[0].evidence.certification.as_ref().expect("certified").facts;
    let listed: Vec<&Address> = facts.recipients.iter().map(|r| &r.address).collect();
    assert_eq!(listed, members.iter().collect::<Vec<_>>(), "the members, not the list");
    assert_eq!(facts.recipients[3].class, RecipientClass::External);
    let mut delivered: Vec<Address> = Vec::new();
    for letter in &letters[1..] {
        assert_eq!(letter.evidence.kind, "avvenuta-consegna");
        delivered.extend(letter.evidence.certification.as_ref().and_then(|c| c.delivered.clone()));
        // In neither To nor Cc: what was asked for is given (RFC 6109 §3.3.2.1).
        assert!(String::from_utf8_lossy(&letter.bytes).contains("Ricevuta breve di avvenuta consegna"));
    }
    delivered.sort_by_key(Address::key);
    let mut wanted = members[..3].to_vec();
    wanted.sort_by_key(Address::key);
    assert_eq!(delivered, wanted, "three certified members, three receipts");
    assert_eq!(street.kinds(&members[1]), ["posta-certificata"]);
    assert!(street.houses.iter().all(|h| rows::at_rest(&h.store)));
}

#[test]
fn lists_inside_lists_are_opened_once_and_circles_end() {
    let mut street = Street::new(2);
    let (council, board) = (address(COUNCIL), address("giunta@studio.example"));
    let bruno = address("bruno@comune-alfa.example");
    let engine = street.houses[0].engine().clone();
    engine.set_list(&council, &[board.clone(), bruno.clone()], NOW).expect("a list");
    engine
        .set_list(&board, &[council.clone(), bruno.clone(), address("carla@ente-beta.example")], NOW)
        .expect("a list");
    street.submit(&address(ANNA), &[council, bruno.clone()], "").expect("submitted");
    street.run();
    let c = street.inbox(&address(ANNA))[0].evidence.certification.clone().expect("certified");
    assert_eq!(c.facts.recipients.len(), 2, "bruno and carla, once each: {:?}", c.facts.recipients);
    assert_eq!(street.kinds(&bruno), ["posta-certificata"]);
}

#[test]
fn a_list_without_members_is_refused_by_name_and_a_foreign_one_is_a_mailbox_there() {
    let mut street = Street::new(3);
    let council = address(COUNCIL);
    street.houses[0].engine().set_list(&council, &[], NOW).expect("a list");
    let answer = street.submit(&address(ANNA), std::slice::from_ref(&council), "");
    assert!(matches!(answer, Ok(Submitted::NotAccepted(_))), "{answer:?}");
    let notice = &street.inbox(&address(ANNA))[0];
    assert!(String::from_utf8_lossy(&notice.bytes).contains("consiglio@comune-alfa.example"));
    // From another provider it is an address without a mailbox: nobody there may expand it for the sender.
    let carla = address("carla@ente-beta.example");
    street.submit(&carla, &[council], "").expect("submitted");
    street.run();
    assert_eq!(street.kinds(&carla), ["accettazione", "errore-consegna"]);
}

#[test]
fn an_address_is_a_list_or_a_mailbox() {
    let street = Street::new(4);
    let engine = street.houses[0].engine();
    let taken = engine.set_list(&address(ANNA), &[], NOW).expect_err("a mailbox").to_string();
    assert!(taken.contains(ANNA), "{taken}");
    let foreign = engine.set_list(&address("x@ente-beta.example"), &[], NOW).expect_err("foreign").to_string();
    assert!(foreign.contains("ente-beta.example"), "{foreign}");
    let own = engine.set_list(&address(COUNCIL), &addresses(&[COUNCIL]), NOW).expect_err("itself").to_string();
    assert!(own.contains("se stessa"), "{own}");
    let crowd: Vec<Address> = (0..=1_000).map(|n| address(&format!("u{n}@ente-beta.example"))).collect();
    assert!(engine.set_list(&address(COUNCIL), &crowd, NOW).is_err(), "more than a message may have");
    engine.set_list(&address(COUNCIL), &crowd[..1_000], NOW).expect("a long list, kept as a body");
    assert_eq!(engine.find_list(&address(COUNCIL)).expect("the store").expect("a list").members.len(), 1_000);
    assert_eq!(engine.lists(None, 10).expect("the store").len(), 1);
    let nobody = engine.cancel_list(&address("x@comune-alfa.example"), &Request::own(NOW)).expect_err("none");
    assert!(nobody.to_string().contains("non esiste"), "{nobody}");
}

/// A list that is cancelled is as a mailbox that is: nothing is sent to it, it comes back as it was, its address is nobody
/// else's, and after its grace it is gone.
#[test]
fn a_cancelled_list_takes_nothing_and_comes_back_as_it_was_within_its_grace() {
    let mut street = Street::new(6);
    let (anna, council, board) = (address(ANNA), address(COUNCIL), address("giunta@comune-alfa.example"));
    let bruno = address("bruno@ente-beta.example");
    let engine = street.houses[0].engine().clone();
    // A long one lies in a body of its own.
    let crowd: Vec<Address> = (0..900).map(|n| address(&format!("u{n}@ente-beta.example"))).collect();
    let members = [std::slice::from_ref(&bruno), &crowd[..]].concat();
    engine.set_list(&council, &members, NOW).expect("a list");
    engine.set_list(&board, &[council.clone(), bruno.clone()], NOW).expect("a list with another inside");
    let before = rows::of(&street.houses[0].store, tag::LIST);
    let own = |at| Request::own(at);
    assert_eq!(engine.cancel_list(&council, &own(street.now)).ok(), Some(true));
    assert_eq!(engine.cancel_list(&council, &own(street.now)).ok(), Some(false), "it is so already");
    assert_eq!(rows::of(&street.houses[0].store, tag::LIST), before, "its row stays as it was");
    let until = street.now.plus(30 * DAY);
    let found = engine.find_list(&council).expect("read").expect("it is shown");
    assert_eq!((found.cancelled_until, found.members.len()), (Some(until), 901));
    assert_eq!(engine.lists(None, 9).expect("read").len(), 2);
    // As to an address that is not there, also inside another list.
    for to in [&council, &board] {
        let had = street.kinds(&anna).len();
        assert!(matches!(street.submit(&anna, std::slice::from_ref(to), ""), Ok(Submitted::Accepted(_))));
        street.run();
        let came = street.kinds(&anna).split_off(had);
        let refused = came.iter().filter(|kind| *kind == "errore-consegna").count();
        assert_eq!((refused, came.len()), (1, if *to == council { 2 } else { 3 }), "{came:?}");
    }
    let text = |refused: Result<bool, Error>| refused.expect_err("refused").to_string();
    let new = NewList { address: council.clone(), members: vec![bruno.clone()], unit: None };
    assert!(text(engine.put_list(&new, &own(street.now))).contains("undelete"));
    let taken = engine.add_mailbox(&council, Profile::Standard, hash(), street.now).expect_err("taken");
    assert!(taken.to_string().contains(COUNCIL), "{taken}");
    assert_eq!(engine.purge_cancelled(until.minus(DAY)).ok(), Some(false), "not yet");
    assert_eq!(engine.undelete_list(&council, &own(until.minus(DAY))).ok(), Some(true));
    assert_eq!(engine.undelete_list(&council, &own(until.minus(DAY))).ok(), Some(false), "it is in use");
    assert_eq!(
        engine.find_list(&council).expect("read").map(|l| (l.cancelled_until, l.members)),
        Some((None, members))
    );
    let again = until.minus(DAY);
    engine.cancel_list(&council, &own(again)).expect("cancelled");
    let over = again.plus(30 * DAY);
    assert!(text(engine.undelete_list(&council, &own(over))).contains("finito"));
    assert_clean(&street.houses[0].store, "while it waits");
    assert_eq!(engine.purge_cancelled(over).ok(), Some(true));
    assert_eq!(engine.purge_cancelled(over).ok(), Some(false), "nothing is left to do");
    assert_eq!(engine.find_list(&council).expect("read"), None);
    assert!(rows::of(&street.houses[0].store, tag::LIST_CANCELLED).is_empty());
    assert_clean(&street.houses[0].store, "when it is gone");
    let done: Vec<Done> = engine.operations(None, None, 99).expect("read").into_iter().map(|(_, o)| o.done).collect();
    let life = [Done::ListCancel, Done::ListUndelete, Done::ListCancel, Done::ListPurge];
    assert!(done.ends_with(&life), "{done:?}");
    engine.add_mailbox(&council, Profile::Standard, hash(), over).expect("its address may be given again");
}

#[test]
fn the_header_must_name_the_list() {
    let street = Street::new(5);
    let council = address(COUNCIL);
    street.houses[0].engine().set_list(&council, &addresses(&["bruno@ente-beta.example"]), NOW).expect("a list");
    let bytes = message(&address(ANNA), &addresses(&["bruno@ente-beta.example"]), "").into_bytes();
    let answer = street.submit_bytes(&address(ANNA), &[council], bytes);
    assert!(matches!(answer, Ok(Submitted::NotAccepted(_))), "{answer:?}");
}

#[test]
fn lists_that_open_into_too_many_are_refused_with_a_notice_and_looked_at_only_so_far() {
    let street = Street::new(6);
    let engine = street.houses[0].engine();
    let mut lists = Vec::new();
    for n in 0..30 {
        let list = address(&format!("lista{n}@comune-alfa.example"));
        let members: Vec<Address> = (0..1_000).map(|m| address(&format!("u{n}-{m}@ente-beta.example"))).collect();
        engine.set_list(&list, &members, NOW).expect("a list");
        lists.push(list);
    }
    let all = address("tutti@comune-alfa.example");
    engine.set_list(&all, &lists, NOW).expect("a list of lists");
    for to in [&lists[..], std::slice::from_ref(&all)] {
        let answer = street.submit(&address(ANNA), to, "");
        assert!(matches!(answer, Ok(Submitted::NotAccepted(_))), "{answer:?}");
        let notice = street.inbox(&address(ANNA)).pop().expect("a notice");
        let error = notice.evidence.certification.and_then(|c| c.extended_error).unwrap_or_default();
        assert!(error.contains("destinatari"), "{error}");
    }
}

#[test]
fn a_thousand_long_addresses_of_one_domain_are_accepted_and_handed_over() {
    let mut street = Street::new(7);
    let list = address(COUNCIL);
    let long = |n: usize| address(&format!("{}{n:04}@ente-beta.example", "a".repeat(58)));
    let members: Vec<Address> = (0..1_000).map(long).collect();
    street.houses[0].engine().set_list(&list, &members, NOW).expect("a list");
    let answer = street.submit(&address(ANNA), &[list], "");
    assert!(matches!(answer, Ok(Submitted::Accepted(_))), "{answer:?}");
    street.run();
    let outcomes = street.kinds(&address(ANNA)).iter().filter(|k| *k == "errore-consegna").count();
    assert_eq!(outcomes, 1_000, "nobody lives there, and each is told");
}

/// Whoever says of which unit a list is has not seen its members, and leaves them as they are.
#[test]
fn the_unit_of_a_list_is_said_without_a_word_of_its_members() {
    let street = Street::new(7);
    let (council, engine) = (address(COUNCIL), street.houses[0].engine());
    let tenant = engine.add_tenant("Comune", "c_a", &[], NOW).expect("an administration");
    engine.assign_domain(council.domain(), Some(tenant), NOW).expect("its domain");
    let unit = engine.add_unit(tenant, "Anagrafe", NOW).expect("a unit");
    engine.set_list(&council, &addresses(&[ANNA]), NOW).expect("a list");
    let before = rows::of(&street.houses[0].store, tag::LIST);
    let set = |unit| engine.set_list_unit(&council, unit, &Request::own(NOW));
    assert_eq!(set(Some(unit)).ok(), Some(true));
    assert_eq!(set(Some(unit)).ok(), Some(false), "it is so already");
    assert_eq!(engine.target(&council).expect("read").unit, Some(unit));
    assert_eq!(rows::of(&street.houses[0].store, tag::LIST), before, "its members are as they were");
    let (_, last) = engine.operations(None, None, 9).expect("read").pop().expect("a record");
    assert_eq!((last.done, last.unit, last.detail.as_str()), (Done::ListChange, Some(unit.0), "struttura: — → 1"));
    assert_eq!(set(None).ok(), Some(true));
    let text = |refused: Result<bool, Error>| refused.expect_err("refused").to_string();
    assert!(text(set(Some(UnitId(9)))).contains("struttura 9"));
    engine.cancel_list(&council, &Request::own(NOW)).expect("cancelled");
    assert!(text(set(Some(unit))).contains("undelete"));
    let none = engine.set_list_unit(&address("x@comune-alfa.example"), None, &Request::own(NOW));
    assert!(text(none).contains("non esiste"));
    assert_clean(&street.houses[0].store, "with a unit");
}
