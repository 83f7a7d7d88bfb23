//! The client with servers that ask for more, that break, or that mean harm.

use sigillo_base::Secret;
use sigillo_wire::{Session, Tick};

use super::client::{HELLO, MAIL, Run, client, envelope};
use crate::client::{Envelope, Login};

/// All that a friendly server says up to its 354, and a little more.
const UP_TO_354: &str = "220 x\r\n250-x\r\n250 PIPELINING\r\n250 x\r\n250 x\r\n354 x\r\n";

fn logging_in(under_tls: bool) -> Run {
    Run::new(&["a@x.example"], |c| {
        c.login = Some(Login { user: "utente".into(), password: Secret::new("segreta".into()) });
        c.under_tls = under_tls;
    })
}

#[test]
fn a_password_goes_under_tls_only() {
    let mut r = logging_in(false);
    r.say("220 hi\r\n", HELLO);
    r.say("250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n", "STARTTLS\r\n");
    r.say("220 go\r\n", "<TLS>");
    r.client.tls_started(Tick(0));
    r.say("", HELLO);
    r.say("250-x\r\n250 AUTH LOGIN plain\r\n", "AUTH PLAIN AHV0ZW50ZQBzZWdyZXRh\r\n");
    assert!(!r.client.is_met());
    r.say("235 2.7.0 bene\r\n", &format!("{MAIL}\r\n"));
    assert!(r.client.is_met());

    let mut r = logging_in(true);
    r.say("220 hi\r\n", HELLO);
    r.say("250 AUTH PLAIN\r\n", "QUIT\r\n");
    let mut r = logging_in(true);
    r.say("220 hi\r\n", HELLO);
    r.say("250-x\r\n250 AUTH PLAIN\r\n", "AUTH PLAIN AHV0ZW50ZQBzZWdyZXRh\r\n");

    for (ehlo, what) in [("250-x\r\n250 AUTH PLAIN\r\n", "in chiaro"), ("250 x\r\n", "in chiaro")] {
        let mut r = logging_in(false);
        r.say("220 hi\r\n", HELLO);
        r.say(ehlo, "QUIT\r\n");
        assert!(r.closed && !r.failure(0).permanent && r.failure(0).text.contains(what), "{:?}", r.failure(0));
    }
}

#[test]
fn a_login_refused_is_not_the_messages_fault() {
    for reply in ["535 5.7.8 no", "504 5.5.4 what", "334 more", "454 4.7.0 later", "421 4.3.2 bye"] {
        let mut r = logging_in(true);
        r.client.input(Tick(0), b"220 hi\r\n250-x\r\n250 AUTH PLAIN\r\n");
        r.take();
        r.say(&format!("{reply}\r\n"), "QUIT\r\n");
        assert!(!r.failure(0).permanent && !r.client.is_met(), "{reply}");
        assert!(!r.failure(0).text.contains("segreta"));
    }
}

#[test]
fn what_a_message_needs_is_said_where_it_is_offered_and_refused_elsewhere() {
    let needs = |utf8, require_tls| Envelope { utf8, require_tls, ..envelope(&["a@x.example"]) };
    let mut r = Run::with(client(needs(true, true), |c| c.under_tls = true));
    r.say("220 hi\r\n", HELLO);
    r.say("250-x\r\n250-SMTPUTF8\r\n250 REQUIRETLS\r\n", &format!("{MAIL} SMTPUTF8 REQUIRETLS\r\n"));
    for (utf8, require_tls, offer, code) in
        [(true, false, "REQUIRETLS", "5.6.7"), (false, true, "SMTPUTF8", "5.7.30"), (true, true, "HELP", "5.6.7")]
    {
        let mut r = Run::with(client(needs(utf8, require_tls), |c| c.under_tls = true));
        r.say("220 hi\r\n", HELLO);
        r.say(&format!("250-x\r\n250 {offer}\r\n"), "");
        assert!(r.failure(0).permanent && r.failure(0).text.starts_with(code), "{:?}", r.failure(0));
        assert!(!r.closed, "the connection is good for other messages");
    }
    // Offered in clear it protects nothing.
    let mut r = Run::with(client(needs(false, true), |_| ()));
    r.say("220 hi\r\n", HELLO);
    r.say("250-x\r\n250 REQUIRETLS\r\n", "");
    assert!(r.failure(0).text.starts_with("5.7.30"));
}

#[test]
fn a_small_message_goes_out_in_three_writes() {
    let mut r = Run::new(&["a@x.example"], |_| ());
    r.say("220 hi\r\n", HELLO);
    r.say("250-x\r\n250 PIPELINING\r\n", &format!("{MAIL}\r\nRCPT TO:<a@x.example>\r\nDATA\r\n"));
    r.say("250 x\r\n250 x\r\n354 x\r\n", "hi\r\n.\r\n");
}

/// 354, then nothing more: before the dot is out nothing can have arrived.
#[test]
fn a_server_that_goes_after_354_has_nothing() {
    let mut r = Run::new(&["a@x.example"], |_| ());
    r.client.input(Tick(0), UP_TO_354.as_bytes());
    r.client.end_of_input(Tick(0));
    r.take();
    assert!(r.closed && !r.failure(0).permanent && !r.failure(0).maybe_delivered);
}

/// After the dot nobody knows but the server: garbage, an end or a wrong answer must lose nothing.
#[test]
fn after_the_dot_only_a_clear_answer_decides() {
    for (answer, permanent, maybe) in [
        ("250 2.0.0 taken\r\n", None, false),
        ("554 5.6.0 no\r\n", Some(true), false),
        ("451 4.3.0 later\r\n", Some(false), false),
        ("garbage\r\n", Some(false), true),
        ("\0\r\n", Some(false), true),
        ("354 go on\r\n", Some(false), true),
        ("25", Some(false), true),
        ("250-one\r\n251 other\r\n", Some(false), true),
        ("", Some(false), true),
    ] {
        let mut r = Run::new(&["a@x.example"], |_| ());
        r.client.input(Tick(0), UP_TO_354.as_bytes());
        r.take();
        r.client.input(Tick(0), answer.as_bytes());
        r.client.end_of_input(Tick(0));
        r.take();
        let failure = r.outcomes[0].result.as_ref().err();
        assert_eq!(failure.map(|f| f.permanent), permanent, "{answer:?}");
        assert_eq!(failure.is_some_and(|f| f.maybe_delivered), maybe, "{answer:?}");
    }
}

/// A flood of lines after the dot is an end like any other.
#[test]
fn an_endless_answer_to_the_dot_is_left_and_nothing_is_lost() {
    let mut r = Run::new(&["a@x.example"], |_| ());
    r.client.input(Tick(0), UP_TO_354.as_bytes());
    r.take();
    r.client.input(Tick(0), &b"250-more\r\n".repeat(10_000));
    r.take();
    assert!(r.closed && r.failure(0).maybe_delivered && r.failure(0).text.contains("troppo lunga"));
}

#[test]
fn what_a_server_says_is_cleaned_and_cut_before_people_see_it() {
    let mut r = Run::new(&["a@x.example"], |_| ());
    let said = format!("550 5.1.1 no\u{202e}\u{2066}\u{200b}\u{1b}[31m\u{85} {}\r\n", "è".repeat(2_000));
    r.client.input(Tick(0), b"220 hi\r\n250 x\r\n250 x\r\n");
    r.take();
    r.client.input(Tick(0), said.as_bytes());
    r.take();
    let text = &r.failure(0).text;
    assert!(text.chars().count() <= 501 && text.ends_with('…'), "{}", text.len());
    assert!(text.starts_with("550 5.1.1 no    [31m"), "{text}");
    assert!(!text.chars().any(|c| c.is_control() || "\u{202e}\u{2066}\u{200b}".contains(c)), "{text:?}");
}

/// A server that says "later" each time is believed each time, and never counts as a refusal.
#[test]
fn later_for_hours_is_still_later() {
    let mut r = Run::new(&["a@x.example"], |_| ());
    r.client.input(Tick(0), b"220 hi\r\n250 x\r\n");
    r.take();
    for turn in 0..100 {
        r.say("451 4.7.1 greylisted\r\n", "");
        assert!(!r.failure(0).permanent && !r.closed, "{turn}");
        assert!(r.client.next(envelope(&["a@x.example"]), Tick(turn)));
        r.take();
    }
}
