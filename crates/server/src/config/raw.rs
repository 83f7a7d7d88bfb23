//! The file as serde reads it: unknown keys are errors everywhere.

use serde::Deserialize;
use toml::Spanned;

use crate::logging::Format;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub provider: Provider,
    pub store: Store,
    #[serde(default)]
    pub archive: Archive,
    #[serde(default)]
    pub listen: Listen,
    pub tls: Tls,
    pub signing: Signing,
    pub trust: Trust,
    pub index: Index,
    #[serde(default)]
    pub relay: Relay,
    pub timestamp: Option<TimeStamp>,
    #[serde(default)]
    pub access: Access,
    pub oauth: Option<Oauth>,
    pub antivirus: Option<Antivirus>,
    #[serde(default)]
    pub clock: Clock,
    pub admin: Admin,
    #[serde(default)]
    pub log: Log,
    #[serde(default)]
    pub limits: Limits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Provider {
    pub name: Spanned<String>,
    pub service_address: Spanned<String>,
    pub host: Spanned<String>,
    pub domains: Vec<Spanned<String>>,
    #[serde(default)]
    pub english: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    pub path: Spanned<String>,
    #[serde(default = "memory_mb")]
    pub memory_mb: usize,
    #[serde(default = "reserve_mb")]
    pub reserve_mb: u64,
    #[serde(default = "reserve_inodes")]
    pub reserve_inodes: u64,
    #[serde(default)]
    pub allow_volatile: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Archive {
    pub retention_days: Option<Spanned<u64>>,
}

fn reserve_mb() -> u64 {
    512
}

fn reserve_inodes() -> u64 {
    1000
}

fn memory_mb() -> usize {
    256
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Listen {
    pub smtp: Vec<Spanned<String>>,
    pub submission: Vec<Spanned<String>>,
    pub submissions: Vec<Spanned<String>>,
    pub imap: Vec<Spanned<String>>,
    pub imaps: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub certificate: Spanned<String>,
    pub key: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signing {
    pub certificate: Spanned<String>,
    pub key: Spanned<String>,
    pub chain: Option<Spanned<String>>,
    pub next_certificate: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trust {
    pub anchors: Vec<Spanned<String>>,
    pub crls: Vec<Spanned<String>>,
    #[serde(default)]
    pub crl_urls: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index {
    pub file: Spanned<String>,
    pub url: Option<Spanned<String>>,
    #[serde(default)]
    pub follow: bool,
    pub roots: Option<Spanned<String>>,
    pub client_certificate: Option<Spanned<String>>,
    pub client_key: Option<Spanned<String>>,
    #[serde(default = "interval_h")]
    pub interval_h: Spanned<u64>,
    #[serde(default = "stale_h")]
    pub stale_h: Spanned<u64>,
    #[serde(default)]
    pub unit: Vec<Unit>,
}

fn interval_h() -> Spanned<u64> {
    Spanned::new(0..0, 24)
}

fn stale_h() -> Spanned<u64> {
    Spanned::new(0..0, 72)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unit {
    pub name: Spanned<String>,
    pub mail_receipt: Spanned<String>,
    pub domains: Vec<Spanned<String>>,
    #[serde(default)]
    pub certificates: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Relay {
    pub roots: Spanned<String>,
    pub concurrency: usize,
    pub route: Vec<Route>,
}

impl Default for Relay {
    fn default() -> Self {
        let roots = Spanned::new(0..0, "/etc/ssl/certs/ca-certificates.crt".to_owned());
        Self { roots, concurrency: 32, route: Vec::new() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub domains: Vec<Spanned<String>>,
    pub address: Spanned<String>,
    pub name: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Antivirus {
    pub clamd: Spanned<String>,
    #[serde(default = "concurrency")]
    pub concurrency: usize,
    #[serde(default = "timeout_s")]
    pub timeout_s: u64,
    #[serde(default)]
    pub when_down: WhenDown,
}

/// `MaxThreads` of a clamd as it comes.
fn concurrency() -> usize {
    10
}

fn timeout_s() -> u64 {
    60
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "lowercase")]
pub(super) enum WhenDown {
    #[default]
    Refuse,
    Accept,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Oauth {
    pub introspection_url: Spanned<String>,
    pub client_id: Spanned<String>,
    pub client_secret: Spanned<String>,
    pub audience: Spanned<String>,
    #[serde(default = "claim")]
    pub claim: Spanned<String>,
}

fn claim() -> Spanned<String> {
    Spanned::new(0..0, "email".to_owned())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeStamp {
    pub url: Spanned<String>,
    pub anchors: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Access {
    pub size_times_recipients_mb: Spanned<u32>,
    pub strict_recipients: bool,
}

impl Default for Access {
    fn default() -> Self {
        Self { size_times_recipients_mb: Spanned::new(0..0, 0), strict_recipients: true }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Clock {
    pub servers: Vec<Spanned<String>>,
    pub tolerance_ms: Spanned<u32>,
    pub when_off: WhenOff,
}

impl Default for Clock {
    fn default() -> Self {
        Self { servers: Vec::new(), tolerance_ms: Spanned::new(0..0, 1000), when_off: WhenOff::Refuse }
    }
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum WhenOff {
    Refuse,
    Warn,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Admin {
    pub socket: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Log {
    pub level: String,
    pub format: Format,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: Format::Human }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    pub connections: usize,
    pub connections_per_address: usize,
    pub workers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 10_000, connections_per_address: 200, workers: 0 }
    }
}
