//! APPEND.

use super::*;

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
fn several_messages_at_once() {
    let mut client = selected();
    client.script(
        "C: a APPEND INBOX (\\Seen) {6}
         S: + …
         C> A: b\\r\\n (\\\\Draft) \"12-Mar-2026 10:15:01 +0100\" {8}\\r\\n
         S: + …
         C> C: d\\r\\n\\r\\n {5+}\\r\\nE: f\\n\\r\\n
         S: * 5 EXISTS
         S: * 0 RECENT
         S: a OK [APPENDUID 7 3:5] …
         # A literal of nothing is how a client gives up: nothing is stored.
         C> b APPEND INBOX {6+}\\r\\nA: b\\r\\n {0}\\r\\n
         S: b NO …
         # All messages together are as large as one may be.
         C: c APPEND INBOX {60000}
         S: + …",
    );
    client.server.input(Tick(1), &b"x".repeat(60_000));
    client.server.input(Tick(1), b" {40001}\r\n");
    client.pump();
    client.script(
        "S: c NO [TOOBIG] …
         C> d APPEND INBOX {2+}\\r\\nab {2+}\\r\\ncd x\\r\\n
         S: d BAD …
         C> e APPEND INBOX {2+}\\r\\nab x {2+}\\r\\ncd\\r\\nf NOOP\\r\\n
         S: e BAD …
         S: f OK …",
    );
    let stored = &client.toy.folders["INBOX"].messages;
    assert_eq!(stored.len(), 5);
    assert_eq!(
        (&stored[2].1[..], &stored[3].1[..], &stored[4].1[..]),
        (&b"A: b\r\n"[..], &b"C: d\r\n\r\n"[..], &b"E: f\n"[..])
    );
    assert_eq!((stored[3].0.flags.to_string().as_str(), stored[3].0.date.as_millis()), ("\\Draft", 1_773_306_901_000));
    assert_eq!(client.toy.commits, 1);
}

#[test]
fn messages_of_parts() {
    let mut client = selected();
    client.toy.create("Bozze", None).unwrap();
    client.script(
        "C> a APPEND Bozze (\\\\Draft) CATENATE (URL \"/INBOX;UIDVALIDITY=7/;UID=1/;SECTION=HEADER\" TEXT {4+}\\r\\nprim URL {13+}\\r\\n/INBOX/;UID=1 TEXT {2}\\r\\n
         S: + …
         C: ok)
         S: a OK [APPENDUID 7 1] …
         # Relative to the selected folder, and a part of a section.
         C: b APPEND Bozze CATENATE (URL \"/;UID=1/;SECTION=HEADER.FIELDS%20(Subject)\" URL \";UID=1/;PARTIAL=29.4\")
         S: b OK [APPENDUID 7 2] …
         C: c APPEND Bozze CATENATE (URL \"/INBOX/;UID=99\")
         S: c NO [BADURL /INBOX/;UID=99] …
         C: d APPEND Bozze CATENATE (URL \"/INBOX;UIDVALIDITY=6/;UID=1\")
         S: d NO [BADURL …
         C: e APPEND Bozze CATENATE (URL \"/Nessuna/;UID=1\")
         S: e NO [BADURL …
         C: f APPEND Bozze CATENATE (URL \"imap://altrove.example/INBOX/;UID=1\")
         S: f NO [BADURL …
         C: g APPEND Bozze CATENATE (URL \"/INBOX/;UID=1/;SECTION=3\")
         S: g NO [BADURL …
         # What streamed before a URL that leads nowhere is forgotten.
         C> h APPEND Bozze CATENATE (TEXT {4+}\\r\\nprim URL \"/x\")\\r\\n
         S: h NO [BADURL /x] …
         C> i APPEND Nessuna CATENATE (TEXT {4+}\\r\\nprim URL \"/INBOX/;UID=1\")\\r\\n
         S: i NO [TRYCREATE] …
         C: j APPEND Bozze CATENATE (TEXT \"prima\")
         S: j BAD …
         C: k APPEND Bozze CATENATE ()
         S: k BAD …
         C> l APPEND Bozze {3+}\\r\\na b CATENATE (URL \"/INBOX/;UID=2\")\\r\\n
         S: l OK [APPENDUID 7 3:4] …",
    );
    let stored = &client.toy.folders["Bozze"].messages;
    let head = "From: a@x\r\nSubject: Uno\r\n\r\n";
    assert_eq!(String::from_utf8_lossy(&stored[0].1), format!("{head}prim{head}ciao\r\nok"));
    assert_eq!(stored[0].0.flags.to_string(), "\\Draft");
    assert_eq!(stored[1].1, b"Subject: Uno\r\n\r\nao\r\n");
    assert_eq!((&stored[2].1[..], &stored[3].1[..]), (&b"a b"[..], SECOND));
    client.toy.deliver("INBOX", &b"x".repeat(60_000));
    client.script(
        "C> m APPEND Bozze CATENATE (URL \"/INBOX/;UID=3\" URL \"/INBOX/;UID=3\")\\r\\n
         S: m NO [TOOBIG] …",
    );
}

#[test]
fn what_came_of_a_message_that_is_not_stored_is_forgotten() {
    let mut client = selected();
    let cases: [(&[u8], &str); 9] = [
        (b"a APPEND INBOX {4+}\r\na\0cd\r\n", "a BAD "),
        (b"a APPEND INBOX {4+}\r\n\xc3\xa8cd\r\n", "a NO [CANNOT] "),
        (b"a APPEND INBOX {4+}\r\nabcd x\r\n", "a BAD "),
        (b"a APPEND INBOX {4+}\r\nabcd\0\r\n", "a BAD "),
        (b"a APPEND INBOX {4+}\r\nabcd x {2+}\r\nef\r\n", "a BAD "),
        (b"a APPEND INBOX {4+}\r\nabcd {99999999999}\r\n", "a BAD "),
        (b"a APPEND INBOX {4+}\r\nabcd {200000}\r\n", "a NO [TOOBIG] "),
        (b"a APPEND INBOX CATENATE (TEXT {4+}\r\nabcd URL \"/x\")\r\n", "a NO [BADURL /x] "),
        (b"a UID REPLACE 99 INBOX {4+}\r\nabcd\r\n", "a NO [NONEXISTENT] "),
    ];
    for (command, answer) in cases {
        client.server.input(Tick(1), command);
        client.pump();
        let told = String::from_utf8(std::mem::take(&mut client.received)).unwrap();
        assert!(told.starts_with(answer) && client.toy.spool.is_empty(), "{}: {told}", command.escape_ascii());
    }
    // At once, and not when what is refused has passed.
    client.server.input(Tick(1), b"b APPEND INBOX {4+}\r\nabcd {200000+}\r\n");
    client.pump();
    assert!(client.toy.spool.is_empty() && client.received.is_empty());
    client.server.input(Tick(1), &[&b"x".repeat(200_000)[..], b"\r\n"].concat());
    client.pump();
    client.script("S: b NO [TOOBIG] …");
    // Also when the box has no room for the second message: whose command that was is known.
    client.toy.room = Some(5);
    client.script(
        "C> c APPEND INBOX {4+}\\r\\nabcd {4+}\\r\\nefgh\\r\\n
         S: c NO [OVERQUOTA] …
         C> d APPEND INBOX {4+}\\r\\nabcd {4}\\r\\n
         S: d NO [OVERQUOTA] …",
    );
    assert!(client.toy.spool.is_empty());
    assert_eq!(client.toy.folders["INBOX"].messages.len(), 2);
}

#[test]
fn each_message_that_is_read_whole_is_read_with_leave() {
    let mut client = selected();
    client.toy.create("Bozze", None).unwrap();
    client.toy.forgetful = true;
    let url = |uid| format!("URL \"/INBOX/;UID={uid}\"");
    let told = client.ask(&format!("a APPEND Bozze CATENATE ({} {} {} {})", url(1), url(2), url(2), url(1)));
    assert_eq!(client.weights, [PLAIN.len(), SECOND.len(), PLAIN.len()], "the leave is for one message");
    assert!(told.starts_with("a OK [APPENDUID 7 1]"), "{told}");
    assert_eq!(client.toy.folders["Bozze"].messages[0].1, [PLAIN, SECOND, SECOND, PLAIN].concat());
}
