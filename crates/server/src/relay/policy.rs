//! Which security each server must show: DANE before MTA-STS before what can be had, and never less than what the message
//! or the route demands.

use std::sync::Arc;

use sigillo_base::Domain;
use sigillo_engine::TlsPolicy;
use sigillo_store::Store;

use super::dane;
use super::report::{Counts, Trouble};
use super::route::Host;
use super::security::Security;
use super::sts::{self, Mode};
use crate::config::{CertifiedTls, Route, RouteTls};
use crate::dns::{Dns, Fault, Tlsa};

/// What holds for one message on its way to one domain.
pub(super) struct Demand {
    domain: Domain,
    /// Nothing less than this.
    pub(super) floor: Security,
    /// The domain's own MTA-STS policy.
    sts: Option<Arc<sts::Policy>>,
    /// Whether what the domain says of TLS is heeded.
    heeded: bool,
}

impl Demand {
    /// Nothing, whatever the domain says: what is wrong with its TLS must not keep the report about it (RFC 8460 §3).
    pub(super) fn nothing(domain: &Domain) -> Self {
        Self { domain: domain.clone(), floor: Security::Opportunistic, sts: None, heeded: false }
    }
}

/// What holds for one server.
pub(super) struct Demanded {
    /// What it must show.
    pub(super) security: Security,
    /// Whose word that is, for reports.
    pub(super) policy: TlsPolicy,
    /// What is wrong with it already, which is told and not acted on (MTA-STS in testing).
    pub(super) trouble: Option<Trouble>,
    /// Whether a certificate that is not verified is told too.
    pub(super) testing: bool,
}

/// Where policies come from.
pub(super) struct Policies<S: Store> {
    pub(super) dns: Arc<Dns>,
    pub(super) sts: sts::Sts<S>,
    pub(super) certified: CertifiedTls,
}

impl<S: Store> Policies<S> {
    /// What holds for a message to `domain`; `certified`: its provider is in the index; `marked`: it must be protected on its
    /// whole way, which begins with a server that shows who it is (RFC 8689 §4.2.1).
    pub(super) async fn demand(
        &self,
        domain: &Domain,
        (certified, marked): (bool, bool),
        route: Option<&Route>,
        counts: &Counts,
    ) -> Demand {
        let mut floor = match (certified, self.certified) {
            _ if marked => Security::Verified,
            (false, _) => Security::Opportunistic,
            (true, CertifiedTls::Encrypted) => Security::Encrypted,
            (true, CertifiedTls::Verified) => Security::Verified,
        };
        let Some(route) = route else {
            let found = self.sts.find(domain).await;
            if let (None, Some(trouble)) = (&found.policy, found.trouble) {
                counts.count(&policy(domain, "sts", Vec::new(), Vec::new()), "", None, Err(trouble));
            }
            return Demand { domain: domain.clone(), floor, sts: found.policy, heeded: true };
        };
        if route.tls != RouteTls::Opportunistic {
            floor = floor.or_more(&Security::Verified);
        }
        Demand { domain: domain.clone(), floor, sts: None, heeded: true }
    }

    /// What a server must show. `Err` says why nothing may go to it now.
    pub(super) async fn of(
        &self,
        demand: &Demand,
        host: &Host,
        port: u16,
        counts: &Counts,
    ) -> Result<Demanded, String> {
        if !demand.heeded {
            let policy = policy(&demand.domain, "no-policy-found", Vec::new(), Vec::new());
            return Ok(Demanded { security: demand.floor.clone(), policy, trouble: None, testing: false });
        }
        match self.tlsa(host, port).await {
            Ok(records) if records.is_empty() => {}
            Ok(records) => {
                let text = records.iter().map(shown).collect();
                let usable: Arc<[Tlsa]> = records.into_iter().filter(dane::is_usable).collect();
                // Records that cannot be used still say that there is TLS (RFC 7672 §2.2).
                let word = if usable.is_empty() { Security::Encrypted } else { Security::Dane(usable) };
                let policy = policy(&Domain::clone(&demand.domain), "tlsa", text, vec![host.name.clone()]);
                return Ok(Demanded { security: word.or_more(&demand.floor), policy, trouble: None, testing: false });
            }
            Err(why) => {
                let policy = policy(&demand.domain, "tlsa", Vec::new(), vec![host.name.clone()]);
                counts.count(&policy, &host.name, None, Err(Trouble::DnssecInvalid));
                return Err(why);
            }
        }
        let security = demand.floor.clone();
        let Some(sts) = demand.sts.as_ref().filter(|sts| sts.mode != Mode::None) else {
            let policy = policy(&demand.domain, "no-policy-found", Vec::new(), Vec::new());
            return Ok(Demanded { security, policy, trouble: None, testing: false });
        };
        let policy = policy(&demand.domain, "sts", sts.lines.clone(), sts.mx.clone());
        let trouble = (!sts.allows(&host.name)).then_some(Trouble::ValidationFailure);
        if sts.mode == Mode::Testing {
            return Ok(Demanded { security, policy, trouble, testing: true });
        }
        if let Some(trouble) = trouble {
            counts.count(&policy, &host.name, None, Err(trouble));
            return Err(format!("{}: la policy MTA-STS non ammette il server {}", demand.domain, host.name));
        }
        Ok(Demanded { security: security.or_more(&Security::Verified), policy, trouble: None, testing: false })
    }

    /// The proven TLSA records of a server, at the first of its names that has any.
    async fn tlsa(&self, host: &Host, port: u16) -> Result<Vec<Tlsa>, String> {
        for base in &host.tlsa_bases {
            match self.dns.tlsa(base, port).await {
                Ok(found) if found.secure && !found.records.is_empty() => return Ok(found.records),
                Ok(_) | Err(Fault::NoName) => {}
                // Whoever can silence an answer could otherwise turn DANE off (RFC 7672 §2.1).
                Err(Fault::Unknown(why)) => return Err(format!("{}: {why}", host.name)),
            }
        }
        Ok(Vec::new())
    }
}

fn policy(domain: &Domain, kind: &str, text: Vec<String>, mx: Vec<String>) -> TlsPolicy {
    TlsPolicy { domain: domain.to_string(), kind: kind.to_owned(), text, mx }
}

fn shown(record: &Tlsa) -> String {
    let data = data_encoding::HEXLOWER.encode(&record.data);
    format!("{} {} {} {data}", record.usage, record.selector, record.matching)
}
