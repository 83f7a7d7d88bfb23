//! LOGIN, AUTHENTICATE, STARTTLS.

use super::*;

#[test]
fn no_login_in_the_open() {
    let mut client = Client::new(false);
    client.script(
        "S: * OK [CAPABILITY IMAP4rev2 IMAP4rev1 …STARTTLS LOGINDISABLED] Sigillo
         C: a LOGIN anna pw
         S: a NO [PRIVACYREQUIRED] …
         C: b AUTHENTICATE PLAIN
         S: b NO [PRIVACYREQUIRED] …
         C: c LOGIN {4}
         S: c NO [PRIVACYREQUIRED] …
         C> d LOGIN {4+}\\r\\nanna {2+}\\r\\npw\\r\\n
         S: d NO [PRIVACYREQUIRED] …
         C: e SELECT INBOX
         S: e BAD …
         # What is pipelined behind STARTTLS was sent in the open, and is not obeyed.
         C> f STARTTLS\\r\\ng CAPABILITY\\r\\n
         S: f OK …
         C: h CAPABILITY
         S: * CAPABILITY …AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN
         S: h OK …
         C: i LOGIN anna pw
         S: i OK [CAPABILITY …] …
         C: j STARTTLS
         S: j BAD …",
    );
    assert!(client.server.is_tls());
    assert_eq!(client.server.user(), Some("anna"));
}

/// The proof was reckoned by another program (Python's hashlib).
#[test]
fn logging_in_by_scram() {
    let ask = "AUTHENTICATE SCRAM-SHA-256";
    let mut client = Client::new(true);
    client.script(&format!(
        "S: * OK …
         C: a {ask} biwsbj1naG9zdCxyPXg=
         S: + …
         C: Yz1iaXdzLHI9eE5PTkNFLHA9enlkWTdoMExsL1pHaHBhajBid0hwQ0VzZ3M2dmhmNTZDMVZvcUErTE96Yz0=
         S: a NO [AUTHENTICATIONFAILED] …
         C: b {ask}-PLUS biwsbj1hbm5hLHI9eA==
         S: b NO …
         C: c {ask}
         S: +…
         C: biwsbj1hbm5hLHI9eA==
         S: + cj14Tk9OQ0Uscz1NREV5TXpRMU5qYzRPV0ZpWTJSbFpnPT0saT00MDk2
         C: Yz1iaXdzLHI9eE5PTkNFLHA9enlkWTdoMExsL1pHaHBhajBid0hwQ0VzZ3M2dmhmNTZDMVZvcUErTE96Yz0=
         S: + dj1QODUvNSs0WDhnK0JtMUVxeUFseDBXTDl2MVR2dkUyZGxIUG1VTUJoT2V3PQ==
         C:
         S: c OK [CAPABILITY …",
    ));
    assert_eq!(client.server.user(), Some("anna"));
}

#[test]
fn what_a_login_can_be_bound_to_stands_in_the_greeting() {
    let mut server = Server::new(Config::default(), true, Tick(0));
    server.bind(Binding { exporter: Some(vec![1; 32]), end_point: None });
    let said = |server: &mut Server| match server.poll() {
        Some(Action::Write(bytes)) => String::from_utf8(bytes).unwrap(),
        other => panic!("{other:?}"),
    };
    assert!(said(&mut server).contains("AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256 "));
    server.input(Tick(0), b"a AUTHENTICATE SCRAM-SHA-256 eSwsbj1hbm5hLHI9eA==\r\n");
    assert!(said(&mut server).starts_with("a NO [AUTHENTICATIONFAILED] "), "somebody hid the offer");
}

#[test]
fn logging_in() {
    let mut client = Client::new(true);
    client.script(
        "S: * OK …AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN] Sigillo
         C: a LOGIN anna wrong
         S: a NO [AUTHENTICATIONFAILED] …
         C: b LOGIN rotto pw
         S: b NO [UNAVAILABLE] …
         C: c AUTHENTICATE PLAIN
         S: +…
         C: *
         S: c BAD …
         C: d AUTHENTICATE GSSAPI
         S: d NO …
         C: e AUTHENTICATE PLAIN
         S: +…
         C: AGFubmEAcHc=
         S: e OK [CAPABILITY IMAP4rev2 IMAP4rev1 …
         C: f LOGIN anna pw
         S: f BAD …
         C: g LOGOUT
         S: * BYE …
         S: g OK …",
    );
    assert!(client.closed);
    let mut client = Client::new(true);
    client.script("S: * OK …\nC: a AUTHENTICATE PLAIN AGFubmEAcHc=\nS: a OK …");
    let mut client = Client::new(true);
    client.script("S: * OK …\nC: a LOGIN {4}\nS: + …\nC: anna \"pw\"\nS: a OK …");
    let mut client = Client::new(true);
    client.script("S: * OK …");
    for i in 0..5 {
        assert!(!client.closed, "{i}");
        client.ask("a LOGIN anna no");
    }
    assert!(client.closed);
}

#[test]
fn what_is_no_exchange_is_refused_and_another_may_follow() {
    let mut client = Client::new(true);
    client.script(
        "S: * OK …
         C: a AUTHENTICATE PLAIN
         S: +…
         C: !!!
         S: a BAD …
         C: b AUTHENTICATE PLAIN =
         S: b BAD …
         C: c AUTHENTICATE PLAIN AGFubmEAcHc
         S: c BAD …
         C: d AUTHENTICATE SCRAM-SHA-256 biwsbj1hbm5hLHI9eA==
         S: + …
         C: *
         S: d BAD …
         C: e AUTHENTICATE LOGIN
         S: +…
         C: YW5uYQ==
         S: +…
         C: *
         S: e BAD …
         C: f AUTHENTICATE OAUTHBEARER bixhPWFubmEsAWF1dGg9QmVhcmVyIGdvb2QBAQ==
         S: f NO …
         C: g AUTHENTICATE LOGIN YW5uYQ==
         S: +…
         C: cHc=
         S: g OK [CAPABILITY IMAP4rev2 IMAP4rev1 …",
    );
    assert_eq!(client.server.user(), Some("anna"));
}

#[test]
fn tokens_are_taken_where_somebody_knows_them() {
    let mut client = Client::with(Toy::new(), Config { bearer: true, ..Config::default() }, true);
    client.script(
        "S: * OK …AUTH=OAUTHBEARER AUTH=XOAUTH2] Sigillo
         C: a AUTHENTICATE OAUTHBEARER bixhPWFubmEsAWF1dGg9QmVhcmVyIGJhZAEB
         S: + …
         C: AQ==
         S: a NO [AUTHENTICATIONFAILED] …
         C: b AUTHENTICATE OAUTHBEARER bixhPWFubmEsAWF1dGg9QmVhcmVyIGdvb2QBAQ==
         S: b OK [CAPABILITY IMAP4rev2 IMAP4rev1 …",
    );
    assert_eq!(client.server.user(), Some("anna"));
}

/// RFC 7628 §3.2.3; RFC 3501 §6.2.2 for the answers.
#[test]
fn a_bad_token_is_a_failed_login_however_its_bearer_goes_on() {
    let mut client = Client::with(Toy::new(), Config { bearer: true, ..Config::default() }, true);
    client.script(
        "S: * OK …
         C: a AUTHENTICATE OAUTHBEARER bixhPWFubmEsAWF1dGg9QmVhcmVyIGJhZAEB
         S: + eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=
         C: *
         S: a BAD Authentication cancelled
         C: b AUTHENTICATE OAUTHBEARER bixhPWFubmEsAWF1dGg9QmVhcmVyIGJhZAEB
         S: + …
         C: !!
         S: b BAD Malformed SASL response
         C: c AUTHENTICATE OAUTHBEARER bixhPWFubmEsAWF1dGg9QmVhcmVyIGJhZAEB
         S: + …
         C> \\0\\r\\n
         S: c BAD Malformed SASL response
         C: d AUTHENTICATE OAUTHBEARER bixhPWFubmEsAWF1dGg9QmVhcmVyIGJhZAEB
         S: + …
         C: AQ==
         S: d NO [AUTHENTICATIONFAILED] …
         # Who gives up before anything was judged has not failed.
         C: e AUTHENTICATE OAUTHBEARER
         S: +…
         C: *
         S: e BAD …",
    );
    assert!(!client.closed, "four have failed");
    client.ask("f AUTHENTICATE OAUTHBEARER bixhPWFubmEsAWF1dGg9QmVhcmVyIGJhZAEB");
    let said = client.ask("*");
    assert!(said.starts_with("f BAD ") && said.contains("* BYE ") && client.closed, "{said}");
}

/// The driver is asked for the answer, which it may hold back, and hears that there is nothing to count any more.
#[test]
fn the_answer_to_who_cancels_a_bad_token_is_the_drivers_to_give() {
    let mut server = Server::new(Config { bearer: true, ..Config::default() }, true, Tick(0));
    server.input(Tick(0), b"a AUTHENTICATE OAUTHBEARER bixhPWFubmEsAWF1dGg9QmVhcmVyIGJhZAEB\r\n*\r\nb NOOP\r\n");
    assert!(matches!(server.poll(), Some(Action::Write(_))));
    assert!(matches!(server.poll(), Some(Action::Lookup(_))));
    server.token(None, Tick(0));
    assert!(matches!(server.poll(), Some(Action::Write(_))));
    let claim = Claim::BadToken { user: "anna".into(), error: Some(SaslError::Cancelled) };
    assert_eq!(server.poll(), Some(Action::Login(claim)));
    assert_eq!((server.poll(), server.deadline()), (None, None), "nothing is answered, or heard, meanwhile");
    server.logged_in(Err(LoginRefusal::Credentials), Tick(0));
    let said = server.poll();
    assert_eq!(said, Some(Action::Write(b"a BAD Authentication cancelled\r\nb OK NOOP completed\r\n".to_vec())));
}

#[test]
fn a_login_that_is_not_wanted_is_told_why_by_its_code() {
    for (user, code) in [("bloccata", "CONTACTADMIN"), ("scaduta", "EXPIRED"), ("estranea", "AUTHORIZATIONFAILED")] {
        let mut client = Client::new(true);
        client.script(&format!("S: * OK …\nC: a LOGIN {user} pw\nS: a NO [{code}] Rivolgersi a noi"));
    }
}

#[test]
fn a_connection_changes_hands() {
    let mut client = selected();
    client.server.withhold(["MOVE".to_owned()]);
    client.now = Tick(50_000);
    client.script(
        "C: a ENABLE QRESYNC
         S: * ENABLED QRESYNC
         S: * OK [HIGHESTMODSEQ 3] …
         S: a OK …
         C: b UNAUTHENTICATE
         S: b OK [CAPABILITY IMAP4rev2 IMAP4rev1 …MOVE …AUTH=PLAIN …
         C: c FETCH 1 FLAGS
         S: c BAD …
         C: d LIST \"\" *
         S: d BAD …
         C: e UNAUTHENTICATE
         S: e BAD …",
    );
    assert_eq!((client.server.user(), client.server.listens()), (None, false));
    assert!(!client.log.contains(&"expanded".to_owned()), "nothing was compressed");
    assert_eq!(client.log.last().map(String::as_str), Some("logged out"));
    assert_eq!(client.server.deadline(), Some(Tick(230_000)), "who has no name has little time");
    client.script(
        "C: f LOGIN anna pw
         S: f OK [CAPABILITY IMAP4rev2 IMAP4rev1 …UNAUTHENTICATE…
         C: g SELECT INBOX (QRESYNC (7 1))
         S: g BAD …",
    );
}

/// RFC 8437 §4.1: what comes next is not compressed.
#[test]
fn compression_ends_with_the_login() {
    let mut client = two();
    client.script(
        "C: a COMPRESS DEFLATE
         S: a OK …
         C> b UNAUTHENTICATE\\r\\nc NOOP\\r\\n
         S: b OK [CAPABILITY …
         C: d LOGIN anna pw
         S: d OK …
         C: e COMPRESS DEFLATE
         S: e OK …",
    );
    assert_eq!(client.log, ["compressed", "logged out", "expanded", "compressed"]);
}

/// RFC 8437 §3, §8: not announced, it is no command.
#[test]
fn a_connection_that_may_not_change_hands_does_not() {
    let mut client = Client::with(Toy::new(), Config::default(), true);
    client.server.withhold(["UNAUTHENTICATE".to_owned()]);
    client.script(
        "S: * OK …
         C: a LOGIN anna pw
         S: a OK …
         C: b UNAUTHENTICATE
         S: b BAD …
         C: c STATUS INBOX (MESSAGES)
         S: * STATUS INBOX (MESSAGES 0)
         S: c OK …",
    );
}
