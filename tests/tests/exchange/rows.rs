//! The store's rows by tag, for what the engine shows nobody.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sigillo_base::MailboxId;
use sigillo_store::{Batch, Durability, KeyBuilder, MemoryStore, Store, tag};

/// Rows of one tag.
pub fn of(store: &MemoryStore, wanted: u8) -> Vec<(Vec<u8>, Vec<u8>)> {
    store.rows().into_iter().filter(|(key, _)| key.first() == Some(&wanted)).collect()
}

/// All facts: every row but bodies that went ahead of a commit, which nothing refers to yet.
pub fn facts(store: &MemoryStore) -> Vec<(Vec<u8>, Vec<u8>)> {
    let ahead = [tag::BODY_CHUNK, tag::BODY_RESERVATION, tag::COUNTER];
    store.rows().into_iter().filter(|(key, _)| !key.first().is_some_and(|t| ahead.contains(t))).collect()
}

/// Whether nothing waits: no queue item, no lease, no timer.
pub fn at_rest(store: &MemoryStore) -> bool {
    [tag::QUEUE_ITEM, tag::QUEUE_DUE, tag::LEASE, tag::TIMER_DUE].iter().all(|t| of(store, *t).is_empty())
}

/// Writes that a mailbox holds this many bytes: three gigabytes of mail would take a while.
pub fn fill(store: &MemoryStore, mailbox: MailboxId, bytes: u64) {
    put(store, &KeyBuilder::new(tag::BOX_USAGE).mailbox(mailbox), &(bytes, 1u64));
}

/// Writes a row as the engine does: its version, then the fields.
pub fn put(store: &MemoryStore, key: &KeyBuilder, row: &impl Serialize) {
    let mut batch = Batch::new();
    batch.put(key, postcard::to_extend(row, vec![1]).expect("plain fields"));
    store.commit(&batch, Durability::Synced).expect("the row is written");
}

/// Reads a row that the engine wrote.
pub fn get<T: DeserializeOwned>(store: &MemoryStore, key: &KeyBuilder) -> Option<T> {
    let value = store.get(key.as_ref()).expect("the store answers")?;
    Some(postcard::from_bytes(&value[1..]).expect("fields"))
}
