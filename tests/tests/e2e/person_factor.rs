//! The second factor of who administrates, from the shell and as any program asks, with codes of a program that is not ours
//! (oathtool); and what a thief of a token tries.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use sigillo_tests::demo::{Guard, Ran, binary, run, wait_for};

use crate::administration::{request, somebody};
use crate::rates::{ANNA, ask, served, served_with};
use crate::serve::Sample;
use crate::totp::fresh;

/// One of a person's tokens.
struct Token<'s> {
    sample: &'s Sample,
    file: String,
    secret: String,
}

impl<'s> Token<'s> {
    /// Names somebody; his token is called `prova`.
    fn of_somebody(sample: &'s Sample, login: &str, grants: &[(&str, &str)]) -> Self {
        let secret = somebody(sample, login, None, grants);
        Self { sample, file: sample.path(&format!("{login}.token")).to_string_lossy().into_owned(), secret }
    }

    /// Another one of somebody.
    fn another(sample: &'s Sample, login: &str, name: &str) -> Self {
        let file = sample.path(&format!("{login}.{name}.token")).to_string_lossy().into_owned();
        ask(sample, &["person", "add-token", login, name, "--out", &file], "");
        let secret = fs::read_to_string(&file).expect("the token").trim().to_owned();
        Self { sample, file, secret }
    }

    fn cli(&self, verb: &[&str], input: &str) -> Ran {
        let socket = self.sample.socket();
        let more = ["--json", "--socket", &socket, "--token-file", &self.file];
        run(binary(), &[verb, &more].concat(), input.as_bytes(), 30)
    }

    fn told(&self, verb: &[&str], input: &str) -> Value {
        let ran = self.cli(verb, input).fine(&verb.join(" "));
        serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{verb:?}: {e}: {}", ran.all()))
    }

    fn refused(&self, verb: &[&str], input: &str) -> String {
        let ran = self.cli(verb, input);
        assert_eq!(ran.code, Some(1), "{verb:?}: {}", ran.all());
        ran.all()
    }

    /// Status and class of an answer.
    fn asks(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let (status, answer) = request(self.sample, &self.secret, method, path, body);
        (status, answer["type"].as_str().unwrap_or_default().to_owned())
    }

    fn says(&self, code: &str) -> (u16, String) {
        self.asks("POST", "/v1/me/unlock", &json!({"code": code}))
    }

    /// Adds a factor: its seed and spare codes.
    fn enrols(&self, said: &mut Vec<String>) -> (String, Vec<String>) {
        let enrol = ["person", "totp", "enrol", "--code-file", "-"];
        let begun = self.told(&enrol, "");
        let (seed, uri) = (begun["seed"].as_str().expect("a seed"), begun["uri"].as_str().expect("a link"));
        assert!(uri.starts_with("otpauth://totp/Esempio%20PEC") && uri.contains(seed), "{uri}");
        let confirmed = self.told(&enrol, &fresh(seed, said));
        let spares = confirmed["spare_codes"].as_array().expect("codes").iter().filter_map(Value::as_str);
        (seed.to_owned(), spares.map(str::to_owned).collect())
    }
}

const MAILBOXES: &str = "/v1/mailboxes";

fn wanted() -> (u16, String) {
    (401, "urn:sigillo:code-wanted".to_owned())
}

fn fine() -> (u16, String) {
    (200, String::new())
}

#[test]
fn a_token_is_locked_until_a_code_is_said_for_it() {
    let (sample, _guard) = served();
    let first = Token::of_somebody(&sample, "m.rossi", &[("supplier-admin", "supplier")]);
    let second = Token::another(&sample, "m.rossi", "secondo");
    let mut said = Vec::new();
    let (seed, spares) = first.enrols(&mut said);
    assert_eq!(spares.len(), 8);
    assert_eq!(first.asks("GET", MAILBOXES, &Value::Null), fine(), "a code was just said for it");
    // Every other one is locked, whatever it asks for, and the shell says what to do.
    for (method, path) in [
        ("GET", MAILBOXES),
        ("GET", "/v1/openapi.json"),
        ("POST", "/v1/me/totp"),
        ("POST", "/v1/persons"),
        ("POST", "/v1/me/totp/remove"),
    ] {
        let body = if method == "POST" { json!({"code": spares[0]}) } else { Value::Null };
        assert_eq!(second.asks(method, path, &body), wanted(), "{method} {path}");
    }
    assert!(second.refused(&["mailbox", "list"], "").contains("sigillo person unlock"));
    // A code that was seen is of no use, nor is one without limits.
    assert_eq!(second.says(&said[0]), wanted());
    for hours in [0, 25] {
        let body = json!({"code": spares[0], "hours": hours});
        assert_eq!(second.asks("POST", "/v1/me/unlock", &body).0, 400, "{hours}");
    }
    let unlocked = second.told(&["person", "unlock", "--hours", "1", "--code-file", "-"], &fresh(&seed, &mut said));
    assert_eq!(unlocked["token"], "secondo");
    assert_eq!(second.asks("GET", MAILBOXES, &Value::Null), fine());
    assert!(second.refused(&["person", "unlock", "--code-file", "-"], &said[1]).contains("già stato usato"));
    // Who sits at the socket is asked for nothing, and sees who has a second factor and what is unlocked.
    let listed = ask(&sample, &["person", "list"], "");
    assert_eq!(listed["persons"][0]["second_factor"], true);
    let tokens = ask(&sample, &["person", "tokens", "m.rossi"], "");
    assert_eq!(tokens["tokens"][1]["unlocked"], unlocked["until"]);

    // A program's token: explicit, as long as it is good, and revoked as any.
    let nightly = Token::another(&sample, "m.rossi", "notturno");
    let always = nightly.told(&["person", "unlock", "--always", "--code-file", "-"], &spares[1]);
    let tokens = ask(&sample, &["person", "tokens", "m.rossi"], "");
    assert_eq!(always["until"], tokens["tokens"][2]["expires"]);
    assert_eq!(nightly.asks("GET", MAILBOXES, &Value::Null), fine());
    ask(&sample, &["person", "revoke-token", "m.rossi", "notturno", "--yes"], "");
    assert_eq!(nightly.asks("GET", MAILBOXES, &Value::Null).0, 401);
    first.told(&["store", "check"], "");
    let log = first.cli(&["log", "show"], "").fine("log show").all();
    for line in [
        "PEC_Credential secondo-fattore: persona=m.rossi: credenziale=prova: da=socket",
        "PEC_Admin mailbox-read senza-codice: da=m.rossi: metodo=GET: oggetto=/v1/mailboxes: credenziale=secondo",
        "PEC_Credential codice-errato: persona=m.rossi: credenziale=secondo: da=socket",
        "PEC_Credential sbloccato: persona=m.rossi: credenziale=secondo",
        "PEC_Credential codice-di-riserva: persona=m.rossi: credenziale=notturno",
        "PEC_Credential sbloccato-sempre: persona=m.rossi: credenziale=notturno",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    let all = sample.said() + &log;
    // A code is six digits, which times and numbers hold too: it would stand by itself.
    let words: Vec<&str> = all.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').collect();
    for code in &said[..2] {
        assert!(!words.contains(&code.as_str()), "no code in a log");
    }
    for secret in [&seed, &spares[1], &second.secret] {
        assert!(!all.contains(secret.as_str()), "no secret in a log");
    }
}

#[test]
fn a_thief_of_a_token_gets_nowhere_and_who_lost_his_telephone_is_helped_by_another() {
    let (sample, _guard) = served();
    let admin = Token::of_somebody(&sample, "m.rossi", &[("supplier-admin", "supplier")]);
    let stolen = Token::another(&sample, "m.rossi", "rubato");
    let desk = Token::of_somebody(&sample, "l.bianchi", &[("help-desk-l2", "supplier")]);
    let mut said = Vec::new();
    let (seed, spares) = admin.enrols(&mut said);
    // Another person's token, without a factor and with one.
    let code = fresh(&seed, &mut said);
    assert_eq!(desk.says(&code).0, 409);
    desk.enrols(&mut Vec::new());
    assert_eq!(desk.says(&code), wanted());
    // Guesses: five, and then not even the right one; his own tokens work.
    for n in 0..5 {
        assert_eq!(stolen.says(&format!("{n}{n}{n}{n}{n}{n}")), wanted());
    }
    assert_eq!(stolen.says(&code).0, 429);
    assert_eq!(stolen.says(&spares[0]).0, 429);
    assert_eq!(stolen.asks("GET", MAILBOXES, &Value::Null), wanted());
    assert_eq!(admin.says(&code), fine());
    // Removing it by guesses is counted with them.
    for _ in 0..5 {
        assert_eq!(admin.asks("POST", "/v1/me/totp/remove", &json!({"code": "123456"})), wanted());
    }
    assert_eq!(admin.asks("POST", "/v1/me/totp/remove", &json!({"code": spares[0]})).0, 429);

    // Who lost both: not himself, not who may not end him; the system's user may, and says that he means it.
    let path = "/v1/persons/m.rossi/totp";
    assert_eq!(admin.asks("DELETE", path, &Value::Null).0, 403);
    assert_eq!(desk.asks("DELETE", path, &Value::Null).0, 404, "whom he may not read is not there");
    let socket = sample.socket();
    let reset = run(binary(), &["person", "totp", "reset", "m.rossi", "--socket", &socket], b"", 30);
    assert!(reset.code == Some(1) && reset.all().contains("--yes"), "{}", reset.all());
    assert_eq!(ask(&sample, &["person", "totp", "reset", "m.rossi", "--yes"], "")["second_factor"], false);
    assert_eq!(stolen.asks("GET", MAILBOXES, &Value::Null), fine());
    // And who administrates the service may for others.
    admin.told(&["person", "totp", "reset", "l.bianchi", "--yes"], "");
    let log = admin.cli(&["log", "show"], "").fine("log show").all();
    let guesses = log.matches("codice-errato: persona=m.rossi: credenziale=rubato").count();
    assert_eq!(guesses, 5, "what is not judged fills no log: {log}");
    assert!(log.contains("PEC_Credential secondo-fattore-tolto: persona=m.rossi: da=uid-"), "{log}");
    assert!(log.contains("PEC_Credential secondo-fattore-tolto: persona=l.bianchi: da=m.rossi"), "{log}");
    // He adds one anew and removes it himself, by a token that nobody guessed with.
    let another = Token::another(&sample, "m.rossi", "altro");
    let (_, spares) = another.enrols(&mut Vec::new());
    assert_eq!(stolen.asks("GET", MAILBOXES, &Value::Null), wanted());
    assert_eq!(another.told(&["person", "totp", "remove", "--code-file", "-"], &spares[7])["second_factor"], false);
    assert_eq!(stolen.asks("GET", MAILBOXES, &Value::Null), fine());
}

#[test]
fn where_one_is_required_who_has_none_only_adds_it() {
    let (sample, guard): (Sample, Guard) = served_with("");
    let required = sample.text().replace("second_factor = \"optional\"", "second_factor = \"required\"");
    sample.write(&required);
    let admin = Token::of_somebody(&sample, "m.rossi", &[("supplier-admin", "supplier")]);
    assert_eq!(admin.asks("GET", MAILBOXES, &Value::Null), fine(), "not before it is read");
    guard.signal("HUP");
    let wanted = (403, "urn:sigillo:factor-wanted".to_owned());
    wait_for("the reload", Duration::from_secs(20), || {
        (admin.asks("GET", MAILBOXES, &Value::Null) == wanted).then_some(())
    });
    assert!(admin.refused(&["mailbox", "list"], "").contains("sigillo person totp enrol"));
    assert_eq!(admin.says("123456"), wanted);
    ask(&sample, &["status"], "");
    let (_, spares) = admin.enrols(&mut Vec::new());
    assert_eq!(admin.asks("GET", MAILBOXES, &Value::Null), fine());
    admin.told(&["person", "totp", "remove", "--code-file", "-"], &spares[0]);
    assert_eq!(admin.asks("GET", MAILBOXES, &Value::Null), wanted, "and it is wanted again");
}

/// Whoever sits at a terminal is asked for the code, and what he wanted is done.
#[test]
fn at_a_terminal_the_code_is_asked_for_and_the_request_sent_again() {
    const TERMINAL: &str = r#"
import os, pty, sys, time
code = sys.stdin.readline().encode()
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
told, asked = b"", 0
while True:
    try:
        piece = os.read(fd, 4096)
    except OSError:
        break
    if not piece:
        break
    told += piece
    if told.count(b"Code of the second factor: ") > asked:
        asked += 1
        time.sleep(0.5)  # what was typed before the question is thrown away
        os.write(fd, code)
sys.stdout.write(told.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;
    let (sample, _guard) = served();
    let first = Token::of_somebody(&sample, "m.rossi", &[("supplier-admin", "supplier")]);
    let second = Token::another(&sample, "m.rossi", "secondo");
    let (_, spares) = first.enrols(&mut Vec::new());
    let sit = |verb: &[&str], code: &str| {
        let (program, socket) = (binary().to_string_lossy().into_owned(), sample.socket());
        let more = ["--socket", &socket, "--token-file", &second.file];
        let args = [&["-c", TERMINAL, &program][..], verb, &more].concat();
        run("python3", &args, format!("{code}\n").as_bytes(), 60)
    };
    let wrong = sit(&["mailbox", "list"], "000000");
    assert!(wrong.code == Some(1) && wrong.out.contains("non è valido"), "{}", wrong.all());
    let listed = sit(&["mailbox", "list"], &spares[0]);
    assert!(listed.code == Some(0) && listed.out.contains(ANNA), "{}", listed.all());
    assert!(!listed.out.contains(&spares[0]), "it is not shown");
    let again = sit(&["mailbox", "list"], "nothing");
    assert!(again.code == Some(0) && !again.out.contains("Code of"), "it is unlocked: {}", again.all());
}
