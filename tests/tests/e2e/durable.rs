//! "250" is said after the disk has said yes: counted in system calls, since a kill alone proves no fsync.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sigillo_tests::demo::{Demo, Mail, Place, run, wanted};

const ANNA: &str = "anna@comune-alfa.example";

/// A line of `strace -f -ttt -yy`, with what was cut in two put together again.
#[derive(Debug, Clone, PartialEq)]
struct Call {
    /// Seconds since the epoch: when it began, when it ended.
    begun: f64,
    ended: f64,
    text: String,
}

impl Call {
    fn is_sync_of(&self, folder: &str) -> bool {
        let sync = self.text.starts_with("fdatasync(") || self.text.starts_with("fsync(");
        sync && self.text.contains(folder) && self.text.contains(".log>") && self.text.ends_with("= 0")
    }

    fn is_write_to(&self, socket: &str) -> bool {
        let write = ["write(", "writev(", "sendto(", "sendmsg("].iter().any(|w| self.text.starts_with(w));
        write && self.text.contains(socket) && !self.text.contains("= -1")
    }
}

fn calls(trace: &str) -> Vec<Call> {
    let mut open: Vec<(String, f64, String)> = Vec::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let mut words = line.split_whitespace();
        let (Some(pid), Some(time)) = (words.next(), words.next().and_then(|t| t.parse::<f64>().ok())) else {
            continue;
        };
        let text = line.split_once(&format!("{time:.6} ")).map_or("", |(_, text)| text).trim();
        if let Some(beginning) = text.strip_suffix("<unfinished ...>") {
            open.push((pid.to_owned(), time, beginning.trim().to_owned()));
        } else if let Some(rest) = text.strip_prefix("<... ") {
            let Some(i) = open.iter().position(|(p, _, _)| p == pid) else { continue };
            let (_, begun, beginning) = open.remove(i);
            let end = rest.split_once("resumed>").map_or("", |(_, end)| end);
            calls.push(Call { begun, ended: time, text: format!("{beginning}{end}").trim().to_owned() });
        } else {
            calls.push(Call { begun: time, ended: time, text: text.to_owned() });
        }
    }
    calls
}

/// Whether tracing is allowed here at all.
fn may_trace() -> bool {
    wanted("strace", "strace").is_some() && run("strace", &["-o", "/dev/null", "true"], b"", 20).code == Some(0)
}

const ONE: &str = r#"
client = sender(ask["user"])
out = {"port": client.sock.getsockname()[1]}
for command in [client.mail(ask["user"]), client.rcpt(ask["to"][0])]:
    assert command[0] == 250, command
client.putcmd("data")
assert client.getreply()[0] == 354
client.send(base64.b64decode(ask["message"]))
time.sleep(1.0)  # whatever the message alone causes is over
out["asked"] = time.time()
client.send(b".\r\n")
out["code"] = client.getreply()[0]
out["answered"] = time.time()
client.quit()
answer(out)
"#;

#[test]
fn the_log_is_synced_between_the_end_of_the_message_and_250() {
    if !may_trace() {
        eprintln!("skipped: strace is not installed, or tracing is forbidden here");
        return;
    }
    let place = Place::new(&["--no-exchange", "--without", "beta"]);
    let trace = place.path("trace");
    let name = trace.to_string_lossy().into_owned();
    let which = "trace=fdatasync,fsync,write,writev,sendto,sendmsg";
    // -D: the program stays our own child; the tracer is its child's child.
    let wrap = ["strace", "-D", "-f", "-ttt", "-yy", "-s", "16", "-e", which, "-e", "signal=none", "-o", &name];
    let demo: Demo = place.wrapped(&wrap).start();
    let place = Arc::clone(&demo.place); // the trace is in its folder
    let mail = Mail::plain(ANNA, "mario@studio.example", "synced@comune-alfa.example");
    let said = demo.python(ONE, &serde_json::to_value(&mail).expect("JSON"), 60);
    assert_eq!(said["code"], json!(250), "{said}");
    std::thread::sleep(Duration::from_millis(500));
    let (asked, answered) = (said["asked"].as_f64().expect("a time"), said["answered"].as_f64().expect("a time"));
    let folder = format!("{}/alfa/store/", place.data().display());
    drop(demo);
    let all = calls(&std::fs::read_to_string(&trace).expect("a trace"));

    // What the client saw: a sync of the write-ahead log that began after its final dot and ended before its answer.
    let during: Vec<&Call> = all.iter().filter(|c| c.begun >= asked && c.ended <= answered).collect();
    let syncs: Vec<&&Call> = during.iter().filter(|c| c.is_sync_of(&folder)).collect();
    assert!(!syncs.is_empty(), "no fdatasync of a log below {folder} before the answer; calls: {during:#?}");
    // What the server did: the answer left on the client's socket after that sync.
    let socket = format!("->127.0.0.1:{}]", said["port"]);
    let written = all.iter().find(|c| c.begun >= asked && c.is_write_to(&socket)).expect("the answer is a write");
    let first = syncs.iter().map(|c| c.ended).fold(f64::MAX, f64::min);
    assert!(first <= written.begun, "the answer left at {} before the sync ended at {first}", written.begun);
    eprintln!("{} syncs of the log before 250", syncs.len());
}

#[test]
fn a_trace_is_read_as_it_was_written() {
    let trace = "100 1700000000.000001 fdatasync(7</d/alfa/store/db/000004.log> <unfinished ...>\n\
                 101 1700000000.000002 sendto(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, \"x\"..., 30, MSG_NOSIGNAL, NULL, 0) = 30\n\
                 100 1700000000.000003 <... fdatasync resumed>) = 0\n\
                 100 1700000000.000004 fdatasync(8</d/beta/store/db/000004.log>) = -1 EIO (Input/output error)\n";
    let all = calls(trace);
    assert_eq!(all.len(), 3);
    assert!(all[0].is_write_to("->127.0.0.1:2]") && !all[0].is_sync_of("/d/"));
    assert!(all[1].is_sync_of("/d/alfa/store/") && !all[1].is_sync_of("/d/beta/"), "{:?}", all[1]);
    assert!(all[1].begun < all[0].begun && all[1].ended > all[0].ended);
    assert!(!all[2].is_sync_of("/d/beta/store/"), "a failed sync is none");
}
