//! Mailboxes that move here with their passwords, as other systems hashed them (PWD-06).

use std::fs;

use serde_json::json;
use sigillo_tests::demo::{Ran, binary, run};

use crate::rates::{ANNA, BRUNO, ask, served};
use crate::serve::Sample;

const PASSWORD: &str = "Segreta-123";

/// SCRAM-SHA-256 by GNU SASL; whether both sides proved themselves.
fn scram(sample: &Sample, user: &str, password: &str) -> bool {
    let port = (sample.ports.base + 3).to_string();
    let how = ["--imap", "--mechanism", "SCRAM-SHA-256", "--no-cb", "--verbose", "--x509-ca-file", ""];
    let who = ["--authentication-id", user, "--password", password, "127.0.0.1", &port];
    let ran = run("gsasl", &[&how[..], &who].concat(), b"", 30);
    (ran.out + &ran.err).contains("(server trusted)")
}

/// LOGIN or PLAIN by curl.
fn log_in(sample: &Sample, user: &str, password: &str) -> Ran {
    let ca = sample.path("prova/ca.pem").to_string_lossy().into_owned();
    let (login, url) = (format!("{user}:{password}"), format!("imaps://127.0.0.1:{}/INBOX", sample.ports.base + 4));
    let args = ["--silent", "--show-error", "--cacert", &ca, "--user", &login, "--request", "NOOP", &url];
    run("curl", &args, b"", 30)
}

/// By `openssl passwd`.
fn crypted(how: &str) -> String {
    run("openssl", &["passwd", how, PASSWORD], b"", 30).fine("openssl passwd").out.trim().to_owned()
}

#[test]
fn a_mailbox_that_comes_with_a_hash_lets_its_user_in_and_then_knows_scram() {
    let (sample, _guard) = served();
    let carla = "carla@comune-esempio.example";
    let add = ["mailbox", "add", carla, "--password-hash-file", "-"];
    ask(&sample, &add, &(crypted("-6") + "\n"));
    let listed = || ask(&sample, &["credential", "list", carla], "")["credentials"][0].clone();
    assert_eq!((&listed()["hash"], &listed()["scram"]), (&json!("SHA512-CRYPT"), &json!(false)));
    assert!(!scram(&sample, carla, PASSWORD), "not before the password was said");
    assert_ne!(log_in(&sample, carla, "sbagliata").code, Some(0));
    assert!(!scram(&sample, carla, PASSWORD), "a wrong one does not count");
    log_in(&sample, carla, PASSWORD).fine("the first login");
    assert!(scram(&sample, carla, PASSWORD));
    assert!(!scram(&sample, carla, "sbagliata"));
    assert_eq!((&listed()["hash"], &listed()["scram"]), (&json!("argon2id"), &json!(true)));
    let lines = run(binary(), &["log", "show", "--socket", &sample.socket()], b"", 30).all();
    assert!(lines.contains("PEC_Credential aggiornata") || lines.contains("PEC_Admin"), "{lines}");

    // Nobody who administrates gets in by a hash of a word that he knows; what is no hash is refused, and not shown.
    let args = ["mailbox", "password", carla, "--password-hash-file", "-", "--socket", &sample.socket()];
    let ran = run(binary(), &args, crypted("-apr1").as_bytes(), 30);
    assert!(ran.code != Some(0) && ran.all().contains("ha già una password"), "{}", ran.all());
    log_in(&sample, carla, PASSWORD).fine("hers is good as before");
    let gino = "gino@comune-esempio.example";
    ask(&sample, &["mailbox", "add", gino, "--password-hash-file", "-"], &crypted("-6"));
    ask(&sample, &["mailbox", "password", gino, "--password-hash-file", "-"], &crypted("-apr1"));
    log_in(&sample, gino, PASSWORD).fine("while nobody has come in, another one may come");
    for (wrong, why) in
        [("{PLAIN}segretissima", "in chiaro"), ("{NTLM}0123", "NTLM"), ("$2b$31$segretissima", "bcrypt")]
    {
        let args = ["mailbox", "password", carla, "--password-hash-file", "-", "--socket", &sample.socket()];
        let ran = run(binary(), &args, wrong.as_bytes(), 30);
        assert_ne!(ran.code, Some(0), "{wrong}");
        assert!(ran.all().contains(why) && !ran.all().contains("segretissima"), "{}", ran.all());
    }
    assert!(!sample.said().contains("segretissima") && !sample.said().contains(PASSWORD));
}

#[test]
fn a_list_of_hashes_is_taken_line_by_line_and_may_be_given_again() {
    let (sample, _guard) = served();
    let [dino, elsa, fede] = ["dino", "elsa", "fede"].map(|name| format!("{name}@comune-esempio.example"));
    sample.add(&dino, "iniziale-7391");
    let file = sample.path("elenco.csv").to_string_lossy().into_owned();
    let list = format!(
        "\u{feff}indirizzo;hash\r\n{dino};{}\r\n{elsa};\"{}\"\r\n\r\n{fede};{{CLEARTEXT}}segretissima\r\n\
         {{SSHA}}segretissima;{fede}\r\n{ANNA};{}\r\nnessuno@altrove.example;{}\r\n",
        crypted("-5"),
        crypted("-1"),
        crypted("-6"),
        crypted("-6"),
    );
    fs::write(&file, &list).expect("written");
    let socket = sample.socket();
    let import = |more: &[&str]| {
        let args = [&["mailbox", "import-hashes", &file, "--json", "--socket", &socket][..], more].concat();
        let ran = run(binary(), &args, b"", 60);
        assert_eq!(ran.code, Some(1), "wrong lines show in the status: {}", ran.all());
        assert!(!ran.all().contains("segretissima"), "{}", ran.all());
        serde_json::from_str::<serde_json::Value>(&ran.out).expect("JSON")
    };
    let lines = |told: &serde_json::Value| {
        let wrong = told["wrong"].as_array().expect("lines").iter();
        wrong.map(|w| w["line"].as_u64().expect("a number")).collect::<Vec<_>>()
    };
    let trial = import(&["--dry-run", "--add", "standard"]);
    assert_eq!((&trial["given"], &trial["added"], lines(&trial)), (&json!(2), &json!(1), vec![5, 6, 8]), "{trial}");
    assert_ne!(log_in(&sample, &dino, PASSWORD).code, Some(0), "a trial");
    // Without --add who is not there is a line that is wrong; anna's password was never said here, so the list's counts.
    let first = import(&[]);
    assert_eq!((&first["given"], lines(&first)), (&json!(2), vec![3, 5, 6, 8]), "{first}");
    let again = import(&["--add", "standard"]);
    assert_eq!((&again["same"], &again["added"], lines(&again)), (&json!(2), &json!(1), vec![5, 6, 8]), "{again}");
    for who in [&dino, &elsa, ANNA] {
        log_in(&sample, who, PASSWORD).fine("the password of before");
        assert!(scram(&sample, who, PASSWORD), "{who}");
    }
    log_in(&sample, BRUNO, "segreta").fine("who is not in the list");
    let last = import(&[]);
    assert_eq!((&last["kept"], lines(&last)), (&json!(3), vec![5, 6, 8]), "{last}");
    assert!(scram(&sample, &elsa, PASSWORD), "the list undoes nothing");

    fs::write(&file, b"anna@comune-esempio.example;pi\xf9\n").expect("written");
    let ran = run(binary(), &["mailbox", "import-hashes", &file, "--socket", &sample.socket()], b"", 30);
    assert!(ran.code == Some(1) && ran.all().contains("riga 1: non è UTF-8"), "{}", ran.all());
}
