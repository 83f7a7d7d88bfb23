//! The other process: this test binary again, told by variables what to do. Without them the test below does nothing.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sigillo_base::Timestamp;
use tempfile::TempDir;

use super::mortal::{Countdown, End};
use super::scenario::{self, Moment};

const LIFE: &str = "SIGILLO_LIFE";
const FOLDER: &str = "SIGILLO_LIFE_FOLDER";

/// Two stores with mailboxes and nothing else, to be copied.
pub fn template() -> TempDir {
    let folder = folder();
    scenario::prepare(&scenario::open(folder.path(), 0, Moment::BEGIN.now, &Countdown::new(End::Never, |_| {})));
    folder
}

/// In memory where there is room: a kill leaves the page cache as it is, so the disk would only cost time.
fn folder() -> TempDir {
    let shm = "/dev/shm";
    let roomy = rustix::fs::statvfs(shm).is_ok_and(|fs| fs.f_bavail * fs.f_frsize >= 256 << 20);
    let mut folder = tempfile::Builder::new();
    folder.prefix("sigillo-kills-");
    if roomy { folder.tempdir_in(shm) } else { folder.tempdir() }.expect("a folder")
}

/// A pair of stores through all its lives, and what was heard of them.
pub struct Pair {
    folder: TempDir,
    lives: u64,
    /// Commits of the last life.
    pub commits: Vec<String>,
    /// How many the disk refused in all lives.
    pub refused: usize,
    answered: Vec<String>,
    at: Moment,
    /// Whether the scenario came to its end.
    pub done: bool,
}

impl Pair {
    /// A copy of the template.
    pub fn new(template: &TempDir) -> Self {
        let folder = folder();
        for name in ["alfa", "beta"] {
            let to = folder.path().join(name);
            std::fs::create_dir(&to).expect("a folder");
            for entry in std::fs::read_dir(template.path().join(name)).expect("a folder") {
                let entry = entry.expect("an entry");
                std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
            }
        }
        let (commits, answered) = (Vec::new(), Vec::new());
        Self { folder, lives: 0, commits, refused: 0, answered, at: Moment::BEGIN, done: false }
    }

    /// The folder of both stores.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// One process, from where the last one ended; `wrapped` goes in front (strace). It must end as it was told to.
    pub fn live(&mut self, end: End, wrapped: &[&str]) {
        self.lives += 1;
        self.commits.clear();
        // A file that may not grow is an error to be handled, not a signal to die of.
        let ignore = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];
        let exe = std::env::current_exe().expect("a running program has a file");
        let words: Vec<PathBuf> = ignore.iter().chain(wrapped).map(PathBuf::from).chain([exe]).collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(["--exact", "kills::life::child", "--nocapture", "--test-threads=1"]);
        let Moment { step, now } = self.at;
        command.env(LIFE, format!("{} {step} {} {end}", self.lives, now.as_millis())).env(FOLDER, self.path());
        let err = self.path().join("err");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&err).expect("a file"))
            .spawn()
            .expect("sh");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        // Bytes, not lines of text: the last one may be cut.
        out.split(b'\n').for_each(|line| self.hear(&String::from_utf8_lossy(&line.expect("a pipe"))));
        let status = child.wait().expect("its end");
        let well = status.signal() == Some(9) || self.done && status.success();
        let err = std::fs::read_to_string(err).unwrap_or_default();
        assert!(well, "{}: the process ended with {status}: {err}", self.killed(end));
        self.at = self.at.after_death();
    }

    fn hear(&mut self, line: &str) {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["commit", ..] => self.commits.push(line["commit ".len()..].to_owned()),
            ["refused"] => self.refused += 1,
            ["answered", name] => self.answered.push(name.to_owned()),
            ["at", step, now] => {
                let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("no number: {line}"));
                self.at = Moment { step: number(step) as usize, now: Timestamp::from_millis(number(now)) };
            }
            ["done"] => self.done = true,
            _ => {}
        }
    }

    /// Goes on to the end with fresh engines, and compares with the model.
    pub fn finish(mut self, how: End) {
        let killed = self.killed(how);
        let check =
            |what: &str, checked: Result<(), String>| checked.unwrap_or_else(|e| panic!("{killed}: {what}: {e}"));
        let mut street =
            scenario::open(self.folder.path(), self.lives + 1, self.at.now, &Countdown::new(End::Never, |_| {}));
        check("right after the start", scenario::check_begin(&street, &self.answered));
        let at = self.at;
        // What was refused last is done the next time, also when nothing came after it.
        if !self.done || self.refused > 0 {
            scenario::go_on(&mut street, at, &mut |line| self.hear(line));
        }
        // What waited for no disk and was forgotten is done again.
        scenario::rest(&mut street);
        check("at the end", scenario::check_end(&street, &self.answered));
    }

    /// `killed after 17; the last commit was 17 alfa: avvenuta-consegna`
    pub fn killed(&self, how: End) -> String {
        let last = self.commits.last().map_or("none", |c| c);
        format!("life {}, killed {how}; the last commit begun was {last}", self.lives)
    }
}

/// One write, at once and whole.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{line}\n").as_bytes()).expect("a pipe");
    out.flush().expect("a pipe");
}

#[test]
fn child() {
    let (Ok(life), Some(folder)) = (std::env::var(LIFE), std::env::var_os(FOLDER)) else { return };
    let [life, step, now, end] = life.splitn(4, ' ').collect::<Vec<_>>()[..] else { panic!("{life}") };
    let number = |text: &str| text.parse::<i64>().expect("a number");
    let at = Moment { step: number(step) as usize, now: Timestamp::from_millis(number(now)) };
    let countdown = Countdown::new(end.parse().expect("an end"), say);
    let mut street = scenario::open(Path::new(&folder), number(life) as u64, at.now, &countdown);
    scenario::go_on(&mut street, at, &mut say);
}
