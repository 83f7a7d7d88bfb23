//! A folder that grows run by run, and what is refused on the way.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sigillo_base::{Domain, Said};
use sigillo_smime::Certificate;
use sigillo_smime::authority::{Authority, Issued};
use tempfile::TempDir;

use super::*;
use crate::clock::system_time;
use crate::gate::Gate;
use crate::material::Material;
use crate::trial::{self, DAY};

const NAME: &str = "Gestore Èsempio S.p.A.";

struct Scene {
    folder: TempDir,
    authority: Authority,
}

impl Scene {
    fn new() -> Self {
        let now = system_time();
        let authority = Authority::new("CA di prova", now.minus(DAY), now.plus(DAY * 400)).unwrap();
        Self { folder: TempDir::new().unwrap(), authority }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn facts(&self) -> Facts {
        Facts {
            provider: Some(NAME.into()),
            domains: vec![Domain::parse("pec.example").unwrap(), Domain::parse("ente.example").unwrap()],
            store: self.path("dati"),
            socket: self.path("dati/admin.sock"),
            ..Facts::default()
        }
    }

    fn run(&self, facts: Facts, given: Given) -> Result<Done, Said> {
        let asked = Asked { folder: self.path("g"), facts, given, ..Asked::default() };
        super::run(&asked, Lang::En, system_time())
    }

    fn go_on(&self, given: Given) -> Result<Done, Said> {
        self.run(Facts::default(), given)
    }

    /// A certificate for the key that was made, in a file.
    fn issued(&self, name: &str, address: &str) -> PathBuf {
        let key = fs::read_to_string(self.path("g/keys/firma.key")).unwrap();
        let (now, address) = (system_time(), address.parse().unwrap());
        let issued = self.authority.issue_pec_with_key(&key, name, &address, now.minus(DAY), now.plus(DAY * 300));
        self.write("firma.pem", issued.unwrap().certificate_pem.as_bytes())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    fn trust(&self) -> Given {
        let now = system_time();
        let crl = self.authority.crl(&[], now.minus(DAY), now.plus(DAY * 9), 1).unwrap();
        Given {
            anchors: Some(self.write("ca.pem", self.authority.certificate_pem().as_bytes())),
            crl: Some(self.write("ca.crl", &crl)),
            ..Given::default()
        }
    }
}

fn certificate(path: PathBuf) -> Given {
    Given { certificates: vec![path], ..Given::default() }
}

#[test]
fn a_folder_grows_to_a_provider_and_nothing_in_it_is_ever_replaced() {
    let scene = Scene::new();
    let done = scene.run(scene.facts(), Given::default()).unwrap();
    assert!(done.placed.iter().all(|placed| placed.fate == Fate::Made), "{:?}", done.placed);
    let mode = |name: &str| fs::metadata(scene.path(name)).unwrap().permissions().mode() & 0o777;
    for (name, wanted) in [("g", 0o700), ("g/keys", 0o700), ("g/keys/firma.key", 0o600), ("g/sigillo.toml", 0o600)] {
        assert_eq!(mode(name), wanted, "{name}");
    }
    let draft = fs::read_to_string(scene.path("g/publish/igpec-draft.ldif")).unwrap();
    assert!(draft.contains("mailReceipt: posta-certificata@pec.example"), "{draft}");
    assert!(done.zone.contains("sigillo._domainkey.pec.example. IN TXT ( \"v=DKIM1;"), "{}", done.zone);
    let read = |name: &str| fs::read(scene.path(name)).unwrap();
    let kept = ["g/keys/firma.key", "g/keys/tls.key", "g/keys/dkim.key", "g/requests/tls.csr", "g/sigillo.toml"];
    let before: Vec<_> = kept.map(read).into();

    // A second run has nothing to do; a file that somebody changed stays and is named.
    let again = scene.go_on(Given::default()).unwrap();
    let (last, rest) = again.placed.split_last().unwrap();
    assert!(last.path.ends_with("NEXT-STEPS.txt"));
    assert!(rest.iter().all(|placed| placed.fate == Fate::Kept), "{rest:?}");
    scene.write("g/publish/dns.zone", b"mine");
    let again = scene.go_on(Given::default()).unwrap();
    let differs: Vec<_> = again.placed.iter().filter(|placed| placed.fate == Fate::Differs).collect();
    assert!(matches!(differs[..], [placed] if placed.path.ends_with("publish/dns.zone")), "{differs:?}");
    assert_eq!(read("g/publish/dns.zone"), b"mine");

    // What has come, piece by piece.
    scene.go_on(scene.trust()).unwrap();
    let signing = scene.issued(NAME, "posta-certificata@pec.example");
    scene.go_on(certificate(signing.clone())).unwrap();
    let tls_key = fs::read_to_string(scene.path("g/keys/tls.key")).unwrap();
    let tls = tls_certificate(&scene, &tls_key, "mx.pec.example");
    scene.go_on(certificate(tls)).unwrap();
    let entries = [Entry {
        name: NAME.into(),
        unit: None,
        certificates: vec![Certificate::from_pem(&fs::read(&signing).unwrap()).unwrap().remove(0)],
        mail_receipt: "posta-certificata@pec.example".parse().unwrap(),
        domains: vec![Domain::parse("pec.example").unwrap()],
        description: None,
        ldif_url: None,
    }];
    trial::index(&scene.authority, &scene.path("index.p7m"), &entries, system_time()).unwrap();
    let done = scene.go_on(Given { index: Some(scene.path("index.p7m")), ..Given::default() }).unwrap();
    assert_eq!(done.next.len(), 7, "{:?}", done.next);
    let ldif = fs::read_to_string(scene.path("g/publish/igpec.ldif")).unwrap();
    assert!(ldif.contains(&format!("providerCertificateHash: {}", entries[0].certificates[0].sha1_hex())), "{ldif}");
    assert_eq!(before, Vec::from(kept.map(read)), "nothing was replaced");

    let file = scene.path("g/sigillo.toml");
    let text = fs::read_to_string(&file).unwrap();
    let roots = scene.path("ca.pem").display().to_string();
    let config = Config::parse(&file, &text.replace("/etc/ssl/certs/ca-certificates.crt", &roots)).unwrap();
    if let Err(problems) = Material::load(&config, &Gate::for_cores(), system_time()) {
        panic!("{problems}");
    }
}

/// A certificate for a key that is there, by openssl.
fn tls_certificate(scene: &Scene, key_pem: &str, host: &str) -> PathBuf {
    let key = scene.write("tls.key", key_pem.as_bytes());
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-new",
            "-days",
            "90",
            "-subj",
            "/CN=x",
            "-addext",
            &format!("subjectAltName=DNS:{host}"),
        ])
        .arg("-key")
        .arg(key)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    scene.write("tls.pem", &made.stdout)
}

#[test]
fn what_does_not_fit_is_refused_and_says_why() {
    let scene = Scene::new();
    scene.run(scene.facts(), Given::default()).unwrap();
    let refused = |given: Given, says: &str| {
        let error = scene.go_on(given).unwrap_err();
        assert!(error.en.contains(says), "{says} is not in {error:?}");
    };
    let good = "posta-certificata@pec.example";
    refused(certificate(scene.issued("Altro", good)), "another name");
    refused(certificate(scene.issued(NAME, "altro@pec.example")), "not for posta-certificata@pec.example");
    let now = system_time();
    let foreign: Issued =
        scene.authority.issue_pec(NAME, &good.parse().unwrap(), now.minus(DAY), now.plus(DAY)).unwrap();
    refused(certificate(scene.write("x.pem", foreign.certificate_pem.as_bytes())), "none of the keys");
    refused(certificate(scene.write("x.pem", b"niente")), "x.pem");
    refused(certificate(scene.path("manca.pem")), "manca.pem");
    refused(
        Given { anchors: Some(scene.write("x.pem", foreign.certificate_pem.as_bytes())), ..Given::default() },
        "authority",
    );
    refused(Given { crl: Some(scene.write("x.crl", b"niente")), ..Given::default() }, "x.crl");
    let tls_key = fs::read_to_string(scene.path("g/keys/tls.key")).unwrap();
    refused(certificate(tls_certificate(&scene, &tls_key, "altro.example")), "not for mx.pec.example");
    assert!(!scene.path("g/certs").exists(), "nothing of it was taken");

    // Another authority than the one that is believed.
    scene.go_on(scene.trust()).unwrap();
    let other = Scene::new();
    let key = fs::read_to_string(scene.path("g/keys/firma.key")).unwrap();
    let by_other =
        other.authority.issue_pec_with_key(&key, NAME, &good.parse().unwrap(), now.minus(DAY), now.plus(DAY));
    refused(certificate(scene.write("x.pem", by_other.unwrap().certificate_pem.as_bytes())), "x.pem");
    scene.go_on(certificate(scene.issued(NAME, good))).unwrap();
    let second = scene.authority.issue_pec_with_key(&key, NAME, &good.parse().unwrap(), now, now.plus(DAY)).unwrap();
    refused(certificate(scene.write("y.pem", second.certificate_pem.as_bytes())), "is another");

    let elsewhere = Facts { provider: Some("Altro".into()), ..Facts::default() };
    assert!(scene.run(elsewhere, Given::default()).unwrap_err().en.contains("provider.name"));
    fs::remove_file(scene.path("g/keys/firma.key")).unwrap();
    refused(Given::default(), "without its key");
}

#[test]
fn a_dry_run_tells_everything_and_leaves_nothing() {
    let scene = Scene::new();
    let asked = Asked { folder: scene.path("g"), facts: scene.facts(), dry: true, ..Asked::default() };
    let done = super::run(&asked, Lang::It, system_time()).unwrap();
    assert!(done.placed.iter().all(|placed| placed.fate == Fate::Would), "{:?}", done.placed);
    assert!(done.placed.len() > 10 && done.zone.contains("pec.example. IN MX 10 mx.pec.example."));
    assert!(!scene.path("g").exists() && !scene.path("dati").exists());
    assert!(scene.go_on(Given::default()).unwrap_err().it.contains("--provider"));
}
