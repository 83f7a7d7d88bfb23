use super::*;
use crate::System;
use proptest::prelude::*;
use toy::{Client, Toy};

mod toy;

const PLAIN: &[u8] = b"From: a@x\r\nSubject: Uno\r\n\r\nciao\r\n";
const SECOND: &[u8] = b"From: b@y\r\nSubject: =?utf-8?Q?Perch=C3=A9?=\r\nDate: Tue, 3 Mar 2026 10:00:00 +0100\r\n\
Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nUGVyY2jDqSBubw==\r\n";

fn two() -> Client {
    let mut toy = Toy::new();
    toy.deliver("INBOX", PLAIN);
    toy.deliver("INBOX", SECOND);
    Client::inside(toy)
}

fn selected() -> Client {
    let mut client = two();
    client.ask("s SELECT INBOX");
    client
}

#[test]
fn no_login_in_the_open() {
    let mut client = Client::new(false);
    client.script(
        "S: * OK [CAPABILITY IMAP4rev1 …STARTTLS LOGINDISABLED] Sigillo
         C: a LOGIN anna pw
         S: a NO [PRIVACYREQUIRED] …
         C: b AUTHENTICATE PLAIN
         S: b NO [PRIVACYREQUIRED] …
         C: c LOGIN {4}
         S: c NO [PRIVACYREQUIRED] …
         C> d LOGIN {4+}\\r\\nanna {2+}\\r\\npw\\r\\n
         S: d NO [PRIVACYREQUIRED] …
         C: e SELECT INBOX
         S: e BAD …
         # What is pipelined behind STARTTLS was sent in the open, and is not obeyed.
         C> f STARTTLS\\r\\ng CAPABILITY\\r\\n
         S: f OK …
         C: h CAPABILITY
         S: * CAPABILITY …AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN
         S: h OK …
         C: i LOGIN anna pw
         S: i OK [CAPABILITY …] …
         C: j STARTTLS
         S: j BAD …",
    );
    assert!(client.server.is_tls());
    assert_eq!(client.server.user(), Some("anna"));
}

/// The proof was reckoned by another program (Python's hashlib).
#[test]
fn logging_in_by_scram() {
    let ask = "AUTHENTICATE SCRAM-SHA-256";
    let mut client = Client::new(true);
    client.script(&format!(
        "S: * OK …
         C: a {ask} biwsbj1naG9zdCxyPXg=
         S: + …
         C: Yz1iaXdzLHI9eE5PTkNFLHA9enlkWTdoMExsL1pHaHBhajBid0hwQ0VzZ3M2dmhmNTZDMVZvcUErTE96Yz0=
         S: a NO [AUTHENTICATIONFAILED] …
         C: b {ask}-PLUS biwsbj1hbm5hLHI9eA==
         S: b NO …
         C: c {ask}
         S: +…
         C: biwsbj1hbm5hLHI9eA==
         S: + cj14Tk9OQ0Uscz1NREV5TXpRMU5qYzRPV0ZpWTJSbFpnPT0saT00MDk2
         C: Yz1iaXdzLHI9eE5PTkNFLHA9enlkWTdoMExsL1pHaHBhajBid0hwQ0VzZ3M2dmhmNTZDMVZvcUErTE96Yz0=
         S: + dj1QODUvNSs0WDhnK0JtMUVxeUFseDBXTDl2MVR2dkUyZGxIUG1VTUJoT2V3PQ==
         C:
         S: c OK [CAPABILITY …",
    ));
    assert_eq!(client.server.user(), Some("anna"));
}

#[test]
fn what_a_login_can_be_bound_to_stands_in_the_greeting() {
    let mut server = Server::new(Config::default(), true, Tick(0));
    server.bind(Binding { exporter: Some(vec![1; 32]), end_point: None });
    let said = |server: &mut Server| match server.poll() {
        Some(Action::Write(bytes)) => String::from_utf8(bytes).unwrap(),
        other => panic!("{other:?}"),
    };
    assert!(said(&mut server).contains("AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256 "));
    server.input(Tick(0), b"a AUTHENTICATE SCRAM-SHA-256 eSwsbj1hbm5hLHI9eA==\r\n");
    assert!(said(&mut server).starts_with("a NO [AUTHENTICATIONFAILED] "), "somebody hid the offer");
}

#[test]
fn logging_in() {
    let mut client = Client::new(true);
    client.script(
        "S: * OK …AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN] Sigillo
         C: a LOGIN anna wrong
         S: a NO [AUTHENTICATIONFAILED] …
         C: b LOGIN rotto pw
         S: b NO [UNAVAILABLE] …
         C: c AUTHENTICATE PLAIN
         S: +…
         C: *
         S: c BAD …
         C: d AUTHENTICATE GSSAPI
         S: d NO …
         C: e AUTHENTICATE PLAIN
         S: +…
         C: AGFubmEAcHc=
         S: e OK [CAPABILITY IMAP4rev1 …
         C: f LOGIN anna pw
         S: f BAD …
         C: g LOGOUT
         S: * BYE …
         S: g OK …",
    );
    assert!(client.closed);
    let mut client = Client::new(true);
    client.script("S: * OK …\nC: a AUTHENTICATE PLAIN AGFubmEAcHc=\nS: a OK …");
    let mut client = Client::new(true);
    client.script("S: * OK …\nC: a LOGIN {4}\nS: + …\nC: anna \"pw\"\nS: a OK …");
    let mut client = Client::new(true);
    client.script("S: * OK …");
    for i in 0..5 {
        assert!(!client.closed, "{i}");
        client.ask("a LOGIN anna no");
    }
    assert!(client.closed);
}

#[test]
fn small_commands() {
    two().script(
        "C: a ID (\"name\" \"test\" \"version\" NIL)
         S: * ID (\"name\" \"Sigillo\")
         S: a OK …
         C: b NAMESPACE
         S: * NAMESPACE ((\"\" \"/\")) NIL NIL
         S: b OK …
         C: c ENABLE CONDSTORE
         S: * ENABLED
         S: c OK …
         C: d NOOP
         S: d OK …
         C: e CHECK
         S: e BAD …
         C: f STATUS INBOX (MESSAGES UNSEEN UIDNEXT UIDVALIDITY RECENT)
         S: * STATUS INBOX (MESSAGES 2 UNSEEN 2 UIDNEXT 3 UIDVALIDITY 7 RECENT 0)
         S: f OK …
         C: g STATUS Nessuna (MESSAGES)
         S: g NO [NONEXISTENT] …
         C: h XYZZY
         S: h BAD …
         C: NOOP
         S: NOOP BAD …
         C:
         S: * BAD …
         C: i NOOP x
         S: i BAD …
         C> j NOOP\\nk NOOP\\r\\n
         S: j BAD …
         C> \\0 NOOP\\r\\n
         S: * BAD …
         C: l CAPABILITY
         S: * CAPABILITY IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE NAMESPACE UIDPLUS UNSELECT MOVE CHILDREN SPECIAL-USE CREATE-SPECIAL-USE
         S: l OK …",
    );
}

#[test]
fn folders() {
    two().script(
        "C: a CREATE \"Perch&AOk-/2026/\"
         S: a OK …
         C: b CREATE inbox
         S: b NO [ALREADYEXISTS] …
         C: b2 CREATE Perch&AOk-/2026
         S: b2 NO [ALREADYEXISTS] La cartella esiste gia'
         C: b3 CREATE a//b
         S: b3 NO [CANNOT] …
         C: c LIST \"\" *
         S: * LIST (\\HasNoChildren) \"/\" INBOX
         S: * LIST (\\HasNoChildren) \"/\" Perch&AOk-/2026
         S: c OK …
         C: d LIST \"\" %
         S: * LIST (\\HasNoChildren) \"/\" INBOX
         S: * LIST (\\Noselect \\HasChildren) \"/\" Perch&AOk-
         S: d OK …
         C: e LIST \"\" \"\"
         S: * LIST (\\Noselect) \"/\" \"\"
         S: e OK …
         C: f UNSUBSCRIBE inBOX
         S: f OK …
         C: g LSUB \"\" *
         S: * LSUB (\\HasNoChildren) \"/\" Perch&AOk-/2026
         S: g OK …
         C: h RENAME Perch&AOk-/2026 \"Due parole\"
         S: h OK …
         C: i LIST Due %
         S: * LIST (\\HasNoChildren) \"/\" \"Due parole\"
         S: i OK …
         C: j DELETE INBOX
         S: j NO [CANNOT] …
         C: k DELETE \"Due parole\"
         S: k OK …
         C: l SELECT \"Due parole\"
         S: l NO [NONEXISTENT] …
         C: m SELECT &bad
         S: m NO [CANNOT] …",
    );
}

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
         S: a OK [READ-WRITE] …
         C: b EXAMINE INBOX
         S: * FLAGS …
         S: * OK [PERMANENTFLAGS ()] …
         S: * 2 EXISTS
         S: * 0 RECENT
         S: * OK [UNSEEN 1] …
         S: * OK [UIDVALIDITY 7] …
         S: * OK [UIDNEXT 3] …
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
fn fetching() {
    let mut client = selected();
    client.script(
        "C: a FETCH 1 (UID RFC822.SIZE INTERNALDATE FLAGS)
         S: * 1 FETCH (UID 1 RFC822.SIZE 33 INTERNALDATE \"12-Mar-2026 10:15:01 +0100\" FLAGS ())
         S: a OK …
         C: b FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject \"To\")]
         S: * 1 FETCH (BODY[HEADER.FIELDS (Subject To)] {16}
         S: Subject: Uno
         S: …
         S: )
         S: b OK …
         C: c UID FETCH 2 (BODY[TEXT]<4.5>)
         S: * 2 FETCH (UID 2 BODY[TEXT]<4> {5}
         S: Y2jDq FLAGS (\\Seen))
         S: c OK …
         C: d FETCH 2 FAST
         S: * 2 FETCH (FLAGS (\\Seen) INTERNALDATE …
         S: d OK …
         C: e FETCH 3 FLAGS
         S: e BAD …
         C: f UID FETCH 3:4 FLAGS
         S: f OK …
         C: g UID FETCH 9:* FLAGS
         S: * 2 FETCH (UID 2 FLAGS (\\Seen))
         S: g OK …
         C: h FETCH 1 BODY[2]
         S: * 1 FETCH (BODY[2] NIL FLAGS (\\Seen))
         S: h OK …
         C: i FETCH 1 BODY[1]<100.5>
         S: * 1 FETCH (BODY[1]<100> {0}
         S: )
         S: i OK …
         C: j FETCH 1 (BODY[
         S: j BAD …
         C: k FETCH 1 BODY[MIME]
         S: k BAD …
         C: l FETCH 1 RFC822.HEADER
         S: * 1 FETCH (RFC822.HEADER {27}
         S: From: a@x
         S: Subject: Uno
         S: …
         S: )
         S: l OK …",
    );
    assert!(client.toy.folders["INBOX"].messages[1].0.flags.has(System::Seen));
}

#[test]
fn peeking_leaves_no_trace() {
    let mut client = selected();
    client.ask("a FETCH 1:* (BODY.PEEK[] RFC822.HEADER ENVELOPE BODYSTRUCTURE)");
    assert_eq!(client.toy.commits, 0);
    let told = client.ask("b FETCH 1:* (FLAGS BODY[])");
    assert_eq!(client.toy.commits, 1, "one commit for both");
    assert_eq!(told.matches("FLAGS (\\Seen)").count(), 2);
    client.ask("c FETCH 1:* RFC822");
    assert_eq!(client.toy.commits, 1);
}

#[test]
fn a_big_fetch_comes_in_pieces() {
    let mut toy = Toy::new();
    let big = [PLAIN, &b"x".repeat(3_000_000)].concat();
    toy.deliver("INBOX", &big);
    for _ in 0..50 {
        toy.deliver("INBOX", &[PLAIN, &b"y".repeat(20_000)].concat());
    }
    let mut client = Client::inside(toy);
    client.ask("s SELECT INBOX");
    client.biggest_piece = 0;
    let told = client.ask("a FETCH 1:* BODY[]");
    assert!(told.len() > 4_000_000 && told.ends_with("a OK FETCH completed\r\n"));
    assert!(told.contains(&format!("* 1 FETCH (BODY[] {{{}}}\r\n", big.len())));
    assert!(client.biggest_piece < 400_000, "{}", client.biggest_piece);
    assert!(client.toy.commits < 10, "{} commits", client.toy.commits);
    // The driver may come back late: what is written before is not repeated.
    client.server.input(Tick(1), b"b FETCH 1 BODY.PEEK[]\r\n");
    let mut pieces = 0;
    while let Some(action) = client.server.poll() {
        if let Action::Write(_) = action {
            pieces += 1;
        }
        client.server.run(&mut client.toy, Tick(2));
    }
    assert!(pieces > 10);
}

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
         S: j OK …
         C: k FETCH 1:* FLAGS
         S: k OK …
         C: l UID SEARCH ALL
         S: * SEARCH
         S: l OK …",
    );
}

#[test]
fn appending() {
    let mut client = selected();
    client.script(
        "C: a APPEND INBOX (\\Seen) \"12-Mar-2026 10:15:01 +0100\" {10}
         S: + …
         C: A: b

         C:
         # That were ten octets; the command's own line end follows.
         C> cd\\r\\n
         S: * 3 EXISTS
         S: * 0 RECENT
         S: a OK [APPENDUID 7 3] …
         C> b APPEND {5+}\\r\\nINBOX {6+}\\r\\nX: y\\r\\n\\r\\n
         S: * 4 EXISTS
         S: * 0 RECENT
         S: b OK [APPENDUID 7 4] …
         C: c APPEND Altrove {10}
         S: c NO [TRYCREATE] …
         C> d APPEND Altrove {10+}\\r\\n0123456789\\r\\n
         S: d NO [TRYCREATE] …
         C: e APPEND INBOX {100001}
         S: e NO [TOOBIG] …
         C: f APPEND INBOX {0}
         S: f NO …
         C> g APPEND INBOX {2+}\\r\\nab {2+}\\r\\ncd\\r\\n
         S: g BAD …
         C> h APPEND INBOX {2+}\\r\\nab x\\r\\n
         S: h BAD …
         C: i APPEND INBOX
         S: i BAD …
         C: j APPEND INBOX (\\Boh) {10}
         S: j BAD …
         C: k APPEND {5}
         S: + …
         C: INBOX {3}
         S: + …
         C: xyz
         S: * 5 EXISTS
         S: * 0 RECENT
         S: k OK [APPENDUID 7 5] …",
    );
    let stored = &client.toy.folders["INBOX"].messages;
    assert_eq!(stored[2].1, b"A: b\r\n\r\ncd");
    assert_eq!(stored[2].0.flags.to_string(), "\\Seen");
    assert_eq!(stored[3].1, b"X: y\r\n");
    // A refused literal that comes anyway is passed over, however long.
    let mut script = b"m APPEND INBOX {200000+}\r\n".to_vec();
    script.extend(b"z NOOP\r\n".repeat(25_000));
    script.extend(b"\r\nn NOOP\r\n");
    client.server.input(Tick(5), &script);
    client.pump();
    client.script("S: m NO [TOOBIG] …\nS: n OK …");
}

#[test]
fn copying_and_moving() {
    let mut client = selected();
    client.script(
        "C: a COPY 1:2 Archivio
         S: a NO [TRYCREATE] …
         C: b CREATE Archivio
         S: b OK …
         C: c COPY 1:2 Archivio
         S: c OK [COPYUID 7 1:2 1:2] …
         C: d UID COPY 99 Archivio
         S: d OK …
         C: e UID MOVE 1 Archivio
         S: * OK [COPYUID 7 1 3] …
         S: * 1 EXPUNGE
         S: e OK …
         C: f UID SEARCH ALL
         S: * SEARCH 2
         S: f OK …",
    );
    assert_eq!(client.toy.folders["Archivio"].messages.len(), 3);
}

#[test]
fn searching() {
    let mut client = selected();
    client.toy.folders.get_mut("INBOX").unwrap().messages[0].0.flags.insert(System::Flagged);
    client.ask("n NOOP");
    for (keys, found) in [
        ("ALL", "1 2"),
        ("FLAGGED", "1"),
        ("NOT FLAGGED", "2"),
        ("2", "2"),
        ("UID 2:*", "2"),
        ("FROM a@X", "1"),
        ("SUBJECT uno", "1"),
        ("OR SUBJECT uno FROM b@", "1 2"),
        ("SUBJECT uno FROM b@", ""),
        ("(SUBJECT uno) NOT FROM b@", "1"),
        ("BODY ciao", "1"),
        ("TEXT Subject", "1 2"),
        ("BODY Subject", ""),
        ("HEADER Date \"\"", "2"),
        ("SENTON 3-Mar-2026", "2"),
        ("SENTBEFORE 3-Mar-2026", ""),
        ("SENTSINCE \"1-Mar-2026\"", "2"),
        ("ON 12-Mar-2026", "1 2"),
        ("BEFORE 12-Mar-2026", ""),
        ("SINCE 12-Mar-2026", "1 2"),
        ("LARGER 33", "2"),
        ("SMALLER 34", "1"),
        ("NEW", ""),
        ("OLD UNSEEN", "1 2"),
        ("KEYWORD x", ""),
        ("UNKEYWORD x UNDRAFT UNANSWERED UNDELETED", "1 2"),
    ] {
        let expected = format!("* SEARCH {found}").trim_end().to_owned();
        assert_eq!(
            client.ask(&format!("a SEARCH {keys}")),
            format!("{expected}\r\na OK SEARCH completed\r\n"),
            "{keys}"
        );
    }
    client.script(
        "C> a SEARCH CHARSET UTF-8 BODY {7+}\\r\\nPERCHÉ\\r\\n
         S: * SEARCH 2
         S: a OK …
         C> b SEARCH SUBJECT {7+}\\r\\nperché\\r\\n
         S: * SEARCH 2
         S: b OK …
         C: c SEARCH CHARSET KOI8-R SUBJECT x
         S: c NO [BADCHARSET (US-ASCII UTF-8)] …
         C: d SEARCH
         S: d BAD …
         C: e SEARCH FOO
         S: e BAD …
         C: f SEARCH ON 99-Foo-2026
         S: f BAD …",
    );
    (client.toy.reads, client.toy.summaries) = (0, 0);
    client.ask("g SEARCH SUBJECT uno FLAGGED");
    assert_eq!((client.toy.reads, client.toy.summaries), (0, 1), "flags before summaries, summaries before messages");
    client.ask("g SEARCH BODY ciao SUBJECT nessuno");
    client.ask("g FETCH 1:* (ENVELOPE BODY.PEEK[HEADER] BODY.PEEK[HEADER.FIELDS (To)] FLAGS)");
    assert_eq!((client.toy.reads, client.toy.summaries), (0, 5));
    assert!(client.ask(&format!("h SEARCH {}ALL", "NOT ".repeat(1000))).starts_with("h BAD"));
    assert!(client.ask(&format!("h SEARCH {}ALL", "ALL ".repeat(1000))).starts_with("h BAD"));
    assert!(client.ask(&format!("h LIST \"\" {}", "%".repeat(2000))).starts_with("h BAD"));
}

#[test]
fn sequence_numbers_hold_while_others_expunge() {
    let mut toy = Toy::new();
    for i in 0..4 {
        toy.deliver("INBOX", format!("Subject: n{i}\r\n\r\n").as_bytes());
    }
    let mut client = Client::inside(toy);
    client.ask("s SELECT INBOX");
    let folder = |c: &mut Client, f: &dyn Fn(&mut toy::Folder)| f(c.toy.folders.get_mut("INBOX").unwrap());
    folder(&mut client, &|f| f.messages.retain(|m| m.0.uid != 2));
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
    folder(&mut client, &|f| f.messages.clear());
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

#[test]
fn idling() {
    let mut client = selected();
    client.toy.deliver("INBOX", PLAIN);
    client.script(
        "C: a IDLE
         S: + idling
         S: * 3 EXISTS
         S: * 0 RECENT",
    );
    assert!(client.idle);
    assert_eq!(client.server.watched(), Some("INBOX"));
    client.wake();
    assert!(client.received.is_empty(), "nothing new, nothing told");
    client.toy.folders.get_mut("INBOX").unwrap().messages.remove(0);
    client.toy.folders.get_mut("INBOX").unwrap().messages[0].0.flags.insert(System::Seen);
    client.wake();
    client.script(
        "S: * 1 EXPUNGE
         S: * 1 FETCH (FLAGS (\\Seen))
         C: done
         S: a OK …",
    );
    assert!(!client.idle && client.server.watched().is_none());
    client.wake();
    assert!(client.received.is_empty());
    client.script("C: b IDLE\nS: + idling\nC: c NOOP\nS: b BAD …\nC: d NOOP\nS: d OK …");
}

#[test]
fn silence_ends_the_session() {
    let mut client = Client::new(true);
    client.script("S: * OK …");
    assert_eq!(client.server.deadline(), Some(Tick(180_000)));
    client.now = Tick(100_000);
    client.ask("a NOOP");
    assert_eq!(client.server.deadline(), Some(Tick(180_000)), "talking without a name wins no time");
    client.ask("b LOGIN anna pw");
    assert_eq!(client.server.deadline(), Some(Tick(1_900_000)));
    client.server.timeout(Tick(1_899_999));
    client.pump();
    assert!(!client.closed);
    client.ask("c SELECT INBOX");
    client.ask("d IDLE");
    client.now = Tick(1_000_000);
    client.toy.deliver("INBOX", PLAIN);
    client.wake();
    assert_eq!(client.server.deadline(), Some(Tick(1_900_000)), "what we say does not count");
    client.received.clear();
    client.server.timeout(Tick(1_900_000));
    client.pump();
    client.script("S: * BYE …");
    assert!(client.closed && !client.idle);
    assert_eq!(client.server.deadline(), None);
}

#[test]
fn shutdown_waits_for_the_command() {
    let mut client = selected();
    client.server.input(Tick(1), b"a NOOP\r\nb NOOP\r\n");
    client.server.shutdown(Tick(1));
    client.pump();
    client.script("S: a OK …\nS: * BYE …");
    assert!(client.closed && client.received.is_empty());
}

#[test]
fn faults_are_told_and_survived() {
    let mut client = selected();
    client.toy.faulty = true;
    client.script(
        "C: a FETCH 1 BODY[]
         S: a NO [UNAVAILABLE] …
         C: b NOOP
         S: b OK …
         C: c SELECT INBOX
         S: c NO [UNAVAILABLE] …",
    );
    client.toy.faulty = false;
    assert!(client.ask("d SELECT INBOX").contains("d OK"));
}

#[test]
fn too_long_and_too_wrong() {
    let mut client = selected();
    let long = format!("a FETCH {} FLAGS\r\nb NOOP\r\n", "1,".repeat(40_000));
    client.server.input(Tick(1), long.as_bytes());
    client.pump();
    client.script("S: a BAD …\nS: b OK …");
    for _ in 0..30 {
        client.ask("GET / HTTP/1.1");
    }
    assert!(client.closed);
}

#[test]
fn the_last_words_are_heard() {
    let mut client = selected();
    client.server.input(Tick(1), b"a NOOP\r\nb NOOP\r\nc NO");
    client.server.end_of_input(Tick(1));
    client.pump();
    client.script("S: a OK …\nS: b OK …");
    assert!(client.closed);
}

/// All that comes of these octets in these pieces, writes and chunks joined.
fn outcome(pieces: &[&[u8]]) -> (String, Vec<String>, Vec<Vec<u8>>, bool) {
    let mut client = selected();
    client.log.clear();
    for piece in pieces {
        client.server.input(Tick(1), piece);
        client.pump();
    }
    let stored = client.toy.folders["INBOX"].messages.iter().map(|m| m.1.clone()).collect();
    (String::from_utf8_lossy(&client.received).into_owned(), client.log, stored, client.closed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn cuts_do_not_matter(
        lines in prop::collection::vec(prop_oneof![
            Just("a NOOP\r\n".to_owned()),
            Just("b FETCH 1:* (UID BODY[] ENVELOPE)\r\n".to_owned()),
            Just("c APPEND INBOX {10+}\r\n0123\r\n\r\n89\r\n".to_owned()),
            Just("c APPEND INBOX {10}\r\n".to_owned()),
            Just("d APPEND Nowhere {4+}\r\nz A\r\r\n".to_owned()),
            Just("e SEARCH SUBJECT {3+}\r\nuno\r\n".to_owned()),
            Just("f IDLE\r\n".to_owned()), Just("DONE\r\n".to_owned()),
            Just("g STORE 1 +FLAGS (\\Deleted)\r\nh EXPUNGE\r\n".to_owned()),
            Just("i CLOSE\r\nj SELECT INBOX\r\n".to_owned()),
            Just("k UNSELECT\r\n".to_owned()), Just("l LOGOUT\r\n".to_owned()),
            "[ -~]{0,12}\r\n", "[a-z{}0-9+\r\n\"]{0,9}",
        ], 0..12),
        cuts in prop::collection::vec(0usize..400, 0..8),
    ) {
        let text = lines.concat();
        let bytes = text.as_bytes();
        let mut at: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        let whole = outcome(&[bytes]);
        prop_assert_eq!(&outcome(&pieces), &whole);
        prop_assert_eq!(&outcome(&single), &whole);
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        words in prop::collection::vec(prop::sample::select(vec![
            "a", " ", "FETCH", "1:*", "BODY[", "]", "(", ")", "<0.1>", "SEARCH", "NOT", "OR", "{3}", "{3+}", "\r\n", "\"", "\\",
            "UID", "STORE", "FLAGS", "LIST", "%", "*", "APPEND", "INBOX", "HEADER.FIELDS", "1.2", "0", "4294967295", "STATUS", "IDLE",
            "AUTHENTICATE", "PLAIN", "LOGIN", "MOVE", "&", "RENAME", "+", "-", "ON", "1-Jan-2026", "CHARSET", "EXPUNGE",
        ]), 0..40),
    ) {
        outcome(&[&bytes, words.concat().as_bytes(), b"\r\n"]);
        let mut client = Client::new(false);
        client.server.input(Tick(1), words.concat().as_bytes());
        client.server.input(Tick(1), &bytes);
        client.pump();
        client.server.end_of_input(Tick(1));
        client.pump();
        prop_assert!(client.closed);
    }
}
