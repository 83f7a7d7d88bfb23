//! Pebble, Let's Encrypt's own ACME server for tests (Debian: `pebble`), with pebble-challtestsrv for the names.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use sigillo_server::clock::system_time;
use sigillo_server::trial::DAY;
use sigillo_smime::authority::Authority;

use crate::demo::{Guard, installed, wait_for};

/// A running ACME server; every name leads to 127.0.0.1.
pub struct Pebble {
    folder: PathBuf,
    ports: [u16; 4],
    // Killed with it.
    names: Guard,
    server: Option<Guard>,
}

impl Pebble {
    /// Begins on four ports from `base`, with files in a folder of its own. It asks for answers at `http`, and its
    /// certificates live for `life`.
    #[track_caller]
    pub fn start(folder: &Path, base: u16, http: u16, life: Duration) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let ports = [base, base + 1, base + 2, base + 3];
        let now = system_time();
        let authority = Authority::new("CA di Pebble", now.minus(DAY), now.plus(DAY * 30)).expect("an authority");
        let loopback = ["127.0.0.1".parse().expect("an address")];
        let shown = authority.issue_tls(&["localhost".to_owned()], &loopback, now.minus(DAY), now.plus(DAY * 29));
        let shown = shown.expect("a certificate");
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file");
        write("ca.pem", authority.certificate_pem());
        write("tls.pem", &shown.certificate_pem);
        write("tls.key", &shown.key_pem);
        let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let config = json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{}", ports[0]),
            "managementListenAddress": format!("127.0.0.1:{}", ports[1]),
            "certificate": path("tls.pem"),
            "privateKey": path("tls.key"),
            "httpPort": http,
            "tlsPort": ports[3],
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
            "certificateValidityPeriod": life.as_secs(),
        }});
        write("pebble.json", &config.to_string());
        let mut names = command("pebble-challtestsrv");
        names.args(["-http01", "", "-https01", "", "-tlsalpn01", ""]);
        names.args(["-dns01", &format!("127.0.0.1:{}", ports[2])]);
        names.args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""]);
        names.args(["-management", &format!("127.0.0.1:{}", ports[3])]);
        let mut pebble =
            Self { folder: folder.to_owned(), ports, names: Guard(spawn(&mut names, folder, "names")), server: None };
        wait_for("pebble-challtestsrv", Duration::from_secs(30), || {
            assert!(pebble.names.0.try_wait().expect("a child of ours").is_none(), "{}", pebble.said());
            TcpStream::connect(("127.0.0.1", ports[3])).ok().map(drop)
        });
        pebble.again();
        pebble
    }

    /// Starts it, with nothing in its memory.
    #[track_caller]
    pub fn again(&mut self) {
        let mut server = command("pebble");
        server.arg("-config").arg(self.folder.join("pebble.json"));
        server.args(["-dnsserver", &format!("127.0.0.1:{}", self.ports[2])]);
        // It asks at once, and each time anew; and refuses no good nonce by chance.
        server.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_AUTHZREUSE", "0").env("PEBBLE_WFE_NONCEREJECT", "0");
        self.server = Some(Guard(spawn(&mut server, &self.folder, "pebble")));
        wait_for("pebble", Duration::from_secs(30), || {
            let server = self.server.as_mut().expect("just started");
            let ended = server.0.try_wait().expect("a child of ours");
            assert!(ended.is_none(), "it ended with {ended:?}: {}", self.said());
            TcpStream::connect(("127.0.0.1", self.ports[0])).ok().map(drop)
        });
    }

    /// Ends it.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// The address of its directory.
    pub fn directory(&self) -> String {
        format!("https://127.0.0.1:{}/dir", self.ports[0])
    }

    /// The root of its own server.
    pub fn roots(&self) -> String {
        self.folder.join("ca.pem").to_string_lossy().into_owned()
    }

    /// What it printed.
    pub fn said(&self) -> String {
        ["names", "pebble"].map(|name| fs::read_to_string(self.folder.join(name)).unwrap_or_default()).concat()
    }
}

fn command(program: &str) -> Command {
    Command::new(installed(program).unwrap_or_else(|| panic!("{program} is not installed (Debian: pebble)")))
}

fn spawn(command: &mut Command, folder: &Path, name: &str) -> std::process::Child {
    let out = fs::File::create(folder.join(name)).expect("a file");
    let error = out.try_clone().expect("the same file");
    command.stdin(Stdio::null()).stdout(out).stderr(error).spawn().expect("it starts")
}
