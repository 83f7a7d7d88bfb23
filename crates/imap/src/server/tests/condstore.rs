//! CONDSTORE (RFC 7162 §3.1).

use super::*;

#[test]
fn mod_sequences_are_told_and_wanted() {
    let mut client = two();
    client.script(
        "C: a SELECT INBOX (CONDSTORE)
         S: * FLAGS …
         S: * OK [PERMANENTFLAGS …
         S: * 2 EXISTS
         S: * 0 RECENT
         S: * OK [UNSEEN 1] …
         S: * OK [UIDVALIDITY 7] …
         S: * OK [UIDNEXT 3] …
         S: * OK [HIGHESTMODSEQ 3] …
         S: * OK [MAILBOXID (F1)] …
         S: a OK [READ-WRITE] …
         C: b FETCH 1:2 (FLAGS MODSEQ)
         S: * 1 FETCH (FLAGS () MODSEQ (2))
         S: * 2 FETCH (FLAGS () MODSEQ (3))
         S: b OK …
         C: c STORE 1 +FLAGS (\\Flagged)
         S: * 1 FETCH (FLAGS (\\Flagged) MODSEQ (4))
         S: c OK …
         C: d UID STORE 2 +FLAGS.SILENT (\\Flagged)
         S: * 2 FETCH (UID 2 MODSEQ (5))
         S: d OK …
         C: e FETCH 1:* (FLAGS) (CHANGEDSINCE 4)
         S: * 2 FETCH (FLAGS (\\Flagged) MODSEQ (5))
         S: e OK …
         C: f UID FETCH 1:* FLAGS (CHANGEDSINCE 5)
         S: f OK …
         C: g STATUS INBOX (HIGHESTMODSEQ MESSAGES)
         S: * STATUS INBOX (HIGHESTMODSEQ 5 MESSAGES 2)
         S: g OK …
         C: h FETCH 1 BODY[TEXT]
         S: * 1 FETCH (BODY[TEXT] {6}
         S: ciao
         S:  FLAGS (\\Flagged \\Seen) MODSEQ (6))
         S: h OK …
         C: i STORE 1 +FLAGS.SILENT (\\Deleted)
         S: * 1 FETCH (MODSEQ (7))
         S: i OK …
         C: j EXPUNGE
         S: * 1 EXPUNGE
         S: j OK [HIGHESTMODSEQ 8] …
         C: k CREATE Altra
         S: k OK …
         C: l MOVE 1 Altra
         S: * OK [COPYUID 7 2 1] …
         S: * 1 EXPUNGE
         S: l OK [HIGHESTMODSEQ 9] …",
    );
}

#[test]
fn what_changed_meanwhile_is_left_alone() {
    let mut client = selected();
    client.toy.inbox().flag(1, System::Flagged);
    client.script(
        "C: a STORE 1:2 (UNCHANGEDSINCE 3) +FLAGS (Lavoro)
         S: * OK [HIGHESTMODSEQ 3] …
         S: * 1 FETCH (FLAGS (\\Flagged) MODSEQ (4))
         S: * 2 FETCH (FLAGS (Lavoro) MODSEQ (5))
         S: a OK [MODIFIED 1] …
         C: b UID STORE 1,2 (UNCHANGEDSINCE 4) +FLAGS.SILENT (\\Seen)
         S: * 1 FETCH (UID 1 MODSEQ (6))
         S: b OK [MODIFIED 2] …
         C: c STORE 1:2 (UNCHANGEDSINCE 0) FLAGS ()
         S: c OK [MODIFIED 1:2] …
         C: d STORE 2 (UNCHANGEDSINCE 5) +FLAGS (Lavoro)
         S: * 2 FETCH (FLAGS (Lavoro) MODSEQ (5))
         S: d OK …
         C: e STORE 1 (CHANGEDSINCE 5) FLAGS ()
         S: e BAD …
         C: f STORE 1 (UNCHANGEDSINCE 9223372036854775808) FLAGS ()
         S: f BAD …
         C: g STORE 1 (UNCHANGEDSINCE 9223372036854775807) FLAGS ()
         S: * 1 FETCH (FLAGS () MODSEQ (7))
         S: g OK …",
    );
}

/// Somebody else is quicker than the look at the folder: the commit itself looks.
#[test]
fn the_commit_decides_what_is_unchanged() {
    let mut client = selected();
    client.ask("e ENABLE CONDSTORE");
    client.toy.overtaken = Some(Box::new(|toy| toy.inbox().flag(2, System::Draft)));
    client.script(
        "C: a STORE 1:2 (UNCHANGEDSINCE 3) +FLAGS (\\Seen)
         S: * 1 FETCH (FLAGS (\\Seen) MODSEQ (5))
         S: * 2 FETCH (FLAGS (\\Draft) MODSEQ (4))
         S: a OK [MODIFIED 2] …",
    );
}

/// What he did himself he knows.
#[test]
fn who_says_silent_hears_what_somebody_quicker_did() {
    let mut client = selected();
    client.toy.overtaken = Some(Box::new(|toy| toy.inbox().flag(2, System::Draft)));
    client.script(
        "C: a STORE 1:2 +FLAGS.SILENT (\\Seen)
         S: * 2 FETCH (FLAGS (\\Seen \\Draft))
         S: a OK …",
    );
}

#[test]
fn each_command_that_speaks_of_mod_sequences_switches_them_on() {
    for command in [
        "ENABLE CONDSTORE",
        "FETCH 1 MODSEQ",
        "UID FETCH 1 FLAGS (CHANGEDSINCE 1)",
        "STORE 1 (UNCHANGEDSINCE 9) +FLAGS (x)",
        "STATUS INBOX (HIGHESTMODSEQ)",
    ] {
        let mut client = selected();
        client.toy.inbox().flag(2, System::Flagged);
        assert!(client.ask("a NOOP").ends_with("* 2 FETCH (FLAGS (\\Flagged))\r\na OK Done\r\n"));
        assert!(client.ask(&format!("b {command}")).contains("* OK [HIGHESTMODSEQ 4] "), "{command}");
        assert!(!client.ask(&format!("c {command}")).contains("* OK [HIGHESTMODSEQ "), "{command}: told once");
        client.toy.inbox().flag(2, System::Draft);
        assert!(client.ask("d NOOP").contains("* 2 FETCH (FLAGS (\\Flagged \\Draft) MODSEQ ("), "{command}");
        // The flags are what they were; the mod-sequence is not.
        client.toy.inbox().flag(2, System::Draft);
        assert!(client.ask("e NOOP").contains("* 2 FETCH (FLAGS (\\Flagged \\Draft) MODSEQ ("), "{command}");
    }
}
