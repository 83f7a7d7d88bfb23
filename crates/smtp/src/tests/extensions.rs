//! Transcripts of SMTPUTF8 (RFC 6531), DSN (RFC 3461) and REQUIRETLS (RFC 8689) at reception; what submission does not
//! take of them is in `server`.

use sigillo_base::Address;

use super::server::{reception, submission};
use super::stub::address;
use crate::dsn::{Notify, OriginalRecipient, Ret};
use crate::server::{Action, MailFrom, RcptTo};

#[test]
fn utf_8_stands_in_paths_once_mail_said_so() {
    let s = reception(
        "C: MAIL FROM:<è@x.example>
        S: 553 5.6.7 …
        C: MAIL FROM:<a@bücher.example>
        S: 553 5.6.7 …
        C: MAIL FROM:<a@x.example> SMTPUTF8=1
        S: 501 5.5.4 …
        C: MAIL FROM:<a@x.example>
        S: 250 2.1.0 Ok
        C: RCPT TO:<è@x.example>
        S: 553 5.6.7 …
        C: RSET
        S: 250 2.0.0 Ok
        C: MAIL FROM:<è@bücher.example> BODY=8BITMIME SMTPUTF8
        S: 250 2.1.0 Ok
        C: RCPT TO:<è@x.example>
        S: 250 2.1.5 Ok
        C: RSET
        S: 250 2.0.0 Ok
        C: MAIL FROM:<a@x.example>
        S: 250 2.1.0 Ok
        C: RCPT TO:<è@x.example>
        S: 553 5.6.7 …",
    );
    let from = Some(Address::parse_utf8("è@bücher.example").unwrap());
    let said = MailFrom { from, eight_bit: true, utf8: true, ..MailFrom::default() };
    assert!(s.actions.contains(&Action::Mail(said)));
    assert_eq!(s.actions.iter().filter(|a| matches!(a, Action::Rcpt(_))).count(), 1);
}

#[test]
fn wishes_for_reports_are_read_strictly_and_handed_on() {
    let s = reception(
        "C: MAIL FROM:<a@x.example> RET=ALL
        S: 501 5.5.4 …
        C: MAIL FROM:<a@x.example> ENVID=+0D+0A
        S: 501 5.5.4 …
        C: MAIL FROM:<a@x.example> RET=FULL RET=HDRS
        S: 501 5.5.4 …
        C: MAIL FROM:<a@x.example> RET=hdrs ENVID=QQ+2B1
        S: 250 2.1.0 Ok
        C: RCPT TO:<b@x.example> NOTIFY=NEVER,FAILURE
        S: 501 5.5.4 …
        C: RCPT TO:<b@x.example> NOTIFY
        S: 501 5.5.4 …
        C: RCPT TO:<b@x.example> ORCPT=rfc822;a+0Ab
        S: 501 5.5.4 …
        C: RCPT TO:<b@x.example> RET=FULL
        S: 555 5.5.4 …
        C: RCPT TO:<b@x.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c+2Bd@y.example
        S: 250 2.1.5 Ok",
    );
    let mail = MailFrom {
        from: Some(address("a@x.example")),
        ret: Some(Ret::Headers),
        envid: Some("QQ+1".into()),
        ..MailFrom::default()
    };
    let rcpt = RcptTo {
        address: address("b@x.example"),
        notify: Some(Notify { success: true, failure: false, delay: true }),
        orcpt: Some(OriginalRecipient { kind: "rfc822".into(), address: "c+d@y.example".into() }),
    };
    assert_eq!(s.actions, [Action::Mail(mail), Action::Rcpt(rcpt)]);
}

#[test]
fn requiretls_is_offered_and_taken_inside_tls_only() {
    let s = reception(
        "C: MAIL FROM:<a@x.example> REQUIRETLS
        S: 530 5.7.0 …
        C: STARTTLS
        S: 220 2.0.0 …
        C: EHLO b.example
        S: 250-mx.alfa.example
        S: 250-PIPELINING
        S: 250-SIZE …
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-DSN
        S: 250-REQUIRETLS
        S: 250-CHUNKING
        S: 250-LIMITS RCPTMAX=1000
        S: 250 ENHANCEDSTATUSCODES
        C: MAIL FROM:<a@x.example> REQUIRETLS=yes
        S: 501 5.5.4 …
        C: MAIL FROM:<a@x.example> REQUIRETLS
        S: 250 2.1.0 Ok",
    );
    assert!(matches!(s.actions.last(), Some(Action::Mail(MailFrom { require_tls: true, .. }))));
    let s = submission("C: MAIL FROM:<anna@alfa.example> REQUIRETLS\nS: 250 2.1.0 Ok");
    assert!(matches!(s.actions.last(), Some(Action::Mail(MailFrom { require_tls: true, .. }))));
}
