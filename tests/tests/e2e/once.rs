//! `sigillo demo --once`: the exchange with all its evidence, checked without us.

use std::collections::HashSet;
use std::path::PathBuf;

use serde::Deserialize;
use sigillo_tests::demo::{Ports, Ran, run, sigillo};
use tempfile::TempDir;

use crate::judges;

#[derive(Debug, Deserialize)]
struct Entry {
    file: PathBuf,
    kind: String,
    signer: String,
    time: String,
    identificativo: String,
}

fn once(data: &str, ports: &Ports, more: &[&str]) -> Ran {
    once_within(90, data, ports, more)
}

fn once_within(limit: u64, data: &str, ports: &Ports, more: &[&str]) -> Ran {
    let base = ports.base.to_string();
    sigillo(&[&["demo", "--once", "--data", data, "--base-port", &base], more].concat(), limit)
}

fn entries(folder: &TempDir) -> Vec<Entry> {
    let json = std::fs::read(folder.path().join("data/evidence.json")).expect("evidence.json");
    serde_json::from_slice(&json).expect("evidence.json")
}

/// daticert.xml of a message, taken out by Python.
fn daticert(file: &str) -> String {
    let script = "import email, sys\n\
        parts = email.message_from_binary_file(open(sys.argv[1], 'rb')).walk()\n\
        print([p for p in parts if p.get_filename() == 'daticert.xml'][0].get_payload(decode=True).decode())";
    run("python3", &["-c", script, file], b"", 20).fine("python").out
}

#[test]
fn evidence_is_complete_and_verifies_without_us() {
    let (folder, ports) = (TempDir::new().expect("a folder"), Ports::take());
    let data = folder.path().join("data").to_string_lossy().into_owned();
    let ran = once(&data, &ports, &[]).fine("demo --once");
    assert!(ran.out.lines().next().is_some_and(|l| l.contains(&data)), "the first line names the folder: {}", ran.out);

    let list = entries(&folder);
    let kinds: Vec<&str> = list.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!(kinds, ["accettazione", "busta-trasporto", "presa-in-carico", "avvenuta-consegna"]);
    let signers: Vec<&str> = list.iter().map(|e| e.signer.as_str()).collect();
    assert_eq!(signers, ["Alfa PEC S.p.A.", "Alfa PEC S.p.A.", "Beta PEC S.r.l.", "Beta PEC S.r.l."]);
    let services = ["alfa", "alfa", "beta", "beta"].map(|p| format!("posta-certificata@pec.{p}.example"));
    let ca = folder.path().join("data/ca/ca.pem");
    for ((i, entry), service) in list.iter().enumerate().zip(services) {
        let name = format!("{:02}-{}.eml", i + 1, entry.kind);
        assert!(entry.file.ends_with(format!("evidence/{name}")), "{}", entry.file.display());
        assert_eq!(entry.identificativo, list[0].identificativo, "one certified message");
        let file = folder.path().join("data/evidence").join(&name);
        let xml = daticert(&file.to_string_lossy());
        assert!(xml.contains(&entry.identificativo), "{name}: {xml}");
        let judged = judges::judge(&std::fs::read(&file).expect("the file"), Some(&xml), &ca);
        assert!(judged.subject.contains(&entry.signer), "{name} is signed by {}", judged.subject);
        assert_eq!(judged.email, service, "{name}");
        // The legal time in daticert.xml is that of evidence.json, to the second.
        let clock = entry.time.split_once('T').expect("ISO 8601").1.get(..8).expect("hh:mm:ss");
        assert!(xml.contains(&format!("<ora>{clock}</ora>")), "{name}: {} and {xml}", entry.time);
    }
}

#[test]
fn an_altered_byte_a_revocation_list_and_the_index_are_judged_by_openssl() {
    let (folder, ports) = (TempDir::new().expect("a folder"), Ports::take());
    let data = folder.path().join("data").to_string_lossy().into_owned();
    once(&data, &ports, &[]).fine("demo --once");
    let path = |name: &str| format!("{data}/{name}");
    let (ca, signer) = (folder.path().join("data/ca/ca.pem"), folder.path().join("signer.pem"));
    let delivery = std::fs::read_to_string(path("evidence/04-avvenuta-consegna.eml")).expect("the receipt, 7 bit");
    let altered = folder.path().join("altered.eml");
    assert_eq!(delivery.matches("bruno@ente-beta.example").count().min(1), 1);
    std::fs::write(&altered, delivery.replace("bruno@ente-beta", "bruna@ente-beta")).expect("a file");
    assert_ne!(judges::verify(&altered, &ca, &signer).code, Some(0), "openssl accepts an altered receipt");

    let crl = run("openssl", &["crl", "-inform", "DER", "-in", &path("ca/ca.crl")], b"", 20).fine("openssl crl").out;
    let anchors = folder.path().join("anchors.pem");
    let authority = std::fs::read_to_string(&ca).expect("the authority");
    std::fs::write(&anchors, format!("{authority}\n{crl}")).expect("a file");
    let (anchors, receipt) = (anchors.to_string_lossy(), path("evidence/04-avvenuta-consegna.eml"));
    let args = ["cms", "-verify", "-crl_check", "-in", &receipt, "-CAfile", &anchors, "-out", "/dev/null"];
    run("openssl", &args, b"", 20).fine("openssl cms -verify -crl_check");

    let (index, ca) = (path("igpec.ldif.p7m"), ca.to_string_lossy());
    let args = ["cms", "-verify", "-inform", "DER", "-in", &index, "-CAfile", &ca];
    let ldif = run("openssl", &args, b"", 20).fine("openssl cms -verify of the index").out.to_lowercase();
    for domain in ["comune-alfa.example", "studio.example", "ente-beta.example"] {
        assert!(ldif.contains(&format!("manageddomains: {domain}")), "{ldif}");
    }
}

/// The commands of README.md, word by word; only the folders are the test's own.
#[test]
fn the_commands_of_the_readme_verify_the_evidence() {
    let (folder, ports) = (TempDir::new().expect("a folder"), Ports::take());
    let data = folder.path().join("data").to_string_lossy().into_owned();
    once(&data, &ports, &[]).fine("demo --once");
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of the workspace");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("README.md");
    let blocks: Vec<&str> = readme.split("```sh\n").skip(1).filter_map(|b| b.split("```").next()).collect();
    let block = blocks.into_iter().find(|b| b.contains("openssl cms -verify")).expect("README.md says how to verify");
    assert!(block.contains("D=/tmp/sigillo\n"), "the folder of README.md is replaced by the test's");
    let own = folder.path().to_string_lossy();
    let script = block.replace("D=/tmp/sigillo\n", &format!("D={data}\n")).replace("/tmp/", &format!("{own}/"));
    // The folder itself may lie below /tmp: what is named there must be the test's own.
    let script = script.replace(&format!("{own}/{}", data.trim_start_matches("/tmp/")), &data);
    let script = format!("set -eu\ncd '{}'\n{script}", root.display());
    let ran = run("bash", &["-c", &script], b"", 60).fine("the commands of README.md");
    let count = |text: &str| ran.all().matches(text).count();
    assert_eq!(count("CMS Verification successful"), 9, "twice four pieces, and the index: {}", ran.all());
    assert_eq!(count("daticert.xml is valid"), 4, "{}", ran.all());
    assert_eq!(count("email:posta-certificata@pec.alfa.example"), 2, "{}", ran.all());
}

#[test]
fn the_same_demonstration_starts_again_with_a_new_message() {
    let (folder, ports) = (TempDir::new().expect("a folder"), Ports::take());
    let data = folder.path().join("data").to_string_lossy().into_owned();
    let mut seen = HashSet::new();
    for turn in 0..2 {
        let ran = once(&data, &ports, &[]).fine("demo --once");
        let id = ran.out.split("<demo-").nth(1).and_then(|t| t.split('>').next()).expect("a Message-ID <demo-…>");
        assert!(seen.insert(id.to_owned()), "turn {turn}: the Message-ID {id} was sent before");
        assert!(!folder.path().join("data/demo.json").exists(), "demo.json is left behind");
        assert!(seen.insert(entries(&folder)[0].identificativo.clone()), "turn {turn}: an old identificativo");
    }
}

#[test]
fn without_the_recipients_provider_the_overdue_notices_come_inside_their_windows() {
    let (folder, ports) = (TempDir::new().expect("a folder"), Ports::take());
    let data = folder.path().join("data").to_string_lossy().into_owned();
    // A window is two hours: at this speed six seconds, which a loaded machine keeps.
    let without = ["--without", "beta", "--speed", "1200"];
    let ran = once_within(240, &data, &ports, &without).fine("demo --once --without beta");
    let kinds: Vec<String> = entries(&folder).into_iter().map(|e| e.kind).collect();
    assert_eq!(kinds, ["accettazione", "mancata-consegna-12h", "mancata-consegna-24h"], "{}", ran.all());
}

#[test]
fn on_a_slow_clock_the_overdue_notices_are_missing_and_said_to_be() {
    let (folder, ports) = (TempDir::new().expect("a folder"), Ports::take());
    let data = folder.path().join("data").to_string_lossy().into_owned();
    let ran = once(&data, &ports, &["--without", "beta"]);
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    let said = ran.all();
    assert!(said.contains("(12 ore)") && said.contains("(24 ore)") && said.contains("--speed 3600"), "{said}");
}
