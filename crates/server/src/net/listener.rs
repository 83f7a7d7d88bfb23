//! Accepting connections.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use sigillo_base::{Complaint, Said, said};
use sigillo_wire::sasl::Binding;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tracing::Instrument;

use super::{Driver, Full, Limits, Network, SERVER_HANDSHAKE, Stream};
use crate::config::Role;
use crate::tls::ServerTls;
use sigillo_engine::front::Connection;
use sigillo_wire::proxy::{self, Progress};

/// How long a balancer may take to say for whom it speaks.
const PROXY_HEADER: Duration = Duration::from_secs(10);

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
    /// Load balancers: who comes from there must say by a PROXY header for whom.
    pub proxies: Vec<Network>,
}

/// Makes the session of a connection from this address.
pub type Opener = Box<dyn Fn(IpAddr) -> Box<dyn Connection> + Send + Sync>;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// Binds one address, and no other: `[::]` leaves `0.0.0.0` to who asks for it. The error names the address and says what
/// to do.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let open = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => {
                let socket = TcpSocket::new_v6()?;
                rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
                socket
            }
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|e: io::Error| {
        let remedy = match e.kind() {
            io::ErrorKind::AddrInUse => said!(
                "la porta è occupata: scegliere un'altra porta o fermare chi la tiene",
                "the port is taken: choose another port or stop who holds it"
            ),
            io::ErrorKind::PermissionDenied => said!(
                "sotto 1024 serve il permesso CAP_NET_BIND_SERVICE",
                "below 1024 the capability CAP_NET_BIND_SERVICE is needed"
            ),
            io::ErrorKind::AddrNotAvailable => {
                said!("l'indirizzo non è di questa macchina", "the address is not of this host")
            }
            _ => said!("controllare indirizzo e porta", "check address and port"),
        };
        let Said { it, en } = remedy;
        io::Error::new(e.kind(), Complaint(said!("{address}: {e}; {it}", "{address}: {e}; {en}")))
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
    while let Some((tcp, peer)) = next(&listener, &mut shutdown, &mut open, greeter.role.name()).await {
        let Some(place) = limits.enter() else {
            tracing::warn!(role = greeter.role.name(), %peer, "too many connections");
            driver.metrics.sessions_refused.add((greeter.role, Full::All));
            refuse(&tcp, &greeter);
            continue;
        };
        let (greeter, tls, driver) = (Arc::clone(&greeter), Arc::clone(&tls), Arc::clone(&driver));
        let limits = Arc::clone(&limits);
        let id = driver.next_number();
        let span = tracing::info_span!("connection", id, role = greeter.role.name(), peer = tracing::field::Empty);
        let serve = async move {
            let mut tcp = tcp;
            let Some(peer) = real(&mut tcp, peer, &greeter.proxies).await else { return };
            tracing::Span::current().record("peer", tracing::field::display(peer));
            let Some(_place) = limits.from(place, peer.ip()) else {
                tracing::warn!("too many connections from one place");
                driver.metrics.sessions_refused.add((greeter.role, Full::Address));
                return refuse(&tcp, &greeter);
            };
            let _open = driver.metrics.sessions_open.enter(greeter.role);
            driver.metrics.sessions.add(greeter.role);
            serve(tcp, peer, &greeter, &tls, &driver).await;
        };
        open.spawn(serve.instrument(span));
    }
    drop(listener);
    while open.join_next().await.is_some() {}
}

/// The next connection; those that ended are put away meanwhile. `None` when the service ends.
pub async fn next(
    listener: &TcpListener,
    shutdown: &mut watch::Receiver<bool>,
    open: &mut JoinSet<()>,
    role: &str,
) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = shutdown.wait_for(|down| *down) => return None,
            Some(_) = open.join_next() => continue,
        };
        match accepted {
            Ok(new) => return Some(new),
            Err(error) => {
                // Out of descriptors, most often: the open connections must end first.
                tracing::error!(role, %error, "cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Who is at the other end: the peer, or for whom a named balancer says that it speaks. `None` when it does not say so.
async fn real(tcp: &mut TcpStream, peer: SocketAddr, proxies: &[Network]) -> Option<SocketAddr> {
    if !proxies.iter().any(|network| network.contains(peer.ip())) {
        return Some(peer);
    }
    let header = async {
        let mut head = Vec::new();
        loop {
            match proxy::read(&head).map_err(io::Error::other)? {
                Progress::Done(source) => return Ok(source),
                Progress::More(more) => {
                    let at = head.len();
                    head.resize(at + more, 0);
                    tcp.read_exact(&mut head[at..]).await?;
                }
            }
        }
    };
    match tokio::time::timeout(PROXY_HEADER, header).await {
        Ok(Ok(source)) => return Some(source.unwrap_or(peer)),
        Ok(Err::<_, io::Error>(error)) => tracing::warn!(proxy = %peer, %error, "closed: no PROXY header"),
        Err(_) => tracing::warn!(proxy = %peer, "closed: no PROXY header in time"),
    }
    None
}

fn refuse(tcp: &TcpStream, greeter: &Greeter) {
    if !greeter.implicit_tls && tcp.try_write(greeter.busy.as_bytes()).is_err() {
        tracing::debug!("the refused client was gone");
    }
}

async fn serve(tcp: TcpStream, peer: SocketAddr, greeter: &Greeter, tls: &ServerTls, driver: &Driver) {
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    tracing::debug!("open");
    let mut binding = Binding::default();
    let stream = if greeter.implicit_tls {
        let shown = tls.current();
        let acceptor = TlsAcceptor::from(Arc::clone(&shown.config));
        match tokio::time::timeout(SERVER_HANDSHAKE, acceptor.accept(tcp)).await {
            Ok(Ok(stream)) => {
                binding = shown.binding(stream.get_ref().1);
                Stream::Tls(Box::new(stream.into()))
            }
            Ok(Err(error)) => return tracing::info!(%error, "no TLS"),
            Err(_) => return tracing::info!("no TLS in time"),
        }
    } else {
        Stream::Plain(tcp)
    };
    let mut connection = (greeter.open)(peer.ip().to_canonical());
    connection.bind(binding);
    driver.run(stream, connection, tls).await;
    tracing::debug!("closed");
}
