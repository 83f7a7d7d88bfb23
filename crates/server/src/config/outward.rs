//! The part of the configuration about the ways out: the DNS, TLS towards others, fixed routes, the smarthost.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use sigillo_base::{Domain, said};
use toml::Spanned;

use super::located::{Located, Reader};
use super::raw;

/// How the DNS is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns {
    /// Name servers; none: the system's.
    pub servers: Vec<SocketAddr>,
    /// Whether answers are proven by DNSSEC here.
    pub dnssec: bool,
    /// DNSKEY records to begin from; without it, the root's.
    pub anchors: Option<Located<PathBuf>>,
}

/// What a domain must be for a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// This domain.
    Exact(Domain),
    /// Every domain below it.
    Below(Domain),
    /// Every domain.
    All,
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix('*') {
            None => Some(Self::Exact(Domain::parse(text).ok()?)),
            Some("") => Some(Self::All),
            Some(rest) => Some(Self::Below(Domain::parse(rest.strip_prefix('.')?).ok()?)),
        }
    }

    /// How closely it fits a domain; `None`: not at all.
    pub fn fits(&self, domain: &Domain) -> Option<usize> {
        match self {
            Self::All => Some(0),
            Self::Exact(own) => (own == domain).then_some(usize::MAX),
            Self::Below(top) => {
                let above = domain.as_str().strip_suffix(top.as_str())?;
                above.strip_suffix('.').is_some_and(|a| !a.is_empty()).then_some(top.as_str().len())
            }
        }
    }
}

/// One server of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The name that its certificate must have.
    pub name: String,
    /// Where it is; `None`: what the DNS says of the name.
    pub address: Option<IpAddr>,
    /// Its port.
    pub port: u16,
}

/// TLS with the servers of a route, for mail that would not need it by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum RouteTls {
    /// STARTTLS where it is offered.
    #[default]
    Opportunistic,
    /// STARTTLS with a certificate of that name, or nothing is sent.
    Required,
    /// The same from the first byte.
    Implicit,
}

/// Who we are for a server that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The file whose first line is the password.
    pub password: Located<PathBuf>,
}

/// A way to some domains, taken before the DNS is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Where mail for these domains goes.
    pub domains: Vec<Pattern>,
    /// The servers, in the order in which they are tried.
    pub servers: Vec<Server>,
    /// TLS with them.
    pub tls: RouteTls,
    /// Who we are there.
    pub login: Option<Login>,
}

/// What TLS with a certified domain must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum CertifiedTls {
    /// A certificate of our roots, with the name of the server.
    #[default]
    Verified,
    /// Any certificate.
    Encrypted,
}

/// How mail goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// Transactions at once.
    pub concurrency: usize,
    /// Transactions at once with one destination.
    pub per_destination: usize,
    /// Messages over one connection.
    pub per_connection: u32,
    /// How long a connection waits for another message.
    pub idle: Duration,
    /// The port of mail exchangers.
    pub port: u16,
    /// TLS with certified domains.
    pub certified_tls: CertifiedTls,
    /// Fixed routes, the smarthost last.
    pub routes: Vec<Route>,
}

impl Reader<'_> {
    pub(super) fn dns(&mut self, raw: raw::Dns) -> Dns {
        let servers = raw.servers.into_iter().filter_map(|s| self.socket_address("dns.servers", s));
        Dns {
            servers: servers.collect::<Vec<_>>().into_iter().map(|s| s.value).collect(),
            dnssec: raw.dnssec,
            anchors: raw.anchors.and_then(|path| self.path("dns.anchors", path)),
        }
    }

    pub(super) fn relay(&mut self, raw: raw::Relay) -> Relay {
        let mut routes: Vec<Route> = raw.route.into_iter().filter_map(|route| self.route(route)).collect();
        routes.extend(raw.smarthost.and_then(|smarthost| self.smarthost(smarthost)));
        Relay {
            concurrency: raw.concurrency.max(1),
            per_destination: raw.per_destination.max(1),
            per_connection: raw.per_connection.max(1),
            idle: Duration::from_secs(raw.idle_s),
            port: raw.port,
            certified_tls: raw.certified_tls,
            routes,
        }
    }

    fn route(&mut self, raw: raw::Route) -> Option<Route> {
        let remedy = said!(
            "scrivere \"dominio.it\", \"*.dominio.it\" oppure \"*\"",
            "write \"domain.it\", \"*.domain.it\" or \"*\""
        );
        let mut domains = Vec::new();
        for domain in raw.domains {
            let pattern = self.check("relay.route.domains", domain, remedy.clone(), |text| {
                Pattern::parse(text).ok_or_else(|| said!("{text:?} non è un dominio", "{text:?} is not a domain"))
            });
            domains.extend(pattern.map(|p| p.value));
        }
        let servers = match (raw.address, raw.name, raw.servers) {
            (Some(address), Some(name), servers) if servers.is_empty() => {
                let at = self.socket_address("relay.route.address", address)?.value;
                let name = self.host("relay.route.name", name)?.value;
                vec![Server { name, address: Some(at.ip()), port: at.port() }]
            }
            (Some(alone), None, _) => return self.alone("relay.route.address", &alone, "relay.route.name"),
            (None, Some(alone), _) => return self.alone("relay.route.name", &alone, "relay.route.address"),
            (Some(address), Some(_), _) => {
                let what = said!("c'è anche relay.route.servers", "relay.route.servers is there as well");
                return self.wrong("relay.route.address", &address, what, said!("tenere una delle due", "keep one"));
            }
            (None, None, servers) => self.servers(servers),
        };
        let (tls, login) = (*raw.tls.get_ref(), self.login("relay.route", &raw.tls, raw.user, raw.password_file)?);
        (!servers.is_empty()).then_some(Route { domains, servers, tls, login })
    }

    fn servers(&mut self, raw: Vec<Spanned<String>>) -> Vec<Server> {
        let remedy = said!("scrivere nome oppure nome:porta", "write name or name:port");
        let mut servers = Vec::new();
        for server in raw {
            let read = self.check("relay.route.servers", server, remedy.clone(), |text| {
                let (name, port) = text.split_once(':').map_or((text.as_str(), Some(25)), |(n, p)| (n, p.parse().ok()));
                let name = Domain::parse(name).ok().filter(|_| name.parse::<IpAddr>().is_err());
                let read = name.zip(port.filter(|p| *p != 0));
                let bad = || said!("{text:?} non è un server", "{text:?} is not a server");
                read.map(|(name, port)| Server { name: name.to_string(), address: None, port }).ok_or_else(bad)
            });
            servers.extend(read.map(|s| s.value));
        }
        servers
    }

    fn smarthost(&mut self, raw: raw::Smarthost) -> Option<Route> {
        let name = self.host("relay.smarthost.host", raw.host)?.value;
        let login = self.login("relay.smarthost", &raw.tls, raw.user, raw.password_file)?;
        let address = raw.address.and_then(|a| {
            let remedy = said!("scrivere un indirizzo IP", "write an IP address");
            let bad = |text: &String| said!("{text:?} non lo è", "{text:?} is none");
            self.check("relay.smarthost.address", a, remedy, |text| text.parse().map_err(|_| bad(text)))
        });
        let tls = *raw.tls.get_ref();
        let port = raw.port.unwrap_or(if tls == RouteTls::Implicit { 465 } else { 587 });
        let servers = vec![Server { name, address: address.map(|a| a.value), port }];
        Some(Route { domains: vec![Pattern::All], servers, tls, login })
    }

    /// A password goes out under TLS with a server that shows who it is, or not at all.
    fn login(
        &mut self,
        table: &str,
        tls: &Spanned<RouteTls>,
        user: Option<Spanned<String>>,
        password: Option<Spanned<String>>,
    ) -> Option<Option<Login>> {
        let (user_key, file_key) = (format!("{table}.user"), format!("{table}.password_file"));
        match (user, password) {
            (None, None) => Some(None),
            (Some(alone), None) => self.alone(&user_key, &alone, &file_key),
            (None, Some(alone)) => self.alone(&file_key, &alone, &user_key),
            (Some(user), Some(_)) if *tls.get_ref() == RouteTls::Opportunistic => {
                let what = said!(
                    "una password non va a chi può essere chiunque",
                    "a password does not go to who may be anybody"
                );
                let remedy =
                    said!("scrivere tls = \"required\" o \"implicit\"", "write tls = \"required\" or \"implicit\"");
                self.wrong(&user_key, &user, what, remedy)
            }
            (Some(user), Some(password)) => {
                let user = self.text(&user_key, user)?.value;
                Some(Some(Login { user, password: self.path(&file_key, password)? }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_pattern_is_told_by_its_fit() {
        let fit = |pattern: &str, domain: &str| Pattern::parse(pattern).unwrap().fits(&Domain::parse(domain).unwrap());
        assert_eq!(fit("a.example", "A.example"), Some(usize::MAX));
        assert_eq!(fit("a.example", "b.a.example"), None);
        assert_eq!(fit("*.a.example", "a.example"), None, "the domain itself is not below itself");
        assert_eq!(fit("*.a.example", "xa.example"), None, "labels, not letters");
        assert!(fit("*.a.example", "c.b.a.example") > fit("*.example", "c.b.a.example"));
        assert_eq!(fit("*", "x.y"), Some(0));
        for bad in ["", "*.", "**", "*a.example", "a.*.example", "*.*"] {
            assert_eq!(Pattern::parse(bad), None, "{bad}");
        }
    }
}
