use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sigillo_store::{BodyId, Store, body, tag};

use super::{child, small};
use crate::RocksStore;

/// Killed again and again in the middle of work: every number said is there, whole; none is there in part; none is
/// missing in between.
#[test]
fn a_killed_process_loses_nothing_that_was_committed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("db");
    let mut said: BTreeMap<u32, u32> = BTreeMap::new();
    for (life, pause_ms) in [400, 150, 333, 60, 271, 500].into_iter().cycle().enumerate() {
        let work = said.values().sum::<u32>();
        if life >= 6 && work > 50 {
            break;
        }
        // On a slow machine more lives do the same work.
        assert!(life < 60, "too little work to show anything: {said:?}");
        let mut child =
            child::command(&[], "numbered", &folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut note = |line: String| {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["done", writer, n] = words[..] {
                let (writer, n): (u32, u32) = (writer.parse().unwrap(), n.parse().unwrap());
                said.insert(writer, said.get(&writer).copied().unwrap_or(0).max(n + 1));
                return true;
            }
            false
        };
        // The first word that work goes on, then a while in which it goes on.
        assert!(lines.by_ref().any(|line| note(line.unwrap())), "the child never committed anything");
        std::thread::sleep(Duration::from_millis(pause_ms));
        child.kill().unwrap();
        child.wait().unwrap();
        // A line cut by the kill was not said.
        for line in lines.map_while(Result::ok) {
            note(line);
        }
        check_numbered(&folder, &said);
    }
}

pub(super) fn check_numbered(folder: &Path, said: &BTreeMap<u32, u32>) {
    let store = RocksStore::open(folder, &small()).unwrap();
    for writer in 0..child::WRITERS {
        let rows = |tag| {
            let (from, to) = (child::key(tag, writer, 0), child::key(tag, writer, u32::MAX));
            store.scan(&from, &to, usize::MAX).unwrap()
        };
        let (facts, queue) = (rows(tag::TEST), rows(tag::QUEUE_ITEM));
        let least = said.get(&writer).copied().unwrap_or(0);
        assert!(facts.len() as u32 >= least, "{least} commits were said, {} are there", facts.len());
        assert_eq!(facts.len(), queue.len(), "a commit is there in part");
        for (n, ((key, id), (_, queued))) in (0u32..).zip(facts.iter().zip(&queue)) {
            assert_eq!((key, id), (&child::key(tag::TEST, writer, n), queued), "a number is missing");
            let id = BodyId::try_from(id.as_slice()).unwrap();
            let bytes = child::bytes(writer, n);
            assert_eq!(body::verify(&store, id), Ok(bytes.len() as u64));
            assert_eq!(id, BodyId::of(&bytes));
            assert!(body::links(&store, id, 9).unwrap().contains(key));
        }
    }
    for left in body::reservations(&store, None, 100).unwrap() {
        assert_eq!(body::discard(&store, left), Ok(true));
    }
}

/// Says why when strace cannot trace here (not installed, or ptrace forbidden).
fn strace_works() -> bool {
    let tried = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    let works = tried.as_ref().is_ok_and(|out| out.status.success());
    if !works {
        eprintln!("SKIPPED: strace cannot trace here: {tried:?}");
    }
    works
}

/// A kill leaves the page cache, so it shows nothing about power cuts. This does: the log is synced before a synced
/// commit returns, and a later one does not wait for it.
#[test]
fn a_synced_commit_waits_for_the_disk() {
    if !strace_works() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let strace = ["strace", "-f", "-y", "-s", "64", "-e", "trace=write,fdatasync,fsync", "-o", trace.to_str().unwrap()];
    let out = child::command(&strace, "steps", &dir.path().join("db")).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = std::fs::read_to_string(&trace).unwrap();
    let between = |name: &str| -> Vec<&str> {
        let mut lines = text.lines().skip_while(|l| !l.contains(&format!("begin {name}")));
        assert!(lines.next().is_some(), "{text}");
        let lines: Vec<&str> = lines.take_while(|l| !l.contains(&format!("end {name}"))).collect();
        lines.into_iter().filter(|l| l.contains(".log>")).collect()
    };
    let is_write = |l: &&&str| l.contains("write(");
    let is_sync = |l: &&&str| l.contains("fdatasync(") || l.contains("fsync(");
    let (later, synced) = (between("later"), between("synced"));
    assert_eq!((later.iter().filter(is_write).count(), later.iter().filter(is_sync).count()), (1, 0), "{later:?}");
    let written = synced.iter().position(|l| is_write(&l)).expect("the commit writes the log");
    // A commit without writes makes durable what it saw, and costs nothing when that is durable already.
    let (confirm, again) = (between("confirm"), between("again"));
    assert_eq!((confirm.iter().filter(is_sync).count(), again.len()), (1, 0), "{confirm:?} {again:?}");
    let waited = synced.iter().skip(written).any(|l| is_sync(&l) && l.trim_end().ends_with("= 0"));
    assert!(waited, "no sync of the log between writing it and returning: {synced:?}");
}

/// Many waiting commits, few syncs: what makes a durable answer affordable.
#[test]
fn commits_that_wait_together_share_a_sync() {
    if !strace_works() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let strace = ["strace", "-f", "-y", "-e", "trace=fdatasync", "-o", trace.to_str().unwrap()];
    let out = child::command(&strace, "together", &dir.path().join("db")).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = std::fs::read_to_string(&trace).unwrap();
    let syncs = text.lines().filter(|l| l.contains("fdatasync(") && l.contains(".log>")).count();
    assert!((50..300).contains(&syncs), "{syncs} syncs for 400 commits of 8 writers");
}

/// From some moment on every sync fails: no commit is reported as done from then on, and everything reported before
/// is there.
#[test]
fn a_commit_whose_sync_fails_is_not_reported_as_done() {
    if !strace_works() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("db");
    let strace = ["strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e"];
    let strace = [&strace[..], &["inject=fdatasync,fsync:error=EIO:when=60+"]].concat();
    let out = child::command(&strace, "until-failure", &folder).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let done: Vec<u32> =
        text.lines().filter_map(|l| l.strip_prefix("done ")).map(|n| n.parse::<u32>().unwrap()).collect();
    let failed = text.lines().filter(|l| l.starts_with("failed ")).count();
    assert!(!done.is_empty() && failed > 0, "{text}\n{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(text.matches("temporarily unavailable").count(), failed, "the peer is to try again: {text}");
    assert!(text.contains(&format!("\nhealth true {failed}\n")), "{text}");
    let last_done = text.rfind("\ndone ").unwrap();
    let first_failed = text.find("\nfailed ").unwrap();
    assert!(last_done < first_failed, "a commit was reported as done after the disk had failed: {text}");
    let store = RocksStore::open(&folder, &small()).unwrap();
    for n in done {
        let key = [&[tag::TEST][..], &n.to_be_bytes()].concat();
        assert_eq!(store.get(&key).unwrap(), Some(n.to_be_bytes().to_vec()), "commit {n} was reported as done");
    }
}
