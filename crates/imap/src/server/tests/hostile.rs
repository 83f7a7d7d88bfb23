//! What an attacker sends: nothing is kept that is not asked for, and what follows is still understood.

use super::*;

#[test]
fn literals_that_cannot_be() {
    two().script(
        "C: a LIST {4294967295}
         S: a BAD …
         C: b LIST {4294967296}
         S: b BAD …
         C: d APPEND INBOX {4294967295}
         S: d NO [TOOBIG] …
         C: e APPEND INBOX {99999999999}
         S: e BAD …
         C> f APPEND INBOX ({100001}\\r\\n
         S: f BAD …
         C: g NOOP
         S: g OK …
         C: h LIST {99999999999+}
         S: * BYE …",
    );
}

#[test]
fn names_that_are_no_text() {
    two().script(
        "C: a CREATE &
         S: a NO [CANNOT] …
         C: b CREATE &Jjo
         S: b NO [CANNOT] …
         C: c CREATE &Jjo!
         S: c NO [CANNOT] …
         C: d CREATE &2AA-
         S: d NO [CANNOT] …
         C: g LIST \"\" &Jjo
         S: g OK …",
    );
    for (bytes, answer) in [
        (&b"a CREATE {5+}\r\n\xff\xfe&-!\r\n"[..], "a NO [CANNOT]"),
        (b"b CREATE {2+}\r\n\xc3\x28\r\n", "b NO [CANNOT]"),
        (b"c SELECT \"\xff\"\r\n", "c BAD"),
        (b"d SELECT \xff\r\n", "d BAD"),
    ] {
        let mut client = two();
        client.server.input(Tick(1), bytes);
        client.pump();
        let said = String::from_utf8_lossy(&client.received).into_owned();
        assert!(said.starts_with(answer), "{said}");
    }
}

#[test]
fn what_nests_and_repeats_without_end() {
    let mut client = selected();
    let mut refused = |command: String| {
        let said = client.ask(&format!("a {command}"));
        assert!(said.starts_with("a BAD") || said.starts_with("a NO [LIMIT]"), "{said}");
        assert!(said.len() < 200, "{said}");
    };
    refused(format!("FETCH 1 BODY[{}1]", "1.".repeat(5000)));
    refused(format!("FETCH 1 ({}FLAGS)", "UID ".repeat(5000)));
    refused(format!("FETCH 1 BODY[HEADER.FIELDS ({}To)]", "To ".repeat(5000)));
    refused(format!("SEARCH {}ALL", "NOT ".repeat(5000)));
    refused(format!("SEARCH {}ALL{}", "(".repeat(5000), ")".repeat(5000)));
    refused(format!("SEARCH {}ALL", "OR ALL ".repeat(400)));
    refused(format!("STORE 1 FLAGS ({}z)", (0..5000).map(|n| format!("k{n} ")).collect::<String>()));
    refused(format!("LIST \"\" ({}x)", "*%".repeat(5000)));
    refused(format!("SORT ({}TO) UTF-8 ALL", "TO ".repeat(5000)));
    refused(format!("APPEND INBOX CATENATE ({}URL x)", "URL x ".repeat(5000)));
    // A set is as long as a command may be, and names each message once.
    let said = client.ask(&format!("b UID FETCH {}* UID", "1:4294967295,*:1,2,".repeat(3000)));
    assert_eq!(said, "* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 2)\r\nb OK FETCH completed\r\n");
}

#[test]
fn a_message_that_is_cut_off_is_none() {
    for sent in
        ["a APPEND INBOX {100+}\r\nX: y\r\n", "a APPEND INBOX {4+}\r\nX: y", "a APPEND INBOX {4+}\r\nX: y {9+}\r\nX: z"]
    {
        let mut client = selected();
        let before = client.toy.commits;
        client.server.input(Tick(1), sent.as_bytes());
        client.pump();
        client.server.end_of_input(Tick(1));
        client.pump();
        assert!(client.closed && client.received.is_empty(), "{sent}");
        assert_eq!((client.toy.commits, client.toy.folders["INBOX"].messages.len()), (before, 2), "{sent}");
    }
}
