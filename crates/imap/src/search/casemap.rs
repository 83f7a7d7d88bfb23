//! Texts as they are compared: `i;unicode-casemap` (RFC 5051), which SEARCH, SORT and THREAD share (RFC 5255 §4.2).

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// A text folded: each character in title case, then decomposed. Two texts are equal, one holds the other, one comes
/// before the other, as their folded octets do. What a ligature is decomposed to gets its title case too, which the RFC
/// leaves out.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    // By runs: what is not ASCII is rare, and neither composes nor changes places with what is.
    while !rest.is_empty() {
        let ascii = rest.bytes().position(|b| !b.is_ascii()).unwrap_or(rest.len());
        let (plain, other) = rest.split_at(ascii);
        let at = folded.len();
        folded.push_str(plain);
        folded[at..].make_ascii_uppercase();
        let (other, next) = other.split_at(other.bytes().position(|b| b.is_ascii()).unwrap_or(other.len()));
        folded.extend(other.chars().map(title).nfkd().map(title));
        rest = next;
    }
    folded
}

/// The same of octets that may be no UTF-8.
pub fn fold_bytes(bytes: &[u8]) -> String {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => fold(text),
        Cow::Owned(text) => fold(&text),
    }
}

/// The simple title case: of one character to one.
fn title(c: char) -> char {
    match c {
        // The digraphs, whose title case is neither of their other two.
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        _ => {
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(one), None) => one,
                _ => c,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn by_runs_it_is_the_same(text in "[a-zà-ýA\u{300}-\u{303}\u{316}ﬁǆ\u{ac00}\u{1100}\u{1161} ]*") {
            prop_assert_eq!(fold(&text), text.chars().map(title).nfkd().map(title).collect::<String>());
        }
    }

    #[test]
    fn case_and_composition_do_not_matter() {
        for (a, b) in [
            ("Perché", "PERCHE\u{301}"),
            ("ǆ", "Ǆ"),
            ("ﬁne", "FINE"),
            ("İ", "I\u{307}"),
            ("Straße", "STRAßE"),
            ("ΣΑΣ", "σας"),
            ("", ""),
        ] {
            assert_eq!(fold(a), fold(b), "{a} {b}");
        }
        assert_ne!(fold("è"), fold("é"));
        assert!(fold("città").contains(&fold("CITTA")), "an accent is a character of its own");
        assert_eq!(fold_bytes(b"\xff a"), "\u{fffd} A");
    }

    proptest! {
        #[test]
        fn what_is_folded_stays_so(text in "\\PC{0,20}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
