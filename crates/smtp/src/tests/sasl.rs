//! Transcripts of AUTH with SCRAM-SHA-256 and OAUTHBEARER. The proofs were reckoned by another program (Python's hashlib).

use sigillo_base::Address;
use sigillo_wire::sasl::{Binding, Claim, SaslError, ScramKeys};
use sigillo_wire::{Session, Tick};

use super::stub::Scripted;
use crate::Reply;
use crate::server::{Action, MAX_HELD, Role};

pub(super) const FIRST: &str = "biwsbj1hbm5hLHI9eA==";
pub(super) const GHOST: &str = "biwsbj1naG9zdCxyPXg=";
pub(super) const FINAL: &str = "Yz1iaXdzLHI9eE5PTkNFLHA9enlkWTdoMExsL1pHaHBhajBid0hwQ0VzZ3M2dmhmNTZDMVZvcUErTE96Yz0=";
pub(super) const WRONG: &str = "Yz1iaXdzLHI9eE5PTkNFLHA9QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQT0=";

fn submission(script: &str) -> Scripted {
    let mut s = Scripted::new(Role::SubmissionTls, |c| (c.bearer, c.auth_attempts) = (true, 9));
    s.run(&format!("S: 220 …\nC: EHLO b\nS+ 250\n{script}"));
    s
}

#[test]
fn scram_proves_both_sides() {
    let s = submission(&format!(
        "C: AUTH SCRAM-SHA-256
        S: 334 
        C: {FIRST}
        S: 334 cj14Tk9OQ0Uscz1NREV5TXpRMU5qYzRPV0ZpWTJSbFpnPT0saT00MDk2
        C: {FINAL}
        S: 334 dj1QODUvNSs0WDhnK0JtMUVxeUFseDBXTDl2MVR2dkUyZGxIUG1VTUJoT2V3PQ==
        C:
        S: 235 2.7.0 …
        C: MAIL FROM:<anna@alfa.example>
        S: 250 2.1.0 Ok"
    ));
    assert_eq!(s.server.user(), Some("anna"));
    submission(&format!(
        "C: AUTH SCRAM-SHA-256 {FIRST}
        S: 334 …
        C: {WRONG}
        S: 535 5.7.8 Wrong
        C: AUTH SCRAM-SHA-256 {GHOST}
        S: 334 …
        C: {FINAL}
        S: 535 5.7.8 Wrong
        C: AUTH SCRAM-SHA-256 {FIRST}
        S: 334 …
        C: *
        S: 501 5.0.0 …
        C: AUTH SCRAM-SHA-256 {FIRST}
        S: 334 …
        C: {FINAL}
        S: 334 …
        C: AAAA
        S: 501 5.5.2 …
        C: AUTH SCRAM-SHA-256-PLUS {FIRST}
        S: 504 5.5.4 …
        C: MAIL FROM:<anna@alfa.example>
        S: 530 5.7.0 …"
    ));
}

#[test]
fn the_offer_follows_the_channel_and_hiding_it_is_noticed() {
    let mut s = Scripted::new(Role::Submission, |_| ());
    s.run("S: 220 …\nC: EHLO b\nS+ 250\nC: STARTTLS\nS: 220 …");
    s.server.bind(Binding { exporter: Some(vec![7; 32]), end_point: None });
    s.run(
        "C: EHLO b
        S: 250-…
        S: 250-PIPELINING
        S: 250-SIZE …
        S: 250-AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN
        S: 250-REQUIRETLS
        S: 250-CHUNKING
        S: 250-LIMITS …
        S: 250 ENHANCEDSTATUSCODES
        C: AUTH SCRAM-SHA-256 eSwsbj1hbm5hLHI9eA==
        S: 535 5.7.8 Channel…
        C: AUTH SCRAM-SHA-256-PLUS biwsbj1hbm5hLHI9eA==
        S: 535 5.7.8 Channel…",
    );
}

#[test]
fn a_token_is_asked_about() {
    // n,,^Aauth=Bearer good^A^A for anna, then a bad one.
    let s = submission(
        "C: AUTH OAUTHBEARER bixhPWFubmEsAWF1dGg9QmVhcmVyIGdvb2QBAQ==
        S: 235 2.7.0 …",
    );
    assert!(s.actions.contains(&Action::Authenticate(Claim::Token("anna".into()))));
    submission(
        "C: AUTH OAUTHBEARER bixhPWFubmEsAWF1dGg9QmVhcmVyIGJhZAEB
        S: 334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=
        C: AQ==
        S: 535 5.7.8 Wrong",
    );
    let mut s = Scripted::new(Role::SubmissionTls, |_| ());
    s.run("S: 220 …\nC: EHLO b\nS+ 250\nC: AUTH OAUTHBEARER AAAA\nS: 504 5.5.4 …");
}

/// RFC 7628 §3.2.3; RFC 4954 §4 for the answers. The driver is asked for each.
#[test]
fn a_bad_token_is_a_failed_login_however_its_bearer_goes_on() {
    let begin = "C: AUTH OAUTHBEARER bixhPWFubmEsAWF1dGg9QmVhcmVyIGJhZAEB\nS: 334 …\n";
    for (said, answer, error) in [
        ("C: *", "501 5.0.0 …", Some(SaslError::Cancelled)),
        ("C: !!", "501 5.5.2 …", Some(SaslError::Malformed)),
        ("C> \\0\\r\\n", "501 5.5.2 …", Some(SaslError::Malformed)),
        ("C: AQ==", "535 5.7.8 Wrong", None),
    ] {
        let s = submission(&format!("{begin}{said}\nS: {answer}"));
        assert!(s.actions.contains(&Action::Authenticate(Claim::BadToken { user: "anna".into(), error })), "{said}");
    }
    let mut s = Scripted::new(Role::SubmissionTls, |c| (c.bearer, c.auth_attempts) = (true, 2));
    s.run(&format!("S: 220 …\nC: EHLO b\nS+ 250\n{begin}C: *\nS: 501 …\n{begin}C: *\nS: 501 …\nS: 421 4.7.0 …"));
    assert!(s.closed, "each was a failed login");
}

#[test]
fn while_keys_are_looked_up_nothing_is_obeyed_and_a_fault_is_said() {
    let mut s = Scripted::new(Role::SubmissionTls, |_| ());
    s.run("S: 220 …\nC: EHLO b\nS+ 250");
    s.server.input(Tick(0), format!("AUTH SCRAM-SHA-256 {FIRST}\r\nNOOP\r\n").as_bytes());
    assert!(matches!(s.server.poll(), Some(Action::Lookup(_))));
    assert_eq!((s.server.poll(), s.server.deadline()), (None, None));
    s.server.authenticated(None, Reply::new(454, (4, 7, 0), "Later"), Tick(0));
    s.run("S: 454 4.7.0 Later\nS: 250 2.0.0 Ok");
    s.server.keys(ScramKeys::of_nobody(b"s", "u"), "late", Tick(0));
    assert_eq!(s.server.poll(), None, "late answers are ignored");
    s.server.input(Tick(0), format!("AUTH SCRAM-SHA-256 {FIRST}\r\n").as_bytes());
    assert!(matches!(s.server.poll(), Some(Action::Lookup(_))));
    s.server.input(Tick(0), &vec![b'x'; MAX_HELD + 1]);
    s.run("S: 421 4.7.0 …");
    assert!(s.closed);
}

#[test]
fn external_is_offered_to_who_showed_a_certificate_only() {
    let mut s = Scripted::new(Role::SubmissionTls, |c| c.auth_attempts = 9);
    s.server.show(vec![Address::parse("app@alfa.example").unwrap()]);
    s.run(
        "S: 220 …
        C: EHLO b
        S+ 250
        C: AUTH EXTERNAL
        S: 334 
        C: bm9ib2R5QGFsZmEuZXhhbXBsZQ==
        S: 535 5.7.8 …
        C: AUTH EXTERNAL =
        S: 235 2.7.0 …",
    );
    assert_eq!(s.server.user(), Some("app@alfa.example"));
    submission(
        "C: AUTH EXTERNAL =
        S: 504 5.5.4 …",
    );
}
