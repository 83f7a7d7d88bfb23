//! What the service and systemd tell each other. Started by anybody else, the program says nothing and asks for nothing.

mod notify;
mod sockets;
mod watch;

pub use notify::Notifier;
pub use sockets::{CHALLENGES, HandedOver};
pub use watch::{sentence, watch};
