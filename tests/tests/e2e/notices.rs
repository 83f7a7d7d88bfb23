//! What people are told outside of certified mail, by the program at work: a gateway of short messages that fails, a kill
//! between commit and sending, copies to a server of ordinary mail that openssl verifies, certificates that change.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use data_encoding::BASE64_MIME;
use serde_json::Value;
use sigillo_tests::demo::{Guard, run, sigillo, wait_for};

use crate::rates::{ANNA, BRUNO, ask};
use crate::serve::Sample;

const HOME: &str = "bruno@casa.example";
const LONG: Duration = Duration::from_secs(120);

/// The world outside: a gateway of short messages that answers 503 while a file says so, and a server that takes ordinary
/// mail. What comes is a file each. Arguments: folder, port of the gateway, port of the server.
const WORLD: &str = r#"
import http.server, json, os, socketserver, sys, threading
folder, sms, smtp = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
lock, number = threading.Lock(), 0
def keep(kind, data):
    global number
    with lock:
        number += 1
        name = os.path.join(folder, "%s.%04d" % (kind, number))
    with open(name + ".part", "wb") as out:
        out.write(data)
    os.rename(name + ".part", name)
class Gateway(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        down = os.path.exists(os.path.join(folder, "down"))
        right = self.headers["X-Key"] == "chiave del gateway"
        if down or not right:
            keep("refused", body)
        else:
            keep("sms", body)
        self.send_response(503 if down else 200 if right else 401)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *args):
        pass
class Server(socketserver.StreamRequestHandler):
    def handle(self):
        say = lambda text: self.wfile.write(text.encode() + b"\r\n")
        say("220 mx.casa.example")
        envelope = b""
        for line in self.rfile:
            word = line.strip().upper()
            if word.startswith((b"EHLO", b"HELO")):
                self.wfile.write(b"250-mx.casa.example\r\n250 8BITMIME\r\n")
            elif word.startswith(b"DATA"):
                say("354 go on")
                data = b""
                for line in self.rfile:
                    if line == b".\r\n":
                        break
                    data += line[1:] if line.startswith(b".") else line
                keep("mail", data)
                keep("envelope", envelope)
                say("250 taken")
                envelope = b""
            elif word.startswith(b"QUIT"):
                return say("221 bye")
            else:
                envelope += line
                say("250 ok")
class Threads(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
mail = Threads(("127.0.0.1", smtp), Server)
threading.Thread(target=mail.serve_forever, daemon=True).start()
gateway = http.server.ThreadingHTTPServer(("127.0.0.1", sms), Gateway)
print("ready", flush=True)
gateway.serve_forever()
"#;

struct Scene {
    sample: Sample,
    world: tempfile::TempDir,
    _ends: Guard,
}

impl Scene {
    fn new() -> Self {
        let (sample, world) = (Sample::new(), tempfile::tempdir().expect("a folder"));
        let (sms, smtp) = (sample.ports.base + 8, sample.ports.base + 9);
        fs::write(sample.path("sms.secret"), "chiave del gateway\n").expect("a secret");
        let more = format!(
            "\n[sms]\nurl = \"http://127.0.0.1:{sms}/send\"\nbody = {{ to = \"{{to}}\", text = \"{{text}}\" }}\n\
             secret_header = \"X-Key\"\nsecret_file = \"sms.secret\"\n\n\
             [[relay.route]]\ndomains = [\"casa.example\"]\naddress = \"127.0.0.1:{smtp}\"\nname = \"mx.casa.example\"\n"
        );
        sample.write(&(sample.text() + &more));
        let folder = world.path().to_string_lossy().into_owned();
        let mut python = Command::new("python3");
        python.args(["-u", "-c", WORLD, &folder, &sms.to_string(), &smtp.to_string()]);
        let heard = fs::File::create(world.path().join("out")).expect("a file");
        let ends = Guard(python.stdin(Stdio::null()).stdout(heard).spawn().expect("python3 starts"));
        let scene = Self { sample, world, _ends: ends };
        wait_for("the world outside", LONG, || scene.read("out").contains("ready").then_some(()));
        scene
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.world.path().join(name)).unwrap_or_default()
    }

    /// What came, in order.
    fn came(&self, kind: &str) -> Vec<Vec<u8>> {
        let names = fs::read_dir(self.world.path()).expect("the folder").map(|e| e.expect("an entry").path());
        let wanted = |name: &std::path::PathBuf| {
            let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with(&format!("{kind}.")) && !name.ends_with(".part")
        };
        let mut names: Vec<_> = names.filter(wanted).collect();
        names.sort();
        names.iter().map(|name| fs::read(name).expect("a file")).collect()
    }

    fn texts(&self, kind: &str) -> Vec<Value> {
        self.came(kind).iter().map(|body| serde_json::from_slice(body).expect("JSON")).collect()
    }

    fn mails(&self, holds: &str) -> Vec<String> {
        let all = self.came("mail").into_iter().map(|mail| String::from_utf8(mail).expect("text"));
        all.filter(|mail| mail.contains(holds)).collect()
    }

    fn send(&self, subject: &str) {
        let id = subject.replace(' ', ".");
        let letter =
            format!("From: {ANNA}\r\nTo: {BRUNO}\r\nSubject: {subject}\r\nMessage-ID: <{id}@x>\r\n\r\nCiao.\r\n");
        let url = format!("smtp://127.0.0.1:{}", self.sample.ports.base + 1);
        let args = ["--mail-from", ANNA, "--mail-rcpt", BRUNO, "--upload-file", "-"];
        self.sample.curl(ANNA, &url, &args, &letter).fine("curl sends");
    }

    fn arrives(&self, subject: &str) {
        let inbox = format!("imaps://127.0.0.1:{}/INBOX", self.sample.ports.base + 4);
        wait_for(subject, LONG, || {
            let search = format!("SEARCH SUBJECT \"{subject}\"");
            let found = self.sample.curl(BRUNO, &inbox, &["--request", &search], "").fine("curl reads").out;
            found.trim().strip_prefix("* SEARCH").is_some_and(|n| !n.trim().is_empty()).then_some(())
        });
    }

    fn register(&self, kind: &str) -> Vec<Value> {
        let found = ask(&self.sample, &["notice", "register", "--kind", kind], "");
        found["notices"].as_array().expect("notices").clone()
    }
}

fn body(mail: &str) -> String {
    let (_, body) = mail.split_once("\r\n\r\n").expect("a body");
    String::from_utf8(BASE64_MIME.decode(body.as_bytes()).expect("base64")).expect("text")
}

#[test]
fn mail_does_not_wait_for_a_gateway_that_fails_and_no_kill_loses_its_alert() {
    let scene = Scene::new();
    fs::write(scene.world.path().join("down"), "").expect("the gateway is down");
    let mut guard = scene.sample.serve();
    for user in [ANNA, BRUNO] {
        scene.sample.add(user, "segreta");
    }
    ask(&scene.sample, &["mailbox", "alert", BRUNO, "--sms", "333 1234567"], "");
    scene.send("delibera riservata");
    scene.arrives("delibera riservata");
    let waits = wait_for("an attempt", LONG, || {
        let list = ask(&scene.sample, &["notice", "list"], "");
        let first = list["notices"][0].clone();
        first["failures"].as_u64().is_some_and(|n| n > 0).then_some(first)
    });
    assert_eq!(
        (&waits["to"], &waits["about"], &waits["state"]),
        (&"sms:+393331234567".into(), &BRUNO.into(), &"waiting".into())
    );
    assert!(waits["why"].as_str().is_some_and(|why| why.contains("503")), "{waits}");
    let socket = scene.sample.socket();
    let status = sigillo(&["status", "--socket", &socket], 30).fine("status").out;
    assert!(status.contains("NON PARTONO"), "{status}");
    assert!(!waits.to_string().contains("riservata"), "the text is not shown: {waits}");

    guard.signal("KILL");
    guard.end(LONG);
    fs::remove_file(scene.world.path().join("down")).expect("the gateway is up");
    assert!(scene.texts("sms").is_empty());
    let said = scene.sample.said();
    let _guard = scene.sample.serve();
    let texts = wait_for("the alert", LONG, || Some(scene.texts("sms")).filter(|texts| !texts.is_empty()));
    assert_eq!(texts[0]["to"], "+393331234567");
    let text = texts[0]["text"].as_str().expect("a text");
    assert_eq!(text, format!("PEC per {BRUNO} da {ANNA}: delibera riservata"));
    wait_for("the register", LONG, || (scene.register("alert")[0]["state"] == "sent").then_some(()));
    assert_eq!(scene.texts("sms").len(), 1, "once");
    let said = said + &scene.sample.said();
    for secret in ["PEC per", "+393331234567", "chiave del gateway"] {
        assert!(!said.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn a_copy_goes_out_after_a_code_was_given_back_and_openssl_verifies_it() {
    let scene = Scene::new();
    let _guard = scene.sample.serve();
    for user in [ANNA, BRUNO] {
        scene.sample.add(user, "segreta");
    }
    let chosen = ask(&scene.sample, &["mailbox", "forward", BRUNO, "--to", HOME], "");
    assert_eq!(chosen["confirmed"], false);
    scene.send("prima della conferma");
    scene.arrives("prima della conferma");
    let mail = wait_for("the code", LONG, || scene.mails("Conferma").pop());
    let text = body(&mail);
    let code = text.split("Per confermare: ").nth(1).expect("a code")[..8].to_owned();
    assert_eq!(
        ask(&scene.sample, &["mailbox", "forward", BRUNO, "--confirm", "--code-file", "-"], &code)["confirmed"],
        true
    );
    scene.send("dopo la conferma");
    let copy = wait_for("the copy", LONG, || scene.mails("Delivered-To").pop());
    assert!(
        copy.starts_with(&format!("Delivered-To: {BRUNO}\r\n")) && copy.contains("POSTA CERTIFICATA: dopo"),
        "{copy}"
    );
    let (file, ca) = (scene.world.path().join("copia.eml"), scene.sample.path("prova/ca.pem"));
    fs::write(&file, &copy).expect("a file");
    let (file, ca) = (file.to_string_lossy(), ca.to_string_lossy());
    run("openssl", &["cms", "-verify", "-in", &file, "-CAfile", &ca, "-out", "/dev/null"], b"", 20).fine("openssl");
    let envelopes = scene.came("envelope");
    assert!(envelopes.iter().all(|envelope| envelope.starts_with(b"MAIL FROM:<>")), "from nobody");
    wait_for("the register", LONG, || (scene.register("forward")[0]["state"] == "sent").then_some(()));
    assert_eq!((scene.mails("Delivered-To").len(), scene.register("forward").len()), (1, 1), "nothing before the code");
    scene.arrives("dopo la conferma");
}

#[test]
fn the_contacts_of_an_administration_hear_of_a_new_certificate() {
    let scene = Scene::new();
    let guard = scene.sample.serve();
    ask(&scene.sample, &["tenant", "add", "Comune di Esempio", "--code", "c_x", "--contact", HOME], "");
    let before = ask(&scene.sample, &["status"], "")["certificates"].clone();
    for name in ["tls.pem", "tls.key"] {
        fs::remove_file(scene.sample.path(&format!("prova/{name}"))).expect("the old one");
    }
    let folder = scene.sample.path("").to_string_lossy().into_owned();
    sigillo(&["config", "init", &folder], 60).fine("config init makes a new one");
    guard.signal("HUP");
    let mail = wait_for("the notice", LONG, || scene.mails("Certificato sostituito").pop());
    assert!(body(&mail).contains("Impronta SHA-256: "), "{before} {}", body(&mail));
    let line =
        wait_for("the register", LONG, || scene.register("certificate").pop().filter(|line| line["state"] == "sent"));
    assert_eq!((&line["to"], &line["about"]), (&format!("mailto:{HOME}").into(), &"tenant/1".into()));
    guard.signal("HUP");
    wait_for("the second reload", LONG, || {
        (scene.sample.said().matches("reloaded domains").count() >= 2).then_some(())
    });
    assert_eq!(scene.register("certificate").len(), 1, "once");
}
