//! The door of a crate, its `lib.rs`: what it must say, and that the tests it names are there.

use crate::tidy::source::{Finding, Source};
use std::collections::BTreeSet;

/// The `//!` lines at the top of a file, without their mark.
fn head(source: &Source) -> String {
    let lines = source.text.lines().take_while(|l| l.starts_with("//!"));
    lines.map(|l| l.trim_start_matches("//!").trim()).collect::<Vec<_>>().join("\n")
}

/// What the crate knows is its first line; then what it must never know, where to begin, what always holds.
pub fn door(source: &Source) -> Vec<Finding> {
    let doc = head(source).to_lowercase();
    if doc.is_empty() {
        return vec![source.finding(0, "lib.rs must begin with `//!`")];
    }
    let parts = [
        ("must never know", "what the crate must never know"),
        ("entry point", "where to begin reading"),
        ("invariant", "what always holds, and the test of each"),
    ];
    let lacking = parts.into_iter().filter(|(part, _)| !doc.contains(part));
    lacking.map(|(part, why)| source.finding(0, format!("lib.rs does not say {why} (`{part}`)"))).collect()
}

/// A test named at the door is there: `lines::tests` is a file with tests, `lines::tests::name` a test,
/// `tests/openssl.rs` a file of the crate, `tests/world` one of the whole.
pub fn named_tests(source: &Source, all: &[Source]) -> Vec<Finding> {
    let known = Known::new(source, all);
    let doc = head(source);
    let names = doc.split('`').skip(1).step_by(2).filter(|name| {
        let mut segments = name.split([':', '/']);
        segments.any(|segment| segment == "tests") && !name.contains(' ')
    });
    let dead = names.filter(|name| !known.has(name));
    dead.map(|name| {
        let at = source.text.find(&format!("`{name}`")).unwrap_or_default();
        source.finding(at, format!("lib.rs names the test `{name}`, which is not there"))
    })
    .collect()
}

struct Known {
    files: BTreeSet<String>,
    /// Modules of this crate that hold tests, as `a/b/tests` below `src`.
    modules: BTreeSet<String>,
    functions: BTreeSet<String>,
    folder: String,
}

impl Known {
    fn new(lib: &Source, all: &[Source]) -> Known {
        let src = lib.path.trim_end_matches("lib.rs");
        let folder = src.trim_end_matches("src/").to_owned();
        let mut known = Known { files: BTreeSet::new(), modules: BTreeSet::new(), functions: BTreeSet::new(), folder };
        for source in all {
            known.files.insert(source.path.clone());
            let Some(module) = source.path.strip_prefix(src) else { continue };
            let module = module.trim_end_matches(".rs");
            if module.split('/').any(|segment| segment == "tests") {
                known.modules.insert(module.to_owned());
            }
            if source.code.contains("mod tests {") {
                known.modules.insert(format!("{module}/tests"));
            }
            known.functions.extend(source.functions().into_iter().map(|f| f.name));
        }
        known
    }

    fn has(&self, name: &str) -> bool {
        if name.contains('/') {
            let file = format!("{}.rs", name.trim_end_matches(".rs"));
            return [format!("{}{file}", self.folder), format!("tests/{file}")].iter().any(|f| self.files.contains(f));
        }
        let path = name.replace("::", "/");
        let last = name.rsplit("::").next().unwrap_or_default();
        let below = |module: &String| module == &path || module.ends_with(&format!("/{path}"));
        self.modules.iter().any(below) || (last != "tests" && self.functions.contains(last))
    }
}

#[test]
fn a_door_without_its_parts_is_found() {
    let lib = |text: &str| Source::new("crates/pec/src/lib.rs", text);
    assert_eq!(door(&lib("mod x;\n")).len(), 1);
    assert_eq!(door(&lib("//! Rules.\nmod x;\n")).len(), 3);
    assert_eq!(door(&lib("//! Rules.\n//! Must never know: x. Entry point: y. Invariants: z.\n")), []);
}

#[test]
fn a_test_that_is_not_there_is_found() {
    let lib = "//! - holds (`a::tests`, `b::tests::one`, `tests/far.rs`, `tests/world`).\n";
    let all = [
        Source::new("crates/pec/src/lib.rs", lib),
        Source::new("crates/pec/src/a/tests.rs", ""),
        Source::new("crates/pec/src/b.rs", "mod tests { #[test] fn one() {} }"),
        Source::new("crates/pec/tests/far.rs", ""),
        Source::new("tests/tests/world.rs", ""),
    ];
    assert_eq!(named_tests(&all[0], &all), []);
    let found = named_tests(&all[0], &all[..1]);
    assert_eq!(found.len(), 4, "{found:?}");
}
