//! The configuration of one provider: a TOML file, strict, whose errors name file, line, key and remedy.

mod directory;
mod dkim;
mod limits;
mod located;
mod ordinary;
mod outward;
mod problem;
mod profiles;
mod raw;
mod retention;
#[cfg(test)]
mod tests;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sigillo_accounts::Profiles;
use sigillo_base::limits::MB;
use sigillo_base::{Address, Domain};
use sigillo_store_rocks::Reserve;

pub use directory::{Directory, Source, Unit};
pub use dkim::Dkim;
pub use limits::Limits;
pub use located::Located;
pub use ordinary::{Antispam, Ordinary, Weight};
pub use outward::{CertifiedTls, Dns, Login, Pattern, Relay, Route, RouteTls, Server};
pub use problem::{Problem, Problems, Text};
pub use retention::Retention;

use crate::antivirus::Endpoint;
use crate::fetch::Url;
use crate::host_port::HostPort;
use crate::logging::Format;
use crate::net::Network;
use located::Reader;

/// The commented sample: `config/sigillo.toml` of the repository.
pub const SAMPLE: &str = include_str!("../../../config/sigillo.toml");

/// The roles of listeners, in the order of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reception, for other providers: 25.
    Smtp,
    /// Access point with STARTTLS: 587.
    Submission,
    /// Access point under TLS: 465.
    Submissions,
    /// Mailboxes with STARTTLS: 143.
    Imap,
    /// Mailboxes under TLS: 993.
    Imaps,
    /// Mailboxes by POP3, with STLS: 110.
    Pop3,
    /// The same under TLS: 995.
    Pop3s,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 7] =
        [Self::Smtp, Self::Submission, Self::Submissions, Self::Imap, Self::Imaps, Self::Pop3, Self::Pop3s];

    /// The name in configuration, logs and status.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Submission => "submission",
            Self::Submissions => "submissions",
            Self::Imap => "imap",
            Self::Imaps => "imaps",
            Self::Pop3 => "pop3",
            Self::Pop3s => "pop3s",
        }
    }
}

/// Who scans what enters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Antivirus {
    /// Where clamd listens.
    pub clamd: Endpoint,
    /// Scans at once.
    pub concurrency: usize,
    /// How long a scan may take, its wait for a turn included.
    pub timeout: Duration,
    /// Whether mail is taken unscanned while no verdict can be had.
    pub take_unscanned: bool,
}

/// Who stamps the closed segments of the legal log (RFC 3161).
#[derive(Debug, Clone)]
pub struct TimeStamp {
    /// Where it is asked.
    pub url: Located<Url>,
    /// Anchors of its certificates.
    pub anchors: Vec<Located<PathBuf>>,
}

/// The identity provider whose tokens log users in (RFC 7628).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oauth {
    /// Where it tells about tokens (RFC 7662).
    pub introspection: Located<Url>,
    /// Our name there.
    pub client_id: String,
    /// The file with our secret there.
    pub secret: Located<PathBuf>,
    /// What a token must be meant for.
    pub audience: String,
    /// The claim that holds the address of the mailbox.
    pub claim: String,
}

/// What is chosen for users, beyond the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Largest product of size and recipients of a message from a box that is not massive, in bytes.
    pub size_times_recipients: Option<u64>,
    /// Whether an address in To or Cc that is no recipient in SMTP refuses the message.
    pub strict_recipients: bool,
    /// Where a user is sent who may not come in: an address or a page.
    pub help: Option<String>,
}

/// Who tells whether the clock is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Time servers; none: nothing is measured.
    pub servers: Vec<HostPort>,
    /// How far from UTC the clock may be, in milliseconds: 1 to 1000.
    pub tolerance_ms: i64,
    /// Whether nothing is taken while the clock is off.
    pub refuse_when_off: bool,
}

/// A checked configuration. Paths are absolute or relative to the working folder.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it came from.
    pub file: PathBuf,
    /// The provider's name.
    pub name: Located<String>,
    /// The service mailbox.
    pub service_address: Located<Address>,
    /// Whether readable parts carry an English translation.
    pub english: bool,
    /// The name of this host.
    pub host: Located<String>,
    /// The domains of this provider, the service address's own among them.
    pub domains: Vec<Domain>,
    /// Folder of the store.
    pub store: Located<PathBuf>,
    /// Memory of the store, in bytes.
    pub store_memory: usize,
    /// What must stay free on the disk of the store.
    pub store_reserve: Reserve,
    /// Whether the store may lie on a file system that forgets.
    pub store_volatile: bool,
    /// The texts of messages are indexed for searches.
    pub text_index: bool,
    /// How long what is kept of messages is kept.
    pub retention: Retention,
    /// Where to listen.
    pub listen: Vec<(Role, Located<SocketAddr>)>,
    /// Load balancers that speak the PROXY protocol.
    pub proxies: Vec<Network>,
    /// TLS certificate chain.
    pub tls_certificate: Located<PathBuf>,
    /// TLS key.
    pub tls_key: Located<PathBuf>,
    /// Anchors of the certificates that clients may show at submission; none: nobody is asked.
    pub client_anchors: Vec<Located<PathBuf>>,
    /// Their revocation lists.
    pub client_crls: Vec<Located<PathBuf>>,
    /// Signing certificate.
    pub signing_certificate: Located<PathBuf>,
    /// Signing key.
    pub signing_key: Located<PathBuf>,
    /// Intermediates sent with signatures.
    pub signing_chain: Option<Located<PathBuf>>,
    /// The signing certificate that will follow this one: published in advance.
    pub next_certificate: Option<Located<PathBuf>>,
    /// Anchors of signatures.
    pub anchors: Vec<Located<PathBuf>>,
    /// Their revocation lists.
    pub crls: Vec<Located<PathBuf>>,
    /// Where revocation lists are fetched.
    pub crl_urls: Vec<Located<Url>>,
    /// The provider index: the last good copy.
    pub index: Located<PathBuf>,
    /// How it is kept up to date.
    pub directory: Directory,
    /// TLS roots of the relay.
    pub relay_roots: Located<PathBuf>,
    /// How mail goes out.
    pub relay: Relay,
    /// How the DNS is asked.
    pub dns: Dns,
    /// Who stamps the legal log; without it segments stay unstamped.
    pub timestamp: Option<TimeStamp>,
    /// What submissions must be.
    pub access: Access,
    /// Who knows tokens; without it OAUTHBEARER is not offered.
    pub oauth: Option<Oauth>,
    /// The antivirus; without it nothing is scanned.
    pub antivirus: Option<Antivirus>,
    /// What is asked about ordinary mail.
    pub ordinary: Ordinary,
    /// The antispam; without it nobody tells spam.
    pub antispam: Option<Antispam>,
    /// The signature over ordinary mail of ours; without it nothing is signed, and reports about TLS are not sent.
    pub dkim: Option<Dkim>,
    /// How the clock is watched.
    pub clock: Clock,
    /// The administrative socket.
    pub admin_socket: Located<PathBuf>,
    /// Where figures are shown; `None`: nowhere.
    pub metrics: Option<Located<SocketAddr>>,
    /// Log level.
    pub log_level: String,
    /// Log format.
    pub log_format: Format,
    /// What clients may take of this machine.
    pub limits: Limits,
    /// Profiles of the provider's own.
    pub profiles: Profiles,
    /// Where daily reports are written; `None`: nowhere.
    pub reports: Option<Located<PathBuf>>,
}

impl Config {
    /// Reads and checks a file. Files it names are not opened here.
    pub fn load(file: &Path) -> Result<Self, Problems> {
        let text = fs::read_to_string(file).map_err(|e| {
            Problems(vec![Problem {
                file: file.to_owned(),
                line: None,
                key: None,
                what: Text::new(format!("il file non si legge: {e}"), format!("the file cannot be read: {e}")),
                remedy: Text::new(
                    "controllare percorso e permessi; `sigillo config init CARTELLA` crea un esempio",
                    "check path and permissions; `sigillo config init FOLDER` makes a sample",
                ),
            }])
        })?;
        Self::parse(file, &text)
    }

    /// Checks a text; `file` names it in errors, and relative paths start from its folder.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Problems> {
        let raw: raw::File = toml::from_str(text).map_err(|e| Problems(vec![Problem::from_toml(file, text, &e)]))?;
        let mut reader = Reader::new(file, text);
        let config = build(raw, &mut reader);
        reader.finish(config)
    }
}

fn build(raw: raw::File, r: &mut Reader<'_>) -> Option<Config> {
    let host = raw.provider.host.get_ref().to_ascii_lowercase();
    let service_address = r.address("provider.service_address", raw.provider.service_address);
    let mut domains: Vec<Domain> =
        raw.provider.domains.into_iter().filter_map(|d| r.domain("provider.domains", d)).collect();
    if let Some(service) = &service_address
        && !domains.contains(service.value.domain())
    {
        domains.push(service.value.domain().clone());
    }
    let (listen, proxies) = listeners(raw.listen, r);
    let (client_anchors, client_crls) = clients(raw.tls.client_anchors, raw.tls.client_crls, r)?;
    let relay_roots = r.path("relay.roots", raw.relay.roots.clone())?;
    Some(Config {
        file: r.file().to_owned(),
        name: r.text("provider.name", raw.provider.name)?,
        service_address: service_address?,
        english: raw.provider.english,
        host: r.host("provider.host", raw.provider.host)?,
        domains,
        store: r.path("store.path", raw.store.path)?,
        store_memory: raw.store.memory_mb.max(16) << 20,
        store_reserve: Reserve { bytes: raw.store.reserve_mb.saturating_mul(MB), inodes: raw.store.reserve_inodes },
        store_volatile: raw.store.allow_volatile,
        text_index: raw.store.text_index,
        retention: r.retention(&raw.archive),
        listen,
        proxies,
        tls_certificate: r.path("tls.certificate", raw.tls.certificate)?,
        tls_key: r.path("tls.key", raw.tls.key)?,
        client_anchors,
        client_crls,
        signing_certificate: r.path("signing.certificate", raw.signing.certificate)?,
        signing_key: r.path("signing.key", raw.signing.key)?,
        signing_chain: raw.signing.chain.and_then(|p| r.path("signing.chain", p)),
        next_certificate: raw.signing.next_certificate.and_then(|p| r.path("signing.next_certificate", p)),
        anchors: r.paths("trust.anchors", raw.trust.anchors),
        crls: r.paths("trust.crls", raw.trust.crls),
        crl_urls: r.urls("trust.crl_urls", raw.trust.crl_urls),
        index: r.path("index.file", raw.index.file.clone())?,
        directory: Directory::read(raw.index, &relay_roots, r)?,
        relay_roots,
        relay: r.relay(raw.relay),
        dns: r.dns(raw.dns),
        timestamp: match raw.timestamp {
            Some(timestamp) => Some(TimeStamp {
                url: r.url("timestamp.url", timestamp.url)?,
                anchors: r.paths("timestamp.anchors", timestamp.anchors),
            }),
            None => None,
        },
        access: r.access(raw.access)?,
        oauth: r.optional(raw.oauth, Reader::oauth)?,
        antivirus: r.optional(raw.antivirus, Reader::antivirus)?,
        ordinary: r.ordinary(raw.ordinary, raw.antispam.as_ref()),
        antispam: r.optional(raw.antispam, Reader::antispam)?,
        dkim: r.optional(raw.dkim, |r, dkim| r.dkim(dkim, &host))?,
        clock: r.clock(raw.clock)?,
        admin_socket: r.path("admin.socket", raw.admin.socket)?,
        metrics: r.metrics(raw.metrics)?,
        log_level: raw.log.level,
        log_format: raw.log.format,
        limits: raw.limits.into(),
        profiles: profiles::read(raw.profile, r)?,
        reports: raw.reports.folder.and_then(|folder| r.path("reports.folder", folder)),
    })
}

fn listeners(raw: raw::Listen, r: &mut Reader<'_>) -> (Vec<(Role, Located<SocketAddr>)>, Vec<Network>) {
    let mut listen = Vec::new();
    let by_role = [raw.smtp, raw.submission, raw.submissions, raw.imap, raw.imaps, raw.pop3, raw.pop3s];
    for (role, addresses) in Role::ALL.into_iter().zip(by_role) {
        for address in addresses {
            listen.extend(r.socket_address(&format!("listen.{}", role.name()), address).map(|a| (role, a)));
        }
    }
    let proxies = raw.proxy_networks.into_iter().filter_map(|n| r.network("listen.proxy_networks", n)).collect();
    (listen, proxies)
}

/// Anchors of clients, and the lists without which nothing under them could be revoked.
fn clients(anchors: Paths, crls: Paths, r: &mut Reader<'_>) -> Option<(Files, Files)> {
    match (anchors.first(), crls.first()) {
        (Some(alone), None) => r.alone("tls.client_anchors", alone, "tls.client_crls"),
        (None, Some(alone)) => r.alone("tls.client_crls", alone, "tls.client_anchors"),
        _ => Some((r.paths("tls.client_anchors", anchors), r.paths("tls.client_crls", crls))),
    }
}

type Paths = Vec<toml::Spanned<String>>;
type Files = Vec<Located<PathBuf>>;
