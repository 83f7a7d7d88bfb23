//! What a figure depends on: the machine, its disk, and what else it was doing.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use rustix::fs::{major, minor, stat};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

/// The whole disk below the folder of stores, as `/proc/diskstats` names it.
static DISK: OnceLock<Option<String>> = OnceLock::new();

/// The machine in a few lines; from now on [`flushes`] counts those of the disk below `folder`.
pub fn describe(folder: &Path) -> String {
    let disk = DISK.get_or_init(|| disk_of(folder));
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let field = |name: &str| {
        let line = cpu.lines().find(|l| l.starts_with(name));
        line.and_then(|l| l.split_once(':')).map_or("unknown", |(_, v)| v.trim()).to_owned()
    };
    let flags = field("flags");
    let has = |flag: &str| if flags.split(' ').any(|f| f == flag) { "yes" } else { "no" };
    let memory = read("/proc/meminfo").lines().next().and_then(kilobytes).unwrap_or(0) / (1 << 20);
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map_or_else(|_| "unknown".into(), |o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
    let load = read("/proc/loadavg").split(' ').next().unwrap_or("?").to_owned();
    format!(
        "Machine: {} (family {}, model {}; AVX-512 IFMA {}, SHA-NI {}), {} cores, {memory} GiB\n\
         Linux {}, {rustc}, {}\n\
         Stores on {} ({}); load when it began: {load}\n",
        field("model name"),
        field("cpu family"),
        field("model\t"),
        has("avx512ifma"),
        has("sha_ni"),
        cores(),
        read("/proc/sys/kernel/osrelease").trim(),
        openssl::version::version(),
        file_system(folder),
        disk.as_deref().map_or("its flushes cannot be counted".into(), |d| format!("{d}, {}", write_cache(d))),
    )
}

/// Cores this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn kilobytes(line: &str) -> Option<u64> {
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The type of the file system, of the longest mount point above `folder`.
fn file_system(folder: &Path) -> String {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let found = mounts.lines().filter_map(|line| {
        let point = line.split(' ').nth(4)?;
        let kind = line.split_once(" - ")?.1.split(' ').next()?;
        folder.starts_with(point).then_some((point.len(), kind))
    });
    match found.max_by_key(|(len, _)| *len) {
        Some((_, "tmpfs")) => "tmpfs: NOT A DISK, durable figures mean nothing".into(),
        found => found.map_or("unknown", |(_, kind)| kind).to_owned(),
    }
}

fn write_cache(disk: &str) -> String {
    let kind = fs::read_to_string(format!("/sys/block/{disk}/queue/write_cache")).unwrap_or_default();
    format!("write cache: {}", kind.trim())
}

/// The whole disk: the kernel counts flushes there, not with its partitions.
fn disk_of(folder: &Path) -> Option<String> {
    let device = stat(folder).ok()?.st_dev;
    let link = fs::canonicalize(format!("/sys/dev/block/{}:{}", major(device), minor(device))).ok()?;
    let disk = if link.join("partition").exists() { link.parent()?.to_owned() } else { link };
    let name = disk.file_name()?.to_string_lossy().into_owned();
    count(&name).map(|_| name)
}

/// Flush requests that the disk has completed: the 16th figure of its line in `/proc/diskstats`.
fn count(disk: &str) -> Option<u64> {
    let stats = fs::read_to_string("/proc/diskstats").ok()?;
    let line = stats.lines().find(|l| l.split_whitespace().nth(2) == Some(disk))?;
    line.split_whitespace().nth(18)?.parse().ok()
}

/// Flushes of the disk so far, everybody's; `None` where they are not counted.
pub fn flushes() -> Option<u64> {
    count(DISK.get()?.as_deref()?)
}

/// Flushes since then; not a number where they are not counted.
pub fn flushes_since(before: Option<u64>) -> f64 {
    match (before, flushes()) {
        (Some(before), Some(now)) => (now - before) as f64,
        _ => f64::NAN,
    }
}

/// CPU time of another process, user and system, in clock ticks; zero when it is gone.
pub fn ticks_of(pid: u32) -> u64 {
    process_ticks(&pid.to_string(), 11..13)
}

/// CPU time of a process, of all below it that live, and of those among them that have ended, in clock ticks.
pub fn ticks_below(pid: u32) -> u64 {
    family(pid).iter().map(|pid| process_ticks(&pid.to_string(), 11..15)).sum()
}

/// Lets a process and all below it stand still, or go on.
pub fn halt_below(pid: u32, halted: bool) {
    let signal = if halted { Signal::STOP } else { Signal::CONT };
    for pid in family(pid).into_iter().filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
        let sent = kill_process(pid, signal);
        assert!(matches!(sent, Ok(()) | Err(Errno::SRCH)), "what is measured beside us cannot be halted: {sent:?}");
    }
}

/// Memory of a process and of all below it, in bytes; what several share counts once. Zero where it may not be looked at.
pub fn memory_below(pid: u32) -> u64 {
    let of = |pid: &u32| {
        let maps = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        maps.lines().find(|l| l.starts_with("Pss:")).and_then(kilobytes).unwrap_or(0) << 10
    };
    family(pid).iter().map(of).sum()
}

/// How many files a process may open.
pub fn files_of(pid: u32) -> usize {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    let line = limits.lines().find_map(|l| l.strip_prefix("Max open files"));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(usize::MAX)
}

/// A process and all below it that live.
fn family(pid: u32) -> Vec<u32> {
    let mut family = vec![pid];
    let all: Vec<(u32, u32)> = processes();
    let mut at = 0;
    while let Some(parent) = family.get(at).copied() {
        family.extend(all.iter().filter(|(_, above)| *above == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    family
}

/// Every process with the one above it.
fn processes() -> Vec<(u32, u32)> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.map(|pid| (pid, u32::try_from(process_ticks(&pid.to_string(), 1..2)).unwrap_or(0))).collect()
}

/// The most memory a process ever held, in bytes; zero when it is gone.
pub fn peak_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().find(|l| l.starts_with("VmHWM:")).and_then(kilobytes).unwrap_or(0) << 10
}

/// A sum of fields of `/proc/…/stat`, counted from the one after the name: 1 is the process above, 11 and 12 are user
/// and system time, 13 and 14 those of children that have ended.
fn process_ticks(process: &str, fields: std::ops::Range<usize>) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let all: Vec<&str> = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').collect();
    fields.filter_map(|n| all.get(n)?.parse::<u64>().ok()).sum()
}

/// What the cores did, all and we, in clock ticks.
#[derive(Debug, Clone, Copy)]
pub struct Busy {
    total: u64,
    idle: u64,
    steal: u64,
    own: u64,
}

/// How much of the machine others took.
pub struct Others {
    percent: u64,
    stolen: u64,
}

impl Busy {
    /// Up to this moment.
    pub fn now() -> Self {
        let all = fs::read_to_string("/proc/stat").unwrap_or_default();
        let all = all.lines().next().unwrap_or_default();
        let all: Vec<u64> = all.split(' ').filter_map(|n| n.parse().ok()).collect();
        let at = |n: usize| all.get(n).copied().unwrap_or(0);
        Self { total: all.iter().take(8).sum(), idle: at(3) + at(4), steal: at(7), own: process_ticks("self", 11..15) }
    }

    /// What others took since `before`.
    pub fn since(self, before: &Self) -> Others {
        let total = (self.total - before.total).max(1);
        let (idle, steal) = (self.idle - before.idle, self.steal - before.steal);
        let others = total.saturating_sub(idle + steal + (self.own - before.own));
        Others { percent: others * 100 / total, stolen: steal * 100 / total }
    }
}

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Meanwhile other processes took {} % of all cores, the hypervisor {} %.", self.percent, self.stolen)
    }
}
