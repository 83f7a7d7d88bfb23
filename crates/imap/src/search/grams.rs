//! Which texts a message cannot hold, in some hundred octets: the trigrams of all that TEXT and BODY look through, as
//! hashes. Made once, when there is time for it, they spare a search most messages; the others it reads, so that its
//! answer is exact.
//!
//! Trigrams of octets, not words: what a client looks for may begin and end inside a word.

use std::collections::BTreeSet;

use sigillo_mime::Source;

use crate::search::texts::Texts;

/// The trigrams of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grams(Vec<u8>);

/// A folded text that is looked for.
#[derive(Debug)]
pub struct Needle(BTreeSet<u32>);

/// So many places for each trigram, at least: one in so many that are not there is taken for one that is.
const SPARSE: usize = 32;

/// Octets of texts that are looked through for their trigrams, at the most.
const MOST: usize = 4 << 20;

impl Grams {
    /// Changes when [`Grams::of`] makes something else of the same bytes: what an earlier release kept is made anew.
    pub const VERSION: u8 = 2;

    /// Of a whole message.
    pub fn of(message: &[u8]) -> Self {
        Self::of_texts(&Texts::of(message))
    }

    /// Of a message that need not lie in memory. Of one with more than 4 MiB of texts nothing is known, so that a
    /// search reads it: who writes so much has few words that are not there.
    ///
    /// # Errors
    /// Those of the source.
    pub fn read<S: Source>(source: &mut S) -> Result<Self, S::Error> {
        Ok(match sigillo_mime::parse_from(source)? {
            Ok(tree) if Texts::octets(&tree) <= MOST => Self::of_texts(&Texts::of_parts(source, &tree)?),
            Err(_) if source.len() <= MOST => Self::of_texts(&Texts::read(source)?),
            Ok(_) | Err(_) => Self(Vec::new()),
        })
    }

    fn of_texts(texts: &Texts) -> Self {
        let grams = distinct(texts.body.iter().chain([&texts.header]));
        let bits = (grams.len() * SPARSE).next_power_of_two().ilog2().max(8);
        let places = ascending(grams.into_iter().map(|gram| place(gram, bits)), bits);
        let mut out = vec![u8::try_from(bits).unwrap_or(u8::MAX)];
        let mut last = 0;
        for place in places {
            varint(&mut out, place - last);
            last = place;
        }
        Self(out)
    }

    /// What [`Grams::as_bytes`] gave. Octets of another origin are taken for those of a message that may hold
    /// anything.
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// As they are kept: about one octet a trigram.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// `false` only when the message certainly does not hold the text.
    pub fn may_hold(&self, needle: &Needle) -> bool {
        let Some((&bits, mut rest)) = self.0.split_first().filter(|(bits, _)| (8..=32).contains(*bits)) else {
            return true;
        };
        let mut wanted: Vec<u32> = needle.0.iter().map(|gram| place(*gram, u32::from(bits))).collect();
        wanted.sort_unstable();
        let (mut at, mut have) = (0u32, false);
        wanted.into_iter().all(|want| {
            while (!have || at < want) && !rest.is_empty() {
                at = at.saturating_add(take(&mut rest));
                have = true;
            }
            have && at == want
        })
    }
}

impl Needle {
    /// A folded text. Nothing can be told of fewer than three octets.
    pub fn new(text: &str) -> Self {
        Self(trigrams(text).collect())
    }

    /// Whether anything can be told.
    pub fn tells(&self) -> bool {
        !self.0.is_empty()
    }
}

/// Each trigram once, in no order: by hashing, since to sort thousands of them costs several times as much.
fn distinct<'t>(texts: impl Iterator<Item = &'t String>) -> Vec<u32> {
    let (mut bits, mut found) = (10, Vec::new());
    let mut slots = vec![FREE; 1 << bits];
    for gram in texts.flat_map(|text| trigrams(text)) {
        let at = slot(&slots, gram, bits);
        if slots[at] == FREE {
            slots[at] = gram;
            found.push(gram);
            if found.len() * 2 > slots.len() {
                bits += 1;
                slots = vec![FREE; 1 << bits];
                for gram in &found {
                    let at = slot(&slots, *gram, bits);
                    slots[at] = *gram;
                }
            }
        }
    }
    found
}

/// No trigram: those have 24 bits.
const FREE: u32 = u32::MAX;

/// Where a trigram is among these slots, or would be; some are always free.
fn slot(slots: &[u32], gram: u32, bits: u32) -> usize {
    let mut at = place(gram, bits) as usize;
    while slots[at] != gram && slots[at] != FREE {
        at = (at + 1) & (slots.len() - 1);
    }
    at
}

/// Each of these places among 2^bits once, the lowest first.
fn ascending(places: impl Iterator<Item = u32>, bits: u32) -> Vec<u32> {
    let mut words = vec![0u64; (1usize << bits).div_ceil(64)];
    for place in places {
        words[place as usize / 64] |= 1 << (place % 64);
    }
    let mut found = Vec::new();
    for (base, mut word) in (0u32..).step_by(64).zip(words) {
        while word != 0 {
            found.push(base + word.trailing_zeros());
            word &= word - 1;
        }
    }
    found
}

fn trigrams(text: &str) -> impl Iterator<Item = u32> {
    text.as_bytes().windows(3).map(|w| u32::from_be_bytes([0, w[0], w[1], w[2]]))
}

/// A place among 2^bits; the multiplication spreads what lies close (Knuth 6.4).
const fn place(gram: u32, bits: u32) -> u32 {
    gram.wrapping_mul(0x9e37_79b1) >> (32 - bits)
}

/// Seven bits an octet, the lowest first, the highest bit of an octet for more to come.
fn varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn take(rest: &mut &[u8]) -> u32 {
    let mut value = 0u32;
    for shift in (0..35).step_by(7) {
        let Some((&octet, after)) = rest.split_first() else { break };
        *rest = after;
        value |= u32::from(octet & 0x7f).checked_shl(shift).unwrap_or(0);
        if octet < 0x80 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::casemap::fold;
    use proptest::prelude::*;

    fn message(text: &str) -> Vec<u8> {
        format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{text}").into_bytes()
    }

    #[test]
    fn what_is_not_there_is_known_and_the_size_is_an_octet_a_trigram() {
        let words: Vec<String> = (0..3000).map(|n| format!("parola{}", n * 7919 % 10_007)).collect();
        let grams = Grams::of(&message(&words.join(" ")));
        let may = |text: &str| grams.may_hold(&Needle::new(&fold(text)));
        assert!(may(&words[17]) && may("Content-type") && may("ab") && may(""));
        let wrong = (0..1000).filter(|n| may(&format!("zx{n}q"))).count();
        assert!(wrong < 5, "{wrong} of a thousand");
        let distinct: BTreeSet<u32> = trigrams(&fold(&words.join(" "))).collect();
        assert!(grams.as_bytes().len() < distinct.len() * 5 / 4 + 100, "{}", grams.as_bytes().len());
        assert!(Grams::from_bytes(Vec::new()).may_hold(&Needle::new("NIENTE")), "nothing is known");
    }

    proptest! {
        #[test]
        fn distinct_and_ascending_are_what_sets_make(text in "[a-z è€\\PC]{0,3000}", bits in 8u32..20) {
            let wanted: BTreeSet<u32> = trigrams(&text).collect();
            let found = distinct([&text, &text].into_iter());
            prop_assert_eq!(found.len(), wanted.len());
            prop_assert_eq!(&found.iter().copied().collect::<BTreeSet<_>>(), &wanted);
            let places: BTreeSet<u32> = found.iter().map(|gram| place(*gram, bits)).collect();
            prop_assert!(ascending(found.iter().map(|gram| place(*gram, bits)), bits).into_iter().eq(places));
        }

        #[test]
        fn nothing_that_is_there_is_missed(text in "[a-cè €]{0,60}", from in 0usize..60, len in 0usize..20) {
            let part: String = text.chars().skip(from).take(len).collect();
            let grams = Grams::of(&message(&text));
            prop_assert!(grams.may_hold(&Needle::new(&fold(&part))));
        }

        #[test]
        fn read_from_elsewhere_it_is_the_same(text in "[a-cè €\r\n]{0,60}") {
            let message = message(&text);
            let Ok(read) = Grams::read(&mut &message[..]);
            prop_assert_eq!(read, Grams::of(&message));
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..40), text in "\\PC{0,9}") {
            Grams::from_bytes(bytes).may_hold(&Needle::new(&text));
        }
    }
}
