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
use sigillo_tests::demo::{Guard, Ports, binary, run, wait_for};
use sigillo_tests::dovecot::{Dovecot, Setup};
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
                yield name, "/".join(map(decoded, name.split(delimiter)))

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
elif what.startswith("account "):
    # Each its own: folders, numbers, sizes and flags by a number.
    own = int(what.split()[1])
    put("INBOX", own, "(\\Seen)", 1690000000 + own)
    put("Sent", own, "()", 1690000000)
    for n in range(own):
        name = "Fascicolo %d" % n if n % 2 else "Anno 20%02d.Mese %d" % (n, own)
        fine(c.create('"%s"' % name))
        for m in range(1 + (own * n) % 7):
            flags = ["()", "(\\Seen)", "(\\Flagged k%d)" % own, "(\\Answered \\Seen)"][m % 4]
            put(name, 1000 * own + 10 * n + m, flags, 1600000000 + 1000 * own + m, (own * m * 50) % 400)
elif what == "letters":
    def letter(folder, number, rest, flags, when):
        head = b"From: Anna <anna@x.example>\r\nSubject: =?utf-8?q?perch=C3=A9?=\r\nMessage-ID: <%d@x>\r\n" % number
        fine(c.append('"%s"' % folder, flags, imaplib.Time2Internaldate(when), head + rest))
    for name in ["Pratiche", "Pratiche/2026", "Pratiche/2026/Perch&AOk-", "v1.0", "Vuota"]:
        fine(c.create('"%s"' % name))
    letter("INBOX", 1, b"\r\nuno\r\nFrom qui in poi\r\n>From la'\r\n.\r\n\r\n\r\n", "(\\Seen \\Answered)", 1700000001)
    letter("INBOX", 2, b"\r\nsenza fine di riga", "()", 1700000002)
    letter("INBOX", 2, b"\r\nsenza fine di riga", "()", 1700000002)
    letter("INBOX", 3, b"\r\n\xe8 \xff\r\n", "(\\Flagged $Forwarded Pratica)", 1000000000)
    letter("Pratiche/2026/Perch&AOk-", 4, b"\r\n" + b"riga\r\n" * 30000, "(\\Draft \\Deleted)", 1709164800)
    for n in range(30):
        letter("Pratiche/2026", 10 + n, b"\r\ncorpo %d\r\n" % n, "(\\Seen k%d)" % (n % 5), 1711846800 + n)
    letter("v1.0", 5, b"Status: O\r\nX-Keywords: suo\r\nContent-Length: 7\r\n\r\n", "(\\Seen)", 1700000005)
    letter("Inviata", 6, b"\r\nmandata\r\n", "(\\Seen)", 1700000006)
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
    # What stands for flags in an mbox is none of the message's fields to who reads one; and "From " is quoted there.
    def changed(text):
        if "fields" in what:
            head, end, body = text.partition(b"\r\n\r\n")
            text = re.sub(rb"\r\n((X-)?Status|X-Keywords|Content-Length): [^\r]*", b"", head) + end + body
        return re.sub(rb"\n>(>*From )", rb"\n\1", text) if "quoted" in what else text
    told = {}
    for wire, name in listed("list"):
        if fine(c.select('"%s"' % wire, readonly=True)) == [b"0"]:
            continue
        rows = []
        for row in fine(c.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")):
            if isinstance(row, tuple):
                flags = sorted(f.decode() for f in imaplib.ParseFlags(row[0]) if f != b"\\Recent")
                when = int(time.mktime(imaplib.Internaldate2tuple(row[0])))
                rows.append([hashlib.sha256(changed(row[1])).hexdigest(), when, flags])
        told[name] = sorted(rows)
    print(json.dumps(told))
c.logout()
"#;

/// A server with an account that `CLIENT` talks to.
pub struct Peer {
    port: u16,
    user: String,
    ca: PathBuf,
}

impl Peer {
    /// A mailbox of the program's.
    pub fn of(sample: &Sample, user: &str) -> Self {
        Self { port: sample.ports.base + 4, user: user.to_owned(), ca: sample.path("prova/ca.pem") }
    }

    pub fn ask(&self, what: &str) -> String {
        let port = self.port.to_string();
        run("python3", &["-c", CLIENT, what, "localhost", &port, &self.user], b"", 60).fine(what).out
    }

    /// Its folders that hold something: hash of the bytes, second and flags of each message.
    pub fn holds(&self) -> Value {
        self.holds_but("")
    }

    /// The same without what an mbox has no place for: `fields`, `quoted`.
    pub fn holds_but(&self, changes: &str) -> Value {
        serde_json::from_str(&self.ask(&format!("list {changes}"))).expect("JSON")
    }
}

/// A Dovecot with a certificate for localhost; the password of all its users is `segreta`.
pub struct Theirs {
    pub dovecot: Dovecot,
    pub ports: Ports,
    keys: Keys,
}

impl Theirs {
    /// See [`Setup`].
    pub fn start(mail: &str, users: &[String], more: &str) -> Self {
        let (keys, ports) = (Keys::new(&["localhost"], &["web.example"]), Ports::take());
        let users: String = users.iter().map(|user| format!("{user}:{{PLAIN}}segreta\n")).collect();
        let [certificate, key] = ["mx.pem", "mx.key"].map(|name| keys.path(name));
        let dovecot = Dovecot::start(&Setup {
            below: Path::new("/tmp"),
            ports: [ports.base, ports.base + 1],
            tls: [&certificate, &key],
            mail,
            users: &users,
            more,
        });
        Self { dovecot, ports, keys }
    }

    /// What others move away from: its folders are a Maildir++.
    fn maildir(users: &[&str]) -> Self {
        let sent = "namespace inbox {\n inbox = yes\n mailbox Sent {\n  special_use = \\Sent\n  auto = create\n }\n}\n";
        Self::start("maildir", &users.iter().map(ToString::to_string).collect::<Vec<_>>(), sent)
    }

    pub fn peer(&self, user: &str) -> Peer {
        Peer { port: self.ports.base + 1, user: user.to_owned(), ca: self.keys.path("ca.pem") }
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
    let theirs = Theirs::maildir(&["vecchia", "seconda"]);
    let (there, place) = (theirs.peer("vecchia"), TempDir::new().expect("a folder"));
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
    let here = Peer::of(&sample, ANNA);
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
    assert_eq!(Peer::of(&sample, BRUNO).holds()["Nuova"], now["Nuova"]);
}

#[test]
fn what_an_account_refuses_is_told_and_the_rest_comes() {
    let (sample, _guard) = served();
    let theirs = Theirs::maildir(&["vecchia", "seconda"]);
    let (there, place) = (theirs.peer("vecchia"), TempDir::new().expect("a folder"));
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
    closed(&theirs.dovecot.mail("vecchia").join(".Perch&AOk-"));
    let mut files =
        fs::read_dir(theirs.dovecot.mail("vecchia").join("cur")).expect("a Maildir").map(|f| f.expect("a file").path());
    closed(&files.next().expect("a message"));
    let (fine, told) = pass(&sample, &plain(&format!("imap://vecchia@localhost:{}", theirs.ports.base)));
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
    let theirs = Theirs::maildir(&["vecchia", "seconda"]);
    let (there, place) = (theirs.peer("vecchia"), TempDir::new().expect("a folder"));
    there.ask("fill");
    let second = theirs.peer("seconda");
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
    let here = |user: &str| Peer::of(&sample, user);
    assert_eq!(here(ANNA).holds(), as_here(there.holds()));
    assert_eq!(here(BRUNO).holds(), as_here(second.holds()));
    there.ask("change");
    let again = import(&[]);
    assert_eq!((&again["added"], &again["already"]), (&2.into(), &309.into()), "a delta pass: {again}");
    assert_eq!(fs::metadata(&states).expect("a folder").permissions().mode() & 0o777, 0o700);
}

/// The administration's side of a cut-over: ten people, a first pass while they still work there, the MX moved, a pass after it.
#[test]
fn ten_accounts_come_in_whole_and_nothing_is_missing_after_the_cut_over() {
    let (sample, _guard) = served();
    let names: Vec<String> = (1..=10).map(|n| format!("conto{n}")).collect();
    let theirs = Theirs::maildir(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let place = TempDir::new().expect("a folder");
    let pairs: Vec<(Peer, Peer)> = names
        .iter()
        .map(|name| {
            let address = format!("{name}@comune-esempio.example");
            sample.add(&address, "segreta");
            (theirs.peer(name), Peer::of(&sample, &address))
        })
        .collect();
    pairs.iter().zip(1..).for_each(|((there, _), n)| drop(there.ask(&format!("account {n}"))));
    let port = theirs.ports.base + 1;
    let line = |(there, here): &(Peer, Peer)| format!("{};localhost:{port};{};segreta\n", here.user, there.user);
    let list = "casella;server;utente;password\n".to_owned() + &pairs.iter().map(line).collect::<String>();
    let (file, states) = (place.path().join("conti.csv"), place.path().join("stati"));
    fs::write(&file, list).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("ours");
    let [list, state, ca] = [&file, &states, &pairs[0].0.ca].map(|path| path.to_string_lossy().into_owned());
    let import = |more: &[&str]| {
        let verb = ["import", "--accounts", &list, "--state", &state, "--ca", &ca];
        let (fine, told) = moved(&sample, &[&verb[..], more].concat());
        assert!(fine, "{told}");
        let totals = told["totals"].clone();
        assert_eq!(
            (&totals["lines"], &totals["whole"], &totals["wrong"]),
            (&10.into(), &10.into(), &0.into()),
            "{told}"
        );
        totals
    };
    // Folder by folder as many, and each with its hash, date and flags.
    let equal = || {
        let count = |(there, here): &(Peer, Peer)| {
            let (there, here) = (as_here(there.holds()), here.holds());
            assert_eq!(here, there);
            here.as_object().expect("folders").values().map(|rows| rows.as_array().map_or(0, Vec::len)).sum::<usize>()
        };
        pairs.iter().map(count).sum::<usize>()
    };
    let first = import(&[]);
    let all = equal();
    assert_eq!((&first["added"], &first["missing"]), (&all.into(), &0.into()), "{first}");

    // They still wrote there; then the MX was moved.
    pairs.iter().for_each(|(there, _)| drop(there.ask("few")));
    let delta = import(&[]);
    assert_eq!(
        (&delta["added"], &delta["already"], &delta["missing"]),
        (&30.into(), &all.into(), &0.into()),
        "{delta}"
    );
    assert_eq!(equal(), all + 30);
    let after = import(&["--dry-run"]);
    assert_eq!(
        (&after["missing"], &after["added"], &after["already"]),
        (&0.into(), &0.into(), &(all + 30).into()),
        "{after}"
    );
}
