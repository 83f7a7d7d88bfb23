//! SEARCH.

use super::*;

#[test]
fn searching() {
    let mut client = selected();
    client.toy.inbox().flag(1, System::Flagged);
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
