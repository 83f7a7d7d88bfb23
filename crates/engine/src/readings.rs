//! What is read over the administrative interface (AUD-03): a row for each look of somebody, under the administration that he
//! belongs to, else the one that it is about. What is changed and what is refused are lines of the legal log; looks would fill it,
//! so that their sum of a day is one line, as that of accesses is.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use sigillo_base::{TenantId, Timestamp};
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, key, tag};

use crate::fronts::Transaction;
use crate::rows::{decode, encode};
use crate::tenants::number;
use crate::{Engine, Error};

/// Somebody looked at something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// When.
    pub at: Timestamp,
    /// Who: a person's name, or the system's user.
    pub by: String,
    /// What he calls the token that he showed; none for the system's user.
    pub token: Option<String>,
    /// The address he came from; none for who is at the socket.
    pub from: Option<IpAddr>,
    /// The word of the permission that it needs.
    pub act: String,
    /// At what: path and query.
    pub object: String,
    /// The status of HTTP that he was answered.
    pub status: u16,
}

/// A page of them, and where the next begins.
pub type ReadingPage = (Vec<Reading>, Option<Vec<u8>>);

#[derive(Serialize, Deserialize)]
struct ReadingRow {
    by: String,
    token: Option<String>,
    from: Option<IpAddr>,
    act: String,
    object: String,
    status: u16,
}

fn of(tenant: u64) -> KeyBuilder {
    KeyBuilder::new(tag::READING).u64(tenant)
}

impl<S: Store> Engine<S> {
    /// Writes that somebody looked at something, for an administration or the provider. It waits for no disk, and a store that
    /// takes nothing now keeps nobody from seeing why.
    pub fn has_looked(&self, tenant: Option<TenantId>, reading: &Reading) {
        let Reading { at, by, token, from, act, object, status } = reading.clone();
        let mut tx = Transaction::new(&self.store);
        let row = ReadingRow { by, token, from, act, object, status };
        tx.put(of(number(tenant)).time(at).u128(self.ids.next_id()), encode(&row));
        tx.later();
        if let Err(error) = tx.commit() {
            tracing::warn!(%error, by = reading.by, "what somebody read is not written down");
        }
    }

    /// At most `limit` of what was read from `from` up to `to` for an administration, the earliest first, and where to go on.
    ///
    /// # Errors
    /// The store's fault.
    pub fn readings(
        &self,
        tenant: Option<TenantId>,
        (from, to): (Timestamp, Timestamp),
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<ReadingPage, Error> {
        let of = of(number(tenant));
        let period = (of.clone().time(from).done(), of.time(to).done());
        self.page(period, after, limit, |key, value| Ok(read(key, value)?.1))
    }

    /// Of whom there are rows in a table whose keys begin with the number of an administration.
    pub(crate) fn administrations_in(&self, table: u8) -> Result<Vec<Option<TenantId>>, Error> {
        let (mut from, to) = KeyBuilder::new(table).range();
        let mut all = Vec::new();
        loop {
            let first = self.sound(&from, &to, 1, |key, _| KeyReader::new(key, table)?.u64())?;
            let Some(tenant) = first.into_iter().next() else { return Ok(all) };
            from = key::prefix_end(KeyBuilder::new(table).u64(tenant).as_ref());
            all.push((tenant > 0).then_some(TenantId(tenant)));
        }
    }
}

/// The administration's number and what was read of a row.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(u64, Reading), StoreError> {
    let mut reader = KeyReader::new(key, tag::READING)?;
    let (tenant, at, _) = (reader.u64()?, reader.time()?, reader.u128()?);
    reader.end()?;
    let ReadingRow { by, token, from, act, object, status } = decode(key, value)?;
    Ok((tenant, Reading { at, by, token, from, act, object, status }))
}

/// The part of the table that is in order of time.
pub(crate) fn part(tenant: u64) -> KeyBuilder {
    of(tenant)
}
