//! Where mail for a domain goes: a route of ours first, else the DNS (RFC 5321 §5.1, RFC 7505).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use sigillo_base::Domain;

use crate::config::Route;
use crate::dns::{Dns, Fault};

/// Servers tried in one attempt, and addresses of each.
const HOSTS: usize = 5;
const ADDRESSES: usize = 4;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The name that its certificate must have.
    pub name: String,
    /// Its addresses, in the order in which they are tried.
    pub addresses: Vec<SocketAddr>,
    /// The names at which its TLSA records are looked for, when the way to it is proven by DNSSEC (RFC 7672 §2.2).
    pub tlsa_bases: Vec<String>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// The servers, the preferred first; never empty.
    Hosts {
        /// Them.
        hosts: Vec<Host>,
        /// The route that leads there; `None`: the DNS.
        route: Option<Arc<Route>>,
    },
    /// It cannot be known now.
    Later(String),
    /// The domain takes no mail.
    Never(String),
}

/// The ways of one provider.
pub struct Routes {
    fixed: ArcSwap<Vec<Arc<Route>>>,
    dns: Arc<Dns>,
    /// Our own name: mail for others must not come back to us.
    own: String,
    port: u16,
}

impl Routes {
    /// These fixed routes, and the DNS behind them, whose exchangers listen on `port`.
    pub fn new(fixed: &[Route], dns: Arc<Dns>, own: &str, port: u16) -> Self {
        Self { fixed: ArcSwap::from_pointee(table(fixed)), dns, own: own.to_ascii_lowercase(), port }
    }

    /// Takes other fixed routes.
    pub fn replace(&self, fixed: &[Route]) {
        self.fixed.store(table(fixed).into());
    }

    /// The way to a domain. Servers of equal preference are mixed by `seed`.
    pub async fn find(&self, domain: &Domain, seed: u64) -> Way {
        let fixed = self.fixed.load_full();
        let fit = |route: &&Arc<Route>| route.domains.iter().filter_map(|p| p.fits(domain)).max();
        // Of routes that fit alike the first one is taken, so that the smarthost, which is the last, yields to a "*".
        let closest = fixed.iter().rev().filter(|route| fit(route).is_some()).max_by_key(fit);
        match closest {
            Some(route) => self.fixed_way(domain, route).await,
            None => self.exchangers(domain, seed).await,
        }
    }

    /// The way to `host:port`, as an administrator ordered it for one message.
    pub async fn ordered(&self, route: &str) -> Way {
        let (name, port) = route.rsplit_once(':').unwrap_or((route, ""));
        let name = name.trim_matches(['[', ']']);
        let Ok(port) = port.parse() else { return Way::Later(format!("{route}: non è host:porta")) };
        if let Ok(ip) = name.parse() {
            let addresses = vec![SocketAddr::new(ip, port)];
            return Way::Hosts { hosts: vec![Host { name: name.into(), addresses, tlsa_bases: vec![] }], route: None };
        }
        match self.dns.addresses(name).await {
            Ok(found) if !found.records.is_empty() => {
                let addresses = found.records.into_iter().take(ADDRESSES).map(|ip| SocketAddr::new(ip, port)).collect();
                Way::Hosts { hosts: vec![Host { name: name.into(), addresses, tlsa_bases: vec![] }], route: None }
            }
            Ok(_) | Err(Fault::NoName) => Way::Later(format!("{route}: nessun indirizzo")),
            Err(Fault::Unknown(why)) => Way::Later(format!("{route}: {why}")),
        }
    }

    async fn fixed_way(&self, domain: &Domain, route: &Arc<Route>) -> Way {
        let mut names = Vec::new();
        let mut hosts = Vec::new();
        for server in &route.servers {
            match server.address {
                Some(ip) => hosts.push(Host {
                    name: server.name.clone(),
                    addresses: vec![SocketAddr::new(ip, server.port)],
                    tlsa_bases: Vec::new(),
                }),
                None => names.push((server.name.clone(), server.port)),
            }
        }
        let found = self.addresses(domain, names, false).await;
        match found {
            Ok(found) => hosts.extend(found),
            Err(why) if hosts.is_empty() => return Way::Later(why),
            Err(_) => {}
        }
        Way::Hosts { hosts, route: Some(Arc::clone(route)) }
    }

    async fn exchangers(&self, domain: &Domain, seed: u64) -> Way {
        let found = match self.dns.mx(domain.as_str()).await {
            Ok(found) => found,
            Err(Fault::NoName) => return Way::Never(format!("5.1.2 {domain}: il dominio non esiste")),
            Err(Fault::Unknown(why)) => return Way::Later(format!("{domain}: {why}")),
        };
        // Without MX records the domain is its own exchanger.
        let implicit = found.records.is_empty();
        let records = if implicit { vec![(0, domain.as_str().to_owned())] } else { found.records };
        match order(records, &self.own, seed) {
            Order::Null => Way::Never(format!("5.1.10 {domain}: il dominio non riceve posta (null MX)")),
            Order::Loop => Way::Later(format!(
                "5.4.6 {domain}: il suo server di posta è questo, che non lo serve (provider.domains, MX del dominio)"
            )),
            Order::Names(names) => {
                let names = names.into_iter().map(|name| (name, self.port)).collect();
                match self.addresses(domain, names, found.secure).await {
                    Ok(hosts) => Way::Hosts { hosts, route: None },
                    Err(why) => Way::Later(why),
                }
            }
        }
    }

    /// The servers that have addresses, with them; `secure`: their names are proven.
    async fn addresses(&self, domain: &Domain, names: Vec<(String, u16)>, secure: bool) -> Result<Vec<Host>, String> {
        let mut hosts = Vec::new();
        let mut why = format!("5.4.4 {domain}: nessun server ha un indirizzo");
        for (name, port) in names {
            match self.dns.addresses(&name).await {
                Ok(found) if found.records.is_empty() => {}
                Ok(found) => {
                    let mut tlsa_bases =
                        if secure && found.secure { vec![found.owner, name.clone()] } else { Vec::new() };
                    tlsa_bases.dedup();
                    let addresses = found.records.into_iter().take(ADDRESSES).map(|ip| SocketAddr::new(ip, port));
                    hosts.push(Host { name, addresses: addresses.collect(), tlsa_bases });
                }
                Err(Fault::NoName) => why = format!("5.4.4 {domain}: il server {name} non esiste"),
                Err(Fault::Unknown(error)) => why = format!("{domain}: {error}"),
            }
        }
        if hosts.is_empty() { Err(why) } else { Ok(hosts) }
    }
}

fn table(fixed: &[Route]) -> Vec<Arc<Route>> {
    fixed.iter().cloned().map(Arc::new).collect()
}

#[derive(Debug, PartialEq, Eq)]
enum Order {
    /// Never empty.
    Names(Vec<String>),
    Null,
    /// The best one is ourselves.
    Loop,
}

/// Names by preference, equal ones in an order of the seed; none that is ourselves or worse (RFC 5321 §5.1).
fn order(mut records: Vec<(u16, String)>, own: &str, seed: u64) -> Order {
    records.retain(|(_, name)| !name.is_empty());
    if records.is_empty() {
        return Order::Null;
    }
    if let Some(ours) = records.iter().filter(|(_, name)| name == own).map(|(preference, _)| *preference).min() {
        records.retain(|(preference, _)| *preference < ours);
    }
    let turn = |name: &str| {
        let mut hasher = DefaultHasher::new();
        (seed, name).hash(&mut hasher);
        hasher.finish()
    };
    records.sort_by_cached_key(|(preference, name)| (*preference, turn(name)));
    let names: Vec<String> = records.into_iter().map(|(_, name)| name).take(HOSTS).collect();
    if names.is_empty() { Order::Loop } else { Order::Names(names) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::config::{Pattern, RouteTls, Server};

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap()
    }

    fn routes(fixed: &[Route]) -> Routes {
        // Nobody listens there.
        let dns = config::Dns { servers: vec!["127.0.0.1:9".parse().unwrap()], dnssec: false, anchors: None };
        Routes::new(fixed, Arc::new(Dns::new(&dns, None)), "mx.alfa.example", 25)
    }

    fn route(domains: Vec<Pattern>, port: u16) -> Route {
        let server =
            |n: u8| Server { name: format!("mx{n}.pec.beta.example"), address: Some([127, 0, 0, n].into()), port };
        Route { domains, servers: vec![server(1), server(2)], tls: RouteTls::Opportunistic, login: None }
    }

    #[tokio::test]
    async fn the_closest_route_goes_before_the_dns_and_can_be_replaced() {
        let exact = |name: &str| Pattern::Exact(domain(name));
        let fixed = [
            route(vec![Pattern::Below(domain("example"))], 1),
            route(vec![Pattern::All], 2),
            route(vec![exact("ente-beta.example"), exact("pec.beta.example")], 3),
            route(vec![Pattern::All], 4),
        ];
        let routes = routes(&fixed);
        let port = async |name: &str| match routes.find(&domain(name), 0).await {
            Way::Hosts { hosts, .. } => hosts[0].addresses[0].port(),
            other => panic!("{other:?}"),
        };
        assert_eq!(port("PEC.beta.example").await, 3);
        assert_eq!(port("sub.ente-beta.example").await, 1);
        assert_eq!(port("comune.it").await, 2, "of equal ones the first");
        routes.replace(&fixed[2..3]);
        let Way::Hosts { hosts, .. } = routes.find(&domain("ente-beta.example"), 0).await else { panic!("no way") };
        assert_eq!([hosts[0].name.as_str(), hosts[1].name.as_str()], ["mx1.pec.beta.example", "mx2.pec.beta.example"]);
        assert!(matches!(routes.find(&domain("sub.ente-beta.example"), 0).await, Way::Later(_)), "names match whole");
    }

    fn names(records: &[(u16, &str)], seed: u64) -> Vec<String> {
        let records = records.iter().map(|(p, n)| (*p, (*n).to_owned())).collect();
        match order(records, "mx.alfa.example", seed) {
            Order::Names(names) => names,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn exchangers_go_by_preference_and_equal_ones_by_the_seed() {
        let records = [(20, "b"), (10, "a"), (20, "c")];
        let orders: Vec<_> = (0..64).map(|seed| names(&records, seed)).collect();
        assert!(orders.iter().all(|o| o[0] == "a"));
        for second in ["b", "c"] {
            assert!(orders.iter().any(|o| o[1] == second), "{second} is never the second");
        }
        let many: Vec<String> = (0..9).map(|i| format!("m{i}")).collect();
        let many: Vec<_> = many.iter().map(|n| (1, n.as_str())).collect();
        assert_eq!(names(&many, 7).len(), HOSTS);
    }

    #[test]
    fn a_null_mx_counts_alone_only() {
        assert_eq!(order(vec![(0, String::new())], "", 0), Order::Null);
        assert_eq!(names(&[(0, ""), (5, "a")], 0), ["a"]);
    }

    #[test]
    fn mail_does_not_come_back_to_us_nor_to_who_is_behind_us() {
        assert_eq!(names(&[(5, "a"), (10, "mx.alfa.example"), (10, "b"), (20, "c")], 0), ["a"]);
        assert_eq!(order(vec![(5, "mx.alfa.example".into()), (9, "c".into())], "mx.alfa.example", 0), Order::Loop);
    }
}
