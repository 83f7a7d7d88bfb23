//! The legal log over whole exchanges: the rules of consistency hold, every line stands once in a chain that shows any
//! alteration, segments follow legal days, and their files are good for foreign eyes.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use proptest::prelude::*;
use sigillo_base::{Address, Timestamp};
use sigillo_engine::{Engine, Error, Submitted};
use sigillo_pec::log::{Checker, Count, Entry, Event, Proof, ServiceEvent};
use sigillo_smime::{Trust, timestamp};
use sigillo_store::memory::{Fault, Plan};
use sigillo_store::{Batch, Durability, MemoryStore, Store, tag};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::{House, Known};
use sigillo_tests::log::{entries, file, prove, prove_as_it_is};
use sigillo_tests::street::{Fate, Street, message};
use sigillo_tests::tsa::{self, Tsa};

use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn send(street: &Street, from: &str, to: &[&str], more: &str) -> String {
    let to: Vec<Address> = to.iter().map(|a| address(a)).collect();
    match street.submit(&address(from), &to, more) {
        Ok(Submitted::Accepted(id)) => id.to_string(),
        other => panic!("not accepted: {other:?}"),
    }
}

/// Proves every log of a street; nothing may be found, nothing left open.
fn all_agree(street: &Street) {
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

// ---- segments

/// Segments of Alfa's log: number, day and lines of each, and whether it is closed.
fn segments(street: &Street) -> Vec<(u64, String, u64, bool)> {
    let all = street.houses[0].engine().ledger().segments(0, 1000).expect("the segments");
    all.into_iter().map(|s| (s.number, s.day, s.lines, s.closed.is_some())).collect()
}

#[test]
fn a_segment_for_each_legal_day_also_through_the_nights_that_change_the_clock() {
    // 23:59:30 on the evening before the night.
    for (evening, days) in [
        (1_774_738_770_000, ["2026-03-28", "2026-03-29", "2026-03-30"]),
        (1_792_879_170_000, ["2026-10-24", "2026-10-25", "2026-10-26"]),
        (1_773_356_370_000, ["2026-03-12", "2026-03-13", "2026-03-14"]),
    ] {
        let evening = Timestamp::from_millis(evening);
        assert_eq!((evening.legal().time.as_str(), evening.legal().iso_day.as_str()), ("23:59:30", days[0]));
        let mut street = Street::with(1, Known::fixtures(), evening);
        let mut closed = Vec::new();
        for minute in 0..(46 * 60) {
            street.now = evening.plus(Duration::from_secs(minute * 60));
            if minute == 30 {
                send(&street, ANNA, &[BRUNO], "");
            }
            let engine = street.houses[0].engine().clone();
            if engine.close_segments(street.now).expect("the segments") > 0 {
                closed.push(street.now.to_string()[..16].to_owned());
            }
        }
        let at = [days[1], days[2]].map(|day| format!("{day}T00:05"));
        assert_eq!(closed, at, "within the minute after the grace");
        let day = |n: usize| days[n].to_owned();
        // The first day had no event, the second an acceptance and an envelope.
        assert_eq!(segments(&street), [(1, day(0), 2, true), (2, day(1), 4, true), (3, day(2), 1, false)]);
        let proof = prove(street.houses[0].engine(), street.now).expect("a proof");
        assert!(proof.findings.is_empty(), "{proof:#?}");
        assert_eq!((proof.segments, proof.open, proof.unstamped), (3, Some(3), vec![1, 2]));
    }
}

#[test]
fn after_an_outage_of_days_one_segment_reaches_to_the_day_it_is_closed() {
    let mut street = Street::new(2);
    let engine = street.houses[0].engine().clone();
    engine.chain_log(NOW).expect("opened");
    street.now = NOW.plus(DAY * 4);
    assert_eq!(engine.close_segments(street.now).expect("the segments"), 1);
    assert_eq!(engine.close_segments(street.now).expect("the segments"), 0);
    assert_eq!(segments(&street), [(1, "2026-03-12".into(), 2, true), (2, "2026-03-16".into(), 1, false)]);
    all_agree(&street);
}

#[test]
fn a_clock_that_steps_back_breaks_nothing() {
    let mut street = Street::new(3);
    let engine = street.houses[0].engine().clone();
    for (n, hours) in [0u64, 30, 2, 31, 1, 60].into_iter().enumerate() {
        street.now = NOW.plus(Duration::from_secs(hours * 3600));
        send(&street, ANNA, &[BRUNO], "");
        engine.close_segments(street.now).expect("the segments");
        engine.log_service(ServiceEvent::Clock(Err(format!("salto {n}"))), street.now).expect("written");
    }
    let proof = prove(&engine, street.now).expect("a proof");
    assert!(proof.findings.is_empty(), "{proof:#?}");
    assert_eq!((proof.segments, proof.lines), (3, 6 * 3 + 5), "two days over, each row once");
}

/// What a commit that ends late writes comes into the segment that is open then.
#[test]
fn a_late_commit_comes_into_the_segment_that_is_open() {
    let street = Street::new(4);
    let engine = street.houses[0].engine().clone();
    engine.chain_log(NOW).expect("opened");
    let tomorrow = NOW.plus(DAY);
    assert_eq!(engine.close_segments(tomorrow).expect("the segments"), 1);
    engine.log_service(ServiceEvent::IndexUpdate(Ok(())), NOW).expect("written, with yesterday's time");
    let proof = prove(&engine, tomorrow).expect("a proof");
    assert!(proof.findings.is_empty(), "{proof:#?}");
    let two = file(&engine, 2).expect("the file");
    assert!(two.contains("2026-03-12T10:15:01.000+01:00 sigillo mx.pec.alfa.example [0]: PEC_Update"), "{two}");
    assert_eq!(two.lines().count(), 2);
}

// ---- faults

/// What happens to the log of one provider.
#[derive(Debug, Clone)]
enum Step {
    /// This many lines are written.
    Write(u8),
    /// The chain takes what waits.
    Link,
    /// Hours pass, then segments are closed.
    Close(u8),
    /// The n-th commit from here goes wrong.
    Break(u8, Fault),
    /// The n-th call from here fails.
    Fail(u8),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![Just(Fault::Refused), Just(Fault::Lost), Just(Fault::CrashBefore), Just(Fault::CrashAfter)];
    prop_oneof![
        4 => (1..4u8).prop_map(Step::Write),
        4 => Just(Step::Link),
        2 => (0..30u8).prop_map(Step::Close),
        2 => (1..4u8, fault).prop_map(|(n, f)| Step::Break(n, f)),
        1 => (1..12u8).prop_map(Step::Fail),
        1 => Just(Step::Restart),
    ]
}

/// Writes a line; one whose commit failed may be there or not.
fn write(engine: &Engine<MemoryStore>, n: usize, now: Timestamp) -> bool {
    engine.log_service(ServiceEvent::Clock(Err(format!("riga {n}."))), now).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_history_under_any_fault_is_one_chain_with_every_line_once(steps in proptest::collection::vec(step(), 1..40)) {
        let mut house = House::new(sigillo_tests::fixtures::alfa(), 7, &Known::fixtures(), NOW);
        let (mut now, mut written, mut maybe) = (NOW, Vec::new(), 0..0);
        for step in steps {
            if house.store.is_down() {
                house.stop();
                house.start();
            }
            let engine = house.engine().clone();
            match step {
                Step::Write(lines) => for _ in 0..lines {
                    if write(&engine, maybe.end, now) {
                        written.push(maybe.end);
                    }
                    maybe.end += 1;
                },
                Step::Link => drop(engine.chain_log(now)),
                Step::Close(hours) => {
                    now = now.plus(Duration::from_secs(u64::from(hours) * 3600));
                    drop(engine.close_segments(now));
                }
                Step::Break(n, fault) => house.store.plan(Plan::new().fail_commit(n.into(), fault)),
                Step::Fail(n) => house.store.plan(Plan::new().fail_call(n.into())),
                Step::Restart => {
                    house.stop();
                    house.start();
                }
            }
        }
        house.stop();
        house.start();
        let engine = house.engine();
        engine.close_segments(now).expect("nothing fails any more");
        let proof = prove(engine, now).expect("a proof");
        prop_assert!(proof.findings.is_empty(), "{:#?}", proof);
        prop_assert_eq!(rows::of(&house.store, tag::LOG_PENDING).len(), 0);
        let all = (1..=proof.segments).map(|n| file(engine, n).expect("the file")).collect::<String>();
        for n in maybe {
            let times = all.matches(&format!("riga {n}.")).count();
            prop_assert!(times == 1 || (times == 0 && !written.contains(&n)), "line {n} stands {times} times");
        }
    }
}

/// Four workers link and close at once while others write: nothing is lost, nothing stands twice.
#[test]
fn many_workers_link_every_line_once() {
    let house = House::new(sigillo_tests::fixtures::alfa(), 8, &Known::fixtures(), NOW);
    let engine = house.engine();
    engine.chain_log(NOW).expect("opened");
    std::thread::scope(|scope| {
        for worker in 0..4u64 {
            scope.spawn(move || {
                for n in 0..50u64 {
                    let now = NOW.plus(Duration::from_secs((worker + n) * 3600));
                    engine.log_service(ServiceEvent::IndexUpdate(Ok(())), now).expect("written");
                    for done in [engine.chain_log(now), engine.close_segments(now)] {
                        // Overtaken too often is no fault: the next call goes on.
                        assert!(
                            done.is_ok() || matches!(done, Err(Error::Store(sigillo_store::Error::Conflict))),
                            "{done:?}"
                        );
                    }
                }
            });
        }
    });
    let now = NOW.plus(Duration::from_secs(60 * 3600));
    engine.close_segments(now).expect("the segments");
    let proof = prove(engine, now).expect("a proof");
    assert!(proof.findings.is_empty(), "{proof:#?}");
    assert_eq!(proof.lines, 200 + 2 * proof.segments - 1);
}

// ---- tampering

/// A log of two closed segments and an open one, with a line that waits.
fn tampered_with() -> (Street, Proof) {
    let mut street = Street::new(9);
    street.houses[0].engine().chain_log(NOW).expect("opened");
    for _ in 0..2 {
        send(&street, ANNA, &[BRUNO, "carla@comune-alfa.example"], "");
        street.run();
        street.now = street.now.plus(DAY);
        street.houses[0].engine().close_segments(street.now).expect("the segments");
    }
    send(&street, ANNA, &[BRUNO], "");
    street.run();
    let engine = street.houses[0].engine();
    engine.chain_log(street.now).expect("linked");
    engine.log_service(ServiceEvent::IndexUpdate(Ok(())), street.now).expect("written");
    let proof = prove_as_it_is(engine, street.now, None).expect("a proof");
    assert!(proof.holds(true), "{proof:#?}");
    assert!(!proof.holds(false) && proof.unstamped == [1, 2]);
    (street, proof)
}

fn put(store: &MemoryStore, key: &[u8], value: Option<&[u8]>) {
    let mut batch = Batch::new();
    match value {
        Some(value) => batch.put(key, value),
        None => batch.delete(key),
    }
    store.commit(&batch, Durability::Synced).expect("written");
}

#[test]
fn any_row_that_is_altered_or_removed_is_found() {
    let (street, _) = tampered_with();
    let house = &street.houses[0];
    let engine = house.engine();
    let found = || match prove_as_it_is(engine, street.now, None) {
        Ok(proof) => !proof.holds(true),
        Err(_) => true, // the segments cannot even be listed
    };
    // The text of a line that waits is not bound to anything yet: that is what the chain does a second later.
    let waiting = rows::of(&house.store, tag::LOG_PENDING).remove(0).0.split_off(1);
    let mut tried = 0;
    for tag in [tag::LEGAL_LOG, tag::LOG_CHAIN, tag::LOG_SEGMENT, tag::LOG_PENDING] {
        for (key, value) in rows::of(&house.store, tag) {
            put(&house.store, &key, None);
            assert!(found(), "removed: {key:02x?}");
            for at in [1, value.len() / 2, value.len().saturating_sub(1)].into_iter().filter(|at| *at < value.len()) {
                let mut bent = value.clone();
                bent[at] ^= 1;
                put(&house.store, &key, Some(&bent));
                // `day` alone, the first field of a segment's row, is excused: it stands in the file, where the chain
                // proves it. The others that are bent here are `head` and the end of the row.
                let told = tag == tag::LOG_SEGMENT && at == 1;
                let unbound = tag == tag::LEGAL_LOG && key.windows(waiting.len()).any(|w| w == waiting);
                assert!(found() || told || unbound, "byte {at} altered: {key:02x?}");
                tried += 1;
            }
            put(&house.store, &key, Some(&value));
        }
    }
    assert!(tried > 100, "{tried}");
    assert!(!found(), "as it was");
}

#[test]
fn a_line_put_in_by_hand_is_found() {
    let (street, _) = tampered_with();
    let store = &street.houses[0].store;
    let engine = street.houses[0].engine();
    let lines = rows::of(store, tag::LEGAL_LOG);
    let (key, value) = lines.iter().find(|(_, value)| value.len() > 100).expect("a line");
    // A line of its own number, without and with a marker.
    let mut forged = key.clone();
    let at = forged.len() - 5;
    forged[at] ^= 1;
    put(store, &forged, Some(value));
    let found = prove_as_it_is(engine, street.now, None).expect("a proof").findings;
    assert!(found[0].contains("non è nella catena e non attende di entrarvi"), "{found:?}");
    put(store, &forged, None);
    // A marker for a line that has its place: said to be wrong, and the chain does not take it twice.
    let marker = [&[tag::LOG_PENDING], &key[key.len() - 28..key.len() - 4]].concat();
    put(store, &marker, Some(&[]));
    let found = prove_as_it_is(engine, street.now, None).expect("a proof").findings;
    assert!(found[0].contains("attende, ed è già nella catena"), "{found:?}");
    assert!(prove(engine, street.now).expect("a proof").findings.is_empty(), "linked once");
    // A marker for nothing stops nobody, and is said.
    let mut nothing = marker;
    nothing[20] ^= 1;
    put(store, &nothing, Some(&[]));
    engine.log_service(ServiceEvent::IndexUpdate(Ok(())), street.now).expect("written");
    assert_eq!(engine.chain_log(street.now).expect("linked"), 1);
    let found = prove(engine, street.now).expect("a proof").findings;
    assert!(found.len() == 1 && found[0].contains("attende di entrare nella catena e non c'è"), "{found:?}");
}

#[test]
fn a_segment_that_does_not_hold_together_is_never_stamped() {
    let street = Street::new(10);
    let house = &street.houses[0];
    let engine = house.engine();
    send(&street, ANNA, &[BRUNO], "");
    engine.chain_log(NOW).expect("linked");
    let lines = rows::of(&house.store, tag::LEGAL_LOG);
    let (key, value) = lines.iter().find(|(_, value)| value.len() > 200).expect("a line");
    let mut bent = value.clone();
    bent[60] ^= 1;
    put(&house.store, key, Some(&bent));
    let later = NOW.plus(DAY);
    assert_eq!(engine.close_segments(later).expect("closed"), 1);
    assert!(engine.unstamped_segments(10).expect("segments").is_empty(), "it has no digest");
    assert!(!prove(engine, later).expect("a proof").holds(true));
    put(&house.store, key, Some(value));
    engine.close_segments(later).expect("closed");
    assert_eq!(engine.unstamped_segments(10).expect("segments").len(), 1, "whole again");
}

// ---- foreign eyes

#[test]
fn a_file_is_good_for_python_and_for_openssl() {
    let mut street = Street::new(11);
    street.houses[0].engine().chain_log(NOW).expect("opened");
    send(&street, ANNA, &[BRUNO], "");
    street.run();
    let house = &street.houses[0];
    let engine = house.engine();
    engine.close_segments(NOW.plus(DAY)).expect("closed");
    let [segment] = &engine.unstamped_segments(10).expect("segments")[..] else { panic!("one segment") };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(segment.file_name());
    std::fs::write(&path, file(engine, 1).expect("the file")).expect("written");
    let script = "import hashlib, sys\n\
        data = open(sys.argv[1], 'rb').read()\n\
        head = bytes(32)\n\
        for line in data[:-1].split(b'\\n'):\n\
        \x20   text, before = line.rsplit(b': catena=', 1)\n\
        \x20   assert bytes.fromhex(before.decode()) == head, line\n\
        \x20   head = hashlib.sha256(head + line + b'\\n').digest()\n\
        print(head.hex(), hashlib.sha256(data).hexdigest(), data.count(b'\\n'))\n";
    let told = run(Command::new("python3").args(["-c", script]).arg(&path));
    let hex = |b: &[u8; 32]| data_encoding::HEXLOWER.encode(b);
    let digest = segment.sha256.expect("a digest");
    assert_eq!(told.trim(), format!("{} {} {}", hex(&segment.head), hex(&digest), segment.lines));
    // A stamp of another file is refused, the right one is kept, and openssl verifies what lies beside the file.
    let tsa = Tsa::start(&sigillo_tests::fixtures::authority());
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, tsa.anchor().to_pem()).expect("written");
    assert!(engine.stamp_segment(1, &stamp(&tsa, &[7; 32], 1), NOW).is_err());
    let token = stamp(&tsa, &digest, 2);
    engine.stamp_segment(1, &token, NOW).expect("kept");
    engine.stamp_segment(1, &token, NOW).expect("the same again");
    assert!(engine.stamp_segment(1, &stamp(&tsa, &digest, 3), NOW).is_err(), "one stamp for one segment");
    assert!(engine.unstamped_segments(10).expect("segments").is_empty());
    let kept = engine.ledger().stamp(1).expect("the stamp").expect("a stamp");
    let answer = folder.path().join("answer.tsr");
    std::fs::write(&answer, timestamp::answer(&kept)).expect("written");
    let verify = |file: &std::path::Path| {
        let mut openssl = Command::new("openssl");
        openssl.args(["ts", "-verify", "-data"]).arg(file).arg("-in").arg(&answer);
        openssl.arg("-CAfile").arg(&ca).output().expect("openssl runs").status.success()
    };
    assert!(verify(&path));
    std::fs::write(&path, file(engine, 1).expect("the file").replace("Convocazione", "convocazione")).expect("written");
    assert!(!verify(&path));
    let trust = Trust::new(vec![tsa.anchor()], vec![]);
    let proof = prove_as_it_is(engine, NOW.plus(DAY), Some(&trust)).expect("a proof");
    assert_eq!((proof.stamped, &proof.findings), (1, &Vec::new()));
    assert!(proof.holds(false) && proof.stamps[0].late, "{:?}", proof.stamps);
    let unknown = Trust::new(vec![sigillo_tests::fixtures::alfa().identity.certificate], vec![]);
    let proof = prove_as_it_is(engine, NOW.plus(DAY), Some(&unknown)).expect("a proof");
    assert!(proof.findings.iter().any(|f| f.contains("marca temporale")), "{proof:#?}");
}

/// The authority stamps with the clock of the machine; the segment is closed so much before or after.
#[test]
fn a_stamp_is_as_old_as_its_segment_or_that_is_said() {
    let tsa = Tsa::start(&sigillo_tests::fixtures::authority());
    let trust = Trust::new(vec![tsa.anchor()], vec![]);
    let proof = |hours: i64| {
        let now = sigillo_server::clock::system_time();
        let closing = Timestamp::from_millis(now.as_millis() + hours * 3_600_000);
        let opening = Timestamp::from_millis(closing.as_millis() - 48 * 3_600_000);
        let house = House::new(sigillo_tests::fixtures::alfa(), 7, &Known::fixtures(), opening);
        let engine = house.engine();
        engine.chain_log(opening).expect("opened");
        assert_eq!(engine.close_segments(closing).expect("closed"), 1);
        let digest = engine.unstamped_segments(1).expect("segments")[0].sha256.expect("a digest");
        engine.stamp_segment(1, &stamp(&tsa, &digest, 9), closing).expect("kept");
        let judged = prove_as_it_is(engine, closing, Some(&trust)).expect("a proof");
        let unjudged = prove_as_it_is(engine, closing, None).expect("a proof");
        assert_eq!((judged.stamped, &unjudged.unjudged), (1, &vec![1]));
        assert_eq!((&judged.findings, &judged.stamps), (&unjudged.findings, &unjudged.stamps));
        judged
    };
    let in_time = proof(0);
    assert!(in_time.holds(false) && !in_time.stamps[0].late, "{in_time:#?}");
    let late = proof(-25);
    assert!(late.holds(false) && late.stamps[0].late, "{late:#?}");
    let early = proof(1);
    assert!(!early.holds(true) && early.findings[0].contains("precede la chiusura"), "{early:#?}");
}

/// One line of a wrong time is told, and nobody is said to be late for it.
#[test]
fn a_line_far_ahead_is_found_and_settles_nothing() {
    let mut street = Street::new(13);
    let engine = street.houses[0].engine().clone();
    engine.chain_log(NOW).expect("opened");
    send(&street, ANNA, &[BRUNO], "");
    engine.log_service(ServiceEvent::IndexUpdate(Ok(())), NOW.plus(DAY * 30)).expect("written");
    engine.chain_log(NOW).expect("linked");
    assert_eq!(engine.close_segments(NOW.plus(DAY)).expect("closed"), 1);
    street.run();
    let proof = prove(&engine, street.now).expect("a proof");
    assert!(proof.findings.len() == 1 && proof.findings[0].contains("oltre un giorno dopo la chiusura"), "{proof:#?}");
    assert!(proof.rules.findings.is_empty(), "{proof:#?}");
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

/// A token over a digest.
fn stamp(tsa: &Tsa, digest: &[u8; 32], nonce: u64) -> Vec<u8> {
    let query = timestamp::request(digest, nonce).expect("a query");
    let (status, answer) = tsa::ask(&tsa.url(), &tsa::post(tsa::QUERY, &query));
    assert_eq!(status, 200);
    timestamp::response(&answer, digest, nonce).expect("a token").der().to_vec()
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
