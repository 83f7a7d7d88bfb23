//! The baseline: the same mail, uncertified, from one Postfix to another and into Dovecot's mailboxes. Everything is
//! started here, on loopback, with folders and ports of its own; Debian: postfix, dovecot-imapd, dovecot-lmtpd.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use sigillo_base::Address;
use sigillo_tests::dovecot::Dovecot;
use tempfile::TempDir;

use super::dovecot;
use super::street::{Mailbox, Place};
use crate::machine::{halt_below, ticks_below};

const PASSWORD: &str = "una-parola-lunga";
/// What of Dovecot takes mail, and tells who may log in.
const AUTH: &str = "service auth {\n unix_listener auth {\n  mode = 0666\n }\n}\n";

/// Two Postfix and a Dovecot, until it is dropped.
pub struct Plain {
    dovecot: Dovecot,
    postfixes: [Child; 2],
    place: Place,
    _folder: TempDir,
}

impl Plain {
    /// Starts them with so many senders and recipients; `None`, and why, where they cannot be.
    pub fn start(below: &Path, boxes: usize) -> Option<Self> {
        if !dovecot::possible(&["/usr/lib/postfix/sbin/master", dovecot::PROGRAM], below) {
            return None;
        }
        let folder = dovecot::folder(below);
        let root = folder.path();
        let [smtps, relay, imaps] = dovecot::ports();
        // Senders log in there too, by Postfix.
        let users: String = (1..=boxes)
            .flat_map(|n| [format!("a{n}@alfa.example"), format!("b{n}@beta.example")])
            .map(|user| format!("{user}:{{PLAIN}}{PASSWORD}\n"))
            .collect();
        let mailboxes = dovecot::start(root, imaps, &users, &format!("{}{AUTH}", dovecot::LMTP));
        let access = postfix(
            root,
            "a",
            &access(&mailboxes.path("run/auth"), relay),
            &format!("127.0.0.1:{smtps} inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n"),
        );
        let incoming = postfix(
            root,
            "b",
            &incoming(&mailboxes.path(dovecot::LMTP_SOCKET)),
            &format!("127.0.0.1:{relay} inet n - n - - smtpd\n"),
        );
        [smtps, relay].into_iter().for_each(|port| dovecot::wait(port, root));
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
        Some(Self { dovecot: mailboxes, postfixes: [access, incoming], place, _folder: folder })
    }

    /// Where clients go.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Lets all of them stand still while others are measured, or go on.
    pub fn halt(&self, halted: bool) {
        self.pids().for_each(|pid| halt_below(pid, halted));
    }

    /// The processes above all others.
    fn pids(&self) -> impl Iterator<Item = u32> {
        self.postfixes.iter().map(std::process::Child::id).chain([self.dovecot.pid()])
    }

    /// CPU time of all their processes so far, in clock ticks.
    pub fn ticks(&self) -> u64 {
        self.pids().map(ticks_below).sum()
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.postfixes.iter_mut().for_each(dovecot::end);
    }
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
fn access(auth: &Path, relay: u16) -> String {
    format!(
        "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = {}\n\
         smtpd_relay_restrictions = permit_sasl_authenticated, reject\nrelayhost = [127.0.0.1]:{relay}\n\
         smtp_tls_security_level = encrypt\nsmtp_destination_concurrency_limit = 50\n\
         smtp_tls_connection_reuse = yes\nsmtp_connection_cache_destinations = 127.0.0.1\n",
        auth.display()
    )
}

/// The recipients' side.
fn incoming(lmtp: &Path) -> String {
    format!(
        "mynetworks =\nsmtpd_tls_security_level = may\nvirtual_mailbox_domains = beta.example\n\
         smtpd_relay_restrictions = reject_unauth_destination\nvirtual_transport = lmtp:unix:{}\n\
         lmtp_destination_concurrency_limit = 50\n",
        lmtp.display()
    )
}
