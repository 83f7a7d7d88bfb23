//! A Postfix of the test's own (Debian: postfix), as the rest of the world: its own folder, queue and port. It wants root.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::demo::{installed, run, skipped, wait_for};

/// What it is to be.
pub struct Setup<'s> {
    /// Where it listens.
    pub at: SocketAddr,
    /// Its name.
    pub host: &'s str,
    /// Its domains; each has the mailbox `dora` and no other.
    pub domains: &'s [&'s str],
    /// Certificate chain and key, PEM; without them it does not offer STARTTLS.
    pub tls: Option<(&'s Path, &'s Path)>,
    /// More lines of main.cf.
    pub more: &'s str,
}

/// A running Postfix; it ends with its owner.
pub struct Postfix {
    folder: TempDir,
}

impl Drop for Postfix {
    fn drop(&mut self) {
        run(program(), &["-c", &self.config(), "stop"], b"", 60);
    }
}

/// The one port, and of the services those that a delivery needs.
const SERVICES: &str = "\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";

#[track_caller]
fn program() -> PathBuf {
    installed("postfix").expect("postfix is not installed: .ci/packages --tests (Debian: postfix)")
}

impl Postfix {
    /// Starts it; `None`, said on the output, when we are not root, as which alone it starts.
    #[track_caller]
    pub fn start(setup: &Setup<'_>) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skipped("Postfix starts as root only");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("sigillo-postfix-").tempdir().expect("a temporary folder");
        let postfix = Self { folder };
        let path = |name: &str| postfix.folder.path().join(name);
        fs::set_permissions(postfix.folder.path(), fs::Permissions::from_mode(0o755)).expect("its services reach it");
        for name in ["conf", "queue", "data", "mail"] {
            fs::create_dir(path(name)).expect("a folder");
        }
        let owner = |who: &str, name: &str| run("chown", &[who, &path(name).to_string_lossy()], b"", 10).fine("chown");
        owner("postfix", "data");
        owner("nobody", "mail");
        let boxes: Vec<String> = setup.domains.iter().map(|d| format!("{{dora@{d} = {d}-dora}}")).collect();
        let tls = setup.tls.map_or_else(String::new, |(certificate, key)| {
            format!(
                "smtpd_tls_security_level = may\nsmtpd_tls_loglevel = 1\nsmtpd_tls_chain_files = {}, {}\n",
                key.display(),
                certificate.display()
            )
        });
        let settings = format!(
            "compatibility_level = 3.6\nqueue_directory = {0}/queue\ndata_directory = {0}/data\nmaillog_file = {0}/log\n\
             maillog_file_prefixes = {0}\nmail_owner = postfix\nsetgid_group = postdrop\nmyhostname = {1}\n\
             mydestination =\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nalias_maps =\nalias_database =\n\
             virtual_mailbox_domains = {2}\nvirtual_mailbox_base = {0}/mail\nvirtual_mailbox_maps = inline:{{{3}}}\n\
             virtual_uid_maps = static:65534\nvirtual_gid_maps = static:65534\nvirtual_minimum_uid = 1\n\
             mynetworks = 127.0.0.0/8\n{tls}{4}\n",
            postfix.folder.path().display(),
            setup.host,
            setup.domains.join(", "),
            boxes.join(", "),
            setup.more,
        );
        fs::write(path("conf/main.cf"), settings).expect("the settings");
        fs::write(path("conf/master.cf"), format!("{} inet n - n - - smtpd\n{SERVICES}", setup.at))
            .expect("the services");
        run(program(), &["-c", &postfix.config(), "start"], b"", 60).fine("postfix start");
        wait_for("Postfix", Duration::from_secs(30), || std::net::TcpStream::connect(setup.at).ok());
        Some(postfix)
    }

    /// What came for `dora` of this domain, one message after the other (mbox).
    pub fn inbox(&self, domain: &str) -> String {
        let bytes = fs::read(self.folder.path().join(format!("mail/{domain}-dora"))).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn config(&self) -> String {
        self.folder.path().join("conf").to_string_lossy().into_owned()
    }
}
