//! What is only asked about: `--dry-run` and `Sigillo-Dry-Run`, by which the service checks and answers as if it did a thing;
//! and `--yes`, without which nothing is destroyed.

use std::collections::BTreeSet;

use serde_json::json;
use sigillo_tests::demo::{Ran, binary, run};

use crate::administration::{COMUNE, ENTE, somebody, two_administrations};
use crate::api::call;
use crate::isolation::{all_of_theirs, operations, street};
use crate::rates::{ANNA, BRUNO, ask, served};
use crate::serve::Sample;

const TRY: &str = "Sigillo-Dry-Run: true";

fn verb(sample: &Sample, words: &[&str]) -> Ran {
    run(binary(), &[words, &["--socket", &sample.socket()]].concat(), b"una frase lunga e nuova\n", 30)
}

/// Lines of the legal log about what somebody did, with this word.
fn acts(sample: &Sample, word: &str) -> usize {
    let file = sample.path("m.rossi.token").to_string_lossy().into_owned();
    let log = verb(sample, &["log", "show", "--token-file", &file]).fine("log show").out;
    log.lines().filter(|line| line.contains("PEC_Admin") && line.contains(&format!(" {word}: da=m.rossi"))).count()
}

/// Everything that the interface can be asked, about an administration: what can be tried changes nothing, what cannot is refused.
#[test]
fn nothing_that_is_tried_is_done() {
    let (sample, _guard) = served();
    let (_, admin) = street(&sample);
    let document = call(&sample, &admin, "GET /v1/openapi.json", &[], b"").json();
    let before = all_of_theirs(&sample, &admin);
    let asked = acts(&sample, "richiesta");
    let (mut done, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for operation in operations(&document).iter().filter(|operation| operation.method != "GET") {
        let (line, body) = operation.about_theirs(&document);
        let tries = operation.parameters.iter().any(|(place, name, _)| place == "header" && name == "Sigillo-Dry-Run");
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let answer = call(&sample, &admin, &line, &[TRY], text.as_bytes());
        let told = answer.head.to_lowercase().contains("\r\nsigillo-dry-run: true");
        if tries && (200..300).contains(&answer.status) {
            assert!(told, "{line}: {answer:?}");
            done.insert(line);
        } else if tries {
            assert!((400..500).contains(&answer.status), "{line} {body}: {answer:?}");
        } else {
            assert!(answer.status == 400 && answer.body.contains("non si può provare"), "{line}: {answer:?}");
            refused.insert(line);
        }
    }
    assert!(done.len() > 15, "most of them went: {done:#?}");
    let files = ["/v1/mailboxes/apply", "/v1/lists/apply", "/v1/password-file"];
    assert!(files.iter().all(|file| !refused.iter().any(|line| line.ends_with(file))), "files are tried: {refused:#?}");
    assert!(refused.len() > 8 && !refused.iter().any(|line| line.contains("/v1/lists/")), "{refused:#?}");
    assert_eq!(all_of_theirs(&sample, &admin), before, "something was done");
    assert_eq!(acts(&sample, "richiesta"), asked, "the log has nothing as done");
    assert!(acts(&sample, "prova") > 20, "it has what was tried");
}

#[test]
fn a_trial_answers_as_the_service_would_and_is_remembered_by_nobody() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let admin = somebody(&sample, "m.rossi", None, &[("supplier-admin", "supplier")]);
    let contact = somebody(&sample, "l.bianchi", Some("1"), &[("technical-contact", "tenant/1")]);
    let new = json!({"name": "Ufficio Prova"}).to_string();
    let key = "Idempotency-Key: 0123456789abcdef0123";
    let tries = |line: &str, head: &[&str], body: &str| call(&sample, &admin, line, head, body.as_bytes());
    let (tried, done) =
        (tries("POST /v1/tenants/1/units", &[TRY, key], &new), tries("POST /v1/tenants/1/units", &[key], &new));
    assert_eq!((tried.status, done.status), (201, 201), "{tried:?}{done:?}");
    assert!(!done.head.to_lowercase().contains("idempotency-replayed"), "{done:?}");
    // It sees what is there, and refuses what the service would.
    let again = tries("POST /v1/tenants/1/units", &[TRY], &new);
    assert!(again.status == 409 && again.body.contains("c'è già"), "{again:?}");
    let denied = call(&sample, &contact, "DELETE /v1/tenants/1", &[TRY], b"");
    assert_eq!(denied.status, 403, "{denied:?}");
    // A secret is not made, so that none is told.
    let made = tries(
        &format!("POST /v1/mailboxes/{ANNA}/credentials"),
        &[TRY],
        r#"{"name":"prova","kind":"application","rights":["send"]}"#,
    );
    assert!(made.status == 201 && made.json()["password"] == "…", "{made:?}");
    assert_eq!(made.json()["credential"]["login"], format!("{ANNA}/prova"));
    let token = tries("POST /v1/persons/l.bianchi/tokens", &[TRY], r#"{"name":"altrove"}"#);
    assert!(token.status == 201 && token.json()["secret"] == "…", "{token:?}");
    let bad = tries("POST /v1/tenants/1/units", &["Sigillo-Dry-Run: forse"], &new);
    assert_eq!(bad.status, 400, "{bad:?}");
}

#[test]
fn the_command_line_says_what_it_would_do_until_it_is_told_to() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let list = format!("tutti@{COMUNE}");
    ask(&sample, &["list", "set", &list, ANNA, BRUNO], "");
    let asked = verb(&sample, &["list", "remove", &list]);
    assert!(asked.code == Some(1) && asked.err.contains(&list) && asked.err.contains("2 membri"), "{}", asked.all());
    assert!(asked.err.contains("--yes"), "{}", asked.all());
    let tried = verb(&sample, &["list", "remove", &list, "--dry-run"]).fine("a trial");
    assert!(tried.err.contains("non è cambiato niente") && tried.out.contains(&list), "{}", tried.all());
    verb(&sample, &["list", "remove", &list, "--yes"]).fine("list remove");
    let again = verb(&sample, &["list", "set", &list, ANNA, "--dry-run"]);
    assert!(again.code == Some(1) && again.err.contains("undelete"), "it is cancelled: {}", again.all());
    verb(&sample, &["list", "undelete", &list, "--dry-run"]).fine("a trial");
    assert_eq!(ask(&sample, &["list", "list"], "")["lists"][0]["state"], "cancelled", "it was only tried");
    ask(&sample, &["list", "undelete", &list], "");

    // What an administration has, before it goes; the service says why it cannot.
    let asked = verb(&sample, &["--lang", "en", "tenant", "remove", "1"]);
    for part in ["Comune di Esempio", "1 domain", "1 unit", "1 mailbox", "--yes"] {
        assert!(asked.code == Some(1) && asked.err.contains(part), "{part}: {}", asked.all());
    }
    let tried = verb(&sample, &["tenant", "remove", "1", "--dry-run"]);
    assert!(tried.code == Some(1) && tried.err.contains(COMUNE), "{}", tried.all());
    let asked = verb(&sample, &["domain", "assign", ENTE, "--tenant", "1"]);
    assert!(asked.code == Some(1) && asked.err.contains("«Ente di Esempio»"), "{}", asked.all());
    assert!(asked.err.contains("1 casella e 0 liste"), "{}", asked.all());
    let asked = verb(&sample, &["unit", "remove", "1", "1"]);
    assert!(
        asked.code == Some(1) && asked.err.contains("«Anagrafe»") && asked.err.contains("1 casella"),
        "{}",
        asked.all()
    );

    let units = |words: &[&str]| ask(&sample, &[&["unit"], words].concat(), "");
    assert_eq!(units(&["rename", "1", "1", "Demografici", "--dry-run"])["name"], "Demografici");
    assert_eq!(units(&["list", "1"])["units"][0]["name"], "Anagrafe");
    units(&["rename", "1", "1", "Demografici"]);
    assert_eq!(units(&["list", "1"])["units"][0]["name"], "Demografici");
    units(&["add", "1", "Tributi"]);
    let taken = verb(&sample, &["unit", "rename", "1", "1", "tributi"]);
    assert!(taken.code == Some(1) && taken.err.contains("c'è già"), "{}", taken.all());

    let new = format!("tredici@{COMUNE}");
    verb(&sample, &["mailbox", "add", &new, "--dry-run"]).fine("a trial");
    assert!(verb(&sample, &["mailbox", "usage", &new]).err.contains("non c'è"), "it was not made");
    let file = sample.path("prova.token").to_string_lossy().into_owned();
    ask(&sample, &["person", "add", "p.prova", "Persona"], "");
    verb(&sample, &["person", "add-token", "p.prova", "portatile", "--out", &file, "--dry-run"]).fine("a trial");
    assert!(
        !sample.path("prova.token").exists()
            && ask(&sample, &["person", "tokens", "p.prova"], "")["tokens"] == json!([])
    );
    let asked = verb(&sample, &["person", "end", "p.prova"]);
    assert!(asked.code == Some(1) && asked.err.contains("0 ruoli, 0 token"), "{}", asked.all());
}

#[test]
fn profiles_are_shown_with_their_figures() {
    let (sample, _guard) = served();
    let found = ask(&sample, &["profile", "list"], "");
    let names: Vec<&str> =
        found["profiles"].as_array().expect("some").iter().filter_map(|p| p["name"].as_str()).collect();
    let known = [
        "standard",
        "structured",
        "massive-small",
        "massive-medium",
        "massive-large",
        "massive-extra-large",
        "service",
    ];
    assert!(names[..7] == known && names[7..].contains(&"prova"), "{names:?}");
    let one = ask(&sample, &["profile", "show", "massive-large"], "");
    assert_eq!(
        (&one["per_day"], &one["per_minute"], &one["box_bytes"]),
        (&25_000.into(), &2_500.into(), &(36_u64 << 30).into())
    );
    let shown = verb(&sample, &["profile", "list"]).fine("profile list").out;
    assert!(shown.contains("36 GB") && shown.contains("50 MB"), "{shown}");
    let none = verb(&sample, &["profile", "show", "enorme"]);
    assert!(none.code == Some(1) && none.err.contains("massive-small"), "{}", none.all());
}
