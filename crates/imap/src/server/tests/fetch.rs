//! FETCH.

use super::*;

#[test]
fn fetching() {
    let mut client = selected();
    client.script(
        "C: a FETCH 1 (UID RFC822.SIZE INTERNALDATE FLAGS)
         S: * 1 FETCH (UID 1 RFC822.SIZE 33 INTERNALDATE \"12-Mar-2026 10:15:01 +0100\" FLAGS ())
         S: a OK …
         C: b FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject \"To\")]
         S: * 1 FETCH (BODY[HEADER.FIELDS (Subject To)] {16}
         S: Subject: Uno
         S: …
         S: )
         S: b OK …
         C: c UID FETCH 2 (BODY[TEXT]<4.5>)
         S: * 2 FETCH (UID 2 BODY[TEXT]<4> {5}
         S: Y2jDq FLAGS (\\Seen))
         S: c OK …
         C: d FETCH 2 FAST
         S: * 2 FETCH (FLAGS (\\Seen) INTERNALDATE …
         S: d OK …
         C: e FETCH 3 FLAGS
         S: e BAD …
         C: f UID FETCH 3:4 FLAGS
         S: f OK …
         C: g UID FETCH 9:* FLAGS
         S: * 2 FETCH (UID 2 FLAGS (\\Seen))
         S: g OK …
         C: h FETCH 1 BODY[2]
         S: * 1 FETCH (BODY[2] NIL FLAGS (\\Seen))
         S: h OK …
         C: i FETCH 1 BODY[1]<100.5>
         S: * 1 FETCH (BODY[1]<100> {0}
         S: )
         S: i OK …
         C: j FETCH 1 (BODY[
         S: j BAD …
         C: k FETCH 1 BODY[MIME]
         S: k BAD …
         C: l FETCH 1 RFC822.HEADER
         S: * 1 FETCH (RFC822.HEADER {27}
         S: From: a@x
         S: Subject: Uno
         S: …
         S: )
         S: l OK …",
    );
    assert!(client.toy.folders["INBOX"].messages[1].0.flags.has(System::Seen));
}

#[test]
fn peeking_leaves_no_trace() {
    let mut client = selected();
    client.ask("a FETCH 1:* (BODY.PEEK[] RFC822.HEADER ENVELOPE BODYSTRUCTURE)");
    assert_eq!(client.toy.commits, 0);
    let told = client.ask("b FETCH 1:* (FLAGS BODY[])");
    assert_eq!(client.toy.commits, 1, "one commit for both");
    assert_eq!(told.matches("FLAGS (\\Seen)").count(), 2);
    client.ask("c FETCH 1:* RFC822");
    assert_eq!(client.toy.commits, 1);
}

#[test]
fn a_big_fetch_comes_in_pieces() {
    let mut toy = Toy::new();
    let big = [PLAIN, &b"x".repeat(3_000_000)].concat();
    toy.deliver("INBOX", &big);
    for _ in 0..50 {
        toy.deliver("INBOX", &[PLAIN, &b"y".repeat(20_000)].concat());
    }
    let mut client = Client::inside(toy);
    client.ask("s SELECT INBOX");
    client.biggest_piece = 0;
    let told = client.ask("a FETCH 1:* BODY[]");
    assert!(told.len() > 4_000_000 && told.ends_with("a OK FETCH completed\r\n"));
    assert!(told.contains(&format!("* 1 FETCH (BODY[] {{{}}}\r\n", big.len())));
    assert!(client.biggest_piece < 400_000, "{}", client.biggest_piece);
    assert!(client.toy.commits < 10, "{} commits", client.toy.commits);
    // The driver may come back late: what is written before is not repeated.
    client.server.input(Tick(1), b"b FETCH 1 BODY.PEEK[]\r\n");
    let mut pieces = 0;
    while let Some(action) = client.server.poll() {
        if let Action::Write(_) = action {
            pieces += 1;
        }
        client.server.run(&mut client.toy, Tick(2));
    }
    assert!(pieces > 10);
}

#[test]
fn what_nothing_is_kept_of_is_read_whole_with_leave() {
    let mut client = selected();
    client.toy.forgetful = true;
    client.script(
        "C: a FETCH 1:2 (UID BODY.PEEK[TEXT])
         S: * 1 FETCH (UID 1 BODY[TEXT] {6}
         S: ciao
         S: )
         S: * 2 FETCH (UID 2 BODY[TEXT] {18}
         S: UGVyY2jDqSBubw==
         S: )
         S: a OK …",
    );
    assert_eq!(client.weights, [PLAIN.len(), SECOND.len()], "the memory is asked for before it is taken");
}

#[test]
fn what_cannot_be_read_is_said_or_ends_the_connection() {
    let mut toy = Toy::new();
    toy.deliver("INBOX", &[PLAIN, &b"x".repeat(1_000_000)].concat());
    toy.deliver("INBOX", PLAIN);
    let mut client = Client::inside(toy);
    client.ask("s SELECT INBOX");
    client.toy.unreadable_from = Some(100);
    client.script(
        "C: a FETCH 1 BODY.PEEK[]
         S: a NO [UNAVAILABLE] …",
    );
    assert!(!client.closed, "nothing was written yet");
    client.toy.unreadable_from = Some(500_000);
    let told = client.ask("b FETCH 1:2 BODY.PEEK[]");
    assert!(client.closed && told.starts_with("* 1 FETCH (BODY[] {1000033}\r\n"), "in a literal nothing can be said");
    assert!(told.ends_with('x') && told.len() < 600_000);
}

/// RFC 3501 §4.3: within a literal every octet is the message's.
#[test]
fn who_is_expelled_within_a_message_hears_no_word() {
    let mut toy = Toy::new();
    toy.deliver("INBOX", &[PLAIN, &b"x".repeat(1_000_000)].concat());
    for within in [false, true] {
        let mut client = Client::inside(std::mem::take(&mut toy));
        client.ask("s SELECT INBOX");
        client.server.input(Tick(1), b"a FETCH 1 BODY.PEEK[]\r\n");
        assert!(matches!(client.server.poll(), Some(Action::Request(_))));
        if within {
            client.server.run(&mut client.toy, Tick(1));
            assert!(client.server.more());
        }
        client.server.expel("La credenziale e' stata revocata");
        let mut said = Vec::new();
        while let Some(Action::Write(bytes)) = client.server.poll() {
            said.extend(bytes);
        }
        let said = String::from_utf8(said).unwrap();
        assert_eq!(said.starts_with("* 1 FETCH (BODY[] {1000033}\r\n"), within);
        assert_eq!(said.ends_with('x'), within, "no word of ours is taken for the message's");
        assert_eq!(said == "* BYE La credenziale e' stata revocata\r\n", !within);
        assert_eq!(client.server.deadline(), None, "it is closed");
        toy = std::mem::take(&mut client.toy);
    }
}
