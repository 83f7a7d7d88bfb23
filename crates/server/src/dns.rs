//! The DNS: records, whether they are proven (DNSSEC), and what it means that there are none.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ServerOrderingStrategy};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::dnssec::{Proof, TrustAnchors};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, Record, RecordType};

use crate::config;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The records; none where the name exists without any of this kind.
    pub records: Vec<T>,
    /// Whether all of it, or that there is nothing, is proven by DNSSEC.
    pub secure: bool,
    /// The name that has the records, at the end of the aliases.
    pub owner: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The name does not exist.
    NoName,
    /// It cannot be known now: no server answers, or what they say is proven false (bogus).
    Unknown(String),
}

/// A TLSA record (RFC 6698 §2.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tlsa {
    /// 2: an authority of their own. 3: this certificate.
    pub usage: u8,
    /// 0: the whole certificate. 1: its public key.
    pub selector: u8,
    /// 0: as it is. 1: SHA-256. 2: SHA-512.
    pub matching: u8,
    /// What must be equal.
    pub data: Vec<u8>,
}

/// A resolver. Its cache lives as long as it does.
pub struct Dns {
    resolver: Result<TokioResolver, NetError>,
}

/// The keys from which DNSSEC begins, as a file has them: DNSKEY records.
///
/// # Errors
/// What cannot be read, for people.
pub fn anchors(text: &[u8]) -> Result<Arc<TrustAnchors>, String> {
    let text = std::str::from_utf8(text).map_err(|e| e.to_string())?;
    TrustAnchors::from_str(text).map(Arc::new).map_err(|e| e.to_string())
}

impl Dns {
    /// A resolver as it is configured; `anchors` in place of the root's.
    pub fn new(config: &config::Dns, anchors: Option<Arc<TrustAnchors>>) -> Self {
        let resolver = resolver(config, anchors);
        if let Err(error) = &resolver {
            tracing::warn!(%error, "no DNS: only routes with addresses lead out");
        }
        Self { resolver }
    }

    /// A resolver that leaves proofs to its name servers, for a library that would take "proven to need none" for no answer;
    /// `None` when there is none.
    pub fn unproven(config: &config::Dns) -> Option<TokioResolver> {
        let config = config::Dns { dnssec: false, ..config.clone() };
        resolver(&config, None).inspect_err(|error| tracing::warn!(%error, "no DNS: no sender can be checked")).ok()
    }

    /// The mail exchangers of a domain: preference and name, in lower case without the last dot; "" is the root.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn mx(&self, domain: &str) -> Result<Answer<(u16, String)>, Fault> {
        let read = |data: &RData| match data {
            RData::MX(mx) => Some((mx.preference, plain(&mx.exchange.to_ascii()))),
            _ => None,
        };
        self.ask(domain, RecordType::MX, read).await
    }

    /// The addresses of a host, IPv6 and IPv4 in turn, so that neither's trouble uses up all attempts.
    ///
    /// # Errors
    /// See [`Fault`]; one kind of address is enough.
    pub async fn addresses(&self, host: &str) -> Result<Answer<IpAddr>, Fault> {
        let (six, four) = tokio::join!(
            self.ask(host, RecordType::AAAA, RData::ip_addr),
            self.ask(host, RecordType::A, RData::ip_addr)
        );
        match (six, four) {
            (Ok(six), Ok(four)) => Ok(Answer {
                records: in_turn(six.records, four.records),
                secure: six.secure && four.secure,
                owner: four.owner,
            }),
            (Ok(one), Err(fault)) | (Err(fault), Ok(one)) => {
                if one.records.is_empty() {
                    Err(fault)
                } else {
                    Ok(one)
                }
            }
            (Err(fault), Err(_)) => Err(fault),
        }
    }

    /// The TLSA records of a server on this port.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn tlsa(&self, host: &str, port: u16) -> Result<Answer<Tlsa>, Fault> {
        let read = |data: &RData| match data {
            RData::TLSA(tlsa) => Some(Tlsa {
                usage: tlsa.cert_usage.into(),
                selector: tlsa.selector.into(),
                matching: tlsa.matching.into(),
                data: tlsa.cert_data.clone(),
            }),
            _ => None,
        };
        self.ask(&format!("_{port}._tcp.{host}"), RecordType::TLSA, read).await
    }

    /// The texts of a name, the pieces of each joined.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn txt(&self, name: &str) -> Result<Answer<String>, Fault> {
        let read = |data: &RData| match data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
            _ => None,
        };
        self.ask(name, RecordType::TXT, read).await
    }

    async fn ask<T>(
        &self,
        name: &str,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<T>,
    ) -> Result<Answer<T>, Fault> {
        let unknown = |error: &NetError| Fault::Unknown(format!("DNS, {kind} di {name}: {error}"));
        let resolver = self.resolver.as_ref().map_err(unknown)?;
        match resolver.lookup(format!("{name}."), kind).await {
            Ok(found) => {
                let of_kind = found.answers().iter().filter(|record| record.record_type() == kind);
                Ok(Answer {
                    owner: of_kind.clone().next().map_or_else(|| name.to_owned(), |r| plain(&r.name.to_ascii())),
                    records: of_kind.filter_map(|record| read(&record.data)).collect(),
                    secure: proven(found.answers()),
                })
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(NoRecords { response_code, authorities, .. }))) => {
                nothing(name, response_code, authorities.is_some_and(|a| proven(&a)))
            }
            // Without proof, but known to need none.
            Err(NetError::Dns(DnsError::Nsec { response, proof: Proof::Insecure, .. })) => {
                nothing(name, response.response_code, false)
            }
            Err(error) => Err(unknown(&error)),
        }
    }
}

fn resolver(config: &config::Dns, anchors: Option<Arc<TrustAnchors>>) -> Result<TokioResolver, NetError> {
    let mut builder = if config.servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let servers = config.servers.iter().map(|server| {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
            let at_port = |connection| {
                let mut connection: ConnectionConfig = connection;
                connection.port = server.port();
                connection
            };
            NameServerConfig::new(server.ip(), true, connections.into_iter().map(at_port).collect())
        });
        let servers = ResolverConfig::from_name_servers(servers.collect());
        TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default())
    };
    builder.options_mut().server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    builder.options_mut().validate = config.dnssec;
    match anchors {
        Some(anchors) if config.dnssec => builder.with_trust_anchor(anchors).build(),
        _ => builder.build(),
    }
}

fn nothing<T>(name: &str, code: ResponseCode, secure: bool) -> Result<Answer<T>, Fault> {
    if code == ResponseCode::NXDomain {
        return Err(Fault::NoName);
    }
    Ok(Answer { records: Vec::new(), secure, owner: name.to_owned() })
}

/// Signatures themselves are not what is signed.
fn proven(records: &[Record]) -> bool {
    let mut counted = records.iter().filter(|r| r.record_type() != RecordType::RRSIG).peekable();
    counted.peek().is_some() && counted.all(|r| r.proof.is_secure())
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn in_turn<T>(first: Vec<T>, second: Vec<T>) -> Vec<T> {
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let pairs = std::iter::from_fn(|| match (first.next(), second.next()) {
        (None, None) => None,
        (a, b) => Some(a.into_iter().chain(b)),
    });
    pairs.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_kind_of_address_waits_for_all_of_the_other() {
        assert_eq!(in_turn(vec![6, 66, 666], vec![4]), [6, 4, 66, 666]);
        assert_eq!(in_turn(vec![], vec![4, 44]), [4, 44]);
    }

    #[test]
    fn anchors_that_are_none_are_told() {
        assert!(anchors(b"example. 3600 IN DNSKEY 257 3 13 kXKkvWU3vGYfTJGl3qBd4qhiWp5aRs7YtkCJxD2d+t7KXqwahww5IgJtxJT2yFItlggazyfXqJEVOmMJ3qT0tQ==\n").is_ok());
        assert!(anchors(b"example. 3600 IN DS 1 2 3\n").is_err());
    }
}
