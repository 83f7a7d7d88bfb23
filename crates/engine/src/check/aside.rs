//! Rows that were moved aside: as they were, with when and why. Nothing is ever deleted here.

use serde::{Deserialize, Serialize};
use sigillo_base::Timestamp;
use sigillo_store::{Error, KeyBuilder, KeyReader, Row, Store, Transaction, tag};

use crate::rows::{large, put_large};

/// A row that was moved aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Its key as it was.
    pub key: Vec<u8>,
    /// Its value as it was.
    pub value: Vec<u8>,
    /// When it was moved.
    pub at: Timestamp,
    /// Why, in Italian.
    pub why: String,
}

#[derive(Serialize, Deserialize)]
struct AsideRow {
    key: Vec<u8>,
    value: Vec<u8>,
    why: String,
}

/// Whether a row may be moved when it does not read. Not where its absence would say something else: that a mailbox does
/// not exist, that a password suffices, that nothing was chosen for a domain, that a list is in use, or that it is the provider's, that nobody has a name, that a message was never archived or an event never happened.
pub(super) fn movable(key: &[u8]) -> bool {
    const KEPT: [u8; 34] = [
        tag::META,
        tag::COUNTER,
        tag::DOMAIN,
        tag::DIRECTORY,
        tag::DOMAIN_OWNER,
        tag::DOMAIN_HISTORY,
        tag::PERSON,
        tag::PERSON_BY_NAME,
        tag::TOKEN,
        tag::MAILBOX,
        tag::CREDENTIAL,
        tag::SECOND_FACTOR,
        tag::PERSON_FACTOR,
        tag::LIST,
        tag::LIST_CANCELLED,
        tag::FOLDER,
        tag::GRANT,
        tag::LEGAL_LOG,
        tag::PROFILE_HISTORY,
        tag::STANDING,
        tag::OPERATION,
        tag::PLAN,
        tag::OVERRUN,
        tag::TRAIL,
        tag::EVENT,
        tag::ACCESS_SEAL,
        tag::READING,
        tag::STRANGER,
        tag::SENT_DAY,
        tag::ARCHIVE,
        tag::LOG_CHAIN,
        tag::LOG_SEGMENT,
        tag::QUARANTINE,
        tag::BODY,
    ];
    key.first().is_some_and(|tag| !KEPT.contains(tag) && *tag != tag::SET_ASIDE && *tag != tag::BODY_CHUNK)
}

fn prefix(key: &[u8]) -> KeyBuilder {
    KeyBuilder::new(tag::SET_ASIDE).raw(sigillo_store::BodyId::of(key).0)
}

/// Moves a row aside in this transaction.
pub(super) fn put<S: Store>(
    tx: &mut Transaction<'_, S>,
    (key, value): Row,
    why: &str,
    now: Timestamp,
) -> Result<(), Error> {
    // The same row may be moved twice in a millisecond, when a repair is repeated: then it goes behind the first.
    let mut at = now;
    while tx.get(prefix(&key).time(at))?.is_some() {
        at = at.plus(std::time::Duration::from_millis(1));
    }
    tx.delete(&key);
    let place = prefix(&key).time(at);
    put_large(tx, &place, &AsideRow { key, value, why: why.to_owned() })
}

/// Whether a row with this key was moved aside: what it keeps stays kept.
pub(super) fn holds<S: Store>(store: &S, key: &[u8]) -> Result<bool, Error> {
    let (from, to) = prefix(key).range();
    Ok(!store.scan(&from, &to, 1)?.is_empty())
}

pub(super) fn read<S: Store>(store: &S, key: &[u8], value: &[u8]) -> Result<Aside, Error> {
    let mut reader = KeyReader::new(key, tag::SET_ASIDE)?;
    reader.array::<32>()?;
    let at = reader.time()?;
    reader.end()?;
    let AsideRow { key, value, why } = large(store, key, value)?;
    Ok(Aside { key, value, at, why })
}

/// At most `limit` rows that were moved aside, and where to go on (`None`: at the end).
///
/// # Errors
/// The store's fault; a row that does not read is left out.
pub fn set_aside<S: Store>(
    store: &S,
    from: Option<&[u8]>,
    limit: usize,
) -> Result<(Vec<Aside>, Option<Vec<u8>>), crate::Error> {
    let (first, to) = KeyBuilder::new(tag::SET_ASIDE).range();
    let page = sigillo_store::skim(store, from.unwrap_or(&first), &to, limit)?;
    let rows = page.rows.iter().filter_map(|(key, value)| read(store, key, value).ok()).collect();
    Ok((rows, page.next))
}
