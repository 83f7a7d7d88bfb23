//! The administrative interface: HTTP/JSON on a Unix socket, and over TLS where the configuration says so. Who asks, and what he may, is `actor`; what stands before
//! every request is `authority`.

mod actor;
mod authority;
mod content;
mod door;
mod doorman;
mod extract;
mod fail;
mod language;
mod log;
mod named;
mod openapi;
mod routes;
mod socket;
mod table;
mod trial;
mod write;

use std::sync::{Arc, Weak};

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;

use crate::clock::Ticks;
use crate::provider::Provider;
use crate::tls::ServerTls;
use door::Door;
use doorman::Doorman;
pub use openapi::document;
pub use routes::{blocked_boxes, directory};
pub use socket::bind;

/// Where it listens.
pub struct Bound {
    /// The socket.
    pub socket: UnixListener,
    /// The port, if there is one.
    pub port: Option<TcpListener>,
}

impl From<UnixListener> for Bound {
    fn from(socket: UnixListener) -> Self {
        Self { socket, port: None }
    }
}

/// Answers until the service ends.
pub async fn serve(
    bound: Bound,
    tls: Arc<ServerTls>,
    ticks: Ticks,
    provider: Weak<Provider>,
    shutdown: watch::Receiver<bool>,
) {
    let Some(config) = provider.upgrade().map(|provider| provider.config()) else { return };
    let per_minute = config.admin_door.as_ref().map_or(u32::MAX, |door| door.per_minute);
    let app = routes::router(provider, Arc::new(Doorman::new(ticks, per_minute)));
    let door = Door { tls, pace: config.limits.pace };
    let far = async {
        if let Some(port) = bound.port {
            door::serve(port, door, app.clone(), shutdown.clone()).await;
        }
    };
    tokio::join!(far, near(bound.socket, app.clone(), shutdown.clone()));
}

async fn near(listener: UnixListener, app: axum::Router, mut shutdown: watch::Receiver<bool>) {
    let ended = async move {
        // An error means that the provider is gone: the end as well.
        drop(shutdown.wait_for(|down| *down).await);
    };
    let app = app.into_make_service_with_connect_info::<socket::Peer>();
    if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(ended).await {
        tracing::error!(%error, "the administrative interface ended");
    }
}
