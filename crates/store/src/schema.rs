//! The version of what the rows mean, kept in the store itself.

use crate::{Error, KeyBuilder, Store, tag, transact};

/// The version of tags and value formats that this release writes. One number for the whole store, only upwards.
pub const VERSION: u32 = 1;

/// Reads the store's version; writes [`VERSION`] into a store that has none. Call it before anything else.
///
/// # Errors
/// As [`check`].
pub fn open<S: Store + ?Sized>(store: &S) -> Result<u32, Error> {
    if let Some(version) = check(store)? {
        return Ok(version);
    }
    transact(store, 10, |tx| {
        tx.put(key(), VERSION.to_be_bytes());
        Ok::<_, Error>(VERSION)
    })
}

/// Reads the store's version and writes nothing; `None` for a store that has none yet.
///
/// # Errors
/// The store's fault; [`Error::Newer`] when a newer program wrote it; [`Error::Corrupt`] when the row is no version.
pub fn check<S: Store + ?Sized>(store: &S) -> Result<Option<u32>, Error> {
    let Some(value) = store.get(key().as_ref())? else { return Ok(None) };
    let bytes = value.as_slice().try_into().map_err(|_| Error::corrupt(key(), "not a schema version"))?;
    match u32::from_be_bytes(bytes) {
        newer if newer > VERSION => Err(Error::Newer(newer)),
        version => Ok(Some(version)),
    }
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
        assert_eq!(open(&store), Ok(VERSION));
        assert_eq!(open(&store), Ok(VERSION));
        let mut batch = Batch::new();
        batch.put(KeyBuilder::new(tag::META).text("schema"), 9u32.to_be_bytes());
        store.commit(&batch, Durability::Synced).unwrap();
        assert_eq!(open(&store), Err(Error::Newer(9)));
    }
}
