//! Mail in files comes into mailboxes and out of them again; Python's mailbox module writes the one and reads the other.

use std::path::Path;

use serde_json::{Value, json};
use sigillo_tests::demo::{Ran, binary, run};

use crate::rates::{ANNA, BRUNO, ask, served, served_with};
use crate::serve::Sample;
use crate::transfer_remote::{Peer, Theirs};

/// What both scripts use: the messages of a Maildir++ or of mboxes as folder, hash, second, flags and keywords.
const COMMON: &str = r#"
import base64, hashlib, json, mailbox, os, re, sys

def crlf(data):
    return re.sub(rb"\r?\n", b"\r\n", data)

def sha(data):
    return hashlib.sha256(data).hexdigest()

def words(path):
    try:
        lines = open(os.path.join(path, "dovecot-keywords")).read().split("\n")
        return {chr(97 + int(n)): w for n, w in (l.split(" ", 1) for l in lines if l)}
    except FileNotFoundError:
        return {}

def maildir(path):
    told = []
    root = mailbox.Maildir(path, create=False)
    for name in [None] + root.list_folders():
        box = root if name is None else root.get_folder(name)
        at = path if name is None else os.path.join(path, "." + name)
        known = words(at)
        for key, file in sorted(box._toc.items()) if not box._refresh() else []:
            message = box[key]
            when = int(os.path.getmtime(os.path.join(at, file)))
            flags = "".join(sorted(known.get(f, f) if f.islower() else f for f in message.get_flags()))
            told.append([name or "INBOX", sha(crlf(box.get_bytes(key))), when, flags])
    return sorted(told)
"#;

const MAKE: &str = r#"
root = sys.argv[1]
box = mailbox.Maildir(root, create=True)
def put(at, path, number, flags, when):
    text = "From: a@b.example\nSubject: %d\n\nFrom qui: corpo %d\n\xe8\n" % (number, number)
    message = mailbox.MaildirMessage(text.encode())
    message.set_subdir("cur" if flags else "new")
    message.set_flags(flags)
    key = at.add(message)
    os.utime(os.path.join(path, at._lookup(key)), (when, when))
put(box, root, 1, "S", 1700000000)
put(box, root, 2, "FRS", 1700000001)
put(box, root, 3, "", 1700000002)
put(box, root, 3, "", 1700000002)
for name in ["Archivio", "Archivio.2025", "Archivio.2025.Perch&AOk-", "Vuota"]:
    folder = box.add_folder(name)
    path = os.path.join(root, "." + name)
    if name != "Vuota":
        put(folder, path, 4, "DT", 1600000000)
        put(folder, path, 5, "Sb", 1600000001)
        open(os.path.join(path, "dovecot-keywords"), "w").write("0 altro\n1 $Forwarded\n")
open(os.path.join(root, "cur", "1.guasto:2,S"), "wb").write(b"\0" * 512)
"#;

const READ: &str = r#"
def mbox(path):
    told = []
    for at, _, files in os.walk(path):
        for file in files:
            name = os.path.relpath(os.path.join(at, file), path)[:-len(".mbox")].replace("/", ".")
            for message in mailbox.mbox(os.path.join(at, file)):
                flags = message.get_flags() + (message["X-Keywords"] or "").strip()
                data = re.sub(rb"^((X-)?Status|X-Keywords|X-IMAPbase): .*\r\n", b"", message.as_bytes().replace(b"\r\n", b"\n")
                    .replace(b"\n", b"\r\n"), flags=re.M)
                told.append([name, sha(data.replace(b"\r\n>From ", b"\r\nFrom ")), flags])
    return sorted(told)
print(json.dumps({"maildir": maildir(sys.argv[1]), "mbox": mbox(sys.argv[2])}))
"#;

fn python(script: &str, args: &[&Path]) -> String {
    let script = format!("{COMMON}\n{script}");
    let args: Vec<String> = args.iter().map(|path| path.display().to_string()).collect();
    let all: Vec<&str> = ["-c", &script].into_iter().chain(args.iter().map(String::as_str)).collect();
    run("python3", &all, b"", 60).fine("Python's mailbox").out
}

/// Runs a verb that may find something missing or wrong: how it ended, and what it told.
pub fn moved(sample: &Sample, verb: &[&str]) -> (bool, Value) {
    let socket = sample.socket();
    let args = [&["mailbox"], verb, &["--json", "--socket", &socket]].concat();
    let ran: Ran = run(binary(), &args, b"", 60);
    let told = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{verb:?}: {e}: {}", ran.all()));
    (ran.code == Some(0), told)
}

pub fn sum(told: &Value, figure: &str) -> u64 {
    let folders = told["folders"].as_array().expect("folders");
    folders.iter().map(|folder| folder[figure].as_u64().expect("a number")).sum()
}

#[test]
fn a_maildir_comes_in_and_goes_out_again() {
    let (sample, _guard) = served();
    let place = tempfile::tempdir().expect("a folder");
    let source = place.path().join("origine");
    python(MAKE, &[&source]);
    let from = format!("maildir:{}", source.display());
    let import = ["import", ANNA, "--from", &from];

    let (_, tried) = moved(&sample, &[&import[..], &["--dry-run"]].concat());
    assert_eq!((sum(&tried, "missing"), sum(&tried, "added")), (10, 0), "{tried}");
    let (fine, first) = moved(&sample, &import);
    assert!(!fine, "a damaged file is told by the exit status");
    assert_eq!((sum(&first, "added"), sum(&first, "missing"), sum(&first, "wrong")), (10, 0, 1), "{first}");
    let wrong = &first["wrong"][0];
    assert!(wrong["place"].as_str().is_some_and(|at| at.ends_with("1.guasto:2,S")), "{wrong}");
    assert!(wrong["why"].as_str().is_some_and(|why| why.contains("non è un messaggio")), "{wrong}");
    std::fs::remove_file(source.join("cur/1.guasto:2,S")).expect("removed");
    let (fine, second) = moved(&sample, &import);
    assert!(fine, "{second}");
    assert_eq!((sum(&second, "added"), sum(&second, "already")), (0, 10), "{second}");

    let (maildir, mbox) = (place.path().join("maildir"), place.path().join("mbox"));
    let into = |form: &str, path: &Path| {
        let (fine, told) = moved(&sample, &["export", ANNA, "--to", &format!("{form}:{}", path.display())]);
        assert!(fine, "{told}");
        assert_eq!((sum(&told, "added"), sum(&told, "missing")), (10, 0), "{told}");
    };
    into("maildir", &maildir);
    into("mbox", &mbox);
    let again = run(
        binary(),
        &["mailbox", "export", ANNA, "--to", &format!("mbox:{}", mbox.display()), "--socket", &sample.socket()],
        b"",
        30,
    );
    assert!(again.code != Some(0) && again.all().contains("non è vuota"), "{}", again.all());

    let sent = python("print(json.dumps(maildir(sys.argv[1])))", &[&source]);
    let sent: Value = serde_json::from_str(&sent).expect("JSON");
    let read: Value = serde_json::from_str(&python(READ, &[&maildir, &mbox])).expect("JSON");
    assert_eq!(read["maildir"], sent, "folders, bytes, dates, flags and keywords");
    assert!(maildir.join(".Vuota/cur").is_dir(), "empty folders too");
    let bare = |all: &Value| {
        let mut bare: Vec<Value> = all.as_array().expect("rows").iter().map(|row| json!([row[0], row[1]])).collect();
        bare.sort_by_key(Value::to_string);
        bare
    };
    assert_eq!(bare(&read["mbox"]), bare(&sent));

    ask(&sample, &["mailbox", "set", BRUNO, "--profile", "standard"], "");
    let from = format!("mbox:{}", mbox.display());
    let (fine, told) = moved(&sample, &["import", BRUNO, "--from", &from]);
    assert!(fine && sum(&told, "added") == 10, "{told}");
    let there = place.path().join("bruno");
    let (fine, told) = moved(&sample, &["export", BRUNO, "--to", &format!("maildir:{}", there.display())]);
    assert!(fine, "{told}");
    let there = python("print(json.dumps(maildir(sys.argv[1])))", &[&there]);
    assert_eq!(serde_json::from_str::<Value>(&there).expect("JSON"), sent, "through mbox as well");

    let seen = ask(&sample, &["mailbox", "accesses", ANNA], "");
    assert!(seen.to_string().contains("\"admin\""), "the holder sees who looked: {seen}");
}

#[test]
fn what_does_not_fit_is_not_begun() {
    let (sample, _guard) = served_with("\n[[profile]]\nname = \"piccolo\"\nbase = \"standard\"\nbox_gb = 1\n");
    ask(&sample, &["mailbox", "set", ANNA, "--profile", "piccolo"], "");
    let place = tempfile::tempdir().expect("a folder");
    // Files with holes: more than the mailbox holds, and nothing on the disk.
    for number in 0..20 {
        let name = place.path().join(format!("grande-{number}.eml"));
        std::fs::write(&name, format!("Subject: {number}\r\n\r\n")).expect("written");
        let file = std::fs::OpenOptions::new().write(true).open(&name).expect("opened");
        file.set_len(55 << 20).expect("a hole");
    }
    std::fs::write(place.path().join("uno.eml"), "Subject: uno\n\nuno\n").expect("written");
    let from = format!("eml:{}", place.path().display());
    let socket = sample.socket();
    let import = ["mailbox", "import", ANNA, "--from", &from, "--folder", "Storico/2024", "--socket", &socket];
    let ran = run(binary(), &import, b"", 60);
    assert!(ran.code == Some(1) && ran.all().contains("niente è importato"), "{}", ran.all());
    assert_eq!(ask(&sample, &["mailbox", "usage", ANNA], "")["box_messages"], 0);
    for number in 0..20 {
        std::fs::remove_file(place.path().join(format!("grande-{number}.eml"))).expect("removed");
    }
    let ran = run(binary(), &import, b"", 30).fine("one fits");
    assert!(ran.out.contains("Storico/2024") && ran.out.contains("verificato per numero e SHA-256"), "{}", ran.out);
    assert_eq!(ask(&sample, &["mailbox", "usage", ANNA], "")["box_messages"], 1);
    std::fs::write(place.path().join("due.eml"), "Subject: due\r\n\r\ndue\r\n").expect("written");
    let (fine, told) = moved(&sample, &import[1..7]);
    assert!(fine, "{told}");
    assert_eq!((sum(&told, "added"), sum(&told, "already")), (1, 1), "a delta pass: {told}");
}

/// Its folders under the names that they have here.
fn renamed(there: &Value, name: impl Fn(&str) -> String) -> Value {
    there.as_object().expect("folders").iter().map(|(folder, rows)| (name(folder), rows.clone())).collect()
}

#[test]
fn dovecot_reads_what_was_exported() {
    let (sample, _guard) = served();
    let here = Peer::of(&sample, ANNA);
    here.ask("letters");
    let export = |form: &str, path: &Path| {
        let (fine, told) = moved(&sample, &["export", ANNA, "--to", &format!("{form}:{}", path.display())]);
        assert!(fine && sum(&told, "missing") == 0, "{told}");
    };
    let user = ["nuova".to_owned()];

    let names = "mail_plugins = listescape\nnamespace inbox {\n inbox = yes\n separator = /\n}\n";
    let theirs = Theirs::start("maildir", &user, names);
    export("maildir", &theirs.dovecot.mail("nuova"));
    theirs.dovecot.adopt("nuova");
    assert_eq!(theirs.peer("nuova").holds(), here.holds(), "folders, numbers, hashes, dates, flags and keywords");

    let theirs = Theirs::start("mbox", &user, "mail_location = mbox:%h:INBOX=%h/INBOX.mbox\n");
    export("mbox", &theirs.dovecot.mail("nuova"));
    theirs.dovecot.adopt("nuova");
    let there = renamed(&theirs.peer("nuova").holds_but("fields quoted"), |name| {
        name.trim_end_matches(".mbox").replace("\\\\2e", ".")
    });
    assert_eq!(there, here.holds_but("fields"), "the same, but for what docs/migration.md says of an mbox");
}
