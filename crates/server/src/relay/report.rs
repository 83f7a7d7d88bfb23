//! What came of TLS with others, counted for reports (RFC 8460).

use std::collections::HashMap;
use std::net::IpAddr;

use parking_lot::Mutex;
use sigillo_engine::{TlsFailure, TlsPolicy, TlsResults};

/// What went wrong, as RFC 8460 §4.3 names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// The server does not offer STARTTLS, or refuses it.
    StarttlsNotSupported,
    /// The certificate has another name.
    CertificateHostMismatch,
    /// The certificate's time is over.
    CertificateExpired,
    /// The certificate leads to none of our roots.
    CertificateNotTrusted,
    /// Anything else in the handshake, or a server that the policy does not admit.
    ValidationFailure,
    /// The certificate is not what the TLSA records say.
    TlsaInvalid,
    /// The TLSA records are proven false, or cannot be had.
    DnssecInvalid,
    /// The policy cannot be fetched.
    StsPolicyFetchError,
    /// What was fetched is no policy.
    StsPolicyInvalid,
    /// The web server's certificate is no good.
    StsWebpkiInvalid,
}

impl Trouble {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::StarttlsNotSupported => "starttls-not-supported",
            Self::CertificateHostMismatch => "certificate-host-mismatch",
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateNotTrusted => "certificate-not-trusted",
            Self::ValidationFailure => "validation-failure",
            Self::TlsaInvalid => "tlsa-invalid",
            Self::DnssecInvalid => "dnssec-invalid",
            Self::StsPolicyFetchError => "sts-policy-fetch-error",
            Self::StsPolicyInvalid => "sts-policy-invalid",
            Self::StsWebpkiInvalid => "sts-webpki-invalid",
        }
    }
}

/// Policies counted between two writes; more is no honest day.
const MOST: usize = 10_000;

/// Counts since they were last written down.
#[derive(Default)]
pub(super) struct Counts {
    open: Mutex<HashMap<TlsPolicy, TlsResults>>,
}

impl Counts {
    /// Counts a session: with this server, and what was wrong with it.
    pub(super) fn count(&self, policy: &TlsPolicy, host: &str, address: Option<IpAddr>, result: Result<(), Trouble>) {
        let mut open = self.open.lock();
        if open.len() >= MOST && !open.contains_key(policy) {
            return;
        }
        let new = || TlsResults { policy: policy.clone(), successes: 0, failures: Vec::new() };
        let results = open.entry(policy.clone()).or_insert_with(new);
        match result {
            Ok(()) => results.add(1, []),
            Err(trouble) => {
                let address = address.map(|ip| ip.to_string()).unwrap_or_default();
                results.add(0, [(TlsFailure { kind: trouble.name().into(), host: host.into(), address }, 1)]);
            }
        }
    }

    /// Everything counted so far, to be written down.
    pub(super) fn take(&self) -> Vec<TlsResults> {
        std::mem::take(&mut *self.open.lock()).into_values().collect()
    }

    /// What could not be written down is counted again.
    pub(super) fn give_back(&self, results: Vec<TlsResults>) {
        let mut open = self.open.lock();
        for back in results {
            let room = open.len() < MOST;
            match open.get_mut(&back.policy) {
                Some(known) => known.add(back.successes, back.failures),
                None if room => drop(open.insert(back.policy.clone(), back)),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_counted_by_policy_and_by_what_failed() {
        let policy =
            |domain: &str| TlsPolicy { domain: domain.into(), kind: "sts".into(), text: Vec::new(), mx: Vec::new() };
        let counts = Counts::default();
        let ip = Some([192, 0, 2, 1].into());
        for result in [Ok(()), Err(Trouble::CertificateExpired), Err(Trouble::CertificateExpired)] {
            counts.count(&policy("a.example"), "mx.a.example", ip, result);
        }
        counts.count(&policy("b.example"), "", None, Err(Trouble::StsPolicyFetchError));
        let taken = counts.take();
        assert_eq!((taken.len(), counts.take().len()), (2, 0));
        counts.give_back(taken);
        counts.count(&policy("a.example"), "mx.a.example", ip, Ok(()));
        let taken = counts.take();
        let a = taken.iter().find(|r| r.policy.domain == "a.example").unwrap();
        assert_eq!((a.successes, a.failures[0].1), (2, 2));
        assert_eq!(a.failures[0].0.kind, "certificate-expired");
    }
}
