//! Thunderbird without a screen, driven by Marionette, the protocol in which Mozilla's own tests speak to it: a length, a
//! colon, and JSON, over TCP. Nothing is sent, and nobody but the demonstration is asked.

use std::fs;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use sigillo_tests::demo::{Demo, Guard, run, wait_for, wanted};

use crate::fetched::port;

const MARIO: &str = "mario@studio.example";
const SCRIPT: &str = include_str!("thunderbird.js");
/// A slow machine starts it in half of this.
const START: Duration = Duration::from_secs(90);

/// Its end of a conversation.
struct Marionette {
    stream: BufReader<TcpStream>,
    number: u32,
}

impl Marionette {
    fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("Marionette listens");
        stream.set_read_timeout(Some(START)).expect("a limit");
        let mut told = Self { stream: BufReader::new(stream), number: 0 };
        assert_eq!(told.hear()["marionetteProtocol"], 3);
        told
    }

    fn hear(&mut self) -> Value {
        let mut length = String::new();
        loop {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).expect("an answer of Marionette");
            match byte[0] {
                b':' => break,
                digit => length.push(digit.into()),
            }
        }
        let mut text = vec![0; length.parse().expect("a length")];
        self.stream.read_exact(&mut text).expect("an answer of Marionette");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// A command, and its result.
    fn ask(&mut self, command: &str, arguments: Value) -> Value {
        self.number += 1;
        let text = json!([0, self.number, command, arguments]).to_string();
        let out = format!("{}:{text}", text.len());
        self.stream.get_mut().write_all(out.as_bytes()).expect("Marionette hears");
        let mut answer = self.hear();
        assert_eq!(answer[1], self.number, "{answer}");
        assert!(answer[2].is_null(), "{command}: {answer}");
        answer[3].take()
    }
}

/// A profile with mario's account and the trial authority, which asks nobody else anything.
fn profile(demo: &Demo, folder: &Path) {
    let imaps = &demo.info.mailbox(MARIO).0.imaps;
    let port: u16 = port(imaps).parse().expect("a port");
    let preferences = json!({
        "mail.accountmanager.accounts": "account1",
        "mail.accountmanager.defaultaccount": "account1",
        "mail.account.account1.server": "server1",
        "mail.account.account1.identities": "id1",
        "mail.identity.id1.useremail": MARIO,
        "mail.identity.id1.fullName": "Mario",
        "mail.identity.id1.valid": true,
        "mail.server.server1.type": "imap",
        "mail.server.server1.hostname": "localhost",
        "mail.server.server1.port": port,
        "mail.server.server1.userName": MARIO,
        "mail.server.server1.name": "pec",
        // TLS from the beginning, and a password.
        "mail.server.server1.socketType": 3,
        "mail.server.server1.authMethod": 3,
        "mail.server.server1.login_at_startup": false,
        "mail.server.server1.check_new_mail": false,
        "mail.provider.suppress_dialog_on_startup": true,
        "mail.spotlight.firstRunDone": true,
        "mail.shell.checkDefaultClient": false,
        "mailnews.start_page.enabled": false,
        "app.update.enabled": false,
        "extensions.update.enabled": false,
        "datareporting.policy.dataSubmissionEnabled": false,
        "network.proxy.type": 0,
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
        // Any port that is free; it is written into the profile.
        "marionette.port": 0,
    });
    let lines: String = preferences
        .as_object()
        .expect("an object")
        .iter()
        .map(|(name, value)| format!("user_pref({}, {value});\n", json!(name)))
        .collect();
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("user.js"), lines).expect("a file");
    let (database, ca) = (format!("sql:{}", folder.display()), demo.info.ca_file.to_string_lossy());
    run("certutil", &["-N", "-d", &database, "--empty-password"], b"", 30).fine("certutil -N");
    run("certutil", &["-A", "-d", &database, "-n", "prova", "-t", "C,,", "-i", &ca], b"", 30).fine("certutil -A");
}

fn start(profile: &Path, home: &Path) -> (Guard, Marionette) {
    fs::create_dir_all(home).expect("a folder");
    let log = fs::File::create(home.join("log")).expect("a file");
    let mut command = Command::new("thunderbird");
    command
        .args(["--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile"])
        .arg(profile);
    command.env("HOME", home).env("DBUS_SESSION_BUS_ADDRESS", "/dev/null").stdin(Stdio::null());
    command.stdout(log.try_clone().expect("the same file")).stderr(log);
    let mut guard = Guard(command.spawn().expect("thunderbird starts"));
    let port = wait_for("Marionette's port", START, || {
        if let Some(end) = guard.0.try_wait().expect("a child of ours") {
            panic!("{end}: {}", fs::read_to_string(home.join("log")).unwrap_or_default());
        }
        fs::read_to_string(profile.join("MarionetteActivePort")).ok()?.trim().parse().ok()
    });
    (guard, Marionette::connect(port))
}

#[test]
fn thunderbird_reads_marks_and_copies() {
    if wanted("thunderbird", "thunderbird").is_none() || wanted("certutil", "libnss3-tools").is_none() {
        return;
    }
    let demo = Demo::start(&["--without", "beta"]);
    let append = r#"
c = reader(ask["who"])
for name in ("uno", "due", "tre"):
    letter = "From: anna@x.example\r\nTo: b@x.example\r\nSubject: prova %s\r\nMessage-ID: <%s@x>\r\nDate: Mon, 2 Mar 2026 10:00:00 +0100\r\n\r\nCiao %s.\r\n"
    c.append("INBOX", None, None, (letter % (name, name, name)).encode())
answer(0)
"#;
    demo.python(append, &json!({"who": MARIO}), 60);
    let (folder, home) = (demo.place.path("profile"), demo.place.path("home"));
    profile(&demo, &folder);
    let (mut guard, mut marionette) = start(&folder, &home);
    marionette.ask("WebDriver:NewSession", json!({"capabilities": {}}));
    marionette.ask("Marionette:SetContext", json!({"value": "chrome"}));
    marionette.ask("WebDriver:SetTimeouts", json!({"script": 80_000}));
    let password = &demo.info.mailbox(MARIO).1.password;
    let ask = json!({"password": password, "messages": 3, "subject": "prova due", "other": "Inviata"});
    let told = marionette.ask("WebDriver:ExecuteAsyncScript", json!({"script": SCRIPT, "args": [ask]}))["value"].take();
    assert!(told["error"].is_null(), "{told:#}");
    assert_eq!(told["folders"], json!(["Bozze", "Cestino", "INBOX", "Inviata"]), "{told:#}");
    let unread = |name: &str| json!([format!("prova {name}"), false, false]);
    assert_eq!(told["messages"], json!([unread("uno"), unread("due"), unread("tre")]));
    let text = told["text"].as_str().expect("a text");
    assert!(
        text.ends_with("Message-ID: <due@x>\r\nDate: Mon, 2 Mar 2026 10:00:00 +0100\r\n\r\nCiao due.\r\n"),
        "{text}"
    );
    assert_eq!(told["copied"], json!([["prova due", true, true]]));
    marionette.ask("Marionette:Quit", json!({"flags": ["eForceQuit"]}));
    guard.end(Duration::from_secs(30));
    // What it did, as another client sees it.
    let look = r#"
c = reader(ask["who"])
told = {}
for folder in ("INBOX", "Inviata"):
    c.select(folder, readonly=True)
    told[folder] = [" ".join(sorted(re.search(rb"FLAGS \(([^)]*)\)", l).group(1).decode().split())) for l in c.fetch("1:*", "(FLAGS)")[1]]
answer(told)
"#;
    let seen = demo.python(look, &json!({"who": MARIO}), 60);
    let marked = r"\Flagged \Seen";
    assert_eq!(seen, json!({"INBOX": ["", marked, ""], "Inviata": [marked]}));
}
