//! Extracts for administrations over days that pass in seconds: what is sealed is what they are given (AUD-01 … AUD-03).

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use sigillo_tests::clamd::{Clamd, MALWARE, eicar};
use sigillo_tests::demo::{Demo, Mail, Ran, binary, run, wait_for};

use crate::administration::{request, somebody, two_administrations};
use crate::rates::{ask, served};
use crate::totp::fresh;

const ANNA: &str = "anna@comune-alfa.example";
const DOMAIN: &str = "comune-alfa.example";

/// A provider whose days take four seconds, with two administrations; the first has the domain.
struct Days {
    demo: Demo,
    months: BTreeSet<String>,
    files: Cell<u32>,
}

/// What an administration is given of all months in which something was.
struct Extract {
    rows: Vec<Value>,
    days: Vec<Value>,
}

impl Days {
    fn begin() -> Self {
        Self::begin_with(&["--speed", "20000"])
    }

    fn begin_with(more: &[&str]) -> Self {
        let demo = Demo::start(&[&["--without", "beta"], more].concat());
        let mut days = Self { demo, months: BTreeSet::new(), files: Cell::new(0) };
        days.look();
        for name in ["Comune di Alfa", "Ente di Alfa"] {
            days.verb(&["tenant", "add", name, "--code", "c_x"]).fine("tenant add");
        }
        days.verb(&["domain", "assign", DOMAIN, "--tenant", "1", "--yes"]).fine("domain assign");
        days
    }

    fn verb(&self, verb: &[&str]) -> Ran {
        let socket = self.demo.info.alfa().admin_socket.to_string_lossy().into_owned();
        run(binary(), &[verb, &["--socket", &socket]].concat(), b"", 60)
    }

    /// Which month it is now.
    fn look(&mut self) {
        let status = self.verb(&["status", "--json"]).fine("status").out;
        let status: Value = serde_json::from_str(&status).expect("JSON");
        let now = status["service_time"].as_str().expect("a time");
        self.months.insert(now[..7].to_owned());
    }

    fn login(&self, user: &str) -> Ran {
        let url = format!("imaps://{}/INBOX", self.demo.info.alfa().imaps);
        let ca = self.demo.info.ca_file.to_string_lossy().into_owned();
        let args = ["--silent", "--show-error", "--cacert", &ca, "--user", user, &url, "--request", "NOOP"];
        run("curl", &args, b"", 60)
    }

    fn come_in(&self) {
        self.login(&self.demo.info.login(ANNA)).fine("curl reads");
    }

    /// What an administration is given; each extract must agree with what was sealed.
    fn extract(&self, tenant: &str, kind: &str) -> Extract {
        let (mut rows, mut days) = (Vec::new(), Vec::new());
        for month in &self.months {
            self.files.set(self.files.get() + 1);
            let out = self.demo.place.path(&format!("{}.json", self.files.get())).to_string_lossy().into_owned();
            let verb = ["log", "extract", "--tenant", tenant, "--month", month, "--kind", kind, "--out", &out];
            self.verb(&[&verb[..], &["--format", "json"]].concat()).fine("log extract");
            let read =
                |path: &str| -> Value { serde_json::from_slice(&fs::read(path).expect("the file")).expect("JSON") };
            rows.extend(read(&out).as_array().expect("rows").clone());
            days.extend(read(&format!("{out}.prova.json"))["days"].as_array().cloned().unwrap_or_default());
        }
        Extract { rows, days }
    }

    /// The same when so many rows of which this is so are of days that are sealed.
    fn sealed(&mut self, tenant: &str, kind: &str, least: usize, of: impl Fn(&Value) -> bool) -> Extract {
        wait_for("the seals of its days", Duration::from_secs(120), || {
            self.look();
            let found = self.extract(tenant, kind);
            let whole = |row: &&Value| {
                let day = row["at"].as_str().map(|at| &at[..10]);
                of(row) && found.days.iter().any(|d| d["day"].as_str() == day && d["sealed"] == true)
            };
            (found.rows.iter().filter(whole).count() >= least).then_some(found)
        })
    }

    /// Somebody of an administration who acts for it; gives the file of his token.
    fn contact(&self, login: &str, tenant: &str) -> String {
        let file = self.demo.place.path(login).to_string_lossy().into_owned();
        self.verb(&["person", "add", login, "Una Persona", "--tenant", tenant]).fine("person add");
        let scope = format!("tenant/{tenant}");
        self.verb(&["person", "grant", login, "technical-contact", &scope]).fine("person grant");
        self.verb(&["person", "add-token", login, "prova", "--out", &file]).fine("person add-token");
        file
    }
}

fn outcome(word: &'static str) -> impl Fn(&Value) -> bool {
    move |row| row["outcome"] == word
}

#[test]
fn a_domain_that_changes_hands_leaves_its_days_to_who_had_it() {
    let mut days = Days::begin();
    days.come_in();
    days.sealed("1", "accesses", 1, outcome("left"));
    days.come_in();
    days.verb(&["domain", "assign", DOMAIN, "--tenant", "2", "--yes"]).fine("domain assign");
    days.come_in();
    let second = days.sealed("2", "accesses", 1, outcome("left"));
    let first = days.sealed("1", "accesses", 2, outcome("ok"));
    let count = |of: &Extract, word| of.rows.iter().filter(|row| row["outcome"] == word).count();
    assert_eq!((count(&first, "ok"), count(&second, "ok")), (2, 1), "{:#?} {:#?}", first.rows, second.rows);
    let last = |of: &Extract| of.rows.last().and_then(|row| row["at"].as_str()).map(str::to_owned);
    assert!(last(&first) < second.rows[0]["at"].as_str().map(str::to_owned), "none is in both");
    // Both hear of the hand-over.
    for tenant in ["1", "2"] {
        let acts = days.extract(tenant, "administration").rows;
        let to = |act: &Value| act["object"].as_str().is_some_and(|path| path.ends_with("/tenant"));
        let told = acts.iter().filter(|act| to(act) && act["content"] == "{\"tenant\":2}").count();
        assert_eq!(told, 1, "{tenant}: {acts:#?}");
    }
}

#[test]
fn what_somebody_reads_stands_in_the_extract_of_his_administration_and_is_sealed() {
    let mut days = Days::begin();
    let (mine, other) = (days.contact("l.bianchi", "1"), days.contact("a.neri", "2"));
    days.verb(&["mailbox", "list", "--token-file", &mine]).fine("mailbox list");
    days.verb(&["mailbox", "accesses", ANNA, "--from", "2026-01-01", "--token-file", &mine]).fine("accesses");
    days.verb(&["mailbox", "list", "--token-file", &other]).fine("mailbox list");
    let refused = days.verb(&["address-book", "list", "2", "--token-file", &mine]);
    assert_ne!(refused.code, Some(0), "{}", refused.all());
    let by = |login: &'static str, stage: &'static str, object: String| {
        move |row: &Value| {
            row["by"] == login
                && row["stage"] == stage
                && row["object"].as_str().is_some_and(|o| o.starts_with(&object))
        }
    };
    let listed = by("l.bianchi", "lettura 200", "/v1/mailboxes".into());
    let asked = by("l.bianchi", "lettura 200", format!("/v1/mailboxes/{ANNA}/accesses?from=2026-01-01"));
    let denied = by("l.bianchi", "negata", "/v1/tenants/2/address-book".into());
    let first = days.sealed("1", "administration", 2, &listed);
    for (wanted, what) in [(&asked as &dyn Fn(&Value) -> bool, "asked"), (&denied, "denied")] {
        let found: Vec<_> = first.rows.iter().filter(|row| wanted(row)).collect();
        assert_eq!(found.len(), 1, "{what}: {:#?}", first.rows);
        assert_eq!(found[0]["token"], "prova");
    }
    assert!(!first.rows.iter().any(|row| row["by"] == "a.neri"), "{:#?}", first.rows);
    let second = days.sealed("2", "administration", 1, by("a.neri", "lettura 200", "/v1/mailboxes".into()));
    let told =
        second.rows.iter().any(|row| row["by"] == "l.bianchi" && row["method"] == "GET" && row["stage"] != "negata");
    assert!(!told, "{:#?}", second.rows);
    // The system's user is somebody too: what he looks at that is nobody's is the provider's own.
    let system =
        |row: &Value| row["by"].as_str().is_some_and(|by| by.starts_with("uid-")) && row["object"] == "/v1/status";
    days.sealed("0", "administration", 1, system);
}

/// Whether an act is this event, on this.
fn is(act: &Value, name: &str, word: &str, object: &str) -> bool {
    act["act"] == name && act["stage"] == word && act["object"] == object
}

#[test]
fn orders_about_its_messages_and_its_malware_are_told_to_an_administration() {
    let clamd = Clamd::start();
    let days = Days::begin_with(&["--clamd", &clamd.socket().to_string_lossy()]);
    let to = "bruno@ente-beta.example";
    days.demo.send(ANNA, to, "ferma@comune-alfa.example");
    days.verb(&["queue", "hold", "--from", ANNA, "--why", "verifica"]).fine("queue hold");
    let text = format!("From: <{ANNA}>\r\nTo: <{to}>\r\nSubject: x\r\nMessage-ID: <v@x>\r\n\r\n{}\r\n", eicar());
    assert_eq!(days.demo.submit(&[Mail::raw(ANNA, &[to], text.as_bytes())])[0].code, 250);
    let (rows, held, stored) = wait_for("both events", Duration::from_secs(30), || {
        let rows = days.extract("1", "administration").rows;
        let of = |name: &str, word: &str| rows.iter().find(|act| act["act"] == name && act["stage"] == word).cloned();
        let (held, stored) = (of("PEC_Queue", "blocco")?, of("PEC_Quarantine", "deposito")?);
        Some((rows, held, stored))
    });
    assert!(held["by"].as_str().is_some_and(|by| by.starts_with("uid-")) && held["content"] == "verifica", "{held}");
    assert_eq!((&stored["by"], &stored["content"]), (&json!("gestore"), &json!(MALWARE)));
    // Nothing of it is the other's, and nothing of the service itself is anybody's.
    let second = days.extract("2", "administration").rows;
    assert!(!second.iter().any(|act| act["act"] == "PEC_Queue" || act["act"] == "PEC_Quarantine"), "{second:#?}");
    assert!(!rows.iter().any(|act| act["line"].as_str().is_some_and(|line| line.contains("PEC_LogRotate"))));
}

#[test]
fn what_its_people_prove_themselves_by_is_told_to_an_administration() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let admin = somebody(&sample, "m.rossi", None, &[("supplier-admin", "supplier")]);
    for (login, tenant) in [("l.bianchi", "1"), ("a.neri", "2")] {
        let scope = format!("tenant/{tenant}");
        let token = somebody(&sample, login, Some(tenant), &[("technical-contact", &scope)]);
        let (status, begun) = request(&sample, &token, "POST", "/v1/me/totp", &Value::Null);
        assert_eq!(status, 200, "{begun}");
        let code = fresh(begun["seed"].as_str().expect("a seed"), &mut Vec::new());
        assert_eq!(request(&sample, &token, "PUT", "/v1/me/totp", &json!({"code": code})).0, 200);
        assert_eq!(request(&sample, &token, "POST", "/v1/me/unlock", &json!({"code": "000000"})).0, 401);
    }
    let now = ask(&sample, &["status"], "")["service_time"].as_str().expect("a time").to_owned();
    let acts = |tenant: u64| {
        let path = format!("/v1/tenants/{tenant}/acts?month={}", &now[..7]);
        request(&sample, &admin, "GET", &path, &Value::Null).1["acts"].as_array().expect("acts").clone()
    };
    for (tenant, own, other) in [(1, "l.bianchi", "a.neri"), (2, "a.neri", "l.bianchi")] {
        let told = acts(tenant);
        for word in ["secondo-fattore", "codice-errato"] {
            let of = |who: &str| told.iter().filter(|act| is(act, "PEC_Credential", word, who)).count();
            assert_eq!((of(own), of(other)), (1, 0), "{tenant} {word}: {told:#?}");
        }
    }
    let own = acts(0);
    let of = |word: &str, who: &str| own.iter().any(|act| is(act, "PEC_Credential", word, who));
    for who in ["l.bianchi", "a.neri"] {
        assert!(!of("secondo-fattore", who) && !of("codice-errato", who), "the provider has its own: {own:#?}");
    }
}

#[test]
fn who_fails_by_a_name_that_nobody_has_stands_in_the_extract_of_its_domain() {
    let mut days = Days::begin();
    let nobody = format!("nessuno@{DOMAIN}");
    for _ in 0..3 {
        assert_ne!(days.login(&format!("{nobody}:sbagliata")).code, Some(0));
    }
    let found = days.sealed("1", "accesses", 1, |row| row["mailbox"] == nobody.as_str() && row["outcome"] == "wrong");
    let times = |row: &Value| row["what"].as_str().map_or(1, |n| n.trim_start_matches('×').parse().expect("a number"));
    let rows = found.rows.iter().filter(|row| row["mailbox"] == nobody.as_str());
    assert!(rows.map(times).sum::<u64>() >= 3, "{:#?}", found.rows);
}
