//! The session itself: who may say what, and when.

mod reading;
mod settling;

use std::collections::VecDeque;

use sigillo_base::limits::MB;
use sigillo_wire::sasl::{Binding, Claim, Exchange, Offer, Query, SaslError, ScramKeys, Step};
use sigillo_wire::{Session, Tick};

use crate::command::append::{HeaderSection, Reading};
use crate::command::{Announced, Without};
use crate::cursor::Problem;
use crate::enabled::Enabled;
use crate::framer::Framer;
use crate::keywords::Target;
use crate::notify::Notices;
use crate::view::Selected;
use crate::work::{Done, Job, Work};
use crate::{LoginRefusal, Mailboxes, Request, command, text};

/// How a session behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Text of the greeting, ASCII.
    pub greeting: String,
    /// Lets passwords travel without TLS. Never in service: RFC 3501 §11.1.
    pub allow_plaintext_login: bool,
    /// The largest message that APPEND takes, in octets, and all messages of one APPEND together.
    pub max_literal: u64,
    /// Silence before login until the connection is closed, in milliseconds.
    pub login_timeout_ms: u64,
    /// Silence after login, in milliseconds; at least 30 minutes (RFC 9051 §5.4).
    pub idle_timeout_ms: u64,
    /// OAUTHBEARER is offered: there is an identity provider to ask.
    pub bearer: bool,
    /// Failed logins until the connection is closed.
    pub auth_attempts: u32,
    /// Names of capabilities that are switched off: none of them is announced. [`Server::withhold`] adds an account's own.
    pub without: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            greeting: "Sigillo".into(),
            allow_plaintext_login: false,
            max_literal: 128 * MB,
            login_timeout_ms: 3 * 60_000,
            idle_timeout_ms: 30 * 60_000,
            bearer: false,
            auth_attempts: 5,
            without: Vec::new(),
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
    /// Judge this claim, then [`Server::logged_in`].
    Login(Claim),
    /// Call [`Server::run`] on a thread that may block; while [`Server::more`] then says so, again each time the
    /// writes have gone out.
    Request(Request),
    /// The next octets of the message of the last [`Request::Append`]: keep them for [`Mailboxes::append`].
    AppendChunk(Vec<u8>),
    /// The messages that came so are not stored: forget their octets.
    AppendDropped,
    /// Compress all that is written from now on, and expand what is read (RFC 4978).
    Compress,
    /// Send these bytes, the last that are compressed; what the client sends behind its command is not compressed either
    /// (RFC 8437 §4.1).
    Expand(Vec<u8>),
    /// IDLE began.
    IdleStart,
    /// It is over.
    IdleEnd,
    /// Nobody is logged in any more: forget whose folders these were.
    LoggedOut,
    /// Close the connection after what was written.
    Close,
}

/// One IMAP connection, seen from the server.
#[derive(Debug)]
pub struct Server {
    config: Config,
    tls: bool,
    offer: Offer,
    greeted: bool,
    framer: Framer,
    actions: VecDeque<Action>,
    wait: Wait,
    dialogue: Option<Dialogue>,
    append: Option<Append>,
    /// What a command whose literal was refused will be answered, once it has passed.
    refused: Option<Problem>,
    user: Option<String>,
    selected: Option<Selected>,
    enabled: Enabled,
    notices: Notices,
    target: Option<Target>,
    deadline: Tick,
    failed_logins: u32,
    bad_commands: u32,
    compressed: bool,
    stopping: bool,
    ended: bool,
    closed: bool,
}

/// Whose answer the session waits for. Meanwhile no command is looked at.
#[derive(Debug)]
enum Wait {
    Nothing,
    Tls,
    /// In place of the refusal the exchange has an answer of its own, if there is an error.
    Login {
        tag: String,
        error: Option<SaslError>,
    },
    Lookup {
        tag: String,
        exchange: Exchange,
    },
    Request(Box<Pending>),
}

/// A request under way. Without a tag it is a look of our own, for a client that waits for changes.
#[derive(Debug)]
struct Pending {
    tag: Option<String>,
    request: Request,
    job: Option<Job>,
    /// How it ended: the answer comes when the new messages are described that were told with it (RFC 5465 §5.2).
    ended: Option<Done>,
    /// When it began, or said last how far it is.
    told: Option<Tick>,
}

impl Pending {
    const fn new(tag: Option<String>, request: Request) -> Self {
        Self { tag, request, job: None, ended: None, told: None }
    }
}

/// Lines that are no commands.
#[derive(Debug)]
enum Dialogue {
    Sasl { tag: String, exchange: Exchange },
    Idle { tag: String },
}

/// An APPEND or REPLACE whose messages are coming.
#[derive(Debug)]
struct Append {
    tag: String,
    reading: Reading,
    /// The literal on its way: the client waits for leave; it may hold NUL.
    sync: bool,
    eight: bool,
    /// Octets of all literals.
    octets: u64,
    /// How far the header of the message has come; over, where it may be UTF-8.
    header: HeaderSection,
    /// An octet came where it may not be, or where it cannot be kept.
    wrong: Option<Problem>,
}

/// Commands that are none, one after the other, until the connection is closed.
const MAX_BAD: u32 = 25;
/// Milliseconds after which a long command says how far it is (RFC 9585 §3).
const PROGRESS_EVERY: u64 = 10_000;
/// Octets of a literal from somebody who has not logged in.
const MAX_STRANGER_LITERAL: u32 = 4096;

impl Server {
    /// A session on a new connection, which is TLS already or not.
    pub fn new(config: Config, tls_now: bool, now: Tick) -> Self {
        let deadline = now.plus_ms(config.login_timeout_ms);
        Self {
            offer: Offer { bearer: config.bearer, ..Offer::default() },
            greeted: false,
            tls: tls_now,
            framer: Framer::new(),
            actions: VecDeque::new(),
            wait: Wait::Nothing,
            dialogue: None,
            append: None,
            refused: None,
            user: None,
            selected: None,
            enabled: Enabled::of(&config.without),
            config,
            notices: Notices::default(),
            target: None,
            deadline,
            failed_logins: 0,
            bad_commands: 0,
            compressed: false,
            stopping: false,
            ended: false,
            closed: false,
        }
    }

    /// TLS stands, and this is what SCRAM-SHA-256-PLUS can bind to; before the first [`Session::poll`] inside it.
    pub fn bind(&mut self, binding: Binding) {
        self.offer.binding = binding;
    }

    /// Answers [`Query::Keys`] of [`Action::Lookup`]; `nonce` is fresh and random, in letters and digits.
    pub fn keys(&mut self, keys: ScramKeys, nonce: &str, now: Tick) {
        self.found(now, |exchange| exchange.keys(keys, nonce));
    }

    /// Answers [`Query::Token`] of [`Action::Lookup`]: whose it is, if it is good.
    pub fn token(&mut self, owner: Option<String>, now: Tick) {
        self.found(now, |exchange| exchange.token(owner));
    }

    fn found(&mut self, now: Tick, answer: impl FnOnce(&mut Exchange) -> Result<Step, SaslError>) {
        match std::mem::replace(&mut self.wait, Wait::Nothing) {
            Wait::Lookup { tag, mut exchange } => {
                let step = answer(&mut exchange);
                self.sasl(tag, step.map(|step| (exchange, step)));
                self.touch(now);
                self.advance(now);
            }
            other => self.wait = other,
        }
    }

    /// TLS stands, after [`Action::StartTls`]. What came in the open before it is forgotten (RFC 3501 §6.2.1).
    pub fn tls_started(&mut self, now: Tick) {
        if matches!(self.wait, Wait::Tls) {
            self.tls = true;
            self.framer.clear();
            self.wait = Wait::Nothing;
            self.advance(now);
        }
    }

    /// The answer to [`Action::Login`]: the user's name, or why not. A delay against guessing is the driver's work.
    pub fn logged_in(&mut self, result: Result<String, LoginRefusal>, now: Tick) {
        let (tag, error) = match std::mem::replace(&mut self.wait, Wait::Nothing) {
            Wait::Login { tag, error } => (tag, error),
            Wait::Lookup { tag, .. } => (tag, None),
            other => return self.wait = other,
        };
        match result {
            Ok(user) => {
                self.user = Some(user);
                let capabilities = self.capabilities();
                self.line(&format!("{tag} OK [CAPABILITY {capabilities}] Logged in"));
            }
            Err(refusal) => {
                match error {
                    Some(error) => self.no_exchange(&tag, error),
                    None => self.refuse_login(&tag, &refusal),
                }
                self.failed_logins += 1;
                if self.failed_logins >= self.config.auth_attempts {
                    self.bye("Troppi tentativi di accesso");
                }
            }
        }
        self.touch(now);
        self.advance(now);
    }

    fn refuse_login(&mut self, tag: &str, refusal: &LoginRefusal) {
        let (code, why) = match refusal {
            LoginRefusal::Credentials => ("AUTHENTICATIONFAILED", "Utente o password errati"),
            LoginRefusal::Denied(why) => ("AUTHORIZATIONFAILED", why.as_str()),
            LoginRefusal::Blocked(why) => ("CONTACTADMIN", why.as_str()),
            LoginRefusal::Expired(why) => ("EXPIRED", why.as_str()),
            LoginRefusal::Limit(why) => ("LIMIT", why.as_str()),
            LoginRefusal::Unavailable => ("UNAVAILABLE", "Accesso momentaneamente non possibile, riprovare"),
        };
        self.line(&format!("{tag} NO [{code}] {}", text::human(why)));
    }

    /// Names of capabilities that the account which is about to log in does not get; before [`Server::logged_in`].
    pub fn withhold(&mut self, names: impl IntoIterator<Item = String>) {
        let names: Vec<String> = names.into_iter().collect();
        self.enabled.without = self.enabled.without.and(Without::of(names.iter().map(String::as_str)));
    }

    /// Carries out the outstanding [`Request`], or the next part of it; may block in `boxes`.
    pub fn run(&mut self, boxes: &mut dyn Mailboxes, now: Tick) {
        let Wait::Request(mut pending) = std::mem::replace(&mut self.wait, Wait::Nothing) else { return };
        let tag = pending.tag.clone().unwrap_or_default();
        if let Some(folder) = self.selected.as_mut() {
            folder.view.hold(!self.notices.telling().messages);
        }
        let (selected, enabled, notices) = (&mut self.selected, &mut self.enabled, &mut self.notices);
        let mut work = Work { boxes, selected, enabled, notices, target: &mut self.target, out: Vec::new(), tag };
        let result = match pending.job.take() {
            None => command::run(&pending.request, self.config.max_literal, &mut work),
            Some(Job::Append(job)) => job.step(&mut work),
            Some(Job::Expunge(job)) => job.step(&mut work),
            Some(Job::Fetch(job)) => job.step(&mut work),
            Some(Job::Search(job)) => job.step(&mut work),
            Some(Job::Store(job)) => job.step(&mut work),
            Some(Job::Transfer(job)) => job.step(&mut work),
        };
        let out = work.out;
        self.write(out);
        self.tell_progress(&mut pending, &result, now);
        if pending.tag.is_some() {
            // Only the client's own words keep the connection.
            self.touch(now);
        }
        self.settle(*pending, result);
        self.advance(now);
    }

    /// Whether the request needs [`Server::run`] again, after the writes have gone out.
    pub fn more(&self) -> bool {
        matches!(&self.wait, Wait::Request(pending) if pending.job.is_some())
    }

    /// Whether an answer of the driver is outstanding: what is given to [`Session::input`] meanwhile only waits.
    pub const fn is_busy(&self) -> bool {
        !matches!(self.wait, Wait::Nothing)
    }

    /// The memory that [`Server::run`] will take beyond a piece of output, in octets.
    pub fn weight(&self) -> usize {
        match &self.wait {
            Wait::Request(pending) => pending.job.as_ref().map_or(0, Job::weight),
            _ => 0,
        }
    }

    /// Whether the client waits for changes of its mailbox, in IDLE or by NOTIFY: call [`Server::wake`] at each, and once
    /// when it begins to wait.
    pub fn listens(&self) -> bool {
        let idle = matches!(self.dialogue, Some(Dialogue::Idle { .. }));
        let between = idle || (self.dialogue.is_none() && self.append.is_none());
        !self.closed && ((idle && self.selected.is_some()) || (between && self.notices.listens()))
    }

    /// Something changed in the mailbox: tells it. May block in `boxes`; [`Server::more`] may hold then. Does nothing when
    /// nobody waits.
    pub fn wake(&mut self, boxes: &mut dyn Mailboxes, now: Tick) {
        if self.listens() && matches!(self.wait, Wait::Nothing) {
            self.wait = Wait::Request(Box::new(Pending::new(None, Request::Poll)));
            self.run(boxes, now);
        }
    }

    /// Ends the session with `BYE`, at once between commands and otherwise when the command under way is over.
    pub fn shutdown(&mut self, now: Tick) {
        self.stopping = true;
        self.advance(now);
    }

    /// Ends the session with `BYE` and this reason, at once: the command under way gets no answer. Within a response that is
    /// half written it ends without a word.
    pub fn expel(&mut self, why: &str) {
        self.bye(why);
    }

    /// Who logged in.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Whether the connection is encrypted.
    pub const fn is_tls(&self) -> bool {
        self.tls
    }

    const fn may_login(&self) -> bool {
        self.tls || self.config.allow_plaintext_login
    }

    fn capabilities(&self) -> String {
        let offer = self.may_login().then_some(&self.offer);
        Announced { tls: self.tls, offer, logged_in: self.user.is_some(), without: self.enabled.without }.line()
    }

    /// Silence begins anew; before login it never does, so that nobody stays without a name.
    fn touch(&mut self, now: Tick) {
        if self.user.is_some() {
            self.deadline = now.plus_ms(self.config.idle_timeout_ms);
        }
    }

    fn write(&mut self, bytes: Vec<u8>) {
        if bytes.is_empty() || self.closed {
            return;
        }
        match self.actions.back_mut() {
            Some(Action::Write(before)) if before.len() + bytes.len() <= 64 * 1024 => before.extend_from_slice(&bytes),
            _ => self.actions.push_back(Action::Write(bytes)),
        }
    }

    fn line(&mut self, text: &str) {
        self.write(format!("{text}\r\n").into_bytes());
    }

    fn bye(&mut self, why: &str) {
        // Within a literal every octet is the message's, also what looks like a line of ours (RFC 3501 §4.3).
        if !self.is_within_a_response() {
            self.line(&format!("* BYE {}", text::human(why)));
        }
        self.close();
    }

    fn is_within_a_response(&self) -> bool {
        let Wait::Request(pending) = &self.wait else { return false };
        matches!(&pending.job, Some(Job::Fetch(job)) if job.is_within_a_response())
    }

    fn close(&mut self) {
        if !self.closed {
            if matches!(self.dialogue, Some(Dialogue::Idle { .. })) {
                self.actions.push_back(Action::IdleEnd);
            }
            self.closed = true;
            self.dialogue = None;
            self.actions.push_back(Action::Close);
        }
    }
}

impl Session for Server {
    type Action = Action;

    fn input(&mut self, now: Tick, bytes: &[u8]) {
        if self.closed || matches!(self.wait, Wait::Tls) {
            return; // in the open after STARTTLS: never obeyed
        }
        self.framer.push(bytes);
        self.touch(now);
        self.advance(now);
    }

    fn end_of_input(&mut self, now: Tick) {
        self.ended = true;
        if matches!(self.wait, Wait::Tls) {
            self.wait = Wait::Nothing; // it will never stand
        }
        self.advance(now);
    }

    fn timeout(&mut self, now: Tick) {
        if self.deadline().is_some_and(|d| d <= now) {
            self.bye("Connessione chiusa per inattivita'");
        }
    }

    fn poll(&mut self) -> Option<Action> {
        if !std::mem::replace(&mut self.greeted, true) {
            let greeting =
                format!("* OK [CAPABILITY {}] {}\r\n", self.capabilities(), text::human(&self.config.greeting));
            self.actions.push_front(Action::Write(greeting.into_bytes()));
        }
        self.actions.pop_front()
    }

    fn deadline(&self) -> Option<Tick> {
        let busy = matches!(self.wait, Wait::Login { .. } | Wait::Lookup { .. } | Wait::Request(_));
        (!self.closed && !busy).then_some(self.deadline)
    }
}

#[cfg(test)]
mod tests;
