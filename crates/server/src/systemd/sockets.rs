//! Sockets that systemd has bound and hands over (sd_listen_fds(3)), each by the name of its role: a restart refuses
//! nobody, who comes meanwhile waits in them.

use std::env;
use std::io;
use std::net::TcpListener as Socket;

use listenfd::ListenFd;
use tokio::net::TcpListener;

use crate::config::Role;

/// What systemd hands over.
#[derive(Debug, Default)]
pub struct HandedOver(Vec<(&'static str, Socket)>);

/// The name of a socket at which an ACME authority asks.
pub const CHALLENGES: &str = "acme";

impl HandedOver {
    /// Takes what the environment says, once.
    ///
    /// # Errors
    /// Which socket is of no use, and what to write in its unit.
    pub fn take() -> io::Result<Self> {
        let mut from = ListenFd::from_env();
        if from.len() == 0 {
            return Ok(Self::default());
        }
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut sockets = Vec::new();
        for i in 0..from.len() {
            let name = known(names.next().unwrap_or_default())?;
            let socket = from.take_tcp_listener(i).map_err(|e| {
                io::Error::new(e.kind(), format!("systemd: il socket «{name}» non è TCP (ListenStream=): {e}"))
            })?;
            sockets.extend(socket.map(|socket| (name, socket)));
        }
        Ok(Self(sockets))
    }

    /// Those of a role ([`Role::name`]), or [`CHALLENGES`]. Where there are any, the configuration's addresses are not asked.
    ///
    /// # Errors
    /// The system does not give one to the runtime.
    pub fn of(&mut self, name: &str) -> io::Result<Vec<TcpListener>> {
        let (mine, rest) = std::mem::take(&mut self.0).into_iter().partition(|(of, _)| *of == name);
        self.0 = rest;
        let mine: Vec<(&str, Socket)> = mine;
        let taken = mine.into_iter().map(|(_, socket)| {
            socket.set_nonblocking(true)?;
            TcpListener::from_std(socket)
        });
        taken.collect()
    }
}

fn known(name: &str) -> io::Result<&'static str> {
    let names = || Role::ALL.map(Role::name).into_iter().chain([CHALLENGES]);
    names().find(|known| *known == name).ok_or_else(|| {
        let names = names().collect::<Vec<_>>().join(", ");
        let text = format!("systemd: un socket si chiama «{name}»; FileDescriptorName= vale uno di: {names}");
        io::Error::new(io::ErrorKind::InvalidInput, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_role_gets_its_own_and_a_strange_name_is_told() {
        let bound = || Socket::bind("127.0.0.1:0").unwrap();
        let (imap, smtp) = (bound(), bound());
        let at = smtp.local_addr().unwrap();
        let mut all = HandedOver(vec![("imap", imap), ("smtp", smtp), ("smtp", bound())]);
        let mine = all.of("smtp").unwrap();
        assert_eq!((mine.len(), mine[0].local_addr().unwrap()), (2, at));
        assert!(all.of("smtp").unwrap().is_empty() && all.of("pop3").unwrap().is_empty());
        assert_eq!(all.of("imap").unwrap().len(), 1);
        assert_eq!((known("pop3s").unwrap(), known("acme").unwrap()), ("pop3s", CHALLENGES));
        let error = known("sigillo-smtp.socket").unwrap_err().to_string();
        assert!(error.contains("«sigillo-smtp.socket»") && error.contains("submissions"), "{error}");
    }
}
