//! Lists come in pages: so many at the most, and what to ask for those that follow. No answer grows with what there is.

use sigillo_admin::api::{LISTING_LIMIT, LISTING_MOST, Listing};

use super::{Fail, no_place, not_among};

/// How many a page has.
pub(super) fn most(asked: &Listing) -> Result<usize, Fail> {
    match asked.limit {
        Some(0) => Err(Fail::field(
            "limit",
            not_among("0", "un numero di elementi: almeno 1", "a number of items: at least 1"),
        )),
        given => Ok(given.unwrap_or(LISTING_LIMIT).min(LISTING_MOST)),
    }
}

/// Behind which number a page begins; numbers begin with 1.
pub(super) fn number(asked: &Listing) -> Result<u64, Fail> {
    asked.after.as_deref().map_or(Ok(0), |after| after.parse().map_err(|_| no_place()))
}

/// A page of what `more` gives behind a key, in the order of the keys, some at a time and nothing at the end. `show` leaves out what
/// is not for who asks. With it comes the key behind which there is more.
pub(super) fn page<K, R, T>(
    (mut after, most): (K, usize),
    mut more: impl FnMut(&K) -> Result<Vec<(K, R)>, Fail>,
    mut show: impl FnMut(R) -> Result<Option<T>, Fail>,
) -> Result<(Vec<T>, Option<K>), Fail> {
    let mut found = Vec::new();
    loop {
        let rows = more(&after)?;
        if rows.is_empty() {
            return Ok((found, None));
        }
        for (key, row) in rows {
            if found.len() == most {
                return Ok((found, Some(after)));
            }
            found.extend(show(row)?);
            after = key;
        }
    }
}

/// A page of what lies in memory, whose keys ascend.
pub(super) fn page_of<K: Ord + Clone, T>((after, most): (K, usize), all: Vec<(K, T)>) -> (Vec<T>, Option<K>) {
    let mut found = Vec::new();
    let mut last = after.clone();
    for (key, item) in all.into_iter().filter(|(key, _)| *key > after) {
        if found.len() == most {
            return (found, Some(last));
        }
        found.push(item);
        last = key;
    }
    (found, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_none_is_refused_and_a_long_one_is_cut() {
        let most = |limit| most(&Listing { limit, after: None }).ok();
        let asked = [Some(0), None, Some(1), Some(LISTING_MOST), Some(LISTING_MOST + 1)].map(most);
        assert_eq!(asked, [None, Some(LISTING_LIMIT), Some(1), Some(LISTING_MOST), Some(LISTING_MOST)]);
    }

    #[test]
    fn pages_follow_each_other_to_the_end_and_leave_nothing_out_but_what_is_hidden() {
        for (most, batch) in [(1, 1), (1, 3), (2, 3), (3, 2), (7, 3), (100, 100)] {
            let more = |after: &u64| Ok((after + 1..=9).take(batch).map(|n| (n, n)).collect());
            let odd = |n: u64| Ok((n % 2 == 1).then_some(n));
            let (mut all, mut after) = (Vec::new(), Some(0));
            while let Some(from) = after {
                let (found, next) = page((from, most), more, odd).map_err(|fail| fail.detail).unwrap();
                assert!(found.len() <= most && (next.is_none() || found.len() == most));
                all.extend(found);
                after = next;
            }
            assert_eq!(all, [1, 3, 5, 7, 9], "{most} {batch}");
            let (mut all, mut after) = (Vec::new(), Some(0));
            while let Some(from) = after {
                let (found, next) = page_of((from, most), (1..=9).map(|n| (n, n)).collect());
                assert!(!found.is_empty() && found.len() <= most);
                all.extend(found);
                after = next;
            }
            assert_eq!(all, (1..=9).collect::<Vec<_>>(), "{most}");
        }
    }
}
