//! POP3 server sessions, without sockets, clock or store.
//!
//! Knows: the commands and the states in which they may be said, message numbers, which messages are marked as deleted,
//! how a message is put onto the wire.
//! Must never know: sockets, clocks, stores, accounts, what certified mail is. It asks its driver through [`Action`]s.
//! Entry point: [`Server`].
//! RFCs: 1939; 2449 (CAPA, response codes, PIPELINING), 2595 (STLS), 3206 (SYS/TEMP, SYS/PERM, AUTH), 5034 (AUTH),
//! 6856 (UTF8).
//! Invariants:
//! - the same bytes in any cuts give the same actions (`server::tests::cuts_do_not_matter`);
//! - no bytes make it panic, and a bad line never desynchronises what follows it (`server::tests`);
//! - before TLS no password is asked for nor taken (`server::tests::no_login_in_the_open`);
//! - nothing is removed but by QUIT, and then what was marked, at once (`server::tests::two_sessions_are_as_their_model`);
//! - a client that takes dots away has the message and its only end, whatever the message holds (`dots::tests`);
//! - no more than one piece of a message or of a list is held (`server::tests::big_answers_come_in_pieces`).

mod dots;
mod maildrop;
mod server;

pub use maildrop::{LoginRefusal, Maildrop, Message, Piece, Refusal};
pub use server::{Action, Config, PIECE, Server};
