//! Annotations of folders and of mailboxes (RFC 5464): for everybody, or for one person.

use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use sigillo_accounts::CredentialName;
use sigillo_base::MailboxId;
use sigillo_store::{Error, KeyBuilder, KeyReader, Store, Transaction, tag, transact};

use crate::rows::{decode, encode};
use crate::{ATTEMPTS, Engine};

/// Entries of one folder that everybody sees, and as many of each person.
const MOST: usize = 100;
/// What all annotations of a mailbox may come to.
const MOST_IN_ALL: Held = Held { entries: 10_000, bytes: 10 << 20 };

/// What the annotations of a mailbox come to, changed in the commit that changes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub entries: u64,
    /// Of names and values.
    pub bytes: u64,
}

impl Held {
    fn with(self, bytes: usize) -> Self {
        Self { entries: self.entries.saturating_add(1), bytes: self.bytes.saturating_add(bytes as u64) }
    }

    fn without(self, bytes: usize) -> Self {
        Self { entries: self.entries.saturating_sub(1), bytes: self.bytes.saturating_sub(bytes as u64) }
    }
}

/// Why annotations are not written.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// Too many in this folder, or in the mailbox.
    TooMany,
    /// All together they would pass what a mailbox may hold.
    Full,
    /// The folder is not there any more.
    Gone,
    Fault(Error),
}

impl From<Error> for Unwritten {
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}

/// Whether everybody sees an entry.
pub(crate) fn is_shared(entry: &str) -> bool {
    entry.starts_with("/shared")
}

/// All annotations of a folder that this person sees, by name.
pub(crate) fn seen_by<S: Store>(
    engine: &Engine<S>,
    id: MailboxId,
    folder: u32,
    person: &CredentialName,
) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut seen = Vec::new();
    for of in [of_person(id, folder, person), of_all(id, folder)] {
        let (from, to) = of.range();
        seen.extend(engine.sound(&from, &to, MOST, |key, value| Ok((read_key(key)?.2, decode(key, value)?)))?);
    }
    Ok(seen)
}

/// Writes annotations, and removes those without a value. The caller holds the mailbox's lane.
pub(crate) fn write<S: Store>(
    tx: &mut Transaction<'_, S>,
    (id, folder): (MailboxId, u32),
    person: &CredentialName,
    entries: &[(String, Option<Vec<u8>>)],
) -> Result<(), Unwritten> {
    let before = held(tx, id)?;
    let mut after = before;
    let mut places = Vec::new();
    for (entry, value) in entries {
        let place = if is_shared(entry) { of_all(id, folder) } else { of_person(id, folder, person) };
        let key = place.clone().text(entry);
        if let Some(old) = tx.get(&key)? {
            after = after.without(entry.len() + decode::<Vec<u8>>(&key, &old)?.len());
        }
        match value {
            Some(value) => {
                after = after.with(entry.len() + value.len());
                tx.put(&key, encode(value));
            }
            None => tx.delete(&key),
        }
        if !places.contains(&place.as_ref().to_vec()) {
            places.push(place.as_ref().to_vec());
        }
    }
    // Who removes some is always heard, also where there are too many.
    let more = after.entries > before.entries;
    for place in places.into_iter().filter(|_| more) {
        let to = sigillo_store::key::prefix_end(&place);
        if tx.scan(&place, &to, MOST + 1)?.len() > MOST {
            return Err(Unwritten::TooMany);
        }
    }
    if more && after.entries > MOST_IN_ALL.entries {
        return Err(Unwritten::TooMany);
    }
    if after.bytes > before.bytes && after.bytes > MOST_IN_ALL.bytes {
        return Err(Unwritten::Full);
    }
    tx.put(held_key(id), encode(&after));
    Ok(())
}

/// Everything that is noted about one folder is noted about another one too (RFC 5464 §4.1), as far as it fits: as RENAME of
/// the INBOX, whose messages go and which stays.
pub(crate) fn copy<S: Store>(engine: &Engine<S>, id: MailboxId, from: u32, to: u32) -> Result<(), crate::Error> {
    let (old, new) = (of_folder(id, from), of_folder(id, to));
    let (mut at, end) = old.range();
    loop {
        let rows = engine.sound(&at, &end, MOST, |key, value| Ok((key.to_vec(), value.to_vec())))?;
        let Some((last, _)) = rows.last() else { break };
        at = sigillo_store::key::successor(last);
        let _lane = engine.lanes.hold(&[id]);
        transact(&engine.store, ATTEMPTS, |tx| {
            let mut all = held(tx, id)?;
            for (key, value) in &rows {
                let text: Vec<u8> = decode(key, value)?;
                let more = all.with(read_key(key)?.2.len() + text.len());
                if more.entries <= MOST_IN_ALL.entries && more.bytes <= MOST_IN_ALL.bytes {
                    all = more;
                    tx.put([new.as_ref(), &key[old.as_ref().len()..]].concat(), value.clone());
                }
            }
            tx.put(held_key(id), encode(&all));
            Ok::<_, crate::Error>(())
        })?;
    }
    engine.annotated.fetch_add(1, Ordering::Release);
    Ok(())
}

/// Annotations that go with their folder: counts them no more, and removes their row.
pub(crate) fn drop_row<S: Store>(tx: &mut Transaction<'_, S>, key: &[u8], value: &[u8]) -> Result<(), Error> {
    let (id, _, entry) = read_key(key)?;
    let value: Vec<u8> = decode(key, value)?;
    let left = held(tx, id)?.without(entry.len() + value.len());
    tx.put(held_key(id), encode(&left));
    tx.delete(key);
    Ok(())
}

/// Counts anew; `None` when some of it cannot be read.
pub(crate) fn recount<S: Store>(store: &S, id: MailboxId) -> Result<Option<Held>, Error> {
    let (mut from, to) = KeyBuilder::new(tag::ANNOTATION).mailbox(id).range();
    let mut held = Held::default();
    loop {
        let page = sigillo_store::skim(store, &from, &to, MOST)?;
        for (key, value) in &page.rows {
            let (Ok((_, _, entry)), Ok(value)) = (read_key(key), decode::<Vec<u8>>(key, value)) else {
                return Ok(None);
            };
            held = held.with(entry.len() + value.len());
        }
        match page.next {
            _ if !page.gaps.is_empty() => return Ok(None),
            Some(next) => from = next,
            None => return Ok(Some(held)),
        }
    }
}

fn held<S: Store>(tx: &mut Transaction<'_, S>, id: MailboxId) -> Result<Held, Error> {
    let key = held_key(id);
    Ok(tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?.unwrap_or_default())
}

pub(crate) fn held_key(id: MailboxId) -> KeyBuilder {
    KeyBuilder::new(tag::ANNOTATED).mailbox(id)
}

/// Everything that is noted about one folder.
pub(crate) fn of_folder(id: MailboxId, folder: u32) -> KeyBuilder {
    KeyBuilder::new(tag::ANNOTATION).mailbox(id).u32(folder)
}

fn of_all(id: MailboxId, folder: u32) -> KeyBuilder {
    of_folder(id, folder).u8(0).text("")
}

fn of_person(id: MailboxId, folder: u32, person: &CredentialName) -> KeyBuilder {
    of_folder(id, folder).u8(1).text(person.as_str())
}

/// The mailbox, the folder and the entry in such a key.
pub(crate) fn read_key(key: &[u8]) -> Result<(MailboxId, u32, String), Error> {
    let mut reader = KeyReader::new(key, tag::ANNOTATION)?;
    let (mailbox, folder) = (reader.mailbox()?, reader.u32()?);
    reader.u8()?;
    reader.text()?;
    let entry = reader.text()?;
    reader.end()?;
    Ok((mailbox, folder, entry))
}
