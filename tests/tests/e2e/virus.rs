//! The virus path of the built program, with a real clamd: what the sender's provider lets through and the recipient's
//! finds, what is found at the access point, ordinary mail, and a clamd that goes away.

use std::path::Path;

use serde_json::{Value, json};
use sigillo_tests::clamd::{Clamd, MALWARE, eicar};
use sigillo_tests::demo::{Demo, Mail, Place, Provider, sigillo, wait_for};

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";

fn infected(id: &str) -> Vec<u8> {
    let eicar = data_encoding::BASE64.encode(eicar().as_bytes());
    format!(
        "From: <{ANNA}>\r\nTo: <{BRUNO}>\r\nSubject: fattura\r\nMessage-ID: <{id}>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nIn allegato.\r\n--b\r\n\
         Content-Type: application/octet-stream; name=fattura.exe\r\nContent-Transfer-Encoding: base64\r\n\r\n\
         {eicar}\r\n--b--\r\n"
    )
    .into_bytes()
}

/// An administrative verb, answered in JSON.
fn ask(provider: &Provider, verb: &[&str]) -> Value {
    let socket = provider.admin_socket.to_string_lossy();
    let ran = sigillo(&[verb, &["--json", "--socket", &socket]].concat(), 30).fine("an administrative verb");
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{verb:?}: {e}: {}", ran.all()))
}

/// Hands a message to the port of reception, as a server outside would; the answer to its end.
fn from_outside(demo: &Demo, provider: usize, message: &[u8]) -> (u64, String) {
    let script = "s = smtplib.SMTP(*at(demo['providers'][ask['provider']], 'smtp'), timeout=60); s.ehlo()\n\
        s.mail('dora@posta.example'); c = s.rcpt(ask['to'])\n\
        code, text = s.data(base64.b64decode(ask['message'])) if c[0] == 250 else c\n\
        s.quit(); answer([code, text.decode()])\n";
    let message = data_encoding::BASE64.encode(message);
    let said = demo.python(script, &json!({"provider": provider, "to": BRUNO, "message": message}), 90);
    (said[0].as_u64().unwrap_or_default(), said[1].as_str().unwrap_or_default().to_owned())
}

#[test]
fn what_only_the_recipients_antivirus_finds_is_told_to_the_sender_and_kept_for_the_authorities() {
    let clamd = Clamd::start();
    // Alfa scans nothing yet, and Beta is dark: the message is accepted and waits.
    let first = Place::new(&["--no-exchange", "--without", "beta"]);
    let data = first.data();
    let place = std::sync::Arc::new(first);
    let demo = place.again();
    let answers = demo.submit(&[Mail::raw(ANNA, &[BRUNO], &infected("presto@comune-alfa.example"))]);
    assert_eq!(answers[0].code, 250, "{answers:?}");
    drop(demo);
    let socket = clamd.socket();
    let demo = Place::new(&["--no-exchange", "--clamd", &socket.to_string_lossy()]).at(data).start();
    let letters = demo.await_kinds(ANNA, "presto@comune-alfa.example", &["accettazione", "errore-consegna"]);
    let told = letters.iter().find(|p| p.kind == "errore-consegna").expect("told");
    assert_eq!(told.datum("errore-esteso"), Some(MALWARE));
    assert!(told.subject.starts_with("AVVISO DI MANCATA CONSEGNA PER VIRUS: "), "{}", told.subject);
    assert!(demo.inbox(BRUNO).is_empty());
    let (alfa, beta) = (&demo.info.providers[0], &demo.info.providers[1]);
    let service = demo.inbox(&alfa.service_mailbox.address);
    assert_eq!(service.iter().map(|p| p.kind.as_str()).collect::<Vec<_>>(), ["rilevazione-virus"]);

    let kept = ask(beta, &["quarantine", "list"]);
    let [one] = kept["messages"].as_array().expect("a list").as_slice() else { panic!("{kept}") };
    assert_eq!((one["point"].as_str(), one["malware"].as_str()), (Some("envelope"), Some(MALWARE)));
    assert!(one["engine"].as_str().is_some_and(|e| e.starts_with("ClamAV")), "{one}");
    let (name, out) = (one["id"].as_str().expect("a name"), demo.place.path("infetto.eml"));
    let socket = beta.admin_socket.to_string_lossy();
    let export = ["quarantine", "export", name, "--out", &out.to_string_lossy(), "--socket", &socket];
    sigillo(&export, 30).fine("quarantine export");
    let bytes = std::fs::read(&out).expect("the exported message");
    assert_eq!(bytes.len() as u64, one["size"].as_u64().expect("a size"));
    assert!(String::from_utf8_lossy(&bytes).contains("posta-certificata"), "the envelope as it came");
    assert_ne!(sigillo(&export, 30).code, Some(0), "a file that is there is not written over");

    let shown = ask(alfa, &["dispatch", "show", told.datum("identificativo").expect("an identifier")]);
    assert_eq!(shown["recipients"][0]["state"], "infected", "{shown}");
    let page = sigillo(
        &[
            "dispatch",
            "show",
            told.datum("identificativo").expect("one"),
            "--socket",
            &alfa.admin_socket.to_string_lossy(),
        ],
        30,
    );
    assert!(page.fine("dispatch show").out.contains("contenuto pericoloso"));
}

#[test]
fn every_way_in_is_scanned_and_nothing_is_taken_while_clamd_is_down() {
    let mut clamd = Clamd::start();
    let socket = clamd.socket();
    let demo = Demo::start(&["--clamd", &socket.to_string_lossy()]);
    let (alfa, beta) = (&demo.info.providers[0], &demo.info.providers[1]);
    let answers = demo.submit(&[Mail::raw(ANNA, &[BRUNO], &infected("subito@comune-alfa.example"))]);
    assert_eq!(answers[0].code, 250, "taken, and answered by a notice: {answers:?}");
    let [notice] = &demo.await_kinds(ANNA, "subito@comune-alfa.example", &["non-accettazione"])[..] else {
        panic!("one notice")
    };
    assert!(String::from_utf8_lossy(&notice.raw()).contains("X-VerificaSicurezza: errore"));
    assert_eq!(notice.datum("errore-esteso"), Some(MALWARE));
    assert_eq!(ask(alfa, &["quarantine", "list"])["messages"][0]["point"], "access");

    let clean = format!("From: <dora@posta.example>\r\nTo: <{BRUNO}>\r\nSubject: saluti\r\n\r\nBuongiorno.\r\n");
    let (code, text) = from_outside(&demo, 1, clean.as_bytes());
    assert_eq!(code, 554, "ordinary mail is refused unless the mailbox wants it: {text}");
    let set = ask(beta, &["mailbox", "set", BRUNO, "--ordinary-mail", "accept"]);
    assert_eq!(set["ordinary_mail"], "accept");
    assert_eq!(from_outside(&demo, 1, clean.as_bytes()).0, 250);
    let envelope = wait_for("the anomaly envelope", std::time::Duration::from_secs(60), || demo.inbox(BRUNO).pop());
    assert_eq!((envelope.kind.as_str(), envelope.subject.as_str()), ("errore", "ANOMALIA MESSAGGIO: saluti"));
    let dirty = String::from_utf8(infected("x@posta.example")).expect("ASCII").replace(ANNA, "dora@posta.example");
    let (code, text) = from_outside(&demo, 1, dirty.as_bytes());
    assert!(code == 554 && text.contains(MALWARE), "{code} {text}");
    assert_eq!(demo.inbox(BRUNO).len(), 1);

    let refused = ["mailbox", "log", BRUNO, "--socket", &beta.admin_socket.to_string_lossy()];
    assert_eq!(sigillo(&refused, 30).code, Some(1), "the log is not for holders unless the domain allows it");
    ask(beta, &["domain", "set", "ente-beta.example", "--holder-reads-log", "true"]);
    assert!(ask(beta, &["mailbox", "log", BRUNO])["events"].is_array());

    clamd.stop();
    let plain = |id: &str| [Mail::plain(ANNA, BRUNO, id)];
    let answers = demo.submit(&plain("giu@comune-alfa.example"));
    assert_eq!((answers[0].code, answers[0].text.contains("4.7.1")), (451, true), "{answers:?}");
    let (code, _) = from_outside(&demo, 1, clean.replace("saluti", "ancora").as_bytes());
    assert_eq!(code, 451);
    clamd.restart();
    demo.send(ANNA, BRUNO, "su@comune-alfa.example");
    demo.await_kinds(ANNA, "su@comune-alfa.example", &["accettazione", "avvenuta-consegna"]);
    assert!(Path::new(&socket).exists());
}
