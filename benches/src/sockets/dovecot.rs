//! Where other servers are started from, to be compared with: folders, a certificate and ports of their own, on loopback.
//! Debian: dovecot-imapd, dovecot-lmtpd.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sigillo_tests::dovecot::{Dovecot, Setup};

pub const PROGRAM: &str = "/usr/sbin/dovecot";
/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(30);

/// Whether these programs are there and may be started with folders below this one; says why where not.
pub fn possible(programs: &[&str], below: &Path) -> bool {
    let missing = programs.iter().find(|program| !Path::new(program).is_file());
    let missing = missing.map(|program| format!("no {program}"));
    let root = rustix::process::geteuid().is_root();
    let root = (!root).then(|| "Postfix and Dovecot start only as root".to_owned());
    let below = fs::canonicalize(below).unwrap_or_else(|_| below.to_owned());
    let closed = |folder: &&Path| fs::metadata(folder).is_ok_and(|m| m.permissions().mode() & 0o001 == 0);
    let closed = below.ancestors().find(closed).map(|folder| {
        format!("users of services may not pass through {}: name another folder in SIGILLO_BENCH_DIR", folder.display())
    });
    let why = missing.or(root).or(closed);
    if let Some(why) = &why {
        eprintln!("  {why}; nothing to compare with");
    }
    why.is_none()
}

/// A folder in which services that run as users of their own find their sockets, with a certificate in it.
pub fn folder(below: &Path) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("p").tempdir_in(below).expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a folder of ours");
    certificate(folder.path());
    folder
}

/// Starts a Dovecot in such a folder; `users` are the lines of a passwd-file, `more` are further settings.
pub fn start(root: &Path, imaps: u16, users: &str, more: &str) -> Dovecot {
    let [certificate, key] = ["tls.pem", "tls.key"].map(|name| root.join(name));
    Dovecot::start(&Setup { below: root, ports: [0, imaps], tls: [&certificate, &key], mail: "sdbox", users, more })
}

/// What lets it take mail for its mailboxes, at [`LMTP_SOCKET`].
pub const LMTP: &str = "protocols = imap lmtp\nservice lmtp {\n unix_listener lmtp {\n  mode = 0666\n }\n}\n";
/// Below its folder.
pub const LMTP_SOCKET: &str = "run/lmtp";

/// Waits until somebody listens there.
pub fn wait(port: u16, root: &Path) {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < START, "port {port} does not come up: see {}", root.display());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Ends a master, which ends its children with it.
pub fn end(child: &mut Child) {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    let asked = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
    if let Some(Err(error)) = asked {
        eprintln!("  a process of the baseline does not end: {error}");
    }
    if let Err(error) = child.wait() {
        eprintln!("  a process of the baseline is not heard of: {error}");
    }
}

/// Free ports.
pub fn ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    listeners.map(|l| l.local_addr().expect("its address").port())
}

/// A certificate for 127.0.0.1 that is its own authority; ECDSA, as the program's.
fn certificate(root: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"])
        .args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout"])
        .arg(root.join("tls.key"))
        .arg("-out")
        .arg(root.join("tls.pem"))
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl").success(), "no certificate");
}
