//! Orders about waiting items: held, released, tried again, sent another way, dropped; and the filters that choose them.

use std::time::Duration;

use sigillo_base::Timestamp;
use sigillo_engine::{Filter, Order, Submitted};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::street::Street;

use super::check::assert_clean;
use super::queue::{ANNA, BRUNO, CARLA, MOMENT, assert_delivered_once, due, street, submit};
use super::rows;

/// What an order about the one item of a house answers.
fn order(street: &Street, order: &Order) -> Result<(), String> {
    let engine = street.houses[0].engine();
    let (items, _) = engine.queue_page(&Filter::default(), None, 9, street.now).expect("read");
    let [item] = items.as_slice() else { panic!("{items:?}") };
    engine.order(item.id, order, "uid 0", "verifica", street.now).map_err(|e| e.to_string())
}

/// The lines of the log about the queue.
fn events(street: &Street) -> Vec<String> {
    let engine = street.houses[0].engine();
    let lines = engine.log_between(Timestamp::default(), street.now.plus(MOMENT), None, 999).expect("the log");
    let words =
        |line: &str| line.split("PEC_Queue ").nth(1).map(|rest| rest.split(':').next().unwrap_or("").to_owned());
    lines.iter().filter_map(|l| words(&l.line)).collect()
}

#[test]
fn what_is_held_is_not_tried_its_deadlines_run_and_a_start_changes_nothing() {
    let mut street = street(20);
    order(&street, &Order::Hold).expect("held");
    assert_eq!(order(&street, &Order::Hold), Err("è già trattenuto".into()));
    assert!(order(&street, &Order::Retry).is_err_and(|why| why.contains("release")));
    assert_clean(&street.houses[0].store, "held");
    street.pass(Duration::from_secs(3600));
    street.houses[0].stop();
    street.houses[0].start();
    street.pass(Duration::from_secs(12 * 3600));
    assert!(street.kinds(&address(BRUNO)).is_empty());
    assert_eq!(street.kinds(&address(ANNA)), ["accettazione", "preavviso-errore-consegna"], "the first notice");
    order(&street, &Order::Release).expect("released");
    assert!(events(&street).starts_with(&["blocco".into()]) && events(&street).ends_with(&["sblocco".into()]));
    street.run();
    assert_eq!(street.kinds(&address(BRUNO)), ["posta-certificata"]);
    assert_clean(&street.houses[0].store, "released");
}

#[test]
fn what_stays_held_ends_like_everything_else() {
    let mut street = street(21);
    order(&street, &Order::Hold).expect("held");
    street.pass(Duration::from_secs(25 * 3600));
    let kinds = street.kinds(&address(ANNA));
    assert_eq!(kinds, ["accettazione", "preavviso-errore-consegna", "preavviso-errore-consegna"]);
    assert!(rows::at_rest(&street.houses[0].store));
    // An external recipient has no deadline: the idle limit ends it.
    let dora = address("dora@posta.example");
    assert!(matches!(street.submit(&address(ANNA), &[dora], ""), Ok(Submitted::Accepted(_))));
    order(&street, &Order::Hold).expect("held");
    street.pass(Duration::from_secs(25 * 3600));
    let last = street.inbox(&address(ANNA)).pop().expect("a message");
    assert_eq!(last.evidence.kind, "errore");
    assert!(String::from_utf8_lossy(&last.bytes).contains("trattenuto dal gestore"));
    assert!(rows::at_rest(&street.houses[0].store));
}

#[test]
fn what_is_in_work_is_held_afterwards_and_never_dropped_meanwhile() {
    let mut street = street(22);
    let dispatch = due(&street.houses[0], NOW).remove(0);
    assert!(order(&street, &Order::Drop).is_err_and(|why| why.contains("in consegna")));
    assert!(order(&street, &Order::Retry).is_err());
    order(&street, &Order::Hold).expect("noted");
    assert_clean(&street.houses[0].store, "held while it is in work");
    street.houses[0].engine().defer(&dispatch, "451 later", NOW).expect("recorded");
    street.pass(Duration::from_secs(3600));
    assert!(street.kinds(&address(BRUNO)).is_empty(), "it is held now");
    order(&street, &Order::Drop).expect("dropped");
    assert_eq!(street.kinds(&address(ANNA)), ["accettazione", "errore-consegna"], "never in silence");
    let notice = street.inbox(&address(ANNA)).remove(1).evidence.certification.expect("data").extended_error;
    assert!(notice.as_ref().is_some_and(|e| e.starts_with("5.7.1 - ") && e.ends_with("verifica")), "{notice:?}");
    assert_eq!(events(&street), ["blocco", "eliminazione"], "a moment apart");
    assert!(rows::at_rest(&street.houses[0].store));
    street.pass(Duration::from_secs(30 * 3600));
    assert_eq!(street.kinds(&address(ANNA)).len(), 2, "one outcome");
}

/// Whose worker dies while it is held: it stays held.
#[test]
fn what_was_held_while_its_worker_died_stays_held() {
    let mut street = street(23);
    drop(due(&street.houses[0], NOW));
    order(&street, &Order::Hold).expect("noted");
    street.pass(Duration::from_secs(3600));
    assert!(street.kinds(&address(BRUNO)).is_empty());
    assert_clean(&street.houses[0].store, "held, and nobody works at it");
    order(&street, &Order::Release).expect("released");
    assert_delivered_once(&mut street);
}

#[test]
fn a_retry_is_due_now_and_a_route_goes_with_the_item() {
    let mut street = street(24);
    let dispatch = due(&street.houses[0], NOW).remove(0);
    street.houses[0].engine().defer(&dispatch, "451 later", NOW).expect("recorded");
    assert!(due(&street.houses[0], NOW).is_empty());
    order(&street, &Order::Retry).expect("due");
    let dispatch = due(&street.houses[0], NOW).remove(0);
    assert_eq!((dispatch.attempts, dispatch.route.clone()), (1, None));
    street.houses[0].engine().defer(&dispatch, "451 later", NOW).expect("recorded");
    order(&street, &Order::Reroute(Some("relay.example:2525".into()))).expect("another route");
    street.houses[0].stop();
    street.houses[0].start();
    let dispatch = due(&street.houses[0], NOW).remove(0);
    assert_eq!(dispatch.route.as_deref(), Some("relay.example:2525"));
    let mut events = events(&street);
    events.sort(); // of one moment
    assert_eq!(events, ["rotta", "tentativo"]);
    street.houses[0].engine().defer(&dispatch, "451 later", NOW).expect("recorded");
    assert_delivered_once(&mut street);
}

#[test]
fn a_filter_takes_what_it_says_and_pages_lead_to_all() {
    let street = street(25);
    submit(&street, CARLA);
    let engine = street.houses[0].engine();
    let count = |filter: Filter| {
        let (mut after, mut found) = (None, 0);
        loop {
            let (page, next) = engine.queue_page(&filter, after, 1, street.now.plus(MOMENT)).expect("read");
            found += page.len();
            after = next;
            if after.is_none() {
                return found;
            }
        }
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(count(Filter::default()), 2);
    assert_eq!(count(Filter { to: text("Ente-Beta.example"), ..Filter::default() }), 1);
    assert_eq!(count(Filter { from: text(ANNA), ..Filter::default() }), 2);
    assert_eq!(count(Filter { from: text(CARLA), ..Filter::default() }), 0);
    assert_eq!(count(Filter { older_than: Some(Duration::from_secs(1)), ..Filter::default() }), 0);
    let (items, _) = engine.queue_page(&Filter::default(), None, 9, street.now).expect("read");
    for id in [items[0].transaction.clone(), format!("{:032x}", items[0].id)] {
        assert_eq!(count(Filter { id: Some(id), ..Filter::default() }), 1);
    }
    drop(due(&street.houses[0], NOW));
    assert_eq!(count(Filter { state: Some(sigillo_engine::Wanted::InWork), ..Filter::default() }), 1);
}
