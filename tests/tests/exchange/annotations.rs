//! Annotations of folders and of mailboxes (RFC 5464): whose they are, how many fit, and that they go with their folder.

use sigillo_store::tag;

use super::check::assert_clean;
use super::rights::{Office, no, ok};
use super::rows;

#[test]
fn some_are_everybodys_and_some_are_ones_own() {
    let mut office = Office::new(41);
    ok(&mut office.anna, "SETMETADATA INBOX (/shared/comment \"di tutti\" /private/comment \"di Anna\")");
    ok(&mut office.dora, "SETMETADATA INBOX (/private/comment \"di Dora\")");
    let seen = ok(&mut office.dora, "GETMETADATA INBOX (/shared/comment /private/comment)");
    assert!(seen.contains("\"/shared/comment\" \"di tutti\" \"/private/comment\" \"di Dora\""), "{seen}");
    assert!(ok(&mut office.anna, "GETMETADATA INBOX /private/comment").contains("\"di Anna\""));
    // Of the mailbox itself everybody reads what is shared, and who administers writes it.
    no(&mut office.dora, "SETMETADATA \"\" (/shared/comment \"x\")", "NOPERM");
    ok(&mut office.anna, "SETMETADATA \"\" (/shared/comment \"La nostra casella\")");
    ok(&mut office.dora, "SETMETADATA \"\" (/private/vendor/x \"1\")");
    assert!(ok(&mut office.dora, "GETMETADATA \"\" /shared/comment").contains("La nostra casella"));
    // Who may not write there says nothing to all.
    office.dora_may(Some("INBOX"), "lr");
    no(&mut office.dora, "SETMETADATA INBOX (/private/a \"1\" /shared/a \"2\")", "NOPERM");
    assert!(ok(&mut office.dora, "GETMETADATA INBOX /private/a").contains("NIL"), "all or none");
    no(&mut office.dora, "SETMETADATA Nessuna (/private/a \"1\")", "NONEXISTENT");
    assert_clean(office.store(), "annotations");
}

#[test]
fn they_follow_their_folder_and_go_with_it() {
    let mut office = Office::new(42);
    ok(&mut office.anna, "CREATE Pratiche");
    for entry in 0..50 {
        ok(&mut office.anna, &format!("SETMETADATA Pratiche (/shared/e{entry} \"valore\")"));
    }
    ok(&mut office.anna, "RENAME Pratiche Archivio/2026");
    assert!(ok(&mut office.anna, "GETMETADATA Archivio/2026 /shared/e7").contains("\"valore\""));
    assert_eq!(rows::of(office.store(), tag::ANNOTATION).len(), 50);
    ok(&mut office.anna, "DELETE Archivio/2026");
    assert!(rows::of(office.store(), tag::ANNOTATION).is_empty());
    assert_clean(office.store(), "a folder with annotations is gone");
    ok(&mut office.anna, "CREATE Archivio/2026");
    assert!(ok(&mut office.anna, "GETMETADATA Archivio/2026 /shared/e7").contains("NIL"));
}

/// RFC 5464 §4.1: what is noted about the INBOX is noted about where its messages went, and stays.
#[test]
fn the_inbox_keeps_them_when_its_messages_go() {
    let mut office = Office::new(44);
    ok(&mut office.anna, "SETMETADATA INBOX (/shared/comment \"di tutti\" /private/comment \"di Anna\")");
    ok(&mut office.dora, "SETMETADATA INBOX (/private/comment \"di Dora\")");
    ok(&mut office.anna, "RENAME INBOX Archivio");
    for folder in ["INBOX", "Archivio"] {
        let asked = format!("GETMETADATA {folder} (/shared/comment /private/comment)");
        assert!(ok(&mut office.anna, &asked).contains("\"di tutti\" \"/private/comment\" \"di Anna\""), "{folder}");
        assert!(ok(&mut office.dora, &asked).contains("\"di tutti\" \"/private/comment\" \"di Dora\""), "{folder}");
    }
    ok(&mut office.anna, "SETMETADATA Archivio (/shared/comment NIL)");
    assert!(ok(&mut office.anna, "GETMETADATA INBOX /shared/comment").contains("\"di tutti\""), "each its own");
    assert_clean(office.store(), "the INBOX under another name");
}

#[test]
fn only_so_many_fit() {
    let mut office = Office::new(43);
    for entry in 0..100 {
        ok(&mut office.anna, &format!("SETMETADATA INBOX (/shared/e{entry} \"\")"));
    }
    no(&mut office.anna, "SETMETADATA INBOX (/shared/uno-di-troppo \"\")", "METADATA TOOMANY");
    ok(&mut office.anna, "SETMETADATA INBOX (/shared/e1 \"cambiata\")");
    ok(&mut office.anna, "SETMETADATA INBOX (/private/e1 \"\")");
    ok(&mut office.dora, "SETMETADATA INBOX (/private/e1 \"\")");
    ok(&mut office.anna, "SETMETADATA INBOX (/shared/e2 NIL /shared/un-altra \"\")");
    let long = "x".repeat(8193);
    no(&mut office.anna, &format!("SETMETADATA INBOX (/shared/e3 {{8193+}}\r\n{long})"), "METADATA MAXSIZE 8192");
    // Ten megabytes of all folders together.
    let value = "x".repeat(8192);
    let mut full = false;
    for folder in 0..14 {
        ok(&mut office.anna, &format!("CREATE F{folder}"));
        for entry in 0..100 {
            let command = format!("SETMETADATA F{folder} (/shared/e{entry} {{8192+}}\r\n{value})");
            let answer = office.anna.say(format!("t {command}\r\n"));
            if !answer.contains("t OK") {
                assert!(answer.contains("t NO [OVERQUOTA]"), "{answer}");
                full = true;
                break;
            }
        }
    }
    assert!(full, "somewhere it ends");
    ok(&mut office.anna, "SETMETADATA F0 (/shared/e0 NIL)");
    assert_clean(office.store(), "as many as fit");
}
