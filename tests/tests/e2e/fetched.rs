//! What mail clients fetch: a mailbox with messages, files for a client, and what it put there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sigillo_tests::demo::{Demo, Mail};

const ANNA: &str = "anna@comune-alfa.example";
const MARIO: &str = "mario@studio.example";
/// How an envelope from anna begins.
const TOP: &str = "Return-Path: <anna@comune-alfa.example>";

/// Three messages in mario's INBOX, with ids one@… to three@….
pub fn filled() -> Demo {
    let demo = Demo::start(&["--without", "beta"]);
    let ids = ["one", "two", "three"].map(|n| format!("{n}@comune-alfa.example"));
    let mails: Vec<Mail> = ids.iter().map(|id| Mail::plain(ANNA, MARIO, id)).collect();
    assert!(demo.submit(&mails).iter().all(|a| a.code == 250));
    for id in &ids {
        demo.await_kinds(MARIO, id, &["posta-certificata"]);
    }
    demo
}

/// What lies in an INBOX, line ends aside.
pub fn inbox(demo: &Demo) -> Vec<String> {
    sorted(demo.inbox(MARIO).iter().map(|piece| lines(&String::from_utf8_lossy(&piece.raw()))))
}

pub fn lines(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join("\n")
}

pub fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = texts.collect();
    all.sort();
    all
}

pub fn port(address: &str) -> &str {
    address.rsplit(':').next().expect("a port")
}

/// A file with a client's configuration, which only its owner may read.
pub fn config(demo: &Demo, name: &str, text: &str) -> String {
    let path = demo.place.path(name);
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
    path.to_string_lossy().into_owned()
}

/// An empty Maildir.
pub fn maildir(demo: &Demo) -> PathBuf {
    let folder = demo.place.path("maildir");
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(folder.join(part)).expect("a folder");
    }
    folder
}

/// The messages in a Maildir, without what the client itself wrote before them.
pub fn fetched(folder: &Path) -> Vec<String> {
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("7 bit");
        let own = text.find(TOP).unwrap_or_else(|| panic!("{text}"));
        lines(&text[own..])
    };
    sorted(fs::read_dir(folder.join("new")).expect("a maildir").map(read))
}
