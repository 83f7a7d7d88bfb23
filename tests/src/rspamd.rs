//! An rspamd of the test's own (Debian: rspamd) without any module: it knows GTUBE, and the rules written here.

use std::fs;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::demo::{Guard, Ports, installed, wait_for};

/// The text that every antispam refuses (spamassassin.apache.org/gtube). In pieces, or this source would be refused.
pub fn gtube() -> String {
    ["XJS*C4JDBQADN1.NSBN3*2IDNEN*", "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL", "*C.34X"].concat()
}

/// LATER in the subject asks to come again, SUSPECT gives points to be marked, and what SMTP said is given back as names of
/// rules.
const RULES: &str = r#"
local function rule(name, kind, callback)
  rspamd_config:register_symbol({ name = name, type = kind, callback = callback, score = 7.0 })
end
local function subject(task, word) return (task:get_subject() or ''):find(word) ~= nil end
rule('LATER', 'prefilter', function(task)
  if subject(task, 'LATER') then task:set_pre_result('soft reject', 'come again') end
end)
rule('SUSPECT', 'normal', function(task) return subject(task, 'SUSPECT') end)
rule('SMTP_SAID', 'normal', function(task)
  local ip, helo, queue = task:get_from_ip(), task:get_helo(), task:get_queue_id()
  local from, rcpts = task:get_from('smtp'), task:get_recipients('smtp')
  return subject(task, 'SAID') and tostring(ip) == '192.0.2.7' and helo == 'mx.posta.example' and #queue == 16
    and from[1].addr == 'dora@posta.example' and #rcpts == 2 and rcpts[2].addr == 'carla@ente-beta.example'
end)
"#;

/// A running rspamd; it ends with its owner.
pub struct Rspamd {
    process: Guard,
    _folder: TempDir,
    ports: Ports,
}

impl Rspamd {
    /// Starts it and waits until it answers.
    #[track_caller]
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("sigillo-rspamd-").tempdir().expect("a temporary folder");
        let (ports, path) = (Ports::take(), |name: &str| folder.path().join(name));
        let (at, port) = (folder.path().display(), ports.base);
        let settings = format!(
            "options {{ filters = \"\"; pidfile = \"{at}/pid\"; tempdir = \"{at}\"; hs_cache_dir = \"{at}\";\n\
             control_socket = \"{at}/control mode=0600\"; dns {{ nameserver = [\"127.0.0.1:{port}\"]; }} }}\n\
             logging {{ type = \"console\"; level = \"notice\"; }}\n\
             actions {{ reject = 15; add_header = 6; greylist = 5; }}\n\
             worker \"normal\" {{ bind_socket = \"127.0.0.1:{port}\"; count = 1; }}\n\
             lua = \"{at}/rules.lua\";\n"
        );
        fs::write(path("rspamd.conf"), settings).expect("the settings");
        fs::write(path("rules.lua"), RULES).expect("the rules");
        let program = installed("rspamd").expect("rspamd is not installed: .ci/packages --tests (Debian: rspamd)");
        let output = || fs::File::create(path("output")).expect("a file for the output");
        let mut command = Command::new(program);
        // -i: as whoever started it, root among them; nothing of the system's account is used.
        command.args(["-f", "-i", "-c"]).arg(path("rspamd.conf"));
        command.stdin(Stdio::null()).stdout(output()).stderr(output());
        let mut process = Guard(command.spawn().expect("rspamd starts"));
        // It compiles the world's top-level domains first.
        wait_for("rspamd", Duration::from_secs(120), || {
            let ended = process.0.try_wait().expect("a child of ours");
            assert!(ended.is_none(), "rspamd ended: {}", fs::read_to_string(path("output")).unwrap_or_default());
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Self { process, _folder: folder, ports }
    }

    /// Where it is asked, for `antispam.rspamd`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.base)
    }

    /// Its process and those that it started get a signal: `STOP` lets it hang, `CONT` go on.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let parent = self.process.0.id().to_string();
        let children = crate::demo::run("pgrep", &["-P", &parent], b"", 10).out;
        for pid in children.split_whitespace().chain([parent.as_str()]) {
            crate::demo::run("kill", &[&format!("-{name}"), pid], b"", 10).fine("kill");
        }
    }
}

impl Drop for Rspamd {
    fn drop(&mut self) {
        // Its workers would outlive it.
        self.signal("KILL");
    }
}
