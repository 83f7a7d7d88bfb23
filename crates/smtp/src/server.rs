//! The server's side: submission and reception.
//!
//! The session is lazy: [`Session::input`] only keeps the bytes, [`Session::poll`] obeys them one command at a time and
//! stops as soon as an answer is needed. So pipelined commands cost nothing but their bytes (RFC 2920), and those
//! that wait while an answer is outstanding are bounded.

mod auth;
mod bdat;
mod command;
mod config;
mod data;
mod ehlo;
mod helo;
mod help;
mod mail;
mod noop;
mod quit;
mod rcpt;
mod rset;
mod starttls;
mod vrfy;

use std::collections::VecDeque;

use sigillo_base::Address;
use sigillo_wire::sasl::{Binding, Claim, Exchange, Offer, Query, SaslError, ScramKeys};
use sigillo_wire::{LineError, Lines, Session, Tick};

use crate::Reply;
use crate::content::Content;
use crate::dots::Unstuffer;
use crate::dsn::{Notify, OriginalRecipient, Ret};
pub use config::{Config, Role};

/// What MAIL said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailFrom {
    /// The reverse-path; `None` is `<>`.
    pub from: Option<Address>,
    /// Octets announced by the SIZE parameter (RFC 1870), already within the limit.
    pub size: Option<u64>,
    /// `BODY=8BITMIME` was given.
    pub eight_bit: bool,
    /// `SMTPUTF8` was given: addresses and the header may hold UTF-8 (RFC 6531).
    pub utf8: bool,
    /// `REQUIRETLS` was given: the message and what comes of it go over TLS or nowhere (RFC 8689).
    pub require_tls: bool,
    /// `RET`
    pub ret: Option<Ret>,
    /// `ENVID`, decoded.
    pub envid: Option<String>,
}

/// What RCPT said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RcptTo {
    /// The recipient.
    pub address: Address,
    /// `NOTIFY`; without it, reports of failure are wanted.
    pub notify: Option<Notify>,
    /// `ORCPT`
    pub orcpt: Option<OriginalRecipient>,
}

/// What the driver must do. `Lookup`, `Authenticate`, `Mail`, `Rcpt` and `DataEnd` wait for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send these bytes.
    Write(Vec<u8>),
    /// Begin the TLS handshake, then call [`Server::tls_started`]; close when it fails. The bytes read from the socket
    /// before belong to nobody and must not be fed any more.
    StartTls,
    /// Find this out for an exchange in progress, then call [`Server::keys`], [`Server::token`], or
    /// [`Server::authenticated`] with a refusal when it cannot be found out.
    Lookup(Query),
    /// Judge this claim, then call [`Server::authenticated`].
    Authenticate(Claim),
    /// A transaction is asked for; [`Server::answer`].
    Mail(MailFrom),
    /// A recipient; [`Server::answer`].
    Rcpt(RcptTo),
    /// The message begins. `DataEnd` or `Reset` will follow.
    DataStart,
    /// A piece of the message, dots already taken away.
    DataChunk(Vec<u8>),
    /// The message is whole; [`Server::answer`] once its fate is durable.
    DataEnd {
        /// Octets of the message, equal to the sum of the chunks.
        size: u64,
        /// Whether any octet was 0x80 or more, whatever MAIL said.
        eight_bit: bool,
    },
    /// The transaction that `Mail` began is dropped with all that came since: RSET, EHLO, STARTTLS, a message that is
    /// not taken, the end of the connection. Nothing to answer.
    Reset,
    /// Close the connection, after what was written has gone out. Nothing follows.
    Close,
}

/// What an answer is awaited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// An error is answered in place of the refusal: by its last words the client ended an exchange that had failed.
    Credentials(Option<SaslError>),
    Mail,
    Rcpt,
    DataEnd,
}

#[derive(Debug)]
enum State {
    Command,
    Auth(Exchange),
    Lookup(Exchange),
    Data(Unstuffer),
    Chunk(bdat::Chunk),
    Waiting(Question),
    Tls,
    Closed,
}

/// A server session. The greeting is its first action.
#[derive(Debug)]
pub struct Server {
    config: Config,
    lines: Lines,
    queue: VecDeque<Action>,
    state: State,
    tls: bool,
    offer: Offer,
    /// The name of EHLO or HELO; empty before.
    peer: String,
    extended: bool,
    user: Option<String>,
    /// A positive answer to MAIL was given, or is being waited for, and nothing ended the transaction yet.
    open: bool,
    recipients: usize,
    /// MAIL said SMTPUTF8.
    utf8: bool,
    /// What the chunks of BDAT brought so far.
    body: Option<Content>,
    bad_commands: u32,
    /// MAIL or RCPT was refused, and nothing ended the transaction yet.
    refused: bool,
    bad_logins: u32,
    now: Tick,
    /// When the session began to wait for what it waits for.
    since: Tick,
    /// When the message began.
    data_since: Tick,
    /// Octets of the message that came.
    octets: u64,
    ended: bool,
    stopping: bool,
}

/// No command or SASL response is longer (RFC 4954 §4 asks for 12 288 with the widest mechanisms, RFC 5321 for 512;
/// those offered here fit into 4 096 and their verb).
const MAX_LINE: usize = 8 * 1024;

/// Bytes kept while an answer is outstanding. More means that nobody heeds the back-pressure: the session closes.
pub const MAX_HELD: usize = 1 << 20;

/// A `Write` is given out once it has this size, even if more replies could join it.
const WRITE_UNIT: usize = 16 * 1024;

impl Server {
    /// A session on a fresh connection; `tls_now` when the handshake is already done (port 465).
    pub fn new(config: Config, tls_now: bool, now: Tick) -> Self {
        let mut server = Self {
            lines: Lines::new(MAX_LINE),
            queue: VecDeque::new(),
            state: State::Command,
            tls: tls_now,
            offer: Offer { bearer: config.bearer, ..Offer::default() },
            peer: String::new(),
            extended: false,
            user: None,
            open: false,
            recipients: 0,
            utf8: false,
            body: None,
            bad_commands: 0,
            refused: false,
            bad_logins: 0,
            now,
            since: now,
            data_since: now,
            octets: 0,
            ended: false,
            stopping: false,
            config,
        };
        let greeting = Reply::bare(220, format!("{} ESMTP {}", server.config.host, server.config.greeting));
        server.say(&greeting);
        server
    }

    /// The handshake asked by [`Action::StartTls`] is done. The session begins anew (RFC 3207 §4.2).
    pub fn tls_started(&mut self, now: Tick) {
        self.tick(now);
        if !matches!(self.state, State::Tls) {
            return;
        }
        self.tls = true;
        self.peer.clear();
        self.extended = false;
        self.user = None;
        self.enter(State::Command);
    }

    /// TLS stands, and this is what SCRAM-SHA-256-PLUS can bind to; before the first command inside it.
    pub fn bind(&mut self, binding: Binding) {
        self.offer.binding = binding;
    }

    /// TLS stands, and the client has shown a good certificate with these addresses: EXTERNAL is offered for them.
    pub fn show(&mut self, addresses: Vec<Address>) {
        self.offer.shown = addresses;
    }

    /// Answers [`Query::Keys`] of [`Action::Lookup`]; `nonce` is fresh and random, in letters and digits. Ignored when
    /// nothing was asked.
    pub fn keys(&mut self, keys: ScramKeys, nonce: &str, now: Tick) {
        self.found(now, |exchange| exchange.keys(keys, nonce));
    }

    /// Answers [`Query::Token`] of [`Action::Lookup`]: whose it is, if it is good. Ignored when nothing was asked.
    pub fn token(&mut self, owner: Option<String>, now: Tick) {
        self.found(now, |exchange| exchange.token(owner));
    }

    /// Answers [`Action::Authenticate`]: the user logged in, or `None` and the refusal to say (usually
    /// `535 5.7.8`). Ignored when nothing was asked.
    pub fn authenticated(&mut self, user: Option<String>, refusal: Reply, now: Tick) {
        self.tick(now);
        let refusal = match self.state {
            State::Waiting(Question::Credentials(error)) => error.map_or(refusal, auth::no_exchange),
            State::Lookup(_) => refusal,
            _ => return,
        };
        self.enter(State::Command);
        self.auth_answered(user, &refusal);
    }

    /// Answers [`Action::Mail`], [`Action::Rcpt`] or [`Action::DataEnd`]. 2xx accepts; 421 also closes the connection.
    /// Ignored when nothing was asked.
    pub fn answer(&mut self, reply: Reply, now: Tick) {
        self.tick(now);
        let State::Waiting(question) = self.state else { return };
        self.refused |= matches!(question, Question::Mail | Question::Rcpt) && !reply.is_positive();
        match question {
            Question::Credentials(_) => return,
            Question::Mail => self.open = reply.is_positive(),
            Question::Rcpt => self.recipients += usize::from(reply.is_positive()),
            Question::DataEnd => {
                self.open = false;
                if reply.is_positive() {
                    self.bad_commands = 0;
                }
            }
        }
        self.enter(State::Command);
        self.say(&reply);
        if reply.code == 421 {
            self.hang_up();
        }
    }

    /// The name the client gave itself; empty before EHLO or HELO. Letters, digits and `.-_:[]` only.
    pub fn ehlo_name(&self) -> &str {
        &self.peer
    }

    /// Whether the connection is encrypted.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Octets of the message on its way that came, also those that are not kept because it is refused already.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Who logged in.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The server goes down: 421 4.3.2 at the next command boundary. A message on its way may still arrive and be
    /// answered.
    pub fn shutdown(&mut self, now: Tick) {
        self.tick(now);
        self.stopping = true;
    }

    /// The client is too slow for the driver: 421 4.4.2, and what it began is dropped. Ignored while an answer is
    /// outstanding.
    pub fn give_up(&mut self, now: Tick) {
        self.tick(now);
        if matches!(self.state, State::Closed | State::Waiting(_)) {
            return;
        }
        if !matches!(self.state, State::Tls) {
            self.say(&Reply::new(421, (4, 4, 2), "Tempo scaduto / Timeout, closing connection"));
        }
        self.hang_up();
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.lines.held().len()
    }

    fn tick(&mut self, now: Tick) {
        self.now = self.now.max(now);
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.since = self.now;
    }

    fn ask(&mut self, question: Question, action: Action) {
        self.queue.push_back(action);
        self.enter(State::Waiting(question));
    }

    /// Replies that follow each other join into one write.
    fn say(&mut self, reply: &Reply) {
        if let Some(Action::Write(bytes)) = self.queue.back_mut() {
            bytes.extend(reply.encode());
        } else {
            self.queue.push_back(Action::Write(reply.encode()));
        }
    }

    /// A reply to a command that makes no sense; too many of them end the session.
    fn bad(&mut self, reply: &Reply) {
        self.bad_commands += 1;
        if self.bad_commands > self.config.bad_commands {
            self.say(&Reply::new(421, (4, 7, 0), "Too many errors"));
            self.hang_up();
        } else {
            self.say(reply);
        }
    }

    /// A refusal of MAIL or RCPT that blames no syntax: what was pipelined behind it is not senseless.
    fn refuse(&mut self, reply: &Reply) {
        self.refused = true;
        self.say(reply);
    }

    /// A reply to a command that has nothing to go with. Behind one that was refused it was pipelined in good faith
    /// (RFC 2920 §3.1): who sends mail for hours meets limits, and recipients that are gone, now and then.
    fn pointless(&mut self, reply: &Reply) {
        if self.refused { self.say(reply) } else { self.bad(reply) }
    }

    /// Drops the transaction, if there is one.
    fn reset(&mut self) {
        self.refused = false;
        if std::mem::take(&mut self.open) {
            self.queue.push_back(Action::Reset);
        }
        self.recipients = 0;
        self.body = None;
    }

    fn hang_up(&mut self) {
        self.reset();
        self.queue.push_back(Action::Close);
        self.lines.clear();
        self.enter(State::Closed);
    }

    /// Goes on by one command, or by one piece of message; `false` when there is nothing to go on with.
    fn step(&mut self) -> bool {
        match self.state {
            State::Closed | State::Waiting(_) | State::Lookup(_) => false,
            State::Tls if !self.ended => false,
            State::Tls => {
                self.hang_up();
                true
            }
            State::Data(_) => self.step_data() || self.step_end(),
            State::Chunk(_) => self.step_chunk() || self.step_end(),
            State::Command | State::Auth(_) if self.stopping => {
                self.say(&Reply::new(421, (4, 3, 2), "Servizio in chiusura / Service shutting down"));
                self.hang_up();
                true
            }
            State::Command | State::Auth(_) => match self.lines.next_line() {
                Some(line) => {
                    self.since = self.now;
                    self.line(line);
                    true
                }
                None => self.step_end(),
            },
        }
    }

    /// Everything that came was obeyed: if nothing more can come, the session is over.
    fn step_end(&mut self) -> bool {
        if self.ended {
            self.hang_up();
        }
        self.ended
    }

    fn line(&mut self, line: Result<Vec<u8>, LineError>) {
        match (line, std::mem::replace(&mut self.state, State::Command)) {
            (line, State::Auth(exchange)) => self.auth_response(exchange, line),
            (Ok(line), _) => self.command(&line),
            (Err(LineError::TooLong), _) => self.bad(&Reply::new(500, (5, 5, 2), "Line too long")),
            (Err(LineError::Stray), _) => self.bad(&Reply::new(500, (5, 5, 2), "Lines end in CRLF only")),
        }
    }
}

impl Session for Server {
    type Action = Action;

    /// While an answer is outstanding, at most [`MAX_HELD`] bytes are kept: a driver that feeds more ends the session.
    fn input(&mut self, now: Tick, bytes: &[u8]) {
        self.tick(now);
        match self.state {
            State::Closed | State::Tls => return, // in State::Tls: sent in clear after STARTTLS, never obeyed
            State::Waiting(_) | State::Lookup(_) if self.lines.held().len() + bytes.len() > MAX_HELD => {
                // A message that is being decided has its fate.
                self.open &= !matches!(self.state, State::Waiting(Question::DataEnd));
                self.say(&Reply::new(421, (4, 7, 0), "Too much input"));
                return self.hang_up();
            }
            State::Data(_) | State::Chunk(_) => self.since = self.now,
            _ => {}
        }
        self.lines.push(bytes);
    }

    /// What came before is still obeyed, and answers are still awaited; then the session closes.
    fn end_of_input(&mut self, now: Tick) {
        self.tick(now);
        self.ended = true;
    }

    fn timeout(&mut self, now: Tick) {
        self.tick(now);
        if self.deadline().is_some_and(|d| d <= self.now) {
            self.give_up(now);
        }
    }

    fn poll(&mut self) -> Option<Action> {
        loop {
            let ready = match self.queue.front() {
                Some(Action::Write(bytes)) => self.queue.len() > 1 || bytes.len() >= WRITE_UNIT,
                Some(_) => true,
                None => false,
            };
            if ready || !self.step() {
                return self.queue.pop_front();
            }
        }
    }

    /// None while an answer is outstanding: how long that may take is the driver's to say.
    fn deadline(&self) -> Option<Tick> {
        let (patience_ms, message) = match self.state {
            State::Closed | State::Waiting(_) | State::Lookup(_) => return None,
            State::Command | State::Auth(_) | State::Tls => (self.config.command_timeout_ms, self.body.is_some()),
            State::Data(_) | State::Chunk(_) => (self.config.data_timeout_ms, true),
        };
        let end = message.then(|| self.data_since.plus_ms(self.config.message_timeout_ms));
        [Some(self.since.plus_ms(patience_ms)), end].into_iter().flatten().min()
    }
}
