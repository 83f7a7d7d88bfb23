//! The session itself: who may say what, and when. A file a command below it.

mod auth;
mod capa;
mod dele;
mod list;
mod listing;
mod noop;
mod pass;
mod quit;
mod reading;
mod retr;
mod rset;
mod stat;
mod stls;
mod top;
mod uidl;
mod user;
mod utf8;

use std::collections::VecDeque;

use sigillo_wire::sasl::{Binding, Claim, Exchange, Offer, Query, ScramKeys};
use sigillo_wire::{Lines, Session, Tick, human};

use crate::maildrop::{LoginRefusal, Maildrop, Refusal};
use listing::Listing;
use reading::Reading;

/// How a session behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Text of the greeting.
    pub greeting: String,
    /// OAUTHBEARER is offered: there is an identity provider to ask.
    pub bearer: bool,
    /// Silence before login until the connection is closed, in milliseconds.
    pub login_timeout_ms: u64,
    /// Silence after login, in milliseconds; at least 10 minutes (RFC 1939 §3).
    pub idle_timeout_ms: u64,
    /// Failed logins until the connection is closed.
    pub auth_attempts: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            greeting: "Sigillo".into(),
            bearer: false,
            login_timeout_ms: 3 * 60_000,
            idle_timeout_ms: 10 * 60_000,
            auth_attempts: 5,
        }
    }
}

/// What the driver must do, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send these bytes.
    Write(Vec<u8>),
    /// Start TLS, then [`Server::tls_started`].
    StartTls,
    /// Find this out for an exchange in progress, then [`Server::keys`], [`Server::token`], or [`Server::logged_in`] with
    /// a refusal.
    Lookup(Query),
    /// Judge this claim, and open the maildrop for this session alone, then [`Server::logged_in`].
    Login(Claim),
    /// Read at most [`PIECE`] octets of a message, once the writes have gone out, then [`Server::piece`].
    Read {
        /// Of this message.
        uid: u32,
        /// From this octet on.
        from: u64,
    },
    /// Remove these messages for good, then [`Server::removed`].
    Remove(Vec<u32>),
    /// Close the connection after what was written.
    Close,
}

/// Octets of a message, or of a list, that are in memory at once.
pub const PIECE: usize = 64 * 1024;

/// One POP3 connection, seen from the server. What came lies as bytes until [`Session::poll`] finds nothing else to do, so
/// that the answers to one command at a time are in memory.
#[derive(Debug)]
pub struct Server {
    config: Config,
    tls: bool,
    offer: Offer,
    lines: Lines,
    queue: VecDeque<Action>,
    state: State,
    wait: Wait,
    deadline: Tick,
    failed_logins: u32,
    bad_commands: u32,
    stopping: bool,
    ended: bool,
    closed: bool,
}

/// The states of RFC 1939; UPDATE is [`Wait::Removal`].
#[derive(Debug)]
enum State {
    /// Who USER said.
    Authorization(Option<String>),
    Transaction(Open),
}

/// The maildrop, and what is marked as deleted in it.
#[derive(Debug)]
struct Open {
    drop: Maildrop,
    marked: Vec<bool>,
}

/// What must come before the next command is looked at.
#[derive(Debug)]
enum Wait {
    Nothing,
    Tls,
    /// The next line is the client's answer to a challenge.
    Response(Exchange),
    Lookup(Exchange),
    Login,
    List(Listing),
    Read(Reading),
    Removal,
}

/// How a command fails.
enum Problem {
    /// It is none, or not now: too many of them end the session.
    Bad(&'static str),
    /// It cannot be done.
    No(Option<&'static str>, String),
}

/// Octets of a line: what SASL asks for (RFC 5034 §4), and more than RFC 2449 §4 does.
const MAX_LINE: usize = 12 * 1024;
/// Commands that are none, one after the other, until the connection is closed.
const MAX_BAD: u32 = 25;

impl Server {
    /// A session on a new connection, which is TLS already or not.
    pub fn new(config: Config, tls_now: bool, now: Tick) -> Self {
        let greeting = format!("+OK {}\r\n", human(&config.greeting));
        Self {
            tls: tls_now,
            offer: Offer { bearer: config.bearer, ..Offer::default() },
            lines: Lines::new(MAX_LINE),
            queue: VecDeque::from([Action::Write(greeting.into_bytes())]),
            state: State::Authorization(None),
            wait: Wait::Nothing,
            deadline: now.plus_ms(config.login_timeout_ms),
            failed_logins: 0,
            bad_commands: 0,
            stopping: false,
            ended: false,
            closed: false,
            config,
        }
    }

    /// TLS stands, and this is what SCRAM-SHA-256-PLUS can bind to; before the first command inside it.
    pub fn bind(&mut self, binding: Binding) {
        self.offer.binding = binding;
    }

    /// TLS stands, after [`Action::StartTls`]. The session begins anew (RFC 2595 §4).
    pub fn tls_started(&mut self, _now: Tick) {
        if matches!(self.wait, Wait::Tls) {
            self.tls = true;
            self.state = State::Authorization(None);
            self.wait = Wait::Nothing;
        }
    }

    /// Answers [`Query::Keys`] of [`Action::Lookup`]; `nonce` is fresh and random, in letters and digits.
    pub fn keys(&mut self, keys: ScramKeys, nonce: &str, now: Tick) {
        self.found(now, |exchange| exchange.keys(keys, nonce));
    }

    /// Answers [`Query::Token`] of [`Action::Lookup`]: whose it is, if it is good.
    pub fn token(&mut self, owner: Option<String>, now: Tick) {
        self.found(now, |exchange| exchange.token(owner));
    }

    /// The answer to [`Action::Login`]: the messages, or why not. A delay against guessing is the driver's work.
    pub fn logged_in(&mut self, result: Result<Maildrop, LoginRefusal>, now: Tick) {
        if !matches!(self.wait, Wait::Login | Wait::Lookup(_)) {
            return;
        }
        self.wait = Wait::Nothing;
        match result {
            Ok(drop) => {
                let (count, marked) = (drop.messages.len(), vec![false; drop.messages.len()]);
                self.state = State::Transaction(Open { drop, marked });
                self.ok(&format!("Casella aperta, messaggi: {count}"));
            }
            Err(refusal) => {
                let (code, why) = refusal.says();
                self.err(Some(code), why);
                self.failed_logins += 1;
                if self.failed_logins >= self.config.auth_attempts {
                    self.close();
                }
            }
        }
        self.touch(now);
    }

    /// The answer to [`Action::Remove`]: all of them are gone, or not.
    pub fn removed(&mut self, result: Result<(), Refusal>, _now: Tick) {
        if matches!(self.wait, Wait::Removal) {
            self.wait = Wait::Nothing;
            self.parted(result);
        }
    }

    /// The program ends: the session too, once the command under way is over. Nothing is removed.
    pub fn shutdown(&mut self, _now: Tick) {
        self.stopping = true;
    }

    /// Ends the session with this reason, at once. Nothing is removed.
    pub fn expel(&mut self, why: &str) {
        // In the middle of a message no line is ours.
        if !matches!(&self.wait, Wait::Read(reading) if reading.began) {
            self.err(Some("AUTH"), why);
        }
        self.close();
    }

    /// Whether the connection is encrypted.
    pub const fn is_tls(&self) -> bool {
        self.tls
    }

    /// Whether a login may be tried: before TLS no password travels (RFC 2595 §2.1).
    fn may_login(&self) -> Result<(), Problem> {
        if self.tls { Ok(()) } else { Err(Problem::No(None, "Accesso possibile solo con TLS: STLS".into())) }
    }

    /// The open maildrop; commands that need it are not let through without.
    fn open(&mut self) -> Result<&mut Open, Problem> {
        match &mut self.state {
            State::Transaction(open) => Ok(open),
            State::Authorization(_) => Err(NOT_NOW),
        }
    }

    /// A line that is a command.
    fn command(&mut self, line: &[u8]) -> Result<(), Problem> {
        let (verb, argument) = match line.iter().position(|b| *b == b' ') {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &b""[..]),
        };
        let verb = verb.to_ascii_uppercase();
        let inside = matches!(self.state, State::Transaction(_));
        match (verb.as_slice(), inside) {
            (b"CAPA", _) => self.capa(),
            (b"QUIT", _) => self.quit(),
            (b"USER", false) => return self.name(argument),
            (b"PASS", false) => return self.pass(argument),
            (b"AUTH", false) => return self.auth(argument),
            (b"STLS", false) => return self.stls(),
            (b"UTF8", false) => self.utf8(),
            (b"STAT", true) => return self.stat(),
            (b"LIST", true) => return self.list(argument),
            (b"UIDL", true) => return self.uidl(argument),
            (b"RETR", true) => return self.retr(argument),
            (b"TOP", true) => return self.top(argument),
            (b"DELE", true) => return self.dele(argument),
            (b"RSET", true) => return self.rset(),
            (b"NOOP", true) => self.noop(),
            (
                b"USER" | b"PASS" | b"AUTH" | b"STLS" | b"UTF8" | b"STAT" | b"LIST" | b"UIDL" | b"RETR" | b"TOP"
                | b"DELE" | b"RSET" | b"NOOP",
                _,
            ) => return Err(NOT_NOW),
            _ => return Err(Problem::Bad("Comando sconosciuto")),
        }
        Ok(())
    }

    fn line(&mut self, line: Result<Vec<u8>, sigillo_wire::LineError>) {
        // A line that cannot be read ends an exchange as a wrong one does.
        let wait = std::mem::replace(&mut self.wait, Wait::Nothing);
        let line = line.map_err(|error| match error {
            sigillo_wire::LineError::TooLong => Problem::Bad("Riga troppo lunga"),
            sigillo_wire::LineError::Stray => Problem::Bad("NUL, CR o LF isolato nella riga"),
        });
        let done = match (line, wait) {
            (Err(problem), Wait::Response(exchange)) => self.no_response(exchange, problem),
            (Err(problem), _) => Err(problem),
            (Ok(line), Wait::Response(exchange)) => self.response(exchange, &line),
            (Ok(line), _) => self.command(&line),
        };
        match done {
            Ok(()) => self.bad_commands = 0,
            Err(Problem::No(code, why)) => self.err(code, &why),
            Err(Problem::Bad(why)) => {
                self.err(None, why);
                self.bad_commands += 1;
                if self.bad_commands >= MAX_BAD {
                    self.close();
                }
            }
        }
    }

    /// Silence begins anew; before login it never does, so that nobody stays without a name.
    fn touch(&mut self, now: Tick) {
        if matches!(self.state, State::Transaction(_)) {
            self.deadline = now.plus_ms(self.config.idle_timeout_ms);
        }
    }

    fn write(&mut self, bytes: Vec<u8>) {
        if !self.closed {
            self.queue.push_back(Action::Write(bytes));
        }
    }

    fn ok(&mut self, text: &str) {
        self.write(format!("+OK {text}\r\n").into_bytes());
    }

    fn err(&mut self, code: Option<&str>, why: &str) {
        let code = code.map(|code| format!("[{code}] ")).unwrap_or_default();
        self.write(format!("-ERR {code}{}\r\n", human(why)).into_bytes());
    }

    fn close(&mut self) {
        if !self.closed {
            self.closed = true;
            self.wait = Wait::Nothing;
            self.queue.push_back(Action::Close);
        }
    }
}

const NOT_NOW: Problem = Problem::Bad("Comando non ammesso in questo stato");

impl Session for Server {
    type Action = Action;

    fn input(&mut self, now: Tick, bytes: &[u8]) {
        // What comes behind STLS was sent in the open.
        if !self.closed && !self.ended && !matches!(self.wait, Wait::Tls) {
            self.lines.push(bytes);
            self.touch(now);
        }
    }

    fn end_of_input(&mut self, _now: Tick) {
        self.ended = true;
        if matches!(self.wait, Wait::Tls) {
            self.wait = Wait::Nothing; // it will never stand
        }
    }

    fn timeout(&mut self, now: Tick) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.close(); // without a word, and nothing is removed (RFC 1939 §3)
        }
    }

    fn poll(&mut self) -> Option<Action> {
        loop {
            if let Some(action) = self.queue.pop_front() {
                return Some(action);
            }
            if self.closed {
                return None;
            }
            match std::mem::replace(&mut self.wait, Wait::Nothing) {
                Wait::List(listing) => self.more(listing),
                wait @ (Wait::Nothing | Wait::Response(_)) => {
                    self.wait = wait;
                    if self.stopping {
                        self.err(Some("SYS/TEMP"), "Il servizio si ferma, ricollegarsi fra poco");
                        self.close();
                    } else if let Some(line) = self.lines.next_line() {
                        self.line(line);
                    } else if self.ended {
                        self.close();
                    } else {
                        return None;
                    }
                }
                wait => {
                    self.wait = wait;
                    return None;
                }
            }
        }
    }

    fn deadline(&self) -> Option<Tick> {
        let busy = matches!(self.wait, Wait::Login | Wait::Lookup(_) | Wait::Read(_) | Wait::Removal);
        (!self.closed && !busy).then_some(self.deadline)
    }
}

#[cfg(test)]
mod tests;
