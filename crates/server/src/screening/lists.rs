//! Lists of bad addresses in the DNS (DNSBL, RFC 5782).

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::RData;
use sigillo_base::Domain;
use sigillo_engine::{Checked, Outcome};
use tokio::task::JoinSet;

/// The lists that are asked.
pub(super) struct Lists {
    resolver: Option<TokioResolver>,
    zones: Vec<Domain>,
    limit: Duration,
}

impl Lists {
    pub(super) fn new(resolver: Option<TokioResolver>, zones: Vec<Domain>, limit: Duration) -> Self {
        Self { resolver, zones, limit }
    }

    /// What each list says of this address, in the order of the configuration.
    pub(super) async fn ask(&self, ip: IpAddr) -> Vec<Checked> {
        let mut asked = JoinSet::new();
        for (n, zone) in self.zones.iter().enumerate() {
            let (resolver, name, limit) = (self.resolver.clone(), format!("{}.{zone}.", reversed(ip)), self.limit);
            asked.spawn(async move {
                let answer = tokio::time::timeout(limit, look_up(resolver, name)).await;
                (n, answer.unwrap_or(Outcome::TempError))
            });
        }
        let mut results = vec![Outcome::TempError; self.zones.len()];
        for (n, result) in asked.join_all().await {
            results[n] = result;
        }
        let checked =
            |(zone, result): (&Domain, Outcome)| Checked { result, about: vec![("dns.zone", zone.to_string())] };
        self.zones.iter().zip(results).map(checked).collect()
    }
}

async fn look_up(resolver: Option<TokioResolver>, name: String) -> Outcome {
    let Some(resolver) = resolver else { return Outcome::TempError };
    match resolver.ipv4_lookup(name).await {
        Ok(answer) => meaning(answer.answers().iter().filter_map(|record| match &record.data {
            RData::A(a) => Some(a.0),
            _ => None,
        })),
        Err(error) if error.is_nx_domain() || error.is_no_records_found() => Outcome::Pass,
        Err(_) => Outcome::TempError,
    }
}

/// An entry is an address of 127/8 (RFC 5782 §2.1), but lists say by 127.255.255/24 that they do not answer us, and any
/// other address is of who stands between and answers for names that do not exist.
fn meaning(answers: impl Iterator<Item = Ipv4Addr>) -> Outcome {
    let mut result = Outcome::Pass;
    for answer in answers {
        match answer.octets() {
            [127, 255, 255, _] => result = Outcome::TempError,
            [127, ..] => return Outcome::Fail,
            _ => result = Outcome::TempError,
        }
    }
    result
}

/// The address as the name of an entry: its bytes, or the halves of its bytes, the last first.
fn reversed(ip: IpAddr) -> String {
    let labels: Vec<String> = match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets().iter().rev().map(u8::to_string).collect(),
        IpAddr::V6(ip) => {
            ip.octets().iter().rev().flat_map(|b| [b & 15, b >> 4]).map(|half| format!("{half:x}")).collect()
        }
    };
    labels.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_turned_round_as_lists_have_it() {
        assert_eq!(reversed("192.0.2.99".parse().unwrap()), "99.2.0.192");
        assert_eq!(reversed("::ffff:192.0.2.99".parse().unwrap()), "99.2.0.192");
        // The example of RFC 5782 §2.4.
        let six = "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2";
        assert_eq!(reversed("2001:db8:1:2:3:4:567:89ab".parse().unwrap()), six);
    }

    #[test]
    fn only_an_entry_is_an_entry() {
        let say = |answers: &[&str]| meaning(answers.iter().map(|a| a.parse().unwrap()));
        assert_eq!(say(&["127.0.0.2"]), Outcome::Fail);
        assert_eq!(say(&["127.255.255.254", "127.0.0.4"]), Outcome::Fail);
        assert_eq!(say(&["127.255.255.254"]), Outcome::TempError, "we are not answered");
        assert_eq!(say(&["203.0.113.7"]), Outcome::TempError, "a resolver that sells names");
        assert_eq!(say(&[]), Outcome::Pass);
    }
}
