//! NOTIFY (RFC 5465) over the engine: what one client does in a mailbox, another one hears, as far as he may.

use sigillo_tests::wire::Wire;

use super::check::assert_clean;
use super::rights::{Office, ok};

const ALL: &str =
    "MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange";
const APPEND: &str = "{18+}\r\nSubject: x\r\n\r\nciao";

fn told(wire: &mut Wire) -> String {
    assert!(wire.connection.watching().is_some(), "it listens");
    wire.connection.wake(wire.tick);
    String::from_utf8(wire.hear()).expect("ASCII")
}

/// What Anna does, and what Dora hears of it. A STATUS is told with the folder's own UIDVALIDITY.
fn hears(office: &mut Office, does: &str, hears: &[&str]) {
    ok(&mut office.anna, does);
    let said = told(&mut office.dora);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), hears.len(), "{does}: {said}");
    for (line, wanted) in lines.iter().zip(hears) {
        assert!(line.starts_with(wanted), "{does}: {said}");
    }
    assert_eq!(told(&mut office.anna), "", "{does}: she knows");
}

#[test]
fn what_others_do_in_any_folder_is_told() {
    let mut office = Office::new(61);
    ok(&mut office.anna, &format!("NOTIFY SET (personal ({ALL}))"));
    ok(&mut office.dora, &format!("NOTIFY SET (personal ({ALL}))"));
    for (does, told) in [
        (
            "CREATE Pratiche/2026",
            &["* LIST (\\HasChildren) \"/\" Pratiche", "* LIST (\\HasNoChildren) \"/\" Pratiche/2026"][..],
        ),
        ("SUBSCRIBE Pratiche", &["* LIST (\\HasChildren \\Subscribed) \"/\" Pratiche"]),
        (&format!("APPEND Pratiche {APPEND}"), &["* STATUS Pratiche (MESSAGES 1 UIDNEXT 2 UIDVALIDITY "]),
        (
            "RENAME Pratiche Fascicoli",
            // The subscription stays with the old name.
            &["* LIST (\\HasChildren) \"/\" Fascicoli (\"OLDNAME\" (Pratiche))"],
        ),
        ("UNSUBSCRIBE Pratiche", &["* LIST (\\NonExistent) \"/\" Pratiche"]),
        ("CREATE Vecchia", &["* LIST (\\HasNoChildren) \"/\" Vecchia"]),
        ("SUBSCRIBE Vecchia", &["* LIST (\\HasNoChildren \\Subscribed) \"/\" Vecchia"]),
        ("DELETE Vecchia", &["* LIST (\\NonExistent \\Subscribed) \"/\" Vecchia"]),
        ("UNSUBSCRIBE Vecchia", &["* LIST (\\NonExistent) \"/\" Vecchia"]),
        ("SETMETADATA Fascicoli (/shared/comment \"x\")", &["* METADATA Fascicoli \"/shared/comment\""]),
        ("SETMETADATA Fascicoli (/private/comment \"x\")", &[]),
        ("SETMETADATA \"\" (/shared/comment \"x\")", &["* METADATA \"\" \"/shared/comment\""]),
        (
            "DELETE Fascicoli/2026",
            &["* LIST (\\HasNoChildren) \"/\" Fascicoli", "* LIST (\\NonExistent) \"/\" Fascicoli/2026"],
        ),
        ("SELECT Fascicoli", &[]),
        ("STORE 1 +FLAGS (\\Seen \\Deleted)", &["* STATUS Fascicoli (MESSAGES 1 UIDNEXT 2 UIDVALIDITY "]),
        ("COPY 1 Bozze", &["* STATUS Bozze (MESSAGES 1 UIDNEXT 2 UIDVALIDITY "]),
        ("EXPUNGE", &["* STATUS Fascicoli (MESSAGES 0 UIDNEXT 2 UIDVALIDITY "]),
        ("UNSELECT", &[]),
        ("DELETE Fascicoli", &["* LIST (\\NonExistent) \"/\" Fascicoli"]),
    ] {
        hears(&mut office, does, told);
    }
    assert_clean(office.store(), "after all that was told");
}

#[test]
fn what_is_selected_is_told_with_what_was_asked_for() {
    let mut office = Office::new(62);
    ok(&mut office.anna, &format!("APPEND INBOX {APPEND}"));
    ok(&mut office.dora, "SELECT INBOX");
    ok(&mut office.dora, "NOTIFY SET (selected (MessageNew (RFC822.SIZE BODY.PEEK[TEXT]) MessageExpunge FlagChange))");
    ok(&mut office.anna, &format!("APPEND INBOX {APPEND}"));
    assert_eq!(
        told(&mut office.dora),
        "* 2 EXISTS\r\n* 0 RECENT\r\n* 2 FETCH (UID 2 RFC822.SIZE 18 BODY[TEXT] {4}\r\nciao)\r\n"
    );
    ok(&mut office.anna, "SELECT INBOX");
    ok(&mut office.anna, "STORE 1 +FLAGS (\\Deleted)");
    assert_eq!(told(&mut office.dora), "* 1 FETCH (UID 1 FLAGS (\\Deleted))\r\n");
    ok(&mut office.anna, "EXPUNGE");
    assert_eq!(told(&mut office.dora), "* 1 EXPUNGE\r\n");
}

#[test]
fn rights_begin_and_end_what_is_told() {
    let mut office = Office::new(63);
    ok(&mut office.anna, "CREATE Riservata");
    office.dora_may(Some("Riservata"), "l");
    let said = ok(&mut office.dora, "NOTIFY SET STATUS (mailboxes Riservata (MessageNew MessageExpunge))");
    assert_eq!(said, "* LIST (\\HasNoChildren \\NoAccess) \"/\" Riservata\r\nt OK NOTIFY completed\r\n");
    ok(&mut office.anna, &format!("APPEND Riservata {APPEND}"));
    assert_eq!(told(&mut office.dora), "");
    office.dora_may(Some("Riservata"), "lr");
    let said = told(&mut office.dora);
    assert!(said.starts_with("* LIST (\\HasNoChildren) \"/\" Riservata\r\n* STATUS Riservata (MESSAGES 1 "), "{said}");
    office.dora_may(Some("Riservata"), "");
    assert_eq!(told(&mut office.dora), "* LIST (\\NonExistent \\NoAccess) \"/\" Riservata\r\n");
    ok(&mut office.anna, &format!("APPEND Riservata {APPEND}"));
    ok(&mut office.anna, "SETMETADATA Riservata (/shared/comment \"x\")");
    assert_eq!(told(&mut office.dora), "");
    // To who watches names it comes and goes.
    assert_eq!(
        ok(&mut office.dora, &format!("NOTIFY SET STATUS (mailboxes Riservata ({ALL}))")),
        "t OK NOTIFY completed\r\n"
    );
    ok(&mut office.anna, &format!("APPEND Riservata {APPEND}"));
    assert_eq!(told(&mut office.dora), "");
    office.dora_may(Some("Riservata"), "lr");
    let said = told(&mut office.dora);
    let (list, rest) = said.split_once("\r\n").expect("several lines");
    assert_eq!(list, "* LIST (\\HasNoChildren) \"/\" Riservata");
    assert!(rest.starts_with("* STATUS Riservata (MESSAGES 3 ") && rest.contains("* METADATA Riservata "), "{said}");
    office.dora_may(Some("Riservata"), "");
    assert_eq!(told(&mut office.dora), "* LIST (\\NonExistent) \"/\" Riservata\r\n");
}
