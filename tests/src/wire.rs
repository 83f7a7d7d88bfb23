//! Drives a connection as the program does, without sockets: bytes in, bytes out, work done at once.

use std::sync::Arc;

use sigillo_accounts::PasswordHash;
use sigillo_base::{Address, Secret, Timestamp};
use sigillo_engine::Engine;
use sigillo_engine::front::{Connection, Step};
use sigillo_store::Store;
use sigillo_wire::Tick;

use crate::fixtures::NOW;
use crate::house::House;

/// A client's end of a connection.
pub struct Wire {
    /// The server's end.
    pub connection: Box<dyn Connection>,
    /// The service time of what it asks for.
    pub now: Timestamp,
    /// The time of its deadlines.
    pub tick: Tick,
    /// Whether the server has closed it.
    pub closed: bool,
}

impl Wire {
    /// A connection that was just made.
    pub fn new(connection: Box<dyn Connection>, now: Timestamp) -> Self {
        Self { connection, now, tick: Tick(0), closed: false }
    }

    /// What the server says until it waits.
    pub fn hear(&mut self) -> Vec<u8> {
        let mut heard = Vec::new();
        loop {
            match self.connection.step() {
                Step::Write(bytes) => heard.extend(bytes),
                Step::Work { .. } => self.connection.work(self.now, self.tick),
                Step::StartTls => self.connection.tls_started(self.tick),
                Step::Close => {
                    self.closed = true;
                    return heard;
                }
                Step::Wait => return heard,
            }
        }
    }

    /// Sends bytes, and gives what is answered.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.connection.input(self.tick, bytes.as_ref());
        String::from_utf8_lossy(&self.hear()).into_owned()
    }

    /// Lets the time of the connection's deadline come.
    pub fn wait(&mut self) -> String {
        self.tick = self.connection.deadline().expect("something is waited for");
        self.connection.timeout(self.tick);
        String::from_utf8_lossy(&self.hear()).into_owned()
    }
}

/// Gives a user a password, and the engine for a connection.
pub fn engine_with_password<S: Store + Clone>(house: &House<S>, user: &Address, password: &str) -> Arc<Engine<S>> {
    let hash = PasswordHash::create(&Secret::new(password.into()), [7; 16]).expect("a hash");
    let engine = Arc::clone(house.engine());
    engine.set_password(house.login(user).mailbox, hash, NOW).expect("the password is set");
    engine
}
