//! openssl and xmllint.

use std::path::Path;

use sigillo_tests::demo::{Piece, Ran, run};
use tempfile::TempDir;

/// What openssl and xmllint found in a message that is as it should be.
pub struct Judged {
    /// Subject of the signer's certificate.
    pub subject: String,
    /// rfc822Name of the signer's certificate.
    pub email: String,
}

/// `openssl cms -verify`.
pub fn verify(file: &Path, ca: &Path, signer: &Path) -> Ran {
    let (file, ca, signer) = (file.to_string_lossy(), ca.to_string_lossy(), signer.to_string_lossy());
    run("openssl", &["cms", "-verify", "-in", &file, "-CAfile", &ca, "-out", "/dev/null", "-signer", &signer], b"", 20)
}

/// `xmllint --dtdvalid` with the DTD of RFC 6109 §4.4.
pub fn validate(xml: &[u8]) -> Ran {
    let dtd = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/postacert.dtd");
    run("xmllint", &["--nonet", "--noout", "--dtdvalid", dtd, "-"], xml, 20)
}

/// Everything that outsiders can say of a system message: its signature, its certification data.
#[track_caller]
pub fn judge(raw: &[u8], daticert: Option<&str>, ca: &Path) -> Judged {
    let folder = TempDir::new().expect("a folder");
    let (file, signer) = (folder.path().join("message.eml"), folder.path().join("signer.pem"));
    std::fs::write(&file, raw).expect("a file");
    verify(&file, ca, &signer).fine("openssl cms -verify");
    validate(daticert.expect("daticert.xml").as_bytes()).fine("xmllint --dtdvalid");
    let name = signer.to_string_lossy();
    let subject = run("openssl", &["x509", "-noout", "-subject", "-in", &name], b"", 10).fine("openssl x509").out;
    let email = run("openssl", &["x509", "-noout", "-email", "-in", &name], b"", 10).fine("openssl x509").out;
    Judged { subject: subject.trim().to_owned(), email: email.trim().to_owned() }
}

/// The same for a message from a mailbox.
#[track_caller]
pub fn judge_piece(piece: &Piece, ca: &Path) -> Judged {
    judge(&piece.raw(), piece.daticert.as_deref(), ca)
}

#[test]
fn the_judges_can_refuse() {
    assert_ne!(validate(b"<postacert><dati/></postacert>").code, Some(0), "xmllint accepts anything");
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("message.eml");
    let golden = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/goldens/accettazione.eml")).expect("a golden");
    std::fs::write(&file, golden).expect("a file");
    let other = folder.path().join("ca.pem");
    std::fs::write(&other, "no certificate\n").expect("a file");
    assert_ne!(verify(&file, &other, &folder.path().join("signer.pem")).code, Some(0), "openssl accepts anything");
}
