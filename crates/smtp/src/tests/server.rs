//! Transcripts of the server's side.

use sigillo_wire::{Session, Tick};

use super::stub::{Scripted, rcpt};
use crate::Reply;
use crate::server::{Action, MailFrom, Role, Server};

pub(super) const READY: &str = "S: 220 mx.alfa.example ESMTP Sigillo
    C: EHLO b.example
    S: 250-mx.alfa.example\nS: 250-PIPELINING\nS: 250-SIZE …\nS: 250-STARTTLS\nS: 250-8BITMIME
    S: 250-SMTPUTF8\nS: 250-DSN
    S: 250-CHUNKING\nS: 250-LIMITS RCPTMAX=…\nS: 250 ENHANCEDSTATUSCODES\n";

pub(super) const LOGGED_IN: &str = "S: 220 …
    C: EHLO b.example
    S: 250-mx.alfa.example\nS: 250-PIPELINING\nS: 250-SIZE …\nS: 250-AUTH SCRAM-SHA-256 PLAIN LOGIN
    S: 250-REQUIRETLS\nS: 250-CHUNKING\nS: 250-LIMITS RCPTMAX=…\nS: 250 ENHANCEDSTATUSCODES
    C: AUTH PLAIN AGFubmEAcHc=
    S: 235 2.7.0 …\n";

pub(super) fn reception(script: &str) -> Scripted {
    let mut s = Scripted::new(Role::Reception, |_| ());
    s.run(&format!("{READY}{script}"));
    s
}

pub(super) fn submission(script: &str) -> Scripted {
    let mut s = Scripted::new(Role::SubmissionTls, |_| ());
    s.run(&format!("{LOGGED_IN}{script}"));
    s
}

#[test]
fn reception_of_a_message() {
    let s = reception(
        "C: MAIL FROM:<> BODY=8BITMIME SIZE=9
        S: 250 2.1.0 Ok
        C: RCPT TO:<@relay.example:anna@alfa.example>
        S: 250 2.1.5 Ok
        C: RCPT TO:<nobody@alfa.example>
        S: 550 5.1.1 No such user
        C: RCPT TO:<\"a >b\"@alfa.example>
        S: 250 2.1.5 Ok
        C: RCPT TO:<Postmaster>
        S: 250 2.1.5 Ok
        C: DATA
        S: 354 …
        C: è
        C: ..x
        C: .
        S: 250 2.0.0 Taken 8
        C: QUIT
        S: 221 2.0.0 Bye",
    );
    assert_eq!(s.message().unwrap(), "è\r\n.x\r\n".as_bytes());
    assert_eq!(s.actions[0], Action::Mail(MailFrom { size: Some(9), eight_bit: true, ..MailFrom::default() }));
    assert_eq!(s.actions[1], rcpt("anna@alfa.example"));
    assert_eq!(s.actions[4], rcpt("postmaster@mx.alfa.example"));
    assert!(s.actions.contains(&Action::DataEnd { size: 8, eight_bit: true }));
    assert!(!s.actions.contains(&Action::Reset), "a message that was decided is not reset");
    assert!(s.closed);
}

#[test]
fn pipelined_commands_wait_for_the_answers() {
    let now = Tick(0);
    let mut s = Server::new(crate::server::Config::new(Role::Reception, "mx"), false, now);
    s.input(now, b"EHLO b\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@c.example>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n");
    assert!(matches!(s.poll(), Some(Action::Write(w)) if w.starts_with(b"220 ") && w.ends_with(b"CODES\r\n")));
    assert!(matches!(s.poll(), Some(Action::Mail(_))));
    assert_eq!((s.poll(), s.deadline()), (None, None), "nothing goes on before the answer");
    s.answer(Reply::new(250, (2, 1, 0), "Ok"), now);
    assert_eq!(s.poll(), Some(Action::Write(b"250 2.1.0 Ok\r\n".to_vec())));
    assert!(matches!(s.poll(), Some(Action::Rcpt(_))));
    s.answer(Reply::new(250, (2, 1, 5), "Ok"), now);
    assert_eq!(s.poll(), Some(Action::Write(b"250 2.1.5 Ok\r\n".to_vec())));
    assert_eq!(s.poll(), Some(Action::DataStart));
    assert!(matches!(s.poll(), Some(Action::Write(w)) if w.starts_with(b"354 ")));
    assert_eq!(s.poll(), Some(Action::DataChunk(b"hi\r\n".to_vec())));
    assert_eq!(s.poll(), Some(Action::DataEnd { size: 4, eight_bit: false }));
    assert_eq!(s.poll(), None);
    s.answer(Reply::new(451, (4, 3, 0), "Disk"), now);
    assert_eq!(s.poll(), Some(Action::Write(b"451 4.3.0 Disk\r\n221 2.0.0 Bye\r\n".to_vec())));
    assert_eq!((s.poll(), s.poll()), (Some(Action::Close), None));
}

#[test]
fn submission_wants_tls_and_login_first() {
    let mut s = Scripted::new(Role::Submission, |_| ());
    s.run(
        "S: 220 …
        C: EHLO b.example
        S: 250-mx.alfa.example\nS: 250-PIPELINING\nS: 250-SIZE 57671680\nS: 250-STARTTLS
        S: 250-CHUNKING\nS: 250-LIMITS RCPTMAX=…\nS: 250 ENHANCEDSTATUSCODES
        C: AUTH PLAIN AGFubmEAcHc=
        S: 538 5.7.11 …
        C: MAIL FROM:<anna@alfa.example>
        S: 530 5.7.0 …STARTTLS…
        C: NOOP
        S: 250 2.0.0 Ok
        C: STARTTLS now
        S: 501 5.5.4 …
        C: STARTTLS
        S: 220 2.0.0 …
        C: AUTH PLAIN AGFubmEAcHc=
        S: 503 5.5.1 …
        C: EHLO b.example
        S: 250-mx.alfa.example\nS: 250-PIPELINING\nS: 250-SIZE 57671680\nS: 250-AUTH SCRAM-SHA-256 PLAIN LOGIN
        S: 250-REQUIRETLS\nS: 250-CHUNKING\nS: 250-LIMITS RCPTMAX=…\nS: 250 ENHANCEDSTATUSCODES
        C: STARTTLS
        S: 503 5.5.1 …
        C: MAIL FROM:<anna@alfa.example>
        S: 530 5.7.0 …Authentication…
        C: AUTH CRAM-MD5
        S: 504 5.5.4 …
        C: AUTH PLAIN
        S: 334 
        C: *
        S: 501 5.0.0 …
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: YW5uYQ==
        S: 334 UGFzc3dvcmQ6
        C: cHc=
        S: 235 2.7.0 …
        C: AUTH PLAIN AGFubmEAcHc=
        S: 503 5.5.1 …
        C: MAIL FROM:<> SIZE=1
        S: 550 5.7.1 …
        C: MAIL FROM:<anna@alfa.example> BODY=8BITMIME
        S: 555 5.5.4 …
        C: MAIL FROM:<anna@alfa.example> AUTH=<>
        S: 250 2.1.0 Ok",
    );
    assert_eq!((s.server.user(), s.server.is_tls(), s.server.ehlo_name()), (Some("anna"), true, "b.example"));
}

#[test]
fn what_was_pipelined_before_tls_is_forgotten() {
    let now = Tick(0);
    let mut s = Server::new(crate::server::Config::new(Role::Reception, "mx"), false, now);
    s.input(now, b"EHLO b\r\nSTARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@b.example>\r\n");
    let mut seen = Vec::new();
    while let Some(action) = s.poll() {
        seen.push(action);
    }
    assert_eq!(seen.last(), Some(&Action::StartTls));
    s.input(now, b"MAIL FROM:<evil@b.example>\r\n");
    s.tls_started(now);
    assert_eq!((s.poll(), s.ehlo_name()), (None, ""));
    s.input(now, b"NOOP\r\n");
    assert_eq!(s.poll(), Some(Action::Write(b"250 2.0.0 Ok\r\n".to_vec())));
}

#[test]
fn starttls_drops_the_transaction() {
    let s = reception("C: MAIL FROM:<a@x.example>\nS: 250 2.1.0 Ok\nC: STARTTLS\nS: 220 2.0.0 …\nC: NOOP\nS: 250 …");
    assert_eq!(s.actions[1..], [Action::Reset, Action::StartTls]);
}

#[test]
fn reception_has_no_auth() {
    reception("C: AUTH PLAIN AGFubmEAcHc=\nS: 502 5.5.1 …");
}

/// A delivery status notification about certified mail would come back as ordinary mail: none can be asked for.
#[test]
fn what_certified_mail_cannot_have_is_not_taken_at_submission() {
    let script = "C: MAIL FROM:<anna@alfa.example> SMTPUTF8
        S: 555 5.5.4 …
        C: MAIL FROM:<anna@alfa.example> RET=HDRS
        S: 555 5.5.4 …
        C: MAIL FROM:<anna@alfa.example> ENVID=x
        S: 555 5.5.4 …
        C: MAIL FROM:<anna@alfa.example>
        S: 250 2.1.0 Ok
        C: RCPT TO:<a@x.example> NOTIFY=SUCCESS
        S: 555 5.5.4 …
        C: RCPT TO:<a@x.example> ORCPT=rfc822;a@x.example
        S: 555 5.5.4 …";
    let s = submission(script);
    assert!(!s.actions.iter().any(|a| matches!(a, Action::Rcpt(_))));
}

#[test]
fn failed_logins_are_counted() {
    let mut s = Scripted::new(Role::SubmissionTls, |c| c.auth_attempts = 2);
    s.run(
        "S: 220 …
        C: HELO b.example
        S: 250 mx.alfa.example
        C: AUTH PLAIN AGFubmEAbm8=
        S: 535 5.7.8 Wrong
        C: AUTH PLAIN AGFubmEAbm8=
        S: 535 5.7.8 Wrong
        S: 421 4.7.0 …",
    );
    assert!(s.closed);
}

#[test]
fn sequences_and_syntax() {
    reception(
        "C: RCPT TO:<a@x.example>
        S: 503 5.5.1 …
        C: DATA
        S: 503 5.5.1 …
        C: MAIL FROM:a@x.example
        S: 501 5.1.7 …
        C: MAIL TO:<a@x.example>
        S: 501 5.1.7 …
        C: MAIL FROM:<è@x.example>
        S: 553 5.6.7 …
        C: MAIL FROM:<a@x.example> SIZE=x
        S: 501 5.5.4 …
        C: mail from: <a@x.example>
        S: 250 2.1.0 Ok
        C: MAIL FROM:<a@x.example>
        S: 503 5.5.1 …
        C: RCPT TO:<>
        S: 501 5.1.3 …
        C: RCPT TO:<no@x.example>
        S: 550 5.1.1 …
        C: DATA
        S: 554 5.5.1 …",
    );
    let s = reception(
        "C: BOGUS
        S: 500 5.5.1 …
        C: EXPN list
        S: 502 5.5.1 …
        C> NOOP\\nNOOP\\r\\n
        S: 500 5.5.2 …
        C: VRFY anna
        S: 252 2.5.0 …
        C: HELP
        S: 214 2.0.0 …
        C: RSET
        S: 250 2.0.0 Ok
        C: EHLO <b>
        S: 501 5.5.4 …",
    );
    assert_eq!(s.actions, [], "no transaction, no reset");
}

#[test]
fn commands_before_ehlo() {
    let mut s = Scripted::new(Role::Reception, |_| ());
    s.run("S: 220 …\nC: MAIL FROM:<a@x.example>\nS: 503 5.5.1 …\nC: QUIT\nS: 221 2.0.0 Bye");
}

#[test]
fn rset_and_ehlo_drop_the_transaction() {
    let mut s = reception(
        "C: MAIL FROM:<a@x.example>
        S: 250 2.1.0 Ok
        C: RSET
        S: 250 2.0.0 Ok
        C: RSET
        S: 250 2.0.0 Ok
        C: MAIL FROM:<a@x.example>
        S: 250 2.1.0 Ok
        C: HELO b.example
        S: 250 mx.alfa.example
        C: MAIL FROM:<banned@x.example>
        S: 550 5.7.1 Banned
        C: RSET
        S: 250 2.0.0 Ok
        C: MAIL FROM:<a@x.example>
        S: 250 2.1.0 Ok",
    );
    let resets = |s: &Scripted| s.actions.iter().filter(|a| **a == Action::Reset).count();
    assert_eq!(resets(&s), 2, "one for each transaction that was open");
    s.server.end_of_input(Tick(0));
    s.drive();
    assert_eq!(resets(&s), 3);
    assert!(s.closed);
}

#[test]
fn too_many_of_anything() {
    let mut s = Scripted::new(Role::Reception, |c| (c.max_recipients, c.bad_commands) = (1, 1));
    s.run(&format!(
        "{READY}C: MAIL FROM:<a@x.example>
        S: 250 2.1.0 Ok
        C: RCPT TO:<a@x.example>
        S: 250 2.1.5 Ok
        C: RCPT TO:<b@x.example>
        S: 452 4.5.3 …
        C: X
        S: 500 5.5.1 …
        C: X
        S: 421 4.7.0 …"
    ));
    assert_eq!(s.actions[2..], [Action::Reset, Action::Close]);
}

/// Who sends for hours may meet a limit now and then: what was taken in between makes up for it.
#[test]
fn a_message_that_is_taken_makes_up_for_senseless_commands() {
    let mut s = Scripted::new(Role::Reception, |c| c.bad_commands = 1);
    let message = "C: MAIL FROM:<a@x.example>
        S: 250 2.1.0 Ok
        C: RCPT TO:<a@x.example>
        S: 250 2.1.5 Ok
        C: DATA
        S: 354 …
        C: Testo
        C: .
        S: 250 2.0.0 …
        ";
    let senseless = "C: X\nS: 500 5.5.1 …\n";
    s.run(&format!("{READY}{senseless}{message}{senseless}C: X\nS: 421 4.7.0 …"));
    assert!(s.closed);
}

#[test]
fn what_was_pipelined_behind_a_refusal_for_now_is_not_senseless() {
    let mut s = Scripted::new(Role::Reception, |c| c.bad_commands = 1);
    let refused = "C: MAIL FROM:<a@x.example>
        S: 250 2.1.0 Ok
        C: RCPT TO:<busy@x.example>
        S: 450 4.2.1 …
        C: DATA
        S: 554 5.5.1 …
        C: BDAT 3 LAST
        C: X
        S: 554 5.5.1 …
        C: RSET
        S: 250 2.0.0 …
        ";
    s.run(&format!("{READY}{refused}{refused}{refused}C: DATA\nS: 503 5.5.1 …\nC: DATA\nS: 421 4.7.0 …"));
    assert!(s.closed);
}

/// One recipient each, who is gone: an application that goes through an old list sends nothing senseless.
#[test]
fn what_was_pipelined_behind_any_refusal_is_not_senseless() {
    for refused in [
        "C: MAIL FROM:<a@x.example>\nS: 250 …\nC: RCPT TO:<no@x.example>\nS: 550 …\nC: DATA\nS: 554 5.5.1 …\n",
        "C: MAIL FROM:<a@x.example>\nS: 250 …\nC: RCPT TO:<è@x.example>\nS: 553 …\nC: DATA\nS: 554 5.5.1 …\n",
        "C: MAIL FROM:<banned@x.example>\nS: 550 …\nC: RCPT TO:<a@x.example>\nS: 503 …\nC: DATA\nS: 503 5.5.1 …\n",
        "C: MAIL FROM:<a@x.example> SIZE=99999999999\nS: 552 …\nC: RCPT TO:<a@x.example>\nS: 503 …\nC: DATA\nS: 503 …\n",
    ] {
        let mut s = Scripted::new(Role::Reception, |c| c.bad_commands = 1);
        let turn = format!("{refused}C: RSET\nS: 250 …\n");
        s.run(&format!("{READY}{turn}{turn}{turn}C: DATA\nS: 503 5.5.1 …\nC: DATA\nS: 421 4.7.0 …"));
        assert!(s.closed, "{refused}");
    }
}

/// What is not kept comes over the wire all the same: who counts the pace of a client counts it too.
#[test]
fn octets_of_a_message_that_is_refused_already_are_counted() {
    let script = "C: MAIL FROM:<a@x.example>\nS: 250 …\nC: RCPT TO:<a@x.example>\nS: 250 …\n";
    let mut s = reception(&format!("{script}C: DATA\nS: 354 …"));
    for n in 1..=3 {
        s.server.input(Tick(0), b"..\0x\r\n");
        s.drive();
        assert_eq!(s.server.octets(), n * 6);
    }
    s.run(&format!("C: .\nS: 554 5.6.0 …\n{script}C: BDAT 9"));
    assert_eq!(s.server.octets(), 0, "each message anew");
    s.server.input(Tick(0), b"a\0b\0c");
    s.drive();
    assert_eq!(s.server.octets(), 5);
}

#[test]
fn sizes() {
    let mut s = Scripted::new(Role::Reception, |c| c.size_limit = 10);
    s.run(&format!(
        "{READY}C: MAIL FROM:<a@x.example> SIZE=11
        S: 552 5.3.4 …
        C: MAIL FROM:<a@x.example> SIZE=99999999999999999999999
        S: 501 5.5.4 …
        C: MAIL FROM:<a@x.example> SIZE=10
        S: 250 2.1.0 Ok
        C: RCPT TO:<a@x.example>
        S: 250 2.1.5 Ok
        C: DATA
        S: 354 …
        C: 123456789
        C: 123456789
        C: .
        S: 552 5.3.4 …
        C: MAIL FROM:<a@x.example>
        S: 250 2.1.0 Ok
        C: RCPT TO:<a@x.example>
        S: 250 2.1.5 Ok
        C: DATA
        S: 354 …
        C: 12345678
        C: .
        S: 250 2.0.0 Taken 10"
    ));
    let kept: usize = s.actions.iter().map(|a| if let Action::DataChunk(c) = a { c.len() } else { 0 }).sum();
    assert_eq!(kept, 20, "nothing beyond the limit is kept");
    assert_eq!(s.actions.iter().filter(|a| **a == Action::Reset).count(), 1);
}

#[test]
fn browsers_are_sent_away() {
    let mut s = Scripted::new(Role::Reception, |_| ());
    s.run("S: 220 …\nC: POST / HTTP/1.1\nS: 421 4.7.0 …");
    assert!(s.closed);
}

#[test]
fn half_closed_clients_are_served() {
    let mut s = Scripted::new(Role::Reception, |_| ());
    s.server.input(Tick(0), b"EHLO b\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\nhi\r\n.\r\n");
    s.server.end_of_input(Tick(0));
    s.drive();
    assert_eq!(s.message().unwrap(), b"hi\r\n");
    assert!(s.closed && !s.actions.contains(&Action::Reset));
    let mut s = Scripted::new(Role::Reception, |_| ());
    s.server.input(Tick(0), b"EHLO b\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\nhi\r\n.");
    s.server.end_of_input(Tick(0));
    s.drive();
    assert_eq!(s.message(), None);
    assert!(s.actions.ends_with(&[Action::Reset, Action::Close]));
}

#[test]
fn time_runs_out() {
    let mut s = Scripted::new(Role::Reception, |_| ());
    s.drive();
    assert_eq!(s.server.deadline(), Some(Tick(300_000)));
    // Bytes that end no command gain no time.
    s.server.input(Tick(200_000), b"EH");
    s.drive();
    assert_eq!(s.server.deadline(), Some(Tick(300_000)));
    s.server.timeout(Tick(299_999));
    s.drive();
    assert!(!s.closed, "not before the deadline");
    s.server.input(Tick(299_999), b"LO b\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\n");
    s.now = Tick(299_999);
    s.drive();
    assert_eq!(s.server.deadline(), Some(Tick(479_999)));
    s.server.input(Tick(400_000), b"x");
    s.drive();
    assert_eq!(s.server.deadline(), Some(Tick(580_000)), "each piece of a message gains time");
    s.server.timeout(Tick(580_000));
    s.run("S: 220 …\nS+ 250\nS: 250 …\nS: 250 …\nS: 354 …\nS: 421 4.4.2 …");
    assert!(s.actions.ends_with(&[Action::Reset, Action::Close]));
}

#[test]
fn a_message_has_an_end_of_patience_too() {
    let mut s = Scripted::new(Role::Reception, |c| c.message_timeout_ms = 200_000);
    s.server.input(Tick(0), b"EHLO b\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\n");
    s.drive();
    s.server.input(Tick(150_000), b"x");
    s.drive();
    assert_eq!(s.server.deadline(), Some(Tick(200_000)));
}

#[test]
fn shutdown_waits_for_the_message() {
    let mut s =
        reception("C: MAIL FROM:<a@x.example>\nS: 250 …\nC: RCPT TO:<a@x.example>\nS: 250 …\nC: DATA\nS: 354 …\nC: hi");
    s.server.shutdown(Tick(0));
    s.run("C: .\nS: 250 2.0.0 Taken 4\nS: 421 4.3.2 …");
    assert!(s.closed);
    let mut s = reception("C: MAIL FROM:<a@x.example>\nS: 250 …");
    s.server.shutdown(Tick(0));
    s.run("S: 421 4.3.2 …");
    assert!(s.actions.ends_with(&[Action::Reset, Action::Close]));
}

#[test]
fn an_answer_of_421_closes() {
    let now = Tick(0);
    let mut s = Server::new(crate::server::Config::new(Role::Reception, "mx"), false, now);
    s.input(now, b"EHLO b\r\nMAIL FROM:<>\r\nNOOP\r\n");
    while s.poll().is_some() {}
    s.answer(Reply::new(421, (4, 3, 2), "Later"), now);
    assert_eq!(s.poll(), Some(Action::Write(b"421 4.3.2 Later\r\n".to_vec())));
    assert_eq!((s.poll(), s.poll()), (Some(Action::Close), None));
    s.answer(Reply::new(250, (2, 0, 0), "late answers are ignored"), now);
    assert_eq!(s.poll(), None);
}

#[test]
fn login_works_over_implicit_tls() {
    let s = submission("C: MAIL FROM:<anna@alfa.example>\nS: 250 2.1.0 Ok\nC: AUTH PLAIN AGFubmEAcHc=\nS: 503 5.5.1 …");
    assert!(matches!(s.actions[0], Action::Authenticate(_)));
}
