//! The resolver for what is asked about ordinary mail.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::system_conf::read_system_conf;

/// How long one name server is waited for; there are two attempts.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks these name servers; the system's where none is given. `None` when the system has none.
pub(super) fn resolver(servers: &[SocketAddr]) -> Option<TokioResolver> {
    let (config, mut options) = if servers.is_empty() {
        read_system_conf().inspect_err(|error| tracing::error!(%error, "no DNS: no sender can be checked")).ok()?
    } else {
        let at_port = |mut connection: ConnectionConfig, port| {
            connection.port = port;
            connection
        };
        let server = |at: &SocketAddr| {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|c| at_port(c, at.port()));
            NameServerConfig::new(at.ip(), true, connections.to_vec())
        };
        (ResolverConfig::from_name_servers(servers.iter().map(server).collect()), ResolverOpts::default())
    };
    options.timeout = PATIENCE;
    options.attempts = 2;
    let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options);
    builder.build().inspect_err(|error| tracing::error!(%error, "no DNS: no sender can be checked")).ok()
}
