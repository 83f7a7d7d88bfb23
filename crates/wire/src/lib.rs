//! Sans-IO vocabulary: what every protocol session has in common.
//!
//! Knows: bytes in, actions out; lines; SASL exchanges; names in modified UTF-7; scripts of sessions for tests.
//! Must never know: sockets, clocks, tokio, what a mailbox is.
//! Entry points: [`Session`], [`Lines`], [`human`], [`sasl`], [`proxy`], [`utf7`], [`transcript`].
//! RFCs: 5321 §2.3.8 (lines end in CRLF and nothing else), 4616 (PLAIN), 5802 and 7677 (SCRAM), 7628 (OAUTHBEARER),
//! 3501 §5.1.3 (modified UTF-7).
//! Invariants: the same bytes in any cuts give the same lines (`lines::tests`); a bare CR or LF never ends a line
//! (`lines::tests`); a PROXY header is whole and well formed, or refused (`proxy::tests`).

mod human;
mod lines;
pub mod proxy;
pub mod sasl;
mod session;
pub mod transcript;
pub mod utf7;

pub use human::{ascii, human};
pub use lines::{Line, LineError, Lines};
pub use session::{Session, Tick};
