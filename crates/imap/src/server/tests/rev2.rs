//! IMAP4rev2 (RFC 9051): what ENABLE IMAP4rev2 changes, and what stays as it was.

use super::*;

/// INBOX with two messages, "Perché" empty, and revision 2 switched on.
fn second() -> Client {
    let mut client = two();
    client.ask("a CREATE \"Perché\"");
    assert!(client.ask("a ENABLE IMAP4rev2").starts_with("* ENABLED IMAP4rev2\r\n"));
    client
}

#[test]
fn a_folder_is_selected_with_its_name_and_nothing_is_recent() {
    second().script(
        "C: a SELECT \"Perché\"
         S: * FLAGS …
         S: * OK [PERMANENTFLAGS …
         S: * 0 EXISTS
         S: * OK [UIDVALIDITY 7] …
         S: * OK [UIDNEXT 1] …
         S: * OK [HIGHESTMODSEQ …
         S: * OK [MAILBOXID (F2)] …
         S: * LIST (\\HasNoChildren \\Subscribed) \"/\" \"Perché\"
         S: a OK [READ-WRITE] …
         C: b EXAMINE inbox
         S: * OK [CLOSED] …
         S: * FLAGS …
         S: * OK [PERMANENTFLAGS ()] …
         S: * 2 EXISTS
         S: * OK [UIDVALIDITY 7] …
         S: * OK [UIDNEXT 3] …
         S: * OK [HIGHESTMODSEQ …
         S: * OK [MAILBOXID (F1)] …
         S: * LIST (\\HasNoChildren \\Subscribed) \"/\" INBOX
         S: b OK [READ-ONLY] …
         C> c APPEND INBOX {20+}\\r\\nSubject: Perché\\r\\n\\r\\n\\r\\n
         S: * 3 EXISTS
         S: c OK [APPENDUID 7 3] …
         C: d STATUS \"Perché\" (MESSAGES UNSEEN DELETED SIZE)
         S: * STATUS \"Perché\" (MESSAGES 0 UNSEEN 0 DELETED 0 SIZE 0)
         S: d OK …",
    );
}

#[test]
fn searches_are_answered_by_esearch() {
    let mut client = second();
    client.ask("s SELECT INBOX");
    client.script(
        "C: a SEARCH ALL
         S: * ESEARCH (TAG \"a\") ALL 1:2
         S: a OK …
         C: b UID SEARCH SUBJECT \"Perché\"
         S: * ESEARCH (TAG \"b\") UID ALL 2
         S: b OK …
         C: c SEARCH SUBJECT nessuno
         S: * ESEARCH (TAG \"c\")
         S: c OK …
         C: d SEARCH RETURN (COUNT) ALL
         S: * ESEARCH (TAG \"d\") COUNT 2
         S: d OK …
         C: e SEARCH RETURN (SAVE) FROM b@y
         S: e OK …
         C: f FETCH $ UID
         S: * 2 FETCH (UID 2)
         S: f OK …
         C: g SEARCH CHARSET UTF-8 SUBJECT \"Perché\"
         S: * ESEARCH (TAG \"g\") ALL 2
         S: g OK …
         C: h SEARCH LARGER 9223372036854775807
         S: * ESEARCH (TAG \"h\")
         S: h OK …
         C: i SORT (ARRIVAL) UTF-8 ALL
         S: * SORT 1 2
         S: i OK …",
    );
}

#[test]
fn changes_are_told_with_their_uids() {
    let mut client = second();
    client.ask("s SELECT INBOX");
    client.toy.inbox().flag(2, System::Flagged);
    client.script(
        "C: a NOOP
         S: * 2 FETCH (UID 2 FLAGS (\\Flagged))
         S: a OK …
         C: b STORE 1 +FLAGS ($Forwarded)
         S: * 1 FETCH (UID 1 FLAGS ($Forwarded))
         S: b OK …
         C: c FETCH 1 BODY[TEXT]<0.9223372036854775807>
         S: * 1 FETCH (BODY[TEXT]<0> {6}
         S: ciao
         S:  UID 1 FLAGS (\\Seen $Forwarded))
         S: c OK …
         C: d MOVE 1 \"Perché\"
         S: * OK [COPYUID 7 1 1] …
         S: * 1 EXPUNGE
         S: d OK …
         C: e COPY 1 Altrove
         S: e NO [TRYCREATE] …",
    );
}

#[test]
fn who_renames_hears_both_names() {
    second().script(
        "C: a RENAME \"Perché\" \"Così\"
         S: * LIST (\\HasNoChildren \\Subscribed) \"/\" \"Così\" (\"OLDNAME\" (\"Perché\"))
         S: a OK …
         C: b LIST (SUBSCRIBED) \"\" C*
         S: * LIST (\\HasNoChildren \\Subscribed) \"/\" \"Così\"
         S: b OK …",
    );
}

/// What RFC 9051 took away is answered to whoever asks for it (appendix A).
#[test]
fn what_went_is_still_answered() {
    let mut client = second();
    client.ask("s SELECT INBOX");
    client.script(
        "C: a CHECK
         S: a OK …
         C: b LSUB \"\" %
         S: * LSUB (\\HasNoChildren) \"/\" INBOX
         S: * LSUB (\\HasNoChildren) \"/\" \"Perché\"
         S: b OK …
         C: c STATUS INBOX (RECENT)
         S: * STATUS INBOX (RECENT 0)
         S: c OK …
         C: d FETCH 1 RFC822.TEXT
         S: * 1 FETCH (RFC822.TEXT {6}
         S: ciao
         S:  UID 1 FLAGS (\\Seen))
         S: d OK …
         C: e SEARCH NEW
         S: * ESEARCH (TAG \"e\")
         S: e OK …",
    );
}
