//! Segments of the legal log: they follow legal days, and a clock or a commit that is late breaks none.

use std::time::Duration;

use sigillo_base::Timestamp;
use sigillo_pec::log::ServiceEvent;
use sigillo_tests::fixtures::NOW;
use sigillo_tests::house::Known;
use sigillo_tests::log::{file, prove};
use sigillo_tests::street::Street;

use super::log::{ANNA, BRUNO, DAY, all_agree, send};

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
