//! `sigillo serve` and `sigillo config`: the sample, adapted to a folder and free ports.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use sigillo_tests::demo::{Guard, Ports, Ran, binary, run, sigillo, wait_for};
use tempfile::TempDir;

const SAMPLE: &str = include_str!("../../../config/sigillo.toml");
const ANNA: &str = "anna@comune-esempio.example";
const BRUNO: &str = "bruno@ente-esempio.example";

/// A folder with the sample on free ports, and the trial keys it names.
pub struct Sample {
    folder: TempDir,
    pub ports: Ports,
}

impl Sample {
    pub fn new() -> Self {
        let sample = Self { folder: TempDir::new().expect("a folder"), ports: Ports::take() };
        // Temporary folders of a test may be on a file system that forgets.
        let mut text = SAMPLE.replace("allow_volatile = false", "allow_volatile = true");
        // Whoever is given a mailbox goes in at once; how that is otherwise is told by `passwords`.
        for (strict, lenient) in
            [("first_change = true", "first_change = false"), ("min_length = 10", "min_length = 6")]
        {
            assert!(text.contains(strict), "the sample says {strict}");
            text = text.replace(strict, lenient);
        }
        for (i, port) in (0..).zip(["2525", "2587", "2465", "2143", "2993", "2110", "2995"]) {
            let old = format!("127.0.0.1:{port}");
            assert!(text.contains(&old), "the sample listens on {old}");
            text = text.replace(&old, &format!("127.0.0.1:{}", sample.ports.base + i));
        }
        sample.write(&text);
        sigillo(&["config", "init", &sample.folder.path().to_string_lossy()], 60).fine("config init");
        sample
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self) -> String {
        self.path("sigillo.toml").to_string_lossy().into_owned()
    }

    pub fn text(&self) -> String {
        fs::read_to_string(self.path("sigillo.toml")).expect("the configuration")
    }

    pub fn write(&self, text: &str) {
        fs::write(self.path("sigillo.toml"), text).expect("the configuration is written");
    }

    /// Line number, from 1, of the line that begins with a text.
    fn line(&self, start: &str) -> usize {
        self.text().lines().position(|l| l.starts_with(start)).expect("a line of the sample") + 1
    }

    fn check(&self) -> Ran {
        sigillo(&["config", "check", &self.file()], 30)
    }

    /// `serve` until it ends by itself, which it must.
    fn serve_to_its_end(&self) -> Ran {
        sigillo(&["serve", "--config", &self.file()], 30)
    }

    pub fn said(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.path(name)).unwrap_or_default();
        read("out") + &read("err")
    }

    pub fn serve(&self) -> Guard {
        self.serve_by(&["env"])
    }

    /// The same, started by another program.
    pub fn serve_by(&self, wrap: &[&str]) -> Guard {
        self.serve_with(wrap, Stdio::null())
    }

    /// The same, with this as the other program's standard input.
    pub fn serve_with(&self, wrap: &[&str], stdin: Stdio) -> Guard {
        let file = |name: &str| fs::File::create(self.path(name)).expect("a file");
        let mut command = Command::new(wrap[0]);
        command
            .args(&wrap[1..])
            .arg(binary())
            .args(["serve", "--config", &self.file()])
            .stdin(stdin)
            .stdout(file("out"))
            .stderr(file("err"));
        let mut guard = Guard(command.spawn().expect("the program starts"));
        wait_for("the service", Duration::from_secs(60), || {
            let ended = guard.0.try_wait().expect("a child of ours");
            assert!(ended.is_none(), "it ended with {ended:?}: {}", self.said());
            fs::read_to_string(self.path("out")).is_ok_and(|out| out.contains("in servizio")).then_some(())
        });
        guard
    }

    pub fn socket(&self) -> String {
        self.path("dati/admin.sock").to_string_lossy().into_owned()
    }

    pub fn add(&self, address: &str, password: &str) {
        let args = ["mailbox", "add", address, "--socket", &self.socket()];
        run(binary(), &args, format!("{password}\n").as_bytes(), 30).fine("mailbox add");
    }

    pub fn curl(&self, who: &str, url: &str, more: &[&str], input: &str) -> Ran {
        let (ca, login) = (self.path("prova/ca.pem"), format!("{who}:segreta"));
        let ca = ca.to_string_lossy();
        let args =
            [&["--silent", "--show-error", "--ssl-reqd", "--cacert", &ca, "--user", &login, url][..], more].concat();
        run("curl", &args, input.as_bytes(), 30)
    }

    /// SHA-256 of the certificate that the IMAPS port shows.
    fn shown(&self) -> String {
        let at = format!("127.0.0.1:{}", self.ports.base + 4);
        let shown = run("openssl", &["s_client", "-connect", &at], b"", 20).out;
        let print = run("openssl", &["x509", "-noout", "-fingerprint", "-sha256"], shown.as_bytes(), 10);
        print.fine("openssl x509").out
    }
}

#[test]
fn the_sample_serves_reloads_and_ends() {
    let sample = Sample::new();
    sample.check().fine("config check");
    let mut guard = sample.serve();
    sample.add(ANNA, "segreta");
    sample.add(BRUNO, "segreta");
    let status = run(binary(), &["status", "--socket", &sample.socket()], b"", 30).fine("status").out;
    assert!(status.contains("Esempio PEC S.p.A."), "{status}");

    let letter = format!("From: {ANNA}\r\nTo: {BRUNO}\r\nSubject: servizio\r\nMessage-ID: <one@x>\r\n\r\nCiao.\r\n");
    let send = ["--mail-from", ANNA, "--mail-rcpt", BRUNO, "--upload-file", "-"];
    let url = format!("smtp://127.0.0.1:{}", sample.ports.base + 1);
    sample.curl(ANNA, &url, &send, &letter).fine("curl sends");
    let inbox = format!("imaps://127.0.0.1:{}/INBOX", sample.ports.base + 4);
    let has = |who: &str, subject: &str| {
        wait_for(subject, Duration::from_secs(30), || {
            let search = format!("SEARCH SUBJECT \"{subject}\"");
            let ran = sample.curl(who, &inbox, &["--request", &search], "").fine("curl reads");
            ran.out.trim().strip_prefix("* SEARCH").is_some_and(|n| !n.trim().is_empty()).then_some(())
        });
    };
    has(BRUNO, "POSTA CERTIFICATA: servizio");
    has(ANNA, "CONSEGNA: servizio");

    // SIGHUP: a new certificate on the ports, without an end of service.
    let before = sample.shown();
    fs::remove_file(sample.path("prova/tls.pem")).expect("the old certificate");
    fs::remove_file(sample.path("prova/tls.key")).expect("the old key");
    sigillo(&["config", "init", &sample.folder.path().to_string_lossy()], 60).fine("config init makes a new one");
    guard.signal("HUP");
    wait_for("the new certificate", Duration::from_secs(20), || (sample.shown() != before).then_some(()));

    // A damaged index at a reload: said, and nothing changes.
    let index = fs::read(sample.path("prova/igpec.ldif.p7m")).expect("the index");
    fs::write(sample.path("prova/igpec.ldif.p7m"), &index[..index.len() / 2]).expect("half an index");
    guard.signal("HUP");
    wait_for("the complaint", Duration::from_secs(20), || sample.said().contains("index.file").then_some(()));
    assert!(guard.0.try_wait().expect("a child of ours").is_none(), "it must go on");
    sample.curl(ANNA, &url, &send, &letter.replace("one@x", "two@x").replace("servizio", "ancora")).fine("still up");
    has(ANNA, "CONSEGNA: ancora");
    let configured = |what: &str, wanted: usize| {
        wait_for(what, Duration::from_secs(20), || {
            let log = run(binary(), &["log", "show", "--socket", &sample.socket()], b"", 30).fine("log show").out;
            (log.lines().filter(|line| line.contains(what)).count() == wanted).then_some(())
        });
    };
    configured("PEC_Config OK", 1);
    configured("PEC_Config ERR", 1);

    guard.signal("TERM");
    assert_eq!(guard.end(Duration::from_secs(45)), Some(0), "{}", sample.said());
    assert!(!sample.path("dati/admin.sock").exists(), "the socket is left behind");
    // Another configuration at a start is an event too; the same one is none.
    fs::write(sample.path("prova/igpec.ldif.p7m"), &index).expect("the index is whole again");
    for wanted in [1, 2, 2] {
        if wanted == 2 {
            sample.write(&format!("{}\n# altro\n", sample.text().trim_end().trim_end_matches("# altro").trim_end()));
        }
        let mut again = sample.serve();
        configured("PEC_Config OK", wanted);
        again.signal("TERM");
        assert_eq!(again.end(Duration::from_secs(45)), Some(0), "{}", sample.said());
    }
}

#[test]
fn the_sample_as_it_stands_names_what_is_missing_and_how_to_get_it() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("sigillo.toml");
    fs::write(&file, SAMPLE).expect("a copy");
    let ran = sigillo(&["config", "check", &file.to_string_lossy()], 30);
    assert_eq!(ran.code, Some(2), "{}", ran.all());
    for what in
        ["sigillo.toml:", "`tls.certificate`", "`signing.certificate`", "`trust.anchors`", "rimedio", "config init"]
    {
        assert!(ran.err.contains(what), "{what} is not in: {}", ran.err);
    }
    sigillo(&["config", "init", &folder.path().to_string_lossy()], 60).fine("config init");
    sigillo(&["config", "check", &file.to_string_lossy()], 30).fine("config check after init");
    assert_eq!(fs::read_to_string(&file).expect("the sample"), SAMPLE, "init must not touch the configuration");
}

#[test]
fn errors_of_a_configuration_name_file_line_key_and_remedy() {
    let sample = Sample::new();
    let good = sample.text();
    let cases = [
        ("memory_mb = 256", "memori_mb = 256", "store.memori_mb", "memory_mb"),
        ("workers = 0", "workers = \"molti\"", "limits.workers", "rimedio"),
        (
            "service_address = \"posta-certificata@",
            "service_address = \"posta certificata@",
            "provider.service_address",
            "rimedio",
        ),
        ("format = \"human\"", "format = \"xml\"", "log.format", "rimedio"),
        ("second_factor = \"optional\"", "second_factor = \"sempre\"", "admin.second_factor", "rimedio"),
        ("imap = [\"127.0.0.1:", "imap = [\"127.0.0.1.1:", "listen.imap", "rimedio"),
        (
            "certificate = \"prova/firma.pem\"",
            "certificate = \"prova/manca.pem\"",
            "signing.certificate",
            "prova/manca.pem",
        ),
        ("key = \"prova/firma.key\"", "key = \"prova/ca.key\"", "signing.key", "rimedio"),
    ];
    for (old, new, key, remedy) in cases {
        assert!(good.contains(old), "{old} is in the sample");
        sample.write(&good.replacen(old, new, 1));
        let line = sample.line(new);
        for ran in [sample.check(), sample.serve_to_its_end()] {
            assert_eq!(ran.code, Some(2), "{new}: {}", ran.all());
            let place = format!("sigillo.toml:{line}:");
            for what in [place.as_str(), &format!("`{key}`"), remedy] {
                assert!(ran.err.contains(what), "{new}: {what} is not in: {}", ran.err);
            }
        }
    }
    sample.write(&good);
    sample.check().fine("the good one");
    let gone = sample.path("gone.toml").to_string_lossy().into_owned();
    let ran = sigillo(&["serve", "--config", &gone], 30);
    assert!(ran.code == Some(2) && ran.err.contains("gone.toml"), "{}", ran.all());
    let english = sigillo(&["--lang", "en", "config", "check", &gone], 30);
    assert!(english.err.contains("cannot be read"), "{}", english.all());
}

#[test]
fn a_corrupt_index_does_not_start_and_says_which_file() {
    let sample = Sample::new();
    let file = sample.path("prova/igpec.ldif.p7m");
    let good = fs::read(&file).expect("the index");
    let mut altered = good.clone();
    let middle = altered.windows(12).position(|w| w == b"providerName").expect("LDIF inside") + 15;
    altered[middle] ^= 1;
    for (what, bytes) in
        [("half", &good[..good.len() / 2]), ("altered", &altered[..]), ("text", b"no index\n"), ("empty", b"")]
    {
        fs::write(&file, bytes).expect("a damaged index");
        for ran in [sample.check(), sample.serve_to_its_end()] {
            assert_eq!(ran.code, Some(2), "{what}: {}", ran.all());
            for part in ["`index.file`", "igpec.ldif.p7m", "rimedio"] {
                assert!(ran.err.contains(part), "{what}: {part} is not in: {}", ran.err);
            }
        }
    }
}

#[test]
fn an_occupied_port_is_exit_3_and_named_with_its_key() {
    let sample = Sample::new();
    let port = sample.ports.base + 2;
    let _other = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    let ran = sample.serve_to_its_end();
    assert_eq!(ran.code, Some(3), "{}", ran.all());
    let line = format!("sigillo.toml:{}:", sample.line("submissions ="));
    for what in [line.as_str(), "`listen.submissions`", &port.to_string(), "rimedio"] {
        assert!(ran.err.contains(what), "{what} is not in: {}", ran.err);
    }
}

#[test]
fn two_services_on_one_store_are_refused() {
    let sample = Sample::new();
    let mut guard = sample.serve();
    let ran = sample.serve_to_its_end();
    assert_eq!(ran.code, Some(3), "{}", ran.all());
    assert!(ran.err.contains("store.path"), "{}", ran.err);
    guard.signal("INT");
    assert_eq!(guard.end(Duration::from_secs(45)), Some(0), "{}", sample.said());
}

#[test]
fn the_index_is_published_checked_shown_and_looked_for() {
    let sample = Sample::new();
    let path = |name: &str| sample.path(name).to_string_lossy().into_owned();
    let (out, ca, crl) = (path("esempio.ldif.p7m"), path("prova/ca.pem"), path("prova/ca.crl"));
    let url = "https://pec.esempio.example/esempio.ldif.p7m";
    sigillo(&["index", "publish", "--config", &sample.file(), "--out", &out, "--url", url], 30).fine("index publish");
    let verify = ["cms", "-verify", "-binary", "-inform", "DER", "-in", &out, "-CAfile", &ca];
    let ldif = run("openssl", &verify, b"", 20).fine("openssl verifies it").out;
    assert!(ldif.contains(url) && ldif.contains("managedDomains: comune-esempio.example"), "{ldif}");
    let check = sigillo(&["index", "check", &out, "--ca", &ca, "--crl", &crl], 30).fine("index check");
    assert!(check.out.contains("va bene"), "{}", check.all());
    let shown = sigillo(&["index", "show", "--file", &out, "--ca", &ca, "--json"], 30).fine("index show --file");
    assert!(shown.out.contains(url), "{}", shown.all());
    for (arguments, code) in [
        (vec!["index", "check", &sample.file(), "--ca", &ca], 1),
        (vec!["index", "check", "gone.p7m", "--ca", &ca], 2),
        (vec!["index", "show", "--file", &out], 2),
        (vec!["index", "publish", "--config", &sample.file(), "--out", &out, "--url", "pec.example"], 2),
    ] {
        let ran = sigillo(&arguments, 30);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.all());
    }

    let mut guard = sample.serve();
    let socket = sample.socket();
    let used = sigillo(&["index", "show", "--socket", &socket], 30).fine("index show");
    assert!(used.out.contains("Esempio PEC S.p.A."), "{}", used.all());
    let same = sigillo(&["index", "update", "--socket", &socket], 30).fine("index update");
    assert!(same.out.contains("la più recente"), "{}", same.all());
    fs::write(sample.path("prova/igpec.ldif.p7m"), "dn: o=postacert\n").expect("an unsigned index");
    let refused = sigillo(&["index", "update", "--socket", &socket], 30);
    assert!(refused.code == Some(1) && refused.err.contains("igpec.ldif.p7m"), "{}", refused.all());
    let status = sigillo(&["status", "--socket", &socket], 30).fine("status");
    assert!(status.out.contains("errore (1)"), "{}", status.out);
    guard.signal("TERM");
    assert_eq!(guard.end(Duration::from_secs(45)), Some(0), "{}", sample.said());
}

/// Memory that calls itself a disk is no place for mail, unless somebody says so.
#[test]
fn a_store_in_memory_or_in_another_users_folder_is_refused_with_a_remedy() {
    let sample = Sample::new();
    let Ok(memory) = TempDir::new_in("/dev/shm") else { return eprintln!("skipped: there is no /dev/shm") };
    let kind = run("stat", &["-f", "-c", "%T", &memory.path().to_string_lossy()], b"", 5).out;
    if kind.trim() != "tmpfs" {
        return eprintln!("skipped: /dev/shm is {kind}");
    }
    let store = memory.path().join("dati").to_string_lossy().into_owned();
    let told = sample.text();
    let moved = told.replace("path = \"dati\"", &format!("path = \"{store}\""));
    sample.write(&moved.replace("allow_volatile = true", ""));
    let refused = sigillo(&["serve", "--config", &sample.file()], 30);
    assert_eq!(refused.code, Some(3), "{}", refused.all());
    let place = format!(":{}: chiave `store.path`: ", sample.line("path = "));
    for part in [&place, "tmpfs", "rimedio", "store.allow_volatile = true"] {
        assert!(refused.err.contains(part), "{part}: {}", refused.all());
    }
    assert!(!memory.path().join("dati/db").exists(), "nothing was written");
    sample.write(&told);
    let own = sample.path("dati");
    fs::create_dir_all(&own).expect("a folder");
    if std::os::unix::fs::chown(&own, Some(4711), None).is_ok() {
        let refused = sigillo(&["--lang", "en", "serve", "--config", &sample.file()], 30);
        assert_eq!(refused.code, Some(3), "{}", refused.all());
        assert!(refused.err.contains("belongs to user 4711") && refused.err.contains("chown"), "{}", refused.all());
    }
}
