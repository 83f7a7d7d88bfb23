//! A full disk: 4xx, nothing lost, nothing half done, and the service recovers by itself when there is room again.
//! The disk is a small tmpfs in a mount namespace of the program's own: it goes with the process.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sigillo_tests::demo::{Answer, Demo, Mail, Place, run, sigillo, wait_for};

use sigillo_tests::figures::{Figures, page};
use sigillo_tests::siege::{Census, census};

const ANNA: &str = "anna@comune-alfa.example";
const MARIO: &str = "mario@studio.example";

/// `unshare` with the rights to mount: as root, or as root of a user namespace; `None` when neither is allowed.
fn may_mount() -> Option<&'static [&'static str]> {
    let ways: [&'static [&'static str]; 2] = [&["--mount"], &["--mount", "--user", "--map-root-user"]];
    let try_it = ["sh", "-c", "mount -t tmpfs -o size=1m none /mnt"];
    ways.into_iter().find(|way| run("unshare", &[*way, &try_it[..]].concat(), b"", 20).code == Some(0))
}

/// Writes until nothing goes in any more.
fn fill(file: &Path) {
    let mut filler = File::create(file).expect("a file on the small disk");
    let mut size = 1 << 16;
    while size > 0 {
        // Down to the last byte: a log that still grows by a few bytes would hide the fault.
        if filler.write_all(&vec![b'x'; size]).is_err() {
            size /= 2;
        }
    }
}

fn status(socket: &Path) -> serde_json::Value {
    let ran = sigillo(&["status", "--json", "--socket", &socket.to_string_lossy()], 30).fine("status");
    serde_json::from_str(&ran.out).expect("JSON")
}

/// Files a message of one's own; gives the answer.
const APPEND: &str = r#"
kind, data = reader(ask["address"]).append("Bozze", "", None, b"Subject: bozza\r\n\r\nciao\r\n")
answer(kind + " " + data[0].decode())
"#;

#[test]
fn a_full_disk_is_4xx_and_the_service_recovers() {
    let Some(way) = may_mount() else {
        eprintln!("skipped: mounting is not allowed here, neither as root nor in a user namespace");
        return;
    };
    // A service minute in each second: what is put off comes back soon.
    let place = Place::new(&["--no-exchange", "--without", "beta", "--speed", "60"]);
    let disk = place.path("disk");
    std::fs::create_dir(&disk).expect("a folder");
    let name = disk.to_string_lossy().into_owned();
    let script = "disk=$1; shift; mount -t tmpfs -o size=48m none \"$disk\" && exec \"$@\"";
    let wrap = [&["unshare"][..], way, &["sh", "-c", script, "sh", &name]].concat();
    let demo = place.at(disk.join("data")).wrapped(&wrap).start();
    let inside = PathBuf::from(format!("/proc/{}/root", demo.info.pid)).join(disk.strip_prefix("/").expect("absolute"));
    demo.send(ANNA, MARIO, "before@comune-alfa.example");
    demo.await_kinds(ANNA, "before@comune-alfa.example", &["accettazione", "avvenuta-consegna"]);

    let filler = inside.join("filler");
    fill(&filler);
    let full = until_refused(&demo);
    assert!((400..500).contains(&full.refusal.code), "on a full disk: {:?}", full.refusal);
    let socket = inside.join("data/alfa/admin.sock");
    let told =
        wait_for("the gate", Duration::from_secs(30), || Some(status(&socket)).filter(|s| s["state"] == "refusing"));
    assert_eq!(told["store"]["state"], "full", "{told}");
    assert!(told["store"]["free_bytes"].as_u64() < told["store"]["reserve_bytes"].as_u64(), "{told}");
    let figures = demo.info.alfa().metrics.clone();
    let (ready, why) = page(&figures, "/readyz");
    assert!(ready == 503 && why.contains("\"condition\":\"disk\""), "{ready} {why}");
    assert_eq!(page(&figures, "/healthz").0, 200, "a restart makes no room");
    let shown = Figures::of(&figures);
    assert_eq!((shown.get("sigillo_ready"), shown.get("sigillo_condition{condition=\"disk\"}")), (0.0, 0.0));
    assert!(shown.get("sigillo_store_free_bytes") < shown.get("sigillo_store_reserve_bytes"));
    let small = &demo.submit(&[Mail::plain(ANNA, MARIO, "small@comune-alfa.example")])[0];
    assert_eq!((small.code, small.step.as_str()), (452, "mail"), "nothing is taken, however small: {small:?}");
    assert!(small.text.starts_with("4.3.1"), "{small:?}");
    let append = demo.python(APPEND, &serde_json::json!({"address": ANNA}), 30);
    assert!(append.as_str().is_some_and(|said| said.starts_with("NO [UNAVAILABLE]")), "{append}");
    assert!(!demo.inbox(MARIO).is_empty(), "reading goes on");

    std::fs::remove_file(&filler).expect("the filler goes");
    let again = Mail::plain(ANNA, MARIO, "after@comune-alfa.example");
    let begun = Instant::now();
    wait_for("recovery", Duration::from_secs(60), || {
        let answer = &demo.submit(std::slice::from_ref(&again))[0];
        std::thread::sleep(Duration::from_millis(500));
        (answer.code == 250).then_some(())
    });
    eprintln!("{} accepted on the full disk; recovered after {:?}", full.accepted.len(), begun.elapsed());
    let told =
        wait_for("health", Duration::from_secs(30), || Some(status(&socket)).filter(|s| s["state"] == "running"));
    assert_eq!(told["store"]["state"], "well", "{told}");
    assert_eq!(page(&figures, "/readyz").0, 200);
    let mut accepted = full.accepted;
    accepted.push("after@comune-alfa.example".to_owned());
    let how_often = |census: &Census, id: &str| {
        let places = [(ANNA, "accettazione"), (MARIO, "posta-certificata"), (ANNA, "avvenuta-consegna")];
        let key = |(who, kind): (&str, &str)| (who.to_owned(), kind.to_owned(), format!("<{id}>"));
        places.map(|place| census.get(&key(place)).copied().unwrap_or(0))
    };
    let census = wait_for("what was accepted is delivered", Duration::from_secs(60), || {
        Some(census(&demo)).filter(|c| accepted.iter().all(|id| !how_often(c, id).contains(&0)))
    });
    for id in &accepted {
        assert_eq!(how_often(&census, id), [1, 1, 1], "{id}");
    }
    assert_eq!(how_often(&census, &full.refused), [0, 0, 0], "what was refused left nothing behind");
    let place = Arc::clone(&demo.place);
    assert_eq!(demo.terminate(), Some(0), "{}", place.said());
}

/// Big messages until one is not taken: the log of the store may have room of its own, set aside before.
struct Full {
    accepted: Vec<String>,
    refused: String,
    refusal: Answer,
}

fn until_refused(demo: &Demo) -> Full {
    let mut accepted = Vec::new();
    for n in 0..64 {
        let id = format!("full{n}@comune-alfa.example");
        let head = format!("From: {ANNA}\r\nTo: {MARIO}\r\nSubject: {id}\r\nMessage-ID: <{id}>\r\n\r\n");
        let body = "Una riga fra tante che riempiono il disco.\r\n".repeat(40_000);
        let answer = demo.submit(&[Mail::raw(ANNA, &[MARIO], (head + &body).as_bytes())]).remove(0);
        if answer.code != 250 {
            return Full { accepted, refused: id, refusal: answer };
        }
        accepted.push(id);
    }
    panic!("64 big messages were accepted on a full disk");
}
