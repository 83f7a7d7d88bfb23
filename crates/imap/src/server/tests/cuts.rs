//! Any octets in any cuts.

use super::*;
use proptest::prelude::*;

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
            Just("c APPEND INBOX {4+}\r\n0123 (\\Seen) ~{3+}\r\n456 CATENATE (TEXT {2+}\r\n78 URL {13+}\r\n/INBOX/;UID=1)\r\n".to_owned()),
            Just("c APPEND INBOX {4}\r\n".to_owned()), Just("0123 {2+}\r\n45\r\n".to_owned()), Just("0123 {70000}\r\n".to_owned()),
            Just("c UID REPLACE 1 INBOX {4+}\r\n0123\r\nc FETCH 1:* (BINARY.PEEK[1] BINARY.SIZE[2] PREVIEW)\r\n".to_owned()),
            Just("c REPLACE 1 {5+}\r\nINBOX CATENATE (TEXT {0+}\r\n)\r\n".to_owned()),
            Just("d APPEND Nowhere {4+}\r\nz A\r\r\n".to_owned()),
            Just("e SEARCH SUBJECT {3+}\r\nuno\r\n".to_owned()),
            Just("f IDLE\r\n".to_owned()), Just("DONE\r\n".to_owned()),
            Just("g STORE 1 +FLAGS (\\Deleted)\r\nh EXPUNGE\r\n".to_owned()),
            Just("i CLOSE\r\nj SELECT INBOX\r\n".to_owned()),
            Just("k UNSELECT\r\n".to_owned()), Just("l LOGOUT\r\n".to_owned()),
            Just("m NOTIFY SET STATUS (selected (MessageNew (BODY[]) MessageExpunge FlagChange)) (subtree {5+}\r\nINBOX (MailboxName))\r\n".to_owned()),
            Just("m NOTIFY SET (personal (MessageNew MessageExpunge FlagChange))\r\nn NOTIFY NONE\r\n".to_owned()),
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
            "REPLACE", "CATENATE (", "TEXT ", "URL ", "/INBOX/;UID=1", "~{3+}", "BINARY[", "PREVIEW", "COMPRESS DEFLATE",
            "NOTIFY", "SET", "STATUS (", "selected ", "(MessageNew ", "MessageExpunge)", "personal", "mailboxes (", "NONE",
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
