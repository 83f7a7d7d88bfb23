//! Base subjects (RFC 5256 §2.1): what is left of a subject without the marks of answers and forwards.

use sigillo_mime::decode_words;

use crate::search::casemap::fold;

/// A base subject.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Base {
    /// Folded; empty when nothing is left.
    pub text: String,
    /// A mark of an answer or a forward was removed.
    pub answer: bool,
}

impl Base {
    /// Of an unfolded field.
    pub fn of(field: &[u8]) -> Self {
        // (1) Words decoded, blanks made one.
        let decoded = decode_words(field);
        let words: Vec<&str> = decoded.split([' ', '\t', '\r', '\n']).filter(|w| !w.is_empty()).collect();
        let spaced = words.join(" ");
        let mut left = spaced.as_str();
        let mut answer = false;
        loop {
            // (2) What trails.
            loop {
                left = left.trim_end_matches(' ');
                match strip_end(left, "(fwd)") {
                    Some(before) => (left, answer) = (before, true),
                    None => break,
                }
            }
            // (3) to (5): what leads.
            (left, answer) = without_leaders(left, answer);
            // (6) All of it forwarded.
            match strip_start(left, "[fwd:").and_then(|inner| inner.strip_suffix(']')) {
                Some(inner) => (left, answer) = (inner, true),
                None => return Self { text: fold(left), answer },
            }
        }
    }
}

/// Removes `subj-leader`s, and `subj-blob`s as long as something follows them. Each octet is looked at a few times at
/// most: what comes after all the blobs decides about every one of them.
fn without_leaders(mut left: &str, mut answer: bool) -> (&str, bool) {
    loop {
        left = left.trim_start_matches(' ');
        let (mut after, mut last) = (left, left);
        while let Some(rest) = blob(after) {
            (last, after) = (after, rest);
        }
        match refwd(after) {
            Some(rest) => (left, answer) = (rest, true),
            // The last blob stays when it is all there is.
            None => return (if after.is_empty() { last } else { after }, answer),
        }
    }
}

/// `"[" *BLOBCHAR "]" *WSP` removed.
fn blob(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    let end = inner.find(['[', ']', '\0'])?;
    Some(inner[end..].strip_prefix(']')?.trim_start_matches(' '))
}

/// `("re" / ("fw" ["d"])) *WSP [subj-blob] ":"` removed.
fn refwd(text: &str) -> Option<&str> {
    let word = ["re", "fwd", "fw"].iter().find_map(|word| strip_start(text, word))?;
    let rest = word.trim_start_matches(' ');
    blob(rest).unwrap_or(rest).strip_prefix(':')
}

fn strip_start<'t>(text: &'t str, start: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(start.len())?;
    head.eq_ignore_ascii_case(start).then_some(rest)
}

fn strip_end<'t>(text: &'t str, end: &str) -> Option<&'t str> {
    let (head, tail) = text.split_at_checked(text.len().checked_sub(end.len())?)?;
    tail.eq_ignore_ascii_case(end).then_some(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn base_subjects() {
        for (subject, text, answer) in [
            ("Ciao", "CIAO", false),
            ("Re: Ciao", "CIAO", true),
            ("RE:  re: fwd:Fw : Ciao", "CIAO", true),
            ("  Ciao   a\ttutti  ", "CIAO A TUTTI", false),
            ("Re: [lista] Re[2]: Ciao (fwd) (FWD)", "CIAO", true),
            ("Re [x] : Ciao", "CIAO", true),
            ("[lista] Ciao", "CIAO", false),
            ("[a] [b]", "[B]", false),
            ("[a]", "[A]", false),
            ("Re: [a]", "[A]", true),
            ("[a][b] re: [c] d", "D", true),
            ("[a [b] c", "[A [B] C", false),
            ("[Fwd: Ciao]", "CIAO", true),
            ("[fwd: Re: [x] [fwd: Ciao (fwd)]]", "CIAO", true),
            ("[Fwd: Ciao] coda", "CODA", false),
            ("Reply: Ciao", "REPLY: CIAO", false),
            ("Re Ciao", "RE CIAO", false),
            ("Rif: Ciao", "RIF: CIAO", false),
            ("Re:", "", true),
            ("(fwd)", "", true),
            ("=?utf-8?Q?Re:_Perch=C3=A9?=", "PERCHE\u{301}", true),
            ("", "", false),
        ] {
            assert_eq!(Base::of(subject.as_bytes()), Base { text: text.into(), answer }, "{subject}");
        }
    }

    /// The steps as the RFC says them, one removal at a time.
    fn by_the_letter(subject: &str) -> Base {
        let mut s = subject.split([' ', '\t']).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
        let mut answer = false;
        loop {
            loop {
                if let Some(t) = s.strip_suffix(' ') {
                    s = t.to_owned();
                } else if s.to_ascii_lowercase().ends_with("(fwd)") {
                    s.truncate(s.len() - 5);
                    answer = true;
                } else {
                    break;
                }
            }
            loop {
                if let Some(t) = s.strip_prefix(' ') {
                    s = t.to_owned();
                    continue;
                }
                let mut at = s.as_str();
                while let Some(rest) = blob(at) {
                    at = rest;
                }
                if let Some(rest) = refwd(at) {
                    s = rest.to_owned();
                    answer = true;
                    continue;
                }
                match blob(&s).filter(|rest| !rest.is_empty()) {
                    Some(rest) => s = rest.to_owned(),
                    None => break,
                }
            }
            if s.len() >= 6 && s.to_ascii_lowercase().starts_with("[fwd:") && s.ends_with(']') {
                s = s[5..s.len() - 1].to_owned();
                answer = true;
            } else {
                return Base { text: fold(&s), answer };
            }
        }
    }

    proptest! {
        #[test]
        fn as_the_steps_say(parts in prop::collection::vec(prop::sample::select(vec![
            "re", "Fw", "fwd", ":", " ", "[", "]", "[a]", "[fwd:", "(fwd)", "x", "è", "re:", "[b] ",
        ]), 0..14)) {
            let subject = parts.concat();
            prop_assert_eq!(Base::of(subject.as_bytes()), by_the_letter(&subject), "{}", subject);
        }
    }

    #[test]
    fn long_ones_cost_what_they_are_long() {
        for unit in ["[a]", "re:", "[fwd:", "(fwd)", "[", "re[", "[a] re:"] {
            Base::of(unit.repeat(200_000).as_bytes());
        }
        Base::of(format!("{}x{}", "[fwd:".repeat(100_000), "]".repeat(100_000)).as_bytes());
    }
}
