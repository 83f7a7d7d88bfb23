//! The socket: mode 0600 from its first moment, and the peer beside every request.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::{UnixListener, UnixStream};

use crate::files;

/// The user id at the other end; `None` when the system does not tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Uid(pub(super) Option<u32>);

impl Uid {
    /// Whether it may administrate: ourselves and root.
    pub(super) fn allowed(self) -> bool {
        self.0.is_some_and(|uid| uid == 0 || uid == rustix::process::geteuid().as_raw())
    }
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Peer {
    /// A user of this machine, at the socket.
    Near(Uid),
    /// Somebody at this address, over TLS.
    Far(IpAddr),
}

impl Peer {
    /// Where he is; `None` for who is at the socket.
    pub(super) fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Near(_) => None,
            Self::Far(ip) => Some(ip),
        }
    }
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self::Near(Uid(stream.io().peer_cred().ok().map(|cred| cred.uid())))
    }
}

/// Binds the socket. A stale one is replaced, a living one is an error.
pub async fn bind(path: &Path) -> io::Result<UnixListener> {
    let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", path.display()));
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        files::folder(folder).map_err(named)?;
    }
    if UnixStream::connect(path).await.is_ok() {
        let error = io::Error::new(io::ErrorKind::AddrInUse, "un altro processo vi risponde già: fermarlo prima");
        return Err(named(error));
    }
    // Made under another name and moved: nobody may connect before the mode is set.
    let fresh = path.with_extension("n");
    files::remove(&fresh).map_err(named)?;
    let listener = UnixListener::bind(&fresh).map_err(named)?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).map_err(named)?;
    fs::rename(&fresh, path).map_err(named)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn for_the_owner_alone_and_never_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/admin.sock");
        let first = bind(&path).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let error = bind(&path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains("admin.sock"), "{error}");
        drop(first);
        bind(&path).await.unwrap();
        assert!(Uid(Some(0)).allowed() && !Uid(None).allowed());
    }
}
