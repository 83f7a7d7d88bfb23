//! A clamd of the test's own (Debian: clamav-daemon), with one signature written here: it knows EICAR and nothing else.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use data_encoding::HEXLOWER;
use tempfile::TempDir;

use crate::demo::{Guard, installed, wait_for};

/// What clamd calls EICAR here: signatures that are not ClamAV's own bear the mark.
pub const MALWARE: &str = "Eicar-Test-Signature.UNOFFICIAL";

/// The harmless test file that every antivirus reports (eicar.org). In pieces, or scanners would report this source.
pub fn eicar() -> String {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE", "!$H+H*"].concat()
}

/// Where clamd is.
#[track_caller]
fn program() -> PathBuf {
    installed("clamd").expect("clamd is not installed: .ci/packages --tests (Debian: clamav-daemon)")
}

/// A running clamd on a Unix socket; it ends with its owner.
pub struct Clamd {
    folder: TempDir,
    process: Option<Guard>,
}

impl Clamd {
    /// Starts it and waits until it answers.
    #[track_caller]
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("sigillo-clamd-").tempdir().expect("a temporary folder");
        let mut clamd = Self { folder, process: None };
        let signature = format!("Eicar-Test-Signature:0:*:{}\n", HEXLOWER.encode(eicar().as_bytes()));
        let path = |name| clamd.path(name).display().to_string();
        // Without `User` it stays who started it: nothing of the system's clamav account is used.
        let settings = format!(
            "Foreground yes\nLocalSocket {}\nDatabaseDirectory {}\nTemporaryDirectory {}\nLogFile {}\n\
             StreamMaxLength 100M\nMaxScanSize 400M\nMaxFileSize 100M\nAlertExceedsMax yes\n",
            path("clamd.ctl"),
            path("signatures"),
            clamd.folder.path().display(),
            path("clamd.log"),
        );
        fs::create_dir(clamd.path("signatures")).expect("a folder");
        fs::write(clamd.path("signatures/eicar.ndb"), signature).expect("the signature");
        fs::write(clamd.path("clamd.conf"), settings).expect("the settings");
        clamd.restart();
        clamd
    }

    /// The Unix socket, for `antivirus.clamd` or `sigillo demo --clamd`.
    pub fn socket(&self) -> PathBuf {
        self.path("clamd.ctl")
    }

    /// Its process.
    #[track_caller]
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("it runs").0.id()
    }

    /// Kills it as by `kill -9`: the socket stays behind and nobody listens.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Sends it a signal by name: `STOP` lets it hang, `CONT` go on.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        self.process.as_ref().expect("it runs").signal(name);
    }

    /// Starts it again on the same socket, and waits until it answers.
    #[track_caller]
    pub fn restart(&mut self) {
        self.stop();
        let output = || fs::File::create(self.path("output")).expect("a file for the output");
        let mut command = Command::new(program());
        command.arg("--config-file").arg(self.path("clamd.conf"));
        command.stdin(Stdio::null()).stdout(output()).stderr(output());
        let mut process = Guard(command.spawn().expect("clamd starts"));
        wait_for("clamd", Duration::from_secs(60), || {
            let ended = process.0.try_wait().expect("a child of ours");
            assert!(ended.is_none(), "clamd ended with {ended:?}: {}", self.said());
            self.answers().then_some(())
        });
        self.process = Some(process);
    }

    fn answers(&self) -> bool {
        let ping = || {
            let mut stream = UnixStream::connect(self.socket())?;
            stream.write_all(b"zPING\0")?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).map(|_| answer)
        };
        ping().is_ok_and(|answer: Vec<u8>| answer == b"PONG\0")
    }

    fn said(&self) -> String {
        let read = |name| fs::read_to_string(self.path(name)).unwrap_or_default();
        read("output") + &read("clamd.log")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
