//! Persons at one mailbox from the shell, and what clients see of it: rights, blocks, passwords that end, accesses.

use serde_json::{Value, json};
use sigillo_tests::demo::Demo;

use crate::rates::{ANNA, ask, served};

#[test]
fn rights_blocks_and_accesses_are_ruled_from_the_shell() {
    let (sample, _guard) = served();
    ask(&sample, &["mailbox", "set", ANNA, "--profile", "structured"], "");
    let made = ["credential", "add", ANNA, "dora", "--kind", "personal", "--password-file", "-"];
    ask(&sample, &made, "una frase lunga\n");
    let rights = |more: &[&str]| {
        let found = ask(&sample, &[&["mailbox", "rights", ANNA][..], more].concat(), "");
        found["rights"].as_array().expect("rights").clone()
    };
    assert_eq!(rights(&[]), [json!({"person": "dora", "folder": null, "rights": "lrswipkxte"})]);
    let changed = rights(&["--person", "dora", "--folder", "Bozze", "--set", "lr"]);
    assert_eq!(changed[1], json!({"person": "dora", "folder": "Bozze", "rights": "lr"}));
    assert_eq!(rights(&["--person", "dora", "--folder", "Bozze", "--set", "-r"])[1]["rights"], "l");
    let blocked = ask(&sample, &["mailbox", "block", ANNA, "--reason", "in mora", "--until", "2999-01-01"], "");
    assert_eq!(blocked["blocked"]["reason"], "in mora");
    assert_eq!(ask(&sample, &["mailbox", "unblock", ANNA], "")["blocked"], Value::Null);
    let state = ask(&sample, &["credential", "state", ANNA, "--must-change", "yes"], "");
    assert_eq!((&state["kind"], &state["must_change"]), (&json!("owner"), &json!(true)));
    let state = ["credential", "state", ANNA, "--must-change", "no", "--expires", "2999-01-01"];
    assert!(ask(&sample, &state, "")["expires"].as_str().expect("a time").starts_with("2999-01-01"));
    let without = ask(&sample, &["mailbox", "set", ANNA, "--without", "move,ACL"], "");
    assert_eq!(without["without"], json!(["ACL", "MOVE"]));
    assert_eq!(ask(&sample, &["mailbox", "set", ANNA, "--without", ""], "")["without"], json!([]));
    let found = ask(&sample, &["mailbox", "accesses", ANNA], "");
    assert_eq!(found["counts"], json!([]), "nobody came yet");
}

/// SCRAM-SHA-256 over IMAP, reckoned by Python's hashlib and hmac; both sides prove themselves.
#[test]
fn python_logs_in_to_imap_by_scram() {
    let demo = Demo::start(&["--without", "beta"]);
    let script = r#"
import base64, hashlib, hmac, os

def b64(data):
    return base64.b64encode(data).decode()

def mac(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()

def scram(user, password):
    host, port = at(boxes[user][0], "imaps")
    c = imaplib.IMAP4_SSL(host, port, ssl_context=tls)
    first = "n=%s,r=%s" % (user, b64(os.urandom(18)).replace(",", "x"))
    said, wanted = [], []
    def step(data):
        said.append(bytes(data).decode())
        if len(said) == 1:
            return "n,," + first
        if len(said) > 2:
            return ""
        fields = dict(x.split("=", 1) for x in said[1].split(","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        key = mac(salted, b"Client Key")
        final = "c=biws,r=" + fields["r"]
        auth = ",".join([first, said[1], final]).encode()
        proof = bytes(a ^ b for a, b in zip(key, mac(hashlib.sha256(key).digest(), auth)))
        wanted.append("v=" + b64(mac(mac(salted, b"Server Key"), auth)))
        return final + ",p=" + b64(proof)
    try:
        code = c.authenticate("SCRAM-SHA-256", step)[0]
    except imaplib.IMAP4.error as error:
        return str(error)
    return [code, said[2] == wanted[0], c.select("INBOX")[0]]

user = ask["user"]
answer({"right": scram(user, boxes[user][1]), "wrong": scram(user, "sbagliata")})
"#;
    let told = demo.python(script, &json!({"user": "anna@comune-alfa.example"}), 120);
    assert_eq!(told["right"], json!(["OK", true, "OK"]));
    assert!(told["wrong"].as_str().expect("refused").contains("AUTHENTICATIONFAILED"), "{told}");
}
