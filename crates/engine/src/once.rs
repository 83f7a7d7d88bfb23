//! Requests that are done once, however often they are sent (Idempotency-Key). A row goes ahead of the act, so that a crash
//! between the act and its answer leaves a row without an answer: then nobody knows, and it is not done again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sigillo_base::Timestamp;
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, tag, transact};

use crate::rows::{bytes, decode, encode};
use crate::{ATTEMPTS, Engine, Error};

/// How long an answer is kept.
pub const ONCE_KEPT: Duration = Duration::from_secs(24 * 3600);
/// No longer answer is kept, in octets: a row's limit.
pub const ONCE_MOST: usize = 60 * 1024;

/// What became of a request before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Once {
    /// It was not there: whoever asked does it now.
    Begun,
    /// It is being done.
    Busy,
    /// The service ended while it was being done, at this time.
    Unknown(Timestamp),
    /// It was done, and this was the answer, sealed; `None`: it was too large to be kept.
    Done(Option<Vec<u8>>),
    /// Another request had this key.
    Other,
}

/// A request that was sent with a key.
#[derive(Serialize, Deserialize)]
struct OnceRow {
    at: i64,
    /// SHA-256 of method, path, query and body.
    request: [u8; 32],
    /// Which run of the service began it.
    run: i64,
    done: bool,
    #[serde(with = "bytes")]
    answer: Vec<u8>,
}

fn once_key(name: &[u8; 32]) -> KeyBuilder {
    KeyBuilder::new(tag::ONCE).raw(name)
}

impl<S: Store> Engine<S> {
    /// Begins a request, unless it was begun before. `name` is a hash of who asks and of his key, `run` this run of the
    /// service.
    ///
    /// # Errors
    /// The store's fault.
    pub fn once(&self, name: &[u8; 32], request: &[u8; 32], run: i64, now: Timestamp) -> Result<Once, Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            let key = once_key(name);
            let row: Option<OnceRow> = tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?;
            let Some(row) = row.filter(|row| now < until(row)) else {
                let (at, request) = (now.as_millis(), *request);
                tx.put(&key, encode(&OnceRow { at, request, run, done: false, answer: Vec::new() }));
                return Ok(Once::Begun);
            };
            Ok(match row {
                row if row.request != *request => Once::Other,
                row if row.done => Once::Done(Some(row.answer).filter(|answer| !answer.is_empty())),
                row if row.run == run => Once::Busy,
                row => Once::Unknown(Timestamp::from_millis(row.at)),
            })
        })
    }

    /// Keeps the answer of a request that was begun; `None`: nothing was done, and it may be sent again.
    ///
    /// # Errors
    /// The store's fault.
    pub fn answered(&self, name: &[u8; 32], answer: Option<&[u8]>) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            let key = once_key(name);
            let Some(value) = tx.get(&key)? else { return Ok(()) };
            match answer {
                Some(answer) => {
                    let answer = if answer.len() <= ONCE_MOST { answer.to_vec() } else { Vec::new() };
                    tx.put(&key, encode(&OnceRow { done: true, answer, ..decode(&key, &value)? }));
                }
                None => tx.delete(&key),
            }
            Ok(())
        })
    }
}

fn until(row: &OnceRow) -> Timestamp {
    Timestamp::from_millis(row.at).plus(ONCE_KEPT)
}

/// When the row of a request ends.
pub(crate) fn ends(key: &[u8], value: &[u8]) -> Result<Timestamp, StoreError> {
    let reader = KeyReader::new(key, tag::ONCE)?;
    if reader.rest().len() != 32 {
        return Err(StoreError::corrupt(key, "no hash of a request's key"));
    }
    Ok(until(&decode(key, value)?))
}
