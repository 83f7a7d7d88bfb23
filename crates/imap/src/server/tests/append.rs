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
