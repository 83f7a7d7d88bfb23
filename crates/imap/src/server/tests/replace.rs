//! REPLACE.

use super::*;

#[test]
fn replacing() {
    let mut client = selected();
    client.toy.create("Bozze", None).unwrap();
    client.script(
        "C: a REPLACE 1 INBOX (\\Seen) {6}
         S: + …
         C> X: y\\r\\n\\r\\n
         S: * OK [APPENDUID 7 3] …
         S: * 1 EXPUNGE
         S: * 2 EXISTS
         S: * 0 RECENT
         S: a OK …
         C> b UID REPLACE 2 Bozze {6+}\\r\\nZ: z\\r\\n\\r\\n
         S: * OK [APPENDUID 7 1] …
         S: * 1 EXPUNGE
         S: b OK …
         C: c UID REPLACE 99 INBOX {6}
         S: c NO [NONEXISTENT] …
         C: d REPLACE 9 INBOX {6}
         S: d BAD …
         C: e REPLACE 1 Nessuna {6}
         S: e NO [TRYCREATE] …
         C> f REPLACE 1 INBOX {3+}\\r\\na b {3+}\\r\\nc d\\r\\n
         S: f NO [LIMIT] …
         C: g REPLACE 1 INBOX CATENATE (URL \"/Bozze/;UID=1\")
         S: * OK [APPENDUID 7 4] …
         S: * 1 EXPUNGE
         S: * 1 EXISTS
         S: * 0 RECENT
         S: g OK …",
    );
    client.ask("h EXAMINE INBOX");
    client.script(
        "C: i REPLACE 1 INBOX {6}
         S: i NO [READ-ONLY] …
         C: j UNSELECT
         S: j OK …
         C: k REPLACE 1 INBOX {6+}
         C> X: y\\r\\n\\r\\n
         S: k BAD …",
    );
    let stored = &client.toy.folders["INBOX"].messages;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].1, b"Z: z\r\n");
}

#[test]
fn what_is_replaced_makes_room() {
    let mut client = selected();
    client.toy.room = Some(0);
    let (fits, beyond) = ("x".repeat(PLAIN.len()), "x".repeat(PLAIN.len() + 1));
    assert!(
        client.ask(&format!("a REPLACE 1 INBOX {{{}+}}\r\n{beyond}", beyond.len())).starts_with("a NO [OVERQUOTA] ")
    );
    assert!(client.ask(&format!("b REPLACE 1 INBOX {{{}+}}\r\n{fits}", fits.len())).contains("b OK "));
    // Now the last one, of parts that are weighed one after the other.
    let parts = |last: usize| format!("CATENATE (TEXT {{3+}}\r\nxxx TEXT {{{last}+}}\r\n{})", "x".repeat(last));
    let told = client.ask(&format!("c REPLACE 2 INBOX {}", parts(PLAIN.len() - 2)));
    assert!(told.starts_with("c NO [OVERQUOTA] "), "{told}");
    let told = client.ask(&format!("d REPLACE 2 INBOX {}", parts(PLAIN.len() - 3)));
    assert!(told.contains("d OK "), "{told}");
}
