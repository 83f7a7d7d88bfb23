//! Servers of others that ask for a password, that break, or that are slow to say yes.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sigillo_tests::demo::{Guard, binary, run, wait_for};
use sigillo_tests::knot::{Knot, Zone};
use tempfile::TempDir;

use crate::postfix::Keys;
use crate::serve::Sample;

const ANNA: &str = "anna@comune-esempio.example";

/// A server that does as its plan says: `implicit` for TLS from the first byte, `protects` to offer REQUIRETLS; then, for each message in turn, `drop`
/// (ends after the dot), `later` (451), `close` (ends after 354) or `take`; the last one goes on. Arguments: address, port,
/// certificate, key, plan. It prints what it hears; `<TLS>` when the channel stands.
const SERVER: &str = r#"
import socket, ssl, sys, threading
address, port, certificate, key = sys.argv[1:5]
plan = sys.argv[5].split(",")
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
if certificate:
    context.load_cert_chain(certificate, key)
implicit = plan[0] == "implicit"
if implicit:
    plan.pop(0)
protects = plan[0] == "protects"
if protects:
    plan.pop(0)
lock = threading.Lock()
def step():
    with lock:
        return plan.pop(0) if len(plan) > 1 else plan[0]
def serve(raw):
    try:
        if implicit:
            raw = context.wrap_socket(raw, server_side=True)
            print("<TLS>", flush=True)
        raw.sendall(b"220 altro\r\n")
        file, data = raw.makefile("rb"), None
        while line := file.readline():
            text = line.decode("latin-1").strip()
            if data is not None and text != ".":
                continue
            print(text, flush=True)
            word = text.split(" ")[0].upper()
            if word == "EHLO":
                offer = b"250-REQUIRETLS\r\n" if protects else b""
                raw.sendall(b"250-altro\r\n250-AUTH PLAIN LOGIN\r\n" + offer + b"250 PIPELINING\r\n")
            elif word == "AUTH":
                raw.sendall(b"235 2.7.0 bene\r\n")
            elif word == "DATA":
                data = step()
                raw.sendall(b"354 dica\r\n")
                if data == "close":
                    raw.close()
                    return
            elif word == ".":
                if data == "drop":
                    raw.shutdown(socket.SHUT_RDWR)
                    return
                raw.sendall(b"451 4.3.0 dopo\r\n" if data == "later" else b"250 2.0.0 preso\r\n")
                data = None
            elif word == "QUIT":
                raw.sendall(b"221 addio\r\n")
                return
            else:
                raw.sendall(b"250 2.1.0 bene\r\n")
    except (OSError, ValueError) as error:
        print("ended: %s" % error, flush=True)
listener = socket.create_server((address, int(port)))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"#;

struct Server {
    folder: TempDir,
    _process: Guard,
}

impl Server {
    fn start(at: SocketAddr, keys: Option<(&Path, &Path)>, plan: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = |p: &Path| p.to_string_lossy().into_owned();
        let (certificate, key) = keys.map_or_else(Default::default, |(c, k)| (path(c), path(k)));
        let output = fs::File::create(folder.path().join("heard")).expect("a file");
        let mut command = Command::new("python3");
        let (ip, port) = (at.ip().to_string(), at.port().to_string());
        command.args(["-u", "-c", SERVER, &ip, &port, &certificate, &key, plan]).stdin(Stdio::null()).stdout(output);
        let process = Guard(command.spawn().expect("python3 starts"));
        let server = Self { folder, _process: process };
        wait_for("the server", Duration::from_secs(20), || std::net::TcpStream::connect(at).ok());
        server
    }

    fn heard(&self) -> String {
        fs::read_to_string(self.folder.path().join("heard")).unwrap_or_default()
    }

    /// How many messages came whole.
    fn dots(&self) -> usize {
        self.heard().lines().filter(|l| *l == ".").count()
    }
}

fn send(sample: &Sample, to: &str) {
    let letter = format!("From: {ANNA}\r\nTo: {to}\r\nSubject: fuori\r\nMessage-ID: <{to}>\r\n\r\nCiao.\r\n");
    let url = format!("smtp://127.0.0.1:{}", sample.ports.base + 1);
    sample.curl(ANNA, &url, &["--mail-from", ANNA, "--mail-rcpt", to, "--upload-file", "-"], &letter).fine("curl");
}

fn queue(sample: &Sample) -> String {
    run(binary(), &["queue", "list", "--json", "--socket", &sample.socket()], b"", 30).fine("queue list").out
}

/// Puts tables before `[access]`, and these roots in place of the sample's.
fn configure(sample: &Sample, tables: &str, roots: Option<&Path>) {
    let mut text = sample.text().replacen("\n[dns]\n", &format!("\n{tables}\n[dns]\n"), 1);
    if let Some(roots) = roots {
        text = text.replacen("\nroots = \"prova/ca.pem\"", &format!("\nroots = \"{}\"", roots.display()), 1);
    }
    sample.write(&text);
}

#[test]
fn a_smarthost_takes_everything_under_tls_from_who_it_knows() {
    let sample = Sample::new();
    let keys = Keys::new(&["uscita.example"], &[]);
    let (certificate, key, password) = (keys.path("mx.pem"), keys.path("mx.key"), keys.path("password"));
    fs::write(&password, "segreta\n").expect("a file");
    let at = SocketAddr::from(([127, 0, 0, 1], sample.ports.base + 9));
    let server = Server::start(at, Some((&certificate, &key)), "implicit,take");
    let table = format!(
        "[relay.smarthost]\nhost = \"uscita.example\"\naddress = \"127.0.0.1\"\nport = {}\ntls = \"implicit\"\n\
         user = \"utente\"\npassword_file = \"{}\"\n",
        at.port(),
        password.display()
    );
    configure(&sample, &table, Some(&keys.path("ca.pem")));
    // The second message is to find the connection of the first, however late it comes.
    let patient = sample.text().replacen("\nidle_s = 5\n", "\nidle_s = 60\n", 1);
    assert!(patient.contains("\nidle_s = 60\n"), "the sample says how long a connection waits");
    sample.write(&patient);
    let _guard = sample.serve();
    sample.add(ANNA, "segreta");
    for (sent, to) in (1..).zip(["dora@uno.example", "dora@due.example"]) {
        send(&sample, to);
        wait_for(to, Duration::from_secs(30), || (server.dots() == sent).then_some(()));
        // Once the queue is empty the connection is there for the next message.
        wait_for("an empty queue", Duration::from_secs(30), || (!queue(&sample).contains("relay")).then_some(()));
    }
    let heard = server.heard();
    assert!(heard.contains("AUTH PLAIN AHV0ZW50ZQBzZWdyZXRh"), "{heard}");
    assert_eq!(heard.matches("<TLS>").count(), 1, "one connection for both domains: {heard}");
    assert!(!sample.said().contains("AHV0ZW50ZQBzZWdyZXRh"), "no secret in a log");
}

/// Between the final dot and its answer nobody knows but the server: the message is neither lost nor given to the next
/// server in the same breath; it comes again.
#[test]
fn an_answer_that_is_lost_loses_nothing_and_sends_no_second_copy_elsewhere() {
    let sample = Sample::new();
    let knot = Knot::start(&[Zone {
        name: "example",
        records: Some("rotto MX 10 a.rotto\nrotto MX 20 b.rotto\na.rotto A 127.0.0.2\nb.rotto A 127.0.0.3\n"),
        signed: false,
    }]);
    let port = sample.ports.base + 9;
    let text = sample.text().replacen("\nport = 25\n", &format!("\nport = {port}\n"), 1);
    sample.write(&text.replacen("\n[dns]\n", &format!("\n[dns]\nservers = [\"{}\"]\n", knot.address()), 1));
    let server = |last| Server::start(SocketAddr::from(([127, 0, 0, last], port)), None, "drop,take");
    let (first, second) = (server(2), server(3));
    let _guard = sample.serve();
    sample.add(ANNA, "segreta");
    send(&sample, "dora@rotto.example");
    wait_for("the first time", Duration::from_secs(30), || (first.dots() == 1).then_some(()));
    let error = || Some(queue(&sample)).filter(|q| q.contains("il server ha chiuso la connessione"));
    wait_for("the wait", Duration::from_secs(20), error);
    assert_eq!(second.dots(), 0, "the next server might be a second copy");
    wait_for("the second time", Duration::from_secs(90), || (first.dots() == 2).then_some(()));
    wait_for("an empty queue", Duration::from_secs(30), || (!queue(&sample).contains("rotto.example")).then_some(()));
    assert_eq!((first.dots(), second.dots()), (2, 0));
}

/// 354 and then nothing, or "later": the message waits, and comes once when it is taken.
#[test]
fn a_server_that_breaks_off_or_says_later_gets_the_message_once() {
    let sample = Sample::new();
    let at = SocketAddr::from(([127, 0, 0, 1], sample.ports.base + 9));
    let server = Server::start(at, None, "close,later,take");
    let table = format!("[[relay.route]]\ndomains = [\"*\"]\naddress = \"{at}\"\nname = \"mx.lento.example\"\n");
    configure(&sample, &table, None);
    let _guard = sample.serve();
    sample.add(ANNA, "segreta");
    send(&sample, "dora@lento.example");
    let waits = |text: &'static str| {
        wait_for(text, Duration::from_secs(90), || Some(queue(&sample)).filter(|q| q.contains(text)))
    };
    waits("il server ha chiuso la connessione");
    waits("451 4.3.0 dopo");
    wait_for("an empty queue", Duration::from_secs(120), || (!queue(&sample).contains("lento.example")).then_some(()));
    assert_eq!(server.heard().lines().filter(|l| *l == "DATA").count(), 3, "{}", server.heard());
}

/// Hands in a message that asks for TLS on its whole way, as Python does it. Arguments: port, sender, recipients.
const MARKED: &str = r#"
import smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
server = smtplib.SMTP("127.0.0.1", int(sys.argv[1]))
server.starttls(context=context)
server.login(sys.argv[2], "segreta")
to = sys.argv[3:]
letter = "From: %s\r\nTo: %s\r\nSubject: riservato\r\n\r\nCiao.\r\n" % (sys.argv[2], ", ".join(to))
assert not server.sendmail(sys.argv[2], to, letter, mail_options=["REQUIRETLS"])
server.quit()
"#;

/// REQUIRETLS (RFC 8689): the mark goes to the next server that offers it, also when that is the second one; where none
/// does, the sender hears 5.7.30, and nothing has gone out.
#[test]
fn a_message_that_requires_tls_goes_only_to_who_protects_it() {
    let sample = Sample::new();
    let keys = Keys::new(&["mx.uscita.example"], &[]);
    let (certificate, key) = (keys.path("mx.pem"), keys.path("mx.key"));
    let at = |last| SocketAddr::from(([127, 0, 0, last], sample.ports.base + 9));
    let plans = [(2, "implicit,take"), (3, "implicit,protects,take")];
    let [plain, protecting] = plans.map(|(last, plan)| Server::start(at(last), Some((&certificate, &key)), plan));
    let zone = "mx.uscita A 127.0.0.2\nmx.uscita A 127.0.0.3\nsola A 127.0.0.2\n";
    let knot = Knot::start(&[Zone { name: "example", records: Some(zone), signed: false }]);
    let route = |domain: &str, server: String| {
        format!("[[relay.route]]\ndomains = [\"{domain}\"]\n{server}\ntls = \"implicit\"\n")
    };
    let both = format!("servers = [\"mx.uscita.example:{}\"]", at(2).port());
    let alone = format!("address = \"{}\"\nname = \"mx.uscita.example\"", at(2));
    let tables = route("due.example", both) + &route("una.example", alone);
    configure(&sample, &tables, Some(&keys.path("ca.pem")));
    let text = sample.text().replacen("\n[dns]\n", &format!("\n[dns]\nservers = [\"{}\"]\n", knot.address()), 1);
    sample.write(&text);
    let _guard = sample.serve();
    sample.add(ANNA, "segreta");
    let port = (sample.ports.base + 1).to_string();
    let to = ["dora@due.example", "dora@una.example"];
    run("python3", &[&["-c", MARKED, &port, ANNA], &to[..]].concat(), b"", 30).fine("python");
    wait_for("an empty queue", Duration::from_secs(60), || (!queue(&sample).contains("relay")).then_some(()));
    let heard = protecting.heard();
    assert!(heard.lines().any(|l| l.starts_with("MAIL ") && l.contains(" REQUIRETLS")), "{heard}");
    assert_eq!((protecting.dots(), plain.dots()), (1, 0), "{}", plain.heard());
    assert!(!plain.heard().contains("MAIL FROM"), "{}", plain.heard());
    let inbox = format!("imaps://127.0.0.1:{}/INBOX", sample.ports.base + 4);
    // It is one of the first messages; what is not there yet is an error of curl.
    wait_for("the sender hears why", Duration::from_secs(30), || {
        let mut told = (1..=3).map(|n| sample.curl(ANNA, &format!("{inbox};MAILINDEX={n}"), &[], "").out);
        told.any(|message| message.contains("5.7.30")).then_some(())
    });
    // Without the mark the same servers take it.
    send(&sample, "dora@una.example");
    wait_for("the other", Duration::from_secs(30), || (plain.dots() == 1).then_some(()));
}
