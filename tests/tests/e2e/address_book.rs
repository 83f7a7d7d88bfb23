//! The address book of an administration from the shell: a ticket changes an entry of the registry of users and the entry
//! shows it; nobody of another administration reads it; what is exported others read, and `apply` reads it back (BOX-15,
//! HD-04).

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use sigillo_tests::demo::{Ran, binary, run};

use crate::administration::{COMUNE, ENTE, request, somebody, two_administrations};
use crate::api::call;
use crate::rates::{ANNA, BRUNO, ask, served};
use crate::serve::Sample;

/// A verb of the book of an administration, as somebody.
fn book(sample: &Sample, token: &str, verb: &[&str]) -> Ran {
    let socket = sample.socket();
    let mut args = [&["address-book"][..], verb, &["--socket", &socket]].concat();
    if !token.is_empty() {
        args.extend(["--token-file", token]);
    }
    run(binary(), &args, b"", 300)
}

fn refused(sample: &Sample, token: &str, verb: &[&str]) -> String {
    let ran = book(sample, token, verb);
    assert_eq!(ran.code, Some(1), "{verb:?}: {}", ran.all());
    ran.all()
}

fn apply(sample: &Sample, text: &[u8], more: &[&str]) -> Ran {
    let file = sample.path("rubrica.csv");
    fs::write(&file, text).expect("written");
    let file = file.to_string_lossy().into_owned();
    book(sample, "", &[&["apply", "1", &file, "--json"], more].concat())
}

fn counts(ran: &Ran) -> [u64; 4] {
    let told: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}", ran.all()));
    let n = |key: &str| told[key].as_u64().expect("a number");
    [n("created"), n("changed"), n("unchanged"), told["wrong"].as_array().expect("lines").len() as u64]
}

fn addresses(found: &Value) -> Vec<&str> {
    found["entries"].as_array().expect("entries").iter().filter_map(|e| e["address"].as_str()).collect()
}

/// The token of somebody of the help desk.
fn desk(sample: &Sample, login: &str, role: &str, scope: &str) -> String {
    somebody(sample, login, None, &[(role, scope)]);
    sample.path(&format!("{login}.token")).to_string_lossy().into_owned()
}

#[test]
fn a_ticket_changes_an_entry_of_the_registry_and_the_book_shows_it() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let first = desk(&sample, "d.primo", "help-desk-l1", "supplier");
    let verb = ["set", "1", ANNA, "--name", "Anna Rossi", "--office", "Anagrafe", "--json"];
    let made: Value = serde_json::from_str(&book(&sample, &first, &verb).fine("set").out).expect("JSON");
    assert_eq!((&made["own"], &made["office"], &made["phone"]), (&json!(true), &json!("Anagrafe"), &json!("")));
    ask(&sample, &["address-book", "set", "1", "x@altrove.example", "--name", "Ufficio Altrove"], "");
    let asked = ["--ticket", "CH-2026-77", "--requested-at", "2026-01-15T09:00", "--requested-by", "Ufficio personale"];
    let change = ["set", "1", ANNA, "--office", "Stato civile", "--phone", "+39 06 1234567 int. 12"];
    let shown = book(&sample, &first, &[&change[..], &asked].concat()).fine("set").out;
    assert!(shown.contains("Stato civile") && shown.contains("Anna Rossi"), "what is not named stays: {shown}");
    assert!(book(&sample, &first, &change).code == Some(0), "the same again is no change");

    let found = ask(&sample, &["operation", "list", "--ticket", "CH-2026-77"], "");
    let [record] = &found["operations"].as_array().expect("a list")[..] else { panic!("{found}") };
    assert_eq!((&record["kind"], &record["object"]), (&json!("address-book-change"), &json!(ANNA)));
    assert_eq!((&record["confirmed_by"], &record["confirmed_how"]), (&json!("d.primo"), &json!("token")));
    assert_eq!(
        (&record["requested_by"], &record["detail"]),
        (&json!("Ufficio personale"), &json!("ufficio, telefono"))
    );
    assert_eq!((&record["tenant"], &record["unit"]), (&json!(1), &json!(1)), "as whose the mailbox is");
    let of_anna = ask(&sample, &["operation", "list", "--kind", "address-book-change", "--mailbox", ANNA], "");
    assert_eq!(of_anna["operations"].as_array().expect("a list").len(), 1, "{of_anna}");

    let listed = book(&sample, &first, &["list", "1"]).fine("list").out;
    assert!(listed.contains("+39 06 1234567 int. 12") && listed.contains("Ufficio Altrove"), "{listed}");
    let exported = book(&sample, &first, &["export", "1"]).fine("export").out;
    assert!(
        exported.contains("anna@comune-esempio.example;Anna Rossi;;Stato civile;'+39 06 1234567 int. 12;"),
        "{exported}"
    );
    let found = |more: &[&str]| ask(&sample, &[&["address-book", "list", "1"][..], more].concat(), "");
    assert_eq!(addresses(&found(&["--own"])), [ANNA], "the registry of users");
    assert_eq!(addresses(&found(&["--match", "stato CIVILE"])), [ANNA]);
    assert_eq!(addresses(&found(&["--match", "altrove"])), ["x@altrove.example"]);
    let log = run(binary(), &["log", "show", "--socket", &sample.socket()], b"", 30).fine("log show").out;
    assert!(log.contains(
        "PEC_Admin address-book-write richiesta: da=d.primo: metodo=PATCH: oggetto=/v1/tenants/1/address-book/anna"
    ));
    assert!(!log.contains("Stato civile"), "what an entry says is not in the log");

    assert!(refused(&sample, &first, &["remove", "1", ANNA]).contains("--yes"));
    book(&sample, &first, &["remove", "1", ANNA, "--yes"]).fine("remove");
    assert!(refused(&sample, &first, &["show", "1", ANNA]).contains("non è nella rubrica"));
    assert!(refused(&sample, &first, &["set", "1", ANNA, "--phone", "1"]).contains("name: una voce ha un nome"));
    assert!(refused(&sample, &first, &["set", "1", "anna", "--name", "x"]).contains("chiocciola"));
    assert!(refused(&sample, "", &["list", "77"]).contains("l'amministrazione 77 non c'è"));
    ask(&sample, &["store", "check"], "");
}

#[test]
fn nobody_of_another_administration_reads_a_book_and_who_reads_it_does_not_write_it() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    ask(&sample, &["address-book", "set", "1", ANNA, "--name", "Anna Rossi"], "");
    ask(&sample, &["address-book", "set", "2", ANNA, "--name", "La collega del Comune"], "");
    let admin = somebody(&sample, "m.rossi", None, &[("supplier-admin", "supplier")]);
    let of = |tenant: u64, rest: &str| format!("/v1/tenants/{tenant}/address-book{rest}");
    let entry = json!({"name": "Un'altra"});
    for (role, scope, writes) in [
        ("technical-contact", "tenant/1".to_owned(), true),
        ("help-desk-l2", "tenant/1".to_owned(), true),
        ("preservation-officer", "tenant/1".to_owned(), false),
        ("consultant", "tenant/1".to_owned(), false),
        ("unit-provisioner", "unit/1/1".to_owned(), false),
        ("mailbox-responsible", format!("mailbox/{ANNA}"), false),
    ] {
        let token = somebody(&sample, &format!("p.{role}"), Some("1"), &[(role, &scope)]);
        let (status, whole) = request(&sample, &token, "GET", &of(1, ""), &Value::Null);
        assert_eq!((status, &whole["entries"][0]["name"]), (200, &json!("Anna Rossi")), "{role}");
        assert_eq!(request(&sample, &token, "GET", &of(1, &format!("/{ANNA}")), &Value::Null).0, 200, "{role}");
        for path in [of(2, ""), of(2, &format!("/{ANNA}")), of(3, "")] {
            assert_eq!(request(&sample, &token, "GET", &path, &Value::Null).0, 404, "{role}: {path}");
        }
        for path in [of(1, "/nuova@altrove.example"), of(2, "/nuova@altrove.example")] {
            let fine = writes && path.contains("/1/");
            let (status, answer) = request(&sample, &token, "PUT", &path, &entry);
            let refused = if path.contains("/1/") { 403 } else { 404 };
            assert_eq!(status, if fine { 200 } else { refused }, "{role}: {path}: {answer}");
        }
        assert_eq!(request(&sample, &token, "DELETE", &of(2, ""), &Value::Null).0, 404, "{role}");
    }
    // Of a unit that is another's, of a mailbox of the other administration: nothing.
    let bruno = somebody(&sample, "b.bruno", Some("2"), &[("mailbox-responsible", &format!("mailbox/{BRUNO}"))]);
    assert_eq!(request(&sample, &bruno, "GET", &of(1, ""), &Value::Null).0, 404);
    assert_eq!(
        request(&sample, &bruno, "GET", &of(2, ""), &Value::Null).1["entries"][0]["name"],
        "La collega del Comune"
    );
    // Who answers for a mailbox sees what was done to its entry, and nothing of what was done to others.
    let seen = |token: &str| request(&sample, token, "GET", "/v1/operations", &Value::Null).1.to_string();
    assert!(!seen(&bruno).contains("address-book"), "{}", seen(&bruno));
    let anna = somebody(&sample, "a.anna", Some("1"), &[("mailbox-responsible", &format!("mailbox/{ANNA}"))]);
    assert!(seen(&anna).contains("address-book-create") && !seen(&anna).contains("nuova@"), "{}", seen(&anna));
    let kept = request(&sample, &admin, "GET", &of(2, ""), &Value::Null).1;
    assert_eq!((addresses(&kept), &kept["entries"][0]["own"]), (vec![ANNA], &json!(false)));
    ask_for_domain(&sample, &admin);
}

/// A domain that goes to another administration takes no entry with it.
fn ask_for_domain(sample: &Sample, admin: &str) {
    let get = |tenant: u64| {
        request(sample, admin, "GET", &format!("/v1/tenants/{tenant}/address-book/{ANNA}"), &Value::Null).1
    };
    let to = json!({"tenant": 2});
    assert_eq!(request(sample, admin, "PUT", &format!("/v1/domains/{COMUNE}/tenant"), &to).0, 200);
    assert_eq!((&get(1)["name"], &get(1)["own"]), (&json!("Anna Rossi"), &json!(false)));
    assert_eq!((&get(2)["name"], &get(2)["own"]), (&json!("La collega del Comune"), &json!(true)));
    let (status, why) = request(sample, admin, "DELETE", "/v1/tenants/1", &Value::Null);
    assert!(status == 409 && why.to_string().contains("address-book export 1"), "{status} {why}");
    let (status, gone) = request(sample, admin, "DELETE", "/v1/tenants/1/address-book", &Value::Null);
    assert_eq!((status, &gone["entries"]), (200, &json!(2)), "{gone}");
    assert_eq!(request(sample, admin, "DELETE", "/v1/tenants/1", &Value::Null).0, 200);
}

#[test]
fn a_change_of_an_entry_lands_on_what_was_seen_and_pages_follow_each_other() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let desk = somebody(&sample, "d.secondo", None, &[("help-desk-l2", "supplier")]);
    let path = format!("/v1/tenants/1/address-book/{ANNA}");
    let send = |line: &str, head: &[&str], body: &Value| {
        call(&sample, &desk, &format!("{line} {path}"), head, body.to_string().as_bytes())
    };
    let new = json!({"name": "Anna Rossi", "note": "al mattino"});
    assert_eq!(send("PUT", &["If-None-Match: *"], &new).status, 200);
    assert_eq!(send("PUT", &["If-None-Match: *"], &new).status, 412, "it is there");
    let tag = |answer: &crate::api::Answer| {
        answer.head.lines().find_map(|l| l.to_lowercase().strip_prefix("etag: ").map(str::to_owned))
    };
    let seen = tag(&send("GET", &[], &Value::Null)).expect("a tag");
    let by = format!("If-Match: {seen}");
    assert_eq!(send("PATCH", &[&by], &json!({"phone": "06 1"})).status, 200);
    assert_eq!(send("PATCH", &[&by], &json!({"phone": "06 2"})).status, 412, "it is not as it was");
    let whole = send("GET", &[], &Value::Null).json();
    assert_eq!((&whole["phone"], &whole["note"]), (&json!("06 1"), &json!("al mattino")));
    assert_eq!(send("PUT", &[], &json!({"name": "Anna Rossi"})).json()["note"], "", "PUT says all of it");
    let wrong = send("PATCH", &[], &json!({"phone": "interno"}));
    assert_eq!((wrong.status, &wrong.json()["errors"][0]["field"]), (400, &json!("phone")));
    assert_eq!(send("DELETE", &["If-Match: \"x\""], &Value::Null).status, 412);
    assert_eq!(send("DELETE", &[], &Value::Null).status, 200);
    assert_eq!(send("GET", &[], &Value::Null).status, 404);

    let mut text = "indirizzo;nome\n".to_owned();
    for n in 0..1_203 {
        text += &format!("p{n:04}@altrove.example;Persona {n}\n");
    }
    assert_eq!(counts(&apply(&sample, text.as_bytes(), &[]).fine("apply")), [1_203, 0, 0, 0]);
    let page = |query: &str| {
        let answer = call(&sample, &desk, &format!("GET /v1/tenants/1/address-book?{query}"), &[], b"");
        (answer.json(), answer.head)
    };
    let (first, head) = page("limit=5000");
    assert_eq!(addresses(&first).len(), 1_000, "no answer is longer");
    assert!(head.contains("rel=\"next\""), "{head}");
    let (second, _) = page(&format!("after={}", first["next"].as_str().expect("a place")));
    assert_eq!((addresses(&second).len(), &second["next"]), (203, &Value::Null));
    let (two, _) = page("limit=2&match=persona%201200");
    assert_eq!(addresses(&two), ["p1200@altrove.example"]);
    assert_eq!(addresses(&ask(&sample, &["address-book", "list", "1"], "")).len(), 1_203);
}

/// An export: in a new file that is its owner's alone.
fn exported(sample: &Sample, format: &str, name: &str) -> String {
    let path = sample.path(name);
    let out = path.to_string_lossy().into_owned();
    book(sample, "", &["export", "1", "--format", format, "--out", &out]).fine("export");
    assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
    assert!(refused(sample, "", &["export", "1", "--out", &out]).contains(&out), "nothing is overwritten");
    fs::read_to_string(&path).expect("the file")
}

#[test]
fn what_is_exported_is_read_by_others_and_read_back_unchanged() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let set = |who: &str, more: &[&str]| ask(&sample, &[&["address-book", "set", "1", who][..], more].concat(), "");
    set(ANNA, &["--name", "Rossi, Anna", "--organisation", "Comune di Esempio", "--phone", "+39 06 1234567"]);
    set("b@altrove.example", &["--name", "'Ndrangheta; ufficio \"B\"", "--note", "=1+1", "--phone", "06/1"]);
    set(
        &format!("+c@{ENTE}"),
        &["--name", "Però ü 漢字", "--office", "Sede \\ sud; piano 2", "--note", &"è".repeat(90)],
    );
    let before = ask(&sample, &["address-book", "list", "1"], "");
    let csv = exported(&sample, "csv", "uno.csv");
    let script = "import csv, json, sys\nprint(json.dumps(list(csv.DictReader(open(sys.argv[1], encoding='utf-8', newline=''), delimiter=';'))))";
    let read =
        run("python3", &["-c", script, &sample.path("uno.csv").to_string_lossy()], b"", 30).fine("python3 csv").out;
    let rows: Vec<Value> = serde_json::from_str(&read).expect("JSON");
    assert_eq!(rows.len(), 3, "{read}");
    assert_eq!((&rows[0]["indirizzo"], &rows[0]["nota"]), (&json!(format!("'+c@{ENTE}")), &json!("è".repeat(90))));
    assert_eq!((&rows[1]["nome"], &rows[1]["telefono"]), (&json!("Rossi, Anna"), &json!("'+39 06 1234567")));
    assert_eq!(
        (&rows[2]["nome"], &rows[2]["nota"], &rows[2]["telefono"]),
        (&json!("'Ndrangheta; ufficio \"B\""), &json!("'=1+1"), &json!("'06/1")),
        "no formula, and no date"
    );

    assert_eq!(counts(&apply(&sample, csv.as_bytes(), &[]).fine("read back")), [0, 0, 3, 0]);
    let cleared = book(&sample, "", &["clear", "1", "--yes", "--json"]).fine("clear").out;
    assert!(cleared.contains("\"entries\": 3"), "{cleared}");
    assert_eq!(counts(&apply(&sample, csv.as_bytes(), &[]).fine("read back")), [3, 0, 0, 0]);
    assert_eq!(exported(&sample, "csv", "due.csv"), csv, "to the byte");
    let texts = |book: &Value| {
        let of =
            |e: &Value| ["address", "name", "organisation", "office", "phone", "note", "own"].map(|f| e[f].clone());
        book["entries"].as_array().expect("entries").iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(texts(&ask(&sample, &["address-book", "list", "1"], "")), texts(&before));

    let cards = exported(&sample, "vcard", "uno.vcf");
    let wanted = format!(
        "BEGIN:VCARD\r\nVERSION:4.0\r\nUID;VALUE=text:sigillo-1-+c@{ENTE}\r\nFN:Però ü 漢字\r\n\
         ORG:;Sede \\\\ sud\\; piano 2\r\nEMAIL:+c@{ENTE}\r\nNOTE:{}\r\n {}\r\n {}\r\nEND:VCARD\r\n\
         BEGIN:VCARD\r\nVERSION:4.0\r\nUID;VALUE=text:sigillo-1-{ANNA}\r\nFN:Rossi\\, Anna\r\nORG:Comune di Esempio\r\n\
         EMAIL:{ANNA}\r\nTEL;VALUE=text:+39 06 1234567\r\nEND:VCARD\r\n\
         BEGIN:VCARD\r\nVERSION:4.0\r\nUID;VALUE=text:sigillo-1-b@altrove.example\r\nFN:'Ndrangheta\\; ufficio \"B\"\r\n\
         EMAIL:b@altrove.example\r\nTEL;VALUE=text:06/1\r\nNOTE:=1+1\r\nEND:VCARD\r\n",
        "è".repeat(35),
        "è".repeat(37),
        "è".repeat(18)
    );
    assert_eq!(cards, wanted);
}

#[test]
fn wrong_lines_of_a_file_stop_no_other_and_a_trial_changes_nothing() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let text = format!(
        "\u{feff}Indirizzo;Nome;Telefono;Stato;Ticket;Richiesta\r\n\
         {ANNA};Anna Rossi;'+39 06 1;;CH-1;2026-01-15T09:00\r\n\
         senza-chiocciola;Qualcuno;;;;\r\n\
         b@altrove.example;;06 1;;;\r\n\
         c@altrove.example;Carla;interno;;;\r\n\
         {ANNA};Anna Bianchi;;;;\r\n\
         d@altrove.example;Dora;;boh;;\r\n\
         \"e@altrove.example;Elena;;;;\r\n\
         f@altrove.example;Franco;;;;;troppo\r\n\
         g@altrove.example;Gino;;;;2999-01-01\r\n\
         h@altrove.example;{};;;;\r\n\
         i@altrove.example;Ivo;06 2;attiva;;\r\n",
        "x".repeat(201)
    );
    for more in [&["--dry-run"][..], &[]] {
        let ran = apply(&sample, text.as_bytes(), more);
        assert_eq!((ran.code, counts(&ran)), (Some(1), [2, 0, 0, 9]), "{}", ran.all());
        let told: Value = serde_json::from_str(&ran.out).expect("JSON");
        let of = |w: &Value| (w["line"].as_u64().expect("a line"), w["field"].as_str().expect("a field").to_owned());
        let wrong: Vec<(u64, String)> = told["wrong"].as_array().expect("lines").iter().map(of).collect();
        let fields = ["address", "name", "phone", "address", "state", "", "", "requested_at", "name"];
        assert_eq!(wrong, (3..).zip(fields.map(str::to_owned)).collect::<Vec<_>>(), "{told}");
        let there = ask(&sample, &["address-book", "list", "1"], "");
        assert_eq!(addresses(&there).len(), if more.is_empty() { 2 } else { 0 }, "{there}");
    }
    let found = ask(&sample, &["operation", "list", "--ticket", "CH-1"], "");
    assert_eq!(
        (&found["operations"][0]["kind"], &found["operations"][0]["channel"]),
        (&json!("address-book-create"), &json!("file"))
    );
    assert_eq!(ask(&sample, &["address-book", "show", "1", ANNA], "")["phone"], "+39 06 1");

    // An empty field stays, «-» takes away; what is taken out wants a word, and is no error the second time.
    let text = format!("address,name,phone,state\n{ANNA},,-,\ni@altrove.example,,,cancellata\n");
    let ran = apply(&sample, text.as_bytes(), &[]);
    assert!(ran.code == Some(1) && ran.all().contains("--yes"), "{}", ran.all());
    for wanted in [[0, 2, 0, 0], [0, 0, 2, 0]] {
        assert_eq!(counts(&apply(&sample, text.as_bytes(), &["--yes"]).fine("taken out")), wanted);
    }
    let anna = ask(&sample, &["address-book", "show", "1", ANNA], "");
    assert_eq!((&anna["name"], &anna["phone"]), (&json!("Anna Rossi"), &json!("")));

    let refused = |text: &[u8], why: &str| {
        let ran = apply(&sample, text, &[]);
        assert!(ran.code == Some(1) && ran.all().contains(why), "{why}: {}", ran.all());
    };
    refused(b"", "vuoto");
    refused(b"nome;telefono\n", "manca la colonna «indirizzo»");
    refused(b"indirizzo;colore\n", "«colore» non è fra indirizzo, nome");
    refused(b"indirizzo;nome\nx@x.example;citt\xe0\n", "riga 2: non è UTF-8");
    refused(b"\xff\xfei\0;\0", "UTF-16");
}
