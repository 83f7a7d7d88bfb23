//! A Dovecot of the test's own (Debian: dovecot-imapd), as another provider's server or a reader of files: its own folder,
//! users and ports. It wants root.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::demo::{Guard, installed, wait_for};

/// User and group whom mail belongs to: `mail`, on every Debian.
const OWNER: u32 = 8;

/// What it is to be.
pub struct Setup<'s> {
    /// Where its folder is made; the users of its services have to get through to it.
    pub below: &'s Path,
    /// Where it listens on loopback, in clear (0: it does not) and under TLS.
    pub ports: [u16; 2],
    /// Certificate chain and key, PEM.
    pub tls: [&'s Path; 2],
    /// How mail lies in a user's folder: `maildir`, `mbox`, `sdbox`.
    pub mail: &'s str,
    /// Lines of a passwd-file.
    pub users: &'s str,
    /// Settings after these; sockets without a folder are in that which [`Dovecot::path`] calls `run`.
    pub more: &'s str,
}

/// A running Dovecot; it ends with its owner.
pub struct Dovecot {
    running: Guard,
    folder: TempDir,
}

impl Dovecot {
    /// Starts one, and waits until it listens.
    #[track_caller]
    pub fn start(setup: &Setup<'_>) -> Self {
        let folder = tempfile::Builder::new().prefix("d").tempdir_in(setup.below).expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a folder of ours");
        fs::create_dir(path("mail")).expect("a folder");
        chown(path("mail"), Some(OWNER), Some(OWNER)).expect("a test with services runs as root");
        fs::write(path("users"), setup.users).expect("a file");
        fs::write(path("conf"), settings(folder.path(), setup)).expect("a file");
        let program =
            installed("dovecot").expect("Dovecot is not installed: .ci/packages --tests (Debian: dovecot-imapd)");
        let mut command = Command::new(program);
        // The dates of an mbox are local ones, which here is UTC.
        command.env("TZ", "UTC").arg("-F").arg("-c").arg(path("conf")).stdout(Stdio::null()).stderr(Stdio::null());
        let running = Guard(command.spawn().expect("Dovecot starts"));
        let dovecot = Self { running, folder };
        wait_for("Dovecot", Duration::from_secs(30), || TcpStream::connect(("127.0.0.1", setup.ports[1])).ok());
        dovecot
    }

    /// A file or folder of it: `log`, `run`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where a user's mail lies.
    pub fn mail(&self, user: &str) -> PathBuf {
        self.path("mail").join(user)
    }

    /// Gives it what somebody else has put among a user's mail.
    #[track_caller]
    pub fn adopt(&self, user: &str) {
        let mut open = vec![self.mail(user)];
        while let Some(path) = open.pop() {
            chown(&path, Some(OWNER), Some(OWNER)).expect("a test with services runs as root");
            if path.is_dir() {
                open.extend(fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
            }
        }
    }

    /// Its process, above all others of it.
    pub fn pid(&self) -> u32 {
        self.running.0.id()
    }
}

impl Drop for Dovecot {
    /// The master takes its children with it only when it is asked to end.
    fn drop(&mut self) {
        self.running.signal("TERM");
        self.running.end(Duration::from_secs(10));
    }
}

fn settings(folder: &Path, setup: &Setup<'_>) -> String {
    let (d, [imap, imaps], mail, more) = (folder.display(), setup.ports, setup.mail, setup.more);
    let [certificate, key] = setup.tls.map(Path::display);
    format!(
        "base_dir = {d}/run\nlog_path = {d}/log\nprotocols = imap\nlisten = 127.0.0.1\nfirst_valid_uid = {OWNER}\n\
         mail_location = {mail}:%h\nmail_max_userip_connections = 20000\nssl = yes\nssl_cert = <{certificate}\nssl_key = <{key}\n\
         auth_mechanisms = plain login scram-sha-256\nauth_failure_delay = 0\n\
         passdb {{\n driver = passwd-file\n args = {d}/users\n}}\n\
         userdb {{\n driver = static\n args = uid={OWNER} gid={OWNER} home={d}/mail/%u\n}}\n\
         service imap-login {{\n inet_listener imap {{\n  port = {imap}\n }}\n\
         inet_listener imaps {{\n  port = {imaps}\n  ssl = yes\n }}\n}}\n{more}"
    )
}
