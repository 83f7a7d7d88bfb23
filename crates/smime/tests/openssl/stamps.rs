//! `openssl ts` as the authority that answers us, and as the judge of the same tokens.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use sigillo_base::{Address, Timestamp};
use sigillo_smime::authority::{Authority, Issued};
use sigillo_smime::timestamp::{Token, request, response};
use sigillo_smime::{Error, PathError, SignedData, Trust, sha256};
use tempfile::TempDir;

use crate::{extensions, good, indefinite, openssl, text};

const DATA: &[u8] = b"2026-03-13: il registro di un giorno\n";
const NONCE: u64 = 0x8000_0000_0000_0001;
/// 2096: the command line stamps with the clock of the machine, whatever it shows.
const EVER: Timestamp = Timestamp::from_millis(4_000_000_000_000);
/// Begins when the epoch does.
const EPOCH: Timestamp = Timestamp::from_millis(0);

static ROOT: LazyLock<Authority> = LazyLock::new(|| Authority::new("Radice delle marche", EPOCH, EVER).unwrap());
static TSA: LazyLock<Issued> = LazyLock::new(|| ROOT.issue_tsa("Marche temporali", EPOCH, EVER).unwrap());

/// What an authority does by default; a test adds lines, which win.
const CONFIG: &str = "[tsa]\ndefault_tsa=t\n[t]\nserial=serial\ncrypto_device=builtin\nsigner_cert=tsa.pem\n\
    signer_key=tsa.key\nsigner_digest=sha256\ndefault_policy=1.2.3.4.1\ndigests=sha256,sha512\n\
    ess_cert_id_alg=sha256\n";

/// A folder with an authority for time-stamps, the data, and our request for it.
fn folder(tsa: &Issued, more: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    put("root.pem", ROOT.certificate_pem().as_bytes());
    put("tsa.pem", tsa.certificate_pem.as_bytes());
    put("tsa.key", tsa.key_pem.as_bytes());
    put("serial", b"0A\n");
    put("data", DATA);
    put("tsa.cnf", format!("{CONFIG}{more}").as_bytes());
    put("query", &request(&sha256(DATA), NONCE).unwrap());
    dir
}

/// What `openssl ts` answers to our request.
fn answer(dir: &Path) -> Vec<u8> {
    good(dir, "ts -reply -config tsa.cnf -queryfile query -out answer");
    fs::read(dir.join("answer")).unwrap()
}

fn ours(answer: &[u8]) -> Token {
    response(answer, &sha256(DATA), NONCE).unwrap()
}

fn trust() -> Trust {
    Trust::new(vec![ROOT.certificate()], vec![])
}

#[test]
fn our_request_is_the_one_that_openssl_makes() {
    let dir = folder(&TSA, "");
    good(dir.path(), "ts -query -data data -sha256 -cert -out theirs");
    let shown = text(dir.path(), "ts -query -in theirs -text");
    let nonce = shown.lines().find_map(|l| l.strip_prefix("Nonce: 0x")).unwrap();
    let nonce = u64::from_str_radix(nonce.trim(), 16).unwrap();
    assert_eq!(fs::read(dir.path().join("theirs")).unwrap(), request(&sha256(DATA), nonce).unwrap());
    for nonce in [0, 1, 0x7f, 0x80, u64::MAX] {
        fs::write(dir.path().join("ours"), request(&sha256(DATA), nonce).unwrap()).unwrap();
        let shown = text(dir.path(), "ts -query -in ours -text");
        assert!(shown.contains("Certificate required: yes"), "{shown}");
        let shown = shown.lines().find_map(|l| l.strip_prefix("Nonce: 0x")).unwrap();
        assert_eq!(u64::from_str_radix(shown.trim(), 16), Ok(nonce));
    }
}

#[test]
fn a_stamp_of_openssl_is_believed_by_both() {
    for more in [
        "",
        "signer_digest=sha512\n",
        "ess_cert_id_alg=sha1\n",
        "ess_cert_id_alg=sha512\ness_cert_id_chain=yes\ncerts=root.pem\n",
        "accuracy=secs:1,millisecs:500,microsecs:100\nclock_precision_digits=3\n",
        "clock_precision_digits=6\nordering=yes\ntsa_name=yes\n",
    ] {
        let dir = folder(&TSA, more);
        let token = ours(&answer(dir.path()));
        assert_eq!(token.verify(&sha256(DATA), &trust()), Ok(TSA.certificate()), "{more}");
        assert_eq!((token.serial_hex().as_str(), token.policy().as_str()), ("0B", "1.2.3.4.1"), "{more}");
        let accuracy = more.contains("accuracy").then_some(Duration::from_micros(1_500_100));
        assert_eq!(token.accuracy(), accuracy, "{more}");
        good(dir.path(), "ts -verify -data data -in answer -CAfile root.pem");
        good(dir.path(), "ts -verify -queryfile query -in answer -CAfile root.pem");
        fs::write(dir.path().join("token"), token.der()).unwrap();
        good(dir.path(), "ts -verify -data data -in token -token_in -CAfile root.pem");
        good(dir.path(), "ts -reply -in answer -token_out -out theirs");
        assert_eq!(fs::read(dir.path().join("theirs")).unwrap(), token.der(), "{more}");
        let shown = text(dir.path(), "ts -reply -in token -token_in -text");
        let time = shown.lines().find_map(|l| l.strip_prefix("Time stamp: ")).unwrap();
        assert_eq!(seconds(time), token.time().as_secs(), "{time}");
    }
}

/// `Nov 28 14:17:56.123 2026 GMT`, as whole seconds since the epoch, by the command `date`.
#[test]
fn a_stamp_signed_by_way_of_sha1_is_refused() {
    let dir = folder(&TSA, "signer_digest=sha1\n");
    let verdict = ours(&answer(dir.path())).verify(&sha256(DATA), &trust());
    assert!(matches!(verdict, Err(Error::Algorithm(_))), "{verdict:?}");
}

fn seconds(shown: &str) -> i64 {
    let out = std::process::Command::new("date").args(["-u", "+%s", "-d", shown]).output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn other_data_and_another_request_are_refused_by_both() {
    let dir = folder(&TSA, "");
    let answer = answer(dir.path());
    assert_eq!(response(&answer, &sha256(b"altro"), NONCE).unwrap_err(), Error::Imprint);
    assert_eq!(response(&answer, &sha256(DATA), NONCE + 1).unwrap_err(), Error::Nonce);
    assert_eq!(ours(&answer).verify(&sha256(b"altro"), &trust()), Err(Error::Imprint));
    fs::write(dir.path().join("altro"), b"altro").unwrap();
    fs::write(dir.path().join("other"), request(&sha256(DATA), NONCE + 1).unwrap()).unwrap();
    let theirs = |command: &str| openssl(dir.path(), command).status.success();
    assert!(!theirs("ts -verify -data altro -in answer -CAfile root.pem"));
    assert!(!theirs("ts -verify -queryfile other -in answer -CAfile root.pem"));
}

#[test]
fn a_refusal_of_openssl_is_told() {
    let dir = folder(&TSA, "digests=sha512\n");
    let Err(Error::Refused(refusal)) = response(&answer(dir.path()), &sha256(DATA), NONCE) else { panic!("granted") };
    assert_eq!((refusal.status, refusal.failure), (2, 1));
    assert!(!refusal.text.is_empty());
    assert!(refusal.to_string().contains("richiesta respinta (status 2), algoritmo non riconosciuto"), "{refusal}");
    fs::write(dir.path().join("query"), b"niente").unwrap();
    let Err(Error::Refused(refusal)) = response(&answer(dir.path()), &sha256(DATA), NONCE) else { panic!("granted") };
    assert_eq!(refusal.failure, 1 << 5, "badDataFormat");
}

#[test]
fn a_token_with_indefinite_lengths_is_read() {
    let dir = folder(&TSA, "");
    let token = ours(&answer(dir.path()));
    let status: &[u8] = &[0x30, 3, 2, 1, 0];
    for levels in 1..=5 {
        let ber = indefinite(token.der(), levels);
        assert!(ber.starts_with(&[0x30, 0x80]));
        assert_eq!(Token::parse(&ber).unwrap().der(), token.der(), "{levels} levels");
        let inside = [status, &ber].concat();
        let len = u16::try_from(inside.len()).unwrap().to_be_bytes();
        let definite = [&[0x30, 0x82], &len[..], &inside].concat();
        let open = [&[0x30, 0x80], &inside[..], &[0, 0]].concat();
        for answer in [definite, open] {
            assert_eq!(ours(&answer).der(), token.der(), "{levels} levels");
            assert!(response(&answer[..answer.len() - 1], &sha256(DATA), NONCE).is_err(), "cut short");
        }
    }
}

#[test]
fn an_altered_token_is_refused_by_both() {
    let dir = folder(&TSA, "");
    let token = ours(&answer(dir.path()));
    let signed = SignedData::parse(token.der()).unwrap();
    let signature = &token.der()[token.der().len() - 256..];
    for part in [signed.content().unwrap(), TSA.certificate().der(), signature] {
        let start = token.der().windows(part.len()).position(|w| w == part).unwrap();
        for at in (start..start + part.len()).step_by(part.len() / 8) {
            let mut altered = token.der().to_vec();
            altered[at] ^= 1;
            assert!(Token::parse(&altered).and_then(|t| t.verify(&sha256(DATA), &trust())).is_err(), "byte {at}");
            fs::write(dir.path().join("altered"), &altered).unwrap();
            let verify = "ts -verify -data data -in altered -token_in -CAfile root.pem";
            assert!(!openssl(dir.path(), verify).status.success(), "byte {at}");
        }
    }
}

#[test]
fn a_certificate_that_is_no_longer_valid_is_refused_by_both() {
    let year_2000 = Timestamp::from_millis(946_684_800_000);
    let old = ROOT.issue_tsa("Marche di ieri", EPOCH, year_2000).unwrap();
    let dir = folder(&old, "");
    let token = ours(&answer(dir.path()));
    assert_eq!(token.verify(&sha256(DATA), &trust()), Err(Error::Path(PathError::Expired)));
    assert!(!openssl(dir.path(), "ts -verify -data data -in answer -CAfile root.pem").status.success());
}

#[test]
fn an_authority_that_nobody_knows_is_refused_by_both() {
    let stranger = Authority::new("Radice delle marche", EPOCH, EVER).unwrap();
    let dir = folder(&stranger.issue_tsa("Marche temporali", EPOCH, EVER).unwrap(), "");
    let token = ours(&answer(dir.path()));
    let verdict = token.verify(&sha256(DATA), &trust());
    assert!(matches!(verdict, Err(Error::Path(PathError::Untrusted(_)))), "{verdict:?}");
    assert!(token.verify(&sha256(DATA), &Trust::new(vec![stranger.certificate()], vec![])).is_ok());
    assert!(!openssl(dir.path(), "ts -verify -data data -in answer -CAfile root.pem").status.success());
}

/// The TSTInfo of a good token, signed under another certificate: `openssl ts` itself signs under none but a good one.
fn signed_again(dir: &Path, certificate: &str, key: &str) -> Token {
    fs::write(dir.join("token"), ours(&answer(dir)).der()).unwrap();
    let info = SignedData::parse(&fs::read(dir.join("token")).unwrap()).unwrap().content().unwrap().to_vec();
    fs::write(dir.join("info"), info).unwrap();
    let kind = "-econtent_type 1.2.840.113549.1.9.16.1.4";
    let sign = format!("cms -sign -cades -binary -nodetach {kind} -in info -outform DER -out forged -md sha256");
    good(dir, &format!("{sign} -signer {certificate} -inkey {key}"));
    Token::parse(&fs::read(dir.join("forged")).unwrap()).unwrap()
}

#[test]
fn only_a_certificate_for_nothing_but_time_stamps_is_believed() {
    let dir = folder(&TSA, "");
    fs::write(dir.path().join("root.key"), ROOT.key_pem()).unwrap();
    good(dir.path(), "req -new -key tsa.key -subj /CN=x -out x.csr");
    let with = |usages: &str| {
        fs::write(dir.path().join("x.ext"), usages.replace("; ", "\n")).unwrap();
        let issue = "x509 -req -in x.csr -CA root.pem -CAkey root.key -set_serial 7 -days 9 -extfile x.ext -out x.pem";
        good(dir.path(), issue);
        let token = signed_again(dir.path(), "x.pem", "tsa.key");
        let theirs = openssl(dir.path(), "ts -verify -data data -in forged -token_in -CAfile root.pem");
        (token.verify(&sha256(DATA), &trust()).map(|signer| signer.serial_hex()), theirs.status.success())
    };
    let only = "extendedKeyUsage=critical,timeStamping";
    let sign = "keyUsage=critical,digitalSignature";
    assert_eq!(with(&format!("{sign}; {only}")), (Ok("07".into()), true));
    assert_eq!(with(only), (Ok("07".into()), true), "keyUsage need not be there");
    for (usages, why) in [
        (format!("{sign}; extendedKeyUsage=timeStamping"), "extendedKeyUsage"),
        (format!("{sign}; {only},emailProtection"), "extendedKeyUsage"),
        (format!("{sign}; {only},1.2.3.4"), "extendedKeyUsage"),
        (format!("{sign}; extendedKeyUsage=critical,emailProtection"), "extendedKeyUsage"),
        (sign.to_owned(), "extendedKeyUsage"),
        (format!("{sign},keyEncipherment; {only}"), "purpose"),
    ] {
        let (ours, theirs) = with(&usages);
        let Err(Error::Path(PathError::Untrusted(text))) = ours else { panic!("{usages}: {ours:?}") };
        assert!(text.contains(why), "{usages}: {text}");
        // openssl passes over a usage that it does not know; RFC 3161 §2.3 does not.
        assert_eq!(theirs, usages.ends_with("1.2.3.4"), "{usages}");
    }
}

#[test]
fn a_providers_certificate_stamps_nothing() {
    let dir = folder(&TSA, "");
    let address = Address::parse("posta-certificata@gestore.example").unwrap();
    let mail = ROOT.issue_pec("Gestore", &address, EPOCH, EVER).unwrap();
    fs::write(dir.path().join("mail.pem"), &mail.certificate_pem).unwrap();
    fs::write(dir.path().join("mail.key"), &mail.key_pem).unwrap();
    let verdict = signed_again(dir.path(), "mail.pem", "mail.key").verify(&sha256(DATA), &trust());
    assert!(matches!(verdict, Err(Error::Path(PathError::Untrusted(_)))), "{verdict:?}");
    let verify = "ts -verify -data data -in forged -token_in -CAfile root.pem";
    assert!(!openssl(dir.path(), verify).status.success());
}

#[test]
fn the_time_stamp_authority_profile() {
    let dir = folder(&TSA, "");
    let shown = text(dir.path(), "x509 -in tsa.pem -noout -text");
    assert!(shown.contains("Subject: C = IT, O = Marche temporali, CN = Marche temporali"), "{shown}");
    let extensions = extensions(&shown);
    for (head, body) in [
        ("X509v3 Basic Constraints: critical", "CA:FALSE"),
        ("X509v3 Key Usage: critical", "Digital Signature"),
        ("X509v3 Extended Key Usage: critical", "Time Stamping"),
    ] {
        assert!(extensions.contains(&(head.to_owned(), body.to_owned())), "{head}: {extensions:?}");
    }
    good(dir.path(), "verify -x509_strict -purpose timestampsign -CAfile root.pem tsa.pem");
    assert!(!openssl(dir.path(), "verify -purpose smimesign -CAfile root.pem tsa.pem").status.success());
}
