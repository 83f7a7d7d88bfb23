//! The version of what the rows mean, kept in the store itself.

use crate::{Error, KeyBuilder, Store, Transaction, tag};

/// The version of tags and value formats that this release writes. One number for the whole store, only upwards.
pub const VERSION: u32 = 3;

/// The store's version as a transaction sees it; `None` for a store that has none yet.
///
/// # Errors
/// The store's fault; [`Error::Newer`] when a newer program wrote it; [`Error::Corrupt`] when the row is no version.
pub fn version<S: Store + ?Sized>(tx: &mut Transaction<'_, S>) -> Result<Option<u32>, Error> {
    let Some(value) = tx.get(key())? else { return Ok(None) };
    let bytes = value.as_slice().try_into().map_err(|_| Error::corrupt(key(), "not a schema version"))?;
    match u32::from_be_bytes(bytes) {
        newer if newer > VERSION => Err(Error::Newer(newer)),
        version => Ok(Some(version)),
    }
}

/// Says that the store has the formats of this release.
pub fn write<S: Store + ?Sized>(tx: &mut Transaction<'_, S>) {
    tx.put(key(), VERSION.to_be_bytes());
}

/// Reads the store's version and writes nothing.
///
/// # Errors
/// As [`version`].
pub fn check<S: Store + ?Sized>(store: &S) -> Result<Option<u32>, Error> {
    version(&mut Transaction::new(store))
}

fn key() -> KeyBuilder {
    KeyBuilder::new(tag::META).text("schema")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Durability, MemoryStore};

    #[test]
    fn a_new_store_gets_this_version_and_that_of_a_newer_program_is_refused() {
        let store = MemoryStore::new();
        assert_eq!(check(&store), Ok(None));
        let mut tx = Transaction::new(&store);
        write(&mut tx);
        tx.commit().unwrap();
        assert_eq!(check(&store), Ok(Some(VERSION)));
        let mut batch = Batch::new();
        batch.put(key(), (VERSION + 1).to_be_bytes());
        store.commit(&batch, Durability::Synced).unwrap();
        assert_eq!(check(&store), Err(Error::Newer(VERSION + 1)));
    }
}
