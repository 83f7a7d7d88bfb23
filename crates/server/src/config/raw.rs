//! The file as serde reads it: unknown keys are errors everywhere.

mod logins;

use serde::Deserialize;
use toml::Spanned;

use super::SecondFactor;
use super::ordinary::Weight;
use super::outward::{CertifiedTls, RouteTls};
use super::sms::Raw as Sms;
use crate::logging::Format;

pub(super) use logins::{Ldap, Oauth, Oidc, OidcMailboxes, OidcShown};

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
    #[serde(default)]
    pub dns: Dns,
    pub timestamp: Option<TimeStamp>,
    #[serde(default)]
    pub access: Access,
    #[serde(default)]
    pub passwords: Passwords,
    pub oauth: Option<Oauth>,
    pub oidc: Option<Oidc>,
    #[serde(default)]
    pub ldap: Vec<Ldap>,
    pub antivirus: Option<Antivirus>,
    pub ordinary: Option<Ordinary>,
    pub antispam: Option<Antispam>,
    pub dkim: Option<Dkim>,
    pub sms: Option<Sms>,
    #[serde(default)]
    pub clock: Clock,
    pub admin: Admin,
    pub metrics: Option<Metrics>,
    #[serde(default)]
    pub log: Log,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub profile: Vec<Profile>,
    #[serde(default)]
    pub reports: Reports,
    pub backup: Option<Backup>,
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
    #[serde(default = "yes")]
    pub text_index: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Archive {
    pub retention_days: Option<Spanned<u64>>,
    pub records_days: Option<Spanned<u64>>,
    pub accesses_days: Option<Spanned<u64>>,
    pub cancelled_days: Option<Spanned<u64>>,
}

fn yes() -> bool {
    true
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
    pub pop3: Vec<Spanned<String>>,
    pub pop3s: Vec<Spanned<String>>,
    pub proxy_networks: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub certificate: Option<Spanned<String>>,
    pub key: Option<Spanned<String>>,
    pub acme: Option<Acme>,
    #[serde(default)]
    pub client_anchors: Vec<Spanned<String>>,
    #[serde(default)]
    pub client_crls: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Acme {
    pub directory: Spanned<String>,
    pub contact: Option<Spanned<String>>,
    #[serde(default = "no")]
    pub agree: Spanned<bool>,
    #[serde(default)]
    pub names: Vec<Spanned<String>>,
    #[serde(default = "challenge_ports")]
    pub listen: Vec<Spanned<String>>,
    pub roots: Option<Spanned<String>>,
}

fn no() -> Spanned<bool> {
    Spanned::new(0..0, false)
}

fn challenge_ports() -> Vec<Spanned<String>> {
    ["0.0.0.0:80", "[::]:80"].map(|at| Spanned::new(0..0, at.to_owned())).into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signing {
    pub certificate: Spanned<String>,
    pub key: Spanned<String>,
    pub chain: Option<Spanned<String>>,
    pub next_certificate: Option<Spanned<String>>,
    pub next_key: Option<Spanned<String>>,
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
    pub per_destination: usize,
    pub per_connection: u32,
    pub idle_s: u64,
    pub port: u16,
    pub certified_tls: CertifiedTls,
    pub route: Vec<Route>,
    pub smarthost: Option<Smarthost>,
}

impl Default for Relay {
    fn default() -> Self {
        Self {
            roots: Spanned::new(0..0, "/etc/ssl/certs/ca-certificates.crt".to_owned()),
            concurrency: 32,
            per_destination: 20,
            per_connection: 100,
            idle_s: 5,
            port: 25,
            certified_tls: CertifiedTls::Verified,
            route: Vec::new(),
            smarthost: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub domains: Vec<Spanned<String>>,
    pub address: Option<Spanned<String>>,
    pub name: Option<Spanned<String>>,
    #[serde(default)]
    pub servers: Vec<Spanned<String>>,
    #[serde(default = "opportunistic")]
    pub tls: Spanned<RouteTls>,
    pub user: Option<Spanned<String>>,
    pub password_file: Option<Spanned<String>>,
}

fn opportunistic() -> Spanned<RouteTls> {
    Spanned::new(0..0, RouteTls::Opportunistic)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Smarthost {
    pub host: Spanned<String>,
    pub port: Option<u16>,
    pub address: Option<Spanned<String>>,
    #[serde(default = "required")]
    pub tls: Spanned<RouteTls>,
    pub user: Option<Spanned<String>>,
    pub password_file: Option<Spanned<String>>,
}

fn required() -> Spanned<RouteTls> {
    Spanned::new(0..0, RouteTls::Required)
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Dns {
    pub servers: Vec<Spanned<String>>,
    pub dnssec: bool,
    pub anchors: Option<Spanned<String>>,
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
#[serde(deny_unknown_fields, default)]
pub(super) struct Ordinary {
    pub spf: Weight,
    pub dmarc: Weight,
    pub dnsbl: Vec<Spanned<String>>,
    pub listed: Weight,
    pub concurrency: usize,
    pub timeout_s: u64,
}

impl Default for Ordinary {
    fn default() -> Self {
        Self {
            spf: Weight::Record,
            dmarc: Weight::Record,
            dnsbl: Vec::new(),
            listed: Weight::Record,
            concurrency: 8,
            timeout_s: 10,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Antispam {
    pub rspamd: Spanned<String>,
    #[serde(default = "enforce")]
    pub reject: Weight,
    #[serde(default = "enforce")]
    pub defer: Weight,
    #[serde(default = "accept")]
    pub when_down: WhenDown,
    #[serde(default = "max_size_mb")]
    pub max_size_mb: usize,
}

fn enforce() -> Weight {
    Weight::Enforce
}

fn accept() -> WhenDown {
    WhenDown::Accept
}

fn max_size_mb() -> usize {
    20
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dkim {
    pub domain: Spanned<String>,
    pub selector: Spanned<String>,
    pub key: Spanned<String>,
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
    pub help: Option<Spanned<String>>,
}

impl Default for Access {
    fn default() -> Self {
        Self { size_times_recipients_mb: Spanned::new(0..0, 0), strict_recipients: true, help: None }
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

/// Figures that are not given are those of the base.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    pub name: Spanned<String>,
    pub base: Spanned<String>,
    pub box_gb: Option<u64>,
    pub per_minute: Option<u32>,
    pub per_day: Option<u32>,
    pub max_message_mb: Option<u64>,
    pub max_recipients: Option<usize>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Reports {
    pub folder: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Backup {
    pub folder: Spanned<String>,
    #[serde(default = "backup_age_h")]
    pub max_age_h: Spanned<u64>,
}

fn backup_age_h() -> Spanned<u64> {
    Spanned::new(0..0, 26)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Admin {
    pub socket: Spanned<String>,
    pub listen: Option<Spanned<String>>,
    #[serde(default = "requests_per_minute")]
    pub requests_per_minute: u32,
    #[serde(default)]
    pub second_factor: SecondFactor,
}

fn requests_per_minute() -> u32 {
    3000
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metrics {
    pub listen: Spanned<String>,
    #[serde(default)]
    pub allow_remote: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Passwords {
    pub min_length: Spanned<usize>,
    pub history: Spanned<usize>,
    pub max_age_days: Option<Spanned<u64>>,
    pub first_change: bool,
    pub page: Option<Spanned<String>>,
    pub seal_key: Option<Spanned<String>>,
}

impl Default for Passwords {
    fn default() -> Self {
        let here = |n| Spanned::new(0..0, n);
        Self {
            min_length: here(10),
            history: here(5),
            max_age_days: None,
            first_change: true,
            page: None,
            seal_key: None,
        }
    }
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
    pub connections_per_account: usize,
    pub workers: usize,
    pub work_mb: usize,
    pub min_rate: u64,
    pub min_rate_grace_s: u64,
    pub login_failures: u32,
    pub login_failures_per_address: u32,
    pub login_lock_s: u64,
    pub login_lock_max_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 200,
            connections_per_account: 100,
            workers: 0,
            work_mb: 128,
            min_rate: 500,
            min_rate_grace_s: 60,
            login_failures: 5,
            login_failures_per_address: 50,
            login_lock_s: 60,
            login_lock_max_s: 3600,
        }
    }
}
