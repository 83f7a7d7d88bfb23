//! A name server of the test's own (Debian: knot): its zones are written here, and signed by it where that is wanted.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::demo::{Guard, Ports, installed, run, wait_for};

/// A zone.
pub struct Zone<'z> {
    /// Its name, without a dot at the end.
    pub name: &'z str,
    /// Its records as in a zone file, relative to its name; SOA and NS are there already. `None`: the server has no
    /// such file, and answers SERVFAIL.
    pub records: Option<&'z str>,
    /// Whether it is signed.
    pub signed: bool,
}

/// A running knotd on a port of 127.0.0.1; it ends with its owner.
pub struct Knot {
    _process: Guard,
    folder: TempDir,
    ports: Ports,
}

impl Knot {
    /// Starts it and waits until it answers. A zone below another one is delegated by the upper one's own records.
    #[track_caller]
    pub fn start(zones: &[Zone<'_>]) -> Self {
        let folder = tempfile::Builder::new().prefix("sigillo-knot-").tempdir().expect("a temporary folder");
        let ports = Ports::take();
        let path = |name: &str| folder.path().join(name);
        let mut settings = format!(
            "server:\n  rundir: {0}\n  listen: 127.0.0.1@{1}\nlog:\n  - target: stderr\n    any: info\n\
             database:\n  storage: {0}\npolicy:\n  - id: own\n    single-type-signing: on\n    algorithm: ecdsap256sha256\n\
             template:\n  - id: default\n    storage: {0}\n    file: \"%s.zone\"\n    zonefile-sync: -1\n    journal-content: none\n\
             zone:\n",
            folder.path().display(),
            ports.base,
        );
        for zone in zones {
            let signing = if zone.signed { "    dnssec-signing: on\n    dnssec-policy: own\n" } else { "" };
            write!(settings, "  - domain: {}.\n{signing}", zone.name).expect("a text");
            let Some(records) = zone.records else { continue };
            let text = format!(
                "$ORIGIN {0}.\n$TTL 300\n@ SOA ns.{0}. root.{0}. 1 3600 900 86400 300\n@ NS ns.{0}.\nns A 127.0.0.1\n{records}\n",
                zone.name
            );
            fs::write(path(&format!("{}.zone", zone.name)), text).expect("a zone");
        }
        fs::write(path("knot.conf"), settings).expect("the settings");
        let program = installed("knotd").expect("knotd is not installed: .ci/packages --tests (Debian: knot)");
        let output = || fs::File::create(path("output")).expect("a file for the output");
        let mut command = Command::new(program);
        command.arg("-c").arg(path("knot.conf")).stdin(Stdio::null()).stdout(output()).stderr(output());
        let mut process = Guard(command.spawn().expect("knotd starts"));
        let at = SocketAddr::from(([127, 0, 0, 1], ports.base));
        wait_for("knotd", Duration::from_secs(30), || {
            let ended = process.0.try_wait().expect("a child of ours");
            let said = fs::read_to_string(path("output")).unwrap_or_default();
            assert!(ended.is_none(), "knotd ended with {ended:?}: {said}");
            let loaded = said.matches("] loaded, serial").count();
            (loaded >= zones.iter().filter(|z| z.records.is_some()).count() && TcpStream::connect(at).is_ok())
                .then_some(())
        });
        Self { _process: process, folder, ports }
    }

    /// Where it listens, over UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.ports.base))
    }

    /// A file with the keys of a signed zone, for `dns.anchors`.
    #[track_caller]
    pub fn anchors(&self, zone: &str) -> PathBuf {
        let port = self.ports.base.to_string();
        let asked =
            ["@127.0.0.1", "-p", &port, &format!("{zone}."), "DNSKEY", "+noall", "+answer", "+noclass", "+nottl"];
        let keys = run("kdig", &asked, b"", 10).fine("kdig").out;
        let keys: String = keys.lines().filter(|l| l.contains("DNSKEY")).fold(String::new(), |all, line| {
            let (name, rest) = line.split_once(char::is_whitespace).expect("name and record");
            all + &format!("{name} 300 IN {}\n", rest.trim())
        });
        assert!(!keys.is_empty(), "{zone} is not signed");
        let path = self.folder.path().join(format!("{zone}.anchors"));
        fs::write(&path, keys).expect("a file of keys");
        path
    }
}
