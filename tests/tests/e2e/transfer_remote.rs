//! An account of another server comes in: of Dovecot, and of a Sigillo. Python's imaplib fills and reads both sides.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use sigillo_tests::demo::{Guard, Ports, binary, installed, run, wait_for};
use tempfile::TempDir;

use crate::postfix::Keys;
use crate::rates::{ANNA, BRUNO, ask, served};
use crate::serve::Sample;
use crate::transfer::{moved, sum};

/// What fills, changes and reads an account. Arguments: what to do, host, port, user. It is
/// not what is tested: it believes any certificate.
const CLIENT: &str = r#"
import base64, hashlib, imaplib, json, re, ssl, sys, time
what, host, port, user = sys.argv[1:5]
c = imaplib.IMAP4_SSL(host, int(port), ssl_context=ssl._create_unverified_context())
c.login(user, "segreta")

def fine(answer):
    assert answer[0] == "OK", answer
    return answer[1]

def put(folder, number, flags, when, size=0):
    text = "From: a@b.example\r\nSubject: %d\r\n\r\nFrom qui: \xe8 %d\r\n.\r\n%s" % (number, number, "riempitivo\r\n" * size)
    fine(c.append('"%s"' % folder, flags, imaplib.Time2Internaldate(when), text.encode("latin-1")))

def decoded(name):
    one = lambda m: base64.b64decode(m[1].replace(",", "/") + "===").decode("utf-16-be") if m[1] else "&"
    return re.sub("&([^-]*)-", one, name)

def listed(verb):
    for line in fine(getattr(c, verb)()):
        if line:
            attributes, delimiter, name = re.match(r'\((.*?)\) "(.)" "?(.*?)"?$', line.decode()).groups()
            if "noselect" not in attributes.lower():
                yield name, decoded(name).replace(delimiter, "/")

if what == "fill":
    for name in ["Perch&AOk-.&ZeVnLIqe- 2025", "Perch&AOk-", "Vuota"]:
        fine(c.create('"%s"' % name))
    fine(c.subscribe('"Perch&AOk-.&ZeVnLIqe- 2025"'))
    put("INBOX", 1, "(\\Seen)", 1700000000)
    put("INBOX", 2, "(\\Seen \\Answered $Forwarded Pratica)", 1700000001)
    put("INBOX", 3, "(\\Flagged \\Draft \\Deleted)", 1700000002)
    put("INBOX", 4, "()", 1700000003)
    put("INBOX", 4, "()", 1700000003)
    put("Sent", 5, "(\\Seen)", 1600000000, 100000)
    for n in range(300):
        put("Perch&AOk-.&ZeVnLIqe- 2025", 100 + n, "(\\Seen k%d)" % (n % 3), 1500000000 + n, 200)
    put("Perch&AOk-", 6, "()", 1400000000)
elif what == "few":
    put("INBOX", 9, "(\\Seen)", 1700000020)
    put("INBOX", 10, "()", 1700000021)
    put("Sent", 11, "(\\Seen)", 1700000022)
elif what == "change":
    fine(c.select("INBOX"))
    fine(c.store("1", "+FLAGS", "(\\Flagged Urgente)"))
    fine(c.store("2", "-FLAGS", "(\\Seen Pratica)"))
    fine(c.expunge())
    put("INBOX", 7, "(\\Seen)", 1700000009)
    fine(c.create("Nuova"))
    put("Nuova", 8, "(Nuovo)", 1700000010)
elif what == "subscribed":
    print(json.dumps(sorted(name for _, name in listed("lsub"))))
else:
    told = {}
    for wire, name in listed("list"):
        if fine(c.select('"%s"' % wire, readonly=True)) == [b"0"]:
            continue
        rows = []
        for row in fine(c.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")):
            if isinstance(row, tuple):
                flags = sorted(f.decode() for f in imaplib.ParseFlags(row[0]) if f != b"\\Recent")
                when = int(time.mktime(imaplib.Internaldate2tuple(row[0])))
                rows.append([hashlib.sha256(row[1]).hexdigest(), when, flags])
        told[name] = sorted(rows)
    print(json.dumps(told))
c.logout()
"#;

/// A server with an account that `CLIENT` talks to.
struct Peer {
    port: u16,
    user: String,
    ca: PathBuf,
}

impl Peer {
    fn ask(&self, what: &str) -> String {
        let port = self.port.to_string();
        run("python3", &["-c", CLIENT, what, "localhost", &port, &self.user], b"", 60).fine(what).out
    }

    fn holds(&self) -> Value {
        serde_json::from_str(&self.ask("list")).expect("JSON")
    }
}

/// A Dovecot of our own with the user `vecchia`; its folders are a Maildir++.
struct Dovecot {
    root: TempDir,
    keys: Keys,
    ports: Ports,
    running: Option<Guard>,
}

impl Dovecot {
    fn start() -> Self {
        let root = tempfile::Builder::new().prefix("d").tempdir_in("/tmp").expect("a folder");
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("a folder of ours");
        let (keys, ports) = (Keys::new(&["localhost"], &["web.example"]), Ports::take());
        let mail = root.path().join("mail");
        fs::create_dir(&mail).expect("a folder");
        let (user, group) = (rustix::fs::Uid::from_raw(8), rustix::fs::Gid::from_raw(8));
        rustix::fs::chown(&mail, Some(user), Some(group)).expect("a test with services runs as root");
        let mut dovecot = Self { root, keys, ports, running: None };
        fs::write(dovecot.root.path().join("users"), "vecchia:{PLAIN}segreta\nseconda:{PLAIN}segreta\n")
            .expect("a file");
        fs::write(dovecot.root.path().join("conf"), dovecot.settings()).expect("a file");
        dovecot.begin();
        dovecot
    }

    fn settings(&self) -> String {
        let (d, base) = (self.root.path().display(), self.ports.base);
        let (certificate, key) = (self.keys.path("mx.pem"), self.keys.path("mx.key"));
        format!(
            "base_dir = {d}/run\nlog_path = {d}/log\nprotocols = imap\nlisten = 127.0.0.1\nfirst_valid_uid = 8\n\
             mail_location = maildir:{d}/mail/%u\nssl = yes\nssl_cert = <{}\nssl_key = <{}\nauth_mechanisms = plain\n\
             auth_failure_delay = 0\n\
             passdb {{\n driver = passwd-file\n args = {d}/users\n}}\n\
             userdb {{\n driver = static\n args = uid=8 gid=8 home={d}/mail/%u\n}}\n\
             namespace inbox {{\n inbox = yes\n mailbox Sent {{\n  special_use = \\Sent\n  auto = create\n }}\n}}\n\
             service imap-login {{\n inet_listener imap {{\n  port = {base}\n }}\n\
             inet_listener imaps {{\n  port = {}\n  ssl = yes\n }}\n}}\n",
            certificate.display(),
            key.display(),
            base + 1
        )
    }

    fn begin(&mut self) {
        let program = installed("dovecot").expect("Debian: dovecot-imapd");
        let conf = self.root.path().join("conf");
        let child =
            Command::new(program).arg("-F").arg("-c").arg(conf).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.running = Some(Guard(child.expect("Dovecot starts")));
        let port = self.ports.base + 1;
        wait_for("Dovecot", Duration::from_secs(30), || TcpStream::connect(("127.0.0.1", port)).ok());
    }

    fn peer(&self) -> Peer {
        Peer { port: self.ports.base + 1, user: "vecchia".to_owned(), ca: self.keys.path("ca.pem") }
    }

    fn maildir(&self) -> PathBuf {
        self.root.path().join("mail/vecchia")
    }
}

impl Drop for Dovecot {
    /// The master takes its children with it only when it is asked to end.
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.signal("TERM");
            running.end(Duration::from_secs(10));
        }
    }
}

/// Stands before a server, and gives what it says by and by for as long as it is slow: what is killed in the midst of its
/// work is in the midst of it on any machine.
struct Brake {
    port: u16,
    slow: Arc<AtomicBool>,
}

impl Brake {
    fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let brake = Self { port: listener.local_addr().expect("bound").port(), slow: Arc::default() };
        let slow = Arc::clone(&brake.slow);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.expect("a client"), TcpStream::connect(("127.0.0.1", server)));
                let (server, slow) = (server.expect("the server"), Arc::clone(&slow));
                let (from, to) = (server.try_clone().expect("a copy"), client.try_clone().expect("a copy"));
                thread::spawn(move || {
                    drop(io::copy(&mut &client, &mut &server));
                    drop(server.shutdown(Shutdown::Write));
                });
                thread::spawn(move || Self::pass(from, to, &slow));
            }
        });
        brake
    }

    fn pass(mut from: TcpStream, mut to: TcpStream, slow: &AtomicBool) {
        let mut piece = [0; 1024];
        while let Ok(count @ 1..) = from.read(&mut piece) {
            if slow.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(5));
            }
            // Who was killed hears nothing any more.
            if to.write_all(&piece[..count]).is_err() {
                break;
            }
        }
        drop(to.shutdown(Shutdown::Both));
    }
}

/// The verb for an account, with its password in a file.
fn verb(place: &Path, to: &str, from: &str, ca: &Path) -> Vec<String> {
    let password = place.join("password");
    fs::write(&password, "segreta\n").expect("a file");
    let state = place.join(format!("stato-{to}"));
    let [password, state, ca] = [&password, &state, ca].map(|p| p.to_string_lossy().into_owned());
    ["import", to, "--from", from, "--password-file", &password, "--state", &state, "--ca", &ca]
        .map(str::to_owned)
        .to_vec()
}

fn pass(sample: &Sample, verb: &[String]) -> (bool, Value) {
    moved(sample, &verb.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What the other side holds, as it should lie here.
fn as_here(mut there: Value) -> Value {
    let folders = there.as_object_mut().expect("folders");
    let sent = folders.remove("Sent").expect("a folder for what was sent");
    folders.insert("Inviata".to_owned(), sent);
    there
}

#[test]
fn an_account_of_dovecot_comes_in_by_passes() {
    let (sample, _guard) = served();
    let dovecot = Dovecot::start();
    let (there, place) = (dovecot.peer(), TempDir::new().expect("a folder"));
    there.ask("fill");
    let before = there.holds();
    let brake = Brake::before(there.port);
    let from = format!("imaps://vecchia@localhost:{}/", brake.port);
    let verb = verb(place.path(), ANNA, &from, &there.ca);

    let (fine, tried) = pass(&sample, &[&verb[..], &["--dry-run".to_owned()]].concat());
    assert!(fine && sum(&tried, "missing") == 307 && sum(&tried, "added") == 0, "{tried}");
    assert_eq!(ask(&sample, &["mailbox", "usage", ANNA], "")["box_messages"], 0);

    // A pass that is killed somewhere, and the next one.
    let state = place.path().join(format!("stato-{ANNA}"));
    brake.slow.store(true, Ordering::SeqCst);
    let mut broken = Command::new(binary());
    broken.arg("mailbox").args(&verb).args(["--socket", &sample.socket()]).stdout(Stdio::null());
    let mut broken = Guard(broken.spawn().expect("the program starts"));
    let lines = || fs::read_to_string(&state).map_or(0, |text| text.lines().count());
    wait_for("some messages", Duration::from_secs(60), || (lines() > 20).then_some(()));
    broken.0.kill().expect("killed");
    broken.0.wait().expect("gone");
    brake.slow.store(false, Ordering::SeqCst);
    let (fine, first) = pass(&sample, &verb);
    let (added, already) = (sum(&first, "added"), sum(&first, "already"));
    assert!(fine && added + already == 307 && already >= 20 && added > 0, "{first}");
    assert_eq!((sum(&first, "missing"), sum(&first, "wrong")), (0, 0), "{first}");
    assert_eq!(there.holds(), before, "nothing changes at the source");
    let ca = sample.path("prova/ca.pem");
    let here = Peer { port: sample.ports.base + 4, user: ANNA.to_owned(), ca: ca.clone() };
    assert_eq!(here.holds(), as_here(before), "folders, bytes, dates, flags and keywords");
    let subscribed: Value = serde_json::from_str(&here.ask("subscribed")).expect("JSON");
    let has = |name: &str| subscribed.as_array().expect("names").iter().any(|n| n == name);
    assert!(has("Perché/日本語 2025") && !has("Vuota") && !has("Perché"), "{subscribed}");

    there.ask("change");
    let (fine, delta) = pass(&sample, &verb);
    assert!(fine, "{delta}");
    let figures = ["added", "already", "flags", "gone", "missing"].map(|figure| sum(&delta, figure));
    assert_eq!(figures, [2, 306, 2, 1, 0], "{delta}");
    let (now, mut lying) = (as_here(there.holds()), here.holds());
    let inbox = lying["INBOX"].as_array_mut().expect("messages");
    inbox.retain(|row| row[1] != 1_700_000_002);
    assert_eq!(lying, now, "and what went at the source stays here");
    let (fine, again) = pass(&sample, &verb);
    assert!(fine && ["added", "flags", "missing"].map(|figure| sum(&again, figure)) == [0, 0, 0], "{again}");
    fs::remove_file(&state).expect("removed");
    let (fine, anew) = pass(&sample, &verb);
    assert!(fine && sum(&anew, "added") == 0 && sum(&anew, "already") == 308, "known by their hashes: {anew}");

    // A Sigillo as the source, by STARTTLS; the @ of the user stands as it is.
    ask(&sample, &["mailbox", "set", BRUNO, "--profile", "standard"], "");
    let from = format!("imap://{ANNA}@localhost:{}", sample.ports.base + 3);
    let (fine, told) = pass(&sample, &self::verb(place.path(), BRUNO, &from, &ca));
    assert!(fine && sum(&told, "added") == 309 && sum(&told, "missing") == 0, "{told}");
    assert_eq!(Peer { user: BRUNO.to_owned(), ..here }.holds()["Nuova"], now["Nuova"]);
}

#[test]
fn what_an_account_refuses_is_told_and_the_rest_comes() {
    let (sample, _guard) = served();
    let dovecot = Dovecot::start();
    let (there, place) = (dovecot.peer(), TempDir::new().expect("a folder"));
    there.ask("fill");
    let (port, socket) = (there.port, sample.socket());
    let good = format!("imaps://vecchia@localhost:{port}");
    let refused = |verb: &[String], what: &str| {
        let all: Vec<&str> = ["mailbox"].into_iter().chain(verb.iter().map(String::as_str)).collect();
        let ran = run(binary(), &[&all[..], &["--socket", &socket]].concat(), b"", 90);
        assert!(ran.code == Some(1) && ran.all().contains(what), "{what}: {}", ran.all());
    };
    let verb = |from: &str| verb(place.path(), ANNA, from, &there.ca);
    let password = place.path().join("password");

    refused(&verb(&good)[..6], "--state FILE");
    let mut wrong = verb(&good);
    fs::write(&password, "sbagliata\n").expect("a file");
    refused(&wrong, "utente o password non accettati");
    wrong = verb(&good);
    wrong.truncate(8);
    refused(&wrong, "TLS non riesce");
    refused(&verb(&format!("imaps://vecchia@127.0.0.1:{port}")), "TLS non riesce");
    refused(&verb("imaps://vecchia@posta.invalid"), "non ha un indirizzo");
    refused(&verb("imaps://vecchia@localhost:1"), "nessuna connessione");
    let plain = |from: &str| [&verb(from)[..], &["--plaintext".to_owned()]].concat();
    refused(&plain("imap://vecchia@posta.example"), "--plaintext vale solo");
    refused(&plain(&good), "--plaintext vale solo");
    assert_eq!(ask(&sample, &["mailbox", "usage", ANNA], "")["box_messages"], 0);

    // A folder and a message that the server itself cannot read.
    let closed = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o000)).expect("ours");
    closed(&dovecot.maildir().join(".Perch&AOk-"));
    let mut files = fs::read_dir(dovecot.maildir().join("cur")).expect("a Maildir").map(|f| f.expect("a file").path());
    closed(&files.next().expect("a message"));
    let (fine, told) = pass(&sample, &plain(&format!("imap://vecchia@localhost:{}", dovecot.ports.base)));
    assert!(!fine, "{told}");
    assert_eq!((sum(&told, "added"), sum(&told, "wrong"), sum(&told, "missing")), (305, 2, 0), "{told}");
    let wrong = told["wrong"].to_string();
    assert!(
        wrong.contains("\"Perché\"") && wrong.contains("la cartella non si legge") && wrong.contains("UID "),
        "{wrong}"
    );
    refused(&verb("imaps://vecchia@posta.example"), "ne serve uno per ogni coppia");
}

#[test]
fn a_list_of_accounts_comes_in_each_into_its_mailbox() {
    let (sample, _guard) = served();
    let dovecot = Dovecot::start();
    let (there, place) = (dovecot.peer(), TempDir::new().expect("a folder"));
    there.ask("fill");
    let second = Peer { user: "seconda".to_owned(), ca: there.ca.clone(), ..there };
    second.ask("few");
    ask(&sample, &["mailbox", "set", BRUNO, "--profile", "standard"], "");
    let (file, states) = (place.path().join("conti.csv"), place.path().join("stati"));
    fs::write(place.path().join("seconda.password"), "segreta\n").expect("a file");
    let port = there.port;
    let list = format!(
        "\u{feff}casella;server;utente;password;file_password\r\n\
         {ANNA};imaps://localhost:{port};vecchia;segreta;\r\n\
         {BRUNO};localhost:{port};seconda;;seconda.password\r\n\
         {BRUNO};localhost:{port};vecchia;segretissima;\r\n\
         nessuno@comune-esempio.example;localhost:{port};vecchia;segreta;\r\n\
         {ANNA};;vecchia;segretissima;\r\n"
    );
    fs::write(&file, list).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("ours");
    let [list, state, ca] = [&file, &states, &there.ca].map(|path| path.to_string_lossy().into_owned());
    let import = |more: &[&str]| {
        let verb = ["import", "--accounts", &list, "--state", &state, "--ca", &ca, "--jobs", "2"];
        let (fine, told) = moved(&sample, &[&verb[..], more].concat());
        assert!(!fine && !told.to_string().contains("segret"), "{told}");
        let lines = told["accounts"].as_array().expect("lines").clone();
        assert_eq!(lines.iter().map(|l| l["line"].as_u64()).collect::<Vec<_>>(), (2..7).map(Some).collect::<Vec<_>>());
        for (line, why) in [(2, "utente o password"), (3, "nessuno@"), (4, "server")] {
            let error = lines[line]["error"].as_str().unwrap_or_default();
            assert!(error.contains(why) && lines[line]["report"].is_null(), "{line}: {told}");
        }
        told["totals"].clone()
    };
    let tried = import(&["--dry-run"]);
    assert_eq!((&tried["missing"], &tried["added"], &tried["whole"]), (&310.into(), &0.into(), &2.into()), "{tried}");
    assert_eq!(ask(&sample, &["mailbox", "usage", ANNA], "")["box_messages"], 0);
    let first = import(&[]);
    assert_eq!((&first["added"], &first["missing"], &first["lines"]), (&310.into(), &0.into(), &5.into()), "{first}");
    let here =
        |user: &str| Peer { port: sample.ports.base + 4, user: user.to_owned(), ca: sample.path("prova/ca.pem") };
    assert_eq!(here(ANNA).holds(), as_here(there.holds()));
    assert_eq!(here(BRUNO).holds(), as_here(second.holds()));
    there.ask("change");
    let again = import(&[]);
    assert_eq!((&again["added"], &again["already"]), (&2.into(), &309.into()), "a delta pass: {again}");
    assert_eq!(fs::metadata(&states).expect("a folder").permissions().mode() & 0o777, 0o700);
}
