//! SEARCH.

use proptest::prelude::*;

use super::*;
use sigillo_base::Timestamp;

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
        ("SUBJECT perche", "2"),
        ("TEXT \" NO\"", "2"),
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

/// A folder of so many messages with UIDs from 11 on, selected.
fn folder(messages: &[&str]) -> Client {
    let mut toy = Toy::new();
    toy.folders.get_mut("INBOX").unwrap().uid_next = 11;
    for message in messages {
        toy.deliver("INBOX", message.as_bytes());
    }
    let mut client = Client::inside(toy);
    client.ask("s SELECT INBOX");
    client
}

#[test]
fn what_a_search_returns() {
    folder(&["Subject: a\r\n\r\n", "Subject: b\r\n\r\n", "Subject: a\r\n\r\n", "Subject: a\r\n\r\n"]).script(
        "C: a SEARCH RETURN (MIN MAX COUNT) SUBJECT a
         S: * ESEARCH (TAG \"a\") MIN 1 MAX 4 COUNT 3
         S: a OK …
         C: b SEARCH RETURN () SUBJECT a
         S: * ESEARCH (TAG \"b\") ALL 1,3:4
         S: b OK …
         C: c UID SEARCH RETURN (ALL MIN) CHARSET UTF-8 SUBJECT a
         S: * ESEARCH (TAG \"c\") UID MIN 11 ALL 11,13:14
         S: c OK …
         C: d SEARCH RETURN (MIN MAX ALL COUNT) SUBJECT nulla
         S: * ESEARCH (TAG \"d\") COUNT 0
         S: d OK …
         C: e SEARCH RETURN (ALL) SUBJECT nulla
         S: * ESEARCH (TAG \"e\")
         S: e OK …
         C: f UID SEARCH RETURN (MIN MODSEQ) ALL
         S: f BAD …
         C: g SEARCH RETURN (MIN ALL
         S: g BAD …
         C: h SEARCH RETURN (MIN)
         S: h BAD …
         C: i SEARCH RETURN MIN ALL
         S: i BAD …
         C: j SEARCH RETURN (COUNT) CHARSET KOI8-R SUBJECT x
         S: j NO [BADCHARSET (US-ASCII UTF-8)] …",
    );
}

#[test]
fn mod_sequences_that_are_asked_about_are_told() {
    let mut client = folder(&["Subject: a\r\n\r\n", "Subject: b\r\n\r\n", "Subject: c\r\n\r\n"]);
    let inbox = client.toy.inbox();
    for (at, message) in inbox.messages.iter_mut().enumerate() {
        message.0.modseq = [5, 9, 7][at];
    }
    inbox.modseq = 9;
    client.script("C: m SEARCH MODSEQ 1\nS: * OK [HIGHESTMODSEQ …");
    client.received.clear();
    client.script(
        "C: a SEARCH MODSEQ 6
         S: * SEARCH 2 3 (MODSEQ 9)
         S: a OK …
         C: b SEARCH OR SUBJECT a MODSEQ \"/flags/\\\\draft\" all 8
         S: * SEARCH 1 2 (MODSEQ 9)
         S: b OK …
         C: c SEARCH MODSEQ 10
         S: * SEARCH
         S: c OK …
         C: d SEARCH RETURN (ALL) MODSEQ 1
         S: * ESEARCH (TAG \"d\") ALL 1:3 MODSEQ 9
         S: d OK …
         C: e SEARCH RETURN (MIN) MODSEQ 1
         S: * ESEARCH (TAG \"e\") MIN 1 MODSEQ 5
         S: e OK …
         C: f SEARCH RETURN (MIN MAX) MODSEQ 1
         S: * ESEARCH (TAG \"f\") MIN 1 MAX 3 MODSEQ 7
         S: f OK …
         C: g SEARCH RETURN (MAX COUNT) MODSEQ 1
         S: * ESEARCH (TAG \"g\") MAX 3 COUNT 3 MODSEQ 9
         S: g OK …
         C: h SEARCH MODSEQ 9223372036854775808
         S: h BAD …
         C: i SEARCH MODSEQ \"/flags/x\" nobody 1
         S: i BAD …
         C: j SORT (REVERSE SUBJECT) UTF-8 MODSEQ 6
         S: * SORT 3 2 (MODSEQ 9)
         S: j OK …",
    );
}

#[test]
fn what_a_search_saved() {
    let mut client =
        folder(&["Subject: a\r\n\r\nx", "Subject: b\r\n\r\nx", "Subject: a\r\n\r\nx", "Subject: a\r\n\r\nx"]);
    client.script(
        "C: a SEARCH $
         S: * SEARCH
         S: a OK …
         C: b SEARCH RETURN (SAVE) SUBJECT a
         S: b OK …
         C: c FETCH $ UID
         S: * 1 FETCH (UID 11)
         S: * 3 FETCH (UID 13)
         S: * 4 FETCH (UID 14)
         S: c OK …
         C: d UID SEARCH RETURN (COUNT) $ NOT 3
         S: * ESEARCH (TAG \"d\") UID COUNT 2
         S: d OK …
         C: e UID SEARCH UID $
         S: * SEARCH 11 13 14
         S: e OK …
         C: f SEARCH NOT $
         S: * SEARCH 2
         S: f OK …
         C: g UID STORE $ +FLAGS.SILENT (\\Flagged)
         S: g OK …
         C: h SEARCH FLAGGED
         S: * SEARCH 1 3 4
         S: h OK …",
    );
}

#[test]
fn what_is_saved_of_what_is_told() {
    let mut client =
        folder(&["Subject: a\r\n\r\nx", "Subject: b\r\n\r\nx", "Subject: a\r\n\r\nx", "Subject: a\r\n\r\nx"]);
    client.script(
        "C: i SEARCH RETURN (SAVE MIN) SUBJECT a
         S: * ESEARCH (TAG \"i\") MIN 1
         S: i OK …
         C: j SEARCH $
         S: * SEARCH 1
         S: j OK …
         C: k SEARCH RETURN (SAVE MIN MAX) SUBJECT a
         S: * ESEARCH (TAG \"k\") MIN 1 MAX 4
         S: k OK …
         C: l SEARCH 2,$
         S: * SEARCH 1 2 4
         S: l OK …
         C: m SEARCH RETURN (SAVE MAX COUNT) SUBJECT a
         S: * ESEARCH (TAG \"m\") MAX 4 COUNT 3
         S: m OK …
         C: n SEARCH RETURN (ALL) $
         S: * ESEARCH (TAG \"n\") ALL 1,3:4
         S: n OK …
         # BAD leaves it, NO empties it.
         C: o SEARCH RETURN (SAVE) FOO
         S: o BAD …
         C: p SEARCH $
         S: * SEARCH 1 3 4
         S: p OK …
         C: q SEARCH RETURN (SAVE) CHARSET KOI8-R SUBJECT x
         S: q NO …
         C: r SEARCH $
         S: * SEARCH
         S: r OK …
         C: s UID SORT RETURN (SAVE MAX) (REVERSE SUBJECT) UTF-8 ALL
         S: * ESEARCH (TAG \"s\") UID MAX 14
         S: s OK …
         C: t CREATE x
         S: t OK …
         C: u COPY $ x
         S: u OK [COPYUID 7 14 1] …
         C: v SEARCH RETURN (SAVE) SUBJECT a
         S: v OK …
         C: w UID STORE 13 +FLAGS.SILENT (\\Deleted)
         S: w OK …
         C: x UID EXPUNGE $
         S: * 3 EXPUNGE
         S: x OK …
         C: y SEARCH $
         S: * SEARCH 1 3
         S: y OK …
         C: z SELECT INBOX",
    );
    client.received.clear();
    client.script("C: a FETCH $ UID\nS: a OK …\nC: b MOVE $ x\nS: b OK …");
    // A fault empties it too.
    client.ask("c SEARCH RETURN (SAVE) ALL");
    client.toy.faulty = true;
    assert!(client.ask("d SEARCH RETURN (SAVE) SUBJECT a").starts_with("d NO"));
    client.toy.faulty = false;
    client.script("C: e SEARCH $\nS: * SEARCH\nS: e OK …");
}

#[test]
fn older_and_younger() {
    let mut client = selected();
    client.toy.now = Timestamp::from_millis(1_773_306_901_000 + 3_600_000);
    client.script(
        "C: a SEARCH YOUNGER 3600
         S: * SEARCH 1 2
         S: a OK …
         C: b SEARCH YOUNGER 3599
         S: * SEARCH
         S: b OK …
         C: c SEARCH OLDER 3600
         S: * SEARCH 1 2
         S: c OK …
         C: d SEARCH OLDER 3601
         S: * SEARCH
         S: d OK …
         C: e SEARCH NOT OLDER 4294967295
         S: * SEARCH 1 2
         S: e OK …
         C: f SEARCH OLDER 0
         S: f BAD …
         C: g SEARCH YOUNGER x
         S: g BAD …",
    );
}

#[test]
fn identities_and_days_of_saving_are_found() {
    // Saved on 1 March 2026, from where it came on the twelfth.
    selected().script(
        "C: a SEARCH SAVEDON 1-Mar-2026
         S: * SEARCH 1 2
         S: a OK …
         C: b SEARCH SAVEDBEFORE 1-Mar-2026
         S: * SEARCH
         S: b OK …
         C: c SEARCH SAVEDSINCE 1-Mar-2026 NOT ON 1-Mar-2026
         S: * SEARCH 1 2
         S: c OK …
         C: d SEARCH NOT SAVEDATESUPPORTED
         S: * SEARCH
         S: d OK …
         C: e SEARCH EMAILID M00000000000000000000000000000002
         S: * SEARCH 2
         S: e OK …
         C: f SEARCH OR EMAILID m00000000000000000000000000000002 THREADID T1
         S: * SEARCH
         S: f OK …
         C: g SEARCH SAVEDON domani
         S: g BAD …
         C: h SEARCH EMAILID (M1)
         S: h BAD …",
    );
}

/// What is in a message of many parts, and what is not.
const LETTER: &str = "Subject: lettera\r\nContent-Type: multipart/mixed; boundary=x; name=capo\r\n\r\n--x\r\n\r\nuno\r\n--x\r\n\
    Content-Type: application/pdf; name=\"=?utf-8?Q?Fattura_n=C2=B0_7.pdf?=\"\r\nContent-Transfer-Encoding: base64\r\n\r\nZHVl\r\n--x\r\n\
    Content-Type: text/csv\r\nContent-Disposition: attachment; filename*=utf-8''Perch%C3%A9.csv\r\n\
    Content-Transfer-Encoding: base64\r\n\r\ndHJlO3F1YXR0cm8=\r\n--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: dentro\r\n\r\ncinque\r\n--x--\r\n";

#[test]
fn bodies_are_looked_through_decoded() {
    // A message with UTF-8 in its header is one, too (RFC 6532 §3.7).
    let global = LETTER.replace("message/rfc822", "message/global");
    for (letter, indexed) in [(LETTER, false), (LETTER, true), (&global, false), (&global, true)] {
        let mut client = folder(&[letter]);
        client.toy.indexed = indexed;
        for (key, found) in [
            ("BODY UNO", true),
            ("BODY \"Fattura n\"", true),
            ("BODY perche", true),
            ("BODY tre;QUATTRO", true),
            ("BODY \"subject: dentro\"", true),
            ("BODY cinque", true),
            ("BODY due", false),
            ("BODY ZHVl", false),
            ("BODY lettera", false),
            ("TEXT lettera", true),
            ("TEXT \"\"", true),
            ("BODY o", true),
        ] {
            let told = client.ask(&format!("a SEARCH {key}"));
            assert_eq!(told.starts_with("* SEARCH 1\r\n"), found, "{key}, indexed: {indexed}");
        }
    }
    let mut client = folder(&[LETTER]);
    client.toy.indexed = true;
    client.toy.reads = 0;
    client.ask("a SEARCH OR BODY zzzz NOT NOT TEXT wwww");
    assert_eq!(client.toy.reads, 0, "the trigrams say that it is not there");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// With trigrams, without, and by looking into each message.
    #[test]
    fn what_is_kept_changes_no_answer(
        texts in prop::collection::vec("[kwà]{0,12}", 1..6),
        key in prop::sample::select(vec!["BODY", "TEXT", "NOT BODY", "NOT TEXT"]),
        text in "[kwàÀ]{1,4}",
    ) {
        let messages: Vec<String> = texts
            .iter()
            .map(|t| format!("Subject: =?utf-8?Q?{}?=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{t}", t.replace('à', "=C3=A0")))
            .collect();
        let mut client = folder(&messages.iter().map(String::as_str).collect::<Vec<_>>());
        let command = format!("a SEARCH {key} {{{}+}}\r\n{text}", text.len());
        let without = client.ask(&command);
        client.toy.indexed = true;
        let with = client.ask(&command);
        let fold = |t: &str| t.replace(['à', 'À'], "a`");
        let naive: String = texts
            .iter()
            .enumerate()
            .filter(|(_, t)| fold(t).contains(&fold(&text)) != key.starts_with("NOT"))
            .map(|(i, _)| format!(" {}", i + 1))
            .collect();
        prop_assert_eq!(&without, &format!("* SEARCH{naive}\r\na OK SEARCH completed\r\n"));
        prop_assert_eq!(with, without);
    }
}

#[test]
fn hostile_searches_are_answered() {
    let mut client = folder(&["Subject: a\r\n\r\n"]);
    for (bad, command) in [
        (true, format!("SEARCH {}ALL{}", "(".repeat(200), ")".repeat(200))),
        (true, format!("SEARCH {}ALL", "OR ALL ".repeat(400))),
        (true, format!("SEARCH {}ALL", "NOT ".repeat(31))),
        (false, format!("SEARCH {}ALL", "NOT ".repeat(29))),
        (false, format!("SEARCH {}1", "1:4294967295,*:1,".repeat(2000))),
        (false, format!("SEARCH {}$", "$,".repeat(2000))),
        (true, format!("SORT ({}SIZE) UTF-8 ALL", "SIZE ".repeat(100))),
        (true, "THREAD NIENTE UTF-8 ALL".into()),
        (true, "SORT () UTF-8 ALL".into()),
        (true, "SORT (REVERSE) UTF-8 ALL".into()),
        (true, "SEARCH RETURN (SAVE SAVE".into()),
        (false, format!("SEARCH RETURN ({}SAVE) ALL", "SAVE ".repeat(500))),
    ] {
        let told = client.ask(&format!("a {command}"));
        assert_eq!(told.contains("a BAD"), bad, "{command:.60} {told:.80}");
        assert!(bad || told.contains("a OK"), "{command:.60} {told:.80}");
    }
}
