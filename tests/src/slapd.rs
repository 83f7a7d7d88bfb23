//! A directory of the test's own (Debian: slapd), on a port for StartTLS and one for TLS; what is in it is written here.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::demo::{Guard, Ports, installed, run, wait_for};

/// What everything in it is below.
pub const BASE: &str = "dc=comune,dc=example";

/// A slapd that runs or is to run; it ends with its owner.
pub struct Slapd {
    folder: TempDir,
    ports: Ports,
    running: Option<Guard>,
}

impl Slapd {
    /// Starts one with a certificate and its key, PEM files both, and these entries (LDIF) below [`BASE`], where `cn=sigillo` with the
    /// password `cerca` may look for them. It lets in who names himself and gives no password (RFC 4513 §5.1.2): as nobody.
    #[track_caller]
    pub fn start(certificate: &Path, key: &Path, entries: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("sigillo-slapd-").tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("db")).expect("a folder");
        let schema = |name: &str| format!("include /etc/ldap/schema/{name}.schema\n");
        let settings = format!(
            "{}modulepath /usr/lib/ldap\nmoduleload back_mdb\nallow bind_anon_cred\nTLSCertificateFile {}\nTLSCertificateKeyFile {}\n\
             database mdb\nmaxsize 16777216\nsuffix \"{BASE}\"\nrootdn \"cn=admin,{BASE}\"\nrootpw admin\ndirectory {}\n\
             access to attrs=userPassword by * auth\naccess to * by dn.exact=\"cn=sigillo,{BASE}\" read by * auth\n",
            ["core", "cosine", "inetorgperson"].map(schema).concat(),
            certificate.display(),
            key.display(),
            path("db").display(),
        );
        fs::write(path("slapd.conf"), settings).expect("the settings");
        let entries = format!(
            "dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: comune\no: Comune\n\n\
             dn: cn=sigillo,{BASE}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: sigillo\nuserPassword: cerca\n\n{entries}"
        );
        // A copy: where AppArmor watches over the installed one, that reads its own folders alone.
        let program = installed("slapd").expect("slapd is not installed: .ci/packages --tests (Debian: slapd)");
        fs::copy(program, path("slapd")).expect("a copy of slapd");
        let conf = path("slapd.conf").to_string_lossy().into_owned();
        run(path("slapd"), &["-T", "add", "-f", &conf], entries.as_bytes(), 30).fine("slapadd");
        let mut slapd = Self { folder, ports: Ports::take(), running: None };
        slapd.resume();
        slapd
    }

    /// Starts it again with what it holds, and waits until it listens.
    #[track_caller]
    pub fn resume(&mut self) {
        let path = |name: &str| self.folder.path().join(name);
        let output = || fs::File::create(path("output")).expect("a file for the output");
        let mut command = Command::new(path("slapd"));
        command.arg("-f").arg(path("slapd.conf")).args([
            "-d",
            "stats",
            "-h",
            &format!("{} {}", self.plain(), self.tls()),
        ]);
        let mut process =
            Guard(command.stdin(Stdio::null()).stdout(output()).stderr(output()).spawn().expect("slapd starts"));
        wait_for("slapd", Duration::from_secs(30), || {
            let ended = process.0.try_wait().expect("a child of ours");
            assert!(ended.is_none(), "slapd ended with {ended:?}: {}", self.heard());
            TcpStream::connect(("127.0.0.1", self.ports.base + 1)).ok()
        });
        self.running = Some(process);
    }

    /// Ends it.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Where it speaks in clear, and under TLS when it is asked to.
    pub fn plain(&self) -> String {
        format!("ldap://localhost:{}", self.ports.base)
    }

    /// Where it speaks under TLS.
    pub fn tls(&self) -> String {
        format!("ldaps://localhost:{}", self.ports.base + 1)
    }

    /// What it writes of each request.
    pub fn heard(&self) -> String {
        fs::read_to_string(self.folder.path().join("output")).unwrap_or_default()
    }

    /// Changes what it holds (LDIF, `ldapmodify`).
    #[track_caller]
    pub fn modify(&self, changes: &str) {
        let admin = format!("cn=admin,{BASE}");
        run("ldapmodify", &["-x", "-H", &self.plain(), "-D", &admin, "-w", "admin"], changes.as_bytes(), 30)
            .fine("ldapmodify");
    }

    /// A file with the password of `cn=sigillo`.
    #[track_caller]
    pub fn secret(&self) -> PathBuf {
        let path = self.folder.path().join("secret");
        fs::write(&path, "cerca\n").expect("a file");
        path
    }
}
