//! The rules of the house as tests: each fails with file and line. The rules themselves, each with a test that shows it
//! can fail, are in `tidy/`.

#![allow(clippy::expect_used, reason = "a test: what cannot be read is a failure")]

use std::process::Command;

mod tidy {
    pub mod door;
    pub mod layers;
    pub mod package;
    pub mod source;
    pub mod style;
    pub mod words;
}

use tidy::source::{Finding, Source, files, none, root};
use tidy::{door, layers, package, style, words};

/// Pure crates: ranks 0 to 2, and the engine.
fn is_pure(name: &str) -> bool {
    name == "engine" || layers::ranks(&architecture()).get(name).is_some_and(|rank| *rank <= 2)
}

fn architecture() -> String {
    std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there")
}

fn cargo(arguments: &[&str]) -> String {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program).args(arguments).current_dir(root()).output().expect("cargo starts");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn packages() -> Vec<layers::Package> {
    layers::packages(&cargo(&["metadata", "--no-deps", "--format-version=1", "--locked", "--offline"]))
}

/// Text files of the repository; binary ones are read as far as they are text.
fn texts() -> Vec<(String, String)> {
    files().into_iter().map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned())).collect()
}

fn each(rule: impl Fn(&Source) -> Vec<Finding>) -> Vec<Finding> {
    Source::all().iter().filter(|s| s.path.starts_with("crates/")).flat_map(rule).collect()
}

#[test]
fn a_crate_depends_only_on_lower_ranks() {
    none("ranks", layers::rank_violations(&packages(), &layers::ranks(&architecture())));
}

#[test]
fn the_engine_and_below_build_without_tokio() {
    let names: Vec<String> =
        layers::ranks(&architecture()).into_keys().filter(|n| is_pure(n)).map(|n| format!("sigillo-{n}")).collect();
    assert!(names.iter().any(|n| n == "sigillo-engine"), "the engine is on the map: {names:?}");
    let common = ["tree", "--locked", "--offline", "-e", "normal,build", "--prefix", "none"];
    let selected: Vec<&str> = names.iter().flat_map(|n| ["-p", n.as_str()]).collect();
    none("no tokio in the engine and below", layers::tokio_in(&cargo(&[&common[..], &selected].concat())));
    // The same question about the server must find it, or the question is wrong.
    let server = cargo(&[&common[..], &["-p", "sigillo-server"]].concat());
    assert!(!layers::tokio_in(&server).is_empty(), "{server}");
}

#[test]
fn pure_crates_do_not_reach_outside() {
    let pure = |s: &Source| if is_pure(s.krate()) { layers::outside_world(s) } else { Vec::new() };
    none("no clock, files, threads, environment", each(pure));
}

#[test]
fn only_their_owners_name_rocksdb_and_openssl() {
    none("reserved libraries in code", each(layers::reserved_in_code));
    none("reserved libraries in manifests", layers::reserved_in_manifests(&packages()));
}

#[test]
fn every_dependency_is_used_and_justified() {
    let sources = Source::all();
    let crates: Vec<_> = packages().into_iter().filter(|p| p.folder.starts_with("crates/")).collect();
    none("unused dependencies", crates.iter().flat_map(|p| layers::unused_dependencies(p, &sources)).collect());
    none("unjustified dependencies", layers::unjustified_dependencies(&crates, &architecture()));
}

#[test]
fn files_and_functions_are_short() {
    none("file sizes", each(style::long_file));
    none("function sizes", each(style::long_functions));
    none("no mod.rs", each(style::mod_rs));
}

#[test]
fn errors_are_handled_or_explained() {
    none("unwrap and expect", each(style::panics));
    none("allow with a reason", each(style::silent_allows));
    none("no result thrown away", each(style::dropped_results));
}

#[test]
fn every_crate_has_its_door() {
    let sources = Source::all();
    let is_lib = |s: &&Source| s.path.starts_with("crates/") && s.path.ends_with("/src/lib.rs");
    let doors: Vec<&Source> = sources.iter().filter(is_lib).collect();
    assert!(doors.len() > 10, "the crates were found");
    none("lib.rs documentation", doors.iter().flat_map(|s| door::door(s)).collect());
    none("tests named by lib.rs", doors.iter().flat_map(|s| door::named_tests(s, &sources)).collect());
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let manifests = texts().into_iter().filter(|(path, _)| path.ends_with("/Cargo.toml") && !path.starts_with("fuzz/"));
    let lacking = manifests.filter(|(_, text)| !text.contains("[lints]\nworkspace = true"));
    let what = "no `[lints] workspace = true`".to_owned();
    none("lints", lacking.map(|(path, _)| Finding { path, line: 1, what: what.clone() }).collect());
}

#[test]
fn key_tags_are_used_once() {
    let sources = Source::all();
    let tags: Vec<&Source> = sources.iter().filter(|s| s.path.ends_with("/src/tag.rs")).collect();
    assert!(tags.len() == 1, "one file lists the key tags: {:?}", tags.iter().map(|s| &s.path).collect::<Vec<_>>());
    none("key tags", tags.into_iter().flat_map(style::key_tags).collect());
}

#[test]
fn no_file_says_what_it_must_not() {
    let texts = texts();
    let over = |rule: fn(&str, &str) -> Vec<Finding>| texts.iter().flat_map(|(p, t)| rule(p, t)).collect::<Vec<_>>();
    none("nothing unfinished", over(words::unfinished));
    none("no path of one machine", over(words::machine_paths));
    none("nothing about who wrote it", over(words::authorship));
}

#[test]
fn links_in_documents_lead_somewhere() {
    let documents = texts().into_iter().filter(|(path, _)| path.ends_with(".md"));
    none("links", documents.flat_map(|(path, text)| words::dead_links(&root(), &path, &text)).collect());
}

#[test]
fn what_is_built_elsewhere_finds_all_that_it_needs() {
    let files = files().into_iter().map(|(path, _)| path).collect();
    let program = |s: &&Source| s.path.starts_with("crates/");
    let included: Vec<_> = Source::all().iter().filter(program).flat_map(package::included).collect();
    assert!(included.iter().any(|i| i.path == "config/sigillo.toml"), "{included:#?}");
    none("a clone", package::outside_the_clone(&included, &files));
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect(path);
    let (manifest, packages) = (read("Cargo.toml"), read(".ci/packages"));
    let members: Vec<String> = self::packages().into_iter().map(|p| p.folder).collect();
    let rust =
        manifest.split_once("rust-version = \"").and_then(|(_, rest)| rest.split('"').next()).expect("a version");
    let around = package::Around {
        files: &files,
        included: &included,
        members: &members,
        packages: &packages,
        rust,
        manifest: &manifest,
    };
    none("the image", package::image("Containerfile", &read("Containerfile"), &around));
}
