//! What is written down of administrative acts, and that none is done by half (AUD-01 … AUD-03, SEC-03, HD-27, PWD-05).

use std::time::Duration;

use serde_json::{Value, json};
use sigillo_tests::demo::{binary, run, wait_for};

use crate::administration::{COMUNE, request, somebody, two_administrations};
use crate::rates::{ANNA, ask, served};
use crate::serve::Sample;

/// Lines `PEC_Admin` of today that hold this; m.rossi reads them.
fn acts(sample: &Sample, text: &str) -> Vec<String> {
    let file = sample.path("m.rossi.token").to_string_lossy().into_owned();
    let verb = ["log", "show", "--socket", &sample.socket(), "--token-file", &file];
    let shown = run(binary(), &verb, b"", 30).fine("log show").out;
    shown.lines().filter(|l| l.contains("PEC_Admin") && l.contains(text)).map(str::to_owned).collect()
}

#[test]
fn a_change_of_several_things_is_done_whole_or_not_at_all() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let desk = somebody(&sample, "d.neri", Some("1"), &[("help-desk-l1", "tenant/1")]);
    let contact = somebody(&sample, "l.bianchi", Some("1"), &[("technical-contact", "tenant/1")]);
    let path = format!("/v1/mailboxes/{ANNA}");
    let before = request(&sample, &contact, "GET", &path, &Value::Null).1;
    for (who, body, status) in [
        (&desk, json!({"ordinary_mail": "accept", "profile": "massive-small"}), 403),
        (&contact, json!({"ordinary_mail": "accept", "profile": "nessuno"}), 400),
        (&contact, json!({"ordinary_mail": "accept", "without": [""]}), 409),
        (&contact, json!({"without": ["MOVE"], "receipts": "Cestino"}), 409),
    ] {
        let (is, answer) = request(&sample, who, "PATCH", &path, &body);
        assert_eq!(is, status, "{body}: {answer}");
        assert_eq!(request(&sample, &contact, "GET", &path, &Value::Null).1, before, "{body}");
    }
    let all = json!({"ordinary_mail": "accept", "without": ["MOVE"], "receipts": "Ricevute"});
    let (status, now) = request(&sample, &contact, "PATCH", &path, &all);
    assert_eq!((status, &now["receipts"], &now["without"]), (200, &json!("Ricevute"), &json!(["MOVE"])), "{now}");
    let found = ask(&sample, &["operation", "list", "--mailbox", ANNA, "--kind", "mailbox-change"], "");
    let details: Vec<&str> =
        found["operations"].as_array().expect("a list").iter().filter_map(|o| o["detail"].as_str()).collect();
    assert!(details.len() == 3 && details.contains(&"ricevute: INBOX → Ricevute"), "{details:?}");
}

#[test]
fn the_log_says_what_was_asked_for_and_no_secret() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let admin = somebody(&sample, "m.rossi", None, &[("supplier-admin", "supplier")]);
    somebody(&sample, "l.bianchi", Some("1"), &[("technical-contact", "tenant/1")]);
    let grant = json!({"role": "help-desk-l2", "scope": "tenant/1"});
    let (status, answer) = request(&sample, &admin, "PUT", "/v1/persons/l.bianchi/roles", &grant);
    assert_eq!(status, 200, "{answer}");
    let named = acts(&sample, "/v1/persons/l.bianchi/roles");
    assert!(named.iter().any(|l| l.contains("help-desk-l2") && l.contains("tenant/1")), "{named:?}");
    let secret = "una parola che nessuno legge";
    let path = format!("/v1/mailboxes/{ANNA}/password");
    assert_eq!(request(&sample, &admin, "PUT", &path, &json!({"password": secret})).0, 200);
    // In the wrong place, or of the wrong kind, it is not written down either.
    assert_eq!(request(&sample, &admin, "PUT", &path, &json!({"pasword": secret})).0, 422);
    assert_eq!(request(&sample, &admin, "PUT", &path, &json!({"password": 73_918_273})).0, 422);
    assert!(acts(&sample, &path).iter().any(|l| l.contains("contenuto=") && l.contains('…')));
    assert!(acts(&sample, secret).is_empty() && acts(&sample, "73918273").is_empty());
    let refused = || Some(sample.said()).filter(|log| log.contains("request refused"));
    let log = wait_for("the program's log", Duration::from_secs(30), refused);
    assert!(!log.contains(secret) && !log.contains("73918273"), "a secret in the log");
    // The extract has it in a column of its own.
    let now = ask(&sample, &["status"], "")["service_time"].as_str().expect("a time").to_owned();
    let month = &now[..7];
    let tenant = request(&sample, &admin, "GET", &format!("/v1/tenants/1/acts?month={month}"), &Value::Null).1;
    let told = tenant["acts"].as_array().expect("acts").iter();
    let contents: Vec<&str> = told.filter_map(|act| act["content"].as_str()).collect();
    assert!(contents.iter().any(|c| c.contains("help-desk-l2")), "{contents:?}");
}

#[test]
fn a_password_that_somebody_gives_is_in_the_register_and_a_hash_takes_nobodys_place() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let desk = somebody(&sample, "d.neri", Some("1"), &[("help-desk-l1", "tenant/1")]);
    let path = format!("/v1/mailboxes/{ANNA}/password");
    // Anna has come in with her own.
    let url = format!("imap://127.0.0.1:{}", sample.ports.base + 3);
    assert_eq!(sample.curl(ANNA, &url, &[], "").code, Some(0));
    let second = somebody(&sample, "e.gialli", Some("1"), &[("help-desk-l2", "tenant/1")]);
    let hash = "$5$rounds=5000$usesomesillystri$4DqpKpXDiHeVvDjXR8Zb8kqTMTOoV1iVJ3mVhiMQf8A";
    for (path, body) in
        [(path.clone(), json!({"password_hash": hash})), (format!("{path}-hash"), json!({"hash": hash}))]
    {
        let (status, why) = request(&sample, &desk, "PUT", &path, &body);
        assert!(status == 403 && why["detail"].as_str().is_some_and(|why| why.contains("mailbox-create")), "{why}");
    }
    let (status, why) = request(&sample, &second, "PUT", &path, &json!({"password_hash": hash}));
    assert_eq!(status, 409, "{why}");
    assert_eq!(sample.curl(ANNA, &url, &[], "").code, Some(0), "hers is good as before");
    assert_eq!(request(&sample, &desk, "PUT", &path, &json!({"password": "una parola provvisoria"})).0, 200);
    let found = ask(&sample, &["operation", "list", "--mailbox", ANNA, "--kind", "mailbox-password"], "");
    let [given] = found["operations"].as_array().expect("a list").as_slice() else { panic!("{found}") };
    assert_eq!((&given["confirmed_by"], &given["detail"]), (&json!("d.neri"), &json!("data")), "{given} {COMUNE}");
}
