//! docs/conformance.md against the tree: each row names living tests (`crate::function`), or says `later (Part n)`; each
//! choice names the place where it is set.

#![allow(clippy::expect_used, reason = "a test: what cannot be read is a failure")]

#[path = "tidy/source.rs"]
mod source;

use source::{Finding, Source, none, root};
use std::collections::BTreeSet;

const DOCUMENT: &str = "docs/conformance.md";

/// One row: the rule's id, its line, and what its last cell says.
struct Row {
    id: String,
    line: usize,
    proof: String,
}

/// Rows of every table whose head begins with this word; other tables are for reading.
fn rows(document: &str, head: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut wanted = false;
    for (i, line) in document.lines().enumerate() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        let ruler = cells.iter().all(|cell| cell.chars().all(|c| c == '-' || c == ':'));
        match (line.starts_with('|'), cells[0]) {
            (false, _) => wanted = false,
            (true, first) if first == head => wanted = true,
            (true, id) if wanted && !ruler => {
                rows.push(Row { id: id.to_owned(), line: i + 1, proof: cells[cells.len() - 1].to_owned() });
            }
            _ => {}
        }
    }
    rows
}

impl Row {
    /// What stands between backticks in the last cell.
    fn named(&self) -> Vec<&str> {
        self.proof.split('`').skip(1).step_by(2).collect()
    }

    fn finding(&self, what: String) -> Finding {
        Finding { path: DOCUMENT.into(), line: self.line, what: format!("{}: {what}", self.id) }
    }
}

/// What is wrong with a row's proof, given the tests that live.
fn wrong(row: &Row, living: &BTreeSet<String>) -> Vec<Finding> {
    let finding = |what: String| row.finding(what);
    let named = row.named();
    let part = row.proof.split("later (Part ").nth(1).and_then(|rest| rest.split(')').next());
    let later = part.is_some_and(|n| n.parse::<u32>().is_ok()) || row.proof.contains("later (no part yet)");
    let dead = named.iter().filter(|name| !living.contains(**name));
    let mut found: Vec<Finding> = dead.map(|name| finding(format!("no living test `{name}`"))).collect();
    if named.is_empty() && !later {
        found.push(finding("names no test and does not say `later (Part n)`".into()));
    }
    found
}

/// What is wrong with the place of a choice: a file, and a word that stands in it.
fn misplaced(row: &Row, read: impl Fn(&str) -> Option<String>) -> Option<Finding> {
    let [file, word] = row.named()[..] else {
        return Some(row.finding("names no file and word, and no other".into()));
    };
    match read(file) {
        None => Some(row.finding(format!("no file `{file}`"))),
        Some(text) if !text.contains(word) => Some(row.finding(format!("`{word}` does not stand in `{file}`"))),
        Some(_) => None,
    }
}

/// `crate::function` of every test that runs: `#[test]` (in `proptest!` too), not ignored.
fn living(sources: &[Source]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in sources {
        for function in source.functions() {
            let attributes = &source.code[function.whole.start..function.from_fn.start];
            let test =
                attributes.contains("#[test]") || attributes.contains("::test]") || attributes.contains("::test(");
            if test && !attributes.contains("#[ignore") {
                names.insert(format!("{}::{}", source.krate(), function.name));
            }
        }
    }
    names
}

fn document() -> String {
    std::fs::read_to_string(root().join(DOCUMENT)).expect("docs/conformance.md is there")
}

#[test]
fn every_row_names_a_living_test() {
    let living = living(&Source::all());
    let rows = rows(&document(), "rule");
    assert!(rows.len() > 200, "the tables were read: {} rows", rows.len());
    none("conformance", rows.iter().flat_map(|row| wrong(row, &living)).collect());
}

#[test]
fn every_choice_names_the_place_where_it_is_set() {
    let rows = rows(&document(), "question");
    assert!(rows.len() > 50, "the table was read: {} rows", rows.len());
    let read = |file: &str| std::fs::read_to_string(root().join(file)).ok();
    none("conformance", rows.iter().filter_map(|row| misplaced(row, read)).collect());
}

/// No rule may stand twice under one label within a section.
#[test]
fn every_label_stands_once_in_its_section() {
    let document = document();
    for section in document.split("\n## ") {
        let (mut seen, title) = (BTreeSet::new(), section.lines().next().unwrap_or_default());
        for row in rows(section, "rule").into_iter().chain(rows(section, "question")) {
            assert!(seen.insert(row.id.clone()), "{DOCUMENT}, {title}: {} stands twice", row.id);
        }
    }
}

/// No requirement of the groups that this release is about may fall off the page.
#[test]
fn every_requirement_keeps_its_row() {
    let rows = rows(&document(), "rule");
    for (group, last) in [("PEC", 11), ("BOX", 15), ("ACC", 5)] {
        for number in 1..=last {
            let id = format!("{group}-{number:02}");
            assert!(rows.iter().any(|r| r.id == id), "{DOCUMENT}: {id} has no row");
        }
    }
}

#[test]
fn a_row_without_a_living_test_is_found() {
    let sources = [Source::new(
        "crates/pec/src/x.rs",
        "#[cfg(test)]\nmod tests {\n#[test]\nfn alive() {}\n#[test]\n#[ignore]\nfn asleep() {}\nfn no_test() {}\nproptest! { #[test] fn never_panics(a in 0..9) {} }\n}\n",
    )];
    let living = living(&sources);
    assert_eq!(living.iter().map(String::as_str).collect::<Vec<_>>(), ["pec::alive", "pec::never_panics"]);
    let text = "| rule | what | shown by |\n|---|---|---|\n| A | a | `pec::alive` |\n| B | b | `pec::asleep` |\n| C | c | later (Part 2) |\n| D | d | soon |\n| E | e | `pec::alive`, `pec::gone` |\n\n| to read | x |\n|---|---|\n| F | f |\n";
    let found: Vec<String> = rows(text, "rule").iter().flat_map(|r| wrong(r, &living)).map(|f| f.to_string()).collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("docs/conformance.md:4: B: no living test"), "{found:?}");
    assert!(found[1].contains(":6: D:") && found[2].contains("pec::gone"), "{found:?}");
}

#[test]
fn a_choice_without_its_place_is_found() {
    let text = "| question | default | set in |\n|---|---|---|\n| A | a | `x.rs` `LIMIT` |\n| B | b | `x.rs` `GONE` |\n| C | c | `gone.rs` `LIMIT` |\n| D | d | somewhere |\n";
    let read = |file: &str| (file == "x.rs").then(|| "const LIMIT: u8 = 1;".to_owned());
    let found: Vec<String> =
        rows(text, "question").iter().filter_map(|r| misplaced(r, read)).map(|f| f.to_string()).collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(
        found[0].contains(":4: B: `GONE`") && found[1].contains("gone.rs") && found[2].contains(":6: D"),
        "{found:?}"
    );
}
