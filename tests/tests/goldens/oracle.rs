//! Programs that are not ours, run as child processes in a folder that goes away.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize;
use sigillo_tests::fixtures;
use tempfile::TempDir;

/// A folder with the authority's certificate in it.
pub struct Bench(TempDir);

/// What openssl said of a message whose signature holds.
pub struct Verified {
    pub signer_email: String,
    /// The signed bytes.
    pub content: Vec<u8>,
}

/// What Python's email package read.
#[derive(Debug, Deserialize)]
pub struct Read {
    pub subject: String,
    /// The bare address.
    pub from: String,
    /// `multipart/signed(multipart/mixed(…),…)`
    pub structure: String,
    /// File names of the parts, outside in, without those of the enclosed message.
    pub names: Vec<String>,
    pub defects: Vec<String>,
    pub plain: String,
    /// The text/html part without its tags and entities, on one line.
    pub plain_of_html: String,
    pub daticert: Option<String>,
    pub enclosed_message_id: Option<String>,
}

impl Bench {
    pub fn new() -> Self {
        let bench = Self(tempfile::tempdir().expect("a temporary folder"));
        std::fs::write(bench.path("ca.pem"), fixtures::ca_pem()).expect("ca.pem is written");
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("a file in the temporary folder is written");
        path
    }

    /// `openssl cms -verify` at the goldens' instant, for their certificates are not for ever.
    pub fn verify(&self, message: &[u8]) -> Result<Verified, String> {
        let mail = self.write("message.eml", message);
        let (content, signer) = (self.path("content"), self.path("signer.pem"));
        let at = fixtures::NOW.as_secs().to_string();
        let mut command = Command::new("openssl");
        command.args(["cms", "-verify", "-purpose", "any", "-attime", &at, "-in"]).arg(mail);
        command.arg("-CAfile").arg(self.path("ca.pem")).arg("-out").arg(&content).arg("-signer").arg(&signer);
        run(&mut command)?;
        let email = run(Command::new("openssl").args(["x509", "-noout", "-email", "-in"]).arg(signer))?;
        let signer_email = String::from_utf8_lossy(&email.stdout).trim().to_owned();
        Ok(Verified { signer_email, content: std::fs::read(content).map_err(|e| e.to_string())? })
    }

    /// `xmllint --dtdvalid` with the DTD beside the goldens.
    pub fn validate(&self, xml: &str) -> Result<(), String> {
        let file = self.write("daticert.xml", xml.as_bytes());
        let dtd = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/postacert.dtd");
        run(Command::new("xmllint").args(["--nonet", "--noout", "--dtdvalid"]).arg(dtd).arg(file)).map(|_| ())
    }

    /// The same for many files in one run.
    pub fn validate_all(&self, xml: &[String]) -> Result<(), String> {
        let name = |i: usize| format!("daticert-{i}.xml");
        let files = xml.iter().enumerate().map(|(i, text)| self.write(&name(i), text.as_bytes()));
        let dtd = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/postacert.dtd");
        run(Command::new("xmllint").args(["--nonet", "--noout", "--dtdvalid"]).arg(dtd).args(files)).map(|_| ())
    }

    /// Python's email package reads all of them in one process.
    pub fn python(&self, messages: &[(&str, &[u8])]) -> Vec<Read> {
        self.script(SCRIPT, messages)
    }

    /// Runs a script over these files; it writes JSON.
    pub fn script<T: serde::de::DeserializeOwned>(&self, script: &str, messages: &[(&str, &[u8])]) -> T {
        let files = messages.iter().map(|(name, bytes)| self.write(&format!("{name}.eml"), bytes));
        let output = run(Command::new("python3").args(["-c", script]).args(files)).expect("python reads the files");
        serde_json::from_slice(&output.stdout).expect("python writes JSON")
    }

    /// A detached signature that openssl makes over these bytes, with these options, in DER or BER.
    pub fn sign(&self, content: &[u8], certificate_pem: &str, key_pem: &str, options: &[&str]) -> Vec<u8> {
        let (content, out) = (self.write("signed-content", content), self.path("foreign.p7s"));
        let (certificate, key) = (
            self.write("signer-cert.pem", certificate_pem.as_bytes()),
            self.write("signer-key.pem", key_pem.as_bytes()),
        );
        let mut command = Command::new("openssl");
        command.args(["cms", "-sign", "-binary", "-outform", "DER"]).args(options).arg("-in").arg(content);
        command.arg("-signer").arg(certificate).arg("-inkey").arg(key).arg("-certfile").arg(self.path("ca.pem"));
        run(command.arg("-out").arg(&out)).expect("openssl signs");
        std::fs::read(out).expect("the signature is there")
    }
}

fn run(command: &mut Command) -> Result<Output, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|e| format!("{program} does not start: {e}"))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr)))
}

const SCRIPT: &str = r#"
import email, email.policy, email.utils, html, json, re, sys

def structure(part):
    kind = part.get_content_type()
    inner = [structure(p) for p in part.iter_parts()] if part.is_multipart() else []
    return kind + ("(" + ",".join(inner) + ")" if inner else "")

def walk(part):
    yield part
    if part.is_multipart() and part.get_content_type() != "message/rfc822":
        for p in part.iter_parts():
            yield from walk(p)

def defects(message):
    found = []
    for part in message.walk():
        found += [str(d) for d in part.defects]
        for name in part.keys():
            found += [name + ": " + str(d) for d in part[name].defects]
    return found

def read(path):
    with open(path, "rb") as f:
        message = email.message_from_binary_file(f, policy=email.policy.default)
    out = {"subject": message["Subject"], "structure": structure(message), "defects": defects(message), "names": [],
           "daticert": None, "enclosed_message_id": None, "from": message["From"].addresses[0].addr_spec}
    for part in walk(message):
        if part.get_filename():
            out["names"].append(part.get_filename())
        if part.get_filename() == "daticert.xml":
            out["daticert"] = part.get_payload(decode=True).decode("utf-8")
        if part.get_content_type() == "text/plain" and "plain" not in out:
            out["plain"] = part.get_content()
        if part.get_content_type() == "text/html" and "plain_of_html" not in out:
            text = re.sub(r"<head>.*?</head>", "", part.get_content(), flags=re.S)
            text = html.unescape(re.sub(r"<[^>]*>", "", text))
            out["plain_of_html"] = " ".join(line for line in text.splitlines() if line)
        if part.get_content_type() == "message/rfc822":
            out["enclosed_message_id"] = part.get_content()["Message-ID"]
    return out

json.dump([read(p) for p in sys.argv[1:]], sys.stdout)
"#;
