//! Accepting connections.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tracing::Instrument;

use super::{Driver, Limits, SERVER_HANDSHAKE, Stream};
use crate::config::Role;
use crate::tls::ServerTls;
use sigillo_engine::front::Connection;

/// What a listener offers.
pub struct Greeter {
    /// For logs and figures.
    pub role: Role,
    /// TLS from the first byte.
    pub implicit_tls: bool,
    /// What a client hears in clear when there is no place for it.
    pub busy: &'static str,
    /// Makes the session of one connection.
    pub open: Opener,
}

/// Makes the session of a connection from this address.
pub type Opener = Box<dyn Fn(IpAddr) -> Box<dyn Connection> + Send + Sync>;

/// Binds one address. The error names the address and says what to do.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|e| {
        let remedy = match e.kind() {
            io::ErrorKind::AddrInUse => "la porta è occupata: scegliere un'altra porta o fermare chi la tiene",
            io::ErrorKind::PermissionDenied => "sotto 1024 serve il permesso CAP_NET_BIND_SERVICE",
            io::ErrorKind::AddrNotAvailable => "l'indirizzo non è di questa macchina",
            _ => "controllare indirizzo e porta",
        };
        io::Error::new(e.kind(), format!("{address}: {e}; {remedy}"))
    })
}

/// Accepts until the driver's shutdown, then waits for the open connections to end.
pub async fn listen(
    listener: TcpListener,
    greeter: Greeter,
    limits: Arc<Limits>,
    tls: Arc<ServerTls>,
    driver: Arc<Driver>,
) {
    let mut open = JoinSet::new();
    let mut shutdown = driver.shutdown.clone();
    let greeter = Arc::new(greeter);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = shutdown.wait_for(|down| *down) => break,
            Some(_) = open.join_next() => continue,
        };
        let (tcp, peer) = match accepted {
            Ok(new) => new,
            Err(error) => {
                // Out of descriptors, most often: the open connections must end first.
                tracing::error!(role = greeter.role.name(), %error, "cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let place = match limits.enter(peer.ip()) {
            Ok(place) => place,
            Err(full) => {
                tracing::warn!(role = greeter.role.name(), peer = %peer.ip(), limit = full.as_str(), "too many connections");
                driver.metrics.sessions_refused.add((greeter.role, full));
                refuse(tcp, &greeter);
                continue;
            }
        };
        let (greeter, tls, driver) = (Arc::clone(&greeter), Arc::clone(&tls), Arc::clone(&driver));
        let span = tracing::info_span!("connection", id = driver.next_number(), role = greeter.role.name(), %peer);
        let serve = async move {
            let (_place, _open) = (place, driver.metrics.sessions_open.enter(greeter.role));
            driver.metrics.sessions.add(greeter.role);
            serve(tcp, peer, &greeter, &tls, &driver).await;
        };
        open.spawn(serve.instrument(span));
    }
    drop(listener);
    while open.join_next().await.is_some() {}
}

fn refuse(tcp: TcpStream, greeter: &Greeter) {
    if !greeter.implicit_tls && tcp.try_write(greeter.busy.as_bytes()).is_err() {
        tracing::debug!("the refused client was gone");
    }
}

async fn serve(tcp: TcpStream, peer: SocketAddr, greeter: &Greeter, tls: &ServerTls, driver: &Driver) {
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    tracing::debug!("open");
    let stream = if greeter.implicit_tls {
        let acceptor = TlsAcceptor::from(tls.current());
        match tokio::time::timeout(SERVER_HANDSHAKE, acceptor.accept(tcp)).await {
            Ok(Ok(stream)) => Stream::Tls(Box::new(stream.into())),
            Ok(Err(error)) => return tracing::info!(%error, "no TLS"),
            Err(_) => return tracing::info!("no TLS in time"),
        }
    } else {
        Stream::Plain(tcp)
    };
    let connection = (greeter.open)(peer.ip().to_canonical());
    driver.run(stream, connection, tls).await;
    tracing::debug!("closed");
}
