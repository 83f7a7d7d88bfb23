//! POP3 as real clients speak it: curl, Python's poplib, fetchmail, getmail, mpop.

use std::fs;

use serde_json::{Value, json};
use sigillo_tests::demo::{Demo, Ran, run, wanted};

use crate::fetched::{config, fetched, filled, inbox, lines, maildir, port, sorted};

const MARIO: &str = "mario@studio.example";

fn curl(demo: &Demo, url: &str, more: &[&str]) -> Ran {
    let (ca, login) = (demo.info.ca_file.to_string_lossy(), demo.info.login(MARIO));
    let args = ["--silent", "--show-error", "--ssl-reqd", "--cacert", &ca, "--user", &login, url];
    run("curl", &[&args[..], more].concat(), b"", 30)
}

#[test]
fn curl_fetches_by_stls_and_by_tls() {
    let demo = filled();
    let provider = demo.info.mailbox(MARIO).0;
    let there = inbox(&demo);
    for url in [format!("pop3://{}", provider.pop3), format!("pop3s://{}", provider.pop3s)] {
        let list = curl(&demo, &format!("{url}/"), &[]).fine("LIST").out;
        assert_eq!(list.lines().count(), 3, "{list}");
        let got = sorted((1..=3).map(|n| lines(&curl(&demo, &format!("{url}/{n}"), &[]).fine("RETR").out)));
        assert_eq!(got, there, "{url}");
        let top = curl(&demo, &url, &["--request", "TOP 1 0"]).fine("TOP").out;
        assert!(top.contains("X-Trasporto: posta-certificata") && !top.contains("daticert.xml"), "{top}");
    }
    for mechanism in ["PLAIN", "LOGIN", "SCRAM-SHA-256"] {
        let ran =
            curl(&demo, &format!("pop3s://{}/", provider.pop3s), &["--login-options", &format!("AUTH={mechanism}")]);
        // Not every curl is built with SCRAM.
        if mechanism != "SCRAM-SHA-256" || ran.code == Some(0) {
            assert_eq!(ran.fine(mechanism).out.lines().count(), 3);
        }
    }
    curl(&demo, &format!("pop3s://{}/2", provider.pop3s), &["--request", "DELE", "--head"]).fine("DELE");
    assert_eq!(inbox(&demo).len(), 2);
}

const TALK: &str = r#"
import poplib
provider, password = boxes[ask["who"]]
def opened(role, login=True):
    host, port = at(provider, role)
    c = poplib.POP3_SSL(host, port, timeout=30, context=tls) if role == "pop3s" else poplib.POP3(host, port, timeout=30)
    if role == "pop3":
        c.capabilities = c.capa()
        c.stls(context=tls)
    if login:
        c.user(ask["who"]); c.pass_(password)
    return c
def refusal(what):
    try:
        what()
        return "OK"
    except poplib.error_proto as e:
        return e.args[0].decode()
out = {}
plain = poplib.POP3(*at(provider, "pop3"), timeout=30)
out["open"] = sorted(plain.capa())
out["in_the_open"] = refusal(lambda: plain.user(ask["who"]))
plain.close()
c = opened("pop3")
out["capa"] = {k: v for k, v in c.capa().items()}
out["stat"] = c.stat()[0]
out["sizes"] = sum(int(l.split()[1]) for l in c.list()[1]) == c.stat()[1]
whole = b"\r\n".join(c.retr(1)[1]) + b"\r\n"
out["size"] = len(whole) == int(c.list(1).split()[2])
out["top"] = b"\r\n".join(c.top(1, 0)[1]) + b"\r\n" == whole[:whole.index(b"\r\n\r\n") + 4]
names = [l.split()[1].decode() for l in c.uidl()[1]]
out["in_use"] = refusal(lambda: opened("pop3s"))
c.dele(1); c.rset(); c.dele(2)
c.sock.close(); c.file.close()
# Until the server has noticed the break, the mailbox is in use.
limit = time.time() + 30
while True:
    try:
        c = opened("pop3s")
        break
    except poplib.error_proto as e:
        if b"IN-USE" not in e.args[0] or time.time() > limit:
            raise
    time.sleep(0.5)
out["after_break"] = c.stat()[0]
c.dele(2)
c.quit()
c = opened("pop3s")
out["names"] = [l.split()[1].decode() for l in c.uidl()[1]] == [names[0], names[2]]
raw = opened("pop3s", False)
raw.user(ask["who"])
began = time.time()
out["wrong"] = refusal(lambda: raw.pass_("sbagliata"))
out["late"] = time.time() - began >= 1
c.quit()
# Pipelined in one packet, answered in order.
host, port = at(provider, "pop3s")
s = tls.wrap_socket(socket.create_connection((host, port), timeout=30), server_hostname="localhost")
s.sendall(("USER %s\r\nPASS %s\r\nSTAT\r\nLIST 1\r\nNOOP\r\nBOH\r\nQUIT\r\n" % (ask["who"], password)).encode())
text = b""
while True:
    got = s.recv(65536)
    if not got:
        break
    text += got
out["pipelined"] = [line.split(b" ")[0].decode() for line in text.split(b"\r\n") if line]
answer(out)
"#;

#[test]
fn poplib_opens_reads_marks_and_hears_refusals() {
    let demo = filled();
    let said = demo.python(TALK, &json!({"who": MARIO}), 60);
    let is = |name: &str, want: Value| assert_eq!(said[name], want, "{name} in {said:#}");
    let starts = |name: &str, want: &str| assert!(said[name].as_str().is_some_and(|s| s.starts_with(want)), "{said:#}");
    assert!(
        said["open"].as_array().is_some_and(|c| c.contains(&json!("STLS")) && !c.contains(&json!("USER"))),
        "{said:#}"
    );
    starts("in_the_open", "-ERR Accesso possibile solo con TLS");
    let capa = &said["capa"];
    for name in ["TOP", "UIDL", "USER", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"] {
        assert_eq!(capa[name], json!([]), "{name} in {capa}");
    }
    assert_eq!((&capa["EXPIRE"], &capa["UTF8"], &capa["STLS"]), (&json!(["NEVER"]), &json!(["USER"]), &Value::Null));
    assert!(capa["SASL"].as_array().is_some_and(|s| s.contains(&json!("SCRAM-SHA-256-PLUS"))), "{capa}");
    is("stat", json!(3));
    for name in ["sizes", "size", "top", "names", "late"] {
        is(name, json!(true));
    }
    starts("in_use", "-ERR [IN-USE] ");
    is("after_break", json!(3));
    starts("wrong", "-ERR [AUTH] Utente o password errati");
    is("pipelined", json!(["+OK", "+OK", "+OK", "+OK", "+OK", "+OK", "-ERR", "+OK"]));
    assert_eq!(inbox(&demo).len(), 2);
}

#[test]
fn fetchmail_takes_everything_away_once() {
    if wanted("fetchmail", "fetchmail").is_none() {
        return;
    }
    let demo = filled();
    let (provider, mailbox) = demo.info.mailbox(MARIO);
    let (there, folder) = (inbox(&demo), maildir(&demo));
    let text = format!(
        "poll localhost protocol pop3 port {} user \"{MARIO}\" password \"{}\" ssl sslcertck sslcertfile \"{}\" fetchall \
         no rewrite mda \"sh -c 'cat > {}/new/$$'\"\n",
        port(&provider.pop3s),
        mailbox.password,
        demo.info.ca_file.display(),
        folder.display(),
    );
    let (rc, ids) = (config(&demo, "fetchmailrc", &text), demo.place.path("fetchids"));
    let (ids, pid) = (ids.to_string_lossy(), demo.place.path("fetchmail.pid"));
    let args = ["-f", &rc, "--idfile", &ids, "--pidfile", &pid.to_string_lossy(), "-v", "-N", "--invisible"];
    let ran = run("fetchmail", &args, b"", 60).fine("fetchmail");
    assert_eq!(fetched(&folder), there, "{}", ran.all());
    assert!(inbox(&demo).is_empty(), "it took them away");
    let again = run("fetchmail", &args, b"", 60);
    assert_eq!(again.code, Some(1), "nothing new: {}", again.all());
}

#[test]
fn getmail_leaves_what_it_has_read_and_reads_it_once() {
    if wanted("getmail", "getmail6").is_none() {
        return;
    }
    let demo = filled();
    let (provider, mailbox) = demo.info.mailbox(MARIO);
    let (there, folder) = (inbox(&demo), maildir(&demo));
    let text = format!(
        "[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {}\nusername = {MARIO}\npassword = {}\nca_certs = {}\n\
         [destination]\ntype = MDA_external\npath = /bin/sh\narguments = (\"-c\", \"cat > $(mktemp -p {}/new)\")\n\
         allow_root_commands = true\n[options]\nread_all = false\ndelete = false\nreceived = false\n\
         delivered_to = false\n",
        port(&provider.pop3s),
        mailbox.password,
        demo.info.ca_file.display(),
        folder.display(),
    );
    let rc = config(&demo, "getmailrc", &text);
    let home = demo.place.path("getmail");
    fs::create_dir_all(&home).expect("a folder");
    // It writes a Return-Path of its own in the place of those that it finds.
    let rest =
        |all: &[String]| sorted(all.iter().map(|text| text.replace("Return-Path: <anna@comune-alfa.example>\n", "")));
    for turn in ["first", "second"] {
        let ran = run("getmail", &["--rcfile", &rc, "--getmaildir", &home.to_string_lossy()], b"", 60).fine(turn);
        assert_eq!(rest(&fetched(&folder)), rest(&there), "{turn}: {}", ran.all());
    }
    assert_eq!(inbox(&demo), there, "all of it is still there");
}

#[test]
fn mpop_logs_in_by_scram_and_pipelines() {
    if wanted("mpop", "mpop").is_none() {
        return;
    }
    let demo = filled();
    let (provider, mailbox) = demo.info.mailbox(MARIO);
    let (there, folder) = (inbox(&demo), maildir(&demo));
    for (keep, auth, address, starttls) in
        [("on", "scram-sha-256", &provider.pop3, "on"), ("off", "plain", &provider.pop3s, "off")]
    {
        let text = format!(
            "account pec\nhost localhost\nport {}\nuser {MARIO}\npassword {}\nauth {auth}\ntls on\ntls_starttls {starttls}\n\
             tls_trust_file {}\npipelining on\nkeep {keep}\nonly_new off\nreceived_header off\nuidls_file {}\n\
             delivery maildir {}\n",
            port(address),
            mailbox.password,
            demo.info.ca_file.display(),
            demo.place.path("uidls").display(),
            folder.display(),
        );
        let rc = config(&demo, "mpoprc", &text);
        let ran = run("mpop", &["--file", &rc, "--debug", "pec"], b"", 60).fine(auth);
        assert_eq!(fetched(&folder), there, "{auth}: {}", ran.all());
        assert!(ran.all().contains(&format!("AUTH {}", auth.to_uppercase())), "{}", ran.all());
        assert_eq!(inbox(&demo).is_empty(), keep == "off");
        for entry in fs::read_dir(folder.join("new")).expect("a maildir") {
            fs::remove_file(entry.expect("an entry").path()).expect("removed");
        }
    }
}
