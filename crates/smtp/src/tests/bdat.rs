//! Transcripts of BDAT (RFC 3030): chunks are taken as DATA is, and whatever is refused never gets out of step.

use sigillo_wire::{Session, Tick};

use super::server::{reception, submission};
use super::stub::Scripted;
use crate::server::{Action, Role};

const RCPT: &str = "C: MAIL FROM:<anna@alfa.example>\nS: 250 2.1.0 Ok\nC: RCPT TO:<a@x.example>\nS: 250 2.1.5 Ok\n";

fn count(s: &Scripted, wanted: &Action) -> usize {
    s.actions.iter().filter(|a| *a == wanted).count()
}

#[test]
fn chunks_make_a_message_at_every_door() {
    let script = format!(
        r"{RCPT}C: BDAT 9
        C> .a\r\n.\r\n.\r
        S: 250 2.0.0 9 octets received
        C: NOOP
        S: 250 2.0.0 Ok
        C: bdat 0
        S: 250 2.0.0 0 octets received
        C: BDAT 3 last
        C> \nb\r
        S: 554 5.6.0 …
        {RCPT}C: BDAT 4
        C> .\r\n.
        S: 250 2.0.0 4 octets received
        C: BDAT 2
        C> \r\n
        S: 250 2.0.0 2 octets received
        C: BDAT 0 LAST
        S: 250 2.0.0 Taken 6
        C: BDAT 0 LAST
        S: 503 5.5.1 …"
    );
    for s in [reception(&script), submission(&script)] {
        let begin = s.actions.iter().rposition(|a| *a == Action::DataStart).unwrap();
        let chunk = |a: &Action| if let Action::DataChunk(c) = a { c.clone() } else { Vec::new() };
        let message: Vec<u8> = s.actions[begin..].iter().flat_map(chunk).collect();
        assert_eq!(message, b".\r\n.\r\n", "dots are no end and no stuffing");
        assert!(s.actions.contains(&Action::DataEnd { size: 6, eight_bit: false }));
        assert_eq!((count(&s, &Action::DataStart), count(&s, &Action::Reset)), (2, 1));
    }
}

#[test]
fn a_last_line_is_completed_as_data_would() {
    let s = reception(&format!("{RCPT}C: BDAT 2 LAST\nC> ab\nS: 250 2.0.0 Taken 4"));
    assert_eq!(s.message().unwrap(), b"ab\r\n");
    let s = reception(&format!("{RCPT}C: BDAT 0 LAST\nS: 250 2.0.0 Taken 0"));
    assert_eq!(s.message().unwrap(), b"");
}

#[test]
fn chunks_without_a_transaction_are_swallowed() {
    let s = reception(
        r"C: BDAT 6
        C> QUIT\r\n
        S: 503 5.5.1 …
        C: MAIL FROM:<a@x.example>
        S: 250 2.1.0 Ok
        C: BDAT 6 LAST
        C> QUIT\r\n
        S: 554 5.5.1 …
        C: RCPT TO:<no@x.example>
        S: 550 5.1.1 …
        C: BDAT 6 LAST
        C> QUIT\r\n
        S: 554 5.5.1 …
        C: NOOP
        S: 250 2.0.0 Ok",
    );
    assert!(!s.closed && count(&s, &Action::DataStart) == 0);
    let mut s = Scripted::new(Role::Submission, |_| ());
    s.run(
        r"S: 220 …
        C: EHLO b
        S+ 250
        C: BDAT 6 LAST
        C> QUIT\r\n
        S: 530 5.7.0 …STARTTLS…
        C: NOOP
        S: 250 2.0.0 Ok",
    );
}

#[test]
fn data_and_bdat_do_not_mix_and_rset_lets_go() {
    let s = reception(&format!(
        r"{RCPT}C: BDAT 3
        C> a\r\n
        S: 250 2.0.0 3 octets received
        C: DATA
        S: 503 5.5.1 …
        C: RCPT TO:<b@x.example>
        S: 503 5.5.1 …
        C: MAIL FROM:<a@x.example>
        S: 503 5.5.1 …
        C: RSET
        S: 250 2.0.0 Ok
        C: BDAT 3 LAST
        C> b\r\n
        S: 503 5.5.1 …
        {RCPT}C: BDAT 3 LAST
        C> c\r\n
        S: 250 2.0.0 Taken 3"
    ));
    assert_eq!(count(&s, &Action::Reset), 1);
    assert_eq!(s.actions.iter().filter(|a| matches!(a, Action::DataEnd { .. })).count(), 1);
}

#[test]
fn what_data_refuses_bdat_refuses() {
    let long = "x".repeat(crate::content::MAX_BODY_LINE + 1);
    for bad in ["a\n", "a\r", "a\r\r\n", "a\n.\n", "\r\n.\n", "a\0b\r\n", &long] {
        let mut s = reception(RCPT);
        for piece in [&b"BDAT "[..], bad.len().to_string().as_bytes(), b" LAST\r\n", bad.as_bytes()] {
            s.server.input(Tick(0), piece);
            s.drive();
        }
        s.run("S: 554 5.6.0 …\nC: NOOP\nS: 250 2.0.0 Ok");
        assert_eq!((s.message(), count(&s, &Action::Reset)), (None, 1), "{bad:?}");
    }
}

#[test]
fn a_chunk_beyond_the_limit_is_refused_when_it_is_announced_and_swallowed() {
    let mut s = Scripted::new(Role::Reception, |c| c.size_limit = 10);
    s.run(&format!(
        r"S: 220 …
        C: EHLO b
        S+ 250
        {RCPT}C: BDAT 6
        C> 1234\r\n
        S: 250 2.0.0 6 octets received
        C: BDAT 5"
    ));
    assert_eq!(s.actions.last(), Some(&Action::Reset), "nobody keeps what is lost already");
    s.run(
        r"C> QUIT\r
        S: 552 5.3.4 …
        C: BDAT 4 LAST
        C> QUIT
        S: 503 5.5.1 …
        C: NOOP
        S: 250 2.0.0 Ok",
    );
    // A size that a u64 holds and the sum does not.
    s.run(&format!("{RCPT}C: BDAT 1\nC> a\nS: 250 …\nC: BDAT 18446744073709551615 LAST\nS: 552 5.3.4 …"));
    assert!(s.closed, "so much is not waited for");
}

#[test]
fn after_a_size_that_cannot_be_read_nothing_is_a_command() {
    for bad in ["", "x", "-1", "+1", "0x5", "1 MORE", "1 LAST LAST", "18446744073709551616", "1,0"] {
        let mut s = reception(RCPT);
        s.server.input(Tick(0), format!("BDAT {bad}\r\nMAIL FROM:<evil@x.example>\r\n").as_bytes());
        s.run("S: 501 5.5.4 …");
        assert!(s.closed && s.actions.ends_with(&[Action::Reset, Action::Close]), "{bad:?}");
    }
}

#[test]
fn pipelined_chunks_are_taken_in_order_and_bounded() {
    let mut s = reception(RCPT);
    s.server.input(Tick(0), b"BDAT 3\r\na\r\nBDAT 3\r\nb\r\nBDAT 3 LAST\r\nc\r\nNOOP\r\n");
    s.run("S: 250 2.0.0 3 …\nS: 250 2.0.0 3 …\nS: 250 2.0.0 Taken 9\nS: 250 2.0.0 Ok");
    assert_eq!(s.message().unwrap(), b"a\r\nb\r\nc\r\n");
    let mut s = reception(RCPT);
    s.server.input(Tick(0), b"BDAT 50000000\r\n");
    for _ in 0..100 {
        s.server.input(Tick(0), &b"0123456789\r\n".repeat(1000));
        s.drive();
        assert_eq!(s.server.held(), 0);
    }
}

#[test]
fn a_message_in_chunks_has_an_end_of_patience() {
    let mut s = Scripted::new(Role::Reception, |c| c.message_timeout_ms = 200_000);
    s.run(&format!("S: 220 …\nC: EHLO b\nS+ 250\n{RCPT}C: BDAT 1\nC> a\nS: 250 …"));
    s.server.input(Tick(150_000), b"NOOP\r\n");
    s.drive();
    assert_eq!(s.server.deadline(), Some(Tick(200_000)), "commands between chunks gain no time beyond it");
    s.server.end_of_input(Tick(150_000));
    s.drive();
    assert!(s.actions.ends_with(&[Action::Reset, Action::Close]));
}

#[test]
fn a_refused_chunk_has_its_time_on_an_old_connection_too() {
    let mut s = Scripted::new(Role::Reception, |c| c.message_timeout_ms = 200_000);
    s.run("S: 220 …\nC: EHLO b\nS+ 250\n");
    for begun in [250_000, 500_000] {
        s.now = Tick(begun);
        s.server.input(Tick(begun), b"BDAT 6 LAST\r\nQU");
        s.drive();
        assert_eq!(s.server.deadline(), Some(Tick(begun + 180_000)));
        s.server.input(Tick(begun + 150_000), b"IT");
        s.drive();
        assert_eq!(s.server.deadline(), Some(Tick(begun + 200_000)), "and not more than a message has");
        s.server.input(Tick(begun + 150_000), b"\r\n");
        s.run("S: 503 5.5.1 …");
    }
    assert!(!s.closed);
}
