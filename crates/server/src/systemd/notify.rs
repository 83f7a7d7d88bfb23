//! What systemd is told (sd_notify(3)): datagrams of lines `KEY=value` to the socket that it names in the environment.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How long systemd may leave a datagram unread.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells systemd how the service is; nobody, when it was not systemd that started it.
#[derive(Debug, Default)]
pub struct Notifier {
    to: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// To the socket of `NOTIFY_SOCKET`, within the patience of `WATCHDOG_USEC`. What cannot be reached is logged: the
    /// service is worth more than who watches it.
    pub fn from_env() -> Self {
        let to = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()).and_then(|name| {
            let socket = socket(&name);
            socket.inspect_err(|error| tracing::warn!(?name, %error, "systemd hears nothing: NOTIFY_SOCKET")).ok()
        });
        let watchdog = patience(env::var_os("WATCHDOG_USEC"), env::var_os("WATCHDOG_PID"), std::process::id());
        Self { watchdog: watchdog.filter(|_| to.is_some()), to }
    }

    #[cfg(test)]
    pub(super) fn to(name: &OsStr, watchdog: Duration) -> io::Result<Self> {
        Ok(Self { to: Some(socket(name)?), watchdog: Some(watchdog) })
    }

    /// Whether anybody listens.
    pub fn is_heard(&self) -> bool {
        self.to.is_some()
    }

    /// After so long without [`Notifier::alive`] the service is ended and started again; `None`: never.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// The service serves, or does so again after a reload.
    pub fn ready(&self, sentence: &str) {
        self.tell("READY=1", sentence);
    }

    /// It reads its configuration again; [`Notifier::ready`] follows. `Type=notify-reload` wants the time of it.
    pub fn reloading(&self, sentence: &str) {
        let now = clock_gettime(ClockId::Monotonic);
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1_000_000 + now.tv_nsec / 1000), sentence);
    }

    /// It comes to its end.
    pub fn stopping(&self, sentence: &str) {
        self.tell("STOPPING=1", sentence);
    }

    /// It is well enough to go on.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// How it is, for `systemctl status`.
    pub fn status(&self, sentence: &str) {
        self.send(&format!("STATUS={}", line(sentence)));
    }

    fn tell(&self, words: &str, sentence: &str) {
        self.send(&format!("{words}\nSTATUS={}", line(sentence)));
    }

    fn send(&self, text: &str) {
        let Some((socket, address)) = &self.to else { return };
        if let Err(error) = socket.send_to_addr(text.as_bytes(), address) {
            tracing::warn!(%error, text, "systemd was not told");
        }
    }
}

/// A line break would end the value.
fn line(sentence: &str) -> String {
    sentence.replace(['\n', '\r'], " ")
}

/// A path, or `@` and an abstract name.
fn socket(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(name)?,
        _ => return Err(io::Error::new(io::ErrorKind::Unsupported, "neither a path nor an abstract name")),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok((socket, address))
}

/// A time that is meant for another process is not ours.
fn patience(usec: Option<OsString>, pid: Option<OsString>, own: u32) -> Option<Duration> {
    let number = |text: OsString| text.to_str()?.parse::<u64>().ok();
    if pid.is_some_and(|pid| number(pid) != Some(own.into())) {
        return None;
    }
    usec.and_then(number).filter(|usec| *usec > 0).map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 1024];
        let n = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..n]).into_owned()
    }

    #[test]
    fn systemd_hears_by_path_and_by_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("sigillo-test-{}", std::process::id());
        let by_name = SocketAddr::from_abstract_name(&name).unwrap();
        let cases = [
            (path.clone().into_os_string(), UnixDatagram::bind(&path).unwrap()),
            (format!("@{name}").into(), UnixDatagram::bind_addr(&by_name).unwrap()),
        ];
        for (at, heard) in cases {
            let notifier = Notifier { to: Some(socket(&at).unwrap()), watchdog: None };
            notifier.ready("in servizio\nsu due righe");
            assert_eq!(hear(&heard), "READY=1\nSTATUS=in servizio su due righe");
            notifier.reloading("rilegge");
            let text = hear(&heard);
            let usec = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").and_then(|t| t.split_once('\n')).unwrap();
            assert!(usec.0.parse::<u64>().unwrap() > 0 && usec.1 == "STATUS=rilegge", "{text}");
            notifier.stopping("si ferma");
            assert_eq!(hear(&heard), "STOPPING=1\nSTATUS=si ferma");
            notifier.alive();
            assert_eq!(hear(&heard), "WATCHDOG=1");
        }
        assert!(socket(OsStr::new("vsock:2:1234")).is_err());
        Notifier::default().ready("nobody hears");
    }

    #[test]
    fn the_patience_is_that_of_this_process() {
        let usec = || Some("3000000".into());
        assert_eq!(patience(usec(), None, 7), Some(Duration::from_secs(3)));
        assert_eq!(patience(usec(), Some("7".into()), 7), Some(Duration::from_secs(3)));
        for (usec, pid) in
            [(usec(), Some("8".into())), (usec(), Some("".into())), (Some("0".into()), None), (None, None)]
        {
            assert_eq!(patience(usec, pid, 7), None);
        }
    }
}
