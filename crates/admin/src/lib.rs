//! Administrative requests and replies, their client, and the CLI verbs that use it.
//!
//! Knows: the HTTP/JSON interface (`/v1/…`) on the administrative Unix socket and over TLS, its types, and how a person
//! asks it from a shell.
//! Must never know: how the engine answers, where the store is, what a protocol session does.
//! Entry points: [`api`] (types and paths, shared with the server), [`Client`], [`verbs`].
//! RFCs: 9110 and 9112 (HTTP/1.1), 9457 (problem details, `application/problem+json`).
//! Invariants: every reply of the interface round-trips through its type (`api::tests`); a password never stands in an
//! argument list nor in a `Debug` text (`api::tests`, `verbs::mailbox::tests`); an error reply is told with its detail
//! (`client::tests`);
//! nothing read is nothing proven (`verbs::log::verify::tests`).

pub mod api;
mod client;
pub mod csv;
pub mod report;
mod terminal;
pub mod verbs;

pub use client::{Client, Error};
pub use sigillo_base::Lang;
