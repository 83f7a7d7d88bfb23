//! The version of what the rows mean, kept in the store itself.

use crate::{Error, KeyBuilder, Store, tag, transact};

/// The version of tags and value formats that this release writes. One number for the whole store, only upwards.
pub const VERSION: u32 = 1;

/// Reads the store's version; writes [`VERSION`] into a store that has none. Call it before anything else.
///
/// # Errors
/// The store's fault; [`Error::Corrupt`] when the row is not a version.
pub fn open<S: Store + ?Sized>(store: &S) -> Result<u32, Error> {
    let key = KeyBuilder::new(tag::META).text("schema");
    transact(store, 10, |tx| match tx.get(&key)? {
        Some(value) => {
            let bytes = value.as_slice().try_into().map_err(|_| Error::corrupt(&key, "not a schema version"))?;
            Ok(u32::from_be_bytes(bytes))
        }
        None => {
            tx.put(&key, VERSION.to_be_bytes());
            Ok(VERSION)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Durability, MemoryStore};

    #[test]
    fn a_new_store_gets_this_version_and_an_old_one_keeps_its_own() {
        let store = MemoryStore::new();
        assert_eq!(open(&store), Ok(VERSION));
        assert_eq!(open(&store), Ok(VERSION));
        let mut batch = Batch::new();
        batch.put(KeyBuilder::new(tag::META).text("schema"), 9u32.to_be_bytes());
        store.commit(&batch, Durability::Synced).unwrap();
        assert_eq!(open(&store), Ok(9));
    }
}
