//! The signing certificate changes while mail flows: both are in the index before, and nobody refuses what either signed
//! (RFC 6109 §4.5). What the old one signed can be shown to be genuine when it has long left the index.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use sigillo_base::{Address, Domain};
use sigillo_pec::index::Entry;
use sigillo_server::clock::system_time;
use sigillo_server::trial::{self, DAY, EVIDENCE_LIFE};
use sigillo_smime::Certificate;
use sigillo_smime::authority::{Authority, Issued};
use sigillo_tests::demo::{Demo, Mail, Ran, binary, run, wait_for};

use crate::serve::Sample;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const LIMIT: Duration = Duration::from_secs(60);

fn authority(folder: &Path) -> Authority {
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("a file of the authority");
    Authority::load(&read("ca.pem"), &read("ca.key")).expect("the trial authority")
}

fn certificates(file: &Path) -> Vec<Certificate> {
    Certificate::from_pem(&fs::read(file).expect("a file")).expect("certificates")
}

/// The next pair, in files.
fn next(authority: &Authority, name: &str, address: &str, folder: &Path) -> Issued {
    let (now, address) = (system_time(), Address::parse(address).expect("an address"));
    let issued = authority.issue_pec(name, &address, now.minus(DAY), now.plus(EVIDENCE_LIFE)).expect("a certificate");
    fs::write(folder.join("next.pem"), &issued.certificate_pem).expect("the certificate");
    fs::write(folder.join("next.key"), &issued.key_pem).expect("the key");
    issued
}

fn cert(socket: &str, args: &[&str]) -> Ran {
    run(binary(), &[&["cert"], args, &["--socket", socket]].concat(), b"", 60)
}

/// The certificate of a purpose, as `cert list` tells it.
fn listed(socket: &str, purpose: &str) -> Option<Value> {
    let all: Value = serde_json::from_str(&cert(socket, &["list", "--json"]).out).expect("JSON");
    let all = all["certificates"].as_array().expect("certificates").clone();
    all.into_iter().find(|one| one["purpose"] == purpose)
}

fn sha1(socket: &str, purpose: &str) -> String {
    listed(socket, purpose).map(|one| one["sha1"].as_str().expect("SHA-1").to_owned()).unwrap_or_default()
}

/// Two providers, and the certificates that Alfa signs with.
struct World {
    demo: Demo,
    old: Certificate,
    next: Issued,
}

impl World {
    fn new() -> Self {
        let demo = Demo::start(&[]);
        let (data, alfa) = (demo.place.data(), demo.info.alfa());
        let old = certificates(&data.join("alfa/signing.pem")).remove(0);
        let next = next(&authority(&data.join("ca")), &alfa.name, &alfa.service_address, &data.join("alfa"));
        Self { demo, old, next }
    }

    fn socket(&self) -> String {
        self.demo.info.alfa().admin_socket.to_string_lossy().into_owned()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.demo.place.data().join(name)
    }

    /// Replaces a text of Alfa's configuration, and lets everybody read again.
    #[track_caller]
    fn configure(&self, from: &str, to: &str) {
        let file = self.at("alfa/sigillo.toml");
        let text = fs::read_to_string(&file).expect("the configuration");
        assert!(text.contains(from), "{from} is not in {text}");
        fs::write(&file, text.replacen(from, to, 1)).expect("it is written");
        self.reload();
    }

    /// Lets both read again, until they have said what came of it.
    fn reload(&self) {
        let said = || {
            let log = fs::read_to_string(self.at("sigillo.log")).expect("the log");
            log.matches("reloaded domains").count() + log.matches("nothing was reloaded").count()
        };
        let before = said();
        self.demo.child.signal("HUP");
        wait_for("both have read", LIMIT, || (said() >= before + 2).then_some(()));
    }

    /// Publishes an index in which Alfa has these certificates, until Alfa has taken it.
    fn publish(&self, ours: &[Certificate]) {
        let house = |i: usize, certificates: Vec<Certificate>| {
            let provider = &self.demo.info.providers[i];
            let service = Address::parse(&provider.service_address).expect("an address");
            let mut domains: Vec<Domain> =
                provider.domains.iter().map(|name| Domain::parse(name).expect("a domain")).collect();
            if !domains.contains(service.domain()) {
                domains.push(service.domain().clone());
            }
            Entry {
                name: provider.name.clone(),
                unit: None,
                certificates,
                mail_receipt: service,
                domains,
                description: None,
                ldif_url: None,
            }
        };
        let entries = [house(0, ours.to_vec()), house(1, certificates(&self.at("beta/signing.pem")))];
        let index = self.at("igpec.ldif.p7m");
        trial::index(&authority(&self.at("ca")), &index, &entries, system_time()).expect("an index");
        self.reload();
        let wanted: BTreeSet<String> = ours.iter().map(Certificate::sha1_hex).collect();
        for provider in &self.demo.info.providers {
            let socket = provider.admin_socket.to_string_lossy().into_owned();
            wait_for("the index", LIMIT, || {
                let ran = run(binary(), &["index", "show", "--json", "--socket", &socket], b"", 30);
                let shown: Value = serde_json::from_str(&ran.out).ok()?;
                let alfa = shown["entries"].as_array()?.iter().find(|e| e["name"] == self.demo.info.alfa().name)?;
                let has = alfa["certificates"].as_array()?.iter().filter_map(|c| c["sha1"].as_str());
                (has.map(str::to_owned).collect::<BTreeSet<_>>() == wanted).then_some(())
            });
        }
    }

    /// Who signed a message, by openssl, which verifies it.
    #[track_caller]
    fn signer(&self, message: &[u8]) -> Certificate {
        let (ca, out, content) = (self.at("ca/ca.pem"), self.demo.place.path("signer.pem"), self.demo.place.path("c"));
        let [ca, out_, content] = [&ca, &out, &content].map(|path| path.to_string_lossy().into_owned());
        let args = ["cms", "-verify", "-inform", "SMIME", "-CAfile", &ca, "-signer", &out_, "-out", &content];
        run("openssl", &args, message, 30).fine("openssl cms -verify");
        certificates(&out).remove(0)
    }

    /// Everything that came to somebody about a message, as certified mail.
    #[track_caller]
    fn whole(&self, from: &str, to: &str, id: &str) {
        let got = self.demo.await_kinds(to, id, &["posta-certificata"]);
        assert_eq!(got.len(), 1, "{id}: {got:?}");
        let receipts = self.demo.await_kinds(from, id, &["accettazione", "avvenuta-consegna"]);
        assert_eq!(receipts.len(), 2, "{id}: {receipts:?}");
    }
}

#[test]
fn mail_flows_through_a_roll_over_and_old_receipts_stay_genuine() {
    let world = World::new();
    let (demo, socket) = (&world.demo, world.socket());
    let (old, new) = (world.old.sha1_hex(), world.next.certificate().sha1_hex());
    assert_eq!(sha1(&socket, "signing"), old);

    refused_while_nobody_else_knows_it(&world);
    world.publish(&[world.old.clone(), world.next.certificate()]);
    let before = fs::read(world.at("igpec.ldif.p7m")).expect("the index");
    assert_eq!(listed(&socket, "next").expect("it is there")["listed"], true);
    demo.send(ANNA, BRUNO, "first@comune-alfa.example");
    world.whole(ANNA, BRUNO, "first@comune-alfa.example");

    // What waits was signed by the old one, and will arrive afterwards.
    let order = |verb: &str| {
        let args = ["queue", verb, "--to", "ente-beta.example", "--socket", &socket];
        run(binary(), &args, b"", 30)
    };
    let route = demo.info.providers[1].smtp.clone();
    world.configure(&format!("address = \"{route}\""), "address = \"127.0.0.1:1\"");
    demo.send(ANNA, BRUNO, "waiting@comune-alfa.example");
    wait_for("it is held", LIMIT, || (order("hold").code == Some(0)).then_some(()));
    world.configure("address = \"127.0.0.1:1\"", &format!("address = \"{route}\""));

    let sent = while_mail_flows(demo, || {
        cert(&socket, &["roll", "--dry-run"]).fine("it can be done");
        assert_eq!(sha1(&socket, "signing"), old, "nothing is done without --yes");
        let ran = cert(&socket, &["roll", "--yes"]).fine("roll");
        assert!(ran.out.contains("da adesso firma il nuovo"), "{}", ran.all());
    });
    assert_eq!((sha1(&socket, "signing"), sha1(&socket, "left")), (new.clone(), old.clone()));
    order("release").fine("release");
    world.whole(ANNA, BRUNO, "waiting@comune-alfa.example");
    for (from, to, id) in &sent {
        world.whole(from, to, id);
    }
    // Nothing but that: no anomaly, no refusal, and both have signed.
    let boxes = [ANNA, BRUNO].map(|address| demo.inbox(address));
    let odd = boxes
        .iter()
        .flatten()
        .find(|m| !["posta-certificata", "accettazione", "avvenuta-consegna"].contains(&&*m.kind));
    assert!(odd.is_none(), "{odd:?}");
    let envelopes = boxes[1].iter().filter(|m| m.kind == "posta-certificata");
    let signers: BTreeSet<String> = envelopes.map(|m| world.signer(&m.raw()).sha1_hex()).collect();
    assert_eq!(signers, BTreeSet::from([old.clone(), new.clone()]));

    // Once more: there is nothing to roll to.
    let ran = cert(&socket, &["roll", "--yes"]);
    assert!(ran.code == Some(1) && ran.err.contains("firma già"), "{}", ran.all());

    old_receipts_stay_genuine(&world, &before);
}

/// The next certificate signs by no way before the index has it.
fn refused_while_nobody_else_knows_it(world: &World) {
    let (demo, socket) = (&world.demo, world.socket());
    let (old, new) = (world.old.sha1_hex(), world.next.certificate().sha1_hex());
    // Nothing to roll to; then something that nobody else knows.
    let ran = cert(&socket, &["roll", "--dry-run"]);
    assert!(ran.code == Some(1) && ran.out.contains("signing.next_key"), "{}", ran.all());
    let pair = "[signing]\nnext_certificate = \"next.pem\"\nnext_key = \"next.key\"\n";
    world.configure("[signing]\n", pair);
    assert_eq!(sha1(&socket, "next"), new);
    assert_eq!(listed(&socket, "next").expect("it is there")["listed"], false);
    for args in [&["roll", "--dry-run"][..], &["roll"], &["roll", "--yes"]] {
        let ran = cert(&socket, args);
        assert_eq!(ran.code, Some(1), "{args:?}: {}", ran.all());
        let said = ran.all();
        assert!(
            said.contains(&new) && said.contains("non ha il certificato") && said.contains("index publish"),
            "{said}"
        );
    }
    // Nor does the configuration lead around it.
    let saved = fs::read_to_string(world.at("alfa/sigillo.toml")).expect("the configuration");
    world.configure("/alfa/signing.pem", "/alfa/next.pem");
    world.configure("/alfa/signing.key", "/alfa/next.key");
    assert!(demo.place.said().contains("ha quello con cui si firma adesso"), "{}", demo.place.said());
    fs::write(world.at("alfa/sigillo.toml"), saved).expect("the configuration");
    assert_eq!(sha1(&socket, "signing"), old);
}

/// Does something while mail goes in both directions, before and after it; gives sender, recipient and id of each message.
fn while_mail_flows(demo: &Demo, act: impl Fn()) -> Vec<(&'static str, &'static str, String)> {
    let (over, acted) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let flow = scope.spawn(|| {
            let (mut sent, mut after) = (Vec::new(), 0);
            while after < 3 && !over.load(Ordering::SeqCst) {
                let n = sent.len();
                let pair = [(ANNA, BRUNO, format!("a{n}@x.example")), (BRUNO, ANNA, format!("b{n}@x.example"))];
                let mails = pair.each_ref().map(|(from, to, id)| Mail::plain(from, to, id));
                let answers = demo.submit(&mails);
                assert!(answers.iter().all(|answer| answer.code == 250), "{answers:?}");
                sent.extend(pair);
                after += usize::from(acted.load(Ordering::SeqCst));
            }
            sent
        });
        // Whatever happens here, the flow ends.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for("mail on its way", LIMIT, || {
                let came = demo.inbox(BRUNO).iter().filter(|m| m.reference.contains("@x.example")).count();
                (came > 1).then_some(())
            });
            act();
            acted.store(true, Ordering::SeqCst);
        }));
        over.store(done.is_err(), Ordering::SeqCst);
        let sent = flow.join().expect("mail flows");
        done.expect("it is done");
        sent
    })
}

/// The old certificate leaves the index.
fn old_receipts_stay_genuine(world: &World, before: &[u8]) {
    let demo = &world.demo;
    let receipt = demo.await_kinds(ANNA, "first@comune-alfa.example", &["accettazione"]);
    let receipt = receipt.iter().find(|m| m.kind == "accettazione").expect("a receipt").raw();
    world.publish(&[world.next.certificate()]);
    demo.send(ANNA, BRUNO, "last@comune-alfa.example");
    world.whole(ANNA, BRUNO, "last@comune-alfa.example");
    assert_eq!(world.signer(&receipt), world.old);
    let (file, then) = (demo.place.path("receipt.eml"), demo.place.path("then.p7m"));
    fs::write(&file, &receipt).expect("the receipt");
    fs::write(&then, before).expect("the index of its day");
    let ca = world.at("ca/ca.pem").to_string_lossy().into_owned();
    let inspect = |index: &Path| {
        let (file, index) = (file.to_string_lossy().into_owned(), index.to_string_lossy().into_owned());
        let args = ["message", "inspect", &file, "--ca", &ca, "--index", &index, "--json"];
        let ran = run(binary(), &args, b"", 30);
        serde_json::from_str::<Value>(&ran.out).unwrap_or_else(|e| panic!("{e}: {}", ran.all()))
    };
    let said = inspect(&then);
    assert!(said["genuine"] == true && said["checks"]["origin"] == "ok", "{said:#}");
}

#[test]
fn an_order_outlives_a_restart_and_nothing_brings_the_old_certificate_back_unsaid() {
    let sample = Sample::new();
    let (socket, folder) = (sample.socket(), sample.path("prova"));
    let (old, issuer) = (certificates(&folder.join("firma.pem")).remove(0), authority(&folder));
    let (name, service) = ("Esempio PEC S.p.A.", "posta-certificata@pec.esempio.example");
    let new = next(&issuer, name, service, &folder).certificate();
    let domains = ["comune-esempio.example", "ente-esempio.example", "pec.esempio.example"];
    let entry = Entry {
        name: name.into(),
        unit: None,
        certificates: vec![old.clone(), new.clone()],
        mail_receipt: Address::parse(service).expect("an address"),
        domains: domains.iter().map(|name| Domain::parse(name).expect("a domain")).collect(),
        description: None,
        ldif_url: None,
    };
    trial::index(&issuer, &folder.join("igpec.ldif.p7m"), &[entry], system_time()).expect("an index");
    let plain = sample.text();
    let pair = "[signing]\nnext_certificate = \"prova/next.pem\"\nnext_key = \"prova/next.key\"\n";
    sample.write(&plain.replacen("[signing]\n", pair, 1));
    let mut service = sample.serve();
    cert(&socket, &["list"]).fine("all is well");
    cert(&socket, &["roll", "--yes"]).fine("roll");
    service.signal("TERM");
    assert_eq!(service.end(Duration::from_secs(45)), Some(0));

    let service = sample.serve();
    assert_eq!((sha1(&socket, "signing"), sha1(&socket, "left")), (new.sha1_hex(), old.sha1_hex()));
    // Without the next pair the configuration would mean the old one again.
    sample.write(&plain);
    service.signal("HUP");
    wait_for("the refusal", LIMIT, || sample.said().contains("è il certificato lasciato").then_some(()));
    assert_eq!(sha1(&socket, "signing"), new.sha1_hex());
    let file = sample.path("sigillo.toml").to_string_lossy().into_owned();
    let ran = run(binary(), &["config", "check", &file], b"", 30);
    assert!(
        ran.code == Some(2) && ran.err.contains("signing.certificate") && ran.err.contains("signing.json"),
        "{}",
        ran.all()
    );
    // As the order says: the new one is the certificate of the configuration.
    sample.write(&plain.replace("prova/firma.pem", "prova/next.pem").replace("prova/firma.key", "prova/next.key"));
    run(binary(), &["config", "check", &file], b"", 30).fine("config check");
    service.signal("HUP");
    wait_for("one certificate alone", LIMIT, || listed(&socket, "left").is_none().then_some(()));
    assert_eq!(listed(&socket, "signing").expect("one signs")["at"], "signing.certificate");
    drop(service);
}

#[test]
fn a_key_is_asked_for_once_and_what_comes_back_is_judged() {
    let sample = Sample::new();
    let folder = sample.path("prova");
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let file = sample.path("sigillo.toml").to_string_lossy().into_owned();
    let pair = "[signing]\nnext_certificate = \"prova/next.pem\"\nnext_key = \"prova/next.key\"\n";
    sample.write(&sample.text().replacen("[signing]\n", pair, 1));
    let sigillo = |args: &[&str]| run(binary(), &[&["cert"], args, &["--config", &file]].concat(), b"", 60);
    sigillo(&["request", "--out", &path("next.csr")]).fine("cert request");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path("next.key")).expect("a key").permissions());
    assert_eq!(mode & 0o777, 0o600);
    let shown =
        run("openssl", &["req", "-in", &path("next.csr"), "-noout", "-verify", "-text"], b"", 30).fine("openssl");
    assert!(
        shown.out.contains("posta-certificata@pec.esempio.example") && shown.out.contains("2048 bit"),
        "{}",
        shown.out
    );
    let key = fs::read(path("next.key")).expect("a key");
    let again = sigillo(&["request", "--out", &path("other.csr")]);
    assert!(again.code == Some(2) && again.err.contains("next.key"), "{}", again.all());
    assert_eq!(fs::read(path("next.key")).expect("a key"), key, "a key is never replaced");
    assert!(!folder.join("other.csr").exists());

    let (issuer, now) = (authority(&folder), system_time());
    let pem = String::from_utf8(key).expect("PEM");
    let issue = |name: &str, address: &str| {
        let address = Address::parse(address).expect("an address");
        let issued = issuer.issue_pec_with_key(&pem, name, &address, now.minus(DAY), now.plus(DAY * 300));
        fs::write(path("back.pem"), issued.expect("a certificate").certificate_pem).expect("a file");
        sigillo(&["check", &path("back.pem")])
    };
    let good = issue("Esempio PEC S.p.A.", "posta-certificata@pec.esempio.example").fine("a good one");
    assert!(good.out.starts_with("next: ") && good.out.contains("va bene"), "{}", good.out);
    for (name, address, why) in [
        ("Altro S.p.A.", "posta-certificata@pec.esempio.example", "altro nome"),
        ("Esempio PEC S.p.A.", "posta-certificata@altrove.example", "non è per"),
    ] {
        let bad = issue(name, address);
        assert!(bad.code == Some(1) && bad.err.contains(why), "{}", bad.all());
    }
    let stranger = sigillo(&["check", &path("ca.pem")]);
    assert!(stranger.code == Some(1) && stranger.err.contains("nessuna delle chiavi"), "{}", stranger.all());
}
