//! A store that ends its own process at a commit that was chosen, or finds the disk full there.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::process::{Resource, Rlimit, Signal, getpid, getrlimit, kill_process, setrlimit};
use sigillo_store::{Batch, Durability, Error, Row, Store, tag};
use sigillo_store_rocks::RocksStore;

/// When a life ends. Commits count from 1, those of all providers together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With its work.
    Never,
    /// Killed before this commit.
    Before(u64),
    /// Killed after it, before anybody hears of it.
    After(u64),
    /// Killed after so many microseconds.
    In(u64),
    /// From this commit on the files of the store cannot grow but by so many bytes; killed before the first commit
    /// after one that was refused, so that no time passes on a full disk.
    Full(u64, u64),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Before(n) => write!(f, "before {n}"),
            Self::After(n) => write!(f, "after {n}"),
            Self::In(us) => write!(f, "in {us}"),
            Self::Full(n, room) => write!(f, "full {n} {room}"),
        }
    }
}

impl FromStr for End {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split(' ').collect();
        let number = |word: &str| word.parse().map_err(|_| format!("no number in {text}"));
        Ok(match words[..] {
            ["never"] => Self::Never,
            ["before", n] => Self::Before(number(n)?),
            ["after", n] => Self::After(number(n)?),
            ["in", us] => Self::In(number(us)?),
            ["full", n, room] => Self::Full(number(n)?, number(room)?),
            _ => return Err(format!("no end of a life: {text}")),
        })
    }
}

/// Commits up to the end.
pub struct Countdown {
    end: End,
    commits: AtomicU64,
    refused: AtomicBool,
    say: fn(&str),
}

impl Countdown {
    /// Begins; each commit is said before it is made.
    pub fn new(end: End, say: fn(&str)) -> Arc<Self> {
        if let End::In(us) = end {
            std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_micros(us));
                die();
            });
        }
        Arc::new(Self { end, commits: AtomicU64::new(0), refused: AtomicBool::new(false), say })
    }
}

/// SIGKILL: nothing is tidied up.
fn die() -> ! {
    kill_process(getpid(), Signal::KILL).expect("a signal to ourselves");
    loop {
        std::thread::park();
    }
}

/// A provider's store.
pub struct Mortal {
    store: RocksStore,
    provider: &'static str,
    countdown: Arc<Countdown>,
}

impl Mortal {
    /// The store of this provider.
    pub fn new(store: RocksStore, provider: &'static str, countdown: &Arc<Countdown>) -> Arc<Self> {
        Arc::new(Self { store, provider, countdown: Arc::clone(countdown) })
    }

    /// The live log grows by `room` bytes at the most, and so does every other file that is as long.
    fn fill_up(&self, room: u64) {
        let files = std::fs::read_dir(self.store.path()).expect("a folder").map(|e| e.expect("an entry").path());
        let log = files.filter(|p| p.extension().is_some_and(|e| e == "log")).max().expect("a live log");
        let most = log.metadata().expect("a file").len() + room;
        let limit = Rlimit { current: Some(most), maximum: getrlimit(Resource::Fsize).maximum };
        setrlimit(Resource::Fsize, limit).expect("a lower limit");
    }
}

impl Store for Mortal {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.store.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, Error> {
        self.store.scan(from, to, limit)
    }

    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        if batch.is_read_only() {
            return self.store.commit(batch, durability);
        }
        let n = self.countdown.commits.fetch_add(1, Ordering::Relaxed) + 1;
        (self.countdown.say)(&format!("commit {n} {}: {}", self.provider, phase(batch)));
        match self.countdown.end {
            End::Before(at) if n == at => die(),
            End::Full(at, room) if n == at => self.fill_up(room),
            End::Full(..) if self.countdown.refused.load(Ordering::Relaxed) => die(),
            _ => {}
        }
        let done = self.store.commit(batch, durability);
        if self.countdown.end == End::After(n) {
            die();
        }
        if matches!(done, Err(Error::Temporary(_))) {
            self.countdown.refused.store(true, Ordering::Relaxed);
            (self.countdown.say)("refused");
        }
        done
    }
}

/// What a commit is about: the events that it logs, or else the rows that it writes (`+`) and removes (`-`).
fn phase(batch: &Batch) -> String {
    let mut about: Vec<String> = batch.writes().filter_map(|(key, value)| event(key, value?)).collect();
    if about.is_empty() {
        let name = |key: &[u8]| tag::ALL.iter().find(|(tag, _)| *tag == key[0]).map_or("?", |(_, name)| name);
        let row =
            |(key, value): (&[u8], Option<&[u8]>)| format!("{}{}", if value.is_some() { '+' } else { '-' }, name(key));
        about = batch.writes().map(row).collect();
    }
    about.dedup();
    about.join(" ")
}

/// The kind of message that a row of the legal log tells of.
fn event(key: &[u8], value: &[u8]) -> Option<String> {
    let line = String::from_utf8_lossy(value);
    let (_, kind) = line.split_once("tipo=").filter(|_| key[0] == tag::LEGAL_LOG)?;
    kind.split(' ').next().map(str::to_owned)
}
