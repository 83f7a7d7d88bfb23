//! Values that know their line, and the checks that make them.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sigillo_base::limits::MB;
use sigillo_base::{Address, Complaint, Domain, Said, said};
use toml::Spanned;

use super::problem::{Problem, Problems};
use super::{Access, Antivirus, Backups, Clock, Config, Oauth, TimeStamp, raw};
use crate::antivirus::Endpoint;
use crate::fetch::Url;
use crate::host_port::HostPort;
use crate::net::Network;
use crate::ntp;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Its key with the table.
    pub key: String,
    /// Its line, from 1; 0 for a default that no line gives.
    pub line: usize,
}

impl<T> Located<T> {
    /// Something else that stands there.
    pub fn at<U>(&self, value: U) -> Located<U> {
        Located { value, key: self.key.clone(), line: self.line }
    }

    /// An error about this value.
    pub fn problem(&self, file: &Path, what: Said, remedy: Said) -> Problem {
        let line = (self.line > 0).then_some(self.line);
        Problem { file: file.to_owned(), line, key: Some(self.key.clone()), what, remedy }
    }
}

/// Checks values one by one and gathers what is wrong.
pub(super) struct Reader<'t> {
    file: &'t Path,
    text: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(file: &'t Path, text: &'t str) -> Self {
        Self { file, text, problems: Vec::new() }
    }

    /// The SHA-256 of the text, hexadecimal.
    pub(super) fn sha256(&self) -> String {
        data_encoding::HEXLOWER.encode(&sigillo_smime::sha256(self.text.as_bytes()))
    }

    pub(super) fn file(&self) -> &Path {
        self.file
    }

    pub(super) fn finish(self, config: Option<Config>) -> Result<Config, Problems> {
        match config {
            Some(config) if self.problems.is_empty() => Ok(config),
            _ => Err(Problems(self.problems)),
        }
    }

    /// A section that need not be there, but must be right if it is.
    pub(super) fn optional<R, T>(
        &mut self,
        raw: Option<R>,
        read: impl FnOnce(&mut Self, R) -> Option<T>,
    ) -> Option<Option<T>> {
        match raw {
            Some(raw) => read(self, raw).map(Some),
            None => Some(None),
        }
    }

    pub(super) fn text(&mut self, key: &str, raw: Spanned<String>) -> Option<Located<String>> {
        let remedy = said!("scrivere un valore su una riga", "write a value on one line");
        self.check(key, raw, remedy, |text| {
            if text.trim().is_empty() || text.contains(['\r', '\n', '\0']) {
                return Err(said!("è vuoto o ha caratteri di controllo", "is empty or has control characters"));
            }
            Ok(text.to_owned())
        })
    }

    pub(super) fn address(&mut self, key: &str, raw: Spanned<String>) -> Option<Located<Address>> {
        let remedy = said!("scrivere nome@dominio", "write name@domain");
        self.check(key, raw, remedy, |text| {
            Address::parse(text).map_err(|e| said!("{text:?} non è un indirizzo: {e}", "{text:?} is not an address"))
        })
    }

    pub(super) fn domain(&mut self, key: &str, raw: Spanned<String>) -> Option<Domain> {
        let remedy = said!("scrivere un nome DNS senza punto finale", "write a DNS name without a final dot");
        let found = self.check(key, raw, remedy, |text| {
            Domain::parse(text).map_err(|_| said!("{text:?} non è un dominio", "{text:?} is not a domain"))
        });
        found.map(|l| l.value)
    }

    pub(super) fn host(&mut self, key: &str, raw: Spanned<String>) -> Option<Located<String>> {
        let remedy = said!("scrivere il nome del record MX", "write the name of the MX record");
        self.check(key, raw, remedy, |text| {
            Domain::parse(text)
                .map(|d| d.as_str().to_owned())
                .map_err(|_| said!("{text:?} non è un nome di macchina", "{text:?} is not a host name"))
        })
    }

    pub(super) fn socket_address(&mut self, key: &str, raw: Spanned<String>) -> Option<Located<SocketAddr>> {
        let remedy = said!(
            "scrivere indirizzo IP e porta: \"0.0.0.0:25\" oppure \"[::]:25\"",
            "write an IP address and a port: \"0.0.0.0:25\" or \"[::]:25\""
        );
        self.check(key, raw, remedy, |text| {
            text.parse().map_err(|_| said!("{text:?} non è indirizzo:porta", "{text:?} is not address:port"))
        })
    }

    /// Where persons administrate over TLS.
    pub(super) fn admin_door(
        &mut self,
        listen: Option<Spanned<String>>,
        per_minute: u32,
    ) -> Option<Option<super::AdminDoor>> {
        self.optional(listen, |r, at| {
            r.socket_address("admin.listen", at).map(|listen| super::AdminDoor { listen, per_minute })
        })
    }

    /// Where figures are shown: to this machine alone, unless it is said otherwise.
    pub(super) fn metrics(&mut self, raw: Option<raw::Metrics>) -> Option<Option<Located<SocketAddr>>> {
        let Some(raw) = raw else { return Some(None) };
        let at = self.socket_address("metrics.listen", raw.listen)?;
        if at.value.ip().to_canonical().is_loopback() || raw.allow_remote {
            return Some(Some(at));
        }
        let what = said!(
            "{} si raggiunge da altre macchine, e chiunque vi arrivi legge le misure",
            "{} can be reached from other machines, and whoever reaches it reads the figures",
            at.value
        );
        let remedy = said!(
            "scrivere 127.0.0.1:porta, oppure allow_remote = true dietro un firewall",
            "write 127.0.0.1:port, or allow_remote = true behind a firewall"
        );
        self.tell(&at, what, remedy);
        None
    }

    /// Relative paths start from the folder of the configuration file.
    pub(super) fn path(&mut self, key: &str, raw: Spanned<String>) -> Option<Located<PathBuf>> {
        let folder = self.file.parent().unwrap_or_else(|| Path::new("")).to_owned();
        let remedy = said!("scrivere un percorso", "write a path");
        self.check(key, raw, remedy, |text| {
            if text.is_empty() || text.contains('\0') {
                return Err(said!("è vuoto", "is empty"));
            }
            Ok(folder.join(text))
        })
    }

    pub(super) fn paths(&mut self, key: &str, raw: Vec<Spanned<String>>) -> Vec<Located<PathBuf>> {
        raw.into_iter().filter_map(|p| self.path(key, p)).collect()
    }

    pub(super) fn network(&mut self, key: &str, raw: Spanned<String>) -> Option<Network> {
        let remedy = said!("scrivere \"10.0.0.0/8\" o un indirizzo", "write \"10.0.0.0/8\" or one address");
        let network = self.check(key, raw, remedy, |text| {
            let what = || said!("{text:?} non è una rete", "{text:?} is not a network");
            text.parse().map_err(|()| what())
        });
        network.map(|n| n.value)
    }

    pub(super) fn url(&mut self, key: &str, raw: Spanned<String>) -> Option<Located<Url>> {
        let remedy = said!("scrivere https://macchina/percorso", "write https://host/path");
        self.check(key, raw, remedy, |text| text.parse().map_err(|bad: Complaint| bad.0))
    }

    pub(super) fn urls(&mut self, key: &str, raw: Vec<Spanned<String>>) -> Vec<Located<Url>> {
        raw.into_iter().filter_map(|url| self.url(key, url)).collect()
    }

    /// A number of hours, from 1 to `most`.
    pub(super) fn hours(&mut self, key: &str, raw: &Spanned<u64>, most: u64) -> Option<Duration> {
        let hours = *raw.get_ref();
        if (1..=most).contains(&hours) {
            return Some(Duration::from_secs(hours * 3600));
        }
        let what = said!("{hours} ore non va bene", "{hours} hours will not do");
        let remedy = said!("scrivere un numero da 1 a {most}", "write a number from 1 to {most}");
        self.wrong(key, raw, what, remedy)
    }

    /// A number of days: from the least that may be to a hundred years.
    pub(super) fn days(&mut self, key: &str, raw: &Spanned<u64>, least: u64) -> Option<Duration> {
        const MOST: u64 = 36_525;
        let days = *raw.get_ref();
        if (least..=MOST).contains(&days) {
            return Some(Duration::from_secs(days * 24 * 3600));
        }
        let what = said!("{days} giorni non si possono", "{days} days cannot be");
        let remedy =
            said!("scrivere da {least} a {MOST}, o togliere la chiave", "write {least} to {MOST}, or remove the key");
        self.wrong(key, raw, what, remedy)
    }

    /// A key that makes sense only with another one.
    pub(super) fn alone<T, U>(&mut self, key: &str, raw: &Spanned<U>, other: &str) -> Option<T> {
        let what = said!("manca {other}", "{other} is missing");
        let remedy = said!("scriverle tutte e due o nessuna", "write both or none");
        self.wrong(key, raw, what, remedy)
    }

    /// Says what is wrong with a value.
    pub(super) fn wrong<T, U>(&mut self, key: &str, raw: &Spanned<U>, what: Said, remedy: Said) -> Option<T> {
        let (file, key, line) = (self.file.to_owned(), Some(key.to_owned()), Some(self.line(&raw.span())));
        self.problems.push(Problem { file, line, key, what, remedy });
        None
    }

    /// Says what is wrong with a value that was read.
    pub(super) fn tell<T>(&mut self, at: &Located<T>, what: Said, remedy: Said) {
        self.problems.push(at.problem(self.file, what, remedy));
    }

    pub(super) fn antivirus(&mut self, raw: raw::Antivirus) -> Option<Antivirus> {
        let folder = self.file.parent().unwrap_or_else(|| Path::new("")).to_owned();
        let remedy = said!(
            "scrivere il percorso del socket (\"/run/clamav/clamd.ctl\") oppure \"127.0.0.1:3310\"",
            "write the path of the socket (\"/run/clamav/clamd.ctl\") or \"127.0.0.1:3310\""
        );
        let clamd = self.check("antivirus.clamd", raw.clamd, remedy, |text| {
            Endpoint::parse(text, &folder)
                .ok_or_else(|| said!("{text:?} non è un socket né host:porta", "{text:?} is no socket nor host:port"))
        })?;
        Some(Antivirus {
            clamd: clamd.value,
            concurrency: raw.concurrency.max(1),
            timeout: Duration::from_secs(raw.timeout_s.clamp(1, 3600)),
            take_unscanned: raw.when_down == raw::WhenDown::Accept,
        })
    }

    /// Tokens and our secret go there: never in clear.
    pub(super) fn oauth(&mut self, raw: raw::Oauth) -> Option<Oauth> {
        let remedy = said!("scrivere https://macchina/percorso", "write https://host/path");
        let introspection = self.check("oauth.introspection_url", raw.introspection_url, remedy, |text| {
            let url: Url = text.parse().map_err(|bad: Complaint| bad.0)?;
            let clear = || said!("non è cifrato: vi passano le credenziali", "is in clear: credentials go there");
            if url.is_https() { Ok(url) } else { Err(clear()) }
        })?;
        Some(Oauth {
            introspection,
            client_id: self.text("oauth.client_id", raw.client_id)?.value,
            secret: self.path("oauth.client_secret", raw.client_secret)?,
            audience: self.text("oauth.audience", raw.audience)?.value,
            claim: self.text("oauth.claim", raw.claim)?.value,
        })
    }

    pub(super) fn timestamp(&mut self, raw: raw::TimeStamp) -> Option<TimeStamp> {
        let anchors = self.paths("timestamp.anchors", raw.anchors);
        Some(TimeStamp { url: self.url("timestamp.url", raw.url)?, anchors })
    }

    pub(super) fn backups(&mut self, raw: raw::Backup) -> Option<Backups> {
        let max_age = self.hours("backup.max_age_h", &raw.max_age_h, 24 * 366)?;
        Some(Backups { folder: self.path("backup.folder", raw.folder)?, max_age })
    }

    pub(super) fn clock(&mut self, raw: raw::Clock) -> Option<Clock> {
        let mut servers = Vec::new();
        for server in raw.servers {
            let remedy =
                said!("scrivere nome o nome:porta: \"ntp1.inrim.it\"", "write name or name:port: \"ntp1.inrim.it\"");
            let server = self.check("clock.servers", server, remedy, |text| {
                HostPort::parse(text, Some(ntp::PORT))
                    .ok_or_else(|| said!("{text:?} non è un server", "{text:?} is not a server"))
            });
            servers.extend(server.map(|s| s.value));
        }
        let remedy = said!("da 1 a 1000: il DM 2-11-2005, art. 9, ammette un secondo", "1 to 1000: the law admits 1 s");
        let tolerance = self.check("clock.tolerance_ms", raw.tolerance_ms, remedy, |ms| match ms {
            1..=1000 => Ok(i64::from(*ms)),
            _ => Err(said!("{ms} non è ammesso", "{ms} is not allowed")),
        })?;
        let refuse_when_off = raw.when_off == raw::WhenOff::Refuse;
        Some(Clock { servers, tolerance_ms: tolerance.value, refuse_when_off })
    }

    pub(super) fn access(&mut self, raw: raw::Access) -> Option<Access> {
        let remedy = said!(
            "0 per nessun limite, altrimenti da 30 in su (DM 2-11-2005, art. 12)",
            "0 for no limit, else 30 or more: the law demands 30 MB"
        );
        let product =
            self.check("access.size_times_recipients_mb", raw.size_times_recipients_mb, remedy, |mb| match mb {
                0 => Ok(None),
                30.. => Ok(Some(u64::from(*mb) * MB)),
                _ => Err(said!("{mb} è meno di 30", "{mb} is less than 30")),
            })?;
        let help = match raw.help {
            Some(help) => Some(self.page("access.help", help)?),
            None => None,
        };
        let (size_times_recipients, strict_recipients) = (product.value, raw.strict_recipients);
        Some(Access { size_times_recipients, strict_recipients, help })
    }

    /// Where users are sent: it goes into answers of every protocol.
    pub(super) fn page(&mut self, key: &str, raw: Spanned<String>) -> Option<String> {
        let remedy = said!(
            "un indirizzo o una pagina, in ASCII, non più di 200 caratteri",
            "an address or a page, in ASCII, 200 characters at most"
        );
        let page = self.check(key, raw, remedy, |text| match text {
            text if (1..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) => Ok(text.clone()),
            _ => Err(said!("non è un indirizzo", "is no address")),
        });
        page.map(|located| located.value)
    }

    pub(super) fn check<R, T>(
        &mut self,
        key: &str,
        raw: Spanned<R>,
        remedy: Said,
        make: impl FnOnce(&R) -> Result<T, Said>,
    ) -> Option<Located<T>> {
        match make(raw.get_ref()) {
            Ok(value) => Some(Located { value, key: key.to_owned(), line: self.line(&raw.span()) }),
            Err(what) => self.wrong(key, &raw, what, remedy),
        }
    }

    fn line(&self, span: &Range<usize>) -> usize {
        if span.is_empty() { 0 } else { self.text[..span.start].matches('\n').count() + 1 }
    }
}
