//! The certificate of the doors from a real ACME server (Pebble): the first one, renewals, and what goes wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::Value;
use sigillo_smime::Certificate;
use sigillo_tests::demo::{Ran, binary, run, wait_for};
use sigillo_tests::pebble::Pebble;

use crate::serve::Sample;

const LIMIT: Duration = Duration::from_secs(180);
const HOST: &str = "mx.pec.esempio.example";
/// Where challenges are answered, and where Pebble is, from the first port of the test.
const HTTP: u16 = 8;
const PEBBLE: u16 = 10;

struct Scene {
    sample: Sample,
    pebble: Pebble,
}

impl Scene {
    /// A provider that asks Pebble, whose certificates live for `life`.
    fn new(life: Duration) -> Self {
        let sample = Sample::new();
        let base = sample.ports.base;
        let pebble = Pebble::start(&sample.path("pebble"), base + PEBBLE, base + HTTP, life);
        let acme = format!(
            "[tls.acme]\ndirectory = \"{}\"\nroots = \"{}\"\nagree = true\ncontact = \"ced@esempio.example\"\n\
             names = [\"imap.esempio.example\"]\nlisten = [\"127.0.0.1:{}\"]\n\n[signing]\n",
            pebble.directory(),
            pebble.roots(),
            base + HTTP
        );
        let text = sample.text().replacen("[signing]\n", &acme, 1);
        let own = ["certificate = \"prova/tls.pem\"\n", "key = \"prova/tls.key\"\n"];
        sample.write(&own.iter().fold(text, |text, line| text.replacen(line, "", 1)));
        Self { sample, pebble }
    }

    fn ask(&self, args: &[&str]) -> Ran {
        run(binary(), &[args, &["--socket", &self.sample.socket()]].concat(), b"", 150)
    }

    fn status(&self) -> Value {
        let ran = self.ask(&["status", "--json"]).fine("status");
        serde_json::from_str(&ran.out).expect("JSON")
    }

    /// What a door shows: IMAPS and, to a client of submission, the same. Nothing when another one came in between.
    fn shown(&self) -> Option<Certificate> {
        let one = |port: u16| {
            let at = format!("127.0.0.1:{}", self.sample.ports.base + port);
            let shown = run("openssl", &["s_client", "-connect", &at, "-servername", HOST], b"", 30);
            Certificate::from_pem(shown.out.as_bytes()).expect("a certificate").remove(0)
        };
        let (imaps, submissions) = (one(4), one(2));
        (imaps == submissions).then_some(imaps)
    }

    /// What every door shows.
    fn agreed(&self) -> Certificate {
        wait_for("the same certificate at every door", LIMIT, || self.shown())
    }

    /// Waits until the doors show a certificate of Pebble other than this one.
    fn await_other(&self, than: Option<&Certificate>) -> Certificate {
        wait_for("another certificate", LIMIT, || {
            let shown = self.shown()?;
            (shown.issuer().contains("Pebble") && Some(&shown) != than).then_some(shown)
        })
    }
}

#[test]
fn a_certificate_comes_at_the_first_start_and_renews_itself_while_the_doors_are_open() {
    let scene = Scene::new(Duration::from_secs(60));
    let file = scene.sample.path("sigillo.toml").to_string_lossy().into_owned();
    run(binary(), &["config", "check", &file], b"", 60).fine("before the first start");
    let folder = scene.sample.path("dati/acme");
    assert!(!folder.exists(), "who only looks makes nothing");
    let service = scene.sample.serve();
    let first = scene.await_other(None);
    assert!(!scene.sample.said().contains("ERROR"), "{}", scene.sample.said());
    for secret in ["tls.pem", "account.json"] {
        let mode = fs::metadata(folder.join(secret)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    let names = run("openssl", &["x509", "-noout", "-ext", "subjectAltName"], first.to_pem().as_bytes(), 10).out;
    assert!(names.contains(HOST) && names.contains("imap.esempio.example"), "{names}");

    // Who asks for anything else there gets nothing.
    let http = format!("http://127.0.0.1:{}", scene.sample.ports.base + HTTP);
    for path in ["/", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/x", "/metrics"] {
        let ran = run("curl", &["-s", "-o", "/dev/null", "-w", "%{http_code}", &(http.clone() + path)], b"", 30);
        assert_eq!(ran.out, "404", "{path}");
    }

    // Two thirds of its life are over.
    let second = scene.await_other(Some(&first));
    assert!(second.not_before() > first.not_before());
    assert_eq!(scene.status()["acme"]["failures"], 0);
    drop(service);

    // A restart shows what was there, and asks for nothing before its time.
    let kept = fs::read(folder.join("tls.pem")).expect("the pair");
    let service = scene.sample.serve();
    assert!(kept.starts_with(b"-----BEGIN PRIVATE KEY-----"));
    scene.await_other(None);
    drop(service);
}

#[test]
fn what_goes_wrong_harms_nothing_and_is_told_and_a_person_can_have_it_tried_again() {
    let mut scene = Scene::new(Duration::from_secs(24 * 3600 * 90));
    // The authority is down at the first start: something is shown all the same.
    scene.pebble.stop();
    let service = scene.sample.serve();
    let acme = wait_for("the first failure", LIMIT, || {
        let status = scene.status();
        (status["acme"]["failures"] == 1).then(|| status["acme"].clone())
    });
    let stopgap = scene.agreed();
    assert!(stopgap.issuer().contains("In attesa di ACME"), "{}", stopgap.issuer());
    assert!(acme["last_error"].as_str().is_some_and(|why| why.contains("connessione")), "{acme}");
    let text = scene.ask(&["status"]).fine("status").out;
    assert!(text.contains("NON RINNOVATO"), "{text}");
    let refused = scene.ask(&["cert", "renew"]);
    assert!(refused.code == Some(1) && refused.err.contains("/dir"), "{}", refused.all());
    assert_eq!(scene.status()["acme"]["failures"], 2);
    drop(service);

    // A restart asks nobody before the pause is over.
    let service = scene.sample.serve();
    assert_eq!(scene.status()["acme"]["failures"], 2);
    scene.pebble.again();
    scene.ask(&["cert", "renew"]).fine("renew");
    let first = scene.await_other(None);
    assert_eq!(scene.status()["acme"]["failures"], 0);

    // It has forgotten everything, our account too: another one is made.
    scene.pebble.stop();
    scene.pebble.again();
    scene.ask(&["cert", "renew"]).fine("renew with a new account");
    let second = scene.await_other(Some(&first));
    drop(service);

    // Its question does not reach us.
    let (base, text) = (scene.sample.ports.base, scene.sample.text());
    scene
        .sample
        .write(&text.replace(&format!("127.0.0.1:{}\"]", base + HTTP), &format!("127.0.0.1:{}\"]", base + HTTP + 1)));
    let service = scene.sample.serve();
    let refused = scene.ask(&["cert", "renew"]);
    assert!(refused.code == Some(1) && refused.err.contains("non è pronto"), "{}", refused.all());
    assert!(refused.err.contains(HOST) || refused.err.contains("refused"), "it says why: {}", refused.all());
    assert_eq!(scene.agreed(), second);
    drop(service);
}

#[test]
fn without_its_section_nothing_is_renewed_and_terms_have_to_be_agreed_to() {
    let sample = Sample::new();
    let service = sample.serve();
    let ran = run(binary(), &["cert", "renew", "--socket", &sample.socket()], b"", 30);
    assert!(ran.code == Some(1) && ran.err.contains("[tls.acme]"), "{}", ran.all());
    drop(service);
    let file = sample.path("sigillo.toml").to_string_lossy().into_owned();
    for (section, key) in [
        ("directory = \"https://ca.example/directory\"", "tls.acme.agree"),
        ("directory = \"http://ca.example/directory\"\nagree = true", "tls.acme.directory"),
        ("directory = \"https://ca.example/directory\"\nagree = true\nlisten = [\"80\"]", "tls.acme.listen"),
    ] {
        let text = sample.text();
        sample.write(&text.replacen("[signing]\n", &format!("[tls.acme]\n{section}\n[signing]\n"), 1));
        let ran = run(binary(), &["config", "check", &file], b"", 30);
        assert!(ran.code == Some(2) && ran.err.contains(key), "{key}: {}", ran.all());
        sample.write(&text);
    }
}
