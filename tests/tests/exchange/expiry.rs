//! What grows with every message ends with its term, and nothing that is needed goes before.

use std::sync::Arc;
use std::time::Duration;

use sigillo_base::{Address, Domain, MailboxId, Timestamp};
use sigillo_engine::{Engine, Kept, Once, StsPolicy};
use sigillo_server::clock::ServiceClock;
use sigillo_server::config::Retention;
use sigillo_server::housekeeping;
use sigillo_server::net::Pool;
use sigillo_store::{KeyBuilder, MemoryStore, Store, tag};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::Known;
use sigillo_tests::street::{Fate, Street, message};

use super::check::{assert_clean, findings};
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const DAY: Duration = Duration::from_secs(24 * 3600);
const MS: Duration = Duration::from_millis(1);
/// Everything that is remembered of messages.
const RECORDS: [u8; 3] = [tag::DISPATCH, tag::RECEIVED, tag::TRAIL];

fn kept(archive: Option<Timestamp>, records: Timestamp, counts: Timestamp) -> Kept {
    Kept { archive, records, accesses: records, counts }
}

/// Everything that is older than this ends, in pages of a few rows.
pub fn expire<S: Store>(engine: &Engine<S>, kept: Kept, now: Timestamp) -> usize {
    let (mut ended, mut from) = (0, None);
    loop {
        let page = engine.expire(&kept, from.as_deref(), 3, now).expect("a page");
        assert!(page.ended <= 3, "a page is bounded");
        ended += page.ended;
        from = page.next;
        if from.is_none() {
            return ended;
        }
    }
}

fn records(engine: &Engine<MemoryStore>, until: Timestamp, now: Timestamp) -> usize {
    expire(engine, kept(None, until, Timestamp::from_millis(0)), now)
}

fn count(store: &MemoryStore, tags: &[u8]) -> Vec<usize> {
    tags.iter().map(|tag| rows::of(store, *tag).len()).collect()
}

fn send(street: &Street, to: &[Address]) {
    street.submit(&address(ANNA), to, "").expect("accepted");
}

#[test]
fn a_late_receipt_is_matched_to_the_last_day_and_afterwards_nothing_is_left() {
    let mut street = Street::new(1);
    street.network(|carried| if carried.kind == "avvenuta-consegna" { Fate::Held } else { Fate::Arrives });
    send(&street, &[address(BRUNO)]);
    street.pass(3 * DAY);
    let [alfa, beta] = [0, 1].map(|n| Arc::clone(street.houses[n].engine()));
    assert_eq!(records(&alfa, NOW, street.now), 0, "what is as old as the term stays");
    let before = rows::of(&street.houses[0].store, tag::DISPATCH);
    assert_eq!(before.len(), 2, "the message and its recipient");
    street.network(|_| Fate::Arrives);
    street.pass(DAY);
    assert_ne!(rows::of(&street.houses[0].store, tag::DISPATCH), before, "the receipt moves the recipient");
    assert_eq!(street.kinds(&address(ANNA)).last().map(String::as_str), Some("avvenuta-consegna"));
    // What came later is remembered longer: the receipt, four days after its message.
    let came = NOW.plus(MS);
    assert_eq!(records(&alfa, came, street.now), 3, "the message, its line of the trail, the take-charge notice");
    assert_eq!(count(&street.houses[0].store, &RECORDS), [0, 1, 0], "the delivery receipt");
    for engine in [&alfa, &beta] {
        records(engine, street.now.plus(MS), street.now);
    }
    for house in &street.houses[..2] {
        assert_eq!(count(&house.store, &RECORDS), [0, 0, 0]);
        assert_clean(&house.store, "nothing refers to what has ended");
    }
}

/// A row too large for its place is a body, which goes as well; the recipients are those of one message.
#[test]
fn a_message_to_a_thousand_ends_as_one() {
    let mut street = Street::new(2);
    let many: Vec<Address> =
        (0..1000).map(|n| address(&format!("ufficio-{n}.{}@altrove.example", "x".repeat(48)))).collect();
    let text = message(&address(ANNA), &many, "").into_bytes();
    street.submit_bytes(&address(ANNA), &many, text).expect("accepted");
    street.run();
    let (engine, store) = (Arc::clone(street.houses[0].engine()), &street.houses[0].store);
    assert_eq!(count(store, &[tag::DISPATCH]), [1001]);
    assert_eq!(records(&engine, NOW, street.now), 0);
    let bodies = rows::of(store, tag::BODY).len();
    assert_eq!(records(&engine, NOW.plus(MS), street.now), 2);
    engine.sweep_bodies(None, usize::MAX).expect("swept");
    assert_eq!(count(store, &RECORDS), [0, 0, 0]);
    assert_eq!(rows::of(store, tag::BODY).len(), bodies - 1);
    assert_clean(store, "nothing is left of it");
    assert!(findings(store).is_empty(), "{:?}", findings(store));
}

/// Whoever still waits for a deadline keeps the message, however old it is.
#[test]
fn what_still_waits_for_a_deadline_stays() {
    let mut street = Street::new(3);
    street.network(|_| Fate::Held);
    send(&street, &[address(BRUNO)]);
    street.run();
    let (engine, store) = (Arc::clone(street.houses[0].engine()), &street.houses[0].store);
    let later = street.now.plus(1000 * DAY);
    assert_eq!(records(&engine, later, later), 2, "the trail, and what copies are known by");
    assert_eq!(count(store, &[tag::DISPATCH]), [2]);
    street.pass(2 * DAY);
    let store = &street.houses[0].store;
    assert_eq!(records(&engine, later, later), 1);
    assert_eq!(count(store, &[tag::DISPATCH]), [0]);
}

/// Of what an earlier release wrote nobody knows the age: it is taken for new when it is first looked at.
#[test]
fn what_has_no_date_gets_one() {
    let street = Street::new(4);
    let (engine, store) = (street.houses[0].engine(), &street.houses[0].store);
    let key = KeyBuilder::new(tag::RECEIVED).bytes(&[7; 32]).text(ANNA);
    rows::put(store, &key, &(vec![[1u8; 32]], None::<i64>));
    assert_eq!(records(engine, NOW, NOW), 0);
    assert_eq!(rows::get(store, &key), Some((vec![[1u8; 32]], Some(NOW.as_millis()))));
    assert_eq!(records(engine, NOW, NOW.plus(DAY)), 0, "from then on it has a term");
    assert_eq!(records(engine, NOW.plus(MS), NOW.plus(DAY)), 1);
    assert_eq!(count(store, &[tag::RECEIVED]), [0]);
}

/// Counts are by legal day, the records of a mailbox by time: each table is left where its young rows begin.
#[test]
fn each_table_is_gone_through_to_its_own_term() {
    let street = Street::new(5);
    let (engine, store) = (street.houses[0].engine(), &street.houses[0].store);
    let days: Vec<Timestamp> = (0..20).map(|n| NOW.plus(n * DAY)).collect();
    for at in &days {
        let day = at.legal().iso_day;
        for id in (1..=5).map(MailboxId) {
            rows::put(store, &KeyBuilder::new(tag::SENT_DAY).mailbox(id).text(&day), &1u32);
            rows::put(store, &KeyBuilder::new(tag::TRAIL).mailbox(id).time(*at).text("x"), &("", true, 1u32, 1u64));
            rows::put(store, &KeyBuilder::new(tag::OVERRUN).text(&day).mailbox(id).time(*at).u8(0), &0u8);
        }
        rows::put(store, &KeyBuilder::new(tag::SCREENED).text(&day).text("taken"), &1u64);
    }
    let tables = [tag::SENT_DAY, tag::TRAIL, tag::OVERRUN, tag::SCREENED];
    assert_eq!(expire(engine, kept(None, days[0], days[0]), NOW), 0);
    assert_eq!(expire(engine, kept(None, days[3], days[5]), NOW), 5 * 5 + 5 * 3 + 5 * 5 + 5);
    assert_eq!(count(store, &tables), [75, 85, 75, 15]);
    let first = |tag, mailbox| {
        let (from, _) = KeyBuilder::new(tag).mailbox(MailboxId(mailbox)).range();
        rows::of(store, tag).into_iter().find(|(key, _)| *key >= from).expect("a row").0
    };
    for mailbox in 1..=5 {
        let sent = KeyBuilder::new(tag::SENT_DAY).mailbox(MailboxId(mailbox)).text(&days[5].legal().iso_day);
        assert_eq!(first(tag::SENT_DAY, mailbox), sent.done());
        let trail = KeyBuilder::new(tag::TRAIL).mailbox(MailboxId(mailbox)).time(days[3]).text("x");
        assert_eq!(first(tag::TRAIL, mailbox), trail.done());
    }
    assert_eq!(expire(engine, kept(None, days[19].plus(DAY), days[19].plus(DAY)), NOW), 250);
    assert_eq!(count(store, &tables), [0, 0, 0, 0]);
}

/// What another domain promised holds to its end, whatever its size, and goes then.
#[test]
fn a_policy_of_another_domain_ends_when_it_says() {
    let street = Street::new(7);
    let (engine, store) = (street.houses[0].engine(), &street.houses[0].store);
    let domain = Domain::parse("Posta.example").expect("a domain");
    let policy = |text: &str| StsPolicy { id: "1".into(), text: text.into(), fetched: NOW, until: NOW.plus(DAY) };
    for text in ["mode: none".to_owned(), "mx: a\n".repeat(10_000), "mode: enforce".to_owned()] {
        engine.keep_sts_policy(&domain, &policy(&text)).expect("kept");
        assert_eq!(engine.sts_policy(&domain, NOW).expect("read"), Some(policy(&text)));
        assert_clean(store, &text[..9]);
    }
    let end = NOW.plus(DAY);
    assert_eq!(engine.sts_policy(&domain, end).expect("read"), None);
    assert_eq!(records(engine, NOW, end.minus(MS)), 0, "it still holds");
    assert_eq!(records(engine, NOW, end), 1);
    assert_eq!(count(store, &[tag::STS_POLICY]), [0]);
}

/// A request with a key is done once; of one that a crash came between nobody knows, and it is not done again. After a day the
/// key is anybody's.
#[test]
fn a_request_with_a_key_is_begun_once_whatever_comes_between() {
    let street = Street::new(8);
    let (engine, store) = (street.houses[0].engine(), &street.houses[0].store);
    let (key, request) = ([1; 32], [2; 32]);
    let once = |request: &[u8; 32], run, now| engine.once(&key, request, run, now).expect("a look");
    assert_eq!(once(&request, 1, NOW), Once::Begun);
    assert_eq!((once(&request, 1, NOW), once(&[3; 32], 1, NOW)), (Once::Busy, Once::Other));
    assert_eq!(once(&request, 2, NOW.plus(MS)), Once::Unknown(NOW), "the service began anew");
    engine.answered(&key, None).expect("refused");
    assert_eq!(once(&request, 2, NOW), Once::Begun, "what was refused was not done");
    engine.answered(&key, Some(b"sealed")).expect("kept");
    assert_eq!(once(&request, 3, NOW.plus(MS)), Once::Done(Some(b"sealed".to_vec())));
    assert_eq!(once(&[3; 32], 3, NOW), Once::Other);
    assert_clean(store, "once");
    assert_eq!(records(engine, NOW, NOW.plus(DAY).minus(MS)), 0);
    assert_eq!(once(&request, 3, NOW.plus(DAY)), Once::Begun);
    engine.answered(&key, Some(&[0; 70_000])).expect("too large");
    assert_eq!(once(&request, 3, NOW.plus(DAY)), Once::Done(None));
    assert_eq!(records(engine, NOW, NOW.plus(DAY).plus(DAY)), 1);
    assert_eq!(count(store, &[tag::ONCE]), [0]);
}

/// As the service does it, by its clock and its configuration; and a stop is heeded between two pages.
#[test]
fn the_service_ends_what_is_older_than_its_term_and_heeds_a_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(ServiceClock::open(folder.path(), 1.0).expect("a clock"));
    let mut street = Street::with(6, Known::fixtures(), NOW);
    (0..5).for_each(|_| send(&street, &[address(BRUNO)]));
    street.run();
    let store = &street.houses[0].store;
    let age = clock.now().since(NOW);
    let swept = |records: Duration, stopped: bool, until: &mut dyn FnMut() -> bool| {
        let (down, heard) = tokio::sync::watch::channel(false);
        let engine = Arc::clone(street.houses[0].engine());
        let retention = Retention { archive: None, records, accesses: records, cancelled: records };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let sweep = housekeeping::sweep(engine, Pool::new(1), Arc::clone(&clock), retention, heard);
            let stop = async {
                if stopped {
                    down.send_replace(true);
                }
                while !until() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                down.send_replace(true);
            };
            tokio::time::timeout(Duration::from_secs(60), async { tokio::join!(sweep, stop) }).await.expect("an end");
        });
    };
    let whole = count(store, &RECORDS);
    assert!(whole.iter().all(|rows| *rows >= 5), "{whole:?}");
    let mut looks = 0;
    swept(age + DAY, false, &mut || {
        looks += 1;
        looks > 20
    });
    assert_eq!(count(store, &RECORDS), whole, "a day before their term");
    swept(age - DAY, true, &mut || true);
    assert_eq!(count(store, &RECORDS), whole, "who is told to stop begins no page");
    swept(age - DAY, false, &mut || count(store, &RECORDS) == [0, 0, 0]);
}
