//! The life of mailboxes from the shell: out of use, cancelled, called back, gone in spite of kills; who asked and when; the plan of
//! needs; what a unit may (BOX-10, BOX-12, WEB-03, WEB-04, WEB-06, WEB-07, WEB-09, WEB-11, HD-27, BIL-02).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sigillo_tests::demo::{Demo, Place, binary, run, wait_for};

use crate::administration::{COMUNE, ENTE, request, somebody, two_administrations};
use crate::rates::{ANNA, BRUNO, ask, served};
use crate::serve::Sample;

/// A verb that is refused; gives what it says.
fn refused(sample: &Sample, verb: &[&str]) -> String {
    let ran = run(binary(), &[verb, &["--socket", &sample.socket()]].concat(), b"", 30);
    assert_ne!(ran.code, Some(0), "{verb:?}: {}", ran.all());
    ran.all()
}

fn login(sample: &Sample, who: &str) -> bool {
    let url = format!("imap://127.0.0.1:{}", sample.ports.base + 3);
    sample.curl(who, &url, &[], "").code == Some(0)
}

fn operations(sample: &Sample, filter: &[&str]) -> Vec<Value> {
    let found = ask(sample, &[&["operation", "list"][..], filter].concat(), "");
    found["operations"].as_array().expect("operations").clone()
}

#[test]
fn a_mailbox_is_taken_out_of_use_cancelled_and_called_back_from_the_shell() {
    let (sample, _guard) = served();
    assert!(login(&sample, ANNA));
    assert_eq!(ask(&sample, &["mailbox", "deactivate", ANNA], "")["state"], "inactive");
    assert!(!login(&sample, ANNA), "nobody comes in");
    assert!(refused(&sample, &["mailbox", "unblock", ANNA]).contains("disattivata"));
    assert_eq!(ask(&sample, &["mailbox", "activate", ANNA], "")["state"], "active");
    assert!(login(&sample, ANNA));
    assert!(refused(&sample, &["mailbox", "cancel", ANNA]).contains("--yes"), "what destroys wants a word");
    let cancelled = ask(&sample, &["mailbox", "cancel", ANNA, "--yes"], "");
    assert_eq!(cancelled["state"], "cancelled");
    assert!(cancelled["cancelled_until"].as_str().is_some_and(|until| until.len() > 20), "{cancelled}");
    assert!(!login(&sample, ANNA));
    assert!(refused(&sample, &["mailbox", "activate", ANNA]).contains("undelete"));
    let add = run(binary(), &["mailbox", "add", ANNA, "--socket", &sample.socket()], b"un altro segreto\n", 30);
    assert!(add.code != Some(0) && add.all().contains("undelete"), "{}", add.all());
    assert_eq!(ask(&sample, &["mailbox", "undelete", ANNA], "")["state"], "active");
    assert!(login(&sample, ANNA), "with the password of before");
    let kinds: Vec<Value> =
        operations(&sample, &["--mailbox", ANNA]).iter().map(|operation| operation["kind"].clone()).collect();
    let done = ["create", "profile", "deactivate", "activate", "cancel", "undelete"];
    assert_eq!(kinds, done.map(|kind| json!(format!("mailbox-{kind}"))));
    ask(&sample, &["store", "check"], "");
}

#[test]
fn an_operation_says_who_asked_when_by_which_way_and_for_which_ticket() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    let asked = ["--ticket", "TT-2026-000123", "--requested-at", "2026-01-15T09:00", "--requested-by", "Niccolò Però"];
    ask(&sample, &[&["mailbox", "deactivate", ANNA, "--channel", "phone"][..], &asked].concat(), "");
    ask(&sample, &[&["list", "set", &format!("tutti@{COMUNE}"), ANNA][..], &asked].concat(), "");
    let found = operations(&sample, &["--ticket", "TT-2026-000123"]);
    let [out, list] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((&out["kind"], &out["channel"]), (&json!("mailbox-deactivate"), &json!("phone")));
    assert_eq!((&list["kind"], &list["channel"]), (&json!("list-create"), &json!("console")));
    assert_eq!(out["requested_by"], "Niccolò Però");
    assert!(out["confirmed_by"].as_str().is_some_and(|by| by.starts_with("uid-")), "{out}");
    assert_eq!(out["confirmed_how"], "socket");
    assert!(out["requested_at"].as_str().is_some_and(|at| at.starts_with("2026-01-15T09:00")), "{out}");
    assert!(out["seconds_used"].as_u64() > Some(24 * 3600), "{out}");
    assert_eq!((&out["tenant"], &out["unit"]), (&json!(1), &json!(1)));
    let id = out["id"].as_str().expect("a number");
    assert_eq!(ask(&sample, &["operation", "show", id], ""), *out);
    let month = out["done_at"].as_str().expect("a time")[..7].to_owned();
    let filters = [
        ("--month", month.as_str(), true),
        ("--month", "1999-01", false),
        ("--tenant", "1", true),
        ("--tenant", "2", false),
        ("--kind", "mailbox-deactivate", true),
        ("--kind", "list-cancel", false),
        ("--mailbox", ANNA, true),
    ];
    for (filter, value, there) in filters {
        let found = operations(&sample, &[filter, value, "--ticket", "TT-2026-000123"]);
        assert_eq!(found.contains(out), there, "{filter} {value}: {found:?}");
    }
    assert!(refused(&sample, &["operation", "list", "--kind", "mailbox-destroy"]).contains("mailbox-create"));
    assert!(refused(&sample, &["mailbox", "activate", ANNA, "--requested-at", "2999-01-01"]).contains("futuro"));
    assert!(refused(&sample, &["mailbox", "activate", ANNA, "--channel", "service"]).contains("channel"));
    // Who sees the mailbox sees what was done to it; nobody else learns that there was anything.
    let contact = somebody(&sample, "g.verdi", Some("2"), &[("technical-contact", "tenant/2")]);
    let of_ente = request(&sample, &contact, "GET", "/v1/operations", &Value::Null).1;
    let objects: Vec<&str> =
        of_ente["operations"].as_array().expect("a list").iter().filter_map(|o| o["object"].as_str()).collect();
    assert!(!objects.iter().any(|object| object.ends_with(COMUNE)), "{objects:?}");
    assert_eq!(request(&sample, &contact, "GET", &format!("/v1/operations/{id}"), &Value::Null).0, 404);
}

/// A list that is cancelled: shown with its grace, given to nobody else, called back as it was, each with its record.
#[test]
fn a_list_is_cancelled_and_called_back_from_the_shell() {
    let (sample, _guard) = served();
    let council = format!("consiglio@{COMUNE}");
    ask(&sample, &["list", "set", &council, ANNA, BRUNO], "");
    let made = ask(&sample, &["list", "list"], "")["lists"][0].clone();
    assert_eq!((&made["state"], &made["cancelled_until"]), (&json!("active"), &Value::Null));
    let ended = ask(&sample, &["list", "remove", &council, "--yes", "--ticket", "TT-7"], "");
    assert_eq!(ended["state"], "cancelled");
    assert!(ended["cancelled_until"].as_str().is_some_and(|until| until.len() > 20), "{ended}");
    assert_eq!(ask(&sample, &["list", "list"], "")["lists"][0], ended, "it is shown");
    assert!(refused(&sample, &["list", "set", &council, ANNA]).contains("undelete"));
    assert!(refused(&sample, &["list", "unit", &council]).contains("undelete"));
    let add = run(binary(), &["mailbox", "add", &council, "--socket", &sample.socket()], b"un altro segreto\n", 30);
    assert!(add.code != Some(0) && add.all().contains(&council), "{}", add.all());
    assert_eq!(ask(&sample, &["list", "undelete", &council, "--ticket", "TT-7"], ""), made, "as it was");
    assert!(refused(&sample, &["list", "undelete", &format!("nessuna@{COMUNE}")]).contains("non c'è"));
    let found = operations(&sample, &["--ticket", "TT-7"]);
    let kinds: Vec<&str> = found.iter().filter_map(|operation| operation["kind"].as_str()).collect();
    assert_eq!(kinds, ["list-cancel", "list-undelete"]);
    assert!(found[0]["detail"].as_str().is_some_and(|detail| detail.contains("ripensamento")), "{found:?}");
}

#[test]
fn one_asks_another_confirms_and_a_third_does_it() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    for (login, tenant, role) in
        [("l.bianchi", "1", "technical-contact"), ("p.conti", "1", "consultant"), ("g.verdi", "2", "technical-contact")]
    {
        somebody(&sample, login, Some(tenant), &[(role, &format!("tenant/{tenant}"))]);
    }
    let now = ask(&sample, &["status"], "")["service_time"].as_str().expect("a time").to_owned();
    let now = sigillo_base::Timestamp::from_iso(&now).expect("a time");
    let ago = |hours: u64| now.minus(Duration::from_secs(hours * 3600)).to_string();
    let (asked, confirmed) = (ago(30), ago(2));
    let order = ["--ticket", "TT-9", "--requested-at", &asked, "--requested-by", "Ufficio personale"];
    let by = |who: &'static str, at: &str| {
        let verb = ["mailbox", "deactivate", ANNA, "--channel", "phone"];
        let said = ["--confirmed-by", who, "--confirmed-at", at].map(str::to_owned);
        [&verb[..], &order].concat().into_iter().map(str::to_owned).chain(said).collect::<Vec<_>>()
    };
    let no = |verb: Vec<String>| refused(&sample, &verb.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(no(by("p.conti", &confirmed)).contains("mailbox-activate"), "who may not do it confirms nothing");
    assert!(no(by("g.verdi", &confirmed)).contains("mailbox-activate"), "nor does who is of another administration");
    assert!(no(by("x.nessuno", &confirmed)).contains("x.nessuno"));
    assert!(no(by("l.bianchi", "2999-01-01")).contains("futuro"));
    assert!(no(by("l.bianchi", &ago(31))).contains("prima della richiesta"));
    assert_eq!(ask(&sample, &["mailbox", "list"], "")["mailboxes"][0]["state"], "active", "nothing was done");
    let verb = by("l.bianchi", &confirmed);
    ask(&sample, &verb.iter().map(String::as_str).collect::<Vec<_>>(), "");
    let found = operations(&sample, &["--ticket", "TT-9"]);
    let [done] = found.as_slice() else { panic!("{found:?}") };
    let said = (&done["requested_by"], &done["confirmed_by"], &done["confirmed_how"], &done["confirmed_at"]);
    assert_eq!(said, (&json!("Ufficio personale"), &json!("l.bianchi"), &json!("ticket"), &json!(confirmed)));
    assert!(done["done_by"].as_str().is_some_and(|by| by.starts_with("uid-")), "{done}");
    let used = done["seconds_used"].as_u64().expect("seconds");
    assert!((2 * 3600..2 * 3600 + 600).contains(&used), "from the confirmation: {used}");
    let shown = run(binary(), &["operation", "list", "--ticket", "TT-9", "--socket", &sample.socket()], b"", 30);
    assert!(shown.out.contains("2:0") && shown.out.contains("l.bianchi"), "{}", shown.all());
}

#[test]
fn what_was_not_ordered_is_refused_with_the_number_that_is_left() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    ask(&sample, &["mailbox", "set", ANNA, "--profile", "standard"], "");
    let contact = somebody(&sample, "l.bianchi", Some("1"), &[("technical-contact", "tenant/1")]);
    let plan = [
        "plan",
        "set",
        "1",
        "--profile",
        "standard=2",
        "--profile",
        "massive-small=1",
        "--unit",
        "1:standard=1",
        "--unit",
        "1:massive-small=1",
    ];
    let written = ask(&sample, &[&plan[..], &["--note", "ordine 7/2026"]].concat(), "");
    assert_eq!((&written["counts"], &written["versions"][0]["note"]), (&Value::Null, &json!("ordine 7/2026")));
    sample.add(&format!("due@{COMUNE}"), "segreta");
    sample.add(&format!("tre@{COMUNE}"), "segreta");
    // Written by who is let to, approved by who runs the service: what nobody approved limits nobody.
    let path = "/v1/tenants/1/plan";
    assert_eq!(request(&sample, &contact, "PUT", &format!("{path}/1/approval"), &Value::Null).0, 403);
    assert_eq!(request(&sample, &contact, "POST", path, &json!({"quantities": {"standard": 99}})).0, 201);
    assert_eq!(request(&sample, &contact, "POST", "/v1/tenants/2/plan", &json!({"quantities": {}})).0, 404);
    let plan = ask(&sample, &["plan", "approve", "1", "1"], "");
    assert_eq!(plan["counts"], 1);
    assert_eq!((&plan["used"]["standard"], &plan["left"]["standard"]), (&json!(3), &json!(0)));
    let add = run(
        binary(),
        &["mailbox", "add", &format!("x@{COMUNE}"), "--socket", &sample.socket()],
        b"una frase lunga\n",
        30,
    );
    assert!(add.code != Some(0) && add.all().contains("ne restano 0"), "{}", add.all());
    ask(&sample, &["mailbox", "deactivate", &format!("due@{COMUNE}")], "");
    ask(&sample, &["mailbox", "deactivate", &format!("tre@{COMUNE}")], "");
    ask(&sample, &["mailbox", "activate", &format!("due@{COMUNE}")], "");
    let refused_with = |verb: &[&str]| refused(&sample, verb);
    let refused = |verb: &[&str]| assert!(refused_with(verb).contains("ne restano 0"), "{verb:?}");
    refused(&["mailbox", "activate", &format!("tre@{COMUNE}")]);
    refused(&["mailbox", "unit", &format!("due@{COMUNE}"), "--unit", "1"]);
    ask(&sample, &["mailbox", "set", ANNA, "--profile", "massive-small"], "");
    refused(&["mailbox", "set", &format!("due@{COMUNE}"), "--profile", "massive-small"]);
    ask(&sample, &["mailbox", "activate", &format!("tre@{COMUNE}")], "");
    sample.add(&format!("altra@{ENTE}"), "segreta");
    assert_eq!(ask(&sample, &["plan", "show", "2"], "")["counts"], Value::Null, "without a plan there is no limit");
    // A domain with more than was ordered does not come.
    ask(&sample, &["plan", "set", "2", "--profile", "standard=1"], "");
    ask(&sample, &["domain", "assign", ENTE, "--yes"], "");
    ask(&sample, &["plan", "approve", "2", "1"], "");
    let said = refused_with(&["domain", "assign", ENTE, "--tenant", "2", "--yes"]);
    assert!(said.contains("«standard»: 2 nel dominio, 0 in uso, 1 previste, 1 di troppo"), "{said}");
    // The 15th of this month last year: nobody was there yet.
    let counted = ask(&sample, &["plan", "consistency", "1", "--month", "2025-11"], "");
    assert_eq!((&counted["total"], &counted["at"]), (&json!(0), &json!("2025-11-15T23:59:59.999+01:00")));
}

#[test]
fn a_unit_provisions_its_own_mailboxes_and_lists_and_no_others() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    ask(&sample, &["unit", "add", "1", "Tributi"], "");
    sample.add(&format!("tributi@{COMUNE}"), "segreta");
    ask(&sample, &["mailbox", "unit", &format!("tributi@{COMUNE}"), "--unit", "2"], "");
    let his = somebody(&sample, "p.unita", Some("1"), &[("unit-provisioner", "unit/1/1")]);
    let may = |method: &str, path: &str, body: Value| request(&sample, &his, method, path, &body).0;
    for (address, allowed) in [(ANNA.to_owned(), true), (format!("tributi@{COMUNE}"), false), (BRUNO.to_owned(), false)]
    {
        let at = format!("/v1/mailboxes/{address}");
        let said = if allowed { 200 } else { 404 };
        for (method, rest) in
            [("DELETE", "activation"), ("PUT", "activation"), ("PUT", "cancellation"), ("DELETE", "cancellation")]
        {
            assert_eq!(may(method, &format!("{at}/{rest}"), Value::Null), said, "{method} {at}/{rest}");
        }
    }
    let list = |name: &str| format!("/v1/lists/{name}@{COMUNE}");
    let with = |unit: Value| json!({"members": [ANNA], "unit": unit});
    assert_eq!(may("PUT", &list("nostra"), with(json!(1))), 200);
    assert_eq!(may("PUT", &list("nostra"), json!({"members": [ANNA, BRUNO]})), 200, "it is of his unit");
    assert_eq!(
        may("PUT", &list("tutti"), with(Value::Null)),
        404,
        "of the whole administration, which he does not read"
    );
    assert_eq!(may("PUT", &list("loro"), with(json!(2))), 404);
    assert_eq!(may("PUT", &list("nostra"), with(json!(2))), 403, "where it goes is not his to say");
    ask(&sample, &["list", "set", &format!("loro@{COMUNE}"), ANNA, "--unit", "2"], "");
    assert_eq!(may("DELETE", &list("loro"), Value::Null), 404);
    let seen = request(&sample, &his, "GET", "/v1/lists", &Value::Null).1;
    assert_eq!(seen["lists"].as_array().map(Vec::len), Some(1), "{seen}");
    let seen = request(&sample, &his, "GET", "/v1/operations", &Value::Null).1;
    assert!(!seen.to_string().contains("tributi@"), "{seen}");
    assert_eq!(may("DELETE", &list("nostra"), Value::Null), 200);
}

#[test]
fn who_answers_for_a_mailbox_is_known_and_who_did_stays_known() {
    let (sample, _guard) = served();
    two_administrations(&sample);
    for name in ["r.primo", "r.secondo"] {
        somebody(&sample, name, Some("1"), &[]);
    }
    somebody(&sample, "r.estraneo", Some("2"), &[]);
    let answer =
        |name: &str| ask(&sample, &["mailbox", "responsible", ANNA, "--person", name], "")["responsible"].clone();
    assert_eq!(answer("r.primo"), json!(["r.primo"]));
    assert_eq!(answer("r.secondo"), json!(["r.secondo"]), "instead of who did");
    let stranger = refused(&sample, &["mailbox", "responsible", ANNA, "--person", "r.estraneo"]);
    assert!(stranger.contains("altra amministrazione"), "{stranger}");
    let listed = ask(&sample, &["mailbox", "list"], "");
    let anna = listed["mailboxes"].as_array().expect("a list").iter().find(|m| m["address"] == ANNA).expect("hers");
    assert_eq!(anna["responsible"], json!(["r.secondo"]));
    let details: Vec<Value> = operations(&sample, &["--kind", "mailbox-responsible", "--mailbox", ANNA])
        .iter()
        .map(|operation| operation["detail"].clone())
        .collect();
    assert_eq!(details, [json!("— → r.primo"), json!("r.primo → r.secondo")]);
}

/// Thirty days pass in seconds, and the process is killed as soon as the address is free again: the rest goes after the next start.
#[test]
fn kills_between_a_cancellation_and_its_end_lose_nothing_and_leave_nothing() {
    // Not one of the demonstration's own, which it makes again at each start.
    const CARLA: &str = "carla@comune-alfa.example";
    let first = Demo::start(&["--without", "beta"]);
    let socket = first.info.alfa().admin_socket.to_string_lossy().into_owned();
    run(binary(), &["mailbox", "add", CARLA, "--socket", &socket], b"una frase lunga\n", 60).fine("mailbox add");
    for n in 0..5 {
        let id = format!("{n}@comune-alfa.example");
        first.send("anna@comune-alfa.example", CARLA, &id);
        first.await_kinds("anna@comune-alfa.example", &id, &["accettazione", "avvenuta-consegna"]);
    }
    let kept = Arc::clone(&first.place);
    assert_eq!(first.terminate(), Some(0), "{}", kept.said());
    let place = Arc::new(Place::new(&["--no-exchange", "--without", "beta", "--speed", "400000"]).at(kept.data()));
    let verb = |demo: &Demo, verb: &[&str]| {
        let socket = demo.info.alfa().admin_socket.to_string_lossy().into_owned();
        run(binary(), &[verb, &["--json", "--socket", &socket]].concat(), b"", 60)
    };
    let demo = place.again();
    verb(&demo, &["mailbox", "cancel", CARLA, "--yes"]).fine("cancelled");
    demo.child.signal("KILL");
    drop(demo);
    let demo = place.again();
    wait_for("the end of its grace", Duration::from_secs(120), || {
        let listed = verb(&demo, &["mailbox", "list"]).fine("mailbox list").out;
        (!listed.contains(CARLA)).then_some(())
    });
    demo.child.signal("KILL");
    drop(demo);
    let demo = place.again();
    wait_for("nothing is left of it", Duration::from_secs(120), || {
        let purged = verb(&demo, &["operation", "list", "--kind", "mailbox-purge"]).fine("operation list").out;
        let purged: Value = serde_json::from_str(&purged).expect("JSON");
        assert!(purged["operations"].as_array().is_some_and(|all| all.len() <= 1), "once: {purged}");
        (purged["operations"][0]["object"] == CARLA).then_some(())
    });
    verb(&demo, &["store", "check"]).fine("store check");
    let again = ["mailbox", "add", CARLA];
    let socket = demo.info.alfa().admin_socket.to_string_lossy().into_owned();
    run(binary(), &[&again[..], &["--socket", &socket]].concat(), b"altra frase\n", 60).fine("the address again");
}
