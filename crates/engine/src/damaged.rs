//! Damaged rows at run time: one never stops the rest. It is passed over, counted, and told once.

use std::collections::HashSet;

use parking_lot::Mutex;
use sigillo_store::{Error, Store, skim};

use crate::Engine;

/// So many damaged rows are told apart; beyond that they are only logged.
const KNOWN: usize = 10_000;

/// The damaged rows that were met since the start.
#[derive(Debug, Default)]
pub(crate) struct Damaged(Mutex<HashSet<Vec<u8>>>);

impl Damaged {
    /// Notes a row; says in the log what is wrong the first time.
    pub(crate) fn note(&self, key: &[u8], what: &str) {
        let mut known = self.0.lock();
        if known.len() < KNOWN && known.insert(key.to_vec()) {
            let row = crate::check::readable(key);
            tracing::error!(row, what, "damaged row passed over; `sigillo store check` tells more");
        }
    }

    fn count(&self) -> usize {
        self.0.lock().len()
    }
}

impl<S: Store> Engine<S> {
    /// How many damaged rows were met and passed over since the start.
    pub fn damaged_rows(&self) -> usize {
        self.damaged.count()
    }

    /// At most `limit` of the rows in `[from, to)` that `read` makes sense of.
    pub(crate) fn sound<T>(
        &self,
        from: &[u8],
        to: &[u8],
        limit: usize,
        read: impl Fn(&[u8], &[u8]) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let (mut found, mut at) = (Vec::new(), from.to_vec());
        while found.len() < limit {
            let page = skim(&self.store, &at, to, limit - found.len())?;
            page.gaps.iter().for_each(|gap| self.damaged.note(&gap.from, &gap.what));
            for (key, value) in &page.rows {
                match read(key, value) {
                    Ok(row) => found.push(row),
                    Err(Error::Corrupt { what, .. }) => self.damaged.note(key, &what),
                    Err(fault) => return Err(fault),
                }
            }
            match page.next {
                Some(next) => at = next,
                None => break,
            }
        }
        Ok(found)
    }
}
