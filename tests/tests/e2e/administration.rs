//! Who administrates: persons with roles, for administrations that do not see each other. What each role may is written in
//! docs/roles.md, cell by cell; a running service is asked for every cell.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};
use sigillo_accounts::Act;

use crate::rates::{ANNA, BRUNO, ask, served};
use crate::serve::Sample;
use sigillo_tests::demo::{binary, run};

pub const COMUNE: &str = "comune-esempio.example";
pub const ENTE: &str = "ente-esempio.example";

/// A request as any program makes it; gives status and body.
pub fn request(sample: &Sample, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let mut stream = UnixStream::connect(sample.socket()).expect("the socket");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n");
    let auth = format!("Authorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all((head + &auth).as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let text = String::from_utf8_lossy(&answer);
    let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let (_, rest) = text.split_once("\r\n\r\n").expect("a body");
    (status, serde_json::from_str(rest).unwrap_or(Value::Null))
}

/// Somebody with a role; gives his token.
pub fn somebody(sample: &Sample, login: &str, tenant: Option<&str>, grants: &[(&str, &str)]) -> String {
    let mut add = vec!["person", "add", login, "Una Persona"];
    add.extend(tenant.iter().flat_map(|id| ["--tenant", id]));
    ask(sample, &add, "");
    for (role, scope) in grants {
        ask(sample, &["person", "grant", login, role, scope], "");
    }
    let file = sample.path(&format!("{login}.token")).to_string_lossy().into_owned();
    ask(sample, &["person", "add-token", login, "prova", "--out", &file], "");
    assert_eq!(fs::metadata(&file).expect("the token").permissions().mode() & 0o777, 0o600);
    fs::read_to_string(&file).expect("the token").trim().to_owned()
}

/// Two administrations with a domain and a mailbox each; the first has a unit, and anna is of it.
pub fn two_administrations(sample: &Sample) {
    for (name, domain) in [("Comune di Esempio", COMUNE), ("Ente di Esempio", ENTE)] {
        let made = ask(sample, &["tenant", "add", name, "--code", "c_x"], "");
        ask(sample, &["domain", "assign", domain, "--tenant", &made["id"].to_string(), "--yes"], "");
    }
    assert_eq!(ask(sample, &["unit", "add", "1", "Anagrafe"], "")["id"], 1);
    ask(sample, &["mailbox", "unit", ANNA, "--unit", "1"], "");
}

/// The table of the documentation: what each role may.
fn documented() -> BTreeMap<String, Vec<String>> {
    let text = include_str!("../../../docs/roles.md");
    let cells = |line: &str| line.trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = text.lines().filter(|line| line.starts_with("| ")).map(cells).collect();
    let (head, rows) = rows.split_first().expect("a table");
    let mut may: BTreeMap<String, Vec<String>> = head[1..].iter().map(|role| (role.clone(), Vec::new())).collect();
    for row in rows {
        for (role, cell) in head[1..].iter().zip(&row[1..]) {
            assert!(matches!(cell.as_str(), "" | "×"), "{row:?}");
            if cell == "×" {
                may.get_mut(role).expect("a role").push(row[0].clone());
            }
        }
    }
    may
}

/// Permissions that nothing asks for yet, and why.
const UNASKED: [(&str, &str); 1] = [("archive-read", "what is preserved is consulted by no request yet")];

/// What asks for each permission, of anna, her administration and a message of hers. None of it changes anything, since it is
/// wrong otherwise.
fn samples(message: &str) -> Vec<(&'static str, &'static str, String, Value)> {
    let nothing = Value::Null;
    let wrong = json!({"wrong": 1});
    let of = |rest: &str| format!("/v1/mailboxes/{ANNA}{rest}");
    vec![
        ("tenant-read", "GET", "/v1/tenants".to_owned(), nothing.clone()),
        ("tenant-write", "POST", "/v1/tenants".to_owned(), wrong.clone()),
        ("tenant-write", "PATCH", "/v1/tenants/1".to_owned(), wrong.clone()),
        ("tenant-write", "PUT", format!("/v1/domains/{COMUNE}/tenant"), wrong.clone()),
        ("unit-write", "POST", "/v1/tenants/1/units".to_owned(), wrong.clone()),
        ("plan-write", "POST", "/v1/tenants/1/plan".to_owned(), wrong.clone()),
        ("domain-read", "GET", "/v1/domains".to_owned(), nothing.clone()),
        ("domain-write", "PATCH", format!("/v1/domains/{COMUNE}"), wrong.clone()),
        ("mailbox-read", "GET", of("/usage"), nothing.clone()),
        ("mailbox-create", "POST", "/v1/mailboxes".to_owned(), json!({"address": format!("x@{COMUNE}"), "unit": 1})),
        ("mailbox-create", "PUT", of("/password-hash"), wrong.clone()),
        ("mailbox-create", "PUT", of("/password"), json!({"password_hash": "{NTLM}x"})),
        ("mailbox-change", "PATCH", of(""), wrong.clone()),
        ("mailbox-profile", "PATCH", of(""), json!({"profile": "inesistente"})),
        ("mailbox-block", "PUT", of("/block"), wrong.clone()),
        ("mailbox-activate", "PUT", of("/activation"), nothing.clone()),
        ("mailbox-cancel", "DELETE", of("/cancellation"), nothing.clone()),
        ("mailbox-contents", "GET", of("/folders"), nothing.clone()),
        ("access-read", "GET", of("/credentials"), nothing.clone()),
        ("access-read", "GET", of("/accesses"), nothing.clone()),
        ("access-read", "GET", of("/alert"), nothing.clone()),
        ("access-read", "GET", of("/forward"), nothing.clone()),
        ("access-write", "POST", of("/credentials"), wrong.clone()),
        ("access-write", "PUT", of("/rights"), wrong.clone()),
        ("access-write", "PUT", of("/alert"), wrong.clone()),
        ("access-write", "PUT", of("/forward"), wrong.clone()),
        ("access-write", "POST", of("/forward"), wrong.clone()),
        ("password-reset", "PUT", of("/password"), wrong.clone()),
        ("password-reset", "POST", of("/reset"), nothing.clone()),
        ("password-reset", "DELETE", of("/totp"), nothing.clone()),
        ("password-file", "POST", "/v1/password-file".to_owned(), wrong.clone()),
        ("mailbox-read", "GET", of("/contact"), nothing.clone()),
        ("mailbox-change", "PUT", of("/contact"), wrong.clone()),
        ("list-read", "GET", "/v1/lists".to_owned(), nothing.clone()),
        ("list-write", "DELETE", format!("/v1/lists/nostra@{COMUNE}"), nothing.clone()),
        ("list-members", "POST", "/v1/lists/apply".to_owned(), wrong.clone()),
        ("address-book-read", "GET", "/v1/tenants/1/address-book".to_owned(), nothing.clone()),
        ("address-book-read", "GET", "/v1/tenants/1/address-book/x@x.example".to_owned(), nothing.clone()),
        ("address-book-write", "PUT", "/v1/tenants/1/address-book/x@x.example".to_owned(), wrong.clone()),
        ("address-book-write", "PATCH", "/v1/tenants/1/address-book/x@x.example".to_owned(), wrong.clone()),
        ("address-book-write", "DELETE", "/v1/tenants/1/address-book/x@x.example".to_owned(), nothing.clone()),
        ("address-book-write", "DELETE", "/v1/tenants/1/address-book".to_owned(), nothing.clone()),
        ("address-book-write", "POST", "/v1/tenants/1/address-book/apply".to_owned(), wrong.clone()),
        ("person-read", "GET", "/v1/persons".to_owned(), nothing.clone()),
        ("person-write", "POST", "/v1/persons".to_owned(), wrong.clone()),
        ("dispatch-read", "GET", format!("/v1/dispatches/{message}"), nothing.clone()),
        ("log-read", "GET", of("/log"), nothing.clone()),
        ("log-read", "GET", "/v1/tenants/1/accesses?month=2026-11".to_owned(), nothing.clone()),
        ("log-read", "GET", "/v1/tenants/1/acts?month=2026-11".to_owned(), nothing.clone()),
        ("log-read", "GET", "/v1/log/segments".to_owned(), nothing.clone()),
        ("queue-read", "GET", "/v1/queue".to_owned(), nothing.clone()),
        ("queue-write", "POST", "/v1/queue/hold".to_owned(), wrong.clone()),
        ("service-read", "GET", "/v1/status".to_owned(), nothing.clone()),
        ("service-write", "GET", "/v1/store/check".to_owned(), nothing.clone()),
        ("service-write", "GET", "/v1/quarantine".to_owned(), nothing),
    ]
}

/// Whether a permission is on the service, where no scope of an administration reaches.
fn of_the_service(act: &str, path: &str) -> bool {
    act.starts_with("queue") || act.starts_with("service") || act == "tenant-write" || path.starts_with("/v1/log")
}

/// Whether he may not, or may not even read what he named.
fn turned_away(status: u16, answer: &Value) -> bool {
    let unread = [
        "la casella ",
        "la lista ",
        "il dominio ",
        "l'amministrazione ",
        "non c'è nessuno ",
        "il registro non conosce ",
    ];
    let detail = answer["detail"].as_str().unwrap_or_default();
    status == 403 || status == 404 && unread.iter().any(|text| detail.starts_with(text))
}

/// A message to himself of whoever holds this mailbox; gives its identifier.
fn message_of(sample: &Sample, who: &str) -> String {
    let url = format!("smtp://127.0.0.1:{}", sample.ports.base + 1);
    let letter = format!("From: {who}\r\nTo: {who}\r\nSubject: prova\r\nMessage-ID: <uno@x>\r\n\r\nCiao.\r\n");
    let send = ["--mail-from", who, "--mail-rcpt", who, "--upload-file", "-"];
    sample.curl(who, &url, &send, &letter).fine("curl sends");
    let trail = ask(sample, &["mailbox", "trail", who], "");
    trail["sent"][0]["id"].as_str().expect("an identifier").to_owned()
}

#[test]
fn every_permission_is_asked_for_or_it_is_said_why_not() {
    let samples = samples("x");
    for act in Act::ALL.map(Act::name) {
        let asked = samples.iter().any(|(of, ..)| *of == act);
        let unasked = UNASKED.iter().any(|(of, _)| *of == act);
        assert!(asked != unasked, "{act}: a request in `samples`, or a reason in `UNASKED`, and not both");
    }
    assert!(samples.iter().all(|(act, ..)| Act::ALL.iter().any(|of| of.name() == *act)));
}

#[test]
fn every_role_may_what_the_table_says_and_nothing_in_another_administration() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let (ours, theirs) = (message_of(&sample, ANNA), message_of(&sample, BRUNO));
    let (table, cells) = (documented(), samples(&ours));
    let printed = run(binary(), &["role", "matrix", "--json"], b"", 30).fine("role matrix").out;
    assert_eq!(serde_json::from_str::<BTreeMap<String, Vec<String>>>(&printed).expect("JSON"), table);
    let people = [
        ("supplier-admin", None, "supplier".to_owned()),
        ("help-desk-l1", None, "supplier".to_owned()),
        ("help-desk-l2", None, "supplier".to_owned()),
        ("technical-contact", Some("1"), "tenant/1".to_owned()),
        ("preservation-officer", Some("1"), "tenant/1".to_owned()),
        ("consultant", Some("1"), "tenant/1".to_owned()),
        ("unit-provisioner", Some("1"), "unit/1/1".to_owned()),
        ("mailbox-responsible", Some("1"), format!("mailbox/{ANNA}")),
    ];
    let tokens: Vec<String> = people
        .iter()
        .map(|(role, tenant, scope)| somebody(&sample, &format!("p.{role}"), *tenant, &[(role, scope)]))
        .collect();
    let (admin, listed) = (sample.path("p.supplier-admin.token"), |role: &str| format!("{role}@{COMUNE}"));
    for ((role, tenant, _), token) in people.iter().zip(&tokens) {
        // A list of the unit, which some of them cancel.
        let list = ["list", "set", &listed(role), ANNA, "--unit", "1", "--token-file", &admin.to_string_lossy()];
        ask(&sample, &list, "");
        for (act, method, path, body) in &cells {
            let path = &path.replace("nostra@", &format!("{role}@"));
            let may = table[*role].iter().any(|had| had == act) && (tenant.is_none() || !of_the_service(act, path));
            let (status, answer) = request(&sample, token, method, path, body);
            assert_eq!(!turned_away(status, &answer), may, "{role}: {act}: {method} {path}: {status} {answer}");
            // The same of the other administration.
            let other = path.replace(ANNA, BRUNO).replace(COMUNE, ENTE).replace("tenants/1", "tenants/2");
            let other = other.replace(&ours, &theirs);
            // What is to be made is not there to be read.
            let (body, refused) = match body.get("unit") {
                Some(_) => (json!({"address": format!("x@{ENTE}"), "unit": 1}), 403),
                None => (body.clone(), 404),
            };
            if tenant.is_some() && (other != *path || body.get("unit").is_some()) {
                let (status, answer) = request(&sample, token, method, &other, &body);
                // Who may see no message at all hears that first.
                let fine = status == refused || *act == "dispatch-read" && status == 403;
                assert!(fine, "{role}: {act}: {method} {other}: {status} {answer}");
            }
        }
    }
}

#[test]
fn administrations_do_not_see_each_other_and_nobody_raises_himself() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    ask(&sample, &["list", "set", &format!("tutti@{ENTE}"), BRUNO], "");
    let contact = somebody(&sample, "l.bianchi", Some("1"), &[("technical-contact", "tenant/1")]);
    somebody(&sample, "g.verdi", Some("1"), &[("technical-contact", "tenant/1")]);
    somebody(&sample, "a.neri", Some("2"), &[]);
    let get = |path: &str| request(&sample, &contact, "GET", path, &Value::Null);
    let (_, mailboxes) = get("/v1/mailboxes");
    assert_eq!(mailboxes["mailboxes"].as_array().expect("a list").len(), 1, "{mailboxes}");
    assert_eq!(mailboxes["mailboxes"][0]["address"], ANNA);
    assert_eq!(get("/v1/domains").1["domains"][0]["name"], COMUNE);
    assert_eq!(get("/v1/domains").1["domains"].as_array().expect("a list").len(), 1);
    assert_eq!(get("/v1/lists").1["lists"], json!([]));
    assert_eq!(get("/v1/tenants").1["tenants"].as_array().expect("a list").len(), 1);
    let persons = get("/v1/persons").1;
    let names: Vec<&str> =
        persons["persons"].as_array().expect("a list").iter().filter_map(|p| p["login"].as_str()).collect();
    assert_eq!(names, ["l.bianchi", "g.verdi"]);
    // He makes what is his administration's, and names whom he may.
    let new = |address: String| json!({"address": address, "profile": "standard", "password": "una frase lunga"});
    assert_eq!(request(&sample, &contact, "POST", "/v1/mailboxes", &new(format!("nuova@{COMUNE}"))).0, 201);
    assert_eq!(request(&sample, &contact, "POST", "/v1/mailboxes", &new(format!("nuova@{ENTE}"))).0, 403);
    let put = |name: &str, role: &str, scope: &str| {
        let grant = json!({"role": role, "scope": scope});
        request(&sample, &contact, "PUT", &format!("/v1/persons/{name}/roles"), &grant).0
    };
    assert_eq!(put("g.verdi", "preservation-officer", "tenant/1"), 200);
    for (name, role, scope, refused) in [
        ("l.bianchi", "preservation-officer", "tenant/1", 403),
        ("l.bianchi", "supplier-admin", "supplier", 403),
        ("l.bianchi", "technical-contact", "tenant/2", 404),
        ("l.bianchi", "technical-contact", "tenant/1", 403),
        ("l.bianchi", "help-desk-l2", "tenant/1", 403),
        ("a.neri", "consultant", "tenant/1", 404),
        ("a.neri", "consultant", "tenant/2", 404),
    ] {
        assert_eq!(put(name, role, scope), refused, "{name} {role} {scope}");
    }
    // Not over his equal; who is elsewhere is not there for him.
    for (name, refused) in [("g.verdi", 403), ("a.neri", 404)] {
        let path = format!("/v1/persons/{name}");
        assert_eq!(request(&sample, &contact, "POST", &format!("{path}/tokens"), &json!({"name": "x"})).0, refused);
        assert_eq!(request(&sample, &contact, "DELETE", &path, &Value::Null).0, refused);
    }
    // Who belongs to an administration gets nothing elsewhere, whoever gives it.
    let args = ["person", "grant", "l.bianchi", "consultant", "tenant/2", "--socket", &sample.socket()];
    let elsewhere = run(binary(), &args, b"", 30);
    assert!(elsewhere.code != Some(0) && elsewhere.all().contains("altra amministrazione"), "{}", elsewhere.all());
}

/// With an administration end those who work for it, at once: their tokens open nothing any more.
#[test]
fn a_token_of_an_administration_that_was_removed_opens_nothing() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let theirs = somebody(&sample, "a.neri", Some("2"), &[("technical-contact", "tenant/2")]);
    let ours = somebody(&sample, "l.bianchi", Some("1"), &[("technical-contact", "tenant/1")]);
    let both = [("help-desk-l2", "tenant/1"), ("help-desk-l2", "tenant/2")];
    let desk = somebody(&sample, "d.desk", None, &both);
    let asks = |token: &str| request(&sample, token, "GET", "/v1/mailboxes", &Value::Null).0;
    let socket = sample.socket();
    let early = run(binary(), &["tenant", "remove", "2", "--yes", "--socket", &socket], b"", 30);
    assert!(early.code != Some(0) && early.all().contains("domain assign"), "{}", early.all());
    assert_eq!([&theirs, &ours, &desk].map(|token| asks(token)), [200, 200, 200], "nothing ended yet");
    ask(&sample, &["domain", "assign", ENTE, "--yes"], "");
    ask(&sample, &["tenant", "remove", "2", "--yes"], "");
    assert_eq!([&theirs, &ours, &desk].map(|token| asks(token)), [401, 200, 200]);
    let persons = ask(&sample, &["person", "list"], "");
    let of = |login: &str| {
        let all = persons["persons"].as_array().expect("a list");
        all.iter().find(|person| person["login"] == login).expect("he is there").clone()
    };
    assert!(of("a.neri")["ended"].is_string(), "{persons}");
    assert_eq!(of("d.desk")["roles"], json!([{"role": "help-desk-l2", "scope": "tenant/1"}]));
}

#[test]
fn what_is_administrated_has_a_name_and_is_in_the_log() {
    let (sample, _guard) = served();
    let refused = |verb: &[&str]| {
        let ran = run(binary(), &[verb, &["--socket", &sample.socket()]].concat(), b"", 30);
        assert_ne!(ran.code, Some(0), "{verb:?}: {}", ran.all());
        ran.all()
    };
    assert!(refused(&["person", "add", "admin", "Chi Capita"]).contains("di una persona sola"));
    let token = somebody(&sample, "m.rossi", None, &[("supplier-admin", "supplier")]);
    // From now on the system's user only looks, and names persons.
    assert!(refused(&["mailbox", "block", ANNA, "--reason", "x"]).contains("mailbox-block"));
    ask(&sample, &["status"], "");
    let file = sample.path("m.rossi.token").to_string_lossy().into_owned();
    let blocked = ask(&sample, &["mailbox", "block", ANNA, "--reason", "in mora", "--token-file", &file], "");
    assert_eq!(blocked["blocked"]["reason"], "in mora");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("readable by others");
    assert!(refused(&["status", "--token-file", &file]).contains("chmod 600"));
    let failed =
        request(&sample, &token, "PUT", "/v1/mailboxes/nessuno@comune-esempio.example/block", &json!({"reason": "x"}));
    assert_eq!(failed.0, 404);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("his alone");
    let shown = run(binary(), &["log", "show", "--socket", &sample.socket(), "--token-file", &file], b"", 30);
    let lines: Vec<String> =
        shown.fine("log show").out.lines().filter(|l| l.contains("PEC_Admin")).map(str::to_owned).collect();
    let has = |text: &str| assert!(lines.iter().any(|line| line.contains(text)), "{text}: {lines:#?}");
    has("PEC_Admin person-write richiesta: da=uid-");
    has("PEC_Admin mailbox-block negata: da=uid-");
    has("PEC_Admin mailbox-block richiesta: da=m.rossi: metodo=PUT: oggetto=/v1/mailboxes/anna");
    has("PEC_Admin mailbox-block fallita: da=m.rossi: metodo=PUT: oggetto=/v1/mailboxes/nessuno");
    assert!(!lines.iter().any(|line| line.contains(&token)), "no secret in the log");
    ask(&sample, &["store", "check", "--token-file", &file], "");
    // Who looks into a mailbox is named to its holder.
    let of_anna = |rest: &str| request(&sample, &token, "GET", &format!("/v1/mailboxes/{ANNA}/{rest}"), &Value::Null);
    assert_eq!(of_anna("folders").0, 200);
    assert!(of_anna("accesses").1.to_string().contains("m.rossi"), "{}", of_anna("accesses").1);
    // A token that ended is worth nothing, and so is one of who ended.
    assert_eq!(request(&sample, "sgt_sbagliato", "GET", "/v1/status", &Value::Null).0, 401);
    ask(&sample, &["person", "revoke-token", "m.rossi", "prova", "--yes"], "");
    assert_eq!(request(&sample, &token, "GET", "/v1/status", &Value::Null).0, 401);
    let other = somebody(&sample, "p.gialli", None, &[("help-desk-l1", "supplier")]);
    assert_eq!(request(&sample, &other, "GET", "/v1/status", &Value::Null).0, 200);
    ask(&sample, &["person", "end", "p.gialli", "--yes"], "");
    assert_eq!(request(&sample, &other, "GET", "/v1/status", &Value::Null).0, 401);
    assert!(refused(&["person", "add", "p.gialli", "Un Altro"]).contains("un nome non si dà due volte"));
}

#[test]
fn a_fresh_service_is_its_machines_and_the_first_token_is_changed_by_whom_it_is_given_to() {
    let sample = Sample::new();
    let _guard = sample.serve();
    assert_eq!(
        ask(&sample, &["person", "list"], "")["persons"],
        json!([]),
        "nobody administrates, and no token is good"
    );
    let file = |name: &str| sample.path(name).to_string_lossy().into_owned();
    let (first, second, third) = (file("primo"), file("secondo"), file("terzo"));
    ask(&sample, &["person", "add", "m.rossi", "Maria Rossi"], "");
    ask(&sample, &["person", "grant", "m.rossi", "supplier-admin", "supplier"], "");
    ask(&sample, &["person", "add-token", "m.rossi", "portatile", "--first", "--out", &first], "");
    let secret = |file: &str| fs::read_to_string(file).expect("a token").trim().to_owned();
    for (method, path) in
        [("GET", "/v1/status"), ("GET", "/v1/openapi.json"), ("POST", "/v1/me/totp"), ("POST", "/v1/tenants")]
    {
        let (status, answer) = request(&sample, &secret(&first), method, path, &Value::Null);
        assert_eq!((status, &answer["type"]), (403, &json!("urn:sigillo:change-wanted")), "{method} {path}: {answer}");
    }
    let told = run(binary(), &["status", "--socket", &sample.socket(), "--token-file", &first], b"", 30);
    assert!(told.code == Some(1) && told.all().contains("sigillo person change-token"), "{}", told.all());
    for (old, new) in [(&first, &second), (&second, &third)] {
        let made = ask(&sample, &["person", "change-token", "--out", new, "--token-file", old], "");
        assert_eq!(made["name"], "portatile");
        assert_eq!(fs::metadata(new).expect("the token").permissions().mode() & 0o777, 0o600);
        assert_eq!(request(&sample, &secret(old), "GET", "/v1/status", &Value::Null).0, 401, "it is no token any more");
        assert_eq!(request(&sample, &secret(new), "GET", "/v1/status", &Value::Null).0, 200);
        let (status, _) = request(&sample, &secret(old), "POST", "/v1/me/token", &json!({}));
        assert_eq!(status, 401, "whoever has the old one gets no new one");
    }
    // One for a day makes no other for longer: where nothing is said, it makes another for a day.
    let day = file("giorno");
    let add = ["person", "add-token", "m.rossi", "giorno", "--days", "1", "--out", &day, "--token-file", &third];
    ask(&sample, &add, "");
    let (status, answer) = request(&sample, &secret(&day), "POST", "/v1/me/token", &json!({"days": 2}));
    assert!(status == 400 && answer.to_string().contains("«giorno»"), "{status} {answer}");
    let (status, answer) = request(&sample, &secret(&day), "POST", "/v1/me/token", &json!({}));
    assert_eq!((status, answer["name"].as_str()), (201, Some("giorno")), "{answer}");
    let told = run(binary(), &["log", "show", "--socket", &sample.socket(), "--token-file", &third], b"", 30);
    let told = told.fine("log show").out;
    assert!(told.contains("PEC_Admin token-change richiesta: da=m.rossi: metodo=POST: oggetto=/v1/me/token"), "{told}");
    assert!([&first, &second, &third].iter().all(|file| !told.contains(&secret(file))), "no secret in the log");
}
