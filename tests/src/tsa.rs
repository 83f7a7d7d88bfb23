//! A time-stamp authority over HTTP (RFC 3161 §3.4): the openssl command behind a socket of the loopback. It stamps with
//! the clock of the machine.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sigillo_smime::Certificate;
use sigillo_smime::authority::Authority;
use tempfile::TempDir;

use crate::demo::run;

/// The media types of RFC 3161 §3.4.
pub const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// The largest head and the largest body of a request, in bytes.
const MAX_HEAD: usize = 8 * 1024;
const MAX_BODY: usize = 64 * 1024;
/// How long a client may be silent.
const SILENCE: Duration = Duration::from_secs(5);
/// How long the command may take, in seconds.
const LIMIT: u64 = 20;

/// A running authority; it stops when it is dropped.
pub struct Tsa {
    address: SocketAddr,
    anchor: Certificate,
    refusing: Arc<AtomicBool>,
    refused: Arc<AtomicU64>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tsa {
    /// Starts an authority for time-stamps that `authority` certifies, for as long as that lives itself.
    pub fn start(authority: &Authority) -> Self {
        let anchor = authority.certificate();
        let folder = folder(authority);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port of the loopback");
        let address = listener.local_addr().expect("its address");
        let (refusing, stopped) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (refuses, stops) = (Arc::clone(&refusing), Arc::clone(&stopped));
        let refused = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&refused);
        let thread = thread::spawn(move || {
            for client in listener.incoming() {
                if stops.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away is its own affair.
                if let Err(error) =
                    client.and_then(|c| serve(c, folder.path(), refuses.load(Ordering::SeqCst).then_some(&*count)))
                {
                    println!("tsa: {error}");
                }
            }
        });
        Self { address, anchor, refusing, refused, stopped, thread: Some(thread) }
    }

    /// Where it answers: `http://127.0.0.1:40123/`.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Whom to trust to believe its tokens: the authority given to [`start`](Self::start).
    pub fn anchor(&self) -> Certificate {
        self.anchor.clone()
    }

    /// From now on every request is answered with 503, or again as it should be.
    pub fn refuse(&self, on: bool) {
        self.refusing.store(on, Ordering::SeqCst);
    }

    /// How many queries were refused so far.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::SeqCst)
    }
}

impl Drop for Tsa {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // It waits for a client: this is the last one.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Sends these bytes to the authority at `url` as they are; status and body of its answer.
pub fn ask(url: &str, bytes: &[u8]) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(host(url)).expect("it listens");
    stream.write_all(bytes).expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers and closes");
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
    let body = answer.split_off(end + 4);
    let head = String::from_utf8(answer).expect("text");
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
    (head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status"), body)
}

/// An HTTP request with this body, to be [asked](ask).
pub fn post(kind: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("POST / HTTP/1.1\r\nHost: tsa\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// `127.0.0.1:40123` of a URL of ours.
pub fn host(url: &str) -> &str {
    url.trim_start_matches("http://").trim_end_matches('/')
}

/// Key, certificate, serial number and configuration of `openssl ts`.
fn folder(authority: &Authority) -> TempDir {
    let own = authority.certificate();
    let issued = authority.issue_tsa("Marche temporali di prova", own.not_before(), own.not_after());
    let issued = issued.expect("a certificate for time-stamps");
    let folder = TempDir::new().expect("a folder");
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file is written");
    put("tsa.pem", &issued.certificate_pem);
    put("tsa.key", &issued.key_pem);
    put("serial", "01\n");
    put(
        "tsa.cnf",
        &format!(
            "[tsa]\ndefault_tsa=t\n[t]\ndir={}\nserial=$dir/serial\nsigner_cert=$dir/tsa.pem\nsigner_key=$dir/tsa.key\n\
             crypto_device=builtin\nsigner_digest=sha256\ness_cert_id_alg=sha256\ndefault_policy=1.2.3.4.1\n\
             digests=sha256\naccuracy=secs:1\nclock_precision_digits=3\n",
            folder.path().display()
        ),
    );
    folder
}

/// One request, one answer, and the end of the connection. A query is refused and counted where `refused` is given.
fn serve(mut client: TcpStream, folder: &Path, refused: Option<&AtomicU64>) -> io::Result<()> {
    client.set_read_timeout(Some(SILENCE))?;
    client.set_write_timeout(Some(SILENCE))?;
    let (status, body) = match query(&mut client)? {
        Err(status) => (status, Vec::new()),
        Ok(query) => match refused {
            Some(count) => {
                count.fetch_add(1, Ordering::SeqCst);
                ("503 Service Unavailable", Vec::new())
            }
            None => stamp(folder, &query),
        },
    };
    let len = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {REPLY}\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n");
    client.write_all(&[head.as_bytes(), &body].concat())
}

/// The body of a request that is a query, or the status that says what is wrong with it.
fn query(client: &mut TcpStream) -> io::Result<Result<Vec<u8>, &'static str>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
        if head.len() > MAX_HEAD {
            return Ok(Err("431 Request Header Fields Too Large"));
        }
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let field =
        |name: &str| head.lines().find_map(|l| Some(l.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()));
    if !head.starts_with("post ") {
        return Ok(Err("405 Method Not Allowed"));
    }
    let mut body = match field("content-length").and_then(|len| len.parse().ok()) {
        None => return Ok(Err("411 Length Required")),
        Some(len) if len > MAX_BODY => return Ok(Err("413 Content Too Large")),
        Some(len) => vec![0; len],
    };
    // Read before anything else is said of it: what is left unread resets the connection.
    client.read_exact(&mut body)?;
    Ok(if field("content-type").as_deref() == Some(QUERY) { Ok(body) } else { Err("415 Unsupported Media Type") })
}

/// What the command answers to a query, its refusals among it.
fn stamp(folder: &Path, query: &[u8]) -> (&'static str, Vec<u8>) {
    let file = |name: &str| folder.join(name).display().to_string();
    fs::write(file("query"), query).expect("the query is written");
    let (config, asked, answer) = (file("tsa.cnf"), file("query"), file("answer"));
    let args = ["ts", "-reply", "-config", &config, "-queryfile", &asked, "-out", &answer];
    let ran = run("openssl", &args, b"", LIMIT);
    if ran.code == Some(0) {
        return ("200 OK", fs::read(answer).expect("the answer is there"));
    }
    println!("tsa: {}", ran.all());
    ("500 Internal Server Error", Vec::new())
}
