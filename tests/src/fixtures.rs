//! Three providers with fixed keys, certified by a fixed test authority: the same bytes in every run.

use std::sync::Arc;

use parking_lot::Mutex;
use sigillo_base::{Address, Domain, IdSource, Timestamp};
use sigillo_pec::Provider;
use sigillo_pec::index::{Entry, Index};
use sigillo_smime::authority::Authority;
use sigillo_smime::{Certificate, Crl, Identity, KeySigner, Trust};

/// 2026-03-12 10:15:01 +0100: the instant of every golden.
pub const NOW: Timestamp = Timestamp::from_millis(1_773_306_901_000);
/// 2026-01-01: certificates and revocation lists begin here.
pub const FROM: Timestamp = Timestamp::from_millis(1_767_225_600_000);
/// 2046-01-01: and end here.
pub const UNTIL: Timestamp = Timestamp::from_millis(2_398_377_600_000);

/// A test provider.
pub struct Fixture {
    /// Name and service address.
    pub provider: Provider,
    /// Domains of its users.
    pub domains: Vec<Domain>,
    /// Its signing certificate and chain.
    pub identity: Identity,
    key_pem: &'static str,
}

impl Fixture {
    /// Its key in PEM, for openssl.
    pub fn key_pem(&self) -> &'static str {
        self.key_pem
    }

    /// Its key.
    pub fn signer(&self) -> KeySigner {
        KeySigner::from_pem(self.key_pem.as_bytes()).expect("the fixture's key is a key")
    }

    /// Its record in the directory.
    pub fn entry(&self) -> Entry {
        let mut domains = self.domains.clone();
        domains.push(self.provider.service_address.domain().clone());
        Entry {
            name: self.provider.name.clone(),
            unit: None,
            certificates: vec![self.identity.certificate.clone()],
            mail_receipt: self.provider.service_address.clone(),
            domains,
            description: None,
            ldif_url: None,
        }
    }
}

/// An address that is one.
pub fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

/// The test authority.
pub fn authority() -> Authority {
    Authority::with_key("Autorità di prova", include_str!("../fixtures/ca.key.pem"), FROM, UNTIL).expect("an authority")
}

fn fixture(name: &str, service: &str, domains: &[&str], key_pem: &'static str) -> Fixture {
    let ca = authority();
    let service_address = address(service);
    let issued = ca.issue_pec_with_key(key_pem, name, &service_address, FROM, UNTIL).expect("a certificate");
    Fixture {
        provider: Provider { name: name.into(), service_address, english: false },
        domains: domains.iter().map(|d| Domain::parse(d).expect("a domain")).collect(),
        identity: Identity { certificate: issued.certificate(), chain: vec![ca.certificate()] },
        key_pem,
    }
}

/// Alfa PEC S.p.A., for comune-alfa.example and studio.example.
pub fn alfa() -> Fixture {
    let domains = ["comune-alfa.example", "studio.example"];
    let key = include_str!("../fixtures/alfa.key.pem");
    fixture("Alfa PEC S.p.A.", "posta-certificata@pec.alfa.example", &domains, key)
}

/// Beta PEC S.r.l., for ente-beta.example.
pub fn beta() -> Fixture {
    let key = include_str!("../fixtures/beta.key.pem");
    fixture("Beta PEC S.r.l.", "posta-certificata@pec.beta.example", &["ente-beta.example"], key)
}

/// Gamma PEC S.p.A., for gamma.example.
pub fn gamma() -> Fixture {
    let key = include_str!("../fixtures/gamma.key.pem");
    fixture("Gamma PEC S.p.A.", "posta-certificata@pec.gamma.example", &["gamma.example"], key)
}

/// The three of them.
pub fn providers() -> Vec<Fixture> {
    vec![alfa(), beta(), gamma()]
}

/// The authority's certificate as anchor, with an empty revocation list.
pub fn trust() -> Trust {
    let ca = authority();
    let crl = ca.crl(&[], FROM, UNTIL, 1).expect("a revocation list");
    Trust::new(vec![ca.certificate()], vec![Crl::from_der(&crl).expect("a revocation list")])
}

/// The directory that lists them.
pub fn index() -> Index {
    Index::new(providers().iter().map(Fixture::entry).collect())
}

/// The anchor in PEM, for openssl.
pub fn ca_pem() -> String {
    let ca: Certificate = authority().certificate();
    ca.to_pem()
}

/// Numbers from a seed: never twice, the same in every run.
pub struct Numbers(Mutex<u64>);

impl Numbers {
    /// A new sequence.
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(seed)))
    }

    /// The next 64 bits (splitmix64).
    pub fn next(&self) -> u64 {
        let mut state = self.0.lock();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

impl IdSource for Numbers {
    fn next_id(&self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}
