//! Bad input: each gets a clear answer, and the service stays up.

use serde_json::{Value, json};
use sigillo_tests::demo::{Demo, Mail};

const ANNA: &str = "anna@comune-alfa.example";
const MARIO: &str = "mario@studio.example";

/// The service still certifies messages.
#[track_caller]
fn still_up(demo: &Demo, id: &str) {
    let id = format!("{id}@comune-alfa.example");
    demo.send(ANNA, MARIO, &id);
    let found = demo.await_kinds(ANNA, &id, &["accettazione", "avvenuta-consegna"]);
    assert_eq!(found.len(), 2);
}

#[test]
fn malformed_messages_are_refused_or_certified_but_never_lost() {
    let demo = Demo::start(&["--without", "beta"]);
    let head = |id: &str| format!("From: {ANNA}\r\nTo: {MARIO}\r\nSubject: prova {id}\r\nMessage-ID: <{id}>\r\n");
    let nested = |depth: usize| {
        let open: String =
            (0..depth).map(|i| format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n")).collect();
        format!("{open}Content-Type: text/plain\r\n\r\nfondo\r\n")
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", b"\r\n".to_vec()),
        ("no-header", b"nothing that looks like a header\r\n\r\ntext\r\n".to_vec()),
        ("no-colon", format!("{}questa riga non ha i due punti\r\n\r\ntesto\r\n", head("no-colon")).into_bytes()),
        ("nul", format!("{}X-Nul: a\0b\r\n\r\ntesto\0\r\n", head("nul")).into_bytes()),
        ("8bit-header", [head("8bit-header").as_bytes(), b"X-Raw: perch\xe9\r\n\r\ntesto\r\n"].concat()),
        (
            "open-boundary",
            format!(
                "{}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\naperto\r\n",
                head("open-boundary")
            )
            .into_bytes(),
        ),
        (
            "no-boundary",
            format!(
                "{}MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n\r\n--x\r\n\r\naperto\r\n--x--\r\n",
                head("no-boundary")
            )
            .into_bytes(),
        ),
        (
            "bad-base64",
            format!("{}MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%%\r\n", head("bad-base64"))
                .into_bytes(),
        ),
        ("deep", format!("{}MIME-Version: 1.0\r\n{}", head("deep"), nested(300)).into_bytes()),
        ("long-line", format!("{}X-Long: {}\r\n\r\ntesto\r\n", head("long-line"), "x".repeat(20_000)).into_bytes()),
        ("two-ids", format!("{}Message-ID: <other@x.example>\r\n\r\ntesto\r\n", head("two-ids")).into_bytes()),
        ("bad-type", format!("{}Content-Type: ;;;=\"\r\n\r\ntesto\r\n", head("bad-type")).into_bytes()),
    ];
    let mails: Vec<Mail> = cases.iter().map(|(_, bytes)| Mail::raw(ANNA, &[MARIO], bytes)).collect();
    let answers = demo.submit(&mails);
    for (answer, (name, _)) in answers.iter().zip(&cases) {
        let clear = answer.step == "data" && (answer.code == 250 || (500..600).contains(&answer.code));
        assert!(clear && answer.text.len() > 10, "{name}: {answer:?}");
    }
    still_up(&demo, "after-malformed");
    let (anna, mario) = (demo.inbox(ANNA), demo.inbox(MARIO));
    let count = |kind: &str| anna.iter().filter(|p| p.kind == kind).count();
    let taken = answers.iter().filter(|a| a.code == 250).count() + 1;
    assert_eq!(count("accettazione") + count("non-accettazione"), taken, "each 250 has one notice");
    assert_eq!(mario.len(), count("accettazione"), "each acceptance has one envelope");
    for refused in ["no-header", "no-colon", "nul"] {
        let (i, _) = cases.iter().enumerate().find(|(_, c)| c.0 == refused).expect("a case");
        assert!(!answers[i].text.starts_with("2.0.0 Accettato,"), "{refused} was accepted: {:?}", answers[i]);
    }
}

const BIG: &str = r#"
line = b"Una riga lunga quanto basta a riempire sessanta megabyte di testo semplice.\r\n"
head = ("From: %s\r\nTo: %s\r\nSubject: grande\r\nMessage-ID: <big@x>\r\n\r\n" % (ask["from"], ask["to"])).encode()
big = head + line * (ask["mib"] * 2**20 // len(line))
out = []
for announce in [True, False]:
    client = sender(ask["from"])
    out.append(transaction(client, ask["from"], [ask["to"]], big, announce))
    try:
        # The same connection serves on, unless the server closed it with its answer.
        out[-1]["noop"] = client.noop()[0]
        client.quit()
    except smtplib.SMTPServerDisconnected:
        out[-1]["noop"] = 0
answer(out)
"#;

#[test]
fn a_message_of_60_mb_is_refused_with_552() {
    let demo = Demo::start(&["--without", "beta"]);
    let said = demo.python(BIG, &json!({"from": ANNA, "to": MARIO, "mib": 60}), 100);
    assert_eq!((&said[0]["step"], &said[0]["code"]), (&json!("mail"), &json!(552)), "announced by SIZE: {said:#}");
    assert_eq!((&said[1]["step"], &said[1]["code"]), (&json!("data"), &json!(552)), "not announced: {said:#}");
    assert!(demo.inbox(ANNA).is_empty(), "over the hard limit there is no notice");
    still_up(&demo, "after-big");
}

#[test]
fn a_message_over_the_profile_but_under_the_hard_limit_gets_a_notice() {
    let demo = Demo::start(&["--without", "beta"]);
    let said = demo.python(BIG, &json!({"from": ANNA, "to": MARIO, "mib": 52}), 100);
    assert!(said.as_array().is_some_and(|a| a.iter().all(|x| x["code"] == 250)), "{said:#}");
    let found = demo.await_kinds(ANNA, "big@x", &["non-accettazione"]);
    assert_eq!(found.len(), 2, "one for each");
    assert!(demo.inbox(MARIO).is_empty());
}

const EARLY: &str = r#"
provider, password = boxes[ask["who"]]
plain = base64.b64encode(("\0%s\0%s" % (ask["who"], password)).encode()).decode()
def talk(role, lines, secure=False):
    raw = socket.create_connection(at(provider, role), timeout=30)
    if secure:
        raw = tls.wrap_socket(raw, server_hostname="localhost")
    file = raw.makefile("rb")
    out = [file.readline().decode().rstrip()]
    for line in lines:
        raw.sendall(line.encode() + b"\r\n")
        while True:
            got = file.readline().decode().rstrip()
            tagged = not got.startswith("* ") if role.startswith("imap") else got[3:4] != "-"
            if tagged or not got:
                out.append(got)
                break
    raw.close()
    return out
wrong = base64.b64encode(("\0%s\0%s" % (ask["who"], "sbagliata")).encode()).decode()
nobody = base64.b64encode("\0nessuno@comune-alfa.example\0sbagliata".encode()).decode()
answer({
    "auth": talk("submission", ["EHLO x", "AUTH PLAIN " + plain]),
    "mail": talk("submission", ["EHLO x", "MAIL FROM:<%s>" % ask["who"]]),
    "unauthenticated": talk("submissions", ["EHLO x", "MAIL FROM:<%s>" % ask["who"]], True),
    "login": talk("imap", ['a LOGIN "%s" "%s"' % (ask["who"], password), "b CAPABILITY"]),
    "authenticate": talk("imap", ["a AUTHENTICATE PLAIN " + plain]),
    "select": talk("imaps", ["a SELECT INBOX"], True),
    "wrong": talk("submissions", ["EHLO x", "AUTH PLAIN " + wrong], True),
    "nobody": talk("submissions", ["EHLO x", "AUTH PLAIN " + nobody], True),
    "wrong_imap": talk("imaps", ['a LOGIN "%s" "sbagliata"' % ask["who"]], True),
    "reception_auth": talk("smtp", ["EHLO x", "AUTH PLAIN " + plain]),
    "garbage": talk("submission", ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "EHLO x"]),
    "relay": talk("smtp", ["EHLO x", "MAIL FROM:<a@elsewhere.example>", "RCPT TO:<b@elsewhere.example>"]),
})
"#;

#[test]
fn nothing_is_believed_before_tls_and_the_right_password() {
    let demo = Demo::start(&["--without", "beta"]);
    let said = demo.python(EARLY, &json!({"who": ANNA}), 60);
    let last = |name: &str| said[name].as_array().and_then(|a| a.last()).and_then(Value::as_str).unwrap_or_default();
    let starts = |name: &str, codes: &[&str]| {
        assert!(codes.iter().any(|c| last(name).starts_with(c)), "{name}: {codes:?} expected in {said:#}");
    };
    starts("auth", &["530", "538"]);
    starts("mail", &["530"]);
    starts("unauthenticated", &["530"]);
    starts("authenticate", &["a NO", "a BAD"]);
    starts("select", &["a NO", "a BAD"]);
    starts("wrong", &["535"]);
    starts("nobody", &["535"]);
    assert_eq!(last("wrong"), last("nobody"), "the answer must not tell who exists");
    starts("wrong_imap", &["a NO"]);
    starts("reception_auth", &["5"]);
    starts("relay", &["55", "53"]);
    starts("garbage", &["250"]);
    let login = said["login"].as_array().expect("a list");
    assert!(login[1].as_str().is_some_and(|l| l.starts_with("a NO") || l.starts_with("a BAD")), "{said:#}");
    let log = std::fs::read_to_string(demo.place.data().join("sigillo.log")).expect("a log");
    assert!(
        log.contains("login failed") && !log.contains("sbagliata"),
        "a failed login is logged, without the password"
    );
    still_up(&demo, "after-early");
}

/// The same vectors as on the session alone, through the socket of the built program.
#[test]
fn no_published_smuggling_vector_ends_a_message_or_passes_in_a_chunk() {
    let demo = Demo::start(&["--without", "beta"]);
    let vectors = include_str!("../../fixtures/smuggling.txt");
    let vectors: Vec<&str> = vectors.lines().filter(|l| !l.starts_with('#')).collect();
    let script = r#"
def hear(sock):
    said = b""
    while True:
        piece = sock.recv(65536)
        said += piece
        if not piece:
            return said
def attempt(vector, chunk):
    provider = boxes[ask["to"]][0]
    end = vector.encode().decode("unicode_escape").encode("latin-1")
    message = b"From: a@x.example\r\n\r\nhello" + end
    evil = b"MAIL FROM:<evil@x.example>\r\nRCPT TO:<%s>\r\nDATA\r\nsmuggled\r\n.\r\n" % ask["to"].encode()
    body = b"BDAT %d LAST\r\n" % len(message + evil) + message + evil if chunk else b"DATA\r\n" + message + evil
    with socket.create_connection(at(provider, "smtp"), timeout=30) as sock:
        sock.sendall(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<%s>\r\n" % ask["to"].encode() + body + b"QUIT\r\n")
        codes = [l[:3] for l in hear(sock).decode().split("\r\n") if l[3:4] == " "]
    return codes
def overlong():
    with socket.create_connection(at(boxes[ask["to"]][0], "smtp"), timeout=30) as sock:
        sock.sendall(b"EHLO x\r\n" + b"N" * 200000 + b"\r\nQUIT\r\n")
        return [l[:3] for l in hear(sock).decode().split("\r\n") if l[3:4] == " "]
answer({"vectors": [[attempt(v, c) for c in (False, True)] for v in ask["vectors"]], "overlong": overlong()})
"#;
    let told = demo.python(script, &json!({"to": MARIO, "vectors": vectors}), 120);
    let Value::Array(answers) = &told["vectors"] else { panic!("{told}") };
    for (vector, codes) in vectors.iter().zip(answers) {
        // Greeting, EHLO, MAIL, RCPT; DATA its 354; the refusal; QUIT where it is still heard.
        let texts: Vec<String> = codes.as_array().expect("two").iter().map(Value::to_string).collect();
        let data = texts[0] == r#"["220","250","250","250","354","554"]"#
            || texts[0] == r#"["220","250","250","250","354","554","221"]"#;
        assert!(data, "{vector}: {}", texts[0]);
        assert_eq!(texts[1], r#"["220","250","250","250","554","221"]"#, "{vector}");
    }
    assert_eq!(told["overlong"], json!(["220", "250", "500", "221"]));
    assert!(demo.inbox(MARIO).is_empty());
    still_up(&demo, "after-smuggling");
}
