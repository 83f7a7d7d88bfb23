//! LIST-EXTENDED (RFC 5258), LIST-STATUS (RFC 5819), SPECIAL-USE (RFC 6154), STATUS=SIZE (RFC 8438).

use super::*;

/// INBOX, Bozze for drafts, Uffici/Protocollo and Uffici/Tributi/2026, of which the first two and the last are subscribed.
fn cabinet() -> Client {
    let mut client = two();
    client.ask("a CREATE Bozze (USE (\\Drafts))");
    client.ask("a CREATE Uffici");
    client.ask("a CREATE Uffici/Protocollo");
    client.ask("a CREATE Uffici/Tributi/2026");
    client.ask("a UNSUBSCRIBE Uffici");
    client.ask("a UNSUBSCRIBE Uffici/Protocollo");
    client
}

#[test]
fn lists_of_what_is_wanted() {
    cabinet().script(
        "C: a LIST (SUBSCRIBED) \"\" *
         S: * LIST (\\HasNoChildren \\Subscribed) \"/\" INBOX
         S: * LIST (\\Drafts \\HasNoChildren \\Subscribed) \"/\" Bozze
         S: * LIST (\\HasNoChildren \\Subscribed) \"/\" Uffici/Tributi/2026
         S: a OK …
         C: b LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %
         S: * LIST (\\HasNoChildren \\Subscribed) \"/\" INBOX
         S: * LIST (\\Drafts \\HasNoChildren \\Subscribed) \"/\" Bozze
         S: * LIST (\\HasChildren) \"/\" Uffici (\"CHILDINFO\" (\"SUBSCRIBED\"))
         S: b OK …
         C: c LIST (RECURSIVEMATCH SUBSCRIBED) \"\" Uffici/%
         S: * LIST (\\NonExistent \\HasChildren) \"/\" Uffici/Tributi (\"CHILDINFO\" (\"SUBSCRIBED\"))
         S: c OK …
         C: d LIST (SUBSCRIBED) \"\" %
         S: * LIST (\\HasNoChildren \\Subscribed) \"/\" INBOX
         S: * LIST (\\Drafts \\HasNoChildren \\Subscribed) \"/\" Bozze
         S: d OK …
         C: e LIST (REMOTE) \"\" (Bozze INBOX B* Uffici/%) RETURN (SUBSCRIBED CHILDREN)
         S: * LIST (\\HasNoChildren \\Subscribed) \"/\" INBOX
         S: * LIST (\\Drafts \\HasNoChildren \\Subscribed) \"/\" Bozze
         S: * LIST (\\HasNoChildren) \"/\" Uffici/Protocollo
         S: * LIST (\\NonExistent \\HasChildren) \"/\" Uffici/Tributi
         S: e OK …
         C: f LIST (SPECIAL-USE) \"\" *
         S: * LIST (\\Drafts \\HasNoChildren) \"/\" Bozze
         S: f OK …
         C: g LIST \"\" % RETURN (SPECIAL-USE)
         S: * LIST (\\HasNoChildren) \"/\" INBOX
         S: * LIST (\\Drafts \\HasNoChildren) \"/\" Bozze
         S: * LIST (\\HasChildren) \"/\" Uffici
         S: g OK …
         C: h LIST (RECURSIVEMATCH) \"\" *
         S: h BAD …
         C: i LIST (ALTRO) \"\" *
         S: i BAD …
         C: j LIST \"\" * RETURN (ALTRO)
         S: j BAD …
         # One pattern at the least (RFC 5258 §6).
         C: k LIST () \"\" ()
         S: k BAD …
         C: l LSUB \"\" %
         S: * LSUB (\\HasNoChildren) \"/\" INBOX
         S: * LSUB (\\Drafts \\HasNoChildren) \"/\" Bozze
         S: * LSUB (\\Noselect \\HasChildren) \"/\" Uffici
         S: l OK …",
    );
}

#[test]
fn numbers_come_with_the_names() {
    let mut client = cabinet();
    client.toy.inbox().flag(1, System::Deleted);
    client.script(
        "C: a STATUS INBOX (SIZE DELETED)
         S: * STATUS INBOX (SIZE 212 DELETED 1)
         S: a OK …
         C: b LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN SIZE))
         S: * LIST (\\HasNoChildren) \"/\" INBOX
         S: * STATUS INBOX (MESSAGES 2 UNSEEN 2 SIZE 212)
         S: * LIST (\\Drafts \\HasNoChildren) \"/\" Bozze
         S: * STATUS Bozze (MESSAGES 0 UNSEEN 0 SIZE 0)
         S: * LIST (\\HasChildren) \"/\" Uffici
         S: * STATUS Uffici (MESSAGES 0 UNSEEN 0 SIZE 0)
         S: b OK …
         C: c LIST (SUBSCRIBED RECURSIVEMATCH) \"\" Uff% RETURN (STATUS (MESSAGES))
         S: * LIST (\\HasChildren) \"/\" Uffici (\"CHILDINFO\" (\"SUBSCRIBED\"))
         S: c OK …
         C: d LIST \"\" % RETURN (STATUS ())
         S: d BAD …",
    );
}

/// RFC 3501 §6.3.6, RFC 5258 §3.1.
#[test]
fn subscribed_names_without_a_folder_are_told_as_such() {
    let mut client = cabinet();
    client.toy.missing = vec!["Altro/Vecchio".into(), "Bozze/Vecchie".into(), "Uffici/Tributi".into()];
    client.script(
        "C: a LIST (SUBSCRIBED) \"\" *
         S: * LIST (\\HasNoChildren \\Subscribed) \"/\" INBOX
         S: * LIST (\\NonExistent \\Subscribed) \"/\" Altro/Vecchio
         S: * LIST (\\Drafts \\HasNoChildren \\Subscribed) \"/\" Bozze
         S: * LIST (\\NonExistent \\Subscribed) \"/\" Bozze/Vecchie
         S: * LIST (\\NonExistent \\HasChildren \\Subscribed) \"/\" Uffici/Tributi
         S: * LIST (\\HasNoChildren \\Subscribed) \"/\" Uffici/Tributi/2026
         S: a OK …
         C: b LIST (SUBSCRIBED RECURSIVEMATCH) \"\" % RETURN (MYRIGHTS)
         S: * LIST (\\HasNoChildren \\Subscribed) \"/\" INBOX
         S: * MYRIGHTS INBOX …
         S: * LIST (\\NonExistent) \"/\" Altro (\"CHILDINFO\" (\"SUBSCRIBED\"))
         S: * LIST (\\Drafts \\HasNoChildren \\Subscribed) \"/\" Bozze (\"CHILDINFO\" (\"SUBSCRIBED\"))
         S: * MYRIGHTS Bozze …
         S: * LIST (\\HasChildren) \"/\" Uffici (\"CHILDINFO\" (\"SUBSCRIBED\"))
         S: b OK …
         C: c LIST (SUBSCRIBED) \"\" Altro/% RETURN (MYRIGHTS STATUS (MESSAGES))
         S: * LIST (\\NonExistent \\Subscribed) \"/\" Altro/Vecchio
         S: c OK …
         C: d LIST \"\" Altro/* RETURN (SUBSCRIBED)
         S: d OK …
         C: e LSUB \"\" *
         S: * LSUB (\\HasNoChildren) \"/\" INBOX
         S: * LSUB (\\Noselect) \"/\" Altro/Vecchio
         S: * LSUB (\\Drafts \\HasNoChildren) \"/\" Bozze
         S: * LSUB (\\Noselect) \"/\" Bozze/Vecchie
         S: * LSUB (\\Noselect \\HasChildren) \"/\" Uffici/Tributi
         S: * LSUB (\\HasNoChildren) \"/\" Uffici/Tributi/2026
         S: e OK …",
    );
}
