//! Foreign eyes on what a provider publishes: `openssl cms` verifies the file, a few lines of Python read it by RFC 2849.

// Test code: what fails here fails the test.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test: what cannot be done is a failure")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sigillo_base::{Address, Domain, Timestamp};
use sigillo_pec::index::{Entry, Index, seal, write_ldif};
use sigillo_smime::authority::Authority;
use sigillo_smime::{Crl, Identity, Trust};

/// 2026-03-12T09:15:01Z
const T0: Timestamp = Timestamp::from_millis(1_773_306_901_000);
const DAY: Duration = Duration::from_secs(86_400);

/// RFC 2849 without our eyes: unfolds, drops comments, decodes, and shows each value as JSON.
const READER: &str = r##"
import base64, hashlib, json, re, sys
text = open(sys.argv[1], "rb").read().decode("ascii")
assert all(len(line) <= 76 for line in text.split("\n"))
text = re.sub("\n ", "", text)
records = []
for block in re.split("\n\n+", text.strip()):
    values = {}
    for line in block.split("\n"):
        if line.startswith("#"):
            continue
        name, sep, value = re.match("([A-Za-z][A-Za-z0-9;-]*)(::|:) *(.*)$", line).groups()
        raw = base64.b64decode(value, validate=True) if sep == "::" else value.encode()
        if name == "providerCertificate;binary":
            raw = hashlib.sha1(raw).hexdigest().upper().encode()
        values.setdefault(name, []).append(raw.decode("utf-8"))
    records.append(values)
print(json.dumps(records))
"##;

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Vec<u8> {
    let out = Command::new(program).args(arguments).current_dir(folder).output();
    let out = out.unwrap_or_else(|e| panic!("{program} must be installed to run these tests: {e}"));
    assert!(out.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

#[test]
fn openssl_verifies_and_python_reads_what_a_provider_publishes() {
    let authority = Authority::new("AgID di prova", T0, T0.plus(900 * DAY)).unwrap();
    let address = Address::parse("posta-certificata@pec.esempio.example").unwrap();
    let issue = || authority.issue_pec("Società \"Perché\", S.p.A.", &address, T0, T0.plus(300 * DAY)).unwrap();
    let (issued, next) = (issue(), issue());
    let main = Entry {
        name: "Società \"Perché\", S.p.A.".into(),
        unit: None,
        certificates: vec![issued.certificate(), next.certificate()],
        mail_receipt: address.clone(),
        domains: ["pec.esempio.example", "comune.example"].map(|d| Domain::parse(d).unwrap()).to_vec(),
        description: Some(" spazio davanti: e in fondo ".into()),
        ldif_url: Some("https://pec.esempio.example/esempio.ldif.p7m".into()),
    };
    let unit = Entry { unit: Some("Secondo+Ambiente".into()), domains: main.domains[..1].to_vec(), ..main.clone() };
    let identity = Identity { certificate: issued.certificate(), chain: Vec::new() };
    let ldif = write_ldif(&[main.clone(), unit]);
    let p7m = seal(&ldif, &identity, &issued.signer().unwrap(), T0).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("ca.pem", authority.certificate_pem().as_bytes());
    put("own.p7m", &p7m);
    put("read.py", READER.as_bytes());
    let at = (T0.as_secs() + 1).to_string();
    let verify = ["cms", "-verify", "-binary", "-inform", "DER", "-in", "own.p7m", "-CAfile", "ca.pem"];
    run(folder.path(), "openssl", &[&verify[..], &["-attime", &at, "-out", "own.ldif"]].concat());
    assert_eq!(fs::read(folder.path().join("own.ldif")).unwrap(), ldif.as_bytes());

    let shown = String::from_utf8(run(folder.path(), "python3", &["read.py", "own.ldif"])).unwrap();
    let hashes = [issued.certificate().sha1_hex(), next.certificate().sha1_hex()];
    let expected = [
        r#""providerName": ["Societ\u00e0 \"Perch\u00e9\", S.p.A."]"#.to_owned(),
        r#"["providerName=Societ\u00e0 \\\"Perch\u00e9\\\"\\, S.p.A.,o=postacert"]"#.to_owned(),
        r#"["providerUnit=Secondo\\+Ambiente,providerName=Societ"#.to_owned(),
        format!(r#""providerCertificateHash": ["{}", "{}"]"#, hashes[0], hashes[1]),
        format!(r#""providerCertificate;binary": ["{}", "{}"]"#, hashes[0], hashes[1]),
        r#""managedDomains": ["pec.esempio.example", "comune.example"]"#.to_owned(),
        r#""description": [" spazio davanti: e in fondo "]"#.to_owned(),
    ];
    for text in expected {
        assert!(shown.contains(&text), "{text} is not in {shown}");
    }
    assert_eq!(shown.matches("LDIFLocationURL").count(), 1, "the secondary environment has it from the main one");

    let crl = Crl::from_der(&authority.crl(&[], T0, T0.plus(DAY), 1).unwrap()).unwrap();
    let index = Index::open(&p7m, &Trust::new(vec![authority.certificate()], vec![crl]), T0).unwrap();
    assert_eq!(index.entries()[1].ldif_url, main.ldif_url);
    assert!(index.replaces(None, T0).unwrap());
}

#[test]
fn what_openssl_signs_in_ber_is_taken() {
    let authority = Authority::new("AgID di prova", T0, T0.plus(900 * DAY)).unwrap();
    let signer = Address::parse("igpec@indice.example").unwrap();
    let issued = authority.issue_pec("Indice", &signer, T0, T0.plus(300 * DAY)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("cert.pem", issued.certificate_pem.as_bytes());
    put("key.pem", issued.key_pem.as_bytes());
    put("index.ldif", include_bytes!("../src/index/example.ldif"));
    let sign = ["-binary", "-nodetach", "-stream", "-outform", "DER", "-in", "index.ldif", "-out", "index.p7m"];
    let who = ["-signer", "cert.pem", "-inkey", "key.pem", "-md", "sha256"];
    run(folder.path(), "openssl", &[&["cms", "-sign"][..], &sign, &who].concat());
    let p7m = fs::read(folder.path().join("index.p7m")).unwrap();
    assert_eq!(p7m[..2], [0x30, 0x80], "indefinite lengths");
    let crl = Crl::from_der(&authority.crl(&[], T0, T0.plus(DAY), 1).unwrap()).unwrap();
    let trust = Trust::new(vec![authority.certificate()], vec![crl]);
    let index = Index::open(&p7m, &trust, T0.plus(DAY / 2)).unwrap();
    assert_eq!(index.entries().len(), 3);
    // openssl signs by the clock of this machine.
    let signed = index.signed_at().unwrap();
    assert!(index.replaces(None, signed).unwrap());
}
