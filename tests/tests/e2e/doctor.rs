//! `sigillo init` and `sigillo doctor`: from an empty folder to a provider in service, with certificates by openssl, names by
//! knot, scans by clamd; then what breaks is shown red and, once it is mended, green.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use serde_json::Value;
use sigillo_base::Domain;
use sigillo_pec::index::Entry;
use sigillo_server::clock::system_time;
use sigillo_server::trial::{self, DAY};
use sigillo_smime::Certificate;
use sigillo_smime::authority::Authority;
use sigillo_store_rocks::backup::{self, Order};
use sigillo_store_rocks::{Options, RocksStore};
use sigillo_tests::clamd::Clamd;
use sigillo_tests::demo::{Guard, Ports, Ran, binary, run, sigillo, wait_for};
use sigillo_tests::knot::{Knot, Zone};
use tempfile::TempDir;

use crate::clock::time_server;

const NAME: &str = "Gestore Èsempio S.p.A.";
const SERVICE: &str = "posta-certificata@pec.gestore.example";
const CA: &str = "
[ca]
default_ca = own
[own]
database = DIR/database
crlnumber = DIR/crlnumber
certificate = DIR/ca.pem
private_key = DIR/ca.key
default_md = sha256
crl_extensions = list
[list]
authorityKeyIdentifier = keyid
[leaf]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
";

/// A provider's folder, and an authority of openssl beside it.
pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    pub(crate) ports: Ports,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { folder: TempDir::new().expect("a folder"), ports: Ports::take() };
        scene.write("ca.cnf", &CA.replace("DIR", &scene.folder.path().to_string_lossy()));
        scene.write("database", "");
        scene.write("crlnumber", "01\n");
        let usage = "keyUsage=critical,keyCertSign,cRLSign";
        scene.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "800",
            "-subj",
            "/C=IT/O=CA di prova/CN=CA di prova",
            "-addext",
            usage,
            "-keyout",
            &scene.at("ca.key"),
            "-out",
            &scene.at("ca.pem"),
        ]);
        scene.openssl(&[
            "ca",
            "-gencrl",
            "-config",
            &scene.at("ca.cnf"),
            "-crldays",
            "30",
            "-out",
            &scene.at("ca.crl"),
        ]);
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn at(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file is written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file")
    }

    #[track_caller]
    fn openssl(&self, args: &[&str]) -> String {
        let ran = run("openssl", args, b"", 60).fine("openssl");
        ran.out + &ran.err
    }

    /// Issues what a request asks for.
    fn issue(&self, request: &str, out: &str) {
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &self.at(request),
            "-CA",
            &self.at("ca.pem"),
            "-CAkey",
            &self.at("ca.key"),
            "-days",
            "400",
            "-copy_extensions",
            "copyall",
            "-extfile",
            &self.at("ca.cnf"),
            "-extensions",
            "leaf",
            "-out",
            &self.at(out),
        ]);
    }

    fn authority(&self) -> Authority {
        Authority::load(&self.read("ca.pem"), &self.read("ca.key")).expect("an authority")
    }

    fn init(&self, more: &[&str]) -> Ran {
        sigillo(&[&["init", &self.at("g")], more].concat(), 60)
    }

    /// Replaces a text of the configuration, which must be there.
    #[track_caller]
    fn configure(&self, from: &str, to: &str) {
        let text = self.read("g/sigillo.toml");
        assert!(text.contains(from), "{from} is not in {text}");
        self.write("g/sigillo.toml", &text.replace(from, to));
    }

    pub(crate) fn serve(&self) -> Guard {
        let file = |name: &str| fs::File::create(self.path(name)).expect("a file");
        let mut command = Command::new(binary());
        command.args(["serve", "--config", &self.at("g/sigillo.toml")]).stdin(Stdio::null());
        let mut guard = Guard(command.stdout(file("out")).stderr(file("err")).spawn().expect("the program starts"));
        wait_for("the service", Duration::from_secs(60), || {
            let ended = guard.0.try_wait().expect("a child of ours");
            assert!(ended.is_none(), "it ended with {ended:?}: {}{}", self.read("out"), self.read("err"));
            self.read("out").contains("in servizio").then_some(())
        });
        guard
    }

    /// What the doctor finds, and with which code it ends.
    #[track_caller]
    fn doctor(&self) -> Seen {
        let ran = sigillo(&["doctor", "--json", "--config", &self.at("g/sigillo.toml")], 120);
        let found: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}", ran.all()));
        Seen { found, code: ran.code }
    }
}

struct Seen {
    found: Value,
    code: Option<i32>,
}

impl Seen {
    /// The findings of a check that are not fine: `state: text`.
    fn ill(&self, check: &str) -> Vec<String> {
        let all = self.found["findings"].as_array().expect("findings");
        let mine: Vec<&Value> = all.iter().filter(|finding| finding["check"] == check).collect();
        assert!(!mine.is_empty(), "{check} was not looked at: {:#}", self.found);
        let ill = mine.iter().filter(|finding| finding["state"] != "fine");
        ill.inspect(|finding| assert!(finding["remedy"].is_string() || finding["state"] == "skipped", "{finding}"))
            .map(|finding| format!("{}: {}", finding["state"].as_str().expect("a text"), finding["found"]))
            .collect()
    }

    /// The check says so, as an error, and the doctor ends with 2.
    #[track_caller]
    fn red(&self, check: &str, says: &str) {
        let ill = self.ill(check);
        assert!(
            ill.iter().any(|text| text.starts_with("error") && text.contains(says)),
            "{check}, {says}: {:#}",
            self.found
        );
        assert_eq!(self.code, Some(2));
    }

    /// Everything is fine, but the room of the disk that this test runs on.
    #[track_caller]
    fn green(&self) {
        let all = self.found["findings"].as_array().expect("findings");
        let ill: Vec<_> = all.iter().filter(|f| f["state"] != "fine" && f["check"] != "disk").collect();
        assert!(ill.is_empty(), "{ill:#?}");
        assert_ne!(self.code, Some(2));
    }
}

/// From nothing to a folder with everything that others issue.
pub(crate) fn prepared() -> Scene {
    let scene = Scene::new();
    let (data, socket) = (scene.at("dati"), scene.at("dati/admin.sock"));
    let facts = ["--provider", NAME, "--domain", "pec.gestore.example", "--domain", "comune.example"];
    let first = [&facts[..], &["--data", &data, "--socket", &socket, "--address", "127.0.0.1"]].concat();
    let dry = scene.init(&[&first[..], &["--dry-run"]].concat()).fine("a dry run").out;
    assert!(dry.contains("_imaps._tcp.comune.example. IN SRV 0 1 993 mx.pec.gestore.example."), "{dry}");
    assert!(!scene.path("g").exists(), "a dry run leaves nothing");
    scene.init(&first).fine("init");
    let missing = sigillo(&["config", "check", &scene.at("g/sigillo.toml")], 30);
    assert!(missing.err.contains("signing.certificate") && !missing.err.contains("signing.key"), "{}", missing.all());

    let shown = scene.openssl(&[
        "req",
        "-verify",
        "-noout",
        "-text",
        "-nameopt",
        "utf8",
        "-in",
        &scene.at("g/requests/firma.csr"),
    ]);
    for part in [
        "verify OK",
        "CN=Posta Certificata",
        "O=Gestore Èsempio S.p.A.",
        "email:posta-certificata@pec.gestore.example",
        "X509v3 Key Usage: critical",
        "Digital Signature",
        "E-mail Protection",
        "2048 bit",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert!(!shown.contains("Basic Constraints"), "{shown}");
    scene.issue("g/requests/firma.csr", "firma.pem");
    scene.issue("g/requests/tls.csr", "tls.pem");
    let signing = Certificate::from_pem(scene.read("firma.pem").as_bytes()).expect("a certificate").remove(0);
    let domain = |name: &str| Domain::parse(name).expect("a domain");
    let entry = Entry {
        name: NAME.into(),
        unit: None,
        certificates: vec![signing],
        mail_receipt: SERVICE.parse().expect("an address"),
        domains: vec![domain("pec.gestore.example"), domain("comune.example")],
        description: None,
        ldif_url: None,
    };
    trial::index(&scene.authority(), &scene.path("index.p7m"), &[entry], system_time()).expect("an index");
    scene.init(&["--ca", &scene.at("ca.pem"), "--crl", &scene.at("ca.crl")]).fine("the authority");
    let stranger = scene.init(&["--certificate", &scene.at("ca.pem")]);
    assert!(stranger.code == Some(2) && stranger.err.contains("nessuna delle chiavi"), "{}", stranger.all());
    let come = [
        "--certificate",
        &scene.at("firma.pem"),
        "--certificate",
        &scene.at("tls.pem"),
        "--index",
        &scene.at("index.p7m"),
    ];
    let done = scene.init(&come).fine("what was issued").out;
    assert!(!done.contains("nota:"), "the chain is checked: {done}");
    scene
}

/// The sockets, servers and folders of this test in place of a service's.
pub(crate) fn adapted(scene: &Scene, knot: &Knot, clamd: &Clamd) {
    let port = |i: u16| format!("[\"127.0.0.1:{}\"]", scene.ports.base + i);
    for (i, well_known) in (0..).zip(["25", "587", "465", "993", "995"]) {
        scene.configure(&format!("[\"0.0.0.0:{well_known}\", \"[::]:{well_known}\"]"), &port(i));
    }
    let time = time_server(&Arc::new(AtomicI64::new(0)));
    scene.configure("[\"ntp1.inrim.it\", \"ntp2.inrim.it\"]", &format!("[\"{time}\"]"));
    scene.configure("/etc/ssl/certs/ca-certificates.crt", &scene.at("ca.pem"));
    scene.configure("/run/clamav/clamd.ctl", &clamd.socket().to_string_lossy());
    scene.configure("/var/backups/sigillo", &scene.at("copie"));
    // A temporary folder may be on a file system that forgets.
    scene.configure("[store]", "[store]\nallow_volatile = true");
    scene.configure("[dkim]", &format!("[dns]\nservers = [\"{}\"]\n[dkim]", knot.address()));
    let stamp = format!("[timestamp]\nurl = \"http://127.0.0.1:9/\"\nanchors = [\"{}\"]\n[clock]", scene.at("ca.pem"));
    scene.configure("[clock]", &stamp);
}

/// A name server with these records below `example`.
pub(crate) fn names(records: &str) -> Knot {
    Knot::start(&[Zone { name: "example", records: Some(records), signed: false }])
}

fn backup(scene: &Scene) {
    let socket = scene.at("dati/admin.sock");
    sigillo(&["store", "backup", &scene.at("copie"), "--socket", &socket], 60).fine("store backup");
}

#[test]
fn from_nothing_to_service_and_what_breaks_is_red_until_it_is_mended() {
    let scene = prepared();
    let mut clamd = Clamd::start();
    // All that init says, but a policy for which nobody serves the file.
    let zone = scene.read("g/publish/dns.zone");
    let good: String = zone.lines().filter(|line| !line.contains("mta-sts")).map(|line| format!("{line}\n")).collect();
    let knot = names(&good);
    adapted(&scene, &knot, &clamd);
    let file = scene.at("g/sigillo.toml");
    sigillo(&["config", "check", &file], 30).fine("config check accepts what init made");

    let stopped = scene.doctor();
    stopped.red("service", "socket");
    stopped.red("ports", "non risponde");
    stopped.red("backup", "");
    let mut service = scene.serve();
    scene.doctor().red("backup", "");
    fs::create_dir(scene.path("copie")).expect("a folder");
    scene.doctor().red("backup", "nessuna copia");
    backup(&scene);
    scene.doctor().green();
    let told = sigillo(&["--lang", "en", "doctor", "--config", &file], 120);
    assert!(told.out.contains("knows EICAR") && !told.out.contains("ERROR"), "{}", told.all());

    clamd.stop();
    scene.doctor().red("antivirus", "clamd");
    clamd.restart();

    let older = RocksStore::open(scene.path("altro"), &Options::default()).expect("a store");
    let order =
        Order { dir: &scene.path("vecchie"), time: "2026-01-01T00:00:00.000+01:00", keep: None, reserve_bytes: 0 };
    backup::make(&older, &order, &mut |_, _| std::ops::ControlFlow::Continue(())).expect("a backup");
    scene.configure(&scene.at("copie"), &scene.at("vecchie"));
    scene.doctor().red("backup", "ore");
    scene.configure(&scene.at("vecchie"), &scene.at("copie"));

    let key = scene.path("g/keys/firma.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("it is opened");
    scene.doctor().red("keys", "644");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("it is shut");

    // The certificate of yesterday, by the same authority for the same key.
    let good = scene.read("g/certs/firma.pem");
    let (now, address) = (system_time(), SERVICE.parse().expect("an address"));
    let (from, until) = (now.minus(DAY * 9), now.minus(DAY));
    let old = scene.authority().issue_pec_with_key(&scene.read("g/keys/firma.key"), NAME, &address, from, until);
    scene.write("g/certs/firma.pem", &old.expect("a certificate").certificate_pem);
    let seen = scene.doctor();
    seen.red("signing-certificate", "scaduto");
    seen.red("index", "nessuno crede");
    scene.write("g/certs/firma.pem", &good);
    scene.doctor().green();

    service.signal("TERM");
    assert_eq!(service.end(Duration::from_secs(45)), Some(0), "{}", scene.read("err"));
}

#[test]
fn wrong_names_are_red_one_by_one_and_green_once_they_are_as_init_said() {
    let scene = prepared();
    let clamd = Clamd::start();
    let zone = scene.read("g/publish/dns.zone");
    let good: String = zone.lines().filter(|line| !line.contains("mta-sts")).map(|line| format!("{line}\n")).collect();
    let right = names(&good);
    adapted(&scene, &right, &clamd);
    assert_eq!(scene.doctor().ill("dns"), Vec::<String>::new());
    let mx = "comune.example. IN MX 10 mx.pec.gestore.example.";
    let key = "\"v=DKIM1; k=rsa; p=";
    let cases = [
        (mx, "comune.example. IN MX 10 altrove.example.", "MX non porta"),
        (mx, "", "MX non porta"),
        (
            "comune.example. IN TXT ( \"v=spf1 mx -all\" )",
            "comune.example. IN TXT \"v=spf1 ip4:192.0.2.1 -all\"",
            "SPF non ammette 127.0.0.1",
        ),
        ("comune.example. IN TXT ( \"v=spf1 mx -all\" )", "", "0 record SPF"),
        ("mx.pec.gestore.example. IN A 127.0.0.1", "", "non ha indirizzi"),
        (key, "\"v=DKIM1; k=rsa; p=AAAA", "un'altra"),
        (mx, &format!("{mx}\n_mta-sts.comune.example. IN TXT \"v=STSv1; id=1\""), "non si ottiene"),
    ];
    for (from, to, says) in cases {
        assert!(good.contains(from), "{from}");
        let wrong = names(&good.replacen(from, to, 1));
        scene.configure(&right.address().to_string(), &wrong.address().to_string());
        scene.doctor().red("dns", says);
        scene.configure(&wrong.address().to_string(), &right.address().to_string());
    }
    let lax = good.replace(
        "_dmarc.comune.example. IN TXT ( \"v=DMARC1; p=reject\" )",
        "_dmarc.comune.example. IN TXT \"v=DMARC1; p=none\"",
    );
    let lax = names(&lax.replace("_smtp._tls.comune.example. IN TXT", "_smtp._tls.altro.example. IN TXT"));
    scene.configure(&right.address().to_string(), &lax.address().to_string());
    let ill = scene.doctor().ill("dns");
    assert!(ill.len() == 2 && ill.iter().all(|text| text.starts_with("warning")), "{ill:?}");
    scene.configure(&lax.address().to_string(), &right.address().to_string());
    assert_eq!(scene.doctor().ill("dns"), Vec::<String>::new());
}
