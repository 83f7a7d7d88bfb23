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
        asked.code == Some(1) && asked.err.contains("1 elemento della coda") && asked.err.contains("--yes"),
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

/// Several messages wait: which of them an order is about, and how many, is what was said.
#[test]
fn an_order_is_about_as_many_as_was_said() {
    let demo = Demo::start(&["--without", "beta"]);
    for n in 0..3 {
        demo.send(ANNA, BRUNO, &format!("ferma{n}@comune-alfa.example"));
    }
    let to = ["--to", "ente-beta.example"];
    let json = |words: &[&str]| -> serde_json::Value {
        let said = queue(&demo, &[words, &["--json"]].concat()).fine("queue").out;
        serde_json::from_str(&said).expect("JSON")
    };
    let items = |found: &serde_json::Value| found["items"].as_array().expect("items").clone();
    let listed = |more: &[&str]| items(&json(&[&["list"], &to[..], more].concat()));
    wait_for("three that failed once", Duration::from_secs(60), || {
        let waiting = listed(&["--state", "waiting"]);
        (waiting.len() == 3 && waiting.iter().all(|item| item["last_error"].is_string())).then_some(())
    });

    for words in [&["list"][..], &["drop", "--yes"], &["hold"]] {
        let none = queue(&demo, &[words, &to, &["--limit", "0"]].concat());
        assert!(none.code != Some(0) && none.err.contains("almeno 1"), "{}", none.all());
    }
    let (asked, all) = (queue(&demo, &["drop", to[0], to[1], "--limit", "2"]), queue(&demo, &["drop", to[0], to[1]]));
    assert!(asked.code == Some(1) && asked.err.contains("2 elementi"), "{}", asked.all());
    assert!(all.code == Some(1) && all.err.contains("3 elementi"), "{}", all.all());
    assert_eq!(listed(&[]).len(), 3, "nothing was dropped yet");
    assert_eq!(listed(&["--limit", "2"]).len(), 2);
    assert_eq!(listed(&["--older-than", "0s"]).len(), 3);
    assert_eq!(listed(&["--older-than", "1d"]).len(), 0);
    let young = queue(&demo, &["drop", "--older-than", "1d", "--yes"]);
    assert!(young.code == Some(1) && young.err.contains("nessun elemento"), "{}", young.all());

    let first = listed(&[]).remove(0);
    let id = first["id"].as_str().expect("id");
    for verb in ["show", "why"] {
        let told = items(&json(&[verb, id]));
        assert_eq!(told.len(), 1, "{verb}");
        assert_eq!((&told[0]["id"], &told[0]["recipients"][0]), (&first["id"], &BRUNO.into()), "{verb}");
        assert!(told[0]["held"].is_null() && told[0]["last_error"].is_string(), "{verb}: {told:?}");
    }

    queue(&demo, &["hold", "--id", id, "--why", "verifica"]).fine("queue hold");
    assert_eq!(items(&json(&["show", id]))[0]["held"]["why"], "verifica");
    let done = json(&["release", "--id", id]);
    assert_eq!(done["done"], serde_json::json!([id]), "{done}");
    assert!(items(&json(&["show", id]))[0]["held"].is_null(), "released");
    // In work in this moment, it cannot be told to be tried: then once more.
    let attempts = |found: &serde_json::Value| items(found)[0]["attempts"].as_u64().expect("a number");
    let before = wait_for("an order to try", Duration::from_secs(30), || {
        let before = attempts(&json(&["show", id]));
        (queue(&demo, &["retry", "--id", id]).code == Some(0)).then_some(before)
    });
    wait_for("another attempt", Duration::from_secs(30), || (attempts(&json(&["show", id])) > before).then_some(()));

    wait_for("an order to drop", Duration::from_secs(30), || {
        (queue(&demo, &["drop", to[0], to[1], "--limit", "1", "--yes"]).code == Some(0)).then_some(())
    });
    assert_eq!(listed(&[]).len(), 2, "one, as was said");
}
