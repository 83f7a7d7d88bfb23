//! The notices after 12 and 24 hours (pec rule 5.1), at the sender's.

use std::time::Duration;

use sigillo_base::Timestamp;
use sigillo_engine::{Rejected, Submitted};
use sigillo_pec::deadline;
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::{Known, arrived};
use sigillo_tests::street::{Fate, Street};

use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";

const fn hours(n: u64) -> Duration {
    Duration::from_secs(n * 3600)
}

/// A street where each kind of message arrives only from its hour on; `None` is never.
fn street(held: &'static [(&'static str, Option<u64>)]) -> Street {
    let mut street = Street::new(7);
    street.network(move |carried| {
        let rule = held.iter().find(|(kind, _)| *kind == carried.kind);
        let open = |from: u64| carried.now >= NOW.plus(hours(from));
        if rule.is_none_or(|(_, from)| from.is_some_and(open)) { Fate::Arrives } else { Fate::Held }
    });
    let to = [address(BRUNO)];
    assert!(matches!(street.submit(&address(ANNA), &to, ""), Ok(Submitted::Accepted(_))));
    street
}

/// The overdue notices in Anna's box: full hours after acceptance, and whether it is the second.
fn notices(street: &Street) -> Vec<(u64, bool)> {
    let overdue = street.inbox(&address(ANNA)).into_iter().filter(|l| l.evidence.kind == "preavviso-errore-consegna");
    let read = overdue.map(|l| {
        let c = l.evidence.certification.expect("certification data");
        assert_eq!(c.delivered, Some(address(BRUNO)));
        assert_eq!(l.evidence.original, None);
        assert_eq!(l.at.since(NOW).as_secs() % 3600, 0, "to the second");
        (l.at.since(NOW).as_secs() / 3600, c.extended_error.is_some_and(|t| t.starts_with("5.4.1 ")))
    });
    read.collect()
}

const FIRST: (u64, bool) = (12, false);
const SECOND: (u64, bool) = (23, true);

#[test]
fn taken_and_delivered_in_time_there_is_no_notice() {
    let mut street = street(&[("presa-in-carico", Some(1)), ("avvenuta-consegna", Some(20))]);
    street.pass(hours(48));
    assert_eq!(notices(&street), []);
    assert_eq!(street.kinds(&address(ANNA)), ["accettazione", "avvenuta-consegna"]);
    assert!(street.houses.iter().all(|h| rows::at_rest(&h.store)));
}

#[test]
fn taken_and_never_delivered_there_is_the_second_only() {
    let mut street = street(&[("presa-in-carico", Some(1)), ("avvenuta-consegna", None)]);
    street.pass(hours(48));
    assert_eq!(notices(&street), [SECOND]);
}

#[test]
fn a_delivery_within_twelve_hours_proves_that_it_was_taken() {
    let mut street = street(&[("presa-in-carico", None), ("avvenuta-consegna", Some(11))]);
    street.pass(hours(48));
    assert_eq!(notices(&street), []);
}

#[test]
fn delivered_after_twelve_hours_there_is_the_first_only() {
    let mut street = street(&[("presa-in-carico", None), ("avvenuta-consegna", Some(14))]);
    street.pass(hours(48));
    assert_eq!(notices(&street), [FIRST]);
    assert!(street.kinds(&address(ANNA)).ends_with(&["avvenuta-consegna".into()]));
}

#[test]
fn neither_taken_nor_delivered_there_are_both() {
    let mut street = street(&[("presa-in-carico", None), ("avvenuta-consegna", None)]);
    street.pass(hours(48));
    assert_eq!(notices(&street), [FIRST, SECOND]);
}

#[test]
fn taken_after_twelve_hours_and_never_delivered_there_are_both() {
    let mut street = street(&[("presa-in-carico", Some(13)), ("avvenuta-consegna", None)]);
    street.pass(hours(48));
    assert_eq!(notices(&street), [FIRST, SECOND]);
}

#[test]
fn a_notice_of_non_delivery_ends_the_waiting() {
    let mut street = Street::new(8);
    street.network(|c| if c.kind == "presa-in-carico" { Fate::Held } else { Fate::Arrives });
    let to = [address("nessuno@ente-beta.example")];
    assert!(matches!(street.submit(&address(ANNA), &to, ""), Ok(Submitted::Accepted(_))));
    street.pass(hours(48));
    assert_eq!(street.kinds(&address(ANNA)), ["accettazione", "errore-consegna"]);
}

/// What we said was not delivered must not be delivered afterwards by ourselves.
#[test]
fn an_envelope_still_in_the_queue_is_withdrawn_with_the_second_notice() {
    let mut street = street(&[("posta-certificata", Some(24))]);
    street.pass(hours(22));
    assert!(!rows::at_rest(&street.houses[0].store), "it is still tried");
    street.pass(hours(1));
    assert_eq!(notices(&street), [FIRST, SECOND]);
    assert!(rows::at_rest(&street.houses[0].store), "withdrawn");
    street.pass(hours(48));
    assert!(street.inbox(&address(BRUNO)).is_empty(), "Bruno never gets it");
    assert_eq!(street.kinds(&address(ANNA)).len(), 3, "an acceptance and two notices, nothing after");
}

#[test]
fn a_receipt_after_the_second_notice_is_still_forwarded() {
    let mut street = street(&[("presa-in-carico", None), ("avvenuta-consegna", Some(30))]);
    street.pass(hours(72));
    assert_eq!(notices(&street), [FIRST, SECOND]);
    let twice = "preavviso-errore-consegna";
    assert_eq!(street.kinds(&address(ANNA)), ["accettazione", twice, twice, "avvenuta-consegna"]);
    assert!(rows::of(&street.houses[0].store, sigillo_store::tag::TIMER_DUE).is_empty());
}

/// Who is just handing the envelope over may succeed: the notice waits for how that ends.
#[test]
fn a_notice_waits_for_a_hand_over_in_progress() {
    let mut street = street(&[("posta-certificata", None)]);
    street.pass(hours(22));
    let alfa = std::sync::Arc::clone(street.houses[0].engine());
    let next = alfa.next_due().expect("the queue").expect("it is tried again");
    let dispatch = alfa.due(next, 1).expect("the queue").remove(0);
    street.now = NOW.plus(hours(23));
    assert!(alfa.renew(&dispatch, street.now).expect("the lease"));
    street.run();
    assert_eq!(notices(&street), [FIRST], "not while somebody holds the envelope");
    alfa.defer(&dispatch, "nobody is reached", street.now).expect("given back");
    street.run();
    assert_eq!(notices(&street), [FIRST, SECOND]);
    assert!(rows::at_rest(&street.houses[0].store), "withdrawn");
}

/// Who is heard of no more, and whose item nobody else has taken, does not hold the notice back beyond its limit.
#[test]
fn a_notice_does_not_wait_for_who_is_heard_of_no_more() {
    let mut street = street(&[("posta-certificata", None)]);
    street.pass(hours(22));
    let alfa = std::sync::Arc::clone(street.houses[0].engine());
    let late = NOW.plus(hours(23) - Duration::from_secs(60));
    assert_eq!(alfa.due(late, 1).expect("the queue").len(), 1);
    assert_eq!(alfa.run_due(NOW.plus(hours(23))).expect("worked"), 0);
    assert_eq!(notices(&street), [FIRST], "he may still be at it");
    assert_eq!(alfa.run_due(NOW.plus(deadline::SECOND_BY)).expect("worked"), 1);
    assert_eq!(notices(&street), [FIRST, (24, true)]);
    assert!(rows::at_rest(&street.houses[0].store), "withdrawn, and the lease with it");
}

#[test]
fn an_envelope_refused_for_good_ends_the_waiting() {
    let mut street = Street::new(10);
    street.network(|c| if c.kind == "posta-certificata" { Fate::Refused } else { Fate::Arrives });
    assert!(matches!(street.submit(&address(ANNA), &[address(BRUNO)], ""), Ok(Submitted::Accepted(_))));
    street.pass(hours(48));
    assert_eq!(street.kinds(&address(ANNA)), ["accettazione", "errore-consegna"]);
    let notice = street.inbox(&address(ANNA)).remove(1).evidence;
    assert_eq!(notice.signer.emails(), ["posta-certificata@pec.alfa.example"], "the sender's provider tells it");
    assert!(rows::at_rest(&street.houses[0].store));
}

/// After an outage of ours the notices come late, once each, the second never before its time.
#[test]
fn after_an_outage_late_notices_come_once() {
    let mut street = street(&[("presa-in-carico", None), ("avvenuta-consegna", None)]);
    street.run();
    street.houses[0].stop();
    street.pass(hours(40));
    street.houses[0].start();
    street.run();
    assert_eq!(notices(&street), [(40, false), (40, true)]);
    street.pass(hours(10));
    assert_eq!(notices(&street).len(), 2);
}

/// In both nights the notices come after so many hours as they are, whatever the clock on the wall says.
#[test]
fn a_daylight_saving_night_moves_nothing() {
    // 20:00 on the evening before, in March (+0100) and October (+0200).
    for (evening, first, second) in [
        (1_774_724_400_000, "2026-03-29T09:00:00.000+02:00", "2026-03-29T20:00:00.000+02:00"),
        (1_792_864_800_000, "2026-10-25T07:00:00.000+01:00", "2026-10-25T18:00:00.000+01:00"),
    ] {
        let now = Timestamp::from_millis(evening);
        assert_eq!(now.legal().time, "20:00:00");
        let mut street = Street::with(9, Known::fixtures(), now);
        street.network(|c| if c.kind == "posta-certificata" { Fate::Held } else { Fate::Arrives });
        assert!(matches!(street.submit(&address(ANNA), &[address(BRUNO)], ""), Ok(Submitted::Accepted(_))));
        street.pass(hours(26));
        let times: Vec<String> = street.inbox(&address(ANNA)).iter().map(|l| l.at.to_string()).collect();
        assert_eq!(times[1..], [first, second]);
    }
}

/// A take-charge receipt speaks of whom it lists and of nobody else, not even of who is at the same provider.
#[test]
fn a_take_charge_of_one_recipient_silences_his_first_notice_only() {
    let mut street = Street::new(11);
    let (anna, to) = (address(ANNA), [address(BRUNO), address("carla@ente-beta.example")]);
    assert!(matches!(street.submit(&anna, &to, ""), Ok(Submitted::Accepted(_))));
    let alfa = std::sync::Arc::clone(street.houses[0].engine());
    let dispatch = alfa.due(street.now, 1).expect("the queue").remove(0);
    let bytes = alfa.read_all(&dispatch.message).expect("the envelope");
    alfa.defer(&dispatch, "only Bruno's arrives", street.now).expect("given back");
    let mail = arrived(Some(&anna), &to[..1], bytes, "mx.pec.alfa.example", false);
    street.houses[1].engine().receive(&mail, street.now).expect("taken charge of");
    street.network(|c| if c.kind == "presa-in-carico" { Fate::Arrives } else { Fate::Held });
    street.pass(hours(48));
    let letters = street.inbox(&anna);
    let overdue = letters.iter().filter(|l| l.evidence.kind == "preavviso-errore-consegna");
    let told = overdue.map(|l| {
        let c = l.evidence.certification.as_ref().expect("certification data");
        (l.at.since(NOW).as_secs() / 3600, c.delivered.clone().expect("one recipient"))
    });
    let mut told: Vec<_> = told.collect();
    told.sort_by_key(|(hour, who)| (*hour, who.key()));
    let [bruno, carla] = to;
    assert_eq!(told, [(12, carla.clone()), (23, bruno), (23, carla)]);
}

#[test]
fn messages_of_our_own_users_to_each_other_wait_for_nobody() {
    let mut street = Street::new(12);
    let to = ["carla@comune-alfa.example", "bruno@comune-alfa.example"].map(address);
    assert!(matches!(street.submit(&address(ANNA), &to, ""), Ok(Submitted::Accepted(_))));
    street.pass(hours(48));
    assert_eq!(street.kinds(&address(ANNA)), ["accettazione", "avvenuta-consegna", "avvenuta-consegna"]);
    assert!(rows::at_rest(&street.houses[0].store));
}

/// A receipt with one byte altered on the way is ordinary mail: it is refused, and the clock runs on.
#[test]
fn a_receipt_whose_signature_does_not_hold_stops_nothing() {
    let mut street = street(&[("presa-in-carico", None), ("avvenuta-consegna", None)]);
    street.run();
    let beta = std::sync::Arc::clone(street.houses[1].engine());
    let alfa = std::sync::Arc::clone(street.houses[0].engine());
    let next = beta.next_due().expect("the queue").expect("two receipts wait");
    street.now = next.plus(hours(1));
    let waiting = beta.due(street.now, 8).expect("the queue");
    assert_eq!(waiting.len(), 2, "take-charge and delivery");
    let timers = || rows::of(&street.houses[0].store, sigillo_store::tag::TIMER_DUE);
    let before = (timers(), rows::of(&street.houses[0].store, sigillo_store::tag::DISPATCH));
    for dispatch in &waiting {
        let mut bytes = beta.read_all(&dispatch.message).expect("the receipt");
        let at = bytes.windows(9).position(|w| w == b"Il giorno").expect("the readable part");
        bytes[at] = b'i';
        let mail = arrived(dispatch.from.as_ref(), &dispatch.rcpts, bytes, "mx.pec.beta.example", false);
        let answer = alfa.receive(&mail, street.now);
        assert!(matches!(&answer, Err(Rejected::Refused(reply)) if reply.code == 554), "{answer:?}");
        beta.defer(dispatch, "held", street.now).expect("given back");
    }
    assert_eq!((timers(), rows::of(&street.houses[0].store, sigillo_store::tag::DISPATCH)), before);
    street.pass(hours(48));
    assert_eq!(notices(&street), [FIRST, SECOND]);
}

/// What cannot be handed over to ordinary mail comes back after a day (RFC 6109 §2.2.2), as ordinary mail; no deadline runs
/// for it.
#[test]
fn an_envelope_to_ordinary_mail_is_given_up_after_a_day() {
    let mut street = Street::new(13);
    street.network(|_| Fate::Held);
    let dora = address("dora@posta.example");
    assert!(matches!(street.submit(&address(ANNA), std::slice::from_ref(&dora), ""), Ok(Submitted::Accepted(_))));
    street.pass(deadline::SECOND_BY);
    street.pass(hours(1));
    let letters = street.inbox(&address(ANNA));
    let [_, told] = letters.as_slice() else { panic!("{:?}", street.kinds(&address(ANNA))) };
    assert_eq!(told.evidence.kind, "errore", "in an anomaly envelope, as all ordinary mail");
    assert!((24 * 3600..24 * 3600 + 900).contains(&told.at.since(NOW).as_secs()), "{}", told.at);
    let text = String::from_utf8_lossy(&told.bytes);
    for expected in [
        "Subject: ANOMALIA MESSAGGIO: Messaggio non recapitato\r\n",
        "report-type=delivery-status",
        "Final-Recipient: rfc822; dora@posta.example\r\nAction: failed\r\nStatus: 5.4.7\r\n",
        "Diagnostic-Code: x-sigillo; 554 5.4.7 tempo massimo di consegna superato:",
        "Subject: POSTA CERTIFICATA: Convocazione\r\n",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!text.contains("Testo."), "the header goes back, no more");
    assert!(rows::at_rest(&street.houses[0].store));
}

/// Receipts are evidence and are tried for five days; then they go, and no notice is made of them.
#[test]
fn a_receipt_that_nobody_takes_is_given_up_without_another_notice() {
    let mut street = street(&[("presa-in-carico", None), ("avvenuta-consegna", None)]);
    street.pass(hours(5 * 24 - 1));
    assert!(!rows::at_rest(&street.houses[1].store), "still tried");
    street.pass(hours(2));
    assert!(rows::at_rest(&street.houses[1].store), "given up");
    assert!(street.inbox(&address("posta-certificata@pec.beta.example")).is_empty());
    assert_eq!(street.kinds(&address(BRUNO)), ["posta-certificata"]);
}
