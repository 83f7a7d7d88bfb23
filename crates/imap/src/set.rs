//! Sets of message numbers (RFC 3501 §9, `sequence-set`), and `$`, which stands for what a search saved (RFC 5182).

/// Sequence numbers or UIDs as a client wrote them; `*` is the highest number in use. Their count is bounded by the
/// length of a command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SequenceSet {
    /// Ends in the order written; `STAR` stands for `*`.
    ranges: Vec<(u32, u32)>,
    /// `$` is among them.
    saved: bool,
}

/// No message has the number zero, so zero is free to mean `*`.
const STAR: u32 = 0;

impl SequenceSet {
    /// Reads `1,3:5,7:*` or `$`. `None` when it is not a set.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (mut ranges, mut saved) = (Vec::new(), false);
        for part in text.split(|b| *b == b',') {
            if part == b"$" {
                saved = true;
                continue;
            }
            let mut ends = part.splitn(2, |b| *b == b':');
            let first = number(ends.next()?)?;
            ranges.push((first, ends.next().map_or(Some(first), number)?));
        }
        Some(Self { ranges, saved })
    }

    /// Whether `$` is in it, which [`SequenceSet::resolve`] knows nothing of.
    pub const fn names_saved(&self) -> bool {
        self.saved
    }

    /// As ascending ranges without overlaps, `*` being `last`. With `last` zero (nothing in use) `*` is nothing.
    pub fn resolve(&self, last: u32) -> Vec<(u32, u32)> {
        let mut plain: Vec<(u32, u32)> = Vec::with_capacity(self.ranges.len());
        for &(a, b) in &self.ranges {
            let value = |n: u32| if n == STAR { last } else { n };
            let (a, b) = (value(a), value(b));
            if a.min(b) > 0 {
                plain.push((a.min(b), a.max(b)));
            }
        }
        merged(plain)
    }

    /// The numbers one by one in the order written, at most so many; `None` with more, or with `*`.
    pub fn numbers(&self, most: usize) -> Option<Vec<u32>> {
        let mut numbers = Vec::new();
        for &(a, b) in &self.ranges {
            let more = (a.min(b)..=a.max(b)).size_hint().0;
            if a == STAR || b == STAR || numbers.len() + more > most {
                return None;
            }
            numbers.extend(a.min(b)..=a.max(b));
        }
        Some(numbers)
    }

    /// The highest number that a range without `*` names.
    pub fn highest(&self) -> u32 {
        self.ranges.iter().filter(|(a, b)| *a != STAR && *b != STAR).map(|(a, b)| *a.max(b)).max().unwrap_or(0)
    }
}

/// Ascending ranges without overlaps.
pub fn merged(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
    for (a, b) in ranges {
        match merged.last_mut() {
            Some(before) if a <= before.1.saturating_add(1) => before.1 = before.1.max(b),
            _ => merged.push((a, b)),
        }
    }
    merged
}

/// Whether resolved ranges hold a number.
pub fn holds(ranges: &[(u32, u32)], number: u32) -> bool {
    let after = ranges.partition_point(|r| r.0 <= number);
    after > 0 && ranges[after - 1].1 >= number
}

/// Numbers in the shortest form, `1:3,7`, in the order given: COPYUID pairs two such lists.
pub fn compress(numbers: impl IntoIterator<Item = u32>) -> String {
    text(&ranges(numbers))
}

/// Numbers as ranges, in the order given.
pub fn ranges(numbers: impl IntoIterator<Item = u32>) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for n in numbers {
        match ranges.last_mut() {
            Some(last) if last.1.checked_add(1) == Some(n) => last.1 = n,
            _ => ranges.push((n, n)),
        }
    }
    ranges
}

/// Ranges as a set is written.
pub fn text(ranges: &[(u32, u32)]) -> String {
    let text = |&(a, b): &(u32, u32)| if a == b { a.to_string() } else { format!("{a}:{b}") };
    ranges.iter().map(text).collect::<Vec<_>>().join(",")
}

fn number(text: &[u8]) -> Option<u32> {
    if text == b"*" {
        return Some(STAR);
    }
    if text.is_empty() || text.len() > 10 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok().filter(|n| *n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn resolved(text: &str, last: u32) -> Vec<(u32, u32)> {
        SequenceSet::parse(text.as_bytes()).unwrap().resolve(last)
    }

    #[test]
    fn what_a_set_holds() {
        assert_eq!(resolved("5:3,1,4", 9), [(1, 1), (3, 5)]);
        assert_eq!(resolved("7:*", 9), [(7, 9)]);
        assert_eq!(resolved("12:*", 9), [(9, 12)]);
        assert_eq!(resolved("*", 9), [(9, 9)]);
        assert_eq!(resolved("*", 0), []);
        assert_eq!(resolved("1:*", 0), []);
        assert_eq!(resolved("4294967295,1:2,3", 9), [(1, 3), (4_294_967_295, 4_294_967_295)]);
        assert!(holds(&resolved("5:3,1", 9), 4) && !holds(&resolved("5:3,1", 9), 2));
        assert_eq!(SequenceSet::parse(b"1:9,4:*,12").unwrap().highest(), 12);
        assert!(SequenceSet::parse(b"$").unwrap().names_saved());
        let mixed = SequenceSet::parse(b"2,$").unwrap();
        assert!(mixed.names_saved() && mixed.resolve(9) == [(2, 2)]);
    }

    #[test]
    fn what_is_no_set() {
        for bad in ["", ",", "1,", "0", "a", "1:2:3", "4294967296", "-1", "1:", "**", "00000000001", "$$", "$:1", "1:$"]
        {
            assert!(SequenceSet::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn compressed_numbers_are_the_same_set(mut numbers in prop::collection::vec(1u32..60, 1..20)) {
            numbers.sort_unstable();
            numbers.dedup();
            let set = SequenceSet::parse(compress(numbers.iter().copied()).as_bytes()).unwrap().resolve(99);
            let back: Vec<u32> = (1..100).filter(|n| holds(&set, *n)).collect();
            prop_assert_eq!(back, numbers);
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..40), last: u32) {
            if let Some(set) = SequenceSet::parse(&bytes) {
                set.resolve(last);
            }
        }
    }
}
