//! Where this parser takes more or less than imap-codec, on purpose.

use super::Both;

/// The clause, an example, and how a case of it is known: by the octets and by what was understood, as it prints.
type Difference = (&'static str, &'static [u8], fn(&Both<'_>, &str) -> bool);

/// What is a command here alone.
pub const TAKEN: &[Difference] = &[
    ("RFC 4314, 8437: commands that the other does not know", b"a MYRIGHTS INBOX", |_, said| {
        let names = ["MyRights", "GetAcl", "SetAcl", "DeleteAcl", "ListRights", "Unauthenticate"];
        names.iter().any(|name| said.contains(name))
    }),
    ("RFC 5258 §3: LIST with options", b"a LIST (SUBSCRIBED) \"\" *", |_, said| {
        said.contains("List {") && said.contains("options: Some")
    }),
    ("RFC 6154 §3: CREATE with USE", b"a CREATE Inviata (USE (\\Sent))", |both, said| {
        said.contains("Create {") && both.raw.contains("(USE (")
    }),
    (
        "RFC 3502, 4469, 6855, 8508: messages in other ways than one literal",
        b"a APPEND INBOX {1+}\r\nx {1+}\r\ny",
        |both, said| {
            let several = said.matches("Appending {").count() > 1 || said.contains("replaced: Some");
            said.contains("AppendEnd") && (several || ["CATENATE", "UTF8 ("].iter().any(|way| both.raw.contains(way)))
        },
    ),
    ("RFC 5182 §2.1: $ as a set", b"a FETCH $ FLAGS", |_, said| said.contains("saved: true")),
    ("RFC 4731 §3.1, 5267 §3: RETURN", b"a SEARCH RETURN (COUNT) ALL", |both, _| both.raw.contains("RETURN (")),
    ("RFC 8474, 8514, 8970: identities, dates of saving, previews", b"a FETCH 1 (EMAILID PREVIEW)", |both, _| {
        ["EMAILID", "THREADID", "MAILBOXID", "SAVE", "PREVIEW"].iter().any(|name| both.raw.contains(name))
    }),
    ("RFC 9051 §9: numbers of 63 bits", b"a SEARCH LARGER 4294967296", |both, _| {
        numbers(both).any(|number| number.parse::<u64>().is_ok_and(|n| n > u32::MAX.into()))
    }),
    (
        "RFC 3501 §6.4.4: of a charset that is not known nothing more is read",
        b"a SEARCH CHARSET KOI8-R XYZ",
        |_, said| said.contains("criteria: None"),
    ),
    (
        "RFC 3501 §9: keys within keys, here thirty deep",
        b"a SEARCH NOT NOT NOT NOT NOT NOT NOT NOT NOT ALL",
        |both, _| ["NOT ", "OR ", "("].iter().map(|level| both.raw.matches(level).count()).sum::<usize>() >= 8,
    ),
    ("RFC 3501 §9: the charset of SEARCH is an astring", b"a SEARCH CHARSET {5+}\r\nUTF-8 ALL", |both, said| {
        said.contains("Search {")
            && ["CHARSET {", ") {", "ORDEREDSUBJECT {", "REFERENCES {"].iter().any(|t| both.raw.contains(t))
    }),
    (
        "Dates in any string, also padded: nothing else can be meant",
        b"a SEARCH ON {10+}\r\n1-Feb-2026",
        |both, said| {
            let dates = ["Before(", "On(", "Since(", "date: Some"];
            dates.iter().any(|name| said.contains(name)) && ["\"", "{"].iter().any(|quote| both.raw.contains(quote))
        },
    ),
    (
        "RFC 3501 §6.2.2: base64 is judged by the exchange, which may be cancelled",
        b"a AUTHENTICATE PLAIN ???",
        |_, said| said.contains("Authenticate {"),
    ),
    ("RFC 7162 §3.1: whoever knows nothing yet asks from zero", b"a FETCH 1 FLAGS (CHANGEDSINCE 0)", |_, said| {
        said.contains("since: Some(0)") || said.contains("modseq: 0")
    }),
    (
        "RFC 5464 §4.2: options behind the name, as in its examples",
        b"a GETMETADATA x (DEPTH 1) /shared/y",
        |both, said| {
            said.contains("GetMetadata {") && ["DEPTH ", "MAXSIZE "].iter().any(|option| both.raw.contains(option))
        },
    ),
    (
        "RFC 3501 §6.3.8: wildcards in a reference without quotes, which old clients send",
        b"a LIST % *",
        |both, said| {
            ["List {", "Lsub {"].iter().any(|name| said.contains(name))
                && ["%", "*"].iter().any(|w| both.raw.contains(w))
        },
    ),
    (
        "RFC 7162 §3.1.5: entries of MODSEQ are passed over, whatever they name",
        b"a SEARCH MODSEQ \"x\" all 1",
        |both, said| said.contains("ModSeq(") && both.raw.contains("MODSEQ \""),
    ),
];

/// What is a command there alone.
pub const REFUSED: &[Difference] = &[
    ("RFC 3501 §9: lists with at least one thing in them", b"a STATUS INBOX ()", |both, _| both.raw.contains("()")),
    ("RFC 3501 §2.3.2: there are five system flags to set", b"a STORE 1 FLAGS (\\Foo)", |_, said| {
        said.contains("Extension(")
    }),
    ("A bracket ends a section, not a field's name", b"a FETCH 1 BODY[HEADER.FIELDS (To])]", |both, _| {
        both.raw.contains("HEADER.FIELDS")
    }),
    (
        "Tags of at most 64 octets",
        b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa NOOP",
        |both, _| both.bytes.iter().position(|b| *b == b' ').is_some_and(|at| at > 64),
    ),
    ("RFC 5198: text is UTF-8, or it cannot be compared", b"a LOGIN {1+}\r\n\xe9 x", |both, _| {
        std::str::from_utf8(both.bytes).is_err()
    }),
    ("RFC 5256 §3: THREAD by what was announced", b"a THREAD FOO UTF-8 ALL", |_, said| {
        said.contains("body: Thread {")
    }),
    (
        "RFC 7162 §3.2.6: VANISHED with CHANGEDSINCE; each modifier once",
        b"a UID FETCH 1 FLAGS (VANISHED)",
        |both, _| {
            let twice = ["CHANGEDSINCE", "QRESYNC"].iter().any(|name| both.raw.matches(name).count() > 1);
            both.raw.contains("VANISHED") || twice
        },
    ),
    ("RFC 7162 §3.2.5: what a client knows are numbers", b"a SELECT INBOX (QRESYNC (1 2 1:*))", |both, _| {
        both.raw.contains("QRESYNC (") && both.raw.contains('*')
    }),
    ("RFC 5464 §3.2: entries below /private and /shared", b"a GETMETADATA INBOX /comment", |_, said| {
        said.contains("Metadata {")
    }),
    ("RFC 4422 §3.1: names of mechanisms", b"a AUTHENTICATE X$Y", |_, said| said.contains("Authenticate {")),
    ("RFC 3501 §9: numbers have no more digits than they need", b"a FETCH 00000000001 FLAGS", |both, _| {
        numbers(both).any(|number| number.len() > 10)
    }),
    (
        "More criteria than there are keys",
        b"a SORT (CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC) UTF-8 ALL",
        |_, said| said.matches("SortCriterion {").count() > 18,
    ),
];

fn numbers<'a>(both: &'a Both<'_>) -> impl Iterator<Item = &'a str> {
    both.raw.split(|c: char| !c.is_ascii_digit())
}
