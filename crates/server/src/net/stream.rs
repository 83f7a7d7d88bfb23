//! A TCP connection that may become TLS.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// A connection in clear or under TLS.
pub enum Stream {
    /// In clear.
    Plain(TcpStream),
    /// Under TLS, of either side.
    Tls(Box<TlsStream<TcpStream>>),
    /// Given away to a TLS handshake that has not ended well.
    Gone,
}

impl Stream {
    /// Reads what is there; 0 at the end. Cancel-safe.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer).await,
            // A peer that ends without close_notify has ended: what it said before stays said.
            Self::Tls(tls) => match tls.read(buffer).await {
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
                other => other,
            },
            Self::Gone => Ok(0),
        }
    }

    /// Writes all of it and pushes it out.
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.write_all(bytes).await,
            Self::Tls(tls) => {
                tls.write_all(bytes).await?;
                tls.flush().await
            }
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Ends our side: close_notify under TLS, then FIN.
    pub async fn close(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.shutdown().await,
            Self::Tls(tls) => tls.shutdown().await,
            Self::Gone => Ok(()),
        }
    }
}
