//! The built program as a child process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sigillo_base::Address;
use tempfile::TempDir;

/// How long a start may take on a busy machine: keys are made.
const START: Duration = Duration::from_secs(60);
const END: Duration = Duration::from_secs(30);

/// The program and how it was built.
pub fn program() -> Option<(PathBuf, &'static str)> {
    if let Some(named) = std::env::var_os("SIGILLO_BIN") {
        return Some((named.into(), "$SIGILLO_BIN"));
    }
    let own = std::env::current_exe().ok()?;
    let profile = own.parent()?.parent()?;
    let release = (profile.join("sigillo"), "release");
    let debug = (profile.parent()?.join("debug/sigillo"), "debug");
    [release, debug].into_iter().find(|(path, _)| path.is_file())
}

/// A mailbox as demo.json names it.
pub struct Mailbox {
    pub address: Address,
    pub password: String,
}

/// A demonstration that runs until it is dropped.
pub struct Demo {
    child: Child,
    info: Value,
    _folder: TempDir,
}

impl Demo {
    /// Starts it with `massive` more massive-extra-large mailboxes a provider, and waits until it listens.
    pub fn start(program: &Path, below: &Path, massive: usize) -> Self {
        let folder = tempfile::Builder::new().prefix("d").tempdir_in(below).expect("a folder");
        let child = Command::new(program)
            .args(["demo", "--no-exchange", "--clamd", "none", "--massive", &massive.to_string(), "--data"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut demo = Self { child, info: Value::Null, _folder: folder };
        let begun = Instant::now();
        while demo.info.is_null() {
            assert!(begun.elapsed() < START, "the program does not come up");
            assert!(demo.child.try_wait().expect("a child of ours").is_none(), "the program has ended");
            std::thread::sleep(Duration::from_millis(50));
            if let Ok(json) = std::fs::read(demo._folder.path().join("demo.json")) {
                demo.info = serde_json::from_slice(&json).expect("demo.json is JSON");
            }
        }
        demo
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The authority's certificate.
    pub fn ca_file(&self) -> PathBuf {
        text(&self.info["ca_file"]).into()
    }

    /// Where the first provider listens for this.
    pub fn address(&self, role: &str) -> String {
        text(&self.info["providers"][0][role])
    }

    /// The massive-extra-large mailboxes of a provider.
    pub fn massive(&self, provider: usize) -> Vec<Mailbox> {
        let all = self.info["providers"][provider]["mailboxes"].as_array().expect("mailboxes");
        let massive = all.iter().filter(|m| m["profile"] == "massive-extra-large");
        massive
            .map(|m| Mailbox {
                address: Address::parse(&text(&m["address"])).expect("an address"),
                password: text(&m["password"]),
            })
            .collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
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
