//! IMAP as real clients speak it: Python's imaplib, a raw connection for IDLE, mbsync.

use serde_json::{Value, json};
use sigillo_tests::demo::{Demo, Mail, run, wanted};

use crate::rates::{self, BRUNO, ask, served};
use crate::serve::Sample;

const ANNA: &str = "anna@comune-alfa.example";
const MARIO: &str = "mario@studio.example";

/// Four messages in mario's INBOX, with ids one@… to four@….
fn filled() -> Demo {
    let demo = Demo::start(&["--without", "beta"]);
    let ids = ["one", "two", "three", "four"].map(|n| format!("{n}@comune-alfa.example"));
    for id in &ids {
        // One after the other: deliveries that are due together come in any order.
        assert!(demo.submit(&[Mail::plain(ANNA, MARIO, id)]).iter().all(|a| a.code == 250));
        demo.await_kinds(MARIO, id, &["posta-certificata"]);
    }
    demo
}

const READ: &str = r#"
c = reader(ask["who"])
out = {"capability": c.capability()[1][0].decode()}
out["list"] = [x.decode() for x in c.list()[1]]
out["status"] = c.status("INBOX", "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY)")[1][0].decode()
out["select"] = int(c.select("INBOX")[1][0])
out["uidvalidity"] = c.response("UIDVALIDITY")[1][0].decode()

def fetch(n, what):
    kind, data = c.fetch(str(n), what)
    assert kind == "OK", (kind, data)
    return data

whole = fetch(1, "(BODY.PEEK[])")[0][1]
message = email.message_from_bytes(whole, policy=email.policy.default)
header = fetch(1, "(BODY.PEEK[HEADER])")[0][1]
text = fetch(1, "(BODY.PEEK[TEXT])")[0][1]
out["header_and_text"] = header + text == whole
out["partial"] = fetch(1, "(BODY.PEEK[]<10.30>)")[0][1] == whole[10:40]
out["beyond"] = fetch(1, "(BODY.PEEK[]<%d.100>)" % (len(whole) - 5))[0][1] == whole[-5:]
size = fetch(1, "(RFC822.SIZE)")[0]
out["size"] = int(re.search(rb"RFC822.SIZE (\d+)", size).group(1)) == len(whole)
fields = fetch(1, "(BODY.PEEK[HEADER.FIELDS (SUBJECT X-TRASPORTO)])")[0][1].decode()
out["fields"] = sorted(line.split(":")[0].lower() for line in fields.split("\r\n") if ":" in line)
# Parts: the signed tree is multipart/signed(multipart/mixed(…), signature).
def part(path, message):
    for i in path:
        message = message.get_payload(i - 1)
    return message
structure = c.fetch("1", "(BODYSTRUCTURE)")[1][0].decode()
out["structure"] = "signed" in structure.lower() and "daticert.xml" in structure.lower()
out["parts"] = []
def walk(path, node):
    if not node.is_multipart():
        got = fetch(1, "(BODY.PEEK[%s])" % ".".join(map(str, path)))[0][1]
        want = node.get_payload().encode("ascii", "surrogateescape").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        mime = fetch(1, "(BODY.PEEK[%s.MIME])" % ".".join(map(str, path)))[0][1].decode().lower()
        out["parts"].append([node.get_content_type(), got.rstrip() == want.rstrip(), node.get_content_type() in mime])
    elif node.get_content_type() == "message/rfc822":
        got = fetch(1, "(BODY.PEEK[%s])" % ".".join(map(str, path)))[0][1]
        inner = fetch(1, "(BODY.PEEK[%s.HEADER])" % ".".join(map(str, path)))[0][1]
        out["parts"].append(["message/rfc822", whole.find(got) > 0, got.startswith(inner)])
    else:
        for i, child in enumerate(node.get_payload()):
            walk(path + [i + 1], child)
walk([], message)
envelope = c.fetch("1", "(ENVELOPE INTERNALDATE FLAGS)")[1][0]
out["envelope"] = "POSTA CERTIFICATA: prova one@" in (envelope[0] if isinstance(envelope, tuple) else envelope).decode()

def found(*criteria):
    kind, data = c.search(None, *criteria)
    assert kind == "OK", data
    return data[0].decode()
out["search"] = [
    found("HEADER", "X-Riferimento-Message-ID", '"two@"'),
    found("SUBJECT", '"prova t"'),
    found("NOT", "HEADER", "X-Trasporto", '"posta-certificata"'),
    found("ALL"),
    found("UNSEEN"),
    found("OR", "HEADER", "Subject", '"one@"', "HEADER", "Subject", '"four@"'),
    found("BODY", '"prova three@"'),
    found("UID", "2:3"),
]
c.store("2", "+FLAGS", "(\\Seen \\Flagged)")
out["flags"] = [found("UNSEEN"), found("FLAGGED")]
fetch(3, "(BODY[])")
out["seen_by_fetch"] = found("SEEN")
c.store("2", "-FLAGS", "(\\Flagged)")
out["unflagged"] = found("FLAGGED")
out["sort"] = c.sort("(SUBJECT)", "UTF-8", "ALL")[1][0].decode()
out["threads"] = [c.thread(by, "UTF-8", "ALL")[1][0].decode() for by in ("REFERENCES", "X-CONVERSATION")]

draft = b"From: <mario@studio.example>\r\nSubject: bozza\r\n\r\nDa finire.\r\n"
out["create"] = c.create("Bozze/2026")[0]
kind, data = c.append("Bozze/2026", "(\\Draft)", imaplib.Time2Internaldate(1772442000), draft)
out["append"] = [kind, "APPENDUID" in data[0].decode()]
c.select("Bozze/2026")
out["draft"] = c.fetch("1", "(FLAGS BODY.PEEK[])")[1][0][1] == draft
out["draft_flags"] = "\\Draft" in c.fetch("1", "(FLAGS)")[1][0].decode()
out["draft_date"] = "02-Mar-2026" in c.fetch("1", "(INTERNALDATE)")[1][0].decode()
c.store("1", "+FLAGS", "(\\Deleted)")
out["expunge"] = [x.decode() for x in c.expunge()[1]]
try:
    out["missing"] = c.select("NonEsiste")[0]
except imaplib.IMAP4.error as e:
    out["missing"] = "error"
out["logout"] = c.logout()[0]
answer(out)
"#;

#[test]
fn imaplib_lists_selects_fetches_searches_flags_and_appends() {
    let demo = filled();
    let said = demo.python(READ, &json!({"who": MARIO}), 60);
    let is = |name: &str, want: Value| assert_eq!(said[name], want, "{name} in {said:#}");
    assert!(said["capability"].as_str().is_some_and(|c| c.contains("IMAP4rev1") && c.contains("IDLE")), "{said:#}");
    assert!(
        said["list"].as_array().is_some_and(|l| l.iter().any(|f| f.as_str().is_some_and(|f| f.ends_with("INBOX"))))
    );
    let status = said["status"].as_str().expect("a text");
    assert!(status.contains("MESSAGES 4") && status.contains("UNSEEN 4") && status.contains("UIDNEXT 5"), "{status}");
    is("select", json!(4));
    for name in
        ["header_and_text", "partial", "beyond", "size", "structure", "envelope", "draft", "draft_flags", "draft_date"]
    {
        is(name, json!(true));
    }
    is("fields", json!(["subject", "x-trasporto"]));
    let parts = said["parts"].as_array().expect("a list");
    let kinds: Vec<&str> = parts.iter().filter_map(|p| p[0].as_str()).collect();
    for kind in ["text/plain", "application/xml", "message/rfc822", "application/pkcs7-signature"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    assert!(parts.iter().all(|p| p[1] == true && p[2] == true), "a part differs: {parts:?}");
    is("search", json!(["2", "2 3", "", "1 2 3 4", "1 2 3 4", "1 4", "3", "2 3"]));
    is("flags", json!(["1 3 4", "2"]));
    is("seen_by_fetch", json!("2 3"));
    is("unflagged", json!(""));
    is("sort", json!("4 1 3 2"));
    is("threads", json!(["(1)(2)(3)(4)", "(1)(2)(3)(4)"]));
    is("create", json!("OK"));
    is("append", json!(["OK", true]));
    is("expunge", json!(["1"]));
    assert_ne!(said["missing"], json!("OK"));
    is("logout", json!("BYE"));
}

const IDLE: &str = r#"
provider, password = boxes[ask["who"]]
raw = socket.create_connection(at(provider, "imap"), timeout=30)
lines = raw.makefile("rb")
def line():
    got = lines.readline()
    assert got.endswith(b"\r\n"), got
    return got.decode().rstrip()
def until(tag):
    seen = []
    while True:
        seen.append(line())
        if seen[-1].startswith(tag):
            return seen
def say(text):
    raw.sendall(text.encode() + b"\r\n")
greeting = line()
say("a STARTTLS")
out = {"starttls": until("a ")[-1]}
raw = tls.wrap_socket(raw, server_hostname="localhost")
lines = raw.makefile("rb")
say('b LOGIN "%s" "%s"' % (ask["who"], password))
until("b ")
say("c SELECT INBOX")
until("c ")
say("d IDLE")
out["continue"] = line()
began = time.time()
client = sender(ask["from"])
out["sent"] = transaction(client, ask["from"], [ask["who"]], base64.b64decode(ask["message"]))["code"]
client.quit()
out["told"] = []
while not any(t.endswith("EXISTS") for t in out["told"]):
    out["told"].append(line())
out["after"] = time.time() - began
say("DONE")
out["done"] = until("d ")[-1]
say("e FETCH * (UID BODY.PEEK[HEADER.FIELDS (X-RIFERIMENTO-MESSAGE-ID)])")
out["fetch"] = " ".join(until("e "))
say("f LOGOUT")
out["bye"] = until("f ")
answer(out)
"#;

#[test]
fn idle_tells_of_a_new_message_and_starttls_protects_the_login() {
    let demo = Demo::start(&["--without", "beta"]);
    let id = "idle@comune-alfa.example";
    let mut ask = serde_json::to_value(Mail::plain(ANNA, MARIO, id)).expect("JSON");
    ask["who"] = json!(MARIO);
    ask["from"] = json!(ANNA);
    let said = demo.python(IDLE, &ask, 60);
    assert!(said["starttls"].as_str().is_some_and(|s| s.starts_with("a OK")), "{said:#}");
    assert!(said["continue"].as_str().is_some_and(|s| s.starts_with('+')), "{said:#}");
    assert_eq!(said["sent"], json!(250));
    let told = said["told"].as_array().expect("a list");
    assert_eq!(told.last(), Some(&json!("* 1 EXISTS")), "{said:#}");
    assert!(said["after"].as_f64().is_some_and(|s| s < 10.0), "told only after {}", said["after"]);
    assert!(said["done"].as_str().is_some_and(|s| s.starts_with("d OK")), "{said:#}");
    assert!(said["fetch"].as_str().is_some_and(|s| s.contains(id)), "{said:#}");
    assert!(said["bye"].as_array().is_some_and(|b| b[0].as_str().is_some_and(|s| s.starts_with("* BYE"))), "{said:#}");
}

const NOTIFY: &str = r#"
def connected():
    provider, password = boxes[ask["who"]]
    raw = tls.wrap_socket(socket.create_connection(at(provider, "imaps"), timeout=30), server_hostname="localhost")
    return raw, raw.makefile("rb"), password
raw, lines, password = connected()
def line(of=None):
    got = (of or lines).readline()
    assert got.endswith(b"\r\n"), got
    return got.decode().rstrip()
def until(tag, of=None):
    seen = []
    while True:
        seen.append(line(of))
        if seen[-1].startswith(tag):
            return seen
def say(text, to=None):
    (to or raw).sendall(text.encode() + b"\r\n")
line()
say('a LOGIN "%s" "%s"' % (ask["who"], password))
out = {"capability": " NOTIFY " in until("a ")[-1]}
say("b SELECT Inviata")
until("b ")
say("c NOTIFY SET (personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange))")
out["notify"] = until("c ")[-1]
# From here on it says nothing: whatever comes, comes by itself.
began = time.time()
client = sender(ask["from"])
out["sent"] = transaction(client, ask["from"], [ask["who"]], base64.b64decode(ask["message"]))["code"]
client.quit()
out["delivered"] = line()
out["after"] = time.time() - began
other, others, _ = connected()
line(others)
def does(command):
    say("x " + command, other)
    assert until("x ", others)[-1].startswith("x OK"), command
does('LOGIN "%s" "%s"' % (ask["who"], password))
out["told"] = []
for command in ["CREATE Nuova", "SUBSCRIBE Nuova", 'SETMETADATA Nuova (/shared/comment "x")', 'SETMETADATA "" (/shared/comment "x")', "RENAME Nuova Altra", "DELETE Altra", "SELECT INBOX"]:
    does(command)
    if command != "SELECT INBOX":
        out["told"].append(line())
does("STORE 1 +FLAGS (\\Seen)")
out["seen"] = line()
say("d LOGOUT")
out["end"] = until("d ")
answer(out)
"#;

#[test]
fn what_happens_in_any_folder_is_told_without_a_poll() {
    let demo = Demo::start(&["--without", "beta"]);
    let mut ask = serde_json::to_value(Mail::plain(ANNA, MARIO, "notify@comune-alfa.example")).expect("JSON");
    ask["who"] = json!(MARIO);
    ask["from"] = json!(ANNA);
    let said = demo.python(NOTIFY, &ask, 60);
    assert_eq!((&said["capability"], &said["sent"]), (&json!(true), &json!(250)), "{said:#}");
    assert!(said["notify"].as_str().is_some_and(|s| s.starts_with("c OK")), "{said:#}");
    let starts = |text: &Value, with: &str| text.as_str().is_some_and(|s| s.starts_with(with));
    assert!(starts(&said["delivered"], "* STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY "), "{said:#}");
    assert!(said["after"].as_f64().is_some_and(|s| s < 10.0), "told only after {}", said["after"]);
    let told = said["told"].as_array().expect("a list");
    let wanted = [
        "* LIST (\\HasNoChildren) \"/\" Nuova",
        "* LIST (\\HasNoChildren \\Subscribed) \"/\" Nuova",
        "* METADATA Nuova \"/shared/comment\"",
        "* METADATA \"\" \"/shared/comment\"",
        // The subscription is the old name's.
        "* LIST (\\HasNoChildren) \"/\" Altra (\"OLDNAME\" (Nuova))",
        "* LIST (\\NonExistent) \"/\" Altra",
    ];
    assert_eq!(told.iter().filter_map(Value::as_str).collect::<Vec<_>>(), wanted);
    assert!(
        starts(&said["seen"], "* STATUS INBOX (MESSAGES 1 ") && said["seen"].to_string().contains("UNSEEN 0"),
        "{said:#}"
    );
    assert_eq!(said["end"].as_array().map(Vec::len), Some(2), "nothing is told twice: {said:#}");
}

#[test]
fn mbsync_pulls_a_mailbox_and_what_it_pulled_is_the_same() {
    if wanted("mbsync", "isync").is_none() {
        return;
    }
    let demo = filled();
    let (provider, mailbox) = demo.info.mailbox(MARIO);
    let folder = demo.place.path("maildir");
    std::fs::create_dir(&folder).expect("a folder");
    let maildir = folder.display();
    let port = provider.imaps.rsplit(':').next().expect("a port");
    let config = format!(
        "IMAPAccount pec\nHost localhost\nPort {port}\nUser {MARIO}\nPass {}\nSSLType IMAPS\nCertificateFile {}\n\
         SystemCertificates no\nAuthMechs PLAIN\nTimeout 20\n\nIMAPStore far\nAccount pec\n\n\
         MaildirStore near\nPath {maildir}/\nInbox {maildir}/INBOX\nSubFolders Verbatim\n\n\
         Channel pec\nFar :far:\nNear :near:\nPatterns *\nCreate Near\nSync Pull\nSyncState *\n",
        mailbox.password,
        demo.info.ca_file.display(),
    );
    let file = demo.place.path("mbsyncrc");
    std::fs::write(&file, config).expect("a file");
    let rc = file.to_string_lossy();
    for turn in ["first", "second"] {
        let ran = run("mbsync", &["--config", &rc, "--all"], b"", 60).fine(turn);
        let pulled = std::fs::read_dir(folder.join("INBOX/new")).expect("a maildir").count();
        assert_eq!(pulled, 4, "{turn}: {}", ran.all());
    }
    let read = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(entry.expect("an entry").path());
    let bytes = |text: &str| text.lines().filter(|l| !l.starts_with("X-TUID")).collect::<Vec<_>>().join("\n");
    let mut pulled: Vec<String> = std::fs::read_dir(folder.join("INBOX/new"))
        .expect("a maildir")
        .map(|e| bytes(&read(e).expect("7 bit")))
        .collect();
    let inbox = demo.inbox(MARIO);
    let mut there: Vec<String> = inbox.iter().map(|p| bytes(&String::from_utf8_lossy(&p.raw()))).collect();
    pulled.sort();
    there.sort();
    assert_eq!(pulled, there);
}

/// Sends a message, keeps a copy as mail readers do, and waits for what the copy tells.
const COPY: &str = r#"
c = reader(ask["who"])
out = {"code": submit_all([ask["mail"]])[0]["code"]}
out["append"] = c.append("Inviata", "(\\Seen)", None, base64.b64decode(ask["mail"]["message"]))[0]
c.select("Inviata")
until = time.time() + 60
while c.search(None, "KEYWORD", "$PECDelivered")[1] != [b"1"] and time.time() < until:
    time.sleep(0.2)
c.response("FETCH")
out["flags"] = c.fetch("1", "(FLAGS)")[1][-1].decode()
answer(out)
"#;

#[test]
fn imaplib_sees_on_the_copy_that_the_message_was_delivered() {
    let demo = Demo::start(&["--without", "beta"]);
    let mail = Mail::plain(ANNA, MARIO, "copia@comune-alfa.example");
    let said = demo.python(COPY, &json!({"who": ANNA, "mail": mail}), 90);
    assert_eq!((&said["code"], &said["append"]), (&json!(250), &json!("OK")), "{said:#}");
    let flags = said["flags"].as_str().expect("a text");
    for flag in ["\\Seen", "$PECAccepted", "$PECDelivered"] {
        assert!(flags.contains(flag), "{flags}");
    }
    assert!(!flags.contains("$PECFailed"), "{flags}");
}

/// A connection over TLS, without a library between. Arguments: port, then what the script wants.
const RAW: &str = r#"
import os, socket, ssl, struct, sys, time
port = int(sys.argv[1])

class Raw:
    def __init__(self, user):
        self.raw = ssl._create_unverified_context().wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=30))
        self.lines = self.raw.makefile("rb")
        self.lines.readline()
        assert self.does('LOGIN "%s" segreta' % user)[-1].startswith("t OK")

    def does(self, command):
        self.raw.sendall(b"t " + (command.encode() if isinstance(command, str) else command) + b"\r\n")
        return self.until("t ")

    def until(self, begin):
        told = []
        while not told or not told[-1].startswith(begin):
            told.append(self.lines.readline().decode().rstrip())
            assert told[-1], told
        return told
"#;

fn raw(sample: &Sample, script: &str, args: &[&str]) -> String {
    let (script, port) = (format!("{RAW}\n{script}"), (sample.ports.base + 4).to_string());
    run("python3", &[&["-c", &script, &port], args].concat(), b"", 100).fine("the script").out
}

/// Each way in which a connection ends without a word, within a message, and within the second of two.
const CUT: &str = r#"
user, pid = sys.argv[2:4]

def spooled():
    links = []
    for name in os.listdir("/proc/%s/fd" % pid):
        try:
            links.append(os.readlink("/proc/%s/fd/%s" % (pid, name)))
        except FileNotFoundError:
            pass
    return sum("/spool/" in link for link in links)

def wait(what, true):
    until = time.time() + 30
    while not true():
        assert time.time() < until, what
        time.sleep(0.02)

def status():
    return Raw(user).does("STATUS INBOX (MESSAGES UIDNEXT SIZE)")[0]

whole = b"Subject: intero\r\n\r\n" + b"riga\r\n" * 500000
empty = status()
assert "MESSAGES 0 UIDNEXT 1 SIZE 0" in empty, empty
for first in (b"", b"{%d+}\r\n%s" % (len(whole), whole)):
    for way in ("FIN", "RST", "TLS"):
        c = Raw(user)
        begun = b"t APPEND INBOX (\\Seen) " + first + (b" (\\Draft) " if first else b"")
        c.raw.sendall(begun + b"{%d+}\r\n%s" % (len(whole), whole[:-1000]))
        wait("what comes lies outside the memory", spooled)
        if way == "RST":
            c.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if way == "TLS":
            c.raw.settimeout(0.5)
            try:
                c.raw.unwrap()
            except OSError:
                pass
        c.lines.close()
        c.raw.close()
        wait("%s: and goes with its connection" % way, lambda: not spooled())
        assert status() == empty, status()
c = Raw(user)
said = c.does(b"APPEND INBOX (\\Seen) {%d+}\r\n%s (\\Draft) {%d+}\r\n%s" % (len(whole), whole, len(whole), whole))
assert said[-1].startswith("t OK [APPENDUID ") and "1:2]" in said[-1], said
assert "MESSAGES 2 UIDNEXT 3 SIZE %d" % (2 * len(whole)) in status(), status()
wait("nothing is left", lambda: not spooled())
"#;

#[test]
fn an_append_that_is_cut_off_leaves_nothing_and_the_next_one_comes() {
    let (sample, guard) = served();
    raw(&sample, CUT, &[rates::ANNA, &guard.0.id().to_string()]);
    assert_eq!(ask(&sample, &["mailbox", "usage", rates::ANNA], "")["box_messages"], 2);
    run(sigillo_tests::demo::binary(), &["status", "--socket", &sample.socket()], b"", 30).fine("it is well");
}

const SWITCHED: &str = r#"
user, off = sys.argv[2], sys.argv[3].split()
c = Raw(user)
told = c.does("CAPABILITY")[0].split()[2:]
c.does("SELECT INBOX")
for name, command in [("MOVE", "MOVE 1 Bozze"), ("MOVE", "UID MOVE 1 Bozze"), ("SORT", "SORT (DATE) UTF-8 ALL"), ("QUOTA", 'GETQUOTA ""'), ("NAMESPACE", "NAMESPACE")]:
    said = c.does(command)
    bad = said[-1].startswith("t BAD")
    assert (name not in told) == (name in off), (name, told)
    # MOVE of nothing is BAD for who has it, too, but by UID it is not.
    assert bad == (name in off) or command == "MOVE 1 Bozze", (command, said)
"#;

#[test]
fn what_the_operator_switches_off_is_gone_for_that_mailbox_alone() {
    let (sample, _guard) = served();
    let all = ["MOVE", "SORT", "QUOTA", "NAMESPACE"];
    for off in [&all[..], &["SORT"], &[]] {
        ask(&sample, &["mailbox", "set", rates::ANNA, "--without", &off.join(",")], "");
        raw(&sample, SWITCHED, &[rates::ANNA, &off.join(" ")]);
        raw(&sample, SWITCHED, &[BRUNO, ""]);
    }
}
