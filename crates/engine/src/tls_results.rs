//! How TLS with others went, day by day, for the reports that RFC 8460 describes.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sigillo_base::{Domain, Timestamp};
use sigillo_store::{KeyBuilder, KeyReader, Store, tag, transact};

use crate::rows::{Carried, decode, encode};
use crate::{ATTEMPTS, Engine, Error, OwnMail};

/// Days that are kept.
const KEPT: Duration = Duration::from_secs(30 * DAY_S);
const DAY_S: u64 = 24 * 3600;
/// Policies of a domain in one day, and different failures under each: a row stays small whatever others do.
const POLICIES: usize = 8;
const FAILURES: usize = 50;

/// Sessions with one domain under one policy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TlsPolicy {
    /// The domain whose policy it is.
    pub domain: String,
    /// `sts`, `tlsa` or `no-policy-found`.
    pub kind: String,
    /// The policy as it was found, line by line.
    pub text: Vec<String>,
    /// Names of servers that it admits.
    pub mx: Vec<String>,
}

/// One way in which sessions failed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TlsFailure {
    /// The result type of RFC 8460 §4.3.
    pub kind: String,
    /// The server; empty where it came to none.
    pub host: String,
    /// Its address; empty where it came to none.
    pub address: String,
}

/// What became of the sessions under a policy in one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsResults {
    /// The policy.
    pub policy: TlsPolicy,
    /// Sessions that were as they should be.
    pub successes: u64,
    /// The others, with their number.
    pub failures: Vec<(TlsFailure, u64)>,
}

impl TlsResults {
    /// Adds what became of more sessions under the same policy.
    pub fn add(&mut self, successes: u64, failures: impl IntoIterator<Item = (TlsFailure, u64)>) {
        self.successes += successes;
        for (failure, count) in failures {
            let room = self.failures.len() < FAILURES;
            match self.failures.iter_mut().find(|(known, _)| *known == failure) {
                Some((_, sum)) => *sum += count,
                None if room => self.failures.push((failure, count)),
                None => {}
            }
        }
    }
}

/// The first moment of the day, in UTC, that a moment lies in.
fn day(at: Timestamp) -> Timestamp {
    let length = (DAY_S * 1000) as i64;
    Timestamp::from_millis(at.as_millis().div_euclid(length) * length)
}

fn reported_key(at: Timestamp, domain: &str) -> KeyBuilder {
    KeyBuilder::new(tag::TLS_REPORTED).time(day(at)).text(domain)
}

pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<Vec<TlsResults>, sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::TLS_RESULTS)?;
    reader.time()?;
    reader.text()?;
    decode(key, value)
}

impl<S: Store> Engine<S> {
    /// Adds results to the day of `now`, and forgets days that are over for long.
    ///
    /// # Errors
    /// The store's fault: what was to be added is not; the caller may try again.
    pub fn add_tls_results(&self, results: &[TlsResults], now: Timestamp) -> Result<(), Error> {
        for new in results {
            let key = KeyBuilder::new(tag::TLS_RESULTS).time(day(now)).text(&new.policy.domain);
            transact(&self.store, ATTEMPTS, |tx| {
                tx.later();
                let mut rows: Vec<TlsResults> = match tx.get(&key)? {
                    Some(value) => decode(&key, &value)?,
                    None => Vec::new(),
                };
                let room = rows.len() < POLICIES;
                match rows.iter_mut().find(|row| row.policy == new.policy) {
                    Some(row) => row.add(new.successes, new.failures.iter().cloned()),
                    None if room => rows.push(new.clone()),
                    None => {}
                }
                tx.put(key.clone(), encode(&rows));
                Ok::<_, Error>(())
            })?;
        }
        let mut old = Vec::new();
        for tag in [tag::TLS_RESULTS, tag::TLS_REPORTED] {
            let to = KeyBuilder::new(tag).time(day(now).minus(KEPT));
            old.extend(self.sound(&[tag], to.as_ref(), 1_000, |key, _| Ok(key.to_vec()))?);
        }
        transact(&self.store, ATTEMPTS, |tx| {
            tx.later();
            old.iter().for_each(|key| tx.delete(key));
            Ok::<_, Error>(())
        })
    }

    /// The results of the day that `at` lies in about domains that were not told of it.
    ///
    /// # Errors
    /// The store's fault.
    pub fn tls_unreported(&self, at: Timestamp) -> Result<Vec<TlsResults>, Error> {
        let mut open = Vec::new();
        for results in self.tls_results(at)? {
            if self.store.get(reported_key(at, &results.policy.domain).as_ref())?.is_none() {
                open.push(results);
            }
        }
        Ok(open)
    }

    /// Queues reports to a domain about the day that `at` lies in, and notes that it was told, in one commit: a day is
    /// told once, or not at all where nobody wants to hear (no mails).
    ///
    /// # Errors
    /// The store's fault: nothing is queued.
    pub fn report_tls(&self, domain: &Domain, at: Timestamp, mails: &[OwnMail], now: Timestamp) -> Result<(), Error> {
        let key = reported_key(at, domain.as_str());
        transact(&self.store, ATTEMPTS, |tx| {
            if tx.get(&key)?.is_some() {
                return Ok(());
            }
            tx.put(&key, encode(&now.as_millis()));
            let report = |mail| self.queue_own(tx, self.ids.next_id(), mail, Carried::Report, now);
            mails.iter().try_for_each(report)
        })?;
        Ok(())
    }

    /// The results of the day that `at` lies in, by domain.
    ///
    /// # Errors
    /// The store's fault.
    pub fn tls_results(&self, at: Timestamp) -> Result<Vec<TlsResults>, Error> {
        let (from, to) = KeyBuilder::new(tag::TLS_RESULTS).time(day(at)).range();
        Ok(self.sound(&from, &to, usize::MAX, read)?.into_iter().flatten().collect())
    }
}
