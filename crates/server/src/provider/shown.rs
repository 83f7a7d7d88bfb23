//! What is told about keys and certificates.

use sigillo_base::Timestamp;
use sigillo_engine::OwnCertificate;
use sigillo_smime::Identity;

use crate::certificates::{Held, Purpose, held};
use crate::config::Config;

/// Kept when material is loaded, judged when somebody asks.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What the configuration names.
    pub held: Vec<Held>,
    /// Those of them that administrations are told of.
    pub own: Vec<OwnCertificate>,
    /// From when and until when the signing certificate is valid.
    pub signing: (Timestamp, Timestamp),
    /// Until when the certificate of the listeners is.
    pub tls_ends: Option<Timestamp>,
}

impl Shown {
    pub(super) fn of(config: &Config, identity: &Identity) -> Self {
        let held = held(config, identity);
        let signing = (identity.certificate.not_before(), identity.certificate.not_after());
        let tls = held.iter().find(|held| held.purpose == Purpose::Tls);
        let tls_ends = tls.map(|held| held.certificate.not_after());
        let own = held.iter().filter_map(owned).collect();
        Self { held, own, signing, tls_ends }
    }
}

/// What signs, and what doors show.
fn owned(held: &Held) -> Option<OwnCertificate> {
    let certificate = &held.certificate;
    matches!(held.purpose, Purpose::Signing | Purpose::Tls).then(|| OwnCertificate {
        purpose: held.purpose.word().to_owned(),
        fingerprint: sigillo_smime::sha256(certificate.der()),
        subject: certificate.subject(),
        not_after: certificate.not_after(),
    })
}
