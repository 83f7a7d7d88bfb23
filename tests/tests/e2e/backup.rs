//! `sigillo store backup|restore|compact|stats`: a service is copied while mail goes on, wiped, and brought back.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;
use sigillo_store::{body, transact};
use sigillo_store_rocks::{Options, RocksStore};
use sigillo_tests::demo::{Demo, Mail, Ran, sigillo};

const ANNA: &str = "anna@comune-alfa.example";
const MARIO: &str = "mario@studio.example";

fn store(args: &[&str]) -> Ran {
    sigillo(&[&["store"], args].concat(), 120)
}

fn json(ran: Ran, what: &str) -> Value {
    let ran = ran.fine(what);
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{what}: {e}: {}", ran.all()))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// With 150 kB that do not compress.
fn mail(id: &str) -> Mail {
    let noise = (0..2200u64).map(|n| format!("{}\r\n", body::BodyId::of(format!("{id} {n}").as_bytes())));
    let head = format!("From: <{ANNA}>\r\nTo: <{MARIO}>\r\nSubject: prova {id}\r\nMessage-ID: <{id}>\r\n\r\n");
    Mail::raw(ANNA, &[MARIO], (head + &noise.collect::<String>()).as_bytes())
}

fn submit(demo: &Demo, ids: &[String]) -> Vec<String> {
    let mails: Vec<Mail> = ids.iter().map(|id| mail(id)).collect();
    let answers = demo.submit(&mails);
    ids.iter().zip(answers).filter(|(_, answer)| answer.code == 250).map(|(id, _)| id.clone()).collect()
}

fn ids(kind: &str, from: usize, count: usize) -> Vec<String> {
    (from..from + count).map(|n| format!("{kind}-{n}@comune-alfa.example")).collect()
}

#[test]
fn a_service_that_was_copied_while_mail_went_on_is_brought_back_with_every_message() {
    let demo = Demo::start(&["--without", "beta"]);
    let socket = text(&demo.info.alfa().admin_socket);
    let backups = text(&demo.place.path("backups"));
    let before = submit(&demo, &ids("before", 0, 8));
    assert_eq!(before.len(), 8);
    let online = |args: &[&str]| store(&[args, &["--socket", &socket]].concat());
    let stop = AtomicBool::new(false);
    let (meanwhile, made) = thread::scope(|scope| {
        let going_on = scope.spawn(|| {
            let mut sent = Vec::new();
            // An end in any case: whoever fails meanwhile does not say stop.
            for round in (0..100).take_while(|_| !stop.load(Ordering::Relaxed)) {
                sent.extend(submit(&demo, &ids("meanwhile", round * 3, 3)));
            }
            sent
        });
        let made: Vec<Ran> = (0..3).map(|_| online(&["backup", &backups, "--keep", "2", "--json"])).collect();
        stop.store(true, Ordering::Relaxed);
        (going_on.join().expect("mail goes on"), made)
    });
    assert!(meanwhile.len() >= 3, "{meanwhile:?}");
    let made: Vec<Value> = made.into_iter().map(|ran| json(ran, "store backup")).collect();
    assert!(number(&made[0]["bytes"]) > 1_000_000 && made[2]["number"] == 3, "{made:?}");
    assert!(number(&made[2]["copied_bytes"]) < number(&made[2]["bytes"]), "what was there is shared: {made:?}");
    assert_eq!(made[2]["removed"], serde_json::json!([1]));

    let folder = demo.place.data().join("alfa/store");
    let path = text(&folder);
    let occupied = store(&["restore", &backups, "--store", &path]);
    assert_eq!(occupied.code, Some(1), "{}", occupied.all());
    assert!(occupied.err.contains("c'è già qualcosa"), "{}", occupied.all());
    let relative = json(online(&["stats", "--json"]), "store stats");
    assert!(number(&relative["messages"]) >= 8, "{relative}");

    let place = Arc::clone(&demo.place);
    assert_eq!(demo.terminate(), Some(0), "{}", place.said());
    fs::remove_dir_all(&folder).expect("the store is wiped");
    let absent = store(&["restore", &backups, "--number", "1", "--store", &path]);
    assert!(absent.code == Some(1) && absent.err.contains("qui non c'è nessuna copia"), "{}", absent.all());
    let restored = store(&["restore", &backups, "--store", &path]).fine("store restore").out;
    assert!(restored.contains("la copia 3 del "), "{restored}");
    let checked = json(store(&["check", "--deep", "--json", "--store", &path]), "store check");
    assert_eq!(checked["errors"], 0, "{checked}");

    let demo = place.again();
    for id in &before {
        let found = demo.await_kinds(MARIO, id, &["posta-certificata"]);
        assert_eq!(found.len(), 1, "{id}: {found:?}");
        demo.await_kinds(ANNA, id, &["accettazione", "avvenuta-consegna"]);
    }
    demo.send(ANNA, MARIO, "after@comune-alfa.example");
    demo.await_kinds(ANNA, "after@comune-alfa.example", &["accettazione", "avvenuta-consegna"]);
    let fourth = json(online(&["backup", &backups, "--json"]), "store backup");
    assert_eq!(fourth["number"], 4, "the restored store goes on in the same folder: {fourth}");
    let compacted = json(online(&["compact", "--json"]), "store compact");
    assert!(number(&compacted["after_bytes"]) > 0, "{compacted}");
    let checked = json(online(&["check", "--deep", "--json"]), "store check");
    assert_eq!(checked["errors"], 0, "{checked}");
}

#[test]
fn compacting_gives_the_disk_what_was_deleted_and_the_figures_say_so() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = text(place.path());
    let ids: Vec<body::BodyId> = {
        let store = RocksStore::open(place.path().join("db"), &Options::default()).expect("a store");
        let bodies = (0..60u64).map(|n| {
            let noise: String =
                (0..3000).map(|i| body::BodyId::of(format!("{n} {i}").as_bytes()).to_string()).collect();
            transact(&store, 9, |tx| {
                let id = body::put(&store, tx, noise.as_bytes())?;
                body::link(tx, id, n.to_be_bytes())?;
                Ok::<_, sigillo_store::Error>(id)
            })
            .expect("a body")
        });
        let ids: Vec<_> = bodies.collect();
        store.flush().expect("flushed");
        for (n, id) in (0u64..).zip(&ids).filter(|(n, _)| n % 6 != 0) {
            transact(&store, 9, |tx| {
                body::unlink(tx, *id, n.to_be_bytes());
                Ok::<_, sigillo_store::Error>(())
            })
            .expect("unlinked");
            assert!(body::collect(&store, *id).expect("collected"));
        }
        ids
    };
    let on_disk = || {
        fs::read_dir(place.path().join("db"))
            .expect("files")
            .map(|e| e.and_then(|e| e.metadata()).map_or(0, |m| m.len()))
            .sum::<u64>()
    };
    let before = json(store(&["stats", "--json", "--store", &folder]), "store stats");
    assert_eq!(before["messages"], 0, "{before}");
    assert!(number(&before["disk_bytes"]) > 5_000_000 && number(&before["families"][2]["blobs"]) > 0, "{before}");
    assert_eq!(before["families"][2]["name"], "bodies");
    // No configuration says what must stay free: an option does.
    let backups = text(&place.path().join("copie"));
    for verb in [&["compact"][..], &["backup", &backups]] {
        let refused = store(&[verb, &["--reserve-mb", "1000000000", "--store", &folder]].concat());
        assert_eq!(refused.code, Some(1), "{verb:?}: {}", refused.err);
        assert!(refused.err.contains("1048576000000000"), "{verb:?}: {}", refused.err);
    }
    let compacted = json(store(&["compact", "--json", "--store", &folder]), "store compact");
    let (was, is) = (number(&compacted["before_bytes"]), number(&compacted["after_bytes"]));
    assert!(is < was / 2 && on_disk().abs_diff(is) < 200_000, "{compacted}, {} on the disk", on_disk());
    let after = json(store(&["stats", "--json", "--store", &folder]), "store stats");
    assert_eq!(after["garbage_bytes"], 0, "{after}");
    assert!(after["amplification"].as_f64().is_some_and(|a| (0.9..1.5).contains(&a)), "{after}");
    assert!(number(&after["health"]["free_bytes"]) > 0 && after["health"]["failing"] == false, "{after}");
    let shown = store(&["stats", "--store", &folder]).fine("store stats").out;
    assert!(shown.contains("bodies") && shown.contains("disco per dati vivi"), "{shown}");
    let store = RocksStore::open(place.path().join("db"), &Options::default()).expect("a store");
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(body::verify(&store, *id).is_ok(), n % 6 == 0, "body {n}");
    }
}
