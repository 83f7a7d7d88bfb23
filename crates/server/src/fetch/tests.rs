pub(crate) mod peer;

use std::process::{Child, Command, Stdio};

use super::*;
use crate::tls;
use peer::{Certificates, Peer, ok};

/// A client that trusts an authority and shows nothing.
fn stranger(of: &Certificates) -> Fetch {
    Fetch::new(tls::client_config(tls::certificates(&of.ca()).unwrap()).unwrap(), 1000)
}

/// A client that trusts `of` and shows the certificate of a client of `who`.
fn known(of: &Certificates, who: &Certificates) -> Fetch {
    let (certificate, key) = (who.path("client", "pem"), who.path("client", "key"));
    let tls = tls::known_client_config(tls::certificates(&of.ca()).unwrap(), &certificate, &key);
    Fetch::new(tls.unwrap(), 1000)
}

async fn error(fetch: &Fetch, url: &Url) -> String {
    let error = format!("{:#}", fetch.get(url).await.unwrap_err());
    assert!(error.contains(&url.to_string()), "names the address: {error}");
    error
}

#[test]
fn addresses() {
    let url = |text: &str| text.parse::<Url>();
    for bad in
        ["", "igpec.example", "ftp://a.example/x", "https:///x", "http://a:b@c.example/", "https://", "/x", "a b"]
    {
        assert!(url(bad).is_err(), "{bad:?}");
    }
    let six = url("https://[::1]:8443/a?b=c").unwrap();
    assert_eq!((six.host(), six.port(), six.is_https()), ("::1", 8443, true));
    assert_eq!(url("http://a.example").unwrap().port(), 80);
    assert_eq!(url("HTTPS://a.example/x").unwrap().port(), 443);
}

#[test]
fn a_redirection_stays_with_its_host_and_under_tls() {
    let from: Url = "https://igpec.example/a/b.p7m".parse().unwrap();
    let to = |location: &str| from.redirected(location).map(|url| url.to_string()).map_err(|e| e.to_string());
    assert_eq!(to("/c?d").unwrap(), "https://igpec.example/c?d");
    assert_eq!(to("https://IGPEC.example:443/c").unwrap(), "https://IGPEC.example:443/c");
    for bad in [
        "https://altro.example/c",
        "https://igpec.example:8443/c",
        "http://igpec.example/c",
        "//altro.example/c",
        "c",
        "",
        "ftp://igpec.example/",
    ] {
        assert!(to(bad).is_err(), "{bad:?}");
    }
    let plain: Url = "http://igpec.example/".parse().unwrap();
    assert!(plain.redirected("https://igpec.example/").is_ok(), "into TLS is no loss");
}

#[tokio::test]
async fn it_gets_what_is_there() {
    let peer = Peer::plain().await;
    peer.answer("/crl?x=1", ok("application/pkix-crl", b"lista"));
    let fetch = stranger(&Certificates::new());
    let answer = fetch.get(&peer.url("/crl?x=1")).await.unwrap();
    assert_eq!((answer.content_type.as_deref(), answer.body.as_slice()), (Some("application/pkix-crl"), &b"lista"[..]));
    let request = peer.requests.lock()[0].to_lowercase();
    assert!(request.starts_with("get /crl?x=1 http/1.1\r\nhost: localhost:"), "{request}");

    peer.answer("/1.0", "HTTP/1.0 200 ok\r\n\r\nfino alla fine");
    assert_eq!(fetch.get(&peer.url("/1.0")).await.unwrap().body, b"fino alla fine");
    peer.answer("/chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nuno\r\n3\r\ndue\r\n0\r\n\r\n");
    assert_eq!(fetch.get(&peer.url("/chunks")).await.unwrap().body, b"unodue");
    peer.answer("/here", "HTTP/1.1 302 Found\r\nLocation: /chunks\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(fetch.get(&peer.url("/here")).await.unwrap().body, b"unodue");
}

#[tokio::test]
async fn what_is_no_whole_answer_in_time_and_size_is_an_error() {
    let peer = Peer::plain().await;
    let house = Certificates::new();
    let fetch = stranger(&house).patience(Duration::from_secs(20));
    let hasty = stranger(&house).patience(Duration::from_millis(700));
    for (path, answer, says) in [
        ("/404", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404 Not Found"),
        ("/204", "HTTP/1.1 204 No Content\r\n\r\n", "204"),
        ("/half", "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nmezza", "non è arrivata intera"),
        ("/half-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nmezzo\r\n", "non è arrivata intera"),
        ("/large", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "più di 1000 byte"),
        ("/other", "HTTP/1.1 301 Moved\r\nLocation: http://altro.example/\r\n\r\n", "altro.example"),
        ("/round", "HTTP/1.1 302 Found\r\nLocation: /round\r\n\r\n", "più di 3 volte"),
        ("/nowhere", "HTTP/1.1 302 Found\r\n\r\n", "302"),
        ("/no-http", "220 mx.example ESMTP\r\n", "nessuna risposta"),
    ] {
        peer.answer(path, answer);
        let error = error(&fetch, &peer.url(path)).await;
        assert!(error.contains(says), "{path}: {error}");
    }
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(1001));
    peer.answer("/endless", endless);
    assert!(error(&fetch, &peer.url("/endless")).await.contains("più di 1000 byte"));
    assert!(error(&hasty, &peer.url("/never")).await.contains("nessuna risposta intera"));
    let nobody: Url = "http://127.0.0.1:1/x".parse().unwrap();
    assert!(error(&fetch, &nobody).await.contains("connessione non riuscita"));
}

#[tokio::test]
async fn a_body_is_sent_once_and_never_elsewhere() {
    let peer = Peer::plain().await;
    let fetch = stranger(&Certificates::new());
    peer.answer("/tsa", ok("application/timestamp-reply", b"marca"));
    let answer = fetch.post(&peer.url("/tsa"), "application/timestamp-query", b"richiesta".to_vec()).await.unwrap();
    assert_eq!(answer.body, b"marca");
    let request = peer.requests.lock()[0].to_lowercase();
    assert!(request.starts_with("post /tsa http/1.1\r\n") && request.ends_with("\r\n\r\nrichiesta"), "{request}");
    assert!(request.contains("content-type: application/timestamp-query\r\n"), "{request}");
    peer.answer("/taken", "HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(fetch.post(&peer.url("/taken"), "text/plain", b"x".to_vec()).await.unwrap().body, b"");
    peer.answer("/moved", "HTTP/1.1 307 Temporary Redirect\r\nLocation: /tsa\r\nContent-Length: 0\r\n\r\n");
    let moved = fetch.post(&peer.url("/moved"), "text/plain", Vec::new()).await.unwrap_err();
    assert!(format!("{moved:#}").contains("rimanda a /tsa"), "{moved:#}");
}

#[tokio::test]
async fn both_sides_show_who_they_are() {
    let (house, foreign) = (Certificates::new(), Certificates::new());
    let peer = Peer::tls(house.server()).await;
    peer.answer("/i.p7m", ok("application/pkcs7-mime", b"indice"));
    let url = peer.url("/i.p7m");
    assert_eq!(known(&house, &house).get(&url).await.unwrap().body, b"indice");
    for (fetch, why) in [
        (stranger(&house), "no certificate"),
        (known(&house, &foreign), "a stranger's certificate"),
        (known(&foreign, &house), "a server that leads to no root"),
    ] {
        let error = error(&fetch, &url).await;
        assert!(peer.requests.lock().len() == 1, "{why}: nothing was asked");
        assert!(error.contains("TLS") || error.contains("fatal alert"), "{why}: {error}");
    }
    let elsewhere: Url = url.to_string().replace("localhost", "127.0.0.1").parse().unwrap();
    assert!(error(&known(&house, &house), &elsewhere).await.contains("TLS non riuscito"), "another name");
}

struct Foreign(Child);

impl Drop for Foreign {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn openssl_serves_to_who_shows_a_certificate() {
    let house = Certificates::new();
    std::fs::write(house.path("index", "p7m"), b"\x30\x00binario\r\n\xff").unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let accept = format!("127.0.0.1:{port}");
    let arguments = ["s_server", "-accept", &accept, "-cert", "server.pem", "-key", "server.key", "-CAfile", "ca.pem"];
    let _server = Foreign(
        Command::new("openssl")
            .args(arguments)
            .args(["-Verify", "1", "-verify_return_error", "-WWW", "-quiet"])
            .current_dir(house.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl must be installed to run these tests"),
    );
    let url: Url = format!("https://localhost:{port}/index.p7m").parse().unwrap();
    let fetch = known(&house, &house);
    let mut answer = fetch.get(&url).await;
    for _ in 0..100 {
        if !answer.as_ref().is_err_and(|e| format!("{e:#}").contains("connessione non riuscita")) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        answer = fetch.get(&url).await;
    }
    assert_eq!(answer.unwrap().body, b"\x30\x00binario\r\n\xff");
    let refused = error(&stranger(&house), &url).await;
    assert!(refused.contains("ertificate") || refused.contains("risposta"), "{refused}");
}
