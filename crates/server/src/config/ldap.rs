//! Directories that keep the passwords of mailboxes: `[[ldap]]`, one for each set of domains.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use hyper::Uri;
use sigillo_base::{Domain, said};
use toml::Spanned;

use super::located::{Located, Reader};
use super::raw;

/// Where the name of the user goes in a filter or a DN: his whole address, or the part before the `@`.
pub const PLACES: [&str; 2] = ["{address}", "{user}"];

/// A directory and whose passwords it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ldap {
    /// The domains whose mailboxes log in there.
    pub domains: Vec<Domain>,
    /// Its servers, in the order in which they are tried.
    pub urls: Vec<Located<LdapUrl>>,
    /// Whether an `ldap:` connection becomes TLS before anything is said (RFC 4511 §4.14).
    pub starttls: bool,
    /// Anchors of their certificates.
    pub roots: Located<PathBuf>,
    /// Who we are there while we look for somebody: a DN and the file with its password. `None`: nobody.
    pub bind: Option<(String, Located<PathBuf>)>,
    /// How somebody's entry is found.
    pub entry: Entry,
    /// How long one server may take for one login.
    pub timeout: Duration,
    /// Logins at once.
    pub concurrency: usize,
    /// How long a password that was found right is taken without asking again; zero: never.
    pub remember: Duration,
}

/// How the entry of a user is found. [`PLACES`] hold who he is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// It is the only one under `base` that this filter (RFC 4515) finds.
    Search {
        /// A DN.
        base: String,
        /// With a place.
        filter: Located<String>,
    },
    /// It has this DN.
    Named(Located<String>),
}

/// A server: `ldaps://host`, `ldap://host:389`, `ldapi://%2frun%2fslapd%2fldapi` (RFC 4516, without anything behind the host).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapUrl(String);

impl LdapUrl {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether what goes there stays on this machine.
    fn is_here(&self) -> bool {
        let loopback = |url: Uri| {
            let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
            host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        };
        self.0.starts_with("ldapi:") || self.0.parse().is_ok_and(loopback)
    }

    fn is_tls(&self) -> bool {
        self.0.starts_with("ldaps:")
    }
}

impl FromStr for LdapUrl {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(path) = text.strip_prefix("ldapi://") {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"%._-".contains(&b);
            return if !path.is_empty() && path.bytes().all(plain) { Ok(Self(text.to_owned())) } else { Err(()) };
        }
        let url: Uri = text.parse().map_err(|_| ())?;
        let scheme = matches!(url.scheme_str(), Some("ldap" | "ldaps"));
        let bare = url.path_and_query().is_none_or(|rest| matches!(rest.as_str(), "" | "/"));
        let host = url.authority().is_some_and(|a| !a.host().is_empty() && !a.as_str().contains('@'));
        if scheme && bare && host { Ok(Self(text.trim_end_matches('/').to_owned())) } else { Err(()) }
    }
}

impl fmt::Display for LdapUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Reader<'_> {
    /// The directories; none keeps what another one keeps, or what is not a domain of ours.
    pub(super) fn ldap(&mut self, raw: Vec<raw::Ldap>, ours: &[Domain], roots: &Located<PathBuf>) -> Option<Vec<Ldap>> {
        let mut taken: Vec<Domain> = Vec::new();
        let mut all = Vec::new();
        for one in raw {
            let mut domains = Vec::new();
            for domain in one.domains.clone() {
                let at = Spanned::new(domain.span(), domain.get_ref().clone());
                let domain = self.domain("ldap.domains", domain)?;
                let what = match (ours.contains(&domain), taken.contains(&domain)) {
                    (false, _) => {
                        said!("{domain} non è fra i domini del gestore", "{domain} is none of the provider's domains")
                    }
                    (_, true) => {
                        said!("{domain} ha già una directory", "{domain} has a directory already")
                    }
                    (true, false) => {
                        taken.push(domain.clone());
                        domains.push(domain);
                        continue;
                    }
                };
                let remedy = said!(
                    "ogni dominio di provider.domains in una directory al più",
                    "each of provider.domains in one directory at most"
                );
                return self.wrong("ldap.domains", &at, what, remedy);
            }
            all.push(self.one_ldap(one, domains, roots)?);
        }
        Some(all)
    }

    fn one_ldap(&mut self, raw: raw::Ldap, domains: Vec<Domain>, roots: &Located<PathBuf>) -> Option<Ldap> {
        let starttls = raw.starttls;
        if raw.urls.get_ref().is_empty() {
            let remedy = said!("scriverne almeno uno", "write one at least");
            return self.wrong("ldap.urls", &raw.urls, said!("nessun server", "no server"), remedy);
        }
        let urls: Vec<_> = raw.urls.into_inner().into_iter().filter_map(|url| self.ldap_url(url, starttls)).collect();
        let bind = match (raw.bind_dn, raw.bind_password_file) {
            (None, None) => None,
            (Some(alone), None) => return self.alone("ldap.bind_dn", &alone, "ldap.bind_password_file"),
            (None, Some(alone)) => return self.alone("ldap.bind_password_file", &alone, "ldap.bind_dn"),
            (Some(dn), Some(file)) => {
                Some((self.text("ldap.bind_dn", dn)?.value, self.path("ldap.bind_password_file", file)?))
            }
        };
        let entry = match (raw.base, raw.filter, raw.dn) {
            (Some(base), Some(filter), None) => {
                Entry::Search { base: self.text("ldap.base", base)?.value, filter: self.filter(filter)? }
            }
            (None, None, Some(dn)) => Entry::Named(self.template("ldap.dn", dn)?),
            (base, filter, dn) => {
                let at = base.or(filter).or(dn).unwrap_or_else(|| Spanned::new(0..0, String::new()));
                let what = said!("non si sa come trovare chi entra", "nobody knows how to find who logs in");
                let remedy = said!("scrivere base e filter, oppure dn", "write base and filter, or dn");
                return self.wrong("ldap", &at, what, remedy);
            }
        };
        Some(Ldap {
            domains,
            urls,
            starttls,
            roots: raw.roots.map_or_else(|| Some(roots.clone()), |path| self.path("ldap.roots", path))?,
            bind,
            entry,
            timeout: Duration::from_secs(raw.timeout_s.clamp(1, 60)),
            concurrency: raw.concurrency.max(1),
            remember: Duration::from_secs(raw.remember_s.min(3600)),
        })
    }

    /// Passwords go there: in clear only where nobody is on the way.
    fn ldap_url(&mut self, raw: Spanned<String>, starttls: bool) -> Option<Located<LdapUrl>> {
        let remedy = said!(
            "scrivere ldaps://macchina, o ldap://macchina con starttls = true",
            "write ldaps://host, or ldap://host with starttls = true"
        );
        self.check("ldap.urls", raw, remedy, |text| {
            let not = |()| said!("{text:?} non è una directory", "{text:?} is not a directory");
            let url: LdapUrl = text.parse().map_err(not)?;
            if url.is_tls() || starttls || url.is_here() {
                return Ok(url);
            }
            Err(said!("non è cifrato: vi passano le password", "is in clear: passwords go there"))
        })
    }

    /// Without a place for the user everybody would be the same.
    fn template(&mut self, key: &str, raw: Spanned<String>) -> Option<Located<String>> {
        let remedy = said!("scrivervi {{address}} o {{user}}", "write {{address}} or {{user}} in it");
        self.check(key, raw, remedy, |text| {
            if PLACES.iter().any(|place| text.contains(place)) {
                return Ok(text.clone());
            }
            Err(said!("non dice di chi si tratta", "does not say who it is"))
        })
    }

    fn filter(&mut self, raw: Spanned<String>) -> Option<Located<String>> {
        let filter = self.template("ldap.filter", raw)?;
        let filled = PLACES.iter().fold(filter.value.clone(), |text, place| text.replace(place, "x"));
        if ldap3::parse_filter(filled).is_ok() {
            return Some(filter);
        }
        let what = said!("non è un filtro (RFC 4515)", "is no filter (RFC 4515)");
        self.tell(&filter, what, said!("per esempio (mail={{address}})", "for example (mail={{address}})"));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_scheme_and_a_host_and_nothing_else() {
        for good in ["ldaps://ldap.comune.example", "ldap://127.0.0.1:1389", "ldap://[::1]/", "ldapi://%2frun%2fldapi"]
        {
            assert!(good.parse::<LdapUrl>().is_ok(), "{good}");
        }
        for bad in
            ["", "https://a.example", "ldap://", "ldap://a/dc=x", "ldaps://u@a.example", "ldapi:///run/ldapi", "a"]
        {
            assert!(bad.parse::<LdapUrl>().is_err(), "{bad}");
        }
        let here = |text: &str| text.parse::<LdapUrl>().unwrap().is_here();
        assert!(here("ldap://127.0.0.1:1389") && here("ldap://localhost") && here("ldapi://%2frun%2fldapi"));
        assert!(!here("ldap://ldap.comune.example") && !here("ldap://localhost.evil.example"));
    }
}
