//! The Debian package, made of the program that the tests have built, as the manual says it is; and the commands of the image.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sigillo_tests::demo::{binary, run, wanted};
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Packs the program as `make deb` does, but for its compilation; gives the package.
fn packed(folder: &Path) -> PathBuf {
    let (built, out) = (folder.join("dist"), folder.join("sigillo.deb"));
    fs::create_dir(&built).expect("a folder");
    // Without what only a debugger reads, or packing takes minutes.
    run("strip", &["-o", &text(&built.join("sigillo")), &text(&binary())], b"", 60).fine("strip");
    run(root().join(".ci/package"), &[&text(&built)], b"", 60).fine(".ci/package");
    let target = format!("CARGO_TARGET_DIR={}", folder.display());
    let manifest = text(&root().join("crates/server/Cargo.toml"));
    let pack = ["--locked", "--offline", "--no-build", "--no-strip", "--fast", "--profile", "dist"];
    let what = ["--manifest-path", &manifest, "-o", &text(&out)];
    run("env", &[&[target.as_str(), "cargo", "deb"], &pack[..], &what].concat(), b"", 120).fine("cargo deb");
    out
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The user comes first, and nothing is enabled or started.
fn comes_with_its_user(folder: &Path, control: &Path, installed: &Path) {
    let calls = configured(folder, control);
    assert!(calls.first().is_some_and(|call| call.starts_with("systemd-sysusers ")), "{calls:?}");
    assert!(!calls.iter().any(|call| call.contains(" enable") || call.contains(" start")), "{calls:?}");
    assert!(read(&control.join("postinst")).contains("systemd-tmpfiles --create sigillo.conf"), "the folders");
    let removed = read(&control.join("postrm"));
    assert!(!removed.contains("/var/lib/sigillo"), "the logs stay: {removed}");
    if rustix::process::geteuid().is_root() {
        let at = format!("--root={}", installed.display());
        run("systemd-sysusers", &[&at], b"", 30).fine("systemd-sysusers");
        run("systemd-tmpfiles", &[&at, "--create", "sigillo.conf"], b"", 30).fine("systemd-tmpfiles");
        assert!(read(&installed.join("etc/passwd")).contains("sigillo:"), "the user");
        for (path, wanted) in [("var/lib/sigillo", 0o700), ("etc/sigillo/keys", 0o750)] {
            let mode = fs::metadata(installed.join(path)).expect(path).permissions().mode() & 0o7777;
            assert_eq!(mode, wanted, "{path}");
        }
    }
}

#[test]
fn the_package_holds_what_its_manual_says_and_its_program_starts_from_it() {
    for (program, package) in [
        ("cargo-deb", "none: .ci/cargo-deb"),
        ("dpkg-deb", "dpkg"),
        ("strip", "binutils"),
        ("systemd-sysusers", "systemd"),
    ] {
        if wanted(program, package).is_none() {
            return;
        }
    }
    let folder = TempDir::new().expect("a folder");
    let (deb, installed, control) = (packed(folder.path()), folder.path().join("root"), folder.path().join("control"));
    let ask = |args: &[&str]| run("dpkg-deb", &[args, &[&text(&deb)]].concat(), b"", 60).fine("dpkg-deb").out;
    let field = |name: &str| ask(&["--show", &format!("--showformat=${{{name}}}")]);
    assert_eq!(field("Package"), "sigillo");
    let depends = field("Depends");
    for needed in ["libc6", "libssl3", "systemd"] {
        assert!(depends.contains(needed), "{needed}: {depends}");
    }
    run("dpkg-deb", &["--control", &text(&deb), &text(&control)], b"", 60).fine("dpkg-deb --control");
    run("dpkg-deb", &["--extract", &text(&deb), &text(&installed)], b"", 60).fine("dpkg-deb --extract");
    assert_eq!(
        read(&control.join("conffiles")).trim(),
        "/etc/sigillo/sigillo.toml",
        "an upgrade keeps what was changed"
    );

    // Nobody but root changes anything, everybody reads it, and one file is a program.
    for line in ask(&["--contents"]).lines() {
        let (mode, path) = (line.split(' ').next().expect("a mode"), line.split(" ./").nth(1).unwrap_or_default());
        let wanted = match path {
            "usr/bin/sigillo" => "-rwxr-xr-x",
            _ if mode.starts_with('d') => "drwxr-xr-x",
            _ => "-rw-r--r--",
        };
        assert!(mode == wanted && line.contains(" 0/0 "), "{line}");
    }

    comes_with_its_user(folder.path(), &control, &installed);
    units(&installed);

    // What is beside the program is the program's own, whole.
    let program = installed.join("usr/bin/sigillo");
    let made = run(&program, &["--version"], b"", 30).fine("--version").out;
    assert!(field("Version").starts_with(made.trim().trim_start_matches("sigillo ")), "{made}: {}", field("Version"));
    let pages = |folder: &str| -> BTreeSet<String> {
        let names = fs::read_dir(installed.join(folder)).expect("pages").map(|f| f.expect("a page").file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    };
    let (english, italian) = (pages("usr/share/man/man1"), pages("usr/share/man/it/man1"));
    assert!(english.len() > 50 && english == italian && english.contains("sigillo-serve.1.gz"), "{english:?}");
    for completion in [
        "bash-completion/completions/sigillo",
        "zsh/vendor-completions/_sigillo",
        "fish/vendor_completions.d/sigillo.fish",
    ] {
        assert!(read(&installed.join("usr/share").join(completion)).contains("mailbox"), "{completion}");
    }
    for document in ["copyright", "changelog", "README.md", "docs/operations.md"] {
        let path = installed.join("usr/share/doc/sigillo").join(document);
        assert!(path.exists() || path.with_extension("gz").exists(), "{document}");
    }

    // Its configuration is one that it reads: what is missing are the papers, by name, and with those of a trial nothing is.
    let sample = read(&installed.join("etc/sigillo/sigillo.toml"));
    assert!(sample.contains("path = \"/var/lib/sigillo\"") && sample.contains("socket = \"/run/sigillo/admin.sock\""));
    let place = folder.path().join("etc");
    fs::create_dir(&place).expect("a folder");
    fs::write(place.join("sigillo.toml"), &sample).expect("a copy");
    let check = || run(&program, &["config", "check", &text(&place.join("sigillo.toml"))], b"", 30);
    let missing = check();
    assert!(missing.code == Some(2) && missing.err.contains("`signing.certificate`"), "{}", missing.all());
    run(&program, &["config", "init", &text(&place)], b"", 60).fine("config init");
    check().fine("config check");
}

/// What the package asks of the system when it is installed for the first time.
fn configured(folder: &Path, control: &Path) -> Vec<String> {
    let (tools, calls) = (folder.join("tools"), folder.join("calls"));
    fs::create_dir(&tools).expect("a folder");
    for tool in ["systemd-sysusers", "systemd-tmpfiles", "systemctl", "deb-systemd-helper", "deb-systemd-invoke"] {
        let script = format!(
            "#!/bin/sh\necho \"{tool} $*\" >>'{}'\ncase \"$*\" in *was-enabled*|*debian-installed*) exit 1;; esac\n",
            calls.display()
        );
        fs::write(tools.join(tool), script).expect("a tool");
        fs::set_permissions(tools.join(tool), fs::Permissions::from_mode(0o755)).expect("it can be run");
    }
    let path = format!("PATH={}:{}", tools.display(), std::env::var("PATH").unwrap_or_default());
    run("env", &[&path, &text(&control.join("postinst")), "configure", ""], b"", 30).fine("postinst");
    let calls = fs::read_to_string(calls).expect("it asked for something");
    calls.lines().map(str::to_owned).collect()
}

/// The units are those that `systemd` judges, each of them, and what they start is in the package.
fn units(installed: &Path) {
    let (here, there) = (root().join("config/systemd"), installed.join("usr/lib/systemd/system"));
    let mut found = 0;
    for file in fs::read_dir(&here).expect("the units").map(|f| f.expect("a unit").path()).filter(|path| path.is_file())
    {
        let unit = fs::read_to_string(&file).expect("a unit");
        let packed = there.join(file.file_name().expect("a name"));
        assert_eq!(fs::read_to_string(&packed).ok().as_ref(), Some(&unit), "{}", packed.display());
        if let Some(program) = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")?.split(' ').next()) {
            assert!(installed.join(program.trim_start_matches('/')).is_file(), "{program}");
        }
        found += 1;
    }
    assert_eq!(found, 9, "a service, a socket for each role, and one for the challenges of ACME");
}

/// What the image starts and asks is what the program takes. (Building it needs a network and half an hour; what it is built of
/// is looked at by `tidy`.)
#[test]
fn the_commands_of_the_image_are_commands_of_the_program() {
    let text = fs::read_to_string(root().join("Containerfile")).expect("the file");
    let list = |name: &str| -> Vec<String> {
        let line = text.lines().find(|line| line.starts_with(name)).expect(name);
        serde_json::from_str(&line[line.find('[').expect("a list")..]).expect("a list")
    };
    let (starts, serves, asks) = (list("ENTRYPOINT"), list("CMD"), list("HEALTHCHECK"));
    assert_eq!((starts.as_slice(), &asks[0]), (&["/usr/bin/sigillo".to_owned()][..], &starts[0]));
    for arguments in [&serves[..], &asks[1..]] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(["--help"]).collect();
        run(binary(), &arguments, b"", 30).fine("a command of the image");
    }
    // Its ports are those that the sample advises, and of the interface.
    let sample = include_str!("../../../config/sigillo.toml");
    let ports = text.lines().find_map(|line| line.strip_prefix("EXPOSE ")).expect("ports");
    for port in ports.split(' ') {
        let advised = [format!("porta {port}"), format!(":{port}\"")];
        assert!(advised.iter().any(|text| sample.contains(text)), "{port}");
    }
}
