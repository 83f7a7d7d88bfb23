//! What a power cut leaves on the disk: of each file what was synced, and as much of the rest as is said. Writes and
//! syncs are those that strace saw; RocksDB only ever appends, so a file's past is its beginning.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::demo::{wait_for, wanted};

/// A file as the kernel was told of it.
#[derive(Debug, Clone, Copy, Default)]
struct Length {
    written: u64,
    synced: u64,
}

/// A system call that has begun.
struct Call {
    name: String,
    path: PathBuf,
    /// For a sync: what was written when it began. It promises no more.
    written: u64,
}

/// The words that trace a process into this file; `None`, and why, where strace cannot trace. The process stays our own
/// child: the tracer is a child of its own.
pub fn traced(into: &Path) -> Option<Vec<String>> {
    let calls = "trace=execve,write,pwrite64,writev,fdatasync,fsync,rename";
    let words = ["strace", "-D", "-f", "-q", "-y", "-s", "0", "-e", calls, "-o"].map(str::to_owned);
    wanted("strace", "strace")?;
    let tried = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    if !tried.as_ref().is_ok_and(|out| out.status.success()) {
        eprintln!("SKIPPED: strace cannot trace here: {tried:?}");
        return None;
    }
    Some(words.into_iter().chain([into.to_string_lossy().into_owned()]).collect())
}

/// Cuts every file below a folder that the traced process wrote, once that has ended. `kept` is asked how many of so many
/// unsynced bytes had reached the disk. Gives how many bytes are gone.
///
/// # Panics
/// When the trace does not come to its end, or a file cannot be cut.
pub fn cut(trace: &Path, folder: &Path, kept: &mut dyn FnMut(u64) -> u64) -> u64 {
    let text = wait_for("the end of the trace", Duration::from_secs(30), || {
        let text = String::from_utf8_lossy(&std::fs::read(trace).ok()?).into_owned();
        ended(&text).then_some(text)
    });
    let mut gone = 0;
    for (path, length) in lengths(&text).into_iter().filter(|(path, _)| path.starts_with(folder)) {
        // A file that is gone was removed on purpose.
        let Ok(file) = std::fs::OpenOptions::new().write(true).open(&path) else { continue };
        let len = file.metadata().expect("a file").len();
        let unsynced = len.saturating_sub(length.synced);
        let loses = unsynced - kept(unsynced).min(unsynced);
        file.set_len(len - loses).expect("a shorter file");
        gone += loses;
    }
    gone
}

/// The first line is of the process itself, whose own end is told after that of its threads.
fn ended(trace: &str) -> bool {
    let pid = trace.split(' ').next().filter(|pid| !pid.is_empty());
    pid.is_some_and(|pid| {
        trace.lines().any(|l| l.split_once(' ').is_some_and(|(p, t)| p == pid && t.trim_start().starts_with("+++")))
    })
}

fn lengths(trace: &str) -> HashMap<PathBuf, Length> {
    let mut files: HashMap<PathBuf, Length> = HashMap::new();
    let mut begun: HashMap<&str, Call> = HashMap::new();
    for line in trace.lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        let call = if rest.starts_with("<...") { begun.remove(pid) } else { call(rest, &mut files) };
        let Some(call) = call else { continue };
        match rest.rsplit_once(" = ").filter(|_| !rest.ends_with("<unfinished ...>")) {
            Some((_, result)) => finished(&call, result, &mut files),
            None => drop(begun.insert(pid, call)),
        }
    }
    files
}

/// `fdatasync(7</dev/shm/x/alfa/000008.log>) = 0`, or only its beginning.
fn call(text: &str, files: &mut HashMap<PathBuf, Length>) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    if name == "rename" {
        let names: Vec<&str> = rest.split('"').collect();
        let length = files.remove(Path::new(names.get(1)?)).unwrap_or_default();
        files.insert(PathBuf::from(names.get(3)?), length);
        return None;
    }
    let (_, path) = rest.split_once('<')?;
    let path = PathBuf::from(path.split('>').next()?);
    let written = files.get(&path).map_or(0, |l| l.written);
    path.is_absolute().then(|| Call { name: name.to_owned(), path, written })
}

fn finished(call: &Call, result: &str, files: &mut HashMap<PathBuf, Length>) {
    let Ok(result) = result.parse::<u64>() else { return };
    let length = files.entry(call.path.clone()).or_default();
    if call.name.contains("write") {
        length.written += result;
    } else {
        length.synced = length.synced.max(call.written);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_before_a_sync_began_is_synced_and_no_more() {
        let trace = r#"7 write(5</s/1.log>, ""..., 10) = 10
7 fdatasync(5</s/1.log> <unfinished ...>
8 write(5</s/1.log>, ""..., 5 <unfinished ...>
8 <... write resumed>) = 5
7 <... fdatasync resumed>) = 0
8 write(6</s/2.tmp>, ""..., 3) = 3
8 fsync(6</s/2.tmp>) = 0
8 rename("/s/2.tmp", "/s/CURRENT") = 0
8 fdatasync(5</s/1.log>) = -1 EIO (Input/output error)
8 write(1<pipe:[77]>, ""..., 9) = 9
8 +++ killed by SIGKILL +++"#;
        assert!(!ended(trace) && ended(&format!("{trace}\n7 +++ killed by SIGKILL +++\n")));
        let lengths = lengths(trace);
        let of = |name: &str| lengths.get(Path::new(name)).map(|l| (l.written, l.synced));
        assert_eq!((of("/s/1.log"), of("/s/CURRENT"), of("/s/2.tmp")), (Some((15, 10)), Some((3, 3)), None));
        assert_eq!(lengths.len(), 2);
    }
}
