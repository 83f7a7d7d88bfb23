//! How a file of ours looks: sizes, names, stated reasons.

use crate::tidy::source::{Finding, Source, words};

pub const MAX_FILE_LINES: usize = 600;
pub const MAX_FUNCTION_LINES: usize = 70;

/// A file holds one idea: 600 lines at the most, tests not counted.
pub fn long_file(source: &Source) -> Vec<Finding> {
    let lines = source.lines_without_tests();
    if lines <= MAX_FILE_LINES {
        return Vec::new();
    }
    vec![source.finding(0, format!("{lines} lines without tests, {MAX_FILE_LINES} at the most"))]
}

/// A function fits on a screen: 70 lines of code at the most (blank and comment lines not counted).
pub fn long_functions(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in source.functions().into_iter().filter(|f| !source.is_test(f.from_fn.start)) {
        let code = &source.code[function.from_fn.clone()];
        let lines = code.lines().filter(|l| !l.trim().is_empty()).count();
        if lines > MAX_FUNCTION_LINES {
            let what = format!("fn {} has {lines} lines of code, {MAX_FUNCTION_LINES} at the most", function.name);
            found.push(source.finding(function.from_fn.start, what));
        }
    }
    found
}

/// `foo.rs` beside `foo/`, so that a file's name says what it is.
pub fn mod_rs(source: &Source) -> Vec<Finding> {
    let bad = source.path.ends_with("/mod.rs");
    if bad { vec![source.finding(0, "no mod.rs: use foo.rs beside foo/")] } else { Vec::new() }
}

/// Outside tests nothing panics on an error, except where an `allow` with a reason states why it cannot happen.
pub fn panics(source: &Source) -> Vec<Finding> {
    let functions = source.functions();
    let mut found = Vec::new();
    for (call, lint) in [(".unwrap()", "clippy::unwrap_used"), (".expect(", "clippy::expect_used")] {
        for (at, _) in source.code.match_indices(call).filter(|(at, _)| !source.is_test(*at)) {
            // Only Result's and Option's `expect` takes a message; `batch.expect(key, …)` is a method of ours.
            let argument = source.text[at + call.len()..].trim_start();
            let message = argument.starts_with('"') || argument.starts_with("&format!");
            let own_parser = source.code[..at].trim_end().ends_with("self");
            if call == ".expect(" && (!message || own_parser) {
                continue;
            }
            let whole_file = source.code.lines().any(|l| l.starts_with("#![allow(") && l.contains(lint));
            let stated = whole_file
                || functions.iter().any(|f| f.whole.contains(&at) && source.code[f.whole.clone()].contains(lint));
            if !stated {
                found.push(source.finding(at, format!("`{call}` outside tests without #[allow({lint}, reason = …)]")));
            }
        }
    }
    found
}

/// An `allow` says why: `reason = "…"` in it, or a comment on its line or the one above.
pub fn silent_allows(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for mark in ["#[allow(", "#![allow(", "#[expect(", "#![expect("] {
        for (at, _) in source.code.match_indices(mark).filter(|(at, _)| !source.is_test(*at)) {
            let end = source.code[at..].find(']').map_or(source.code.len(), |i| at + i);
            let line_start = source.text[..at].rfind('\n').map_or(0, |i| i + 1);
            let above = source.text[..line_start].trim_end().rsplit('\n').next().unwrap_or_default().trim();
            let same = source.text[end..].lines().next().unwrap_or_default();
            let reason = source.code[at..end].contains("reason =");
            if !reason && !above.starts_with("// ") && !same.contains("// ") {
                found.push(source.finding(at, "this `allow` does not say why (reason = \"…\")"));
            }
        }
    }
    found
}

/// `something().ok();` throws an error away without a word.
pub fn dropped_results(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, _) in source.code.match_indices(".ok();").filter(|(at, _)| !source.is_test(*at)) {
        let start = source.code[..at].rfind([';', '{', '}']).map_or(0, |i| i + 1);
        let statement = &source.code[start..at];
        let kept = statement.contains('=') || words(statement, "return").next().is_some();
        if !kept {
            found.push(source.finding(at, "a result is thrown away by `.ok();`: handle it or log it"));
        }
    }
    found
}

/// Key tags are one byte, each used once and documented.
pub fn key_tags(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut seen: Vec<(u8, String)> = Vec::new();
    for at in words(&source.code, "const").filter(|at| !source.is_test(*at)) {
        // The text, since the masked code has no characters; the declaration ends at the first `;`.
        let declaration = source.text[at..].split(';').next().unwrap_or_default();
        let Some((name, value)) = declaration.trim_start_matches("const").split_once(": u8 =") else { continue };
        let name = name.trim().to_owned();
        if !name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_') {
            continue; // const fn, const generics
        }
        let Some(byte) = byte_value(value.trim()) else {
            found.push(source.finding(at, format!("tag {name} is no plain byte: {}", value.trim())));
            continue;
        };
        if let Some((_, other)) = seen.iter().find(|(b, _)| *b == byte) {
            found.push(source.finding(at, format!("tag {name} = {byte:#04x} is already {other}")));
        }
        let line_start = source.text[..at].rfind('\n').map_or(0, |i| i + 1);
        if !source.text[..line_start].trim_end().rsplit('\n').next().unwrap_or_default().trim().starts_with("///") {
            found.push(source.finding(at, format!("tag {name} is not documented")));
        }
        seen.push((byte, name));
    }
    found
}

fn byte_value(text: &str) -> Option<u8> {
    if let Some(hex) = text.strip_prefix("0x") {
        return u8::from_str_radix(hex, 16).ok();
    }
    if let Some(letter) = text.strip_prefix("b'").and_then(|t| t.strip_suffix('\'')) {
        return letter.bytes().next().filter(|_| letter.len() == 1);
    }
    text.parse().ok()
}

fn pure(text: &str) -> Source {
    Source::new("crates/pec/src/a.rs", text)
}

#[test]
fn long_files_and_functions_are_found() {
    let lines = "let a = 1;\n".repeat(69);
    assert_eq!(long_functions(&pure(&format!("fn f() {{\n{lines}}}\n"))).len(), 1);
    assert_eq!(
        long_functions(&pure(&format!(
            "fn f() {{\n{}\n// why\n\n}}\n",
            lines.trim_end().replacen("let a = 1;\n", "", 1)
        ))),
        []
    );
    assert_eq!(long_functions(&pure(&format!("#[test]\nfn f() {{\n{lines}}}\n"))), []);
    assert_eq!(long_file(&pure(&"//\n".repeat(601))).len(), 1);
    assert_eq!(
        long_file(&pure(&format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "//\n".repeat(600), "//\n".repeat(50)))),
        []
    );
    assert_eq!(mod_rs(&Source::new("crates/pec/src/x/mod.rs", "")).len(), 1);
}

#[test]
fn panics_without_a_reason_are_found() {
    assert_eq!(panics(&pure("fn f() { x.unwrap(); }")).len(), 1);
    assert_eq!(panics(&pure("fn f() { x.expect(\"never\"); }")).len(), 1);
    assert_eq!(panics(&pure("#[allow(clippy::expect_used, reason = \"r\")]\nfn f() { x.expect(\"never\"); }\n")), []);
    assert_eq!(panics(&pure("fn f() { batch.expect(key, None); self.expect(\"OK\"); }")), []);
    assert_eq!(panics(&pure("#[cfg(test)]\nmod tests { fn f() { x.unwrap(); } }")), []);
}

#[test]
fn silent_allows_and_dropped_results_are_found() {
    assert_eq!(silent_allows(&pure("#[allow(dead_code)]\nfn f() {}")).len(), 1);
    assert_eq!(silent_allows(&pure("#[allow(dead_code, reason = \"r\")]\nfn f() {}")), []);
    assert_eq!(silent_allows(&pure("// kept for the next release\n#[allow(dead_code)]\nfn f() {}")), []);
    assert_eq!(dropped_results(&pure("fn f() { store.commit(b).ok(); }")).len(), 1);
    assert_eq!(dropped_results(&pure("fn f() { let a = s.parse().ok(); return b.ok(); }")), []);
}

#[test]
fn tags_used_twice_are_found() {
    let good = "/// a\npub const A: u8 = 0x01;\n/// b\npub const B: u8 = b'b';\npub const LEN: usize = 3;\npub const fn f(a: u8) {}\n";
    assert_eq!(key_tags(&pure(good)), []);
    assert_eq!(key_tags(&pure(&format!("{good}/// c\npub const C: u8 = 1;\n"))).len(), 1);
    assert_eq!(key_tags(&pure("pub const A: u8 = 1;\n")).len(), 1, "not documented");
}
