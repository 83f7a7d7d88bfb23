//! NOTIFY (RFC 5465).

use super::*;
use crate::{Custody, Mailboxes};

/// INBOX with two messages; A, A/B and C without any; C is not subscribed.
fn folders() -> Client {
    let mut client = two();
    for name in ["A", "A/B", "C"] {
        client.toy.create(name, None).unwrap();
    }
    client.toy.subscribe("C", false).unwrap();
    client
}

fn listening(groups: &str) -> Client {
    let mut client = folders();
    assert_eq!(client.ask(&format!("n NOTIFY SET {groups}")), "n OK NOTIFY completed\r\n");
    client
}

/// What is told of a change, without a command.
fn told(client: &mut Client) -> String {
    client.wake();
    String::from_utf8(std::mem::take(&mut client.received)).unwrap()
}

#[test]
fn what_is_selected_is_told_at_once_and_described() {
    let mut client = folders();
    client.ask("s SELECT INBOX");
    client.toy.deliver("INBOX", PLAIN);
    client.script(
        "C: a NOTIFY SET (Selected (MessageNew (FLAGS BODY.PEEK[HEADER.FIELDS (Subject)]) MessageExpunge FlagChange))
         S: * 3 EXISTS
         S: * 0 RECENT
         S: a OK …",
    );
    assert!(client.server.listens());
    assert_eq!(told(&mut client), "", "nothing new");
    client.toy.deliver("INBOX", SECOND);
    client.toy.inbox().flag(1, System::Seen);
    client.toy.inbox().remove(|row| row.uid == 2);
    client.wake();
    client.script(
        "S: * 2 EXPUNGE
         S: * 3 EXISTS
         S: * 0 RECENT
         S: * 1 FETCH (UID 1 FLAGS (\\Seen))
         S: * 3 FETCH (UID 4 FLAGS () BODY[HEADER.FIELDS (Subject)] {36}
         S: Subject: =?utf-8?Q?Perch=C3=A9?=
         S: …
         S: )",
    );
    assert_eq!(told(&mut client), "");
    // In answer to a command, before its end; what the session brought itself is not described to it.
    client.toy.deliver("INBOX", PLAIN);
    client.script(
        "C> b APPEND INBOX {8+}\\r\\nX: y\\r\\n\\r\\n\\r\\n
         S: * 5 EXISTS
         S: * 0 RECENT
         S: * 4 FETCH (UID 5 FLAGS () BODY[HEADER.FIELDS (Subject)] {16}
         S: Subject: Uno
         S: …
         S: )
         S: b OK [APPENDUID 7 6] …
         C: c UID COPY 1 INBOX
         S: c OK [COPYUID 7 1 7] …
         C: d NOOP
         S: * 6 EXISTS
         S: * 0 RECENT
         S: d OK …",
    );
    // Also when the command is none in the end.
    client.toy.deliver("INBOX", PLAIN);
    client.script(
        "C: d2 STORE 99 +FLAGS (x)
         S: * 7 EXISTS
         S: * 0 RECENT
         S: d2 BAD …
         S: * 7 FETCH (UID 8 FLAGS () …
         S: Subject: Uno
         S: …
         S: )",
    );
    // In the next folder the same holds.
    client.toy.deliver("A", PLAIN);
    client.ask("e SELECT A");
    client.toy.deliver("A", PLAIN);
    client.wake();
    client.script("S: * 2 EXISTS\nS: * 0 RECENT\nS: * 2 FETCH (UID 2 FLAGS () …\nS: Subject: Uno\nS: …\nS: )");
    client.ask("f UNSELECT");
    client.toy.deliver("A", PLAIN);
    assert_eq!(told(&mut client), "", "it is selected no more");
}

#[test]
fn a_large_description_comes_in_pieces() {
    let mut client = folders();
    client.ask("s SELECT INBOX");
    client.ask("n NOTIFY SET (SELECTED (MessageNew (BODY.PEEK[]) MessageExpunge))");
    let large = [PLAIN, &b"riga\r\n".repeat(200_000)].concat();
    client.toy.deliver("INBOX", &large);
    let said = told(&mut client);
    assert!(
        said.starts_with("* 3 EXISTS\r\n* 0 RECENT\r\n* 3 FETCH (UID 3 BODY[] {1200033}\r\n")
            && said.ends_with(")\r\n")
    );
    assert!(client.biggest_piece < 600_000, "{}", client.biggest_piece);
    // What cannot be read is told without it; the command that was asked is answered.
    client.toy.unreadable_from = Some(0);
    client.toy.deliver("INBOX", PLAIN);
    assert_eq!(client.ask("a NOOP"), "* 4 EXISTS\r\n* 0 RECENT\r\na OK Done\r\n");
    client.toy.unreadable_from = Some(500_000);
    client.toy.deliver("INBOX", &large);
    told(&mut client);
    assert!(client.closed, "within a literal nothing can be said");
}

#[test]
fn what_is_delayed_waits_for_a_command() {
    let mut client = folders();
    client.ask("s SELECT INBOX");
    client.ask("n NOTIFY SET (SELECTED-DELAYED (MessageNew (UID) MessageExpunge FlagChange))");
    client.toy.deliver("INBOX", PLAIN);
    client.toy.inbox().remove(|row| row.uid == 1);
    client.toy.inbox().flag(2, System::Seen);
    assert_eq!(
        told(&mut client),
        "* 3 EXISTS\r\n* 0 RECENT\r\n* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n* 3 FETCH (UID 3)\r\n",
        "numbers are as they were"
    );
    client.script(
        "C: a FETCH 2 UID
         S: * 2 FETCH (UID 2)
         S: a OK …
         C: b NOOP
         S: * 1 EXPUNGE
         S: b OK …
         C: c IDLE
         S: + idling",
    );
    client.toy.inbox().remove(|row| row.uid == 3);
    assert_eq!(told(&mut client), "* 2 EXPUNGE\r\n", "IDLE allows it");
    client.script("C: DONE\nS: c OK …");
}

#[test]
fn flags_are_told_to_who_asks_for_them() {
    let mut client = folders();
    client.ask("s SELECT INBOX");
    client.ask("n NOTIFY SET (SELECTED (MessageNew MessageExpunge))");
    client.toy.inbox().flag(1, System::Seen);
    assert_eq!((told(&mut client), client.ask("a NOOP")), (String::new(), "a OK Done\r\n".into()));
    // Who asks hears how they are, and of his own change what came of it.
    client.script(
        "C: b UID FETCH 1 FLAGS
         S: * 1 FETCH (UID 1 FLAGS (\\Seen))
         S: b OK …
         C: c STORE 1 +FLAGS (\\Flagged)
         S: * 1 FETCH (FLAGS (\\Flagged \\Seen))
         S: c OK …",
    );
    client.toy.inbox().flag(2, System::Seen);
    assert_eq!(told(&mut client), "");
    client.script(
        "C: d NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange))
         S: * 2 FETCH (FLAGS (\\Seen))
         S: d OK …",
    );
}

#[test]
fn who_wants_nothing_keeps_the_folder_as_he_knows_it() {
    for nothing in ["NONE", "SET (SELECTED NONE)", "SET (mailboxes C (MessageNew MessageExpunge))"] {
        let mut client = folders();
        client.ask("s SELECT INBOX");
        client.toy.deliver("INBOX", PLAIN);
        let said = client.ask(&format!("n NOTIFY {nothing}"));
        // NOTIFY SET tells what came before it, NOTIFY NONE nothing.
        let known = if nothing == "NONE" { 2 } else { 3 };
        assert_eq!(said.starts_with("* 3 EXISTS"), known == 3, "{said}");
        client.toy.deliver("INBOX", PLAIN);
        client.toy.inbox().remove(|row| row.uid == 1);
        client.toy.inbox().flag(2, System::Deleted);
        client.ask("i IDLE");
        assert_eq!(told(&mut client), "", "{nothing}");
        client.ask("DONE");
        assert_eq!(client.ask("a NOOP"), "a OK Done\r\n", "{nothing}");
        let numbers = if known == 2 { "2" } else { "2 3" };
        assert_eq!(client.ask("b SEARCH ALL"), format!("* SEARCH {numbers}\r\nb OK SEARCH completed\r\n"));
        assert!(client.ask("c UID FETCH 4 UID").starts_with("c OK"), "{nothing}: for him it is not there");
        // What he removes himself he hears of, and of that alone.
        assert_eq!(client.ask("d EXPUNGE"), "* 2 EXPUNGE\r\nd OK EXPUNGE completed\r\n");
        let said = client.ask("e NOTIFY SET (SELECTED (MessageNew MessageExpunge))");
        assert!(said.starts_with("* 1 EXPUNGE\r\n* 2 EXISTS\r\n"), "{nothing}: {said}");
    }
}

#[test]
fn no_mod_sequence_passes_over_what_is_held_back() {
    let mut client = folders();
    client.ask("e ENABLE QRESYNC");
    client.ask("s SELECT INBOX");
    client.ask("n NOTIFY SET (SELECTED (MessageNew MessageExpunge))");
    client.toy.inbox().flag(1, System::Seen);
    client.ask("a UID STORE 2 +FLAGS (\\Deleted)");
    client.script(
        "C: b EXPUNGE
         S: * VANISHED 2
         S: b OK [HIGHESTMODSEQ 3] …
         C: c NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange))
         S: * 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (4))
         S: c OK …",
    );
}

/// Each filter with the folders that it holds.
#[test]
fn other_folders_are_told_by_their_numbers() {
    for (filter, held) in [
        ("inboxes", vec!["INBOX"]),
        ("personal", vec!["A", "A/B", "C", "INBOX"]),
        ("subscribed", vec!["A", "A/B", "INBOX"]),
        ("subtree A", vec!["A", "A/B"]),
        ("subtree (A C)", vec!["A", "A/B", "C"]),
        ("subtree \"\"", vec!["A", "A/B", "C", "INBOX"]),
        ("mailboxes A", vec!["A"]),
        ("mailboxes (inbox \"A/B\" Nessuna \"%\")", vec!["A/B", "INBOX"]),
    ] {
        let mut client = folders();
        let said = client.ask(&format!("n NOTIFY SET STATUS ({filter} (MessageNew MessageExpunge))"));
        let number = |name: &str| (if name == "INBOX" { 2 } else { 0 }, if name == "INBOX" { 3 } else { 1 });
        let status = |name: &str, more: u32| {
            let (messages, next) = number(name);
            format!("* STATUS {name} (MESSAGES {} UIDNEXT {} UIDVALIDITY 7)\r\n", messages + more, next + more)
        };
        let lines = |more| held.iter().map(|name| status(name, more)).collect::<String>();
        assert_eq!(said, lines(0) + "n OK NOTIFY completed\r\n", "{filter}");
        for name in ["A", "A/B", "C", "INBOX"] {
            client.toy.deliver(name, PLAIN);
        }
        assert_eq!(told(&mut client), lines(1), "{filter}");
        client.toy.inbox().flag(1, System::Seen);
        assert_eq!(told(&mut client), "", "{filter}: nobody asked for flags");
        client.toy.inbox().remove(|row| row.uid == 1);
        assert_eq!(told(&mut client).is_empty(), !held.contains(&"INBOX"), "{filter}");
    }
}

#[test]
fn flags_of_other_folders_are_told_by_what_is_switched_on() {
    let mut client = listening("(personal (MessageNew FlagChange MessageExpunge))");
    client.toy.inbox().flag(1, System::Seen);
    assert_eq!(told(&mut client), "* STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 7 UNSEEN 1)\r\n");
    client.toy.inbox().flag(1, System::Flagged);
    assert_eq!(told(&mut client), "", "without mod-sequences there is no word for it");
    client.ask("e ENABLE CONDSTORE");
    client.toy.inbox().flag(1, System::Draft);
    assert_eq!(told(&mut client), "* STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 7 UNSEEN 1 HIGHESTMODSEQ 6)\r\n");
    client.script(
        "C: a NOTIFY SET STATUS (mailboxes INBOX (MessageNew FlagChange MessageExpunge)) (mailboxes C (MessageNew MessageExpunge))
         S: * STATUS C (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7 HIGHESTMODSEQ 1)
         S: * STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 7 UNSEEN 1 HIGHESTMODSEQ 6)
         S: a OK …",
    );
}

#[test]
fn what_is_selected_is_none_of_the_others() {
    let mut client = listening("(personal (MessageNew MessageExpunge))");
    client.ask("s SELECT INBOX");
    client.toy.deliver("INBOX", PLAIN);
    client.toy.deliver("A", PLAIN);
    assert_eq!(told(&mut client), "* STATUS A (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)\r\n");
    // Left, it is one of them; what was held back is told as theirs.
    assert_eq!(
        client.ask("u UNSELECT"),
        "* STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 7)\r\nu OK UNSELECT completed\r\n"
    );
    client.ask("n NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge))");
    client.ask("s SELECT INBOX");
    client.toy.deliver("INBOX", PLAIN);
    assert_eq!(told(&mut client), "* 4 EXISTS\r\n* 0 RECENT\r\n");
    client.ask("d STORE 1 +FLAGS (\\Deleted)");
    assert_eq!(client.ask("c CLOSE"), "c OK CLOSE completed\r\n", "he knows what he was told and what he removed");
    assert_eq!(told(&mut client), "");
    client.ask("s SELECT INBOX");
    client.toy.deliver("A", PLAIN);
    client.toy.deliver("INBOX", PLAIN);
    let said = client.ask("x EXAMINE A");
    assert!(said.contains("* STATUS INBOX (MESSAGES 4 ") && !said.contains("STATUS A "), "{said}");
}

#[test]
fn names_come_go_and_change() {
    let mut client = listening("(subtree (A Nuova) (MailboxName)) (mailboxes (C D) (MailboxName))");
    client.toy.create("Nuova", None).unwrap();
    client.toy.create("Altra", None).unwrap();
    assert_eq!(told(&mut client), "* LIST (\\HasNoChildren \\Subscribed) \"/\" Nuova\r\n");
    client.toy.create("Nuova/Sotto", None).unwrap();
    assert_eq!(
        told(&mut client),
        "* LIST (\\HasChildren \\Subscribed) \"/\" Nuova\r\n* LIST (\\HasNoChildren \\Subscribed) \"/\" Nuova/Sotto\r\n"
    );
    client.toy.delete("A/B").unwrap();
    assert_eq!(
        told(&mut client),
        "* LIST (\\HasNoChildren \\Subscribed) \"/\" A\r\n* LIST (\\NonExistent) \"/\" A/B\r\n",
        "the one above it is affected"
    );
    client.toy.rename("C", "D").unwrap();
    assert_eq!(told(&mut client), "* LIST (\\HasNoChildren) \"/\" D (\"OLDNAME\" (C))\r\n");
    client.toy.rename("D", "Perché").unwrap();
    assert_eq!(told(&mut client), "* LIST (\\HasNoChildren) \"/\" Perch&AOk- (\"OLDNAME\" (D))\r\n");
    client.toy.rename("Perché", "D2").unwrap();
    assert_eq!(told(&mut client), "", "neither name is watched");
    // Those below it have their names with it.
    client.toy.rename("Nuova", "A/N").unwrap();
    client.toy.rename("Nuova/Sotto", "A/N/Sotto").unwrap();
    assert_eq!(told(&mut client), "* LIST (\\HasChildren \\Subscribed) \"/\" A/N (\"OLDNAME\" (Nuova))\r\n");
    // Made again with the same name it is there.
    client.toy.delete("A").unwrap();
    client.toy.create("A", None).unwrap();
    assert_eq!(told(&mut client), "* LIST (\\HasChildren \\Subscribed) \"/\" A\r\n");
}

#[test]
fn subscriptions_come_and_go() {
    let mut client = listening("(personal (SubscriptionChange))");
    client.toy.subscribe("C", true).unwrap();
    client.toy.subscribe("A", false).unwrap();
    client.toy.create("D", None).unwrap();
    assert_eq!(
        told(&mut client),
        "* LIST (\\HasChildren) \"/\" A\r\n* LIST (\\HasNoChildren \\Subscribed) \"/\" C\r\n"
    );
    // What is subscribed at the moment is watched.
    client.ask("n NOTIFY SET (subscribed (MessageNew MessageExpunge SubscriptionChange))");
    client.toy.deliver("A", PLAIN);
    client.toy.deliver("C", PLAIN);
    assert_eq!(told(&mut client), "* STATUS C (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)\r\n");
    client.toy.subscribe("A", true).unwrap();
    client.toy.subscribe("C", false).unwrap();
    client.toy.deliver("A", PLAIN);
    client.toy.deliver("C", PLAIN);
    assert_eq!(
        told(&mut client),
        "* LIST (\\HasChildren \\Subscribed) \"/\" A\r\n* LIST (\\HasNoChildren) \"/\" C\r\n\
         * STATUS A (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 7)\r\n"
    );
    client.toy.delete("A/B").unwrap();
    assert_eq!(told(&mut client), "* LIST (\\NonExistent) \"/\" A/B\r\n");
}

/// A subscription is its name's: what happens to one without a folder is told as to any other.
#[test]
fn subscriptions_of_names_without_a_folder_end() {
    let mut client = listening("(personal (SubscriptionChange))");
    client.toy.delete("A/B").unwrap();
    client.toy.missing = vec!["A/B".into(), "Vecchia".into()];
    assert_eq!(told(&mut client), "* LIST (\\NonExistent \\Subscribed) \"/\" A/B\r\n");
    client.toy.missing = vec!["A/B".into()];
    assert_eq!(told(&mut client), "* LIST (\\NonExistent) \"/\" Vecchia\r\n");
    client.toy.missing.clear();
    client.toy.create("A/B", None).unwrap();
    assert_eq!(told(&mut client), "", "a folder has the name now, and the subscription with it");
    // Who does it knows; what others do then is told.
    client.toy.missing = vec!["A/B".into()];
    client.ask("d DELETE A/B");
    assert_eq!(told(&mut client), "");
    client.ask("u UNSUBSCRIBE A/B");
    client.toy.missing.clear();
    assert_eq!(told(&mut client), "");
    client.ask("n NOTIFY SET (inboxes (SubscriptionChange))");
    client.toy.missing = vec!["Vecchia".into()];
    assert_eq!(told(&mut client), "");
    client.toy.missing.clear();
    assert_eq!(told(&mut client), "", "it is none of the inboxes");
}

#[test]
fn annotations_are_told_by_their_names() {
    let mut client = listening("(subtree A (MailboxMetadataChange)) (inboxes (ServerMetadataChange))");
    let note = |client: &mut Client, folder: &str, entry: &str, value: Option<&str>| {
        client.toy.annotate(folder, &[(entry.to_owned(), value.map(|v| v.as_bytes().to_vec()))]).unwrap();
    };
    note(&mut client, "A", "/shared/comment", Some("uno"));
    note(&mut client, "A", "/private/altro", Some("due"));
    note(&mut client, "C", "/shared/comment", Some("tre"));
    note(&mut client, "", "/shared/admin", Some("quattro"));
    assert_eq!(
        told(&mut client),
        "* METADATA A \"/private/altro\" \"/shared/comment\"\r\n* METADATA \"\" \"/shared/admin\"\r\n"
    );
    note(&mut client, "A", "/shared/comment", Some("uno"));
    assert_eq!(told(&mut client), "", "it says what it said");
    note(&mut client, "A", "/shared/comment", Some("due"));
    note(&mut client, "A", "/private/altro", None);
    note(&mut client, "", "/shared/admin", None);
    assert_eq!(
        told(&mut client),
        "* METADATA A \"/private/altro\" \"/shared/comment\"\r\n* METADATA \"\" \"/shared/admin\"\r\n"
    );
    let read = client.toy.kept.read;
    client.toy.deliver("A", PLAIN);
    assert_eq!((told(&mut client), client.toy.kept.read), (String::new(), read), "nothing is read for nothing");
}

#[test]
fn who_did_it_is_not_told() {
    let all = "MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange";
    let mut client = listening(&format!("(personal ({all}))"));
    client.ask("e ENABLE CONDSTORE");
    for command in [
        "CREATE Mia",
        "SUBSCRIBE C",
        "UNSUBSCRIBE C",
        "RENAME Mia Nostra",
        "RENAME C Nostra/C",
        "SETMETADATA A (/shared/comment \"x\")",
        "SETMETADATA A (/shared/comment NIL /private/y \"x\")",
        "SETMETADATA \"\" (/shared/comment \"x\")",
        "APPEND A {8+}\r\nX: y\r\n\r\n",
        "DELETE Nostra/C",
    ] {
        let said = client.ask(&format!("a {command}"));
        assert!(said.contains("a OK") && !said.contains("* "), "{command}: {said}");
        assert_eq!(told(&mut client), "", "{command}");
    }
    client.ask("s SELECT INBOX");
    for command in ["COPY 1:2 A", "UID MOVE 1 A/B", "UID REPLACE 2 A {8+}\r\nX: y\r\n\r\n"] {
        let said = client.ask(&format!("a {command}"));
        assert!(said.contains("a OK") && !said.contains("STATUS"), "{command}: {said}");
        assert_eq!(told(&mut client), "", "{command}");
    }
    // Somebody else was there too.
    client.toy.deliver("A", PLAIN);
    client.ask("b APPEND A {8+}\r\nX: y\r\n\r\n");
    assert!(told(&mut client).starts_with("* STATUS A (MESSAGES 6 UIDNEXT 7 "));
}

#[test]
fn what_may_not_be_seen_is_not_told() {
    let mut client = folders();
    client.toy.at("A").barred = true;
    client.toy.at("C").hidden = true;
    client.script(
        "C: n NOTIFY SET STATUS (mailboxes (A C) (MessageNew MessageExpunge)) (mailboxes (A/B) (MailboxName))
         S: * LIST (\\HasChildren \\Subscribed \\NoAccess) \"/\" A
         S: n OK …",
    );
    client.toy.deliver("A", PLAIN);
    client.toy.deliver("C", PLAIN);
    assert_eq!(told(&mut client), "");
    client.toy.at("A").barred = false;
    assert_eq!(
        told(&mut client),
        "* LIST (\\HasChildren \\Subscribed) \"/\" A\r\n* STATUS A (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)\r\n",
        "what he may read now is watched"
    );
    // For who does not watch names: nothing is seen of it any more, whatever the reason.
    client.toy.at("A").hidden = true;
    client.toy.deliver("A", PLAIN);
    assert_eq!(told(&mut client), "* LIST (\\NonExistent \\NoAccess) \"/\" A\r\n");
    assert_eq!(told(&mut client), "");
    client.toy.at("A").hidden = false;
    assert_eq!(
        told(&mut client),
        "* LIST (\\HasChildren \\Subscribed) \"/\" A\r\n* STATUS A (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 7)\r\n"
    );
    // For who does, it came and went (RFC 5465 §5.4).
    client.toy.at("A/B").hidden = true;
    assert_eq!(told(&mut client), "* LIST (\\NonExistent) \"/\" A/B\r\n");
    client.toy.at("A/B").hidden = false;
    assert_eq!(told(&mut client), "* LIST (\\HasNoChildren \\Subscribed) \"/\" A/B\r\n");
    client.toy.at("C").hidden = false;
    assert_eq!(told(&mut client), "* STATUS C (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)\r\n");
}

#[test]
fn a_look_that_fails_loses_nothing() {
    let mut client = listening("(personal (MessageNew MessageExpunge))");
    client.toy.deliver("A", PLAIN);
    client.toy.faulty = true;
    assert_eq!((told(&mut client), client.ask("a NOOP")), (String::new(), "a OK Nothing new is known\r\n".into()));
    assert!(client.ask("b NOTIFY SET (inboxes (MailboxName))").starts_with("b NO [UNAVAILABLE]"));
    client.toy.faulty = false;
    assert_eq!(
        told(&mut client),
        "* STATUS A (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)\r\n",
        "and what was wanted is still"
    );
    client.toy.deliver("A", PLAIN);
    assert_eq!(client.ask("c NOOP"), "* STATUS A (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 7)\r\nc OK Done\r\n");
}

#[test]
fn idle_tells_the_same() {
    let mut client = listening("(mailboxes A (MessageNew MessageExpunge))");
    client.toy.deliver("A", PLAIN);
    client.script(
        "C: a IDLE
         S: + idling
         S: * STATUS A (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)",
    );
    client.toy.deliver("A", PLAIN);
    client.toy.deliver("INBOX", PLAIN);
    client.wake();
    client.script("S: * STATUS A (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 7)\nC: DONE\nS: a OK …");
    assert!(client.server.listens());
    client.ask("u UNAUTHENTICATE");
    assert!(!client.server.listens(), "it was another's wish");
}

#[test]
fn nothing_is_told_within_a_message_that_comes() {
    let mut client = listening("(mailboxes A (MessageNew MessageExpunge))");
    client.ask("a APPEND INBOX {8}");
    assert!(!client.server.listens());
    client.toy.deliver("A", PLAIN);
    assert_eq!(told(&mut client), "");
    assert!(client.ask("X: y\r\n\r\n").starts_with("a OK"));
    assert_eq!(told(&mut client), "* STATUS A (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)\r\n");
}

/// Only the client's own words keep the connection.
#[test]
fn who_only_listens_is_silent() {
    let mut client = listening("(mailboxes A (MessageNew MessageExpunge))");
    let until = client.server.deadline();
    client.now = Tick(1_000_000);
    client.toy.deliver("A", PLAIN);
    assert!(!told(&mut client).is_empty());
    assert_eq!(client.server.deadline(), until);
}

#[test]
fn too_much_is_said_as_such() {
    let mut client = listening("(personal (MailboxName)) (selected (MessageNew MessageExpunge))");
    client.ask("s SELECT INBOX");
    for n in 0..1001 {
        client.toy.create(&format!("N{n}"), None).unwrap();
    }
    let said = told(&mut client);
    assert!(said.starts_with("* OK [NOTIFICATIONOVERFLOW] ") && said.lines().count() == 1, "{said}");
    client.toy.deliver("INBOX", PLAIN);
    assert_eq!(
        (told(&mut client), client.ask("a NOOP")),
        (String::new(), "a OK Done\r\n".into()),
        "as after NOTIFY NONE"
    );
}

const EVENTS: &str =
    "MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange";

#[test]
fn what_cannot_be_watched_is_refused() {
    let mut client = listening("(mailboxes A (MessageNew MessageExpunge))");
    for bad in [
        "",
        "SET",
        "SET STATUS",
        "NONE x",
        "SOME",
        "SET (personal)",
        "SET (personal ())",
        "SET (personal (MessageNew))",
        "SET (personal (MessageExpunge))",
        "SET (personal (MessageNew FlagChange))",
        "SET (personal (FlagChange))",
        "SET (personal (MessageNew (UID) MessageExpunge))",
        "SET (selected (MailboxName))",
        "SET (selected (MessageNew (UID) MessageExpunge)) (selected-delayed (MessageNew MessageExpunge))",
        "SET (selected NONE) (selected NONE)",
        "SET (selected (MessageNew () MessageExpunge))",
        "SET (selected (MessageNew (FAST) MessageExpunge))",
        "SET (selected (MessageNew (UID) MessageExpunge) )",
        "SET (mailboxes (MessageNew MessageExpunge))",
        "SET (mailboxes () (MessageNew MessageExpunge))",
        "SET (others (MessageNew MessageExpunge))",
        "SET personal (MessageNew MessageExpunge)",
        "SET (personal MessageNew MessageExpunge)",
        "SET (personal (MessageNew MessageExpunge)) ",
        "SET STATUS STATUS (personal NONE)",
    ] {
        assert!(client.ask(&format!("a NOTIFY {bad}")).starts_with("a BAD"), "{bad}");
        client.ask("a CAPABILITY"); // too many of them in a row would end it
    }
    for unknown in ["AnnotationChange", "MessageNew MessageExpunge AnnotationChange", "MailboxName X!Y$"] {
        let said = client.ask(&format!("b NOTIFY SET (personal ({unknown}))"));
        assert!(said.starts_with(&format!("b NO [BADEVENT ({EVENTS})] ")), "{said}");
    }
    let groups = |n| vec!["(personal NONE)"; n].join(" ");
    let names = |n: usize| format!("(mailboxes ({}) NONE)", vec!["A"; n].join(" "));
    for too_much in [groups(51), names(201), format!("{0} {0} {0}", names(100))] {
        let said = client.ask(&format!("c NOTIFY SET {too_much}"));
        assert!(said.starts_with("c NO [NOTIFICATIONOVERFLOW] "), "{said}");
    }
    client.toy.deliver("A", PLAIN);
    assert_eq!(told(&mut client), "* STATUS A (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)\r\n", "all is as it was");
    assert!(client.ask(&format!("d NOTIFY SET {} ", groups(49))).starts_with("d BAD"));
    assert!(client.ask(&format!("e NOTIFY SET {} {}", groups(49), names(200))).starts_with("e OK"));
    let mut stranger = Client::new(true);
    stranger.script("S: * OK …\nC: a NOTIFY NONE\nS: a BAD …");
}

#[test]
fn none_takes_away_what_others_ask_for() {
    let mut client = listening("(mailboxes A NONE) (personal (MessageNew MessageExpunge))");
    client.toy.deliver("A", PLAIN);
    client.toy.deliver("C", PLAIN);
    assert_eq!(told(&mut client), "* STATUS C (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)\r\n");
    client.ask("n NOTIFY NONE");
    assert!(!client.server.listens());
    client.toy.deliver("C", PLAIN);
    assert_eq!((told(&mut client), client.ask("a NOOP")), (String::new(), "a OK NOOP completed\r\n".into()));
}
