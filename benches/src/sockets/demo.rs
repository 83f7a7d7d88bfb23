//! The built program as a child process.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sigillo_base::Address;
use tempfile::TempDir;

use super::street::{Mailbox, Place};
use crate::machine::peak_memory;

/// How long a start may take on a busy machine: keys are made.
const START: Duration = Duration::from_secs(60);
const END: Duration = Duration::from_secs(30);

/// The program and how it was built: what an operator installs (`dist`), a release build or a debug build, in this order.
pub fn program() -> Option<(PathBuf, &'static str)> {
    const BUILDS: [&str; 3] = ["dist", "release", "debug"];
    if let Some(named) = std::env::var_os("SIGILLO_BIN").map(PathBuf::from) {
        let folder = named.parent()?.file_name();
        let build = BUILDS.into_iter().find(|build| folder.is_some_and(|folder| folder == *build));
        return Some((named, build.unwrap_or("$SIGILLO_BIN")));
    }
    let own = std::env::current_exe().ok()?;
    // …/target/release/deps/figures
    let target = own.ancestors().nth(3)?;
    BUILDS.into_iter().map(|build| (target.join(build).join("sigillo"), build)).find(|(path, _)| path.is_file())
}

/// A demonstration that runs until it is dropped.
pub struct Demo {
    child: Child,
    info: Value,
    folder: TempDir,
}

impl Demo {
    /// Starts it with `massive` more massive-extra-large mailboxes and `standard` more standard ones a provider, and
    /// waits until it listens. `clamd` is where the antivirus listens.
    pub fn start(program: &Path, below: &Path, massive: usize, standard: usize, clamd: Option<&Path>) -> Self {
        let folder = tempfile::Builder::new().prefix("d").tempdir_in(below).expect("a folder");
        let child = Command::new(program)
            .args(["demo", "--no-exchange", "--massive", &massive.to_string(), "--mailboxes", &standard.to_string()])
            .arg("--clamd")
            .arg(clamd.unwrap_or(Path::new("none")))
            .arg("--data")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut demo = Self { child, info: Value::Null, folder };
        let begun = Instant::now();
        while demo.info.is_null() {
            assert!(begun.elapsed() < START, "the program does not come up");
            assert!(demo.child.try_wait().expect("a child of ours").is_none(), "the program has ended");
            std::thread::sleep(Duration::from_millis(50));
            if let Ok(json) = std::fs::read(demo.folder.path().join("demo.json")) {
                demo.info = serde_json::from_slice(&json).expect("demo.json is JSON");
            }
        }
        demo
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The most memory it ever held, in MB of 2^20 bytes.
    pub fn peak_mb(&self) -> f64 {
        peak_memory(self.child.id()) as f64 / f64::from(1 << 20)
    }

    /// Where clients of the first provider go; those with a mailbox of this profile there send to those of the second.
    pub fn place(&self, profile: &str) -> Place {
        let [senders, recipients] = [0, 1].map(|provider| self.mailboxes(provider, profile));
        let address = |role: &str| text(&self.info["providers"][0][role]);
        Place {
            ca_file: text(&self.info["ca_file"]).into(),
            submissions: address("submissions"),
            imaps: self.imaps(),
            pairs: senders.into_iter().zip(recipients).collect(),
            certified: true,
        }
    }

    fn imaps(&self) -> String {
        text(&self.info["providers"][0]["imaps"])
    }

    fn mailboxes(&self, provider: usize, profile: &str) -> Vec<Mailbox> {
        let all = self.info["providers"][provider]["mailboxes"].as_array().expect("mailboxes");
        let wanted = all.iter().filter(|m| m["profile"] == profile);
        wanted
            .map(|m| Mailbox {
                address: Address::parse(&text(&m["address"])).expect("an address"),
                password: text(&m["password"]),
            })
            .collect()
    }
}

impl Drop for Demo {
    /// What failed is kept, to be looked into.
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
            eprintln!("  kept: {}", self.folder.path().display());
        }
    }
}

impl Demo {
    /// Ends it, and starts its first provider again by itself as `serve` does, with these changes of its
    /// configuration: what stands there, and what is to.
    pub fn serve(&mut self, program: &Path, changes: &[(&str, &str)]) {
        self.end();
        let file = self.folder.path().join("alfa/sigillo.toml");
        let mut text = std::fs::read_to_string(&file).expect("its configuration");
        for (from, to) in changes {
            assert!(text.contains(from), "no {from:?} in {}", file.display());
            text = text.replacen(from, to, 1);
        }
        std::fs::write(&file, text).expect("room on the disk");
        self.child = Command::new(program)
            .args(["serve", "--config"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let (begun, address) = (Instant::now(), self.imaps());
        while TcpStream::connect(&address).is_err() {
            assert!(begun.elapsed() < START, "the program does not come up");
            assert!(self.child.try_wait().expect("a child of ours").is_none(), "the program has ended");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn end(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let asked = pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        let begun = Instant::now();
        while asked && begun.elapsed() < END {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait().map(drop)) {
            eprintln!("  the program does not end: {error}");
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("demo.json has it").to_owned()
}
