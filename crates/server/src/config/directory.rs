//! The part of the configuration about the provider index: where newer copies come from, how we show ourselves in it.

use std::path::PathBuf;
use std::time::Duration;

use sigillo_base::{Address, Domain, said};

use super::located::{Located, Reader};
use super::raw;
use crate::fetch::Url;

/// Where newer copies of the provider index come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// From the file: somebody else replaces it.
    File,
    /// From this address.
    Url(Url),
    /// From the address that the copy in use gives (`LDIFLocationURL` of its base record).
    Location,
}

/// A secondary environment as it is published (`providerUnit`).
#[derive(Debug, Clone)]
pub struct Unit {
    /// Its name.
    pub name: Located<String>,
    /// Its service mailbox.
    pub mail_receipt: Address,
    /// Its domains.
    pub domains: Vec<Domain>,
    /// Its certificates; empty: those of the main environment.
    pub certificates: Vec<Located<PathBuf>>,
}

/// How the provider index is kept up to date.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Where from.
    pub source: Source,
    /// TLS roots of the server it comes from.
    pub roots: Located<PathBuf>,
    /// The certificate chain and key shown to that server.
    pub client: Option<(Located<PathBuf>, Located<PathBuf>)>,
    /// How often a newer copy is looked for.
    pub interval: Duration,
    /// A copy signed longer ago than this is alarming.
    pub stale: Duration,
    /// Our secondary environments.
    pub units: Vec<Unit>,
}

/// The longest interval: the rules ask for a copy of the day (RFC 6109 §4.5).
const MAX_INTERVAL_H: u64 = 24;
const MAX_STALE_H: u64 = 24 * 365;

impl Directory {
    /// `roots` are taken when the file names none.
    pub(super) fn read(raw: raw::Index, roots: &Located<PathBuf>, r: &mut Reader<'_>) -> Option<Self> {
        let source = source(raw.url, raw.follow, r)?;
        let client = match (raw.client_certificate, raw.client_key) {
            (Some(certificate), Some(key)) => {
                Some((r.path("index.client_certificate", certificate)?, r.path("index.client_key", key)?))
            }
            (Some(alone), None) => return r.alone("index.client_certificate", &alone, "index.client_key"),
            (None, Some(alone)) => return r.alone("index.client_key", &alone, "index.client_certificate"),
            (None, None) => None,
        };
        Some(Self {
            source,
            roots: raw.roots.map_or_else(|| Some(roots.clone()), |path| r.path("index.roots", path))?,
            client,
            interval: r.hours("index.interval_h", &raw.interval_h, MAX_INTERVAL_H)?,
            stale: r.hours("index.stale_h", &raw.stale_h, MAX_STALE_H)?,
            units: raw.unit.into_iter().filter_map(|unit| read_unit(unit, r)).collect(),
        })
    }
}

fn source(url: Option<toml::Spanned<String>>, follow: bool, r: &mut Reader<'_>) -> Option<Source> {
    match url {
        None if follow => Some(Source::Location),
        None => Some(Source::File),
        Some(url) if follow => {
            let what = said!("c'è anche index.follow", "index.follow is there as well");
            let remedy = said!("tenere una delle due", "keep one of them");
            r.wrong("index.url", &url, what, remedy)
        }
        Some(url) => {
            let url = r.url("index.url", url)?;
            if !url.value.is_https() {
                let what = said!(
                    "l'indice si scarica solo per HTTPS (RFC 6109 §4.5)",
                    "the index is fetched by HTTPS only (RFC 6109 §4.5)"
                );
                r.tell(&url, what, said!("scrivere https://…", "write https://…"));
                return None;
            }
            Some(Source::Url(url.value))
        }
    }
}

fn read_unit(raw: raw::Unit, r: &mut Reader<'_>) -> Option<Unit> {
    let name = r.text("index.unit.name", raw.name);
    let mail_receipt = r.address("index.unit.mail_receipt", raw.mail_receipt);
    let domains = raw.domains.into_iter().filter_map(|d| r.domain("index.unit.domains", d)).collect();
    let certificates = r.paths("index.unit.certificates", raw.certificates);
    Some(Unit { name: name?, mail_receipt: mail_receipt?.value, domains, certificates })
}
