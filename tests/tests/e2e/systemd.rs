//! What the built program tells systemd, and its unit as systemd itself judges it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sigillo_tests::demo::{run, wanted};

use crate::doors::{ANNA, BRUNO, passes};
use crate::serve::Sample;

/// Where the units are.
fn units() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../config/systemd"))
}

/// The next datagram with this line, and all that came before it.
fn until(systemd: &UnixDatagram, line: &str) -> Vec<String> {
    let (begun, mut all) = (Instant::now(), Vec::new());
    loop {
        let mut buffer = [0; 4096];
        let n = systemd.recv(&mut buffer).unwrap_or_default();
        all.push(String::from_utf8_lossy(&buffer[..n]).into_owned());
        if all.last().is_some_and(|text| text.lines().any(|l| l.starts_with(line))) {
            return all;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no {line}: {all:?}");
    }
}

#[test]
fn systemd_hears_how_the_service_is_from_its_start_to_its_end() {
    let sample = Sample::new();
    let path = sample.path("notify");
    let systemd = UnixDatagram::bind(&path).expect("a socket");
    systemd.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    let socket = format!("NOTIFY_SOCKET={}", path.display());
    let mut guard = sample.serve_by(&["env", &socket, "WATCHDOG_USEC=1500000"]);
    let start = until(&systemd, "READY=1");
    assert_eq!(start, ["STATUS=apre l'archivio", "READY=1\nSTATUS=in servizio"]);
    let fed = Instant::now();
    for _ in 0..4 {
        until(&systemd, "WATCHDOG=1");
    }
    assert!(fed.elapsed() < Duration::from_secs(6), "twice within its patience: {:?}", fed.elapsed());

    guard.signal("HUP");
    let reload = until(&systemd, "READY=1");
    let begun = reload.iter().find(|text| text.starts_with("RELOADING=1\n")).expect("it says that it reloads");
    let usec = begun.lines().find_map(|l| l.strip_prefix("MONOTONIC_USEC=")).expect("and when");
    // The clock that systemd compares it with: it stands still while the machine sleeps.
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let now = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
    let at: i64 = usec.parse().expect("a number");
    assert!((0..60_000_000).contains(&(now - at)), "{at} of {now}");
    assert!(begun.contains("STATUS=rilegge"), "{begun}");
    assert!(reload.last().is_some_and(|text| text.contains("STATUS=in servizio")), "{reload:?}");

    let told = sample.text();
    sample.write(&told.replace("[provider]", "[gestore]"));
    guard.signal("HUP");
    let failed = until(&systemd, "READY=1").pop().unwrap_or_default();
    assert!(failed.contains("STATUS=rilettura fallita, vale quel che valeva: "), "{failed}");
    assert!(failed.contains("sigillo.toml:"), "{failed}");

    guard.signal("TERM");
    let stop = until(&systemd, "STOPPING=1");
    assert!(stop.last().is_some_and(|text| text.contains("STATUS=si ferma")), "{stop:?}");
    assert_eq!(guard.end(Duration::from_secs(45)), Some(0), "{}", sample.said());
}

#[test]
fn the_units_are_sound_and_the_service_is_as_closed_as_the_manual_says() {
    let Some(judge) = wanted("systemd-analyze", "systemd") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut files: Vec<PathBuf> =
        fs::read_dir(units()).expect("the units").map(|f| f.expect("a unit").path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "service" || e == "socket"));
    assert_eq!(files.len(), 9, "a service, a socket for each role, and one for the challenges of ACME");
    let mut args = vec!["verify".to_owned(), "--man=no".to_owned()];
    for file in &files {
        let text = fs::read_to_string(file).expect("a unit");
        let here = folder.path().join(file.file_name().expect("a name"));
        // The program need not be installed where the tests run.
        fs::write(&here, text.replace("/usr/bin/sigillo", "/bin/true")).expect("a copy");
        args.push(here.to_string_lossy().into_owned());
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ran = run(&judge, &args, b"", 60).fine("systemd-analyze verify");
    let ours = |line: &&str| line.contains("sigillo") && !line.ends_with("ignoring: notify-reload");
    let told: Vec<&str> = ran.err.lines().filter(ours).collect();
    assert!(told.is_empty(), "{told:#?}");
    let service = folder.path().join("sigillo.service");
    let args = ["security", "--offline=true", "--no-pager", "--threshold=20", &service.to_string_lossy()];
    run(&judge, &args, b"", 60).fine("an exposure of 2.0 at the most");
}

/// The sets of system calls as this systemd knows them, without their comments.
fn calls(judge: &PathBuf, set: &str) -> BTreeSet<String> {
    let shown = run(judge, &["syscall-filter", "--no-pager", set], b"", 30).fine("systemd-analyze syscall-filter").out;
    let words = shown.lines().filter_map(|l| l.strip_prefix("    ")).filter(|l| !l.starts_with('#'));
    words.flat_map(|word| if word.starts_with('@') { calls(judge, word) } else { [word.to_owned()].into() }).collect()
}

/// The program does with the unit's limits what it does without: its system calls, as strace saw them, are among those
/// that the unit lets through, no memory is both written and executed, and no socket is of another family.
#[test]
fn the_service_needs_no_more_than_its_unit_lets_through() {
    let (Some(judge), Some(_)) = (wanted("systemd-analyze", "systemd"), wanted("strace", "strace")) else { return };
    let unit = fs::read_to_string(units().join("sigillo.service")).expect("the unit");
    let mut allowed = calls(&judge, "@default");
    for line in unit.lines().filter_map(|l| l.strip_prefix("SystemCallFilter=")) {
        let without = line.starts_with('~');
        for set in line.trim_start_matches('~').split_whitespace() {
            let named = calls(&judge, set);
            allowed = if without { &allowed - &named } else { &allowed | &named };
        }
    }
    assert!(allowed.contains("read") && allowed.contains("execve") && !allowed.contains("setuid"));

    let sample = Sample::new();
    let trace = sample.path("trace").to_string_lossy().into_owned();
    let mut guard = sample.serve_by(&["strace", "-D", "-f", "-q", "-s", "0", "-o", &trace]);
    sample.add(ANNA, "segreta");
    sample.add(BRUNO, "segreta");
    passes(&sample, "tracciato");
    guard.signal("HUP");
    run("sleep", &["2"], b"", 5).fine("a reload");
    guard.signal("TERM");
    assert_eq!(guard.end(Duration::from_secs(90)), Some(0), "{}", sample.said());
    let trace = fs::read_to_string(&trace).expect("the trace");
    let mut refused = BTreeSet::new();
    for line in trace.lines() {
        let Some((_, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        let name: String = call.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let both = call.contains("PROT_WRITE") && call.contains("PROT_EXEC");
        let family = name == "socket" && !["AF_INET,", "AF_INET6,", "AF_UNIX,"].iter().any(|f| call.contains(f));
        if (call.contains('(') && !name.is_empty() && !allowed.contains(&name)) || both || family {
            refused.insert(if both || family { call.to_owned() } else { name });
        }
    }
    assert!(trace.lines().count() > 1000 && refused.is_empty(), "{refused:#?}");
}
