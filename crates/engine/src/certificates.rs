//! Certificates of the provider: the administrations that it serves are told when one was replaced, and when one ends soon
//! (NOT-03).
//!
//! What was seen last is a row, so that a change is noticed whether it came by a reload or with a start. Who was told of what
//! is a row in the commit of the notice: nobody is told twice, and what a crash broke off goes on at the next look.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sigillo_accounts::{Channel, Concern, NoticeKind, Tenant};
use sigillo_base::{Address, Secret, TenantId, Timestamp};
use sigillo_store::{KeyBuilder, KeyReader, Store, tag, transact};

use crate::rows::{decode, encode};
use crate::{ATTEMPTS, Engine, Error, Notice};

/// Days before its end on which a certificate is spoken of, descending.
const THRESHOLDS: [u32; 4] = [30, 14, 7, 1];
const DAY: Duration = Duration::from_secs(24 * 3600);
/// A notice of this kind is tried for so long.
const LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
/// What the number of days stands for when a certificate was replaced.
const REPLACED: u32 = 0;

/// A certificate that the provider uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCertificate {
    /// What it is for: `signing` or `tls`.
    pub purpose: String,
    /// SHA-256 of it.
    pub fingerprint: [u8; 32],
    /// The distinguished name of its holder.
    pub subject: String,
    /// When it ends.
    pub not_after: Timestamp,
}

impl OwnCertificate {
    /// What it is for, for people.
    fn used(&self) -> &'static str {
        match self.purpose.as_str() {
            "signing" => "con cui il gestore firma i messaggi di posta certificata",
            _ => "dei servizi del gestore (TLS)",
        }
    }

    /// What is told of it.
    fn text(&self, what: u32) -> (String, String) {
        let Self { subject, fingerprint, not_after, .. } = self;
        let (used, ends) = (self.used(), not_after.legal());
        let hex = data_encoding::HEXLOWER.encode(fingerprint);
        let which = format!("Titolare: {subject}\nImpronta SHA-256: {hex}\nValido fino al: {} {}", ends.day, ends.time);
        match what {
            REPLACED => {
                ("Certificato sostituito".into(), format!("Il certificato {used} è stato sostituito.\n\n{which}"))
            }
            days => (
                format!("Certificato in scadenza il {}", ends.day),
                format!("Il certificato {used} scade il {} (mancano al più {days} giorni).\n\n{which}", ends.day),
            ),
        }
    }
}

/// The certificate that was seen last for a purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SeenRow {
    fingerprint: [u8; 32],
    /// The least number of days before its end that was told.
    told: Option<u32>,
}

fn seen_key(purpose: &str) -> KeyBuilder {
    KeyBuilder::new(tag::CERTIFICATE_SEEN).text(purpose)
}

/// All who were told something of the certificates of a purpose.
fn told_keys(purpose: &str) -> KeyBuilder {
    KeyBuilder::new(tag::CERTIFICATE_TOLD).text(purpose)
}

pub(crate) fn read_seen(key: &[u8], value: &[u8]) -> Result<(), sigillo_store::Error> {
    decode::<SeenRow>(key, value).map(drop)
}

/// When an administration was told.
pub(crate) fn read_told(key: &[u8], value: &[u8]) -> Result<(), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::CERTIFICATE_TOLD)?;
    reader.text()?;
    reader.array::<32>()?;
    reader.u32()?;
    reader.u64()?;
    reader.end()?;
    decode::<i64>(key, value).map(drop)
}

impl<S: Store> Engine<S> {
    /// Looks at the provider's certificates, and tells the administrations what is new about them.
    ///
    /// # Errors
    /// The store's fault: what was not told is told at the next look.
    pub fn watch_certificates(&self, own: &[OwnCertificate], now: Timestamp) -> Result<(), Error> {
        own.iter().try_for_each(|certificate| self.watch_certificate(certificate, now))
    }

    fn watch_certificate(&self, own: &OwnCertificate, now: Timestamp) -> Result<(), Error> {
        let key = seen_key(&own.purpose);
        let seen: Option<SeenRow> = self.store.get(key.as_ref())?.map(|v| decode(&key, &v)).transpose()?;
        let before = seen.clone();
        let mut row = match seen {
            Some(row) if row.fingerprint == own.fingerprint => row,
            other => {
                if other.is_some() {
                    self.tell_tenants(own, REPLACED, now)?;
                }
                SeenRow { fingerprint: own.fingerprint, told: None }
            }
        };
        let left = own.not_after.since(now);
        let reached = THRESHOLDS.into_iter().filter(|days| left <= DAY * *days).min();
        if let Some(days) = reached.filter(|days| row.told.is_none_or(|told| told > *days)) {
            self.tell_tenants(own, days, now)?;
            row.told = Some(days);
        }
        if before.as_ref() == Some(&row) {
            return Ok(());
        }
        transact(&self.store, ATTEMPTS, |tx| {
            tx.put(&key, encode(&row));
            Ok::<_, Error>(())
        })?;
        self.forget_told(own)
    }

    fn tell_tenants(&self, own: &OwnCertificate, what: u32, now: Timestamp) -> Result<(), Error> {
        for (id, tenant) in self.tenants(TenantId(0), usize::MAX)? {
            self.tell_tenant(own, what, (id, &tenant), now)?;
        }
        tracing::info!(purpose = own.purpose, what, "the administrations are told of a certificate");
        Ok(())
    }

    fn tell_tenant(
        &self,
        own: &OwnCertificate,
        what: u32,
        (id, tenant): (TenantId, &Tenant),
        now: Timestamp,
    ) -> Result<(), Error> {
        let key = told_keys(&own.purpose).raw(own.fingerprint).u32(what).u64(id.0);
        let (subject, text) = own.text(what);
        let kind = if what == REPLACED { NoticeKind::Certificate } else { NoticeKind::Expiry };
        transact(&self.store, ATTEMPTS, |tx| {
            if tx.get(&key)?.is_some() {
                return Ok(());
            }
            tx.put(&key, encode(&now.as_millis()));
            for to in tenant.contacts.iter().filter_map(|contact| Address::parse(contact).ok()) {
                let notice = Notice {
                    kind,
                    to: Channel::Mail(to),
                    about: Concern::Tenant(id),
                    subject: subject.clone(),
                    text: Secret::new(text.clone()),
                    not_after: now.plus(LIFE),
                };
                self.tell_in(tx, &notice, now)?;
            }
            Ok::<_, Error>(())
        })
    }

    /// Forgets who was told of certificates of this purpose that are used no more: the register of notices knows.
    fn forget_told(&self, own: &OwnCertificate) -> Result<(), Error> {
        let all = told_keys(&own.purpose);
        let (from, to) = all.range();
        let current = all.raw(own.fingerprint);
        let keys = self.sound(&from, &to, usize::MAX, |key, _| Ok(key.to_vec()))?;
        let old: Vec<_> = keys.into_iter().filter(|key| !key.starts_with(current.as_ref())).collect();
        for page in old.chunks(500) {
            transact(&self.store, ATTEMPTS, |tx| {
                tx.later();
                page.iter().for_each(|key| tx.delete(key));
                Ok::<_, Error>(())
            })?;
        }
        Ok(())
    }
}
