//! A connection to clamd that ends at a given moment, whatever is asked of it until then.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType};

use super::Endpoint;

pub(super) struct Wire {
    socket: OwnedFd,
    ends: Instant,
}

impl Wire {
    /// Connects. Only the look-up of a host name may outlast `ends`: it has the system's own time limit.
    pub(super) fn connect(to: &Endpoint, ends: Instant) -> io::Result<Self> {
        let socket = match to {
            Endpoint::Unix(path) => unix(path, ends)?,
            Endpoint::Tcp(at) => tcp(at.as_str(), ends)?,
        };
        Ok(Self { socket, ends })
    }
}

/// The standard library cannot limit this, and a clamd that hangs lets its queue of connections run full.
fn unix(path: &Path, ends: Instant) -> io::Result<OwnedFd> {
    let address = SocketAddrUnix::new(path)?;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_timeout(&socket, Timeout::Send, Some(left(ends)?))?;
    rustix::net::connect(&socket, &address).map_err(in_time)?;
    Ok(socket)
}

fn tcp(at: &str, ends: Instant) -> io::Result<OwnedFd> {
    let mut failed = io::Error::other("il nome non ha indirizzi");
    for address in at.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, left(ends)?) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream.into());
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn left(ends: Instant) -> io::Result<Duration> {
    let left = ends.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(late()) } else { Ok(left) }
}

fn late() -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        "non risponde in tempo; rimedio: controllare il carico o antivirus.timeout_s",
    )
}

/// A socket says that its time is over by "would block".
fn in_time(error: rustix::io::Errno) -> io::Error {
    if error == rustix::io::Errno::AGAIN { late() } else { error.into() }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        set_socket_timeout(&self.socket, Timeout::Recv, Some(left(self.ends)?))?;
        rustix::net::recv(&self.socket, buffer, RecvFlags::empty()).map(|(read, _)| read).map_err(in_time)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        set_socket_timeout(&self.socket, Timeout::Send, Some(left(self.ends)?))?;
        rustix::net::send(&self.socket, bytes, SendFlags::NOSIGNAL).map_err(in_time)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
