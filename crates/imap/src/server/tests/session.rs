//! Small commands, and how a session ends.

use super::*;

#[test]
fn small_commands() {
    two().script(
        "C: a ID (\"name\" \"test\" \"version\" NIL)
         S: * ID (\"name\" \"Sigillo\")
         S: a OK …
         C: b NAMESPACE
         S: * NAMESPACE ((\"\" \"/\")) NIL NIL
         S: b OK …
         C: c ENABLE CONDSTORE
         S: * ENABLED CONDSTORE
         S: c OK …
         C: d NOOP
         S: d OK …
         C: e CHECK
         S: e BAD …
         C: f STATUS INBOX (MESSAGES UNSEEN UIDNEXT UIDVALIDITY RECENT)
         S: * STATUS INBOX (MESSAGES 2 UNSEEN 2 UIDNEXT 3 UIDVALIDITY 7 RECENT 0)
         S: f OK …
         C: g STATUS Nessuna (MESSAGES)
         S: g NO [NONEXISTENT] …
         C: h XYZZY
         S: h BAD …
         C: NOOP
         S: NOOP BAD …
         C:
         S: * BAD …
         C: i NOOP x
         S: i BAD …
         C> j NOOP\\nk NOOP\\r\\n
         S: j BAD …
         C> \\0 NOOP\\r\\n
         S: * BAD …
         C: l CAPABILITY
         S: * CAPABILITY IMAP4rev2 IMAP4rev1 LITERAL+ …
         S: l OK …",
    );
}

#[test]
fn silence_ends_the_session() {
    let mut client = Client::new(true);
    client.script("S: * OK …");
    assert_eq!(client.server.deadline(), Some(Tick(180_000)));
    client.now = Tick(100_000);
    client.ask("a NOOP");
    assert_eq!(client.server.deadline(), Some(Tick(180_000)), "talking without a name wins no time");
    client.ask("b LOGIN anna pw");
    assert_eq!(client.server.deadline(), Some(Tick(1_900_000)));
    client.server.timeout(Tick(1_899_999));
    client.pump();
    assert!(!client.closed);
    client.ask("c SELECT INBOX");
    client.ask("d IDLE");
    client.now = Tick(1_000_000);
    client.toy.deliver("INBOX", PLAIN);
    client.wake();
    assert_eq!(client.server.deadline(), Some(Tick(1_900_000)), "what we say does not count");
    client.received.clear();
    client.server.timeout(Tick(1_900_000));
    client.pump();
    client.script("S: * BYE …");
    assert!(client.closed && !client.idle);
    assert_eq!(client.server.deadline(), None);
}

#[test]
fn shutdown_waits_for_the_command() {
    let mut client = selected();
    client.server.input(Tick(1), b"a NOOP\r\nb NOOP\r\n");
    client.server.shutdown(Tick(1));
    client.pump();
    client.script("S: a OK …\nS: * BYE …");
    assert!(client.closed && client.received.is_empty());
}

#[test]
fn faults_are_told_and_survived() {
    let mut client = selected();
    client.toy.faulty = true;
    client.script(
        "C: a FETCH 1 BODY[]
         S: a NO [UNAVAILABLE] …
         C: b NOOP
         S: b OK …
         C: c SELECT INBOX
         S: * OK [CLOSED] …
         S: c NO [UNAVAILABLE] …",
    );
    client.toy.faulty = false;
    assert!(client.ask("d SELECT INBOX").contains("d OK"));
}

#[test]
fn too_long_and_too_wrong() {
    let mut client = selected();
    let long = format!("a FETCH {} FLAGS\r\nb NOOP\r\n", "1,".repeat(40_000));
    client.server.input(Tick(1), long.as_bytes());
    client.pump();
    client.script("S: a BAD …\nS: b OK …");
    for _ in 0..30 {
        client.ask("GET / HTTP/1.1");
    }
    assert!(client.closed);
}

#[test]
fn the_last_words_are_heard() {
    let mut client = selected();
    client.server.input(Tick(1), b"a NOOP\r\nb NOOP\r\nc NO");
    client.server.end_of_input(Tick(1));
    client.pump();
    client.script("S: a OK …\nS: b OK …");
    assert!(client.closed);
}

#[test]
fn a_long_search_says_how_far_it_is() {
    let mut toy = Toy::new();
    for _ in 0..9 {
        toy.deliver("INBOX", &[PLAIN, &b"riga\r\n".repeat(700_000)].concat());
    }
    // A search holds the texts of a message, one message at a time.
    toy.searched = true;
    let mut client = Client::inside(toy);
    client.ask("s SELECT INBOX");
    client.server.input(Tick(0), b"a SEARCH BODY nessuno\r\n");
    assert!(matches!(client.server.poll(), Some(Action::Request(_))));
    let mut said = Vec::new();
    // 4 MB each, so four for each step.
    for at in [1, 9_999, 10_001] {
        client.server.run(&mut client.toy, Tick(at));
        while let Some(action) = client.server.poll() {
            let Action::Write(bytes) = action else { panic!("{action:?}") };
            said.push((at, String::from_utf8(bytes).unwrap()));
        }
    }
    assert_eq!(said, [(10_001, "* SEARCH\r\na OK SEARCH completed\r\n".to_owned())], "soon done: nothing more");
    client.server.input(Tick(20_000), b"b SEARCH BODY nessuno\r\n");
    assert!(client.server.poll().is_some());
    client.server.run(&mut client.toy, Tick(20_000));
    client.server.run(&mut client.toy, Tick(30_000));
    let Some(Action::Write(bytes)) = client.server.poll() else { panic!("it says nothing") };
    assert_eq!(String::from_utf8(bytes).unwrap(), "* OK [INPROGRESS (\"b\" 8 9)] Still working\r\n");
}

/// COPY, MOVE and EXPUNGE take a thousand messages a step.
#[test]
fn long_changes_say_how_far_they_are() {
    let mut toy = Toy::new();
    for uid in 1..=2500 {
        toy.deliver("INBOX", PLAIN);
        toy.inbox().flag(uid, System::Deleted);
    }
    crate::Mailboxes::create(&mut toy, "Altra", None).unwrap();
    let mut client = Client::inside(toy);
    client.ask("s SELECT INBOX");
    for (tag, command) in [("a", "COPY 1:* Altra"), ("b", "MOVE 1:10 Altra"), ("c", "EXPUNGE"), ("d", "MOVE 1:* Altra")]
    {
        if tag == "d" {
            for _ in 0..2500 {
                client.toy.deliver("INBOX", PLAIN);
            }
            client.ask("n NOOP");
        }
        client.server.input(Tick(0), format!("{tag} {command}\r\n").as_bytes());
        let (mut said, mut at) = (String::new(), 0);
        while let (true, now) = (client.server.is_busy(), Tick(at)) {
            while client.server.poll().is_some() {}
            client.server.run(&mut client.toy, now);
            while let Some(Action::Write(bytes)) = client.server.poll() {
                said += std::str::from_utf8(&bytes).unwrap();
            }
            at += 10_000;
        }
        assert!(said.contains(&format!("{tag} OK")), "{command}: {said}");
        let said: Vec<&str> = said.lines().filter(|line| line.contains("INPROGRESS")).collect();
        let all = if tag == "c" { 2490 } else { 2500 };
        let told = format!("* OK [INPROGRESS (\"{tag}\" 2000 {all})] Still working");
        assert_eq!(said, if tag == "b" { Vec::new() } else { vec![told] }, "{command}");
    }
}
