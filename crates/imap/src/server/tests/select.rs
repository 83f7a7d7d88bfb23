//! SELECT, EXAMINE, UNSELECT, and sequence numbers.

use super::*;

#[test]
fn selecting() {
    two().script(
        "C: a SELECT iNbOx
         S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
         S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] …
         S: * 2 EXISTS
         S: * 0 RECENT
         S: * OK [UNSEEN 1] …
         S: * OK [UIDVALIDITY 7] …
         S: * OK [UIDNEXT 3] …
         S: * OK [HIGHESTMODSEQ 3] …
         S: * OK [MAILBOXID (F1)] …
         S: a OK [READ-WRITE] …
         C: b EXAMINE INBOX
         S: * OK [CLOSED] …
         S: * FLAGS …
         S: * OK [PERMANENTFLAGS ()] …
         S: * 2 EXISTS
         S: * 0 RECENT
         S: * OK [UNSEEN 1] …
         S: * OK [UIDVALIDITY 7] …
         S: * OK [UIDNEXT 3] …
         S: * OK [HIGHESTMODSEQ 3] …
         S: * OK [MAILBOXID (F1)] …
         S: b OK [READ-ONLY] …
         C: c STORE 1 +FLAGS (\\Deleted)
         S: c NO [READ-ONLY] …
         C: d FETCH 1 BODY[TEXT]
         S: * 1 FETCH (BODY[TEXT] {6}
         S: ciao
         S: )
         S: d OK …
         C: e FETCH 1 FLAGS
         S: * 1 FETCH (FLAGS ())
         S: e OK …
         C: f UNSELECT
         S: f OK …
         C: g FETCH 1 FLAGS
         S: g BAD …",
    );
}

#[test]
fn sequence_numbers_hold_while_others_expunge() {
    let mut toy = Toy::new();
    for i in 0..4 {
        toy.deliver("INBOX", format!("Subject: n{i}\r\n\r\n").as_bytes());
    }
    let mut client = Client::inside(toy);
    client.ask("s SELECT INBOX");
    client.toy.inbox().remove(|row| row.uid == 2);
    client.toy.deliver("INBOX", PLAIN);
    client.script(
        "C: a FETCH 3 (UID)
         S: * 5 EXISTS
         S: * 0 RECENT
         S: * 3 FETCH (UID 3)
         S: a OK …
         C: b SEARCH ALL
         S: * SEARCH 1 3 4 5
         S: b OK …
         C: c STORE 4 +FLAGS (\\Seen)
         S: * 4 FETCH (FLAGS (\\Seen))
         S: c OK …
         C: d FETCH 2:3 BODY.PEEK[HEADER.FIELDS (Subject)]
         S: * 3 FETCH (BODY[HEADER.FIELDS (Subject)] {15}
         S: Subject: n2
         S: …
         S: )
         S: d NO [EXPUNGEISSUED] …
         C: e UID FETCH 1:3 UID
         S: * 1 FETCH (UID 1)
         S: * 3 FETCH (UID 3)
         S: * 2 EXPUNGE
         S: e OK …
         C: f FETCH 3 UID
         S: * 3 FETCH (UID 4)
         S: f OK …",
    );
    client.toy.inbox().remove(|_| true);
    client.script(
        "C: g NOOP
         S: * 4 EXPUNGE
         S: * 3 EXPUNGE
         S: * 2 EXPUNGE
         S: * 1 EXPUNGE
         S: g OK …",
    );
    client.toy.folders.remove("INBOX");
    client.script("C: h NOOP\nS: h OK …\nS: * BYE …");
    assert!(client.closed);
}
