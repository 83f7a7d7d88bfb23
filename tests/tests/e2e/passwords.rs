//! Passwords as holders meet them: the first one that has to be changed, by every protocol, and its change without a browser
//! (PWD-02).

use std::fs;

use serde_json::json;
use sigillo_tests::demo::{Guard, Ran, binary, run};

use crate::rates::{self, ANNA, BRUNO};
use crate::serve::Sample;

const FIRST: &str = "iniziale-7391";

/// A service that asks of passwords what the sample does.
pub fn strict() -> (Sample, Guard) {
    let sample = Sample::new();
    let text = sample
        .text()
        .replace("first_change = false", "first_change = true")
        .replace("min_length = 6", "min_length = 10");
    sample.write(&text);
    let guard = sample.serve();
    (sample, guard)
}

/// What each protocol of mail says of a login; Python's own libraries ask. Arguments: base port, user, password.
const DOORS: &str = r#"
import imaplib, poplib, smtplib, ssl, sys
base, user, password = int(sys.argv[1]), sys.argv[2], sys.argv[3]
tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
def told(ask):
    try:
        return "OK " + str(ask())
    except (imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPException) as error:
        return str(error)
def imap():
    return imaplib.IMAP4_SSL("127.0.0.1", base + 4, ssl_context=tls).login(user, password)[0]
def pop3():
    pop = poplib.POP3_SSL("127.0.0.1", base + 6, context=tls)
    pop.user(user)
    return pop.pass_(password)
def smtp():
    session = smtplib.SMTP("127.0.0.1", base + 1)
    session.starttls(context=tls)
    return session.login(user, password)
for door in (imap, pop3, smtp):
    print(door.__name__, told(door).replace("\n", " "))
"#;

pub fn doors(sample: &Sample, user: &str, password: &str) -> [String; 3] {
    let ran = run("python3", &["-c", DOORS, &sample.ports.base.to_string(), user, password], b"", 60);
    let lines: Vec<String> = ran.fine("the doors").out.lines().map(str::to_owned).collect();
    lines.try_into().expect("three answers")
}

pub fn change(sample: &Sample, user: &str, lines: &str) -> Ran {
    let args = ["password", "change", user, "--password-file", "-", "--socket", &sample.socket()];
    run(binary(), &args, lines.as_bytes(), 30)
}

#[test]
fn the_first_password_opens_nothing_but_its_own_change() {
    let (sample, _guard) = strict();
    let short = run(binary(), &["mailbox", "add", ANNA, "--socket", &sample.socket()], b"corta\n", 30);
    assert!(short.code == Some(1) && short.all().contains("almeno 10"), "{}", short.all());
    sample.add(ANNA, FIRST);
    let [imap, pop3, smtp] = doors(&sample, ANNA, FIRST);
    for said in [&imap, &pop3, &smtp] {
        assert!(said.contains("da cambiare") && said.contains("sigillo password change"), "{said}");
    }
    assert!(imap.contains("[EXPIRED]") && pop3.contains("AUTH") && smtp.contains("535"), "{imap} {pop3} {smtp}");

    let refused = |lines: &str, why: &str| {
        let ran = change(&sample, ANNA, lines);
        assert!(ran.code == Some(1) && ran.all().contains(why), "{why}: {}", ran.all());
    };
    refused(&format!("{FIRST}\n"), "manca una riga");
    refused("sbagliata-9\nuna frase tutta mia\n", "non validi");
    refused(&format!("{FIRST}\n{FIRST}\n"), "già stata usata");
    refused(&format!("{FIRST}\nPassword2026!\n"), "comuni");
    change(&sample, ANNA, &format!("{FIRST}\nuna frase tutta mia\n")).fine("password change");
    for said in doors(&sample, ANNA, "una frase tutta mia") {
        assert!(said.contains(" OK "), "{said}");
    }
    for said in doors(&sample, ANNA, FIRST) {
        assert!(!said.contains(" OK "), "{said}");
    }
    let lines = run(binary(), &["log", "show", "--socket", &sample.socket()], b"", 30).all();
    assert!(lines.contains("PEC_Credential cambiata"), "{lines}");
    let accesses = run(binary(), &["mailbox", "accesses", ANNA, "--csv", "--socket", &sample.socket()], b"", 30).all();
    assert!(accesses.contains("self"), "{accesses}");
    let all = sample.said() + &lines + &accesses;
    assert!(!all.contains("tutta mia") && !all.contains(FIRST) && !all.contains("sbagliata-9"), "no password in a log");
}

/// A request without a token; the body of its answer, but for the number that each has of its own, and the status.
fn http(sample: &Sample, method: &str, path: &str, body: &str) -> String {
    let (socket, url, head) = (sample.socket(), format!("http://sigillo{path}"), "Content-Type: application/json");
    let args = ["-s", "-w", " %{http_code}", "--unix-socket", &socket, "-X", method, "-H", head, "-d", body, &url];
    let said = run("curl", &args, b"", 30).out;
    match said.split_once(",\"instance\":\"") {
        Some((before, after)) => format!("{before}{}", after.split_once('"').map_or("", |(_, rest)| rest)),
        None => said,
    }
}

/// Whoever is at the socket without a token changes nothing but by the present password: also once somebody administrates.
#[test]
fn the_door_of_the_holder_wants_no_token_and_opens_nothing_else() {
    let (sample, _guard) = strict();
    sample.add(ANNA, FIRST);
    let ask = |method: &str, path: &str, body: &str| http(&sample, method, path, body);
    let body = format!(r#"{{"user":"{ANNA}","password":"{FIRST}","new_password":"una frase tutta mia"}}"#);
    assert!(ask("POST", "/v1/self/password", &body).ends_with(" 405"));
    assert!(ask("PUT", "/v1/self/password", "{}").ends_with(" 422"));
    let large = format!(r#"{{"user":"{}"}}"#, "x".repeat(20_000));
    assert!(ask("PUT", "/v1/self/password", &large).ends_with(" 413"));
    let wrong = body.replace(FIRST, "sbagliata");
    let said = ask("PUT", "/v1/self/password", &wrong);
    let nobody = ask("PUT", "/v1/self/password", &wrong.replace("anna@", "nessuno@"));
    assert!(said.ends_with(" 401") && said == nobody, "nobody and somebody are answered alike: {said} {nobody}");
    assert!(ask("PUT", "/v1/self/password", &body).ends_with(" 200"));
    for n in 1..=5 {
        assert!(ask("PUT", "/v1/self/password", &wrong).ends_with(" 401"), "{n}");
    }
    let locked = ask("PUT", "/v1/self/password", &wrong);
    assert!(locked.ends_with(" 429") && locked.contains("Troppi accessi falliti"), "{locked}");
}

/// Anna's administration has one technical contact; bruno's mailbox is of another.
fn technical_contact(sample: &Sample) -> (String, String) {
    let ask = |verb: &[&str]| rates::ask(sample, verb, "");
    for (name, domain) in [("Comune di Esempio", "comune-esempio.example"), ("Ente", "ente-esempio.example")] {
        let made = ask(&["tenant", "add", name, "--code", "c_x"]);
        ask(&["domain", "assign", domain, "--tenant", &made["id"].to_string(), "--yes"]);
    }
    let token = |login: &str, tenant: &[&str], role: [&str; 2]| {
        ask(&[&["person", "add", login, "Una Persona"], tenant].concat());
        ask(&["person", "grant", login, role[0], role[1]]);
        let file = sample.path(login).to_string_lossy().into_owned();
        ask(&["person", "add-token", login, "prova", "--out", &file]);
        file
    };
    let contact = token("l.bianchi", &["--tenant", "1"], ["technical-contact", "tenant/1"]);
    (contact, token("m.rossi", &[], ["supplier-admin", "supplier"]))
}

#[test]
fn a_file_of_passwords_does_its_good_lines_and_tells_the_others() {
    let (sample, _guard) = strict();
    for address in [ANNA, BRUNO, "dino@comune-esempio.example"] {
        sample.add(address, FIRST);
    }
    let (contact, admin) = technical_contact(&sample);
    let file = sample.path("password.csv").to_string_lossy().into_owned();
    let lines = format!(
        "\u{feff}Utente;Nuova Password;Numero di cellulare\r\n{ANNA};\"tre gatti; sul tetto\";333 123 4567\r\n\
         dino@comune-esempio.example;segreto-9;\r\n{BRUNO};una frase di bruno;\r\nnessuno@comune-esempio.example;una frase qualsiasi;\r\n\
         dino@comune-esempio.example;una frase di dino;06 1234\r\n"
    );
    fs::write(&file, lines).expect("written");
    let by = |token: &str, more: &[&str]| {
        let args = ["password", "file", &file, "--json", "--socket", &sample.socket(), "--token-file", token];
        run(binary(), &[&args[..], more].concat(), b"", 60)
    };
    let denied = by(&admin, &[]);
    assert!(denied.code == Some(1) && denied.all().contains("password-file"), "PWD-04: {}", denied.all());
    for more in [&["--dry-run"][..], &[]] {
        let ran = by(&contact, more);
        assert_eq!(ran.code, Some(1), "wrong lines show in the status: {}", ran.all());
        let told: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
        let wrong: Vec<u64> =
            told["wrong"].as_array().expect("lines").iter().filter_map(|w| w["line"].as_u64()).collect();
        assert_eq!((&told["given"], wrong), (&json!(1), vec![3, 4, 5, 6]), "{told}");
        // Somebody else's mailbox is as good as none.
        assert!(told["wrong"][1]["why"].as_str().is_some_and(|why| why.contains("non c'è")), "{told}");
        let [imap, ..] = doors(&sample, ANNA, "tre gatti; sul tetto");
        assert_eq!(imap.contains("EXPIRED"), more.is_empty(), "{more:?}: {imap}");
    }
    let reached = rates::ask(&sample, &["mailbox", "contact", ANNA, "--token-file", &contact], "");
    assert_eq!(reached["phone"], "+393331234567");
    change(&sample, ANNA, "tre gatti; sul tetto\nquattro gatti altrove\n").fine("the holder goes on from there");
    let log = ["log", "show", "--socket", &sample.socket(), "--token-file", &admin];
    let log = run(binary(), &log, b"", 30).all();
    assert!(
        log.contains("PEC_Credential assegnata")
            && log.contains("da=l.bianchi")
            && log.contains("password-file negata"),
        "{log}"
    );
    assert!(!(sample.said() + &log).contains("gatti"), "no password in a log");

    // Whoever has to do it for two hundred waits for seconds.
    let many: String =
        (0..200).map(|n| format!("nessuno{n}@comune-esempio.example;una frase qualsiasi {n};\n")).collect();
    fs::write(&file, format!("Utente;Nuova Password;Numero di cellulare;Ufficio\n{many}")).expect("written");
    let told: serde_json::Value = serde_json::from_str(&by(&contact, &[]).out).expect("JSON");
    assert_eq!((&told["given"], told["wrong"].as_array().map(Vec::len)), (&json!(0), Some(200)));
    fs::write(&file, "Utente;Password;Cellulare\n").expect("written");
    let ran = by(&contact, &[]);
    assert!(ran.code == Some(1) && ran.all().contains("Nuova Password"), "{}", ran.all());
}

#[test]
fn whoever_asks_for_a_secret_hears_the_same_whatever_there_is() {
    let (sample, _guard) = strict();
    sample.add(ANNA, FIRST);
    sample.add("dino@comune-esempio.example", FIRST);
    let reached = ["mailbox", "contact", ANNA, "--phone", "333 123 4567", "--mail", "anna@casa.example"];
    rates::ask(&sample, &reached, "");
    let ask = |user: &str| {
        let begun = std::time::Instant::now();
        let told = http(&sample, "POST", "/v1/self/reset", &format!(r#"{{"user":"{user}"}}"#));
        assert!(begun.elapsed() >= std::time::Duration::from_millis(900), "{user} is answered at its time");
        told
    };
    let told = ask(ANNA);
    assert!(told.ends_with(" 202"), "{told}");
    for user in ["dino@comune-esempio.example", "nessuno@comune-esempio.example", "niente"] {
        assert_eq!(ask(user), told, "{user}");
    }
    assert_eq!(ask(ANNA), told, "while one is good");
    let flooded = http(&sample, "POST", "/v1/self/reset", &format!(r#"{{"user":"{ANNA}"}}"#));
    assert!(flooded.ends_with(" 429") && flooded.contains("troppe richieste"), "{flooded}");
    let guess = |user: &str| {
        http(
            &sample,
            "POST",
            "/v1/self/reset/confirm",
            &format!(r#"{{"user":"{user}","secret":"aaaa-aaaa","new_password":"una frase nuova"}}"#),
        )
    };
    assert!(guess(ANNA).ends_with(" 401"));
    assert_eq!(guess(ANNA), guess("nessuno@comune-esempio.example"));
    // The help desk sees where it went, and nothing of it. There is no gateway for short messages.
    let sent = rates::ask(&sample, &["mailbox", "reset", ANNA], "");
    assert_eq!(sent["to"], "mailto:a…@casa.example");
    let none = |why: &str| {
        let ran =
            run(binary(), &["mailbox", "reset", "dino@comune-esempio.example", "--socket", &sample.socket()], b"", 30);
        assert!(ran.code == Some(1) && ran.all().contains(why), "{}", ran.all());
    };
    none("non si sa dove");
    rates::ask(&sample, &["mailbox", "contact", "dino@comune-esempio.example", "--phone", "333 123 4567"], "");
    none("[sms]");
}
