//! QRESYNC (RFC 7162 §3.2).

use super::*;

/// Six messages, of which 2 went, 4 was flagged, 5 went, in this order; the mod-sequence is 7 before and 10 after.
fn changed() -> Client {
    let mut toy = Toy::new();
    for _ in 0..6 {
        toy.deliver("INBOX", PLAIN);
    }
    toy.inbox().remove(|row| row.uid == 2);
    toy.inbox().flag(4, System::Flagged);
    toy.inbox().remove(|row| row.uid == 5);
    let mut client = Client::inside(toy);
    client.script("C: e ENABLE QRESYNC X-ALTRO\nS: * ENABLED QRESYNC\nS: e OK …");
    client
}

/// What SELECT says with these parameters after the ordinary part.
fn resync(client: &mut Client, known: &str) -> String {
    let said = client.ask(&format!("s SELECT INBOX (QRESYNC ({known}))"));
    let (_, rest) = said.split_once("* OK [MAILBOXID (F1)] Its identity\r\n").unwrap_or_else(|| panic!("{said}"));
    rest.strip_suffix("s OK [READ-WRITE] SELECT completed\r\n").unwrap().to_owned()
}

const FLAGGED: &str = "* 3 FETCH (UID 4 FLAGS (\\Flagged) MODSEQ (9))\r\n";

#[test]
fn a_client_hears_what_it_missed() {
    for (known, told) in [
        ("7 7", format!("* VANISHED (EARLIER) 2,5\r\n{FLAGGED}")),
        ("7 7 1:6", format!("* VANISHED (EARLIER) 2,5\r\n{FLAGGED}")),
        ("7 8", format!("* VANISHED (EARLIER) 5\r\n{FLAGGED}")),
        ("7 9", "* VANISHED (EARLIER) 5\r\n".to_owned()),
        ("7 10", String::new()),
        ("7 7 1:3", "* VANISHED (EARLIER) 2\r\n".to_owned()),
        ("7 7 4:99", format!("* VANISHED (EARLIER) 5\r\n{FLAGGED}")),
        ("7 7 1:6 (1:2 1:2)", format!("* VANISHED (EARLIER) 2,5\r\n{FLAGGED}")),
        // Another UIDVALIDITY: nothing that the client knows holds.
        ("8 7", String::new()),
    ] {
        assert_eq!(resync(&mut changed(), known), told, "{known}");
    }
}

/// The folder remembers no removals: all that is not there may have gone.
#[test]
fn what_is_forgotten_is_told_too_often_rather_than_never() {
    for (known, told) in [
        ("7 7", "* VANISHED (EARLIER) 2,5\r\n"),
        ("7 9", "* VANISHED (EARLIER) 2,5\r\n"),
        ("7 10", ""),
        ("7 9 1,3:4,6", ""),
        ("7 9 5:99", "* VANISHED (EARLIER) 5\r\n"),
        // Where the third message is UID 4, nothing before it went since.
        ("7 9 1:6 (1,3 1,4)", "* VANISHED (EARLIER) 5\r\n"),
        ("7 9 1:6 (1,3 1,5)", "* VANISHED (EARLIER) 2,5\r\n"),
    ] {
        let mut client = changed();
        client.toy.inbox().forget();
        assert_eq!(resync(&mut client, known).replace(FLAGGED, ""), told, "{known}");
    }
}

#[test]
fn vanished_takes_the_place_of_expunge() {
    let mut client = changed();
    client.script(
        "C: a SELECT INBOX
         S: * FLAGS …
         S: * OK [PERMANENTFLAGS …
         S: * 4 EXISTS
         S: * 0 RECENT
         S: * OK [UNSEEN 1] …
         S: * OK [UIDVALIDITY 7] …
         S: * OK [UIDNEXT 7] …
         S: * OK [HIGHESTMODSEQ 10] …
         S: * OK [MAILBOXID (F1)] …
         S: a OK …
         C: b UID FETCH 1:4 (FLAGS) (CHANGEDSINCE 7 VANISHED)
         S: * VANISHED (EARLIER) 2
         S: * 3 FETCH (UID 4 FLAGS (\\Flagged) MODSEQ (9))
         S: b OK …
         C: c UID FETCH 1:* (FLAGS) (VANISHED CHANGEDSINCE 9)
         S: * VANISHED (EARLIER) 5
         S: c OK …
         C: d FETCH 1:* (FLAGS) (CHANGEDSINCE 9 VANISHED)
         S: d BAD …
         C: e UID FETCH 1:* (FLAGS) (VANISHED)
         S: e BAD …
         C: f STORE 1,3 +FLAGS.SILENT (\\Deleted)
         S: * 1 FETCH (UID 1 MODSEQ (11))
         S: * 3 FETCH (UID 4 MODSEQ (11))
         S: f OK …
         C: g EXPUNGE
         S: * VANISHED 1,4
         S: g OK [HIGHESTMODSEQ 12] …",
    );
    client.toy.inbox().flag(6, System::Seen);
    client.toy.inbox().remove(|row| row.uid == 3);
    client.script(
        "C: h IDLE
         S: + idling
         S: * VANISHED 3
         S: * 1 FETCH (UID 6 FLAGS (\\Seen) MODSEQ (13))
         C: DONE
         S: h OK …
         C: i CREATE Altra
         S: i OK …
         C: j UID MOVE 6 Altra
         S: * OK [COPYUID 7 6 1] …
         S: * VANISHED 6
         S: j OK [HIGHESTMODSEQ 15] …
         C: k SELECT Altra
         S: * OK [CLOSED] …
         S: * FLAGS …",
    );
}

/// A message that went and is not told yet keeps its number: it is told of once, and as any other.
#[test]
fn what_goes_between_two_looks_is_told_once() {
    let mut client = changed();
    client.ask("a SELECT INBOX");
    client.toy.inbox().remove(|row| row.uid == 1);
    client.script(
        "C: b FETCH 1:4 (UID)
         S: * 2 FETCH (UID 3)
         S: * 3 FETCH (UID 4)
         S: * 4 FETCH (UID 6)
         S: b NO [EXPUNGEISSUED] …
         C: c UID FETCH 1:6 (UID) (CHANGEDSINCE 9 VANISHED)
         S: * VANISHED (EARLIER) 5
         S: * VANISHED 1
         S: c OK …",
    );
}

#[test]
fn the_switch_comes_first() {
    let mut client = two();
    client.script(
        "C: a SELECT INBOX (QRESYNC (7 1))
         S: a BAD …
         C: b SELECT INBOX (ALTRO)
         S: b BAD …
         C: c SELECT INBOX (QRESYNC (7))
         S: c BAD …
         C: d ENABLE QRESYNC
         S: * ENABLED QRESYNC
         S: d OK …
         C: e ENABLE QRESYNC CONDSTORE
         S: * ENABLED
         S: e OK …
         C: f EXAMINE INBOX (CONDSTORE QRESYNC (7 1 1:2 (1 1)))
         S: * FLAGS …",
    );
}

/// Numbers that a command names stay what they are until it is over (RFC 7162 §3.2.10.2).
#[test]
fn no_search_that_names_numbers_tells_of_what_went() {
    for on in ["QRESYNC", "CONDSTORE"] {
        for (search, may) in [
            ("UID SEARCH 1:*", false),
            ("UID SEARCH NOT (OR SEEN 2)", false),
            ("UID SORT (DATE) UTF-8 1", false),
            ("UID THREAD REFERENCES UTF-8 1", false),
            ("SEARCH ALL", false),
            ("UID SEARCH UID 1:*", true),
            ("UID SEARCH ALL", true),
        ] {
            let mut client = selected();
            client.ask(&format!("e ENABLE {on}"));
            client.toy.inbox().remove(|row| row.uid == 1);
            let said = client.ask(&format!("a {search}"));
            assert_eq!(said.contains("* VANISHED 1\r\n") || said.contains("* 1 EXPUNGE\r\n"), may, "{search}: {said}");
            assert_ne!(client.ask("b NOOP").contains("* "), may, "{search}");
        }
    }
}

/// RFC 7162 §3.2.8, §3.2.7.
#[test]
fn who_closes_hears_of_nothing_and_who_expunges_how_far_the_folder_is() {
    let mut client = changed();
    client.ask("s SELECT INBOX");
    client.ask("a UID STORE 1,3 +FLAGS.SILENT (\\Deleted)");
    client.toy.inbox().remove(|row| row.uid == 4);
    client.script(
        "C: b UID EXPUNGE 1
         S: * VANISHED 1,4
         S: b OK [HIGHESTMODSEQ 13] …
         C: c CLOSE
         S: c OK CLOSE completed
         C: d SELECT INBOX (QRESYNC (7 13))
         S: * FLAGS …
         S: * OK [PERMANENTFLAGS …
         S: * 1 EXISTS
         S: * 0 RECENT
         S: * OK [UNSEEN 1] …
         S: * OK [UIDVALIDITY 7] …
         S: * OK [UIDNEXT 7] …
         S: * OK [HIGHESTMODSEQ 14] …
         S: * OK [MAILBOXID (F1)] …
         S: * VANISHED (EARLIER) 3
         S: d OK …",
    );
}

/// RFC 3501 §6.3.1: of a SELECT that is refused nothing is left.
#[test]
fn a_select_that_fails_late_selects_nothing() {
    let mut client = two();
    client.toy.lost = true;
    client.script(
        "C: a ENABLE QRESYNC
         S: * ENABLED …
         S: a OK …",
    );
    let told = client.ask("b SELECT INBOX (QRESYNC (7 1))");
    assert!(told.contains("b NO [UNAVAILABLE]"), "{told}");
    assert!(client.ask("c FETCH 1 FLAGS").contains("c BAD"), "no folder is selected");
    client.toy.lost = false;
    assert!(client.ask("d SELECT INBOX (QRESYNC (7 1))").contains("d OK"));
}

/// RFC 7162 §3.2.5: who is cut off after it would never hear of what had not been told.
#[test]
fn switching_on_passes_over_nothing_that_waits_to_be_told() {
    for switch in ["ENABLE QRESYNC", "ENABLE CONDSTORE", "FETCH 1 (MODSEQ)", "STATUS INBOX (HIGHESTMODSEQ)"] {
        let mut client = two();
        client.ask("s SELECT INBOX");
        client.toy.inbox().remove(|row| row.uid == 2);
        assert_eq!(client.ask("a FETCH 1 UID"), "* 1 FETCH (UID 1)\r\na OK FETCH completed\r\n", "it waits");
        let said = client.ask(&format!("b {switch}"));
        assert!(said.contains("* OK [HIGHESTMODSEQ 3]"), "{switch}: {said}");
    }
}
