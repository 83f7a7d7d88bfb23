//! Administrations do not see each other (SEC-05): everything that the interface can be asked, by everybody of one
//! administration, about everything of another, as its description names it; and the protocols of mail.
//!
//! What can be asked is read from the OpenAPI document of the running service: a new operation is tried by itself, and one
//! whose parameters nobody here knows how to fill fails the test.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use sigillo_server::clock::system_time;
use sigillo_tests::demo::run;

use crate::administration::{COMUNE, ENTE, somebody, two_administrations};
use crate::api::{Answer, call};
use crate::isolation_mail::Draw;
use crate::rates::{ANNA, BRUNO, ask, served};
use crate::serve::Sample;

/// Names of the other administration that nobody of the first ever reads. They are told apart from what a request itself
/// says.
const THEIRS: [&str; 8] =
    ["ente-esempio", "bruno", "a.neri", "TT-Riservato", SECRETS[0], SECRETS[1], SECRETS[2], SECRETS[3]];
/// Those of them that nobody of the first ever says.
const SECRETS: [&str; 4] = ["Ente di Esempio", "Ufficio Riservato", "Persona Segreta", "Motivo Riservato"];
/// Requests with ids that are bent, with filters that name what is theirs, and about our own with bodies that do.
const BENT: usize = 600;
const FILTERED: usize = 500;
const CROSSED: usize = 300;

/// Something that can be asked.
pub struct Operation {
    pub method: String,
    pub path: String,
    on: String,
    /// Its parameters: where, name, whether required.
    pub parameters: Vec<(String, String, bool)>,
    body: Option<Value>,
}

pub fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let parameter = |p: &Value| (text(&p["in"]), text(&p["name"]), p["required"] == true);
            let parameters = operation["parameters"].as_array().expect("parameters").iter().map(parameter).collect();
            let (method, path, on) = (method.to_ascii_uppercase(), path.clone(), text(&operation["x-on"]));
            let body = operation.get("requestBody").map(|b| b["content"]["application/json"]["schema"].clone());
            all.push(Operation { method, path, on, parameters, body });
        }
    }
    assert!(all.len() > 60, "{} operations", all.len());
    all
}

/// What stands for a parameter of a path: of the first administration, and of the other.
fn named(path: &str, name: &str) -> [&'static str; 2] {
    match (name, path.split('/').nth(2).unwrap_or_default()) {
        ("address", "lists") => ["tutti@comune-esempio.example", "tutti@ente-esempio.example"],
        ("address", _) => [ANNA, BRUNO],
        ("name", "domains") => [COMUNE, ENTE],
        ("name", "persons") => ["n.nessuno", "a.neri"],
        ("name", "mailboxes") => ["paghe"; 2],
        ("tenant" | "unit", _) => ["1", "2"],
        ("uid" | "number", _) => ["1"; 2],
        ("id", _) => ["sg1@comune-esempio.example", "sg1@ente-esempio.example"],
        ("order", _) => ["hold"; 2],
        ("version", _) => ["1"; 2],
        ("token", _) => ["prova"; 2],
        other => panic!("{path}: nobody knows what stands for {other:?}: say it here"),
    }
}

/// Whether a path leads to what is of an administration.
fn of_somebody(path: &str) -> bool {
    // Messages and records have numbers, which may be none.
    const COLLECTIONS: [&str; 5] = ["mailboxes", "lists", "domains", "tenants", "persons"];
    path.contains('{') && path.split('/').nth(2).is_some_and(|first| COLLECTIONS.contains(&first))
}

/// The same as [`theirs`], of what is nowhere: each with what it stands in the place of.
const NOWHERE: [(&str, &str); 14] = [
    (BRUNO, "nessuno@ente-esempio.example"),
    ("tutti@ente-esempio.example", "nulla@ente-esempio.example"),
    ("sg1@ente-esempio.example", "sg7@ente-esempio.example"),
    ("a.neri", "z.nessuno"),
    ("paghe", "quiete"),
    ("domains/ente-esempio.example", "domains/altra.example"),
    ("dominio ente-esempio.example", "dominio altra.example"),
    ("unit/2/2", "unit/99/2"),
    ("tenant/2", "tenant/99"),
    ("tenants/2", "tenants/99"),
    ("units/2", "units/99"),
    ("amministrazione 2", "amministrazione 99"),
    ("\"unit\":2", "\"unit\":99"),
    ("\"tenant\":2", "\"tenant\":99"),
];

/// A request about the other administration, about what is nowhere.
fn nowhere(text: &str) -> String {
    NOWHERE.iter().fold(text.to_owned(), |text, (theirs, nowhere)| text.replace(theirs, nowhere))
}

/// What is answered about what is nowhere, in the words in which it would be about the other administration.
fn as_of_theirs(text: &str) -> String {
    NOWHERE.iter().fold(text.to_owned(), |text, (theirs, nowhere)| text.replace(nowhere, theirs))
}

fn theirs(path: &str, name: &str) -> &'static str {
    named(path, name)[1]
}

/// What stands for a parameter of a query, of theirs where it names something.
fn filters(path: &str, name: &str, month: &str) -> Vec<String> {
    let all: &[&str] = match name {
        "object" => &[BRUNO, "tutti@ente-esempio.example", "a.neri", "Ufficio Riservato"],
        "from" | "to" if path.starts_with("/v1/queue") => &[BRUNO, "ente-esempio.example"],
        "from" | "to" => &["2020-01-01T00:00:00Z", "2020-01-01", "2099-01-01T00:00:00Z", "2099-01-01"],
        "tenant" => &["2", "02", "1"],
        "ticket" => &["TT-Riservato", "TT"],
        "kind" => &["mailbox-block", "mailbox-unblock", "password", "x"],
        "id" => &["sg1@ente-esempio.example"],
        "state" => &["held", "waiting", "x"],
        "match" => &["segreta", "bruno", "ente", "%", ""],
        "credential" => &["paghe", ""],
        "after" => &["0", "1", "2", "99", "202601-1", "00", "ffffffffffffffffffffffffffffffff", BRUNO, "x"],
        "limit" => &["0", "1", "2", "1000"],
        "own" | "waiting" | "deep" => &["true", "false"],
        "older_than_s" => &["0", "1"],
        "month" => &[month],
        "flags" => &["\\Seen"],
        _ => &[asked(path, name)],
    };
    all.iter().map(|text| (*text).to_owned()).collect()
}

/// What stands for a parameter of a query that must be there.
fn asked(path: &str, name: &str) -> &'static str {
    match name {
        "folder" => "INBOX",
        "month" => "2026-11",
        "day" => "2026-11-01",
        "date" => "2026-11-01T10:00:00Z",
        other => panic!("{path}: nobody knows what stands for {other:?} in the query: say it here"),
    }
}

/// A body of this schema that speaks of the other administration wherever it can.
fn body(document: &Value, schema: &Value, name: &str, depth: usize) -> Value {
    if depth > 8 {
        return Value::Null;
    }
    if let Some(link) = schema["$ref"].as_str() {
        let of = link.rsplit('/').next().unwrap_or_default();
        return body(document, &document["components"]["schemas"][of], name, depth + 1);
    }
    if let Some(one) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()).and_then(|all| all.first()) {
        return body(document, one, name, depth + 1);
    }
    let kind = match &schema["type"] {
        Value::String(kind) => kind.as_str(),
        Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    };
    match kind {
        "object" => {
            let member = |(name, schema): (&String, &Value)| (name.clone(), body(document, schema, name, depth + 1));
            let members = schema["properties"].as_object().map(|all| all.iter().map(member).collect::<Map<_, _>>());
            Value::Object(members.unwrap_or_default())
        }
        "array" => json!([body(document, &schema["items"], name, depth + 1)]),
        "integer" | "number" => json!(2),
        "boolean" => json!(true),
        _ => json!(match name {
            "address" | "members" | "to" | "from" => BRUNO,
            "profile" => "standard",
            "scope" => "tenant/2",
            "role" => "consultant",
            "login" => "z.nuova",
            "password" => "una frase lunga e nuova",
            "kind" => "application",
            "rights" => "read",
            "mail" | "contacts" => "x@altrove.example",
            _ => "prova",
        }),
    }
}

impl Operation {
    /// Its first line and its body, about the other administration.
    pub fn about_theirs(&self, document: &Value) -> (String, Value) {
        let (mut path, mut query) = (self.path.clone(), Vec::new());
        for (place, name, required) in &self.parameters {
            match place.as_str() {
                "path" => path = path.replace(&format!("{{{name}}}"), theirs(&self.path, name)),
                "query" if *required => query.push(format!("{name}={}", asked(&self.path, name))),
                _ => {}
            }
        }
        let line = format!("{} {path}{}{}", self.method, if query.is_empty() { "" } else { "?" }, query.join("&"));
        (line, self.body.as_ref().map_or(Value::Null, |schema| body(document, schema, "", 0)))
    }
}

/// Every octet of it as a path may have it.
fn escaped(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02x}")).collect()
}

/// What one request came to, and whether it told anything that it did not say itself.
fn ask_for(sample: &Sample, who: (&str, &str), line: &str, body: &Value) -> u16 {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let answer = call(sample, who.1, line, &[], text.as_bytes());
    let said = format!("{line} {text}").to_lowercase();
    // What our own people tried, whatever they named, is among the acts that concern us.
    let names = if line.contains("/acts") { &SECRETS[..] } else { &THEIRS };
    for name in names.iter().map(|name| name.to_lowercase()) {
        let told = format!("{}\n{}", answer.head, answer.body).to_lowercase().contains(&name);
        let asked = said.contains(&name) || said.contains(&escaped(&name));
        assert!(!told || asked, "{}: {line} {text}: told {name}: {answer:?}", who.0);
    }
    answer.status
}

/// Everything of the other administration, as who runs the service sees it; in lists ours too.
pub fn all_of_theirs(sample: &Sample, admin: &str) -> Vec<String> {
    of_theirs(sample, admin, &["/v1/persons", "/v1/mailboxes", "/v1/lists"])
}

/// The same without lists, or with these.
fn of_theirs(sample: &Sample, admin: &str, lists: &[&str]) -> Vec<String> {
    let paths = [
        "/v1/tenants/2".to_owned(),
        "/v1/tenants/2/units".to_owned(),
        "/v1/tenants/2/address-book".to_owned(),
        format!("/v1/tenants/2/address-book/{BRUNO}"),
        format!("/v1/domains/{ENTE}"),
        format!("/v1/mailboxes/{BRUNO}"),
        format!("/v1/mailboxes/{BRUNO}/credentials"),
        format!("/v1/mailboxes/{BRUNO}/rights"),
        format!("/v1/mailboxes/{BRUNO}/history"),
        format!("/v1/lists/tutti@{ENTE}"),
        "/v1/persons/a.neri".to_owned(),
        "/v1/operations?tenant=2".to_owned(),
    ];
    let all = paths.iter().map(String::as_str).chain(lists.iter().copied());
    all.map(|path| call(sample, admin, &format!("GET {path}"), &[], b"").body).collect()
}

/// Two administrations; everybody of the first, and who runs the service.
pub fn street(sample: &Sample) -> (Vec<(String, String)>, String) {
    two_administrations(sample);
    ask(sample, &["unit", "add", "2", "Ufficio Riservato"], "");
    ask(sample, &["mailbox", "unit", BRUNO, "--unit", "2"], "");
    ask(sample, &["mailbox", "block", BRUNO, "--reason", "Motivo Riservato", "--ticket", "TT-Riservato"], "");
    ask(sample, &["mailbox", "unblock", BRUNO], "");
    ask(sample, &["list", "set", &format!("tutti@{ENTE}"), BRUNO], "");
    ask(sample, &["list", "set", &format!("tutti@{COMUNE}"), ANNA], "");
    ask(sample, &["credential", "add", BRUNO, "paghe", "--rights", "send"], "");
    ask(sample, &["address-book", "set", "2", BRUNO, "--name", "Persona Segreta"], "");
    ask(sample, &["person", "add", "a.neri", "Persona Segreta", "--tenant", "2"], "");
    let mut actors = Vec::new();
    for (role, scope) in [
        ("technical-contact", "tenant/1".to_owned()),
        ("preservation-officer", "tenant/1".to_owned()),
        ("consultant", "tenant/1".to_owned()),
        ("help-desk-l1", "tenant/1".to_owned()),
        ("help-desk-l2", "tenant/1".to_owned()),
        ("unit-provisioner", "unit/1/1".to_owned()),
        ("mailbox-responsible", format!("mailbox/{ANNA}")),
    ] {
        let token = somebody(sample, &format!("p.{role}"), Some("1"), &[(role, &scope)]);
        actors.push((role.to_owned(), token));
    }
    actors.push(("no role".to_owned(), somebody(sample, "n.nessuno", Some("1"), &[])));
    // Of the provider's own people, but for one administration alone.
    actors.push(("desk".to_owned(), somebody(sample, "d.desk", None, &[("help-desk-l2", "tenant/1")])));
    let admin = somebody(sample, "m.rossi", None, &[("supplier-admin", "supplier")]);
    (actors, admin)
}

#[test]
fn nobody_of_one_administration_reaches_anything_of_another() {
    let (sample, _guard) = served();
    let (actors, admin) = street(&sample);
    let document = call(&sample, &admin, "GET /v1/openapi.json", &[], b"").json();
    let mut operations = operations(&document);
    // Whoever asks it has another token from then on; it is about nothing else.
    operations.retain(|operation| operation.path != "/v1/me/token");
    let before = all_of_theirs(&sample, &admin);
    assert!(before.iter().all(|body| !body.contains("\"status\":4")), "{before:#?}");
    let mut tried = BTreeSet::new();
    for operation in &operations {
        let (line, body) = operation.about_theirs(&document);
        // The holder's own door asks for no token, and makes whoever fails wait.
        let own = operation.path.starts_with("/v1/self/");
        for actor in actors.iter().take(if own { 1 } else { actors.len() }) {
            let status = ask_for(&sample, (&actor.0, &actor.1), &line, &body);
            let shown = format!("{}: {line} {body}: {status}", actor.0);
            match operation.on.as_str() {
                // Lists hold what he may see: `ask_for` has looked.
                "each" => assert!(matches!(status, 200 | 403), "{shown}"),
                "" if own => assert!(matches!(status, 202 | 400 | 401 | 422 | 429), "{shown}"),
                // About his own token alone: there is nothing of anybody else to be named.
                "" if operation.path.starts_with("/v1/me/") => {
                    assert!(matches!(status, 200 | 400 | 409 | 422), "{shown}");
                }
                "" => assert_eq!(status, 200, "{shown}"),
                // What is somebody's and may not be read is not there.
                _ if of_somebody(&operation.path) => assert_eq!(status, 404, "{shown}"),
                // What a handler asks may be found wrong before it is found forbidden.
                "handler" => assert!(matches!(status, 400 | 403 | 404 | 409 | 422), "{shown}"),
                _ => assert!(matches!(status, 403 | 404), "{shown}"),
            }
        }
        tried.insert((operation.method.clone(), operation.path.clone()));
    }
    assert_eq!(tried.len(), operations.len());
    let mut draw = Draw(20_261_101);
    bend(&sample, &actors, &operations, &mut draw);
    filter(&sample, &actors, &operations, &mut draw);
    assert_eq!(all_of_theirs(&sample, &admin), before, "something of theirs was changed");
    let before = of_theirs(&sample, &admin, &[]);
    cross(&sample, &actors, (&document, &operations), &mut draw);
    assert_eq!(of_theirs(&sample, &admin, &[]), before, "something of theirs was changed");
}

/// What was answered, but for the one name that every refusal has.
fn told(answer: &Answer) -> (u16, String) {
    let body = match serde_json::from_str::<Value>(&answer.body) {
        Ok(Value::Object(mut problem)) => {
            problem.remove("instance");
            Value::Object(problem).to_string()
        }
        // Answers that come by steps: how long each is says how long a name is that was said.
        _ => answer.body.split("\r\n").filter(|line| !line.bytes().all(|b| b.is_ascii_hexdigit())).collect(),
    };
    (answer.status, body)
}

/// Every operation of the description, about what is theirs.
fn about_theirs(document: &Value) -> Vec<(String, Value)> {
    let mut requests = Vec::new();
    for operation in operations(document).iter().filter(|o| !o.on.is_empty()) {
        let mut path = operation.path.clone();
        let mut query = Vec::new();
        for (place, name, required) in &operation.parameters {
            match place.as_str() {
                "path" => path = path.replace(&format!("{{{name}}}"), theirs(&operation.path, name)),
                "query" if *required => query.push(format!("{name}={}", asked(&operation.path, name))),
                _ => {}
            }
        }
        let line = format!("{} {path}?{}", operation.method, query.join("&"));
        requests.push((line, operation.body.as_ref().map_or(Value::Null, |schema| body(document, schema, "", 0))));
    }
    requests
}

/// Nobody learns by a refusal what another administration has: whatever is asked about it is answered, word for word, as it is about
/// what is nowhere; so is what names it in its body, and the log that the administration reads tells no more.
#[test]
fn what_may_not_be_read_is_answered_as_what_is_nowhere() {
    let (sample, _guard) = served();
    let (actors, admin) = street(&sample);
    let letter = format!("From: {BRUNO}\r\nTo: {BRUNO}\r\nSubject: x\r\nMessage-ID: <x@x>\r\n\r\nx\r\n");
    let url = format!("smtp://127.0.0.1:{}", sample.ports.base + 1);
    let send = ["--mail-from", BRUNO, "--mail-rcpt", BRUNO, "--upload-file", "-"];
    sample.curl(BRUNO, &url, &send, &letter).fine("curl sends");
    let trail = call(&sample, &admin, &format!("GET /v1/mailboxes/{BRUNO}/trail"), &[], b"").json();
    let message = trail["sent"][0]["id"].as_str().expect("a message").to_owned();
    let done = call(&sample, &admin, "GET /v1/operations?tenant=2", &[], b"").json();
    let record = done["operations"][0]["id"].as_str().expect("a record").to_owned();
    let document = call(&sample, &admin, "GET /v1/openapi.json", &[], b"").json();
    let mut requests = about_theirs(&document);
    let role = |role: &str, scope: &str| json!({"role": role, "scope": scope});
    for scope in ["tenant/2", "unit/2/2", &format!("mailbox/{BRUNO}")] {
        for method in ["PUT", "DELETE"] {
            requests.push((format!("{method} /v1/persons/n.nessuno/roles"), role("mailbox-responsible", scope)));
        }
    }
    requests.push((format!("PUT /v1/mailboxes/{ANNA}/responsible"), json!({"person": "a.neri"})));
    for unit in [Value::Null, json!("2"), json!("Ufficio Riservato")] {
        for state in ["active", "cancelled"] {
            let line =
                |address: &str| json!({"line": 1, "address": address, "unit": unit, "state": state, "members": [ANNA]});
            let mut mailbox = line(BRUNO);
            mailbox.as_object_mut().expect("a line").remove("members");
            mailbox["password"] = json!("x");
            let order = |line: &Value| json!({"lines": [line]});
            requests.push(("POST /v1/mailboxes/apply".into(), order(&mailbox)));
            requests.push(("POST /v1/lists/apply".into(), order(&line("tutti@ente-esempio.example"))));
        }
    }
    let line = json!({"line": 1, "address": ANNA, "responsible": "a.neri"});
    requests.push(("POST /v1/mailboxes/apply".into(), json!({"lines": [line]})));
    for line in [format!("GET /v1/dispatches/{message}"), format!("GET /v1/operations/{record}")] {
        requests.push((line, Value::Null));
    }
    for (line, body) in &requests {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        // A message and a record have numbers of their own; everything else has a name that is nowhere.
        let (no_line, no_text) = if line.contains(&message) || line.contains(&record) {
            let no_line = line.replace(&message, &nobodys(&message)).replace(&record, &format!("{record}99999"));
            (no_line, text.clone())
        } else {
            (nowhere(line), nowhere(&text))
        };
        let heads: &[&[&str]] = if line.ends_with("/apply") { &[&["Sigillo-Dry-Run: true"], &[]] } else { &[&[]] };
        for ((who, token), head) in actors.iter().flat_map(|actor| heads.iter().map(move |head| (actor, *head))) {
            let is = told(&call(&sample, token, line, head, text.as_bytes()));
            let is_not = told(&call(&sample, token, &no_line, head, no_text.as_bytes()));
            let is_not = (
                is_not.0,
                as_of_theirs(&is_not.1)
                    .replace(&nobodys(&message), &message)
                    .replace(&format!("{record}99999"), &record),
            );
            assert_eq!(is, is_not, "{who}: {line} {text}");
        }
    }
    assert_eq!(logged(&sample, &actors[0].1, false), logged(&sample, &actors[0].1, true));
}

/// An identifier that nobody was given.
fn nobodys(message: &str) -> String {
    let at = message.find(|c: char| c.is_ascii_digit()).expect("a digit");
    let other = if &message[at..=at] == "9" { "8" } else { "9" };
    format!("{}{other}{}", &message[..at], &message[at + 1..])
}

/// What an administration reads in the log of its own people's requests about the other one, or about what is nowhere.
fn logged(sample: &Sample, token: &str, absent: bool) -> BTreeSet<String> {
    let now = ask(sample, &["status"], "")["service_time"].as_str().expect("a time").to_owned();
    let (mut lines, mut after) = (BTreeSet::new(), String::new());
    loop {
        let page = call(sample, token, &format!("GET /v1/tenants/1/acts?month={}{after}", &now[..7]), &[], b"").json();
        for act in page["acts"].as_array().expect("acts") {
            let text = |name: &str| act[name].as_str().unwrap_or_default().to_owned();
            let object = text("object");
            let (theirs, nothing) = (nowhere(&object) != object, as_of_theirs(&object) != object);
            if if absent { nothing } else { theirs && !nothing } {
                let [by, act, stage, method] = ["by", "act", "stage", "method"].map(text);
                lines.insert(format!("{by} {act} {stage} {method} {}", as_of_theirs(&object)));
            }
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return lines,
        }
    }
}

/// Ways of writing the same name, and of leaving a path.
fn bent(id: &str, how: usize) -> String {
    match how {
        0 => id.to_uppercase(),
        1 => escaped(id),
        2 => format!("..%2f{id}"),
        3 => format!("x/../{id}"),
        4 => format!("%2e%2e/{id}"),
        5 => format!("{id}%00"),
        6 => format!("%20{id}%20"),
        7 => id.replace('@', "%2540"),
        8 => id.replace('@', "%EF%BC%A0"),
        9 => id.replace('e', "%D0%B5"),
        10 => format!("{id}."),
        11 => format!("{id}/"),
        12 => format!("{id}%2f..%2f{ANNA}"),
        13 => format!("{ANNA}%2f..%2f{id}"),
        14 => format!("0{id}"),
        15 => format!("+{id}"),
        16 => format!("{id};x=1"),
        _ => format!("%22{id}%22"),
    }
}

/// Somebody of the first administration.
fn somebody_of<'a>(actors: &'a [(String, String)], draw: &mut Draw) -> (&'a str, &'a str) {
    let (name, token) = &actors[draw.below(actors.len())];
    (name, token)
}

/// Names and paths that are bent.
fn bend(sample: &Sample, actors: &[(String, String)], operations: &[Operation], draw: &mut Draw) {
    let with_ids: Vec<&Operation> = operations.iter().filter(|o| o.path.contains('{')).collect();
    for _ in 0..BENT {
        let operation = with_ids[draw.below(with_ids.len())];
        let mut path = operation.path.clone();
        for (place, name, _) in &operation.parameters {
            if place == "path" {
                path = path.replace(&format!("{{{name}}}"), &bent(theirs(&operation.path, name), draw.below(18)));
            }
        }
        let who = somebody_of(actors, draw);
        let status = ask_for(sample, who, &format!("{} {path}?folder=INBOX", operation.method), &Value::Null);
        assert!(matches!(status, 400..=499), "{}: {} {path}: {status}", who.0, operation.method);
    }
}

/// Every question with any of its filters, about what is theirs and about our own.
fn filter(sample: &Sample, actors: &[(String, String)], operations: &[Operation], draw: &mut Draw) {
    let asks = |o: &&Operation| o.method == "GET" && o.parameters.iter().any(|(place, ..)| place == "query");
    let questions: Vec<&Operation> = operations.iter().filter(asks).collect();
    let month = system_time().legal().iso_day[..7].to_owned();
    let mut filtered = BTreeSet::new();
    for at in 0..FILTERED {
        let operation = questions[at % questions.len()];
        let (mut path, mut query) = (operation.path.clone(), Vec::new());
        for (place, name, required) in &operation.parameters {
            if place == "path" {
                path = path.replace(&format!("{{{name}}}"), named(&operation.path, name)[draw.below(2)]);
            } else if place == "query" && (*required || draw.below(2) == 0) {
                let all = filters(&operation.path, name, &month);
                query.push(format!("{name}={}", escaped(&all[draw.below(all.len())])));
                filtered.insert((&operation.path, name));
            }
        }
        let who = somebody_of(actors, draw);
        let line = format!("GET {path}?{}", query.join("&"));
        let status = ask_for(sample, who, &line, &Value::Null);
        assert!(matches!(status, 200 | 204 | 400..=499), "{}: {line}: {status}", who.0);
    }
    let query = |o: &&Operation| o.parameters.iter().filter(|(place, ..)| place == "query").count();
    assert_eq!(filtered.len(), questions.iter().map(query).sum::<usize>(), "every filter was set: {filtered:?}");
}

/// Everything that can be asked about our own, with bodies that speak of theirs. What is said so may be told again: what was
/// never said is not.
fn cross(
    sample: &Sample,
    actors: &[(String, String)],
    (document, operations): (&Value, &[Operation]),
    draw: &mut Draw,
) {
    // The holder's own door makes whoever fails wait.
    let all: Vec<&Operation> = operations.iter().filter(|o| !o.path.starts_with("/v1/self/")).collect();
    for _ in 0..CROSSED {
        let operation = all[draw.below(all.len())];
        let (mut path, mut query) = (operation.path.clone(), Vec::new());
        for (place, name, required) in &operation.parameters {
            match place.as_str() {
                "path" => path = path.replace(&format!("{{{name}}}"), named(&operation.path, name)[draw.below(2)]),
                "query" if *required => query.push(format!("{name}={}", asked(&operation.path, name))),
                _ => {}
            }
        }
        let body = operation.body.as_ref().map_or(Value::Null, |schema| body(document, schema, "", 0));
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (name, token) = somebody_of(actors, draw);
        let line = format!("{} {path}?{}", operation.method, query.join("&"));
        let answer = call(sample, token, &line, &[], text.as_bytes());
        let told = format!("{}\n{}", answer.head, answer.body);
        assert!(SECRETS.iter().all(|secret| !told.contains(secret)), "{name}: {line} {text}: {answer:?}");
        assert!(answer.status < 500, "{name}: {line} {text}: {answer:?}");
    }
}

#[test]
fn a_mailbox_of_one_administration_opens_nothing_of_another() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let inbox = |more: &str| format!("imaps://127.0.0.1:{}{more}", sample.ports.base + 4);
    let listed = sample.curl(ANNA, &inbox("/"), &["--request", "LIST \"\" \"*\""], "").fine("curl lists").out;
    assert!(listed.contains("INBOX") && !listed.contains("bruno"), "{listed}");
    for name in
        [BRUNO, "user/bruno@ente-esempio.example", "Other Users/bruno", "../bruno/INBOX", "#user.bruno", "~bruno"]
    {
        for command in ["SELECT", "EXAMINE", "STATUS", "GETACL", "MYRIGHTS", "DELETE", "SUBSCRIBE"] {
            let text = if command == "STATUS" {
                format!("STATUS \"{name}\" (MESSAGES)")
            } else {
                format!("{command} \"{name}\"")
            };
            let ran = sample.curl(ANNA, &inbox("/"), &["--request", &text], "");
            assert!(ran.code != Some(0) || !ran.out.contains("MESSAGES"), "{text}: {}", ran.all());
        }
    }
    // Not by her password, not as somebody in his mailbox.
    for user in [BRUNO.to_owned(), format!("{BRUNO}/{ANNA}"), format!("{BRUNO}\0{ANNA}")] {
        let login = format!("{user}:sbagliata");
        let ca = sample.path("prova/ca.pem").to_string_lossy().into_owned();
        for url in [inbox("/INBOX"), format!("pop3s://127.0.0.1:{}/", sample.ports.base + 6)] {
            let login = login.replace('\0', "%00");
            let ran = run("curl", &["--silent", "--cacert", &ca, "--user", &login, &url], b"", 30);
            assert_eq!(ran.code, Some(67), "{user}: {}", ran.all());
        }
    }
    // She sends as nobody of theirs, and not in their name.
    let url = format!("smtp://127.0.0.1:{}", sample.ports.base + 1);
    for (envelope, header) in [(BRUNO, BRUNO), (BRUNO, ANNA), ("tutti@ente-esempio.example", ANNA)] {
        let letter = format!("From: {header}\r\nTo: {ANNA}\r\nSubject: x\r\nMessage-ID: <x@x>\r\n\r\nx\r\n");
        let send = ["--mail-from", envelope, "--mail-rcpt", ANNA, "--upload-file", "-"];
        let ran = sample.curl(ANNA, &url, &send, &letter);
        assert_ne!(ran.code, Some(0), "{envelope} {header}: {}", ran.all());
    }
}
