//! Where mail for a domain goes: a fixed route first, else the DNS (RFC 5321 §5.1, RFC 7505).

use std::collections::HashMap;
use std::net::SocketAddr;

use arc_swap::ArcSwap;
use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::RData;
use sigillo_base::Domain;

use crate::config::Route;

/// Servers tried in one attempt, and addresses of each.
const HOSTS: usize = 5;
const ADDRESSES: usize = 2;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The name that its certificate must have.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<SocketAddr>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// The servers, the preferred first; never empty.
    Hosts(Vec<Host>),
    /// It cannot be known now.
    Later(String),
    /// The domain takes no mail.
    Never(String),
}

/// The ways of one provider.
pub struct Routes {
    fixed: ArcSwap<HashMap<Domain, Host>>,
    resolver: Option<TokioResolver>,
}

impl Routes {
    /// These fixed routes, and the system's resolver behind them.
    pub fn new(fixed: &[Route]) -> Self {
        let resolver = TokioResolver::builder_tokio().and_then(|builder| builder.build());
        if let Err(error) = &resolver {
            tracing::warn!(%error, "no DNS: only fixed routes lead out");
        }
        Self { fixed: ArcSwap::from_pointee(table(fixed)), resolver: resolver.ok() }
    }

    /// Takes other fixed routes.
    pub fn replace(&self, fixed: &[Route]) {
        self.fixed.store(table(fixed).into());
    }

    /// The way to a domain.
    pub async fn find(&self, domain: &Domain) -> Way {
        if let Some(host) = self.fixed.load().get(domain) {
            return Way::Hosts(vec![host.clone()]);
        }
        let Some(resolver) = &self.resolver else {
            return Way::Later(format!("{domain}: nessuna rotta fissa e nessun DNS"));
        };
        let exchangers = match resolver.mx_lookup(format!("{domain}.")).await {
            Ok(answer) => {
                let records = answer.answers().iter().filter_map(|record| match &record.data {
                    RData::MX(mx) => Some((mx.preference, mx.exchange.to_ascii())),
                    _ => None,
                });
                order(records.collect())
            }
            Err(error) if error.is_nx_domain() => return Way::Never(format!("5.1.2 {domain}: il dominio non esiste")),
            Err(error) if error.is_no_records_found() => Some(vec![domain.as_str().to_owned()]),
            Err(error) => return Way::Later(format!("{domain}: DNS: {error}")),
        };
        match exchangers {
            Some(names) => addresses(resolver, domain, names).await,
            None => Way::Never(format!("5.1.10 {domain}: il dominio non riceve posta (null MX)")),
        }
    }
}

/// The way to `host:port`, as an administrator ordered it for one message.
pub async fn ordered(route: &str) -> Way {
    let name = route.rsplit_once(':').map_or(route, |(host, _)| host).trim_matches(['[', ']']).to_owned();
    match tokio::net::lookup_host(route).await {
        Ok(found) => match found.take(ADDRESSES).collect::<Vec<_>>() {
            none if none.is_empty() => Way::Later(format!("{route}: nessun indirizzo")),
            addresses => Way::Hosts(vec![Host { name, addresses }]),
        },
        Err(error) => Way::Later(format!("{route}: {error}")),
    }
}

fn table(fixed: &[Route]) -> HashMap<Domain, Host> {
    let hosts = fixed.iter().flat_map(|route| {
        let host = Host { name: route.name.clone(), addresses: vec![route.address] };
        route.domains.iter().map(move |d| (d.clone(), host.clone()))
    });
    hosts.collect()
}

/// Names by preference; `None` is a null MX. Equal preferences keep the order of the answer, which name servers turn.
fn order(mut records: Vec<(u16, String)>) -> Option<Vec<String>> {
    if records.iter().all(|(_, name)| name == ".") {
        return None;
    }
    records.sort_by_key(|(preference, _)| *preference);
    let names = records.into_iter().map(|(_, name)| name.trim_end_matches('.').to_ascii_lowercase());
    Some(names.filter(|name| !name.is_empty()).take(HOSTS).collect())
}

async fn addresses(resolver: &TokioResolver, domain: &Domain, names: Vec<String>) -> Way {
    let mut hosts = Vec::new();
    let mut why = format!("{domain}: nessun server ha un indirizzo");
    for name in names {
        match resolver.lookup_ip(format!("{name}.")).await {
            Ok(found) => {
                let addresses: Vec<_> = found.iter().take(ADDRESSES).map(|ip| SocketAddr::new(ip, 25)).collect();
                if !addresses.is_empty() {
                    hosts.push(Host { name, addresses });
                }
            }
            Err(error) => why = format!("{domain}: DNS di {name}: {error}"),
        }
    }
    if hosts.is_empty() { Way::Later(why) } else { Way::Hosts(hosts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_fixed_route_goes_before_the_dns_and_can_be_replaced() {
        let route = |port: u16| Route {
            domains: vec![domain("ente-beta.example"), domain("pec.beta.example")],
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            name: "mx.pec.beta.example".into(),
        };
        let routes = Routes { fixed: ArcSwap::from_pointee(table(&[route(25)])), resolver: None };
        let Way::Hosts(hosts) = routes.find(&domain("PEC.beta.example")).await else { panic!("no way") };
        assert_eq!((hosts[0].name.as_str(), hosts[0].addresses[0].port()), ("mx.pec.beta.example", 25));
        routes.replace(&[route(2525)]);
        let Way::Hosts(hosts) = routes.find(&domain("ente-beta.example")).await else { panic!("no way") };
        assert_eq!(hosts[0].addresses[0].port(), 2525);
        assert!(matches!(routes.find(&domain("sub.ente-beta.example")).await, Way::Later(_)), "names match whole");
    }

    #[test]
    fn exchangers_by_preference_and_null_mx() {
        let records = vec![(20, "B.example.".into()), (10, "a.example.".into()), (20, "c.example.".into())];
        assert_eq!(order(records).unwrap(), ["a.example", "b.example", "c.example"]);
        assert_eq!(order(vec![(0, ".".into())]), None);
        assert_eq!(order((0..9).map(|i| (i, format!("m{i}.example."))).collect()).unwrap().len(), HOSTS);
    }
}
