//! Reading past what is damaged: the rows that can be read, and the gaps between them.
//!
//! It needs nothing from an engine but what [`Store::scan`] promises anyway: a scan fails only for damage among the rows
//! it would give, so one that begins behind the damage is answered.

use crate::{Error, MAX_KEY, Row, Store, key};

/// Gaps after which a page ends early.
const GAPS: usize = 64;
/// A gap's end is found to so many bytes beyond the longest key known around it.
const PRECISION: usize = 64;

/// A page of rows with its gaps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skimmed {
    /// The rows that can be read, ascending.
    pub rows: Vec<Row>,
    /// Where nothing can be read, ascending.
    pub gaps: Vec<Gap>,
    /// Where to go on; `None` at the end of the range.
    pub next: Option<Vec<u8>>,
}

/// Keys in `[from, to)` that the engine cannot read: one row or the neighbours that share its fate (a damaged block).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The first key that may be in it.
    pub from: Vec<u8>,
    /// The first key that is readable again.
    pub to: Vec<u8>,
    /// What the engine says; RocksDB names the file.
    pub what: String,
}

/// At most `limit` rows with keys in `[from, to)`, as [`Store::scan`] gives them, without those that are damaged.
///
/// # Errors
/// As [`Store::scan`], except [`Error::Corrupt`].
pub fn skim<S: Store + ?Sized>(store: &S, from: &[u8], to: &[u8], limit: usize) -> Result<Skimmed, Error> {
    let mut page = Skimmed::default();
    let mut at = from.to_vec();
    while page.rows.len() < limit && page.gaps.len() < GAPS {
        let (rows, broken) = readable(store, &at, to, limit - page.rows.len())?;
        if let Some((last, _)) = rows.last() {
            at = key::successor(last);
        }
        page.rows.extend(rows);
        let Some(what) = broken else {
            page.next = (page.rows.len() == limit).then_some(at);
            return Ok(page);
        };
        let end = far_side(store, &at, to)?;
        page.gaps.push(Gap { from: std::mem::replace(&mut at, end.clone()), to: end, what });
    }
    page.next = (at.as_slice() < to).then_some(at);
    Ok(page)
}

/// As many rows from `from` on as can be read, up to `limit`, and what is wrong behind them.
fn readable<S: Store + ?Sized>(
    store: &S,
    from: &[u8],
    to: &[u8],
    limit: usize,
) -> Result<(Vec<Row>, Option<String>), Error> {
    let mut what = match store.scan(from, to, limit) {
        Ok(rows) => return Ok((rows, None)),
        Err(Error::Corrupt { what, .. }) => what,
        Err(fault) => return Err(fault),
    };
    let (mut rows, mut fails) = (Vec::new(), limit);
    while rows.len() + 1 < fails {
        let middle = rows.len() + (fails - rows.len()) / 2;
        match store.scan(from, to, middle) {
            // Somebody removed rows meanwhile, the damaged one among them.
            Ok(found) if found.len() < middle => return Ok((found, None)),
            Ok(found) => rows = found,
            Err(Error::Corrupt { what: now, .. }) => (fails, what) = (middle, now),
            Err(fault) => return Err(fault),
        }
    }
    Ok((rows, Some(what)))
}

/// The first key behind the damage at `from`, or `to`. First in steps that double, so that what is damaged apart stays
/// apart; then, byte by byte, the last key at which reading still fails.
fn far_side<S: Store + ?Sized>(store: &S, from: &[u8], to: &[u8]) -> Result<Vec<u8>, Error> {
    let sound = |at: &[u8]| match store.scan(at, to, 1) {
        Ok(_) => Ok(true),
        Err(Error::Corrupt { .. }) => Ok(false),
        Err(fault) => Err(fault),
    };
    let steps = (1..=from.len()).rev().flat_map(|len| (0..8).map(move |bit| raised(&from[..len], 1 << bit)));
    let (mut low, mut high) = (from.to_vec(), to.to_vec());
    for step in std::iter::once(key::successor(from)).chain(steps) {
        if step <= low {
            continue; // what was raised and carried over went further
        }
        if step.as_slice() >= to {
            break;
        }
        if sound(&step)? {
            high = step;
            break;
        }
        low = low.max(step);
    }
    let (longest, mut last) = ((from.len() + PRECISION).min(MAX_KEY), Vec::new());
    while last.len() < longest {
        // Not by halves: where several rows are damaged, those between them would go with them.
        let mut fails = None;
        for byte in 0..=u8::MAX {
            let at = [last.as_slice(), &[byte]].concat();
            if at >= high {
                break;
            }
            if at > low && sound(&at)? {
                high = at;
                break;
            }
            fails = Some(byte);
        }
        match fails {
            Some(byte) => last.push(byte),
            None => break, // the damage ends with this very key
        }
    }
    Ok(high)
}

/// The key with its last byte raised by so much, and carried over.
fn raised(key: &[u8], by: u8) -> Vec<u8> {
    let mut raised = key.to_vec();
    let mut carry = u16::from(by);
    for byte in raised.iter_mut().rev() {
        carry += u16::from(*byte);
        *byte = carry as u8;
        carry >>= 8;
    }
    raised
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Durability, MemoryStore, tag};

    const T: u8 = tag::TEST;

    fn filled(keys: &[&[u8]]) -> MemoryStore {
        let store = MemoryStore::new();
        let mut batch = Batch::new();
        keys.iter().for_each(|key| batch.put(key, key));
        store.commit(&batch, Durability::Synced).unwrap();
        store
    }

    #[test]
    fn a_damaged_row_is_a_gap_and_its_neighbours_are_read() {
        let keys: [&[u8]; 6] = [&[T], &[T, 1], &[T, 1, 0], &[T, 1, 0, 0], &[T, 1, 1], &[T, 255, 255]];
        for damaged in keys {
            let store = filled(&keys);
            store.damage(damaged);
            let page = skim(&store, &[T], &[T + 1], 100).unwrap();
            let expected: Vec<&[u8]> = keys.into_iter().filter(|k| *k != damaged).collect();
            assert_eq!(page.rows.iter().map(|(k, _)| k.as_slice()).collect::<Vec<_>>(), expected, "{damaged:?}");
            let [gap] = &page.gaps[..] else { panic!("{damaged:?}: {:?}", page.gaps) };
            assert!(gap.from.as_slice() <= damaged && damaged < gap.to.as_slice(), "{damaged:?}: {gap:?}");
            assert_eq!(page.next, None);
        }
    }

    #[test]
    fn pages_of_any_length_give_every_readable_row_once() {
        let keys: Vec<Vec<u8>> = (0..60u8).map(|n| vec![T, n / 7, n]).collect();
        let borrowed: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let store = filled(&borrowed);
        let damaged = |n: usize| n.is_multiple_of(5) || (20..25).contains(&n);
        keys.iter().enumerate().filter(|(n, _)| damaged(*n)).for_each(|(_, key)| store.damage(key));
        for limit in [1, 2, 3, 7, 100] {
            let (mut at, mut found, mut gaps) = (vec![T], Vec::new(), Vec::new());
            loop {
                let page = skim(&store, &at, &[T + 1], limit).unwrap();
                assert!(page.rows.len() <= limit);
                found.extend(page.rows.into_iter().map(|(key, _)| key));
                gaps.extend(page.gaps);
                match page.next {
                    Some(next) => at = next,
                    None => break,
                }
            }
            let readable = keys.iter().enumerate().filter(|(n, _)| !damaged(*n));
            let readable: Vec<_> = readable.map(|(_, key)| key).collect();
            assert_eq!(found.iter().collect::<Vec<_>>(), readable, "pages of {limit}");
            let hidden = |key: &Vec<u8>| gaps.iter().filter(|g| g.from <= *key && *key < g.to).count();
            assert!(keys.iter().enumerate().all(|(n, key)| hidden(key) == usize::from(damaged(n))), "pages of {limit}");
        }
    }

    #[test]
    fn a_fault_that_may_pass_is_no_gap() {
        let store = filled(&[&[T, 1]]);
        store.plan(crate::memory::Plan::new().fail_call(1));
        assert!(matches!(skim(&store, &[T], &[T + 1], 9), Err(Error::Temporary(_))));
    }
}
