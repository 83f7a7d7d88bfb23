//! `sigillo message inspect`: exit codes, JSON, and every file that cannot be read.

use std::fs::File;
use std::path::PathBuf;

use serde_json::{Value, json};
use sigillo_pec::index::{Entry, write_ldif};
use sigillo_smime::{Signer, attached, sha256, signed_attributes};
use sigillo_tests::demo::{Ran, binary, run, sigillo};
use sigillo_tests::fixtures::{self, FROM, Fixture, NOW, UNTIL};
use tempfile::TempDir;

/// A folder with authority, directory and messages.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(TempDir::new().expect("a folder"));
        let crl = fixtures::authority().crl(&[], FROM, UNTIL, 1).expect("a revocation list");
        let crl = data_encoding::BASE64.encode(&crl);
        let crl = format!("-----BEGIN X509 CRL-----\n{crl}\n-----END X509 CRL-----\n");
        desk.put("ca.pem", fixtures::ca_pem().as_bytes());
        desk.put("ca+crl.pem", format!("{}{crl}", fixtures::ca_pem()).as_bytes());
        let entries: Vec<Entry> = fixtures::providers().iter().map(Fixture::entry).collect();
        let ldif = write_ldif(&entries);
        desk.put("index.ldif", ldif.as_bytes());
        let publisher = fixtures::gamma();
        let attributes = signed_attributes(&sha256(ldif.as_bytes()), NOW, &publisher.identity.certificate);
        let signature = publisher.signer().sign(&attributes).expect("a signature");
        let p7m = attached(&publisher.identity, ldif.as_bytes(), &attributes, &signature).expect("a signed file");
        desk.put("index.ldif.p7m", &p7m);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("a file is written");
    }

    /// Runs `message inspect`; arguments with a dot are files of this folder.
    #[track_caller]
    fn inspect(&self, args: &[&str]) -> Ran {
        let file = |a: &&str| self.path(a).to_string_lossy().into_owned();
        let args = args.iter().map(|a| if a.contains('.') { file(a) } else { (*a).to_owned() });
        let args: Vec<String> = ["message", "inspect"].map(String::from).into_iter().chain(args).collect();
        sigillo(&args.iter().map(String::as_str).collect::<Vec<_>>(), 30)
    }
}

fn golden(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("goldens/{name}.eml"));
    std::fs::read(path).expect("the golden is there")
}

#[track_caller]
fn read(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}", ran.all()))
}

#[test]
fn a_genuine_message_is_exit_0_and_told_in_full() {
    let desk = Desk::new();
    desk.put("m.eml", &golden("accettazione"));
    let ran = desk.inspect(&["m.eml", "--ca", "ca+crl.pem", "--index", "index.ldif.p7m", "--json"]).fine("genuine");
    let mut said = read(&ran);
    let says = said["says"].take();
    let says = says.as_str().expect("a sentence");
    assert!(says.starts_with("Prova che il 12/03/2026") && says.contains("Non prova"), "{says}");
    assert!(!says.contains("CRL") && !says.contains("vale quanto"), "nothing is left to note: {says}");
    let expected = json!({
        "kind": "accettazione",
        "genuine": true,
        "checks": {"signature": "ok", "origin": "ok", "validity": "ok", "form": "ok"},
        "sender": "anna@comune-alfa.example",
        "recipients": [
            {"address": "bruno@ente-beta.example", "type": "certificato"},
            {"address": "ufficio@ente-beta.example", "type": "certificato"},
            {"address": "carla@posta.example", "type": "esterno"},
        ],
        "subject": "Convocazione del consiglio comunale",
        "time": "2026-03-12T10:15:01+01:00",
        "identificativo": "sg0000000000000g000000000000@pec.alfa.example",
        "msgid": "<c0ffee-12@pc-anna.comune-alfa.example>",
        "provider": "Alfa PEC S.p.A.",
        "error": "nessuno",
        "error_detail": null,
        "says": null,
        "notes": [],
    });
    assert_eq!(said, expected);
    let page = desk.inspect(&["m.eml", "--ca", "ca.pem", "--index", "index.ldif"]).fine("a page").out;
    for part in ["Ricevuta di accettazione: autentico", "✓", "Dati di certificazione", "carla@posta.example (posta ord"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.contains("manca una lista di revoca") && page.contains("vale quanto quel file"), "{page}");
    let english = desk.inspect(&["m.eml", "--ca", "ca.pem", "--index", "index.ldif", "--lang", "en"]).fine("English");
    assert!(
        english.out.contains("Acceptance receipt: genuine") && english.out.contains("It proves that"),
        "{}",
        english.out
    );
}

#[test]
fn what_is_not_genuine_is_exit_1_and_says_why() {
    let desk = Desk::new();
    let mut altered = golden("avvenuta-consegna-completa");
    let at = altered.windows(9).position(|w| w == b"Il giorno").expect("a text");
    altered[at] = b'i';
    desk.put("good.eml", &golden("avvenuta-consegna-completa"));
    desk.put("altered.eml", &altered);
    desk.put("ordinary.eml", b"From: a@b.example\r\nSubject: ciao\r\n\r\nciao\r\n");
    desk.put("empty.eml", b"");
    desk.put("bytes.eml", b"\xef\xbb\xbf\xff\0\xfe From: \r");
    let both = ["--ca", "ca.pem", "--index", "index.ldif", "--json"];
    for (args, checks, kind, says) in [
        (vec!["good.eml", "--json"], "ok unknown unknown ok", "avvenuta-consegna", "non si può dire se"),
        (vec!["good.eml", "--index", "index.ldif", "--json"], "ok ok unknown ok", "avvenuta-consegna", "autorità (CA)"),
        (vec!["good.eml", "--ca", "ca.pem", "--json"], "ok unknown ok ok", "avvenuta-consegna", "indice dei gestori"),
        ([&["altered.eml"], &both[..]].concat(), "fail ok ok ok", "avvenuta-consegna", "è stato alterato"),
        ([&["good.eml", "--at", "2050-01-01"], &both[..]].concat(), "ok ok fail ok", "avvenuta-consegna", "scaduto"),
        ([&["ordinary.eml"], &both[..]].concat(), "fail unknown unknown fail", "ordinary", "firma S/MIME assente"),
        ([&["empty.eml"], &both[..]].concat(), "fail unknown unknown fail", "ordinary", "Non è un messaggio"),
        ([&["bytes.eml"], &both[..]].concat(), "fail unknown unknown fail", "ordinary", "Non prova nulla"),
    ] {
        let ran = desk.inspect(&args);
        assert_eq!(ran.code, Some(1), "{args:?}: {}", ran.all());
        let said = read(&ran);
        let names = ["signature", "origin", "validity", "form"];
        let got: Vec<&str> = names.iter().filter_map(|n| said["checks"][n].as_str()).collect();
        assert_eq!((got.join(" ").as_str(), said["kind"].as_str()), (checks, Some(kind)), "{args:?}: {said:#}");
        assert_eq!(said["genuine"], false);
        assert!(said["says"].as_str().is_some_and(|s| s.contains(says)), "{args:?}: {said:#}");
    }
    let page = desk.inspect(&["altered.eml", "--ca", "ca.pem", "--index", "index.ldif"]).out;
    assert!(page.contains("NON AUTENTICO") && page.contains("✗") && page.contains("non certificati"), "{page}");
}

#[test]
fn a_message_is_read_from_standard_input() {
    let desk = Desk::new();
    let stored: Vec<u8> = golden("busta-trasporto").into_iter().filter(|b| *b != b'\r').collect();
    let (ca, index) = (desk.path("ca.pem"), desk.path("index.ldif"));
    let (ca, index) = (ca.to_string_lossy(), index.to_string_lossy());
    let args = ["message", "inspect", "-", "--ca", &ca, "--index", &index, "--json"];
    let said = read(&run(binary(), &args, &stored, 30).fine("standard input"));
    assert_eq!((&said["kind"], &said["genuine"]), (&json!("posta-certificata"), &json!(true)));
    assert!(said["says"].as_str().is_some_and(|s| s.contains("fine riga LF")), "{said:#}");
}

#[test]
fn a_file_that_cannot_be_read_is_exit_2_and_named() {
    let desk = Desk::new();
    desk.put("m.eml", &golden("accettazione"));
    std::fs::create_dir(desk.path("folder.eml")).expect("a folder");
    File::create(desk.path("large.eml")).and_then(|f| f.set_len(200 << 20)).expect("a large file");
    desk.put("garbage.pem", b"niente\n");
    let pem = fixtures::ca_pem();
    desk.put("broken.pem", format!("{pem}-----BEGIN X509 CRL-----\n????\n-----END X509 CRL-----\n").as_bytes());
    desk.put("garbage.ldif", b"una riga senza forma\n");
    desk.put("garbage.p7m", b"\x30\x80\x06");
    let stranger = sigillo_smime::authority::Authority::new("Altra", FROM, UNTIL).expect("an authority");
    desk.put("stranger.pem", stranger.certificate_pem().as_bytes());
    for (args, file, says) in [
        (vec!["missing.eml"], "missing.eml", "controllare il percorso"),
        (vec!["folder.eml"], "folder.eml", "è una cartella"),
        (vec!["large.eml"], "large.eml", "supera 128 MB"),
        (vec!["m.eml", "--ca", "missing.pem"], "missing.pem", "controllare il percorso"),
        (vec!["m.eml", "--ca", "garbage.pem"], "garbage.pem", "un file PEM"),
        (vec!["m.eml", "--ca", "broken.pem"], "broken.pem", "un file PEM"),
        (vec!["m.eml", "--index", "garbage.ldif"], "garbage.ldif", "riga 1"),
        (vec!["m.eml", "--index", "garbage.p7m"], "garbage.p7m", "indice dei gestori"),
        (vec!["m.eml", "--index", "index.ldif.p7m", "--ca", "stranger.pem"], "index.ldif.p7m", "non attendibile"),
    ] {
        let ran = desk.inspect(&args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.all());
        assert!(ran.err.contains(file) && ran.err.contains(says) && ran.out.is_empty(), "{args:?}: {}", ran.all());
    }
}

#[test]
fn wrong_arguments_are_exit_64_here_and_2_elsewhere() {
    for (args, code) in [
        (&["message"][..], 64),
        (&["message", "inspect"], 64),
        (&["message", "nonsense"], 64),
        (&["message", "inspect", "a.eml", "b.eml"], 64),
        (&["message", "inspect", "a.eml", "--nonsense"], 64),
        (&["message", "inspect", "a.eml", "--at", "ieri"], 64),
        (&["--lang", "en", "message", "inspect"], 64),
        (&["message", "inspect", "--help"], 0),
        (&["demo", "--nonsense"], 2),
        (&["nonsense", "message"], 2),
    ] {
        let ran = sigillo(args, 20);
        assert_eq!(ran.code, Some(code), "{args:?}: {}", ran.all());
        assert!(!ran.all().trim().is_empty(), "{args:?} says nothing");
    }
}
