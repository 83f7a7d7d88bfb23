//! Sockets: listeners with limits, and one driver that serves every protocol.

mod driver;
mod limits;
mod listener;
mod network;
mod pool;
mod stream;
mod web;

pub use driver::{Driver, SERVER_HANDSHAKE};
pub use limits::{Full, Limits, Place};
pub use listener::{Greeter, bind, listen, next};
pub use network::Network;
pub use pool::{Memory, Pool};
pub use stream::Stream;
pub use web::serve_pages;

#[cfg(test)]
mod tests;
