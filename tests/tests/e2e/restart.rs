//! A restart loses nothing and, where systemd holds the ports, refuses nobody: what is under way at SIGTERM is answered
//! after its commit, and who comes meanwhile waits. Another domain needs no restart at all.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use data_encoding::BASE64;
use sigillo_tests::demo::{binary, run, sigillo, wait_for};

use crate::doors::{ANNA, BRUNO, SMTP, SUBMISSIONS, answer, changed, connect, heard, over_tls, passes, say};
use crate::serve::Sample;
use crate::slow_readers::{ask, log_in};

/// A clamd that finds nothing, and says so only when it is allowed to.
struct Patient {
    /// Tells of each message that it holds.
    holds: Receiver<()>,
    allow: Sender<()>,
}

impl Patient {
    fn at(socket: &UnixListener) -> Self {
        let (socket, (hold, holds), (allow, allowed)) = (socket.try_clone().expect("a socket"), channel(), channel());
        std::thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                scan(stream, &hold, &allowed);
            }
        });
        Self { holds, allow }
    }
}

fn scan(mut stream: UnixStream, hold: &Sender<()>, allowed: &Receiver<()>) {
    let mut command = Vec::new();
    let mut octet = [0];
    while stream.read_exact(&mut octet).is_ok() && octet != [0] {
        command.push(octet[0]);
    }
    if command != b"zINSTREAM" {
        let said = if command == b"zVERSION" { &b"ClamAV 1.0.0/1/Mon Mar  2 10:00:00 2026\0"[..] } else { b"PONG\0" };
        return drop(stream.write_all(said));
    }
    loop {
        let mut size = [0; 4];
        if stream.read_exact(&mut size).is_err() || size == [0; 4] {
            break;
        }
        let mut piece = vec![0; u32::from_be_bytes(size) as usize];
        if stream.read_exact(&mut piece).is_err() {
            return;
        }
    }
    // The test may be over.
    if hold.send(()).is_ok() && allowed.recv().is_ok() {
        drop(stream.write_all(b"stream: OK\0"));
    }
}

fn letter(id: &str) -> String {
    format!("From: {ANNA}\r\nTo: {BRUNO}\r\nSubject: {id}\r\nMessage-ID: <{id}@x>\r\n\r\nCiao.")
}

/// Anna's session, up to the invitation to send.
fn until_data(sample: &Sample) -> openssl::ssl::SslStream<TcpStream> {
    let mut client = over_tls(sample, connect(sample, SUBMISSIONS));
    assert!(heard(&mut client).starts_with("220"));
    say(&mut client, "EHLO pc");
    let plain = BASE64.encode(format!("\0{ANNA}\0segreta").as_bytes());
    assert!(say(&mut client, &format!("AUTH PLAIN {plain}")).starts_with("235"));
    assert!(say(&mut client, &format!("MAIL FROM:<{ANNA}>")).starts_with("250"));
    assert!(say(&mut client, &format!("RCPT TO:<{BRUNO}>")).starts_with("250"));
    assert!(say(&mut client, "DATA").starts_with("354"));
    client
}

#[test]
fn what_is_between_the_dot_and_its_answer_at_sigterm_is_accepted_once_and_delivered() {
    let clamd = ("# clamd = \"/run/clamav/clamd.ctl\"", "clamd = \"CLAMD\"");
    let sample = changed(&[("# [antivirus]", "[antivirus]"), clamd]);
    sample.write(&sample.text().replace("CLAMD", &sample.path("clamd").to_string_lossy()));
    let socket = UnixListener::bind(sample.path("clamd")).expect("a socket");
    let clamd = Patient::at(&socket);
    let mut guard = sample.serve();
    sample.add(ANNA, "segreta");
    sample.add(BRUNO, "segreta");

    let (mut dotted, mut halfway) = (until_data(&sample), until_data(&sample));
    dotted.write_all(format!("{}\r\n.\r\n", letter("puntato")).as_bytes()).expect("it is heard");
    clamd.holds.recv_timeout(Duration::from_secs(30)).expect("the message is being scanned");
    halfway.write_all(format!("{}\r\n", letter("a-meta")).as_bytes()).expect("it is heard");
    let mut idle = connect(&sample, SMTP);
    assert!(heard(&mut idle).starts_with("220"));

    guard.signal("TERM");
    assert!(heard(&mut idle).starts_with("421 4.3.2"), "who does nothing hears why");
    let port = sample.ports.base + SMTP;
    wait_for("closed ports", Duration::from_secs(10), || {
        TcpStream::connect(("127.0.0.1", port)).is_err().then_some(())
    });
    assert!(guard.0.try_wait().expect("a child of ours").is_none(), "it waits for the two");
    clamd.allow.send(()).expect("clamd lives");
    assert!(heard(&mut dotted).starts_with("250 2.0.0 Accettato"));
    assert!(heard(&mut dotted).starts_with("421 4.3.2"));
    halfway.write_all(b".\r\n").expect("it is heard");
    clamd.allow.send(()).expect("clamd lives");
    assert!(heard(&mut halfway).starts_with("250 2.0.0 Accettato"));
    assert_eq!(guard.end(Duration::from_secs(45)), Some(0), "{}", sample.said());

    let guard = sample.serve();
    let inbox = format!("imaps://127.0.0.1:{}/INBOX", sample.ports.base + 4);
    for id in ["puntato", "a-meta"] {
        // Whatever is scanned from now on is clean at once.
        clamd.allow.send(()).expect("clamd lives");
        for (who, subject) in [(ANNA, "ACCETTAZIONE"), (BRUNO, "POSTA CERTIFICATA"), (ANNA, "CONSEGNA")] {
            let search = format!("SEARCH SUBJECT \"{subject}: {id}\"");
            let found = wait_for(&search, Duration::from_secs(60), || {
                let ran = sample.curl(who, &inbox, &["--request", &search], "").fine("curl reads");
                let found: Vec<_> =
                    ran.out.trim().strip_prefix("* SEARCH")?.split_whitespace().map(str::to_owned).collect();
                (!found.is_empty()).then_some(found)
            });
            assert_eq!(found.len(), 1, "{who}, {subject}: {id}");
        }
    }
    drop(guard);
}

/// The listener stays with the test, as with systemd, and each service gets it under this name.
fn serve_on(sample: &Sample, listener: &TcpListener, name: &str) -> sigillo_tests::demo::Guard {
    let socket = Stdio::from(OwnedFd::from(listener.try_clone().expect("a descriptor")));
    sample.serve_with(&["sh", "-c", &hand_over(name), "sh"], socket)
}

fn hand_over(name: &str) -> String {
    format!("exec 3<&0 0</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES={name}; exec \"$@\"")
}

#[test]
fn ports_that_are_handed_over_refuse_nobody_while_the_service_is_started_again() {
    let sample = Sample::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = listener.local_addr().expect("bound");
    let greeted = |mut stream: TcpStream| {
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
        answer(&mut stream).unwrap_or_default()
    };
    let mut first = serve_on(&sample, &listener, "smtp");
    assert!(greeted(TcpStream::connect(at).expect("a connection")).starts_with("220 mx.pec.esempio.example"));
    assert!(TcpStream::connect(("127.0.0.1", sample.ports.base)).is_err(), "the configured address is not asked");
    assert!(sample.said().contains(&at.to_string()), "{}", sample.said());
    sample.add(ANNA, "segreta");
    sample.add(BRUNO, "segreta");
    passes(&sample, "altre-porte");
    first.signal("TERM");
    assert_eq!(first.end(Duration::from_secs(45)), Some(0), "{}", sample.said());
    let patient = TcpStream::connect(at).expect("nobody is refused");
    let _second = serve_on(&sample, &listener, "smtp");
    assert!(greeted(patient).starts_with("220 mx.pec.esempio.example"), "who came between the two is served");
}

#[test]
fn a_socket_without_a_role_stops_the_start_and_says_what_to_write() {
    let sample = Sample::new();
    let config = sample.path("sigillo.toml").to_string_lossy().into_owned();
    let binary = sigillo_tests::demo::binary().to_string_lossy().into_owned();
    let script = hand_over("sigillo-smtp.socket");
    let ran = run("sh", &["-c", &script, "sh", &binary, "serve", "--config", &config], b"", 30);
    assert_eq!(ran.code, Some(3), "{}", ran.all());
    assert!(ran.err.contains("«sigillo-smtp.socket»") && ran.err.contains("FileDescriptorName="), "{}", ran.err);
    let script = hand_over("smtp");
    let ran = run("sh", &["-c", &script, "sh", &binary, "serve", "--config", &config], b"", 30);
    assert!(ran.code == Some(3) && ran.err.contains("«smtp»") && ran.err.contains("TCP"), "{}", ran.all());
}

#[test]
fn both_kinds_of_addresses_are_served_as_the_sample_advises() {
    let sample = Sample::new();
    let port = sample.ports.base;
    let Ok(probe) = TcpListener::bind("[::1]:0") else { return eprintln!("skipped: there is no IPv6") };
    drop(probe);
    let told = sample.text();
    sample.write(
        &told.replace(
            &format!("smtp = [\"127.0.0.1:{port}\"]"),
            &format!("smtp = [\"0.0.0.0:{port}\", \"[::]:{port}\"]"),
        ),
    );
    assert_ne!(sample.text(), told);
    let _guard = sample.serve();
    for address in ["127.0.0.1", "::1"] {
        let mut stream = TcpStream::connect((address, port)).expect("a connection");
        assert!(heard(&mut stream).starts_with("220"), "{address}");
    }
}

#[test]
fn a_domain_comes_by_a_reload_and_goes_by_one_and_no_session_is_lost() {
    const CARLA: &str = "carla@nuovo-esempio.example";
    let sample = Sample::new();
    let guard = sample.serve();
    sample.add(ANNA, "segreta");
    sample.add(BRUNO, "segreta");
    let (before, socket) = (sample.text(), sample.socket());
    let add = || run(binary(), &["mailbox", "add", CARLA, "--socket", &socket], b"segreta\n", 30);
    assert!(add().all().contains("non è servito"), "nobody serves it yet");
    let (mut reads, mut sends) = (log_in(&sample), until_data(&sample));
    assert!(ask(&mut reads, "s SELECT INBOX").starts_with("s OK"));

    // Its provider lists it, and the index that says so has come.
    sample.write(&before.replace("\"ente-esempio.example\"]", "\"ente-esempio.example\", \"nuovo-esempio.example\"]"));
    fs::remove_file(sample.path("prova/igpec.ldif.p7m")).expect("the old index");
    sigillo(&["config", "init", &sample.path("").to_string_lossy()], 60).fine("config init makes a new one");
    guard.signal("HUP");
    wait_for("the domain", Duration::from_secs(20), || (add().code == Some(0)).then_some(()));
    assert!(!sample.said().contains("prossimo avvio"), "nothing waits: {}", sample.said());

    assert!(ask(&mut reads, "n NOOP").starts_with("n OK"), "who reads goes on");
    sends.write_all(format!("{}\r\n", letter("di-prima")).as_bytes()).expect("it is heard");
    assert!(say(&mut sends, ".").starts_with("250 2.0.0 Accettato"), "who sends goes on");
    let found = |who: &str, subject: &str| {
        let inbox = format!("imaps://127.0.0.1:{}/INBOX", sample.ports.base + 4);
        wait_for(subject, Duration::from_secs(60), || {
            let ran = sample.curl(who, &inbox, &["--request", &format!("SEARCH SUBJECT \"{subject}\"")], "");
            ran.fine("curl reads")
                .out
                .trim()
                .strip_prefix("* SEARCH")
                .is_some_and(|n| !n.trim().is_empty())
                .then_some(())
        });
    };
    let url = format!("smtp://127.0.0.1:{}", sample.ports.base + 1);
    let send = |from: &str, to: &str, id: &str| {
        let head = format!("From: {from}\r\nTo: {to}\r\nSubject: {id}\r\nMessage-ID: <{id}@x>\r\n\r\nCiao.\r\n");
        sample.curl(from, &url, &["--mail-from", from, "--mail-rcpt", to, "--upload-file", "-"], &head)
    };
    for (from, to, id) in [(CARLA, BRUNO, "dal-nuovo"), (ANNA, CARLA, "al-nuovo"), (CARLA, CARLA, "nel-nuovo")] {
        send(from, to, id).fine("curl sends");
        found(from, &format!("ACCETTAZIONE: {id}"));
        found(to, &format!("POSTA CERTIFICATA: {id}"));
        found(from, &format!("CONSEGNA: {id}"));
    }
    // Who judges the log alone knows whose domain it is, though its segment was opened before.
    let verify = ["log", "verify", "--allow-unstamped", "--socket", &socket];
    run(binary(), &verify, b"", 60).fine("log verify");

    // Out of the file nothing more comes to it, and back in the file it does.
    let with = sample.text();
    let receives = || {
        let mut client = connect(&sample, SMTP);
        assert!(heard(&mut client).starts_with("220"));
        say(&mut client, "EHLO mx.altrove.example");
        say(&mut client, "MAIL FROM:<>");
        say(&mut client, &format!("RCPT TO:<{CARLA}>")).starts_with("250")
    };
    for (text, wanted) in [(&before, false), (&with, true)] {
        sample.write(text);
        guard.signal("HUP");
        wait_for("the other domains", Duration::from_secs(20), || (receives() == wanted).then_some(()));
    }
    assert!(ask(&mut reads, "o NOOP").starts_with("o OK"));
}
