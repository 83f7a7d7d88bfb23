//! Whole exchanges by mail clients as people use them: curl, swaks, msmtp and smtplib to send, curl to read.

use std::time::Duration;

use sigillo_tests::demo::{Demo, Ran, run, wait_for};

use crate::judges::judge_piece;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const MARIO: &str = "mario@studio.example";

const BODY: &str = "Buongiorno,\r\n.una riga che comincia con un punto\r\n..e una con due\r\n\r\nSaluti\r\n";

fn letter(from: &str, to: &str, id: &str) -> String {
    format!("From: Mittente <{from}>\r\nTo: {to}\r\nSubject: prova {id}\r\nMessage-ID: <{id}>\r\n\r\n{BODY}")
}

/// Sends a letter with curl, to a URL of the sender's provider.
fn curl_send(demo: &Demo, url: &str, from: &str, to: &str, letter: &str) -> Ran {
    let (ca, login) = (demo.info.ca_file.to_string_lossy(), demo.info.login(from));
    let mut args = vec!["--silent", "--show-error", "--ssl-reqd", "--cacert", &ca, "--user", &login, url];
    args.extend(["--mail-from", from, "--mail-rcpt", to, "--upload-file", "-"]);
    run("curl", &args, letter.as_bytes(), 30)
}

fn curl_read(demo: &Demo, who: &str, path: &str, more: &[&str]) -> Ran {
    let (ca, login) = (demo.info.ca_file.to_string_lossy(), demo.info.login(who));
    let url = format!("imaps://{}/{path}", demo.info.mailbox(who).0.imaps);
    run("curl", &[&["--silent", "--show-error", "--cacert", &ca, "--user", &login, &url][..], more].concat(), b"", 30)
}

/// Numbers of the messages in which a header field holds a text, once there are some.
fn search(demo: &Demo, who: &str, field: &str, text: &str) -> Vec<String> {
    let command = format!("SEARCH HEADER {field} \"{text}\"");
    wait_for(&format!("{who}: {command}"), Duration::from_secs(40), || {
        let ran = curl_read(demo, who, "INBOX", &["--request", &command]).fine("curl SEARCH");
        let numbers: Vec<String> =
            ran.out.trim().trim_start_matches("* SEARCH").split_whitespace().map(str::to_owned).collect();
        Some(numbers).filter(|n| !n.is_empty())
    })
}

#[test]
fn curl_sends_over_starttls_and_over_tls_and_reads_the_evidence() {
    let demo = Demo::start(&[]);
    let alfa = demo.info.alfa();
    let ways = [("starttls", format!("smtp://{}", alfa.submission)), ("tls", format!("smtps://{}", alfa.submissions))];
    for (name, url) in ways {
        let id = format!("curl-{name}@comune-alfa.example");
        curl_send(&demo, &url, ANNA, BRUNO, &letter(ANNA, BRUNO, &id)).fine(name);
        let number = search(&demo, BRUNO, "X-Riferimento-Message-ID", &id);
        assert_eq!(number.len(), 1, "one envelope");
        let envelope = curl_read(&demo, BRUNO, &format!("INBOX;MAILINDEX={}", number[0]), &[]).fine("curl FETCH").out;
        assert!(envelope.contains("X-Trasporto: posta-certificata\r\n") && envelope.contains(BODY), "{envelope}");
        let receipts = demo.await_kinds(ANNA, &id, &["accettazione", "avvenuta-consegna"]);
        assert_eq!(receipts.len(), 2, "nothing else in the sender's INBOX: {receipts:?}");
        let delivery = receipts.iter().find(|r| r.kind == "avvenuta-consegna").expect("awaited");
        assert!(String::from_utf8_lossy(&delivery.raw()).contains(BODY), "the complete receipt holds the original");
        assert!(judge_piece(delivery, &demo.info.ca_file).subject.contains("Beta PEC S.r.l."));
        assert!(delivery.subject.starts_with("CONSEGNA: ") && receipts[0].subject.starts_with("ACCETTAZIONE: "));
    }
}

#[test]
fn curl_lists_folders_and_uploads_a_message() {
    let demo = Demo::start(&["--without", "beta"]);
    let all = curl_read(&demo, MARIO, "", &[]).fine("curl's own LIST").out;
    for line in ["(\\HasNoChildren) \"/\" INBOX\r\n", "(\\Sent \\HasNoChildren) \"/\" Inviata\r\n"] {
        assert!(all.contains(&format!("* LIST {line}")), "{all}");
    }
    let file = demo.place.path("lettera.eml");
    let letter = letter(MARIO, ANNA, "caricata@studio.example");
    std::fs::write(&file, &letter).expect("a file");
    let upload = ["--upload-file", &file.to_string_lossy()];
    let refused = curl_read(&demo, MARIO, "Pratiche", &upload);
    assert!(refused.code.is_some_and(|code| code != 0), "no such folder: {}", refused.all());
    curl_read(&demo, MARIO, "", &["--request", "CREATE Pratiche"]).fine("curl CREATE");
    curl_read(&demo, MARIO, "Pratiche", &upload).fine("curl APPEND");
    let listed = curl_read(&demo, MARIO, "", &["--request", "LIST \"\" Prat*"]).fine("curl -X LIST").out;
    assert_eq!(listed, "* LIST (\\HasNoChildren) \"/\" Pratiche\r\n");
    assert_eq!(curl_read(&demo, MARIO, "Pratiche;MAILINDEX=1", &[]).fine("curl FETCH").out, letter);
    let status = curl_read(&demo, MARIO, "", &["--request", "STATUS Pratiche (MESSAGES)"]).fine("curl STATUS").out;
    assert_eq!(status, "* STATUS Pratiche (MESSAGES 1)\r\n");
}

#[test]
fn the_evidence_goes_where_it_belongs() {
    let demo = Demo::start(&[]);
    let id = "chain@comune-alfa.example";
    demo.send(ANNA, BRUNO, id);
    let at_anna = demo.await_kinds(ANNA, id, &["accettazione", "avvenuta-consegna"]);
    let at_bruno = demo.await_kinds(BRUNO, id, &["posta-certificata"]);
    let at_service = demo.await_kinds("posta-certificata@pec.alfa.example", id, &["presa-in-carico"]);
    assert_eq!((at_anna.len(), at_bruno.len(), at_service.len()), (2, 1, 1));
    let ca = &demo.info.ca_file;
    for (piece, signer) in
        [(&at_anna[0], "Alfa"), (&at_anna[1], "Beta"), (&at_bruno[0], "Alfa"), (&at_service[0], "Beta")]
    {
        assert!(judge_piece(piece, ca).subject.contains(&format!("{signer} PEC")), "{} is not {signer}'s", piece.kind);
        assert_eq!(piece.datum("identificativo"), at_bruno[0].datum("identificativo"), "{}", piece.kind);
        assert_eq!(piece.datum("mittente"), Some(ANNA));
    }
    assert_eq!(Some(at_bruno[0].message_id.trim_matches(['<', '>'])), at_bruno[0].datum("identificativo"));
    assert_eq!(at_bruno[0].from, format!("\"Per conto di: {ANNA}\" <posta-certificata@pec.alfa.example>"));
    assert_eq!(at_bruno[0].subject, format!("POSTA CERTIFICATA: prova {id}"));
    // A take-charge notice reaches no user.
    for provider in &demo.info.providers {
        for mailbox in &provider.mailboxes {
            let kinds: Vec<String> = demo.inbox(&mailbox.address).into_iter().map(|p| p.kind).collect();
            assert!(!kinds.contains(&"presa-in-carico".to_owned()), "{}: {kinds:?}", mailbox.address);
        }
    }
}

#[test]
fn the_whole_procedure_runs_between_two_mailboxes_of_one_provider() {
    let demo = Demo::start(&["--without", "beta"]);
    let id = "inside@comune-alfa.example";
    demo.send(ANNA, MARIO, id);
    let at_anna = demo.await_kinds(ANNA, id, &["accettazione", "avvenuta-consegna"]);
    let at_mario = demo.await_kinds(MARIO, id, &["posta-certificata"]);
    assert_eq!((at_anna.len(), at_mario.len()), (2, 1));
    for piece in at_anna.iter().chain(&at_mario) {
        assert!(judge_piece(piece, &demo.info.ca_file).subject.contains("Alfa PEC S.p.A."), "{}", piece.kind);
    }
}

#[test]
fn several_recipients_get_one_receipt_each() {
    let demo = Demo::start(&[]);
    let id = "many@comune-alfa.example";
    let text = format!(
        "From: {ANNA}\r\nTo: {BRUNO}, {MARIO}\r\nCc: ufficio@ente-beta.example\r\nSubject: =?utf-8?Q?perch=C3=A9?=\r\n\
         Message-ID: <{id}>\r\n\r\nA tutti.\r\n"
    );
    let mail = sigillo_tests::demo::Mail::raw(ANNA, &[BRUNO, MARIO, "ufficio@ente-beta.example"], text.as_bytes());
    assert_eq!(demo.submit(&[mail])[0].code, 250);
    for who in [BRUNO, MARIO, "ufficio@ente-beta.example"] {
        let found = demo.await_kinds(who, id, &["posta-certificata"]);
        assert_eq!(found.len(), 1, "{who}");
        assert_eq!(found[0].subject, "POSTA CERTIFICATA: perché");
    }
    let of = |pieces: &[sigillo_tests::demo::Piece]| {
        let deliveries = pieces.iter().filter(|p| p.kind == "avvenuta-consegna");
        let mut who: Vec<String> = deliveries.filter_map(|p| p.datum("consegna").map(str::to_owned)).collect();
        who.sort();
        who
    };
    let receipts = wait_for("three receipts", Duration::from_secs(40), || {
        Some(demo.await_kinds(ANNA, id, &["accettazione"])).filter(|found| of(found).len() >= 3)
    });
    assert_eq!(of(&receipts), [BRUNO, MARIO, "ufficio@ente-beta.example"]);
    assert_eq!(receipts.len(), 4);
}

#[test]
fn swaks_sends_with_plain_and_login() {
    let demo = Demo::start(&[]);
    let alfa = demo.info.alfa();
    let (ca, password) = (demo.info.ca_file.to_string_lossy(), &demo.info.mailbox(ANNA).1.password);
    for (auth, tls, server) in [
        ("PLAIN", "--tls", &alfa.submission),
        ("LOGIN", "--tls", &alfa.submission),
        ("PLAIN", "--tls-on-connect", &alfa.submissions),
    ] {
        let id = format!("swaks-{auth}{tls}@comune-alfa.example");
        let (header, to) = (format!("Message-Id: <{id}>"), format!("To: {BRUNO}"));
        let mut args = vec!["--server", server, tls, "--tls-verify", "--tls-ca-path", &ca, "--auth", auth];
        args.extend(["--auth-user", ANNA, "--auth-password", password, "--from", ANNA, "--to", BRUNO]);
        args.extend(["--header", &header, "--header", &to, "--header", "Subject: con swaks", "--timeout", "20"]);
        let ran = run("swaks", &args, b"", 40).fine("swaks");
        assert!(ran.out.contains("<~  250 ") || ran.out.contains("<~* 250 "), "{}", ran.out);
        let found = demo.await_kinds(ANNA, &id, &["accettazione", "avvenuta-consegna"]);
        assert_eq!(found.len(), 2);
    }
}

/// msmtp takes the strongest mechanism it has, through GNU SASL: SCRAM-SHA-256.
#[test]
fn msmtp_logs_in_by_scram_and_by_plain() {
    let demo = Demo::start(&[]);
    let alfa = demo.info.alfa();
    let (ca, password) = (demo.info.ca_file.to_string_lossy(), &demo.info.mailbox(ANNA).1.password);
    let secret = format!("--passwordeval=printf %s '{password}'");
    for (auth, server, starttls) in [
        ("scram-sha-256", &alfa.submission, "on"),
        ("scram-sha-256", &alfa.submissions, "off"),
        ("plain", &alfa.submissions, "off"),
        ("login", &alfa.submission, "on"),
    ] {
        let id = format!("msmtp-{auth}-{starttls}@comune-alfa.example");
        let (host, port) = server.rsplit_once(':').expect("an address");
        let (host, port, trust) =
            (format!("--host={host}"), format!("--port={port}"), format!("--tls-trust-file={ca}"));
        let (auth, starttls) = (format!("--auth={auth}"), format!("--tls-starttls={starttls}"));
        let user = format!("--user={ANNA}");
        let args = ["--file=/dev/null", &host, &port, "--tls=on", &trust, &starttls, &auth, &user, &secret];
        let args = [&args[..], &["--debug", "--from", ANNA, BRUNO]].concat();
        let ran = run("msmtp", &args, letter(ANNA, BRUNO, &id).as_bytes(), 40).fine("msmtp");
        assert!(
            ran.all().contains(&format!("AUTH {}", auth.trim_start_matches("--auth=").to_uppercase())),
            "{}",
            ran.all()
        );
        assert_eq!(demo.await_kinds(ANNA, &id, &["accettazione", "avvenuta-consegna"]).len(), 2);
    }
    let wrong = secret.replace(password.as_str(), "sbagliata");
    let (host, port) = alfa.submissions.rsplit_once(':').expect("an address");
    let (host, port, trust) = (format!("--host={host}"), format!("--port={port}"), format!("--tls-trust-file={ca}"));
    let user = format!("--user={ANNA}");
    let args = ["--file=/dev/null", &host, &port, "--tls=on", &trust, "--tls-starttls=off", "--auth=scram-sha-256"];
    let args = [&args[..], &[&user, &wrong, "--from", ANNA, BRUNO]].concat();
    let ran = run("msmtp", &args, letter(ANNA, BRUNO, "wrong@comune-alfa.example").as_bytes(), 40);
    assert!(ran.all().contains("535"), "{}", ran.all());
}

/// Python's smtplib: PLAIN and LOGIN by name, through both doors; and a message for one recipient too many.
#[test]
fn python_logs_in_by_plain_and_login_and_hears_of_the_recipient_too_many() {
    let demo = Demo::start(&["--without", "beta"]);
    let script = r#"
def by(role, mechanism):
    provider, password = boxes[ask["user"]]
    host, port = at(provider, role)
    client = smtplib.SMTP_SSL(host, port, context=tls) if role == "submissions" else smtplib.SMTP(host, port)
    if role == "submission":
        client.starttls(context=tls)
    client.ehlo()
    client.user, client.password = ask["user"], password
    code = client.auth(mechanism, getattr(client, "auth_" + mechanism.lower()))[0]
    offered = sorted(client.esmtp_features)
    client.quit()
    return [code, offered]

def many():
    client = sender(ask["user"])
    client.mail(ask["user"])
    codes = [client.rcpt("r%d@posta.example" % n)[0] for n in range(1001)]
    client.rset()
    return [codes.count(250), codes[-1], client.noop()[0]]

answer({"ways": [by(r, m) for r in ("submission", "submissions") for m in ("PLAIN", "LOGIN")], "many": many()})
"#;
    let told = demo.python(script, &serde_json::json!({"user": ANNA}), 120);
    for way in told["ways"].as_array().expect("four") {
        assert_eq!(way[0], 235, "{told}");
        let offered = way[1].to_string();
        assert!(offered.contains("chunking") && offered.contains("limits"), "{offered}");
        assert!(
            !offered.contains("dsn") && !offered.contains("smtputf8") && !offered.contains("8bitmime"),
            "{offered}"
        );
    }
    assert_eq!(told["many"], serde_json::json!([1000, 452, 250]), "RCPTMAX=1000");
}
