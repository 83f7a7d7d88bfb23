//! The way to other servers by the DNS, asked of a real name server.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use sigillo_base::Domain;
use sigillo_server::config;
use sigillo_server::dns::{self, Dns, Fault};
use sigillo_server::relay::route::{Routes, Way};
use sigillo_tests::demo::{Guard, wait_for};
use sigillo_tests::knot::{Knot, Zone};

use crate::serve::Sample;
use crate::transport::Deaf;

const ANNA: &str = "anna@comune-esempio.example";

const RECORDS: &str = r"
due       MX 10 mx1.due
due       MX 20 mx2.due
mx1.due   A 127.0.0.2
mx1.due   A 127.0.0.12
mx1.due   AAAA ::1
mx2.due   A 127.0.0.3
pari      MX 10 a.pari
pari      MX 10 b.pari
a.pari    A 127.0.0.2
b.pari    A 127.0.0.3
senza     A 127.0.0.4
nullo     MX 0 .
noi       MX 5 mx1.due
noi       MX 10 mx.alfa
noi       MX 20 mx2.due
solo-noi  MX 10 mx.alfa
mx.alfa   A 127.0.0.9
alias     CNAME alias2
alias2    CNAME due
cieco     MX 10 non.esiste
vuoto     TXT nessuno
mxalias   MX 10 nome.mxalias
nome.mxalias CNAME mx2.due
giro      CNAME giro2
giro2     CNAME giro
sei       MX 10 mx.sei
mx.sei    AAAA ::1
_25._tcp.mx1.due TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
aperto    NS ns
falso     NS ns
falso     DS 12345 13 2 49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE49FD46E6C4B45C55D4AC69CB
rotto     NS ns
";

const BELOW: &str = "@ MX 10 mx\nmx A 127.0.0.5\n_25._tcp.mx TLSA 3 1 1 00\n";

fn knot() -> Knot {
    let zone = |name, records, signed| Zone { name, records, signed };
    Knot::start(&[
        zone("example", Some(RECORDS), true),
        zone("aperto.example", Some(BELOW), false),
        zone("falso.example", Some(BELOW), true),
        zone("rotto.example", None, false),
    ])
}

fn resolver(knot: &Knot, dnssec: bool) -> Arc<Dns> {
    let anchors = std::fs::read(knot.anchors("example")).expect("the keys");
    let config = config::Dns { servers: vec![knot.address()], dnssec, anchors: None };
    Arc::new(Dns::new(&config, Some(dns::anchors(&anchors).expect("keys"))))
}

struct Asked(Routes);

impl Asked {
    async fn way(&self, domain: &str, seed: u64) -> Way {
        self.0.find(&Domain::parse(domain).expect("a domain"), seed).await
    }

    /// Names and addresses, in order.
    async fn hosts(&self, domain: &str, seed: u64) -> Vec<(String, Vec<String>)> {
        match self.way(domain, seed).await {
            Way::Hosts { hosts, .. } => {
                let shown = |addresses: Vec<SocketAddr>| addresses.iter().map(ToString::to_string).collect();
                hosts.into_iter().map(|h| (h.name, shown(h.addresses))).collect()
            }
            other => panic!("{domain}: {other:?}"),
        }
    }

    async fn names(&self, domain: &str, seed: u64) -> Vec<String> {
        self.hosts(domain, seed).await.into_iter().map(|(name, _)| name).collect()
    }
}

#[tokio::test]
async fn exchangers_are_found_as_the_rules_say() {
    let knot = knot();
    for dnssec in [false, true] {
        let asked = Asked(Routes::new(&[], resolver(&knot, dnssec), "mx.alfa.example", 25));
        let due = asked.hosts("due.example", 0).await;
        assert_eq!(due[0].0, "mx1.due.example");
        assert_eq!(due[0].1.len(), 3);
        assert_eq!(due[0].1[0], "[::1]:25", "IPv6 and IPv4 in turn");
        assert_eq!(due[1], ("mx2.due.example".into(), vec!["127.0.0.3:25".into()]));
        let mut firsts = std::collections::BTreeSet::new();
        for seed in 0..32 {
            firsts.insert(asked.names("pari.example", seed).await.remove(0));
        }
        assert_eq!(firsts.len(), 2, "equal preferences share the load");
        assert_eq!(asked.hosts("senza.example", 0).await, [("senza.example".into(), vec!["127.0.0.4:25".into()])]);
        assert_eq!(asked.names("noi.example", 0).await, ["mx1.due.example"], "nobody from us on");
        assert_eq!(asked.names("alias.example", 0).await.len(), 2, "through aliases");
        assert_eq!(asked.hosts("mxalias.example", 0).await[0].1, ["127.0.0.3:25"]);
        for (domain, code) in [("nullo.example", "5.1.10"), ("nessuno.example", "5.1.2")] {
            let Way::Never(why) = asked.way(domain, 0).await else { panic!("{domain}") };
            assert!(why.starts_with(code), "{why}");
        }
        for (domain, says) in [
            ("solo-noi.example", "5.4.6"),
            ("cieco.example", "5.4.4"),
            ("vuoto.example", "5.4.4"),
            ("rotto.example", "DNS"),
            ("giro.example", ""),
        ] {
            let way = asked.way(domain, 0).await;
            let Way::Later(why) = &way else { panic!("{domain}: {way:?}") };
            assert!(why.contains(says), "{why}");
        }
    }
}

#[tokio::test]
async fn what_is_proven_is_told_from_what_is_not_and_what_is_false_counts_as_no_answer() {
    let knot = knot();
    let dns = resolver(&knot, true);
    let asked = Asked(Routes::new(&[], Arc::clone(&dns), "mx.alfa.example", 25));
    let bases = async |domain: &str| match asked.way(domain, 0).await {
        Way::Hosts { mut hosts, .. } => hosts.remove(0).tlsa_bases,
        other => panic!("{domain}: {other:?}"),
    };
    assert_eq!(bases("due.example").await, ["mx1.due.example"]);
    assert_eq!(
        bases("mxalias.example").await,
        ["mx2.due.example", "nome.mxalias.example"],
        "the end of the alias first"
    );
    assert_eq!(bases("senza.example").await, ["senza.example"], "that there is no MX is proven too");
    assert!(bases("aperto.example").await.is_empty(), "a zone without signatures");
    let Way::Later(why) = asked.way("falso.example", 0).await else { panic!("bogus") };
    assert!(why.contains("DNSSEC"), "{why}");

    let found = dns.tlsa("mx1.due.example", 25).await.expect("a TLSA record");
    assert!(found.secure);
    assert_eq!((found.records[0].usage, found.records[0].selector, found.records[0].matching), (3, 1, 1));
    assert_eq!(dns.tlsa("mx2.due.example", 25).await, Err(Fault::NoName));
    assert!(!dns.tlsa("mx.aperto.example", 25).await.expect("a TLSA record").secure);
    assert!(matches!(dns.tlsa("mx.falso.example", 25).await, Err(Fault::Unknown(_))));

    // Without validation the same records prove nothing.
    let blind = resolver(&knot, false);
    assert!(!blind.tlsa("mx1.due.example", 25).await.expect("a TLSA record").secure);
    assert!(blind.mx("falso.example").await.is_ok());
}

#[tokio::test]
async fn a_name_server_that_is_silent_is_no_verdict_on_the_domain() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let config = config::Dns { servers: vec![nobody.local_addr().expect("bound")], dnssec: false, anchors: None };
    let asked = Asked(Routes::new(&[], Arc::new(Dns::new(&config, None)), "mx.alfa.example", 25));
    assert!(matches!(asked.way("due.example", 0).await, Way::Later(_)));
}

/// A provider that asks this name server, finds servers at this port, and has Anna's box.
fn serve(sample: &Sample, knot: &Knot, port: u16) -> Guard {
    let changes = [
        ("\nport = 25\n", format!("\nport = {port}\n")),
        ("\n# servers = [\"127.0.0.1:53\"]\n", format!("\nservers = [\"{}\"]\n", knot.address())),
        ("\ndnssec = false\n", format!("\ndnssec = true\nanchors = \"{}\"\n", knot.anchors("example").display())),
    ];
    sample.write(&changes.iter().fold(sample.text(), |text, (from, to)| text.replacen(from, to, 1)));
    let guard = sample.serve();
    sample.add(ANNA, "segreta");
    guard
}

fn send(sample: &Sample, to: &str) {
    let letter = format!("From: {ANNA}\r\nTo: {to}\r\nSubject: dns\r\nMessage-ID: <{to}>\r\n\r\nCiao.\r\n");
    let url = format!("smtp://127.0.0.1:{}", sample.ports.base + 1);
    sample.curl(ANNA, &url, &["--mail-from", ANNA, "--mail-rcpt", to, "--upload-file", "-"], &letter).fine("curl");
}

#[test]
fn mail_goes_over_ipv6() {
    let knot = knot();
    let sample = Sample::new();
    let port = sample.ports.base + 9;
    let Ok(there) = TcpListener::bind((Ipv6Addr::LOCALHOST, port)) else {
        return eprintln!("skipped: there is no IPv6");
    };
    let server = Deaf::start(there, &["SIZE"]);
    let _guard = serve(&sample, &knot, port);
    send(&sample, "dora@sei.example");
    wait_for("the message", Duration::from_secs(40), || (!server.lines(".").is_empty()).then_some(()));
    assert_eq!(server.lines("RCPT TO:"), ["RCPT TO:<dora@sei.example>"]);
}

/// The whole way: the program asks the name server, and goes on to the next server when the first does not answer.
#[test]
fn mail_goes_where_the_dns_says() {
    let knot = knot();
    let sample = Sample::new();
    let port = sample.ports.base + 9;
    let at = |ip: [u8; 4]| TcpListener::bind(SocketAddr::from((IpAddr::from(ip), port))).expect("a free port");
    // Nobody listens for mx1: the second exchanger takes the message.
    let second = Deaf::start(at([127, 0, 0, 3]), &["SIZE"]);
    let _guard = serve(&sample, &knot, port);
    send(&sample, "dora@due.example");
    wait_for("the message", Duration::from_secs(40), || (!second.lines(".").is_empty()).then_some(()));
    assert_eq!(second.lines("RCPT TO:"), ["RCPT TO:<dora@due.example>"]);
    send(&sample, "dora@nullo.example");
    let inbox = format!("imaps://127.0.0.1:{}/INBOX", sample.ports.base + 4);
    wait_for("the notification", Duration::from_secs(40), || {
        let search = ["--request", "SEARCH SUBJECT \"ANOMALIA MESSAGGIO\" TEXT \"null MX\""];
        let ran = sample.curl(ANNA, &inbox, &search, "").fine("curl reads");
        ran.out.trim().strip_prefix("* SEARCH").is_some_and(|n| !n.trim().is_empty()).then_some(())
    });
}
