//! The client's side: handing one message, or several one after the other, to another server.
//!
//! Every recipient gets an outcome of its own, and every way a connection can end gives one. What a server says counts
//! only when it is asked for: replies that come too early wait for their command.

mod auth;
mod config;
mod data;
mod ehlo;
mod envelope;
mod greeting;
mod outcome;
mod rset;
mod starttls;

use std::collections::VecDeque;

use sigillo_base::Address;
use sigillo_wire::{Session, Tick};

use crate::Reply;
use crate::dots::Stuffer;
use crate::reply::Reader;
pub use config::{Config, Login, Timeouts};
pub use ehlo::Extensions;
pub use outcome::{Failure, RecipientOutcome};

use envelope::Progress;

/// One message to hand over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The reverse-path; `None` is `<>`.
    pub from: Option<Address>,
    /// The recipients at this server.
    pub to: Vec<Address>,
    /// Octets of the message.
    pub size: u64,
    /// Whether any octet is 0x80 or more. It is announced where 8BITMIME is offered; elsewhere the message goes as it
    /// is, because signed bytes are never re-encoded.
    pub eight_bit: bool,
    /// An address, or the message's header, is not ASCII: a server without SMTPUTF8 cannot have it (RFC 6531 §3.2).
    pub utf8: bool,
    /// Every server on its way must protect it (RFC 8689 §4): who does not say so cannot have it.
    pub require_tls: bool,
}

/// What the driver must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send these bytes. While the message is being sent no deadline is given: the driver bounds each write by
    /// [`Timeouts::data_block_ms`], and a write that fails is told by [`Session::end_of_input`].
    Write(Vec<u8>),
    /// Begin the TLS handshake, then call [`Client::tls_started`] or [`Client::tls_failed`].
    StartTls,
    /// Give the next piece of the message by [`Client::body`], or say [`Client::body_end`].
    NeedBody,
    /// The transaction is over: the outcomes, in the order of [`Envelope::to`]. Unless `Close` follows, the connection
    /// is good for [`Client::next`], and must be ended by [`Client::quit`].
    Done(Vec<RecipientOutcome>),
    /// Close the connection, after what was written has gone out. Nothing follows.
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Handshake,
    Auth,
    Rset,
    /// Replies to MAIL, RCPT and DATA are awaited.
    Envelope,
    Body,
    /// The final dot is out.
    BodyEnd,
    /// The final dot of the empty message nobody takes is out (RFC 2920 §3.1).
    EmptyEnd,
    Idle,
    Quit,
    Closed,
}

/// A client session for one connection.
#[derive(Debug)]
pub struct Client {
    config: Config,
    envelope: Envelope,
    progress: Progress,
    reader: Reader,
    queue: VecDeque<Action>,
    state: State,
    extensions: Extensions,
    tls: bool,
    /// Greeting, TLS and login are behind us.
    met: bool,
    /// The server may still hold a transaction of ours.
    dirty: bool,
    stuffer: Stuffer,
    body_asked: bool,
    now: Tick,
    /// Since when a reply is awaited; `None` until the driver tells the time.
    since: Option<Tick>,
    started: Tick,
    ended: bool,
}

/// Bytes kept of what a server says unasked. More is no mail server.
const MAX_HELD: usize = 1 << 20;

impl Client {
    /// A session on a fresh connection; it waits for the greeting.
    pub fn new(config: Config, envelope: Envelope, now: Tick) -> Self {
        Self {
            progress: Progress::new(&envelope),
            tls: config.under_tls,
            config,
            envelope,
            reader: Reader::new(),
            queue: VecDeque::new(),
            state: State::Greeting,
            extensions: Extensions::default(),
            met: false,
            dirty: false,
            stuffer: Stuffer::default(),
            body_asked: false,
            now,
            since: Some(now),
            started: now,
            ended: false,
        }
    }

    /// The connection is gone as far as the driver knows (a body that cannot be read, a shutdown): gives it up without
    /// ever sending the final dot. Before the dot the failure is temporary; after it, nobody knows.
    pub fn abort(&mut self, why: &str, now: Tick) {
        self.tick(now);
        self.lose(why.to_owned());
    }

    /// Begins another transaction on the same connection. False when it is not usable any more (or not yet): the
    /// envelope needs another connection.
    pub fn next(&mut self, envelope: Envelope, now: Tick) -> bool {
        self.tick(now);
        if self.state != State::Idle || self.ended || !self.reader.is_empty() || !self.queue.is_empty() {
            return false;
        }
        self.progress = Progress::new(&envelope);
        self.envelope = envelope;
        self.started = self.now;
        if self.dirty {
            self.rset()
        } else {
            self.begin_envelope()
        }
        true
    }

    /// Takes leave. In the midst of a transaction it is given up, as by [`Client::abort`].
    pub fn quit(&mut self, now: Tick) {
        self.tick(now);
        match self.state {
            State::Closed | State::Quit => {}
            State::Idle => self.send("QUIT", State::Quit),
            _ => self.lose("consegna interrotta".to_owned()),
        }
    }

    /// Whether the connection is encrypted.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Whether the server let us in: what went wrong before that says something of the server, not of the message.
    pub fn is_met(&self) -> bool {
        self.met
    }

    /// What the server offered in its last answer to EHLO.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.reader.held().len()
    }

    fn tick(&mut self, now: Tick) {
        self.now = self.now.max(now);
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.since = Some(self.now);
    }

    /// Sends a command and waits for its reply.
    fn send(&mut self, command: &str, state: State) {
        self.write(format!("{command}\r\n").into_bytes());
        self.enter(state);
    }

    /// What follows each other goes in one piece.
    fn write(&mut self, bytes: Vec<u8>) {
        match self.queue.back_mut() {
            _ if bytes.is_empty() => {}
            Some(Action::Write(before)) => before.extend(bytes),
            _ => self.queue.push_back(Action::Write(bytes)),
        }
    }

    fn close(&mut self) {
        self.queue.push_back(Action::Close);
        self.enter(State::Closed);
    }

    /// Goes on by one reply; `false` when it must be waited for.
    fn step(&mut self) -> bool {
        match self.state {
            State::Closed => return false,
            State::Handshake if !self.ended => return false,
            State::Body if !self.ended => return self.ask_body(),
            _ => {}
        }
        match self.reader.next_reply() {
            Some(Ok(reply)) => self.reply(reply),
            Some(Err(error)) => self.lose(error.to_string()),
            None if self.ended => self.lose("il server ha chiuso la connessione".to_owned()),
            None => return false,
        }
        true
    }

    fn reply(&mut self, reply: Reply) {
        // A reply wherever none is due, and the connection out of step.
        let early = matches!(self.state, State::Body | State::Handshake);
        if early {
            return self.answered_early(reply);
        }
        self.since = Some(self.now);
        match self.state {
            State::Greeting => self.greeted(reply),
            State::Ehlo => self.ehlo_answered(reply),
            State::Helo => self.helo_answered(reply),
            State::StartTls => self.starttls_answered(reply),
            State::Auth => self.auth_answered(reply),
            State::Rset => self.rset_answered(reply),
            State::Envelope => self.envelope_answered(reply),
            State::BodyEnd => self.body_answered(reply),
            State::EmptyEnd => self.empty_answered(reply),
            State::Idle | State::Quit => self.close(),
            State::Body | State::Handshake | State::Closed => {}
        }
    }
}

impl Session for Client {
    type Action = Action;

    fn input(&mut self, now: Tick, bytes: &[u8]) {
        self.tick(now);
        match self.state {
            State::Closed | State::Handshake => {} // in the handshake: said in clear, must not count inside TLS
            _ if self.reader.held().len() + bytes.len() > MAX_HELD => {
                self.lose("il server ha inviato troppi dati".to_owned());
            }
            _ => self.reader.push(bytes),
        }
    }

    fn end_of_input(&mut self, now: Tick) {
        self.tick(now);
        self.ended = true;
    }

    /// May be called before the deadline too: then it only tells the time.
    fn timeout(&mut self, now: Tick) {
        self.tick(now);
        if self.since.is_none() {
            self.since = Some(self.now);
        } else if self.deadline().is_some_and(|d| d <= self.now) {
            self.lose("tempo scaduto in attesa del server".to_owned());
        }
    }

    fn poll(&mut self) -> Option<Action> {
        while self.queue.is_empty() && self.step() {}
        self.queue.pop_front()
    }

    /// After [`Client::body_end`], which knows no time, the deadline is at once: that [`Session::timeout`] only starts
    /// the waiting.
    fn deadline(&self) -> Option<Tick> {
        let t = &self.config.timeouts;
        let ms = match self.state {
            State::Closed | State::Idle | State::Body => return None,
            State::Greeting => t.greeting_ms,
            State::Ehlo | State::Helo | State::StartTls | State::Auth | State::Rset | State::Quit => t.command_ms,
            State::Handshake => t.tls_ms,
            State::Envelope if self.progress.only_data_awaited() => t.data_start_ms,
            State::Envelope => t.command_ms,
            State::BodyEnd | State::EmptyEnd => t.data_end_ms,
        };
        let Some(since) = self.since else { return Some(self.now) };
        let end = since.plus_ms(ms);
        // Nothing cuts short the wait after the final dot: giving up there is how mail comes twice (RFC 1047).
        let patient = self.state == State::BodyEnd;
        Some(if patient { end } else { end.min(self.started.plus_ms(t.transaction_ms)) })
    }
}
