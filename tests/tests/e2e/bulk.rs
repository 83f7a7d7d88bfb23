//! Mailboxes and lists by file (WEB-08, WEB-12): valid lines are done, invalid ones told by line, field and reason; a trial changes
//! nothing; the same file again changes nothing.

use std::fmt::Write;
use std::fs;

use serde_json::{Value, json};
use sigillo_tests::demo::{Ran, binary, run};

use crate::administration::{COMUNE, ENTE, somebody, two_administrations};
use crate::rates::{ANNA, BRUNO, ask, served};
use crate::serve::Sample;

fn apply(sample: &Sample, what: &str, text: &[u8], more: &[&str]) -> Ran {
    let file = sample.path("elenco.csv");
    fs::write(&file, text).expect("written");
    let (file, socket) = (file.to_string_lossy().into_owned(), sample.socket());
    run(binary(), &[&[what, "apply", &file, "--socket", &socket][..], more].concat(), b"", 300)
}

fn told(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}", ran.all()))
}

fn counts(told: &Value) -> [u64; 4] {
    let n = |key: &str| told[key].as_u64().expect("a number");
    [n("created"), n("changed"), n("unchanged"), told["wrong"].as_array().expect("lines").len() as u64]
}

#[test]
fn five_hundred_mailboxes_come_from_a_file_and_wrong_lines_stop_no_other() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    somebody(&sample, "r.primo", Some("1"), &[]);
    // As a spreadsheet of this country writes it: a byte order mark, semicolons, CRLF.
    let mut text = "\u{feff}Casella;Profilo;Stato;Struttura;Responsabile;Ticket\r\n".to_owned();
    for n in 0..500 {
        let state = if n % 10 == 9 { "disattivata" } else { "" };
        write!(text, "box{n}@{COMUNE};standard;{state};Anagrafe;r.primo;TT-{n}\r\n").expect("text");
    }
    let fine = text.clone();
    text += &format!("x1@{COMUNE};inesistente;;;;\r\n");
    text += &format!("x2@{COMUNE};standard;boh;;;\r\n");
    text += &format!("x3@{COMUNE};standard;;Nessuna;;\r\n");
    text += &format!("x4@{COMUNE};standard;;;m.nessuno;\r\n");
    text += "x5@altrove.example;standard;;;;\r\n";
    text += "non un indirizzo;standard;;;;\r\n";
    text += &format!("box1@{COMUNE};standard;;;;\r\n");
    text += &format!("\"x6@{COMUNE};standard;;;;\r\n");
    text += &format!("x7@{COMUNE};standard;;;;;;troppo\r\n");

    let before = ask(&sample, &["mailbox", "list"], "");
    let trial = apply(&sample, "mailbox", text.as_bytes(), &["--dry-run", "--json"]);
    assert_eq!(trial.code, Some(1), "some lines are wrong: {}", trial.all());
    assert_eq!(counts(&told(&trial)), [500, 0, 0, 9], "{}", trial.all());
    assert_eq!(ask(&sample, &["mailbox", "list"], ""), before, "a trial changes nothing");

    let ran = apply(&sample, "mailbox", text.as_bytes(), &["--json"]);
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    let done = told(&ran);
    assert_eq!(counts(&done), [500, 0, 0, 9], "{done}");
    let wrong: Vec<(u64, &str)> = done["wrong"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|w| (w["line"].as_u64().expect("a line"), w["field"].as_str().expect("a field")))
        .collect();
    let wanted = ["profile", "state", "unit", "responsible", "address", "address", "address", "", ""];
    assert_eq!(wrong, (502..).zip(wanted).collect::<Vec<_>>(), "{done}");

    let again = apply(&sample, "mailbox", fine.as_bytes(), &["--json"]).fine("the same file again");
    assert_eq!(counts(&told(&again)), [0, 0, 500, 0], "{}", again.all());
    let listed = ask(&sample, &["mailbox", "list"], "");
    let one = |address: String| {
        listed["mailboxes"].as_array().expect("a list").iter().find(|m| m["address"] == address).expect("there").clone()
    };
    let (even, nine) = (one(format!("box0@{COMUNE}")), one(format!("box9@{COMUNE}")));
    assert_eq!(
        (&even["state"], &even["unit"], &even["responsible"]),
        (&json!("active"), &json!(1), &json!(["r.primo"]))
    );
    assert_eq!(nine["state"], "inactive");
    let operations = ask(&sample, &["operation", "list", "--ticket", "TT-9"], "");
    let kinds: Vec<&str> =
        operations["operations"].as_array().expect("a list").iter().filter_map(|o| o["kind"].as_str()).collect();
    assert_eq!(kinds, ["mailbox-create", "mailbox-deactivate", "mailbox-responsible"]);
    assert_eq!(operations["operations"][0]["channel"], "file");

    let changed = format!("casella,stato,profilo\nbox9@{COMUNE},attiva,massive-small\nbox0@{COMUNE},,\n");
    let ran = apply(&sample, "mailbox", changed.as_bytes(), &["--json"]).fine("changes");
    assert_eq!(counts(&told(&ran)), [0, 1, 1, 0], "{}", ran.all());
    let cancelled = format!("casella;stato\nbox9@{COMUNE};cancellata\n");
    let ran = apply(&sample, "mailbox", cancelled.as_bytes(), &["--json"]);
    assert!(ran.code != Some(0) && ran.all().contains("--yes"), "{}", ran.all());
    for wanted in [[0, 1, 0, 0], [0, 0, 1, 0]] {
        let ran = apply(&sample, "mailbox", cancelled.as_bytes(), &["--json", "--yes"]).fine("cancelled");
        assert_eq!(counts(&told(&ran)), wanted, "{}", ran.all());
    }
    ask(&sample, &["store", "check"], "");
}

#[test]
fn what_is_no_table_is_refused_as_a_whole_and_passwords_are_first_ones_only() {
    let (sample, _guard) = served();
    let refused = |text: &[u8], why: &str| {
        let ran = apply(&sample, "mailbox", text, &[]);
        assert!(ran.code == Some(1) && ran.all().contains(why), "{why}: {}", ran.all());
    };
    refused(b"", "vuoto");
    refused(b"casella;colore\n", "«colore» non è fra");
    refused(b"profilo;stato\n", "manca la colonna «casella»");
    refused(b"casella;profilo\nx@x.example;citt\xe0\n", "riga 2: non è UTF-8");
    // A password in the file is the first one of a new mailbox; who has one keeps it.
    let text = format!("casella;password\nnuova@{COMUNE};segreta\n{ANNA};un'altra frase\n");
    let ran = apply(&sample, "mailbox", text.as_bytes(), &["--json"]).fine("with passwords");
    assert_eq!(counts(&told(&ran)), [1, 0, 1, 0], "{}", ran.all());
    let login = |who: &str| {
        let url = format!("imap://127.0.0.1:{}", sample.ports.base + 3);
        sample.curl(who, &url, &[], "").code == Some(0)
    };
    assert!(login(&format!("nuova@{COMUNE}")) && login(ANNA));
    let text = format!("casella\nchiusa@{COMUNE}\n");
    apply(&sample, "mailbox", text.as_bytes(), &[]).fine("without a password");
    assert!(!login(&format!("chiusa@{COMUNE}")), "nobody comes in without a password");
    let password = ["mailbox", "password", &format!("chiusa@{COMUNE}"), "--socket", &sample.socket()];
    run(binary(), &password, b"segreta\n", 30).fine("mailbox password");
    assert!(login(&format!("chiusa@{COMUNE}")));
    assert!(!ran.all().contains("segreta"));
}

#[test]
fn a_file_goes_no_further_than_who_brings_it_and_than_the_plan() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    ask(&sample, &["mailbox", "set", ANNA, "--profile", "standard"], "");
    ask(&sample, &["plan", "set", "1", "--profile", "standard=3"], "");
    ask(&sample, &["plan", "approve", "1", "1"], "");
    somebody(&sample, "p.unita", Some("1"), &[("unit-provisioner", "unit/1/1")]);
    let token = sample.path("p.unita.token").to_string_lossy().into_owned();
    let mut text = "casella;struttura;stato\n".to_owned();
    for name in ["uno", "due", "tre"] {
        writeln!(text, "{name}@{COMUNE};1;").expect("text");
    }
    writeln!(text, "fuori@{COMUNE};;\naltrove@{ENTE};;\n{ANNA};;").expect("text");
    for more in [&["--json", "--token-file", &token, "--dry-run"][..], &["--json", "--token-file", &token]] {
        let ran = apply(&sample, "mailbox", text.as_bytes(), more);
        let done = told(&ran);
        assert_eq!(counts(&done), [2, 0, 1, 3], "{done}");
        let why = |n: usize| done["wrong"][n]["why"].as_str().expect("a reason").to_owned();
        assert!(why(0).contains("ne restano 0"), "the third one in the trial too: {done}");
        assert!(why(1).contains("non c'è") && why(2).contains("non c'è"), "what he may not read is nowhere: {done}");
    }
    let log = run(binary(), &["log", "show", "--socket", &sample.socket()], b"", 30).fine("log show").out;
    assert!(
        log.contains(&format!("mailbox-create richiesta: da=p.unita: metodo=POST: oggetto=/v1/mailboxes/uno@{COMUNE}"))
    );
    assert!(
        log.contains(&format!("mailbox-read negata: da=p.unita: metodo=POST: oggetto=/v1/mailboxes/altrove@{ENTE}")),
        "{log}"
    );
}

#[test]
fn lists_come_from_a_file_too() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let text = format!(
        "lista;membri;struttura\ntutti@{COMUNE};\"{ANNA}, altri@{ENTE}\";\nanagrafe@{COMUNE};{ANNA};Anagrafe\n\
         vuota@{COMUNE};;\nsbagliata@{COMUNE};{ANNA} boh;\n{ANNA};{ANNA};\n"
    );
    let ran = apply(&sample, "list", text.as_bytes(), &["--json"]);
    let done = told(&ran);
    assert_eq!(counts(&done), [2, 0, 0, 3], "{done}");
    let lines: Vec<u64> =
        done["wrong"].as_array().expect("lines").iter().filter_map(|wrong| wrong["line"].as_u64()).collect();
    assert_eq!(lines, [4, 5, 6]);
    let listed = ask(&sample, &["list", "list"], "");
    assert_eq!(listed["lists"][0]["unit"], 1, "{listed}");
    assert_eq!(listed["lists"][1]["members"], json!([ANNA, format!("altri@{ENTE}")]));
    let text = format!("list,members,state\ntutti@{COMUNE},,\nanagrafe@{COMUNE},,cancelled\n");
    let ran = apply(&sample, "list", text.as_bytes(), &["--json", "--yes"]).fine("changes");
    assert_eq!(counts(&told(&ran)), [0, 1, 1, 0], "{}", ran.all());
    let again = apply(&sample, "list", text.as_bytes(), &["--json", "--yes"]).fine("nothing");
    assert_eq!(counts(&told(&again)), [0, 0, 2, 0], "{}", again.all());
    // What was cancelled comes back by its state, not by its members.
    let members = format!("list,members\nanagrafe@{COMUNE},{BRUNO}\n");
    let refused = told(&apply(&sample, "list", members.as_bytes(), &["--json"]));
    assert!(refused["wrong"][0]["why"].as_str().is_some_and(|why| why.contains("undelete")), "{refused}");
    let active = text.replace("cancelled", "active");
    let back = apply(&sample, "list", active.as_bytes(), &["--json"]).fine("called back");
    assert_eq!(counts(&told(&back)), [0, 1, 1, 0], "{}", back.all());
    let listed = ask(&sample, &["list", "list"], "");
    assert_eq!((&listed["lists"][0]["state"], &listed["lists"][0]["members"]), (&json!("active"), &json!([ANNA])));
}

#[test]
fn every_file_that_people_bring_is_read_in_utf8_and_refused_otherwise_by_place_and_remedy() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let (file, socket, state) = (sample.path("file"), sample.socket(), sample.path("stati"));
    let [name, state] = [&file, &state].map(|path| path.to_string_lossy().into_owned());
    let ours = format!("tutti@{COMUNE}");
    let verbs: [(&[&str], &str); 7] = [
        (&["mailbox", "apply", &name], "casella;profilo"),
        (&["list", "apply", &name], "lista;membri"),
        (&["list", "set", &ours, "--file", &name], "#"),
        (&["address-book", "apply", "1", &name], "indirizzo;nome"),
        (&["mailbox", "import-hashes", &name], "casella;hash"),
        (&["mailbox", "import", "--accounts", &name, "--state", &state], "casella;server"),
        (&["password", "file", &name], "Utente;Nuova Password;Numero di cellulare"),
    ];
    for (verb, header) in verbs {
        let brought = |bytes: &[u8]| {
            fs::write(&file, bytes).expect("written");
            run(binary(), &[verb, &["--socket", &socket]].concat(), b"", 30)
        };
        let latin = [header.as_bytes(), b"\r\nx@x.example;citt\xe0\r\n"].concat();
        let utf16: Vec<u8> = [0xfeff].into_iter().chain(header.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for (bytes, says) in [
            (latin, &["riga 2: non è UTF-8 dal carattere 17", "E0", "iconv -f WINDOWS-1252 -t UTF-8"][..]),
            (utf16, &["UTF-16", "iconv -f UTF-16 -t UTF-8"]),
        ] {
            let ran = brought(&bytes);
            assert_eq!(ran.code, Some(1), "{verb:?}: {}", ran.all());
            says.iter().for_each(|said| assert!(ran.all().contains(said), "{verb:?}: {said}: {}", ran.all()));
        }
        // As spreadsheets write it: a byte order mark, CRLF, letters with accents.
        let ran = brought(format!("\u{feff}{header}\r\n").as_bytes());
        assert!(!ran.all().contains("UTF") && !ran.all().contains("riga 1"), "{verb:?}: {}", ran.all());
    }
}
