//! The authority for time-stamps that other tests use, asked by hand.

#![allow(clippy::expect_used, reason = "a test: what cannot be asked is a failure")]

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use sigillo_base::Timestamp;
use sigillo_server::clock::ServiceClock;
use sigillo_server::fetch::Fetch;
use sigillo_server::housekeeping;
use sigillo_server::net::Pool;
use sigillo_server::tsa::{MAX_REPLY, Tsa as Client};
use sigillo_smime::timestamp::{request, response};
use sigillo_smime::{Error, Trust, sha256};
use sigillo_tests::demo::{run, wait_for};
use sigillo_tests::fixtures;
use sigillo_tests::house::{House, Known};
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
    assert_eq!((ask(&tsa.url(), &query(1)), tsa.refused()), ((503, vec![]), 1));
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

#[test]
fn closed_segments_of_the_legal_log_are_stamped_and_openssl_believes_it() {
    let (folder, tsa) = (tempfile::tempdir().expect("a folder"), Tsa::start(&fixtures::authority()));
    sigillo_server::tls::install();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let tls = sigillo_server::tls::client_config(vec![fixtures::authority().certificate().der().to_vec().into()]);
    let fetch = Fetch::new(tls.expect("a client"), MAX_REPLY);
    let authority = Client { url: tsa.url().parse().expect("an address"), fetch };
    let stamper = authority.stamper(Trust::new(vec![tsa.anchor()], Vec::new()));
    // A day of service time in less than three seconds.
    let clock = Arc::new(ServiceClock::open(folder.path(), 36_000.0).expect("a clock"));
    let house = House::new(fixtures::alfa(), 1, &Known::fixtures(), clock.now());
    let engine = Arc::clone(house.engine());
    let (down, heard) = tokio::sync::watch::channel(false);
    tsa.refuse(true);
    let keep = housekeeping::run(Arc::clone(&engine), Pool::new(2), Arc::clone(&clock), Some(stamper), heard);
    let task = runtime.spawn(keep);
    let closed = wait_for("a closed segment, and a refusal", Duration::from_secs(60), || {
        clock.keep().expect("the clock's file");
        engine.unstamped_segments(1).expect("the log").pop().filter(|_| tsa.refused() > 0)
    });
    let stamped = engine.ledger().stamp(closed.number).expect("the log");
    assert!(stamped.is_none(), "a refusal leaves it unstamped, and nothing else waits");
    tsa.refuse(false);
    let token = wait_for("a stamp", Duration::from_secs(60), || {
        clock.keep().expect("the clock's file");
        engine.ledger().stamp(closed.number).expect("the log")
    });
    down.send_replace(true);
    runtime.block_on(task).expect("the end");
    let mut file = Vec::new();
    engine.export_segment(closed.number, &mut |bytes| file.extend_from_slice(bytes)).expect("the file");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("segment.log"), file).expect("written");
    std::fs::write(path("segment.tsr"), token).expect("written");
    std::fs::write(path("ca.pem"), tsa.anchor().to_pem()).expect("written");
    let (data, token, ca) = (path("segment.log"), path("segment.tsr"), path("ca.pem"));
    let verify = ["ts", "-verify", "-data", &data, "-in", &token, "-token_in", "-CAfile", &ca];
    run("openssl", &verify, &[], 20).fine("openssl ts -verify");
}
