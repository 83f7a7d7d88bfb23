//! Leaving a damaged store: every row that can be read goes into a new one.

use crate::{Batch, Durability, Error, Gap, MAX_BATCH, MAX_VALUE, Store, skim, tag};

/// Rows read at once: the chunks of bodies among them stay within what one batch may write.
const ROWS: usize = 12;

/// Copies every readable row of `from` into `to`, durably; gives what could not be read. The same again changes nothing.
///
/// # Errors
/// The fault of either store.
pub fn salvage<S: Store, T: Store>(from: &S, to: &T) -> Result<Vec<Gap>, Error> {
    let mut gaps = Vec::new();
    let mut batch = Batch::new();
    for tag in tag::META..=tag::TEST {
        let mut at = vec![tag];
        loop {
            let page = skim(from, &at, &[tag + 1], ROWS)?;
            for (key, value) in &page.rows {
                batch.put(key, value);
                if batch.bytes().max(batch.riding()) > MAX_BATCH - 2 * MAX_VALUE {
                    to.commit(&std::mem::take(&mut batch), Durability::Later)?;
                }
            }
            at = page.next.unwrap_or_default();
            let done = at.is_empty();
            gaps.extend(page.gaps);
            if done {
                break;
            }
        }
    }
    to.commit(&batch, Durability::Synced)?;
    // A batch without writes is a promise as well: what went before lies on the disk.
    to.commit(&Batch::new(), Durability::Synced)?;
    Ok(gaps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    #[test]
    fn everything_but_the_damaged_rows_is_in_the_new_store() {
        let store = MemoryStore::new();
        for n in 0..200u8 {
            let mut batch = Batch::new();
            batch.put([tag::TEST, n], vec![n; 300]);
            batch.put([tag::MESSAGE, n], [n]);
            batch.put([tag::BODY_CHUNK, n], vec![n; MAX_VALUE]);
            store.commit(&batch, Durability::Synced).unwrap();
        }
        store.damage([tag::MESSAGE, 7]);
        store.damage([tag::BODY_CHUNK, 199]);
        let new = MemoryStore::new();
        assert_eq!(salvage(&store, &new).unwrap().len(), 2);
        let lost = [vec![tag::MESSAGE, 7], vec![tag::BODY_CHUNK, 199]];
        let expected: Vec<_> = store.rows().into_iter().filter(|(key, _)| !lost.contains(key)).collect();
        assert!(new.rows() == expected);
        new.power_cut();
        assert!(new.rows() == expected, "a power cut takes none of it");
    }
}
