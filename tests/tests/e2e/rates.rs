//! Rate profiles and credentials from the shell, on a service of its own: limits, overruns, the daily report, credentials of
//! applications.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use sigillo_tests::demo::{Guard, binary, run, wait_for};

use crate::serve::Sample;

pub const ANNA: &str = "anna@comune-esempio.example";
pub const BRUNO: &str = "bruno@ente-esempio.example";

/// The sample with a profile of two messages a minute, and a folder for reports.
fn sample() -> Sample {
    let sample = Sample::new();
    let more =
        "\n[[profile]]\nname = \"prova\"\nbase = \"structured\"\nper_minute = 2\n\n[reports]\nfolder = \"rapporti\"\n";
    sample.write(&(sample.text() + more));
    sample
}

pub fn ask(sample: &Sample, verb: &[&str], input: &str) -> Value {
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

/// The service at work, with Anna on the profile of two messages a minute.
pub fn served() -> (Sample, Guard) {
    served_with("")
}

/// The same with more at the end of its configuration.
pub fn served_with(more: &str) -> (Sample, Guard) {
    let sample = sample();
    sample.write(&(sample.text() + more));
    let guard = sample.serve();
    sample.add(ANNA, "segreta");
    sample.add(BRUNO, "segreta");
    assert_eq!(ask(&sample, &["mailbox", "set", ANNA, "--profile", "prova"], "")["profile"], "prova");
    (sample, guard)
}

/// Makes a credential for sending; gives its user and the password that the service made.
fn application(sample: &Sample, name: &str) -> (String, String) {
    let made = ask(sample, &["credential", "add", ANNA, name, "--rights", "send"], "");
    let user = format!("{ANNA}/{name}");
    assert_eq!(made["credential"]["login"], user);
    (user, told(&made))
}

fn told(made: &Value) -> String {
    made["password"].as_str().expect("told once").to_owned()
}

#[test]
fn credentials_are_made_rotated_and_revoked_from_the_shell() {
    let (sample, _guard) = served();
    ask(&sample, &["mailbox", "set", ANNA, "--profile", "structured"], "");
    // An application gets a password that nobody chose, and a person one that he chose.
    let (user, first) = application(&sample, "paghe");
    let carla = format!("{ANNA}/carla");
    let add = ["credential", "add"];
    let person =
        [&add[..], &[ANNA, "carla", "--kind", "personal", "--rights", "read", "--password-file", "-"]].concat();
    assert_eq!(ask(&sample, &person, "una frase lunga\n")["password"], Value::Null);
    assert!(refused(&sample, &[&add[..], &[ANNA, "paghe"]].concat()).contains("non si dà due volte"));
    let personal = [&add[..], &[BRUNO, "carla", "--kind", "personal"]].concat();
    assert!(refused(&sample, &personal).contains("strutturata"));
    let listed = ask(&sample, &["credential", "list", ANNA], "");
    assert!(!listed.to_string().contains(&first), "a password is shown once");
    let (code, said) = send(&sample, &carla, "una frase lunga");
    assert!(code != Some(0) && said.contains("550 5.7.1"), "who may only read does not send: {said}");
    assert_eq!(send(&sample, &user, &first).0, Some(0));
    let second = told(&ask(&sample, &["credential", "rotate", ANNA, "paghe"], ""));
    assert!(send(&sample, &user, &first).1.contains("535 5.7.8"), "the password of before");
    assert_eq!(send(&sample, &user, &second).0, Some(0));
    ask(&sample, &["credential", "remove", ANNA, "paghe", "--yes"], "");
    assert!(send(&sample, &user, &second).1.contains("535 5.7.8"));
    assert_eq!(send(&sample, ANNA, "segreta").0, Some(0), "the owner is not concerned");
    let trail = |name: &str| {
        let found = ask(&sample, &["mailbox", "trail", ANNA, "--credential", name], "");
        found["sent"].as_array().map(Vec::len)
    };
    assert_eq!((trail("paghe"), trail("carla")), (Some(2), Some(0)));
    assert!([first, second].iter().all(|password| !sample.said().contains(password)), "no secret in the log");
}

#[test]
fn limits_overruns_and_their_report_are_told_from_the_shell() {
    let (sample, _guard) = served();
    let (user, password) = application(&sample, "paghe");
    for _ in 0..2 {
        let (code, said) = send(&sample, &user, &password);
        assert_eq!(code, Some(0), "{said}");
    }
    let (code, said) = send(&sample, &user, &password);
    assert!(code != Some(0) && said.contains("450 4.7.1") && said.contains("2 messaggi al minuto"), "{said}");
    assert!(send(&sample, ANNA, "segreta").1.contains("450 4.7.1"), "the limit is the mailbox's, whoever sends");
    let usage = ask(&sample, &["mailbox", "usage", ANNA], "");
    assert_eq!((&usage["minute"]["limit"], &usage["day"]["sent"]), (&2.into(), &2.into()));
    let overrun = &usage["overruns"][0];
    assert_eq!((&overrun["refused"], &overrun["profile"]), (&2.into(), &"prova".into()));
    // The report of the day, as a file; and of a day without anything.
    let day = overrun["at"].as_str().expect("a time")[..10].to_owned();
    let out = sample.path("rapporto.csv");
    let report = |day: &str| {
        let (out, socket) = (out.to_string_lossy(), sample.socket());
        let args = ["report", "blocked-boxes", "--day", day, "--out", &out, "--socket", &socket];
        run(binary(), &args, b"", 30).fine("report");
        fs::read_to_string(&*out).expect("the report")
    };
    let text = report(&day);
    let row = text.lines().nth(2).expect("a row");
    assert!(text.lines().count() == 3 && row.starts_with(&format!("{ANNA},prova,minuto,2,2,")), "{text}");
    assert!(report("2020-02-29").contains("nessuna casella"), "a day without overruns says so");
    assert!(refused(&sample, &["report", "blocked-boxes", "--day", "ieri"]).contains("AAAA-MM-GG"));
    // Another profile at once, with its history.
    ask(&sample, &["mailbox", "set", ANNA, "--profile", "massive-small"], "");
    assert_eq!(send(&sample, &user, &password).0, Some(0), "the limits of the new profile");
    let history = ask(&sample, &["mailbox", "history", ANNA, "--day", &day], "");
    let profiles: Vec<_> = history["profiles"].as_array().expect("some").iter().map(|p| p["profile"].clone()).collect();
    assert_eq!(profiles, ["standard", "prova", "massive-small"]);
}

#[test]
fn the_report_writes_itself_and_a_profile_that_a_mailbox_has_does_not_go() {
    let (sample, guard) = served();
    let written = wait_for("yesterday's report", Duration::from_secs(30), || {
        let mut files = fs::read_dir(sample.path("rapporti")).ok()?.map(|e| e.expect("an entry").path());
        // One that is being written has another name.
        files.find(|file| file.extension().is_some_and(|e| e == "csv"))
    });
    assert!(fs::read_to_string(written).expect("the report").contains("nessuna casella"));
    assert!(refused(&sample, &["mailbox", "set", ANNA, "--profile", "enorme"]).contains("service, prova"));
    sample.write(&sample.text().replace("name = \"prova\"", "name = \"altro\""));
    guard.signal("HUP");
    wait_for("the refusal", Duration::from_secs(30), || sample.said().contains("nothing was reloaded").then_some(()));
    assert!(sample.said().contains(ANNA), "{}", sample.said());
    ask(&sample, &["mailbox", "set", ANNA, "--profile", "standard"], "");
    guard.signal("HUP");
    wait_for("the new profile", Duration::from_secs(30), || {
        let args = ["mailbox", "set", ANNA, "--profile", "altro", "--socket", &sample.socket()];
        (run(binary(), &args, b"", 30).code == Some(0)).then_some(())
    });
}
