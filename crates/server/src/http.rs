//! The administrative interface: HTTP/JSON on a Unix socket. Who asks, and what he may, is `authority`.

mod authority;
mod log;
mod routes;
mod socket;

use std::sync::Weak;

use tokio::net::UnixListener;
use tokio::sync::watch;

use crate::provider::Provider;
pub use routes::{blocked_boxes, directory};
pub use socket::bind;

/// Answers until the service ends.
pub async fn serve(listener: UnixListener, provider: Weak<Provider>, mut shutdown: watch::Receiver<bool>) {
    let app = routes::router(provider).into_make_service_with_connect_info::<socket::Uid>();
    let ended = async move {
        // An error means that the provider is gone: the end as well.
        drop(shutdown.wait_for(|down| *down).await);
    };
    if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(ended).await {
        tracing::error!(%error, "the administrative interface ended");
    }
}
