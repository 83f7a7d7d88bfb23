//! Against a clamd that says what the test wants. The real one is in `tests/tests/e2e/antivirus.rs`.

use super::*;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Of a client that is to give up.
const LIMIT: Duration = Duration::from_millis(400);
/// Of a client that is to hear an answer, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(20);
const VERSION: &str = "ClamAV 1.4.6/27500/Sat Dec 14 09:43:26 2024";

/// Answers VERSION properly and INSTREAM as told, each connection in a thread of its own.
struct Fake {
    at: Endpoint,
    version: Arc<Mutex<Vec<u8>>>,
    scans: Arc<AtomicUsize>,
}

impl Fake {
    fn start(instream: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = Endpoint::parse(&listener.local_addr().unwrap().to_string(), Path::new("")).unwrap();
        let version = Arc::new(Mutex::new(format!("{VERSION}\0").into_bytes()));
        let fake = Self { at, version: Arc::clone(&version), scans: Arc::default() };
        let (scans, instream) = (Arc::clone(&fake.scans), Arc::new(instream));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, version, scans) = (stream.unwrap(), Arc::clone(&version), Arc::clone(&scans));
                let instream = Arc::clone(&instream);
                thread::spawn(move || match command(&mut stream).as_str() {
                    "zVERSION" => {
                        let reply = version.lock().clone();
                        stream.write_all(&reply).unwrap();
                    }
                    "zINSTREAM" => {
                        scans.fetch_add(1, Ordering::SeqCst);
                        instream(&mut stream);
                    }
                    other => panic!("{other:?}"),
                });
            }
        });
        fake
    }

    /// Takes the whole message and says this.
    fn saying(reply: impl Into<Vec<u8>>) -> Self {
        let reply = reply.into();
        Self::start(move |stream| {
            drain(stream);
            // Who has heard enough hangs up.
            drop(stream.write_all(&reply));
        })
    }

    fn clamd(&self) -> Clamd {
        Clamd::new(self.at.clone(), 4, PATIENCE)
    }

    fn hasty(&self) -> Clamd {
        Clamd::new(self.at.clone(), 4, LIMIT)
    }
}

fn command(stream: &mut TcpStream) -> String {
    let (mut text, mut byte) = (Vec::new(), [0]);
    while stream.read(&mut byte).unwrap() == 1 && byte[0] != 0 {
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

fn drain(stream: &mut TcpStream) -> Vec<u8> {
    let mut message = Vec::new();
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let length = u32::from_be_bytes(length) as usize;
        if length == 0 {
            return message;
        }
        assert!(length <= PIECE);
        let start = message.len();
        message.resize(start + length, 0);
        stream.read_exact(&mut message[start..]).unwrap();
    }
}

#[track_caller]
fn unavailable(clamd: &Clamd, message: &[u8], part: &str) {
    let begun = Instant::now();
    let error = clamd.scan(message).expect_err("no verdict");
    assert!(error.0.contains(part), "{error}");
    assert!(error.0.starts_with(&format!("clamd {}: ", clamd.at)), "{error}");
    assert!(begun.elapsed() < clamd.limit.max(10 * LIMIT), "not in time: {:?}", begun.elapsed());
}

#[test]
fn a_message_arrives_whole_and_an_exact_ok_is_clean() {
    let message: Vec<u8> = (0..3 * PIECE + 17).map(|i| (i % 251) as u8).collect();
    for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, message.len()] {
        let want = message[..length].to_vec();
        let fake = Fake::start(move |stream| {
            let reply: &[u8] = if drain(stream) == want { b"stream: OK\0" } else { b"stream: altered ERROR\0" };
            stream.write_all(reply).unwrap();
        });
        assert_eq!(fake.clamd().scan(&message[..length]), Ok(Verdict::Clean), "{length}");
    }
}

#[test]
fn malware_is_named_with_the_engine_that_found_it() {
    let infected = |name: &str| Verdict::Infected { malware: name.to_owned(), engine: "ClamAV 1.4.6/27500".to_owned() };
    let fake = Fake::saying("stream: Win.Test.EICAR_HDB-1 FOUND\0");
    let clamd = fake.clamd();
    assert_eq!(clamd.scan(b"x"), Ok(infected("Win.Test.EICAR_HDB-1")));
    assert_eq!(clamd.scan(b"x"), Ok(infected("Win.Test.EICAR_HDB-1")));
    assert_eq!(fake.scans.load(Ordering::SeqCst), 2, "only a clean message is remembered");
    *fake.version.lock() = b"ClamAV 1.4.6\0".to_vec();
    let Ok(Verdict::Infected { engine, .. }) = clamd.scan(b"x") else { panic!("still infected") };
    assert_eq!(engine, "ClamAV 1.4.6", "without official signatures there is no number of them");
}

#[test]
fn a_name_is_bounded_and_made_printable() {
    let name = [&b"a\r\nSubject: x\x1b[2J\xe9"[..], &[b'b'; 300]].concat();
    let fake = Fake::saying([b"stream: ", &name[..], b" FOUND\0"].concat());
    let Ok(Verdict::Infected { malware, .. }) = fake.clamd().scan(b"x") else { panic!("infected") };
    assert!(malware.starts_with("a??Subject: x?[2J?bbb"), "{malware}");
    assert_eq!(malware.len(), 100);
}

#[test]
fn whatever_is_no_verdict_is_no_clean_message() {
    let cases: [(&[u8], &str); 16] = [
        (b"INSTREAM size limit exceeded. ERROR\0", "StreamMaxLength"),
        (b"stream: Can't allocate memory ERROR\0", "errore: stream: Can't allocate memory ERROR"),
        (b"COMMAND READ TIMED OUT\0", "risposta non prevista"),
        (b"UNKNOWN COMMAND\0", "risposta non prevista"),
        (b"", "tronca"),
        (b"stream: O", "tronca"),
        (b"stream: OK", "tronca"),
        (b"stream: OK\n", "tronca"),
        (b"stream: OK\n\0", "risposta non prevista"),
        (b"stream: OK \0", "risposta non prevista"),
        (b"stream: ok\0", "risposta non prevista"),
        (b"1: stream: OK\0", "risposta non prevista"),
        (b"stream: OK\0stream: Worm FOUND\0", "continua"),
        (b"stream: FOUND\0", "risposta non prevista"),
        (b"stream:   FOUND\0", "risposta non prevista"),
        (b"\0", "risposta non prevista"),
    ];
    for (reply, part) in cases {
        unavailable(&Fake::saying(reply).clamd(), b"x", part);
    }
}

#[test]
fn an_endless_reply_is_cut_off() {
    let fake = Fake::start(|stream| {
        drain(stream);
        while stream.write_all(&[b'x'; 1000]).is_ok() {}
    });
    unavailable(&fake.clamd(), b"x", "oltre 4096 byte");
}

#[test]
fn a_refusal_in_the_middle_of_a_message_says_why() {
    let fake = Fake::start(|stream| {
        let mut some = [0; 1000];
        stream.read_exact(&mut some).unwrap();
        stream.write_all(b"INSTREAM size limit exceeded. ERROR\0").unwrap();
    });
    unavailable(&fake.clamd(), &vec![b'x'; 30 << 20], "StreamMaxLength");
}

#[test]
fn an_ok_to_half_a_message_is_no_verdict() {
    let fake = Fake::start(|stream| {
        let mut some = [0; 1000];
        stream.read_exact(&mut some).unwrap();
        stream.write_all(b"stream: OK\0").unwrap();
    });
    let error = fake.clamd().scan(&vec![b'x'; 30 << 20]).expect_err("most of it was not read");
    assert!(error.0.contains("os error"), "{error}");
}

#[test]
fn silence_ends_with_the_time_limit_wherever_it_begins() {
    let deaf = Fake::start(|_| thread::sleep(Duration::from_secs(20)));
    unavailable(&deaf.hasty(), b"x", "timeout_s");
    unavailable(&deaf.hasty(), &vec![b'x'; 60 << 20], "timeout_s");
    let drop_by_drop = Fake::start(|stream| {
        drain(stream);
        while stream.write_all(b"s").is_ok() {
            thread::sleep(LIMIT / 8);
        }
    });
    unavailable(&drop_by_drop.hasty(), b"x", "timeout_s");
}

#[test]
fn who_does_not_answer_is_named() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let clamd = |at: &str| Clamd::new(Endpoint::parse(at, Path::new("")).unwrap(), 1, PATIENCE);
    unavailable(&clamd(&closed), b"x", "os error");
    unavailable(&clamd("/nonexistent/clamd.ctl"), b"x", "os error");
    unavailable(&clamd(&format!("/{}", "x".repeat(200))), b"x", "os error");
    assert!(clamd(&closed).version().is_err());
    let other = Fake::saying("stream: OK\0");
    *other.version.lock() = b"220 smtp\0".to_vec();
    unavailable(&other.clamd(), b"x", "risposta non prevista");
}

#[test]
fn a_unix_socket_whose_queue_is_full_ends_with_the_time_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clamd.ctl");
    let address = rustix::net::SocketAddrUnix::new(&path).unwrap();
    let socket = rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &address).unwrap();
    rustix::net::listen(&socket, 0).unwrap();
    let clamd = Clamd::new(Endpoint::parse("./clamd.ctl", folder.path()).unwrap(), 4, LIMIT);
    for _ in 0..3 {
        unavailable(&clamd, b"x", "timeout_s");
    }
}

#[test]
fn no_more_at_once_than_agreed_and_who_waits_gives_up_in_time() {
    let counter = AtomicUsize::new(0);
    let fake = Fake::start(move |stream| {
        drain(stream);
        let now = counter.fetch_add(1, Ordering::SeqCst) + 1;
        thread::sleep(LIMIT / 2);
        counter.fetch_sub(1, Ordering::SeqCst);
        let reply: &[u8] = if now <= 2 { b"stream: OK\0" } else { b"stream: crowd ERROR\0" };
        stream.write_all(reply).unwrap();
    });
    let clamd = Clamd::new(fake.at.clone(), 2, PATIENCE);
    thread::scope(|scope| {
        let scans: Vec<_> = (0..6_u8)
            .map(|i| {
                let clamd = &clamd;
                scope.spawn(move || clamd.scan(&[i]))
            })
            .collect();
        for scan in scans {
            assert_eq!(scan.join().unwrap(), Ok(Verdict::Clean));
        }
    });
    // The only turn is taken, by who takes longer than they wait; who gave up keeps none.
    let hasty = Clamd::new(fake.at.clone(), 1, 3 * LIMIT);
    let taken = hasty.gate.enter(LIMIT).unwrap();
    let scans = fake.scans.load(Ordering::SeqCst);
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..6_u8).map(|_| scope.spawn(|| unavailable(&hasty, b"x", "concurrency"))).collect();
        for who in waiting {
            who.join().unwrap();
        }
    });
    assert_eq!(fake.scans.load(Ordering::SeqCst), scans, "clamd heard of none of them");
    drop(taken);
    let patient = Clamd { gate: Arc::clone(&hasty.gate), ..Clamd::new(fake.at.clone(), 1, PATIENCE) };
    assert_eq!(patient.scan(b"y"), Ok(Verdict::Clean));
}

#[test]
fn the_same_clean_bytes_are_scanned_again_only_when_the_signatures_changed() {
    let fake = Fake::saying("stream: OK\0");
    let clamd = fake.clamd();
    let scans = |message: &[u8], want| {
        assert_eq!(clamd.scan(message), Ok(Verdict::Clean));
        assert_eq!(fake.scans.load(Ordering::SeqCst), want);
    };
    scans(b"one", 1);
    scans(b"one", 1);
    scans(b"two", 2);
    *fake.version.lock() = b"ClamAV 1.4.6/27501/Sun Dec 15 09:43:26 2024\0".to_vec();
    scans(b"one", 3);
    scans(b"one", 3);
    *fake.version.lock() = b"gone\0".to_vec();
    assert!(clamd.scan(b"one").is_err(), "nor is anything clean by memory alone");
}

#[test]
fn a_path_has_a_slash_and_all_else_is_host_and_port() {
    let read = |text: &str| Endpoint::parse(text, Path::new("/etc/sigillo"));
    assert_eq!(read("/run/clamav/clamd.ctl"), Some(Endpoint::Unix("/run/clamav/clamd.ctl".into())));
    assert_eq!(read("./clamd.ctl"), Some(Endpoint::Unix("/etc/sigillo/./clamd.ctl".into())));
    assert_eq!(read("clamav:3310").map(|e| e.to_string()).as_deref(), Some("clamav:3310"));
    assert!(matches!(read("[::1]:3310"), Some(Endpoint::Tcp(_))));
    for bad in ["", "clamd.ctl", "3310", "clamav:", "/a\0b"] {
        assert_eq!(read(bad), None, "{bad:?}");
    }
}
