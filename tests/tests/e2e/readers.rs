//! Mail readers that are not ours, over IMAP: mbsync both ways, OfflineIMAP, NeoMutt, fetchmail.

use std::fs;
use std::path::Path;

use serde_json::json;
use sigillo_tests::demo::{Demo, run, wanted};

use crate::fetched::{config, fetched, filled, inbox, maildir, port};

const MARIO: &str = "mario@studio.example";

/// A folder's flags by UID, as IMAP tells them to somebody else.
fn flags(demo: &Demo, folder: &str) -> Vec<String> {
    let script = r#"
c = reader(ask["who"])
c.select(ask["folder"], readonly=True)
told = [l.decode() for l in c.uid("FETCH", "1:*", "(FLAGS)")[1] if l]
flags = [re.search(r"UID (\d+)", l).group(1) + " " + " ".join(sorted(re.search(r"FLAGS \(([^)]*)\)", l).group(1).split())) for l in told]
answer(flags)
"#;
    let said = demo.python(script, &json!({"who": MARIO, "folder": folder}), 30);
    serde_json::from_value(said).expect("a list of texts")
}

fn missing(program: &str, package: &str) -> bool {
    wanted(program, package).is_none()
}

/// Gives a message in a Maildir these flags; it is no longer new.
fn mark(maildir: &Path, new: &Path, flags: &str) {
    let name = new.file_name().expect("a name").to_string_lossy();
    let base = name.split(":2,").next().unwrap_or_default();
    fs::rename(new, maildir.join(format!("cur/{base}:2,{flags}"))).expect("it is renamed");
}

#[test]
fn mbsync_carries_flags_deletions_and_drafts_both_ways() {
    if missing("mbsync", "isync") {
        return;
    }
    let demo = filled();
    let (provider, mailbox) = demo.info.mailbox(MARIO);
    let folder = demo.place.path("synced");
    fs::create_dir(&folder).expect("a folder");
    let text = format!(
        "IMAPAccount pec\nHost localhost\nPort {}\nUser {MARIO}\nPass {}\nSSLType IMAPS\nCertificateFile {}\n\
         SystemCertificates no\nAuthMechs PLAIN\nTimeout 20\n\nIMAPStore far\nAccount pec\n\n\
         MaildirStore near\nPath {near}/\nInbox {near}/INBOX\nSubFolders Verbatim\n\n\
         Channel pec\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSync All\nSyncState *\n",
        port(&provider.imaps),
        mailbox.password,
        demo.info.ca_file.display(),
        near = folder.display(),
    );
    let rc = config(&demo, "mbsyncrc-both", &text);
    let sync = || run("mbsync", &["--config", &rc, "--all"], b"", 60).fine("mbsync");
    sync();
    let inbox = folder.join("INBOX");
    let mut new: Vec<_> =
        fs::read_dir(inbox.join("new")).expect("a maildir").map(|e| e.expect("an entry").path()).collect();
    new.sort();
    assert_eq!(new.len(), 3);
    mark(&inbox, &new[0], "FS");
    mark(&inbox, &new[1], "T");
    let draft = folder.join("Bozze/cur/1.locale:2,DS");
    fs::write(draft, "From: mario@studio.example\nSubject: bozza\n\nDa finire.\n").expect("a draft");
    sync();
    assert_eq!(flags(&demo, "INBOX"), ["1 \\Flagged \\Seen", "3 "]);
    assert_eq!(flags(&demo, "Bozze"), ["1 \\Draft \\Seen"]);
    // And back: what IMAP changes, the folder on the disk shows.
    demo.python(
        r#"
c = reader(ask["who"])
c.select("INBOX")
c.uid("STORE", "3", "+FLAGS", "(\\Answered)")
c.uid("STORE", "1", "+FLAGS", "(\\Deleted)")
c.expunge()
answer(0)
"#,
        &json!({"who": MARIO}),
        30,
    );
    sync();
    let names = |part: &str| {
        let entries = fs::read_dir(inbox.join(part)).expect("a maildir");
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let left = [names("cur"), names("new")].concat();
    assert!(left.len() == 1 && left[0].ends_with(":2,R"), "{left:?}");
}

#[test]
fn offlineimap_mirrors_every_folder() {
    if missing("offlineimap", "offlineimap3") {
        return;
    }
    let demo = filled();
    let (provider, mailbox) = demo.info.mailbox(MARIO);
    let folder = demo.place.path("mirror");
    let text = format!(
        "[general]\naccounts = pec\nmetadata = {}\nui = basic\n[Account pec]\nlocalrepository = near\nremoterepository = far\n\
         [Repository near]\ntype = Maildir\nlocalfolders = {}\n[Repository far]\ntype = IMAP\nremotehost = localhost\n\
         remoteport = {}\nremoteuser = {MARIO}\nremotepass = {}\nssl = yes\nsslcacertfile = {}\nauth_mechanisms = PLAIN\n",
        demo.place.path("offlineimap").display(),
        folder.display(),
        port(&provider.imaps),
        mailbox.password,
        demo.info.ca_file.display(),
    );
    let rc = config(&demo, "offlineimaprc", &text);
    run("offlineimap", &["-o", "-c", &rc], b"", 60).fine("offlineimap");
    for name in ["INBOX", "Inviata", "Bozze", "Cestino"] {
        assert!(folder.join(name).join("cur").is_dir(), "{name}");
    }
    assert_eq!(fetched(&folder.join("INBOX")), inbox(&demo));
}

#[test]
fn neomutt_opens_the_inbox_and_flags_what_lies_there() {
    if missing("neomutt", "neomutt") || missing("script", "bsdutils") {
        return;
    }
    let demo = filled();
    let (provider, mailbox) = demo.info.mailbox(MARIO);
    let ca = demo.info.ca_file.display();
    let text = format!(
        "set folder = \"imaps://localhost:{}/\"\nset spoolfile = \"+INBOX\"\nset imap_user = \"{MARIO}\"\n\
         set imap_pass = \"{}\"\nset certificate_file = \"{ca}\"\nset ssl_ca_certificates_file = \"{ca}\"\n\
         set ssl_usesystemcerts = no\nset header_cache = \"\"\nset quit = yes\nset wait_key = no\n\
         push \"<tag-pattern>~A<enter><tag-prefix><flag-message><sync-mailbox><quit>\"\n",
        port(&provider.imaps),
        mailbox.password,
    );
    let rc = config(&demo, "muttrc", &text);
    // It wants a terminal, and `script` is one.
    let command = format!("TERM=xterm neomutt -n -F {rc}");
    run("script", &["-qec", &command, "/dev/null"], b"", 30).fine("neomutt");
    let flagged = flags(&demo, "INBOX");
    assert!(flagged.len() == 3 && flagged.iter().all(|f| f.contains("\\Flagged")), "{flagged:?}");
}

#[test]
fn fetchmail_reads_by_imap_and_leaves_it_seen() {
    if missing("fetchmail", "fetchmail") {
        return;
    }
    let demo = filled();
    let (provider, mailbox) = demo.info.mailbox(MARIO);
    let (there, folder) = (inbox(&demo), maildir(&demo));
    let text = format!(
        "poll localhost protocol imap port {} user \"{MARIO}\" password \"{}\" ssl sslcertck sslcertfile \"{}\" keep \
         no rewrite mda \"sh -c 'cat > {}/new/$$'\"\n",
        port(&provider.imaps),
        mailbox.password,
        demo.info.ca_file.display(),
        folder.display(),
    );
    let rc = config(&demo, "fetchmailrc", &text);
    let pid = demo.place.path("fetchmail.pid");
    let args = ["-f", &rc, "--pidfile", &pid.to_string_lossy(), "-v", "-N", "--invisible"];
    let ran = run("fetchmail", &args, b"", 60).fine("fetchmail");
    assert_eq!(fetched(&folder), there, "{}", ran.all());
    let seen = flags(&demo, "INBOX");
    assert!(seen.len() == 3 && seen.iter().all(|f| f.contains("\\Seen")), "{seen:?}");
}
