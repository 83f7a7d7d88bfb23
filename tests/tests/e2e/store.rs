//! `sigillo store check|repair` over a demonstration: while it runs, and over its store when it is stopped.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use sigillo_tests::demo::{Demo, Ran, sigillo};

const ANNA: &str = "anna@comune-alfa.example";

fn store(args: &[&str]) -> Ran {
    sigillo(&[&["store"], args].concat(), 60)
}

/// The longest write-ahead log of a store, with a bit in its middle the other way.
fn spoil_log(folder: &Path) -> String {
    let logs = fs::read_dir(folder).expect("the store").map(|entry| entry.expect("an entry").path());
    let logs = logs.filter(|path| path.extension().is_some_and(|end| end == "log"));
    let log = logs.max_by_key(|path| fs::metadata(path).map(|m| m.len()).unwrap_or_default()).expect("a log");
    let mut bytes = fs::read(&log).expect("the log");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, bytes).expect("written");
    log.file_name().expect("a name").to_string_lossy().into_owned()
}

#[test]
fn the_store_of_a_demonstration_is_checked_repaired_and_refused_when_its_log_is_damaged() {
    let demo = Demo::start(&[]);
    demo.send(ANNA, "bruno@ente-beta.example", "uno@comune-alfa.example");
    demo.await_kinds(ANNA, "uno@comune-alfa.example", &["accettazione", "avvenuta-consegna"]);
    let socket = demo.info.alfa().admin_socket.to_string_lossy().into_owned();
    let checked = store(&["check", "--deep", "--json", "--socket", &socket]).fine("store check --socket").out;
    let checked: serde_json::Value = serde_json::from_str(&checked).expect("JSON");
    assert_eq!(checked["errors"], 0, "{checked}");

    let folder = demo.place.data().join("alfa/store");
    let path = folder.to_string_lossy().into_owned();
    for verb in ["check", "repair"] {
        let busy = store(&[verb, "--store", &path]);
        assert_eq!(busy.code, Some(3), "{}", busy.all());
        assert!(busy.err.contains("usato da un altro processo"), "{}", busy.all());
    }
    let place = Arc::clone(&demo.place);
    assert_eq!(demo.terminate(), Some(0), "{}", place.said());

    let checked = store(&["check", "--deep", "--store", &path]).fine("store check --store").out;
    assert!(checked.contains("0 errori"), "{checked}");
    let would = store(&["repair", "--store", &path]).fine("store repair").out;
    assert!(would.contains("0 da mettere a posto, 0 resterebbero"), "{would}");

    // The other provider's: to open a store takes in its log.
    let other = place.data().join("beta/store");
    let log = spoil_log(&other.join("db"));
    let refused = store(&["check", "--store", &other.to_string_lossy()]);
    assert_eq!(refused.code, Some(3), "{}", refused.all());
    assert!(refused.err.contains(&log) && refused.err.contains("danneggiato al byte"), "{}", refused.all());
    let absent = store(&["check", "--store", &place.path("nothing").to_string_lossy()]);
    assert_eq!(absent.code, Some(3), "{}", absent.all());
}

#[test]
fn a_store_of_an_earlier_format_is_migrated_after_a_trial_that_changes_nothing() {
    let place = tempfile::tempdir().expect("a folder");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stores/schema-1/alfa.tar.gz");
    let unpacked = Command::new("tar").arg("-xzf").arg(&sample).current_dir(place.path()).status().expect("tar");
    assert!(unpacked.success());
    fs::rename(place.path().join("alfa"), place.path().join("db")).expect("a store's folder");
    let path = place.path().to_string_lossy().into_owned();
    for verb in ["check", "repair"] {
        let refused = store(&[verb, "--store", &path]);
        assert_eq!(refused.code, Some(1), "{}", refused.all());
        assert!(refused.err.contains(&format!("sigillo store migrate --store {path}")), "{}", refused.all());
    }
    let json = |args: &[&str]| -> serde_json::Value {
        let ran = store(&[&["migrate", "--json", "--store", &path], args].concat()).fine("store migrate");
        serde_json::from_str(&ran.out).expect("JSON")
    };
    for _ in 0..2 {
        let trial = json(&[]);
        assert!(trial["from"] == 1 && trial["errors"] == 0 && trial["written"] == false, "{trial}");
        assert!(trial["rows"].as_u64() > Some(10), "{trial}");
    }
    let left = fs::read_dir(place.path()).expect("the folder").count();
    assert_eq!(left, 1, "the copy of the trial is gone");
    let done = json(&["--yes"]);
    assert!(done["damaged"] == 0 && done["written"] == true, "{done}");
    let checked = store(&["check", "--deep", "--store", &path]).fine("store check").out;
    assert!(checked.contains("0 errori, 0 note"), "{checked}");
    let nothing = store(&["migrate", "--store", &path]).fine("store migrate").out;
    assert!(nothing.contains("niente da migrare"), "{nothing}");
}
