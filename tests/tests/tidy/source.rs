//! Reads the tree as the rules see it: files, code without comments and literals, functions, test regions.
//!
//! A light lexer, not a parser: it knows comments, string and character literals, braces and attributes,
//! which is all that the rules need, and it never fails on a file that rustc accepts.
#![allow(dead_code, reason = "shared by two test binaries, each of which uses its own part")]

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Where a rule is broken: shown as `file:line: what is wrong`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub path: String,
    pub line: usize,
    pub what: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Fails the test with every finding of a rule at once.
pub fn none(rule: &str, mut findings: Vec<Finding>) {
    findings.sort();
    let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{rule} ({} findings)\n{}\n", list.len(), list.join("\n"));
}

/// The top folder of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace").to_path_buf()
}

/// Every file of the repository, as (path from the root, bytes); built and foreign folders are left out.
pub fn files() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    walk(&root(), "", &mut found);
    found.sort();
    found
}

fn walk(root: &Path, below: &str, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(root.join(below)).expect("a folder of the repository can be listed") {
        let entry = entry.expect("a folder entry can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        let kind = entry.file_type().expect("a folder entry has a type");
        // In a linked working tree `.git` is a file.
        if matches!(name.as_str(), ".git" | "target" | "artifacts" | "coverage") {
            continue;
        }
        if kind.is_dir() {
            walk(root, &path, found);
        } else if kind.is_file() {
            // A file that vanished since it was listed (another test's temporary one) is no finding.
            if let Ok(bytes) = std::fs::read(entry.path()) {
                found.push((path, bytes));
            }
        }
    }
}

/// One Rust file.
pub struct Source {
    /// Path from the root of the repository, with `/`.
    pub path: String,
    pub text: String,
    /// The text with comments and the insides of literals blanked; same length, same lines.
    pub code: String,
    /// Byte ranges that only tests compile.
    tests: Vec<Range<usize>>,
}

/// One function: its name, where its attributes begin, where `fn` stands, and its whole range.
#[derive(Debug, Clone)]
pub struct Function {
    pub name: String,
    /// Attributes and everything up to and including the closing brace.
    pub whole: Range<usize>,
    /// From the word `fn`.
    pub from_fn: Range<usize>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let code = mask(text);
        let tests = if is_test_path(path) { std::iter::once(0..text.len()).collect() } else { test_regions(&code) };
        Source { path: path.to_owned(), text: text.to_owned(), code, tests }
    }

    /// All Rust files; one that a parent declares under `#[cfg(test)]` is a test file.
    pub fn all() -> Vec<Source> {
        let mut sources: Vec<Source> = files()
            .into_iter()
            .filter(|(path, _)| path.ends_with(".rs"))
            .map(|(path, bytes)| Source::new(&path, &String::from_utf8_lossy(&bytes)))
            .collect();
        let test_files: BTreeSet<String> = sources.iter().flat_map(Source::test_children).collect();
        for source in &mut sources {
            let stem = source.path.trim_end_matches(".rs");
            if test_files.iter().any(|t| stem == t || stem.starts_with(&format!("{t}/"))) {
                source.tests = std::iter::once(0..source.text.len()).collect();
            }
        }
        sources
    }

    /// Paths without `.rs` of the modules that this file declares for tests only.
    fn test_children(&self) -> Vec<String> {
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let file = self.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        let base = match file {
            "lib" | "main" => folder.to_owned(),
            _ => format!("{folder}/{file}"),
        };
        let names = self.tests.iter().filter_map(|range| {
            let item = self.code.get(range.clone())?.trim_end();
            let (_, name) = item.strip_suffix(';')?.rsplit_once("mod ")?;
            Some(format!("{base}/{}", name.trim()))
        });
        names.collect()
    }

    /// The crate's folder: `pec` for `crates/pec/src/…`, else the first folder.
    pub fn krate(&self) -> &str {
        let mut parts = self.path.split('/');
        match (parts.next(), parts.next()) {
            (Some("crates"), Some(name)) => name,
            (Some(first), _) => first,
            _ => "",
        }
    }

    pub fn line(&self, at: usize) -> usize {
        line_of(&self.text, at)
    }

    pub fn is_test(&self, at: usize) -> bool {
        self.tests.iter().any(|r| r.contains(&at))
    }

    pub fn finding(&self, at: usize, what: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line: self.line(at), what: what.into() }
    }

    /// Lines that are not in a test region.
    pub fn lines_without_tests(&self) -> usize {
        let mut at = 0;
        let mut count = 0;
        for line in self.text.split_inclusive('\n') {
            if !self.is_test(at) {
                count += 1;
            }
            at += line.len();
        }
        count
    }

    /// Every function with a body.
    pub fn functions(&self) -> Vec<Function> {
        words(&self.code, "fn").filter_map(|at| self.function(at)).collect()
    }

    fn function(&self, at: usize) -> Option<Function> {
        let after = self.code.get(at + 2..)?;
        let name: String = after.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if name.is_empty() {
            return None; // the type `fn(…)`
        }
        let end = body_end(&self.code, at)?;
        Some(Function { name, whole: item_start(&self.code, at)..end, from_fn: at..end })
    }
}

pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
}

fn is_test_path(path: &str) -> bool {
    let in_crate = path.strip_prefix("crates/").and_then(|p| p.split_once('/')).map(|(_, rest)| rest);
    match in_crate {
        // The suite that every store engine runs is a test that other crates call.
        Some(rest) if rest == "src/conformance.rs" || rest.starts_with("src/conformance/") => true,
        Some(rest) => !rest.starts_with("src/") || rest.ends_with("/tests.rs") || rest.contains("/tests/"),
        None => true, // tests/, benches/, fuzz/
    }
}

/// Positions of `word` where it stands alone (no letter, digit or `_` beside it).
pub fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).map(|(at, _)| at).filter(move |at| stands_alone(text, *at, word))
}

fn stands_alone(text: &str, at: usize, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let open = |c: Option<char>| c.is_none_or(|c| !part(c));
    let first = word.chars().next().is_some_and(part);
    let last = word.chars().next_back().is_some_and(part);
    (!first || open(text[..at].chars().next_back())) && (!last || open(text[at + word.len()..].chars().next()))
}

/// End (exclusive) of the item that starts at `at`: its matching brace, or its semicolon; none for a bare declaration.
fn body_end(code: &str, at: usize) -> Option<usize> {
    let mut round = 0i32;
    let mut depth = 0i32;
    for (i, b) in code.bytes().enumerate().skip(at) {
        match b {
            b'(' | b'[' => round += 1,
            b')' | b']' => round -= 1,
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(i + 1);
                }
            }
            b';' if depth == 0 && round == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Walks back from an item over its visibility, attributes and blanked comments.
fn item_start(code: &str, at: usize) -> usize {
    let before = &code[..at];
    // Back to the end of the item or statement before: what lies between belongs to this item.
    let mut square = 0i32;
    for (i, b) in before.bytes().enumerate().rev() {
        match b {
            b']' => square += 1,
            b'[' => square -= 1,
            b';' | b'{' | b'}' if square == 0 => return i + 1,
            _ => {}
        }
    }
    0
}

fn test_regions(code: &str) -> Vec<Range<usize>> {
    let mut regions: Vec<Range<usize>> = Vec::new();
    for mark in ["#[cfg(test)]", "#[cfg(all(test", "#[test]", "#[tokio::test"] {
        for (at, _) in code.match_indices(mark) {
            if regions.iter().any(|r| r.contains(&at)) {
                continue;
            }
            let end = body_end(code, at + mark.len()).or_else(|| code[at..].find(';').map(|i| at + i + 1));
            regions.push(at..end.unwrap_or(code.len()));
        }
    }
    regions
}

/// Blanks comments and the insides of literals, keeping length and line ends.
pub fn mask(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut i = 0;
    while i < bytes.len() {
        let end = match bytes[i] {
            b'/' if bytes.get(i + 1) == Some(&b'/') => {
                let end = find(bytes, i, b"\n").unwrap_or(bytes.len());
                blank(&mut out, i..end);
                end
            }
            b'/' if bytes.get(i + 1) == Some(&b'*') => {
                let end = block_comment_end(bytes, i);
                blank(&mut out, i..end);
                end
            }
            b'"' => {
                let end = string_end(bytes, i);
                blank(&mut out, i + 1..end.saturating_sub(1).max(i + 1));
                end
            }
            b'r' | b'b' | b'c' if !ident_before(bytes, i) => match raw_string_end(bytes, i) {
                Some(end) => {
                    blank(&mut out, i..end);
                    end
                }
                None => i + 1,
            },
            b'\'' => match char_end(bytes, i) {
                Some(end) => {
                    blank(&mut out, i + 1..end - 1);
                    end
                }
                None => i + 1,
            },
            _ => i + 1,
        };
        i = end;
    }
    String::from_utf8(out).expect("blanked ranges begin and end at ASCII bytes")
}

fn blank(out: &mut [u8], range: Range<usize>) {
    for b in &mut out[range] {
        if *b != b'\n' {
            *b = b' ';
        }
    }
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    bytes[from..].windows(what.len()).position(|w| w == what).map(|i| from + i)
}

fn ident_before(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

fn block_comment_end(bytes: &[u8], from: usize) -> usize {
    let mut depth = 0;
    let mut i = from;
    while i + 1 < bytes.len() {
        match &bytes[i..i + 2] {
            b"/*" => {
                depth += 1;
                i += 2;
            }
            b"*/" => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    bytes.len()
}

/// `from` is at the opening quote.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut i = from + 1;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' => i += 2,
            b'"' => return i + 1,
            _ => i += 1,
        }
    }
    bytes.len()
}

/// `r"…"`, `r#"…"#`, `br"…"`, `cr"…"`; plain `b"…"` is left to the quote, a raw identifier is none.
fn raw_string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut i = from;
    if matches!(bytes[i], b'b' | b'c') {
        i += 1;
    }
    if bytes.get(i) != Some(&b'r') {
        return None;
    }
    i += 1;
    let hashes = bytes[i..].iter().take_while(|b| **b == b'#').count();
    i += hashes;
    if bytes.get(i) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    find(bytes, i + 1, &close).map(|at| at + close.len())
}

/// The end of a character literal, or none for a lifetime.
fn char_end(bytes: &[u8], from: usize) -> Option<usize> {
    if bytes.get(from + 1) == Some(&b'\\') {
        return find(bytes, from + 3, b"'").map(|at| at + 1);
    }
    let first = *bytes.get(from + 1)?;
    let length = match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    };
    (bytes.get(from + 1 + length) == Some(&b'\'')).then_some(from + length + 2)
}

#[test]
fn comments_and_literals_are_no_code() {
    let text =
        "let a = \"fn x() { unwrap() }\"; // fs::read\nlet c = '{'; /* { /* } */ */ let l: &'a str = r#\"\"{\"#;";
    let code = mask(text);
    assert_eq!(code.len(), text.len());
    assert!(!code.contains("unwrap") && !code.contains("fs::") && !code.contains('{'), "{code}");
    assert!(code.contains("let l: &'a str"), "{code}");
    assert_eq!(mask(r"let q = '\''; x{"), r"let q = '  '; x{");
}

#[test]
fn test_regions_end_where_their_item_ends() {
    let text =
        "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { if x { y } } }\nfn c() {}\n#[cfg(test)]\nmod far;\nfn d() {}\n";
    let source = Source::new("crates/x/src/y.rs", text);
    let in_test: Vec<String> =
        source.functions().into_iter().filter(|f| source.is_test(f.from_fn.start)).map(|f| f.name).collect();
    assert_eq!(in_test, ["b"]);
    assert_eq!(source.test_children(), ["crates/x/src/y/far"]);
    assert_eq!(source.lines_without_tests(), 3);
}

#[test]
fn a_function_begins_with_its_attributes() {
    let text = "const A: [u8; 2] = [1, 2];\n#[allow(x, reason = \"[;]\")]\npub fn f(a: [u8; 3]) -> u8 { 1 }\ntrait T { fn g(&self); }\n";
    let source = Source::new("crates/x/src/y.rs", text);
    let functions = source.functions();
    assert_eq!(functions.len(), 1, "a declaration without a body has no length");
    assert!(text[functions[0].whole.clone()].trim_start().starts_with("#[allow"));
    assert!(text[functions[0].from_fn.clone()].starts_with("fn f"));
}
