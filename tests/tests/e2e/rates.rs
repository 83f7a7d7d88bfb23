//! Rate profiles and credentials from the shell, on a service of its own: limits, overruns, the daily report, credentials of
//! applications.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use sigillo_tests::demo::{binary, run, wait_for};

use crate::serve::Sample;

const ANNA: &str = "anna@comune-esempio.example";
const BRUNO: &str = "bruno@ente-esempio.example";

/// The sample with a profile of two messages a minute, and a folder for reports.
fn sample() -> Sample {
    let sample = Sample::new();
    let more =
        "\n[[profile]]\nname = \"prova\"\nbase = \"structured\"\nper_minute = 2\n\n[reports]\nfolder = \"rapporti\"\n";
    sample.write(&(sample.text() + more));
    sample
}

fn ask(sample: &Sample, verb: &[&str], input: &str) -> Value {
    let socket = sample.socket();
    let args = [verb, &["--json", "--socket", &socket]].concat();
    let ran = run(binary(), &args, input.as_bytes(), 30).fine(&verb.join(" "));
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{verb:?}: {e}: {}", ran.all()))
}

fn refused(sample: &Sample, verb: &[&str]) -> String {
    let ran = run(binary(), &[verb, &["--socket", &sample.socket()]].concat(), b"", 30);
    assert_ne!(ran.code, Some(0), "{verb:?}: {}", ran.all());
    ran.all()
}

/// Submits with swaks by a credential; gives its exit status and what was said.
fn send(sample: &Sample, user: &str, password: &str) -> (Option<i32>, String) {
    let server = format!("127.0.0.1:{}", sample.ports.base + 1);
    let args = [
        "--server",
        &server,
        "--tls",
        "--auth",
        "PLAIN",
        "--auth-user",
        user,
        "--auth-password",
        password,
        "--from",
        ANNA,
        "--to",
        BRUNO,
        "--header",
        "Subject: prova",
    ];
    let ran = run("swaks", &args, b"", 30);
    (ran.code, ran.all())
}

#[test]
fn limits_overruns_and_credentials_are_administered_from_the_shell() {
    let sample = sample();
    let guard = sample.serve();
    sample.add(ANNA, "segreta");
    sample.add(BRUNO, "segreta");
    assert!(refused(&sample, &["mailbox", "profile", ANNA, "enorme"]).contains("service, prova"));
    assert_eq!(ask(&sample, &["mailbox", "profile", ANNA, "prova"], "")["profile"], "prova");

    // An application gets a password that nobody chose, and a person one that he chose.
    let made = ask(&sample, &["mailbox", "credential", "add", ANNA, "paghe", "--rights", "send"], "");
    let (user, password) = (format!("{ANNA}/paghe"), made["password"].as_str().expect("told once").to_owned());
    assert_eq!(made["credential"]["login"], user);
    let person = [
        "mailbox",
        "credential",
        "add",
        ANNA,
        "carla",
        "--kind",
        "personal",
        "--rights",
        "read",
        "--password-file",
        "-",
    ];
    assert_eq!(ask(&sample, &person, "una frase lunga\n")["password"], Value::Null);
    assert!(refused(&sample, &["mailbox", "credential", "add", ANNA, "paghe"]).contains("non si dà due volte"));
    let personal = ["mailbox", "credential", "add", BRUNO, "carla", "--kind", "personal"];
    assert!(refused(&sample, &personal).contains("strutturata"));
    let listed = ask(&sample, &["mailbox", "credential", "list", ANNA], "");
    assert!(!listed.to_string().contains(&password), "a password is shown once");

    let (code, said) = send(&sample, &format!("{ANNA}/carla"), "una frase lunga");
    assert!(code != Some(0) && said.contains("550 5.7.1"), "who may only read does not send: {said}");
    for _ in 0..2 {
        let (code, said) = send(&sample, &user, &password);
        assert_eq!(code, Some(0), "{said}");
    }
    let (code, said) = send(&sample, &user, &password);
    assert!(code != Some(0) && said.contains("450 4.7.1") && said.contains("2 messaggi al minuto"), "{said}");
    assert!(send(&sample, ANNA, "segreta").1.contains("450 4.7.1"), "the limit is the mailbox's, whoever sends");

    let usage = ask(&sample, &["mailbox", "usage", ANNA], "");
    assert_eq!(
        (&usage["minute"]["limit"], &usage["day"]["sent"], &usage["day"]["limit"]),
        (&2.into(), &2.into(), &500.into())
    );
    assert_eq!((&usage["overruns"][0]["refused"], &usage["overruns"][0]["profile"]), (&2.into(), &"prova".into()));
    let trail = ask(&sample, &["mailbox", "trail", ANNA, "--credential", "paghe"], "");
    assert_eq!(trail["sent"].as_array().map(Vec::len), Some(2));
    assert_eq!(ask(&sample, &["mailbox", "trail", ANNA, "--credential", "carla"], "")["sent"], Value::Array(vec![]));

    // The report of the day, as a file; and of a day without anything.
    let day = usage["overruns"][0]["at"].as_str().expect("a time")[..10].to_owned();
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("r.csv");
    let report = |day: &str| {
        let args =
            ["report", "blocked-boxes", "--day", day, "--out", &out.to_string_lossy(), "--socket", &sample.socket()];
        run(binary(), &args, b"", 30).fine("report");
        fs::read_to_string(&out).expect("the report")
    };
    let text = report(&day);
    assert!(
        text.lines().count() == 3
            && text.lines().nth(2).is_some_and(|row| row.starts_with(&format!("{ANNA},prova,minuto,2,2,"))),
        "{text}"
    );
    assert!(report("2020-02-29").contains("nessuna casella"), "a day without overruns says so");
    assert!(refused(&sample, &["report", "blocked-boxes", "--day", "ieri"]).contains("AAAA-MM-GG"));

    // Another profile at once, with its history.
    ask(&sample, &["mailbox", "profile", ANNA, "massive-small"], "");
    assert_eq!(send(&sample, &user, &password).0, Some(0), "the limits of the new profile");
    let history = ask(&sample, &["mailbox", "history", ANNA, "--day", &day], "");
    let profiles: Vec<_> =
        history["profiles"].as_array().expect("profiles").iter().map(|p| p["profile"].clone()).collect();
    assert_eq!(profiles, ["standard", "prova", "massive-small"]);

    // Another secret, and the end.
    let rotated = ask(&sample, &["mailbox", "credential", "rotate", ANNA, "paghe"], "");
    assert!(send(&sample, &user, &password).1.contains("535 5.7.8"));
    let password = rotated["password"].as_str().expect("told once").to_owned();
    assert_eq!(send(&sample, &user, &password).0, Some(0));
    ask(&sample, &["mailbox", "credential", "revoke", ANNA, "paghe"], "");
    assert!(send(&sample, &user, &password).1.contains("535 5.7.8"));
    assert!(!sample.said().contains(&password), "no secret in the log");

    // Yesterday's report was written by itself; a profile that is still somebody's cannot go.
    let written = wait_for("yesterday's report", Duration::from_secs(30), || {
        fs::read_dir(sample.path("rapporti")).ok()?.next().map(|e| e.expect("an entry").path())
    });
    assert!(fs::read_to_string(written).expect("the report").contains("nessuna casella"));
    ask(&sample, &["mailbox", "profile", BRUNO, "prova"], "");
    let text = sample.text();
    sample.write(&text.replace("name = \"prova\"", "name = \"altro\""));
    guard.signal("HUP");
    wait_for("the refusal", Duration::from_secs(30), || sample.said().contains("nothing was reloaded").then_some(()));
    assert!(sample.said().contains(BRUNO), "{}", sample.said());
    sample.write(&text);
}
