//! BINARY: parts without their transfer encoding.

use super::*;

const PARTS: &[u8] = b"From: a@x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nuno\r\n--x\r\n\
Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAwQF\r\nBgc=\r\n--x\r\n\
Content-Transfer-Encoding: quoted-printable\r\n\r\nperch=C3=A9 =\r\nno\r\n--x\r\n\
Content-Transfer-Encoding: x-uue\r\n\r\nbegin\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n\
Content-Transfer-Encoding: base64\r\n\r\nY2lhbw==\r\n--x--\r\n";

fn client() -> Client {
    let mut toy = Toy::new();
    toy.deliver("INBOX", PARTS);
    let mut client = Client::inside(toy);
    client.ask("s SELECT INBOX");
    client
}

#[test]
fn parts_are_decoded() {
    let mut client = client();
    client.script(
        "C: a FETCH 1 (BINARY.SIZE[1] BINARY.SIZE[2] BINARY.SIZE[3] BINARY.SIZE[5.1] BINARY.SIZE[9])
         S: * 1 FETCH (BINARY.SIZE[1] 3 BINARY.SIZE[2] 8 BINARY.SIZE[3] 10 BINARY.SIZE[5.1] 4 BINARY.SIZE[9] 0)
         S: a OK …
         C: b FETCH 1 BINARY.PEEK[3]
         S: * 1 FETCH (BINARY[3] {10}
         S: perché no)
         S: b OK …
         C: c FETCH 1 (BINARY.PEEK[3]<2.5> BINARY.PEEK[5.1])
         S: * 1 FETCH (BINARY[3]<2> {5}
         S: rché BINARY[5.1] {4}
         S: ciao)
         S: c OK …
         # A part that holds a NUL is a literal8; what follows on the line is intact.
         C: d FETCH 1 (BINARY.PEEK[2]<1.2> UID)
         S: * 1 FETCH (BINARY[2]<1> {2}
         S: \u{1}\u{2} UID 1)
         S: d OK …
         C: e FETCH 1 BINARY.PEEK[2]<0.1>
         S: * 1 FETCH (BINARY[2]<0> ~{1}
         S: \u{0})
         S: e OK …
         C: f FETCH 1 BINARY.PEEK[4]
         S: f NO [UNKNOWN-CTE] …
         C: g FETCH 1 BINARY.PEEK[7]
         S: * 1 FETCH (BINARY[7] NIL)
         S: g OK …
         C: h FETCH 1 BINARY[1.MIME]
         S: h BAD …
         C: i FETCH 1 BINARY[1]<100.5>
         S: * 1 FETCH (BINARY[1]<100> {0}
         S:  FLAGS (\\Seen))
         S: i OK …",
    );
    client.script(&format!(
        "C: j UID FETCH 1 BINARY.SIZE[]
         S: * 1 FETCH (UID 1 BINARY.SIZE[] {})
         S: j OK …",
        PARTS.len()
    ));
    assert!(client.toy.folders["INBOX"].messages[0].0.flags.has(System::Seen));
}

#[test]
fn a_large_part_is_decoded_in_pieces() {
    let mut toy = Toy::new();
    let head = b"Content-Transfer-Encoding: base64\r\n\r\n".to_vec();
    let line = [&b"QUFB".repeat(19)[..], b"\r\n"].concat();
    toy.deliver("INBOX", &[head, line.repeat(40_000)].concat());
    let mut client = Client::inside(toy);
    client.ask("s SELECT INBOX");
    client.biggest_piece = 0;
    let told = client.ask("a FETCH 1 BINARY[]");
    assert!(told.starts_with("* 1 FETCH (BINARY[] {"), "the message itself is not encoded");
    let told = client.ask("b FETCH 1 BINARY.PEEK[1]");
    assert!(told.starts_with("* 1 FETCH (BINARY[1] {2280000}\r\nAAAA"), "{}", &told[..40]);
    assert!(told.ends_with("A)\r\nb OK FETCH completed\r\n"));
    assert!(client.biggest_piece < 400_000, "{}", client.biggest_piece);
}

#[test]
fn literal8_is_taken_and_what_would_need_binary_is_refused() {
    let mut client = client();
    client.script(
        "C> a APPEND INBOX ~{8+}\\r\\nX: y\\r\\n\\r\\n\\r\\n
         S: * 2 EXISTS
         S: * 0 RECENT
         S: a OK [APPENDUID 7 2] …
         C: b APPEND INBOX ~{3}
         S: + …
         C> a\\0b\\r\\n
         S: b NO [UNKNOWN-CTE] …
         C> c APPEND INBOX {3+}\\r\\na\\0b\\r\\nd NOOP\\r\\n
         S: c BAD …
         S: d OK …",
    );
    assert_eq!(client.toy.folders["INBOX"].messages.len(), 2);
}

/// What a FETCH marked as read and did not come to is told by itself.
#[test]
fn flags_set_by_a_fetch_that_breaks_off_are_told() {
    let mut client = client();
    let uids: Vec<u32> = (0..2).map(|_| client.toy.deliver("INBOX", PARTS)).collect();
    assert_eq!(uids, [2, 3]);
    client.script(
        "C: e ENABLE CONDSTORE
         S: * ENABLED CONDSTORE
         S: * OK [HIGHESTMODSEQ 2] …
         S: e OK …
         C: n NOOP
         S: * 3 EXISTS
         S: * 0 RECENT
         S: n OK …
         C: a FETCH 1:3 BINARY[4]
         S: a NO [UNKNOWN-CTE] …
         C: b NOOP
         S: * 1 FETCH (FLAGS (\\Seen) MODSEQ (5))
         S: * 2 FETCH (FLAGS (\\Seen) MODSEQ (5))
         S: * 3 FETCH (FLAGS (\\Seen) MODSEQ (5))
         S: b OK …
         C: c FETCH 1:2 BINARY[1]
         S: * 1 FETCH (BINARY[1] {3}
         S: uno)
         S: * 2 FETCH (BINARY[1] {3}
         S: uno)
         S: c OK …",
    );
}
