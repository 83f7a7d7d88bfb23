//! `kill -9` at any moment: what was answered 250 exists exactly once, what was not exists not at all or once. The short
//! siege of `make test`; `make soak` is the long one.

use std::sync::Arc;
use std::time::Duration;

use sigillo_tests::demo::Place;
use sigillo_tests::power::traced;
use sigillo_tests::siege::{Load, lay, settle};

const SUBMISSIONS: usize = 200;

#[test]
fn two_hundred_submissions_under_kill_9_are_neither_lost_nor_doubled() {
    let place = Arc::new(Place::new(&["--no-exchange"]));
    let load = Load {
        from: &["massiva@comune-alfa.example"],
        to: &["bruno@ente-beta.example", "ufficio@ente-beta.example", "mario@studio.example"],
        count: SUBMISSIONS,
        clients: 4,
        pause_s: 0.8,
        seconds: 300,
        lives_ms: 300..2000,
        seed: 9,
        trace: None,
    };
    let (submitted, kills) = lay(&place, &load);
    let (all, good) = (submitted.len(), submitted.values().filter(|s| s.code == 250).count());
    eprintln!("{kills} kills; {all} submissions, {good} answered 250, {} lost their answer", all - good);
    assert!(kills >= 8, "only {kills} kills: the submissions were too fast");
    assert_eq!(all, SUBMISSIONS, "not all submissions were made");
    assert!(good >= SUBMISSIONS / 2, "only {good} of {all} were answered 250");
    let ledger = settle(&place.again(), &submitted, Duration::from_secs(200));
    assert!(ledger.holds(), "seed {}:\n{ledger}", load.seed);
}

#[test]
fn a_power_cut_of_the_loaded_program_takes_nothing_that_was_answered() {
    let place = Place::new(&["--no-exchange"]);
    let trace = place.path("trace");
    let Some(words) = traced(&trace) else { return };
    let place = Arc::new(place.wrapped(&words.iter().map(String::as_str).collect::<Vec<_>>()));
    let load = Load {
        from: &["massiva@comune-alfa.example"],
        to: &["bruno@ente-beta.example", "mario@studio.example"],
        count: 60,
        clients: 4,
        pause_s: 0.8,
        seconds: 120,
        lives_ms: 1000..3000,
        seed: 10,
        trace: Some(trace),
    };
    let (submitted, cuts) = lay(&place, &load);
    let good = submitted.values().filter(|s| s.code == 250).count();
    eprintln!("{cuts} power cuts; {} submissions, {good} answered 250", submitted.len());
    assert!(cuts >= 2 && good >= 20, "{cuts} power cuts, {good} answers: nothing is shown");
    let ledger = settle(&place.again(), &submitted, Duration::from_secs(200));
    assert!(ledger.holds(), "seed {}:\n{ledger}", load.seed);
}
