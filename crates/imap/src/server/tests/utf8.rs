//! UTF8=ACCEPT (RFC 6855): names, quoted strings and headers in UTF-8.

use sigillo_wire::transcript;

use super::*;

#[test]
fn names_are_utf8_both_ways_once_it_is_switched_on() {
    let mut client = two();
    client.script(
        "C: a CREATE Perch&AOk-
         S: a OK …
         C: b LIST \"\" *
         S: * LIST (\\HasNoChildren) \"/\" INBOX
         S: * LIST (\\HasNoChildren) \"/\" Perch&AOk-
         S: b OK …
         # Who has not switched it on may send it, and is not sent it.
         C: c STATUS \"Perché\" (MESSAGES)
         S: * STATUS Perch&AOk- (MESSAGES 0)
         S: c OK …
         C: d ENABLE utf8=accept
         S: * ENABLED UTF8=ACCEPT
         S: d OK …
         C: e LIST \"\" \"Perch%\"
         S: * LIST (\\HasNoChildren) \"/\" \"Perché\"
         S: e OK …
         C: f LIST \"\" \"Perché\"
         S: * LIST (\\HasNoChildren) \"/\" \"Perché\"
         S: f OK …
         C: g STATUS Perch&AOk- (MESSAGES)
         S: g NO [NONEXISTENT] …
         C: h CREATE \"A&B è\"
         S: h OK …
         C: i LSUB \"\" A*
         S: * LSUB (\\HasNoChildren) \"/\" \"A&B è\"
         S: i OK …
         C> j STATUS {7+}\\r\\nPerché (MESSAGES)\\r\\n
         S: * STATUS \"Perché\" (MESSAGES 0)
         S: j OK …
         C: k GETQUOTAROOT \"Perché\"
         S: * QUOTAROOT \"Perché\" …
         S: * QUOTA …
         S: k OK …
         C: l MYRIGHTS \"Perché\"
         S: * MYRIGHTS \"Perché\" …
         S: l OK …",
    );
    let folders: Vec<&str> = client.toy.folders.keys().map(String::as_str).collect();
    assert_eq!(folders, ["A&B è", "INBOX", "Perché"]);
    assert!(client.ask("m UNAUTHENTICATE").contains("m OK"));
    client.ask("n LOGIN anna pw");
    assert!(client.ask("o LIST \"\" *").contains("Perch&AOk-"), "the next one has switched nothing on");
}

#[test]
fn what_is_no_utf8_and_no_net_unicode_is_refused() {
    let mut client = two();
    client.ask("a ENABLE UTF8=ACCEPT");
    for (command, answer) in [
        (&b"b CREATE \"Perch\xe9\"\r\n"[..], "b BAD"),
        (b"c CREATE {6+}\r\nPerch\xe9\r\n", "c NO [CANNOT]"),
        (b"d CREATE Perch\xc3\xa9\r\n", "d BAD"),
        ("e CREATE \"Perche\u{301}\"\r\n".as_bytes(), "e NO [CANNOT]"),
        ("f RENAME INBOX \"due\u{2028}righe\"\r\n".as_bytes(), "f NO [CANNOT]"),
        ("g CREATE \"con\u{85}trollo\"\r\n".as_bytes(), "g NO [CANNOT]"),
        (b"h SEARCH SUBJECT \"\xff\"\r\n", "h BAD"),
    ] {
        transcript::Peer::send(&mut client, command);
        let said = String::from_utf8(std::mem::take(&mut client.received)).unwrap();
        assert!(said.starts_with(answer), "{answer}: {said}");
    }
    assert_eq!(client.toy.folders.len(), 1);
}

#[test]
fn a_header_in_utf8_comes_in_and_goes_out_as_it_lies() {
    let mut client = selected();
    client.script(
        "C> a APPEND INBOX {21+}\\r\\nSubject: Perché\\r\\n\\r\\nx\\r\\n
         S: a NO [CANNOT] …
         # What is in the body is nobody's business.
         C> b APPEND INBOX {20+}\\r\\nSubject: Uno\\r\\n\\r\\nèè\\r\\n
         S: * 3 EXISTS
         S: * 0 RECENT
         S: b OK …
         C> c APPEND INBOX CATENATE (TEXT {10+}\\r\\nSubject: P TEXT {11+}\\r\\nèrché\\r\\n\\r\\n)\\r\\n
         S: c NO [CANNOT] …
         C> d APPEND INBOX {6+}\\r\\nA: b\\r\\n {9+}\\r\\nA: èé\\r\\n\\r\\n
         S: d NO [CANNOT] …
         C> e REPLACE 3 INBOX {21+}\\r\\nSubject: Perché\\r\\n\\r\\nx\\r\\n
         S: e NO [CANNOT] …
         C: f ENABLE UTF8=ACCEPT
         S: * ENABLED UTF8=ACCEPT
         S: f OK …
         C: g APPEND INBOX (\\Seen) UTF8 (~{21}
         S: + …
         C> Subject: Perché\\r\\n\\r\\nx)\\r\\n
         S: * 4 EXISTS
         S: * 0 RECENT
         S: g OK [APPENDUID 7 4] …
         C> h APPEND INBOX CATENATE (UTF8 (~{20+}\\r\\nSubject: Perché\\r\\n\\r\\n) URL \"/INBOX;UIDVALIDITY=7/;UID=1/;SECTION=TEXT\")\\r\\n
         S: * 5 EXISTS
         S: * 0 RECENT
         S: h OK [APPENDUID 7 5] …
         C> i APPEND INBOX {21+}\\r\\nSubject: Perché\\r\\n\\r\\nx\\r\\n
         S: * 6 EXISTS
         S: * 0 RECENT
         S: i OK …
         C: j APPEND INBOX UTF8 ({21}
         S: j BAD …
         C> k APPEND INBOX UTF8 (~{5+}\\r\\nA: b\\r\\r\\n
         S: k BAD …",
    );
    let stored = &client.toy.folders["INBOX"].messages;
    assert_eq!(stored[3].1, "Subject: Perché\r\n\r\nx".as_bytes());
    assert_eq!(stored[4].1, "Subject: Perché\r\n\r\nciao\r\n".as_bytes());
    // The same octets for everybody: they are signed, and a literal may hold them before anything is switched on.
    let mut other = Client::inside(std::mem::take(&mut client.toy));
    other.ask("s SELECT INBOX");
    let said = |c: &mut Client| c.ask("t FETCH 4 (ENVELOPE BODY.PEEK[HEADER.FIELDS (Subject)] RFC822.SIZE)");
    let before = said(&mut other);
    assert!(before.contains("(NIL {7}\r\nPerché NIL"), "{before}");
    assert!(before.contains("{20}\r\nSubject: Perché\r\n\r\n RFC822.SIZE 21"), "{before}");
    other.ask("u ENABLE UTF8=ACCEPT");
    assert_eq!(said(&mut other), before);
}

#[test]
fn a_search_names_no_charset() {
    let mut client = selected();
    client.script(
        "C: a SEARCH CHARSET UTF-8 SUBJECT \"perché\"
         S: * SEARCH 2
         S: a OK …
         C: b ENABLE UTF8=ACCEPT
         S: * ENABLED UTF8=ACCEPT
         S: b OK …
         C: c SEARCH SUBJECT \"perché\"
         S: * SEARCH 2
         S: c OK …
         C: d SEARCH CHARSET UTF-8 SUBJECT \"perché\"
         S: d BAD …
         C: e UID SEARCH RETURN (COUNT) CHARSET US-ASCII ALL
         S: e BAD …
         # These cannot be without one.
         C: f SORT (SUBJECT) UTF-8 SUBJECT \"perché\"
         S: * SORT 2
         S: f OK …",
    );
}
