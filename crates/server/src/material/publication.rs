//! What the provider publishes of itself: its own record of the index (RFC 6109 §4.5), and the key that signs it.

use std::sync::Arc;

use sigillo_base::{Timestamp, said};
use sigillo_pec::index::Entry;
use sigillo_smime::{Certificate, Identity, Signer};

use super::Loader;
use crate::config::{Config, Located, Problems, Unit};
use crate::gate::Gate;

/// The provider's own record, not signed yet.
pub struct Publication {
    /// The signing certificate with its chain.
    pub identity: Identity,
    /// Its key.
    pub signer: Arc<dyn Signer>,
    /// The main environment, then the secondary ones.
    pub entries: Vec<Entry>,
}

impl Publication {
    /// Loads keys and certificates, or tells everything that is wrong. The index itself is not needed: a provider
    /// publishes before anybody lists it.
    pub fn load(config: &Config, now: Timestamp) -> Result<Self, Problems> {
        let mut l = Loader { config, problems: Vec::new() };
        let pair = l.pair();
        let identity = pair.and_then(|pair| l.identity(pair.certificate, now));
        let signer = pair.and_then(|pair| l.signer(pair.key, identity.as_ref(), &Gate::for_cores()));
        let entries = identity.as_ref().and_then(|i| l.own_entries(&i.certificate));
        match (identity, signer, entries) {
            (Some(identity), Some(signer), Some(entries)) if l.problems.is_empty() => {
                Ok(Self { identity, signer, entries })
            }
            _ => Err(Problems(l.problems)),
        }
    }
}

impl Loader<'_> {
    fn own_entries(&mut self, certificate: &Certificate) -> Option<Vec<Entry>> {
        let config = self.config;
        let mut certificates = vec![certificate.clone()];
        // After a roll-over the one that was left is still in messages on their way.
        for path in std::iter::once(&config.signing_certificate).chain(&config.next_certificate) {
            let other = self.certificates(path)?.remove(0);
            if !certificates.contains(&other) {
                self.check_other(path, &other);
                certificates.push(other);
            }
        }
        let main = Entry {
            name: config.name.value.clone(),
            unit: None,
            certificates,
            mail_receipt: config.service_address.value.clone(),
            domains: config.domains.clone(),
            description: None,
            ldif_url: None,
        };
        let mut entries = vec![main];
        for unit in &config.directory.units {
            let entry = self.unit_entry(unit, &entries[0])?;
            entries.push(entry);
        }
        Some(entries)
    }

    /// The certificate that follows is for the same address, or nobody would believe what it signs.
    fn check_other(&mut self, path: &Located<std::path::PathBuf>, next: &Certificate) {
        let service = self.config.service_address.value.as_str();
        if !next.emails().iter().any(|e| e.eq_ignore_ascii_case(service)) {
            let found = next.emails();
            let what = said!(
                "il certificato non è per {service}: {found:?}",
                "the certificate is not for {service}: {found:?}"
            );
            let remedy = said!("chiederne uno con l'indirizzo di servizio", "get one with the service address");
            self.tell(path, what, remedy);
        }
    }

    fn unit_entry(&mut self, unit: &Unit, main: &Entry) -> Option<Entry> {
        let mut certificates = Vec::new();
        for path in &unit.certificates {
            certificates.extend(self.certificates(path)?);
        }
        if certificates.is_empty() {
            certificates.clone_from(&main.certificates);
        }
        if unit.domains.is_empty() {
            let what = said!("l'ambiente non ha domini", "the environment has no domains");
            self.tell(&unit.name, what, said!("scrivere index.unit.domains", "write index.unit.domains"));
        }
        Some(Entry {
            unit: Some(unit.name.value.clone()),
            certificates,
            mail_receipt: unit.mail_receipt.clone(),
            domains: unit.domains.clone(),
            ..main.clone()
        })
    }
}
