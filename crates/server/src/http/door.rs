//! The interface over TLS, for persons with a token on other machines (SEC-03). Whoever reaches the port may knock, so that
//! places, heads, bodies and patience are bounded before anybody knows who it is.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::{Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use sigillo_engine::Pace;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;

use super::socket::Peer;
use crate::net::{Limits, SERVER_HANDSHAKE, next};
use crate::tls::ServerTls;

/// Connections at once, and of them from one place: programs keep one open.
const PLACES: (usize, usize) = (256, 32);
/// The most of a request's head, in octets.
const HEAD: usize = 32 * 1024;
/// How long a head may take, and how long a connection may say nothing.
const IDLE: Duration = Duration::from_secs(60);
/// How long nothing of an answer may be taken.
const STALLED: Duration = Duration::from_secs(60);

/// What the door stands on.
pub(super) struct Door {
    pub(super) tls: Arc<ServerTls>,
    /// How slowly a body may arrive.
    pub(super) pace: Pace,
}

/// Answers until the service ends; then what is under way is answered still.
pub(super) async fn serve(listener: TcpListener, door: Door, app: Router, mut shutdown: watch::Receiver<bool>) {
    let (limits, app, door) = (Limits::new(PLACES.0, PLACES.1), TowerToHyperService::new(app), Arc::new(door));
    let mut open = JoinSet::new();
    while let Some((tcp, peer)) = next(&listener, &mut shutdown, &mut open, "admin").await {
        let Some(place) = limits.enter().and_then(|place| limits.from(place, peer.ip())) else {
            tracing::warn!(%peer, "too many administrative connections");
            continue;
        };
        let (door, app, shutdown) = (Arc::clone(&door), app.clone(), shutdown.clone());
        open.spawn(async move {
            converse(tcp, peer, &door, app, shutdown).await;
            drop(place);
        });
    }
    drop(listener);
    while open.join_next().await.is_some() {}
}

async fn converse(
    tcp: TcpStream,
    peer: SocketAddr,
    door: &Door,
    app: TowerToHyperService<Router>,
    mut shutdown: watch::Receiver<bool>,
) {
    let acceptor = TlsAcceptor::from(Arc::clone(&door.tls.current().config));
    let stream = match tokio::time::timeout(SERVER_HANDSHAKE, acceptor.accept(tcp)).await {
        Ok(Ok(stream)) => Patient { inner: stream, patience: STALLED, waits: None },
        Ok(Err(error)) => return tracing::info!(%peer, %error, "no TLS for the administration"),
        Err(_) => return tracing::info!(%peer, "no TLS in time for the administration"),
    };
    let pace = door.pace;
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(|body| Body::new(Timely::new(body, pace)));
        request.extensions_mut().insert(ConnectInfo(Peer::Far(peer.ip().to_canonical())));
        // Of somebody else's machine: what a browser sends by itself proves nobody, a token does.
        request.headers_mut().remove(header::COOKIE);
        app.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(IDLE).max_buf_size(HEAD);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // An error means that the provider is gone: the end as well.
    let down = async { drop(shutdown.wait_for(|down| *down).await) };
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = down => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "an administrative connection broke off");
    }
}

/// A body that must come at some pace.
struct Timely {
    inner: Incoming,
    pace: Pace,
    began: Instant,
    received: u64,
    until: Pin<Box<Sleep>>,
}

impl Timely {
    fn new(inner: Incoming, pace: Pace) -> Self {
        let until = Box::pin(tokio::time::sleep(Duration::from_millis(pace.grace_ms)));
        Self { inner, pace, began: Instant::now(), received: 0, until }
    }
}

impl hyper::body::Body for Timely {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(frame) => {
                if let Some(Ok(data)) = frame.as_ref().map(|f| f.as_ref().map(|f| f.data_ref().map_or(0, Bytes::len))) {
                    this.received += data as u64;
                    let earned = this.received.saturating_mul(1000) / this.pace.bytes_s.max(1);
                    let until = this.began + Duration::from_millis(this.pace.grace_ms.saturating_add(earned));
                    this.until.as_mut().reset(until);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                ready!(this.until.as_mut().poll(cx));
                Poll::Ready(Some(Err("the body comes too slowly".into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A stream whose reader must take what is written.
struct Patient<T> {
    inner: T,
    /// How long it may take nothing.
    patience: Duration,
    /// While it takes nothing.
    waits: Option<Pin<Box<Sleep>>>,
}

impl<T: AsyncWrite + Unpin> Patient<T> {
    fn within<R>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if let Poll::Ready(done) = write(Pin::new(&mut self.inner), cx) {
            self.waits = None;
            return Poll::Ready(done);
        }
        let patience = self.patience;
        let waits = self.waits.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(waits.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Patient<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Patient<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.within(cx, |inner, cx| inner.poll_write(cx, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.within(cx, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.within(cx, AsyncWrite::poll_shutdown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn whoever_takes_nothing_is_left() {
        let (ours, _theirs) = tokio::io::duplex(16);
        let mut patient = Patient { inner: ours, patience: Duration::from_millis(20), waits: None };
        patient.write_all(&[0; 16]).await.unwrap();
        let error = patient.write_all(&[0; 16]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
