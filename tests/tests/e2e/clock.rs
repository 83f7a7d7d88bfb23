//! The clock is watched: off by more than a second nothing is accepted, and service comes back by itself.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use sigillo_tests::demo::{Guard, Ports, binary, installed, run, wait_for};
use tempfile::TempDir;

use crate::serve::Sample;

const ANNA: &str = "anna@comune-esempio.example";
const BRUNO: &str = "bruno@ente-esempio.example";

/// A time server on loopback whose clock is so many milliseconds ahead of ours.
pub fn time_server(ahead_ms: &Arc<AtomicI64>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let at = socket.local_addr().expect("bound");
    let ahead_ms = Arc::clone(ahead_ms);
    thread::spawn(move || {
        let mut packet = [0; 48];
        while let Ok((_, from)) = socket.recv_from(&mut packet) {
            let unix = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64;
            let ms = unix + ahead_ms.load(Ordering::SeqCst) + 2_208_988_800_000;
            let stamp = (((ms / 1000) << 32) | (((ms % 1000) << 32) / 1000)).to_be_bytes();
            packet.copy_within(40..48, 24);
            (packet[0], packet[1]) = (4 << 3 | 4, 2);
            packet[32..40].copy_from_slice(&stamp);
            packet[40..48].copy_from_slice(&stamp);
            socket.send_to(&packet, from).expect("the answer leaves");
        }
    });
    at
}

fn sample(server: SocketAddr, more: (&str, &str)) -> Sample {
    let sample = Sample::new();
    let text = sample.text();
    assert!(text.contains("\nservers = []") && text.contains(more.0), "the sample has what is replaced");
    sample.write(&text.replace("\nservers = []", &format!("\nservers = [\"{server}\"]")).replace(more.0, more.1));
    sample
}

fn status(sample: &Sample) -> Value {
    let ran = run(binary(), &["status", "--json", "--socket", &sample.socket()], b"", 30).fine("status");
    serde_json::from_str(&ran.out).expect("JSON")
}

/// What another provider hears: to RCPT, or to MAIL when that is refused already.
fn reception(sample: &Sample) -> String {
    let stream = TcpStream::connect(("127.0.0.1", sample.ports.base)).expect("reception listens");
    let (mut lines, mut stream) = (BufReader::new(stream.try_clone().expect("a copy")).lines(), stream);
    let mut hear = || loop {
        let line = lines.next().expect("a line").expect("text");
        if line.as_bytes().get(3) != Some(&b'-') {
            return line;
        }
    };
    hear();
    let mut answer = String::new();
    // A sender of a certified domain: what it sends is judged at the end of the message.
    for said in ["EHLO mx.pec.beta.example", &format!("MAIL FROM:<{ANNA}>"), &format!("RCPT TO:<{BRUNO}>")] {
        stream.write_all(format!("{said}\r\n").as_bytes()).expect("it leaves");
        answer = hear();
        if !answer.starts_with("250") {
            break;
        }
    }
    answer
}

#[test]
fn a_clock_that_is_off_stops_accepting_and_service_comes_back_by_itself() {
    let ahead = Arc::new(AtomicI64::new(3000));
    let sample = sample(time_server(&ahead), ("", ""));
    let _guard = sample.serve();
    wait_for("the warning", Duration::from_secs(20), || sample.said().contains("ms da UTC").then_some(()));
    sample.add(ANNA, "segreta");
    sample.add(BRUNO, "segreta");
    let off = status(&sample);
    assert_eq!((&off["state"], &off["clock"]["state"]), (&"refusing".into(), &"off".into()), "{off:#}");
    assert!(off["clock"]["offset_ms"].as_i64().is_some_and(|ms| ms > 1000), "{off:#}");
    let letter = format!("From: {ANNA}\r\nTo: {BRUNO}\r\nSubject: ora\r\nMessage-ID: <ora@x>\r\n\r\nCiao.\r\n");
    let send = ["--mail-from", ANNA, "--mail-rcpt", BRUNO, "--upload-file", "-"];
    for (scheme, offset) in [("smtp", 1), ("smtps", 2)] {
        let url = format!("{scheme}://127.0.0.1:{}", sample.ports.base + offset);
        let ran = sample.curl(ANNA, &url, &send, &letter);
        assert!(ran.code != Some(0) && ran.err.contains("451"), "{scheme}: {}", ran.all());
    }
    let answer = reception(&sample);
    assert!(answer.starts_with("451 4.3.2") && answer.contains("orologio"), "{answer}");
    // Mailboxes stay open.
    let inbox = format!("imaps://127.0.0.1:{}/INBOX", sample.ports.base + 4);
    sample.curl(ANNA, &inbox, &["--request", "NOOP"], "").fine("curl reads");

    ahead.store(0, Ordering::SeqCst);
    wait_for("the service", Duration::from_secs(60), || (status(&sample)["state"] == "running").then_some(()));
    let url = format!("smtp://127.0.0.1:{}", sample.ports.base + 1);
    sample.curl(ANNA, &url, &send, &letter).fine("curl sends");
    assert!(reception(&sample).starts_with("250"));
}

#[test]
fn by_policy_a_clock_that_is_off_only_warns() {
    let sample =
        sample(time_server(&Arc::new(AtomicI64::new(-1500))), ("when_off = \"refuse\"", "when_off = \"warn\""));
    let _guard = sample.serve();
    let off = status(&sample);
    assert_eq!((&off["state"], &off["clock"]["state"]), (&"running".into(), &"off".into()), "{off:#}");
    assert!(reception(&sample).starts_with("250"));
}

#[test]
fn chrony_tells_the_time_and_the_clock_is_within_its_tolerance() {
    let Some(program) = installed("chronyd") else {
        eprintln!("skipped: chronyd is not installed (.ci/packages says when it is left out)");
        return;
    };
    let (folder, ports) = (TempDir::new().expect("a folder"), Ports::take());
    let at = SocketAddr::from(([127, 0, 0, 1], ports.base));
    let conf = folder.path().join("chrony.conf");
    let text = format!(
        "local stratum 8\nport {}\nbindaddress 127.0.0.1\nallow 127.0.0.1\ncmdport 0\nbindcmdaddress /\npidfile {}\n",
        at.port(),
        folder.path().join("pid").display()
    );
    fs::write(&conf, text).expect("its settings");
    let user = run("id", &["-un"], b"", 5).fine("id").out;
    let output = fs::File::create(folder.path().join("output")).expect("a file");
    let mut command = Command::new(program);
    // -x: it does not touch the clock.
    command.args(["-d", "-x", "-U", "-u", user.trim(), "-f"]).arg(&conf);
    command.stdin(Stdio::null()).stdout(output.try_clone().expect("a copy")).stderr(output);
    let mut chronyd = Guard(command.spawn().expect("chronyd starts"));
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a time limit");
    let question: Vec<u8> = std::iter::once(0b00_100_011).chain([0; 47]).collect();
    let answers = wait_for("chronyd", Duration::from_secs(20), || {
        let said = fs::read_to_string(folder.path().join("output")).unwrap_or_default();
        if chronyd.0.try_wait().expect("a child of ours").is_some() {
            // AppArmor keeps a packaged chronyd from settings outside /etc/chrony.
            assert!(said.contains("Permission denied"), "chronyd ended: {said}");
            return Some(false);
        }
        socket.send_to(&question, at).expect("the question leaves");
        socket.recv(&mut [0; 48]).ok().map(|_| true)
    });
    if !answers {
        eprintln!("skipped: chronyd may not read its settings in a temporary folder (AppArmor)");
        return;
    }
    let sample = sample(at, ("", ""));
    let _guard = sample.serve();
    let clock = wait_for("the clock's state", Duration::from_secs(60), || {
        Some(status(&sample)["clock"].clone()).filter(|clock| clock["state"] == "synchronised")
    });
    // Within the tolerance; a loaded machine answers late.
    assert!(clock["offset_ms"].as_i64().is_some_and(|ms| ms.abs() <= 1000), "{clock:#}");
}
