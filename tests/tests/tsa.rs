//! The authority for time-stamps that other tests use, asked by hand.

#![allow(clippy::expect_used, reason = "a test: what cannot be asked is a failure")]

use std::net::TcpStream;

use sigillo_base::Timestamp;
use sigillo_smime::timestamp::{request, response};
use sigillo_smime::{Error, Trust, sha256};
use sigillo_tests::fixtures;
use sigillo_tests::tsa::{QUERY, Tsa, ask, host, post};

const DATA: &[u8] = b"un giorno del registro";

fn query(nonce: u64) -> Vec<u8> {
    post(QUERY, &request(&sha256(DATA), nonce).expect("a request"))
}

#[test]
fn a_stamp_over_http_is_believed_under_the_anchor() {
    let tsa = Tsa::start(&fixtures::authority());
    let trust = Trust::new(vec![tsa.anchor()], vec![]);
    let mut last = Timestamp::default();
    for nonce in [7, u64::MAX] {
        let (status, body) = ask(&tsa.url(), &query(nonce));
        assert_eq!(status, 200);
        let token = response(&body, &sha256(DATA), nonce).expect("granted");
        let signer = token.verify(&sha256(DATA), &trust).expect("believed");
        assert_eq!(signer.issuer(), tsa.anchor().subject());
        assert!(token.time() >= last && token.accuracy().is_some());
        last = token.time();
    }
    let (_, body) = ask(&tsa.url(), &post(QUERY, b"niente"));
    assert!(matches!(response(&body, &sha256(DATA), 7), Err(Error::Refused(_))), "the command refuses in its own way");
}

#[test]
fn it_refuses_when_told_and_what_is_no_query() {
    let tsa = Tsa::start(&fixtures::authority());
    tsa.refuse(true);
    assert_eq!(ask(&tsa.url(), &query(1)), (503, vec![]));
    tsa.refuse(false);
    assert_eq!(ask(&tsa.url(), &query(1)).0, 200);
    assert_eq!(ask(&tsa.url(), b"GET / HTTP/1.1\r\n\r\n").0, 405);
    assert_eq!(ask(&tsa.url(), &post("text/plain", b"ciao")).0, 415);
    let long = "Content-Length: 99999999\r\n";
    assert_eq!(ask(&tsa.url(), format!("POST / HTTP/1.1\r\nContent-Type: {QUERY}\r\n\r\n").as_bytes()).0, 411);
    assert_eq!(ask(&tsa.url(), format!("POST / HTTP/1.1\r\nContent-Type: {QUERY}\r\n{long}\r\n").as_bytes()).0, 413);
    // Somebody who says nothing and goes away does not stop it.
    drop(TcpStream::connect(host(&tsa.url())));
    assert_eq!(ask(&tsa.url(), &query(2)).0, 200);
}

#[test]
fn nobody_listens_after_the_end() {
    let tsa = Tsa::start(&fixtures::authority());
    let host = host(&tsa.url()).to_owned();
    drop(tsa);
    assert!(TcpStream::connect(host).is_err());
}
