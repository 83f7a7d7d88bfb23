//! `sigillo queue` on a running provider: why a message is still there, and what an administrator does about it.

use std::time::Duration;

use sigillo_tests::demo::{Demo, Ran, binary, run, wait_for};

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";

/// `sigillo queue` with these words, asked of Alfa.
fn queue(demo: &Demo, words: &[&str]) -> Ran {
    let socket = demo.info.alfa().admin_socket.to_string_lossy().into_owned();
    run(binary(), &[&["queue"], words, &["--socket", &socket]].concat(), b"", 60)
}

#[test]
fn an_administrator_learns_why_a_message_waits_and_decides_what_becomes_of_it() {
    let demo = Demo::start(&["--without", "beta"]);
    let id = "ferma@comune-alfa.example";
    demo.send(ANNA, BRUNO, id);
    let to = ["--to", "ente-beta.example"];
    let list = |more: &[&str]| queue(&demo, &[&["list"], &to[..], more].concat()).fine("queue list").out;
    wait_for("the first failure", Duration::from_secs(30), || {
        Some(list(&["--json"])).filter(|found| found.contains("\"last_error\": \"") && found.contains("\"waiting\""))
    });
    let found: serde_json::Value = serde_json::from_str(&list(&["--json"])).expect("JSON");
    let item = &found["items"][0];
    assert_eq!((item["from"].as_str(), item["recipients"][0].as_str()), (Some(ANNA), Some(BRUNO)));
    let (number, transaction) = (item["id"].as_str().expect("id"), item["transaction"].as_str().expect("transaction"));

    for which in [number, transaction] {
        let why = queue(&demo, &["why", which]).fine("queue why").out;
        assert_eq!(why.trim().lines().count(), 1, "{why}");
        assert!(why.contains("il prossimo il") && why.contains("rinuncia il"), "{why}");
    }
    let english = queue(&demo, &["why", number, "--lang", "en"]).fine("queue why").out;
    assert!(english.contains("failed attempts") && english.contains("given up on"), "{english}");
    let gone = queue(&demo, &["why", "sg0@pec.alfa.example"]);
    assert!(gone.code == Some(1) && gone.err.contains("dispatch show"), "{}", gone.all());

    let all = queue(&demo, &["hold"]);
    assert!(all.code == Some(1) && all.err.contains("--from"), "an order about everything is a mistake: {}", all.all());
    let mine = ["--from", ANNA, "--why", "verifica in corso"];
    queue(&demo, &[&["hold"], &mine[..]].concat()).fine("queue hold");
    wait_for("the hold", Duration::from_secs(30), || {
        Some(list(&["--state", "held"])).filter(|held| held.contains("trattenuto"))
    });
    let why = queue(&demo, &["why", number]).fine("queue why").out;
    assert!(why.contains("trattenuto da uid") && why.contains("verifica in corso"), "{why}");
    let held = queue(&demo, &["retry", "--id", number]);
    assert!(held.code == Some(1) && held.err.contains("release"), "{}", held.all());
    let none = queue(&demo, &["retry", "--to", "altrove.example"]);
    assert!(none.code == Some(1) && none.err.contains("nessun elemento"), "{}", none.all());
    let bad = queue(&demo, &["reroute", "--id", number, "--to-host", "nessuna porta"]);
    assert!(bad.code == Some(1) && bad.err.contains("host:porta"), "{}", bad.all());
    queue(&demo, &["reroute", "--id", number, "--to-host", "127.0.0.1:9"]).fine("queue reroute");
    let shown = queue(&demo, &["show", number]).fine("queue show").out;
    assert!(shown.contains("127.0.0.1:9") && shown.contains(BRUNO), "{shown}");

    let asked = queue(&demo, &["drop", "--id", number]);
    assert!(
        asked.code == Some(1) && asked.err.contains("1 elementi") && asked.err.contains("--yes"),
        "{}",
        asked.all()
    );
    queue(&demo, &["drop", "--id", number, "--yes", "--why", "chiesto dal mittente"]).fine("queue drop");
    let notice = demo.await_kinds(ANNA, id, &["accettazione", "errore-consegna"]).remove(1);
    assert!(notice.datum("errore-esteso").is_some_and(|e| e.contains("chiesto dal mittente")), "{:?}", notice.daticert);
    let socket = demo.info.alfa().admin_socket.to_string_lossy().into_owned();
    let log = run(binary(), &["log", "show", "--socket", &socket], b"", 60).fine("log show").out;
    for event in ["PEC_Queue blocco", "PEC_Queue rotta", "PEC_Queue eliminazione"] {
        assert!(log.contains(event), "{event}: {log}");
    }
}
