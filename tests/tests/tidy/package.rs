//! What is built and installed elsewhere finds all that it needs: in an image, and from a clone.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use crate::tidy::source::{Finding, Source};

/// A file that is compiled into code, by `include_str!` or `include_bytes!`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    pub by: String,
    pub line: usize,
    /// From the root; `..` where it lies outside of it.
    pub path: String,
}

/// Files that the program includes; those of tests are not asked for where it is built alone.
pub fn included(source: &Source) -> Vec<Included> {
    let mut found = Vec::new();
    for name in ["include_str!(\"", "include_bytes!(\""] {
        for (at, _) in source.text.match_indices(name).filter(|(at, _)| !source.is_test(*at)) {
            let path = source.text[at + name.len()..].split('"').next().unwrap_or_default();
            let folder = Path::new(&source.path).parent().unwrap_or(Path::new(""));
            found.push(Included { by: source.path.clone(), line: source.line(at), path: plain(&folder.join(path)) });
        }
    }
    found
}

/// The same path without `.` and `..`.
fn plain(path: &Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.components() {
        match part {
            Component::ParentDir if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            Component::ParentDir => parts.push(".."),
            Component::Normal(name) => parts.push(name.to_str().unwrap_or_default()),
            _ => {}
        }
    }
    parts.join("/")
}

/// `cargo install --path crates/server` builds from a clone: what is compiled in is a file of it.
pub fn outside_the_clone(included: &[Included], files: &BTreeSet<String>) -> Vec<Finding> {
    let missing = included.iter().filter(|one| !files.contains(&one.path));
    missing
        .map(|i| Finding { path: i.by.clone(), line: i.line, what: format!("includes {}: no file", i.path) })
        .collect()
}

/// What an image is built beside.
pub struct Around<'a> {
    pub files: &'a BTreeSet<String>,
    pub included: &'a [Included],
    /// Members of the workspace, by folder.
    pub members: &'a [String],
    /// `.ci/packages`.
    pub packages: &'a str,
    /// `rust-version` of the workspace.
    pub rust: &'a str,
    /// Profiles of the workspace's manifest.
    pub manifest: &'a str,
}

/// Instructions of a Containerfile with their lines; those that go on over several lines are one.
fn instructions(text: &str) -> Vec<(usize, String, String)> {
    let (mut found, mut open): (Vec<(usize, String, String)>, bool) = (Vec::new(), false);
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (body, goes_on) = line.strip_suffix('\\').map_or((line, false), |body| (body.trim_end(), true));
        match found.last_mut().filter(|_| open) {
            Some((_, _, rest)) => *rest = format!("{rest} {body}"),
            None => {
                let (name, rest) = body.split_once(' ').unwrap_or((body, ""));
                found.push((at + 1, name.to_owned(), rest.trim().to_owned()));
            }
        }
        open = goes_on;
    }
    found
}

/// Instructions of which nothing more is asked than to be one.
const KNOWN: [&str; 12] = [
    "FROM",
    "RUN",
    "WORKDIR",
    "COPY",
    "ENV",
    "USER",
    "VOLUME",
    "EXPOSE",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "ENTRYPOINT",
    "CMD",
];

/// An image is built of what is there: every file that it copies, all that the workspace and the code name, the packages that
/// `.ci/packages` installs, the compiler that the workspace wants, and commands that the runtime can read.
pub fn image(path: &str, text: &str, around: &Around<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |line: usize, what: String| found.push(Finding { path: path.to_owned(), line, what });
    let (mut stages, mut copied) = (BTreeSet::new(), Vec::new());
    let there = |name: &str| around.files.iter().any(|f| f == name || f.starts_with(&format!("{name}/")));
    for (line, name, rest) in instructions(text) {
        let words: Vec<&str> = rest.split_whitespace().collect();
        match name.as_str() {
            "FROM" => {
                if let Some((_, tag)) = rest.split_once("/rust:")
                    && !tag.starts_with(&format!("{}-", around.rust))
                {
                    say(line, format!("not the compiler of the workspace, {}: {rest}", around.rust));
                }
                stages.extend(words.iter().skip_while(|word| **word != "AS").nth(1).map(|word| (*word).to_owned()));
            }
            "COPY" => {
                let from = words.iter().find_map(|word| word.strip_prefix("--from="));
                let paths: Vec<&str> = words.iter().filter(|word| !word.starts_with("--")).copied().collect();
                let sources = paths.split_last().map(|(_, sources)| sources).unwrap_or_default();
                match from {
                    Some(stage) if !stages.contains(stage) => {
                        say(line, format!("copies from {stage}, which is no stage"))
                    }
                    Some(_) => {}
                    None => {
                        sources.iter().filter(|s| !there(s)).for_each(|s| say(line, format!("copies {s}: not there")));
                        copied.extend(sources.iter().map(|source| (*source).to_owned()));
                    }
                }
            }
            "RUN" => {
                let wanted = around.packages.lines().find_map(|l| l.strip_prefix("need=(")?.strip_suffix(')'));
                let wanted: BTreeSet<&str> = wanted.unwrap_or_default().split_whitespace().collect();
                if let Some((_, list)) = rest.split_once("apt-get install ") {
                    let list = list.split("&&").next().unwrap_or_default();
                    let installed: BTreeSet<&str> =
                        list.split_whitespace().filter(|word| !word.starts_with('-')).collect();
                    if installed != wanted {
                        say(line, format!("installs {installed:?}, and .ci/packages {wanted:?}"));
                    }
                }
                let profile = words.iter().skip_while(|word| **word != "--profile").nth(1);
                if profile.is_some_and(|profile| !around.manifest.contains(&format!("[profile.{profile}]"))) {
                    say(line, format!("no such profile: {profile:?}"));
                }
            }
            "ENTRYPOINT" | "CMD" | "VOLUME" | "HEALTHCHECK" => {
                let list = rest.find('[').map(|at| &rest[at..]).unwrap_or_default();
                if serde_json::from_str::<Vec<String>>(list).is_err() {
                    say(line, format!("no list of arguments, and there is no shell to read it: {rest}"));
                }
            }
            other if KNOWN.contains(&other) => {}
            other => say(line, format!("no instruction: {other}")),
        }
    }
    let has = |wanted: &str| copied.iter().any(|c| wanted == c || wanted.starts_with(&format!("{c}/")));
    let needed = around.members.iter().map(String::as_str).chain(around.included.iter().map(|i| i.path.as_str()));
    let lacking: BTreeSet<&str> = needed.filter(|wanted| !has(wanted)).collect();
    lacking.iter().for_each(|wanted| say(1, format!("{wanted} is needed by the build, and not copied")));
    found
}

#[test]
fn what_is_included_from_elsewhere_is_found() {
    let code = "const A: &str = include_str!(\"../../../config/a.toml\");\nconst B: &[u8] = include_bytes!(\"b\");\n\
                #[cfg(test)]\nmod tests { const C: &str = include_str!(\"../../../../c\"); }\n";
    let all = included(&Source::new("crates/x/src/a.rs", code));
    let paths: Vec<(&str, usize)> = all.iter().map(|i| (i.path.as_str(), i.line)).collect();
    assert_eq!(paths, [("config/a.toml", 1), ("crates/x/src/b", 2)]);
    assert_eq!(plain(Path::new("crates/x/../../../y")), "../y");
    let files = ["config/a.toml".to_owned()].into();
    assert_eq!(outside_the_clone(&all, &files).len(), 1);
}

#[test]
fn an_image_that_could_not_be_built_is_found() {
    let files: BTreeSet<String> = ["Cargo.toml", "config/a.toml", "crates/x/src/a.rs"].map(str::to_owned).into();
    let included = [Included { by: "crates/x/src/a.rs".into(), line: 1, path: "config/a.toml".into() }];
    let around = Around {
        files: &files,
        included: &included,
        members: &["crates/x".to_owned()],
        packages: "need=(g++ make)\n",
        rust: "1.95",
        manifest: "[profile.dist]",
    };
    let good = "# An image.\nFROM docker.io/library/rust:1.95-slim AS build\nRUN apt-get update \\\n    && apt-get install -y make g++ \\\n    \
                && x\nCOPY Cargo.toml ./\nCOPY config config\nCOPY crates crates\nRUN cargo build --profile dist\nFROM x\n\
                COPY --from=build /a /a\nHEALTHCHECK --retries=3 CMD [\"a\"]\nCMD [\"a\", \"b\"]\n";
    let wrong = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        image("Containerfile", &good.replace(from, to), &around).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(wrong("x\n", "x\n"), Vec::<String>::new());
    for (from, to, line) in [
        ("1.95", "1.96", 2),
        ("make g++", "make", 3),
        ("make g++", "make g++ vim", 3),
        ("COPY Cargo.toml", "COPY Cargo.lock", 6),
        ("COPY config config\n", "", 1),
        ("COPY crates crates\n", "", 1),
        ("--profile dist", "--profile fast", 9),
        ("--from=build", "--from=made", 11),
        ("CMD [\"a\"]", "CMD a", 12),
        ("CMD [\"a\", \"b\"]", "CMD a b", 13),
        ("COPY crates", "COPPY crates", 8),
    ] {
        let found = wrong(from, to);
        assert!(found.iter().any(|f| f.starts_with(&format!("Containerfile:{line}: "))), "{from} → {to}: {found:?}");
    }
}
