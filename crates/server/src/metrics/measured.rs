//! The engine's ports, counted on their way: facts, signatures, scans.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use sigillo_engine::{Antivirus, Fact, Meter, Unavailable, Verdict};
use sigillo_smime::{SignError, Signer};

use super::Metrics;
use super::words::{Scan, Signature};

impl Meter for Metrics {
    fn note(&self, fact: Fact) {
        match fact {
            Fact::Issued(kind) => self.issued.add(kind),
            Fact::Came(kind) => self.came.add(kind),
            Fact::Judged(nature) => self.judged.add(nature),
            Fact::Reception(outcome) => self.receptions.add(outcome),
            Fact::Submission(outcome) => self.submissions.add(outcome),
            Fact::HandOver(way, outcome, count) => self.handed.add_many((way, outcome), count as u64),
            Fact::Delivered(after) => self.delivery.took((), after),
            Fact::Confirmed(after) => self.confirmation.took((), after),
            Fact::Login(result) => self.logins.add(result),
            Fact::Limit(limit) => self.limits.add(limit),
            Fact::Told(medium, telling) => self.told.add((medium, telling)),
        }
    }
}

/// An antivirus whose scans are counted.
pub struct Measured<A: ?Sized> {
    metrics: Arc<Metrics>,
    inner: Arc<A>,
}

impl<A: ?Sized> Measured<A> {
    /// Counts what `inner` does.
    pub fn new(metrics: Arc<Metrics>, inner: Arc<A>) -> Self {
        Self { metrics, inner }
    }
}

impl<A: Antivirus + ?Sized> Antivirus for Measured<A> {
    fn scan(&self, message: &[u8]) -> Result<Verdict, Unavailable> {
        let begun = Instant::now();
        let verdict = self.inner.scan(message);
        self.metrics.scanning.took((), begun.elapsed());
        self.metrics.scans.add(match &verdict {
            Ok(Verdict::Clean) => Scan::Clean,
            Ok(Verdict::Infected { .. }) => Scan::Infected,
            Err(_) => Scan::Missing,
        });
        verdict
    }
}

/// Counts the signatures of a provider, whichever key makes them, and knows whether the last one failed.
pub struct Signing {
    metrics: Arc<Metrics>,
    failed: AtomicBool,
}

struct Counted {
    signing: Arc<Signing>,
    key: Arc<dyn Signer>,
}

impl Signing {
    /// No signature yet.
    pub fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { metrics, failed: AtomicBool::new(false) })
    }

    /// A key whose signatures count here.
    pub fn of(self: &Arc<Self>, key: Arc<dyn Signer>) -> Arc<dyn Signer> {
        Arc::new(Counted { signing: Arc::clone(self), key })
    }

    /// Whether the last signature failed.
    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

impl Signer for Counted {
    fn sign(&self, to_be_signed: &[u8]) -> Result<Vec<u8>, SignError> {
        let metrics = &self.signing.metrics;
        let _pending = metrics.signatures_pending.enter(());
        let begun = Instant::now();
        let signature = self.key.sign(to_be_signed);
        metrics.signing.took((), begun.elapsed());
        metrics.signatures.add(if signature.is_ok() { Signature::Made } else { Signature::Failed });
        self.signing.failed.store(signature.is_err(), Ordering::Relaxed);
        signature
    }
}
