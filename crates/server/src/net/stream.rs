//! A TCP connection that may become TLS.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use sigillo_base::Address;
use sigillo_smime::Certificate;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// One read.
const READ: usize = 32 * 1024;

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
    /// The addresses in the certificate that the peer has shown, which the handshake has judged.
    pub fn shown(&self) -> Vec<Address> {
        let Self::Tls(tls) = self else { return Vec::new() };
        let first = tls.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let certificate = first.and_then(|der| Certificate::from_der(der).ok());
        certificate.iter().flat_map(Certificate::emails).filter_map(|email| Address::parse(email).ok()).collect()
    }

    /// Reads what is there; 0 at the end. Cancel-safe.
    pub async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| {
            let mut buffer = ReadBuf::new(bytes);
            ready!(self.poll(cx, &mut buffer))?;
            Poll::Ready(Ok(buffer.filled().len()))
        })
        .await
    }

    /// The same for one that may wait for long: the bytes stand on the stack and go to `take`, so that waiting holds no
    /// buffer.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, take: impl FnOnce(&[u8])) -> Poll<io::Result<()>> {
        let mut space = [const { MaybeUninit::uninit() }; READ];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(self.poll(cx, &mut buffer))?;
        take(buffer.filled());
        Poll::Ready(Ok(()))
    }

    fn poll(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            // A peer that ends without close_notify has ended: what it said before stays said.
            Self::Tls(tls) => match ready!(Pin::new(tls).poll_read(cx, buffer)) {
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
                other => Poll::Ready(other),
            },
            Self::Gone => Poll::Ready(Ok(())),
        }
    }

    /// Writes on, and hears what is said meanwhile: how many octets of it, 0 at the peer's end; `None` when all of `bytes` is
    /// out. `sent` tells how far that came. Cancel-safe.
    pub async fn write_or_read(
        &mut self,
        bytes: &[u8],
        sent: &mut usize,
        heard: &mut [u8],
    ) -> io::Result<Option<usize>> {
        poll_fn(|cx| {
            let mut buffer = ReadBuf::new(heard);
            if let Poll::Ready(read) = self.poll(cx, &mut buffer) {
                return Poll::Ready(read.map(|()| Some(buffer.filled().len())));
            }
            while let Some(rest) = bytes.get(*sent..).filter(|rest| !rest.is_empty()) {
                let written = match self {
                    Self::Plain(tcp) => ready!(Pin::new(tcp).poll_write(cx, rest))?,
                    Self::Tls(tls) => ready!(Pin::new(tls).poll_write(cx, rest))?,
                    Self::Gone => 0,
                };
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                *sent += written;
            }
            if let Self::Tls(tls) = self {
                ready!(Pin::new(tls).poll_flush(cx))?;
            }
            Poll::Ready(Ok(None))
        })
        .await
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
