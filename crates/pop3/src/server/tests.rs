use super::*;
use proptest::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;
use toy::{Client, Toy};

mod model;
mod toy;

const ONE: &[u8] = b"Subject: uno\r\n\r\nciao\r\n.\r\n..fine\r\n";
const TWO: &[u8] = b"Subject: due\r\n\r\nsenza fine";

fn two() -> Rc<RefCell<Toy>> {
    Toy::of(&[ONE, TWO])
}

#[test]
fn no_login_in_the_open() {
    let mut client = Client::new(&two(), false);
    client.script(
        "S: +OK Sigillo
         C: CAPA
         S: +OK
         S: TOP
         S: UIDL
         S: RESP-CODES
         S: AUTH-RESP-CODE
         S: PIPELINING
         S: EXPIRE NEVER
         S: UTF8 USER
         S: IMPLEMENTATION Sigillo
         S: STLS
         S: .
         C: USER anna
         S: -ERR Accesso possibile solo con TLS…
         C: PASS pw
         S: -ERR Accesso possibile solo con TLS…
         C: AUTH PLAIN AGFubmEAcHc=
         S: -ERR Accesso possibile solo con TLS…
         C: STAT
         S: -ERR Comando non ammesso…
         # What is pipelined behind STLS was sent in the open, and is not obeyed.
         C> STLS\\r\\nCAPA\\r\\n
         S: +OK Begin TLS…
         C: STLS
         S: -ERR TLS…
         C: USER anna
         S: +OK …
         C: PASS pw
         S: +OK Casella aperta, messaggi: 2
         C: STLS
         S: -ERR Comando non ammesso…",
    );
    assert!(client.server.is_tls());
    assert!(!client.log.iter().any(|asked| asked.contains("CAPA")));
}

#[test]
fn logging_in() {
    let mut client = Client::new(&two(), true);
    client.script(
        "S: +OK …
         C: PASS pw
         S: -ERR Prima USER
         C: USER
         S: -ERR …
         C: USER anna
         S: +OK …
         C: PASS sbagliata
         S: -ERR [AUTH] Utente o password errati
         C: PASS pw
         S: -ERR Prima USER
         C: USER rotto
         S: +OK …
         C: PASS pw
         S: -ERR [SYS/TEMP] …
         C: AUTH
         S: -ERR AUTH …
         C: AUTH GSSAPI
         S: -ERR Meccanismo …
         C: AUTH PLAIN
         S: +…
         C: *
         S: -ERR Accesso annullato
         C: AUTH PLAIN ???
         S: -ERR Risposta SASL …
         C: AUTH PLAIN AGFubmEAcHc=
         S: +OK …
         C: USER anna
         S: -ERR Comando non ammesso…
         C: QUIT
         S: +OK Arrivederci",
    );
    assert!(client.closed);
    // Blanks belong to the password, names are UTF-8, and commands have no case.
    Client::new(&two(), true)
        .script("S: +OK …\nC: UTF8\nS: +OK …\nC: user anna\nS: +OK …\nC> pass  p w \\r\\n\nS: +OK …");
    let mut client = Client::new(&two(), true);
    client.script("S: +OK …");
    for i in 0..5 {
        assert!(!client.closed, "{i}");
        client.ask("AUTH PLAIN AGFubmEAbm8=");
    }
    assert!(client.closed, "so many wrong passwords");
}

/// The proof was reckoned by another program (Python's hashlib).
#[test]
fn logging_in_by_scram() {
    Client::new(&two(), true).script(
        "S: +OK …
         C: AUTH SCRAM-SHA-256-PLUS biwsbj1hbm5hLHI9eA==
         S: -ERR …
         C: AUTH SCRAM-SHA-256
         S: +…
         C: biwsbj1hbm5hLHI9eA==
         S: + cj14Tk9OQ0Uscz1NREV5TXpRMU5qYzRPV0ZpWTJSbFpnPT0saT00MDk2
         C: Yz1iaXdzLHI9eE5PTkNFLHA9enlkWTdoMExsL1pHaHBhajBid0hwQ0VzZ3M2dmhmNTZDMVZvcUErTE96Yz0=
         S: + dj1QODUvNSs0WDhnK0JtMUVxeUFseDBXTDl2MVR2dkUyZGxIUG1VTUJoT2V3PQ==
         C:
         S: +OK …",
    );
}

#[test]
fn reading_and_marking() {
    let toy = two();
    Client::inside(&toy).script(
        "C: STAT
         S: +OK 2 59
         C: LIST
         S: +OK 2 messaggi, 59 ottetti
         S: 1 33
         S: 2 26
         S: .
         C: LIST 2
         S: +OK 2 26
         C: UIDL
         S: +OK …
         S: 1 0000000700000001
         S: 2 0000000700000002
         S: .
         C: UIDL 1
         S: +OK 1 0000000700000001
         C: RETR 1
         S: +OK 33 ottetti
         S: Subject: uno
         S: …
         S: ciao
         S: ..
         S: ...fine
         S: .
         C: TOP 1 1
         S: +OK …
         S: Subject: uno
         S: …
         S: ciao
         S: .
         C: TOP 2 99
         S: +OK …
         S: Subject: due
         S: …
         S: senza fine
         S: .
         C: DELE 1
         S: +OK …
         C: DELE 1
         S: -ERR Messaggio inesistente
         C: RETR 1
         S: -ERR Messaggio inesistente
         C: LIST
         S: +OK 1 messaggi, 26 ottetti
         S: 2 26
         S: .
         C: RSET
         S: +OK 2 messaggi, 59 ottetti
         C: DELE 2
         S: +OK …
         C: NOOP
         S: +OK…
         C: STAT
         S: +OK 1 33",
    );
    assert_eq!(toy.borrow().messages.len(), 2, "nothing is removed before QUIT");
}

#[test]
fn wrong_numbers_and_wrong_words() {
    let mut client = Client::inside(&two());
    for (said, heard) in [
        ("LIST 3", "-ERR Messaggio inesistente"),
        ("LIST 0", "-ERR Messaggio inesistente"),
        ("LIST -1", "-ERR Serve il numero di un messaggio"),
        ("LIST 1 2", "-ERR Serve il numero di un messaggio"),
        ("RETR", "-ERR Serve il numero di un messaggio"),
        ("RETR 99999999999999999999", "-ERR Serve il numero di un messaggio"),
        ("DELE uno", "-ERR Serve il numero di un messaggio"),
        ("TOP 1", "-ERR TOP messaggio righe"),
        ("TOP 1 -1", "-ERR TOP messaggio righe"),
        ("TOP 3 1", "-ERR Messaggio inesistente"),
        ("APOP anna x", "-ERR Comando sconosciuto"),
        ("", "-ERR Comando sconosciuto"),
    ] {
        assert_eq!(client.ask(said).trim_end(), heard, "{said}");
    }
    assert!(client.ask("LIST 2 ").starts_with("+OK 2 "), "a blank too many is forgiven");
    for _ in 1..MAX_BAD {
        client.ask("XYZZY");
    }
    assert!(!client.closed);
    client.ask("XYZZY");
    assert!(client.closed, "it speaks something else");
}

#[test]
fn quit_removes_what_was_marked_and_says_when_it_could_not() {
    let toy = two();
    let mut client = Client::inside(&toy);
    client.script("C: DELE 1\nS: +OK …\nC: QUIT\nS: +OK Arrivederci");
    assert!(client.closed && client.log.contains(&"Remove([1])".into()));
    assert_eq!(toy.borrow().messages.len(), 1);
    toy.borrow_mut().stuck = Some(Refusal::Temporary);
    let mut client = Client::inside(&toy);
    client.script("C: DELE 1\nS: +OK …\nC: QUIT\nS: -ERR [SYS/TEMP] Messaggi non eliminati: …");
    assert!(client.closed);
    assert_eq!(toy.borrow().messages.len(), 1);
}

#[test]
fn who_goes_without_quit_removes_nothing() {
    let ends: [fn(&mut Client); 4] = [
        |client| client.server.end_of_input(Tick(1)),
        |client| client.server.timeout(client.server.deadline().unwrap()),
        |client| client.server.shutdown(Tick(1)),
        |client| client.server.expel("La credenziale e' stata revocata"),
    ];
    for (n, end) in ends.into_iter().enumerate() {
        let toy = two();
        let mut client = Client::inside(&toy);
        client.ask("DELE 1");
        end(&mut client);
        client.pump();
        assert!(client.closed && toy.borrow().messages.len() == 2, "{n}");
        let said = String::from_utf8(client.received.clone()).unwrap();
        assert_eq!(said.starts_with("-ERR ["), n >= 2, "{n}: {said}");
        assert!(!toy.borrow().taken, "another may come in");
    }
}

#[test]
fn one_session_at_a_time_and_its_view_is_that_of_the_login() {
    let toy = two();
    let mut first = Client::inside(&toy);
    let mut second = Client::new(&toy, true);
    second.script("S: +OK …\nC: AUTH PLAIN AGFubmEAcHc=\nS: -ERR [IN-USE] …");
    toy.borrow_mut().deliver(b"nuovo\r\n");
    toy.borrow_mut().messages.remove(0);
    first.script("C: STAT\nS: +OK 2 59\nC: RETR 1\nS: -ERR Il messaggio non c'e' piu'\nC: QUIT\nS: +OK …");
    second
        .script("C: AUTH PLAIN AGFubmEAcHc=\nS: +OK Casella aperta, messaggi: 2\nC: UIDL 2\nS: +OK 2 0000000700000003");
}

#[test]
fn a_fault_is_told_before_a_message_and_ends_the_connection_inside_it() {
    let long = vec![b'x'; PIECE * 2];
    let toy = Toy::of(&[&long]);
    toy.borrow_mut().torn = Some((0, Refusal::Permanent));
    let mut client = Client::inside(&toy);
    client.script("C: RETR 1\nS: -ERR [SYS/PERM] …");
    toy.borrow_mut().torn = Some((0, Refusal::Denied));
    let denied = "-ERR [SYS/PERM] Operazione non consentita dai diritti sulla INBOX";
    client.script(&format!("C: RETR 1\nS: {denied}\nC: TOP 1 0\nS: {denied}"));
    toy.borrow_mut().torn = Some((1, Refusal::Temporary));
    let said = client.ask("RETR 1");
    assert!(client.closed && !said.ends_with(".\r\n"), "half a message has no end");
}

#[test]
fn big_answers_come_in_pieces() {
    let long = b".riga\r\n".repeat(100_000);
    let toy = Toy::of(&[&long]);
    (0..20_000).for_each(|_| toy.borrow_mut().deliver(b"x\r\n"));
    let mut client = Client::inside(&toy);
    assert_eq!(client.ask("RETR 1").len(), long.len() + 100_000 + "+OK 700000 ottetti\r\n.\r\n".len());
    assert_eq!(client.ask("UIDL").lines().count(), 20_003);
    assert!(client.biggest_piece < PIECE * 2, "{}", client.biggest_piece);
    // However many commands come at once, one answer at a time is made.
    client.server.input(Tick(1), &b"LIST\r\n".repeat(100));
    assert!(matches!(client.server.poll(), Some(Action::Write(_))));
    assert!(client.server.queue.is_empty());
}

#[test]
fn bad_lines_are_said_once_and_what_follows_is_read() {
    let mut client = Client::inside(&two());
    let long = "x".repeat(MAX_LINE + 1);
    assert_eq!(client.ask(&format!("{long}\r\nNOOP")), "-ERR Riga troppo lunga\r\n+OK \r\n");
    assert!(client.ask("NO\0OP\r\nSTAT").starts_with("-ERR NUL"));
    assert!(client.ask("NOOP\nNOOP").starts_with("-ERR NUL"));
    let mut client = Client::new(&two(), true);
    client.script("S: +OK …\nC: AUTH PLAIN\nS: +…\nC> AGF\\0\\r\\n\nS: -ERR NUL…\nC: USER anna\nS: +OK …");
}

#[test]
fn silence_before_the_login_ends_and_only_words_count_after_it() {
    let toy = two();
    let mut client = Client::new(&toy, true);
    let limit = client.server.deadline().unwrap();
    client.now = Tick(1000);
    client.ask("CAPA");
    assert_eq!(client.server.deadline(), Some(limit), "nobody stays without a name");
    client.ask("AUTH PLAIN AGFubmEAcHc=");
    assert_eq!(client.server.deadline(), Some(Tick(1000).plus_ms(600_000)), "RFC 1939: ten minutes");
    client.server.timeout(Tick(600_999));
    assert_eq!(client.server.poll(), None);
}

fn outcome(pieces: &[&[u8]], inside: bool) -> (String, Vec<String>, usize, bool) {
    let toy = two();
    let mut client = if inside { Client::inside(&toy) } else { Client::new(&toy, true) };
    for piece in pieces {
        client.server.input(Tick(1), piece);
        client.pump();
    }
    let left = toy.borrow().messages.len();
    (String::from_utf8_lossy(&client.received).into_owned(), client.log, left, client.closed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn cuts_do_not_matter(
        lines in prop::collection::vec(prop_oneof![
            prop::sample::select(vec![
                "NOOP\r\n", "RETR 1\r\n", "TOP 2 0\r\n", "LIST\r\n", "UIDL 2\r\n", "DELE 1\r\n", "RSET\r\n", "QUIT\r\n", "CAPA\r\n",
                "USER anna\r\n", "PASS pw\r\n", "AUTH PLAIN\r\n", "AGFubmEAcHc=\r\n", "*\r\n", "STAT\r\n", "\r\r\n",
            ]).prop_map(str::to_owned),
            "[ -~]{0,12}\r\n", "[A-Z0-9 \r\n\u{0}]{0,9}",
        ], 0..12),
        cuts in prop::collection::vec(0usize..200, 0..8),
        inside: bool,
    ) {
        let text = lines.concat();
        let bytes = text.as_bytes();
        let mut at: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        let whole = outcome(&[bytes], inside);
        prop_assert_eq!(&outcome(&pieces, inside), &whole);
        prop_assert_eq!(&outcome(&single, inside), &whole);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), tls: bool) {
        outcome(&[&bytes, b"\r\n"], tls);
        let mut client = Client::new(&two(), tls);
        client.server.input(Tick(1), &bytes);
        client.pump();
        client.server.end_of_input(Tick(1));
        client.pump();
        prop_assert!(client.closed);
    }
}

/// RFC 7628 §3.2.3; RFC 5034 §4: whatever ends the exchange is answered with -ERR.
#[test]
fn a_bad_token_is_a_failed_login_however_its_bearer_goes_on() {
    let toy = two();
    let mut client = Client::new(&toy, true);
    client.server = Server::new(Config { bearer: true, ..Config::default() }, true, Tick(0));
    client.received.clear();
    client.pump();
    client.script("S: +OK …");
    for (said, error) in [
        ("AQ==", "None"),
        ("*", "Some(Cancelled)"),
        ("!!", "Some(Malformed)"),
        ("\0", "Some(Malformed)"),
        (&"A".repeat(MAX_LINE + 1), "Some(Malformed)"),
    ] {
        let answer = client.ask("AUTH OAUTHBEARER bixhPWFubmEsAWF1dGg9QmVhcmVyIGJhZAEB");
        assert_eq!(answer, "+ eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=\r\n");
        assert!(!client.closed);
        assert_eq!(client.ask(said), "-ERR [AUTH] Utente o password errati\r\n");
        let claim = format!("Login(BadToken {{ user: \"anna\", error: {error} }})");
        assert_eq!(client.log.iter().rfind(|asked| asked.starts_with("Login(")), Some(&claim), "asked for the answer");
    }
    assert!(client.closed, "five have failed");
}
