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
pub struct HandedOver(Vec<(Role, Socket)>);

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
            let role = role(names.next().unwrap_or_default())?;
            let socket = from.take_tcp_listener(i).map_err(|e| {
                io::Error::new(e.kind(), format!("systemd: il socket «{}» non è TCP (ListenStream=): {e}", role.name()))
            })?;
            sockets.extend(socket.map(|socket| (role, socket)));
        }
        Ok(Self(sockets))
    }

    /// Those of a role. Where there are any, the configuration's addresses of that role are not asked.
    ///
    /// # Errors
    /// The system does not give one to the runtime.
    pub fn of(&mut self, role: Role) -> io::Result<Vec<TcpListener>> {
        let (mine, rest) = std::mem::take(&mut self.0).into_iter().partition(|(of, _)| *of == role);
        self.0 = rest;
        let mine: Vec<(Role, Socket)> = mine;
        let taken = mine.into_iter().map(|(_, socket)| {
            socket.set_nonblocking(true)?;
            TcpListener::from_std(socket)
        });
        taken.collect()
    }
}

fn role(name: &str) -> io::Result<Role> {
    Role::ALL.into_iter().find(|role| role.name() == name).ok_or_else(|| {
        let roles = Role::ALL.map(Role::name).join(", ");
        let text = format!("systemd: un socket si chiama «{name}»; FileDescriptorName= vale uno di: {roles}");
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
        let mut all = HandedOver(vec![(Role::Imap, imap), (Role::Smtp, smtp), (Role::Smtp, bound())]);
        let mine = all.of(Role::Smtp).unwrap();
        assert_eq!((mine.len(), mine[0].local_addr().unwrap()), (2, at));
        assert!(all.of(Role::Smtp).unwrap().is_empty() && all.of(Role::Pop3).unwrap().is_empty());
        assert_eq!(all.of(Role::Imap).unwrap().len(), 1);
        assert_eq!(role("pop3s").unwrap(), Role::Pop3s);
        let error = role("sigillo-smtp.socket").unwrap_err().to_string();
        assert!(error.contains("«sigillo-smtp.socket»") && error.contains("submissions"), "{error}");
    }
}
