//! The baseline: the same mail, uncertified, from one Postfix to another and into Dovecot's mailboxes. Everything is
//! started here, on loopback, with folders and ports of its own; Debian: postfix, dovecot-imapd, dovecot-lmtpd.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sigillo_base::Address;
use tempfile::TempDir;

use super::street::{Mailbox, Place};
use crate::machine::ticks_below;

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(30);
const PASSWORD: &str = "una-parola-lunga";

/// Two Postfix and a Dovecot, until it is dropped.
pub struct Plain {
    dovecot: Child,
    postfixes: [Child; 2],
    place: Place,
    _folder: TempDir,
}

impl Plain {
    /// Starts them with so many senders and recipients; `None`, and why, where they cannot be.
    pub fn start(below: &Path, boxes: usize) -> Option<Self> {
        let missing =
            ["/usr/lib/postfix/sbin/master", "/usr/sbin/dovecot"].into_iter().find(|p| !Path::new(p).is_file());
        if let Some(missing) = missing {
            eprintln!("  no {missing}: nothing to compare with");
            return None;
        }
        if !rustix::process::geteuid().is_root() {
            eprintln!("  Postfix starts only as root: nothing to compare with");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("p").tempdir_in(below).expect("a folder");
        let root = folder.path();
        // Its services run as users of their own, who must find their sockets.
        fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("a folder of ours");
        let [smtps, relay, imaps] = ports();
        certificate(root);
        let dovecot = dovecot(root, imaps, boxes);
        let access = postfix(
            root,
            "a",
            &access(root, relay),
            &format!("127.0.0.1:{smtps} inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n"),
        );
        let incoming = postfix(root, "b", &incoming(root), &format!("127.0.0.1:{relay} inet n - n - - smtpd\n"));
        for port in [smtps, relay, imaps] {
            let begun = Instant::now();
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(begun.elapsed() < START, "port {port} does not come up: see {}", root.display());
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        let mailbox = |name: &str, n: usize, domain: &str| Mailbox {
            address: Address::parse(&format!("{name}{n}@{domain}")).expect("an address"),
            password: PASSWORD.into(),
        };
        let place = Place {
            ca_file: root.join("tls.pem"),
            submissions: format!("127.0.0.1:{smtps}"),
            imaps: format!("127.0.0.1:{imaps}"),
            pairs: (1..=boxes).map(|n| (mailbox("a", n, "alfa.example"), mailbox("b", n, "beta.example"))).collect(),
            certified: false,
        };
        Some(Self { dovecot, postfixes: [access, incoming], place, _folder: folder })
    }

    /// Where clients go.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// CPU time of all their processes so far, in clock ticks.
    pub fn ticks(&self) -> u64 {
        self.postfixes.iter().chain([&self.dovecot]).map(|child| ticks_below(child.id())).sum()
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        for child in self.postfixes.iter_mut().chain([&mut self.dovecot]) {
            // Both masters end their children with them.
            let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
            let asked = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
            if let Some(Err(error)) = asked {
                eprintln!("  a process of the baseline does not end: {error}");
            }
            if let Err(error) = child.wait() {
                eprintln!("  a process of the baseline is not heard of: {error}");
            }
        }
    }
}

/// Free ports.
fn ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
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

/// The mailboxes of both sides: senders log in here too, by Postfix.
fn dovecot(root: &Path, imaps: u16, boxes: usize) -> Child {
    let dir = root.join("dovecot");
    fs::create_dir_all(dir.join("mail")).expect("a folder");
    let owner = rustix::fs::Uid::from_raw(8);
    rustix::fs::chown(dir.join("mail"), Some(owner), Some(rustix::fs::Gid::from_raw(8))).expect("a folder of ours");
    let users: String = (1..=boxes)
        .flat_map(|n| [format!("a{n}@alfa.example"), format!("b{n}@beta.example")])
        .map(|user| format!("{user}:{{PLAIN}}{PASSWORD}\n"))
        .collect();
    fs::write(dir.join("users"), users).expect("room on the disk");
    let (d, t) = (dir.display(), root.display());
    let settings = format!(
        "base_dir = {d}/run\nlog_path = {d}/log\nprotocols = imap lmtp\nlisten = 127.0.0.1\nfirst_valid_uid = 8\n\
         mail_location = sdbox:{d}/mail/%u\nmail_fsync = optimized\nssl = yes\nssl_cert = <{t}/tls.pem\nssl_key = <{t}/tls.key\n\
         disable_plaintext_auth = no\nauth_mechanisms = plain\nmail_max_userip_connections = 1000\n\
         passdb {{\n driver = passwd-file\n args = {d}/users\n}}\n\
         userdb {{\n driver = static\n args = uid=8 gid=8 home={d}/mail/%u\n}}\n\
         service imap-login {{\n inet_listener imap {{\n  port = 0\n }}\n inet_listener imaps {{\n  port = {imaps}\n  ssl = yes\n }}\n}}\n\
         service lmtp {{\n unix_listener {d}/lmtp {{\n  mode = 0666\n }}\n}}\n\
         service auth {{\n unix_listener {d}/auth {{\n  mode = 0666\n }}\n}}\n"
    );
    let file = dir.join("dovecot.conf");
    fs::write(&file, settings).expect("room on the disk");
    Command::new("/usr/sbin/dovecot")
        .args(["-F", "-c"])
        .arg(file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Dovecot starts")
}

/// What both Postfix have in common, after it what is one's own; `smtpd` is the line of its port.
fn postfix(root: &Path, name: &str, own: &str, smtpd: &str) -> Child {
    let dir = root.join(name);
    let (config, queue, data) = (dir.join("etc"), dir.join("spool"), dir.join("data"));
    for folder in [&config, &queue, &data] {
        fs::create_dir_all(folder).expect("a folder");
    }
    let shell = |script: &str| {
        let done = Command::new("sh").args(["-c", script]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(done.expect("a shell").success(), "{script}");
    };
    let (d, t) = (dir.display(), root.display());
    let settings = format!(
        "compatibility_level = 3.6\nqueue_directory = {d}/spool\ndata_directory = {d}/data\nmail_owner = postfix\n\
         setgid_group = postdrop\ncommand_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\n\
         maillog_file = {d}/log\nmaillog_file_prefixes = {t}\nmyhostname = {name}.postfix.example\nmydestination =\n\
         inet_protocols = ipv4\nin_flow_delay = 0\nmessage_size_limit = 60000000\nlocal_recipient_maps =\n\
         smtpd_tls_cert_file = {t}/tls.pem\nsmtpd_tls_key_file = {t}/tls.key\nsmtpd_client_connection_count_limit = 0\n{own}"
    );
    let services = format!(
        "{smtpd}cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\nrewrite unix - - n - - trivial-rewrite\n\
         bounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\ntrace unix - - n - 0 bounce\n\
         verify unix - - n - 1 verify\nflush unix n - n 1000? 0 flush\nproxymap unix - - n - - proxymap\n\
         proxywrite unix - - n - 1 proxymap\nsmtp unix - - n - - smtp\nlmtp unix - - n - - lmtp\n\
         error unix - - n - - error\nretry unix - - n - - error\nscache unix - - n - 1 scache\n\
         anvil unix - - n - 1 anvil\ntlsproxy unix - - n - 0 tlsproxy\ntlsmgr unix - - n 1000? 1 tlsmgr\npostlog unix-dgram n - n - 1 postlogd\n"
    );
    fs::write(config.join("main.cf"), settings).expect("room on the disk");
    fs::write(config.join("master.cf"), services).expect("room on the disk");
    // The folders of the queue get their owners from Postfix's own script.
    shell(&format!("chown postfix {d}/data && chown root {d}/spool && postfix -c {d}/etc check"));
    Command::new("/usr/lib/postfix/sbin/master")
        .arg("-c")
        .arg(&config)
        .env("MAIL_CONFIG", &config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Postfix starts")
}

/// The senders' side: takes mail of who logged in, hands all of it on over TLS.
fn access(root: &Path, relay: u16) -> String {
    let auth: PathBuf = root.join("dovecot/auth");
    format!(
        "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = {}\n\
         smtpd_relay_restrictions = permit_sasl_authenticated, reject\nrelayhost = [127.0.0.1]:{relay}\n\
         smtp_tls_security_level = encrypt\nsmtp_destination_concurrency_limit = 50\n\
         smtp_tls_connection_reuse = yes\nsmtp_connection_cache_destinations = 127.0.0.1\n",
        auth.display()
    )
}

/// The recipients' side.
fn incoming(root: &Path) -> String {
    let lmtp: PathBuf = root.join("dovecot/lmtp");
    format!(
        "mynetworks =\nsmtpd_tls_security_level = may\nvirtual_mailbox_domains = beta.example\n\
         smtpd_relay_restrictions = reject_unauth_destination\nvirtual_transport = lmtp:unix:{}\n\
         lmtp_destination_concurrency_limit = 50\n",
        lmtp.display()
    )
}
