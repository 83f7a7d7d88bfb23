//! `sigillo log` over a demonstration: while it runs, over its store when it is stopped, over exported files.

use std::path::Path;
use std::time::Duration;

use sigillo_base::Timestamp;
use sigillo_server::clock::system_time;
use sigillo_smime::{sha256, timestamp};
use sigillo_tests::demo::{Demo, Place, Ran, sigillo, wait_for};
use sigillo_tests::house::{House, Known};
use sigillo_tests::tsa::{self, Tsa};
use tempfile::TempDir;

const ANNA: &str = "anna@comune-alfa.example";

fn log(args: &[&str], whence: &[&str]) -> Ran {
    sigillo(&[&["log"], args, whence].concat(), 60)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// An exchange at the pace of the machine, then a day passes in seconds: closed segments and an open one. The log is read
/// in every way, and a line that somebody altered in a file is named.
#[test]
fn the_log_of_a_demonstration_is_shown_counted_exported_and_proven() {
    let first = Demo::start(&[]);
    first.send(ANNA, "bruno@ente-beta.example", "uno@comune-alfa.example");
    first.await_kinds(ANNA, "uno@comune-alfa.example", &["accettazione", "avvenuta-consegna"]);
    let kept = std::sync::Arc::clone(&first.place);
    assert_eq!(first.terminate(), Some(0), "{}", kept.said());
    let demo = Place::new(&["--no-exchange", "--speed", "20000"]).at(kept.data()).start();
    let socket = text(&demo.info.alfa().admin_socket);
    let service = ["--socket", &socket];
    for provider in &demo.info.providers {
        let socket = text(&provider.admin_socket);
        wait_for("a closed segment", Duration::from_secs(120), || {
            let ran = log(&["verify", "--allow-unstamped", "--json"], &["--socket", &socket]);
            let proven: serde_json::Value = serde_json::from_str(&ran.out).ok()?;
            proven["segments"].as_u64().filter(|n| *n > 1)
        });
    }

    let shown = log(&["show"], &service).fine("log show").out;
    let id = shown.lines().find_map(|l| l.split("tipo=accettazione").next().filter(|h| h.len() < l.len()));
    let id = id.and_then(|h| h.split("[0]: ").nth(1)).expect("an acceptance").trim_end_matches(": ").to_owned();
    let about = log(&["show", "--id", &id], &service).fine("log show --id").out;
    let classes = ["(Accettazione)", "(BustaTrasporto)", "(PresaInCarico)", "(Consegna)"];
    assert_eq!(about.lines().count(), 4, "{about}");
    assert!(classes.iter().all(|class| about.contains(class)), "{about}");

    let counted = log(&["count", "--json"], &service).fine("log count").out;
    let counted: serde_json::Value = serde_json::from_str(&counted).expect("JSON");
    assert_eq!(counted.as_object().map(serde_json::Map::len), Some(9));
    assert_eq!(counted["Busta di Trasporto"], 1, "{counted}");
    assert_eq!(counted["Ricevuta Completa di Avvenuta Consegna"], 1, "{counted}");

    let unstamped = log(&["verify"], &service);
    assert_eq!(unstamped.code, Some(1), "{}", unstamped.all());
    assert!(unstamped.out.contains("senza marca") && unstamped.out.ends_with("Il log NON è provato.\n"));
    let proven = log(&["verify", "--allow-unstamped"], &service).fine("log verify").out;
    assert!(proven.contains("Il log è integro e coerente."), "{proven}");

    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("uno.log");
    log(&["export", "--segment", "1", "--out", &text(&file)], &service).fine("log export");
    let again = log(&["export", "--segment", "1", "--out", &text(&file)], &service);
    assert_eq!(again.code, Some(3), "nothing is written over: {}", again.all());
    judge_files(folder.path(), &file, &text(&demo.info.ca_file));

    let store = demo.place.data().join("alfa/store");
    let busy = log(&["verify", "--store", &text(&store)], &[]);
    assert_eq!(busy.code, Some(3), "in use: {}", busy.all());
    let place = std::sync::Arc::clone(&demo.place);
    assert_eq!(demo.terminate(), Some(0), "{}", place.said());
    for provider in ["alfa", "beta"] {
        let store = text(&place.data().join(provider).join("store"));
        let proven = log(&["verify", "--allow-unstamped", "--json", "--store", &store], &[]).fine("log verify --store");
        let proven: serde_json::Value = serde_json::from_str(&proven.out).expect("JSON");
        assert_eq!(
            (&proven["holds"], &proven["waiting"]),
            (&true.into(), &0.into()),
            "all linked at the end: {proven}"
        );
        assert!(proven["segments"].as_u64() > Some(1), "{proven}");
    }
    let nothing = log(&["verify", "--store", &text(folder.path())], &[]);
    assert_eq!(nothing.code, Some(3), "{}", nothing.all());
}

/// Exported files need no service: their chain and stamps are judged alone. `other` is no time-stamp authority.
fn judge_files(folder: &Path, file: &Path, other: &str) {
    let files = ["--allow-unstamped", "--files", &text(folder)];
    log(&["verify"], &files).fine("log verify --files");
    // An authority of another hand stamps the file, by its own clock: the demonstration's ran ahead of it, and that is said.
    let tsa = Tsa::start(&sigillo_tests::fixtures::authority());
    let whole = std::fs::read_to_string(file).expect("the file");
    stamp(&tsa, file);
    let ca = folder.join("tsa.pem");
    std::fs::write(&ca, tsa.anchor().to_pem()).expect("written");
    let only_files = ["--files", &text(folder)];
    let early = log(&["verify", "--tsa-ca", &text(&ca)], &only_files);
    assert!(early.code == Some(1) && early.out.contains("precede la chiusura"), "{}", early.all());
    // A segment that was closed just now lacks nothing, one of two days ago has a late stamp.
    for (hours, late) in [(0, false), (48, true)] {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("due.log");
        std::fs::write(&file, closed(hours)).expect("written");
        stamp(&tsa, &file);
        let stamped = log(&["verify", "--tsa-ca", &text(&ca)], &["--files", &text(folder.path())]);
        let stamped = stamped.fine("log verify --tsa-ca").out;
        assert!(stamped.contains("1 verificate") && stamped.contains("marca tardiva") == late, "{stamped}");
    }
    let unjudged = log(&["verify"], &only_files);
    assert!(unjudged.code == Some(1) && unjudged.out.contains("manca --tsa-ca"), "{}", unjudged.all());
    let untrusted = log(&["verify", "--tsa-ca", other], &only_files);
    assert!(untrusted.code == Some(1) && untrusted.out.contains("marca temporale: "), "{}", untrusted.all());
    std::fs::write(file, whole.replacen("gestore=Alfa", "gestore=Alta", 1)).expect("written");
    let altered = log(&["verify"], &files);
    assert_eq!(altered.code, Some(1), "{}", altered.all());
    assert!(altered.out.contains("uno.log, riga 2: la catena si interrompe"), "{}", altered.out);
}

/// The file of a segment that was closed so many hours ago.
fn closed(hours: u64) -> String {
    let ago = |hours: u64| {
        Timestamp::from_millis(system_time().as_millis() - i64::try_from(hours * 3_600_000).expect("not long"))
    };
    let house = House::new(sigillo_tests::fixtures::alfa(), 3, &Known::fixtures(), ago(hours + 48));
    house.engine().chain_log(ago(hours + 48)).expect("opened");
    assert_eq!(house.engine().close_segments(ago(hours)).expect("closed"), 1);
    sigillo_tests::log::file(house.engine(), 1).expect("the file")
}

/// Lays a time stamp beside a file.
fn stamp(tsa: &Tsa, file: &Path) {
    let query = timestamp::request(&sha256(&std::fs::read(file).expect("the file")), 7).expect("a query");
    let (_, answer) = tsa::ask(&tsa.url(), &tsa::post(tsa::QUERY, &query));
    std::fs::write(format!("{}.tsr", text(file)), &answer).expect("written");
}

#[test]
fn a_wrong_question_to_the_log_is_exit_2() {
    for args in [
        &["show", "--from", "12/03/2026"][..],
        &["show", "--id", "x@y.example", "--from", "2026-03-12"],
        &["export", "--out", "x"],
        &["export", "--day", "2026-03-12", "--segment", "1", "--out", "x"],
        &["export", "--segment", "1"],
        &["verify", "--files", "x", "--store", "y"],
        &[],
    ] {
        let ran = log(args, &[]);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.all());
    }
}
