//! The openssl command line as a foreign eye: it verifies what we sign and issue, and we verify what it signs.

// Test code: what fails here fails the test.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test: what cannot be done is a failure")]

mod openssl {
    mod stamps;
}

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::Duration;

use sigillo_base::{Address, Timestamp};
use sigillo_smime::authority::{Authority, Issued, Revoked};
use sigillo_smime::{
    Certificate, Crl, Error, Identity, PathError, SignedData, Signer, Trust, attached, detached, sha256,
    signed_attributes,
};
use tempfile::TempDir;

/// 2026-03-12T09:15:01Z
const T0: Timestamp = Timestamp::from_millis(1_773_306_901_000);
const DAY: Duration = Duration::from_secs(86_400);
const CONTENT: &[u8] = b"Content-Type: text/plain; charset=utf-8\r\n\r\nPerch\xc3\xa9 no?\r\n\0\xff\r\n";

/// A root, an authority for `gestore.example` below it, a provider below that.
struct World {
    root: Authority,
    middle: Authority,
    provider: Issued,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let root = Authority::new("Radice di prova", T0, T0.plus(3000 * DAY)).unwrap();
    let middle = root.subordinate("CA gestori", &["gestore.example".into()], T0, T0.plus(2000 * DAY)).unwrap();
    let address = Address::parse("posta-certificata@gestore.example").unwrap();
    let provider = middle.issue_pec("Gestore d'Esempio S.p.A.", &address, T0, T0.plus(1000 * DAY)).unwrap();
    World { root, middle, provider }
});

fn identity() -> Identity {
    Identity { certificate: WORLD.provider.certificate(), chain: vec![WORLD.middle.certificate()] }
}

/// A folder with the world's files and the content.
fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    put("root.pem", WORLD.root.certificate_pem().as_bytes());
    put("middle.pem", WORLD.middle.certificate_pem().as_bytes());
    put("cert.pem", WORLD.provider.certificate_pem.as_bytes());
    put("key.pem", WORLD.provider.key_pem.as_bytes());
    put("content", CONTENT);
    dir
}

fn openssl(dir: &Path, command: &str) -> Output {
    let out = Command::new("openssl").args(command.split_whitespace()).current_dir(dir).output();
    out.expect("openssl must be installed to run these tests")
}

fn good(dir: &Path, command: &str) -> Vec<u8> {
    let out = openssl(dir, command);
    assert!(out.status.success(), "openssl {command}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

fn text(dir: &Path, command: &str) -> String {
    String::from_utf8(good(dir, command)).unwrap()
}

fn signed() -> (Vec<u8>, Vec<u8>) {
    let attributes = signed_attributes(&sha256(CONTENT), T0.plus(DAY), &identity().certificate);
    let signature = WORLD.provider.signer().unwrap().sign(&attributes).unwrap();
    (attributes, signature)
}

#[test]
fn we_sign_openssl_verifies() {
    let dir = folder();
    let (attributes, signature) = signed();
    fs::write(dir.path().join("s.p7s"), detached(&identity(), &attributes, &signature).unwrap()).unwrap();
    fs::write(dir.path().join("s.p7m"), attached(&identity(), CONTENT, &attributes, &signature).unwrap()).unwrap();
    fs::write(dir.path().join("altered"), CONTENT.to_ascii_uppercase()).unwrap();
    let at = T0.plus(2 * DAY).as_secs();
    for tool in ["cms", "smime"] {
        let verify = format!("{tool} -verify -binary -inform DER -CAfile root.pem -attime {at}");
        assert_eq!(good(dir.path(), &format!("{verify} -in s.p7s -content content")), CONTENT);
        assert_eq!(good(dir.path(), &format!("{verify} -in s.p7m")), CONTENT);
        assert!(!openssl(dir.path(), &format!("{verify} -in s.p7s -content altered")).status.success());
        let late = format!("{tool} -verify -binary -inform DER -CAfile root.pem -attime {}", at + 1000 * 86_400);
        assert!(!openssl(dir.path(), &format!("{late} -in s.p7s -content content")).status.success());
    }
    let shown = text(dir.path(), "cms -cmsout -print -inform DER -in s.p7s");
    for part in ["sha256WithRSAEncryption", "signingTime", "messageDigest", "id-smime-aa-signingCertificateV2"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    assert!(shown.contains("Mar 13 09:15:01 2026 GMT"), "{shown}");
    // Strict DER: what openssl writes again is what we wrote.
    good(dir.path(), "cms -cmsout -inform DER -in s.p7s -outform DER -out again");
    assert_eq!(fs::read(dir.path().join("again")).unwrap(), fs::read(dir.path().join("s.p7s")).unwrap());
}

/// Signs with the command line and reads the file with ours.
fn foreign(dir: &Path, how: &str) -> (Vec<u8>, SignedData) {
    good(dir, &format!("{how} -sign -binary -in content -outform DER -out out.der"));
    let der = fs::read(dir.join("out.der")).unwrap();
    let parsed = SignedData::parse(&der).unwrap_or_else(|e| panic!("{how}: {e}"));
    (der, parsed)
}

#[test]
fn openssl_signs_we_verify() {
    let dir = folder();
    for md in ["sha1", "sha256", "sha384", "sha512"] {
        for tool in ["cms", "smime"] {
            for more in ["", "-nodetach", "-noattr", "-certfile middle.pem", "-nosmimecap"] {
                let how = format!("{tool} -signer cert.pem -inkey key.pem -md {md} {more}");
                let (_, parsed) = foreign(dir.path(), &how);
                assert_eq!(parsed.verify(CONTENT), Ok(()), "{how}");
                assert_eq!(parsed.signer(), Some(&WORLD.provider.certificate()), "{how}");
                assert_eq!(parsed.content().is_some(), more == "-nodetach", "{how}");
                assert_eq!(parsed.signing_time().is_some(), more != "-noattr", "{how}");
                let wrong = parsed.verify(&CONTENT[1..]);
                assert!(matches!(wrong, Err(Error::Digest | Error::Signature)), "{how}: {wrong:?}");
            }
        }
    }
    let (_, by_key_id) = foreign(dir.path(), "cms -signer cert.pem -inkey key.pem -md sha256 -keyid");
    assert_eq!(by_key_id.verify(CONTENT), Ok(()));
    let (_, cades) = foreign(dir.path(), "cms -signer cert.pem -inkey key.pem -md sha256 -cades");
    assert_eq!(cades.verify(CONTENT), Ok(()), "signingCertificateV2 with issuerSerial");
    let md5 = "cms -sign -binary -in content -outform DER -signer cert.pem -inkey key.pem -md md5";
    let md5 = openssl(dir.path(), md5);
    assert!(md5.status.success(), "openssl still makes it");
    assert!(matches!(SignedData::parse(&md5.stdout), Err(Error::Algorithm(_))), "we do not believe it");
}

#[test]
fn indefinite_lengths() {
    let dir = folder();
    for how in [
        "cms -signer cert.pem -inkey key.pem -md sha256 -stream",
        "cms -signer cert.pem -inkey key.pem -md sha256 -stream -nodetach",
        "cms -signer cert.pem -inkey key.pem -md sha256 -stream -nodetach -keyid -certfile middle.pem",
        "smime -signer cert.pem -inkey key.pem -md sha1 -stream -nodetach",
    ] {
        let (ber, parsed) = foreign(dir.path(), how);
        assert_eq!(ber[..2], [0x30, 0x80], "{how}: it is BER");
        assert_eq!(parsed.verify(CONTENT), Ok(()), "{how}");
        assert!(parsed.content().is_none_or(|c| c == CONTENT), "{how}");
        assert_eq!(parsed.verify(b"altro"), Err(Error::Digest), "{how}");
    }
}

/// The same element with indefinite lengths in its upper `levels`.
fn indefinite(der: &[u8], levels: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = der;
    while let [tag, first, ..] = *rest {
        let more = if first < 0x80 { 0 } else { usize::from(first & 0x7f) };
        let len = rest[2..2 + more].iter().fold(0, |n, b| n << 8 | usize::from(*b));
        let len = if more == 0 { usize::from(first) } else { len };
        let (whole, after) = rest.split_at(2 + more + len);
        if tag & 0x20 != 0 && levels > 0 {
            out.extend([tag, 0x80]);
            out.extend(indefinite(&whole[2 + more..], levels - 1));
            out.extend([0, 0]);
        } else {
            out.extend(whole);
        }
        rest = after;
    }
    out
}

#[test]
fn indefinite_lengths_around_a_detached_signature() {
    let (attributes, signature) = signed();
    let der = detached(&identity(), &attributes, &signature).unwrap();
    assert_eq!(indefinite(&der, 0), der);
    for levels in 1..=5 {
        let ber = indefinite(&der, levels);
        assert!(ber.starts_with(&[0x30, 0x80]) && ber.ends_with(&[0, 0]));
        let parsed = SignedData::parse(&ber).unwrap();
        assert_eq!(parsed.content(), None);
        assert_eq!(parsed.verify(CONTENT), Ok(()), "{levels} levels");
        assert_eq!(parsed.verify(&CONTENT[1..]), Err(Error::Digest));
        assert_eq!(parsed.signer(), Some(&WORLD.provider.certificate()));
        assert!(SignedData::parse(&ber[..ber.len() - 2]).is_err(), "cut short");
    }
}

#[test]
fn elliptic_and_two_signers() {
    let dir = folder();
    for (curve, md) in [("P-256", "sha256"), ("P-384", "sha384"), ("P-256", "sha1")] {
        good(
            dir.path(),
            &format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:{curve} -nodes -keyout ec.key -out ec.pem -days 9 -subj /CN=ec"
            ),
        );
        let (_, parsed) = foreign(dir.path(), &format!("cms -signer ec.pem -inkey ec.key -md {md}"));
        assert_eq!(parsed.verify(CONTENT), Ok(()), "{curve} {md}");
        assert_eq!(parsed.verify(b"altro"), Err(Error::Digest));
        assert_eq!(parsed.signer().and_then(Certificate::common_name).as_deref(), Some("ec"));
    }
    good(
        dir.path(),
        "cms -sign -binary -in content -outform DER -out two.der -signer cert.pem -inkey key.pem -signer ec.pem -inkey ec.key",
    );
    let two = SignedData::parse(&fs::read(dir.path().join("two.der")).unwrap());
    assert_eq!(two.unwrap_err(), Error::SignerCount(2));
    let (_, bare) = foreign(dir.path(), "cms -signer cert.pem -inkey key.pem -md sha256 -nocerts");
    assert_eq!(bare.verify(CONTENT), Err(Error::NoSignerCertificate));
}

/// The X.509 extensions as openssl shows them: heading and body.
fn extensions(shown: &str) -> Vec<(String, String)> {
    let lines = shown.lines().skip_while(|l| !l.contains("X509v3 extensions:")).skip(1);
    let mut all: Vec<(String, String)> = Vec::new();
    for line in lines.take_while(|l| l.starts_with("            ")) {
        match all.last_mut() {
            Some((_, body)) if line.starts_with("                ") => *body += line.trim(),
            _ => all.push((line.trim().to_owned(), String::new())),
        }
    }
    all
}

#[test]
fn the_provider_profile_field_by_field() {
    let dir = folder();
    let shown = text(dir.path(), "x509 -in cert.pem -noout -text -nameopt utf8,sep_comma_plus_space");
    for line in [
        "Version: 3 (0x2)",
        "Signature Algorithm: sha256WithRSAEncryption",
        "Issuer: C=IT, O=CA gestori, CN=CA gestori",
        "Subject: C=IT, O=Gestore d'Esempio S.p.A., CN=Posta Certificata",
        "Not Before: Mar 12 09:15:01 2026 GMT",
        "Not After : Dec  6 09:15:01 2028 GMT",
        "Public-Key: (2048 bit)",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    let issuer_key_id = text(dir.path(), "x509 -in middle.pem -noout -ext subjectKeyIdentifier");
    let own_key_id = text(dir.path(), "x509 -in cert.pem -noout -ext subjectKeyIdentifier");
    let value = |s: &str| s.lines().nth(1).unwrap().trim().to_owned();
    let expected = [
        ("X509v3 Key Usage: critical", "Digital Signature".to_owned()),
        ("X509v3 Extended Key Usage:", "E-mail Protection".to_owned()),
        ("X509v3 Subject Alternative Name:", "email:posta-certificata@gestore.example".to_owned()),
        ("X509v3 Subject Key Identifier:", value(&own_key_id)),
        ("X509v3 Authority Key Identifier:", value(&issuer_key_id)),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(a, b)| (a.to_owned(), b)).collect();
    assert_eq!(extensions(&shown), expected, "these and no others: no basicConstraints");
    assert!(!shown.contains("emailAddress"));
    let serial = text(dir.path(), "x509 -in cert.pem -noout -serial");
    assert_eq!(serial.trim(), format!("serial={}", WORLD.provider.certificate().serial_hex()));
    let print = text(dir.path(), "x509 -in cert.pem -noout -fingerprint -sha1").replace(':', "");
    assert!(print.trim().ends_with(&WORLD.provider.certificate().sha1_hex()), "{print}");
}

#[test]
fn the_authority_profile() {
    let dir = folder();
    let root = extensions(&text(dir.path(), "x509 -in root.pem -noout -text"));
    let has = |all: &[(String, String)], head: &str, body: &str| all.iter().any(|(h, b)| h == head && b == body);
    assert!(has(&root, "X509v3 Basic Constraints: critical", "CA:TRUE"), "{root:?}");
    assert!(has(&root, "X509v3 Key Usage: critical", "Certificate Sign, CRL Sign"), "{root:?}");
    let middle = extensions(&text(dir.path(), "x509 -in middle.pem -noout -text"));
    assert!(has(&middle, "X509v3 Basic Constraints: critical", "CA:TRUE, pathlen:0"), "{middle:?}");
    assert!(has(&middle, "X509v3 Name Constraints: critical", "Permitted:email:gestore.example"), "{middle:?}");
    let at = T0.plus(DAY).as_secs();
    let path = "-x509_strict -purpose smimesign -CAfile root.pem -untrusted middle.pem cert.pem";
    good(dir.path(), &format!("verify -attime {at} {path}"));
    let late = T0.plus(1001 * DAY).as_secs();
    assert!(!openssl(dir.path(), &format!("verify -attime {late} {path}")).status.success());
}

#[test]
fn the_server_profile() {
    let dir = folder();
    let ips = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
    let tls = WORLD.root.issue_tls(&["mx.gestore.example".into()], &ips, T0, T0.plus(90 * DAY)).unwrap();
    fs::write(dir.path().join("tls.pem"), &tls.certificate_pem).unwrap();
    fs::write(dir.path().join("tls.key"), &tls.key_pem).unwrap();
    let at = T0.plus(DAY).as_secs();
    let verify = format!("verify -x509_strict -attime {at} -purpose sslserver -CAfile root.pem");
    good(dir.path(), &format!("{verify} -verify_hostname mx.gestore.example tls.pem"));
    good(dir.path(), &format!("{verify} -verify_ip 127.0.0.1 tls.pem"));
    good(dir.path(), &format!("{verify} -verify_ip ::1 tls.pem"));
    assert!(!openssl(dir.path(), &format!("{verify} -verify_hostname altro.example tls.pem")).status.success());
    let key = text(dir.path(), "pkey -in tls.key -noout -text");
    assert!(key.contains("prime256v1") || key.contains("P-256"), "{key}");
    let public = |command: &str| text(dir.path(), command);
    assert_eq!(public("pkey -in tls.key -pubout"), public("x509 -in tls.pem -noout -pubkey"));
}

#[test]
fn revocation_lists_for_both_sides() {
    let dir = folder();
    let (from, until) = (T0.plus(DAY), T0.plus(8 * DAY));
    let gone = [Revoked { serial_hex: WORLD.provider.certificate().serial_hex(), at: from }];
    let put = |name: &str, der: &[u8]| {
        fs::write(dir.path().join("crl.der"), der).unwrap();
        good(dir.path(), &format!("crl -inform DER -in crl.der -out {name}"));
    };
    put("root.crl", &WORLD.root.crl(&[], from, until, 1).unwrap());
    put("clean.crl", &WORLD.middle.crl(&[], from, until, 1).unwrap());
    put("gone.crl", &WORLD.middle.crl(&gone, from, until, 0x1_0000).unwrap());
    let shown = text(dir.path(), "crl -in gone.crl -noout -text -CAfile middle.pem");
    for part in
        ["Version 2 (0x1)", "65536", &gone[0].serial_hex, "Mar 13 09:15:01 2026 GMT", "Mar 20 09:15:01 2026 GMT"]
    {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    let verify = |list: &str| {
        let at = T0.plus(2 * DAY).as_secs();
        let flags = format!("verify -attime {at} -crl_check_all -CAfile root.pem -untrusted middle.pem");
        openssl(dir.path(), &format!("{flags} -CRLfile root.crl -CRLfile {list} cert.pem")).status.success()
    };
    assert!(verify("clean.crl"));
    assert!(!verify("gone.crl"));
    let ours = |list: &str| {
        let read = |name: &str| Crl::from_pem(&fs::read(dir.path().join(name)).unwrap()).unwrap();
        let trust = Trust::new(vec![WORLD.root.certificate()], [read("root.crl"), read(list)].concat());
        trust.verify(&WORLD.provider.certificate(), &[WORLD.middle.certificate()], T0.plus(2 * DAY))
    };
    assert_eq!(ours("clean.crl"), Ok(()));
    assert_eq!(ours("gone.crl"), Err(PathError::Revoked));
}

#[test]
fn a_list_for_one_distribution_point() {
    let dir = folder();
    // The command line dates what it makes today: this authority lived yesterday and lives tomorrow.
    let ever = Timestamp::from_millis(4_000_000_000_000);
    let middle = Authority::with_key("CA", WORLD.middle.key_pem(), Timestamp::default(), ever).unwrap();
    fs::write(dir.path().join("middle.pem"), middle.certificate_pem()).unwrap();
    let at = "http://ca.example/1.crl";
    fs::write(dir.path().join("leaf.ext"), format!("crlDistributionPoints=URI:{at}\n")).unwrap();
    fs::write(dir.path().join("middle.key"), middle.key_pem()).unwrap();
    good(dir.path(), "req -new -key key.pem -subj /CN=x -out x.csr");
    good(
        dir.path(),
        "x509 -req -in x.csr -CA middle.pem -CAkey middle.key -set_serial 7 -days 9 -extfile leaf.ext -out x.pem",
    );
    let leaf = Certificate::from_pem(&fs::read(dir.path().join("x.pem")).unwrap()).unwrap().remove(0);
    assert_eq!(leaf.crl_points(), [at]);
    assert_eq!(leaf.serial_hex(), "07");
    let list = |uri: &str| {
        fs::write(dir.path().join("index.txt"), "").unwrap();
        fs::write(dir.path().join("number"), "05\n").unwrap();
        let config = format!(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\ncrl_extensions=e\n\
             default_crl_days=30\n[e]\nissuingDistributionPoint=critical,@p\n[p]\nfullname=URI:{uri}\n"
        );
        fs::write(dir.path().join("ca.cnf"), config).unwrap();
        good(dir.path(), "ca -config ca.cnf -cert middle.pem -keyfile middle.key -gencrl -out part.crl");
        Crl::from_pem(&fs::read(dir.path().join("part.crl")).unwrap()).unwrap()
    };
    let verify = |lists: Vec<Crl>| {
        let now = lists.iter().map(Crl::this_update).max().unwrap().max(leaf.not_before());
        Trust::new(vec![middle.certificate()], lists).verify(&leaf, &[], now)
    };
    assert_eq!(verify(list(at)), Ok(()));
    assert_eq!(verify(list("http://ca.example/2.crl")), Err(PathError::NoCrl));
}

#[test]
fn a_list_made_by_openssl() {
    let dir = folder();
    fs::write(dir.path().join("index.txt"), "").unwrap();
    fs::write(dir.path().join("number"), "05\n").unwrap();
    fs::write(dir.path().join("middle.key"), WORLD.middle.key_pem()).unwrap();
    let config = "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\ncrl_extensions=e\n\
                  [e]\nauthorityKeyIdentifier=keyid\nissuingDistributionPoint=critical,@p\n[p]\nonlyuser=TRUE\n";
    fs::write(dir.path().join("ca.cnf"), config).unwrap();
    let flags = "-config ca.cnf -cert middle.pem -keyfile middle.key -crl_lastupdate 20260313000000Z \
                 -crl_nextupdate 20260320000000Z";
    good(dir.path(), &format!("ca {flags} -revoke cert.pem"));
    good(dir.path(), &format!("ca {flags} -gencrl -out gone.crl"));
    let lists = Crl::from_pem(&fs::read(dir.path().join("gone.crl")).unwrap()).unwrap();
    let trust = Trust::new(vec![WORLD.middle.certificate()], lists);
    let verdict = trust.verify(&WORLD.provider.certificate(), &[], T0.plus(2 * DAY));
    assert_eq!(verdict, Err(PathError::Revoked));
}

/// AgID's authority permits e-mail domains and directory names; both bind (pec rule 4.2).
#[test]
fn constraints_on_directory_names_are_honoured() {
    let dir = folder();
    let config = "[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=root\n[dn]\nCN=vincolata\n\
                  [root]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
                  subjectKeyIdentifier=hash\n\
                  nameConstraints=critical,permitted;email:gestore.example,permitted;dirName:names\n\
                  [names]\nC=IT\nO=Gestore\n\
                  [leaf]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=emailProtection\n\
                  subjectAltName=email:posta@gestore.example\nauthorityKeyIdentifier=keyid\n\
                  [ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha256\ncrl_extensions=list\n\
                  [list]\nauthorityKeyIdentifier=keyid\n";
    fs::write(dir.path().join("c.cnf"), config).unwrap();
    fs::write(dir.path().join("index.txt"), "").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    good(dir.path(), &format!("req -x509 {key} -config c.cnf -days 30 -keyout c.key -out c.pem"));
    good(dir.path(), "ca -gencrl -config c.cnf -cert c.pem -keyfile c.key -crldays 9 -out c.crl");
    let read = |name: &str| fs::read(dir.path().join(name)).unwrap();
    let anchor = Certificate::from_pem(&read("c.pem")).unwrap().remove(0);
    let trust = Trust::new(vec![anchor], Crl::from_pem(&read("c.crl")).unwrap());
    let verdict = |subject: &str| {
        good(dir.path(), &format!("req -new {key} -config c.cnf -subj {subject} -keyout l.key -out l.csr"));
        let extensions = "-extfile c.cnf -extensions leaf";
        good(dir.path(), &format!("x509 -req -in l.csr -CA c.pem -CAkey c.key {extensions} -days 9 -out l.pem"));
        let leaf = Certificate::from_pem(&read("l.pem")).unwrap().remove(0);
        let at = leaf.not_before().plus(Duration::from_secs(60));
        trust.verify(&leaf, &[], at)
    };
    assert_eq!(verdict("/C=IT/O=Gestore/CN=posta"), Ok(()));
    for outside in ["/C=IT/O=Altro/CN=posta", "/C=FR/O=Gestore/CN=posta", "/CN=posta"] {
        assert!(matches!(verdict(outside), Err(PathError::Untrusted(why)) if why.contains("subtree")), "{outside}");
    }
}
