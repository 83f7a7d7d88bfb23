//! The doors of the built program: thousands of idle connections, large messages on their way, balancers, and who
//! guesses passwords.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use openssl::ssl::{SslConnector, SslMethod, SslStream};
use rustix::process::{Resource, getrlimit, setrlimit};
use sigillo_tests::demo::{run, wait_for, wanted};

use crate::serve::Sample;

pub const ANNA: &str = "anna@comune-esempio.example";
pub const BRUNO: &str = "bruno@ente-esempio.example";
/// Ports of the sample, after its base.
pub const SMTP: u16 = 0;
pub const SUBMISSION: u16 = 1;
pub const SUBMISSIONS: u16 = 2;

const FILTER: &str = include_str!("../../../docs/fail2ban/sigillo.conf");

pub fn connect(sample: &Sample, port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", sample.ports.base + port)).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    stream
}

/// Makes clients of TLS: it reads all roots of the system, which takes longer than a handshake.
pub fn trusting(sample: &Sample) -> SslConnector {
    let mut connector = SslConnector::builder(SslMethod::tls_client()).expect("a client");
    connector.set_ca_file(sample.path("prova/ca.pem")).expect("the trial authority");
    connector.build()
}

pub fn over_tls(sample: &Sample, stream: TcpStream) -> SslStream<TcpStream> {
    trusting(sample).connect("localhost", stream).expect("TLS")
}

/// A whole answer; `None` when the connection ends.
pub fn answer(stream: &mut impl Read) -> Option<String> {
    let mut reader = BufReader::with_capacity(1, stream);
    let mut all = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        all += &line;
        if line.as_bytes().get(3) != Some(&b'-') {
            return Some(all);
        }
    }
}

/// Its last line.
pub fn heard(stream: &mut impl Read) -> String {
    let all = answer(stream).expect("an answer");
    all.lines().last().map(|line| format!("{line}\r\n")).expect("a line")
}

pub fn say(stream: &mut (impl Read + Write), line: &str) -> String {
    stream.write_all(format!("{line}\r\n").as_bytes()).expect("it is heard");
    heard(stream)
}

pub fn resident_kib(pid: u32) -> usize {
    kib(pid, "VmRSS:")
}

/// The most that was resident since [`forget_peak`].
pub fn peak_kib(pid: u32) -> usize {
    kib(pid, "VmHWM:")
}

/// From now on the most that is resident counts anew.
pub fn forget_peak(pid: u32) {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("a process of ours");
}

fn kib(pid: u32, what: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a running process");
    let line = status.lines().find(|l| l.starts_with(what)).expect("a line of it");
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
}

pub fn changed(changes: &[(&str, &str)]) -> Sample {
    let sample = Sample::new();
    let mut text = sample.text();
    for (from, to) in changes {
        assert!(text.contains(from), "the sample has no {from:?}");
        text = text.replacen(from, to, 1);
    }
    sample.write(&text);
    sample
}

/// Sends a letter with curl and waits for it in the other mailbox.
pub fn passes(sample: &Sample, subject: &str) {
    let letter =
        format!("From: {ANNA}\r\nTo: {BRUNO}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n\r\nCiao.\r\n");
    let send = ["--mail-from", ANNA, "--mail-rcpt", BRUNO, "--upload-file", "-"];
    let url = format!("smtp://127.0.0.1:{}", sample.ports.base + SUBMISSION);
    sample.curl(ANNA, &url, &send, &letter).fine("curl sends");
    let inbox = format!("imaps://127.0.0.1:{}/INBOX", sample.ports.base + 4);
    wait_for(subject, Duration::from_secs(60), || {
        let search = format!("SEARCH SUBJECT \"{subject}\"");
        let ran = sample.curl(BRUNO, &inbox, &["--request", &search], "").fine("curl reads");
        ran.out.trim().strip_prefix("* SEARCH").is_some_and(|n| !n.trim().is_empty()).then_some(())
    });
}

#[test]
fn thousands_of_idle_connections_cost_little_and_starve_nobody() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("as far as allowed");
    let files = limit.maximum.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    let most = 10_000.min(files.saturating_sub(3_000).max(files / 3));
    if most < 10_000 {
        eprintln!("skipped: only {most} connections, because {files} files may be open");
    }
    let sample = changed(&[("connections_per_address = 200", "connections_per_address = 100000")]);
    let guard = sample.serve();
    sample.add(ANNA, "segreta");
    sample.add(BRUNO, "segreta");
    passes(&sample, "prima");

    let (pid, under_tls) = (guard.0.id(), most / 10);
    let before = resident_kib(pid);
    let served = |mut stream: TcpStream| {
        assert!(heard(&mut stream).starts_with("220"), "each is served");
        stream
    };
    let plain: Vec<TcpStream> = (under_tls..most - 20).map(|_| served(connect(&sample, SUBMISSION))).collect();
    let between = resident_kib(pid);
    let connector = trusting(&sample);
    let encrypted = |stream| connector.connect("localhost", stream).expect("TLS");
    let mut tls: Vec<_> = (0..under_tls).map(|_| encrypted(connect(&sample, SUBMISSIONS))).collect();
    tls.iter_mut().for_each(|stream| assert!(heard(stream).starts_with("220"), "each is served"));
    let after = resident_kib(pid);
    let begun = Instant::now();
    passes(&sample, "in mezzo alla folla");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?} in the midst of the crowd", begun.elapsed());
    let each = |kib: usize, count: usize| kib as f64 / count as f64;
    let (of_plain, of_tls) =
        (each(between.saturating_sub(before), plain.len()), each(after.saturating_sub(between), tls.len()));
    eprintln!(
        "{} idle connections: {of_plain:.1} KiB each; {} under TLS: {of_tls:.1} KiB each",
        plain.len(),
        tls.len()
    );
    assert!(of_plain < 16.0, "{of_plain:.1} KiB for a connection that waits");
    assert!(of_tls < 64.0, "{of_tls:.1} KiB for a connection that waits under TLS");
    drop((plain, tls));
    passes(&sample, "dopo la folla");
    drop(guard);
}

#[test]
fn large_messages_on_their_way_take_no_memory_and_end_well() {
    const SIZE: usize = 24 << 20;
    let sample = Sample::new();
    let guard = sample.serve();
    sample.add(BRUNO, "segreta");
    let mut clients: Vec<TcpStream> = (0..8).map(|_| connect(&sample, SMTP)).collect();
    for client in &mut clients {
        assert!(heard(client).starts_with("220"));
        say(client, "EHLO mx.altrove.example");
        say(client, "MAIL FROM:<>");
        assert!(say(client, &format!("RCPT TO:<{BRUNO}>")).starts_with("250"));
        assert!(say(client, "DATA").starts_with("354"));
    }
    let before = resident_kib(guard.0.id());
    let line =
        [b"Subject: grande\r\n\r\n".to_vec(), b"Una riga fra tante, che riempie il messaggio.\r\n".repeat(SIZE / 47)]
            .concat();
    std::thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(|| client.write_all(&line).expect("it is heard"));
        }
    });
    let grown = resident_kib(guard.0.id()).saturating_sub(before);
    eprintln!("{} KiB more with {} messages of {} MiB on their way", grown, clients.len(), SIZE >> 20);
    assert!(grown < 2 * SIZE / 1024, "{grown} KiB more: less than two of eight messages");
    assert_eq!(fs::read_dir(sample.path("dati/spool")).expect("the spool").count(), 0, "nothing a crash could leave");
    // The end of one, and the end of the others without an end.
    let answer = say(&mut clients[0], ".");
    assert!(answer.starts_with("554 5.7.1"), "ordinary mail that nobody wants: {answer}");
    drop(clients);
    let mut next = connect(&sample, SMTP);
    assert!(heard(&mut next).starts_with("220"));
}

#[test]
fn large_messages_in_work_stay_within_the_memory_that_is_set() {
    let sample = Sample::new();
    let guard = sample.serve();
    sample.add(ANNA, "segreta");
    sample.add(BRUNO, "segreta");
    let plain = BASE64.encode(format!("\0{ANNA}\0segreta").as_bytes());
    let body = b"Una riga fra tante, che riempie il messaggio.\r\n".repeat((45 << 20) / 47);
    std::thread::scope(|scope| {
        for n in 0..4 {
            let (sample, plain, body) = (&sample, &plain, &body);
            scope.spawn(move || {
                let mut client = over_tls(sample, connect(sample, SUBMISSIONS));
                heard(&mut client);
                say(&mut client, "EHLO pc");
                assert!(say(&mut client, &format!("AUTH PLAIN {plain}")).starts_with("235"));
                say(&mut client, &format!("MAIL FROM:<{ANNA}>"));
                say(&mut client, &format!("RCPT TO:<{BRUNO}>"));
                say(&mut client, "DATA");
                let head = format!("From: {ANNA}\r\nTo: {BRUNO}\r\nSubject: n{n}\r\nMessage-ID: <{n}@x>\r\n\r\n");
                client.write_all(head.as_bytes()).expect("it is heard");
                client.write_all(body).expect("it is heard");
                let said = say(&mut client, ".");
                assert!(said.starts_with("250 2.0.0 Accettato"), "{said}");
            });
        }
    });
    let peak = peak_kib(guard.0.id());
    eprintln!("{} MiB at the most, with four messages of 45 MiB at once", peak / 1024);
    assert!(peak < 450 * 1024, "{peak} KiB");
    drop(guard);
}

#[test]
fn too_few_files_are_said_and_the_service_outlives_the_crowd() {
    let sample = Sample::new();
    let mut guard = sample.serve_by(&["sh", "-c", "ulimit -n 300; exec \"$@\"", "sh"]);
    assert!(sample.said().contains("al più 150 connessioni e non 10000"), "{}", sample.said());
    sample.add(ANNA, "segreta");
    sample.add(BRUNO, "segreta");
    let mut crowd: Vec<TcpStream> = (0..400).map(|_| connect(&sample, SUBMISSION)).collect();
    let answers: Vec<String> = crowd.iter_mut().map(heard).collect();
    let served = answers.iter().filter(|a| a.starts_with("220")).count();
    assert!((100..=150).contains(&served), "{served} served");
    assert!(answers.iter().all(|a| a.starts_with("220") || a.starts_with("421")), "the others are told");
    drop(crowd);
    wait_for("room again", Duration::from_secs(30), || {
        heard(&mut connect(&sample, SUBMISSION)).starts_with("220").then_some(())
    });
    passes(&sample, "dopo");
    // And it ends with grace, whoever waits.
    let mut idle: Vec<TcpStream> = (0..100).map(|_| connect(&sample, SUBMISSION)).collect();
    idle.iter_mut().for_each(|stream| assert!(heard(stream).starts_with("220")));
    guard.signal("TERM");
    idle.iter_mut().for_each(|stream| assert!(heard(stream).starts_with("421 4.3.2"), "each hears why"));
    assert_eq!(guard.end(Duration::from_secs(45)), Some(0), "{}", sample.said());
}

/// A client behind the balancer, under TLS.
fn behind(sample: &Sample, ip: &str) -> SslStream<TcpStream> {
    let mut stream = connect(sample, SUBMISSIONS);
    stream.write_all(format!("PROXY TCP4 {ip} 127.0.0.1 5000 465\r\n").as_bytes()).expect("a header");
    let mut stream = over_tls(sample, stream);
    assert!(heard(&mut stream).starts_with("220"));
    say(&mut stream, "EHLO pc");
    stream
}

fn log_in(sample: &Sample, ip: &str, user: &str, password: &str) -> String {
    let plain = BASE64.encode(format!("\0{user}\0{password}").as_bytes());
    say(&mut behind(sample, ip), &format!("AUTH PLAIN {plain}"))
}

#[test]
fn guessing_locks_the_guesser_out_and_nobody_else_and_fail2ban_reads_it() {
    let sample = changed(&[("proxy_networks = []", "proxy_networks = [\"127.0.0.0/8\"]")]);
    let guard = sample.serve();
    sample.add(ANNA, "segreta");
    // What an attacker would like to have banned stands in the name he gives.
    let forged = "x login failed peer=203.0.113.9 protocol=smtp reason=credentials user=\"x\"";
    std::thread::scope(|scope| {
        for n in 0..5 {
            let sample = &sample;
            scope.spawn(move || {
                let answer = log_in(sample, "192.0.2.66", ANNA, &format!("tentativo {n}"));
                assert!(answer.starts_with("535 5.7.8"), "{answer}");
            });
        }
        scope.spawn(|| log_in(&sample, "192.0.2.67", forged, "x"));
    });
    let answer = log_in(&sample, "192.0.2.66", ANNA, "segreta");
    assert!(answer.starts_with("421 4.7.0 Troppi accessi falliti"), "even with the right password: {answer}");
    let answer = log_in(&sample, "198.51.100.1", ANNA, "segreta");
    assert!(answer.starts_with("235"), "she is elsewhere: {answer}");
    let imap = BASE64.encode(format!("\0{ANNA}\0segreta").as_bytes());
    let mut stream = connect(&sample, 4);
    stream.write_all(b"PROXY TCP4 192.0.2.66 127.0.0.1 5000 993\r\n").expect("a header");
    let mut stream = over_tls(&sample, stream);
    assert!(heard(&mut stream).starts_with("* OK"));
    let answer = say(&mut stream, &format!("a AUTHENTICATE PLAIN {imap}"));
    assert!(answer.starts_with("a NO [LIMIT]"), "one lock for every protocol: {answer}");

    let log: String = sample.said().lines().filter(|l| l.contains("login failed")).map(|l| format!("{l}\n")).collect();
    let file = sample.path("failed.log");
    fs::write(&file, &log).expect("the lines");
    assert_eq!(log.lines().count(), 8, "{log}");
    let banned = matches(&log);
    assert_eq!(banned.iter().filter(|ip| *ip == "192.0.2.66").count(), 7, "{log}");
    assert_eq!(banned.iter().filter(|ip| *ip == "192.0.2.67").count(), 1, "{log}");
    assert_eq!(banned.len(), 8, "and nobody else: {banned:?}");
    if let Some(judge) = wanted("fail2ban-regex", "fail2ban") {
        let filter = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/fail2ban/sigillo.conf");
        let ran = run(judge, &[&file.to_string_lossy(), filter], b"", 60).fine("fail2ban-regex");
        assert!(ran.out.contains("8 matched"), "{}", ran.out);
    }
    drop(guard);
}

/// Whom the filter in docs/ would ban, by Python's regular expressions as fail2ban uses them: the time is cut out.
fn matches(log: &str) -> Vec<String> {
    let expression = FILTER.lines().find_map(|l| l.strip_prefix("failregex = ")).expect("a failregex");
    let script = r#"
import re, sys
expression = re.compile(sys.argv[1].replace("<HOST>", r"(?P<host>[0-9a-fA-F.:]+)"))
for line in sys.stdin:
    found = expression.search(re.sub(r"^\S+", "", line.rstrip("\n")))
    print(found.group("host") if found else "nobody")
"#;
    let ran = run("python3", &["-c", script, expression], log.as_bytes(), 30).fine("python3");
    ran.out.lines().map(str::to_owned).collect()
}

#[test]
fn a_balancers_client_stands_in_received_and_a_header_from_elsewhere_is_garbage() {
    let sample = changed(&[("proxy_networks = []", "proxy_networks = [\"127.0.0.2/32\"]")]);
    let guard = sample.serve();
    let mut stranger = connect(&sample, SMTP);
    assert!(heard(&mut stranger).starts_with("220"));
    let answer = say(&mut stranger, "PROXY TCP4 192.0.2.66 127.0.0.1 5000 25");
    assert!(answer.starts_with("500"), "{answer}");
    guard.signal("TERM");
    drop(guard);

    let sample = changed(&[("proxy_networks = []", "proxy_networks = [\"127.0.0.1\"]")]);
    let guard = sample.serve();
    sample.add(ANNA, "segreta");
    sample.add(BRUNO, "segreta");
    let mut client = behind(&sample, "192.0.2.66");
    let plain = BASE64.encode(format!("\0{ANNA}\0segreta").as_bytes());
    assert!(say(&mut client, &format!("AUTH PLAIN {plain}")).starts_with("235"));
    say(&mut client, &format!("MAIL FROM:<{ANNA}>"));
    say(&mut client, &format!("RCPT TO:<{BRUNO}>"));
    say(&mut client, "DATA");
    let letter = format!("From: {ANNA}\r\nTo: {BRUNO}\r\nSubject: vero\r\nMessage-ID: <v@x>\r\n\r\nCiao.\r\n.");
    assert!(say(&mut client, &letter).starts_with("250 2.0.0 Accettato"));
    let mut reader = connect(&sample, 4);
    reader.write_all(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0").expect("a LOCAL header");
    let mut reader = over_tls(&sample, reader);
    heard(&mut reader);
    assert!(say(&mut reader, &format!("a LOGIN {BRUNO} segreta")).starts_with("a OK"));
    wait_for("the letter", Duration::from_secs(30), || {
        reader.write_all(b"b STATUS INBOX (MESSAGES)\r\n").expect("it is heard");
        let (status, _) = (heard(&mut reader), heard(&mut reader));
        status.contains("MESSAGES 1").then_some(())
    });
    reader.write_all(b"c EXAMINE INBOX\r\nd FETCH 1 BODY[]\r\ne LOGOUT\r\n").expect("it is heard");
    let mut all = Vec::new();
    reader.read_to_end(&mut all).expect("the letter");
    let all = String::from_utf8_lossy(&all);
    assert!(all.contains("from pc ([192.0.2.66])"), "{all}");
    let without = TcpStream::connect(("127.0.0.1", sample.ports.base + SMTP)).expect("a connection");
    let mut without = without;
    without.write_all(b"EHLO a-balancer-that-does-not-know\r\n").expect("it is heard");
    assert_eq!(without.read(&mut [0; 9]).unwrap_or(0), 0, "no header, no service");
    wait_for("the reason", Duration::from_secs(10), || sample.said().contains("closed: no PROXY header").then_some(()));
    drop(guard);
}
