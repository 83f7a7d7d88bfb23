//! What no file of the repository may say, and what its documents must not get wrong.

use crate::tidy::source::{Finding, line_of, words};
use std::path::Path;

// Written in halves, so that this file does not break its own rules.
const UNFINISHED: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
const PLACES: [&str; 4] =
    [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/tmp/te", "am"), concat!("/ho", "me/")];
const AUTHORS: [&str; 6] = [
    concat!("co-author", "ed-by"),
    concat!("@auth", "or"),
    concat!("language mo", "del"),
    concat!("generated wi", "th ["),
    concat!("ai-gener", "ated"),
    concat!("ai assis", "tant"),
];

fn finding(path: &str, text: &str, at: usize, what: String) -> Finding {
    Finding { path: path.into(), line: line_of(text, at), what }
}

/// Work left undone belongs into an issue, not into a comment.
pub fn unfinished(path: &str, text: &str) -> Vec<Finding> {
    let find = |word: &'static str| {
        words(text, word).map(move |at| finding(path, text, at, format!("`{word}`: finish it, or open an issue")))
    };
    UNFINISHED.into_iter().flat_map(find).collect()
}

/// A path of one machine is wrong on every other.
pub fn machine_paths(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for place in PLACES {
        for (at, _) in text.match_indices(place) {
            // `src/work/queue.rs` and `$PWD/home/` are no absolute paths.
            let before = text[..at].chars().next_back();
            let absolute = before.is_none_or(|c| !(c.is_alphanumeric() || "._-}*~".contains(c)));
            if absolute {
                found.push(finding(path, text, at, format!("`{place}`: a path of one machine")));
            }
        }
    }
    found
}

/// The code speaks for itself; who or what wrote it is no part of it.
pub fn authorship(path: &str, text: &str) -> Vec<Finding> {
    let lower = text.to_ascii_lowercase();
    let find = |word: &'static str| {
        let hits: Vec<usize> = lower.match_indices(word).map(|(at, _)| at).collect();
        hits.into_iter().map(move |at| finding(path, text, at, format!("`{word}`: says who or what wrote it")))
    };
    AUTHORS.into_iter().flat_map(find).collect()
}

/// Relative links of a document lead to files that exist.
pub fn dead_links(root: &Path, path: &str, text: &str) -> Vec<Finding> {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    for (at, _) in text.match_indices("](") {
        let target = text[at + 2..].split(')').next().unwrap_or_default();
        let file = target.split('#').next().unwrap_or_default();
        if file.is_empty() || target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        if !root.join(folder).join(file).exists() {
            found.push(finding(path, text, at, format!("the link to `{target}` leads nowhere")));
        }
    }
    found
}

#[test]
fn forbidden_words_are_found() {
    let todo = format!("// {} later\n", UNFINISHED[0]);
    assert_eq!(unfinished("a.rs", &todo).len(), 1);
    assert_eq!(unfinished("a.rs", "// todos os santos, TODOS\n"), []);
    assert_eq!(machine_paths("a.rs", &format!("see {}x", PLACES[1])).len(), 1);
    assert_eq!(machine_paths("a.rs", &format!("see src{}x", PLACES[1])), []);
    assert_eq!(authorship("a.rs", &format!("{}: x", AUTHORS[0].to_uppercase())).len(), 1);
    assert_eq!(authorship("a.rs", "the author of the message"), []);
}

#[test]
fn a_finding_names_its_line() {
    let shown = unfinished("a.rs", &format!("ok\n// {}\n", UNFINISHED[1]))[0].to_string();
    assert!(shown.starts_with("a.rs:2: "), "{shown}");
}

#[test]
fn dead_links_are_found() {
    let root = crate::tidy::source::root();
    assert_eq!(dead_links(&root, "README.md", "[a](no/such/file.md)").len(), 1);
    assert_eq!(dead_links(&root, "README.md", "[a](Cargo.toml) [b](https://x.example/) [c](#here)"), []);
}
