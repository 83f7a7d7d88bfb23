//! Where clamd listens.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::host_port::HostPort;

/// A Unix socket, or a TCP port of this or another machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `LocalSocket` of clamd.conf.
    Unix(PathBuf),
    /// `TCPAddr` and `TCPSocket`.
    Tcp(HostPort),
}

impl Endpoint {
    /// Reads a path, which has a slash and is relative to `folder`, or `host:port`. `None` when it is neither.
    pub fn parse(text: &str, folder: &Path) -> Option<Self> {
        if text.contains('/') && !text.contains('\0') {
            return Some(Self::Unix(folder.join(text)));
        }
        HostPort::parse(text, None).map(Self::Tcp)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Tcp(at) => at.fmt(f),
        }
    }
}
