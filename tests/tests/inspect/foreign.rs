//! Messages as other providers make them: the content of a golden, signed anew by openssl and put together by hand.

use std::process::Command;

use sigillo_mime::{Part, write};
use sigillo_tests::fixtures::Fixture;
use tempfile::TempDir;

/// Protocol and file name of signatures until about 2024, and those of today, as Aruba folds them (pec rule 2.2).
pub const OLD: (&str, &str) = (
    "Content-Type: multipart/signed; protocol=\"application/x-pkcs7-signature\"; micalg=\"sha1\"; boundary=\"----F\"",
    "Content-Type: application/x-pkcs7-signature; name=\"smime.p7s\"",
);
pub const NEW: (&str, &str) = (
    "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; \r\n\tmicalg=sha-256; boundary=\"----F\"",
    "Content-Type: application/pkcs7-signature; name=smime.p7s",
);

/// A folder for openssl.
pub struct Foreign(TempDir);

impl Foreign {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn openssl(&self, provider: &Fixture, entity: &[u8], how: &str) -> Vec<u8> {
        let file = |name: &str, bytes: &[u8]| {
            let path = self.0.path().join(name);
            std::fs::write(&path, bytes).expect("a file in the temporary folder is written");
            path
        };
        let (verb, more) = how.split_once(' ').unwrap_or((how, ""));
        let mut command = Command::new("openssl");
        command.arg(verb).args(["-sign", "-binary"]).args(more.split_whitespace());
        command.arg("-in").arg(file("entity", entity));
        command.arg("-signer").arg(file("cert.pem", provider.identity.certificate.to_pem().as_bytes()));
        command.arg("-inkey").arg(file("key.pem", provider.key_pem().as_bytes()));
        command.arg("-certfile").arg(file("ca.pem", provider.identity.chain[0].to_pem().as_bytes()));
        let output = command.output().expect("openssl starts");
        assert!(output.status.success(), "{how}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// A detached signature, `how` being a verb of openssl and its options.
    pub fn sign(&self, provider: &Fixture, entity: &[u8], how: &str) -> Vec<u8> {
        self.openssl(provider, entity, &format!("{how} -outform DER"))
    }

    /// The whole message as `openssl smime` writes it.
    pub fn smime(&self, provider: &Fixture, header: &str, entity: &[u8]) -> Vec<u8> {
        let signed = self.openssl(provider, entity, "smime -md sha1 -crlfeol");
        [header.as_bytes(), &signed].concat()
    }
}

/// What is signed in a message.
pub fn entity(message: &[u8]) -> Vec<u8> {
    message[tree(message).children[0].whole()].to_vec()
}

/// The header of a message without its MIME fields.
pub fn header(message: &[u8]) -> String {
    let tree = tree(message);
    let text = String::from_utf8(message[tree.header].to_vec()).expect("a header in ASCII");
    let end = text.find("MIME-Version").expect("MIME fields come last");
    text[..end].to_owned()
}

/// The same fields in Aruba's order of 2026, with its comment in the date (pec rule 2.2).
pub fn aruba(header: &str) -> String {
    let mut fields: Vec<String> = Vec::new();
    for line in header.split_inclusive("\r\n") {
        match fields.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
            _ => fields.push(line.to_owned()),
        }
    }
    let order = ["Date", "From", "To", "Message-ID", "Subject", "X-Ricevuta", "X-Riferimento-Message-ID"];
    let rank = |field: &String| order.iter().position(|n| field.starts_with(&format!("{n}:"))).unwrap_or(order.len());
    fields.sort_by_key(rank);
    let date = fields[0].trim_end().to_owned();
    fields[0] = format!("{date} (CEST)\r\n");
    fields.concat()
}

/// A multipart/signed without preamble.
pub fn message(header: &str, (outer, inner): (&str, &str), entity: &[u8], p7s: &[u8]) -> Vec<u8> {
    let head = format!("{header}MIME-Version: 1.0\r\n{outer}\r\n\r\n------F\r\n");
    let tail = format!(
        "\r\n------F\r\n{inner}\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n{}\r\n------F--\r\n",
        write::base64_lines(p7s)
    );
    [head.as_bytes(), entity, tail.as_bytes()].concat()
}

/// The entity with another content of `daticert.xml`.
pub fn with_daticert(entity: &[u8], xml: &[u8]) -> Vec<u8> {
    let part = daticert(entity);
    let lines = write::base64_lines(xml);
    [&entity[..part.body.start], lines.trim_end().as_bytes(), &entity[part.body.end..]].concat()
}

/// The entity with an ordinary part in place of `daticert.xml`.
pub fn without_daticert(entity: &[u8]) -> Vec<u8> {
    let part = daticert(entity);
    [&entity[..part.header.start], b"Content-Type: text/plain\r\n\r\nnulla", &entity[part.body.end..]].concat()
}

fn daticert(entity: &[u8]) -> Part {
    let found = tree(entity).children.into_iter().find(|p| p.file_name() == Some("daticert.xml"));
    found.expect("daticert.xml")
}

fn tree(message: &[u8]) -> Part {
    sigillo_mime::parse(message).expect("a message")
}
