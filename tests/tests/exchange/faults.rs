//! Stores that fail at every call and every commit, one after the other: facts are there wholly or not at all, and
//! nobody hears "taken" without them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sigillo_base::{Address, MailboxId};
use sigillo_engine::{Login, Rejected, Submitted};
use sigillo_pec::Kind;
use sigillo_pec::log::Record;
use sigillo_store::memory::{Fault, Plan};
use sigillo_store::tag;
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::arrived;
use sigillo_tests::street::{Street, message};

use super::check::assert_clean;
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const FAULTS: [Fault; 4] = [Fault::Refused, Fault::Lost, Fault::CrashBefore, Fault::CrashAfter];

/// What a submission must write: an acceptance in the INBOX, an item in the queue with its due row, the state of the
/// recipient, a timer, two lines of the log, an original.
fn complete(street: &Street) -> bool {
    let store = &street.houses[0].store;
    let count = |t| rows::of(store, t).len();
    // The facts of the sent message and the state of its one recipient.
    count(tag::FOLDER_ENTRY) == 1
        && (count(tag::QUEUE_ITEM), count(tag::QUEUE_DUE), count(tag::TIMER_DUE)) == (1, 1, 1)
        && (count(tag::DISPATCH), count(tag::LEGAL_LOG), count(tag::MESSAGE)) == (2, 2, 2)
        && (count(tag::BOX_USAGE), count(tag::RATE), count(tag::ARCHIVE)) == (1, 1, 2)
        && count(tag::BODY) >= 1
}

/// A small original rides in the commit, a large one goes ahead of it.
fn bodies() -> [String; 2] {
    ["Testo.\r\n".into(), "riga di testo\r\n".repeat(60_000)]
}

fn submit(street: &Street, body: &str) -> Result<Submitted, Rejected> {
    submit_to(street, &[address(BRUNO)], body)
}

fn submit_to(street: &Street, to: &[Address], body: &str) -> Result<Submitted, Rejected> {
    let anna = address(ANNA);
    let house = street.house(&anna);
    // Who he is was asked before: the mailbox's number is known.
    let login = Login::ours(MailboxId(2), anna.clone());
    let bytes = (message(&anna, to, "") + body).into_bytes();
    house.engine().submit(&login, &arrived(Some(&anna), to, bytes, "c", true), street.now)
}

#[test]
fn a_submission_is_wholly_there_or_not_at_all_whichever_call_fails() {
    for body in bodies() {
        let mut failed = 0;
        for n in 1.. {
            let street = Street::new(1);
            assert_eq!(street.houses[0].login(&address(ANNA)).mailbox.0, 2);
            let before = rows::facts(&street.houses[0].store);
            street.houses[0].store.plan(Plan::new().fail_call(n));
            let answer = submit(&street, &body);
            let untouched = rows::facts(&street.houses[0].store) == before;
            match answer {
                Ok(Submitted::Accepted(_)) => assert!(complete(&street), "call {n}: accepted with missing facts"),
                Err(Rejected::Fault(_)) => assert!(untouched, "call {n}: a fault, and something was written"),
                other => panic!("call {n}: {other:?}"),
            }
            if untouched {
                failed += 1;
                street.houses[0].store.plan(Plan::new());
                assert!(
                    matches!(submit(&street, &body), Ok(Submitted::Accepted(_))),
                    "call {n}: works again afterwards"
                );
                assert!(complete(&street), "call {n}");
            } else {
                break;
            }
        }
        assert!(failed >= 5, "only {failed} calls were made to fail");
    }
}

#[test]
fn a_submission_is_wholly_there_or_not_at_all_whichever_commit_fails() {
    for body in bodies() {
        for fault in FAULTS {
            for n in 1.. {
                let mut street = Street::new(2);
                let before = rows::facts(&street.houses[0].store);
                street.houses[0].store.plan(Plan::new().fail_commit(n, fault));
                let answer = submit(&street, &body);
                street.houses[0].stop();
                street.houses[0].start();
                assert_clean(&street.houses[0].store, &format!("{fault:?} of commit {n}"));
                let (there, nothing) = (complete(&street), rows::facts(&street.houses[0].store) == before);
                assert!(there != nothing, "{fault:?} of commit {n}: half of it is there");
                if answer.is_ok() {
                    assert!(there, "{fault:?} of commit {n}: accepted, and nothing is there");
                    break;
                }
                assert!(matches!(answer, Err(Rejected::Fault(_))), "{fault:?}: {answer:?}");
            }
        }
    }
}

#[test]
fn a_full_disk_refuses_and_forgets_nothing() {
    let street = Street::new(3);
    let store = &street.houses[0].store;
    store.plan(Plan::new().capacity(store.bytes() + 5_000));
    let before = rows::facts(store);
    let answer = submit(&street, &bodies()[0]);
    let Err(rejected) = answer else { panic!("{answer:?}") };
    assert_eq!(rejected.reply().code, 451);
    assert_eq!(rows::facts(store), before);
}

/// How many commits the whole exchange makes in a house.
fn commits(house: usize) -> u64 {
    let mut street = Street::new(4);
    let seen = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&seen);
    street.houses[house].store.plan(Plan::new().hook(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        None
    }));
    exchange(&mut street, house);
    seen.load(Ordering::Relaxed)
}

/// Anna writes to Bruno and to a mailbox that does not exist; a house that crashes is up again a minute later.
fn exchange(street: &mut Street, house: usize) {
    let to = [address(BRUNO), address("nessuno@ente-beta.example")];
    let first = submit_to(street, &to, "");
    if street.houses[house].store.is_down() {
        street.houses[house].stop();
        street.houses[house].start();
    }
    // A client that heard no answer sends again: that is another message.
    if first.is_err() && rows::of(&street.houses[0].store, tag::DISPATCH).is_empty() {
        assert!(submit_to(street, &to, "").is_ok());
    }
    for _ in 0..120 {
        street.pass(Duration::from_secs(30));
        honest(street);
        if street.houses[house].store.is_down() {
            street.houses[house].stop();
            honest(street);
            street.pass(Duration::from_secs(60));
            street.houses[house].start();
        }
    }
}

/// At any moment: as many delivery receipts were issued as envelopes are visible to Bruno.
fn honest(street: &Street) {
    let store = &street.houses[1].store;
    let lines =
        rows::of(store, tag::LEGAL_LOG).into_iter().map(|(_, value)| String::from_utf8_lossy(&value).into_owned());
    let issued = lines.filter(|line| line.contains("(Consegna)")).count();
    let visible = rows::of(store, tag::FOLDER_ENTRY).len();
    assert_eq!(issued, visible, "receipts of delivery and visible messages");
}

fn check(street: &Street, what: &str) {
    // A fault that did not come any more must not meet the test itself.
    street.houses.iter().for_each(|h| h.store.plan(Plan::new()));
    assert_eq!(street.kinds(&address(BRUNO)), ["posta-certificata"], "{what}");
    let mut told = street.kinds(&address(ANNA));
    told.sort();
    assert_eq!(told, ["accettazione", "avvenuta-consegna", "errore-consegna"], "{what}");
    assert_eq!(street.kinds(&address("posta-certificata@pec.alfa.example")), ["presa-in-carico"], "{what}");
    assert!(street.houses.iter().all(|h| rows::at_rest(&h.store)), "{what}: something is left");
    street.houses.iter().for_each(|h| assert_clean(&h.store, what));
    let log = street.houses[1].engine().legal_log(&NOW.legal().iso_day).expect("the log");
    let records: Vec<Record> = log.iter().map(|l| Record::parse_line(l).expect("a record")).collect();
    let count = |kind| records.iter().filter(|r| r.kind == kind).count();
    assert_eq!((count(Kind::Delivery), count(Kind::NonDelivery), count(Kind::TakeCharge)), (1, 1, 1), "{what}");
}

#[test]
fn a_delivery_receipt_is_never_without_its_message_whichever_commit_fails() {
    for house in [0, 1] {
        let all = commits(house);
        assert!(all >= 4, "{all} commits");
        for n in 1..=all {
            for fault in FAULTS {
                let mut street = Street::new(5);
                street.houses[house].store.plan(Plan::new().fail_commit(n, fault));
                exchange(&mut street, house);
                check(&street, &format!("house {house}, commit {n} of {all}, {fault:?}"));
            }
        }
    }
}

#[test]
fn one_outcome_each_whichever_call_fails() {
    for (house, calls) in [(0, 60), (1, 80)] {
        for n in 1..=calls {
            let mut street = Street::new(6);
            street.houses[house].store.plan(Plan::new().fail_call(n));
            exchange(&mut street, house);
            check(&street, &format!("house {house}, call {n}"));
        }
    }
}
