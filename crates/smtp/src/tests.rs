//! Both sessions, alone and against each other.

mod client;
mod hostile;
mod invariance;
mod pair;
mod peers;
mod server;
mod smuggling;
mod stub;
