//! The signing key in a device (SoftHSM): what it signs openssl believes, without it nothing is taken and nothing is lost, and when it
//! is back the service goes on by itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sigillo_tests::demo::{Ran, binary, run, wait_for};

use crate::serve::Sample;

const ANNA: &str = "anna@comune-esempio.example";
const BRUNO: &str = "bruno@ente-esempio.example";

/// Where Debian's libsofthsm2 is.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// The sample, whose signing key is in a device alone.
struct Device {
    sample: Sample,
}

impl Device {
    fn new() -> Self {
        let sample = Sample::new();
        fs::create_dir(sample.path("dispositivo")).expect("a folder");
        let settings = format!("directories.tokendir = {}\n", sample.path("dispositivo").display());
        fs::write(sample.path("softhsm2.conf"), settings).expect("the settings");
        fs::write(sample.path("firma.pin"), "1234\n").expect("the PIN");
        let device = Self { sample };
        let key = device.sample.path("prova/firma.key");
        device.softhsm(&["--init-token", "--free", "--label", "Firma PEC", "--so-pin", "12345678", "--pin", "1234"]);
        device.import(&key, "pec", "01");
        fs::remove_file(key).expect("no key in a file any more");
        device.configure("pec", "firma.pin");
        device
    }

    fn configure(&self, object: &str, pin: &str) {
        let text = self.sample.text();
        let line = text.lines().find(|l| l.starts_with("key = \"prova/firma") || l.starts_with("key = \"pkcs11:"));
        let uri =
            format!("key = \"pkcs11:token=Firma%20PEC;object={object}?module-path={MODULE}&pin-source=file:{pin}\"");
        self.sample.write(&text.replacen(line.expect("the signing key"), &uri, 1));
    }

    fn environment(&self) -> String {
        format!("SOFTHSM2_CONF={}", self.sample.path("softhsm2.conf").display())
    }

    fn softhsm(&self, args: &[&str]) {
        run("env", &[&[self.environment().as_str(), "softhsm2-util"][..], args].concat(), b"", 30)
            .fine("softhsm2-util");
    }

    fn import(&self, key: &Path, label: &str, id: &str) {
        let key = key.to_string_lossy();
        self.softhsm(&["--import", &key, "--token", "Firma PEC", "--label", label, "--id", id, "--pin", "1234"]);
    }

    fn sigillo(&self, verb: &[&str]) -> Ran {
        let program = binary().to_string_lossy().into_owned();
        let file = self.sample.path("sigillo.toml").to_string_lossy().into_owned();
        run("env", &[&[self.environment().as_str(), &program][..], verb, &[&file]].concat(), b"", 90)
    }

    /// What the doctor says of it.
    fn doctor(&self) -> String {
        let said = self.sigillo(&["doctor", "--json", "--config"]).out;
        let told: serde_json::Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
        let all = told["findings"].as_array().expect("findings");
        let own = all.iter().find(|finding| finding["check"] == "signing-device").expect("its check");
        format!("{}: {}", own["state"].as_str().expect("a state"), own["found"].as_str().expect("a text"))
    }

    fn send(&self, subject: &str) -> Ran {
        let letter =
            format!("From: {ANNA}\r\nTo: {BRUNO}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n\r\nCiao.\r\n");
        let url = format!("smtp://127.0.0.1:{}", self.sample.ports.base + 1);
        self.sample.curl(
            ANNA,
            &url,
            &["--mail-from", ANNA, "--mail-rcpt", BRUNO, "--upload-file", "-", "--verbose"],
            &letter,
        )
    }

    /// The message of this subject, when it has come.
    fn read(&self, who: &str, subject: &str) -> String {
        let inbox = format!("imaps://127.0.0.1:{}/INBOX", self.sample.ports.base + 4);
        let search = format!("SEARCH SUBJECT \"{subject}\"");
        let uid = wait_for(subject, Duration::from_secs(60), || {
            let found = self.sample.curl(who, &inbox, &["--request", &search], "").fine("curl searches").out;
            found.trim().strip_prefix("* SEARCH")?.split_whitespace().next().map(str::to_owned)
        });
        self.sample.curl(who, &format!("{inbox};MAILINDEX={uid}"), &[], "").fine("curl reads").out
    }

    fn hidden(&self) -> PathBuf {
        self.sample.path("altrove")
    }
}

/// What openssl says of a signed message.
fn verified(sample: &Sample, message: &str) {
    let ca = sample.path("prova/ca.pem").to_string_lossy().into_owned();
    for tool in ["smime", "cms"] {
        run("openssl", &[tool, "-verify", "-CAfile", &ca, "-out", "/dev/null"], message.as_bytes(), 30).fine(tool);
    }
}

#[test]
fn what_the_device_signs_openssl_believes_and_without_it_nothing_is_taken() {
    let device = Device::new();
    let _service = device.sample.serve_by(&["env", &device.environment()]);
    device.sample.add(ANNA, "segreta");
    device.sample.add(BRUNO, "segreta");
    device.send("primo").fine("curl sends");
    for (who, subject) in
        [(ANNA, "ACCETTAZIONE: primo"), (BRUNO, "POSTA CERTIFICATA: primo"), (ANNA, "CONSEGNA: primo")]
    {
        verified(&device.sample, &device.read(who, subject));
    }
    assert!(device.doctor().starts_with("fine: "), "{}", device.doctor());

    // Taken away while it serves.
    fs::rename(device.sample.path("dispositivo"), device.hidden()).expect("moved");
    let refused = device.send("secondo");
    assert!(refused.code != Some(0) && refused.err.contains("< 451 4.3.0"), "{}", refused.all());
    assert!(device.doctor().starts_with("error: "), "{}", device.doctor());
    let inbox = format!("imaps://127.0.0.1:{}/INBOX", device.sample.ports.base + 4);
    device.sample.curl(BRUNO, &inbox, &["--request", "NOOP"], "").fine("mailboxes are read meanwhile");

    // Back: without a restart.
    fs::rename(device.hidden(), device.sample.path("dispositivo")).expect("moved back");
    wait_for("the device", Duration::from_secs(30), || (device.send("terzo").code == Some(0)).then_some(()));
    verified(&device.sample, &device.read(ANNA, "CONSEGNA: terzo"));
    assert!(!device.sample.said().contains("1234"), "no PIN in a log");
}

#[test]
fn a_start_without_the_device_serves_mailboxes_and_another_key_is_not_taken_for_ours() {
    let device = Device::new();
    fs::rename(device.sample.path("dispositivo"), device.hidden()).expect("moved");
    fs::create_dir(device.sample.path("dispositivo")).expect("an empty one");
    let service = device.sample.serve_by(&["env", &device.environment()]);
    device.sample.add(ANNA, "segreta");
    let refused = device.send("primo");
    assert!(refused.code != Some(0) && refused.err.contains("< 451 4.3.0"), "{}", refused.all());
    assert!(device.sample.said().contains("the signing device is away"), "{}", device.sample.said());
    drop(service);
    fs::remove_dir(device.sample.path("dispositivo")).expect("still empty");
    fs::rename(device.hidden(), device.sample.path("dispositivo")).expect("moved back");

    device.sigillo(&["config", "check"]).fine("config check");
    let other = device.sample.path("altra.key").to_string_lossy().into_owned();
    run("openssl", &["genpkey", "-algorithm", "RSA", "-out", &other], b"", 60).fine("openssl genpkey");
    device.import(Path::new(&other), "altra", "02");
    fs::write(device.sample.path("sbagliato.pin"), "4321\n").expect("a PIN");
    for (object, pin, says) in [
        ("altra", "firma.pin", "non è quella del certificato"),
        ("manca", "firma.pin", "non c'è questa chiave"),
        ("pec", "sbagliato.pin", "ha rifiutato questo PIN"),
        ("pec", "manca.pin", "manca.pin"),
    ] {
        device.configure(object, pin);
        let said = device.sigillo(&["config", "check"]);
        assert!(
            said.code == Some(2) && said.err.contains(says) && said.err.contains("`signing.key`"),
            "{}",
            said.all()
        );
        assert!(!said.all().contains("4321"), "no PIN is told");
    }
}
