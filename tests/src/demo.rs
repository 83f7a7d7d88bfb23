//! The built program, `sigillo demo`, with mail clients that are not ours: each a child process with a time limit.
//! The program is `$SIGILLO_BIN`, or `sigillo` beside the test's own executable or its folder.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a start may take, on a machine that runs other tests too.
pub const START: Duration = Duration::from_secs(60);
/// How long evidence may take.
pub const PATIENCE: u64 = 40;
/// How every Python script begins.
const HOUSE: &str = include_str!("demo/house.py");

/// What a child process left behind.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Output and error together, for messages of failing tests.
    pub fn all(&self) -> String {
        format!("code {:?}\n{}\n{}", self.code, self.out, self.err)
    }

    /// The same, if it ended well; a failing test otherwise.
    #[track_caller]
    pub fn fine(self, what: &str) -> Self {
        assert_eq!(self.code, Some(0), "{what}: {}", self.all());
        self
    }
}

/// Runs a program to its end, `limit` seconds at the most.
#[track_caller]
pub fn run(program: impl AsRef<Path>, args: &[&str], input: &[u8], limit: u64) -> Ran {
    let mut command = Command::new("timeout");
    command.arg("--kill-after=5").arg(limit.to_string()).arg(program.as_ref()).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("timeout, of coreutils, starts");
    let mut stdin = child.stdin.take().expect("piped");
    let output = thread::scope(|scope| {
        // A child that does not read its input to the end is not wrong by that.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().expect("its end is awaited")
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let ran = Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
    let name = program.as_ref().display();
    assert!(!matches!(ran.code, Some(124 | 137)), "{name}: not done in {limit} s: {}", ran.all());
    assert_ne!(ran.code, Some(127), "{name} is not installed: {}", ran.all());
    ran
}

/// Where a program is. Servers stand in `/usr/sbin`, which is not on everybody's path.
pub fn installed(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&paths).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")]);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Where a program is that a test cannot do without. Where it is not there, that is said (see [`skipped`]).
///
/// # Panics
/// It is not there, and `SIGILLO_REQUIRE_ALL` is set.
#[track_caller]
pub fn wanted(program: &str, package: &str) -> Option<PathBuf> {
    let found = installed(program);
    if found.is_none() {
        skipped(&format!("{program} is not installed: .ci/packages --tests (Debian: {package})"));
    }
    found
}

/// Says why a test shows nothing here. Where `SIGILLO_REQUIRE_ALL` is set, as `.ci/run` does, that is a failure: there
/// nothing is green that was not tried.
///
/// # Panics
/// `SIGILLO_REQUIRE_ALL` is set.
#[track_caller]
pub fn skipped(why: &str) {
    assert!(std::env::var_os("SIGILLO_REQUIRE_ALL").is_none(), "SIGILLO_REQUIRE_ALL is set, and {why}");
    eprintln!("skipped: {why}");
}

/// Asks again and again until there is an answer.
#[track_caller]
pub fn wait_for<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < limit, "{what}: not within {} s", limit.as_secs());
        thread::sleep(Duration::from_millis(50));
    }
}

/// The Python that has this module: the one that .ci/python made, or the system's.
///
/// # Panics
/// Neither has it.
#[track_caller]
pub fn python_with(module: &str) -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    let ours = cache.map(|cache| cache.join("sigillo/python/bin/python")).filter(|path| path.is_file());
    let python = ours.unwrap_or_else(|| "/usr/bin/python3".into());
    let ran = run(&python, &["-c", &format!("import {module}")], b"", 60);
    assert_eq!(ran.code, Some(0), "no {module}; run: .ci/packages --tests && .ci/python ~/.cache/sigillo");
    python
}

/// The program under test.
#[track_caller]
pub fn binary() -> PathBuf {
    let beside = || {
        let own = std::env::current_exe().expect("a running program has a file");
        // target/debug/deps/… of a test, target/debug/… of a program
        let mut beside = own.ancestors().skip(1).take(2).map(|folder| folder.join("sigillo"));
        beside.find(|path| path.is_file()).unwrap_or_else(|| own.with_file_name("sigillo"))
    };
    let path = std::env::var_os("SIGILLO_BIN").map_or_else(beside, PathBuf::from);
    assert!(path.is_file(), "{} is not there: cargo build --bin sigillo (or set SIGILLO_BIN)", path.display());
    path
}

/// Runs a verb of the program to its end.
#[track_caller]
pub fn sigillo(args: &[&str], limit: u64) -> Ran {
    run(binary(), args, b"", limit)
}

/// Twenty ports that no other test has, in this process or another: the last one is held as the mark.
pub struct Ports {
    /// The first one.
    pub base: u16,
    _mark: TcpListener,
}

impl Ports {
    /// Takes a free slot below the ports that the program chooses by itself.
    #[track_caller]
    pub fn take() -> Self {
        const FIRST: u16 = 10_000;
        const SLOTS: u16 = 480;
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let own = u16::try_from(std::process::id() % 65_521).unwrap_or_default();
        for _ in 0..SLOTS {
            let slot = own.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % SLOTS;
            let base = FIRST + slot * 20;
            let Ok(mark) = TcpListener::bind(("127.0.0.1", base + 19)) else { continue };
            if (base..base + 18).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
                return Self { base, _mark: mark };
            }
        }
        panic!("no free ports between {FIRST} and {}", FIRST + SLOTS * 20);
    }
}

/// What `demo.json` says.
#[derive(Debug, Clone, Deserialize)]
pub struct Info {
    /// The authority's certificate.
    pub ca_file: PathBuf,
    /// The signed provider index.
    pub index_file: PathBuf,
    /// The folder.
    pub data_dir: PathBuf,
    /// The process.
    pub pid: u32,
    /// Service seconds per real second.
    pub speed: f64,
    /// Who runs, Alfa first.
    pub providers: Vec<Provider>,
}

/// A provider in `demo.json`; hosts are `127.0.0.1:port`.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "named as in demo.json")]
pub struct Provider {
    pub name: String,
    pub name_short: String,
    pub service_address: String,
    pub service_mailbox: Mailbox,
    pub smtp: String,
    pub submission: String,
    pub submissions: String,
    pub imap: String,
    pub imaps: String,
    pub pop3: String,
    pub pop3s: String,
    pub metrics: String,
    pub admin_socket: PathBuf,
    pub domains: Vec<String>,
    pub mailboxes: Vec<Mailbox>,
}

/// A mailbox in `demo.json`.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "named as in demo.json")]
pub struct Mailbox {
    pub address: String,
    pub password: String,
    pub profile: Option<String>,
}

impl Info {
    /// Alfa, or who runs alone.
    pub fn alfa(&self) -> &Provider {
        &self.providers[0]
    }

    /// A mailbox and its provider.
    #[track_caller]
    pub fn mailbox(&self, address: &str) -> (&Provider, &Mailbox) {
        let all =
            self.providers.iter().flat_map(|p| p.mailboxes.iter().chain([&p.service_mailbox]).map(move |m| (p, m)));
        all.into_iter()
            .find(|(_, m)| m.address == address)
            .unwrap_or_else(|| panic!("no mailbox {address} in demo.json"))
    }

    /// `address:password`, as curl wants it.
    pub fn login(&self, address: &str) -> String {
        format!("{address}:{}", self.mailbox(address).1.password)
    }
}

/// Where a demonstration lives: its folder, its ports, how it is started. It outlives the process.
pub struct Place {
    folder: TempDir,
    /// Its ports.
    pub ports: Ports,
    args: Vec<String>,
    wrap: Vec<String>,
    root: Option<PathBuf>,
}

impl Place {
    /// A new folder; `args` follow `demo --data … --base-port …`.
    pub fn new(args: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("sigillo-e2e-").tempdir().expect("a temporary folder");
        let args = args.iter().map(|a| (*a).to_owned()).collect();
        Self { folder, ports: Ports::take(), args, wrap: Vec::new(), root: None }
    }

    /// Starts the program by another one (`strace …`), which must not fork.
    #[must_use]
    pub fn wrapped(mut self, by: &[&str]) -> Self {
        self.wrap = by.iter().map(|a| (*a).to_owned()).collect();
        self
    }

    /// The program's folder is this one, which need not exist for others (a mount of its own).
    #[must_use]
    pub fn at(mut self, data: PathBuf) -> Self {
        self.root = Some(data);
        self
    }

    /// The folder of the test, for its own files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The demonstration's folder.
    pub fn data(&self) -> PathBuf {
        self.root.clone().unwrap_or_else(|| self.path("data"))
    }

    /// What the program printed, and the end of its log.
    pub fn said(&self) -> String {
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
        let log = read(self.data().join("sigillo.log"));
        let end: Vec<&str> = log.lines().rev().take(40).collect();
        let end: Vec<&str> = end.into_iter().rev().collect();
        format!("{}{}\nsigillo.log ends:\n{}", read(self.path("out")), read(self.path("err")), end.join("\n"))
    }

    /// Starts the program and does not wait.
    #[track_caller]
    pub fn spawn(&self) -> Guard {
        let file = |name: &str| std::fs::File::create(self.path(name)).expect("a file for the output");
        let words = self.wrap.iter().map(PathBuf::from).chain([binary()]).collect::<Vec<_>>();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg("demo").arg("--data").arg(self.data());
        command.arg("--base-port").arg(self.ports.base.to_string()).args(&self.args);
        command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
        Guard(command.spawn().unwrap_or_else(|e| panic!("{}: {e}", words[0].display())))
    }

    /// Starts the program and waits until it is ready.
    #[track_caller]
    pub fn start(self) -> Demo {
        Arc::new(self).again()
    }

    /// Starts it, once more on the same folder and ports.
    #[track_caller]
    pub fn again(self: &Arc<Self>) -> Demo {
        let mut child = self.spawn();
        let begun = Instant::now();
        // A demo.json of a process that was killed may still lie there.
        let info = wait_for("demo.json", START, || {
            if let Some(status) = child.0.try_wait().expect("a child of ours") {
                panic!("the demonstration ended with {status} after {:?}: {}", begun.elapsed(), self.said());
            }
            self.info(child.0.id()).filter(|info| info.pid == child.0.id())
        });
        let demo = Demo { child, info, place: Arc::clone(self) };
        std::fs::write(self.path("demo.json"), demo.json()).expect("a copy of demo.json");
        demo
    }

    /// What demo.json says now. A process in a mount namespace of its own shows it below `/proc`.
    pub fn info(&self, pid: u32) -> Option<Info> {
        let data = self.data();
        let inside = PathBuf::from(format!("/proc/{pid}/root")).join(data.strip_prefix("/").unwrap_or(&data));
        let folder = if self.root.is_some() { inside } else { data };
        serde_json::from_slice(&std::fs::read(folder.join("demo.json")).ok()?).ok()
    }

    /// The mode of a file in the demonstration's folder.
    #[track_caller]
    pub fn mode(&self, name: &str) -> u32 {
        let path = self.data().join(name);
        std::fs::metadata(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).permissions().mode() & 0o777
    }
}

/// A child that is killed when nobody wants it any more.
pub struct Guard(pub Child);

impl Guard {
    /// Waits for its end; gives the exit code.
    #[track_caller]
    pub fn end(&mut self, limit: Duration) -> Option<i32> {
        let status = wait_for("the end of the process", limit, || self.0.try_wait().expect("a child of ours"));
        status.code()
    }

    /// Sends a signal by name.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        run("kill", &[&format!("-{name}"), &self.0.id().to_string()], b"", 5).fine("kill");
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A running demonstration.
pub struct Demo {
    /// The process. First, so that it is dead before its folder goes.
    pub child: Guard,
    /// What demo.json says.
    pub info: Info,
    /// Where it lives.
    pub place: Arc<Place>,
}

impl Drop for Demo {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the demonstration said:\n{}", self.place.said());
        }
    }
}

/// A message as a mailbox holds it.
#[derive(Debug, Clone, Deserialize)]
pub struct Piece {
    /// Its number.
    pub uid: u32,
    /// The value of X-Ricevuta or X-Trasporto; empty for ordinary mail.
    pub kind: String,
    /// X-Riferimento-Message-ID: the Message-ID that the client gave.
    pub reference: String,
    /// Decoded.
    pub subject: String,
    /// Its own Message-ID.
    pub message_id: String,
    /// From, decoded.
    pub from: String,
    /// The text that a person reads.
    pub text: String,
    /// The attached certification data.
    pub daticert: Option<String>,
    raw: String,
}

impl Piece {
    /// Its bytes.
    pub fn raw(&self) -> Vec<u8> {
        data_encoding::BASE64.decode(self.raw.as_bytes()).expect("Python's base64")
    }

    /// An element of the certification data.
    pub fn datum(&self, element: &str) -> Option<&str> {
        let (_, after) = self.daticert.as_deref()?.split_once(&format!("<{element}>"))?;
        Some(after.split_once("</")?.0)
    }
}

/// What a server answered to a submission: the step that ended it, code and text.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    /// `mail`, `rcpt`, `data` or `lost`.
    pub step: String,
    /// The SMTP code; 0 when the connection was lost.
    pub code: u16,
    /// What stood behind it.
    pub text: String,
}

/// A message to submit.
#[derive(Debug, Clone, Serialize)]
pub struct Mail {
    /// Who logs in.
    pub user: String,
    /// MAIL FROM; the user when `None`.
    pub mail_from: Option<String>,
    /// RCPT TO.
    pub to: Vec<String>,
    /// The message, base64.
    message: String,
    /// `submission` or `submissions`.
    pub role: &'static str,
}

impl Mail {
    /// One recipient, a plain message with this Message-ID (without brackets), which is also its subject.
    pub fn plain(from: &str, to: &str, id: &str) -> Self {
        let text = format!(
            "From: <{from}>\r\nTo: <{to}>\r\nSubject: prova {id}\r\nMessage-ID: <{id}>\r\n\
             Date: Mon, 2 Mar 2026 10:00:00 +0100\r\n\r\nBuongiorno,\r\nquesta e' la prova {id}.\r\n"
        );
        Self::raw(from, &[to], text.as_bytes())
    }

    /// Any bytes.
    pub fn raw(user: &str, to: &[&str], message: &[u8]) -> Self {
        let to = to.iter().map(|t| (*t).to_owned()).collect();
        let message = data_encoding::BASE64.encode(message);
        Self { user: user.into(), mail_from: None, to, message, role: "submissions" }
    }
}

impl Demo {
    /// A demonstration in a new folder, without the demonstration message.
    #[track_caller]
    pub fn start(args: &[&str]) -> Self {
        let args: Vec<&str> = [&["--no-exchange"], args].concat();
        Place::new(&args).start()
    }

    /// Runs a script with the names of `demo/house.py`; it gets `ask` and gives its answer.
    #[track_caller]
    pub fn python(&self, script: &str, ask: &impl Serialize, limit: u64) -> Value {
        self.python_by("python3", script, ask, limit)
    }

    /// The same, by this Python.
    #[track_caller]
    pub fn python_by(&self, python: impl AsRef<Path>, script: &str, ask: &impl Serialize, limit: u64) -> Value {
        let info = self.place.path("demo.json");
        let ask = serde_json::to_vec(ask).expect("JSON");
        let script = format!("{HOUSE}\n{script}");
        let info = info.to_string_lossy();
        let ran = run(python, &["-c", &script, &info], &ask, limit).fine("the script");
        serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}", ran.all()))
    }

    /// What the scripts need of demo.json, as it was at the start.
    fn json(&self) -> Vec<u8> {
        let mailbox = |m: &Mailbox| json!({"address": m.address, "password": m.password});
        let providers = self.info.providers.iter().map(|p| {
            json!({
                "smtp": p.smtp, "submission": p.submission, "submissions": p.submissions, "imap": p.imap,
                "imaps": p.imaps, "pop3": p.pop3, "pop3s": p.pop3s, "service_mailbox": mailbox(&p.service_mailbox),
                "mailboxes": p.mailboxes.iter().map(mailbox).collect::<Vec<_>>(),
            })
        });
        let copy = self.place.path("ca.pem");
        if !copy.exists() {
            let root = PathBuf::from(format!("/proc/{}/root", self.info.pid));
            let inside = root.join(self.info.ca_file.strip_prefix("/").unwrap_or(&self.info.ca_file));
            let from = if self.info.ca_file.exists() { self.info.ca_file.clone() } else { inside };
            std::fs::copy(from, &copy).expect("the authority's certificate");
        }
        let all = json!({"ca_file": copy, "providers": providers.collect::<Vec<_>>()});
        serde_json::to_vec(&all).expect("JSON")
    }

    /// Submits by Python's smtplib, one connection for all that one user sends.
    #[track_caller]
    pub fn submit(&self, mails: &[Mail]) -> Vec<Answer> {
        let answers = self.python("answer(submit_all(ask))", &mails, 120);
        serde_json::from_value(answers).expect("answers")
    }

    /// Submits a plain message that must be answered 250.
    #[track_caller]
    pub fn send(&self, from: &str, to: &str, id: &str) {
        let answers = self.submit(&[Mail::plain(from, to, id)]);
        assert_eq!(answers[0].code, 250, "{id}: {answers:?}");
    }

    /// The INBOX of a mailbox, by Python's imaplib.
    #[track_caller]
    pub fn inbox(&self, address: &str) -> Vec<Piece> {
        let ask = json!({"address": address, "kinds": [], "seconds": 0, "reference": ""});
        serde_json::from_value(self.python("answer(inbox(ask))", &ask, 60)).expect("messages")
    }

    /// What came to this mailbox about a Message-ID (without brackets), once there are messages of all these kinds.
    #[track_caller]
    pub fn await_kinds(&self, address: &str, id: &str, kinds: &[&str]) -> Vec<Piece> {
        let reference = format!("<{id}>");
        let ask = json!({"address": address, "kinds": kinds, "seconds": PATIENCE, "reference": reference});
        let found = self.python("answer(inbox(ask))", &ask, PATIENCE + 30);
        let found: Vec<Piece> = serde_json::from_value(found).expect("messages");
        let have: Vec<&str> = found.iter().map(|p| p.kind.as_str()).collect();
        for kind in kinds {
            assert!(have.contains(kind), "{address}: no {kind} about {id} within {PATIENCE} s, only {have:?}");
        }
        found
    }

    /// Ends it by SIGTERM; gives the exit code.
    #[track_caller]
    pub fn terminate(mut self) -> Option<i32> {
        self.child.signal("TERM");
        self.child.end(Duration::from_secs(45))
    }
}
