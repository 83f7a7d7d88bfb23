//! Who may depend on whom: the ranks, read from the map in ARCHITECTURE.md, and what only some crates may name.

use crate::tidy::source::{Finding, Source, words};
use std::collections::{BTreeMap, BTreeSet};

/// Ranks as ARCHITECTURE.md states them: rows `| 2 | `pec` | …`, where one row may name several crates.
pub fn ranks(architecture: &str) -> BTreeMap<String, u32> {
    let mut ranks = BTreeMap::new();
    for line in architecture.lines() {
        let mut cells = line.split('|').skip(1).map(str::trim);
        let (Some(rank), Some(names)) = (cells.next(), cells.next()) else { continue };
        let Ok(rank) = rank.parse() else { continue };
        for name in names.split('`').skip(1).step_by(2) {
            ranks.insert(name.to_owned(), rank);
        }
    }
    ranks
}

/// A package of the workspace as `cargo metadata` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// `sigillo-pec`
    pub name: String,
    /// `crates/pec`, from the root.
    pub folder: String,
    pub dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    pub name: String,
    /// `normal`, `build` or `dev`.
    pub kind: String,
}

/// Reads the JSON of `cargo metadata --no-deps`.
pub fn packages(metadata: &str) -> Vec<Package> {
    let value: serde_json::Value = serde_json::from_str(metadata).expect("cargo metadata prints JSON");
    let top = value["workspace_root"].as_str().unwrap_or_default().to_owned();
    let text = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_owned();
    let dependency = |d: &serde_json::Value| Dependency {
        name: text(&d["name"]),
        kind: d["kind"].as_str().unwrap_or("normal").to_owned(),
    };
    let list = |v: &serde_json::Value| v.as_array().cloned().unwrap_or_default();
    let package = |p: &serde_json::Value| Package {
        name: text(&p["name"]),
        folder: text(&p["manifest_path"])
            .trim_start_matches(&top)
            .trim_start_matches('/')
            .trim_end_matches("/Cargo.toml")
            .to_owned(),
        dependencies: list(&p["dependencies"]).iter().map(dependency).collect(),
    };
    list(&value["packages"]).iter().map(package).collect()
}

fn finding(package: &Package, what: String) -> Finding {
    Finding { path: format!("{}/Cargo.toml", package.folder), line: 1, what }
}

fn short(name: &str) -> Option<&str> {
    name.strip_prefix("sigillo-")
}

/// A crate depends only on lower ranks; its tests may also use its own rank. Every crate is on the map, and the map
/// names no crate that is not there.
pub fn rank_violations(packages: &[Package], ranks: &BTreeMap<String, u32>) -> Vec<Finding> {
    let mut found = Vec::new();
    let crates = || packages.iter().filter(|p| p.folder.starts_with("crates/"));
    for package in crates() {
        let name = short(&package.name).unwrap_or(&package.name);
        let Some(rank) = ranks.get(name) else {
            found.push(finding(package, format!("crate `{name}` is not on the map in ARCHITECTURE.md")));
            continue;
        };
        for dependency in &package.dependencies {
            let Some(other) = short(&dependency.name) else { continue };
            let other_rank = ranks.get(other).copied().unwrap_or(u32::MAX);
            let allowed = if dependency.kind == "dev" { other_rank <= *rank } else { other_rank < *rank };
            if !allowed {
                let kind = &dependency.kind;
                found.push(finding(
                    package,
                    format!("`{name}` (rank {rank}) has a {kind} dependency on `{other}` (rank {other_rank})"),
                ));
            }
        }
    }
    let there: BTreeSet<&str> = crates().filter_map(|p| short(&p.name)).collect();
    for name in ranks.keys().filter(|n| !there.contains(n.as_str())) {
        let what = format!("the map names `{name}`, which is no crate");
        found.push(Finding { path: "ARCHITECTURE.md".into(), line: 1, what });
    }
    found
}

/// Only `store-rocks` may name `rocksdb`, only `smime` and `server` `openssl`, in manifests and in code.
pub const RESERVED: [(&str, &[&str]); 2] = [("rocksdb", &["store-rocks"]), ("openssl", &["smime", "server"])];

pub fn reserved_in_manifests(packages: &[Package]) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in packages.iter().filter(|p| p.folder.starts_with("crates/")) {
        for (library, owners) in RESERVED {
            let owner = owners.contains(&short(&package.name).unwrap_or_default());
            if !owner && package.dependencies.iter().any(|d| d.name == library && d.kind != "dev") {
                found.push(finding(package, format!("only {owners:?} may depend on {library}")));
            }
        }
    }
    found
}

pub fn reserved_in_code(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    if !source.path.starts_with("crates/") {
        return found;
    }
    for (library, owners) in RESERVED {
        if owners.contains(&source.krate()) {
            continue;
        }
        for at in words(&source.code, library).filter(|at| !source.is_test(*at)) {
            found.push(source.finding(at, format!("only {owners:?} may name {library}")));
        }
    }
    found
}

/// What reaches out of a pure crate: clock, threads, files, environment, sockets, standard streams.
const OUTSIDE: [&str; 16] = [
    "SystemTime::now",
    "Instant::now",
    "thread::spawn",
    "thread::sleep",
    "std::thread",
    "std::fs",
    "fs::",
    "env::var",
    "env::vars",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::process",
    "println!",
    "eprintln!",
    "tokio",
];

/// Ranks 0–2 and `engine` do none of it outside tests: time and randomness come in as arguments.
pub fn outside_world(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for name in OUTSIDE {
        for at in words(&source.code, name).filter(|at| !source.is_test(*at)) {
            found.push(source.finding(at, format!("`{name}` in a crate that must not reach outside")));
        }
    }
    // use std::{fs, thread}; would hide from the names above.
    for (at, _) in source.code.match_indices("use std::{").filter(|(at, _)| !source.is_test(*at)) {
        let end = source.code[at..].find(';').map_or(source.code.len(), |i| at + i);
        for name in ["fs", "thread", "env", "process"] {
            if words(&source.code[at..end], name).next().is_some() {
                found.push(source.finding(at, format!("`std::{name}` in a crate that must not reach outside")));
            }
        }
    }
    found
}

/// A declared dependency that no source names is paid for by every build.
pub fn unused_dependencies(package: &Package, sources: &[Source]) -> Vec<Finding> {
    let below = format!("{}/", package.folder);
    let mine: Vec<&Source> = sources.iter().filter(|s| s.path.starts_with(&below)).collect();
    let mut found = Vec::new();
    for dependency in &package.dependencies {
        let word = dependency.name.replace('-', "_");
        let dev = dependency.kind == "dev";
        let named = |s: &&Source| !imports_namesake(s, &word) && words(&s.code, &word).any(|at| dev || !s.is_test(at));
        if !mine.iter().any(named) {
            let what = format!("the {} dependency {} is never named", dependency.kind, dependency.name);
            found.push(finding(package, what));
        }
    }
    found
}

/// `use rustls::crypto::aws_lc_rs;` names a module of another crate, not the crate of that name.
fn imports_namesake(source: &Source, word: &str) -> bool {
    source.code.split(';').filter_map(|statement| statement.rsplit_once("use ")).any(|(_, path)| {
        let path = path.trim_start();
        words(path, word).next().is_some_and(|at| at > 0) && words(path, "as").next().is_none()
    })
}

/// ARCHITECTURE.md says of each foreign library why it is here.
pub fn unjustified_dependencies(packages: &[Package], architecture: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in packages.iter().filter(|p| p.folder.starts_with("crates/")) {
        for dependency in package.dependencies.iter().filter(|d| d.kind != "dev" && short(&d.name).is_none()) {
            if !architecture.contains(&format!("`{}`", dependency.name)) {
                found.push(finding(
                    package,
                    format!("ARCHITECTURE.md does not say why `{}` is needed", dependency.name),
                ));
            }
        }
    }
    found
}

/// The lines of `cargo tree --prefix none` that name the runtime or a crate of its family.
pub fn tokio_in(tree: &str) -> Vec<Finding> {
    let named = tree.lines().enumerate().filter(|(_, line)| line.starts_with("tokio"));
    let finding = |(i, line): (usize, &str)| Finding {
        path: "cargo tree".into(),
        line: i + 1,
        what: format!("{line} reaches a crate that must build without it"),
    };
    named.map(finding).collect()
}

fn package(name: &str, dependencies: &[(&str, &str)]) -> Package {
    let dependency = |(name, kind): &(&str, &str)| Dependency { name: (*name).into(), kind: (*kind).into() };
    let folder = format!("crates/{}", name.trim_start_matches("sigillo-"));
    Package { name: name.into(), folder, dependencies: dependencies.iter().map(dependency).collect() }
}

#[test]
fn the_map_gives_the_ranks() {
    let map = "| rank | crate | x |\n|---|---|---|\n| 0 | `base` | ids |\n| 2 | `smtp`, `imap` | sessions |\n";
    let ranks = ranks(map);
    assert_eq!(ranks.get("imap"), Some(&2));
    assert_eq!(ranks.len(), 3);
}

#[test]
fn an_arrow_upwards_or_sideways_is_found() {
    let ranks: BTreeMap<String, u32> = [("base", 0), ("pec", 2), ("smtp", 2)].map(|(n, r)| (n.into(), r)).into();
    let good =
        [package("sigillo-base", &[]), package("sigillo-pec", &[("sigillo-base", "normal"), ("sigillo-smtp", "dev")])];
    let all = |p: Package| [good.to_vec(), vec![p]].concat();
    assert_eq!(rank_violations(&all(package("sigillo-smtp", &[("sigillo-base", "normal")])), &ranks), []);
    assert_eq!(rank_violations(&all(package("sigillo-smtp", &[("sigillo-pec", "normal")])), &ranks).len(), 1);
    assert_eq!(rank_violations(&all(package("sigillo-drawer", &[])), &ranks).len(), 2, "not on the map; smtp missing");
}

#[test]
fn metadata_is_read() {
    let json = r#"{"workspace_root":"/w","packages":[{"name":"sigillo-pec","manifest_path":"/w/crates/pec/Cargo.toml",
        "dependencies":[{"name":"openssl","kind":null},{"name":"proptest","kind":"dev"}]}]}"#;
    let read = packages(json);
    assert_eq!(read, [package("sigillo-pec", &[("openssl", "normal"), ("proptest", "dev")])]);
    assert_eq!(reserved_in_manifests(&read).len(), 1);
    assert_eq!(reserved_in_manifests(&[package("sigillo-smime", &[("openssl", "normal")])]), []);
}

#[test]
fn reserved_names_are_found_in_code_only() {
    let bad = Source::new("crates/pec/src/a.rs", "use openssl::x509::X509;\n");
    assert_eq!(reserved_in_code(&bad).len(), 1);
    let good = Source::new("crates/pec/src/a.rs", "// as openssl does\n#[cfg(test)]\nmod tests { use openssl::x; }\n");
    assert_eq!(reserved_in_code(&good), []);
    assert_eq!(reserved_in_code(&Source::new("crates/smime/src/a.rs", "use openssl::x;")), []);
}

#[test]
fn clocks_files_and_threads_are_found() {
    for bad in [
        "let t = std::time::SystemTime::now();",
        "std::fs::read(p)",
        "use std::{fmt, fs};",
        "thread::spawn(f)",
        "env::var(x)",
    ] {
        assert!(!outside_world(&Source::new("crates/pec/src/a.rs", bad)).is_empty(), "{bad}");
    }
    let good = "// SystemTime::now\nfn a(offs: u8) {}\n#[cfg(test)]\nmod tests { fn b() { Instant::now(); } }\n";
    assert_eq!(outside_world(&Source::new("crates/pec/src/a.rs", good)), []);
}

#[test]
fn a_dependency_must_be_used_and_justified() {
    let pec = package("sigillo-pec", &[("quick-xml", "normal"), ("proptest", "dev")]);
    let used =
        [Source::new("crates/pec/src/a.rs", "use quick_xml::Writer;\n#[cfg(test)]\nmod tests { use proptest::x; }\n")];
    assert_eq!(unused_dependencies(&pec, &used), []);
    assert_eq!(unused_dependencies(&pec, &[Source::new("crates/pec/src/a.rs", "// quick_xml\n")]).len(), 2);
    let namesake = Source::new("crates/pec/src/a.rs", "use other::{x, quick_xml};\nfn f() { quick_xml::new() }\n");
    assert_eq!(unused_dependencies(&pec, &[namesake]).len(), 2);
    assert_eq!(unjustified_dependencies(std::slice::from_ref(&pec), "| `quick-xml` | XML |"), []);
    assert_eq!(unjustified_dependencies(&[pec], "nothing").len(), 1);
}

#[test]
fn a_tree_with_the_runtime_is_found() {
    assert_eq!(tokio_in("sigillo-pec v0.1.0\ntokio v1.2.3\n").len(), 1);
    assert_eq!(tokio_in("sigillo-pec v0.1.0\nbytes v1.0.0\n"), []);
}
