//! SMTP sessions, server and client side, without sockets or clock.
//!
//! Knows: commands, replies, the order they come in, dot-stuffing, what may be said before and after TLS.
//! Must never know: sockets, clocks, accounts, the message store, the certified-mail rules. Whether a sender, a
//! recipient or a message is welcome is asked of the driver by an action, and answered with a [`Reply`].
//! Entry points: [`server::Server`], [`client::Client`]; both are [`sigillo_wire::Session`]s.
//! RFCs: 5321 (SMTP), 1870 (SIZE), 2034 and 3463 (enhanced codes), 2920 (PIPELINING), 3461 (DSN), 3207 (STARTTLS), 4954 (AUTH),
//! 3030 (CHUNKING), 6152 (8BITMIME), 6409 (submission),
//! 6531 (SMTPUTF8), 8689 (REQUIRETLS), 9422 (LIMITS).
//!
//! Invariants, each with its test:
//! - the same bytes in any cuts give the same actions (`tests::invariance`), and no bytes make a session panic;
//! - only CRLF `.` CRLF or the announced end of a last chunk ends a message; a message with a bare CR, a bare LF or a NUL is never handed over
//!   (`tests::smuggling`), and the client never sends one (`tests::client`);
//! - what was pipelined before TLS is not obeyed inside it (`tests::server`, `tests::client`);
//! - memory is bounded whatever the peer sends (`tests::hostile`);
//! - after `DataStart` comes `DataEnd` or `Reset`, never both (`tests::invariance`).

pub mod client;
mod content;
mod dots;
pub mod dsn;
mod path;
mod reply;
pub mod server;
#[cfg(test)]
mod tests;

pub use reply::{Error, Reply};
