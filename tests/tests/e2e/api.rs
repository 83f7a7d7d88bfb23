//! The administrative interface as programs use it: over TLS, errors in one form, ETag, Idempotency-Key, its own
//! description, extracts for an administration.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sigillo_smime::sha256;
use sigillo_tests::demo::{Guard, Ran, binary, python_with, run, wait_for};

use crate::administration::{COMUNE, ENTE, somebody, two_administrations};
use crate::rates::{ANNA, BRUNO, ask, served};
use crate::serve::Sample;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The value of a header.
    fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find(|l| l.to_ascii_lowercase().starts_with(&format!("{name}: ")))?;
        line.split_once(": ").map(|(_, value)| value.trim())
    }

    fn tag(&self) -> String {
        self.header("etag").unwrap_or_else(|| panic!("no tag: {self:?}")).to_owned()
    }
}

/// A request at the socket, with headers of its own.
pub fn call(sample: &Sample, token: &str, line: &str, head: &[&str], body: &[u8]) -> Answer {
    let mut stream = UnixStream::connect(sample.socket()).expect("the socket");
    let mut text = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n");
    if !head.iter().any(|h| h.to_ascii_lowercase().starts_with("content-type")) {
        text += "Content-Type: application/json\r\n";
    }
    for header in head {
        text += &format!("{header}\r\n");
    }
    text += &format!("Content-Length: {}\r\n\r\n", body.len());
    // Too large a body is refused before all of it is taken; the answer is there all the same.
    drop(stream.write_all(&[text.as_bytes(), body].concat()));
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    // Whoever does not take all of a request resets the connection behind his answer.
    assert!(read.is_ok() || !answer.is_empty(), "no answer: {read:?}");
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{line}: {text}"));
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// A service that is administrated over TLS too, on the port that this gives.
fn with_a_door(per_minute: u32) -> (Sample, Guard, u16) {
    let sample = Sample::new();
    let port = sample.ports.base + 8;
    let text = sample.text().replace("# listen = \"127.0.0.1:8443\"", &format!("listen = \"127.0.0.1:{port}\""));
    let limit = format!("requests_per_minute = {per_minute}");
    let text = text.replace("# requests_per_minute = 3000", &limit);
    assert!(text.contains(&limit) && text.contains(&format!(":{port}")), "the sample shows both");
    sample.write(&text);
    let guard = sample.serve();
    assert!(sample.said().contains(&format!("admin       127.0.0.1:{port}")), "{}", sample.said());
    sample.add(ANNA, "segreta");
    (sample, guard, port)
}

/// A request over TLS, by curl.
fn curl(sample: &Sample, port: u16, token: &str, path: &str) -> (u16, Value) {
    let (ca, url) = (sample.path("prova/ca.pem"), format!("https://127.0.0.1:{port}{path}"));
    let auth = format!("Authorization: Bearer {token}");
    let args =
        ["--silent", "--cacert", &ca.to_string_lossy(), "--header", &auth, "--write-out", "\n%{http_code}", &url];
    let ran = run("curl", &args, b"", 30).fine("curl");
    let (body, status) = ran.out.rsplit_once('\n').expect("a status");
    (status.parse().expect("a number"), serde_json::from_str(body).unwrap_or(Value::Null))
}

fn admin_lines(sample: &Sample, token_file: &str) -> Vec<String> {
    let args = ["log", "show", "--socket", &sample.socket(), "--token-file", token_file];
    let shown = run(binary(), &args, b"", 30).fine("log show").out;
    shown.lines().filter(|l| l.contains("PEC_Admin")).map(str::to_owned).collect()
}

#[test]
fn who_administrates_from_elsewhere_shows_a_token_over_tls() {
    let (sample, _guard, port) = with_a_door(10_000);
    let token = somebody(&sample, "m.rossi", None, &[("supplier-admin", "supplier")]);
    let file = sample.path("m.rossi.token").to_string_lossy().into_owned();
    let ca = sample.path("prova/ca.pem").to_string_lossy().into_owned();
    let url = format!("https://localhost:{port}");
    let far = |more: &[&str]| -> Ran {
        run(binary(), &[more, &["--server", &url, "--token-file", &file, "--json"]].concat(), b"", 30)
    };
    // The command line does the same over it, once it trusts who is there.
    let listed = far(&["mailbox", "list", "--ca-file", &ca]).fine("mailbox list").out;
    assert!(listed.contains(ANNA), "{listed}");
    far(&["mailbox", "block", ANNA, "--reason", "x", "--ca-file", &ca]).fine("mailbox block");
    let strange = far(&["mailbox", "list"]);
    assert!(strange.code != Some(0) && strange.all().contains("--ca-file"), "{}", strange.all());
    let plain = run(binary(), &["status", "--server", &url.replace("https", "http")], b"", 30);
    assert!(plain.code != Some(0) && plain.all().contains("https://host:porta"), "{}", plain.all());
    // Nobody comes in without a token, whoever he is on this machine; nothing is said in clear.
    let (ca, url) = (ca.as_str(), format!("https://127.0.0.1:{port}/v1/status"));
    let nobody = run("curl", &["--silent", "--include", "--cacert", ca, &url], b"", 30).fine("curl").out;
    assert!(nobody.contains("401") && nobody.to_ascii_lowercase().contains("www-authenticate: bearer"), "{nobody}");
    let mut clear = TcpStream::connect(("127.0.0.1", port)).expect("the port");
    clear.write_all(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    let mut said = Vec::new();
    drop(clear.read_to_end(&mut said));
    assert!(!String::from_utf8_lossy(&said).contains("HTTP/1.1"), "in clear: {said:?}");
    // A wrong token is in the legal log with where it came from; the same one again and again locks itself, nobody else.
    let wrong: Vec<u16> = (0..8).map(|_| curl(&sample, port, "sgt_sbagliato", "/v1/mailboxes").0).collect();
    assert_eq!(wrong, [401, 401, 401, 401, 401, 429, 429, 429]);
    assert_eq!(curl(&sample, port, &token, "/v1/mailboxes").0, 200);
    let lines = admin_lines(&sample, &file);
    let has = |text: &str| assert!(lines.iter().any(|line| line.contains(text)), "{text}: {lines:#?}");
    has("PEC_Admin mailbox-read token-errato: da=sconosciuto: metodo=GET: oggetto=/v1/mailboxes: origine=127.0.0.1");
    has(
        "mailbox-block richiesta: da=m.rossi: metodo=PUT: oggetto=/v1/mailboxes/anna@comune-esempio.example/block: credenziale=prova: origine=127.0.0.1",
    );
    assert_eq!(lines.iter().filter(|line| line.contains("token-errato")).count(), 5);
    // From one place only so many wrong ones of whatever kind; who is known there comes in all the same.
    let many: Vec<u16> = (0..60).map(|n| curl(&sample, port, &format!("sgt_{n}"), "/v1/status").0).collect();
    assert!(many.ends_with(&[429, 429]), "{many:?}");
    assert_eq!(curl(&sample, port, &token, "/v1/mailboxes").0, 200);
}

#[test]
fn whoever_asks_too_often_waits_and_whoever_says_nothing_holds_no_place() {
    let (sample, _guard, port) = with_a_door(20);
    let token = somebody(&sample, "m.rossi", None, &[("supplier-admin", "supplier")]);
    let asked: Vec<u16> = (0..40).map(|_| curl(&sample, port, &token, "/v1/openapi.json").0).collect();
    assert_eq!(asked[0], 200);
    assert!(asked.contains(&429), "{asked:?}");
    // The socket is the machine's own.
    assert!((0..40).all(|_| call(&sample, &token, "GET /v1/openapi.json", &[], b"").status == 200));
    // One place has so many connections and no more: those beyond are closed at once.
    let held: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(("127.0.0.1", port)).expect("the port")).collect();
    wait_for("the connections beyond the limit to be closed", Duration::from_secs(20), || {
        let closed = |mut tcp: &TcpStream| {
            tcp.set_read_timeout(Some(Duration::from_millis(10))).expect("a time limit");
            matches!(tcp.read(&mut [0; 1]), Ok(0))
        };
        (held.iter().filter(|tcp| closed(tcp)).count() == 8).then_some(())
    });
}

/// A request with its headers and body; its status, and the field that is wrong.
type Case<'a> = (&'a str, &'a [&'a str], &'a [u8], u16, Option<&'a str>);

#[test]
fn every_refusal_has_one_form() {
    let (sample, _guard) = served();
    let token = somebody(&sample, "m.rossi", None, &[("supplier-admin", "supplier")]);
    let large = vec![b' '; 3 << 20];
    let cases: &[Case<'_>] = &[
        ("POST /v1/tenants", &[], b"{", 400, None),
        ("POST /v1/tenants", &[], b"{\"name\": 5}", 422, Some("name")),
        ("POST /v1/tenants", &[], b"{\"name\": \"a\", \"contacts\": [1]}", 422, Some("contacts[0]")),
        ("POST /v1/tenants", &["Content-Type: text/plain"], b"{}", 415, None),
        ("POST /v1/tenants", &[], &large, 413, None),
        ("DELETE /v1/tenants", &[], b"", 405, None),
        ("GET /v1/altro", &[], b"", 404, None),
        ("GET /v1/tenants/uno/units", &[], b"", 400, None),
        ("GET /v1/reports/blocked-boxes", &[], b"", 400, None),
        ("GET /v1/mailboxes/nessuno@comune-esempio.example", &[], b"", 404, None),
        ("POST /v1/persons/m.rossi/tokens", &[], b"{\"name\": \"x\", \"days\": 0}", 400, Some("days")),
    ];
    for (line, head, body, status, field) in cases {
        let answer = call(&sample, &token, line, head, body);
        let shown = format!("{line}: {} {} {}", answer.status, answer.head, answer.body);
        assert_eq!(answer.status, *status, "{shown}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{shown}");
        let problem = answer.json();
        assert_eq!(problem["status"], *status, "{shown}");
        let instance = problem["instance"].as_str().expect("an instance").to_owned();
        assert!(sample.said().contains(&instance), "the program's log knows it: {instance}");
        for member in ["type", "title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {shown}");
        }
        assert_eq!(problem["errors"][0]["field"].as_str(), *field, "{shown}");
        if *status == 405 {
            let allowed = answer.header("allow").expect("Allow");
            assert!(allowed.contains("GET") && allowed.contains("POST") && !allowed.contains("DELETE"), "{allowed}");
        }
    }
}

/// Refusals of every kind: of a handler, of a parser, of the engine, of the door, of the reader of JSON, of lines.
#[test]
fn a_refusal_is_in_the_language_that_is_wanted() {
    let (sample, _guard) = served();
    let token = somebody(&sample, "m.rossi", None, &[("supplier-admin", "supplier")]);
    let list = format!("PUT /v1/lists/{ANNA}");
    let cases: &[(&str, &str, &str, &str)] = &[
        ("POST /v1/persons/m.rossi/tokens", r#"{"name": "x", "days": 0}"#, "days: da 1 a 400", "days: 1 to 400"),
        (
            "GET /v1/mailboxes/nessuno",
            "",
            "nessuno: manca la chiocciola fra nome e dominio",
            "nessuno: there is no @ between a name and a domain",
        ),
        (&list, r#"{"members": []}"#, &format!("{ANNA} è già una casella"), &format!("{ANNA} is a mailbox already")),
        ("GET /v1/altro", "", "questo percorso non c'è", "there is no such path"),
        ("POST /v1/tenants", r#"{"name": 5}"#, "name: non si legge: invalid type", "name: invalid type"),
        ("POST /v1/tenants", "{", "la richiesta non si legge: Failed to parse", "Failed to parse"),
    ];
    for (line, body, italian, english) in cases {
        for (wanted, content, text) in [
            (&[][..], "it", italian),
            (&["Accept-Language: de, *;q=0.5"], "it", italian),
            (&["Accept-Language: en-GB,en;q=0.9,it;q=0.8"], "en", english),
        ] {
            let answer = call(&sample, &token, line, wanted, body.as_bytes());
            assert_eq!(answer.header("content-language"), Some(content), "{answer:?}");
            let problem = answer.json();
            let detail = problem["detail"].as_str().expect("a detail");
            assert!(detail.starts_with(text), "{line} {wanted:?}: {detail}");
            if let Some(field) = problem["errors"][0]["detail"].as_str() {
                assert!(detail.ends_with(field), "{problem}");
            }
            let instance = problem["instance"].as_str().expect("an instance");
            let said = sample.said();
            let logged = said.lines().find(|line| line.contains(instance)).expect("a line of the log");
            assert!(*line == "POST /v1/tenants" || logged.contains(italian), "the log is Italian: {logged}");
        }
    }
    let stranger = call(&sample, "sgt_x", "GET /v1/mailboxes", &["Accept-Language: en"], b"");
    assert!(stranger.body.contains("the token is not good"), "{stranger:?}");
    let lines = json!({"lines": [{"line": 2, "address": "nessuno"}]}).to_string();
    let orders = |head: &[&str]| {
        let head = [head, &["Sigillo-Dry-Run: true"]].concat();
        call(&sample, &token, "POST /v1/mailboxes/apply", &head, lines.as_bytes()).body
    };
    assert!(orders(&[]).contains("manca la chiocciola"), "{}", orders(&[]));
    assert!(orders(&["Accept-Language: en"]).contains("there is no @"), "{}", orders(&["Accept-Language: en"]));
    // The same from the shell.
    let token_file = sample.path("m.rossi.token").to_string_lossy().into_owned();
    let ran = |lang: &[&str]| {
        let verb =
            ["mailbox", "add", ANNA, "--profile", "boh", "--token-file", &token_file, "--socket", &sample.socket()];
        run(binary(), &[lang, &verb].concat(), b"una frase segreta\n", 30)
    };
    let (italian, english) = (ran(&[]), ran(&["--lang", "en"]));
    assert!(italian.code != Some(0) && italian.err.contains("«boh» non è un profilo: usare uno fra"), "{italian:?}");
    assert!(english.code == italian.code && english.err.contains("“boh” is no profile: use one of"), "{english:?}");
}

#[test]
fn what_is_changed_is_what_was_seen() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    somebody(&sample, "g.verdi", Some("1"), &[]);
    let token = somebody(&sample, "m.rossi", None, &[("supplier-admin", "supplier")]);
    let send = |line: &str, head: &[&str], body: &str| call(&sample, &token, line, head, body.as_bytes());
    let list = format!("/v1/lists/tutti@{COMUNE}");
    let created = send(&format!("PUT {list}"), &["If-None-Match: *"], &json!({"members": [ANNA]}).to_string());
    assert_eq!(created.status, 200, "{created:?}");
    assert_eq!(
        send(&format!("PUT {list}"), &["If-None-Match: *"], &json!({"members": [ANNA]}).to_string()).status,
        412
    );
    let changes = [
        (format!("/v1/mailboxes/{ANNA}"), json!({"ordinary_mail": "accept"}), json!({"ordinary_mail": "refuse"})),
        (format!("/v1/domains/{COMUNE}"), json!({"certified_only": true}), json!({"certified_only": false})),
        ("/v1/tenants/1".to_owned(), json!({"code": "c_1"}), json!({"code": "c_2"})),
    ];
    for (path, one, other) in &changes {
        let first = send(&format!("GET {path}"), &[], "");
        assert_eq!(first.status, 200, "{path}: {first:?}");
        let seen = format!("If-None-Match: {}", first.tag());
        let same = send(&format!("GET {path}"), &[&seen], "");
        assert_eq!((same.status, same.header("content-type"), same.tag()), (304, None, first.tag()), "{path}");
        let if_match = format!("If-Match: {}", first.tag());
        let changed = send(&format!("PATCH {path}"), &[&if_match], &one.to_string());
        assert_eq!(changed.status, 200, "{path}: {changed:?}");
        assert_ne!(changed.tag(), first.tag(), "{path}");
        assert_eq!(send(&format!("GET {path}"), &[&seen], "").tag(), changed.tag(), "{path}");
        let stale = send(&format!("PATCH {path}"), &[&if_match], &other.to_string());
        assert_eq!(stale.status, 412, "{path}: {stale:?}");
        assert_eq!(send(&format!("GET {path}"), &[], "").tag(), changed.tag(), "{path}: nothing was changed");
        assert_eq!(send(&format!("PATCH {path}"), &[], &other.to_string()).status, 200, "{path}: unconditional");
    }
    let person = send("GET /v1/persons/g.verdi", &[], "");
    let ended = send("DELETE /v1/persons/g.verdi", &["If-Match: \"0\""], "");
    assert_eq!((person.status, ended.status), (200, 412), "{ended:?}");
    assert_eq!(send("DELETE /v1/persons/g.verdi", &[&format!("If-Match: {}", person.tag())], "").status, 200);
    assert_eq!(send(&format!("PUT /v1/mailboxes/{ANNA}/block"), &["If-Match: *"], "{\"reason\":\"x\"}").status, 412);
    // Ten at once add themselves to what they have read: nobody's change is lost.
    std::thread::scope(|scope| {
        for n in 0..10 {
            let (send, list) = (&send, &list);
            scope.spawn(move || {
                for _ in 0..100 {
                    let seen = send(&format!("GET {list}"), &[], "");
                    let mut members = seen.json()["members"].as_array().expect("members").clone();
                    members.push(json!(format!("m{n}@altrove.example")));
                    let body = json!({"members": members}).to_string();
                    match send(&format!("PUT {list}"), &[&format!("If-Match: {}", seen.tag())], &body).status {
                        200 => return,
                        status => assert_eq!(status, 412),
                    }
                }
                panic!("{n} never came through");
            });
        }
    });
    assert_eq!(send(&format!("GET {list}"), &[], "").json()["members"].as_array().expect("members").len(), 11);
}

/// Every list, and the member of its answer that holds it.
fn lists() -> [(String, &'static str); 10] {
    [
        ("/v1/mailboxes".to_owned(), "mailboxes"),
        ("/v1/lists".to_owned(), "lists"),
        ("/v1/domains".to_owned(), "domains"),
        ("/v1/tenants".to_owned(), "tenants"),
        ("/v1/tenants/1/units".to_owned(), "units"),
        ("/v1/tenants/1/plan".to_owned(), "versions"),
        ("/v1/persons".to_owned(), "persons"),
        ("/v1/persons/m.rossi/tokens".to_owned(), "tokens"),
        (format!("/v1/mailboxes/{ANNA}/credentials"), "credentials"),
        (format!("/v1/mailboxes/{ANNA}/rights"), "rights"),
    ]
}

#[test]
fn every_list_comes_in_pages_that_leave_nothing_out() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let third = ask(&sample, &["tenant", "add", "Provincia di Esempio", "--code", "p_x"], "");
    assert_eq!(third["id"], 3);
    ask(&sample, &["mailbox", "set", ANNA, "--profile", "structured"], "");
    for name in ["dora", "elio"] {
        let made = ["credential", "add", ANNA, name, "--kind", "personal", "--password-file", "-"];
        ask(&sample, &made, "una frase lunga\n");
    }
    ask(&sample, &["mailbox", "rights", ANNA, "--person", "dora", "--folder", "Bozze", "--set", "lr"], "");
    for name in ["Tributi", "Scuola"] {
        ask(&sample, &["unit", "add", "1", name], "");
        sample.add(&format!("{}@{COMUNE}", name.to_lowercase()), "segreta");
    }
    for n in ["1", "2", "3"] {
        ask(&sample, &["plan", "set", "1", "--profile", &format!("standard={n}")], "");
        ask(&sample, &["list", "set", &format!("lista{n}@{COMUNE}"), ANNA], "");
    }
    somebody(&sample, "g.verdi", Some("1"), &[]);
    somebody(&sample, "a.neri", Some("2"), &[]);
    let token = somebody(&sample, "m.rossi", None, &[("supplier-admin", "supplier")]);
    for name in ["altro", "terzo"] {
        let made =
            call(&sample, &token, "POST /v1/persons/m.rossi/tokens", &[], json!({"name": name}).to_string().as_bytes());
        assert_eq!(made.status, 201, "{made:?}");
    }
    let get = |path: &str| call(&sample, &token, &format!("GET {path}"), &[], b"");
    for (path, member) in lists() {
        let whole = get(&path).json();
        let all = whole[member].as_array().expect("a list").clone();
        assert!(all.len() >= 3 && whole.get("next").is_none(), "{path}: {whole}");
        for limit in [1, 2] {
            let (mut found, mut at) = (Vec::new(), format!("{path}?limit={limit}"));
            loop {
                let answer = get(&at);
                let page = answer.json();
                let items = page[member].as_array().unwrap_or_else(|| panic!("{at}: {page}"));
                assert!(!items.is_empty() && items.len() <= limit, "{at}: {page}");
                found.extend(items.iter().cloned());
                match page["next"].as_str() {
                    // The header leads there too.
                    Some(_) => {
                        let link = answer.header("link").unwrap_or_else(|| panic!("{answer:?}"));
                        at = link.trim_start_matches('<').split('>').next().expect("a link").to_owned();
                    }
                    None => break,
                }
            }
            assert_eq!(found, all, "{path} {limit}");
        }
        assert_eq!(get(&format!("{path}?limit=0")).status, 400, "{path}");
        assert_eq!(get(&format!("{path}?limit=100000")).json()[member].as_array().map(Vec::len), Some(all.len()));
        let strange = get(&format!("{path}?limit=1&after=%20"));
        assert!(matches!(strange.status, 200 | 400), "{strange:?}");
    }
    // What somebody may not see takes no place on his pages.
    let contact = somebody(&sample, "l.bianchi", Some("2"), &[("technical-contact", "tenant/2")]);
    let seen = call(&sample, &contact, "GET /v1/mailboxes?limit=1", &[], b"").json();
    assert_eq!(
        (seen["mailboxes"][0]["address"].as_str(), seen["mailboxes"].as_array().map(Vec::len)),
        (Some(BRUNO), Some(1))
    );
}

#[test]
fn what_is_sent_twice_is_done_once_also_over_a_restart() {
    let (sample, mut guard) = served();
    let token = somebody(&sample, "m.rossi", None, &[("supplier-admin", "supplier")]);
    let key = "Idempotency-Key: \"8e03978e-40d5-43dd-bc93-6894a57f9324\"";
    let send = |line: &str, head: &[&str], body: &str| call(&sample, &token, line, head, body.as_bytes());
    let (path, body) = ("POST /v1/persons/m.rossi/tokens", json!({"name": "nuovo"}).to_string());
    let made = send(path, &[key], &body);
    assert_eq!(made.status, 201, "{made:?}");
    let again = send(path, &[key], &body);
    assert_eq!((again.status, &again.body), (201, &made.body), "the same answer, with its secret");
    assert_eq!((made.header("idempotency-replayed"), again.header("idempotency-replayed")), (None, Some("true")));
    let other = send(path, &[key], &json!({"name": "altro"}).to_string());
    assert_eq!((other.status, other.json()["type"].as_str()), (422, Some("urn:sigillo:key-reused")));
    let bad = send(path, &["Idempotency-Key: 1"], &body);
    assert_eq!(bad.status, 400, "{bad:?}");
    // What was refused was not done, and is tried again.
    let refused = "Idempotency-Key: un-altra-chiave-lunga";
    assert_eq!(send(path, &[refused], &body).status, 409, "he has one of this name");
    assert_eq!(send("DELETE /v1/persons/m.rossi/tokens/nuovo", &[], "").status, 200);
    assert_eq!(send(path, &[refused], &body).status, 201, "now he has not");
    // The answer outlives the service, and its secret lies nowhere in clear.
    guard.signal("TERM");
    assert_eq!(guard.end(Duration::from_secs(60)), Some(0));
    let secret = made.json()["secret"].as_str().expect("a secret").to_owned();
    assert!(!holds(&sample.path("dati"), secret.as_bytes()), "the secret lies in the store");
    let _guard = sample.serve();
    let after = send(path, &[key], &body);
    assert_eq!((after.status, &after.body), (201, &made.body), "{after:?}");
}

/// Who asks and does not wait for the answer: the change is whole, written down, and told to who asks again.
#[test]
fn a_change_is_finished_whoever_hangs_up() {
    let (sample, _guard) = served();
    let token = somebody(&sample, "m.rossi", None, &[("supplier-admin", "supplier")]);
    let request = |n: usize| {
        let (address, password) = (format!("x{n}@{COMUNE}"), format!("tre gatti sul tetto {n}"));
        let body = json!({"address": address, "profile": "standard", "password": password}).to_string();
        (format!("Idempotency-Key: lascio-cadere-la-linea-{n}"), body)
    };
    // The hash of the password is slow: a quick machine is at it after the first pause, a slow one after the last.
    for (n, patience_ms) in [20, 100, 400, 1000, 2000].into_iter().enumerate() {
        let (key, body) = request(n);
        let mut stream = UnixStream::connect(sample.socket()).expect("the socket");
        let head = format!("POST /v1/mailboxes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{key}\r\n");
        let rest = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all((head + &rest).as_bytes()).expect("sent");
        std::thread::sleep(Duration::from_millis(patience_ms));
    }
    let finished = (0..5).filter(|n| {
        let (key, body) = request(*n);
        let answer = wait_for("the request to be over", Duration::from_secs(20), || {
            let answer = call(&sample, &token, "POST /v1/mailboxes", &[&key], body.as_bytes());
            (answer.status != 409).then_some(answer)
        });
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.header("idempotency-replayed") == Some("true")
    });
    // On a busy machine one may be gone before it was read.
    assert!(finished.count() > 0, "what was begun is told, and not done again");
}

/// Requests at the holder's own door are counted by where they come from, and so are tokens that somebody invents.
#[test]
fn whoever_knocks_at_the_holders_door_too_often_waits() {
    let (sample, _guard, port) = with_a_door(20);
    let url = |path: &str| format!("https://127.0.0.1:{port}{path}");
    let ca = sample.path("prova/ca.pem");
    let knock = |path: &str, auth: &str| {
        let args =
            ["--silent", "--output", "/dev/null", "--cacert", &ca.to_string_lossy(), "--write-out", "%{http_code}"];
        let more = ["--request", "PUT", "--json", "{}", "--header", auth, &url(path)];
        run("curl", &[args.as_slice(), &more].concat(), b"", 30).fine("curl").out
    };
    let said: Vec<String> = (0..40).map(|n| knock("/v1/self/password", &format!("X-N: {n}"))).collect();
    assert_eq!(said[0], "422", "{said:?}");
    assert!(said.contains(&"429".to_owned()), "{said:?}");
    // One is let in every three seconds.
    let invent = |n: usize| format!("Authorization: Bearer sgt_{n:043}");
    let invented: Vec<String> = (0..5).map(|n| knock("/v1/persons/m.rossi/roles", &invent(n))).collect();
    assert!(invented.contains(&"429".to_owned()), "it is the same place: {invented:?}");
}

/// Whether any file under a folder holds these bytes.
fn holds(folder: &Path, bytes: &[u8]) -> bool {
    fs::read_dir(folder).expect("a folder").any(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            return holds(&path, bytes);
        }
        fs::read(&path).is_ok_and(|content| content.windows(bytes.len()).any(|w| w == bytes))
    })
}

#[test]
fn the_interface_describes_itself() {
    let (sample, _guard) = served();
    let served = call(&sample, "sgt_nessuno", "GET /v1/openapi.json", &[], b"");
    assert_eq!(served.status, 401, "a token that is none is refused");
    let token = somebody(&sample, "m.rossi", None, &[]);
    let document = call(&sample, &token, "GET /v1/openapi.json", &[], b"").json();
    let printed = run(binary(), &["openapi"], b"", 30).fine("openapi").out;
    assert_eq!(serde_json::from_str::<Value>(&printed).expect("JSON"), document);
    assert_eq!(document["openapi"], "3.1.0");
    let file = sample.path("openapi.json");
    fs::write(&file, &printed).expect("written");
    let python = python_with("openapi_spec_validator");
    let script = "import sys, json\nfrom openapi_spec_validator import validate\nvalidate(json.load(open(sys.argv[1])))\nprint('valid')";
    let judged = run(&python, &["-c", script, &file.to_string_lossy()], b"", 120);
    assert!(judged.out.contains("valid"), "{}", judged.all());
}

#[test]
fn an_administration_has_its_accesses_and_its_acts_of_a_month_with_their_proof() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let contact = somebody(&sample, "l.bianchi", Some("1"), &[("technical-contact", "tenant/1")]);
    somebody(&sample, "c.conti", None, &[("supplier-admin", "supplier")]);
    let file = |name: &str| sample.path(name).to_string_lossy().into_owned();
    let by = |login: &str| file(&format!("{login}.token"));
    let inbox = format!("imaps://127.0.0.1:{}/INBOX", sample.ports.base + 4);
    let pop = format!("pop3s://127.0.0.1:{}/", sample.ports.base + 6);
    for _ in 0..2 {
        sample.curl(ANNA, &inbox, &["--request", "NOOP"], "").fine("curl reads");
    }
    sample.curl(ANNA, &pop, &[], "").fine("curl reads");
    sample.curl(BRUNO, &inbox, &["--request", "NOOP"], "").fine("curl reads");
    ask(&sample, &["mailbox", "block", ANNA, "--reason", "x", "--token-file", &by("l.bianchi")], "");
    ask(&sample, &["mailbox", "block", BRUNO, "--reason", "x", "--token-file", &by("c.conti")], "");
    let now = ask(&sample, &["status"], "")["service_time"].as_str().expect("a time").to_owned();
    let month = &now[..7];
    let extract = |tenant: &str, kind: &str, login: &str, out: &str| {
        let out = file(out);
        let args = ["log", "extract", "--tenant", tenant, "--month", month, "--kind", kind, "--out", &out];
        run(binary(), &[&args[..], &["--socket", &sample.socket(), "--token-file", &by(login)]].concat(), b"", 60)
    };
    // Every login has its end; they come a moment later.
    wait_for("the ends of the accesses", Duration::from_secs(30), || {
        let found = call(&sample, &contact, &format!("GET /v1/tenants/1/accesses?month={month}"), &[], b"").json();
        let left = found["accesses"].as_array()?.iter().filter(|a| a["outcome"] == "left" && a["since"].is_string());
        (left.count() == 3).then_some(())
    });
    extract("1", "accesses", "l.bianchi", "a.csv").fine("log extract");
    let text = fs::read_to_string(file("a.csv")).expect("the file");
    assert!(text.contains(ANNA) && !text.contains(ENTE), "{text}");
    let proof: Value = serde_json::from_slice(&fs::read(file("a.csv.prova.json")).expect("the proof")).expect("JSON");
    let of_anna = &proof["mailboxes"][ANNA];
    assert_eq!(of_anna["logins"], json!({"imap": 2, "pop3": 1}), "{proof}");
    assert!(of_anna["last"].is_string(), "{proof}");
    assert_eq!(proof["sha256"], HEXLOWER.encode(&sha256(text.as_bytes())));
    extract("1", "administration", "l.bianchi", "b.csv").fine("log extract");
    let text = fs::read_to_string(file("b.csv")).expect("the file");
    assert!(text.contains("l.bianchi,prova,,mailbox-block,richiesta,PUT,/v1/mailboxes/anna@"), "{text}");
    assert!(!text.contains("bruno") && !text.contains(ENTE) && !text.contains("tenants/2"), "{text}");
    let proof: Value = serde_json::from_slice(&fs::read(file("b.csv.prova.json")).expect("the proof")).expect("JSON");
    assert!(proof["segments"][0]["number"].is_u64(), "{proof}");
    // Not of another administration, not over a file that is there.
    assert_ne!(extract("2", "accesses", "l.bianchi", "c.csv").code, Some(0));
    assert!(!Path::new(&file("c.csv")).exists());
    assert_ne!(extract("1", "accesses", "l.bianchi", "a.csv").code, Some(0));
}
