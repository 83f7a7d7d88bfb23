//! The configuration of one provider: a TOML file, strict, whose errors name file, line, key and remedy.

mod acme;
mod directory;
mod dkim;
mod ldap;
mod limits;
mod located;
mod oidc;
mod ordinary;
mod outward;
mod passwords;
mod problem;
mod profiles;
mod raw;
mod retention;
mod signing;
mod sms;
#[cfg(test)]
mod tests;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sigillo_accounts::Profiles;
use sigillo_base::limits::MB;
use sigillo_base::{Address, Domain, said};
use sigillo_store_rocks::Reserve;

pub use acme::Acme;
pub use directory::{Directory, Source, Unit};
pub use dkim::Dkim;
pub use ldap::{Entry, Ldap, LdapUrl, PLACES};
pub use limits::Limits;
pub use located::Located;
pub use oidc::{Oidc, OidcMailboxes, Shown};
pub use ordinary::{Antispam, Ordinary, Weight};
pub use outward::{CertifiedTls, Dns, Login, Pattern, Relay, Route, RouteTls, Server};
pub use passwords::Passwords;
pub use problem::{Problem, Problems};
pub use retention::Retention;
pub use signing::SigningKey;
pub use sms::{Format as SmsFormat, Sms};

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

/// Where backups of the store are, for who looks after them: the service itself makes none unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backups {
    /// Their folder.
    pub folder: Located<PathBuf>,
    /// How old the last one may be.
    pub max_age: Duration,
}

/// Whether who administrates must have a second factor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactor {
    /// As he likes.
    #[default]
    Optional,
    /// Without one he may add one, and nothing else.
    Required,
}

/// A checked configuration. Paths are absolute or relative to the working folder.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it came from.
    pub file: PathBuf,
    /// The file's SHA-256, hexadecimal.
    pub sha256: String,
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
    /// Who renews both; `None`: somebody else.
    pub acme: Option<Acme>,
    /// Anchors of the certificates that clients may show at submission; none: nobody is asked.
    pub client_anchors: Vec<Located<PathBuf>>,
    /// Their revocation lists.
    pub client_crls: Vec<Located<PathBuf>>,
    /// Signing certificate.
    pub signing_certificate: Located<PathBuf>,
    /// Signing key.
    pub signing_key: Located<SigningKey>,
    /// Intermediates sent with signatures.
    pub signing_chain: Option<Located<PathBuf>>,
    /// The signing certificate that will follow this one: published in advance.
    pub next_certificate: Option<Located<PathBuf>>,
    /// Its key; with it, `sigillo cert roll` can take both into use.
    pub next_key: Option<Located<SigningKey>>,
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
    /// Who signs tokens that are checked here; `None`: nobody.
    pub oidc: Option<Oidc>,
    /// Directories that keep passwords.
    pub ldap: Vec<Ldap>,
    /// The antivirus; without it nothing is scanned.
    pub antivirus: Option<Antivirus>,
    /// What the passwords of users must be.
    pub passwords: Passwords,
    /// What is asked about ordinary mail.
    pub ordinary: Ordinary,
    /// The antispam; without it nobody tells spam.
    pub antispam: Option<Antispam>,
    /// The signature over ordinary mail of ours; without it nothing is signed, and reports about TLS are not sent.
    pub dkim: Option<Dkim>,
    /// Who sends short messages; without it nobody.
    pub sms: Option<Sms>,
    /// How the clock is watched.
    pub clock: Clock,
    /// The administrative socket.
    pub admin_socket: Located<PathBuf>,
    /// Where persons administrate over TLS; `None`: nowhere.
    pub admin_door: Option<AdminDoor>,
    /// Whether who administrates must have a second factor.
    pub second_factor: SecondFactor,
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
    /// Where backups are; `None`: nobody said.
    pub backups: Option<Backups>,
}

/// The administrative interface over TLS.
#[derive(Debug, Clone)]
pub struct AdminDoor {
    /// Where it listens.
    pub listen: Located<SocketAddr>,
    /// Requests of one place, and of one token, in a minute.
    pub per_minute: u32,
}

impl Config {
    /// Reads and checks a file. Files it names are not opened here.
    pub fn load(file: &Path) -> Result<Self, Problems> {
        let text = fs::read_to_string(file).map_err(|e| {
            Problems(vec![Problem {
                file: file.to_owned(),
                line: None,
                key: None,
                what: said!("il file non si legge: {e}", "the file cannot be read: {e}"),
                remedy: said!(
                    "controllare percorso e permessi; `sigillo config init CARTELLA` crea un esempio",
                    "check path and permissions; `sigillo config init FOLDER` makes a sample"
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
    let domains = certified(raw.provider.domains, service_address.as_ref(), r);
    let (listen, proxies) = listeners(raw.listen, r);
    let (client_anchors, client_crls) = clients(raw.tls.client_anchors, raw.tls.client_crls, r)?;
    let relay_roots = r.path("relay.roots", raw.relay.roots.clone())?;
    let store = r.path("store.path", raw.store.path)?;
    let tls = r.tls((raw.tls.certificate, raw.tls.key, raw.tls.acme), &host, &relay_roots, &store.value)?;
    let oidc = r.optional(raw.oidc, |r, oidc| r.oidc(oidc, &domains, raw.oauth.is_some()))?;
    let ldap = r.ldap(raw.ldap, &domains, &relay_roots)?;
    Some(Config {
        file: r.file().to_owned(),
        sha256: r.sha256(),
        name: r.text("provider.name", raw.provider.name)?,
        service_address: service_address?,
        english: raw.provider.english,
        host: r.host("provider.host", raw.provider.host)?,
        domains,
        store,
        store_memory: raw.store.memory_mb.max(16) << 20,
        store_reserve: Reserve { bytes: raw.store.reserve_mb.saturating_mul(MB), inodes: raw.store.reserve_inodes },
        store_volatile: raw.store.allow_volatile,
        text_index: raw.store.text_index,
        retention: r.retention(&raw.archive),
        listen,
        proxies,
        tls_certificate: tls.certificate,
        tls_key: tls.key,
        acme: tls.acme,
        client_anchors,
        client_crls,
        signing_certificate: r.path("signing.certificate", raw.signing.certificate)?,
        signing_key: r.signing_key("signing.key", raw.signing.key)?,
        signing_chain: raw.signing.chain.and_then(|p| r.path("signing.chain", p)),
        next_certificate: raw.signing.next_certificate.and_then(|p| r.path("signing.next_certificate", p)),
        next_key: raw.signing.next_key.and_then(|p| r.signing_key("signing.next_key", p)),
        anchors: r.paths("trust.anchors", raw.trust.anchors),
        crls: r.paths("trust.crls", raw.trust.crls),
        crl_urls: r.urls("trust.crl_urls", raw.trust.crl_urls),
        index: r.path("index.file", raw.index.file.clone())?,
        directory: Directory::read(raw.index, &relay_roots, r)?,
        relay_roots,
        relay: r.relay(raw.relay),
        dns: r.dns(raw.dns),
        timestamp: r.optional(raw.timestamp, Reader::timestamp)?,
        access: r.access(raw.access)?,
        passwords: r.passwords(raw.passwords)?,
        oauth: r.optional(raw.oauth, Reader::oauth)?,
        oidc,
        ldap,
        antivirus: r.optional(raw.antivirus, Reader::antivirus)?,
        ordinary: r.ordinary(raw.ordinary, raw.antispam.as_ref()),
        antispam: r.optional(raw.antispam, Reader::antispam)?,
        dkim: r.optional(raw.dkim, |r, dkim| r.dkim(dkim, &host))?,
        sms: r.optional(raw.sms, Reader::sms)?,
        clock: r.clock(raw.clock)?,
        admin_socket: r.path("admin.socket", raw.admin.socket)?,
        admin_door: r.admin_door(raw.admin.listen, raw.admin.requests_per_minute)?,
        second_factor: raw.admin.second_factor,
        metrics: r.metrics(raw.metrics)?,
        log_level: raw.log.level,
        log_format: raw.log.format,
        limits: raw.limits.into(),
        profiles: profiles::read(raw.profile, r)?,
        reports: raw.reports.folder.and_then(|folder| r.path("reports.folder", folder)),
        backups: r.optional(raw.backup, Reader::backups)?,
    })
}

/// The domains of this provider, that of its service mailbox among them.
fn certified(raw: Vec<toml::Spanned<String>>, service: Option<&Located<Address>>, r: &mut Reader<'_>) -> Vec<Domain> {
    let mut domains: Vec<Domain> = raw.into_iter().filter_map(|d| r.domain("provider.domains", d)).collect();
    if let Some(service) = service
        && !domains.contains(service.value.domain())
    {
        domains.push(service.value.domain().clone());
    }
    domains
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
