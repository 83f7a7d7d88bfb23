//! Protocol connections over the use-cases. One driver in the program serves every protocol: it moves bytes, starts
//! TLS, and runs [`Connection::work`] on a thread that may block.

mod boxes;
mod deflate;
mod imap;
mod login;
mod own;
mod pop3;
mod smtp;
mod wishes;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use sigillo_base::{Address, MailboxId, Timestamp};
use sigillo_store::Store;
use sigillo_wire::Tick;
use sigillo_wire::sasl::Binding;

use crate::Engine;
use crate::meter::Task;
pub use boxes::{Contents, Lying, Unfiled};
pub use login::Refused;
pub use own::{Claimant, OwnProof, Turned, own};
pub use wishes::{Wish, Wishes};

/// What the driver of a connection does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send these bytes, then ask again.
    Write(Vec<u8>),
    /// Make the TLS handshake as the server, then [`Connection::tls_started`].
    StartTls,
    /// Call [`Connection::work`] on a worker thread, then ask again. Do not read meanwhile.
    Work {
        /// The memory that this will take, in bytes: whoever bounds the sum of it makes the client wait.
        bytes: usize,
    },
    /// Close the connection.
    Close,
    /// Wait for input, for [`Connection::deadline`], or for a change of [`Connection::watching`].
    Wait,
}

/// One client connection, whatever it speaks.
pub trait Connection: Send {
    /// Bytes from the client.
    fn input(&mut self, now: Tick, bytes: &[u8]);
    /// The client closed its side.
    fn end_of_input(&mut self, now: Tick);
    /// The time of [`Connection::deadline`] has come.
    fn timeout(&mut self, now: Tick);
    /// When to call [`Connection::timeout`].
    fn deadline(&self) -> Option<Tick>;
    /// What to do next.
    fn step(&mut self) -> Step;
    /// What [`Connection::work`] would do now, for figures.
    fn task(&self) -> Option<Task> {
        None
    }
    /// Does what the client asked; may block on the store, a password hash or a signature. `now` is service time and
    /// becomes the one time of the transaction.
    fn work(&mut self, now: Timestamp, tick: Tick);
    /// TLS stands, from the beginning or from now on, and this ties a login to it; before the first step inside it.
    fn bind(&mut self, _binding: Binding) {}
    /// The client has shown a certificate that is good, with these addresses; told at the same time.
    fn show(&mut self, _addresses: Vec<Address>) {}
    /// The handshake of [`Step::StartTls`] is done.
    fn tls_started(&mut self, tick: Tick);
    /// The program ends: say goodbye at the next command boundary.
    fn shutdown(&mut self, tick: Tick);
    /// The mailbox whose changes this client waits for.
    fn watching(&self) -> Option<MailboxId> {
        None
    }
    /// That mailbox changed.
    fn wake(&mut self, _tick: Tick) {}
    /// Whether somebody came in: then [`Connection::ended`] has something to write down.
    fn is_in(&self) -> bool {
        false
    }
    /// The connection is over, in whatever way; may block on the store.
    fn ended(&mut self, _now: Timestamp) {}
}

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub ip: IpAddr,
}

impl Peer {
    /// Ourselves.
    pub const LOCAL: Self = Self { ip: IpAddr::V4(Ipv4Addr::LOCALHOST) };
}

/// A message as SMTP brought it.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// MAIL FROM; `None` is the null reverse-path.
    pub from: Option<Address>,
    /// RCPT TO, in order.
    pub to: Vec<Address>,
    /// The content, dot-unstuffed, CRLF.
    pub bytes: Vec<u8>,
    /// Who brought it.
    pub peer: Peer,
    /// The name it gave in EHLO.
    pub ehlo: String,
    /// Over TLS.
    pub tls: bool,
    /// By a user who logged in.
    pub authenticated: bool,
    /// With UTF-8 in addresses or header, as MAIL said (RFC 6531).
    pub utf8: bool,
    /// What its sender wants to hear of it, and how.
    pub wishes: Wishes,
}

impl Arrived {
    /// The trace line of RFC 5321 §4.4 for this message, ending in CRLF.
    pub fn received(&self, host: &str, id: &str, now: Timestamp) -> String {
        // RFC 3848 §2, RFC 6531 §4.3.
        let protocol = if self.utf8 { "UTF8SMTP" } else { "ESMTP" };
        let (tls, user) = (if self.tls { "S" } else { "" }, if self.authenticated { "A" } else { "" });
        // The client chose this name: only what a host name may hold is repeated.
        let fine = |c: &char| c.is_ascii_alphanumeric() || "-._:[]".contains(*c);
        let name: String = self.ehlo.chars().filter(fine).take(255).collect();
        let name = if name.is_empty() { "unknown" } else { &name };
        let (ip, date) = (self.peer.ip, now.rfc5322());
        format!("Received: from {name} ([{ip}])\r\n by {host} with {protocol}{tls}{user}\r\n id {id};\r\n {date}\r\n")
    }
}

/// A connection to the access point or the incoming point.
pub fn smtp<S: Store>(
    engine: Arc<Engine<S>>,
    role: sigillo_smtp::server::Role,
    peer: Peer,
    tls_now: bool,
    tick: Tick,
) -> Box<dyn Connection> {
    Box::new(smtp::Front::new(engine, role, peer, tls_now, tick))
}

/// A connection of a mail reader.
pub fn imap<S: Store>(engine: Arc<Engine<S>>, peer: Peer, tls_now: bool, tick: Tick) -> Box<dyn Connection> {
    Box::new(imap::Front::new(engine, peer, tls_now, tick))
}

/// A connection of a mail reader that fetches and goes.
pub fn pop3<S: Store>(engine: Arc<Engine<S>>, peer: Peer, tls_now: bool, tick: Tick) -> Box<dyn Connection> {
    Box::new(pop3::Front::new(engine, peer, tls_now, tick))
}
