//! MTA-STS policies of other domains (RFC 8461): kept until they end, so that a restart takes no protection away.

use serde::{Deserialize, Serialize};
use sigillo_base::{Domain, Timestamp};
use sigillo_store::{Error as StoreError, KeyBuilder, Store, tag, transact};

use crate::rows::{get_large, large, put_large, remove_large};
use crate::{ATTEMPTS, Engine, Error};

/// A policy as it was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StsPolicy {
    /// What announced it.
    pub id: String,
    /// Its text.
    pub text: String,
    /// When it was fetched.
    pub fetched: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct StsRow {
    id: String,
    text: String,
    fetched: i64,
    until: i64,
}

fn sts_key(domain: &Domain) -> KeyBuilder {
    KeyBuilder::new(tag::STS_POLICY).text(domain.as_str())
}

fn shown(row: StsRow) -> StsPolicy {
    let StsRow { id, text, fetched, until } = row;
    StsPolicy { id, text, fetched: Timestamp::from_millis(fetched), until: Timestamp::from_millis(until) }
}

pub(crate) fn read<S: Store>(store: &S, key: &[u8], value: &[u8]) -> Result<StsPolicy, StoreError> {
    large(store, key, value).map(shown)
}

impl<S: Store> Engine<S> {
    /// The policy of a domain, if one is kept that has not ended.
    ///
    /// # Errors
    /// The store's fault.
    pub fn sts_policy(&self, domain: &Domain, now: Timestamp) -> Result<Option<StsPolicy>, Error> {
        let found = get_large(&self.store, &sts_key(domain))?.map(shown);
        Ok(found.filter(|policy| policy.until > now))
    }

    /// Keeps the policy of a domain in the place of the one before.
    ///
    /// # Errors
    /// The store's fault.
    pub fn keep_sts_policy(&self, domain: &Domain, policy: &StsPolicy) -> Result<(), Error> {
        let StsPolicy { id, text, fetched, until } = policy.clone();
        let row = StsRow { id, text, fetched: fetched.as_millis(), until: until.as_millis() };
        transact(&self.store, ATTEMPTS, |tx| {
            remove_large(tx, &sts_key(domain))?;
            put_large(tx, &sts_key(domain), &row)?;
            Ok(())
        })
    }
}
