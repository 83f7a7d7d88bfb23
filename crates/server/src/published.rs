//! What a provider publishes in the DNS: told to who begins, and looked for by who checks.

use std::fmt::Write as _;
use std::net::IpAddr;

use data_encoding::HEXLOWER;

use crate::config::{Config, Role};
use crate::dkim;

/// A record. Names have no dot at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub name: String,
    /// `MX`, `A`, `AAAA`, `TXT`, `SRV`.
    pub kind: &'static str,
    /// What it says, as a zone file has it; of a text, the text itself. `None`: only who publishes it knows.
    pub data: Option<String>,
}

impl Record {
    fn new(name: impl Into<String>, kind: &'static str, data: impl Into<String>) -> Self {
        Self { name: name.into(), kind, data: Some(data.into()) }
    }
}

/// All that this provider has to publish, domain by domain. `addresses` are those of its host.
pub fn records(config: &Config, dkim: Option<&dkim::Signer>, addresses: &[IpAddr]) -> Vec<Record> {
    let host = config.host.value.as_str();
    let mut all: Vec<Record> =
        addresses.iter().map(|ip| Record::new(host, if ip.is_ipv4() { "A" } else { "AAAA" }, ip.to_string())).collect();
    if addresses.is_empty() {
        all.extend(["A", "AAAA"].map(|kind| Record { name: host.to_owned(), kind, data: None }));
    }
    // Reports of delivery have no sender: the host's own name stands for it (RFC 7208 §2.4).
    all.push(Record::new(host, "TXT", "v=spf1 a -all"));
    if let Some((name, text)) = dkim.map(dkim::Signer::record) {
        all.push(Record::new(name, "TXT", text));
    }
    let reports = format!("v=TLSRPTv1; rua=mailto:postmaster@{}", config.service_address.value.domain());
    for domain in &config.domains {
        all.push(Record::new(domain.as_str(), "MX", format!("10 {host}.")));
        all.push(Record::new(domain.as_str(), "TXT", "v=spf1 mx -all"));
        all.push(Record::new(format!("_dmarc.{domain}"), "TXT", "v=DMARC1; p=reject"));
        all.push(Record::new(format!("_smtp._tls.{domain}"), "TXT", reports.as_str()));
        all.push(Record::new(format!("_mta-sts.{domain}"), "TXT", format!("v=STSv1; id={}", sts_id(config))));
        for kind in ["A", "AAAA"] {
            all.push(Record { name: format!("mta-sts.{domain}"), kind, data: None });
        }
        all.extend(services(config, domain.as_str()));
    }
    all
}

/// Where mail programs find us by the domain of an address alone (RFC 6186, RFC 8314 §5.1).
fn services<'c>(config: &'c Config, domain: &'c str) -> impl Iterator<Item = Record> + 'c {
    let named = [
        (Role::Submissions, "_submissions"),
        (Role::Submission, "_submission"),
        (Role::Imaps, "_imaps"),
        (Role::Imap, "_imap"),
        (Role::Pop3s, "_pop3s"),
        (Role::Pop3, "_pop3"),
    ];
    named.into_iter().filter_map(move |(role, service)| {
        let (_, at) = config.listen.iter().find(|(of, _)| *of == role)?;
        let data = format!("0 1 {} {}.", at.value.port(), config.host.value);
        Some(Record::new(format!("{service}._tcp.{domain}"), "SRV", data))
    })
}

/// The policy that a web server shows as `https://mta-sts.DOMAIN/.well-known/mta-sts.txt` (RFC 8461 §3.2).
pub fn sts_policy(config: &Config) -> String {
    format!("version: STSv1\r\nmode: enforce\r\nmx: {}\r\nmax_age: 604800\r\n", config.host.value)
}

/// Another policy has another id.
fn sts_id(config: &Config) -> String {
    let hash = sigillo_smime::sha256(sts_policy(config).as_bytes());
    HEXLOWER.encode(hash.get(..10).unwrap_or_default())
}

/// Records as a zone file has them; what only the publisher knows is a comment to be filled in.
pub fn zone(records: &[Record]) -> String {
    let mut out = String::new();
    for Record { name, kind, data } in records {
        // A text never fails to be written to.
        let written = match data {
            Some(data) if *kind == "TXT" => writeln!(out, "{name}. IN TXT {}", text(data)),
            Some(data) => writeln!(out, "{name}. IN {kind} {data}"),
            None => writeln!(out, "; {name}. IN {kind} …"),
        };
        debug_assert!(written.is_ok());
    }
    out
}

/// A text of a zone file: one of more than 255 octets stands in pieces.
pub fn text(text: &str) -> String {
    let quote = |piece: &[u8]| format!("\"{}\"", String::from_utf8_lossy(piece));
    let pieces: Vec<String> = text.as_bytes().chunks(255).map(quote).collect();
    format!("( {} )", pieces.join(" "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::SAMPLE;
    use crate::relay::sts::{Mode, Policy};

    #[test]
    fn every_domain_is_found_by_servers_and_by_mail_programs() {
        let config = Config::parse(Path::new("s.toml"), SAMPLE).unwrap();
        let all = records(&config, None, &["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()]);
        let zone = zone(&all);
        for line in [
            "mx.pec.esempio.example. IN A 192.0.2.1\n",
            "mx.pec.esempio.example. IN AAAA 2001:db8::1\n",
            "comune-esempio.example. IN MX 10 mx.pec.esempio.example.\n",
            "pec.esempio.example. IN MX 10 mx.pec.esempio.example.\n",
            "_dmarc.ente-esempio.example. IN TXT ( \"v=DMARC1; p=reject\" )\n",
            "_imaps._tcp.ente-esempio.example. IN SRV 0 1 2993 mx.pec.esempio.example.\n",
            "; mta-sts.ente-esempio.example. IN A …\n",
        ] {
            assert!(zone.contains(line), "{line} is not in {zone}");
        }
        assert!(self::zone(&records(&config, None, &[])).starts_with("; mx.pec.esempio.example. IN A …\n"));
    }

    #[test]
    fn the_policy_is_one_that_our_own_relay_understands() {
        let config = Config::parse(Path::new("s.toml"), SAMPLE).unwrap();
        let policy = Policy::parse(&sts_policy(&config)).unwrap();
        assert_eq!(policy.mode, Mode::Enforce);
        assert!(policy.allows("mx.pec.esempio.example") && !policy.allows("mx.example"));
        let other = Config {
            host: crate::config::Located { value: "b.example".into(), ..config.host.clone() },
            ..config.clone()
        };
        assert_ne!(sts_id(&config), sts_id(&other));
    }

    #[test]
    fn long_texts_stand_in_pieces() {
        assert_eq!(text("a"), "( \"a\" )");
        let long = text(&"x".repeat(300));
        assert_eq!(long, format!("( \"{}\" \"{}\" )", "x".repeat(255), "x".repeat(45)));
    }
}
