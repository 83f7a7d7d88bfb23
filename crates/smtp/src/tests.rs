//! Both sessions, alone and against each other.

mod bdat;
mod client;
mod extensions;
mod hostile;
mod invariance;
mod pair;
mod peers;
mod sasl;
mod server;
mod smuggling;
mod stub;
