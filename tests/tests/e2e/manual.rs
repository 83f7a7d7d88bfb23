//! Manual pages and completions of the built program, judged by groff and bash.

use std::fs;
use std::path::Path;

use sigillo_tests::demo::{installed, run, sigillo, wanted};
use tempfile::TempDir;

fn pages(folder: &Path, lang: &str) -> Vec<String> {
    let dir = folder.join(lang).to_string_lossy().into_owned();
    sigillo(&["--lang", lang, "man", &dir], 30).fine("man");
    let mut pages: Vec<String> = fs::read_dir(&dir)
        .expect("a folder")
        .map(|page| page.expect("a page").path().to_string_lossy().into_owned())
        .collect();
    pages.sort();
    pages
}

#[test]
fn the_manual_is_sound_and_speaks_both_languages() {
    let folder = TempDir::new().expect("a folder");
    let (italian, english) = (pages(folder.path(), "it"), pages(folder.path(), "en"));
    assert!(italian.len() == english.len() && italian.len() > 60, "{italian:?}");
    if let Some(groff) = wanted("groff", "groff-base") {
        for page in italian.iter().chain(&english) {
            let ran = run(&groff, &["-K", "utf8", "-man", "-T", "utf8", "-ww", "-z", page], b"", 30).fine("groff");
            assert!(ran.err.is_empty(), "{page}: {}", ran.err);
        }
        let page = italian.iter().find(|page| page.ends_with("/sigillo-serve.1")).expect("a page");
        let shown = run(&groff, &["-K", "utf8", "-man", "-T", "utf8", "-P", "-cbou", page], b"", 30).fine("groff").out;
        assert!(shown.contains("SINTASSI") && shown.contains("--config"), "{shown}");
    }
    if let Some(mandoc) = installed("mandoc") {
        let args: Vec<&str> =
            ["-T", "lint", "-W", "error"].into_iter().chain(italian.iter().map(String::as_str)).collect();
        run(mandoc, &args, b"", 60).fine("mandoc -T lint");
    }
    let help = sigillo(&["--lang", "en", "queue", "--help"], 10).fine("help").out;
    assert!(help.contains("Usage: sigillo queue") && help.contains("Shows the messages that wait to leave"), "{help}");
    let help = sigillo(&["queue", "--help"], 10).fine("help").out;
    assert!(
        help.contains("Uso: sigillo queue") && help.contains("Mostra i messaggi che attendono di partire"),
        "{help}"
    );
}

#[test]
fn completions_complete() {
    let folder = TempDir::new().expect("a folder");
    let script = folder.path().join("sigillo.bash").to_string_lossy().into_owned();
    fs::write(&script, sigillo(&["completions", "bash"], 10).fine("completions").out).expect("the script");
    run("bash", &["-n", &script], b"", 10).fine("bash -n");
    let complete = |words: &str, current: &str, before: &str| {
        let ask = format!(
            "source {script}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _sigillo sigillo '{current}' '{before}'; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let out = run("bash", &["--norc", "-c", &ask], b"", 10).fine("bash completes").out;
        out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete("sigillo quar", "quar", "sigillo"), ["quarantine"]);
    let verbs = complete("sigillo person totp re", "re", "totp");
    assert_eq!(verbs, ["remove", "reset"]);
    assert!(complete("sigillo serve --c", "--c", "serve").contains(&"--config".to_owned()));
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let script = sigillo(&["completions", shell], 10).fine(shell).out;
        assert!(script.contains("quarantine"), "{shell}: {script}");
        if let Some(shell) = installed(shell).filter(|_| shell != "powershell") {
            run(shell, &["-n"], script.as_bytes(), 10).fine("the shell reads it");
        }
    }
    let ran = sigillo(&["completions", "ksh"], 10);
    assert_eq!(ran.code, Some(2), "{}", ran.all());
}

/// The package itself is built by `make deb` alone: cargo-deb takes minutes to build.
#[test]
fn what_a_package_holds_is_there_or_made_by_the_program() {
    let (folder, root) = (TempDir::new().expect("a folder"), Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    std::os::unix::fs::symlink(sigillo_tests::demo::binary(), folder.path().join("sigillo")).expect("a link");
    run(root.join(".ci/package"), &[&folder.path().to_string_lossy()], b"", 120).fine(".ci/package");
    let manifest = fs::read_to_string(root.join("crates/server/Cargo.toml")).expect("the manifest");
    let assets = manifest.lines().filter_map(|l| l.strip_prefix("  [\"")?.split_once('"')).map(|(source, _)| source);
    let mut seen = 0;
    for source in assets {
        let path = match source.strip_prefix("target/release/") {
            Some(made) => folder.path().join(made),
            None => root.join("crates/server").join(source),
        };
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let (before, after) = name.split_once('*').unwrap_or((&name, ""));
        let found = fs::read_dir(path.parent().expect("a folder")).expect("a folder of the package").any(|file| {
            let file = file.expect("a file").file_name().to_string_lossy().into_owned();
            file.starts_with(before) && file.ends_with(after)
        });
        assert!(found, "{source} is nowhere");
        seen += 1;
    }
    assert_eq!(seen, 14, "{manifest}");
    let config = fs::read_to_string(folder.path().join("package/sigillo.toml")).expect("the configuration");
    for line in ["path = \"/var/lib/sigillo\"", "socket = \"/run/sigillo/admin.sock\""] {
        assert!(config.lines().any(|l| l == line), "{line}");
    }
}
