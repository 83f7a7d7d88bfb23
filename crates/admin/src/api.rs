//! The types of the administrative interface. The server answers with them, the client reads them back.

mod address_book;
mod administrator;
mod apply;
mod certificate;
mod content;
mod credential;
mod dispatch;
mod domain;
mod extract;
mod list;
mod listing;
mod log;
mod notice;
mod operation;
mod own;
mod password;
mod person;
mod plan;
mod quarantine;
mod queue;
mod rates;
mod step;
mod store;
mod store_check;
mod store_work;
mod tenant;
mod tls_report;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sigillo_base::Secret;

pub use address_book::*;
pub use administrator::*;
pub use apply::*;
pub use certificate::*;
pub use content::*;
pub use credential::*;
pub use dispatch::{
    Dispatch, DispatchRecipient, Evidence, HOLDER_LOG_LIMIT, HolderEvent, HolderLog, Period, Queued, dispatch_path,
    holder_log_path,
};
pub use domain::{DOMAINS, Domain, DomainChange, Domains, domain_path};
pub use extract::*;
pub use list::{LISTS, List, Lists, Members, list_cancellation_path, list_path, list_unit_path};
pub use listing::{LISTING_LIMIT, LISTING_MOST, Listing, Paged};
pub use log::*;
pub use notice::*;
pub use operation::*;
pub use own::*;
pub use password::*;
pub use person::*;
pub use plan::*;
pub use quarantine::{After, QUARANTINE, QUARANTINE_LIMIT, Quarantine, Quarantined, quarantine_path};
pub use queue::{
    Held, ORDERED_LIMIT, Order, Ordered, QUEUE, QUEUE_LIMIT, Queue, QueueFilter, QueueItem, Refused, order_path,
};
pub use rates::*;
pub use step::Step;
pub use store::StoreStatus;
pub use store_check::{CheckFrom, CheckPage, Finding, Repair, STORE_CHECK};
pub use store_work::{
    Backup, BackupOrder, Compacted, Family, Migration, STORE_BACKUP, STORE_COMPACT, STORE_STATS, StoreHealth,
    StoreStats,
};
pub use tenant::*;
pub use tls_report::*;

/// `GET`: [`Status`].
pub const STATUS: &str = "/v1/status";
/// `GET`: [`Mailboxes`]. `POST` [`NewMailbox`]: [`Mailbox`] (201).
pub const MAILBOXES: &str = "/v1/mailboxes";
/// `GET`: [`Directory`].
pub const INDEX: &str = "/v1/index";
/// `POST`: [`IndexUpdate`]; 502 when no newer copy could be had.
pub const INDEX_UPDATE: &str = "/v1/index/update";

/// `GET`: this interface as an OpenAPI document.
pub const OPENAPI: &str = "/v1/openapi.json";

/// How the provider is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// `running`; `refusing` while it takes no mail for the time being; `draining` while the service ends.
    pub state: String,
    /// Version of the program.
    pub version: String,
    /// Process id.
    pub pid: u32,
    /// Seconds of real time since the start.
    pub uptime_s: u64,
    /// The provider's name (*gestore emittente*).
    pub provider: String,
    /// The address of the service mailbox, From of every notice.
    pub service_address: String,
    /// The name this host has in SMTP, IMAP and POP3 greetings.
    pub host: String,
    /// Service time, ISO 8601 with the legal offset.
    pub service_time: String,
    /// Service seconds per real second; 1 in service.
    pub speed: f64,
    /// Open connections of mail clients and servers.
    pub connections: u64,
    /// Where it listens.
    pub listeners: Vec<Listener>,
    /// The provider index in use.
    pub index: IndexStatus,
    /// Certificates of ours that are in use, or will be.
    pub certificates: Vec<Certificate>,
    /// How the certificate of the doors renews itself; none: it does not.
    #[serde(default)]
    pub acme: Option<AcmeStatus>,
    /// Who scans what enters; without it nothing is scanned.
    pub antivirus: Option<AntivirusStatus>,
    /// Damaged rows that were passed over since the start; `sigillo store check` tells more.
    #[serde(default)]
    pub damaged_rows: usize,
    /// What became today of the ordinary mail that was screened: `taken`, `marked` (as spam), `deferred`, `refused-spf`,
    /// `refused-dmarc`, `refused-listed`, `refused-spam`, each with its number; what is 0 is left out.
    #[serde(default)]
    pub ordinary_today: BTreeMap<String, u64>,
    /// Who sends short messages, when there is somebody.
    #[serde(default)]
    pub sms: Option<SmsStatus>,
    /// Whether service time is right.
    pub clock: Option<ClockStatus>,
    /// Whether the store takes more.
    pub store: Option<StoreStatus>,
    /// Whether systemd started it and hears of it.
    #[serde(default)]
    pub supervised: bool,
    /// After so many seconds of silence systemd starts it again; none: never.
    #[serde(default)]
    pub watchdog_s: Option<u64>,
    /// Servers of others that fail and are left alone for a while.
    #[serde(default)]
    pub paused: Vec<PausedServer>,
}

/// A server of others that fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PausedServer {
    /// Its name.
    pub host: String,
    /// `address:port`.
    pub address: String,
    /// Whether mail for it must go under TLS.
    pub needs_tls: bool,
    /// Since when it fails, ISO 8601.
    pub since: String,
    /// Attempts that failed in a row.
    pub failures: u32,
    /// When it is tried next, ISO 8601.
    pub until: String,
    /// What it failed by last.
    pub why: String,
}

/// One listening socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Listener {
    /// `smtp`, `submission`, `submissions`, `imap`, `imaps`, `pop3`, `pop3s`.
    pub role: String,
    /// `address:port`.
    pub address: String,
}

/// The provider index in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IndexStatus {
    /// The file of the last good copy.
    pub file: String,
    /// Where newer copies come from: an address, or `file` when somebody else replaces the file.
    pub source: String,
    /// Providers (and secondary environments) in it.
    pub entries: usize,
    /// Domains in it.
    pub domains: usize,
    /// When it was signed, ISO 8601.
    pub signed_at: Option<String>,
    /// Seconds of service time since then.
    pub age_s: Option<u64>,
    /// Whether it is older than the configuration allows.
    pub stale: bool,
    /// When a newer copy was looked for the last time, ISO 8601 in service time.
    pub checked_at: Option<String>,
    /// How many times in a row none could be had.
    pub failures: u32,
    /// Why, the last time.
    pub last_error: Option<String>,
}

/// What looking for a newer provider index came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IndexUpdate {
    /// Whether a newer one is in use now.
    pub replaced: bool,
    /// How it is now.
    pub index: IndexStatus,
}

/// The provider index as people look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Directory {
    /// When it was signed, ISO 8601.
    pub signed_at: Option<String>,
    /// Where the whole index is published (`LDIFLocationURL`).
    pub location: Option<String>,
    /// Its records.
    pub entries: Vec<DirectoryEntry>,
}

/// An operative environment of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DirectoryEntry {
    /// `providerName`
    pub name: String,
    /// `providerUnit`, for a secondary environment.
    pub unit: Option<String>,
    /// `mailReceipt`
    pub mail_receipt: String,
    /// `managedDomains`
    pub domains: Vec<String>,
    /// `description`
    pub description: Option<String>,
    /// `LDIFLocationURL`
    pub url: Option<String>,
    /// `providerCertificate`, several during a renewal.
    pub certificates: Vec<DirectoryCertificate>,
}

/// A signing certificate in the provider index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DirectoryCertificate {
    /// `providerCertificateHash`: SHA-1, upper-case hexadecimal.
    pub sha1: String,
    /// The distinguished name of its holder.
    pub subject: String,
    /// When it begins to be valid, ISO 8601.
    pub not_before: String,
    /// When it ends, ISO 8601.
    pub not_after: String,
}

/// The antivirus, asked for this answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AntivirusStatus {
    /// Where it listens: a socket's path or `host:port`.
    pub at: String,
    /// Its name and version with that of its signatures, when it answers.
    pub engine: Option<String>,
    /// Why it does not.
    pub error: Option<String>,
}

/// The gateway of short messages, by the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SmsStatus {
    /// Where it is asked.
    pub at: String,
    /// Since when none was taken, ISO 8601; none: the last one was, or there was none yet.
    pub since: Option<String>,
    /// Why the last one was not.
    pub error: Option<String>,
}

/// The clock by its last measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockStatus {
    /// `synchronised`, `off` or `unknown`.
    pub state: String,
    /// What must be added to service time to get UTC, in milliseconds, when it was measured.
    pub offset_ms: Option<i64>,
    /// Why it is unknown.
    pub why: Option<String>,
}

/// Mailboxes, in the order they were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mailboxes {
    /// A page of them.
    pub mailboxes: Vec<Mailbox>,
    /// What to ask as `after` for those that follow; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mailbox {
    /// Its address.
    pub address: String,
    /// `standard`, `structured`, `massive-small`, `massive-medium`, `massive-large`, `massive-extra-large`, `service`,
    /// or one of the provider's own.
    pub profile: String,
    /// What happens to mail that no provider certifies: `refuse`, or `accept` inside an anomaly envelope.
    pub ordinary_mail: String,
    /// Whether it is blocked.
    #[serde(default)]
    pub blocked: Option<Blocked>,
    /// Capabilities that its clients are not offered.
    #[serde(default)]
    pub without: Vec<String>,
    /// The folder that receipts and notices go into.
    #[serde(default)]
    pub receipts: String,
    /// `active`, `blocked`, `inactive` or `cancelled`.
    #[serde(default)]
    pub state: String,
    /// Until when it can be called back, where it is cancelled; ISO 8601.
    #[serde(default)]
    pub cancelled_until: Option<String>,
    /// The unit of its administration that it is of.
    #[serde(default)]
    pub unit: Option<u64>,
    /// Who answers for it, by name.
    #[serde(default)]
    pub responsible: Vec<String>,
}

/// A mailbox to be made.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMailbox {
    /// Its address, in a domain of this provider.
    pub address: String,
    /// See [`Mailbox::profile`].
    pub profile: String,
    /// Its first password. It is hashed on arrival and kept nowhere else. This, or a hash.
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub password: Option<Secret>,
    /// A hash of it that another system made: `$6$…`, `{SSHA}…` and others.
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub password_hash: Option<Secret>,
    /// The number of the unit, of the administration that its domain belongs to.
    #[serde(default)]
    pub unit: Option<u64>,
}

impl std::fmt::Debug for NewMailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewMailbox")
            .field("address", &self.address)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// An error reply (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `about:blank`, or a word of ours: `urn:sigillo:…`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The class of the problem, the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time, for a person.
    pub detail: String,
    /// This one time: the program's log names it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Which fields of the request are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// A field of a request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldError {
    /// Its name, or the way to it: `members[0]`.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

/// A text as part of a path or query (RFC 3986 §2.1).
pub fn escaped(text: &str) -> String {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"-._@".contains(&b);
    text.bytes().map(|b| if safe(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The same back: without its `%41`; `None` where an escape is cut short or is none, or what comes out is no UTF-8.
pub fn unescaped(text: &str) -> Option<String> {
    let (mut out, mut bytes) = (Vec::new(), text.bytes());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digit = |b: Option<u8>| char::from(b?).to_digit(16);
                u8::try_from(digit(bytes.next())? * 16 + digit(bytes.next())?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

/// The path of a mailbox: `PATCH` [`MailboxChange`], answered with [`Mailbox`].
pub fn mailbox_path(address: &str) -> String {
    format!("{MAILBOXES}/{}", escaped(address))
}

/// The path of a mailbox's password: `PUT` [`NewPassword`], answered with [`Mailbox`].
pub fn password_path(address: &str) -> String {
    format!("{}/password", mailbox_path(address))
}

/// The path of the hash that a list has for a mailbox's owner: `PUT` [`NewHash`], answered with [`GivenHash`].
pub fn hash_path(address: &str) -> String {
    format!("{}/password-hash", mailbox_path(address))
}

/// A hash of a password that another system made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHash {
    /// See [`NewMailbox::password_hash`].
    #[serde(with = "secret")]
    #[schemars(with = "String", extend("format" = "password"))]
    pub hash: Secret,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GivenHash {
    /// `given`; `same`: he had it already; `kept`: he has a password of his own here, which stays.
    pub outcome: String,
    /// What it was made by: `bcrypt`, `SSHA` …
    pub scheme: String,
}

/// The path of whether a mailbox is in use: `PUT` takes it into use, `DELETE` out of it; answered with [`Mailbox`].
pub fn activation_path(address: &str) -> String {
    format!("{}/activation", mailbox_path(address))
}

/// The path of a mailbox's end: `PUT` cancels it, `DELETE` calls it back; answered with [`Mailbox`].
pub fn cancellation_path(address: &str) -> String {
    format!("{}/cancellation", mailbox_path(address))
}

/// The path of who answers for a mailbox: `PUT` [`Responsible`], answered with [`Mailbox`].
pub fn responsible_path(address: &str) -> String {
    format!("{}/responsible", mailbox_path(address))
}

/// Other choices for a mailbox; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MailboxChange {
    /// See [`Mailbox::ordinary_mail`].
    pub ordinary_mail: Option<String>,
    /// See [`Mailbox::profile`].
    pub profile: Option<String>,
    /// See [`Mailbox::without`].
    pub without: Option<Vec<String>>,
    /// See [`Mailbox::receipts`]; the folder is made if it is not there.
    pub receipts: Option<String>,
}

/// Another password for a mailbox.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// See [`NewMailbox::password`].
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub password: Option<Secret>,
    /// See [`NewMailbox::password_hash`].
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub password_hash: Option<Secret>,
}

mod secret {
    use super::Secret;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(secret: &Secret, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(secret.expose())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Secret, D::Error> {
        String::deserialize(d).map(Secret::new)
    }
}

mod maybe {
    use super::{Secret, secret};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(password: &Option<Secret>, s: S) -> Result<S::Ok, S::Error> {
        match password {
            Some(password) => secret::serialize(password, s),
            None => s.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<String>::deserialize(d)?.map(Secret::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_travels_but_does_not_show() {
        let new = NewMailbox {
            address: "anna@comune-alfa.example".into(),
            profile: "standard".into(),
            password: Some(Secret::new("segretissima".into())),
            password_hash: None,
            unit: None,
        };
        let json = serde_json::to_string(&new).unwrap();
        let back: NewMailbox = serde_json::from_str(&json).unwrap();
        assert_eq!(back.password, new.password);
        assert!(!format!("{new:?}").contains("segretissima"));
        assert!(serde_json::from_str::<NewMailbox>(r#"{"address":"a","profile":"b","password":"c","x":1}"#).is_err());
    }

    #[test]
    fn an_address_is_escaped_in_a_path() {
        assert_eq!(password_path("anna@comune.example"), "/v1/mailboxes/anna@comune.example/password");
        assert_eq!(password_path("a/b?c@x.example"), "/v1/mailboxes/a%2Fb%3Fc@x.example/password");
    }

    #[test]
    fn what_was_escaped_comes_back_and_what_is_no_escape_does_not() {
        let name = "a+b/è%@comune.example";
        assert_eq!(unescaped(&escaped(name)).as_deref(), Some(name));
        assert!(["100%", "%4", "%zz", "%ff"].into_iter().all(|text| unescaped(text).is_none()));
    }

    #[test]
    fn replies_round_trip() {
        let problem = Problem {
            kind: "about:blank".into(),
            title: "Conflict".into(),
            status: 409,
            detail: "esiste già".into(),
            instance: None,
            errors: vec![FieldError { field: "name".into(), detail: "esiste già".into() }],
        };
        let json = serde_json::to_string(&problem).unwrap();
        assert!(json.contains("\"type\":\"about:blank\""), "{json}");
        assert_eq!(serde_json::from_str::<Problem>(&json).unwrap(), problem);
    }
}
