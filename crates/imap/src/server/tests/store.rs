//! STORE, EXPUNGE, CLOSE.

use super::*;
use crate::FolderRights;

#[test]
fn storing_and_expunging() {
    selected().script(
        "C: a STORE 1:2 +FLAGS (\\Deleted Lavoro)
         S: * 1 FETCH (FLAGS (\\Deleted Lavoro))
         S: * 2 FETCH (FLAGS (\\Deleted Lavoro))
         S: a OK …
         C: b UID STORE 2 -FLAGS.SILENT \\Deleted
         S: b OK …
         C: c UID STORE 2 FLAGS (\\Seen)
         S: * 2 FETCH (UID 2 FLAGS (\\Seen))
         S: c OK …
         C: d UID EXPUNGE 2
         S: d OK …
         C: e EXPUNGE
         S: * 1 EXPUNGE
         S: e OK …
         C: f STORE 1 FLAGS (\\Bad)
         S: f BAD …
         C: g STORE 1 +FLAGS \\Deleted
         S: * 1 FETCH (FLAGS (\\Deleted \\Seen))
         S: g OK …
         C: h CLOSE
         S: h OK …
         C: i STATUS INBOX (MESSAGES)
         S: * STATUS INBOX (MESSAGES 0)
         S: i OK …
         C: j SELECT INBOX
         S: * FLAGS …
         S: * OK …
         S: * 0 EXISTS
         S: * 0 RECENT
         S: * OK [UIDVALIDITY 7] …
         S: * OK [UIDNEXT 3] …
         S: * OK [HIGHESTMODSEQ 9] …
         S: * OK [MAILBOXID (F1)] …
         S: j OK …
         C: k FETCH 1:* FLAGS
         S: k OK …
         C: l UID SEARCH ALL
         S: * SEARCH
         S: l OK …",
    );
}

/// RFC 3501 §7.1: a flag that is told with FLAGS and not with PERMANENTFLAGS would not stay.
#[test]
fn the_keywords_of_a_folder_are_among_the_flags_that_stay() {
    let mut client = two();
    client.toy.kept.mine = FolderRights::parse("lrswite");
    client.ask("a SELECT INBOX");
    client.ask("b STORE 1 +FLAGS (Pratica)");
    let told = client.ask("c SELECT INBOX");
    let flags = "\\Answered \\Flagged \\Deleted \\Seen \\Draft Pratica";
    assert!(told.contains(&format!("* FLAGS ({flags})\r\n* OK [PERMANENTFLAGS ({flags} \\*)]")), "{told}");
    client.toy.kept.mine = FolderRights::parse("lrs");
    client.script("C: d NOOP\nS: * OK [PERMANENTFLAGS (\\Seen)] …\nS: d OK …");
    client.toy.kept.mine = FolderRights::parse("lrw");
    let told = "\\Answered \\Flagged \\Draft Pratica \\*";
    client.script(&format!("C: e NOOP\nS: * OK [PERMANENTFLAGS ({told})] …\nS: e OK …"));
}

/// Six messages with a hundred keywords each are more than a folder takes by STORE: what is there stays, and can be given.
#[test]
fn a_folder_that_is_full_of_keywords_takes_no_new_one() {
    let mut toy = Toy::new();
    for message in 0..5 {
        let uid = toy.deliver("INBOX", PLAIN);
        let keywords = (0..100).map(|n| format!("k{message}-{n}"));
        toy.inbox().change(uid, &crate::Change::new(crate::StoreOp::Set, crate::Flags::from_parts(0, keywords)));
    }
    toy.deliver("INBOX", PLAIN);
    let mut client = Client::inside(toy);
    let told = client.ask("a SELECT INBOX");
    let stay = told.split_once("[PERMANENTFLAGS (").and_then(|(_, stay)| stay.split_once(")]")).expect("told").0;
    assert!(
        stay.ends_with(" k4-99") && stay.starts_with("\\Answered \\Flagged \\Deleted \\Seen \\Draft k0-0 "),
        "{told}"
    );
    client.script(
        "C: b STORE 6 +FLAGS (nuova)
         S: b NO [LIMIT] …
         C: c STORE 6 FLAGS (K4-99 nuova)
         S: c NO [LIMIT] …
         C: d STORE 6 +FLAGS (K4-99)
         S: * 6 FETCH (FLAGS (K4-99))
         S: d OK …
         C: e STORE 1 -FLAGS.SILENT (k0-1)
         S: e OK …
         C: f STORE 6 +FLAGS.SILENT (nuova)
         S: f OK …",
    );
}

/// A folder that has as many keywords as it may, and the INBOX with a message that would bring a new one.
fn full() -> Client {
    let mut toy = Toy::new();
    toy.create("Piena", None).unwrap();
    let set = |keywords: Vec<String>| crate::Change::new(crate::StoreOp::Set, crate::Flags::from_parts(0, keywords));
    for message in 0..5 {
        let uid = toy.deliver("Piena", PLAIN);
        toy.at("Piena").change(uid, &set((0..100).map(|n| format!("k{message}-{n}")).collect()));
    }
    for keyword in ["K4-99", "nuova", "altra"] {
        let uid = toy.deliver("INBOX", PLAIN);
        toy.inbox().change(uid, &set(vec![keyword.to_owned()]));
    }
    let mut client = Client::inside(toy);
    client.ask("s SELECT INBOX");
    client
}

#[test]
fn a_folder_that_is_full_of_keywords_is_brought_no_new_one() {
    let mut client = full();
    client.script(
        "C: a COPY 1:2 Piena
         S: a NO [LIMIT] …
         C: b MOVE 1:3 Piena
         S: b NO [LIMIT] …
         C> c APPEND Piena (nuova) {6+}\\r\\nA: b\\r\\n\\r\\n
         S: c NO [LIMIT] …
         C> d REPLACE 1 Piena (nuova) {6+}\\r\\nA: b\\r\\n\\r\\n
         S: d NO [LIMIT] …
         C: e SEARCH ALL
         S: * SEARCH 1 2 3
         S: e OK …
         C> f APPEND Piena (k0-0 K1-1) {6+}\\r\\nA: b\\r\\n\\r\\n
         S: f OK [APPENDUID 7 6] …
         C: g COPY 1 Piena
         S: g OK [COPYUID 7 1 7] …
         C: h COPY 2 INBOX
         S: h OK [COPYUID 7 2 4] …
         C: i SELECT Piena
         S: * OK [CLOSED] …",
    );
    client.received.clear();
    client.script(
        "C> i APPEND Piena (nuova) {6+}\\r\\nA: b\\r\\n\\r\\n
         S: i NO [LIMIT] …",
    );
}

/// What others do in the folder meanwhile counts, and it is not read anew for every message that comes.
#[test]
fn the_keywords_of_a_folder_are_followed() {
    let mut client = full();
    client.script("C: a COPY 2 Piena\nS: a NO [LIMIT] …");
    let less = crate::Change::new(crate::StoreOp::Remove, crate::Flags::from_parts(0, ["k0-0".to_owned()]));
    client.toy.at("Piena").change(1, &less);
    client.script("C: b COPY 2 Piena\nS: b OK …\nC: c COPY 3 Piena\nS: c NO [LIMIT] …");
    client.toy.at("Piena").remove(|row| row.uid == 2);
    let opened = client.toy.opened;
    client.script("C: d COPY 3 Piena\nS: d OK …\nC: e COPY 2:3 Piena\nS: e OK …\nC: f COPY 1:3 Piena\nS: f OK …");
    assert_eq!(client.toy.opened, opened + 1, "only where the limit seems to be reached");
}

/// More messages than one commit takes: each page is told as it is done, numbers hold, and what somebody removed meanwhile is
/// told at the end.
#[test]
fn many_messages_are_changed_and_closed_page_by_page() {
    let mut toy = Toy::new();
    for _ in 0..2_500 {
        toy.deliver("INBOX", PLAIN);
    }
    let mut client = Client::inside(toy);
    client.ask("s SELECT INBOX");
    client.toy.inbox().remove(|row| row.uid == 1_500);
    let told = client.ask("a STORE 2:* +FLAGS (Pratica)");
    assert!(told.ends_with("a NO [EXPUNGEISSUED] Alcuni messaggi non ci sono piu'\r\n"), "{}", told.len());
    assert_eq!(told.matches(" FETCH (FLAGS (Pratica))\r\n").count(), 2_498);
    assert!(told.contains("* 2500 FETCH") && !told.contains("EXPUNGE\r\n"));
    let told = client.ask("b UID STORE 1:* +FLAGS.SILENT (\\Deleted)");
    assert_eq!(told, "* 1500 EXPUNGE\r\nb OK STORE completed\r\n");
    client.script("C: c CLOSE\nS: c OK …\nC: d STATUS INBOX (MESSAGES)\nS: * STATUS INBOX (MESSAGES 0)\nS: d OK …");
}

#[test]
fn keywords_of_a_message_come_to_so_many_octets() {
    let mut client = two();
    client.ask("s SELECT INBOX");
    let words = |n: usize| (0..n).map(|n| format!("{n:0>100}")).collect::<Vec<_>>().join(" ");
    assert!(client.ask(&format!("a STORE 1 +FLAGS.SILENT ({})", words(20))).starts_with("a OK"));
    assert!(client.ask(&format!("b STORE 1 FLAGS ({})", words(21))).starts_with("b NO [LIMIT]"));
}
