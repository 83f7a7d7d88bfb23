//! `soak --seconds N [--seed N] [--messages N] [--data FOLDER] [--power]`: kills and restarts a loaded demonstration for as long as
//! asked (with `--power` what was not synced is lost too), lets it settle, and ends with a ledger. Exit code 1 when something is lost, doubled or strange, when a row of a
//! store does not belong to the others, or when a log is not whole. The program is `$SIGILLO_BIN`. All on the loopback.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use sigillo_tests::demo::{Demo, Place, sigillo};
use sigillo_tests::power::traced;
use sigillo_tests::siege::{Load, NOBODY, lay, settle};

/// Standard boxes have limits of their own: they are refused now and then, and send later.
const FROM: [&str; 4] = [
    "massiva@comune-alfa.example",
    "massiva@ente-beta.example",
    "anna@comune-alfa.example",
    "ufficio@ente-beta.example",
];
const TO: [&str; 5] = [
    "bruno@ente-beta.example",
    "mario@studio.example",
    "anna@comune-alfa.example",
    NOBODY,
    "ufficio@ente-beta.example",
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let text = |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1));
    let value = |name: &str, otherwise: u64| text(name).map_or(Ok(otherwise), |v| v.parse());
    let (Ok(seconds), Ok(seed), Ok(messages)) =
        (value("--seconds", 600), value("--seed", 1), value("--messages", 20_000))
    else {
        eprintln!("soak --seconds N [--seed N] [--messages N] [--data FOLDER] [--power]");
        return ExitCode::from(2);
    };
    let begun = Instant::now();
    let place = Place::new(&["--no-exchange"]);
    let place = text("--data").map(PathBuf::from).into_iter().fold(place, Place::at);
    let trace = Some(place.path("trace")).filter(|_| args.iter().any(|a| a == "--power"));
    let Some(words) = trace.as_deref().map_or(Some(Vec::new()), traced) else { return ExitCode::FAILURE };
    let place = Arc::new(place.wrapped(&words.iter().map(String::as_str).collect::<Vec<_>>()));
    println!("soak: {seconds} s, seed {seed}, {messages} messages at the most, in {}", place.data().display());
    let load = Load {
        from: &FROM,
        to: &TO,
        count: messages as usize,
        clients: 8,
        pause_s: 0.5,
        seconds,
        lives_ms: 300..6000,
        seed,
        trace,
    };
    let (submitted, kills) = lay(&place, &load);
    let demo = place.again();
    let ledger = settle(&demo, &submitted, Duration::from_secs(300 + seconds / 10));
    let findings = findings(&demo);
    let stopped = demo.terminate();
    print!("{ledger}");
    for (name, n) in [("kills", kills), ("restarts", kills + 1), ("store, log", findings.len())] {
        println!("{name:<16} {n:>8}");
    }
    println!("{:<16} {:>8}", "wall, s", begun.elapsed().as_secs());
    findings.iter().for_each(|what| println!("{what}"));
    if ledger.holds() && findings.is_empty() && stopped == Some(0) {
        return ExitCode::SUCCESS;
    }
    println!("the soak FAILED (the program ended with {stopped:?}):\n{}", place.said());
    ExitCode::FAILURE
}

/// What `sigillo store check` and `sigillo log verify` say against the providers.
fn findings(demo: &Demo) -> Vec<String> {
    let mut findings = Vec::new();
    for provider in &demo.info.providers {
        let socket = provider.admin_socket.to_string_lossy();
        for (verb, sound) in [
            (&["store", "check", "--deep"][..], ("errors", Value::from(0))),
            (&["log", "verify", "--allow-unstamped"], ("holds", Value::from(true))),
        ] {
            let ran = sigillo(&[verb, &["--json", "--socket", &socket]].concat(), 600);
            let said: Value = serde_json::from_str(&ran.out).unwrap_or_default();
            if said[sound.0] != sound.1 {
                findings.push(format!("{}: sigillo {}: {}", provider.name, verb.join(" "), ran.all()));
            }
        }
    }
    findings
}
