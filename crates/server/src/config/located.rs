//! Values that know their line, and the checks that make them.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sigillo_base::{Address, Domain};
use toml::Spanned;

use super::problem::{Problem, Problems, Text};
use super::{Config, Route, raw};
use crate::fetch::Url;

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
    /// An error about this value.
    pub fn problem(&self, file: &Path, what: Text, remedy: Text) -> Problem {
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

    pub(super) fn file(&self) -> &Path {
        self.file
    }

    pub(super) fn finish(self, config: Option<Config>) -> Result<Config, Problems> {
        match config {
            Some(config) if self.problems.is_empty() => Ok(config),
            _ => Err(Problems(self.problems)),
        }
    }

    pub(super) fn text(&mut self, key: &str, raw: Spanned<String>) -> Option<Located<String>> {
        let remedy = Text::new("scrivere un valore su una riga", "write a value on one line");
        self.check(key, raw, remedy, |text| {
            if text.trim().is_empty() || text.contains(['\r', '\n', '\0']) {
                return Err(Text::new("è vuoto o ha caratteri di controllo", "is empty or has control characters"));
            }
            Ok(text.to_owned())
        })
    }

    pub(super) fn address(&mut self, key: &str, raw: Spanned<String>) -> Option<Located<Address>> {
        let remedy = Text::new("scrivere nome@dominio", "write name@domain");
        self.check(key, raw, remedy, |text| {
            Address::parse(text).map_err(|e| {
                Text::new(format!("{text:?} non è un indirizzo: {e}"), format!("{text:?} is not an address"))
            })
        })
    }

    pub(super) fn domain(&mut self, key: &str, raw: Spanned<String>) -> Option<Domain> {
        let remedy = Text::new("scrivere un nome DNS senza punto finale", "write a DNS name without a final dot");
        let found = self.check(key, raw, remedy, |text| {
            Domain::parse(text)
                .map_err(|_| Text::new(format!("{text:?} non è un dominio"), format!("{text:?} is not a domain")))
        });
        found.map(|l| l.value)
    }

    pub(super) fn host(&mut self, key: &str, raw: Spanned<String>) -> Option<Located<String>> {
        let remedy = Text::new("scrivere il nome del record MX", "write the name of the MX record");
        self.check(key, raw, remedy, |text| {
            Domain::parse(text).map(|d| d.as_str().to_owned()).map_err(|_| {
                Text::new(format!("{text:?} non è un nome di macchina"), format!("{text:?} is not a host name"))
            })
        })
    }

    pub(super) fn socket_address(&mut self, key: &str, raw: Spanned<String>) -> Option<Located<SocketAddr>> {
        let remedy = Text::new(
            "scrivere indirizzo IP e porta: \"0.0.0.0:25\" oppure \"[::]:25\"",
            "write an IP address and a port: \"0.0.0.0:25\" or \"[::]:25\"",
        );
        self.check(key, raw, remedy, |text| {
            text.parse().map_err(|_| {
                Text::new(format!("{text:?} non è indirizzo:porta"), format!("{text:?} is not address:port"))
            })
        })
    }

    /// Relative paths start from the folder of the configuration file.
    pub(super) fn path(&mut self, key: &str, raw: Spanned<String>) -> Option<Located<PathBuf>> {
        let folder = self.file.parent().unwrap_or_else(|| Path::new("")).to_owned();
        let remedy = Text::new("scrivere un percorso", "write a path");
        self.check(key, raw, remedy, |text| {
            if text.is_empty() || text.contains('\0') {
                return Err(Text::new("è vuoto", "is empty"));
            }
            Ok(folder.join(text))
        })
    }

    pub(super) fn paths(&mut self, key: &str, raw: Vec<Spanned<String>>) -> Vec<Located<PathBuf>> {
        raw.into_iter().filter_map(|p| self.path(key, p)).collect()
    }

    pub(super) fn url(&mut self, key: &str, raw: Spanned<String>) -> Option<Located<Url>> {
        let remedy = Text::new("scrivere https://macchina/percorso", "write https://host/path");
        self.check(key, raw, remedy, |text| {
            text.parse().map_err(|italian: String| Text::new(italian, format!("{text:?} is not such an address")))
        })
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
        let what = Text::new(format!("{hours} ore non va bene"), format!("{hours} hours will not do"));
        let remedy = Text::new(format!("scrivere un numero da 1 a {most}"), format!("write a number from 1 to {most}"));
        self.wrong(key, raw, what, remedy)
    }

    /// A key that makes sense only with another one.
    pub(super) fn alone<T, U>(&mut self, key: &str, raw: &Spanned<U>, other: &str) -> Option<T> {
        let what = Text::new(format!("manca {other}"), format!("{other} is missing"));
        let remedy = Text::new("scriverle tutte e due o nessuna", "write both or none");
        self.wrong(key, raw, what, remedy)
    }

    /// Says what is wrong with a value.
    pub(super) fn wrong<T, U>(&mut self, key: &str, raw: &Spanned<U>, what: Text, remedy: Text) -> Option<T> {
        let (file, key, line) = (self.file.to_owned(), Some(key.to_owned()), Some(self.line(&raw.span())));
        self.problems.push(Problem { file, line, key, what, remedy });
        None
    }

    /// Says what is wrong with a value that was read.
    pub(super) fn tell<T>(&mut self, at: &Located<T>, what: Text, remedy: Text) {
        self.problems.push(at.problem(self.file, what, remedy));
    }

    pub(super) fn route(&mut self, raw: raw::Route) -> Option<Route> {
        let domains = raw.domains.into_iter().filter_map(|d| self.domain("relay.route.domains", d)).collect();
        let address = self.socket_address("relay.route.address", raw.address)?.value;
        let name = self.host("relay.route.name", raw.name)?.value;
        Some(Route { domains, address, name })
    }

    fn check<T>(
        &mut self,
        key: &str,
        raw: Spanned<String>,
        remedy: Text,
        make: impl FnOnce(&str) -> Result<T, Text>,
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
