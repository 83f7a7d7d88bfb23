//! What is switched off is neither announced nor taken, as on a server that never had it.

use super::*;

/// What a capability adds, command by command: each is one with it and none without it. A command with a tag of its own is
/// said before login.
const ADDED: &[(&str, &[&str])] = &[
    ("LITERAL+", &["SEARCH SUBJECT {3+}\r\nuno", "APPEND INBOX {6+}\r\nA: b\r\n"]),
    ("SASL-IR", &["a AUTHENTICATE PLAIN AGFubmEAcHc="]),
    ("ID", &["ID NIL"]),
    ("ENABLE", &["ENABLE CONDSTORE"]),
    ("IDLE", &["IDLE"]),
    ("NOTIFY", &["NOTIFY NONE"]),
    ("NAMESPACE", &["NAMESPACE"]),
    ("UIDPLUS", &["UID EXPUNGE 1"]),
    ("UNSELECT", &["UNSELECT"]),
    ("MOVE", &["MOVE 1 INBOX", "UID MOVE 1 INBOX"]),
    ("SPECIAL-USE", &["LIST (SPECIAL-USE) \"\" *", "LIST \"\" * RETURN (SPECIAL-USE)"]),
    ("CREATE-SPECIAL-USE", &["CREATE Nuova (USE (\\Drafts))"]),
    ("QUOTA", &["GETQUOTA \"\"", "GETQUOTAROOT INBOX", "SETQUOTA \"\" ()"]),
    ("QUOTA=RES-STORAGE", &["STATUS INBOX (DELETED-STORAGE)"]),
    ("ACL", &["GETACL INBOX", "MYRIGHTS INBOX", "SETACL INBOX b +l", "DELETEACL INBOX b", "LISTRIGHTS INBOX b"]),
    ("LIST-MYRIGHTS", &["LIST \"\" * RETURN (MYRIGHTS)"]),
    (
        "METADATA",
        &[
            "GETMETADATA INBOX /private/comment",
            "SETMETADATA INBOX (/private/comment NIL)",
            "NOTIFY SET (personal (MailboxMetadataChange))",
            "NOTIFY SET (personal (ServerMetadataChange))",
        ],
    ),
    (
        "CONDSTORE",
        &[
            "SELECT INBOX (CONDSTORE)",
            "STATUS INBOX (HIGHESTMODSEQ)",
            "FETCH 1 (MODSEQ)",
            "FETCH 1 (FLAGS) (CHANGEDSINCE 1)",
            "STORE 1 (UNCHANGEDSINCE 1) FLAGS ()",
            "SEARCH NOT MODSEQ 1",
        ],
    ),
    ("QRESYNC", &["SELECT INBOX (QRESYNC (7 1))", "UID FETCH 1 (FLAGS) (CHANGEDSINCE 1 VANISHED)"]),
    ("LIST-EXTENDED", &["LIST (SUBSCRIBED) \"\" *", "LIST \"\" (a b)", "LIST \"\" * RETURN (CHILDREN)"]),
    ("LIST-STATUS", &["LIST \"\" * RETURN (STATUS (MESSAGES))"]),
    ("STATUS=SIZE", &["STATUS INBOX (SIZE)", "LIST \"\" * RETURN (STATUS (SIZE))"]),
    (
        "OBJECTID",
        &[
            "FETCH 1 (EMAILID)",
            "FETCH 1 THREADID",
            "SEARCH EMAILID M1",
            "SEARCH THREADID T1",
            "STATUS INBOX (MAILBOXID)",
        ],
    ),
    (
        "SAVEDATE",
        &[
            "FETCH 1 SAVEDATE",
            "SEARCH SAVEDATESUPPORTED",
            "SEARCH SAVEDBEFORE 1-Jan-2026",
            "SEARCH SAVEDON 1-Jan-2026",
            "SEARCH OR SEEN SAVEDSINCE 1-Jan-2026",
        ],
    ),
    ("UTF8=ACCEPT", &["APPEND INBOX UTF8 (~{6+}\r\nA: b\r\n)", "APPEND INBOX CATENATE (UTF8 (~{6+}\r\nA: b\r\n))"]),
    ("UNAUTHENTICATE", &["UNAUTHENTICATE"]),
    ("ESEARCH", &["SEARCH RETURN (COUNT) ALL", "UID SEARCH RETURN () ALL"]),
    ("SEARCHRES", &["SEARCH RETURN (SAVE) ALL", "FETCH $ UID", "UID STORE 1,$ +FLAGS (a)", "SEARCH NOT $"]),
    ("WITHIN", &["SEARCH OLDER 5", "SEARCH (NOT YOUNGER 5)"]),
    ("SORT", &["SORT (DATE) UTF-8 ALL", "UID SORT (DATE) UTF-8 ALL"]),
    ("SORT=DISPLAY", &["SORT (REVERSE DISPLAYFROM) UTF-8 ALL", "SORT (DISPLAYTO) UTF-8 ALL"]),
    ("ESORT", &["SORT RETURN (ALL) (DATE) UTF-8 ALL"]),
    ("THREAD=ORDEREDSUBJECT", &["THREAD ORDEREDSUBJECT UTF-8 ALL"]),
    ("THREAD=REFERENCES", &["THREAD REFERENCES UTF-8 ALL", "UID THREAD REFERENCES UTF-8 ALL"]),
    ("THREAD=X-CONVERSATION", &["THREAD X-CONVERSATION UTF-8 ALL"]),
    (
        "BINARY",
        &["FETCH 1 BINARY[1]", "FETCH 1 (BINARY.PEEK[1])", "FETCH 1 BINARY.SIZE[1]", "APPEND INBOX ~{6+}\r\nA: b\r\n"],
    ),
    (
        "CATENATE",
        &[
            "APPEND INBOX CATENATE (TEXT {6+}\r\nA: b\r\n)",
            "APPEND INBOX CATENATE (URL \"/INBOX/;UID=1\")",
            "REPLACE 1 INBOX CATENATE (URL \"/INBOX/;UID=1\")",
        ],
    ),
    ("MULTIAPPEND", &["APPEND INBOX {6+}\r\nA: b\r\n {6+}\r\nA: c\r\n"]),
    ("PREVIEW", &["FETCH 1 PREVIEW", "FETCH 1 (PREVIEW (LAZY))"]),
    ("REPLACE", &["REPLACE 1 INBOX {6+}\r\nA: b\r\n", "UID REPLACE 1 INBOX {6+}\r\nA: b\r\n"]),
    ("COMPRESS=DEFLATE", &["COMPRESS DEFLATE"]),
    ("STARTTLS", &["a STARTTLS"]),
];

/// Of these there is nothing to ask: they change what is answered, or what something means.
const ASKED_BY_NOTHING: [&str; 7] =
    ["IMAP4rev2", "CHILDREN", "QUOTA=RES-MESSAGE", "RIGHTS=kxte", "INPROGRESS", "I18NLEVEL=1", "LOGINDISABLED"];

/// What a command is answered where these are switched off, for all or for the account.
fn answer(off: &[&str], for_all: bool, command: &str) -> String {
    let mut toy = Toy::new();
    toy.deliver("INBOX", PLAIN);
    let names: Vec<String> = off.iter().map(|name| (*name).to_owned()).collect();
    let without = if for_all { names.clone() } else { Vec::new() };
    let config = Config { without, max_literal: 1000, ..Config::default() };
    if let Some(before_login) = command.strip_prefix("a ") {
        let mut client = Client::with(toy, config, !command.ends_with("TLS"));
        client.received.clear();
        return client.ask(&format!("t {before_login}"));
    }
    let mut client = Client::with(toy, config, true);
    if !for_all {
        client.server.withhold(names);
    }
    client.ask("a LOGIN anna pw");
    client.ask("b ENABLE QRESYNC");
    client.ask("c SELECT INBOX");
    let told = client.ask(&format!("t {command}"));
    if told.contains("t BAD") {
        let next = client.ask("d FETCH 1 FLAGS");
        assert!(next.contains("* 1 FETCH (") && next.contains("d OK"), "{command}: what follows is as it was: {next}");
    }
    told
}

#[test]
fn commands_of_what_is_switched_off_are_refused() {
    for (capability, commands) in ADDED {
        for command in *commands {
            let told = answer(&[], true, command);
            assert!(!told.contains("t BAD"), "{command}: {told}");
            for for_all in [true, false] {
                if for_all || !command.starts_with("a ") {
                    let told = answer(&[capability], for_all, command);
                    assert!(told.starts_with("t BAD "), "without {capability}, {command}: {told}");
                }
            }
            // What it has nothing to do with is no matter.
            for other in ["I18NLEVEL=1", "CHILDREN", "LOGINDISABLED"] {
                let told = answer(&[other], true, command);
                assert!(!told.contains("t BAD"), "without {other}, {command}: {told}");
            }
        }
    }
}

#[test]
fn every_capability_says_what_it_adds() {
    let rows = || ADDED.iter().map(|(name, _)| *name).chain(ASKED_BY_NOTHING);
    for name in crate::capabilities() {
        assert_eq!(rows().filter(|row| *row == name).count(), 1, "{name}");
    }
    assert!(rows().all(|row| crate::capabilities().any(|name| name == row)));
}

#[test]
fn what_several_capabilities_hold_goes_with_the_last() {
    assert!(answer(&["QUOTA=RES-MESSAGE"], true, "STATUS INBOX (DELETED)").contains("DELETED 0"));
    assert!(answer(&["IMAP4rev2"], true, "STATUS INBOX (DELETED)").contains("DELETED 0"));
    assert!(answer(&["IMAP4rev2", "QUOTA"], true, "STATUS INBOX (DELETED)").contains("t BAD"));
    // Who has no more of it than RFC 9051 is no client of RFC 9051.
    let on = answer(&["ESEARCH"], false, "ENABLE IMAP4rev2 UTF8=ACCEPT");
    assert!(on.starts_with("* ENABLED UTF8=ACCEPT\r\n"), "{on}");
    let on = answer(&["CONDSTORE"], false, "ENABLE CONDSTORE QRESYNC IMAP4rev2");
    assert!(on.starts_with("* ENABLED IMAP4rev2\r\n"), "{on}");
    let told = answer(&["MOVE"], false, "CAPABILITY");
    assert!(!told.contains("IMAP4rev2") && told.contains("IMAP4rev1") && !told.contains(" MOVE"), "{told}");
}
