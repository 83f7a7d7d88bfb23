//! The port of figures of the built program: exact counts of a certified message, readiness, and Prometheus' own judge
//! over everything that is shown and written about it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use sigillo_tests::demo::{Demo, Place, installed, run, sigillo, wait_for};
use sigillo_tests::figures::{Figures, page};

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
/// Families whose counters must tell one message exactly.
const EXACT: &[&str] = &[
    "sigillo_submissions_total",
    "sigillo_receptions_total",
    "sigillo_messages_judged_total",
    "sigillo_messages_received_total",
    "sigillo_messages_issued_total",
    "sigillo_handover_recipients_total",
    "sigillo_relay_attempts_total",
    "sigillo_signatures_total",
    "sigillo_delivery_seconds_count",
    "sigillo_confirmation_seconds_count",
    "sigillo_logins_total",
];
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn exactly(pairs: &[(&str, f64)]) -> BTreeMap<String, f64> {
    pairs.iter().map(|(series, grown)| ((*series).to_owned(), *grown)).collect()
}

#[test]
fn one_certified_message_moves_each_counter_by_exactly_what_was_done() {
    let demo = Demo::start(&[]);
    let [alfa, beta] = [0, 1].map(|n| demo.info.providers[n].metrics.clone());
    let (alfa_before, beta_before) = (Figures::of(&alfa), Figures::of(&beta));
    demo.send(ANNA, BRUNO, "figures@comune-alfa.example");
    // The last thing that happens is Alfa filing the receipt: then Beta's hand-over of it is settled as well.
    let taken = "sigillo_handover_recipients_total{destination=\"certified\",outcome=\"taken\"}";
    let settled = || Some(Figures::of(&beta)).filter(|now| now.get(taken) >= 2.0);
    let beta_now = wait_for("Beta's receipts are handed over", Duration::from_secs(40), settled);
    let open = "sigillo_sessions_open{role=\"submissions\"}";
    let settled = || Some(Figures::of(&alfa)).filter(|now| now.get(taken) >= 1.0 && now.get(open) == 0.0);
    let alfa_now = wait_for("Alfa's envelope is handed over", Duration::from_secs(40), settled);
    let expected = exactly(&[
        ("sigillo_submissions_total{outcome=\"accepted\"}", 1.0),
        ("sigillo_messages_issued_total{kind=\"accettazione\"}", 1.0),
        ("sigillo_messages_issued_total{kind=\"busta-trasporto\"}", 1.0),
        (taken, 1.0),
        ("sigillo_relay_attempts_total{destination=\"certified\",outcome=\"taken\"}", 1.0),
        ("sigillo_messages_judged_total{nature=\"receipt\"}", 2.0),
        ("sigillo_messages_received_total{kind=\"presa-in-carico\"}", 1.0),
        ("sigillo_messages_received_total{kind=\"avvenuta-consegna\"}", 1.0),
        ("sigillo_receptions_total{outcome=\"receipt\"}", 2.0),
        ("sigillo_confirmation_seconds_count", 1.0),
        ("sigillo_signatures_total{result=\"ok\"}", 2.0),
        ("sigillo_logins_total{result=\"ok\"}", 1.0),
    ]);
    assert_eq!(alfa_now.since(&alfa_before, EXACT), expected, "Alfa");
    let expected = exactly(&[
        ("sigillo_messages_judged_total{nature=\"envelope\"}", 1.0),
        ("sigillo_messages_received_total{kind=\"busta-trasporto\"}", 1.0),
        ("sigillo_receptions_total{outcome=\"taken_charge\"}", 1.0),
        ("sigillo_messages_issued_total{kind=\"presa-in-carico\"}", 1.0),
        ("sigillo_messages_issued_total{kind=\"avvenuta-consegna\"}", 1.0),
        ("sigillo_delivery_seconds_count", 1.0),
        (taken, 2.0),
        ("sigillo_relay_attempts_total{destination=\"certified\",outcome=\"taken\"}", 2.0),
        ("sigillo_signatures_total{result=\"ok\"}", 2.0),
    ]);
    assert_eq!(beta_now.since(&beta_before, EXACT), expected, "Beta");
    let submission = "sigillo_session_work_seconds_count{task=\"submission\"}";
    let accepted = "sigillo_sessions_accepted_total{role=\"submissions\"}";
    for series in [submission, accepted] {
        assert_eq!(alfa_now.get(series) - alfa_before.get(series), 1.0, "{series}");
    }
    assert_eq!(alfa_now.get(open), 0.0);
    judged(&page(&alfa, "/metrics").1);
    told_to_nobody(&alfa);
    crowded(&alfa);
}

/// What is shown is what the document lists, and Prometheus finds nothing wrong with it.
fn judged(text: &str) {
    let document = std::fs::read_to_string(format!("{ROOT}/docs/metrics.md")).expect("the document");
    let documented = |name: &str, kind: &str| document.contains(&format!("| `{name}` | {kind} |"));
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let shown: Vec<_> = types.inspect(|(name, kind)| assert!(documented(name, kind), "{name}, {kind}")).collect();
    for row in document.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(name, _)| name) {
        assert!(row.starts_with('/') || shown.iter().any(|(name, _)| *name == row), "{row} is not shown");
    }
    if let Some(promtool) = promtool() {
        run(promtool, &["check", "metrics"], text.as_bytes(), 60).fine("promtool check metrics");
    }
}

/// Nothing personal, and no address of anybody.
fn told_to_nobody(at: &str) {
    for path in ["/metrics", "/healthz", "/readyz"] {
        let (status, text) = page(at, path);
        assert_eq!(status, 200, "{path}: {text}");
        for secret in ["@", "example", "127.0.0.1", "anna", "Alfa"] {
            assert!(!text.contains(secret), "{path} tells {secret}: {text}");
        }
    }
    assert_eq!(page(at, "/v1/status").0, 404);
}

/// Neither silence, nor garbage, nor an endless head keeps others from being answered.
fn crowded(at: &str) {
    let silent: Vec<_> = (0..8).map(|_| TcpStream::connect(at).expect("a connection")).collect();
    for said in
        [&b"\x16\x03\x01 no HTTP at all\r\n\r\n"[..], &[&b"GET /metrics HTTP/1.1\r\nx: "[..], &[b'x'; 40_000]].concat()]
    {
        let mut rude = TcpStream::connect(at).expect("a connection");
        // It may be cut off before it has said everything.
        drop(rude.write_all(said));
        let mut answer = Vec::new();
        drop(rude.read_to_end(&mut answer));
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(page(at, "/healthz").0, 200);
    drop(silent);
}

fn promtool() -> Option<std::path::PathBuf> {
    let found = installed("promtool");
    if found.is_none() {
        eprintln!("skipped: promtool (Debian: prometheus) is not installed");
    }
    found
}

#[test]
fn the_rules_for_alerts_are_sound_and_say_what_they_should() {
    let Some(promtool) = promtool() else { return };
    run(&promtool, &["check", "rules", &format!("{ROOT}/docs/alerts.yml")], b"", 60).fine("promtool check rules");
    let tests = format!("{ROOT}/tests/fixtures/alerts.yml");
    run(&promtool, &["test", "rules", &tests], b"", 240).fine("promtool test rules");
}

#[test]
fn every_expression_of_the_dashboard_is_one_for_prometheus() {
    let Some(promtool) = promtool() else { return };
    let text = std::fs::read(format!("{ROOT}/docs/grafana/sigillo.json")).expect("the dashboard");
    let dashboard: Value = serde_json::from_slice(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    let rules: Vec<Value> = targets
        .enumerate()
        .map(|(n, target)| {
            let expression = target["expr"].as_str().expect("an expression").replace("$__rate_interval", "5m");
            serde_json::json!({"record": format!("r{n}"), "expr": expression})
        })
        .collect();
    assert!(rules.len() > 50);
    // JSON is YAML.
    let file = serde_json::json!({"groups": [{"name": "dashboard", "rules": rules}]});
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules.yml");
    std::fs::write(&path, file.to_string()).expect("written");
    run(promtool, &["check", "rules", &path.to_string_lossy()], b"", 60).fine("promtool check rules");
}

#[test]
fn a_provider_shows_its_figures_only_where_it_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("prova");
    sigillo(&["config", "init", &path.to_string_lossy()], 60).fine("config init");
    let file = path.join("sigillo.toml");
    let sample = std::fs::read_to_string(&file).expect("the sample");
    let with = |section: &str| {
        std::fs::write(&file, format!("{sample}\n{section}\n")).expect("written");
        sigillo(&["config", "check", &file.to_string_lossy()], 30)
    };
    let remote = with("[metrics]\nlisten = \"0.0.0.0:9465\"");
    assert!(remote.code != Some(0) && remote.err.contains("metrics.listen"), "{}", remote.all());
    assert!(remote.err.contains("allow_remote"), "{}", remote.all());
    with("[metrics]\nlisten = \"0.0.0.0:9465\"\nallow_remote = true").fine("a port behind a firewall");
    with("[metrics]\nlisten = \"[::1]:9465\"").fine("the loopback of IPv6");
}

#[test]
fn an_end_is_said_before_it_comes() {
    let demo = Place::new(&["--no-exchange", "--without", "beta"]).start();
    let at = demo.info.alfa().metrics.clone();
    assert_eq!(page(&at, "/readyz"), (200, "{\"missing\":[],\"ready\":true}\n".to_owned()));
    // A message under way holds the end back: meanwhile the service says that it takes nothing more.
    let mut held = TcpStream::connect(&demo.info.alfa().smtp).expect("a connection");
    held.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    held.write_all(b"EHLO mx.posta.example\r\n").expect("said");
    until(&mut held, "250 ");
    for said in ["MAIL FROM:<>", &format!("RCPT TO:<{ANNA}>"), "DATA"] {
        held.write_all(format!("{said}\r\n").as_bytes()).expect("said");
        until(&mut held, if said == "DATA" { "354" } else { "250" });
    }
    assert_eq!(Figures::of(&at).get("sigillo_sessions_open{role=\"smtp\"}"), 1.0);
    demo.child.signal("TERM");
    let ending = || Some(page(&at, "/readyz")).filter(|(status, _)| *status == 503);
    let (_, why) = wait_for("the end is said", Duration::from_secs(20), ending);
    assert!(why.contains("\"condition\":\"serving\""), "{why}");
    assert_eq!(page(&at, "/healthz").0, 200, "no restart is wanted");
    drop(held);
    let mut demo = demo;
    assert_eq!(demo.child.end(Duration::from_secs(45)), Some(0), "{}", demo.place.said());
}

/// Reads until a line begins so.
fn until(stream: &mut TcpStream, begin: &str) {
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        line.extend(byte);
        if byte == *b"\n" {
            if String::from_utf8_lossy(&line).starts_with(begin) {
                return;
            }
            line.clear();
        }
    }
}
