//! Commands of the grammar that both parsers know, and ways to bend them.

use proptest::prelude::*;
use proptest::sample::select;

type Text = BoxedStrategy<Vec<u8>>;

/// Each of these behind the other.
fn all(parts: Vec<Text>) -> Text {
    parts.into_iter().fold(Just(Vec::new()).boxed(), |before, part| {
        (before, part).prop_map(|(before, part)| [before, part].concat()).boxed()
    })
}

fn word(words: &'static [&'static str]) -> Text {
    (select(words), any::<bool>())
        .prop_map(|(word, lower)| if lower { word.to_ascii_lowercase() } else { word.to_owned() }.into_bytes())
        .boxed()
}

fn is(text: &'static str) -> Text {
    Just(text.as_bytes().to_vec()).boxed()
}

fn any_of(ways: Vec<Text>) -> Text {
    proptest::strategy::Union::new(ways).boxed()
}

/// So many of these between blanks.
fn several(one: Text, most: usize) -> Text {
    prop::collection::vec(one, 1..=most).prop_map(|all| all.join(&b' ')).boxed()
}

fn listed(one: Text, most: usize) -> Text {
    all(vec![is("("), several(one, most), is(")")])
}

fn optional(text: Text) -> Text {
    any_of(vec![is(""), text])
}

/// A text as atom where it can be one, between quotes, or as literal.
fn astring(texts: &'static [&'static str]) -> Text {
    (select(texts), 0..3).prop_map(|(text, way)| string(text, way)).boxed()
}

fn string(text: &str, way: i32) -> Vec<u8> {
    let atom = !text.is_empty() && text.bytes().all(|b| crate::cursor::is_atom(b) || b == b']');
    match way {
        0 if atom => text.into(),
        1 => format!("{{{}+}}\r\n{text}", text.len()).into(),
        _ => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")).into(),
    }
}

fn mailbox() -> Text {
    astring(&["INBOX", "inbox", "inBox/Sotto", "Bozze", "Posta inviata", "A/B/", "x]y", "Perch&AOk-", "Perché"])
}

/// A name that a folder may be given.
fn new_mailbox() -> Text {
    astring(&["Nuova", "A/B C", "inbox/Sotto", "Perch&AOk-", "x]y", "a\"b\\c"])
}

fn text() -> Text {
    astring(&["uno", "due parole", "", "\"virgolette\\", "ÀÈ", "a]b", "NIL"])
}

fn set() -> Text {
    word(&["1", "*", "1:*", "*:4", "2,4:7,9,12:*", "7:3", "4294967295", "1:1"])
}

fn date() -> Text {
    word(&["1-Feb-1994", "01-Feb-2026", "29-Feb-2024", "\"31-Dec-2026\""])
}

fn part() -> Text {
    word(&["1", "1.2", "3.1.4", "12"])
}

fn partial() -> Text {
    optional(word(&["<0.1>", "<10.4294967295>"]))
}

fn section() -> Text {
    let fields = all(vec![
        word(&["HEADER.FIELDS ", "HEADER.FIELDS.NOT "]),
        listed(astring(&["Subject", "X-Riferimento-Message-ID", "To"]), 3),
    ]);
    any_of(vec![
        is(""),
        part(),
        word(&["HEADER", "TEXT", "1.MIME", "1.2.HEADER", "2.TEXT"]),
        fields.clone(),
        all(vec![part(), is("."), fields]),
    ])
}

fn item() -> Text {
    any_of(vec![
        word(&["UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY", "BODYSTRUCTURE", "MODSEQ"]),
        word(&["RFC822", "RFC822.HEADER", "RFC822.TEXT", "BINARY[]", "BINARY.SIZE[1.2]"]),
        all(vec![word(&["BODY[", "BODY.PEEK["]), section(), is("]"), partial()]),
        all(vec![word(&["BINARY[", "BINARY.PEEK["]), part(), is("]"), partial()]),
    ])
}

fn flag() -> Text {
    any_of(vec![
        word(&["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"]),
        is("$PECDelivered"),
        is("lavoro"),
    ])
}

fn flags() -> Text {
    any_of(vec![is("()"), listed(flag(), 4)])
}

fn key() -> Text {
    let one = |words, text: Text| all(vec![word(words), is(" "), text]);
    let leaf = any_of(vec![
        word(&["ALL", "ANSWERED", "DELETED", "DRAFT", "FLAGGED", "NEW", "OLD", "RECENT", "SEEN", "UNANSWERED"]),
        word(&["UNDELETED", "UNDRAFT", "UNFLAGGED", "UNSEEN"]),
        set(),
        one(&["UID"], set()),
        one(&["BCC", "CC", "FROM", "SUBJECT", "TO", "BODY", "TEXT", "HEADER X-Ricevuta"], text()),
        one(&["BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE"], date()),
        one(&["KEYWORD", "UNKEYWORD"], is("$PECFailed")),
        one(&["LARGER", "SMALLER"], word(&["0", "4294967295"])),
        one(&["OLDER", "YOUNGER"], word(&["1", "86400"])),
        one(&["MODSEQ", "MODSEQ \"/flags/\\\\Seen\" all"], word(&["1", "620162338"])),
    ]);
    leaf.prop_recursive(3, 12, 3, move |key| {
        any_of(vec![
            all(vec![is("NOT "), key.clone().boxed()]),
            all(vec![is("OR "), key.clone().boxed(), is(" "), key.clone().boxed()]),
            listed(key.boxed(), 3),
        ])
    })
    .boxed()
}

fn about_folders() -> Text {
    let remembered = all(vec![
        is(" (QRESYNC (67890007 20050715194045000"),
        optional(is(" 41:211,214")),
        optional(is(" (1,10 41,52)")),
        is("))"),
    ]);
    let items = word(&[
        "MESSAGES",
        "RECENT",
        "UIDNEXT",
        "UIDVALIDITY",
        "UNSEEN",
        "HIGHESTMODSEQ",
        "SIZE",
        "DELETED",
        "DELETED-STORAGE",
    ]);
    any_of(vec![
        all(vec![word(&["SELECT ", "EXAMINE "]), mailbox(), any_of(vec![is(""), is(" (CONDSTORE)"), remembered])]),
        all(vec![word(&["SUBSCRIBE ", "UNSUBSCRIBE ", "GETQUOTAROOT "]), mailbox()]),
        all(vec![word(&["CREATE ", "DELETE "]), new_mailbox()]),
        all(vec![is("RENAME "), mailbox(), is(" "), new_mailbox()]),
        all(vec![
            word(&["LIST ", "LSUB "]),
            astring(&["", "Archivio/", "inbox"]),
            is(" "),
            any_of(vec![word(&["*", "%", "A/%/*", "\"\"", "\"Posta %\"", "x]*"]), astring(&["*", "Perch&AOk-%"])]),
        ]),
        all(vec![is("STATUS "), mailbox(), is(" "), listed(items, 5)]),
        all(vec![is("GETQUOTA "), text()]),
        all(vec![
            is("SETMETADATA "),
            mailbox(),
            is(" (/shared/comment "),
            any_of(vec![is("NIL"), is("\"uno\""), is("{3+}\r\na\nb"), is("~{3+}\r\na\0b")]),
            optional(is(" \"/PRIVATE/a b\" nil")),
            is(")"),
        ]),
        all(vec![
            is("GETMETADATA "),
            any_of(vec![is(""), is("(MAXSIZE 1024) "), is("(DEPTH infinity) "), is("(depth 1 maxsize 5) ")]),
            mailbox(),
            is(" "),
            any_of(vec![is("/shared/comment"), is("(/private/comment \"/shared/x\")")]),
        ]),
    ])
}

fn about_messages() -> Text {
    let since = any_of(vec![is(""), is(" (CHANGEDSINCE 12345)"), is(" (CHANGEDSINCE 1 VANISHED)")]);
    let what = any_of(vec![word(&["ALL", "FAST", "FULL"]), item(), listed(item(), 4)]);
    let keys = || several(key(), 3);
    let charset = || word(&["UTF-8 ", "\"US-ASCII\" "]);
    let order = word(&["ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "REVERSE DISPLAYTO"]);
    let by_uid = || optional(word(&["UID "]));
    any_of(vec![
        all(vec![by_uid(), is("FETCH "), set(), is(" "), what, since]),
        all(vec![
            by_uid(),
            is("STORE "),
            set(),
            optional(is(" (UNCHANGEDSINCE 0)")),
            is(" "),
            word(&["FLAGS ", "+FLAGS ", "-FLAGS ", "FLAGS.SILENT ", "+FLAGS.SILENT ", "-FLAGS.SILENT "]),
            any_of(vec![flags(), several(flag(), 3)]),
        ]),
        all(vec![by_uid(), word(&["COPY ", "MOVE "]), set(), is(" "), mailbox()]),
        all(vec![is("UID EXPUNGE "), set()]),
        all(vec![by_uid(), is("SEARCH "), optional(all(vec![is("CHARSET "), charset()])), keys()]),
        all(vec![by_uid(), is("SORT "), listed(order, 4), is(" "), charset(), keys()]),
        all(vec![by_uid(), is("THREAD "), word(&["REFERENCES ", "ORDEREDSUBJECT "]), charset(), keys()]),
        all(vec![
            is("APPEND "),
            mailbox(),
            optional(all(vec![is(" "), flags()])),
            optional(word(&[" \"12-Mar-2026 10:15:01 +0100\"", " \" 1-Jan-1970 00:00:00 -0230\""])),
            word(&[" {4+}\r\nX: y", " ~{4+}\r\nX: y"]),
        ]),
    ])
}

/// NOTIFY, which one of the two parsers does not know.
pub fn notify() -> Text {
    let names = || any_of(vec![mailbox(), listed(mailbox(), 3)]);
    let filter = any_of(vec![
        word(&["inboxes", "personal", "subscribed"]),
        all(vec![word(&["subtree ", "mailboxes "]), names()]),
    ]);
    let new = any_of(vec![is("MessageNew"), all(vec![is("MessageNew "), listed(item(), 3)])]);
    let events = any_of(vec![
        is("NONE"),
        is("(MessageNew MessageExpunge)"),
        is("(messageexpunge FlagChange MESSAGENEW)"),
        listed(word(&["MailboxName", "SubscriptionChange", "MailboxMetadataChange", "ServerMetadataChange"]), 4),
    ]);
    let of_selected = any_of(vec![
        is("NONE"),
        all(vec![is("("), new.clone(), is(" MessageExpunge)")]),
        all(vec![is("(FlagChange MessageExpunge "), new, is(")")]),
    ]);
    let selected = all(vec![word(&["(SELECTED ", "(SELECTED-DELAYED "]), of_selected, is(")")]);
    let group = all(vec![is("("), filter, is(" "), events, is(")")]);
    let groups = any_of(vec![
        selected.clone(),
        several(group.clone(), 3),
        all(vec![selected.clone(), is(" "), several(group.clone(), 2)]),
        all(vec![group, is(" "), selected]),
    ]);
    let set = all(vec![word(&["SET "]), optional(word(&["STATUS "])), groups]);
    all(vec![is("a1 "), word(&["NOTIFY "]), any_of(vec![word(&["NONE"]), set]), is("\r\n")])
}

/// A command of the grammar, with its tag and CRLF.
pub fn command() -> Text {
    let own = any_of(vec![
        word(&[
            "CAPABILITY",
            "NOOP",
            "LOGOUT",
            "STARTTLS",
            "CHECK",
            "CLOSE",
            "EXPUNGE",
            "UNSELECT",
            "IDLE",
            "NAMESPACE",
        ]),
        word(&["AUTHENTICATE PLAIN", "AUTHENTICATE SCRAM-SHA-256 =", "AUTHENTICATE LOGIN bWFyaW8="]),
        word(&["COMPRESS DEFLATE", "ENABLE CONDSTORE", "ENABLE X-A!/B UTF8=ACCEPT IMAP4rev2"]),
        word(&["ID NIL", "ID ()", "ID (\"name\" \"prova\" \"version\" NIL)"]),
        all(vec![is("LOGIN "), text(), is(" "), text()]),
    ]);
    all(vec![word(&["a1 ", "]x ", "A.7 "]), any_of(vec![own, about_folders(), about_messages()]), is("\r\n")])
}

/// A change to a command.
#[derive(Debug, Clone)]
pub enum Edit {
    Put(usize, &'static str),
    Cut(usize, usize),
    Set(usize, u8),
    Repeat(usize, usize),
}

impl Edit {
    pub fn of(&self, command: Vec<u8>) -> Vec<u8> {
        // The end stays, so that there is a command.
        let body = &command[..command.len() - 2];
        let place = |at: usize| at % (body.len() + 1);
        let range = |at: usize, most: usize| place(at)..(place(at) + most).min(body.len());
        let with = |range: std::ops::Range<usize>, put: &[u8]| {
            [&body[..range.start], put, &body[range.end..], b"\r\n"].concat()
        };
        match self {
            Self::Put(at, text) => with(place(*at)..place(*at), text.as_bytes()),
            Self::Cut(at, most) => with(range(*at, *most), b""),
            Self::Set(at, byte) => with(range(*at, 1), &[*byte]),
            Self::Repeat(at, most) => {
                let again = body[range(*at, *most)].to_vec();
                with(place(*at)..place(*at), &again)
            }
        }
    }
}

/// Any change.
pub fn edit() -> impl Strategy<Value = Edit> {
    const PIECES: &[&str] = &[
        " ",
        "(",
        ")",
        "\"",
        "\\",
        "{",
        "}",
        "{3+}\r\n",
        "~",
        "*",
        "%",
        "$",
        ":",
        ",",
        "0",
        "1",
        "4294967296",
        "[",
        "]",
        "<",
        ">",
        ".",
        "+",
        "-",
        "NIL",
        "\r\n",
        "\r",
        "\n",
        "\0",
        "&",
        "é",
        "UID ",
        "NOT ",
        "()",
        "RETURN (COUNT) ",
        "=",
        "/",
    ];
    prop_oneof![
        (any::<usize>(), select(PIECES)).prop_map(|(at, text)| Edit::Put(at, text)),
        (any::<usize>(), 1usize..6).prop_map(|(at, most)| Edit::Cut(at, most)),
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        (any::<usize>(), 1usize..9).prop_map(|(at, most)| Edit::Repeat(at, most)),
    ]
}
